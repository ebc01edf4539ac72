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

/* What the options say of a new key; what they point to is kept until the end. */
struct given {
	struct authority_new n;
	struct token_place place;
	char *module, *pin_file;
	struct issue_ask ask;
	char passphrase[MAX_PASSPHRASE];
};

static void clear(struct given *g)
{
	free(g->module);
	free(g->pin_file);
	OPENSSL_cleanse(g->passphrase, sizeof(g->passphrase));
}

/* A passphrase if one is wanted. */
static int new_passphrase(struct cli *c, struct given *g)
{
	struct options_passphrase p = {.cli = c, .twice = 1};
	if (!cli_has(c, "passphrase") && cli_opt(c, "passphrase-file") == NULL) {
		return 0;
	}
	if (g->n.token != NULL) {
		return cli_usage(c, "a key in a token is under the token's PIN, and no passphrase");
	}
	if (options_ask(&p, g->passphrase, sizeof(g->passphrase)) <= 0) {
		return cli_no(c, "there is no passphrase: type it twice at the terminal, or give "
				 "--passphrase-file");
	}
	g->n.passphrase = g->passphrase;
	return 0;
}

/* The key is used from other folders too: it gets whole paths. */
static int take_path(struct cli *c, const char *option, char **path_r)
{
	const char *given = cli_opt(c, option);
	*path_r = given != NULL ? realpath(given, NULL) : NULL;
	return given == NULL || *path_r != NULL
		       ? 0
		       : cli_usage(c, "--%s: there is no file '%s'", option, given);
}

static int take_token(struct cli *c, struct given *g)
{
	const char *uri = cli_opt(c, "pkcs11");
	if (uri == NULL) {
		return cli_opt(c, "pkcs11-module") == NULL && cli_opt(c, "pin-file") == NULL
			       ? 0
			       : cli_usage(c, "--pkcs11-module and --pin-file go with --pkcs11");
	}
	int status = take_path(c, "pkcs11-module", &g->module);
	if (status == 0) {
		status = take_path(c, "pin-file", &g->pin_file);
	}
	g->place = (struct token_place){uri, g->module, g->pin_file};
	g->n.token = &g->place;
	g->ask = (struct issue_ask){options_ask_pin, NULL};
	g->n.ask = &g->ask;
	return status;
}

static int key_options(struct cli *c, struct given *g)
{
	int64_t now_us = authority_now(c);
	int status = options_days(c, "days", 1825, now_us, &g->n.to_us);
	if (status == 0) {
		status = options_number(c, "rsa", 0, 8192, &g->n.rsa_bits);
	}
	if (status == 0) {
		status = take_token(c, g);
	}
	if (status == 0) {
		status = new_passphrase(c, g);
	}
	if (status == 0) {
		status = authority_url_options(c, "crl-url", g->n.crl_urls);
	}
	if (status == 0) {
		status = authority_url_options(c, "ocsp-url", g->n.ocsp_urls);
	}
	g->n.from_us = now_us - BACKDATE_US;
	return status;
}

static const char *where(const struct given *g)
{
	return g->n.token != NULL        ? ", and the key is in the token"
	       : g->n.passphrase != NULL ? ""
					 : ", and it is under no passphrase";
}

static int run_new(struct cli *c)
{
	struct rv_err e = {0};
	struct given g = {.n = {.code = cli_opt(c, "code"), .name = cli_opt(c, "name")}};
	char until[16];
	const char *dir = cli_operand(c, 0);
	rv_xml_init(NULL);
	if (g.n.name == NULL) {
		return cli_usage(c, "authority new needs --name: what the authority is called");
	}
	if (g.n.code == NULL) {
		g.n.code = "AUTHORITY";
	}
	int status = options_code(c, "code", g.n.code);
	if (status == 0) {
		status = key_options(c, &g);
	}
	if (status == 0 && authority_create(dir, &g.n, &e) != 0) {
		status = cli_fail(c, &e, "the authority's folder could not be made");
	}
	if (status != 0) {
		clear(&g);
		return status;
	}
	authority_day(until, g.n.to_us);
	authority_say(c, "Authority %s made in %s. Its certificate is valid until %s.", g.n.code,
		dir, until);
	authority_say(c,
		"Keep a copy of the folder where only you reach it: who has the key decides who is "
		"trusted%s.",
		where(&g));
	authority_say(c,
		"Give %s/authority.pem to every member, by a way that nobody else can change.",
		dir);
	authority_say(c, "Next: reeve authority admit %s JOIN.xml", dir);
	clear(&g);
	return CLI_OK;
}

static int run_rekey(struct cli *c)
{
	struct rv_err e = {0};
	struct authority *a = NULL;
	struct given g = {.n = {.code = NULL}};
	const char *dir = cli_operand(c, 0);
	int end = cli_has(c, "end");
	rv_xml_init(NULL);
	int status = end ? 0 : key_options(c, &g);
	if (status == 0 && (authority_open(&a, dir, &e) != 0 ||
				   (end ? authority_rekey_end(a, authority_now(c), &e)
					: authority_rekey(a, &g.n, &e)) != 0)) {
		status = cli_fail(c, &e, NULL);
	}
	clear(&g);
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
		"Publish: nodes that take the list follow. Give %s/authority.pem, which has the "
		"new certificate then, to who joins.",
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
	{"pkcs11", 0, "URI", "the key in a hardware module: pkcs11:token=NAME;object=LABEL", NULL,
		0},
	{"pkcs11-module", 0, "FILE", "the module's shared library (else module-path of the URI)",
		CLI_FILES, 0},
	{"pin-file", 0, "FILE",
		"file of mode 600 with the token's PIN (else pin-source of the URI)", CLI_FILES, 0},
	{"crl-url", 0, "URL", "where its CRL is published; {key} in it stands for the key", NULL,
		1},
	{"ocsp-url", 0, "URL", "where its OCSP responder answers", NULL, 1},
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
	{"pkcs11", 0, "URI", "the key in a hardware module: pkcs11:token=NAME;object=LABEL", NULL,
		0},
	{"pkcs11-module", 0, "FILE", "the module's shared library (else module-path of the URI)",
		CLI_FILES, 0},
	{"pin-file", 0, "FILE",
		"file of mode 600 with the token's PIN (else pin-source of the URI)", CLI_FILES, 0},
	{"crl-url", 0, "URL", "where its CRL is published; {key} in it stands for the key", NULL,
		1},
	{"ocsp-url", 0, "URL", "where its OCSP responder answers", NULL, 1},
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
