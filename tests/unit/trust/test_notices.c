/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "node/trust/notices.h"
#include "protocol/xml.h"
#include "tests/unit/trust/pki.h"

static struct pki_authority ocu;
static struct pki_member ke;

/* KE's keys are listed until then. */
static struct rv_trust *list_until(const char *until, const char *roles)
{
	struct rv_trust *t = NULL;
	struct rv_err e = {0};
	struct rv_buf content = {0}, list = {0}, wire = {0};
	struct rv_span der;
	const struct pki_authority *const by[] = {&ocu, NULL};
	const struct rv_cert *certs[] = {ocu.cert};
	rv_cert_der(ocu.cert, &der);
	rv_buf_str(&content, "<Signing Quorum=\"1\"><Certificate ValidFrom=\"" PKI_FROM "\" ValidTo=\"" PKI_TO "\">");
	assert_int_equal(rv_base64(&content, der.data, der.len), 0);
	rv_buf_str(&content, "</Certificate></Signing>");
	pki_member_xml(&content, &ke, roles, NULL);
	char *first = pki_replace(rv_buf_cstr(&content), "<Code>KE", "<Code>KE");
	char *at = strstr(first, "<Member>");
	for (char *to = strstr(at, PKI_TO); to != NULL; to = strstr(to + 1, PKI_TO)) {
		memcpy(to, until, strlen(until));
	}
	pki_list_xml(&list, 7, "2026-11-20T00:00:00Z", "2026-12-20T00:00:00Z", first);
	pki_sign(&wire, rv_buf_cstr(&list), by);
	if (rv_trust_read(&t, wire.data, wire.len, certs, 1, 1, PKI_NOW, &e) != 0) {
		fail_msg("%s", e.text);
	}
	free(first);
	rv_buf_free(&content);
	rv_buf_free(&list);
	rv_buf_free(&wire);
	return t;
}

static int set_up(void **state)
{
	assert_int_equal(rv_xml_init(NULL), 0);
	pki_authority(&ocu, "OCU", PKI_NOW - 10 * PKI_DAY, PKI_NOW + 1000 * PKI_DAY);
	pki_member(&ke, &ocu, "KE", 0);
	return 0;
}

static int tear_down(void **state)
{
	pki_authority_clear(&ocu);
	pki_member_clear(&ke);
	rv_xml_cleanup();
	return 0;
}

static void expect(const struct rv_trust *t, int64_t now_us, const char *rules)
{
	struct notice out[NOTICES_MAX];
	char got[256] = "";
	size_t n = notices_of(t, "KE", 3 * PKI_DAY, now_us, out);
	for (size_t i = 0; i < n; i++) {
		strcat(got, i > 0 ? " " : "");
		strcat(got, out[i].rule);
		assert_true(out[i].text[0] != '\0' && out[i].mend[0] != '\0' && out[i].at_us != 0);
	}
	assert_string_equal(got, rules);
}

static void test_list(void **state)
{
	struct rv_trust *t = list_until("2027-11-01T00:00:00Z", "administration");
	int64_t ends = rv_trust_expires(t);
	expect(NULL, PKI_NOW, "");
	expect(t, PKI_NOW, "");
	expect(t, ends - 11 * PKI_DAY, "");
	expect(t, ends - 9 * PKI_DAY, "TRUST-EXPIRES");
	expect(t, ends, "TRUST-EXPIRES");
	expect(t, ends + 1, "TRUST-GRACE");
	rv_trust_unref(&t);
}

static void test_keys(void **state)
{
	struct rv_trust *t = list_until("2026-12-30T00:00:00Z", "administration");
	expect(t, PKI_NOW, "");
	expect(t, PKI_NOW + 7 * PKI_DAY, "KEY-EXPIRES CURVE-EXPIRES");
	rv_trust_unref(&t);
	t = list_until("2027-11-01T00:00:00Z", "coordinator");
	expect(t, PKI_NOW, "");
	struct notice out[NOTICES_MAX];
	assert_int_equal(notices_of(t, "KE", 0, PKI_NOW + 200 * PKI_DAY, out), 2); /* list and signing */
	assert_string_equal(out[1].rule, "SIGNING-EXPIRES");
	assert_int_equal(notices_of(t, "FR", 0, PKI_NOW, out), 0);
	rv_trust_unref(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_list), cmocka_unit_test(test_keys)};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
