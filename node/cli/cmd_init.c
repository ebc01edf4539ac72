/* SPDX-License-Identifier: Apache-2.0 */
#include "node/cli/commands.h"

#include <string.h>

#include "node/cli/network.h"
#include "node/cli/text.h"
#include "node/cli/trust_options.h"
#include "protocol/xml.h"

static unsigned role_bit(const char *text)
{
	return rv_role_parse(text);
}

static void tell_address(struct cli *c)
{
	if (!cli_has(c, "listen") && !cli_has(c, "dial")) {
		fprintf(cli_out(c),
			"It neither listens nor dials: set listen or dial in the configuration.\n");
	} else if (cli_has(c, "listen") && !cli_has(c, "endpoint")) {
		fprintf(cli_out(c), "It listens, but the request names no --endpoint: nobody will "
				    "know where to dial it.\n");
	}
}

static void put_path(FILE *out, const char *dir, const char *name)
{
	text_put(out, dir);
	fprintf(out, "/%s", name);
}

static void tell(struct cli *c, const struct init_who *who, const char *fingerprint)
{
	FILE *out = cli_out(c);
	fprintf(out, "Node %s is made in ", who->code);
	text_put(out, who->dir);
	fprintf(out, ". Next:\n  1. Send ");
	put_path(out, who->dir, "join.xml");
	fprintf(out, " to the coordinator; read this fingerprint to them by telephone:\n       %s\n",
		fingerprint);
	fprintf(out, "  2. When the trust list comes back:\n       reeve trust install -c ");
	put_path(out, who->dir, "reeve.conf");
	fprintf(out, " LIST.xml --authority authority.pem\n  3. reeved -c ");
	put_path(out, who->dir, "reeve.conf");
	fprintf(out, "\nKeep a copy of ");
	put_path(out, who->dir, "keys");
	fprintf(out, " where only you reach it.\n");
	tell_address(c);
}

static int take_who(struct cli *c, struct init_who *who)
{
	who->dir = cli_operand(c, 0);
	who->code = cli_opt(c, "code");
	who->name = cli_opt(c, "name");
	who->country = cli_opt(c, "country");
	if (who->code == NULL || who->name == NULL || !cli_has(c, "role")) {
		return cli_usage(c, "init needs --code, --name and --role: who the node is");
	}
	int status = options_code(c, "code", who->code);
	if (status == 0) {
		status = options_bits(c, "role", role_bit,
			"administration right-holder coordinator relay", &who->roles);
	}
	if (status == 0 && who->country != NULL &&
		(strlen(who->country) != 2 ||
			strspn(who->country, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != 2)) {
		status = cli_usage(c, "--country needs two capital letters of ISO 3166-1, not '%s'",
			who->country);
	}
	return status;
}

static int run(struct cli *c)
{
	struct init_who who = {.dir = NULL};
	char fingerprint[RV_FINGERPRINT_TEXT] = "";
	rv_xml_init(NULL);
	int status = take_who(c, &who);
	if (status == 0) {
		status = network_check(c, &who);
	}
	if (status == 0) {
		status = init_node(c, &who, fingerprint);
	}
	if (status == 0 && cli_has(c, "authority")) {
		return network_found(c, &who);
	}
	if (status == 0) {
		tell(c, &who, fingerprint);
	}
	return status;
}

static const struct cli_option options[] = {
	{"code", 0, "CODE", "code of the member: KE", NULL, 0},
	{"name", 0, "NAME", "name of the organisation", NULL, 0},
	{"role", 0, "ROLE", "what it is in the network",
		"administration right-holder coordinator relay", 1},
	{"country", 0, "CC", "its country (ISO 3166-1)", NULL, 0},
	INIT_OPTIONS,
	{"authority", 0, NULL, "begin a network here: its authority, and a first trust list", NULL, 0},
	{"operation", 0, "OP", "with --authority: open this operation in it", NULL, 1},
	{"passphrase", 0, NULL, "with --authority: put its key under a passphrase", NULL, 0},
	CLI_OPTION_PASSPHRASE_FILE,
	CLI_OPTION_END,
};

const struct cli_command cmd_init = {
	.name = "init",
	.operands = "DIR",
	.summary = "make a node: keys, configuration, and the request to join",
	.details = "Nothing is overwritten. The private keys never leave DIR; join.xml has none.\n"
		   "With --pkcs11 the signing key is in the token: the one that is there, or one\n"
		   "that is made there and cannot leave it.\n"
		   "A coordinator begins a network with --authority: others then join it with\n"
		   "reeve invite and reeve join.",
	.options = options,
	.min_operands = 1,
	.max_operands = 1,
	.values = CLI_DIRS,
	.run = run,
};
