/* SPDX-License-Identifier: Apache-2.0 */
#include "node/api/api_int.h"

#include <stdlib.h>
#include <string.h>

#include "node/api/json.h"
#include "protocol/seal.h"

static json_t *of_deliveries(const struct store_full *f)
{
	int bad = 0;
	json_t *a = json_array();
	for (size_t i = 0; i < f->n_deliveries; i++) {
		const struct store_delivery *d = &f->deliveries[i];
		json_t *o = json_object();
		json_put(o, "recipient", json_text(d->recipient), &bad);
		json_put(o, "hop", json_text(d->hop), &bad);
		json_put(o, "state", json_string(store_state_text(d->state)), &bad);
		json_put(o, "updated", json_stamp(d->updated_us), &bad);
		json_put(o, "rule", json_text(d->code), &bad);
		json_put(o, "text", json_text(d->text), &bad);
		json_push(a, o, &bad);
	}
	return json_done(a, bad);
}

static json_t *of_receipt(const struct store_receipt_row *row)
{
	int bad = 0;
	struct rv_receipt r;
	struct rv_buf b = {0};
	json_t *o = json_object();
	json_put(o, "signer", json_text(row->signer), &bad);
	json_put(o, "stage", json_string(rv_stage_text(row->stage)), &bad);
	json_put(o, "time", json_stamp(row->time_us), &bad);
	if (!rv_receipt_parse(&r, row->bytes, row->len, NULL)) {
		json_put(o, "rule", json_text(r.rule), &bad);
		json_put(o, "line", json_integer(r.line), &bad);
		json_put(o, "text", json_text(r.text), &bad);
		rv_receipt_clear(&r);
	}
	/* The proof itself, for who verifies it elsewhere. */
	const char *base64 = rv_base64(&b, row->bytes, row->len) ? NULL : rv_buf_cstr(&b);
	json_put(o, "bytes", base64 ? json_string(base64) : NULL, &bad);
	rv_buf_free(&b);
	return json_done(o, bad);
}

static json_t *of_receipts(const struct store_full *f)
{
	int bad = 0;
	json_t *a = json_array();
	for (size_t i = 0; i < f->n_receipts; i++)
		json_push(a, of_receipt(&f->receipts[i]), &bad);
	return json_done(a, bad);
}

static json_t *of_attachments(const struct store_full *f)
{
	int bad = 0;
	json_t *a = json_array();
	for (size_t i = 0; i < f->n_attachments; i++)
		json_push(a, json_of_attachment(&f->attachments[i], f->attachment_here[i] != 0),
			&bad);
	return json_done(a, bad);
}

/* What holds of the signer's certificate now; null if the list does not have it any more. */
static json_t *of_certificate(struct call *c, const struct rv_header *h)
{
	const struct api_core *core = &c->api->params.core;
	struct status_facts f;
	int bad = 0;
	if (!h->has_signer_cert || !core->standing || core->standing(core->ctx, h->signer_cert, &f))
		return json_null();
	json_t *o = json_object();
	json_put(o, "digest", json_digest(h->signer_cert, RV_DIGEST_LEN), &bad);
	json_put(o, "standing", json_string(status_word_text(f.standing.word)), &bad);
	json_put(o, "revoked", json_stamp(f.revoked_us), &bad);
	json_put(o, "reason", json_text(f.reason), &bad);
	json_put(o, "rule", json_text(f.why.rule), &bad);
	json_put(o, "text", json_text(f.why.text), &bad);
	return json_done(o, bad);
}

/* What was known of it when the message was taken. */
static json_t *of_standing(const struct store_standing *s)
{
	int bad = 0;
	json_t *o = json_object();
	json_put(o, "word", json_text(s->word), &bad);
	json_put(o, "source", json_text(s->source), &bad);
	json_put(o, "asOf", json_stamp(s->as_of_us), &bad);
	json_put(o, "judged", json_stamp(s->judged_us), &bad);
	return json_done(o, bad);
}

/* Header and sections come from the bytes themselves, which were verified before they were stored.
 */
static int put_content(
	struct call *c, json_t *o, const struct store_full *f, int *bad, struct rv_err *e)
{
	xmlDoc *doc = NULL;
	struct rv_header h = {0};
	struct rv_sealed sealed;
	int rc = rv_seal_parse(&doc, f->wire, f->wire_len, e);
	if (!rc)
		rc = rv_header_read(&h, doc, e);
	if (!rc)
		rc = rv_seal_inspect(doc, &sealed, e);
	if (!rc) {
		json_put(o, "header", json_of_header(&h), bad);
		json_put(o, "present", json_of_sections(sealed.present), bad);
		json_put(o, "withheld", json_of_sections(sealed.withheld), bad);
		json_put(o, "certificate", of_certificate(c, &h), bad);
	}
	rv_header_clear(&h);
	xmlFreeDoc(doc);
	return rc;
}

static int get(struct call *c, struct store_full *f)
{
	uint8_t id[RV_UUID_LEN];
	struct rv_err e = {0};
	if (arg_uuid(c, id))
		return -1;
	int rc = store_get(c->api->reader, id, f, &e);
	if (rc == RV_ENOTFOUND)
		answer_fail(c, RV_ENOTFOUND, "this node has no message with that id");
	else if (rc)
		answer_err(c, &e);
	return rc;
}

void run_message(struct call *c)
{
	struct store_full f = {0};
	struct rv_err e = {0};
	int bad = 0;
	if (get(c, &f))
		return;
	json_t *o = json_of_entry(&f.entry);
	if (put_content(c, o, &f, &bad, &e)) {
		rv_err_prefix(&e, "the stored message cannot be read");
		e.code = RV_EIO;
		json_decref(o);
		answer_err(c, &e);
		goto out;
	}
	json_put(o, "forInbox", json_boolean(f.for_inbox), &bad);
	json_put(o, "standing", of_standing(&f.standing), &bad);
	json_put(o, "sealDigest", json_digest(f.seal_digest, RV_DIGEST_LEN), &bad);
	json_put(o, "size", json_integer((json_int_t)f.wire_len), &bad);
	json_put(o, "attachments", of_attachments(&f), &bad);
	json_put(o, "deliveries", of_deliveries(&f), &bad);
	json_put(o, "receipts", of_receipts(&f), &bad);
	answer_json(c, 200, json_done(o, bad));
out:
	store_full_clear(&f);
}

void run_content(struct call *c)
{
	struct store_full f = {0};
	if (get(c, &f))
		return;
	http_answer(c->http, 200, "application/xml", f.wire, f.wire_len, NULL);
	store_full_clear(&f);
}

/* ---- read ---- */

static void read_done(void *ctx, int rc, const struct rv_err *e)
{
	struct pending *p = ctx;
	p->status = 204;
	if (rc) {
		p->status = problem_status(rc);
		p->type = "application/problem+json";
		struct rv_err none = {.code = rc};
		json_t *problem = problem_json(p->status, e && e->code ? e : &none, NULL);
		p->body = problem ? json_dumps(problem, JSON_COMPACT) : NULL;
		json_decref(problem);
	}
	pending_done(p);
}

void run_read(struct call *c)
{
	const struct api_core *core = &c->api->params.core;
	uint8_t id[RV_UUID_LEN];
	struct rv_err e = {0};
	if (arg_uuid(c, id))
		return;
	struct pending *p = pending_new(c);
	if (p && core->mark_read(core->ctx, id, read_done, p, &e)) {
		pending_cancel(p);
		answer_err(c, &e);
	}
}
