/* SPDX-License-Identifier: Apache-2.0 */
#include "node/cli/cmd_authority.h"

#include <stdlib.h>
#include <string.h>

#include "node/cli/trust_options.h"
#include "node/trust/authority.h"

enum { MAX_JOIN = 64 << 10 };

static unsigned role_bit(const char *text)
{
	return rv_role_parse(text);
}

static const char all_roles[] = "administration right-holder coordinator relay";

static void describe(struct cli *c, const struct rv_join *j, const char *fingerprint)
{
	authority_say(c, "%s, %s", j->party.code, j->party.name);
	for (unsigned bit = RV_ROLE_ADMINISTRATION; bit <= RV_ROLE_RELAY; bit <<= 1) {
		if (j->party.roles & bit) {
			authority_say(c, "  asks for    %s", rv_role_text((enum rv_role)bit));
		}
	}
	for (size_t i = 0; i < j->party.n_endpoints; i++) {
		authority_say(c, "  listens at  %s", j->party.endpoints[i]);
	}
	for (size_t i = 0; i < j->party.n_via; i++) {
		authority_say(c, "  served via  %s", j->party.via[i]);
	}
	authority_say(c, "  fingerprint %s", fingerprint);
}

static int read_join(struct cli *c, struct rv_join *j, char fingerprint[RV_FINGERPRINT_TEXT])
{
	struct rv_err e = {0};
	struct rv_buf wire = {0};
	const char *path = cli_operand(c, 1);
	const char *expected = cli_opt(c, "fingerprint");
	int status = 0;
	if (cli_read(c, path, MAX_JOIN, &wire, &e) != 0 ||
		rv_join_read(j, wire.data, wire.len, &e) != 0) {
		status = cli_fail(c, &e, "%s", path);
	} else if (rv_join_fingerprint(j, fingerprint, &e) != 0) {
		status = cli_fail(c, &e, NULL);
	} else if (expected != NULL && strcasecmp(expected, fingerprint) != 0) {
		status = cli_no(c,
			"the fingerprint of %s is %s, not %s: this is not the request that the "
			"member made",
			path, fingerprint, expected);
	}
	rv_buf_free(&wire);
	return status;
}

static int run_admit(struct cli *c)
{
	struct rv_err e = {0};
	struct rv_join j = {.made_us = 0};
	struct authority *a = NULL;
	struct options_passphrase p = {c, 0};
	struct issue_ask ask = {options_ask, &p};
	struct authority_admit how = {
		.ask = &ask, .now_us = authority_now(c), .renew = cli_has(c, "renew")};
	char fingerprint[RV_FINGERPRINT_TEXT] = "";
	char until[16];
	unsigned overlap = 0;
	int64_t until_us = 0;
	int waits = 0;
	const char *zero = cli_opt(c, "overlap");
	rv_xml_init(NULL);
	int status = options_days(c, "days", 730, how.now_us, &how.to_us);
	if (status == 0) {
		status = options_bits(c, "role", role_bit, all_roles, &how.roles);
	}
	if (status == 0 && (zero == NULL || strcmp(zero, "0") != 0)) {
		status = options_number(c, "overlap", 14, 3650, &overlap);
	}
	how.overlap_us = (int64_t)overlap * 86400 * RV_US_PER_SEC;
	if (status == 0) {
		status = read_join(c, &j, fingerprint);
	}
	if (status == 0 && (authority_open(&a, cli_operand(c, 0), &e) != 0 ||
				   authority_admit(a, &j, &how, &until_us, &waits, &e) != 0)) {
		status = cli_fail(c, &e, "%s is not admitted", j.party.code);
	}
	if (status == 0) {
		authority_day(until, until_us);
		describe(c, &j, fingerprint);
		authority_say(c, "%s in the draft, with a certificate until %s.",
			how.renew ? "Renewed" : "Admitted", until);
		if (cli_opt(c, "fingerprint") == NULL) {
			authority_say(c, "Before you publish: have the member read its fingerprint "
					 "to you by "
					 "telephone.");
		}
		if (waits) {
			authority_say(c,
				"The draft names a member that is not admitted yet: it cannot be "
				"published before.");
		}
	}
	authority_close(&a);
	rv_join_clear(&j);
	return status;
}

static int run_remove(struct cli *c)
{
	struct rv_err e = {0};
	struct authority *a = NULL;
	const char *code = cli_operand(c, 1);
	rv_xml_init(NULL);
	int status = CLI_OK;
	if (authority_open(&a, cli_operand(c, 0), &e) != 0 || authority_remove(a, code, &e) != 0) {
		status = cli_fail(c, &e, "%s is not removed", code);
	} else {
		authority_say(c,
			"%s is out of the draft and of its operations. Publish now: it is trusted "
			"until the others have the new "
			"list.",
			code);
	}
	authority_close(&a);
	return status;
}

/* ---- the commands ---- */

static const struct cli_option admit_options[] = {
	{"days", 0, "N", "how long the certificate is valid (else 730, at most the authority's)",
		NULL, 0},
	{"role", 0, "ROLE", "the role it gets, instead of those it asks for",
		"administration right-holder coordinator relay", 1},
	{"fingerprint", 0, "TEXT", "what the member read to you: anything else is refused", NULL,
		0},
	{"renew", 0, NULL, "the member is listed already and brings new keys", NULL, 0},
	{"overlap", 0, "DAYS",
		"with --renew: how long the former keys remain (else 14; 0 after a theft)", NULL,
		0},
	CLI_OPTION_PASSPHRASE_FILE,
	CLI_OPTION_END,
};

const struct cli_command authority_cmd_admit = {
	.name = "admit",
	.operands = "ADIR JOIN.xml",
	.summary = "admit who asks to join, and issue the certificate",
	.details =
		"The request proves that its sender has the signing key, not who the sender is:\n"
		"compare the fingerprint with the member by telephone before you publish.",
	.options = admit_options,
	.min_operands = 2,
	.max_operands = 2,
	.values = CLI_FILES,
	.run = run_admit,
};

static const struct cli_option no_options[] = {CLI_OPTION_END};

const struct cli_command authority_cmd_remove = {
	.name = "remove",
	.operands = "ADIR CODE",
	.summary = "take a member out of the list and of its operations",
	.options = no_options,
	.min_operands = 2,
	.max_operands = 2,
	.values = CLI_DIRS,
	.run = run_remove,
};
