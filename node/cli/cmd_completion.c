/* SPDX-License-Identifier: Apache-2.0 */
#include "node/cli/commands.h"

#include <string.h>

#include "node/cli/shared.h"

/*
 * Completion scripts, written from the table of commands. They are whole: the shell calls reeve
 * only for the names of code lists.
 */

static void put_templates(FILE *f)
{
	for (const char *const *k = cli_templates; *k; k++)
		fprintf(f, "%s%s", k == cli_templates ? "" : " ", *k);
}

static void put_commands(FILE *f, const struct cli_command *const *table)
{
	for (const struct cli_command *const *p = table; *p; p++)
		fprintf(f, "%s%s", p == table ? "" : " ", (*p)->name);
}

/* ---- bash ---- */

/* The statement that fills COMPREPLY for such values. */
static void bash_values(FILE *f, const char *values)
{
	if (!values) {
		fputs("return", f);
	} else if (!strcmp(values, CLI_FILES)) {
		fputs("compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- \"$cur\"); "
		      "return",
			f);
	} else if (!strcmp(values, CLI_DIRS)) {
		fputs("compopt -o filenames; mapfile -t COMPREPLY < <(compgen -d -- \"$cur\"); "
		      "return",
			f);
	} else if (!strcmp(values, CLI_LISTS)) {
		fputs("mapfile -t COMPREPLY < <(compgen -W \"$(reeve codes 2>/dev/null)\" -- "
		      "\"$cur\"); return",
			f);
	} else {
		fputs("mapfile -t COMPREPLY < <(compgen -W '", f);
		if (!strcmp(values, CLI_KINDS))
			put_templates(f);
		else if (!strcmp(values, CLI_COMMANDS))
			put_commands(f, cli_commands);
		else
			fputs(values, f);
		fputs("' -- \"$cur\"); return", f);
	}
}

static void bash_options(FILE *f, const struct cli_option *options)
{
	for (const struct cli_option *o = options; o && o->name; o++) {
		if (!o->arg)
			continue;
		fputs("\t\t", f);
		if (o->letter)
			fprintf(f, "-%c | ", o->letter);
		fprintf(f, "--%s) ", o->name);
		bash_values(f, o->values);
		fputs(" ;;\n", f);
	}
}

static void bash_option_names(FILE *f, const struct cli_option *options)
{
	for (const struct cli_option *o = options; o && o->name; o++)
		fprintf(f, "--%s ", o->name);
}

static void bash_command(FILE *f, const char *path, const struct cli_command *cmd)
{
	fprintf(f, "\t'%s')\n\t\tcase $prev in\n", path);
	bash_options(f, cmd->options);
	bash_options(f, cli_global_options);
	fputs("\t\tesac\n\t\tif [[ $cur == -* ]]; then\n\t\t\tmapfile -t COMPREPLY < <(compgen -W "
	      "'",
		f);
	bash_option_names(f, cmd->options);
	bash_option_names(f, cli_global_options);
	fputs("' -- \"$cur\")\n\t\t\treturn\n\t\tfi\n\t\t", f);
	if (cmd->subs) {
		fputs("mapfile -t COMPREPLY < <(compgen -W '", f);
		put_commands(f, cmd->subs);
		fputs("' -- \"$cur\")", f);
	} else {
		bash_values(f, cmd->max_operands ? cmd->values : NULL);
	}
	fputs("\n\t\t;;\n", f);
}

static void bash_valued(FILE *f)
{
	const char *bar = "";
	for (const struct cli_option *o = cli_global_options; o->name; o++)
		if (o->arg) {
			if (o->letter)
				fprintf(f, "%s-%c", bar, o->letter);
			fprintf(f, "%s--%s", o->letter ? " | " : bar, o->name);
			bar = " | ";
		}
}

static void print_bash(FILE *f)
{
	struct cli_command top = {.name = "", .operands = "", .subs = cli_commands};
	fputs("# bash completion for reeve; written by `reeve completion bash`.\n"
	      "# SPDX-License-Identifier: Apache-2.0\n"
	      "_reeve() {\n"
	      "\tlocal cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} path='' word "
	      "skip='' i\n"
	      "\tCOMPREPLY=()\n"
	      "\tfor ((i = 1; i < COMP_CWORD; i++)); do\n"
	      "\t\tword=${COMP_WORDS[i]}\n"
	      "\t\tif [[ -n $skip ]]; then\n\t\t\tskip=''\n\t\t\tcontinue\n\t\tfi\n"
	      "\t\tcase $word in\n\t\t",
		f);
	bash_valued(f);
	fputs(") skip=1 ;;\n\t\t-*) ;;\n\t\t*)\n\t\t\tcase \"$path $word\" in\n\t\t\t", f);
	const char *bar = "";
	for (const struct cli_command *const *p = cli_commands; *p; p++) {
		fprintf(f, "%s' %s'", bar, (*p)->name);
		bar = " | ";
		for (const struct cli_command *const *s = (*p)->subs; s && *s; s++)
			fprintf(f, " | ' %s %s'", (*p)->name, (*s)->name);
	}
	fputs(") path=\"$path $word\" ;;\n\t\t\tesac\n\t\t\t;;\n\t\tesac\n\tdone\n\tcase $path "
	      "in\n",
		f);
	bash_command(f, "", &top);
	for (const struct cli_command *const *p = cli_commands; *p; p++) {
		char path[96];
		snprintf(path, sizeof path, " %s", (*p)->name);
		bash_command(f, path, *p);
		for (const struct cli_command *const *s = (*p)->subs; s && *s; s++) {
			snprintf(path, sizeof path, " %s %s", (*p)->name, (*s)->name);
			bash_command(f, path, *s);
		}
	}
	fputs("\tesac\n}\ncomplete -F _reeve reeve\n", f);
}

/* ---- zsh ---- */

/* Words inside '...[...]' of _arguments: quotes, brackets and colons have a meaning there. */
static void zsh_words(FILE *f, const char *words)
{
	for (; *words; words++)
		if (*words == '\'')
			fputs("'\\''", f);
		else if (strchr("[]:\\", *words))
			fprintf(f, "\\%c", *words);
		else
			fputc(*words, f);
}

static void zsh_values(FILE *f, const char *values)
{
	if (!values) {
		fputs(" ", f);
	} else if (!strcmp(values, CLI_FILES)) {
		fputs("_files", f);
	} else if (!strcmp(values, CLI_DIRS)) {
		fputs("_files -/", f);
	} else if (!strcmp(values, CLI_LISTS)) {
		fputs("{compadd $(reeve codes 2>/dev/null)}", f);
	} else {
		fputc('(', f);
		if (!strcmp(values, CLI_KINDS))
			put_templates(f);
		else if (!strcmp(values, CLI_COMMANDS))
			put_commands(f, cli_commands);
		else
			fputs(values, f);
		fputc(')', f);
	}
}

static void zsh_option(FILE *f, const struct cli_option *o, const char *form, const char *excludes)
{
	fprintf(f, " \\\n\t\t'%s%s[", o->many ? "*" : excludes, form);
	zsh_words(f, o->words);
	fputs("]", f);
	if (o->arg) {
		fputc(':', f);
		zsh_words(f, o->arg);
		fputc(':', f);
		zsh_values(f, o->values);
	}
	fputc('\'', f);
}

static void zsh_options(FILE *f, const struct cli_option *options)
{
	for (const struct cli_option *o = options; o && o->name; o++) {
		char form[64], letter[4], excludes[80];
		snprintf(form, sizeof form, "--%s", o->name);
		snprintf(letter, sizeof letter, "-%c", o->letter);
		snprintf(excludes, sizeof excludes, o->letter ? "(%s %s)" : "(%s%s)", form,
			o->letter ? letter : "");
		zsh_option(f, o, form, excludes);
		if (o->letter)
			zsh_option(f, o, letter, excludes);
	}
}

static void zsh_function(FILE *f, const char *name, const struct cli_command *cmd)
{
	fprintf(f, "%s() {\n\t_arguments -s -S", name);
	zsh_options(f, cmd->options);
	zsh_options(f, cli_global_options);
	if (cmd->max_operands) {
		fprintf(f, " \\\n\t\t'%s:",
			cmd->max_operands < 0 || cmd->max_operands > 1 ? "*" : "1");
		zsh_words(f, cmd->operands);
		fputc(':', f);
		zsh_values(f, cmd->values);
		fputc('\'', f);
	}
	fputs("\n}\n\n", f);
}

static void zsh_group(
	FILE *f, const char *name, const struct cli_command *const *table, const char *prefix)
{
	fprintf(f, "%s() {\n\tlocal state line curcontext=$curcontext\n\tlocal -a commands=(\n",
		name);
	for (const struct cli_command *const *p = table; *p; p++) {
		fprintf(f, "\t\t'%s:", (*p)->name);
		zsh_words(f, (*p)->summary);
		fputs("'\n", f);
	}
	fputs("\t)\n\t_arguments -s -S -C", f);
	zsh_options(f, cli_global_options);
	fputs(" \\\n\t\t'1: :->command' '*:: :->rest'\n\tcase $state in\n"
	      "\tcommand) _describe command commands ;;\n\trest)\n\t\tcase $line[1] in\n",
		f);
	for (const struct cli_command *const *p = table; *p; p++)
		fprintf(f, "\t\t%s) %s_%s ;;\n", (*p)->name, prefix, (*p)->name);
	fputs("\t\tesac\n\t\t;;\n\tesac\n}\n\n", f);
}

static void print_zsh(FILE *f)
{
	char name[96];
	fputs("#compdef reeve\n# zsh completion for reeve; written by `reeve completion zsh`.\n"
	      "# SPDX-License-Identifier: Apache-2.0\n\n",
		f);
	for (const struct cli_command *const *p = cli_commands; *p; p++) {
		for (const struct cli_command *const *s = (*p)->subs; s && *s; s++) {
			snprintf(name, sizeof name, "_reeve_%s_%s", (*p)->name, (*s)->name);
			zsh_function(f, name, *s);
		}
		snprintf(name, sizeof name, "_reeve_%s", (*p)->name);
		if ((*p)->subs)
			zsh_group(f, name, (*p)->subs, name);
		else
			zsh_function(f, name, *p);
	}
	zsh_group(f, "_reeve", cli_commands, "_reeve");
	fputs("_reeve \"$@\"\n", f);
}

static int run(struct cli *c)
{
	const char *shell = cli_operand(c, 0);
	if (!strcmp(shell, "bash"))
		print_bash(cli_out(c));
	else if (!strcmp(shell, "zsh"))
		print_zsh(cli_out(c));
	else
		return cli_usage(c, "'%s' is neither bash nor zsh", shell);
	return CLI_OK;
}

const struct cli_command cmd_completion = {
	.name = "completion",
	.operands = "bash|zsh",
	.summary = "print the completion script of a shell",
	.details = "For bash: source <(reeve completion bash). For zsh: put the output into a\n"
		   "file _reeve in a folder of $fpath. Packages install both.",
	.min_operands = 1,
	.max_operands = 1,
	.values = "bash zsh",
	.run = run,
};
