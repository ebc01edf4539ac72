/* SPDX-License-Identifier: Apache-2.0 */
#include "frame_int.h"

#include <string.h>

#include "signer.h"
#include "wire.h"

/* ---- TRUST_REQUEST ---- */

static int request_check(const struct rv_trust_request *r, struct rv_err *e)
{
	if (r->number == 0) {
		return rv_body_field(e, "TRUST_REQUEST", "number", "is 0");
	}
	if (r->offset >= RV_TRUST_MAX_BYTES) {
		return rv_body_field(e, "TRUST_REQUEST", "offset", "is beyond the longest list");
	}
	return 0;
}

int rv_trust_request_put(struct rv_buf *out, const struct rv_trust_request *r)
{
	if (request_check(r, NULL) != 0) {
		return RV_EINVAL;
	}
	size_t start = out->len;
	rv_buf_u64(out, r->number);
	rv_buf_u32(out, r->offset);
	return rv_body_put_end(out, start);
}

int rv_trust_request_parse(
	struct rv_trust_request *r, const void *data, size_t len, struct rv_err *e)
{
	struct rv_cur c = rv_cur_of(data, len);
	struct rv_trust_request v = {0};
	v.number = rv_cur_u64(&c);
	v.offset = rv_cur_u32(&c);
	int rc = rv_body_end(&c, "TRUST_REQUEST", e);
	if (rc == 0) {
		rc = request_check(&v, e);
	}
	if (rc == 0) {
		*r = v;
	}
	return rc;
}

/* ---- TRUST ---- */

static int part_check(const struct rv_trust_part *p, struct rv_err *e)
{
	if (p->number == 0) {
		return rv_body_field(e, "TRUST", "number", "is 0");
	}
	if (p->total > RV_TRUST_MAX_BYTES) {
		return rv_body_field(e, "TRUST", "total", "is more than a list may have");
	}
	if (p->total == 0 ? p->offset != 0 : p->offset >= p->total) {
		return rv_body_field(e, "TRUST", "offset", "is not within the list");
	}
	return 0;
}

int rv_trust_part_put(struct rv_buf *out, const struct rv_trust_part *p)
{
	if (part_check(p, NULL) != 0) {
		return RV_EINVAL;
	}
	size_t start = out->len;
	rv_buf_u64(out, p->number);
	rv_buf_u32(out, p->total);
	rv_buf_u32(out, p->offset);
	return rv_body_put_end(out, start);
}

int rv_trust_part_parse(struct rv_trust_part *p, const void *data, size_t len, struct rv_err *e)
{
	struct rv_cur c = rv_cur_of(data, len);
	struct rv_trust_part v = {0};
	v.number = rv_cur_u64(&c);
	v.total = rv_cur_u32(&c);
	v.offset = rv_cur_u32(&c);
	int rc = rv_body_end(&c, "TRUST", e);
	if (rc == 0) {
		rc = part_check(&v, e);
	}
	if (rc == 0) {
		*p = v;
	}
	return rc;
}

/* ---- JOIN ---- */

static int vouch_check(const struct rv_vouch *v, struct rv_err *e)
{
	if (!rv_code_valid(v->code)) {
		return rv_body_field(e, "a voucher", "code", "is not a member code");
	}
	if (v->alg < RV_ALG_ECDSA_P256_SHA256 || v->alg > RV_ALG_RSA_PSS_SHA256) {
		return rv_body_field(e, "a voucher", "algorithm", "is not one of messages");
	}
	if (v->signature.len == 0 || v->signature.len > RV_VOUCH_MAX_SIGNATURE) {
		return rv_body_field(e, "a voucher", "signature", "is empty or too long");
	}
	return 0;
}

int rv_vouch_put(struct rv_buf *out, const struct rv_vouch *v)
{
	if (vouch_check(v, NULL) != 0) {
		return RV_EINVAL;
	}
	size_t start = out->len;
	rv_buf_str8(out, v->code);
	rv_buf_put(out, v->cert_digest, RV_DIGEST_LEN);
	rv_buf_u8(out, v->alg);
	rv_buf_put(out, v->signature.data, v->signature.len);
	return rv_body_put_end(out, start);
}

static void take_digest(struct rv_cur *c, uint8_t out[RV_DIGEST_LEN])
{
	struct rv_span s = rv_cur_span(c, RV_DIGEST_LEN);
	if (s.data != NULL) {
		memcpy(out, s.data, RV_DIGEST_LEN);
	}
}

int rv_vouch_parse(struct rv_vouch *v_r, const void *data, size_t len, struct rv_err *e)
{
	struct rv_cur c = rv_cur_of(data, len);
	struct rv_vouch v = {0};
	rv_cur_str8(&c, v.code, sizeof(v.code));
	take_digest(&c, v.cert_digest);
	v.alg = rv_cur_u8(&c);
	v.signature = rv_cur_span(&c, rv_cur_left(&c));
	int rc = rv_body_end(&c, "a voucher", e);
	if (rc == 0) {
		rc = vouch_check(&v, e);
	}
	if (rc == 0) {
		*v_r = v;
	}
	return rc;
}

/* ---- JOIN_STATE ---- */

static int state_check(const struct rv_join_state *s, struct rv_err *e)
{
	static const char what[] = "JOIN_STATE";
	if (s->status < RV_JOIN_WAITING || s->status > RV_JOIN_REFUSED) {
		return rv_body_field(e, what, "status", "is not one of version 1");
	}
	if ((s->status == RV_JOIN_ADMITTED) != (s->trust_number != 0)) {
		return rv_body_field(e, what, "number", "stands with an admission, and only there");
	}
	if (s->status == RV_JOIN_REFUSED ? !rv_wire_rule_ok(s->rule) : s->rule[0] != '\0') {
		return rv_body_field(e, what, "rule", "stands with a refusal, and only there");
	}
	if (!rv_wire_text_ok(s->text) || !rv_wire_text_ok(s->mend)) {
		return rv_body_field(e, what, "text", "is not text");
	}
	return 0;
}

int rv_join_state_put(struct rv_buf *out, const struct rv_join_state *s)
{
	if (state_check(s, NULL) != 0) {
		return RV_EINVAL;
	}
	size_t start = out->len;
	rv_buf_put(out, s->request, RV_DIGEST_LEN);
	rv_buf_u8(out, s->status);
	rv_buf_u64(out, s->trust_number);
	rv_buf_str8(out, s->rule);
	rv_buf_str8(out, s->text);
	rv_buf_str8(out, s->mend);
	return rv_body_put_end(out, start);
}

int rv_join_state_parse(struct rv_join_state *s, const void *data, size_t len, struct rv_err *e)
{
	struct rv_cur c = rv_cur_of(data, len);
	struct rv_join_state v = {.status = 0};
	take_digest(&c, v.request);
	v.status = rv_cur_u8(&c);
	v.trust_number = rv_cur_u64(&c);
	rv_cur_str8(&c, v.rule, sizeof(v.rule));
	rv_cur_str8(&c, v.text, sizeof(v.text));
	rv_cur_str8(&c, v.mend, sizeof(v.mend));
	int rc = rv_body_end(&c, "JOIN_STATE", e);
	if (rc == 0) {
		rc = state_check(&v, e);
	}
	if (rc == 0) {
		*s = v;
	}
	return rc;
}

/* ---- STATUS ---- */

static int head_check(const struct rv_status_head *s, struct rv_err *e)
{
	return s->kind == 1 || s->kind == 2
		       ? 0
		       : rv_body_field(e, "STATUS", "kind", "is neither CRL nor OCSP response");
}

int rv_status_head_put(struct rv_buf *out, const struct rv_status_head *s)
{
	if (head_check(s, NULL) != 0) {
		return RV_EINVAL;
	}
	size_t start = out->len;
	rv_buf_u8(out, s->kind);
	rv_buf_put(out, s->key, RV_DIGEST_LEN);
	return rv_body_put_end(out, start);
}

int rv_status_head_parse(struct rv_status_head *s, const void *data, size_t len, struct rv_err *e)
{
	struct rv_cur c = rv_cur_of(data, len);
	struct rv_status_head v = {0};
	v.kind = rv_cur_u8(&c);
	struct rv_span key = rv_cur_span(&c, RV_DIGEST_LEN);
	int rc = rv_body_end(&c, "STATUS", e);
	if (rc == 0) {
		rc = head_check(&v, e);
	}
	if (rc == 0) {
		memcpy(v.key, key.data, RV_DIGEST_LEN);
		*s = v;
	}
	return rc;
}
