/* SPDX-License-Identifier: Apache-2.0 */
#include "node/cli/commands.h"

#include <string.h>
#include <strings.h>

#include "node/api/json.h"
#include "node/cli/shared.h"
#include "node/cli/text.h"

struct rows {
	const char *prefix;
	struct table *table;
	json_t *json;
	int bad;
	size_t n;
};

static int wanted(const struct rows *r, const char *code, const char *name)
{
	return !r->prefix || !strncasecmp(code, r->prefix, strlen(r->prefix)) || (name && strcasestr(name, r->prefix));
}

static int add(void *ctx, const char *code, const char *name)
{
	struct rows *r = ctx;
	if (!wanted(r, code, name))
		return 0;
	r->n++;
	if (r->json) {
		json_t *o = json_object();
		json_put(o, "code", json_text(code), &r->bad);
		json_put(o, "name", json_text(name ? name : ""), &r->bad);
		json_push(r->json, o, &r->bad);
	} else {
		table_cell(r->table, code, 0);
		table_cell(r->table, name, 0);
	}
	return 0;
}

static int print(struct cli *c, struct rows *r)
{
	if (r->json) {
		json_t *json = json_done(r->json, r->bad);
		r->json = NULL;
		if (cli_print_json(c, json))
			return CLI_NO;
	} else if (r->n && table_print(r->table, cli_out(c), cli_out_tty(c) ? (size_t)cli_columns(c) : 0, cli_colours(c))) {
		return cli_no(c, "memory is short");
	}
	return r->n ? CLI_OK : CLI_NO;
}

static int run(struct cli *c)
{
	struct rv_err e = {0};
	const struct rv_catalog *catalog;
	const char *list = cli_operand(c, 0);
	struct rows rows = {.prefix = cli_operand(c, 1)};
	int status;
	if (cli_catalog(c, &catalog, &e))
		return cli_fail(c, &e, NULL);
	if (cli_json(c)) {
		rows.json = json_array();
	} else {
		rows.table = table_new();
		table_column(rows.table, "CODE", 0);
		table_column(rows.table, "MEANING", TABLE_SHRINK);
	}
	if (rv_catalog_each(catalog, list, add, &rows) < 0)
		status = cli_no(c, "there is no list '%s'; %s/codes has their names", list, rv_catalog_dir(catalog));
	else
		status = print(c, &rows);
	table_free(&rows.table);
	json_decref(rows.json);
	return status;
}

static const struct cli_option options[] = {
	CLI_OPTION_JSON,
	CLI_OPTION_END,
};

const struct cli_command cmd_codes = {
	.name = "codes",
	.operands = "LIST [PREFIX]",
	.summary = "look up codes and what they mean, offline",
	.details = "LIST is a code list: countries, currencies, units, packages, hs,\n"
		   "detection-methods, categories-generic... With PREFIX only codes that begin\n"
		   "with it, or whose meaning has it. Exit status 1 if there is none.",
	.options = options,
	.min_operands = 1,
	.max_operands = 2,
	.values = CLI_LISTS,
	.run = run,
};
