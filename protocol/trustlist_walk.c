/* SPDX-License-Identifier: Apache-2.0 */
#include "trustlist_int.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int tl_fail(struct rv_err *e, const xmlNode *node, int code, const char *rule, const char *fmt, ...)
{
	if (e != NULL) {
		char text[sizeof(e->text)];
		va_list ap;
		va_start(ap, fmt);
		vsnprintf(text, sizeof(text), fmt, ap);
		va_end(ap);
		rv_fail_rule(e, code, rule, "%s", text);
		rv_xml_place(node, &e->line, &e->column);
	}
	return code;
}

void tl_refuse(struct tl_walk *w, const xmlNode *node, const char *rule, const char *fmt, ...)
{
	char text[sizeof(w->e->text)];
	if (w->rc != 0) {
		return;
	}
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	w->rc = tl_fail(w->e, node != NULL ? node : w->parent, RV_ESCHEMA, rule, "%s", text);
}

struct tl_walk tl_walk(const xmlNode *parent, struct rv_err *e)
{
	struct tl_walk w = {parent, rv_xml_first(parent), e, 0};
	if (!rv_xml_pure(parent) || parent->properties != NULL) {
		tl_refuse(&w, parent, "TRUST-SHAPE",
			"%s has elements alone, without text and attributes",
			(const char *)parent->name);
	}
	return w;
}

static int is_named(const xmlNode *node, const char *name)
{
	return rv_xml_is(node, RV_NS_TRUST, name);
}

const xmlNode *tl_take(struct tl_walk *w, const char *name)
{
	const xmlNode *node = w->next;
	if (w->rc != 0 || !is_named(node, name)) {
		return NULL;
	}
	w->next = rv_xml_next(node);
	return node;
}

size_t tl_count(struct tl_walk *w, const char *name, size_t min, size_t max)
{
	size_t n = 0;
	if (w->rc != 0) {
		return 0;
	}
	for (const xmlNode *node = w->next; is_named(node, name); node = rv_xml_next(node)) {
		n++;
	}
	if (n < min) {
		tl_refuse(w, w->next, "TRUST-SHAPE", "%s must have a %s here",
			(const char *)w->parent->name, name);
		return 0;
	}
	if (n > max) {
		tl_refuse(w, w->next, "TRUST-LIMIT",
			"%s has %zu times %s, more than the %zu allowed",
			(const char *)w->parent->name, n, name, max);
		return 0;
	}
	return n;
}

const char *tl_text(struct tl_walk *w, const char *name)
{
	const xmlNode *node = tl_take(w, name);
	if (node == NULL) {
		tl_refuse(w, w->next, "TRUST-SHAPE", "%s must have a %s here",
			(const char *)w->parent->name, name);
		return "";
	}
	const char *text = node->properties == NULL ? rv_xml_text(node) : NULL;
	if (text == NULL) {
		tl_refuse(w, node, "TRUST-SHAPE", "%s has text alone, without attributes", name);
		return "";
	}
	return text;
}

/* The node whose text was taken last, for the place of an error. */
static const xmlNode *last(const struct tl_walk *w)
{
	const xmlNode *node = w->next != NULL ? w->next->prev : w->parent->last;
	return node != NULL ? node : w->parent;
}

static void bad_value(struct tl_walk *w, const char *name, const char *text, const char *form)
{
	tl_refuse(w, last(w), "TRUST-VALUE", "%s \"%.60s\" is not %s", name, text, form);
}

void tl_code(struct tl_walk *w, const char *name, char out[RV_CODE_TEXT])
{
	const char *text = tl_text(w, name);
	if (w->rc == 0 && !rv_code_valid(text)) {
		bad_value(w, name, text,
			"a member code: a capital letter, then 1 to 15 of A-Z, 0-9 and -");
	} else if (w->rc == 0) {
		memcpy(out, text, strlen(text) + 1);
	}
}

void tl_opcode(struct tl_walk *w, const char *name, char out[RV_OPCODE_TEXT])
{
	const char *text = tl_text(w, name);
	if (w->rc == 0 && !rv_opcode_valid(text)) {
		bad_value(w, name, text, "an operation code: 2 to 32 of A-Z, 0-9 and -");
	} else if (w->rc == 0) {
		memcpy(out, text, strlen(text) + 1);
	}
}

void tl_listcode(struct tl_walk *w, const char *name, char out[32])
{
	const char *text = tl_text(w, name);
	size_t len = strlen(text);
	if (w->rc == 0 && (len < 1 || len > 31 || text[0] == '-' ||
				  strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-") != len)) {
		bad_value(w, name, text, "a list code: 1 to 31 of a-z, 0-9 and -");
	} else if (w->rc == 0) {
		memcpy(out, text, len + 1);
	}
}

static int is_upper(char c)
{
	return c >= 'A' && c <= 'Z';
}

void tl_country(struct tl_walk *w, const char *name, char out[3])
{
	const char *text = tl_text(w, name);
	if (w->rc == 0 && (!is_upper(text[0]) || !is_upper(text[1]) || text[2] != '\0')) {
		bad_value(w, name, text, "a country: two capital letters of ISO 3166-1");
	} else if (w->rc == 0) {
		memcpy(out, text, 3);
	}
}

/* The form of xs:token: no control characters, no space at the ends and no two in a row. Length in
 * characters. */
static int words_valid(const char *text, size_t max)
{
	size_t chars = 0;
	char before = ' ';
	for (const char *p = text; *p != '\0'; p++) {
		if ((unsigned char)*p < 0x20 || (*p == ' ' && before == ' ')) {
			return 0;
		}
		chars += ((unsigned char)*p & 0xc0) != 0x80;
		before = *p;
	}
	return chars >= 1 && chars <= max && before != ' ';
}

void tl_words(struct tl_walk *w, const char *name, size_t max, char **out)
{
	const char *text = tl_text(w, name);
	if (w->rc != 0) {
		return;
	}
	if (!words_valid(text, max)) {
		tl_refuse(w, last(w), "TRUST-VALUE",
			"%s must have 1 to %zu characters, without spaces at its ends or two in a "
			"row",
			name, max);
		return;
	}
	*out = strdup(text);
	if (*out == NULL) {
		w->rc = rv_fail_nomem(w->e);
	}
}

int tl_decimal(uint64_t *out, const char *text, uint64_t max)
{
	uint64_t v = 0;
	if (text[0] < '1' || text[0] > '9') {
		return RV_EPARSE;
	}
	for (; *text >= '0' && *text <= '9'; text++) {
		unsigned digit = (unsigned)(*text - '0');
		if (digit > max || v > (max - digit) / 10) {
			return RV_EPARSE;
		}
		v = v * 10 + digit;
	}
	if (*text != '\0') {
		return RV_EPARSE;
	}
	*out = v;
	return 0;
}

void tl_number(struct tl_walk *w, const char *name, uint64_t max, uint64_t *out)
{
	const char *text = tl_text(w, name);
	if (w->rc == 0 && tl_decimal(out, text, max) != 0) {
		tl_refuse(w, last(w), "TRUST-VALUE", "%s \"%.30s\" is not a number from 1 to %llu",
			name, text, (unsigned long long)max);
	}
}

void tl_stamp(struct tl_walk *w, const char *name, int64_t *out)
{
	const char *text = tl_text(w, name);
	if (w->rc == 0 && rv_stamp_parse(out, text) != 0) {
		bad_value(w, name, text, "a moment in UTC such as 2026-11-24T08:00:00Z");
	}
}

void *tl_alloc(struct tl_walk *w, size_t n, size_t size)
{
	if (w->rc != 0 || n == 0) {
		return NULL;
	}
	void *p = calloc(n, size);
	if (p == NULL) {
		w->rc = rv_fail_nomem(w->e);
	}
	return p;
}

int tl_end(struct tl_walk *w)
{
	if (w->rc == 0 && w->next != NULL) {
		tl_refuse(w, w->next, "TRUST-SHAPE", "%s is not expected here in %s",
			(const char *)w->next->name, (const char *)w->parent->name);
	}
	return w->rc;
}
