/* SPDX-License-Identifier: Apache-2.0 */
#include "node/trust/status_int.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- what to fetch ---- */

struct wants {
	struct status_want *list;
	size_t n, cap;
};

static struct status_want *want_of(
	struct wants *w, enum rv_status_source kind, const uint8_t key[RV_DIGEST_LEN])
{
	for (size_t i = 0; i < w->n; i++) {
		if (w->list[i].kind == kind && memcmp(w->list[i].key, key, RV_DIGEST_LEN) == 0) {
			return &w->list[i];
		}
	}
	if (w->n == w->cap) {
		size_t cap = w->cap == 0 ? 16 : 2 * w->cap;
		struct status_want *more = realloc(w->list, cap * sizeof(*more));
		if (more == NULL) {
			return NULL;
		}
		w->list = more;
		w->cap = cap;
	}
	struct status_want *want = &w->list[w->n++];
	*want = (struct status_want){.kind = kind, .max_age_us = INT64_MAX};
	memcpy(want->key, key, RV_DIGEST_LEN);
	return want;
}

static int add_want(struct wants *w, const struct status_entry *en, size_t i,
	enum rv_status_source kind, char *const *urls, size_t n_urls)
{
	const struct rv_path *path = en->way->path;
	int crl = kind == RV_STATUS_CRL;
	const struct rv_cert_status *s = &en->links[i].by[kind];
	if (n_urls == 0) {
		return 0;
	}
	struct status_want *want = want_of(w, kind, rv_path_digest(path, crl ? i + 1 : i));
	if (want == NULL) {
		return RV_ENOMEM;
	}
	want->urls = (const char *const *)urls;
	want->n_urls = n_urls;
	if (crl || i > 0) {
		rv_path_subject(path, crl ? i + 1 : i, want->whose, sizeof(want->whose));
	} else {
		snprintf(want->whose, sizeof(want->whose), "%s", en->member->code);
	}
	if (s->this_us > want->this_us) {
		want->this_us = s->this_us;
		want->next_us = s->next_us;
	}
	if (en->checking.max_age_us < want->max_age_us) {
		want->max_age_us = en->checking.max_age_us;
	}
	return 0;
}

int status_wants(
	const struct status_view *v, struct status_want **list_r, size_t *n_r, struct rv_err *e)
{
	struct wants w = {NULL, 0, 0};
	for (size_t k = 0; k < v->n_entries; k++) {
		const struct status_entry *en = &v->entries[k];
		const struct rv_path *path = en->way->path;
		if (path == NULL || en->checking.mode == RV_CHECKING_OFF) {
			continue;
		}
		for (size_t i = 0; i < rv_path_links(path); i++) {
			const struct rv_issuer *issuer = status_issuer(v, path, i);
			if (issuer != NULL &&
				(add_want(&w, en, i, RV_STATUS_CRL, issuer->crl_urls,
					 issuer->n_crl_urls) != 0 ||
					add_want(&w, en, i, RV_STATUS_OCSP, issuer->ocsp_urls,
						issuer->n_ocsp_urls) != 0)) {
				free(w.list);
				return rv_fail_nomem(e);
			}
		}
	}
	*list_r = w.list;
	*n_r = w.n;
	return 0;
}

int status_request(const struct status_view *v, const uint8_t key[RV_DIGEST_LEN],
	struct rv_buf *out, struct rv_err *e)
{
	struct rv_span none = {NULL, 0};
	for (size_t k = 0; k < v->n_entries; k++) {
		const struct rv_path *path = v->entries[k].way->path;
		for (size_t i = 0; path != NULL && i < rv_path_links(path); i++) {
			if (memcmp(rv_path_digest(path, i), key, RV_DIGEST_LEN) == 0) {
				return rv_ocsp_request(out, path, i, RV_OCSP_SHA1, none, e);
			}
		}
	}
	return rv_fail(e, RV_ENOTFOUND, "the certificate is not in the trust list any more");
}

/* ---- what to carry ---- */

static size_t carry_blob(const struct status_view *v, enum rv_status_source kind,
	const uint8_t key[RV_DIGEST_LEN], struct status_item *items, size_t n, size_t max)
{
	for (size_t i = 0; i < n; i++) {
		if (items[i].kind == kind && memcmp(items[i].key, key, RV_DIGEST_LEN) == 0) {
			return n;
		}
	}
	for (size_t i = 0; n < max && i < v->n_blobs; i++) {
		const struct status_blob *b = v->blobs[i];
		if (b->kind == kind && memcmp(b->key, key, RV_DIGEST_LEN) == 0) {
			items[n] = (struct status_item){.kind = kind, .bytes = {b->data, b->len}};
			memcpy(items[n].key, key, RV_DIGEST_LEN);
			memcpy(items[n].digest, b->digest, RV_DIGEST_LEN);
			return n + 1;
		}
	}
	return n;
}

size_t status_carry(
	const struct status_view *v, const char *member, struct status_item *items, size_t max)
{
	size_t n = 0;
	for (size_t k = 0; k < v->n_entries; k++) {
		const struct status_entry *en = &v->entries[k];
		const struct rv_path *path = en->way->path;
		if (path == NULL || strcmp(en->member->code, member) != 0) {
			continue;
		}
		for (size_t i = 0; i < rv_path_links(path); i++) {
			n = carry_blob(
				v, RV_STATUS_CRL, rv_path_digest(path, i + 1), items, n, max);
			n = carry_blob(v, RV_STATUS_OCSP, rv_path_digest(path, i), items, n, max);
		}
	}
	return n;
}
