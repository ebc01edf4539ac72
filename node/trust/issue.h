/* SPDX-License-Identifier: Apache-2.0 */
#ifndef NODE_TRUST_ISSUE_H
#define NODE_TRUST_ISSUE_H

#include <openssl/evp.h>
#include <openssl/x509.h>

#include "protocol/buf.h"
#include "protocol/err.h"
#include "protocol/id.h"
#include "protocol/signer.h"

/*
 * Keys, requests and certificates by the profiles of certs/ (authority.cnf, member.cnf,
 * responder.cnf). Offline work of the command line and of tests; the daemon issues nothing. Private
 * keys that pass through memory are wiped.
 */

/* rsa_bits 0: P-256; else RSA of 2048 to 8192 bits. */
int issue_key_new(EVP_PKEY **key_r, unsigned rsa_bits, struct rv_err *e);
/* Appends PEM, PKCS#8; encrypted (AES-256, scrypt) if a passphrase is given. Empty out with
 * rv_buf_wipe. */
int issue_key_pem(EVP_PKEY *key, const char *passphrase, struct rv_buf *out, struct rv_err *e);
/*
 * Reads a PEM key file. ask is called for the passphrase if the key has one: it fills at most size
 * bytes with a C string and returns its length, negative if there is none. RV_EDENIED: wrong or no
 * passphrase.
 *
 * A file with one line, a PKCS#11 URI with module-path (token.h), stands for the key in the token:
 * ask is then called for the PIN, unless the URI has pin-source. Errors as in token.h.
 */
struct issue_ask {
	int (*ask)(void *ctx, char *out, size_t size);
	void *ctx;
};
int issue_key_read(
	EVP_PKEY **key_r, const char *path, const struct issue_ask *ask, struct rv_err *e);

/* A signer over a key in this process, which must outlive it. cert_digest is left zero. */
int issue_signer(struct rv_signer *signer_r, EVP_PKEY *key, const char *code, struct rv_err *e);

/* A certificate request: O = name, CN = code, and the extensions of the profile. */
int issue_request(
	X509_REQ **req_r, EVP_PKEY *key, const char *code, const char *name, struct rv_err *e);
int issue_request_pem(X509_REQ *req, struct rv_buf *out, struct rv_err *e);
/* The common name of a request whose own signature verifies; RV_ECERT if it does not or the name is
 * no member code. */
int issue_request_code(X509_REQ *req, char code[RV_CODE_TEXT], struct rv_err *e);

/* The self-signed certificate of an authority. */
int issue_authority(X509 **cert_r, EVP_PKEY *key, const char *code, const char *name,
	int64_t from_us, int64_t to_us, struct rv_err *e);

enum issue_profile {
	ISSUE_MEMBER = 1, /* member.cnf */
	ISSUE_RESPONDER   /* responder.cnf: signs OCSP responses for its issuer */
};
enum { ISSUE_URLS = 4 };
struct issue_terms {
	enum issue_profile profile;
	X509 *issuer;
	EVP_PKEY *issuer_key;
	const char *code, *name;
	int64_t from_us, to_us;
	/* where the issuer publishes its CRL, and where its OCSP responder is: NULL ends them early
	 */
	const char *crl_urls[ISSUE_URLS], *ocsp_urls[ISSUE_URLS];
};
/* A certificate for a public key. */
int issue_certificate(
	X509 **cert_r, EVP_PKEY *key, const struct issue_terms *terms, struct rv_err *e);
/* A member's certificate for the key of a request, without addresses. What the request says besides
 * its key is not looked at. */
int issue_member(X509 **cert_r, X509_REQ *req, X509 *authority, EVP_PKEY *authority_key,
	const char *code, const char *name, int64_t from_us, int64_t to_us, struct rv_err *e);
/* Its serial number in hex digits, lower case: at most 40. */
enum { ISSUE_SERIAL = 41 };
int issue_serial(const X509 *cert, char text[ISSUE_SERIAL], struct rv_err *e);
int issue_cert_pem(X509 *cert, struct rv_buf *out, struct rv_err *e);
int issue_cert_der(X509 *cert, struct rv_buf *out, struct rv_err *e);

#endif
