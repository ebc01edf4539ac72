/* SPDX-License-Identifier: Apache-2.0 */
#include "msg.h"

#include <stdio.h>
#include <string.h>

enum { SALT_LEN = 32 };

/* The Header's children in the order of the schema; an assigned element goes before the first of
 * those that follow it. */
static const char *const header_order[] = {
	"ID",
	"TypeCode",
	"FunctionCode",
	"VersionID",
	"StatusCode",
	"Originator",
	"Operation",
	"Sequence",
	"Recipient",
	"IssueDateTime",
	"ExpirationDateTime",
	"PurposeCode",
	"LegalBasis",
	"HandlingCode",
	"TLPCode",
	"Caveat",
	"OnwardCode",
	"ReviewDate",
	"RiskAreaCode",
	"Reference",
	"SignerCertificate",
};

static int rank(const char *name)
{
	for (size_t i = 0; i < sizeof(header_order) / sizeof(header_order[0]); i++) {
		if (strcmp(header_order[i], name) == 0) {
			return (int)i;
		}
	}
	return -1;
}

static void drop(xmlNode *parent, const char *name)
{
	xmlNode *node;
	while ((node = rv_xml_child(parent, name)) != NULL) {
		xmlUnlinkNode(node);
		xmlFreeNode(node);
	}
}

/* Puts an element in its place in the Header, instead of what a draft had there. */
static xmlNode *assign(xmlNode *header, const char *name, const char *text)
{
	drop(header, name);
	xmlNode *before = NULL;
	for (xmlNode *c = rv_xml_first(header); c != NULL && before == NULL; c = rv_xml_next(c)) {
		if (rank((const char *)c->name) > rank(name)) {
			before = c;
		}
	}
	xmlNode *node = rv_xml_add(header, name, text);
	if (node != NULL && before != NULL) {
		xmlAddPrevSibling(before, node);
	}
	return node;
}

static int assign_header(xmlNode *header, const struct rv_compose *c, struct rv_err *e)
{
	char text[RV_DIGEST_TEXT];
	const char *own_office = rv_xml_child_text(rv_xml_child(header, "Originator"), "Office");
	char office[sizeof(((struct rv_header *)0)->office)];
	snprintf(office, sizeof(office), "%s",
		c->office != NULL && c->office[0] != '\0' ? c->office
		: own_office != NULL                      ? own_office
							  : "");
	xmlNode *originator = assign(header, "Originator", NULL);
	if (assign(header, "ID", c->id) == NULL || originator == NULL ||
		rv_xml_add(originator, "Code", c->originator) == NULL ||
		(office[0] != '\0' && rv_xml_add(originator, "Office", office) == NULL)) {
		return rv_fail_nomem(e);
	}
	xmlNode *operation = assign(header, "Operation", NULL);
	snprintf(text, sizeof(text), "%u", c->roster_version);
	if (operation == NULL || rv_xml_add(operation, "Code", c->operation) == NULL ||
		rv_xml_add(operation, "RosterVersion", text) == NULL) {
		return rv_fail_nomem(e);
	}
	xmlNode *sequence = assign(header, "Sequence", NULL);
	snprintf(text, sizeof(text), "%llu", (unsigned long long)c->sequence);
	if (sequence == NULL || rv_xml_add(sequence, "Number", text) == NULL) {
		return rv_fail_nomem(e);
	}
	rv_hex(text, c->previous, RV_DIGEST_LEN);
	if (rv_xml_add(sequence, "PreviousDigest", text) == NULL) {
		return rv_fail_nomem(e);
	}
	char stamp[RV_STAMP_TEXT];
	rv_stamp_text(stamp, c->issued_us);
	rv_hex(text, c->signer_cert, RV_DIGEST_LEN);
	if (assign(header, "IssueDateTime", stamp) == NULL ||
		assign(header, "SignerCertificate", text) == NULL) {
		return rv_fail_nomem(e);
	}
	return 0;
}

static int add_attachment(xmlNode *section, const struct rv_attachment *a)
{
	char text[RV_DIGEST_TEXT];
	xmlNode *node = rv_xml_add(section, "Attachment", NULL);
	if (node == NULL || rv_xml_add(node, "FileName", a->name) == NULL ||
		rv_xml_add(node, "MediaType", a->media_type) == NULL) {
		return RV_ENOMEM;
	}
	snprintf(text, sizeof(text), "%llu", (unsigned long long)a->size);
	if (rv_xml_add(node, "Size", text) == NULL) {
		return RV_ENOMEM;
	}
	rv_hex(text, a->digest, RV_DIGEST_LEN);
	return rv_xml_add(node, "Digest", text) != NULL ? 0 : RV_ENOMEM;
}

static int add_attachments(xmlNode *root, const struct rv_compose *c, struct rv_err *e)
{
	if (c->n_attachments == 0) {
		return 0;
	}
	xmlNode *section = rv_xml_child(root, "Attachments");
	if (section == NULL) {
		section = rv_xml_add(root, "Attachments", NULL); /* the last section */
	}
	for (size_t i = 0; section != NULL && i < c->n_attachments; i++) {
		if (add_attachment(section, &c->attachments[i]) != 0) {
			return rv_fail_nomem(e);
		}
	}
	return section != NULL ? 0 : rv_fail_nomem(e);
}

static int set_attr(xmlNode *node, const char *name, const char *value)
{
	return xmlSetProp(node, (const xmlChar *)name, (const xmlChar *)value) != NULL ? 0
										       : RV_ENOMEM;
}

static int salt_sections(xmlNode *root, const struct rv_random *random, struct rv_err *e)
{
	for (xmlNode *c = rv_xml_first(root); c != NULL; c = rv_xml_next(c)) {
		int section = rv_section_parse((const char *)c->name);
		uint8_t salt[SALT_LEN];
		struct rv_buf text = {0};
		if (section < 0) {
			continue;
		}
		if (random->fill(random->ctx, salt, sizeof(salt)) != 0) {
			return rv_fail(e, RV_EIO, "no randomness for the salt of a section");
		}
		rv_base64(&text, salt, sizeof(salt));
		const char *value = rv_buf_cstr(&text);
		int rc = value == NULL ||
					 set_attr(c, "Id",
						 rv_section_id((enum rv_section)section)) != 0 ||
					 set_attr(c, "Salt", value) != 0
				 ? RV_ENOMEM
				 : 0;
		rv_buf_free(&text);
		if (rc != 0) {
			return rv_fail_nomem(e);
		}
	}
	return 0;
}

int rv_msg_compose(
	xmlDoc *draft, const struct rv_compose *c, const struct rv_random *random, struct rv_err *e)
{
	xmlNode *root = xmlDocGetRootElement(draft);
	xmlNode *header =
		rv_xml_is(root, RV_NS_MESSAGE, "Message") ? rv_xml_child(root, "Header") : NULL;
	if (header == NULL) {
		return rv_fail_rule(
			e, RV_EPARSE, "HDR-MISSING", "the draft is not a Message with a Header");
	}
	rv_xml_strip(draft);
	/* a signature that the draft brings covers other content */
	for (xmlNode *n = rv_xml_first(root); n != NULL;) {
		xmlNode *next = rv_xml_next(n);
		if (rv_xml_is(n, RV_NS_DSIG, "Signature")) {
			xmlUnlinkNode(n);
			xmlFreeNode(n);
		}
		n = next;
	}
	int rc = assign_header(header, c, e);
	if (rc == 0) {
		rc = add_attachments(root, c, e);
	}
	if (rc == 0 && set_attr(header, "Id", "header") != 0) {
		rc = rv_fail_nomem(e);
	}
	return rc == 0 ? salt_sections(root, random, e) : rc;
}
