/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RV_WIRE_H
#define RV_WIRE_H

#include "buf.h"
#include "err.h"
#include "id.h"

/*
 * Pieces of the binary encodings that frames and receipts share (SPEC.md, "Link", "Receipts").
 * Not installed. Readers stick as failed in the cursor, as rv_cur_* do; checks answer 1 or 0.
 */

/* 9999-12-31T23:59:59.999999Z: the last time that a frame or receipt may name. */
#define RV_TIME_MAX INT64_C(253402300799999999)

/* UTF-8 without control characters (C0, DEL, C1). */
int rv_wire_text_ok(const char *s);
/* Printable ASCII, space to tilde. */
int rv_wire_ascii_ok(const char *s);
/* A stable code: [A-Za-z][A-Za-z0-9._-]{0,30}. */
int rv_wire_rule_ok(const char *s);
/* Makes a text or code legal in place (what is not becomes '?' or '-'; a cut UTF-8 sequence at the
 * end goes away), so that words that quote a peer's bytes can always be sent back. An empty code
 * becomes "unknown". */
void rv_wire_text_mend(char *s);
void rv_wire_rule_mend(char rule[32]);
/* Version 7 and the RFC variant. */
int rv_wire_uuid_ok(const uint8_t uuid[RV_UUID_LEN]);
int rv_wire_time_ok(int64_t t_us);

/*
 * Member codes: count u16, then u8-counted strings in ascending order of their bytes, each once.
 * put sorts a copy and drops repetitions; RV_EINVAL if there are none or more than max, or one is
 * not a code.
 */
int rv_wire_put_codes(struct rv_buf *out, const char (*codes)[RV_CODE_TEXT], size_t n, size_t max);
/* *codes_r is free()d by the caller. RV_EPARSE: not that form; RV_ENOMEM. */
int rv_wire_get_codes(struct rv_cur *c, char (**codes_r)[RV_CODE_TEXT], size_t *n_r, size_t max);

#endif
