/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <openssl/bn.h>

#include "node/file.h"
#include "node/trust/issue.h"
#include "protocol/join.h"
#include "tests/unit/trust/pki.h"

/*
 * Makes protocol/vectors/trust anew, with keys that nobody keeps: make_trust DIR. Not part of make
 * check; run it when the format changes, and commit what it wrote.
 */

static const char *dir;
static FILE *manifest;
static struct pki_authority ocu, rsa, stranger;
static struct pki_member ke, fr, rilo, brand;
static char *sample;

#define NOW "2026-11-24T12:00:00Z"

static void put(const char *name, const char *authority, const char *now, const char *rule,
	const char *text)
{
	char *path = file_join(dir, name);
	assert_int_equal(file_write(path, 0644, text, strlen(text), NULL), 0);
	fprintf(manifest, "%s,%s,%s,%s\n", name, authority, now, rule);
	free(path);
}

static char *signed_by(
	const char *xml, const struct pki_authority *a, const struct pki_authority *b)
{
	const struct pki_authority *const by[] = {a, b, NULL};
	struct rv_buf wire = {0};
	pki_sign(&wire, xml, by);
	return (char *)rv_buf_take(&wire, NULL);
}

/* A change before signing: the signature is good, the content is not. */
static void content(const char *name, const char *from, const char *to, const char *rule)
{
	char *changed = pki_replace(sample, from, to);
	char *wire = signed_by(changed, &ocu, NULL);
	put(name, "authority.pem", NOW, rule, wire);
	free(wire);
	free(changed);
}

/* A change after signing. */
static void wire_change(
	const char *name, const char *wire, const char *from, const char *to, const char *rule)
{
	char *changed = pki_replace(wire, from, to);
	put(name, "authority.pem", NOW, rule, changed);
	free(changed);
}

/* The same signature with the other s: it verifies by the textbook, and is refused. */
static void high_s(const char *wire)
{
	static const char order[] =
		"FFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551";
	const char *from = strstr(wire, "<ds:SignatureValue>") + strlen("<ds:SignatureValue>");
	size_t len = strcspn(from, "<");
	struct rv_buf value = {0}, base64 = {0};
	BIGNUM *n = NULL, *s = NULL;
	char was[128];
	assert_true(len < sizeof(was));
	snprintf(was, sizeof(was), "%.*s", (int)len, from);
	assert_int_equal(rv_unbase64(&value, from, len), 0);
	assert_int_equal(value.len, 64);
	assert_true(BN_hex2bn(&n, order) > 0);
	s = BN_bin2bn(value.data + 32, 32, NULL);
	assert_non_null(s);
	assert_int_equal(BN_sub(s, n, s), 1);
	assert_int_equal(BN_bn2binpad(s, value.data + 32, 32), 32);
	assert_int_equal(rv_base64(&base64, value.data, value.len), 0);
	wire_change("high-s.xml", wire, was, rv_buf_cstr(&base64), "TRUST-SIGNATURE");
	BN_free(n);
	BN_free(s);
	rv_buf_free(&value);
	rv_buf_free(&base64);
}

static void make_sample(void)
{
	struct rv_buf members = {0}, list = {0};
	pki_member_xml(&members, &ke, "administration",
		"<Country>KE</Country><Endpoint>tcp://reeve.kra.example:4510</Endpoint>");
	pki_member_xml(&members, &fr, "administration", "<Via>RILO-ESA</Via>");
	pki_member_xml(&members, &rilo, "relay coordinator",
		"<Endpoint>tcp://[2001:db8::1]:4510</Endpoint>");
	pki_member_xml(&members, &brand, "right-holder", NULL);
	pki_operation_xml(&members, "CRANE-26", "KE",
		"KE:participant FR:participant FR:coordination-unit RILO-ESA:relay "
		"BRAND-1:right-holder");
	pki_list_xml(
		&list, 7, "2026-11-20T00:00:00Z", "2026-12-20T00:00:00Z", rv_buf_cstr(&members));
	sample = (char *)rv_buf_take(&list, NULL);
	rv_buf_free(&members);
}

static void make_joins(void)
{
	struct rv_join j = {.made_us = PKI_NOW};
	struct rv_signer signer;
	struct rv_buf wire = {0};
	X509_REQ *req = NULL;
	unsigned char *der = NULL;
	char fingerprint[RV_FINGERPRINT_TEXT];
	strcpy(j.party.code, "KE");
	j.party.name = strdup("Kenya Revenue Authority");
	j.party.roles = RV_ROLE_ADMINISTRATION;
	memcpy(j.z85, ke.z85, sizeof(j.z85));
	assert_int_equal(issue_request(&req, ke.key, "KE", "Kenya Revenue Authority", NULL), 0);
	int len = i2d_X509_REQ(req, &der);
	assert_true(len > 0);
	j.request = malloc((size_t)len);
	assert_non_null(j.request);
	memcpy(j.request, der, (size_t)len);
	j.request_len = (size_t)len;
	assert_int_equal(issue_signer(&signer, ke.key, "KE", NULL), 0);
	assert_int_equal(rv_join_write(&j, &signer, &wire, NULL), 0);
	assert_int_equal(rv_join_fingerprint(&j, fingerprint, NULL), 0);
	/* for a request to join, the second column is its fingerprint */
	put("join.xml", fingerprint, NOW, "", rv_buf_cstr(&wire));
	char *changed = pki_replace((const char *)wire.data, "Kenya", "Kenia");
	put("join-altered.xml", fingerprint, NOW, "JOIN-DIGEST", changed);
	free(changed);
	changed = pki_replace(
		(const char *)wire.data, "</ds:SignatureValue>", "=</ds:SignatureValue>");
	put("join-base64.xml", fingerprint, NOW, "SIG-BASE64", changed);
	free(changed);
	OPENSSL_free(der);
	X509_REQ_free(req);
	rv_join_clear(&j);
	rv_buf_free(&wire);
}

static void make_lists(void)
{
	char *wire = signed_by(sample, &ocu, NULL);
	put("list.xml", "authority.pem", NOW, "", wire);
	put("list-expired.xml", "authority.pem", "2026-12-20T00:00:01Z", "TRUST-EXPIRED", wire);
	put("list-to-come.xml", "authority.pem", "2026-11-19T22:59:59Z", "TRUST-NOT-YET", wire);
	put("other-authority.xml", "authority-other.pem", NOW, "TRUST-SIGNATURE", wire);
	wire_change("altered.xml", wire, "Member KE", "Member KF", "TRUST-DIGEST");
	wire_change("not-canonical.xml", wire, "Authority=\"OCU\" Expires",
		"Authority='OCU' Expires", "TRUST-CANONICAL");
	wire_change("xml-declaration.xml", wire, "<TrustList",
		"<?xml version=\"1.0\"?>\n<TrustList", "TRUST-CANONICAL");
	wire_change("white-space.xml", wire, "<List ", "\n<List ", "TRUST-SHAPE");
	wire_change("key-info.xml", wire, "</ds:Signature>",
		"<ds:KeyInfo></ds:KeyInfo></ds:Signature>", "TRUST-SHAPE");
	wire_change("reference-whole.xml", wire, "URI=\"#list\"", "URI=\"\"", "SIG-REFERENCE");
	wire_change("reference-outside.xml", wire, "URI=\"#list\"", "URI=\"http://a/#list\"",
		"SIG-REFERENCE");
	wire_change("digest-sha512.xml", wire, "xmlenc#sha256", "xmlenc#sha512", "SIG-ALGORITHM");
	wire_change("hmac.xml", wire, "xmldsig-more#ecdsa-sha256", "xmldsig-more#hmac-sha256",
		"SIG-ALGORITHM");
	wire_change("second-list.xml", wire, "</List>", "</List><List></List>", "SIG-SHAPE");
	wire_change("base64-broken.xml", wire, "<ds:SignatureValue>", "<ds:SignatureValue>\n",
		"SIG-BASE64");
	high_s(wire);
	free(wire);
	wire = signed_by(sample, &rsa, NULL);
	put("list-rsa.xml", "authority-rsa.pem", NOW, "", wire);
	free(wire);
	wire = signed_by(sample, &ocu, &rsa);
	put("list-two-signatures.xml", "authority-rsa.pem", NOW, "", wire);
	free(wire);
}

static void make_contents(void)
{
	content("code-twice.xml", "<Code>FR</Code>", "<Code>KE</Code>", "TRUST-DUPLICATE");
	content("via-unknown.xml", "<Via>RILO-ESA</Via>", "<Via>DE</Via>", "TRUST-MEMBER");
	content("via-no-relay.xml", "<Via>RILO-ESA</Via>", "<Via>KE</Via>", "TRUST-ROLE");
	content("lead-unknown.xml", "<Lead>KE</Lead>", "<Lead>DE</Lead>", "TRUST-MEMBER");
	content("right-holder-takes-part.xml", "<Role>right-holder</Role><ValidFrom>",
		"<Role>participant</Role><ValidFrom>", "TRUST-ROLE");
	content("part-twice.xml", "<Role>coordination-unit</Role>", "<Role>participant</Role>",
		"TRUST-DUPLICATE");
	content("dates-reversed.xml", "ValidTo=\"" PKI_TO "\"", "ValidTo=\"" PKI_FROM "\"",
		"TRUST-DATES");
	content("number-zero.xml", "Number=\"7\"", "Number=\"0\"", "TRUST-VALUE");
	content("number-padded.xml", "Number=\"7\"", "Number=\"07\"", "TRUST-VALUE");
	content("name-padded.xml", "<Name>Member KE", "<Name> Member KE", "TRUST-VALUE");
	content("z85-overflow.xml", "<CurveKey ValidFrom=\"" PKI_FROM "\" ValidTo=\"" PKI_TO "\">",
		"<CurveKey ValidFrom=\"" PKI_FROM "\" ValidTo=\"" PKI_TO
		"\">########################################</CurveKey>"
		"<CurveKey ValidFrom=\"" PKI_FROM "\" ValidTo=\"" PKI_TO "\">",
		"TRUST-VALUE");
	content("unknown-element.xml", "</Operation>", "<Extra></Extra></Operation>",
		"TRUST-SHAPE");
	char *changed =
		pki_replace(sample, (const char *)brand.base64.data, (const char *)ke.base64.data);
	char *wire = signed_by(changed, &ocu, NULL);
	put("certificate-of-two.xml", "authority.pem", NOW, "TRUST-DUPLICATE", wire);
	free(changed);
	free(wire);
}

static void put_pem(const char *name, const struct pki_authority *a)
{
	char *path = file_join(dir, name);
	assert_int_equal(file_write(path, 0644, a->pem.data, a->pem.len, NULL), 0);
	free(path);
}

static void rsa_authority(struct pki_authority *a)
{
	struct rv_buf der = {0};
	memset(a, 0, sizeof(*a));
	assert_int_equal(issue_key_new(&a->key, 2048, NULL), 0);
	assert_int_equal(issue_authority(&a->x509, a->key, "OCU", "Coordination Unit",
				 PKI_NOW - 100 * PKI_DAY, PKI_NOW + 1000 * PKI_DAY, NULL),
		0);
	assert_int_equal(issue_cert_der(a->x509, &der, NULL), 0);
	assert_int_equal(rv_cert_from_der(&a->cert, der.data, der.len, NULL), 0);
	assert_int_equal(issue_cert_pem(a->x509, &a->pem, NULL), 0);
	rv_buf_free(&der);
}

static void make_all(void **state)
{
	char *path = file_join(dir, "MANIFEST.csv");
	manifest = fopen(path, "w");
	assert_non_null(manifest);
	fprintf(manifest, "file,authority,now,rule\n");
	pki_authority(&ocu, "OCU", PKI_NOW - 100 * PKI_DAY, PKI_NOW + 1000 * PKI_DAY);
	pki_authority(&stranger, "OCU", PKI_NOW - 100 * PKI_DAY, PKI_NOW + 1000 * PKI_DAY);
	rsa_authority(&rsa);
	pki_member(&ke, &ocu, "KE", 0);
	pki_member(&fr, &ocu, "FR", 2048);
	pki_member(&rilo, &ocu, "RILO-ESA", 0);
	pki_member(&brand, &ocu, "BRAND-1", 0);
	put_pem("authority.pem", &ocu);
	put_pem("authority-rsa.pem", &rsa);
	put_pem("authority-other.pem", &stranger);
	make_sample();
	make_lists();
	make_contents();
	make_joins();
	assert_int_equal(fclose(manifest), 0);
	free(path);
	free(sample);
	pki_member_clear(&ke);
	pki_member_clear(&fr);
	pki_member_clear(&rilo);
	pki_member_clear(&brand);
	pki_authority_clear(&ocu);
	pki_authority_clear(&rsa);
	pki_authority_clear(&stranger);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(make_all)};
	if (argc != 2) {
		fprintf(stderr, "make_trust DIR\n");
		return 2;
	}
	dir = argv[1];
	rv_xml_init(NULL);
	return cmocka_run_group_tests_name("make vectors", tests, NULL, NULL);
}
