/* SPDX-License-Identifier: Apache-2.0 */
#include "node/intake/intake_int.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A batch of receipts from a peer. One that does not hold is logged and dropped; the batch is
 * acknowledged all the same, since sending it again would not make it better. */
struct batch {
	struct work work;
	struct commit_job job;
	struct intake *intake;
	char peer[RV_CODE_TEXT];
	uint64_t token;
	size_t n;
	struct rv_buf *bytes;
	struct rv_receipt *receipts; /* stage 0: did not hold */
	char (*wake)[RV_CODE_TEXT];  /* filled after the commit: nothing to tell if empty */
};

static void batch_free(struct batch *b)
{
	for (size_t k = 0; k < b->n; k++) {
		if (b->bytes != NULL) {
			rv_buf_free(&b->bytes[k]);
		}
		if (b->receipts != NULL) {
			rv_receipt_clear(&b->receipts[k]);
		}
	}
	free(b->bytes);
	free(b->receipts);
	free(b);
}

static int run_batch(struct commit_job *job, const struct commit_scope *scope)
{
	struct batch *b = (struct batch *)((char *)job - offsetof(struct batch, job));
	int64_t now_us = scope->clock.now_us(scope->clock.ctx);
	for (size_t k = 0; k < b->n; k++) {
		if (b->receipts[k].stage == 0) {
			continue;
		}
		int rc = store_receipt(scope->store, &b->receipts[k], b->bytes[k].data,
			b->bytes[k].len, b->peer, NULL, now_us, &job->err);
		if (rc != 0 && rc != RV_EDUP && rc != RV_ENOTFOUND) {
			return rc;
		}
	}
	return 0;
}

static void done_batch(struct commit_job *job, int rc)
{
	struct batch *b = (struct batch *)((char *)job - offsetof(struct batch, job));
	links_done_receipts(b->intake->links, b->token, rc);
	if (rc == 0) {
		links_wake_receipts(b->intake->links);
	}
	batch_free(b);
}

static void judge_batch(struct work *w, struct intake *i, struct judge *judge)
{
	struct batch *b = (struct batch *)((char *)w - offsetof(struct batch, work));
	struct route_view view;
	struct rv_err e = {0};
	if (intake_view(i, &view, &e) != 0) {
		links_done_receipts(i->links, b->token, RV_EAGAIN);
		batch_free(b);
		return;
	}
	for (size_t k = 0; k < b->n; k++) {
		struct rv_span span = {b->bytes[k].data, b->bytes[k].len};
		if (judge_receipt(judge, &view, span, &b->receipts[k], &e) != 0) {
			memset(&b->receipts[k], 0, sizeof(b->receipts[k]));
			log_err(i->p.log, LOG_LVL_WARNING, "receipt dropped", &e, "peer", b->peer,
				NULL);
		}
	}
	intake_view_end(&view);
	b->job.run = run_batch;
	b->job.done = done_batch;
	intake_post(i, &b->job);
}

int intake_on_receipts(
	void *ctx, const char *peer, const struct rv_span *receipts, size_t n, uint64_t token)
{
	struct intake *i = ctx;
	struct batch *b = calloc(1, sizeof(*b));
	if (b == NULL) {
		return RV_EAGAIN;
	}
	b->work.run = judge_batch;
	b->intake = i;
	b->token = token;
	b->n = n;
	snprintf(b->peer, sizeof(b->peer), "%s", peer);
	b->bytes = calloc(n + 1, sizeof(*b->bytes));
	b->receipts = calloc(n + 1, sizeof(*b->receipts));
	int rc = b->bytes == NULL || b->receipts == NULL ? RV_ENOMEM : 0;
	for (size_t k = 0; rc == 0 && k < n; k++) {
		rc = rv_buf_put(&b->bytes[k], receipts[k].data, receipts[k].len);
	}
	if (rc != 0 || queue_push(i->work, &b->work) != 0) {
		batch_free(b);
		return RV_EAGAIN;
	}
	return 0;
}

/* ---- store writes that the links ask for without waiting ---- */
struct note {
	struct commit_job job;
	char peer[RV_CODE_TEXT];
	size_t n;
	uint8_t digest[RV_DIGEST_LEN];
	char why[200];
	int64_t list[];
};

static void done_note(struct commit_job *job, int rc)
{
	free((char *)job - offsetof(struct note, job));
}

static int run_sent(struct commit_job *job, const struct commit_scope *scope)
{
	struct note *n = (struct note *)((char *)job - offsetof(struct note, job));
	return store_sent(scope->store, n->list, n->n, n->peer,
		scope->clock.now_us(scope->clock.ctx), &job->err);
}

static int run_receipts_done(struct commit_job *job, const struct commit_scope *scope)
{
	struct note *n = (struct note *)((char *)job - offsetof(struct note, job));
	return store_receipts_done(scope->store, n->peer, n->list, n->n, &job->err);
}

static int run_fetch_failed(struct commit_job *job, const struct commit_scope *scope)
{
	struct note *n = (struct note *)((char *)job - offsetof(struct note, job));
	return store_fetch_failed(scope->store, n->digest, n->peer, n->why,
		scope->clock.now_us(scope->clock.ctx), &job->err);
}

/* What is lost here when memory is short is asked or offered again in the next session. */
static void post_note(struct intake *i,
	int (*run)(struct commit_job *, const struct commit_scope *), const char *peer,
	const int64_t *list, size_t n, const uint8_t *digest, const char *why)
{
	struct note *note = calloc(1, sizeof(*note) + n * sizeof(*list));
	if (note == NULL) {
		return;
	}
	note->job.run = run;
	note->job.done = done_note;
	note->n = n;
	snprintf(note->peer, sizeof(note->peer), "%s", peer);
	snprintf(note->why, sizeof(note->why), "%s", why);
	if (n > 0) {
		memcpy(note->list, list, n * sizeof(*list));
	}
	if (digest != NULL) {
		memcpy(note->digest, digest, RV_DIGEST_LEN);
	}
	intake_post(i, &note->job);
}

void intake_on_sent(void *ctx, const char *peer, const int64_t *seqs, size_t n)
{
	post_note(ctx, run_sent, peer, seqs, n, NULL, "");
}

void intake_on_receipts_done(void *ctx, const char *peer, const int64_t *ids, size_t n)
{
	post_note(ctx, run_receipts_done, peer, ids, n, NULL, "");
}

void intake_on_fetch_failed(
	void *ctx, const char *peer, const uint8_t digest[RV_DIGEST_LEN], const char *why)
{
	post_note(ctx, run_fetch_failed, peer, NULL, 0, digest, why);
}
