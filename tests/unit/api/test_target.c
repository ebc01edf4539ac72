/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "node/api/target.h"
#include "protocol/id.h"

static void test_good(void **state)
{
	struct target t;
	assert_int_equal(target_parse(&t, "/", NULL), 0);
	assert_int_equal(t.n_segments, 0);
	target_clear(&t);

	assert_int_equal(target_parse(&t, "/v1/inbox?after=7&limit=50&unread&x=a%20b+c%3D&&y=%C3%A9", NULL), 0);
	assert_int_equal(t.n_segments, 2);
	assert_string_equal(t.segments[0], "v1");
	assert_string_equal(t.segments[1], "inbox");
	assert_int_equal(t.n_params, 5);
	assert_string_equal(target_param(&t, "after"), "7");
	assert_string_equal(target_param(&t, "unread"), "");
	assert_string_equal(target_param(&t, "x"), "a b c=");
	assert_string_equal(target_param(&t, "y"), "\xC3\xA9");
	assert_null(target_param(&t, "z"));
	target_clear(&t);
	target_clear(&t);

	/* A slash that was escaped stays in its segment; an empty segment is a segment; '+' is a plus in a path. */
	assert_int_equal(target_parse(&t, "/a%2Fb//c+d?", NULL), 0);
	assert_int_equal(t.n_segments, 3);
	assert_string_equal(t.segments[0], "a/b");
	assert_string_equal(t.segments[1], "");
	assert_string_equal(t.segments[2], "c+d");
	assert_int_equal(t.n_params, 0);
	target_clear(&t);
}

static void expect_refused(const char *raw)
{
	struct target t;
	struct rv_err e = {0};
	if (target_parse(&t, raw, &e) != RV_EINVAL)
		fail_msg("'%s' was not refused", raw);
	assert_int_equal(e.code, RV_EINVAL);
	assert_true(e.text[0] != 0);
}

static void test_bad(void **state)
{
	expect_refused("");
	expect_refused("*");
	expect_refused("v1/inbox");
	expect_refused("http://host/v1/inbox");
	expect_refused("/v1/%");
	expect_refused("/v1/%4");
	expect_refused("/v1/%zz");
	expect_refused("/v1/inbox%00x");
	expect_refused("/v1/%0A");
	expect_refused("/v1?x=%1b");
	expect_refused("/v1?x=%7F");
	expect_refused("/v1?x=%C2%80");       /* a C1 control */
	expect_refused("/v1?x=%C0%AF");       /* overlong */
	expect_refused("/v1?x=%ED%A0%80");    /* surrogate */
	expect_refused("/v1?x=%F4%90%80%80"); /* beyond Unicode */
	expect_refused("/v1?x=%E2%82");       /* cut short */
	expect_refused("/v1?x=\xFF");
	expect_refused("/1/2/3/4/5/6/7");

	char *many = calloc(1, TARGET_BYTES + 64);
	strcpy(many, "/v1?");
	for (int i = 0; i < TARGET_PARAMS; i++)
		strcat(many, "a&");
	strcat(many, "a");
	expect_refused(many);
	memset(many, 'a', TARGET_BYTES + 1);
	many[0] = '/';
	expect_refused(many);
	many[TARGET_BYTES] = 0;
	struct target t;
	assert_int_equal(target_parse(&t, many, NULL), 0);
	target_clear(&t);
	free(many);
}

static void test_number(void **state)
{
	uint64_t n = 99;
	assert_int_equal(target_number(&n, "0", 10), 0);
	assert_int_equal(n, 0);
	assert_int_equal(target_number(&n, "10", 10), 0);
	assert_int_equal(n, 10);
	assert_int_equal(target_number(&n, "9223372036854775807", INT64_MAX), 0);
	assert_int_equal(n, INT64_MAX);
	assert_int_equal(target_number(&n, "18446744073709551615", UINT64_MAX), 0);
	n = 99;
	static const char *const bad[] = {"", "11", "-1", "+1", " 1", "1 ", "01", "0x1", "1e1", "9223372036854775808",
		"18446744073709551616", "99999999999999999999999", NULL};
	for (const char *const *b = bad; *b; b++) {
		assert_int_equal(target_number(&n, *b, strlen(*b) > 5 ? INT64_MAX : 10), RV_EINVAL);
		assert_int_equal(n, 99);
	}
	assert_int_equal(target_number(&n, "5", 3), RV_EINVAL);
}

#define DIGEST "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

static void test_attachment(void **state)
{
	struct rv_attachment a;
	assert_int_equal(target_attachment(&a, DIGEST ",image/jpeg,seal, close up.jpg", NULL), 0);
	assert_string_equal(a.media_type, "image/jpeg");
	assert_string_equal(a.name, "seal, close up.jpg");
	assert_int_equal(a.digest[1], 0x11);
	assert_int_equal(a.size, 0);
	assert_int_equal(target_attachment(&a, DIGEST ",application/vnd.x+json,\xD8\xB5\xD9\x88\xD8\xB1\xD8\xA9.jpg", NULL), 0);
	static const char *const bad[] = {"", ",", ",,", DIGEST, DIGEST ",image/jpeg", DIGEST ",image/jpeg,",
		"G" DIGEST ",image/jpeg,x", DIGEST ",image,x", DIGEST ",image/,x", DIGEST ",/jpeg,x", DIGEST ",a/b/c,x",
		DIGEST ",image/jp eg,x", DIGEST ",image/jpeg,../x", DIGEST ",image/jpeg,a/b", DIGEST ",image/jpeg,a\\b",
		DIGEST ",image/jpeg,.profile", DIGEST ",image/jpeg,a\nb",
		"0011223344556677889900AABBCCDDEEFF112233445566778899aabbccddeeff,image/jpeg,x", NULL};
	for (const char *const *b = bad; *b; b++)
		if (target_attachment(&a, *b, NULL) != RV_EINVAL)
			fail_msg("'%s' was taken", *b);
	char text[1024] = DIGEST ",image/jpeg,";
	memset(text + strlen(text), 'x', sizeof a.name);
	assert_int_equal(target_attachment(&a, text, NULL), RV_EINVAL);
	text[strlen(text) - 1] = 0;
	assert_int_equal(target_attachment(&a, text, NULL), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_number),
		cmocka_unit_test(test_attachment),
	};
	return cmocka_run_group_tests_name("api target", tests, NULL, NULL);
}
