/* SPDX-License-Identifier: Apache-2.0 */
#include "node/cli/inside.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "node/cli/text.h"
#include "node/env.h"

int cli_has(const struct cli *c, const char *option)
{
	int n = 0;
	for (size_t i = 0; i < c->n_given; i++)
		n += !strcmp(c->given[i].option->name, option);
	return n;
}

const char *cli_opt(const struct cli *c, const char *option)
{
	for (size_t i = c->n_given; i-- > 0;)
		if (!strcmp(c->given[i].option->name, option))
			return c->given[i].value;
	return NULL;
}

size_t cli_opt_all(const struct cli *c, const char *option, const char *const **values_r)
{
	size_t n = 0;
	for (size_t i = 0; i < c->n_given; i++)
		if (!strcmp(c->given[i].option->name, option))
			c->values[n++] = c->given[i].value;
	*values_r = c->values;
	return n;
}

size_t cli_operands(const struct cli *c, const char *const **operands_r)
{
	*operands_r = c->operands;
	return c->n_operands;
}

const char *cli_operand(const struct cli *c, size_t i)
{
	return i < c->n_operands ? c->operands[i] : NULL;
}

int cli_json(const struct cli *c)
{
	return cli_has(c, "json") > 0;
}

FILE *cli_in(const struct cli *c)
{
	return c->in;
}

FILE *cli_out(const struct cli *c)
{
	return c->out;
}

FILE *cli_err(const struct cli *c)
{
	return c->err;
}

static int is_tty(FILE *f)
{
	int fd = fileno(f);
	return fd >= 0 && isatty(fd);
}

int cli_out_tty(const struct cli *c)
{
	return is_tty(c->out);
}

int cli_colours(const struct cli *c)
{
	const char *no = getenv("NO_COLOR"), *term = getenv("TERM");
	return is_tty(c->out) && !(no && *no) && term && strcmp(term, "dumb") != 0;
}

int cli_columns(const struct cli *c)
{
	struct winsize size = {0};
	const char *columns = getenv("COLUMNS");
	if (columns) {
		char *end;
		long n = strtol(columns, &end, 10);
		if (!*end && n >= 20 && n <= 1000)
			return (int)n;
	}
	int fd = fileno(c->out);
	if (fd >= 0 && !ioctl(fd, TIOCGWINSZ, &size) && size.ws_col >= 20)
		return size.ws_col;
	return 80;
}

void cli_path_text(const struct cli *c, char *out, size_t size)
{
	int n = snprintf(out, size, "reeve");
	for (size_t i = 0; i < c->n_path && n > 0 && (size_t)n < size; i++)
		n += snprintf(out + n, size - (size_t)n, " %s", c->path[i]->name);
}

/* Errors may quote what a peer wrote, and their file names come from anywhere: made safe as a
 * whole. */
static void __attribute__((format(printf, 2, 0))) say(struct cli *c, const char *fmt, va_list ap)
{
	char text[1024];
	vsnprintf(text, sizeof text, fmt, ap);
	fputs("reeve: ", c->err);
	text_put(c->err, text);
	fputc('\n', c->err);
}

int cli_no(struct cli *c, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	say(c, fmt, ap);
	va_end(ap);
	return CLI_NO;
}

int cli_usage(struct cli *c, const char *fmt, ...)
{
	char path[96];
	va_list ap;
	va_start(ap, fmt);
	say(c, fmt, ap);
	va_end(ap);
	cli_path_text(c, path, sizeof path);
	fprintf(c->err, "'%s --help' tells more.\n", path);
	return CLI_USAGE;
}

int cli_fail(struct cli *c, const struct rv_err *e, const char *doing, ...)
{
	char what[512] = "", where[80] = "";
	if (doing) {
		va_list ap;
		va_start(ap, doing);
		vsnprintf(what, sizeof what, doing, ap);
		va_end(ap);
	}
	if (e->rule[0] && e->line)
		snprintf(where, sizeof where, " (%s, line %d, column %d)", e->rule, e->line,
			e->column);
	else if (e->rule[0])
		snprintf(where, sizeof where, " (%s)", e->rule);
	else if (e->line)
		snprintf(where, sizeof where, " (line %d, column %d)", e->line, e->column);
	cli_no(c, "%s%s%s%s", what, what[0] ? ": " : "", e->text[0] ? e->text : rv_strcode(e->code),
		where);
	if (e->mend[0]) {
		fputs("  ", c->err);
		text_put(c->err, e->mend);
		fputc('\n', c->err);
	}
	return CLI_NO;
}

struct rv_clock cli_clock(const struct cli *c)
{
	return env_clock();
}

struct rv_random cli_random(const struct cli *c)
{
	return env_random();
}

static void clean_up(struct cli *c)
{
	free(c->given);
	free(c->operands);
	free(c->values);
	if (c->release)
		c->release(c);
}

static int flush(struct cli *c, int status)
{
	if (fflush(c->out) || ferror(c->out)) {
		cli_no(c, "the output could not be written");
		return status ? status : CLI_NO;
	}
	return status;
}

static int without_command(struct cli *c)
{
	FILE *out = c->out;
	c->out = c->err;
	cli_help(c);
	c->out = out;
	return CLI_USAGE;
}

int cli_main(int argc, char *const *argv, FILE *in, FILE *out, FILE *err)
{
	struct cli c = {.in = in, .out = out, .err = err};
	int status = cli_parse(&c, argc, argv);
	if (!status) {
		if (cli_has(&c, "version"))
			fprintf(out, "reeve %s\n", PACKAGE_VERSION);
		else if (cli_has(&c, "help"))
			cli_help(&c);
		else if (!cli_current(&c))
			status = without_command(&c);
		else
			status = cli_current(&c)->run(&c);
	}
	status = flush(&c, status);
	clean_up(&c);
	return status;
}
