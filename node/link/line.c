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

/* The line process: its loop, and what its sides share. */

enum { POLL_MS = 200, FILES_WANTED = 8192 };

int64_t line_now_ms(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* ---- who is admitted ---- */

void line_key_hash(const char *key, uint8_t hash[MAP_KEY_LEN])
{
	uint8_t digest[RV_DIGEST_LEN];
	rv_sha256(digest, key, strlen(key));
	memcpy(hash, digest, MAP_KEY_LEN);
}

const char *line_admitted_as(const struct line *l, const char *key)
{
	uint8_t hash[MAP_KEY_LEN];
	line_key_hash(key, hash);
	return map_get(&l->admitted, hash);
}

/* ---- sockets ---- */

int line_set_int(void *socket, int option, int value)
{
	return zmq_setsockopt(socket, option, &value, sizeof(value));
}

/* A dead peer is noticed by the session's pings; the kernel's probes are for connections that have
 * no session yet. */
int line_tune(void *socket)
{
	static const int options[][2] = {
		{ZMQ_LINGER, 0},
		{ZMQ_IPV6, 1},
		{ZMQ_SNDHWM, LINE_SEND_HWM},
		{ZMQ_RCVHWM, LINE_RECV_HWM},
		{ZMQ_HANDSHAKE_IVL, LINE_HANDSHAKE_MS},
		{ZMQ_TCP_KEEPALIVE, 1},
		{ZMQ_TCP_KEEPALIVE_IDLE, 60},
		{ZMQ_TCP_KEEPALIVE_INTVL, 15},
		{ZMQ_TCP_KEEPALIVE_CNT, 4},
		{ZMQ_TCP_MAXRT, 60000},
	};
	int64_t max = LINE_PART_MAX;
	int rc = zmq_setsockopt(socket, ZMQ_MAXMSGSIZE, &max, sizeof(max));
	for (size_t i = 0; rc == 0 && i < sizeof(options) / sizeof(options[0]); i++) {
		rc = line_set_int(socket, options[i][0], options[i][1]);
	}
	return rc;
}

void *line_monitor(void *zmq, void *socket, const char *name, int events)
{
	void *monitor = zmq_socket(zmq, ZMQ_PAIR);
	if (monitor == NULL || line_set_int(monitor, ZMQ_RCVHWM, 0) != 0 ||
		zmq_socket_monitor(socket, name, events) != 0 || zmq_connect(monitor, name) != 0) {
		if (monitor != NULL) {
			zmq_close(monitor);
		}
		return NULL;
	}
	return monitor;
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

void line_frame_drop(struct line_frame *f)
{
	while (f->n > 0) {
		zmq_msg_close(&f->parts[--f->n]);
	}
	f->bytes = 0;
	f->oversize = 0;
}

int line_collect(void *from, struct line_frame *f)
{
	int more = zmq_msg_more(&f->parts[0]);
	f->bytes = zmq_msg_size(&f->parts[0]);
	while (more) {
		zmq_msg_t spare;
		zmq_msg_t *part = f->n < LINE_FRAME_PARTS ? &f->parts[f->n] : &spare;
		zmq_msg_init(part);
		if (zmq_msg_recv(part, from, ZMQ_DONTWAIT) < 0) {
			zmq_msg_close(part);
			return -1;
		}
		more = zmq_msg_more(part);
		f->bytes += zmq_msg_size(part);
		if (f->bytes > LINE_FRAME_MAX || part == &spare) {
			f->oversize = 1;
			zmq_msg_close(part);
		} else {
			f->n++;
		}
	}
	return 0;
}

/* ---- the loop ---- */

static zmq_pollitem_t *poll_items(struct line *l, zmq_pollitem_t *items, size_t *n_r)
{
	zmq_pollitem_t *grown = realloc(items, (5 + 2 * l->n_dialled) * sizeof(*grown));
	if (grown == NULL) {
		free(items);
		return NULL;
	}
	/* while the node does not take frames, none is read from the network: back-pressure */
	int takes = line_node_takes(l);
	size_t n = 0;
	grown[n++] = (zmq_pollitem_t){l->node, 0, line_node_events(l), 0};
	grown[n++] = (zmq_pollitem_t){l->node_monitor, 0, ZMQ_POLLIN, 0};
	grown[n++] = (zmq_pollitem_t){l->zap, 0, ZMQ_POLLIN, 0};
	if (l->router != NULL) {
		grown[n++] = (zmq_pollitem_t){l->router_monitor, 0, ZMQ_POLLIN, 0};
	}
	if (l->router != NULL && line_router_serves(l)) {
		grown[n++] = (zmq_pollitem_t){l->router, 0, ZMQ_POLLIN, 0};
	}
	for (size_t i = 0; i < l->n_dialled; i++) {
		struct dialled *d = l->dialled[i];
		if (d->dealer != NULL) {
			grown[n++] = (zmq_pollitem_t){d->monitor, 0, ZMQ_POLLIN, 0};
		}
		if (d->dealer != NULL && takes) {
			grown[n++] = (zmq_pollitem_t){d->dealer, 0, ZMQ_POLLIN, 0};
		}
	}
	*n_r = n;
	return grown;
}

static void tick(struct line *l)
{
	int64_t now_ms = line_now_ms();
	int tally = now_ms - l->tallied_ms >= POLL_MS;
	if (now_ms - l->ticked_ms < LINE_SOON_MS) {
		return;
	}
	l->ticked_ms = now_ms;
	l->tallied_ms = tally ? now_ms : l->tallied_ms;
	l->hurry = 0;
	line_tick_accepted(l, now_ms, tally);
	line_tick_dialled(l, now_ms, tally);
}

static void round_of(struct line *l)
{
	line_node_flush(l);
	line_node_serve(l);
	line_serve_zap(l);
	line_watch_router(l);
	l->router_empty = 0;
	line_serve_router(l);
	for (size_t i = 0; i < l->n_dialled; i++) {
		line_watch_dialled(l, l->dialled[i]);
		line_serve_dialled(l, l->dialled[i]);
	}
	tick(l);
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
		if (zmq_poll(items, (int)n, l->hurry ? LINE_SOON_MS : POLL_MS) < 0 &&
			zmq_errno() != EINTR) {
			break;
		}
		round_of(l);
	}
	free(items);
	return l->node_gone ? 0 : 1;
}

/* The node's last words to the peers are still to go. */
static void let_last_frames_go(struct line *l)
{
	for (size_t i = 0; i < l->n_dialled; i++) {
		l->dialled[i]->farewell = 1;
	}
	if (l->router != NULL) {
		line_set_int(l->router, ZMQ_LINGER, LINE_FAREWELL_MS);
	}
}

static void close_all(struct line *l)
{
	void **sockets[] = {&l->router_monitor, &l->router, &l->node_monitor, &l->zap, &l->node};
	if (l->node_gone) {
		let_last_frames_go(l);
	}
	line_dialled_free(l);
	line_accepted_free(l);
	line_node_free(l);
	line_admitted_free(&l->admitted);
	if (l->router != NULL) {
		zmq_socket_monitor(l->router, NULL, 0);
	}
	if (l->node != NULL) {
		zmq_socket_monitor(l->node, NULL, 0);
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

/* Connections are bounded by what the system lets us open: libzmq would turn in circles at that
 * limit. */
static size_t connections_max(void)
{
	struct rlimit files = {0};
	if (getrlimit(RLIMIT_NOFILE, &files) != 0) {
		return LINE_SILENT_MAX;
	}
	if (files.rlim_cur < FILES_WANTED) {
		files.rlim_cur = files.rlim_max < FILES_WANTED ? files.rlim_max : FILES_WANTED;
		setrlimit(RLIMIT_NOFILE, &files);
		getrlimit(RLIMIT_NOFILE, &files);
	}
	return files.rlim_cur / 2 < LINE_ACCEPTED_MAX ? (size_t)files.rlim_cur / 2
						      : LINE_ACCEPTED_MAX;
}

static int harden(void)
{
	struct rlimit none = {0, 0};
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	return prctl(PR_SET_DUMPABLE, 0) == 0 && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
			       setrlimit(RLIMIT_CORE, &none) == 0
		       ? 0
		       : -1;
}

int line_main(const char *curve_key_path, const char *listen, const char *node_endpoint)
{
	struct rv_err e = {0};
	int rc = 1;
	if (harden() != 0) {
		fprintf(stderr, "reeved line: memory dumps cannot be forbidden: %s\n",
			strerror(errno));
		return 1;
	}
	struct line *l = calloc(1, sizeof(*l));
	if (l == NULL) {
		fprintf(stderr, "reeved line: memory is short\n");
		return 1;
	}
	l->listen = listen;
	l->arrivals_max = connections_max();
	if (curve_key_read(curve_key_path, &l->key, &e) != 0) {
		fprintf(stderr, "reeved line: %s. %s\n", e.text, e.mend);
		goto out;
	}
	l->zmq = zmq_ctx_new();
	if (l->zmq == NULL || zmq_ctx_set(l->zmq, ZMQ_MAX_SOCKETS, FILES_WANTED) != 0 ||
		line_node_open(l, node_endpoint) != 0 || line_open_zap(l) != 0) {
		fprintf(stderr, "reeved line: cannot open %s: %s\n", node_endpoint,
			zmq_strerror(zmq_errno()));
		goto out;
	}
	line_tell_ready(l);
	rc = run(l);
out:
	close_all(l);
	free(l);
	return rc;
}
