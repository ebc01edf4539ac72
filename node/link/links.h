/* SPDX-License-Identifier: Apache-2.0 */
#ifndef NODE_LINKS_H
#define NODE_LINKS_H

#include "node/config/conf.h"
#include "node/log/log.h"
#include "node/trust/joins.h"
#include "node/trust/status.h"
#include "node/trust/trust.h"
#include "protocol/frame.h"
#include "protocol/signer.h"

/*
 * The links thread: owns the channel to the line and one session (session.h) a connection; reads
 * what is due from the store with its own reader; hands what arrives to the intake through the
 * callbacks below. Everything else talks to it by posting (thread safe, never blocks).
 */
struct links;

/* Called in the links thread; must not block (queue and return). What is borrowed is valid during
 * the call. */
struct links_intake {
	void *ctx;
	/* A message arrived. peer_trust is the number of the trust list that the peer named in its
	 * HELLO. RV_EAGAIN: the intake is full (cannot be, if credit is kept): the session is
	 * ended. token comes back in links_done_message. */
	int (*message)(void *ctx, const char *peer, uint64_t peer_trust, const struct rv_item *item,
		uint64_t token);
	/* A batch of receipts arrived; when durable: links_done_receipts. */
	int (*receipts)(void *ctx, const char *peer, const struct rv_span *receipts, size_t n,
		uint64_t token);
	/* A chunk arrived, in order. When written: links_done_chunk. */
	int (*chunk)(void *ctx, const char *peer, const uint8_t digest[RV_DIGEST_LEN],
		uint64_t size, uint64_t offset, struct rv_span data, uint64_t token);
	/* A CRL or an OCSP response arrived; no answer is awaited. May be NULL. */
	void (*status)(void *ctx, const char *peer, const struct status_item *item);
	/* Store writes the links need (no answer awaited). */
	void (*sent)(void *ctx, const char *peer, const int64_t *seqs, size_t n);
	void (*receipts_done)(void *ctx, const char *peer, const int64_t *ids, size_t n);
	void (*fetch_failed)(
		void *ctx, const char *peer, const uint8_t digest[RV_DIGEST_LEN], const char *why);
};

struct links_params {
	const struct conf *conf;
	struct trust *trust;
	struct joins *joins; /* who asks to join; NULL: nobody can */
	struct status *status; /* whose CRLs and responses are passed on; NULL: none are */
	struct log *log;
	struct rv_clock clock;
	struct rv_random random;
	const char *line_endpoint; /* ipc:// of the PAIR */
	struct links_intake intake;
};
int links_new(struct links **l_r, const struct links_params *p, struct rv_err *e);
/* Starts the thread: from now on the callbacks are called, so who answers them must know the links. */
int links_start(struct links *l, struct rv_err *e);
void links_stop(struct links *
		*l); /* says bye and joins the thread; posts are still taken, and go nowhere */
void links_free(struct links **l); /* stops it if need be; nobody may post any more */

/* ---- posts: any thread ---- */
/* The fate of a message: 0 taken (durable, or refused with a signed rejection); RV_EAGAIN: the peer
 * shall send it again later (defer). Gives credit back. */
void links_done_message(struct links *l, uint64_t token, int fate, const struct rv_defer *defer);
void links_done_receipts(struct links *l, uint64_t token, int fate);
void links_done_chunk(struct links *l, uint64_t token, int fate, uint64_t next_offset);
/* Something new is due in the store: for that hop; NULL: for any, and perhaps older than what was
 * sent before. */
void links_wake(struct links *l, const char *hop);
/* Receipts may be due, for anyone. */
void links_wake_receipts(struct links *l);
/* There may be new fetches for that peer. */
void links_fetch(struct links *l, const char *peer);
/* More is known of members' certificates: pass it on. */
void links_status_changed(struct links *l);
/* New keys of this node: to be passed to the coordinators, or kept if this is one. Copied. */
void links_renew(struct links *l, struct rv_span request, const struct rv_vouch *v);
/* The trust list changed: admit, cut, dial anew. */
void links_trust_changed(struct links *l);

/* ---- for people: a snapshot, freed by links_status_free ---- */
struct links_row {
	char peer[RV_CODE_TEXT];
	char state[16]; /* up, connecting, down, refused */
	int dialled, accepted;
	int64_t since_us;
	int64_t rtt_p50_us, rtt_p99_us, clock_offset_us;
	uint64_t sent, received, bytes_out, bytes_in, in_flight, credit_left;
	uint64_t trust_number;
	char software[64];
	char last_error[200], mend[200];
	int64_t last_error_us;
};
struct links_refused {
	char key[RV_CURVE_KEY_TEXT];
	char address[64];
	char reason[160];
	uint64_t count;
	int64_t last_us;
};
struct links_status {
	struct links_row *rows;
	size_t n_rows;
	struct links_refused *refused;
	size_t n_refused;
};
int links_status(struct links *l, struct links_status **s_r, struct rv_err *e);
void links_status_free(struct links_status **s);
/* Is there a live session with that member (for routing). 1, 0. */
int links_up(struct links *l, const char *peer);

#endif
