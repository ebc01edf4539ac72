/* SPDX-License-Identifier: Apache-2.0 */
#include "rules_inside.h"

#include <string.h>

/* Intellectual property rights, and what a right-holder may see. */

#define EACH_RIGHT(right) EACH(right, r->sec[RV_SEC_RIGHTS], "Right")

static void alert_has_rights(struct rules *r, const struct rule *rule)
{
	if (r->kind == RV_KIND_ALERT && lacks_section(r, RV_SEC_RIGHTS)) {
		rule_break_missing(r, rule, r->root, "Rights",
			"the alert does not tell which right is concerned");
	}
}

static void numbers_once(struct rules *r, const struct rule *rule)
{
	rule_unique_children(
		r, rule, r->sec[RV_SEC_RIGHTS], "Right", "SequenceNumeric", "the number");
}

static int is_registered(const char *type)
{
	static const char *const types[] = {"trade-mark", "design", "patent", "utility-model",
		"geographical-indication", "plant-variety", "protection-certificate", "topography"};
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		if (strcmp(types[i], type) == 0) {
			return 1;
		}
	}
	return 0;
}

static void registration_is_told(struct rules *r, const struct rule *rule)
{
	for (EACH_RIGHT(right)) {
		const char *type = value_text(rv_xml_child(right, "TypeCode"));
		if (r->kind == RV_KIND_ALERT && is_registered(type) &&
			rv_xml_child(right, "RegistrationID") == NULL &&
			rv_xml_child(right, "ApplicationID") == NULL) {
			rule_break_missing(r, rule, right, "RegistrationID",
				"the right is a %s, but no number tells which", type);
		}
	}
}

static void classes_of_marks(struct rules *r, const struct rule *rule)
{
	for (EACH_RIGHT(right)) {
		const xmlNode *type = rv_xml_child(right, "TypeCode");
		if (r->kind == RV_KIND_ALERT && value_is(type, "trade-mark") &&
			rv_xml_child(right, "NiceClassCode") == NULL) {
			rule_break_missing(r, rule, right, "NiceClassCode",
				"the trade mark has no class of goods");
		}
	}
}

static void classes_once(struct rules *r, const struct rule *rule)
{
	for (EACH_RIGHT(right)) {
		rule_unique_children(r, rule, right, "NiceClassCode", NULL, "the class");
		rule_unique_children(r, rule, right, "CountryCode", NULL, "the country");
	}
}

static void one_holder(struct rules *r, const struct rule *rule)
{
	const xmlNode *first = NULL;
	for (EACH_RIGHT(right)) {
		const xmlNode *holder = rv_xml_child(right, "HolderCode");
		if (holder == NULL) {
			holder = rv_xml_child(right, "HolderName");
		}
		if (r->kind != RV_KIND_ALERT || holder == NULL) {
			continue;
		}
		if (first != NULL &&
			strcmp((const char *)first->name, (const char *)holder->name) == 0 &&
			!value_is(holder, value_text(first))) {
			char a[WORDS_CUT], b[WORDS_CUT];
			rule_break(r, rule, holder,
				"the alert has rights of %s and of %s; each would read what "
				"concerns the other",
				words_cut(a, value_text(first)), words_cut(b, value_text(holder)));
		}
		first = first != NULL ? first : holder;
	}
}

static int is_released(const struct rules *r)
{
	return (r->withheld & (1u << RV_SEC_ALERT)) != 0 ||
	       rv_xml_child(r->sec[RV_SEC_ALERT], "StatutoryRelease") != NULL;
}

/* Names, origin and way of the goods belong to the holder only where a law releases them. */
static void persons_are_kept(struct rules *r, const struct rule *rule)
{
	if (r->kind == RV_KIND_ALERT && has_section(r, RV_SEC_PERSONS) && !is_released(r)) {
		rule_break(r, rule, r->sec[RV_SEC_PERSONS],
			"the alert gives persons or companies to a right-holder without a "
			"StatutoryRelease");
	}
}

static void suspects_are_kept(struct rules *r, const struct rule *rule)
{
	static const char *const roles[] = {
		"suspect", "arrested", "witness", "victim", "courier", "swallower"};
	if (r->kind != RV_KIND_ALERT || !is_released(r)) {
		return;
	}
	for (EACH(person, r->sec[RV_SEC_PERSONS], "Person")) {
		for (EACH(role, person, "RoleCode")) {
			for (size_t i = 0; i < sizeof(roles) / sizeof(roles[0]); i++) {
				if (value_is(role, roles[i])) {
					rule_break(r, rule, role,
						"the alert gives a person of the role %s to a "
						"right-holder",
						roles[i]);
				}
			}
		}
	}
}

static void origin_is_kept(struct rules *r, const struct rule *rule)
{
	static const enum rv_section kept[] = {
		RV_SEC_EVENT, RV_SEC_CONVEYANCE, RV_SEC_ROUTE, RV_SEC_CONCEALMENT};
	if (r->kind != RV_KIND_ALERT || is_released(r)) {
		return;
	}
	for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++) {
		rule_break(r, rule, r->sec[kept[i]],
			"the alert gives the section %s to a right-holder without a "
			"StatutoryRelease",
			rv_section_name(kept[i]));
	}
	for (EACH(item, r->sec[RV_SEC_GOODS], "Item")) {
		rule_break(r, rule, rv_xml_child(item, "OriginCountryCode"),
			"the alert tells the origin without a StatutoryRelease");
		rule_break(r, rule, rv_xml_child(item, "ProvenanceCountryCode"),
			"the alert tells the provenance without a StatutoryRelease");
	}
}

static void files_are_cleared(struct rules *r, const struct rule *rule)
{
	for (EACH(file, r->sec[RV_SEC_ATTACHMENTS], "Attachment")) {
		if (r->kind == RV_KIND_ALERT &&
			!value_true(rv_xml_child(file, "ClearedIndicator"))) {
			rule_break(
				r, rule, file, "the attachment is not cleared for a right-holder");
		}
	}
}

static void area_is_ipr(struct rules *r, const struct rule *rule)
{
	int there = 0;
	for (EACH(area, r->header, "RiskAreaCode")) {
		there |= value_is(area, "health-safety-ipr");
	}
	if (r->kind == RV_KIND_ALERT && r->header != NULL && !there) {
		rule_break(r, rule, rv_xml_child(r->header, "RiskAreaCode"),
			"the alert is not of the risk area health-safety-ipr");
	}
}

const struct rule rules_rights[] = {
	{RV_LEVEL_ERROR, "RV-IPR-RIGHT", "An alert tells which right is concerned.",
		"Add the section Rights: holder, kind of right, number, brand.", alert_has_rights,
		NULL},
	{RV_LEVEL_ERROR, "RV-RIGHT-NUMBER", "Rights have different numbers.",
		"Number the rights 1, 2, 3.", numbers_once, NULL},
	{RV_LEVEL_ERROR, "RV-RIGHT-REGISTRATION", "A registered right in an alert has its number.",
		"Add RegistrationID, or the ApplicationID of the customs application.",
		registration_is_told, NULL},
	{RV_LEVEL_ERROR, "RV-RIGHT-CLASS",
		"A trade mark in an alert has its class of goods (Nice).",
		"Add NiceClassCode: reeve codes nice-classes", classes_of_marks, NULL},
	{RV_LEVEL_ERROR, "RV-RIGHT-TWICE", "Classes and countries of a right stand once.",
		"Take the second one out.", classes_once, NULL},
	{RV_LEVEL_ERROR, "RV-ALERT-HOLDER", "An alert concerns one right-holder.",
		"Send each right-holder an alert of its own.", one_holder, NULL},
	{RV_LEVEL_ERROR, "RV-ALERT-PERSONS",
		"An alert gives no persons or companies without a statutory release.",
		"Take Persons out, or record the StatutoryRelease in the section Alert.",
		persons_are_kept, NULL},
	{RV_LEVEL_ERROR, "RV-ALERT-SUSPECT",
		"An alert gives no suspects, witnesses or victims, released or not.",
		"Take the person out.", suspects_are_kept, NULL},
	{RV_LEVEL_ERROR, "RV-ALERT-ORIGIN",
		"An alert tells no origin, provenance or way of the goods without a statutory "
		"release.",
		"Take it out, or record the StatutoryRelease in the section Alert.", origin_is_kept,
		NULL},
	{RV_LEVEL_ERROR, "RV-ALERT-FILES",
		"Attachments of an alert are cleared for the right-holder.",
		"Look through it for persons and documents, then set ClearedIndicator to true; or "
		"take it out.",
		files_are_cleared, NULL},
	{RV_LEVEL_WARNING, "RV-ALERT-AREA", "An alert is of the risk area health-safety-ipr.",
		"Add RiskAreaCode health-safety-ipr.", area_is_ipr, NULL},
	{0},
};
