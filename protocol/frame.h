/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RV_FRAME_H
#define RV_FRAME_H

#include "buf.h"
#include "err.h"
#include "id.h"

/*
 * Link frames (SPEC.md, "Link"). One frame is one ZeroMQ multi-part message. Part 0 is the header, 8 bytes: "RV", protocol version u8 (1),
 * command u8, flags u16 (0), count u16 (number of further parts). Each further part is one body, encoded as below, so that a message's bytes are
 * never copied. Integers are big-endian; codes are u8-counted strings.
 */

enum rv_cmd {
	RV_CMD_HELLO = 1, RV_CMD_MESSAGES, RV_CMD_RECEIPTS, RV_CMD_RECEIPTS_ACK, RV_CMD_DEFER,
	RV_CMD_CHUNK_REQUEST, RV_CMD_CHUNK, RV_CMD_PING, RV_CMD_PONG, RV_CMD_CREDIT,
	RV_CMD_RECONCILE, RV_CMD_BYE, RV_CMD_LAST
};

enum { RV_FRAME_VERSION = 1, RV_FRAME_HEADER_LEN = 8, RV_FRAME_MAX_PARTS = 1024, RV_CHUNK_MAX = 256 * 1024 };

struct rv_frame_header { uint8_t version; enum rv_cmd cmd; uint16_t flags; uint16_t count; };
int rv_frame_header_put(struct rv_buf *out, enum rv_cmd cmd, uint16_t count);
int rv_frame_header_parse(struct rv_frame_header *h, const void *data, size_t len, struct rv_err *e);

struct rv_hello {
	char code[RV_CODE_TEXT];
	uint8_t version_min, version_max;   /* protocol versions spoken */
	uint64_t trust_number;
	int64_t time_us;
	uint64_t boot;                      /* random number of this run of the node */
	uint64_t credit_messages, credit_bytes;   /* first grant */
	uint64_t attachment_max;
	char software[64];
};
int rv_hello_put(struct rv_buf *out, const struct rv_hello *h);
int rv_hello_parse(struct rv_hello *h, const void *data, size_t len, struct rv_err *e);

/* One item of MESSAGES: the message's id (so that even what cannot be read can be answered), who this copy is for, the way it came, the
 * sealed bytes (to the end of the part). */
struct rv_item {
	uint8_t message[RV_UUID_LEN];
	char (*recipients)[RV_CODE_TEXT]; size_t n_recipients;  /* 1..256, owned */
	uint8_t hops;
	char trail[256];                    /* codes, space separated */
	struct rv_span wire;                /* borrowed from the part */
};
int rv_item_put(struct rv_buf *out, const struct rv_item *i);           /* everything, wire included */
int rv_item_parse(struct rv_item *i, const void *data, size_t len, struct rv_err *e);
void rv_item_clear(struct rv_item *i);

/* RECEIPTS: part 1 is the batch number u64, each further part a receipt. RECEIPTS_ACK: one part, the batch number. */
/* DEFER: a message that cannot be taken now: id, seconds to wait, code, text. One part each. */
struct rv_defer { uint8_t message[RV_UUID_LEN]; uint32_t wait_s; char code[32]; char text[256]; };
int rv_defer_put(struct rv_buf *out, const struct rv_defer *d);
int rv_defer_parse(struct rv_defer *d, const void *data, size_t len, struct rv_err *e);

struct rv_chunk_request { uint8_t digest[RV_DIGEST_LEN]; uint64_t offset; uint32_t length; };
int rv_chunk_request_put(struct rv_buf *out, const struct rv_chunk_request *r);
int rv_chunk_request_parse(struct rv_chunk_request *r, const void *data, size_t len, struct rv_err *e);
/* CHUNK: part 1 digest, offset, status u8 (0 data, 1 not here, 2 not yours, 3 try later); part 2 (status 0) the bytes. */
struct rv_chunk { uint8_t digest[RV_DIGEST_LEN]; uint64_t offset; uint8_t status; };
int rv_chunk_put(struct rv_buf *out, const struct rv_chunk *c);
int rv_chunk_parse(struct rv_chunk *c, const void *data, size_t len, struct rv_err *e);

/* PING: serial, sender's time. PONG: serial, that time back, time of arrival, time of answer (round trip and clock offset as in RFC 5905). */
struct rv_ping { uint64_t serial; int64_t t1_us; };
struct rv_pong { uint64_t serial; int64_t t1_us, t2_us, t3_us; };
int rv_ping_put(struct rv_buf *out, const struct rv_ping *p);
int rv_ping_parse(struct rv_ping *p, const void *data, size_t len, struct rv_err *e);
int rv_pong_put(struct rv_buf *out, const struct rv_pong *p);
int rv_pong_parse(struct rv_pong *p, const void *data, size_t len, struct rv_err *e);

/* CREDIT: totals since HELLO that the peer may have sent in all (they only grow; a lost frame is harmless). */
struct rv_credit { uint64_t messages, bytes; };
int rv_credit_put(struct rv_buf *out, const struct rv_credit *c);
int rv_credit_parse(struct rv_credit *c, const void *data, size_t len, struct rv_err *e);

struct rv_bye { uint16_t code; char text[256]; };
int rv_bye_put(struct rv_buf *out, const struct rv_bye *b);
int rv_bye_parse(struct rv_bye *b, const void *data, size_t len, struct rv_err *e);

#endif
