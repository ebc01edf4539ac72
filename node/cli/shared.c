/* SPDX-License-Identifier: Apache-2.0 */
#include "node/cli/shared.h"

#include <stdlib.h>
#include <string.h>

#include "node/cli/inside.h"
#include "node/cli/text.h"

const char *cli_nearest(const char *word, const char *const *list)
{
	const char *best = NULL;
	size_t least = SIZE_MAX, len = strlen(word);
	for (; *list; list++) {
		size_t distance = cli_distance(word, *list);
		int near = distance <= 1 || distance <= len / 3 ||
			   (len >= 2 && !strncmp(word, *list, len));
		if (near && distance < least) {
			least = distance;
			best = *list;
		}
	}
	return best;
}

const char *cli_sgr(const struct cli *c, const char *code)
{
	static const char *const known[] = {"0", "\033[0m", "1", "\033[1m", "31", "\033[31m", "32",
		"\033[32m", "33", "\033[33m", "1;31", "\033[1;31m", "1;33", "\033[1;33m", "2",
		"\033[2m", NULL};
	if (!cli_colours(c))
		return "";
	for (const char *const *k = known; *k; k += 2)
		if (!strcmp(*k, code))
			return k[1];
	return "";
}

int cli_print_json(struct cli *c, json_t *value)
{
	int bad = !value || json_dumpf(value, cli_out(c), JSON_INDENT(2) | JSON_ENCODE_ANY);
	json_decref(value);
	if (bad)
		return cli_no(c, "the JSON could not be written");
	fputc('\n', cli_out(c));
	return CLI_OK;
}

static void print_fault(struct cli *c, const char *file, const struct rv_fault *f)
{
	FILE *out = cli_out(c);
	int warning = f->level == RV_LEVEL_WARNING;
	text_put(out, file);
	if (f->line)
		fprintf(out, ":%d:%d", f->line, f->column);
	fprintf(out, ": %s%s%s: ", cli_sgr(c, warning ? "1;33" : "1;31"),
		warning ? "warning" : "error", cli_sgr(c, "0"));
	text_put(out, f->text ? f->text : "");
	fprintf(out, " [%s]\n", f->code ? f->code : "?");
	if (f->path && f->path[0]) {
		fputs("    at ", out);
		text_put(out, f->path);
		fputc('\n', out);
	}
	if (f->mend && f->mend[0])
		text_put_lines(out, f->mend, 4, cli_columns(c));
}

void cli_print_report(struct cli *c, const char *file, const struct rv_report *report)
{
	for (size_t i = 0; i < report->n; i++)
		print_fault(c, file, &report->faults[i]);
	if (report->truncated) {
		text_put(cli_out(c), file);
		fprintf(cli_out(c), ": there are more; only the first %zu are shown\n", report->n);
	}
}

static int plural(char *out, size_t size, size_t n, const char *word)
{
	int r = snprintf(out, size, "%zu %s%s", n, word, n == 1 ? "" : "s");
	return r < 0 ? 0 : r;
}

void cli_report_words(char *out, size_t size, size_t errors, size_t warnings)
{
	int n = 0;
	if (errors || !warnings)
		n = plural(out, size, errors, "error");
	if (errors && warnings && (size_t)n < size)
		n += snprintf(out + n, size - (size_t)n, ", ");
	if (warnings && (size_t)n < size)
		plural(out + n, size - (size_t)n, warnings, "warning");
}
