/* SPDX-License-Identifier: Apache-2.0 */
#include "seal_int.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SALT_MIN = 16, SALT_MAX = 64 };

static int refuse(struct rv_err *e, int code, const xmlNode *node, const char *rule,
	const char *fmt, ...) __attribute__((format(printf, 5, 6)));

static int refuse(
	struct rv_err *e, int code, const xmlNode *node, const char *rule, const char *fmt, ...)
{
	char text[256];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	rv_fail_rule(e, code, rule, "%s", text);
	if (e != NULL) {
		rv_xml_place(node, &e->line, &e->column);
	}
	return code;
}

/* ---- sealing ---- */

static int add_manifest(xmlNode *signature, xmlNode *root, struct rv_err *e)
{
	xmlNode *object = rv_xml_add(signature, "Object", NULL);
	xmlNode *manifest = object != NULL ? rv_xml_add(object, "Manifest", NULL) : NULL;
	if (manifest == NULL ||
		xmlNewProp(manifest, (const xmlChar *)"Id", (const xmlChar *)"manifest") == NULL) {
		return rv_fail_nomem(e);
	}
	for (xmlNode *n = rv_xml_first(root); n != NULL; n = rv_xml_next(n)) {
		struct rv_dsig_ref ref = {0};
		int section = n->ns != NULL && strcmp((const char *)n->ns->href, RV_NS_MESSAGE) == 0
				      ? rv_section_parse((const char *)n->name)
				      : -1;
		if (section < 0) {
			continue;
		}
		snprintf(ref.uri, sizeof(ref.uri), "#%s", rv_section_id((enum rv_section)section));
		int rc = rv_dsig_digest(ref.digest, n, e);
		if (rc == 0) {
			rc = rv_dsig_add_reference(manifest, &ref, e);
		}
		if (rc != 0) {
			return rc;
		}
	}
	return 0;
}

int rv_seal(xmlDoc *doc, const struct rv_signer *signer, struct rv_buf *out,
	uint8_t seal_digest_r[RV_DIGEST_LEN], struct rv_err *e)
{
	xmlNode *root = xmlDocGetRootElement(doc);
	xmlNode *header =
		rv_xml_is(root, RV_NS_MESSAGE, "Message") ? rv_xml_child(root, "Header") : NULL;
	struct rv_dsig_ref refs[RV_DSIG_REFS] = {
		{.uri = "#header"}, {.uri = "#manifest", .manifest = 1}};
	if (header == NULL) {
		return rv_fail_rule(e, RV_EPROFILE, "SEAL-STRUCTURE",
			"only a composed Message with a Header can be sealed");
	}
	xmlNode *signature = rv_dsig_add(root);
	if (signature == NULL) {
		return rv_fail_nomem(e);
	}
	int rc = add_manifest(signature, root, e);
	if (rc == 0) {
		rc = rv_dsig_digest(refs[0].digest, header, e);
	}
	if (rc == 0) {
		rc = rv_dsig_digest(refs[1].digest, rv_xml_first(rv_xml_first(signature)), e);
	}
	if (rc == 0) {
		rc = rv_dsig_sign(signature, refs, RV_DSIG_REFS, signer, seal_digest_r, e);
	}
	return rc == 0 ? rv_xml_c14n_doc(doc, out, e) : rc;
}

/* ---- the structure of the profile ---- */

struct listed {
	unsigned mask;
	struct rv_dsig_ref refs[RV_SEC_COUNT]; /* by section */
};

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

static int check_salt(const xmlNode *node, struct rv_err *e)
{
	const char *text = rv_xml_attr(node, "Salt");
	struct rv_buf salt = {0};
	size_t len = text != NULL ? strlen(text) : 0;
	int ok = text != NULL && len <= SALT_MAX * 2 && strpbrk(text, " \t\r\n") == NULL &&
		 rv_unbase64(&salt, text, len) == 0 && salt.len >= SALT_MIN && salt.len <= SALT_MAX;
	rv_buf_free(&salt);
	return ok ? 0
		  : refuse(e, RV_EPROFILE, node, "SEAL-SALT",
			    "section %s has no salt of 16 to 64 bytes in base64",
			    (const char *)node->name);
}

static int check_section(const xmlNode *node, int *last, unsigned *present, struct rv_err *e)
{
	int section = node->ns != NULL && strcmp((const char *)node->ns->href, RV_NS_MESSAGE) == 0
			      ? rv_section_parse((const char *)node->name)
			      : -1;
	if (section < 0) {
		return refuse(e, RV_EPROFILE, node, "SEAL-STRUCTURE",
			"%.80s is neither a section nor the signature", (const char *)node->name);
	}
	if (section <= *last) {
		return refuse(e, RV_EPROFILE, node, "SEAL-STRUCTURE",
			"section %s is twice or out of its place", (const char *)node->name);
	}
	if (!has_only(node, "Id", "Salt") ||
		!id_is(node, rv_section_id((enum rv_section)section))) {
		return refuse(e, RV_EPROFILE, node, "SEAL-ID",
			"section %s must have its own Id, a Salt and no other attribute",
			(const char *)node->name);
	}
	*last = section;
	*present |= 1u << section;
	return check_salt(node, e);
}

static int read_manifest(struct listed *l, const struct rv_dsig *s, struct rv_err *e)
{
	const xmlNode *object = s->object;
	const xmlNode *manifest = rv_xml_first(object);
	int last = -1;
	if (!rv_xml_is(object, RV_NS_DSIG, "Object") || !rv_xml_has_prefix(object, "ds") ||
		object->properties != NULL ||
		!rv_xml_pure(object) || !rv_xml_is(manifest, RV_NS_DSIG, "Manifest") ||
		rv_xml_next(manifest) != NULL || !rv_xml_pure(manifest) ||
		!has_only(manifest, "Id", NULL) || !id_is(manifest, "manifest")) {
		return refuse(e, RV_EPROFILE, s->signed_info, "SEAL-STRUCTURE", "%s",
			"the signature must hold one Object with one Manifest, Id \"manifest\"");
	}
	for (const xmlNode *n = rv_xml_first(manifest); n != NULL; n = rv_xml_next(n)) {
		struct rv_dsig_ref ref;
		int section = -1;
		int rc = rv_dsig_read_reference(&ref, n, e);
		if (rc != 0) {
			return rc;
		}
		for (int i = 0; i < RV_SEC_COUNT; i++) {
			if (strcmp(ref.uri + 1, rv_section_id((enum rv_section)i)) == 0) {
				section = i;
			}
		}
		if (section <= last || ref.manifest) {
			return refuse(e, RV_EPROFILE, n, "SEAL-REFERENCE",
				"the Manifest lists %s, which is no section, twice, or out of its "
				"place",
				ref.uri);
		}
		last = section;
		l->mask |= 1u << section;
		l->refs[section] = ref;
	}
	return 0;
}

static int read_structure(
	xmlDoc *doc, struct rv_dsig *s, struct listed *l, unsigned *present_r, struct rv_err *e)
{
	xmlNode *root = xmlDocGetRootElement(doc);
	/* no digest covers the root's own name: it has one form, without a prefix */
	if (!rv_xml_is(root, RV_NS_MESSAGE, "Message") || !rv_xml_has_prefix(root, NULL) ||
		root->properties != NULL || !rv_xml_pure(root)) {
		return refuse(e, RV_EPROFILE, root, "SEAL-STRUCTURE", "%s",
			"the root must be Message without attributes, and hold elements alone");
	}
	const xmlNode *header = rv_xml_first(root);
	if (!rv_xml_is(header, RV_NS_MESSAGE, "Header") || !has_only(header, "Id", NULL) ||
		!id_is(header, "header")) {
		return refuse(e, RV_EPROFILE, header != NULL ? header : root, "SEAL-STRUCTURE",
			"%s", "a Header with Id \"header\" must come first");
	}
	unsigned present = 0;
	int last = -1;
	const xmlNode *n = rv_xml_next(header);
	for (; n != NULL && !rv_xml_is(n, RV_NS_DSIG, "Signature"); n = rv_xml_next(n)) {
		int rc = check_section(n, &last, &present, e);
		if (rc != 0) {
			return rc;
		}
	}
	if (n == NULL || rv_xml_next(n) != NULL) {
		return refuse(e, RV_EPROFILE, root, "SEAL-STRUCTURE", "%s",
			n == NULL ? "the message is not signed"
				  : "nothing may follow the signature");
	}
	int rc = rv_dsig_read(s, n, e);
	if (rc != 0) {
		return rc;
	}
	if (s->n_refs != 2 || strcmp(s->refs[0].uri, "#header") != 0 || s->refs[0].manifest ||
		strcmp(s->refs[1].uri, "#manifest") != 0 || !s->refs[1].manifest) {
		return refuse(e, RV_EPROFILE, n, "SEAL-REFERENCE", "%s",
			"SignedInfo must refer to #header and, as a Manifest, to #manifest, and to "
			"nothing else");
	}
	rc = read_manifest(l, s, e);
	if (rc == 0 && (present & ~l->mask) != 0) {
		rc = refuse(e, RV_EPROFILE, n, "SEAL-REFERENCE", "%s",
			"a section is there that the Manifest does not list");
	}
	*present_r = present;
	return rc;
}

int rv_seal_parse(xmlDoc **doc_r, const void *wire, size_t len, struct rv_err *e)
{
	xmlDoc *doc = NULL;
	struct rv_buf canonical = {0};
	struct rv_dsig s = {0};
	struct listed l = {0};
	unsigned present;
	int rc = rv_xml_parse(&doc, wire, len, &rv_xml_limits_message, 0, e);
	if (rc == 0) {
		rc = rv_xml_c14n_doc(doc, &canonical, e);
	}
	if (rc == 0 && (canonical.len != len || memcmp(canonical.data, wire, len) != 0)) {
		rc = rv_fail_rule(e, RV_EPROFILE, "SEAL-CANONICAL",
			"the document is not in its canonical form");
		rv_err_mend(e, "Take the message as the node exported it; editors and formatters "
			       "change its bytes.");
	}
	if (rc == 0) {
		rc = read_structure(doc, &s, &l, &present, e);
	}
	rv_buf_free(&canonical);
	if (rc != 0) {
		xmlFreeDoc(doc);
		return rc;
	}
	*doc_r = doc;
	return 0;
}

static int inspect(xmlDoc *doc, struct rv_dsig *s, struct listed *l, struct rv_sealed *sealed,
	struct rv_err *e)
{
	unsigned present = 0;
	int rc = read_structure(doc, s, l, &present, e);
	if (rc == 0) {
		rc = rv_dsig_digest(sealed->seal_digest, s->signed_info, e);
	}
	if (rc == 0) {
		sealed->present = present;
		sealed->withheld = l->mask & ~present;
		sealed->alg = s->alg;
	}
	return rc;
}

int rv_seal_inspect(xmlDoc *doc, struct rv_sealed *sealed_r, struct rv_err *e)
{
	struct rv_dsig s = {0};
	struct listed l = {0};
	struct rv_sealed sealed = {0};
	int rc = inspect(doc, &s, &l, &sealed, e);
	if (rc == 0) {
		*sealed_r = sealed;
	}
	return rc;
}

int rv_seal_withhold(xmlDoc *doc, unsigned mask, struct rv_buf *out, struct rv_err *e)
{
	for (xmlNode *n = rv_xml_first(xmlDocGetRootElement(doc)); n != NULL;) {
		xmlNode *next = rv_xml_next(n);
		int section = rv_xml_is(n, RV_NS_MESSAGE, (const char *)n->name)
				      ? rv_section_parse((const char *)n->name)
				      : -1;
		if (section >= 0 && (mask & 1u << section)) {
			xmlUnlinkNode(n);
			xmlFreeNode(n);
		}
		n = next;
	}
	return rv_xml_c14n_doc(doc, out, e);
}

/* ---- what xmlsec does not know of ---- */

static int check_header_cert(xmlDoc *doc, const struct rv_cert *cert, struct rv_err *e)
{
	const xmlNode *node = rv_xml_child(
		rv_xml_child(xmlDocGetRootElement(doc), "Header"), "SignerCertificate");
	const char *text = rv_xml_text(node);
	uint8_t digest[RV_DIGEST_LEN];
	if (text == NULL || rv_unhex(digest, sizeof(digest), text) != 0 ||
		memcmp(digest, rv_cert_digest(cert), sizeof(digest)) != 0) {
		return refuse(e, RV_ECERT, node, "SEAL-CERT", "%s",
			"the Header names another signing certificate than the one it is verified "
			"with");
	}
	return 0;
}

int rv_seal_verify(struct rv_verifier *v, xmlDoc *doc, const struct rv_cert *cert,
	struct rv_sealed *sealed_r, struct rv_err *e)
{
	struct rv_dsig s = {0};
	struct listed l = {0};
	struct rv_sealed sealed = {0};
	int rc = inspect(doc, &s, &l, &sealed, e);
	if (rc == 0) {
		rc = check_header_cert(doc, cert, e);
	}
	if (rc == 0) {
		rc = rv_verifier_check(v, doc, &s, cert, e);
	}
	if (rc == 0) {
		*sealed_r = sealed;
	}
	return rc;
}
