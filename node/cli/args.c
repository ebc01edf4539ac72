/* SPDX-License-Identifier: Apache-2.0 */
#include "node/cli/inside.h"

#include <stdlib.h>
#include <string.h>

const struct cli_option cli_global_options[] = {
	{"conf", 'c', "FILE", "the node's configuration (else REEVE_CONF)", CLI_FILES, 0},
	{"help", 'h', NULL, "tell what the command does", NULL, 0},
	{"version", 'V', NULL, "print the version", NULL, 0},
	CLI_OPTION_END,
};

/* Damerau-Levenshtein, restricted: what a mistyped word costs. Words of a command line are short.
 */
size_t cli_distance(const char *a, const char *b)
{
	enum { MAX = 32 };
	size_t d[MAX + 1][MAX + 1];
	size_t la = strlen(a), lb = strlen(b);
	if (la > MAX || lb > MAX)
		return MAX;
	for (size_t i = 0; i <= la; i++)
		d[i][0] = i;
	for (size_t j = 0; j <= lb; j++)
		d[0][j] = j;
	for (size_t i = 1; i <= la; i++)
		for (size_t j = 1; j <= lb; j++) {
			size_t best = d[i - 1][j - 1] + (a[i - 1] != b[j - 1]);
			if (d[i - 1][j] + 1 < best)
				best = d[i - 1][j] + 1;
			if (d[i][j - 1] + 1 < best)
				best = d[i][j - 1] + 1;
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
				d[i - 2][j - 2] + 1 < best)
				best = d[i - 2][j - 2] + 1;
			d[i][j] = best;
		}
	return d[la][lb];
}

static int is_near(const char *typed, const char *name, size_t distance)
{
	size_t len = strlen(typed);
	return distance <= 1 || distance <= len / 3 || (len >= 2 && !strncmp(typed, name, len));
}

const char *cli_nearest_command(const char *name, const struct cli_command *const *table)
{
	const char *best = NULL;
	size_t least = SIZE_MAX;
	for (; *table; table++) {
		size_t distance = cli_distance(name, (*table)->name);
		if (distance < least && is_near(name, (*table)->name, distance)) {
			least = distance;
			best = (*table)->name;
		}
	}
	return best;
}

static const char *nearest_option(const char *name, const struct cli_option *own)
{
	const char *best = NULL;
	size_t least = SIZE_MAX;
	for (int table = 0; table < 2; table++)
		for (const struct cli_option *o = table ? cli_global_options : own; o && o->name;
			o++) {
			size_t distance = cli_distance(name, o->name);
			if (distance < least && is_near(name, o->name, distance)) {
				least = distance;
				best = o->name;
			}
		}
	return best;
}

static const struct cli_option *find_option(
	const struct cli *c, const char *name, size_t len, char letter)
{
	const struct cli_command *cmd = cli_current(c);
	for (int table = 0; table < 2; table++) {
		const struct cli_option *o = table ? cli_global_options : cmd ? cmd->options : NULL;
		for (; o && o->name; o++)
			if (name ? strlen(o->name) == len && !memcmp(o->name, name, len)
				 : o->letter == letter)
				return o;
	}
	return NULL;
}

static int add_given(struct cli *c, const struct cli_option *o, const char *value)
{
	if (!o->many && o->arg)
		for (size_t i = 0; i < c->n_given; i++)
			if (c->given[i].option == o)
				return cli_usage(c, "--%s is given twice", o->name);
	c->given[c->n_given].option = o;
	c->given[c->n_given++].value = value;
	return 0;
}

static int long_option(struct cli *c, const char *word, char *const **next, char *const *end)
{
	const char *equals = strchr(word, '=');
	size_t len = equals ? (size_t)(equals - word) : strlen(word);
	const struct cli_option *o = find_option(c, word, len, 0);
	if (!o) {
		char name[64];
		snprintf(name, sizeof name, "%.*s", (int)(len < 60 ? len : 60), word);
		const char *near =
			nearest_option(name, cli_current(c) ? cli_current(c)->options : NULL);
		return near ? cli_usage(
				      c, "there is no option --%s; did you mean --%s?", name, near)
			    : cli_usage(c, "there is no option --%s", name);
	}
	if (!o->arg && equals)
		return cli_usage(c, "--%s takes no value", o->name);
	if (!o->arg)
		return add_given(c, o, NULL);
	if (equals)
		return add_given(c, o, equals + 1);
	if (*next == end)
		return cli_usage(c, "--%s needs a value: %s", o->name, o->arg);
	return add_given(c, o, *(*next)++);
}

static int short_options(struct cli *c, const char *word, char *const **next, char *const *end)
{
	for (const char *p = word; *p; p++) {
		const struct cli_option *o = find_option(c, NULL, 0, *p);
		if (!o)
			return cli_usage(c, "there is no option -%c", *p);
		int r;
		if (!o->arg) {
			r = add_given(c, o, NULL);
		} else if (p[1]) {
			return add_given(c, o, p + 1);
		} else if (*next == end) {
			return cli_usage(c, "-%c needs a value: %s", *p, o->arg);
		} else {
			r = add_given(c, o, *(*next)++);
		}
		if (r)
			return r;
	}
	return 0;
}

int cli_enter(struct cli *c, const char *word, const struct cli_command *const *table)
{
	for (const struct cli_command *const *p = table; *p; p++)
		if (!strcmp((*p)->name, word)) {
			c->path[c->n_path++] = *p;
			return 0;
		}
	const char *near = cli_nearest_command(word, table);
	return near ? cli_usage(c, "there is no command '%s'; did you mean '%s'?", word, near)
		    : cli_usage(c, "there is no command '%s'", word);
}

static int wants(const struct cli *c, const char *option)
{
	return cli_has(c, option) > 0;
}

static int check_operands(struct cli *c)
{
	const struct cli_command *cmd = cli_current(c);
	if (!cmd || wants(c, "help") || wants(c, "version"))
		return 0;
	char full[96];
	cli_path_text(c, full, sizeof full);
	const char *path = full + strlen("reeve ");
	if (cmd->subs)
		return cli_usage(c, "%s needs a sub-command", path);
	if (c->n_operands < (size_t)cmd->min_operands)
		return cli_usage(c, "%s needs %s", path, cmd->operands);
	if (cmd->max_operands >= 0 && c->n_operands > (size_t)cmd->max_operands)
		return cli_usage(
			c, "%s: '%s' is one too many", path, c->operands[cmd->max_operands]);
	return 0;
}

int cli_parse(struct cli *c, int argc, char *const *argv)
{
	size_t room = argc > 0 ? (size_t)argc : 1;
	c->given = calloc(room, sizeof *c->given);
	c->operands = calloc(room, sizeof *c->operands);
	c->values = calloc(room, sizeof *c->values);
	if (!c->given || !c->operands || !c->values)
		return cli_no(c, "memory is short");

	char *const *next = argv + 1, *const *end = argv + argc;
	int only_operands = 0;
	while (argc > 0 && next < end) {
		const char *word = *next++;
		const struct cli_command *cmd = cli_current(c);
		int r = 0;
		if (only_operands || word[0] != '-' || !word[1]) {
			if (!cmd)
				r = cli_enter(c, word, cli_commands);
			else if (cmd->subs && c->n_path < CLI_MAX_PATH)
				r = cli_enter(c, word, cmd->subs);
			else
				c->operands[c->n_operands++] = word;
		} else if (!strcmp(word, "--")) {
			only_operands = 1;
		} else if (word[1] == '-') {
			r = long_option(c, word + 2, &next, end);
		} else {
			r = short_options(c, word + 1, &next, end);
		}
		if (r)
			return r;
	}
	return check_operands(c);
}
