/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>
#include <jansson.h>
#include <cmocka.h>

#include "node/file.h"
#include "node/log/log.h"

/* What a peer would like a terminal to do, and how it must stand in each format. */
static const struct {
	const char *raw, *text, *json, *journal;
} hostile[] = {
	{"plain", "plain", "plain", "plain"},
	{"", "\"\"", "", ""},
	{"two words", "\"two words\"", "two words", "two words"},
	{"a=b", "\"a=b\"", "a=b", "a=b"},
	{"say \"x\"", "\"say \\\"x\\\"\"", "say \\\"x\\\"", "say \"x\""},
	{"C:\\x1b", "\"C:\\\\x1b\"", "C:\\\\x1b", "C:\\\\x1b"},
	{"line\nlevel=error", "\"line\\x0alevel=error\"", "line\\nlevel=error",
		"line\\x0alevel=error"},
	{"\x1b[2J", "\"\\x1b[2J\"", "\\u001B[2J", "\\x1b[2J"},
	{"del\x7f", "\"del\\x7f\"", "del\\u007F", "del\\x7f"},
	/* C1, in UTF-8: CSI */
	{"\xc2\x9b"
	 "2J",
		"\"\\u009b2J\"", "\\u009B2J", "\\u009b2J"},
	{"\xc2\x85", "\"\\u0085\"", "\\u0085", "\\u0085"},
	/* C1, as bytes that are not UTF-8 */
	{"\x9b"
	 "2J",
		"\"\\x9b2J\"", "\\uFFFD2J", "\\x9b2J"},
	{"\xc0\x9b", "\"\\xc0\\x9b\"", "\\uFFFD\\uFFFD", "\\xc0\\x9b"},
	{"cut \xe2\x82", "\"cut \\xe2\\x82\"", "cut \\uFFFD\\uFFFD", "cut \\xe2\\x82"},
	{"\xed\xa0\x80", "\"\\xed\\xa0\\x80\"", "\\uFFFD\\uFFFD\\uFFFD", "\\xed\\xa0\\x80"},
	{"\xf5\x80\x80\x80", "\"\\xf5\\x80\\x80\\x80\"", "\\uFFFD\\uFFFD\\uFFFD\\uFFFD",
		"\\xf5\\x80\\x80\\x80"},
	/* ends of lines and changes of direction beyond ASCII */
	{"\xe2\x80\xa8", "\"\\u2028\"", "\\u2028", "\\u2028"},
	{"\xe2\x80\xae"
	 "gpj",
		"\"\\u202egpj\"", "\\u202Egpj", "\\u202egpj"},
	{"\xf3\xa0\x80\x81", "\"\\U000e0001\"", "\\uDB40\\uDC01", "\\U000e0001"},
	/* what people write stays readable */
	{"Zo\xc3\xab", "Zo\xc3\xab", "Zo\\u00EB", "Zo\xc3\xab"},
	{"\xc4\xa0", "\xc4\xa0", "\\u0120", "\xc4\xa0"},
	{"\xd8\xb3\xd9\x84\xd8\xa7\xd9\x85", "\xd8\xb3\xd9\x84\xd8\xa7\xd9\x85",
		"\\u0633\\u0644\\u0627\\u0645", "\xd8\xb3\xd9\x84\xd8\xa7\xd9\x85"},
	{"\xf0\x9f\x9a\xa2", "\xf0\x9f\x9a\xa2", "\\uD83D\\uDEA2", "\xf0\x9f\x9a\xa2"},
};
enum { HOSTILE = sizeof(hostile) / sizeof(hostile[0]) };

static int64_t at_noon(void *ctx)
{
	return INT64_C(1795521600000000);
}
static const struct rv_clock noon = {at_noon, NULL};
#define STAMP "2026-11-24T12:00:00Z"

/* ---- what is written ---- */

static char path[64];
static int real_stderr = -1;

static void catch_stderr(void)
{
	strcpy(path, "/tmp/reeve-log.XXXXXX");
	int fd = mkstemp(path);
	assert_true(fd >= 0);
	real_stderr = dup(STDERR_FILENO);
	assert_true(real_stderr >= 0 && dup2(fd, STDERR_FILENO) >= 0);
	close(fd);
}

static const char *caught(struct rv_buf *out)
{
	assert_true(dup2(real_stderr, STDERR_FILENO) >= 0);
	close(real_stderr);
	assert_int_equal(file_read(path, 1 << 20, out, NULL), 0);
	unlink(path);
	return rv_buf_cstr(out);
}

/* In place of libsystemd's: what the journal would get. */
static struct rv_buf journal;
int sd_journal_sendv(const struct iovec *iov, int n);
int sd_journal_sendv(const struct iovec *iov, int n)
{
	for (int i = 0; i < n; i++) {
		rv_buf_put(&journal, iov[i].iov_base, iov[i].iov_len);
		rv_buf_u8(&journal, '\n');
	}
	return 0;
}

static struct log *open_log(const char *level, const char *format)
{
	struct log *l = NULL;
	struct rv_err e = {0};
	if (log_open(&l, level, format, "KE", noon, &e) != 0) {
		fail_msg("%s", e.text);
	}
	return l;
}

/* One event with that value. */
static void log_value(const char *format, const char *value, struct rv_buf *out)
{
	catch_stderr();
	struct log *l = open_log("info", format);
	log_event(l, LOG_LVL_INFO, "an event", "peer", "FR", "said", value, NULL);
	log_close(&l);
	assert_null(l);
	caught(out);
}

static void text_is_one_safe_line(void **state)
{
	for (size_t i = 0; i < HOSTILE; i++) {
		struct rv_buf out = {0};
		char expected[256];
		snprintf(expected, sizeof(expected), STAMP " info    an event peer=FR said=%s\n",
			hostile[i].text);
		log_value("text", hostile[i].raw, &out);
		assert_string_equal(rv_buf_cstr(&out), expected);
		rv_buf_free(&out);
	}
}

static void json_is_one_line_of_ascii(void **state)
{
	for (size_t i = 0; i < HOSTILE; i++) {
		struct rv_buf out = {0};
		char expected[256];
		snprintf(expected, sizeof(expected), ",\"peer\":\"FR\",\"said\":\"%s\"}\n",
			hostile[i].json);
		log_value("json", hostile[i].raw, &out);
		const char *line = rv_buf_cstr(&out);
		const char *tail = strstr(line, ",\"peer\"");
		assert_non_null(tail);
		assert_string_equal(tail, expected);
		for (const char *p = line; p[1] != '\0'; p++) {
			assert_in_range((unsigned char)*p, 0x20, 0x7e);
		}
		json_t *o = json_loads(line, 0, NULL);
		assert_non_null(o);
		assert_string_equal(json_string_value(json_object_get(o, "time")), STAMP);
		assert_string_equal(json_string_value(json_object_get(o, "level")), "info");
		assert_string_equal(json_string_value(json_object_get(o, "node")), "KE");
		assert_string_equal(json_string_value(json_object_get(o, "event")), "an event");
		json_decref(o);
		rv_buf_free(&out);
	}
}

static void the_journal_gets_safe_fields(void **state)
{
	for (size_t i = 0; i < HOSTILE; i++) {
		struct rv_buf out = {0};
		char expected[256];
		snprintf(expected, sizeof(expected),
			"MESSAGE=an event\nPRIORITY=6\nREEVE_NODE=KE\nREEVE_PEER=FR\n"
			"REEVE_SAID=%s\n",
			hostile[i].journal);
		rv_buf_reset(&journal);
		log_value("journal", hostile[i].raw, &out);
		assert_int_equal(out.len, 0);
		assert_string_equal(rv_buf_cstr(&journal), expected);
		rv_buf_free(&out);
	}
	rv_buf_free(&journal);
}

static void an_event_is_a_line_too(void **state)
{
	static const char evil[] = "gone\n\xc2\x9b"
				   "2J";
	struct rv_buf out = {0};
	catch_stderr();
	struct log *l = open_log("info", "text");
	log_event(l, LOG_LVL_WARNING, evil, NULL);
	log_close(&l);
	l = open_log("info", "journal");
	rv_buf_reset(&journal);
	log_event(l, LOG_LVL_WARNING, evil, NULL);
	log_close(&l);
	assert_string_equal(caught(&out), STAMP " warning gone\\x0a\\u009b2J\n");
	assert_string_equal(rv_buf_cstr(&journal),
		"MESSAGE=gone\\x0a\\u009b2J\nPRIORITY=4\nREEVE_NODE=KE\n");
	rv_buf_free(&out);
	rv_buf_free(&journal);
}

static void an_error_brings_its_detail(void **state)
{
	struct rv_buf out = {0};
	struct rv_err e = {0};
	rv_fail_rule(&e, RV_EDENIED, "RVE-014", "%s may not", "\x1b]0;FR\a");
	rv_err_mend(&e, "Ask the coordinator.");
	e.line = 3;
	e.column = 7;
	catch_stderr();
	struct log *l = open_log("error", "text");
	log_err(l, LOG_LVL_ERROR, "refused", &e, "peer", "FR", NULL);
	log_close(&l);
	char expected[400];
	snprintf(expected, sizeof(expected),
		STAMP " error   refused peer=FR code=%s rule=RVE-014 place=3:7 "
		      "why=\"\\x1b]0;FR\\x07 may not\" mend=\"Ask the coordinator.\"\n",
		rv_strcode(RV_EDENIED));
	assert_string_equal(caught(&out), expected);
	rv_buf_free(&out);
}

static void levels_are_kept(void **state)
{
	static const char *const names[] = {"error", "warning", "info", "debug"};
	for (int level = LOG_LVL_ERROR; level <= LOG_LVL_DEBUG; level++) {
		struct rv_buf out = {0};
		size_t lines = 0;
		catch_stderr();
		struct log *l = open_log(names[level - 1], "text");
		for (int i = LOG_LVL_ERROR; i <= LOG_LVL_DEBUG; i++) {
			log_event(l, (enum log_level)i, "x", NULL);
		}
		log_close(&l);
		caught(&out);
		for (size_t i = 0; i < out.len; i++) {
			lines += out.data[i] == '\n';
		}
		assert_int_equal(lines, level);
		rv_buf_free(&out);
	}
	/* nobody has to have a log */
	log_event(NULL, LOG_LVL_ERROR, "x", NULL);
	struct rv_err e = {0};
	struct log *l = NULL;
	assert_int_equal(log_open(&l, "loud", "text", "KE", noon, &e), RV_EINVAL);
	assert_int_equal(log_open(&l, "info", "xml", "KE", noon, &e), RV_EINVAL);
	assert_null(l);
}

static void more_fields_than_there_is_room_for_are_left_out(void **state)
{
	struct rv_buf out = {0};
	catch_stderr();
	struct log *l = open_log("info", "text");
	log_event(l, LOG_LVL_INFO, "x", "a", "1", "a", "2", "a", "3", "a", "4", "a", "5", "a", "6",
		"a", "7", "a", "8", "a", "9", "a", "10", "a", "11", "a", "12", "a", "13", "a",
		"14", "a", "15", "a", "16", "a", "17", "a", NULL, NULL);
	log_close(&l);
	assert_non_null(strstr(caught(&out), " a=15 a=16\n"));
	rv_buf_free(&out);
}

static char first_byte(void)
{
	struct rv_buf out = {0};
	struct log *l = open_log("info", "auto");
	log_event(l, LOG_LVL_INFO, "x", NULL);
	log_close(&l);
	char c = caught(&out)[0];
	rv_buf_free(&out);
	return c;
}

static void auto_looks_where_stderr_goes(void **state)
{
	char stream[64];
	struct stat st;
	unsetenv("JOURNAL_STREAM");
	catch_stderr();
	assert_int_equal(first_byte(), '{');
	catch_stderr();
	assert_int_equal(fstat(STDERR_FILENO, &st), 0);
	snprintf(stream, sizeof(stream), "%llu:%llu", (unsigned long long)st.st_dev,
		(unsigned long long)st.st_ino);
	setenv("JOURNAL_STREAM", stream, 1);
	rv_buf_reset(&journal);
	assert_int_equal(first_byte(), '\0');
	assert_true(journal.len > 0);
	rv_buf_free(&journal);
	/* redirected since: another file */
	catch_stderr();
	assert_int_equal(fstat(STDERR_FILENO, &st), 0);
	snprintf(stream, sizeof(stream), "%llu:%llu", (unsigned long long)st.st_dev,
		(unsigned long long)st.st_ino + 1);
	setenv("JOURNAL_STREAM", stream, 1);
	assert_int_equal(first_byte(), '{');
	unsetenv("JOURNAL_STREAM");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_is_one_safe_line),
		cmocka_unit_test(json_is_one_line_of_ascii),
		cmocka_unit_test(the_journal_gets_safe_fields),
		cmocka_unit_test(an_event_is_a_line_too),
		cmocka_unit_test(an_error_brings_its_detail),
		cmocka_unit_test(levels_are_kept),
		cmocka_unit_test(more_fields_than_there_is_room_for_are_left_out),
		cmocka_unit_test(auto_looks_where_stderr_goes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
