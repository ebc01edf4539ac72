/* SPDX-License-Identifier: Apache-2.0 */
#include "buf.h"
#include "err.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <openssl/crypto.h>

int rv_buf_reserve(struct rv_buf *b, size_t more)
{
	if (b->failed) {
		return RV_ENOMEM;
	}
	if (more <= b->cap - b->len) {
		return 0;
	}
	if (more > SIZE_MAX / 2 - b->len) {
		b->failed = 1;
		return RV_ENOMEM;
	}
	size_t cap = b->cap < 64 ? 64 : b->cap;
	while (cap < b->len + more) {
		cap *= 2;
	}
	uint8_t *grown = realloc(b->data, cap);
	if (grown == NULL) {
		b->failed = 1;
		return RV_ENOMEM;
	}
	b->data = grown;
	b->cap = cap;
	return 0;
}

int rv_buf_put(struct rv_buf *b, const void *data, size_t len)
{
	if (rv_buf_reserve(b, len) != 0) {
		return RV_ENOMEM;
	}
	if (len > 0) {
		memcpy(b->data + b->len, data, len);
		b->len += len;
	}
	return 0;
}

int rv_buf_str(struct rv_buf *b, const char *s)
{
	return rv_buf_put(b, s, strlen(s));
}

int rv_buf_printf(struct rv_buf *b, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	int need = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (need < 0 || rv_buf_reserve(b, (size_t)need + 1) != 0) {
		b->failed = 1;
		return RV_ENOMEM;
	}
	va_start(ap, fmt);
	vsnprintf((char *)b->data + b->len, (size_t)need + 1, fmt, ap);
	va_end(ap);
	b->len += (size_t)need;
	return 0;
}

static int put_be(struct rv_buf *b, uint64_t v, unsigned bytes)
{
	uint8_t raw[8];
	for (unsigned i = 0; i < bytes; i++) {
		raw[i] = (uint8_t)(v >> (8 * (bytes - 1 - i)));
	}
	return rv_buf_put(b, raw, bytes);
}

int rv_buf_u8(struct rv_buf *b, uint8_t v)
{
	return put_be(b, v, 1);
}

int rv_buf_u16(struct rv_buf *b, uint16_t v)
{
	return put_be(b, v, 2);
}

int rv_buf_u32(struct rv_buf *b, uint32_t v)
{
	return put_be(b, v, 4);
}

int rv_buf_u64(struct rv_buf *b, uint64_t v)
{
	return put_be(b, v, 8);
}

int rv_buf_str8(struct rv_buf *b, const char *s)
{
	size_t len = strlen(s);
	if (len > 255) {
		b->failed = 1;
		return RV_ELIMIT;
	}
	rv_buf_u8(b, (uint8_t)len);
	return rv_buf_put(b, s, len);
}

int rv_buf_bytes32(struct rv_buf *b, const void *data, size_t len)
{
	if (len > UINT32_MAX) {
		b->failed = 1;
		return RV_ELIMIT;
	}
	rv_buf_u32(b, (uint32_t)len);
	return rv_buf_put(b, data, len);
}

const char *rv_buf_cstr(struct rv_buf *b)
{
	if (rv_buf_reserve(b, 1) != 0) {
		return NULL;
	}
	b->data[b->len] = '\0';
	return (const char *)b->data;
}

uint8_t *rv_buf_take(struct rv_buf *b, size_t *len_r)
{
	uint8_t *data = b->data;
	if (len_r != NULL) {
		*len_r = b->len;
	}
	memset(b, 0, sizeof(*b));
	return data;
}

void rv_buf_reset(struct rv_buf *b)
{
	b->len = 0;
	b->failed = 0;
}

void rv_buf_free(struct rv_buf *b)
{
	if (b != NULL) {
		free(b->data);
		memset(b, 0, sizeof(*b));
	}
}

void rv_buf_wipe(struct rv_buf *b)
{
	if (b != NULL && b->data != NULL) {
		OPENSSL_cleanse(b->data, b->cap);
	}
	rv_buf_free(b);
}

struct rv_span rv_cur_span(struct rv_cur *c, size_t len)
{
	struct rv_span span = {NULL, 0};
	if (c->failed || len > (size_t)(c->end - c->p)) {
		c->failed = 1;
		return span;
	}
	span.data = c->p;
	span.len = len;
	if (len > 0) {
		c->p += len;
	}
	return span;
}

static uint64_t get_be(struct rv_cur *c, unsigned bytes)
{
	struct rv_span raw = rv_cur_span(c, bytes);
	uint64_t v = 0;
	for (size_t i = 0; i < raw.len; i++) {
		v = v << 8 | raw.data[i];
	}
	return v;
}

uint8_t rv_cur_u8(struct rv_cur *c)
{
	return (uint8_t)get_be(c, 1);
}

uint16_t rv_cur_u16(struct rv_cur *c)
{
	return (uint16_t)get_be(c, 2);
}

uint32_t rv_cur_u32(struct rv_cur *c)
{
	return (uint32_t)get_be(c, 4);
}

uint64_t rv_cur_u64(struct rv_cur *c)
{
	return get_be(c, 8);
}

struct rv_span rv_cur_bytes32(struct rv_cur *c, size_t max)
{
	uint32_t len = rv_cur_u32(c);
	if (len > max) {
		c->failed = 1;
	}
	return rv_cur_span(c, len);
}

int rv_cur_str8(struct rv_cur *c, char *out, size_t size)
{
	struct rv_span s = rv_cur_span(c, rv_cur_u8(c));
	if (c->failed || s.len >= size || (s.len > 0 && memchr(s.data, 0, s.len) != NULL)) {
		c->failed = 1;
		out[0] = '\0';
		return RV_EPARSE;
	}
	if (s.len > 0) {
		memcpy(out, s.data, s.len);
	}
	out[s.len] = '\0';
	return 0;
}
