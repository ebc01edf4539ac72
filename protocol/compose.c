/* SPDX-License-Identifier: Apache-2.0 */
#include "msg.h"

#include <stdio.h>
#include <string.h>

enum {
	SALT_LEN = 32,
	OFFICE_CHARS = 64,
	NAME_CHARS = 128,
	NAME_OCTETS = 255,
	TYPE_CHARS = 100,
	ATTACHMENTS_MAX = 50
};

#define NUMBER_MAX UINT64_C(999999999999)
#define VERSION_MAX 999999u
#define SIZE_MAX_FILE (UINT64_C(1) << 30)
#define NS_XSI "http://www.w3.org/2001/XMLSchema-instance"

/* ---- names ---- */

static xmlNode *next_in_tree(const xmlNode *node, const xmlNode *root)
{
	xmlNode *next = rv_xml_first(node);
	for (; next == NULL && node != root; node = node->parent) {
		next = rv_xml_next(node);
	}
	return next;
}

static int is_of(const xmlNs *ns, const char *href)
{
	return ns != NULL && ns->href != NULL && strcmp((const char *)ns->href, href) == 0;
}

static int foreign(const xmlNode *node, const char *name, struct rv_err *e)
{
	rv_fail_rule(e, RV_ESCHEMA, "HDR-NAMESPACE", "%.80s is not of the namespace %s", name,
		RV_NS_MESSAGE);
	rv_err_mend(e, "Take it out: a message has nothing of other namespaces.");
	if (e != NULL) {
		rv_xml_place(node, &e->line, &e->column);
	}
	return RV_ESCHEMA;
}

static int only_ours(xmlNode *root, struct rv_err *e)
{
	for (xmlNode *n = root; n != NULL; n = next_in_tree(n, root)) {
		if (!is_of(n->ns, RV_NS_MESSAGE)) {
			return foreign(n, (const char *)n->name, e);
		}
		for (const xmlAttr *a = n->properties; a != NULL; a = a->next) {
			if (a->ns != NULL && !is_of(a->ns, NS_XSI) &&
				!is_of(a->ns, (const char *)XML_XML_NAMESPACE)) {
				return foreign(n, (const char *)a->name, e);
			}
		}
	}
	return 0;
}

static void drop_hints(xmlNode *node)
{
	for (xmlAttr *a = node->properties; a != NULL;) {
		xmlAttr *next = a->next;
		if (is_of(a->ns, NS_XSI)) {
			xmlRemoveProp(a);
		}
		a = next;
	}
}

/*
 * A draft may be written with prefixes, and tell an editor where the schema is. A sealed message
 * has one default namespace, declared at its root.
 */
static int plain_names(xmlNode *root, struct rv_err *e)
{
	int rc = only_ours(root, e);
	if (rc != 0) {
		return rc;
	}
	xmlNs *own = xmlNewNs(NULL, (const xmlChar *)RV_NS_MESSAGE, NULL);
	if (own == NULL) {
		return rv_fail_nomem(e);
	}
	for (xmlNode *n = root; n != NULL; n = next_in_tree(n, root)) {
		drop_hints(n);
		n->ns = own;
	}
	for (xmlNode *n = root; n != NULL; n = next_in_tree(n, root)) {
		xmlFreeNsList(n->nsDef);
		n->nsDef = NULL;
	}
	root->nsDef = own;
	return 0;
}

/* ---- Header ---- */

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

static int assign_originator(xmlNode *header, const struct rv_compose *c, struct rv_err *e)
{
	xmlNode *office = NULL;
	if (c->office == NULL || c->office[0] == '\0') {
		office = rv_xml_child(rv_xml_child(header, "Originator"), "Office");
		if (office != NULL) {
			xmlUnlinkNode(office);
		}
	}
	xmlNode *originator = assign(header, "Originator", NULL);
	if (originator == NULL || rv_xml_add(originator, "Code", c->originator) == NULL) {
		xmlFreeNode(office);
		return rv_fail_nomem(e);
	}
	if (office != NULL) {
		xmlAddChild(originator, office);
	} else if (c->office != NULL && c->office[0] != '\0' &&
		   rv_xml_add(originator, "Office", c->office) == NULL) {
		return rv_fail_nomem(e);
	}
	return 0;
}

static int assign_operation(xmlNode *header, const struct rv_compose *c, struct rv_err *e)
{
	char text[24];
	if (c->operation[0] == '\0') {
		drop(header, "Operation");
		return 0;
	}
	xmlNode *operation = assign(header, "Operation", NULL);
	snprintf(text, sizeof(text), "%u", c->roster_version);
	if (operation == NULL || rv_xml_add(operation, "Code", c->operation) == NULL ||
		(c->roster_version != 0 && rv_xml_add(operation, "RosterVersion", text) == NULL)) {
		return rv_fail_nomem(e);
	}
	return 0;
}

static int assign_sequence(xmlNode *header, const struct rv_compose *c, struct rv_err *e)
{
	char number[24];
	char digest[RV_DIGEST_TEXT];
	if (c->sequence == 0) {
		drop(header, "Sequence");
		return 0;
	}
	xmlNode *sequence = assign(header, "Sequence", NULL);
	snprintf(number, sizeof(number), "%llu", (unsigned long long)c->sequence);
	rv_hex(digest, c->previous, RV_DIGEST_LEN);
	if (sequence == NULL || rv_xml_add(sequence, "Number", number) == NULL ||
		rv_xml_add(sequence, "PreviousDigest", digest) == NULL) {
		return rv_fail_nomem(e);
	}
	return 0;
}

static int assign_header(xmlNode *header, const struct rv_compose *c, struct rv_err *e)
{
	char stamp[RV_STAMP_TEXT];
	char digest[RV_DIGEST_TEXT];
	rv_stamp_text(stamp, c->issued_us);
	rv_hex(digest, c->signer_cert, RV_DIGEST_LEN);
	if (assign(header, "ID", c->id) == NULL || assign(header, "IssueDateTime", stamp) == NULL ||
		assign(header, "SignerCertificate", digest) == NULL) {
		return rv_fail_nomem(e);
	}
	int rc = assign_originator(header, c, e);
	if (rc == 0) {
		rc = assign_operation(header, c, e);
	}
	return rc == 0 ? assign_sequence(header, c, e) : rc;
}

/* ---- Attachments ---- */

static int add_attachment(xmlNode *section, const struct rv_attachment *a, const char *digest)
{
	char size[24];
	xmlNode *node = rv_xml_add(section, "Attachment", NULL);
	snprintf(size, sizeof(size), "%llu", (unsigned long long)a->size);
	return node != NULL && rv_xml_add(node, "FileName", a->name) != NULL &&
			       rv_xml_add(node, "MediaType", a->media_type) != NULL &&
			       rv_xml_add(node, "Size", size) != NULL &&
			       rv_xml_add(node, "Digest", digest) != NULL
		       ? 0
		       : RV_ENOMEM;
}

/* How many there are; *listed_r: that one is among them. */
static size_t count_attachments(const xmlNode *section, const char *digest, int *listed_r)
{
	size_t n = 0;
	*listed_r = 0;
	for (xmlNode *a = rv_xml_child(section, "Attachment"); a != NULL; a = rv_xml_again(a)) {
		const char *text = rv_xml_child_text(a, "Digest");
		*listed_r |= text != NULL && strcmp(text, digest) == 0;
		n++;
	}
	return n;
}

static int add_attachments(xmlNode *root, const struct rv_compose *c, struct rv_err *e)
{
	for (size_t i = 0; i < c->n_attachments; i++) {
		char digest[RV_DIGEST_TEXT];
		int listed;
		xmlNode *section = rv_xml_child(root, "Attachments");
		if (section == NULL) {
			section = rv_xml_add(root, "Attachments", NULL); /* the last section */
		}
		if (section == NULL) {
			return rv_fail_nomem(e);
		}
		rv_hex(digest, c->attachments[i].digest, RV_DIGEST_LEN);
		size_t n = count_attachments(section, digest, &listed);
		if (listed) {
			continue; /* the draft has it, with its caption */
		}
		if (n >= ATTACHMENTS_MAX) {
			rv_fail_rule(e, RV_ELIMIT, "ATTACH-LIMIT",
				"the message has more than %d attachments", ATTACHMENTS_MAX);
			rv_err_mend(e, "Send some of them with a second message.");
			return RV_ELIMIT;
		}
		if (add_attachment(section, &c->attachments[i], digest) != 0) {
			return rv_fail_nomem(e);
		}
	}
	return 0;
}

/* ---- salts ---- */

static int set_attr(xmlNode *node, const char *name, const char *value)
{
	return xmlSetProp(node, (const xmlChar *)name, (const xmlChar *)value) != NULL ? 0
										       : RV_ENOMEM;
}

static int salt_section(
	xmlNode *node, enum rv_section section, const struct rv_random *random, struct rv_err *e)
{
	uint8_t salt[SALT_LEN];
	struct rv_buf text = {0};
	if (random->fill(random->ctx, salt, sizeof(salt)) != 0) {
		return rv_fail(e, RV_EIO, "no randomness for the salt of a section");
	}
	rv_base64(&text, salt, sizeof(salt));
	const char *value = rv_buf_cstr(&text);
	int rc = value != NULL && set_attr(node, "Id", rv_section_id(section)) == 0 &&
				 set_attr(node, "Salt", value) == 0
			 ? 0
			 : rv_fail_nomem(e);
	rv_buf_free(&text);
	return rc;
}

static int salt_sections(xmlNode *root, const struct rv_random *random, struct rv_err *e)
{
	int rc = 0;
	for (xmlNode *c = rv_xml_first(root); rc == 0 && c != NULL; c = rv_xml_next(c)) {
		int section = rv_section_parse((const char *)c->name);
		if (section >= 0) {
			rc = salt_section(c, (enum rv_section)section, random, e);
		}
	}
	return rc;
}

/* ---- what the caller gives ---- */

static size_t characters(const char *s)
{
	size_t n = 0;
	for (; *s != '\0'; s++) {
		n += ((unsigned char)*s & 0xc0) != 0x80;
	}
	return n;
}

static int wrong(struct rv_err *e, const char *rule, const char *mend, const char *text)
{
	rv_fail_rule(e, RV_EINVAL, rule, "%s", text);
	rv_err_mend(e, "%s", mend);
	return RV_EINVAL;
}

/* As the schema has FileName: the reader's system gets no path and no hidden name from it. */
static int name_fits(const char *name)
{
	for (const char *p = name; *p != '\0'; p++) {
		if ((unsigned char)*p < 0x20 || strchr("/\\:*?\"<>|", *p) != NULL) {
			return 0;
		}
	}
	return name[0] != '\0' && name[0] != '.' && name[0] != ' ' &&
	       characters(name) <= NAME_CHARS && strlen(name) <= NAME_OCTETS;
}

/* As the schema has MediaType. */
static int type_fits(const char *type)
{
	static const char small[] = "abcdefghijklmnopqrstuvwxyz";
	static const char more[] = "abcdefghijklmnopqrstuvwxyz0123456789.+-";
	size_t main_len = strspn(type, small);
	const char *sub = type + main_len + 1;
	return main_len > 0 && type[main_len] == '/' && strspn(sub, more) == strlen(sub) &&
	       strcspn(sub, ".+-") > 0 && strlen(type) <= TYPE_CHARS;
}

static int check_attachment(const struct rv_attachment *a, struct rv_err *e)
{
	if (!name_fits(a->name)) {
		return wrong(e, "ATTACH-NAME",
			"Give a name of at most 128 characters (255 octets), without / \\ : * ? \" "
			"< > | and with no dot or space first.",
			"an attachment's name cannot be the name of a file everywhere");
	}
	if (!type_fits(a->media_type)) {
		return wrong(e, "ATTACH-TYPE", "Give a type such as image/jpeg, in lower case.",
			"an attachment's media type is none");
	}
	if (a->size < 1 || a->size > SIZE_MAX_FILE) {
		return wrong(e, "ATTACH-SIZE", "Send a file of 1 byte to 1 GiB.",
			"an attachment is empty or larger than 1 GiB");
	}
	return 0;
}

static int check_given(const struct rv_compose *c, struct rv_err *e)
{
	uint8_t id[RV_UUID_LEN];
	if (rv_uuid_parse(id, c->id) != 0 || !rv_code_valid(c->originator) ||
		(c->operation[0] != '\0' && !rv_opcode_valid(c->operation)) ||
		c->roster_version > VERSION_MAX || c->sequence > NUMBER_MAX || c->issued_us < 0) {
		return rv_fail(e, RV_EINVAL,
			"an identifier, code, number or time that the node assigns is out of "
			"range");
	}
	if (c->office != NULL &&
		(characters(c->office) > OFFICE_CHARS || strpbrk(c->office, "\t\r\n") != NULL)) {
		return wrong(e, "HDR-TEXT", "Shorten the office in the node's configuration.",
			"the office has more than 64 characters, or a line break");
	}
	for (size_t i = 0; i < c->n_attachments; i++) {
		int rc = check_attachment(&c->attachments[i], e);
		if (rc != 0) {
			return rc;
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
		rv_fail_rule(
			e, RV_EPARSE, "HDR-MISSING", "the draft is not a Message with a Header");
		rv_err_mend(e, "Begin with a template: reeve new KIND.");
		return RV_EPARSE;
	}
	int rc = check_given(c, e);
	if (rc != 0) {
		return rc;
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
	if ((rc = plain_names(root, e)) != 0 || (rc = assign_header(header, c, e)) != 0 ||
		(rc = add_attachments(root, c, e)) != 0) {
		return rc;
	}
	if (set_attr(header, "Id", "header") != 0) {
		return rv_fail_nomem(e);
	}
	return salt_sections(root, random, e);
}
