/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RV_TRUSTLIST_H
#define RV_TRUSTLIST_H

#include "cert.h"
#include "err.h"
#include "id.h"
#include "msg.h"
#include "signer.h"

/*
 * The trust list (SPEC.md, "Trust list"): signed XML naming members, their certificates and CURVE
 * keys, and the operations with their participants. Once read it is immutable and reference
 * counted: any thread may read it while it holds a reference. Look-ups by code and by CURVE key are
 * by hash.
 */
struct rv_trust;

enum rv_role { /* bits */
	RV_ROLE_ADMINISTRATION = 1,
	RV_ROLE_RIGHT_HOLDER = 2,
	RV_ROLE_COORDINATOR = 4,
	RV_ROLE_RELAY = 8
};
const char *rv_role_text(enum rv_role bit);
unsigned rv_role_parse(const char *text); /* 0 if none of them */

/* Why a certificate was revoked (RFC 5280, 5.3.1), in the XML: unspecified, key-compromise,
 * ca-compromise, affiliation, superseded, cessation. */
enum rv_reason {
	RV_REASON_UNSPECIFIED = 0,
	RV_REASON_KEY_COMPROMISE = 1,
	RV_REASON_CA_COMPROMISE = 2,
	RV_REASON_AFFILIATION = 3,
	RV_REASON_SUPERSEDED = 4,
	RV_REASON_CESSATION = 5
};
const char *rv_reason_text(enum rv_reason r);
/* 0, or RV_EPARSE if it is none of them. */
int rv_reason_parse(enum rv_reason *r, const char *text);

struct rv_dated_cert {
	struct rv_cert *cert;
	int64_t from_us, to_us;
	int64_t revoked_us; /* since when it is revoked; 0: it is not */
	enum rv_reason reason;
};
struct rv_dated_key {
	char z85[RV_CURVE_KEY_TEXT];
	int64_t from_us, to_us;
};

/* A right of a right-holder. Absent parts do not narrow it. */
struct rv_right {
	char *brand;
	char *registration; /* NULL: every right on the brand */
	uint64_t nice;      /* bits (1 << class), 1 to 45; 0: all classes */
	char (*countries)[3];
	size_t n_countries; /* none: everywhere */
};

struct rv_member {
	char code[RV_CODE_TEXT];
	char *name;
	unsigned roles;
	char **endpoints;
	size_t n_endpoints; /* none: dials only */
	char (*via)[RV_CODE_TEXT];
	size_t n_via; /* relays that serve it, preferred first */
	struct rv_dated_cert *certs;
	size_t n_certs;
	struct rv_dated_key *keys;
	size_t n_keys;
	char country[3]; /* "" for an international organisation */
	struct rv_right *rights;
	size_t n_rights; /* of a right-holder: which alerts it may receive */
};

/* A certification authority of which members' certificates may come: a national PKI, or the
 * network's own. */
struct rv_issuer {
	struct rv_cert *cert;
	char **crl_urls; /* http or https */
	size_t n_crl_urls;
	char **ocsp_urls;
	size_t n_ocsp_urls;
	char (*members)[RV_CODE_TEXT]; /* whom it may certify */
	size_t n_members;              /* none: every member */
};

/* What is done about the revocation status of a member's certificate. */
enum rv_checking_mode {
	RV_CHECKING_OFF,  /* the list alone tells */
	RV_CHECKING_SOFT, /* a message passes although its status is unknown, and is marked so */
	RV_CHECKING_HARD  /* a message waits until its status is known */
};
struct rv_checking {
	enum rv_checking_mode mode;
	int64_t max_age_us; /* how old a status may be */
};
#define RV_CHECKING_AGE_US (INT64_C(72) * 3600 * RV_US_PER_SEC) /* where nothing is said */

/* In the XML: participant, observer, coordination-unit, relay, right-holder. */
enum rv_part {
	RV_PART_PARTICIPANT = 1,
	RV_PART_OBSERVER,
	RV_PART_COORDINATION,
	RV_PART_RELAY,
	RV_PART_RIGHT_HOLDER
};
const char *rv_part_text(enum rv_part p);
enum rv_part rv_part_parse(const char *text); /* 0 if none of them */
struct rv_participant {
	char code[RV_CODE_TEXT];
	enum rv_part part;
	int64_t from_us, to_us;
};

struct rv_operation {
	char code[RV_OPCODE_TEXT];
	unsigned version;
	char *name;
	char lead[RV_CODE_TEXT];
	int64_t from_us, to_us;
	unsigned risks;
	unsigned kinds; /* bits (1u << kind); 0: all */
	int nominal_allowed;
	/* Ordered by code, and by part (coordination, participant, observer, right-holder, relay)
	 * within one code. */
	struct rv_participant *participants;
	size_t n_participants;
	/* category lists the operation brings; a category has sub-categories */
	struct rv_category_list *categories;
	size_t n_categories;
};
struct rv_category {
	char code[32];
	char *name;
	char (*subs)[32];
	size_t n_subs;
};
struct rv_category_list {
	char code[32];
	unsigned version;
	struct rv_category *items;
	size_t n;
};

/* A list may have been issued this much after now: clocks differ. */
#define RV_TRUST_AHEAD_US (INT64_C(3600) * RV_US_PER_SEC)

/*
 * Parses and verifies: hardened XML, canonical form (TRUST-CANONICAL), the profile (SIG-*, one
 * Reference, #list: TRUST-DIGEST), signatures by the keys of at least quorum of the authority
 * certificates given (TRUST-SIGNATURE if there is none, TRUST-QUORUM if there are too few; quorum 0
 * counts as 1). Nothing in it is read before that. A list that has Signing must also have the
 * signatures that it demands itself (TRUST-QUORUM): nobody is locked out by it later. Then form (TRUST-SHAPE, TRUST-VALUE,
 * TRUST-LIMIT) and cross references are checked: codes, keys and certificates unique
 * (TRUST-DUPLICATE), lead, participants and via are members whose roles allow it (TRUST-MEMBER,
 * TRUST-ROLE), dates in order (TRUST-DATES). now_us refuses an expired one (RV_EEXPIRED,
 * TRUST-EXPIRED), one from the future (TRUST-NOT-YET), and the signature of an authority
 * certificate that is not valid now; 0 skips all three. Reference count 1.
 */
int rv_trust_read(struct rv_trust **t_r, const void *wire, size_t len,
	const struct rv_cert *const *authorities, size_t n_authorities, unsigned quorum,
	int64_t now_us, struct rv_err *e);
/*
 * How many different keys of those certificates signed the document, whatever its content. For who
 * adds a signature. Errors: those of the form, and TRUST-DIGEST.
 */
int rv_trust_count_signers(unsigned *n_r, xmlDoc *doc, const struct rv_cert *const *authorities,
	size_t n_authorities, struct rv_err *e);
/*
 * Checks the content of a list that is not signed yet, without white space between elements: what
 * rv_trust_read checks, without form, signature and the present time. t_r, if not NULL, receives it
 * as a list with 0 signers, to look at.
 */
int rv_trust_check(struct rv_trust **t_r, xmlDoc *doc, struct rv_err *e);
struct rv_trust *rv_trust_ref(struct rv_trust *t);
void rv_trust_unref(struct rv_trust **t);

/* The questions below take NULL for a list without members, of number 0. */
const char *rv_trust_authority(const struct rv_trust *t); /* code of who issued it */
/* How many different authority keys signed it, of those handed to rv_trust_read: at least 1; 0 for
 * a list that was only checked. */
unsigned rv_trust_signers(const struct rv_trust *t);
uint64_t rv_trust_number(const struct rv_trust *t);
int64_t rv_trust_issued(const struct rv_trust *t);
int64_t rv_trust_expires(const struct rv_trust *t);
const uint8_t *rv_trust_digest(const struct rv_trust *t); /* SHA-256 of the wire bytes */
/* SHA-256 of the canonical List, which the signatures are over: the same however many keys signed
 * it. */
const uint8_t *rv_trust_list_digest(const struct rv_trust *t);
/* Who signs lists: the certificates, and how many of their keys are needed. 0 certificates if the
 * list does not say. */
size_t rv_trust_signing(
	const struct rv_trust *t, const struct rv_dated_cert **certs_r, unsigned *quorum_r);
size_t rv_trust_issuers(const struct rv_trust *t, const struct rv_issuer **issuers_r);
/* What holds for who has these roles: the strictest of them; soft where the list says nothing. */
struct rv_checking rv_trust_checking(const struct rv_trust *t, unsigned roles);
size_t rv_trust_members(const struct rv_trust *t, const struct rv_member **members_r);
size_t rv_trust_operations(const struct rv_trust *t, const struct rv_operation **ops_r);
const struct rv_member *rv_trust_member(const struct rv_trust *t, const char *code);
/* The member whose CURVE key this is, if the key is valid at that time; NULL otherwise. */
const struct rv_member *rv_trust_by_curve(
	const struct rv_trust *t, const char *z85, int64_t now_us);
const struct rv_operation *rv_trust_operation(const struct rv_trust *t, const char *code);
/* The certificate of a member with that digest, valid (list and certificate) at that time. NULL
 * with RV_ECERT detail in e. */
const struct rv_cert *rv_trust_cert(const struct rv_trust *t, const char *code,
	const uint8_t digest[RV_DIGEST_LEN], int64_t at_us, struct rv_err *e);
/* The participant's entry in force at that time, NULL if none; the first in the order of parts
 * where there are several. */
const struct rv_participant *rv_participant_at(
	const struct rv_operation *op, const char *code, int64_t at_us);
/* 1 if that member has that part at that time, whatever other parts it has. */
int rv_participant_has(
	const struct rv_operation *op, const char *code, enum rv_part part, int64_t at_us);

/* 1 if the text is tcp://host:port, the host a name, an IPv4 or a bracketed IPv6 address. */
int rv_endpoint_valid(const char *text);
/* 1 if the text is a CURVE key in Z85: 40 characters that stand for 32 bytes. */
int rv_z85_key_valid(const char *text);

/*
 * Signs the List of a document (TrustList/List, as an editor or the trust commands made it) and
 * appends the wire form. White space between elements is taken out first, and the content is
 * checked as rv_trust_check does: an authority never signs a list that nobody would read.
 * Signatures that are there already stay, if they are over the same List: so several keys sign one
 * list.
 */
int rv_trust_sign(
	xmlDoc *doc, const struct rv_signer *signer, struct rv_buf *out, struct rv_err *e);

#endif
