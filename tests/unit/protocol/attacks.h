/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_ATTACKS_H
#define TESTS_ATTACKS_H

#include "protocol/buf.h"

/*
 * Alterations of the sample seizure-short-drugs.xml sealed by ECDSA, each with the rule by which it
 * must be refused. NULL ends the table.
 *
 * An edit takes the text from the first place of from to the end of the first until behind it
 * (NULL: from alone), and leaves to there; if before is not NULL, it puts moved before the first
 * place of before in what came out. A % in to or moved stands for the text taken.
 */
struct edit {
	const char *from, *until, *to, *before, *moved;
};
enum { ATTACK_EDITS = 4 };
struct attack {
	const char *name, *rule;
	struct edit edits[ATTACK_EDITS];
};
extern const struct attack attacks[];

/* The altered text, to be freed with rv_buf_free. Asserts (cmocka) that there is something to
 * alter. */
void attack_make(struct rv_buf *out, const char *good, const struct attack *a);

/* Alterations that count on the bytes of a base64 value, the first behind the mark. */
enum value_change { VALUE_FLIP, VALUE_HIGH_S, VALUE_LOOSE_BITS, VALUE_SHORT, VALUE_ZERO };
void attack_value(struct rv_buf *out, const char *good, const char *mark, enum value_change change);

#endif
