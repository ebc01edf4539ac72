/* SPDX-License-Identifier: Apache-2.0 */
#include "node/trust/authority_sign.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node/file.h"
#include "node/trust/authority_int.h"

struct authority_proposal {
	xmlDoc *doc;
	struct rv_trust *list, *last;
	uint8_t digest[RV_DIGEST_LEN];
	int is_signed; /* by every own key */
	int is_ours;   /* proposed by this folder */
};

void authority_proposal_free(struct authority_proposal **p)
{
	if (p == NULL || *p == NULL) {
		return;
	}
	rv_trust_unref(&(*p)->list);
	rv_trust_unref(&(*p)->last);
	xmlFreeDoc((*p)->doc);
	free(*p);
	*p = NULL;
}

const struct rv_trust *authority_proposal_list(const struct authority_proposal *p)
{
	return p->list;
}

const struct rv_trust *authority_proposal_last(const struct authority_proposal *p)
{
	return p->last;
}

int authority_proposal_signed(const struct authority_proposal *p)
{
	return p->is_signed;
}

/* ---- reading ---- */

static int has_seat(const struct rv_trust *t, const struct authority_own *own)
{
	const struct rv_dated_cert *seats;
	unsigned quorum;
	size_t n = rv_trust_signing(t, &seats, &quorum);
	for (size_t i = 0; i < n; i++) {
		if (authority_has_key(own, seats[i].cert)) {
			return 1;
		}
	}
	return 0;
}

static int check_seat(
	const struct authority_proposal *p, const struct authority_own *own, struct rv_err *e)
{
	if (has_seat(p->list, own) || has_seat(p->last, own)) {
		return 0;
	}
	rv_fail_rule(e, RV_EDENIED, "AUTHORITY-SEAT",
		"the list does not ask for the signature of this folder's key");
	rv_err_mend(e, "Who proposed it takes this authority in first: reeve authority co-signer "
		       "ADIR add, with the file own.pem of this folder.");
	return RV_EDENIED;
}

/* Somebody who may sign has: the list is no paper found in the street. */
static int check_signed(struct authority_proposal *p, const struct authority_own *own,
	int64_t now_us, struct rv_err *e)
{
	struct authority_outcome r = {0};
	int rc = authority_count(p->doc, p->list, p->last, now_us, &r, e);
	authority_outcome_clear(&r);
	int any = 0;
	const struct rv_trust *const by[] = {p->list, p->last};
	for (size_t k = 0; k < 2; k++) {
		const struct rv_dated_cert *seats;
		unsigned quorum;
		size_t n = rv_trust_signing(by[k], &seats, &quorum);
		for (size_t i = 0; i < n && rc == 0 && !any; i++) {
			rc = authority_signed_by(&any, p->doc, seats[i].cert, e);
		}
	}
	p->is_signed = 1;
	for (size_t i = 0; i < own->n && rc == 0; i++) {
		struct rv_cert *cert = NULL;
		int yes = 0;
		rc = authority_cert_of(&cert, own->certs[i], e);
		if (rc == 0) {
			rc = authority_signed_by(&yes, p->doc, cert, e);
		}
		p->is_signed &= yes;
		rv_cert_free(&cert);
	}
	if (rc == 0 && !any) {
		rc = rv_fail_rule(e, RV_ESIGNATURE, "AUTHORITY-UNSIGNED",
			"nobody of those who sign lists has signed this one");
		rv_err_mend(e, "A draft is signed first by who made it: reeve authority publish.");
	}
	return rc;
}

static int check_dates(const struct authority_proposal *p, int64_t now_us, struct rv_err *e)
{
	char text[RV_STAMP_TEXT];
	if (now_us > rv_trust_expires(p->list)) {
		rv_stamp_text(text, rv_trust_expires(p->list));
		return rv_fail_rule(
			e, RV_EEXPIRED, "TRUST-EXPIRED", "the list expired at %s", text);
	}
	if (rv_trust_issued(p->list) > now_us + RV_TRUST_AHEAD_US) {
		rv_stamp_text(text, rv_trust_issued(p->list));
		rv_fail_rule(e, RV_EEXPIRED, "TRUST-NOT-YET",
			"the list is issued at %s, which is still to come", text);
		rv_err_mend(e, "Check the clock of this machine.");
		return RV_EEXPIRED;
	}
	return 0;
}

/* What a folder has under the number of the list: nothing, the very list, or another one. */
enum kept { KEPT_NOT, KEPT_SAME, KEPT_OTHER };
static int is_kept(const struct authority *a, const struct authority_proposal *p,
	const char *folder, enum kept *kept_r, struct rv_err *e)
{
	char name[64];
	uint8_t digest[RV_DIGEST_LEN];
	xmlDoc *doc = NULL;
	struct rv_err why = {0};
	*kept_r = KEPT_NOT;
	snprintf(name, sizeof(name), "%s/%" PRIu64 ".xml", folder, rv_trust_number(p->list));
	int rc = authority_load(a, name, &doc, &why);
	if (rc == RV_ENOTFOUND) {
		return 0;
	}
	if (rc == 0) {
		rc = authority_digest(doc, digest, &why);
	}
	if (rc == 0) {
		*kept_r = memcmp(digest, p->digest, RV_DIGEST_LEN) == 0 ? KEPT_SAME : KEPT_OTHER;
	} else if (e != NULL) {
		*e = why;
	}
	xmlFreeDoc(doc);
	return rc;
}

static int check_number(const struct authority *a, struct authority_proposal *p, struct rv_err *e)
{
	static const char *const folders[] = {"published", "signed", "proposed"};
	uint64_t number = rv_trust_number(p->list);
	uint64_t next = 0;
	int same = 0;
	int other = 0;
	int rc = authority_number(a, &next, e);
	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]) && rc == 0; i++) {
		enum kept kept;
		rc = is_kept(a, p, folders[i], &kept, e);
		same |= kept == KEPT_SAME;
		other |= kept == KEPT_OTHER;
		p->is_ours = kept == KEPT_SAME; /* the last one: proposed */
	}
	if (rc == 0 && (other || (!same && number < next) ||
			       (p->last != NULL && number < rv_trust_number(p->last)))) {
		rc = rv_fail_rule(e, RV_EDENIED, "AUTHORITY-NUMBER",
			"the list has number %" PRIu64
			", and this folder has signed another one of that number or a later one",
			number);
		rv_err_mend(
			e, "Who proposed it publishes it anew, with --number %" PRIu64 ".", next);
	}
	return rc;
}

int authority_proposal_read(struct authority *a, const void *wire, size_t len, int64_t now_us,
	struct authority_proposal **p_r, struct rv_err *e)
{
	struct authority_own own = {.n = 0};
	struct authority_proposal *p = calloc(1, sizeof(*p));
	int rc = p != NULL ? rv_xml_parse(&p->doc, wire, len, &rv_xml_limits_trust, 0, e)
			   : rv_fail_nomem(e);
	if (rc == 0) {
		rc = rv_trust_check(&p->list, p->doc, e);
	}
	if (rc == 0) {
		rc = authority_digest(p->doc, p->digest, e);
	}
	if (rc == 0) {
		rc = authority_last(a, &p->last, e);
	}
	if (rc == 0) {
		rc = authority_own_read(a, &own, e);
	}
	if (rc == 0) {
		rc = check_seat(p, &own, e);
	}
	if (rc == 0) {
		rc = check_signed(p, &own, now_us, e);
	}
	if (rc == 0) {
		rc = check_dates(p, now_us, e);
	}
	if (rc == 0) {
		rc = check_number(a, p, e);
	}
	if (rc == 0) {
		*p_r = p;
		p = NULL;
	}
	authority_proposal_free(&p);
	authority_own_clear(&own);
	return rc;
}

/* ---- the draft goes on from a complete list ---- */

/* The canonical List without what each publication sets anew. */
static int content_of(xmlDoc *doc, struct rv_buf *out, struct rv_err *e)
{
	static const char *const set[] = {"Number", "Issued", "Expires", "Authority"};
	xmlDoc *copy = xmlCopyDoc(doc, 1);
	int rc = copy != NULL ? 0 : rv_fail_nomem(e);
	if (rc == 0) {
		xmlNode *list = rv_xml_first(xmlDocGetRootElement(copy));
		for (size_t i = 0; i < sizeof(set) / sizeof(set[0]); i++) {
			xmlUnsetProp(list, (const xmlChar *)set[i]);
		}
		rc = rv_xml_c14n(list, out, e);
	}
	xmlFreeDoc(copy);
	return rc;
}

/* Was the draft changed since the last list? Then it is kept aside. */
static int set_aside(
	struct authority *a, const struct authority_proposal *p, int *aside_r, struct rv_err *e)
{
	char name[64];
	xmlDoc *last = NULL;
	struct rv_buf was = {0}, is = {0}, text = {0};
	int rc = content_of(a->doc, &is, e);
	int same = 0;
	if (rc == 0 && p->last != NULL) {
		snprintf(name, sizeof(name), "published/%" PRIu64 ".xml", rv_trust_number(p->last));
		rc = authority_load(a, name, &last, e);
		if (rc == 0) {
			rc = content_of(last, &was, e);
		}
		same = rc == 0 && was.len == is.len && memcmp(was.data, is.data, is.len) == 0;
	} else if (rc == 0) {
		same = rv_xml_child(a->list, "Member") == NULL &&
		       rv_xml_child(a->list, "Operation") == NULL;
	}
	if (rc == 0 && !same) {
		rc = rv_xml_c14n_doc(a->doc, &text, e);
		if (rc == 0) {
			rc = authority_put(a->dir, "list.before.xml", 0600, &text, 0, e);
		}
		*aside_r = rc == 0;
	}
	rv_buf_free(&was);
	rv_buf_free(&is);
	rv_buf_free(&text);
	xmlFreeDoc(last);
	return rc;
}

/* The list without its signatures. */
static xmlDoc *unsigned_copy(xmlDoc *doc)
{
	xmlDoc *copy = xmlCopyDoc(doc, 1);
	xmlNode *list = copy != NULL ? rv_xml_first(xmlDocGetRootElement(copy)) : NULL;
	for (xmlNode *n; list != NULL && (n = rv_xml_next(list)) != NULL;) {
		xmlUnlinkNode(n);
		xmlFreeNode(n);
	}
	return copy;
}

/* Puts the number behind the list's, and the list in the draft's place if base is set. */
static int move_draft(struct authority *a, const struct authority_proposal *p,
	const struct authority_own *own, int base, struct rv_err *e)
{
	struct authority_edit edit;
	uint64_t next = 0;
	uint64_t behind = rv_trust_number(p->list) + 1;
	int waits = 0;
	int rc = authority_number(a, &next, e);
	if (rc == 0) {
		rc = authority_edit_begin(&edit, a, e);
	}
	if (rc != 0) {
		return rc;
	}
	if (base) {
		xmlDoc *doc = unsigned_copy(p->doc);
		if (doc != NULL) {
			xmlFreeDoc(a->doc);
			a->doc = doc;
			a->list = rv_xml_first(xmlDocGetRootElement(doc));
		} else {
			rc = rv_fail_nomem(e);
		}
	}
	if (rc == 0 && authority_set_number(a->list, next > behind ? next : behind) != 0) {
		rc = rv_fail_nomem(e);
	}
	if (rc == 0 && base && has_seat(p->list, own)) {
		rc = authority_take_seat(a, own, e);
	}
	return authority_edit_end(&edit, rc, &waits, e);
}

/* ---- signing ---- */

/* The folder must know that it has signed that number before the signature goes out. */
static int note_signed(const struct authority *a, const struct authority_proposal *p,
	const struct rv_buf *wire, struct rv_err *e)
{
	if (p->is_ours) {
		return 0;
	}
	struct rv_err why = {0};
	int rc = authority_archive(a, "signed", rv_trust_number(p->list), wire, &why);
	if (rc == RV_EEXIST) {
		return 0; /* the same list: check_number has seen to it */
	}
	if (rc != 0 && e != NULL) {
		*e = why;
	}
	return rc;
}

static int put_proposal(
	const struct authority *a, const char *out, const struct rv_buf *wire, struct rv_err *e)
{
	char *path = out != NULL ? strdup(out) : file_join(a->dir, "proposal.xml");
	int rc = path != NULL ? file_write(path, 0644, wire->data, wire->len, e) : rv_fail_nomem(e);
	free(path);
	return rc;
}

/* Does the draft go on from this list? Not where it has done so already. */
static int is_base(const struct authority_proposal *p, const struct authority_outcome *r)
{
	return r->complete && !p->is_ours &&
	       (p->last == NULL || rv_trust_number(p->list) > rv_trust_number(p->last));
}

int authority_sign(struct authority *a, const struct authority_proposal *p,
	const struct authority_sign *how, struct authority_outcome *r, int *set_aside_r,
	struct rv_err *e)
{
	struct authority_own own = {.n = 0};
	struct authority_outcome made = {0};
	struct rv_buf wire = {0};
	struct rv_trust *t = NULL;
	int aside = 0;
	xmlDoc *doc = xmlCopyDoc(p->doc, 1);
	int rc = doc != NULL ? authority_own_read(a, &own, e) : rv_fail_nomem(e);
	if (rc == 0) {
		rc = authority_add_signatures(a, &own, doc, how->ask, &wire, e);
	}
	if (rc == 0) {
		rc = authority_count(doc, p->list, p->last, how->now_us, &made, e);
	}
	if (rc == 0 && made.complete) {
		rc = authority_reread(a, &t, &wire, how->now_us, e);
	}
	int base = is_base(p, &made);
	if (rc == 0 && base) {
		rc = set_aside(a, p, &aside, e);
	}
	if (rc == 0) {
		rc = note_signed(a, p, &wire, e);
	}
	if (rc == 0) {
		rc = move_draft(a, p, &own, base, e);
	}
	if (rc == 0) {
		rc = made.complete ? authority_keep(a, t, how->out, &wire, e)
				   : put_proposal(a, how->out, &wire, e);
	}
	if (rc == 0) {
		made.number = rv_trust_number(p->list);
		made.until_us = rv_trust_expires(p->list);
		*r = made;
		*set_aside_r = aside;
		made = (struct authority_outcome){0};
	}
	authority_outcome_clear(&made);
	authority_own_clear(&own);
	rv_trust_unref(&t);
	rv_buf_free(&wire);
	xmlFreeDoc(doc);
	return rc;
}
