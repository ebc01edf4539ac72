/* SPDX-License-Identifier: Apache-2.0 */
#include "node/intake/committer.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node/queue.h"

enum { GROUP_MAX = 256, QUEUE_MAX = 8192 };

struct due_receipt {
	struct rv_receipt receipt;
	char towards[RV_CODE_TEXT];
	struct commit_job *job;
};

struct committer {
	struct committer_params p;
	struct queue *queue;
	pthread_t thread;
	int running;
	/* the group in work */
	struct commit_job *jobs[GROUP_MAX];
	int results[GROUP_MAX];
	size_t n_jobs;
	struct due_receipt *due;
	size_t n_due;
	size_t cap_due;
};

int commit_receipt(const struct commit_scope *scope, struct commit_job *job,
	const struct rv_receipt *r, const char *towards)
{
	struct committer *c = scope->committer;
	if (c->n_due == c->cap_due) {
		size_t cap = c->cap_due == 0 ? 64 : 2 * c->cap_due;
		struct due_receipt *grown = realloc(c->due, cap * sizeof(*grown));
		if (grown == NULL) {
			return rv_fail_nomem(&job->err);
		}
		c->due = grown;
		c->cap_due = cap;
	}
	struct due_receipt *d = &c->due[c->n_due];
	memset(d, 0, sizeof(*d));
	d->receipt = *r;
	d->receipt.recipients = NULL;
	d->job = job;
	if (r->n_recipients > 0) {
		d->receipt.recipients = malloc(r->n_recipients * sizeof(*r->recipients));
		if (d->receipt.recipients == NULL) {
			return rv_fail_nomem(&job->err);
		}
		memcpy(d->receipt.recipients, r->recipients,
			r->n_recipients * sizeof(*r->recipients));
	}
	if (towards != NULL) {
		snprintf(d->towards, sizeof(d->towards), "%s", towards);
	}
	c->n_due++;
	return 0;
}

static void drop_receipts(struct committer *c, size_t from)
{
	for (size_t i = from; i < c->n_due; i++) {
		rv_receipt_clear(&c->due[i].receipt);
	}
	c->n_due = from;
}

static int store_signed(struct committer *c, size_t from, size_t n, const struct rv_buf *bytes,
	int64_t now_us, struct rv_err *e)
{
	for (size_t i = 0; i < n; i++) {
		struct due_receipt *d = &c->due[from + i];
		int rc = store_receipt(c->p.store, &d->receipt, bytes[i].data, bytes[i].len, "",
			d->towards[0] != '\0' ? d->towards : NULL, now_us, e);
		if (rc != 0 && rc != RV_EDUP) {
			return rc;
		}
	}
	return 0;
}

static int sign_receipts(struct committer *c, int64_t now_us, struct rv_err *e)
{
	int rc = 0;
	for (size_t from = 0; rc == 0 && from < c->n_due; from += RV_RECEIPT_MAX_BATCH) {
		size_t n = c->n_due - from;
		struct rv_receipt batch[RV_RECEIPT_MAX_BATCH];
		struct rv_buf bytes[RV_RECEIPT_MAX_BATCH];
		if (n > RV_RECEIPT_MAX_BATCH) {
			n = RV_RECEIPT_MAX_BATCH;
		}
		memset(bytes, 0, sizeof(bytes));
		for (size_t i = 0; i < n; i++) {
			batch[i] = c->due[from + i].receipt;
		}
		rc = rv_receipt_sign(batch, n, c->p.signer, bytes, e);
		for (size_t i = 0; i < n; i++) {
			c->due[from + i].receipt = batch[i];
		}
		if (rc == 0) {
			rc = store_signed(c, from, n, bytes, now_us, e);
		}
		for (size_t i = 0; i < n; i++) {
			rv_buf_free(&bytes[i]);
		}
	}
	return rc;
}

/* Runs the jobs of the group; the code is that of the group as a whole. */
static int run_group(struct committer *c, struct rv_err *e)
{
	struct commit_scope scope = {c->p.store, c->p.signer, c->p.clock, c};
	int rc = store_begin(c->p.store, e);
	if (rc != 0) {
		return rc;
	}
	for (size_t i = 0; i < c->n_jobs; i++) {
		size_t before = c->n_due;
		c->results[i] = c->jobs[i]->run(c->jobs[i], &scope);
		if (c->results[i] != 0) {
			drop_receipts(c, before);
		}
	}
	rc = sign_receipts(c, c->p.clock.now_us(c->p.clock.ctx), e);
	if (rc != 0) {
		store_abort(c->p.store);
		return rc;
	}
	return store_commit(c->p.store, e);
}

static void finish_group(struct committer *c, int rc, const struct rv_err *e)
{
	for (size_t i = 0; i < c->n_jobs; i++) {
		struct commit_job *job = c->jobs[i];
		if (rc != 0) {
			/* the whole group was undone: what was refused for a reason of its own is
			 * not durable either */
			job->err = *e;
			c->results[i] = rc == RV_ENOMEM || rc == RV_EAGAIN ? rc : RV_EIO;
		}
		job->done(job, c->results[i]);
	}
}

static void *committer_thread(void *arg)
{
	struct committer *c = arg;
	int failing = 0;
	for (;;) {
		struct rv_err e = {0};
		c->n_jobs = queue_pop(c->queue, (void **)c->jobs, GROUP_MAX);
		if (c->n_jobs == 0) {
			return NULL;
		}
		int rc = run_group(c, &e);
		if (rc != 0 && !failing) {
			log_err(c->p.log, LOG_LVL_ERROR, "nothing can be stored", &e, NULL);
		} else if (rc == 0 && failing) {
			log_event(c->p.log, LOG_LVL_INFO, "storing works again", NULL);
		}
		failing = rc != 0;
		drop_receipts(c, 0);
		finish_group(c, rc, &e);
	}
}

int committer_start(struct committer **c_r, const struct committer_params *p, struct rv_err *e)
{
	struct committer *c = calloc(1, sizeof(*c));
	if (c == NULL) {
		return rv_fail_nomem(e);
	}
	c->p = *p;
	int rc = queue_new(&c->queue, QUEUE_MAX, e);
	if (rc == 0) {
		int err = pthread_create(&c->thread, NULL, committer_thread, c);
		if (err != 0) {
			rc = rv_fail_errno(e, err, "cannot start the committer thread");
		}
	}
	if (rc != 0) {
		queue_free(&c->queue);
		free(c);
		return rc;
	}
	c->running = 1;
	*c_r = c;
	return 0;
}

void committer_stop(struct committer **c)
{
	if (c == NULL || *c == NULL) {
		return;
	}
	queue_close((*c)->queue);
	if ((*c)->running) {
		pthread_join((*c)->thread, NULL);
	}
	queue_free(&(*c)->queue);
	drop_receipts(*c, 0);
	free((*c)->due);
	free(*c);
	*c = NULL;
}

int committer_post(struct committer *c, struct commit_job *job)
{
	return queue_push_wait(c->queue, job);
}
