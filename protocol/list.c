/* SPDX-License-Identifier: Apache-2.0 */
#include "list.h"

#include <stdlib.h>
#include <string.h>

/* FNV-1a: short codes, trusted files. */
static uint32_t hash(const char *s)
{
	uint32_t h = 2166136261u;
	for (; *s != '\0'; s++) {
		h = (h ^ (unsigned char)*s) * 16777619u;
	}
	return h;
}

static size_t count(const char *s, char c)
{
	size_t n = 0;
	for (; *s != '\0'; s++) {
		n += *s == c;
	}
	return n;
}

/* Cuts a line at its commas into exactly n fields. Returns what follows the line, NULL if it has
 * another number. */
static char *cut(char *line, const char **fields, size_t n)
{
	size_t i = 0;
	char *field = line;
	for (;; line++) {
		if (*line != ',' && *line != '\n' && *line != '\0') {
			continue;
		}
		if (i == n) {
			return NULL;
		}
		fields[i++] = field;
		char end = *line;
		*line = '\0';
		if (end != ',') {
			return i == n ? line + (end == '\n') : NULL;
		}
		field = line + 1;
	}
}

static int index_rows(struct list *l)
{
	l->n_slots = 16;
	while (l->n_slots < l->n * 2) {
		l->n_slots *= 2;
	}
	l->slots = calloc(l->n_slots, sizeof(*l->slots));
	if (l->slots == NULL) {
		return RV_ENOMEM;
	}
	for (size_t row = 0; row < l->n; row++) {
		size_t at = hash(list_field(l, row, 0)) & (l->n_slots - 1);
		while (l->slots[at] != 0) {
			at = (at + 1) & (l->n_slots - 1);
		}
		l->slots[at] = (uint32_t)row + 1;
	}
	return 0;
}

int list_from_csv(struct list *l, const char *name, char *text, struct rv_err *e)
{
	memset(l, 0, sizeof(*l));
	l->text = text;
	l->name = strdup(name);
	size_t lines = count(text, '\n') + 1;
	size_t header = strcspn(text, "\n");
	for (size_t i = 0; i < header; i++) {
		l->n_columns += text[i] == ',';
	}
	l->n_columns++;
	l->columns = calloc(l->n_columns, sizeof(*l->columns));
	l->fields = calloc(lines * l->n_columns, sizeof(*l->fields));
	if (l->name == NULL || l->columns == NULL || l->fields == NULL) {
		list_clear(l);
		return rv_fail_nomem(e);
	}
	char *at = cut(text, l->columns, l->n_columns);
	int line = 1;
	while (at != NULL && *at != '\0') {
		line++;
		at = cut(at, l->fields + l->n * l->n_columns, l->n_columns);
		l->n++;
	}
	if (at == NULL || l->n_columns < 2 || strcmp(l->columns[0], "code") != 0 ||
		strcmp(l->columns[1], "name") != 0) {
		int rc = rv_fail(e, RV_ECONFIG, "the code list %s is wrong in line %d", name,
			at == NULL ? line : 1);
		rv_err_mend(e, "The first line begins with code,name; every line has as many "
			       "commas as the first.");
		list_clear(l);
		return rc;
	}
	if (index_rows(l) != 0) {
		list_clear(l);
		return rv_fail_nomem(e);
	}
	return 0;
}

void list_clear(struct list *l)
{
	free(l->name);
	free(l->text);
	free(l->columns);
	free(l->fields);
	free(l->slots);
	memset(l, 0, sizeof(*l));
}

size_t list_row(const struct list *l, const char *code)
{
	for (size_t at = hash(code) & (l->n_slots - 1); l->slots[at] != 0;
		at = (at + 1) & (l->n_slots - 1)) {
		size_t row = l->slots[at] - 1;
		if (strcmp(list_field(l, row, 0), code) == 0) {
			return row;
		}
	}
	return l->n;
}

int list_has(const struct list *l, const char *code)
{
	return list_row(l, code) < l->n;
}
