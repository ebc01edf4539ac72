/* SPDX-License-Identifier: Apache-2.0 */
#include "node/link/links_int.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { EVENTS_AT_ONCE = 256 };

#define READMIT_US (30 * INT64_C(1000000))   /* keys begin and end to be valid by the clock too */

int64_t links_now(const struct links *l)
{
	return l->p.clock.now_us(l->p.clock.ctx);
}

/* ---- posts ---- */

static void ring(struct links *l)
{
	uint64_t one = 1;
	ssize_t n = write(l->wake_fd, &one, sizeof(one));
	(void)n;   /* full means that it rings already */
}

static void post(struct links *l, struct post *p)
{
	pthread_mutex_lock(&l->lock);
	*l->posts_end = p;
	l->posts_end = &p->next;
	pthread_mutex_unlock(&l->lock);
	ring(l);
}

static struct post *new_post(enum post_kind kind, uint64_t token, int fate)
{
	struct post *p = calloc(1, sizeof(*p));
	if (p != NULL) {
		p->kind = kind;
		p->token = token;
		p->fate = fate;
	}
	return p;
}

/* A fate that cannot be posted for want of memory leaves its credit unreturned: the session stalls and its peer ends it. */
void links_done_message(struct links *l, uint64_t token, int fate, const struct rv_defer *defer)
{
	struct post *p = new_post(POST_MESSAGE, token, fate);
	if (p != NULL) {
		p->has_defer = defer != NULL;
		if (defer != NULL) {
			p->defer = *defer;
		}
		post(l, p);
	}
}

void links_done_receipts(struct links *l, uint64_t token, int fate)
{
	struct post *p = new_post(POST_RECEIPTS, token, fate);
	if (p != NULL) {
		post(l, p);
	}
}

void links_done_chunk(struct links *l, uint64_t token, int fate, uint64_t next_offset)
{
	struct post *p = new_post(POST_CHUNK, token, fate);
	if (p != NULL) {
		p->offset = next_offset;
		post(l, p);
	}
}

void links_fetch(struct links *l, const char *peer)
{
	struct post *p = new_post(POST_FETCH, 0, 0);
	if (p != NULL) {
		snprintf(p->peer, sizeof(p->peer), "%s", peer);
		post(l, p);
	}
}

void links_trust_changed(struct links *l)
{
	struct post *p = new_post(POST_TRUST, 0, 0);
	if (p != NULL) {
		post(l, p);
	}
}

static void wake_everyone(struct links *l, unsigned what)
{
	pthread_mutex_lock(&l->lock);
	l->wake_all |= what;
	pthread_mutex_unlock(&l->lock);
	ring(l);
}

void links_wake(struct links *l, const char *hop)
{
	if (hop == NULL) {
		wake_everyone(l, SESSION_NEW_MESSAGES | SESSION_RESCAN | SESSION_RECEIPTS);
		return;
	}
	pthread_mutex_lock(&l->lock);
	size_t i = 0;
	while (i < l->n_wakes && strcmp(l->wakes[i], hop) != 0) {
		i++;
	}
	if (i == LINKS_WAKES_MAX) {
		l->wake_all |= SESSION_NEW_MESSAGES;
	} else if (i == l->n_wakes) {
		snprintf(l->wakes[l->n_wakes++], RV_CODE_TEXT, "%s", hop);
	}
	pthread_mutex_unlock(&l->lock);
	ring(l);
}

void links_wake_receipts(struct links *l)
{
	wake_everyone(l, SESSION_RECEIPTS);
}

/* ---- the thread ---- */

static struct session *session_of_token(struct links *l, uint64_t token)
{
	uint8_t key[MAP_KEY_LEN];
	map_number_key(key, token >> 32);
	struct link *link = map_get(&l->serials, key);
	return link != NULL ? link->session : NULL;
}

static void run_post(struct links *l, const struct post *p)
{
	int64_t now_us = links_now(l);
	struct session *s = p->kind <= POST_CHUNK ? session_of_token(l, p->token) : NULL;
	if (p->kind == POST_TRUST) {
		if (l->line_ready) {
			links_admit(l);
			links_dial_due(l, now_us);
		}
	} else if (p->kind == POST_FETCH) {
		struct peer *peer = links_peer(l, p->peer);
		if (peer != NULL && peer->primary != NULL) {
			session_wake(peer->primary, SESSION_FETCHES, now_us);
		}
	} else if (s == NULL) {
		return;   /* the session is gone: its peer offers everything again in the next */
	} else if (p->kind == POST_MESSAGE) {
		session_done_message(s, p->token, p->fate, p->has_defer ? &p->defer : NULL, now_us);
	} else if (p->kind == POST_RECEIPTS) {
		session_done_receipts(s, p->token, p->fate, now_us);
	} else {
		session_done_chunk(s, p->token, p->fate, p->offset, now_us);
	}
}

static void wake_sessions(struct links *l, unsigned all, char (*codes)[RV_CODE_TEXT], size_t n)
{
	int64_t now_us = links_now(l);
	struct peer *peer;
	for (size_t at = 0; all != 0 && (peer = map_next(&l->peers, &at)) != NULL;) {
		if (peer->primary != NULL) {
			session_wake(peer->primary, all, now_us);
		}
	}
	for (size_t i = 0; i < n; i++) {
		peer = links_peer(l, codes[i]);
		if (peer != NULL && peer->primary != NULL) {
			session_wake(peer->primary, SESSION_NEW_MESSAGES, now_us);
		}
	}
}

/* 1 when it is time to stop. */
static int run_posts(struct links *l)
{
	char codes[LINKS_WAKES_MAX][RV_CODE_TEXT];
	uint64_t rung;
	ssize_t got = read(l->wake_fd, &rung, sizeof(rung));
	(void)got;
	pthread_mutex_lock(&l->lock);
	struct post *list = l->posts;
	unsigned all = l->wake_all;
	size_t n = l->n_wakes;
	int stop = l->stop;
	memcpy(codes, l->wakes, sizeof(codes));
	l->posts = NULL;
	l->posts_end = &l->posts;
	l->wake_all = 0;
	l->n_wakes = 0;
	pthread_mutex_unlock(&l->lock);
	while (list != NULL) {
		struct post *next = list->next;
		run_post(l, list);
		free(list);
		list = next;
	}
	wake_sessions(l, all, codes, n);
	return stop;
}

static struct link *accept_connection(struct links *l, const struct line_in *in)
{
	struct rv_trust *t = trust_get(l->p.trust);
	const struct rv_member *m = t != NULL ? rv_trust_by_curve(t, in->key, links_now(l)) : NULL;
	struct peer *peer = m != NULL ? links_peer(l, m->code) : NULL;
	struct link *link = peer != NULL ? links_open(l, in->connection, peer, in->key, 0) : NULL;
	if (link == NULL) {
		line_client_close(l->line, in->connection, NULL);
	}
	rv_trust_unref(&t);
	return link;
}

static struct peer *dialled_peer(struct links *l, uint64_t connection)
{
	struct peer *peer;
	for (size_t at = 0; (peer = map_next(&l->peers, &at)) != NULL;) {
		if (peer->dialling == connection) {
			return peer;
		}
	}
	return NULL;
}

static void on_down(struct links *l, const struct line_in *in, struct link *link)
{
	if (link != NULL) {
		session_lost(link->session, in->reason[0] != '\0' ? in->reason : "the connection was lost");
		return;
	}
	struct peer *peer = dialled_peer(l, in->connection);
	if (peer != NULL) {
		links_peer_failed(l, peer, in->reason, "Look whether the peer's node runs, its address, and both trust lists.");
		peer->dialling = 0;
		line_client_close(l->line, in->connection, NULL);
		links_redial_later(l, peer);
	}
}

static void on_line(struct links *l, const struct line_in *in)
{
	uint8_t key[MAP_KEY_LEN];
	map_number_key(key, in->connection);
	struct link *link = map_get(&l->connections, key);
	if (in->event == LINE_READY) {
		l->line_ready = 1;
		links_admit(l);
		links_dial_due(l, links_now(l));
	} else if (in->event == LINE_REFUSED) {
		links_refusal(l, in);
	} else if (in->event == LINE_DOWN) {
		on_down(l, in, link);
	} else if (in->event == LINE_UP) {
		struct peer *peer = link == NULL ? dialled_peer(l, in->connection) : NULL;
		if (peer != NULL && (link = links_open(l, in->connection, peer, in->key, 1)) != NULL) {
			session_start(link->session, links_now(l));
		}
	} else {
		if (link == NULL && (in->connection & LINKS_ACCEPTED)) {
			link = accept_connection(l, in);
		}
		if (link != NULL && strcmp(link->key, in->key) == 0) {
			session_frame(link->session, in->parts, in->n_parts, links_now(l));
		}
	}
}

static int drain_line(struct links *l)
{
	struct line_in *in = &l->in;
	for (int i = 0; i < EVENTS_AT_ONCE; i++) {
		struct rv_err e = {0};
		int rc = line_client_next(l->line, in, &e);
		if (rc == RV_EAGAIN) {
			return 0;
		}
		if (rc != 0) {
			log_err(l->p.log, LOG_LVL_ERROR, "a report of the line cannot be read", &e, NULL);
			continue;
		}
		on_line(l, in);
		links_reap(l);
	}
	return 1;
}

static void tick(struct links *l)
{
	int64_t now_us = links_now(l);
	struct link *link;
	if (now_us - l->ticked_us < LINKS_TICK_MS * 1000 && l->ticked_us <= now_us) {
		return;
	}
	l->ticked_us = now_us;
	for (size_t at = 0; (link = map_next(&l->connections, &at)) != NULL;) {
		session_tick(link->session, now_us);
	}
	links_reap(l);
	if (l->line_ready && (now_us - l->admitted_us > READMIT_US || l->admitted_us > now_us)) {
		links_admit(l);
		links_reap(l);
	}
	if (l->line_ready) {
		links_dial_due(l, now_us);
	}
	links_snapshot(l);
}

static void *links_thread(void *arg)
{
	struct links *l = arg;
	struct pollfd fds[2] = {{.fd = l->wake_fd, .events = POLLIN}, {.fd = line_client_fd(l->line), .events = POLLIN}};
	int more = 0;
	for (;;) {
		poll(fds, 2, more ? 0 : LINKS_TICK_MS);
		more = drain_line(l);
		int stop = run_posts(l);
		links_reap(l);
		tick(l);
		if (stop) {
			break;
		}
	}
	struct link *link;
	for (size_t at = 0; (link = map_next(&l->connections, &at)) != NULL;) {
		session_end(link->session, RV_BYE_STOPPING, "the node stops");
	}
	links_reap(l);
	return NULL;
}

/* ---- start and stop ---- */

int links_start(struct links **l_r, const struct links_params *p, struct rv_err *e)
{
	struct links *l = calloc(1, sizeof(*l));
	if (l == NULL) {
		return rv_fail_nomem(e);
	}
	l->p = *p;
	l->host = links_host(l);
	l->posts_end = &l->posts;
	pthread_mutex_init(&l->lock, NULL);
	l->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	int rc = l->wake_fd < 0 ? rv_fail_errno(e, errno, "cannot make an eventfd") : 0;
	if (rc == 0 && p->random.fill(p->random.ctx, &l->boot, sizeof(l->boot)) != 0) {
		rc = rv_fail(e, RV_EIO, "no randomness for the run's number");
	}
	if (rc == 0) {
		rc = store_reader_open(&l->reader, p->conf->state_dir, e);
	}
	if (rc == 0) {
		rc = line_client_new(&l->line, p->line_endpoint, e);
	}
	if (rc == 0) {
		rc = links_load_dials(l, e);
	}
	if (rc == 0) {
		int err = pthread_create(&l->thread, NULL, links_thread, l);
		rc = err != 0 ? rv_fail_errno(e, err, "cannot start the links thread") : 0;
		l->running = err == 0;
	}
	if (rc != 0) {
		links_stop(&l);
		return rc;
	}
	*l_r = l;
	return 0;
}

void links_stop(struct links **l_p)
{
	if (l_p == NULL || *l_p == NULL) {
		return;
	}
	struct links *l = *l_p;
	if (l->running) {
		pthread_mutex_lock(&l->lock);
		l->stop = 1;
		pthread_mutex_unlock(&l->lock);
		ring(l);
		pthread_join(l->thread, NULL);
		l->running = 0;
	}
}

void links_free(struct links **l_p)
{
	if (l_p == NULL || *l_p == NULL) {
		return;
	}
	struct links *l = *l_p;
	links_stop(l_p);
	while (l->posts != NULL) {
		struct post *next = l->posts->next;
		free(l->posts);
		l->posts = next;
	}
	links_peers_free(l);
	map_free(&l->connections);
	map_free(&l->serials);
	line_client_free(&l->line);
	store_reader_close(&l->reader);
	if (l->wake_fd >= 0) {
		close(l->wake_fd);
	}
	pthread_mutex_destroy(&l->lock);
	free(l->rows);
	free(l);
	*l_p = NULL;
}

/* ---- looks from other threads ---- */

int links_status(struct links *l, struct links_status **s_r, struct rv_err *e)
{
	struct links_status *s = calloc(1, sizeof(*s));
	if (s == NULL) {
		return rv_fail_nomem(e);
	}
	pthread_mutex_lock(&l->lock);
	s->rows = calloc(l->n_rows + 1, sizeof(*s->rows));
	s->refused = calloc(l->n_refused + 1, sizeof(*s->refused));
	if (s->rows != NULL && s->refused != NULL) {
		s->n_rows = l->n_rows;
		s->n_refused = l->n_refused;
		if (l->n_rows > 0) {
			memcpy(s->rows, l->rows, l->n_rows * sizeof(*s->rows));
		}
		memcpy(s->refused, l->refused, l->n_refused * sizeof(*s->refused));
	}
	pthread_mutex_unlock(&l->lock);
	if (s->rows == NULL || s->refused == NULL) {
		links_status_free(&s);
		return rv_fail_nomem(e);
	}
	*s_r = s;
	return 0;
}

void links_status_free(struct links_status **s)
{
	if (s != NULL && *s != NULL) {
		free((*s)->rows);
		free((*s)->refused);
		free(*s);
		*s = NULL;
	}
}

int links_up(struct links *l, const char *peer)
{
	int up = 0;
	pthread_mutex_lock(&l->lock);
	for (size_t i = 0; i < l->n_rows && !up; i++) {
		up = strcmp(l->rows[i].peer, peer) == 0 && strcmp(l->rows[i].state, "up") == 0;
	}
	pthread_mutex_unlock(&l->lock);
	return up;
}
