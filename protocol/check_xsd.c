/* SPDX-License-Identifier: Apache-2.0 */
#include "check_inside.h"

#include <stdlib.h>
#include <string.h>
#include <libxml/xmlerror.h>

#define NS_XSI "http://www.w3.org/2001/XMLSchema-instance"

/*
 * libxml2 judges; the words are ours.
 *
 * A document that the strict schema accepts is done with. Of any other, libxml2 would tell too
 * little: after the first element that is out of place it skips the rest of the parent. So the
 * structure is walked by our own reading of the schema, and the values are judged by libxml2
 * against the lenient schema, in which order and need do not matter, while elements that the schema
 * does not know are put aside.
 */

static const struct {
	const char *code, *summary, *mend;
} table[] = {
	{"XSD-ROOT", "The document is not a message (or trust list) of this version.",
		"Begin with <Message xmlns=\"urn:reeve:message:1\">."},
	{"XSD-UNKNOWN-ELEMENT",
		"An element is unknown at its place, out of order, or there once too often.",
		"Take it out, or move it to its place: the order of elements is fixed."},
	{"XSD-MISSING-ELEMENT",
		"An element that is needed is missing. The line is that of the element before "
		"which it belongs, or of "
		"the parent where it belongs at the end.",
		"Add it."},
	{"XSD-UNKNOWN-ATTRIBUTE", "An attribute is unknown at its element.", "Take it out."},
	{"XSD-MISSING-ATTRIBUTE", "An attribute that is needed is missing.", "Add it."},
	{"XSD-ENUM", "A value is not in its closed list.", "Choose a value of the list."},
	{"XSD-PATTERN", "A value does not have the form that its element asks for.",
		"Write it in the form of the example."},
	{"XSD-LENGTH", "A value is too long, too short or empty.", "Shorten it, or fill it in."},
	{"XSD-RANGE", "A number is too small, too large or has too many digits.",
		"Give a number in the range."},
	{"XSD-TYPE", "A value is not a number, a date, true or false, ... at all.",
		"Write it as the example shows."},
	{"XSD-TEXT", "Text stands where only elements may stand.", "Take the text out."},
	{"XSD-ID", "An attribute Id is not what it must be, or stands twice.",
		"Leave Id out of a draft."},
};

static const char *code_named(const char *name)
{
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		if (strcmp(table[i].code, name) == 0) {
			return table[i].code;
		}
	}
	return table[0].code;
}

int xsd_rules_each(int (*fn)(void *ctx, enum rv_level level, const char *code, const char *summary,
			   const char *mend),
	void *ctx)
{
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		int rc = fn(ctx, RV_LEVEL_ERROR, table[i].code, table[i].summary, table[i].mend);
		if (rc != 0) {
			return rc;
		}
	}
	return 0;
}

int xsd_new(struct xsd *x, const struct schema *schema, struct rv_err *e)
{
	x->schema = schema;
	x->strict = xmlSchemaNewValidCtxt(schema->strict);
	x->lenient = xmlSchemaNewValidCtxt(schema->lenient);
	return x->strict != NULL && x->lenient != NULL ? 0 : rv_fail_nomem(e);
}

void xsd_clear(struct xsd *x)
{
	xmlSchemaFreeValidCtxt(x->strict);
	xmlSchemaFreeValidCtxt(x->lenient);
	memset(x, 0, sizeof(*x));
}

/* The strict pass: whether, and the first fault in case nobody else finds it. */
struct first {
	int code;
	const xmlNode *node;
	char text[400];
};

static void on_strict(void *ctx, xmlErrorPtr error)
{
	struct first *first = ctx;
	if (error == NULL || first->code != 0) {
		return;
	}
	first->code = error->code != 0 ? error->code : -1;
	first->node = error->node;
	snprintf(first->text, sizeof(first->text), "%.*s",
		error->message != NULL ? (int)strcspn(error->message, "\n") : 0,
		error->message != NULL ? error->message : "");
}

struct values {
	const struct shape *shape;
	struct faults *f;
	const xmlNode *last; /* what libxml2 says next of the same node follows from the first */
};

/* Only what a value has to do with: the structure was walked already. */
static int of_value(int code)
{
	return code == XML_SCHEMAV_CVC_DATATYPE_VALID_1_2_1 ||
	       code == XML_SCHEMAV_CVC_DATATYPE_VALID_1_2_2 ||
	       code == XML_SCHEMAV_CVC_DATATYPE_VALID_1_2_3 ||
	       (code >= XML_SCHEMAV_CVC_LENGTH_VALID && code <= XML_SCHEMAV_CVC_ENUMERATION_VALID);
}

/* libxml2 names the element and tells the attribute in its message alone: "Element 'E', attribute
 * 'A': ...". */
static const xmlNode *node_of(const xmlError *error)
{
	const xmlNode *node = error->node;
	const char *message = error->message != NULL ? error->message : "";
	const char *head = "', attribute '";
	const char *name = strncmp(message, "Element '", 9) == 0 ? strchr(message + 9, '\'') : NULL;
	if (name == NULL || strncmp(name, head, strlen(head)) != 0 ||
		node->type != XML_ELEMENT_NODE) {
		return node;
	}
	name += strlen(head);
	size_t len = strcspn(name, "'");
	for (const xmlAttr *a = node->properties; a != NULL; a = a->next) {
		size_t n = strlen((const char *)a->name);
		int ends = n <= len && strncmp(name + len - n, (const char *)a->name, n) == 0;
		if (ends && (n == len || name[len - n - 1] == '}')) {
			return (const xmlNode *)a;
		}
	}
	return node;
}

static void on_value(void *ctx, xmlErrorPtr error)
{
	struct values *v = ctx;
	if (error == NULL || error->node == NULL || !of_value(error->code)) {
		return;
	}
	const xmlNode *node = node_of(error);
	/* An element inside a value was told already, and leaves no value. */
	if (node == v->last || (node->type == XML_ELEMENT_NODE && rv_xml_first(node) != NULL)) {
		return;
	}
	v->last = node;
	if (!faults_room(v->f, RV_LEVEL_ERROR)) {
		v->f->errors++;
		return;
	}
	xsd_value(v->shape, node, error->code, v->f);
}

/* The node after this one in document order, within root. */
static const xmlNode *following(const xmlNode *n, const xmlNode *root)
{
	if (n->type == XML_ELEMENT_NODE && n->children != NULL) {
		return n->children;
	}
	for (; n != NULL && n != root; n = n->parent) {
		if (n->next != NULL) {
			return n->next;
		}
	}
	return NULL;
}

/* xsi:type and its like would change what the schema says; libxml2 takes them at every element. */
static int has_xsi(const xmlNode *root)
{
	for (const xmlNode *n = root; n != NULL; n = following(n, root)) {
		for (const xmlAttr *a = n->type == XML_ELEMENT_NODE ? n->properties : NULL;
			a != NULL; a = a->next) {
			if (a->ns != NULL && strcmp((const char *)a->ns->href, NS_XSI) == 0) {
				return 1;
			}
		}
	}
	return 0;
}

static void wrong_root(const struct shape_decl *want, const xmlNode *root, struct faults *f)
{
	char name[WORDS_CUT];
	char ns[WORDS_CUT];
	char text[400];
	char mend[200];
	words_cut(name, (const char *)root->name);
	const char *href = root->ns != NULL ? (const char *)root->ns->href : "";
	if (strcmp((const char *)root->name, want->name) != 0) {
		snprintf(text, sizeof(text), "the document is <%s>, not <%s>", name, want->name);
	} else if (href[0] == '\0') {
		snprintf(text, sizeof(text), "%s is in no namespace", name);
	} else {
		snprintf(text, sizeof(text),
			"%s is in the namespace %s, which is another version or format", name,
			words_cut(ns, href));
	}
	snprintf(mend, sizeof(mend), "Begin with <%s xmlns=\"%s\">.", want->name, want->ns);
	faults_add(
		f, RV_LEVEL_ERROR, code_named("XSD-ROOT"), (struct spot){.node = root}, mend, text);
}

/* Where a stray element stood. */
struct aside {
	xmlNode *node, *parent, *next;
};

static int judge_values(
	struct xsd *x, xmlDoc *doc, const struct strays *strays, struct faults *f, struct rv_err *e)
{
	struct values v = {x->schema->shape, f, NULL};
	struct aside *aside = calloc(strays->n + 1, sizeof(*aside));
	if (aside == NULL) {
		return rv_fail_nomem(e);
	}
	for (size_t i = 0; i < strays->n; i++) {
		xmlNode *n = strays->list[i];
		aside[i] = (struct aside){n, n->parent, n->next};
		xmlUnlinkNode(n);
	}
	xmlSchemaSetValidStructuredErrors(x->lenient, on_value, &v);
	int rc = xmlSchemaValidateDoc(x->lenient, doc);
	/* Backwards, so that the one behind is in its place again. By hand: libxml2's functions
	 * merge texts and reconcile namespaces. */
	for (size_t i = strays->n; i-- > 0;) {
		struct aside *a = &aside[i];
		a->node->parent = a->parent;
		a->node->next = a->next;
		a->node->prev = a->next != NULL ? a->next->prev : a->parent->last;
		*(a->node->prev != NULL ? &a->node->prev->next : &a->parent->children) = a->node;
		*(a->next != NULL ? &a->next->prev : &a->parent->last) = a->node;
	}
	free(aside);
	return rc < 0 ? rv_fail(e, RV_ENOMEM, "the schema check broke off; memory is short") : 0;
}

int xsd_check(struct xsd *x, xmlDoc *doc, struct faults *f, int *root_r, struct rv_err *e)
{
	xmlNode *root = xmlDocGetRootElement(doc);
	const struct shape_decl *want = shape_root(x->schema->shape);
	struct strays strays = {0};
	struct first first = {0};
	*root_r = rv_xml_is(root, want->ns, want->name);
	if (root == NULL) {
		return rv_fail(e, RV_EINVAL, "the document is empty");
	}
	if (!*root_r) {
		wrong_root(want, root, f);
		return 0;
	}
	xmlSchemaSetValidStructuredErrors(x->strict, on_strict, &first);
	int rc = xmlSchemaValidateDoc(x->strict, doc);
	if (rc < 0) {
		rc = rv_fail(e, RV_ENOMEM, "the schema check broke off; memory is short");
		goto out;
	}
	if (rc == 0 && !has_xsi(root)) {
		goto out;
	}
	xsd_structure(x->schema->shape, root, f, &strays);
	rc = strays.failed ? rv_fail_nomem(e) : judge_values(x, doc, &strays, f, e);
	if (rc == 0 && f->errors == 0 && first.code != 0) {
		/* Never accept what the schema refuses, even if it has no words for it. */
		faults_add(f, RV_LEVEL_ERROR, code_named("XSD-TYPE"),
			(struct spot){.node = first.node != NULL ? first.node : root},
			"Mend it as the schema says.", first.text);
	}
out:
	free(strays.list);
	xmlResetLastError();
	return rc;
}
