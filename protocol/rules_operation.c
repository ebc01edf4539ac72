/* SPDX-License-Identifier: Apache-2.0 */
#include "rules_inside.h"

#include <stdlib.h>
#include <string.h>

/* The definition of an operation: members, dates, distribution, category lists fit together. */

static const xmlNode *in_op(const struct rules *r, const char *name)
{
	return rv_xml_child(r->sec[RV_SEC_OPERATION], name);
}

/* Without members the schema has spoken, and nobody can be looked up. */
static int has_members(const struct rules *r)
{
	return in_op(r, "Member") != NULL;
}

static const xmlNode *member_of(const struct rules *r, const char *code)
{
	for (EACH(member, r->sec[RV_SEC_OPERATION], "Member")) {
		if (value_is(rv_xml_child(member, "Code"), code)) {
			return member;
		}
	}
	return NULL;
}

static int has_role(const xmlNode *member, const char *role)
{
	for (EACH(n, member, "RoleCode")) {
		if (value_is(n, role)) {
			return 1;
		}
	}
	return 0;
}

static void reversed(
	struct rules *r, const struct rule *rule, const xmlNode *owner, const char *what)
{
	const xmlNode *at = rv_xml_child(owner, "EndDateTime");
	int64_t start, end;
	char a[MOMENT_WORDS], b[MOMENT_WORDS];
	if (value_moment(at, &end) && value_moment(rv_xml_child(owner, "StartDateTime"), &start) &&
		end <= start) {
		rule_break(r, rule, at, "%s ends on %s, not after it starts (%s)", what,
			moment_words(a, end), moment_words(b, start));
	}
}

static void dates(struct rules *r, const struct rule *rule)
{
	reversed(r, rule, r->sec[RV_SEC_OPERATION], "the operation");
	for (EACH(phase, r->sec[RV_SEC_OPERATION], "Phase")) {
		reversed(r, rule, phase, "the phase");
	}
	for (EACH(member, r->sec[RV_SEC_OPERATION], "Member")) {
		reversed(r, rule, member, "the membership");
	}
}

static void phases_inside(struct rules *r, const struct rule *rule)
{
	int64_t from, to, start, end;
	if (!value_moment(in_op(r, "StartDateTime"), &from) ||
		!value_moment(in_op(r, "EndDateTime"), &to)) {
		return;
	}
	for (EACH(phase, r->sec[RV_SEC_OPERATION], "Phase")) {
		const xmlNode *first = rv_xml_child(phase, "StartDateTime");
		const xmlNode *last = rv_xml_child(phase, "EndDateTime");
		if (value_moment(first, &start) && start < from) {
			rule_break(r, rule, first, "the phase starts before the operation");
		}
		if (value_moment(last, &end) && end > to) {
			rule_break(r, rule, last, "the phase ends after the operation");
		}
	}
}

static void members_once(struct rules *r, const struct rule *rule)
{
	rule_unique_children(r, rule, r->sec[RV_SEC_OPERATION], "Member", "Code", "the member");
	for (EACH(member, r->sec[RV_SEC_OPERATION], "Member")) {
		rule_unique_children(r, rule, member, "RoleCode", NULL, "the role");
	}
}

static void lead_is_member(struct rules *r, const struct rule *rule)
{
	const xmlNode *lead = in_op(r, "LeadCode");
	if (lead != NULL && has_members(r) && !has_role(member_of(r, value_text(lead)), "lead")) {
		char cut[WORDS_CUT];
		rule_break(r, rule, lead, "%s leads, but is not a Member with the role lead",
			words_cut(cut, value_text(lead)));
	}
}

static void units_are_members(struct rules *r, const struct rule *rule)
{
	for (EACH(unit, r->sec[RV_SEC_OPERATION], "CoordinationUnitCode")) {
		if (has_members(r) &&
			!has_role(member_of(r, value_text(unit)), "coordination-unit")) {
			char cut[WORDS_CUT];
			rule_break(r, rule, unit,
				"%s coordinates, but is not a Member with the role "
				"coordination-unit",
				words_cut(cut, value_text(unit)));
		}
	}
}

static void nominal_fits(struct rules *r, const struct rule *rule)
{
	if (in_op(r, "NominalAllowedIndicator") == NULL ||
		value_true(in_op(r, "NominalAllowedIndicator"))) {
		return;
	}
	for (EACH(member, r->sec[RV_SEC_OPERATION], "Member")) {
		const xmlNode *allowed = rv_xml_child(member, "NominalAllowedIndicator");
		if (value_true(allowed)) {
			rule_break(r, rule, allowed,
				"the member may receive personal data, but the operation allows "
				"none");
		}
	}
}

static void holders_get_none(struct rules *r, const struct rule *rule)
{
	for (EACH(member, r->sec[RV_SEC_OPERATION], "Member")) {
		const xmlNode *allowed = rv_xml_child(member, "NominalAllowedIndicator");
		if (value_true(allowed) && has_role(member, "right-holder")) {
			rule_break(r, rule, allowed, "a right-holder may receive personal data");
		}
	}
}

static void kinds_once(struct rules *r, const struct rule *rule)
{
	rule_unique_children(r, rule, r->sec[RV_SEC_OPERATION], "KindCode", NULL, "the kind");
	rule_unique_children(
		r, rule, r->sec[RV_SEC_OPERATION], "RiskAreaCode", NULL, "the risk area");
	rule_unique_children(r, rule, r->sec[RV_SEC_OPERATION], "TransportModeCode", NULL,
		"the mode of transport");
	rule_unique_children(r, rule, r->sec[RV_SEC_OPERATION], "CoordinationUnitCode", NULL,
		"the coordination unit");
}

static void member_kinds(struct rules *r, const struct rule *rule)
{
	unsigned kinds = 0;
	for (EACH(n, r->sec[RV_SEC_OPERATION], "KindCode")) {
		kinds |= 1u << rv_kind_parse(value_text(n));
	}
	for (EACH(member, r->sec[RV_SEC_OPERATION], "Member")) {
		for (EACH(n, member, "SendKindCode")) {
			enum rv_kind k = rv_kind_parse(value_text(n));
			if (k != 0 && !(kinds & (1u << k))) {
				rule_break(r, rule, n,
					"the member may send %s, which the operation does not "
					"allow",
					rv_kind_text(k));
			}
		}
	}
}

static void rules_once(struct rules *r, const struct rule *rule)
{
	rule_unique_children(r, rule, r->sec[RV_SEC_OPERATION], "DistributionRule",
		"SequenceNumeric", "the distribution rule");
	rule_unique_children(
		r, rule, r->sec[RV_SEC_OPERATION], "Phase", "SequenceNumeric", "the phase");
}

static void withhold_names(struct rules *r, const struct rule *rule)
{
	for (EACH(n, r->sec[RV_SEC_OPERATION], "DistributionRule")) {
		const xmlNode *action = rv_xml_child(n, "ActionCode");
		const xmlNode *section = rv_xml_child(n, "WithheldSection");
		if (value_is(action, "withhold") && section == NULL) {
			rule_break_missing(r, rule, n, "WithheldSection",
				"the rule withholds, but does not tell which section");
		} else if (action != NULL && !value_is(action, "withhold") && section != NULL) {
			rule_break(r, rule, section,
				"the rule names a section to withhold, but its action is %s",
				value_text(action));
		}
	}
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Members are looked up sorted: a definition may have 500 of them and 10,000 codes in its rules. */
static void rules_name_members(struct rules *r, const struct rule *rule)
{
	static const char *const names[] = {"OriginatorCode", "RecipientCode"};
	size_t n = 0, count = 0;
	if (!has_members(r)) {
		return;
	}
	for (EACH(member, r->sec[RV_SEC_OPERATION], "Member")) {
		count++;
	}
	const char **codes = calloc(count + 1, sizeof(*codes));
	if (codes == NULL) {
		r->f->failed = 1;
		return;
	}
	for (EACH(member, r->sec[RV_SEC_OPERATION], "Member")) {
		codes[n++] = value_text(rv_xml_child(member, "Code"));
	}
	qsort(codes, n, sizeof(*codes), by_text);
	for (EACH(distribution, r->sec[RV_SEC_OPERATION], "DistributionRule")) {
		for (size_t i = 0; i < 2; i++) {
			for (EACH(at, distribution, names[i])) {
				const char *code = value_text(at);
				char cut[WORDS_CUT];
				if (bsearch(&code, codes, n, sizeof(*codes), by_text) == NULL) {
					rule_break(r, rule, at,
						"%s in a distribution rule is not a Member",
						words_cut(cut, code));
				}
			}
		}
	}
	free(codes);
}

static void deadlines_once(struct rules *r, const struct rule *rule)
{
	rule_unique_children(r, rule, r->sec[RV_SEC_OPERATION], "FeedbackDeadline", "UrgencyCode",
		"the deadline for");
}

static void lists_once(struct rules *r, const struct rule *rule)
{
	rule_unique_children(
		r, rule, r->sec[RV_SEC_OPERATION], "CategoryList", "Code", "the category list");
	for (EACH(list, r->sec[RV_SEC_OPERATION], "CategoryList")) {
		rule_unique_children(r, rule, list, "Category", "Code", "the category");
		for (EACH(category, list, "Category")) {
			rule_unique_children(
				r, rule, category, "SubCategory", "Code", "the sub-category");
		}
	}
}

static void own_generic(struct rules *r, const struct rule *rule)
{
	for (EACH(list, r->sec[RV_SEC_OPERATION], "CategoryList")) {
		const xmlNode *code = rv_xml_child(list, "Code");
		if (value_is(code, "generic")) {
			rule_break(r, rule, code,
				"the operation has a category list of the name generic, which is "
				"that of the schema");
		}
	}
}

const struct rule rules_operation[] = {
	{RV_LEVEL_ERROR, "RV-OPERATION-DATES",
		"Operations, phases and memberships end after they start.",
		"Correct StartDateTime or EndDateTime.", dates, NULL},
	{RV_LEVEL_ERROR, "RV-OPERATION-PHASE", "Phases lie inside the operation.",
		"Correct the dates of the phase or of the operation.", phases_inside, NULL},
	{RV_LEVEL_ERROR, "RV-OPERATION-MEMBER-TWICE", "A member stands once, with each role once.",
		"Join them: a member has up to three RoleCodes.", members_once, NULL},
	{RV_LEVEL_ERROR, "RV-OPERATION-LEAD", "The lead is a member with the role lead.",
		"Add the Member, or RoleCode lead to it.", lead_is_member, NULL},
	{RV_LEVEL_ERROR, "RV-OPERATION-UNIT", "Coordination units are members with that role.",
		"Add the Member, or RoleCode coordination-unit to it.", units_are_members, NULL},
	{RV_LEVEL_ERROR, "RV-OPERATION-NOMINAL",
		"Members receive personal data only where the operation allows it.",
		"Set NominalAllowedIndicator of the operation to true, or that of the member to "
		"false.",
		nominal_fits, NULL},
	{RV_LEVEL_ERROR, "RV-OPERATION-HOLDER", "Right-holders receive no personal data.",
		"Take NominalAllowedIndicator out.", holders_get_none, NULL},
	{RV_LEVEL_ERROR, "RV-OPERATION-TWICE",
		"Kinds, risk areas, modes and coordination units stand once.",
		"Take the second one out.", kinds_once, NULL},
	{RV_LEVEL_ERROR, "RV-OPERATION-KIND", "Members send only kinds that the operation allows.",
		"Add the KindCode to the operation, or take SendKindCode out.", member_kinds, NULL},
	{RV_LEVEL_ERROR, "RV-OPERATION-RULE-TWICE",
		"Distribution rules and phases have different numbers.",
		"Number them 1, 2, 3: the first distribution rule that fits decides.", rules_once,
		NULL},
	{RV_LEVEL_ERROR, "RV-OPERATION-WITHHOLD",
		"A distribution rule names sections if it withholds, and only then.",
		"Add or take out WithheldSection.", withhold_names, NULL},
	{RV_LEVEL_ERROR, "RV-OPERATION-RULE-MEMBER",
		"Distribution rules name members of the operation.",
		"Correct the code, or add the Member.", rules_name_members, NULL},
	{RV_LEVEL_ERROR, "RV-OPERATION-DEADLINE-TWICE", "There is one deadline for each urgency.",
		"Take the second one out.", deadlines_once, NULL},
	{RV_LEVEL_ERROR, "RV-OPERATION-LIST-TWICE",
		"Category lists, categories and sub-categories stand once.",
		"Take the second one out.", lists_once, NULL},
	{RV_LEVEL_ERROR, "RV-OPERATION-GENERIC", "The generic category list is not redefined.",
		"Give the list another code.", own_generic, NULL},
	{0},
};
