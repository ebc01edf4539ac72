/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "node/file.h"
#include "node/trust/roots.h"
#include "protocol/join.h"

/* Every vector of protocol/vectors/trust, as its MANIFEST.csv says. */

static char *folder;

static void read_file(const char *name, struct rv_buf *out)
{
	struct rv_err e = {0};
	char *path = file_join(folder, name);
	if (file_read(path, 1 << 20, out, &e) != 0) {
		print_error("%s\n", e.text);
		fail();
	}
	free(path);
}

static void check_rule(const char *file, int rc, const struct rv_err *e, const char *rule)
{
	if ((rc == 0) != (rule[0] == '\0') || (rc != 0 && strcmp(e->rule, rule) != 0)) {
		print_error("%s: expected '%s', got '%s' (%s)\n", file, rule, e->rule, e->text);
		fail();
	}
}

static void check_list(const char *file, const char *authority, int64_t now_us, const char *rule)
{
	struct rv_err e = {0};
	struct rv_buf wire = {0};
	struct trust_roots roots = {0};
	struct rv_trust *t = NULL;
	char *path = file_join(folder, authority);
	read_file(file, &wire);
	assert_int_equal(trust_roots_read(&roots, path, &e), 0);
	int rc = trust_roots_list(&roots, &t, wire.data, wire.len, now_us, &e);
	check_rule(file, rc, &e, rule);
	if (rc == 0) {
		assert_int_equal(rv_trust_number(t), 7);
		assert_non_null(rv_trust_member(t, "KE"));
	}
	rv_trust_unref(&t);
	trust_roots_clear(&roots);
	rv_buf_free(&wire);
	free(path);
}

static void check_join(const char *file, const char *fingerprint, const char *rule)
{
	struct rv_err e = {0};
	struct rv_buf wire = {0};
	struct rv_join j;
	char text[RV_FINGERPRINT_TEXT];
	read_file(file, &wire);
	int rc = rv_join_read(&j, wire.data, wire.len, &e);
	check_rule(file, rc, &e, rule);
	if (rc == 0) {
		assert_int_equal(rv_join_fingerprint(&j, text, &e), 0);
		assert_string_equal(text, fingerprint);
		rv_join_clear(&j);
	}
	rv_buf_free(&wire);
}

static void test_vectors(void **state)
{
	struct rv_buf manifest = {0};
	size_t n = 0;
	read_file("MANIFEST.csv", &manifest);
	assert_non_null(rv_buf_cstr(&manifest));
	char *rest = (char *)manifest.data;
	assert_string_equal(strsep(&rest, "\n"), "file,authority,now,rule");
	for (char *line; (line = strsep(&rest, "\n")) != NULL && line[0] != '\0'; n++) {
		const char *file = strsep(&line, ",");
		const char *authority = strsep(&line, ",");
		const char *now = strsep(&line, ",");
		int64_t now_us = 0;
		assert_non_null(line);
		assert_int_equal(rv_stamp_parse(&now_us, now), 0);
		if (strncmp(file, "join", 4) == 0) {
			check_join(file, authority, line);
		} else {
			check_list(file, authority, now_us, line);
		}
	}
	assert_true(n > 30);
	rv_buf_free(&manifest);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_vectors)};
	const char *top = getenv("top_srcdir");
	folder = file_join(top != NULL ? top : ".", "protocol/vectors/trust");
	rv_xml_init(NULL);
	int failed = cmocka_run_group_tests_name("trust vectors", tests, NULL, NULL);
	free(folder);
	return failed;
}
