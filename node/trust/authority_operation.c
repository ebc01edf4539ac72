/* SPDX-License-Identifier: Apache-2.0 */
#include "node/trust/authority_int.h"

#include <stdlib.h>
#include <string.h>

#include "protocol/msg.h"

/* What an operation was and what it becomes. */
struct change {
	const struct authority_operation *o;
	xmlNode *former; /* NULL: it is new */
	xmlNode *node;
	int64_t was_from, was_to;
	int64_t from, to;
};

static int need(struct rv_err *e, const char *code, const char *what, const char *option)
{
	rv_fail(e, RV_EINVAL, "a new operation needs %s", what);
	rv_err_mend(e, "Operation %s is not in the draft yet: give %s.", code, option);
	return RV_EINVAL;
}

static int check_new(const struct authority_operation *o, struct rv_err *e)
{
	if (o->name == NULL) {
		return need(e, o->code, "a name", "--name");
	}
	if (o->lead == NULL) {
		return need(e, o->code, "a member who leads it", "--lead");
	}
	if (o->from_us == 0 || o->to_us == 0) {
		return need(e, o->code, "its first and last day", "--from and --to");
	}
	if (o->risks == 0) {
		return need(e, o->code, "a risk area", "--risk");
	}
	return 0;
}

static int copy_all(struct change *c, const char *name)
{
	for (const xmlNode *n = rv_xml_child(c->former, name); n != NULL; n = rv_xml_again(n)) {
		xmlNode *copy = xmlDocCopyNode((xmlNode *)(uintptr_t)n, c->node->doc, 1);
		if (copy == NULL) {
			return RV_ENOMEM;
		}
		xmlAddChild(c->node, copy);
	}
	return 0;
}

/* The new text, or what the former operation says. */
static int put_text(struct change *c, const char *name, const char *text)
{
	if (text == NULL) {
		return copy_all(c, name);
	}
	return rv_xml_add(c->node, name, text) != NULL ? 0 : RV_ENOMEM;
}

static int64_t former_stamp(const struct change *c, const char *name)
{
	int64_t t_us = 0;
	const char *text = rv_xml_child_text(c->former, name);
	return text != NULL && rv_stamp_parse(&t_us, text) == 0 ? t_us : 0;
}

static int put_risks(struct change *c)
{
	if (c->o->risks == 0) {
		return copy_all(c, "RiskArea");
	}
	for (unsigned bit = RV_RISK_REVENUE; bit <= RV_RISK_ENVIRONMENT; bit <<= 1) {
		if ((c->o->risks & bit) &&
			rv_xml_add(c->node, "RiskArea", rv_risk_text((enum rv_risk)bit)) == NULL) {
			return RV_ENOMEM;
		}
	}
	return 0;
}

static int put_kinds(struct change *c)
{
	if (!c->o->has_kinds) {
		return copy_all(c, "Kind");
	}
	for (int k = RV_KIND_WARNING; k < RV_KIND_LAST; k++) {
		if ((c->o->kinds & (1u << k)) &&
			rv_xml_add(c->node, "Kind", rv_kind_text((enum rv_kind)k)) == NULL) {
			return RV_ENOMEM;
		}
	}
	return 0;
}

static int put_nominal(struct change *c)
{
	if (c->o->nominal < 0 && rv_xml_child(c->former, "NominalAllowed") != NULL) {
		return copy_all(c, "NominalAllowed");
	}
	return put_text(c, "NominalAllowed", c->o->nominal > 0 ? "true" : "false");
}

/* ---- category lists ---- */

struct row {
	char *code, *name, *parent;
};

/* The next line of a CSV text, cut in three; *p moves on. 0 at the end. Lists have no quotes: they
 * are cut at commas. */
static int next_row(char **p, struct row *r)
{
	static char none[] = "";
	char *line;
	do {
		line = strsep(p, "\n");
		if (line == NULL) {
			return 0;
		}
		line[strcspn(line, "\r")] = '\0';
	} while (line[0] == '\0');
	r->code = strsep(&line, ",");
	r->name = line != NULL ? strsep(&line, ",") : none;
	r->parent = line != NULL ? strsep(&line, ",") : none;
	return 1;
}

static xmlNode *category_of(const xmlNode *list, const char *code)
{
	for (xmlNode *n = rv_xml_child(list, "Category"); n != NULL; n = rv_xml_again(n)) {
		const char *text = rv_xml_child_text(n, "Code");
		if (text != NULL && strcmp(text, code) == 0) {
			return n;
		}
	}
	return NULL;
}

/* Adds the categories of the CSV text to a CategoryList. */
static int add_rows(xmlNode *list, const struct authority_categories *c, struct rv_err *e)
{
	int rc = 0;
	int line = 1;
	struct row r;
	char *copy = strdup(c->csv);
	char *p = copy;
	if (copy == NULL) {
		return rv_fail_nomem(e);
	}
	if (!next_row(&p, &r) || strcmp(r.code, "code") != 0 || strcmp(r.name, "name") != 0 ||
		strcmp(r.parent, "parent") != 0) {
		rc = rv_fail(e, RV_EPARSE,
			"the category list %s does not begin with the line code,name,parent",
			c->code);
		rv_err_mend(e, "Take schemas/codes/categories-generic.csv as the model.");
		goto out;
	}
	while (rc == 0 && next_row(&p, &r)) {
		line++;
		xmlNode *to = r.parent[0] == '\0' ? list : category_of(list, r.parent);
		if (to == NULL) {
			rc = rv_fail(e, RV_EPARSE,
				"row %d of category list %s: its parent %s stands nowhere above",
				line, c->code, r.parent);
			goto out;
		}
		xmlNode *item = rv_xml_add(to, to == list ? "Category" : "SubCategory", NULL);
		if (item == NULL || rv_xml_add(item, "Code", r.code) == NULL ||
			rv_xml_add(item, "Name", r.name) == NULL) {
			rc = rv_fail_nomem(e);
		}
	}
out:
	free(copy);
	return rc;
}

/* 1 if two elements say the same. */
static int same_content(xmlNode *a, xmlNode *b)
{
	struct rv_buf ca = {0};
	struct rv_buf cb = {0};
	int same = rv_xml_c14n(a, &ca, NULL) == 0 && rv_xml_c14n(b, &cb, NULL) == 0 &&
		   ca.len == cb.len && memcmp(ca.data, cb.data, ca.len) == 0;
	rv_buf_free(&ca);
	rv_buf_free(&cb);
	return same;
}

static int put_list(struct change *c, const struct authority_categories *categories,
	xmlNode *former, struct rv_err *e)
{
	xmlNode *list = rv_xml_add(c->node, "CategoryList", NULL);
	const char *was = rv_xml_child_text(former, "Version");
	if (list == NULL || rv_xml_add(list, "Code", categories->code) == NULL ||
		rv_xml_add(list, "Version", was != NULL ? was : "1") == NULL) {
		return rv_fail_nomem(e);
	}
	int rc = add_rows(list, categories, e);
	if (rc == 0 && former != NULL && !same_content(list, former)) {
		rc = authority_grow(list, e);
	}
	return rc;
}

static const struct authority_categories *given_list(
	const struct authority_operation *o, const char *code)
{
	for (size_t i = 0; i < o->n_lists; i++) {
		if (code != NULL && strcmp(o->lists[i].code, code) == 0) {
			return &o->lists[i];
		}
	}
	return NULL;
}

/* Former lists in their order, changed where a new one is given; then those that are new. */
static int put_lists(struct change *c, struct rv_err *e)
{
	int rc = 0;
	for (xmlNode *n = rv_xml_child(c->former, "CategoryList"); n != NULL && rc == 0;
		n = rv_xml_again(n)) {
		const struct authority_categories *given =
			given_list(c->o, rv_xml_child_text(n, "Code"));
		if (given != NULL) {
			rc = put_list(c, given, n, e);
		} else {
			xmlNode *copy = xmlDocCopyNode(n, c->node->doc, 1);
			rc = copy != NULL ? 0 : rv_fail_nomem(e);
			if (copy != NULL) {
				xmlAddChild(c->node, copy);
			}
		}
	}
	for (size_t i = 0; i < c->o->n_lists && rc == 0; i++) {
		int there = 0;
		for (const xmlNode *n = rv_xml_child(c->former, "CategoryList"); n != NULL;
			n = rv_xml_again(n)) {
			const char *code = rv_xml_child_text(n, "Code");
			there |= code != NULL && strcmp(code, c->o->lists[i].code) == 0;
		}
		if (!there) {
			rc = put_list(c, &c->o->lists[i], NULL, e);
		}
	}
	return rc;
}

/* ---- participants ---- */

static int put_participant(
	struct change *c, const char *code, const char *role, int64_t from_us, int64_t to_us)
{
	xmlNode *p = rv_xml_add(c->node, "Participant", NULL);
	return p != NULL && rv_xml_add(p, "Code", code) != NULL &&
			       rv_xml_add(p, "Role", role) != NULL &&
			       authority_add_stamp(p, "ValidFrom", from_us) != NULL &&
			       authority_add_stamp(p, "ValidTo", to_us) != NULL
		       ? 0
		       : RV_ENOMEM;
}

static int is_ended(const struct authority_operation *o, const char *code)
{
	for (size_t i = 0; i < o->n_end; i++) {
		if (strcmp(o->end[i], code) == 0) {
			return 1;
		}
	}
	return 0;
}

static int is_added(const struct authority_operation *o, const char *code, const char *role)
{
	for (size_t i = 0; i < o->n_add; i++) {
		if (strcmp(o->add[i].code, code) == 0 &&
			strcmp(rv_part_text(o->add[i].part), role) == 0) {
			return 1;
		}
	}
	return 0;
}

/* What the former operation has: an end for those who leave, the new dates of the operation for
 * those who had the old ones. */
static int put_former_participants(struct change *c)
{
	int rc = 0;
	for (const xmlNode *n = rv_xml_child(c->former, "Participant"); n != NULL && rc == 0;
		n = rv_xml_again(n)) {
		int64_t from = 0;
		int64_t to = 0;
		const char *code = rv_xml_child_text(n, "Code");
		const char *role = rv_xml_child_text(n, "Role");
		const char *from_text = rv_xml_child_text(n, "ValidFrom");
		const char *to_text = rv_xml_child_text(n, "ValidTo");
		if (code == NULL || role == NULL || from_text == NULL || to_text == NULL ||
			rv_stamp_parse(&from, from_text) != 0 ||
			rv_stamp_parse(&to, to_text) != 0) {
			continue; /* nothing that a reader would take */
		}
		from = from == c->was_from ? c->from : from;
		to = to == c->was_to ? c->to : to;
		int64_t now = c->o->now_us - c->o->now_us % RV_US_PER_SEC;
		/* a period that is over stays: it tells who took part then */
		if (is_added(c->o, code, role) && to > now) {
			continue;
		}
		if (is_ended(c->o, code) && to > now) {
			to = now;
		}
		if (from < to) {
			rc = put_participant(c, code, role, from, to);
		}
	}
	return rc;
}

static int put_participants(struct change *c, struct rv_err *e)
{
	int rc = put_former_participants(c);
	for (size_t i = 0; i < c->o->n_add && rc == 0; i++) {
		const struct rv_participant *p = &c->o->add[i];
		rc = put_participant(c, p->code, rv_part_text(p->part),
			p->from_us != 0 ? p->from_us : c->from, p->to_us != 0 ? p->to_us : c->to);
	}
	return rc == 0 ? 0 : rv_fail_nomem(e);
}

/* ---- the operation ---- */

static int put_head(struct change *c, struct rv_err *e)
{
	const struct authority_operation *o = c->o;
	const char *version = rv_xml_child_text(c->former, "Version");
	if (rv_xml_add(c->node, "Code", o->code) == NULL ||
		rv_xml_add(c->node, "Version", version != NULL ? version : "1") == NULL ||
		put_text(c, "Name", o->name) != 0 || put_text(c, "Lead", o->lead) != 0 ||
		authority_add_stamp(c->node, "ValidFrom", c->from) == NULL ||
		authority_add_stamp(c->node, "ValidTo", c->to) == NULL || put_risks(c) != 0 ||
		put_kinds(c) != 0 || put_nominal(c) != 0) {
		return rv_fail_nomem(e);
	}
	return c->former != NULL ? authority_grow(c->node, e) : 0;
}

static int build_operation(struct authority *a, const struct authority_operation *o,
	unsigned *version_r, struct rv_err *e)
{
	struct change c = {.o = o, .former = authority_find(a, "Operation", o->code)};
	int rc = c.former == NULL ? check_new(o, e) : 0;
	if (rc != 0) {
		return rc;
	}
	c.was_from = former_stamp(&c, "ValidFrom");
	c.was_to = former_stamp(&c, "ValidTo");
	c.from = o->from_us != 0 ? o->from_us : c.was_from;
	c.to = o->to_us != 0 ? o->to_us : c.was_to;
	c.node = rv_xml_add(a->list, "Operation", NULL);
	if (c.node == NULL) {
		return rv_fail_nomem(e);
	}
	rc = put_head(&c, e);
	if (rc == 0) {
		rc = put_lists(&c, e);
	}
	if (rc == 0) {
		rc = put_participants(&c, e);
	}
	if (rc == 0 && c.former != NULL) {
		xmlUnlinkNode(c.node);
		xmlReplaceNode(c.former, c.node);
		xmlFreeNode(c.former);
	}
	if (rc == 0) {
		*version_r = (unsigned)strtoul(rv_xml_child_text(c.node, "Version"), NULL, 10);
	}
	return rc;
}

int authority_operation(struct authority *a, const struct authority_operation *o,
	unsigned *version_r, int *waits_r, struct rv_err *e)
{
	struct authority_edit edit;
	unsigned version = 0;
	int rc = authority_edit_begin(&edit, a, e);
	if (rc != 0) {
		return rc;
	}
	rc = build_operation(a, o, &version, e);
	rc = authority_edit_end(&edit, rc, waits_r, e);
	if (rc == 0) {
		*version_r = version;
	}
	return rc;
}
