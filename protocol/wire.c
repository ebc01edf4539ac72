/* SPDX-License-Identifier: Apache-2.0 */
#include "wire.h"

#include <stdlib.h>
#include <string.h>

#include "utf8.h"

static int all_continue(const unsigned char *p)
{
	while ((*p & 0xc0) == 0x80) {
		p++;
	}
	return *p == '\0';
}

int rv_wire_text_ok(const char *s)
{
	const unsigned char *p = (const unsigned char *)s;
	while (*p != '\0') {
		uint32_t point = 0;
		size_t len = rv_utf8_at(p, 4, &point);
		if (len == 0 || point < 0x20 || (point >= 0x7f && point <= 0x9f)) {
			return 0;
		}
		p += len;
	}
	return 1;
}

int rv_wire_ascii_ok(const char *s)
{
	for (; *s != '\0'; s++) {
		if (*s < 0x20 || *s > 0x7e) {
			return 0;
		}
	}
	return 1;
}

static int is_rule_char(char c, int first)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
	       (!first && ((c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_'));
}

int rv_wire_rule_ok(const char *s)
{
	size_t len = strnlen(s, 32);
	if (len < 1 || len > 31) {
		return 0;
	}
	for (size_t i = 0; i < len; i++) {
		if (!is_rule_char(s[i], i == 0)) {
			return 0;
		}
	}
	return 1;
}

void rv_wire_text_mend(char *s)
{
	const unsigned char *from = (const unsigned char *)s;
	char *to = s;
	while (*from != '\0') {
		uint32_t point = 0;
		size_t len = rv_utf8_at(from, 4, &point);
		if (len > 0 && point >= 0x20 && (point < 0x7f || point > 0x9f)) {
			memmove(to, from, len);
			to += len;
			from += len;
			continue;
		}
		/* a lead byte whose sequence the end cut off is dropped; whatever else becomes one
		 * '?' a byte */
		size_t rest = strlen((const char *)from);
		if (len == 0 && *from >= 0xc2 && rest < 4 && all_continue(from + 1)) {
			break;
		}
		*to++ = '?';
		from += len > 0 ? len : 1;
	}
	*to = '\0';
}

void rv_wire_rule_mend(char rule[32])
{
	rule[31] = '\0';
	if (rule[0] == '\0') {
		strcpy(rule, "unknown");
	}
	for (size_t i = 0; rule[i] != '\0'; i++) {
		if (!is_rule_char(rule[i], i == 0)) {
			rule[i] = i == 0 ? 'X' : '-';
		}
	}
}

int rv_wire_uuid_ok(const uint8_t uuid[RV_UUID_LEN])
{
	return uuid[6] >> 4 == 7 && uuid[8] >> 6 == 2;
}

int rv_wire_time_ok(int64_t t_us)
{
	return t_us >= 0 && t_us <= RV_TIME_MAX;
}

static int by_code(const void *a, const void *b)
{
	const char *const *x = a;
	const char *const *y = b;
	return strcmp(*x, *y);
}

int rv_wire_put_codes(struct rv_buf *out, const char (*codes)[RV_CODE_TEXT], size_t n, size_t max)
{
	int rc = RV_EINVAL;
	const char **sorted = NULL;
	size_t kept = 0;
	if (n == 0) {
		goto out;
	}
	sorted = malloc(n * sizeof(*sorted));
	if (sorted == NULL) {
		rc = RV_ENOMEM;
		goto out;
	}
	for (size_t i = 0; i < n; i++) {
		sorted[i] = codes[i];
	}
	qsort(sorted, n, sizeof(*sorted), by_code);
	for (size_t i = 0; i < n; i++) {
		if (!rv_code_valid(sorted[i])) {
			goto out;
		}
		if (kept == 0 || strcmp(sorted[kept - 1], sorted[i]) != 0) {
			sorted[kept++] = sorted[i];
		}
	}
	if (kept > max || kept > UINT16_MAX) {
		goto out;
	}
	rv_buf_u16(out, (uint16_t)kept);
	for (size_t i = 0; i < kept; i++) {
		rv_buf_str8(out, sorted[i]);
	}
	rc = rv_buf_ok(out) ? 0 : RV_ENOMEM;
out:
	free(sorted);
	return rc;
}

int rv_wire_get_codes(struct rv_cur *c, char (**codes_r)[RV_CODE_TEXT], size_t *n_r, size_t max)
{
	size_t n = rv_cur_u16(c);
	/* a code takes three bytes at least: no allocation for a count that the bytes cannot keep
	 */
	if (n == 0 || n > max || n * 3 > rv_cur_left(c)) {
		c->failed = 1;
		return RV_EPARSE;
	}
	char(*codes)[RV_CODE_TEXT] = calloc(n, sizeof(*codes));
	if (codes == NULL) {
		return RV_ENOMEM;
	}
	for (size_t i = 0; i < n; i++) {
		if (rv_cur_str8(c, codes[i], sizeof(codes[i])) != 0 || !rv_code_valid(codes[i]) ||
			(i > 0 && strcmp(codes[i - 1], codes[i]) >= 0)) {
			free(codes);
			c->failed = 1;
			return RV_EPARSE;
		}
	}
	*codes_r = codes;
	*n_r = n;
	return 0;
}
