/* SPDX-License-Identifier: Apache-2.0 */
#include "node/cli/inside.h"

#include <string.h>

static size_t option_left(const struct cli_option *o, char *out, size_t size)
{
	char letter[8] = "    ";
	if (o->letter)
		snprintf(letter, sizeof letter, "-%c, ", o->letter);
	int n = snprintf(out, size, "  %s--%s%s%s", letter, o->name, o->arg ? " " : "",
		o->arg ? o->arg : "");
	return n > 0 ? (size_t)n : 0;
}

static void print_options(FILE *f, const struct cli_option *options)
{
	char left[96];
	size_t width = 0;
	for (const struct cli_option *o = options; o && o->name; o++) {
		size_t n = option_left(o, left, sizeof left);
		width = n > width ? n : width;
	}
	for (const struct cli_option *o = options; o && o->name; o++) {
		option_left(o, left, sizeof left);
		fprintf(f, "%-*s  %s%s\n", (int)width, left, o->words,
			o->many ? " (may be repeated)" : "");
	}
}

static void print_commands(FILE *f, const struct cli_command *const *table)
{
	size_t width = 0;
	for (const struct cli_command *const *p = table; *p; p++)
		width = strlen((*p)->name) > width ? strlen((*p)->name) : width;
	for (const struct cli_command *const *p = table; *p; p++)
		fprintf(f, "  %-*s  %s\n", (int)width, (*p)->name, (*p)->summary);
}

static void help_of_program(FILE *f)
{
	fputs("Usage: reeve [-c FILE] COMMAND ...\n\n"
	      "Exchanges signed messages between customs administrations.\n\nCommands:\n",
		f);
	print_commands(f, cli_commands);
	fputs("\nOptions:\n", f);
	print_options(f, cli_global_options);
	fputs("\n'reeve COMMAND --help' tells more about a command; reeve(1) tells all.\n", f);
}

void cli_help(struct cli *c)
{
	const struct cli_command *cmd = cli_current(c);
	FILE *f = c->out;
	if (!cmd) {
		help_of_program(f);
		return;
	}
	char path[96];
	cli_path_text(c, path, sizeof path);
	int has_options = cmd->options && cmd->options->name;
	fprintf(f, "Usage: %s%s%s%s\n\n%s\n", path, has_options ? " [OPTION]..." : "",
		cmd->subs || cmd->operands[0] ? " " : "", cmd->subs ? "COMMAND ..." : cmd->operands,
		cmd->summary);
	if (cmd->details)
		fprintf(f, "\n%s\n", cmd->details);
	if (cmd->subs) {
		fputs("\nCommands:\n", f);
		print_commands(f, cmd->subs);
	}
	if (has_options) {
		fputs("\nOptions:\n", f);
		print_options(f, cmd->options);
	}
	fputs("\nEverywhere:\n", f);
	print_options(f, cli_global_options);
}
