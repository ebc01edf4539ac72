/* SPDX-License-Identifier: Apache-2.0 */
#ifndef NODE_STORE_H
#define NODE_STORE_H

#include "protocol/buf.h"
#include "protocol/err.h"
#include "protocol/id.h"
#include "protocol/msg.h"
#include "protocol/receipt.h"

/*
 * The store: what a node must not lose. Domain verbs, never SQL; each verb is atomic.
 *
 * One writer: one thread at a time uses the struct store, between store_begin and store_commit;
 * verbs of a group become durable together (synchronous=FULL), and nothing is told to anyone before
 * store_commit has returned 0. A verb that fails inside a group leaves the group usable (it undoes
 * itself); a failed commit undoes the whole group. Many readers: each thread opens its own struct
 * store_reader, which sees committed groups only.
 *
 * Engines: store_sqlite_open (WAL). Every engine passes tests/store.
 * Strings and bytes handed in are borrowed for the call; what comes out is owned by the caller and
 * released by the matching _clear.
 */
struct store;
struct store_reader;

enum store_state {      /* of a delivery */
	STORE_HELD = 1, /* the message's attachments are not here yet */
	STORE_QUEUED,   /* waits for a link to its hop */
	STORE_SENT,     /* sent to the hop, no receipt yet */
	STORE_RELAYED,  /* a relay has it durably */
	STORE_STORED,   /* the recipient has it durably */
	STORE_READ,     /* someone there opened it */
	STORE_REJECTED, /* refused for good; code and text say why */
	STORE_EXPIRED   /* its message expired before it could be delivered */
};
const char *store_state_text(enum store_state s);
/* A delivery needs no more sending in the states from STORE_RELAYED on. */

int store_sqlite_open(struct store **s_r, const char *dir,
	struct rv_err *e); /* dir/store.db, dir/blobs; made if absent */
void store_close(struct store **s);

int store_begin(struct store *s, struct rv_err *e);
int store_commit(struct store *s, struct rv_err *e);
void store_abort(struct store *s);

/* ---- messages ---- */

struct store_target {
	char recipient[RV_CODE_TEXT];
	char hop[RV_CODE_TEXT];
}; /* hop "": no way known yet */

/* What was known of the signer's certificate when the message was judged (trust/status.h). */
struct store_standing {
	char word[12];  /* "listed", "off", "good", "stale", "unknown"; "": nothing was asked */
	char source[8]; /* "crl", "ocsp", "" */
	int64_t as_of_us, judged_us;
};

struct store_message {           /* what is accepted */
	struct rv_header header; /* borrowed parts */
	uint8_t seal_digest[RV_DIGEST_LEN];
	const uint8_t *wire;
	size_t wire_len;
	const char *source; /* peer it came from, "" for our own */
	unsigned hops;      /* links it has crossed so far */
	const char *trail;  /* codes it passed, space separated */
	int for_inbox;      /* we are a recipient */
	int64_t now_us;
	const struct store_target *targets;
	size_t n_targets;
	const struct rv_attachment *attachments;
	size_t n_attachments;
	struct store_standing standing;
};

/*
 * Accepts: message, dedupe, deliveries, inbox entry, the attachments still to be fetched.
 * *complete_r: 1 if every attachment is here (deliveries QUEUED, inbox visible); 0 if fetches were
 * noted (deliveries HELD, inbox entry hidden until store_blob_here completes it). RV_EDUP: the same
 * seal digest is here already; targets not known before are added, inbox visibility is widened, and
 * our receipts for it are queued again towards source. *complete_r tells its state. RV_EEXIST: the
 * same id with another seal digest. Nothing is changed. For our own (source ""): the sequence must
 * be the head of the chain plus one and header.previous its digest, else RV_EAGAIN.
 */
int store_accept(struct store *s, const struct store_message *m, int *complete_r, struct rv_err *e);

/* The head of our own (or another originator's) chain in an operation: 0 and zeros when there is
 * none. */
int store_chain_head(struct store *s, const char *operation, const char *originator,
	uint64_t *sequence_r, uint8_t digest_r[RV_DIGEST_LEN], struct rv_err *e);

/* ---- refusals ---- */
struct store_refusal {
	const char *source;
	uint8_t message[RV_UUID_LEN];
	int has_message;
	const char *originator, *operation, *kind; /* "" if unknown */
	const uint8_t *wire;
	size_t wire_len; /* kept up to 1 MiB */
	const char *code, *text;
	int line, column;
	int64_t now_us;
};
int store_quarantine(struct store *s, const struct store_refusal *r, struct rv_err *e);

/* ---- receipts ---- */
/*
 * Keeps a verified (or our own) receipt, updates the deliveries that it speaks of (state only moves
 * forward; REJECTED after STORED changes nothing), and queues it towards the peer the message came
 * from (our own messages: no one). towards, if not NULL, names the peer instead (a rejection of a
 * message that is not in the store). from is the peer it came from, "" for our own. RELAYED changes
 * only deliveries whose hop is the signer. Known already: RV_EDUP. Message unknown and towards
 * NULL: RV_ENOTFOUND.
 */
int store_receipt(struct store *s, const struct rv_receipt *r, const void *bytes, size_t len,
	const char *from, const char *towards, int64_t now_us, struct rv_err *e);
/* The peer has these receipts durably: they leave its queue. */
int store_receipts_done(
	struct store *s, const char *peer, const int64_t *ids, size_t n, struct rv_err *e);

/* ---- deliveries ---- */
int store_sent(struct store *s, const int64_t *message_seqs, size_t n, const char *hop,
	int64_t now_us, struct rv_err *e); /* QUEUED > SENT, for display */
int store_reroute(struct store *s, const char *recipient, const char *hop, int64_t now_us,
	struct rv_err *e); /* those not yet relayed */
int store_expire(struct store *s, int64_t now_us, size_t *n_r, struct rv_err *e);
/* A person opened it. 1 in *first_r the first time (then a READ receipt is due). */
int store_mark_read(struct store *s, const uint8_t message[RV_UUID_LEN], int64_t now_us,
	int *first_r, struct rv_err *e);

/* ---- attachments: the index; the bytes are in blob.h ---- */
struct store_completed {
	uint8_t message[RV_UUID_LEN];
	uint8_t seal_digest[RV_DIGEST_LEN];
	char source[RV_CODE_TEXT];
	int for_inbox;
	char (*recipients)[RV_CODE_TEXT];
	size_t n_recipients;
}; /* deliveries it has besides us */
void store_completed_clear(struct store_completed *list, size_t n);
/* That blob is whole and durable. Messages that now have all of theirs become complete: list for
 * their receipts. */
int store_blob_here(struct store *s, const uint8_t digest[RV_DIGEST_LEN], uint64_t size,
	int64_t now_us, struct store_completed **list_r, size_t *n_r, struct rv_err *e);
/* A peer says that it has not got it, or what it gave has another digest: the fetch moves to
 * another source or waits. */
int store_fetch_failed(struct store *s, const uint8_t digest[RV_DIGEST_LEN], const char *peer,
	const char *why, int64_t now_us, struct rv_err *e);

/* ================= readers ================= */

int store_reader_open(struct store_reader **r_r, const char *dir, struct rv_err *e);
void store_reader_close(struct store_reader **r);

/* Work for a link: messages whose hop is that peer and that are not yet relayed, one priority at a
 * time, after a position. */
struct store_due {
	int64_t seq; /* the store's own number of the message: the position */
	uint8_t message[RV_UUID_LEN];
	unsigned priority, hops;
	char originator[RV_CODE_TEXT];
	char *trail;
	uint8_t *wire;
	size_t wire_len;
	char (*recipients)[RV_CODE_TEXT];
	size_t n_recipients;
};
/* At most max messages and about max_bytes of wire (at least one, if there is any). Only complete
 * messages. */
int store_due(struct store_reader *r, const char *hop, unsigned priority, int64_t after_seq,
	size_t max, size_t max_bytes, struct store_due **list_r, size_t *n_r, struct rv_err *e);
void store_due_clear(struct store_due *list, size_t n);

struct store_receipt_due {
	int64_t id;
	uint8_t *bytes;
	size_t len;
};
int store_receipts_due(struct store_reader *r, const char *peer, int64_t after_id, size_t max,
	struct store_receipt_due **list_r, size_t *n_r, struct rv_err *e);
void store_receipts_due_clear(struct store_receipt_due *list, size_t n);

struct store_fetch {
	uint8_t digest[RV_DIGEST_LEN];
	uint64_t size;
};
/* Attachments to be fetched from that peer. */
int store_fetches(struct store_reader *r, const char *peer, size_t max, struct store_fetch **list_r,
	size_t *n_r, struct rv_err *e);
/* May that peer have this blob: a delivery to that hop has it, not yet relayed. 1, 0. */
int store_blob_allowed(
	struct store_reader *r, const char *peer, const uint8_t digest[RV_DIGEST_LEN]);

/* ---- for people ---- */
struct store_entry { /* a row of inbox, outbox or transit */
	int64_t seq; /* the cursor */
	char id[RV_UUID_TEXT];
	char kind[24], status[12], operation[RV_OPCODE_TEXT], originator[RV_CODE_TEXT],
		source[RV_CODE_TEXT];
	uint64_t sequence;
	int64_t issued_us, stored_us, read_us; /* read_us 0: unread */
	unsigned priority;
	int complete;
	unsigned n_deliveries, n_pending, n_rejected;
};
enum store_box { STORE_INBOX = 1, STORE_OUTBOX, STORE_TRANSIT };
/* In the order of arrival (inbox: the order in which they became visible). after_seq 0 from the
 * start; before: newest first if descending. */
int store_list(struct store_reader *r, enum store_box box, const char *operation, int64_t after_seq,
	int descending, size_t max, struct store_entry **list_r, size_t *n_r, struct rv_err *e);

struct store_delivery {
	char recipient[RV_CODE_TEXT], hop[RV_CODE_TEXT];
	enum store_state state;
	int64_t updated_us;
	char code[32];
	char text[256];
};
struct store_receipt_row {
	char signer[RV_CODE_TEXT];
	enum rv_stage stage;
	int64_t time_us;
	uint8_t *bytes;
	size_t len;
};
struct store_full {
	struct store_entry entry;
	uint8_t seal_digest[RV_DIGEST_LEN];
	uint8_t *wire;
	size_t wire_len;
	struct store_delivery *deliveries;
	size_t n_deliveries;
	struct store_receipt_row *receipts;
	size_t n_receipts;
	struct rv_attachment *attachments;
	int *attachment_here;
	size_t n_attachments;
	int for_inbox;
	struct store_standing standing;
};
int store_get(struct store_reader *r, const uint8_t message[RV_UUID_LEN], struct store_full *full_r,
	struct rv_err *e); /* RV_ENOTFOUND */
void store_full_clear(struct store_full *f);

struct store_quarantined {
	int64_t seq;
	char source[RV_CODE_TEXT], id[RV_UUID_TEXT], originator[RV_CODE_TEXT],
		operation[RV_OPCODE_TEXT], kind[24], code[32], text[256];
	int line, column;
	int64_t time_us;
	size_t wire_len;
};
int store_quarantine_list(struct store_reader *r, int64_t after_seq, size_t max,
	struct store_quarantined **list_r, size_t *n_r, struct rv_err *e);
int store_quarantine_get(struct store_reader *r, int64_t seq, struct store_quarantined *q_r,
	uint8_t **wire_r, size_t *len_r, struct rv_err *e);

struct store_counts {
	uint64_t inbox, unread, outbox, transit, pending_deliveries, quarantined, receipts_waiting,
		fetches;
};
int store_counts(struct store_reader *r, struct store_counts *c_r, struct rv_err *e);
struct store_queue {
	char hop[RV_CODE_TEXT];
	uint64_t waiting;
	int64_t oldest_us;
}; /* per hop: what is not yet relayed */
int store_queues(
	struct store_reader *r, struct store_queue **list_r, size_t *n_r, struct rv_err *e);

#endif
