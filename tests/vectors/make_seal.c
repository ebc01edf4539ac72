/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <openssl/pem.h>

#include "node/file.h"
#include "tests/unit/protocol/attacks.h"
#include "tests/unit/protocol/sealing.h"

/*
 * Makes protocol/vectors/seal anew, with keys that nobody keeps: make_seal DIR. Not part of make
 * check; run it when the format changes, and commit what it wrote.
 */

static const char *dir;
static FILE *manifest;
static struct pki_authority ocu;
static struct pki_member ke, fr;

static void put(const char *name, const char *cert, const char *rule, const char *withheld,
	const struct rv_buf *wire)
{
	char *path = file_join(dir, name);
	assert_int_equal(file_write(path, 0644, wire->data, wire->len, NULL), 0);
	fprintf(manifest, "%s,%s,%s,%s\n", name, cert, rule, withheld);
	free(path);
}

static void put_cert(const char *name, const struct pki_member *m)
{
	struct rv_span der;
	struct rv_buf pem = {0};
	char *path = file_join(dir, name);
	rv_cert_der(m->cert, &der);
	const unsigned char *p = der.data;
	X509 *x = d2i_X509(NULL, &p, (long)der.len);
	BIO *bio = BIO_new(BIO_s_mem());
	char *text;
	assert_true(x != NULL && bio != NULL && PEM_write_bio_X509(bio, x) == 1);
	long len = BIO_get_mem_data(bio, &text);
	rv_buf_put(&pem, text, (size_t)len);
	assert_int_equal(file_write(path, 0644, pem.data, pem.len, NULL), 0);
	BIO_free(bio);
	X509_free(x);
	rv_buf_free(&pem);
	free(path);
}

static void withheld(const struct rv_buf *wire, unsigned mask, const char *cert, const char *name,
	const char *sections)
{
	xmlDoc *doc = NULL;
	struct rv_buf less = {0};
	assert_int_equal(rv_seal_parse(&doc, wire->data, wire->len, NULL), 0);
	assert_int_equal(rv_seal_withhold(doc, mask, &less, NULL), 0);
	xmlFreeDoc(doc);
	put(name, cert, "", sections, &less);
	rv_buf_free(&less);
}

/* A name of letters, digits and hyphens: vectors go to other systems. */
static void put_bad(const char *name, const char *rule, const struct rv_buf *wire)
{
	char file[96];
	snprintf(file, sizeof(file), "bad-%s.xml", name);
	for (char *p = file; *p != '\0'; p++) {
		*p = *p == ' ' ? '-' : (char)tolower((unsigned char)*p);
	}
	put(file, "ke.pem", rule, "", wire);
}

static void put_value(const char *good, const char *mark, enum value_change change,
	const char *name, const char *rule)
{
	struct rv_buf bad = {0};
	attack_value(&bad, good, mark, change);
	put_bad(name, rule, &bad);
	rv_buf_free(&bad);
}

static void make_attacks(struct rv_buf *wire)
{
	const char *good = rv_buf_cstr(wire);
	for (const struct attack *a = attacks; a->name != NULL; a++) {
		struct rv_buf bad = {0};
		attack_make(&bad, good, a);
		put_bad(a->name, a->rule, &bad);
		rv_buf_free(&bad);
	}
	put_value(good, "<ds:SignatureValue>", VALUE_FLIP, "value", "SEAL-VALUE");
	put_value(good, "<ds:SignatureValue>", VALUE_SHORT, "value short", "SEAL-VALUE");
	put_value(good, "<ds:SignatureValue>", VALUE_HIGH_S, "value high s", "SEAL-MALLEABLE");
	put_value(good, "<ds:SignatureValue>", VALUE_LOOSE_BITS, "value loose bits", "SIG-BASE64");
	put_value(good, "<ds:DigestValue>", VALUE_FLIP, "digest", "SEAL-DIGEST");
	put_value(good, "<ds:DigestValue>", VALUE_LOOSE_BITS, "digest loose bits", "SIG-BASE64");
}

static void make_all(void **state)
{
	struct rv_buf small = {0};
	struct rv_buf large = {0};
	struct rv_buf ec = {0};
	struct rv_buf ec_large = {0};
	struct rv_buf rsa = {0};
	struct rv_buf pss = {0};
	pki_authority(&ocu, "OCU", PKI_NOW - 100 * PKI_DAY, PKI_NOW + 1000 * PKI_DAY);
	pki_member(&ke, &ocu, "KE", 0);
	pki_member(&fr, &ocu, "FR", 2048);
	put_cert("ke.pem", &ke);
	put_cert("fr.pem", &fr);
	sealing_sample(&small, "valid/seizure-short-drugs.xml");
	sealing_sample(&large, "valid/seizure-long-cash.xml");
	sealing_seal(&ec, &small, &ke, 0);
	sealing_seal(&ec_large, &large, &ke, 0);
	sealing_seal(&rsa, &small, &fr, RV_ALG_RSA_SHA256);
	sealing_seal(&pss, &small, &fr, RV_ALG_RSA_PSS_SHA256);
	put("ecdsa.xml", "ke.pem", "", "", &ec);
	put("ecdsa-long.xml", "ke.pem", "", "", &ec_large);
	put("rsa.xml", "fr.pem", "", "", &rsa);
	put("rsa-pss.xml", "fr.pem", "", "", &pss);
	put("bad-other-certificate.xml", "fr.pem", "SEAL-CERT", "", &ec);
	withheld(&ec_large, 1u << RV_SEC_PERSONS, "ke.pem", "withheld-persons.xml", "persons");
	withheld(&ec_large, 1u << RV_SEC_GOODS | 1u << RV_SEC_ROUTE, "ke.pem",
		"withheld-goods-route.xml", "goods route");
	withheld(&ec, ~0u, "ke.pem", "withheld-all.xml", "event goods");
	withheld(&rsa, 1u << RV_SEC_EVENT, "fr.pem", "withheld-rsa.xml", "event");
	withheld(&pss, 1u << RV_SEC_GOODS, "fr.pem", "withheld-rsa-pss.xml", "goods");
	make_attacks(&ec);
	/* the Header names KE's certificate, but KE's key did not sign */
	struct rv_buf other = {0};
	struct pki_member stranger;
	pki_member(&stranger, &ocu, "KE", 0);
	struct pki_member mixed = ke;
	mixed.key = stranger.key;
	sealing_seal(&other, &small, &mixed, 0);
	put_bad("other key", "SEAL-VALUE", &other);
	rv_buf_free(&other);
	pki_member_clear(&stranger);
	rv_buf_free(&small);
	rv_buf_free(&large);
	rv_buf_free(&ec);
	rv_buf_free(&ec_large);
	rv_buf_free(&rsa);
	rv_buf_free(&pss);
	pki_member_clear(&ke);
	pki_member_clear(&fr);
	pki_authority_clear(&ocu);
}

int main(int argc, char **argv)
{
	if (argc != 2) {
		fprintf(stderr, "usage: make_seal DIR\n");
		return 2;
	}
	dir = argv[1];
	char *path = file_join(dir, "MANIFEST.csv");
	manifest = fopen(path, "w");
	if (manifest == NULL || rv_xml_init(NULL) != 0 || rv_seal_init(NULL) != 0) {
		perror(path);
		return 1;
	}
	free(path);
	fprintf(manifest, "file,certificate,rule,withheld\n");
	const struct CMUnitTest tests[] = {cmocka_unit_test(make_all)};
	int rc = cmocka_run_group_tests(tests, NULL, NULL);
	fclose(manifest);
	rv_seal_cleanup();
	rv_xml_cleanup();
	return rc;
}
