/* SPDX-License-Identifier: Apache-2.0 */
#include "node/api/api_int.h"

#include <stdlib.h>
#include <string.h>

#include "node/api/json.h"

/* Invitations to join, and the requests that came with their tokens. */

static json_t *of_row(const struct joins_row *r)
{
	int bad = 0;
	json_t *o = json_object();
	json_t *roles = json_array();
	json_t *operations = json_array();
	for (unsigned bit = RV_ROLE_ADMINISTRATION; bit <= RV_ROLE_RELAY; bit <<= 1) {
		if (r->invite.roles & bit) {
			json_push(roles, json_text(rv_role_text((enum rv_role)bit)), &bad);
		}
	}
	for (size_t i = 0; i < r->invite.n_operations; i++) {
		json_push(operations, json_text(r->invite.operations[i]), &bad);
	}
	json_put(o, "code", json_text(r->invite.code), &bad);
	json_put(o, "name", json_text(r->invite.name), &bad);
	json_put(o, "roles", roles, &bad);
	json_put(o, "country", json_text(r->invite.country), &bad);
	json_put(o, "operations", operations, &bad);
	json_put(o, "state", json_text(joins_state_text(r->state)), &bad);
	json_put(o, "renewal", json_boolean(r->renewal), &bad);
	json_put(o, "created", json_stamp(r->invite.created_us), &bad);
	json_put(o, "expires", json_stamp(r->invite.expires_us), &bad);
	json_put(o, "asked", json_stamp(r->asked_us), &bad);
	json_put(o, "phrase", json_text(r->phrase), &bad);
	json_put(o, "reason", json_text(r->reason), &bad);
	json_put(o, "others", json_integer((json_int_t)r->others), &bad);
	json_put(o, "otherAt", json_stamp(r->other_us), &bad);
	return json_done(o, bad);
}

/* The waiting room; NULL after answering that this node has none. */
static struct joins *room(struct call *c)
{
	struct joins *j = c->api->params.core.joins;
	if (j == NULL) {
		answer_fail(c, RV_ENOTFOUND, "this node takes no requests to join");
	}
	return j;
}

static struct rv_trust *trust_of(const struct call *c)
{
	const struct api_core *core = &c->api->params.core;
	return core->trust(core->ctx);
}

void run_invites(struct call *c)
{
	struct joins *j = room(c);
	struct joins_row *rows = NULL;
	struct rv_err e = {0};
	size_t n = 0;
	int bad = 0;
	if (j == NULL) {
		return;
	}
	struct rv_trust *t = trust_of(c);
	int rc = joins_list(j, t, &rows, &n, &e);
	rv_trust_unref(&t);
	if (rc != 0) {
		answer_err(c, &e);
		return;
	}
	json_t *items = json_array();
	for (size_t i = 0; i < n; i++) {
		json_push(items, of_row(&rows[i]), &bad);
	}
	free(rows);
	json_t *o = json_object();
	json_put(o, "items", items, &bad);
	answer_json(c, 200, json_done(o, bad));
}

void run_join_request(struct call *c)
{
	struct joins *j = room(c);
	struct rv_buf wire = {0};
	struct rv_err e = {0};
	if (j == NULL) {
		return;
	}
	if (joins_request(j, c->args[0], &wire, &e) != 0) {
		answer_err(c, &e);
	} else {
		http_answer(c->http, 200, "application/xml", wire.data, wire.len, NULL);
	}
	rv_buf_free(&wire);
}

/* ---- POST ---- */

static json_t *body_object(struct call *c)
{
	json_t *o = json_loadb((const char *)c->body.data, c->body.len, JSON_REJECT_DUPLICATES, NULL);
	if (!json_is_object(o)) {
		json_decref(o);
		answer_fail(c, RV_EINVAL, "the body is not a JSON object");
		return NULL;
	}
	return o;
}

static const char *text_of(const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));
	return s != NULL ? s : "";
}

static int fits(char *out, size_t size, const char *text)
{
	size_t len = strlen(text);
	if (len >= size) {
		return 0;
	}
	memcpy(out, text, len + 1);
	return 1;
}

/* What is wrong with it, NULL if nothing. */
static const char *read_invite(struct joins_invite *v, const json_t *o, int64_t now_us)
{
	const json_t *roles = json_object_get(o, "roles");
	const json_t *operations = json_object_get(o, "operations");
	const json_t *one;
	size_t i;
	v->created_us = now_us;
	if (!fits(v->code, sizeof(v->code), text_of(o, "code")) || !rv_code_valid(v->code)) {
		return "code is not a member code";
	}
	if (!fits(v->name, sizeof(v->name), text_of(o, "name")) || v->name[0] == '\0') {
		return "name is empty or too long";
	}
	if (!fits(v->country, sizeof(v->country), text_of(o, "country"))) {
		return "country is not one of ISO 3166-1";
	}
	if (!fits(v->guest, sizeof(v->guest), text_of(o, "guest")) || !rv_z85_key_valid(v->guest)) {
		return "guest is not a public CURVE key";
	}
	json_array_foreach(roles, i, one)
	{
		const char *text = json_string_value(one);
		unsigned bit = text != NULL ? rv_role_parse(text) : 0;
		if (bit == 0) {
			return "roles are administration, right-holder, coordinator, relay";
		}
		v->roles |= bit;
	}
	json_array_foreach(operations, i, one)
	{
		const char *text = json_string_value(one);
		if (text == NULL || !rv_opcode_valid(text) || v->n_operations == JOINS_OPERATIONS) {
			return "operations are up to 8 operation codes";
		}
		fits(v->operations[v->n_operations++], RV_OPCODE_TEXT, text);
	}
	if (v->roles == 0) {
		return "roles must name one at least";
	}
	if (rv_stamp_parse(&v->expires_us, text_of(o, "expires")) != 0 || v->expires_us <= now_us) {
		return "expires is not a moment to come";
	}
	return NULL;
}

void run_invite(struct call *c)
{
	const struct api_params *p = &c->api->params;
	struct joins *j = room(c);
	struct joins_invite v = {.roles = 0};
	struct rv_err e = {0};
	json_t *o = j != NULL ? body_object(c) : NULL;
	if (o == NULL) {
		return;
	}
	const char *wrong = read_invite(&v, o, p->clock.now_us(p->clock.ctx));
	json_decref(o);
	if (wrong != NULL) {
		answer_fail(c, RV_EINVAL, "%s", wrong);
		return;
	}
	struct rv_trust *t = trust_of(c);
	int rc = joins_add(j, &v, t, &e);
	rv_trust_unref(&t);
	if (rc != 0) {
		answer_err(c, &e);
		return;
	}
	p->core.joins_changed(p->core.ctx);
	struct joins_row row = {.invite = v, .state = JOINS_OPEN};
	answer_json(c, 201, of_row(&row));
}

void run_refuse_join(struct call *c)
{
	struct joins *j = room(c);
	struct rv_err e = {0};
	json_t *o = j != NULL ? body_object(c) : NULL;
	if (o == NULL) {
		return;
	}
	struct rv_trust *t = trust_of(c);
	int rc = joins_refuse(j, c->args[0], text_of(o, "reason"), t, &e);
	rv_trust_unref(&t);
	json_decref(o);
	if (rc != 0) {
		answer_err(c, &e);
	} else {
		answer_empty(c, 204);
	}
}
