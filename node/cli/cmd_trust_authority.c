/* SPDX-License-Identifier: Apache-2.0 */
#include "node/cli/cmd_trust.h"

#include <stdlib.h>
#include <string.h>
#include <openssl/crypto.h>

#include "node/cli/text.h"
#include "node/cli/trust_options.h"
#include "node/trust/authority.h"

enum { MAX_JOIN = 64 << 10, MAX_PASSPHRASE = 256 };

/* Certificates count from a little before now: the clocks of others differ. */
#define BACKDATE_US (INT64_C(300) * RV_US_PER_SEC)

static int64_t now_of(const struct cli *c)
{
	struct rv_clock clock = cli_clock(c);
	return clock.now_us(clock.ctx);
}

static void day(char out[16], int64_t t_us)
{
	char text[RV_STAMP_TEXT];
	rv_stamp_text(text, t_us);
	snprintf(out, 16, "%.10s", text);
}

/* Prints to cli_out, safely. */
static void say(struct cli *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void say(struct cli *c, const char *fmt, ...)
{
	char text[1024];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	text_put(cli_out(c), text);
	fputc('\n', cli_out(c));
}

/* ---- new, rekey ---- */

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
	int64_t now_us = now_of(c);
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
		return cli_usage(c, "trust new needs --name: what the authority is called");
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
	day(until, n.to_us);
	say(c, "Authority %s made in %s. Its certificate is valid until %s.", n.code, dir, until);
	say(c,
		"Keep a copy of the folder where only you reach it: who has the key decides who is "
		"trusted%s.",
		n.passphrase != NULL ? "" : ", and it is under no passphrase");
	say(c, "Give %s/authority.pem to every member, by a way that nobody else can change.", dir);
	say(c, "Next: reeve trust admit %s JOIN.xml", dir);
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
		say(c, "The former key is gone: lists are signed with the new one alone.");
		return CLI_OK;
	}
	say(c, "A new key and certificate are there; both keys sign until the rotation ends.");
	say(c,
		"Give %s/authority.pem, which now has both certificates, to every member (reeve "
		"trust install).",
		dir);
	say(c, "When all have it: reeve trust rekey %s --end, and publish again.", dir);
	return CLI_OK;
}

/* ---- admit, remove ---- */

static unsigned role_bit(const char *text)
{
	return rv_role_parse(text);
}

static const char all_roles[] = "administration right-holder coordinator relay";

static void describe(struct cli *c, const struct rv_join *j, const char *fingerprint)
{
	say(c, "%s, %s", j->party.code, j->party.name);
	for (unsigned bit = RV_ROLE_ADMINISTRATION; bit <= RV_ROLE_RELAY; bit <<= 1) {
		if (j->party.roles & bit) {
			say(c, "  asks for    %s", rv_role_text((enum rv_role)bit));
		}
	}
	for (size_t i = 0; i < j->party.n_endpoints; i++) {
		say(c, "  listens at  %s", j->party.endpoints[i]);
	}
	for (size_t i = 0; i < j->party.n_via; i++) {
		say(c, "  served via  %s", j->party.via[i]);
	}
	say(c, "  fingerprint %s", fingerprint);
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
		.ask = &ask, .now_us = now_of(c), .renew = cli_has(c, "renew")};
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
		day(until, until_us);
		describe(c, &j, fingerprint);
		say(c, "%s in the draft, with a certificate until %s.",
			how.renew ? "Renewed" : "Admitted", until);
		if (cli_opt(c, "fingerprint") == NULL) {
			say(c, "Before you publish: have the member read its fingerprint to you by "
			       "telephone.");
		}
		if (waits) {
			say(c, "The draft names a member that is not admitted yet: it cannot be "
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
		say(c,
			"%s is out of the draft and of its operations. Publish now: it is trusted "
			"until the others have the new "
			"list.",
			code);
	}
	authority_close(&a);
	return status;
}

/* ---- publish ---- */

static int run_publish(struct cli *c)
{
	struct rv_err e = {0};
	struct authority *a = NULL;
	struct options_passphrase p = {c, 0};
	struct issue_ask ask = {options_ask, &p};
	struct authority_publish how = {.ask = &ask, .now_us = now_of(c), .out = cli_opt(c, "out")};
	uint64_t number = 0;
	int64_t until_us = 0;
	unsigned wanted = 0;
	char until[RV_STAMP_TEXT];
	const char *dir = cli_operand(c, 0);
	rv_xml_init(NULL);
	int status = options_days(c, "days", 30, how.now_us, &how.to_us);
	if (status == 0) {
		status = options_number(c, "number", 0, UINT32_MAX, &wanted);
	}
	how.number = wanted;
	if (status == 0 && (authority_open(&a, dir, &e) != 0 ||
				   authority_publish(a, &how, &number, &until_us, &e) != 0)) {
		status = cli_fail(c, &e, "the list is not published");
	}
	authority_close(&a);
	if (status == 0) {
		rv_stamp_text(until, until_us);
		say(c, "Trust list %llu is in %s%s. It expires at %s: publish the next one before.",
			(unsigned long long)number, how.out != NULL ? how.out : dir,
			how.out != NULL ? "" : "/trust.xml", until);
	}
	return status;
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

const struct cli_command trust_new = {
	.name = "new",
	.operands = "ADIR",
	.summary = "make the folder of an authority: key, certificate, empty draft",
	.options = new_options,
	.min_operands = 1,
	.max_operands = 1,
	.values = CLI_DIRS,
	.run = run_new,
};

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

const struct cli_command trust_admit = {
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

const struct cli_command trust_remove = {
	.name = "remove",
	.operands = "ADIR CODE",
	.summary = "take a member out of the list and of its operations",
	.options = no_options,
	.min_operands = 2,
	.max_operands = 2,
	.values = CLI_DIRS,
	.run = run_remove,
};

static const struct cli_option publish_options[] = {
	{"out", 'o', "FILE", "where the list goes (else ADIR/trust.xml)", CLI_FILES, 0},
	{"days", 0, "N", "how long the list is valid (else 30)", NULL, 0},
	{"number", 0, "N", "its number, if more than the next one (after a restore)", NULL, 0},
	CLI_OPTION_PASSPHRASE_FILE,
	CLI_OPTION_END,
};

const struct cli_command trust_publish = {
	.name = "publish",
	.operands = "ADIR",
	.summary = "sign the draft as the next list",
	.options = publish_options,
	.min_operands = 1,
	.max_operands = 1,
	.values = CLI_DIRS,
	.run = run_publish,
};

static const struct cli_option rekey_options[] = {
	{"days", 0, "N", "how long the new certificate is valid (else 1825)", NULL, 0},
	{"rsa", 0, "BITS", "an RSA key, 2048 to 8192 bits (else P-256)", "3072 4096", 0},
	{"end", 0, NULL, "end the rotation: forget the former key", NULL, 0},
	{"passphrase", 0, NULL, "put the key under a passphrase, asked at the terminal", NULL, 0},
	CLI_OPTION_PASSPHRASE_FILE,
	CLI_OPTION_END,
};

const struct cli_command trust_rekey = {
	.name = "rekey",
	.operands = "ADIR",
	.summary = "rotate the key of the authority",
	.options = rekey_options,
	.min_operands = 1,
	.max_operands = 1,
	.values = CLI_DIRS,
	.run = run_rekey,
};
