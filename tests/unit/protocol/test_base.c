/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "protocol/buf.h"
#include "protocol/err.h"
#include "protocol/id.h"
#include "protocol/stamp.h"

/* ---- err ---- */

static void errors_carry_code_rule_and_mend(void **state)
{
	struct rv_err e = {0};
	assert_int_equal(
		rv_fail_rule(&e, RV_ERULE, "RVE-001", "the %s is %d", "number", 7), RV_ERULE);
	assert_int_equal(e.code, RV_ERULE);
	assert_string_equal(e.rule, "RVE-001");
	assert_string_equal(e.text, "the number is 7");
	assert_string_equal(e.mend, "");
	rv_err_mend(&e, "Write %d.", 8);
	assert_string_equal(e.mend, "Write 8.");
	rv_err_prefix(&e, "message %s", "x");
	assert_string_equal(e.text, "message x: the number is 7");
	/* what comes next has nothing of what was */
	e.line = 3;
	assert_int_equal(rv_fail(&e, RV_EINVAL, "other"), RV_EINVAL);
	assert_string_equal(e.rule, "");
	assert_string_equal(e.mend, "");
	assert_int_equal(e.line, 0);
	assert_int_equal(rv_fail_errno(&e, 2, "open %s", "f"), RV_ESYS);
	assert_non_null(strstr(e.text, "open f"));
	assert_non_null(strstr(e.text, "No such file"));
	rv_err_clear(&e);
	assert_int_equal(e.code, 0);
	assert_string_equal(e.text, "");
}

static void errors_need_no_detail(void **state)
{
	assert_int_equal(rv_fail(NULL, RV_EIO, "x"), RV_EIO);
	assert_int_equal(rv_fail_rule(NULL, RV_EIO, "R", "x"), RV_EIO);
	assert_int_equal(rv_fail_errno(NULL, 2, "x"), RV_ESYS);
	assert_int_equal(rv_fail_nomem(NULL), RV_ENOMEM);
	rv_err_mend(NULL, "x");
	rv_err_prefix(NULL, "x");
	rv_err_clear(NULL);
}

static void long_texts_are_cut_and_ended(void **state)
{
	struct rv_err e = {0};
	char text[2000];
	memset(text, 'a', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	rv_fail_rule(&e, RV_EIO, text, "%s", text);
	rv_err_mend(&e, "%s", text);
	rv_err_prefix(&e, "%s", text);
	assert_true(memchr(e.rule, 0, sizeof(e.rule)) != NULL);
	assert_true(memchr(e.text, 0, sizeof(e.text)) != NULL);
	assert_true(memchr(e.mend, 0, sizeof(e.mend)) != NULL);
	/* never in the middle of a character */
	for (size_t lead = 0; lead < 3; lead++) {
		for (size_t i = 0; i + 3 < sizeof(text); i += 3) {
			memcpy(text + lead + i, "\xe2\x82\xac",
				i + lead + 3 < sizeof(text) ? 3 : 0);
		}
		memset(text, 'a', lead);
		text[lead + 1800] = '\0';
		rv_fail(&e, RV_EIO, "%s", text);
		size_t len = strlen(e.text);
		assert_int_equal((len - lead) % 3, 0);
		assert_memory_equal(e.text + len - 3, "\xe2\x82\xac", 3);
	}
}

/* A quotation that is cut, or bytes of a peer: what is left is UTF-8. */
static void texts_are_utf8(void **state)
{
	struct rv_err e = {0};
	rv_fail_rule(&e, RV_EIO, "R", "\"%.3s\" is not known", "ab\xc3\xa9");
	assert_string_equal(e.text, "\"ab\" is not known");
	rv_err_mend(&e, "Write %.2s.", "\xe2\x82\xac");
	assert_string_equal(e.mend, "Write .");
	rv_err_prefix(&e, "%.5s", "a\xf0\x9f\x9a\xa2");
	assert_string_equal(e.text, "a\xf0\x9f\x9a\xa2: \"ab\" is not known");
	rv_err_prefix(&e, "%.4s", "a\xf0\x9f\x9a\xa2");
	assert_string_equal(e.text, "a: a\xf0\x9f\x9a\xa2: \"ab\" is not known");
	/* alone, overlong, a surrogate, over U+10FFFF, no lead */
	rv_fail_errno(&e, 2, "%s",
		"a\x80\xc0\x80\xed\xa0\x80\xf4\x90\x80\x80\xff"
		"b");
	assert_memory_equal(e.text, "ab: ", 4);
	/* a context longer than there is room for */
	char context[600];
	memset(context, 'x', sizeof(context) - 1);
	context[sizeof(context) - 1] = '\0';
	for (size_t len = sizeof(e.text) - 10; len < sizeof(e.text) + 2; len++) {
		rv_fail(&e, RV_EIO, "\xe2\x82\xac\xe2\x82\xac");
		rv_err_prefix(&e, "%.*s", (int)len, context);
		size_t end = strcspn(e.text, "\xe2");
		assert_int_equal((strlen(e.text) - end) % 3, 0);
	}
}

static void every_code_has_a_name_of_its_own(void **state)
{
	for (int a = 0; a > RV_ELAST; a--) {
		assert_non_null(rv_strcode(a));
		assert_true(rv_strcode(a)[0] != '\0');
		for (int b = 0; b > a; b--) {
			assert_string_not_equal(rv_strcode(a), rv_strcode(b));
		}
	}
	assert_non_null(rv_strcode(1));
	assert_non_null(rv_strcode(RV_ELAST));
	assert_non_null(rv_strcode(-1000000));
}

/* ---- buf ---- */

static void buffers_are_big_endian(void **state)
{
	static const uint8_t want[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 2, 'h',
		'i', 0, 0, 0, 1, 'x', 'n', '=', '5'};
	struct rv_buf b = {0};
	rv_buf_u8(&b, 1);
	rv_buf_u16(&b, 0x0203);
	rv_buf_u32(&b, 0x04050607);
	rv_buf_u64(&b, UINT64_C(0x08090a0b0c0d0e0f));
	rv_buf_str8(&b, "hi");
	rv_buf_bytes32(&b, "x", 1);
	rv_buf_printf(&b, "n=%d", 5);
	assert_true(rv_buf_ok(&b));
	assert_int_equal(b.len, sizeof(want));
	assert_memory_equal(b.data, want, sizeof(want));

	struct rv_cur c = rv_cur_of(b.data, b.len);
	char text[4];
	assert_int_equal(rv_cur_u8(&c), 1);
	assert_int_equal(rv_cur_u16(&c), 0x0203);
	assert_int_equal(rv_cur_u32(&c), 0x04050607);
	assert_true(rv_cur_u64(&c) == UINT64_C(0x08090a0b0c0d0e0f));
	assert_int_equal(rv_cur_str8(&c, text, sizeof(text)), 0);
	assert_string_equal(text, "hi");
	struct rv_span s = rv_cur_bytes32(&c, 1);
	assert_int_equal(s.len, 1);
	assert_int_equal(rv_cur_left(&c), 3);
	assert_false(rv_cur_done(&c));
	rv_cur_span(&c, 3);
	assert_true(rv_cur_done(&c));
	rv_buf_free(&b);
}

static void a_failed_append_sticks(void **state)
{
	char text[257];
	struct rv_buf b = {0};
	memset(text, 'a', sizeof(text));
	text[255] = '\0';
	assert_int_equal(rv_buf_str8(&b, text), 0);
	text[255] = 'a';
	text[256] = '\0';
	assert_int_equal(rv_buf_str8(&b, text), RV_ELIMIT);
	size_t len = b.len;
	assert_false(rv_buf_ok(&b));
	assert_int_equal(rv_buf_u8(&b, 1), RV_ENOMEM);
	assert_int_equal(rv_buf_put(&b, "x", 1), RV_ENOMEM);
	assert_int_equal(rv_buf_printf(&b, "x"), RV_ENOMEM);
	assert_null(rv_buf_cstr(&b));
	assert_int_equal(b.len, len);
	rv_buf_reset(&b);
	assert_true(rv_buf_ok(&b));
	assert_int_equal(b.len, 0);
	assert_int_equal(rv_buf_reserve(&b, SIZE_MAX), RV_ENOMEM);
	assert_false(rv_buf_ok(&b));
	rv_buf_free(&b);
}

static void buffers_end_grow_and_are_taken(void **state)
{
	struct rv_buf b = {0};
	assert_string_equal(rv_buf_cstr(&b), "");
	assert_int_equal(b.len, 0);
	for (int i = 0; i < 100000; i++) {
		rv_buf_u8(&b, (uint8_t)i);
	}
	assert_true(rv_buf_ok(&b));
	for (int i = 0; i < 100000; i++) {
		assert_int_equal(b.data[i], (uint8_t)i);
	}
	rv_buf_reset(&b);
	rv_buf_str(&b, "abc");
	assert_string_equal(rv_buf_cstr(&b), "abc");
	assert_int_equal(b.len, 3);
	size_t len = 0;
	uint8_t *taken = rv_buf_take(&b, &len);
	assert_int_equal(len, 3);
	assert_string_equal((const char *)taken, "abc");
	assert_null(b.data);
	assert_int_equal(b.len + b.cap, 0);
	free(taken);
	rv_buf_str(&b, "secret");
	rv_buf_wipe(&b);
	assert_null(b.data);
	rv_buf_wipe(NULL);
	rv_buf_free(NULL);
}

static void cursors_stay_inside(void **state)
{
	static const uint8_t bytes[] = {0, 0, 0, 9, 1, 2, 3};
	struct rv_cur c = rv_cur_of(bytes, 3);
	assert_int_equal(rv_cur_u32(&c), 0);
	assert_false(rv_cur_ok(&c));
	assert_int_equal(rv_cur_left(&c), 0);
	assert_int_equal(rv_cur_u8(&c), 0); /* sticks, although bytes are left */
	assert_false(rv_cur_done(&c));

	c = rv_cur_of(bytes, sizeof(bytes));
	struct rv_span s = rv_cur_bytes32(&c, 100); /* says 9, has 3 */
	assert_null(s.data);
	assert_int_equal(s.len, 0);
	assert_false(rv_cur_ok(&c));

	c = rv_cur_of(bytes, sizeof(bytes));
	s = rv_cur_bytes32(&c, 8); /* more than the caller takes */
	assert_null(s.data);
	assert_false(rv_cur_ok(&c));

	c = rv_cur_of(NULL, 0);
	assert_true(rv_cur_done(&c));
	rv_cur_span(&c, 0);
	assert_true(rv_cur_done(&c));
	rv_cur_span(&c, SIZE_MAX);
	assert_false(rv_cur_ok(&c));
}

static void short_strings_fit_and_have_no_nul(void **state)
{
	char out[4] = "zzz";
	struct rv_cur c = rv_cur_of("\3abc", 4);
	assert_int_equal(rv_cur_str8(&c, out, 3), RV_EPARSE);
	assert_string_equal(out, "");
	c = rv_cur_of("\3abc", 4);
	assert_int_equal(rv_cur_str8(&c, out, 4), 0);
	assert_string_equal(out, "abc");
	c = rv_cur_of("\3a\0c", 4);
	assert_int_equal(rv_cur_str8(&c, out, 4), RV_EPARSE);
	assert_false(rv_cur_ok(&c));
	c = rv_cur_of("\3ab", 3);
	assert_int_equal(rv_cur_str8(&c, out, 4), RV_EPARSE);
	c = rv_cur_of("\0", 1);
	assert_int_equal(rv_cur_str8(&c, out, 4), 0);
	assert_string_equal(out, "");
	assert_true(rv_cur_done(&c));
}

/* ---- id ---- */

static void uuids_have_their_form(void **state)
{
	/* RFC 9562, A.6: 2022-02-22 14:22:22 -05:00 */
	static const uint8_t random[10] = {
		0xcc, 0xc3, 0x18, 0xc4, 0xdc, 0x0c, 0x0c, 0x07, 0x39, 0x8f};
	uint8_t uuid[RV_UUID_LEN];
	uint8_t back[RV_UUID_LEN];
	char text[RV_UUID_TEXT];
	rv_uuid7(uuid, INT64_C(0x017f22e279b0) * 1000 + 999, random);
	rv_uuid_text(text, uuid);
	assert_string_equal(text, "017f22e2-79b0-7cc3-98c4-dc0c0c07398f");
	assert_int_equal(rv_uuid_parse(back, text), 0);
	assert_memory_equal(back, uuid, sizeof(uuid));
}

static void other_uuids_are_refused(void **state)
{
	static const char *const bad[] = {"", "017f22e2-79b0-7cc3-98c4-dc0c0c07398",
		"017f22e2-79b0-7cc3-98c4-dc0c0c07398f0", "017F22E2-79B0-7CC3-98C4-DC0C0C07398F",
		"017f22e279b0-7cc3-98c4-dc0c0c07398f-", "017f22e2-79b0-4cc3-98c4-dc0c0c07398f",
		"017f22e2-79b0-7cc3-18c4-dc0c0c07398f", "017f22e2-79b0-7cc3-d8c4-dc0c0c07398f",
		"017f22e2-79b0-7cc3-98c4-dc0c0c07398g", "{017f22e2-79b0-7cc3-98c4-dc0c0c07398",
		"017f22e2079b0-7cc3-98c4-dc0c0c07398f", "017f22e2-79b0-7cc3-98c4-dc0c0c07398-"};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		uint8_t uuid[RV_UUID_LEN] = {7, 7};
		assert_int_equal(rv_uuid_parse(uuid, bad[i]), RV_EPARSE);
		assert_int_equal(uuid[0], 7);
	}
}

static void codes_have_their_form(void **state)
{
	static const struct {
		const char *text;
		int member, operation;
	} codes[] = {
		{"KE", 1, 1},
		{"K", 0, 0},
		{"", 0, 0},
		{"K1-X", 1, 1},
		{"1K", 0, 1},
		{"-K", 0, 0},
		{"ke", 0, 0},
		{"KE ", 0, 0},
		{"K_E", 0, 0},
		{"K\xc3\x84", 0, 0},
		{"ABCDEFGHIJKLMNOP", 1, 1},
		{"ABCDEFGHIJKLMNOPQ", 0, 1},
		{"ABCDEFGHIJKLMNOPABCDEFGHIJKLMNOP", 0, 1},
		{"ABCDEFGHIJKLMNOPABCDEFGHIJKLMNOPQ", 0, 0},
		{"K-", 1, 1},
		{"K/", 0, 0},
		{"../X", 0, 0},
	};
	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
		assert_int_equal(rv_code_valid(codes[i].text), codes[i].member);
		assert_int_equal(rv_opcode_valid(codes[i].text), codes[i].operation);
	}
}

static void hex_and_digests(void **state)
{
	uint8_t digest[RV_DIGEST_LEN];
	uint8_t back[RV_DIGEST_LEN];
	char text[RV_DIGEST_TEXT];
	rv_sha256(digest, "abc", 3);
	rv_hex(text, digest, sizeof(digest));
	assert_string_equal(
		text, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	assert_int_equal(rv_unhex(back, sizeof(back), text), 0);
	assert_memory_equal(back, digest, sizeof(back));
	assert_true(rv_equal_ct(back, digest, sizeof(back)));
	back[31] ^= 1;
	assert_false(rv_equal_ct(back, digest, sizeof(back)));
	assert_int_equal(rv_unhex(back, 1, "A0"), RV_EPARSE);
	assert_int_equal(rv_unhex(back, 1, "0"), RV_EPARSE);
	assert_int_equal(rv_unhex(back, 1, "000"), RV_EPARSE);
	assert_int_equal(rv_unhex(back, 1, "0x"), RV_EPARSE);
	assert_int_equal(rv_unhex(back, 1, "f0"), 0);
	assert_int_equal(back[0], 0xf0);
}

static void base64_has_one_form(void **state)
{
	static const struct {
		const char *bytes;
		const char *text;
	} good[] = {
		/* RFC 4648, 10 */
		{"", ""},
		{"f", "Zg=="},
		{"fo", "Zm8="},
		{"foo", "Zm9v"},
		{"foob", "Zm9vYg=="},
		{"fooba", "Zm9vYmE="},
		{"foobar", "Zm9vYmFy"},
		{"\xff\xef\xbe", "/+++"},
	};
	static const char *const bad[] = {"Z", "Zg", "Zg=", "Zg===", "=",
		"==", "====", "Zg==Zg==", "Z=g=", "Zh==", "Zm9=", "Zm9v=", "Zm9v====", "Zm-v",
		"Zm_v", "Zm9v\x01", "Zm9v.", "\xc3\xa4m9v", "Zm8=="};
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		struct rv_buf text = {0};
		struct rv_buf bytes = {0};
		assert_int_equal(rv_base64(&text, good[i].bytes, strlen(good[i].bytes)), 0);
		assert_string_equal(rv_buf_cstr(&text), good[i].text);
		assert_int_equal(rv_unbase64(&bytes, good[i].text, strlen(good[i].text)), 0);
		assert_string_equal(rv_buf_cstr(&bytes), good[i].bytes);
		rv_buf_free(&text);
		rv_buf_free(&bytes);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct rv_buf bytes = {0};
		rv_buf_str(&bytes, "before");
		if (rv_unbase64(&bytes, bad[i], strlen(bad[i])) != RV_EPARSE) {
			fail_msg("'%s' is taken", bad[i]);
		}
		assert_string_equal(rv_buf_cstr(&bytes), "before");
		rv_buf_free(&bytes);
	}
	struct rv_buf bytes = {0};
	static const char spaced[] = " Zm\t9v\r\nYg = = ";
	assert_int_equal(rv_unbase64(&bytes, spaced, sizeof(spaced) - 1), 0);
	assert_string_equal(rv_buf_cstr(&bytes), "foob");
	rv_buf_free(&bytes);
}

/* No two texts of four digits give the same bytes: of the 64 last digits before "==" and "=" only 4
 * and 16 are taken. */
static void base64_spare_bits_are_zero(void **state)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	int one = 0;
	int two = 0;
	for (size_t i = 0; i < 64; i++) {
		char a[] = {'A', digits[i], '=', '='};
		char b[] = {'A', 'A', digits[i], '='};
		struct rv_buf out = {0};
		one += rv_unbase64(&out, a, 4) == 0;
		two += rv_unbase64(&out, b, 4) == 0;
		rv_buf_free(&out);
	}
	assert_int_equal(one, 4);
	assert_int_equal(two, 16);
}

/* ---- stamp ---- */

static void stamps_come_back(void **state)
{
	static const struct {
		int64_t us;
		const char *text;
	} stamps[] = {
		{0, "1970-01-01T00:00:00Z"},
		{1, "1970-01-01T00:00:00.000001Z"},
		{INT64_C(951782400000000), "2000-02-29T00:00:00Z"},
		{INT64_C(1709164800000000), "2024-02-29T00:00:00Z"},
		{INT64_C(1709251199999999), "2024-02-29T23:59:59.999999Z"},
		{INT64_C(4107542400000000), "2100-03-01T00:00:00Z"},
		{INT64_C(1795507717123456), "2026-11-24T08:08:37.123456Z"},
		{INT64_C(253402300799999999), "9999-12-31T23:59:59.999999Z"},
	};
	for (size_t i = 0; i < sizeof(stamps) / sizeof(stamps[0]); i++) {
		char text[RV_STAMP_TEXT];
		int64_t us = -1;
		rv_stamp_text(text, stamps[i].us);
		assert_string_equal(text, stamps[i].text);
		assert_int_equal(rv_stamp_parse(&us, text), 0);
		assert_true(us == stamps[i].us);
	}
	/* every day of 400 years, in order and without a gap */
	int64_t day = INT64_C(86400) * RV_US_PER_SEC;
	for (int64_t d = 0; d < 146097; d++) {
		char text[RV_STAMP_TEXT];
		int64_t us = -1;
		rv_stamp_text(text, d * day);
		text[10] = '\0';
		assert_int_equal(rv_date_parse(&us, text), 0);
		assert_true(us == d * day);
	}
}

static void fractions_of_each_length(void **state)
{
	static const struct {
		const char *text;
		int64_t us;
	} fractions[] = {{".1", 100000}, {".12", 120000}, {".123", 123000}, {".1234", 123400},
		{".12345", 123450}, {".123456", 123456}, {".000001", 1}, {".0", 0}};
	for (size_t i = 0; i < sizeof(fractions) / sizeof(fractions[0]); i++) {
		char text[64];
		int64_t us = -1;
		snprintf(text, sizeof(text), "1970-01-01T00:00:00%sZ", fractions[i].text);
		assert_int_equal(rv_stamp_parse(&us, text), 0);
		assert_true(us == fractions[i].us);
	}
}

static void other_times_are_refused(void **state)
{
	static const char *const bad[] = {"", "Z", "2026-11-24", "2026-11-24T08:08:37",
		"2026-11-24T08:08:37+00:00", "2026-11-24T08:08:37z", "2026-11-24t08:08:37Z",
		"2026-11-24 08:08:37Z", "2026-11-24T08:08Z", "2026-11-24T08:08:37.Z",
		"2026-11-24T08:08:37.1234567Z", "2026-11-24T08:08:37,1Z", "2026-11-24T24:00:00Z",
		"2026-11-24T23:60:00Z", "2026-11-24T23:59:60Z", "2026-13-01T00:00:00Z",
		"2026-00-01T00:00:00Z", "2026-11-31T00:00:00Z", "2026-11-00T00:00:00Z",
		"2026-02-29T00:00:00Z", "2100-02-29T00:00:00Z", "2023-02-29T00:00:00Z",
		"1969-12-31T23:59:59Z", "12026-11-24T08:08:37Z", "-2026-11-24T08:08:37Z",
		" 2026-11-24T08:08:37Z", "2026-11-24T08:08:37Z ", "2026-1-24T08:08:37Z",
		"2026-11-24T8:08:37Z", "2026-11-24T+8:08:37Z", "2026-11-24T08:08:37ZZ"};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		int64_t us = 42;
		if (rv_stamp_parse(&us, bad[i]) != RV_EPARSE) {
			fail_msg("'%s' is taken", bad[i]);
		}
		assert_int_equal(us, 42);
	}
	int64_t us = 42;
	assert_int_equal(rv_date_parse(&us, "2026-11-24Z"), RV_EPARSE);
	assert_int_equal(rv_date_parse(&us, "2026-11-24T00:00:00Z"), RV_EPARSE);
	assert_int_equal(rv_date_parse(&us, "2100-02-29"), RV_EPARSE);
	assert_int_equal(rv_date_parse(&us, ""), RV_EPARSE);
	assert_int_equal(us, 42);
}

static void times_out_of_range_are_the_nearest(void **state)
{
	char text[RV_STAMP_TEXT];
	rv_stamp_text(text, INT64_MIN);
	assert_string_equal(text, "1970-01-01T00:00:00Z");
	rv_stamp_text(text, INT64_MAX);
	assert_string_equal(text, "9999-12-31T23:59:59.999999Z");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(errors_carry_code_rule_and_mend),
		cmocka_unit_test(errors_need_no_detail),
		cmocka_unit_test(long_texts_are_cut_and_ended),
		cmocka_unit_test(texts_are_utf8),
		cmocka_unit_test(every_code_has_a_name_of_its_own),
		cmocka_unit_test(buffers_are_big_endian),
		cmocka_unit_test(a_failed_append_sticks),
		cmocka_unit_test(buffers_end_grow_and_are_taken),
		cmocka_unit_test(cursors_stay_inside),
		cmocka_unit_test(short_strings_fit_and_have_no_nul),
		cmocka_unit_test(uuids_have_their_form),
		cmocka_unit_test(other_uuids_are_refused),
		cmocka_unit_test(codes_have_their_form),
		cmocka_unit_test(hex_and_digests),
		cmocka_unit_test(base64_has_one_form),
		cmocka_unit_test(base64_spare_bits_are_zero),
		cmocka_unit_test(stamps_come_back),
		cmocka_unit_test(fractions_of_each_length),
		cmocka_unit_test(other_times_are_refused),
		cmocka_unit_test(times_out_of_range_are_the_nearest),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
