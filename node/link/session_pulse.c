/* SPDX-License-Identifier: Apache-2.0 */
#include "node/link/session_int.h"

#include <stdlib.h>
#include <string.h>

/*
 * Heartbeats: a PING a heartbeat, its PONG tells the round trip and the offset of the clocks (RFC
 * 5905, section 8); whatever is heard shows that the peer is alive.
 */

void pulse_init(struct session *s, struct session_time now)
{
	s->pulse.heard_us = s->pulse.pinged_us = s->pulse.began_us = s->pulse.allowed_at_us =
		now.mono_us;
	s->pulse.allowance = PING_BURST * 1000;
}

/* The peer may ping a little faster than any sensible heartbeat, and no more. */
static int ping_allowed(struct pulse *p, int64_t now_us)
{
	int64_t passed = now_us - p->allowed_at_us;
	p->allowed_at_us = now_us;
	if (passed > 60 * SEC) {
		passed = 60 * SEC;
	}
	p->allowance += passed * PING_RATE / 1000;
	if (p->allowance > PING_BURST * 1000) {
		p->allowance = PING_BURST * 1000;
	}
	if (p->allowance < 1000) {
		return 0;
	}
	p->allowance -= 1000;
	return 1;
}

void pulse_ping_frame(
	struct session *s, const struct rv_span *parts, size_t n, struct session_time now)
{
	struct pulse *p = &s->pulse;
	struct rv_ping ping;
	struct rv_err e = {0};
	int rc = rv_ping_parse(&ping, parts[0].data, parts[0].len, &e);
	if (rc == 0 && !ping_allowed(p, now.mono_us)) {
		rc = rv_fail_rule(&e, RV_ELIMIT, "LINK-PING",
			"%s sends more than %d PINGs a second", s->p.peer, PING_RATE);
	}
	if (rc != 0) {
		session_fault(s, RV_BYE_PROTOCOL, &e);
		return;
	}
	s->peer.trust_number = ping.trust_number;
	if (p->n_answers == PINGS) {
		memmove(&p->answers[0], &p->answers[1], (PINGS - 1) * sizeof(p->answers[0]));
		p->n_answers--;
	}
	p->answers[p->n_answers++] =
		(struct rv_pong){ping.serial, ping.t1_us, now.wall_us < 0 ? 0 : now.wall_us, 0};
}

static int64_t clamp(int64_t v, int64_t lo, int64_t hi)
{
	return v < lo ? lo : v > hi ? hi : v;
}

void pulse_pong_frame(
	struct session *s, const struct rv_span *parts, size_t n, struct session_time now)
{
	struct pulse *p = &s->pulse;
	struct rv_pong pong;
	struct rv_err e = {0};
	size_t at = PINGS;
	int rc = rv_pong_parse(&pong, parts[0].data, parts[0].len, &e);
	for (size_t i = 0; rc == 0 && i < PINGS; i++) {
		if (p->out[i].serial != 0 && p->out[i].serial == pong.serial) {
			at = i;
		}
	}
	if (rc == 0 && at == PINGS && (pong.serial == 0 || pong.serial > p->serial)) {
		rc = rv_fail_rule(
			&e, RV_EPARSE, "LINK-PONG", "PONG answers a PING that was never sent");
	}
	if (rc != 0) {
		session_fault(s, RV_BYE_PROTOCOL, &e);
		return;
	}
	if (at == PINGS) {
		return; /* to one that is forgotten */
	}
	/* the peer's word on how long it held the PING is believed within what passed here */
	int64_t elapsed = now.mono_us - p->out[at].mono_us;
	p->out[at].serial = 0;
	p->samples[p->n_samples % SAMPLES] = elapsed - clamp(pong.t3_us - pong.t2_us, 0, elapsed);
	p->offsets[p->n_samples % SAMPLES] =
		((pong.t2_us - pong.t1_us) + (pong.t3_us - now.wall_us)) / 2;
	p->n_samples++;
}

static int send_pong(struct session *s, struct session_time now)
{
	struct pulse *p = &s->pulse;
	struct rv_buf body = {0};
	p->answers[0].t3_us = now.wall_us < 0 ? 0 : now.wall_us;
	int rc = rv_pong_put(&body, &p->answers[0]);
	if (rc == 0) {
		rc = session_send(s, RV_CMD_PONG, &body, 1);
	}
	rv_buf_free(&body);
	if (rc == 0) {
		p->n_answers--;
		memmove(&p->answers[0], &p->answers[1], p->n_answers * sizeof(p->answers[0]));
	}
	return rc == 0;
}

int pulse_send(struct session *s, struct session_time now)
{
	struct pulse *p = &s->pulse;
	struct rv_buf body = {0};
	/* a new list is told before what may depend on it */
	if (!p->must_ping) {
		return p->n_answers > 0 && send_pong(s, now);
	}
	struct rv_ping ping = {p->serial + 1, now.wall_us < 0 ? 0 : now.wall_us, s->p.trust_number};
	int rc = rv_ping_put(&body, &ping);
	if (rc == 0) {
		rc = session_send(s, RV_CMD_PING, &body, 1);
	}
	rv_buf_free(&body);
	if (rc == 0) {
		p->serial++;
		p->out[p->serial % PINGS].serial = p->serial;
		p->out[p->serial % PINGS].mono_us = now.mono_us;
		p->pinged_us = now.mono_us;
		p->must_ping = 0;
		s->trust_told = s->p.trust_number;
	}
	return rc == 0;
}

void pulse_tick(struct session *s, struct session_time now)
{
	struct pulse *p = &s->pulse;
	struct rv_err e = {0};
	int64_t limit = SILENT_HEARTBEATS * s->p.heartbeat_us;
	if (s->state != SESSION_UP && now.mono_us - p->began_us > limit) {
		rv_fail_rule(&e, RV_ETIMEOUT, "LINK-SILENT", "%s did not say HELLO within %lld ms",
			s->p.peer, (long long)(limit / 1000));
		rv_err_mend(&e, "Is the other end a Reeve node? See its log.");
		session_fault(s, RV_BYE_SILENT, &e);
	} else if (now.mono_us - p->heard_us > limit) {
		rv_fail_rule(&e, RV_ETIMEOUT, "LINK-SILENT",
			"nothing was heard from %s for %lld ms", s->p.peer,
			(long long)(limit / 1000));
		session_fault(s, RV_BYE_SILENT, &e);
	} else if (s->state == SESSION_UP && now.mono_us - p->pinged_us >= s->p.heartbeat_us) {
		p->must_ping = 1;
	}
}

/* ---- for people ---- */

static int by_value(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a;
	int64_t y = *(const int64_t *)b;
	return (x > y) - (x < y);
}

void pulse_stats(const struct session *s, struct session_stats *st)
{
	const struct pulse *p = &s->pulse;
	size_t n = p->n_samples < SAMPLES ? p->n_samples : SAMPLES;
	int64_t sorted[SAMPLES];
	if (n == 0) {
		return;
	}
	memcpy(sorted, p->samples, n * sizeof(sorted[0]));
	qsort(sorted, n, sizeof(sorted[0]), by_value);
	st->rtt_p50_us = sorted[(n - 1) / 2];
	st->rtt_p99_us = sorted[(n - 1) * 99 / 100];
	/* the quickest of the last eight has the least to be wrong about */
	size_t recent = n < 8 ? n : 8;
	size_t best = (p->n_samples - 1) % SAMPLES;
	for (size_t i = 1; i < recent; i++) {
		size_t at = (p->n_samples - 1 - i) % SAMPLES;
		if (p->samples[at] < p->samples[best]) {
			best = at;
		}
	}
	st->clock_offset_us = p->offsets[best];
}
