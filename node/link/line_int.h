/* SPDX-License-Identifier: Apache-2.0 */
#ifndef NODE_LINE_INT_H
#define NODE_LINE_INT_H

#include <zmq.h>

#include "node/link/curve_key.h"
#include "node/link/line.h"
#include "node/link/line_lookup.h"
#include "node/link/line_tcp.h"
#include "node/link/map.h"

/*
 * What the parts of the line process share. One thread, besides libzmq's own and those that look
 * names up.
 *
 * libzmq's I/O thread blocks when a socket's monitor is not read, and with it everything stands
 * still, the channel to the node too. So: monitors have no bound and are read in every round, and
 * nothing here ever waits for the node.
 */

#define LINE_ACCEPTED (UINT64_C(1) << 63)

enum {
	LINE_PART_MAX = 2 << 20,   /* bytes of one part */
	LINE_FRAME_MAX = 16 << 20, /* bytes of all parts of a frame */
	LINE_FRAME_PARTS = 1030,
	LINE_SEND_HWM = 1200,        /* frames waiting for one peer... */
	LINE_OUT_MAX = 128 << 20,    /* ...and their bytes */
	LINE_RECV_HWM = 16,          /* frames of one peer waiting for us */
	LINE_UNENDED_MAX = 64 << 20, /* bytes of one peer without the end of a frame... */
	LINE_UNSPOKEN_MAX = 1 << 20, /* ...and with its handshake, before the first has ended */
	LINE_PAIR_HWM = 1000,
	LINE_HANDSHAKE_MS = 10000,
	LINE_SILENT_MS = 15000, /* an accepted connection has spoken by then */
	LINE_SILENT_MAX = 128,  /* accepted, and not yet spoken */
	LINE_ACCEPTED_MAX = 1024,
	LINE_OF_KEY_MAX = 8,
	LINE_STUCK_MS = 2000, /* cut, and libzmq still holds it, because of frames not read */
	LINE_STUCK_MAX = 64,
	LINE_FAREWELL_MS = 500, /* for the last frames when the node closes a connection */
	LINE_GRACE_MS = 50,     /* a lost connection's last frames may come after its end is told */
	LINE_REFUSALS_A_SECOND = 20,
	LINE_BACKLOG = 128,
	LINE_SOON_MS = 20
};

/* A frame on its way through. */
struct line_frame {
	zmq_msg_t parts[LINE_FRAME_PARTS];
	size_t n;
	size_t bytes;
	int oversize; /* it was larger, or had more parts: what is here is not all */
};

/* What the node is to be told, when it does not take it now. */
struct line_report {
	struct line_report *next;
	char kind;
	uint64_t number;
	char key[RV_CURVE_KEY_TEXT];
	char text[256];
};

struct dialled {
	uint64_t number;
	void *dealer;
	void *monitor;
	struct line_tcp tcp;
	char key[RV_CURVE_KEY_TEXT];
	char endpoint[256];
	struct lookup *lookup;         /* of its name, while it lasts */
	struct addrinfo *found, *next; /* its addresses; the one to try next */
	unsigned attempts;
	int connected, up;
	int64_t gone_ms; /* its end was told: what came before is still to be read. 0: not */
	char reason[200];
	int closing;  /* to be swept away */
	int farewell; /* ...but what was sent may still go */
	int64_t dialled_ms, tried_ms;
};

/* A TCP connection that was accepted, from the first packet to the last. */
struct arrival {
	struct line_tcp tcp;
	int64_t since_ms;
	struct accepted *spoke;
	int64_t cut_ms; /* 0: not */
};

/* A connection that came through the handshake and has spoken. */
struct accepted {
	uint64_t number;
	char key[RV_CURVE_KEY_TEXT];
	struct arrival *arrival; /* NULL: gone */
	int64_t since_ms;
	int64_t gone_ms;
	int64_t closing_ms; /* not heard any more since then; the node knows its end. 0: heard */
};

struct line {
	void *zmq;
	void *node; /* PAIR */
	void *node_monitor;
	void *zap; /* REP */
	void *router;
	void *router_monitor;
	struct curve_key key;
	struct map admitted;       /* hash of key > label */
	struct map accepted;       /* number > struct accepted */
	struct arrival **arrivals; /* by file descriptor */
	size_t n_arrivals;
	size_t arrivals_max;
	size_t n_stuck;      /* LINE_STUCK_MS */
	int router_empty;    /* nothing more was there to be read this round */
	const char *failure; /* of the handshake whose end comes next from the monitor */
	struct dialled **dialled;
	size_t n_dialled;
	struct line_report *reports; /* oldest first */
	struct line_report **reports_end;
	uint64_t told_bytes, taken_bytes; /* to the node in all, and taken by it */
	struct line_frame frame;
	int64_t refusal_second;
	unsigned refusals;
	int64_t ticked_ms, tallied_ms;
	int hurry;          /* look again soon */
	const char *listen; /* bound once the node has said whom to admit; then "" */
	int node_gone;
	int broken; /* we cannot go on */
};

int64_t line_now_ms(void);
int line_set_int(void *socket, int option, int value);
/* The options that both sides' sockets have. */
int line_tune(void *socket);
void line_key_hash(const char *key, uint8_t hash[MAP_KEY_LEN]);
/* The label of an admitted key, NULL if it is not admitted. */
const char *line_admitted_as(const struct line *l, const char *key);
/* A monitor for those events, on a PAIR of its own. NULL if it cannot be. */
void *line_monitor(void *zmq, void *socket, const char *name, int events);
/* A monitor event: its number and value. 0, or -1 when there is none now. */
int line_monitor_event(void *monitor, int *event_r, int *value_r);
void line_admitted_free(struct map *admitted);
/* Reads the rest of a multi-part message whose first part is in frame (n is 1). */
int line_collect(void *from, struct line_frame *f);
void line_frame_drop(struct line_frame *f);

/* line_node.c: the channel to the node */
int line_node_open(struct line *l, const char *endpoint);
short line_node_events(const struct line *l);
int line_node_takes(const struct line *l); /* whether a frame may be read from the network */
void line_node_serve(struct line *l);
void line_node_flush(struct line *l);
void line_node_free(struct line *l);
/* Empties the frame. */
void line_tell_frame(
	struct line *l, uint64_t number, const char *key, const char *label, struct line_frame *f);
void line_tell_up(struct line *l, uint64_t number, const char *key);
void line_tell_down(struct line *l, uint64_t number, const char *key, const char *reason);
void line_tell_refused(struct line *l, const char *key, const char *address, const char *reason);
void line_tell_ready(struct line *l);
void line_tell_listening(struct line *l, const char *endpoint);
/*
 * The rest of the node's order, to a socket, or away if that is NULL. The bytes they are on the
 * wire; -1 if they did not go.
 */
int64_t line_pass_on(struct line *l, void *to);

/* line_accept.c */
int line_open_zap(struct line *l);
int line_listen(struct line *l, const char *endpoint);
void line_serve_zap(struct line *l);
int line_router_serves(const struct line *l); /* whether the router is read now */
void line_serve_router(struct line *l);
void line_watch_router(struct line *l);
void line_tick_accepted(struct line *l, int64_t now_ms, int tally);
/* The parts are still to be received from the node. */
void line_send_accepted(struct line *l, uint64_t number);
void line_close_accepted(struct line *l, uint64_t number);
void line_cut_strangers(struct line *l, int some_left);
void line_accepted_free(struct line *l);

/* line_dial.c */
void line_dial(struct line *l, uint64_t number, const char *endpoint, const char *server_key);
void line_serve_dialled(struct line *l, struct dialled *d);
void line_watch_dialled(struct line *l, struct dialled *d);
void line_tick_dialled(struct line *l, int64_t now_ms, int tally);
void line_send_dialled(struct line *l, uint64_t number);
void line_close_dialled(struct line *l, uint64_t number);
void line_drop_strangers(struct line *l);
void line_sweep_dialled(struct line *l);
void line_dialled_free(struct line *l);

#endif
