/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node/cli/cli.h"
#include "node/file.h"

/*
 * reeve.1 against the table of commands, both ways: `.It Ic NAME` opens a command's entry, in it
 * `.It Fl x Ar V , Fl -long Ar V` (or `.It Fl -long`) each option.
 */

static struct rv_buf page;

static int setup(void **state)
{
	char path[4096];
	const char *top = getenv("top_srcdir");
	snprintf(path, sizeof path, "%s/node/man/reeve.1", top ? top : ".");
	assert_int_equal(file_read(path, 1 << 20, &page, NULL), 0);
	assert_non_null(rv_buf_cstr(&page));
	return 0;
}

static int teardown(void **state)
{
	rv_buf_free(&page);
	return 0;
}

static const char *next_line(const char *p)
{
	p = strchr(p, '\n');
	return p ? p + 1 : NULL;
}

/* The line ".It Ic PATH", ended or followed by operands. */
static const char *find_command(const char *path)
{
	char want[128];
	size_t len = (size_t)snprintf(want, sizeof want, ".It Ic %s", path);
	for (const char *p = (const char *)page.data; p; p = next_line(p))
		if (!strncmp(p, want, len) && (p[len] == '\n' || p[len] == ' '))
			return p;
	return NULL;
}

static const char *end_of_entry(const char *p)
{
	for (p = next_line(p); p; p = next_line(p))
		if (!strncmp(p, ".It Ic ", 7) || !strncmp(p, ".Ss ", 4) || !strncmp(p, ".Sh ", 4))
			return p;
	return (const char *)page.data + page.len;
}

static void option_line(const struct cli_option *o, char *out, size_t size)
{
	char arg[64] = "";
	if (o->arg)
		snprintf(arg, sizeof arg, " Ar %s", o->arg);
	if (o->letter)
		snprintf(out, size, ".It Fl %c%s , Fl -%s%s\n", o->letter, arg, o->name, arg);
	else
		snprintf(out, size, ".It Fl -%s%s\n", o->name, arg);
}

static int has_line(const char *from, const char *to, const char *line)
{
	const char *p = strstr(from, line);
	return p && p < to;
}

static size_t count_options(const char *from, const char *to)
{
	size_t n = 0;
	for (const char *p = from; p && p < to; p = next_line(p))
		n += !strncmp(p, ".It Fl ", 7);
	return n;
}

static void check_command(const struct cli_command *cmd, const char *prefix)
{
	char path[96], line[160];
	snprintf(path, sizeof path, "%s%s%s", prefix, prefix[0] ? " " : "", cmd->name);
	if (cmd->subs) {
		for (const struct cli_command *const *s = cmd->subs; *s; s++)
			check_command(*s, path);
		return;
	}
	const char *entry = find_command(path);
	if (!entry)
		fail_msg("reeve.1 does not have the command '%s'", path);
	const char *end = end_of_entry(entry);
	size_t n = 0;
	for (const struct cli_option *o = cmd->options; o && o->name; o++, n++) {
		option_line(o, line, sizeof line);
		if (!has_line(entry, end, line))
			fail_msg("reeve.1 does not have the line '%.*s' under '%s'", (int)strlen(line) - 1, line, path);
	}
	if (count_options(entry, end) != n)
		fail_msg("reeve.1 has options of '%s' that there are not", path);
}

static void every_command_is_in_the_page(void **state)
{
	for (const struct cli_command *const *p = cli_commands; *p; p++)
		check_command(*p, "");
	for (const struct cli_option *o = cli_global_options; o->name; o++) {
		char line[160];
		option_line(o, line, sizeof line);
		assert_non_null(strstr((const char *)page.data, line));
	}
}

static const struct cli_command *find(const char *word, size_t len, const struct cli_command *const *table)
{
	for (; table && *table; table++)
		if (strlen((*table)->name) == len && !memcmp((*table)->name, word, len))
			return *table;
	return NULL;
}

static void the_page_has_no_other_command(void **state)
{
	for (const char *p = (const char *)page.data; p; p = next_line(p)) {
		if (strncmp(p, ".It Ic ", 7))
			continue;
		const char *word = p + 7;
		size_t len = strcspn(word, " \n");
		const struct cli_command *cmd = find(word, len, cli_commands);
		if (cmd && cmd->subs) {
			const char *sub = word + len + 1;
			cmd = find(sub, strcspn(sub, " \n"), cmd->subs);
		}
		if (!cmd)
			fail_msg("there is no command '%.*s', which reeve.1 has", (int)strcspn(word, "\n"), word);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_command_is_in_the_page),
		cmocka_unit_test(the_page_has_no_other_command),
	};
	return cmocka_run_group_tests_name("cli man page", tests, setup, teardown);
}
