/* SPDX-License-Identifier: Apache-2.0 */
#include "rules_inside.h"

#include <stdio.h>
#include <string.h>

/* Code lists: which element names which list is told by the schema, so that a new field is looked
 * up without a new rule. */

const struct rule rules_codes[] = {
	{RV_LEVEL_ERROR, "RV-CODE-COUNTRY", "Countries are codes of ISO 3166-1.",
		"Take the two letters from the list: reeve codes countries", NULL, "countries"},
	{RV_LEVEL_ERROR, "RV-CODE-SUBDIVISION",
		"Subdivisions of countries are codes of ISO 3166-2.",
		"Take the code from the list: reeve codes subdivisions KE", NULL, "subdivisions"},
	{RV_LEVEL_ERROR, "RV-CODE-CURRENCY", "Currencies are codes of ISO 4217.",
		"Take the three letters from the list: reeve codes currencies", NULL, "currencies"},
	{RV_LEVEL_ERROR, "RV-CODE-LANGUAGE", "Languages are codes of ISO 639.",
		"Take the letters from the list: reeve codes languages", NULL, "languages"},
	{RV_LEVEL_ERROR, "RV-CODE-UNIT", "Units of measure are codes of UN/ECE Recommendation 20.",
		"Take the code from the list: reeve codes units", NULL, "units"},
	{RV_LEVEL_ERROR, "RV-CODE-PACKAGE",
		"Kinds of packages are codes of UN/ECE Recommendation 21.",
		"Take the two characters from the list: reeve codes packages", NULL, "packages"},
	{RV_LEVEL_ERROR, "RV-CODE-LOCATION",
		"Types of places are codes of the list location-types.",
		"Take the code from the list: reeve codes location-types", NULL, "location-types"},
	{RV_LEVEL_ERROR, "RV-CODE-DETECTION",
		"Methods of detection and control are codes of the list detection-methods.",
		"Take the code from the list: reeve codes detection-methods", NULL,
		"detection-methods"},
	{RV_LEVEL_ERROR, "RV-CODE-CONCEALMENT",
		"Methods of concealment are codes of the list concealment-types.",
		"Take the code from the list: reeve codes concealment-types", NULL,
		"concealment-types"},
	{RV_LEVEL_ERROR, "RV-CODE-RISK-TYPE", "Types of risk are codes of the list risk-types.",
		"Take the code from the list: reeve codes risk-types", NULL, "risk-types"},
	{RV_LEVEL_ERROR, "RV-CODE-INDICATOR",
		"Risk indicators are codes of the list risk-indicators.",
		"Take the code from the list, or give a Description instead: reeve codes "
		"risk-indicators",
		NULL, "risk-indicators"},
	{RV_LEVEL_ERROR, "RV-CODE-RIGHT", "Types of rights are codes of the list right-types.",
		"Take the code from the list: reeve codes right-types", NULL, "right-types"},
	{RV_LEVEL_ERROR, "RV-CODE-REGISTRY",
		"Registries of rights are codes of the list right-registries.",
		"Take the code from the list: reeve codes right-registries", NULL,
		"right-registries"},
	{RV_LEVEL_ERROR, "RV-CODE-ROLE",
		"Roles of persons and companies are codes of the list person-roles.",
		"Take the code from the list: reeve codes person-roles", NULL, "person-roles"},
	{RV_LEVEL_ERROR, "RV-CODE-DOCUMENT",
		"Types of identity documents are codes of the list document-types.",
		"Take the code from the list: reeve codes document-types", NULL, "document-types"},
	{RV_LEVEL_ERROR, "RV-CODE-SCHEDULE", "Drug schedules are codes of the list drug-schedules.",
		"Take the code from the list: reeve codes drug-schedules", NULL, "drug-schedules"},
	{RV_LEVEL_ERROR, "RV-CODE-FORM",
		"Forms of substances are codes of the list substance-forms.",
		"Take the code from the list: reeve codes substance-forms", NULL,
		"substance-forms"},
	{RV_LEVEL_ERROR, "RV-CODE-FIREARM",
		"Types of firearms are codes of the list firearm-types.",
		"Take the code from the list: reeve codes firearm-types", NULL, "firearm-types"},
	{RV_LEVEL_ERROR, "RV-CODE-CITES-TERM",
		"CITES trade terms are codes of the list cites-terms.",
		"Take the three letters from the list: reeve codes cites-terms", NULL,
		"cites-terms"},
	{RV_LEVEL_ERROR, "RV-CODE-BASEL", "Wastes are codes of the Basel Convention.",
		"Take the code from the list: reeve codes basel", NULL, "basel"},
	{RV_LEVEL_ERROR, "RV-CODE-OZONE",
		"Substances that deplete ozone are in a group of an annex of the Montreal "
		"Protocol.",
		"Take annex and group from the list: reeve codes ozone", NULL, "ozone"},
	{0},
};

/* What officers call each list. */
static const struct {
	const char *list, *words;
} titles[] = {
	{"countries", "ISO 3166-1"},
	{"subdivisions", "ISO 3166-2"},
	{"currencies", "ISO 4217"},
	{"languages", "ISO 639"},
	{"units", "Recommendation 20"},
	{"packages", "Recommendation 21"},
	{"basel", "the Basel Convention"},
	{"ozone", "the Montreal Protocol"},
	{"cites-terms", "the CITES trade terms"},
};

static const char *title_of(const char *list)
{
	for (size_t i = 0; i < sizeof(titles) / sizeof(titles[0]); i++) {
		if (strcmp(titles[i].list, list) == 0) {
			return titles[i].words;
		}
	}
	return list;
}

enum { N_CODED = sizeof(rules_codes) / sizeof(rules_codes[0]) - 1 };

/* One visit to the document, with the lists found once. */
struct visit {
	struct rules *r;
	const struct list *lists[N_CODED];
};

/* A language tag counts by its first part: "zh-Hant" is zh. */
static int known(const struct rule *rule, const struct list *list, const char *code)
{
	char first[16];
	if (strcmp(rule->arg, "languages") != 0) {
		return list_has(list, code);
	}
	size_t n = strcspn(code, "-");
	if (n >= sizeof(first)) {
		return 0;
	}
	memcpy(first, code, n);
	first[n] = '\0';
	return list_has(list, first);
}

/* "TermCode", "Indicator/Code", "xml:lang": with the parent's name where its own says little. */
static const char *name_of(char *out, size_t size, const xmlNode *at)
{
	const char *own = (const char *)at->name;
	int bare = strcmp(own, "Code") == 0 || strcmp(own, "TypeCode") == 0;
	int with_parent = bare && at->type == XML_ELEMENT_NODE;
	const char *before = at->type == XML_ATTRIBUTE_NODE && at->ns != NULL ? "xml:" : "";
	snprintf(out, size, "%s%s%s", with_parent ? (const char *)at->parent->name : before,
		with_parent ? "/" : "", own);
	return out;
}

static void look_up(struct visit *v, const char *list_name, const char *code, const xmlNode *at)
{
	for (size_t i = 0; i < N_CODED; i++) {
		const struct rule *rule = &rules_codes[i];
		if (strcmp(rule->arg, list_name) != 0) {
			continue;
		}
		if (v->lists[i] == NULL || code == NULL || code[0] == '\0' ||
			known(rule, v->lists[i], code)) {
			return;
		}
		char cut[WORDS_CUT];
		char mend[300];
		struct nearest near = {NULL, 0};
		const struct list *l = v->lists[i];
		for (size_t row = 0; row < l->n && strlen(code) > 3 && l->n < 1000 &&
				     faults_room(v->r->f, rule->level);
			row++) {
			nearest_try(&near, code, list_field(l, row, 0));
		}
		if (near.word != NULL) {
			snprintf(mend, sizeof(mend), "Did you mean %s? %s", near.word, rule->mend);
		}
		char name[160];
		rule_break_mend(v->r, rule, at, near.word != NULL ? mend : rule->mend,
			"%s %s is not in %s", name_of(name, sizeof(name), at), words_cut(cut, code),
			title_of(rule->arg));
		return;
	}
}

static void visit(struct visit *v, const struct shape_type *type, const xmlNode *node)
{
	for (const xmlAttr *a = node->properties; a != NULL && type->n_attrs > 0; a = a->next) {
		const struct shape_decl *d = shape_attr(type, a);
		if (d != NULL && d->codes != NULL && a->children != NULL &&
			a->children->next == NULL) {
			look_up(v, d->codes, (const char *)a->children->content,
				(const xmlNode *)a);
		}
	}
	if (type->content != SHAPE_ELEMENTS) {
		return;
	}
	for (const xmlNode *c = rv_xml_first(node); c != NULL; c = rv_xml_next(c)) {
		const struct shape_decl *d = shape_child(type, c, NULL);
		if (d == NULL) {
			continue;
		}
		if (d->codes != NULL) {
			look_up(v, d->codes, rv_xml_text(c), c);
		}
		if (d->type->has_codes) {
			visit(v, d->type, c);
		}
	}
}

void rules_codes_run(struct rules *r)
{
	struct visit v = {.r = r};
	for (size_t i = 0; i < N_CODED; i++) {
		v.lists[i] = catalog_list(r->catalog, rules_codes[i].arg);
	}
	visit(&v, shape_root(catalog_message_schema(r->catalog)->shape)->type, r->root);
}
