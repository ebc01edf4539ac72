/* SPDX-License-Identifier: Apache-2.0 */
#ifndef NODE_SESSION_INT_H
#define NODE_SESSION_INT_H

#include "node/link/map.h"
#include "node/link/session.h"

enum {
	SESSION_PRIORITIES = 3,
	SESSION_IN_FLIGHT_MAX = 4096,    /* messages sent without a receipt: then we wait for receipts */
	SESSION_FRAME_MESSAGES = 64,
	SESSION_FRAME_BYTES = 1 << 20,
	SESSION_RECEIPTS_IN_FRAME = 128,
	SESSION_RECEIPT_BATCHES = 4,
	SESSION_FETCHES_MAX = 4,         /* blobs fetched at once */
	SESSION_CHUNKS_MAX = 4,          /* requests of one blob on their way */
	SESSION_SERVE_MAX = 64,          /* requests of the peer that wait for credit */
	SESSION_RTT_SAMPLES = 128
};

#define SESSION_AGAIN_US (600 * INT64_C(1000000))   /* in flight for so long: offered again */
#define SESSION_RETRY_US (5 * INT64_C(1000000))     /* after "not now" */
#define SESSION_RECEIPTS_AGAIN_US (2 * INT64_C(1000000))
#define SESSION_RESCAN_US (60 * INT64_C(1000000))
#define SESSION_RESCAN_MIN_US INT64_C(500000)

struct flight { uint8_t message[RV_UUID_LEN]; int64_t seq; unsigned priority; int64_t at_us; int64_t not_before_us; };

struct receipt_batch { uint64_t number; size_t n; int64_t ids[SESSION_RECEIPTS_IN_FRAME]; };

struct fetching {
	int active;
	uint8_t digest[RV_DIGEST_LEN];
	uint64_t size;
	uint64_t asked;          /* offset of the next request */
	uint64_t expected;       /* offset of the next answer */
	uint64_t written;        /* as the intake reported */
	unsigned waiting;        /* handed to the intake, not yet written */
	int64_t not_before_us;
};

/* What the intake has in work for us. */
enum pending_kind { PENDING_MESSAGE = 1, PENDING_RECEIPTS, PENDING_CHUNK };
struct pending {
	enum pending_kind kind;
	uint64_t bytes;                       /* of credit */
	uint8_t message[RV_UUID_LEN];
	uint64_t batch;
	size_t n_settled;                     /* messages that the batch speaks of */
	uint8_t (*settled)[RV_UUID_LEN];
	uint8_t digest[RV_DIGEST_LEN];
};

enum session_state { STATE_NEW, STATE_UP, STATE_ENDED };

struct session {
	struct session_params p;
	enum session_state state;
	int hello_sent, hello_got, primary;
	struct rv_hello peer;
	uint64_t next_token;
	struct map pending;                  /* token > struct pending */
	/* what we may send, and did */
	uint64_t may_messages, may_bytes, did_messages, did_bytes;
	/* what the peer may send: granted, taken, dealt with */
	uint64_t granted_messages, granted_bytes, got_messages, got_bytes, settled_messages, settled_bytes;
	/* messages */
	int64_t after_seq[SESSION_PRIORITIES];
	struct map flights;                  /* message > struct flight */
	int rescan;
	int64_t rescanned_us, requeue_check_us;
	/* receipts */
	int64_t receipts_after, receipts_not_before_us, receipts_restart_us;
	uint64_t next_batch;
	struct receipt_batch batches[SESSION_RECEIPT_BATCHES];
	size_t n_batches;
	/* attachments */
	struct fetching fetches[SESSION_FETCHES_MAX];
	int64_t fetches_seen_us;
	struct rv_chunk_request serve[SESSION_SERVE_MAX];
	size_t n_serve;
	/* liveness */
	int64_t started_us, up_us, heard_us, pinged_us;
	uint64_t ping_serial;
	int64_t rtt[SESSION_RTT_SAMPLES];
	size_t n_rtt;
	int64_t clock_offset_us;
	uint64_t sent, received, bytes_out, bytes_in;
};

/* session.c */
void session_fault(struct session *s, enum rv_bye_code code, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
int session_send_bodies(struct session *s, enum rv_cmd cmd, const struct rv_buf *bodies, size_t n);
struct pending *session_pend(struct session *s, enum pending_kind kind, uint64_t *token_r);
struct pending *session_settle(struct session *s, uint64_t token);      /* free()d by the caller with session_pending_free */
void session_pending_free(struct pending **p);
void session_give_credit(struct session *s, uint64_t messages, uint64_t bytes);
/* session_send.c */
void session_pump(struct session *s, int64_t now_us);                   /* sends what is due within the credit */
void session_on_receipts_ack(struct session *s, const struct rv_ack *ack, int64_t now_us);
void session_on_defer(struct session *s, const struct rv_defer *d, int64_t now_us);
void session_landed(struct session *s, const uint8_t message[RV_UUID_LEN]);
void session_send_free(struct session *s);
/* session_blob.c */
void session_on_chunk_request(struct session *s, const struct rv_chunk_request *r);
void session_on_chunk(struct session *s, const struct rv_chunk *c, struct rv_span data, int64_t now_us);
void session_load_fetches(struct session *s, int64_t now_us);
void session_ask_chunks(struct session *s, int64_t now_us);
void session_serve_chunks(struct session *s);

#endif
