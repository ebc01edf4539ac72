/* SPDX-License-Identifier: Apache-2.0 */
#ifndef NODE_CLI_CMD_TRUST_H
#define NODE_CLI_CMD_TRUST_H

#include "node/cli/cli.h"

/* The sub-commands of `reeve trust`. Of the coordinator, in the folder of an authority: */
extern const struct cli_command trust_new;
extern const struct cli_command trust_admit;
extern const struct cli_command trust_remove;
extern const struct cli_command trust_operation;
extern const struct cli_command trust_publish;
extern const struct cli_command trust_rekey;
/* ...and of anyone: */
extern const struct cli_command trust_show;
extern const struct cli_command trust_verify;
extern const struct cli_command trust_install;

#endif
