/* SPDX-License-Identifier: Apache-2.0 */
#include "node/api/api_int.h"

#include <stdlib.h>
#include <string.h>

#include "node/api/json.h"

/*
 * Server-sent events: each new inbox entry once, in order, its cursor as the id. Who comes back
 * with Last-Event-ID goes on behind it, so nothing is lost or doubled: the stream is read from the
 * store, a wake-up only says when.
 */

enum { BATCH = 64 };

static void put_event(struct rv_buf *out, const struct store_entry *entry)
{
	json_t *o = json_of_entry(entry);
	char *text = o ? json_dumps(o, JSON_COMPACT) : NULL;
	json_decref(o);
	if (text)
		rv_buf_printf(
			out, "id: %lld\nevent: inbox\ndata: %s\n\n", (long long)entry->seq, text);
	else
		out->failed = 1;
	free(text);
}

/* Makes the next events, if there are any. -1: the stream must end (the client comes back and goes
 * on). */
static int make(struct call *c)
{
	struct store_entry *list = NULL;
	size_t n = 0;
	rv_buf_reset(&c->out);
	c->out_at = 0;
	if (store_list(c->api->reader, STORE_INBOX, NULL, c->cursor, 0, BATCH, &list, &n, NULL))
		return -1;
	int64_t last = n ? list[n - 1].seq : c->cursor;
	for (size_t i = 0; i < n; i++)
		put_event(&c->out, &list[i]);
	free(list);
	c->look = n == BATCH;
	if (!rv_buf_ok(&c->out))
		return -1;
	c->cursor = last;
	return 0;
}

static ssize_t read_events(void *ctx, char *buf, size_t max)
{
	struct call *c = ctx;
	if (c->out_at == c->out.len && c->look && make(c))
		return -1;
	size_t n = c->out.len - c->out_at;
	n = n < max ? n : max;
	if (n) {
		memcpy(buf, c->out.data + c->out_at, n);
		c->out_at += n;
		c->beat_ms = api_now_ms();
	}
	return (ssize_t)n;
}

/* Where to begin: behind what the client has; else with what comes from now on. */
static int find_start(struct call *c)
{
	const char *last = http_header(c->http, "Last-Event-ID");
	struct store_entry *list = NULL;
	struct rv_err e = {0};
	uint64_t after;
	size_t n = 0;
	if (last || target_param(c->target, "after")) {
		if (target_number(
			    &after, last ? last : target_param(c->target, "after"), INT64_MAX)) {
			answer_fail(
				c, RV_EINVAL, "the last event is named by its cursor, a number");
			return -1;
		}
		c->cursor = (int64_t)after;
		return 0;
	}
	if (store_list(c->api->reader, STORE_INBOX, NULL, 0, 1, 1, &list, &n, &e)) {
		answer_err(c, &e);
		return -1;
	}
	c->cursor = n ? list[0].seq : 0;
	free(list);
	return 0;
}

void run_events(struct call *c)
{
	struct api *a = c->api;
	if (a->n_followers >= a->params.limits.streams) {
		answer_fail(c, RV_EAGAIN, "%u programs follow the events already", a->n_followers);
		return;
	}
	if (find_start(c))
		return;
	if (rv_buf_str(&c->out, "retry: 2000\n\n")) {
		answer_fail(c, RV_ENOMEM, "memory is short");
		return;
	}
	c->follows = 1;
	c->look = 1;
	c->beat_ms = api_now_ms();
	a->n_followers++;
	http_answer_stream(c->http, 200, "text/event-stream", read_events, c, NULL);
}

void events_gone(struct call *c)
{
	c->api->n_followers--;
}

void events_wake(struct api *a)
{
	for (struct call *c = a->calls; c; c = c->next)
		if (c->follows) {
			c->look = 1;
			http_stream_wake(c->http);
		}
}

void events_tick(struct api *a, int64_t now_ms)
{
	for (struct call *c = a->calls; c; c = c->next) {
		if (!c->follows || now_ms - c->beat_ms < a->params.limits.heartbeat_ms ||
			c->out_at < c->out.len)
			continue;
		rv_buf_reset(&c->out);
		c->out_at = 0;
		rv_buf_str(&c->out, ": heartbeat\n\n");
		c->look = 1;
		http_stream_wake(c->http);
	}
}
