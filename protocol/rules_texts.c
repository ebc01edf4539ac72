/* SPDX-License-Identifier: Apache-2.0 */
#include "rules_inside.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Texts in several languages, and attachments. */

/* Elements that say the same in several languages; the schema's documentation says "once a
 * language" of them. */
static int is_once_a_language(const struct shape_decl *d, unsigned max)
{
	return max > 1 && d->doc != NULL && strstr(d->doc, "once a language") != NULL;
}

static const char *language_of(const xmlNode *n)
{
	const xmlNode *lang = attr_node(n, "lang");
	return lang != NULL && lang->children != NULL ? (const char *)lang->children->content : "";
}

/* Up to ten of each may stand, so that pairs are few. */
static void languages_below(struct rules *r, const struct rule *rule, const struct shape_type *type,
	const xmlNode *node)
{
	const xmlNode *last = NULL;
	for (const xmlNode *c = rv_xml_first(node); c != NULL; c = rv_xml_next(c)) {
		size_t k;
		const struct shape_decl *d = shape_child(type, c, &k);
		if (d == NULL) {
			last = NULL;
			continue;
		}
		if (d->type->content == SHAPE_ELEMENTS) {
			languages_below(r, rule, d->type, c);
			last = NULL;
			continue;
		}
		if (!is_once_a_language(d, type->particles[k].max)) {
			continue;
		}
		if (last != NULL && !xmlStrEqual(last->name, c->name)) {
			last = NULL;
		}
		last = last == NULL ? c : last;
		for (const xmlNode *p = last; p != c && p != NULL; p = rv_xml_next(p)) {
			if (xmlStrEqual(p->name, c->name) &&
				strcasecmp(language_of(p), language_of(c)) == 0) {
				char cut[WORDS_CUT];
				const char *lang = language_of(c);
				rule_break(r, rule, c, "there are two of %s %s%s",
					(const char *)c->name,
					lang[0] != '\0' ? "in the language " : "without a language",
					words_cut(cut, lang));
				break;
			}
		}
	}
}

static void languages(struct rules *r, const struct rule *rule)
{
	languages_below(
		r, rule, shape_root(catalog_message_schema(r->catalog)->shape)->type, r->root);
}

static void original_is_there(struct rules *r, const struct rule *rule)
{
	const xmlNode *first = rv_xml_child(r->sec[RV_SEC_NARRATIVE], "Text");
	int originals = 0;
	for (const xmlNode *n = first; n != NULL; n = rv_xml_again(n)) {
		const char *origin = rv_xml_attr(n, "origin");
		originals += origin == NULL || strcmp(origin, "original") == 0;
	}
	if (first != NULL && originals == 0) {
		rule_break(r, rule, first,
			"all texts of the Narrative are translations; the original is missing");
	}
}

static void names_once(struct rules *r, const struct rule *rule)
{
	size_t n = 0;
	struct key keys[64];
	for (EACH(file, r->sec[RV_SEC_ATTACHMENTS], "Attachment")) {
		const xmlNode *name = rv_xml_child(file, "FileName");
		if (name != NULL && n < 64) {
			keys[n++] = (struct key){value_text(name), name};
		}
	}
	rule_unique(r, rule, keys, n, 1, "the file");
}

static void contents_once(struct rules *r, const struct rule *rule)
{
	rule_unique_children(r, rule, r->sec[RV_SEC_ATTACHMENTS], "Attachment", "Digest",
		"the content with the digest");
}

/* SHA-256 of nothing. */
static void content_is_some(struct rules *r, const struct rule *rule)
{
	for (EACH(file, r->sec[RV_SEC_ATTACHMENTS], "Attachment")) {
		const xmlNode *digest = rv_xml_child(file, "Digest");
		if (value_is(digest,
			    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")) {
			rule_break(r, rule, digest, "the digest is that of an empty file");
		}
	}
}

static void no_programs(struct rules *r, const struct rule *rule)
{
	static const char *const endings[] = {".exe", ".dll", ".com", ".bat", ".cmd", ".scr",
		".msi", ".js", ".jse", ".vbs", ".vbe", ".wsf", ".hta", ".ps1", ".jar", ".lnk",
		".sh", ".apk", ".docm", ".xlsm", ".pptm"};
	for (EACH(file, r->sec[RV_SEC_ATTACHMENTS], "Attachment")) {
		const xmlNode *name = rv_xml_child(file, "FileName");
		const char *text = value_text(name);
		for (size_t i = 0; i < sizeof(endings) / sizeof(endings[0]); i++) {
			size_t n = strlen(endings[i]);
			if (strlen(text) > n &&
				strcasecmp(text + strlen(text) - n, endings[i]) == 0) {
				char cut[WORDS_CUT];
				rule_break(r, rule, name,
					"the attachment %s is a program or carries one",
					words_cut(cut, text));
			}
		}
	}
}

static void files_are_read(struct rules *r, const struct rule *rule)
{
	struct rv_attachment *list = NULL;
	size_t n;
	struct rv_err why = {0};
	if (r->sec[RV_SEC_ATTACHMENTS] != NULL &&
		rv_attachments_read(&list, &n, r->root->doc, &why) != 0) {
		rule_break_err(r, rule, r->sec[RV_SEC_ATTACHMENTS], &why);
	}
	free(list);
}

const struct rule rules_texts[] = {
	{RV_LEVEL_ERROR, "RV-ATTACH-READ",
		"Attachments are described plainly; a file name has at most 255 octets.",
		"Take spaces and signs out of the number, or shorten the file name.",
		files_are_read, NULL},
	{RV_LEVEL_ERROR, "RV-TEXT-LANGUAGE",
		"A text that stands in several languages stands once in each.",
		"Join the texts, or correct xml:lang.", languages, NULL},
	{RV_LEVEL_WARNING, "RV-TEXT-ORIGINAL",
		"A Narrative has the original text beside its translations.",
		"Add the original, too.", original_is_there, NULL},
	{RV_LEVEL_ERROR, "RV-ATTACH-NAME",
		"Attachments have different names; upper and lower case are the same.",
		"Rename one of them.", names_once, NULL},
	{RV_LEVEL_WARNING, "RV-ATTACH-TWICE", "A file is attached once.",
		"Take the second one out.", contents_once, NULL},
	{RV_LEVEL_ERROR, "RV-ATTACH-EMPTY", "An attachment is not empty.", "Attach the file again.",
		content_is_some, NULL},
	{RV_LEVEL_ERROR, "RV-ATTACH-PROGRAM", "An attachment is no program.",
		"Send what it shows as a picture or text; programs that are evidence go to the "
		"laboratory.",
		no_programs, NULL},
	{0},
};
