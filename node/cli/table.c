/* SPDX-License-Identifier: Apache-2.0 */
#include "node/cli/text.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/err.h"

enum { MAX_COLUMNS = 16, LEAST_SHRUNK = 8 };

struct column {
	char *title;
	unsigned flags;
	size_t width;
};

struct cell {
	char *text;
	int colour;
};

struct table {
	struct column columns[MAX_COLUMNS];
	size_t n_columns;
	struct cell *cells;
	size_t n_cells, room;
	int failed;
};

struct table *table_new(void)
{
	return calloc(1, sizeof(struct table));
}

void table_free(struct table **tp)
{
	struct table *t = tp ? *tp : NULL;
	if (!t)
		return;
	for (size_t i = 0; i < t->n_columns; i++)
		free(t->columns[i].title);
	for (size_t i = 0; i < t->n_cells; i++)
		free(t->cells[i].text);
	free(t->cells);
	free(t);
	*tp = NULL;
}

static char *safe_copy(const char *text)
{
	struct rv_buf b = {0};
	if (text_safe(&b, text) || !rv_buf_cstr(&b)) {
		rv_buf_free(&b);
		return NULL;
	}
	return (char *)rv_buf_take(&b, NULL);
}

void table_column(struct table *t, const char *title, unsigned flags)
{
	if (!t || t->n_columns == MAX_COLUMNS)
		return;
	struct column *c = &t->columns[t->n_columns++];
	c->title = strdup(title);
	c->flags = flags;
	c->width = text_width(title);
	t->failed |= !c->title;
}

void table_cell(struct table *t, const char *text, int colour)
{
	if (!t || !t->n_columns)
		return;
	if (t->n_cells == t->room) {
		size_t room = t->room ? t->room * 2 : 64;
		struct cell *more = realloc(t->cells, room * sizeof *more);
		if (!more) {
			t->failed = 1;
			return;
		}
		t->cells = more;
		t->room = room;
	}
	struct column *column = &t->columns[t->n_cells % t->n_columns];
	struct cell *c = &t->cells[t->n_cells++];
	c->text = safe_copy(text ? text : "");
	c->colour = colour;
	t->failed |= !c->text;
	size_t width = c->text ? text_width(c->text) : 0;
	column->width = width > column->width ? width : column->width;
}

void table_cellf(struct table *t, const char *fmt, ...)
{
	char text[1024];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	table_cell(t, text, 0);
}

static size_t total(const struct table *t)
{
	size_t sum = t->n_columns ? 2 * (t->n_columns - 1) : 0;
	for (size_t i = 0; i < t->n_columns; i++)
		sum += t->columns[i].width;
	return sum;
}

/* Takes column after column from the widest that may shrink. */
static void shrink(struct table *t, size_t columns)
{
	while (total(t) > columns) {
		struct column *widest = NULL;
		for (size_t i = 0; i < t->n_columns; i++) {
			struct column *c = &t->columns[i];
			if ((c->flags & TABLE_SHRINK) && c->width > LEAST_SHRUNK &&
				(!widest || c->width > widest->width))
				widest = c;
		}
		if (!widest)
			return;
		widest->width--;
	}
}

static void put_cell(FILE *f, const struct column *c, const char *text, int sgr, int last)
{
	size_t width, len = text_fit(text, c->width, &width);
	const char *ellipsis = "";
	if (text[len]) {
		len = text_fit(text, c->width - 1, &width);
		ellipsis = "\xE2\x80\xA6";
		/* An isolate opened in the part that stays must be closed in it. */
		if (!strncmp(text, "\xE2\x81\xA8", 3))
			ellipsis = "\xE2\x81\xA9\xE2\x80\xA6";
		width++;
	}
	int pad = (int)(c->width - width);
	if (c->flags & TABLE_RIGHT)
		fprintf(f, "%*s", pad, "");
	if (sgr)
		fprintf(f, "\033[%dm", sgr);
	fprintf(f, "%.*s%s", (int)len, text, ellipsis);
	if (sgr)
		fputs("\033[0m", f);
	if (!last)
		fprintf(f, "%*s", 2 + (c->flags & TABLE_RIGHT ? 0 : pad), "");
}

int table_print(struct table *t, FILE *f, size_t columns, int colours)
{
	if (!t || t->failed)
		return RV_ENOMEM;
	if (columns)
		shrink(t, columns);
	for (size_t i = 0; i < t->n_columns; i++)
		put_cell(f, &t->columns[i], t->columns[i].title, colours ? 1 : 0,
			i + 1 == t->n_columns);
	fputc('\n', f);
	for (size_t i = 0; i < t->n_cells; i++) {
		size_t at = i % t->n_columns;
		int last = at + 1 == t->n_columns;
		put_cell(f, &t->columns[at], t->cells[i].text, colours ? t->cells[i].colour : 0,
			last);
		if (last)
			fputc('\n', f);
	}
	return 0;
}
