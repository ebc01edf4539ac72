/* SPDX-License-Identifier: Apache-2.0 */
#include "rules_inside.h"

#include <string.h>

#include "digits.h"

/* What carried the goods, and the numbers on it. Wrong check digits warn: numbers are cloned, and
 * reported as seen. */

#define EACH_MEANS(means) EACH(means, r->sec[RV_SEC_CONVEYANCE], "TransportMeans")

static void not_empty(struct rules *r, const struct rule *rule)
{
	const xmlNode *conveyance = r->sec[RV_SEC_CONVEYANCE];
	if (conveyance != NULL && rv_xml_first(conveyance) == NULL) {
		rule_break(r, rule, conveyance, "the section Conveyance is empty");
	}
}

static void departs_first(struct rules *r, const struct rule *rule)
{
	for (EACH_MEANS(means)) {
		const xmlNode *at = rv_xml_child(means, "ArrivalDateTime");
		int64_t departs, arrives;
		char a[MOMENT_WORDS], d[MOMENT_WORDS];
		if (value_moment(at, &arrives) &&
			value_moment(rv_xml_child(means, "DepartureDateTime"), &departs) &&
			arrives < departs) {
			rule_break(r, rule, at, "it arrives on %s, before it departs (%s)",
				moment_words(a, arrives), moment_words(d, departs));
		}
	}
}

/* Marks that only one sort of conveyance bears. */
static void marks_fit(struct rules *r, const struct rule *rule)
{
	static const struct {
		const char *mark;
		const char *means; /* with a space on both sides of each */
	} fits[] = {
		{"IMOID", " vessel barge small-craft submersible other "},
		{"MMSIID", " vessel barge small-craft submersible aircraft other "},
		{"FlightID", " aircraft light-aircraft drone other "},
		{"VINID", " lorry trailer van car bus motorcycle other "},
	};
	for (EACH_MEANS(means)) {
		const char *type = value_text(rv_xml_child(means, "TypeCode"));
		int known = rv_catalog_has(r->catalog, "transport-means", type) == 1;
		for (size_t i = 0; i < sizeof(fits) / sizeof(fits[0]) && known; i++) {
			const xmlNode *mark = rv_xml_child(means, fits[i].mark);
			const char *found = strstr(fits[i].means, type);
			int fit = found != NULL && found[-1] == ' ' && found[strlen(type)] == ' ';
			if (mark != NULL && !fit) {
				rule_break(r, rule, mark,
					"the means of transport is a %s, but has an %s", type,
					fits[i].mark);
			}
		}
	}
}

static void containers_once(struct rules *r, const struct rule *rule)
{
	rule_unique_children(
		r, rule, r->sec[RV_SEC_CONVEYANCE], "TransportEquipment", "ID", "the container");
}

static void seals_once(struct rules *r, const struct rule *rule)
{
	for (EACH(equipment, r->sec[RV_SEC_CONVEYANCE], "TransportEquipment")) {
		rule_unique_children(r, rule, equipment, "Seal", "ID", "the seal");
	}
}

static void container_form(struct rules *r, const struct rule *rule)
{
	for (EACH(equipment, r->sec[RV_SEC_CONVEYANCE], "TransportEquipment")) {
		const xmlNode *id = rv_xml_child(equipment, "ID");
		const char *text = value_text(id);
		if (strlen(text) == 11 && rv_digits_container(text, NULL) < 0) {
			rule_break(r, rule, id,
				"container number %s is not one of ISO 6346: its fourth letter is "
				"%c, not U, J or Z",
				text, text[3]);
		}
	}
}

static void container_digits(struct rules *r, const struct rule *rule)
{
	for (EACH(equipment, r->sec[RV_SEC_CONVEYANCE], "TransportEquipment")) {
		const xmlNode *id = rv_xml_child(equipment, "ID");
		char digit;
		if (id != NULL && rv_digits_container(value_text(id), &digit) == 0) {
			rule_break(r, rule, id,
				"the check digit of container number %s does not fit: it would be "
				"%c",
				value_text(id), digit);
		}
	}
}

static void imo_digits(struct rules *r, const struct rule *rule)
{
	for (EACH_MEANS(means)) {
		const xmlNode *id = rv_xml_child(means, "IMOID");
		char digit;
		if (id != NULL && rv_digits_imo(value_text(id), &digit) == 0) {
			rule_break(r, rule, id,
				"the check digit of IMO number %s does not fit: it would be %c",
				value_text(id), digit);
		}
	}
}

static void mmsi_form(struct rules *r, const struct rule *rule)
{
	for (EACH_MEANS(means)) {
		const xmlNode *id = rv_xml_child(means, "MMSIID");
		const char *type = value_text(rv_xml_child(means, "TypeCode"));
		/* Aircraft of search and rescue have 111 and the digits of their country. */
		int rescue =
			strcmp(type, "aircraft") == 0 && strncmp(value_text(id), "111", 3) == 0;
		if (id != NULL && rv_digits_mmsi(value_text(id)) == 0 && !rescue) {
			rule_break(r, rule, id,
				"MMSI %s is not that of a ship: it begins with %c, not with 2 to 7",
				value_text(id), value_text(id)[0]);
		}
	}
}

static void vin_digits(struct rules *r, const struct rule *rule)
{
	for (EACH_MEANS(means)) {
		const xmlNode *id = rv_xml_child(means, "VINID");
		char digit;
		if (id != NULL && rv_digits_vin(value_text(id), &digit) == 0) {
			rule_break(r, rule, id,
				"the check digit of VIN %s, in place 9, does not fit: it would be "
				"%c",
				value_text(id), digit);
		}
	}
}

static void waybill_digits(struct rules *r, const struct rule *rule)
{
	for (EACH(doc, r->sec[RV_SEC_CONVEYANCE], "TransportDocument")) {
		const xmlNode *id = rv_xml_child(doc, "ID");
		char cut[WORDS_CUT];
		char digit;
		if (id == NULL || !value_is(rv_xml_child(doc, "TypeCode"), "air-waybill")) {
			continue;
		}
		switch (rv_digits_awb(value_text(id), &digit)) {
		case 0:
			rule_break(r, rule, id,
				"the check digit of air waybill %s does not fit: it would be %c",
				value_text(id), digit);
			break;
		case -1:
			rule_break(r, rule, id,
				"'%s' is not the number of an air waybill: three digits, a hyphen, "
				"eight digits",
				words_cut(cut, value_text(id)));
			break;
		}
	}
}

static void s10_digits(struct rules *r, const struct rule *rule)
{
	for (EACH(item, r->sec[RV_SEC_CONVEYANCE], "PostalItem")) {
		const xmlNode *id = rv_xml_child(item, "S10ID");
		char digit;
		if (id != NULL && rv_digits_s10(value_text(id), &digit) == 0) {
			rule_break(r, rule, id,
				"the check digit of postal item %s does not fit: it would be %c",
				value_text(id), digit);
		}
	}
}

static void s10_country(struct rules *r, const struct rule *rule)
{
	for (EACH(item, r->sec[RV_SEC_CONVEYANCE], "PostalItem")) {
		const xmlNode *id = rv_xml_child(item, "S10ID");
		const char *text = value_text(id);
		if (strlen(text) == 13 && rv_catalog_has(r->catalog, "countries", text + 11) == 0) {
			rule_break(r, rule, id, "postal item %s ends with %s, which is no country",
				text, text + 11);
		}
	}
}

#define LOOK "Look at the number again; if it is so, leave it: it may be forged or cloned."

const struct rule rules_conveyance[] = {
	{RV_LEVEL_ERROR, "RV-CONVEYANCE-EMPTY", "The section Conveyance is not empty.",
		"Fill it in, or take the section out.", not_empty, NULL},
	{RV_LEVEL_ERROR, "RV-CONVEYANCE-TIMES", "A conveyance departs before it arrives.",
		"Correct DepartureDateTime or ArrivalDateTime; both are in UTC.", departs_first,
		NULL},
	{RV_LEVEL_ERROR, "RV-CONVEYANCE-MEANS",
		"A conveyance bears the marks of its sort: IMO and MMSI numbers ships, flight "
		"numbers aircraft, "
		"VINs road vehicles.",
		"Correct TypeCode, or put the number where it belongs.", marks_fit, NULL},
	{RV_LEVEL_ERROR, "RV-CONVEYANCE-TWICE", "A container stands once.",
		"Take the second one out, or correct its number.", containers_once, NULL},
	{RV_LEVEL_WARNING, "RV-CONVEYANCE-SEAL-TWICE", "A seal stands once at its container.",
		"Take the second one out.", seals_once, NULL},
	{RV_LEVEL_WARNING, "RV-CONVEYANCE-CONTAINER",
		"A container number has the form of ISO 6346: its fourth letter is U, J or Z.",
		LOOK, container_form, NULL},
	{RV_LEVEL_WARNING, "RV-CHECK-CONTAINER",
		"The check digit of a container number (ISO 6346) fits.", LOOK, container_digits,
		NULL},
	{RV_LEVEL_WARNING, "RV-CHECK-IMO", "The check digit of an IMO number fits.", LOOK,
		imo_digits, NULL},
	{RV_LEVEL_WARNING, "RV-CHECK-MMSI", "An MMSI begins with the digits of a ship.", LOOK,
		mmsi_form, NULL},
	{RV_LEVEL_WARNING, "RV-CHECK-VIN",
		"The check digit of a vehicle identification number fits, where vehicles have one.",
		LOOK, vin_digits, NULL},
	{RV_LEVEL_WARNING, "RV-CHECK-AWB",
		"The number of an air waybill has its form, and its check digit fits.", LOOK,
		waybill_digits, NULL},
	{RV_LEVEL_WARNING, "RV-CHECK-S10",
		"The check digit of a postal item number (UPU S10) fits.", LOOK, s10_digits, NULL},
	{RV_LEVEL_WARNING, "RV-CHECK-S10-COUNTRY",
		"A postal item number ends with a country of ISO 3166-1.", LOOK, s10_country, NULL},
	{0},
};
