/* SPDX-License-Identifier: Apache-2.0 */
#include "node/cli/commands.h"

const struct cli_command *const cli_commands[] = {
	&cmd_init,
	&cmd_trust,
	&cmd_completion,
	&cmd_help,
	NULL,
};
