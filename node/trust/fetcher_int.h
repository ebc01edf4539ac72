/* SPDX-License-Identifier: Apache-2.0 */
#ifndef NODE_TRUST_FETCHER_INT_H
#define NODE_TRUST_FETCHER_INT_H

#include <pthread.h>

#include "node/trust/fetcher.h"
#include "node/trust/http.h"

/* An address of a job, with its own memory. */
struct source {
	char *url;
	struct http_validator validator;
	int64_t tried_us, fetched_us; /* wall */
	int64_t not_before_us;        /* monotonic */
	unsigned failures;
	struct rv_err why;
};

/* One thing to be fetched again and again, from one of its addresses. */
struct job {
	struct job *next;
	enum fetch_kind kind;
	struct source *sources;
	size_t n_sources;
	size_t turn;    /* the address to begin with */
	int64_t due_us; /* monotonic */
};

struct fetcher {
	struct fetcher_params p;
	struct http_client *http;
	pthread_t thread;
	int running;
	pthread_mutex_t lock; /* of what follows; the thread alone changes jobs, and reads them without it */
	pthread_cond_t wake;
	int stop, hurry;
	struct job *jobs;
};

/* Up to a quarter more at random. */
int64_t fetcher_jitter(struct fetcher *f, int64_t wait_us);
int64_t fetcher_mono_us(void);
int job_new(struct job **j_r, enum fetch_kind kind, const char *const *urls, size_t n);
void job_free(struct job **j);
/*
 * Asks the addresses of the job whose time has come, in turn, until one has answered well: what it
 * says was taken or is nothing new. Sets when the job is due again: after every_us, or when the
 * first of its addresses may be asked again.
 */
void job_run(struct fetcher *f, struct job *j, int64_t every_us);

#endif
