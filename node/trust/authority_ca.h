/* SPDX-License-Identifier: Apache-2.0 */
#ifndef NODE_TRUST_AUTHORITY_CA_H
#define NODE_TRUST_AUTHORITY_CA_H

#include "node/trust/authority.h"
#include "node/trust/issued.h"

/*
 * The authority as a small certification authority. What it issues is in issued/ (issued.h) before
 * anybody gets it, and what it revokes before anybody hears of it. Certificates carry the addresses
 * of CRL and OCSP responder where the draft's Issuer of this authority has them.
 *
 *   issued/           every certificate, and the index
 *   crl/              the CRL last made, one for each key, and its number
 *   ocsp/             key and certificate of the OCSP responder, one for each own key (ocsp.h)
 */

/* ---- certificates ---- */

struct authority_issue {
	const struct issue_ask *ask;
	int64_t now_us, to_us; /* ends with the authority's own certificate if that is earlier */
	const char *code;      /* of the subject; NULL: the common name of the request */
	const char *name;      /* NULL: the organisation of the request */
};
/*
 * A certificate for a PKCS#10 request in DER, in no list: PEM is appended to out. RV_ECERT: the
 * request does not verify, or its key is of no accepted kind; RV_EDENIED (AUTHORITY-KEY): the key
 * was revoked as compromised.
 */
int authority_issue(struct authority *a, const void *request, size_t len,
	const struct authority_issue *how, struct rv_buf *out, int64_t *until_r, struct rv_err *e);

struct authority_renew {
	const struct issue_ask *ask;
	int64_t now_us, to_us;
	int64_t overlap_us; /* how long the former certificates of the key remain */
};
/*
 * A new certificate for the key of a listed member, without a new request: of the certificates from
 * this authority that are in force, the one that lasts longest is renewed. Its CURVE key lasts as
 * long. RV_ENOTFOUND: it is not listed, or has none of this authority in force.
 */
int authority_renew(struct authority *a, const char *code, const struct authority_renew *how,
	int64_t *until_r, struct rv_err *e);

/* ---- revocation ---- */

struct authority_revoke {
	const char *what; /* a member's code: all its certificates; or a serial number */
	enum rv_reason reason;
	int64_t now_us;
	int64_t since_us; /* when it became doubtful, if earlier; 0: now */
};
struct authority_revoked {
	char code[RV_CODE_TEXT];
	size_t n;        /* certificates that are revoked by this call */
	size_t in_draft; /* of those that the draft lists */
	size_t in_index; /* of those that this authority issued: the next CRL has them */
	size_t ended;    /* CURVE keys that end now: reason key-compromise */
};
/*
 * Revokes: in the index, and in the draft (Revoked, Reason). A certificate that is revoked already
 * is only revoked again as key-compromise: it keeps its moment, and gets the earlier since.
 * RV_ENOTFOUND: nothing of that name, or nothing of it is in force. RV_EEXIST: all is revoked
 * already. RV_EINVAL: since is in the future.
 */
int authority_revoke(struct authority *a, const struct authority_revoke *how,
	struct authority_revoked *r, struct rv_err *e);

struct authority_crl {
	const struct issue_ask *ask;
	int64_t now_us, next_us; /* nextUpdate */
	const char *out;         /* file for the current key's, beside crl/KEY.crl; NULL: none */
};
struct authority_crl_made {
	uint64_t number;
	size_t revoked; /* by the current key */
	size_t keys;    /* CRLs made: 2 while the authority's key rotates */
};
/* Makes the CRL of each own key, DER: crl/5f0c1a22.crl. */
int authority_crl(struct authority *a, const struct authority_crl *how,
	struct authority_crl_made *r, struct rv_err *e);

struct authority_responder {
	const struct issue_ask *ask;
	int64_t now_us, to_us;
};
/*
 * Makes keys and certificates of the OCSP responder, one for each own key: ocsp/5f0c1a22.pem has
 * both. Former ones are replaced; a responder that runs takes the new ones by itself.
 */
int authority_responder(struct authority *a, const struct authority_responder *how,
	int64_t *until_r, struct rv_err *e);

/* What was issued, as it stands on disk: to issued_clear. */
int authority_issued(const struct authority *a, struct issued *x, struct rv_err *e);

/* ---- issuers ---- */

/*
 * Lists a certification authority of which members' certificates may come, or changes what is said
 * of it. RV_ECERT (CHAIN-*): it is none.
 */
int authority_issuer_add(struct authority *a, const struct rv_cert *cert,
	const struct authority_issuer *how, struct rv_err *e);
/* By the first digits of its certificate's SHA-256, at least 8. RV_ENOTFOUND; RV_EDENIED
 * (AUTHORITY-ISSUER): a member's certificate in force comes of it. */
int authority_issuer_remove(
	struct authority *a, const char *digits, int64_t now_us, struct rv_err *e);
/* The policy for members with a role. */
int authority_checking(struct authority *a, enum rv_role role, const struct rv_checking *checking,
	struct rv_err *e);

#endif
