/* SPDX-License-Identifier: Apache-2.0 */
#ifndef NODE_SUPERVISE_H
#define NODE_SUPERVISE_H

#include "node/config/conf.h"
#include "node/log/log.h"

/*
 * The supervisor: starts the three roles of a node (keeper, line, node) as processes of this same
 * program, and starts all anew when one of them dies: the store is the only state that counts. It
 * reads no key and no peer's byte.
 *
 * Roles are told by arguments: --role=keeper --channel=FD, --role=line, --role=node --channel=FD
 * --ready=FD.
 */

/* Until SIGTERM or SIGINT (blocked by the caller). Returns the exit status: 0 after a clean stop, 1
 * if the node could not start at all. */
int supervise_run(const struct conf *conf, const char *conf_path, struct log *log);

/* The ipc:// endpoint of line and node in the run directory. Empty if the path is too long for a
 * Unix socket. */
void supervise_line_endpoint(const struct conf *conf, char *out, size_t size);

#endif
