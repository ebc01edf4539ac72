/* SPDX-License-Identifier: Apache-2.0 */
#include "rules_inside.h"

#include <string.h>

/* Dates that cannot be. "Issue" is the time of sealing; for a draft it is now. */

#define DAY_US (86400 * RV_US_PER_SEC)
/* Clocks of offices differ. */
#define SLACK_US (10 * 60 * RV_US_PER_SEC)

static const xmlNode *in_header(const struct rules *r, const char *name)
{
	return rv_xml_child(r->header, name);
}

/* Every moment must be one that all parts of the program read alike. */
static void moments_are_read(struct rules *r, const struct rule *rule, const xmlNode *node,
	const struct shape_type *type)
{
	const char *builtin = NULL;
	for (const struct shape_type *t = type; t != NULL && builtin == NULL; t = t->base) {
		builtin = t->builtin;
	}
	int64_t t_us;
	if (type->content == SHAPE_SIMPLE && builtin != NULL && strcmp(builtin, "dateTime") == 0 &&
		!value_moment(node, &t_us)) {
		char cut[WORDS_CUT];
		rule_break(r, rule, node,
			"%s '%s' is not in the years 1970 to 9999, or its hour or second is not in "
			"the clock",
			(const char *)node->name, words_cut(cut, value_text(node)));
	}
	for (const xmlNode *c = rv_xml_first(node); c != NULL && type->content == SHAPE_ELEMENTS;
		c = rv_xml_next(c)) {
		const struct shape_decl *d = shape_child(type, c, NULL);
		if (d != NULL) {
			moments_are_read(r, rule, c, d->type);
		}
	}
}

static void clock_fits(struct rules *r, const struct rule *rule)
{
	moments_are_read(
		r, rule, r->root, shape_root(catalog_message_schema(r->catalog)->shape)->type);
}

static void issue_is_past(struct rules *r, const struct rule *rule)
{
	const xmlNode *at = in_header(r, "IssueDateTime");
	int64_t issued;
	char words[MOMENT_WORDS];
	if (r->ctx->sealed && r->ctx->now_us != 0 && value_moment(at, &issued) &&
		issued > r->ctx->now_us + DAY_US) {
		rule_break(r, rule, at,
			"the message says it was issued on %s, which is more than a day ahead",
			moment_words(words, issued));
	}
}

static void expiry_is_later(struct rules *r, const struct rule *rule)
{
	const xmlNode *at = in_header(r, "ExpirationDateTime");
	int64_t t;
	char words[MOMENT_WORDS], issue[MOMENT_WORDS];
	if (r->issue_us != 0 && value_moment(at, &t) && t <= r->issue_us) {
		rule_break(r, rule, at, "the message expires on %s, before it is issued (%s)",
			moment_words(words, t), moment_words(issue, r->issue_us));
	}
}

static void warning_expires(struct rules *r, const struct rule *rule)
{
	int warns = r->kind == RV_KIND_WARNING ||
		    (r->kind == RV_KIND_UPDATE && has_section(r, RV_SEC_WARNING));
	if (warns && r->header != NULL && in_header(r, "ExpirationDateTime") == NULL) {
		rule_break_missing(r, rule, r->header, "ExpirationDateTime",
			"the warning has no ExpirationDateTime");
	}
}

static void review_is_later(struct rules *r, const struct rule *rule)
{
	const xmlNode *at = in_header(r, "ReviewDate");
	int64_t t;
	char words[MOMENT_WORDS], issue[MOMENT_WORDS];
	if (r->issue_us != 0 && value_day(at, &t) && t + DAY_US <= r->issue_us) {
		rule_break(r, rule, at, "ReviewDate %s is before the day of issue (%s)",
			day_words(words, t), day_words(issue, r->issue_us));
	}
}

/* The earliest that is meant by a moment which is known to an hour, day or month only. East of
 * Greenwich a day begins up to 14 hours earlier. */
static int64_t earliest(int64_t t, const char *precision)
{
	const int64_t hour_us = 3600 * RV_US_PER_SEC;
	if (strcmp(precision, "hour") == 0) {
		return t / hour_us * hour_us;
	}
	if (strcmp(precision, "day") == 0) {
		return t / DAY_US * DAY_US - 14 * hour_us;
	}
	return strcmp(precision, "month") == 0 ? t - 31 * DAY_US : t;
}

static void event_is_past(struct rules *r, const struct rule *rule)
{
	const xmlNode *at = rv_xml_child(r->sec[RV_SEC_EVENT], "OccurrenceDateTime");
	const char *precision = at != NULL ? rv_xml_attr(at, "precision") : NULL;
	int64_t t;
	char words[MOMENT_WORDS], issue[MOMENT_WORDS];
	if (r->issue_us != 0 && value_moment(at, &t) &&
		earliest(t, precision != NULL ? precision : "") > r->issue_us + SLACK_US) {
		rule_break(r, rule, at, "the event is on %s, after the message is issued (%s)",
			moment_words(words, t), moment_words(issue, r->issue_us));
	}
}

/* What lies behind the report that tells of it; the argument is "SECTION/PATH/OF/MOMENT". */
static void is_past(struct rules *r, const struct rule *rule)
{
	char step[64];
	const char *path = rule->arg;
	const xmlNode *at = r->root;
	while (*path != '\0' && at != NULL) {
		size_t n = strcspn(path, "/");
		if (n >= sizeof(step)) {
			return;
		}
		memcpy(step, path, n);
		step[n] = '\0';
		at = rv_xml_child(at, step);
		path += n + (path[n] == '/');
	}
	int64_t t;
	char words[MOMENT_WORDS], issue[MOMENT_WORDS];
	if (at == NULL || r->issue_us == 0) {
		return;
	}
	if (value_moment(at, &t) && t > r->issue_us + SLACK_US) {
		rule_break(r, rule, at, "%s %s is after the message is issued (%s)",
			(const char *)at->name, moment_words(words, t),
			moment_words(issue, r->issue_us));
	} else if (value_day(at, &t) && t > r->issue_us + DAY_US / 2) {
		/* East of Greenwich the day begins earlier. */
		rule_break(r, rule, at, "%s %s is after the message is issued (%s)",
			(const char *)at->name, day_words(words, t), day_words(issue, r->issue_us));
	}
}

static void control_is_past(struct rules *r, const struct rule *rule)
{
	const xmlNode *control = rv_xml_child(r->sec[RV_SEC_FEEDBACK], "Control");
	if (!value_is(rv_xml_child(control, "ResultCode"), "pending")) {
		is_past(r, rule);
	}
}

static void act_before_expiry(struct rules *r, const struct rule *rule)
{
	const xmlNode *at = rv_xml_child(r->sec[RV_SEC_WARNING], "ActByDateTime");
	int64_t act, expiry;
	char words[MOMENT_WORDS], end[MOMENT_WORDS];
	if (value_moment(at, &act) && value_moment(in_header(r, "ExpirationDateTime"), &expiry) &&
		act > expiry) {
		rule_break(r, rule, at, "ActByDateTime %s is after the warning expires (%s)",
			moment_words(words, act), moment_words(end, expiry));
	}
}

/* What is asked for can still be done; the argument is "SECTION ELEMENT". */
static void is_ahead(struct rules *r, const struct rule *rule)
{
	const char *space = strchr(rule->arg, ' ');
	char section[32];
	memcpy(section, rule->arg, (size_t)(space - rule->arg));
	section[space - rule->arg] = '\0';
	const xmlNode *at = rv_xml_child(rv_xml_child(r->root, section), space + 1);
	int64_t t;
	char words[MOMENT_WORDS], issue[MOMENT_WORDS];
	if (r->issue_us != 0 && value_moment(at, &t) && t < r->issue_us) {
		rule_break(r, rule, at, "%s %s is before the message is issued (%s)", space + 1,
			moment_words(words, t), moment_words(issue, r->issue_us));
	}
}

static void due_after_detention(struct rules *r, const struct rule *rule)
{
	const xmlNode *alert = r->sec[RV_SEC_ALERT];
	const xmlNode *at = rv_xml_child(alert, "ResponseDueDateTime");
	int64_t due, detained;
	char words[MOMENT_WORDS], day[MOMENT_WORDS];
	if (value_moment(at, &due) && value_day(rv_xml_child(alert, "DetentionDate"), &detained) &&
		due < detained) {
		rule_break(r, rule, at,
			"ResponseDueDateTime %s is before the goods were detained (%s)",
			moment_words(words, due), day_words(day, detained));
	}
}

static void documents_are_past(struct rules *r, const struct rule *rule)
{
	int64_t t;
	char words[MOMENT_WORDS];
	for (EACH(doc, r->sec[RV_SEC_CONVEYANCE], "TransportDocument")) {
		const xmlNode *at = rv_xml_child(doc, "IssueDate");
		if (r->issue_us != 0 && value_day(at, &t) && t > r->issue_us + DAY_US / 2) {
			rule_break(r, rule, at,
				"the document is dated %s, after the message is issued",
				day_words(words, t));
		}
	}
}

static void files_are_past(struct rules *r, const struct rule *rule)
{
	int64_t t;
	char words[MOMENT_WORDS];
	for (EACH(file, r->sec[RV_SEC_ATTACHMENTS], "Attachment")) {
		const xmlNode *at = rv_xml_child(file, "CreationDateTime");
		if (r->issue_us != 0 && value_moment(at, &t) && t > r->issue_us + DAY_US) {
			rule_break(r, rule, at,
				"the attachment was made on %s, after the message is issued",
				moment_words(words, t));
		}
	}
}

const struct rule rules_dates[] = {
	{RV_LEVEL_ERROR, "RV-DATE-CLOCK",
		"Moments lie in the years 1970 to 9999 and on the clock of 24 hours.",
		"Write 00:00:00 of the next day for 24:00:00.", clock_fits, NULL},
	{RV_LEVEL_ERROR, "RV-DATE-ISSUE",
		"A sealed message was issued in the past, with a day's tolerance.",
		"The clock of the originator's node is wrong: it has to be set, and the message "
		"sent anew.",
		issue_is_past, NULL},
	{RV_LEVEL_ERROR, "RV-DATE-EXPIRY", "A message expires after it is issued.",
		"Set ExpirationDateTime to a moment in the future.", expiry_is_later, NULL},
	{RV_LEVEL_ERROR, "RV-DATE-WARNING", "A warning has an end.",
		"Add ExpirationDateTime: until when receivers shall look out.", warning_expires,
		NULL},
	{RV_LEVEL_ERROR, "RV-DATE-REVIEW", "The day of review is not before the issue.",
		"Set ReviewDate to a day in the future.", review_is_later, NULL},
	{RV_LEVEL_ERROR, "RV-DATE-EVENT", "An event is reported after it happened.",
		"Correct OccurrenceDateTime; it is in UTC. Where only the day is known, add "
		"precision=\"day\".",
		event_is_past, NULL},
	{RV_LEVEL_ERROR, "RV-DATE-ACT",
		"What a warning asks for is asked before the warning expires.",
		"Move ActByDateTime before ExpirationDateTime, or let the warning live longer.",
		act_before_expiry, NULL},
	{RV_LEVEL_WARNING, "RV-DATE-ACT-PAST", "What a warning asks for can still be done.",
		"Correct ActByDateTime; it is in UTC.", is_ahead, "Warning ActByDateTime"},
	{RV_LEVEL_WARNING, "RV-DATE-DUE-PAST", "An answer to a request can still be given in time.",
		"Correct DueDateTime; it is in UTC.", is_ahead, "Request DueDateTime"},
	{RV_LEVEL_WARNING, "RV-DATE-NEXT-PAST", "The next reply is announced for the future.",
		"Correct NextDateTime; it is in UTC.", is_ahead, "Reply NextDateTime"},
	{RV_LEVEL_ERROR, "RV-DATE-DETENTION",
		"Goods were detained before the right-holder is asked.", "Correct DetentionDate.",
		is_past, "Alert/DetentionDate"},
	{RV_LEVEL_ERROR, "RV-DATE-DUE",
		"A right-holder's answer is due after the goods were detained.",
		"Correct ResponseDueDateTime or DetentionDate.", due_after_detention, NULL},
	{RV_LEVEL_ERROR, "RV-DATE-RELEASE", "A statutory release was decided before it is used.",
		"Correct ReleaseDate.", is_past, "Alert/StatutoryRelease/ReleaseDate"},
	{RV_LEVEL_ERROR, "RV-DATE-CONTROL", "A control is reported after it took place.",
		"Correct ControlDateTime, or set ResultCode to pending.", control_is_past,
		"Feedback/Control/ControlDateTime"},
	{RV_LEVEL_ERROR, "RV-DATE-VERDICT", "A verdict is reported after it was given.",
		"Correct VerdictDate.", is_past, "Feedback/Verdict/VerdictDate"},
	{RV_LEVEL_ERROR, "RV-DATE-PERIOD", "A situation report tells of a period that has begun.",
		"Correct StartDateTime; it is in UTC.", is_past, "Situation/StartDateTime"},
	{RV_LEVEL_ERROR, "RV-DATE-DOCUMENT",
		"A transport document was issued before it is reported.", "Correct IssueDate.",
		documents_are_past, NULL},
	{RV_LEVEL_ERROR, "RV-DATE-FILE",
		"An attachment was made before it is sent, with a day's tolerance.",
		"Correct CreationDateTime.", files_are_past, NULL},
	{0},
};
