/* SPDX-License-Identifier: Apache-2.0 */
#include "node/cli/commands.h"

#include "node/cli/shared.h"

static int run(struct cli *c)
{
	struct rv_err e = {0};
	const struct rv_catalog *catalog;
	const char *kind = cli_operand(c, 0);
	if (cli_catalog(c, &catalog, &e))
		return cli_fail(c, &e, NULL);
	struct rv_buf text = {0};
	int rc =
		rv_catalog_template_at(catalog, kind, cli_clock(c).now_us(cli_clock(c).ctx), &text);
	if (rc == RV_ENOTFOUND) {
		const char *near = cli_nearest(kind, cli_templates);
		return near ? cli_usage(c, "there is no kind '%s'; did you mean '%s'?", kind, near)
			    : cli_usage(c, "there is no kind '%s'", kind);
	}
	int status = CLI_OK;
	if (rc)
		status = cli_no(c, "memory is short");
	else if (cli_write(c, cli_opt(c, "out"), 0644, text.data, text.len, &e))
		status = cli_fail(c, &e, NULL);
	rv_buf_free(&text);
	return status;
}

static const struct cli_option options[] = {
	{"out", 'o', "FILE", "write there instead of the standard output", CLI_FILES, 0},
	CLI_OPTION_END,
};

const struct cli_command cmd_new = {
	.name = "new",
	.operands = "KIND",
	.summary = "print a filled-in draft of a kind, to be edited",
	.details =
		"Kinds: seizure-short, seizure-long, warning, alert, feedback, situation-report,\n"
		"update, cancel, request, reply, operation. \"seizure\" is the short form.\n"
		"The values are examples: change them, then run 'reeve check' on the file.",
	.options = options,
	.min_operands = 1,
	.max_operands = 1,
	.values = CLI_KINDS,
	.run = run,
};
