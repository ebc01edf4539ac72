/* SPDX-License-Identifier: Apache-2.0 */
#ifndef NODE_SUPERVISE_H
#define NODE_SUPERVISE_H

#include "node/config/conf.h"
#include "node/log/log.h"
#include "protocol/signer.h"

/*
 * The supervisor: starts the three roles of a node (keeper, line, node) as processes of this same
 * program, and starts all anew when one of them ends, whatever its exit status: the store is the
 * only state that counts. It reads no key and no peer's byte.
 *
 * Roles are told by arguments: --role=keeper --channel=FD, --role=line, --role=node --channel=FD
 * --ready=FD. The node writes a byte to the ready descriptor once it serves. They are killed when
 * the supervisor is.
 *
 * After an end that nobody asked for it waits before it starts again: SUPERVISE_WAIT_MIN_MS, twice
 * as long each time up to SUPERVISE_WAIT_MAX_MS. The wait begins anew after the node has served for
 * SUPERVISE_SETTLED_MS.
 */
enum {
	SUPERVISE_WAIT_MIN_MS = 200,
	SUPERVISE_WAIT_MAX_MS = 30000,
	SUPERVISE_SETTLED_MS = 60000,
	SUPERVISE_STOP_NODE_MS = 30000, /* to finish what it has begun */
	SUPERVISE_STOP_LINE_MS = 3000,  /* to let the last frames go */
	SUPERVISE_STOP_KEEPER_MS = 1000
};

/*
 * The exit status of a role that wants all roles started again, as after a change of keys: they are
 * stopped in the order of a stop and started at once, and it does not count as a fault. Asked for
 * before the node served, it is one.
 */
enum { ROLE_EXIT_RESTART = 75 };

/*
 * Until SIGTERM or SIGINT. These, SIGHUP and SIGCHLD are blocked by the caller and stay blocked in
 * the roles. The end of a stop: the node is asked first (SIGTERM), then the line, which sends what
 * it still has, then the keeper; who does not end in its time is killed. SIGHUP changes nothing and
 * is logged: there is no file to reopen, and the trust list is read when it changes.
 *
 * clock is a monotonic one (env_monotonic). Returns the exit status: 0 after a stop, 1 if the node
 * never served.
 */
int supervise_run(const struct conf *conf, const char *conf_path, struct log *log,
	struct rv_clock clock);

/* The wait after an end, given the wait before (0: none yet) and how long the node had served (0:
 * not at all). */
unsigned supervise_wait_ms(unsigned before_ms, int64_t served_ms);

/* The ipc:// endpoint of line and node in the run directory. Empty if the path is too long for a
 * Unix socket. */
void supervise_line_endpoint(const struct conf *conf, char *out, size_t size);

#endif
