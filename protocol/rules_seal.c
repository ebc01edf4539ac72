/* SPDX-License-Identifier: Apache-2.0 */
#include "rules_inside.h"

#include <string.h>

/* What the node assigns when it seals: drafts need none of it, sealed messages all. */

static const char zeros[] = "0000000000000000000000000000000000000000000000000000000000000000";

/* The argument is the element that the header must have. */
static void header_has(struct rules *r, const struct rule *rule)
{
	if (r->ctx->sealed && r->header != NULL && rv_xml_child(r->header, rule->arg) == NULL) {
		rule_break_missing(
			r, rule, r->header, rule->arg, "the sealed message has no %s", rule->arg);
	}
}

static void roster(struct rules *r, const struct rule *rule)
{
	const xmlNode *op = rv_xml_child(r->header, "Operation");
	if (r->ctx->sealed && op != NULL && rv_xml_child(op, "RosterVersion") == NULL) {
		rule_break_missing(r, rule, op, "RosterVersion",
			"the sealed message does not tell the version of the roster");
	}
}

static void header_id(struct rules *r, const struct rule *rule)
{
	if (r->ctx->sealed && r->header != NULL && rv_xml_attr(r->header, "Id") == NULL) {
		rule_break_missing(
			r, rule, r->header, "@Id", "the header of the sealed message has no Id");
	}
	for (int s = 0; s < RV_SEC_COUNT && r->ctx->sealed; s++) {
		if (r->sec[s] != NULL && rv_xml_attr(r->sec[s], "Id") == NULL) {
			rule_break_missing(r, rule, r->sec[s], "@Id",
				"the section %s of the sealed message has no Id",
				rv_section_name((enum rv_section)s));
		}
	}
}

static void salts(struct rules *r, const struct rule *rule)
{
	for (int s = 0; s < RV_SEC_COUNT && r->ctx->sealed; s++) {
		if (r->sec[s] != NULL && rv_xml_attr(r->sec[s], "Salt") == NULL) {
			rule_break_missing(r, rule, r->sec[s], "@Salt",
				"the section %s of the sealed message has no Salt",
				rv_section_name((enum rv_section)s));
		}
	}
}

static void salts_differ(struct rules *r, const struct rule *rule)
{
	struct key keys[RV_SEC_COUNT];
	size_t n = 0;
	for (int s = 0; s < RV_SEC_COUNT; s++) {
		const char *salt = r->sec[s] != NULL ? rv_xml_attr(r->sec[s], "Salt") : NULL;
		if (salt != NULL) {
			keys[n++] = (struct key){salt, attr_node(r->sec[s], "Salt")};
		}
	}
	rule_unique(r, rule, keys, n, 0, "the salt");
}

static void signature(struct rules *r, const struct rule *rule)
{
	if (r->ctx->sealed && r->signature == NULL) {
		rule_break_missing(
			r, rule, r->root, "Signature", "the sealed message has no signature");
	}
}

static void chain(struct rules *r, const struct rule *rule)
{
	const xmlNode *sequence = rv_xml_child(r->header, "Sequence");
	const xmlNode *previous = rv_xml_child(sequence, "PreviousDigest");
	uint64_t number;
	if (previous == NULL || !value_number(rv_xml_child(sequence, "Number"), &number)) {
		return;
	}
	if (number == 1 && !value_is(previous, zeros)) {
		rule_break(r, rule, previous,
			"the first message of a chain has no previous one, but PreviousDigest is "
			"not zeros");
	} else if (number > 1 && value_is(previous, zeros)) {
		rule_break(r, rule, previous,
			"message %llu of the chain has a previous one, but PreviousDigest is zeros",
			(unsigned long long)number);
	}
}

#define HAS(code, element)                                                                         \
	{                                                                                          \
		RV_LEVEL_ERROR, code, "A sealed message has " element " in its header.",           \
			"The originator's node assigns it; the message has to be sealed anew.",    \
			header_has, element                                                        \
	}

const struct rule rules_seal[] = {
	HAS("RV-SEAL-ID", "ID"),
	HAS("RV-SEAL-ORIGINATOR", "Originator"),
	HAS("RV-SEAL-OPERATION", "Operation"),
	HAS("RV-SEAL-SEQUENCE", "Sequence"),
	HAS("RV-SEAL-ISSUED", "IssueDateTime"),
	HAS("RV-SEAL-CERTIFICATE", "SignerCertificate"),
	{RV_LEVEL_ERROR, "RV-SEAL-ROSTER",
		"A sealed message names the version of the roster under which it was sent.",
		"The originator's node assigns it; the message has to be sealed anew.", roster,
		NULL},
	{RV_LEVEL_ERROR, "RV-SEAL-IDS",
		"Header and sections of a sealed message have an Id, to which the signature "
		"refers.",
		"The originator's node assigns it; the message has to be sealed anew.", header_id,
		NULL},
	{RV_LEVEL_ERROR, "RV-SEAL-SALT",
		"Each section of a sealed message has a Salt, so that its digest cannot be "
		"guessed.",
		"The originator's node assigns it; the message has to be sealed anew.", salts,
		NULL},
	{RV_LEVEL_ERROR, "RV-SEAL-SALT-TWICE", "Each section has a Salt of its own.",
		"Leave Salt out of a draft: the node makes a random one for each section.",
		salts_differ, NULL},
	{RV_LEVEL_ERROR, "RV-SEAL-SIGNATURE", "A sealed message has a signature.",
		"It has to come from the originator's node.", signature, NULL},
	{RV_LEVEL_ERROR, "RV-SEAL-CHAIN",
		"The first message of a chain, and only it, has zeros as the digest of the "
		"previous one.",
		"The originator's node assigns it; leave Sequence out of a draft.", chain, NULL},
	{0},
};
