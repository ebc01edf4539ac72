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
	uint8_t key[RV_DIGEST_LEN]; /* of a CRL or response, as in struct status_want */
	char whose[80];
	struct source *sources;
	size_t n_sources;
	size_t turn;    /* the address to begin with */
	int64_t due_us; /* monotonic */
	int wanted;     /* mark, while jobs are planned */
};

struct fetcher {
	struct fetcher_params p;
	struct http_client *http;
	pthread_t thread;
	int running;
	pthread_mutex_t lock; /* of what follows; the thread alone changes jobs, and reads them without it */
	pthread_cond_t wake;
	int stop, hurry, replan;
	struct job *jobs;
};

/* Up to a quarter more at random. */
int64_t fetcher_jitter(struct fetcher *f, int64_t wait_us);
int64_t fetcher_mono_us(void);
int job_new(struct job **j_r, enum fetch_kind kind, const char *const *urls, size_t n);
void job_free(struct job **j);
/*
 * Asks the addresses of the job whose time has come, in turn, until one has answered well: what it
 * says was taken or is nothing new. Sets when the job is due again: after its time, or when the
 * first of its addresses may be asked again.
 */
void job_run(struct fetcher *f, struct job *j);

/* ---- fetcher_status.c ---- */
/* Makes the jobs for CRLs and responses those of the list in use. */
void fetcher_plan(struct fetcher *f);
/* Takes what an address of the job has given. */
int fetcher_take(struct fetcher *f, const struct job *j, struct rv_span bytes, struct rv_err *e);
/* The request to post for an OCSP job. */
int fetcher_request(
	struct fetcher *f, const struct job *j, struct rv_buf *out, struct rv_err *e);
/* How long what is there by now may stay without another look. */
int64_t fetcher_rest_us(struct fetcher *f, const struct job *j);

#endif
