/* SPDX-License-Identifier: Apache-2.0 */
#ifndef NODE_TRUST_AUTHORITY_SIGN_H
#define NODE_TRUST_AUTHORITY_SIGN_H

#include "node/trust/authority.h"

/*
 * Several coordinators sign the list, so that none can make one alone. Each has a folder and a key
 * of its own; the draft's Signing names their certificates and how many of them must sign
 * (Quorum). One coordinator publishes: a list with too few signatures is a proposal. The others
 * look at what it changes and sign it, one after the other; the complete list goes back to all.
 *
 * A folder signs one list of a number, and never a lower number than before: so two lists of one
 * number cannot both become complete where more than half of the coordinators must sign.
 */

/* A coordinator who signs lists, by the certificate of its folder (own.pem). A certificate of a
 * code that signs already takes the place of the former one. RV_EEXIST (AUTHORITY-CODE): the code
 * is this authority's own. */
int authority_cosigner_add(
	struct authority *a, const struct rv_cert *cert, char code[RV_CODE_TEXT], struct rv_err *e);
/* RV_ENOTFOUND; RV_EDENIED (AUTHORITY-QUORUM): fewer would be left than must sign. */
int authority_cosigner_remove(struct authority *a, const char *code, struct rv_err *e);
/* How many must sign. RV_EINVAL (AUTHORITY-QUORUM): more than there are. */
int authority_quorum(struct authority *a, unsigned quorum, struct rv_err *e);

/* A list that came from another coordinator, looked at by this folder. */
struct authority_proposal;

/*
 * Reads it: form, content and signatures. Errors: those of rv_trust_check; TRUST-DIGEST;
 * RV_ESIGNATURE (AUTHORITY-UNSIGNED: nobody who may has signed it); RV_EDENIED (AUTHORITY-SEAT: the
 * key of this folder is not asked for; AUTHORITY-NUMBER: this folder has signed another list of
 * that number, or a later one); RV_EEXPIRED (TRUST-EXPIRED, TRUST-NOT-YET).
 */
int authority_proposal_read(struct authority *a, const void *wire, size_t len, int64_t now_us,
	struct authority_proposal **p_r, struct rv_err *e);
void authority_proposal_free(struct authority_proposal **p);
const struct rv_trust *authority_proposal_list(const struct authority_proposal *p);
/* The last complete list that the folder knows; NULL if none. */
const struct rv_trust *authority_proposal_last(const struct authority_proposal *p);
/* 1 if this folder has signed it already. */
int authority_proposal_signed(const struct authority_proposal *p);

struct authority_sign {
	const struct issue_ask *ask;
	int64_t now_us;
	const char *out; /* file; NULL: trust.xml, or proposal.xml, in the folder */
};
/*
 * Adds the signature of this folder, if it is not there yet. A list that is complete by that is
 * kept in published/ and becomes the base of the draft, except in the folder that proposed it:
 * there the draft has gone on from it already. A draft that had other changes is kept as
 * list.before.xml: *set_aside_r is 1 then.
 */
int authority_sign(struct authority *a, const struct authority_proposal *p,
	const struct authority_sign *how, struct authority_outcome *r, int *set_aside_r,
	struct rv_err *e);

#endif
