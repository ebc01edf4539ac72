/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_CHAINPKI_H
#define TESTS_CHAINPKI_H

#include <openssl/evp.h>
#include <openssl/ocsp.h>
#include <openssl/x509.h>

#include "protocol/chain.h"

/* Certificates, CRLs and OCSP responses good and bad, made while a test runs. Everything asserts
 * (cmocka). */

/* 2026-11-24T12:00:00Z: the present of these tests. */
#define CP_NOW INT64_C(1795521600000000)
#define CP_SEC RV_US_PER_SEC
#define CP_HOUR (INT64_C(3600) * CP_SEC)
#define CP_DAY (24 * CP_HOUR)

/* Extensions, each NAME=VALUE as in openssl's configuration, separated by newlines. The section
 * "kenya" of their configuration is the name /C=KE, "permitted_kenya" a constraint to it. */
#define CP_IDS "\nsubjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid:always"
#define CP_CA                                                                                      \
	"basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign,"                \
	"digitalSignature" CP_IDS
#define CP_EE "basicConstraints=critical,CA:FALSE" CP_IDS
#define CP_USE "\nkeyUsage=critical,digitalSignature,nonRepudiation"
#define CP_FOR "\nextendedKeyUsage=1.3.6.1.5.5.7.3.36"
#define CP_MEMBER CP_EE CP_USE CP_FOR

struct cp_cert {
	EVP_PKEY *key;
	X509 *x509;
	struct rv_buf der;
};

struct cp_make {
	const char *name;         /* common name */
	const char *kind;         /* of the key: P-256 (NULL), P-384, P-521, secp256k1, RSA-bits */
	EVP_PKEY *key;            /* instead: this one */
	const struct cp_cert *by; /* NULL: self-signed */
	const char *exts;
	const EVP_MD *md; /* NULL: SHA-256 */
	int pss;          /* sign with RSA-PSS; 2: with MGF1 over SHA-1 */
	int64_t from, to; /* 0: a year before and after now */
	long serial;
};
/* The certificates live until cp_clear(). */
struct cp_cert *cp_make(const struct cp_make *m);
void cp_clear(void);
/* A copy with one byte of the signature altered. */
struct cp_cert *cp_tamper(const struct cp_cert *c);

/* Up to 16 issuers, all of them for any member, NULL ends them. */
struct rv_chain *cp_chain(const struct cp_cert *const *issuers);

struct cp_entry {
	long serial;      /* 0 ends them */
	int64_t at;       /* 0: ten days before now */
	int reason;       /* as CRLReason; -1: none */
	int64_t invalid;  /* invalidityDate; 0: none */
	const char *exts; /* more */
};
struct cp_crl {
	const struct cp_cert *by;
	EVP_PKEY *key;            /* instead of that of by */
	int64_t this_us, next_us; /* 0: an hour before now, a day after; next -1: none */
	const EVP_MD *md;
	int v1;
	const char *exts;
	const struct cp_entry *entries; /* NULL: none */
	int pem;
};
void cp_crl(struct rv_buf *out, const struct cp_crl *c);

struct cp_ocsp {
	const struct cp_cert *cert, *issuer; /* whom it is about */
	const struct cp_cert *by;            /* who signs it; NULL: issuer */
	int status;                          /* V_OCSP_CERTSTATUS_* */
	int reason;                          /* revoked: CRLReason, or -1 */
	int64_t revoked_us;                  /* 0: ten days before now */
	int64_t this_us, next_us;            /* as in cp_crl */
	int64_t produced_us;                 /* 0: this_us */
	const EVP_MD *id_md, *md;            /* NULL: SHA-1, SHA-256 */
	unsigned long flags;                 /* OCSP_RESPID_KEY, OCSP_NOCERTS */
	int twice;
	int in_answer;   /* ext is of the answer, not of the whole */
	const char *ext; /* an extension */
	struct rv_span nonce;
};
void cp_ocsp(struct rv_buf *out, const struct cp_ocsp *o);

#endif
