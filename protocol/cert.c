/* SPDX-License-Identifier: Apache-2.0 */
#include "cert_int.h"

#include <stdlib.h>
#include <string.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "stamp.h"

enum { P256_HALF = 32, P256_RAW = 64, RSA_BITS_MIN = 2048, RSA_BITS_MAX = 8192, DER_MAX = 65536 };

struct rv_cert {
	X509 *x509;
	EVP_PKEY *key;
	uint8_t *der;
	size_t der_len;
	uint8_t digest[RV_DIGEST_LEN];
	enum rv_sig_alg alg;
	int64_t not_before;
	int64_t not_after;
};

void rv_cert_free(struct rv_cert **cert)
{
	if (cert == NULL || *cert == NULL) {
		return;
	}
	X509_free((*cert)->x509);
	EVP_PKEY_free((*cert)->key);
	OPENSSL_free((*cert)->der);
	free(*cert);
	*cert = NULL;
}

/* Which algorithm a key signs with; 0 if the profile takes no such key. */
static int key_alg(EVP_PKEY *key, enum rv_sig_alg *alg_r, struct rv_err *e)
{
	if (EVP_PKEY_is_a(key, "EC")) {
		char group[64] = "";
		if (EVP_PKEY_get_group_name(key, group, sizeof(group), NULL) == 1 &&
			(strcmp(group, "prime256v1") == 0 || strcmp(group, "P-256") == 0)) {
			*alg_r = RV_ALG_ECDSA_P256_SHA256;
			return 0;
		}
		return rv_fail_rule(e, RV_ECERT, "CERT-KEY-TYPE",
			"the elliptic curve %.40s is not P-256", group);
	}
	if (EVP_PKEY_is_a(key, "RSA") || EVP_PKEY_is_a(key, "RSA-PSS")) {
		int bits = EVP_PKEY_get_bits(key);
		if (bits < RSA_BITS_MIN || bits > RSA_BITS_MAX) {
			return rv_fail_rule(e, RV_ECERT, "CERT-KEY-SIZE",
				"the RSA key has %d bits; 2048 to 8192 are taken", bits);
		}
		*alg_r = EVP_PKEY_is_a(key, "RSA") ? RV_ALG_RSA_SHA256 : RV_ALG_RSA_PSS_SHA256;
		return 0;
	}
	return rv_fail_rule(e, RV_ECERT, "CERT-KEY-TYPE", "the key is neither P-256 nor RSA");
}

int rv_x509_time(int64_t *us_r, const ASN1_TIME *t)
{
	int days;
	int secs;
	ASN1_TIME *epoch = ASN1_TIME_set(NULL, 0);
	int ok = epoch != NULL && t != NULL && ASN1_TIME_diff(&days, &secs, epoch, t) == 1;
	ASN1_TIME_free(epoch);
	if (!ok) {
		ERR_clear_error();
		return RV_EPARSE;
	}
	*us_r = ((int64_t)days * 86400 + secs) * RV_US_PER_SEC;
	return 0;
}

/* Named ones alone: an algorithm that is not known is not strong. */
static int check_signature_hash(X509 *x, struct rv_err *e)
{
	int md = NID_undef;
	if (X509_get_signature_info(x, &md, NULL, NULL, NULL) != 1 ||
		(md != NID_sha256 && md != NID_sha384 && md != NID_sha512)) {
		rv_fail_rule(e, RV_ECERT, "CERT-HASH",
			"the certificate is not signed with SHA-256, SHA-384 or SHA-512");
		rv_err_mend(e, "Have it issued anew with SHA-256.");
		return RV_ECERT;
	}
	return 0;
}

/* RFC 5280, 4.2: what is critical and not heeded refuses the certificate. OpenSSL knows more than
 * is heeded here: name constraints among others. */
static int is_heeded(int nid)
{
	return nid == NID_basic_constraints || nid == NID_key_usage || nid == NID_ext_key_usage ||
	       nid == NID_subject_alt_name || nid == NID_certificate_policies;
}

static int check_extensions(const X509 *x, uint32_t flags, struct rv_err *e)
{
	if (flags & EXFLAG_INVALID) {
		return rv_fail_rule(e, RV_ECERT, "CERT-UNREADABLE",
			"an extension of the certificate cannot be read");
	}
	for (int i = 0; i < X509_get_ext_count(x); i++) {
		X509_EXTENSION *ext = X509_get_ext(x, i);
		char name[64] = "";
		if (!X509_EXTENSION_get_critical(ext) ||
			is_heeded(OBJ_obj2nid(X509_EXTENSION_get_object(ext)))) {
			continue;
		}
		OBJ_obj2txt(name, sizeof(name), X509_EXTENSION_get_object(ext), 0);
		rv_fail_rule(e, RV_ECERT, "CERT-EXTENSION",
			"the certificate has the critical extension %s, which is not heeded here",
			name);
		rv_err_mend(e, "Have it issued anew by the profile in certs/.");
		return RV_ECERT;
	}
	return 0;
}

/* What it signs with, by the rules for who signs messages. */
static int check_signer(struct rv_cert *c, struct rv_err *e)
{
	int rc = key_alg(c->key, &c->alg, e);
	if (rc != 0 || (rc = check_signature_hash(c->x509, e)) != 0) {
		return rc;
	}
	return check_extensions(c->x509, X509_get_extension_flags(c->x509), e);
}

static int from_x509(struct rv_cert **cert_r, X509 *x, int issuer, struct rv_err *e)
{
	struct rv_cert *c = calloc(1, sizeof(*c));
	if (c == NULL) {
		X509_free(x);
		return rv_fail_nomem(e);
	}
	c->x509 = x;
	c->key = X509_get_pubkey(x);
	int len = i2d_X509(x, &c->der);
	int rc = 0;
	if (c->key == NULL || len <= 0) {
		rc = rv_fail_rule(
			e, RV_ECERT, "CERT-UNREADABLE", "the certificate has no usable key");
		goto out;
	}
	c->der_len = (size_t)len;
	rv_sha256(c->digest, c->der, c->der_len);
	if (rv_x509_time(&c->not_before, X509_get0_notBefore(x)) != 0 ||
		rv_x509_time(&c->not_after, X509_get0_notAfter(x)) != 0) {
		rc = rv_fail_rule(e, RV_ECERT, "CERT-UNREADABLE",
			"the certificate's validity cannot be read");
		goto out;
	}
	/* fills what OpenSSL computes at first use, so that readers in several threads change
	 * nothing */
	X509_check_purpose(x, -1, 0);
	if (issuer) {
		key_alg(c->key, &c->alg, NULL); /* 0 where it is none that signs messages */
	} else if ((rc = check_signer(c, e)) != 0) {
		goto out;
	}
	*cert_r = c;
	c = NULL;
out:
	rv_cert_free(&c);
	ERR_clear_error();
	return rc;
}

static int from_der(
	struct rv_cert **cert_r, const void *der, size_t len, int issuer, struct rv_err *e)
{
	const unsigned char *p = der;
	X509 *x = len <= DER_MAX ? d2i_X509(NULL, &p, (long)len) : NULL;
	if (x == NULL || p != (const unsigned char *)der + len) {
		X509_free(x);
		ERR_clear_error();
		return rv_fail_rule(
			e, RV_ECERT, "CERT-UNREADABLE", "the bytes are not a DER certificate");
	}
	return from_x509(cert_r, x, issuer, e);
}

int rv_cert_from_der(struct rv_cert **cert_r, const void *der, size_t len, struct rv_err *e)
{
	return from_der(cert_r, der, len, 0, e);
}

int rv_cert_issuer_from_der(
	struct rv_cert **cert_r, const void *der, size_t len, struct rv_err *e)
{
	return from_der(cert_r, der, len, 1, e);
}

int rv_cert_from_pem(struct rv_cert **cert_r, const void *pem, size_t len, struct rv_err *e)
{
	BIO *bio = len <= DER_MAX * 4 ? BIO_new_mem_buf(pem, (int)len) : NULL;
	X509 *x = bio != NULL ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;
	BIO_free(bio);
	if (x == NULL) {
		ERR_clear_error();
		return rv_fail_rule(e, RV_ECERT, "CERT-UNREADABLE", "there is no PEM certificate");
	}
	return from_x509(cert_r, x, 0, e);
}

const uint8_t *rv_cert_digest(const struct rv_cert *cert)
{
	return cert->digest;
}

void rv_cert_der(const struct rv_cert *cert, struct rv_span *der_r)
{
	der_r->data = cert->der;
	der_r->len = cert->der_len;
}

EVP_PKEY *rv_cert_key(const struct rv_cert *cert)
{
	return cert->key;
}

enum rv_sig_alg rv_cert_alg(const struct rv_cert *cert)
{
	return cert->alg;
}

int64_t rv_cert_not_before(const struct rv_cert *cert)
{
	return cert->not_before;
}

int64_t rv_cert_not_after(const struct rv_cert *cert)
{
	return cert->not_after;
}

void rv_x509_name(const X509_NAME *name, char *out, size_t size)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *text = NULL;
	long len = 0;
	if (size == 0) {
		BIO_free(bio);
		return;
	}
	if (bio != NULL &&
		X509_NAME_print_ex(bio, name, 0, XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB) >= 0) {
		len = BIO_get_mem_data(bio, &text);
	}
	size_t n = len < 0 ? 0 : (size_t)len >= size ? size - 1 : (size_t)len;
	/* a text that is cut is cut between characters */
	while (n > 0 && n < (size_t)len && ((unsigned char)text[n] & 0xc0) == 0x80) {
		n--;
	}
	if (n > 0) {
		memcpy(out, text, n);
	}
	out[n] = '\0';
	BIO_free(bio);
	ERR_clear_error();
}

void rv_cert_subject(const struct rv_cert *cert, char *out, size_t size)
{
	rv_x509_name(X509_get_subject_name(cert->x509), out, size);
}

int rv_cert_valid_at(const struct rv_cert *cert, int64_t t_us, struct rv_err *e)
{
	char when[RV_STAMP_TEXT];
	if (t_us < cert->not_before) {
		rv_stamp_text(when, cert->not_before);
		return rv_fail_rule(
			e, RV_ECERT, "CERT-NOT-YET", "the certificate is valid from %s only", when);
	}
	if (t_us > cert->not_after) {
		rv_stamp_text(when, cert->not_after);
		return rv_fail_rule(
			e, RV_ECERT, "CERT-EXPIRED", "the certificate expired at %s", when);
	}
	return 0;
}

int rv_cert_issued_by(const struct rv_cert *cert, const struct rv_cert *issuer, struct rv_err *e)
{
	int rc = 0;
	/* X509_check_ca looks at the key usage too, but says no more than no */
	if ((X509_get_extension_flags(issuer->x509) & EXFLAG_CA) &&
		!(X509_get_key_usage(issuer->x509) & KU_KEY_CERT_SIGN)) {
		rc = rv_fail_rule(
			e, RV_ECERT, "CERT-USAGE", "the issuer's key may not sign certificates");
	} else if (X509_check_ca(issuer->x509) != 1) {
		rc = rv_fail_rule(
			e, RV_ECERT, "CERT-NOT-CA", "the issuer is not a certificate authority");
	} else if (X509_check_issued(issuer->x509, cert->x509) != X509_V_OK ||
		   X509_verify(cert->x509, issuer->key) != 1) {
		rc = rv_fail_rule(e, RV_ECERT, "CERT-ISSUER",
			"the certificate was not issued by that authority");
	}
	ERR_clear_error();
	return rc;
}

/* ---- signature values ---- */

/* The upper bound of s: half the order of P-256, so that of the two values that verify only one is
 * taken. */
static const uint8_t p256_half_order[P256_HALF] = {0x7f, 0xff, 0xff, 0xff, 0x80, 0x00, 0x00, 0x00,
	0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xde, 0x73, 0x7d, 0x56, 0xd3, 0x8b, 0xcf,
	0x42, 0x79, 0xdc, 0xe5, 0x61, 0x7e, 0x31, 0x92, 0xa8};
static const uint8_t p256_order[P256_HALF] = {0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00, 0xff,
	0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84,
	0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51};

static int is_high(const uint8_t s[P256_HALF])
{
	return memcmp(s, p256_half_order, P256_HALF) > 0;
}

/* s := order - s */
static void make_low(uint8_t s[P256_HALF])
{
	int borrow = 0;
	for (int i = P256_HALF - 1; i >= 0; i--) {
		int v = p256_order[i] - s[i] - borrow;
		borrow = v < 0;
		s[i] = (uint8_t)(v + (borrow ? 256 : 0));
	}
}

static int der_to_raw(const uint8_t *der, size_t len, uint8_t raw[P256_RAW])
{
	const unsigned char *p = der;
	ECDSA_SIG *sig = d2i_ECDSA_SIG(NULL, &p, (long)len);
	int ok = sig != NULL && BN_bn2binpad(ECDSA_SIG_get0_r(sig), raw, P256_HALF) == P256_HALF &&
		 BN_bn2binpad(ECDSA_SIG_get0_s(sig), raw + P256_HALF, P256_HALF) == P256_HALF;
	ECDSA_SIG_free(sig);
	return ok ? 0 : RV_ESIGNATURE;
}

static int raw_to_der(const uint8_t raw[P256_RAW], unsigned char **der_r, int *len_r)
{
	ECDSA_SIG *sig = ECDSA_SIG_new();
	BIGNUM *r = BN_bin2bn(raw, P256_HALF, NULL);
	BIGNUM *s = BN_bin2bn(raw + P256_HALF, P256_HALF, NULL);
	if (sig == NULL || r == NULL || s == NULL || ECDSA_SIG_set0(sig, r, s) != 1) {
		ECDSA_SIG_free(sig);
		BN_free(r);
		BN_free(s);
		return RV_ENOMEM;
	}
	*der_r = NULL;
	*len_r = i2d_ECDSA_SIG(sig, der_r);
	ECDSA_SIG_free(sig);
	return *len_r > 0 ? 0 : RV_ENOMEM;
}

static int set_padding(EVP_PKEY_CTX *pctx, enum rv_sig_alg alg)
{
	if (alg == RV_ALG_RSA_SHA256) {
		return EVP_PKEY_CTX_set_rsa_padding(pctx, RSA_PKCS1_PADDING) > 0;
	}
	if (alg == RV_ALG_RSA_PSS_SHA256) {
		return EVP_PKEY_CTX_set_rsa_padding(pctx, RSA_PKCS1_PSS_PADDING) > 0 &&
		       EVP_PKEY_CTX_set_rsa_pss_saltlen(pctx, RSA_PSS_SALTLEN_DIGEST) > 0 &&
		       EVP_PKEY_CTX_set_rsa_mgf1_md(pctx, EVP_sha256()) > 0;
	}
	return 1;
}

static int alg_fits(EVP_PKEY *key, enum rv_sig_alg alg)
{
	enum rv_sig_alg own;
	if (key_alg(key, &own, NULL) != 0) {
		return 0; /* an issuer's, which signs no messages */
	}
	if (alg == RV_ALG_ECDSA_P256_SHA256) {
		return EVP_PKEY_is_a(key, "EC");
	}
	if (alg == RV_ALG_RSA_SHA256) {
		return EVP_PKEY_is_a(key, "RSA");
	}
	return alg == RV_ALG_RSA_PSS_SHA256 &&
	       (EVP_PKEY_is_a(key, "RSA") || EVP_PKEY_is_a(key, "RSA-PSS"));
}

static int verify_value(EVP_PKEY *key, enum rv_sig_alg alg, const void *data, size_t len,
	const uint8_t *sig, size_t sig_len)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	EVP_PKEY_CTX *pctx = NULL;
	int ok = ctx != NULL && EVP_DigestVerifyInit(ctx, &pctx, EVP_sha256(), NULL, key) == 1 &&
		 set_padding(pctx, alg) && EVP_DigestVerify(ctx, sig, sig_len, data, len) == 1;
	EVP_MD_CTX_free(ctx);
	ERR_clear_error();
	return ok;
}

static const char mend_value[] =
	"Ask the originator for it, or the node that handed it over: another key signed, or it was "
	"changed on the way.";

static int value_form(
	EVP_PKEY *key, enum rv_sig_alg alg, const void *sig, size_t sig_len, struct rv_err *e)
{
	size_t want = alg == RV_ALG_ECDSA_P256_SHA256 ? P256_RAW : (size_t)EVP_PKEY_get_size(key);
	if (!alg_fits(key, alg)) {
		rv_fail_rule(e, RV_ESIGNATURE, "SEAL-ALGORITHM",
			"the signature's algorithm does not fit the certificate's key");
		rv_err_mend(e,
			"Name the certificate of the key that signed, and that key's algorithm.");
		return RV_ESIGNATURE;
	}
	if (sig_len != want) {
		rv_fail_rule(e, RV_ESIGNATURE, "SEAL-VALUE", "the signature has %zu bytes, not %zu",
			sig_len, want);
		rv_err_mend(e, "%s", mend_value);
		return RV_ESIGNATURE;
	}
	if (alg == RV_ALG_ECDSA_P256_SHA256 && is_high((const uint8_t *)sig + P256_HALF)) {
		rv_fail_rule(e, RV_ESIGNATURE, "SEAL-MALLEABLE",
			"the ECDSA signature has its s in the upper half of the order");
		rv_err_mend(e, "The signer must send the order minus s.");
		return RV_ESIGNATURE;
	}
	return 0;
}

int rv_cert_value_form(const struct rv_cert *cert, enum rv_sig_alg alg, const void *sig,
	size_t sig_len, struct rv_err *e)
{
	return value_form(cert->key, alg, sig, sig_len, e);
}

int rv_key_verify(EVP_PKEY *key, enum rv_sig_alg alg, const void *data, size_t len, const void *sig,
	size_t sig_len, struct rv_err *e)
{
	unsigned char *der = NULL;
	int der_len = 0;
	int rc = value_form(key, alg, sig, sig_len, e);
	if (rc != 0) {
		return rc;
	}
	if (alg == RV_ALG_ECDSA_P256_SHA256) {
		if (raw_to_der(sig, &der, &der_len) != 0) {
			return rv_fail_nomem(e);
		}
		sig = der;
		sig_len = (size_t)der_len;
	}
	int ok = verify_value(key, alg, data, len, sig, sig_len);
	OPENSSL_free(der);
	if (ok) {
		return 0;
	}
	rv_fail_rule(e, RV_ESIGNATURE, "SEAL-VALUE",
		"the signature does not verify with the certificate");
	rv_err_mend(e, "%s", mend_value);
	return RV_ESIGNATURE;
}

int rv_cert_verify(const struct rv_cert *cert, enum rv_sig_alg alg, const void *data, size_t len,
	const void *sig, size_t sig_len, struct rv_err *e)
{
	return rv_key_verify(cert->key, alg, data, len, sig, sig_len, e);
}

int rv_key_sign(EVP_PKEY *key, enum rv_sig_alg alg, const void *data, size_t len,
	struct rv_buf *out, struct rv_err *e)
{
	uint8_t sig[RSA_BITS_MAX / 8];
	uint8_t raw[P256_RAW];
	size_t sig_len = sizeof(sig);
	EVP_PKEY_CTX *pctx = NULL;
	enum rv_sig_alg own;
	int rc = key_alg(key, &own, e);
	if (rc != 0) {
		return rc;
	}
	if (!alg_fits(key, alg)) {
		return rv_fail(e, RV_EINVAL, "the signing key does not fit the algorithm");
	}
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	int ok = ctx != NULL && EVP_DigestSignInit(ctx, &pctx, EVP_sha256(), NULL, key) == 1 &&
		 set_padding(pctx, alg) && EVP_DigestSign(ctx, sig, &sig_len, data, len) == 1;
	EVP_MD_CTX_free(ctx);
	ERR_clear_error();
	if (!ok) {
		return rv_fail(e, RV_EIO, "signing failed");
	}
	if (alg != RV_ALG_ECDSA_P256_SHA256) {
		return rv_buf_put(out, sig, sig_len) == 0 ? 0 : rv_fail_nomem(e);
	}
	if (der_to_raw(sig, sig_len, raw) != 0) {
		return rv_fail(e, RV_EIO, "signing gave no ECDSA value");
	}
	if (is_high(raw + P256_HALF)) {
		make_low(raw + P256_HALF);
	}
	return rv_buf_put(out, raw, sizeof(raw)) == 0 ? 0 : rv_fail_nomem(e);
}
