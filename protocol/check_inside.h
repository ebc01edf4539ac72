/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RV_CHECK_INSIDE_H
#define RV_CHECK_INSIDE_H

#include <stdarg.h>
#include <libxml/xmlschemas.h>

#include "catalog_inside.h"
#include "check.h"

/* How the parts of the checker share their work. Internal to the protocol library. */

/* A fault and the node that it is about. */
struct found {
	struct rv_fault fault;
	const xmlNode *node;
	int refused; /* the schema refuses the node itself, or its value */
};

/* All faults of one document so far. A failed allocation sticks. */
struct faults {
	struct found *list;
	size_t n, cap;
	size_t errors, warnings;
	int failed;
};

/* Where a fault is: an element or attribute, and what its path goes on with ("TLPCode" that is
 * missing), or NULL. */
struct spot {
	const xmlNode *node;
	const char *missing;
	int refused;
};

/* 0 if a further fault of that level would only be counted: there is no need to find its words. */
int faults_room(const struct faults *f, enum rv_level level);
void faults_add(struct faults *f, enum rv_level level, const char *code, struct spot at,
	const char *mend, const char *text);
/* 1 if the schema refuses that node or its value. */
int faults_refused(const struct faults *f, const xmlNode *node);
/* 1 if the schema refuses a child of that node. */
int faults_child_refused(const struct faults *f, const xmlNode *node);
/* Sorts into document order and moves to the report, which is cut to its limit. f is empty
 * afterwards. */
int faults_report(struct faults *f, struct rv_report *report, struct rv_err *e);
void faults_clear(struct faults *f);

/* A value for a text: one line, at most about 60 characters. out has WORDS_CUT bytes. */
enum { WORDS_CUT = 80 };
const char *words_cut(char *out, const char *value);
/* The one of n words that is nearly this one, NULL if none is near. */
struct nearest {
	const char *word;
	size_t distance;
};
void nearest_try(struct nearest *n, const char *found, const char *candidate);

/* The schema of one kind of document with the contexts that validate by it. */
struct xsd {
	const struct schema *schema;
	xmlSchemaValidCtxt *strict;
	xmlSchemaValidCtxt *lenient;
};

int xsd_new(struct xsd *x, const struct schema *schema, struct rv_err *e);
void xsd_clear(struct xsd *x);
/* Adds the faults of a document. *root_r is 0 if the document is of another kind altogether. A
 * negative code: it could not be judged. */
int xsd_check(struct xsd *x, xmlDoc *doc, struct faults *f, int *root_r, struct rv_err *e);

/* The structure: order, number, names of elements and attributes. Elements that the schema does not
 * know at their place are listed, so that they can be put aside. */
struct strays {
	xmlNode **list;
	size_t n, cap;
	int failed;
};
void xsd_structure(
	const struct shape *shape, xmlNode *root, struct faults *f, struct strays *strays);
/* The fault of a value, told from the schema: code is libxml2's (XML_SCHEMAV_CVC_...). */
void xsd_value(const struct shape *shape, const xmlNode *node, int code, struct faults *f);

/* What can be wrong before the rules: with the XML, with the schema. */
int syntax_rules_each(int (*fn)(void *ctx, enum rv_level level, const char *code,
			      const char *summary, const char *mend),
	void *ctx);
int xsd_rules_each(int (*fn)(void *ctx, enum rv_level level, const char *code, const char *summary,
			   const char *mend),
	void *ctx);

/* The business rules of a message. */
void rules_run(const struct rv_catalog *catalog, xmlDoc *doc, const struct rv_check_context *ctx,
	struct faults *f);

#endif
