/* SPDX-License-Identifier: Apache-2.0 */
#ifndef NODE_UTF8_H
#define NODE_UTF8_H

#include <stddef.h>
#include <stdint.h>

/* What a foreign text may do to a terminal, and to the eye of who reads there. */

/* The bytes of the character at s in its shortest form, with its code point; 0 if there is none:
 * the end of the text, or a byte that is not UTF-8. */
size_t utf8_next(const char *s, uint32_t *c_r);

/* 1: a control character (C0, DEL, C1), an end of line, a change of direction, an invisible tag, or
 * no character at all. Not to be shown as it is. */
int utf8_is_harmful(uint32_t c);

#endif
