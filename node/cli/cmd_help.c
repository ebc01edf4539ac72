/* SPDX-License-Identifier: Apache-2.0 */
#include "node/cli/commands.h"

#include <string.h>

#include "node/cli/inside.h"

/* The help of the command named, as `reeve NAME --help` gives it. */
static int run(struct cli *c)
{
	const char *const *words;
	size_t n = cli_operands(c, &words);
	c->n_path = 0;
	const struct cli_command *const *table = cli_commands;
	for (size_t i = 0; i < n && i < CLI_MAX_PATH; i++) {
		int r = cli_enter(c, words[i], table);
		if (r)
			return r;
		table = cli_current(c)->subs;
		if (!table && i + 1 < n)
			return cli_usage(c, "%s has no sub-commands", words[i]);
	}
	cli_help(c);
	return CLI_OK;
}

const struct cli_command cmd_help = {
	.name = "help",
	.operands = "[COMMAND]...",
	.summary = "tell what a command does",
	.max_operands = 2,
	.values = CLI_COMMANDS,
	.run = run,
};
