/* SPDX-License-Identifier: Apache-2.0 */
#include "node/api/api_int.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "node/api/json.h"
#include "node/trust/notices.h"

static json_t *of_counts(struct call *c)
{
	struct store_counts n = {0};
	struct rv_err e = {0};
	int bad = 0;
	if (store_counts(c->api->reader, &n, &e)) {
		answer_err(c, &e);
		return NULL;
	}
	json_t *o = json_object();
	json_put(o, "inbox", json_integer((json_int_t)n.inbox), &bad);
	json_put(o, "unread", json_integer((json_int_t)n.unread), &bad);
	json_put(o, "outbox", json_integer((json_int_t)n.outbox), &bad);
	json_put(o, "transit", json_integer((json_int_t)n.transit), &bad);
	json_put(o, "pendingDeliveries", json_integer((json_int_t)n.pending_deliveries), &bad);
	json_put(o, "quarantined", json_integer((json_int_t)n.quarantined), &bad);
	json_put(o, "receiptsWaiting", json_integer((json_int_t)n.receipts_waiting), &bad);
	json_put(o, "fetches", json_integer((json_int_t)n.fetches), &bad);
	return json_done(o, bad);
}

static json_t *of_trust_line(const struct rv_trust *t, int64_t now_us)
{
	int bad = 0;
	if (!t)
		return json_null();
	json_t *o = json_object();
	json_put(o, "number", json_integer((json_int_t)rv_trust_number(t)), &bad);
	json_put(o, "issued", json_stamp(rv_trust_issued(t)), &bad);
	json_put(o, "expires", json_stamp(rv_trust_expires(t)), &bad);
	json_put(o, "expired", json_boolean(rv_trust_expires(t) && rv_trust_expires(t) < now_us),
		&bad);
	return json_done(o, bad);
}

static json_t *of_source(const struct fetch_source *s)
{
	int bad = 0;
	json_t *o = json_object();
	json_put(o, "kind", json_string(fetch_kind_text(s->kind)), &bad);
	json_put(o, "whose", json_text(s->whose), &bad);
	json_put(o, "url", json_text(s->url), &bad);
	json_put(o, "tried", json_stamp(s->tried_us), &bad);
	json_put(o, "fetched", json_stamp(s->fetched_us), &bad);
	json_put(o, "next", json_stamp(s->next_us), &bad);
	json_put(o, "failures", json_integer(s->failures), &bad);
	json_put(o, "rule", json_text(s->why.rule), &bad);
	json_put(o, "text", json_text(s->why.text), &bad);
	json_put(o, "mend", json_text(s->why.mend), &bad);
	return json_done(o, bad);
}

/* Without memory for it, none: the rest of the status is worth more. */
static json_t *of_sources(struct call *c)
{
	const struct api_core *core = &c->api->params.core;
	struct fetch_source *list = NULL;
	size_t n = 0;
	int bad = 0;
	json_t *a = json_array();
	if (core->sources && core->sources(core->ctx, &list, &n, NULL))
		n = 0;
	for (size_t i = 0; i < n; i++)
		json_push(a, of_source(&list[i]), &bad);
	free(list);
	return json_done(a, bad);
}

/* What ends before long. */
static json_t *of_notices(const struct api_params *p, const struct rv_trust *t, int64_t now_us)
{
	struct notice list[NOTICES_MAX];
	int bad = 0;
	json_t *a = json_array();
	size_t n = notices_of(t, p->conf->code,
		(int64_t)p->conf->trust_grace_h * 3600 * RV_US_PER_SEC, now_us, list);
	for (size_t i = 0; i < n; i++) {
		json_t *o = json_object();
		json_put(o, "rule", json_text(list[i].rule), &bad);
		json_put(o, "text", json_text(list[i].text), &bad);
		json_put(o, "mend", json_text(list[i].mend), &bad);
		json_put(o, "at", json_stamp(list[i].at_us), &bad);
		json_push(a, o, &bad);
	}
	return json_done(a, bad);
}

void run_status(struct call *c)
{
	const struct api_params *p = &c->api->params;
	struct api_facts facts = {0};
	int bad = 0;
	json_t *counts = of_counts(c);
	if (!counts) {
		if (!http_answered(c->http))
			answer_fail(c, RV_ENOMEM, "memory is short");
		return;
	}
	int64_t now_us = p->clock.now_us(p->clock.ctx);
	p->core.facts(p->core.ctx, &facts);
	struct rv_trust *trust = p->core.trust(p->core.ctx);
	json_t *o = json_object();
	json_put(o, "code", json_text(p->conf->code), &bad);
	json_put(o, "version", json_string(PACKAGE_VERSION), &bad);
	json_put(o, "time", json_stamp(now_us), &bad);
	json_put(o, "started", json_stamp(facts.started_us), &bad);
	json_put(o, "uptime",
		json_integer(now_us > facts.started_us ? (now_us - facts.started_us) / RV_US_PER_SEC
						       : 0),
		&bad);
	json_put(o, "ready", json_boolean(facts.ready), &bad);
	json_put(o, "reason", json_text(facts.reason), &bad);
	json_put(o, "trust", of_trust_line(trust, now_us), &bad);
	json_put(o, "sources", of_sources(c), &bad);
	json_put(o, "notices", of_notices(p, trust, now_us), &bad);
	json_put(o, "store", counts, &bad);
	rv_trust_unref(&trust);
	answer_json(c, 200, json_done(o, bad));
}

/* ---- links ---- */

static json_t *of_link(const struct links_row *r)
{
	int bad = 0;
	json_t *o = json_object();
	json_put(o, "peer", json_text(r->peer), &bad);
	json_put(o, "state", json_text(r->state), &bad);
	json_put(o, "dialled", json_boolean(r->dialled), &bad);
	json_put(o, "accepted", json_boolean(r->accepted), &bad);
	json_put(o, "since", json_stamp(r->since_us), &bad);
	json_put(o, "rttP50Us", json_integer(r->rtt_p50_us), &bad);
	json_put(o, "rttP99Us", json_integer(r->rtt_p99_us), &bad);
	json_put(o, "clockOffsetUs", json_integer(r->clock_offset_us), &bad);
	json_put(o, "sent", json_integer((json_int_t)r->sent), &bad);
	json_put(o, "received", json_integer((json_int_t)r->received), &bad);
	json_put(o, "bytesOut", json_integer((json_int_t)r->bytes_out), &bad);
	json_put(o, "bytesIn", json_integer((json_int_t)r->bytes_in), &bad);
	json_put(o, "inFlight", json_integer((json_int_t)r->in_flight), &bad);
	json_put(o, "creditLeft", json_integer((json_int_t)r->credit_left), &bad);
	json_put(o, "trustNumber", json_integer((json_int_t)r->trust_number), &bad);
	json_put(o, "software", json_text(r->software), &bad);
	json_put(o, "lastError", json_text(r->last_error), &bad);
	json_put(o, "mend", json_text(r->mend), &bad);
	json_put(o, "lastErrorAt", json_stamp(r->last_error_us), &bad);
	return json_done(o, bad);
}

static json_t *of_refused(const struct links_refused *r)
{
	int bad = 0;
	json_t *o = json_object();
	json_put(o, "key", json_text(r->key), &bad);
	json_put(o, "address", json_text(r->address), &bad);
	json_put(o, "reason", json_text(r->reason), &bad);
	json_put(o, "count", json_integer((json_int_t)r->count), &bad);
	json_put(o, "last", json_stamp(r->last_us), &bad);
	return json_done(o, bad);
}

static json_t *of_queues(struct call *c, struct rv_err *e)
{
	struct store_queue *list = NULL;
	size_t n = 0;
	int bad = 0;
	if (store_queues(c->api->reader, &list, &n, e))
		return NULL;
	json_t *a = json_array();
	for (size_t i = 0; i < n; i++) {
		json_t *o = json_object();
		json_put(o, "hop", json_text(list[i].hop), &bad);
		json_put(o, "waiting", json_integer((json_int_t)list[i].waiting), &bad);
		json_put(o, "oldest", json_stamp(list[i].oldest_us), &bad);
		json_push(a, o, &bad);
	}
	free(list);
	return json_done(a, bad);
}

void run_links(struct call *c)
{
	const struct api_core *core = &c->api->params.core;
	struct links_status *s = NULL;
	struct rv_err e = {0};
	int bad = 0;
	json_t *links = NULL, *refused = NULL, *queues = of_queues(c, &e);
	if (e.code || core->links(core->ctx, &s, &e)) {
		json_decref(queues);
		answer_err(c, &e);
		return;
	}
	links = json_array();
	refused = json_array();
	for (size_t i = 0; i < s->n_rows; i++)
		json_push(links, of_link(&s->rows[i]), &bad);
	for (size_t i = 0; i < s->n_refused; i++)
		json_push(refused, of_refused(&s->refused[i]), &bad);
	links_status_free(&s);
	json_t *o = json_object();
	json_put(o, "links", links, &bad);
	json_put(o, "refused", refused, &bad);
	json_put(o, "queues", queues, &bad);
	answer_json(c, 200, json_done(o, bad));
}

/* ---- trust, operations ---- */

static void with_trust(struct call *c, json_t *(*make)(const struct rv_trust *t))
{
	const struct api_core *core = &c->api->params.core;
	struct rv_trust *t = core->trust(core->ctx);
	if (t) {
		answer_json(c, 200, make(t));
	} else {
		struct rv_err e = {0};
		rv_fail(&e, RV_ENOTFOUND, "this node has no trust list yet");
		rv_err_mend(&e, "Install one with 'reeve trust install'.");
		answer_err(c, &e);
	}
	rv_trust_unref(&t);
}

void run_trust(struct call *c)
{
	with_trust(c, json_of_trust);
}

static json_t *operations(const struct rv_trust *t)
{
	int bad = 0;
	json_t *o = json_object();
	json_put(o, "operations", json_of_operations(t), &bad);
	return json_done(o, bad);
}

void run_operations(struct call *c)
{
	with_trust(c, operations);
}

/* ---- codes and templates ---- */

struct codes {
	const char *prefix;
	json_t *array;
	int bad;
};

static int add_code(void *ctx, const char *code, const char *name)
{
	struct codes *list = ctx;
	if (list->prefix && strncasecmp(code, list->prefix, strlen(list->prefix)) != 0)
		return 0;
	json_t *o = json_object();
	json_put(o, "code", json_text(code), &list->bad);
	json_put(o, "name", json_text(name ? name : ""), &list->bad);
	json_push(list->array, o, &list->bad);
	return 0;
}

void run_codes(struct call *c)
{
	struct codes list = {.prefix = target_param(c->target, "prefix"), .array = json_array()};
	int bad = 0;
	if (rv_catalog_each(c->api->params.catalog, c->args[0], add_code, &list) < 0) {
		json_decref(list.array);
		answer_fail(c, RV_ENOTFOUND, "there is no code list of that name");
		return;
	}
	json_t *o = json_object();
	json_put(o, "list", json_text(c->args[0]), &bad);
	json_put(o, "codes", json_done(list.array, list.bad), &bad);
	answer_json(c, 200, json_done(o, bad));
}

void run_template(struct call *c)
{
	const struct api_params *p = &c->api->params;
	struct rv_buf text = {0};
	int rc = rv_catalog_template_at(
		p->catalog, c->args[0], p->clock.now_us(p->clock.ctx), &text);
	if (rc == RV_ENOTFOUND)
		answer_fail(c, rc, "there is no template of that kind");
	else if (rc)
		answer_fail(c, RV_ENOMEM, "memory is short");
	else
		http_answer(c->http, 200, "application/xml", text.data, text.len, NULL);
	rv_buf_free(&text);
}

void run_openapi(struct call *c)
{
	http_answer(c->http, 200, "application/json", api_openapi, strlen(api_openapi), NULL);
}
