/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RV_SEAL_H
#define RV_SEAL_H

#include "cert.h"
#include "msg.h"
#include "signer.h"

/*
 * The signature profile with withholdable sections (SPEC.md, "Seal").
 *
 * ds:Signature is the last child of Message: SignedInfo (exclusive C14N; ECDSA-SHA256, RSA-SHA256
 * or RSA-PSS as the signer's algorithm) with exactly two References, to #header and to #manifest
 * (Type Manifest), SignatureValue, and one Object with one ds:Manifest Id="manifest" that lists
 * each section once, by #id, in document order. Every Reference: SHA-256, one Transform, exclusive
 * C14N. No KeyInfo: the key comes from the caller.
 *
 * The seal digest of a message is SHA-256 over the canonical SignedInfo. It stays the same whatever
 * is withheld; it identifies the content in receipts, chains (PreviousDigest) and dedupe.
 */

/* Initialises xmlsec (after rv_xml_init), once in the process before threads. */
int rv_seal_init(struct rv_err *e);
void rv_seal_cleanup(void);

/* Seals a composed document: builds the Manifest and SignedInfo, has the signer sign the canonical
 * SignedInfo, appends the wire form to out. doc is changed (the signature is in it). seal_digest_r
 * may be NULL. */
int rv_seal(xmlDoc *doc, const struct rv_signer *signer, struct rv_buf *out,
	uint8_t seal_digest_r[RV_DIGEST_LEN], struct rv_err *e);

/* What a verified message has. */
struct rv_sealed {
	unsigned present;  /* mask of sections in the document */
	unsigned withheld; /* mask of sections listed in the Manifest but not there */
	uint8_t seal_digest[RV_DIGEST_LEN];
	enum rv_sig_alg alg;
};

/*
 * A verifier holds what can be reused between messages. One a thread.
 */
struct rv_verifier;
int rv_verifier_new(struct rv_verifier **v_r, struct rv_err *e);
void rv_verifier_free(struct rv_verifier **v);

/*
 * Parses sealed bytes: hardened XML, and the wire form must be canonical: parse > canonicalise
 * gives the very same bytes (rule SEAL-CANONICAL). The structure of the profile is checked (SEAL-*:
 * nothing outside Header, Sections and Signature; every Id where it belongs and once; no foreign
 * attribute; exactly the References and algorithms above). No key is needed: the caller then reads
 * the header, finds the certificate and calls rv_seal_verify.
 */
int rv_seal_parse(xmlDoc **doc_r, const void *wire, size_t len, struct rv_err *e);

/*
 * Verifies the originator's signature against that certificate alone: every present section is
 * listed exactly once and digests match (SEAL-DIGEST names the section), Header and Manifest match,
 * the signature value verifies (SEAL-VALUE), SignerCertificate of the Header is the certificate's
 * digest (SEAL-CERT), the salt of each section has 16 to 64 bytes (SEAL-SALT), ECDSA values are
 * low-s and base64 has its one form. doc must come from rv_seal_parse. Validity in time is the
 * caller's question.
 */
int rv_seal_verify(struct rv_verifier *v, xmlDoc *doc, const struct rv_cert *cert,
	struct rv_sealed *sealed_r, struct rv_err *e);

/* The same without checking the value: seal digest and masks of a parsed document, for those who
 * trust the store. */
int rv_seal_inspect(xmlDoc *doc, struct rv_sealed *sealed_r, struct rv_err *e);

/* Removes the sections of the mask (those present) and appends the wire form. doc is changed. */
int rv_seal_withhold(xmlDoc *doc, unsigned mask, struct rv_buf *out, struct rv_err *e);

#endif
