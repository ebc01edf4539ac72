/* SPDX-License-Identifier: Apache-2.0 */
#include "node/link/line_int.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node/link/line_wire.h"

/* The channel to the node: what it is told, what it orders. Nothing here waits for it. */

enum { ORDERS_AT_ONCE = 256 };

int line_node_open(struct line *l, const char *endpoint)
{
	l->reports_end = &l->reports;
	l->node = zmq_socket(l->zmq, ZMQ_PAIR);
	if (l->node == NULL || line_set_int(l->node, ZMQ_SNDHWM, LINE_PAIR_HWM) != 0 ||
		line_set_int(l->node, ZMQ_RCVHWM, LINE_PAIR_HWM) != 0 ||
		line_set_int(l->node, ZMQ_LINGER, 0) != 0 ||
		line_set_int(l->node, ZMQ_RECONNECT_IVL, 50) != 0) {
		return -1;
	}
	l->node_monitor =
		line_monitor(l->zmq, l->node, "inproc://node-monitor", ZMQ_EVENT_DISCONNECTED);
	return l->node_monitor != NULL ? zmq_connect(l->node, endpoint) : -1;
}

/* ---- what the node is told ---- */

static int node_writable(const struct line *l)
{
	int events = 0;
	size_t size = sizeof(events);
	return zmq_getsockopt(l->node, ZMQ_EVENTS, &events, &size) == 0 &&
	       (events & ZMQ_POLLOUT) != 0;
}

int line_node_takes(const struct line *l)
{
	return l->reports == NULL && l->told_bytes - l->taken_bytes < LINE_WINDOW &&
	       node_writable(l);
}

short line_node_events(const struct line *l)
{
	return (short)(ZMQ_POLLIN | (node_writable(l) ? 0 : ZMQ_POLLOUT));
}

static int put(struct line *l, const void *data, size_t len, int more)
{
	return zmq_send(l->node, data, len, ZMQ_DONTWAIT | (more ? ZMQ_SNDMORE : 0)) < 0 ? -1 : 0;
}

/* 0, or -1 if nothing of it went. */
static int put_report(struct line *l, char kind, uint64_t number, const char *key, const char *text)
{
	if (put(l, &kind, 1, 1) != 0) {
		return -1;
	}
	if (put(l, &number, sizeof(number), 1) != 0 || put(l, key, strlen(key), 1) != 0 ||
		put(l, text, strlen(text), 0) != 0) {
		l->broken = 1; /* half a report: there is no channel any more */
	}
	return 0;
}

/* A connection has one U and one D at most, and without frames taken there are no new ones: what
 * waits here is bounded. */
static void tell(struct line *l, char kind, uint64_t number, const char *key, const char *text)
{
	if (l->reports == NULL && put_report(l, kind, number, key, text) == 0) {
		return;
	}
	struct line_report *r = calloc(1, sizeof(*r));
	if (r == NULL) {
		l->broken = 1;
		return;
	}
	r->kind = kind;
	r->number = number;
	snprintf(r->key, sizeof(r->key), "%s", key);
	snprintf(r->text, sizeof(r->text), "%s", text);
	*l->reports_end = r;
	l->reports_end = &r->next;
}

void line_node_flush(struct line *l)
{
	struct line_report *r;
	while ((r = l->reports) != NULL &&
		put_report(l, r->kind, r->number, r->key, r->text) == 0) {
		l->reports = r->next;
		if (l->reports == NULL) {
			l->reports_end = &l->reports;
		}
		free(r);
	}
}

void line_tell_up(struct line *l, uint64_t number, const char *key)
{
	tell(l, 'U', number, key, "");
}

void line_tell_down(struct line *l, uint64_t number, const char *key, const char *reason)
{
	tell(l, 'D', number, key, reason);
}

void line_tell_ready(struct line *l)
{
	tell(l, 'H', 0, "", "");
}

void line_tell_listening(struct line *l, const char *endpoint)
{
	tell(l, 'B', 0, "", endpoint);
}

/* A flood of strangers must not become a flood of reports. */
void line_tell_refused(struct line *l, const char *key, const char *address, const char *reason)
{
	int64_t second = line_now_ms() / 1000;
	char text[256];
	if (second != l->refusal_second) {
		l->refusal_second = second;
		l->refusals = 0;
	}
	if (l->refusals++ < LINE_REFUSALS_A_SECOND && line_node_takes(l)) {
		snprintf(text, sizeof(text), "%s\n%s", address, reason);
		tell(l, 'R', 0, key, text);
	}
}

void line_tell_frame(
	struct line *l, uint64_t number, const char *key, const char *label, struct line_frame *f)
{
	int failed = put(l, "F", 1, 1) != 0 || put(l, &number, sizeof(number), 1) != 0 ||
		     put(l, key, strlen(key), 1) != 0 || put(l, label, strlen(label), 1) != 0;
	for (size_t i = 0; !failed && i < f->n; i++) {
		failed = zmq_msg_send(&f->parts[i], l->node,
				 ZMQ_DONTWAIT | (i + 1 < f->n ? ZMQ_SNDMORE : 0)) < 0;
	}
	l->told_bytes += line_window_cost(f->bytes, f->n);
	l->broken |= failed;
	line_frame_drop(f);
}

/* ---- what the node orders ---- */

static int more_parts(const struct line *l)
{
	int more = 0;
	size_t size = sizeof(more);
	return zmq_getsockopt(l->node, ZMQ_RCVMORE, &more, &size) == 0 && more;
}

int64_t line_pass_on(struct line *l, void *to)
{
	int64_t bytes = 0;
	int failed = 0;
	while (more_parts(l)) {
		zmq_msg_t part;
		zmq_msg_init(&part);
		if (zmq_msg_recv(&part, l->node, ZMQ_DONTWAIT) < 0) {
			zmq_msg_close(&part);
			return -1;
		}
		size_t size = zmq_msg_size(&part);
		if (to != NULL && !failed) {
			failed =
				zmq_msg_send(&part, to,
					ZMQ_DONTWAIT | (zmq_msg_more(&part) ? ZMQ_SNDMORE : 0)) < 0;
			bytes += (int64_t)line_tcp_wire_bytes(size);
		}
		zmq_msg_close(&part);
	}
	return failed ? -1 : bytes;
}

/* The next part as a text or number; -1 if it is missing or too long. */
static int next_part(struct line *l, void *out, size_t size)
{
	if (!more_parts(l)) {
		return -1;
	}
	int n = zmq_recv(l->node, out, size, ZMQ_DONTWAIT);
	return n < 0 || (size_t)n > size ? -1 : n;
}

static int next_text(struct line *l, char *out, size_t size)
{
	int n = next_part(l, out, size - 1);
	out[n < 0 ? 0 : n] = '\0';
	return n < 0 ? -1 : 0;
}

static void listen_now(struct line *l)
{
	if (line_listen(l, l->listen) != 0) {
		fprintf(stderr, "reeved line: cannot listen on %s: %s\n", l->listen,
			zmq_strerror(zmq_errno()));
		l->broken = 1;
	}
	l->listen = "";
}

void line_admitted_free(struct map *admitted)
{
	char *label;
	for (size_t at = 0; (label = map_next(admitted, &at)) != NULL;) {
		free(label);
	}
	map_free(admitted);
}

static void admit(struct line *l)
{
	struct map admitted = {0};
	char key[RV_CURVE_KEY_TEXT];
	char label[LINE_LABEL_TEXT];
	size_t kept = 0;
	while (next_text(l, key, sizeof(key)) == 0 && next_text(l, label, sizeof(label)) == 0) {
		uint8_t hash[MAP_KEY_LEN];
		line_key_hash(key, hash);
		if (map_get(&admitted, hash) == NULL) {
			kept += map_get(&l->admitted, hash) != NULL;
			/* half a list would cut members: better to start anew */
			char *copy = strdup(label);
			if (copy == NULL || map_put(&admitted, hash, copy) != 0) {
				free(copy);
				l->broken = 1;
			}
		}
	}
	int some_left = kept < l->admitted.count;
	line_admitted_free(&l->admitted);
	l->admitted = admitted;
	if (l->broken) {
		return;
	}
	line_cut_strangers(l, some_left);
	line_drop_strangers(l);
	/* not before: a member must not be taken for a stranger */
	if (l->listen[0] != '\0') {
		listen_now(l);
	}
}

static void obey(struct line *l, char order)
{
	uint64_t number = 0;
	char endpoint[256];
	char key[RV_CURVE_KEY_TEXT];
	if (order == 'A') {
		admit(l);
	} else if (next_part(l, &number, sizeof(number)) != (int)sizeof(number)) {
		line_pass_on(l, NULL);
	} else if (order == 'F' && (number & LINE_ACCEPTED)) {
		line_send_accepted(l, number);
	} else if (order == 'F') {
		line_send_dialled(l, number);
	} else if (order == 'C') {
		l->taken_bytes = number <= l->told_bytes ? number : l->told_bytes;
	} else if (order == 'L' && !(number & LINE_ACCEPTED) &&
		   next_text(l, endpoint, sizeof(endpoint)) == 0 &&
		   next_text(l, key, sizeof(key)) == 0) {
		line_dial(l, number, endpoint, key);
	} else if (order == 'X' && (number & LINE_ACCEPTED)) {
		line_close_accepted(l, number);
	} else if (order == 'X') {
		line_close_dialled(l, number);
	}
	line_pass_on(l, NULL);
}

void line_node_serve(struct line *l)
{
	int event;
	int value;
	while (line_monitor_event(l->node_monitor, &event, &value) == 0) {
		l->node_gone = 1;
	}
	for (int i = 0; i < ORDERS_AT_ONCE && !l->broken; i++) {
		char order = '\0';
		int n = zmq_recv(l->node, &order, 1, ZMQ_DONTWAIT);
		if (n < 0) {
			/* its last orders are done */
			l->broken |= l->node_gone;
			return;
		}
		obey(l, n == 1 ? order : '\0');
	}
}

void line_node_free(struct line *l)
{
	while (l->reports != NULL) {
		struct line_report *next = l->reports->next;
		free(l->reports);
		l->reports = next;
	}
}
