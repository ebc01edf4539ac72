/* SPDX-License-Identifier: Apache-2.0 */
#include "node/cli/commands.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "node/api/target.h"
#include "node/cli/client.h"
#include "node/cli/shared.h"
#include "node/cli/text.h"

enum { SHOWN = 50, PAGE = 1000, RETRY_MAX_MS = 8000 };

struct box {
	struct cli *c;
	struct client *client;
	const char *name; /* "inbox" */
	uint64_t limit;   /* UINT64_MAX: all */
	json_t *rows;     /* in the order of arrival */
	json_int_t last;  /* greatest cursor seen */
};

static int is_outbox(const struct box *b)
{
	return !strcmp(b->name, "outbox");
}

/* ---- getting ---- */

static int get_page(struct box *b, const char *order, json_int_t after, uint64_t limit,
	struct answer *a, struct rv_err *e)
{
	struct rv_buf path = {0};
	char number[24];
	rv_buf_printf(&path, "/v1/%s", b->name);
	path_param(&path, "order", order);
	if (after) {
		snprintf(number, sizeof number, "%lld", (long long)after);
		path_param(&path, "after", number);
	}
	snprintf(number, sizeof number, "%llu", (unsigned long long)(limit < PAGE ? limit : PAGE));
	path_param(&path, "limit", number);
	if (cli_opt(b->c, "operation"))
		path_param(&path, "operation", cli_opt(b->c, "operation"));
	if (cli_has(b->c, "unread"))
		path_param(&path, "unread", "true");
	const char *text = rv_buf_cstr(&path);
	int rc = text ? client_get(b->client, text, a, e) : rv_fail_nomem(e);
	rv_buf_free(&path);
	return rc;
}

/* The newest `limit` rows, put into the order of arrival. */
static int get_rows(struct box *b, struct rv_err *e)
{
	json_int_t after = 0;
	int more = 1;
	while (more && json_array_size(b->rows) < b->limit) {
		struct answer a = {0};
		int rc = get_page(b, "newest", after, b->limit - json_array_size(b->rows), &a, e);
		json_t *items = json_object_get(a.json, "items"),
		       *next = json_object_get(a.json, "next"), *row;
		size_t i;
		json_array_foreach(items, i, row)
		{
			if (json_num(row, "cursor") > b->last)
				b->last = json_num(row, "cursor");
			if (!rc && json_array_insert(b->rows, 0, row))
				rc = rv_fail_nomem(e);
		}
		after = json_integer_value(next);
		more = json_is_integer(next);
		answer_clear(&a);
		if (rc)
			return rc;
	}
	return 0;
}

/* ---- showing ---- */

static void add_columns(const struct box *b, struct table *t)
{
	table_column(t, "ID", 0);
	table_column(t, is_outbox(b) ? "SENT UTC" : "STORED UTC", 0);
	table_column(t, "KIND", TABLE_SHRINK);
	if (!is_outbox(b))
		table_column(t, "FROM", 0);
	table_column(t, "OPERATION", TABLE_SHRINK);
	table_column(t, is_outbox(b) ? "DELIVERED" : "STATE", 0);
}

static void add_row(const struct box *b, struct table *t, const json_t *row)
{
	char when[24];
	const json_t *deliveries = json_object_get(row, "deliveries");
	json_int_t all = json_num(deliveries, "total"), pending = json_num(deliveries, "pending");
	json_int_t rejected = json_num(deliveries, "rejected");
	int unread = !json_str(row, "read")[0];
	json_when(when, row, is_outbox(b) ? "issued" : "stored");
	table_cell(t, json_str(row, "id"), 0);
	when[16] = 0; /* minutes are enough in a list */
	table_cell(t, when, 0);
	const char *status = json_str(row, "status");
	if (!strcmp(status, "actual"))
		table_cell(t, json_str(row, "kind"), 0);
	else
		table_cellf(t, "%s (%s)", json_str(row, "kind"), status);
	if (!is_outbox(b)) {
		table_cell(t, json_str(row, "originator"), 0);
		table_cell(t, json_str(row, "operation"), 0);
		table_cell(t, unread ? "unread" : "read", unread ? 1 : 0);
		return;
	}
	table_cell(t, json_str(row, "operation"), 0);
	char text[64];
	int n = snprintf(text, sizeof text, "%lld of %lld", (long long)(all - pending - rejected),
		(long long)all);
	if (rejected)
		snprintf(text + n, sizeof text - (size_t)n, ", %lld rejected", (long long)rejected);
	table_cell(t, text, rejected ? 31 : 0);
}

static int show_rows(const struct box *b)
{
	struct cli *c = b->c;
	json_t *row;
	size_t i;
	if (cli_json(c) && !cli_has(c, "follow"))
		return cli_print_json(c, json_incref(b->rows));
	if (cli_json(c)) {
		json_array_foreach(b->rows, i, row)
		{
			json_dumpf(row, cli_out(c), JSON_COMPACT);
			fputc('\n', cli_out(c));
		}
		return CLI_OK;
	}
	struct table *t = table_new();
	add_columns(b, t);
	json_array_foreach(b->rows, i, row) add_row(b, t, row);
	int rc = table_print(
		t, cli_out(c), cli_out_tty(c) ? (size_t)cli_columns(c) : 0, cli_colours(c));
	table_free(&t);
	return rc ? cli_no(c, "memory is short") : CLI_OK;
}

/* ---- following ---- */

static int is_wanted(const struct box *b, const json_t *row)
{
	const char *operation = cli_opt(b->c, "operation");
	return !operation || !strcmp(operation, json_str(row, "operation"));
}

static int on_event(void *ctx, const char *id, const char *data)
{
	struct box *b = ctx;
	FILE *out = cli_out(b->c);
	char when[24];
	json_t *row = json_loads(data, 0, NULL);
	if (!row)
		return RV_EPARSE;
	if (is_wanted(b, row) && cli_json(b->c)) {
		fprintf(out, "%s\n", data);
	} else if (is_wanted(b, row)) {
		struct rv_buf line = {0};
		json_when(when, row, "stored");
		when[16] = 0;
		rv_buf_printf(&line, "%s  %s  %s  %s  %s", json_str(row, "id"), when,
			json_str(row, "kind"), json_str(row, "originator"),
			json_str(row, "operation"));
		if (rv_buf_cstr(&line))
			text_put(out, rv_buf_cstr(&line));
		fputc('\n', out);
		rv_buf_free(&line);
	}
	if (json_num(row, "cursor") > b->last)
		b->last = json_num(row, "cursor");
	json_decref(row);
	return fflush(out) ? RV_EIO : 0;
}

static void pause_ms(int ms)
{
	struct timespec t = {ms / 1000, (long)(ms % 1000) * 1000000};
	nanosleep(&t, NULL);
}

/* Goes on behind the last entry when the node comes back: nothing is lost, nothing comes twice. */
static int follow(struct box *b)
{
	int wait = 500, told = 0;
	for (;;) {
		struct rv_err e = {0};
		char path[64];
		json_int_t before = b->last;
		snprintf(path, sizeof path, "/v1/events?after=%lld", (long long)b->last);
		int rc = client_events(b->client, path, on_event, b, &e);
		if (rc == RV_EIO && !e.code)
			return CLI_NO; /* nobody reads what we write; main says so */
		if (rc != RV_ECLOSED && rc != RV_ETIMEOUT && rc != RV_EAGAIN)
			return e.code ? cli_fail(b->c, &e, NULL)
				      : cli_no(b->c, "the node sent an event that cannot be read");
		if (b->last != before || !e.code) {
			wait = 500;
			told = 0;
		}
		if (!told)
			cli_fail(b->c, &e, "waiting for the node");
		told = 1;
		pause_ms(wait);
		wait = wait * 2 < RETRY_MAX_MS ? wait * 2 : RETRY_MAX_MS;
	}
}

static int run_box(struct cli *c, const char *name)
{
	struct rv_err e = {0};
	struct box b = {.c = c, .name = name, .limit = SHOWN};
	const char *limit = cli_opt(c, "limit");
	int status;
	if (limit && (target_number(&b.limit, limit, 1000000) || !b.limit))
		return cli_usage(c, "--limit is a number from 1 to 1000000");
	if (cli_has(c, "all"))
		b.limit = UINT64_MAX;
	b.rows = json_array();
	if (!b.rows)
		return cli_no(c, "memory is short");
	if (client_new(&b.client, c, &e) || get_rows(&b, &e))
		status = cli_fail(c, &e, NULL);
	else
		status = show_rows(&b);
	if (!status && cli_has(c, "follow")) {
		fflush(cli_out(c));
		status = follow(&b);
	}
	client_free(&b.client);
	json_decref(b.rows);
	return status;
}

static int run_inbox(struct cli *c)
{
	return run_box(c, "inbox");
}

static int run_outbox(struct cli *c)
{
	return run_box(c, "outbox");
}

static const struct cli_option inbox_options[] = {
	{"follow", 'f', NULL, "go on and show what arrives", NULL, 0},
	{"operation", 'p', "OP", "only of that operation", NULL, 0},
	{"unread", 'u', NULL, "only what nobody has opened", NULL, 0},
	{"limit", 'n', "N", "the newest N (default 50)", NULL, 0},
	{"all", 'a', NULL, "all of them", NULL, 0},
	{"json", 0, NULL, "print JSON for programs; with --follow one object a line", NULL, 0},
	CLI_OPTION_END,
};

const struct cli_command cmd_inbox = {
	.name = "inbox",
	.operands = "",
	.summary = "list what others sent us",
	.details =
		"In the order of arrival, the newest last. With --follow it stays and shows each\n"
		"new message; when the node is restarted it goes on where it was.",
	.options = inbox_options,
	.run = run_inbox,
};

static const struct cli_option outbox_options[] = {
	{"operation", 'p', "OP", "only of that operation", NULL, 0},
	{"limit", 'n', "N", "the newest N (default 50)", NULL, 0},
	{"all", 'a', NULL, "all of them", NULL, 0},
	CLI_OPTION_JSON,
	CLI_OPTION_END,
};

const struct cli_command cmd_outbox = {
	.name = "outbox",
	.operands = "",
	.summary = "list what we sent, and how far it got",
	.options = outbox_options,
	.run = run_outbox,
};
