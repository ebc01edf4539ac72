/* SPDX-License-Identifier: Apache-2.0 */
#include "node/link/session_int.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* How long a new connection may take to say HELLO, and an up one may be silent, in heartbeats. */
enum { HELLO_HEARTBEATS = 3, SILENT_HEARTBEATS = 3 };

/* ---- life ---- */

int session_new(struct session **s_r, const struct session_params *p, int64_t now_us, struct rv_err *e)
{
	struct session *s = calloc(1, sizeof(*s));
	if (s == NULL) {
		return rv_fail_nomem(e);
	}
	s->p = *p;
	s->started_us = s->heard_us = now_us;
	s->next_batch = 1;
	s->granted_messages = p->hello.credit_messages;
	s->granted_bytes = p->hello.credit_bytes;
	*s_r = s;
	return 0;
}

void session_pending_free(struct pending **p)
{
	if (*p != NULL) {
		free((*p)->settled);
		free(*p);
		*p = NULL;
	}
}

void session_free(struct session **s)
{
	if (s == NULL || *s == NULL) {
		return;
	}
	struct pending *p;
	for (size_t at = 0; (p = map_next(&(*s)->pending, &at)) != NULL;) {
		session_pending_free(&p);
	}
	map_free(&(*s)->pending);
	session_send_free(*s);
	free(*s);
	*s = NULL;
}

static void finish(struct session *s, int code, const char *why)
{
	if (s->state != STATE_ENDED) {
		s->state = STATE_ENDED;
		s->p.host->ended(s->p.host->ctx, s, code, why);
	}
}

void session_lost(struct session *s, const char *why)
{
	finish(s, 0, why);
}

void session_end(struct session *s, enum rv_bye_code code, const char *why)
{
	struct rv_buf body = {0};
	struct rv_bye bye = {.code = (uint16_t)code};
	if (s->state == STATE_ENDED) {
		return;
	}
	snprintf(bye.text, sizeof(bye.text), "%s", why);
	if (rv_bye_put(&body, &bye) == 0) {
		session_send_bodies(s, RV_CMD_BYE, &body, 1);
	}
	rv_buf_free(&body);
	finish(s, code, why);
}

void session_fault(struct session *s, enum rv_bye_code code, const char *fmt, ...)
{
	char why[200];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(why, sizeof(why), fmt, ap);
	va_end(ap);
	session_end(s, code, why);
}

/* ---- output ---- */

int session_send_bodies(struct session *s, enum rv_cmd cmd, const struct rv_buf *bodies, size_t n)
{
	struct rv_buf header = {0};
	struct line_part parts[1 + 2 + SESSION_RECEIPTS_IN_FRAME];
	int rc = n + 1 > sizeof(parts) / sizeof(parts[0]) ? RV_ELIMIT : rv_frame_header_put(&header, cmd, (uint16_t)n);
	if (rc == 0) {
		parts[0] = (struct line_part){header.data, header.len};
		for (size_t i = 0; i < n; i++) {
			parts[i + 1] = (struct line_part){bodies[i].data, bodies[i].len};
			s->bytes_out += bodies[i].len;
		}
		rc = s->p.host->send(s->p.host->ctx, s, parts, n + 1);
	}
	rv_buf_free(&header);
	if (rc != 0 && cmd != RV_CMD_BYE) {
		finish(s, RV_BYE_INTERNAL, "the channel to the line does not take frames");
	}
	return rc;
}

static void say_hello(struct session *s, int64_t now_us)
{
	struct rv_buf body = {0};
	struct rv_hello h = s->p.hello;
	h.time_us = now_us;
	if (s->hello_sent) {
		return;
	}
	s->hello_sent = 1;
	if (rv_hello_put(&body, &h) == 0) {
		session_send_bodies(s, RV_CMD_HELLO, &body, 1);
	} else {
		finish(s, RV_BYE_INTERNAL, "our HELLO cannot be encoded");
	}
	rv_buf_free(&body);
}

void session_start(struct session *s, int64_t now_us)
{
	say_hello(s, now_us);
}

/* ---- tokens of what the intake has in work ---- */

struct pending *session_pend(struct session *s, enum pending_kind kind, uint64_t *token_r)
{
	uint8_t key[MAP_KEY_LEN];
	struct pending *p = calloc(1, sizeof(*p));
	if (p == NULL) {
		return NULL;
	}
	p->kind = kind;
	*token_r = (uint64_t)s->p.serial << 32 | (uint32_t)++s->next_token;
	map_number_key(key, *token_r);
	if (map_put(&s->pending, key, p) != 0) {
		free(p);
		return NULL;
	}
	return p;
}

struct pending *session_settle(struct session *s, uint64_t token)
{
	uint8_t key[MAP_KEY_LEN];
	map_number_key(key, token);
	return map_take(&s->pending, key);
}

/* ---- credit ---- */

/* What was dealt with may be sent anew; said when a quarter of the window has come together. */
void session_give_credit(struct session *s, uint64_t messages, uint64_t bytes)
{
	const struct rv_hello *h = &s->p.hello;
	struct rv_buf body = {0};
	s->settled_messages += messages;
	s->settled_bytes += bytes;
	struct rv_credit c = {s->settled_messages + h->credit_messages, s->settled_bytes + h->credit_bytes};
	if (s->state != STATE_UP || (c.messages - s->granted_messages < (h->credit_messages + 3) / 4 &&
		c.bytes - s->granted_bytes < (h->credit_bytes + 3) / 4)) {
		return;
	}
	s->granted_messages = c.messages;
	s->granted_bytes = c.bytes;
	if (rv_credit_put(&body, &c) == 0) {
		session_send_bodies(s, RV_CMD_CREDIT, &body, 1);
	}
	rv_buf_free(&body);
}

static int take_credit(struct session *s, uint64_t messages, uint64_t bytes)
{
	s->got_messages += messages;
	s->got_bytes += bytes;
	if (s->got_messages > s->granted_messages || s->got_bytes > s->granted_bytes) {
		session_fault(s, RV_BYE_CREDIT, "%llu messages and %llu bytes came, %llu and %llu were granted", (unsigned long long)s->got_messages,
			(unsigned long long)s->got_bytes, (unsigned long long)s->granted_messages, (unsigned long long)s->granted_bytes);
		return 0;
	}
	return 1;
}

/* ---- frames ---- */

static void on_hello(struct session *s, const struct line_part *part, int64_t now_us)
{
	struct rv_err e = {0};
	if (s->hello_got) {
		session_fault(s, RV_BYE_PROTOCOL, "HELLO came twice");
		return;
	}
	if (rv_hello_parse(&s->peer, part->data, part->len, &e) != 0) {
		session_fault(s, RV_BYE_PROTOCOL, "HELLO: %.150s", e.text);
		return;
	}
	if (strcmp(s->peer.code, s->p.peer) != 0) {
		session_fault(s, RV_BYE_IDENTITY, "HELLO says %s, but the CURVE key is that of %s", s->peer.code, s->p.peer);
		return;
	}
	if (s->peer.version_min > s->p.hello.version_max || s->peer.version_max < s->p.hello.version_min) {
		session_fault(s, RV_BYE_VERSION, "no version in common: %u to %u here, %u to %u there", s->p.hello.version_min,
			s->p.hello.version_max, s->peer.version_min, s->peer.version_max);
		return;
	}
	s->hello_got = 1;
	s->may_messages = s->peer.credit_messages;
	s->may_bytes = s->peer.credit_bytes;
	say_hello(s, now_us);
	if (s->state == STATE_NEW) {
		s->state = STATE_UP;
		s->up_us = now_us;
		s->pinged_us = 0;
		s->p.host->up(s->p.host->ctx, s);
	}
}

static void on_messages(struct session *s, const struct line_part *parts, size_t n)
{
	for (size_t i = 0; i < n && s->state == STATE_UP; i++) {
		struct rv_item item = {0};
		struct rv_err e = {0};
		uint64_t token;
		int rc = rv_item_parse(&item, parts[i].data, parts[i].len, &e);
		if (rc != 0) {
			session_fault(s, rc == RV_ENOMEM ? RV_BYE_INTERNAL : RV_BYE_PROTOCOL, "MESSAGES: %.150s", e.text);
			return;
		}
		if (!take_credit(s, 1, parts[i].len)) {
			rv_item_clear(&item);
			return;
		}
		struct pending *p = session_pend(s, PENDING_MESSAGE, &token);
		if (p != NULL) {
			memcpy(p->message, item.message, RV_UUID_LEN);
			p->bytes = parts[i].len;
			s->received++;
			rc = s->p.host->message(s->p.host->ctx, s, &item, token);
		}
		rv_item_clear(&item);
		if (p == NULL || rc != 0) {
			session_fault(s, RV_BYE_INTERNAL, "the intake takes no message now");
		}
	}
}

static void on_receipts(struct session *s, const struct line_part *parts, size_t n)
{
	struct rv_span spans[RV_RECEIPT_MAX_BATCH];
	struct rv_err e = {0};
	uint64_t batch;
	uint64_t token;
	uint64_t bytes = 0;
	if (n < 2 || n - 1 > RV_RECEIPT_MAX_BATCH || rv_batch_parse(&batch, parts[0].data, parts[0].len, &e) != 0) {
		session_fault(s, RV_BYE_PROTOCOL, "RECEIPTS: a batch number and 1 to %d receipts are expected", RV_RECEIPT_MAX_BATCH);
		return;
	}
	struct pending *p = session_pend(s, PENDING_RECEIPTS, &token);
	if (p == NULL || (p->settled = calloc(n, sizeof(*p->settled))) == NULL) {
		session_fault(s, RV_BYE_INTERNAL, "memory is short");
		return;
	}
	p->batch = batch;
	for (size_t i = 1; i < n; i++) {
		struct rv_receipt r = {0};
		spans[i - 1] = (struct rv_span){parts[i].data, parts[i].len};
		bytes += parts[i].len;
		/* which message has landed at the peer: a look only, the intake judges the receipt itself */
		if (rv_receipt_parse(&r, parts[i].data, parts[i].len, NULL) == 0) {
			memcpy(p->settled[p->n_settled++], r.message, RV_UUID_LEN);
			rv_receipt_clear(&r);
		}
	}
	p->bytes = bytes;
	if (take_credit(s, 0, bytes) && s->p.host->receipts(s->p.host->ctx, s, spans, n - 1, token) != 0) {
		session_fault(s, RV_BYE_INTERNAL, "the intake takes no receipts now");
	}
}

static void on_ping(struct session *s, const struct line_part *part, int64_t now_us)
{
	struct rv_ping ping;
	struct rv_buf body = {0};
	struct rv_err e = {0};
	if (rv_ping_parse(&ping, part->data, part->len, &e) != 0) {
		session_fault(s, RV_BYE_PROTOCOL, "PING: %.150s", e.text);
		return;
	}
	s->peer.trust_number = ping.trust_number;
	struct rv_pong pong = {ping.serial, ping.t1_us, now_us, now_us};
	if (rv_pong_put(&body, &pong) == 0) {
		session_send_bodies(s, RV_CMD_PONG, &body, 1);
	}
	rv_buf_free(&body);
}

static void on_pong(struct session *s, const struct line_part *part, int64_t now_us)
{
	struct rv_pong pong;
	struct rv_err e = {0};
	if (rv_pong_parse(&pong, part->data, part->len, &e) != 0) {
		session_fault(s, RV_BYE_PROTOCOL, "PONG: %.150s", e.text);
		return;
	}
	if (pong.serial != s->ping_serial || pong.t1_us != s->pinged_us) {
		return;   /* of an earlier ping: tells nothing */
	}
	int64_t rtt = (now_us - pong.t1_us) - (pong.t3_us - pong.t2_us);
	s->rtt[s->n_rtt++ % SESSION_RTT_SAMPLES] = rtt < 0 ? 0 : rtt;
	s->clock_offset_us = ((pong.t2_us - pong.t1_us) + (pong.t3_us - now_us)) / 2;
}

static void on_credit(struct session *s, const struct line_part *part, int64_t now_us)
{
	struct rv_credit c;
	struct rv_err e = {0};
	if (rv_credit_parse(&c, part->data, part->len, &e) != 0) {
		session_fault(s, RV_BYE_PROTOCOL, "CREDIT: %.150s", e.text);
		return;
	}
	if (c.messages < s->may_messages || c.bytes < s->may_bytes) {
		session_fault(s, RV_BYE_PROTOCOL, "CREDIT: totals never shrink");
		return;
	}
	s->may_messages = c.messages;
	s->may_bytes = c.bytes;
	session_serve_chunks(s);
	session_pump(s, now_us);
}

static void on_defers(struct session *s, const struct line_part *parts, size_t n, int64_t now_us)
{
	for (size_t i = 0; i < n && s->state == STATE_UP; i++) {
		struct rv_defer d;
		struct rv_err e = {0};
		if (rv_defer_parse(&d, parts[i].data, parts[i].len, &e) != 0) {
			session_fault(s, RV_BYE_PROTOCOL, "DEFER: %.150s", e.text);
			return;
		}
		session_on_defer(s, &d, now_us);
	}
}

static void on_chunk_frames(struct session *s, enum rv_cmd cmd, const struct line_part *parts, size_t n, int64_t now_us)
{
	struct rv_err e = {0};
	struct rv_chunk_request r;
	struct rv_chunk c;
	if (cmd == RV_CMD_CHUNK_REQUEST) {
		if (rv_chunk_request_parse(&r, parts[0].data, parts[0].len, &e) != 0) {
			session_fault(s, RV_BYE_PROTOCOL, "CHUNK_REQUEST: %.150s", e.text);
			return;
		}
		session_on_chunk_request(s, &r);
		return;
	}
	if (rv_chunk_parse(&c, parts[0].data, parts[0].len, &e) != 0 || (c.status == RV_CHUNK_DATA) != (n == 2) ||
		(n == 2 && (parts[1].len == 0 || parts[1].len > RV_CHUNK_MAX))) {
		session_fault(s, RV_BYE_PROTOCOL, "CHUNK: %.150s", e.text[0] != '\0' ? e.text : "its bytes are missing, or not expected");
		return;
	}
	struct rv_span data = {n == 2 ? parts[1].data : NULL, n == 2 ? parts[1].len : 0};
	if (take_credit(s, 0, data.len)) {
		session_on_chunk(s, &c, data, now_us);
	}
}

static void on_bye(struct session *s, const struct line_part *part)
{
	struct rv_bye bye;
	char why[320];
	if (rv_bye_parse(&bye, part->data, part->len, NULL) != 0) {
		finish(s, RV_BYE_PROTOCOL, "the peer ended the session with a BYE that cannot be read");
		return;
	}
	snprintf(why, sizeof(why), "the peer ended the session (%s): %s", rv_bye_code_text(bye.code), bye.text);
	finish(s, bye.code, why);
}

/* Everything but HELLO and BYE needs a session that is up. */
static void dispatch(struct session *s, enum rv_cmd cmd, const struct line_part *parts, size_t n, int64_t now_us)
{
	struct rv_ack ack;
	switch (cmd) {
	case RV_CMD_MESSAGES:
		on_messages(s, parts, n);
		break;
	case RV_CMD_RECEIPTS:
		on_receipts(s, parts, n);
		break;
	case RV_CMD_RECEIPTS_ACK:
		if (rv_ack_parse(&ack, parts[0].data, parts[0].len, NULL) != 0) {
			session_fault(s, RV_BYE_PROTOCOL, "RECEIPTS_ACK: no batch number and status");
		} else {
			session_on_receipts_ack(s, &ack, now_us);
		}
		break;
	case RV_CMD_DEFER:
		on_defers(s, parts, n, now_us);
		break;
	case RV_CMD_CHUNK_REQUEST:
	case RV_CMD_CHUNK:
		on_chunk_frames(s, cmd, parts, n, now_us);
		break;
	case RV_CMD_PING:
		on_ping(s, parts, now_us);
		break;
	case RV_CMD_PONG:
		on_pong(s, parts, now_us);
		break;
	case RV_CMD_CREDIT:
		on_credit(s, parts, now_us);
		break;
	default:
		session_fault(s, RV_BYE_PROTOCOL, "a frame with the command %u is not expected", (unsigned)cmd);
	}
}

void session_frame(struct session *s, const struct line_part *parts, size_t n, int64_t now_us)
{
	struct rv_frame_header h;
	struct rv_err e = {0};
	if (s->state == STATE_ENDED) {
		return;
	}
	s->heard_us = now_us;
	if (n == 0 || rv_frame_header_parse(&h, parts[0].data, parts[0].len, &e) != 0) {
		session_fault(s, e.code == RV_EVERSION ? RV_BYE_VERSION : RV_BYE_PROTOCOL, "frame header: %.150s", n == 0 ? "empty frame" : e.text);
		return;
	}
	if ((size_t)h.count != n - 1 || h.count == 0) {
		session_fault(s, RV_BYE_PROTOCOL, "the header counts %u parts, %zu came", h.count, n - 1);
		return;
	}
	for (size_t i = 1; i < n; i++) {
		s->bytes_in += parts[i].len;
	}
	if (h.cmd == RV_CMD_BYE) {
		on_bye(s, &parts[1]);
	} else if (h.cmd == RV_CMD_HELLO) {
		on_hello(s, &parts[1], now_us);
	} else if (s->state == STATE_NEW) {
		session_fault(s, RV_BYE_PROTOCOL, "the first frame must be HELLO");
	} else {
		dispatch(s, h.cmd, parts + 1, n - 1, now_us);
	}
}

/* ---- fates ---- */

void session_done_message(struct session *s, uint64_t token, int fate, const struct rv_defer *defer, int64_t now_us)
{
	struct pending *p = session_settle(s, token);
	if (p == NULL) {
		return;
	}
	if (fate != 0 && defer != NULL && s->state == STATE_UP) {
		struct rv_buf body = {0};
		if (rv_defer_put(&body, defer) == 0) {
			session_send_bodies(s, RV_CMD_DEFER, &body, 1);
		}
		rv_buf_free(&body);
	}
	session_give_credit(s, 1, p->bytes);
	session_pending_free(&p);
}

void session_done_receipts(struct session *s, uint64_t token, int fate, int64_t now_us)
{
	struct pending *p = session_settle(s, token);
	if (p == NULL) {
		return;
	}
	if (s->state == STATE_UP) {
		struct rv_buf body = {0};
		struct rv_ack ack = {p->batch, fate == 0 ? RV_ACK_DURABLE : RV_ACK_LATER};
		if (rv_ack_put(&body, &ack) == 0) {
			session_send_bodies(s, RV_CMD_RECEIPTS_ACK, &body, 1);
		}
		rv_buf_free(&body);
	}
	for (size_t i = 0; fate == 0 && i < p->n_settled; i++) {
		session_landed(s, p->settled[i]);
	}
	session_give_credit(s, 0, p->bytes);
	session_pending_free(&p);
	session_pump(s, now_us);
}

/* ---- time ---- */

static void ping(struct session *s, int64_t now_us)
{
	struct rv_buf body = {0};
	struct rv_ping p = {++s->ping_serial, now_us, s->p.hello.trust_number};
	s->pinged_us = now_us;
	if (rv_ping_put(&body, &p) == 0) {
		session_send_bodies(s, RV_CMD_PING, &body, 1);
	}
	rv_buf_free(&body);
}

void session_tick(struct session *s, int64_t now_us)
{
	if (s->state == STATE_ENDED) {
		return;
	}
	if (s->state == STATE_NEW) {
		if (now_us - s->started_us > HELLO_HEARTBEATS * s->p.heartbeat_us) {
			session_fault(s, RV_BYE_SILENT, "no HELLO came in time");
		}
		return;
	}
	if (now_us - s->heard_us > SILENT_HEARTBEATS * s->p.heartbeat_us) {
		session_fault(s, RV_BYE_SILENT, "nothing was heard for %d heartbeats", SILENT_HEARTBEATS);
		return;
	}
	/* a clock that was set back must not stop the pings */
	if (s->heard_us > now_us) {
		s->heard_us = now_us;
	}
	if (now_us - s->pinged_us >= s->p.heartbeat_us || s->pinged_us > now_us) {
		ping(s, now_us);
	}
	if (now_us - s->fetches_seen_us > SESSION_RETRY_US || s->fetches_seen_us > now_us) {
		s->fetches_seen_us = now_us;
		session_load_fetches(s, now_us);
	}
	session_ask_chunks(s, now_us);
	session_pump(s, now_us);
}

void session_set_trust(struct session *s, uint64_t number)
{
	s->p.hello.trust_number = number;
}

/* ---- looks ---- */

int session_is_up(const struct session *s)
{
	return s->state == STATE_UP;
}

int session_has_ended(const struct session *s)
{
	return s->state == STATE_ENDED;
}

const char *session_peer(const struct session *s)
{
	return s->p.peer;
}

uint64_t session_connection(const struct session *s)
{
	return s->p.connection;
}

int session_dialled(const struct session *s)
{
	return s->p.dialled;
}

const struct rv_hello *session_hello(const struct session *s)
{
	return &s->peer;
}

static int compare_times(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a;
	int64_t y = *(const int64_t *)b;
	return (x > y) - (x < y);
}

void session_stats(const struct session *s, struct session_stats *out)
{
	int64_t sorted[SESSION_RTT_SAMPLES];
	size_t n = s->n_rtt < SESSION_RTT_SAMPLES ? s->n_rtt : SESSION_RTT_SAMPLES;
	memset(out, 0, sizeof(*out));
	memcpy(sorted, s->rtt, n * sizeof(*sorted));
	qsort(sorted, n, sizeof(*sorted), compare_times);
	out->up_us = s->up_us;
	out->rtt_p50_us = n > 0 ? sorted[n / 2] : 0;
	out->rtt_p99_us = n > 0 ? sorted[(n * 99) / 100 < n ? (n * 99) / 100 : n - 1] : 0;
	out->clock_offset_us = s->clock_offset_us;
	out->sent = s->sent;
	out->received = s->received;
	out->bytes_out = s->bytes_out;
	out->bytes_in = s->bytes_in;
	out->in_flight = s->flights.count;
	out->credit_left = s->may_messages - s->did_messages;
}
