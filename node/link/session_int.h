/* SPDX-License-Identifier: Apache-2.0 */
#ifndef NODE_SESSION_INT_H
#define NODE_SESSION_INT_H

#include "node/link/flights.h"
#include "node/link/session.h"

/* The inside of a session, shared by its own files. */

#define SEC RV_US_PER_SEC

enum {
	FRAMES_A_PUMP = 32, /* then others have their turn */
	BATCHES_OUT = 2,    /* of receipts, unacknowledged */
	BATCHES_IN = 4,     /* taken from the peer at a time */
	ACKED_KEPT =
		4,   /* batches remembered so that a re-reading does not send them again at once */
	FETCHES = 4, /* blobs at once */
	FETCH_WINDOW = 4, /* chunk requests of one blob */
	SERVE_QUEUE = 32, /* requests of the peer that wait */
	RECENT = 32,      /* blobs not to be asked for again at once */
	PINGS = 4,        /* unanswered */
	SAMPLES = 128,
	CHUNK_MIN = 16 * 1024,
	SILENT_HEARTBEATS = 3,
	PING_BURST = 64, /* of the peer, then PING_RATE a second */
	PING_RATE = 20
};

#define FLIGHT_RETRY_US (600 * SEC)
#define DEFER_DEFAULT_S 30
#define RESCAN_MIN_US (SEC / 2)  /* between two readings from the start */
#define RESCAN_MAX_US (60 * SEC) /* a reading from the start though nobody asked */
#define RECENT_US (60 * SEC)
#define ITEM_MAX_BYTES (RV_ITEM_MAX_WIRE + 8192) /* what one part of MESSAGES can have at most */

/* ---- messages ---- */

struct sending {
	struct rv_credit used, granted;          /* totals since HELLO */
	struct rv_credit window;                 /* the first grant */
	int64_t cursor[FLIGHTS_PRIORITIES];      /* read up to here */
	int64_t high[FLIGHTS_PRIORITIES];        /* the highest that was offered */
	int maybe[FLIGHTS_PRIORITIES];           /* something may be due behind the cursor */
	uint64_t want_bytes[FLIGHTS_PRIORITIES]; /* the next one needs that much credit; 0: not
						    known */
	int rescan;                              /* asked for */
	int64_t rescanned_us;
	struct flights flights;
	uint64_t reach;      /* bytes that may be under way below urgent */
	uint64_t mark_bytes; /* used.bytes at mark_us, until credit for it is back; mark_us 0: none
			      */
	int64_t mark_us;
	uint64_t sent;
};

struct arrival {
	uint8_t message[RV_UUID_LEN];
	uint32_t cost; /* 0: free */
	uint32_t generation;
};

struct receiving {
	struct rv_credit got, granted, told; /* told: the last CREDIT that went out */
	struct rv_credit window;
	struct arrival *slots; /* one for each message at the intake */
	size_t n_slots, cap_slots, free_hint, outstanding;
	uint64_t outstanding_bytes;
	struct rv_defer *defers; /* to be sent; as many as there are slots at most */
	size_t n_defers, cap_defers;
	uint64_t received;
};

/* ---- receipts ---- */

struct batch_out {
	uint64_t number; /* 0: free */
	size_t n;
	int64_t ids[RV_RECEIPT_MAX_BATCH];
};

struct batch_in {
	uint64_t number; /* 0: free */
	int state;       /* 0 at the intake; 1 durable, 2 later: the answer is to be sent */
	size_t n;
	uint8_t (*messages)[RV_UUID_LEN]; /* of which the receipts speak; owned */
};

struct receipts {
	struct batch_out out[BATCHES_OUT];
	uint64_t last_out; /* number */
	int64_t cursor;
	int maybe;
	int rescan; /* asked for */
	int64_t rescanned_us, not_before_us;
	struct {
		int64_t until_us;
		size_t n;
		int64_t ids[RV_RECEIPT_MAX_BATCH];
	} acked[ACKED_KEPT];
	size_t next_acked;
	struct batch_in in[BATCHES_IN];
	uint64_t last_in;
};

/* ---- attachments ---- */

enum fetch_state {
	FETCH_FREE = 0,
	FETCH_START, /* to be asked at the intake: how much is here */
	FETCH_ASKED, /* its answer is awaited */
	FETCH_RUNS,
	FETCH_DRAINS, /* what is under way is let pass, then it pauses or fails */
	FETCH_PAUSES
};

struct fetch {
	enum fetch_state state;
	uint16_t serial;
	struct store_fetch what;
	uint64_t next; /* to be requested from here */
	struct {
		uint64_t offset;
		uint32_t length;
		int64_t at_us;
	} asked[FETCH_WINDOW]; /* in order */
	size_t n_asked;
	size_t at_intake;
	int64_t until_us; /* of the pause */
	int64_t pause_us; /* after draining */
	int fails;        /* after draining: give it up, for this reason */
	char why[160];
};

struct blobs {
	struct fetch fetches[FETCHES];
	uint16_t last_serial, last_handle;
	int maybe;
	int64_t not_before_us;
	struct {
		uint8_t digest[RV_DIGEST_LEN];
		int64_t until_us;
	} recent[RECENT];
	size_t next_recent;
	uint32_t chunk_len; /* adapts to the speed of the link */
	size_t window;
	struct rv_chunk_request serve[SERVE_QUEUE]; /* a ring */
	size_t serve_first, n_serve;
};

/* ---- heartbeat ---- */

struct pulse {
	int64_t heard_us, pinged_us, began_us;
	uint64_t serial;
	struct {
		uint64_t serial;
		int64_t mono_us;
	} out[PINGS]; /* serial 0: free */
	int must_ping;
	struct rv_pong answers[PINGS]; /* to be sent; t3 is set then */
	size_t n_answers;
	int64_t samples[SAMPLES], offsets[SAMPLES];
	size_t n_samples;                 /* ever */
	int64_t allowance, allowed_at_us; /* of the peer's PINGs, in thousandths */
};

/* ---- trust lists ---- */

struct trusting {
	struct rv_trust_request asked; /* by the peer, to be answered; number 0: nothing */
	struct rv_trust_request ask;   /* to be sent; number 0: nothing */
	int awaited;                   /* our request is out */
	int64_t allowance, allowed_at_us;
};

/* ---- status of certificates ---- */

struct carrying {
	char (*covered)[RV_CODE_TEXT]; /* members whose status the peer has, owned */
	size_t n_covered, cap_covered;
	size_t recheck; /* those from here on may have a newer one */
	uint8_t (*known)[RV_DIGEST_LEN]; /* a ring of what the peer has, owned */
	size_t n_known;                  /* ever */
	struct carrying_rate {
		int64_t frames, bytes; /* left, in thousandths and whole */
		int64_t at_us;
	} out, in;
};

struct session {
	struct session_params p;
	char software[64];
	enum session_state state;
	struct rv_hello peer;
	int blocked;
	int leads;
	int credit_due;
	uint64_t trust_told;
	struct sending out;
	struct receiving in;
	struct receipts receipts;
	struct blobs blobs;
	struct pulse pulse;
	struct trusting trusting;
	struct carrying carrying;
	uint64_t bytes_out, bytes_in;
};

/* ---- session.c ---- */
/* Sends header and parts. 0; RV_EAGAIN (blocked is set); RV_ECLOSED (the session has ended). */
int session_send(struct session *s, enum rv_cmd cmd, const struct rv_buf *parts, size_t n);
/* The same for parts of others; parts[0] is left free for the header. */
int session_send_spans(struct session *s, enum rv_cmd cmd, struct rv_span *parts, size_t n);
/* Ends it for what the peer did: BYE with the rule and text of e. */
void session_fault(struct session *s, enum rv_bye_code code, const struct rv_err *e);
/* Memory is short or an effect failed. */
void session_broken(struct session *s, const struct rv_err *e);

/* ---- the parts; each *_frame takes the bodies (header not among them) and may end the session
 * ---- */
void out_up(struct session *s, struct session_time now);
void out_credit_frame(
	struct session *s, const struct rv_span *parts, size_t n, struct session_time now);
void out_defer_frame(
	struct session *s, const struct rv_span *parts, size_t n, struct session_time now);
/* The senders: 1 if a frame went out. */
int out_send(struct session *s, unsigned priority, struct session_time now);
void out_tick(struct session *s, struct session_time now);
void out_free(struct session *s);

int in_init(struct session *s);
void in_messages_frame(struct session *s, const struct rv_span *parts, size_t n);
int in_send_credit(struct session *s, struct session_time now);
int in_send_defers(struct session *s, struct session_time now);
void in_free(struct session *s);

void receipts_frame(struct session *s, const struct rv_span *parts, size_t n);
void receipts_ack_frame(
	struct session *s, const struct rv_span *parts, size_t n, struct session_time now);
int receipts_send(struct session *s, struct session_time now);
int receipts_send_acks(struct session *s, struct session_time now);
void receipts_tick(struct session *s, struct session_time now);
void receipts_free(struct session *s);

void blobs_init(struct session *s);
void blobs_request_frame(struct session *s, const struct rv_span *parts, size_t n);
void blobs_chunk_frame(
	struct session *s, const struct rv_span *parts, size_t n, struct session_time now);
int blobs_send_requests(struct session *s, struct session_time now);
int blobs_send_chunk(struct session *s, struct session_time now);
void blobs_tick(struct session *s, struct session_time now);

void trust_request_frame(
	struct session *s, const struct rv_span *parts, size_t n, struct session_time now);
void trust_piece_frame(struct session *s, const struct rv_span *parts, size_t n);
int trust_send_piece(struct session *s, struct session_time now);
int trust_send_request(struct session *s, struct session_time now);
void join_frame(struct session *s, const struct rv_span *parts, size_t n);

void status_frame(
	struct session *s, const struct rv_span *parts, size_t n, struct session_time now);
/* Before a message of that member: sends what the peer has not got. RV_EAGAIN: the channel is full,
 * the message has to wait; RV_ECLOSED. */
int status_before(struct session *s, const char *member, struct session_time now);
int status_send(struct session *s, struct session_time now);
void status_free(struct session *s);

void pulse_init(struct session *s, struct session_time now);
void pulse_ping_frame(
	struct session *s, const struct rv_span *parts, size_t n, struct session_time now);
void pulse_pong_frame(
	struct session *s, const struct rv_span *parts, size_t n, struct session_time now);
int pulse_send(struct session *s, struct session_time now);
void pulse_tick(struct session *s, struct session_time now);
void pulse_stats(const struct session *s, struct session_stats *st);

#endif
