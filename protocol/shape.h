/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RV_SHAPE_H
#define RV_SHAPE_H

#include <stddef.h>
#include <libxml/tree.h>

#include "err.h"

/*
 * What a schema says, as a structure that can be asked. Internal to the protocol library.
 *
 * libxml2 judges whether a document is valid; its messages are for those who know XML Schema. This
 * reads the same XSD files so that a fault can be told in the words of the schema's own
 * documentation, and so that rules find the code list that an element names. It knows as much of
 * XML Schema as the schemas of Reeve use: global types, sequences, choices, references to elements,
 * attribute groups, restrictions and extensions of simple types.
 *
 * Immutable after shape_load: any thread may read it.
 */

enum { SHAPE_MAX_PARTICLES = 64 };

enum shape_content { SHAPE_EMPTY, SHAPE_SIMPLE, SHAPE_ELEMENTS };

struct shape_decl;

/* A place in a sequence: one element, or a choice of several. */
struct shape_particle {
	struct shape_decl *alts;
	size_t n;
	unsigned min, max;
};

struct shape_type {
	enum shape_content content;
	const struct shape_type
		*base;       /* of a simple type or simple content; NULL: built in, or none */
	const char *builtin; /* "string", "dateTime"... where base is NULL; may be NULL */
	const char *doc;     /* documentation, one line; NULL if none */
	const char *codes;   /* name of its code list; NULL if none */
	const char **enums;
	size_t n_enums;
	const char *pattern;
	const char *length, *min_length, *max_length;
	const char *min, *max, *total_digits, *fraction_digits;
	struct shape_particle *particles;
	size_t n_particles;
	struct shape_decl *attrs;
	size_t n_attrs;
	int visited;
	int has_codes; /* it, an attribute or something below names a code list */
};

/* An element or attribute as declared at its place. */
struct shape_decl {
	const char *name;
	const char *ns;                /* NULL for an attribute without namespace */
	const struct shape_type *type; /* never NULL */
	const char *doc;               /* its own documentation; NULL if none */
	const char *codes;             /* its code list, else the type's; NULL if none */
	unsigned min;                  /* attributes: 1 if required */
};

struct shape;

/* Reads the schema at path and those that it includes or imports from beside it. */
int shape_load(struct shape **s_r, const char *path, struct rv_err *e);
void shape_free(struct shape **s);

/* The declaration of the one global element that documents begin with. */
const struct shape_decl *shape_root(const struct shape *s);
/* Of a child element in that type; its particle too if not NULL. NULL if the type has no such
 * child. */
const struct shape_decl *shape_child(
	const struct shape_type *type, const xmlNode *element, size_t *particle_r);
const struct shape_decl *shape_attr(const struct shape_type *type, const xmlAttr *attr);
/* Of any element (or attribute, as xmlNode) in a document, from the root down. NULL if the schema
 * does not know it there. */
const struct shape_decl *shape_of(const struct shape *s, const xmlNode *node);

/*
 * The same schema with the order, the number and the need of elements and attributes taken out: it
 * judges each value wherever it stands. A new document; xmlFreeDoc. NULL if memory is short.
 */
xmlDoc *shape_lenient(const struct shape *s);

#endif
