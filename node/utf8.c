/* SPDX-License-Identifier: Apache-2.0 */
#include "node/utf8.h"

size_t utf8_next(const char *s, uint32_t *c_r)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	const unsigned char *p = (const unsigned char *)s;
	if (p[0] < 0x80) {
		*c_r = p[0];
		return p[0] != 0;
	}
	size_t len = p[0] >= 0xf0 && p[0] < 0xf8   ? 4
		     : p[0] >= 0xe0 && p[0] < 0xf0 ? 3
		     : p[0] >= 0xc2 && p[0] < 0xe0 ? 2
						   : 0;
	if (len == 0) {
		return 0;
	}
	uint32_t c = p[0] & (0xffu >> (len + 1));
	for (size_t i = 1; i < len; i++) {
		if ((p[i] & 0xc0) != 0x80) { /* the NUL at the end too */
			return 0;
		}
		c = c << 6 | (p[i] & 0x3f);
	}
	if (c < least[len] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff)) {
		return 0;
	}
	*c_r = c;
	return len;
}

int utf8_is_harmful(uint32_t c)
{
	static const struct {
		uint32_t first, last;
	} ranges[] = {
		{0x00, 0x1f},       /* C0 */
		{0x7f, 0x9f},       /* DEL, C1 */
		{0x061c, 0x061c},   /* direction */
		{0x200e, 0x200f},   /* direction */
		{0x2028, 0x202e},   /* ends of lines and paragraphs, direction */
		{0x2066, 0x2069},   /* direction */
		{0xfdd0, 0xfdef},   /* no characters */
		{0xfeff, 0xfeff},   /* byte order mark */
		{0xfff9, 0xfffb},   /* annotations */
		{0xe0000, 0xe007f}, /* tags */
	};
	for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++) {
		if (c >= ranges[i].first && c <= ranges[i].last) {
			return 1;
		}
	}
	return (c & 0xfffe) == 0xfffe;
}
