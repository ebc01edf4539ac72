/* SPDX-License-Identifier: Apache-2.0 */
#include "rules_inside.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Function, version, status, recipients, references: the header by itself and against the kind. */

static const xmlNode *in_header(const struct rules *r, const char *name)
{
	return rv_xml_child(r->header, name);
}

static void function_fits(struct rules *r, const struct rule *rule)
{
	const xmlNode *function = in_header(r, "FunctionCode");
	const char *found = value_text(function);
	const char *want = r->kind == RV_KIND_UPDATE ? "5" : r->kind == RV_KIND_CANCEL ? "1" : "9";
	if (r->kind == 0 || strcmp(found, want) == 0 ||
		(r->kind == RV_KIND_OPERATION && strcmp(found, "5") == 0)) {
		return;
	}
	rule_break(r, rule, function, "FunctionCode is %s; a message of the kind %s has %s", found,
		rv_kind_text(r->kind), want);
}

static void version_fits(struct rules *r, const struct rule *rule)
{
	const xmlNode *version = in_header(r, "VersionID");
	uint64_t v = 0;
	if (r->kind == 0 || r->kind == RV_KIND_OPERATION || !value_number(version, &v)) {
		return;
	}
	int later = r->kind == RV_KIND_UPDATE || r->kind == RV_KIND_CANCEL;
	if (later && v < 2) {
		rule_break(r, rule, version,
			"VersionID is 1, but an %s is a later version of what it changes",
			r->kind == RV_KIND_UPDATE ? "update" : "act of cancelling");
	} else if (!later && v > 1) {
		rule_break(r, rule, version,
			"VersionID is %llu, but a new message of the kind %s is version 1",
			(unsigned long long)v, rv_kind_text(r->kind));
	}
}

static void areas_once(struct rules *r, const struct rule *rule)
{
	rule_unique_children(r, rule, r->header, "RiskAreaCode", NULL, "the risk area");
}

static void recipients_once(struct rules *r, const struct rule *rule)
{
	rule_unique_children(r, rule, r->header, "Recipient", NULL, "the recipient");
}

static void recipient_other(struct rules *r, const struct rule *rule)
{
	const char *own = value_text(rv_xml_child(in_header(r, "Originator"), "Code"));
	for (EACH(n, r->header, "Recipient")) {
		if (own[0] != '\0' && value_is(n, own)) {
			rule_break(r, rule, n, "%s sends the message to itself", own);
		}
	}
}

static void legal_basis(struct rules *r, const struct rule *rule)
{
	const xmlNode *handling = in_header(r, "HandlingCode");
	if (value_is(handling, "H3") && in_header(r, "LegalBasis") == NULL) {
		rule_break(r, rule, handling,
			"HandlingCode is H3, another restriction, but no LegalBasis tells which");
	}
}

static void nominal_basis(struct rules *r, const struct rule *rule)
{
	if (has_section(r, RV_SEC_PERSONS) && r->header != NULL &&
		in_header(r, "LegalBasis") == NULL) {
		rule_break_missing(r, rule, r->header, "LegalBasis",
			"personal data is sent without a LegalBasis");
	}
}

static const xmlNode *reference_of(const struct rules *r, const char *type)
{
	for (EACH(n, r->header, "Reference")) {
		if (value_is(rv_xml_child(n, "TypeCode"), type)) {
			return n;
		}
	}
	return NULL;
}

/* The rule's argument is the type of reference. */
static void has_reference(struct rules *r, const struct rule *rule)
{
	int wanted = strcmp(rule->arg, "updates") == 0 ? r->kind == RV_KIND_UPDATE
		     : strcmp(rule->arg, "cancels") == 0
			     ? r->kind == RV_KIND_CANCEL
			     : r->kind == RV_KIND_FEEDBACK || r->kind == RV_KIND_REPLY;
	for (EACH(ref, r->header, "Reference")) {
		/* A type that the schema refuses may be meant to be this one. */
		wanted &= rv_catalog_has(r->catalog, "reference-types",
				  value_text(rv_xml_child(ref, "TypeCode"))) == 1;
	}
	if (wanted && r->header != NULL && reference_of(r, rule->arg) == NULL) {
		rule_break_missing(r, rule, r->header, "Reference",
			"no Reference tells what the %s %s", rv_kind_text(r->kind), rule->arg);
	}
}

static void reference_fits(struct rules *r, const struct rule *rule)
{
	for (EACH(n, r->header, "Reference")) {
		const xmlNode *type = rv_xml_child(n, "TypeCode");
		int wrong = (value_is(type, "updates") && r->kind != RV_KIND_UPDATE &&
				    r->kind != RV_KIND_OPERATION) ||
			    (value_is(type, "cancels") && r->kind != RV_KIND_CANCEL);
		if (r->kind != 0 && wrong) {
			rule_break(r, rule, type, "a message of the kind %s %s nothing",
				rv_kind_text(r->kind), value_text(type));
		}
	}
}

static void references_once(struct rules *r, const struct rule *rule)
{
	size_t n = 0;
	struct key keys[32];
	char texts[32][64];
	for (EACH(ref, r->header, "Reference")) {
		const xmlNode *id = rv_xml_child(ref, "MessageID");
		if (id == NULL || n == 32) {
			continue;
		}
		snprintf(texts[n], sizeof(texts[n]), "%.36s as %.20s", value_text(id),
			value_text(rv_xml_child(ref, "TypeCode")));
		keys[n] = (struct key){texts[n], id};
		n++;
	}
	rule_unique(r, rule, keys, n, 0, "the reference to");
}

static void refers_to_other(struct rules *r, const struct rule *rule)
{
	const char *own = value_text(in_header(r, "ID"));
	for (EACH(n, r->header, "Reference")) {
		const xmlNode *id = rv_xml_child(n, "MessageID");
		if (own[0] != '\0' && value_is(id, own)) {
			rule_break(r, rule, id, "the message refers to itself");
		}
	}
}

static void training_is_no_case(struct rules *r, const struct rule *rule)
{
	const xmlNode *purpose = in_header(r, "PurposeCode");
	if (value_is(purpose, "training") && value_is(in_header(r, "StatusCode"), "actual")) {
		rule_break(r, rule, purpose, "PurposeCode is training, but StatusCode is actual");
	}
}

static void court_needs_facts(struct rules *r, const struct rule *rule)
{
	const xmlNode *purpose = in_header(r, "PurposeCode");
	const xmlNode *status = in_header(r, "StatusCode");
	int court = value_is(purpose, "judicial-proceedings") ||
		    value_is(purpose, "criminal-investigation");
	if (court && (value_is(status, "exercise") || value_is(status, "test"))) {
		rule_break(r, rule, purpose, "PurposeCode is %s, but StatusCode is %s",
			value_text(purpose), value_text(status));
	}
}

static void no_persons_in_tests(struct rules *r, const struct rule *rule)
{
	if (value_is(in_header(r, "StatusCode"), "test") && has_section(r, RV_SEC_PERSONS)) {
		rule_break(r, rule, r->sec[RV_SEC_PERSONS],
			"a message of the status test carries personal data");
	}
}

/* Whatever the rules let pass, all other parts of the program can read. */
static void header_is_read(struct rules *r, const struct rule *rule)
{
	struct rv_header h = {0};
	struct rv_err why = {0};
	if (r->header != NULL && rv_header_read(&h, r->root->doc, &why) != 0) {
		rule_break_err(r, rule, r->header, &why);
	}
	rv_header_clear(&h);
}

const struct rule rules_header[] = {
	{RV_LEVEL_ERROR, "RV-HEADER-READ", "Values of the header are written plainly.",
		"Take spaces, line breaks and plus signs out of the value.", header_is_read, NULL},
	{RV_LEVEL_ERROR, "RV-HEADER-FUNCTION",
		"FunctionCode fits the kind: 5 for an update, 1 for a cancel, 9 for all others.",
		"Correct FunctionCode, or TypeCode if it is the kind that is wrong.", function_fits,
		NULL},
	{RV_LEVEL_ERROR, "RV-HEADER-VERSION",
		"VersionID is 1 in a new message and more in an update or cancel.",
		"A new message has 1; an update or cancel one more than the version it changes.",
		version_fits, NULL},
	{RV_LEVEL_ERROR, "RV-HEADER-RISK-TWICE", "A risk area stands once.",
		"Take the second one out.", areas_once, NULL},
	{RV_LEVEL_ERROR, "RV-HEADER-RECIPIENT-TWICE", "A recipient stands once.",
		"Take the second one out.", recipients_once, NULL},
	{RV_LEVEL_WARNING, "RV-HEADER-RECIPIENT-SELF",
		"The originator is no recipient of its own message.", "Take the Recipient out.",
		recipient_other, NULL},
	{RV_LEVEL_ERROR, "RV-HEADER-LEGAL",
		"The handling code H3 needs a LegalBasis that tells the restriction.",
		"Add LegalBasis, or choose H0, H1 or H2.", legal_basis, NULL},
	{RV_LEVEL_ERROR, "RV-HEADER-NOMINAL-BASIS", "Personal data needs a LegalBasis.",
		"Add LegalBasis: the law, treaty or agreement under which personal data may be "
		"given.",
		nominal_basis, NULL},
	{RV_LEVEL_ERROR, "RV-REF-UPDATES", "An update has a Reference of the type updates.",
		"Add a Reference with TypeCode updates and the ID of the message that is replaced.",
		has_reference, "updates"},
	{RV_LEVEL_ERROR, "RV-REF-CANCELS", "A cancel has a Reference of the type cancels.",
		"Add a Reference with TypeCode cancels and the ID of the message that is "
		"withdrawn.",
		has_reference, "cancels"},
	{RV_LEVEL_ERROR, "RV-REF-ANSWERS",
		"Feedback and replies have a Reference of the type answers.",
		"Add a Reference with TypeCode answers and the ID of the message that is answered.",
		has_reference, "answers"},
	{RV_LEVEL_ERROR, "RV-REF-KIND", "Only an update updates, only a cancel cancels.",
		"Choose answers or relates, or send an update or cancel.", reference_fits, NULL},
	{RV_LEVEL_ERROR, "RV-REF-TWICE", "A message is referred to once in one way.",
		"Take the second Reference out.", references_once, NULL},
	{RV_LEVEL_ERROR, "RV-REF-SELF", "A message does not refer to itself.",
		"Give the ID of the earlier message.", refers_to_other, NULL},
	{RV_LEVEL_ERROR, "RV-STATUS-TRAINING",
		"The purpose training belongs to exercises and tests.",
		"Set StatusCode to exercise, or choose the purpose of the real case.",
		training_is_no_case, NULL},
	{RV_LEVEL_ERROR, "RV-STATUS-COURT",
		"Exercises and tests serve no investigation and no court.",
		"Set StatusCode to actual, or choose the purpose training.", court_needs_facts,
		NULL},
	{RV_LEVEL_ERROR, "RV-STATUS-PERSONS", "Tests carry no personal data.",
		"Take the section Persons out.", no_persons_in_tests, NULL},
	{0},
};
