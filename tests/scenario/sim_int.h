/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_SIM_INT_H
#define TESTS_SIM_INT_H

#include "tests/scenario/sim.h"

/* The inside of the simulation: sim.c has time, network and connections, sim_node.c the model of store and intake. */

enum { CONNS = 4, NOBODY = SIM_NODES };

struct event;
typedef void event_fn(struct sim *sim, struct event *ev);
struct event {
	int64_t at_us;
	uint64_t order;
	event_fn *run;
	void *on;
	uint64_t u[4];
	void *data;       /* free()d after the run */
};

struct half {
	struct sim *sim;
	struct conn *conn;
	unsigned node, peer;
	struct session *session;
	uint64_t serial;
	size_t queued;            /* bytes in the channel */
	int64_t busy_until_us, last_delivery_us;
	int want_write, pump_waits;
};

struct conn {
	unsigned pair, dialler;
	uint64_t epoch;
	uint64_t order;
	int up, closing;
	struct half half[2];      /* of the lower node, of the upper node */
};

struct message {
	unsigned from, to, priority;
	size_t len;
	unsigned blobs[4];
	size_t n_blobs;
	int64_t stored_us;
};

struct held {             /* a message at a node */
	int accepted, complete, settled;
	int64_t seq;
	unsigned source;      /* NOBODY: our own */
	unsigned char seen[SIM_NODES];   /* receipts by signer: bits of stages */
};

struct queued_receipt {
	int64_t id;
	uint8_t *bytes;
	size_t len;
	int done;
};

struct node {
	unsigned index;
	uint64_t epoch;
	struct held held[SIM_MESSAGES];
	uint16_t order[SIM_MESSAGES + 1];    /* by seq */
	int64_t last_seq;
	uint64_t have[SIM_BLOBS], synced[SIM_BLOBS];
	int spoiled[SIM_BLOBS];              /* turned out altered once */
	struct queued_receipt *receipts[SIM_NODES];  /* towards */
	size_t n_receipts[SIM_NODES], cap_receipts[SIM_NODES];
	uint64_t at_intake[SIM_NODES];
	int64_t chunks_until_us;
};

struct sim {
	struct sim_params p;
	uint64_t rng;
	int64_t now_us;
	struct event **heap;
	size_t n_events, cap_events;
	uint64_t last_order, last_serial;
	struct conn conns[CONNS];
	struct node nodes[SIM_NODES];
	struct message messages[SIM_MESSAGES];
	size_t n_messages;
	uint64_t blob_size[SIM_BLOBS];
	struct sim_counts counts;
};

void sim_fail(struct sim *sim, const char *fmt, ...) __attribute__((format(printf, 2, 3), noreturn));
double sim_chance(struct sim *sim);                       /* 0..1 */
struct event *sim_at(struct sim *sim, int64_t at_us, event_fn *run, void *on);
struct session_time sim_time(const struct sim *sim);
const char *sim_code(unsigned node);

/* After anything was done with a session: pumps it, looks whether it ended, chooses who leads. */
void half_after(struct half *h);
/* Calls fn for each live session of a node towards that peer (NOBODY: any). */
void node_each(struct sim *sim, unsigned node, unsigned peer, void (*fn)(struct session *s));
struct session *half_session(struct half *h, uint64_t serial);  /* NULL: another one by now */

/* ---- the model ---- */
extern const struct session_calls node_calls;             /* all but send, up, ended */
void node_init(struct sim *sim, unsigned index);
void node_free(struct node *n);
void node_submit(struct sim *sim, size_t message);
void node_restart(struct sim *sim, unsigned index);
int node_all_done(const struct sim *sim);

/* session_calls of the network, in sim.c */
int net_send(void *ctx, const struct rv_span *parts, size_t n);
void net_up(void *ctx, const struct rv_hello *peer);
void net_ended(void *ctx, const struct session_end *end);

#endif
