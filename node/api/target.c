/* SPDX-License-Identifier: Apache-2.0 */
#include "node/api/target.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/id.h"

static int hex(char c)
{
	return c >= '0' && c <= '9'   ? c - '0'
	       : c >= 'a' && c <= 'f' ? c - 'a' + 10
	       : c >= 'A' && c <= 'F' ? c - 'A' + 10
				      : -1;
}

/* Length of the UTF-8 character at p, shortest form only; 0 if there is none, or a control
 * character. */
static size_t character(const unsigned char *p)
{
	if (p[0] < 0x80)
		return p[0] >= 0x20 && p[0] != 0x7f;
	if (p[0] >= 0xc2 && p[0] <= 0xdf)
		return (p[1] & 0xc0) != 0x80 || (p[0] == 0xc2 && p[1] < 0xa0) ? 0 : 2;
	if ((p[0] & 0xf0) == 0xe0) {
		if ((p[1] & 0xc0) != 0x80 || (p[2] & 0xc0) != 0x80)
			return 0;
		return (p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f) ? 0 : 3;
	}
	if (p[0] >= 0xf0 && p[0] <= 0xf4) {
		if ((p[1] & 0xc0) != 0x80 || (p[2] & 0xc0) != 0x80 || (p[3] & 0xc0) != 0x80)
			return 0;
		return (p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] > 0x8f) ? 0 : 4;
	}
	return 0;
}

static int is_text(const char *s)
{
	const unsigned char *p = (const unsigned char *)s;
	while (*p) {
		size_t n = character(p);
		if (!n)
			return 0;
		p += n;
	}
	return 1;
}

/* Decodes in place. plus: '+' is a space, as forms have it. 0, or -1. */
static int decode(char *s, int plus)
{
	char *out = s;
	for (const char *p = s; *p; p++) {
		if (*p == '%') {
			int high = hex(p[1]), low = high < 0 ? -1 : hex(p[2]);
			if (low < 0 || !(high << 4 | low))
				return -1;
			*out++ = (char)(high << 4 | low);
			p += 2;
		} else {
			*out++ = plus && *p == '+' ? ' ' : *p;
		}
	}
	*out = 0;
	return is_text(s) ? 0 : -1;
}

static int parse_path(struct target *t, char *path)
{
	/* path begins behind the first slash; "/" alone has no segments. */
	if (!*path)
		return 0;
	for (char *segment = path; segment;) {
		char *slash = strchr(segment, '/');
		if (slash)
			*slash = 0;
		if (t->n_segments == TARGET_SEGMENTS || decode(segment, 0))
			return RV_EINVAL;
		t->segments[t->n_segments++] = segment;
		segment = slash ? slash + 1 : NULL;
	}
	return 0;
}

static int parse_query(struct target *t, char *query)
{
	size_t n = 1;
	for (const char *p = query; *p; p++)
		n += *p == '&';
	if (n > TARGET_PARAMS)
		return RV_EINVAL;
	t->params = calloc(n, sizeof *t->params);
	if (!t->params)
		return RV_ENOMEM;
	for (char *pair = query; pair;) {
		char *next = strchr(pair, '&');
		if (next)
			*next = 0;
		char *equals = strchr(pair, '=');
		if (equals)
			*equals = 0;
		if (*pair || equals) {
			if (decode(pair, 1) || (equals && decode(equals + 1, 1)))
				return RV_EINVAL;
			t->params[t->n_params].name = pair;
			t->params[t->n_params++].value = equals ? equals + 1 : "";
		}
		pair = next ? next + 1 : NULL;
	}
	return 0;
}

int target_parse(struct target *t, const char *raw, struct rv_err *e)
{
	struct target made = {0};
	int rc = 0;
	if (raw[0] != '/' || strlen(raw) > TARGET_BYTES)
		return rv_fail(e, RV_EINVAL,
			"the target of the request must be a path of at most %d bytes",
			TARGET_BYTES);
	made.bytes = strdup(raw);
	if (!made.bytes)
		return rv_fail_nomem(e);
	char *query = strchr(made.bytes, '?');
	if (query)
		*query++ = 0;
	rc = parse_path(&made, made.bytes + 1);
	if (!rc && query)
		rc = parse_query(&made, query);
	if (rc) {
		target_clear(&made);
		return rc == RV_ENOMEM ? rv_fail_nomem(e)
				       : rv_fail(e, RV_EINVAL,
						 "path or query of the request cannot be read");
	}
	*t = made;
	return 0;
}

void target_clear(struct target *t)
{
	free(t->bytes);
	free(t->params);
	memset(t, 0, sizeof *t);
}

const char *target_param(const struct target *t, const char *name)
{
	for (size_t i = 0; i < t->n_params; i++)
		if (!strcmp(t->params[i].name, name))
			return t->params[i].value;
	return NULL;
}

int target_number(uint64_t *n_r, const char *text, uint64_t max)
{
	uint64_t n = 0;
	if (!text[0] || (text[0] == '0' && text[1]))
		return RV_EINVAL;
	for (; *text; text++) {
		if (*text < '0' || *text > '9')
			return RV_EINVAL;
		uint64_t digit = (uint64_t)(*text - '0');
		if (n > (max - digit) / 10 || digit > max)
			return RV_EINVAL;
		n = n * 10 + digit;
	}
	*n_r = n;
	return 0;
}

/* RFC 6838: type and subtype of restricted names. */
static int is_media_type(const char *s, size_t len)
{
	size_t slashes = 0;
	for (size_t i = 0; i < len; i++) {
		if (s[i] == '/')
			slashes += i && i + 1 < len ? 1 : 2;
		else if (!isalnum((unsigned char)s[i]) && !strchr("!#$&-^_.+", s[i]))
			return 0;
	}
	return slashes == 1;
}

static int is_file_name(const char *s)
{
	return s[0] && s[0] != '.' && !strpbrk(s, "/\\") && is_text(s);
}

int target_attachment(struct rv_attachment *a, const char *text, struct rv_err *e)
{
	struct rv_attachment made;
	memset(&made, 0, sizeof made);
	const char *type = strchr(text, ','), *name = type ? strchr(type + 1, ',') : NULL;
	char digest[RV_DIGEST_TEXT] = "";
	if (!name || type - text != RV_DIGEST_TEXT - 1)
		return rv_fail(e, RV_EINVAL, "an attachment is given as DIGEST,MEDIA/TYPE,NAME");
	memcpy(digest, text, RV_DIGEST_TEXT - 1);
	if (rv_unhex(made.digest, RV_DIGEST_LEN, digest))
		return rv_fail(e, RV_EINVAL,
			"the digest of an attachment is 64 lower-case hexadecimal digits");
	size_t len = (size_t)(name - type - 1);
	if (len >= sizeof made.media_type || !is_media_type(type + 1, len))
		return rv_fail(
			e, RV_EINVAL, "the media type of an attachment has the form image/jpeg");
	memcpy(made.media_type, type + 1, len);
	if (strlen(name + 1) >= sizeof made.name || !is_file_name(name + 1))
		return rv_fail(e, RV_EINVAL, "an attachment's name must be a plain file name");
	strcpy(made.name, name + 1);
	*a = made;
	return 0;
}
