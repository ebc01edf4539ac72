/* SPDX-License-Identifier: Apache-2.0 */
#include "node/link/session_int.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * Messages that we offer: read from the store within the peer's credit, urgent before normal before
 * bulk. Bulk may have a quarter of the peer's window under way and normal three quarters, so that
 * an alert finds room however much waits; and neither more than the link carries in about a second
 * (reach), so that an alert does not queue behind it.
 */

/* Bytes of one MESSAGES frame (one large message may pass them): small for bulk, so that an alert
 * waits for little, and that a slow link carries a whole frame within the time after which silence
 * ends a session. */
static const size_t frame_bytes[FLIGHTS_PRIORITIES] = {256 * 1024, 128 * 1024, 64 * 1024};

/* UNDER_WAY_MAX: messages, whatever the peer grants: the line lets a connection go that has 1200
 * frames waiting. */
enum { REACH_FIRST = 256 * 1024, REACH_MIN = 32 * 1024, UNDER_WAY_MAX = 1000 };
#define QUICK_US (400 * INT64_C(1000))
#define SLOW_US (1500 * INT64_C(1000))

/* A frame while it is built. */
struct load {
	struct rv_buf parts[RV_FRAME_MAX_ITEMS];
	int64_t seqs[RV_FRAME_MAX_ITEMS];
	uint8_t messages[RV_FRAME_MAX_ITEMS][RV_UUID_LEN];
	size_t n;
	uint64_t bytes;
};

static void load_clear(struct load *l)
{
	for (size_t i = 0; i < l->n; i++) {
		rv_buf_free(&l->parts[i]);
	}
	l->n = 0;
}

void out_up(struct session *s, struct session_time now)
{
	for (unsigned p = 0; p < FLIGHTS_PRIORITIES; p++) {
		s->out.maybe[p] = 1;
	}
	s->out.rescanned_us = now.mono_us;
	s->out.reach = REACH_FIRST;
	s->receipts.maybe = 1;
	s->blobs.maybe = 1;
}

void out_free(struct session *s)
{
	flights_free(&s->out.flights);
}

/* ---- credit ---- */

static uint64_t share(uint64_t window, unsigned priority)
{
	return priority == 0 ? window : priority == 1 ? window - window / 4 : window / 4;
}

/* What may be sent of that priority beyond what is under way already. Nothing under way: one
 * message may always go. */
static uint64_t room_of(uint64_t used, uint64_t granted, uint64_t window, uint64_t limit)
{
	uint64_t left = granted - used;
	uint64_t under_way = left < window ? window - left : 0;
	if (under_way == 0) {
		limit = limit < 1 ? 1 : limit;
	}
	uint64_t room = limit > under_way ? limit - under_way : 0;
	return room < left ? room : left;
}

static struct rv_credit room(const struct session *s, unsigned priority)
{
	const struct sending *o = &s->out;
	uint64_t bytes = share(o->window.bytes, priority);
	if (priority > 0 && bytes > o->reach) {
		bytes = o->reach;
	}
	uint64_t window = o->window.messages < UNDER_WAY_MAX ? o->window.messages : UNDER_WAY_MAX;
	struct rv_credit r = {
		room_of(o->used.messages, o->granted.messages, o->window.messages,
			share(window, priority)),
		room_of(o->used.bytes, o->granted.bytes, o->window.bytes, bytes),
	};
	/* a message larger than the share goes when nothing else is under way */
	uint64_t left = o->granted.bytes - o->used.bytes;
	if (left >= o->window.bytes && r.bytes < left) {
		r.bytes = left;
	}
	return r;
}

/* How long the peer takes to give credit back tells how much may be under way. */
static void adapt(struct sending *o, int64_t now_us)
{
	if (o->mark_us == 0 || o->granted.bytes - o->window.bytes < o->mark_bytes) {
		return;
	}
	int64_t took_us = now_us - o->mark_us;
	o->mark_us = 0;
	if (took_us < QUICK_US && o->reach < o->window.bytes) {
		o->reach *= 2;
	} else if (took_us > SLOW_US && o->reach > REACH_MIN) {
		o->reach /= 2;
	}
}

void out_credit_frame(
	struct session *s, const struct rv_span *parts, size_t n, struct session_time now)
{
	struct rv_credit c;
	struct rv_err e = {0};
	struct rv_credit *g = &s->out.granted;
	int rc = rv_credit_parse(&c, parts[0].data, parts[0].len, &e);
	if (rc == 0 && (c.messages < g->messages || c.bytes < g->bytes ||
			       (c.messages == g->messages && c.bytes == g->bytes))) {
		rc = rv_fail_rule(&e, RV_EPARSE, "LINK-CREDIT", "CREDIT does not grow");
	}
	if (rc != 0) {
		session_fault(s, RV_BYE_PROTOCOL, &e);
		return;
	}
	*g = c;
	adapt(&s->out, now.mono_us);
}

/* ---- reading what is due ---- */

/* Puts one message of the store into the frame. 0; RV_EAGAIN: no credit for it (want_bytes tells),
 * or the status of its signer does not go out; RV_EINVAL: cannot be sent. */
static int load_add(struct session *s, struct load *l, const struct store_due *d, unsigned priority,
	uint64_t bytes_room, struct session_time now)
{
	struct rv_item item = {.priority = (uint8_t)priority,
		.hops = (uint8_t)(d->hops < 255 ? d->hops + 1 : 255),
		.recipients = d->recipients,
		.n_recipients = d->n_recipients,
		.wire = {d->wire, d->wire_len}};
	struct rv_buf *part = &l->parts[l->n];
	int rc = status_before(s, d->originator, now);
	if (rc != 0) {
		return rc;
	}
	memset(part, 0, sizeof(*part));
	memcpy(item.message, d->message, RV_UUID_LEN);
	if (strlen(d->trail) >= sizeof(item.trail)) {
		return RV_EINVAL;
	}
	snprintf(item.trail, sizeof(item.trail), "%s", d->trail);
	if (item.n_recipients > RV_ITEM_MAX_RECIPIENTS) {
		item.n_recipients = RV_ITEM_MAX_RECIPIENTS; /* the rest stays due, and is offered
							       with the next try */
	}
	rc = rv_item_put(part, &item);
	if (rc == 0 && l->bytes + part->len > bytes_room) {
		s->out.want_bytes[priority] = part->len;
		rc = RV_EAGAIN;
	}
	if (rc != 0) {
		rv_buf_free(part);
		return rc;
	}
	l->seqs[l->n] = d->seq;
	memcpy(l->messages[l->n], d->message, RV_UUID_LEN);
	l->bytes += part->len;
	l->n++;
	return 0;
}

/* Reads what is due. A busy store is asked again by a later pump; a broken one ends the session. */
static int read_due(struct session *s, unsigned priority, int64_t after, size_t max, size_t bytes,
	struct store_due **list_r, size_t *n_r)
{
	int rc = s->p.calls->due(s->p.ctx, priority, after, max, bytes, list_r, n_r);
	if (rc != 0 && rc != RV_EAGAIN && rc != RV_ENOMEM) {
		struct rv_err e;
		rv_fail(&e, rc, "what is due could not be read: %s", rv_strcode(rc));
		session_broken(s, &e);
	}
	return rc;
}

/* Those put off whose time has come: still due (the store says so) or settled meanwhile. */
static int load_retries(struct session *s, struct load *l, unsigned priority, struct rv_credit room,
	struct session_time now)
{
	struct flight *f;
	while (l->n < RV_FRAME_MAX_ITEMS && l->n < room.messages && l->bytes < room.bytes &&
		l->bytes < frame_bytes[priority] &&
		(f = flights_due(&s->out.flights, priority, now.mono_us)) != NULL) {
		struct store_due *list = NULL;
		size_t n = 0;
		uint8_t message[RV_UUID_LEN];
		memcpy(message, f->message, RV_UUID_LEN);
		int rc = read_due(s, priority, f->seq - 1, 1, frame_bytes[priority], &list, &n);
		if (rc != 0) {
			return rc;
		}
		if (n > 0 && list[0].seq == f->seq) {
			rc = load_add(s, l, &list[0], priority, room.bytes, now);
		} else {
			rc = RV_ENOTFOUND;
		}
		if (rc == 0) {
			flights_retry_at(&s->out.flights, f, now.mono_us + FLIGHT_RETRY_US);
		} else if (rc != RV_EAGAIN && rc != RV_ECLOSED) {
			flights_remove(&s->out.flights, message);
		}
		s->p.calls->due_free(s->p.ctx, list, n);
		if (rc == RV_EAGAIN || rc == RV_ECLOSED) {
			return rc;
		}
	}
	return 0;
}

/* One that was read: into the frame, unless it is in flight. RV_EAGAIN: no room for it. */
static int load_one(struct session *s, struct load *l, const struct store_due *d, unsigned priority,
	struct rv_credit room, struct session_time now)
{
	const struct flights *f = &s->out.flights;
	if (flights_find(f, d->message) != NULL) {
		return 0;
	}
	if (l->n == RV_FRAME_MAX_ITEMS || l->n >= room.messages ||
		f->counts[priority] + l->n >= FLIGHTS_MAX) {
		return RV_EAGAIN;
	}
	int rc = load_add(s, l, d, priority, room.bytes, now);
	return rc == RV_EINVAL ? 0 : rc; /* what cannot be sent stays due, for people to see */
}

/* Those behind the cursor. */
static int load_fresh(struct session *s, struct load *l, unsigned priority, struct rv_credit room,
	struct session_time now)
{
	struct sending *o = &s->out;
	int rc = 0;
	while (rc == 0 && o->maybe[priority] && l->n < RV_FRAME_MAX_ITEMS && l->n < room.messages &&
		l->bytes < room.bytes && l->bytes < frame_bytes[priority]) {
		struct store_due *list = NULL;
		size_t n = 0;
		size_t max = RV_FRAME_MAX_ITEMS - l->n;
		if (o->cursor[priority] >= o->high[priority] && max > room.messages - l->n) {
			max = (size_t)(room.messages - l->n); /* all of them are new */
		}
		rc = read_due(s, priority, o->cursor[priority], max,
			frame_bytes[priority] - l->bytes, &list, &n);
		if (rc != 0) {
			return rc;
		}
		if (n == 0) {
			o->maybe[priority] = 0;
		}
		for (size_t i = 0; rc == 0 && i < n; i++) {
			rc = load_one(s, l, &list[i], priority, room, now);
			if (rc == 0) {
				o->cursor[priority] = list[i].seq;
			}
		}
		s->p.calls->due_free(s->p.ctx, list, n);
	}
	return rc;
}

/* ---- sending ---- */

/* The frame is out: note it. A flight that finds no memory is offered again by the next reading
 * from the start. */
static void load_sent(
	struct session *s, const struct load *l, unsigned priority, struct session_time now)
{
	s->out.used.messages += l->n;
	s->out.used.bytes += l->bytes;
	s->out.sent += l->n;
	if (s->out.mark_us == 0) {
		s->out.mark_us = now.mono_us;
		s->out.mark_bytes = s->out.used.bytes;
	}
	for (size_t i = 0; i < l->n; i++) {
		flights_add(&s->out.flights, l->messages[i], l->seqs[i], priority,
			now.mono_us + FLIGHT_RETRY_US);
		if (l->seqs[i] > s->out.high[priority]) {
			s->out.high[priority] = l->seqs[i];
		}
	}
	s->p.calls->sent(s->p.ctx, l->seqs, l->n);
}

int out_send(struct session *s, unsigned priority, struct session_time now)
{
	struct sending *o = &s->out;
	struct rv_credit may = room(s, priority);
	int sent = 0;
	if (may.messages == 0 || may.bytes == 0 || may.bytes < o->want_bytes[priority] ||
		(!o->maybe[priority] && now.mono_us < o->flights.soonest_us)) {
		return 0;
	}
	struct load *l = calloc(1, sizeof(*l));
	if (l == NULL) {
		return 0; /* the next pump tries again */
	}
	int64_t cursor = o->cursor[priority];
	int maybe = o->maybe[priority];
	o->want_bytes[priority] = 0;
	int rc = load_retries(s, l, priority, may, now);
	if (rc == 0) {
		rc = load_fresh(s, l, priority, may, now);
	}
	if (rc == RV_ENOMEM) {
		rc = 0;
	}
	if ((rc == 0 || rc == RV_EAGAIN) && s->state == SESSION_UP && l->n > 0) {
		rc = session_send(s, RV_CMD_MESSAGES, l->parts, l->n);
		if (rc == 0) {
			load_sent(s, l, priority, now);
			sent = 1;
		} else {
			/* the channel is full: as if nothing had been read (retries keep their new
			 * time only if sent) */
			o->cursor[priority] = cursor;
			o->maybe[priority] = maybe;
			for (size_t i = 0; i < l->n; i++) {
				struct flight *f = flights_find(&o->flights, l->messages[i]);
				if (f != NULL) {
					flights_retry_at(&o->flights, f, now.mono_us);
				}
			}
		}
	}
	load_clear(l);
	free(l);
	return sent;
}

void out_defer_frame(
	struct session *s, const struct rv_span *parts, size_t n, struct session_time now)
{
	for (size_t i = 0; i < n; i++) {
		struct rv_defer d;
		struct rv_err e = {0};
		if (rv_defer_parse(&d, parts[i].data, parts[i].len, &e) != 0) {
			session_fault(s, RV_BYE_PROTOCOL, &e);
			return;
		}
		/* one that is not in flight was settled meanwhile */
		struct flight *f = flights_find(&s->out.flights, d.message);
		if (f != NULL) {
			flights_retry_at(&s->out.flights, f, now.mono_us + d.wait_s * SEC);
		}
	}
}

/* ---- reading anew ---- */

void out_tick(struct session *s, struct session_time now)
{
	struct sending *o = &s->out;
	int64_t since = now.mono_us - o->rescanned_us;
	if ((o->rescan && since >= RESCAN_MIN_US) || since >= RESCAN_MAX_US) {
		o->rescan = 0;
		o->rescanned_us = now.mono_us;
		for (unsigned p = 0; p < FLIGHTS_PRIORITIES; p++) {
			o->cursor[p] = 0;
			o->maybe[p] = 1;
			o->want_bytes[p] = 0;
		}
	}
}

void session_wake(struct session *s)
{
	for (unsigned p = 0; p < FLIGHTS_PRIORITIES; p++) {
		s->out.maybe[p] = 1;
	}
	session_wake_receipts(s);
}

void session_wake_all(struct session *s)
{
	session_wake(s);
	s->out.rescan = 1;
	s->blobs.maybe = 1;
}
