/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RV_JOIN_H
#define RV_JOIN_H

#include "trustlist.h"
#include "xml.h"

/*
 * A request to be admitted to the trust list (SPEC.md, "Trust list"): what a new node sends to its
 * coordinator. It names the organisation and carries its certificate request and its public CURVE
 * key. It is signed with the key of the certificate request, which proves that the sender has that
 * key, and binds the rest to it; who the sender is it does not prove: the coordinator compares the
 * fingerprint with the organisation by another way.
 *
 * <Join><Request Id="request" Made="..."> Code Name Role+ Country? Endpoint* Via*
 * CertificateRequest CurveKey Rights? </Request> <ds:Signature/></Join>, namespace urn:reeve:trust:1,
 * canonical form, the profile of the trust list's signature.
 */
struct rv_join {
	struct rv_member party; /* code, name, roles, country, endpoints, via, rights; nothing else */
	int64_t made_us;
	uint8_t *request; /* DER of the PKCS #10 request */
	size_t request_len;
	char z85[RV_CURVE_KEY_TEXT];
};

/* Signs and appends the wire form. signer has the key of the certificate request. The content is
 * checked as rv_join_read does. */
int rv_join_write(const struct rv_join *j, const struct rv_signer *signer, struct rv_buf *out,
	struct rv_err *e);
/*
 * Parses and verifies. RV_ESCHEMA (TRUST-*), RV_EPROFILE, RV_EDIGEST (JOIN-DIGEST), RV_ESIGNATURE
 * (JOIN-SIGNATURE), RV_ECERT (JOIN-REQUEST: the certificate request is unreadable, does not verify,
 * names another code, or its key is not of an accepted kind).
 */
int rv_join_read(struct rv_join *j, const void *wire, size_t len, struct rv_err *e);
void rv_join_clear(struct rv_join *j);
/* Adds the element Rights of a Request or a Member, if there are any. RV_ENOMEM. */
int rv_join_put_rights(xmlNode *node, const struct rv_member *m);

/* The phrase over signing key and CURVE key: five words that can be said in any language
 * ("lusab-babad-gutih-tugad-hadok", 80 bits), which two people compare by telephone. */
enum { RV_FINGERPRINT_WORDS = 5, RV_FINGERPRINT_TEXT = RV_FINGERPRINT_WORDS * 6 };
int rv_join_fingerprint(const struct rv_join *j, char text[RV_FINGERPRINT_TEXT], struct rv_err *e);

#endif
