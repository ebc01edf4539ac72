/* SPDX-License-Identifier: Apache-2.0 */
#include "node/intake/committer.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node/queue.h"

enum { GROUP_MAX = 256, QUEUE_MAX = 8192, AWAY_PROBE_MS = 500 };

static const char probe[] = "REEVE-READINESS-1";

struct job_list {
	struct commit_job *first, *last;
	size_t n, bytes;
};

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
	/* the key */
	struct rv_signer signer; /* the one of the params, watched */
	int64_t signed_us;       /* when it signed last */
	struct job_list held;    /* for the time when it is back */
	struct job_list rerun;   /* it is back: these come first */
	pthread_mutex_t lock;
	int away;          /* under lock for other threads */
	struct rv_err why; /* likewise */
};

/* ---- lists of jobs ---- */

static void list_add(struct job_list *l, struct commit_job *job)
{
	job->next = NULL;
	if (l->last != NULL) {
		l->last->next = job;
	} else {
		l->first = job;
	}
	l->last = job;
	l->n++;
	l->bytes += job->weight;
}

static struct commit_job *list_take(struct job_list *l)
{
	struct commit_job *job = l->first;
	if (job != NULL) {
		l->first = job->next;
		l->last = l->first != NULL ? l->last : NULL;
		l->n--;
		l->bytes -= job->weight;
	}
	return job;
}

/* ---- the key ---- */

static void set_away(struct committer *c, const struct rv_err *why)
{
	if (!c->away) {
		log_err(c->p.log, LOG_LVL_ERROR,
			"nothing can be signed: what needs the signing key waits", why, NULL);
	}
	pthread_mutex_lock(&c->lock);
	c->away = 1;
	c->why = *why;
	pthread_mutex_unlock(&c->lock);
}

/* What waited goes back to its owner, or into the next groups. */
static void set_back(struct committer *c)
{
	char n[24];
	struct commit_job *job;
	pthread_mutex_lock(&c->lock);
	c->away = 0;
	pthread_mutex_unlock(&c->lock);
	snprintf(n, sizeof(n), "%zu", c->held.n);
	log_event(c->p.log, LOG_LVL_INFO, "the signing key is back", "waiting", n, NULL);
	while ((job = list_take(&c->held)) != NULL) {
		memset(&job->err, 0, sizeof(job->err));
		if (job->again != NULL) {
			job->again(job);
		} else {
			list_add(&c->rerun, job);
		}
	}
}

static int watched_sign(
	void *ctx, const void *data, size_t len, struct rv_buf *out, struct rv_err *e)
{
	struct committer *c = ctx;
	struct rv_err why = {0};
	int rc = c->p.signer->sign(c->p.signer->ctx, data, len, out, &why);
	if (rc == 0) {
		c->signed_us = c->p.clock.now_us(c->p.clock.ctx);
	} else if (rc == RV_EAGAIN || rc == RV_ECERT) {
		/* another key than that of the certificate is as good as none */
		rc = why.code = RV_EAGAIN;
		set_away(c, &why);
	}
	if (rc != 0 && e != NULL) {
		*e = why;
	}
	return rc;
}

/* Signs a test value, if it is time to. */
static void look_at_key(struct committer *c)
{
	int64_t since = c->p.clock.now_us(c->p.clock.ctx) - c->signed_us;
	struct rv_buf sig = {0};
	struct rv_err e = {0};
	/* a clock that was set back is no reason to trust the key for longer */
	if (!c->away && since >= 0 && since < COMMITTER_PROBE_MS * INT64_C(1000)) {
		return;
	}
	int rc = watched_sign(c, probe, sizeof(probe), &sig, &e);
	if (rc == 0 && c->away) {
		set_back(c);
	}
	rv_buf_free(&sig);
}

int committer_key(struct committer *c, struct rv_err *why)
{
	pthread_mutex_lock(&c->lock);
	int away = c->away;
	if (away && why != NULL) {
		*why = c->why;
	}
	pthread_mutex_unlock(&c->lock);
	return away ? RV_EAGAIN : 0;
}

/* Takes out of the group what cannot be run while the key is away. */
static void set_aside(struct committer *c)
{
	size_t kept = 0;
	for (size_t i = 0; i < c->n_jobs; i++) {
		struct commit_job *job = c->jobs[i];
		if (!job->signs) {
			memset(&job->err, 0, sizeof(job->err));
			c->jobs[kept++] = job;
		} else if (job->waits && c->held.n < COMMITTER_HELD_MAX &&
			   c->held.bytes + job->weight <= COMMITTER_HELD_BYTES) {
			list_add(&c->held, job);
		} else {
			job->err = c->why;
			job->done(job, RV_EAGAIN);
		}
	}
	c->n_jobs = kept;
}

/* The end: nothing waits any longer. */
static void give_up(struct committer *c)
{
	struct job_list *const lists[] = {&c->rerun, &c->held};
	for (size_t i = 0; i < 2; i++) {
		struct commit_job *job;
		while ((job = list_take(lists[i])) != NULL) {
			job->err = c->why;
			job->done(job, RV_EAGAIN);
		}
	}
}

/* ---- receipts ---- */

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
		rc = rv_receipt_sign(batch, n, &c->signer, bytes, e);
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
	struct commit_scope scope = {c->p.store, &c->signer, c->p.clock, c};
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

/* The next group: what waited for the key first. 0, or RV_ECLOSED when there is nothing more to come.
 */
static int take_group(struct committer *c)
{
	size_t n = 0;
	c->n_jobs = 0;
	while (c->n_jobs < GROUP_MAX && c->rerun.first != NULL) {
		c->jobs[c->n_jobs++] = list_take(&c->rerun);
	}
	unsigned ms = c->n_jobs > 0 ? 0 : c->away ? AWAY_PROBE_MS : COMMITTER_PROBE_MS;
	int rc = queue_pop_for(
		c->queue, (void **)c->jobs + c->n_jobs, GROUP_MAX - c->n_jobs, ms, &n);
	c->n_jobs += n;
	return c->n_jobs > 0 ? 0 : rc;
}

/* A group that could not be signed is undone, and run again without those that sign. */
static int run_what_can_be(struct committer *c, struct rv_err *e)
{
	int was_away = c->away;
	if (c->away) {
		set_aside(c);
	}
	int rc = c->n_jobs > 0 ? run_group(c, e) : 0;
	if (rc != 0 && c->away && !was_away) {
		drop_receipts(c, 0);
		set_aside(c);
		rc = c->n_jobs > 0 ? run_group(c, e) : 0;
	}
	return rc;
}

static void *committer_thread(void *arg)
{
	struct committer *c = arg;
	int failing = 0;
	look_at_key(c);
	while (take_group(c) == 0) {
		struct rv_err e = {0};
		look_at_key(c);
		int rc = run_what_can_be(c, &e);
		if (rc != 0 && !failing) {
			log_err(c->p.log, LOG_LVL_ERROR, "nothing can be stored", &e, NULL);
		} else if (rc == 0 && failing) {
			log_event(c->p.log, LOG_LVL_INFO, "storing works again", NULL);
		}
		failing = rc != 0;
		drop_receipts(c, 0);
		finish_group(c, rc, &e);
	}
	give_up(c);
	return NULL;
}

int committer_start(struct committer **c_r, const struct committer_params *p, struct rv_err *e)
{
	struct committer *c = calloc(1, sizeof(*c));
	if (c == NULL) {
		return rv_fail_nomem(e);
	}
	c->p = *p;
	c->signer = *p->signer;
	c->signer.sign = watched_sign;
	c->signer.ctx = c;
	pthread_mutex_init(&c->lock, NULL);
	int rc = queue_new(&c->queue, QUEUE_MAX, e);
	if (rc == 0) {
		int err = pthread_create(&c->thread, NULL, committer_thread, c);
		if (err != 0) {
			rc = rv_fail_errno(e, err, "cannot start the committer thread");
		}
	}
	if (rc != 0) {
		queue_free(&c->queue);
		pthread_mutex_destroy(&c->lock);
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
	pthread_mutex_destroy(&(*c)->lock);
	free((*c)->due);
	free(*c);
	*c = NULL;
}

int committer_post(struct committer *c, struct commit_job *job)
{
	return queue_push_wait(c->queue, job);
}
