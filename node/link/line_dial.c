/* SPDX-License-Identifier: Apache-2.0 */
#include "node/link/line_int.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The dialled side: one DEALER a connection, without reconnection of its own, so that each session
 * has one connection. */

enum {
	DIAL_EVENTS = ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL |
		      ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL | ZMQ_EVENT_HANDSHAKE_FAILED_AUTH |
		      ZMQ_EVENT_DISCONNECTED | ZMQ_EVENT_CLOSED | ZMQ_EVENT_CONNECT_RETRIED,
	FRAMES_AT_ONCE = 64
};

static int set_int(void *socket, int option, int value)
{
	return zmq_setsockopt(socket, option, &value, sizeof(value));
}

static int open_dealer(struct line *l, struct dialled *d)
{
	char monitor[64];
	int64_t max = LINE_MESSAGE_MAX;
	d->dealer = zmq_socket(l->zmq, ZMQ_DEALER);
	d->monitor = zmq_socket(l->zmq, ZMQ_PAIR);
	if (d->dealer == NULL || d->monitor == NULL ||
		zmq_setsockopt(d->dealer, ZMQ_CURVE_SERVERKEY, d->key, RV_CURVE_KEY_TEXT) != 0 ||
		zmq_setsockopt(d->dealer, ZMQ_CURVE_PUBLICKEY, l->key.public_key,
			RV_CURVE_KEY_TEXT) != 0 ||
		zmq_setsockopt(d->dealer, ZMQ_CURVE_SECRETKEY, l->key.secret_key,
			RV_CURVE_KEY_TEXT) != 0 ||
		set_int(d->dealer, ZMQ_LINGER, 0) != 0 ||
		set_int(d->dealer, ZMQ_RECONNECT_IVL, -1) != 0 ||
		set_int(d->dealer, ZMQ_IMMEDIATE, 1) != 0 ||
		set_int(d->dealer, ZMQ_SNDHWM, LINE_SEND_HWM) != 0 ||
		set_int(d->dealer, ZMQ_RCVHWM, 64) != 0 ||
		set_int(d->dealer, ZMQ_HANDSHAKE_IVL, LINE_HANDSHAKE_MS) != 0 ||
		set_int(d->dealer, ZMQ_CONNECT_TIMEOUT, LINE_HANDSHAKE_MS) != 0 ||
		set_int(d->dealer, ZMQ_TCP_KEEPALIVE, 1) != 0 ||
		set_int(d->dealer, ZMQ_IPV6, 1) != 0 ||
		zmq_setsockopt(d->dealer, ZMQ_MAXMSGSIZE, &max, sizeof(max)) != 0) {
		return -1;
	}
	snprintf(monitor, sizeof(monitor), "inproc://dial-%llu", (unsigned long long)d->number);
	return zmq_socket_monitor(d->dealer, monitor, DIAL_EVENTS) == 0 &&
			       zmq_connect(d->monitor, monitor) == 0
		       ? zmq_connect(d->dealer, d->endpoint)
		       : -1;
}

static void close_sockets(struct dialled *d)
{
	if (d->dealer != NULL) {
		zmq_socket_monitor(d->dealer, NULL, 0);
		zmq_close(d->dealer);
	}
	if (d->monitor != NULL) {
		zmq_close(d->monitor);
	}
	d->dealer = NULL;
	d->monitor = NULL;
}

static void fail(struct line *l, struct dialled *d, const char *reason)
{
	if (!d->closing) {
		d->closing = 1;
		line_report_down(l, d->number, d->key, reason);
	}
}

void line_dial(struct line *l, uint64_t number, const char *endpoint, const char *server_key)
{
	struct dialled *d = calloc(1, sizeof(*d));
	struct dialled **grown = realloc(l->dialled, (l->n_dialled + 1) * sizeof(*grown));
	if (grown != NULL) {
		l->dialled = grown;
	}
	if (d == NULL || grown == NULL) {
		free(d);
		line_report_down(l, number, server_key, "memory is short");
		return;
	}
	d->number = number;
	d->dialled_ms = line_now_ms();
	snprintf(d->key, sizeof(d->key), "%s", server_key);
	snprintf(d->endpoint, sizeof(d->endpoint), "%s", endpoint);
	l->dialled[l->n_dialled++] = d;
	if (open_dealer(l, d) != 0) {
		char reason[160];
		snprintf(reason, sizeof(reason), "%.80s cannot be dialled: %s", endpoint,
			zmq_strerror(zmq_errno()));
		fail(l, d, reason);
	}
}

void line_serve_dialled(struct line *l, struct dialled *d)
{
	for (int i = 0; i < FRAMES_AT_ONCE && !d->closing; i++) {
		zmq_msg_t first;
		zmq_msg_init(&first);
		if (!line_node_takes(l) || zmq_msg_recv(&first, d->dealer, ZMQ_DONTWAIT) < 0) {
			zmq_msg_close(&first);
			return;
		}
		line_report_first(l, d->number, d->key, &first);
		line_report_rest(l, d->dealer, &first);
	}
}

static const char *down_reason(const struct dialled *d, int event, int value, char text[200])
{
	switch (event) {
	case ZMQ_EVENT_HANDSHAKE_FAILED_AUTH:
		snprintf(text, 200,
			"the peer at %.80s did not accept our CURVE key (%d): it is not in its "
			"trust list",
			d->endpoint, value);
		return text;
	case ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL:
		snprintf(text, 200, "what answers at %.80s does not speak CURVE as we do",
			d->endpoint);
		return text;
	case ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL:
		snprintf(text, 200,
			"the peer at %.80s ended the handshake: its CURVE key may be another than "
			"the trust list says",
			d->endpoint);
		return text;
	default:
		snprintf(text, 200,
			d->up ? "the connection to %.80s was lost" : "nobody answers at %.80s",
			d->endpoint);
		return text;
	}
}

void line_watch_dialled(struct line *l, struct dialled *d, int64_t now_ms)
{
	int event;
	int value;
	char text[200];
	while (!d->closing && line_monitor_event(d->monitor, &event, &value) == 0) {
		if (event == ZMQ_EVENT_HANDSHAKE_SUCCEEDED) {
			d->up = 1;
			line_report_up(l, d->number, d->key);
		} else {
			/* what was sent before the end still counts */
			line_serve_dialled(l, d);
			fail(l, d, down_reason(d, event, value, text));
		}
	}
	if (!d->closing && !d->up && now_ms - d->dialled_ms > 2 * LINE_HANDSHAKE_MS) {
		fail(l, d, down_reason(d, 0, 0, text));
	}
}

static struct dialled *find_dialled(struct line *l, uint64_t number)
{
	for (size_t i = 0; i < l->n_dialled; i++) {
		if (l->dialled[i]->number == number) {
			return l->dialled[i];
		}
	}
	return NULL;
}

void line_send_dialled(struct line *l, uint64_t number)
{
	struct dialled *d = find_dialled(l, number);
	if (d == NULL || d->closing) {
		line_pass_on(l, NULL);
	} else if (line_pass_on(l, d->dealer) != 0) {
		fail(l, d, "the peer does not read what is sent to it, or is gone");
	}
}

void line_close_dialled(struct line *l, uint64_t number)
{
	struct dialled *d = find_dialled(l, number);
	if (d != NULL) {
		d->closing = 1;
	}
}

void line_sweep_dialled(struct line *l)
{
	size_t kept = 0;
	for (size_t i = 0; i < l->n_dialled; i++) {
		struct dialled *d = l->dialled[i];
		if (d->closing) {
			close_sockets(d);
			free(d);
		} else {
			l->dialled[kept++] = d;
		}
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
