/* SPDX-License-Identifier: Apache-2.0 */
#ifndef NODE_TRUST_AUTHORITY_INT_H
#define NODE_TRUST_AUTHORITY_INT_H

#include "node/trust/authority_ca.h"
#include "protocol/stamp.h"
#include "protocol/xml.h"

/* Inside the authority's folder. */

/* Certificates and keys count from a little before now: the clocks of the others differ. */
#define AUTHORITY_BACKDATE_US (INT64_C(300) * RV_US_PER_SEC)

struct authority {
	char *dir;
	int lock;      /* the folder, open and locked */
	xmlDoc *doc;   /* the draft, without white space between elements */
	xmlNode *list; /* its List */
};

/* The Member or Operation of that code, NULL if there is none. */
xmlNode *authority_find(const struct authority *a, const char *element, const char *code);
/* Adds an element with ValidFrom and ValidTo as attributes. NULL if memory is short. */
xmlNode *authority_add_dated(
	xmlNode *parent, const char *name, const char *text, int64_t from_us, int64_t to_us);
xmlNode *authority_add_stamp(xmlNode *parent, const char *name, int64_t t_us);
/* Replaces the text of an element or attribute. */
int authority_set_stamp(xmlNode *node, const char *attribute, int64_t t_us);
/* Puts a child of the List where its kind stands in the schema, behind others of the kind. */
void authority_place(struct authority *a, xmlNode *node);
/* Adds one to the Version of an Operation. */
int authority_grow(xmlNode *operation, struct rv_err *e);

/*
 * An edit: work on a copy, then keep it (checked, saved) or drop it. A draft that names someone who
 * is not listed yet may be kept: *waits_r is 1 then.
 */
struct authority_edit {
	struct authority *a;
	xmlDoc *before;
};
int authority_edit_begin(struct authority_edit *edit, struct authority *a, struct rv_err *e);
/* rc: what the edit came to. Returns rc, or why it could not be kept. */
int authority_edit_end(struct authority_edit *edit, int rc, int *waits_r, struct rv_err *e);
/* Whole seconds, as lists and certificates have them. */
static inline int64_t authority_seconds(int64_t t_us)
{
	return t_us - t_us % RV_US_PER_SEC;
}

/* ---- keys and certificates (authority_keys.c) ---- */

/* The authority's own certificates, own.pem: the current one first, the former one behind it while
 * the key rotates. */
enum { AUTHORITY_OWN = 2 };
struct authority_own {
	X509 *certs[AUTHORITY_OWN];
	size_t n;
};
int authority_own_read(const struct authority *a, struct authority_own *own_r, struct rv_err *e);
void authority_own_clear(struct authority_own *own);
int authority_own_write(const char *dir, X509 *current, X509 *former, struct rv_err *e);
/* 1 if the certificate is for one of the own keys. */
int authority_has_key(const struct authority_own *own, const struct rv_cert *cert);
/* The private key that belongs to a certificate. */
int authority_key(const struct authority *a, X509 *cert, const struct issue_ask *ask,
	EVP_PKEY **key_r, struct rv_err *e);
/* The first 8 digits of the public key's digest: "5f0c1a22"; and the name of the file that has the
 * private key: "authority-5f0c1a22.key". */
enum { AUTHORITY_KEY_ID = 9, AUTHORITY_KEY_NAME = 32 };
int authority_key_id(const X509 *cert, char id[AUTHORITY_KEY_ID], struct rv_err *e);
int authority_key_name(const X509 *cert, char name[AUTHORITY_KEY_NAME], struct rv_err *e);
/* A key and its certificate, just made. */
struct authority_made {
	X509 *cert;
	struct rv_buf key_file; /* PEM, or the URI of the token's key */
	struct token *token;
	int in_token; /* it was made there */
};
int authority_identity(
	const struct authority_new *n, struct authority_made *made, struct rv_err *e);
/* kept 0: it came to nothing, and a key that was made in a token goes again. */
void authority_made_clear(struct authority_made *made, int kept);
/* Until when a certificate is valid. */
int64_t authority_not_after(const X509 *cert);
int authority_cert_of(struct rv_cert **cert_r, X509 *x509, struct rv_err *e);
/* The common name of a certificate, if it is a code; RV_ECERT. */
int authority_cert_code(const struct rv_cert *cert, char code[RV_CODE_TEXT]);

/* ---- certificates (authority_issue.c) ---- */

struct authority_subject {
	EVP_PKEY *key;
	const char *code, *name;
	int64_t now_us, to_us;
};
/* Issues a member's certificate with the current key: it is in the index, and in its file, before
 * it is handed out. RV_EDENIED (AUTHORITY-KEY), RV_EEXPIRED. */
int authority_certify(struct authority *a, const struct authority_subject *s,
	const struct issue_ask *ask, X509 **cert_r, int64_t *until_r, struct rv_err *e);
/* RV_EDENIED (AUTHORITY-KEY) if the key was revoked as compromised, in the index or the draft. */
int authority_check_key(
	const struct authority *a, const struct issued *x, EVP_PKEY *key, struct rv_err *e);
/* Forgets a certificate that was issued by authority_certify and went nowhere. */
void authority_uncertify(struct authority *a, X509 *cert);
/* Revokes what was issued to a member and is in force, in the index alone: it leaves the list. */
int authority_cease(
	struct authority *a, const char *code, int64_t now_us, size_t *n_r, struct rv_err *e);
/* The addresses that the draft's Issuer of this certificate has; borrowed from the draft. */
void authority_urls(const struct authority *a, X509 *issuer, const char *crl[ISSUE_URLS],
	const char *ocsp[ISSUE_URLS]);
/* Adds the Issuer of an own certificate with those addresses, "{key}" filled in. */
int authority_own_issuer(
	struct authority *a, X509 *cert, const struct authority_new *n, struct rv_err *e);
/* The same with the former's addresses; nothing if the draft has no Issuer of it. */
int authority_follow_issuer(struct authority *a, X509 *cert, X509 *former,
	const struct authority_new *n, struct rv_err *e);
/* Puts an Issuer into the draft, or what is said in the place of what was. */
int authority_put_issuer(struct authority *a, const struct rv_cert *cert,
	const struct authority_issuer *how, struct rv_err *e);
/* Makes an Issuer good for a member: lists it for the member alone, or adds the member to those
 * that it may certify. */
int authority_open_issuer(struct authority *a, const struct rv_cert *cert, const char *code,
	const struct authority_issuer *as, struct rv_err *e);
/* Does the certificate come of an Issuer of the draft that may certify that member? CHAIN-*. */
int authority_check_chain(struct authority *a, const struct rv_cert *cert, const char *code,
	int64_t now_us, struct rv_err *e);
/* Who has a certificate in force of that issuer; NULL: nobody. Borrowed from the draft. */
const char *authority_needed_by(
	const struct authority *a, const struct rv_cert *issuer, int64_t now_us);
/* The draft's Issuer of a certificate; NULL if there is none. */
xmlNode *authority_find_issuer(const struct authority *a, const uint8_t digest[RV_DIGEST_LEN]);
/* ---- members (authority_member.c) ---- */

/* The certificate that stands as base64 in an element. */
int authority_cert_in(const xmlNode *node, struct rv_cert **cert_r, struct rv_err *e);
/* From when to when a Certificate or CurveKey counts; RV_EPARSE if that cannot be read. */
int authority_period(const xmlNode *node, int64_t *from_us, int64_t *to_us);

/* ---- who signs (authority_signing.c) ---- */

/* Puts the current certificate into the draft's Signing in the place of the former one; a draft
 * without Signing gets one, of this authority alone. */
int authority_take_seat(struct authority *a, const struct authority_own *own, struct rv_err *e);
/* ---- lists (authority_lists.c) ---- */

/* A document of the folder: "published/7.xml". RV_ENOTFOUND. */
int authority_load(const struct authority *a, const char *name, xmlDoc **doc_r, struct rv_err *e);
/* The list of the highest number in published/: *t_r NULL if there is none. */
int authority_last(const struct authority *a, struct rv_trust **t_r, struct rv_err *e);
/* Writes NUMBER.xml into a folder of the folder, made if need be. RV_EEXIST. */
int authority_archive(const struct authority *a, const char *folder, uint64_t number,
	const struct rv_buf *wire, struct rv_err *e);
/* Keeps a complete list: published/N.xml, authority.pem, and out or trust.xml. RV_EEXIST if another
 * list has its number. */
int authority_keep(const struct authority *a, const struct rv_trust *list, const char *out,
	const struct rv_buf *wire, struct rv_err *e);
/* The Number of the draft; and of any List. */
int authority_number(const struct authority *a, uint64_t *number_r, struct rv_err *e);
int authority_set_number(xmlNode *list, uint64_t number);
/* SHA-256 of the canonical List of a document. */
int authority_digest(xmlDoc *doc, uint8_t digest[RV_DIGEST_LEN], struct rv_err *e);
int authority_signed_by(int *yes_r, xmlDoc *doc, const struct rv_cert *cert, struct rv_err *e);
/* What a document's signatures come to: complete, have, need, missing. */
int authority_count(xmlDoc *doc, const struct rv_trust *list, const struct rv_trust *last,
	int64_t now_us, struct authority_outcome *r, struct rv_err *e);
/* Reads a complete list as a node would that has the last one. */
int authority_reread(const struct authority *a, struct rv_trust **t_r, const struct rv_buf *wire,
	int64_t now_us, struct rv_err *e);
/* Signs with every own key that has not signed yet; wire receives the whole. */
int authority_add_signatures(struct authority *a, const struct authority_own *own, xmlDoc *doc,
	const struct issue_ask *ask, struct rv_buf *wire, struct rv_err *e);

/* Writes a file of the folder; fresh: it must not be there. */
int authority_put(const char *dir, const char *name, unsigned mode, const struct rv_buf *b,
	int fresh, struct rv_err *e);
/* Until when a certificate is valid. */
int64_t authority_not_after(const X509 *cert);

#endif
