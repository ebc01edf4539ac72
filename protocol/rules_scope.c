/* SPDX-License-Identifier: Apache-2.0 */
#include "rules_inside.h"

#include <string.h>

/* The message against the operation under which it is sent, where that is known. */

static const struct rv_operation *op_of(const struct rules *r)
{
	return r->ctx->operation;
}

static void code_is_its(struct rules *r, const struct rule *rule)
{
	const xmlNode *code = rv_xml_child(rv_xml_child(r->header, "Operation"), "Code");
	if (op_of(r) != NULL && code != NULL && !value_is(code, op_of(r)->code)) {
		char cut[WORDS_CUT];
		rule_break(r, rule, code,
			"the message names the operation %s, but is sent under %s",
			words_cut(cut, value_text(code)), op_of(r)->code);
	}
}

static void kind_is_allowed(struct rules *r, const struct rule *rule)
{
	const struct rv_operation *op = op_of(r);
	if (op != NULL && r->kind != 0 && op->kinds != 0 && !(op->kinds & (1u << r->kind))) {
		rule_break(r, rule, rv_xml_child(r->header, "TypeCode"),
			"the operation %s does not allow messages of the kind %s", op->code,
			rv_kind_text(r->kind));
	}
}

#define WEEK_US (7 * 86400 * RV_US_PER_SEC)

static int happened_inside(const struct rules *r, const struct rv_operation *op)
{
	int64_t t;
	return value_moment(rv_xml_child(r->sec[RV_SEC_EVENT], "OccurrenceDateTime"), &t) &&
	       t >= op->from_us && t < op->to_us;
}

/* What belongs to the work of the operation is sent while it runs; answers, changes and reports may
 * follow later, and so may, for a week, the seizures of its last days. */
static void issued_inside(struct rules *r, const struct rule *rule)
{
	const struct rv_operation *op = op_of(r);
	const xmlNode *at = rv_xml_child(r->header, "IssueDateTime");
	char words[MOMENT_WORDS], from[MOMENT_WORDS], to[MOMENT_WORDS];
	int fresh = r->kind == RV_KIND_WARNING || r->kind == RV_KIND_SEIZURE ||
		    r->kind == RV_KIND_ALERT || r->kind == RV_KIND_REQUEST;
	if (op == NULL || r->issue_us == 0 || !fresh ||
		(r->issue_us >= op->from_us && r->issue_us < op->to_us)) {
		return;
	}
	if (r->kind == RV_KIND_SEIZURE && happened_inside(r, op) &&
		r->issue_us < op->to_us + WEEK_US) {
		return;
	}
	rule_break(r, rule, at != NULL ? at : r->header,
		"the message is issued on %s, but the operation %s runs from %s to %s",
		moment_words(words, r->issue_us), op->code, moment_words(from, op->from_us),
		moment_words(to, op->to_us));
}

static void event_inside(struct rules *r, const struct rule *rule)
{
	const struct rv_operation *op = op_of(r);
	const xmlNode *at = rv_xml_child(r->sec[RV_SEC_EVENT], "OccurrenceDateTime");
	int64_t t;
	char words[MOMENT_WORDS], from[MOMENT_WORDS], to[MOMENT_WORDS];
	if (op != NULL && value_moment(at, &t) && (t < op->from_us || t >= op->to_us)) {
		rule_break(r, rule, at,
			"the event is on %s, but the operation %s runs from %s to %s",
			moment_words(words, t), op->code, moment_words(from, op->from_us),
			moment_words(to, op->to_us));
	}
}

static void nominal_is_allowed(struct rules *r, const struct rule *rule)
{
	if (op_of(r) != NULL && !op_of(r)->nominal_allowed && has_section(r, RV_SEC_PERSONS)) {
		rule_break(r, rule, r->sec[RV_SEC_PERSONS],
			"the operation %s does not allow personal data", op_of(r)->code);
	}
}

static void area_is_its(struct rules *r, const struct rule *rule)
{
	const struct rv_operation *op = op_of(r);
	unsigned areas = 0;
	if (op == NULL || op->risks == 0) {
		return;
	}
	for (EACH(n, r->header, "RiskAreaCode")) {
		for (unsigned bit = 1; bit <= RV_RISK_ENVIRONMENT; bit <<= 1) {
			areas |= value_is(n, rv_risk_text((enum rv_risk)bit)) ? bit : 0;
		}
	}
	if (areas != 0 && !(areas & op->risks)) {
		rule_break(r, rule, rv_xml_child(r->header, "RiskAreaCode"),
			"none of the risk areas of the message is one of the operation %s",
			op->code);
	}
}

const struct rule rules_scope[] = {
	{RV_LEVEL_ERROR, "RV-SCOPE-CODE", "A message names the operation under which it is sent.",
		"Send it under the operation that it names, or leave Operation out of the draft.",
		code_is_its, NULL},
	{RV_LEVEL_ERROR, "RV-SCOPE-KIND", "A message is of a kind that its operation allows.",
		"'reeve operation show' tells which kinds may be sent.", kind_is_allowed, NULL},
	{RV_LEVEL_ERROR, "RV-SCOPE-DATE",
		"Warnings, seizures, alerts and requests are sent while their operation runs.",
		"Send it under an operation that runs; ask the coordination unit if the dates are "
		"wrong.",
		issued_inside, NULL},
	{RV_LEVEL_WARNING, "RV-SCOPE-EVENT", "An event happened while its operation ran.",
		"Correct OccurrenceDateTime, if it is wrong; what happened outside may be told, "
		"but does not count.",
		event_inside, NULL},
	{RV_LEVEL_ERROR, "RV-SCOPE-NOMINAL",
		"Personal data is sent only where the operation allows it.",
		"Take the section Persons out, or send it bilaterally under another operation.",
		nominal_is_allowed, NULL},
	{RV_LEVEL_WARNING, "RV-SCOPE-RISK", "A message has a risk area of its operation.",
		"Add the risk area that ties it to the operation, or send it under another.",
		area_is_its, NULL},
	{0},
};
