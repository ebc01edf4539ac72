/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RV_SIGNER_H
#define RV_SIGNER_H

#include "buf.h"
#include "err.h"
#include "id.h"

/*
 * The outside world, as libreeve needs it: handed in, so that a test can play it.
 */

/* The clock: wall time in microseconds since 1970 UTC. */
struct rv_clock {
	int64_t (*now_us)(void *ctx);
	void *ctx;
};

/* Randomness: fills len bytes, 0 or RV_EIO. */
struct rv_random {
	int (*fill)(void *ctx, void *out, size_t len);
	void *ctx;
};

enum rv_sig_alg {
	RV_ALG_ECDSA_P256_SHA256 = 1, /* raw r || s, 64 bytes, s in the lower half of the order */
	RV_ALG_RSA_SHA256 = 2,        /* PKCS#1 v1.5, 2048 bits and more */
	RV_ALG_RSA_PSS_SHA256 = 3     /* PSS, MGF1 with SHA-256, salt of 32 bytes */
};

/*
 * Who signs. The key itself is elsewhere: in the daemon it is in the keeper process, in a test
 * or an offline command behind an EVP_PKEY. sign appends the signature over data (which the
 * signer hashes itself) to out.
 */
struct rv_signer {
	int (*sign)(void *ctx, const void *data, size_t len, struct rv_buf *out, struct rv_err *e);
	void *ctx;
	enum rv_sig_alg alg;
	uint8_t cert_digest[RV_DIGEST_LEN]; /* SHA-256 of the DER of the signing certificate */
	char code[RV_CODE_TEXT];            /* the member that signs */
};

#endif
