/* SPDX-License-Identifier: Apache-2.0 */
#include "node/trust/authority_int.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <openssl/err.h>
#include <openssl/x509.h>

/*
 * A revocation goes into the index first: from then on CRL and OCSP have it. The draft follows; if
 * the machine stops between the two, the same call does the rest.
 */

/* What is to be revoked, and what came of it so far. */
struct work {
	const struct authority_revoke *how;
	struct authority *a;
	const char *serial; /* NULL: all that the member has in force */
	/* A serial number and key-compromise: every certificate of that key. */
	int by_key;
	uint8_t key[RV_DIGEST_LEN];
	int64_t since_us; /* from when it is not to be trusted */
	size_t met;       /* certificates that were meant */
	struct authority_revoked r;
};

/* A certificate that is revoked already: may this say more? */
static int adds(const struct work *w, int is_revoked, enum rv_reason reason, int64_t since_us)
{
	return !is_revoked ||
	       (w->how->reason == RV_REASON_KEY_COMPROMISE &&
		       (reason != RV_REASON_KEY_COMPROMISE || w->since_us < since_us));
}

/* ---- the index ---- */

static void revoke_entry(struct work *w, struct issued_cert *c)
{
	int was = c->revoked_us != 0;
	int64_t since = c->since_us != 0 ? c->since_us : c->revoked_us;
	w->met++;
	if (!adds(w, was, c->reason, since)) {
		return;
	}
	int64_t now = authority_seconds(w->how->now_us);
	c->revoked_us = was ? c->revoked_us : now;
	c->reason = w->how->reason;
	c->since_us = w->since_us < c->revoked_us ? w->since_us : 0;
	w->r.in_index++;
}

static int revoke_in_index(struct work *w, struct rv_err *e)
{
	struct issued x = {0};
	int rc = issued_read(&x, w->a->dir, e);
	const struct issued_cert *named =
		rc == 0 && w->serial != NULL ? issued_find(&x, w->serial) : NULL;
	for (size_t i = 0; rc == 0 && i < x.n; i++) {
		struct issued_cert *c = &x.items[i];
		int in_force = c->to_us > w->how->now_us;
		if (c == named ||
			(w->by_key && in_force && memcmp(c->key, w->key, RV_DIGEST_LEN) == 0) ||
			(w->serial == NULL && in_force && strcmp(c->code, w->r.code) == 0)) {
			memcpy(w->r.code, c->code, sizeof(c->code));
			revoke_entry(w, c);
		}
	}
	if (rc == 0 && w->r.in_index > 0) {
		rc = issued_write(&x, w->a->dir, e);
	}
	issued_clear(&x);
	return rc;
}

/* ---- the draft ---- */

static int has_serial(const struct rv_cert *cert, const char *wanted)
{
	struct rv_span der;
	struct issued_cert entry = {.from_us = 0};
	const struct issued one = {&entry, 1, 1};
	rv_cert_der(cert, &der);
	const unsigned char *p = der.data;
	X509 *x509 = d2i_X509(NULL, &p, (long)der.len);
	int yes = x509 != NULL && issue_serial(x509, entry.serial, NULL) == 0 &&
		  issued_find(&one, wanted) != NULL;
	X509_free(x509);
	ERR_clear_error();
	return yes;
}

static int is_meant(const struct work *w, const xmlNode *node)
{
	struct rv_cert *cert = NULL;
	uint8_t key[RV_DIGEST_LEN];
	int64_t from_us, to_us;
	if (authority_period(node, &from_us, &to_us) != 0 ||
		authority_cert_in(node, &cert, NULL) != 0) {
		return 0;
	}
	/* what has ended signs nothing new; what comes late is judged by its dates */
	int yes = to_us > w->how->now_us && rv_cert_not_after(cert) > w->how->now_us;
	if (w->by_key) {
		yes = yes && issued_key_digest(key, rv_cert_key(cert), NULL) == 0 &&
		      memcmp(key, w->key, RV_DIGEST_LEN) == 0;
	}
	if (w->serial != NULL && (!yes || !w->by_key)) {
		yes = has_serial(cert, w->serial);
	}
	rv_cert_free(&cert);
	return yes;
}

static int revoke_node(struct work *w, xmlNode *node)
{
	const char *revoked = rv_xml_attr(node, "Revoked");
	const char *word = rv_xml_attr(node, "Reason");
	enum rv_reason reason = RV_REASON_UNSPECIFIED;
	int64_t since_us = 0;
	w->met++;
	if (revoked != NULL && (rv_stamp_parse(&since_us, revoked) != 0 || word == NULL ||
				       rv_reason_parse(&reason, word) != 0)) {
		since_us = INT64_MAX; /* nothing that a reader would take */
	}
	if (!adds(w, revoked != NULL, reason, since_us)) {
		return 0;
	}
	w->r.in_draft++;
	int64_t earlier = revoked != NULL && since_us < w->since_us ? since_us : w->since_us;
	return authority_set_stamp(node, "Revoked", earlier) == 0 &&
			       xmlSetProp(node, (const xmlChar *)"Reason",
				       (const xmlChar *)rv_reason_text(w->how->reason)) != NULL
		       ? 0
		       : RV_ENOMEM;
}

/* Whoever has the signing key had the same machine: its links are cut. */
static int end_curve_keys(struct work *w, xmlNode *member)
{
	int64_t now_us = authority_seconds(w->how->now_us);
	int rc = 0;
	for (xmlNode *n = rv_xml_child(member, "CurveKey"); n != NULL && rc == 0;
		n = rv_xml_again(n)) {
		int64_t from_us, to_us;
		if (authority_period(n, &from_us, &to_us) != 0 || to_us <= now_us) {
			continue;
		}
		w->r.ended++;
		if (from_us >= now_us) {
			rc = authority_set_stamp(n, "ValidFrom", now_us - RV_US_PER_SEC);
		}
		if (rc == 0) {
			rc = authority_set_stamp(n, "ValidTo", now_us);
		}
	}
	return rc;
}

static int revoke_member(struct work *w, xmlNode *member, struct rv_err *e)
{
	size_t before = w->r.in_draft;
	int rc = 0;
	for (xmlNode *n = rv_xml_child(member, "Certificate"); n != NULL && rc == 0;
		n = rv_xml_again(n)) {
		if (is_meant(w, n)) {
			rc = revoke_node(w, n);
		}
	}
	if (rc == 0 && w->r.in_draft > before && w->how->reason == RV_REASON_KEY_COMPROMISE) {
		rc = end_curve_keys(w, member);
	}
	return rc == 0 ? 0 : rv_fail_nomem(e);
}

static int revoke_in_draft(struct work *w, struct rv_err *e)
{
	struct authority_edit edit;
	int waits = 0;
	int rc = authority_edit_begin(&edit, w->a, e);
	if (rc != 0) {
		return rc;
	}
	for (xmlNode *m = rv_xml_child(w->a->list, "Member"); m != NULL && rc == 0;
		m = rv_xml_again(m)) {
		const char *code = rv_xml_child_text(m, "Code");
		if (code == NULL || (w->serial == NULL && strcmp(code, w->r.code) != 0)) {
			continue;
		}
		size_t before = w->r.in_draft;
		rc = revoke_member(w, m, e);
		if (rc == 0 && w->r.in_draft > before) {
			snprintf(w->r.code, sizeof(w->r.code), "%s", code);
		}
	}
	return authority_edit_end(&edit, rc, &waits, e);
}

/* ---- both ---- */

/* The key of the certificate with that serial number, wherever it is known from. */
static int find_key(struct work *w, const struct issued *x, struct rv_err *e)
{
	const struct issued_cert *c = issued_find(x, w->serial);
	int rc = 0;
	if (c != NULL) {
		memcpy(w->key, c->key, RV_DIGEST_LEN);
		w->by_key = 1;
	}
	for (const xmlNode *m = rv_xml_child(w->a->list, "Member");
		m != NULL && !w->by_key && rc == 0; m = rv_xml_again(m)) {
		for (const xmlNode *n = rv_xml_child(m, "Certificate");
			n != NULL && !w->by_key && rc == 0; n = rv_xml_again(n)) {
			struct rv_cert *cert = NULL;
			if (authority_cert_in(n, &cert, NULL) == 0 && has_serial(cert, w->serial)) {
				rc = issued_key_digest(w->key, rv_cert_key(cert), e);
				w->by_key = rc == 0;
			}
			rv_cert_free(&cert);
		}
	}
	return rc;
}

static int find_what(struct work *w, struct rv_err *e)
{
	struct issued x = {0};
	const char *what = w->how->what;
	int known = 0;
	int rc = issued_read(&x, w->a->dir, e);
	if (rc != 0) {
		return rc;
	}
	if (rv_code_valid(what)) {
		known = authority_find(w->a, "Member", what) != NULL;
		for (size_t i = 0; i < x.n && !known; i++) {
			known = strcmp(x.items[i].code, what) == 0;
		}
	}
	if (known) {
		snprintf(w->r.code, sizeof(w->r.code), "%s", what);
	} else if (issued_is_serial(what)) {
		w->serial = what;
		if (w->how->reason == RV_REASON_KEY_COMPROMISE) {
			rc = find_key(w, &x, e);
		}
	} else {
		rc = rv_fail(
			e, RV_ENOTFOUND, "%.80s is neither a member nor a serial number", what);
	}
	issued_clear(&x);
	return rc;
}

int authority_revoke(struct authority *a, const struct authority_revoke *how,
	struct authority_revoked *r, struct rv_err *e)
{
	struct work w = {.how = how, .a = a};
	if (how->since_us > how->now_us) {
		return rv_fail(e, RV_EINVAL, "the moment since which it is doubtful is to come");
	}
	w.since_us = authority_seconds(how->since_us != 0 ? how->since_us : how->now_us);
	int rc = find_what(&w, e);
	if (rc == 0) {
		rc = revoke_in_index(&w, e);
	}
	if (rc == 0) {
		rc = revoke_in_draft(&w, e);
	}
	if (rc == 0 && w.met == 0) {
		rc = rv_fail(e, RV_ENOTFOUND, "%s has no certificate in force", how->what);
	}
	if (rc == 0 && w.r.in_index == 0 && w.r.in_draft == 0) {
		rc = rv_fail(e, RV_EEXIST, "%s is revoked already", how->what);
	}
	if (rc == 0) {
		w.r.n = w.r.in_index > w.r.in_draft ? w.r.in_index : w.r.in_draft;
		*r = w.r;
	}
	return rc;
}

int authority_cease(
	struct authority *a, const char *code, int64_t now_us, size_t *n_r, struct rv_err *e)
{
	struct authority_revoke how = {
		.what = code, .reason = RV_REASON_CESSATION, .now_us = now_us};
	struct work w = {.how = &how, .a = a, .since_us = authority_seconds(now_us)};
	snprintf(w.r.code, sizeof(w.r.code), "%s", code);
	int rc = revoke_in_index(&w, e);
	*n_r = w.r.in_index;
	return rc;
}
