/* SPDX-License-Identifier: Apache-2.0 */
#include "node/link/line_int.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <time.h>
#include <openssl/crypto.h>
#include <openssl/sha.h>

enum { POLL_MS = 200, ORDERS_AT_ONCE = 256 };

int64_t line_now_ms(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* ---- who is admitted ---- */

static void key_hash(const char *key, uint8_t hash[MAP_KEY_LEN])
{
	uint8_t digest[RV_DIGEST_LEN];
	rv_sha256(digest, key, strlen(key));
	memcpy(hash, digest, MAP_KEY_LEN);
}

int line_is_admitted(const struct line *l, const char *key)
{
	uint8_t hash[MAP_KEY_LEN];
	key_hash(key, hash);
	return map_get(&l->admitted, hash) != NULL;
}

/* ---- what the node is told ---- */

static void put_u64(uint8_t out[8], uint64_t v)
{
	memcpy(out, &v, sizeof(v)); /* both ends are on this machine */
}

int line_node_takes(struct line *l)
{
	int events = 0;
	size_t size = sizeof(events);
	return zmq_getsockopt(l->node, ZMQ_EVENTS, &events, &size) == 0 && (events & ZMQ_POLLOUT);
}

static void report(
	struct line *l, const char *kind, uint64_t number, const char *key, const char *reason)
{
	uint8_t raw[8];
	put_u64(raw, number);
	if (zmq_send(l->node, kind, 1, ZMQ_SNDMORE) < 0 ||
		zmq_send(l->node, raw, sizeof(raw), ZMQ_SNDMORE) < 0 ||
		zmq_send(l->node, key, strlen(key), ZMQ_SNDMORE) < 0 ||
		zmq_send(l->node, reason, strlen(reason), 0) < 0) {
		l->broken = 1;
	}
}

void line_report_up(struct line *l, uint64_t number, const char *key)
{
	report(l, "U", number, key, "");
}

void line_report_down(struct line *l, uint64_t number, const char *key, const char *reason)
{
	report(l, "D", number, key, reason);
}

/* A flood of strangers must not become a flood of reports. */
void line_report_refused(struct line *l, const char *key, const char *address, const char *reason)
{
	int64_t second = line_now_ms() / 1000;
	char text[256];
	if (second != l->refusal_second) {
		l->refusal_second = second;
		l->refusals = 0;
	}
	if (l->refusals++ < LINE_REFUSALS_A_SECOND && line_node_takes(l)) {
		snprintf(text, sizeof(text), "%s\n%s", address, reason);
		report(l, "R", 0, key, text);
	}
}

void line_report_first(struct line *l, uint64_t number, const char *key, zmq_msg_t *first)
{
	uint8_t raw[8];
	int more = zmq_msg_more(first);
	put_u64(raw, number);
	if (zmq_send(l->node, "F", 1, ZMQ_SNDMORE) < 0 ||
		zmq_send(l->node, raw, sizeof(raw), ZMQ_SNDMORE) < 0 ||
		zmq_send(l->node, key, strlen(key), ZMQ_SNDMORE) < 0 ||
		zmq_msg_send(first, l->node, more ? ZMQ_SNDMORE : 0) < 0) {
		l->broken = 1;
	}
	/* sending empties the message; whether more follows is told by the socket it came from */
}

void line_report_rest(struct line *l, void *from, zmq_msg_t *part)
{
	int more = 0;
	size_t size = sizeof(more);
	while (zmq_getsockopt(from, ZMQ_RCVMORE, &more, &size) == 0 && more) {
		zmq_msg_close(part);
		zmq_msg_init(part);
		if (zmq_msg_recv(part, from, 0) < 0) {
			break;
		}
		if (zmq_msg_send(part, l->node, zmq_msg_more(part) ? ZMQ_SNDMORE : 0) < 0) {
			l->broken = 1;
			break;
		}
	}
	zmq_msg_close(part);
}

/* ---- what the node orders ---- */

int line_pass_on(struct line *l, void *to)
{
	int more = 0;
	int failed = 0;
	size_t size = sizeof(more);
	while (zmq_getsockopt(l->node, ZMQ_RCVMORE, &more, &size) == 0 && more) {
		zmq_msg_t part;
		zmq_msg_init(&part);
		if (zmq_msg_recv(&part, l->node, 0) < 0) {
			zmq_msg_close(&part);
			return -1;
		}
		if (to != NULL && !failed) {
			failed =
				zmq_msg_send(&part, to,
					ZMQ_DONTWAIT | (zmq_msg_more(&part) ? ZMQ_SNDMORE : 0)) < 0;
		}
		zmq_msg_close(&part);
	}
	return failed ? -1 : 0;
}

/* The next part as a text or number; -1 if it is missing or too long. */
static int next_part(struct line *l, void *out, size_t size)
{
	int more = 0;
	size_t opt = sizeof(more);
	if (zmq_getsockopt(l->node, ZMQ_RCVMORE, &more, &opt) != 0 || !more) {
		return -1;
	}
	int n = zmq_recv(l->node, out, size, 0);
	return n < 0 || (size_t)n > size ? -1 : n;
}

static int next_text(struct line *l, char *out, size_t size)
{
	int n = next_part(l, out, size - 1);
	out[n < 0 ? 0 : n] = '\0';
	return n < 0 ? -1 : 0;
}

static void admit(struct line *l)
{
	struct map admitted = {0};
	char key[RV_CURVE_KEY_TEXT];
	static const char present[] = "admitted";
	union {
		const char *borrowed;
		void *value;
	} mark = {.borrowed = present};
	while (next_text(l, key, sizeof(key)) == 0) {
		uint8_t hash[MAP_KEY_LEN];
		key_hash(key, hash);
		if (map_put(&admitted, hash, mark.value) != 0) {
			l->broken = 1; /* half a list would cut members: start anew */
		}
	}
	map_free(&l->admitted);
	l->admitted = admitted;
	line_cut_strangers(l);
	/* not before: a member must not be taken for a stranger */
	if (l->listen[0] != '\0') {
		if (line_listen(l, l->listen) != 0) {
			fprintf(stderr, "reeved line: cannot listen on %s: %s\n", l->listen,
				zmq_strerror(zmq_errno()));
			l->broken = 1;
		}
		l->listen = "";
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
	} else if (order == 'F') {
		if (number & LINE_ACCEPTED) {
			line_send_accepted(l, number);
		} else {
			line_send_dialled(l, number);
		}
	} else if (order == 'L' && next_text(l, endpoint, sizeof(endpoint)) == 0 &&
		   next_text(l, key, sizeof(key)) == 0) {
		line_dial(l, number, endpoint, key);
	} else if (order == 'X') {
		if (number & LINE_ACCEPTED) {
			line_close_accepted(l, number);
		} else {
			line_close_dialled(l, number);
		}
	}
	line_pass_on(l, NULL);
}

static void serve_node(struct line *l)
{
	for (int i = 0; i < ORDERS_AT_ONCE; i++) {
		char order;
		int n = zmq_recv(l->node, &order, 1, ZMQ_DONTWAIT);
		if (n < 0) {
			return;
		}
		obey(l, n == 1 ? order : '\0');
	}
}

int line_monitor_event(void *monitor, int *event_r, int *value_r)
{
	uint8_t raw[6];
	char address[256];
	uint16_t event;
	int32_t value;
	if (zmq_recv(monitor, raw, sizeof(raw), ZMQ_DONTWAIT) != (int)sizeof(raw)) {
		return -1;
	}
	if (zmq_recv(monitor, address, sizeof(address), 0) < 0) {
		return -1;
	}
	memcpy(&event, raw, sizeof(event));
	memcpy(&value, raw + 2, sizeof(value));
	*event_r = event;
	*value_r = value;
	return 0;
}

/* ---- the loop ---- */

static zmq_pollitem_t *poll_items(struct line *l, zmq_pollitem_t *items, size_t *n_r)
{
	zmq_pollitem_t *grown = realloc(items, (4 + 2 * l->n_dialled) * sizeof(*grown));
	if (grown == NULL) {
		free(items);
		return NULL;
	}
	/* while the node does not take reports, nothing is read from the network: back-pressure */
	short in = line_node_takes(l) ? ZMQ_POLLIN : 0;
	size_t n = 0;
	grown[n++] = (zmq_pollitem_t){l->node, 0, (short)(ZMQ_POLLIN | (in ? 0 : ZMQ_POLLOUT)), 0};
	grown[n++] = (zmq_pollitem_t){l->zap, 0, ZMQ_POLLIN, 0};
	if (l->router != NULL) {
		grown[n++] = (zmq_pollitem_t){l->router, 0, in, 0};
		grown[n++] = (zmq_pollitem_t){l->router_monitor, 0, in, 0};
	}
	for (size_t i = 0; i < l->n_dialled; i++) {
		if (!l->dialled[i]->closing) {
			grown[n++] = (zmq_pollitem_t){l->dialled[i]->dealer, 0, in, 0};
			grown[n++] = (zmq_pollitem_t){l->dialled[i]->monitor, 0, in, 0};
		}
	}
	*n_r = n;
	return grown;
}

static int run(struct line *l)
{
	zmq_pollitem_t *items = NULL;
	while (!l->broken) {
		size_t n = 0;
		line_sweep_dialled(l);
		items = poll_items(l, items, &n);
		if (items == NULL) {
			return 1;
		}
		if (zmq_poll(items, (int)n, POLL_MS) < 0 && zmq_errno() != EINTR) {
			break;
		}
		serve_node(l);
		line_serve_zap(l);
		int64_t now_ms = line_now_ms();
		if (l->router != NULL && line_node_takes(l)) {
			line_serve_router(l);
		}
		for (size_t i = 0; i < l->n_dialled && line_node_takes(l); i++) {
			if (!l->dialled[i]->closing) {
				line_watch_dialled(l, l->dialled[i], now_ms);
				line_serve_dialled(l, l->dialled[i]);
			}
		}
	}
	free(items);
	return 1;
}

static int open_node(struct line *l, const char *endpoint)
{
	int hwm = LINE_PAIR_HWM;
	int linger = 0;
	l->node = zmq_socket(l->zmq, ZMQ_PAIR);
	return l->node != NULL && zmq_setsockopt(l->node, ZMQ_SNDHWM, &hwm, sizeof(hwm)) == 0 &&
			       zmq_setsockopt(l->node, ZMQ_RCVHWM, &hwm, sizeof(hwm)) == 0 &&
			       zmq_setsockopt(l->node, ZMQ_LINGER, &linger, sizeof(linger)) == 0
		       ? zmq_connect(l->node, endpoint)
		       : -1;
}

static void close_all(struct line *l)
{
	void **sockets[] = {&l->router_monitor, &l->router, &l->zap, &l->node};
	line_dialled_free(l);
	line_accepted_free(l);
	map_free(&l->admitted);
	if (l->router != NULL) {
		zmq_socket_monitor(l->router, NULL, 0);
	}
	for (size_t i = 0; i < sizeof(sockets) / sizeof(sockets[0]); i++) {
		if (*sockets[i] != NULL) {
			zmq_close(*sockets[i]);
		}
	}
	if (l->zmq != NULL) {
		zmq_ctx_term(l->zmq);
	}
	curve_key_wipe(&l->key);
}

int line_main(const char *curve_key_path, const char *listen, const char *node_endpoint)
{
	struct rlimit none = {0, 0};
	struct line l = {.listen = listen};
	struct rv_err e = {0};
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (prctl(PR_SET_DUMPABLE, 0) != 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
		setrlimit(RLIMIT_CORE, &none) != 0) {
		fprintf(stderr, "reeved line: memory dumps cannot be forbidden: %s\n",
			strerror(errno));
		return 1;
	}
	if (curve_key_read(curve_key_path, &l.key, &e) != 0) {
		fprintf(stderr, "reeved line: %s. %s\n", e.text, e.mend);
		return 1;
	}
	l.zmq = zmq_ctx_new();
	if (l.zmq == NULL || zmq_ctx_set(l.zmq, ZMQ_MAX_SOCKETS, 65000) != 0 ||
		open_node(&l, node_endpoint) != 0 || line_open_zap(&l) != 0) {
		fprintf(stderr, "reeved line: cannot open %s: %s\n", node_endpoint,
			zmq_strerror(zmq_errno()));
		close_all(&l);
		return 1;
	}
	report(&l, "H", 0, "", "");
	int rc = run(&l);
	close_all(&l);
	return rc;
}
