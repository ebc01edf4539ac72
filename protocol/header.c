/* SPDX-License-Identifier: Apache-2.0 */
#include "msg.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wire.h"

/* As the schema bounds them; the reader comes before the schema where a peer's message is judged.
 */
enum {
	RECIPIENTS_MAX = 200,
	REFS_MAX = 20,
	ATTACHMENTS_MAX = 50,
	VERSION_MAX = 999999,
	QUOTE = 41
};

static const char mend_code[] =
	"Take a code of the list that the schema names; letter case matters.";
static const char mend_member[] =
	"Write the member's code as the trust list has it, such as KE or RILO-AP.";
static const char mend_id[] =
	"Write it as the message has it, such as 01930c6e-7a10-7c3e-9d6f-3f2a51b0c001.";
static const char mend_few[] = "Take some of them out, or send a second message.";

void rv_header_clear(struct rv_header *h)
{
	if (h != NULL) {
		free(h->recipients);
		free(h->refs);
		memset(h, 0, sizeof(*h));
	}
}

int rv_priority(const struct rv_header *h)
{
	switch (h->kind) {
	case RV_KIND_WARNING:
	case RV_KIND_ALERT:
	case RV_KIND_CANCEL:
	case RV_KIND_UPDATE:
		return 0;
	case RV_KIND_SITUATION:
		return 2;
	default:
		return 1;
	}
}

/* Cut at a character, without what would disturb a terminal or a line. */
static void quote(char out[QUOTE], const char *value)
{
	snprintf(out, QUOTE, "%s", value);
	rv_wire_text_mend(out);
}

/* node: the element at fault, or the one that lacks something. */
static int fault(
	struct rv_err *e, const xmlNode *node, const char *rule, const char *text, const char *mend)
{
	char value[QUOTE] = "";
	const char *own = rv_xml_text(node);
	if (own != NULL) {
		quote(value, own);
	}
	rv_fail_rule(e, RV_EPARSE, rule, "%s%s%s%s: %s",
		node != NULL ? (const char *)node->name : "Header", value[0] != '\0' ? " \"" : "",
		value, value[0] != '\0' ? "\"" : "", text);
	rv_err_mend(e, "%s", mend);
	if (e != NULL) {
		rv_xml_place(node, &e->line, &e->column);
	}
	return RV_EPARSE;
}

/* The one child of that name, NULL if there is none. Two are a fault: readers could differ in the
 * one they take. */
static int get_only(
	const xmlNode **node_r, const xmlNode *parent, const char *name, struct rv_err *e)
{
	const xmlNode *node = rv_xml_child(parent, name);
	const xmlNode *again = node != NULL ? rv_xml_again(node) : NULL;
	if (again != NULL) {
		return fault(e, again, "HDR-REPEATED", "stands twice", "Take one of the two out.");
	}
	*node_r = node;
	return 0;
}

/* Text of a fixed size; an element that is there must fit. */
static int get_text(
	const xmlNode *parent, const char *name, char *out, size_t size, struct rv_err *e)
{
	const xmlNode *node = NULL;
	int rc = get_only(&node, parent, name, e);
	if (rc != 0 || node == NULL) {
		return rc;
	}
	const char *text = rv_xml_text(node);
	if (text == NULL || strlen(text) >= size) {
		return fault(e, node, "HDR-TEXT", "not a plain text of the allowed length",
			"Shorten it, and put no elements into it.");
	}
	memcpy(out, text, strlen(text) + 1);
	return 0;
}

static int get_number(
	const xmlNode *parent, const char *name, uint64_t max, uint64_t *out, struct rv_err *e)
{
	const xmlNode *node = NULL;
	int rc = get_only(&node, parent, name, e);
	if (rc != 0 || node == NULL) {
		return rc;
	}
	const char *text = rv_xml_text(node);
	size_t len = text != NULL ? strlen(text) : 0;
	if (len == 0 || len > 19 || strspn(text, "0123456789") != len) {
		return fault(e, node, "HDR-NUMBER", "not a whole number", "Write digits alone.");
	}
	uint64_t v = strtoull(text, NULL, 10);
	if (v > max) {
		return fault(
			e, node, "HDR-NUMBER", "the number is too large", "Correct the number.");
	}
	*out = v;
	return 0;
}

static int get_digest(const xmlNode *parent, const char *name, uint8_t out[RV_DIGEST_LEN],
	int *there_r, struct rv_err *e)
{
	const xmlNode *node = NULL;
	int rc = get_only(&node, parent, name, e);
	if (rc != 0 || node == NULL) {
		return rc;
	}
	const char *text = rv_xml_text(node);
	if (text == NULL || rv_unhex(out, RV_DIGEST_LEN, text) != 0) {
		return fault(e, node, "HDR-DIGEST", "not 64 lower-case hexadecimal digits",
			"Write the SHA-256 as sha256sum prints it.");
	}
	if (there_r != NULL) {
		*there_r = 1;
	}
	return 0;
}

static int get_time(
	const xmlNode *parent, const char *name, int date_only, int64_t *out, struct rv_err *e)
{
	const xmlNode *node = NULL;
	int rc = get_only(&node, parent, name, e);
	if (rc != 0 || node == NULL) {
		return rc;
	}
	const char *text = rv_xml_text(node);
	if (text == NULL ||
		(date_only ? rv_date_parse(out, text) : rv_stamp_parse(out, text)) != 0) {
		return fault(e, node, "HDR-TIME",
			date_only ? "not a day from 1970 on" : "not a time in UTC from 1970 on",
			date_only ? "Write it as 2026-11-24."
				  : "Write it as 2026-11-24T08:08:37Z.");
	}
	return 0;
}

/* A code that must be one of a list: parse returns 0 for none. */
static int get_code(const xmlNode *parent, const char *name, int (*parse)(const char *), int *out,
	struct rv_err *e)
{
	const xmlNode *node = NULL;
	int rc = get_only(&node, parent, name, e);
	if (rc != 0 || node == NULL) {
		return rc;
	}
	const char *text = rv_xml_text(node);
	*out = text != NULL ? parse(text) : 0;
	return *out != 0 ? 0 : fault(e, node, "HDR-CODE", "not a code of the list", mend_code);
}

static int parse_kind(const char *text)
{
	return (int)rv_kind_parse(text);
}

static int parse_status(const char *text)
{
	return (int)rv_status_parse(text);
}

static int parse_onward(const char *text)
{
	return (int)rv_onward_parse(text);
}

static int parse_tlp(const char *text)
{
	return (int)rv_tlp_parse(text);
}

static int parse_function(const char *text)
{
	return strlen(text) == 1 && strchr("951", text[0]) != NULL ? text[0] - '0' : 0;
}

/* One more than the number, so that H0 is not the 0 of "none". */
static int parse_handling(const char *text)
{
	return text[0] == 'H' && text[1] >= '0' && text[1] <= '3' && text[2] == '\0'
		       ? text[1] - '0' + 1
		       : 0;
}

static int parse_reftype(const char *text)
{
	static const char *const types[] = {"updates", "cancels", "answers", "relates"};
	for (int i = 0; i < 4; i++) {
		if (strcmp(text, types[i]) == 0) {
			return i + 1;
		}
	}
	return 0;
}

static size_t count_children(const xmlNode *parent, const char *name)
{
	size_t n = 0;
	for (xmlNode *c = rv_xml_child(parent, name); c != NULL; c = rv_xml_again(c)) {
		n++;
	}
	return n;
}

static int get_recipients(struct rv_header *h, const xmlNode *header, struct rv_err *e)
{
	size_t n = count_children(header, "Recipient");
	if (n == 0) {
		return 0;
	}
	if (n > RECIPIENTS_MAX) {
		return fault(e, rv_xml_child(header, "Recipient"), "HDR-RECIPIENTS",
			"more than 200 recipients are named", mend_few);
	}
	h->recipients = calloc(n, sizeof(*h->recipients));
	if (h->recipients == NULL) {
		return rv_fail_nomem(e);
	}
	for (xmlNode *c = rv_xml_child(header, "Recipient"); c != NULL; c = rv_xml_again(c)) {
		const char *text = rv_xml_text(c);
		if (text == NULL || strlen(text) >= RV_CODE_TEXT || !rv_code_valid(text)) {
			return fault(e, c, "HDR-MEMBER", "not a member's code", mend_member);
		}
		memcpy(h->recipients[h->n_recipients++], text, strlen(text) + 1);
	}
	return 0;
}

static int get_refs(struct rv_header *h, const xmlNode *header, struct rv_err *e)
{
	size_t n = count_children(header, "Reference");
	if (n == 0) {
		return 0;
	}
	if (n > REFS_MAX) {
		return fault(e, rv_xml_child(header, "Reference"), "HDR-REFERENCE",
			"more than 20 references", mend_few);
	}
	h->refs = calloc(n, sizeof(*h->refs));
	if (h->refs == NULL) {
		return rv_fail_nomem(e);
	}
	for (xmlNode *c = rv_xml_child(header, "Reference"); c != NULL; c = rv_xml_again(c)) {
		struct rv_ref *ref = &h->refs[h->n_refs++];
		uint8_t id[RV_UUID_LEN];
		uint64_t version = 0;
		int type = 0;
		int rc;
		if ((rc = get_code(c, "TypeCode", parse_reftype, &type, e)) != 0 ||
			(rc = get_text(c, "MessageID", ref->id, sizeof(ref->id), e)) != 0 ||
			(rc = get_number(c, "VersionID", VERSION_MAX, &version, e)) != 0) {
			return rc;
		}
		if (ref->id[0] != '\0' && rv_uuid_parse(id, ref->id) != 0) {
			return fault(e, rv_xml_child(c, "MessageID"), "HDR-ID",
				"not a UUID of version 7 in lower case", mend_id);
		}
		ref->type = (enum rv_reftype)type;
		ref->version = (unsigned)version;
	}
	return 0;
}

static int get_lists(struct rv_header *h, const xmlNode *header, struct rv_err *e)
{
	for (xmlNode *c = rv_xml_child(header, "RiskAreaCode"); c != NULL; c = rv_xml_again(c)) {
		const char *text = rv_xml_text(c);
		unsigned bit = text != NULL ? rv_risk_parse(text) : 0;
		if (bit == 0) {
			return fault(e, c, "HDR-CODE", "not one of the five risk areas", mend_code);
		}
		h->risks |= bit;
	}
	for (xmlNode *c = rv_xml_child(header, "Caveat"); c != NULL; c = rv_xml_again(c)) {
		const char *text = rv_xml_text(c);
		if (text != NULL && strcmp(text, "no-right-holders") == 0) {
			h->caveats |= RV_CAVEAT_NO_RIGHT_HOLDERS;
		} else if (text != NULL && strcmp(text, "named-recipients-only") == 0) {
			h->caveats |= RV_CAVEAT_NAMED_ONLY;
		} else {
			return fault(e, c, "HDR-CODE", "not a caveat of the list", mend_code);
		}
	}
	int rc = get_recipients(h, header, e);
	return rc == 0 ? get_refs(h, header, e) : rc;
}

static int get_identity(struct rv_header *h, const xmlNode *header, struct rv_err *e)
{
	const xmlNode *originator = NULL;
	const xmlNode *operation = NULL;
	const xmlNode *sequence = NULL;
	uint8_t id[RV_UUID_LEN];
	uint64_t roster = 0;
	int rc;
	if ((rc = get_only(&originator, header, "Originator", e)) != 0 ||
		(rc = get_only(&operation, header, "Operation", e)) != 0 ||
		(rc = get_only(&sequence, header, "Sequence", e)) != 0 ||
		(rc = get_text(header, "ID", h->id, sizeof(h->id), e)) != 0 ||
		(rc = get_text(originator, "Code", h->originator, sizeof(h->originator), e)) != 0 ||
		(rc = get_text(originator, "Office", h->office, sizeof(h->office), e)) != 0 ||
		(rc = get_text(operation, "Code", h->operation, sizeof(h->operation), e)) != 0 ||
		(rc = get_number(operation, "RosterVersion", VERSION_MAX, &roster, e)) != 0 ||
		(rc = get_number(sequence, "Number", INT64_MAX, &h->sequence, e)) != 0 ||
		(rc = get_digest(sequence, "PreviousDigest", h->previous, NULL, e)) != 0 ||
		(rc = get_digest(header, "SignerCertificate", h->signer_cert, &h->has_signer_cert,
			 e)) != 0) {
		return rc;
	}
	h->roster_version = (unsigned)roster;
	if (h->id[0] != '\0' && rv_uuid_parse(id, h->id) != 0) {
		return fault(e, rv_xml_child(header, "ID"), "HDR-ID",
			"not a UUID of version 7 in lower case", mend_id);
	}
	if (h->originator[0] != '\0' && !rv_code_valid(h->originator)) {
		return fault(e, rv_xml_child(originator, "Code"), "HDR-MEMBER",
			"not a member's code", mend_member);
	}
	if (h->operation[0] != '\0' && !rv_opcode_valid(h->operation)) {
		return fault(e, rv_xml_child(operation, "Code"), "HDR-OPERATION",
			"not an operation's code",
			"Write the code as the trust list has it, such as DEMETER-XII.");
	}
	return 0;
}

static int get_marks(struct rv_header *h, const xmlNode *header, struct rv_err *e)
{
	uint64_t version = 0;
	int kind = 0;
	int function = 0;
	int status = 0;
	int onward = 0;
	int tlp = 0;
	int handling = 0;
	int rc;
	if ((rc = get_code(header, "TypeCode", parse_kind, &kind, e)) != 0 ||
		(rc = get_code(header, "FunctionCode", parse_function, &function, e)) != 0 ||
		(rc = get_number(header, "VersionID", VERSION_MAX, &version, e)) != 0 ||
		(rc = get_code(header, "StatusCode", parse_status, &status, e)) != 0 ||
		(rc = get_code(header, "OnwardCode", parse_onward, &onward, e)) != 0 ||
		(rc = get_code(header, "TLPCode", parse_tlp, &tlp, e)) != 0 ||
		(rc = get_code(header, "HandlingCode", parse_handling, &handling, e)) != 0 ||
		(rc = get_time(header, "IssueDateTime", 0, &h->issued_us, e)) != 0 ||
		(rc = get_time(header, "ExpirationDateTime", 0, &h->expires_us, e)) != 0 ||
		(rc = get_time(header, "ReviewDate", 1, &h->review_us, e)) != 0) {
		return rc;
	}
	h->kind = (enum rv_kind)kind;
	h->function = function;
	h->version = (unsigned)version;
	h->status = (enum rv_status)status;
	h->onward = (enum rv_onward)onward;
	h->tlp = (enum rv_tlp)tlp;
	h->handling = handling > 0 ? handling - 1 : 0;
	return 0;
}

int rv_header_read(struct rv_header *h, const xmlDoc *doc, struct rv_err *e)
{
	struct rv_header read = {0};
	const xmlNode *root = xmlDocGetRootElement(doc);
	const xmlNode *header = NULL;
	int rc = rv_xml_is(root, RV_NS_MESSAGE, "Message") ? get_only(&header, root, "Header", e)
							   : 0;
	if (rc != 0) {
		return rc;
	}
	if (header == NULL) {
		return fault(e, root, "HDR-MISSING", "the document is not a Message with a Header",
			"Begin with a template: reeve new KIND.");
	}
	rc = get_identity(&read, header, e);
	if (rc == 0) {
		rc = get_marks(&read, header, e);
	}
	if (rc == 0) {
		rc = get_lists(&read, header, e);
	}
	if (rc != 0) {
		rv_header_clear(&read);
		return rc;
	}
	*h = read;
	return 0;
}

static int get_attachment(struct rv_attachment *a, const xmlNode *node, struct rv_err *e)
{
	int there = 0;
	int rc;
	if ((rc = get_text(node, "FileName", a->name, sizeof(a->name), e)) != 0 ||
		(rc = get_text(node, "MediaType", a->media_type, sizeof(a->media_type), e)) != 0 ||
		(rc = get_number(node, "Size", INT64_MAX, &a->size, e)) != 0 ||
		(rc = get_digest(node, "Digest", a->digest, &there, e)) != 0) {
		return rc;
	}
	return there ? 0
		     : fault(e, node, "HDR-DIGEST", "the attachment has no digest",
			       "Add Digest: the SHA-256 of the file.");
}

int rv_attachments_read(
	struct rv_attachment **list_r, size_t *n_r, const xmlDoc *doc, struct rv_err *e)
{
	const xmlNode *section = rv_xml_child(xmlDocGetRootElement(doc), "Attachments");
	size_t n = count_children(section, "Attachment");
	size_t i = 0;
	if (n > ATTACHMENTS_MAX) {
		return fault(e, section, "HDR-ATTACHMENTS", "more than 50 attachments", mend_few);
	}
	struct rv_attachment *list = calloc(n + 1, sizeof(*list));
	if (list == NULL) {
		return rv_fail_nomem(e);
	}
	for (xmlNode *c = rv_xml_child(section, "Attachment"); c != NULL; c = rv_xml_again(c)) {
		int rc = get_attachment(&list[i++], c, e);
		if (rc != 0) {
			free(list);
			return rc;
		}
	}
	*list_r = list;
	*n_r = n;
	return 0;
}
