/* SPDX-License-Identifier: Apache-2.0 */
#include "xml.h"

#include <stdint.h>
#include <string.h>
#include <strings.h>
#include <libxml/c14n.h>
#include <libxml/globals.h>
#include <libxml/parser.h>
#include <libxml/parserInternals.h>
#include <libxml/SAX2.h>

#include "utf8.h"

const struct rv_xml_limits rv_xml_limits_message = {1 << 20, 24, 20000, 16, 256 << 10};
const struct rv_xml_limits rv_xml_limits_trust = {64 << 20, 24, 2000000, 16, 1 << 20};

int rv_xml_init(struct rv_err *e)
{
	LIBXML_TEST_VERSION
	xmlInitParser();
	return 0;
}

void rv_xml_cleanup(void)
{
	xmlCleanupParser();
}

/* What the SAX callbacks share: limits, the first fault, and a cursor that turns offsets into
 * places. */
struct reading {
	const char *data;
	size_t len;
	const struct rv_xml_limits *limits;
	unsigned flags;
	unsigned depth;
	unsigned elements;
	size_t text_run;
	size_t seen;
	int line;
	int column; /* characters of the line before seen */
	struct rv_err err;
};

static struct reading *reading_of(void *ctx)
{
	return ((xmlParserCtxt *)ctx)->_private;
}

/* Each byte is counted once: a sealed document is one long line. */
static void advance(struct reading *r, size_t offset)
{
	for (; r->seen < offset; r->seen++) {
		unsigned char c = (unsigned char)r->data[r->seen];
		if (c == '\n') {
			r->line++;
			r->column = 0;
		} else {
			r->column += (c & 0xc0) != 0x80;
		}
	}
}

static size_t offset_now(const xmlParserCtxt *ctxt, const struct reading *r)
{
	const xmlParserInput *in = ctxt->input;
	if (in == NULL) {
		return 0;
	}
	size_t offset = in->consumed + (size_t)(in->cur - in->base);
	return offset > r->len ? r->len : offset;
}

/* The first fault counts; what the parser says after it is a consequence. */
static void refuse(
	xmlParserCtxt *ctxt, int code, const char *rule, const char *text, const char *mend)
{
	struct reading *r = ctxt->_private;
	if (r->err.code == 0) {
		size_t offset = offset_now(ctxt, r);
		rv_fail_rule(&r->err, code, rule, "%s", text);
		rv_err_mend(&r->err, "%s", mend);
		advance(r, offset);
		r->err.line = r->line;
		r->err.column = r->column + 1;
	}
	xmlStopParser(ctxt);
}

static void on_start(void *ctx, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri,
	int n_ns, const xmlChar **ns, int n_attr, int n_default, const xmlChar **attrs)
{
	xmlParserCtxt *ctxt = ctx;
	struct reading *r = ctxt->_private;
	r->text_run = 0;
	if (++r->depth > r->limits->depth) {
		refuse(ctxt, RV_ELIMIT, "XML-LIMIT-DEPTH", "elements are nested too deeply",
			"No message needs such depth: take the nested elements out.");
		return;
	}
	if (++r->elements > r->limits->elements) {
		refuse(ctxt, RV_ELIMIT, "XML-LIMIT-ELEMENTS", "there are too many elements",
			"Split the content over several messages.");
		return;
	}
	if ((unsigned)n_ns + (unsigned)n_attr > r->limits->attributes) {
		refuse(ctxt, RV_ELIMIT, "XML-LIMIT-ATTRIBUTES",
			"an element has too many attributes",
			"Keep the attributes that the schema names.");
		return;
	}
	for (int i = 0; i < n_attr; i++) {
		if ((size_t)(attrs[5 * i + 4] - attrs[5 * i + 3]) > r->limits->text) {
			refuse(ctxt, RV_ELIMIT, "XML-LIMIT-TEXT", "an attribute value is too long",
				"Shorten the value.");
			return;
		}
	}
	xmlSAX2StartElementNs(ctx, name, prefix, uri, n_ns, ns, n_attr, n_default, attrs);
	xmlNode *node = ctxt->node;
	size_t offset = offset_now(ctxt, r);
	while (offset > r->seen && r->data[offset - 1] != '<') {
		offset--;
	}
	offset = offset > 0 ? offset - 1 : 0;
	advance(r, offset);
	if (node != NULL) {
		uint64_t place = (uint64_t)(uint32_t)r->line << 32 | (uint32_t)(r->column + 1);
		node->_private = (void *)(uintptr_t)place;
	}
}

static void on_end(void *ctx, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri)
{
	struct reading *r = reading_of(ctx);
	r->text_run = 0;
	r->depth--;
	xmlSAX2EndElementNs(ctx, name, prefix, uri);
}

static void on_text(void *ctx, const xmlChar *text, int len)
{
	struct reading *r = reading_of(ctx);
	r->text_run += (size_t)len;
	if (r->text_run > r->limits->text) {
		refuse(ctx, RV_ELIMIT, "XML-LIMIT-TEXT", "a text is too long",
			"Shorten it, or send it as an attachment.");
		return;
	}
	xmlSAX2Characters(ctx, text, len);
}

static void on_comment(void *ctx, const xmlChar *text)
{
	if (!(reading_of(ctx)->flags & RV_XML_DRAFT)) {
		refuse(ctx, RV_EPARSE, "XML-COMMENT", "a comment stands in a sealed document",
			"Comments are not signed and may not be added: take it out.");
	}
}

static void on_pi(void *ctx, const xmlChar *target, const xmlChar *data)
{
	refuse(ctx, RV_EPARSE, "XML-PI", "a processing instruction is not allowed",
		"Take the <?...?> out.");
}

static void on_doctype(void *ctx, const xmlChar *name, const xmlChar *ext, const xmlChar *sys)
{
	refuse(ctx, RV_EPARSE, "XML-DOCTYPE", "a document type declaration is not allowed",
		"Take the <!DOCTYPE ...> out; write out what its entities stood for.");
}

static void on_cdata(void *ctx, const xmlChar *text, int len)
{
	if (!(reading_of(ctx)->flags & RV_XML_DRAFT)) {
		refuse(ctx, RV_EPARSE, "XML-CDATA", "a CDATA section stands in a sealed document",
			"Write the text itself, with &lt; and &amp;.");
		return;
	}
	on_text(ctx, text, len);
}

static const char mend_encoding[] = "Save the document as UTF-8, and declare that or nothing.";

static void on_error(void *ctx, xmlErrorPtr error)
{
	xmlParserCtxt *ctxt = ctx;
	struct reading *r = ctxt->_private;
	if (error == NULL || error->level < XML_ERR_ERROR || r->err.code != 0) {
		return;
	}
	if (error->code == XML_ERR_NO_MEMORY) {
		rv_fail_nomem(&r->err);
		return;
	}
	const char *text = error->message != NULL ? error->message : "not well-formed XML";
	size_t len = strcspn(text, "\n");
	int encoding = error->code == XML_ERR_UNKNOWN_ENCODING ||
		       error->code == XML_ERR_UNSUPPORTED_ENCODING ||
		       error->code == XML_ERR_INVALID_ENCODING;
	rv_fail_rule(&r->err, RV_EPARSE, encoding ? "XML-ENCODING" : "XML-SYNTAX", "%.*s",
		(int)(len > 300 ? 300 : len), text);
	rv_err_mend(&r->err, "%s",
		encoding ? mend_encoding
			 : "Mend the XML at this place; an XML editor or xmllint shows it.");
	r->err.line = error->line;
	r->err.column = error->int2;
}

/* Places of text-level faults that are found before parsing. */
static int refuse_at(struct reading *r, size_t offset, const char *rule, const char *text,
	const char *mend, struct rv_err *e)
{
	advance(r, offset);
	rv_fail_rule(e, RV_EPARSE, rule, "%s", text);
	rv_err_mend(e, "%s", mend);
	if (e != NULL) {
		e->line = r->line;
		e->column = r->column + 1;
	}
	return RV_EPARSE;
}

static int check_bytes(struct reading *r, struct rv_err *e)
{
	const unsigned char *p = (const unsigned char *)r->data;
	if (r->len == 0) {
		return refuse_at(r, 0, "XML-EMPTY", "the document is empty", "Give a document.", e);
	}
	if (r->len >= 3 && memcmp(p, "\xef\xbb\xbf", 3) == 0 && !(r->flags & RV_XML_DRAFT)) {
		return refuse_at(r, 0, "XML-ENCODING",
			"a byte order mark stands before the document",
			"Take the mark out: a sealed document begins with '<'.", e);
	}
	for (size_t i = 0; i < r->len;) {
		uint32_t point;
		size_t n = rv_utf8_at(p + i, r->len - i, &point);
		if (n == 0 || p[i] == 0) {
			return refuse_at(r, i, "XML-ENCODING",
				n == 0 ? "a byte is not UTF-8" : "a NUL byte stands in the text",
				"Save the document as UTF-8.", e);
		}
		i += n;
	}
	return 0;
}

static void set_handlers(xmlParserCtxt *ctxt)
{
	xmlSAXHandler *sax = ctxt->sax;
	sax->startElementNs = on_start;
	sax->endElementNs = on_end;
	sax->characters = on_text;
	sax->ignorableWhitespace = on_text;
	sax->cdataBlock = on_cdata;
	sax->comment = on_comment;
	sax->processingInstruction = on_pi;
	sax->internalSubset = on_doctype;
	sax->externalSubset = on_doctype;
	sax->serror = on_error;
}

/* The parser has the declared encoding in the document when it ends, and in its context only at
 * times. */
static int check_declaration(const xmlDoc *doc, struct rv_err *e)
{
	const char *version = (const char *)doc->version;
	const char *encoding = (const char *)doc->encoding;
	if (version != NULL && strcmp(version, "1.0") != 0) {
		rv_fail_rule(e, RV_EPARSE, "XML-VERSION", "only XML 1.0 is accepted");
		rv_err_mend(e, "Declare version 1.0, or take the declaration out.");
	} else if (encoding != NULL && strcasecmp(encoding, "UTF-8") != 0) {
		rv_fail_rule(e, RV_EPARSE, "XML-ENCODING",
			"the document declares the encoding %.40s; only UTF-8 is accepted",
			encoding);
		rv_err_mend(e, "%s", mend_encoding);
	} else {
		return 0;
	}
	if (e != NULL) { /* a declaration stands first or not at all */
		e->line = 1;
		e->column = 1;
	}
	return RV_EPARSE;
}

int rv_xml_parse(xmlDoc **doc_r, const void *data, size_t len, const struct rv_xml_limits *limits,
	unsigned flags, struct rv_err *e)
{
	struct reading r = {.data = data, .len = len, .limits = limits, .flags = flags, .line = 1};
	int rc = 0;
	xmlParserCtxt *ctxt = NULL;
	xmlDoc *doc = NULL;

	if (len > limits->bytes || len > INT32_MAX) {
		rc = rv_fail_rule(e, RV_ELIMIT, "XML-LIMIT-BYTES",
			"the document has %zu bytes, more than the %zu allowed", len,
			limits->bytes);
		rv_err_mend(e, "Send large material as attachments.");
		goto out;
	}
	rc = check_bytes(&r, e);
	if (rc != 0) {
		goto out;
	}
	r.seen = 0;
	r.line = 1;
	r.column = 0;
	ctxt = xmlNewParserCtxt();
	if (ctxt == NULL) {
		rc = rv_fail_nomem(e);
		goto out;
	}
	ctxt->_private = &r;
	set_handlers(ctxt);
	doc = xmlCtxtReadMemory(ctxt, data, (int)len, NULL, NULL, XML_PARSE_NONET);
	if (doc == NULL || !ctxt->wellFormed || r.err.code != 0) {
		if (r.err.code == 0) {
			rv_fail_rule(&r.err, RV_EPARSE, "XML-SYNTAX",
				"the document is not well-formed XML");
		}
		rc = r.err.code;
		if (e != NULL) {
			*e = r.err;
		}
		goto out;
	}
	rc = check_declaration(doc, e);
out:
	if (ctxt != NULL) {
		xmlFreeDoc(ctxt->myDoc); /* what the parser did not hand over */
		ctxt->myDoc = NULL;
		xmlFreeParserCtxt(ctxt);
	}
	if (rc == 0) {
		*doc_r = doc;
	} else {
		xmlFreeDoc(doc);
	}
	return rc;
}

void rv_xml_place(const xmlNode *node, int *line_r, int *column_r)
{
	while (node != NULL && node->type != XML_ELEMENT_NODE) {
		node = node->parent;
	}
	uint64_t place = node != NULL ? (uint64_t)(uintptr_t)node->_private : 0;
	*line_r = (int)(place >> 32);
	*column_r = (int)(uint32_t)place;
}

static void path_step(const xmlNode *node, struct rv_buf *out)
{
	unsigned before = 0;
	unsigned after = 0;
	for (const xmlNode *n = node->prev; n != NULL; n = n->prev) {
		before += n->type == XML_ELEMENT_NODE && xmlStrEqual(n->name, node->name);
	}
	for (const xmlNode *n = node->next; n != NULL; n = n->next) {
		after += n->type == XML_ELEMENT_NODE && xmlStrEqual(n->name, node->name);
	}
	rv_buf_printf(out, "/%s", (const char *)node->name);
	if (before + after > 0) {
		rv_buf_printf(out, "[%u]", before + 1);
	}
}

int rv_xml_path(const xmlNode *node, struct rv_buf *out)
{
	const xmlNode *steps[64];
	size_t n = 0;
	for (; node != NULL && node->type != XML_DOCUMENT_NODE; node = node->parent) {
		if (node->type == XML_ELEMENT_NODE) {
			if (n == sizeof(steps) / sizeof(steps[0])) {
				return RV_ELIMIT;
			}
			steps[n++] = node;
		}
	}
	while (n > 0) {
		path_step(steps[--n], out);
	}
	return rv_buf_ok(out) ? 0 : RV_ENOMEM;
}

static xmlNode *element_from(xmlNode *node)
{
	while (node != NULL && node->type != XML_ELEMENT_NODE) {
		node = node->next;
	}
	return node;
}

xmlNode *rv_xml_first(const xmlNode *parent)
{
	return parent != NULL ? element_from(parent->children) : NULL;
}

xmlNode *rv_xml_next(const xmlNode *node)
{
	return element_from(node->next);
}

int rv_xml_is(const xmlNode *node, const char *ns, const char *name)
{
	return node != NULL && node->type == XML_ELEMENT_NODE && node->ns != NULL &&
	       strcmp((const char *)node->name, name) == 0 &&
	       strcmp((const char *)node->ns->href, ns) == 0;
}

int rv_xml_has_prefix(const xmlNode *node, const char *prefix)
{
	const char *own = node->ns != NULL ? (const char *)node->ns->prefix : NULL;
	return own == NULL || prefix == NULL ? own == prefix : strcmp(own, prefix) == 0;
}

static int same_ns(const xmlNode *a, const xmlNode *b)
{
	return a->ns == b->ns ||
	       (a->ns != NULL && b->ns != NULL && xmlStrEqual(a->ns->href, b->ns->href));
}

xmlNode *rv_xml_child(const xmlNode *parent, const char *name)
{
	for (xmlNode *n = rv_xml_first(parent); n != NULL; n = rv_xml_next(n)) {
		if (strcmp((const char *)n->name, name) == 0 && same_ns(n, parent)) {
			return n;
		}
	}
	return NULL;
}

xmlNode *rv_xml_again(const xmlNode *node)
{
	for (xmlNode *n = rv_xml_next(node); n != NULL; n = rv_xml_next(n)) {
		if (xmlStrEqual(n->name, node->name) && same_ns(n, node)) {
			return n;
		}
	}
	return NULL;
}

const char *rv_xml_text(const xmlNode *node)
{
	if (node == NULL) {
		return NULL;
	}
	const xmlNode *child = node->children;
	if (child == NULL) {
		return "";
	}
	return child->type == XML_TEXT_NODE && child->next == NULL ? (const char *)child->content
								   : NULL;
}

const char *rv_xml_child_text(const xmlNode *parent, const char *name)
{
	return rv_xml_text(rv_xml_child(parent, name));
}

const char *rv_xml_attr(const xmlNode *node, const char *name)
{
	if (node == NULL) {
		return NULL;
	}
	for (const xmlAttr *a = node->properties; a != NULL; a = a->next) {
		if (a->ns == NULL && strcmp((const char *)a->name, name) == 0) {
			if (a->children == NULL) {
				return "";
			}
			return a->children->next == NULL ? (const char *)a->children->content
							 : NULL;
		}
	}
	return NULL;
}

int rv_xml_pure(const xmlNode *node)
{
	for (const xmlNode *n = node->children; n != NULL; n = n->next) {
		if (n->type != XML_ELEMENT_NODE) {
			return 0;
		}
	}
	return 1;
}

xmlNode *rv_xml_add(xmlNode *parent, const char *name, const char *text)
{
	return xmlNewTextChild(parent, parent->ns, (const xmlChar *)name, (const xmlChar *)text);
}

static int has_element(const xmlNode *parent)
{
	return rv_xml_first(parent) != NULL;
}

void rv_xml_strip(xmlDoc *doc)
{
	xmlNode *root = xmlDocGetRootElement(doc);
	xmlNode *node = root;
	while (node != NULL) {
		xmlNode *next = node->children != NULL && node->type == XML_ELEMENT_NODE
					? node->children
					: NULL;
		for (xmlNode *up = node; next == NULL && up != NULL && up != root;
			up = up->parent) {
			next = up->next;
		}
		if (node->type == XML_TEXT_NODE && xmlIsBlankNode(node) &&
			has_element(node->parent)) {
			xmlUnlinkNode(node);
			xmlFreeNode(node);
		}
		node = next;
	}
}

static int in_subtree(void *ctx, xmlNode *node, xmlNode *parent)
{
	const xmlNode *n = node != NULL && node->type != XML_NAMESPACE_DECL ? node : parent;
	for (; n != NULL; n = n->parent) {
		if (n == ctx) {
			return 1;
		}
	}
	return 0;
}

static int sink(void *ctx, const char *data, int len)
{
	return rv_buf_put(ctx, data, (size_t)len) == 0 ? len : -1;
}

static void quiet(void *ctx, xmlErrorPtr error)
{
	(void)ctx;
	(void)error;
}

static int canonicalise(xmlDoc *doc, xmlNode *subtree, struct rv_buf *out, struct rv_err *e)
{
	size_t start = out->len;
	xmlOutputBuffer *ob = xmlOutputBufferCreateIO(sink, NULL, out, NULL);
	if (ob == NULL) {
		return rv_fail_nomem(e);
	}
	/* libxml2 writes to stderr what it dislikes unless someone listens (both are the thread's
	 * own) */
	xmlStructuredErrorFunc former = xmlStructuredError;
	void *former_ctx = xmlStructuredErrorContext;
	xmlSetStructuredErrorFunc(NULL, quiet);
	int n = xmlC14NExecute(doc, subtree != NULL ? in_subtree : NULL, subtree,
		XML_C14N_EXCLUSIVE_1_0, NULL, 0, ob);
	xmlSetStructuredErrorFunc(former_ctx, former);
	int closed = xmlOutputBufferClose(ob);
	if (n < 0 || closed < 0 || !rv_buf_ok(out)) {
		out->len = start;
		return rv_buf_ok(out) ? rv_fail(e, RV_EPARSE, "the document has no canonical form")
				      : rv_fail_nomem(e);
	}
	return 0;
}

int rv_xml_c14n(xmlNode *subtree, struct rv_buf *out, struct rv_err *e)
{
	return canonicalise(subtree->doc, subtree, out, e);
}

int rv_xml_c14n_doc(xmlDoc *doc, struct rv_buf *out, struct rv_err *e)
{
	return canonicalise(doc, NULL, out, e);
}
