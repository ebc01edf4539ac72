/* SPDX-License-Identifier: Apache-2.0 */
#include "node/trust/diff.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * Both lists are laid out as facts: area, subject, label, key, value. Sorted by all but the value,
 * two runs over them tell what came, what went and what became different. A subject itself is the
 * fact without a label, which sorts first.
 */
struct fact {
	enum trust_area area;
	char *subject;
	const char *label; /* NULL: the subject */
	char *key, *value;
};

struct facts {
	struct fact *items;
	size_t n, room;
	int failed;
};

struct trust_diff {
	struct facts older, newer; /* what the changes point into */
	struct trust_change *changes;
	size_t n, room;
};

const char *trust_area_text(enum trust_area area)
{
	static const char *const words[] = {[TRUST_AREA_SIGNING] = "signing",
		[TRUST_AREA_ISSUER] = "issuer",
		[TRUST_AREA_CHECKING] = "checking",
		[TRUST_AREA_MEMBER] = "member",
		[TRUST_AREA_OPERATION] = "operation"};
	return area >= TRUST_AREA_SIGNING && area <= TRUST_AREA_OPERATION ? words[area] : "?";
}

const char *trust_change_text(enum trust_change_kind kind)
{
	return kind == TRUST_ADDED ? "added" : kind == TRUST_REMOVED ? "removed" : "changed";
}

/* ---- facts ---- */

static void clear_facts(struct facts *f)
{
	for (size_t i = 0; i < f->n; i++) {
		free(f->items[i].subject);
		free(f->items[i].key);
		free(f->items[i].value);
	}
	free(f->items);
	*f = (struct facts){0};
}

/* A copy on one line: no text makes a line of its own. */
static char *one_line(const char *text)
{
	char *copy = strdup(text);
	for (char *p = copy; p != NULL && *p != '\0'; p++) {
		*p = (unsigned char)*p < ' ' ? ' ' : *p;
	}
	return copy;
}

static void add(struct facts *f, enum trust_area area, const char *subject, const char *label,
	const char *key, const char *value)
{
	if (f->failed) {
		return;
	}
	if (f->n == f->room) {
		size_t room = f->room != 0 ? 2 * f->room : 64;
		struct fact *items = reallocarray(f->items, room, sizeof(*items));
		if (items == NULL) {
			f->failed = 1;
			return;
		}
		f->items = items;
		f->room = room;
	}
	struct fact made = {area, one_line(subject), label, one_line(key), one_line(value)};
	f->items[f->n++] = made;
	f->failed = made.subject == NULL || made.key == NULL || made.value == NULL;
}

static void short_digest(const struct rv_cert *cert, char out[17])
{
	rv_hex(out, rv_cert_digest(cert), 8);
}

static void period(char out[64], int64_t from_us, int64_t to_us)
{
	char from[RV_STAMP_TEXT], to[RV_STAMP_TEXT];
	rv_stamp_text(from, from_us);
	rv_stamp_text(to, to_us);
	snprintf(out, 64, "%s to %s", from, to);
}

static void add_number(
	struct facts *f, enum trust_area area, const char *subject, const char *label, unsigned n)
{
	char text[16];
	snprintf(text, sizeof(text), "%u", n);
	add(f, area, subject, label, "", text);
}

static void signing_facts(struct facts *f, const struct rv_trust *t)
{
	const struct rv_dated_cert *certs;
	unsigned quorum;
	size_t n = rv_trust_signing(t, &certs, &quorum);
	if (n == 0) {
		return;
	}
	add(f, TRUST_AREA_SIGNING, "", NULL, "", "");
	add_number(f, TRUST_AREA_SIGNING, "", "signatures needed", quorum);
	for (size_t i = 0; i < n; i++) {
		char digest[17], dates[64], subject[160], value[256];
		short_digest(certs[i].cert, digest);
		period(dates, certs[i].from_us, certs[i].to_us);
		rv_cert_subject(certs[i].cert, subject, sizeof(subject));
		snprintf(value, sizeof(value), "%s, %s", subject, dates);
		add(f, TRUST_AREA_SIGNING, "", "signer", digest, value);
	}
}

static void issuer_facts(struct facts *f, const struct rv_issuer *issuer)
{
	char digest[17], subject[160], name[192], dates[64];
	short_digest(issuer->cert, digest);
	rv_cert_subject(issuer->cert, subject, sizeof(subject));
	snprintf(name, sizeof(name), "%s (%s)", subject, digest);
	add(f, TRUST_AREA_ISSUER, name, NULL, "", "");
	period(dates, rv_cert_not_before(issuer->cert), rv_cert_not_after(issuer->cert));
	add(f, TRUST_AREA_ISSUER, name, "valid", "", dates);
	for (size_t i = 0; i < issuer->n_crl_urls; i++) {
		add(f, TRUST_AREA_ISSUER, name, "CRL at", issuer->crl_urls[i], "");
	}
	for (size_t i = 0; i < issuer->n_ocsp_urls; i++) {
		add(f, TRUST_AREA_ISSUER, name, "OCSP at", issuer->ocsp_urls[i], "");
	}
	for (size_t i = 0; i < issuer->n_members; i++) {
		add(f, TRUST_AREA_ISSUER, name, "for", issuer->members[i], "");
	}
	if (issuer->n_members == 0) {
		add(f, TRUST_AREA_ISSUER, name, "for", "every member", "");
	}
}

static void checking_facts(struct facts *f, const struct rv_trust *t)
{
	static const char *const modes[] = {[RV_CHECKING_OFF] = "off",
		[RV_CHECKING_SOFT] = "soft",
		[RV_CHECKING_HARD] = "hard"};
	for (unsigned bit = RV_ROLE_ADMINISTRATION; bit <= RV_ROLE_RELAY; bit <<= 1) {
		struct rv_checking c = rv_trust_checking(t, bit);
		char value[64];
		if (c.mode == RV_CHECKING_SOFT && c.max_age_us == RV_CHECKING_AGE_US) {
			continue; /* what holds where nothing is said */
		}
		snprintf(value, sizeof(value), "%s, a status of at most %lld hours", modes[c.mode],
			(long long)(c.max_age_us / (3600 * RV_US_PER_SEC)));
		add(f, TRUST_AREA_CHECKING, rv_role_text((enum rv_role)bit), NULL, "", "");
		add(f, TRUST_AREA_CHECKING, rv_role_text((enum rv_role)bit), "revocation", "",
			value);
	}
}

static void right_facts(struct facts *f, const char *code, const struct rv_right *r)
{
	struct rv_buf value = {0};
	for (unsigned class = 1; class <= 45 && r->nice != 0; class ++) {
		if (r->nice & (UINT64_C(1) << class)) {
			rv_buf_printf(&value, "%sclass %u", value.len > 0 ? ", " : "", class);
		}
	}
	for (size_t i = 0; i < r->n_countries; i++) {
		rv_buf_printf(&value, "%s%s", value.len > 0 ? ", " : "", r->countries[i]);
	}
	struct rv_buf key = {0};
	rv_buf_printf(&key, "%s%s%s", r->brand, r->registration != NULL ? " " : "",
		r->registration != NULL ? r->registration : "");
	const char *k = rv_buf_cstr(&key);
	const char *v = rv_buf_cstr(&value);
	if (k == NULL || v == NULL) {
		f->failed = 1;
	} else {
		add(f, TRUST_AREA_MEMBER, code, "right", k, v);
	}
	rv_buf_free(&key);
	rv_buf_free(&value);
}

static void member_facts(struct facts *f, const struct rv_member *m)
{
	const enum trust_area area = TRUST_AREA_MEMBER;
	char value[192], dates[64];
	add(f, area, m->code, NULL, "", "");
	add(f, area, m->code, "name", "", m->name);
	if (m->country[0] != '\0') {
		add(f, area, m->code, "country", "", m->country);
	}
	for (unsigned bit = RV_ROLE_ADMINISTRATION; bit <= RV_ROLE_RELAY; bit <<= 1) {
		if (m->roles & bit) {
			add(f, area, m->code, "role", rv_role_text((enum rv_role)bit), "");
		}
	}
	for (size_t i = 0; i < m->n_endpoints; i++) {
		add(f, area, m->code, "endpoint", m->endpoints[i], "");
	}
	for (size_t i = 0; i < m->n_via; i++) {
		snprintf(value, sizeof(value), "relay %zu", i + 1);
		add(f, area, m->code, "via", m->via[i], value);
	}
	for (size_t i = 0; i < m->n_certs; i++) {
		const struct rv_dated_cert *c = &m->certs[i];
		char digest[17], since[RV_STAMP_TEXT];
		short_digest(c->cert, digest);
		period(dates, c->from_us, c->to_us);
		snprintf(value, sizeof(value), "%s", dates);
		if (c->revoked_us != 0) {
			rv_stamp_text(since, c->revoked_us);
			snprintf(value, sizeof(value), "%s, revoked since %s: %s", dates, since,
				rv_reason_text(c->reason));
		}
		add(f, area, m->code, "certificate", digest, value);
	}
	for (size_t i = 0; i < m->n_keys; i++) {
		period(dates, m->keys[i].from_us, m->keys[i].to_us);
		add(f, area, m->code, "CURVE key", m->keys[i].z85, dates);
	}
	for (size_t i = 0; i < m->n_rights; i++) {
		right_facts(f, m->code, &m->rights[i]);
	}
}

static void operation_facts(struct facts *f, const struct rv_operation *op)
{
	const enum trust_area area = TRUST_AREA_OPERATION;
	char value[96];
	add(f, area, op->code, NULL, "", "");
	add_number(f, area, op->code, "version", op->version);
	add(f, area, op->code, "name", "", op->name);
	add(f, area, op->code, "lead", "", op->lead);
	period(value, op->from_us, op->to_us);
	add(f, area, op->code, "dates", "", value);
	for (unsigned bit = RV_RISK_REVENUE; bit <= RV_RISK_ENVIRONMENT; bit <<= 1) {
		if (op->risks & bit) {
			add(f, area, op->code, "risk area", rv_risk_text((enum rv_risk)bit), "");
		}
	}
	for (int k = RV_KIND_WARNING; k < RV_KIND_LAST; k++) {
		if (op->kinds & (1u << k)) {
			add(f, area, op->code, "kind", rv_kind_text((enum rv_kind)k), "");
		}
	}
	if (op->kinds == 0) {
		add(f, area, op->code, "kind", "all", "");
	}
	add(f, area, op->code, "personal data", "",
		op->nominal_allowed ? "allowed" : "not allowed");
	for (size_t i = 0; i < op->n_participants; i++) {
		const struct rv_participant *p = &op->participants[i];
		char key[64];
		char from[RV_STAMP_TEXT];
		/* one member may take part several times: each time is a fact of its own */
		rv_stamp_text(from, p->from_us);
		snprintf(
			key, sizeof(key), "%s as %s from %s", p->code, rv_part_text(p->part), from);
		rv_stamp_text(from, p->to_us);
		snprintf(value, sizeof(value), "until %s", from);
		add(f, area, op->code, "participant", key, value);
	}
	for (size_t i = 0; i < op->n_categories; i++) {
		snprintf(value, sizeof(value), "version %u, %zu categories",
			op->categories[i].version, op->categories[i].n);
		add(f, area, op->code, "category list", op->categories[i].code, value);
	}
}

static int by_place(const void *a, const void *b)
{
	const struct fact *x = a;
	const struct fact *y = b;
	int c = x->area != y->area ? (x->area < y->area ? -1 : 1) : strcmp(x->subject, y->subject);
	if (c == 0 && (x->label == NULL || y->label == NULL)) {
		return (x->label != NULL) - (y->label != NULL);
	}
	c = c != 0 ? c : strcmp(x->label, y->label);
	return c != 0 ? c : strcmp(x->key, y->key);
}

static int lay_out(struct facts *f, const struct rv_trust *t, struct rv_err *e)
{
	const struct rv_issuer *issuers;
	const struct rv_member *members;
	const struct rv_operation *operations;
	if (t == NULL) {
		return 0;
	}
	signing_facts(f, t);
	size_t n = rv_trust_issuers(t, &issuers);
	for (size_t i = 0; i < n; i++) {
		issuer_facts(f, &issuers[i]);
	}
	checking_facts(f, t);
	n = rv_trust_members(t, &members);
	for (size_t i = 0; i < n; i++) {
		member_facts(f, &members[i]);
	}
	n = rv_trust_operations(t, &operations);
	for (size_t i = 0; i < n; i++) {
		operation_facts(f, &operations[i]);
	}
	if (f->failed) {
		return rv_fail_nomem(e);
	}
	if (f->n > 0) {
		qsort(f->items, f->n, sizeof(*f->items), by_place);
	}
	return 0;
}

/* ---- the difference ---- */

static int put_change(struct trust_diff *d, enum trust_change_kind kind, const struct fact *was,
	const struct fact *now)
{
	if (d->n == d->room) {
		size_t room = d->room != 0 ? 2 * d->room : 64;
		struct trust_change *changes = reallocarray(d->changes, room, sizeof(*changes));
		if (changes == NULL) {
			return RV_ENOMEM;
		}
		d->changes = changes;
		d->room = room;
	}
	const struct fact *f = now != NULL ? now : was;
	d->changes[d->n++] = (struct trust_change){kind, f->area, f->subject, f->label, f->key,
		was != NULL ? was->value : NULL, now != NULL ? now->value : NULL};
	return 0;
}

static int same_subject(const struct fact *a, const struct fact *b)
{
	return a->area == b->area && strcmp(a->subject, b->subject) == 0;
}

/* Before the first changed fact of a subject that is in both lists stands the subject. */
static int put_subject(struct trust_diff *d, const struct fact *f)
{
	const struct trust_change *last = d->n > 0 ? &d->changes[d->n - 1] : NULL;
	if (last != NULL && last->area == f->area && strcmp(last->subject, f->subject) == 0) {
		return 0;
	}
	struct fact subject = {f->area, f->subject, NULL, f->key, f->value};
	int rc = put_change(d, TRUST_CHANGED, &subject, &subject);
	if (rc == 0) {
		d->changes[d->n - 1].key = "";
		d->changes[d->n - 1].was = d->changes[d->n - 1].now = NULL;
	}
	return rc;
}

/* A fact of one list alone. Where its subject went, that is said once. */
static int put_single(struct trust_diff *d, const struct fact *f, const struct fact **gone,
	enum trust_change_kind kind)
{
	if (f->label == NULL) {
		*gone = kind == TRUST_REMOVED ? f : NULL;
		return put_change(d, kind, kind == TRUST_REMOVED ? f : NULL,
			kind == TRUST_REMOVED ? NULL : f);
	}
	if (kind == TRUST_REMOVED && *gone != NULL && same_subject(*gone, f)) {
		return 0;
	}
	int rc = put_subject(d, f);
	return rc != 0 ? rc
		       : put_change(d, kind, kind == TRUST_REMOVED ? f : NULL,
				 kind == TRUST_REMOVED ? NULL : f);
}

static int compare(struct trust_diff *d)
{
	const struct facts *a = &d->older;
	const struct facts *b = &d->newer;
	const struct fact *gone = NULL;
	size_t i = 0, j = 0;
	int rc = 0;
	while ((i < a->n || j < b->n) && rc == 0) {
		int c = i == a->n ? 1 : j == b->n ? -1 : by_place(&a->items[i], &b->items[j]);
		if (c < 0) {
			rc = put_single(d, &a->items[i++], &gone, TRUST_REMOVED);
		} else if (c > 0) {
			rc = put_single(d, &b->items[j++], &gone, TRUST_ADDED);
		} else {
			const struct fact *was = &a->items[i++];
			const struct fact *now = &b->items[j++];
			if (strcmp(was->value, now->value) != 0) {
				rc = put_subject(d, now);
				rc = rc != 0 ? rc : put_change(d, TRUST_CHANGED, was, now);
			}
		}
	}
	return rc;
}

int trust_diff_new(struct trust_diff **d_r, const struct rv_trust *older,
	const struct rv_trust *newer, struct rv_err *e)
{
	struct trust_diff *d = calloc(1, sizeof(*d));
	int rc = d != NULL ? lay_out(&d->older, older, e) : rv_fail_nomem(e);
	if (rc == 0) {
		rc = lay_out(&d->newer, newer, e);
	}
	if (rc == 0 && compare(d) != 0) {
		rc = rv_fail_nomem(e);
	}
	if (rc == 0) {
		*d_r = d;
		d = NULL;
	}
	trust_diff_free(&d);
	return rc;
}

void trust_diff_free(struct trust_diff **d)
{
	if (d == NULL || *d == NULL) {
		return;
	}
	clear_facts(&(*d)->older);
	clear_facts(&(*d)->newer);
	free((*d)->changes);
	free(*d);
	*d = NULL;
}

size_t trust_diff_changes(const struct trust_diff *d, const struct trust_change **changes_r)
{
	*changes_r = d->changes;
	return d->n;
}

size_t trust_diff_count(
	const struct trust_diff *d, enum trust_area area, enum trust_change_kind kind)
{
	size_t n = 0;
	for (size_t i = 0; i < d->n; i++) {
		n += d->changes[i].label == NULL && d->changes[i].area == area &&
		     d->changes[i].kind == kind;
	}
	return n;
}

/* ---- for people ---- */

static void put_fact(struct rv_buf *out, const struct trust_change *c, int plain)
{
	char mark = c->kind == TRUST_ADDED ? '+' : c->kind == TRUST_REMOVED ? '-' : '~';
	const char *value = c->now != NULL ? c->now : c->was != NULL ? c->was : "";
	rv_buf_printf(out, "  %c %s", plain ? ' ' : mark, c->label);
	if (c->key[0] != '\0') {
		rv_buf_printf(out, " %s", c->key);
	}
	if (c->kind == TRUST_CHANGED) {
		rv_buf_printf(out, ": %s -> %s\n", c->was[0] != '\0' ? c->was : "(nothing)",
			c->now[0] != '\0' ? c->now : "(nothing)");
	} else {
		rv_buf_printf(out, "%s%s\n", value[0] != '\0' ? ": " : "", value);
	}
}

int trust_diff_text(const struct trust_diff *d, struct rv_buf *out, struct rv_err *e)
{
	int plain = 0; /* facts of a subject that is new as a whole */
	for (size_t i = 0; i < d->n; i++) {
		const struct trust_change *c = &d->changes[i];
		if (c->label == NULL) {
			plain = c->kind == TRUST_ADDED;
			rv_buf_printf(out, "%c %s%s%s\n",
				plain                      ? '+'
				: c->kind == TRUST_REMOVED ? '-'
							   : '~',
				trust_area_text(c->area), c->subject[0] != '\0' ? " " : "",
				c->subject);
		} else {
			put_fact(out, c, plain);
		}
	}
	return rv_buf_ok(out) ? 0 : rv_fail_nomem(e);
}
