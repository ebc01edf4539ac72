/* SPDX-License-Identifier: Apache-2.0 */
#include "node/trust/authority_int.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <openssl/err.h>
#include <openssl/x509.h>

#include "node/file.h"

int authority_issued(const struct authority *a, struct issued *x, struct rv_err *e)
{
	return issued_read(x, a->dir, e);
}

static int refuse_key(const char *code, struct rv_err *e)
{
	rv_fail_rule(e, RV_EDENIED, "AUTHORITY-KEY",
		"the key was revoked as compromised, as that of %s", code);
	rv_err_mend(e, "It must make a new key: reeve init in a new folder.");
	return RV_EDENIED;
}

/* A thief has it: no certificate makes it good again. */
int authority_check_key(
	const struct authority *a, const struct issued *x, EVP_PKEY *key, struct rv_err *e)
{
	const char *bad = rv_reason_text(RV_REASON_KEY_COMPROMISE);
	uint8_t digest[RV_DIGEST_LEN];
	int rc = issued_key_digest(digest, key, e);
	for (size_t i = 0; i < x->n && rc == 0; i++) {
		const struct issued_cert *c = &x->items[i];
		if (c->revoked_us != 0 && c->reason == RV_REASON_KEY_COMPROMISE &&
			memcmp(c->key, digest, RV_DIGEST_LEN) == 0) {
			rc = refuse_key(c->code, e);
		}
	}
	for (const xmlNode *m = rv_xml_child(a->list, "Member"); m != NULL && rc == 0;
		m = rv_xml_again(m)) {
		for (const xmlNode *n = rv_xml_child(m, "Certificate"); n != NULL && rc == 0;
			n = rv_xml_again(n)) {
			struct rv_cert *cert = NULL;
			const char *reason = rv_xml_attr(n, "Reason");
			if (reason != NULL && strcmp(reason, bad) == 0 &&
				authority_cert_in(n, &cert, NULL) == 0 &&
				EVP_PKEY_eq(rv_cert_key(cert), key) == 1) {
				rc = refuse_key(rv_xml_child_text(m, "Code"), e);
			}
			rv_cert_free(&cert);
		}
	}
	ERR_clear_error();
	return rc;
}

static char *cert_path(const struct authority *a, const char *serial)
{
	char *path = NULL;
	return asprintf(&path, "%s/issued/%s.pem", a->dir, serial) >= 0 ? path : NULL;
}

/* The certificate first, then the line that says it exists. */
static int note(struct authority *a, struct issued *x, const struct issued_cert *c, X509 *cert,
	struct rv_err *e)
{
	struct rv_buf pem = {0};
	char *path = cert_path(a, c->serial);
	int rc = path != NULL ? issue_cert_pem(cert, &pem, e) : rv_fail_nomem(e);
	if (rc == 0) {
		rc = issued_write(x, a->dir, e); /* the folder */
	}
	if (rc == 0) {
		rc = file_create(path, 0644, pem.data, pem.len, e);
	}
	if (rc == 0) {
		rc = issued_add(x, c, e);
	}
	if (rc == 0) {
		rc = issued_write(x, a->dir, e);
	}
	rv_buf_free(&pem);
	free(path);
	return rc;
}

int authority_certify(struct authority *a, const struct authority_subject *s,
	const struct issue_ask *ask, X509 **cert_r, int64_t *until_r, struct rv_err *e)
{
	struct authority_own own = {.n = 0};
	struct issued x = {0};
	struct issued_cert entry = {
		.from_us = authority_seconds(s->now_us) - AUTHORITY_BACKDATE_US};
	EVP_PKEY *key = NULL;
	X509 *cert = NULL;
	struct rv_cert *known = NULL;
	int rc = authority_own_read(a, &own, e);
	if (rc == 0) {
		rc = issued_read(&x, a->dir, e);
	}
	if (rc == 0) {
		rc = issued_key_digest(entry.key, s->key, e);
	}
	if (rc == 0) {
		rc = authority_check_key(a, &x, s->key, e);
	}
	if (rc != 0) {
		goto out;
	}
	int64_t until = authority_not_after(own.certs[0]);
	entry.to_us = authority_seconds(s->to_us < until ? s->to_us : until);
	if (entry.to_us <= s->now_us) {
		rc = rv_fail(e, RV_EEXPIRED, "the certificate of the authority has expired");
		rv_err_mend(e, "Make a new one with reeve authority rekey.");
		goto out;
	}
	rc = authority_key(a, own.certs[0], ask, &key, e);
	if (rc == 0) {
		struct issue_terms terms = {.profile = ISSUE_MEMBER,
			.issuer = own.certs[0],
			.issuer_key = key,
			.code = s->code,
			.name = s->name,
			.from_us = entry.from_us,
			.to_us = entry.to_us};
		authority_urls(a, own.certs[0], terms.crl_urls, terms.ocsp_urls);
		rc = issue_certificate(&cert, s->key, &terms, e);
	}
	/* what nobody would take is not issued */
	if (rc == 0) {
		rc = authority_cert_of(&known, cert, e);
	}
	if (rc == 0) {
		rc = issue_serial(cert, entry.serial, e);
	}
	if (rc == 0) {
		rc = authority_key_id(own.certs[0], entry.issuer, e);
	}
	if (rc == 0) {
		snprintf(entry.code, sizeof(entry.code), "%s", s->code);
		rc = note(a, &x, &entry, cert, e);
	}
	if (rc == 0) {
		*cert_r = cert;
		*until_r = entry.to_us;
		cert = NULL;
	}
out:
	EVP_PKEY_free(key);
	X509_free(cert);
	rv_cert_free(&known);
	authority_own_clear(&own);
	issued_clear(&x);
	return rc;
}

void authority_uncertify(struct authority *a, X509 *cert)
{
	struct issued x = {0};
	char serial[ISSUE_SERIAL];
	if (cert == NULL || issue_serial(cert, serial, NULL) != 0 ||
		issued_read(&x, a->dir, NULL) != 0) {
		return;
	}
	struct issued_cert *last = x.n > 0 ? &x.items[x.n - 1] : NULL;
	if (last != NULL && strcmp(last->serial, serial) == 0) {
		char *path = cert_path(a, serial);
		x.n--;
		if (issued_write(&x, a->dir, NULL) == 0 && path != NULL) {
			unlink(path);
		}
		free(path);
	}
	issued_clear(&x);
}

/* ---- for a request ---- */

/* O of the request, or its code. */
static int request_name(X509_REQ *req, const char *code, char *out, size_t size)
{
	X509_NAME *subject = X509_REQ_get_subject_name(req);
	int at = X509_NAME_get_index_by_NID(subject, NID_organizationName, -1);
	unsigned char *utf8 = NULL;
	int n = at >= 0 ? ASN1_STRING_to_UTF8(
				  &utf8, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)))
			: -1;
	if (n > 0 && (size_t)n < size && strlen((char *)utf8) == (size_t)n) {
		memcpy(out, utf8, (size_t)n + 1);
	} else {
		snprintf(out, size, "%s", code);
	}
	OPENSSL_free(utf8);
	ERR_clear_error();
	return 0;
}

int authority_issue(struct authority *a, const void *request, size_t len,
	const struct authority_issue *how, struct rv_buf *out, int64_t *until_r, struct rv_err *e)
{
	const unsigned char *p = request;
	char code[RV_CODE_TEXT] = "";
	char name[512] = "";
	X509 *cert = NULL;
	int64_t until = 0;
	X509_REQ *req = d2i_X509_REQ(NULL, &p, (long)len);
	ERR_clear_error();
	int rc = req != NULL && p == (const unsigned char *)request + len
			 ? issue_request_code(req, code, e)
			 : rv_fail(e, RV_ECERT, "the certificate request cannot be read");
	if (rc == 0) {
		request_name(req, code, name, sizeof(name));
		struct authority_subject s = {X509_REQ_get0_pubkey(req),
			how->code != NULL ? how->code : code, how->name != NULL ? how->name : name,
			how->now_us, how->to_us};
		rc = authority_certify(a, &s, how->ask, &cert, &until, e);
	}
	if (rc == 0) {
		rc = issue_cert_pem(cert, out, e);
	}
	if (rc == 0) {
		*until_r = until;
	}
	X509_free(cert);
	X509_REQ_free(req);
	return rc;
}

/* ---- for a listed member ---- */

/* Of the member's certificates from this authority that are in force, the one that lasts longest.
 */
static int find_current(struct authority *a, const xmlNode *member, int64_t now_us,
	struct rv_cert **best_r, struct rv_err *e)
{
	struct authority_own own = {.n = 0};
	struct rv_cert *best = NULL;
	int rc = authority_own_read(a, &own, e);
	for (const xmlNode *n = rv_xml_child(member, "Certificate"); n != NULL && rc == 0;
		n = rv_xml_again(n)) {
		struct rv_cert *cert = NULL;
		int64_t from_us, to_us;
		rc = authority_cert_in(n, &cert, e);
		int ours = 0;
		for (size_t i = 0; i < own.n && rc == 0 && !ours; i++) {
			struct rv_cert *issuer = NULL;
			rc = authority_cert_of(&issuer, own.certs[i], e);
			ours = rc == 0 && rv_cert_issued_by(cert, issuer, NULL) == 0;
			rv_cert_free(&issuer);
		}
		if (rc == 0 && ours && rv_xml_attr(n, "Revoked") == NULL &&
			authority_period(n, &from_us, &to_us) == 0 && to_us > now_us &&
			(best == NULL || rv_cert_not_after(cert) > rv_cert_not_after(best))) {
			rv_cert_free(&best);
			best = cert;
			cert = NULL;
		}
		rv_cert_free(&cert);
	}
	authority_own_clear(&own);
	if (rc == 0 && best == NULL) {
		rc = rv_fail(e, RV_ENOTFOUND,
			"it has no certificate of this authority that is in force");
		rv_err_mend(e, "Let it send a request, and admit it with --renew.");
	}
	if (rc != 0) {
		rv_cert_free(&best);
		return rc;
	}
	*best_r = best;
	return 0;
}

/* What is in force ends with the overlap, if it is for that key; CURVE keys that are in force last
 * as long as the new certificate. */
static int move_dates(
	xmlNode *member, const struct authority_renew *how, int64_t until_us, const EVP_PKEY *key)
{
	int64_t end_us = authority_seconds(how->now_us) + how->overlap_us;
	int64_t from_us, to_us;
	int rc = 0;
	for (xmlNode *n = rv_xml_child(member, "Certificate"); n != NULL && rc == 0;
		n = rv_xml_again(n)) {
		struct rv_cert *cert = NULL;
		if (authority_period(n, &from_us, &to_us) == 0 && to_us > end_us &&
			from_us < end_us && authority_cert_in(n, &cert, NULL) == 0 &&
			EVP_PKEY_eq(rv_cert_key(cert), key) == 1) {
			rc = authority_set_stamp(n, "ValidTo", end_us);
		}
		rv_cert_free(&cert);
	}
	xmlNode *longest = NULL;
	int64_t longest_us = how->now_us;
	for (xmlNode *n = rv_xml_child(member, "CurveKey"); n != NULL; n = rv_xml_again(n)) {
		if (authority_period(n, &from_us, &to_us) == 0 && to_us > longest_us) {
			longest = n;
			longest_us = to_us;
		}
	}
	if (rc == 0 && longest != NULL && until_us > longest_us) {
		rc = authority_set_stamp(longest, "ValidTo", until_us);
	}
	return rc;
}

/* The new Certificate behind the others. */
static int add_certificate(
	xmlNode *member, const struct authority_renew *how, X509 *cert, int64_t until_us)
{
	struct rv_buf der = {0};
	struct rv_buf base64 = {0};
	xmlNode *last = NULL;
	xmlNode *made = NULL;
	for (xmlNode *n = rv_xml_child(member, "Certificate"); n != NULL; n = rv_xml_again(n)) {
		last = n;
	}
	if (last != NULL && issue_cert_der(cert, &der, NULL) == 0 &&
		rv_base64(&base64, der.data, der.len) == 0 && rv_buf_cstr(&base64) != NULL) {
		made = authority_add_dated(member, "Certificate", (const char *)base64.data,
			authority_seconds(how->now_us) - AUTHORITY_BACKDATE_US, until_us);
	}
	if (made != NULL) {
		xmlUnlinkNode(made);
		xmlAddNextSibling(last, made);
	}
	rv_buf_free(&der);
	rv_buf_free(&base64);
	return made != NULL ? 0 : RV_ENOMEM;
}

int authority_renew(struct authority *a, const char *code, const struct authority_renew *how,
	int64_t *until_r, struct rv_err *e)
{
	struct authority_edit edit;
	struct rv_cert *current = NULL;
	X509 *cert = NULL;
	int64_t until = 0;
	int waits = 0;
	xmlNode *member = authority_find(a, "Member", code);
	const char *name = rv_xml_child_text(member, "Name");
	if (member == NULL) {
		return rv_fail(e, RV_ENOTFOUND, "%s is not listed", code);
	}
	int rc = find_current(a, member, how->now_us, &current, e);
	if (rc == 0) {
		struct authority_subject s = {rv_cert_key(current), code,
			name != NULL ? name : code, how->now_us, how->to_us};
		rc = authority_certify(a, &s, how->ask, &cert, &until, e);
	}
	if (rc == 0) {
		rc = authority_edit_begin(&edit, a, e);
	}
	if (rc == 0) {
		member = authority_find(a, "Member", code);
		int bad = move_dates(member, how, until, rv_cert_key(current)) != 0 ||
			  add_certificate(member, how, cert, until) != 0;
		rc = authority_edit_end(&edit, bad ? rv_fail_nomem(e) : 0, &waits, e);
	}
	if (rc == 0) {
		*until_r = until;
	} else {
		authority_uncertify(a, cert);
	}
	rv_cert_free(&current);
	X509_free(cert);
	return rc;
}
