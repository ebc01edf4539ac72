/* SPDX-License-Identifier: Apache-2.0 */
#ifndef NODE_CLI_TRUST_OPTIONS_H
#define NODE_CLI_TRUST_OPTIONS_H

#include "node/cli/cli.h"
#include "node/trust/issue.h"

/* Values of options that `reeve init` and `reeve authority` share. Each says what is wrong and
 * returns CLI_USAGE, or 0. */

/* A whole number from 1 to max; fallback if the option is not given. */
int options_number(
	struct cli *c, const char *option, unsigned fallback, unsigned max, unsigned *out);
/* Days from now on, as a point in time. */
int options_days(
	struct cli *c, const char *option, unsigned fallback, int64_t now_us, int64_t *out_us);
/* A date or a moment. end: a date means its last second. 0 if the option is not given. */
int options_when(struct cli *c, const char *option, const char *text, int end, int64_t *out_us);
/* Words of a repeatable option, each possibly several with commas between: parse gives the bit of
 * one, 0 if unknown. */
int options_bits(struct cli *c, const char *option, unsigned (*parse)(const char *),
	const char *known, unsigned *out);
int options_code(struct cli *c, const char *option, const char *text);

/* Where the passphrase of a key comes from: --passphrase-file, else the terminal. */
struct options_passphrase {
	struct cli *cli;
	int twice; /* asked twice: a new one */
};
int options_ask(void *ctx, char *out, size_t size);
/* The PIN of a token that no file has, from the terminal. */
int options_ask_pin(void *ctx, char *out, size_t size);

#define CLI_OPTION_PASSPHRASE_FILE                                                                 \
	{                                                                                          \
		"passphrase-file", 0, "FILE", "first line: the passphrase of the authority's key", \
			CLI_FILES, 0                                                               \
	}

#endif
