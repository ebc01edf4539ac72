/* SPDX-License-Identifier: Apache-2.0 */
#include "node/cli/cmd_authority.h"

#include <stdlib.h>
#include <string.h>
#include <openssl/crypto.h>

#include "node/cli/trust_options.h"
#include "node/trust/authority.h"

enum { MAX_PASSPHRASE = 256 };

/* Certificates count from a little before now: the clocks of others differ. */
#define BACKDATE_US (INT64_C(300) * RV_US_PER_SEC)

/* A passphrase if one is wanted: 0 and *out NULL if not. */
static int new_passphrase(struct cli *c, char buffer[MAX_PASSPHRASE], const char **out)
{
	struct options_passphrase p = {c, 1};
	*out = NULL;
	if (!cli_has(c, "passphrase") && cli_opt(c, "passphrase-file") == NULL) {
		return 0;
	}
	if (options_ask(&p, buffer, MAX_PASSPHRASE) <= 0) {
		return cli_no(c, "there is no passphrase: type it twice at the terminal, or give "
				 "--passphrase-file");
	}
	*out = buffer;
	return 0;
}

static int key_options(struct cli *c, struct authority_new *n, char buffer[MAX_PASSPHRASE])
{
	int64_t now_us = authority_now(c);
	int status = options_days(c, "days", 1825, now_us, &n->to_us);
	if (status == 0) {
		status = options_number(c, "rsa", 0, 8192, &n->rsa_bits);
	}
	if (status == 0) {
		status = new_passphrase(c, buffer, &n->passphrase);
	}
	n->from_us = now_us - BACKDATE_US;
	return status;
}

static int run_new(struct cli *c)
{
	struct rv_err e = {0};
	struct authority_new n = {.code = cli_opt(c, "code"), .name = cli_opt(c, "name")};
	char buffer[MAX_PASSPHRASE] = "";
	char until[16];
	const char *dir = cli_operand(c, 0);
	rv_xml_init(NULL);
	if (n.name == NULL) {
		return cli_usage(c, "authority new needs --name: what the authority is called");
	}
	if (n.code == NULL) {
		n.code = "AUTHORITY";
	}
	int status = options_code(c, "code", n.code);
	if (status == 0) {
		status = key_options(c, &n, buffer);
	}
	if (status == 0 && authority_create(dir, &n, &e) != 0) {
		status = cli_fail(c, &e, "the authority's folder could not be made");
	}
	OPENSSL_cleanse(buffer, sizeof(buffer));
	if (status != 0) {
		return status;
	}
	authority_day(until, n.to_us);
	authority_say(c, "Authority %s made in %s. Its certificate is valid until %s.", n.code, dir,
		until);
	authority_say(c,
		"Keep a copy of the folder where only you reach it: who has the key decides who is "
		"trusted%s.",
		n.passphrase != NULL ? "" : ", and it is under no passphrase");
	authority_say(c,
		"Give %s/authority.pem to every member, by a way that nobody else can change.",
		dir);
	authority_say(c, "Next: reeve authority admit %s JOIN.xml", dir);
	return CLI_OK;
}

static int run_rekey(struct cli *c)
{
	struct rv_err e = {0};
	struct authority *a = NULL;
	struct authority_new n = {0};
	char buffer[MAX_PASSPHRASE] = "";
	const char *dir = cli_operand(c, 0);
	int end = cli_has(c, "end");
	rv_xml_init(NULL);
	int status = end ? 0 : key_options(c, &n, buffer);
	if (status == 0 &&
		(authority_open(&a, dir, &e) != 0 ||
			(end ? authority_rekey_end(a, &e) : authority_rekey(a, &n, &e)) != 0)) {
		status = cli_fail(c, &e, NULL);
	}
	OPENSSL_cleanse(buffer, sizeof(buffer));
	authority_close(&a);
	if (status != 0) {
		return status;
	}
	if (end) {
		authority_say(
			c, "The former key is gone: lists are signed with the new one alone.");
		return CLI_OK;
	}
	authority_say(
		c, "A new key and certificate are there; both keys sign until the rotation ends.");
	authority_say(c,
		"Give %s/authority.pem, which now has both certificates, to every member (reeve "
		"trust install).",
		dir);
	authority_say(
		c, "When all have it: reeve authority rekey %s --end, and publish again.", dir);
	return CLI_OK;
}

/* ---- the commands ---- */

static const struct cli_option new_options[] = {
	{"name", 0, "NAME", "what the authority is called", NULL, 0},
	{"code", 0, "CODE", "its code (else AUTHORITY)", NULL, 0},
	{"days", 0, "N", "how long its certificate is valid (else 1825)", NULL, 0},
	{"rsa", 0, "BITS", "an RSA key, 2048 to 8192 bits (else P-256)", "3072 4096", 0},
	{"passphrase", 0, NULL, "put the key under a passphrase, asked at the terminal", NULL, 0},
	CLI_OPTION_PASSPHRASE_FILE,
	CLI_OPTION_END,
};

const struct cli_command authority_cmd_new = {
	.name = "new",
	.operands = "ADIR",
	.summary = "make the folder of an authority: key, certificate, empty draft",
	.options = new_options,
	.min_operands = 1,
	.max_operands = 1,
	.values = CLI_DIRS,
	.run = run_new,
};

static const struct cli_option rekey_options[] = {
	{"days", 0, "N", "how long the new certificate is valid (else 1825)", NULL, 0},
	{"rsa", 0, "BITS", "an RSA key, 2048 to 8192 bits (else P-256)", "3072 4096", 0},
	{"end", 0, NULL, "end the rotation: forget the former key", NULL, 0},
	{"passphrase", 0, NULL, "put the key under a passphrase, asked at the terminal", NULL, 0},
	CLI_OPTION_PASSPHRASE_FILE,
	CLI_OPTION_END,
};

const struct cli_command authority_cmd_rekey = {
	.name = "rekey",
	.operands = "ADIR",
	.summary = "rotate the key of the authority",
	.options = rekey_options,
	.min_operands = 1,
	.max_operands = 1,
	.values = CLI_DIRS,
	.run = run_rekey,
};
