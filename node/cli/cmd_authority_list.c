/* SPDX-License-Identifier: Apache-2.0 */
#include "node/cli/cmd_authority.h"

#include "node/api/json.h"
#include "node/cli/trust_options.h"
#include "node/cli/trust_page.h"
#include "node/trust/authority.h"

/* ---- publish ---- */

void authority_say_outcome(
	struct cli *c, const char *dir, const char *out, const struct authority_outcome *r)
{
	char until[RV_STAMP_TEXT];
	const char *missing = (const char *)r->missing.data;
	rv_stamp_text(until, r->until_us);
	if (r->complete) {
		authority_say(c,
			"Trust list %llu is in %s%s. It expires at %s: publish the next one "
			"before.",
			(unsigned long long)r->number, out != NULL ? out : dir,
			out != NULL ? "" : "/trust.xml", until);
		return;
	}
	authority_say(c,
		"Trust list %llu is a proposal, in %s%s: it has %u of the %u signatures that it "
		"needs.",
		(unsigned long long)r->number, out != NULL ? out : dir,
		out != NULL ? "" : "/proposal.xml", r->have, r->need);
	authority_say(c, "Not signed yet: %s. Send it to who is to sign: reeve authority sign.",
		r->missing.len > 0 ? missing : "");
}

static int run_publish(struct cli *c)
{
	struct rv_err e = {0};
	struct authority *a = NULL;
	struct options_passphrase p = {.cli = c};
	struct issue_ask ask = {options_ask, &p};
	struct authority_publish how = {
		.ask = &ask, .now_us = authority_now(c), .out = cli_opt(c, "out")};
	struct authority_outcome r = {0};
	unsigned wanted = 0;
	const char *dir = cli_operand(c, 0);
	rv_xml_init(NULL);
	int status = options_days(c, "days", 30, how.now_us, &how.to_us);
	if (status == 0) {
		status = options_number(c, "number", 0, UINT32_MAX, &wanted);
	}
	how.number = wanted;
	if (status == 0 &&
		(authority_open(&a, dir, &e) != 0 || authority_publish(a, &how, &r, &e) != 0)) {
		status = cli_fail(c, &e, "the list is not published");
	}
	authority_close(&a);
	if (status == 0) {
		authority_say_outcome(c, dir, how.out, &r);
	}
	authority_outcome_clear(&r);
	return status;
}

/* ---- show ---- */

static int run_show(struct cli *c)
{
	struct rv_err e = {0};
	struct authority *a = NULL;
	struct rv_trust *t = NULL;
	rv_xml_init(NULL);
	int rc = authority_open(&a, cli_operand(c, 0), &e);
	if (rc == 0) {
		rc = authority_draft(a, &t, &e);
	}
	int status = rc == 0 ? trust_page(c, t) : cli_fail(c, &e, NULL);
	rv_trust_unref(&t);
	authority_close(&a);
	return status;
}

/* ---- the commands ---- */

static const struct cli_option publish_options[] = {
	{"out", 'o', "FILE", "where the list goes (else ADIR/trust.xml)", CLI_FILES, 0},
	{"days", 0, "N", "how long the list is valid (else 30)", NULL, 0},
	{"number", 0, "N", "its number, if more than the next one (after a restore)", NULL, 0},
	CLI_OPTION_PASSPHRASE_FILE,
	CLI_OPTION_END,
};

const struct cli_command authority_cmd_publish = {
	.name = "publish",
	.operands = "ADIR",
	.summary = "sign the draft as the next list",
	.details =
		"Where several coordinators must sign, the list is a proposal until they have\n"
		"signed it with 'reeve authority sign'.",
	.options = publish_options,
	.min_operands = 1,
	.max_operands = 1,
	.values = CLI_DIRS,
	.run = run_publish,
};

static const struct cli_option show_options[] = {
	CLI_OPTION_JSON,
	CLI_OPTION_END,
};

const struct cli_command authority_cmd_show = {
	.name = "show",
	.operands = "ADIR",
	.summary = "show the draft of the list",
	.options = show_options,
	.min_operands = 1,
	.max_operands = 1,
	.values = CLI_DIRS,
	.run = run_show,
};
