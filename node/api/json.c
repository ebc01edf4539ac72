/* SPDX-License-Identifier: Apache-2.0 */
#include "node/api/json.h"

#include <string.h>

#include "protocol/stamp.h"

json_t *json_text(const char *s)
{
	json_t *text = json_string(s);
	if (text)
		return text;
	/* Not UTF-8 (or no memory): byte by byte, so that the readable part is not lost. */
	struct rv_buf b = {0};
	for (const unsigned char *p = (const unsigned char *)s; *p; p++)
		if (*p < 0x80)
			rv_buf_u8(&b, *p);
		else
			rv_buf_str(&b, "\xEF\xBF\xBD");
	const char *clean = rv_buf_cstr(&b);
	text = clean ? json_string(clean) : NULL;
	rv_buf_free(&b);
	return text;
}

json_t *json_stamp(int64_t t_us)
{
	char text[RV_STAMP_TEXT];
	if (!t_us)
		return json_null();
	rv_stamp_text(text, t_us);
	return json_string(text);
}

json_t *json_digest(const uint8_t *digest, size_t len)
{
	char text[RV_DIGEST_TEXT];
	if (len > RV_DIGEST_LEN)
		return NULL;
	rv_hex(text, digest, len);
	return json_string(text);
}

void json_put(json_t *object, const char *key, json_t *value, int *bad)
{
	*bad |= json_object_set_new(object, key, value) != 0;
}

void json_push(json_t *array, json_t *value, int *bad)
{
	*bad |= json_array_append_new(array, value) != 0;
}

json_t *json_done(json_t *value, int bad)
{
	if (bad) {
		json_decref(value);
		return NULL;
	}
	return value;
}

void json_put_err(json_t *object, const struct rv_err *e, int *bad)
{
	json_put(object, "code", json_string(rv_strcode(e->code)), bad);
	if (e->rule[0])
		json_put(object, "rule", json_text(e->rule), bad);
	if (e->line) {
		json_put(object, "line", json_integer(e->line), bad);
		json_put(object, "column", json_integer(e->column), bad);
	}
	if (e->mend[0])
		json_put(object, "mend", json_text(e->mend), bad);
}

static json_t *of_fault(const struct rv_fault *f)
{
	int bad = 0;
	json_t *o = json_object();
	json_put(o, "level", json_string(f->level == RV_LEVEL_WARNING ? "warning" : "error"), &bad);
	json_put(o, "rule", json_text(f->code ? f->code : ""), &bad);
	json_put(o, "line", json_integer(f->line), &bad);
	json_put(o, "column", json_integer(f->column), &bad);
	json_put(o, "path", json_text(f->path ? f->path : ""), &bad);
	json_put(o, "text", json_text(f->text ? f->text : ""), &bad);
	json_put(o, "mend", json_text(f->mend ? f->mend : ""), &bad);
	return json_done(o, bad);
}

json_t *json_of_report(const struct rv_report *r)
{
	int bad = 0;
	json_t *o = json_object(), *faults = json_array();
	for (size_t i = 0; i < r->n; i++)
		json_push(faults, of_fault(&r->faults[i]), &bad);
	json_put(o, "errors", json_integer((json_int_t)r->errors), &bad);
	json_put(o, "warnings", json_integer((json_int_t)r->warnings), &bad);
	json_put(o, "truncated", json_boolean(r->truncated), &bad);
	json_put(o, "faults", faults, &bad);
	return json_done(o, bad);
}

json_t *json_of_sections(unsigned mask)
{
	int bad = 0;
	json_t *a = json_array();
	for (unsigned s = 0; s < RV_SEC_COUNT; s++)
		if (mask & (1u << s))
			json_push(a, json_string(rv_section_id((enum rv_section)s)), &bad);
	return json_done(a, bad);
}

json_t *json_of_attachment(const struct rv_attachment *at, int here)
{
	int bad = 0;
	json_t *o = json_object();
	json_put(o, "name", json_text(at->name), &bad);
	json_put(o, "mediaType", json_text(at->media_type), &bad);
	json_put(o, "size", json_integer((json_int_t)at->size), &bad);
	json_put(o, "digest", json_digest(at->digest, RV_DIGEST_LEN), &bad);
	if (here >= 0)
		json_put(o, "here", json_boolean(here), &bad);
	return json_done(o, bad);
}

static const char *reftype_text(enum rv_reftype t)
{
	switch (t) {
	case RV_REF_UPDATES:
		return "updates";
	case RV_REF_CANCELS:
		return "cancels";
	case RV_REF_ANSWERS:
		return "answers";
	case RV_REF_RELATES:
		return "relates";
	}
	return "?";
}

static json_t *of_refs(const struct rv_header *h)
{
	int bad = 0;
	json_t *refs = json_array();
	for (size_t i = 0; i < h->n_refs; i++) {
		json_t *o = json_object();
		json_put(o, "type", json_string(reftype_text(h->refs[i].type)), &bad);
		json_put(o, "id", json_text(h->refs[i].id), &bad);
		if (h->refs[i].version)
			json_put(o, "version", json_integer(h->refs[i].version), &bad);
		json_push(refs, o, &bad);
	}
	return json_done(refs, bad);
}

static json_t *of_codes(const char (*codes)[RV_CODE_TEXT], size_t n)
{
	int bad = 0;
	json_t *a = json_array();
	for (size_t i = 0; i < n; i++)
		json_push(a, json_text(codes[i]), &bad);
	return json_done(a, bad);
}

static void put_handling(json_t *o, const struct rv_header *h, int *bad)
{
	char handling[4] = {'H', (char)('0' + (h->handling & 3)), 0};
	json_t *risks = json_array(), *caveats = json_array();
	for (unsigned bit = 1; bit <= RV_RISK_ENVIRONMENT; bit <<= 1)
		if (h->risks & bit)
			json_push(risks, json_string(rv_risk_text((enum rv_risk)bit)), bad);
	if (h->caveats & RV_CAVEAT_NO_RIGHT_HOLDERS)
		json_push(caveats, json_string("no-right-holders"), bad);
	if (h->caveats & RV_CAVEAT_NAMED_ONLY)
		json_push(caveats, json_string("named-recipients-only"), bad);
	json_put(o, "handling", json_string(handling), bad);
	json_put(o, "tlp", json_string(rv_tlp_text(h->tlp)), bad);
	json_put(o, "onward", json_string(rv_onward_text(h->onward)), bad);
	json_put(o, "caveats", caveats, bad);
	json_put(o, "risks", risks, bad);
}

json_t *json_of_header(const struct rv_header *h)
{
	int bad = 0;
	json_t *o = json_object();
	json_put(o, "id", json_text(h->id), &bad);
	json_put(o, "kind", json_string(rv_kind_text(h->kind)), &bad);
	json_put(o, "function", json_integer(h->function), &bad);
	json_put(o, "version", json_integer(h->version), &bad);
	json_put(o, "status", json_string(rv_status_text(h->status)), &bad);
	json_put(o, "originator", json_text(h->originator), &bad);
	json_put(o, "office", json_text(h->office), &bad);
	json_put(o, "operation", json_text(h->operation), &bad);
	json_put(o, "rosterVersion", json_integer(h->roster_version), &bad);
	json_put(o, "sequence", json_integer((json_int_t)h->sequence), &bad);
	json_put(o, "previous", json_digest(h->previous, RV_DIGEST_LEN), &bad);
	json_put(o, "recipients",
		of_codes((const char(*)[RV_CODE_TEXT])h->recipients, h->n_recipients), &bad);
	json_put(o, "issued", json_stamp(h->issued_us), &bad);
	json_put(o, "expires", json_stamp(h->expires_us), &bad);
	json_put(o, "review", json_stamp(h->review_us), &bad);
	put_handling(o, h, &bad);
	json_put(o, "references", of_refs(h), &bad);
	if (h->has_signer_cert)
		json_put(o, "signerCertificate", json_digest(h->signer_cert, RV_DIGEST_LEN), &bad);
	return json_done(o, bad);
}
