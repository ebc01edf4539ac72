/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RV_BUF_H
#define RV_BUF_H

#include <stddef.h>
#include <stdint.h>

/*
 * A growing byte buffer and a bounded reader over foreign bytes.
 *
 * struct rv_buf starts as {0}, owns its data, and is emptied with rv_buf_free. A failed append
 * returns RV_ENOMEM and sticks: later appends fail too, so that a run of appends is checked
 * once, at its end, with rv_buf_ok. All integers on the wire are big-endian.
 *
 * struct rv_cur reads from bytes it does not own. A read past the end returns zero or an empty
 * span and sticks as failed; check rv_cur_ok (or rv_cur_done: ok and nothing left) at the end.
 *
 * Neither is shared between threads.
 */

struct rv_buf {
	uint8_t *data;
	size_t len;
	size_t cap;
	int failed;
};

struct rv_span {
	const uint8_t *data;
	size_t len;
};

int rv_buf_put(struct rv_buf *b, const void *data, size_t len);
int rv_buf_str(struct rv_buf *b, const char *s); /* without the final NUL */
int rv_buf_printf(struct rv_buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
int rv_buf_u8(struct rv_buf *b, uint8_t v);
int rv_buf_u16(struct rv_buf *b, uint16_t v);
int rv_buf_u32(struct rv_buf *b, uint32_t v);
int rv_buf_u64(struct rv_buf *b, uint64_t v);
int rv_buf_str8(struct rv_buf *b, const char *s); /* length u8, bytes; fails over 255 */
int rv_buf_bytes32(struct rv_buf *b, const void *data, size_t len); /* length u32, bytes */
int rv_buf_reserve(struct rv_buf *b, size_t more);
static inline int rv_buf_ok(const struct rv_buf *b)
{
	return !b->failed;
}
/* The content as a C string: a NUL is added behind it (not counted). NULL if memory is short. */
const char *rv_buf_cstr(struct rv_buf *b);
/* Hands the data to the caller (free()), leaves b empty. */
uint8_t *rv_buf_take(struct rv_buf *b, size_t *len_r);
void rv_buf_reset(struct rv_buf *b); /* length 0, memory kept */
void rv_buf_free(struct rv_buf *b);  /* memory released, b is {0} */
void rv_buf_wipe(struct rv_buf *b);  /* as free, content overwritten first */

struct rv_cur {
	const uint8_t *p;
	const uint8_t *end;
	int failed;
};

static inline struct rv_cur rv_cur_of(const void *data, size_t len)
{
	const uint8_t *p = (const uint8_t *)data;
	/* nothing may be added to NULL, not even 0 */
	struct rv_cur c = {p, len > 0 ? p + len : p, 0};
	return c;
}

uint8_t rv_cur_u8(struct rv_cur *c);
uint16_t rv_cur_u16(struct rv_cur *c);
uint32_t rv_cur_u32(struct rv_cur *c);
uint64_t rv_cur_u64(struct rv_cur *c);
struct rv_span rv_cur_span(struct rv_cur *c, size_t len);
struct rv_span rv_cur_bytes32(struct rv_cur *c, size_t max);
/* A u8-counted string into out (size includes the NUL). Fails on overlong text and inner NULs. */
int rv_cur_str8(struct rv_cur *c, char *out, size_t size);
static inline size_t rv_cur_left(const struct rv_cur *c)
{
	return c->failed ? 0 : (size_t)(c->end - c->p);
}
static inline int rv_cur_ok(const struct rv_cur *c)
{
	return !c->failed;
}
static inline int rv_cur_done(const struct rv_cur *c)
{
	return !c->failed && c->p == c->end;
}

#endif
