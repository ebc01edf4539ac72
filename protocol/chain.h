/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RV_CHAIN_H
#define RV_CHAIN_H

#include "buf.h"
#include "cert.h"
#include "err.h"
#include "id.h"
#include "stamp.h"

/*
 * Where a member's certificate comes from, and whether it still holds (SPEC.md, "Chain" and
 * "Revocation"): the path from it to the certification authorities that the trust list names, and
 * what a CRL or an OCSP response says of each certificate on that path. Pure: bytes, certificates
 * and times come in, a verdict goes out. Nothing is fetched; URLs inside certificates are not read.
 *
 *   rv_chain_new()         once a trust list: its issuers
 *   rv_chain_path()        once a certificate: the path, which then holds from rv_path_from() to
 *                          rv_path_to()
 *   rv_status_from_crl(), rv_status_from_ocsp()   for each i below rv_path_links()
 *   rv_status_fresh(), rv_status_judge()          whenever the status is used
 *
 * Refusals name the certificate (subject, first 16 hex digits of its SHA-256) and the mend. Codes
 * are RV_ECERT unless said otherwise.
 */

/* ---- issuers ---- */

/* A certification authority's certificate, root or intermediate, and the members it may certify. */
struct rv_chain_issuer {
	struct rv_span der;
	const char (*members)[RV_CODE_TEXT];
	size_t n_members; /* 0: any member */
};

enum {
	RV_CHAIN_DEPTH = 8, /* certificates of a path, the member's and the last one among them */
	RV_CHAIN_ISSUERS = 1024, /* issuers of a set */
	RV_CHAIN_PATHS = 32      /* paths that are tried for one certificate */
};

/* Issuers, read and linked to each other. Immutable; any thread may read it. */
struct rv_chain;

/*
 * Copies what it needs. Fails where an issuer cannot be read (CHAIN-UNREADABLE), where one stands
 * twice (CHAIN-DUPLICATE) or where there are too many (RV_ELIMIT, CHAIN-LIMIT); otherwise a bad
 * issuer spoils only the paths that lead over it. n may be 0.
 */
int rv_chain_new(struct rv_chain **chain_r, const struct rv_chain_issuer *issuers, size_t n,
	struct rv_err *e);
void rv_chain_free(struct rv_chain **chain);

/*
 * What can be said of an issuer alone, for whoever writes a list: readable, CA (CHAIN-CA,
 * CHAIN-CONSTRAINTS), keyCertSign (CHAIN-CA-USAGE), key, hash, critical extensions. Time does not
 * count.
 */
int rv_chain_issuer_check(const void *der, size_t len, struct rv_err *e);

/* ---- path ---- */

/*
 * From the member's certificate (0) over issuers to one where it ends. Immutable; holds what it
 * needs by itself, also when the chain is freed.
 */
struct rv_path;

/*
 * The path of a member's certificate at the time at_us (when it signed). It ends at a listed issuer
 * that is self-signed, or whose own issuer is not listed. Every certificate of it, the last one
 * too, must satisfy every rule. Where several paths lead up, one that holds is enough; where none
 * holds, the first one tried is what e tells of.
 *
 *   CHAIN-ISSUER       no issuer of that name is listed
 *   CHAIN-ISSUER-KEY   one is, but with another key (authorityKeyIdentifier)
 *   CHAIN-SIGNATURE    the issuer's key did not make this signature, or it was altered
 *   CHAIN-SELF-SIGNED  the member's certificate is self-signed, and not itself listed as issuer
 *   CHAIN-LOOP         the issuers certify each other in a circle that ends nowhere
 *   CHAIN-DEPTH        more than RV_CHAIN_DEPTH certificates
 *   CHAIN-MEMBER       a listed issuer on the path may not certify that member
 *   CHAIN-NOT-YET, CHAIN-EXPIRED   not valid at at_us (both ends of a validity count as within)
 *   CHAIN-CA           an issuer with CA:FALSE
 *   CHAIN-CONSTRAINTS  an issuer without basicConstraints
 *   CHAIN-CA-USAGE     an issuer without keyUsage keyCertSign
 *   CHAIN-PATHLEN      more issuers below than its pathLenConstraint allows
 *   CHAIN-MEMBER-CA    the member's certificate is one of a CA
 *   CHAIN-USAGE        the member's keyUsage has neither digitalSignature nor nonRepudiation
 *   CHAIN-PURPOSE      extendedKeyUsage is there and allows no signing of documents
 *   CHAIN-NAME         outside the name constraints of an issuer
 *   CHAIN-KEY          an issuer's key that is not P-256, P-384, P-521 or RSA of 2048 to 8192 bits
 *   CHAIN-HASH         signed with anything but SHA-256, SHA-384 or SHA-512
 *   CHAIN-EXTENSION    a critical extension that is not understood
 *   CHAIN-PROFILE      anything else that RFC 5280 asks for; the text says what
 */
int rv_chain_path(struct rv_path **path_r, const struct rv_chain *chain, const struct rv_cert *cert,
	const char *member, int64_t at_us, struct rv_err *e);
void rv_path_free(struct rv_path **path);

size_t rv_path_len(const struct rv_path *path); /* certificates: 1 to RV_CHAIN_DEPTH */
/* Certificates that have a status: all but the last, 0 to rv_path_len() - 1. */
size_t rv_path_links(const struct rv_path *path);
/* Which of the issuers handed to rv_chain_new certificate i is; i from 1. RV_ENOTFOUND otherwise.
 * The status of certificate i is asked where issuer i + 1 publishes it. */
int rv_path_issuer(const struct rv_path *path, size_t i, size_t *index_r);
const uint8_t *rv_path_digest(const struct rv_path *path, size_t i); /* SHA-256 of the DER */
void rv_path_subject(const struct rv_path *path, size_t i, char *out, size_t size);
int64_t rv_path_from(const struct rv_path *path); /* all its certificates are valid from */
int64_t rv_path_to(const struct rv_path *path);   /* ... to */

/* ---- status ---- */

enum rv_status_kind {
	RV_STATUS_UNKNOWN = 0, /* the source is in order, but does not know */
	RV_STATUS_GOOD,
	RV_STATUS_REVOKED
};
enum rv_status_source { RV_STATUS_CRL = 1, RV_STATUS_OCSP };

/* CRLReason of RFC 5280, 5.3.1. */
enum rv_revocation {
	RV_REVOKED_UNSPECIFIED = 0,
	RV_REVOKED_KEY_COMPROMISE = 1,
	RV_REVOKED_CA_COMPROMISE = 2,
	RV_REVOKED_AFFILIATION = 3,
	RV_REVOKED_SUPERSEDED = 4,
	RV_REVOKED_CESSATION = 5,
	RV_REVOKED_HOLD = 6,
	RV_REVOKED_PRIVILEGE = 9,
	RV_REVOKED_AA_COMPROMISE = 10
};
const char *rv_revocation_text(enum rv_revocation reason); /* "key-compromise"; never NULL */
int rv_revocation_parse(enum rv_revocation *reason_r, const char *text); /* RV_EPARSE */

/* What a CRL or an OCSP response said of one certificate. A plain value: copy it as you like. */
struct rv_cert_status {
	enum rv_status_kind kind;
	enum rv_status_source source;
	int64_t produced_us; /* OCSP producedAt; CRL thisUpdate */
	int64_t this_us;     /* thisUpdate */
	int64_t next_us;     /* nextUpdate; 0 if an OCSP response has none */
	int64_t revoked_us;  /* revoked: since when */
	int64_t invalid_us;  /* revoked: invalidityDate, since when the key is in doubt; 0: none */
	enum rv_revocation reason;
	uint8_t cert_digest[RV_DIGEST_LEN];   /* SHA-256 of the certificate it is about */
	uint8_t source_digest[RV_DIGEST_LEN]; /* SHA-256 of the bytes it was read from */
};

/* Clocks differ: thisUpdate may be so much after now, nextUpdate so much before. */
#define RV_STATUS_SKEW_US (INT64_C(3600) * RV_US_PER_SEC)

enum {
	RV_CRL_MAX = 8 << 20,   /* bytes */
	RV_OCSP_MAX = 64 << 10, /* bytes */
	RV_OCSP_NONCE_MAX = 32
};

/* What a source is measured against. */
struct rv_status_when {
	int64_t now_us;
	int64_t max_age_us; /* from thisUpdate to now; 0: as long as nextUpdate says */
	/* What is known of that certificate already, NULL if nothing: an older statement (replay)
	 * and one that takes a revocation back are refused. */
	const struct rv_cert_status *known;
};

/*
 * What a CRL says of certificate i of the path (i below rv_path_links). DER or PEM. Signed by
 * certificate i + 1 itself; not by another key of that CA, not indirect. On success status_r is
 * filled: GOOD, REVOKED, or UNKNOWN where the certificate had expired before thisUpdate (a CRL
 * need not list it any more). On failure it is left alone and nothing may be concluded:
 *
 *   CHAIN-CRL-SIZE        more than RV_CRL_MAX bytes (RV_ELIMIT)
 *   CHAIN-CRL-UNREADABLE  neither DER nor PEM of one CRL, or bytes left over (RV_EPARSE)
 *   CHAIN-CRL-VERSION     not version 2
 *   CHAIN-CRL-ISSUER      of another issuer
 *   CHAIN-CRL-USAGE       the issuer's keyUsage has no cRLSign
 *   CHAIN-CRL-HASH        signed with anything but SHA-256, SHA-384 or SHA-512
 *   CHAIN-CRL-SIGNATURE   does not verify with the issuer's key
 *   CHAIN-CRL-DELTA       a delta CRL
 *   CHAIN-CRL-INDIRECT    speaks for other issuers too
 *   CHAIN-CRL-SCOPE       a part that certificate i does not belong to, or some reasons only
 *   CHAIN-CRL-EXTENSION   a critical extension, of the CRL or an entry, that is not understood
 *   CHAIN-CRL-ENTRY       an entry that cannot be (removeFromCRL, unreadable date or reason)
 *   CHAIN-CRL-DATES       no nextUpdate, or not after thisUpdate; or its issuer was not valid then
 *   CHAIN-CRL-NOT-YET     thisUpdate is more than RV_STATUS_SKEW_US after now
 *   CHAIN-CRL-EXPIRED     nextUpdate is more than RV_STATUS_SKEW_US before now (RV_EEXPIRED)
 *   CHAIN-CRL-AGE         thisUpdate is more than max_age_us before now (RV_EEXPIRED)
 *   CHAIN-CRL-OLDER       older than what is known (RV_EEXPIRED)
 *   CHAIN-CRL-UNREVOKED   says good of what is known as revoked for good
 */
int rv_status_from_crl(struct rv_cert_status *status_r, const struct rv_path *path, size_t i,
	const void *data, size_t len, const struct rv_status_when *when, struct rv_err *e);

/* The certID of a request. Any responder knows SHA-1 (it only names, nothing rests on it). */
enum rv_ocsp_hash { RV_OCSP_SHA1 = 1, RV_OCSP_SHA256 };
/* Appends the DER of an OCSP request for certificate i of the path. nonce: up to RV_OCSP_NONCE_MAX
 * random bytes; length 0: none. */
int rv_ocsp_request(struct rv_buf *out, const struct rv_path *path, size_t i,
	enum rv_ocsp_hash hash, struct rv_span nonce, struct rv_err *e);

/*
 * What an OCSP response says of certificate i of the path. DER. Signed by certificate i + 1, or by
 * a responder to whom it issued a certificate with id-kp-OCSPSigning and id-pkix-ocsp-nocheck. If
 * nonce (length 0: none was sent) and the response has one too, they must be equal. As with a CRL,
 * "good" of a certificate that had expired before thisUpdate is UNKNOWN.
 *
 *   CHAIN-OCSP-SIZE        more than RV_OCSP_MAX bytes (RV_ELIMIT)
 *   CHAIN-OCSP-UNREADABLE  not the DER of one response, or bytes left over (RV_EPARSE)
 *   CHAIN-OCSP-LATER       the responder says: try later (RV_EAGAIN)
 *   CHAIN-OCSP-STATUS      it refuses otherwise, or its status is not one
 *   CHAIN-OCSP-TYPE        not a basic response
 *   CHAIN-OCSP-RESPONDER   neither by the issuer nor with a responder's certificate by it
 *   CHAIN-OCSP-PURPOSE     the responder's certificate is not for OCSP signing
 *   CHAIN-OCSP-NOCHECK     ... lacks id-pkix-ocsp-nocheck, so it would need a status itself
 *   CHAIN-OCSP-DELEGATE    ... does not hold otherwise: expired, key, hash, extensions
 *   CHAIN-OCSP-HASH        signed with anything but SHA-256, SHA-384 or SHA-512
 *   CHAIN-OCSP-SIGNATURE   does not verify
 *   CHAIN-OCSP-EXTENSION   a critical extension that is not understood
 *   CHAIN-OCSP-NONCE       another nonce than that of the request
 *   CHAIN-OCSP-CERT        not about this certificate
 *   CHAIN-OCSP-TWICE       about this certificate twice
 *   CHAIN-OCSP-ENTRY       a revocation that cannot be (unreadable date, removeFromCRL)
 *   CHAIN-OCSP-DATES       times out of order, or the issuer was not valid then
 *   CHAIN-OCSP-NOT-YET, CHAIN-OCSP-EXPIRED, CHAIN-OCSP-AGE, CHAIN-OCSP-OLDER,
 *   CHAIN-OCSP-UNREVOKED   as for a CRL; without nextUpdate, max_age_us must be given (-AGE)
 */
int rv_status_from_ocsp(struct rv_cert_status *status_r, const struct rv_path *path, size_t i,
	const void *data, size_t len, struct rv_span nonce, const struct rv_status_when *when,
	struct rv_err *e);

/* Is a status that was read before still fresh? 0, or RV_EEXPIRED with STATUS-STALE (nextUpdate,
 * with RV_STATUS_SKEW_US, or max_age_us is over). */
int rv_status_fresh(
	const struct rv_cert_status *status, int64_t now_us, int64_t max_age_us, struct rv_err *e);

/*
 * What a status means for a signature that is known to exist since at_us: not by the word of its
 * signer, who may be the thief, but by a moment that somebody else vouches for (when this node got
 * it). 0 if good, or revoked only later than at_us; STATUS-REVOKED; STATUS-UNKNOWN. The earlier of
 * revoked_us and invalid_us counts.
 */
int rv_status_judge(const struct rv_cert_status *status, int64_t at_us, struct rv_err *e);

#endif
