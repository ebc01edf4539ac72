/* SPDX-License-Identifier: Apache-2.0 */
#include "frame_int.h"
#include "wire.h"

#include <stdlib.h>
#include <string.h>

static const struct {
	const char *name;
	uint16_t min, max;
} commands[RV_CMD_LAST] = {
	[RV_CMD_HELLO] = {"HELLO", 1, 1},
	[RV_CMD_MESSAGES] = {"MESSAGES", 1, RV_FRAME_MAX_ITEMS},
	[RV_CMD_RECEIPTS] = {"RECEIPTS", 2, 1 + 256},
	[RV_CMD_RECEIPTS_ACK] = {"RECEIPTS_ACK", 1, 1},
	[RV_CMD_DEFER] = {"DEFER", 1, RV_FRAME_MAX_DEFERS},
	[RV_CMD_CHUNK_REQUEST] = {"CHUNK_REQUEST", 1, 1},
	[RV_CMD_CHUNK] = {"CHUNK", 1, 2},
	[RV_CMD_PING] = {"PING", 1, 1},
	[RV_CMD_PONG] = {"PONG", 1, 1},
	[RV_CMD_CREDIT] = {"CREDIT", 1, 1},
	[RV_CMD_RECONCILE] = {"RECONCILE", 0, 0},
	[RV_CMD_BYE] = {"BYE", 1, 1},
	[RV_CMD_TRUST_REQUEST] = {"TRUST_REQUEST", 1, 1},
	[RV_CMD_TRUST] = {"TRUST", 1, 2},
	[RV_CMD_JOIN] = {"JOIN", 1, 2},
	[RV_CMD_JOIN_STATE] = {"JOIN_STATE", 1, 2},
	[RV_CMD_STATUS] = {"STATUS", 2, 2},
};

const char *rv_cmd_text(enum rv_cmd cmd)
{
	return cmd >= RV_CMD_HELLO && cmd < RV_CMD_LAST ? commands[cmd].name : "?";
}

const char *rv_bye_code_text(unsigned code)
{
	static const char *const names[RV_BYE_LAST] = {
		[RV_BYE_STOPPING] = "stopping",
		[RV_BYE_PROTOCOL] = "protocol",
		[RV_BYE_CREDIT] = "credit",
		[RV_BYE_IDENTITY] = "identity",
		[RV_BYE_VERSION] = "version",
		[RV_BYE_TRUST] = "trust",
		[RV_BYE_SILENT] = "silent",
		[RV_BYE_INTERNAL] = "internal",
	};
	return code > 0 && code < RV_BYE_LAST ? names[code] : "other";
}

/* ---- what all bodies share ---- */

int rv_body_end(const struct rv_cur *c, const char *what, struct rv_err *e)
{
	if (!rv_cur_ok(c)) {
		return rv_fail_rule(e, RV_EPARSE, "FRAME-SHORT",
			"%s is cut short or a string in it is too long", what);
	}
	if (!rv_cur_done(c)) {
		return rv_fail_rule(
			e, RV_EPARSE, "FRAME-TRAILING", "%s has bytes after its end", what);
	}
	return 0;
}

int rv_body_field(struct rv_err *e, const char *what, const char *field, const char *rule_of_it)
{
	return rv_fail_rule(e, RV_EPARSE, "FRAME-FIELD", "%s: %s %s", what, field, rule_of_it);
}

int rv_body_put_end(struct rv_buf *out, size_t start)
{
	if (!rv_buf_ok(out)) {
		out->len = start;
		return RV_ENOMEM;
	}
	return 0;
}

static void put_time(struct rv_buf *out, int64_t t_us)
{
	rv_buf_u64(out, (uint64_t)t_us);
}

static int64_t cur_time(struct rv_cur *c)
{
	uint64_t v = rv_cur_u64(c);
	return v > (uint64_t)RV_TIME_MAX ? -1 : (int64_t)v;
}

static void cur_copy(struct rv_cur *c, uint8_t *out, size_t len)
{
	struct rv_span s = rv_cur_span(c, len);
	if (s.data != NULL) {
		memcpy(out, s.data, len);
	}
}

/* ---- header ---- */

int rv_frame_header_put(struct rv_buf *out, enum rv_cmd cmd, uint16_t count)
{
	if (cmd < RV_CMD_HELLO || cmd >= RV_CMD_LAST || commands[cmd].max == 0 ||
		count < commands[cmd].min || count > commands[cmd].max) {
		return RV_EINVAL;
	}
	size_t start = out->len;
	rv_buf_put(out, "RV", 2);
	rv_buf_u8(out, RV_FRAME_VERSION);
	rv_buf_u8(out, (uint8_t)cmd);
	rv_buf_u16(out, 0);
	rv_buf_u16(out, count);
	return rv_body_put_end(out, start);
}

int rv_frame_header_parse(struct rv_frame_header *h, const void *data, size_t len, struct rv_err *e)
{
	const uint8_t *p = data;
	if (len != RV_FRAME_HEADER_LEN) {
		return rv_fail_rule(e, RV_EPARSE, "FRAME-HEADER",
			"the header has %zu bytes instead of %d", len, RV_FRAME_HEADER_LEN);
	}
	if (p[0] != 'R' || p[1] != 'V') {
		return rv_fail_rule(
			e, RV_EPARSE, "FRAME-MAGIC", "the header does not start with RV");
	}
	if (p[2] != RV_FRAME_VERSION) {
		return rv_fail_rule(e, RV_EVERSION, "FRAME-VERSION",
			"the frame has protocol version %u; this node speaks %d", p[2],
			RV_FRAME_VERSION);
	}
	struct rv_cur c = rv_cur_of(p + 3, len - 3);
	uint8_t cmd = rv_cur_u8(&c);
	uint16_t flags = rv_cur_u16(&c);
	uint16_t count = rv_cur_u16(&c);
	if (cmd < RV_CMD_HELLO || cmd >= RV_CMD_LAST || commands[cmd].max == 0) {
		return rv_fail_rule(e, RV_EPARSE, "FRAME-COMMAND",
			"command %u is not one of version %d", cmd, RV_FRAME_VERSION);
	}
	if (flags != 0) {
		return rv_fail_rule(e, RV_EPARSE, "FRAME-FLAGS",
			"%s has flags 0x%04x; they must be 0", commands[cmd].name, flags);
	}
	if (count < commands[cmd].min || count > commands[cmd].max) {
		return rv_fail_rule(e, RV_ELIMIT, "FRAME-COUNT",
			"%s has %u parts; it must have %u to %u", commands[cmd].name, count,
			commands[cmd].min, commands[cmd].max);
	}
	*h = (struct rv_frame_header){p[2], (enum rv_cmd)cmd, flags, count};
	return 0;
}

int rv_frame_open(
	struct rv_frame_header *h, const struct rv_span *parts, size_t n, struct rv_err *e)
{
	struct rv_frame_header v;
	if (n == 0) {
		return rv_fail_rule(e, RV_EPARSE, "FRAME-HEADER", "a frame has no parts");
	}
	int rc = rv_frame_header_parse(&v, parts[0].data, parts[0].len, e);
	if (rc == 0 && v.count != n - 1) {
		rc = rv_fail_rule(e, RV_EPARSE, "FRAME-PARTS", "%s says %u parts and has %zu",
			rv_cmd_text(v.cmd), v.count, n - 1);
	}
	if (rc == 0) {
		*h = v;
	}
	return rc;
}

/* ---- HELLO ---- */

static int hello_check(const struct rv_hello *h, struct rv_err *e)
{
	static const char what[] = "HELLO";
	if (!rv_code_valid(h->code)) {
		return rv_body_field(e, what, "code", "is not a member code");
	}
	if (h->version_min < 1 || h->version_min > h->version_max) {
		return rv_body_field(e, what, "versions", "are not a range that starts at 1 or later");
	}
	if (!rv_wire_time_ok(h->time_us)) {
		return rv_body_field(e, what, "time", "is after the year 9999");
	}
	if (!rv_wire_ascii_ok(h->software)) {
		return rv_body_field(e, what, "software", "is not printable ASCII");
	}
	return 0;
}

int rv_hello_put(struct rv_buf *out, const struct rv_hello *h)
{
	if (hello_check(h, NULL) != 0) {
		return RV_EINVAL;
	}
	size_t start = out->len;
	rv_buf_str8(out, h->code);
	rv_buf_u8(out, h->version_min);
	rv_buf_u8(out, h->version_max);
	rv_buf_u64(out, h->trust_number);
	put_time(out, h->time_us);
	rv_buf_u64(out, h->boot);
	rv_buf_u64(out, h->credit_messages);
	rv_buf_u64(out, h->credit_bytes);
	rv_buf_u64(out, h->attachment_max);
	rv_buf_str8(out, h->software);
	return rv_body_put_end(out, start);
}

int rv_hello_parse(struct rv_hello *h, const void *data, size_t len, struct rv_err *e)
{
	struct rv_cur c = rv_cur_of(data, len);
	struct rv_hello v = {0};
	rv_cur_str8(&c, v.code, sizeof(v.code));
	v.version_min = rv_cur_u8(&c);
	v.version_max = rv_cur_u8(&c);
	v.trust_number = rv_cur_u64(&c);
	v.time_us = cur_time(&c);
	v.boot = rv_cur_u64(&c);
	v.credit_messages = rv_cur_u64(&c);
	v.credit_bytes = rv_cur_u64(&c);
	v.attachment_max = rv_cur_u64(&c);
	rv_cur_str8(&c, v.software, sizeof(v.software));
	int rc = rv_body_end(&c, "HELLO", e);
	if (rc == 0) {
		rc = hello_check(&v, e);
	}
	if (rc == 0) {
		*h = v;
	}
	return rc;
}

/* ---- MESSAGES ---- */

static int trail_ok(const char *trail)
{
	while (*trail != '\0') {
		char code[RV_CODE_TEXT];
		size_t len = strcspn(trail, " ");
		if (len >= sizeof(code)) {
			return 0;
		}
		memcpy(code, trail, len);
		code[len] = '\0';
		if (!rv_code_valid(code)) {
			return 0;
		}
		trail += len;
		if (*trail == ' ' && *++trail == '\0') {
			return 0;
		}
	}
	return 1;
}

static int item_check(const struct rv_item *i, struct rv_err *e)
{
	static const char what[] = "an item of MESSAGES";
	if (!rv_wire_uuid_ok(i->message)) {
		return rv_body_field(e, what, "message", "is not a version 7 UUID");
	}
	if (i->priority > RV_ITEM_MAX_PRIORITY) {
		return rv_body_field(e, what, "priority", "is not 0, 1 or 2");
	}
	if (i->hops == 0) {
		return rv_body_field(e, what, "hops", "is 0");
	}
	if (!trail_ok(i->trail)) {
		return rv_body_field(
			e, what, "trail", "is not member codes with single spaces between");
	}
	if (i->wire.len == 0) {
		return rv_body_field(e, what, "wire", "is empty");
	}
	if (i->wire.len > RV_ITEM_MAX_WIRE) {
		return rv_fail_rule(e, RV_ELIMIT, "FRAME-WIRE",
			"a message of %zu bytes; the limit is %d", i->wire.len, RV_ITEM_MAX_WIRE);
	}
	return 0;
}

int rv_item_put(struct rv_buf *out, const struct rv_item *i)
{
	if (item_check(i, NULL) != 0) {
		return RV_EINVAL;
	}
	size_t start = out->len;
	rv_buf_put(out, i->message, RV_UUID_LEN);
	rv_buf_u8(out, i->priority);
	rv_buf_u8(out, i->hops);
	rv_buf_str8(out, i->trail);
	int rc = rv_wire_put_codes(out, (const char(*)[RV_CODE_TEXT])i->recipients, i->n_recipients,
		RV_ITEM_MAX_RECIPIENTS);
	if (rc != 0) {
		out->len = start;
		return rc;
	}
	rv_buf_put(out, i->wire.data, i->wire.len);
	return rv_body_put_end(out, start);
}

int rv_item_parse(struct rv_item *i, const void *data, size_t len, struct rv_err *e)
{
	struct rv_cur c = rv_cur_of(data, len);
	struct rv_item v = {0};
	cur_copy(&c, v.message, sizeof(v.message));
	v.priority = rv_cur_u8(&c);
	v.hops = rv_cur_u8(&c);
	rv_cur_str8(&c, v.trail, sizeof(v.trail));
	if (!rv_cur_ok(&c)) {
		return rv_body_end(&c, "an item of MESSAGES", e);
	}
	int rc = rv_wire_get_codes(&c, &v.recipients, &v.n_recipients, RV_ITEM_MAX_RECIPIENTS);
	if (rc == RV_ENOMEM) {
		return rv_fail_nomem(e);
	}
	if (rc != 0) {
		return rv_fail_rule(e, RV_EPARSE, "FRAME-RECIPIENTS",
			"an item of MESSAGES: the recipients are not 1 to %d member codes in "
			"ascending order",
			RV_ITEM_MAX_RECIPIENTS);
	}
	v.wire = rv_cur_span(&c, rv_cur_left(&c));
	rc = item_check(&v, e);
	if (rc != 0) {
		rv_item_clear(&v);
		return rc;
	}
	*i = v;
	return 0;
}

void rv_item_clear(struct rv_item *i)
{
	if (i != NULL) {
		free(i->recipients);
		memset(i, 0, sizeof(*i));
	}
}

/* ---- RECEIPTS, RECEIPTS_ACK ---- */

int rv_batch_put(struct rv_buf *out, uint64_t batch)
{
	return batch == 0 ? RV_EINVAL : rv_buf_u64(out, batch);
}

int rv_batch_parse(uint64_t *batch_r, const void *data, size_t len, struct rv_err *e)
{
	struct rv_cur c = rv_cur_of(data, len);
	uint64_t batch = rv_cur_u64(&c);
	int rc = rv_body_end(&c, "a batch number", e);
	if (rc == 0 && batch == 0) {
		rc = rv_body_field(e, "RECEIPTS", "batch", "is 0");
	}
	if (rc == 0) {
		*batch_r = batch;
	}
	return rc;
}

int rv_ack_put(struct rv_buf *out, const struct rv_ack *a)
{
	if (a->batch == 0 || a->status > RV_ACK_LATER) {
		return RV_EINVAL;
	}
	size_t start = out->len;
	rv_buf_u64(out, a->batch);
	rv_buf_u8(out, a->status);
	return rv_body_put_end(out, start);
}

int rv_ack_parse(struct rv_ack *a, const void *data, size_t len, struct rv_err *e)
{
	struct rv_cur c = rv_cur_of(data, len);
	struct rv_ack v = {0};
	v.batch = rv_cur_u64(&c);
	v.status = rv_cur_u8(&c);
	int rc = rv_body_end(&c, "RECEIPTS_ACK", e);
	if (rc == 0 && v.batch == 0) {
		rc = rv_body_field(e, "RECEIPTS_ACK", "batch", "is 0");
	}
	if (rc == 0 && v.status > RV_ACK_LATER) {
		rc = rv_body_field(e, "RECEIPTS_ACK", "status", "is not 0 or 1");
	}
	if (rc == 0) {
		*a = v;
	}
	return rc;
}

/* ---- DEFER ---- */

static int defer_check(const struct rv_defer *d, struct rv_err *e)
{
	static const char what[] = "DEFER";
	if (!rv_wire_uuid_ok(d->message)) {
		return rv_body_field(e, what, "message", "is not a version 7 UUID");
	}
	if (d->wait_s < 1 || d->wait_s > RV_DEFER_MAX_WAIT) {
		return rv_body_field(e, what, "wait", "is not 1 to 86400 seconds");
	}
	if (!rv_wire_rule_ok(d->code)) {
		return rv_body_field(e, what, "code", "is not a stable code");
	}
	if (!rv_wire_text_ok(d->text)) {
		return rv_body_field(e, what, "text", "is not UTF-8 without control characters");
	}
	return 0;
}

int rv_defer_put(struct rv_buf *out, const struct rv_defer *d)
{
	if (defer_check(d, NULL) != 0) {
		return RV_EINVAL;
	}
	size_t start = out->len;
	rv_buf_put(out, d->message, RV_UUID_LEN);
	rv_buf_u32(out, d->wait_s);
	rv_buf_str8(out, d->code);
	rv_buf_str8(out, d->text);
	return rv_body_put_end(out, start);
}

int rv_defer_parse(struct rv_defer *d, const void *data, size_t len, struct rv_err *e)
{
	struct rv_cur c = rv_cur_of(data, len);
	struct rv_defer v = {0};
	cur_copy(&c, v.message, sizeof(v.message));
	v.wait_s = rv_cur_u32(&c);
	rv_cur_str8(&c, v.code, sizeof(v.code));
	rv_cur_str8(&c, v.text, sizeof(v.text));
	int rc = rv_body_end(&c, "DEFER", e);
	if (rc == 0) {
		rc = defer_check(&v, e);
	}
	if (rc == 0) {
		*d = v;
	}
	return rc;
}

/* ---- CHUNK_REQUEST, CHUNK ---- */

static int chunk_request_check(const struct rv_chunk_request *r, struct rv_err *e)
{
	if (r->length < 1 || r->length > RV_CHUNK_MAX) {
		return rv_body_field(e, "CHUNK_REQUEST", "length", "is not 1 to 262144");
	}
	if (r->offset > (uint64_t)INT64_MAX - r->length) {
		return rv_body_field(e, "CHUNK_REQUEST", "offset", "is out of range");
	}
	return 0;
}

int rv_chunk_request_put(struct rv_buf *out, const struct rv_chunk_request *r)
{
	if (chunk_request_check(r, NULL) != 0) {
		return RV_EINVAL;
	}
	size_t start = out->len;
	rv_buf_put(out, r->digest, RV_DIGEST_LEN);
	rv_buf_u64(out, r->offset);
	rv_buf_u32(out, r->length);
	return rv_body_put_end(out, start);
}

int rv_chunk_request_parse(
	struct rv_chunk_request *r, const void *data, size_t len, struct rv_err *e)
{
	struct rv_cur c = rv_cur_of(data, len);
	struct rv_chunk_request v = {0};
	cur_copy(&c, v.digest, sizeof(v.digest));
	v.offset = rv_cur_u64(&c);
	v.length = rv_cur_u32(&c);
	int rc = rv_body_end(&c, "CHUNK_REQUEST", e);
	if (rc == 0) {
		rc = chunk_request_check(&v, e);
	}
	if (rc == 0) {
		*r = v;
	}
	return rc;
}

static int chunk_check(const struct rv_chunk *k, struct rv_err *e)
{
	if (k->status > RV_CHUNK_LATER) {
		return rv_body_field(e, "CHUNK", "status", "is not 0 to 3");
	}
	if (k->offset > (uint64_t)INT64_MAX) {
		return rv_body_field(e, "CHUNK", "offset", "is out of range");
	}
	return 0;
}

int rv_chunk_put(struct rv_buf *out, const struct rv_chunk *k)
{
	if (chunk_check(k, NULL) != 0) {
		return RV_EINVAL;
	}
	size_t start = out->len;
	rv_buf_put(out, k->digest, RV_DIGEST_LEN);
	rv_buf_u64(out, k->offset);
	rv_buf_u8(out, k->status);
	return rv_body_put_end(out, start);
}

int rv_chunk_parse(struct rv_chunk *k, const void *data, size_t len, struct rv_err *e)
{
	struct rv_cur c = rv_cur_of(data, len);
	struct rv_chunk v = {0};
	cur_copy(&c, v.digest, sizeof(v.digest));
	v.offset = rv_cur_u64(&c);
	v.status = rv_cur_u8(&c);
	int rc = rv_body_end(&c, "CHUNK", e);
	if (rc == 0) {
		rc = chunk_check(&v, e);
	}
	if (rc == 0) {
		*k = v;
	}
	return rc;
}

/* ---- PING, PONG ---- */

int rv_ping_put(struct rv_buf *out, const struct rv_ping *p)
{
	if (!rv_wire_time_ok(p->t1_us)) {
		return RV_EINVAL;
	}
	size_t start = out->len;
	rv_buf_u64(out, p->serial);
	put_time(out, p->t1_us);
	rv_buf_u64(out, p->trust_number);
	return rv_body_put_end(out, start);
}

int rv_ping_parse(struct rv_ping *p, const void *data, size_t len, struct rv_err *e)
{
	struct rv_cur c = rv_cur_of(data, len);
	struct rv_ping v = {0};
	v.serial = rv_cur_u64(&c);
	v.t1_us = cur_time(&c);
	v.trust_number = rv_cur_u64(&c);
	int rc = rv_body_end(&c, "PING", e);
	if (rc == 0 && !rv_wire_time_ok(v.t1_us)) {
		rc = rv_body_field(e, "PING", "time", "is after the year 9999");
	}
	if (rc == 0) {
		*p = v;
	}
	return rc;
}

int rv_pong_put(struct rv_buf *out, const struct rv_pong *p)
{
	if (!rv_wire_time_ok(p->t1_us) || !rv_wire_time_ok(p->t2_us) ||
		!rv_wire_time_ok(p->t3_us)) {
		return RV_EINVAL;
	}
	size_t start = out->len;
	rv_buf_u64(out, p->serial);
	put_time(out, p->t1_us);
	put_time(out, p->t2_us);
	put_time(out, p->t3_us);
	return rv_body_put_end(out, start);
}

int rv_pong_parse(struct rv_pong *p, const void *data, size_t len, struct rv_err *e)
{
	struct rv_cur c = rv_cur_of(data, len);
	struct rv_pong v = {0};
	v.serial = rv_cur_u64(&c);
	v.t1_us = cur_time(&c);
	v.t2_us = cur_time(&c);
	v.t3_us = cur_time(&c);
	int rc = rv_body_end(&c, "PONG", e);
	if (rc == 0 && (!rv_wire_time_ok(v.t1_us) || !rv_wire_time_ok(v.t2_us) ||
			       !rv_wire_time_ok(v.t3_us))) {
		rc = rv_body_field(e, "PONG", "a time", "is after the year 9999");
	}
	if (rc == 0) {
		*p = v;
	}
	return rc;
}

/* ---- CREDIT ---- */

int rv_credit_put(struct rv_buf *out, const struct rv_credit *k)
{
	size_t start = out->len;
	rv_buf_u64(out, k->messages);
	rv_buf_u64(out, k->bytes);
	return rv_body_put_end(out, start);
}

int rv_credit_parse(struct rv_credit *k, const void *data, size_t len, struct rv_err *e)
{
	struct rv_cur c = rv_cur_of(data, len);
	struct rv_credit v = {0};
	v.messages = rv_cur_u64(&c);
	v.bytes = rv_cur_u64(&c);
	int rc = rv_body_end(&c, "CREDIT", e);
	if (rc == 0) {
		*k = v;
	}
	return rc;
}

/* ---- BYE ---- */

static int bye_check(const struct rv_bye *b, struct rv_err *e)
{
	if (b->code == 0) {
		return rv_body_field(e, "BYE", "code", "is 0");
	}
	if (!rv_wire_text_ok(b->text)) {
		return rv_body_field(e, "BYE", "text", "is not UTF-8 without control characters");
	}
	return 0;
}

int rv_bye_put(struct rv_buf *out, const struct rv_bye *b)
{
	if (bye_check(b, NULL) != 0) {
		return RV_EINVAL;
	}
	size_t start = out->len;
	rv_buf_u16(out, b->code);
	rv_buf_str8(out, b->text);
	return rv_body_put_end(out, start);
}

int rv_bye_parse(struct rv_bye *b, const void *data, size_t len, struct rv_err *e)
{
	struct rv_cur c = rv_cur_of(data, len);
	struct rv_bye v = {0};
	v.code = rv_cur_u16(&c);
	rv_cur_str8(&c, v.text, sizeof(v.text));
	int rc = rv_body_end(&c, "BYE", e);
	if (rc == 0) {
		rc = bye_check(&v, e);
	}
	if (rc == 0) {
		*b = v;
	}
	return rc;
}
