/* SPDX-License-Identifier: Apache-2.0 */
#include "node/cli/commands.h"

#include <string.h>

#include "node/cli/client.h"
#include "node/cli/shared.h"
#include "node/cli/text.h"
#include "protocol/stamp.h"

static void duration(char *out, size_t size, int64_t s)
{
	s = s < 0 ? 0 : s;
	if (s < 60)
		snprintf(out, size, "%llds", (long long)s);
	else if (s < 3600)
		snprintf(out, size, "%lldm %llds", (long long)s / 60, (long long)s % 60);
	else if (s < 86400)
		snprintf(out, size, "%lldh %lldm", (long long)s / 3600, (long long)s % 3600 / 60);
	else
		snprintf(out, size, "%lldd %lldh", (long long)s / 86400,
			(long long)s % 86400 / 3600);
}

/* Each address where something is fetched: when it went well, or since when it does not. */
static void show_sources(struct cli *c, const json_t *o)
{
	const json_t *r;
	size_t i;
	json_array_foreach(json_object_get(o, "sources"), i, r)
	{
		char fetched[24], next[24];
		const char *kind = json_str(r, "kind");
		json_when(fetched, r, "fetched");
		json_when(next, r, "next");
		if (json_str(r, "rule")[0])
			cli_line(c, kind, "%s: [%s] %s; last fetched %s, next try %s", json_str(r, "url"),
				json_str(r, "rule"), json_str(r, "text"),
				fetched[0] == '-' ? "never" : fetched, next);
		else
			cli_line(c, kind, "%s%s%s%s: fetched %s", json_str(r, "url"),
				json_str(r, "whose")[0] ? " (" : "", json_str(r, "whose"),
				json_str(r, "whose")[0] ? ")" : "",
				fetched[0] == '-' ? "not yet" : fetched);
	}
}

static void show_status(struct cli *c, const json_t *o)
{
	const json_t *trust = json_object_get(o, "trust"), *store = json_object_get(o, "store");
	char up[32], when[24];
	int ready = json_yes(o, "ready");
	duration(up, sizeof up, json_num(o, "uptime"));
	fprintf(cli_out(c), "%s%s%s\n", cli_sgr(c, ready ? "32" : "31"),
		ready ? "ready" : "not ready", cli_sgr(c, "0"));
	cli_line(
		c, "node", "%s, reeved %s, up %s", json_str(o, "code"), json_str(o, "version"), up);
	if (!ready)
		cli_line(c, "why", "%s", json_str(o, "reason"));
	json_when(when, trust, "expires");
	if (json_is_object(trust))
		cli_line(c, "trust list", "number %lld, %s %s",
			(long long)json_num(trust, "number"),
			json_yes(trust, "expired") ? "EXPIRED" : "valid until", when);
	else
		cli_line(c, "trust list", "none");
	const json_t *notice;
	size_t i;
	json_array_foreach(json_object_get(o, "notices"), i, notice)
	{
		cli_line(c, "soon", "%s [%s]", json_str(notice, "text"), json_str(notice, "rule"));
		cli_line(c, "", "%s", json_str(notice, "mend"));
	}
	cli_line(c, "inbox", "%lld, %lld unread", (long long)json_num(store, "inbox"),
		(long long)json_num(store, "unread"));
	cli_line(c, "outbox", "%lld", (long long)json_num(store, "outbox"));
	cli_line(c, "in transit", "%lld", (long long)json_num(store, "transit"));
	cli_line(c, "waiting", "%lld deliveries, %lld receipts, %lld attachments to fetch",
		(long long)json_num(store, "pendingDeliveries"),
		(long long)json_num(store, "receiptsWaiting"),
		(long long)json_num(store, "fetches"));
	show_sources(c, o);
	cli_line(c, "quarantine", "%lld", (long long)json_num(store, "quarantined"));
}

static int with_answer(struct cli *c, const char *path,
	void (*show)(struct cli *c, const json_t *o), int (*judge)(const json_t *o))
{
	struct rv_err e = {0};
	struct client *client = NULL;
	struct answer a = {0};
	int status = CLI_OK;
	if (client_new(&client, c, &e) || client_get(client, path, &a, &e)) {
		status = cli_fail(c, &e, NULL);
	} else if (cli_json(c)) {
		status = cli_print_json(c, json_incref(a.json));
	} else {
		show(c, a.json);
	}
	if (!status && judge && !judge(a.json))
		status = CLI_NO;
	answer_clear(&a);
	client_free(&client);
	return status;
}

static int is_ready(const json_t *o)
{
	return json_yes(o, "ready");
}

static int run_status(struct cli *c)
{
	return with_answer(c, "/v1/status", show_status, is_ready);
}

static const struct cli_option options[] = {
	CLI_OPTION_JSON,
	CLI_OPTION_END,
};

const struct cli_command cmd_status = {
	.name = "status",
	.operands = "",
	.summary = "tell how the node is",
	.details = "Exit status 1 if it does not answer or does not take messages.",
	.options = options,
	.run = run_status,
};

/* ---- links ---- */

static int colour_of(const char *state)
{
	return !strcmp(state, "up")                                  ? 32
	       : !strcmp(state, "refused") || !strcmp(state, "down") ? 31
								     : 33;
}

static const json_t *queue_of(const json_t *o, const char *hop)
{
	const json_t *q;
	size_t i;
	json_array_foreach(
		json_object_get(o, "queues"), i, q) if (!strcmp(json_str(q, "hop"), hop)) return q;
	return NULL;
}

static void cell_ms(struct table *t, json_int_t us)
{
	if (us)
		table_cellf(t, "%.1f ms", (double)us / 1000);
	else
		table_cell(t, "-", 0);
}

static void table_of_links(struct cli *c, const json_t *o)
{
	const json_t *r;
	size_t i;
	struct table *t = table_new();
	table_column(t, "PEER", 0);
	table_column(t, "STATE", 0);
	table_column(t, "SINCE", 0);
	table_column(t, "ROUND TRIP", TABLE_RIGHT);
	table_column(t, "CLOCK", TABLE_RIGHT);
	table_column(t, "SENT", TABLE_RIGHT);
	table_column(t, "RECEIVED", TABLE_RIGHT);
	table_column(t, "WAITING", TABLE_RIGHT);
	table_column(t, "TRUST", TABLE_RIGHT);
	json_array_foreach(json_object_get(o, "links"), i, r)
	{
		char when[24];
		json_when(when, r, "since");
		table_cell(t, json_str(r, "peer"), 0);
		table_cell(t, json_str(r, "state"), colour_of(json_str(r, "state")));
		table_cell(t, when, 0);
		cell_ms(t, json_num(r, "rttP50Us"));
		cell_ms(t, json_num(r, "clockOffsetUs"));
		table_cellf(t, "%lld", (long long)json_num(r, "sent"));
		table_cellf(t, "%lld", (long long)json_num(r, "received"));
		table_cellf(t, "%lld",
			(long long)json_num(queue_of(o, json_str(r, "peer")), "waiting"));
		table_cellf(t, "%lld", (long long)json_num(r, "trustNumber"));
	}
	if (json_array_size(json_object_get(o, "links")))
		table_print(
			t, cli_out(c), cli_out_tty(c) ? (size_t)cli_columns(c) : 0, cli_colours(c));
	else
		fputs("no links\n", cli_out(c));
	table_free(&t);
}

static void show_links(struct cli *c, const json_t *o)
{
	const json_t *r;
	size_t i;
	char when[24];
	table_of_links(c, o);
	json_array_foreach(json_object_get(o, "links"), i,
		r) if (strcmp(json_str(r, "state"), "up") && json_str(r, "lastError")[0])
	{
		json_when(when, r, "lastErrorAt");
		fputc('\n', cli_out(c));
		text_put(cli_out(c), json_str(r, "peer"));
		fputc('\n', cli_out(c));
		cli_line(c, "error", "%s (%s)", json_str(r, "lastError"), when);
		if (json_str(r, "mend")[0])
			cli_line(c, "mend", "%s", json_str(r, "mend"));
	}
	json_array_foreach(json_object_get(o, "queues"), i, r)
	{
		json_when(when, r, "oldest");
		if (json_num(r, "waiting"))
			cli_line(c, i ? "" : "\n  waiting", "%lld for %s, the oldest since %s",
				(long long)json_num(r, "waiting"),
				json_str(r, "hop")[0] ? json_str(r, "hop")
						      : "members to whom no way is known",
				when);
	}
	const json_t *refused = json_object_get(o, "refused");
	if (json_array_size(refused))
		fputs("\nRefused handshakes:\n", cli_out(c));
	json_array_foreach(refused, i, r)
	{
		json_when(when, r, "last");
		cli_line(c, json_str(r, "address"), "%lld times, last %s: %s; key %s",
			(long long)json_num(r, "count"), when, json_str(r, "reason"),
			json_str(r, "key"));
	}
}

static int run_links(struct cli *c)
{
	return with_answer(c, "/v1/links", show_links, NULL);
}

const struct cli_command cmd_links = {
	.name = "links",
	.operands = "",
	.summary = "show the links with peers, what waits for them, and who was refused",
	.details =
		"CLOCK is how far the peer's clock is ahead of ours. TRUST is the number of the\n"
		"trust list that the peer uses.",
	.options = options,
	.run = run_links,
};
