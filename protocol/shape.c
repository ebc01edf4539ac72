/* SPDX-License-Identifier: Apache-2.0 */
#include "shape_int.h"

#include <stdlib.h>
#include <string.h>
#include <libxml/parser.h>
#include <libxml/xmlerror.h>

#include "buf.h"

#define NS_XML "http://www.w3.org/XML/1998/namespace"

/* Memory that lives as long as the shape. */
static void *keep(struct shape *s, void *block)
{
	if (block == NULL) {
		return NULL;
	}
	if (s->n_blocks == s->cap_blocks) {
		size_t cap = s->cap_blocks == 0 ? 256 : s->cap_blocks * 2;
		void **more = realloc(s->blocks, cap * sizeof(*more));
		if (more == NULL) {
			free(block);
			return NULL;
		}
		s->blocks = more;
		s->cap_blocks = cap;
	}
	s->blocks[s->n_blocks++] = block;
	return block;
}

static void *room(struct shape *s, size_t n, size_t size)
{
	return keep(s, calloc(n > 0 ? n : 1, size));
}

/* "ds:SignatureType" as namespace and local name. */
static const char *local_of(const xmlNode *n, const char *qname, const char **ns_r)
{
	const char *colon = strchr(qname, ':');
	xmlNs *ns = NULL;
	if (colon == NULL) {
		ns = xmlSearchNs(n->doc, (xmlNode *)(uintptr_t)n, NULL);
	} else {
		xmlChar *prefix = xmlStrndup((const xmlChar *)qname, (int)(colon - qname));
		ns = prefix == NULL ? NULL : xmlSearchNs(n->doc, (xmlNode *)(uintptr_t)n, prefix);
		if (ns == NULL && xmlStrEqual(prefix, (const xmlChar *)"xml")) {
			*ns_r = NS_XML;
			xmlFree(prefix);
			return colon + 1;
		}
		xmlFree(prefix);
	}
	*ns_r = ns != NULL ? (const char *)ns->href : "";
	return colon != NULL ? colon + 1 : qname;
}

static struct global *find(struct shape *s, const char *kind, const char *ns, const char *name)
{
	for (size_t i = 0; i < s->n_globals; i++) {
		struct global *g = &s->globals[i];
		if (strcmp(g->name, name) == 0 && strcmp(g->ns, ns) == 0 &&
			strcmp(g->kind, kind) == 0) {
			return g;
		}
	}
	return NULL;
}

/* The documentation of a component as one line. */
static int read_notes(struct shape *s, const xmlNode *n, const char **doc_r, const char **codes_r)
{
	const xmlNode *notes = rv_xml_child(n, "annotation");
	const char *text = rv_xml_child_text(notes, "documentation");
	*codes_r = rv_xml_child_text(notes, "appinfo");
	*doc_r = NULL;
	if (text == NULL) {
		return 0;
	}
	char *line = room(s, strlen(text) + 1, 1);
	if (line == NULL) {
		return RV_ENOMEM;
	}
	size_t len = 0;
	for (; *text != '\0'; text++) {
		int blank = strchr(" \t\r\n", *text) != NULL;
		if (!blank) {
			line[len++] = *text;
		} else if (len > 0 && line[len - 1] != ' ') {
			line[len++] = ' ';
		}
	}
	while (len > 0 && line[len - 1] == ' ') {
		len--;
	}
	line[len] = '\0';
	*doc_r = line;
	return 0;
}

static int type_of(struct shape *s, const xmlNode *n, const char *qname,
	const struct shape_type **t_r, const char **builtin_r);
static int read_type(struct shape *s, const xmlNode *n, struct shape_type *t);

static void read_facet(struct shape_type *t, const char *name, const char *value)
{
	const struct {
		const char *name;
		const char **at;
	} facets[] = {
		{"pattern", &t->pattern},
		{"length", &t->length},
		{"minLength", &t->min_length},
		{"maxLength", &t->max_length},
		{"minInclusive", &t->min},
		{"maxInclusive", &t->max},
		{"totalDigits", &t->total_digits},
		{"fractionDigits", &t->fraction_digits},
	};
	for (size_t i = 0; i < sizeof(facets) / sizeof(facets[0]); i++) {
		if (strcmp(facets[i].name, name) == 0) {
			*facets[i].at = value;
		}
	}
}

static int read_restriction(struct shape *s, const xmlNode *n, struct shape_type *t)
{
	size_t n_enums = 0;
	for (const xmlNode *f = rv_xml_first(n); f != NULL; f = rv_xml_next(f)) {
		n_enums += (size_t)is_xs(f, "enumeration");
	}
	t->enums = room(s, n_enums, sizeof(*t->enums));
	if (t->enums == NULL) {
		return RV_ENOMEM;
	}
	for (const xmlNode *f = rv_xml_first(n); f != NULL; f = rv_xml_next(f)) {
		const char *value = attr(f, "value");
		if (value != NULL && is_xs(f, "enumeration")) {
			t->enums[t->n_enums++] = value;
		} else if (value != NULL) {
			read_facet(t, (const char *)f->name, value);
		}
	}
	t->content = SHAPE_SIMPLE;
	return attr(n, "base") != NULL ? type_of(s, n, attr(n, "base"), &t->base, &t->builtin) : 0;
}

/* The type of an element or attribute: named, anonymous inside it, or none. */
static int decl_type(struct shape *s, const xmlNode *n, struct shape_decl *d)
{
	const char *builtin = NULL;
	const char *named = attr(n, "type");
	int rc = named != NULL ? type_of(s, n, named, &d->type, &builtin) : 0;
	if (rc != 0 || d->type != NULL) {
		return rc;
	}
	struct shape_type *t = room(s, 1, sizeof(*t));
	if (t == NULL) {
		return RV_ENOMEM;
	}
	d->type = t;
	t->content = SHAPE_SIMPLE;
	t->builtin = builtin;
	const xmlNode *inside = rv_xml_child(n, "simpleType");
	return inside != NULL ? read_type(s, inside, t) : 0;
}

static int read_decl(struct shape *s, const xmlNode *n, struct shape_decl *d)
{
	const char *ref = attr(n, "ref");
	const char *kind = (const char *)n->name;
	if (ref != NULL) {
		const char *ns;
		const char *name = local_of(n, ref, &ns);
		const struct global *g = find(s, kind, ns, name);
		if (g == NULL) {
			return RV_ESCHEMA;
		}
		const char *doc, *codes;
		unsigned min = d->min;
		int rc = read_decl(s, g->node, d);
		if (rc != 0 || read_notes(s, n, &doc, &codes) != 0) {
			return rc != 0 ? rc : RV_ENOMEM;
		}
		d->ns = g->ns;
		d->min = min;
		d->doc = doc != NULL ? doc : d->doc;
		d->codes = codes != NULL ? codes : d->codes;
		return 0;
	}
	d->name = attr(n, "name");
	d->ns = strcmp(kind, "element") == 0 ? target(n) : NULL;
	if (d->name == NULL || read_notes(s, n, &d->doc, &d->codes) != 0) {
		return d->name == NULL ? RV_ESCHEMA : RV_ENOMEM;
	}
	int rc = decl_type(s, n, d);
	if (rc == 0 && d->codes == NULL) {
		d->codes = d->type->codes;
	}
	return rc;
}

static unsigned occurs(const xmlNode *n, const char *name)
{
	const char *v = attr(n, name);
	return v == NULL ? 1 : strcmp(v, "unbounded") == 0 ? ~0u : (unsigned)strtoul(v, NULL, 10);
}

static int read_particle(struct shape *s, const xmlNode *n, struct shape_particle *p)
{
	int choice = is_xs(n, "choice");
	p->min = occurs(n, "minOccurs");
	p->max = occurs(n, "maxOccurs");
	for (const xmlNode *alt = choice ? rv_xml_first(n) : n; alt != NULL;
		alt = choice ? rv_xml_next(alt) : NULL) {
		p->n += (size_t)is_xs(alt, "element");
	}
	p->alts = room(s, p->n, sizeof(*p->alts));
	if (p->alts == NULL) {
		return RV_ENOMEM;
	}
	size_t i = 0;
	for (const xmlNode *alt = choice ? rv_xml_first(n) : n; alt != NULL;
		alt = choice ? rv_xml_next(alt) : NULL) {
		int rc = is_xs(alt, "element") ? read_decl(s, alt, &p->alts[i++]) : 0;
		if (rc != 0) {
			return rc;
		}
	}
	return 0;
}

static int read_group(struct shape *s, const xmlNode *n, struct shape_type *t)
{
	int choice = is_xs(n, "choice");
	size_t count = 0;
	for (const xmlNode *c = rv_xml_first(n); c != NULL; c = rv_xml_next(c)) {
		count++;
	}
	if (count > SHAPE_MAX_PARTICLES) {
		return RV_ELIMIT;
	}
	t->content = SHAPE_ELEMENTS;
	t->particles = room(s, count, sizeof(*t->particles));
	if (t->particles == NULL) {
		return RV_ENOMEM;
	}
	if (choice) {
		return read_particle(s, n, &t->particles[t->n_particles++]);
	}
	for (const xmlNode *c = rv_xml_first(n); c != NULL; c = rv_xml_next(c)) {
		int rc = is_xs(c, "element") || is_xs(c, "choice")
				 ? read_particle(s, c, &t->particles[t->n_particles++])
				 : RV_ESCHEMA;
		if (rc != 0) {
			return rc;
		}
	}
	return 0;
}

/* Attributes of a type, of the groups that it names, of its base; room for all was made. */
static int read_attrs(struct shape *s, const xmlNode *n, struct shape_type *t)
{
	for (const xmlNode *a = rv_xml_first(n); a != NULL; a = rv_xml_next(a)) {
		int rc = 0;
		if (is_xs(a, "attribute")) {
			struct shape_decl *d = &t->attrs[t->n_attrs++];
			d->min = attr(a, "use") != NULL && strcmp(attr(a, "use"), "required") == 0;
			rc = read_decl(s, a, d);
		} else if (is_xs(a, "attributeGroup") && attr(a, "ref") != NULL) {
			const char *ns;
			const char *name = local_of(a, attr(a, "ref"), &ns);
			const struct global *g = find(s, "attributeGroup", ns, name);
			rc = g != NULL ? read_attrs(s, g->node, t) : RV_ESCHEMA;
		}
		if (rc != 0 || t->n_attrs > 15) {
			return rc != 0 ? rc : RV_ELIMIT;
		}
	}
	return 0;
}

static int read_type(struct shape *s, const xmlNode *n, struct shape_type *t)
{
	if (read_notes(s, n, &t->doc, &t->codes) != 0) {
		return RV_ENOMEM;
	}
	const xmlNode *inside = rv_xml_child(n, "restriction");
	if (is_xs(n, "simpleType")) {
		return inside != NULL ? read_restriction(s, inside, t) : RV_ESCHEMA;
	}
	t->attrs = room(s, 16, sizeof(*t->attrs));
	if (t->attrs == NULL) {
		return RV_ENOMEM;
	}
	inside = rv_xml_child(rv_xml_child(n, "simpleContent"), "extension");
	if (inside != NULL) {
		t->content = SHAPE_SIMPLE;
		int rc = type_of(s, inside, attr(inside, "base"), &t->base, &t->builtin);
		if (rc == 0 && t->codes == NULL && t->base != NULL) {
			t->codes = t->base->codes;
		}
		if (rc == 0 && t->base != NULL && t->base->n_attrs > 0) {
			memcpy(t->attrs, t->base->attrs, t->base->n_attrs * sizeof(*t->attrs));
			t->n_attrs = t->base->n_attrs;
		}
		return rc != 0 ? rc : read_attrs(s, inside, t);
	}
	inside = rv_xml_child(n, "sequence");
	if (inside == NULL) {
		inside = rv_xml_child(n, "choice");
	}
	int rc = inside != NULL ? read_group(s, inside, t) : 0;
	return rc != 0 ? rc : read_attrs(s, n, t);
}

static int type_of(struct shape *s, const xmlNode *n, const char *qname,
	const struct shape_type **t_r, const char **builtin_r)
{
	const char *ns;
	if (qname == NULL) {
		return RV_ESCHEMA;
	}
	const char *name = local_of(n, qname, &ns);
	if (strcmp(ns, XS) == 0) {
		*builtin_r = name;
		return 0;
	}
	struct global *g = find(s, "simpleType", ns, name);
	if (g == NULL) {
		g = find(s, "complexType", ns, name);
	}
	if (g == NULL) {
		return RV_ESCHEMA;
	}
	if (g->type == NULL) {
		g->type = room(s, 1, sizeof(*g->type));
		int rc = g->type != NULL ? read_type(s, g->node, g->type) : RV_ENOMEM;
		if (rc != 0) {
			return rc;
		}
	}
	*t_r = g->type;
	return 0;
}

static int add_globals(struct shape *s, xmlDoc *doc)
{
	size_t count = 0;
	const xmlNode *root = xmlDocGetRootElement(doc);
	for (const xmlNode *n = rv_xml_first(root); n != NULL; n = rv_xml_next(n)) {
		count++;
	}
	struct global *more = realloc(s->globals, (s->n_globals + count + 1) * sizeof(*more));
	if (more == NULL) {
		return RV_ENOMEM;
	}
	s->globals = more;
	for (xmlNode *n = rv_xml_first(root); n != NULL; n = rv_xml_next(n)) {
		if (attr(n, "name") != NULL) {
			s->globals[s->n_globals++] = (struct global){
				(const char *)n->name, target(n), attr(n, "name"), n, NULL};
		}
	}
	return 0;
}

static int load_doc(struct shape *s, const char *path, struct rv_err *e)
{
	for (size_t i = 0; i < s->n_docs; i++) {
		if (strcmp((const char *)s->docs[i]->URL, path) == 0) {
			return 0;
		}
	}
	xmlDoc **more = realloc(s->docs, (s->n_docs + 1) * sizeof(*more));
	if (more == NULL) {
		return rv_fail_nomem(e);
	}
	s->docs = more;
	xmlDoc *doc =
		xmlReadFile(path, NULL, XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING);
	if (doc == NULL || doc->URL == NULL || !is_xs(xmlDocGetRootElement(doc), "schema")) {
		xmlFreeDoc(doc);
		rv_fail(e, RV_ECONFIG, "the schema %s cannot be read", path);
		rv_err_mend(e, "Install the folder of schemas anew, or name the right one.");
		return RV_ECONFIG;
	}
	s->docs[s->n_docs++] = doc;
	int rc = add_globals(s, doc);
	const xmlNode *root = xmlDocGetRootElement(doc);
	for (const xmlNode *n = rv_xml_first(root); n != NULL && rc == 0; n = rv_xml_next(n)) {
		const char *location = attr(n, "schemaLocation");
		if (location == NULL || !(is_xs(n, "include") || is_xs(n, "import"))) {
			continue;
		}
		struct rv_buf beside = {0};
		const char *slash = strrchr(path, '/');
		rv_buf_put(&beside, path, slash != NULL ? (size_t)(slash + 1 - path) : 0);
		rv_buf_str(&beside, location);
		const char *full = rv_buf_cstr(&beside);
		rc = full != NULL ? load_doc(s, full, e) : rv_fail_nomem(e);
		rv_buf_free(&beside);
	}
	return rc;
}

/* Marks the types from which a code list can be reached, so that others need no visit. */
static int mark_codes(struct shape_type *t)
{
	if (t->visited) {
		return t->has_codes;
	}
	t->visited = 1;
	int has = t->codes != NULL;
	for (size_t i = 0; i < t->n_attrs; i++) {
		has |= t->attrs[i].codes != NULL;
	}
	for (size_t i = 0; i < t->n_particles; i++) {
		for (size_t k = 0; k < t->particles[i].n; k++) {
			const struct shape_decl *d = &t->particles[i].alts[k];
			has |= d->codes != NULL;
			has |= mark_codes((struct shape_type *)(uintptr_t)d->type);
		}
	}
	t->has_codes = has;
	return has;
}

int shape_load(struct shape **s_r, const char *path, struct rv_err *e)
{
	struct shape *s = calloc(1, sizeof(*s));
	if (s == NULL) {
		return rv_fail_nomem(e);
	}
	int rc = load_doc(s, path, e);
	if (rc != 0) {
		goto out;
	}
	const xmlNode *first = xmlDocGetRootElement(s->docs[0]);
	const xmlNode *root = rv_xml_child(first, "element");
	rc = root != NULL ? read_decl(s, root, &s->root) : RV_ESCHEMA;
	if (rc != 0) {
		rc = rc == RV_ENOMEM
			     ? rv_fail_nomem(e)
			     : rv_fail(e, RV_ECONFIG,
				       "the schema %s uses what this program cannot read", path);
		goto out;
	}
	mark_codes((struct shape_type *)(uintptr_t)s->root.type);
	*s_r = s;
	s = NULL;
out:
	shape_free(&s);
	return rc;
}

void shape_free(struct shape **s)
{
	if (*s == NULL) {
		return;
	}
	for (size_t i = 0; i < (*s)->n_docs; i++) {
		xmlFreeDoc((*s)->docs[i]);
	}
	for (size_t i = 0; i < (*s)->n_blocks; i++) {
		free((*s)->blocks[i]);
	}
	free((*s)->docs);
	free((*s)->globals);
	free((*s)->blocks);
	free(*s);
	*s = NULL;
}

const struct shape_decl *shape_root(const struct shape *s)
{
	return &s->root;
}

const struct shape_decl *shape_child(
	const struct shape_type *type, const xmlNode *element, size_t *particle_r)
{
	const char *ns = element->ns != NULL ? (const char *)element->ns->href : "";
	for (size_t i = 0; i < type->n_particles; i++) {
		for (size_t k = 0; k < type->particles[i].n; k++) {
			const struct shape_decl *d = &type->particles[i].alts[k];
			if (strcmp(d->name, (const char *)element->name) == 0 &&
				strcmp(d->ns, ns) == 0) {
				if (particle_r != NULL) {
					*particle_r = i;
				}
				return d;
			}
		}
	}
	return NULL;
}

const struct shape_decl *shape_attr(const struct shape_type *type, const xmlAttr *a)
{
	for (size_t i = 0; i < type->n_attrs; i++) {
		const struct shape_decl *d = &type->attrs[i];
		int same_ns = d->ns == NULL ? a->ns == NULL
					    : a->ns != NULL &&
						      strcmp(d->ns, (const char *)a->ns->href) == 0;
		if (same_ns && strcmp(d->name, (const char *)a->name) == 0) {
			return d;
		}
	}
	return NULL;
}

const struct shape_decl *shape_of(const struct shape *s, const xmlNode *node)
{
	if (node == NULL || node->parent == NULL) {
		return NULL;
	}
	if (node->type == XML_ATTRIBUTE_NODE) {
		const struct shape_decl *owner = shape_of(s, node->parent);
		return owner != NULL ? shape_attr(owner->type, (const xmlAttr *)(const void *)node)
				     : NULL;
	}
	if (node->type != XML_ELEMENT_NODE) {
		return NULL;
	}
	if (node->parent->type == XML_DOCUMENT_NODE) {
		return rv_xml_is(node, s->root.ns, s->root.name) ? &s->root : NULL;
	}
	const struct shape_decl *parent = shape_of(s, node->parent);
	return parent != NULL ? shape_child(parent->type, node, NULL) : NULL;
}
