/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RV_TRUSTLIST_INT_H
#define RV_TRUSTLIST_INT_H

#include <stdatomic.h>

#include "trustlist.h"

/*
 * Inside the trust list: the object, its hash indexes, and the steps of reading. Not installed.
 */

/* Open addressing over keys that the list owns; at most half full. */
struct tl_slot {
	const void *key;
	const void *value;
	size_t len;
};

struct tl_index {
	struct tl_slot *slots;
	size_t mask;
};

int tl_index_new(struct tl_index *x, size_t entries);
void tl_index_free(struct tl_index *x);
/* The value that the key had before (nothing is changed then), NULL if it is new. */
const void *tl_index_put(struct tl_index *x, const void *key, size_t len, const void *value);
const void *tl_index_get(const struct tl_index *x, const void *key, size_t len);

/* What by_curve leads to. */
struct tl_key_owner {
	const struct rv_member *member;
	const struct rv_dated_key *key;
};

struct rv_trust {
	atomic_uint refs;
	char authority[RV_CODE_TEXT];
	unsigned signers;
	uint64_t number;
	int64_t issued_us, expires_us;
	uint8_t digest[RV_DIGEST_LEN];
	uint8_t list_digest[RV_DIGEST_LEN];
	struct rv_dated_cert *signing;
	size_t n_signing;
	unsigned quorum;
	struct rv_issuer *issuers;
	size_t n_issuers;
	struct rv_checking checking[4]; /* by bit of the role */
	unsigned checked_roles;
	struct rv_member *members;
	size_t n_members;
	struct rv_operation *operations;
	size_t n_operations;
	struct tl_key_owner *owners;
	struct tl_index by_code, by_curve, by_operation;
};

void tl_clear_member(struct rv_member *m);

/* An empty list, reference count 1; NULL if memory is short. */
struct rv_trust *tl_new(void);

/* Fills an empty t from the List element: form and values. */
int tl_read_list(struct rv_trust *t, const xmlNode *list, struct rv_err *e);
struct tl_walk;
/* What a Member and a Request begin with: Code to Via. */
void tl_take_party(struct tl_walk *w, struct rv_member *m);
/* Rights, which a right-holder may have. */
void tl_take_rights(struct tl_walk *w, struct rv_member *m);
/* Signing, Issuer and Checking, which come first in a List (trustlist_signing.c). */
void tl_take_signing(struct tl_walk *w, struct rv_trust *t);
void tl_take_issuers(struct tl_walk *w, struct rv_trust *t);
void tl_take_checking(struct tl_walk *w, struct rv_trust *t);
void tl_clear_issuer(struct rv_issuer *i);
/* A Certificate with its dates, and Revoked and Reason where revocable. */
void tl_take_certificate(struct tl_walk *w, struct rv_dated_cert *c, int revocable);
/* The certificate in base64 that stands in node: of who signs, or of an issuer. */
typedef int tl_cert_reader(struct rv_cert **cert_r, const void *der, size_t len, struct rv_err *e);
int tl_read_der(struct tl_walk *w, const xmlNode *node, const char *text, tl_cert_reader *read,
	struct rv_cert **cert_r);
int tl_read_member(struct rv_member *m, const xmlNode *node, struct rv_err *e);
int tl_read_operation(struct rv_operation *op, const xmlNode *node, struct rv_err *e);
/* Builds the indexes and checks what one part of the list says of another. */
int tl_link(struct rv_trust *t, struct rv_err *e);
/* The List of a document: the root's first child. NULL with detail in e. */
xmlNode *tl_list_of(const xmlDoc *doc, struct rv_err *e);

/* ---- reading elements, strictly (trustlist_walk.c) ---- */

/* Walks the children of one element in the order of the schema. The first failure sticks in rc. */
struct tl_walk {
	const xmlNode *parent;
	const xmlNode *next;
	struct rv_err *e;
	int rc;
};

/* Begins: the element has elements alone, and no attribute. */
struct tl_walk tl_walk(const xmlNode *parent, struct rv_err *e);
/* The next child if it has that name, else NULL. */
const xmlNode *tl_take(struct tl_walk *w, const char *name);
/* How many children of that name come next in a row; over max is a failure, under min too. */
size_t tl_count(struct tl_walk *w, const char *name, size_t min, size_t max);
/* The text of the next child, which must have that name and no attribute. "" after a failure. */
const char *tl_text(struct tl_walk *w, const char *name);
/* Typed forms of tl_text: each checks the value. */
void tl_code(struct tl_walk *w, const char *name, char out[RV_CODE_TEXT]);
void tl_opcode(struct tl_walk *w, const char *name, char out[RV_OPCODE_TEXT]);
void tl_listcode(struct tl_walk *w, const char *name, char out[32]);
void tl_country(struct tl_walk *w, const char *name, char out[3]);
void tl_words(struct tl_walk *w, const char *name, size_t max, char **out);
void tl_number(struct tl_walk *w, const char *name, uint64_t max, uint64_t *out);
void tl_stamp(struct tl_walk *w, const char *name, int64_t *out);
/* calloc of n entries; a failure sticks. NULL for 0 entries. */
void *tl_alloc(struct tl_walk *w, size_t n, size_t size);
/* Notes that the value of the child just taken is wrong. */
void tl_refuse(struct tl_walk *w, const xmlNode *node, const char *rule, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
/* Ends: nothing may be left. Returns rc. */
int tl_end(struct tl_walk *w);

/* Fails with the rule at the place of node. */
int tl_fail(struct rv_err *e, const xmlNode *node, int code, const char *rule, const char *fmt, ...)
	__attribute__((format(printf, 5, 6)));
/* Decimal without sign and leading zeros, 1 to max. 0 or RV_EPARSE. */
int tl_decimal(uint64_t *out, const char *text, uint64_t max);

#endif
