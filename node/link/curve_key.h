/* SPDX-License-Identifier: Apache-2.0 */
#ifndef NODE_CURVE_KEY_H
#define NODE_CURVE_KEY_H

#include "protocol/err.h"
#include "protocol/id.h"

/*
 * A CURVE pair and its file: lines `public-key = "..."` and `secret-key = "..."`, Z85 of 40
 * characters, # comments; mode 0600. Wipe what was read as soon as it is used.
 */
struct curve_key {
	char public_key[RV_CURVE_KEY_TEXT];
	char secret_key[RV_CURVE_KEY_TEXT];
};
int curve_key_generate(struct curve_key *k, struct rv_err *e);
/* The pair of a given secret key of 32 bytes: of a token. */
enum { CURVE_SECRET_LEN = 32 };
int curve_key_of_secret(
	struct curve_key *k, const uint8_t secret[CURVE_SECRET_LEN], struct rv_err *e);
/* Never overwrites: RV_EEXIST. */
int curve_key_write(const char *path, const struct curve_key *k, struct rv_err *e);
/* Refuses a file that others may read, and a public key that does not belong to the secret one. */
int curve_key_read(const char *path, struct curve_key *k, struct rv_err *e);
void curve_key_wipe(struct curve_key *k);

#endif
