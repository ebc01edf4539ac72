/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "node/trust/issue.h"
#include "protocol/dsig.h"
#include "tests/unit/trust/pki.h"

/* What every test starts from: an authority and four members. */
static struct pki_authority ocu, other;
static struct pki_member ke, fr, rilo, brand;
static char *sample; /* a valid list, unsigned */

static const struct pki_authority *const by_ocu[] = {&ocu, NULL};

static int set_up(void **state)
{
	struct rv_buf content = {0};
	struct rv_buf list = {0};
	assert_int_equal(rv_xml_init(NULL), 0);
	pki_authority(&ocu, "OCU", PKI_NOW - 100 * PKI_DAY, PKI_NOW + 1000 * PKI_DAY);
	pki_authority(&other, "OCU", PKI_NOW - 100 * PKI_DAY, PKI_NOW + 1000 * PKI_DAY);
	pki_member(&ke, &ocu, "KE", 0);
	pki_member(&fr, &ocu, "FR", 2048);
	pki_member(&rilo, &ocu, "RILO-ESA", 0);
	pki_member(&brand, &ocu, "BRAND-1", 0);
	pki_member_xml(&content, &ke, "administration",
		"<Country>KE</Country><Endpoint>tcp://reeve.kra.example:4510</Endpoint>");
	pki_member_xml(&content, &fr, "administration", "<Via>RILO-ESA</Via>");
	pki_member_xml(&content, &rilo, "relay coordinator", "<Endpoint>tcp://[2001:db8::1]:4510</Endpoint>");
	pki_member_xml(&content, &brand, "right-holder", NULL);
	content.len -= strlen("</Member>");
	rv_buf_str(&content, "<Rights><Right><Brand>Acme</Brand><RegistrationNumber>018123456</RegistrationNumber>"
		"<NiceClass>9</NiceClass><NiceClass>25</NiceClass><Country>FR</Country></Right>"
		"<Right><Brand>Ajax</Brand></Right></Rights></Member>");
	pki_operation_xml(&content, "CRANE-26", "KE",
		"KE:participant FR:participant FR:coordination-unit RILO-ESA:relay BRAND-1:right-holder");
	pki_operation_xml(&content, "EMPTY", "FR", "");
	pki_list_xml(&list, 7, "2026-11-20T00:00:00Z", "2026-12-20T00:00:00Z", rv_buf_cstr(&content));
	sample = (char *)rv_buf_take(&list, NULL);
	rv_buf_free(&content);
	return 0;
}

static int tear_down(void **state)
{
	free(sample);
	pki_member_clear(&ke);
	pki_member_clear(&fr);
	pki_member_clear(&rilo);
	pki_member_clear(&brand);
	pki_authority_clear(&ocu);
	pki_authority_clear(&other);
	rv_xml_cleanup();
	return 0;
}

static int read_list(struct rv_trust **t, const struct rv_buf *wire, int64_t now_us, struct rv_err *e)
{
	const struct rv_cert *authorities[] = {ocu.cert};
	return rv_trust_read(t, wire->data, wire->len, authorities, 1, 1, now_us, e);
}

/* Signs a text and expects that the reader refuses it with that rule. */
static void refused(const char *xml, int code, const char *rule)
{
	struct rv_trust *t = NULL;
	struct rv_err e = {0};
	struct rv_buf wire = {0};
	pki_sign(&wire, xml, by_ocu);
	int rc = read_list(&t, &wire, PKI_NOW, &e);
	if (rc != code || strcmp(e.rule, rule) != 0) {
		print_error("expected %d %s, got %d %s: %s\n", code, rule, rc, e.rule, e.text);
		fail();
	}
	assert_null(t);
	assert_true(e.text[0] != '\0');
	rv_buf_free(&wire);
}

static void refused_change(const char *from, const char *to, const char *rule)
{
	char *changed = pki_replace(sample, from, to);
	refused(changed, RV_ESCHEMA, rule);
	free(changed);
}

static void test_read(void **state)
{
	struct rv_trust *t = NULL;
	struct rv_err e = {0};
	struct rv_buf wire = {0};
	uint8_t digest[RV_DIGEST_LEN];
	const struct rv_member *members;
	const struct rv_operation *ops;

	pki_sign(&wire, sample, by_ocu);
	assert_int_equal(read_list(&t, &wire, PKI_NOW, &e), 0);
	assert_int_equal(rv_trust_number(t), 7);
	assert_int_equal(rv_trust_signers(t), 1);
	assert_string_equal(rv_trust_authority(t), "OCU");
	assert_int_equal(rv_trust_expires(t) - rv_trust_issued(t), 30 * PKI_DAY);
	rv_sha256(digest, wire.data, wire.len);
	assert_memory_equal(rv_trust_digest(t), digest, sizeof(digest));
	assert_int_equal(rv_trust_members(t, &members), 4);
	assert_int_equal(rv_trust_operations(t, &ops), 2);

	const struct rv_member *m = rv_trust_member(t, "KE");
	assert_ptr_equal(m, &members[0]);
	assert_string_equal(m->name, "Member KE");
	assert_string_equal(m->country, "KE");
	assert_int_equal(m->roles, RV_ROLE_ADMINISTRATION);
	assert_int_equal(m->n_endpoints, 1);
	assert_string_equal(m->endpoints[0], "tcp://reeve.kra.example:4510");
	assert_int_equal(rv_trust_member(t, "RILO-ESA")->roles, RV_ROLE_RELAY | RV_ROLE_COORDINATOR);
	assert_string_equal(rv_trust_member(t, "FR")->via[0], "RILO-ESA");
	assert_null(rv_trust_member(t, "DE"));
	m = rv_trust_member(t, "BRAND-1");
	assert_int_equal(m->n_rights, 2);
	assert_string_equal(m->rights[0].brand, "Acme");
	assert_string_equal(m->rights[0].registration, "018123456");
	assert_true(m->rights[0].nice == (UINT64_C(1) << 9 | UINT64_C(1) << 25));
	assert_string_equal(m->rights[0].countries[0], "FR");
	assert_null(m->rights[1].registration);
	assert_int_equal(m->rights[1].nice, 0);

	const struct rv_operation *op = rv_trust_operation(t, "CRANE-26");
	assert_ptr_equal(op, &ops[0]);
	assert_int_equal(op->version, 3);
	assert_string_equal(op->lead, "KE");
	assert_int_equal(op->risks, RV_RISK_DRUGS | RV_RISK_ENVIRONMENT);
	assert_int_equal(op->kinds, 1u << RV_KIND_WARNING | 1u << RV_KIND_SEIZURE);
	assert_true(op->nominal_allowed);
	assert_int_equal(op->n_categories, 1);
	assert_string_equal(op->categories[0].items[0].subs[0], "ivory");
	assert_null(rv_trust_operation(t, "CRANE-27"));
	rv_trust_unref(&t);
	assert_null(t);
	rv_buf_free(&wire);
}

static void test_nothing(void **state)
{
	const struct rv_member *members;
	const struct rv_operation *ops;
	struct rv_err e = {0};
	const uint8_t digest[RV_DIGEST_LEN] = {0};
	struct rv_trust *none = NULL;
	rv_trust_unref(&none);
	rv_trust_unref(NULL);
	assert_null(rv_trust_ref(NULL));
	assert_int_equal(rv_trust_number(NULL), 0);
	assert_int_equal(rv_trust_signers(NULL), 0);
	assert_int_equal(rv_trust_members(NULL, &members), 0);
	assert_int_equal(rv_trust_operations(NULL, &ops), 0);
	assert_null(rv_trust_member(NULL, "KE"));
	assert_null(rv_trust_operation(NULL, "CRANE-26"));
	assert_null(rv_trust_by_curve(NULL, ke.z85, PKI_NOW));
	assert_null(rv_trust_cert(NULL, "KE", digest, PKI_NOW, &e));
	assert_int_equal(e.code, RV_ECERT);
	assert_memory_equal(rv_trust_digest(NULL), digest, sizeof(digest));
}

static void test_dates(void **state)
{
	struct rv_trust *t = NULL;
	struct rv_err e = {0};
	struct rv_buf wire = {0};
	int64_t from = 0, to = 0;
	const uint8_t unknown[RV_DIGEST_LEN] = {1};

	assert_int_equal(rv_stamp_parse(&from, PKI_FROM), 0);
	assert_int_equal(rv_stamp_parse(&to, PKI_TO), 0);
	pki_sign(&wire, sample, by_ocu);
	assert_int_equal(read_list(&t, &wire, 0, &e), 0);

	assert_string_equal(rv_trust_by_curve(t, ke.z85, from)->code, "KE");
	assert_string_equal(rv_trust_by_curve(t, fr.z85, to)->code, "FR");
	assert_null(rv_trust_by_curve(t, ke.z85, from - 1));
	assert_null(rv_trust_by_curve(t, ke.z85, to + 1));
	assert_null(rv_trust_by_curve(t, "", PKI_NOW));

	assert_non_null(rv_trust_cert(t, "KE", rv_cert_digest(ke.cert), PKI_NOW, &e));
	assert_non_null(rv_trust_cert(t, "FR", rv_cert_digest(fr.cert), PKI_NOW, NULL));
	assert_null(rv_trust_cert(t, "KE", rv_cert_digest(fr.cert), PKI_NOW, &e));
	assert_string_equal(e.rule, "CERT-UNLISTED");
	assert_null(rv_trust_cert(t, "KE", unknown, PKI_NOW, &e));
	assert_null(rv_trust_cert(t, "DE", rv_cert_digest(ke.cert), PKI_NOW, &e));
	assert_string_equal(e.rule, "CERT-MEMBER");
	assert_null(rv_trust_cert(t, "KE", rv_cert_digest(ke.cert), from - 1, &e));
	assert_string_equal(e.rule, "CERT-NOT-YET");
	assert_null(rv_trust_cert(t, "KE", rv_cert_digest(ke.cert), to + 1, &e));
	assert_string_equal(e.rule, "CERT-EXPIRED");
	/* the list accepts it until the end of its period, the certificate itself ends before */
	assert_null(rv_trust_cert(t, "KE", rv_cert_digest(ke.cert), PKI_NOW + 301 * PKI_DAY, &e));
	assert_int_equal(e.code, RV_ECERT);

	const struct rv_operation *op = rv_trust_operation(t, "CRANE-26");
	assert_int_equal(rv_participant_at(op, "KE", PKI_NOW)->part, RV_PART_PARTICIPANT);
	assert_int_equal(rv_participant_at(op, "FR", PKI_NOW)->part, RV_PART_COORDINATION);
	assert_int_equal(rv_participant_at(op, "RILO-ESA", PKI_NOW)->part, RV_PART_RELAY);
	assert_null(rv_participant_at(op, "KE", from - 1));
	assert_null(rv_participant_at(op, "KE", to + 1));
	assert_null(rv_participant_at(op, "DE", PKI_NOW));
	assert_null(rv_participant_at(rv_trust_operation(t, "EMPTY"), "KE", PKI_NOW));
	assert_true(rv_participant_has(op, "FR", RV_PART_PARTICIPANT, PKI_NOW));
	assert_false(rv_participant_has(op, "FR", RV_PART_RELAY, PKI_NOW));
	rv_trust_unref(&t);
	rv_buf_free(&wire);
}

static void test_present(void **state)
{
	struct rv_trust *t = NULL;
	struct rv_err e = {0};
	struct rv_buf wire = {0};
	int64_t issued = 0, expires = 0;
	assert_int_equal(rv_stamp_parse(&issued, "2026-11-20T00:00:00Z"), 0);
	assert_int_equal(rv_stamp_parse(&expires, "2026-12-20T00:00:00Z"), 0);
	pki_sign(&wire, sample, by_ocu);

	assert_int_equal(read_list(&t, &wire, expires + 1, &e), RV_EEXPIRED);
	assert_string_equal(e.rule, "TRUST-EXPIRED");
	assert_int_equal(read_list(&t, &wire, issued - RV_TRUST_AHEAD_US - 1, &e), RV_EEXPIRED);
	assert_string_equal(e.rule, "TRUST-NOT-YET");
	assert_int_equal(read_list(&t, &wire, expires, &e), 0);
	rv_trust_unref(&t);
	assert_int_equal(read_list(&t, &wire, issued - RV_TRUST_AHEAD_US, &e), 0);
	rv_trust_unref(&t);
	assert_int_equal(read_list(&t, &wire, PKI_NOW + 500 * PKI_DAY, &e), RV_EEXPIRED);
	assert_int_equal(read_list(&t, &wire, PKI_NOW + 2000 * PKI_DAY, &e), RV_ECERT);
	assert_string_equal(e.rule, "TRUST-AUTHORITY");
	assert_int_equal(read_list(&t, &wire, 0, &e), 0);
	rv_trust_unref(&t);
	rv_buf_free(&wire);
}

static void test_authorities(void **state)
{
	struct rv_trust *t = NULL;
	struct rv_err e = {0};
	struct rv_buf wire = {0}, twice = {0}, none = {0};
	struct pki_authority old;
	X509 *renewed = NULL;
	struct rv_buf der = {0};
	struct rv_cert *renewed_cert = NULL;
	const struct pki_authority *const both[] = {&ocu, &other, NULL};
	const struct pki_authority *const repeated[] = {&ocu, &ocu, NULL};
	const struct pki_authority *const nobody[] = {NULL};

	pki_authority(&old, "OCU", PKI_NOW - 100 * PKI_DAY, PKI_NOW - PKI_DAY);
	assert_int_equal(issue_authority(&renewed, ocu.key, "OCU", "Renewed", PKI_NOW - PKI_DAY,
		PKI_NOW + PKI_DAY, NULL), 0);
	assert_int_equal(issue_cert_der(renewed, &der, NULL), 0);
	assert_int_equal(rv_cert_from_der(&renewed_cert, der.data, der.len, NULL), 0);

	pki_sign(&wire, sample, both);
	const struct rv_cert *one[] = {other.cert};
	assert_int_equal(rv_trust_read(&t, wire.data, wire.len, one, 1, 1, PKI_NOW, &e), 0);
	assert_int_equal(rv_trust_signers(t), 1);
	rv_trust_unref(&t);
	const struct rv_cert *all[] = {renewed_cert, old.cert, other.cert, ocu.cert};
	assert_int_equal(rv_trust_read(&t, wire.data, wire.len, all, 4, 1, PKI_NOW, &e), 0);
	assert_int_equal(rv_trust_signers(t), 2);
	rv_trust_unref(&t);

	/* one key is one signer, however often it signs and in however many certificates it stands */
	pki_sign(&twice, sample, repeated);
	assert_int_equal(rv_trust_read(&t, twice.data, twice.len, all, 4, 1, PKI_NOW, &e), 0);
	assert_int_equal(rv_trust_signers(t), 1);
	rv_trust_unref(&t);

	const struct rv_cert *stranger[] = {old.cert};
	assert_int_equal(rv_trust_read(&t, wire.data, wire.len, stranger, 1, 1, PKI_NOW, &e), RV_ESIGNATURE);
	assert_string_equal(e.rule, "TRUST-SIGNATURE");
	assert_int_equal(rv_trust_read(&t, wire.data, wire.len, NULL, 0, 1, PKI_NOW, &e), RV_ESIGNATURE);
	pki_sign(&none, sample, nobody);
	assert_int_equal(rv_trust_read(&t, none.data, none.len, all, 4, 1, PKI_NOW, &e), RV_ESIGNATURE);

	rv_cert_free(&renewed_cert);
	X509_free(renewed);
	rv_buf_free(&der);
	rv_buf_free(&wire);
	rv_buf_free(&twice);
	rv_buf_free(&none);
	pki_authority_clear(&old);
}

static void test_altered(void **state)
{
	struct rv_trust *t = NULL;
	struct rv_buf wire = {0};
	pki_sign(&wire, sample, by_ocu);
	for (size_t i = 0; i < wire.len; i++) {
		uint8_t kept = wire.data[i];
		/* every byte once, in one of three ways: a bit, a letter's case, another digit */
		wire.data[i] = i % 3 == 0 ? kept ^ 1 : i % 3 == 1 ? kept ^ 0x20 : kept ^ 3;
		if (read_list(&t, &wire, PKI_NOW, NULL) == 0) {
			print_error("the list was accepted with byte %zu altered from %02x\n", i, kept);
			fail();
		}
		wire.data[i] = kept;
	}
	for (size_t len = 0; len < wire.len; len += 97) {
		const struct rv_cert *authorities[] = {ocu.cert};
		assert_int_not_equal(rv_trust_read(&t, wire.data, len, authorities, 1, 1, PKI_NOW, NULL), 0);
	}
	assert_int_equal(read_list(&t, &wire, PKI_NOW, NULL), 0);
	rv_trust_unref(&t);
	rv_buf_free(&wire);
}

/* What stands around the signed List, and the form of the signature. */
static void refused_wire(const struct rv_buf *wire, const char *from, const char *to, const char *rule)
{
	struct rv_trust *t = NULL;
	struct rv_err e = {0};
	char *changed = pki_replace((const char *)wire->data, from, to);
	struct rv_buf b = {(uint8_t *)changed, strlen(changed), 0, 0};
	int rc = read_list(&t, &b, PKI_NOW, &e);
	if (rc == 0 || strcmp(e.rule, rule) != 0) {
		print_error("%s > %s: expected %s, got %d %s: %s\n", from, to, rule, rc, e.rule, e.text);
		fail();
	}
	free(changed);
}

static void test_around(void **state)
{
	struct rv_buf wire = {0};
	pki_sign(&wire, sample, by_ocu);
	refused_wire(&wire, "<List ", "\n<List ", "TRUST-SHAPE");
	refused_wire(&wire, "<TrustList xmlns=\"urn:reeve:trust:1\">", "<TrustList xmlns=\"urn:reeve:trust:1\" X=\"\">",
		"TRUST-SHAPE");
	refused_wire(&wire, "</List>", "</List><List></List>", "SIG-SHAPE");
	refused_wire(&wire, "</TrustList>", "<Extra></Extra></TrustList>", "SIG-SHAPE");
	refused_wire(&wire, "<Code>KE</Code>", "<Code>KE</Code >", "TRUST-CANONICAL");
	refused_wire(&wire, "<TrustList", "<?xml version=\"1.0\"?>\n<TrustList", "TRUST-CANONICAL");
	refused_wire(&wire, "Authority=\"OCU\" Expires", "Authority='OCU' Expires", "TRUST-CANONICAL");
	refused_wire(&wire, "<Name>", "<!-- -->", "XML-COMMENT");
	refused_wire(&wire, "Member KE", "Member KF", "TRUST-DIGEST");
	refused_wire(&wire, "URI=\"#list\"", "URI=\"#lis\"", "TRUST-SHAPE");
	refused_wire(&wire, "URI=\"#list\"", "URI=\"\"", "SIG-REFERENCE");
	refused_wire(&wire, "URI=\"#list\"", "URI=\"http://x/#list\"", "SIG-REFERENCE");
	refused_wire(&wire, "xmlenc#sha256", "xmlenc#sha512", "SIG-ALGORITHM");
	refused_wire(&wire, "xmldsig-more#ecdsa-sha256", "xmldsig-more#hmac-sha256", "SIG-ALGORITHM");
	refused_wire(&wire, "xmldsig-more#ecdsa-sha256", "xmldsig-more#rsa-sha256", "TRUST-SIGNATURE");
	refused_wire(&wire, "<ds:SignatureValue>", "<ds:SignatureValue>\n", "SIG-BASE64");
	refused_wire(&wire, "</ds:Signature>", "<ds:KeyInfo></ds:KeyInfo></ds:Signature>", "TRUST-SHAPE");
	refused_wire(&wire, "</ds:Signature>", "<ds:Object></ds:Object></ds:Signature>", "TRUST-SHAPE");
	rv_buf_free(&wire);
}

static void test_many_signatures(void **state)
{
	struct rv_buf wire = {0};
	const struct pki_authority *nine[] = {&ocu, &ocu, &ocu, &ocu, &ocu, &ocu, &ocu, &ocu, &ocu, NULL};
	struct rv_trust *t = NULL;
	struct rv_err e = {0};
	pki_sign(&wire, sample, nine);
	assert_int_equal(read_list(&t, &wire, PKI_NOW, &e), RV_ELIMIT);
	rv_buf_free(&wire);
}

static void test_values(void **state)
{
	refused_change("Number=\"7\"", "Number=\"0\"", "TRUST-VALUE");
	refused_change("Number=\"7\"", "Number=\"07\"", "TRUST-VALUE");
	refused_change("Number=\"7\"", "Number=\"1000000000000\"", "TRUST-VALUE");
	refused_change("Number=\"7\"", "Number=\"99999999999999999999999\"", "TRUST-VALUE");
	refused_change("Authority=\"OCU\"", "Authority=\"ocu\"", "TRUST-VALUE");
	refused_change("Id=\"list\"", "Id=\"lust\"", "TRUST-SHAPE");
	refused_change("Id=\"list\"", "Id=\"list\" Extra=\"\"", "TRUST-SHAPE");
	refused_change("Number=\"7\"", "", "TRUST-SHAPE");
	refused_change("Issued=\"2026-11-20T00:00:00Z\"", "Issued=\"2026-11-20T00:00:00\"", "TRUST-VALUE");
	refused_change("Issued=\"2026-11-20T00:00:00Z\"", "Issued=\"2026-12-20T00:00:00Z\"", "TRUST-DATES");
	refused_change("<Code>KE</Code>", "<Code>ke</Code>", "TRUST-VALUE");
	refused_change("<Code>KE</Code>", "<Code A=\"\">KE</Code>", "TRUST-SHAPE");
	refused_change("<Code>KE</Code>", "<Code><B></B></Code>", "TRUST-SHAPE");
	refused_change("<Code>KE</Code>", "", "TRUST-SHAPE");
	refused_change("<Name>Member KE</Name>", "<Name></Name>", "TRUST-VALUE");
	refused_change("<Name>Member KE</Name>", "<Name> KE</Name>", "TRUST-VALUE");
	refused_change("<Name>Member KE</Name>", "<Name>K  E</Name>", "TRUST-VALUE");
	refused_change("<Name>Member KE</Name>", "<Name>K\tE</Name>", "TRUST-VALUE");
	refused_change("<Role>administration</Role>", "<Role>administrator</Role>", "TRUST-VALUE");
	refused_change("<Role>administration</Role>", "", "TRUST-SHAPE");
	refused_change("<Role>administration</Role>", "<Role>administration</Role><Role>administration</Role>",
		"TRUST-DUPLICATE");
	refused_change("<Country>KE</Country>", "<Country>KEN</Country>", "TRUST-VALUE");
	refused_change("<Country>KE</Country>", "<Country>ke</Country>", "TRUST-VALUE");
	refused_change("tcp://reeve.kra.example:4510", "ipc:///tmp/x", "TRUST-VALUE");
	refused_change("tcp://reeve.kra.example:4510", "tcp://reeve.kra.example:0", "TRUST-VALUE");
	refused_change("tcp://reeve.kra.example:4510", "tcp://reeve.kra.example:65536", "TRUST-VALUE");
	refused_change("tcp://reeve.kra.example:4510", "tcp://*:4510", "TRUST-VALUE");
	refused_change("<Country>KE</Country>", "<Certificate>AAAA</Certificate>", "TRUST-SHAPE");
	refused_change("<Version>3</Version>", "<Version>-3</Version>", "TRUST-VALUE");
	refused_change("<RiskArea>drugs</RiskArea>", "<RiskArea>rum</RiskArea>", "TRUST-VALUE");
	refused_change("<RiskArea>drugs</RiskArea>", "<RiskArea>environment</RiskArea>", "TRUST-DUPLICATE");
	refused_change("<Kind>warning</Kind>", "<Kind>gossip</Kind>", "TRUST-VALUE");
	refused_change("<NominalAllowed>true", "<NominalAllowed>yes", "TRUST-VALUE");
	refused_change("<Code>ivory</Code>", "<Code>Ivory</Code>", "TRUST-VALUE");
	refused_change("<NiceClass>9</NiceClass>", "<NiceClass>46</NiceClass>", "TRUST-VALUE");
	refused_change("<Role>coordination-unit</Role>", "<Role>boss</Role>", "TRUST-VALUE");
	refused_change("</Operation>", "<Extra></Extra></Operation>", "TRUST-SHAPE");
	refused_change("</List>", "<Member></Member></List>", "TRUST-SHAPE");
	refused_change("</List>", "text</List>", "TRUST-SHAPE");
}

static void test_keys(void **state)
{
	struct rv_buf again = {0};
	char *text = NULL;
	struct pki_member twin = {0};

	/* a period that ends before it begins */
	refused_change("ValidTo=\"" PKI_TO "\"", "ValidTo=\"" PKI_FROM "\"", "TRUST-DATES");
	refused_change("ValidTo=\"" PKI_TO "\"", "", "TRUST-SHAPE");
	refused_change("ValidTo=\"" PKI_TO "\"", "ValidTo=\"soon\"", "TRUST-VALUE");
	/* a certificate that is none, or not base64 */
	text = pki_replace(sample, (const char *)ke.base64.data, "QUJD");
	refused(text, RV_ESCHEMA, "TRUST-VALUE");
	free(text);
	text = strdup(sample);
	*strstr(text, (const char *)ke.base64.data) = '*';
	refused(text, RV_ESCHEMA, "TRUST-VALUE");
	free(text);
	text = strdup(sample);
	memcpy(strstr(text, (const char *)ke.base64.data) + 8, "AAAAAAAA", 8);
	struct rv_trust *t = NULL;
	struct rv_err e = {0};
	struct rv_buf wire = {0};
	pki_sign(&wire, text, by_ocu);
	assert_int_equal(read_list(&t, &wire, PKI_NOW, &e), RV_ECERT);
	assert_true(e.line > 0);
	free(text);
	rv_buf_free(&wire);

	/* one certificate, one key, one CURVE key for two members */
	text = pki_replace(sample, (const char *)brand.base64.data, (const char *)ke.base64.data);
	refused(text, RV_ESCHEMA, "TRUST-DUPLICATE");
	free(text);
	twin = ke;
	pki_member_xml(&again, &twin, "administration", NULL);
	text = pki_replace(sample, "<Operation>", rv_buf_cstr(&again));
	free(text);
	/* the same signing key in a certificate of its own */
	X509_REQ *req = NULL;
	X509 *x509 = NULL;
	struct rv_buf der = {0}, base64 = {0};
	assert_int_equal(issue_request(&req, ke.key, "BRAND-1", "Twin", NULL), 0);
	assert_int_equal(issue_member(&x509, req, ocu.x509, ocu.key, "BRAND-1", "Twin", PKI_NOW - PKI_DAY,
		PKI_NOW + PKI_DAY, NULL), 0);
	assert_int_equal(issue_cert_der(x509, &der, NULL), 0);
	assert_int_equal(rv_base64(&base64, der.data, der.len), 0);
	text = pki_replace(sample, (const char *)brand.base64.data, rv_buf_cstr(&base64));
	refused(text, RV_ESCHEMA, "TRUST-DUPLICATE");
	free(text);
	X509_free(x509);
	X509_REQ_free(req);
	rv_buf_free(&der);
	rv_buf_free(&base64);
	rv_buf_free(&again);
}

static void curve_of(struct rv_buf *out, const struct pki_member *m)
{
	for (const char *s = m->z85; *s != '\0'; s++) {
		rv_buf_printf(out, *s == '&' ? "&amp;" : *s == '<' ? "&lt;" : *s == '>' ? "&gt;" : "%c", *s);
	}
	assert_non_null(rv_buf_cstr(out));
}

static void test_curve_keys(void **state)
{
	struct rv_buf a = {0}, b = {0};
	curve_of(&a, &ke);
	curve_of(&b, &fr);
	char *text = pki_replace(sample, (const char *)a.data, (const char *)b.data);
	refused(text, RV_ESCHEMA, "TRUST-DUPLICATE");
	free(text);
	text = pki_replace(sample, (const char *)a.data, "0123456789");
	refused(text, RV_ESCHEMA, "TRUST-VALUE");
	free(text);
	/* 40 digits of Z85 that stand for more than 32 bits a group */
	text = pki_replace(sample, (const char *)a.data, "########################################");
	refused(text, RV_ESCHEMA, "TRUST-VALUE");
	free(text);
	rv_buf_free(&a);
	rv_buf_free(&b);
}

static void test_references(void **state)
{
	refused_change("<Code>FR</Code>", "<Code>KE</Code>", "TRUST-DUPLICATE");
	refused_change("<Code>EMPTY</Code>", "<Code>CRANE-26</Code>", "TRUST-DUPLICATE");
	refused_change("<Lead>KE</Lead>", "<Lead>DE</Lead>", "TRUST-MEMBER");
	refused_change("<Participant><Code>KE</Code>", "<Participant><Code>DE</Code>", "TRUST-MEMBER");
	refused_change("<Via>RILO-ESA</Via>", "<Via>DE</Via>", "TRUST-MEMBER");
	refused_change("<Via>RILO-ESA</Via>", "<Via>KE</Via>", "TRUST-ROLE");
	refused_change("<Role>relay</Role><Role>coordinator</Role>", "<Role>coordinator</Role>", "TRUST-ROLE");
	refused_change("<Role>right-holder</Role><ValidFrom>", "<Role>participant</Role><ValidFrom>", "TRUST-ROLE");
	refused_change("<Role>right-holder</Role><ValidFrom>", "<Role>observer</Role><ValidFrom>", "TRUST-ROLE");
	refused_change("<Role>right-holder</Role><Certificate", "<Role>administration</Role><Certificate",
		"TRUST-ROLE");
	refused_change("<Role>coordination-unit</Role>", "<Role>participant</Role>", "TRUST-DUPLICATE");
	refused_change("<Role>participant</Role><ValidFrom>2026", "<Role>participant</Role><ValidFrom>2028",
		"TRUST-DATES");
	refused_change("<ValidFrom>2026", "<ValidFrom>2028", "TRUST-DATES");
}

static void test_sign(void **state)
{
	struct rv_signer signer;
	struct rv_trust *t = NULL;
	struct rv_err e = {0};
	struct rv_buf wire = {0}, both = {0};
	xmlDoc *doc = NULL;
	/* an editor's file: white space between elements, a comment */
	char *draft = pki_replace(sample, "<List ", "\n  <!-- draft --><List ");
	assert_int_equal(issue_signer(&signer, ocu.key, "OCU", NULL), 0);
	assert_int_equal(rv_xml_parse(&doc, draft, strlen(draft), &rv_xml_limits_trust, RV_XML_DRAFT, &e), 0);
	assert_int_equal(rv_trust_check(NULL, doc, &e), RV_ESCHEMA);
	rv_xml_strip(doc);
	assert_int_equal(rv_trust_check(&t, doc, &e), 0);
	assert_int_equal(rv_trust_signers(t), 0);
	assert_non_null(rv_trust_member(t, "KE"));
	rv_trust_unref(&t);
	assert_int_equal(rv_trust_sign(doc, &signer, &wire, &e), 0);
	assert_int_equal(read_list(&t, &wire, PKI_NOW, &e), 0);
	rv_trust_unref(&t);
	/* a second key signs the same list */
	assert_int_equal(issue_signer(&signer, other.key, "OCU", NULL), 0);
	assert_int_equal(rv_trust_sign(doc, &signer, &both, &e), 0);
	const struct rv_cert *authorities[] = {other.cert, ocu.cert};
	assert_int_equal(rv_trust_read(&t, both.data, both.len, authorities, 2, 1, PKI_NOW, &e), 0);
	assert_int_equal(rv_trust_signers(t), 2);
	rv_trust_unref(&t);
	/* but not another one */
	xmlSetProp(rv_xml_first(xmlDocGetRootElement(doc)), (const xmlChar *)"Number", (const xmlChar *)"8");
	rv_buf_reset(&both);
	assert_int_equal(rv_trust_sign(doc, &signer, &both, &e), RV_EDIGEST);
	assert_int_equal(both.len, 0);
	xmlFreeDoc(doc);
	free(draft);
	/* nothing is signed that nobody would read */
	draft = pki_replace(sample, "<Lead>KE</Lead>", "<Lead>DE</Lead>");
	assert_int_equal(rv_xml_parse(&doc, draft, strlen(draft), &rv_xml_limits_trust, RV_XML_DRAFT, &e), 0);
	assert_int_equal(rv_trust_sign(doc, &signer, &both, &e), RV_ESCHEMA);
	assert_string_equal(e.rule, "TRUST-MEMBER");
	assert_null(rv_xml_next(rv_xml_first(xmlDocGetRootElement(doc))));
	xmlFreeDoc(doc);
	free(draft);
	rv_buf_free(&wire);
	rv_buf_free(&both);
}

static void test_words(void **state)
{
	static const char *const good[] = {"tcp://a:1", "tcp://10.0.0.1:65535", "tcp://[::1]:4510", "tcp://a-b.c:80"};
	static const char *const bad[] = {"", "tcp://", "tcp://:1", "tcp://a", "tcp://a:", "tcp://a:0", "tcp://a:65536",
		"tcp://a:01", "tcp://a:1x", "udp://a:1", "tcp://-a:1", "tcp://a.:1", "tcp://[]:1", "tcp://[g]:1",
		"tcp://a b:1", "tcp://*:1", "tcp://a:1:2"};
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_true(rv_endpoint_valid(good[i]));
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (rv_endpoint_valid(bad[i])) {
			print_error("%s\n", bad[i]);
			fail();
		}
	}
	for (unsigned bit = RV_ROLE_ADMINISTRATION; bit <= RV_ROLE_RELAY; bit <<= 1) {
		assert_int_equal(rv_role_parse(rv_role_text((enum rv_role)bit)), bit);
	}
	for (int p = RV_PART_PARTICIPANT; p <= RV_PART_RIGHT_HOLDER; p++) {
		assert_int_equal(rv_part_parse(rv_part_text((enum rv_part)p)), p);
	}
	assert_int_equal(rv_role_parse("king"), 0);
	assert_int_equal(rv_part_parse("relais"), 0);
	assert_string_equal(rv_role_text((enum rv_role)3), "?");
	assert_string_equal(rv_part_text((enum rv_part)0), "?");
}

static void test_five_thousand(void **state)
{
	enum { MANY = 5000 };
	struct rv_buf content = {0}, list = {0}, wire = {0}, parts = {0};
	struct rv_trust *t = NULL;
	struct rv_err e = {0};
	struct pki_member *members = calloc(MANY, sizeof(*members));
	assert_non_null(members);
	for (size_t i = 0; i < MANY; i++) {
		char code[RV_CODE_TEXT];
		snprintf(code, sizeof(code), "M-%zu", i);
		pki_member(&members[i], &ocu, code, 0);
		pki_member_xml(&content, &members[i], "administration", NULL);
		rv_buf_printf(&parts, "%s:participant ", code);
	}
	pki_operation_xml(&content, "ALL", "M-0", rv_buf_cstr(&parts));
	pki_list_xml(&list, 1, "2026-11-20T00:00:00Z", "2026-12-20T00:00:00Z", rv_buf_cstr(&content));
	pki_sign(&wire, rv_buf_cstr(&list), by_ocu);
	assert_int_equal(read_list(&t, &wire, PKI_NOW, &e), 0);
	for (size_t i = 0; i < MANY; i++) {
		const struct rv_member *m = rv_trust_member(t, members[i].code);
		assert_non_null(m);
		assert_string_equal(m->code, members[i].code);
		assert_ptr_equal(rv_trust_by_curve(t, members[i].z85, PKI_NOW), m);
		assert_non_null(rv_trust_cert(t, m->code, rv_cert_digest(members[i].cert), PKI_NOW, &e));
		assert_non_null(rv_participant_at(rv_trust_operation(t, "ALL"), m->code, PKI_NOW));
		pki_member_clear(&members[i]);
	}
	assert_null(rv_trust_member(t, "M-5000"));
	rv_trust_unref(&t);
	free(members);
	rv_buf_free(&content);
	rv_buf_free(&list);
	rv_buf_free(&wire);
	rv_buf_free(&parts);
}

/* Past the limits nothing is built: a small cost for a large file. */
static void test_limits(void **state)
{
	struct rv_buf content = {0}, list = {0};
	for (size_t i = 0; i < 10001; i++) {
		rv_buf_str(&content, "<Member></Member>");
	}
	pki_list_xml(&list, 1, "2026-11-20T00:00:00Z", "2026-12-20T00:00:00Z", rv_buf_cstr(&content));
	refused(rv_buf_cstr(&list), RV_ESCHEMA, "TRUST-LIMIT");
	rv_buf_free(&content);
	rv_buf_free(&list);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_read),
		cmocka_unit_test(test_nothing),
		cmocka_unit_test(test_dates),
		cmocka_unit_test(test_present),
		cmocka_unit_test(test_authorities),
		cmocka_unit_test(test_altered),
		cmocka_unit_test(test_around),
		cmocka_unit_test(test_many_signatures),
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_keys),
		cmocka_unit_test(test_curve_keys),
		cmocka_unit_test(test_references),
		cmocka_unit_test(test_sign),
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_five_thousand),
		cmocka_unit_test(test_limits),
	};
	return cmocka_run_group_tests_name("trust list", tests, set_up, tear_down);
}
