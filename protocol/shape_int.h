/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RV_SHAPE_INT_H
#define RV_SHAPE_INT_H

#include "shape.h"
#include "xml.h"

#define XS "http://www.w3.org/2001/XMLSchema"

/* A global component; types are read when first asked for. */
struct global {
	const char *kind;
	const char *ns;
	const char *name;
	xmlNode *node;
	struct shape_type *type;
};

struct shape {
	xmlDoc **docs;
	size_t n_docs;
	struct global *globals;
	size_t n_globals;
	void **blocks;
	size_t n_blocks, cap_blocks;
	struct shape_decl root;
};

static inline int is_xs(const xmlNode *n, const char *name)
{
	return rv_xml_is(n, XS, name);
}

/* Attribute values and texts are borrowed from the documents, which live as long as the shape. */
static inline const char *attr(const xmlNode *n, const char *name)
{
	return rv_xml_attr(n, name);
}

static inline const char *target(const xmlNode *n)
{
	const char *ns = attr(xmlDocGetRootElement(n->doc), "targetNamespace");
	return ns != NULL ? ns : "";
}

#endif
