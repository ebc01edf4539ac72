/* SPDX-License-Identifier: Apache-2.0 */
#include "rules_inside.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The situation report: its counts can be told from each other and from the messages that it lists.
 */

static const xmlNode *in_report(const struct rules *r, const char *name)
{
	return rv_xml_child(r->sec[RV_SEC_SITUATION], name);
}

static void period(struct rules *r, const struct rule *rule)
{
	const xmlNode *at = in_report(r, "EndDateTime");
	int64_t start, end;
	char a[MOMENT_WORDS], b[MOMENT_WORDS];
	if (value_moment(at, &end) && value_moment(in_report(r, "StartDateTime"), &start) &&
		end <= start) {
		rule_break(r, rule, at, "the period ends on %s, not after it starts (%s)",
			moment_words(a, end), moment_words(b, start));
	}
}

static int counts_something(const struct rules *r)
{
	static const char *const counts[] = {
		"ControlQuantity", "SeizureQuantity", "WarningQuantity", "ArrestQuantity"};
	int some = in_report(r, "SeizureTotal") != NULL || in_report(r, "TopRoute") != NULL ||
		   in_report(r, "ListedMessage") != NULL || in_report(r, "OpenWarning") != NULL ||
		   in_report(r, "Incident") != NULL;
	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		uint64_t n;
		some |= value_number(in_report(r, counts[i]), &n) && n > 0;
	}
	return some;
}

static void nil_is_nil(struct rules *r, const struct rule *rule)
{
	const xmlNode *nil = in_report(r, "NilIndicator");
	if (value_true(nil) && counts_something(r)) {
		rule_break(r, rule, nil,
			"NilIndicator says that nothing is to report, but the report has counts or "
			"totals");
	}
}

static void report_is_not_nil(struct rules *r, const struct rule *rule)
{
	const xmlNode *nil = in_report(r, "NilIndicator");
	int is_false = value_is(nil, "false") || value_is(nil, "0");
	if (is_false && !counts_something(r) && !has_section(r, RV_SEC_NARRATIVE)) {
		rule_break(r, rule, nil,
			"NilIndicator is false, but the report has nothing to report");
	}
}

static void cases_fit(struct rules *r, const struct rule *rule)
{
	uint64_t all, cases;
	if (!value_number(in_report(r, "SeizureQuantity"), &all)) {
		return;
	}
	for (EACH(total, r->sec[RV_SEC_SITUATION], "SeizureTotal")) {
		const xmlNode *at = rv_xml_child(total, "CaseQuantity");
		if (value_number(at, &cases) && cases > all) {
			rule_break(r, rule, at,
				"%llu cases of one category, but only %llu seizures in all",
				(unsigned long long)cases, (unsigned long long)all);
		}
	}
}

/* A seizure of several categories counts in each, so the sum may be more than the seizures, never
 * less. */
static void cases_cover(struct rules *r, const struct rule *rule)
{
	const xmlNode *at = in_report(r, "SeizureQuantity");
	uint64_t all, cases, sum = 0;
	if (!value_number(at, &all) || in_report(r, "SeizureTotal") == NULL) {
		return;
	}
	for (EACH(total, r->sec[RV_SEC_SITUATION], "SeizureTotal")) {
		sum += value_number(rv_xml_child(total, "CaseQuantity"), &cases) ? cases : 0;
	}
	if (sum < all) {
		rule_break(r, rule, at, "%llu seizures, but the totals have only %llu cases",
			(unsigned long long)all, (unsigned long long)sum);
	}
}

static void controls_fit(struct rules *r, const struct rule *rule)
{
	const xmlNode *at = in_report(r, "ControlQuantity");
	uint64_t controls, seizures;
	if (value_number(at, &controls) &&
		value_number(in_report(r, "SeizureQuantity"), &seizures) && seizures > controls) {
		rule_break(r, rule, at, "%llu controls, but %llu seizures",
			(unsigned long long)controls, (unsigned long long)seizures);
	}
}

static void totals_have_list(struct rules *r, const struct rule *rule)
{
	if (in_report(r, "SeizureTotal") != NULL && in_report(r, "CategoryList") == NULL) {
		rule_break_missing(r, rule, r->sec[RV_SEC_SITUATION], "CategoryList",
			"the totals have categories of a list that is not named");
	}
}

static void totals_once(struct rules *r, const struct rule *rule)
{
	size_t n = 0, count = 0;
	for (EACH(total, r->sec[RV_SEC_SITUATION], "SeizureTotal")) {
		count++;
	}
	if (count < 2) {
		return;
	}
	struct key *keys = calloc(count, sizeof(*keys));
	char(*texts)[100] = calloc(count, sizeof(*texts));
	if (keys == NULL || texts == NULL) {
		r->f->failed = 1;
		goto out;
	}
	for (EACH(total, r->sec[RV_SEC_SITUATION], "SeizureTotal")) {
		const char *unit = rv_xml_attr(rv_xml_child(total, "Quantity"), "unitCode");
		const char *sub = value_text(rv_xml_child(total, "SubCategoryCode"));
		snprintf(texts[n], sizeof(texts[n]), "%.31s%s%.31s in %.3s",
			value_text(rv_xml_child(total, "CategoryCode")), sub[0] != '\0' ? "/" : "",
			sub, unit != NULL ? unit : "?");
		keys[n] = (struct key){texts[n], total};
		n++;
	}
	rule_unique(r, rule, keys, n, 0, "the total of");
out:
	free(keys);
	free(texts);
}

static void totals_are_some(struct rules *r, const struct rule *rule)
{
	for (EACH(total, r->sec[RV_SEC_SITUATION], "SeizureTotal")) {
		const xmlNode *cases = rv_xml_child(total, "CaseQuantity");
		if (value_zero(cases)) {
			rule_break(r, rule, cases, "the total has no case");
		}
	}
}

static void listed_once(struct rules *r, const struct rule *rule)
{
	rule_unique_children(
		r, rule, r->sec[RV_SEC_SITUATION], "ListedMessage", "MessageID", "the message");
	rule_unique_children(
		r, rule, r->sec[RV_SEC_SITUATION], "OpenWarning", "MessageID", "the open warning");
}

static void first_is_initial(struct rules *r, const struct rule *rule)
{
	const xmlNode *state = in_report(r, "StateCode");
	uint64_t number;
	if (value_is(state, "initial") && value_number(in_report(r, "SequenceNumeric"), &number) &&
		number > 1) {
		rule_break(r, rule, state, "StateCode is initial, but it is report number %llu",
			(unsigned long long)number);
	}
}

const struct rule rules_situation[] = {
	{RV_LEVEL_ERROR, "RV-SITUATION-PERIOD",
		"The period of a situation report ends after it starts.",
		"Correct StartDateTime or EndDateTime.", period, NULL},
	{RV_LEVEL_ERROR, "RV-SITUATION-NIL",
		"A nil report has no counts, totals, routes, messages or incidents.",
		"Set NilIndicator to false, or take the counts out.", nil_is_nil, NULL},
	{RV_LEVEL_ERROR, "RV-SITUATION-NOT-NIL",
		"A report that is not nil has something to report.",
		"Set NilIndicator to true, or add the counts.", report_is_not_nil, NULL},
	{RV_LEVEL_ERROR, "RV-SITUATION-CASES",
		"No category has more cases than there were seizures.",
		"Correct SeizureQuantity or CaseQuantity.", cases_fit, NULL},
	{RV_LEVEL_ERROR, "RV-SITUATION-SUM",
		"The cases of all categories are at least as many as the seizures.",
		"Add the totals that are missing, or correct SeizureQuantity.", cases_cover, NULL},
	{RV_LEVEL_WARNING, "RV-SITUATION-CONTROLS",
		"There were at least as many controls as seizures.", "Correct ControlQuantity.",
		controls_fit, NULL},
	{RV_LEVEL_ERROR, "RV-SITUATION-LIST", "Totals name the list of their categories.",
		"Add CategoryList.", totals_have_list, NULL},
	{RV_LEVEL_ERROR, "RV-SITUATION-TOTAL-TWICE",
		"There is one total for each category and unit.", "Add them up.", totals_once,
		NULL},
	{RV_LEVEL_ERROR, "RV-SITUATION-TOTAL-ZERO", "A total has at least one case.",
		"Take the total out.", totals_are_some, NULL},
	{RV_LEVEL_ERROR, "RV-SITUATION-LISTED-TWICE", "A message is listed once.",
		"Take the second one out.", listed_once, NULL},
	{RV_LEVEL_ERROR, "RV-SITUATION-STATE", "Only the first report is initial.",
		"Set StateCode to interim or final.", first_is_initial, NULL},
	{0},
};
