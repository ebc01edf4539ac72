/* SPDX-License-Identifier: Apache-2.0 */
#include "node/trust/authority_int.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "node/file.h"

static int fail_ssl(struct rv_err *e, const char *what)
{
	char why[160] = "";
	unsigned long n = ERR_peek_last_error();
	if (n != 0) {
		ERR_error_string_n(n, why, sizeof(why));
	}
	ERR_clear_error();
	return rv_fail(e, RV_ECERT, "%s%s%s", what, why[0] != '\0' ? ": " : "", why);
}

/* ---- the number: it only grows (RFC 5280, 5.2.3) ---- */

static int next_number(const struct authority *a, uint64_t *number_r, struct rv_err *e)
{
	char text[32];
	struct rv_buf was = {0};
	struct rv_err why = {0};
	uint64_t n = 0;
	char *dir = file_join(a->dir, "crl");
	char *path = dir != NULL ? file_join(dir, "number") : NULL;
	int rc = path != NULL ? file_mkdir(dir, 0700, &why) : rv_fail_nomem(&why);
	if (rc == 0 || rc == RV_EEXIST) {
		rc = file_read(path, sizeof(text) - 1, &was, &why);
	}
	if (rc == RV_ENOTFOUND) {
		rc = 0;
	} else if (rc == 0) {
		const char *s = rv_buf_cstr(&was);
		char *end = NULL;
		errno = 0;
		n = s != NULL && s[0] >= '1' && s[0] <= '9' ? strtoull(s, &end, 10) : 0;
		if (n == 0 || errno != 0 || strcmp(end, "\n") != 0 || n >= UINT64_MAX - 1) {
			rc = rv_fail(&why, RV_EPARSE, "%s is damaged", path);
			rv_err_mend(&why,
				"It holds the number of the CRL last made: write a higher "
				"one into it.");
		}
	}
	if (rc == 0) {
		int len = snprintf(text, sizeof(text), "%" PRIu64 "\n", n + 1);
		rc = file_write(path, 0600, text, (size_t)len, &why);
	}
	if (rc == 0) {
		*number_r = n + 1;
	} else if (e != NULL) {
		*e = why;
	}
	rv_buf_free(&was);
	free(path);
	free(dir);
	return rc;
}

/* ---- entries ---- */

static int set_time(ASN1_TIME *t, int64_t at_us)
{
	return ASN1_TIME_adj(t, (time_t)(at_us / RV_US_PER_SEC), 0, 0) != NULL;
}

static int add_reason(X509_REVOKED *entry, enum rv_reason reason)
{
	ASN1_ENUMERATED *value = ASN1_ENUMERATED_new();
	int ok = value != NULL && ASN1_ENUMERATED_set(value, (long)reason) == 1 &&
		 X509_REVOKED_add1_ext_i2d(entry, NID_crl_reason, value, 0, 0) == 1;
	ASN1_ENUMERATED_free(value);
	return ok;
}

static int add_invalidity(X509_REVOKED *entry, int64_t since_us)
{
	ASN1_GENERALIZEDTIME *t =
		ASN1_GENERALIZEDTIME_set(NULL, (time_t)(since_us / RV_US_PER_SEC));
	int ok = t != NULL && X509_REVOKED_add1_ext_i2d(entry, NID_invalidity_date, t, 0, 0) == 1;
	ASN1_GENERALIZEDTIME_free(t);
	return ok;
}

static int add_entry(X509_CRL *crl, const struct issued_cert *c)
{
	BIGNUM *bn = NULL;
	ASN1_INTEGER *serial = NULL;
	ASN1_TIME *when = ASN1_TIME_new();
	X509_REVOKED *entry = X509_REVOKED_new();
	int ok = entry != NULL && when != NULL && BN_hex2bn(&bn, c->serial) > 0 &&
		 (serial = BN_to_ASN1_INTEGER(bn, NULL)) != NULL &&
		 X509_REVOKED_set_serialNumber(entry, serial) == 1 &&
		 set_time(when, c->revoked_us) &&
		 X509_REVOKED_set_revocationDate(entry, when) == 1 &&
		 /* unspecified is said by saying nothing (RFC 5280, 5.3.1) */
		 (c->reason == RV_REASON_UNSPECIFIED || add_reason(entry, c->reason)) &&
		 (c->since_us == 0 || add_invalidity(entry, c->since_us)) &&
		 X509_CRL_add0_revoked(crl, entry) == 1;
	if (!ok) {
		X509_REVOKED_free(entry);
	}
	ASN1_TIME_free(when);
	ASN1_INTEGER_free(serial);
	BN_free(bn);
	return ok;
}

/* ---- a CRL ---- */

static int add_extensions(X509_CRL *crl, X509 *issuer, uint64_t number)
{
	X509V3_CTX ctx;
	ASN1_INTEGER *value = ASN1_INTEGER_new();
	X509V3_set_ctx(&ctx, issuer, NULL, NULL, crl, 0);
	X509_EXTENSION *key =
		X509V3_EXT_conf_nid(NULL, &ctx, NID_authority_key_identifier, "keyid:always");
	int ok = value != NULL && key != NULL && X509_CRL_add_ext(crl, key, -1) == 1 &&
		 ASN1_INTEGER_set_uint64(value, number) == 1 &&
		 X509_CRL_add1_ext_i2d(crl, NID_crl_number, value, 0, 0) == 1;
	X509_EXTENSION_free(key);
	ASN1_INTEGER_free(value);
	return ok;
}

static int build(X509 *issuer, EVP_PKEY *key, const char *id, const struct issued *x,
	const struct authority_crl *how, uint64_t number, struct rv_buf *der, size_t *revoked_r,
	struct rv_err *e)
{
	X509_CRL *crl = X509_CRL_new();
	ASN1_TIME *t = ASN1_TIME_new();
	unsigned char *bytes = NULL;
	size_t n = 0;
	int ok = crl != NULL && t != NULL && X509_CRL_set_version(crl, X509_CRL_VERSION_2) == 1 &&
		 X509_CRL_set_issuer_name(crl, X509_get_subject_name(issuer)) == 1 &&
		 set_time(t, how->now_us) && X509_CRL_set1_lastUpdate(crl, t) == 1 &&
		 set_time(t, how->next_us) && X509_CRL_set1_nextUpdate(crl, t) == 1;
	for (size_t i = 0; i < x->n && ok; i++) {
		if (x->items[i].revoked_us != 0 && strcmp(x->items[i].issuer, id) == 0) {
			ok = add_entry(crl, &x->items[i]);
			n++;
		}
	}
	ok = ok && add_extensions(crl, issuer, number) && X509_CRL_sort(crl) == 1 &&
	     X509_CRL_sign(crl, key, EVP_sha256()) > 0;
	int len = ok ? i2d_X509_CRL(crl, &bytes) : 0;
	int rc = len > 0 ? rv_buf_put(der, bytes, (size_t)len)
			 : fail_ssl(e, "the CRL could not be made");
	*revoked_r = n;
	OPENSSL_free(bytes);
	ASN1_TIME_free(t);
	X509_CRL_free(crl);
	return rc;
}

static int make_one(struct authority *a, X509 *issuer, const struct issued *x,
	const struct authority_crl *how, uint64_t number, const char *out, size_t *revoked_r,
	struct rv_err *e)
{
	char id[AUTHORITY_KEY_ID];
	char name[40];
	EVP_PKEY *key = NULL;
	struct rv_buf der = {0};
	int rc = authority_key_id(issuer, id, e);
	if (rc == 0) {
		rc = authority_key(a, issuer, how->ask, &key, e);
	}
	if (rc == 0) {
		rc = build(issuer, key, id, x, how, number, &der, revoked_r, e);
	}
	if (rc == 0) {
		snprintf(name, sizeof(name), "crl/%s.crl", id);
		rc = authority_put(a->dir, name, 0644, &der, 0, e);
	}
	if (rc == 0 && out != NULL) {
		rc = file_write(out, 0644, der.data, der.len, e);
	}
	EVP_PKEY_free(key);
	rv_buf_free(&der);
	return rc;
}

int authority_crl(struct authority *a, const struct authority_crl *how,
	struct authority_crl_made *r, struct rv_err *e)
{
	struct authority_own own = {.n = 0};
	struct issued x = {0};
	struct authority_crl_made made = {.keys = 0};
	int rc = how->next_us > how->now_us
			 ? authority_own_read(a, &own, e)
			 : rv_fail(e, RV_EINVAL, "the next CRL must come after this one");
	if (rc == 0) {
		rc = issued_read(&x, a->dir, e);
	}
	if (rc == 0) {
		rc = next_number(a, &made.number, e);
	}
	for (size_t i = 0; i < own.n && rc == 0; i++) {
		size_t revoked = 0;
		rc = make_one(a, own.certs[i], &x, how, made.number, i == 0 ? how->out : NULL,
			&revoked, e);
		made.revoked = i == 0 ? revoked : made.revoked;
		made.keys++;
	}
	if (rc == 0) {
		*r = made;
	}
	authority_own_clear(&own);
	issued_clear(&x);
	return rc;
}

/* ---- the OCSP responder ---- */

static int make_responder(struct authority *a, X509 *issuer, const struct authority_responder *how,
	int64_t *until_r, struct rv_err *e)
{
	char id[AUTHORITY_KEY_ID];
	char code[RV_CODE_TEXT] = "";
	char name[40];
	EVP_PKEY *own = NULL;
	EVP_PKEY *key = NULL;
	X509 *cert = NULL;
	struct rv_buf pem = {0};
	struct rv_buf key_pem = {0};
	int64_t until = authority_not_after(issuer);
	until = authority_seconds(how->to_us < until ? how->to_us : until);
	int rc = authority_key_id(issuer, id, e);
	if (rc == 0 && X509_NAME_get_text_by_NID(X509_get_subject_name(issuer), NID_commonName,
			       code, sizeof(code)) <= 0) {
		rc = rv_fail(e, RV_ECERT, "the certificate of the authority has no name");
	}
	if (rc == 0) {
		rc = authority_key(a, issuer, how->ask, &own, e);
	}
	if (rc == 0) {
		rc = issue_key_new(&key, 0, e);
	}
	if (rc == 0) {
		struct issue_terms t = {.profile = ISSUE_RESPONDER,
			.issuer = issuer,
			.issuer_key = own,
			.code = "OCSP",
			.name = code,
			.from_us = authority_seconds(how->now_us) - AUTHORITY_BACKDATE_US,
			.to_us = until};
		rc = issue_certificate(&cert, key, &t, e);
	}
	if (rc == 0) {
		rc = issue_cert_pem(cert, &pem, e);
	}
	/* one file: key and certificate of the same making */
	if (rc == 0) {
		rc = issue_key_pem(key, NULL, &key_pem, e);
	}
	if (rc == 0) {
		rc = rv_buf_put(&key_pem, pem.data, pem.len) == 0 ? 0 : rv_fail_nomem(e);
	}
	if (rc == 0) {
		snprintf(name, sizeof(name), "ocsp/%s.pem", id);
		rc = authority_put(a->dir, name, 0600, &key_pem, 0, e);
	}
	*until_r = until;
	EVP_PKEY_free(own);
	EVP_PKEY_free(key);
	X509_free(cert);
	rv_buf_free(&pem);
	rv_buf_wipe(&key_pem);
	return rc;
}

int authority_responder(struct authority *a, const struct authority_responder *how,
	int64_t *until_r, struct rv_err *e)
{
	struct authority_own own = {.n = 0};
	struct rv_err why = {0};
	int64_t until = 0;
	char *dir = file_join(a->dir, "ocsp");
	int rc = dir != NULL ? file_mkdir(dir, 0700, &why) : rv_fail_nomem(&why);
	rc = rc == RV_EEXIST ? 0 : rc;
	if (rc != 0 && e != NULL) {
		*e = why;
	}
	if (rc == 0) {
		rc = authority_own_read(a, &own, e);
	}
	for (size_t i = 0; i < own.n && rc == 0; i++) {
		int64_t end = 0;
		rc = make_responder(a, own.certs[i], how, &end, e);
		until = until == 0 || end < until ? end : until;
	}
	if (rc == 0) {
		*until_r = until;
	}
	authority_own_clear(&own);
	free(dir);
	return rc;
}
