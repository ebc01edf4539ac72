/* SPDX-License-Identifier: Apache-2.0 */
#include "check_inside.h"

#include <stdlib.h>
#include <string.h>
#include <libxml/xmlerror.h>

#define WORDS 700

/* What is wrong with one value, while its words are put together. */
struct value {
	const struct shape_decl *decl;
	const struct shape_type *type; /* the simple type that has the facet */
	const char *raw;
	char label[160]; /* what people call it: "Classification/ID", "unitCode of Quantity" */
	char cut[WORDS_CUT];
	char text[WORDS];
	char mend[WORDS];
};

/* The nearest type in the chain for which the facet is set. */
static const struct shape_type *with(
	const struct shape_type *t, int (*has)(const struct shape_type *))
{
	while (t != NULL && !has(t)) {
		t = t->base;
	}
	return t;
}

static int has_enums(const struct shape_type *t)
{
	return t->n_enums > 0;
}

static int has_pattern(const struct shape_type *t)
{
	return t->pattern != NULL;
}

static int has_length(const struct shape_type *t)
{
	return t->length != NULL || t->min_length != NULL || t->max_length != NULL;
}

static int has_range(const struct shape_type *t)
{
	return t->min != NULL || t->max != NULL || t->total_digits != NULL ||
	       t->fraction_digits != NULL;
}

static const char *builtin_of(const struct shape_type *t)
{
	while (t->base != NULL) {
		t = t->base;
	}
	return t->builtin != NULL ? t->builtin : "";
}

static int is_builtin(const struct shape_type *t, const char *name)
{
	return strcmp(builtin_of(t), name) == 0;
}

/* The documentation that helps most: the one with an example. */
static const char *doc_of(const struct value *v)
{
	const char *own = v->decl->doc;
	const char *type =
		v->type != NULL && v->type->doc != NULL ? v->type->doc : v->decl->type->doc;
	if (own != NULL && (type == NULL || strstr(own, "Example") != NULL ||
				   strstr(type, "Example") == NULL)) {
		return own;
	}
	return type != NULL ? type : "";
}

static void mend_by_doc(struct value *v, const char *else_mend)
{
	const char *doc = doc_of(v);
	if (doc[0] != '\0') {
		snprintf(v->mend, sizeof(v->mend), "%s is: %s", v->decl->name, doc);
	} else {
		snprintf(v->mend, sizeof(v->mend), "%s", else_mend);
	}
}

static int has_space(const char *s)
{
	return s[0] != '\0' &&
	       (strchr(" \t\r\n", s[0]) != NULL || strchr(" \t\r\n", s[strlen(s) - 1]) != NULL);
}

static void tell_enum(struct value *v)
{
	const struct shape_type *t = with(v->decl->type, has_enums);
	struct nearest near = {NULL, 0};
	if (t == NULL) {
		return;
	}
	size_t n = 0;
	snprintf(v->text, sizeof(v->text), "%s is '%s'; allowed %s ", v->label, v->cut,
		t->n_enums == 1 ? "is only" : "are");
	n = strlen(v->text);
	for (size_t i = 0; i < t->n_enums; i++) {
		nearest_try(&near, v->raw, t->enums[i]);
		if (n < sizeof(v->text) - 200) {
			int last = i + 1 == t->n_enums;
			int r = snprintf(v->text + n, sizeof(v->text) - n, "%s%s",
				i == 0 ? ""
				: last ? " and "
				       : ", ",
				t->enums[i]);
			n += r > 0 ? (size_t)r : 0;
		} else if (n < sizeof(v->text)) {
			int r = snprintf(
				v->text + n, sizeof(v->text) - n, " and %zu more", t->n_enums - i);
			n += r > 0 ? sizeof(v->text) : 0;
		}
	}
	if (has_space(v->raw)) {
		snprintf(v->mend, sizeof(v->mend),
			"Take the spaces and line breaks around the code out.");
	} else if (near.word != NULL) {
		snprintf(v->mend, sizeof(v->mend), "Did you mean %s?", near.word);
	} else if (v->decl->codes != NULL) {
		snprintf(v->mend, sizeof(v->mend),
			"Choose one of them; 'reeve codes %s' tells what each means.",
			v->decl->codes);
	} else {
		snprintf(v->mend, sizeof(v->mend), "Choose one of them.");
	}
}

static void tell_pattern(struct value *v)
{
	v->type = with(v->decl->type, has_pattern);
	if (v->raw[0] == '\0') {
		snprintf(v->text, sizeof(v->text), "%s is empty", v->label);
	} else if (has_space(v->raw)) {
		snprintf(v->text, sizeof(v->text), "%s '%s' has spaces or line breaks around it",
			v->label, v->cut);
	} else {
		snprintf(v->text, sizeof(v->text), "%s '%s' does not have the right form", v->label,
			v->cut);
	}
	mend_by_doc(v, "Write it in the form that the schema asks for.");
}

/* Characters; blanks as one and none around where the type collapses them. */
static size_t length_of(const char *s, int collapse)
{
	size_t n = 0;
	int blank = 1;
	for (; *s != '\0'; s++) {
		int now = strchr(" \t\r\n", *s) != NULL;
		if (collapse && now && blank) {
			continue;
		}
		blank = now;
		n += ((unsigned char)*s & 0xc0) != 0x80;
	}
	return collapse && blank && n > 0 ? n - 1 : n;
}

/* How many octets a base64 text stands for. */
static size_t octets_of(const char *s)
{
	size_t n = 0;
	for (; *s != '\0' && *s != '='; s++) {
		n += strchr(" \t\r\n", *s) == NULL;
	}
	return n * 3 / 4;
}

static void tell_length(struct value *v)
{
	const struct shape_type *t = with(v->decl->type, has_length);
	if (t == NULL) {
		return;
	}
	v->type = t;
	int octets = is_builtin(t, "base64Binary");
	size_t n = octets ? octets_of(v->raw) : length_of(v->raw, !is_builtin(t, "string"));
	const char *unit = octets ? "octets" : "characters";
	if (n == 0) {
		snprintf(v->text, sizeof(v->text), "%s is empty", v->label);
	} else if (t->length != NULL) {
		snprintf(v->text, sizeof(v->text), "%s has %zu %s; it must have %s", v->label, n,
			unit, t->length);
	} else if (t->max_length != NULL && n > strtoul(t->max_length, NULL, 10)) {
		snprintf(v->text, sizeof(v->text), "%s has %zu %s; at most %s are allowed",
			v->label, n, unit, t->max_length);
		snprintf(v->mend, sizeof(v->mend), "Shorten it%s.",
			octets ? "" : "; what does not fit can go into the Narrative");
		return;
	} else {
		snprintf(v->text, sizeof(v->text), "%s has %zu %s; at least %s are needed",
			v->label, n, unit, t->min_length != NULL ? t->min_length : "1");
	}
	mend_by_doc(v, "Fill it in, or take the element out.");
}

static void tell_range(struct value *v, int code)
{
	const struct shape_type *t = with(v->decl->type, has_range);
	if (t == NULL) {
		return;
	}
	v->type = t;
	if (code == XML_SCHEMAV_CVC_FRACTIONDIGITS_VALID && t->fraction_digits != NULL) {
		snprintf(v->text, sizeof(v->text),
			"%s is %s; at most %s digits may stand behind the point", v->label, v->cut,
			t->fraction_digits);
		snprintf(v->mend, sizeof(v->mend), "Round it.");
		return;
	}
	if (code == XML_SCHEMAV_CVC_TOTALDIGITS_VALID && t->total_digits != NULL) {
		snprintf(v->text, sizeof(v->text), "%s is %s; it may have %s digits", v->label,
			v->cut, t->total_digits);
		snprintf(v->mend, sizeof(v->mend), "Use a larger unit, or round it.");
		return;
	}
	snprintf(v->text, sizeof(v->text), "%s is %s; it must be %s%s%s%s", v->label, v->cut,
		t->min == NULL   ? "at most "
		: t->max == NULL ? "at least "
				 : "from ",
		t->min != NULL ? t->min : "", t->min != NULL && t->max != NULL ? " to " : "",
		t->max != NULL ? t->max : "");
	mend_by_doc(v, "Give a number in that range.");
}

static void tell_type(struct value *v)
{
	static const struct {
		const char *builtin, *what, *mend;
	} kinds[] = {
		{"dateTime", "a date and time",
			"Write it in UTC, as in 2026-11-24T08:08:00Z; the day must be in the "
			"calendar."},
		{"date", "a date", "Write it as in 2026-11-24; the day must be in the calendar."},
		{"decimal", "a number",
			"Write digits, with a point before decimals and nothing between thousands: "
			"1250.5"},
		{"integer", "a whole number", "Write digits only."},
		{"boolean", "true or false", "Write true or false."},
		{"base64Binary", "base64",
			"Copy the value as it was given; only letters, digits, +, / and = occur."},
		{"language", "a language",
			"Write a code of ISO 639, such as en, fr or sw; a script or country may "
			"follow: zh-Hant."},
		{"anyURI", "an address (URI)", "Copy the value as it was given."},
	};
	const char *builtin = builtin_of(v->decl->type);
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (strcmp(kinds[i].builtin, builtin) == 0) {
			snprintf(v->text, sizeof(v->text), "%s '%s' is not %s", v->label, v->cut,
				kinds[i].what);
			snprintf(v->mend, sizeof(v->mend), "%s", kinds[i].mend);
			return;
		}
	}
	snprintf(v->text, sizeof(v->text), "%s '%s' is not of the type %s", v->label, v->cut,
		builtin);
	mend_by_doc(v, "Write it as the schema asks.");
}

static void tell_id(struct value *v, const xmlNode *node)
{
	const struct shape_type *t = with(v->decl->type, has_enums);
	const char *owner = node->parent != NULL ? (const char *)node->parent->name : "";
	if (t != NULL && t->n_enums == 1 && strcmp(t->enums[0], v->raw) != 0) {
		snprintf(v->text, sizeof(v->text), "the Id of %s is '%s'; it must be '%s'", owner,
			v->cut, t->enums[0]);
	} else {
		snprintf(v->text, sizeof(v->text),
			"the Id '%s' of %s stands twice, or is not an identifier", v->cut, owner);
	}
	snprintf(v->mend, sizeof(v->mend),
		"Leave Id out of a draft: the node sets it when it seals.");
}

/* Names that say little without that of the parent. */
static void label(struct value *v, const xmlNode *node)
{
	static const char *const bare[] = {"ID", "Code", "TypeCode", "Name", "Number", "Text",
		"Line", "VersionID", "Size", "Version", "StatusCode", "Hours"};
	const char *owner = node->parent != NULL ? (const char *)node->parent->name : "";
	if (node->type == XML_ATTRIBUTE_NODE) {
		snprintf(v->label, sizeof(v->label), "%s%s of %s",
			v->decl->ns != NULL ? "xml:" : "", v->decl->name, owner);
		return;
	}
	for (size_t i = 0; i < sizeof(bare) / sizeof(bare[0]) && strcmp(owner, "Header") != 0;
		i++) {
		if (strcmp(bare[i], v->decl->name) == 0) {
			snprintf(v->label, sizeof(v->label), "%s/%s", owner, v->decl->name);
			return;
		}
	}
	snprintf(v->label, sizeof(v->label), "%s", v->decl->name);
}

static const char *raw_value(const xmlNode *node)
{
	const xmlNode *child = node->children;
	return child != NULL && child->content != NULL &&
			       (child->type == XML_TEXT_NODE ||
				       child->type == XML_CDATA_SECTION_NODE)
		       ? (const char *)child->content
		       : "";
}

void xsd_value(const struct shape *shape, const xmlNode *node, int code, struct faults *f)
{
	struct value v = {.decl = shape_of(shape, node), .raw = raw_value(node)};
	const char *rule = "XSD-TYPE";
	if (v.decl == NULL || v.decl->type->content != SHAPE_SIMPLE) {
		return;
	}
	words_cut(v.cut, v.raw);
	label(&v, node);
	if (node->type == XML_ATTRIBUTE_NODE && strcmp(v.decl->name, "Id") == 0) {
		rule = "XSD-ID";
		tell_id(&v, node);
	} else {
		switch (code) {
		case XML_SCHEMAV_CVC_ENUMERATION_VALID:
			rule = "XSD-ENUM";
			tell_enum(&v);
			break;
		case XML_SCHEMAV_CVC_PATTERN_VALID:
			rule = "XSD-PATTERN";
			tell_pattern(&v);
			break;
		case XML_SCHEMAV_CVC_LENGTH_VALID:
		case XML_SCHEMAV_CVC_MINLENGTH_VALID:
		case XML_SCHEMAV_CVC_MAXLENGTH_VALID:
			rule = "XSD-LENGTH";
			tell_length(&v);
			break;
		case XML_SCHEMAV_CVC_MININCLUSIVE_VALID:
		case XML_SCHEMAV_CVC_MAXINCLUSIVE_VALID:
		case XML_SCHEMAV_CVC_MINEXCLUSIVE_VALID:
		case XML_SCHEMAV_CVC_MAXEXCLUSIVE_VALID:
		case XML_SCHEMAV_CVC_TOTALDIGITS_VALID:
		case XML_SCHEMAV_CVC_FRACTIONDIGITS_VALID:
			rule = "XSD-RANGE";
			tell_range(&v, code);
			break;
		default:
			tell_type(&v);
			break;
		}
	}
	if (v.text[0] == '\0') {
		snprintf(v.text, sizeof(v.text), "%s '%s' is not allowed", v.label, v.cut);
	}
	faults_add(
		f, RV_LEVEL_ERROR, rule, (struct spot){.node = node, .refused = 1}, v.mend, v.text);
}
