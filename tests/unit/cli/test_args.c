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

#include "node/cli/inside.h"

struct outcome {
	int status;
	char *out, *err;
};

static struct outcome run(const char *const *argv)
{
	struct outcome o = {0};
	size_t a, b, n = 0;
	char *copy[16];
	while (argv[n]) {
		copy[n] = strdup(argv[n]);
		n++;
	}
	FILE *in = fopen("/dev/null", "r"), *out = open_memstream(&o.out, &a), *err = open_memstream(&o.err, &b);
	o.status = cli_main((int)n, copy, in, out, err);
	fclose(in);
	fclose(out);
	fclose(err);
	while (n)
		free(copy[--n]);
	return o;
}

#define RUN(...) run((const char *const[]){"reeve", __VA_ARGS__, NULL})

static void expect(struct outcome o, int status, const char *in_out, const char *in_err)
{
	assert_int_equal(o.status, status);
	if (in_out)
		assert_non_null(strstr(o.out, in_out));
	else
		assert_string_equal(o.out, "");
	if (in_err)
		assert_non_null(strstr(o.err, in_err));
	else
		assert_string_equal(o.err, "");
	free(o.out);
	free(o.err);
}

static void test_usage(void **state)
{
	expect(RUN("--version"), CLI_OK, "reeve " PACKAGE_VERSION "\n", NULL);
	expect(RUN("--help"), CLI_OK, "Commands:", NULL);
	expect(RUN("help"), CLI_OK, "Commands:", NULL);
	expect(RUN("help", "completion"), CLI_OK, "Usage: reeve completion bash|zsh", NULL);
	expect(RUN("completion", "-h"), CLI_OK, "Usage: reeve completion bash|zsh", NULL);
	expect(run((const char *const[]){"reeve", NULL}), CLI_USAGE, NULL, "Commands:");
	expect(run((const char *const[]){NULL}), CLI_USAGE, NULL, "Commands:");
	expect(RUN("completoin"), CLI_USAGE, NULL, "did you mean 'completion'?");
	expect(RUN("xyzzy"), CLI_USAGE, NULL, "there is no command 'xyzzy'\n");
	expect(RUN("help", "hepl"), CLI_USAGE, NULL, "did you mean 'help'?");
	expect(RUN("help", "help", "more"), CLI_USAGE, NULL, "no sub-commands");
}

static void test_options(void **state)
{
	expect(RUN("completion", "--hlep"), CLI_USAGE, NULL, "did you mean --help?");
	expect(RUN("completion", "--help=yes"), CLI_USAGE, NULL, "takes no value");
	expect(RUN("completion", "bash", "-c"), CLI_USAGE, NULL, "-c needs a value");
	expect(RUN("completion", "bash", "--conf"), CLI_USAGE, NULL, "--conf needs a value");
	expect(RUN("--conf=a", "completion", "bash", "-cb"), CLI_USAGE, NULL, "given twice");
	expect(RUN("completion", "-q"), CLI_USAGE, NULL, "there is no option -q");
	expect(RUN("completion"), CLI_USAGE, NULL, "completion needs bash|zsh");
	expect(RUN("completion", "bash", "zsh"), CLI_USAGE, NULL, "'zsh' is one too many");
	expect(RUN("completion", "--", "--help"), CLI_USAGE, NULL, "neither bash nor zsh");
	expect(RUN("-cx", "completion", "bash"), CLI_OK, "complete -F _reeve reeve", NULL);
	/* A word with a control character does not reach the terminal as it is. */
	expect(RUN("a\x1b[2J"), CLI_USAGE, NULL, "'a\xEF\xBF\xBD[2J'");
}

static void test_distance(void **state)
{
	assert_int_equal(cli_distance("", ""), 0);
	assert_int_equal(cli_distance("inbox", "inbox"), 0);
	assert_int_equal(cli_distance("inbxo", "inbox"), 1);
	assert_int_equal(cli_distance("inbo", "inbox"), 1);
	assert_int_equal(cli_distance("abc", "xyz"), 3);
	assert_true(cli_distance("a word much longer than any command there is", "x") >= 32);
}

/* The rules of cli.h for texts, which help and completion rely on. */
static void check_words(const char *words, const char *of)
{
	if (!words || !words[0] || isupper((unsigned char)words[0]) || words[strlen(words) - 1] == '.' || strlen(words) > 80)
		fail_msg("%s: '%s'", of, words ? words : "(none)");
}

static void check_command(const struct cli_command *cmd)
{
	check_words(cmd->summary, cmd->name);
	assert_non_null(cmd->operands);
	assert_true((cmd->run != NULL) != (cmd->subs != NULL));
	assert_true(cmd->max_operands < 0 || cmd->min_operands <= cmd->max_operands);
	for (const struct cli_option *o = cmd->options; o && o->name; o++) {
		check_words(o->words, o->name);
		for (const struct cli_option *g = cli_global_options; g->name; g++) {
			assert_string_not_equal(o->name, g->name);
			assert_true(!o->letter || o->letter != g->letter);
		}
		for (const struct cli_option *p = cmd->options; p != o; p++) {
			assert_string_not_equal(o->name, p->name);
			assert_true(!o->letter || o->letter != p->letter);
		}
	}
	for (const char *line = cmd->details; line;) {
		size_t len = strcspn(line, "\n");
		if (len > 79)
			fail_msg("%s: line of %zu columns in the details", cmd->name, len);
		line = line[len] ? line + len + 1 : NULL;
	}
	for (const struct cli_command *const *s = cmd->subs; s && *s; s++)
		check_command(*s);
}

static void test_table(void **state)
{
	for (const struct cli_command *const *p = cli_commands; *p; p++) {
		check_command(*p);
		for (const struct cli_command *const *q = cli_commands; q != p; q++)
			assert_string_not_equal((*p)->name, (*q)->name);
		/* Each tells what it does. */
		struct outcome o = RUN((*p)->name, "--help");
		assert_int_equal(o.status, CLI_OK);
		assert_non_null(strstr(o.out, (*p)->summary));
		free(o.out);
		free(o.err);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_usage),
		cmocka_unit_test(test_options),
		cmocka_unit_test(test_distance),
		cmocka_unit_test(test_table),
	};
	return cmocka_run_group_tests_name("cli args", tests, NULL, NULL);
}
