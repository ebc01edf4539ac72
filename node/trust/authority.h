/* SPDX-License-Identifier: Apache-2.0 */
#ifndef NODE_TRUST_AUTHORITY_H
#define NODE_TRUST_AUTHORITY_H

#include "node/token/token.h"
#include "node/trust/issue.h"
#include "protocol/join.h"
#include "protocol/trustlist.h"

/*
 * The folder of an authority: where a coordinator keeps the draft of the trust list and publishes
 * it. Offline; one process at a time (the folder is locked while it is open).
 *
 *   own.pem           its certificate; the former one behind it while the key rotates
 *   authority-*.key   private key, PEM, 0600, under a passphrase if one was given; the name has 8
 *                     digits of its public key's digest, so that a certificate finds its key
 *   authority.pem     what members verify lists with: the certificates of all who sign lists, and
 *                     how many must, as the list last published says (node/trust/roots.h)
 *   list.xml          the draft: a list without signature that people may edit; its Number is what
 *                     the next list will have
 *   trust.xml         the list last published
 *   published/N.xml   every list published
 *   proposed/N.xml    lists made here that needed the signatures of others (authority_sign.h)
 *   signed/N.xml      lists of others signed here that needed more signatures
 *
 * Each change is on disk when the call returns 0, and nothing is changed when it does not.
 */
struct authority;

struct authority_new {
	const char *code, *name;
	int64_t from_us, to_us; /* of its certificate */
	unsigned rsa_bits;      /* 0: P-256 */
	const char *passphrase; /* NULL: the key is not encrypted */
	/* The key in a token: the one that is there, or one that is made there; NULL: in a file.
	 * The paths in it must be whole ones: they are kept. */
	const struct token_place *token;
	const struct issue_ask *ask; /* for the token's PIN, where no file has it */
	/* Where its CRL is published, and where its OCSP responder answers; NULL ends them early.
	 * "{key}" stands for the 8 digits of the key: each key has a CRL of its own. Then the draft
	 * lists the authority as an Issuer. */
	const char *crl_urls[ISSUE_URLS], *ocsp_urls[ISSUE_URLS];
};
/* Makes dir (which must not be there) with key, certificate and an empty draft. */
int authority_create(const char *dir, const struct authority_new *n, struct rv_err *e);

/* RV_EAGAIN if another process has it open. */
int authority_open(struct authority **a_r, const char *dir, struct rv_err *e);
void authority_close(struct authority **a);

/* The draft as a list, with 0 signers. */
int authority_draft(struct authority *a, struct rv_trust **t_r, struct rv_err *e);

struct authority_issuer {
	const char *const *crl_urls;
	size_t n_crl_urls; /* at most 4 */
	const char *const *ocsp_urls;
	size_t n_ocsp_urls; /* at most 4 */
	const char *const *members;
	size_t n_members; /* whom it may certify; 0: every member */
};

struct authority_admit {
	const struct issue_ask *ask; /* for the passphrase of the key */
	int64_t now_us, to_us; /* the certificate ends at to_us, or with the authority's if that is
				  earlier */
	unsigned roles;        /* 0: those that the request asks for */
	int renew; /* the code is listed already: keys are added, what else is said is replaced */
	int64_t overlap_us; /* how long the former keys remain; 0: they end now */
	/* A certificate that the member has of its own authority, for the key of the request; NULL:
	 * one is issued here. It must come of an Issuer of the draft, or of this one, which is then
	 * listed for the member (addresses as given; issuer_as NULL: none). */
	const struct rv_cert *cert, *issuer;
	const struct authority_issuer *issuer_as;
};
/*
 * Issues a certificate for a verified request, and lists the member. RV_EEXIST: the code is listed
 * and renew is not set; RV_ENOTFOUND: the reverse. RV_EDENIED (AUTHORITY-KEY): the key was revoked
 * as compromised; RV_ECERT (AUTHORITY-REQUEST): the certificate is for another key; RV_ECERT
 * (CHAIN-*): it comes of no Issuer. until_r: when the certificate ends. *waits_r is
 * 1 if the draft names someone who is not listed yet.
 */
int authority_admit(struct authority *a, const struct rv_join *j, const struct authority_admit *how,
	int64_t *until_r, int *waits_r, struct rv_err *e);

/* Takes a member out of the list, of the operations (their version grows) and of the others' Via.
 * What this authority issued to it and is in force is revoked (cessation): *revoked_r tells how
 * many. RV_EDENIED if it leads an operation. */
int authority_remove(
	struct authority *a, const char *code, int64_t now_us, size_t *revoked_r, struct rv_err *e);

/* A category list as CSV, in the form of schemas/codes: a first line with "code,name,parent" and
 * what more there is, then categories (parent empty) and sub-categories (parent: the code of a
 * category). The version of the list grows when it changes. */
struct authority_categories {
	const char *code, *csv;
};

struct authority_operation {
	const char *code;
	const char *name, *lead; /* NULL: as it is; needed for a new one */
	int64_t from_us, to_us;  /* 0: as it is; needed for a new one */
	unsigned risks;          /* 0: as it is; needed for a new one */
	unsigned kinds;
	int has_kinds; /* has_kinds and 0: all kinds */
	int nominal;   /* 1, 0; -1: as it is, or not allowed */
	const struct rv_participant *add;
	size_t n_add; /* dates 0: those of the operation */
	const char *const *end;
	size_t n_end; /* codes whose participation ends now */
	const struct authority_categories *lists;
	size_t n_lists; /* each replaces the list of its code, if it differs */
	int64_t now_us;
};
/* Adds an operation or changes it; its version grows. */
int authority_operation(struct authority *a, const struct authority_operation *o,
	unsigned *version_r, int *waits_r, struct rv_err *e);

struct authority_publish {
	const struct issue_ask *ask;
	int64_t now_us, to_us; /* the list ends at to_us, or with a certificate of who signs lists
				  if that is earlier */
	uint64_t number;       /* 0: the next one; else at least that */
	const char *out;       /* file; NULL: trust.xml, or proposal.xml, in the folder */
};
/* What came of it. */
struct authority_outcome {
	uint64_t number;
	int64_t until_us;
	int complete;          /* 0: a proposal, that others must sign (authority_sign.h) */
	unsigned have, need;   /* signatures */
	struct rv_buf missing; /* who of those has not signed: "RILO, WCO"; empty: all have */
};
void authority_outcome_clear(struct authority_outcome *r);
/* Signs the draft with the key of this folder as the next list. Its number is used up, whether the
 * list becomes complete or not. */
int authority_publish(struct authority *a, const struct authority_publish *how,
	struct authority_outcome *r, struct rv_err *e);

/* A new key and certificate; the former key signs beside the new one until authority_rekey_end, so
 * that who has not seen the change follows. RV_EEXIST if a rotation goes on. n.code and n.name
 * NULL: those of the former certificate. */
int authority_rekey(struct authority *a, const struct authority_new *n, struct rv_err *e);
/* Forgets the former key and certificate. RV_ENOTFOUND if there is none; RV_EDENIED
 * (AUTHORITY-ROTATION) before a complete list names the new key, and while an Issuer of the list
 * has the former one and members have certificates of it in force: nobody could revoke them. */
int authority_rekey_end(struct authority *a, int64_t now_us, struct rv_err *e);

#endif
