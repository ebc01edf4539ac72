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

/*
 * Seals a composed document: builds the Manifest and SignedInfo, has the signer sign the canonical
 * SignedInfo, appends the wire form to out. The signature is in doc afterwards; on failure doc and
 * out are as they were. seal_digest_r may be NULL.
 *
 * The result has been through rv_seal_parse: nothing is sealed that receivers would refuse by its
 * form (RV_EPROFILE with SEAL-*: not as rv_msg_compose leaves it, sealed already, without a
 * section) or size (RV_ELIMIT with XML-LIMIT-*). RV_EINVAL with SEAL-CERT: SignerCertificate is not
 * signer->cert_digest. What the signer fails with is passed on.
 */
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
 * Parses sealed bytes: hardened XML (XML-*), in canonical form: parse > canonicalise gives the very
 * same bytes (SEAL-CANONICAL). Then the form of the profile: SEAL-NAMESPACE (one way of writing
 * names), SEAL-STRUCTURE (nothing outside Header, sections and Signature; no text between
 * elements), SEAL-ID (every Id where it belongs and nowhere else; no foreign attribute), SEAL-SALT
 * (16 to 64 bytes), SIG-* (dsig.h), SEAL-REFERENCE (exactly the References of the profile, every
 * section that is there listed). Errors name line and column. No key is needed: the caller then
 * reads the header, finds the certificate and calls rv_seal_verify.
 */
int rv_seal_parse(xmlDoc **doc_r, const void *wire, size_t len, struct rv_err *e);

/*
 * Verifies the originator's signature against that certificate alone: SignerCertificate is the
 * certificate's digest (SEAL-CERT), the algorithm fits its key (SEAL-ALGORITHM), Header, Manifest
 * and every section that is there match their digests (SEAL-DIGEST, with the place of the one that
 * does not), the value verifies (SEAL-VALUE) and has its one form (SEAL-MALLEABLE). xmlsec decides,
 * except for RSA-PSS, which xmlsec 1.2 does not know.
 *
 * doc must come from rv_seal_parse; its Ids are made known to libxml2, nothing else is changed.
 * Validity in time is the caller's question. RV_ENOMEM is no verdict: try again.
 */
int rv_seal_verify(struct rv_verifier *v, xmlDoc *doc, const struct rv_cert *cert,
	struct rv_sealed *sealed_r, struct rv_err *e);

/* The same without checking the value: seal digest and masks of a parsed document, for those who
 * trust the store. */
int rv_seal_inspect(xmlDoc *doc, struct rv_sealed *sealed_r, struct rv_err *e);

/* Removes the sections of the mask (those present) and appends the wire form. doc is changed. A doc
 * that is not in the form of the profile is refused as by rv_seal_parse, and left alone. */
int rv_seal_withhold(xmlDoc *doc, unsigned mask, struct rv_buf *out, struct rv_err *e);

#endif
