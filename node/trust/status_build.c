/* SPDX-License-Identifier: Apache-2.0 */
#include "node/trust/status_int.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A certificate of an issuer stands on many paths: what a source says of it is read once. */
struct upper {
	const uint8_t *cert, *issuer; /* digests in paths of the view */
	enum rv_status_source kind;
	int rc;
	struct rv_cert_status status;
};

/* A view under work. */
struct build {
	struct status_view *v;
	const struct status_view *before;
	struct status_blob *const *blobs;
	size_t n_blobs;
	struct status_trial *trial;
	int64_t now_us;
	struct upper *uppers;
	size_t n_uppers, cap_uppers;
};

/* ---- finding ---- */

static size_t slot_of(const struct status_view *v, const uint8_t cert[RV_DIGEST_LEN])
{
	uint64_t h;
	memcpy(&h, cert, sizeof(h));
	return (size_t)h & (v->n_slots - 1);
}

const struct status_entry *status_find(
	const struct status_view *v, const uint8_t cert[RV_DIGEST_LEN])
{
	for (size_t at = slot_of(v, cert); v->slots[at] != 0; at = (at + 1) & (v->n_slots - 1)) {
		const struct status_entry *en = &v->entries[v->slots[at] - 1];
		if (memcmp(en->cert, cert, RV_DIGEST_LEN) == 0) {
			return en;
		}
	}
	return NULL;
}

const struct rv_issuer *status_issuer(
	const struct status_view *v, const struct rv_path *path, size_t i)
{
	const struct rv_issuer *issuers;
	size_t at = 0;
	size_t n = rv_trust_issuers(v->trust, &issuers);
	return rv_path_issuer(path, i + 1, &at) == 0 && at < n ? &issuers[at] : NULL;
}

static struct status_blob *blob_of(
	const struct build *b, enum rv_status_source kind, const uint8_t key[RV_DIGEST_LEN])
{
	struct status_blob *trial = b->trial != NULL ? b->trial->blob : NULL;
	if (trial != NULL && trial->kind == kind && memcmp(trial->key, key, RV_DIGEST_LEN) == 0) {
		return trial;
	}
	for (size_t i = 0; i < b->n_blobs; i++) {
		if (b->blobs[i]->kind == kind &&
			memcmp(b->blobs[i]->key, key, RV_DIGEST_LEN) == 0) {
			return b->blobs[i];
		}
	}
	return NULL;
}

/* ---- paths ---- */

static struct status_way *way_ref(struct status_way *w)
{
	atomic_fetch_add(&w->refs, 1);
	return w;
}

static void way_unref(struct status_way *w)
{
	if (w != NULL && atomic_fetch_sub(&w->refs, 1) == 1) {
		rv_path_free(&w->path);
		free(w);
	}
}

/* The present, or the moment nearest to it at which the certificate was in use. */
static int64_t moment_of(const struct rv_dated_cert *c, int64_t now_us)
{
	int64_t from = rv_cert_not_before(c->cert);
	int64_t to = rv_cert_not_after(c->cert);
	from = from > c->from_us ? from : c->from_us;
	to = to < c->to_us ? to : c->to_us;
	return now_us < from ? from : now_us > to ? to : now_us;
}

static struct status_way *way_new(const struct rv_chain *chain, const struct rv_err *no_chain,
	const struct rv_member *m, const struct rv_dated_cert *c, int64_t now_us)
{
	struct status_way *w = calloc(1, sizeof(*w));
	if (w == NULL) {
		return NULL;
	}
	atomic_init(&w->refs, 1);
	if (chain == NULL) {
		w->rc = no_chain->code;
		w->why = *no_chain;
		return w;
	}
	w->rc = rv_chain_path(&w->path, chain, c->cert, m->code, moment_of(c, now_us), &w->why);
	if (w->rc != 0 && (strcmp(w->why.rule, "CHAIN-ISSUER") == 0 ||
				  strcmp(w->why.rule, "CHAIN-SELF-SIGNED") == 0)) {
		w->rc = 0;
		w->listed = 1;
	}
	return w;
}

static int make_chain(struct rv_chain **chain_r, const struct rv_trust *t, struct rv_err *e)
{
	const struct rv_issuer *issuers;
	size_t n = rv_trust_issuers(t, &issuers);
	struct rv_chain_issuer *list = calloc(n + 1, sizeof(*list));
	if (list == NULL) {
		return rv_fail_nomem(e);
	}
	for (size_t i = 0; i < n; i++) {
		rv_cert_der(issuers[i].cert, &list[i].der);
		list[i].members = (const char(*)[RV_CODE_TEXT])issuers[i].members;
		list[i].n_members = issuers[i].n_members;
	}
	int rc = rv_chain_new(chain_r, list, n, e);
	free(list);
	return rc;
}

static int find_ways(struct build *b, struct rv_err *e)
{
	struct status_view *v = b->v;
	struct rv_chain *chain = NULL;
	struct rv_err no_chain = {0};
	int same = b->before != NULL && b->before->trust == v->trust;
	int rc = same ? 0 : make_chain(&chain, v->trust, &no_chain);
	if (rc == RV_ENOMEM) {
		return rv_fail_nomem(e);
	}
	rc = 0;
	for (size_t i = 0; rc == 0 && i < v->n_entries; i++) {
		struct status_entry *en = &v->entries[i];
		if (same) {
			en->way = way_ref(b->before->entries[i].way);
			continue;
		}
		const struct rv_dated_cert *c = NULL;
		for (size_t k = 0; k < en->member->n_certs; k++) {
			if (memcmp(rv_cert_digest(en->member->certs[k].cert), en->cert,
				    RV_DIGEST_LEN) == 0) {
				c = &en->member->certs[k];
			}
		}
		en->way = way_new(chain, &no_chain, en->member, c, b->now_us);
		if (en->way == NULL || en->way->rc == RV_ENOMEM) {
			rc = rv_fail_nomem(e);
		}
	}
	rv_chain_free(&chain);
	return rc;
}

/* ---- what the sources say ---- */

/* What the former view knew of the same certificate under the same issuer. */
static const struct rv_cert_status *known_before(
	const struct build *b, const struct status_entry *en, size_t i, enum rv_status_source kind)
{
	const struct status_entry *old = b->before != NULL ? status_find(b->before, en->cert) : NULL;
	const struct rv_path *was = old != NULL ? old->way->path : NULL;
	const struct rv_path *is = en->way->path;
	if (was == NULL || i >= rv_path_links(was) ||
		memcmp(rv_path_digest(was, i), rv_path_digest(is, i), RV_DIGEST_LEN) != 0 ||
		memcmp(rv_path_digest(was, i + 1), rv_path_digest(is, i + 1), RV_DIGEST_LEN) != 0) {
		return NULL;
	}
	const struct rv_cert_status *s = &old->links[i].by[kind];
	return s->source != 0 ? s : NULL;
}

static int read_at(const struct status_blob *blob, const struct rv_path *path, size_t i,
	const struct rv_status_when *when, struct rv_cert_status *s_r, struct rv_err *e)
{
	struct rv_span none = {NULL, 0};
	return blob->kind == RV_STATUS_CRL
		       ? rv_status_from_crl(s_r, path, i, blob->data, blob->len, when, e)
		       : rv_status_from_ocsp(
				 s_r, path, i, blob->data, blob->len, none, when, e);
}

/*
 * What lay here over a restart is read as on the day it was taken: a revocation does not end
 * because no newer CRL could be had, and whether the rest is fresh is asked when it is used.
 */
static int read_blob(const struct build *b, const struct status_entry *en, size_t i,
	const struct status_blob *blob, const struct rv_cert_status *known, struct rv_cert_status *s_r,
	struct rv_err *e)
{
	struct rv_status_when when = {.now_us = b->now_us, .known = known};
	when.max_age_us = blob->kind == RV_STATUS_OCSP ? en->checking.max_age_us : 0;
	int rc = read_at(blob, en->way->path, i, &when, s_r, e);
	if (rc == RV_EEXPIRED && (b->trial == NULL || blob != b->trial->blob)) {
		when.now_us = blob->taken_us;
		rc = read_at(blob, en->way->path, i, &when, s_r, e);
	}
	return rc;
}

static void note_trial(struct build *b, const struct status_blob *blob, int rc,
	const struct rv_err *why)
{
	struct status_trial *trial = b->trial;
	if (trial == NULL || blob != trial->blob) {
		return;
	}
	/* a part of a CRL that is cut up concerns some certificates only */
	if (rc == 0) {
		trial->good++;
	} else if (strcmp(why->rule, "CHAIN-CRL-SCOPE") != 0 && trial->rc == 0) {
		trial->rc = rc;
		trial->why = *why;
	} else if (trial->rc == 0 && trial->good == 0) {
		trial->why = *why;
	}
}

static struct upper *upper_of(struct build *b, const uint8_t *cert, const uint8_t *issuer,
	enum rv_status_source kind)
{
	for (size_t i = 0; i < b->n_uppers; i++) {
		struct upper *u = &b->uppers[i];
		if (u->kind == kind && memcmp(u->cert, cert, RV_DIGEST_LEN) == 0 &&
			memcmp(u->issuer, issuer, RV_DIGEST_LEN) == 0) {
			return u;
		}
	}
	return NULL;
}

/* Without memory for it, it is read again. */
static void upper_add(struct build *b, const struct upper *u)
{
	if (b->n_uppers == b->cap_uppers) {
		size_t cap = b->cap_uppers == 0 ? 16 : 2 * b->cap_uppers;
		struct upper *more = realloc(b->uppers, cap * sizeof(*more));
		if (more == NULL) {
			return;
		}
		b->uppers = more;
		b->cap_uppers = cap;
	}
	b->uppers[b->n_uppers++] = *u;
}

static void ask_source(
	struct build *b, struct status_entry *en, size_t i, enum rv_status_source kind)
{
	const struct rv_path *path = en->way->path;
	const uint8_t *cert = rv_path_digest(path, i);
	const uint8_t *issuer = rv_path_digest(path, i + 1);
	struct rv_cert_status *s = &en->links[i].by[kind];
	const struct status_blob *blob = blob_of(b, kind, kind == RV_STATUS_CRL ? issuer : cert);
	const struct rv_cert_status *known = known_before(b, en, i, kind);
	const struct upper *u = i > 0 ? upper_of(b, cert, issuer, kind) : NULL;
	struct rv_err why = {0};
	if (known != NULL) {
		*s = *known;
	}
	if (u != NULL) {
		if (u->rc == 0) {
			*s = u->status;
		}
		return;
	}
	if (blob == NULL ||
		(known != NULL && memcmp(known->source_digest, blob->digest, RV_DIGEST_LEN) == 0)) {
		return;
	}
	struct upper read = {cert, issuer, kind, 0, {0}};
	read.rc = read_blob(b, en, i, blob, known, &read.status, &why);
	note_trial(b, blob, read.rc, &why);
	if (read.rc == 0) {
		*s = read.status;
	}
	if (i > 0) {
		upper_add(b, &read);
	}
}

/* ---- what it comes to ---- */

static void add_revocation(struct status_entry *en, const struct rv_cert_status *s)
{
	int64_t since = s->revoked_us;
	if (s->invalid_us != 0 && s->invalid_us < since) {
		since = s->invalid_us;
	}
	if (en->revoked_us == 0 || since < en->revoked_us) {
		en->revoked_us = since > 0 ? since : 1;
		en->revoked_by = s->source;
		snprintf(en->reason, sizeof(en->reason), "%s", rv_revocation_text(s->reason));
	}
}

static int64_t fresh_until(const struct rv_cert_status *s, int64_t max_age_us)
{
	int64_t until = s->this_us + max_age_us;
	if (s->next_us != 0 && s->next_us + RV_STATUS_SKEW_US < until) {
		until = s->next_us + RV_STATUS_SKEW_US;
	}
	return until;
}

static void sum_up_link(const struct status_view *v, struct status_entry *en, size_t i)
{
	const struct rv_cert_status *best = NULL;
	const struct rv_issuer *issuer = status_issuer(v, en->way->path, i);
	for (int kind = RV_STATUS_CRL; kind < STATUS_KINDS; kind++) {
		const struct rv_cert_status *s = &en->links[i].by[kind];
		if (s->source == 0) {
			continue;
		}
		if (s->kind == RV_STATUS_REVOKED) {
			add_revocation(en, s);
		} else if (s->kind == RV_STATUS_GOOD &&
			   (best == NULL || fresh_until(s, en->checking.max_age_us) >
						   fresh_until(best, en->checking.max_age_us))) {
			best = s;
		}
	}
	if (best != NULL) {
		int64_t until = fresh_until(best, en->checking.max_age_us);
		en->fresh_until_us = until < en->fresh_until_us ? until : en->fresh_until_us;
	} else if (i == 0 || (issuer != NULL && issuer->n_crl_urls + issuer->n_ocsp_urls > 0)) {
		en->unknown = 1;
	}
	if (best != NULL && i == 0) {
		en->source = best->source;
		en->as_of_us = best->this_us;
	}
}

static void sum_up(const struct status_view *v, struct status_entry *en)
{
	const struct rv_path *path = en->way->path;
	en->from_us = INT64_MIN;
	en->to_us = en->fresh_until_us = INT64_MAX;
	if (path == NULL) {
		return;
	}
	en->from_us = rv_path_from(path);
	en->to_us = rv_path_to(path);
	for (size_t i = 0; i < rv_path_links(path); i++) {
		sum_up_link(v, en, i);
	}
}

/* ---- the whole ---- */

static int make_entries(struct status_view *v, struct rv_err *e)
{
	const struct rv_member *members;
	size_t n_members = rv_trust_members(v->trust, &members);
	size_t n = 0;
	for (size_t i = 0; i < n_members; i++) {
		n += members[i].n_certs;
	}
	for (v->n_slots = 16; v->n_slots < 2 * n; v->n_slots *= 2) {
	}
	v->entries = calloc(n + 1, sizeof(*v->entries));
	v->slots = calloc(v->n_slots, sizeof(*v->slots));
	if (v->entries == NULL || v->slots == NULL) {
		return rv_fail_nomem(e);
	}
	for (size_t i = 0; i < n_members; i++) {
		for (size_t k = 0; k < members[i].n_certs; k++) {
			const struct rv_dated_cert *c = &members[i].certs[k];
			struct status_entry *en = &v->entries[v->n_entries++];
			memcpy(en->cert, rv_cert_digest(c->cert), RV_DIGEST_LEN);
			en->member = &members[i];
			en->checking = rv_trust_checking(v->trust, members[i].roles);
			en->listed_revoked_us = c->revoked_us;
			snprintf(en->listed_reason, sizeof(en->listed_reason), "%s",
				rv_reason_text(c->reason));
			size_t at = slot_of(v, en->cert);
			while (v->slots[at] != 0) {
				at = (at + 1) & (v->n_slots - 1);
			}
			v->slots[at] = (uint32_t)v->n_entries;
		}
	}
	return 0;
}

static int keep_blobs(struct build *b, struct rv_err *e)
{
	struct status_view *v = b->v;
	struct status_blob *trial = b->trial != NULL ? b->trial->blob : NULL;
	v->blobs = calloc(b->n_blobs + 1, sizeof(struct status_blob *));
	if (v->blobs == NULL) {
		return rv_fail_nomem(e);
	}
	for (size_t i = 0; i < b->n_blobs; i++) {
		if (trial == NULL || b->blobs[i]->kind != trial->kind ||
			memcmp(b->blobs[i]->key, trial->key, RV_DIGEST_LEN) != 0) {
			v->blobs[v->n_blobs++] = status_blob_ref(b->blobs[i]);
		}
	}
	if (trial != NULL) {
		v->blobs[v->n_blobs++] = status_blob_ref(trial);
	}
	return 0;
}

void status_view_free(struct status_view *v)
{
	if (v == NULL) {
		return;
	}
	for (size_t i = 0; i < v->n_entries; i++) {
		way_unref(v->entries[i].way);
	}
	for (size_t i = 0; i < v->n_blobs; i++) {
		status_blob_unref(v->blobs[i]);
	}
	free(v->entries);
	free(v->slots);
	free(v->blobs);
	rv_trust_unref(&v->trust);
	free(v);
}

int status_build(struct status_view **v_r, struct rv_trust *t, const struct status_view *before,
	struct status_blob *const *blobs, size_t n_blobs, struct status_trial *trial,
	int64_t now_us, struct rv_err *e)
{
	struct status_view *v = calloc(1, sizeof(*v));
	if (v == NULL) {
		return rv_fail_nomem(e);
	}
	struct build b = {v, before, blobs, n_blobs, trial, now_us, NULL, 0, 0};
	atomic_init(&v->refs, 1);
	v->trust = rv_trust_ref(t);
	int rc = make_entries(v, e);
	if (rc == 0) {
		rc = find_ways(&b, e);
	}
	if (rc == 0) {
		rc = keep_blobs(&b, e);
	}
	for (size_t i = 0; rc == 0 && i < v->n_entries; i++) {
		struct status_entry *en = &v->entries[i];
		size_t n = en->way->path != NULL ? rv_path_links(en->way->path) : 0;
		for (size_t k = 0; k < n && en->checking.mode != RV_CHECKING_OFF; k++) {
			ask_source(&b, en, k, RV_STATUS_CRL);
			ask_source(&b, en, k, RV_STATUS_OCSP);
		}
		sum_up(v, en);
	}
	free(b.uppers);
	if (rc != 0) {
		status_view_free(v);
		return rc;
	}
	*v_r = v;
	return 0;
}
