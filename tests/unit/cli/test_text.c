/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node/cli/text.h"

#define BAD "\xEF\xBF\xBD"
#define FSI "\xE2\x81\xA8"
#define PDI "\xE2\x81\xA9"

static void expect_safe(const char *in, const char *out)
{
	struct rv_buf b = {0};
	assert_int_equal(text_safe(&b, in), 0);
	assert_non_null(rv_buf_cstr(&b));
	assert_string_equal((const char *)b.data, out);
	rv_buf_free(&b);
}

static void test_safe(void **state)
{
	expect_safe("", "");
	expect_safe("plain", "plain");
	expect_safe("two\nlines\tand\rmore", "two lines and more");
	/* Terminal sequences lose what makes them sequences: ESC, CSI as one byte of C1, BEL, DEL. */
	expect_safe("a\x1b[31mred", "a" BAD "[31mred");
	expect_safe("a\x1b]0;title\x07", "a" BAD "]0;title" BAD);
	expect_safe("a\xC2\x9b" "31m", "a" BAD "31m");
	expect_safe("\x08\x7f", BAD BAD);
	/* Not UTF-8: lone continuation, overlong slash, surrogate, beyond the end, cut short. */
	expect_safe("\x80", BAD);
	expect_safe("\xC0\xAF", BAD BAD);
	expect_safe("\xED\xA0\x80", BAD BAD BAD);
	expect_safe("\xF4\x90\x80\x80", BAD BAD BAD BAD);
	expect_safe("x\xE2\x82", "x" BAD BAD);
	/* Controls of direction cannot disguise what stands there. */
	expect_safe("invoice\xE2\x80\xAE" "gpj.exe", "invoice" BAD "gpj.exe");
	expect_safe("\xE2\x81\xA6x\xE2\x81\xA9", BAD "x" BAD);
	/* Line separators, noncharacters, tags, byte order mark. */
	expect_safe("a\xE2\x80\xA8" "b", "a" BAD "b");
	expect_safe("\xEF\xBF\xBE\xF3\xA0\x81\x81\xEF\xBB\xBF", BAD BAD BAD);
	/* What runs from right to left is isolated; other scripts are left alone. */
	expect_safe("\xD9\x85\xD8\xB1\xD9\x81\xD8\xA3", FSI "\xD9\x85\xD8\xB1\xD9\x81\xD8\xA3" PDI);
	expect_safe("\xE6\xB8\xAF\xE5\x8F\xA3 \xF0\x9F\x9A\xA2", "\xE6\xB8\xAF\xE5\x8F\xA3 \xF0\x9F\x9A\xA2");
}

static void test_width(void **state)
{
	size_t width;
	assert_int_equal(text_width(""), 0);
	assert_int_equal(text_width("abc"), 3);
	assert_int_equal(text_width("\xE6\xB8\xAF\xE5\x8F\xA3"), 4);
	assert_int_equal(text_width("e\xCC\x81"), 1);
	assert_int_equal(text_width(FSI "\xD7\x90" PDI), 1);
	assert_int_equal(text_width("\xF0\x9F\x9A\xA2"), 2);
	/* A wide character is not cut in half, a combining mark stays with its letter. */
	assert_int_equal(text_fit("\xE6\xB8\xAF\xE5\x8F\xA3", 3, &width), 3);
	assert_int_equal(width, 2);
	assert_int_equal(text_fit("e\xCC\x81x", 1, &width), 3);
	assert_int_equal(width, 1);
	assert_int_equal(text_fit("abc", 0, &width), 0);
}

static char *printed(struct table *t, size_t columns, int colours)
{
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);
	assert_non_null(f);
	assert_int_equal(table_print(t, f, columns, colours), 0);
	fclose(f);
	return text;
}

static struct table *sample(void)
{
	struct table *t = table_new();
	table_column(t, "ID", 0);
	table_column(t, "WHAT", TABLE_SHRINK);
	table_column(t, "N", TABLE_RIGHT);
	table_cell(t, "1", 0);
	table_cell(t, "\xE6\xB8\xAF\xE5\x8F\xA3", 31);
	table_cellf(t, "%d", 7);
	table_cell(t, "20", 0);
	table_cell(t, "a longer text here", 0);
	table_cell(t, NULL, 0);
	return t;
}

static void test_table(void **state)
{
	struct table *t = sample();
	char *text = printed(t, 0, 0);
	assert_string_equal(text, "ID  WHAT                N\n"
				  "1   \xE6\xB8\xAF\xE5\x8F\xA3                7\n"
				  "20  a longer text here   \n");
	free(text);
	text = printed(t, 18, 0);
	assert_string_equal(text, "ID  WHAT         N\n"
				  "1   \xE6\xB8\xAF\xE5\x8F\xA3         7\n"
				  "20  a longer t\xE2\x80\xA6   \n");
	free(text);
	text = printed(t, 18, 1);
	assert_non_null(strstr(text, "\033[31m\xE6\xB8\xAF\xE5\x8F\xA3\033[0m"));
	free(text);
	table_free(&t);
	assert_null(t);
	table_free(&t);
}

static void test_cut_isolate(void **state)
{
	struct table *t = table_new();
	table_column(t, "TEXT", TABLE_SHRINK);
	table_cell(t, "\xD7\x90\xD7\x91\xD7\x92\xD7\x93\xD7\x94\xD7\x95\xD7\x96\xD7\x97\xD7\x98\xD7\x99", 0);
	char *text = printed(t, 9, 0);
	assert_non_null(strstr(text, FSI "\xD7\x90"));
	assert_non_null(strstr(text, PDI "\xE2\x80\xA6\n"));
	free(text);
	table_free(&t);
}

static void test_lines(void **state)
{
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);
	text_put_lines(f, "one two three four five six seven\n\nlast", 4, 28);
	text_put_labelled(f, "  label", "first\nsecond", 10, 80);
	text_put_labelled(f, "a label too long", "value", 10, 80);
	text_put_lines(f, "unbreakableunbreakableunbreakable", 0, 20);
	fclose(f);
	assert_string_equal(text, "    one two three four five\n    six seven\n    \n    last\n"
				  "  label   first\n          second\n"
				  "a label too long\n          value\n"
				  "unbreakableunbreakab\nleunbreakable\n");
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_safe),
		cmocka_unit_test(test_width),
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_cut_isolate),
		cmocka_unit_test(test_lines),
	};
	return cmocka_run_group_tests_name("cli text", tests, NULL, NULL);
}
