/* SPDX-License-Identifier: Apache-2.0 */
#include "node/link/session_int.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/wire.h"

/* ---- life ---- */

int session_new(struct session **s_r, const struct session_params *p, struct session_time now,
	struct rv_err *e)
{
	struct session *s = calloc(1, sizeof(*s));
	if (s == NULL) {
		return rv_fail_nomem(e);
	}
	s->p = *p;
	s->p.software = s->software;
	snprintf(s->software, sizeof(s->software), "%s", p->software);
	s->state = SESSION_NEW;
	if (s->p.credit_messages == 0) {
		s->p.credit_messages = 1;
	}
	if (s->p.credit_messages > UINT16_MAX) {
		s->p.credit_messages = UINT16_MAX;
	}
	if (s->p.credit_bytes < ITEM_MAX_BYTES) {
		s->p.credit_bytes = ITEM_MAX_BYTES;
	}
	flights_init(&s->out.flights);
	pulse_init(s, now);
	blobs_init(s);
	if (in_init(s) != 0) {
		session_free(&s);
		return rv_fail_nomem(e);
	}
	*s_r = s;
	return 0;
}

void session_free(struct session **s)
{
	if (s == NULL || *s == NULL) {
		return;
	}
	out_free(*s);
	in_free(*s);
	receipts_free(*s);
	status_free(*s);
	free(*s);
	*s = NULL;
}

static void end(struct session *s, const struct session_end *why)
{
	if (s->state == SESSION_ENDED) {
		return;
	}
	s->state = SESSION_ENDED;
	s->p.calls->ended(s->p.ctx, why);
}

/* ---- sending ---- */

int session_send_spans(struct session *s, enum rv_cmd cmd, struct rv_span *parts, size_t n)
{
	struct rv_buf header = {0};
	int rc = rv_frame_header_put(&header, cmd, (uint16_t)(n - 1));
	if (rc == 0) {
		parts[0].data = header.data;
		parts[0].len = header.len;
		rc = s->p.calls->send(s->p.ctx, parts, n);
	}
	rv_buf_free(&header);
	if (rc == 0) {
		for (size_t i = 0; i < n; i++) {
			s->bytes_out += parts[i].len;
		}
	} else if (rc == RV_EAGAIN) {
		s->blocked = 1;
	} else if (s->state != SESSION_ENDED) {
		struct session_end why = {.code = RV_BYE_INTERNAL};
		rv_fail(&why.why, rc, "a frame (%s) could not be sent: %s", rv_cmd_text(cmd),
			rv_strcode(rc));
		end(s, &why);
		rc = RV_ECLOSED;
	}
	return rc;
}

int session_send(struct session *s, enum rv_cmd cmd, const struct rv_buf *parts, size_t n)
{
	struct rv_span spans[1 + RV_FRAME_MAX_ITEMS];
	for (size_t i = 0; i < n; i++) {
		if (!rv_buf_ok(&parts[i])) {
			struct rv_err e;
			rv_fail_nomem(&e);
			session_broken(s, &e);
			return RV_ECLOSED;
		}
		spans[i + 1].data = parts[i].data;
		spans[i + 1].len = parts[i].len;
	}
	return session_send_spans(s, cmd, spans, n + 1);
}

/* ---- ending ---- */

static void say_bye(struct session *s, unsigned code, const char *text)
{
	struct rv_bye bye = {.code = (uint16_t)code};
	struct rv_buf body = {0};
	snprintf(bye.text, sizeof(bye.text), "%.255s", text);
	rv_wire_text_mend(bye.text);
	if (rv_bye_put(&body, &bye) == 0) {
		session_send(s, RV_CMD_BYE, &body, 1);
	}
	rv_buf_free(&body);
}

static void bye_and_end(struct session *s, unsigned code, const char *text, const struct rv_err *e)
{
	struct session_end why = {.code = code, .why = *e};
	if (s->state == SESSION_ENDED) {
		return;
	}
	say_bye(s, code, text);
	end(s, &why);
}

void session_fault(struct session *s, enum rv_bye_code code, const struct rv_err *e)
{
	char text[256];
	snprintf(
		text, sizeof(text), "%s%s%.200s", e->rule, e->rule[0] != '\0' ? ": " : "", e->text);
	bye_and_end(s, code, text, e);
}

void session_broken(struct session *s, const struct rv_err *e)
{
	bye_and_end(s, RV_BYE_INTERNAL, "a fault on this side", e);
}

void session_bye(struct session *s, enum rv_bye_code code, const char *text)
{
	struct rv_err e;
	rv_fail(&e, RV_ECLOSED, "%s", text != NULL ? text : rv_bye_code_text(code));
	bye_and_end(s, code, text != NULL ? text : "", &e);
}

void session_lost(struct session *s, const char *reason)
{
	struct session_end why = {0};
	rv_fail(&why.why, RV_ECLOSED, "%s", reason);
	end(s, &why);
}

/* ---- HELLO and BYE ---- */

void session_open(struct session *s, struct session_time now)
{
	struct rv_buf body = {0};
	if (s->state != SESSION_NEW) {
		return;
	}
	struct rv_hello h = {.version_min = RV_FRAME_VERSION,
		.version_max = RV_FRAME_VERSION,
		.trust_number = s->p.trust_number,
		.time_us = now.wall_us < 0 ? 0 : now.wall_us,
		.boot = s->p.boot,
		.credit_messages = s->p.credit_messages,
		.credit_bytes = s->p.credit_bytes,
		.attachment_max = s->p.attachment_max};
	memcpy(h.code, s->p.self, sizeof(h.code));
	memcpy(h.software, s->software, sizeof(h.software));
	int rc = rv_hello_put(&body, &h);
	if (rc == 0) {
		rc = session_send(s, RV_CMD_HELLO, &body, 1);
	}
	rv_buf_free(&body);
	if (rc == RV_EAGAIN) {
		return; /* the next tick or pump tries again */
	}
	if (rc != 0) {
		struct rv_err e;
		rv_fail(&e, rc, "HELLO could not be made: %s", rv_strcode(rc));
		session_broken(s, &e);
		return;
	}
	s->trust_told = s->p.trust_number;
	s->state = SESSION_HELLO;
	if (s->peer.code[0] != '\0') {
		s->state = SESSION_UP;
		out_up(s, now);
		s->p.calls->up(s->p.ctx, &s->peer);
	}
}

static void hello_frame(struct session *s, const struct rv_span *parts, struct session_time now)
{
	struct rv_hello h;
	struct rv_err e = {0};
	if (s->peer.code[0] != '\0') {
		rv_fail_rule(&e, RV_EPARSE, "LINK-ORDER", "HELLO came twice");
		session_fault(s, RV_BYE_PROTOCOL, &e);
		return;
	}
	if (rv_hello_parse(&h, parts[0].data, parts[0].len, &e) != 0) {
		session_fault(s, RV_BYE_PROTOCOL, &e);
		return;
	}
	if (strcmp(h.code, s->p.peer) != 0) {
		rv_fail_rule(&e, RV_EDENIED, "LINK-IDENTITY",
			"HELLO says %s, but the key of the connection is that of %s", h.code,
			s->p.peer);
		rv_err_mend(&e, "Give each node the CURVE key that the trust list names for it.");
		session_fault(s, RV_BYE_IDENTITY, &e);
		return;
	}
	if (h.version_min > RV_FRAME_VERSION || h.version_max < RV_FRAME_VERSION) {
		rv_fail_rule(&e, RV_EVERSION, "LINK-VERSION",
			"%s speaks versions %u to %u, this node only %d", h.code, h.version_min,
			h.version_max, RV_FRAME_VERSION);
		rv_err_mend(&e, "Update the older node.");
		session_fault(s, RV_BYE_VERSION, &e);
		return;
	}
	s->peer = h;
	s->out.window.messages = s->out.granted.messages = h.credit_messages;
	s->out.window.bytes = s->out.granted.bytes = h.credit_bytes;
	if (s->state == SESSION_HELLO) {
		s->state = SESSION_UP;
		out_up(s, now);
		s->p.calls->up(s->p.ctx, &s->peer);
	}
}

static void bye_frame(struct session *s, const struct rv_span *parts)
{
	struct rv_bye bye;
	struct session_end why = {.by_peer = 1};
	if (rv_bye_parse(&bye, parts[0].data, parts[0].len, &why.why) != 0) {
		session_fault(s, RV_BYE_PROTOCOL, &why.why);
		return;
	}
	why.code = bye.code;
	rv_fail(&why.why, RV_ECLOSED, "%s said bye (%s): %s", s->p.peer, rv_bye_code_text(bye.code),
		bye.text);
	end(s, &why);
}

/* ---- frames ---- */

static void dispatch(struct session *s, enum rv_cmd cmd, const struct rv_span *parts, size_t n,
	struct session_time now)
{
	switch (cmd) {
	case RV_CMD_HELLO:
		hello_frame(s, parts, now);
		break;
	case RV_CMD_MESSAGES:
		in_messages_frame(s, parts, n);
		break;
	case RV_CMD_RECEIPTS:
		receipts_frame(s, parts, n);
		break;
	case RV_CMD_RECEIPTS_ACK:
		receipts_ack_frame(s, parts, n, now);
		break;
	case RV_CMD_DEFER:
		out_defer_frame(s, parts, n, now);
		break;
	case RV_CMD_CHUNK_REQUEST:
		blobs_request_frame(s, parts, n);
		break;
	case RV_CMD_CHUNK:
		blobs_chunk_frame(s, parts, n, now);
		break;
	case RV_CMD_PING:
		pulse_ping_frame(s, parts, n, now);
		break;
	case RV_CMD_PONG:
		pulse_pong_frame(s, parts, n, now);
		break;
	case RV_CMD_CREDIT:
		out_credit_frame(s, parts, n, now);
		break;
	case RV_CMD_BYE:
		bye_frame(s, parts);
		break;
	case RV_CMD_TRUST_REQUEST:
		trust_request_frame(s, parts, n, now);
		break;
	case RV_CMD_TRUST:
		trust_piece_frame(s, parts, n);
		break;
	case RV_CMD_JOIN:
		join_frame(s, parts, n);
		break;
	case RV_CMD_STATUS:
		status_frame(s, parts, n, now);
		break;
	case RV_CMD_JOIN_STATE: {
		struct rv_err e = {0};
		rv_fail_rule(&e, RV_EPARSE, "FRAME-COMMAND",
			"JOIN_STATE is said to who is no member yet");
		session_fault(s, RV_BYE_PROTOCOL, &e);
		break;
	}
	case RV_CMD_RECONCILE:
	case RV_CMD_LAST:
		break; /* the header's parser refused them */
	}
}

void session_frame(
	struct session *s, const struct rv_span *parts, size_t n, struct session_time now)
{
	struct rv_frame_header h;
	struct rv_err e = {0};
	if (s->state == SESSION_ENDED) {
		return;
	}
	for (size_t i = 0; i < n; i++) {
		s->bytes_in += parts[i].len;
	}
	s->pulse.heard_us = now.mono_us;
	int rc = rv_frame_open(&h, parts, n, &e);
	if (rc != 0) {
		session_fault(s, rc == RV_EVERSION ? RV_BYE_VERSION : RV_BYE_PROTOCOL, &e);
		return;
	}
	if (s->state != SESSION_UP && h.cmd != RV_CMD_HELLO && h.cmd != RV_CMD_BYE) {
		rv_fail_rule(&e, RV_EPARSE, "LINK-ORDER",
			"%s came before both sides had said HELLO", rv_cmd_text(h.cmd));
		session_fault(s, RV_BYE_PROTOCOL, &e);
		return;
	}
	dispatch(s, h.cmd, parts + 1, n - 1, now);
}

/* ---- time and work ---- */

void session_tick(struct session *s, struct session_time now)
{
	if (s->state == SESSION_ENDED) {
		return;
	}
	s->blocked = 0;
	if (s->state == SESSION_NEW) {
		session_open(s, now);
	}
	pulse_tick(s, now);
	if (s->state != SESSION_UP) {
		return;
	}
	s->credit_due = 1;
	out_tick(s, now);
	receipts_tick(s, now);
	blobs_tick(s, now);
}

static int send_urgent(struct session *s, struct session_time now)
{
	return s->leads && out_send(s, 0, now);
}

static int send_normal(struct session *s, struct session_time now)
{
	return s->leads && out_send(s, 1, now);
}

static int send_bulk(struct session *s, struct session_time now)
{
	return s->leads && out_send(s, 2, now);
}

/* The next frame in the order of urgency: first the small ones that the peer waits for. 1: one went
 * out. */
static int send_next(struct session *s, struct session_time now)
{
	static int (*const steps[])(struct session *, struct session_time) = {pulse_send,
		trust_send_request, trust_send_piece, receipts_send_acks, in_send_defers,
		in_send_credit, status_send, send_urgent, receipts_send,
		blobs_send_requests, send_normal, send_bulk, blobs_send_chunk};
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		if (steps[i](s, now)) {
			return 1;
		}
		if (s->blocked || s->state != SESSION_UP) {
			return 0;
		}
	}
	return 0;
}

int session_pump(struct session *s, struct session_time now)
{
	if (s->state == SESSION_NEW) {
		session_open(s, now);
	}
	for (unsigned i = 0; i < FRAMES_A_PUMP; i++) {
		if (s->state != SESSION_UP || s->blocked || !send_next(s, now)) {
			return 0;
		}
	}
	return 1;
}

void session_writable(struct session *s)
{
	s->blocked = 0;
}

void session_lead(struct session *s, int on)
{
	s->leads = on;
}

void session_trust(struct session *s, uint64_t number)
{
	s->p.trust_number = number;
	if (number != s->trust_told) {
		s->pulse.must_ping = 1;
	}
}

/* ---- for people ---- */

void session_stats(const struct session *s, struct session_stats *st)
{
	memset(st, 0, sizeof(*st));
	st->state = s->state;
	st->leads = s->leads;
	pulse_stats(s, st);
	st->sent = s->out.sent;
	st->received = s->in.received;
	st->bytes_out = s->bytes_out;
	st->bytes_in = s->bytes_in;
	st->in_flight = s->out.flights.n;
	st->credit_left = s->out.granted.messages - s->out.used.messages;
}

enum session_state session_state(const struct session *s)
{
	return s->state;
}

const struct rv_hello *session_hello(const struct session *s)
{
	return &s->peer;
}
