/* SPDX-License-Identifier: Apache-2.0 */
#include "node/cli/commands.h"

#include <dirent.h>
#include <stdlib.h>
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
	return !r->prefix || !strncasecmp(code, r->prefix, strlen(r->prefix)) ||
	       (name && strcasestr(name, r->prefix));
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
	} else if (r->n && table_print(r->table, cli_out(c),
				   cli_out_tty(c) ? (size_t)cli_columns(c) : 0, cli_colours(c))) {
		return cli_no(c, "memory is short");
	}
	return r->n ? CLI_OK : CLI_NO;
}

/* ---- the lists themselves ---- */

static const char *const from_iso[] = {"countries", "currencies", "languages", "subdivisions"};

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void add_name(char **names, size_t *n, const char *name, size_t len)
{
	names[*n] = strndup(name, len);
	*n += names[*n] != NULL;
}

/* The names of the CSV files, and what comes from iso-codes; one a line. */
static int list_lists(struct cli *c, const struct rv_catalog *catalog)
{
	enum { MAX = 512 };
	char path[4096], **names = calloc(MAX, sizeof(char *));
	size_t n = 0;
	snprintf(path, sizeof path, "%s/codes", rv_catalog_dir(catalog));
	DIR *dir = names ? opendir(path) : NULL;
	if (!dir) {
		free(names);
		return cli_no(c, "the folder %s cannot be read", path);
	}
	for (size_t i = 0; i < sizeof from_iso / sizeof from_iso[0]; i++)
		add_name(names, &n, from_iso[i], strlen(from_iso[i]));
	for (struct dirent *d; n < MAX && (d = readdir(dir));) {
		size_t len = strlen(d->d_name);
		if (len > 4 && !strcmp(d->d_name + len - 4, ".csv"))
			add_name(names, &n, d->d_name, len - 4);
	}
	closedir(dir);
	qsort(names, n, sizeof(char *), by_name);
	for (size_t i = 0; i < n; i++) {
		fprintf(cli_out(c), "%s\n", names[i]);
		free(names[i]);
	}
	free(names);
	return CLI_OK;
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
	if (!list)
		return list_lists(c, catalog);
	if (cli_json(c)) {
		rows.json = json_array();
	} else {
		rows.table = table_new();
		table_column(rows.table, "CODE", 0);
		table_column(rows.table, "MEANING", TABLE_SHRINK);
	}
	if (rv_catalog_each(catalog, list, add, &rows) < 0)
		status = cli_no(
			c, "there is no list '%s'; 'reeve codes' tells which there are", list);
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
	.operands = "[LIST [PREFIX]]",
	.summary = "look up codes and what they mean, offline",
	.details =
		"LIST is a code list: countries, currencies, units, packages, hs,\n"
		"detection-methods, categories-generic... Without LIST the names of all lists.\n"
		"With PREFIX only codes that begin with it, or whose meaning has it. Exit status\n"
		"1 if there is none.",
	.options = options,
	.max_operands = 2,
	.values = CLI_LISTS,
	.run = run,
};
