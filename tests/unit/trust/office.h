/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_OFFICE_H
#define TESTS_OFFICE_H

#include "node/trust/authority.h"
#include "tests/unit/trust/pki.h"

/* The folder of an authority in a temporary place, and members who ask to join. Everything asserts (cmocka). */

/* A member as `reeve init` makes it. */
struct party {
	EVP_PKEY *key;
	struct rv_buf join; /* wire form */
	char z85[RV_CURVE_KEY_TEXT];
};
void party_new(struct party *p, const char *code, unsigned roles, unsigned rsa_bits);
void party_clear(struct party *p);
/* Fills a request, unsigned. */
void office_join(struct rv_join *j, EVP_PKEY *key, const char *code, unsigned roles, const char *z85);

extern char office_base[64];
extern char *office_dir; /* office_base/a */
/* As set-up and tear-down of a test. */
int office_make(void **state);
int office_drop(void **state);

void office_create(const char *passphrase);
struct authority *office_opened(void);
int office_admit(struct authority *a, const struct party *p, int renew, int64_t overlap_us, int64_t now_us, struct rv_err *e);
void office_admitted(struct authority *a, const struct party *p);
/* The list as a node reads it that knows authority.pem. */
struct rv_trust *office_published(struct authority *a, int64_t now_us, uint64_t number);

#endif
