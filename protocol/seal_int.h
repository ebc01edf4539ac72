/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RV_SEAL_INT_H
#define RV_SEAL_INT_H

#include "dsig.h"
#include "seal.h"

/* Digests and value of a signature whose structure seal.c has checked: by xmlsec, and for RSA-PSS,
 * which xmlsec 1.2 lacks, by libxml2's canonical form and EVP. */
int rv_verifier_check(struct rv_verifier *v, xmlDoc *doc, const struct rv_dsig *s,
	const struct rv_cert *cert, struct rv_err *e);

#endif
