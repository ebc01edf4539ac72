/* SPDX-License-Identifier: Apache-2.0 */
#ifndef NODE_CLI_INSIDE_H
#define NODE_CLI_INSIDE_H

#include "node/cli/cli.h"

/* What the files of the command line share, and commands do not see. */

enum { CLI_MAX_OPTIONS = 64, CLI_MAX_PATH = 3 };

struct cli_given { /* one option as it was given */
	const struct cli_option *option;
	const char *value; /* NULL: a flag */
};

struct cli {
	FILE *in, *out, *err;
	const struct cli_command *path[CLI_MAX_PATH]; /* command, sub-command */
	size_t n_path;
	struct cli_given *given;
	size_t n_given;
	const char **operands;
	size_t n_operands;
	const char **values; /* scratch of cli_opt_all */
	struct conf *conf;
	struct rv_catalog *catalog;
	void (*release)(struct cli *c); /* frees both; set once one is held */
};

/* The command that runs; NULL before it is known. */
static inline const struct cli_command *cli_current(const struct cli *c)
{
	return c->n_path ? c->path[c->n_path - 1] : NULL;
}

/* Fills path, given and operands. 0, or CLI_USAGE after saying why. */
int cli_parse(struct cli *c, int argc, char *const *argv);
/* Goes into the command of that name in the table: adds it to path. 0, or CLI_USAGE after saying
 * what is near. */
int cli_enter(struct cli *c, const char *word, const struct cli_command *const *table);
/* Names of options and commands that a typo may have meant: the nearest of the table, NULL if none
 * is near. */
const char *cli_nearest_command(const char *name, const struct cli_command *const *table);
size_t cli_distance(const char *a, const char *b);

/* "reeve trust show" of the current command, into a buffer. */
void cli_path_text(const struct cli *c, char *out, size_t size);
void cli_help(struct cli *c); /* of the current command, or of the program */

#endif
