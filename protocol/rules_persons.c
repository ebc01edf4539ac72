/* SPDX-License-Identifier: Apache-2.0 */
#include "rules_inside.h"

#include <stdlib.h>
#include <string.h>

#include "digits.h"

/* Persons and companies. */

#define EACH_PERSON(person) EACH(person, r->sec[RV_SEC_PERSONS], "Person")
#define EACH_COMPANY(company) EACH(company, r->sec[RV_SEC_PERSONS], "Company")

/* Dates that may end with the month or year compare as texts, by the part that both have. */
static int later_than(const char *partial, const char *day)
{
	size_t n = strlen(partial);
	return n >= 4 && n <= 10 && strspn(partial, "0123456789-") == n &&
	       strncmp(partial, day, n) > 0;
}

static void born_already(struct rules *r, const struct rule *rule)
{
	char issue[MOMENT_WORDS];
	for (EACH_PERSON(person)) {
		const xmlNode *at = rv_xml_child(person, "BirthDate");
		if (at != NULL && r->issue_us != 0 &&
			later_than(value_text(at),
				day_words(issue, r->issue_us + 86400 * RV_US_PER_SEC))) {
			char cut[WORDS_CUT];
			rule_break(r, rule, at, "the birth date %s is in the future",
				words_cut(cut, value_text(at)));
		}
	}
}

static void not_too_old(struct rules *r, const struct rule *rule)
{
	char issue[MOMENT_WORDS];
	long year = strtol(day_words(issue, r->issue_us), NULL, 10);
	for (EACH_PERSON(person)) {
		const xmlNode *at = rv_xml_child(person, "BirthDate");
		long born = strtol(value_text(at), NULL, 10);
		if (r->issue_us != 0 && born > 0 && born < year - 120) {
			char cut[WORDS_CUT];
			rule_break(r, rule, at, "the person would be more than 120 years old (%s)",
				words_cut(cut, value_text(at)));
		}
	}
}

static void issued_before_expiry(struct rules *r, const struct rule *rule)
{
	for (EACH_PERSON(person)) {
		for (EACH(doc, person, "Document")) {
			const xmlNode *at = rv_xml_child(doc, "ExpirationDate");
			const char *expires = value_text(at);
			const char *issued = value_text(rv_xml_child(doc, "IssueDate"));
			if (strlen(expires) == 10 && strlen(issued) == 10 &&
				strcmp(expires, issued) < 0) {
				rule_break(r, rule, at,
					"the document expires on %s, before it was issued (%s)",
					expires, issued);
			}
		}
	}
}

static void issued_after_birth(struct rules *r, const struct rule *rule)
{
	for (EACH_PERSON(person)) {
		const char *born = value_text(rv_xml_child(person, "BirthDate"));
		for (EACH(doc, person, "Document")) {
			const xmlNode *at = rv_xml_child(doc, "IssueDate");
			const char *issued = value_text(at);
			if (strlen(issued) == 10 && later_than(born, issued)) {
				rule_break(r, rule, at,
					"the document was issued on %s, before its holder was born "
					"(%.10s)",
					issued, born);
			}
		}
	}
}

static void roles_once(struct rules *r, const struct rule *rule)
{
	for (EACH_PERSON(person)) {
		rule_unique_children(r, rule, person, "RoleCode", NULL, "the role");
	}
	for (EACH_COMPANY(company)) {
		rule_unique_children(r, rule, company, "RoleCode", NULL, "the role");
	}
}

static void documents_once(struct rules *r, const struct rule *rule)
{
	for (EACH_PERSON(person)) {
		rule_unique_children(r, rule, person, "Document", "ID", "the document");
	}
}

static void mail(struct rules *r, const struct rule *rule, const xmlNode *party)
{
	for (EACH(communication, party, "Communication")) {
		const xmlNode *at = rv_xml_child(communication, "ID");
		const char *text = value_text(at);
		const char *sign = strchr(text, '@');
		if (value_is(rv_xml_child(communication, "TypeCode"), "email") && at != NULL &&
			(sign == NULL || sign == text || sign[1] == '\0')) {
			char cut[WORDS_CUT];
			rule_break(r, rule, at, "'%s' is not an address of mail",
				words_cut(cut, text));
		}
	}
}

static void mails(struct rules *r, const struct rule *rule)
{
	static const enum rv_section with_contact[] = {RV_SEC_WARNING, RV_SEC_ALERT,
		RV_SEC_FEEDBACK, RV_SEC_SITUATION, RV_SEC_REQUEST, RV_SEC_REPLY};
	for (EACH_PERSON(person)) {
		mail(r, rule, person);
	}
	for (EACH_COMPANY(company)) {
		mail(r, rule, company);
	}
	for (size_t i = 0; i < sizeof(with_contact) / sizeof(with_contact[0]); i++) {
		mail(r, rule, rv_xml_child(r->sec[with_contact[i]], "Contact"));
	}
}

static void lei(struct rules *r, const struct rule *rule)
{
	for (EACH_COMPANY(company)) {
		for (EACH(id, company, "Identification")) {
			const xmlNode *at = rv_xml_child(id, "ID");
			if (at != NULL && value_is(rv_xml_child(id, "TypeCode"), "lei") &&
				rv_digits_lei(value_text(at)) != 1) {
				char cut[WORDS_CUT];
				rule_break(r, rule, at,
					"'%s' is not a legal entity identifier: 20 characters, the "
					"last two check digits",
					words_cut(cut, value_text(at)));
			}
		}
	}
}

const struct rule rules_persons[] = {
	{RV_LEVEL_ERROR, "RV-PERSON-BIRTH", "A person was born before the message is issued.",
		"Correct BirthDate: year, month, day.", born_already, NULL},
	{RV_LEVEL_WARNING, "RV-PERSON-AGE", "A person is not more than 120 years old.",
		"Look at BirthDate again.", not_too_old, NULL},
	{RV_LEVEL_ERROR, "RV-PERSON-DOCUMENT", "An identity document expires after it is issued.",
		"Correct IssueDate or ExpirationDate.", issued_before_expiry, NULL},
	{RV_LEVEL_ERROR, "RV-PERSON-DOCUMENT-BIRTH",
		"An identity document is issued after its holder was born.",
		"Correct IssueDate or BirthDate.", issued_after_birth, NULL},
	{RV_LEVEL_ERROR, "RV-PERSON-ROLE-TWICE", "A role of a person or company stands once.",
		"Take the second one out.", roles_once, NULL},
	{RV_LEVEL_WARNING, "RV-PERSON-DOCUMENT-TWICE", "An identity document stands once.",
		"Take the second one out.", documents_once, NULL},
	{RV_LEVEL_WARNING, "RV-PERSON-MAIL", "An address of mail has a name, an @ and a domain.",
		"Correct it, or choose another TypeCode.", mails, NULL},
	{RV_LEVEL_WARNING, "RV-CHECK-LEI", "The check digits of a legal entity identifier fit.",
		"Look at the number again.", lei, NULL},
	{0},
};
