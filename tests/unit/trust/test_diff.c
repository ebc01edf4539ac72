/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "node/trust/diff.h"
#include "protocol/xml.h"
#include "tests/unit/trust/pki.h"

static struct pki_authority ocu, rilo;
static struct pki_member ke, fr, de;

static int set_up(void **state)
{
	assert_int_equal(rv_xml_init(NULL), 0);
	pki_authority(&ocu, "OCU", PKI_NOW - 10 * PKI_DAY, PKI_NOW + 100 * PKI_DAY);
	pki_authority(&rilo, "RILO", PKI_NOW - 10 * PKI_DAY, PKI_NOW + 100 * PKI_DAY);
	pki_member(&ke, &ocu, "KE", 0);
	pki_member(&fr, &ocu, "FR", 0);
	pki_member(&de, &ocu, "DE", 0);
	return 0;
}

static int tear_down(void **state)
{
	pki_authority_clear(&ocu);
	pki_authority_clear(&rilo);
	pki_member_clear(&ke);
	pki_member_clear(&fr);
	pki_member_clear(&de);
	rv_xml_cleanup();
	return 0;
}

/* A list, unsigned, that a node would take. */
static struct rv_trust *list(const char *xml)
{
	struct rv_err e = {0};
	struct rv_trust *t = NULL;
	xmlDoc *doc = NULL;
	assert_int_equal(rv_xml_parse(&doc, xml, strlen(xml), &rv_xml_limits_trust, 0, &e), 0);
	if (rv_trust_check(&t, doc, &e) != 0) {
		print_error("%s %s\n", e.rule, e.text);
		fail();
	}
	xmlFreeDoc(doc);
	return t;
}

static char *compose(const char *before, const struct pki_member *second, const char *more)
{
	struct rv_buf content = {0}, all = {0};
	rv_buf_str(&content, before);
	pki_member_xml(&content, &ke, "administration relay", more);
	pki_member_xml(&content, second, "administration", NULL);
	pki_operation_xml(&content, "CRANE-26", "KE", "KE:participant");
	pki_list_xml(&all, 3, "2026-11-20T00:00:00Z", "2026-12-20T00:00:00Z", rv_buf_cstr(&content));
	rv_buf_free(&content);
	assert_non_null(rv_buf_cstr(&all));
	return (char *)rv_buf_take(&all, NULL);
}

static char *difference(const char *older, const char *newer, struct trust_diff **d_r)
{
	struct rv_buf text = {0};
	struct trust_diff *d = NULL;
	struct rv_trust *a = older != NULL ? list(older) : NULL;
	struct rv_trust *b = list(newer);
	assert_int_equal(trust_diff_new(&d, a, b, NULL), 0);
	rv_trust_unref(&a);
	rv_trust_unref(&b);
	assert_int_equal(trust_diff_text(d, &text, NULL), 0);
	assert_non_null(rv_buf_cstr(&text));
	if (d_r != NULL) {
		*d_r = d;
	} else {
		trust_diff_free(&d);
	}
	return (char *)rv_buf_take(&text, NULL);
}

static void has(const char *text, const char *line)
{
	if (strstr(text, line) == NULL) {
		print_error("no \"%s\" in:\n%s", line, text);
		fail();
	}
}

static void test_same(void **state)
{
	char *xml = compose("", &fr, NULL);
	struct trust_diff *d = NULL;
	const struct trust_change *changes;
	char *text = difference(xml, xml, &d);
	assert_string_equal(text, "");
	assert_int_equal(trust_diff_changes(d, &changes), 0);
	trust_diff_free(&d);
	trust_diff_free(&d);
	/* another number and date are no change */
	char *later = pki_replace(xml, "Number=\"3\"", "Number=\"4\"");
	free(text);
	text = difference(xml, later, NULL);
	assert_string_equal(text, "");
	free(text);
	free(later);
	free(xml);
}

static void test_first(void **state)
{
	char *xml = compose("", &fr, NULL);
	struct trust_diff *d = NULL;
	char *text = difference(NULL, xml, &d);
	has(text, "+ member KE\n");
	has(text, "    role relay\n");
	has(text, "+ operation CRANE-26\n");
	assert_int_equal(trust_diff_count(d, TRUST_AREA_MEMBER, TRUST_ADDED), 2);
	assert_int_equal(trust_diff_count(d, TRUST_AREA_MEMBER, TRUST_CHANGED), 0);
	trust_diff_free(&d);
	free(text);
	free(xml);
}

static void test_changes(void **state)
{
	char signing[4096];
	struct rv_buf one = {0};
	struct rv_span der;
	rv_cert_der(ocu.cert, &der);
	assert_int_equal(rv_base64(&one, der.data, der.len), 0);
	snprintf(signing, sizeof(signing),
		"<Signing Quorum=\"1\"><Certificate ValidFrom=\"%s\" ValidTo=\"%s\">%s</Certificate></Signing>"
		"<Checking MaxAgeHours=\"24\" Revocation=\"hard\" Role=\"administration\"></Checking>",
		PKI_FROM, PKI_TO, rv_buf_cstr(&one));
	char *older = compose("", &fr, "<Endpoint>tcp://a.example.org:4510</Endpoint>");
	char *newer = compose(signing, &de, "<Endpoint>tcp://b.example.org:4510</Endpoint>");
	char *named = pki_replace(newer, "<Name>", "<Name>New ");
	struct trust_diff *d = NULL;
	char *text = difference(older, named, &d);
	has(text, "+ signing\n");
	has(text, "    signatures needed: 1\n");
	has(text, "+ checking administration\n    revocation: hard, a status of at most 24 hours\n");
	has(text, "+ member DE\n");
	has(text, "- member FR\n");
	has(text, "~ member KE\n");
	has(text, "  + endpoint tcp://b.example.org:4510\n");
	has(text, "  - endpoint tcp://a.example.org:4510\n");
	has(text, "  ~ name: ");
	assert_null(strstr(text, "CRANE-26"));
	/* who goes is said in one line */
	const char *gone = strstr(text, "- member FR\n") + strlen("- member FR\n");
	assert_true(*gone == '~' || *gone == '+' || *gone == '\0' || *gone == '-');
	assert_int_equal(trust_diff_count(d, TRUST_AREA_MEMBER, TRUST_REMOVED), 1);
	assert_int_equal(trust_diff_count(d, TRUST_AREA_MEMBER, TRUST_CHANGED), 1);
	trust_diff_free(&d);
	free(text);
	free(newer);
	free(named);
	/* the first certificate is KE's */
	char *revoked = pki_replace(older, "<Certificate ValidFrom",
		"<Certificate Reason=\"key-compromise\" Revoked=\"2026-11-20T00:00:00Z\" ValidFrom");
	text = difference(older, revoked, NULL);
	has(text, "~ member KE\n  ~ certificate ");
	has(text, ", revoked since 2026-11-20T00:00:00Z: key-compromise\n");
	free(text);
	free(revoked);
	free(older);
	rv_buf_free(&one);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_same),
		cmocka_unit_test(test_first),
		cmocka_unit_test(test_changes),
	};
	return cmocka_run_group_tests_name("diff", tests, set_up, tear_down);
}
