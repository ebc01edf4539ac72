/* SPDX-License-Identifier: Apache-2.0 */
#include "node/cli/cmd_authority.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "node/cli/trust_changes.h"
#include "node/cli/trust_options.h"
#include "node/trust/authority_sign.h"

/* ---- co-signer, quorum ---- */

static int cosigner_add(struct cli *c, struct authority *a, const char *path)
{
	struct rv_err e = {0};
	struct rv_cert *cert = NULL;
	char code[RV_CODE_TEXT];
	char digest[RV_DIGEST_TEXT];
	int status = authority_read_cert(c, path, 0, &cert);
	if (status == 0 && authority_cosigner_add(a, cert, code, &e) != 0) {
		status = cli_fail(c, &e, "%s is not taken in", path);
	}
	if (status == 0) {
		rv_hex(digest, rv_cert_digest(cert), RV_DIGEST_LEN);
		authority_say(c, "%s signs lists from the next one on.", code);
		authority_say(c, "  SHA-256 %s", digest);
		authority_say(c, "Have it read to you by telephone before you publish.");
	}
	rv_cert_free(&cert);
	return status;
}

static int run_cosigner(struct cli *c)
{
	struct rv_err e = {0};
	struct authority *a = NULL;
	const char *verb = cli_operand(c, 1);
	const char *what = cli_operand(c, 2);
	int adds = strcmp(verb, "add") == 0;
	rv_xml_init(NULL);
	if (!adds && strcmp(verb, "remove") != 0) {
		return cli_usage(c, "'%s' is neither add nor remove", verb);
	}
	if (!adds) {
		int status = options_code(c, "remove", what);
		if (status != 0) {
			return status;
		}
	}
	if (authority_open(&a, cli_operand(c, 0), &e) != 0) {
		return cli_fail(c, &e, NULL);
	}
	int status = adds ? cosigner_add(c, a, what) : 0;
	if (!adds && authority_cosigner_remove(a, what, &e) != 0) {
		status = cli_fail(c, &e, "%s is not taken out", what);
	} else if (!adds) {
		authority_say(c, "%s signs lists no more, from the next one on.", what);
	}
	authority_close(&a);
	return status;
}

static int run_quorum(struct cli *c)
{
	struct rv_err e = {0};
	struct authority *a = NULL;
	const char *text = cli_operand(c, 1);
	rv_xml_init(NULL);
	if (text[0] < '1' || text[0] > '9' || text[1] != '\0') {
		return cli_usage(c, "quorum needs a number from 1 to 8, not '%s'", text);
	}
	unsigned quorum = (unsigned)(text[0] - '0');
	int status = 0;
	if (authority_open(&a, cli_operand(c, 0), &e) != 0 ||
		authority_quorum(a, quorum, &e) != 0) {
		status = cli_fail(c, &e, NULL);
	} else {
		authority_say(c, "From the next list on %u must sign.", quorum);
	}
	authority_close(&a);
	return status;
}

/* ---- sign ---- */

/* The question, on a terminal. 1: yes. */
static int confirmed(struct cli *c)
{
	char line[16] = "";
	if (!isatty(fileno(cli_in(c)))) {
		return 0;
	}
	fputs("Sign it? [y/N] ", cli_err(c));
	fflush(cli_err(c));
	return fgets(line, sizeof(line), cli_in(c)) != NULL && (line[0] == 'y' || line[0] == 'Y');
}

static int show_changes(struct cli *c, const struct authority_proposal *p)
{
	struct rv_err e = {0};
	struct trust_diff *d = NULL;
	const struct trust_change *changes;
	const struct rv_trust *list = authority_proposal_list(p);
	const struct rv_trust *last = authority_proposal_last(p);
	char expires[RV_STAMP_TEXT];
	if (trust_diff_new(&d, last, list, &e) != 0) {
		return cli_fail(c, &e, NULL);
	}
	rv_stamp_text(expires, rv_trust_expires(list));
	authority_say(c, "Trust list %llu of %s, until %s.",
		(unsigned long long)rv_trust_number(list), rv_trust_authority(list), expires);
	if (last == NULL) {
		authority_say(c, "This folder knows no list yet: all of it is new.");
	} else {
		authority_say(c, "Against list %llu it %s",
			(unsigned long long)rv_trust_number(last),
			trust_diff_changes(d, &changes) > 0 ? "changes:" : "changes nothing.");
	}
	int status = trust_changes_print(c, d);
	fflush(cli_out(c));
	trust_diff_free(&d);
	return status;
}

static int sign(struct cli *c, struct authority *a, const struct authority_proposal *p)
{
	struct rv_err e = {0};
	struct options_passphrase ask_ctx = {.cli = c};
	struct issue_ask ask = {options_ask, &ask_ctx};
	struct authority_sign how = {&ask, authority_now(c), cli_opt(c, "out")};
	struct authority_outcome r = {0};
	int aside = 0;
	const char *dir = cli_operand(c, 0);
	if (authority_sign(a, p, &how, &r, &aside, &e) != 0) {
		return cli_fail(c, &e, "the list is not signed");
	}
	authority_say_outcome(c, dir, how.out, &r);
	if (aside) {
		authority_say(c,
			"The draft had changes that are not in the list: they are in "
			"%s/list.before.xml. The draft goes on from the list.",
			dir);
	}
	authority_outcome_clear(&r);
	return CLI_OK;
}

static int run_sign(struct cli *c)
{
	struct rv_err e = {0};
	struct rv_buf wire = {0};
	struct authority *a = NULL;
	struct authority_proposal *p = NULL;
	const char *path = cli_operand(c, 1);
	rv_xml_init(NULL);
	int rc = authority_open(&a, cli_operand(c, 0), &e);
	if (rc == 0) {
		rc = cli_read(c, path, rv_xml_limits_trust.bytes, &wire, &e);
	}
	if (rc == 0) {
		rc = authority_proposal_read(a, wire.data, wire.len, authority_now(c), &p, &e);
		if (rc != 0) {
			rv_err_prefix(&e, "%s", path);
		}
	}
	int status = rc == 0 ? show_changes(c, p) : cli_fail(c, &e, NULL);
	if (status == 0 && !authority_proposal_signed(p) && !cli_has(c, "yes") && !confirmed(c)) {
		status = cli_no(c, "not signed: say yes at the terminal, or give --yes");
	}
	if (status == 0) {
		status = sign(c, a, p);
	}
	authority_proposal_free(&p);
	authority_close(&a);
	rv_buf_free(&wire);
	return status;
}

/* ---- the commands ---- */

static const struct cli_option no_options[] = {CLI_OPTION_END};

const struct cli_command authority_cmd_cosigner = {
	.name = "co-signer",
	.operands = "ADIR add|remove CERT.pem|CODE",
	.summary = "take in, or out, another coordinator who signs lists",
	.details = "Each coordinator has a folder and a key of its own; what is added is its file\n"
		   "own.pem. A certificate of a code that signs already replaces the former one.",
	.options = no_options,
	.min_operands = 3,
	.max_operands = 3,
	.values = CLI_FILES,
	.run = run_cosigner,
};

const struct cli_command authority_cmd_quorum = {
	.name = "quorum",
	.operands = "ADIR N",
	.summary = "set how many coordinators must sign a list",
	.options = no_options,
	.min_operands = 2,
	.max_operands = 2,
	.values = CLI_DIRS,
	.run = run_quorum,
};

static const struct cli_option sign_options[] = {
	{"out", 'o', "FILE", "where the list goes (else ADIR/proposal.xml, or ADIR/trust.xml)",
		CLI_FILES, 0},
	{"yes", 'y', NULL, "sign without asking at the terminal", NULL, 0},
	CLI_OPTION_PASSPHRASE_FILE,
	CLI_OPTION_END,
};

const struct cli_command authority_cmd_sign = {
	.name = "sign",
	.operands = "ADIR LIST.xml",
	.summary = "show what a proposed list changes, and sign it",
	.details = "For the other coordinators of a list. A list that is complete by it is kept,\n"
		   "and the draft of the folder goes on from there; hand it to all the folders.",
	.options = sign_options,
	.min_operands = 2,
	.max_operands = 2,
	.values = CLI_FILES,
	.run = run_sign,
};
