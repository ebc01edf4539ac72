/* SPDX-License-Identifier: Apache-2.0 */
#ifndef NODE_CLI_SEND_H
#define NODE_CLI_SEND_H

#include "node/cli/client.h"

/*
 * Submits a draft with what the options --attach, --to, --dry-run and --id say, and tells what
 * became of it. file names the draft in faults; operation NULL: the draft's. Returns the exit
 * status.
 */
int cli_send(struct cli *c, struct client *client, const char *file, const struct rv_buf *draft,
	const char *operation);

#endif
