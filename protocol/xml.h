/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RV_XML_H
#define RV_XML_H

#include <stddef.h>
#include <libxml/tree.h>

#include "buf.h"
#include "err.h"

/*
 * Hardened XML reading. The one way by which foreign XML enters.
 *
 * Input is UTF-8 in memory. Refused before or while parsing: other encodings, NUL bytes, XML 1.1,
 * any document type declaration (so no entity but the five of XML and no external anything),
 * processing instructions, comments unless allowed, CDATA sections unless allowed, and whatever
 * passes a limit. Nothing is fetched: no network, no file, no catalog.
 *
 * Every element node carries its place: rv_xml_place gives line and column of its '<', both
 * counted from 1, the column in characters. (Kept in node->_private; leave that field alone.)
 *
 * Thread rules: rv_xml_init once in the process before threads; then each document belongs to one
 * thread.
 */

#define RV_NS_MESSAGE "urn:reeve:message:1"
#define RV_NS_TRUST "urn:reeve:trust:1"
#define RV_NS_DSIG "http://www.w3.org/2000/09/xmldsig#"

struct rv_xml_limits {
	size_t bytes;        /* of the whole document */
	unsigned depth;      /* of elements; the root is 1 */
	unsigned elements;   /* in all */
	unsigned attributes; /* of one element, namespace declarations among them */
	size_t text;         /* of one run of character data, or one attribute value */
};

/* 1 MiB, 24 deep, 20,000 elements, 16 attributes, 256 KiB of text. */
extern const struct rv_xml_limits rv_xml_limits_message;
/* 64 MiB, for trust lists. Same depth. */
extern const struct rv_xml_limits rv_xml_limits_trust;

enum rv_xml_flags {
	RV_XML_DRAFT =
		1 /* a person's file: comments are dropped, CDATA becomes text, a BOM is skipped */
};

/* Initialises libxml2 (and nothing else). Call once before threads; rv_xml_cleanup at the very end.
 */
int rv_xml_init(struct rv_err *e);
void rv_xml_cleanup(void);

/*
 * Parses. *doc_r is the caller's: xmlFreeDoc. Errors: RV_EPARSE (rule XML-SYNTAX, XML-ENCODING,
 * XML-DOCTYPE, XML-PI, XML-COMMENT, XML-CDATA, XML-VERSION, XML-EMPTY), RV_ELIMIT (XML-LIMIT-*),
 * with the place.
 */
int rv_xml_parse(xmlDoc **doc_r, const void *data, size_t len, const struct rv_xml_limits *limits,
	unsigned flags, struct rv_err *e);

/* Line and column of an element; of its nearest ancestor element for other nodes. 0, 0 if unknown.
 */
void rv_xml_place(const xmlNode *node, int *line_r, int *column_r);

/* A path for people and programs: /Message/Goods/Line[2]/HS . Appends. Index only where siblings
 * share the name. */
int rv_xml_path(const xmlNode *node, struct rv_buf *out);

/* First child element / next sibling element, whatever the name. NULL at the end. */
xmlNode *rv_xml_first(const xmlNode *parent);
xmlNode *rv_xml_next(const xmlNode *node);
/* First child element of that name in the parent's namespace; NULL if none (or parent NULL). */
xmlNode *rv_xml_child(const xmlNode *parent, const char *name);
/* Next sibling element of the same name and namespace. */
xmlNode *rv_xml_again(const xmlNode *node);
int rv_xml_is(const xmlNode *node, const char *ns, const char *name);
/* 1 if the element is written with that prefix; NULL: with none. */
int rv_xml_has_prefix(const xmlNode *node, const char *prefix);

/*
 * The text of an element that has only text, as stored in the tree (one text node or none):
 * borrowed, valid while the tree is not changed. "" if empty, NULL if node is NULL or has element
 * children.
 */
const char *rv_xml_text(const xmlNode *node);
/* rv_xml_text of the child of that name; NULL if there is no such child. */
const char *rv_xml_child_text(const xmlNode *parent, const char *name);
/* Value of an attribute without namespace, borrowed; NULL if absent. */
const char *rv_xml_attr(const xmlNode *node, const char *name);

/* 1 if every child is an element: no text, not even white space, no comment. */
int rv_xml_pure(const xmlNode *node);

/* Adds a child element with text (NULL: none) in the parent's namespace, at the end. NULL if memory
 * is short. */
xmlNode *rv_xml_add(xmlNode *parent, const char *name, const char *text);

/* Removes white space between elements (text nodes of white space only beside elements). */
void rv_xml_strip(xmlDoc *doc);

/* Appends the canonical form: of a subtree by exclusive C14N 1.0 without comments... */
int rv_xml_c14n(xmlNode *subtree, struct rv_buf *out, struct rv_err *e);
/* ...and of the whole document, the form in which documents are stored and sent. */
int rv_xml_c14n_doc(xmlDoc *doc, struct rv_buf *out, struct rv_err *e);

#endif
