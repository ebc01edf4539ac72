/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RV_CERT_H
#define RV_CERT_H

#include <openssl/evp.h>

#include "err.h"
#include "id.h"
#include "signer.h"

/*
 * A certificate as Reeve uses it: a public key with a digest and a validity. Immutable after
 * rv_cert_*; may be read by many threads; freed by the last owner.
 */
struct rv_cert;

/*
 * From DER or PEM (first certificate). Refuses with RV_ECERT: keys other than P-256 and RSA of 2048
 * to 8192 bits (CERT-KEY-TYPE, CERT-KEY-SIZE), signatures by another hash than SHA-256, SHA-384 or
 * SHA-512 (CERT-HASH), critical extensions other than basicConstraints, keyUsage, extKeyUsage,
 * subjectAltName and certificatePolicies (CERT-EXTENSION; RFC 5280, 4.2), and what cannot be read
 * (CERT-UNREADABLE).
 */
int rv_cert_from_der(struct rv_cert **cert_r, const void *der, size_t len, struct rv_err *e);
/* A certification authority's, which issues and signs no messages: any key, hash and extension that
 * can be read (CERT-UNREADABLE). Whether it may issue is for chain.h to say. rv_cert_alg is 0 if
 * the key is none that signs messages, and nothing verifies with it here. */
int rv_cert_issuer_from_der(struct rv_cert **cert_r, const void *der, size_t len, struct rv_err *e);
int rv_cert_from_pem(struct rv_cert **cert_r, const void *pem, size_t len, struct rv_err *e);
void rv_cert_free(struct rv_cert **cert);

const uint8_t *rv_cert_digest(const struct rv_cert *cert); /* SHA-256 of the DER */
void rv_cert_der(const struct rv_cert *cert, struct rv_span *der_r);
EVP_PKEY *rv_cert_key(const struct rv_cert *cert);       /* borrowed */
enum rv_sig_alg rv_cert_alg(const struct rv_cert *cert); /* what its key signs with by default */
int64_t rv_cert_not_before(const struct rv_cert *cert);  /* microseconds */
int64_t rv_cert_not_after(const struct rv_cert *cert);
void rv_cert_subject(const struct rv_cert *cert, char *out, size_t size);
/* 0, or RV_ECERT with the rule CERT-NOT-YET / CERT-EXPIRED. */
int rv_cert_valid_at(const struct rv_cert *cert, int64_t t_us, struct rv_err *e);
/* Was it issued by that one: basicConstraints CA (CERT-NOT-CA) and keyUsage (CERT-USAGE) of the
 * issuer, name and signature (CERT-ISSUER). */
int rv_cert_issued_by(const struct rv_cert *cert, const struct rv_cert *issuer, struct rv_err *e);

/*
 * Verifies sig over data (hashed with SHA-256 here). ECDSA: raw r || s of 64 bytes, s in the lower
 * half, as in XMLDSig. RV_ESIGNATURE if it does not hold.
 */
int rv_cert_verify(const struct rv_cert *cert, enum rv_sig_alg alg, const void *data, size_t len,
	const void *sig, size_t sig_len, struct rv_err *e);

/* Only the form of a signature value: algorithm fits the key, length, s in the lower half. For
 * callers that verify otherwise. */
int rv_cert_value_form(const struct rv_cert *cert, enum rv_sig_alg alg, const void *sig,
	size_t sig_len, struct rv_err *e);

/* As rv_cert_verify, against a bare public key (of a certificate request). */
int rv_key_verify(EVP_PKEY *key, enum rv_sig_alg alg, const void *data, size_t len, const void *sig,
	size_t sig_len, struct rv_err *e);

/* Signs data with a private key, in the same forms (the keeper and offline commands use it).
 * Appends to out. */
int rv_key_sign(EVP_PKEY *key, enum rv_sig_alg alg, const void *data, size_t len,
	struct rv_buf *out, struct rv_err *e);

#endif
