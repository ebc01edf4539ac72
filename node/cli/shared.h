/* SPDX-License-Identifier: Apache-2.0 */
#ifndef NODE_CLI_SHARED_H
#define NODE_CLI_SHARED_H

#include <jansson.h>

#include "node/cli/cli.h"
#include "protocol/check.h"
#include "protocol/msg.h"
#include "protocol/trustlist.h"

/* What several commands use. */

/* Kinds that `reeve new` offers, ended by NULL. */
extern const char *const cli_templates[];

/* The word of a list (ended by NULL) that a typo may have meant, NULL if none is near. */
const char *cli_nearest(const char *word, const char *const *list);

/* Text of an SGR sequence if colours are on, "" if not: cli_sgr(c, "1;31"), then cli_sgr(c, "0").
 */
const char *cli_sgr(const struct cli *c, const char *code);

/* Prints JSON, indented, and releases it. value NULL: memory was short. CLI_OK or CLI_NO. */
int cli_print_json(struct cli *c, json_t *value);

/* "FILE:line:column: error: text [RULE]", the path and the mend below it, for each fault. */
void cli_print_report(struct cli *c, const char *file, const struct rv_report *report);
/* "2 errors, 1 warning" */
void cli_report_words(char *out, size_t size, size_t errors, size_t warnings);

/*
 * The trust list, checked against the authority: --trust and --authority (either may be absent) or
 * those of the configuration. An expired one is taken: who looks back asks about the past. *t_r is
 * a reference.
 */
int cli_trust(struct cli *c, struct rv_trust **t_r, struct rv_err *e);
/* For the options of commands that use cli_trust. */
#define CLI_OPTION_TRUST                                                                           \
	{                                                                                          \
		"trust", 't', "FILE", "the trust list (else the configuration's)", CLI_FILES, 0    \
	}
#define CLI_OPTION_AUTHORITY                                                                       \
	{                                                                                          \
		"authority", 'A', "FILE",                                                          \
			"certificate of the trust list's authority, PEM (else the "                \
			"configuration's)",                                                        \
			CLI_FILES, 0                                                               \
	}

/* A labelled line of a page: "  label        text", wrapped. The text is made safe. */
void cli_line(struct cli *c, const char *label, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* The header of a message as lines. */
void cli_page_header(struct cli *c, const struct rv_header *h);
/* Of a message as the API gives it: what was known of its signer's certificate when it was taken, and
 * whether it was revoked since. */
void cli_standing(struct cli *c, const json_t *message);
/* Every section present, element by element, in words; then those of the mask withheld. */
void cli_page_sections(struct cli *c, const xmlDoc *doc, unsigned withheld);

#endif
