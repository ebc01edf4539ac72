/* SPDX-License-Identifier: Apache-2.0 */
#include "node/cli/commands.h"

#include <stdlib.h>
#include <string.h>

#include "node/api/json.h"
#include "node/cli/client.h"
#include "node/cli/cmd_authority.h"
#include "node/cli/shared.h"
#include "node/cli/text.h"
#include "node/cli/trust_options.h"
#include "node/link/curve_key.h"
#include "node/trust/roots.h"
#include "protocol/invite.h"

enum { DEFAULT_HOURS = 72, MAX_HOURS = 720 };

/* ---- the list ---- */

static int colour_of(const char *state)
{
	return strcmp(state, "waiting") == 0    ? 33
	       : strcmp(state, "admitted") == 0 ? 32
	       : strcmp(state, "open") == 0     ? 0
						: 31;
}

static void show_list(struct cli *c, const json_t *items)
{
	const json_t *r;
	size_t i;
	struct table *t = table_new();
	table_column(t, "CODE", 0);
	table_column(t, "NAME", TABLE_SHRINK);
	table_column(t, "STATE", 0);
	table_column(t, "UNTIL", 0);
	table_column(t, "PHRASE", 0);
	json_array_foreach(items, i, r)
	{
		char until[24];
		json_when(until, r, "expires");
		table_cell(t, json_str(r, "code"), 0);
		table_cell(t, json_str(r, "name"), 0);
		table_cellf(t, "%s%s", json_str(r, "state"), json_yes(r, "renewal") ? " (new keys)" : "");
		table_cell(t, until, 0);
		table_cell(t, json_str(r, "phrase"), colour_of(json_str(r, "state")));
	}
	if (json_array_size(items) == 0) {
		fputs("nobody is invited, and nobody asks to join\n", cli_out(c));
	} else {
		table_print(t, cli_out(c), cli_out_tty(c) ? (size_t)cli_columns(c) : 0,
			cli_colours(c));
	}
	table_free(&t);
	json_array_foreach(items, i, r)
	{
		if (json_num(r, "others") > 0) {
			char when[24];
			json_when(when, r, "otherAt");
			cli_line(c, json_str(r, "code"),
				"the token came with another request too, %lld times, last %s: it may "
				"be stolen; compare the phrase before you approve",
				(long long)json_num(r, "others"), when);
		}
	}
}

static int run_list(struct cli *c, struct client *client)
{
	struct rv_err e = {0};
	struct answer a = {0};
	int status = CLI_OK;
	if (client_get(client, "/v1/invites", &a, &e) != 0) {
		status = cli_fail(c, &e, NULL);
	} else if (cli_json(c)) {
		status = cli_print_json(c, json_incref(a.json));
	} else {
		show_list(c, json_object_get(a.json, "items"));
	}
	answer_clear(&a);
	return status;
}

static int run_withdraw(struct cli *c, struct client *client, const char *code)
{
	static const char body[] = "{\"reason\": \"the coordinator does not admit it\"}";
	struct rv_err e = {0};
	struct answer a = {0};
	struct rv_buf path = {0};
	rv_buf_str(&path, "/v1/invites");
	path_segment(&path, code);
	rv_buf_str(&path, "/refuse");
	const char *text = rv_buf_cstr(&path);
	int rc = text != NULL ? client_post(client, text, body, sizeof(body) - 1, NULL, &a, &e)
			      : rv_fail_nomem(&e);
	answer_clear(&a);
	rv_buf_free(&path);
	if (rc != 0) {
		return cli_fail(c, &e, "%s is not refused", code);
	}
	fprintf(cli_out(c), "%s is not admitted; whoever asks with its token hears it.\n", code);
	return CLI_OK;
}

/* ---- a new one ---- */

static const struct rv_dated_key *newest_key(const struct rv_member *m, int64_t now_us)
{
	const struct rv_dated_key *best = NULL;
	for (size_t i = 0; i < m->n_keys; i++) {
		const struct rv_dated_key *k = &m->keys[i];
		if (k->from_us <= now_us && now_us <= k->to_us &&
			(best == NULL || k->from_us > best->from_us)) {
			best = k;
		}
	}
	return best;
}

/* What the token says of this node, which must be one that may invite. */
static int fill_from_list(struct cli *c, struct rv_invite *i, struct rv_err *e)
{
	const struct conf *conf = NULL;
	struct rv_trust *t = NULL;
	struct trust_roots roots = {0};
	int rc = cli_conf(c, &conf, e);
	if (rc == 0) {
		rc = cli_trust(c, &t, e);
	}
	const struct rv_member *m = rc == 0 ? rv_trust_member(t, conf->code) : NULL;
	const struct rv_dated_key *key = m != NULL ? newest_key(m, authority_now(c)) : NULL;
	const char *endpoint = cli_opt(c, "endpoint");
	if (rc == 0 && (m == NULL || !(m->roles & RV_ROLE_COORDINATOR))) {
		rc = rv_fail(e, RV_EDENIED, "%s is no coordinator: it cannot invite", conf->code);
	} else if (rc == 0 && endpoint == NULL && m->n_endpoints == 0) {
		rc = rv_fail(e, RV_ENOTFOUND, "the trust list has no endpoint of %s", conf->code);
		rv_err_mend(e, "Give --endpoint: where those who join reach this node.");
	} else if (rc == 0 && key == NULL) {
		rc = rv_fail(e, RV_ENOTFOUND, "%s has no CURVE key in force", conf->code);
	} else if (rc == 0) {
		snprintf(i->inviter, sizeof(i->inviter), "%s", conf->code);
		snprintf(i->endpoint, sizeof(i->endpoint), "%s",
			endpoint != NULL ? endpoint : m->endpoints[0]);
		memcpy(i->server, key->z85, sizeof(i->server));
		rc = trust_roots_read(&roots, conf->authority, e);
	}
	if (rc == 0) {
		rc = trust_roots_digest(&roots, i->roots, e);
	}
	trust_roots_clear(&roots);
	rv_trust_unref(&t);
	return rc;
}

static unsigned role_bit(const char *text)
{
	return rv_role_parse(text);
}

static int take_options(struct cli *c, struct rv_invite *i)
{
	unsigned hours = 0;
	const char *code = cli_opt(c, "code");
	const char *name = cli_opt(c, "name");
	const char *country = cli_opt(c, "country");
	if (code == NULL || name == NULL || !cli_has(c, "role")) {
		return cli_usage(c, "invite needs --code, --name and --role: whom to invite");
	}
	int status = options_code(c, "code", code);
	if (status == 0) {
		status = options_bits(c, "role", role_bit,
			"administration right-holder coordinator relay", &i->roles);
	}
	if (status == 0) {
		status = options_number(c, "hours", DEFAULT_HOURS, MAX_HOURS, &hours);
	}
	if (status == 0 && strlen(name) >= sizeof(i->name)) {
		status = cli_usage(c, "--name is longer than %zu bytes", sizeof(i->name) - 1);
	}
	if (status == 0 && country != NULL &&
		(strlen(country) != 2 || strspn(country, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != 2)) {
		status = cli_usage(
			c, "--country needs two capital letters of ISO 3166-1, not '%s'", country);
	}
	if (status != 0) {
		return status;
	}
	snprintf(i->code, sizeof(i->code), "%s", code);
	snprintf(i->name, sizeof(i->name), "%s", name);
	snprintf(i->country, sizeof(i->country), "%s", country != NULL ? country : "");
	int64_t now_us = authority_now(c);
	i->expires_us = now_us - now_us % RV_US_PER_SEC + (int64_t)hours * 3600 * RV_US_PER_SEC;
	return 0;
}

static char *body_of(struct cli *c, const struct rv_invite *i, const char *guest)
{
	const char *const *operations;
	size_t n = cli_opt_all(c, "operation", &operations);
	int bad = 0;
	json_t *o = json_object();
	json_t *roles = json_array();
	json_t *list = json_array();
	for (unsigned bit = RV_ROLE_ADMINISTRATION; bit <= RV_ROLE_RELAY; bit <<= 1) {
		if (i->roles & bit) {
			json_push(roles, json_text(rv_role_text((enum rv_role)bit)), &bad);
		}
	}
	for (size_t k = 0; k < n; k++) {
		json_push(list, json_text(operations[k]), &bad);
	}
	json_put(o, "code", json_text(i->code), &bad);
	json_put(o, "name", json_text(i->name), &bad);
	json_put(o, "country", json_text(i->country), &bad);
	json_put(o, "roles", roles, &bad);
	json_put(o, "operations", list, &bad);
	json_put(o, "guest", json_text(guest), &bad);
	json_put(o, "expires", json_stamp(i->expires_us), &bad);
	json_t *done = json_done(o, bad);
	char *text = done != NULL ? json_dumps(done, JSON_COMPACT) : NULL;
	json_decref(done);
	return text;
}

static int print_token(struct cli *c, const struct rv_invite *i, const char *token)
{
	char until[RV_STAMP_TEXT];
	rv_stamp_text(until, i->expires_us);
	if (cli_json(c)) {
		return cli_print_json(c, json_pack("{s:s, s:s, s:s}", "code", i->code, "token", token,
						 "expires", until));
	}
	fprintf(cli_out(c), "%s\n", token);
	fprintf(cli_err(c),
		"Hand this token to %s by a way that others do not read; it ends at %s, and the first "
		"who uses it binds it.\nThere: reeve join TOKEN %s\nThen compare the phrase with %s "
		"by telephone: reeve approve %s\n",
		i->code, until, i->code, i->code, i->code);
	return CLI_OK;
}

static int run_new(struct cli *c, struct client *client)
{
	struct rv_invite i = {.roles = 0};
	struct rv_err e = {0};
	struct answer a = {0};
	struct curve_key guest = {"", ""};
	struct rv_random random = cli_random(c);
	char token[RV_INVITE_TEXT] = "";
	char *body = NULL;
	int status = take_options(c, &i);
	if (status != 0) {
		return status;
	}
	int rc = fill_from_list(c, &i, &e);
	if (rc == 0) {
		rc = random.fill(random.ctx, i.secret, sizeof(i.secret));
	}
	if (rc == 0) {
		rc = curve_key_of_secret(&guest, i.secret, &e);
	}
	if (rc == 0 && rv_invite_write(&i, token) != 0) {
		rc = rv_fail(&e, RV_EINVAL, "the token would have a field that is none: look at the "
					    "name and the endpoint");
	}
	body = rc == 0 ? body_of(c, &i, guest.public_key) : NULL;
	if (rc == 0) {
		rc = body != NULL ? client_post(client, "/v1/invites", body, strlen(body), NULL, &a, &e)
				  : rv_fail_nomem(&e);
	}
	status = rc != 0 ? cli_fail(c, &e, "%s is not invited", i.code) : print_token(c, &i, token);
	curve_key_wipe(&guest);
	rv_invite_wipe(&i);
	answer_clear(&a);
	free(body);
	return status;
}

static int run(struct cli *c)
{
	struct rv_err e = {0};
	struct client *client = NULL;
	const char *withdraw = cli_opt(c, "withdraw");
	rv_xml_init(NULL);
	if (client_new(&client, c, &e) != 0) {
		return cli_fail(c, &e, NULL);
	}
	int status = withdraw != NULL ? run_withdraw(c, client, withdraw)
		     : cli_has(c, "code") || cli_has(c, "name") || cli_has(c, "role")
			     ? run_new(c, client)
			     : run_list(c, client);
	client_free(&client);
	return status;
}

static const struct cli_option options[] = {
	{"code", 0, "CODE", "code of the member to be: KE", NULL, 0},
	{"name", 0, "NAME", "name of the organisation", NULL, 0},
	{"role", 0, "ROLE", "what it is to be in the network",
		"administration right-holder coordinator relay", 1},
	{"country", 0, "CC", "its country (ISO 3166-1)", NULL, 0},
	{"operation", 0, "OP", "an operation in which it takes part once it is admitted", NULL, 1},
	{"hours", 0, "N", "how long the token may be used (else 72)", NULL, 0},
	{"endpoint", 0, "ADDRESS", "where it reaches this node (else as in the trust list)", NULL, 0},
	{"withdraw", 0, "CODE", "take an invitation back, or refuse the request that came with it",
		NULL, 0},
	CLI_OPTION_JSON,
	CLI_OPTION_END,
};

const struct cli_command cmd_invite = {
	.name = "invite",
	.operands = "",
	.summary = "invite an organisation to join, or list who is invited and who asks",
	.details = "Prints a one-time token on a line of its own, for who is invited. The token\n"
		   "lets them ask; nobody is admitted before reeve approve.",
	.options = options,
	.run = run,
};
