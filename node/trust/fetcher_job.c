/* SPDX-License-Identifier: Apache-2.0 */
#include "node/trust/fetcher_int.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "protocol/xml.h"

#define SEC RV_US_PER_SEC

enum { BACKOFF_FIRST_S = 30, BACKOFF_MAX_S = 3600 };

int64_t fetcher_mono_us(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * SEC + ts.tv_nsec / 1000;
}

int64_t fetcher_jitter(struct fetcher *f, int64_t wait_us)
{
	uint32_t random = 0;
	if (f->p.random.fill(f->p.random.ctx, &random, sizeof(random)) != 0) {
		random = 0;
	}
	return wait_us + (int64_t)((double)wait_us / 4 * random / UINT32_MAX);
}

int job_new(struct job **j_r, enum fetch_kind kind, const char *const *urls, size_t n)
{
	struct job *j = calloc(1, sizeof(*j));
	if (j == NULL || (j->sources = calloc(n + 1, sizeof(*j->sources))) == NULL) {
		free(j);
		return RV_ENOMEM;
	}
	j->kind = kind;
	for (; j->n_sources < n; j->n_sources++) {
		j->sources[j->n_sources].url = strdup(urls[j->n_sources]);
		if (j->sources[j->n_sources].url == NULL) {
			job_free(&j);
			return RV_ENOMEM;
		}
	}
	*j_r = j;
	return 0;
}

void job_free(struct job **j)
{
	if (j == NULL || *j == NULL) {
		return;
	}
	for (size_t i = 0; i < (*j)->n_sources; i++) {
		free((*j)->sources[i].url);
	}
	free((*j)->sources);
	free(*j);
	*j = NULL;
}

/* ---- one address ---- */

static int64_t every_us(const struct fetcher *f, const struct job *j)
{
	const struct conf *conf = f->p.conf;
	return (j->kind == FETCH_LIST ? conf->trust_every_s : conf->status_every_s) * SEC;
}

static void ask_for_list(const struct conf *conf, struct http_ask *ask)
{
	ask->ca_file = conf->trust_ca;
	ask->pin = conf->trust_pin;
	ask->accept = "application/xml, */*;q=0.1";
	ask->max = rv_xml_limits_trust.bytes;
	ask->total_ms = 120000;
}

static void ask_for_crl(struct http_ask *ask)
{
	ask->allow_http = 1;
	ask->redirects = HTTP_REDIRECTS_MAX;
	ask->accept = "application/pkix-crl, */*;q=0.1";
	ask->max = RV_CRL_MAX;
	ask->total_ms = 60000;
}

static void ask_for_ocsp(struct http_ask *ask, const struct rv_buf *request)
{
	ask->allow_http = 1;
	ask->post = request->data;
	ask->post_len = request->len;
	ask->post_type = "application/ocsp-request";
	ask->accept = "application/ocsp-response";
	ask->max = RV_OCSP_MAX;
	ask->total_ms = 20000;
	ask->validator = NULL;
}

static int ask_for(struct fetcher *f, const struct job *j, struct source *s, struct http_ask *ask,
	struct rv_buf *request, struct rv_err *e)
{
	*ask = (struct http_ask){.url = s->url,
		.proxy = f->p.conf->trust_proxy,
		.connect_ms = 10000,
		.slow_bytes = 100,
		.slow_s = 15,
		.validator = &s->validator};
	if (j->kind == FETCH_LIST) {
		ask_for_list(f->p.conf, ask);
		return 0;
	}
	if (j->kind == FETCH_CRL) {
		ask_for_crl(ask);
		return 0;
	}
	int rc = fetcher_request(f, j, request, e);
	ask_for_ocsp(ask, request);
	return rc;
}

static int take(struct fetcher *f, const struct job *j, const struct source *s,
	const struct rv_buf *body, struct rv_err *e)
{
	int rc = j->kind == FETCH_LIST
			 ? f->p.offer(f->p.ctx, body->data, body->len, s->url, e)
			 : fetcher_take(f, j, (struct rv_span){body->data, body->len}, e);
	return rc == RV_EDUP ? 0 : rc;
}

/* 0 if what the address has was taken, or is nothing new. */
static int ask_source(struct fetcher *f, struct job *j, struct source *s, unsigned *retry_after_s_r,
	struct rv_err *e)
{
	struct http_answer a = {.unchanged = 0};
	struct http_validator before = s->validator;
	struct http_ask ask;
	struct rv_buf request = {0};
	int rc = ask_for(f, j, s, &ask, &request, e);
	if (rc == 0) {
		rc = http_client_run(f->http, &ask, &a, e);
		*retry_after_s_r = a.retry_after_s;
	}
	if (rc == 0 && !a.unchanged) {
		rc = take(f, j, s, &a.body, e);
		if (rc != 0) {
			/* it is looked at anew next time: the clock or the list may be others */
			s->validator = before;
			rv_err_prefix(e, "%s", s->url);
		}
	}
	rv_buf_free(&request);
	rv_buf_free(&a.body);
	return rc;
}

static int64_t backoff(struct fetcher *f, const struct source *s, int64_t regular_us,
	unsigned retry_after_s)
{
	int64_t wait_us = regular_us < BACKOFF_FIRST_S * SEC ? regular_us : BACKOFF_FIRST_S * SEC;
	int64_t most_us = regular_us > BACKOFF_MAX_S * SEC ? regular_us : BACKOFF_MAX_S * SEC;
	for (unsigned i = 1; i < s->failures && wait_us < most_us; i++) {
		wait_us *= 2;
	}
	wait_us = wait_us < most_us ? wait_us : most_us;
	if (wait_us < retry_after_s * SEC) {
		wait_us = retry_after_s * SEC;
	}
	return fetcher_jitter(f, wait_us);
}

static int try_source(struct fetcher *f, struct job *j, struct source *s)
{
	struct rv_err why = {0};
	unsigned retry_after_s = 0;
	char told[sizeof(why.rule)];
	int rc = ask_source(f, j, s, &retry_after_s, &why);
	if (rc == RV_ECLOSED) {
		return rc;
	}
	memcpy(told, s->why.rule, sizeof(told));
	int told_code = s->why.code;
	pthread_mutex_lock(&f->lock);
	s->tried_us = f->p.clock.now_us(f->p.clock.ctx);
	s->why = why;
	if (rc == 0) {
		s->fetched_us = s->tried_us;
		s->failures = 0;
		s->not_before_us = 0;
	} else {
		s->failures++;
		s->not_before_us =
			fetcher_mono_us() + backoff(f, s, every_us(f, j), retry_after_s);
	}
	pthread_mutex_unlock(&f->lock);
	/* a server that stays away is told of once */
	if (rc != 0 && (told_code != why.code || strcmp(told, why.rule) != 0)) {
		log_err(f->p.log, LOG_LVL_WARNING, "not fetched", &why, "what",
			fetch_kind_text(j->kind), NULL);
	} else if (rc == 0 && told_code != 0) {
		log_event(f->p.log, LOG_LVL_INFO, "fetched again", "what",
			fetch_kind_text(j->kind), "url", s->url, NULL);
	}
	return rc;
}

/* ---- servers that cannot be reached ---- */

/* The length of SCHEME://HOST:PORT. */
static size_t server_len(const char *url)
{
	const char *host = strstr(url, "://");
	return host != NULL ? (size_t)(host + 3 - url) + strcspn(host + 3, "/?") : strlen(url);
}

static int is_away(const struct source *s)
{
	static const char *const rules[] = {
		"FETCH-TIMEOUT", "FETCH-CONNECT", "FETCH-RESOLVE", "FETCH-BROKEN", "FETCH-TLS"};
	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
		if (strcmp(s->why.rule, rules[i]) == 0) {
			return 1;
		}
	}
	return 0;
}

/* Until when the server of that address is left alone because another address of it could not be
 * reached; 0: it is not. */
static int64_t server_away_us(const struct fetcher *f, const struct source *s, int64_t now_us)
{
	size_t len = server_len(s->url);
	for (const struct job *j = f->jobs; j != NULL; j = j->next) {
		for (size_t i = 0; i < j->n_sources; i++) {
			const struct source *other = &j->sources[i];
			if (other != s && other->not_before_us > now_us && is_away(other) &&
				server_len(other->url) == len &&
				strncmp(other->url, s->url, len) == 0) {
				return other->not_before_us;
			}
		}
	}
	return 0;
}

/* 1 if it is asked now. */
static int is_due(struct fetcher *f, struct source *s)
{
	int64_t now_us = fetcher_mono_us();
	if (s->not_before_us > now_us) {
		return 0;
	}
	int64_t away_us = server_away_us(f, s, now_us);
	if (away_us != 0) {
		pthread_mutex_lock(&f->lock);
		s->not_before_us = away_us + fetcher_jitter(f, SEC);
		pthread_mutex_unlock(&f->lock);
	}
	return away_us == 0;
}

void job_run(struct fetcher *f, struct job *j)
{
	int64_t due_us = INT64_MAX;
	int rc = RV_EAGAIN;
	for (size_t k = 0; rc != 0 && rc != RV_ECLOSED && k < j->n_sources; k++) {
		struct source *s = &j->sources[(j->turn + k) % j->n_sources];
		if (is_due(f, s)) {
			rc = try_source(f, j, s);
		}
		if (rc == 0) {
			j->turn = (j->turn + k + 1) % j->n_sources;
		}
	}
	for (size_t k = 0; k < j->n_sources; k++) {
		int64_t at = j->sources[k].not_before_us;
		due_us = at < due_us ? at : due_us;
	}
	int64_t now_us = fetcher_mono_us();
	int64_t rest_us = j->kind == FETCH_LIST ? every_us(f, j) : fetcher_rest_us(f, j);
	pthread_mutex_lock(&f->lock);
	if (rc == 0 || due_us < now_us) {
		due_us = now_us + fetcher_jitter(f, rest_us);
	}
	j->due_us = due_us;
	pthread_mutex_unlock(&f->lock);
}
