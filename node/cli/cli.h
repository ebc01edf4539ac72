/* SPDX-License-Identifier: Apache-2.0 */
#ifndef NODE_CLI_H
#define NODE_CLI_H

#include <stdarg.h>
#include <stdio.h>

#include "node/config/conf.h"
#include "protocol/buf.h"
#include "protocol/catalog.h"
#include "protocol/err.h"
#include "protocol/signer.h"

/*
 * The command line `reeve`. Commands are data: one table (commands.c) of name, summary, options and
 * function feeds the dispatcher, --help, the shell completion and the test of the man page.
 *
 * To add a command: a file cmd_NAME.c with a `const struct cli_command cmd_NAME`, one line in
 * commands.c, one paragraph in reeve.1. Everything runs in one thread.
 *
 * A command returns CLI_OK, CLI_NO (it could not be done, or the answer is no) or CLI_USAGE.
 * It writes its result to cli_out and everything else (errors, progress) to cli_err.
 */

enum { CLI_OK = 0, CLI_NO = 1, CLI_USAGE = 2 };

struct cli;

/* What completes a value or operand: a fixed set, or one of the words below. */
#define CLI_FILES "@files" /* file names */
#define CLI_DIRS "@dirs"
#define CLI_KINDS "@kinds" /* kinds of message that have a template */
#define CLI_LISTS "@lists" /* code lists */
#define CLI_COMMANDS "@commands"

struct cli_option {
	const char *name;   /* long name without the dashes; NULL ends the table */
	char letter;        /* 0: only the long form */
	const char *arg;    /* what its value is called ("FILE"); NULL: a flag */
	const char *words;  /* one line for help and completion: lower case, no full stop */
	const char *values; /* CLI_FILES..., or "administration relay" (space separated); NULL:
			       unknown */
	int many;           /* 1: may be given more than once */
};

/* --json, the same in every command that lists. */
#define CLI_OPTION_JSON                                                                            \
	{                                                                                          \
		"json", 0, NULL, "print JSON for programs", NULL, 0                                \
	}
#define CLI_OPTION_END                                                                             \
	{                                                                                          \
		NULL, 0, NULL, NULL, NULL, 0                                                       \
	}

struct cli_command {
	const char *name;
	const char *operands; /* as the synopsis has them: "FILE...", "" for none */
	const char *summary;  /* one line: lower case, no full stop */
	const char *details;  /* paragraphs for --help, each line at most 78 columns; NULL */
	const struct cli_option *options;      /* NULL: none but --help */
	const struct cli_command *const *subs; /* sub-commands, ended by NULL; then run is NULL */
	int min_operands, max_operands;        /* max -1: no limit */
	const char *values;                    /* what completes the operands, as in cli_option */
	int (*run)(struct cli *c);
};

/* All commands, in the order of the help; ended by NULL. */
extern const struct cli_command *const cli_commands[];
/* Options that stand before or after any command: -c FILE, --help, --version. */
extern const struct cli_option cli_global_options[];

/* The whole program: parses, runs the command, returns the exit status. Streams are not closed. */
int cli_main(int argc, char *const *argv, FILE *in, FILE *out, FILE *err);

/* ---- what the user gave ---- */
int cli_has(const struct cli *c, const char *option); /* how often it was given */
const char *cli_opt(
	const struct cli *c, const char *option); /* the last value, NULL if not given */
/* All values of an option in order; the array is the cli's. */
size_t cli_opt_all(const struct cli *c, const char *option, const char *const **values_r);
size_t cli_operands(const struct cli *c, const char *const **operands_r);
const char *cli_operand(const struct cli *c, size_t i); /* NULL past the end */
int cli_json(const struct cli *c);                      /* 1 if --json */

/* ---- where it goes ---- */
FILE *cli_in(const struct cli *c);
FILE *cli_out(const struct cli *c);
FILE *cli_err(const struct cli *c);
/* 1 if out is a terminal; colours only then, and without NO_COLOR or TERM=dumb. */
int cli_out_tty(const struct cli *c);
int cli_colours(const struct cli *c);
int cli_columns(const struct cli *c); /* width of the terminal; 80 if unknown */

/* ---- what went wrong: each prints to cli_err and returns the status, for `return cli_fail(...)`
 * ---- */
/* "reeve: doing: text (rule, line 3, column 9)" and the mend on a line of its own. doing may be
 * NULL. CLI_NO. */
int cli_fail(struct cli *c, const struct rv_err *e, const char *doing, ...)
	__attribute__((format(printf, 3, 4)));
/* "reeve: text". CLI_NO. */
int cli_no(struct cli *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* "reeve: text", and where the help is. CLI_USAGE. */
int cli_usage(struct cli *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* ---- the world ---- */
struct rv_clock cli_clock(const struct cli *c);
struct rv_random cli_random(const struct cli *c);

/* The configuration named by -c or REEVE_CONF, read at the first call; borrowed. RV_ECONFIG with a
 * mend when none is named. */
int cli_conf(struct cli *c, const struct conf **conf_r, struct rv_err *e);
/* Schemas and code lists: REEVE_SCHEMAS, else those of the configuration if there is one, else the
 * installed ones. Borrowed. */
int cli_catalog(struct cli *c, const struct rv_catalog **catalog_r, struct rv_err *e);

/* ---- files ---- */
/* Reads a whole file ("-": cli_in) of at most max bytes; appends to out. */
int cli_read(struct cli *c, const char *path, size_t max, struct rv_buf *out, struct rv_err *e);
/* Writes a whole file ("-" or NULL: cli_out): beside it first, synced, then moved into place. An
 * existing file is replaced. */
int cli_write(struct cli *c, const char *path, unsigned mode, const void *data, size_t len,
	struct rv_err *e);

#endif
