/* SPDX-License-Identifier: Apache-2.0 */
#include "chain_int.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* By number of CRLReason; 7 is not one, 8 (removeFromCRL) is no revocation. */
static const char *const reasons[] = {
	[RV_REVOKED_UNSPECIFIED] = "unspecified",
	[RV_REVOKED_KEY_COMPROMISE] = "key-compromise",
	[RV_REVOKED_CA_COMPROMISE] = "ca-compromise",
	[RV_REVOKED_AFFILIATION] = "affiliation",
	[RV_REVOKED_SUPERSEDED] = "superseded",
	[RV_REVOKED_CESSATION] = "cessation",
	[RV_REVOKED_HOLD] = "hold",
	[RV_REVOKED_PRIVILEGE] = "privilege-withdrawn",
	[RV_REVOKED_AA_COMPROMISE] = "aa-compromise",
};
enum { REASONS = sizeof(reasons) / sizeof(reasons[0]) };

const char *rv_revocation_text(enum rv_revocation reason)
{
	size_t i = (size_t)reason;
	return i < REASONS && reasons[i] != NULL ? reasons[i] : "unspecified";
}

int rv_revocation_parse(enum rv_revocation *reason_r, const char *text)
{
	for (size_t i = 0; i < REASONS; i++) {
		if (reasons[i] != NULL && strcmp(reasons[i], text) == 0) {
			*reason_r = (enum rv_revocation)i;
			return 0;
		}
	}
	return RV_EPARSE;
}

int rv_status_refuse(struct rv_err *e, int code, const char *kind, const char *what, X509 *issuer,
	const char *mend, const char *fmt, ...)
{
	char rule[sizeof(e->rule)];
	char text[256];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	snprintf(rule, sizeof(rule), "CHAIN-%s-%s", kind, what);
	return rv_chain_refuse(e, code, rule, issuer, mend, "%s: %s",
		strcmp(kind, "CRL") == 0 ? "its CRL" : "OCSP", text);
}

/* ---- times ---- */

static int check_order(
	const struct rv_cert_status *s, const char *kind, X509 *issuer, struct rv_err *e)
{
	static const char mend[] = "have the authority publish it anew";
	int64_t from;
	int64_t to;
	char when[RV_STAMP_TEXT];
	if (s->next_us != 0 && s->next_us <= s->this_us) {
		return rv_status_refuse(e, RV_ECERT, kind, "DATES", issuer, mend,
			"nextUpdate is not after thisUpdate");
	}
	if (s->this_us > s->produced_us + RV_STATUS_SKEW_US) {
		return rv_status_refuse(
			e, RV_ECERT, kind, "DATES", issuer, mend, "thisUpdate is after producedAt");
	}
	if (rv_x509_validity(issuer, &from, &to) != 0 || s->produced_us < from ||
		s->produced_us > to) {
		rv_stamp_text(when, s->produced_us);
		return rv_status_refuse(e, RV_ECERT, kind, "DATES", issuer, mend,
			"it is of %s, when the issuer's certificate was not valid", when);
	}
	return 0;
}

static int check_now(const struct rv_cert_status *s, const char *kind, X509 *issuer,
	const struct rv_status_when *w, struct rv_err *e)
{
	static const char fetch[] = "fetch the present one; look at the clock of this machine";
	char when[RV_STAMP_TEXT];
	int64_t latest = s->this_us > s->produced_us ? s->this_us : s->produced_us;
	if (latest > w->now_us + RV_STATUS_SKEW_US) {
		rv_stamp_text(when, latest);
		return rv_status_refuse(e, RV_ECERT, kind, "NOT-YET", issuer,
			"look at the clock of this machine, then at that of the authority",
			"it is of %s, which is to come", when);
	}
	if (s->next_us != 0 && s->next_us < w->now_us - RV_STATUS_SKEW_US) {
		rv_stamp_text(when, s->next_us);
		return rv_status_refuse(e, RV_EEXPIRED, kind, "EXPIRED", issuer, fetch,
			"a newer one was due at %s", when);
	}
	if ((w->max_age_us > 0 && s->this_us < w->now_us - w->max_age_us) ||
		(w->max_age_us <= 0 && s->next_us == 0)) {
		rv_stamp_text(when, s->this_us);
		return rv_status_refuse(e, RV_EEXPIRED, kind, "AGE", issuer, fetch,
			"it is of %s, older than may be used", when);
	}
	return 0;
}

static int check_known(const struct rv_cert_status *s, const char *kind, X509 *issuer,
	const struct rv_cert_status *known, struct rv_err *e)
{
	char when[RV_STAMP_TEXT];
	if (known == NULL) {
		return 0;
	}
	if (memcmp(known->cert_digest, s->cert_digest, RV_DIGEST_LEN) != 0) {
		return rv_fail(e, RV_EINVAL, "the status that is known is of another certificate");
	}
	if (s->this_us < known->this_us ||
		(s->this_us == known->this_us && s->source == known->source &&
			s->produced_us < known->produced_us)) {
		rv_stamp_text(when, known->this_us);
		return rv_status_refuse(e, RV_EEXPIRED, kind, "OLDER", issuer,
			"keep what is known; ask the authority's server why it gives old answers",
			"it is older than what is known, of %s", when);
	}
	if (known->kind == RV_STATUS_REVOKED && known->reason != RV_REVOKED_HOLD &&
		s->kind == RV_STATUS_GOOD) {
		rv_stamp_text(when, known->revoked_us);
		return rv_status_refuse(e, RV_ECERT, kind, "UNREVOKED", issuer,
			"ask the authority; only what was on hold may come back",
			"it says good of a certificate revoked at %s", when);
	}
	return 0;
}

int rv_status_settle(struct rv_cert_status *s, const char *kind, X509 *cert, X509 *issuer,
	const struct rv_status_when *when, struct rv_err *e)
{
	int64_t from;
	int64_t to;
	int rc = check_order(s, kind, issuer, e);
	if (rc != 0 || (rc = check_now(s, kind, issuer, when, e)) != 0) {
		return rc;
	}
	/* what has expired need not be kept in a CRL: silence says nothing then */
	if (s->kind == RV_STATUS_GOOD &&
		(rv_x509_validity(cert, &from, &to) != 0 || to < s->this_us)) {
		s->kind = RV_STATUS_UNKNOWN;
	}
	return check_known(s, kind, issuer, when->known, e);
}

/* ---- use of a status ---- */

int rv_status_fresh(
	const struct rv_cert_status *status, int64_t now_us, int64_t max_age_us, struct rv_err *e)
{
	char when[RV_STAMP_TEXT];
	int over = status->next_us != 0 ? status->next_us < now_us - RV_STATUS_SKEW_US
					: max_age_us <= 0;
	if (over || (max_age_us > 0 && status->this_us < now_us - max_age_us)) {
		rv_stamp_text(when, status->this_us);
		rv_fail_rule(e, RV_EEXPIRED, "STATUS-STALE",
			"the certificate's revocation status is of %s, older than may be used",
			when);
		rv_err_mend(e, "fetch it anew; see that the authority's server can be reached");
		return RV_EEXPIRED;
	}
	return 0;
}

int rv_status_judge(const struct rv_cert_status *status, int64_t at_us, struct rv_err *e)
{
	char when[RV_STAMP_TEXT];
	int64_t since = status->revoked_us;
	switch (status->kind) {
	case RV_STATUS_GOOD:
		return 0;
	case RV_STATUS_REVOKED:
		if (status->invalid_us != 0 && status->invalid_us < since) {
			since = status->invalid_us;
		}
		if (at_us < since) {
			return 0;
		}
		rv_stamp_text(when, since);
		rv_fail_rule(e, RV_ECERT, "STATUS-REVOKED",
			"the certificate is revoked since %s (%s)", when,
			rv_revocation_text(status->reason));
		rv_err_mend(e, "the member signs with a new key and certificate");
		return RV_ECERT;
	default:
		rv_fail_rule(e, RV_ECERT, "STATUS-UNKNOWN",
			"the authority does not say whether the certificate is revoked");
		rv_err_mend(e, "ask the authority, or renew the certificate if it has expired");
		return RV_ECERT;
	}
}

/* ---- the two sources ---- */

int rv_status_from_crl(struct rv_cert_status *status_r, const struct rv_path *path, size_t i,
	const void *data, size_t len, const struct rv_status_when *when, struct rv_err *e)
{
	X509_CRL *crl = NULL;
	struct rv_cert_status s = {.source = RV_STATUS_CRL};
	if (i >= rv_path_links(path)) {
		return rv_fail(e, RV_EINVAL, "nobody on the path issued that certificate");
	}
	X509 *issuer = path->certs[i + 1];
	int rc = rv_crl_read(&crl, data, len, issuer, e);
	if (rc != 0 || (rc = rv_crl_signed(crl, issuer, e)) != 0) {
		goto out;
	}
	memcpy(s.cert_digest, path->digests[i], RV_DIGEST_LEN);
	rv_sha256(s.source_digest, data, len);
	if ((rc = rv_crl_say(&s, crl, path->certs[i], issuer, when, e)) == 0) {
		*status_r = s;
	}
out:
	X509_CRL_free(crl);
	return rc;
}

int rv_status_from_ocsp(struct rv_cert_status *status_r, const struct rv_path *path, size_t i,
	const void *data, size_t len, struct rv_span nonce, const struct rv_status_when *when,
	struct rv_err *e)
{
	OCSP_BASICRESP *basic = NULL;
	struct rv_cert_status s = {.source = RV_STATUS_OCSP};
	if (i >= rv_path_links(path)) {
		return rv_fail(e, RV_EINVAL, "nobody on the path issued that certificate");
	}
	X509 *issuer = path->certs[i + 1];
	int rc = rv_ocsp_read(&basic, data, len, issuer, e);
	if (rc != 0 || (rc = rv_ocsp_signed(basic, issuer, when->now_us, e)) != 0) {
		goto out;
	}
	memcpy(s.cert_digest, path->digests[i], RV_DIGEST_LEN);
	rv_sha256(s.source_digest, data, len);
	if ((rc = rv_ocsp_say(&s, basic, path->certs[i], issuer, nonce, when, e)) == 0) {
		*status_r = s;
	}
out:
	OCSP_BASICRESP_free(basic);
	return rc;
}
