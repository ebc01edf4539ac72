/* SPDX-License-Identifier: Apache-2.0 */
#include "node/trust/issued.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node/file.h"

enum { MAX_INDEX = 64 << 20, FIELDS = 10 };

static const char head[] = "# serial issuer from to code key state\n";

void issued_clear(struct issued *x)
{
	free(x->items);
	*x = (struct issued){0};
}

int issued_add(struct issued *x, const struct issued_cert *c, struct rv_err *e)
{
	if (x->n == x->room) {
		size_t room = x->room != 0 ? 2 * x->room : 64;
		struct issued_cert *items = reallocarray(x->items, room, sizeof(*items));
		if (items == NULL) {
			return rv_fail_nomem(e);
		}
		x->items = items;
		x->room = room;
	}
	x->items[x->n++] = *c;
	return 0;
}

/* The next digit of a serial number, lower case; 0 at the end. */
static char next_digit(const char **p)
{
	while (**p == ':') {
		(*p)++;
	}
	char c = **p;
	if (c == '\0') {
		return 0;
	}
	(*p)++;
	return (char)(c >= 'A' && c <= 'F' ? c - 'A' + 'a' : c);
}

static int same_serial(const char *a, const char *b)
{
	char x = '0', y = '0';
	while (x == '0') {
		x = next_digit(&a);
	}
	while (y == '0') {
		y = next_digit(&b);
	}
	while (x == y && x != 0) {
		x = next_digit(&a);
		y = next_digit(&b);
	}
	return x == y;
}

struct issued_cert *issued_find(const struct issued *x, const char *serial)
{
	for (size_t i = 0; i < x->n; i++) {
		if (same_serial(x->items[i].serial, serial)) {
			return &x->items[i];
		}
	}
	return NULL;
}

int issued_is_serial(const char *text)
{
	size_t digits = 0;
	for (; *text != '\0'; text++) {
		if (*text != ':' && strchr("0123456789abcdefABCDEF", *text) == NULL) {
			return 0;
		}
		digits += *text != ':';
	}
	return digits > 8;
}

int issued_key_digest(uint8_t digest[RV_DIGEST_LEN], EVP_PKEY *key, struct rv_err *e)
{
	unsigned char *der = NULL;
	int len = i2d_PUBKEY(key, &der);
	if (len <= 0) {
		return rv_fail_nomem(e);
	}
	rv_sha256(digest, der, (size_t)len);
	OPENSSL_free(der);
	return 0;
}

/* ---- the file ---- */

static char *path_of(const char *dir, const char *name)
{
	char *path = NULL;
	return asprintf(&path, "%s/issued%s", dir, name) >= 0 ? path : NULL;
}

static int copy(char *out, size_t size, const char *text)
{
	size_t len = strlen(text);
	if (len == 0 || len >= size) {
		return -1;
	}
	memcpy(out, text, len + 1);
	return 0;
}

static int is_hex(const char *text)
{
	return text[strspn(text, "0123456789abcdef")] == '\0';
}

static int parse_state(struct issued_cert *c, char *const field[FIELDS], size_t n)
{
	if (n == 7) {
		return strcmp(field[6], "good") == 0 ? 0 : -1;
	}
	if (n != 10 || strcmp(field[6], "revoked") != 0 ||
		rv_stamp_parse(&c->revoked_us, field[7]) != 0 || c->revoked_us <= 0 ||
		rv_reason_parse(&c->reason, field[8]) != 0) {
		return -1;
	}
	return strcmp(field[9], "-") == 0 ? 0 : rv_stamp_parse(&c->since_us, field[9]);
}

static int parse_line(struct issued_cert *c, char *line)
{
	char *field[FIELDS];
	size_t n = 0;
	for (char *p = line; p != NULL;) {
		if (n == FIELDS) {
			return -1;
		}
		field[n++] = strsep(&p, " ");
	}
	return n >= 7 && copy(c->serial, sizeof(c->serial), field[0]) == 0 && is_hex(c->serial) &&
			       copy(c->issuer, sizeof(c->issuer), field[1]) == 0 &&
			       strlen(c->issuer) == ISSUED_ISSUER - 1 && is_hex(c->issuer) &&
			       rv_stamp_parse(&c->from_us, field[2]) == 0 &&
			       rv_stamp_parse(&c->to_us, field[3]) == 0 &&
			       rv_code_valid(field[4]) &&
			       copy(c->code, sizeof(c->code), field[4]) == 0 &&
			       strlen(field[5]) == 2 * RV_DIGEST_LEN && is_hex(field[5]) &&
			       rv_unhex(c->key, sizeof(c->key), field[5]) == 0 &&
			       parse_state(c, field, n) == 0
		       ? 0
		       : -1;
}

static int parse(struct issued *x, char *text, size_t len, const char *path, struct rv_err *e)
{
	int line = 0;
	int rc = strlen(text) == len && (len == 0 || text[len - 1] == '\n')
			 ? 0
			 : rv_fail(e, RV_EPARSE, "%s is damaged: it does not end with a whole line",
				   path);
	for (char *p = text; rc == 0 && p != NULL && *p != '\0';) {
		struct issued_cert c = {.from_us = 0};
		char *one = strsep(&p, "\n");
		line++;
		if (one[0] == '#') {
			continue;
		}
		if (parse_line(&c, one) != 0) {
			rc = rv_fail(e, RV_EPARSE, "%s is damaged", path);
			if (e != NULL) {
				e->line = line;
			}
		} else {
			rc = issued_add(x, &c, e);
		}
	}
	if (rc == RV_EPARSE) {
		rv_err_mend(e, "It tells what this authority issued and revoked: restore it from a "
			       "backup.");
	}
	return rc;
}

int issued_read(struct issued *x_r, const char *dir, struct rv_err *e)
{
	struct issued x = {0};
	struct rv_buf text = {0};
	struct rv_err why = {0};
	char *path = path_of(dir, "/index");
	int rc = path != NULL ? file_read(path, MAX_INDEX, &text, &why) : rv_fail_nomem(&why);
	if (rc == RV_ENOTFOUND) {
		rc = 0;
	} else if (rc == 0) {
		rc = rv_buf_cstr(&text) != NULL ? parse(&x, (char *)text.data, text.len, path, &why)
						: rv_fail_nomem(&why);
	}
	if (rc == 0) {
		*x_r = x;
	} else {
		issued_clear(&x);
		if (e != NULL) {
			*e = why;
		}
	}
	rv_buf_free(&text);
	free(path);
	return rc;
}

static void put_line(struct rv_buf *out, const struct issued_cert *c)
{
	char from[RV_STAMP_TEXT], to[RV_STAMP_TEXT], key[RV_DIGEST_TEXT];
	rv_stamp_text(from, c->from_us);
	rv_stamp_text(to, c->to_us);
	rv_hex(key, c->key, RV_DIGEST_LEN);
	rv_buf_printf(out, "%s %s %s %s %s %s ", c->serial, c->issuer, from, to, c->code, key);
	if (c->revoked_us == 0) {
		rv_buf_str(out, "good\n");
		return;
	}
	rv_stamp_text(from, c->revoked_us);
	rv_stamp_text(to, c->since_us);
	rv_buf_printf(out, "revoked %s %s %s\n", from, rv_reason_text(c->reason),
		c->since_us != 0 ? to : "-");
}

int issued_write(const struct issued *x, const char *dir, struct rv_err *e)
{
	struct rv_buf text = {0};
	struct rv_err why = {0};
	char *folder = path_of(dir, "");
	char *path = path_of(dir, "/index");
	rv_buf_str(&text, head);
	for (size_t i = 0; i < x->n; i++) {
		put_line(&text, &x->items[i]);
	}
	int rc = folder != NULL && path != NULL && rv_buf_ok(&text) ? file_mkdir(folder, 0700, &why)
								    : rv_fail_nomem(&why);
	if (rc == 0 || rc == RV_EEXIST) {
		rc = file_write(path, 0600, text.data, text.len, &why);
	}
	if (rc != 0 && e != NULL) {
		*e = why;
	}
	rv_buf_free(&text);
	free(folder);
	free(path);
	return rc;
}
