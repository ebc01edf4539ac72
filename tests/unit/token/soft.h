/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_UNIT_TOKEN_SOFT_H
#define TESTS_UNIT_TOKEN_SOFT_H

#include <stddef.h>

/*
 * Tokens of SoftHSM 2 for tests: in a folder of their own that goes away with the test. The module
 * is the real one; what a test does to the folder the module sees.
 */
#define SOFT_MODULE "/usr/lib/softhsm/libsofthsm2.so"
#define SOFT_PIN "correct-pin-7193"

/* Makes the folder and points SOFTHSM2_CONF at it. 0, or -1 with a word to stderr. */
int soft_set_up(void);
int soft_tear_down(void);
const char *soft_folder(void);
/* The file of the right PIN, mode 0600. */
const char *soft_pin_file(void);
/* Writes a file of the folder with that mode; its path, good until the next call. */
const char *soft_file(const char *name, const char *text, unsigned mode);

int soft_token(const char *label); /* a new token with SOFT_PIN */
/* Takes all tokens away, and gives them back. */
int soft_away(void);
int soft_back(void);

enum soft_kind { SOFT_P256, SOFT_P384, SOFT_RSA_1024, SOFT_RSA_2048 };
struct soft_pair {
	enum soft_kind kind;
	const char *label;
	const char *id; /* NULL: none */
	int extractable, always_authenticate, may_not_sign, no_public;
	const char *public_label; /* NULL: as label */
};
/* Makes a pair in the token of that label, through the module. Not while a token is open. */
int soft_pair(const char *token, const struct soft_pair *pair);
/* How many private keys the token has. */
int soft_count(const char *token);

#endif
