/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "node/file.h"

static char folder[] = "/tmp/reeve-file.XXXXXX";
static char path[64];

static int make_folder(void **state)
{
	if (mkdtemp(folder) == NULL) {
		return -1;
	}
	snprintf(path, sizeof(path), "%s/f", folder);
	return 0;
}

static int drop_folder(void **state)
{
	unlink(path);
	return rmdir(folder);
}

static void writes_whole_and_reads_back(void **state)
{
	struct rv_buf b = {0};
	struct stat st;
	assert_int_equal(file_write(path, 0600, "one", 3, NULL), 0);
	assert_int_equal(file_write(path, 0640, "second", 6, NULL), 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0640);
	assert_int_equal(rv_buf_str(&b, "> "), 0);
	assert_int_equal(file_read(path, 6, &b, NULL), 0);
	assert_string_equal(rv_buf_cstr(&b), "> second");
	rv_buf_free(&b);
}

static void refuses_what_it_should(void **state)
{
	struct rv_buf b = {0};
	struct rv_err e;
	assert_int_equal(file_write(path, 0600, "123456", 6, NULL), 0);
	assert_int_equal(file_read(path, 5, &b, &e), RV_ELIMIT);
	assert_int_equal(b.len, 0);
	assert_int_equal(file_read("/nonexistent/file", 5, &b, &e), RV_ENOTFOUND);
	assert_int_equal(e.code, RV_ENOTFOUND);
	assert_non_null(strstr(e.text, "/nonexistent/file"));
	assert_int_equal(file_read("/", 5, &b, &e), RV_EINVAL);
	assert_int_equal(file_write("/nonexistent/file", 0600, "x", 1, &e), RV_ESYS);
	rv_buf_free(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(writes_whole_and_reads_back),
		cmocka_unit_test(refuses_what_it_should),
	};
	return cmocka_run_group_tests(tests, make_folder, drop_folder);
}
