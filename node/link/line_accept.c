/* SPDX-License-Identifier: Apache-2.0 */
#include "node/link/line_int.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

/* The bound side: a ROUTER with CURVE, the ZAP handler that decides who gets in, and its monitor.
 */

enum { ROUTING_ID_LEN = 5, ZAP_FRAMES_MAX = 16, ROUTER_AT_ONCE = 128 };

static int set_int(void *socket, int option, int value)
{
	return zmq_setsockopt(socket, option, &value, sizeof(value));
}

int line_open_zap(struct line *l)
{
	l->zap = zmq_socket(l->zmq, ZMQ_REP);
	return l->zap != NULL ? zmq_bind(l->zap, "inproc://zeromq.zap.01") : -1;
}

int line_listen(struct line *l, const char *endpoint)
{
	int64_t max = LINE_MESSAGE_MAX;
	l->router = zmq_socket(l->zmq, ZMQ_ROUTER);
	if (l->router == NULL || set_int(l->router, ZMQ_CURVE_SERVER, 1) != 0 ||
		zmq_setsockopt(l->router, ZMQ_CURVE_SECRETKEY, l->key.secret_key,
			RV_CURVE_KEY_TEXT) != 0 ||
		zmq_setsockopt(l->router, ZMQ_ZAP_DOMAIN, "reeve", 5) != 0 ||
		set_int(l->router, ZMQ_ROUTER_MANDATORY, 1) != 0 ||
		set_int(l->router, ZMQ_LINGER, 0) != 0 ||
		set_int(l->router, ZMQ_SNDHWM, LINE_SEND_HWM) != 0 ||
		set_int(l->router, ZMQ_RCVHWM, 64) != 0 ||
		set_int(l->router, ZMQ_HANDSHAKE_IVL, LINE_HANDSHAKE_MS) != 0 ||
		set_int(l->router, ZMQ_BACKLOG, LINE_BACKLOG) != 0 ||
		set_int(l->router, ZMQ_TCP_KEEPALIVE, 1) != 0 ||
		set_int(l->router, ZMQ_IPV6, 1) != 0 ||
		zmq_setsockopt(l->router, ZMQ_MAXMSGSIZE, &max, sizeof(max)) != 0) {
		return -1;
	}
	int events = ZMQ_EVENT_DISCONNECTED | ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL |
		     ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL;
	l->router_monitor = zmq_socket(l->zmq, ZMQ_PAIR);
	if (l->router_monitor == NULL ||
		zmq_socket_monitor(l->router, "inproc://router-monitor", events) != 0 ||
		zmq_connect(l->router_monitor, "inproc://router-monitor") != 0) {
		return -1;
	}
	return zmq_bind(l->router, endpoint);
}

/* ---- ZAP (RFC 27) ---- */

struct zap_request {
	size_t n;
	size_t len[ZAP_FRAMES_MAX];
	uint8_t data[ZAP_FRAMES_MAX][256];
};

static int receive_request(void *zap, struct zap_request *r)
{
	int more = 1;
	r->n = 0;
	while (more) {
		size_t size = sizeof(more);
		uint8_t spare[256];
		uint8_t *to = r->n < ZAP_FRAMES_MAX ? r->data[r->n] : spare;
		int len = zmq_recv(zap, to, 256, ZMQ_DONTWAIT);
		if (len < 0) {
			return -1;
		}
		if (r->n < ZAP_FRAMES_MAX) {
			r->len[r->n++] = (size_t)(len > 256 ? 256 : len);
		}
		if (zmq_getsockopt(zap, ZMQ_RCVMORE, &more, &size) != 0) {
			return -1;
		}
	}
	return 0;
}

static void reply(void *zap, const struct zap_request *r, const char *code, const char *text,
	const char *user)
{
	zmq_send(zap, "1.0", 3, ZMQ_SNDMORE);
	zmq_send(zap, r->data[1], r->len[1], ZMQ_SNDMORE);
	zmq_send(zap, code, 3, ZMQ_SNDMORE);
	zmq_send(zap, text, strlen(text), ZMQ_SNDMORE);
	zmq_send(zap, user, strlen(user), ZMQ_SNDMORE);
	zmq_send(zap, "", 0, 0);
}

/* Frames: version, request id, domain, address, identity, mechanism, the client's public key. */
void line_serve_zap(struct line *l)
{
	struct zap_request r;
	while (receive_request(l->zap, &r) == 0) {
		char key[RV_CURVE_KEY_TEXT] = "";
		char address[64] = "";
		if (r.n < 6) {
			return;
		}
		snprintf(address, sizeof(address), "%.*s", (int)(r.len[3] < 60 ? r.len[3] : 60),
			(const char *)r.data[3]);
		int curve = r.len[5] == 5 && memcmp(r.data[5], "CURVE", 5) == 0 && r.n >= 7 &&
			    r.len[6] == RV_CURVE_KEY_LEN;
		if (curve && zmq_z85_encode(key, r.data[6], RV_CURVE_KEY_LEN) != NULL &&
			line_is_admitted(l, key)) {
			reply(l->zap, &r, "200", "OK", key);
			continue;
		}
		reply(l->zap, &r, "400", "not in the trust list", "");
		line_report_refused(l, key, address,
			curve ? "its CURVE key is not in the trust list" : "it does not use CURVE");
	}
}

/* ---- frames ---- */

static struct accepted *find_accepted(struct line *l, uint64_t number)
{
	uint8_t key[MAP_KEY_LEN];
	map_number_key(key, number);
	return map_get(&l->accepted, key);
}

static struct accepted *know_accepted(struct line *l, uint64_t number, const char *curve, int fd)
{
	uint8_t key[MAP_KEY_LEN];
	struct accepted *a = find_accepted(l, number);
	if (a == NULL) {
		a = calloc(1, sizeof(*a));
		map_number_key(key, number);
		if (a == NULL || map_put(&l->accepted, key, a) != 0) {
			free(a);
			return NULL;
		}
		a->number = number;
		snprintf(a->key, sizeof(a->key), "%s", curve);
	}
	a->fd = fd;
	return a;
}

static void forget_accepted(struct line *l, struct accepted *a)
{
	uint8_t key[MAP_KEY_LEN];
	map_number_key(key, a->number);
	map_take(&l->accepted, key);
	free(a);
}

static void discard(void *socket)
{
	int more = 1;
	size_t size = sizeof(more);
	while (zmq_getsockopt(socket, ZMQ_RCVMORE, &more, &size) == 0 && more) {
		char spare[1];
		if (zmq_recv(socket, spare, sizeof(spare), 0) < 0) {
			return;
		}
	}
}

/* Only numbers that our ROUTER gave: a peer that names itself is not served. */
static int number_of(const zmq_msg_t *id, uint64_t *number_r)
{
	union {
		const zmq_msg_t *borrowed;
		zmq_msg_t *msg;
	} m = {.borrowed = id};
	const uint8_t *p = zmq_msg_data(m.msg);
	if (zmq_msg_size(m.msg) != ROUTING_ID_LEN || p[0] != 0) {
		return -1;
	}
	*number_r = LINE_ACCEPTED | (uint64_t)p[1] << 24 | (uint64_t)p[2] << 16 |
		    (uint64_t)p[3] << 8 | p[4];
	return 0;
}

static void cut(int fd)
{
	if (fd >= 0) {
		shutdown(fd, SHUT_RDWR); /* libzmq sees the end of the stream and cleans up */
	}
}

static int serve_one(struct line *l)
{
	zmq_msg_t id;
	zmq_msg_t first;
	uint64_t number = 0;
	zmq_msg_init(&id);
	zmq_msg_init(&first);
	if (zmq_msg_recv(&id, l->router, ZMQ_DONTWAIT) < 0) {
		zmq_msg_close(&id);
		zmq_msg_close(&first);
		return -1;
	}
	int numbered = number_of(&id, &number) == 0;
	int more = zmq_msg_more(&id) && zmq_msg_recv(&first, l->router, 0) >= 0;
	const char *key = more ? zmq_msg_gets(&first, "User-Id") : NULL;
	int fd = more ? zmq_msg_get(&first, ZMQ_SRCFD) : -1;
	if (numbered && key != NULL && line_is_admitted(l, key)) {
		struct accepted *a = know_accepted(l, number, key, fd);
		if (a != NULL && strcmp(a->key, key) == 0) {
			line_report_first(l, number, a->key, &first);
			line_report_rest(l, l->router, &first);
			zmq_msg_close(&id);
			return 0;
		}
	}
	if (more) {
		discard(l->router);
		cut(fd);
	}
	zmq_msg_close(&first);
	zmq_msg_close(&id);
	return 0;
}

void line_serve_router(struct line *l)
{
	for (int i = 0; i < ROUTER_AT_ONCE; i++) {
		/* a file descriptor may be used again: its end is to be seen before the frames of
		 * the next */
		line_watch_router(l);
		if (!line_node_takes(l) || serve_one(l) != 0) {
			return;
		}
	}
}

static const char *failure_text(int event)
{
	return event == ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL
		       ? "it does not speak CURVE, or does not have our public key right"
		       : "it ended the connection during the handshake";
}

void line_watch_router(struct line *l)
{
	int event;
	int value;
	while (l->router_monitor != NULL &&
		line_monitor_event(l->router_monitor, &event, &value) == 0) {
		if (event != ZMQ_EVENT_DISCONNECTED) {
			line_report_refused(l, "", "", failure_text(event));
			continue;
		}
		struct accepted *a;
		for (size_t at = 0; (a = map_next(&l->accepted, &at)) != NULL;) {
			if (a->fd == value) {
				line_report_down(l, a->number, a->key,
					"the peer ended the connection, or it was lost");
				forget_accepted(l, a);
				break;
			}
		}
	}
}

void line_send_accepted(struct line *l, uint64_t number)
{
	const uint8_t id[ROUTING_ID_LEN] = {0, (uint8_t)(number >> 24), (uint8_t)(number >> 16),
		(uint8_t)(number >> 8), (uint8_t)number};
	struct accepted *a = find_accepted(l, number);
	if (a == NULL || zmq_send(l->router, id, sizeof(id), ZMQ_SNDMORE | ZMQ_DONTWAIT) < 0) {
		line_pass_on(l, NULL);
		if (a != NULL) {
			cut(a->fd);
			line_report_down(l, number, a->key,
				zmq_errno() == EAGAIN ? "the peer does not read what is sent to it"
						      : "the connection is gone");
			forget_accepted(l, a);
		}
		return;
	}
	line_pass_on(l, l->router);
}

void line_close_accepted(struct line *l, uint64_t number)
{
	struct accepted *a = find_accepted(l, number);
	if (a != NULL) {
		cut(a->fd);
		forget_accepted(l, a);
	}
}

void line_cut_strangers(struct line *l)
{
	for (;;) {
		struct accepted *stranger = NULL;
		struct accepted *a;
		for (size_t at = 0;
			stranger == NULL && (a = map_next(&l->accepted, &at)) != NULL;) {
			stranger = line_is_admitted(l, a->key) ? NULL : a;
		}
		if (stranger == NULL) {
			return;
		}
		cut(stranger->fd);
		line_report_down(l, stranger->number, stranger->key,
			"its key is not in the trust list any more");
		forget_accepted(l, stranger);
	}
}

void line_accepted_free(struct line *l)
{
	struct accepted *a;
	for (size_t at = 0; (a = map_next(&l->accepted, &at)) != NULL;) {
		free(a);
	}
	map_free(&l->accepted);
}
