/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "node/trust/issue.h"
#include "node/trust/roots.h"
#include "protocol/xml.h"
#include "tests/unit/trust/pki.h"

/* m of n signatures, issuers, the policy of revocation, revoked certificates. */

static struct pki_authority a, b, c;
static struct pki_member ke, fr;

static int set_up(void **state)
{
	assert_int_equal(rv_xml_init(NULL), 0);
	pki_authority(&a, "OCU", PKI_NOW - 10 * PKI_DAY, PKI_NOW + 100 * PKI_DAY);
	pki_authority(&b, "RILO", PKI_NOW - 10 * PKI_DAY, PKI_NOW + 100 * PKI_DAY);
	pki_authority(&c, "WCO", PKI_NOW - 10 * PKI_DAY, PKI_NOW + 100 * PKI_DAY);
	pki_member(&ke, &a, "KE", 0);
	pki_member(&fr, &a, "FR", 0);
	return 0;
}

static int tear_down(void **state)
{
	pki_authority_clear(&a);
	pki_authority_clear(&b);
	pki_authority_clear(&c);
	pki_member_clear(&ke);
	pki_member_clear(&fr);
	rv_xml_cleanup();
	return 0;
}

static void put_cert(struct rv_buf *out, const struct rv_cert *cert, const char *attributes)
{
	struct rv_span der;
	rv_cert_der(cert, &der);
	rv_buf_printf(out, "<Certificate%s>", attributes);
	assert_int_equal(rv_base64(out, der.data, der.len), 0);
	rv_buf_str(out, "</Certificate>");
}

static const char always[] = " ValidFrom=\"" PKI_FROM "\" ValidTo=\"" PKI_TO "\"";

/* A list whose Signing names the authorities given. */
static char *list_of(unsigned quorum, const struct pki_authority *const *signing, const char *more)
{
	struct rv_buf content = {0}, list = {0};
	if (signing != NULL) {
		rv_buf_printf(&content, "<Signing Quorum=\"%u\">", quorum);
		for (; *signing != NULL; signing++) {
			put_cert(&content, (*signing)->cert, always);
		}
		rv_buf_str(&content, "</Signing>");
	}
	rv_buf_str(&content, more);
	pki_member_xml(&content, &ke, "administration relay", NULL);
	pki_member_xml(&content, &fr, "right-holder", NULL);
	pki_list_xml(&list, 3, "2026-11-20T00:00:00Z", "2026-12-20T00:00:00Z", rv_buf_cstr(&content));
	rv_buf_free(&content);
	return (char *)rv_buf_take(&list, NULL);
}

static int read_by(struct rv_trust **t, const char *xml, const struct pki_authority *const *by,
	const struct pki_authority *const *known, unsigned quorum, struct rv_err *e)
{
	struct rv_buf wire = {0};
	const struct rv_cert *certs[4];
	size_t n = 0;
	for (; known[n] != NULL; n++) {
		certs[n] = known[n]->cert;
	}
	pki_sign(&wire, xml, by);
	int rc = rv_trust_read(t, wire.data, wire.len, certs, n, quorum, PKI_NOW, e);
	rv_buf_free(&wire);
	return rc;
}

static const struct pki_authority *const all[] = {&a, &b, &c, NULL};
static const struct pki_authority *const ab[] = {&a, &b, NULL};
static const struct pki_authority *const bc[] = {&b, &c, NULL};
static const struct pki_authority *const only_a[] = {&a, NULL};
static const struct pki_authority *const only_c[] = {&c, NULL};
static const struct pki_authority *const twice_a[] = {&a, &a, NULL};

static void test_quorum(void **state)
{
	struct rv_trust *t = NULL;
	struct rv_err e = {0};
	char *xml = list_of(2, all, "");
	assert_int_equal(read_by(&t, xml, ab, all, 2, &e), 0);
	assert_int_equal(rv_trust_signers(t), 2);
	const struct rv_dated_cert *certs;
	unsigned quorum = 0;
	assert_int_equal(rv_trust_signing(t, &certs, &quorum), 3);
	assert_int_equal(quorum, 2);

	/* the file that the next list is read by */
	struct rv_buf pem = {0};
	struct trust_roots roots = {0};
	assert_int_equal(trust_roots_pem(t, &pem, &e), 0);
	assert_int_equal(trust_roots_parse(&roots, (const char *)pem.data, pem.len, &e), 0);
	assert_int_equal(roots.n, 3);
	assert_int_equal(roots.quorum, 2);
	trust_roots_clear(&roots);
	rv_buf_free(&pem);
	rv_trust_unref(&t);

	/* no single coordinator can forge */
	assert_int_equal(read_by(&t, xml, only_a, all, 2, &e), RV_ESIGNATURE);
	assert_string_equal(e.rule, "TRUST-QUORUM");
	assert_non_null(strstr(e.mend, "authority sign"));
	assert_int_equal(read_by(&t, xml, twice_a, all, 2, &e), RV_ESIGNATURE);
	assert_string_equal(e.rule, "TRUST-QUORUM");
	free(xml);

	/* ...nor lower the number himself */
	xml = list_of(1, only_a, "");
	assert_int_equal(read_by(&t, xml, only_a, all, 2, &e), RV_ESIGNATURE);
	assert_string_equal(e.rule, "TRUST-QUORUM");
	/* the quorum may */
	assert_int_equal(read_by(&t, xml, ab, all, 2, &e), 0);
	rv_trust_unref(&t);
	free(xml);

	/* a list without the signatures that it asks for itself would lock all out */
	xml = list_of(2, bc, "");
	assert_int_equal(read_by(&t, xml, ab, ab, 2, &e), RV_ESIGNATURE);
	assert_string_equal(e.rule, "TRUST-QUORUM");
	assert_int_equal(read_by(&t, xml, all, ab, 2, &e), 0);
	rv_trust_unref(&t);
	assert_int_equal(read_by(&t, xml, bc, only_c, 1, &e), 0);
	rv_trust_unref(&t);
	free(xml);
	assert_null(t);
}

/* A certificate of Signing that has ended counts no more. */
static void test_quorum_dates(void **state)
{
	struct rv_trust *t = NULL;
	struct rv_err e = {0};
	char *xml = list_of(2, ab, "");
	char *ended = pki_replace(xml, "ValidTo=\"" PKI_TO "\"", "ValidTo=\"2026-11-24T11:59:59Z\"");
	assert_int_equal(read_by(&t, ended, ab, ab, 1, &e), RV_ESIGNATURE);
	assert_string_equal(e.rule, "TRUST-QUORUM");
	assert_null(t);
	free(xml);
	free(ended);
}

static void test_count(void **state)
{
	struct rv_err e = {0};
	struct rv_buf wire = {0};
	xmlDoc *doc = NULL;
	unsigned n = 9;
	const struct rv_cert *certs[] = {a.cert, c.cert};
	char *xml = list_of(2, all, "");
	pki_sign(&wire, xml, ab);
	assert_int_equal(rv_xml_parse(&doc, wire.data, wire.len, &rv_xml_limits_trust, 0, &e), 0);
	assert_int_equal(rv_trust_count_signers(&n, doc, certs, 2, &e), 0);
	assert_int_equal(n, 1);
	xmlFreeDoc(doc);
	rv_buf_free(&wire);
	free(xml);
}

static char *issuer_xml(const char *between)
{
	struct rv_buf text = {0};
	rv_buf_str(&text, "<Issuer>");
	put_cert(&text, b.cert, "");
	rv_buf_printf(&text, "%s</Issuer>", between);
	assert_non_null(rv_buf_cstr(&text));
	return (char *)rv_buf_take(&text, NULL);
}

static void test_issuers(void **state)
{
	struct rv_trust *t = NULL;
	struct rv_err e = {0};
	char *issuer = issuer_xml("<CrlUrl>http://pki.kra.example/ca.crl</CrlUrl><CrlUrl>https://[::1]:80/x</CrlUrl>"
		"<OcspUrl>http://ocsp.kra.example</OcspUrl><For>KE</For>");
	char *xml = list_of(1, NULL, issuer);
	const struct rv_issuer *issuers;
	assert_int_equal(read_by(&t, xml, only_a, only_a, 1, &e), 0);
	assert_int_equal(rv_trust_issuers(t, &issuers), 1);
	assert_memory_equal(rv_cert_digest(issuers[0].cert), rv_cert_digest(b.cert), RV_DIGEST_LEN);
	assert_int_equal(issuers[0].n_crl_urls, 2);
	assert_string_equal(issuers[0].crl_urls[0], "http://pki.kra.example/ca.crl");
	assert_int_equal(issuers[0].n_ocsp_urls, 1);
	assert_int_equal(issuers[0].n_members, 1);
	assert_string_equal(issuers[0].members[0], "KE");
	rv_trust_unref(&t);
	free(xml);
	free(issuer);

	static const char *const bad[] = {"<CrlUrl>ftp://x/y</CrlUrl>", "<CrlUrl>http://</CrlUrl>",
		"<CrlUrl>http://a b</CrlUrl>", "<CrlUrl>file:///etc/passwd</CrlUrl>", "<For>ke</For>",
		"<OcspUrl>http:///x</OcspUrl>", "<Other>x</Other>", "<OcspUrl>http://a</OcspUrl><CrlUrl>http://a</CrlUrl>"};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		issuer = issuer_xml(bad[i]);
		xml = list_of(1, NULL, issuer);
		if (read_by(&t, xml, only_a, only_a, 1, &e) != RV_ESCHEMA) {
			print_error("%s: %s\n", bad[i], e.text);
			fail();
		}
		free(xml);
		free(issuer);
	}
	issuer = issuer_xml("");
	struct rv_buf two = {0};
	rv_buf_printf(&two, "%s%s", issuer, issuer);
	xml = list_of(1, NULL, rv_buf_cstr(&two));
	assert_int_equal(read_by(&t, xml, only_a, only_a, 1, &e), RV_ESCHEMA);
	assert_string_equal(e.rule, "TRUST-DUPLICATE");
	rv_buf_free(&two);
	free(xml);
	free(issuer);
}

static void test_checking(void **state)
{
	struct rv_trust *t = NULL;
	struct rv_err e = {0};
	char *xml = list_of(1, NULL,
		"<Checking Role=\"administration\" Revocation=\"hard\" MaxAgeHours=\"24\"/>"
		"<Checking Role=\"relay\" Revocation=\"off\" MaxAgeHours=\"5\"/>");
	assert_int_equal(read_by(&t, xml, only_a, only_a, 1, &e), 0);
	struct rv_checking k = rv_trust_checking(t, RV_ROLE_ADMINISTRATION);
	assert_int_equal(k.mode, RV_CHECKING_HARD);
	assert_int_equal(k.max_age_us, INT64_C(24) * 3600 * RV_US_PER_SEC);
	k = rv_trust_checking(t, RV_ROLE_RELAY | RV_ROLE_ADMINISTRATION);
	assert_int_equal(k.mode, RV_CHECKING_HARD);
	assert_int_equal(k.max_age_us, INT64_C(5) * 3600 * RV_US_PER_SEC);
	assert_int_equal(rv_trust_checking(t, RV_ROLE_RELAY).mode, RV_CHECKING_OFF);
	k = rv_trust_checking(t, RV_ROLE_RIGHT_HOLDER);
	assert_int_equal(k.mode, RV_CHECKING_SOFT);
	assert_int_equal(k.max_age_us, RV_CHECKING_AGE_US);
	assert_int_equal(rv_trust_checking(NULL, RV_ROLE_RELAY).mode, RV_CHECKING_SOFT);
	rv_trust_unref(&t);
	static const char *const bad[][2] = {{"\"hard\"", "\"firm\""}, {"\"24\"", "\"0\""}, {"\"24\"", "\"9999\""},
		{"Role=\"relay\"", "Role=\"administration\""}, {"Role=\"relay\"", "Role=\"king\""},
		{" MaxAgeHours=\"5\"", ""}, {"<Checking Role=\"relay\"", "<Checking More=\"1\" Role=\"relay\""}};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		char *changed = pki_replace(xml, bad[i][0], bad[i][1]);
		if (read_by(&t, changed, only_a, only_a, 1, &e) != RV_ESCHEMA) {
			print_error("%s: %s\n", bad[i][1], e.text);
			fail();
		}
		free(changed);
	}
	free(xml);
}

static void test_revoked(void **state)
{
	struct rv_trust *t = NULL;
	struct rv_err e = {0};
	int64_t since = 0;
	char *xml = list_of(1, NULL, "");
	char *revoked = pki_replace(xml, "<Certificate ",
		"<Certificate Reason=\"key-compromise\" Revoked=\"2026-11-23T00:00:00Z\" ");
	assert_int_equal(rv_stamp_parse(&since, "2026-11-23T00:00:00Z"), 0);
	assert_int_equal(read_by(&t, revoked, only_a, only_a, 1, &e), 0);
	const struct rv_member *m = rv_trust_member(t, "KE");
	assert_int_equal(m->certs[0].revoked_us, since);
	assert_int_equal(m->certs[0].reason, RV_REASON_KEY_COMPROMISE);
	assert_null(rv_trust_cert(t, "KE", rv_cert_digest(ke.cert), since, &e));
	assert_string_equal(e.rule, "STATUS-REVOKED");
	assert_non_null(rv_trust_cert(t, "KE", rv_cert_digest(ke.cert), since - 1, &e));
	assert_non_null(rv_trust_cert(t, "FR", rv_cert_digest(fr.cert), since, &e));
	rv_trust_unref(&t);
	static const char *const bad[][2] = {{" Reason=\"key-compromise\"", ""}, {"key-compromise", "boredom"},
		{" Revoked=\"2026-11-23T00:00:00Z\"", ""}, {"Revoked=\"2026-11-23T00:00:00Z\"", "Revoked=\"yesterday\""}};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		char *changed = pki_replace(revoked, bad[i][0], bad[i][1]);
		assert_int_equal(read_by(&t, changed, only_a, only_a, 1, &e), RV_ESCHEMA);
		free(changed);
	}
	/* who signs lists is not revoked but left out */
	char *signing = list_of(1, only_a, "");
	char *changed = pki_replace(signing, "<Certificate ",
		"<Certificate Reason=\"key-compromise\" Revoked=\"2026-11-23T00:00:00Z\" ");
	assert_int_equal(read_by(&t, changed, only_a, only_a, 1, &e), RV_ESCHEMA);
	free(changed);
	free(signing);
	free(revoked);
	free(xml);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_quorum),
		cmocka_unit_test(test_quorum_dates),
		cmocka_unit_test(test_count),
		cmocka_unit_test(test_issuers),
		cmocka_unit_test(test_checking),
		cmocka_unit_test(test_revoked),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
