/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RV_DSIG_H
#define RV_DSIG_H

#include <libxml/tree.h>

#include "err.h"
#include "id.h"
#include "signer.h"

/*
 * The part of XML Signature that messages and trust lists share: one ds:Signature with a SignedInfo
 * of one or two References, its value, and nothing that the profile does not name (SPEC.md,
 * "Seal"). Exclusive C14N, SHA-256, same-document URIs of the form "#id", one Transform a
 * Reference, no KeyInfo.
 *
 * The caller knows which URIs must be there and what they mean, and checks the value:
 * rv_cert_verify over rv_xml_c14n of signed_info.
 */

enum { RV_DSIG_REFS = 2, RV_DSIG_VALUE = 1024 };

struct rv_dsig_ref {
	char uri[34]; /* "#header" */
	int manifest; /* Type says that it is a ds:Manifest */
	uint8_t digest[RV_DIGEST_LEN];
};

struct rv_dsig {
	enum rv_sig_alg alg;
	struct rv_dsig_ref refs[RV_DSIG_REFS];
	size_t n_refs;
	uint8_t value[RV_DSIG_VALUE];
	size_t value_len;
	xmlNode *signed_info; /* borrowed from the document */
	xmlNode *object;      /* what follows SignatureValue; NULL if nothing does */
};

/* SHA-256 over the exclusive canonical form of a subtree. */
int rv_dsig_digest(uint8_t digest[RV_DIGEST_LEN], xmlNode *subtree, struct rv_err *e);

/* Adds an empty ds:Signature at the end of parent, its namespace declared on it with the prefix ds.
 * NULL if memory is short. */
xmlNode *rv_dsig_add(xmlNode *parent);
/* Adds a ds:Reference at the end of parent, a SignedInfo or a Manifest. */
int rv_dsig_add_reference(xmlNode *parent, const struct rv_dsig_ref *ref, struct rv_err *e);
/* Fills a ds:Signature: puts SignedInfo and SignatureValue before what it has already (an Object).
 * signed_info_r, if not NULL, receives the digest of the canonical SignedInfo. */
int rv_dsig_sign(xmlNode *signature, const struct rv_dsig_ref *refs, size_t n_refs,
	const struct rv_signer *signer, uint8_t signed_info_r[RV_DIGEST_LEN], struct rv_err *e);

/* Reads a ds:Signature, strictly. RV_EPROFILE with the rule SIG-SHAPE, SIG-ALGORITHM, SIG-REFERENCE
 * or SIG-BASE64. */
int rv_dsig_read(struct rv_dsig *s, const xmlNode *signature, struct rv_err *e);
/* Reads one ds:Reference, of a Manifest too. */
int rv_dsig_read_reference(struct rv_dsig_ref *ref, const xmlNode *node, struct rv_err *e);

#endif
