/* SPDX-License-Identifier: Apache-2.0 */
#include "node/trust/fetcher_int.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The part of the fetcher that knows CRLs and OCSP. */

#define SEC RV_US_PER_SEC

enum { REST_MIN_S = 60 };

static enum fetch_kind kind_of(const struct status_want *w)
{
	return w->kind == RV_STATUS_CRL ? FETCH_CRL : FETCH_OCSP;
}

/* The view of the list in use, and that list; NULL without a list. */
static struct status_view *view_now(struct fetcher *f, struct rv_trust **t_r)
{
	struct rv_trust *t = f->p.status != NULL ? trust_get(f->p.trust) : NULL;
	struct status_view *v = t != NULL ? status_get(f->p.status, t) : NULL;
	if (t_r != NULL && v != NULL) {
		*t_r = t;
		t = NULL;
	}
	rv_trust_unref(&t);
	return v;
}

/* ---- planning ---- */

static int same_urls(const struct job *j, const struct status_want *w)
{
	int same = j->n_sources == w->n_urls;
	for (size_t i = 0; same && i < w->n_urls; i++) {
		same = strcmp(j->sources[i].url, w->urls[i]) == 0;
	}
	return same;
}

static struct job *job_of(struct fetcher *f, const struct status_want *w)
{
	for (struct job *j = f->jobs; j != NULL; j = j->next) {
		if (j->kind == kind_of(w) && memcmp(j->key, w->key, sizeof(j->key)) == 0 &&
			same_urls(j, w)) {
			return j;
		}
	}
	return NULL;
}

static void want(struct fetcher *f, const struct status_want *w)
{
	struct job *j = job_of(f, w);
	if (j != NULL) {
		j->wanted = 1;
		return;
	}
	if (job_new(&j, kind_of(w), w->urls, w->n_urls) != 0) {
		return; /* the next plan tries again */
	}
	memcpy(j->key, w->key, sizeof(j->key));
	memcpy(j->whose, w->whose, sizeof(j->whose));
	j->wanted = 1;
	struct job **end = &f->jobs;
	while (*end != NULL) {
		end = &(*end)->next;
	}
	pthread_mutex_lock(&f->lock);
	*end = j;
	pthread_mutex_unlock(&f->lock);
}

static void drop_unwanted(struct fetcher *f)
{
	pthread_mutex_lock(&f->lock);
	for (struct job **at = &f->jobs; *at != NULL;) {
		struct job *j = *at;
		if (j->wanted || j->kind == FETCH_LIST) {
			j->wanted = 0;
			at = &j->next;
		} else {
			*at = j->next;
			job_free(&j);
		}
	}
	pthread_mutex_unlock(&f->lock);
}

/* Without a list, what was planned stays: a newer one comes, mostly with the same issuers. */
void fetcher_plan(struct fetcher *f)
{
	struct status_want *list = NULL;
	size_t n = 0;
	struct status_view *v = view_now(f, NULL);
	if (v != NULL && status_wants(v, &list, &n, NULL) == 0) {
		for (size_t i = 0; i < n; i++) {
			want(f, &list[i]);
		}
		drop_unwanted(f);
	}
	free(list);
	status_unref(&v);
}

/* ---- one of them ---- */

int fetcher_take(struct fetcher *f, const struct job *j, struct rv_span bytes, struct rv_err *e)
{
	struct rv_trust *t = NULL;
	struct status_view *v = view_now(f, &t);
	struct status_item item = {
		.kind = j->kind == FETCH_CRL ? RV_STATUS_CRL : RV_STATUS_OCSP, .bytes = bytes};
	memcpy(item.key, j->key, sizeof(item.key));
	int rc = v != NULL ? status_take(f->p.status, t, &item, e)
			   : rv_fail(e, RV_EAGAIN, "there is no trust list now");
	status_unref(&v);
	rv_trust_unref(&t);
	return rc;
}

int fetcher_request(struct fetcher *f, const struct job *j, struct rv_buf *out, struct rv_err *e)
{
	struct status_view *v = view_now(f, NULL);
	int rc = v != NULL ? status_request(v, j->key, out, e)
			   : rv_fail(e, RV_EAGAIN, "there is no trust list now");
	status_unref(&v);
	return rc;
}

static int64_t rest_of(const struct status_want *w, int64_t now_us, int64_t rest_us)
{
	if (w->max_age_us / 2 < rest_us) {
		rest_us = w->max_age_us / 2;
	}
	if (w->next_us != 0) {
		int64_t left_us = w->this_us + (w->next_us - w->this_us) / 4 * 3 - now_us;
		rest_us = left_us < rest_us ? left_us : rest_us;
	}
	return rest_us;
}

int64_t fetcher_rest_us(struct fetcher *f, const struct job *j)
{
	int64_t most_us = f->p.conf->status_every_s * SEC;
	int64_t least_us = most_us < REST_MIN_S * SEC ? most_us : REST_MIN_S * SEC;
	int64_t rest_us = most_us;
	struct status_want *list = NULL;
	size_t n = 0;
	struct status_view *v = view_now(f, NULL);
	if (v != NULL && status_wants(v, &list, &n, NULL) == 0) {
		for (size_t i = 0; i < n; i++) {
			if (kind_of(&list[i]) == j->kind &&
				memcmp(list[i].key, j->key, sizeof(j->key)) == 0) {
				rest_us = rest_of(
					&list[i], f->p.clock.now_us(f->p.clock.ctx), rest_us);
			}
		}
	}
	free(list);
	status_unref(&v);
	return rest_us > least_us ? rest_us : least_us;
}
