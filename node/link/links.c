/* SPDX-License-Identifier: Apache-2.0 */
#include "node/link/links_int.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

enum { EVENTS_AT_ONCE = 256 };

#define READMIT_US (30 * INT64_C(1000000)) /* keys begin and end to be valid by the clock too */

struct session_time links_time(const struct links *l)
{
	struct timespec ts;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (struct session_time){(int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000,
		l->p.clock.now_us(l->p.clock.ctx)};
}

void links_touch(struct link *link)
{
	if (!link->touched) {
		link->touched = 1;
		link->all->touched[link->all->n_touched++] = link;
	}
}

/* ---- posts ---- */

static void ring(struct links *l)
{
	uint64_t one = 1;
	ssize_t n = write(l->wake_fd, &one, sizeof(one));
	(void)n; /* full means that it rings already */
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

/* A fate that cannot be posted for want of memory leaves its credit unreturned: the session stalls
 * and its peer ends it. */
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

void links_post_free(struct post *p)
{
	rv_buf_free(&p->request);
	rv_buf_free(&p->signature);
	free(p);
}

void links_renew(struct links *l, struct rv_span request, const struct rv_vouch *v)
{
	struct post *p = new_post(POST_RENEW, 0, 0);
	if (p == NULL) {
		return;
	}
	p->vouch = *v;
	if (rv_buf_put(&p->request, request.data, request.len) != 0 ||
		rv_buf_put(&p->signature, v->signature.data, v->signature.len) != 0) {
		links_post_free(p);
		return;
	}
	p->vouch.signature = (struct rv_span){p->signature.data, p->signature.len};
	post(l, p);
}

void links_trust_changed(struct links *l)
{
	struct post *p = new_post(POST_TRUST, 0, 0);
	if (p != NULL) {
		post(l, p);
	}
}

void links_status_changed(struct links *l)
{
	struct post *p = new_post(POST_STATUS, 0, 0);
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
		wake_everyone(l, WAKE_ALL);
		return;
	}
	pthread_mutex_lock(&l->lock);
	size_t i = 0;
	while (i < l->n_wakes && strcmp(l->wakes[i], hop) != 0) {
		i++;
	}
	if (i == LINKS_WAKES_MAX) {
		l->wake_all |= WAKE_MESSAGES;
	} else if (i == l->n_wakes) {
		snprintf(l->wakes[l->n_wakes++], RV_CODE_TEXT, "%s", hop);
	}
	pthread_mutex_unlock(&l->lock);
	ring(l);
}

void links_wake_receipts(struct links *l)
{
	wake_everyone(l, WAKE_RECEIPTS);
}

/* ---- the thread ---- */

static struct link *link_of_token(struct links *l, uint64_t token)
{
	uint8_t key[MAP_KEY_LEN];
	map_number_key(key, token >> 32);
	return map_get(&l->serials, key);
}

static void run_fate(struct links *l, const struct post *p)
{
	struct link *link = link_of_token(l, p->token);
	uint32_t handle = (uint32_t)p->token;
	if (link == NULL) {
		return; /* the session is gone: its peer offers everything again in the next */
	}
	if (p->kind == POST_MESSAGE) {
		session_fate_message(
			link->session, handle, p->fate, p->has_defer ? &p->defer : NULL);
	} else if (p->kind == POST_RECEIPTS) {
		session_fate_receipts(link->session, handle, p->fate);
	} else {
		session_fate_chunk(link->session, handle, p->fate, p->offset, links_time(l));
	}
	links_touch(link);
}

static void pass_status(struct links *l)
{
	struct link *link;
	for (size_t at = 0; (link = map_next(&l->connections, &at)) != NULL;) {
		session_status_changed(link->session);
		links_touch(link);
	}
}

static void run_post(struct links *l, const struct post *p)
{
	if (p->kind == POST_STATUS) {
		pass_status(l);
		return;
	}
	if (p->kind == POST_TRUST) {
		links_admit(l);
		links_dial_due(l);
	} else if (p->kind == POST_RENEW) {
		links_send_renewal(l, (struct rv_span){p->request.data, p->request.len}, &p->vouch);
	} else if (p->kind == POST_FETCH) {
		struct peer *peer = links_peer(l, p->peer);
		if (peer != NULL && peer->lead != NULL) {
			session_wake_fetches(peer->lead->session);
			links_touch(peer->lead);
		}
	} else {
		run_fate(l, p);
	}
}

static void wake_peer(struct peer *peer, unsigned what)
{
	if (peer == NULL || peer->lead == NULL) {
		return; /* a session that begins reads everything */
	}
	if (what & WAKE_ALL) {
		session_wake_all(peer->lead->session);
	} else if (what & WAKE_MESSAGES) {
		session_wake(peer->lead->session);
	} else {
		session_wake_receipts(peer->lead->session);
	}
	links_touch(peer->lead);
}

static void wake_sessions(struct links *l, unsigned all, char (*codes)[RV_CODE_TEXT], size_t n)
{
	struct peer *peer;
	for (size_t at = 0; all != 0 && (peer = map_next(&l->peers, &at)) != NULL;) {
		wake_peer(peer, all);
	}
	for (size_t i = 0; i < n; i++) {
		wake_peer(links_peer(l, codes[i]), WAKE_MESSAGES);
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
		links_post_free(list);
		list = next;
	}
	wake_sessions(l, all, codes, n);
	return stop;
}

/* ---- the line ---- */

static struct link *accept_connection(struct links *l, const struct line_in *in)
{
	struct rv_trust *t = trust_last(l->p.trust);
	const struct rv_member *m =
		t != NULL ? rv_trust_by_curve(t, in->key, links_time(l).wall_us) : NULL;
	struct peer *peer = m != NULL ? links_peer(l, m->code) : NULL;
	struct link *link = peer != NULL ? links_open(l, in->connection, peer, in->key, 0) : NULL;
	if (link == NULL) {
		links_refusal(l, in->key, "",
			m == NULL ? "its CURVE key is not in the trust list"
				  : "it has too many connections, or memory is short");
		line_client_close(l->line, in->connection, NULL);
		l->sent = 1;
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
		session_lost(link->session,
			in->reason[0] != '\0' ? in->reason : "the connection was lost");
		return;
	}
	links_guest_gone(l, in->connection);
	struct peer *peer = dialled_peer(l, in->connection);
	if (peer != NULL) {
		peer->refused = strstr(in->reason, "CURVE key") != NULL;
		links_peer_failed(l, peer, in->reason,
			"Look whether the peer's node runs, its address, and both trust lists.");
		peer->dialling = 0;
		line_client_close(l->line, in->connection, NULL);
		links_redial_later(l, peer);
		l->changed = 1;
	}
}

static void on_up(struct links *l, const struct line_in *in, struct link *link)
{
	struct peer *peer = link == NULL ? dialled_peer(l, in->connection) : NULL;
	if (peer != NULL && links_open(l, in->connection, peer, in->key, 1) == NULL) {
		peer->dialling = 0;
		line_client_close(l->line, in->connection, NULL);
		links_redial_later(l, peer);
		l->sent = 1;
	}
}

static void on_frame(struct links *l, const struct line_in *in, struct link *link)
{
	struct rv_span parts[sizeof(in->parts) / sizeof(in->parts[0])];
	for (size_t i = 0; i < in->n_parts; i++) {
		parts[i] = (struct rv_span){in->parts[i].data, in->parts[i].len};
	}
	if (link == NULL && (in->connection & LINKS_ACCEPTED)) {
		if (strcmp(in->label, LINKS_GUEST) == 0) {
			links_guest_frame(l, in->connection, in->key, parts, in->n_parts);
			return;
		}
		link = accept_connection(l, in);
	}
	if (link == NULL || strcmp(link->key, in->key) != 0) {
		return;
	}
	session_frame(link->session, parts, in->n_parts, links_time(l));
	links_touch(link);
}

/* It has just started: what connections there were before are gone with the former one. */
static void line_is_there(struct links *l)
{
	struct link *link;
	struct peer *peer;
	for (size_t at = 0; (link = map_next(&l->connections, &at)) != NULL;) {
		session_lost(link->session, "the line process was started again");
	}
	links_reap(l);
	for (size_t at = 0; (peer = map_next(&l->peers, &at)) != NULL;) {
		peer->dialling = 0;
	}
	l->line_ready = 1;
	links_admit(l);
	links_dial_due(l);
}

static void on_line(struct links *l, const struct line_in *in)
{
	uint8_t key[MAP_KEY_LEN];
	map_number_key(key, in->connection);
	struct link *link = map_get(&l->connections, key);
	if (in->event == LINE_READY) {
		line_is_there(l);
	} else if (in->event == LINE_REFUSED) {
		links_refusal(l, in->key, in->address, in->reason);
	} else if (in->event == LINE_DOWN) {
		on_down(l, in, link);
	} else if (in->event == LINE_UP) {
		on_up(l, in, link);
	} else {
		on_frame(l, in, link);
	}
}

/* 1: there may be more. */
static int drain_line(struct links *l)
{
	struct line_in *in = &l->in;
	l->sent = 0;
	for (int i = 0; i < EVENTS_AT_ONCE; i++) {
		struct rv_err e = {0};
		int rc = line_client_next(l->line, in, &e);
		if (rc == RV_EAGAIN) {
			return 0;
		}
		if (rc == RV_ECLOSED) {
			log_err(l->p.log, LOG_LVL_ERROR, "the channel to the line is broken", &e,
				NULL);
			return 0;
		}
		if (rc != 0) {
			log_err(l->p.log, LOG_LVL_ERROR, "a report of the line cannot be read", &e,
				NULL);
			continue;
		}
		on_line(l, in);
	}
	return 1;
}

/* ---- the rounds ---- */

/* Each session that has something to do does a bounded part of it. 1: some have more. */
static int pump(struct links *l)
{
	size_t n = l->n_touched;
	size_t kept = 0;
	struct session_time now = links_time(l);
	for (size_t i = 0; i < n; i++) {
		struct link *link = l->touched[i];
		if (session_pump(link->session, now)) {
			l->touched[kept++] = link;
		} else {
			link->touched = 0;
		}
	}
	/* those that were touched meanwhile move up */
	for (size_t i = n; i < l->n_touched; i++) {
		l->touched[kept++] = l->touched[i];
	}
	l->n_touched = kept;
	return kept > 0;
}

static void tick(struct links *l)
{
	struct session_time now = links_time(l);
	struct link *link;
	if (now.mono_us - l->ticked_us >= LINKS_TICK_MS * 1000) {
		l->ticked_us = now.mono_us;
		for (size_t at = 0; (link = map_next(&l->connections, &at)) != NULL;) {
			session_tick(link->session, now);
			links_touch(link);
		}
		if (now.mono_us - l->admitted_us > READMIT_US) {
			links_admit(l);
		}
		links_dial_due(l);
		links_trust_tick(l);
		links_guests_tick(l);
	}
	if (l->changed || now.mono_us - l->snapshot_us >= LINKS_SNAPSHOT_MS * 1000) {
		l->changed = 0;
		l->snapshot_us = now.mono_us;
		links_snapshot(l);
	}
}

static void *links_thread(void *arg)
{
	struct links *l = arg;
	struct pollfd fds[2] = {{.fd = l->wake_fd, .events = POLLIN},
		{.fd = line_client_fd(l->line), .events = POLLIN}};
	int more = 0;
	for (;;) {
		/* what was sent may have used up the signal of something to be read */
		poll(fds, 2, more || l->sent ? 0 : LINKS_TICK_MS);
		more = drain_line(l);
		int stop = run_posts(l);
		links_reap(l);
		tick(l);
		more |= pump(l);
		links_reap(l);
		if (stop) {
			break;
		}
	}
	struct link *link;
	for (size_t at = 0; (link = map_next(&l->connections, &at)) != NULL;) {
		session_bye(link->session, RV_BYE_STOPPING, "the node stops");
	}
	links_snapshot(l);
	return NULL;
}

/* ---- start and stop ---- */

int links_new(struct links **l_r, const struct links_params *p, struct rv_err *e)
{
	struct links *l = calloc(1, sizeof(*l));
	if (l == NULL) {
		return rv_fail_nomem(e);
	}
	l->p = *p;
	l->posts_end = &l->posts;
	pthread_mutex_init(&l->lock, NULL);
	l->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	l->chunk = malloc(RV_CHUNK_MAX);
	int rc = l->chunk == NULL ? rv_fail_nomem(e)
		 : l->wake_fd < 0 ? rv_fail_errno(e, errno, "cannot make an eventfd")
				  : 0;
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
	if (rc != 0) {
		links_free(&l);
		return rc;
	}
	*l_r = l;
	return 0;
}

int links_start(struct links *l, struct rv_err *e)
{
	int err = pthread_create(&l->thread, NULL, links_thread, l);
	l->running = err == 0;
	return err != 0 ? rv_fail_errno(e, err, "cannot start the links thread") : 0;
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
		links_post_free(l->posts);
		l->posts = next;
	}
	links_trust_free(l);
	links_free_all(l);
	links_peers_free(l);
	status_unref(&l->lent);
	line_client_free(&l->line);
	store_reader_close(&l->reader);
	if (l->wake_fd >= 0) {
		close(l->wake_fd);
	}
	pthread_mutex_destroy(&l->lock);
	free(l->chunk);
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
