/* SPDX-License-Identifier: Apache-2.0 */
#ifndef NODE_LINE_INT_H
#define NODE_LINE_INT_H

#include <zmq.h>

#include "node/link/curve_key.h"
#include "node/link/line.h"
#include "node/link/map.h"

/* What the parts of the line process share. One thread. */

#define LINE_ACCEPTED (UINT64_C(1) << 63)

enum {
	LINE_MESSAGE_MAX = 2 << 20, /* bytes of one part */
	LINE_SEND_HWM = 1200,       /* frames waiting for one peer: its credit allows fewer */
	LINE_PAIR_HWM = 1000,
	LINE_HANDSHAKE_MS = 10000,
	LINE_REFUSALS_A_SECOND = 20,
	LINE_BACKLOG = 128
};

struct dialled {
	uint64_t number;
	void *dealer;
	void *monitor;
	char key[RV_CURVE_KEY_TEXT];
	char endpoint[256];
	int up;
	int closing;
	int64_t dialled_ms;
};

struct accepted {
	uint64_t number;
	char key[RV_CURVE_KEY_TEXT];
	int fd; /* of its TCP connection: to cut it */
};

struct line {
	void *zmq;
	void *node; /* PAIR */
	void *zap;  /* REP */
	void *router;
	void *router_monitor;
	struct curve_key key;
	struct map admitted; /* hash of key > a mark */
	struct map accepted; /* number > struct accepted */
	struct dialled **dialled;
	size_t n_dialled;
	int64_t refusal_second;
	unsigned refusals;
	const char *listen; /* bound once the node has said whom to admit; then "" */
	int broken;         /* the node's end is gone, or we cannot go on */
};

int64_t line_now_ms(void);
int line_is_admitted(const struct line *l, const char *key);
/* Reports to the node. A frame: the first part, then the rest from the socket it comes from. */
int line_node_takes(struct line *l);
void line_report_first(struct line *l, uint64_t number, const char *key, zmq_msg_t *first);
void line_report_rest(struct line *l, void *from, zmq_msg_t *part); /* closes part */
void line_report_up(struct line *l, uint64_t number, const char *key);
void line_report_down(struct line *l, uint64_t number, const char *key, const char *reason);
void line_report_refused(struct line *l, const char *key, const char *address, const char *reason);
/* line_accept.c */
int line_open_zap(struct line *l);
int line_listen(struct line *l, const char *endpoint);
void line_serve_zap(struct line *l);
void line_serve_router(struct line *l);
void line_watch_router(struct line *l);
void line_send_accepted(
	struct line *l, uint64_t number); /* the parts are still to be received from node */
void line_close_accepted(struct line *l, uint64_t number);
void line_cut_strangers(struct line *l);
void line_accepted_free(struct line *l);
/* line_dial.c */
void line_dial(struct line *l, uint64_t number, const char *endpoint, const char *server_key);
void line_serve_dialled(struct line *l, struct dialled *d);
void line_watch_dialled(struct line *l, struct dialled *d, int64_t now_ms);
void line_send_dialled(struct line *l, uint64_t number);
void line_close_dialled(struct line *l, uint64_t number);
void line_sweep_dialled(struct line *l);
void line_dialled_free(struct line *l);
/* Moves the rest of the node's multi-part message to a socket, or throws it away if to is NULL. 0
 * if all went. */
int line_pass_on(struct line *l, void *to);
/* A monitor event: its number and value. 0, or -1 when there is none now. */
int line_monitor_event(void *monitor, int *event_r, int *value_r);

#endif
