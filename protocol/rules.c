/* SPDX-License-Identifier: Apache-2.0 */
#include "rules_inside.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Each ends with a row without a code. */
static const struct rule *const tables[] = {
	rules_kind,
	rules_header,
	rules_handling,
	rules_dates,
	rules_seal,
	rules_scope,
	rules_codes,
	rules_event,
	rules_goods,
	rules_conveyance,
	rules_route,
	rules_persons,
	rules_rights,
	rules_bodies,
	rules_situation,
	rules_operation,
	rules_texts,
};

#define N_TABLES (sizeof(tables) / sizeof(tables[0]))

int rv_rules_each(int (*fn)(void *ctx, enum rv_level level, const char *code, const char *summary,
			  const char *mend),
	void *ctx)
{
	int rc = syntax_rules_each(fn, ctx);
	rc = rc == 0 ? xsd_rules_each(fn, ctx) : rc;
	for (size_t i = 0; i < N_TABLES && rc == 0; i++) {
		for (const struct rule *rule = tables[i]; rule->code != NULL && rc == 0; rule++) {
			rc = fn(ctx, rule->level, rule->code, rule->summary, rule->mend);
		}
	}
	return rc;
}

static void vbreak(struct rules *r, const struct rule *rule, struct spot at, const char *mend,
	const char *fmt, va_list ap) __attribute__((format(printf, 5, 0)));

static void vbreak(struct rules *r, const struct rule *rule, struct spot at, const char *mend,
	const char *fmt, va_list ap)
{
	char text[700] = "";
	/* The schema has spoken of it; and what is missing may be what was misspelt. */
	if (at.node == NULL || faults_refused(r->f, at.node) ||
		(at.missing != NULL && faults_child_refused(r->f, at.node))) {
		return;
	}
	if (faults_room(r->f, rule->level)) {
		vsnprintf(text, sizeof(text), fmt, ap);
	}
	faults_add(r->f, rule->level, rule->code, at, mend, text);
}

void rule_break(struct rules *r, const struct rule *rule, const xmlNode *at, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	vbreak(r, rule, (struct spot){.node = at}, rule->mend, fmt, ap);
	va_end(ap);
}

void rule_break_mend(struct rules *r, const struct rule *rule, const xmlNode *at, const char *mend,
	const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	vbreak(r, rule, (struct spot){.node = at}, mend, fmt, ap);
	va_end(ap);
}

void rule_break_missing(struct rules *r, const struct rule *rule, const xmlNode *at,
	const char *missing, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	vbreak(r, rule, (struct spot){.node = at, .missing = missing}, rule->mend, fmt, ap);
	va_end(ap);
}

static const xmlNode *placed(const xmlNode *within, int line, int column)
{
	int l, c;
	rv_xml_place(within, &l, &c);
	if (l == line && c == column) {
		return within;
	}
	const xmlNode *found = NULL;
	for (const xmlNode *n = rv_xml_first(within); n != NULL && found == NULL;
		n = rv_xml_next(n)) {
		found = placed(n, line, column);
	}
	return found;
}

void rule_break_err(
	struct rules *r, const struct rule *rule, const xmlNode *within, const struct rv_err *why)
{
	const xmlNode *at = placed(within, why->line, why->column);
	if (why->code == RV_ENOMEM) {
		r->f->failed = 1;
		return;
	}
	at = at != NULL ? at : within;
	if (!faults_child_refused(r->f, at)) {
		rule_break(r, rule, at, "%s", why->text);
	}
}

/* The text without blanks around it, if it fits. */
static int trimmed(char *out, size_t size, const xmlNode *n)
{
	const char *text = rv_xml_text(n);
	if (text == NULL) {
		return 0;
	}
	text += strspn(text, " \t\r\n");
	size_t len = strlen(text);
	while (len > 0 && strchr(" \t\r\n", text[len - 1]) != NULL) {
		len--;
	}
	if (len == 0 || len >= size) {
		return 0;
	}
	memcpy(out, text, len);
	out[len] = '\0';
	return 1;
}

int value_moment(const xmlNode *n, int64_t *t_us)
{
	char text[40];
	return trimmed(text, sizeof(text), n) && rv_stamp_parse(t_us, text) == 0;
}

int value_day(const xmlNode *n, int64_t *t_us)
{
	char text[40];
	return trimmed(text, sizeof(text), n) && rv_date_parse(t_us, text) == 0;
}

int value_number(const xmlNode *n, uint64_t *v)
{
	char text[20];
	if (!trimmed(text, sizeof(text), n) || strspn(text, "0123456789") != strlen(text)) {
		return 0;
	}
	*v = strtoull(text, NULL, 10);
	return 1;
}

int value_is(const xmlNode *n, const char *text)
{
	return strcmp(value_text(n), text) == 0;
}

int value_true(const xmlNode *n)
{
	char text[8];
	return trimmed(text, sizeof(text), n) &&
	       (strcmp(text, "true") == 0 || strcmp(text, "1") == 0);
}

int value_zero(const xmlNode *n)
{
	char text[64];
	return trimmed(text, sizeof(text), n) && strspn(text, "+-0.") == strlen(text) &&
	       strchr(text, '0') != NULL;
}

const char *value_text(const xmlNode *n)
{
	const char *text = rv_xml_text(n);
	return text != NULL ? text : "";
}

const xmlNode *attr_node(const xmlNode *n, const char *name)
{
	for (const xmlAttr *a = n != NULL ? n->properties : NULL; a != NULL; a = a->next) {
		if (strcmp((const char *)a->name, name) == 0) {
			return (const xmlNode *)a;
		}
	}
	return NULL;
}

/* Document order among equals: nodes were handed in in that order, and keep it. */
static int by_text(const void *a, const void *b)
{
	return strcmp((*(const struct key *const *)a)->text, (*(const struct key *const *)b)->text);
}

static int by_text_folded(const void *a, const void *b)
{
	return strcasecmp(
		(*(const struct key *const *)a)->text, (*(const struct key *const *)b)->text);
}

void rule_unique(struct rules *r, const struct rule *rule, struct key *keys, size_t n,
	int fold_case, const char *what)
{
	const struct key **sorted = n > 1 ? calloc(n, sizeof(*sorted)) : NULL;
	if (sorted == NULL) {
		r->f->failed |= n > 1;
		return;
	}
	for (size_t i = 0; i < n; i++) {
		sorted[i] = &keys[i];
	}
	qsort(sorted, n, sizeof(*sorted), fold_case ? by_text_folded : by_text);
	for (size_t i = 0; i < n;) {
		const struct key *first = sorted[i];
		size_t same = i + 1;
		for (; same < n &&
			(fold_case ? by_text_folded : by_text)(&sorted[i], &sorted[same]) == 0;
			same++) {
			first = sorted[same] < first ? sorted[same] : first;
		}
		for (; i < same; i++) {
			char cut[WORDS_CUT];
			if (sorted[i] != first && sorted[i]->text[0] != '\0' &&
				strcmp(sorted[i]->text, "other") != 0) {
				rule_break(r, rule, sorted[i]->node, "%s %s stands twice", what,
					words_cut(cut, sorted[i]->text));
			}
		}
	}
	free(sorted);
}

void rule_unique_children(struct rules *r, const struct rule *rule, const xmlNode *parent,
	const char *name, const char *child, const char *what)
{
	size_t n = 0;
	for (EACH(c, parent, name)) {
		n++;
	}
	if (n < 2) {
		return;
	}
	struct key *keys = calloc(n, sizeof(*keys));
	if (keys == NULL) {
		r->f->failed = 1;
		return;
	}
	n = 0;
	for (EACH(c, parent, name)) {
		const xmlNode *at = child != NULL ? rv_xml_child(c, child) : c;
		if (at != NULL) {
			keys[n++] = (struct key){value_text(at), at};
		}
	}
	rule_unique(r, rule, keys, n, 0, what);
	free(keys);
}

const char *moment_words(char out[MOMENT_WORDS], int64_t t_us)
{
	char stamp[RV_STAMP_TEXT];
	rv_stamp_text(stamp, t_us);
	snprintf(out, MOMENT_WORDS, "%.10s %.5s UTC", stamp, stamp + 11);
	return out;
}

const char *day_words(char out[MOMENT_WORDS], int64_t t_us)
{
	char stamp[RV_STAMP_TEXT];
	rv_stamp_text(stamp, t_us);
	snprintf(out, MOMENT_WORDS, "%.10s", stamp);
	return out;
}

static const xmlNode *signature_of(const xmlNode *root)
{
	const xmlNode *n = rv_xml_first(root);
	while (n != NULL && !rv_xml_is(n, RV_NS_DSIG, "Signature")) {
		n = rv_xml_next(n);
	}
	return n;
}

/* A sealed document that somebody checks as a file: what its signature lists and is not there was
 * withheld. */
static unsigned withheld_of(const xmlNode *root, const xmlNode *signature)
{
	unsigned mask = 0;
	for (EACH(ref, rv_xml_child(rv_xml_child(signature, "Object"), "Manifest"), "Reference")) {
		const char *uri = rv_xml_attr(ref, "URI");
		for (int s = 0; uri != NULL && uri[0] == '#' && s < RV_SEC_COUNT; s++) {
			if (strcmp(uri + 1, rv_section_id(s)) == 0 &&
				rv_xml_child(root, rv_section_name(s)) == NULL) {
				mask |= 1u << s;
			}
		}
	}
	return mask;
}

void rules_run(const struct rv_catalog *catalog, xmlDoc *doc, const struct rv_check_context *ctx,
	struct faults *f)
{
	struct rules r = {
		.catalog = catalog, .ctx = ctx, .f = f, .root = xmlDocGetRootElement(doc)};
	r.header = rv_xml_child(r.root, "Header");
	for (const xmlNode *n = rv_xml_first(r.root); n != NULL; n = rv_xml_next(n)) {
		int s = rv_xml_is(n, RV_NS_MESSAGE, (const char *)n->name)
				? rv_section_parse((const char *)n->name)
				: -1;
		if (s >= 0 && r.sec[s] == NULL) {
			r.sec[s] = n;
		}
	}
	r.kind = rv_kind_parse(value_text(rv_xml_child(r.header, "TypeCode")));
	r.signature = signature_of(r.root);
	r.withheld = ctx->sealed ? ctx->withheld : withheld_of(r.root, r.signature);
	/* A draft is issued when it is sealed, whatever it says. */
	const xmlNode *issued = rv_xml_child(r.header, "IssueDateTime");
	if ((!ctx->sealed && r.signature == NULL && ctx->now_us != 0) ||
		!value_moment(issued, &r.issue_us)) {
		r.issue_us = ctx->now_us;
	}
	rules_codes_run(&r);
	for (size_t i = 0; i < N_TABLES; i++) {
		for (const struct rule *rule = tables[i]; rule->code != NULL; rule++) {
			if (rule->run != NULL) {
				rule->run(&r, rule);
			}
		}
	}
}
