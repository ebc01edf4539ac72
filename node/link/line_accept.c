/* SPDX-License-Identifier: Apache-2.0 */
#include "node/link/line_int.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * The bound side: a ROUTER with CURVE, and its monitor. A connection is an arrival from its first
 * packet, and accepted once a frame came from it: only then do we know whose it is. The number of
 * an accepted one is the routing id that the ROUTER gave it.
 */

enum { ROUTING_ID_LEN = 5, ROUTER_AT_ONCE = 128, ARRIVALS_STEP = 64 };

enum {
	ROUTER_EVENTS = ZMQ_EVENT_ACCEPTED | ZMQ_EVENT_ACCEPT_FAILED | ZMQ_EVENT_DISCONNECTED |
			ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL | ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL
};

int line_listen(struct line *l, const char *endpoint)
{
	char bound[256] = "";
	size_t size = sizeof(bound);
	l->router = zmq_socket(l->zmq, ZMQ_ROUTER);
	if (l->router == NULL || line_tune(l->router) != 0 ||
		line_set_int(l->router, ZMQ_CURVE_SERVER, 1) != 0 ||
		zmq_setsockopt(l->router, ZMQ_CURVE_SECRETKEY, l->key.secret_key,
			RV_CURVE_KEY_TEXT) != 0 ||
		zmq_setsockopt(l->router, ZMQ_ZAP_DOMAIN, "reeve", 5) != 0 ||
		line_set_int(l->router, ZMQ_ROUTER_MANDATORY, 1) != 0 ||
		line_set_int(l->router, ZMQ_BACKLOG, LINE_BACKLOG) != 0) {
		return -1;
	}
	l->router_monitor =
		line_monitor(l->zmq, l->router, "inproc://router-monitor", ROUTER_EVENTS);
	if (l->router_monitor == NULL || zmq_bind(l->router, endpoint) != 0 ||
		zmq_getsockopt(l->router, ZMQ_LAST_ENDPOINT, bound, &size) != 0) {
		return -1;
	}
	line_tell_listening(l, bound);
	return 0;
}

/* ---- arrivals ---- */

static struct arrival *arrival_at(const struct line *l, int fd)
{
	return fd >= 0 && (size_t)fd < l->n_arrivals ? l->arrivals[fd] : NULL;
}

static void cut(struct arrival *a)
{
	a->cut_ms = line_now_ms();
	line_tcp_cut(&a->tcp);
}

/*
 * Of those who have not spoken, the oldest from where most of them come: one stranger with many
 * connections keeps out nobody else.
 */
static struct arrival *most_crowding(struct arrival *const *silent, size_t n)
{
	struct arrival *worst = NULL;
	size_t most = 0;
	for (size_t i = 0; i < n; i++) {
		size_t same = 0;
		for (size_t k = 0; k < n; k++) {
			same += line_tcp_same_source(&silent[i]->tcp, &silent[k]->tcp);
		}
		if (same > most || (same == most && silent[i]->since_ms < worst->since_ms)) {
			worst = silent[i];
			most = same;
		}
	}
	return worst;
}

/* Strangers cannot take the places of members: who has not spoken goes first. */
static void make_room(struct line *l)
{
	struct arrival *silent[LINE_SILENT_MAX + 1];
	struct arrival *newest = NULL;
	size_t n_silent = 0;
	size_t all = 0;
	for (size_t i = 0; i < l->n_arrivals; i++) {
		struct arrival *a = l->arrivals[i];
		if (a == NULL || a->cut_ms != 0) {
			continue;
		}
		all++;
		if (a->spoke == NULL && n_silent <= LINE_SILENT_MAX) {
			silent[n_silent++] = a;
		}
		if (newest == NULL || a->since_ms >= newest->since_ms) {
			newest = a;
		}
	}
	if (n_silent > LINE_SILENT_MAX || all > l->arrivals_max) {
		struct arrival *victim = n_silent > 0 ? most_crowding(silent, n_silent) : newest;
		char address[64];
		line_tcp_address(&victim->tcp, address, sizeof(address));
		line_tell_refused(l, "", address, "too many connections at once");
		cut(victim);
	}
}

/* What it was remembered by is free; frames of its may still come. */
static void leave(struct line *l, size_t at)
{
	struct arrival *a = l->arrivals[at];
	if (a->spoke != NULL) {
		a->spoke->arrival = NULL;
		a->spoke->gone_ms = line_now_ms();
		l->hurry = 1;
	}
	l->arrivals[at] = NULL;
	free(a);
}

static void arrive(struct line *l, int fd)
{
	size_t at = fd >= 0 ? (size_t)fd : 0;
	if (at >= l->n_arrivals) {
		size_t n = at + ARRIVALS_STEP;
		struct arrival **grown = realloc(l->arrivals, n * sizeof(struct arrival *));
		if (grown == NULL) {
			l->broken = 1;
			return;
		}
		memset(grown + l->n_arrivals, 0, (n - l->n_arrivals) * sizeof(struct arrival *));
		l->arrivals = grown;
		l->n_arrivals = n;
	}
	struct arrival *a = calloc(1, sizeof(*a));
	if (a == NULL) {
		l->broken = 1;
		return;
	}
	if (l->arrivals[at] != NULL) {
		leave(l, at);
	}
	l->arrivals[at] = a;
	line_tcp_begin(&a->tcp, fd);
	a->since_ms = line_now_ms();
	make_room(l);
}

static void depart(struct line *l, int fd)
{
	struct arrival *a = arrival_at(l, fd);
	char address[64] = "";
	if (a != NULL) {
		line_tcp_address(&a->tcp, address, sizeof(address));
	}
	if (l->failure != NULL && (a == NULL || a->cut_ms == 0)) {
		line_tell_refused(l, "", address, l->failure);
	}
	l->failure = NULL;
	if (a == NULL) {
		return;
	}
	leave(l, (size_t)fd);
}

static const char *failure_text(int event, int value)
{
	if (event == ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL) {
		return "it ended the connection, or said nothing, during the handshake";
	}
	switch (value) {
	case ZMQ_PROTOCOL_ERROR_ZMTP_MECHANISM_MISMATCH:
		return "it does not use CURVE";
	case ZMQ_PROTOCOL_ERROR_ZMTP_CRYPTOGRAPHIC:
		return "it dialled with another public key than ours: its trust list may be older "
		       "than ours";
	default:
		return "it does not speak CURVE, or dialled with another public key than ours";
	}
}

void line_watch_router(struct line *l)
{
	int event;
	int value;
	while (l->router_monitor != NULL &&
		line_monitor_event(l->router_monitor, &event, &value) == 0) {
		if (event == ZMQ_EVENT_ACCEPTED) {
			arrive(l, value);
		} else if (event == ZMQ_EVENT_DISCONNECTED) {
			depart(l, value);
		} else if (event == ZMQ_EVENT_ACCEPT_FAILED) {
			line_tell_refused(l, "", "", zmq_strerror(value));
		} else {
			/* libzmq tells the end of the same connection next */
			l->failure = failure_text(event, value);
		}
	}
}

/* ---- who has spoken ---- */

static struct accepted *find_accepted(const struct line *l, uint64_t number)
{
	uint8_t key[MAP_KEY_LEN];
	map_number_key(key, number);
	return map_get(&l->accepted, key);
}

static void forget_accepted(struct line *l, struct accepted *a)
{
	uint8_t key[MAP_KEY_LEN];
	map_number_key(key, a->number);
	map_take(&l->accepted, key);
	if (a->arrival != NULL) {
		a->arrival->spoke = NULL;
	}
	free(a);
}

/* It is remembered until its last frames are read, so that they do not pass for another's. */
static void end_accepted(struct line *l, struct accepted *a, const char *reason)
{
	if (a->arrival != NULL && a->arrival->cut_ms == 0) {
		cut(a->arrival);
	}
	if (a->closing_ms == 0) {
		a->closing_ms = line_now_ms();
		line_tell_down(l, a->number, a->key, reason);
	}
	l->hurry = 1;
}

/* A member that comes again and again leaves its oldest connection. */
static void bound_connections_of(struct line *l, const char *key)
{
	struct accepted *oldest = NULL;
	struct accepted *a;
	size_t n = 0;
	for (size_t at = 0; (a = map_next(&l->accepted, &at)) != NULL;) {
		if (a->closing_ms == 0 && strcmp(a->key, key) == 0) {
			n++;
			oldest = oldest == NULL || a->since_ms < oldest->since_ms ? a : oldest;
		}
	}
	if (n >= LINE_OF_KEY_MAX) {
		end_accepted(
			l, oldest, "the peer has made too many connections: the oldest is closed");
	}
}

static struct accepted *accept_speaker(
	struct line *l, uint64_t number, const char *curve, struct arrival *arrival)
{
	uint8_t key[MAP_KEY_LEN];
	bound_connections_of(l, curve);
	struct accepted *a = calloc(1, sizeof(*a));
	map_number_key(key, number);
	if (a == NULL || map_put(&l->accepted, key, a) != 0) {
		free(a);
		return NULL;
	}
	a->number = number;
	a->since_ms = line_now_ms();
	snprintf(a->key, sizeof(a->key), "%s", curve);
	a->arrival = arrival;
	arrival->spoke = a;
	line_tcp_unsent(&arrival->tcp); /* what is out by now is the handshake */
	return a;
}

/*
 * The connection that a frame with an unknown number came from, if it is one to be heard. A file
 * descriptor is used again: a frame that waited may be of the one before, which has the smaller
 * number, as the ROUTER counts up.
 */
static struct arrival *speaker_at(struct arrival *arrival, uint64_t number)
{
	struct accepted *before = arrival != NULL ? arrival->spoke : NULL;
	if (arrival == NULL || arrival->cut_ms != 0) {
		return NULL;
	}
	if (before != NULL) {
		if ((int32_t)((uint32_t)number - (uint32_t)before->number) < 0) {
			return NULL;
		}
		arrival->spoke = NULL;
		before->arrival = NULL;
		before->gone_ms = line_now_ms();
	}
	return arrival;
}

/* ---- frames in ---- */

/* Only numbers that our ROUTER gave: a peer that names itself is not served. */
static int number_of(zmq_msg_t *id, uint64_t *number_r)
{
	const uint8_t *p = zmq_msg_data(id);
	if (zmq_msg_size(id) != ROUTING_ID_LEN || p[0] != 0) {
		return -1;
	}
	*number_r = LINE_ACCEPTED | (uint64_t)p[1] << 24 | (uint64_t)p[2] << 16 |
		    (uint64_t)p[3] << 8 | p[4];
	return 0;
}

static void take_frame(struct line *l, int numbered, uint64_t number)
{
	struct line_frame *f = &l->frame;
	const char *key = zmq_msg_gets(&f->parts[0], "User-Id");
	struct arrival *arrival = arrival_at(l, zmq_msg_get(&f->parts[0], ZMQ_SRCFD));
	struct accepted *a = numbered == 0 ? find_accepted(l, number) : NULL;
	const char *label = key != NULL ? line_admitted_as(l, key) : NULL;
	int takes = line_node_takes(l);
	if (numbered != 0 || label == NULL) {
		if (arrival != NULL && arrival->spoke == NULL && arrival->cut_ms == 0) {
			cut(arrival);
		}
		return;
	}
	if (a == NULL && (arrival = speaker_at(arrival, number)) != NULL) {
		if (takes) {
			a = accept_speaker(l, number, key, arrival);
		} else {
			cut(arrival);
		}
	}
	/* else: the last frames of one that is gone, or is not heard any more */
	if (a == NULL || a->closing_ms != 0 || strcmp(a->key, key) != 0) {
		return;
	}
	if (a->arrival != NULL) {
		a->arrival->tcp.in_ended = 1;
	}
	if (f->oversize) {
		end_accepted(l, a, "the peer sent a frame that is larger than allowed");
	} else if (!takes) {
		end_accepted(l, a, "our node is too slow for what its peers send");
	} else {
		line_tell_frame(l, number, a->key, label, f);
	}
}

/*
 * libzmq does not let go of a connection that was cut before its frames are read. When too many
 * are left over, and the node takes nothing, frames are thrown away, and whose they are is ended.
 */
int line_router_serves(const struct line *l)
{
	return line_node_takes(l) || l->n_stuck > LINE_STUCK_MAX;
}

static int serve_one(struct line *l)
{
	struct line_frame *f = &l->frame;
	zmq_msg_t id;
	uint64_t number = 0;
	zmq_msg_init(&id);
	if (zmq_msg_recv(&id, l->router, ZMQ_DONTWAIT) < 0) {
		zmq_msg_close(&id);
		return -1;
	}
	int numbered = number_of(&id, &number);
	zmq_msg_close(&id);
	zmq_msg_init(&f->parts[0]);
	f->n = 1;
	if (zmq_msg_recv(&f->parts[0], l->router, ZMQ_DONTWAIT) >= 0 &&
		line_collect(l->router, f) == 0) {
		take_frame(l, numbered, number);
	}
	line_frame_drop(f);
	return 0;
}

void line_serve_router(struct line *l)
{
	for (int i = 0; l->router != NULL && i < ROUTER_AT_ONCE && !l->broken; i++) {
		/* a file descriptor may be used again: its end is to be seen before the frames of
		 * the next */
		line_watch_router(l);
		if (!line_router_serves(l)) {
			return;
		}
		if (serve_one(l) != 0) {
			l->router_empty = 1;
			return;
		}
	}
}

/* ---- frames out ---- */

void line_send_accepted(struct line *l, uint64_t number)
{
	const uint8_t id[ROUTING_ID_LEN] = {0, (uint8_t)(number >> 24), (uint8_t)(number >> 16),
		(uint8_t)(number >> 8), (uint8_t)number};
	struct accepted *a = find_accepted(l, number);
	int more = 0;
	size_t size = sizeof(more);
	if (a == NULL || a->closing_ms != 0 || a->arrival == NULL ||
		zmq_getsockopt(l->node, ZMQ_RCVMORE, &more, &size) != 0 || !more) {
		line_pass_on(l, NULL); /* its end is told, or about to be */
		return;
	}
	if (a->arrival->tcp.out > LINE_OUT_MAX &&
		line_tcp_unsent(&a->arrival->tcp) > LINE_OUT_MAX) {
		line_pass_on(l, NULL);
		end_accepted(l, a, "the peer does not read what is sent to it");
		return;
	}
	if (zmq_send(l->router, id, sizeof(id), ZMQ_SNDMORE | ZMQ_DONTWAIT) < 0) {
		const char *reason = zmq_errno() == EAGAIN
					     ? "the peer does not read what is sent to it"
					     : "the connection was lost";
		line_pass_on(l, NULL);
		end_accepted(l, a, reason);
		return;
	}
	int64_t bytes = line_pass_on(l, l->router);
	a->arrival->tcp.out += bytes > 0 ? (uint64_t)bytes : 0;
}

/* ---- ends ---- */

/* What was sent before, a bye most of all, is to arrive: the end comes when all is out. */
void line_close_accepted(struct line *l, uint64_t number)
{
	struct accepted *a = find_accepted(l, number);
	if (a == NULL) {
		return;
	}
	l->hurry = 1;
	if (a->closing_ms == 0) {
		a->closing_ms = line_now_ms();
	}
}

/* Who has not spoken may be one that has left the list: libzmq does not tell which. Members just
 * come again. */
void line_cut_strangers(struct line *l, int some_left)
{
	struct accepted *a;
	for (size_t at = 0; (a = map_next(&l->accepted, &at)) != NULL;) {
		if (line_admitted_as(l, a->key) == NULL) {
			end_accepted(l, a, "its key is not in the trust list any more");
		}
	}
	for (size_t i = 0; some_left && i < l->n_arrivals; i++) {
		if (l->arrivals[i] != NULL && l->arrivals[i]->spoke == NULL &&
			l->arrivals[i]->cut_ms == 0) {
			cut(l->arrivals[i]);
		}
	}
}

static void tick_arrival(struct line *l, struct arrival *a, int64_t now_ms, int tally)
{
	uint64_t unended = tally ? line_tcp_unended(&a->tcp) : 0;
	const char *refusal = NULL;
	if (a->spoke != NULL) {
		if (unended > LINE_UNENDED_MAX) {
			end_accepted(l, a->spoke, "the peer sent a frame that does not end");
		}
	} else if (now_ms - a->since_ms > LINE_SILENT_MS) {
		refusal = "it said nothing after the handshake";
	} else if (unended > LINE_UNSPOKEN_MAX) {
		refusal = "it sent too much for a first frame";
	}
	if (refusal != NULL) {
		char address[64];
		line_tcp_address(&a->tcp, address, sizeof(address));
		line_tell_refused(l, "", address, refusal);
		cut(a);
	}
}

/* 1 if a is not there any more. */
static int tick_speaker(struct line *l, struct accepted *a, int64_t now_ms)
{
	if (a->arrival == NULL && l->router_empty && now_ms - a->gone_ms > LINE_GRACE_MS) {
		end_accepted(l, a, "the peer ended the connection, or it was lost");
		forget_accepted(l, a);
		return 1;
	}
	if (a->arrival != NULL && a->closing_ms != 0 && a->arrival->cut_ms == 0 &&
		(now_ms - a->closing_ms > LINE_FAREWELL_MS ||
			line_tcp_unsent(&a->arrival->tcp) == 0)) {
		cut(a->arrival);
	}
	l->hurry |= a->arrival == NULL || (a->closing_ms != 0 && a->arrival->cut_ms == 0);
	return 0;
}

void line_tick_accepted(struct line *l, int64_t now_ms, int tally)
{
	struct accepted *a;
	size_t n_stuck = 0;
	for (size_t i = 0; i < l->n_arrivals; i++) {
		struct arrival *arrival = l->arrivals[i];
		if (arrival != NULL && arrival->cut_ms == 0) {
			tick_arrival(l, arrival, now_ms, tally);
		} else if (arrival != NULL) {
			n_stuck += now_ms - arrival->cut_ms > LINE_STUCK_MS;
		}
	}
	l->n_stuck = n_stuck;
	int again;
	do {
		again = 0;
		for (size_t at = 0; !again && (a = map_next(&l->accepted, &at)) != NULL;) {
			again = tick_speaker(l, a, now_ms);
		}
	} while (again);
}

void line_accepted_free(struct line *l)
{
	struct accepted *a;
	for (size_t at = 0; (a = map_next(&l->accepted, &at)) != NULL;) {
		free(a);
	}
	map_free(&l->accepted);
	for (size_t i = 0; i < l->n_arrivals; i++) {
		free(l->arrivals[i]);
	}
	free(l->arrivals);
	l->arrivals = NULL;
	l->n_arrivals = 0;
}
