/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "node/config/conf_table.h"
#include "node/file.h"

static char folder[400];

static int set_up(void **state)
{
	const char *top = getenv("top_srcdir");
	snprintf(folder, sizeof(folder), "%s/tests/unit/config", top != NULL ? top : ".");
	unsetenv("REEVE_SCHEMAS");
	return 0;
}

static void good_ones_are_read(void **state)
{
	char path[700];
	size_t n = 0;
	snprintf(path, sizeof(path), "%s/good", folder);
	DIR *d = opendir(path);
	assert_non_null(d);
	for (struct dirent *entry; (entry = readdir(d)) != NULL;) {
		struct conf *c = NULL;
		struct rv_err e = {0};
		if (strstr(entry->d_name, ".conf") == NULL) {
			continue;
		}
		snprintf(path, sizeof(path), "%s/good/%s", folder, entry->d_name);
		if (conf_read(&c, path, &e) != 0) {
			fail_msg("%s: %s", entry->d_name, e.text);
		}
		conf_free(&c);
		n++;
	}
	closedir(d);
	assert_true(n >= 13);
}

static void values_and_defaults(void **state)
{
	char path[700];
	struct conf *c = NULL;
	snprintf(path, sizeof(path), "%s/good/all.conf", folder);
	assert_int_equal(conf_read(&c, path, NULL), 0);
	assert_string_equal(c->code, "RILO-ESA");
	assert_string_equal(c->office, "Nairobi \"north\"");
	assert_string_equal(c->state_dir, "/var/lib/reeve");
	assert_int_equal(c->n_dial, 2);
	assert_string_equal(c->dial[1], "FR");
	assert_int_equal(c->attachment_max, UINT64_C(1099511627776));
	assert_non_null(strstr(c->api_socket, "/good/run/api.sock"));
	assert_int_equal(c->n_trust_urls, 2);
	assert_string_equal(c->trust_urls[0], "https://lists.example/trust.xml");
	assert_non_null(strstr(c->trust_ca, "/good/web.pem"));
	assert_int_equal(c->trust_every_s, 60);
	conf_free(&c);
	snprintf(path, sizeof(path), "%s/good/least.conf", folder);
	assert_int_equal(conf_read(&c, path, NULL), 0);
	assert_int_equal(c->heartbeat_ms, 5000);
	assert_string_equal(c->listen, "");
	assert_int_equal(c->n_dial, 0);
	assert_int_equal(c->n_trust_urls, 0);
	assert_string_equal(c->trust_ca, "");
	assert_string_equal(c->pkcs11_module, "");
	assert_string_equal(c->pkcs11_reach, "files");
	conf_free(&c);
	assert_null(c);
	conf_free(&c);
	/* a URI is no path; what goes with it is */
	snprintf(path, sizeof(path), "%s/good/token.conf", folder);
	assert_int_equal(conf_read(&c, path, NULL), 0);
	assert_string_equal(c->signing_key, "pkcs11:token=Customs;object=reeve");
	assert_string_equal(c->pkcs11_module, "/usr/lib/softhsm/libsofthsm2.so");
	assert_non_null(strstr(c->signing_pin_file, "/good/keys/pin"));
	conf_free(&c);
}

static void no_pin_is_told(void **state)
{
	char path[700];
	struct conf *c = NULL;
	struct rv_err e = {0};
	snprintf(path, sizeof(path), "%s/bad/token-pin-value.conf", folder);
	assert_int_equal(conf_read(&c, path, &e), RV_ECONFIG);
	assert_null(strstr(e.text, "4711"));
	assert_null(strstr(e.mend, "4711"));
}

static void bad_ones_name_line_and_mend(void **state)
{
	char path[700];
	struct rv_buf manifest = {0};
	char *save = NULL;
	size_t n = 0;
	snprintf(path, sizeof(path), "%s/bad/MANIFEST.csv", folder);
	assert_int_equal(file_read(path, 1 << 20, &manifest, NULL), 0);
	assert_non_null(rv_buf_cstr(&manifest));
	strtok_r((char *)manifest.data, "\n", &save);
	for (char *line = strtok_r(NULL, "\n", &save); line != NULL;
		line = strtok_r(NULL, "\n", &save), n++) {
		struct conf *c = NULL;
		struct rv_err e = {0};
		char *file = strsep(&line, ",");
		int at = (int)strtol(strsep(&line, ","), NULL, 10);
		snprintf(path, sizeof(path), "%s/bad/%s", folder, file);
		int rc = conf_read(&c, path, &e);
		if (rc != RV_ECONFIG || e.line != at ||
			(strstr(e.text, line) == NULL && strstr(e.mend, line) == NULL) ||
			strstr(e.text, file) == NULL) {
			print_error("%s: expected line %d and '%s', got %d line %d: %s | %s\n",
				file, at, line, rc, e.line, e.text, e.mend);
			fail();
		}
		assert_null(c);
	}
	assert_true(n >= 60);
	rv_buf_free(&manifest);
}

static void a_written_file_reads_back(void **state)
{
	char path[] = "/tmp/reeve-conf.XXXXXX";
	static const char *const dial[] = {"RILO", "HUB"};
	struct conf_init init = {.code = "KE",
		.office = "Mombasa \"port\"",
		.listen = "tcp://127.0.0.1:4510",
		.dial = dial,
		.n_dial = 2};
	struct conf *c = NULL;
	struct rv_buf text = {0};
	struct rv_err e = {0};
	int fd = mkstemp(path);
	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(conf_write(path, &init, &e), 0);
	if (conf_read(&c, path, &e) != 0) {
		fail_msg("%s", e.text);
	}
	assert_string_equal(c->code, "KE");
	assert_string_equal(c->office, "Mombasa \"port\"");
	assert_string_equal(c->listen, "tcp://127.0.0.1:4510");
	assert_int_equal(c->n_dial, 2);
	conf_free(&c);
	/* every setting is there with its words, and its default is a value that is taken */
	assert_int_equal(file_read(path, 1 << 20, &text, NULL), 0);
	for (char *p = (char *)text.data; p < (char *)text.data + text.len; p++) {
		if (p[0] == '#' && (p == (char *)text.data || p[-1] == '\n') && p[1] != ' ') {
			p[0] = ' ';
		}
	}
	assert_int_equal(file_write(path, 0600, text.data, text.len, NULL), 0);
	if (conf_read(&c, path, &e) != 0) {
		fail_msg("with its defaults written out: %s", e.text);
	}
	assert_int_equal(c->attachment_max, UINT64_C(4294967296));
	conf_free(&c);
	for (size_t i = 0; i < conf_n_settings; i++) {
		assert_non_null(strstr(rv_buf_cstr(&text), conf_settings[i].name));
	}
	rv_buf_free(&text);
	unlink(path);
}

static void a_missing_file_says_so(void **state)
{
	struct conf *c = NULL;
	struct rv_err e = {0};
	assert_int_equal(conf_read(&c, "/nonexistent/reeve.conf", &e), RV_ENOTFOUND);
	assert_non_null(strstr(e.mend, "reeve init"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_ones_are_read),
		cmocka_unit_test(no_pin_is_told),
		cmocka_unit_test(values_and_defaults),
		cmocka_unit_test(bad_ones_name_line_and_mend),
		cmocka_unit_test(a_written_file_reads_back),
		cmocka_unit_test(a_missing_file_says_so),
	};
	return cmocka_run_group_tests(tests, set_up, NULL);
}
