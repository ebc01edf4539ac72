/* SPDX-License-Identifier: Apache-2.0 */
#ifndef NODE_SESSION_H
#define NODE_SESSION_H

#include "node/store/store.h"
#include "node/trust/status.h"
#include "protocol/buf.h"
#include "protocol/frame.h"

/*
 * A session: the link protocol of one connection (SPEC.md, "Link") as a pure state machine. No
 * socket, clock, thread or store: events come in by the functions below, effects go out by struct
 * session_calls. Everything that it keeps is bounded by its own limits and by the credit that it
 * granted, whatever the peer does and however slow the node is.
 *
 * One thread at a time. Effects are called from inside the functions below and must not call back
 * into the session: what they cause later (the fate of a message) comes in as an event of its own.
 */
struct session;

enum session_state {
	SESSION_NEW = 1, /* nothing sent yet */
	SESSION_HELLO,   /* our HELLO is out, the peer's is awaited */
	SESSION_UP,
	SESSION_ENDED /* bye said or heard, or a fault: every event is ignored; close the connection
		       */
};

/* Timers run on a clock that only goes forward; what the peer sees is wall time. Both in
 * microseconds. */
struct session_time {
	int64_t mono_us, wall_us;
};

/* Why it ended, for people. code is that of BYE; by_peer 1 if the peer said it. */
struct session_end {
	int by_peer;
	unsigned code;
	struct rv_err why;
};

struct session_calls {
	/* Sends a frame: n parts, the header first, borrowed. 0; RV_EAGAIN: not now (the session
	 * comes again after session_writable or a tick); anything else ends the session. */
	int (*send)(void *ctx, const struct rv_span *parts, size_t n);

	/* ---- to the intake: the fate comes back with the handle, always. What is borrowed is
	 * valid during the call. ---- RV_EAGAIN: no room (then no fate comes); the session asks the
	 * peer to try later. */
	int (*message)(void *ctx, const struct rv_item *item, uint32_t handle);
	int (*receipts)(void *ctx, const struct rv_span *receipts, size_t n, uint32_t handle);
	/* In order. Without data it asks how much is here already: as one that does not fit where
	 * the blob ends, its fate is RV_EAGAIN with next_offset, or 0 if it happens to fit. Without
	 * data at the end of a blob it completes it. */
	int (*chunk)(void *ctx, const struct store_fetch *what, uint64_t offset,
		struct rv_span data, uint32_t handle);

	/* ---- from the store: as the reader's functions of store.h; the lists are given back with
	 * the _free call ---- */
	int (*due)(void *ctx, unsigned priority, int64_t after_seq, size_t max, size_t max_bytes,
		struct store_due **list_r, size_t *n_r);
	void (*due_free)(void *ctx, struct store_due *list, size_t n);
	int (*receipts_due)(void *ctx, int64_t after_id, size_t max,
		struct store_receipt_due **list_r, size_t *n_r);
	void (*receipts_due_free)(void *ctx, struct store_receipt_due *list, size_t n);
	int (*fetches)(void *ctx, size_t max, struct store_fetch **list_r,
		size_t *n_r); /* *list_r is free()d */
	/* Exactly the bytes asked for, borrowed until the next call. RV_ENOTFOUND, RV_EDENIED, or
	 * another code: not now. */
	int (*serve)(void *ctx, const struct rv_chunk_request *r, struct rv_span *data_r);

	/* ---- trust lists and requests to join; each may be NULL ---- */
	/* A piece of our own list from offset on: fills p, lends the bytes until the next call.
	 * RV_ENOTFOUND. */
	int (*trust_piece)(void *ctx, uint32_t offset, struct rv_trust_part *p, struct rv_span *data_r);
	/* The answer to session_ask_trust; without data: the peer has no such list. */
	void (*trust_part)(void *ctx, const struct rv_trust_part *p, struct rv_span data);
	/* New keys of a member, with the voucher of its present signing key (not verified here). */
	void (*join)(void *ctx, struct rv_span request, const struct rv_vouch *v);

	/* ---- status of members' certificates; each may be NULL ---- */
	/* What the peer needs to judge messages of that member: at most max items, whose bytes are
	 * lent until the next call; how many. */
	size_t (*status_due)(void *ctx, const char *member, struct status_item *items, size_t max);
	/* A CRL or a response came, not verified here. */
	void (*status)(void *ctx, const struct status_item *item);

	/* ---- notes for the store ---- */
	void (*sent)(void *ctx, const int64_t *seqs, size_t n);
	void (*receipts_done)(void *ctx, const int64_t *ids, size_t n);
	void (*fetch_failed)(void *ctx, const uint8_t digest[RV_DIGEST_LEN], const char *why);

	/* ---- its life ---- */
	void (*up)(void *ctx, const struct rv_hello *peer);
	void (*ended)(void *ctx,
		const struct session_end *end); /* once; the session may not be freed in it */
};

struct session_params {
	char self[RV_CODE_TEXT];
	char peer[RV_CODE_TEXT]; /* the member whose CURVE key authenticated the connection */
	uint64_t trust_number, boot;
	uint64_t credit_messages,
		credit_bytes; /* what we grant; raised to what one message of full size needs */
	uint64_t attachment_max;
	int64_t heartbeat_us;
	const char *software;              /* copied */
	const struct session_calls *calls; /* borrowed */
	void *ctx;
};
int session_new(struct session **s_r, const struct session_params *p, struct session_time now,
	struct rv_err *e);
void session_free(struct session **s);

/* ---- events ---- */

/* The connection is authenticated and open: says HELLO. */
void session_open(struct session *s, struct session_time now);
/* A frame came: all its parts, header first. */
void session_frame(
	struct session *s, const struct rv_span *parts, size_t n, struct session_time now);
/* Time passed: call it a few times a second. */
void session_tick(struct session *s, struct session_time now);
/* Does what can be done now, for a bounded number of frames. 1: there is more to do; call again
 * after others had their turn. */
int session_pump(struct session *s, struct session_time now);
/* The channel takes frames again after RV_EAGAIN. */
void session_writable(struct session *s);
/*
 * Whether this session is the one that offers messages and receipts and fetches attachments; of two
 * connections between the same two nodes one does (links.c chooses). It answers the peer's in any
 * case. Off at first.
 */
void session_lead(struct session *s, int on);

/* Something new is due behind what was read last. */
void session_wake(struct session *s);
void session_wake_receipts(struct session *s);
/* Anything may be due, also before what was read last (a message completed, a way changed): read
 * anew. */
void session_wake_all(struct session *s);
void session_wake_fetches(struct session *s);
/* Our trust list has that number now: the peer is told before anything else is sent. */
void session_trust(struct session *s, uint64_t number);

/* More is known of members' certificates: what concerns members whose messages went to the peer goes
 * there too. */
void session_status_changed(struct session *s);

/* Asks the peer for its trust list from an offset on; what was asked before is given up. */
void session_ask_trust(struct session *s, uint64_t number, uint32_t offset);
/* Passes new keys of a member on. RV_EAGAIN, RV_ECLOSED. */
int session_send_join(struct session *s, struct rv_span request, const struct rv_vouch *v);

/* Fates, for an ended session too: see session_at_intake. A handle that is not outstanding is
 * ignored. */
/* 0: taken for good (durable, or refused with a signed rejection). Else: put off; defer says why
 * and for how long (NULL: 30 s). */
void session_fate_message(
	struct session *s, uint32_t handle, int fate, const struct rv_defer *defer);
/* 0: durable. Else the peer keeps them and tries later. */
void session_fate_receipts(struct session *s, uint32_t handle, int fate);
/* 0: written. RV_EAGAIN: go on from next_offset. RV_EDIGEST: the blob is not what its digest says.
 * Else: paused. */
void session_fate_chunk(struct session *s, uint32_t handle, int fate, uint64_t next_offset,
	struct session_time now);

/* Says BYE and ends. text may be NULL. */
void session_bye(struct session *s, enum rv_bye_code code, const char *text);
/* The connection broke: ends without a word. */
void session_lost(struct session *s, const char *reason);

/* ---- for people ---- */
struct session_stats {
	enum session_state state;
	int leads;
	int64_t rtt_p50_us, rtt_p99_us,
		clock_offset_us;      /* over the last 128 answers; offset: theirs minus ours */
	uint64_t sent, received;      /* messages */
	uint64_t bytes_out, bytes_in; /* of all frames */
	uint64_t in_flight;           /* offered here and not yet answered by a receipt */
	uint64_t credit_left;         /* messages that we may still send */
};
void session_stats(const struct session *s, struct session_stats *st);
enum session_state session_state(const struct session *s);
const struct rv_hello *session_hello(const struct session
		*s); /* the peer's, with the trust list's number of now; zeros before it came */
/* Messages (and their bytes) at the intake whose fate has not come, also of an ended session: what
 * its peer still costs. */
uint64_t session_at_intake(const struct session *s, uint64_t *bytes_r);

#endif
