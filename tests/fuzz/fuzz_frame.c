/* SPDX-License-Identifier: Apache-2.0 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/frame.h"

/* Frames: parts, each with a length of two bytes before it. What is read is put again, and must give the same bytes. */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { PARTS = 80 };

static void same(int rc, struct rv_buf *again, struct rv_span part)
{
	if (rc != 0 || again->len != part.len || memcmp(again->data, part.data, part.len) != 0) {
		abort();
	}
	rv_buf_free(again);
}

#define BODY(name, type) \
	static void name(struct rv_span part) \
	{ \
		type v; \
		struct rv_err e = {0}; \
		struct rv_buf again = {0}; \
		int rc = rv_##name##_parse(&v, part.data, part.len, &e); \
		if (rc == 0) { \
			same(rv_##name##_put(&again, &v), &again, part); \
		} else if (rc != e.code || e.rule[0] == '\0') { \
			abort(); \
		} \
	}

BODY(hello, struct rv_hello)
BODY(ack, struct rv_ack)
BODY(defer, struct rv_defer)
BODY(chunk_request, struct rv_chunk_request)
BODY(chunk, struct rv_chunk)
BODY(ping, struct rv_ping)
BODY(pong, struct rv_pong)
BODY(credit, struct rv_credit)
BODY(bye, struct rv_bye)
BODY(trust_request, struct rv_trust_request)
BODY(trust_part, struct rv_trust_part)
BODY(vouch, struct rv_vouch)
BODY(join_state, struct rv_join_state)
BODY(status_head, struct rv_status_head)

static void item(struct rv_span part)
{
	struct rv_item v;
	struct rv_buf again = {0};
	if (rv_item_parse(&v, part.data, part.len, NULL) == 0) {
		same(rv_item_put(&again, &v), &again, part);
		rv_item_clear(&v);
	}
}

static void batch(struct rv_span part)
{
	uint64_t v;
	struct rv_buf again = {0};
	if (rv_batch_parse(&v, part.data, part.len, NULL) == 0) {
		same(rv_batch_put(&again, v), &again, part);
	}
}

static void (*const bodies[RV_CMD_LAST])(struct rv_span) = {[RV_CMD_HELLO] = hello, [RV_CMD_MESSAGES] = item, [RV_CMD_RECEIPTS] = batch,
	[RV_CMD_RECEIPTS_ACK] = ack, [RV_CMD_DEFER] = defer, [RV_CMD_CHUNK_REQUEST] = chunk_request, [RV_CMD_CHUNK] = chunk,
	[RV_CMD_PING] = ping, [RV_CMD_PONG] = pong, [RV_CMD_CREDIT] = credit, [RV_CMD_BYE] = bye,
	[RV_CMD_TRUST_REQUEST] = trust_request, [RV_CMD_TRUST] = trust_part, [RV_CMD_JOIN] = vouch,
	[RV_CMD_JOIN_STATE] = join_state, [RV_CMD_STATUS] = status_head};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rv_span parts[PARTS] = {{0}};
	uint8_t *own[PARTS];
	size_t n = 0;
	struct rv_frame_header h;
	while (size >= 2 && n < PARTS) {
		size_t len = (size_t)data[0] << 8 | data[1];
		data += 2;
		size -= 2;
		len = len < size ? len : size;
		/* memory of its own, so that a read past the end is seen */
		own[n] = malloc(len > 0 ? len : 1);
		if (own[n] == NULL) {
			break;
		}
		memcpy(own[n], data, len);
		parts[n] = (struct rv_span){own[n], len};
		n++;
		data += len;
		size -= len;
	}
	if (rv_frame_open(&h, parts, n, NULL) == 0) {
		struct rv_buf again = {0};
		same(rv_frame_header_put(&again, h.cmd, h.count), &again, parts[0]);
		for (size_t i = 1; i < n; i++) {
			bodies[h.cmd](parts[i]);
		}
	}
	while (n > 0) {
		free(own[--n]);
	}
	return 0;
}
