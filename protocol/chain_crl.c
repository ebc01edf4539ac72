/* SPDX-License-Identifier: Apache-2.0 */
#include "chain_int.h"

#include <string.h>
#include <openssl/err.h>
#include <openssl/pem.h>

static const char fetch_again[] = "fetch it again from the address that the trust list names";
static const char ask[] = "ask the authority for a full CRL by the profile of RFC 5280";

/* ---- reading ---- */

static X509_CRL *from_der(const unsigned char *data, size_t len)
{
	const unsigned char *p = data;
	X509_CRL *crl = d2i_X509_CRL(NULL, &p, (long)len);
	if (crl != NULL && p != data + len) {
		X509_CRL_free(crl);
		crl = NULL;
	}
	return crl;
}

/* One block, nothing but white space around it. */
static X509_CRL *from_pem(const char *data, size_t len)
{
	static const char begin[] = "-----BEGIN X509 CRL-----";
	static const char end[] = "-----END X509 CRL-----";
	const char *last = data + len;
	X509_CRL *crl = NULL;
	while (data < last && strchr(" \t\r\n", *data) != NULL && *data != '\0') {
		data++;
	}
	while (last > data && strchr(" \t\r\n", last[-1]) != NULL && last[-1] != '\0') {
		last--;
	}
	len = (size_t)(last - data);
	if (len < sizeof(begin) + sizeof(end) || memcmp(data, begin, sizeof(begin) - 1) != 0 ||
		memmem(data, len, end, sizeof(end) - 1) != last - (sizeof(end) - 1)) {
		return NULL;
	}
	BIO *bio = BIO_new_mem_buf(data, (int)len);
	unsigned char *der = NULL;
	long der_len = 0;
	if (bio != NULL &&
		PEM_bytes_read_bio(&der, &der_len, NULL, PEM_STRING_X509_CRL, bio, NULL, NULL) ==
			1 &&
		der_len > 0) {
		crl = from_der(der, (size_t)der_len);
	}
	OPENSSL_free(der);
	BIO_free(bio);
	return crl;
}

int rv_crl_read(X509_CRL **crl_r, const void *data, size_t len, X509 *issuer, struct rv_err *e)
{
	if (len > RV_CRL_MAX) {
		return rv_status_refuse(e, RV_ELIMIT, "CRL", "SIZE", issuer,
			"ask the authority for CRLs by parts, or for OCSP",
			"it has %zu bytes, more than %d", len, RV_CRL_MAX);
	}
	X509_CRL *crl = NULL;
	if (len > 0) {
		crl = *(const unsigned char *)data == 0x30 ? from_der(data, len)
							   : from_pem(data, len);
	}
	ERR_clear_error();
	if (crl == NULL) {
		return rv_status_refuse(e, RV_EPARSE, "CRL", "UNREADABLE", issuer, fetch_again,
			"the bytes are not one CRL in DER or PEM");
	}
	*crl_r = crl;
	return 0;
}

/* ---- whose it is ---- */

int rv_crl_signed(X509_CRL *crl, X509 *issuer, struct rv_err *e)
{
	const X509_ALGOR *alg = NULL;
	char name[RV_X509_NAME_TEXT / 2];
	if (X509_CRL_get_version(crl) != X509_CRL_VERSION_2) {
		return rv_status_refuse(
			e, RV_ECERT, "CRL", "VERSION", issuer, ask, "it is not of version 2");
	}
	if (X509_NAME_cmp(X509_CRL_get_issuer(crl), X509_get_subject_name(issuer)) != 0) {
		rv_x509_name(X509_CRL_get_issuer(crl), name, sizeof(name));
		return rv_status_refuse(e, RV_ECERT, "CRL", "ISSUER", issuer,
			"see that the trust list names the address of this issuer's own CRL",
			"it is issued by \"%s\"", name);
	}
	if (!(X509_get_extension_flags(issuer) & EXFLAG_KUSAGE) ||
		!(X509_get_key_usage(issuer) & KU_CRL_SIGN)) {
		return rv_status_refuse(e, RV_ECERT, "CRL", "USAGE", issuer,
			"the authority needs keyUsage cRLSign, or answers by OCSP",
			"the issuer's keyUsage has no cRLSign");
	}
	X509_CRL_get0_signature(crl, NULL, &alg);
	if (!rv_algor_taken(alg, name)) {
		return rv_status_refuse(e, RV_ECERT, "CRL", "HASH", issuer,
			"the authority must sign it with SHA-256, SHA-384 or SHA-512",
			"it is signed with %s", name);
	}
	int ok = rv_x509_key_taken(issuer) && X509_CRL_verify(crl, X509_get0_pubkey(issuer)) == 1;
	ERR_clear_error();
	if (!ok) {
		return rv_status_refuse(e, RV_ECERT, "CRL", "SIGNATURE", issuer, fetch_again,
			"the issuer's key did not sign it so");
	}
	return 0;
}

/* ---- what it is about ---- */

/* Common to the certificate's distribution points (for all reasons, by its issuer) and the CRL. */
static int same_point(X509 *cert, const DIST_POINT_NAME *point)
{
	CRL_DIST_POINTS *points = X509_get_ext_d2i(cert, NID_crl_distribution_points, NULL, NULL);
	int same = 0;
	for (int i = 0; points != NULL && point->type == 0 && i < sk_DIST_POINT_num(points); i++) {
		const DIST_POINT *own = sk_DIST_POINT_value(points, i);
		if (own->distpoint == NULL || own->distpoint->type != 0 || own->reasons != NULL ||
			own->CRLissuer != NULL) {
			continue;
		}
		const GENERAL_NAMES *a = own->distpoint->name.fullname;
		const GENERAL_NAMES *b = point->name.fullname;
		for (int j = 0; j < sk_GENERAL_NAME_num(a) && !same; j++) {
			for (int k = 0; k < sk_GENERAL_NAME_num(b) && !same; k++) {
				same = GENERAL_NAME_cmp(sk_GENERAL_NAME_value(a, j),
					       sk_GENERAL_NAME_value(b, k)) == 0;
			}
		}
	}
	CRL_DIST_POINTS_free(points);
	return same;
}

static int check_scope(X509_CRL *crl, X509 *cert, X509 *issuer, struct rv_err *e)
{
	static const char mend[] = "name the address of the CRL that this certificate belongs to";
	int critical = -1;
	int is_ca = (X509_get_extension_flags(cert) & EXFLAG_CA) != 0;
	const char *why = NULL;
	ISSUING_DIST_POINT *idp =
		X509_CRL_get_ext_d2i(crl, NID_issuing_distribution_point, &critical, NULL);
	int rc = 0;
	if (idp == NULL) {
		ERR_clear_error();
		return critical == -1 ? 0
				      : rv_status_refuse(e, RV_ECERT, "CRL", "EXTENSION", issuer,
						ask, "its issuingDistributionPoint is unreadable");
	}
	if (idp->indirectCRL > 0) {
		rc = rv_status_refuse(e, RV_ECERT, "CRL", "INDIRECT", issuer, ask,
			"it is an indirect CRL, which speaks for other issuers too");
	} else if (idp->onlyattr > 0) {
		why = "attribute certificates";
	} else if (idp->onlyuser > 0 && is_ca) {
		why = "certificates that are none of authorities";
	} else if (idp->onlyCA > 0 && !is_ca) {
		why = "certificates of authorities";
	} else if (idp->onlysomereasons != NULL) {
		why = "some reasons";
	} else if (idp->distpoint != NULL && !same_point(cert, idp->distpoint)) {
		why = "a distribution point that the certificate does not name";
	}
	if (why != NULL) {
		rc = rv_status_refuse(
			e, RV_ECERT, "CRL", "SCOPE", issuer, mend, "it is for %s only", why);
	}
	ISSUING_DIST_POINT_free(idp);
	ERR_clear_error();
	return rc;
}

static int is_known(int nid)
{
	return nid == NID_issuing_distribution_point || nid == NID_authority_key_identifier ||
	       nid == NID_crl_number || nid == NID_issuer_alt_name || nid == NID_freshest_crl;
}

static int check_extensions(X509_CRL *crl, X509 *issuer, struct rv_err *e)
{
	int n = X509_CRL_get_ext_count(crl);
	for (int i = 0; i < n; i++) {
		X509_EXTENSION *x = X509_CRL_get_ext(crl, i);
		const ASN1_OBJECT *oid = X509_EXTENSION_get_object(x);
		int nid = OBJ_obj2nid(oid);
		char text[80] = "";
		if (nid == NID_delta_crl) {
			return rv_status_refuse(e, RV_ECERT, "CRL", "DELTA", issuer, ask,
				"it is a delta CRL, which has only what changed");
		}
		OBJ_obj2txt(text, sizeof(text), oid, 0);
		if (X509_CRL_get_ext_by_OBJ(crl, oid, i) >= 0) {
			return rv_status_refuse(e, RV_ECERT, "CRL", "EXTENSION", issuer, ask,
				"it has the extension %s twice", text);
		}
		if (X509_EXTENSION_get_critical(x) && !is_known(nid)) {
			return rv_status_refuse(e, RV_ECERT, "CRL", "EXTENSION", issuer, ask,
				"its critical extension %s is not understood", text);
		}
	}
	return 0;
}

/* ---- entries ---- */

static int entry_reason(const X509_REVOKED *r, enum rv_revocation *reason_r)
{
	int critical = -1;
	int64_t v = -1;
	ASN1_ENUMERATED *reason = X509_REVOKED_get_ext_d2i(r, NID_crl_reason, &critical, NULL);
	if (reason == NULL) {
		*reason_r = RV_REVOKED_UNSPECIFIED;
		return critical == -1 ? 0 : RV_EPARSE;
	}
	int ok =
		ASN1_ENUMERATED_get_int64(&v, reason) == 1 && v >= 0 && v <= 10 && v != 7 && v != 8;
	ASN1_ENUMERATED_free(reason);
	*reason_r = ok ? (enum rv_revocation)v : RV_REVOKED_UNSPECIFIED;
	return ok ? 0 : RV_EPARSE;
}

static int entry_invalid(const X509_REVOKED *r, int64_t *us_r)
{
	int critical = -1;
	ASN1_GENERALIZEDTIME *t = X509_REVOKED_get_ext_d2i(r, NID_invalidity_date, &critical, NULL);
	*us_r = 0;
	if (t == NULL) {
		return critical == -1 ? 0 : RV_EPARSE;
	}
	int rc = rv_x509_time(us_r, t);
	ASN1_GENERALIZEDTIME_free(t);
	return rc;
}

static int check_entry(const X509_REVOKED *r, X509 *issuer, struct rv_err *e)
{
	int n = X509_REVOKED_get_ext_count(r);
	for (int i = 0; i < n; i++) {
		X509_EXTENSION *x = X509_REVOKED_get_ext(r, i);
		int nid = OBJ_obj2nid(X509_EXTENSION_get_object(x));
		char text[80] = "";
		if (nid == NID_certificate_issuer) {
			return rv_status_refuse(e, RV_ECERT, "CRL", "INDIRECT", issuer, ask,
				"one of its entries is of another issuer");
		}
		if (X509_EXTENSION_get_critical(x) && nid != NID_crl_reason &&
			nid != NID_invalidity_date) {
			OBJ_obj2txt(text, sizeof(text), X509_EXTENSION_get_object(x), 0);
			return rv_status_refuse(e, RV_ECERT, "CRL", "EXTENSION", issuer, ask,
				"the critical extension %s of an entry is not understood", text);
		}
	}
	return 0;
}

static int take_entry(
	struct rv_cert_status *s, const X509_REVOKED *r, X509 *issuer, struct rv_err *e)
{
	int64_t revoked = 0;
	int64_t invalid = 0;
	enum rv_revocation reason = RV_REVOKED_UNSPECIFIED;
	if (rv_x509_time(&revoked, X509_REVOKED_get0_revocationDate(r)) != 0 ||
		entry_reason(r, &reason) != 0 || entry_invalid(r, &invalid) != 0) {
		ERR_clear_error();
		return rv_status_refuse(e, RV_ECERT, "CRL", "ENTRY", issuer, ask,
			"the date or reason of an entry is unreadable, or none of a full CRL");
	}
	/* listed twice: since the first time */
	if (s->kind != RV_STATUS_REVOKED || revoked < s->revoked_us) {
		s->kind = RV_STATUS_REVOKED;
		s->revoked_us = revoked;
		s->invalid_us = invalid;
		s->reason = reason;
	}
	return 0;
}

/* Every entry is looked at: what cannot be makes the whole CRL doubtful. */
static int walk_entries(
	struct rv_cert_status *s, X509_CRL *crl, X509 *cert, X509 *issuer, struct rv_err *e)
{
	const ASN1_INTEGER *serial = X509_get0_serialNumber(cert);
	STACK_OF(X509_REVOKED) *entries = X509_CRL_get_REVOKED(crl);
	s->kind = RV_STATUS_GOOD;
	for (int i = 0; i < sk_X509_REVOKED_num(entries); i++) {
		const X509_REVOKED *r = sk_X509_REVOKED_value(entries, i);
		int same = ASN1_INTEGER_cmp(X509_REVOKED_get0_serialNumber(r), serial) == 0;
		enum rv_revocation reason;
		int rc = check_entry(r, issuer, e);
		if (rc == 0 && same) {
			rc = take_entry(s, r, issuer, e);
		} else if (rc == 0 && entry_reason(r, &reason) != 0) {
			ERR_clear_error();
			rc = rv_status_refuse(e, RV_ECERT, "CRL", "ENTRY", issuer, ask,
				"the reason of an entry is none of a full CRL");
		}
		if (rc != 0) {
			return rc;
		}
	}
	return 0;
}

int rv_crl_say(struct rv_cert_status *s, X509_CRL *crl, X509 *cert, X509 *issuer,
	const struct rv_status_when *when, struct rv_err *e)
{
	int rc = check_extensions(crl, issuer, e);
	if (rc != 0 || (rc = check_scope(crl, cert, issuer, e)) != 0) {
		return rc;
	}
	if (rv_x509_time(&s->this_us, X509_CRL_get0_lastUpdate(crl)) != 0 ||
		rv_x509_time(&s->next_us, X509_CRL_get0_nextUpdate(crl)) != 0 || s->next_us == 0) {
		return rv_status_refuse(e, RV_ECERT, "CRL", "DATES", issuer, ask,
			"it has no nextUpdate, or its dates are unreadable");
	}
	s->produced_us = s->this_us;
	if ((rc = walk_entries(s, crl, cert, issuer, e)) != 0) {
		return rc;
	}
	return rv_status_settle(s, "CRL", cert, issuer, when, e);
}
