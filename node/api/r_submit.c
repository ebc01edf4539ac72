/* SPDX-License-Identifier: Apache-2.0 */
#include "node/api/api_int.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "node/api/json.h"
#include "protocol/xml.h"

enum { MAX_TO = 200, MAX_ATTACHMENTS = 64 };

/* ---- POST /v1/messages ---- */

struct request {
	const char *to[MAX_TO];
	struct rv_attachment attachments[MAX_ATTACHMENTS];
	struct api_submission s;
};

/* RFC 8941 string or the bare word. */
static int read_key(struct call *c, char key[RV_UUID_TEXT], int *given_r)
{
	const char *text = http_header(c->http, "Idempotency-Key");
	uint8_t id[RV_UUID_LEN];
	*given_r = text != NULL;
	if (!text)
		return 0;
	size_t len = strlen(text);
	if (len >= 2 && text[0] == '"' && text[len - 1] == '"') {
		text++;
		len -= 2;
	}
	if (len == RV_UUID_TEXT - 1) {
		memcpy(key, text, len);
		key[len] = 0;
		if (!rv_uuid_parse(id, key))
			return 0;
	}
	struct rv_err e = {0};
	rv_fail(&e, RV_EINVAL, "the Idempotency-Key is not a UUID of version 7 in lower case");
	rv_err_mend(&e, "It becomes the id of the message, so that a repeated submission is known "
			"again for ever.");
	answer_err(c, &e);
	return -1;
}

static int add_to(struct call *c, struct request *r, const char *code)
{
	if (!rv_code_valid(code)) {
		answer_fail(c, RV_EINVAL, "to=%.40s is not the code of a member", code);
		return -1;
	}
	if (r->s.n_to == MAX_TO) {
		answer_fail(c, RV_ELIMIT, "a message names at most %d recipients", MAX_TO);
		return -1;
	}
	r->to[r->s.n_to++] = code;
	return 0;
}

static int add_attachment(struct call *c, struct request *r, const char *text)
{
	struct rv_err e = {0};
	struct rv_attachment *a = &r->attachments[r->s.n_attachments];
	char digest[RV_DIGEST_TEXT];
	if (r->s.n_attachments == MAX_ATTACHMENTS) {
		answer_fail(c, RV_ELIMIT, "a message has at most %d attachments", MAX_ATTACHMENTS);
		return -1;
	}
	if (target_attachment(a, text, &e)) {
		answer_err(c, &e);
		return -1;
	}
	int fd = blob_open(c->api->params.conf->state_dir, a->digest, &a->size, &e);
	if (fd < 0) {
		rv_hex(digest, a->digest, RV_DIGEST_LEN);
		rv_fail(&e, RV_EUNKNOWN, "the attachment %s is not here", digest);
		rv_err_mend(&e, "Upload it first: POST /v1/attachments.");
		answer_err(c, &e);
		return -1;
	}
	close(fd);
	r->s.n_attachments++;
	return 0;
}

static int read_params(struct call *c, struct request *r)
{
	const char *dry_run = target_param(c->target, "dry-run");
	if (dry_run && strcmp(dry_run, "true") && strcmp(dry_run, "false")) {
		answer_fail(c, RV_EINVAL, "dry-run is true or false");
		return -1;
	}
	r->s.dry_run = dry_run && !strcmp(dry_run, "true");
	if (param_operation(c, &r->s.operation))
		return -1;
	for (size_t i = 0; i < c->target->n_params; i++) {
		const struct target_param *p = &c->target->params[i];
		if (!strcmp(p->name, "to") && add_to(c, r, p->value))
			return -1;
		if (!strcmp(p->name, "attachment") && add_attachment(c, r, p->value))
			return -1;
	}
	return 0;
}

static json_t *of_result(const struct api_result *result, int dry_run)
{
	int bad = 0;
	json_t *o = json_object(), *recipients = json_array();
	static const struct rv_report nothing;
	for (size_t i = 0; i < result->n_recipients; i++)
		json_push(recipients, json_text(result->recipients[i]), &bad);
	json_put(o, "id", result->id[0] ? json_text(result->id) : json_null(), &bad);
	json_put(o, "known", json_boolean(result->known), &bad);
	json_put(o, "dryRun", json_boolean(dry_run), &bad);
	json_put(o, "recipients", recipients, &bad);
	json_put(o, "report", json_of_report(result->report ? result->report : &nothing), &bad);
	return json_done(o, bad);
}

/* In the core's thread. */
static void submit_done(void *ctx, const struct api_result *result)
{
	struct pending *p = ctx;
	json_t *o;
	if (result->code) {
		struct rv_err none = {.code = result->code};
		p->status = problem_status(result->code);
		p->type = "application/problem+json";
		o = problem_json(
			p->status, result->err.code ? &result->err : &none, result->report);
	} else {
		p->status = p->dry_run || result->known ? 200 : 201;
		p->type = "application/json";
		o = of_result(result, p->dry_run);
		if (result->id[0] && !p->dry_run)
			snprintf(p->location, sizeof p->location, "/v1/messages/%s", result->id);
	}
	p->body = o ? json_dumps(o, JSON_COMPACT) : NULL;
	json_decref(o);
	pending_done(p);
}

static void submit(struct call *c, struct request *r)
{
	const struct api_core *core = &c->api->params.core;
	struct rv_err e = {0};
	struct pending *p = pending_new(c);
	if (!p)
		return;
	p->dry_run = r->s.dry_run;
	r->s.done = submit_done;
	r->s.ctx = p;
	if (core->submit(core->ctx, &r->s, &e)) {
		pending_cancel(p);
		answer_err(c, &e);
	}
}

void run_submit(struct call *c)
{
	char key[RV_UUID_TEXT];
	int has_key;
	struct request *r = calloc(1, sizeof *r);
	if (!r) {
		answer_fail(c, RV_ENOMEM, "memory is short");
		return;
	}
	if (!read_key(c, key, &has_key) && !read_params(c, r)) {
		if (!c->body.len) {
			answer_fail(c, RV_EINVAL, "the body must be the draft of a message in XML");
		} else {
			r->s.draft = c->body.data;
			r->s.len = c->body.len;
			r->s.id = has_key ? key : NULL;
			r->s.to = r->to;
			r->s.attachments = r->attachments;
			submit(c, r);
		}
	}
	free(r);
}

/* ---- POST /v1/check ---- */

void run_check(struct call *c)
{
	const struct api_params *p = &c->api->params;
	struct rv_check_context context = {.now_us = p->clock.now_us(p->clock.ctx)};
	struct rv_report report = {0};
	struct rv_trust *trust = NULL;
	struct rv_err e = {0};
	const char *code;
	if (param_operation(c, &code))
		return;
	if (code[0]) {
		trust = p->core.trust(p->core.ctx);
		context.operation = trust ? rv_trust_operation(trust, code) : NULL;
		if (!context.operation) {
			answer_fail(c, RV_EUNKNOWN,
				"the trust list of this node has no operation %s", code);
			goto out;
		}
	}
	const void *bytes = c->body.data ? (const void *)c->body.data : "";
	if (rv_check_bytes(
		    c->api->checker, bytes, c->body.len, RV_XML_DRAFT, &context, &report, NULL, &e))
		answer_err(c, &e);
	else
		answer_json(c, 200, json_of_report(&report));
out:
	rv_report_clear(&report);
	rv_trust_unref(&trust);
}

/* ---- attachments ---- */

void begin_upload(struct call *c)
{
	const struct conf *conf = c->api->params.conf;
	struct rv_err e = {0};
	int64_t length = http_length(c->http);
	if (conf->attachment_max && length > 0 && (uint64_t)length > conf->attachment_max)
		answer_fail(c, RV_ELIMIT, "an attachment may have at most %llu bytes",
			(unsigned long long)conf->attachment_max);
	else if (blob_writer_new(&c->blob, conf->state_dir, conf->attachment_max, &e))
		answer_err(c, &e);
}

void body_upload(struct call *c, const void *data, size_t len)
{
	struct rv_err e = {0};
	if (blob_write(c->blob, data, len, &e)) {
		blob_writer_free(&c->blob);
		answer_err(c, &e);
	}
}

void run_upload(struct call *c)
{
	uint8_t digest[RV_DIGEST_LEN];
	uint64_t size;
	struct rv_err e = {0};
	int bad = 0;
	if (blob_finish(c->blob, digest, &size, &e)) {
		answer_err(c, &e);
		return;
	}
	json_t *o = json_object();
	json_put(o, "digest", json_digest(digest, RV_DIGEST_LEN), &bad);
	json_put(o, "size", json_integer((json_int_t)size), &bad);
	answer_json(c, 201, json_done(o, bad));
}

void run_download(struct call *c)
{
	static const char *const headers[] = {"Content-Disposition", "attachment", NULL};
	uint8_t digest[RV_DIGEST_LEN];
	uint64_t size;
	if (rv_unhex(digest, RV_DIGEST_LEN, c->args[0])) {
		answer_fail(c, RV_EINVAL,
			"an attachment is named by its SHA-256: 64 lower-case hexadecimal digits");
		return;
	}
	int fd = blob_open(c->api->params.conf->state_dir, digest, &size, NULL);
	if (fd < 0)
		answer_fail(c, RV_ENOTFOUND, "this node has no attachment with that digest");
	else
		http_answer_file(c->http, 200, "application/octet-stream", fd, size, headers);
}
