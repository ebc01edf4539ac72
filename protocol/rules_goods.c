/* SPDX-License-Identifier: Apache-2.0 */
#include "rules_inside.h"

#include <stdio.h>
#include <string.h>

#include "digits.h"

/* The goods: classification, categories, quantities, values, numbers on them. */

#define EACH_ITEM(item) EACH(item, r->sec[RV_SEC_GOODS], "Item")

/*
 * Codes are looked up in the edition that hs.csv has. Chapters are the same in all editions, so
 * that of another edition the chapter is checked. National tariffs go on behind the six digits.
 */
static void hs(struct rules *r, const struct rule *rule)
{
	const char *edition = rv_catalog_field(r->catalog, "hs", "01", "edition");
	const struct list *list = catalog_list(r->catalog, "hs");
	for (EACH_ITEM(item)) {
		const xmlNode *classification = rv_xml_child(item, "Classification");
		const xmlNode *at = rv_xml_child(classification, "ID");
		const char *code = value_text(at);
		char six[7], chapter[3], mend[160], cut[WORDS_CUT];
		if (at == NULL || list == NULL || strlen(code) < 2) {
			continue;
		}
		int same = edition == NULL ||
			   value_is(rv_xml_child(classification, "EditionCode"), edition);
		snprintf(six, sizeof(six), "%.6s", code);
		snprintf(chapter, sizeof(chapter), "%.2s", code);
		if (list_has(list, same ? six : chapter)) {
			continue;
		}
		if (list_has(list, chapter)) {
			snprintf(mend, sizeof(mend),
				"Take the six digits from the list: reeve codes hs %s", chapter);
		} else {
			snprintf(mend, sizeof(mend),
				"There is no chapter %s; take the digits from the list: reeve "
				"codes hs-chapters",
				chapter);
		}
		if (same) {
			rule_break_mend(r, rule, at, mend,
				"HS code %s is not in the Harmonized System list (edition %s)",
				words_cut(cut, code), edition != NULL ? edition : "not told");
		} else {
			rule_break_mend(r, rule, at, mend,
				"HS code %s is in no chapter of the Harmonized System",
				words_cut(cut, code));
		}
	}
}

/* The operation's list that a CategoryList names. *known is 0 where there is nothing to look in. */
static const struct rv_category_list *list_of(
	const struct rules *r, const xmlNode *named, int *known)
{
	const struct rv_operation *op = r->ctx->operation;
	uint64_t version = 0;
	*known = op != NULL && named != NULL &&
		 value_number(rv_xml_child(named, "VersionID"), &version);
	for (size_t i = 0; *known && i < op->n_categories; i++) {
		if (value_is(rv_xml_child(named, "Code"), op->categories[i].code) &&
			op->categories[i].version == version) {
			return &op->categories[i];
		}
	}
	return NULL;
}

static int is_generic(const xmlNode *named)
{
	return value_is(rv_xml_child(named, "Code"), "generic");
}

static void list_is_its(struct rules *r, const struct rule *rule)
{
	const xmlNode *const named[] = {rv_xml_child(r->sec[RV_SEC_GOODS], "CategoryList"),
		rv_xml_child(r->sec[RV_SEC_SITUATION], "CategoryList")};
	for (size_t i = 0; i < 2; i++) {
		int known = 0;
		if (list_of(r, named[i], &known) == NULL && known && !is_generic(named[i])) {
			char code[WORDS_CUT];
			char version[WORDS_CUT];
			rule_break(r, rule, named[i],
				"the operation %s has no category list %s of version %s",
				r->ctx->operation->code,
				words_cut(code, value_text(rv_xml_child(named[i], "Code"))),
				words_cut(
					version, value_text(rv_xml_child(named[i], "VersionID"))));
		}
	}
}

static const struct rv_category *category_in(const struct rv_category_list *list, const char *code)
{
	for (size_t i = 0; i < list->n; i++) {
		if (strcmp(list->items[i].code, code) == 0) {
			return &list->items[i];
		}
	}
	return NULL;
}

static int has_sub(const struct rv_category *category, const char *code)
{
	for (size_t i = 0; i < category->n_subs; i++) {
		if (strcmp(category->subs[i], code) == 0) {
			return 1;
		}
	}
	return 0;
}

/* A line of goods, or a total of the situation report, against the operation's list. */
static void category_is_its(struct rules *r, const struct rule *rule,
	const struct rv_category_list *list, const xmlNode *line)
{
	const xmlNode *at = rv_xml_child(line, "CategoryCode");
	const xmlNode *sub = rv_xml_child(line, "SubCategoryCode");
	const struct rv_category *category = category_in(list, value_text(at));
	char cut[WORDS_CUT];
	if (at != NULL && category == NULL) {
		rule_break(r, rule, at,
			"category %s is not in the list %s, version %u, of the operation",
			words_cut(cut, value_text(at)), list->code, list->version);
	} else if (sub != NULL && category != NULL && !has_sub(category, value_text(sub))) {
		rule_break(r, rule, sub,
			"sub-category %s is not one of the category %s in the list %s, version %u",
			words_cut(cut, value_text(sub)), category->code, list->code, list->version);
	}
}

static void categories(struct rules *r, const struct rule *rule)
{
	int known;
	const struct rv_category_list *list =
		list_of(r, rv_xml_child(r->sec[RV_SEC_GOODS], "CategoryList"), &known);
	for (EACH_ITEM(item)) {
		if (list != NULL) {
			category_is_its(r, rule, list, item);
		}
	}
	list = list_of(r, rv_xml_child(r->sec[RV_SEC_SITUATION], "CategoryList"), &known);
	for (EACH(total, r->sec[RV_SEC_SITUATION], "SeizureTotal")) {
		if (list != NULL) {
			category_is_its(r, rule, list, total);
		}
	}
}

static void generic_line(
	struct rules *r, const struct rule *rule, const struct list *list, const xmlNode *line)
{
	const xmlNode *at = rv_xml_child(line, "CategoryCode");
	const xmlNode *sub = rv_xml_child(line, "SubCategoryCode");
	const char *category = value_text(at);
	char cut[WORDS_CUT];
	size_t row = list_row(list, category);
	if (at != NULL && (row == list->n || list_field(list, row, 2)[0] != '\0')) {
		rule_break(r, rule, at, "category %s is not in the generic list",
			words_cut(cut, category));
		return;
	}
	row = sub != NULL ? list_row(list, value_text(sub)) : list->n;
	if (sub != NULL && (row == list->n || strcmp(list_field(list, row, 2), category) != 0)) {
		rule_break(r, rule, sub,
			"sub-category %s is not one of the category %s in the generic list",
			words_cut(cut, value_text(sub)), category);
	}
}

static void generic_categories(struct rules *r, const struct rule *rule)
{
	const struct list *list = catalog_list(r->catalog, "categories-generic");
	int known;
	if (list == NULL || list->n_columns < 3) {
		return;
	}
	const xmlNode *named = rv_xml_child(r->sec[RV_SEC_GOODS], "CategoryList");
	for (EACH_ITEM(item)) {
		if (is_generic(named) && list_of(r, named, &known) == NULL) {
			generic_line(r, rule, list, item);
		}
	}
	named = rv_xml_child(r->sec[RV_SEC_SITUATION], "CategoryList");
	for (EACH(total, r->sec[RV_SEC_SITUATION], "SeizureTotal")) {
		if (is_generic(named) && list_of(r, named, &known) == NULL) {
			generic_line(r, rule, list, total);
		}
	}
}

static void numbers(struct rules *r, const struct rule *rule)
{
	rule_unique_children(
		r, rule, r->sec[RV_SEC_GOODS], "Item", "SequenceNumeric", "the number");
}

static void quantity_is_told(struct rules *r, const struct rule *rule)
{
	for (EACH_ITEM(item)) {
		if ((r->kind == RV_KIND_SEIZURE || r->kind == RV_KIND_ALERT) &&
			rv_xml_child(item, "Quantity") == NULL) {
			rule_break_missing(
				r, rule, item, "Quantity", "the line of goods has no Quantity");
		}
	}
}

static void quantity_is_some(struct rules *r, const struct rule *rule)
{
	for (EACH_ITEM(item)) {
		for (EACH(quantity, item, "Quantity")) {
			if (value_zero(quantity)) {
				rule_break(r, rule, quantity, "the quantity is zero");
			}
		}
	}
}

/* One key for each child of the name, from its attributes; then the same key must not come twice.
 */
static void once_in_line(struct rules *r, const struct rule *rule, const xmlNode *item,
	const char *name, const char *attr_a, const char *attr_b, const char *what)
{
	char texts[8][64];
	struct key keys[8];
	size_t n = 0;
	for (EACH(c, item, name)) {
		const char *a = rv_xml_attr(c, attr_a);
		const char *b = attr_b != NULL ? rv_xml_attr(c, attr_b) : NULL;
		if (a != NULL && n < 8) {
			snprintf(texts[n], sizeof(texts[n]), "%.20s%s%.30s", a,
				b != NULL ? " " : "", b != NULL ? b : "");
			keys[n] = (struct key){texts[n], c};
			n++;
		}
	}
	rule_unique(r, rule, keys, n, 0, what);
}

static void units_once(struct rules *r, const struct rule *rule)
{
	for (EACH_ITEM(item)) {
		once_in_line(r, rule, item, "Quantity", "unitCode", NULL, "a quantity in");
	}
}

static void values_once(struct rules *r, const struct rule *rule)
{
	for (EACH_ITEM(item)) {
		once_in_line(r, rule, item, "Value", "currencyID", "basis", "a value in");
	}
}

static void value_is_some(struct rules *r, const struct rule *rule)
{
	for (EACH_ITEM(item)) {
		for (EACH(value, item, "Value")) {
			if (value_zero(value)) {
				rule_break(r, rule, value, "the value is zero");
			}
		}
	}
}

static void packages_are_some(struct rules *r, const struct rule *rule)
{
	for (EACH_ITEM(item)) {
		for (EACH(packaging, item, "Packaging")) {
			const xmlNode *quantity = rv_xml_child(packaging, "Quantity");
			if (value_zero(quantity)) {
				rule_break(r, rule, quantity, "the number of packages is zero");
			}
		}
	}
}

static void batches_once(struct rules *r, const struct rule *rule)
{
	for (EACH_ITEM(item)) {
		rule_unique_children(r, rule, item, "SerialID", NULL, "the serial number");
		rule_unique_children(r, rule, item, "BatchID", NULL, "the batch");
		rule_unique_children(r, rule, item, "GTINID", NULL, "the GTIN");
	}
}

/* Basel Convention, Annex III. */
static void hazards(struct rules *r, const struct rule *rule)
{
	static const char *const codes[] = {"H1", "H3", "H4.1", "H4.2", "H4.3", "H5.1", "H5.2",
		"H6.1", "H6.2", "H8", "H10", "H11", "H12", "H13"};
	for (EACH_ITEM(item)) {
		for (EACH(hazard, rv_xml_child(item, "Waste"), "HazardCode")) {
			int known = 0;
			for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
				known |= value_is(hazard, codes[i]);
			}
			if (!known) {
				char cut[WORDS_CUT];
				rule_break(r, rule, hazard,
					"hazard code %s is not in Annex III of the Basel "
					"Convention",
					words_cut(cut, value_text(hazard)));
			}
		}
	}
}

static void un_numbers(struct rules *r, const struct rule *rule)
{
	for (EACH_ITEM(item)) {
		const xmlNode *at = rv_xml_child(item, "DangerousGoodsID");
		uint64_t number;
		if (value_number(at, &number) && (number < 4 || number > 3600)) {
			rule_break(r, rule, at,
				"UN number %s is outside the numbers that are given (0004 to 3600)",
				value_text(at));
		}
	}
}

static void rights_are_there(struct rules *r, const struct rule *rule)
{
	unsigned char there[10000] = {0};
	uint64_t number;
	if (r->withheld & (1u << RV_SEC_RIGHTS)) {
		return;
	}
	for (EACH(right, r->sec[RV_SEC_RIGHTS], "Right")) {
		if (value_number(rv_xml_child(right, "SequenceNumeric"), &number) &&
			number < sizeof(there)) {
			there[number] = 1;
		}
	}
	for (EACH_ITEM(item)) {
		for (EACH(infringement, item, "Infringement")) {
			const xmlNode *at = rv_xml_child(infringement, "RightNumeric");
			if (value_number(at, &number) &&
				(number >= sizeof(there) || !there[number])) {
				rule_break(r, rule, at,
					"the section Rights has no right with the number %llu",
					(unsigned long long)number);
			}
		}
	}
}

static void brand_is_told(struct rules *r, const struct rule *rule)
{
	int generic = is_generic(rv_xml_child(r->sec[RV_SEC_GOODS], "CategoryList"));
	for (EACH_ITEM(item)) {
		const xmlNode *category = rv_xml_child(item, "CategoryCode");
		if (r->kind == RV_KIND_SEIZURE && generic && value_is(category, "counterfeit") &&
			rv_xml_child(item, "Infringement") == NULL) {
			rule_break(r, rule, category,
				"the goods are counterfeit, but no Infringement names the brand");
		}
	}
}

static void alert_names_right(struct rules *r, const struct rule *rule)
{
	for (EACH_ITEM(item)) {
		if (r->kind == RV_KIND_ALERT && rv_xml_child(item, "Infringement") == NULL) {
			rule_break_missing(r, rule, item, "Infringement",
				"the line of goods does not tell which right it may infringe");
		}
	}
}

static void gtins(struct rules *r, const struct rule *rule)
{
	for (EACH_ITEM(item)) {
		for (EACH(gtin, item, "GTINID")) {
			char digit;
			if (rv_digits_gtin(value_text(gtin), &digit) == 0) {
				rule_break(r, rule, gtin,
					"the check digit of GTIN %s does not fit: it would be %c",
					value_text(gtin), digit);
			}
		}
	}
}

static void cas_number(struct rules *r, const struct rule *rule, const xmlNode *at)
{
	char digit;
	if (at != NULL && rv_digits_cas(value_text(at), &digit) == 0) {
		rule_break(r, rule, at,
			"the check digit of CAS number %s does not fit: it would be %c",
			value_text(at), digit);
	}
}

static void cas_numbers(struct rules *r, const struct rule *rule)
{
	for (EACH_ITEM(item)) {
		for (EACH(substance, item, "Substance")) {
			cas_number(r, rule, rv_xml_child(substance, "CASID"));
		}
		for (EACH(ozone, item, "OzoneSubstance")) {
			cas_number(r, rule, rv_xml_child(ozone, "CASID"));
		}
	}
}

const struct rule rules_goods[] = {
	{RV_LEVEL_ERROR, "RV-GOODS-HS",
		"Codes of the Harmonized System are in the list of their edition, those of other "
		"editions in a "
		"chapter that exists.",
		"Take the six digits from the list: reeve codes hs 24", hs, NULL},
	{RV_LEVEL_ERROR, "RV-GOODS-LIST",
		"The category list is one of the operation, in its version.",
		"'reeve operation show' tells the lists of the operation and their versions.",
		list_is_its, NULL},
	{RV_LEVEL_ERROR, "RV-GOODS-CATEGORY",
		"Categories and sub-categories are in the list of the operation.",
		"'reeve operation show' tells the categories of the operation.", categories, NULL},
	{RV_LEVEL_WARNING, "RV-GOODS-GENERIC",
		"Categories and sub-categories are in the generic list, where a message uses it.",
		"Take the code from the list: reeve codes categories-generic", generic_categories,
		NULL},
	{RV_LEVEL_ERROR, "RV-GOODS-NUMBER", "Lines of goods have different numbers.",
		"Number the lines 1, 2, 3.", numbers, NULL},
	{RV_LEVEL_ERROR, "RV-GOODS-QUANTITY",
		"A line of goods in a seizure or alert has a quantity.",
		"Add Quantity with its unitCode; an estimate has estimated=\"true\".",
		quantity_is_told, NULL},
	{RV_LEVEL_ERROR, "RV-GOODS-QUANTITY-ZERO", "A quantity is more than zero.",
		"Give the quantity, an estimate with estimated=\"true\", or take the line out.",
		quantity_is_some, NULL},
	{RV_LEVEL_ERROR, "RV-GOODS-UNIT-TWICE", "A line of goods has one quantity in each unit.",
		"Add them up, or give the second in another unit.", units_once, NULL},
	{RV_LEVEL_ERROR, "RV-GOODS-VALUE-TWICE",
		"A line of goods has one value of each basis and currency.",
		"Add them up, or tell their basis.", values_once, NULL},
	{RV_LEVEL_WARNING, "RV-GOODS-VALUE-ZERO", "A value is more than zero.",
		"Give the value, or take the element out.", value_is_some, NULL},
	{RV_LEVEL_ERROR, "RV-GOODS-PACKAGES-ZERO", "There is at least one package.",
		"Give their number, or take Packaging out.", packages_are_some, NULL},
	{RV_LEVEL_WARNING, "RV-GOODS-NUMBER-TWICE",
		"Serial, batch and bar code numbers stand once in a line.",
		"Take the second one out.", batches_once, NULL},
	{RV_LEVEL_ERROR, "RV-GOODS-HAZARD",
		"Hazard codes of waste are those of Annex III of the Basel Convention.",
		"Choose H1, H3, H4.1, H4.2, H4.3, H5.1, H5.2, H6.1, H6.2, H8, H10, H11, H12 or "
		"H13.",
		hazards, NULL},
	{RV_LEVEL_WARNING, "RV-GOODS-UN",
		"UN numbers of dangerous goods are among those that are given.",
		"Look at the label again.", un_numbers, NULL},
	{RV_LEVEL_ERROR, "RV-GOODS-RIGHT",
		"The right that goods infringe is in the section Rights.",
		"Give the SequenceNumeric of a right in the section Rights, or take RightNumeric "
		"out.",
		rights_are_there, NULL},
	{RV_LEVEL_WARNING, "RV-IPR-BRAND", "Counterfeit goods name the brand.",
		"Add Infringement with BrandName and RightTypeCode.", brand_is_told, NULL},
	{RV_LEVEL_ERROR, "RV-IPR-GOODS", "Goods in an alert tell which right they may infringe.",
		"Add Infringement with BrandName and RightTypeCode.", alert_names_right, NULL},
	{RV_LEVEL_WARNING, "RV-CHECK-GTIN", "The check digit of a bar code number (GTIN) fits.",
		"Look at the bar code again; if it is so on the goods, leave it: it may be forged.",
		gtins, NULL},
	{RV_LEVEL_WARNING, "RV-CHECK-CAS", "The check digit of a CAS number fits.",
		"Look at the number again.", cas_numbers, NULL},
	{0},
};
