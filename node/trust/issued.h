/* SPDX-License-Identifier: Apache-2.0 */
#ifndef NODE_TRUST_ISSUED_H
#define NODE_TRUST_ISSUED_H

#include "node/trust/issue.h"
#include "protocol/trustlist.h"

/*
 * What an authority has issued: the file issued/index of its folder, one line a certificate in the
 * order of issue, beside the certificates themselves (issued/SERIAL.pem):
 *
 *   SERIAL ISSUER FROM TO CODE KEY good
 *   SERIAL ISSUER FROM TO CODE KEY revoked MOMENT REASON SINCE
 *
 * ISSUER is the name of the authority's key that signed it (8 digits, as in authority-*.key), KEY
 * the SHA-256 of the certified public key, SINCE the moment from which the key is in doubt, or "-".
 * Lines that begin with # are comments. The file is written whole, beside the old one, so that a
 * crash leaves one of the two. Nothing is ever taken out: revocations are evidence.
 */
enum { ISSUED_ISSUER = 9 };
struct issued_cert {
	char serial[ISSUE_SERIAL];
	char issuer[ISSUED_ISSUER];
	int64_t from_us, to_us;
	char code[RV_CODE_TEXT];
	uint8_t key[RV_DIGEST_LEN];
	int64_t revoked_us; /* 0: good */
	int64_t since_us;   /* 0: not said */
	enum rv_reason reason;
};
struct issued {
	struct issued_cert *items;
	size_t n, room;
};

/* A folder without the file has issued nothing. RV_EPARSE names the line. */
int issued_read(struct issued *x, const char *dir, struct rv_err *e);
int issued_write(const struct issued *x, const char *dir, struct rv_err *e);
void issued_clear(struct issued *x);
int issued_add(struct issued *x, const struct issued_cert *c, struct rv_err *e);
/* By serial number, as people write it: capital letters, colons and leading zeros do not count.
 * NULL if there is none. */
struct issued_cert *issued_find(const struct issued *x, const char *serial);
/* 1 if the text may be a serial number: hex digits and colons, at least 9 digits. */
int issued_is_serial(const char *text);
/* SHA-256 of a public key as certificates have it. */
int issued_key_digest(uint8_t digest[RV_DIGEST_LEN], EVP_PKEY *key, struct rv_err *e);

#endif
