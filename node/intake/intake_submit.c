/* SPDX-License-Identifier: Apache-2.0 */
#include "node/intake/intake_int.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * A local user's draft. A worker checks it and finds its recipients; composing and sealing happen
 * in the committer's thread, because each message names the sequence number and digest of the one
 * before it.
 */
struct submission {
	struct work work;
	struct commit_job job;
	struct intake *intake;
	struct rv_buf draft;
	char operation[RV_OPCODE_TEXT];
	char id[RV_UUID_TEXT];
	struct route_codes to;
	struct rv_attachment *attachments;
	size_t n_attachments;
	int dry_run;
	void (*done)(void *ctx, const struct intake_result *result);
	void *ctx;
	/* what the worker found */
	xmlDoc *doc;
	struct rv_header header;
	unsigned roster_version;
	struct store_target *targets;
	size_t n_targets;
	struct intake_result result;
};

static void submission_free(struct submission *s)
{
	rv_buf_free(&s->draft);
	route_codes_clear(&s->to);
	route_codes_clear(&s->result.recipients);
	rv_report_clear(&s->result.report);
	rv_header_clear(&s->header);
	xmlFreeDoc(s->doc);
	free(s->targets);
	free(s->attachments);
	free(s);
}

static void answer(struct submission *s, int rc, const struct rv_err *e)
{
	s->result.code = rc;
	if (rc != 0) {
		s->result.err = *e;
		s->result.err.code = rc;
	}
	s->done(s->ctx, &s->result);
	submission_free(s);
}

static int compose_and_seal(struct submission *s, const struct commit_scope *scope,
	struct rv_buf *wire, struct rv_sealed *sealed)
{
	struct intake *i = s->intake;
	struct rv_err *e = &s->job.err;
	struct rv_compose c = {.office = i->p.conf->office,
		.roster_version = s->roster_version,
		.issued_us = scope->clock.now_us(scope->clock.ctx),
		.attachments = s->attachments,
		.n_attachments = s->n_attachments};
	memcpy(c.id, s->id, sizeof(c.id));
	memcpy(c.originator, i->p.conf->code, sizeof(c.originator));
	memcpy(c.operation, s->operation, sizeof(c.operation));
	memcpy(c.signer_cert, scope->signer->cert_digest, sizeof(c.signer_cert));
	int rc = store_chain_head(
		scope->store, s->operation, i->p.conf->code, &c.sequence, c.previous, e);
	if (rc != 0) {
		return rc;
	}
	c.sequence++;
	rc = rv_msg_compose(s->doc, &c, &i->p.random, e);
	if (rc == 0) {
		rc = rv_seal(s->doc, scope->signer, wire, sealed->seal_digest, e);
	}
	if (rc == 0) {
		rv_header_clear(&s->header);
		memset(&s->header, 0, sizeof(s->header));
		rc = rv_header_read(&s->header, s->doc, e);
	}
	return rc;
}

/* The client's retry of what is durable already is told so; another's message under that id is a
 * conflict. */
static int known_before(struct submission *s)
{
	struct store_full full;
	uint8_t id[RV_UUID_LEN];
	if (rv_uuid_parse(id, s->id) != 0 || store_get(s->intake->reader, id, &full, NULL) != 0) {
		return 0;
	}
	int ours = full.entry.source[0] == '\0' &&
		   strcmp(full.entry.originator, s->intake->p.conf->code) == 0;
	store_full_clear(&full);
	return ours;
}

static int run_submission(struct commit_job *job, const struct commit_scope *scope)
{
	struct submission *s =
		(struct submission *)((char *)job - offsetof(struct submission, job));
	struct rv_buf wire = {0};
	struct rv_sealed sealed = {0};
	struct rv_attachment *attachments = NULL;
	size_t n = 0;
	int complete = 0;
	if (known_before(s)) {
		s->result.known = 1;
		return 0;
	}
	struct store_standing standing = {.word = ""};
	int rc = intake_own_standing(
		s->intake, scope->signer->cert_digest, &standing, &job->err);
	if (rc == 0) {
		rc = compose_and_seal(s, scope, &wire, &sealed);
	}
	if (rc == 0) {
		rc = rv_attachments_read(&attachments, &n, s->doc, &job->err);
	}
	if (rc == 0) {
		struct store_message m = {.header = s->header,
			.wire = wire.data,
			.wire_len = wire.len,
			.source = "",
			.trail = "",
			.now_us = s->header.issued_us,
			.targets = s->targets,
			.n_targets = s->n_targets,
			.attachments = attachments,
			.n_attachments = n,
			.standing = standing};
		memcpy(m.seal_digest, sealed.seal_digest, RV_DIGEST_LEN);
		rc = store_accept(scope->store, &m, &complete, &job->err);
	}
	free(attachments);
	rv_buf_free(&wire);
	return rc;
}

static void done_submission(struct commit_job *job, int rc)
{
	struct submission *s =
		(struct submission *)((char *)job - offsetof(struct submission, job));
	if (rc == 0) {
		memcpy(s->result.id, s->id, sizeof(s->result.id));
		if (!s->result.known) {
			intake_announce(s->intake, 0, s->targets, s->n_targets);
		}
	}
	if (rc == RV_EAGAIN) {
		rv_err_mend(&job->err, "It is not sent. Send it again, with the same id, when reeve "
				       "status says that the node is ready.");
	}
	answer(s, rc, &job->err);
}

/* Every attachment named in the draft or by the client must be here before the message is. */
static int attachments_here(struct submission *s, struct rv_err *e)
{
	struct rv_attachment *named = NULL;
	size_t n = 0;
	int rc = rv_attachments_read(&named, &n, s->doc, e);
	for (size_t k = 0; rc == 0 && k < n + s->n_attachments; k++) {
		const struct rv_attachment *a = k < n ? &named[k] : &s->attachments[k - n];
		if (!blob_here(s->intake->p.conf->state_dir, a->digest)) {
			rc = rv_fail_rule(e, RV_ENOTFOUND, "ATTACH-MISSING",
				"the bytes of attachment \"%.80s\" are not in this node", a->name);
			rv_err_mend(e, "Attach the file: reeve send FILE --attach PATH.");
		}
	}
	free(named);
	return rc;
}

static int check_submission(
	struct submission *s, const struct route_view *view, struct judge *judge, struct rv_err *e)
{
	const struct rv_operation *op = NULL;
	struct draft_ask ask = {s->draft.data, s->draft.len, s->operation, &s->to};
	int for_us = 0;
	int rc = judge_draft(judge, view, &ask, &s->result.report, &s->doc, &s->header, &op, e);
	if (rc != 0) {
		return rc;
	}
	snprintf(s->operation, sizeof(s->operation), "%s", op->code);
	s->roster_version = op->version;
	snprintf(s->header.originator, sizeof(s->header.originator), "%s", view->self);
	s->header.issued_us = view->now_us;
	if (s->header.expires_us != 0 && s->header.expires_us <= view->now_us) {
		rv_fail_rule(e, RV_ERULE, "TIME-EXPIRED",
			"the message would have expired before it is sent");
		rv_err_mend(e, "Set ExpirationDateTime to a time to come, or leave it out.");
		return RV_ERULE;
	}
	if ((rc = route_may_send(view, op, &s->header, e)) != 0 ||
		(rc = intake_references(s->intake, &s->header, e)) != 0 ||
		(rc = route_recipients(view, op, &s->header, &s->result.recipients, e)) != 0 ||
		(rc = attachments_here(s, e)) != 0) {
		return rc;
	}
	return intake_targets(
		view, &s->result.recipients, NULL, &s->targets, &s->n_targets, &for_us, e);
}

static int fresh_id(struct submission *s, struct rv_err *e)
{
	uint8_t random[10];
	uint8_t id[RV_UUID_LEN];
	struct intake *i = s->intake;
	if (s->id[0] != '\0') {
		return 0;
	}
	if (i->p.random.fill(i->p.random.ctx, random, sizeof(random)) != 0) {
		return rv_fail(e, RV_EIO, "no randomness for an identifier");
	}
	rv_uuid7(id, i->p.clock.now_us(i->p.clock.ctx), random);
	rv_uuid_text(s->id, id);
	return 0;
}

static void judge_submission(struct work *w, struct intake *i, struct judge *judge)
{
	struct submission *s = (struct submission *)((char *)w - offsetof(struct submission, work));
	struct route_view view;
	struct rv_err e = {0};
	int rc = intake_view(i, &view, &e);
	if (rc != 0) {
		answer(s, rc, &e);
		return;
	}
	rc = check_submission(s, &view, judge, &e);
	intake_view_end(&view);
	if (rc == 0 && !s->dry_run) {
		rc = fresh_id(s, &e);
	}
	if (rc != 0 || s->dry_run) {
		answer(s, rc, &e);
		return;
	}
	s->job.run = run_submission;
	s->job.done = done_submission;
	s->job.signs = 1;
	intake_post(i, &s->job);
}

static int copy_submission(
	struct submission *s, const struct intake_submission *from, struct rv_err *e)
{
	if (from->operation != NULL && from->operation[0] != '\0') {
		if (!rv_opcode_valid(from->operation)) {
			return rv_fail_rule(e, RV_EINVAL, "ROUTE-OPERATION",
				"\"%.40s\" is not an operation's code", from->operation);
		}
		snprintf(s->operation, sizeof(s->operation), "%s", from->operation);
	}
	if (from->id != NULL) {
		uint8_t id[RV_UUID_LEN];
		if (rv_uuid_parse(id, from->id) != 0) {
			rv_fail_rule(e, RV_EINVAL, "API-ID", "\"%.40s\" is not a UUID of version 7",
				from->id);
			rv_err_mend(e,
				"Use a fresh UUIDv7 for each message, the same one for a retry.");
			return RV_EINVAL;
		}
		snprintf(s->id, sizeof(s->id), "%s", from->id);
	}
	for (size_t k = 0; k < from->n_to; k++) {
		if (!rv_code_valid(from->to[k])) {
			return rv_fail_rule(e, RV_EINVAL, "ROUTE-MEMBER",
				"\"%.40s\" is not a member's code", from->to[k]);
		}
		int rc = route_codes_add(&s->to, from->to[k], e);
		if (rc != 0) {
			return rc;
		}
	}
	s->attachments = calloc(from->n_attachments + 1, sizeof(*s->attachments));
	if (s->attachments == NULL || rv_buf_put(&s->draft, from->draft, from->len) != 0) {
		return rv_fail_nomem(e);
	}
	if (from->n_attachments > 0) {
		memcpy(s->attachments, from->attachments,
			from->n_attachments * sizeof(*s->attachments));
	}
	s->n_attachments = from->n_attachments;
	s->dry_run = from->dry_run;
	s->done = from->done;
	s->ctx = from->ctx;
	return 0;
}

int intake_submit(struct intake *i, const struct intake_submission *from, struct rv_err *e)
{
	struct submission *s = calloc(1, sizeof(*s));
	if (s == NULL) {
		return rv_fail_nomem(e);
	}
	s->work.run = judge_submission;
	s->intake = i;
	int rc = copy_submission(s, from, e);
	if (rc == 0 && queue_push(i->work, &s->work) != 0) {
		rc = rv_fail(e, RV_EAGAIN, "the node is busy or stopping");
		rv_err_mend(e, "Try again in a moment.");
	}
	if (rc != 0) {
		submission_free(s);
	}
	return rc;
}
