/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"
#include "check_inside.h"

#include <stdlib.h>
#include <string.h>

struct rv_checker {
	const struct rv_catalog *catalog;
	struct xsd message;
	struct xsd trust;
};

int rv_checker_new(struct rv_checker **c_r, const struct rv_catalog *catalog, struct rv_err *e)
{
	struct rv_checker *c = calloc(1, sizeof(*c));
	if (c == NULL) {
		return rv_fail_nomem(e);
	}
	c->catalog = catalog;
	int rc = xsd_new(&c->message, catalog_message_schema(catalog), e);
	rc = rc == 0 ? xsd_new(&c->trust, catalog_trust_schema(catalog), e) : rc;
	if (rc != 0) {
		rv_checker_free(&c);
		return rc;
	}
	*c_r = c;
	return 0;
}

void rv_checker_free(struct rv_checker **c)
{
	if (*c == NULL) {
		return;
	}
	xsd_clear(&(*c)->message);
	xsd_clear(&(*c)->trust);
	free(*c);
	*c = NULL;
}

int rv_check_doc(struct rv_checker *c, xmlDoc *doc, const struct rv_check_context *ctx,
	struct rv_report *report, struct rv_err *e)
{
	static const struct rv_check_context none;
	struct faults f = {0};
	int is_message = 0;
	int rc = xsd_check(&c->message, doc, &f, &is_message, e);
	if (rc != 0) {
		faults_clear(&f);
		return rc;
	}
	/* Where the schema fills the report alone, the rules have nothing to add; their time is
	 * bounded by what it allows. */
	if (is_message && faults_room(&f, RV_LEVEL_ERROR)) {
		rules_run(c->catalog, doc, ctx != NULL ? ctx : &none, &f);
	}
	return faults_report(&f, report, e);
}

int rv_check_trust(struct rv_checker *c, xmlDoc *doc, struct rv_report *report, struct rv_err *e)
{
	struct faults f = {0};
	int is_list = 0;
	int rc = xsd_check(&c->trust, doc, &f, &is_list, e);
	if (rc != 0) {
		faults_clear(&f);
		return rc;
	}
	return faults_report(&f, report, e);
}

/* The stable names of what rv_xml_parse refuses. */
static const struct {
	const char *code, *summary, *mend;
} syntax[] = {
	{"XML-SYNTAX", "The document is not well-formed XML.",
		"Mend the XML at the place named; an XML editor shows it."},
	{"XML-EMPTY", "The document is empty.", "Give a document."},
	{"XML-ENCODING", "The document is not UTF-8.", "Save it as UTF-8."},
	{"XML-VERSION", "The document is not XML 1.0.",
		"Begin with <?xml version=\"1.0\" encoding=\"UTF-8\"?>."},
	{"XML-DOCTYPE", "The document has a document type declaration.",
		"Take it out; write out what its entities stood for."},
	{"XML-PI", "The document has a processing instruction.", "Take it out."},
	{"XML-COMMENT", "A sealed document has a comment.",
		"Take it out: comments are not signed."},
	{"XML-CDATA", "A sealed document has a CDATA section.",
		"Write the text itself, with &lt; and &amp;."},
	{"XML-LIMIT-BYTES", "The document is larger than a message may be.",
		"Send large material as attachments."},
	{"XML-LIMIT-DEPTH", "Elements are nested too deeply.", "Take the nested elements out."},
	{"XML-LIMIT-ELEMENTS", "The document has too many elements.",
		"Split it over several messages."},
	{"XML-LIMIT-ATTRIBUTES", "An element has too many attributes.",
		"Keep those that the schema names."},
	{"XML-LIMIT-TEXT", "A text or attribute value is too long.",
		"Shorten it, or send it as an attachment."},
};

int syntax_rules_each(int (*fn)(void *ctx, enum rv_level level, const char *code,
			      const char *summary, const char *mend),
	void *ctx)
{
	for (size_t i = 0; i < sizeof(syntax) / sizeof(syntax[0]); i++) {
		int rc = fn(ctx, RV_LEVEL_ERROR, syntax[i].code, syntax[i].summary, syntax[i].mend);
		if (rc != 0) {
			return rc;
		}
	}
	return 0;
}

static int syntax_report(const struct rv_err *why, struct rv_report *report, struct rv_err *e)
{
	const char *code = syntax[0].code;
	for (size_t i = 0; i < sizeof(syntax) / sizeof(syntax[0]); i++) {
		if (strcmp(syntax[i].code, why->rule) == 0) {
			code = syntax[i].code;
		}
	}
	struct rv_fault *fault = calloc(1, sizeof(*fault));
	if (fault == NULL) {
		return rv_fail_nomem(e);
	}
	*fault = (struct rv_fault){RV_LEVEL_ERROR, code, why->line, why->column, strdup(""),
		strdup(why->text), strdup(why->mend)};
	*report = (struct rv_report){fault, 1, 1, 0, 0};
	if (fault->path == NULL || fault->text == NULL || fault->mend == NULL) {
		rv_report_clear(report);
		return rv_fail_nomem(e);
	}
	return 0;
}

int rv_check_bytes(struct rv_checker *c, const void *data, size_t len, unsigned flags,
	const struct rv_check_context *ctx, struct rv_report *report, xmlDoc **doc_r,
	struct rv_err *e)
{
	struct rv_err why = {0};
	xmlDoc *doc = NULL;
	int rc = rv_xml_parse(&doc, data, len, &rv_xml_limits_message, flags, &why);
	if (rc == RV_ENOMEM) {
		return rv_fail_nomem(e);
	}
	if (rc != 0) {
		return syntax_report(&why, report, e);
	}
	rc = rv_check_doc(c, doc, ctx, report, e);
	if (rc == 0 && doc_r != NULL) {
		*doc_r = doc;
	} else {
		xmlFreeDoc(doc);
	}
	return rc;
}
