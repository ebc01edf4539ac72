/* SPDX-License-Identifier: Apache-2.0 */
#include "node/api/api_int.h"

#include <stdlib.h>
#include <string.h>

#include "node/api/json.h"

enum { LIMIT = 100, LIMIT_MAX = 1000, UNREAD_PAGES = 20 };

static const char *priority_text(unsigned priority)
{
	return priority == 0 ? "urgent" : priority == 1 ? "normal" : "bulk";
}

json_t *json_of_entry(const struct store_entry *e)
{
	int bad = 0;
	json_t *o = json_object(), *deliveries = json_object();
	json_put(deliveries, "total", json_integer(e->n_deliveries), &bad);
	json_put(deliveries, "pending", json_integer(e->n_pending), &bad);
	json_put(deliveries, "rejected", json_integer(e->n_rejected), &bad);
	json_put(o, "cursor", json_integer(e->seq), &bad);
	json_put(o, "id", json_text(e->id), &bad);
	json_put(o, "kind", json_text(e->kind), &bad);
	json_put(o, "status", json_text(e->status), &bad);
	json_put(o, "operation", json_text(e->operation), &bad);
	json_put(o, "originator", json_text(e->originator), &bad);
	json_put(o, "source", json_text(e->source), &bad);
	json_put(o, "sequence", json_integer((json_int_t)e->sequence), &bad);
	json_put(o, "issued", json_stamp(e->issued_us), &bad);
	json_put(o, "stored", json_stamp(e->stored_us), &bad);
	json_put(o, "read", json_stamp(e->read_us), &bad);
	json_put(o, "priority", json_string(priority_text(e->priority)), &bad);
	json_put(o, "complete", json_boolean(e->complete), &bad);
	json_put(o, "deliveries", deliveries, &bad);
	return json_done(o, bad);
}

struct page {
	uint64_t after, limit;
	const char *operation;
	int newest_first, unread;
	/* found: */
	json_t *items;
	int bad;
	size_t n;
	int64_t last; /* cursor to go on from */
	int more;
};

static int page_params(struct call *c, struct page *p)
{
	const char *order = target_param(c->target, "order"),
		   *unread = target_param(c->target, "unread");
	if (param_number(c, "after", 0, 0, INT64_MAX, &p->after) ||
		param_number(c, "limit", LIMIT, 1, LIMIT_MAX, &p->limit) ||
		param_operation(c, &p->operation))
		return -1;
	if (order && strcmp(order, "oldest") && strcmp(order, "newest")) {
		answer_fail(c, RV_EINVAL, "order is oldest or newest");
		return -1;
	}
	if (unread && strcmp(unread, "true") && strcmp(unread, "false")) {
		answer_fail(c, RV_EINVAL, "unread is true or false");
		return -1;
	}
	p->newest_first = order && !strcmp(order, "newest");
	p->unread = unread && !strcmp(unread, "true");
	return 0;
}

/* One look at the store; adds what fits the page. 0, or the error of the store. */
static int read_on(struct call *c, enum store_box box, struct page *p, struct rv_err *e)
{
	struct store_entry *list = NULL;
	size_t n = 0, max = (size_t)p->limit;
	const char *operation = p->operation[0] ? p->operation : NULL;
	int rc = store_list(
		c->api->reader, box, operation, p->last, p->newest_first, max, &list, &n, e);
	if (rc)
		return rc;
	p->more = n == max;
	for (size_t i = 0; i < n; i++) {
		if (p->n == max) {
			p->more = 1;
			break;
		}
		p->last = list[i].seq;
		if (p->unread && list[i].read_us)
			continue;
		json_push(p->items, json_of_entry(&list[i]), &p->bad);
		p->n++;
	}
	free(list);
	return 0;
}

static void answer_page(struct call *c, json_t *items, int bad, int more, int64_t last)
{
	json_t *o = json_object();
	json_put(o, "items", json_done(items, bad), &bad);
	json_put(o, "next", more ? json_integer(last) : json_null(), &bad);
	answer_json(c, 200, json_done(o, bad));
}

static void run_box(struct call *c, enum store_box box)
{
	struct page p = {0};
	struct rv_err e = {0};
	if (page_params(c, &p))
		return;
	p.items = json_array();
	p.last = (int64_t)p.after;
	/* Few unread ones among many read: some pages are skipped here, the rest by the client with
	 * "next". */
	for (int i = 0; i == 0 || (p.unread && p.more && p.n < p.limit && i < UNREAD_PAGES); i++)
		if (read_on(c, box, &p, &e)) {
			json_decref(p.items);
			answer_err(c, &e);
			return;
		}
	answer_page(c, p.items, p.bad, p.more, p.last);
}

void run_inbox(struct call *c)
{
	run_box(c, STORE_INBOX);
}

void run_outbox(struct call *c)
{
	run_box(c, STORE_OUTBOX);
}

void run_transit(struct call *c)
{
	run_box(c, STORE_TRANSIT);
}

/* ---- quarantine ---- */

static json_t *of_quarantined(const struct store_quarantined *q)
{
	int bad = 0;
	json_t *o = json_object();
	json_put(o, "cursor", json_integer(q->seq), &bad);
	json_put(o, "source", json_text(q->source), &bad);
	json_put(o, "id", json_text(q->id), &bad);
	json_put(o, "originator", json_text(q->originator), &bad);
	json_put(o, "operation", json_text(q->operation), &bad);
	json_put(o, "kind", json_text(q->kind), &bad);
	json_put(o, "rule", json_text(q->code), &bad);
	json_put(o, "text", json_text(q->text), &bad);
	json_put(o, "line", json_integer(q->line), &bad);
	json_put(o, "column", json_integer(q->column), &bad);
	json_put(o, "time", json_stamp(q->time_us), &bad);
	json_put(o, "size", json_integer((json_int_t)q->wire_len), &bad);
	return json_done(o, bad);
}

void run_quarantine(struct call *c)
{
	uint64_t after, limit;
	struct store_quarantined *list = NULL;
	size_t n = 0;
	struct rv_err e = {0};
	int bad = 0;
	if (param_number(c, "after", 0, 0, INT64_MAX, &after) ||
		param_number(c, "limit", LIMIT, 1, LIMIT_MAX, &limit))
		return;
	if (store_quarantine_list(c->api->reader, (int64_t)after, (size_t)limit, &list, &n, &e)) {
		answer_err(c, &e);
		return;
	}
	json_t *items = json_array();
	for (size_t i = 0; i < n; i++)
		json_push(items, of_quarantined(&list[i]), &bad);
	answer_page(c, items, bad, n == limit, n ? list[n - 1].seq : (int64_t)after);
	free(list);
}

static int get_quarantined(struct call *c, struct store_quarantined *q, uint8_t **wire, size_t *len)
{
	uint64_t seq;
	struct rv_err e = {0};
	if (target_number(&seq, c->args[0], INT64_MAX)) {
		answer_fail(c, RV_EINVAL, "a place in quarantine is a number");
		return -1;
	}
	if (store_quarantine_get(c->api->reader, (int64_t)seq, q, wire, len, &e)) {
		answer_err(c, &e);
		return -1;
	}
	return 0;
}

void run_quarantined(struct call *c)
{
	struct store_quarantined q;
	uint8_t *wire = NULL;
	size_t len;
	if (!get_quarantined(c, &q, &wire, &len))
		answer_json(c, 200, of_quarantined(&q));
	free(wire);
}

/* Whatever a peer sent: bytes to be looked at with care, not XML to be opened by a browser. */
void run_quarantined_content(struct call *c)
{
	static const char *const headers[] = {"Content-Disposition", "attachment", NULL};
	struct store_quarantined q;
	uint8_t *wire = NULL;
	size_t len;
	if (!get_quarantined(c, &q, &wire, &len))
		http_answer(c->http, 200, "application/octet-stream",
			wire ? (const void *)wire : "", len, headers);
	free(wire);
}
