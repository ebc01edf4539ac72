/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_PKI_H
#define TESTS_PKI_H

#include <openssl/evp.h>
#include <openssl/x509.h>

#include "protocol/trustlist.h"

/* Keys, certificates and trust lists made while a test runs. Everything asserts (cmocka). */

/* 2026-11-24T12:00:00Z: the present of these tests. */
#define PKI_NOW INT64_C(1795521600000000)
#define PKI_DAY (INT64_C(86400) * RV_US_PER_SEC)
#define PKI_FROM "2026-11-01T00:00:00Z"
#define PKI_TO "2027-11-01T00:00:00Z"

struct pki_authority {
	EVP_PKEY *key;
	X509 *x509;
	struct rv_cert *cert;
	struct rv_buf pem;
};
void pki_authority(struct pki_authority *a, const char *code, int64_t from_us, int64_t to_us);
void pki_authority_clear(struct pki_authority *a);

struct pki_member {
	char code[RV_CODE_TEXT];
	EVP_PKEY *key;
	struct rv_cert *cert;
	struct rv_buf base64; /* of the DER, a C string */
	char z85[RV_CURVE_KEY_TEXT];
};
/* rsa_bits 0: P-256 */
void pki_member(struct pki_member *m, const struct pki_authority *a, const char *code, unsigned rsa_bits);
void pki_member_clear(struct pki_member *m);
/* A public CURVE key that nobody has the secret of. */
void pki_z85(char z85[RV_CURVE_KEY_TEXT]);

/* The text of a Member: roles separated by spaces; more goes between Role and Certificate, or is NULL. */
void pki_member_xml(struct rv_buf *out, const struct pki_member *m, const char *roles, const char *more);
/* The text of an Operation with "CODE:role" participants, separated by spaces. */
void pki_operation_xml(struct rv_buf *out, const char *code, const char *lead, const char *participants);
/* The text of the whole list, unsigned. */
void pki_list_xml(struct rv_buf *out, uint64_t number, const char *issued, const char *expires, const char *content);

/* Signs the text as a list, in canonical form, without looking at the content: NULL ends the authorities. */
void pki_sign(struct rv_buf *out, const char *xml, const struct pki_authority *const *authorities);
/* The text with the first place of from replaced; asserts that it is there. */
char *pki_replace(const char *text, const char *from, const char *to);

#endif
