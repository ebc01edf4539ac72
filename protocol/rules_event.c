/* SPDX-License-Identifier: Apache-2.0 */
#include "rules_inside.h"

#include <string.h>

/* The event, and every place. */

static const xmlNode *in_event(const struct rules *r, const char *name)
{
	return rv_xml_child(r->sec[RV_SEC_EVENT], name);
}

/* The argument is the element that a seizure's event needs, mandatory in every form of the seizure
 * report. */
static void event_has(struct rules *r, const struct rule *rule)
{
	if (r->kind == RV_KIND_SEIZURE && has_section(r, RV_SEC_EVENT) &&
		in_event(r, rule->arg) == NULL) {
		rule_break_missing(r, rule, r->sec[RV_SEC_EVENT], rule->arg,
			"the seizure does not tell %s", rule->arg);
	}
}

static void action_fits_disposal(struct rules *r, const struct rule *rule)
{
	const xmlNode *disposal = in_event(r, "DisposalCode");
	if (value_is(in_event(r, "ActionCode"), "released") && disposal != NULL &&
		!value_is(disposal, "returned") && !value_is(disposal, "re-exported")) {
		rule_break(r, rule, disposal, "the goods were released, but DisposalCode is %s",
			value_text(disposal));
	}
}

static void methods_once(struct rules *r, const struct rule *rule)
{
	rule_unique_children(
		r, rule, r->sec[RV_SEC_EVENT], "Detection", "MethodCode", "the method");
}

/* Where a code says "other", words say what. */
static void other_is_told(struct rules *r, const struct rule *rule, const xmlNode *parent,
	const char *name, const char *code)
{
	for (EACH(n, parent, name)) {
		const xmlNode *at = rv_xml_child(n, code);
		if (value_is(at, "other") && rv_xml_child(n, "Description") == NULL) {
			rule_break(r, rule, at, "%s is other, but no Description says what", code);
		}
	}
}

static void others_are_told(struct rules *r, const struct rule *rule)
{
	other_is_told(r, rule, r->sec[RV_SEC_EVENT], "Detection", "MethodCode");
	other_is_told(r, rule, r->sec[RV_SEC_EVENT], "RiskIndicator", "Code");
	other_is_told(r, rule, r->sec[RV_SEC_WARNING], "Indicator", "Code");
	other_is_told(r, rule, r->sec[RV_SEC_CONCEALMENT], "Method", "TypeCode");
}

static void indicators_say_something(struct rules *r, const struct rule *rule)
{
	const xmlNode *const lists[] = {rv_xml_child(r->sec[RV_SEC_EVENT], "RiskIndicator"),
		rv_xml_child(r->sec[RV_SEC_WARNING], "Indicator")};
	for (size_t i = 0; i < 2; i++) {
		for (const xmlNode *n = lists[i]; n != NULL; n = rv_xml_again(n)) {
			if (rv_xml_child(n, "Code") == NULL &&
				rv_xml_child(n, "Description") == NULL) {
				rule_break(r, rule, n, "%s has neither a Code nor a Description",
					(const char *)n->name);
			}
		}
	}
}

/* Every Place of the message in turn: of the event, the control, the points of the route. */
static void each_place(struct rules *r, const struct rule *rule,
	void (*fn)(struct rules *r, const struct rule *rule, const xmlNode *place))
{
	const xmlNode *event = in_event(r, "Place");
	const xmlNode *control =
		rv_xml_child(rv_xml_child(r->sec[RV_SEC_FEEDBACK], "Control"), "Place");
	if (event != NULL) {
		fn(r, rule, event);
	}
	if (control != NULL) {
		fn(r, rule, control);
	}
	for (EACH(point, r->sec[RV_SEC_ROUTE], "Point")) {
		const xmlNode *place = rv_xml_child(point, "Place");
		if (place != NULL) {
			fn(r, rule, place);
		}
	}
}

static void subdivision_fits(struct rules *r, const struct rule *rule, const xmlNode *place)
{
	const char *country = value_text(rv_xml_child(place, "CountryCode"));
	const xmlNode *at = rv_xml_child(place, "CountrySubDivisionCode");
	const char *code = value_text(at);
	if (strlen(country) == 2 && strlen(code) > 3 && strncmp(code, country, 2) != 0) {
		char cut[WORDS_CUT];
		rule_break(r, rule, at, "the subdivision %s is not in the country %s",
			words_cut(cut, code), country);
	}
}

static void subdivisions(struct rules *r, const struct rule *rule)
{
	each_place(r, rule, subdivision_fits);
}

/* XZ: installations in international waters. Territories have letters of their own in one list and
 * those of their state in the other, so this only warns. */
static void locode_fits(struct rules *r, const struct rule *rule, const xmlNode *place)
{
	const char *country = value_text(rv_xml_child(place, "CountryCode"));
	const xmlNode *at = rv_xml_child(place, "LocationID");
	const char *code = value_text(at);
	if (strlen(country) == 2 && strlen(code) == 5 && strncmp(code, country, 2) != 0 &&
		strncmp(code, "XZ", 2) != 0) {
		rule_break(r, rule, at, "the UN/LOCODE %s is not in the country %s", code, country);
	}
}

static void locodes(struct rules *r, const struct rule *rule)
{
	each_place(r, rule, locode_fits);
}

static void event_place(struct rules *r, const struct rule *rule)
{
	const xmlNode *place = in_event(r, "Place");
	if (place != NULL && rv_xml_child(place, "LocationID") == NULL &&
		rv_xml_child(place, "Name") == NULL &&
		rv_xml_child(place, "GeographicCoordinate") == NULL) {
		rule_break_missing(
			r, rule, place, "LocationID", "the place of the event is a country only");
	}
}

static void short_form(struct rules *r, const struct rule *rule)
{
	const xmlNode *form = in_event(r, "FormCode");
	if (value_is(form, "short") &&
		(has_section(r, RV_SEC_ROUTE) || has_section(r, RV_SEC_PERSONS))) {
		rule_break(
			r, rule, form, "FormCode is short, but the message has a Route or Persons");
	}
}

#define HAS(code, element, words)                                                                  \
	{                                                                                          \
		RV_LEVEL_ERROR, code, "A seizure tells " words ".",                                \
			"Add " element " to the section Event.", event_has, element                \
	}

const struct rule rules_event[] = {
	HAS("RV-EVENT-REFERENCE", "FunctionalReferenceID",
		"the case number of its office (FunctionalReferenceID)"),
	HAS("RV-EVENT-MODE", "TransportModeCode", "the mode of transport (TransportModeCode)"),
	HAS("RV-EVENT-DIRECTION", "DirectionCode", "the direction of the movement (DirectionCode)"),
	HAS("RV-EVENT-DETECTION", "Detection", "how it was detected (Detection)"),
	{RV_LEVEL_ERROR, "RV-EVENT-DETECTION-TWICE", "A method of detection stands once.",
		"Take the second one out.", methods_once, NULL},
	{RV_LEVEL_ERROR, "RV-EVENT-DISPOSAL",
		"Goods that were released are returned or re-exported.",
		"Correct ActionCode or DisposalCode.", action_fits_disposal, NULL},
	{RV_LEVEL_WARNING, "RV-EVENT-FORM", "The short form has no route and no persons.",
		"Set FormCode to long.", short_form, NULL},
	{RV_LEVEL_ERROR, "RV-CODE-OTHER", "Where a code is other, a Description says what.",
		"Add Description, or choose a code of the list.", others_are_told, NULL},
	{RV_LEVEL_ERROR, "RV-INDICATOR-EMPTY", "A risk indicator has a code or a description.",
		"Add Code or Description, or take it out.", indicators_say_something, NULL},
	{RV_LEVEL_ERROR, "RV-PLACE-EVENT", "The place of an event is more than a country.",
		"Add LocationID (UN/LOCODE), a Name or coordinates.", event_place, NULL},
	{RV_LEVEL_ERROR, "RV-PLACE-SUBDIVISION",
		"A subdivision belongs to the country of its place.",
		"Correct CountryCode or CountrySubDivisionCode.", subdivisions, NULL},
	{RV_LEVEL_WARNING, "RV-PLACE-LOCODE", "A UN/LOCODE belongs to the country of its place.",
		"Correct CountryCode or LocationID.", locodes, NULL},
	{0},
};
