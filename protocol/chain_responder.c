/* SPDX-License-Identifier: Apache-2.0 */
#include "chain_int.h"

#include <string.h>
#include <openssl/err.h>
#include <openssl/sha.h>

/* Who signed an OCSP response: the issuer itself, or a responder that it certified for that. */

enum { CERTS_MAX = 8 };

static const char ask[] = "ask the authority for a responder by the profile of RFC 6960, 4.2.2.2";

static int is_named(const OCSP_BASICRESP *basic, X509 *x)
{
	const ASN1_OCTET_STRING *key = NULL;
	const X509_NAME *name = NULL;
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned len = 0;
	if (OCSP_resp_get0_id(basic, &key, &name) != 1) {
		return 0;
	}
	if (name != NULL) {
		return X509_NAME_cmp(name, X509_get_subject_name(x)) == 0;
	}
	return key != NULL && X509_pubkey_digest(x, EVP_sha1(), digest, &len) == 1 &&
	       ASN1_STRING_length(key) == (int)len &&
	       memcmp(ASN1_STRING_get0_data(key), digest, len) == 0;
}

/* Only the signature, by the key of that certificate. */
static int verifies(OCSP_BASICRESP *basic, X509 *x)
{
	STACK_OF(X509) *one = sk_X509_new_null();
	int ok = one != NULL && sk_X509_push(one, x) > 0 && rv_x509_key_taken(x) &&
		 OCSP_basic_verify(
			 basic, one, NULL, OCSP_NOINTERN | OCSP_NOVERIFY | OCSP_NOCHECKS) == 1;
	sk_X509_free(one);
	ERR_clear_error();
	return ok;
}

/* By name and key identifier; the signature on it is verified with the path. */
static int issued_by(X509 *x, X509 *issuer)
{
	return X509_check_issued(issuer, x) == X509_V_OK &&
	       X509_verify(x, X509_get0_pubkey(issuer)) == 1;
}

static int check_times(X509 *x, OCSP_BASICRESP *basic, int64_t now_us, struct rv_err *e)
{
	int64_t from;
	int64_t to;
	int64_t produced;
	if (rv_x509_validity(x, &from, &to) != 0 ||
		rv_x509_time(&produced, OCSP_resp_get0_produced_at(basic)) != 0) {
		return rv_fail(e, RV_ECERT, "its times cannot be read");
	}
	if (produced < from || produced > to || now_us < from - RV_STATUS_SKEW_US ||
		now_us > to + RV_STATUS_SKEW_US) {
		return rv_fail(
			e, RV_ECERT, "it was not valid when the response was made, or is not now");
	}
	return 0;
}

/* A responder's certificate that the issuer made: is it one for that, and does it hold? */
static int check_delegate(
	X509 *x, X509 *issuer, OCSP_BASICRESP *basic, int64_t now_us, struct rv_err *e)
{
	static const char *const signing[] = {"1.3.6.1.5.5.7.3.9", NULL};
	X509 *pair[2] = {x, issuer};
	const X509_ALGOR *alg = NULL;
	char name[64];
	struct rv_err why = {0};
	if (rv_x509_purpose(x, signing) != 1) {
		return rv_status_refuse(e, RV_ECERT, "OCSP", "PURPOSE", x, ask,
			"the responder's extendedKeyUsage has no OCSPSigning");
	}
	if (X509_get_ext_by_NID(x, NID_id_pkix_OCSP_noCheck, -1) < 0) {
		return rv_status_refuse(e, RV_ECERT, "OCSP", "NOCHECK", x, ask,
			"the responder's certificate lacks id-pkix-ocsp-nocheck");
	}
	X509_get0_signature(NULL, &alg, x);
	int rc = 0;
	if (!rv_x509_key_taken(x) || !rv_algor_taken(alg, name)) {
		rc = rv_fail(&why, RV_ECERT, "its key or the hash of its signature is too weak");
	} else if (X509_get_extension_flags(x) & EXFLAG_CA) {
		rc = rv_fail(&why, RV_ECERT, "it is one of a certification authority");
	} else if ((X509_get_extension_flags(x) & EXFLAG_KUSAGE) &&
		   !(X509_get_key_usage(x) & (KU_DIGITAL_SIGNATURE | KU_NON_REPUDIATION))) {
		rc = rv_fail(&why, RV_ECERT, "its keyUsage has no digitalSignature");
	} else if ((rc = rv_chain_extensions(x, &why)) == 0 &&
		   (rc = check_times(x, basic, now_us, &why)) == 0) {
		rc = rv_chain_rfc5280(pair, 2, &why);
	}
	if (rc == 0 || rc == RV_ENOMEM) {
		return rc == 0 ? 0 : rv_fail_nomem(e);
	}
	return rv_status_refuse(e, RV_ECERT, "OCSP", "DELEGATE", x, ask,
		"the responder's certificate does not hold: %.160s", why.text);
}

int rv_ocsp_signed(OCSP_BASICRESP *basic, X509 *issuer, int64_t now_us, struct rv_err *e)
{
	const STACK_OF(X509) *certs = OCSP_resp_get0_certs(basic);
	char name[64];
	int named = is_named(basic, issuer);
	int n = sk_X509_num(certs);
	if (!rv_algor_taken(OCSP_resp_get0_tbs_sigalg(basic), name)) {
		return rv_status_refuse(e, RV_ECERT, "OCSP", "HASH", issuer,
			"the authority must sign with SHA-256, SHA-384 or SHA-512",
			"it is signed with %s", name);
	}
	if (named && verifies(basic, issuer)) {
		return 0;
	}
	for (int i = 0; i < n && i < CERTS_MAX; i++) {
		X509 *x = sk_X509_value(certs, i);
		if (!is_named(basic, x) || !issued_by(x, issuer)) {
			continue;
		}
		named = 1;
		/* with a key too weak to ask it, the delegate is refused for that */
		if (!rv_x509_key_taken(x) || verifies(basic, x)) {
			ERR_clear_error();
			return check_delegate(x, issuer, basic, now_us, e);
		}
	}
	ERR_clear_error();
	if (named) {
		return rv_status_refuse(e, RV_ECERT, "OCSP", "SIGNATURE", issuer,
			"ask again; see that the trust list names the right responder",
			"the key of the responder did not sign it so");
	}
	return rv_status_refuse(e, RV_ECERT, "OCSP", "RESPONDER", issuer,
		"see that the trust list names the right responder",
		"it is neither by the issuer nor by a responder that the issuer certified");
}
