/* SPDX-License-Identifier: Apache-2.0 */
#include "node/link/session_int.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * Attachments. The receiver pulls: a window of requests, in order in each blob, sized so that a
 * slow link is never filled for long. The intake says first how much is here, so a broken fetch
 * goes on where its bytes were synced. The server answers each request in the order of arrival, one
 * chunk at a time between other frames.
 */

#define PAUSE_SHORT_US SEC
#define PAUSE_LONG_US (30 * SEC)
#define ANSWER_US (600 * SEC)
#define QUICK_US (400 * INT64_C(1000))
#define SLOW_US (1500 * INT64_C(1000))

enum { CHUNK_FIRST = 64 * 1024, ASK_STORE_FOR = 64 };

void blobs_init(struct session *s)
{
	s->blobs.chunk_len = CHUNK_FIRST;
	s->blobs.window = 2;
}

void session_wake_fetches(struct session *s)
{
	s->blobs.maybe = 1;
}

/* ---- which blobs ---- */

static struct fetch *fetch_of(struct blobs *b, const uint8_t digest[RV_DIGEST_LEN])
{
	for (size_t i = 0; i < FETCHES; i++) {
		if (b->fetches[i].state != FETCH_FREE &&
			memcmp(b->fetches[i].what.digest, digest, RV_DIGEST_LEN) == 0) {
			return &b->fetches[i];
		}
	}
	return NULL;
}

static struct fetch *free_fetch(struct blobs *b)
{
	for (size_t i = 0; i < FETCHES; i++) {
		if (b->fetches[i].state == FETCH_FREE) {
			return &b->fetches[i];
		}
	}
	return NULL;
}

static int is_recent(const struct blobs *b, const uint8_t digest[RV_DIGEST_LEN], int64_t now_us)
{
	for (size_t i = 0; i < RECENT; i++) {
		if (b->recent[i].until_us > now_us &&
			memcmp(b->recent[i].digest, digest, RV_DIGEST_LEN) == 0) {
			return 1;
		}
	}
	return 0;
}

/* The fetch is over. The store learns of it a little later: until then it is not begun again. */
static void fetch_over(struct blobs *b, struct fetch *f, int64_t now_us)
{
	memcpy(b->recent[b->next_recent].digest, f->what.digest, RV_DIGEST_LEN);
	b->recent[b->next_recent].until_us = now_us + RECENT_US;
	b->next_recent = (b->next_recent + 1) % RECENT;
	memset(f, 0, sizeof(*f));
	b->maybe = 1;
}

static void read_fetches(struct session *s, struct session_time now)
{
	struct blobs *b = &s->blobs;
	struct store_fetch *list = NULL;
	size_t n = 0;
	struct fetch *f = free_fetch(b);
	if (!b->maybe || f == NULL || now.mono_us < b->not_before_us) {
		return;
	}
	if (s->p.calls->fetches(s->p.ctx, ASK_STORE_FOR, &list, &n) != 0) {
		b->not_before_us = now.mono_us + SEC;
		return;
	}
	b->maybe = 0;
	for (size_t i = 0; i < n; i++) {
		if (fetch_of(b, list[i].digest) != NULL) {
			continue;
		}
		f = free_fetch(b);
		if (f == NULL || is_recent(b, list[i].digest, now.mono_us)) {
			b->maybe = 1; /* there is more to come: look again in a while */
			b->not_before_us = f == NULL ? 0 : now.mono_us + SEC;
			continue;
		}
		f->state = FETCH_START;
		f->serial = ++b->last_serial;
		f->what = list[i];
	}
	free(list);
}

/* ---- drain, pause, give up ---- */

static void drained(struct session *s, struct fetch *f, int64_t now_us)
{
	if (f->state != FETCH_DRAINS || f->n_asked > 0 || f->at_intake > 0) {
		return;
	}
	if (f->fails) {
		s->p.calls->fetch_failed(s->p.ctx, f->what.digest, f->why);
		fetch_over(&s->blobs, f, now_us);
		return;
	}
	f->state = FETCH_PAUSES;
	f->until_us = now_us + f->pause_us;
}

static void pause_fetch(struct session *s, struct fetch *f, int64_t pause_us, int64_t now_us)
{
	if (f->state != FETCH_DRAINS) {
		f->pause_us = 0;
	}
	f->state = FETCH_DRAINS;
	if (pause_us > f->pause_us) {
		f->pause_us = pause_us;
	}
	drained(s, f, now_us);
}

static void give_up(struct session *s, struct fetch *f, const char *why, int64_t now_us)
{
	f->state = FETCH_DRAINS;
	f->fails = 1;
	snprintf(f->why, sizeof(f->why), "%s", why);
	drained(s, f, now_us);
}

/* ---- the intake ---- */

static uint32_t handle_of(struct blobs *b, const struct fetch *f)
{
	return (uint32_t)f->serial << 16 | ++b->last_handle;
}

static void ask_intake(struct session *s, struct fetch *f, struct session_time now)
{
	struct rv_span none = {NULL, 0};
	f->state = FETCH_ASKED;
	f->at_intake = 1;
	if (s->p.calls->chunk(s->p.ctx, &f->what, f->next, none, handle_of(&s->blobs, f)) != 0) {
		f->at_intake = 0;
		pause_fetch(s, f, PAUSE_SHORT_US, now.mono_us);
	}
}

void session_fate_chunk(
	struct session *s, uint32_t handle, int fate, uint64_t next_offset, struct session_time now)
{
	struct fetch *f = NULL;
	for (size_t i = 0; i < FETCHES; i++) {
		struct fetch *at = &s->blobs.fetches[i];
		if (at->state != FETCH_FREE && at->serial == handle >> 16 && at->at_intake > 0) {
			f = at;
		}
	}
	if (f == NULL || s->state == SESSION_ENDED) {
		return;
	}
	f->at_intake--;
	if (fate == 0 && next_offset >= f->what.size && f->state != FETCH_DRAINS) {
		fetch_over(&s->blobs, f, now.mono_us);
	} else if (fate == RV_EAGAIN && f->state == FETCH_ASKED && next_offset == f->what.size &&
		   f->next != next_offset) {
		/* every byte is here, but it was not put in its place: an empty chunk at the end
		 * does that */
		f->next = next_offset;
		f->state = FETCH_START;
	} else if ((fate == 0 || fate == RV_EAGAIN) && f->state == FETCH_ASKED &&
		   next_offset < f->what.size) {
		f->next = next_offset;
		f->state = FETCH_RUNS;
	} else if (fate == RV_EDIGEST) {
		give_up(s, f, "the bytes have another digest", now.mono_us);
	} else if (fate != 0) {
		pause_fetch(s, f, fate == RV_EAGAIN ? PAUSE_SHORT_US : PAUSE_LONG_US, now.mono_us);
	} else {
		drained(s, f, now.mono_us);
	}
}

/* ---- asking the peer ---- */

static int send_request(struct session *s, struct fetch *f, struct session_time now)
{
	uint64_t left = f->what.size - f->next;
	struct rv_chunk_request r = {.offset = f->next,
		.length = left < s->blobs.chunk_len ? (uint32_t)left : s->blobs.chunk_len};
	struct rv_buf body = {0};
	memcpy(r.digest, f->what.digest, RV_DIGEST_LEN);
	int rc = rv_chunk_request_put(&body, &r);
	if (rc == 0) {
		rc = session_send(s, RV_CMD_CHUNK_REQUEST, &body, 1);
	} else if (rc == RV_EINVAL) {
		give_up(s, f, "its size is out of range", now.mono_us);
	}
	rv_buf_free(&body);
	if (rc != 0) {
		return 0;
	}
	f->asked[f->n_asked].offset = r.offset;
	f->asked[f->n_asked].length = r.length;
	f->asked[f->n_asked++].at_us = now.mono_us;
	f->next += r.length;
	return 1;
}

int blobs_send_requests(struct session *s, struct session_time now)
{
	struct blobs *b = &s->blobs;
	if (!s->leads) {
		return 0;
	}
	read_fetches(s, now);
	for (size_t i = 0; i < FETCHES; i++) {
		struct fetch *f = &b->fetches[i];
		if (f->state == FETCH_START) {
			ask_intake(s, f, now);
		}
		if (f->state == FETCH_RUNS && f->next < f->what.size &&
			f->n_asked + f->at_intake < b->window) {
			return send_request(s, f, now);
		}
	}
	return 0;
}

/* The window follows what the link carries: first the length of a chunk, then their number. */
static void adapt(struct blobs *b, int64_t took_us)
{
	if (took_us < QUICK_US) {
		if (b->chunk_len < RV_CHUNK_MAX) {
			b->chunk_len *= 2;
		} else if (b->window < FETCH_WINDOW) {
			b->window++;
		}
	} else if (took_us > SLOW_US) {
		if (b->window > 1) {
			b->window--;
		} else if (b->chunk_len > CHUNK_MIN) {
			b->chunk_len /= 2;
		}
	}
}

/* ---- an answer ---- */

static void take_chunk(struct session *s, struct fetch *f, const struct rv_chunk *k,
	struct rv_span data, struct session_time now)
{
	switch (k->status) {
	case RV_CHUNK_DATA:
		f->at_intake++;
		if (s->p.calls->chunk(
			    s->p.ctx, &f->what, k->offset, data, handle_of(&s->blobs, f)) != 0) {
			f->at_intake--;
			pause_fetch(s, f, PAUSE_SHORT_US, now.mono_us);
		}
		break;
	case RV_CHUNK_ABSENT:
		give_up(s, f, "the peer has not got it", now.mono_us);
		break;
	case RV_CHUNK_DENIED:
		give_up(s, f, "the peer says that it is not for us", now.mono_us);
		break;
	default:
		pause_fetch(s, f, PAUSE_LONG_US, now.mono_us);
		break;
	}
}

/* An answer must be to the oldest request of its blob, and exactly as long. */
static int check_answer(
	const struct fetch *f, const struct rv_chunk *k, size_t n, size_t len, struct rv_err *e)
{
	if (f == NULL || f->n_asked == 0 || f->asked[0].offset != k->offset) {
		return rv_fail_rule(e, RV_EPARSE, "LINK-CHUNK", "CHUNK was not asked for");
	}
	if ((k->status == RV_CHUNK_DATA) != (n == 2)) {
		return rv_fail_rule(e, RV_EPARSE, "LINK-CHUNK",
			"CHUNK with status %u has %zu parts", k->status, n);
	}
	if (n == 2 && len != f->asked[0].length) {
		return rv_fail_rule(e, RV_EPARSE, "LINK-CHUNK",
			"CHUNK has %zu bytes where %u were asked for", len, f->asked[0].length);
	}
	return 0;
}

void blobs_chunk_frame(
	struct session *s, const struct rv_span *parts, size_t n, struct session_time now)
{
	struct rv_chunk k;
	struct rv_err e = {0};
	struct fetch *f = NULL;
	struct rv_span data = n == 2 ? parts[1] : (struct rv_span){NULL, 0};
	int rc = rv_chunk_parse(&k, parts[0].data, parts[0].len, &e);
	if (rc == 0) {
		f = fetch_of(&s->blobs, k.digest);
		rc = check_answer(f, &k, n, data.len, &e);
	}
	if (rc != 0) {
		session_fault(s, RV_BYE_PROTOCOL, &e);
		return;
	}
	int64_t took_us = now.mono_us - f->asked[0].at_us;
	f->n_asked--;
	memmove(&f->asked[0], &f->asked[1], f->n_asked * sizeof(f->asked[0]));
	if (f->state != FETCH_RUNS) {
		drained(s, f, now.mono_us); /* what was under way when it stopped is let go */
		return;
	}
	adapt(&s->blobs, took_us);
	take_chunk(s, f, &k, data, now);
}

void blobs_tick(struct session *s, struct session_time now)
{
	struct blobs *b = &s->blobs;
	for (size_t i = 0; i < FETCHES; i++) {
		struct fetch *f = &b->fetches[i];
		if (f->state == FETCH_PAUSES && now.mono_us >= f->until_us) {
			f->state = FETCH_START;
		}
		if (f->n_asked > 0 && now.mono_us - f->asked[0].at_us > ANSWER_US) {
			struct rv_err e = {0};
			rv_fail_rule(&e, RV_ETIMEOUT, "LINK-CHUNK",
				"%s left a chunk request unanswered for %lld s", s->p.peer,
				(long long)(ANSWER_US / SEC));
			session_fault(s, RV_BYE_SILENT, &e);
			return;
		}
	}
}

/* ---- serving ---- */

void blobs_request_frame(struct session *s, const struct rv_span *parts, size_t n)
{
	struct blobs *b = &s->blobs;
	struct rv_chunk_request r;
	struct rv_err e = {0};
	int rc = rv_chunk_request_parse(&r, parts[0].data, parts[0].len, &e);
	if (rc != 0) {
		session_fault(s, RV_BYE_PROTOCOL, &e);
		return;
	}
	if (b->n_serve == SERVE_QUEUE) {
		rv_fail_rule(&e, RV_ELIMIT, "LINK-CHUNK",
			"%s has more than %d chunk requests under way", s->p.peer, SERVE_QUEUE);
		session_fault(s, RV_BYE_CREDIT, &e);
		return;
	}
	b->serve[(b->serve_first + b->n_serve++) % SERVE_QUEUE] = r;
}

int blobs_send_chunk(struct session *s, struct session_time now)
{
	struct blobs *b = &s->blobs;
	struct rv_span spans[3];
	struct rv_buf head = {0};
	if (b->n_serve == 0) {
		return 0;
	}
	const struct rv_chunk_request *r = &b->serve[b->serve_first];
	struct rv_chunk k = {.offset = r->offset};
	memcpy(k.digest, r->digest, RV_DIGEST_LEN);
	int rc = s->p.calls->serve(s->p.ctx, r, &spans[2]);
	if (rc == 0 && spans[2].len != r->length) {
		rc = RV_ENOTFOUND;
	}
	k.status = rc == 0              ? RV_CHUNK_DATA
		   : rc == RV_ENOTFOUND ? RV_CHUNK_ABSENT
		   : rc == RV_EDENIED   ? RV_CHUNK_DENIED
					: RV_CHUNK_LATER;
	int sent = RV_ENOMEM;
	if (rv_chunk_put(&head, &k) == 0) {
		spans[1].data = head.data;
		spans[1].len = head.len;
		sent = session_send_spans(
			s, RV_CMD_CHUNK, spans, k.status == RV_CHUNK_DATA ? 3 : 2);
	}
	rv_buf_free(&head);
	if (sent != 0) {
		return 0;
	}
	b->serve_first = (b->serve_first + 1) % SERVE_QUEUE;
	b->n_serve--;
	return 1;
}
