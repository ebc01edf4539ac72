/* SPDX-License-Identifier: Apache-2.0 */
#include "node/intake/intake_int.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- a person opened a message ---- */
struct reading {
	struct commit_job job;
	struct intake *intake;
	uint8_t message[RV_UUID_LEN];
	int first;
	void (*done)(void *ctx, int rc, const struct rv_err *e);
	void *ctx;
};

static int run_reading(struct commit_job *job, const struct commit_scope *scope)
{
	struct reading *r = (struct reading *)((char *)job - offsetof(struct reading, job));
	struct store_full full = {0};
	char self[1][RV_CODE_TEXT];
	struct rv_receipt receipt = {.stage = RV_STAGE_READ,
		.time_us = scope->clock.now_us(scope->clock.ctx),
		.recipients = self,
		.n_recipients = 1};
	int rc = store_mark_read(scope->store, r->message, receipt.time_us, &r->first, &job->err);
	if (rc != 0 || !r->first) {
		return rc;
	}
	rc = store_get(r->intake->reader, r->message, &full, &job->err);
	if (rc == 0) {
		memcpy(receipt.message, r->message, RV_UUID_LEN);
		memcpy(receipt.seal_digest, full.seal_digest, RV_DIGEST_LEN);
		snprintf(self[0], sizeof(self[0]), "%s", r->intake->p.conf->code);
		rc = commit_receipt(scope, job, &receipt, NULL);
	}
	store_full_clear(&full);
	return rc;
}

static void done_reading(struct commit_job *job, int rc)
{
	struct reading *r = (struct reading *)((char *)job - offsetof(struct reading, job));
	if (rc == 0 && r->first && r->intake->links != NULL) {
		links_wake_receipts(r->intake->links);
	}
	if (r->done != NULL) {
		r->done(r->ctx, rc, &job->err);
	}
	free(r);
}

int intake_mark_read(struct intake *i, const uint8_t message[RV_UUID_LEN],
	void (*done)(void *ctx, int rc, const struct rv_err *e), void *ctx, struct rv_err *e)
{
	struct reading *r = calloc(1, sizeof(*r));
	if (r == NULL) {
		return rv_fail_nomem(e);
	}
	r->job.run = run_reading;
	r->job.done = done_reading;
	r->job.signs = 1;
	r->intake = i;
	r->done = done;
	r->ctx = ctx;
	memcpy(r->message, message, RV_UUID_LEN);
	if (committer_post(i->p.committer, &r->job) != 0) {
		free(r);
		return rv_fail(e, RV_ECLOSED, "the node is stopping");
	}
	return 0;
}

/* ---- references: what a message answers, updates or cancels ---- */
int intake_references(struct intake *i, const struct rv_header *h, struct rv_err *e)
{
	for (size_t k = 0; k < h->n_refs; k++) {
		struct store_entry entry;
		uint8_t id[RV_UUID_LEN];
		const struct rv_ref *ref = &h->refs[k];
		if (rv_uuid_parse(id, ref->id) != 0 || intake_entry(i, id, &entry) != 0) {
			continue; /* it may be on its way, or not for us */
		}
		if (strcmp(entry.status, rv_status_text(h->status)) != 0) {
			rv_fail_rule(e, RV_ERULE, "RV-STATUS-MIX",
				"the message is %s but refers to %s, which is %s",
				rv_status_text(h->status), ref->id, entry.status);
			rv_err_mend(e,
				"Exercise and test messages never mix with real ones: set "
				"StatusCode to %s.",
				entry.status);
			return RV_ERULE;
		}
		if ((ref->type == RV_REF_UPDATES || ref->type == RV_REF_CANCELS) &&
			strcmp(entry.originator, h->originator) != 0) {
			rv_fail_rule(e, RV_EDENIED, "RV-REF-OWNER",
				"%s belongs to %s: only its originator updates or cancels it",
				ref->id, entry.originator);
			rv_err_mend(e, "Answer it with feedback instead.");
			return RV_EDENIED;
		}
	}
	return 0;
}

int intake_entry(struct intake *i, const uint8_t id[RV_UUID_LEN], struct store_entry *entry)
{
	struct store_full full = {0};
	pthread_mutex_lock(&i->reader_lock);
	int rc = store_get(i->shared_reader, id, &full, NULL);
	pthread_mutex_unlock(&i->reader_lock);
	if (rc == 0) {
		*entry = full.entry;
		store_full_clear(&full);
	}
	return rc;
}

int intake_has(struct intake *i, const uint8_t id[RV_UUID_LEN],
	const uint8_t seal_digest[RV_DIGEST_LEN])
{
	struct store_full full = {0};
	pthread_mutex_lock(&i->reader_lock);
	int rc = store_get(i->shared_reader, id, &full, NULL);
	pthread_mutex_unlock(&i->reader_lock);
	int here = rc == 0 && memcmp(full.seal_digest, seal_digest, RV_DIGEST_LEN) == 0;
	if (rc == 0) {
		store_full_clear(&full);
	}
	return here;
}

/* ---- the way of what waits ---- */
struct routes {
	struct {
		char member[RV_CODE_TEXT], hop[RV_CODE_TEXT];
	} * rows;
	size_t n;
};

struct rerouting {
	struct commit_job job;
	struct intake *intake;
	int ran;
};

static const char *last_hop(const struct routes *routes, const char *member)
{
	for (size_t k = 0; routes != NULL && k < routes->n; k++) {
		if (strcmp(routes->rows[k].member, member) == 0) {
			return routes->rows[k].hop;
		}
	}
	return NULL;
}

void intake_routes_free(struct routes **routes)
{
	if (*routes != NULL) {
		free((*routes)->rows);
		free(*routes);
		*routes = NULL;
	}
}

static int reroute_member(struct intake *i, const struct commit_scope *scope,
	const struct route_view *view, const char *member, struct routes *next, struct rv_err *e)
{
	char hop[RV_CODE_TEXT];
	route_hop(view, member, NULL, hop);
	const char *before = last_hop(i->routes, member);
	snprintf(next->rows[next->n].member, RV_CODE_TEXT, "%s", member);
	snprintf(next->rows[next->n].hop, RV_CODE_TEXT, "%s", hop);
	next->n++;
	if (before != NULL && strcmp(before, hop) == 0) {
		return 0;
	}
	return store_reroute(scope->store, member, hop, view->now_us, e);
}

static int run_rerouting(struct commit_job *job, const struct commit_scope *scope)
{
	struct rerouting *r = (struct rerouting *)((char *)job - offsetof(struct rerouting, job));
	struct intake *i = r->intake;
	struct route_view view;
	if (r->ran) {
		/* undone: what was remembered of it does not hold */
		intake_routes_free(&i->routes);
	}
	r->ran = 1;
	if (intake_view(i, &view, &job->err) != 0) {
		return 0;
	}
	const struct rv_member *members;
	size_t n = rv_trust_members(view.trust, &members);
	struct routes *next = calloc(1, sizeof(*next));
	int rc = 0;
	if (next == NULL || (next->rows = calloc(n + 1, sizeof(*next->rows))) == NULL) {
		rc = rv_fail_nomem(&job->err);
	}
	for (size_t k = 0; rc == 0 && k < n; k++) {
		rc = reroute_member(i, scope, &view, members[k].code, next, &job->err);
	}
	if (rc == 0) {
		intake_routes_free(&i->routes);
		i->routes = next;
		next = NULL;
	}
	if (next != NULL) {
		intake_routes_free(&next);
	}
	intake_view_end(&view);
	return rc;
}

static void done_rerouting(struct commit_job *job, int rc)
{
	struct rerouting *r = (struct rerouting *)((char *)job - offsetof(struct rerouting, job));
	if (rc != 0) {
		/* undone: what was remembered of it no longer holds */
		intake_routes_free(&r->intake->routes);
	} else if (r->intake->links != NULL) {
		links_wake(r->intake->links, NULL);
	}
	free(r);
}

void intake_reroute(struct intake *i)
{
	struct rerouting *r = calloc(1, sizeof(*r));
	if (r != NULL) {
		r->job.run = run_rerouting;
		r->job.done = done_rerouting;
		r->intake = i;
		intake_post(i, &r->job);
	}
}

static int run_expiry(struct commit_job *job, const struct commit_scope *scope)
{
	size_t n;
	return store_expire(scope->store, scope->clock.now_us(scope->clock.ctx), &n, &job->err);
}

static void done_expiry(struct commit_job *job, int rc)
{
	free(job);
}

void intake_expire(struct intake *i)
{
	struct commit_job *job = calloc(1, sizeof(*job));
	if (job != NULL) {
		job->run = run_expiry;
		job->done = done_expiry;
		intake_post(i, job);
	}
}
