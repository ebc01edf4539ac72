/* SPDX-License-Identifier: Apache-2.0 */
#include "node/link/links_int.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node/link/lead.h"

/* The peers: whom we dial and when, who is admitted, and what people see of the links. */

static void code_key(uint8_t key[MAP_KEY_LEN], const char *code)
{
	size_t len = strnlen(code, MAP_KEY_LEN);
	memset(key, 0, MAP_KEY_LEN);
	memcpy(key, code, len);
}

struct peer *links_peer(struct links *l, const char *code)
{
	uint8_t key[MAP_KEY_LEN];
	code_key(key, code);
	struct peer *peer = map_get(&l->peers, key);
	if (peer != NULL) {
		return peer;
	}
	peer = calloc(1, sizeof(*peer));
	if (peer == NULL) {
		return NULL;
	}
	snprintf(peer->code, sizeof(peer->code), "%s", code);
	if (map_put(&l->peers, key, peer) != 0) {
		free(peer);
		return NULL;
	}
	return peer;
}

void links_peers_free(struct links *l)
{
	struct peer *peer;
	for (size_t at = 0; (peer = map_next(&l->peers, &at)) != NULL;) {
		free(peer);
	}
	map_free(&l->peers);
}

int links_load_dials(struct links *l, struct rv_err *e)
{
	for (size_t i = 0; i < l->p.conf->n_dial; i++) {
		struct peer *peer = links_peer(l, l->p.conf->dial[i]);
		if (peer == NULL) {
			return rv_fail_nomem(e);
		}
		peer->dial = 1;
	}
	return 0;
}

void links_peer_failed(struct links *l, struct peer *peer, const char *why, const char *mend)
{
	snprintf(peer->last_error, sizeof(peer->last_error), "%s", why);
	snprintf(peer->mend, sizeof(peer->mend), "%s", mend);
	peer->last_error_us = links_time(l).wall_us;
}

/* Twice the wait each time, up to the maximum, and up to a quarter more at random, so that peers do
 * not come back all at once. */
void links_redial_later(struct links *l, struct peer *peer)
{
	const struct conf *conf = l->p.conf;
	uint32_t random = 0;
	peer->backoff_ms = peer->backoff_ms == 0 ? conf->reconnect_min_ms : 2 * peer->backoff_ms;
	if (peer->backoff_ms > conf->reconnect_max_ms) {
		peer->backoff_ms = conf->reconnect_max_ms;
	}
	if (l->p.random.fill(l->p.random.ctx, &random, sizeof(random)) != 0) {
		random = 0;
	}
	uint64_t wait_ms = peer->backoff_ms + random % (peer->backoff_ms / 4 + 1);
	peer->redial_us = links_time(l).mono_us + (int64_t)wait_ms * 1000;
}

/* The keys valid now, the newest first: during a rotation the peer has one of two, and each try takes
 * the next one. */
static const char *server_key(const struct rv_member *m, unsigned try, int64_t now_us)
{
	const struct rv_dated_key *valid[8];
	size_t n = 0;
	for (size_t i = 0; i < m->n_keys; i++) {
		const struct rv_dated_key *k = &m->keys[i];
		if (k->from_us > now_us || now_us > k->to_us ||
			n == sizeof(valid) / sizeof(valid[0])) {
			continue;
		}
		size_t at = n++;
		for (; at > 0 && valid[at - 1]->from_us < k->from_us; at--) {
			valid[at] = valid[at - 1];
		}
		valid[at] = k;
	}
	return n > 0 ? valid[try % n]->z85 : NULL;
}

static void dial(struct links *l, const struct rv_trust *t, struct peer *peer)
{
	const struct rv_member *m = rv_trust_member(t, peer->code);
	unsigned try = m != NULL && m->n_endpoints > 0
			       ? peer->tries / (unsigned)m->n_endpoints
			       : 0;
	const char *key = m != NULL ? server_key(m, try, links_time(l).wall_us) : NULL;
	struct rv_err e = {0};
	if (m == NULL || m->n_endpoints == 0 || key == NULL) {
		links_peer_failed(l, peer,
			m == NULL     ? "it is not in the trust list"
			: key == NULL ? "it has no valid CURVE key in the trust list"
				      : "it has no endpoint in the trust list",
			"The coordinator adds it to the trust list; or take it out of dial in "
			"reeve.conf.");
		links_redial_later(l, peer);
		return;
	}
	peer->dialling = ++l->next_dial;
	l->sent = 1;
	if (line_client_dial(l->line, peer->dialling, m->endpoints[peer->tries++ % m->n_endpoints],
		    key, &e) != 0) {
		links_peer_failed(l, peer, e.text,
			"The line process is not there; it is started again by itself.");
		peer->dialling = 0;
		links_redial_later(l, peer);
	}
}

void links_dial_due(struct links *l)
{
	struct rv_trust *t = trust_last(l->p.trust);
	int64_t now_us = links_time(l).mono_us;
	struct peer *peer;
	for (size_t at = 0;
		t != NULL && l->line_ready && (peer = map_next(&l->peers, &at)) != NULL;) {
		if (peer->dial && peer->dialling == 0 && now_us >= peer->redial_us) {
			dial(l, t, peer);
		}
	}
	rv_trust_unref(&t);
}

/* ---- who is admitted ---- */

/* Members first: a member's key is never a guest's. */
static int collect_keys(struct links *l, const struct rv_trust *t, int64_t now_us,
	struct line_key **keys_r, size_t *n_r)
{
	const struct rv_member *members;
	size_t n_members = rv_trust_members(t, &members);
	char(*guests)[RV_CURVE_KEY_TEXT] = NULL;
	size_t n_guests = 0;
	if (l->p.joins != NULL && joins_guests(l->p.joins, &guests, &n_guests) != 0) {
		return RV_ENOMEM;
	}
	size_t n = n_guests;
	for (size_t i = 0; i < n_members; i++) {
		n += members[i].n_keys;
	}
	struct line_key *keys = calloc(n + 1, sizeof(*keys));
	if (keys == NULL) {
		free(guests);
		return RV_ENOMEM;
	}
	n = 0;
	for (size_t i = 0; i < n_members; i++) {
		for (size_t k = 0; k < members[i].n_keys; k++) {
			const struct rv_dated_key *key = &members[i].keys[k];
			if (key->from_us <= now_us && now_us <= key->to_us) {
				memcpy(keys[n].key, key->z85, RV_CURVE_KEY_TEXT);
				snprintf(keys[n++].label, LINE_LABEL_TEXT, "member");
			}
		}
	}
	for (size_t i = 0; i < n_guests; i++) {
		memcpy(keys[n].key, guests[i], RV_CURVE_KEY_TEXT);
		snprintf(keys[n++].label, LINE_LABEL_TEXT, LINKS_GUEST);
	}
	free(guests);
	*keys_r = keys;
	*n_r = n;
	return 0;
}

static void end_strangers(struct links *l, const struct rv_trust *t, int64_t now_us)
{
	struct link *link;
	for (size_t at = 0; (link = map_next(&l->connections, &at)) != NULL;) {
		const struct rv_member *m =
			t != NULL ? rv_trust_by_curve(t, link->key, now_us) : NULL;
		if (m == NULL || strcmp(m->code, link->peer->code) != 0) {
			session_bye(link->session, RV_BYE_TRUST,
				"the trust list does not have this member with this key any more");
		} else {
			session_trust(link->session, rv_trust_number(t));
			links_touch(link);
		}
	}
}

/* Without a list nobody is admitted. Members of a list that has expired are: a newer one may come
 * from them; messages wait, because the intake has no list. */
void links_admit(struct links *l)
{
	struct rv_trust *t = trust_last(l->p.trust);
	struct session_time now = links_time(l);
	struct line_key *keys = NULL;
	size_t n = 0;
	l->admitted_us = now.mono_us;
	end_strangers(l, t, now.wall_us);
	if (l->line_ready && collect_keys(l, t, now.wall_us, &keys, &n) == 0 &&
		line_client_admit(l->line, keys, n, NULL) != 0) {
		l->admitted_us = 0; /* the channel is full: again at the next tick */
	}
	l->sent = 1;
	free(keys);
	rv_trust_unref(&t);
}

void links_choose_lead(struct links *l, struct peer *peer)
{
	struct lead_candidate list[LINKS_OF_PEER_MAX];
	for (size_t i = 0; i < peer->n_links; i++) {
		struct link *link = peer->links[i];
		list[i] = (struct lead_candidate){session_state(link->session) == SESSION_UP,
			peer->lead == link, link->dialled, link->serial};
	}
	int at = lead_choose(list, peer->n_links, l->p.conf->code, peer->code);
	struct link *lead = at < 0 ? NULL : peer->links[at];
	if (lead == peer->lead) {
		return;
	}
	if (peer->lead == NULL || lead == NULL) {
		peer->since_us = links_time(l).wall_us;
	}
	peer->lead = lead;
	for (size_t i = 0; i < peer->n_links; i++) {
		session_lead(peer->links[i]->session, peer->links[i] == lead);
	}
	if (lead != NULL) {
		links_touch(lead);
	}
	l->changed = 1;
}

/* ---- for people ---- */

void links_refusal(struct links *l, const char *key, const char *address, const char *reason)
{
	pthread_mutex_lock(&l->lock);
	size_t at = l->n_refused;
	size_t oldest = 0;
	for (size_t i = 0; i < l->n_refused; i++) {
		if (strcmp(l->refused[i].key, key) == 0 &&
			strcmp(l->refused[i].reason, reason) == 0) {
			at = i;
		}
		if (l->refused[i].last_us < l->refused[oldest].last_us) {
			oldest = i;
		}
	}
	if (at == l->n_refused) {
		at = l->n_refused < LINKS_REFUSED_MAX ? l->n_refused++ : oldest;
		l->refused[at].count = 0;
	}
	struct links_refused *r = &l->refused[at];
	snprintf(r->key, sizeof(r->key), "%s", key);
	snprintf(r->address, sizeof(r->address), "%s", address);
	snprintf(r->reason, sizeof(r->reason), "%s", reason);
	r->count++;
	r->last_us = links_time(l).wall_us;
	pthread_mutex_unlock(&l->lock);
}

static void fill_row(const struct peer *peer, int dialled, int accepted, struct links_row *row)
{
	struct session_stats stats = {0};
	memcpy(row->peer, peer->code, sizeof(row->peer));
	row->dialled = dialled;
	row->accepted = accepted;
	row->since_us = peer->since_us;
	snprintf(row->state, sizeof(row->state), "%s",
		peer->lead != NULL    ? "up"
		: peer->refused       ? "refused"
		: peer->dialling != 0 ? "connecting"
				      : "down");
	if (peer->lead != NULL) {
		const struct rv_hello *h = session_hello(peer->lead->session);
		session_stats(peer->lead->session, &stats);
		row->trust_number = h->trust_number;
		snprintf(row->software, sizeof(row->software), "%s", h->software);
	}
	row->rtt_p50_us = stats.rtt_p50_us;
	row->rtt_p99_us = stats.rtt_p99_us;
	row->clock_offset_us = stats.clock_offset_us;
	row->sent = peer->ended.sent + stats.sent;
	row->received = peer->ended.received + stats.received;
	row->bytes_out = peer->ended.bytes_out + stats.bytes_out;
	row->bytes_in = peer->ended.bytes_in + stats.bytes_in;
	row->in_flight = stats.in_flight;
	row->credit_left = stats.credit_left;
	memcpy(row->last_error, peer->last_error, sizeof(row->last_error));
	memcpy(row->mend, peer->mend, sizeof(row->mend));
	row->last_error_us = peer->last_error_us;
}

static int compare_rows(const void *a, const void *b)
{
	return strcmp(((const struct links_row *)a)->peer, ((const struct links_row *)b)->peer);
}

void links_snapshot(struct links *l)
{
	struct links_row *rows = calloc(l->peers.count + 1, sizeof(*rows));
	size_t n = 0;
	struct peer *peer;
	if (rows == NULL) {
		return;
	}
	for (size_t at = 0; (peer = map_next(&l->peers, &at)) != NULL;) {
		int dialled = 0;
		int accepted = 0;
		for (size_t k = 0; k < peer->n_links; k++) {
			if (session_state(peer->links[k]->session) == SESSION_UP) {
				*(peer->links[k]->dialled ? &dialled : &accepted) += 1;
			}
		}
		fill_row(peer, dialled, accepted, &rows[n++]);
	}
	qsort(rows, n, sizeof(*rows), compare_rows);
	pthread_mutex_lock(&l->lock);
	struct links_row *old = l->rows;
	l->rows = rows;
	l->n_rows = n;
	pthread_mutex_unlock(&l->lock);
	free(old);
}
