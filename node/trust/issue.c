/* SPDX-License-Identifier: Apache-2.0 */
#include "node/trust/issue.h"

#include <string.h>
#include <openssl/bn.h>
#include <openssl/pem.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "protocol/stamp.h"

struct extension {
	int nid;
	const char *value;
};

/* certs/authority.cnf */
static const struct extension authority_profile[] = {
	{NID_basic_constraints, "critical,CA:TRUE,pathlen:0"},
	{NID_key_usage, "critical,digitalSignature,keyCertSign,cRLSign"},
	{NID_subject_key_identifier, "hash"},
	{0, NULL},
};

/* certs/member.cnf; the first three are what a request asks for */
enum { REQUESTED = 3 };
static const struct extension member_profile[] = {
	{NID_basic_constraints, "critical,CA:FALSE"},
	{NID_key_usage, "critical,digitalSignature,nonRepudiation"},
	{NID_ext_key_usage, "1.3.6.1.5.5.7.3.36"},
	{NID_subject_key_identifier, "hash"},
	{NID_authority_key_identifier, "keyid:always"},
	{0, NULL},
};

/* What OpenSSL has to say; its queue is emptied. */
static int fail_ssl(struct rv_err *e, int code, const char *what)
{
	char why[160] = "";
	unsigned long n = ERR_peek_last_error();
	if (n != 0) {
		ERR_error_string_n(n, why, sizeof(why));
	}
	ERR_clear_error();
	return rv_fail(e, code, "%s%s%s", what, why[0] != '\0' ? ": " : "", why);
}

/* O has 64 characters at most in a certificate (RFC 5280, appendix A): a longer name is cut there.
 */
static size_t organisation_len(const char *name)
{
	size_t chars = 0;
	const char *p = name;
	for (; *p != '\0'; p++) {
		chars += ((unsigned char)*p & 0xc0) != 0x80;
		if (chars > 64) {
			break;
		}
	}
	return (size_t)(p - name);
}

static int set_name(X509_NAME *subject, const char *code, const char *name)
{
	return X509_NAME_add_entry_by_NID(subject, NID_organizationName, MBSTRING_UTF8,
		       (const unsigned char *)name, (int)organisation_len(name), -1, 0) == 1 &&
	       X509_NAME_add_entry_by_NID(subject, NID_commonName, MBSTRING_UTF8,
		       (const unsigned char *)code, -1, -1, 0) == 1;
}

/* ---- requests ---- */

static int add_requested(X509_REQ *req)
{
	int ok = 0;
	X509V3_CTX ctx;
	STACK_OF(X509_EXTENSION) *list = sk_X509_EXTENSION_new_null();
	if (list == NULL) {
		return 0;
	}
	X509V3_set_ctx(&ctx, NULL, NULL, req, NULL, 0);
	for (size_t i = 0; i < REQUESTED; i++) {
		X509_EXTENSION *ext = X509V3_EXT_conf_nid(
			NULL, &ctx, member_profile[i].nid, member_profile[i].value);
		if (ext == NULL || sk_X509_EXTENSION_push(list, ext) == 0) {
			X509_EXTENSION_free(ext);
			goto out;
		}
	}
	ok = X509_REQ_add_extensions(req, list) == 1;
out:
	sk_X509_EXTENSION_pop_free(list, X509_EXTENSION_free);
	return ok;
}

int issue_request(
	X509_REQ **req_r, EVP_PKEY *key, const char *code, const char *name, struct rv_err *e)
{
	X509_REQ *req = X509_REQ_new();
	if (req == NULL || X509_REQ_set_version(req, X509_REQ_VERSION_1) != 1 ||
		!set_name(X509_REQ_get_subject_name(req), code, name) ||
		X509_REQ_set_pubkey(req, key) != 1 || !add_requested(req) ||
		X509_REQ_sign(req, key, EVP_sha256()) <= 0) {
		X509_REQ_free(req);
		return fail_ssl(e, RV_EINVAL, "the certificate request could not be made");
	}
	*req_r = req;
	return 0;
}

static int take_bio(BIO *bio, struct rv_buf *out)
{
	char *data = NULL;
	long len = BIO_get_mem_data(bio, &data);
	return len > 0 ? rv_buf_put(out, data, (size_t)len) : RV_ENOMEM;
}

int issue_request_pem(X509_REQ *req, struct rv_buf *out, struct rv_err *e)
{
	BIO *bio = BIO_new(BIO_s_mem());
	int ok = bio != NULL && PEM_write_bio_X509_REQ(bio, req) == 1 && take_bio(bio, out) == 0;
	BIO_free(bio);
	return ok ? 0 : rv_fail_nomem(e);
}

int issue_request_code(X509_REQ *req, char code[RV_CODE_TEXT], struct rv_err *e)
{
	char cn[RV_CODE_TEXT] = "";
	EVP_PKEY *key = X509_REQ_get0_pubkey(req);
	if (key == NULL || X509_REQ_verify(req, key) != 1) {
		return fail_ssl(
			e, RV_ECERT, "the certificate request is not signed by its own key");
	}
	X509_NAME *subject = X509_REQ_get_subject_name(req);
	int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
	int len = X509_NAME_get_text_by_NID(subject, NID_commonName, cn, sizeof(cn));
	if (at < 0 || len <= 0 || X509_NAME_get_index_by_NID(subject, NID_commonName, at) >= 0 ||
		strlen(cn) != (size_t)len || !rv_code_valid(cn)) {
		return rv_fail(e, RV_ECERT,
			"the common name of the certificate request is not a member code");
	}
	memcpy(code, cn, sizeof(cn));
	return 0;
}

/* ---- certificates ---- */

static int set_serial(X509 *cert)
{
	/* 159 random bits: positive and within 20 octets (RFC 5280, 4.1.2.2) */
	BIGNUM *bn = BN_new();
	int ok = bn != NULL && BN_rand(bn, 159, BN_RAND_TOP_ANY, BN_RAND_BOTTOM_ANY) == 1 &&
		 !BN_is_zero(bn) && BN_to_ASN1_INTEGER(bn, X509_get_serialNumber(cert)) != NULL;
	BN_free(bn);
	return ok;
}

static int set_period(X509 *cert, int64_t from_us, int64_t to_us)
{
	return ASN1_TIME_adj(X509_getm_notBefore(cert), (time_t)(from_us / RV_US_PER_SEC), 0, 0) !=
		       NULL &&
	       ASN1_TIME_adj(X509_getm_notAfter(cert), (time_t)(to_us / RV_US_PER_SEC), 0, 0) !=
		       NULL;
}

static int add_profile(X509 *cert, X509 *issuer, const struct extension *profile)
{
	X509V3_CTX ctx;
	X509V3_set_ctx(&ctx, issuer, cert, NULL, NULL, 0);
	for (; profile->value != NULL; profile++) {
		X509_EXTENSION *ext = X509V3_EXT_conf_nid(NULL, &ctx, profile->nid, profile->value);
		int ok = ext != NULL && X509_add_ext(cert, ext, -1) == 1;
		X509_EXTENSION_free(ext);
		if (!ok) {
			return 0;
		}
	}
	return 1;
}

static int issue(X509 **cert_r, EVP_PKEY *subject_key, const char *code, const char *name,
	X509 *issuer, EVP_PKEY *issuer_key, const struct extension *profile, int64_t from_us,
	int64_t to_us, struct rv_err *e)
{
	X509 *cert = X509_new();
	if (cert == NULL || X509_set_version(cert, X509_VERSION_3) != 1 || !set_serial(cert) ||
		!set_name(X509_get_subject_name(cert), code, name) ||
		!set_period(cert, from_us, to_us) || X509_set_pubkey(cert, subject_key) != 1 ||
		X509_set_issuer_name(cert, X509_get_subject_name(issuer != NULL ? issuer : cert)) !=
			1 ||
		!add_profile(cert, issuer != NULL ? issuer : cert, profile) ||
		X509_sign(cert, issuer_key, EVP_sha256()) <= 0) {
		X509_free(cert);
		return fail_ssl(e, RV_ECERT, "the certificate could not be issued");
	}
	*cert_r = cert;
	return 0;
}

int issue_authority(X509 **cert_r, EVP_PKEY *key, const char *code, const char *name,
	int64_t from_us, int64_t to_us, struct rv_err *e)
{
	return issue(cert_r, key, code, name, NULL, key, authority_profile, from_us, to_us, e);
}

int issue_member(X509 **cert_r, X509_REQ *req, X509 *authority, EVP_PKEY *authority_key,
	const char *code, const char *name, int64_t from_us, int64_t to_us, struct rv_err *e)
{
	EVP_PKEY *key = X509_REQ_get0_pubkey(req);
	if (key == NULL) {
		return fail_ssl(e, RV_ECERT, "the certificate request has no usable key");
	}
	return issue(cert_r, key, code, name, authority, authority_key, member_profile, from_us,
		to_us, e);
}

int issue_cert_pem(X509 *cert, struct rv_buf *out, struct rv_err *e)
{
	BIO *bio = BIO_new(BIO_s_mem());
	int ok = bio != NULL && PEM_write_bio_X509(bio, cert) == 1 && take_bio(bio, out) == 0;
	BIO_free(bio);
	return ok ? 0 : rv_fail_nomem(e);
}

int issue_cert_der(X509 *cert, struct rv_buf *out, struct rv_err *e)
{
	unsigned char *der = NULL;
	int len = i2d_X509(cert, &der);
	int rc = len > 0 ? rv_buf_put(out, der, (size_t)len) : RV_ENOMEM;
	OPENSSL_free(der);
	return rc == 0 ? 0 : rv_fail_nomem(e);
}
