/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RV_MSG_H
#define RV_MSG_H

#include "err.h"
#include "id.h"
#include "signer.h"
#include "stamp.h"
#include "xml.h"

/*
 * The message: one XML document, a Header and Sections (SPEC.md, "Message").
 *
 * A *draft* is what a person or program submits: no identity, no signature. The node *composes*
 * it (adds what the node assigns) and *seals* it (seal.h). A *sealed* message is stored and sent in
 * its wire form only: the canonical form of the whole document, without white space between
 * elements outside text, so that one message has one sequence of bytes.
 */

enum rv_kind {
	RV_KIND_WARNING = 1,
	RV_KIND_SEIZURE,
	RV_KIND_ALERT,
	RV_KIND_FEEDBACK,
	RV_KIND_SITUATION,
	RV_KIND_UPDATE,
	RV_KIND_CANCEL,
	RV_KIND_REQUEST,
	RV_KIND_REPLY,
	RV_KIND_OPERATION,
	RV_KIND_LAST
};

/* Sections in document order. Bit (1u << section) in masks. */
enum rv_section {
	RV_SEC_WARNING,
	RV_SEC_ALERT,
	RV_SEC_FEEDBACK,
	RV_SEC_SITUATION,
	RV_SEC_AMENDMENT,
	RV_SEC_REQUEST,
	RV_SEC_REPLY,
	RV_SEC_OPERATION,
	RV_SEC_EVENT,
	RV_SEC_GOODS,
	RV_SEC_CONVEYANCE,
	RV_SEC_ROUTE,
	RV_SEC_CONCEALMENT,
	RV_SEC_PERSONS,
	RV_SEC_RIGHTS,
	RV_SEC_NARRATIVE,
	RV_SEC_ATTACHMENTS,
	RV_SEC_COUNT
};

enum rv_status { RV_STATUS_ACTUAL = 1, RV_STATUS_EXERCISE, RV_STATUS_TEST };
enum rv_onward { RV_ONWARD_NONE = 1, RV_ONWARD_ASK, RV_ONWARD_FREE };
enum rv_tlp { RV_TLP_CLEAR = 1, RV_TLP_GREEN, RV_TLP_AMBER, RV_TLP_AMBER_STRICT, RV_TLP_RED };
enum rv_risk { /* bits */
	RV_RISK_REVENUE = 1,
	RV_RISK_DRUGS = 2,
	RV_RISK_HEALTH = 4,
	RV_RISK_SECURITY = 8,
	RV_RISK_ENVIRONMENT = 16
};
enum rv_caveat { /* bits */ RV_CAVEAT_NO_RIGHT_HOLDERS = 1, RV_CAVEAT_NAMED_ONLY = 2 };
enum rv_reftype { RV_REF_UPDATES = 1, RV_REF_CANCELS, RV_REF_ANSWERS, RV_REF_RELATES };

/* The code of each, as it stands in the XML ("situation-report", "event", "AMBER+STRICT"...); "?"
 * if out of range. */
const char *rv_kind_text(enum rv_kind k);
const char *rv_section_id(enum rv_section s);   /* the Id: "event" */
const char *rv_section_name(enum rv_section s); /* the element: "Event" */
const char *rv_status_text(enum rv_status s);
const char *rv_onward_text(enum rv_onward o);
const char *rv_tlp_text(enum rv_tlp t);
const char *rv_risk_text(enum rv_risk bit);
/* Back; 0 if the text is none of them. rv_section_parse takes the element name, -1 if none. */
enum rv_kind rv_kind_parse(const char *text);
int rv_section_parse(const char *name);
enum rv_status rv_status_parse(const char *text);
enum rv_onward rv_onward_parse(const char *text);
enum rv_tlp rv_tlp_parse(const char *text);
unsigned rv_risk_parse(const char *text);

struct rv_ref {
	enum rv_reftype type;
	char id[RV_UUID_TEXT];
	unsigned version; /* 0 if not given */
};

/* The Header as a struct. Strings are empty, numbers 0 where the element is absent (drafts). */
struct rv_header {
	char id[RV_UUID_TEXT];
	enum rv_kind kind;
	int function; /* 9, 5, 1 */
	unsigned version;
	enum rv_status status;
	char originator[RV_CODE_TEXT];
	char office[257];
	char operation[RV_OPCODE_TEXT];
	unsigned roster_version;
	uint64_t sequence;
	uint8_t previous[RV_DIGEST_LEN];
	char (*recipients)[RV_CODE_TEXT]; /* owned; NULL if none named */
	size_t n_recipients;
	int64_t issued_us;
	int64_t expires_us; /* 0: does not expire */
	int handling;       /* 0..3 for H0..H3 */
	enum rv_tlp tlp;
	unsigned caveats; /* bits of rv_caveat */
	enum rv_onward onward;
	int64_t review_us;
	unsigned risks;      /* bits of rv_risk */
	struct rv_ref *refs; /* owned */
	size_t n_refs;
	uint8_t signer_cert[RV_DIGEST_LEN];
	int has_signer_cert;
};

/*
 * Reads the Header of a parsed document (draft or sealed). Lenient about absent elements (the
 * schema and the rules speak of those), strict about the form of present ones: RV_EPARSE with
 * HDR-MISSING, HDR-REPEATED, HDR-TEXT, HDR-NUMBER, HDR-TIME, HDR-DIGEST, HDR-CODE, HDR-ID,
 * HDR-MEMBER, HDR-OPERATION, HDR-RECIPIENTS (more than 200), HDR-REFERENCE (more than 20), and the
 * place. h is filled only on success.
 */
int rv_header_read(struct rv_header *h, const xmlDoc *doc, struct rv_err *e);
void rv_header_clear(struct rv_header *h);

/* Messages that warn or alert overtake bulk: 0 urgent (warning, alert, cancel, update), 1 normal, 2
 * bulk (situation-report). */
int rv_priority(const struct rv_header *h);

struct rv_attachment {
	char name[513];
	char media_type[128];
	uint64_t size;
	uint8_t digest[RV_DIGEST_LEN];
};
/* The Attachments section's list; *list_r is free()d by the caller. No section: 0 entries. */
int rv_attachments_read(
	struct rv_attachment **list_r, size_t *n_r, const xmlDoc *doc, struct rv_err *e);

/* What the node assigns when it composes. */
struct rv_compose {
	char id[RV_UUID_TEXT];
	char originator[RV_CODE_TEXT];
	const char *office; /* NULL: leave what the draft says */
	char operation[RV_OPCODE_TEXT];
	unsigned roster_version;
	uint64_t sequence;
	uint8_t previous[RV_DIGEST_LEN];
	int64_t issued_us;
	uint8_t signer_cert[RV_DIGEST_LEN];
	const struct rv_attachment
		*attachments; /* added to the Attachments section, which is made if absent */
	size_t n_attachments;
};

/*
 * Turns a parsed draft (RV_XML_DRAFT) into a document ready to seal, in place: strips white space
 * between elements, namespace prefixes and xsi hints, and a signature that the draft brings; puts
 * the assigned elements in schema order in the Header, instead of what the draft has there; sets Id
 * attributes and fresh salts (32 random bytes a section). An empty operation, a sequence of 0 and a
 * roster_version of 0 leave their elements out. An attachment whose digest the draft lists is not
 * added again. The result is schema valid whenever the draft was.
 *
 * RV_EPARSE HDR-MISSING, RV_ESCHEMA HDR-NAMESPACE; RV_EINVAL (HDR-TEXT, ATTACH-NAME, ATTACH-TYPE,
 * ATTACH-SIZE) where what is assigned would not be schema valid, RV_ELIMIT ATTACH-LIMIT (50 of
 * them), RV_EIO without randomness, RV_ENOMEM. A draft that failed is to be thrown away.
 */
int rv_msg_compose(xmlDoc *draft, const struct rv_compose *c, const struct rv_random *random,
	struct rv_err *e);

#endif
