/* SPDX-License-Identifier: Apache-2.0 */
#include "node/cli/cmd_authority.h"

#include <string.h>

#include "node/cli/trust_options.h"
#include "node/trust/authority_ca.h"

enum { MAX_FOR = 1000 };

/* ---- issuer ---- */

static int issuer_add(struct cli *c, struct authority *a, const char *path)
{
	struct rv_err e = {0};
	struct rv_cert *cert = NULL;
	const char *crl[ISSUE_URLS] = {NULL}, *ocsp[ISSUE_URLS] = {NULL};
	const char *const *members;
	char digest[RV_DIGEST_TEXT];
	size_t n = cli_opt_all(c, "for", &members);
	struct authority_issuer how = {.crl_urls = crl,
		.n_crl_urls = ISSUE_URLS,
		.ocsp_urls = ocsp,
		.n_ocsp_urls = ISSUE_URLS,
		.members = members,
		.n_members = n};
	int status = n <= MAX_FOR ? 0 : cli_usage(c, "--for is given more than %d times", MAX_FOR);
	for (size_t i = 0; i < n && status == 0; i++) {
		status = options_code(c, "for", members[i]);
	}
	if (status == 0) {
		status = authority_url_options(c, "crl-url", crl);
	}
	if (status == 0) {
		status = authority_url_options(c, "ocsp-url", ocsp);
	}
	/* the values of --for are in a scratch that the next option takes */
	how.n_members = cli_opt_all(c, "for", &how.members);
	if (status == 0) {
		status = authority_read_cert(c, path, 1, &cert);
	}
	if (status == 0 && authority_issuer_add(a, cert, &how, &e) != 0) {
		status = cli_fail(c, &e, "%s is not listed", path);
	}
	if (status == 0) {
		rv_hex(digest, rv_cert_digest(cert), RV_DIGEST_LEN);
		authority_say(c, "The issuer %.16s is in the draft%s.", digest,
			n > 0 ? ", for the members given" : ", for every member");
		authority_say(c, "  SHA-256 %s", digest);
	}
	rv_cert_free(&cert);
	return status;
}

static int run_issuer(struct cli *c)
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
	if (authority_open(&a, cli_operand(c, 0), &e) != 0) {
		return cli_fail(c, &e, NULL);
	}
	int status = adds ? issuer_add(c, a, what) : 0;
	if (!adds && authority_issuer_remove(a, what, authority_now(c), &e) != 0) {
		status = cli_fail(c, &e, "%s is not taken out", what);
	} else if (!adds) {
		authority_say(c, "The issuer %s is out of the draft.", what);
	}
	authority_close(&a);
	return status;
}

/* ---- checking ---- */

static int run_checking(struct cli *c)
{
	static const char *const modes[] = {"off", "soft", "hard"};
	struct rv_err e = {0};
	struct authority *a = NULL;
	struct rv_checking checking = {RV_CHECKING_OFF, 0};
	const char *role = cli_operand(c, 1);
	const char *mode = cli_operand(c, 2);
	unsigned bit = rv_role_parse(role);
	unsigned hours = 0;
	rv_xml_init(NULL);
	if (bit == 0) {
		return cli_usage(c,
			"'%s' is no role; there are: administration right-holder coordinator "
			"relay",
			role);
	}
	int m = RV_CHECKING_OFF;
	while (m <= RV_CHECKING_HARD && strcmp(modes[m], mode) != 0) {
		m++;
	}
	if (m > RV_CHECKING_HARD) {
		return cli_usage(c, "'%s' is none of off, soft and hard", mode);
	}
	checking.mode = (enum rv_checking_mode)m;
	int status = options_number(c, "max-age-hours", 72, 8760, &hours);
	checking.max_age_us = (int64_t)hours * 3600 * RV_US_PER_SEC;
	if (status == 0 && (authority_open(&a, cli_operand(c, 0), &e) != 0 ||
				   authority_checking(a, (enum rv_role)bit, &checking, &e) != 0)) {
		status = cli_fail(c, &e, NULL);
	}
	if (status == 0) {
		authority_say(c,
			"%s: %s, with a status of at most %u hours. In the draft: publish.", role,
			mode, hours);
	}
	authority_close(&a);
	return status;
}

/* ---- the commands ---- */

static const struct cli_option issuer_options[] = {
	{"crl-url", 0, "URL", "where its CRL is", NULL, 1},
	{"ocsp-url", 0, "URL", "where its OCSP responder is", NULL, 1},
	{"for", 0, "CODE", "a member that it may certify (else every member)", NULL, 1},
	CLI_OPTION_END,
};

const struct cli_command authority_cmd_issuer = {
	.name = "issuer",
	.operands = "ADIR add|remove CA.pem|SHA-256",
	.summary = "list a certification authority of which members' certificates may come",
	.details =
		"Adding it again changes what is said of it. Compare its SHA-256 with its owner\n"
		"by another way. It is taken out by the first digits of that.",
	.options = issuer_options,
	.min_operands = 3,
	.max_operands = 3,
	.values = CLI_FILES,
	.run = run_issuer,
};

static const struct cli_option checking_options[] = {
	{"max-age-hours", 0, "N", "how old a status may be (else 72)", NULL, 0},
	CLI_OPTION_END,
};

const struct cli_command authority_cmd_checking = {
	.name = "checking",
	.operands = "ADIR ROLE off|soft|hard",
	.summary = "say what is done about the revocation status of members' certificates",
	.details = "off: the list alone tells. soft: a message passes although the status of its\n"
		   "signer's certificate is unknown, and is marked so. hard: it waits.",
	.options = checking_options,
	.min_operands = 3,
	.max_operands = 3,
	.values = CLI_DIRS,
	.run = run_checking,
};
