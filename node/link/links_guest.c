/* SPDX-License-Identifier: Apache-2.0 */
#include "node/link/links_int.h"

#include <string.h>

/*
 * Guests: who has a token and is in no list yet. A guest may ask to join, hear how its request
 * stands, and fetch the list that admits it (SPEC.md, 5.11). It has no session: each frame is
 * answered at once, or ends the connection. What a guest can cost is bounded by the line, by a frame
 * every half second, and by a few connections at a time.
 */

enum { BURST = 8, PIECES_BURST = 600 };
#define FRAME_EVERY_US (RV_US_PER_SEC / 2)
#define STAY_US (600 * RV_US_PER_SEC)

static struct guest *guest_of(struct links *l, uint64_t connection)
{
	for (size_t i = 0; i < LINKS_GUESTS_MAX; i++) {
		if (l->guests[i].connection == connection) {
			return &l->guests[i];
		}
	}
	return NULL;
}

static void end_guest(struct links *l, struct guest *g)
{
	line_client_close(l->line, g->connection, NULL);
	l->sent = 1;
	memset(g, 0, sizeof(*g));
}

int links_is_guest(struct links *l, const char *key)
{
	return l->p.joins != NULL && joins_is_guest(l->p.joins, key);
}

/* A place for a connection: the one that came first goes when all are taken. */
static struct guest *admit_guest(struct links *l, uint64_t connection)
{
	struct guest *oldest = &l->guests[0];
	for (size_t i = 0; i < LINKS_GUESTS_MAX; i++) {
		struct guest *g = &l->guests[i];
		if (g->connection == 0) {
			oldest = g;
			break;
		}
		oldest = g->since_us < oldest->since_us ? g : oldest;
	}
	if (oldest->connection != 0) {
		end_guest(l, oldest);
	}
	oldest->connection = connection;
	oldest->since_us = oldest->allowed_at_us = links_time(l).mono_us;
	oldest->allowance = BURST;
	oldest->pieces = PIECES_BURST;
	return oldest;
}

static int may_speak(struct guest *g, int64_t now_us)
{
	int64_t more = (now_us - g->allowed_at_us) / FRAME_EVERY_US;
	if (more > 0) {
		g->allowance = g->allowance + more > BURST ? BURST : g->allowance + more;
		g->allowed_at_us = now_us;
	}
	if (g->allowance == 0) {
		return 0;
	}
	g->allowance--;
	return 1;
}

/* ---- answers ---- */

static int send_frame(struct links *l, const struct guest *g, enum rv_cmd cmd,
	const struct rv_buf *body, struct rv_span more)
{
	struct rv_buf header = {0};
	struct line_part parts[3];
	size_t n = more.len > 0 ? 3 : 2;
	int rc = rv_frame_header_put(&header, cmd, (uint16_t)(n - 1));
	if (rc == 0 && rv_buf_ok(body)) {
		parts[0] = (struct line_part){header.data, header.len};
		parts[1] = (struct line_part){body->data, body->len};
		parts[2] = (struct line_part){more.data, more.len};
		rc = line_client_send(l->line, g->connection, parts, n, NULL);
		l->sent = 1;
	}
	rv_buf_free(&header);
	return rc;
}

/* Who is admitted gets what it needs to read the list: who signs lists. */
static void answer_state(struct links *l, struct guest *g, const struct rv_join_state *state)
{
	struct rv_buf body = {0};
	struct rv_buf pem = {0};
	struct rv_span more = {NULL, 0};
	if (state->status == RV_JOIN_ADMITTED) {
		g->admitted = 1;
		if (file_read(l->p.conf->authority, RV_JOIN_MAX, &pem, NULL) == 0) {
			more = (struct rv_span){pem.data, pem.len};
		}
	}
	if (rv_join_state_put(&body, state) == 0) {
		send_frame(l, g, RV_CMD_JOIN_STATE, &body, more);
	}
	rv_buf_free(&body);
	rv_buf_free(&pem);
}

static void tell(struct links *l, const char *key, const struct rv_join_state *state)
{
	struct rv_err why = {0};
	if (state->status != RV_JOIN_REFUSED) {
		log_event(l->p.log, LOG_LVL_INFO, "a request to join waits for approval", "guest",
			key, NULL);
		return;
	}
	rv_fail_rule(&why, RV_EDENIED, state->rule, "%s", state->text);
	log_err(l->p.log, LOG_LVL_WARNING, "a request to join is refused", &why, "guest", key, NULL);
}

/* 0, or the connection is to end. */
static int on_join(struct links *l, struct guest *g, const char *key, const struct rv_span *parts,
	size_t n)
{
	struct rv_join_state state;
	struct rv_err e = {0};
	int news = 0;
	if (n != 1 || parts[0].len == 0 || parts[0].len > RV_JOIN_MAX) {
		return RV_EPARSE;
	}
	struct rv_trust *t = trust_last(l->p.trust);
	int rc = joins_ask(l->p.joins, key, parts[0], t, &state, &news, &e);
	rv_trust_unref(&t);
	if (rc != 0) {
		log_err(l->p.log, LOG_LVL_ERROR, "a request to join cannot be kept", &e, "guest",
			key, NULL);
		return rc;
	}
	if (news) {
		tell(l, key, &state);
	}
	answer_state(l, g, &state);
	return 0;
}

static int on_trust_request(struct links *l, struct guest *g, const struct rv_span *parts)
{
	struct rv_trust_request r;
	struct rv_trust_part p = {.number = 1};
	struct rv_span data = {NULL, 0};
	struct rv_buf body = {0};
	if (!g->admitted || g->pieces == 0 ||
		rv_trust_request_parse(&r, parts[0].data, parts[0].len, NULL) != 0) {
		return RV_EPARSE;
	}
	g->pieces--;
	g->allowance++; /* counted by itself */
	if (links_trust_piece_of(l, r.offset, &p, &data) != 0) {
		p = (struct rv_trust_part){.number = r.number};
		data.len = 0;
	}
	int rc = rv_trust_part_put(&body, &p);
	if (rc == 0) {
		rc = send_frame(l, g, RV_CMD_TRUST, &body, data);
	}
	rv_buf_free(&body);
	return rc == RV_EAGAIN ? 0 : rc;
}

void links_guest_frame(
	struct links *l, uint64_t connection, const char *key, const struct rv_span *parts, size_t n)
{
	struct rv_frame_header h;
	struct guest *g = guest_of(l, connection);
	if (g == NULL) {
		g = admit_guest(l, connection);
	}
	int rc = rv_frame_open(&h, parts, n, NULL);
	if (rc == 0 && !may_speak(g, links_time(l).mono_us)) {
		rc = RV_ELIMIT;
	}
	if (rc == 0) {
		rc = h.cmd == RV_CMD_JOIN            ? on_join(l, g, key, parts + 1, n - 1)
		     : h.cmd == RV_CMD_TRUST_REQUEST ? on_trust_request(l, g, parts + 1)
						     : RV_EPARSE;
	}
	if (rc != 0) {
		end_guest(l, g);
	}
}

void links_guest_gone(struct links *l, uint64_t connection)
{
	struct guest *g = guest_of(l, connection);
	if (g != NULL) {
		memset(g, 0, sizeof(*g));
	}
}

void links_guests_tick(struct links *l)
{
	int64_t now_us = links_time(l).mono_us;
	for (size_t i = 0; i < LINKS_GUESTS_MAX; i++) {
		if (l->guests[i].connection != 0 && now_us - l->guests[i].since_us > STAY_US) {
			end_guest(l, &l->guests[i]);
		}
	}
}
