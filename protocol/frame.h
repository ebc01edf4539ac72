/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RV_FRAME_H
#define RV_FRAME_H

#include "buf.h"
#include "err.h"
#include "id.h"

/*
 * Link frames (SPEC.md, "Link"). One frame is one ZeroMQ multi-part message. Part 0 is the header,
 * 8 bytes: "RV", protocol version u8 (1), command u8, flags u16 (0), count u16 (number of further
 * parts). Each further part is one body, encoded as below, so that a message's bytes are never
 * copied. Integers are big-endian; codes and texts are u8-counted strings; times are microseconds,
 * u64.
 *
 * Every body has one encoding: a parser takes only bytes that the matching put gives back, and
 * refuses the rest with RV_EPARSE, RV_ELIMIT or RV_EVERSION and a stable rule (FRAME-*). Outputs
 * are filled on success only. The puts append; RV_EINVAL means that a field is outside what the
 * parser would take, and then nothing was appended. Pure functions, safe in any thread.
 */

enum rv_cmd {
	RV_CMD_HELLO = 1,
	RV_CMD_MESSAGES,
	RV_CMD_RECEIPTS,
	RV_CMD_RECEIPTS_ACK,
	RV_CMD_DEFER,
	RV_CMD_CHUNK_REQUEST,
	RV_CMD_CHUNK,
	RV_CMD_PING,
	RV_CMD_PONG,
	RV_CMD_CREDIT,
	RV_CMD_RECONCILE, /* reserved: no body is defined in version 1, the parser refuses it */
	RV_CMD_BYE,
	RV_CMD_TRUST_REQUEST,
	RV_CMD_TRUST,
	RV_CMD_JOIN,
	RV_CMD_JOIN_STATE,
	RV_CMD_STATUS,
	RV_CMD_LAST
};
const char *rv_cmd_text(enum rv_cmd cmd); /* "HELLO"; "?" if out of range */

enum {
	RV_FRAME_VERSION = 1,
	RV_FRAME_HEADER_LEN = 8,
	RV_FRAME_MAX_PARTS = 1024, /* after the header, whatever the command */
	RV_FRAME_MAX_ITEMS = 64,   /* of MESSAGES */
	RV_FRAME_MAX_DEFERS = 64,
	RV_ITEM_MAX_RECIPIENTS = 256,
	RV_ITEM_MAX_WIRE = 1024 * 1024, /* bytes of one sealed message */
	RV_ITEM_MAX_PRIORITY = 2,
	RV_CHUNK_MAX = 256 * 1024,
	RV_DEFER_MAX_WAIT = 86400
};

struct rv_frame_header {
	uint8_t version;
	enum rv_cmd cmd;
	uint16_t flags;
	uint16_t count;
};
int rv_frame_header_put(struct rv_buf *out, enum rv_cmd cmd, uint16_t count);
/* Length, magic, version, command, flags, and that the count is one that the command can have. */
int rv_frame_header_parse(
	struct rv_frame_header *h, const void *data, size_t len, struct rv_err *e);
/* The header of a whole frame (parts[0]), and that it has as many bodies as its header says. */
int rv_frame_open(
	struct rv_frame_header *h, const struct rv_span *parts, size_t n, struct rv_err *e);

/* HELLO: the first frame of each side, always with header version 1 and this body, so that nodes of
 * any two versions can read each other's. */
struct rv_hello {
	char code[RV_CODE_TEXT];
	uint8_t version_min, version_max; /* protocol versions spoken; 1 <= min <= max */
	uint64_t trust_number;            /* of the sender's trust list, 0 if it has none */
	int64_t time_us;
	uint64_t boot;                          /* random number of this run of the node */
	uint64_t credit_messages, credit_bytes; /* first grant */
	uint64_t attachment_max;                /* bytes of one attachment that the sender takes */
	char software[64];                      /* printable ASCII */
};
int rv_hello_put(struct rv_buf *out, const struct rv_hello *h);
int rv_hello_parse(struct rv_hello *h, const void *data, size_t len, struct rv_err *e);

/*
 * One item of MESSAGES (1 to RV_FRAME_MAX_ITEMS parts): who this copy is for, the way it came, the
 * sealed bytes (to the end of the part). message repeats the id of the Header, so that a sender
 * can match a rejection of bytes that nobody can read; the intake checks that both are the same.
 * priority (0 urgent, 1 normal, 2 bulk) is the sender's word, for the order of work only.
 */
struct rv_item {
	uint8_t message[RV_UUID_LEN];
	uint8_t priority;
	uint8_t hops;    /* links crossed, this one among them: 1 from the originator */
	char trail[256]; /* codes, single spaces between; "" is allowed */
	char (*recipients)[RV_CODE_TEXT]; /* 1..256, owned; ascending after a parse */
	size_t n_recipients;
	struct rv_span wire; /* borrowed from the part; 1..RV_ITEM_MAX_WIRE bytes */
};
int rv_item_put(struct rv_buf *out, const struct rv_item *i); /* everything, wire included */
int rv_item_parse(struct rv_item *i, const void *data, size_t len, struct rv_err *e);
void rv_item_clear(struct rv_item *i);
/* What a part of MESSAGES costs of the byte credit: its length. */

/* RECEIPTS: part 1 is the batch number u64 (from 1), each further part (1..256) a receipt.
 * RECEIPTS_ACK: one part, the batch number and a status, so that a node that cannot store now says
 * so, and the peer need not guess. */
int rv_batch_put(struct rv_buf *out, uint64_t batch);
int rv_batch_parse(uint64_t *batch_r, const void *data, size_t len, struct rv_err *e);

enum rv_ack_status { RV_ACK_DURABLE = 0, RV_ACK_LATER = 1 };
struct rv_ack {
	uint64_t batch;
	uint8_t status;
};
int rv_ack_put(struct rv_buf *out, const struct rv_ack *a);
int rv_ack_parse(struct rv_ack *a, const void *data, size_t len, struct rv_err *e);

/* DEFER (1 to RV_FRAME_MAX_DEFERS parts): a message that cannot be taken now. */
struct rv_defer {
	uint8_t message[RV_UUID_LEN];
	uint32_t wait_s; /* 1..RV_DEFER_MAX_WAIT */
	char code[32];   /* [A-Za-z][A-Za-z0-9._-]{0,30} */
	char text[256];
};
int rv_defer_put(struct rv_buf *out, const struct rv_defer *d);
int rv_defer_parse(struct rv_defer *d, const void *data, size_t len, struct rv_err *e);

/* CHUNK_REQUEST: one part. length 1..RV_CHUNK_MAX; offset + length fits in 63 bits. */
struct rv_chunk_request {
	uint8_t digest[RV_DIGEST_LEN];
	uint64_t offset;
	uint32_t length;
};
int rv_chunk_request_put(struct rv_buf *out, const struct rv_chunk_request *r);
int rv_chunk_request_parse(
	struct rv_chunk_request *r, const void *data, size_t len, struct rv_err *e);

/* CHUNK: part 1 this; part 2 the bytes (1..RV_CHUNK_MAX), with status DATA only. */
enum rv_chunk_status {
	RV_CHUNK_DATA = 0,
	RV_CHUNK_ABSENT = 1, /* not here, or not so long */
	RV_CHUNK_DENIED = 2, /* not yours */
	RV_CHUNK_LATER = 3   /* try later */
};
struct rv_chunk {
	uint8_t digest[RV_DIGEST_LEN];
	uint64_t offset;
	uint8_t status;
};
int rv_chunk_put(struct rv_buf *out, const struct rv_chunk *c);
int rv_chunk_parse(struct rv_chunk *c, const void *data, size_t len, struct rv_err *e);

/* PING: serial, sender's time, and the number of the trust list that it has by now. PONG: serial,
 * that time back, time of arrival, time of answer (round trip and clock offset as in RFC 5905,
 * section 8). */
struct rv_ping {
	uint64_t serial;
	int64_t t1_us;
	uint64_t trust_number;
};
struct rv_pong {
	uint64_t serial;
	int64_t t1_us, t2_us, t3_us;
};
int rv_ping_put(struct rv_buf *out, const struct rv_ping *p);
int rv_ping_parse(struct rv_ping *p, const void *data, size_t len, struct rv_err *e);
int rv_pong_put(struct rv_buf *out, const struct rv_pong *p);
int rv_pong_parse(struct rv_pong *p, const void *data, size_t len, struct rv_err *e);

/* CREDIT: totals since HELLO that the peer may have sent in all (they only grow; a lost frame is
 * harmless). */
struct rv_credit {
	uint64_t messages, bytes;
};
int rv_credit_put(struct rv_buf *out, const struct rv_credit *c);
int rv_credit_parse(struct rv_credit *c, const void *data, size_t len, struct rv_err *e);

/* TRUST_REQUEST: one part. Asks for the trust list of that number, from an offset on. */
struct rv_trust_request {
	uint64_t number; /* from 1 */
	uint32_t offset;
};
int rv_trust_request_put(struct rv_buf *out, const struct rv_trust_request *r);
int rv_trust_request_parse(
	struct rv_trust_request *r, const void *data, size_t len, struct rv_err *e);

/* TRUST: part 1 this; part 2 the bytes from the offset on (1..RV_CHUNK_MAX), absent if there is no
 * such list here any more: then total is 0. The number is that of the list sent, which may be newer
 * than what was asked for. */
enum { RV_TRUST_MAX_BYTES = 64 << 20 };
struct rv_trust_part {
	uint64_t number;
	uint32_t total; /* bytes of the whole list, up to RV_TRUST_MAX_BYTES */
	uint32_t offset;
};
int rv_trust_part_put(struct rv_buf *out, const struct rv_trust_part *p);
int rv_trust_part_parse(struct rv_trust_part *p, const void *data, size_t len, struct rv_err *e);

/*
 * JOIN: part 1 is a request to join (join.h), up to RV_JOIN_MAX bytes. Part 2, for new keys of a
 * member: the voucher, a signature by its present signing key over "REEVE-RENEWAL-1", a zero byte
 * and the SHA-256 of part 1.
 */
enum { RV_JOIN_MAX = 64 << 10, RV_VOUCH_MAX_SIGNATURE = 1024 };
struct rv_vouch {
	char code[RV_CODE_TEXT];
	uint8_t cert_digest[RV_DIGEST_LEN];
	uint8_t alg; /* enum rv_sig_alg */
	struct rv_span signature; /* borrowed */
};
int rv_vouch_put(struct rv_buf *out, const struct rv_vouch *v);
int rv_vouch_parse(struct rv_vouch *v, const void *data, size_t len, struct rv_err *e);

/* JOIN_STATE: part 1 this; part 2, with RV_JOIN_ADMITTED only: authority.pem, up to RV_JOIN_MAX. */
enum rv_join_status {
	RV_JOIN_WAITING = 1, /* for the coordinator */
	RV_JOIN_ADMITTED = 2,
	RV_JOIN_REFUSED = 3
};
struct rv_join_state {
	uint8_t request[RV_DIGEST_LEN]; /* SHA-256 of what JOIN brought */
	uint8_t status;
	uint64_t trust_number; /* with ADMITTED: of the list that admits it */
	char rule[32];         /* with REFUSED; else "" */
	char text[256], mend[256];
};
int rv_join_state_put(struct rv_buf *out, const struct rv_join_state *s);
int rv_join_state_parse(struct rv_join_state *s, const void *data, size_t len, struct rv_err *e);

/*
 * STATUS: part 1 this; part 2 a CRL or an OCSP response as it came from its issuer (1 to
 * RV_STATUS_CARRY_MAX bytes), which vouches for itself: what the peer needs to judge messages.
 */
enum { RV_STATUS_CARRY_MAX = RV_CHUNK_MAX };
struct rv_status_head {
	uint8_t kind; /* enum rv_status_source */
	/* SHA-256 of the certificate of the issuer (CRL) or of the one it is about (OCSP) */
	uint8_t key[RV_DIGEST_LEN];
};
int rv_status_head_put(struct rv_buf *out, const struct rv_status_head *s);
int rv_status_head_parse(struct rv_status_head *s, const void *data, size_t len, struct rv_err *e);

/* BYE: why the sender ends the session. The header has version 1 whatever was negotiated. */
enum rv_bye_code {
	RV_BYE_STOPPING = 1, /* the node goes down or restarts */
	RV_BYE_PROTOCOL = 2, /* a frame broke a rule; the text names it */
	RV_BYE_CREDIT = 3,   /* more was sent than granted */
	RV_BYE_IDENTITY = 4, /* the code of HELLO is not the member of the CURVE key */
	RV_BYE_VERSION = 5,  /* no version in common */
	RV_BYE_TRUST = 6,    /* not (or no longer) a member, or its key is not valid any more */
	RV_BYE_SILENT = 7,   /* nothing heard for three heartbeats, or no HELLO in time */
	RV_BYE_INTERNAL = 8, /* a fault on the sender's side */
	RV_BYE_LAST
};
const char *rv_bye_code_text(unsigned code); /* "stopping", "protocol"...; "other" if unknown */
struct rv_bye {
	uint16_t code; /* from 1; unknown ones are legal and mean no more than their text */
	char text[256];
};
int rv_bye_put(struct rv_buf *out, const struct rv_bye *b);
int rv_bye_parse(struct rv_bye *b, const void *data, size_t len, struct rv_err *e);

#endif
