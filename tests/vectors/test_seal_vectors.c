/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "node/file.h"
#include "protocol/seal.h"

/* Every line of protocol/vectors/seal/MANIFEST.csv. */

static char folder[400];

static void load(struct rv_buf *out, const char *name)
{
	char *path = file_join(folder, name);
	struct rv_err e = {0};
	if (file_read(path, 1 << 20, out, &e) != 0) {
		fail_msg("%s", e.text);
	}
	free(path);
}

static void names(unsigned mask, char *out, size_t size)
{
	out[0] = '\0';
	for (int i = 0; i < RV_SEC_COUNT; i++) {
		if (mask & 1u << i) {
			size_t used = strlen(out);
			snprintf(out + used, size - used, "%s%s", used > 0 ? " " : "",
				rv_section_id((enum rv_section)i));
		}
	}
}

static void run(struct rv_verifier *v, const char *file, const char *cert_file, const char *rule,
	const char *withheld)
{
	struct rv_buf wire = {0};
	struct rv_buf pem = {0};
	struct rv_cert *cert = NULL;
	struct rv_sealed sealed = {0};
	struct rv_err e = {0};
	xmlDoc *doc = NULL;
	char got[200];
	load(&wire, file);
	load(&pem, cert_file);
	assert_int_equal(rv_cert_from_pem(&cert, pem.data, pem.len, &e), 0);
	int rc = rv_seal_parse(&doc, wire.data, wire.len, &e);
	if (rc == 0) {
		rc = rv_seal_verify(v, doc, cert, &sealed, &e);
	}
	names(sealed.withheld, got, sizeof(got));
	if ((rc == 0) != (rule[0] == '\0') || strcmp(e.rule, rule) != 0 ||
		strcmp(got, withheld) != 0) {
		print_error("%s: expected '%s' withheld '%s', got '%s' withheld '%s': %s\n", file,
			rule, withheld, e.rule, got, e.text);
		fail();
	}
	xmlFreeDoc(doc);
	rv_cert_free(&cert);
	rv_buf_free(&wire);
	rv_buf_free(&pem);
}

static void every_vector(void **state)
{
	struct rv_verifier *v = NULL;
	struct rv_buf manifest = {0};
	const char *top = getenv("top_srcdir");
	char *save = NULL;
	size_t n = 0;
	snprintf(folder, sizeof(folder), "%s/protocol/vectors/seal", top != NULL ? top : ".");
	assert_int_equal(rv_verifier_new(&v, NULL), 0);
	load(&manifest, "MANIFEST.csv");
	assert_non_null(rv_buf_cstr(&manifest));
	strtok_r((char *)manifest.data, "\n", &save); /* the heading */
	for (char *line = strtok_r(NULL, "\n", &save); line != NULL;
		line = strtok_r(NULL, "\n", &save), n++) {
		char *field[4];
		for (int i = 0; i < 4; i++) {
			field[i] = strsep(&line, ",");
			assert_non_null(field[i]);
		}
		run(v, field[0], field[1], field[2], field[3]);
	}
	assert_true(n > 40);
	rv_buf_free(&manifest);
	rv_verifier_free(&v);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(every_vector)};
	if (rv_xml_init(NULL) != 0 || rv_seal_init(NULL) != 0) {
		return 1;
	}
	int rc = cmocka_run_group_tests(tests, NULL, NULL);
	rv_seal_cleanup();
	rv_xml_cleanup();
	return rc;
}
