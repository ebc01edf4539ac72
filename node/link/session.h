/* SPDX-License-Identifier: Apache-2.0 */
#ifndef NODE_SESSION_H
#define NODE_SESSION_H

#include "node/link/line.h"
#include "node/store/store.h"
#include "protocol/frame.h"

/*
 * The session of one connection (SPEC.md, "Link"): a state machine without socket, clock, thread or store. Inputs are the
 * calls below, outputs the calls of the host; so a test can run two sessions over a network of its own in simulated time.
 *
 * new > (HELLO sent and received) up > ended. After `ended` the session calls nothing any more and is freed by its owner.
 *
 * Memory is bounded by the credit granted: what the peer may send before we have dealt with what it sent, in messages and bytes; attachment chunks count in bytes.
 * What is in flight (sent, no receipt yet) is remembered here alone: a lost session offers it again in the next.
 */
struct session;

struct session_host {
	void *ctx;
	/* Output. Negative: the channel is gone or full, the session ends. */
	int (*send)(void *ctx, struct session *s, const struct line_part *parts, size_t n);
	/* Arrivals, as in links.h; the answer comes by session_done_*. */
	int (*message)(void *ctx, struct session *s, const struct rv_item *item, uint64_t token);
	int (*receipts)(void *ctx, struct session *s, const struct rv_span *receipts, size_t n, uint64_t token);
	int (*chunk)(void *ctx, struct session *s, const uint8_t digest[RV_DIGEST_LEN], uint64_t size, uint64_t offset, struct rv_span data,
		uint64_t token);
	/* Work: as in store.h's readers. */
	int (*due)(void *ctx, struct session *s, unsigned priority, int64_t after_seq, size_t max, size_t max_bytes, struct store_due **list_r,
		size_t *n_r);
	int (*receipts_due)(void *ctx, struct session *s, int64_t after_id, size_t max, struct store_receipt_due **list_r, size_t *n_r);
	int (*fetches)(void *ctx, struct session *s, size_t max, struct store_fetch **list_r, size_t *n_r);
	/* Appends length bytes of a blob. RV_ENOTFOUND: not here; RV_EDENIED: not for this peer; others: not now. */
	int (*read_chunk)(void *ctx, struct session *s, const uint8_t digest[RV_DIGEST_LEN], uint64_t offset, uint32_t length, struct rv_buf *out);
	/* Notes for the store. */
	void (*sent)(void *ctx, struct session *s, const int64_t *seqs, size_t n);
	void (*receipts_done)(void *ctx, struct session *s, const int64_t *ids, size_t n);
	void (*fetch_failed)(void *ctx, struct session *s, const uint8_t digest[RV_DIGEST_LEN], const char *why);
	/* Changes of state. ended: code of BYE or of the fault, and why in words. */
	void (*up)(void *ctx, struct session *s);
	void (*ended)(void *ctx, struct session *s, int code, const char *why);
};

struct session_params {
	struct rv_hello hello;            /* ours: code, versions, trust number, boot, credit, software; time is filled in */
	char peer[RV_CODE_TEXT];          /* whose CURVE key authenticated the connection */
	uint64_t connection;
	uint32_t serial;                  /* unique among the sessions of this run: the upper half of tokens */
	int dialled;
	int64_t heartbeat_us;
	const struct session_host *host;  /* borrowed, outlives the session */
};
int session_new(struct session **s_r, const struct session_params *p, int64_t now_us, struct rv_err *e);
void session_free(struct session **s);

/* ---- inputs ---- */
void session_start(struct session *s, int64_t now_us);      /* a dialled connection is up: says HELLO */
void session_frame(struct session *s, const struct line_part *parts, size_t n, int64_t now_us);
void session_tick(struct session *s, int64_t now_us);       /* a few times a second */
enum session_wake { SESSION_NEW_MESSAGES = 1, SESSION_RESCAN = 2, SESSION_RECEIPTS = 4, SESSION_FETCHES = 8 };
void session_wake(struct session *s, unsigned what, int64_t now_us);
/* Whether this is the connection over which we send to that peer (there may be two). */
void session_set_primary(struct session *s, int primary, int64_t now_us);
void session_set_trust(struct session *s, uint64_t number); /* our list's number now: the next PING tells it */
void session_done_message(struct session *s, uint64_t token, int fate, const struct rv_defer *defer, int64_t now_us);
void session_done_receipts(struct session *s, uint64_t token, int fate, int64_t now_us);
void session_done_chunk(struct session *s, uint64_t token, int fate, uint64_t next_offset, int64_t now_us);
void session_end(struct session *s, enum rv_bye_code code, const char *why);   /* says BYE */
void session_lost(struct session *s, const char *why);      /* the connection is gone */

/* ---- looks ---- */
int session_is_up(const struct session *s);
int session_has_ended(const struct session *s);
const char *session_peer(const struct session *s);
uint64_t session_connection(const struct session *s);
int session_dialled(const struct session *s);
const struct rv_hello *session_hello(const struct session *s);  /* the peer's; zero before it came */
struct session_stats {
	int64_t up_us, rtt_p50_us, rtt_p99_us, clock_offset_us;
	uint64_t sent, received, bytes_out, bytes_in, in_flight, credit_left;
};
void session_stats(const struct session *s, struct session_stats *out);

#endif
