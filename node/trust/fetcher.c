/* SPDX-License-Identifier: Apache-2.0 */
#include "node/trust/fetcher.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "node/trust/fetcher_int.h"

#define SEC RV_US_PER_SEC

const char *fetch_kind_text(enum fetch_kind kind)
{
	return kind == FETCH_LIST ? "list" : kind == FETCH_CRL ? "crl" : "ocsp";
}

/* ---- the thread ---- */

/* A list goes before what hangs on the list. */
static int64_t urgency(const struct job *j, int64_t now_us)
{
	return j->kind == FETCH_LIST && j->due_us <= now_us ? INT64_MIN : j->due_us;
}

static struct job *soonest(struct fetcher *f)
{
	struct job *best = f->jobs;
	int64_t now_us = fetcher_mono_us();
	for (struct job *j = f->jobs; j != NULL; j = j->next) {
		if (urgency(j, now_us) < urgency(best, now_us)) {
			best = j;
		}
	}
	return best;
}

static void make_due(struct fetcher *f)
{
	for (struct job *j = f->jobs; j != NULL; j = j->next) {
		j->due_us = 0;
		for (size_t i = 0; i < j->n_sources; i++) {
			j->sources[i].not_before_us = 0;
		}
	}
}

/* Until that time of the monotonic clock, or until somebody wakes the thread. */
static void wait_until(struct fetcher *f, int64_t at_us)
{
	struct timespec ts = {.tv_sec = (time_t)(at_us / SEC), .tv_nsec = (long)(at_us % SEC) * 1000};
	if (at_us == INT64_MAX) {
		pthread_cond_wait(&f->wake, &f->lock);
	} else {
		pthread_cond_timedwait(&f->wake, &f->lock, &ts);
	}
}

static void *fetcher_thread(void *arg)
{
	struct fetcher *f = arg;
	pthread_mutex_lock(&f->lock);
	while (!f->stop) {
		if (f->hurry) {
			f->hurry = 0;
			make_due(f);
		}
		if (f->replan) {
			f->replan = 0;
			pthread_mutex_unlock(&f->lock);
			fetcher_plan(f);
			pthread_mutex_lock(&f->lock);
			continue;
		}
		struct job *j = soonest(f);
		if (j == NULL || j->due_us > fetcher_mono_us()) {
			wait_until(f, j != NULL ? j->due_us : INT64_MAX);
			continue;
		}
		pthread_mutex_unlock(&f->lock);
		job_run(f, j);
		pthread_mutex_lock(&f->lock);
	}
	pthread_mutex_unlock(&f->lock);
	return NULL;
}

/* ---- start and stop ---- */

static int add_list_job(struct fetcher *f)
{
	const struct conf *conf = f->p.conf;
	struct job *j = NULL;
	if (conf->n_trust_urls == 0) {
		return 0;
	}
	int rc = job_new(
		&j, FETCH_LIST, (const char *const *)conf->trust_urls, conf->n_trust_urls);
	if (rc == 0) {
		j->next = f->jobs;
		f->jobs = j;
	}
	return rc;
}

static int init_locks(struct fetcher *f)
{
	pthread_condattr_t attr;
	if (pthread_mutex_init(&f->lock, NULL) != 0) {
		return RV_ENOMEM;
	}
	int bad = pthread_condattr_init(&attr);
	if (!bad) {
		bad = pthread_condattr_setclock(&attr, CLOCK_MONOTONIC) ||
		      pthread_cond_init(&f->wake, &attr);
		pthread_condattr_destroy(&attr);
	}
	if (bad) {
		pthread_mutex_destroy(&f->lock);
		return RV_ENOMEM;
	}
	return 0;
}

int fetcher_start(struct fetcher **f_r, const struct fetcher_params *p, struct rv_err *e)
{
	struct fetcher *f = calloc(1, sizeof(*f));
	if (f == NULL || init_locks(f) != 0) {
		free(f);
		return rv_fail_nomem(e);
	}
	f->p = *p;
	f->replan = p->status != NULL;
	int rc = http_client_new(&f->http, e);
	if (rc == 0 && add_list_job(f) != 0) {
		rc = rv_fail_nomem(e);
	}
	if (rc == 0) {
		int err = pthread_create(&f->thread, NULL, fetcher_thread, f);
		rc = err != 0 ? rv_fail_errno(e, err, "cannot start the fetcher") : 0;
		f->running = err == 0;
	}
	if (rc != 0) {
		fetcher_stop(&f);
		return rc;
	}
	*f_r = f;
	return 0;
}

void fetcher_stop(struct fetcher **f_p)
{
	if (f_p == NULL || *f_p == NULL) {
		return;
	}
	struct fetcher *f = *f_p;
	if (f->running) {
		pthread_mutex_lock(&f->lock);
		f->stop = 1;
		pthread_cond_signal(&f->wake);
		pthread_mutex_unlock(&f->lock);
		http_client_stop(f->http);
		pthread_join(f->thread, NULL);
	}
	while (f->jobs != NULL) {
		struct job *next = f->jobs->next;
		job_free(&f->jobs);
		f->jobs = next;
	}
	http_client_free(&f->http);
	pthread_cond_destroy(&f->wake);
	pthread_mutex_destroy(&f->lock);
	free(f);
	*f_p = NULL;
}

/* ---- other threads ---- */

void fetcher_trust_changed(struct fetcher *f)
{
	pthread_mutex_lock(&f->lock);
	f->replan = f->p.status != NULL;
	pthread_cond_signal(&f->wake);
	pthread_mutex_unlock(&f->lock);
}

void fetcher_hurry(struct fetcher *f)
{
	pthread_mutex_lock(&f->lock);
	f->hurry = 1;
	pthread_cond_signal(&f->wake);
	pthread_mutex_unlock(&f->lock);
}

/* When the address will be asked, on the wall clock. */
static int64_t next_wall_us(const struct fetcher *f, const struct job *j, const struct source *s)
{
	int64_t at_us = s->not_before_us > j->due_us ? s->not_before_us : j->due_us;
	int64_t wait_us = at_us - fetcher_mono_us();
	return f->p.clock.now_us(f->p.clock.ctx) + (wait_us > 0 ? wait_us : 0);
}

int fetcher_sources(
	struct fetcher *f, struct fetch_source **list_r, size_t *n_r, struct rv_err *e)
{
	size_t n = 0;
	pthread_mutex_lock(&f->lock);
	for (const struct job *j = f->jobs; j != NULL; j = j->next) {
		n += j->n_sources;
	}
	struct fetch_source *list = calloc(n + 1, sizeof(*list));
	n = 0;
	for (const struct job *j = f->jobs; list != NULL && j != NULL; j = j->next) {
		for (size_t i = 0; i < j->n_sources; i++, n++) {
			const struct source *s = &j->sources[i];
			list[n] = (struct fetch_source){.kind = j->kind,
				.tried_us = s->tried_us,
				.fetched_us = s->fetched_us,
				.next_us = next_wall_us(f, j, s),
				.failures = s->failures,
				.why = s->why};
			memcpy(list[n].whose, j->whose, sizeof(list[n].whose));
			snprintf(list[n].url, sizeof(list[n].url), "%s", s->url);
		}
	}
	pthread_mutex_unlock(&f->lock);
	if (list == NULL) {
		return rv_fail_nomem(e);
	}
	*list_r = list;
	*n_r = n;
	return 0;
}
