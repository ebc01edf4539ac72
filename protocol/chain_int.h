/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RV_CHAIN_INT_H
#define RV_CHAIN_INT_H

#include <openssl/ocsp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "cert_int.h"
#include "chain.h"

/*
 * Inside of chain*.c (and of the fuzz targets, which come in behind the signatures).
 */

enum { RV_X509_NAME_TEXT = 192, RV_X509_DER_MAX = 65536 };

struct rv_path {
	X509 *certs[RV_CHAIN_DEPTH];
	uint8_t digests[RV_CHAIN_DEPTH][RV_DIGEST_LEN];
	size_t index[RV_CHAIN_DEPTH]; /* among the issuers; of no meaning for certificate 0 */
	size_t len;
	int64_t from, to;
};

/* ---- chain_cert.c: one certificate ---- */

/* One DER certificate and nothing behind it; RV_ECERT, CHAIN-UNREADABLE. */
int rv_x509_read(X509 **x509_r, const void *der, size_t len, struct rv_err *e);
int rv_x509_validity(X509 *x, int64_t *from_r, int64_t *to_r); /* RV_EPARSE */

/* The algorithm of a signature: PKCS #1, PSS (MGF1 with the same hash) or ECDSA, with SHA-256,
 * SHA-384 or SHA-512. name_r receives what it is called otherwise. */
int rv_algor_taken(const X509_ALGOR *alg, char name_r[64]);
/* The key is P-256, P-384, P-521 or RSA of 2048 to 8192 bits. */
int rv_x509_key_taken(X509 *x);
/* extendedKeyUsage has one of the object identifiers (NULL ends them). -1: there is none at all. */
int rv_x509_purpose(X509 *x, const char *const *oids);

/* Fills e with the rule, `certificate "SUBJECT" (DIGEST): ...` and the mend. Returns code. */
int rv_chain_refuse(struct rv_err *e, int code, const char *rule, X509 *x, const char *mend,
	const char *fmt, ...) __attribute__((format(printf, 6, 7)));

/* Its extensions: readable, none twice, none critical that is not understood. */
int rv_chain_extensions(X509 *x, struct rv_err *e);
/* What the certificate itself must satisfy, whatever the time: as an issuer, as a member's. */
int rv_chain_as_issuer(X509 *x, struct rv_err *e);
int rv_chain_as_member(X509 *x, struct rv_err *e);
int rv_chain_at(X509 *x, int64_t at_us, struct rv_err *e);

/* ---- chain_verify.c ---- */

/* RFC 5280, by OpenSSL, of exactly this path (time apart): signatures, constraints, profile. */
int rv_chain_rfc5280(X509 *const *certs, size_t n, struct rv_err *e);

/* ---- chain_status.c ---- */

/* kind "CRL" or "OCSP": the rule is CHAIN-kind-what. */
int rv_status_refuse(struct rv_err *e, int code, const char *kind, const char *what, X509 *issuer,
	const char *mend, const char *fmt, ...) __attribute__((format(printf, 7, 8)));
/* Both ends of every source: times in order and against now, the issuer valid then, what is known,
 * and a certificate that had expired. May turn GOOD into UNKNOWN. */
int rv_status_settle(struct rv_cert_status *s, const char *kind, X509 *cert, X509 *issuer,
	const struct rv_status_when *when, struct rv_err *e);

/* ---- chain_crl.c ---- */

int rv_crl_read(X509_CRL **crl_r, const void *data, size_t len, X509 *issuer, struct rv_err *e);
int rv_crl_signed(X509_CRL *crl, X509 *issuer, struct rv_err *e);
int rv_crl_say(struct rv_cert_status *s, X509_CRL *crl, X509 *cert, X509 *issuer,
	const struct rv_status_when *when, struct rv_err *e);

/* ---- chain_ocsp.c, chain_responder.c ---- */

int rv_ocsp_read(
	OCSP_BASICRESP **basic_r, const void *data, size_t len, X509 *issuer, struct rv_err *e);
int rv_ocsp_signed(OCSP_BASICRESP *basic, X509 *issuer, int64_t now_us, struct rv_err *e);
int rv_ocsp_say(struct rv_cert_status *s, OCSP_BASICRESP *basic, X509 *cert, X509 *issuer,
	struct rv_span nonce, const struct rv_status_when *when, struct rv_err *e);

#endif
