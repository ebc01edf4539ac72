/* SPDX-License-Identifier: Apache-2.0 */
#include "chain_int.h"

#include <string.h>
#include <openssl/err.h>

enum { SINGLES_MAX = 256 };

static const char fetch_again[] = "ask again; see that the trust list names the right responder";
static const char ask[] = "ask the authority for responses by the profile of RFC 6960";

/* ---- request ---- */

int rv_ocsp_request(struct rv_buf *out, const struct rv_path *path, size_t i,
	enum rv_ocsp_hash hash, struct rv_span nonce, struct rv_err *e)
{
	const EVP_MD *md = hash == RV_OCSP_SHA256 ? EVP_sha256() : EVP_sha1();
	unsigned char value[RV_OCSP_NONCE_MAX];
	unsigned char *der = NULL;
	int rc = 0;
	if (i >= rv_path_links(path) || nonce.len > sizeof(value)) {
		return rv_fail(e, RV_EINVAL, "no certificate with an issuer, or too long a nonce");
	}
	OCSP_REQUEST *req = OCSP_REQUEST_new();
	OCSP_CERTID *id = OCSP_cert_to_id(md, path->certs[i], path->certs[i + 1]);
	if (req == NULL || id == NULL || OCSP_request_add0_id(req, id) == NULL) {
		rc = rv_fail_nomem(e);
		goto out;
	}
	id = NULL; /* the request has it */
	if (nonce.len > 0) {
		memcpy(value, nonce.data, nonce.len);
		if (OCSP_request_add1_nonce(req, value, (int)nonce.len) != 1) {
			rc = rv_fail_nomem(e);
			goto out;
		}
	}
	int len = i2d_OCSP_REQUEST(req, &der);
	if (len <= 0 || rv_buf_put(out, der, (size_t)len) != 0) {
		rc = rv_fail_nomem(e);
	}
out:
	OPENSSL_free(der);
	OCSP_CERTID_free(id);
	OCSP_REQUEST_free(req);
	ERR_clear_error();
	return rc;
}

/* ---- reading ---- */

/* One form only, nothing behind it: what OpenSSL verifies is what it would encode itself. */
static OCSP_RESPONSE *from_der(const unsigned char *data, size_t len)
{
	const unsigned char *p = data;
	unsigned char *again = NULL;
	OCSP_RESPONSE *resp = d2i_OCSP_RESPONSE(NULL, &p, (long)len);
	int n = resp != NULL ? i2d_OCSP_RESPONSE(resp, &again) : 0;
	if (n <= 0 || (size_t)n != len || memcmp(again, data, len) != 0) {
		OCSP_RESPONSE_free(resp);
		resp = NULL;
	}
	OPENSSL_free(again);
	return resp;
}

/* The basic response is the last field of the response: it must end it. */
static int ends(OCSP_BASICRESP *basic, const unsigned char *data, size_t len)
{
	unsigned char *again = NULL;
	int n = i2d_OCSP_BASICRESP(basic, &again);
	int same = n > 0 && (size_t)n <= len && memcmp(again, data + len - n, (size_t)n) == 0;
	OPENSSL_free(again);
	return same;
}

static int refuse_status(int status, X509 *issuer, struct rv_err *e)
{
	if (status == OCSP_RESPONSE_STATUS_TRYLATER) {
		return rv_status_refuse(e, RV_EAGAIN, "OCSP", "LATER", issuer, "ask again later",
			"the responder says: try later");
	}
	const char *text = status == OCSP_RESPONSE_STATUS_MALFORMEDREQUEST ? "malformed request"
			   : status == OCSP_RESPONSE_STATUS_INTERNALERROR  ? "internal error"
			   : status == OCSP_RESPONSE_STATUS_SIGREQUIRED
				   ? "the request must be signed"
			   : status == OCSP_RESPONSE_STATUS_UNAUTHORIZED
				   ? "unauthorized: it does not answer for this certificate"
				   : "a status that is not one";
	return rv_status_refuse(e, RV_ECERT, "OCSP", "STATUS", issuer,
		"see that the trust list names the responder of this issuer",
		"the responder refuses: %s", text);
}

int rv_ocsp_read(
	OCSP_BASICRESP **basic_r, const void *data, size_t len, X509 *issuer, struct rv_err *e)
{
	if (len > RV_OCSP_MAX) {
		return rv_status_refuse(e, RV_ELIMIT, "OCSP", "SIZE", issuer, ask,
			"the response has %zu bytes, more than %d", len, RV_OCSP_MAX);
	}
	OCSP_RESPONSE *resp = len > 0 ? from_der(data, len) : NULL;
	OCSP_BASICRESP *basic = NULL;
	int rc = 0;
	if (resp == NULL) {
		rc = rv_status_refuse(e, RV_EPARSE, "OCSP", "UNREADABLE", issuer, fetch_again,
			"the bytes are not the DER of one response");
		goto out;
	}
	int status = OCSP_response_status(resp);
	if (status != OCSP_RESPONSE_STATUS_SUCCESSFUL) {
		rc = refuse_status(status, issuer, e);
		goto out;
	}
	basic = OCSP_response_get1_basic(resp);
	if (basic == NULL) {
		unsigned long why = ERR_peek_last_error();
		int other = ERR_GET_LIB(why) == ERR_LIB_OCSP &&
			    (ERR_GET_REASON(why) == OCSP_R_NOT_BASIC_RESPONSE ||
				    ERR_GET_REASON(why) == OCSP_R_NO_RESPONSE_DATA);
		rc = other ? rv_status_refuse(e, RV_EPARSE, "OCSP", "TYPE", issuer, ask,
				     "it is not a basic response")
			   : rv_status_refuse(e, RV_EPARSE, "OCSP", "UNREADABLE", issuer,
				     fetch_again, "the basic response in it is unreadable");
	} else if (!ends(basic, data, len)) {
		rc = rv_status_refuse(e, RV_EPARSE, "OCSP", "UNREADABLE", issuer, fetch_again,
			"the basic response in it is not in DER, or has bytes behind it");
	} else {
		*basic_r = basic;
		basic = NULL;
	}
out:
	OCSP_BASICRESP_free(basic);
	OCSP_RESPONSE_free(resp);
	ERR_clear_error();
	return rc;
}

/* ---- what it says ---- */

static int refuse_extension(X509_EXTENSION *x, X509 *issuer, struct rv_err *e)
{
	char text[80] = "";
	OBJ_obj2txt(text, sizeof(text), X509_EXTENSION_get_object(x), 0);
	return rv_status_refuse(e, RV_ECERT, "OCSP", "EXTENSION", issuer, ask,
		"its critical extension %s is not understood", text);
}

static int check_extensions(OCSP_BASICRESP *basic, X509 *issuer, struct rv_err *e)
{
	for (int i = 0; i < OCSP_BASICRESP_get_ext_count(basic); i++) {
		X509_EXTENSION *x = OCSP_BASICRESP_get_ext(basic, i);
		if (X509_EXTENSION_get_critical(x) &&
			OBJ_obj2nid(X509_EXTENSION_get_object(x)) != NID_id_pkix_OCSP_Nonce) {
			return refuse_extension(x, issuer, e);
		}
	}
	return 0;
}

/* The nonce is an OCTET STRING within the extension. */
static int check_nonce(OCSP_BASICRESP *basic, struct rv_span nonce, X509 *issuer, struct rv_err *e)
{
	uint8_t want[2 + RV_OCSP_NONCE_MAX] = {0x04, (uint8_t)nonce.len};
	int at = OCSP_BASICRESP_get_ext_by_NID(basic, NID_id_pkix_OCSP_Nonce, -1);
	if (nonce.len == 0 || at < 0) {
		return 0;
	}
	if (nonce.len > RV_OCSP_NONCE_MAX) {
		return rv_fail(e, RV_EINVAL, "too long a nonce");
	}
	memcpy(want + 2, nonce.data, nonce.len);
	const ASN1_OCTET_STRING *got = X509_EXTENSION_get_data(OCSP_BASICRESP_get_ext(basic, at));
	if ((size_t)ASN1_STRING_length(got) != 2 + nonce.len ||
		memcmp(ASN1_STRING_get0_data(got), want, 2 + nonce.len) != 0) {
		return rv_status_refuse(e, RV_ECERT, "OCSP", "NONCE", issuer, fetch_again,
			"it answers another request");
	}
	return 0;
}

/* The answer about the certificate, whichever of the two hashes names it. */
static int find_single(OCSP_SINGLERESP **single_r, OCSP_BASICRESP *basic, X509 *cert, X509 *issuer,
	struct rv_err *e)
{
	OCSP_CERTID *sha1 = OCSP_cert_to_id(EVP_sha1(), cert, issuer);
	OCSP_CERTID *sha256 = OCSP_cert_to_id(EVP_sha256(), cert, issuer);
	OCSP_SINGLERESP *found = NULL;
	int n = OCSP_resp_count(basic);
	int hits = 0;
	int rc = 0;
	if (sha1 == NULL || sha256 == NULL) {
		rc = rv_fail_nomem(e);
		goto out;
	}
	for (int i = 0; i < n && n <= SINGLES_MAX; i++) {
		OCSP_SINGLERESP *single = OCSP_resp_get0(basic, i);
		const OCSP_CERTID *id = OCSP_SINGLERESP_get0_id(single);
		if (OCSP_id_cmp(id, sha1) == 0 || OCSP_id_cmp(id, sha256) == 0) {
			found = single;
			hits++;
		}
	}
	if (hits == 1) {
		*single_r = found;
	} else if (hits > 1) {
		rc = rv_status_refuse(e, RV_ECERT, "OCSP", "TWICE", issuer, ask,
			"it speaks of the certificate more than once");
	} else {
		rc = rv_status_refuse(e, RV_ECERT, "OCSP", "CERT", issuer, fetch_again,
			"it is not about the certificate that was asked for");
	}
out:
	OCSP_CERTID_free(sha1);
	OCSP_CERTID_free(sha256);
	return rc;
}

static int check_single(OCSP_SINGLERESP *single, X509 *issuer, struct rv_err *e)
{
	for (int i = 0; i < OCSP_SINGLERESP_get_ext_count(single); i++) {
		X509_EXTENSION *x = OCSP_SINGLERESP_get_ext(single, i);
		int nid = OBJ_obj2nid(X509_EXTENSION_get_object(x));
		if (X509_EXTENSION_get_critical(x) && nid != NID_invalidity_date &&
			nid != NID_id_pkix_OCSP_archiveCutoff && nid != NID_id_pkix_OCSP_CrlID) {
			return refuse_extension(x, issuer, e);
		}
	}
	return 0;
}

static int take_revoked(struct rv_cert_status *s, OCSP_SINGLERESP *single, int reason,
	const ASN1_GENERALIZEDTIME *since)
{
	int critical = -1;
	int rc = rv_x509_time(&s->revoked_us, since);
	ASN1_GENERALIZEDTIME *invalid =
		OCSP_SINGLERESP_get1_ext_d2i(single, NID_invalidity_date, &critical, NULL);
	if (invalid != NULL) {
		rc = rc == 0 ? rv_x509_time(&s->invalid_us, invalid) : rc;
	} else if (critical != -1) {
		rc = RV_EPARSE;
	}
	ASN1_GENERALIZEDTIME_free(invalid);
	/* -1: the response gives none */
	if (reason < -1 || reason == 7 || reason == 8 || reason > 10) {
		rc = RV_EPARSE;
	}
	s->kind = RV_STATUS_REVOKED;
	s->reason = reason < 0 ? RV_REVOKED_UNSPECIFIED : (enum rv_revocation)reason;
	return rc;
}

static int take_single(
	struct rv_cert_status *s, OCSP_SINGLERESP *single, X509 *issuer, struct rv_err *e)
{
	int reason = -1;
	ASN1_GENERALIZEDTIME *since = NULL;
	ASN1_GENERALIZEDTIME *this_update = NULL;
	ASN1_GENERALIZEDTIME *next_update = NULL;
	int status = OCSP_single_get0_status(single, &reason, &since, &this_update, &next_update);
	s->next_us = 0;
	if (rv_x509_time(&s->this_us, this_update) != 0 ||
		(next_update != NULL &&
			(rv_x509_time(&s->next_us, next_update) != 0 || s->next_us == 0))) {
		return rv_status_refuse(
			e, RV_ECERT, "OCSP", "DATES", issuer, ask, "its dates are unreadable");
	}
	s->kind = status == V_OCSP_CERTSTATUS_GOOD ? RV_STATUS_GOOD : RV_STATUS_UNKNOWN;
	if (status == V_OCSP_CERTSTATUS_REVOKED && take_revoked(s, single, reason, since) != 0) {
		return rv_status_refuse(e, RV_ECERT, "OCSP", "ENTRY", issuer, ask,
			"the date or the reason of the revocation cannot be");
	}
	return 0;
}

int rv_ocsp_say(struct rv_cert_status *s, OCSP_BASICRESP *basic, X509 *cert, X509 *issuer,
	struct rv_span nonce, const struct rv_status_when *when, struct rv_err *e)
{
	OCSP_SINGLERESP *single = NULL;
	int rc = check_extensions(basic, issuer, e);
	if (rc != 0 || (rc = check_nonce(basic, nonce, issuer, e)) != 0 ||
		(rc = find_single(&single, basic, cert, issuer, e)) != 0 ||
		(rc = check_single(single, issuer, e)) != 0) {
		goto out;
	}
	if (rv_x509_time(&s->produced_us, OCSP_resp_get0_produced_at(basic)) != 0) {
		rc = rv_status_refuse(
			e, RV_ECERT, "OCSP", "DATES", issuer, ask, "its producedAt is unreadable");
	} else if ((rc = take_single(s, single, issuer, e)) == 0) {
		rc = rv_status_settle(s, "OCSP", cert, issuer, when, e);
	}
out:
	ERR_clear_error();
	return rc;
}
