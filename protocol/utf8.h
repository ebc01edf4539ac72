/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RV_UTF8_H
#define RV_UTF8_H

#include <stddef.h>
#include <stdint.h>

/*
 * The length of the UTF-8 sequence at p, of which left bytes may be read, and its code point; 0 if
 * it is not one (RFC 3629: no surrogates, no overlong forms, nothing over U+10FFFF). A text that
 * ends with a NUL may say 4: the NUL ends every sequence. Not installed.
 */
static inline size_t rv_utf8_at(const void *text, size_t left, uint32_t *point_r)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	const unsigned char *p = (const unsigned char *)text;
	if (left > 0 && p[0] < 0x80) {
		*point_r = p[0];
		return 1;
	}
	size_t len = left == 0               ? 0
		     : (p[0] & 0xe0) == 0xc0 ? 2
		     : (p[0] & 0xf0) == 0xe0 ? 3
		     : (p[0] & 0xf8) == 0xf0 ? 4
					     : 0;
	if (len == 0 || len > left) {
		return 0;
	}
	uint32_t v = p[0] & (0xffu >> (len + 1));
	for (size_t i = 1; i < len; i++) {
		if ((p[i] & 0xc0) != 0x80) {
			return 0;
		}
		v = v << 6 | (p[i] & 0x3fu);
	}
	if (v < least[len] || v > 0x10ffff || (v >= 0xd800 && v <= 0xdfff)) {
		return 0;
	}
	*point_r = v;
	return len;
}

#endif
