/* SPDX-License-Identifier: Apache-2.0 */
#include "node/cli/text.h"

#include <locale.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "node/utf8.h"
#include "protocol/err.h"

#define REPLACEMENT "\xEF\xBF\xBD"
#define ISOLATE "\xE2\x81\xA8"     /* U+2068 FIRST STRONG ISOLATE */
#define POP_ISOLATE "\xE2\x81\xA9" /* U+2069 */

static int is_bidi_control(uint32_t c)
{
	return c == 0x061c || c == 0x200e || c == 0x200f || (c >= 0x202a && c <= 0x202e) ||
	       (c >= 0x2066 && c <= 0x2069);
}

static int is_right_to_left(uint32_t c)
{
	return (c >= 0x0590 && c <= 0x08ff) || (c >= 0xfb1d && c <= 0xfdff) ||
	       (c >= 0xfe70 && c <= 0xfefe) || (c >= 0x10800 && c <= 0x10fff) ||
	       (c >= 0x1e800 && c <= 0x1efff);
}

int text_safe(struct rv_buf *out, const char *s)
{
	int right_to_left = 0;
	for (const char *p = s; *p;) {
		uint32_t c;
		size_t len = utf8_next(p, &c);
		right_to_left |= len && is_right_to_left(c);
		p += len ? len : 1;
	}
	if (right_to_left)
		rv_buf_str(out, ISOLATE);
	while (*s) {
		uint32_t c;
		size_t len = utf8_next(s, &c);
		if (!len)
			rv_buf_str(out, REPLACEMENT);
		else if (c == '\n' || c == '\t' || c == '\r')
			rv_buf_str(out, " ");
		else if (utf8_is_harmful(c))
			rv_buf_str(out, REPLACEMENT);
		else
			rv_buf_put(out, s, len);
		s += len ? len : 1;
	}
	if (right_to_left)
		rv_buf_str(out, POP_ISOLATE);
	return rv_buf_ok(out) ? 0 : RV_ENOMEM;
}

void text_put(FILE *f, const char *s)
{
	struct rv_buf safe = {0};
	if (!text_safe(&safe, s))
		fwrite(safe.data, 1, safe.len, f);
	rv_buf_free(&safe);
}

/* The C.UTF-8 tables, whatever the user's locale says: only widths come from them. */
static locale_t width_locale(void)
{
	locale_t l = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
	return l ? l : (locale_t)0;
}

static size_t char_width(uint32_t c)
{
	int w = wcwidth((wchar_t)c);
	/* Without tables (no C.UTF-8 in the system) one column a character is the best guess. */
	return w >= 0 ? (size_t)w : c < 0x20 || is_bidi_control(c) ? 0 : 1;
}

size_t text_fit(const char *s, size_t columns, size_t *width_r)
{
	locale_t l = width_locale(), old = l ? uselocale(l) : (locale_t)0;
	size_t bytes = 0, width = 0;
	for (const char *p = s; *p;) {
		uint32_t c;
		size_t len = utf8_next(p, &c);
		size_t w = len ? char_width(c) : 1;
		if (width + w > columns)
			break;
		width += w;
		p += len ? len : 1;
		bytes = (size_t)(p - s);
	}
	if (l) {
		uselocale(old);
		freelocale(l);
	}
	*width_r = width;
	return bytes;
}

size_t text_width(const char *s)
{
	size_t width;
	text_fit(s, SIZE_MAX, &width);
	return width;
}

/* The label stands in the indent of the first line (on a line of its own if it is too long for
 * that). */
static void put_label(FILE *f, const char *label, size_t indent)
{
	size_t width = text_width(label);
	if (!width || width < indent)
		fprintf(f, "%s%*s", label, (int)(indent - width), "");
	else
		fprintf(f, "%s\n%*s", label, (int)indent, "");
}

static void put_wrapped(FILE *f, const char *label, const char *s, size_t indent, size_t columns)
{
	size_t room = columns > indent + 20 ? columns - indent : 20;
	do {
		size_t width, fits = text_fit(s, room, &width), cut = fits, skip = 0;
		if (s[fits]) {
			while (cut && s[cut] != ' ')
				cut--;
			skip = cut > 0;
			if (!cut)
				cut = fits ? fits : strlen(s);
		}
		put_label(f, label, indent);
		fprintf(f, "%.*s\n", (int)cut, s);
		s += cut + skip;
		label = "";
	} while (*s);
}

void text_put_labelled(FILE *f, const char *label, const char *s, int indent, int columns)
{
	struct rv_buf raw = {0}, safe = {0};
	for (;;) {
		size_t len = strcspn(s, "\n");
		rv_buf_reset(&raw);
		rv_buf_reset(&safe);
		rv_buf_put(&raw, s, len);
		const char *line = rv_buf_cstr(&raw);
		if (!line || text_safe(&safe, line) || !(line = rv_buf_cstr(&safe)))
			break;
		put_wrapped(f, label, line, (size_t)indent, (size_t)columns);
		if (!s[len])
			break;
		s += len + 1;
		label = "";
	}
	rv_buf_free(&raw);
	rv_buf_free(&safe);
}

void text_put_lines(FILE *f, const char *s, int indent, int columns)
{
	text_put_labelled(f, "", s, indent, columns);
}
