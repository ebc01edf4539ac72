/* SPDX-License-Identifier: Apache-2.0 */
#ifndef NODE_DAEMON_NODE_H
#define NODE_DAEMON_NODE_H

#include "node/config/conf.h"
#include "node/log/log.h"

/*
 * The node role: everything of the daemon but the keys and the CURVE sockets. Wires the parts in
 * the order in which they depend on each other, and takes them down in the opposite order.
 */
struct node_wires {
	int keeper;                /* channel to the keeper, taken over; the committer's */
	const char *line_endpoint; /* ipc:// of the PAIR with the line */
};

/* Runs until SIGTERM or SIGINT (blocked by the caller, taken here by signalfd), or until new keys are
 * ready: then *restart_r is 1. ready is called once everything serves. */
int node_run(const struct conf *conf, const struct node_wires *wires, struct log *log,
	void (*ready)(void *ctx), void *ctx, int *restart_r, struct rv_err *e);

#endif
