/* SPDX-License-Identifier: Apache-2.0 */
#include "node/link/session_int.h"

#include <stdlib.h>
#include <string.h>

/* Attachments: the receiver asks for chunks in order, a few at a time; the server answers within the byte credit. */


/* ---- the receiving side ---- */

static struct fetching *find_fetching(struct session *s, const uint8_t digest[RV_DIGEST_LEN])
{
	for (size_t i = 0; i < SESSION_FETCHES_MAX; i++) {
		if (s->fetches[i].active && memcmp(s->fetches[i].digest, digest, RV_DIGEST_LEN) == 0) {
			return &s->fetches[i];
		}
	}
	return NULL;
}

static struct fetching *free_fetching(struct session *s)
{
	for (size_t i = 0; i < SESSION_FETCHES_MAX; i++) {
		if (!s->fetches[i].active) {
			return &s->fetches[i];
		}
	}
	return NULL;
}

void session_load_fetches(struct session *s, int64_t now_us)
{
	struct store_fetch *list = NULL;
	size_t n = 0;
	if (s->state != STATE_UP || !s->primary || free_fetching(s) == NULL ||
		s->p.host->fetches(s->p.host->ctx, s, 2 * SESSION_FETCHES_MAX, &list, &n) != 0) {
		return;
	}
	for (size_t i = 0; i < n; i++) {
		struct fetching *f = find_fetching(s, list[i].digest) == NULL ? free_fetching(s) : NULL;
		if (f != NULL) {
			memset(f, 0, sizeof(*f));
			f->active = 1;
			f->size = list[i].size;
			memcpy(f->digest, list[i].digest, RV_DIGEST_LEN);
		}
	}
	free(list);
	session_ask_chunks(s, now_us);
}

static void ask(struct session *s, struct fetching *f)
{
	struct rv_buf body = {0};
	uint64_t left = f->size - f->asked;
	struct rv_chunk_request r = {.offset = f->asked, .length = left > RV_CHUNK_MAX ? RV_CHUNK_MAX : (uint32_t)left};
	memcpy(r.digest, f->digest, RV_DIGEST_LEN);
	if (rv_chunk_request_put(&body, &r) == 0 && session_send_bodies(s, RV_CMD_CHUNK_REQUEST, &body, 1) == 0) {
		f->asked += r.length;
	}
	rv_buf_free(&body);
}

static size_t on_their_way(const struct fetching *f)
{
	return (size_t)((f->asked - f->written + RV_CHUNK_MAX - 1) / RV_CHUNK_MAX);
}

void session_ask_chunks(struct session *s, int64_t now_us)
{
	for (size_t i = 0; i < SESSION_FETCHES_MAX; i++) {
		struct fetching *f = &s->fetches[i];
		if (f->not_before_us > now_us + SESSION_RETRY_US) {
			f->not_before_us = now_us;   /* the clock was set back */
		}
		while (f->active && s->state == STATE_UP && now_us >= f->not_before_us && f->asked < f->size &&
			on_their_way(f) < SESSION_CHUNKS_MAX) {
			uint64_t before = f->asked;
			ask(s, f);
			if (f->asked == before) {
				return;
			}
		}
	}
}

/* Starts over from an offset; answers that are still on their way no longer fit and are ignored. */
static void restart(struct fetching *f, uint64_t offset, int64_t not_before_us)
{
	f->asked = f->expected = f->written = offset;
	f->not_before_us = not_before_us;
}

static void give_up(struct session *s, struct fetching *f, const char *why)
{
	s->p.host->fetch_failed(s->p.host->ctx, s, f->digest, why);
	f->active = 0;   /* asked for again at the next look, not at once */
}

void session_on_chunk(struct session *s, const struct rv_chunk *c, struct rv_span data, int64_t now_us)
{
	struct fetching *f = find_fetching(s, c->digest);
	uint64_t token;
	if (f == NULL || c->offset != f->expected || data.len > f->size - f->expected) {
		session_give_credit(s, 0, data.len);   /* an answer to a question of before */
		return;
	}
	if (c->status == RV_CHUNK_LATER) {
		restart(f, f->written, now_us + SESSION_RETRY_US);
		return;
	}
	if (c->status != RV_CHUNK_DATA) {
		give_up(s, f, c->status == RV_CHUNK_ABSENT ? "the peer has not got it" : "the peer says that it is not for us");
		return;
	}
	struct pending *p = session_pend(s, PENDING_CHUNK, &token);
	if (p == NULL) {
		session_fault(s, RV_BYE_INTERNAL, "memory is short");
		return;
	}
	p->bytes = data.len;
	memcpy(p->digest, c->digest, RV_DIGEST_LEN);
	f->expected += data.len;
	f->waiting++;
	if (s->p.host->chunk(s->p.host->ctx, s, c->digest, f->size, c->offset, data, token) != 0) {
		session_settle(s, token);
		session_pending_free(&p);
		f->waiting--;
		session_give_credit(s, 0, data.len);
		restart(f, f->written, now_us + SESSION_RETRY_US);
	}
}

void session_done_chunk(struct session *s, uint64_t token, int fate, uint64_t next_offset, int64_t now_us)
{
	struct pending *p = session_settle(s, token);
	if (p == NULL) {
		return;
	}
	struct fetching *f = find_fetching(s, p->digest);
	session_give_credit(s, 0, p->bytes);
	session_pending_free(&p);
	if (f == NULL || s->state != STATE_UP) {
		return;
	}
	f->waiting -= f->waiting > 0;
	if (fate == 0) {
		if (next_offset > f->written) {
			f->written = next_offset;
		}
		if (f->written > f->expected) {
			restart(f, f->written, 0);
		}
		if (f->written >= f->size) {
			f->active = 0;
			session_load_fetches(s, now_us);
		}
	} else if (fate == RV_EDIGEST) {
		give_up(s, f, "what the peer gave has another digest");
	} else if (f->waiting == 0) {
		/* wait for the last of those in work, so that an old answer does not undo the new start */
		restart(f, next_offset <= f->size ? next_offset : 0, fate == RV_EAGAIN ? 0 : now_us + SESSION_RETRY_US);
	}
	session_ask_chunks(s, now_us);
}

/* ---- the serving side ---- */

static int serve_one(struct session *s, const struct rv_chunk_request *r)
{
	struct rv_buf bodies[2] = {{0}, {0}};
	struct rv_chunk c = {.offset = r->offset, .status = RV_CHUNK_DATA};
	int rc = s->p.host->read_chunk(s->p.host->ctx, s, r->digest, r->offset, r->length, &bodies[1]);
	size_t len = rc == 0 ? bodies[1].len : 0;
	memcpy(c.digest, r->digest, RV_DIGEST_LEN);
	if (rc != 0 || len == 0) {
		c.status = rc == RV_ENOTFOUND || rc == 0 ? RV_CHUNK_ABSENT : rc == RV_EDENIED ? RV_CHUNK_DENIED : RV_CHUNK_LATER;
	}
	if (rv_chunk_put(&bodies[0], &c) == 0 && session_send_bodies(s, RV_CMD_CHUNK, bodies, len > 0 ? 2 : 1) == 0) {
		s->did_bytes += len;
	}
	rv_buf_free(&bodies[0]);
	rv_buf_free(&bodies[1]);
	return s->state == STATE_UP;
}

void session_serve_chunks(struct session *s)
{
	size_t done = 0;
	while (done < s->n_serve && s->did_bytes + s->serve[done].length <= s->may_bytes && serve_one(s, &s->serve[done])) {
		done++;
	}
	s->n_serve -= done;
	memmove(s->serve, s->serve + done, s->n_serve * sizeof(*s->serve));
}

void session_on_chunk_request(struct session *s, const struct rv_chunk_request *r)
{
	if (s->n_serve == SESSION_SERVE_MAX) {
		session_fault(s, RV_BYE_PROTOCOL, "more than %d chunks are asked for at once", SESSION_SERVE_MAX);
		return;
	}
	s->serve[s->n_serve++] = *r;
	session_serve_chunks(s);
}
