/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RV_LIST_H
#define RV_LIST_H

#include <stddef.h>
#include <stdint.h>

#include "err.h"

/*
 * One code list: rows of columns, found by code. Internal to the protocol library; immutable once
 * read.
 */
struct list {
	char *name;
	char *text;          /* the file, its fields ended by NULs */
	const char **fields; /* n rows of n_columns each, in file order */
	const char **columns;
	size_t n, n_columns;
	uint32_t *slots; /* hash of the code: row + 1, 0 for none */
	size_t n_slots;
};

/* Takes the text of a CSV file (malloc'd, ended by a NUL; it is the list's even on failure). */
int list_from_csv(struct list *l, const char *name, char *text, struct rv_err *e);
void list_clear(struct list *l);
/* The row of a code, n if it is not there. */
size_t list_row(const struct list *l, const char *code);
static inline const char *list_field(const struct list *l, size_t row, size_t column)
{
	return l->fields[row * l->n_columns + column];
}
int list_has(const struct list *l, const char *code);

#endif
