/* SPDX-License-Identifier: Apache-2.0 */
#include "node/cli/commands.h"

#include <string.h>

#include "node/api/target.h"
#include "node/cli/client.h"
#include "node/cli/shared.h"
#include "node/cli/text.h"

enum { PAGE = 1000 };

static int list(struct cli *c, struct client *client, struct rv_err *e)
{
	json_t *rows = json_array(), *row;
	json_int_t after = 0;
	int more = 1;
	size_t i;
	while (more) {
		struct answer a = {0};
		char path[80];
		snprintf(path, sizeof path, "/v1/quarantine?after=%lld&limit=%d", (long long)after,
			PAGE);
		int rc = client_get(client, path, &a, e);
		const json_t *next = json_object_get(a.json, "next");
		if (!rc && json_array_extend(rows, json_object_get(a.json, "items")))
			rc = rv_fail_nomem(e);
		more = json_is_integer(next);
		after = json_integer_value(next);
		answer_clear(&a);
		if (rc) {
			json_decref(rows);
			return cli_fail(c, e, NULL);
		}
	}
	if (cli_json(c))
		return cli_print_json(c, rows);
	struct table *t = table_new();
	table_column(t, "N", TABLE_RIGHT);
	table_column(t, "WHEN UTC", 0);
	table_column(t, "FROM", 0);
	table_column(t, "KIND", TABLE_SHRINK);
	table_column(t, "RULE", 0);
	table_column(t, "WHY", TABLE_SHRINK);
	json_array_foreach(rows, i, row)
	{
		char when[24];
		json_when(when, row, "time");
		when[16] = 0;
		table_cellf(t, "%lld", (long long)json_num(row, "cursor"));
		table_cell(t, when, 0);
		table_cell(t, json_str(row, "source")[0] ? json_str(row, "source") : "(own)", 0);
		table_cell(t, json_str(row, "kind"), 0);
		table_cell(t, json_str(row, "rule"), 0);
		table_cell(t, json_str(row, "text"), 0);
	}
	int rc = table_print(
		t, cli_out(c), cli_out_tty(c) ? (size_t)cli_columns(c) : 0, cli_colours(c));
	table_free(&t);
	json_decref(rows);
	return rc ? cli_no(c, "memory is short") : CLI_OK;
}

static void show(struct cli *c, const json_t *o)
{
	char when[24];
	json_when(when, o, "time");
	cli_line(c, "refused", "%s", when);
	cli_line(c, "from", "%s", json_str(o, "source")[0] ? json_str(o, "source") : "(own)");
	cli_line(c, "message", "%s",
		json_str(o, "id")[0] ? json_str(o, "id") : "(could not be read)");
	if (json_str(o, "kind")[0])
		cli_line(c, "kind", "%s", json_str(o, "kind"));
	if (json_str(o, "originator")[0])
		cli_line(c, "originator", "%s", json_str(o, "originator"));
	if (json_str(o, "operation")[0])
		cli_line(c, "operation", "%s", json_str(o, "operation"));
	cli_line(c, "rule", "%s", json_str(o, "rule"));
	cli_line(c, "why", "%s", json_str(o, "text"));
	if (json_num(o, "line"))
		cli_line(c, "where", "line %lld, column %lld", (long long)json_num(o, "line"),
			(long long)json_num(o, "column"));
	cli_line(c, "size", "%lld bytes", (long long)json_num(o, "size"));
}

static int one(struct cli *c, struct client *client, uint64_t n, struct rv_err *e)
{
	struct answer a = {0}, content = {0};
	char path[80];
	int status = CLI_OK;
	snprintf(path, sizeof path, "/v1/quarantine/%llu", (unsigned long long)n);
	if (client_get(client, path, &a, e))
		status = cli_fail(c, e, NULL);
	else if (cli_json(c))
		status = cli_print_json(c, json_incref(a.json));
	else
		show(c, a.json);
	if (!status && cli_opt(c, "out")) {
		snprintf(path, sizeof path, "/v1/quarantine/%llu/content", (unsigned long long)n);
		if (client_get(client, path, &content, e) ||
			cli_write(
				c, cli_opt(c, "out"), 0600, content.body.data, content.body.len, e))
			status = cli_fail(c, e, NULL);
	}
	answer_clear(&a);
	answer_clear(&content);
	return status;
}

static int run(struct cli *c)
{
	struct rv_err e = {0};
	struct client *client = NULL;
	const char *number = cli_operand(c, 0);
	uint64_t n = 0;
	int status;
	if (number && target_number(&n, number, INT64_MAX))
		return cli_usage(
			c, "'%s' is no number of the list that 'reeve quarantine' prints", number);
	if (!number && cli_opt(c, "out"))
		return cli_usage(c, "--out needs the number of one message");
	if (client_new(&client, c, &e))
		status = cli_fail(c, &e, NULL);
	else
		status = number ? one(c, client, n, &e) : list(c, client, &e);
	client_free(&client);
	return status;
}

static const struct cli_option options[] = {
	{"out", 'o', "FILE", "write the bytes of the message there", CLI_FILES, 0},
	CLI_OPTION_JSON,
	CLI_OPTION_END,
};

const struct cli_command cmd_quarantine = {
	.name = "quarantine",
	.operands = "[N]",
	.summary = "show what was refused, by whom it was sent, and why",
	.details = "Without N the list. The bytes of a refused message are what a peer sent,\n"
		   "unchecked: open them with care.",
	.options = options,
	.max_operands = 1,
	.run = run,
};
