/* SPDX-License-Identifier: Apache-2.0 */
#include "node/link/session_int.h"

#include <string.h>

/*
 * Trust lists on their way from node to node: who lacks one asks, piece by piece, so that the one
 * who asks sets the pace; and requests to join on their way to a coordinator.
 */

enum { PIECES_BURST = 600, PIECES_A_MINUTE = 300 }; /* a list of the largest size, and then some */

/* ---- serving ---- */

static int may_ask(struct trusting *t, int64_t now_us)
{
	int64_t passed = now_us - t->allowed_at_us;
	if (t->allowed_at_us == 0 || passed > 120 * SEC) {
		t->allowance = PIECES_BURST;
		t->allowed_at_us = now_us;
	} else if (passed >= SEC) {
		int64_t more = passed / SEC * PIECES_A_MINUTE / 60;
		t->allowance = t->allowance + more > PIECES_BURST ? PIECES_BURST
								  : t->allowance + more;
		t->allowed_at_us = now_us;
	}
	if (t->allowance == 0) {
		return 0;
	}
	t->allowance--;
	return 1;
}

void trust_request_frame(
	struct session *s, const struct rv_span *parts, size_t n, struct session_time now)
{
	struct rv_trust_request r;
	struct rv_err e = {0};
	int rc = rv_trust_request_parse(&r, parts[0].data, parts[0].len, &e);
	if (rc == 0 && !may_ask(&s->trusting, now.mono_us)) {
		rc = rv_fail_rule(&e, RV_ELIMIT, "LINK-TRUST",
			"%s asks for more than %d pieces of a trust list a minute", s->p.peer,
			PIECES_A_MINUTE);
	}
	if (rc != 0) {
		session_fault(s, RV_BYE_PROTOCOL, &e);
		return;
	}
	s->trusting.asked = r; /* one at a time: who asks anew has given the former up */
}

int trust_send_piece(struct session *s, struct session_time now)
{
	struct trusting *t = &s->trusting;
	struct rv_trust_part p = {.number = t->asked.number};
	struct rv_span spans[3] = {{NULL, 0}};
	struct rv_buf body = {0};
	if (t->asked.number == 0) {
		return 0;
	}
	if (s->p.calls->trust_piece == NULL ||
		s->p.calls->trust_piece(s->p.ctx, t->asked.offset, &p, &spans[2]) != 0) {
		p = (struct rv_trust_part){.number = t->asked.number};
		spans[2] = (struct rv_span){NULL, 0};
	}
	if (rv_trust_part_put(&body, &p) != 0) {
		rv_buf_free(&body);
		t->asked.number = 0;
		return 0;
	}
	spans[1] = (struct rv_span){body.data, body.len};
	int rc = session_send_spans(s, RV_CMD_TRUST, spans, p.total != 0 ? 3 : 2);
	rv_buf_free(&body);
	if (rc == 0) {
		t->asked.number = 0;
	}
	return rc == 0;
}

/* ---- asking ---- */

void session_ask_trust(struct session *s, uint64_t number, uint32_t offset)
{
	s->trusting.ask = (struct rv_trust_request){number, offset};
	s->trusting.awaited = 0;
}

int trust_send_request(struct session *s, struct session_time now)
{
	struct trusting *t = &s->trusting;
	struct rv_buf body = {0};
	if (t->ask.number == 0) {
		return 0;
	}
	int rc = rv_trust_request_put(&body, &t->ask);
	if (rc == 0) {
		rc = session_send(s, RV_CMD_TRUST_REQUEST, &body, 1);
	}
	rv_buf_free(&body);
	if (rc == 0) {
		t->awaited = 1;
		t->ask.number = 0;
	}
	return rc == 0;
}

void trust_piece_frame(struct session *s, const struct rv_span *parts, size_t n)
{
	struct trusting *t = &s->trusting;
	struct rv_trust_part p;
	struct rv_err e = {0};
	struct rv_span data = n > 1 ? parts[1] : (struct rv_span){NULL, 0};
	int rc = rv_trust_part_parse(&p, parts[0].data, parts[0].len, &e);
	if (rc == 0 && ((p.total != 0) != (n > 1) || (n > 1 && (data.len == 0 ||
		data.len > RV_CHUNK_MAX || data.len > p.total - p.offset)))) {
		rc = rv_fail_rule(&e, RV_EPARSE, "FRAME-FIELD",
			"TRUST: the bytes do not fit the length that it states");
	}
	if (rc != 0) {
		session_fault(s, RV_BYE_PROTOCOL, &e);
		return;
	}
	if (!t->awaited) {
		return; /* asked anew meanwhile, or never: nothing is kept of it */
	}
	t->awaited = 0;
	if (s->p.calls->trust_part != NULL) {
		s->p.calls->trust_part(s->p.ctx, &p, data);
	}
}

/* ---- requests to join ---- */

void join_frame(struct session *s, const struct rv_span *parts, size_t n)
{
	struct rv_vouch v;
	struct rv_err e = {0};
	int rc = n == 2 ? rv_vouch_parse(&v, parts[1].data, parts[1].len, &e)
			: rv_fail_rule(&e, RV_EPARSE, "FRAME-FIELD",
				  "JOIN: a member's new keys come with a voucher of its present one");
	if (rc == 0 && (parts[0].len == 0 || parts[0].len > RV_JOIN_MAX)) {
		rc = rv_fail_rule(&e, RV_ELIMIT, "FRAME-FIELD", "JOIN: a request of %zu bytes",
			parts[0].len);
	}
	if (rc != 0) {
		session_fault(s, RV_BYE_PROTOCOL, &e);
		return;
	}
	if (s->p.calls->join != NULL) {
		s->p.calls->join(s->p.ctx, parts[0], &v);
	}
}

int session_send_join(struct session *s, struct rv_span request, const struct rv_vouch *v)
{
	struct rv_buf vouch = {0};
	struct rv_span spans[3] = {{NULL, 0}, request, {NULL, 0}};
	if (s->state != SESSION_UP) {
		return RV_ECLOSED;
	}
	int rc = rv_vouch_put(&vouch, v);
	if (rc == 0) {
		spans[2] = (struct rv_span){vouch.data, vouch.len};
		rc = session_send_spans(s, RV_CMD_JOIN, spans, 3);
	}
	rv_buf_free(&vouch);
	return rc;
}
