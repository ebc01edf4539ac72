/* SPDX-License-Identifier: Apache-2.0 */
#ifndef NODE_CLI_COMMANDS_H
#define NODE_CLI_COMMANDS_H

#include "node/cli/cli.h"

/* Each in its file, cmd_NAME.c. */
extern const struct cli_command cmd_new;
extern const struct cli_command cmd_check;
extern const struct cli_command cmd_send;
extern const struct cli_command cmd_inbox;
extern const struct cli_command cmd_outbox;
extern const struct cli_command cmd_show;
extern const struct cli_command cmd_reply;
extern const struct cli_command cmd_export;
extern const struct cli_command cmd_verify;
extern const struct cli_command cmd_status;
extern const struct cli_command cmd_links;
extern const struct cli_command cmd_quarantine;
extern const struct cli_command cmd_codes;
extern const struct cli_command cmd_operation;
extern const struct cli_command cmd_init;
extern const struct cli_command cmd_invite;
extern const struct cli_command cmd_join;
extern const struct cli_command cmd_approve;
extern const struct cli_command cmd_rotate;
extern const struct cli_command cmd_trust;
extern const struct cli_command cmd_authority;
extern const struct cli_command cmd_completion;
extern const struct cli_command cmd_help;

#endif
