/* SPDX-License-Identifier: Apache-2.0 */
#include "node/link/line_int.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * The dialled side: one DEALER a connection. libzmq does not connect it again: what it still held
 * for the old connection would come first on the new one, before the session's greeting. The node
 * dials anew, with its own back-off.
 */

enum {
	DIAL_EVENTS = ZMQ_EVENT_CONNECTED | ZMQ_EVENT_HANDSHAKE_SUCCEEDED |
		      ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL | ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL |
		      ZMQ_EVENT_HANDSHAKE_FAILED_AUTH | ZMQ_EVENT_DISCONNECTED | ZMQ_EVENT_CLOSED,
	FRAMES_AT_ONCE = 64
};

/* ---- sockets ---- */

static void close_sockets(struct dialled *d)
{
	if (d->dealer != NULL) {
		line_set_int(d->dealer, ZMQ_LINGER, d->farewell ? LINE_FAREWELL_MS : 0);
		zmq_socket_monitor(d->dealer, NULL, 0);
		zmq_close(d->dealer);
	}
	if (d->monitor != NULL) {
		zmq_close(d->monitor);
	}
	d->dealer = NULL;
	d->monitor = NULL;
	d->tcp.fd = -1;
}

static void fail(struct line *l, struct dialled *d, const char *reason)
{
	if (!d->closing) {
		d->closing = 1;
		line_tell_down(l, d->number, d->key, reason);
	}
}

static int open_dealer(struct line *l, struct dialled *d, const char *endpoint)
{
	char monitor[64];
	close_sockets(d);
	d->connected = 0;
	d->tried_ms = line_now_ms();
	d->dealer = zmq_socket(l->zmq, ZMQ_DEALER);
	if (d->dealer == NULL || line_tune(d->dealer) != 0 ||
		zmq_setsockopt(d->dealer, ZMQ_CURVE_SERVERKEY, d->key, RV_CURVE_KEY_TEXT) != 0 ||
		zmq_setsockopt(d->dealer, ZMQ_CURVE_PUBLICKEY, l->key.public_key,
			RV_CURVE_KEY_TEXT) != 0 ||
		zmq_setsockopt(d->dealer, ZMQ_CURVE_SECRETKEY, l->key.secret_key,
			RV_CURVE_KEY_TEXT) != 0 ||
		line_set_int(d->dealer, ZMQ_RECONNECT_IVL, -1) != 0 ||
		line_set_int(d->dealer, ZMQ_IMMEDIATE, 1) != 0 ||
		line_set_int(d->dealer, ZMQ_CONNECT_TIMEOUT, LINE_HANDSHAKE_MS) != 0) {
		return -1;
	}
	snprintf(monitor, sizeof(monitor), "inproc://dial-%llu-%u", (unsigned long long)d->number,
		d->attempts++);
	d->monitor = line_monitor(l->zmq, d->dealer, monitor, DIAL_EVENTS);
	return d->monitor != NULL ? zmq_connect(d->dealer, endpoint) : -1;
}

static void try_endpoint(struct line *l, struct dialled *d, const char *endpoint)
{
	char reason[200];
	if (open_dealer(l, d, endpoint) != 0) {
		snprintf(reason, sizeof(reason), "%.80s cannot be dialled: %s", d->endpoint,
			zmq_strerror(zmq_errno()));
		fail(l, d, reason);
	}
}

/* ---- names ---- */

/* "tcp://host:port" or "tcp://[address]:port" into its parts; whether the host is a name. -1 if it
 * is none of them. */
static int split_endpoint(const char *endpoint, char host[256], char port[8])
{
	struct in6_addr any;
	const char *p = strncmp(endpoint, "tcp://", 6) == 0 ? endpoint + 6 : NULL;
	const char *colon = p != NULL ? strrchr(p, ':') : NULL;
	if (colon == NULL || colon == p || strlen(endpoint) > 255 ||
		strspn(colon + 1, "0123456789") != strlen(colon + 1) || strlen(colon + 1) > 5) {
		return -1;
	}
	long number = strtol(colon + 1, NULL, 10);
	if (number < 1 || number > 65535) {
		return -1;
	}
	int bracketed = *p == '[' && colon[-1] == ']';
	snprintf(host, 256, "%.*s", (int)(colon - p) - 2 * bracketed, p + bracketed);
	snprintf(port, 8, "%s", colon + 1);
	if (bracketed) {
		return inet_pton(AF_INET6, host, &any) == 1 ? 0 : -1;
	}
	return host[0] == '\0' || strchr(host, ':') != NULL ? -1
							    : inet_pton(AF_INET, host, &any) != 1;
}

/* The next of the addresses that its name has; -1 if there is none. */
static int try_next_address(struct line *l, struct dialled *d)
{
	char host[NI_MAXHOST];
	char port[NI_MAXSERV];
	char endpoint[NI_MAXHOST + NI_MAXSERV + 16];
	struct addrinfo *a = d->next;
	if (a == NULL || getnameinfo(a->ai_addr, a->ai_addrlen, host, sizeof(host), port,
				 sizeof(port), NI_NUMERICHOST | NI_NUMERICSERV) != 0) {
		return -1;
	}
	d->next = a->ai_next;
	snprintf(endpoint, sizeof(endpoint),
		a->ai_family == AF_INET6 ? "tcp://[%s]:%s" : "tcp://%s:%s", host, port);
	try_endpoint(l, d, endpoint);
	return 0;
}

static void look_up(struct line *l, struct dialled *d)
{
	const char *why = "";
	char reason[200];
	if (d->lookup == NULL || !lookup_done(d->lookup, &d->found, &why)) {
		l->hurry |= d->lookup != NULL;
		return;
	}
	lookup_free(&d->lookup);
	d->next = d->found;
	if (try_next_address(l, d) != 0) {
		snprintf(reason, sizeof(reason), "the name in %.80s cannot be looked up: %.60s",
			d->endpoint, why);
		fail(l, d, reason);
	}
}

/* ---- orders ---- */

static struct dialled *find_dialled(struct line *l, uint64_t number)
{
	for (size_t i = 0; i < l->n_dialled; i++) {
		if (l->dialled[i]->number == number && !l->dialled[i]->closing) {
			return l->dialled[i];
		}
	}
	return NULL;
}

static struct dialled *new_dialled(
	struct line *l, uint64_t number, const char *endpoint, const char *server_key)
{
	struct dialled *d = calloc(1, sizeof(*d));
	struct dialled **grown = realloc(l->dialled, (l->n_dialled + 1) * sizeof(*grown));
	if (grown != NULL) {
		l->dialled = grown;
	}
	if (d == NULL || grown == NULL) {
		free(d);
		return NULL;
	}
	d->number = number;
	d->tcp.fd = -1;
	d->dialled_ms = line_now_ms();
	snprintf(d->key, sizeof(d->key), "%s", server_key);
	snprintf(d->endpoint, sizeof(d->endpoint), "%s", endpoint);
	l->dialled[l->n_dialled++] = d;
	return d;
}

void line_dial(struct line *l, uint64_t number, const char *endpoint, const char *server_key)
{
	char host[256];
	char port[8];
	char reason[200];
	struct dialled *d = find_dialled(l, number) == NULL
				    ? new_dialled(l, number, endpoint, server_key)
				    : NULL;
	if (d == NULL) {
		line_tell_down(l, number, server_key, "memory is short, or the number is in use");
		return;
	}
	if (line_admitted_as(l, server_key) == NULL) {
		fail(l, d, "its key is not in the trust list");
		return;
	}
	int name = split_endpoint(endpoint, host, port);
	if (name == 0) {
		try_endpoint(l, d, endpoint);
	} else if (name < 0 || (d->lookup = lookup_start(host, port)) == NULL) {
		snprintf(reason, sizeof(reason),
			name < 0 ? "%.80s is not an address to dial: tcp://host:port"
				 : "%.80s cannot be looked up: memory is short",
			endpoint);
		fail(l, d, reason);
	}
	l->hurry = 1;
}

void line_send_dialled(struct line *l, uint64_t number)
{
	struct dialled *d = find_dialled(l, number);
	if (d == NULL || !d->up || d->gone_ms != 0) {
		line_pass_on(l, NULL); /* its end is told, or about to be; or it was never up */
		return;
	}
	int full = d->tcp.out > LINE_OUT_MAX && line_tcp_unsent(&d->tcp) > LINE_OUT_MAX;
	int64_t bytes = line_pass_on(l, full ? NULL : d->dealer);
	if (bytes < 0) {
		line_watch_dialled(
			l, d); /* it may have ended: its last frames are still to be read */
	} else {
		d->tcp.out += (uint64_t)bytes;
	}
	if (full || (bytes < 0 && d->gone_ms == 0)) {
		fail(l, d, "the peer does not read what is sent to it");
	}
}

void line_close_dialled(struct line *l, uint64_t number)
{
	struct dialled *d = find_dialled(l, number);
	if (d != NULL) {
		d->closing = 1;
		d->farewell = 1;
	}
}

void line_drop_strangers(struct line *l)
{
	for (size_t i = 0; i < l->n_dialled; i++) {
		if (line_admitted_as(l, l->dialled[i]->key) == NULL) {
			fail(l, l->dialled[i], "its key is not in the trust list any more");
		}
	}
}

/* ---- events ---- */

static void describe_end(struct dialled *d, int event, int64_t now_ms)
{
	int timed_out = now_ms - d->tried_ms >= LINE_HANDSHAKE_MS;
	const char *before = "the peer at ";
	const char *after = " does not speak CURVE as we do";
	if (d->up) {
		before = "the connection to ";
		after = " was lost";
	} else if (event == ZMQ_EVENT_HANDSHAKE_FAILED_AUTH) {
		after = " did not accept our CURVE key: it is not in its trust list, or its list "
			"is older than ours";
	} else if (!d->connected) {
		before = timed_out ? "no answer from " : "nobody listens at ";
		after = timed_out ? " within 10 seconds" : ", or there is no way to it";
	} else if (timed_out) {
		after = " took the connection and said nothing for 10 seconds";
	} else if (event == ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL) {
		after = " ended the handshake: its CURVE key is another than the trust list says, "
			"or it does not speak CURVE";
	}
	snprintf(d->reason, sizeof(d->reason), "%s%.60s%s", before, d->endpoint, after);
}

static void on_end(struct line *l, struct dialled *d, int event)
{
	if (d->gone_ms != 0) {
		return;
	}
	int64_t now_ms = line_now_ms();
	if (!d->connected && try_next_address(l, d) == 0) {
		return;
	}
	describe_end(d, event, now_ms);
	d->gone_ms = now_ms;
	l->hurry = 1;
	if (!d->up) {
		fail(l, d, d->reason);
	}
}

void line_watch_dialled(struct line *l, struct dialled *d)
{
	int event;
	int value;
	while (!d->closing && d->monitor != NULL &&
		line_monitor_event(d->monitor, &event, &value) == 0) {
		if (event == ZMQ_EVENT_CONNECTED) {
			d->connected = 1;
			d->tried_ms = line_now_ms();
			line_tcp_begin(&d->tcp, value);
		} else if (event == ZMQ_EVENT_HANDSHAKE_SUCCEEDED) {
			d->up = 1;
			line_tell_up(l, d->number, d->key);
		} else {
			on_end(l, d, event);
		}
	}
}

void line_serve_dialled(struct line *l, struct dialled *d)
{
	struct line_frame *f = &l->frame;
	const char *label = d->up && !d->closing ? line_admitted_as(l, d->key) : NULL;
	for (int i = 0; i < FRAMES_AT_ONCE && !d->closing && label != NULL && !l->broken; i++) {
		if (!line_node_takes(l)) {
			return;
		}
		zmq_msg_init(&f->parts[0]);
		f->n = 1;
		if (zmq_msg_recv(&f->parts[0], d->dealer, ZMQ_DONTWAIT) < 0) {
			line_frame_drop(f);
			if (d->gone_ms != 0 && line_now_ms() - d->gone_ms > LINE_GRACE_MS) {
				fail(l, d, d->reason);
			}
			return;
		}
		d->tcp.in_ended = 1;
		if (line_collect(d->dealer, f) != 0 || f->oversize) {
			line_frame_drop(f);
			fail(l, d, "the peer sent a frame that is larger than allowed");
			return;
		}
		line_tell_frame(l, d->number, d->key, label, f);
	}
}

void line_tick_dialled(struct line *l, int64_t now_ms, int tally)
{
	for (size_t i = 0; i < l->n_dialled; i++) {
		struct dialled *d = l->dialled[i];
		if (d->closing) {
			continue;
		}
		look_up(l, d);
		l->hurry |= d->gone_ms != 0;
		if (!d->up && now_ms - d->tried_ms > LINE_HANDSHAKE_MS + LINE_HANDSHAKE_MS / 2 &&
			d->tried_ms != 0) {
			/* libzmq tells no event when it cannot even open a socket */
			on_end(l, d, 0);
		} else if (tally && d->gone_ms == 0 &&
			   line_tcp_unended(&d->tcp) > LINE_UNENDED_MAX) {
			fail(l, d, "the peer sent a frame that does not end");
		}
	}
}

void line_sweep_dialled(struct line *l)
{
	size_t kept = 0;
	for (size_t i = 0; i < l->n_dialled; i++) {
		struct dialled *d = l->dialled[i];
		if (!d->closing) {
			l->dialled[kept++] = d;
			continue;
		}
		close_sockets(d);
		lookup_free(&d->lookup);
		if (d->found != NULL) {
			freeaddrinfo(d->found);
		}
		free(d);
	}
	l->n_dialled = kept;
}

void line_dialled_free(struct line *l)
{
	for (size_t i = 0; i < l->n_dialled; i++) {
		l->dialled[i]->closing = 1;
	}
	line_sweep_dialled(l);
	free(l->dialled);
	l->dialled = NULL;
}
