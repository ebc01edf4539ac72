/* SPDX-License-Identifier: Apache-2.0 */
#include "node/cli/network.h"

#include <stdlib.h>
#include <string.h>
#include <openssl/crypto.h>

#include "node/cli/cmd_authority.h"
#include "node/cli/text.h"
#include "node/cli/trust_options.h"
#include "node/file.h"
#include "node/trust/install.h"

enum { MEMBER_DAYS = 730, AUTHORITY_DAYS = 1825, LIST_DAYS = 30, OPERATION_DAYS = 365 };
enum { MAX_PASSPHRASE = 256, MAX_LIST = 64 << 20, MAX_PEM = 64 << 10 };

/* Certificates count from a little before now: the clocks of others differ. */
#define BACKDATE_US (INT64_C(300) * RV_US_PER_SEC)
#define DAY_US (INT64_C(86400) * RV_US_PER_SEC)

int network_days(struct cli *c, int64_t *to_us)
{
	return options_days(c, "days", MEMBER_DAYS, authority_now(c), to_us);
}

int network_open(struct cli *c, const struct conf **conf_r, struct authority **a_r)
{
	struct rv_err e = {0};
	int rc = cli_conf(c, conf_r, &e);
	if (rc == 0) {
		rc = authority_open(a_r, (*conf_r)->authority_dir, &e);
		if (rc == RV_ENOTFOUND) {
			rv_err_mend(&e, "Only a coordinator does this, where the folder of the "
					"authority is: set authority_dir in %s.",
				(*conf_r)->file);
		}
	}
	return rc != 0 ? cli_fail(c, &e, "the authority cannot be opened") : 0;
}

/* ---- publishing ---- */

static int install(struct cli *c, const struct conf *conf)
{
	struct rv_err e = {0};
	struct rv_buf list = {0};
	struct rv_buf pem = {0};
	struct install_report report = {0};
	char *list_path = file_join(conf->authority_dir, "trust.xml");
	char *pem_path = file_join(conf->authority_dir, "authority.pem");
	int rc = list_path != NULL && pem_path != NULL ? file_read(list_path, MAX_LIST, &list, &e)
						       : rv_fail_nomem(&e);
	if (rc == 0) {
		rc = file_read(pem_path, MAX_PEM, &pem, &e);
	}
	if (rc == 0) {
		struct install in = {
			.conf = conf, .list = &list, .authority = &pem, .now_us = authority_now(c)};
		rc = install_list(&in, &report, &e);
	}
	rv_buf_free(&list);
	rv_buf_free(&pem);
	free(list_path);
	free(pem_path);
	return rc != 0 ? cli_fail(c, &e, "the list is published, but not in place at this node") : 0;
}

int network_publish(struct cli *c, const struct conf *conf, struct authority *a,
	const struct issue_ask *ask, uint64_t *number_r)
{
	struct rv_err e = {0};
	struct authority_publish how = {.ask = ask, .now_us = authority_now(c)};
	struct authority_outcome r = {.number = 0};
	int status = 0;
	how.to_us = how.now_us + LIST_DAYS * DAY_US;
	if (authority_publish(a, &how, &r, &e) != 0) {
		status = cli_fail(c, &e, "the list is not published");
	} else if (!r.complete) {
		const char *missing = rv_buf_cstr(&r.missing);
		authority_say(c,
			"Trust list %llu is a proposal in %s/proposal.xml: it has %u of the %u "
			"signatures that it needs. Have it signed by %s (reeve authority sign), then "
			"here: reeve trust install.",
			(unsigned long long)r.number, conf->authority_dir, r.have, r.need,
			missing != NULL && missing[0] != '\0' ? missing : "the others");
		status = CLI_NO;
	} else {
		*number_r = r.number;
		status = install(c, conf);
	}
	authority_outcome_clear(&r);
	return status;
}

/* ---- operations ---- */

static enum rv_part part_of(unsigned roles)
{
	return roles & RV_ROLE_ADMINISTRATION ? RV_PART_PARTICIPANT
	       : roles & RV_ROLE_COORDINATOR  ? RV_PART_COORDINATION
	       : roles & RV_ROLE_RIGHT_HOLDER ? RV_PART_RIGHT_HOLDER
					      : RV_PART_RELAY;
}

/* What a member is in an operation: by its role, and a relay too if it is one. */
static size_t parts_of(const char *code, unsigned roles, struct rv_participant parts[2])
{
	size_t n = 1;
	memset(parts, 0, 2 * sizeof(*parts));
	parts[0].part = part_of(roles);
	snprintf(parts[0].code, RV_CODE_TEXT, "%s", code);
	if ((roles & RV_ROLE_RELAY) && parts[0].part != RV_PART_RELAY) {
		parts[1] = parts[0];
		parts[1].part = RV_PART_RELAY;
		n = 2;
	}
	return n;
}

int network_take_part(struct cli *c, struct authority *a, const char *code, unsigned roles,
	const char (*operations)[RV_OPCODE_TEXT], size_t n)
{
	struct rv_participant parts[2];
	struct authority_operation o = {.add = parts, .nominal = -1, .now_us = authority_now(c)};
	struct rv_err e = {0};
	o.n_add = parts_of(code, roles, parts);
	for (size_t i = 0; i < n; i++) {
		unsigned version = 0;
		int waits = 0;
		o.code = operations[i];
		if (authority_operation(a, &o, &version, &waits, &e) != 0) {
			return cli_fail(c, &e, "%s does not take part in %s", code, operations[i]);
		}
	}
	return 0;
}

static int open_operation(struct cli *c, struct authority *a, const struct init_who *who,
	const char *code)
{
	struct rv_participant parts[2];
	struct rv_err e = {0};
	unsigned version = 0;
	int waits = 0;
	struct authority_operation o = {.code = code,
		.name = code,
		.lead = who->code,
		.risks = RV_RISK_REVENUE | RV_RISK_DRUGS | RV_RISK_HEALTH | RV_RISK_SECURITY |
			 RV_RISK_ENVIRONMENT,
		.nominal = 0,
		.add = parts,
		.now_us = authority_now(c)};
	o.from_us = o.now_us - o.now_us % DAY_US;
	o.to_us = o.from_us + OPERATION_DAYS * DAY_US;
	o.n_add = parts_of(who->code, who->roles, parts);
	if (authority_operation(a, &o, &version, &waits, &e) != 0) {
		return cli_fail(c, &e, "operation %s is not opened", code);
	}
	return 0;
}

/* ---- a new network ---- */

int network_check(struct cli *c, const struct init_who *who)
{
	const char *const *operations;
	size_t n = cli_opt_all(c, "operation", &operations);
	if (!cli_has(c, "authority")) {
		return n > 0 || cli_has(c, "passphrase") ? cli_usage(c,
				       "--operation and --passphrase go with --authority")
							 : 0;
	}
	if (!(who->roles & RV_ROLE_COORDINATOR)) {
		return cli_usage(c, "--authority is for a node with --role coordinator");
	}
	if (!cli_has(c, "endpoint")) {
		return cli_usage(c, "--authority needs --endpoint: where those who join reach it");
	}
	for (size_t i = 0; i < n; i++) {
		if (!rv_opcode_valid(operations[i])) {
			return cli_usage(c, "--operation '%s' is not an operation code: CRANE-26",
				operations[i]);
		}
	}
	return 0;
}

static int create(struct cli *c, const struct init_who *who, const char *dir)
{
	char passphrase[MAX_PASSPHRASE] = "";
	struct options_passphrase p = {c, 1};
	struct rv_err e = {0};
	struct authority_new n = {.code = who->code, .name = who->name};
	n.from_us = authority_now(c) - BACKDATE_US;
	n.to_us = authority_now(c) + AUTHORITY_DAYS * DAY_US;
	if (cli_has(c, "passphrase") || cli_opt(c, "passphrase-file") != NULL) {
		if (options_ask(&p, passphrase, sizeof(passphrase)) <= 0) {
			return cli_no(c, "there is no passphrase: type it twice at the terminal, or "
					 "give --passphrase-file");
		}
		n.passphrase = passphrase;
	}
	int rc = authority_create(dir, &n, &e);
	OPENSSL_cleanse(passphrase, sizeof(passphrase));
	return rc != 0 ? cli_fail(c, &e, "the authority is not made") : 0;
}

static int admit_self(struct cli *c, struct authority *a, const struct init_who *who,
	const struct issue_ask *ask)
{
	struct rv_err e = {0};
	struct rv_buf wire = {0};
	struct rv_join j = {.made_us = 0};
	struct authority_admit how = {.ask = ask, .now_us = authority_now(c)};
	int64_t until_us = 0;
	int waits = 0;
	char *path = file_join(who->dir, "join.xml");
	int rc = path != NULL ? file_read(path, MAX_PEM, &wire, &e) : rv_fail_nomem(&e);
	how.to_us = how.now_us + MEMBER_DAYS * DAY_US;
	if (rc == 0) {
		rc = rv_join_read(&j, wire.data, wire.len, &e);
	}
	if (rc == 0) {
		rc = authority_admit(a, &j, &how, &until_us, &waits, &e);
	}
	rv_join_clear(&j);
	rv_buf_free(&wire);
	free(path);
	return rc != 0 ? cli_fail(c, &e, "%s is not admitted", who->code) : 0;
}

static int open_operations(struct cli *c, struct authority *a, const struct init_who *who)
{
	const char *const *codes;
	size_t n = cli_opt_all(c, "operation", &codes);
	int status = 0;
	for (size_t i = 0; i < n && status == 0; i++) {
		status = open_operation(c, a, who, codes[i]);
	}
	return status;
}

static void tell(struct cli *c, const struct init_who *who, uint64_t number)
{
	FILE *out = cli_out(c);
	fprintf(out, "Node %s is made in ", who->code);
	text_put(out, who->dir);
	fprintf(out,
		", and a network with it: trust list %llu has %s alone.\nNext:\n  1. reeved -c ",
		(unsigned long long)number, who->code);
	text_put(out, who->dir);
	fprintf(out, "/reeve.conf\n  2. reeve -c ");
	text_put(out, who->dir);
	fprintf(out, "/reeve.conf invite --code KE --name \"Kenya Revenue Authority\" --role "
		     "administration\nKeep copies of ");
	text_put(out, who->dir);
	fprintf(out, "/keys and ");
	text_put(out, who->dir);
	fprintf(out, "/authority where only you reach them; whoever has the latter decides who is "
		     "trusted.\n");
}

int network_found(struct cli *c, const struct init_who *who)
{
	struct options_passphrase p = {c, 0};
	struct issue_ask ask = {options_ask, &p};
	struct rv_err e = {0};
	struct authority *a = NULL;
	struct conf *conf = NULL;
	uint64_t number = 0;
	char *conf_path = file_join(who->dir, "reeve.conf");
	int status = 0;
	if (conf_path == NULL || conf_read(&conf, conf_path, &e) != 0) {
		status = cli_fail(c, &e, NULL);
	}
	if (status == 0) {
		status = create(c, who, conf->authority_dir);
	}
	if (status == 0 && authority_open(&a, conf->authority_dir, &e) != 0) {
		status = cli_fail(c, &e, NULL);
	}
	if (status == 0) {
		status = admit_self(c, a, who, &ask);
	}
	if (status == 0) {
		status = open_operations(c, a, who);
	}
	if (status == 0) {
		status = network_publish(c, conf, a, &ask, &number);
	}
	if (status == 0) {
		tell(c, who, number);
	}
	authority_close(&a);
	conf_free(&conf);
	free(conf_path);
	return status;
}
