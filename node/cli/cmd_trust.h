/* SPDX-License-Identifier: Apache-2.0 */
#ifndef NODE_CLI_CMD_TRUST_H
#define NODE_CLI_CMD_TRUST_H

#include "node/cli/cli.h"

/* The sub-commands of `reeve trust`. */
extern const struct cli_command trust_show;
extern const struct cli_command trust_verify;
extern const struct cli_command trust_install;

#endif
