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

/* certs/responder.cnf. Its own status is not asked for: it is renewed often instead. */
static const struct extension responder_profile[] = {
	{NID_basic_constraints, "critical,CA:FALSE"},
	{NID_key_usage, "critical,digitalSignature"},
	{NID_ext_key_usage, "OCSPSigning"},
	{NID_id_pkix_OCSP_noCheck, "NULL"},
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

/* Addresses are put in as they are, not through the little language of X509V3_EXT_conf. */
static GENERAL_NAME *name_of_url(const char *url)
{
	ASN1_IA5STRING *text = ASN1_IA5STRING_new();
	GENERAL_NAME *name = GENERAL_NAME_new();
	if (text == NULL || name == NULL || ASN1_STRING_set(text, url, -1) != 1) {
		ASN1_IA5STRING_free(text);
		GENERAL_NAME_free(name);
		return NULL;
	}
	GENERAL_NAME_set0_value(name, GEN_URI, text);
	return name;
}

/* One CRL, at each of the addresses. */
static int add_crl_urls(X509 *cert, const char *const urls[ISSUE_URLS])
{
	int ok = 0;
	GENERAL_NAMES *names = NULL;
	CRL_DIST_POINTS *points = sk_DIST_POINT_new_null();
	DIST_POINT *point = DIST_POINT_new();
	if (urls[0] == NULL) {
		ok = 1;
		goto out;
	}
	if (points == NULL || point == NULL || (point->distpoint = DIST_POINT_NAME_new()) == NULL ||
		(names = sk_GENERAL_NAME_new_null()) == NULL) {
		goto out;
	}
	point->distpoint->type = 0;
	point->distpoint->name.fullname = names;
	for (size_t i = 0; i < ISSUE_URLS && urls[i] != NULL; i++) {
		GENERAL_NAME *name = name_of_url(urls[i]);
		if (name == NULL || sk_GENERAL_NAME_push(names, name) == 0) {
			GENERAL_NAME_free(name);
			goto out;
		}
	}
	if (sk_DIST_POINT_push(points, point) == 0) {
		goto out;
	}
	point = NULL;
	ok = X509_add1_ext_i2d(cert, NID_crl_distribution_points, points, 0, 0) == 1;
out:
	DIST_POINT_free(point);
	CRL_DIST_POINTS_free(points);
	return ok;
}

static int add_ocsp_urls(X509 *cert, const char *const urls[ISSUE_URLS])
{
	if (urls[0] == NULL) {
		return 1;
	}
	AUTHORITY_INFO_ACCESS *all = sk_ACCESS_DESCRIPTION_new_null();
	int ok = all != NULL;
	for (size_t i = 0; i < ISSUE_URLS && urls[i] != NULL && ok; i++) {
		ACCESS_DESCRIPTION *one = ACCESS_DESCRIPTION_new();
		GENERAL_NAME *name = name_of_url(urls[i]);
		ok = one != NULL && name != NULL;
		if (ok) {
			ASN1_OBJECT_free(one->method);
			one->method = OBJ_nid2obj(NID_ad_OCSP);
			GENERAL_NAME_free(one->location);
			one->location = name;
			name = NULL;
			ok = sk_ACCESS_DESCRIPTION_push(all, one) != 0;
			one = ok ? NULL : one;
		}
		GENERAL_NAME_free(name);
		ACCESS_DESCRIPTION_free(one);
	}
	ok = ok && X509_add1_ext_i2d(cert, NID_info_access, all, 0, 0) == 1;
	AUTHORITY_INFO_ACCESS_free(all);
	return ok;
}

static int issue(X509 **cert_r, EVP_PKEY *key, const struct extension *profile,
	const struct issue_terms *t, struct rv_err *e)
{
	X509 *cert = X509_new();
	X509 *issuer = t->issuer != NULL ? t->issuer : cert;
	if (cert == NULL || X509_set_version(cert, X509_VERSION_3) != 1 || !set_serial(cert) ||
		!set_name(X509_get_subject_name(cert), t->code, t->name) ||
		!set_period(cert, t->from_us, t->to_us) || X509_set_pubkey(cert, key) != 1 ||
		X509_set_issuer_name(cert, X509_get_subject_name(issuer)) != 1 ||
		!add_profile(cert, issuer, profile) || !add_crl_urls(cert, t->crl_urls) ||
		!add_ocsp_urls(cert, t->ocsp_urls) ||
		X509_sign(cert, t->issuer_key, EVP_sha256()) <= 0) {
		X509_free(cert);
		return fail_ssl(e, RV_ECERT, "the certificate could not be issued");
	}
	*cert_r = cert;
	return 0;
}

int issue_authority(X509 **cert_r, EVP_PKEY *key, const char *code, const char *name,
	int64_t from_us, int64_t to_us, struct rv_err *e)
{
	struct issue_terms t = {
		.issuer_key = key, .code = code, .name = name, .from_us = from_us, .to_us = to_us};
	return issue(cert_r, key, authority_profile, &t, e);
}

int issue_certificate(
	X509 **cert_r, EVP_PKEY *key, const struct issue_terms *terms, struct rv_err *e)
{
	return issue(cert_r, key,
		terms->profile == ISSUE_RESPONDER ? responder_profile : member_profile, terms, e);
}

int issue_member(X509 **cert_r, X509_REQ *req, X509 *authority, EVP_PKEY *authority_key,
	const char *code, const char *name, int64_t from_us, int64_t to_us, struct rv_err *e)
{
	struct issue_terms t = {.issuer = authority,
		.issuer_key = authority_key,
		.code = code,
		.name = name,
		.from_us = from_us,
		.to_us = to_us};
	EVP_PKEY *key = X509_REQ_get0_pubkey(req);
	if (key == NULL) {
		return fail_ssl(e, RV_ECERT, "the certificate request has no usable key");
	}
	return issue(cert_r, key, member_profile, &t, e);
}

int issue_serial(const X509 *cert, char text[ISSUE_SERIAL], struct rv_err *e)
{
	BIGNUM *bn = ASN1_INTEGER_to_BN(X509_get0_serialNumber(cert), NULL);
	char *hex = bn != NULL && !BN_is_negative(bn) ? BN_bn2hex(bn) : NULL;
	int fits = hex != NULL && strlen(hex) < ISSUE_SERIAL;
	for (size_t i = 0; fits && hex[i] != '\0'; i++) {
		text[i] = (char)(hex[i] >= 'A' && hex[i] <= 'F' ? hex[i] - 'A' + 'a' : hex[i]);
		text[i + 1] = '\0';
	}
	OPENSSL_free(hex);
	BN_free(bn);
	return fits ? 0
		    : fail_ssl(e, RV_ECERT,
			      "the serial number of the certificate is no number of 20 bytes");
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
