/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_SEALING_H
#define TESTS_SEALING_H

#include "protocol/seal.h"
#include "tests/unit/trust/pki.h"

/* Sealed messages made while a test runs. Everything asserts (cmocka). */

/* The text of a file under schemas/samples. */
void sealing_sample(struct rv_buf *out, const char *name);
/* Composes the draft as that member and seals it by the algorithm (0: the key's own). */
void sealing_seal(struct rv_buf *wire, const struct rv_buf *draft, const struct pki_member *by,
	enum rv_sig_alg alg);
/* Signs by a pki_member's key; ctx of the signer. */
struct sealing_key {
	EVP_PKEY *key;
	enum rv_sig_alg alg;
};
int sealing_sign(void *ctx, const void *data, size_t len, struct rv_buf *out, struct rv_err *e);
/* Parses and verifies: 0, or the code and the rule in e. */
int sealing_verify(struct rv_verifier *v, const void *wire, size_t len, const struct pki_member *by,
	struct rv_sealed *sealed, struct rv_err *e);

#endif
