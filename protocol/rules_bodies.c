/* SPDX-License-Identifier: Apache-2.0 */
#include "rules_inside.h"

#include <string.h>

/* The bodies of warnings, feedback, amendments, requests and replies. */

static void subject_is_there(struct rules *r, const struct rule *rule)
{
	const xmlNode *subject = rv_xml_child(r->sec[RV_SEC_WARNING], "SubjectCode");
	const char *need = NULL;
	if (value_is(subject, "consignment") && lacks_section(r, RV_SEC_GOODS) &&
		lacks_section(r, RV_SEC_CONVEYANCE)) {
		need = "Goods or Conveyance";
	} else if (value_is(subject, "conveyance") && lacks_section(r, RV_SEC_CONVEYANCE)) {
		need = "Conveyance";
	} else if (value_is(subject, "person") && lacks_section(r, RV_SEC_PERSONS)) {
		need = "Persons";
	} else if (value_is(subject, "method") && lacks_section(r, RV_SEC_CONCEALMENT) &&
		   lacks_section(r, RV_SEC_NARRATIVE)) {
		need = "Concealment or Narrative";
	}
	if (need != NULL) {
		rule_break(r, rule, subject, "the warning is about a %s, but has no section %s",
			value_text(subject), need);
	}
}

static void risks_once(struct rules *r, const struct rule *rule)
{
	rule_unique_children(
		r, rule, r->sec[RV_SEC_WARNING], "RiskTypeCode", NULL, "the type of risk");
}

static void action_has_time(struct rules *r, const struct rule *rule)
{
	const xmlNode *urgency = rv_xml_child(r->sec[RV_SEC_WARNING], "UrgencyCode");
	const xmlNode *action = rv_xml_child(r->sec[RV_SEC_WARNING], "ActionCode");
	if (value_is(urgency, "immediate") && value_is(action, "inform-only")) {
		rule_break(r, rule, urgency,
			"the warning is urgent (immediate), but asks for nothing (inform-only)");
	}
}

static const xmlNode *control(const struct rules *r, const char *name)
{
	return rv_xml_child(rv_xml_child(r->sec[RV_SEC_FEEDBACK], "Control"), name);
}

/* The argument is the element that tells when or where. */
static void control_is_told(struct rules *r, const struct rule *rule)
{
	const xmlNode *result = control(r, "ResultCode");
	int done = value_is(result, "seized") || value_is(result, "clean") ||
		   value_is(result, "released");
	if (done && control(r, rule->arg) == NULL) {
		rule_break_missing(r, rule, result->parent, rule->arg,
			"the result is %s, but %s of the control is missing", value_text(result),
			rule->arg);
	}
}

static void seizure_fits_result(struct rules *r, const struct rule *rule)
{
	const xmlNode *result = control(r, "ResultCode");
	const xmlNode *seizure = control(r, "SeizureMessage");
	int known = rv_catalog_has(r->catalog, "feedback-results", value_text(result)) == 1;
	if (seizure != NULL && known && !value_is(result, "seized")) {
		rule_break(r, rule, seizure, "the result is %s, but the feedback names a seizure",
			value_text(result));
	}
}

static void seizure_is_named(struct rules *r, const struct rule *rule)
{
	const xmlNode *result = control(r, "ResultCode");
	if (value_is(result, "seized") && control(r, "SeizureMessage") == NULL) {
		rule_break(r, rule, result,
			"the result is seized, but no SeizureMessage names the report of the "
			"seizure");
	}
}

static const xmlNode *verdict(const struct rules *r, const char *name)
{
	return rv_xml_child(rv_xml_child(r->sec[RV_SEC_FEEDBACK], "Verdict"), name);
}

static void consent_fits_verdict(struct rules *r, const struct rule *rule)
{
	const xmlNode *consent = verdict(r, "DestructionConsentIndicator");
	const xmlNode *code = verdict(r, "VerdictCode");
	int known = rv_catalog_has(r->catalog, "verdicts", value_text(code)) == 1;
	if (value_true(consent) && known && !value_is(code, "counterfeit")) {
		rule_break(r, rule, consent,
			"the holder consents to destruction, but the verdict is %s",
			value_text(code));
	}
}

static void samples_fit_verdict(struct rules *r, const struct rule *rule)
{
	const xmlNode *needs = verdict(r, "NeedsSamplesIndicator");
	const xmlNode *code = verdict(r, "VerdictCode");
	int known = rv_catalog_has(r->catalog, "verdicts", value_text(code)) == 1;
	if (value_true(needs) && known && !value_is(code, "unknown")) {
		rule_break(r, rule, needs,
			"the holder needs samples, but the verdict is %s already",
			value_text(code));
	}
}

static const xmlNode *amendment(const struct rules *r, const char *name)
{
	return rv_xml_child(r->sec[RV_SEC_AMENDMENT], name);
}

static void effect_fits_kind(struct rules *r, const struct rule *rule)
{
	const xmlNode *effect = amendment(r, "EffectCode");
	int replaces = value_is(effect, "replace");
	if (effect == NULL || (r->kind != RV_KIND_UPDATE && r->kind != RV_KIND_CANCEL) ||
		replaces == (r->kind == RV_KIND_UPDATE)) {
		return;
	}
	rule_break(r, rule, effect, "EffectCode of the %s is %s", rv_kind_text(r->kind),
		value_text(effect));
}

static void reason_fits_kind(struct rules *r, const struct rule *rule)
{
	const xmlNode *reason = amendment(r, "ReasonCode");
	if (r->kind == RV_KIND_UPDATE &&
		(value_is(reason, "duplicate") || value_is(reason, "false-alarm") ||
			value_is(reason, "consent-withdrawn"))) {
		rule_break(r, rule, reason,
			"the reason is %s, but the message is replaced, not withdrawn",
			value_text(reason));
	} else if (r->kind == RV_KIND_CANCEL && value_is(reason, "addition")) {
		rule_break(r, rule, reason,
			"the reason is addition, but the message is withdrawn, not replaced");
	}
}

static void target_is_referred(struct rules *r, const struct rule *rule)
{
	const xmlNode *target = rv_xml_child(amendment(r, "Target"), "MessageID");
	const char *type = r->kind == RV_KIND_UPDATE ? "updates" : "cancels";
	int any = 0;
	if (target == NULL || (r->kind != RV_KIND_UPDATE && r->kind != RV_KIND_CANCEL)) {
		return;
	}
	for (EACH(ref, r->header, "Reference")) {
		if (!value_is(rv_xml_child(ref, "TypeCode"), type)) {
			continue;
		}
		if (value_is(rv_xml_child(ref, "MessageID"), value_text(target))) {
			return;
		}
		any = 1;
	}
	if (any) {
		char cut[WORDS_CUT];
		rule_break(r, rule, target,
			"the Amendment is of message %s, but no Reference of the header %s it",
			words_cut(cut, value_text(target)), type);
	}
}

static void version_follows(struct rules *r, const struct rule *rule)
{
	const xmlNode *at = rv_xml_child(amendment(r, "Target"), "VersionID");
	uint64_t target, own;
	if ((r->kind == RV_KIND_UPDATE || r->kind == RV_KIND_CANCEL) && value_number(at, &target) &&
		value_number(rv_xml_child(r->header, "VersionID"), &own) && own > 1 &&
		target + 1 != own) {
		rule_break(r, rule, at,
			"version %llu follows on version %llu; versions go up by one",
			(unsigned long long)own, (unsigned long long)target);
	}
}

static void changed_once(struct rules *r, const struct rule *rule)
{
	rule_unique_children(
		r, rule, r->sec[RV_SEC_AMENDMENT], "ChangedSection", NULL, "the section");
}

static void questions_once(struct rules *r, const struct rule *rule)
{
	rule_unique_children(
		r, rule, r->sec[RV_SEC_REQUEST], "Question", "SequenceNumeric", "the question");
}

static void answers_once(struct rules *r, const struct rule *rule)
{
	rule_unique_children(r, rule, r->sec[RV_SEC_REPLY], "Answer", "QuestionNumeric",
		"the answer to question");
}

static void answers_fit_status(struct rules *r, const struct rule *rule)
{
	const xmlNode *reply = r->sec[RV_SEC_REPLY];
	const xmlNode *status = rv_xml_child(reply, "StatusCode");
	int answers = rv_xml_child(reply, "Answer") != NULL;
	int needed = value_is(status, "answered") || value_is(status, "partly");
	int forbidden = value_is(status, "refused") || value_is(status, "pending");
	if (needed && !answers) {
		rule_break(r, rule, status, "StatusCode is %s, but there is no Answer",
			value_text(status));
	} else if (forbidden && answers) {
		rule_break(r, rule, status, "StatusCode is %s, but there is an Answer",
			value_text(status));
	}
}

static void refusal_has_reason(struct rules *r, const struct rule *rule)
{
	const xmlNode *status = rv_xml_child(r->sec[RV_SEC_REPLY], "StatusCode");
	if (value_is(status, "refused") && rv_xml_child(r->sec[RV_SEC_REPLY], "Reason") == NULL) {
		rule_break_missing(r, rule, r->sec[RV_SEC_REPLY], "Reason",
			"the request is refused without a Reason");
	}
}

static void pending_has_date(struct rules *r, const struct rule *rule)
{
	const xmlNode *status = rv_xml_child(r->sec[RV_SEC_REPLY], "StatusCode");
	if (value_is(status, "pending") &&
		rv_xml_child(r->sec[RV_SEC_REPLY], "NextDateTime") == NULL) {
		rule_break_missing(r, rule, r->sec[RV_SEC_REPLY], "NextDateTime",
			"the reply is pending, but NextDateTime does not tell until when");
	}
}

const struct rule rules_bodies[] = {
	{RV_LEVEL_ERROR, "RV-WARNING-SUBJECT", "A warning has the section that tells its subject.",
		"Add the section, or correct SubjectCode.", subject_is_there, NULL},
	{RV_LEVEL_ERROR, "RV-WARNING-RISK-TWICE", "A type of risk stands once.",
		"Take the second one out.", risks_once, NULL},
	{RV_LEVEL_WARNING, "RV-WARNING-URGENCY", "A warning that asks for nothing is not urgent.",
		"Choose a lower urgency, or ask for an action.", action_has_time, NULL},
	{RV_LEVEL_ERROR, "RV-FEEDBACK-WHEN", "Feedback on a control that took place tells when.",
		"Add ControlDateTime.", control_is_told, "ControlDateTime"},
	{RV_LEVEL_ERROR, "RV-FEEDBACK-WHERE", "Feedback on a control that took place tells where.",
		"Add Place.", control_is_told, "Place"},
	{RV_LEVEL_ERROR, "RV-FEEDBACK-SEIZURE",
		"Only feedback with the result seized names a seizure.",
		"Set ResultCode to seized, or take SeizureMessage out.", seizure_fits_result, NULL},
	{RV_LEVEL_WARNING, "RV-FEEDBACK-SEIZED",
		"Feedback with the result seized names the report of the seizure.",
		"Send the seizure first, then give its ID in SeizureMessage.", seizure_is_named,
		NULL},
	{RV_LEVEL_ERROR, "RV-VERDICT-CONSENT",
		"Only counterfeit goods are destroyed with the holder's consent.",
		"Correct VerdictCode, or take DestructionConsentIndicator out.",
		consent_fits_verdict, NULL},
	{RV_LEVEL_ERROR, "RV-VERDICT-SAMPLES", "A holder that needs samples has no verdict yet.",
		"Set VerdictCode to unknown, or NeedsSamplesIndicator to false.",
		samples_fit_verdict, NULL},
	{RV_LEVEL_ERROR, "RV-AMEND-EFFECT", "An update replaces; a cancel keeps or erases.",
		"An update has EffectCode replace, a cancel has cancel-keep or erase.",
		effect_fits_kind, NULL},
	{RV_LEVEL_ERROR, "RV-AMEND-REASON", "The reason of an amendment fits what it does.",
		"Send a cancel to withdraw, an update to change.", reason_fits_kind, NULL},
	{RV_LEVEL_ERROR, "RV-AMEND-TARGET", "Amendment and Reference name the same message.",
		"Give the same ID in both places.", target_is_referred, NULL},
	{RV_LEVEL_ERROR, "RV-AMEND-VERSION",
		"An update or cancel is one version later than what it changes.",
		"VersionID in the header is one more than VersionID of the Target.",
		version_follows, NULL},
	{RV_LEVEL_ERROR, "RV-AMEND-SECTION-TWICE", "A changed section stands once.",
		"Take the second one out.", changed_once, NULL},
	{RV_LEVEL_ERROR, "RV-REQUEST-NUMBER", "Questions have different numbers.",
		"Number the questions 1, 2, 3.", questions_once, NULL},
	{RV_LEVEL_ERROR, "RV-REPLY-NUMBER", "A question has one answer.",
		"Join the answers, or correct QuestionNumeric.", answers_once, NULL},
	{RV_LEVEL_ERROR, "RV-REPLY-STATUS",
		"A reply has answers if it says so, and none if it is refused or pending.",
		"Correct StatusCode, or add or take out answers.", answers_fit_status, NULL},
	{RV_LEVEL_ERROR, "RV-REPLY-REASON", "A request is refused with a reason.", "Add Reason.",
		refusal_has_reason, NULL},
	{RV_LEVEL_ERROR, "RV-REPLY-PENDING", "A reply that is pending tells when more comes.",
		"Add NextDateTime.", pending_has_date, NULL},
	{0},
};
