/* SPDX-License-Identifier: Apache-2.0 */
#include "node/cli/commands.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "node/cli/client.h"
#include "node/cli/cmd_authority.h"
#include "node/cli/network.h"
#include "node/cli/text.h"
#include "node/cli/trust_options.h"
#include "protocol/xml.h"

enum { OVERLAP_DAYS = 14 };

struct approving {
	struct cli *cli;
	const char *code;
	json_t *row;
	struct rv_join join;
	char phrase[RV_FINGERPRINT_TEXT];
};

/* ---- the request ---- */

static json_t *row_of(const json_t *items, const char *code)
{
	json_t *r;
	size_t i;
	json_array_foreach(items, i, r)
	{
		if (strcmp(json_str(r, "code"), code) == 0) {
			return json_incref(r);
		}
	}
	return NULL;
}

static int not_waiting(struct approving *a)
{
	const char *state = json_str(a->row, "state");
	if (strcmp(state, "open") == 0) {
		return cli_no(a->cli, "%s has not used its token yet: there is nothing to approve",
			a->code);
	}
	if (strcmp(state, "admitted") == 0) {
		return cli_no(a->cli, "%s is admitted already", a->code);
	}
	return cli_no(a->cli, "the invitation of %s is %s: invite it anew", a->code, state);
}

static int get_row(struct approving *a, struct client *client)
{
	struct rv_err e = {0};
	struct answer got = {0};
	if (client_get(client, "/v1/invites", &got, &e) != 0) {
		answer_clear(&got);
		return cli_fail(a->cli, &e, NULL);
	}
	a->row = row_of(json_object_get(got.json, "items"), a->code);
	answer_clear(&got);
	if (a->row == NULL) {
		return cli_no(a->cli, "%s is not invited and has not asked: reeve invite", a->code);
	}
	return strcmp(json_str(a->row, "state"), "waiting") == 0 ? 0 : not_waiting(a);
}

/* What is approved is verified here, beside the authority's key, not taken from the node's word. */
static int get_request(struct approving *a, struct client *client)
{
	struct rv_err e = {0};
	struct answer got = {0};
	struct rv_buf path = {0};
	rv_buf_str(&path, "/v1/invites");
	path_segment(&path, a->code);
	rv_buf_str(&path, "/request");
	const char *text = rv_buf_cstr(&path);
	int rc = text != NULL ? client_get(client, text, &got, &e) : rv_fail_nomem(&e);
	if (rc == 0) {
		rc = rv_join_read(&a->join, got.body.data, got.body.len, &e);
	}
	if (rc == 0) {
		rc = rv_join_fingerprint(&a->join, a->phrase, &e);
	}
	if (rc == 0 && strcmp(a->join.party.code, a->code) != 0) {
		rc = rv_fail(&e, RV_EDENIED, "the request is of %s", a->join.party.code);
	}
	answer_clear(&got);
	rv_buf_free(&path);
	return rc != 0 ? cli_fail(a->cli, &e, "the request of %s", a->code) : 0;
}

static void describe(const struct approving *a)
{
	struct cli *c = a->cli;
	const struct rv_member *m = &a->join.party;
	authority_say(c, "%s, %s%s", m->code, m->name,
		json_yes(a->row, "renewal") ? ": new keys, vouched for by its present ones" : "");
	for (unsigned bit = RV_ROLE_ADMINISTRATION; bit <= RV_ROLE_RELAY; bit <<= 1) {
		if (m->roles & bit) {
			authority_say(c, "  role        %s", rv_role_text((enum rv_role)bit));
		}
	}
	for (size_t i = 0; i < m->n_endpoints; i++) {
		authority_say(c, "  listens at  %s", m->endpoints[i]);
	}
	for (size_t i = 0; i < m->n_via; i++) {
		authority_say(c, "  served via  %s", m->via[i]);
	}
	for (size_t i = 0; i < m->n_rights; i++) {
		authority_say(c, "  right       %s%s%s", m->rights[i].brand,
			m->rights[i].registration != NULL ? ", " : "",
			m->rights[i].registration != NULL ? m->rights[i].registration : "");
	}
	if (json_num(a->row, "others") > 0) {
		authority_say(c, "  CAREFUL     its token came with another request too, %lld times",
			(long long)json_num(a->row, "others"));
	}
	authority_say(c, "  phrase      %s", a->phrase);
}

/* Somebody must have heard the phrase from the member; nothing stands for that. */
static int confirm(struct approving *a)
{
	char line[64] = "";
	const char *heard = cli_opt(a->cli, "phrase");
	if (heard != NULL) {
		return strcasecmp(heard, a->phrase) == 0
			       ? 0
			       : cli_no(a->cli,
					 "the phrase of the request is %s, not %s: this is not the "
					 "request that %s made. Refuse it: reeve invite --withdraw %s",
					 a->phrase, heard, a->code, a->code);
	}
	if (!cli_out_tty(a->cli)) {
		return cli_usage(a->cli,
			"approve needs --phrase: what %s read to you by telephone", a->code);
	}
	fprintf(cli_err(a->cli), "Does %s read the same phrase to you? Type yes: ", a->code);
	if (fgets(line, sizeof(line), cli_in(a->cli)) == NULL ||
		strncasecmp(line, "yes", 3) != 0) {
		return cli_no(a->cli, "not approved");
	}
	return 0;
}

/* ---- admission ---- */

static int keys_hold(const struct rv_member *m, int64_t now_us)
{
	for (size_t i = 0; i < m->n_keys; i++) {
		if (m->keys[i].from_us <= now_us && now_us <= m->keys[i].to_us) {
			return 1;
		}
	}
	return 0;
}

/* New keys of a member overlap with those that it has; after a revocation there are none to overlap
 * with. */
static int how_to_admit(
	struct approving *a, struct authority *authority, struct authority_admit *how)
{
	struct rv_err e = {0};
	struct rv_trust *draft = NULL;
	unsigned days = 0;
	int status = options_number(a->cli, "overlap", OVERLAP_DAYS, 3650, &days);
	if (status != 0) {
		return status;
	}
	if (authority_draft(authority, &draft, &e) != 0) {
		return cli_fail(a->cli, &e, NULL);
	}
	const struct rv_member *m = rv_trust_member(draft, a->code);
	int renewal = json_yes(a->row, "renewal");
	how->renew = m != NULL;
	how->roles = m != NULL ? m->roles : 0;
	how->overlap_us = renewal ? (int64_t)days * 86400 * RV_US_PER_SEC : 0;
	if (m != NULL && !renewal && keys_hold(m, how->now_us)) {
		status = cli_no(a->cli,
			"%s is a member whose keys hold: it changes them with reeve rotate; if they "
			"were stolen: reeve revoke %s --key-compromise, then approve",
			a->code, a->code);
	}
	rv_trust_unref(&draft);
	return status;
}

static int take_part(struct approving *a, struct authority *authority)
{
	char operations[8][RV_OPCODE_TEXT];
	const json_t *one;
	size_t i;
	size_t n = 0;
	json_array_foreach(json_object_get(a->row, "operations"), i, one)
	{
		if (n < 8 && json_is_string(one)) {
			snprintf(operations[n++], RV_OPCODE_TEXT, "%s", json_string_value(one));
		}
	}
	return network_take_part(a->cli, authority, a->code, a->join.party.roles,
		(const char(*)[RV_OPCODE_TEXT])operations, n);
}

static int admit(struct approving *a)
{
	struct options_passphrase p = {a->cli, 0};
	struct issue_ask ask = {options_ask, &p};
	struct authority_admit how = {.ask = &ask, .now_us = authority_now(a->cli)};
	const struct conf *conf = NULL;
	struct authority *authority = NULL;
	struct rv_err e = {0};
	int64_t until_us = 0;
	uint64_t number = 0;
	int waits = 0;
	int status = network_days(a->cli, &how.to_us);
	if (status == 0) {
		status = network_open(a->cli, &conf, &authority);
	}
	if (status == 0) {
		status = how_to_admit(a, authority, &how);
	}
	if (status == 0 &&
		authority_admit(authority, &a->join, &how, &until_us, &waits, &e) != 0) {
		status = cli_fail(a->cli, &e, "%s is not admitted", a->code);
	}
	if (status == 0) {
		status = take_part(a, authority);
	}
	if (status == 0) {
		status = network_publish(a->cli, conf, authority, &ask, &number);
	}
	if (status == 0) {
		char until[16];
		authority_day(until, until_us);
		authority_say(a->cli,
			"%s is admitted, with a certificate until %s: trust list %llu is in place "
			"here, and the links carry it to the others.",
			a->code, until, (unsigned long long)number);
	}
	authority_close(&authority);
	return status;
}

static int run(struct cli *c)
{
	struct rv_err e = {0};
	struct approving a = {.cli = c, .code = cli_operand(c, 0)};
	struct client *client = NULL;
	rv_xml_init(NULL);
	int status = client_new(&client, c, &e) != 0 ? cli_fail(c, &e, NULL) : 0;
	if (status == 0) {
		status = get_row(&a, client);
	}
	if (status == 0) {
		status = get_request(&a, client);
	}
	if (status == 0) {
		describe(&a);
		status = confirm(&a);
	}
	if (status == 0) {
		status = admit(&a);
	}
	client_free(&client);
	rv_join_clear(&a.join);
	json_decref(a.row);
	return status;
}

static const struct cli_option options[] = {
	{"phrase", 0, "WORDS", "what the member read to you: anything else is refused", NULL, 0},
	{"days", 0, "N", "how long the certificate is valid (else 730, at most the authority's)",
		NULL, 0},
	{"overlap", 0, "DAYS", "of a member's new keys: how long the former ones remain (else 14)",
		NULL, 0},
	CLI_OPTION_PASSPHRASE_FILE,
	CLI_OPTION_END,
};

const struct cli_command cmd_approve = {
	.name = "approve",
	.operands = "CODE",
	.summary = "admit who asks to join, or a member's new keys, and publish the list",
	.details = "Shows the request and its phrase; compare it with the member by telephone.\n"
		   "To refuse: reeve invite --withdraw CODE.",
	.options = options,
	.min_operands = 1,
	.max_operands = 1,
	.run = run,
};
