/* SPDX-License-Identifier: Apache-2.0 */
#ifndef NODE_CLI_COMMANDS_H
#define NODE_CLI_COMMANDS_H

#include "node/cli/cli.h"

/* Each in its file, cmd_NAME.c. */
extern const struct cli_command cmd_help;

#endif
