/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ftw.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "node/store/blob.h"

static char dir[64];

static int set_up(void **state)
{
	char path[128];
	snprintf(dir, sizeof(dir), "/tmp/reeve-blob.XXXXXX");
	if (mkdtemp(dir) == NULL) {
		return -1;
	}
	snprintf(path, sizeof(path), "%s/blobs", dir);
	mkdir(path, 0700);
	snprintf(path, sizeof(path), "%s/blobs/part", dir);
	return mkdir(path, 0700);
}

static int drop(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	return remove(path);
}

static int tear_down(void **state)
{
	return nftw(dir, drop, 16, FTW_DEPTH | FTW_PHYS);
}

enum { CHUNK = 1 << 18, SIZE = 40 * CHUNK + 77 };

static uint8_t content[SIZE];

static void make_content(uint8_t digest[RV_DIGEST_LEN])
{
	for (size_t i = 0; i < SIZE; i++) {
		content[i] = (uint8_t)(i * 31 + i / 251);
	}
	rv_sha256(digest, content, SIZE);
}

static void expect_whole(const uint8_t digest[RV_DIGEST_LEN])
{
	uint64_t size = 0;
	uint8_t *back = malloc(SIZE);
	int fd = blob_open(dir, digest, &size, NULL);
	assert_true(fd >= 0);
	assert_int_equal(size, SIZE);
	assert_int_equal(pread(fd, back, SIZE, 0), SIZE);
	assert_memory_equal(back, content, SIZE);
	close(fd);
	free(back);
}

static void a_local_file_is_kept_under_its_digest(void **state)
{
	struct blob_writer *w = NULL;
	uint8_t want[RV_DIGEST_LEN];
	uint8_t got[RV_DIGEST_LEN];
	uint64_t size = 0;
	struct rv_err e = {0};
	make_content(want);
	assert_int_equal(blob_here(dir, want), 0);
	assert_int_equal(blob_open(dir, want, &size, &e), RV_ENOTFOUND);
	for (int twice = 0; twice < 2; twice++) {
		assert_int_equal(blob_writer_new(&w, dir, SIZE, &e), 0);
		for (size_t at = 0; at < SIZE; at += CHUNK) {
			assert_int_equal(blob_write(w, content + at,
						 SIZE - at < CHUNK ? SIZE - at : CHUNK, &e),
				0);
		}
		assert_int_equal(blob_write(w, "x", 1, &e), RV_ELIMIT);
		assert_int_equal(blob_finish(w, got, &size, &e), 0);
		assert_memory_equal(got, want, RV_DIGEST_LEN);
		blob_writer_free(&w);
		expect_whole(want);
	}
	/* one that is given up leaves nothing */
	assert_int_equal(blob_writer_new(&w, dir, SIZE, &e), 0);
	assert_int_equal(blob_write(w, "abc", 3, &e), 0);
	blob_writer_free(&w);
	char part[128];
	snprintf(part, sizeof(part), "%s/blobs/part", dir);
	assert_int_equal(rmdir(part), 0);
}

/* Put aside after every chunk, as a crash would: it goes on from what was noted, and is whole at
 * the end. */
static void a_fetch_resumes_after_every_chunk(void **state)
{
	uint8_t digest[RV_DIGEST_LEN];
	uint64_t have = 0;
	struct rv_err e = {0};
	make_content(digest);
	while (have < SIZE) {
		struct blob_fetch *f = NULL;
		uint64_t found = 0;
		assert_int_equal(blob_fetch_open(&f, dir, digest, SIZE, &found, &e), 0);
		assert_int_equal(found, have);
		size_t len = SIZE - have < CHUNK ? (size_t)(SIZE - have) : CHUNK;
		assert_int_equal(blob_fetch_write(f, found + 1, content, 10, &e), RV_EINVAL);
		assert_int_equal(blob_fetch_write(f, found, content + found, len, &e), 0);
		have = found + len;
		if (have == SIZE) {
			assert_int_equal(blob_fetch_finish(f, &e), 0);
		} else {
			assert_int_equal(blob_fetch_finish(f, &e), RV_EINVAL);
		}
		blob_fetch_free(&f);
		assert_null(f);
	}
	expect_whole(digest);
	struct blob_fetch *f = NULL;
	assert_int_equal(blob_fetch_open(&f, dir, digest, SIZE, &have, &e), RV_EDUP);
}

static void bytes_behind_the_mark_are_not_trusted(void **state)
{
	uint8_t digest[RV_DIGEST_LEN];
	char hex[RV_DIGEST_TEXT];
	char path[256];
	uint64_t have = 0;
	struct blob_fetch *f = NULL;
	make_content(digest);
	rv_hex(hex, digest, RV_DIGEST_LEN);
	assert_int_equal(blob_fetch_open(&f, dir, digest, SIZE, &have, NULL), 0);
	assert_int_equal(blob_fetch_write(f, 0, content, CHUNK, NULL), 0);
	blob_fetch_free(&f);
	/* a crash may leave anything after what was synced */
	snprintf(path, sizeof(path), "%s/blobs/part/%s", dir, hex);
	FILE *file = fopen(path, "r+");
	assert_non_null(file);
	fseek(file, CHUNK, SEEK_SET);
	for (int i = 0; i < CHUNK; i++) {
		fputc('?', file);
	}
	fclose(file);
	assert_int_equal(blob_fetch_open(&f, dir, digest, SIZE, &have, NULL), 0);
	assert_int_equal(have, CHUNK);
	for (uint64_t at = have; at < SIZE; at += CHUNK) {
		assert_int_equal(blob_fetch_write(f, at, content + at,
					 SIZE - at < CHUNK ? (size_t)(SIZE - at) : CHUNK, NULL),
			0);
	}
	assert_int_equal(blob_fetch_finish(f, NULL), 0);
	blob_fetch_free(&f);
	expect_whole(digest);
}

static void another_digest_is_refused_and_dropped(void **state)
{
	uint8_t digest[RV_DIGEST_LEN];
	uint64_t have = 0;
	struct blob_fetch *f = NULL;
	struct rv_err e = {0};
	rv_sha256(digest, "what was promised", 17);
	assert_int_equal(blob_fetch_open(&f, dir, digest, 17, &have, &e), 0);
	assert_int_equal(blob_fetch_write(f, 0, "what was not prom", 17, &e), 0);
	assert_int_equal(blob_fetch_finish(f, &e), RV_EDIGEST);
	blob_fetch_free(&f);
	assert_int_equal(blob_here(dir, digest), 0);
	assert_int_equal(blob_fetch_open(&f, dir, digest, 17, &have, &e), 0);
	assert_int_equal(have, 0);
	assert_int_equal(blob_fetch_write(f, 0, "what was promised", 17, &e), 0);
	assert_int_equal(blob_fetch_finish(f, &e), 0);
	blob_fetch_free(&f);
	assert_int_equal(blob_here(dir, digest), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			a_local_file_is_kept_under_its_digest, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			a_fetch_resumes_after_every_chunk, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			bytes_behind_the_mark_are_not_trusted, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			another_digest_is_refused_and_dropped, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
