/* SPDX-License-Identifier: Apache-2.0 */
#include "rules_inside.h"

#include <string.h>

/* Which sections a kind of message needs, and which it cannot have. */

#define BIT(s) (1u << (s))
#define TEXTS (BIT(RV_SEC_NARRATIVE) | BIT(RV_SEC_ATTACHMENTS))
#define THINGS                                                                                     \
	(BIT(RV_SEC_GOODS) | BIT(RV_SEC_CONVEYANCE) | BIT(RV_SEC_ROUTE) |                          \
		BIT(RV_SEC_CONCEALMENT) | BIT(RV_SEC_PERSONS) | BIT(RV_SEC_RIGHTS) | TEXTS)
#define CASE (BIT(RV_SEC_EVENT) | THINGS)
#define BODIES                                                                                     \
	(BIT(RV_SEC_WARNING) | BIT(RV_SEC_ALERT) | BIT(RV_SEC_FEEDBACK) | BIT(RV_SEC_SITUATION) |  \
		BIT(RV_SEC_REQUEST) | BIT(RV_SEC_REPLY) | BIT(RV_SEC_OPERATION))

static const unsigned allowed[RV_KIND_LAST] = {
	[RV_KIND_WARNING] = BIT(RV_SEC_WARNING) | THINGS,
	[RV_KIND_SEIZURE] = CASE,
	/* What else an alert must not tell is a rule of the right-holder (RV-ALERT-...). */
	[RV_KIND_ALERT] = BIT(RV_SEC_ALERT) | CASE,
	[RV_KIND_FEEDBACK] = BIT(RV_SEC_FEEDBACK) | BIT(RV_SEC_GOODS) | BIT(RV_SEC_RIGHTS) | TEXTS,
	[RV_KIND_SITUATION] = BIT(RV_SEC_SITUATION) | TEXTS,
	[RV_KIND_UPDATE] = BIT(RV_SEC_AMENDMENT) | BODIES | CASE,
	[RV_KIND_CANCEL] = BIT(RV_SEC_AMENDMENT) | TEXTS,
	[RV_KIND_REQUEST] = BIT(RV_SEC_REQUEST) | CASE,
	[RV_KIND_REPLY] = BIT(RV_SEC_REPLY) | CASE,
	[RV_KIND_OPERATION] = BIT(RV_SEC_OPERATION) | TEXTS,
};

/* The rule's argument is "KIND SECTION". */
static void needs_section(struct rules *r, const struct rule *rule)
{
	const char *space = strchr(rule->arg, ' ');
	const char *kind = rv_kind_text(r->kind);
	int section = rv_section_parse(space + 1);
	if (r->kind == 0 || strlen(kind) != (size_t)(space - rule->arg) ||
		strncmp(rule->arg, kind, strlen(kind)) != 0) {
		return;
	}
	if (lacks_section(r, (enum rv_section)section)) {
		rule_break_missing(r, rule, r->root, space + 1,
			"a message of the kind %s needs the section %s", kind, space + 1);
	}
}

static void has_no_other(struct rules *r, const struct rule *rule)
{
	if (r->kind == 0) {
		return;
	}
	for (int s = 0; s < RV_SEC_COUNT; s++) {
		if (r->sec[s] != NULL && !(allowed[r->kind] & BIT(s))) {
			rule_break(r, rule, r->sec[s],
				"a message of the kind %s cannot have the section %s",
				rv_kind_text(r->kind), rv_section_name((enum rv_section)s));
		}
	}
}

static void update_has_content(struct rules *r, const struct rule *rule)
{
	unsigned there = r->withheld;
	for (int s = 0; s < RV_SEC_COUNT; s++) {
		there |= r->sec[s] != NULL ? BIT(s) : 0;
	}
	if (r->kind == RV_KIND_UPDATE && !(there & ~BIT(RV_SEC_AMENDMENT))) {
		rule_break(r, rule, r->root,
			"the update replaces the earlier message by nothing: it has no section "
			"besides Amendment");
	}
}

static void one_body(struct rules *r, const struct rule *rule)
{
	const xmlNode *first = NULL;
	for (int s = 0; s < RV_SEC_COUNT && r->kind == RV_KIND_UPDATE; s++) {
		if (r->sec[s] == NULL || !(BODIES & BIT(s))) {
			continue;
		}
		if (first != NULL) {
			rule_break(r, rule, r->sec[s],
				"the update has both %s and %s; the message that it replaces had "
				"one of them",
				(const char *)first->name, (const char *)r->sec[s]->name);
		}
		first = r->sec[s];
	}
}

#define NEEDS(code, kind, section, mend)                                                           \
	{                                                                                          \
		RV_LEVEL_ERROR, code,                                                              \
			"A message of the kind " kind " needs the section " section ".", mend,     \
			needs_section, kind " " section                                            \
	}

const struct rule rules_kind[] = {
	NEEDS("RV-KIND-WARNING", "warning", "Warning",
		"Add the section Warning: urgency, what is asked, and why."),
	NEEDS("RV-KIND-SEIZURE-EVENT", "seizure", "Event",
		"Add the section Event: when and where it happened, how it was found."),
	NEEDS("RV-KIND-SEIZURE-GOODS", "seizure", "Goods",
		"Add the section Goods, one Item for each line of goods."),
	NEEDS("RV-KIND-ALERT", "alert", "Alert",
		"Add the section Alert: case, office, and until when an answer is needed."),
	NEEDS("RV-KIND-ALERT-GOODS", "alert", "Goods",
		"Add the section Goods: the right-holder is asked about goods."),
	NEEDS("RV-KIND-FEEDBACK", "feedback", "Feedback",
		"Add the section Feedback with a Control or a Verdict."),
	NEEDS("RV-KIND-SITUATION", "situation-report", "Situation",
		"Add the section Situation; where nothing happened, a nil report."),
	NEEDS("RV-KIND-UPDATE", "update", "Amendment",
		"Add the section Amendment: what is replaced, and why."),
	NEEDS("RV-KIND-CANCEL", "cancel", "Amendment",
		"Add the section Amendment: what is withdrawn, why, and to what effect."),
	NEEDS("RV-KIND-REQUEST", "request", "Request",
		"Add the section Request with its questions."),
	NEEDS("RV-KIND-REPLY", "reply", "Reply", "Add the section Reply with its answers."),
	NEEDS("RV-KIND-OPERATION", "operation", "Operation",
		"Add the section Operation with the whole definition."),
	{RV_LEVEL_ERROR, "RV-KIND-SECTION",
		"A kind of message has the sections that belong to it, and no others.",
		"Take the section out, or send it in a message of the kind that it belongs to.",
		has_no_other, NULL},
	{RV_LEVEL_ERROR, "RV-KIND-UPDATE-EMPTY", "An update carries the new version whole.",
		"Put in every section of the new version, not only what changed; to withdraw a "
		"message, send a cancel.",
		update_has_content, NULL},
	{RV_LEVEL_ERROR, "RV-KIND-UPDATE-BODY", "An update carries the body of one kind.",
		"Keep the body of the kind that is replaced.", one_body, NULL},
	{0},
};
