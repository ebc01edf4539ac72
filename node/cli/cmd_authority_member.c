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

int authority_overlap(struct cli *c, int64_t *overlap_us)
{
	const char *zero = cli_opt(c, "overlap");
	unsigned days = 0;
	int status = zero != NULL && strcmp(zero, "0") == 0
			     ? 0
			     : options_number(c, "overlap", 14, 3650, &days);
	*overlap_us = (int64_t)days * 86400 * RV_US_PER_SEC;
	return status;
}

/* A certificate that the member brings, and its issuer. */
struct brought {
	struct rv_cert *cert, *issuer;
	const char *crl_urls[ISSUE_URLS], *ocsp_urls[ISSUE_URLS];
	struct authority_issuer as;
};

static int take_brought(struct cli *c, struct brought *b, struct authority_admit *how)
{
	const char *cert = cli_opt(c, "certificate");
	const char *issuer = cli_opt(c, "issuer");
	if (cert == NULL && issuer != NULL) {
		return cli_usage(c, "--issuer goes with --certificate");
	}
	if (issuer == NULL && (cli_has(c, "crl-url") || cli_has(c, "ocsp-url"))) {
		return cli_usage(c, "--crl-url and --ocsp-url go with --issuer");
	}
	int status = cert != NULL ? authority_read_cert(c, cert, 0, &b->cert) : 0;
	if (status == 0 && issuer != NULL) {
		status = authority_read_cert(c, issuer, 1, &b->issuer);
	}
	if (status == 0) {
		status = authority_url_options(c, "crl-url", b->crl_urls);
	}
	if (status == 0) {
		status = authority_url_options(c, "ocsp-url", b->ocsp_urls);
	}
	b->as = (struct authority_issuer){.crl_urls = b->crl_urls,
		.n_crl_urls = ISSUE_URLS,
		.ocsp_urls = b->ocsp_urls,
		.n_ocsp_urls = ISSUE_URLS};
	how->cert = b->cert;
	how->issuer = b->issuer;
	how->issuer_as = &b->as;
	return status;
}

static void tell_admitted(struct cli *c, const struct authority_admit *how, const struct rv_join *j,
	const char *fingerprint, int64_t until_us, int waits)
{
	char until[16];
	authority_day(until, until_us);
	describe(c, j, fingerprint);
	authority_say(c, "%s in the draft, with a certificate%s until %s.",
		how->renew ? "Renewed" : "Admitted",
		how->cert != NULL ? " of its own authority" : "", until);
	if (cli_opt(c, "fingerprint") == NULL) {
		authority_say(c, "Before you publish: have the member read its fingerprint to you "
				 "by telephone.");
	}
	if (waits) {
		authority_say(c, "The draft names a member that is not admitted yet: it cannot be "
				 "published before.");
	}
}

static int run_admit(struct cli *c)
{
	struct rv_err e = {0};
	struct rv_join j = {.made_us = 0};
	struct authority *a = NULL;
	struct options_passphrase p = {.cli = c};
	struct issue_ask ask = {options_ask, &p};
	struct authority_admit how = {
		.ask = &ask, .now_us = authority_now(c), .renew = cli_has(c, "renew")};
	struct brought brought = {.cert = NULL};
	char fingerprint[RV_FINGERPRINT_TEXT] = "";
	int64_t until_us = 0;
	int waits = 0;
	rv_xml_init(NULL);
	int status = options_days(c, "days", 730, how.now_us, &how.to_us);
	if (status == 0) {
		status = options_bits(c, "role", role_bit, all_roles, &how.roles);
	}
	if (status == 0) {
		status = authority_overlap(c, &how.overlap_us);
	}
	if (status == 0) {
		status = take_brought(c, &brought, &how);
	}
	if (status == 0) {
		status = read_join(c, &j, fingerprint);
	}
	if (status == 0 && (authority_open(&a, cli_operand(c, 0), &e) != 0 ||
				   authority_admit(a, &j, &how, &until_us, &waits, &e) != 0)) {
		status = cli_fail(c, &e, "%s is not admitted", j.party.code);
	}
	if (status == 0) {
		tell_admitted(c, &how, &j, fingerprint, until_us, waits);
	}
	authority_close(&a);
	rv_cert_free(&brought.cert);
	rv_cert_free(&brought.issuer);
	rv_join_clear(&j);
	return status;
}

static int run_remove(struct cli *c)
{
	struct rv_err e = {0};
	struct authority *a = NULL;
	const char *code = cli_operand(c, 1);
	size_t revoked = 0;
	rv_xml_init(NULL);
	int status = CLI_OK;
	if (authority_open(&a, cli_operand(c, 0), &e) != 0 ||
		authority_remove(a, code, authority_now(c), &revoked, &e) != 0) {
		status = cli_fail(c, &e, "%s is not removed", code);
	} else {
		authority_say(c,
			"%s is out of the draft and of its operations. Publish now: it is trusted "
			"until the others have the new list.",
			code);
		if (revoked > 0) {
			authority_say(c, "Its certificate%s revoked, for the next CRL: cessation.",
				revoked == 1 ? " is" : "s are");
		}
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
	{"certificate", 0, "FILE", "the certificate, PEM, that its own authority gave it",
		CLI_FILES, 0},
	{"issuer", 0, "FILE", "that authority's certificate, PEM, if it is not listed yet",
		CLI_FILES, 0},
	{"crl-url", 0, "URL", "with --issuer: where its CRL is", NULL, 1},
	{"ocsp-url", 0, "URL", "with --issuer: where its OCSP responder is", NULL, 1},
	CLI_OPTION_PASSPHRASE_FILE,
	CLI_OPTION_END,
};

const struct cli_command authority_cmd_admit = {
	.name = "admit",
	.operands = "ADIR JOIN.xml",
	.summary = "admit who asks to join, and issue the certificate",
	.details =
		"The request proves that its sender has the signing key, not who the sender is:\n"
		"compare the fingerprint with the member by telephone before you publish.\n"
		"A certificate that the member brings must be for the key of the request, and\n"
		"come of an issuer of the list; else one is issued here.",
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
