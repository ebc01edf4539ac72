/* SPDX-License-Identifier: Apache-2.0 */
#ifndef NODE_CLI_TEXT_H
#define NODE_CLI_TEXT_H

#include <stddef.h>
#include <stdio.h>

#include "protocol/buf.h"

/*
 * Texts that others wrote, on a terminal.
 *
 * Nothing that a peer wrote may steer the terminal or disguise what stands beside it: control
 * characters (C0, DEL, C1), line separators, bytes that are no UTF-8 and bidirectional controls
 * become U+FFFD. A text with letters that run from right to left is put between FIRST STRONG
 * ISOLATE and POP DIRECTIONAL ISOLATE so that it cannot reorder its neighbours. Pure functions.
 */

/* Appends the safe form of s on one line (line feeds and tabs become spaces). */
int text_safe(struct rv_buf *out, const char *s);
/* The safe form straight to a stream. */
void text_put(FILE *f, const char *s);
/* A text of several lines: each line safe and preceded by indent spaces, wrapped at columns where
 * it can be; ends with a newline. */
void text_put_lines(FILE *f, const char *s, int indent, int columns);

/* The same with a label (ours, not made safe) in the indent of the first line. */
void text_put_labelled(FILE *f, const char *label, const char *s, int indent, int columns);

/* Columns that a safe text takes on a terminal. */
size_t text_width(const char *s);
/* Bytes of the longest start of the safe text s that fits in columns; *width_r its width. Never
 * cuts in a character. */
size_t text_fit(const char *s, size_t columns, size_t *width_r);

/*
 * A table: rows are collected, widths measured, then printed, aligned by display width. On a
 * terminal the columns that may shrink are cut (with an ellipsis) so that a row fits in it;
 * elsewhere nothing is cut.
 */
struct table;
enum { TABLE_RIGHT = 1, TABLE_SHRINK = 2 };
struct table *table_new(void); /* NULL if memory is short; all calls below accept NULL */
void table_free(struct table **t);
void table_column(struct table *t, const char *title, unsigned flags);
/* The next cell of the current row; the text is made safe and copied. NULL: empty. colour: 0 or an
 * SGR number. */
void table_cell(struct table *t, const char *text, int colour);
void table_cellf(struct table *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* columns 0: no limit. Returns 0, or RV_ENOMEM if a cell was lost for want of memory. */
int table_print(struct table *t, FILE *f, size_t columns, int colours);

#endif
