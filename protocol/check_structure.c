/* SPDX-License-Identifier: Apache-2.0 */
#include "check_inside.h"

#include <stdlib.h>
#include <string.h>

#define WORDS 700

/* The children of one element, against its type. */
struct walk {
	const struct shape *shape;
	struct faults *f;
	struct strays *strays;
};

static void walk_element(struct walk *w, const struct shape_decl *d, xmlNode *node);

static void put_aside(struct strays *s, xmlNode *node)
{
	if (s->n == s->cap) {
		size_t cap = s->cap == 0 ? 16 : s->cap * 2;
		xmlNode **more = realloc(s->list, cap * sizeof(*more));
		if (more == NULL) {
			s->failed = 1;
			return;
		}
		s->list = more;
		s->cap = cap;
	}
	s->list[s->n++] = node;
}

static void add(struct walk *w, const char *code, struct spot at, const char *mend, const char *fmt,
	...) __attribute__((format(printf, 5, 6)));

static void add(
	struct walk *w, const char *code, struct spot at, const char *mend, const char *fmt, ...)
{
	char text[WORDS];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	faults_add(w->f, RV_LEVEL_ERROR, code, at, mend, text);
}

static const char *name_of(const xmlNode *node)
{
	return (const char *)node->name;
}

static const char *particle_name(const struct shape_particle *p, char *out, size_t size)
{
	size_t n = 0;
	out[0] = '\0';
	for (size_t i = 0; i < p->n && n < size; i++) {
		int r = snprintf(out + n, size - n, "%s%s", i > 0 ? " or " : "", p->alts[i].name);
		n += r > 0 ? (size_t)r : 0;
	}
	return out;
}

/* "RiskAreaCode, Reference or SignerCertificate": what may stand from there on. */
static void expected(const struct shape_type *t, size_t from, char *out, size_t size)
{
	struct rv_buf b = {0};
	size_t listed = 0;
	for (size_t i = from; i < t->n_particles && listed < 8; i++) {
		for (size_t k = 0; k < t->particles[i].n; k++, listed++) {
			rv_buf_printf(
				&b, "%s%s", listed > 0 ? ", " : "", t->particles[i].alts[k].name);
		}
		if (t->particles[i].min > 0) {
			break;
		}
	}
	const char *text = rv_buf_cstr(&b);
	snprintf(out, size, "%s", text != NULL ? text : "");
	rv_buf_free(&b);
}

static void unknown_element(
	struct walk *w, const struct shape_type *t, const xmlNode *node, size_t pos)
{
	char name[WORDS_CUT];
	char mend[WORDS];
	struct nearest near = {NULL, 0};
	if (!faults_room(w->f, RV_LEVEL_ERROR)) {
		add(w, "XSD-UNKNOWN-ELEMENT", (struct spot){.node = node, .refused = 1}, "", " ");
		return;
	}
	words_cut(name, name_of(node));
	for (size_t i = 0; i < t->n_particles; i++) {
		for (size_t k = 0; k < t->particles[i].n; k++) {
			nearest_try(&near, name_of(node), t->particles[i].alts[k].name);
		}
	}
	if (near.word != NULL && strcmp(near.word, name_of(node)) == 0) {
		char ns[WORDS_CUT];
		snprintf(mend, sizeof(mend),
			"Take xmlns and prefixes out of %s, so that it is in the namespace of the "
			"message.",
			name);
		add(w, "XSD-UNKNOWN-ELEMENT", (struct spot){.node = node, .refused = 1}, mend,
			"%s is in %s%s, which %s does not have", name,
			node->ns != NULL ? "the namespace " : "no namespace",
			node->ns != NULL ? words_cut(ns, (const char *)node->ns->href) : "",
			name_of(node->parent));
		return;
	}
	if (near.word != NULL) {
		snprintf(mend, sizeof(mend), "Did you mean %s?", near.word);
	} else {
		char names[400];
		expected(t, pos, names, sizeof(names));
		snprintf(mend, sizeof(mend), "Take it out.%s%s%s",
			names[0] != '\0' ? " Here may stand: " : "", names,
			names[0] != '\0' ? "." : "");
	}
	add(w, "XSD-UNKNOWN-ELEMENT", (struct spot){.node = node, .refused = 1}, mend,
		"%s has no element %s", name_of(node->parent), name);
}

static void missing_element(struct walk *w, const struct shape_particle *p, const xmlNode *parent,
	const xmlNode *before)
{
	char name[200];
	char mend[WORDS];
	const char *doc = p->alts[0].doc;
	particle_name(p, name, sizeof(name));
	if (before != NULL) {
		snprintf(mend, sizeof(mend), "Add %s before %s.%s%s%s%s", name, name_of(before),
			doc != NULL ? " " : "", doc != NULL ? p->alts[0].name : "",
			doc != NULL ? " is: " : "", doc != NULL ? doc : "");
	} else {
		snprintf(mend, sizeof(mend), "Add %s%s.%s%s%s%s", name,
			rv_xml_first(parent) != NULL ? " at the end" : "", doc != NULL ? " " : "",
			doc != NULL ? p->alts[0].name : "", doc != NULL ? " is: " : "",
			doc != NULL ? doc : "");
	}
	add(w, "XSD-MISSING-ELEMENT", (struct spot){before != NULL ? before : parent, NULL, 0},
		mend, "%s lacks %s", name_of(parent), name);
	/* The place is where it belongs; the path is its own. */
	if (w->f->n > 0 && before != NULL) {
		struct found *last = &w->f->list[w->f->n - 1];
		struct rv_buf path = {0};
		rv_xml_path(parent, &path);
		rv_buf_printf(&path, "/%s", p->alts[0].name);
		if (last->node == before && rv_buf_cstr(&path) != NULL) {
			free(last->fault.path);
			last->fault.path = (char *)rv_buf_take(&path, NULL);
		}
		rv_buf_free(&path);
	}
}

static int later(const struct shape_type *t, const xmlNode *node, size_t particle)
{
	for (const xmlNode *n = rv_xml_next(node); n != NULL; n = rv_xml_next(n)) {
		size_t k;
		if (shape_child(t, n, &k) != NULL && k == particle) {
			return 1;
		}
	}
	return 0;
}

/* Where a sequence stands while its children are walked. */
struct position {
	const struct shape_type *type;
	size_t pos;
	unsigned counts[SHAPE_MAX_PARTICLES];
	char excused[SHAPE_MAX_PARTICLES]; /* its absence or late place was told already */
};

/* A child of particle k comes: what had to stand before it? */
static void advance(struct walk *w, struct position *p, const xmlNode *node, size_t k)
{
	int told = 0;
	for (size_t q = p->pos; q < k; q++) {
		const struct shape_particle *skipped = &p->type->particles[q];
		char name[200];
		char mend[WORDS];
		if (p->counts[q] >= skipped->min || p->excused[q]) {
			continue;
		}
		p->excused[q] = 1;
		if (!later(p->type, node, q)) {
			missing_element(w, skipped, node->parent, node);
		} else if (!told) {
			particle_name(skipped, name, sizeof(name));
			snprintf(mend, sizeof(mend),
				"Move %s behind %s: the order of elements is fixed.", name_of(node),
				name);
			add(w, "XSD-UNKNOWN-ELEMENT", (struct spot){.node = node}, mend,
				"%s stands too early: %s belongs before it", name_of(node), name);
			told = 1;
		}
	}
	p->pos = k;
}

static void out_of_place(struct walk *w, const struct position *p, const xmlNode *node, size_t k)
{
	char mend[WORDS];
	const struct shape_particle *own = &p->type->particles[k];
	if (p->counts[k] >= own->max) {
		const char *other = own->n > 1 ? " or its alternative" : "";
		snprintf(mend, sizeof(mend),
			own->max == 1 ? "Keep one of them." : "Keep at most %u of them.", own->max);
		add(w, "XSD-UNKNOWN-ELEMENT", (struct spot){.node = node, .refused = 1}, mend,
			own->max == 1 ? "%s has %s%s already; it may stand once"
				      : "%s has too many of %s%s; at most %u may stand",
			name_of(node->parent), name_of(node), other, own->max);
		return;
	}
	char name[200];
	particle_name(&p->type->particles[p->pos], name, sizeof(name));
	snprintf(mend, sizeof(mend), "Move %s before %s: the order of elements is fixed.",
		name_of(node), name);
	add(w, "XSD-UNKNOWN-ELEMENT", (struct spot){.node = node}, mend,
		"%s stands too late: it belongs before %s", name_of(node), name);
}

static void walk_children(struct walk *w, const struct shape_type *t, xmlNode *node)
{
	struct position p = {.type = t};
	for (xmlNode *c = rv_xml_first(node); c != NULL; c = rv_xml_next(c)) {
		size_t k = 0;
		const struct shape_decl *d = shape_child(t, c, &k);
		if (d == NULL) {
			unknown_element(w, t, c, p.pos);
			put_aside(w->strays, c);
			continue;
		}
		if (p.counts[k] >= t->particles[k].max) {
			/* It has to go: its content is no matter, and its Id would only clash. */
			out_of_place(w, &p, c, k);
			put_aside(w->strays, c);
			continue;
		}
		if (k < p.pos && !p.excused[k]) {
			out_of_place(w, &p, c, k);
			p.excused[k] = 1; /* those that follow it move with it */
		} else if (k > p.pos) {
			advance(w, &p, c, k);
		}
		p.counts[k]++;
		walk_element(w, d, c);
	}
	for (size_t q = 0; q < t->n_particles; q++) {
		if (p.counts[q] < t->particles[q].min && !p.excused[q]) {
			missing_element(w, &t->particles[q], node, NULL);
		}
	}
}

static void walk_attributes(struct walk *w, const struct shape_type *t, xmlNode *node)
{
	char name[WORDS_CUT];
	char mend[WORDS];
	for (xmlAttr *a = node->properties; a != NULL; a = a->next) {
		if (shape_attr(t, a) == NULL) {
			struct nearest near = {NULL, 0};
			for (size_t i = 0; i < t->n_attrs; i++) {
				nearest_try(&near, (const char *)a->name, t->attrs[i].name);
			}
			snprintf(mend, sizeof(mend),
				near.word != NULL ? "Did you mean %s?" : "Take the attribute out.",
				near.word);
			add(w, "XSD-UNKNOWN-ATTRIBUTE", (struct spot){.node = (xmlNode *)a}, mend,
				"%s has no attribute %s", name_of(node),
				words_cut(name, (const char *)a->name));
		}
	}
	for (size_t i = 0; i < t->n_attrs; i++) {
		const struct shape_decl *d = &t->attrs[i];
		int there = 0;
		for (const xmlAttr *a = node->properties; a != NULL && d->min > 0; a = a->next) {
			there |= shape_attr(t, a) == d;
		}
		if (d->min > 0 && !there) {
			char missing[WORDS_CUT];
			const char *prefix = d->ns != NULL ? "xml:" : "";
			const char *doc = d->doc != NULL ? d->doc : d->type->doc;
			snprintf(missing, sizeof(missing), "@%s", d->name);
			snprintf(mend, sizeof(mend), "Add %s%s=\"...\".%s%s", prefix, d->name,
				doc != NULL ? " It is: " : "", doc != NULL ? doc : "");
			add(w, "XSD-MISSING-ATTRIBUTE", (struct spot){node, missing, 0}, mend,
				"%s lacks the attribute %s%s", name_of(node), prefix, d->name);
		}
	}
}

static void walk_text(struct walk *w, const xmlNode *node)
{
	char cut[WORDS_CUT];
	for (const xmlNode *c = node->children; c != NULL; c = c->next) {
		if ((c->type == XML_TEXT_NODE || c->type == XML_CDATA_SECTION_NODE) &&
			!xmlIsBlankNode(c)) {
			const char *text = (const char *)c->content;
			text += strspn(text, " \t\r\n");
			add(w, "XSD-TEXT", (struct spot){.node = node},
				"Take the text out, or put it into the element that is meant for "
				"it.",
				"%s may hold elements only, not the text '%s'", name_of(node),
				words_cut(cut, text));
			return;
		}
	}
}

static void walk_element(struct walk *w, const struct shape_decl *d, xmlNode *node)
{
	walk_attributes(w, d->type, node);
	if (d->type->content == SHAPE_ELEMENTS) {
		walk_text(w, node);
		walk_children(w, d->type, node);
		return;
	}
	if (d->type->content == SHAPE_EMPTY) {
		walk_text(w, node);
	}
	for (xmlNode *c = rv_xml_first(node); c != NULL; c = rv_xml_next(c)) {
		char name[WORDS_CUT];
		add(w, "XSD-UNKNOWN-ELEMENT", (struct spot){.node = c, .refused = 1},
			"Take the tags out; a code, number or text has no elements inside.",
			"%s cannot have the element %s inside", name_of(node),
			words_cut(name, name_of(c)));
	}
}

void xsd_structure(
	const struct shape *shape, xmlNode *root, struct faults *f, struct strays *strays)
{
	struct walk w = {shape, f, strays};
	walk_element(&w, shape_root(shape), root);
	strays->failed |= f->failed;
}
