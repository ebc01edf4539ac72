/* SPDX-License-Identifier: Apache-2.0 */
#include "seal_int.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { SALT_MIN = 16, SALT_MAX = 64 };

static const char mend_form[] =
	"Take the message as its originator's node sealed it: nothing but whole sections may be "
	"taken out of it, and nothing may be added.";

int rv_seal_refuse(struct rv_err *e, int code, const xmlNode *node, const char *rule,
	const char *mend, const char *fmt, ...)
{
	char text[320];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	rv_fail_rule(e, code, rule, "%s", text);
	rv_err_mend(e, "%s", mend);
	if (e != NULL) {
		rv_xml_place(node, &e->line, &e->column);
	}
	return code;
}

#define REFUSE(e, node, rule, ...)                                                                 \
	rv_seal_refuse(e, RV_EPROFILE, node, rule, mend_form, __VA_ARGS__)

static const char *name_of(const xmlNode *node)
{
	return (const char *)node->name;
}

/* Exactly those attributes, without a namespace. */
static int has_only(const xmlNode *node, const char *first, const char *second)
{
	size_t n = 0;
	for (const xmlAttr *a = node->properties; a != NULL; a = a->next) {
		const char *name = (const char *)a->name;
		if (a->ns != NULL || (strcmp(name, first) != 0 &&
					     (second == NULL || strcmp(name, second) != 0))) {
			return 0;
		}
		n++;
	}
	return n == (second != NULL ? 2u : 1u);
}

static int id_is(const xmlNode *node, const char *id)
{
	const char *value = rv_xml_attr(node, "Id");
	return value != NULL && strcmp(value, id) == 0;
}

/* ---- every element, wherever it stands ---- */

/* The canonical form of a document is one only if its prefixes are given: the Message, the
 * Signature and what stands directly in it are under no digest. */
static int check_element(const xmlNode *node, struct rv_err *e)
{
	const char *name = name_of(node);
	if (!(rv_xml_is(node, RV_NS_MESSAGE, name) && rv_xml_has_prefix(node, NULL)) &&
		!(rv_xml_is(node, RV_NS_DSIG, name) && rv_xml_has_prefix(node, "ds"))) {
		return REFUSE(e, node, "SEAL-NAMESPACE",
			"%.80s is neither of the namespace of messages, without a prefix, nor of "
			"that of "
			"signatures, with the prefix ds",
			name);
	}
	if (rv_xml_first(node) != NULL && !rv_xml_pure(node)) {
		return REFUSE(e, node, "SEAL-STRUCTURE",
			"%.80s has text or white space between its elements", name);
	}
	return 0;
}

static int may_have_id(const xmlNode *node)
{
	const xmlNode *up = node->parent;
	return rv_xml_is(node, RV_NS_DSIG, "Manifest") ||
	       (up != NULL && up->parent != NULL && up->parent->type == XML_DOCUMENT_NODE);
}

static int check_attributes(const xmlNode *node, struct rv_err *e)
{
	for (const xmlAttr *a = node->properties; a != NULL; a = a->next) {
		const char *name = (const char *)a->name;
		int xml = a->ns != NULL && xmlStrEqual(a->ns->href, XML_XML_NAMESPACE);
		if (strcasecmp(name, "id") == 0 && (a->ns != NULL || !may_have_id(node))) {
			return REFUSE(e, node, "SEAL-ID",
				"%.80s has an Id, which only Header, sections and Manifest have",
				name_of(node));
		}
		if (a->ns != NULL && !(xml && strcmp(name, "lang") == 0)) {
			return REFUSE(e, node, "SEAL-NAMESPACE",
				"%.80s has the attribute %.80s of a namespace; only xml:lang may "
				"be",
				name_of(node), name);
		}
	}
	return 0;
}

static int check_all(const xmlNode *root, struct rv_err *e)
{
	const xmlNode *node = root;
	while (node != NULL) {
		int rc = check_element(node, e);
		if (rc == 0) {
			rc = check_attributes(node, e);
		}
		if (rc != 0) {
			return rc;
		}
		const xmlNode *next = rv_xml_first(node);
		for (; next == NULL && node != root; node = node->parent) {
			next = rv_xml_next(node);
		}
		node = next;
	}
	return 0;
}

/* ---- Header and sections ---- */

static int check_salt(const xmlNode *node, struct rv_err *e)
{
	const char *text = rv_xml_attr(node, "Salt");
	struct rv_buf salt = {0};
	size_t len = text != NULL ? strlen(text) : 0;
	int rc = 0;
	int ok = text != NULL && len <= SALT_MAX * 2 && strpbrk(text, " \t\r\n") == NULL;
	if (ok) {
		rc = rv_unbase64(&salt, text, len);
	}
	if (rc == RV_ENOMEM) {
		rc = rv_fail_nomem(e);
	} else if (!ok || rc != 0 || salt.len < SALT_MIN || salt.len > SALT_MAX) {
		rc = REFUSE(e, node, "SEAL-SALT",
			"section %s has no Salt of %d to %d bytes in base64", name_of(node),
			SALT_MIN, SALT_MAX);
	}
	rv_buf_free(&salt);
	return rc;
}

static int read_section(struct rv_seal_form *f, xmlNode *node, int *last, struct rv_err *e)
{
	int section = rv_xml_is(node, RV_NS_MESSAGE, name_of(node))
			      ? rv_section_parse(name_of(node))
			      : -1;
	if (section < 0) {
		return REFUSE(e, node, "SEAL-STRUCTURE", "%.80s is neither a section nor the seal",
			name_of(node));
	}
	if (section <= *last) {
		return REFUSE(e, node, "SEAL-STRUCTURE",
			"section %s stands twice or out of its place", name_of(node));
	}
	if (!id_is(node, rv_section_id((enum rv_section)section)) ||
		!has_only(node, "Id", "Salt")) {
		return REFUSE(e, node, "SEAL-ID",
			"section %s must have the Id \"%s\", a Salt and no other attribute",
			name_of(node), rv_section_id((enum rv_section)section));
	}
	*last = section;
	f->sections[section] = node;
	f->present |= 1u << section;
	return check_salt(node, e);
}

/* *rest_r: what follows the sections. */
static int read_content(
	struct rv_seal_form *f, const xmlDoc *doc, xmlNode **rest_r, struct rv_err *e)
{
	xmlNode *root = xmlDocGetRootElement(doc);
	if (!rv_xml_is(root, RV_NS_MESSAGE, "Message") || root->properties != NULL) {
		return REFUSE(
			e, root, "SEAL-STRUCTURE", "the root must be Message without attributes");
	}
	int rc = check_all(root, e);
	if (rc != 0) {
		return rc;
	}
	f->header = rv_xml_first(root);
	if (!rv_xml_is(f->header, RV_NS_MESSAGE, "Header")) {
		return REFUSE(e, f->header != NULL ? f->header : root, "SEAL-STRUCTURE",
			"a Header must stand first");
	}
	if (!id_is(f->header, "header") || !has_only(f->header, "Id", NULL)) {
		return REFUSE(e, f->header, "SEAL-ID",
			"the Header must have the Id \"header\" and no other attribute");
	}
	int last = -1;
	xmlNode *n = rv_xml_next(f->header);
	for (; rc == 0 && n != NULL && !rv_xml_is(n, RV_NS_DSIG, "Signature"); n = rv_xml_next(n)) {
		rc = read_section(f, n, &last, e);
	}
	*rest_r = n;
	return rc;
}

int rv_seal_form_content(struct rv_seal_form *f, const xmlDoc *doc, struct rv_err *e)
{
	xmlNode *rest = NULL;
	struct rv_seal_form form = {0};
	int rc = read_content(&form, doc, &rest, e);
	if (rc == 0 && rest != NULL) {
		rc = REFUSE(e, rest, "SEAL-STRUCTURE", "the message is sealed already");
	}
	if (rc == 0 && form.present == 0) {
		rc = REFUSE(e, form.header, "SEAL-STRUCTURE", "a message has one section at least");
	}
	if (rc == 0) {
		*f = form;
	}
	return rc;
}

/* ---- the seal ---- */

static int section_of_uri(const char *uri)
{
	for (int i = 0; i < RV_SEC_COUNT; i++) {
		if (strcmp(uri + 1, rv_section_id((enum rv_section)i)) == 0) {
			return i;
		}
	}
	return -1;
}

static int read_manifest(struct rv_seal_form *f, struct rv_err *e)
{
	xmlNode *object = f->dsig.object;
	xmlNode *manifest = rv_xml_first(object);
	int last = -1;
	if (!rv_xml_is(object, RV_NS_DSIG, "Object") || object->properties != NULL ||
		!rv_xml_pure(object) || !rv_xml_is(manifest, RV_NS_DSIG, "Manifest") ||
		rv_xml_next(manifest) != NULL || !rv_xml_pure(manifest) ||
		!has_only(manifest, "Id", NULL) || !id_is(manifest, "manifest")) {
		return REFUSE(e, object != NULL ? object : f->dsig.signed_info, "SEAL-STRUCTURE",
			"the seal must hold one Object with one Manifest, Id \"manifest\"");
	}
	for (xmlNode *n = rv_xml_first(manifest); n != NULL; n = rv_xml_next(n)) {
		struct rv_dsig_ref ref;
		int rc = rv_dsig_read_reference(&ref, n, e);
		if (rc != 0) {
			return rc;
		}
		int section = section_of_uri(ref.uri);
		if (section <= last || ref.manifest) {
			return REFUSE(e, n, "SEAL-REFERENCE",
				"the Manifest lists %s, which is no section, twice, or out of its "
				"place",
				ref.uri);
		}
		last = section;
		f->listed |= 1u << section;
		f->refs[section] = n;
		memcpy(f->digests[section], ref.digest, RV_DIGEST_LEN);
	}
	f->manifest = manifest;
	return last >= 0 ? 0
			 : REFUSE(e, manifest, "SEAL-REFERENCE", "the Manifest lists no section");
}

static int check_references(const struct rv_seal_form *f, struct rv_err *e)
{
	const struct rv_dsig *s = &f->dsig;
	if (s->n_refs != 2 || strcmp(s->refs[0].uri, "#header") != 0 || s->refs[0].manifest ||
		strcmp(s->refs[1].uri, "#manifest") != 0 || !s->refs[1].manifest) {
		return REFUSE(e, s->signed_info, "SEAL-REFERENCE",
			"SignedInfo must refer to #header and, as a Manifest, to #manifest, and to "
			"nothing else");
	}
	for (int i = 0; i < RV_SEC_COUNT; i++) {
		if (f->sections[i] != NULL && f->refs[i] == NULL) {
			return REFUSE(e, f->sections[i], "SEAL-REFERENCE",
				"the Manifest does not list section %s", name_of(f->sections[i]));
		}
	}
	return 0;
}

int rv_seal_form_read(struct rv_seal_form *f, const xmlDoc *doc, struct rv_err *e)
{
	xmlNode *signature = NULL;
	struct rv_seal_form form = {0};
	int rc = read_content(&form, doc, &signature, e);
	if (rc == 0 && signature == NULL) {
		rc = REFUSE(e, form.header->parent, "SEAL-STRUCTURE", "the message is not sealed");
	}
	if (rc == 0 && rv_xml_next(signature) != NULL) {
		rc = REFUSE(
			e, rv_xml_next(signature), "SEAL-STRUCTURE", "nothing may follow the seal");
	}
	if (rc == 0 && (rc = rv_dsig_read(&form.dsig, signature, e)) != 0) {
		rv_err_mend(e, "%s", mend_form);
	}
	if (rc == 0) {
		rc = read_manifest(&form, e);
	}
	if (rc == 0) {
		rc = check_references(&form, e);
	}
	if (rc == 0) {
		*f = form;
	}
	return rc;
}
