/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "protocol/receipt.h"
#include "tests/unit/link/rig.h"

#define SECOND RV_US_PER_SEC

static void frame_clear(struct rig_frame *f)
{
	for (size_t i = 0; i < f->n; i++) {
		rv_buf_free(&f->parts[i]);
	}
	f->n = 0;
}

static int on_send(void *ctx, const struct rv_span *parts, size_t n)
{
	struct rig *r = ctx;
	struct rv_frame_header h;
	if (r->full) {
		return RV_EAGAIN;
	}
	assert_int_equal(rv_frame_header_parse(&h, parts[0].data, parts[0].len, NULL), 0);
	assert_int_equal(h.count, n - 1);
	assert_true(r->n_sent < RIG_MAX && n - 1 <= RIG_PARTS);
	struct rig_frame *f = &r->sent[r->n_sent++];
	memset(f, 0, sizeof(*f));
	f->cmd = h.cmd;
	f->n = n - 1;
	for (size_t i = 0; i < f->n; i++) {
		assert_int_equal(rv_buf_put(&f->parts[i], parts[i + 1].data, parts[i + 1].len), 0);
	}
	return 0;
}

static int on_message(void *ctx, const struct rv_item *item, uint32_t handle)
{
	struct rig *r = ctx;
	if (r->intake_rc != 0) {
		return r->intake_rc;
	}
	assert_true(r->n_arrived < RIG_MAX);
	memcpy(r->arrived[r->n_arrived].message, item->message, RV_UUID_LEN);
	r->arrived[r->n_arrived++].handle = handle;
	return 0;
}

static int on_receipts(void *ctx, const struct rv_span *receipts, size_t n, uint32_t handle)
{
	struct rig *r = ctx;
	if (r->intake_rc != 0) {
		return r->intake_rc;
	}
	r->n_receipts_arrived += n;
	r->receipts_handle = handle;
	return 0;
}

static int on_chunk(void *ctx, const struct store_fetch *what, uint64_t offset, struct rv_span data, uint32_t handle)
{
	struct rig *r = ctx;
	if (r->intake_rc != 0) {
		return r->intake_rc;
	}
	assert_true(r->n_chunks < RIG_MAX && offset + data.len <= what->size);
	r->chunks[r->n_chunks].offset = offset;
	r->chunks[r->n_chunks].len = data.len;
	r->chunks[r->n_chunks++].handle = handle;
	return 0;
}

static int on_due(void *ctx, unsigned priority, int64_t after_seq, size_t max, size_t max_bytes, struct store_due **list_r,
	size_t *n_r)
{
	struct rig *r = ctx;
	struct store_due *list = calloc(max + 1, sizeof(*list));
	size_t n = 0;
	size_t bytes = 0;
	if (r->due_rc != 0) {
		free(list);
		return r->due_rc;
	}
	for (size_t i = (size_t)after_seq; i < r->n_messages && n < max && (n == 0 || bytes < max_bytes); i++) {
		if (r->messages[i].settled || r->messages[i].priority != priority) {
			continue;
		}
		struct store_due *d = &list[n++];
		d->seq = (int64_t)i + 1;
		d->priority = priority;
		rig_id(d->message, (unsigned)i + 1);
		d->trail = strdup("");
		if (r->messages[i].originator != NULL) {
			strcpy(d->originator, r->messages[i].originator);
		}
		d->wire_len = r->messages[i].len;
		d->wire = calloc(1, d->wire_len);
		d->recipients = calloc(1, sizeof(*d->recipients));
		strcpy(d->recipients[0], "UG");
		d->n_recipients = 1;
		bytes += d->wire_len;
	}
	*list_r = list;
	*n_r = n;
	return 0;
}

static void on_due_free(void *ctx, struct store_due *list, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free(list[i].trail);
		free(list[i].wire);
		free(list[i].recipients);
	}
	free(list);
}

static int on_receipts_due(void *ctx, int64_t after_id, size_t max, struct store_receipt_due **list_r, size_t *n_r)
{
	struct rig *r = ctx;
	struct store_receipt_due *list = calloc(max + 1, sizeof(*list));
	size_t n = 0;
	for (size_t i = (size_t)after_id; i < r->n_receipts && n < max; i++) {
		if (!r->receipts[i].done) {
			struct rv_buf bytes = {0};
			rig_receipt(&bytes, (unsigned)i + 1);
			list[n].id = (int64_t)i + 1;
			list[n].bytes = rv_buf_take(&bytes, &list[n].len);
			n++;
		}
	}
	*list_r = list;
	*n_r = n;
	return 0;
}

static void on_receipts_due_free(void *ctx, struct store_receipt_due *list, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free(list[i].bytes);
	}
	free(list);
}

static int on_fetches(void *ctx, size_t max, struct store_fetch **list_r, size_t *n_r)
{
	struct rig *r = ctx;
	*list_r = calloc(r->n_fetches + 1, sizeof(**list_r));
	memcpy(*list_r, r->fetches, r->n_fetches * sizeof(**list_r));
	*n_r = r->n_fetches;
	return 0;
}

static int on_serve(void *ctx, const struct rv_chunk_request *q, struct rv_span *data_r)
{
	struct rig *r = ctx;
	if (r->serve_rc != 0) {
		return r->serve_rc;
	}
	if (q->offset > sizeof(r->blob) || sizeof(r->blob) - q->offset < q->length) {
		return RV_ENOTFOUND;
	}
	*data_r = (struct rv_span){r->blob + q->offset, q->length};
	return 0;
}

static int on_trust_piece(void *ctx, uint32_t offset, struct rv_trust_part *p, struct rv_span *data_r)
{
	struct rig *r = ctx;
	if (offset >= r->list_len) {
		return RV_ENOTFOUND;
	}
	size_t left = r->list_len - offset;
	*p = (struct rv_trust_part){r->list_number, (uint32_t)r->list_len, offset};
	*data_r = (struct rv_span){r->blob + offset, left < RV_CHUNK_MAX ? left : RV_CHUNK_MAX};
	return 0;
}

static void on_trust_part(void *ctx, const struct rv_trust_part *p, struct rv_span data)
{
	struct rig *r = ctx;
	r->part = *p;
	r->part_len = data.len;
	r->n_parts++;
}

static void on_join(void *ctx, struct rv_span request, const struct rv_vouch *v)
{
	((struct rig *)ctx)->n_joins++;
}

static size_t on_status_due(void *ctx, const char *member, struct status_item *items, size_t max)
{
	static uint8_t bytes[8][RV_STATUS_CARRY_MAX + 1];
	struct rig *r = ctx;
	for (size_t i = 0; i < r->n_items; i++) {
		memset(bytes[i], r->item_version, sizeof(bytes[i]));
		bytes[i][0] = (uint8_t)member[0];
		bytes[i][1] = (uint8_t)i;
		items[i] = (struct status_item){.kind = RV_STATUS_CRL, .bytes = {bytes[i], r->item_len}};
		items[i].key[0] = (uint8_t)i;
		rv_sha256(items[i].digest, bytes[i], r->item_len);
	}
	return r->n_items;
}

static void on_status(void *ctx, const struct status_item *item)
{
	struct rig *r = ctx;
	r->status.kind = (uint8_t)item->kind;
	memcpy(r->status.key, item->key, sizeof(r->status.key));
	r->n_statuses++;
}

static void on_sent(void *ctx, const int64_t *seqs, size_t n)
{
	((struct rig *)ctx)->n_noted_sent += n;
}

static void on_receipts_done(void *ctx, const int64_t *ids, size_t n)
{
	struct rig *r = ctx;
	for (size_t i = 0; i < n; i++) {
		r->receipts[ids[i] - 1].done = 1;
	}
	r->n_receipts_done += n;
}

static void on_fetch_failed(void *ctx, const uint8_t digest[RV_DIGEST_LEN], const char *why)
{
	struct rig *r = ctx;
	r->n_fetch_failed++;
	snprintf(r->fetch_why, sizeof(r->fetch_why), "%s", why);
}

static void on_up(void *ctx, const struct rv_hello *peer)
{
	((struct rig *)ctx)->n_up++;
}

static void on_ended(void *ctx, const struct session_end *end)
{
	struct rig *r = ctx;
	r->n_ended++;
	r->end = *end;
}

static const struct session_calls calls = {on_send, on_message, on_receipts, on_chunk, on_due, on_due_free, on_receipts_due,
	on_receipts_due_free, on_fetches, on_serve, on_trust_piece, on_trust_part, on_join,
	on_status_due, on_status, on_sent, on_receipts_done, on_fetch_failed, on_up, on_ended};

/* ---- life ---- */

void rig_open(struct rig *r, uint64_t credit_messages, uint64_t credit_bytes)
{
	struct session_params p = {.self = "KE", .peer = "UG", .trust_number = 7, .boot = 1, .credit_messages = credit_messages,
		.credit_bytes = credit_bytes, .attachment_max = 1 << 30, .heartbeat_us = 5 * SECOND, .software = "reeve test",
		.calls = &calls, .ctx = r};
	memset(r, 0, sizeof(*r));
	r->now = (struct session_time){1000 * SECOND, INT64_C(1795521600000000)};
	assert_int_equal(session_new(&r->s, &p, r->now, NULL), 0);
	session_open(r->s, r->now);
	rig_take(r, RV_CMD_HELLO);
}

void rig_up(struct rig *r, uint64_t credit_messages, uint64_t credit_bytes)
{
	rig_open(r, 8, 4 << 20);
	rig_give_hello(r, "UG", credit_messages, credit_bytes);
	assert_int_equal(r->n_up, 1);
	assert_int_equal(session_state(r->s), SESSION_UP);
	session_lead(r->s, 1);
}

void rig_close(struct rig *r)
{
	session_free(&r->s);
	for (size_t i = 0; i < r->n_sent; i++) {
		frame_clear(&r->sent[i]);
	}
}

void rig_pump(struct rig *r)
{
	for (int i = 0; i < 100 && session_pump(r->s, r->now); i++) {
	}
}

void rig_pass(struct rig *r, int64_t us)
{
	while (us > 0) {
		int64_t step = us < SECOND / 5 ? us : SECOND / 5;
		r->now.mono_us += step;
		r->now.wall_us += step;
		us -= step;
		session_tick(r->s, r->now);
		rig_pump(r);
	}
}

/* ---- the peer ---- */

void rig_give(struct rig *r, enum rv_cmd cmd, struct rv_buf *bodies, size_t n)
{
	struct rv_buf header = {0};
	struct rv_span parts[1 + RIG_PARTS];
	assert_int_equal(rv_frame_header_put(&header, cmd, (uint16_t)n), 0);
	parts[0] = (struct rv_span){header.data, header.len};
	for (size_t i = 0; i < n; i++) {
		parts[i + 1] = (struct rv_span){bodies[i].data, bodies[i].len};
	}
	session_frame(r->s, parts, n + 1, r->now);
	rv_buf_free(&header);
	for (size_t i = 0; i < n; i++) {
		rv_buf_free(&bodies[i]);
	}
	rig_pump(r);
}

void rig_give_hello(struct rig *r, const char *code, uint64_t credit_messages, uint64_t credit_bytes)
{
	struct rv_hello h = {.version_min = 1, .version_max = 3, .trust_number = 6, .time_us = r->now.wall_us, .boot = 2,
		.credit_messages = credit_messages, .credit_bytes = credit_bytes, .software = "other"};
	struct rv_buf body = {0};
	snprintf(h.code, sizeof(h.code), "%s", code);
	assert_int_equal(rv_hello_put(&body, &h), 0);
	rig_give(r, RV_CMD_HELLO, &body, 1);
}

void rig_id(uint8_t id[RV_UUID_LEN], unsigned n)
{
	memset(id, 0, RV_UUID_LEN);
	id[6] = 0x70;
	id[8] = 0x80;
	id[14] = (uint8_t)(n >> 8);
	id[15] = (uint8_t)n;
}

void rig_give_item(struct rig *r, unsigned id, size_t len)
{
	static char to[1][RV_CODE_TEXT] = {"KE"};
	static uint8_t wire[RV_ITEM_MAX_WIRE];
	struct rv_item item = {.hops = 1, .recipients = to, .n_recipients = 1, .wire = {wire, len}};
	struct rv_buf body = {0};
	rig_id(item.message, id);
	assert_int_equal(rv_item_put(&body, &item), 0);
	rig_give(r, RV_CMD_MESSAGES, &body, 1);
}

void rig_give_credit(struct rig *r, uint64_t messages, uint64_t bytes)
{
	struct rv_credit c = {messages, bytes};
	struct rv_buf body = {0};
	assert_int_equal(rv_credit_put(&body, &c), 0);
	rig_give(r, RV_CMD_CREDIT, &body, 1);
}

void rig_give_chunk(struct rig *r, uint8_t digest, uint64_t offset, uint8_t status, size_t len)
{
	struct rv_chunk c = {{digest}, offset, status};
	struct rv_buf bodies[2] = {{0}, {0}};
	assert_int_equal(rv_chunk_put(&bodies[0], &c), 0);
	if (len > 0) {
		assert_int_equal(rv_buf_put(&bodies[1], r->blob, len), 0);
	}
	rig_give(r, RV_CMD_CHUNK, bodies, len > 0 ? 2 : 1);
}

static int no_signature(void *ctx, const void *data, size_t len, struct rv_buf *out, struct rv_err *e)
{
	static const uint8_t zeros[64];
	return rv_buf_put(out, zeros, sizeof(zeros));
}

void rig_receipt(struct rv_buf *out, unsigned n)
{
	static char to[1][RV_CODE_TEXT] = {"UG"};
	struct rv_signer signer = {.sign = no_signature, .alg = RV_ALG_ECDSA_P256_SHA256, .code = "UG"};
	struct rv_receipt r = {.stage = RV_STAGE_STORED, .time_us = 1, .recipients = to, .n_recipients = 1};
	rig_id(r.message, n);
	assert_int_equal(rv_receipt_sign(&r, 1, &signer, out, NULL), 0);
}

/* ---- what came out ---- */

struct rig_frame *rig_take(struct rig *r, enum rv_cmd cmd)
{
	static struct rig_frame taken;
	frame_clear(&taken);
	assert_true(r->n_sent > 0);
	taken = r->sent[0];
	memmove(&r->sent[0], &r->sent[1], --r->n_sent * sizeof(r->sent[0]));
	assert_string_equal(rv_cmd_text(taken.cmd), rv_cmd_text(cmd));
	return &taken;
}

static void drop_pings(struct rig *r)
{
	while (r->n_sent > 0 && r->sent[0].cmd == RV_CMD_PING) {
		rig_take(r, RV_CMD_PING);
	}
}

struct rig_frame *rig_next(struct rig *r)
{
	drop_pings(r);
	assert_true(r->n_sent > 0);
	return rig_take(r, r->sent[0].cmd);
}

void rig_nothing(struct rig *r)
{
	drop_pings(r);
	if (r->n_sent > 0) {
		fail_msg("%s was sent", rv_cmd_text(r->sent[0].cmd));
	}
}

void rig_ended(struct rig *r, unsigned code, const char *text)
{
	struct rv_bye bye;
	assert_int_equal(r->n_ended, 1);
	assert_int_equal(r->end.code, code);
	assert_int_equal(r->end.by_peer, 0);
	struct rig_frame *f = rig_next(r);
	while (f->cmd != RV_CMD_BYE) {
		f = rig_next(r);
	}
	assert_int_equal(rv_bye_parse(&bye, f->parts[0].data, f->parts[0].len, NULL), 0);
	assert_int_equal(bye.code, code);
	if (strstr(bye.text, text) == NULL) {
		fail_msg("BYE says: %s", bye.text);
	}
	rig_nothing(r);
	assert_int_equal(session_state(r->s), SESSION_ENDED);
	/* nothing wakes it any more */
	rig_give_item(r, 200, 10);
	session_wake_all(r->s);
	rig_pass(r, 60 * SECOND);
	rig_nothing(r);
	assert_int_equal(r->n_ended, 1);
	rig_close(r);
}
