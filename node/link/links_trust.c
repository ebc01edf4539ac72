/* SPDX-License-Identifier: Apache-2.0 */
#include "node/link/links_int.h"

#include <stdlib.h>
#include <string.h>

/*
 * Fetching a newer trust list from a peer that has one. One transfer at a time, whoever offers: so a
 * list costs memory once, and a peer that stalls is left for another.
 */

#define STALL_US (20 * RV_US_PER_SEC)
#define AGAIN_US (600 * RV_US_PER_SEC) /* a list that was refused, for the clock perhaps */

static struct link *transfer_link(struct links *l)
{
	struct peer *peer = l->transfer.peer[0] != '\0' ? links_peer(l, l->transfer.peer) : NULL;
	return peer != NULL ? peer->lead : NULL;
}

static void transfer_end(struct links *l)
{
	rv_buf_free(&l->transfer.wire);
	l->transfer = (struct links_transfer){0};
}

uint64_t links_own_number(const struct links *l)
{
	struct rv_trust *t = trust_last(l->p.trust);
	uint64_t number = rv_trust_number(t);
	rv_trust_unref(&t);
	return number;
}

static void ask(struct links *l, struct link *link, uint64_t number)
{
	session_ask_trust(link->session, number, (uint32_t)l->transfer.wire.len);
	l->transfer.moved_us = links_time(l).mono_us;
	links_touch(link);
}

/* Begins with the first peer that has a list which we lack and have not refused from it. */
void links_trust_tick(struct links *l)
{
	struct peer *peer;
	int64_t now_us = links_time(l).mono_us;
	if (l->transfer.number != 0) {
		if (transfer_link(l) != NULL && now_us - l->transfer.moved_us < STALL_US) {
			return;
		}
		struct peer *slow = links_peer(l, l->transfer.peer);
		if (slow != NULL) {
			slow->stalled_us = now_us;
		}
		transfer_end(l);
	}
	uint64_t own = links_own_number(l);
	if (l->offered > own && now_us - l->offered_us < STALL_US) {
		return; /* handed over; it is about to be taken, or refused */
	}
	for (size_t at = 0; (peer = map_next(&l->peers, &at)) != NULL;) {
		uint64_t theirs = peer->lead != NULL
					  ? session_hello(peer->lead->session)->trust_number
					  : 0;
		int refused = theirs == peer->offered_number &&
			      now_us - peer->offered_us < AGAIN_US;
		if (theirs <= own || refused ||
			(peer->stalled_us != 0 && now_us - peer->stalled_us < 3 * STALL_US)) {
			continue;
		}
		l->transfer.number = theirs;
		memcpy(l->transfer.peer, peer->code, sizeof(l->transfer.peer));
		ask(l, peer->lead, theirs);
		return;
	}
}

/* The whole list is here: the main thread verifies and takes it, or says why not. Of a list that it
 * refuses this peer is not asked again; its next one has another number. */
static void hand_over(struct links *l, struct peer *peer)
{
	struct links_transfer *t = &l->transfer;
	if (trust_offer(l->p.trust, &t->wire, peer->code, NULL) == 0) {
		peer->offered_number = t->number;
		peer->offered_us = links_time(l).mono_us;
		l->offered = t->number;
		l->offered_us = links_time(l).mono_us;
	} else {
		peer->stalled_us = links_time(l).mono_us;
	}
	transfer_end(l);
}

void links_trust_part(struct link *link, const struct rv_trust_part *p, struct rv_span data)
{
	struct links *l = link->all;
	struct links_transfer *t = &l->transfer;
	if (t->number == 0 || strcmp(t->peer, link->peer->code) != 0) {
		return;
	}
	if (p->total == 0) {
		link->peer->stalled_us = links_time(l).mono_us;
		transfer_end(l);
		return;
	}
	if (p->number != t->number || p->offset != t->wire.len) {
		rv_buf_free(&t->wire); /* it has a newer one meanwhile: from the start */
		t->number = p->number;
		if (p->offset != 0) {
			ask(l, link, t->number);
			return;
		}
	}
	if (rv_buf_put(&t->wire, data.data, data.len) != 0) {
		link->peer->stalled_us = links_time(l).mono_us;
		transfer_end(l);
	} else if (t->wire.len == p->total) {
		hand_over(l, link->peer);
	} else {
		ask(l, link, t->number);
	}
}

int links_trust_piece(struct link *link, uint32_t offset, struct rv_trust_part *p,
	struct rv_span *data_r)
{
	return links_trust_piece_of(link->all, offset, p, data_r);
}

int links_trust_piece_of(
	struct links *l, uint32_t offset, struct rv_trust_part *p, struct rv_span *data_r)
{
	size_t n = 0;
	size_t total = 0;
	int rc = trust_piece(l->p.trust, offset, l->chunk, RV_CHUNK_MAX, &n, &total, &p->number, NULL);
	if (rc == 0) {
		p->total = (uint32_t)total;
		p->offset = offset;
		*data_r = (struct rv_span){l->chunk, n};
	}
	return rc;
}

/* ---- new keys of members ---- */

static int is_coordinator(const struct rv_trust *t, const char *code)
{
	const struct rv_member *m = rv_trust_member(t, code);
	return m != NULL && (m->roles & RV_ROLE_COORDINATOR) != 0;
}

/* To every coordinator that is linked; else, from where it begins, to a relay that may be. */
static size_t pass_on(struct links *l, const struct rv_trust *t, const char *from,
	struct rv_span request, const struct rv_vouch *v)
{
	struct peer *peer;
	size_t n = 0;
	for (size_t at = 0; (peer = map_next(&l->peers, &at)) != NULL;) {
		if (peer->lead != NULL && strcmp(peer->code, from) != 0 &&
			is_coordinator(t, peer->code) &&
			session_send_join(peer->lead->session, request, v) == 0) {
			n++;
		}
	}
	for (size_t at = 0; n == 0 && from[0] == '\0' &&
			    (peer = map_next(&l->peers, &at)) != NULL;) {
		const struct rv_member *m = rv_trust_member(t, peer->code);
		if (peer->lead != NULL && m != NULL && (m->roles & RV_ROLE_RELAY) &&
			session_send_join(peer->lead->session, request, v) == 0) {
			n++;
		}
	}
	return n;
}

static void keep(struct links *l, const struct rv_trust *t, struct rv_span request,
	const struct rv_vouch *v)
{
	struct rv_err e = {0};
	int news = 0;
	if (joins_renew(l->p.joins, request, v, t, &news, &e) != 0) {
		log_err(l->p.log, LOG_LVL_WARNING, "new keys are not taken", &e, "member", v->code,
			NULL);
	} else if (news) {
		log_event(l->p.log, LOG_LVL_INFO, "new keys wait for approval", "member", v->code,
			NULL);
	}
}

static void take_renewal(
	struct links *l, const char *from, struct rv_span request, const struct rv_vouch *v)
{
	struct rv_trust *t = trust_last(l->p.trust);
	if (is_coordinator(t, l->p.conf->code) && l->p.joins != NULL) {
		keep(l, t, request, v);
	} else {
		pass_on(l, t, from, request, v);
	}
	rv_trust_unref(&t);
}

void links_take_renewal(struct link *link, struct rv_span request, const struct rv_vouch *v)
{
	take_renewal(link->all, link->peer->code, request, v);
}

void links_send_renewal(struct links *l, struct rv_span request, const struct rv_vouch *v)
{
	take_renewal(l, "", request, v);
}

void links_trust_free(struct links *l)
{
	transfer_end(l);
}
