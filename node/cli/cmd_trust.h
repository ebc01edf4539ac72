/* SPDX-License-Identifier: Apache-2.0 */
#ifndef NODE_CLI_CMD_TRUST_H
#define NODE_CLI_CMD_TRUST_H

#include "node/cli/cli.h"
#include "protocol/trustlist.h"

/* The sub-commands of `reeve trust`. */
extern const struct cli_command trust_show;
extern const struct cli_command trust_verify;
extern const struct cli_command trust_install;
extern const struct cli_command trust_cmd_diff;
extern const struct cli_command trust_cmd_history;

/* A list in a file. authority NULL: nobody vouches for it, and it has 0 signers. now_us as in
 * rv_trust_read. */
int trust_read_file(struct cli *c, const char *path, const char *authority, int64_t now_us,
	struct rv_trust **t_r, struct rv_err *e);

#endif
