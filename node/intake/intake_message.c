/* SPDX-License-Identifier: Apache-2.0 */
#include "node/intake/intake_int.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/wire.h"

/* Longer than it takes to evaluate a CRL that came just before the message. */
#define PARK_US (5 * RV_US_PER_SEC)

enum { DEFER_S = 30, DEFER_STATUS_S = 15 };

/* A message from a peer: judged by a worker, then accepted or refused by the committer. */
struct arrival {
	struct work work;
	struct commit_job job;
	struct parked parked;
	struct intake *intake;
	char peer[RV_CODE_TEXT];
	uint64_t token;
	uint64_t peer_trust;
	uint64_t ticket;
	struct rv_item item; /* owns its recipients; wire points into bytes */
	uint8_t *bytes;
	struct verdict verdict;
	int fate; /* of the judgement */
	char trail[sizeof(((struct rv_item *)0)->trail) + RV_CODE_TEXT];
	struct store_target *targets;
	size_t n_targets;
	int for_us;
	int complete;
	int duplicate;
};

static void arrival_free(struct arrival *a)
{
	verdict_clear(&a->verdict);
	free(a->targets);
	free(a->item.recipients);
	free(a->bytes);
	free(a);
}

static int is_for_status(const struct rv_err *why)
{
	return strcmp(why->rule, "STATUS-UNKNOWN") == 0 || strcmp(why->rule, "STATUS-STALE") == 0;
}

static int is_for_key(const struct rv_err *why)
{
	return strncmp(why->rule, "TOKEN-", 6) == 0 || strncmp(why->rule, "KEEPER-", 7) == 0;
}

/* Tells the peer, through its session, that it shall send the message again later. */
static void defer(struct arrival *a, const struct rv_err *why)
{
	struct rv_defer d = {.wait_s = is_for_status(why) ? DEFER_STATUS_S : DEFER_S};
	memcpy(d.message, a->item.message, RV_UUID_LEN);
	if (is_for_key(why)) {
		/* what is wrong with our hardware is not for others */
		snprintf(d.code, sizeof(d.code), "KEY-AWAY");
		snprintf(d.text, sizeof(d.text), "the node cannot sign receipts at the moment");
	} else {
		snprintf(d.code, sizeof(d.code), "%s",
			why->rule[0] != '\0' ? why->rule : rv_strcode(why->code));
		snprintf(d.text, sizeof(d.text), "%.255s", why->text);
	}
	rv_wire_rule_mend(d.code); /* they may quote the peer's own bytes */
	rv_wire_text_mend(d.text);
	log_err(a->intake->p.log, LOG_LVL_WARNING, "message put off", why, "peer", a->peer, NULL);
	links_done_message(a->intake->links, a->token, RV_EAGAIN, &d);
	arrival_free(a);
}

static int refusal_receipt(struct arrival *a, const struct commit_scope *scope,
	char (*recipients)[RV_CODE_TEXT], size_t n)
{
	struct rv_receipt r = {.stage = RV_STAGE_REJECTED,
		.time_us = scope->clock.now_us(scope->clock.ctx),
		.recipients = recipients,
		.n_recipients = n,
		.line = (uint32_t)a->verdict.why.line};
	const struct rv_err *why = &a->verdict.why;
	memcpy(r.message, a->item.message, RV_UUID_LEN);
	memcpy(r.seal_digest, a->verdict.sealed.seal_digest, RV_DIGEST_LEN);
	snprintf(r.rule, sizeof(r.rule), "%s",
		why->rule[0] != '\0' ? why->rule : rv_strcode(why->code));
	snprintf(r.text, sizeof(r.text), "%.255s", why->text);
	return commit_receipt(scope, &a->job, &r, a->peer);
}

static int run_refusal(struct commit_job *job, const struct commit_scope *scope)
{
	struct arrival *a = (struct arrival *)((char *)job - offsetof(struct arrival, job));
	const struct rv_header *h = &a->verdict.header;
	struct store_refusal r = {
		.source = a->peer,
		.has_message = 1,
		.originator = a->verdict.has_header ? h->originator : "",
		.operation = a->verdict.has_header ? h->operation : "",
		.kind = a->verdict.has_header ? rv_kind_text(h->kind) : "",
		.wire = a->item.wire.data,
		.wire_len = a->item.wire.len,
		.code = a->verdict.why.rule[0] != '\0' ? a->verdict.why.rule
						       : rv_strcode(a->verdict.why.code),
		.text = a->verdict.why.text,
		.line = a->verdict.why.line,
		.column = a->verdict.why.column,
		.now_us = scope->clock.now_us(scope->clock.ctx),
	};
	memcpy(r.message, a->item.message, RV_UUID_LEN);
	int rc = store_quarantine(scope->store, &r, &job->err);
	return rc == 0 ? refusal_receipt(a, scope, a->item.recipients, a->item.n_recipients) : rc;
}

static void done_refusal(struct commit_job *job, int rc)
{
	struct arrival *a = (struct arrival *)((char *)job - offsetof(struct arrival, job));
	if (rc != 0) {
		defer(a, &job->err);
		return;
	}
	char id[RV_UUID_TEXT];
	rv_uuid_text(id, a->item.message);
	log_err(a->intake->p.log, LOG_LVL_WARNING, "message refused", &a->verdict.why, "peer",
		a->peer, "message", id, NULL);
	links_done_message(a->intake->links, a->token, 0, NULL);
	links_wake(a->intake->links, a->peer);
	arrival_free(a);
}

static void refuse(struct arrival *a)
{
	a->job.run = run_refusal;
	a->job.done = done_refusal;
	order_give(a->intake->order, a->ticket, &a->job);
}

/* Not judged to an end: its place in the order is given up, the peer sends it again. */
static void put_off(struct arrival *a, const struct rv_err *why)
{
	order_give(a->intake->order, a->ticket, NULL);
	defer(a, why);
}

static int accept_message(struct arrival *a, const struct commit_scope *scope)
{
	struct rv_err *e = &a->job.err;
	struct store_message m = {
		.header = a->verdict.header,
		.wire = a->item.wire.data,
		.wire_len = a->item.wire.len,
		.source = a->peer,
		.hops = a->item.hops,
		.trail = a->trail,
		.for_inbox = a->for_us,
		.now_us = scope->clock.now_us(scope->clock.ctx),
		.targets = a->targets,
		.n_targets = a->n_targets,
		.attachments = a->verdict.attachments,
		.n_attachments = a->verdict.n_attachments,
	};
	memcpy(m.seal_digest, a->verdict.sealed.seal_digest, RV_DIGEST_LEN);
	intake_standing(&a->verdict.standing, &m.standing);
	int rc = store_accept(scope->store, &m, &a->complete, e);
	a->duplicate = rc == RV_EDUP;
	return a->duplicate ? 0 : rc;
}

static int run_acceptance(struct commit_job *job, const struct commit_scope *scope)
{
	struct arrival *a = (struct arrival *)((char *)job - offsetof(struct arrival, job));
	int rc = accept_message(a, scope);
	if (rc == RV_EEXIST) {
		a->verdict.why = job->err;
		snprintf(a->verdict.why.rule, sizeof(a->verdict.why.rule), "SEAL-CONFLICT");
		return run_refusal(job, scope);
	}
	if (rc == 0 && a->complete) {
		char(*others)[RV_CODE_TEXT] = calloc(a->n_targets + 1, sizeof(*others));
		if (others == NULL) {
			return rv_fail_nomem(&job->err);
		}
		for (size_t k = 0; k < a->n_targets; k++) {
			snprintf(others[k], sizeof(others[k]), "%s", a->targets[k].recipient);
		}
		rc = intake_accept_receipts(a->intake, scope, job, a->item.message,
			a->verdict.sealed.seal_digest, a->for_us, others, a->n_targets);
		free(others);
	}
	if (rc == 0 && a->verdict.refused.n > 0) {
		rc = refusal_receipt(a, scope, a->verdict.refused.codes, a->verdict.refused.n);
	}
	return rc;
}

static void done_acceptance(struct commit_job *job, int rc)
{
	struct arrival *a = (struct arrival *)((char *)job - offsetof(struct arrival, job));
	struct intake *i = a->intake;
	if (rc != 0) {
		defer(a, &job->err);
		return;
	}
	links_done_message(i->links, a->token, 0, NULL);
	links_wake(i->links, a->peer);
	if (a->complete) {
		intake_announce(i, a->for_us, a->targets, a->n_targets);
	} else {
		links_fetch(i->links, a->peer);
	}
	arrival_free(a);
}

static void accept_verdict(struct arrival *a, const struct route_view *view)
{
	struct rv_err e = {0};
	snprintf(a->trail, sizeof(a->trail), "%s%s%s", a->item.trail,
		a->item.trail[0] != '\0' ? " " : "", a->peer);
	int rc = intake_targets(
		view, &a->verdict.allowed, a->trail, &a->targets, &a->n_targets, &a->for_us, &e);
	if (rc != 0) {
		put_off(a, &e);
		return;
	}
	a->job.run = run_acceptance;
	a->job.done = done_acceptance;
	order_give(a->intake->order, a->ticket, &a->job);
}

/* What is refused for want of trust is only put off while the peer knows a newer trust list than we
 * do. */
static int may_be_news(const struct arrival *a, const struct route_view *view)
{
	return (strncmp(a->verdict.why.rule, "TRUST-", 6) == 0 ||
		       strncmp(a->verdict.why.rule, "ROUTE-", 6) == 0 || a->fate == RV_ECERT) &&
	       a->peer_trust > rv_trust_number(view->trust);
}

/* ---- waiting for a status ---- */

/*
 * What a message needs to be judged may be on its way, by the link just before it or from a server:
 * a short while it waits here, out of the order, and is judged again when something is learnt. 1:
 * it waits; the arrival is not ours any more.
 */
static int park(struct arrival *a, const struct route_view *view)
{
	struct intake *i = a->intake;
	struct rv_err why = a->verdict.why;
	uint64_t serial = status_serial(view->status);
	if (a->parked.until_us == 0) {
		a->parked.until_us = view->now_us + PARK_US;
	} else if (view->now_us >= a->parked.until_us) {
		return 0;
	}
	verdict_clear(&a->verdict);
	a->verdict.why = why;
	uint64_t ticket = a->ticket;
	if (park_put(i->park, &a->parked) != 0) {
		return 0;
	}
	order_give(i->order, ticket, NULL);
	if (status_now(i->p.status) != serial) {
		intake_status_changed(i); /* it was learnt meanwhile */
	}
	return 1;
}

static struct arrival *arrival_of(struct parked *p)
{
	return (struct arrival *)((char *)p - offsetof(struct arrival, parked));
}

void intake_status_changed(struct intake *i)
{
	struct parked *list = park_take(i->park, INT64_MAX);
	while (list != NULL) {
		struct arrival *a = arrival_of(list);
		list = list->next;
		a->ticket = order_take(i->order);
		if (queue_push(i->work, &a->work) != 0) {
			put_off(a, &a->verdict.why);
		}
	}
}

void intake_unpark(struct intake *i, int64_t now_us)
{
	struct parked *list = park_take(i->park, now_us);
	while (list != NULL) {
		struct arrival *a = arrival_of(list);
		list = list->next;
		defer(a, &a->verdict.why);
	}
}

void intake_look(struct intake *i)
{
	intake_unpark(i, i->p.clock.now_us(i->p.clock.ctx));
}

/* ---- judging ---- */

/* Revoked, but it was here before: another copy of what is valid is no forgery. */
static int is_copy(const struct arrival *a, struct intake *i)
{
	return strcmp(a->verdict.why.rule, "STATUS-REVOKED") == 0 &&
	       intake_has(i, a->item.message, a->verdict.sealed.seal_digest);
}

static int judge_one(
	struct arrival *a, struct intake *i, struct judge *judge, const struct route_view *view)
{
	struct route_view plain = *view;
	uint64_t limit = i->p.conf->attachment_max;
	int rc = judge_message(judge, view, a->peer, &a->item, limit, &a->verdict);
	if (rc != 0 && is_copy(a, i)) {
		plain.status = NULL;
		verdict_clear(&a->verdict);
		rc = judge_message(judge, &plain, a->peer, &a->item, limit, &a->verdict);
	}
	return rc;
}

static void judge_arrival(struct work *w, struct intake *i, struct judge *judge)
{
	struct arrival *a = (struct arrival *)((char *)w - offsetof(struct arrival, work));
	struct route_view view;
	struct rv_err e = {0};
	uint8_t id[RV_UUID_LEN];
	if (intake_view(i, &view, &e) != 0) {
		put_off(a, &e);
		return;
	}
	a->fate = judge_one(a, i, judge, &view);
	if (a->fate == 0 && (rv_uuid_parse(id, a->verdict.header.id) != 0 ||
				    memcmp(id, a->item.message, sizeof(id)) != 0)) {
		a->fate = rv_fail_rule(&a->verdict.why, RV_EPARSE, "LINK-ID",
			"the frame names another message than the Header");
	}
	if (a->fate == 0) {
		a->fate = intake_references(i, &a->verdict.header, &a->verdict.why);
	}
	if (a->fate == 0) {
		accept_verdict(a, &view);
	} else if (a->fate == RV_EAGAIN && is_for_status(&a->verdict.why) && park(a, &view)) {
		/* it is judged again */
	} else if (a->fate == RV_EAGAIN || a->fate == RV_ENOMEM || may_be_news(a, &view)) {
		put_off(a, &a->verdict.why);
	} else {
		refuse(a);
	}
	intake_view_end(&view);
}

/* The key is back after an absence. Who sent it may have lost trust meanwhile, so it is judged anew. */
static void judge_again(struct commit_job *job)
{
	struct arrival *a = (struct arrival *)((char *)job - offsetof(struct arrival, job));
	struct intake *i = a->intake;
	verdict_clear(&a->verdict);
	free(a->targets);
	a->targets = NULL;
	a->n_targets = 0;
	a->for_us = a->complete = a->duplicate = 0;
	a->parked.until_us = 0;
	a->ticket = order_take(i->order);
	if (queue_push(i->work, &a->work) != 0) {
		struct rv_err e = {0};
		rv_fail(&e, RV_EAGAIN, "the node is busy or stopping");
		put_off(a, &e);
	}
}

int intake_on_message(void *ctx, const char *peer, uint64_t peer_trust, const struct rv_item *item,
	uint64_t token)
{
	struct intake *i = ctx;
	struct arrival *a = calloc(1, sizeof(*a));
	if (a == NULL) {
		return RV_EAGAIN;
	}
	a->work.run = judge_arrival;
	a->job.signs = a->job.waits = 1;
	a->job.weight = sizeof(*a) + item->wire.len;
	a->job.again = judge_again;
	a->intake = i;
	a->token = token;
	a->peer_trust = peer_trust;
	snprintf(a->peer, sizeof(a->peer), "%s", peer);
	a->item = *item;
	a->item.recipients = calloc(item->n_recipients + 1, sizeof(*item->recipients));
	a->bytes = malloc(item->wire.len + 1);
	if (a->item.recipients == NULL || a->bytes == NULL) {
		arrival_free(a);
		return RV_EAGAIN;
	}
	memcpy(a->item.recipients, item->recipients,
		item->n_recipients * sizeof(*item->recipients));
	memcpy(a->bytes, item->wire.data, item->wire.len);
	a->item.wire.data = a->bytes;
	a->ticket = order_take(i->order);
	if (queue_push(i->work, &a->work) != 0) {
		order_give(i->order, a->ticket, NULL);
		arrival_free(a);
		return RV_EAGAIN;
	}
	return 0;
}
