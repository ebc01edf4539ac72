/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RV_ID_H
#define RV_ID_H

#include <stddef.h>
#include <stdint.h>

#include "buf.h"

/*
 * Identifiers and digests in their text and binary forms. Pure functions, safe in any thread.
 */

enum {
	RV_UUID_LEN = 16,
	RV_UUID_TEXT = 36 + 1,        /* with the NUL */
	RV_DIGEST_LEN = 32,           /* SHA-256 */
	RV_DIGEST_TEXT = 64 + 1,
	RV_CODE_TEXT = 16 + 1,        /* member code: [A-Z][A-Z0-9-]{1,15} */
	RV_OPCODE_TEXT = 32 + 1,      /* operation code: [A-Z0-9][A-Z0-9-]{1,31} */
	RV_CURVE_KEY_LEN = 32,
	RV_CURVE_KEY_TEXT = 40 + 1    /* Z85 */
};

/* UUID version 7 (RFC 9562, section 5.7) from a time in microseconds and 10 random bytes. */
void rv_uuid7(uint8_t uuid[RV_UUID_LEN], int64_t now_us, const uint8_t random[10]);
void rv_uuid_text(char text[RV_UUID_TEXT], const uint8_t uuid[RV_UUID_LEN]);
/* Only the lower-case form of 36 characters, version 7 and the RFC variant. RV_EPARSE if not. */
int rv_uuid_parse(uint8_t uuid[RV_UUID_LEN], const char *text);

int rv_code_valid(const char *code);    /* 1 a member code, 0 not */
int rv_opcode_valid(const char *code);  /* 1 an operation code, 0 not */

void rv_sha256(uint8_t digest[RV_DIGEST_LEN], const void *data, size_t len);
void rv_hex(char *text, const uint8_t *data, size_t len);       /* lower case; text has 2*len+1 */
/* Exactly len bytes of lower-case hex. RV_EPARSE if not. */
int rv_unhex(uint8_t *data, size_t len, const char *text);

/* Appends the base64 of data, one line, padded. */
int rv_base64(struct rv_buf *out, const void *data, size_t len);
/* Appends the bytes. White space inside is allowed (XML Schema), anything else is RV_EPARSE;
 * so are padding bits that are not zero, so that a value has one form only. */
int rv_unbase64(struct rv_buf *out, const char *text, size_t len);

/* 1 if equal, in a time that does not depend on where they differ. */
int rv_equal_ct(const void *a, const void *b, size_t len);

#endif
