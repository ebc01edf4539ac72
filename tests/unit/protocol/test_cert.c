/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#include "protocol/cert.h"
#include "protocol/stamp.h"

/* Keys and certificates of every kind, made while the test runs: those that are taken and those
 * that are not. */

#define FROM INT64_C(1790000000)
#define TO INT64_C(1890000000)

static EVP_PKEY *p256, *rsa2048;

static int set_up(void **state)
{
	p256 = EVP_EC_gen("P-256");
	rsa2048 = EVP_RSA_gen(2048);
	return p256 != NULL && rsa2048 != NULL ? 0 : -1;
}

static int tear_down(void **state)
{
	EVP_PKEY_free(p256);
	EVP_PKEY_free(rsa2048);
	return 0;
}

struct made {
	const char *name; /* common name of the subject */
	EVP_PKEY *key;
	const char *issuer; /* NULL: self-signed */
	EVP_PKEY *issuer_key;
	const EVP_MD *md;  /* NULL: SHA-256 */
	int ca;            /* basicConstraints CA */
	const char *usage; /* keyUsage, NULL: none */
	int nid;           /* of one more extension, 0: none */
	const char *value;
};

static void set_name(X509_NAME *name, const char *text)
{
	assert_int_equal(X509_NAME_add_entry_by_txt(
				 name, "CN", MBSTRING_UTF8, (const unsigned char *)text, -1, -1, 0),
		1);
}

static void add_extension(X509 *x, int nid, const char *value)
{
	X509V3_CTX ctx;
	X509V3_set_ctx(&ctx, NULL, x, NULL, NULL, 0);
	X509V3_set_ctx_nodb(&ctx);
	X509_EXTENSION *ext = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	assert_non_null(ext);
	assert_int_equal(X509_add_ext(x, ext, -1), 1);
	X509_EXTENSION_free(ext);
}

static X509 *make(const struct made *m)
{
	X509 *x = X509_new();
	assert_non_null(x);
	assert_int_equal(X509_set_version(x, X509_VERSION_3), 1);
	assert_int_equal(ASN1_INTEGER_set(X509_get_serialNumber(x), 7), 1);
	set_name(X509_get_subject_name(x), m->name);
	set_name(X509_get_issuer_name(x), m->issuer != NULL ? m->issuer : m->name);
	assert_non_null(ASN1_TIME_set(X509_getm_notBefore(x), FROM));
	assert_non_null(ASN1_TIME_set(X509_getm_notAfter(x), TO));
	assert_int_equal(X509_set_pubkey(x, m->key), 1);
	add_extension(x, NID_basic_constraints, m->ca ? "critical,CA:TRUE" : "critical,CA:FALSE");
	if (m->usage != NULL) {
		add_extension(x, NID_key_usage, m->usage);
	}
	if (m->nid != 0) {
		add_extension(x, m->nid, m->value);
	}
	EVP_PKEY *signer = m->issuer_key != NULL ? m->issuer_key : m->key;
	const EVP_MD *md = m->md != NULL ? m->md : EVP_sha256();
	assert_int_not_equal(X509_sign(x, signer, EVP_PKEY_is_a(signer, "ED25519") ? NULL : md), 0);
	return x;
}

static int read_x509(struct rv_cert **cert_r, X509 *x, struct rv_err *e)
{
	unsigned char *der = NULL;
	int len = i2d_X509(x, &der);
	assert_true(len > 0);
	int rc = rv_cert_from_der(cert_r, der, (size_t)len, e);
	OPENSSL_free(der);
	return rc;
}

static int made_cert(struct rv_cert **cert_r, const struct made *m, struct rv_err *e)
{
	X509 *x = make(m);
	int rc = read_x509(cert_r, x, e);
	X509_free(x);
	return rc;
}

static struct rv_cert *good_cert(const struct made *m)
{
	struct rv_cert *cert = NULL;
	struct rv_err e = {0};
	if (made_cert(&cert, m, &e) != 0) {
		fail_msg("%s: %s", m->name, e.text);
	}
	return cert;
}

static void a_certificate_is_read(void **state)
{
	const struct made m = {.name = "K\xc3\xa9nya", .key = p256};
	X509 *x = make(&m);
	struct rv_cert *cert = NULL;
	struct rv_span der;
	uint8_t digest[RV_DIGEST_LEN];
	char subject[64];
	assert_int_equal(read_x509(&cert, x, NULL), 0);
	rv_cert_der(cert, &der);
	rv_sha256(digest, der.data, der.len);
	assert_memory_equal(rv_cert_digest(cert), digest, sizeof(digest));
	assert_true(rv_cert_not_before(cert) == FROM * RV_US_PER_SEC);
	assert_true(rv_cert_not_after(cert) == TO * RV_US_PER_SEC);
	assert_int_equal(rv_cert_alg(cert), RV_ALG_ECDSA_P256_SHA256);
	assert_int_equal(EVP_PKEY_eq(rv_cert_key(cert), p256), 1);
	rv_cert_subject(cert, subject, sizeof(subject));
	assert_string_equal(subject, "CN=K\xc3\xa9nya");
	rv_cert_subject(cert, subject, 4);
	assert_string_equal(subject, "CN=");
	rv_cert_subject(cert, subject, 0);
	assert_string_equal(subject, "CN=");

	/* the same in PEM, with text around it */
	BIO *bio = BIO_new(BIO_s_mem());
	char *pem = NULL;
	assert_true(BIO_puts(bio, "a remark\n") > 0);
	assert_int_equal(PEM_write_bio_X509(bio, x), 1);
	assert_true(BIO_puts(bio, "and another\n") > 0);
	long len = BIO_get_mem_data(bio, &pem);
	struct rv_cert *again = NULL;
	assert_int_equal(rv_cert_from_pem(&again, pem, (size_t)len, NULL), 0);
	assert_memory_equal(rv_cert_digest(again), digest, sizeof(digest));
	BIO_free(bio);
	X509_free(x);
	rv_cert_free(&again);
	rv_cert_free(&cert);
	assert_null(cert);
	rv_cert_free(&cert);
	rv_cert_free(NULL);
}

static void validity_ends_at_its_second(void **state)
{
	struct rv_cert *cert = good_cert(&(struct made){.name = "KE", .key = p256});
	struct rv_err e = {0};
	assert_int_equal(rv_cert_valid_at(cert, FROM * RV_US_PER_SEC, &e), 0);
	assert_int_equal(rv_cert_valid_at(cert, TO * RV_US_PER_SEC, &e), 0);
	assert_int_equal(rv_cert_valid_at(cert, FROM * RV_US_PER_SEC - 1, &e), RV_ECERT);
	assert_string_equal(e.rule, "CERT-NOT-YET");
	assert_int_equal(rv_cert_valid_at(cert, TO * RV_US_PER_SEC + 1, &e), RV_ECERT);
	assert_string_equal(e.rule, "CERT-EXPIRED");
	rv_cert_free(&cert);
}

static EVP_PKEY *pss_key(void)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA-PSS", NULL);
	EVP_PKEY *key = NULL;
	assert_int_equal(EVP_PKEY_keygen_init(ctx), 1);
	assert_int_equal(EVP_PKEY_CTX_set_rsa_keygen_bits(ctx, 2048), 1);
	assert_int_equal(EVP_PKEY_generate(ctx, &key), 1);
	EVP_PKEY_CTX_free(ctx);
	return key;
}

static void keys_that_are_taken(void **state)
{
	struct {
		EVP_PKEY *key;
		enum rv_sig_alg alg;
	} keys[] = {{EVP_EC_gen("P-256"), RV_ALG_ECDSA_P256_SHA256},
		{EVP_RSA_gen(2048), RV_ALG_RSA_SHA256}, {EVP_RSA_gen(2056), RV_ALG_RSA_SHA256},
		{pss_key(), RV_ALG_RSA_PSS_SHA256}};
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		struct rv_cert *cert = good_cert(&(struct made){.name = "KE", .key = keys[i].key});
		assert_int_equal(rv_cert_alg(cert), keys[i].alg);
		rv_cert_free(&cert);
		EVP_PKEY_free(keys[i].key);
	}
}

static void keys_that_are_not(void **state)
{
	struct {
		EVP_PKEY *key;
		const EVP_MD *md;
		const char *rule;
	} keys[] = {
		{EVP_EC_gen("P-384"), EVP_sha256(), "CERT-KEY-TYPE"},
		{EVP_EC_gen("P-521"), EVP_sha256(), "CERT-KEY-TYPE"},
		{EVP_EC_gen("secp256k1"), EVP_sha256(), "CERT-KEY-TYPE"},
		{EVP_EC_gen("brainpoolP256r1"), EVP_sha256(), "CERT-KEY-TYPE"},
		{EVP_RSA_gen(1024), EVP_sha256(), "CERT-KEY-SIZE"},
		{EVP_RSA_gen(2040), EVP_sha256(), "CERT-KEY-SIZE"},
		{EVP_PKEY_Q_keygen(NULL, NULL, "ED25519"), NULL, "CERT-KEY-TYPE"},
	};
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		struct rv_cert *cert = NULL;
		struct rv_err e = {0};
		/* signed by another key, so that only the key itself is at fault */
		assert_non_null(keys[i].key);
		assert_int_equal(made_cert(&cert,
					 &(struct made){.name = "KE",
						 .key = keys[i].key,
						 .issuer = "OCU",
						 .issuer_key = p256},
					 &e),
			RV_ECERT);
		assert_string_equal(e.rule, keys[i].rule);
		assert_null(cert);
		struct rv_buf value = {0};
		assert_int_not_equal(
			rv_key_sign(keys[i].key, RV_ALG_ECDSA_P256_SHA256, "x", 1, &value, NULL),
			0);
		assert_int_not_equal(
			rv_key_sign(keys[i].key, RV_ALG_RSA_SHA256, "x", 1, &value, NULL), 0);
		assert_int_equal(value.len, 0);
		rv_buf_free(&value);
		EVP_PKEY_free(keys[i].key);
	}
}

static void only_named_hashes_are_taken(void **state)
{
	EVP_PKEY *ed = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	struct {
		EVP_PKEY *issuer_key;
		const EVP_MD *md;
	} others[] = {{rsa2048, EVP_sha1()}, {p256, EVP_sha1()}, {rsa2048, EVP_md5()},
		{rsa2048, EVP_sha224()}, {p256, EVP_sha224()}, {rsa2048, EVP_sha3_256()},
		{ed, NULL}};
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		struct rv_cert *cert = NULL;
		struct rv_err e = {0};
		assert_int_equal(made_cert(&cert,
					 &(struct made){.name = "KE",
						 .key = p256,
						 .issuer = "OCU",
						 .issuer_key = others[i].issuer_key,
						 .md = others[i].md},
					 &e),
			RV_ECERT);
		assert_string_equal(e.rule, "CERT-HASH");
		assert_null(cert);
	}
	const EVP_MD *strong[] = {EVP_sha256(), EVP_sha384(), EVP_sha512()};
	for (size_t i = 0; i < 3; i++) {
		struct rv_cert *cert = good_cert(&(struct made){.name = "KE",
			.key = p256,
			.issuer = "OCU",
			.issuer_key = rsa2048,
			.md = strong[i]});
		rv_cert_free(&cert);
	}
	EVP_PKEY_free(ed);
}

static void critical_extensions_are_heeded_or_refuse(void **state)
{
	struct {
		int nid;
		const char *value;
		const char *rule;
	} extensions[] = {
		{NID_ext_key_usage, "critical,clientAuth", NULL},
		{NID_subject_alt_name, "critical,DNS:ke.example", NULL},
		{NID_certificate_policies, "critical,DER:30:07:30:05:06:03:2a:03:04", NULL},
		{NID_netscape_comment, "a remark", NULL},
		{NID_name_constraints, "permitted;DNS:.example", NULL},
		{NID_name_constraints, "critical,permitted;DNS:.example", "CERT-EXTENSION"},
		{NID_policy_constraints, "critical,requireExplicitPolicy:0", "CERT-EXTENSION"},
		{NID_netscape_comment, "critical,a remark", "CERT-EXTENSION"},
		{NID_subject_alt_name, "DER:30:03:82:09:61", "CERT-UNREADABLE"},
		{NID_basic_constraints, "CA:TRUE", "CERT-UNREADABLE"}, /* twice */
	};
	for (size_t i = 0; i < sizeof(extensions) / sizeof(extensions[0]); i++) {
		struct rv_cert *cert = NULL;
		struct rv_err e = {0};
		int rc = made_cert(&cert,
			&(struct made){.name = "KE",
				.key = p256,
				.nid = extensions[i].nid,
				.value = extensions[i].value},
			&e);
		assert_int_equal(rc, extensions[i].rule == NULL ? 0 : RV_ECERT);
		assert_string_equal(e.rule, extensions[i].rule == NULL ? "" : extensions[i].rule);
		assert_int_equal(cert == NULL, extensions[i].rule != NULL);
		rv_cert_free(&cert);
	}
}

static void other_bytes_are_refused(void **state)
{
	X509 *x = make(&(struct made){.name = "KE", .key = p256});
	unsigned char *der = NULL;
	int len = i2d_X509(x, &der);
	struct rv_cert *cert = NULL;
	struct rv_err e = {0};
	assert_true(len > 0);
	for (int i = 0; i < len; i++) {
		assert_int_equal(rv_cert_from_der(&cert, der, (size_t)i, &e), RV_ECERT);
		assert_string_equal(e.rule, "CERT-UNREADABLE");
	}
	unsigned char *more = calloc(1, 70000);
	assert_non_null(more);
	memcpy(more, der, (size_t)len);
	assert_int_equal(rv_cert_from_der(&cert, more, (size_t)len + 1, &e), RV_ECERT);
	assert_int_equal(rv_cert_from_der(&cert, more, 70000, &e), RV_ECERT);
	assert_int_equal(rv_cert_from_pem(&cert, more, 70000, &e), RV_ECERT);
	assert_int_equal(rv_cert_from_pem(&cert, "", 0, &e), RV_ECERT);
	static const char key[] = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
	assert_int_equal(rv_cert_from_pem(&cert, key, sizeof(key) - 1, &e), RV_ECERT);
	assert_string_equal(e.rule, "CERT-UNREADABLE");
	assert_null(cert);
	free(more);
	OPENSSL_free(der);
	X509_free(x);
}

static void issuers_are_authorities(void **state)
{
	static const char sign[] = "critical,keyCertSign";
	struct rv_cert *ca =
		good_cert(&(struct made){.name = "OCU", .key = rsa2048, .ca = 1, .usage = sign});
	struct rv_cert *member = good_cert(
		&(struct made){.name = "KE", .key = p256, .issuer = "OCU", .issuer_key = rsa2048});
	struct rv_err e = {0};
	assert_int_equal(rv_cert_issued_by(ca, ca, &e), 0);
	assert_int_equal(rv_cert_issued_by(member, ca, &e), 0);
	assert_int_equal(rv_cert_issued_by(ca, member, &e), RV_ECERT);
	assert_string_equal(e.rule, "CERT-NOT-CA");

	struct {
		struct made made;
		const char *rule;
	} others[] = {
		{{.name = "OCU", .key = rsa2048, .ca = 0, .usage = sign}, "CERT-NOT-CA"},
		{{.name = "OCU", .key = rsa2048, .ca = 1, .usage = "critical,digitalSignature"},
			"CERT-USAGE"},
		{{.name = "OTHER", .key = rsa2048, .ca = 1, .usage = sign}, "CERT-ISSUER"},
		{{.name = "OCU", .key = p256, .ca = 1, .usage = sign}, "CERT-ISSUER"},
	};
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		struct rv_cert *other = good_cert(&others[i].made);
		assert_int_equal(rv_cert_issued_by(member, other, &e), RV_ECERT);
		if (strcmp(e.rule, others[i].rule) != 0) {
			fail_msg("%zu: %s, not %s", i, e.rule, others[i].rule);
		}
		rv_cert_free(&other);
	}
	rv_cert_free(&ca);
	rv_cert_free(&member);
}

/* ---- values ---- */

static const uint8_t order[32] = {0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff,
	0xff, 0xff, 0xff, 0xff, 0xff, 0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9,
	0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51};

static void minus(const uint8_t *s, uint8_t *out)
{
	int borrow = 0;
	for (int i = 31; i >= 0; i--) {
		int v = order[i] - s[i] - borrow;
		borrow = v < 0;
		out[i] = (uint8_t)(v + (borrow ? 256 : 0));
	}
}

static void ecdsa_values_are_low_and_refused_when_high(void **state)
{
	struct rv_cert *cert = good_cert(&(struct made){.name = "KE", .key = p256});
	for (int i = 0; i < 64; i++) {
		struct rv_buf value = {0};
		struct rv_err e = {0};
		uint8_t high[32];
		assert_int_equal(
			rv_key_sign(p256, RV_ALG_ECDSA_P256_SHA256, &i, sizeof(i), &value, &e), 0);
		assert_int_equal(value.len, 64);
		minus(value.data + 32, high);
		assert_true(memcmp(value.data + 32, high, 32) <= 0);
		assert_int_equal(rv_cert_verify(cert, RV_ALG_ECDSA_P256_SHA256, &i, sizeof(i),
					 value.data, 64, &e),
			0);
		assert_int_equal(
			rv_cert_value_form(cert, RV_ALG_ECDSA_P256_SHA256, value.data, 64, &e), 0);
		memcpy(value.data + 32, high, 32);
		assert_int_equal(rv_cert_verify(cert, RV_ALG_ECDSA_P256_SHA256, &i, sizeof(i),
					 value.data, 64, &e),
			RV_ESIGNATURE);
		assert_string_equal(e.rule, "SEAL-MALLEABLE");
		assert_int_equal(
			rv_cert_value_form(cert, RV_ALG_ECDSA_P256_SHA256, value.data, 64, &e),
			RV_ESIGNATURE);
		rv_buf_free(&value);
	}
	rv_cert_free(&cert);
}

static void refused(const struct rv_cert *cert, enum rv_sig_alg alg, const void *sig, size_t len,
	const char *rule)
{
	struct rv_err e = {0};
	assert_int_equal(rv_cert_verify(cert, alg, "abc", 3, sig, len, &e), RV_ESIGNATURE);
	assert_string_equal(e.rule, rule);
}

static void values_of_another_form_are_refused(void **state)
{
	struct rv_cert *ec = good_cert(&(struct made){.name = "KE", .key = p256});
	struct rv_cert *rsa = good_cert(&(struct made){.name = "FR", .key = rsa2048});
	uint8_t zeros[512] = {0};
	uint8_t ones[512];
	memset(ones, 0xff, sizeof(ones));
	for (size_t len = 0; len < 80; len++) {
		if (len != 64) {
			refused(ec, RV_ALG_ECDSA_P256_SHA256, zeros, len, "SEAL-VALUE");
		}
	}
	for (size_t len = 0; len <= 512; len += 51) {
		refused(rsa, RV_ALG_RSA_SHA256, zeros, len, "SEAL-VALUE");
		refused(rsa, RV_ALG_RSA_PSS_SHA256, zeros, len, "SEAL-VALUE");
	}
	refused(ec, RV_ALG_ECDSA_P256_SHA256, zeros, 64, "SEAL-VALUE"); /* r and s of nothing */
	refused(ec, RV_ALG_ECDSA_P256_SHA256, ones, 64, "SEAL-MALLEABLE");
	refused(rsa, RV_ALG_RSA_SHA256, zeros, 256, "SEAL-VALUE");
	refused(rsa, RV_ALG_RSA_SHA256, ones, 256, "SEAL-VALUE");
	/* the algorithm of the other key */
	refused(ec, RV_ALG_RSA_SHA256, zeros, 64, "SEAL-ALGORITHM");
	refused(ec, RV_ALG_RSA_PSS_SHA256, zeros, 64, "SEAL-ALGORITHM");
	refused(rsa, RV_ALG_ECDSA_P256_SHA256, zeros, 64, "SEAL-ALGORITHM");
	refused(rsa, (enum rv_sig_alg)0, zeros, 256, "SEAL-ALGORITHM");
	refused(rsa, (enum rv_sig_alg)4, zeros, 256, "SEAL-ALGORITHM");
	rv_cert_free(&ec);
	rv_cert_free(&rsa);
}

static void every_flipped_bit_is_refused(
	const struct rv_cert *cert, EVP_PKEY *key, enum rv_sig_alg alg)
{
	struct rv_buf value = {0};
	assert_int_equal(rv_key_sign(key, alg, "abc", 3, &value, NULL), 0);
	assert_int_equal(rv_cert_verify(cert, alg, "abc", 3, value.data, value.len, NULL), 0);
	assert_int_equal(
		rv_cert_verify(cert, alg, "abd", 3, value.data, value.len, NULL), RV_ESIGNATURE);
	assert_int_equal(
		rv_cert_verify(cert, alg, "abc", 2, value.data, value.len, NULL), RV_ESIGNATURE);
	for (size_t i = 0; i<value.len * 8; i += value.len> 64 ? 7 : 1) {
		value.data[i / 8] ^= (uint8_t)(1 << i % 8);
		assert_int_equal(rv_cert_verify(cert, alg, "abc", 3, value.data, value.len, NULL),
			RV_ESIGNATURE);
		value.data[i / 8] ^= (uint8_t)(1 << i % 8);
	}
	rv_buf_free(&value);
}

static void no_altered_value_verifies(void **state)
{
	EVP_PKEY *pss = pss_key();
	struct rv_cert *ec = good_cert(&(struct made){.name = "KE", .key = p256});
	struct rv_cert *rsa = good_cert(&(struct made){.name = "FR", .key = rsa2048});
	struct rv_cert *only_pss = good_cert(&(struct made){.name = "DE", .key = pss});
	every_flipped_bit_is_refused(ec, p256, RV_ALG_ECDSA_P256_SHA256);
	every_flipped_bit_is_refused(rsa, rsa2048, RV_ALG_RSA_SHA256);
	every_flipped_bit_is_refused(rsa, rsa2048, RV_ALG_RSA_PSS_SHA256);
	every_flipped_bit_is_refused(only_pss, pss, RV_ALG_RSA_PSS_SHA256);
	/* what is signed by one padding does not verify by the other */
	struct rv_buf value = {0};
	assert_int_equal(rv_key_sign(rsa2048, RV_ALG_RSA_SHA256, "abc", 3, &value, NULL), 0);
	refused(rsa, RV_ALG_RSA_PSS_SHA256, value.data, value.len, "SEAL-VALUE");
	rv_buf_reset(&value);
	assert_int_equal(rv_key_sign(rsa2048, RV_ALG_RSA_PSS_SHA256, "abc", 3, &value, NULL), 0);
	refused(rsa, RV_ALG_RSA_SHA256, value.data, value.len, "SEAL-VALUE");
	rv_buf_reset(&value);
	assert_int_equal(rv_key_sign(pss, RV_ALG_RSA_SHA256, "abc", 3, &value, NULL), RV_EINVAL);
	assert_int_equal(rv_key_sign(p256, RV_ALG_RSA_SHA256, "abc", 3, &value, NULL), RV_EINVAL);
	assert_int_equal(value.len, 0);
	rv_buf_free(&value);
	rv_cert_free(&ec);
	rv_cert_free(&rsa);
	rv_cert_free(&only_pss);
	EVP_PKEY_free(pss);
}

/* PSS with a salt of another length is another signature scheme. */
static void pss_salts_have_the_length_of_the_digest(void **state)
{
	struct rv_cert *cert = good_cert(&(struct made){.name = "FR", .key = rsa2048});
	static const int lengths[] = {0, 20, 32, 64};
	for (size_t i = 0; i < 4; i++) {
		uint8_t sig[256];
		size_t len = sizeof(sig);
		EVP_PKEY_CTX *pctx = NULL;
		EVP_MD_CTX *ctx = EVP_MD_CTX_new();
		assert_int_equal(EVP_DigestSignInit(ctx, &pctx, EVP_sha256(), NULL, rsa2048), 1);
		assert_true(EVP_PKEY_CTX_set_rsa_padding(pctx, RSA_PKCS1_PSS_PADDING) > 0);
		assert_true(EVP_PKEY_CTX_set_rsa_pss_saltlen(pctx, lengths[i]) > 0);
		assert_int_equal(
			EVP_DigestSign(ctx, sig, &len, (const unsigned char *)"abc", 3), 1);
		EVP_MD_CTX_free(ctx);
		int rc = rv_cert_verify(cert, RV_ALG_RSA_PSS_SHA256, "abc", 3, sig, len, NULL);
		assert_int_equal(rc, lengths[i] == 32 ? 0 : RV_ESIGNATURE);
	}
	rv_cert_free(&cert);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_certificate_is_read),
		cmocka_unit_test(validity_ends_at_its_second),
		cmocka_unit_test(keys_that_are_taken),
		cmocka_unit_test(keys_that_are_not),
		cmocka_unit_test(only_named_hashes_are_taken),
		cmocka_unit_test(critical_extensions_are_heeded_or_refuse),
		cmocka_unit_test(other_bytes_are_refused),
		cmocka_unit_test(issuers_are_authorities),
		cmocka_unit_test(ecdsa_values_are_low_and_refused_when_high),
		cmocka_unit_test(values_of_another_form_are_refused),
		cmocka_unit_test(no_altered_value_verifies),
		cmocka_unit_test(pss_salts_have_the_length_of_the_digest),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
