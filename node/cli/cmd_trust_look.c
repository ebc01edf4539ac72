/* SPDX-License-Identifier: Apache-2.0 */
#include "node/cli/cmd_trust.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "node/api/json.h"
#include "node/cli/shared.h"
#include "node/cli/text.h"
#include "node/cli/trust_changes.h"
#include "node/file.h"
#include "node/trust/roots.h"

/* ---- diff ---- */

static int print_diff(struct cli *c, const struct rv_trust *older, const struct rv_trust *newer)
{
	struct rv_err e = {0};
	struct trust_diff *d = NULL;
	const struct trust_change *changes;
	int bad = 0;
	if (trust_diff_new(&d, older, newer, &e) != 0) {
		return cli_fail(c, &e, NULL);
	}
	int status;
	if (cli_json(c)) {
		json_t *o = json_object();
		json_put(o, "from", json_integer((json_int_t)rv_trust_number(older)), &bad);
		json_put(o, "to", json_integer((json_int_t)rv_trust_number(newer)), &bad);
		json_put(o, "changes", trust_changes_json(d), &bad);
		status = cli_print_json(c, json_done(o, bad));
	} else {
		fprintf(cli_out(c), "Trust list %" PRIu64 ", against %" PRIu64 "%s\n",
			rv_trust_number(newer), rv_trust_number(older),
			trust_diff_changes(d, &changes) > 0 ? ":" : ": nothing changed.");
		status = trust_changes_print(c, d);
	}
	trust_diff_free(&d);
	return status;
}

static int run_diff(struct cli *c)
{
	struct rv_err e = {0};
	struct rv_trust *older = NULL;
	struct rv_trust *newer = NULL;
	const char *authority = cli_opt(c, "authority");
	rv_xml_init(NULL);
	int rc = trust_read_file(c, cli_operand(c, 0), authority, 0, &older, &e);
	if (rc == 0) {
		rc = trust_read_file(c, cli_operand(c, 1), authority, 0, &newer, &e);
	}
	int status = rc == 0 ? print_diff(c, older, newer) : cli_fail(c, &e, NULL);
	rv_trust_unref(&older);
	rv_trust_unref(&newer);
	return status;
}

/* ---- history ---- */

static int by_number(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a;
	uint64_t y = *(const uint64_t *)b;
	return (x > y) - (x < y);
}

/* The numbers of all NUMBER.xml in the folder, ascending; to free(). */
static int list_numbers(const char *folder, uint64_t **numbers_r, size_t *n_r, struct rv_err *e)
{
	uint64_t *numbers = NULL;
	size_t n = 0, room = 0;
	int rc = 0;
	DIR *dir = opendir(folder);
	if (dir == NULL && errno != ENOENT) {
		return rv_fail_errno(e, errno, "cannot open the folder %s", folder);
	}
	for (const struct dirent *d; dir != NULL && rc == 0 && (d = readdir(dir)) != NULL;) {
		char *end = NULL;
		const char *name = d->d_name;
		uint64_t number = name[0] >= '1' && name[0] <= '9' ? strtoull(name, &end, 10) : 0;
		if (number == 0 || strcmp(end, ".xml") != 0) {
			continue;
		}
		if (n == room) {
			room = room != 0 ? 2 * room : 64;
			uint64_t *more = reallocarray(numbers, room, sizeof(*numbers));
			rc = more != NULL ? 0 : rv_fail_nomem(e);
			numbers = more != NULL ? more : numbers;
		}
		if (rc == 0) {
			numbers[n++] = number;
		}
	}
	if (dir != NULL) {
		closedir(dir);
	}
	if (rc != 0) {
		free(numbers);
		return rc;
	}
	if (n > 0) {
		qsort(numbers, n, sizeof(*numbers), by_number);
	}
	*numbers_r = numbers;
	*n_r = n;
	return 0;
}

/* A list as it was taken, by the authority's certificates of then. */
static int read_taken(const char *folder, uint64_t number, struct rv_trust **t_r, struct rv_err *e)
{
	char name[40];
	struct trust_roots roots = {0};
	struct rv_buf wire = {0};
	snprintf(name, sizeof(name), "%" PRIu64 ".pem", number);
	char *pem = file_join(folder, name);
	snprintf(name, sizeof(name), "%" PRIu64 ".xml", number);
	char *xml = file_join(folder, name);
	int rc = pem != NULL && xml != NULL ? trust_roots_read(&roots, pem, e) : rv_fail_nomem(e);
	if (rc == 0) {
		rc = file_read(xml, rv_xml_limits_trust.bytes, &wire, e);
	}
	if (rc == 0) {
		rc = trust_roots_list(&roots, t_r, wire.data, wire.len, 0, e);
	}
	trust_roots_clear(&roots);
	rv_buf_free(&wire);
	free(pem);
	free(xml);
	return rc;
}

struct history {
	struct table *table; /* one of the two */
	json_t *array;
	int bad;
};

static void put_row(struct history *h, uint64_t number, const struct rv_trust *t,
	const char *changes, const struct rv_err *why)
{
	char issued[RV_STAMP_TEXT] = "", expires[RV_STAMP_TEXT] = "";
	const struct rv_member *members;
	const struct rv_operation *operations;
	if (t != NULL) {
		rv_stamp_text(issued, rv_trust_issued(t));
		rv_stamp_text(expires, rv_trust_expires(t));
	}
	if (h->array != NULL) {
		json_t *o = json_object();
		json_put(o, "number", json_integer((json_int_t)number), &h->bad);
		if (t != NULL) {
			json_put(o, "issued", json_text(issued), &h->bad);
			json_put(o, "expires", json_text(expires), &h->bad);
			json_put(o, "signers", json_integer(rv_trust_signers(t)), &h->bad);
			json_put(o, "members",
				json_integer((json_int_t)rv_trust_members(t, &members)), &h->bad);
			json_put(o, "operations",
				json_integer((json_int_t)rv_trust_operations(t, &operations)),
				&h->bad);
			json_put(o, "changes", json_text(changes), &h->bad);
		} else {
			json_put(o, "refused", json_text(why->text), &h->bad);
		}
		h->bad |= json_array_append_new(h->array, o) != 0;
		return;
	}
	table_cellf(h->table, "%" PRIu64, number);
	table_cell(h->table, issued, 0);
	table_cell(h->table, expires, 0);
	if (t == NULL) {
		table_cell(h->table, "", 0);
		table_cell(h->table, "", 0);
		table_cellf(h->table, "cannot be read: %s", why->text);
		return;
	}
	table_cellf(h->table, "%u", rv_trust_signers(t));
	table_cellf(h->table, "%zu", rv_trust_members(t, &members));
	table_cell(h->table, changes, 0);
}

static int tell(
	struct history *h, const char *folder, const uint64_t *numbers, size_t n, struct rv_err *e)
{
	struct rv_trust *before = NULL;
	int rc = 0;
	for (size_t i = 0; i < n && rc == 0; i++) {
		struct rv_trust *t = NULL;
		struct trust_diff *d = NULL;
		struct rv_err why = {0};
		struct rv_buf changes = {0};
		read_taken(folder, numbers[i], &t, &why);
		if (t != NULL && (before != NULL || i == 0)) {
			rc = trust_diff_new(&d, before, t, e);
			if (rc == 0) {
				trust_changes_summary(d, &changes);
			}
		}
		const char *text = rv_buf_cstr(&changes);
		put_row(h, numbers[i], t, text != NULL ? text : "", &why);
		rv_buf_free(&changes);
		trust_diff_free(&d);
		rv_trust_unref(&before);
		before = t;
	}
	rv_trust_unref(&before);
	return rc;
}

static int print_history(struct cli *c, const char *folder, const uint64_t *numbers, size_t n)
{
	struct rv_err e = {0};
	struct history h = {.table = NULL};
	if (cli_json(c)) {
		h.array = json_array();
		h.bad = h.array == NULL;
		if (tell(&h, folder, numbers, n, &e) != 0) {
			json_decref(h.array);
			return cli_fail(c, &e, NULL);
		}
		return cli_print_json(c, json_done(h.array, h.bad));
	}
	h.table = table_new();
	table_column(h.table, "NUMBER", TABLE_RIGHT);
	table_column(h.table, "ISSUED", 0);
	table_column(h.table, "EXPIRES", 0);
	table_column(h.table, "KEYS", TABLE_RIGHT);
	table_column(h.table, "MEMBERS", TABLE_RIGHT);
	table_column(h.table, "CHANGES", TABLE_SHRINK);
	int rc = tell(&h, folder, numbers, n, &e);
	if (rc == 0 && table_print(h.table, cli_out(c), cli_out_tty(c) ? (size_t)cli_columns(c) : 0,
			       cli_colours(c)) != 0) {
		rc = rv_fail_nomem(&e);
	}
	table_free(&h.table);
	return rc == 0 ? CLI_OK : cli_fail(c, &e, NULL);
}

/* One list of the history, against the one before it. */
static int print_one(struct cli *c, const char *folder, const uint64_t *numbers, size_t n)
{
	struct rv_err e = {0};
	struct rv_trust *older = NULL;
	struct rv_trust *newer = NULL;
	const char *text = cli_operand(c, 0);
	char *end = NULL;
	uint64_t wanted = text[0] >= '1' && text[0] <= '9' ? strtoull(text, &end, 10) : 0;
	if (end == NULL || *end != '\0') {
		return cli_usage(c, "trust history needs the number of a list, not '%s'", text);
	}
	size_t i = 0;
	while (i < n && numbers[i] != wanted) {
		i++;
	}
	if (i == n) {
		return cli_no(c, "this node has never taken a list of number %s", text);
	}
	int rc = read_taken(folder, wanted, &newer, &e);
	if (rc == 0 && i > 0) {
		rc = read_taken(folder, numbers[i - 1], &older, &e);
	}
	int status = rc == 0 ? print_diff(c, older, newer) : cli_fail(c, &e, NULL);
	rv_trust_unref(&older);
	rv_trust_unref(&newer);
	return status;
}

static int run_history(struct cli *c)
{
	struct rv_err e = {0};
	const struct conf *conf = NULL;
	uint64_t *numbers = NULL;
	size_t n = 0;
	char *folder = NULL;
	rv_xml_init(NULL);
	int rc = cli_conf(c, &conf, &e);
	if (rc == 0) {
		folder = file_join(conf->state_dir, "trust");
		rc = folder != NULL ? list_numbers(folder, &numbers, &n, &e) : rv_fail_nomem(&e);
	}
	int status = rc != 0                     ? cli_fail(c, &e, NULL)
		     : cli_operand(c, 0) != NULL ? print_one(c, folder, numbers, n)
						 : print_history(c, folder, numbers, n);
	free(numbers);
	free(folder);
	return status;
}

/* ---- the commands ---- */

static const struct cli_option diff_options[] = {
	{"authority", 'A', "FILE", "certificates of the lists' authority, PEM, to verify both by",
		CLI_FILES, 0},
	CLI_OPTION_JSON,
	CLI_OPTION_END,
};

const struct cli_command trust_cmd_diff = {
	.name = "diff",
	.operands = "OLD.xml NEW.xml",
	.summary = "tell what one trust list changes against another",
	.options = diff_options,
	.min_operands = 2,
	.max_operands = 2,
	.values = CLI_FILES,
	.run = run_diff,
};

static const struct cli_option history_options[] = {
	CLI_OPTION_JSON,
	CLI_OPTION_END,
};

const struct cli_command trust_cmd_history = {
	.name = "history",
	.operands = "[NUMBER]",
	.summary = "list the trust lists that the node took, or what one of them changed",
	.options = history_options,
	.max_operands = 1,
	.run = run_history,
};
