/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RV_TRUSTLIST_H
#define RV_TRUSTLIST_H

#include "cert.h"
#include "err.h"
#include "id.h"
#include "msg.h"
#include "signer.h"

/*
 * The trust list (SPEC.md, "Trust list"): signed XML naming members, their certificates and CURVE keys,
 * and the operations with their participants. Once read it is immutable and reference counted: any thread may
 * read it while it holds a reference. Look-ups by code and by CURVE key are by hash.
 */
struct rv_trust;

enum rv_role { /* bits */ RV_ROLE_ADMINISTRATION = 1, RV_ROLE_RIGHT_HOLDER = 2, RV_ROLE_COORDINATOR = 4, RV_ROLE_RELAY = 8 };
const char *rv_role_text(enum rv_role bit);
unsigned rv_role_parse(const char *text);      /* 0 if none of them */

struct rv_dated_cert { struct rv_cert *cert; int64_t from_us, to_us; };
struct rv_dated_key { char z85[RV_CURVE_KEY_TEXT]; int64_t from_us, to_us; };

struct rv_member {
	char code[RV_CODE_TEXT];
	char *name;
	unsigned roles;
	char **endpoints; size_t n_endpoints;          /* none: dials only */
	char (*via)[RV_CODE_TEXT]; size_t n_via;       /* relays that serve it, preferred first */
	struct rv_dated_cert *certs; size_t n_certs;
	struct rv_dated_key *keys; size_t n_keys;
};

enum rv_part { RV_PART_PARTICIPANT = 1, RV_PART_OBSERVER, RV_PART_COORDINATION, RV_PART_RELAY, RV_PART_RIGHT_HOLDER };
const char *rv_part_text(enum rv_part p);
struct rv_participant { char code[RV_CODE_TEXT]; enum rv_part part; int64_t from_us, to_us; };

struct rv_operation {
	char code[RV_OPCODE_TEXT];
	unsigned version;
	char *name;
	char lead[RV_CODE_TEXT];
	int64_t from_us, to_us;
	unsigned risks;
	unsigned kinds;                                /* bits (1u << kind); 0: all */
	int nominal_allowed;
	struct rv_participant *participants; size_t n_participants;
	/* category lists the operation brings; a category has sub-categories */
	struct rv_category_list *categories; size_t n_categories;
};
struct rv_category { char code[32]; char *name; char (*subs)[32]; size_t n_subs; };
struct rv_category_list { char code[32]; unsigned version; struct rv_category *items; size_t n; };

/*
 * Parses and verifies: hardened XML, canonical form, the profile (one Reference, #list), a signature by one of the
 * authority certificates given. Cross references are checked (participants and via are members, codes unique, dates in order).
 * now_us refuses an expired one (RV_EEXPIRED); 0 skips that. Reference count 1.
 */
int rv_trust_read(struct rv_trust **t_r, const void *wire, size_t len, const struct rv_cert *const *authorities,
	size_t n_authorities, int64_t now_us, struct rv_err *e);
struct rv_trust *rv_trust_ref(struct rv_trust *t);
void rv_trust_unref(struct rv_trust **t);

uint64_t rv_trust_number(const struct rv_trust *t);
int64_t rv_trust_issued(const struct rv_trust *t);
int64_t rv_trust_expires(const struct rv_trust *t);
const uint8_t *rv_trust_digest(const struct rv_trust *t);      /* SHA-256 of the wire bytes */
size_t rv_trust_members(const struct rv_trust *t, const struct rv_member **members_r);
size_t rv_trust_operations(const struct rv_trust *t, const struct rv_operation **ops_r);
const struct rv_member *rv_trust_member(const struct rv_trust *t, const char *code);
/* The member whose CURVE key this is, if the key is valid at that time; NULL otherwise. */
const struct rv_member *rv_trust_by_curve(const struct rv_trust *t, const char *z85, int64_t now_us);
const struct rv_operation *rv_trust_operation(const struct rv_trust *t, const char *code);
/* The certificate of a member with that digest, valid (list and certificate) at that time. NULL with RV_ECERT detail in e. */
const struct rv_cert *rv_trust_cert(const struct rv_trust *t, const char *code, const uint8_t digest[RV_DIGEST_LEN],
	int64_t at_us, struct rv_err *e);
/* The participant's entry in force at that time, NULL if none. */
const struct rv_participant *rv_participant_at(const struct rv_operation *op, const char *code, int64_t at_us);

/* Signs the List of a document (TrustList/List without Signature, as an editor or the trust commands made it); appends the wire form. */
int rv_trust_sign(xmlDoc *doc, const struct rv_signer *signer, struct rv_buf *out, struct rv_err *e);

#endif
