/* SPDX-License-Identifier: Apache-2.0 */
#include "node/intake/intake_int.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int link_is_up(void *ctx, const char *code)
{
	struct intake *i = ctx;
	return i->links != NULL && links_up(i->links, code);
}

int intake_view(struct intake *i, struct route_view *view, struct rv_err *e)
{
	struct rv_trust *t = trust_get(i->p.trust);
	if (t == NULL) {
		rv_fail_rule(e, RV_EAGAIN, "TRUST-NONE", "this node has no trust list yet");
		rv_err_mend(e, "Put the coordinator's list in place: reeve trust install.");
		return RV_EAGAIN;
	}
	struct status_view *status = i->p.status != NULL ? status_get(i->p.status, t) : NULL;
	if (i->p.status != NULL && status == NULL) {
		rv_trust_unref(&t);
		rv_fail_nomem(e);
		return RV_EAGAIN;
	}
	*view = (struct route_view){
		.trust = t,
		.status = status,
		.self = i->p.conf->code,
		.dial = (const char(*)[RV_CODE_TEXT])i->p.conf->dial,
		.n_dial = i->p.conf->n_dial,
		.up = link_is_up,
		.ctx = i,
		.now_us = i->p.clock.now_us(i->p.clock.ctx),
	};
	return 0;
}

void intake_view_end(struct route_view *view)
{
	/* the view holds the list as const; the reference is ours to give back */
	union {
		const struct rv_trust *borrowed;
		struct rv_trust *held;
	} t = {.borrowed = view->trust};
	rv_trust_unref(&t.held);
	view->trust = NULL;
	status_unref(&view->status);
}

void intake_standing(const struct status_standing *from, struct store_standing *to)
{
	snprintf(to->word, sizeof(to->word), "%s", status_word_text(from->word));
	snprintf(to->source, sizeof(to->source), "%s", status_source_text(from->source));
	to->as_of_us = from->as_of_us;
	to->judged_us = from->judged_us;
}

int intake_own_standing(struct intake *i, const uint8_t cert[RV_DIGEST_LEN],
	struct store_standing *s_r, struct rv_err *e)
{
	struct status_standing s = {.word = STATUS_NONE};
	struct route_view view;
	if (i->p.status == NULL || intake_view(i, &view, NULL) != 0) {
		return 0;
	}
	int rc = status_judge(view.status, cert, view.now_us, view.now_us, &s, e);
	if (rc == RV_EAGAIN) {
		/* it is for others to wait until they know more */
		s = (struct status_standing){.word = STATUS_UNKNOWN, .judged_us = view.now_us};
		rc = 0;
	}
	if (rc == 0) {
		intake_standing(&s, s_r);
	} else {
		rv_err_prefix(e, "nobody would take it");
	}
	intake_view_end(&view);
	return rc;
}

void intake_post(struct intake *i, struct commit_job *job)
{
	if (committer_post(i->p.committer, job) != 0) {
		rv_fail(&job->err, RV_ECLOSED, "the node is stopping");
		job->done(job, RV_ECLOSED);
	}
}

int intake_targets(const struct route_view *view, const struct route_codes *recipients,
	const char *trail, struct store_target **list_r, size_t *n_r, int *for_us_r,
	struct rv_err *e)
{
	struct store_target *list = calloc(recipients->n + 1, sizeof(*list));
	size_t n = 0;
	if (list == NULL) {
		return rv_fail_nomem(e);
	}
	*for_us_r = 0;
	for (size_t k = 0; k < recipients->n; k++) {
		if (strcmp(recipients->codes[k], view->self) == 0) {
			*for_us_r = 1;
			continue;
		}
		snprintf(list[n].recipient, sizeof(list[n].recipient), "%s", recipients->codes[k]);
		route_hop(view, list[n].recipient, trail, list[n].hop);
		n++;
	}
	*list_r = list;
	*n_r = n;
	return 0;
}

int intake_accept_receipts(struct intake *i, const struct commit_scope *scope,
	struct commit_job *job, const uint8_t message[RV_UUID_LEN],
	const uint8_t seal_digest[RV_DIGEST_LEN], int for_us, char (*others)[RV_CODE_TEXT],
	size_t n_others)
{
	char self[1][RV_CODE_TEXT];
	struct rv_receipt r = {.time_us = scope->clock.now_us(scope->clock.ctx)};
	int rc = 0;
	memcpy(r.message, message, RV_UUID_LEN);
	memcpy(r.seal_digest, seal_digest, RV_DIGEST_LEN);
	snprintf(self[0], sizeof(self[0]), "%s", i->p.conf->code);
	if (for_us) {
		r.stage = RV_STAGE_STORED;
		r.recipients = self;
		r.n_recipients = 1;
		rc = commit_receipt(scope, job, &r, NULL);
	}
	if (rc == 0 && n_others > 0) {
		r.stage = RV_STAGE_RELAYED;
		r.recipients = others;
		r.n_recipients = n_others;
		rc = commit_receipt(scope, job, &r, NULL);
	}
	return rc;
}

void intake_announce(struct intake *i, int for_us, const struct store_target *targets, size_t n)
{
	for (size_t k = 0; k < n; k++) {
		if (i->links != NULL && targets[k].hop[0] != '\0') {
			links_wake(i->links, targets[k].hop);
		}
	}
	if (for_us && i->p.inbox_changed != NULL) {
		i->p.inbox_changed(i->p.inbox_ctx);
	}
}

static void *worker_thread(void *arg)
{
	struct worker *w = arg;
	struct work *work;
	while (queue_pop(w->intake->work, (void **)&work, 1) == 1) {
		work->run(work, w->intake, w->judge);
	}
	return NULL;
}

static int start_workers(struct intake *i, struct rv_err *e)
{
	size_t n = i->p.conf->workers;
	if (n == 0) {
		long cores = sysconf(_SC_NPROCESSORS_ONLN);
		n = cores > 0 ? (size_t)cores : 1;
	}
	n = n > INTAKE_WORKERS_MAX ? INTAKE_WORKERS_MAX : n;
	for (; i->n_workers < n; i->n_workers++) {
		struct worker *w = &i->workers[i->n_workers];
		w->intake = i;
		int rc = judge_new(&w->judge, i->p.catalog, e);
		if (rc != 0) {
			return rc;
		}
		int err = pthread_create(&w->thread, NULL, worker_thread, w);
		if (err != 0) {
			judge_free(&w->judge);
			return rv_fail_errno(
				e, err, "cannot start intake worker %zu", i->n_workers);
		}
		w->running = 1;
	}
	int err = pthread_create(&i->chunk_thread, NULL, intake_chunk_writer, i);
	if (err != 0) {
		return rv_fail_errno(e, err, "cannot start the attachment writer");
	}
	i->chunk_running = 1;
	return 0;
}

static void pass_on(void *ctx, void *item)
{
	intake_post(ctx, item);
}

int intake_start(struct intake **i_r, const struct intake_params *p, struct rv_err *e)
{
	struct intake *i = calloc(1, sizeof(*i));
	if (i == NULL) {
		return rv_fail_nomem(e);
	}
	i->p = *p;
	pthread_mutex_init(&i->reader_lock, NULL);
	int rc = store_reader_open(&i->reader, p->conf->state_dir, e);
	if (rc == 0) {
		rc = store_reader_open(&i->shared_reader, p->conf->state_dir, e);
	}
	if (rc == 0) {
		rc = queue_new(&i->work, INTAKE_QUEUE_MAX, e);
	}
	if (rc == 0) {
		rc = order_new(&i->order, pass_on, i, e);
	}
	if (rc == 0) {
		rc = park_new(&i->park, INTAKE_PARKED_MAX, e);
	}
	if (rc == 0) {
		rc = queue_new(&i->chunks, 256, e);
	}
	if (rc == 0) {
		rc = start_workers(i, e);
	}
	if (rc != 0) {
		intake_stop(i);
		intake_free(&i);
		return rc;
	}
	*i_r = i;
	return 0;
}

void intake_attach(struct intake *i, struct links *links)
{
	i->links = links;
}

struct links_intake intake_callbacks(struct intake *i)
{
	return (struct links_intake){
		.ctx = i,
		.message = intake_on_message,
		.receipts = intake_on_receipts,
		.chunk = intake_on_chunk,
		.status = intake_on_status,
		.sent = intake_on_sent,
		.receipts_done = intake_on_receipts_done,
		.fetch_failed = intake_on_fetch_failed,
	};
}

void intake_stop(struct intake *i)
{
	if (i == NULL) {
		return;
	}
	if (i->work != NULL) {
		queue_close(i->work);
	}
	if (i->chunks != NULL) {
		queue_close(i->chunks);
	}
	if (i->park != NULL) {
		park_close(i->park);
	}
	for (size_t k = 0; k < i->n_workers; k++) {
		pthread_join(i->workers[k].thread, NULL);
		judge_free(&i->workers[k].judge);
	}
	i->n_workers = 0;
	if (i->chunk_running) {
		pthread_join(i->chunk_thread, NULL);
		i->chunk_running = 0;
	}
	if (i->park != NULL) {
		intake_unpark(i, INT64_MAX);
	}
}

void intake_free(struct intake **i)
{
	if (i == NULL || *i == NULL) {
		return;
	}
	park_free(&(*i)->park);
	order_free(&(*i)->order);
	queue_free(&(*i)->work);
	queue_free(&(*i)->chunks);
	intake_routes_free(&(*i)->routes);
	store_reader_close(&(*i)->reader);
	store_reader_close(&(*i)->shared_reader);
	pthread_mutex_destroy(&(*i)->reader_lock);
	free(*i);
	*i = NULL;
}
