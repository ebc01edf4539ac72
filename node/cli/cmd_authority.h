/* SPDX-License-Identifier: Apache-2.0 */
#ifndef NODE_CLI_CMD_AUTHORITY_H
#define NODE_CLI_CMD_AUTHORITY_H

#include "node/cli/cli.h"
#include "node/trust/authority.h"

/* The sub-commands of `reeve authority`: the coordinator's work in the folder of an authority. */
extern const struct cli_command authority_cmd_new;
extern const struct cli_command authority_cmd_admit;
extern const struct cli_command authority_cmd_remove;
extern const struct cli_command authority_cmd_operation;
extern const struct cli_command authority_cmd_show;
extern const struct cli_command authority_cmd_publish;
extern const struct cli_command authority_cmd_sign;
extern const struct cli_command authority_cmd_cosigner;
extern const struct cli_command authority_cmd_quorum;
extern const struct cli_command authority_cmd_rekey;

/* What they share. */
int64_t authority_now(const struct cli *c);
void authority_day(char out[16], int64_t t_us); /* "2026-11-24" */
/* Prints a line to cli_out, safely. */
void authority_say(struct cli *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Where a list is, and what it still needs. */
void authority_say_outcome(
	struct cli *c, const char *dir, const char *out, const struct authority_outcome *r);

#endif
