/* SPDX-License-Identifier: Apache-2.0 */
#include "node/api/api_int.h"

#include <stdlib.h>
#include <string.h>

#include "node/api/json.h"

enum { DRAFT_MAX = 1024 * 1024 /* rv_xml_limits_message.bytes */, BODY_MAX = 16 * 1024 };

const struct route api_routes[] = {
	{HTTP_GET, "/v1/status", "", 0, NULL, NULL, run_status},
	{HTTP_GET, "/v1/links", "", 0, NULL, NULL, run_links},
	{HTTP_GET, "/v1/inbox", "after limit operation order unread", 0, NULL, NULL, run_inbox},
	{HTTP_GET, "/v1/outbox", "after limit operation order", 0, NULL, NULL, run_outbox},
	{HTTP_GET, "/v1/transit", "after limit operation order", 0, NULL, NULL, run_transit},
	{HTTP_POST, "/v1/messages", "operation to attachment dry-run", DRAFT_MAX, NULL, NULL,
		run_submit},
	{HTTP_GET, "/v1/messages/{id}", "", 0, NULL, NULL, run_message},
	{HTTP_GET, "/v1/messages/{id}/content", "", 0, NULL, NULL, run_content},
	{HTTP_POST, "/v1/messages/{id}/read", "", 0, NULL, NULL, run_read},
	{HTTP_POST, "/v1/attachments", "", SIZE_MAX, begin_upload, body_upload, run_upload},
	{HTTP_GET, "/v1/attachments/{digest}", "", 0, NULL, NULL, run_download},
	{HTTP_POST, "/v1/check", "operation", DRAFT_MAX, NULL, NULL, run_check},
	{HTTP_GET, "/v1/quarantine", "after limit", 0, NULL, NULL, run_quarantine},
	{HTTP_GET, "/v1/quarantine/{n}", "", 0, NULL, NULL, run_quarantined},
	{HTTP_GET, "/v1/quarantine/{n}/content", "", 0, NULL, NULL, run_quarantined_content},
	{HTTP_GET, "/v1/trust", "", 0, NULL, NULL, run_trust},
	{HTTP_GET, "/v1/invites", "", 0, NULL, NULL, run_invites},
	{HTTP_POST, "/v1/invites", "", BODY_MAX, NULL, NULL, run_invite},
	{HTTP_GET, "/v1/invites/{code}/request", "", 0, NULL, NULL, run_join_request},
	{HTTP_POST, "/v1/invites/{code}/refuse", "", BODY_MAX, NULL, NULL, run_refuse_join},
	{HTTP_GET, "/v1/operations", "", 0, NULL, NULL, run_operations},
	{HTTP_GET, "/v1/codes/{list}", "prefix", 0, NULL, NULL, run_codes},
	{HTTP_GET, "/v1/templates/{kind}", "", 0, NULL, NULL, run_template},
	{HTTP_GET, "/v1/events", "after", 0, NULL, NULL, run_events},
	{HTTP_GET, "/v1/openapi.json", "", 0, NULL, NULL, run_openapi},
};
const size_t api_n_routes = sizeof api_routes / sizeof api_routes[0];

static int matches(const char *path, const struct target *t, const char *args[2])
{
	size_t n_args = 0, i = 0;
	for (const char *p = path; p; i++) {
		const char *segment = p + 1, *end = strchr(segment, '/');
		size_t len = end ? (size_t)(end - segment) : strlen(segment);
		if (i == t->n_segments)
			return 0;
		if (segment[0] == '{') {
			if (!t->segments[i][0] || n_args == 2)
				return 0;
			args[n_args++] = t->segments[i];
		} else if (strlen(t->segments[i]) != len ||
			   memcmp(t->segments[i], segment, len) != 0) {
			return 0;
		}
		p = end;
	}
	return i == t->n_segments;
}

const struct route *route_find(
	const struct target *t, enum http_method method, const char *args[2], int *other_method_r)
{
	*other_method_r = 0;
	for (size_t i = 0; i < api_n_routes; i++) {
		if (!matches(api_routes[i].path, t, args))
			continue;
		if (api_routes[i].method == method)
			return &api_routes[i];
		*other_method_r = 1;
	}
	return NULL;
}

static int is_word_of(const char *words, const char *word)
{
	size_t len = strlen(word);
	for (const char *p = words; len && (p = strstr(p, word)); p += len)
		if ((p == words || p[-1] == ' ') && (!p[len] || p[len] == ' '))
			return 1;
	return 0;
}

/* A misspelt parameter would silently change what is asked. */
static int check_params(struct call *c)
{
	for (size_t i = 0; i < c->target->n_params; i++)
		if (!is_word_of(c->route->params, c->target->params[i].name)) {
			answer_fail(c, RV_EINVAL, "there is no parameter '%.60s' here%s%s",
				c->target->params[i].name,
				c->route->params[0] ? "; there are: " : "", c->route->params);
			return -1;
		}
	return 0;
}

static void answer_method(struct call *c, int other_method)
{
	struct rv_err e = {0};
	if (!other_method) {
		rv_fail(&e, RV_ENOTFOUND, "there is nothing at this path");
		rv_err_mend(&e, "GET /v1/openapi.json tells what there is.");
		answer_err(c, &e);
		return;
	}
	const char *allow = NULL;
	const char *args[2];
	int other;
	allow = route_find(c->target, HTTP_GET, args, &other) ? "GET, HEAD" : "POST";
	const char *const headers[] = {"Allow", allow, NULL};
	rv_fail(&e, RV_EINVAL, "this path takes %s", allow);
	json_t *problem = problem_json(405, &e, NULL);
	char *text = problem ? json_dumps(problem, JSON_COMPACT) : NULL;
	json_decref(problem);
	http_answer(c->http, 405, "application/problem+json", text ? text : "",
		text ? strlen(text) : 0, headers);
	free(text);
}

/* No request may sleep once the thread has begun to end. */
static int is_stopping(struct call *c)
{
	if (!atomic_load(&c->api->stop))
		return 0;
	answer_fail(c, RV_ECLOSED, "the node is stopping");
	return 1;
}

static void begin(struct call *c)
{
	const struct rv_err *e;
	int other_method;
	if (is_stopping(c))
		return;
	c->target = http_target(c->http, &e);
	if (http_is_stranger(c->http)) {
		answer_fail(c, RV_EDENIED, "only the user of this node and root may use its API");
		return;
	}
	if (!c->target) {
		answer_err(c, e);
		return;
	}
	c->route = route_find(c->target, http_method(c->http), c->args, &other_method);
	if (!c->route) {
		answer_method(c, other_method);
		return;
	}
	if (check_params(c))
		return;
	int64_t length = http_length(c->http);
	if (c->route->body_max && length > 0 && (uint64_t)length > c->route->body_max)
		answer_fail(
			c, RV_ELIMIT, "the body may have at most %zu bytes", c->route->body_max);
	else if (c->route->begin)
		c->route->begin(c);
}

void call_begin(void *ctx, struct http_request *r)
{
	struct api *a = ctx;
	struct call *c = calloc(1, sizeof *c);
	if (!c) {
		http_abandon(r);
		return;
	}
	c->api = a;
	c->http = r;
	c->next = a->calls;
	if (c->next)
		c->next->prev = c;
	a->calls = c;
	http_set_user(r, c);
	begin(c);
}

void call_body(void *ctx, struct http_request *r, const void *data, size_t len)
{
	struct call *c = http_user(r);
	if (!c->route->body_max) {
		http_discard(r);
		return;
	}
	if (c->route->body) {
		c->route->body(c, data, len);
		return;
	}
	/* A chunked body tells its length only by its end. */
	if (c->body.len + len > c->route->body_max) {
		answer_fail(
			c, RV_ELIMIT, "the body may have at most %zu bytes", c->route->body_max);
		rv_buf_free(&c->body);
	} else if (rv_buf_put(&c->body, data, len)) {
		answer_fail(c, RV_ENOMEM, "memory is short");
	}
}

void call_end(void *ctx, struct http_request *r)
{
	struct call *c = http_user(r);
	if (!is_stopping(c))
		c->route->run(c);
}

void call_gone(void *ctx, struct http_request *r)
{
	struct api *a = ctx;
	struct call *c = http_user(r);
	if (!c)
		return;
	if (c->pending)
		c->pending->call = NULL;
	if (c->follows)
		events_gone(c);
	blob_writer_free(&c->blob);
	rv_buf_free(&c->body);
	rv_buf_free(&c->out);
	if (c->prev)
		c->prev->next = c->next;
	else
		a->calls = c->next;
	if (c->next)
		c->next->prev = c->prev;
	free(c);
}
