/* SPDX-License-Identifier: Apache-2.0 */
#include "node/intake/intake_int.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * Chunks of attachments that peers send: written by one thread, so that a slow disk holds up
 * neither links nor workers. A few files stay open; one that is put aside resumes from what was
 * synced.
 */

enum { OPEN_MAX_FETCHES = 8 };

struct chunk {
	char peer[RV_CODE_TEXT];
	uint8_t digest[RV_DIGEST_LEN];
	uint64_t size;
	uint64_t offset;
	uint64_t token;
	size_t len;
	uint8_t data[];
};

struct open_fetch {
	struct blob_fetch *fetch;
	uint8_t digest[RV_DIGEST_LEN];
	uint64_t have;
	uint64_t used;
};

struct writer {
	struct intake *intake;
	struct open_fetch open[OPEN_MAX_FETCHES];
	uint64_t uses;
};

/* ---- a blob is whole ---- */
struct arrival_done {
	struct commit_job job;
	struct intake *intake;
	uint8_t digest[RV_DIGEST_LEN];
	uint64_t size;
	struct store_completed *list;
	size_t n;
};

static int run_blob_here(struct commit_job *job, const struct commit_scope *scope)
{
	struct arrival_done *d =
		(struct arrival_done *)((char *)job - offsetof(struct arrival_done, job));
	store_completed_clear(d->list, d->n); /* of a run that was undone */
	d->list = NULL;
	d->n = 0;
	int rc = store_blob_here(scope->store, d->digest, d->size,
		scope->clock.now_us(scope->clock.ctx), &d->list, &d->n, &job->err);
	for (size_t k = 0; rc == 0 && k < d->n; k++) {
		const struct store_completed *c = &d->list[k];
		rc = intake_accept_receipts(d->intake, scope, job, c->message, c->seal_digest,
			c->for_inbox, c->recipients, c->n_recipients);
	}
	return rc;
}

static void done_blob_here(struct commit_job *job, int rc)
{
	struct arrival_done *d =
		(struct arrival_done *)((char *)job - offsetof(struct arrival_done, job));
	struct intake *i = d->intake;
	if (rc != 0) {
		log_err(i->p.log, LOG_LVL_ERROR,
			"an attachment is here but could not be noted; it is noted when it is "
			"offered again",
			&job->err, NULL);
	}
	int for_us = 0;
	for (size_t k = 0; rc == 0 && k < d->n; k++) {
		for_us |= d->list[k].for_inbox;
	}
	if (rc == 0) {
		links_wake(i->links, NULL);
		intake_announce(i, for_us, NULL, 0);
	}
	store_completed_clear(d->list, d->n);
	free(d);
}

static void note_blob(struct intake *i, const uint8_t digest[RV_DIGEST_LEN], uint64_t size)
{
	struct arrival_done *d = calloc(1, sizeof(*d));
	if (d == NULL) {
		return; /* the fetch stays noted in the store: the next session finds the blob whole
			 */
	}
	d->job.run = run_blob_here;
	d->job.done = done_blob_here;
	d->job.signs = d->job.waits = 1;
	d->intake = i;
	d->size = size;
	memcpy(d->digest, digest, RV_DIGEST_LEN);
	intake_post(i, &d->job);
}

static void put_aside(struct open_fetch *f)
{
	blob_fetch_free(&f->fetch);
	memset(f, 0, sizeof(*f));
}

/* The open file of that blob, opened if need be in place of the one unused for longest. */
static int find_fetch(
	struct writer *w, const struct chunk *c, struct open_fetch **f_r, struct rv_err *e)
{
	struct open_fetch *oldest = &w->open[0];
	for (size_t k = 0; k < OPEN_MAX_FETCHES; k++) {
		struct open_fetch *f = &w->open[k];
		if (f->fetch != NULL && memcmp(f->digest, c->digest, RV_DIGEST_LEN) == 0) {
			f->used = ++w->uses;
			*f_r = f;
			return 0;
		}
		if (f->used < oldest->used) {
			oldest = f;
		}
	}
	put_aside(oldest);
	int rc = blob_fetch_open(
		&oldest->fetch, w->intake->p.conf->state_dir, c->digest, c->size, &oldest->have, e);
	if (rc == 0) {
		memcpy(oldest->digest, c->digest, RV_DIGEST_LEN);
		oldest->used = ++w->uses;
		*f_r = oldest;
	}
	return rc;
}

/* The fate of the chunk; *next_r is the offset to go on from. */
static int write_chunk(struct writer *w, const struct chunk *c, uint64_t *next_r, struct rv_err *e)
{
	struct open_fetch *f = NULL;
	*next_r = 0;
	int rc = find_fetch(w, c, &f, e);
	if (rc == RV_EDUP) {
		*next_r = c->size;
		note_blob(w->intake, c->digest, c->size);
		return 0;
	}
	if (rc != 0) {
		return rc;
	}
	*next_r = f->have;
	if (c->offset != f->have) {
		return RV_EAGAIN; /* resumed elsewhere than the asker thought */
	}
	rc = blob_fetch_write(f->fetch, c->offset, c->data, c->len, e);
	if (rc != 0) {
		put_aside(f);
		return rc;
	}
	f->have += c->len;
	*next_r = f->have;
	if (f->have < c->size) {
		return 0;
	}
	rc = blob_fetch_finish(f->fetch, e);
	put_aside(f);
	if (rc == 0 || rc == RV_EDUP) {
		note_blob(w->intake, c->digest, c->size);
		return 0;
	}
	*next_r = 0;
	return rc;
}

void *intake_chunk_writer(void *arg)
{
	struct writer w = {.intake = arg};
	struct intake *i = arg;
	struct chunk *c;
	while (queue_pop(i->chunks, (void **)&c, 1) == 1) {
		struct rv_err e = {0};
		uint64_t next = 0;
		int rc = write_chunk(&w, c, &next, &e);
		if (rc != 0 && rc != RV_EAGAIN) {
			log_err(i->p.log, LOG_LVL_WARNING, "chunk of an attachment not taken", &e,
				"peer", c->peer, NULL);
		}
		links_done_chunk(i->links, c->token, rc, next);
		free(c);
	}
	for (size_t k = 0; k < OPEN_MAX_FETCHES; k++) {
		put_aside(&w.open[k]);
	}
	return NULL;
}

int intake_on_chunk(void *ctx, const char *peer, const uint8_t digest[RV_DIGEST_LEN], uint64_t size,
	uint64_t offset, struct rv_span data, uint64_t token)
{
	struct intake *i = ctx;
	struct chunk *c = malloc(sizeof(*c) + data.len);
	if (c == NULL) {
		return RV_EAGAIN;
	}
	memset(c, 0, sizeof(*c));
	snprintf(c->peer, sizeof(c->peer), "%s", peer);
	memcpy(c->digest, digest, RV_DIGEST_LEN);
	c->size = size;
	c->offset = offset;
	c->token = token;
	c->len = data.len;
	if (data.len > 0) {
		memcpy(c->data, data.data, data.len);
	}
	if (queue_push(i->chunks, c) != 0) {
		free(c);
		return RV_EAGAIN;
	}
	return 0;
}
