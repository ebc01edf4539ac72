/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <jansson.h>

#include "protocol/frame.h"
#include "protocol/receipt.h"

/* protocol/vectors/{frames,receipts}: what is valid has the fields of the manifest, what is not
 * breaks the rule that stands there. */

enum { PARTS_MAX = 300 };
static struct rv_buf parts[PARTS_MAX];
static size_t n_parts;

static void read_parts(const char *folder, const char *name)
{
	char path[1024];
	const char *top = getenv("top_srcdir");
	snprintf(path, sizeof(path), "%s/protocol/vectors/%s/%s", top != NULL ? top : ".", folder,
		name);
	FILE *f = fopen(path, "r");
	char *line = NULL;
	size_t cap = 0;
	ssize_t len;
	assert_non_null(f);
	while (n_parts > 0) {
		rv_buf_free(&parts[--n_parts]);
	}
	while ((len = getline(&line, &cap, f)) > 0) {
		assert_true(n_parts < PARTS_MAX && len % 2 == 1);
		line[len - 1] = '\0';
		size_t bytes = (size_t)len / 2;
		struct rv_buf *b = &parts[n_parts++];
		assert_int_equal(rv_buf_reserve(b, bytes + 1), 0);
		assert_int_equal(rv_unhex(b->data, bytes, line), 0);
		b->len = bytes;
	}
	free(line);
	fclose(f);
}

static json_t *manifest(const char *folder)
{
	char path[1024];
	const char *top = getenv("top_srcdir");
	json_error_t error;
	snprintf(path, sizeof(path), "%s/protocol/vectors/%s/manifest.json",
		top != NULL ? top : ".", folder);
	json_t *m = json_load_file(path, 0, &error);
	if (m == NULL) {
		fail_msg("%s: %s", path, error.text);
	}
	return m;
}

static const char *text_of(const json_t *vector, const char *key)
{
	const char *s = json_string_value(json_object_get(vector, key));
	assert_non_null(s);
	return s;
}

/* ---- to JSON ---- */

static void set_u64(json_t *o, const char *key, uint64_t v)
{
	char text[24];
	snprintf(text, sizeof(text), "%" PRIu64, v);
	json_object_set_new(o, key, json_string(text));
}

static void set_hex(json_t *o, const char *key, const void *data, size_t len)
{
	char *text = malloc(2 * len + 1);
	rv_hex(text, data, len);
	json_object_set_new(o, key, json_string(text));
	free(text);
}

static void set_text(json_t *o, const char *key, const char *s)
{
	json_object_set_new(o, key, json_string(s));
}

static void set_int(json_t *o, const char *key, uint32_t v)
{
	json_object_set_new(o, key, json_integer(v));
}

static void set_codes(json_t *o, const char *key, char (*codes)[RV_CODE_TEXT], size_t n)
{
	json_t *list = json_array();
	for (size_t i = 0; i < n; i++) {
		json_array_append_new(list, json_string(codes[i]));
	}
	json_object_set_new(o, key, list);
}

/* ---- bodies: parsed, told as JSON, and put again, which must give the same bytes ---- */

typedef int body_fn(json_t *o, struct rv_buf *again, const struct rv_buf *b, struct rv_err *e);

#define BODY(name, type, ...)                                                                      \
	static int name##_body(                                                                    \
		json_t *o, struct rv_buf *again, const struct rv_buf *b, struct rv_err *e)         \
	{                                                                                          \
		type v;                                                                            \
		int rc = rv_##name##_parse(&v, b->data, b->len, e);                                \
		if (rc != 0) {                                                                     \
			return rc;                                                                 \
		}                                                                                  \
		__VA_ARGS__                                                                        \
		return rv_##name##_put(again, &v);                                                 \
	}

BODY(hello, struct rv_hello, set_text(o, "code", v.code); set_int(o, "version_min", v.version_min);
	set_int(o, "version_max", v.version_max); set_u64(o, "trust_number", v.trust_number);
	set_u64(o, "time", (uint64_t)v.time_us); set_u64(o, "boot", v.boot);
	set_u64(o, "credit_messages", v.credit_messages);
	set_u64(o, "credit_bytes", v.credit_bytes); set_u64(o, "attachment_max", v.attachment_max);
	set_text(o, "software", v.software);)
BODY(ack, struct rv_ack, set_u64(o, "batch", v.batch); set_int(o, "status", v.status);)
BODY(defer, struct rv_defer, set_hex(o, "message", v.message, RV_UUID_LEN);
	set_int(o, "wait", v.wait_s); set_text(o, "code", v.code); set_text(o, "text", v.text);)
BODY(chunk_request, struct rv_chunk_request, set_hex(o, "digest", v.digest, RV_DIGEST_LEN);
	set_u64(o, "offset", v.offset); set_int(o, "length", v.length);)
BODY(chunk, struct rv_chunk, set_hex(o, "digest", v.digest, RV_DIGEST_LEN);
	set_u64(o, "offset", v.offset); set_int(o, "status", v.status);)
BODY(ping, struct rv_ping, set_u64(o, "serial", v.serial); set_u64(o, "time", (uint64_t)v.t1_us);
	set_u64(o, "trust_number", v.trust_number);)
BODY(pong, struct rv_pong, set_u64(o, "serial", v.serial); set_u64(o, "t1", (uint64_t)v.t1_us);
	set_u64(o, "t2", (uint64_t)v.t2_us); set_u64(o, "t3", (uint64_t)v.t3_us);)
BODY(credit, struct rv_credit, set_u64(o, "messages", v.messages); set_u64(o, "bytes", v.bytes);)
BODY(bye, struct rv_bye, set_int(o, "code", v.code); set_text(o, "text", v.text);)
BODY(trust_request, struct rv_trust_request, set_u64(o, "number", v.number);
	set_int(o, "offset", v.offset);)
BODY(trust_part, struct rv_trust_part, set_u64(o, "number", v.number);
	set_int(o, "total", v.total); set_int(o, "offset", v.offset);)
BODY(status_head, struct rv_status_head, set_int(o, "kind", v.kind);
	set_hex(o, "key", v.key, RV_DIGEST_LEN);)
BODY(vouch, struct rv_vouch, set_text(o, "code", v.code);
	set_hex(o, "certificate", v.cert_digest, RV_DIGEST_LEN); set_int(o, "algorithm", v.alg);
	set_hex(o, "signature", v.signature.data, v.signature.len);)
BODY(join_state, struct rv_join_state, set_hex(o, "request", v.request, RV_DIGEST_LEN);
	set_int(o, "status", v.status); set_u64(o, "trust_number", v.trust_number);
	set_text(o, "rule", v.rule); set_text(o, "text", v.text); set_text(o, "mend", v.mend);)

static int item_body(json_t *o, struct rv_buf *again, const struct rv_buf *b, struct rv_err *e)
{
	struct rv_item v;
	int rc = rv_item_parse(&v, b->data, b->len, e);
	if (rc != 0) {
		return rc;
	}
	set_hex(o, "message", v.message, RV_UUID_LEN);
	set_int(o, "priority", v.priority);
	set_int(o, "hops", v.hops);
	set_text(o, "trail", v.trail);
	set_codes(o, "recipients", v.recipients, v.n_recipients);
	set_hex(o, "wire", v.wire.data, v.wire.len);
	rc = rv_item_put(again, &v);
	rv_item_clear(&v);
	return rc;
}

static int batch_body(json_t *o, struct rv_buf *again, const struct rv_buf *b, struct rv_err *e)
{
	uint64_t v;
	int rc = rv_batch_parse(&v, b->data, b->len, e);
	set_u64(o, "batch", rc == 0 ? v : 0);
	return rc == 0 ? rv_batch_put(again, v) : rc;
}

static int bytes_body(json_t *o, struct rv_buf *again, const struct rv_buf *b, struct rv_err *e)
{
	set_hex(o, "data", b->data, b->len);
	return rv_buf_put(again, b->data, b->len);
}

static body_fn *body_of(enum rv_cmd cmd, size_t at)
{
	static body_fn *const all[RV_CMD_LAST] = {[RV_CMD_HELLO] = hello_body,
		[RV_CMD_MESSAGES] = item_body,
		[RV_CMD_RECEIPTS_ACK] = ack_body,
		[RV_CMD_DEFER] = defer_body,
		[RV_CMD_CHUNK_REQUEST] = chunk_request_body,
		[RV_CMD_PING] = ping_body,
		[RV_CMD_PONG] = pong_body,
		[RV_CMD_CREDIT] = credit_body,
		[RV_CMD_BYE] = bye_body,
		[RV_CMD_TRUST_REQUEST] = trust_request_body};
	if (cmd == RV_CMD_RECEIPTS) {
		return at == 0 ? batch_body : bytes_body;
	}
	if (cmd == RV_CMD_CHUNK) {
		return at == 0 ? chunk_body : bytes_body;
	}
	if (cmd == RV_CMD_TRUST) {
		return at == 0 ? trust_part_body : bytes_body;
	}
	if (cmd == RV_CMD_STATUS) {
		return at == 0 ? status_head_body : bytes_body;
	}
	if (cmd == RV_CMD_JOIN) {
		return at == 0 ? bytes_body : vouch_body;
	}
	if (cmd == RV_CMD_JOIN_STATE) {
		return at == 0 ? join_state_body : bytes_body;
	}
	return all[cmd];
}

static int read_frame(struct rv_frame_header *h, json_t *bodies, const char *name, struct rv_err *e)
{
	struct rv_span spans[PARTS_MAX];
	for (size_t i = 0; i < n_parts; i++) {
		spans[i] = (struct rv_span){parts[i].data, parts[i].len};
	}
	int rc = rv_frame_open(h, spans, n_parts, e);
	for (size_t i = 1; rc == 0 && i < n_parts; i++) {
		struct rv_buf again = {0};
		json_t *o = json_object();
		rc = body_of(h->cmd, i - 1)(o, &again, &parts[i], e);
		json_array_append_new(bodies, o);
		if (rc == 0 && (again.len != parts[i].len ||
				       memcmp(again.data, parts[i].data, again.len) != 0)) {
			fail_msg("%s: body %zu is put in another way", name, i);
		}
		rv_buf_free(&again);
	}
	return rc;
}

static void expect_json(const char *name, const json_t *got, const json_t *want)
{
	if (!json_equal(got, want)) {
		char *text = json_dumps(got, 0);
		fail_msg("%s: %s", name, text);
	}
}

static void expect_rule(const char *name, int rc, const struct rv_err *e, const char *rule)
{
	if (rc == 0 || rc != e->code || strcmp(e->rule, rule) != 0) {
		fail_msg("%s: %d %s %s instead of %s", name, rc, e->rule, e->text, rule);
	}
}

static void frames_are_read(void **state)
{
	json_t *m = manifest("frames");
	json_t *v;
	size_t i;
	json_array_foreach(json_object_get(m, "valid"), i, v)
	{
		const char *name = text_of(v, "file");
		struct rv_frame_header h;
		struct rv_err e = {0};
		json_t *bodies = json_array();
		read_parts("frames", name);
		if (read_frame(&h, bodies, name, &e) != 0) {
			fail_msg("%s: %s", name, e.text);
		}
		assert_string_equal(rv_cmd_text(h.cmd), text_of(v, "command"));
		expect_json(name, bodies, json_object_get(v, "bodies"));
		json_decref(bodies);
	}
	assert_true(i >= 15);
	json_array_foreach(json_object_get(m, "invalid"), i, v)
	{
		const char *name = text_of(v, "file");
		struct rv_frame_header h;
		struct rv_err e = {0};
		json_t *bodies = json_array();
		read_parts("frames", name);
		int rc = read_frame(&h, bodies, name, &e);
		expect_rule(name, rc, &e, text_of(v, "rule"));
		json_decref(bodies);
	}
	assert_true(i >= 50);
	json_decref(m);
}

/* ---- receipts ---- */

static struct rv_cert *certificate(const json_t *m, const char *kind)
{
	struct rv_cert *cert = NULL;
	read_parts("receipts", text_of(json_object_get(m, "certificates"), kind));
	assert_int_equal(rv_cert_from_der(&cert, parts[0].data, parts[0].len, NULL), 0);
	return cert;
}

/* index, size and algorithm are not in the struct: taken from their place behind the leaf. */
static void set_tree(json_t *o)
{
	struct rv_cur c = rv_cur_of(parts[0].data + 16, parts[0].len - 16);
	rv_cur_bytes32(&c, 8192);
	set_int(o, "index", rv_cur_u32(&c));
	set_int(o, "size", rv_cur_u32(&c));
	rv_cur_span(&c, 32 * (size_t)rv_cur_u8(&c));
	set_int(o, "algorithm", rv_cur_u8(&c));
	assert_true(rv_cur_ok(&c));
}

static void receipts_are_verified(void **state)
{
	json_t *m = manifest("receipts");
	struct rv_cert *ecdsa = certificate(m, "ecdsa");
	struct rv_cert *rsa = certificate(m, "rsa");
	json_t *v;
	size_t i;
	json_array_foreach(json_object_get(m, "valid"), i, v)
	{
		const char *name = text_of(v, "file");
		const struct rv_cert *cert =
			strcmp(text_of(v, "certificate"), "rsa") == 0 ? rsa : ecdsa;
		struct rv_receipt r;
		struct rv_err e = {0};
		read_parts("receipts", name);
		if (rv_receipt_verify(&r, parts[0].data, parts[0].len, cert, &e) != 0) {
			fail_msg("%s: %s %s", name, e.rule, e.text);
		}
		json_t *o = json_object();
		set_text(o, "stage", rv_stage_text(r.stage));
		set_hex(o, "message", r.message, RV_UUID_LEN);
		set_hex(o, "seal_digest", r.seal_digest, RV_DIGEST_LEN);
		set_text(o, "signer", r.signer);
		set_hex(o, "signer_cert", r.signer_cert, RV_DIGEST_LEN);
		set_u64(o, "time", (uint64_t)r.time_us);
		set_codes(o, "recipients", r.recipients, r.n_recipients);
		set_text(o, "rule", r.rule);
		set_int(o, "line", r.line);
		set_text(o, "text", r.text);
		set_tree(o);
		expect_json(name, o, json_object_get(v, "fields"));
		json_decref(o);
		rv_receipt_clear(&r);
	}
	assert_true(i >= 10);
	json_array_foreach(json_object_get(m, "invalid"), i, v)
	{
		const char *name = text_of(v, "file");
		const struct rv_cert *cert =
			strcmp(text_of(v, "certificate"), "rsa") == 0 ? rsa : ecdsa;
		struct rv_receipt r;
		struct rv_err e = {0};
		read_parts("receipts", name);
		int rc = rv_receipt_verify(&r, parts[0].data, parts[0].len, cert, &e);
		expect_rule(name, rc, &e, text_of(v, "rule"));
	}
	assert_true(i >= 30);
	rv_cert_free(&ecdsa);
	rv_cert_free(&rsa);
	json_decref(m);
}

static int tear_down(void **state)
{
	while (n_parts > 0) {
		rv_buf_free(&parts[--n_parts]);
	}
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(frames_are_read),
		cmocka_unit_test(receipts_are_verified),
	};
	return cmocka_run_group_tests(tests, NULL, tear_down);
}
