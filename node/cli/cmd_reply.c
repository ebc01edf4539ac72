/* SPDX-License-Identifier: Apache-2.0 */
#include "node/cli/commands.h"

#include <libxml/parser.h>
#include <string.h>

#include "node/cli/client.h"
#include "node/cli/send.h"
#include "node/cli/shared.h"
#include "protocol/xml.h"

/* What an answer takes over from the message that it answers. */
struct original {
	const char *id, *kind, *status, *originator, *operation;
	const json_t *header;
	xmlDoc *doc;
};

static const char *const kinds[] = {"feedback", "reply", "update", "cancel", NULL};

static const char *default_kind(const char *kind)
{
	return !strcmp(kind, "warning") || !strcmp(kind, "alert") ? "feedback"
	       : !strcmp(kind, "request")                         ? "reply"
								  : NULL;
}

static const char *reference_type(const char *kind)
{
	return !strcmp(kind, "update")   ? "updates"
	       : !strcmp(kind, "cancel") ? "cancels"
					 : "answers";
}

/* ---- editing the draft ---- */

/* With the white space before it, so that no empty line stays. */
static void remove_node(xmlNode *node)
{
	if (!node)
		return;
	xmlNode *before = node->prev;
	if (before && before->type == XML_TEXT_NODE && xmlIsBlankNode(before)) {
		xmlUnlinkNode(before);
		xmlFreeNode(before);
	}
	xmlUnlinkNode(node);
	xmlFreeNode(node);
}

static int set_text(xmlNode *parent, const char *name, const char *value)
{
	xmlNode *node = rv_xml_child(parent, name);
	if (!node || !value || !value[0])
		return 0;
	xmlNodeSetContent(node, NULL);
	xmlNode *text = xmlNewText((const xmlChar *)value);
	return text && xmlAddChild(node, text) ? 0 : -1;
}

static xmlNode *new_node(xmlNs *ns, const char *name, const char *value)
{
	xmlNode *node = xmlNewNode(ns, (const xmlChar *)name);
	xmlNode *text = node && value ? xmlNewText((const xmlChar *)value) : NULL;
	if (node && value && (!text || !xmlAddChild(node, text))) {
		xmlFreeNode(text);
		xmlFreeNode(node);
		node = NULL;
	}
	return node;
}

/* On a line of its own, indented as what follows. */
static xmlNode *add_before(xmlNode *next, const char *name, const char *value)
{
	xmlNode *before = next->prev, *node = new_node(next->ns, name, value), *space = NULL;
	if (!node)
		return NULL;
	if (before && before->type == XML_TEXT_NODE && xmlIsBlankNode(before))
		space = xmlCopyNode(before, 1);
	if (!xmlAddPrevSibling(next, node)) {
		xmlFreeNode(node);
		xmlFreeNode(space);
		return NULL;
	}
	if (space && !xmlAddPrevSibling(next, space))
		xmlFreeNode(space);
	return node;
}

/* A last child with the white space that a line of that depth has. */
static int add_line(xmlNode *parent, const char *name, const char *value, int depth)
{
	char space[32];
	xmlNode *node = name ? new_node(parent->ns, name, value) : NULL;
	snprintf(space, sizeof space, "\n%*s", 2 * depth, "");
	xmlNode *text = xmlNewText((const xmlChar *)space);
	if (!text || (name && !node) || !xmlAddChild(parent, text)) {
		xmlFreeNode(text);
		xmlFreeNode(node);
		return -1;
	}
	return node && !xmlAddChild(parent, node) ? -1 : 0;
}

/* Handling must not become weaker in the answer than it was in the question. */
static int copy_handling(xmlNode *header, const struct original *o)
{
	int bad = set_text(header, "HandlingCode", json_str(o->header, "handling"));
	bad |= set_text(header, "TLPCode", json_str(o->header, "tlp"));
	bad |= set_text(header, "OnwardCode", json_str(o->header, "onward"));
	const json_t *risks = json_object_get(o->header, "risks"), *risk, *caveat;
	xmlNode *first = rv_xml_child(header, "RiskAreaCode"),
		*onward = rv_xml_child(header, "OnwardCode");
	size_t i;
	json_array_foreach(json_object_get(o->header, "caveats"), i, caveat) bad |=
		onward && json_string_value(caveat) &&
		!add_before(onward, "Caveat", json_string_value(caveat));
	if (!first || !json_array_size(risks))
		return bad;
	json_array_foreach(risks, i, risk) bad |=
		json_string_value(risk) &&
		!add_before(first, "RiskAreaCode", json_string_value(risk));
	for (xmlNode *old = first, *next; old; old = next) {
		next = rv_xml_again(old);
		remove_node(old);
	}
	return bad;
}

static int set_reference(xmlNode *header, const struct original *o, const char *kind)
{
	char version[24];
	snprintf(version, sizeof version, "%lld", (long long)json_num(o->header, "version"));
	const char *type = reference_type(kind);
	xmlNode *reference = rv_xml_child(header, "Reference");
	while (reference && strcmp(rv_xml_child_text(reference, "TypeCode")
					    ? rv_xml_child_text(reference, "TypeCode")
					    : "",
				    type))
		reference = rv_xml_again(reference);
	if (reference) {
		if (!rv_xml_child(reference, "VersionID") &&
			!rv_xml_add(reference, "VersionID", version))
			return -1;
		return set_text(reference, "MessageID", o->id) ||
		       set_text(reference, "VersionID", version);
	}
	xmlNode *signer = rv_xml_child(header, "SignerCertificate");
	reference = signer ? add_before(signer, "Reference", NULL)
			   : rv_xml_add(header, "Reference", NULL);
	return !reference || !rv_xml_add(reference, "TypeCode", type) ||
	       !rv_xml_add(reference, "MessageID", o->id) ||
	       !rv_xml_add(reference, "VersionID", version);
}

/* An answer goes to who asked; a change goes where the first version went, so it names nobody. */
static int set_recipient(xmlNode *header, const struct original *o, const char *kind)
{
	xmlNode *purpose = rv_xml_child(header, "ExpirationDateTime");
	purpose = purpose ? purpose : rv_xml_child(header, "PurposeCode");
	if (strcmp(reference_type(kind), "answers") || rv_xml_child(header, "Recipient") ||
		!purpose || !o->originator[0])
		return 0;
	return !add_before(purpose, "Recipient", o->originator);
}

/* The template of a feedback answers a warning; an alert is answered by a verdict. */
static int fill_feedback(xmlNode *root, const struct original *o)
{
	xmlNode *feedback = rv_xml_child(root, "Feedback");
	xmlNode *alert = rv_xml_child(xmlDocGetRootElement(o->doc), "Alert");
	xmlNode *control = feedback ? rv_xml_child(feedback, "Control") : NULL;
	if (!feedback || !alert || !control)
		return 0;
	const char *case_id = rv_xml_child_text(alert, "CaseID");
	if (case_id && !rv_xml_child(feedback, "CaseID") && !add_before(control, "CaseID", case_id))
		return -1;
	xmlNode *verdict = add_before(control, "Verdict", NULL);
	if (!verdict || add_line(verdict, "VerdictCode", "unknown", 3) ||
		add_line(verdict, "Basis", "What the verdict rests on.", 3) ||
		add_line(verdict, "ExpertName", "Name of the expert", 3) ||
		add_line(verdict, NULL, NULL, 2))
		return -1;
	remove_node(control);
	/* The template shows a verdict in a comment; here it is one. */
	for (xmlNode *n = feedback->children, *next; n; n = next) {
		next = n->next;
		if (n->type == XML_COMMENT_NODE && n->content &&
			strstr((const char *)n->content, "<Verdict>"))
			remove_node(n);
	}
	return 0;
}

/* A sealed message has no white space between elements; a person edits a draft that has. */
static int indent(xmlNode *node, int depth)
{
	char space[64];
	xmlNode *child = rv_xml_first(node);
	if (!child)
		return 0;
	snprintf(space, sizeof space, "\n%*s", 2 * depth, "");
	for (; child; child = rv_xml_next(child)) {
		xmlNode *text = xmlNewText((const xmlChar *)space);
		if (!text || !xmlAddPrevSibling(child, text) || indent(child, depth + 1))
			return -1;
	}
	return add_line(node, NULL, NULL, depth - 1);
}

/* All of a message is in its one namespace: a copy's own declaration of it says nothing new. */
static void use_namespace(xmlNode *node, xmlNs *ns)
{
	node->ns = ns;
	for (xmlNode *child = rv_xml_first(node); child; child = rv_xml_next(child))
		use_namespace(child, ns);
}

static int copy_section(xmlNode *root, const xmlNode *section)
{
	xmlNode *copy = xmlDocCopyNode((xmlNode *)(uintptr_t)section, root->doc, 1);
	if (!copy)
		return -1;
	/* What the node assigns when it seals. */
	xmlUnsetProp(copy, (const xmlChar *)"Id");
	xmlUnsetProp(copy, (const xmlChar *)"Salt");
	xmlNode *space = xmlNewText((const xmlChar *)"  ");
	if (!space || !xmlAddChild(root, space) || !xmlAddChild(root, copy)) {
		xmlFreeNode(copy);
		return -1;
	}
	use_namespace(copy, root->ns);
	xmlFreeNsList(copy->nsDef);
	copy->nsDef = NULL;
	return indent(copy, 2) || add_line(root, NULL, NULL, 0);
}

/* An update carries every section of the new version: those of the version that it replaces, to be
 * edited. */
static int copy_sections(xmlNode *root, const struct original *o)
{
	for (xmlNode *section = rv_xml_first(root), *next; section; section = next) {
		next = rv_xml_next(section);
		if (!rv_xml_is(section, RV_NS_MESSAGE, "Header") &&
			!rv_xml_is(section, RV_NS_MESSAGE, "Amendment"))
			remove_node(section);
	}
	for (const xmlNode *section = rv_xml_first(xmlDocGetRootElement(o->doc)); section;
		section = rv_xml_next(section)) {
		int known = rv_section_parse((const char *)section->name);
		if (known >= 0 && known != RV_SEC_AMENDMENT && copy_section(root, section))
			return -1;
	}
	return 0;
}

static int fill_amendment(xmlNode *root, const struct original *o)
{
	char version[24];
	xmlNode *amendment = rv_xml_child(root, "Amendment"),
		*header = rv_xml_child(root, "Header");
	xmlNode *target = amendment ? rv_xml_child(amendment, "Target") : NULL;
	snprintf(version, sizeof version, "%lld", (long long)json_num(o->header, "version"));
	int bad = target ? set_text(target, "MessageID", o->id) |
				   set_text(target, "VersionID", version)
			 : 0;
	snprintf(version, sizeof version, "%lld", (long long)json_num(o->header, "version") + 1);
	return bad | set_text(header, "VersionID", version);
}

static int fill(xmlDoc *doc, const struct original *o, const char *kind, int from_template)
{
	xmlNode *root = xmlDocGetRootElement(doc),
		*header = root ? rv_xml_child(root, "Header") : NULL;
	if (!header)
		return RV_EINVAL;
	int bad = set_text(header, "StatusCode", o->status);
	bad |= set_reference(header, o, kind) | set_recipient(header, o, kind);
	if (from_template)
		bad |= copy_handling(header, o);
	if (from_template && !strcmp(kind, "feedback"))
		bad |= fill_feedback(root, o);
	if (from_template && !strcmp(kind, "update"))
		bad |= copy_sections(root, o);
	if (!strcmp(reference_type(kind), "answers"))
		return bad ? RV_ENOMEM : 0;
	return bad | fill_amendment(root, o) ? RV_ENOMEM : 0;
}

static int make_draft(struct cli *c, const struct original *o, const char *kind, struct rv_buf *out,
	struct rv_err *e)
{
	const struct rv_catalog *catalog;
	const char *file = cli_opt(c, "draft");
	struct rv_buf bytes = {0};
	xmlDoc *doc = NULL;
	xmlChar *text = NULL;
	int len = 0, rc;
	if (file) {
		rc = cli_read(c, file, rv_xml_limits_message.bytes, &bytes, e);
		if (!rc)
			rc = rv_xml_parse(&doc, bytes.data, bytes.len, &rv_xml_limits_message,
				RV_XML_DRAFT, e);
	} else {
		rc = cli_catalog(c, &catalog, e);
		if (!rc && rv_catalog_template_at(
				   catalog, kind, cli_clock(c).now_us(cli_clock(c).ctx), &bytes))
			rc = rv_fail(e, RV_ENOTFOUND, "there is no template of the kind %s", kind);
		/* Our own text: parsed as it is, so that its comments stay for the person who edits
		 * it. */
		if (!rc)
			doc = xmlReadMemory((const char *)bytes.data, (int)bytes.len, NULL, NULL,
				XML_PARSE_NONET | XML_PARSE_NOERROR);
		if (!rc && !doc)
			rc = rv_fail_nomem(e);
	}
	if (!rc && (rc = fill(doc, o, kind, !file)) != 0)
		rc = rc == RV_EINVAL ? rv_fail(e, rc, "the draft has no Header") : rv_fail_nomem(e);
	if (!rc) {
		xmlDocDumpMemoryEnc(doc, &text, &len, "UTF-8");
		if (!text || rv_buf_put(out, text, (size_t)len))
			rc = rv_fail_nomem(e);
	}
	xmlFree(text);
	xmlFreeDoc(doc);
	rv_buf_free(&bytes);
	return rc;
}

/* ---- the command ---- */

static int get_original(struct cli *c, struct client *client, struct answer *page,
	struct original *o, struct rv_err *e)
{
	struct rv_buf path = {0};
	struct answer content = {0};
	rv_buf_str(&path, "/v1/messages");
	path_segment(&path, cli_operand(c, 0));
	int rc = rv_buf_cstr(&path) ? client_get(client, (const char *)path.data, page, e)
				    : rv_fail_nomem(e);
	rv_buf_str(&path, "/content");
	if (!rc)
		rc = rv_buf_cstr(&path) ? client_get(client, (const char *)path.data, &content, e)
					: rv_fail_nomem(e);
	if (!rc)
		rc = rv_xml_parse(
			&o->doc, content.body.data, content.body.len, &rv_xml_limits_message, 0, e);
	rv_buf_free(&path);
	answer_clear(&content);
	o->header = json_object_get(page->json, "header");
	o->id = json_str(page->json, "id");
	o->kind = json_str(o->header, "kind");
	o->status = json_str(o->header, "status");
	o->originator = json_str(o->header, "originator");
	o->operation = json_str(o->header, "operation");
	return rc;
}

static int run(struct cli *c)
{
	struct rv_err e = {0};
	struct client *client = NULL;
	struct answer page = {0};
	struct original o = {0};
	struct rv_buf draft = {0};
	int status;
	const char *kind = cli_opt(c, "kind"), *file = cli_opt(c, "draft");
	if (cli_has(c, "send") && !file)
		return cli_usage(c, "--send needs --draft: a template has example values, which "
				    "must not be sent");
	if (kind && (!cli_nearest(kind, kinds) || strcmp(cli_nearest(kind, kinds), kind)))
		return cli_usage(c, "--kind is feedback, reply, update or cancel");
	if (rv_xml_init(&e) || client_new(&client, c, &e) ||
		get_original(c, client, &page, &o, &e)) {
		status = cli_fail(c, &e, NULL);
		goto out;
	}
	kind = kind ? kind : default_kind(o.kind);
	if (!kind)
		status = cli_usage(
			c, "say with --kind what answers a message of the kind %s", o.kind);
	else if (make_draft(c, &o, kind, &draft, &e))
		status = cli_fail(c, &e, NULL);
	else if (cli_has(c, "send"))
		status = cli_send(c, client, file, &draft, o.operation[0] ? o.operation : NULL);
	else if (cli_write(c, cli_opt(c, "out"), 0644, draft.data, draft.len, &e))
		status = cli_fail(c, &e, NULL);
	else
		status = CLI_OK;
out:
	rv_buf_free(&draft);
	xmlFreeDoc(o.doc);
	answer_clear(&page);
	client_free(&client);
	return status;
}

static const struct cli_option options[] = {
	{"kind", 'k', "KIND", "what answers it: feedback, reply, update or cancel",
		"feedback reply update cancel", 0},
	{"draft", 'd', "FILE", "make that draft of yours the answer, instead of a template",
		CLI_FILES, 0},
	{"out", 'o', "FILE", "write there instead of the standard output", CLI_FILES, 0},
	{"send", 's', NULL, "send it at once, under the operation of what it answers", NULL, 0},
	{"attach", 'a', "FILE", "with --send: a file that goes with it", CLI_FILES, 1},
	{"to", 't', "CODE", "with --send: a member it is for", NULL, 1},
	{"dry-run", 'n', NULL, "with --send: check it and tell who would get it", NULL, 0},
	{"id", 0, "ID", "with --send: the id of an earlier try", NULL, 0},
	CLI_OPTION_JSON,
	CLI_OPTION_END,
};

const struct cli_command cmd_reply = {
	.name = "reply",
	.operands = "ID",
	.summary = "make a draft that answers a message, or send one",
	.details = "The draft refers to the message, goes to its originator, and takes over its\n"
		   "status, handling and risk areas. A warning or an alert is answered by\n"
		   "feedback, a request by a reply, unless --kind says otherwise. An update has\n"
		   "the sections of the message, to be edited. Lines of faults that --send tells\n"
		   "are those of the completed draft, which reply writes without --send.",
	.options = options,
	.min_operands = 1,
	.max_operands = 1,
	.run = run,
};
