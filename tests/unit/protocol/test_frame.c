/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "protocol/frame.h"
#include "protocol/wire.h"

static const uint8_t id[RV_UUID_LEN] = {
	1, 2, 3, 4, 5, 6, 0x70, 8, 0x80, 10, 11, 12, 13, 14, 15, 16};

/* The parser of each body behind one shape: 0 and the body put again, or the parser's code. */
typedef int again_fn(struct rv_buf *out, const void *data, size_t len, struct rv_err *e);

#define AGAIN(name, type)                                                                          \
	static int name##_again(                                                                   \
		struct rv_buf *out, const void *data, size_t len, struct rv_err *e)                \
	{                                                                                          \
		type v;                                                                            \
		int rc = rv_##name##_parse(&v, data, len, e);                                      \
		return rc != 0 ? rc : rv_##name##_put(out, &v);                                    \
	}

AGAIN(hello, struct rv_hello)
AGAIN(ack, struct rv_ack)
AGAIN(defer, struct rv_defer)
AGAIN(chunk_request, struct rv_chunk_request)
AGAIN(chunk, struct rv_chunk)
AGAIN(ping, struct rv_ping)
AGAIN(pong, struct rv_pong)
AGAIN(credit, struct rv_credit)
AGAIN(bye, struct rv_bye)

static int batch_again(struct rv_buf *out, const void *data, size_t len, struct rv_err *e)
{
	uint64_t v;
	int rc = rv_batch_parse(&v, data, len, e);
	return rc != 0 ? rc : rv_batch_put(out, v);
}

static int item_again(struct rv_buf *out, const void *data, size_t len, struct rv_err *e)
{
	struct rv_item v;
	int rc = rv_item_parse(&v, data, len, e);
	if (rc == 0) {
		rc = rv_item_put(out, &v);
		rv_item_clear(&v);
	}
	return rc;
}

static int header_again(struct rv_buf *out, const void *data, size_t len, struct rv_err *e)
{
	struct rv_frame_header v;
	int rc = rv_frame_header_parse(&v, data, len, e);
	return rc != 0 ? rc : rv_frame_header_put(out, v.cmd, v.count);
}

static struct rv_hello a_hello(void)
{
	struct rv_hello h = {.code = "KE",
		.version_min = 1,
		.version_max = 1,
		.trust_number = 7,
		.time_us = INT64_C(1795521600000000),
		.boot = 0x0123456789abcdef,
		.credit_messages = 1000,
		.credit_bytes = 16 << 20,
		.attachment_max = 1 << 30,
		.software = "reeve 0.1.0"};
	return h;
}

static char two[2][RV_CODE_TEXT] = {"KE", "FR"};

static struct rv_item an_item(void)
{
	struct rv_item i = {.priority = 1,
		.hops = 2,
		.trail = "DE RILO-ESA",
		.recipients = two,
		.n_recipients = 2,
		.wire = {(const uint8_t *)"<Message/>", 10}};
	memcpy(i.message, id, sizeof(id));
	return i;
}

/* One valid body of each kind. */
static size_t bodies(struct rv_buf out[12], again_fn *again[12])
{
	struct rv_hello h = a_hello();
	struct rv_item i = an_item();
	struct rv_ack ack = {9, RV_ACK_LATER};
	struct rv_defer d = {.wait_s = 30, .code = "TRUST-NONE", .text = "not yet: caf\xc3\xa9"};
	struct rv_chunk_request r = {{1}, 262144, RV_CHUNK_MAX};
	struct rv_chunk k = {{1}, 262144, RV_CHUNK_LATER};
	struct rv_ping ping = {3, 1000, 7};
	struct rv_pong pong = {3, 1000, 2000, 2001};
	struct rv_credit c = {100, 1 << 20};
	struct rv_bye b = {RV_BYE_STOPPING, "the node restarts"};
	memcpy(d.message, id, sizeof(id));
	memset(out, 0, 12 * sizeof(*out));
	assert_int_equal(rv_frame_header_put(&out[0], RV_CMD_MESSAGES, 2), 0);
	assert_int_equal(rv_hello_put(&out[1], &h), 0);
	assert_int_equal(rv_item_put(&out[2], &i), 0);
	assert_int_equal(rv_batch_put(&out[3], 9), 0);
	assert_int_equal(rv_ack_put(&out[4], &ack), 0);
	assert_int_equal(rv_defer_put(&out[5], &d), 0);
	assert_int_equal(rv_chunk_request_put(&out[6], &r), 0);
	assert_int_equal(rv_chunk_put(&out[7], &k), 0);
	assert_int_equal(rv_ping_put(&out[8], &ping), 0);
	assert_int_equal(rv_pong_put(&out[9], &pong), 0);
	assert_int_equal(rv_credit_put(&out[10], &c), 0);
	assert_int_equal(rv_bye_put(&out[11], &b), 0);
	static again_fn *const fns[12] = {header_again, hello_again, item_again, batch_again,
		ack_again, defer_again, chunk_request_again, chunk_again, ping_again, pong_again,
		credit_again, bye_again};
	memcpy(again, fns, sizeof(fns));
	return 12;
}

static void every_body_comes_back(void **state)
{
	struct rv_buf b[12];
	again_fn *again[12];
	size_t n = bodies(b, again);
	for (size_t i = 0; i < n; i++) {
		struct rv_buf out = {0};
		assert_int_equal(again[i](&out, b[i].data, b[i].len, NULL), 0);
		assert_int_equal(out.len, b[i].len);
		assert_memory_equal(out.data, b[i].data, out.len);
		rv_buf_free(&out);
		rv_buf_free(&b[i]);
	}
}

static void every_cut_is_refused(void **state)
{
	struct rv_buf b[12];
	again_fn *again[12];
	size_t n = bodies(b, again);
	for (size_t i = 0; i < n; i++) {
		/* an item ends where its part ends: it may lose bytes of the message, not all of
		 * them */
		size_t whole = again[i] == item_again ? b[i].len - 9 : b[i].len;
		for (size_t len = 0; len < whole; len++) {
			struct rv_buf out = {0};
			struct rv_err e = {0};
			uint8_t *exact = malloc(len + 1);
			memcpy(exact, b[i].data, len);
			int rc = again[i](&out, exact, len, &e);
			free(exact);
			assert_int_equal(rc, RV_EPARSE);
			assert_int_equal(e.code, rc);
			assert_memory_equal(e.rule, "FRAME-", 6);
		}
		if (again[i] != item_again) {
			struct rv_buf out = {0};
			rv_buf_u8(&b[i], 0);
			assert_int_equal(again[i](&out, b[i].data, b[i].len, NULL), RV_EPARSE);
		}
		rv_buf_free(&b[i]);
	}
}

/* Whatever byte is turned, a body is refused or comes back as it is: no two encodings of one value.
 */
static void every_altered_body_is_refused_or_canonical(void **state)
{
	struct rv_buf b[12];
	again_fn *again[12];
	size_t n = bodies(b, again);
	for (size_t i = 0; i < n; i++) {
		for (size_t at = 0; at < b[i].len; at++) {
			for (unsigned flip = 1; flip < 256; flip++) {
				struct rv_buf out = {0};
				b[i].data[at] ^= (uint8_t)flip;
				int rc = again[i](&out, b[i].data, b[i].len, NULL);
				assert_true(rc == 0 || rc == RV_EPARSE || rc == RV_EVERSION ||
					    rc == RV_ELIMIT);
				if (rc == 0) {
					assert_int_equal(out.len, b[i].len);
					assert_memory_equal(out.data, b[i].data, out.len);
				}
				b[i].data[at] ^= (uint8_t)flip;
				rv_buf_free(&out);
			}
		}
		rv_buf_free(&b[i]);
	}
}

static void expect_header(const char *bytes, int code, const char *rule)
{
	struct rv_frame_header h;
	struct rv_err e = {0};
	assert_int_equal(rv_frame_header_parse(&h, bytes, 8, &e), code);
	assert_string_equal(e.rule, rule);
}

static void headers_are_strict(void **state)
{
	struct rv_frame_header h;
	assert_int_equal(rv_frame_header_parse(&h, "RV\1\1\0\0\0\1", 8, NULL), 0);
	assert_int_equal(h.cmd, RV_CMD_HELLO);
	assert_int_equal(h.count, 1);
	expect_header("RW\1\1\0\0\0\1", RV_EPARSE, "FRAME-MAGIC");
	expect_header("RV\2\1\0\0\0\1", RV_EVERSION, "FRAME-VERSION");
	expect_header("RV\1\0\0\0\0\1", RV_EPARSE, "FRAME-COMMAND");
	expect_header("RV\1\x0b\0\0\0\0", RV_EPARSE, "FRAME-COMMAND");
	expect_header("RV\1\x40\0\0\0\1", RV_EPARSE, "FRAME-COMMAND");
	expect_header("RV\1\1\0\1\0\1", RV_EPARSE, "FRAME-FLAGS");
	expect_header("RV\1\1\0\0\0\2", RV_ELIMIT, "FRAME-COUNT");
	expect_header("RV\1\2\0\0\0\0", RV_ELIMIT, "FRAME-COUNT");
	expect_header("RV\1\2\0\0\0\x41", RV_ELIMIT, "FRAME-COUNT");
	assert_int_equal(rv_frame_header_parse(&h, "RV\1\1\0\0\0\1", 7, NULL), RV_EPARSE);
}

static void hello_fields_are_checked(void **state)
{
	struct rv_buf out = {0};
	struct rv_hello h = a_hello();
	strcpy(h.code, "ke");
	assert_int_equal(rv_hello_put(&out, &h), RV_EINVAL);
	h = a_hello();
	h.version_min = 0;
	assert_int_equal(rv_hello_put(&out, &h), RV_EINVAL);
	h.version_min = 2;
	assert_int_equal(rv_hello_put(&out, &h), RV_EINVAL);
	h = a_hello();
	h.time_us = -1;
	assert_int_equal(rv_hello_put(&out, &h), RV_EINVAL);
	h = a_hello();
	strcpy(h.software, "reeve\n");
	assert_int_equal(rv_hello_put(&out, &h), RV_EINVAL);
	assert_int_equal(out.len, 0);
	h = a_hello();
	h.version_max = 9;
	assert_int_equal(rv_hello_put(&out, &h), 0);
	struct rv_hello back;
	assert_int_equal(rv_hello_parse(&back, out.data, out.len, NULL), 0);
	assert_int_equal(back.version_max, 9);
	assert_int_equal(back.credit_bytes, h.credit_bytes);
	assert_string_equal(back.software, h.software);
	rv_buf_free(&out);
}

static void items_are_checked(void **state)
{
	struct rv_buf out = {0};
	struct rv_item i = an_item();
	struct rv_item back;
	assert_int_equal(rv_item_put(&out, &i), 0);
	assert_int_equal(rv_item_parse(&back, out.data, out.len, NULL), 0);
	assert_string_equal(back.recipients[0], "FR");
	assert_string_equal(back.recipients[1], "KE");
	assert_string_equal(back.trail, "DE RILO-ESA");
	assert_ptr_equal(back.wire.data, out.data + out.len - 10);
	rv_item_clear(&back);
	assert_null(back.recipients);
	rv_buf_reset(&out);

	i.priority = 3;
	assert_int_equal(rv_item_put(&out, &i), RV_EINVAL);
	i = an_item();
	i.hops = 0;
	assert_int_equal(rv_item_put(&out, &i), RV_EINVAL);
	static const char *const trails[] = {
		" DE", "DE ", "DE  FR", "de", "D", "DE,FR", "ABCDEFGHIJKLMNOPQ"};
	for (size_t k = 0; k < sizeof(trails) / sizeof(trails[0]); k++) {
		i = an_item();
		strcpy(i.trail, trails[k]);
		assert_int_equal(rv_item_put(&out, &i), RV_EINVAL);
	}
	i = an_item();
	i.n_recipients = 0;
	assert_int_equal(rv_item_put(&out, &i), RV_EINVAL);
	i = an_item();
	i.wire.len = RV_ITEM_MAX_WIRE + 1;
	assert_int_equal(rv_item_put(&out, &i), RV_EINVAL);
	i = an_item();
	i.message[6] = 0x40;
	assert_int_equal(rv_item_put(&out, &i), RV_EINVAL);
	assert_int_equal(out.len, 0);
	rv_buf_free(&out);
}

/* The count of recipients is believed only as far as there are bytes for them. */
static void claimed_counts_cost_nothing(void **state)
{
	struct rv_buf out = {0};
	struct rv_item i = an_item();
	struct rv_item back;
	struct rv_err e = {0};
	assert_int_equal(rv_item_put(&out, &i), 0);
	size_t at = RV_UUID_LEN + 2 + 1 + strlen(i.trail);
	out.data[at] = 1;
	out.data[at + 1] = 0;
	assert_int_equal(rv_item_parse(&back, out.data, out.len, &e), RV_EPARSE);
	assert_string_equal(e.rule, "FRAME-RECIPIENTS");
	rv_buf_free(&out);
}

static void chunk_bounds(void **state)
{
	struct rv_buf out = {0};
	struct rv_chunk_request r = {{0}, 0, 0};
	assert_int_equal(rv_chunk_request_put(&out, &r), RV_EINVAL);
	r.length = RV_CHUNK_MAX + 1;
	assert_int_equal(rv_chunk_request_put(&out, &r), RV_EINVAL);
	r.length = RV_CHUNK_MAX;
	r.offset = UINT64_MAX;
	assert_int_equal(rv_chunk_request_put(&out, &r), RV_EINVAL);
	r.offset = (uint64_t)INT64_MAX - RV_CHUNK_MAX;
	assert_int_equal(rv_chunk_request_put(&out, &r), 0);
	rv_buf_free(&out);
}

static void words_can_always_be_sent(void **state)
{
	char text[256];
	strcpy(text, "caf\xc3\xa9 \xe2\x82");
	rv_wire_text_mend(text);
	assert_string_equal(text, "caf\xc3\xa9 ");
	strcpy(text, "a\nb\x7f\xff\xc0\x80z\xc2\x85");
	rv_wire_text_mend(text);
	assert_string_equal(text, "a?b????z?");
	assert_true(rv_wire_text_ok(text));
	char rule[32] = "";
	rv_wire_rule_mend(rule);
	assert_string_equal(rule, "unknown");
	strcpy(rule, "9 X/Y");
	rv_wire_rule_mend(rule);
	assert_string_equal(rule, "X-X-Y");
	assert_true(rv_wire_rule_ok(rule));
}

static void names(void **state)
{
	assert_string_equal(rv_cmd_text(RV_CMD_RECEIPTS_ACK), "RECEIPTS_ACK");
	assert_string_equal(rv_cmd_text(RV_CMD_LAST), "?");
	assert_string_equal(rv_bye_code_text(RV_BYE_SILENT), "silent");
	assert_string_equal(rv_bye_code_text(0), "other");
	assert_string_equal(rv_bye_code_text(999), "other");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_body_comes_back),
		cmocka_unit_test(every_cut_is_refused),
		cmocka_unit_test(every_altered_body_is_refused_or_canonical),
		cmocka_unit_test(headers_are_strict),
		cmocka_unit_test(hello_fields_are_checked),
		cmocka_unit_test(items_are_checked),
		cmocka_unit_test(claimed_counts_cost_nothing),
		cmocka_unit_test(chunk_bounds),
		cmocka_unit_test(words_can_always_be_sent),
		cmocka_unit_test(names),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
