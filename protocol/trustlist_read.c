/* SPDX-License-Identifier: Apache-2.0 */
#include "trustlist_int.h"

#include <stdlib.h>
#include <string.h>

/* As the schema bounds them (schemas/xsd/trust/1/trust-list.xsd). */
enum {
	MAX_MEMBERS = 10000,
	MAX_OPERATIONS = 500,
	MAX_PARTICIPANTS = 10000,
	MAX_ROLES = 4,
	MAX_ADDRESSES = 8,
	MAX_KEYS = 8,
	MAX_RIGHTS = 1000,
	MAX_NICE = 45,
	MAX_COUNTRIES = 250,
	MAX_LISTS = 10,
	MAX_CATEGORIES = 100,
	MAX_NAME = 128,
	MAX_IDENTIFIER = 64,
	MAX_CERT = 8192,
	MIN_CERT = 128
};

#define MAX_VERSION UINT64_C(999999)
#define MAX_NUMBER UINT64_C(999999999999)

/* A set of values of which none may stand twice. bit is 0 where the text is none of them. */
static void take_bit(
	struct tl_walk *w, const char *name, unsigned bit, const char *text, unsigned *mask)
{
	if (w->rc != 0) {
		return;
	}
	const xmlNode *node = w->next != NULL ? w->next->prev : w->parent->last;
	if (bit == 0) {
		tl_refuse(w, node, "TRUST-VALUE", "%s \"%.60s\" is not known", name, text);
	} else if (*mask & bit) {
		tl_refuse(w, node, "TRUST-DUPLICATE", "%s %s stands twice", name, text);
	}
	*mask |= bit;
}

static void check_period(struct tl_walk *w, const xmlNode *node, int64_t from_us, int64_t to_us)
{
	if (w->rc == 0 && from_us >= to_us) {
		tl_refuse(w, node, "TRUST-DATES", "ValidFrom must be before ValidTo");
	}
}

/* ValidFrom, ValidTo, and as many more. */
static int has_attributes(const xmlNode *node, size_t more)
{
	size_t n = 0;
	for (const xmlAttr *a = node->properties; a != NULL; a = a->next) {
		n++;
	}
	return n == 2 + more;
}

/* A child with text, the attributes ValidFrom and ValidTo, and as many more as are told. Returns the
 * text, NULL after a failure. */
static const char *take_dated(
	struct tl_walk *w, const char *name, size_t more, int64_t *from_us, int64_t *to_us)
{
	const xmlNode *node = tl_take(w, name);
	const char *from = rv_xml_attr(node, "ValidFrom");
	const char *to = rv_xml_attr(node, "ValidTo");
	const char *text = rv_xml_text(node);
	if (w->rc != 0 || node == NULL) {
		return NULL;
	}
	if (from == NULL || to == NULL || text == NULL || !has_attributes(node, more)) {
		tl_refuse(w, node, "TRUST-SHAPE",
			"%s has text, ValidFrom, ValidTo%s and nothing else", name,
			more > 0 ? ", Revoked, Reason" : "");
		return NULL;
	}
	if (rv_stamp_parse(from_us, from) != 0 || rv_stamp_parse(to_us, to) != 0) {
		tl_refuse(w, node, "TRUST-VALUE",
			"ValidFrom and ValidTo are moments in UTC such as 2026-11-24T08:00:00Z");
		return NULL;
	}
	check_period(w, node, *from_us, *to_us);
	return w->rc == 0 ? text : NULL;
}

int tl_read_der(struct tl_walk *w, const xmlNode *node, const char *text, tl_cert_reader *read,
	struct rv_cert **cert_r)
{
	struct rv_buf der = {0};
	int rc = rv_unbase64(&der, text, strlen(text));
	if (rc == RV_ENOMEM) {
		w->rc = rv_fail_nomem(w->e);
	} else if (rc != 0 || der.len < MIN_CERT || der.len > MAX_CERT) {
		tl_refuse(w, node, "TRUST-VALUE",
			"Certificate must be the base64 of %d to %d bytes of DER", MIN_CERT,
			MAX_CERT);
	} else {
		w->rc = read(cert_r, der.data, der.len, w->e);
		if (w->rc != 0 && w->e != NULL) {
			rv_xml_place(node, &w->e->line, &w->e->column);
		}
	}
	rv_buf_free(&der);
	return w->rc;
}

/* Revoked and Reason come together or not at all. */
static size_t take_revocation(struct tl_walk *w, const xmlNode *node, struct rv_dated_cert *c)
{
	const char *revoked = rv_xml_attr(node, "Revoked");
	const char *reason = rv_xml_attr(node, "Reason");
	if (revoked == NULL && reason == NULL) {
		return 0;
	}
	if (revoked == NULL || reason == NULL) {
		tl_refuse(w, node, "TRUST-SHAPE", "Revoked and Reason stand together");
	} else if (rv_stamp_parse(&c->revoked_us, revoked) != 0 || c->revoked_us <= 0) {
		tl_refuse(w, node, "TRUST-VALUE",
			"Revoked is a moment in UTC such as 2026-11-24T08:00:00Z");
	} else if (rv_reason_parse(&c->reason, reason) != 0) {
		tl_refuse(w, node, "TRUST-VALUE", "Reason \"%.40s\" is not known", reason);
	}
	return 2;
}

void tl_take_certificate(struct tl_walk *w, struct rv_dated_cert *c, int revocable)
{
	const xmlNode *node = w->next;
	size_t more = 0;
	if (revocable && w->rc == 0 && rv_xml_is(node, RV_NS_TRUST, "Certificate")) {
		more = take_revocation(w, node, c);
	}
	const char *text = take_dated(w, "Certificate", more, &c->from_us, &c->to_us);
	if (text != NULL) {
		tl_read_der(w, node, text, rv_cert_from_der, &c->cert);
	}
}

static void take_curve_key(struct tl_walk *w, struct rv_dated_key *k)
{
	const xmlNode *node = w->next;
	const char *text = take_dated(w, "CurveKey", 0, &k->from_us, &k->to_us);
	if (text == NULL) {
		return;
	}
	if (!rv_z85_key_valid(text)) {
		tl_refuse(w, node, "TRUST-VALUE", "CurveKey must be 40 characters of Z85");
		return;
	}
	memcpy(k->z85, text, sizeof(k->z85));
}

static int read_right(struct rv_right *r, const xmlNode *node, struct rv_err *e)
{
	struct tl_walk w = tl_walk(node, e);
	tl_words(&w, "Brand", MAX_NAME, &r->brand);
	if (tl_count(&w, "RegistrationNumber", 0, 1) == 1) {
		tl_words(&w, "RegistrationNumber", MAX_IDENTIFIER, &r->registration);
	}
	for (size_t n = tl_count(&w, "NiceClass", 0, MAX_NICE); n > 0 && w.rc == 0; n--) {
		uint64_t nice = 0;
		tl_number(&w, "NiceClass", MAX_NICE, &nice);
		r->nice |= w.rc == 0 ? UINT64_C(1) << nice : 0;
	}
	size_t n = tl_count(&w, "Country", 0, MAX_COUNTRIES);
	r->countries = tl_alloc(&w, n, sizeof(*r->countries));
	for (size_t i = 0; i < n && w.rc == 0; i++) {
		tl_country(&w, "Country", r->countries[r->n_countries++]);
	}
	return tl_end(&w);
}

void tl_take_rights(struct tl_walk *up, struct rv_member *m)
{
	const xmlNode *node = tl_take(up, "Rights");
	if (node == NULL) {
		return;
	}
	struct tl_walk w = tl_walk(node, up->e);
	size_t n = tl_count(&w, "Right", 1, MAX_RIGHTS);
	m->rights = tl_alloc(&w, n, sizeof(*m->rights));
	for (size_t i = 0; i < n && w.rc == 0; i++) {
		const xmlNode *right = tl_take(&w, "Right");
		w.rc = read_right(&m->rights[m->n_rights++], right, w.e);
	}
	up->rc = tl_end(&w);
	if (up->rc == 0 && !(m->roles & RV_ROLE_RIGHT_HOLDER)) {
		tl_refuse(up, node, "TRUST-ROLE",
			"member %s has Rights without the role right-holder", m->code);
	}
}

static void take_addresses(struct tl_walk *w, struct rv_member *m)
{
	size_t n = tl_count(w, "Endpoint", 0, MAX_ADDRESSES);
	m->endpoints = tl_alloc(w, n, sizeof(*m->endpoints));
	for (size_t i = 0; i < n && w->rc == 0; i++) {
		const xmlNode *node = w->next;
		const char *text = tl_text(w, "Endpoint");
		if (w->rc == 0 && !rv_endpoint_valid(text)) {
			tl_refuse(w, node, "TRUST-VALUE",
				"Endpoint \"%.80s\" is not tcp://host:port", text);
			return;
		}
		m->endpoints[i] = strdup(text);
		m->n_endpoints++;
		if (m->endpoints[i] == NULL) {
			w->rc = rv_fail_nomem(w->e);
		}
	}
	n = tl_count(w, "Via", 0, MAX_ADDRESSES);
	m->via = tl_alloc(w, n, sizeof(*m->via));
	for (size_t i = 0; i < n && w->rc == 0; i++) {
		tl_code(w, "Via", m->via[m->n_via++]);
	}
}

void tl_take_party(struct tl_walk *w, struct rv_member *m)
{
	tl_code(w, "Code", m->code);
	tl_words(w, "Name", MAX_NAME, &m->name);
	for (size_t n = tl_count(w, "Role", 1, MAX_ROLES); n > 0 && w->rc == 0; n--) {
		const char *text = tl_text(w, "Role");
		take_bit(w, "Role", rv_role_parse(text), text, &m->roles);
	}
	if (tl_count(w, "Country", 0, 1) == 1) {
		tl_country(w, "Country", m->country);
	}
	take_addresses(w, m);
}

int tl_read_member(struct rv_member *m, const xmlNode *node, struct rv_err *e)
{
	struct tl_walk w = tl_walk(node, e);
	tl_take_party(&w, m);
	size_t n = tl_count(&w, "Certificate", 1, MAX_KEYS);
	m->certs = tl_alloc(&w, n, sizeof(*m->certs));
	for (size_t i = 0; i < n && w.rc == 0; i++) {
		tl_take_certificate(&w, &m->certs[m->n_certs++], 1);
	}
	n = tl_count(&w, "CurveKey", 1, MAX_KEYS);
	m->keys = tl_alloc(&w, n, sizeof(*m->keys));
	for (size_t i = 0; i < n && w.rc == 0; i++) {
		take_curve_key(&w, &m->keys[m->n_keys++]);
	}
	tl_take_rights(&w, m);
	return tl_end(&w);
}

static int read_category(struct rv_category *c, const xmlNode *node, struct rv_err *e)
{
	struct tl_walk w = tl_walk(node, e);
	tl_listcode(&w, "Code", c->code);
	tl_words(&w, "Name", MAX_NAME, &c->name);
	size_t n = tl_count(&w, "SubCategory", 0, MAX_CATEGORIES);
	c->subs = tl_alloc(&w, n, sizeof(*c->subs));
	for (size_t i = 0; i < n && w.rc == 0; i++) {
		char *name = NULL;
		struct tl_walk sub = tl_walk(tl_take(&w, "SubCategory"), e);
		tl_listcode(&sub, "Code", c->subs[c->n_subs++]);
		tl_words(&sub, "Name", MAX_NAME, &name);
		free(name);
		w.rc = tl_end(&sub);
		for (size_t j = 0; j < i; j++) {
			if (strcmp(c->subs[j], c->subs[i]) == 0) {
				tl_refuse(&w, sub.parent, "TRUST-DUPLICATE",
					"sub-category %s stands twice", c->subs[i]);
			}
		}
	}
	return tl_end(&w);
}

static int read_category_list(struct rv_category_list *list, const xmlNode *node, struct rv_err *e)
{
	struct tl_walk w = tl_walk(node, e);
	uint64_t version = 0;
	tl_listcode(&w, "Code", list->code);
	tl_number(&w, "Version", MAX_VERSION, &version);
	list->version = (unsigned)version;
	size_t n = tl_count(&w, "Category", 1, MAX_CATEGORIES);
	list->items = tl_alloc(&w, n, sizeof(*list->items));
	for (size_t i = 0; i < n && w.rc == 0; i++) {
		const xmlNode *item = tl_take(&w, "Category");
		w.rc = read_category(&list->items[list->n++], item, e);
		for (size_t j = 0; j < i && w.rc == 0; j++) {
			if (strcmp(list->items[j].code, list->items[i].code) == 0) {
				tl_refuse(&w, item, "TRUST-DUPLICATE", "category %s stands twice",
					list->items[i].code);
			}
		}
	}
	return tl_end(&w);
}

static void take_category_lists(struct tl_walk *w, struct rv_operation *op)
{
	size_t n = tl_count(w, "CategoryList", 0, MAX_LISTS);
	op->categories = tl_alloc(w, n, sizeof(*op->categories));
	for (size_t i = 0; i < n && w->rc == 0; i++) {
		const xmlNode *node = tl_take(w, "CategoryList");
		struct rv_category_list *list = &op->categories[op->n_categories++];
		w->rc = read_category_list(list, node, w->e);
		for (size_t j = 0; j < i && w->rc == 0; j++) {
			if (strcmp(op->categories[j].code, list->code) == 0 &&
				op->categories[j].version == list->version) {
				tl_refuse(w, node, "TRUST-DUPLICATE",
					"category list %s %u stands twice", list->code,
					list->version);
			}
		}
	}
}

static int read_participant(struct rv_participant *p, const xmlNode *node, struct rv_err *e)
{
	struct tl_walk w = tl_walk(node, e);
	tl_code(&w, "Code", p->code);
	const char *role = tl_text(&w, "Role");
	p->part = rv_part_parse(role);
	if (w.rc == 0 && p->part == 0) {
		tl_refuse(&w, node, "TRUST-VALUE", "Role \"%.60s\" of participant %s is not known",
			role, p->code);
	}
	tl_stamp(&w, "ValidFrom", &p->from_us);
	tl_stamp(&w, "ValidTo", &p->to_us);
	check_period(&w, node, p->from_us, p->to_us);
	return tl_end(&w);
}

static int rank_of(enum rv_part part)
{
	switch (part) {
	case RV_PART_COORDINATION:
		return 0;
	case RV_PART_PARTICIPANT:
		return 1;
	case RV_PART_OBSERVER:
		return 2;
	case RV_PART_RIGHT_HOLDER:
		return 3;
	default:
		return 4;
	}
}

static int by_code_and_part(const void *va, const void *vb)
{
	const struct rv_participant *a = va;
	const struct rv_participant *b = vb;
	int c = strcmp(a->code, b->code);
	if (c == 0) {
		c = rank_of(a->part) - rank_of(b->part);
	}
	return c != 0 ? c : (a->from_us > b->from_us) - (a->from_us < b->from_us);
}

static void take_participants(struct tl_walk *w, struct rv_operation *op, const xmlNode *node)
{
	size_t n = tl_count(w, "Participant", 0, MAX_PARTICIPANTS);
	op->participants = tl_alloc(w, n, sizeof(*op->participants));
	for (size_t i = 0; i < n && w->rc == 0; i++) {
		const xmlNode *p = tl_take(w, "Participant");
		w->rc = read_participant(&op->participants[op->n_participants++], p, w->e);
	}
	if (w->rc != 0 || n == 0) {
		return;
	}
	qsort(op->participants, n, sizeof(*op->participants), by_code_and_part);
	for (size_t i = 1; i < n && w->rc == 0; i++) {
		const struct rv_participant *a = &op->participants[i - 1];
		const struct rv_participant *b = &op->participants[i];
		if (strcmp(a->code, b->code) == 0 && a->part == b->part && b->from_us <= a->to_us) {
			tl_refuse(w, node, "TRUST-DUPLICATE",
				"operation %s has %s as %s twice at the same time", op->code,
				b->code, rv_part_text(b->part));
		}
	}
}

static unsigned risk_parse(const char *text)
{
	for (unsigned bit = RV_RISK_REVENUE; bit <= RV_RISK_ENVIRONMENT; bit <<= 1) {
		if (strcmp(rv_risk_text((enum rv_risk)bit), text) == 0) {
			return bit;
		}
	}
	return 0;
}

static void take_rules(struct tl_walk *w, struct rv_operation *op)
{
	for (size_t n = tl_count(w, "RiskArea", 1, 5); n > 0 && w->rc == 0; n--) {
		const char *text = tl_text(w, "RiskArea");
		take_bit(w, "RiskArea", risk_parse(text), text, &op->risks);
	}
	for (size_t n = tl_count(w, "Kind", 0, RV_KIND_LAST - 1); n > 0 && w->rc == 0; n--) {
		const char *text = tl_text(w, "Kind");
		enum rv_kind kind = rv_kind_parse(text);
		take_bit(w, "Kind", kind != 0 ? 1u << kind : 0, text, &op->kinds);
	}
	const char *nominal = tl_text(w, "NominalAllowed");
	if (strcmp(nominal, "true") == 0 || strcmp(nominal, "1") == 0) {
		op->nominal_allowed = 1;
	} else if (w->rc == 0 && strcmp(nominal, "false") != 0 && strcmp(nominal, "0") != 0) {
		tl_refuse(w, w->next, "TRUST-VALUE", "NominalAllowed is true or false");
	}
}

int tl_read_operation(struct rv_operation *op, const xmlNode *node, struct rv_err *e)
{
	struct tl_walk w = tl_walk(node, e);
	uint64_t version = 0;
	tl_opcode(&w, "Code", op->code);
	tl_number(&w, "Version", MAX_VERSION, &version);
	op->version = (unsigned)version;
	tl_words(&w, "Name", MAX_NAME, &op->name);
	tl_code(&w, "Lead", op->lead);
	tl_stamp(&w, "ValidFrom", &op->from_us);
	tl_stamp(&w, "ValidTo", &op->to_us);
	check_period(&w, node, op->from_us, op->to_us);
	take_rules(&w, op);
	take_category_lists(&w, op);
	take_participants(&w, op, node);
	return tl_end(&w);
}

/* ---- the list ---- */

xmlNode *tl_list_of(const xmlDoc *doc, struct rv_err *e)
{
	const xmlNode *root = xmlDocGetRootElement(doc);
	xmlNode *list = rv_xml_is(root, RV_NS_TRUST, "TrustList") ? rv_xml_first(root) : NULL;
	if (!rv_xml_is(list, RV_NS_TRUST, "List") || root->properties != NULL ||
		!rv_xml_has_prefix(root, NULL) || !rv_xml_pure(root)) {
		tl_fail(e, root, RV_ESCHEMA, "TRUST-SHAPE",
			"a trust list is a TrustList of %s that begins with List", RV_NS_TRUST);
		return NULL;
	}
	return list;
}

static int read_attributes(struct rv_trust *t, const xmlNode *list, struct rv_err *e)
{
	static const char *const names[] = {"Authority", "Expires", "Id", "Issued", "Number"};
	enum { AUTHORITY, EXPIRES, ID, ISSUED, NUMBER, COUNT };
	const char *values[COUNT];
	size_t n = 0;
	for (size_t i = 0; i < COUNT; i++) {
		values[i] = rv_xml_attr(list, names[i]);
		if (values[i] == NULL) {
			return tl_fail(e, list, RV_ESCHEMA, "TRUST-SHAPE",
				"List must have the attribute %s", names[i]);
		}
	}
	for (const xmlAttr *a = list->properties; a != NULL; a = a->next) {
		n++;
	}
	if (n != COUNT || strcmp(values[ID], "list") != 0) {
		return tl_fail(e, list, RV_ESCHEMA, "TRUST-SHAPE",
			"List has Id=\"list\", Number, Issued, Expires and Authority alone");
	}
	if (!rv_code_valid(values[AUTHORITY])) {
		return tl_fail(e, list, RV_ESCHEMA, "TRUST-VALUE",
			"Authority \"%.60s\" is not a code", values[AUTHORITY]);
	}
	if (tl_decimal(&t->number, values[NUMBER], MAX_NUMBER) != 0) {
		return tl_fail(e, list, RV_ESCHEMA, "TRUST-VALUE",
			"Number \"%.30s\" is not a number from 1 on", values[NUMBER]);
	}
	if (rv_stamp_parse(&t->issued_us, values[ISSUED]) != 0 ||
		rv_stamp_parse(&t->expires_us, values[EXPIRES]) != 0) {
		return tl_fail(e, list, RV_ESCHEMA, "TRUST-VALUE",
			"Issued and Expires are moments in UTC such as 2026-11-24T08:00:00Z");
	}
	if (t->issued_us >= t->expires_us) {
		return tl_fail(e, list, RV_ESCHEMA, "TRUST-DATES", "Issued must be before Expires");
	}
	memcpy(t->authority, values[AUTHORITY], strlen(values[AUTHORITY]) + 1);
	return 0;
}

int tl_read_list(struct rv_trust *t, const xmlNode *list, struct rv_err *e)
{
	int rc = read_attributes(t, list, e);
	if (rc != 0) {
		return rc;
	}
	struct tl_walk w = {list, rv_xml_first(list), e, 0};
	if (!rv_xml_pure(list)) {
		tl_refuse(&w, list, "TRUST-SHAPE", "List has elements alone, without text");
	}
	tl_take_signing(&w, t);
	tl_take_issuers(&w, t);
	tl_take_checking(&w, t);
	size_t n = tl_count(&w, "Member", 0, MAX_MEMBERS);
	t->members = tl_alloc(&w, n, sizeof(*t->members));
	for (size_t i = 0; i < n && w.rc == 0; i++) {
		const xmlNode *node = tl_take(&w, "Member");
		w.rc = tl_read_member(&t->members[t->n_members++], node, e);
	}
	n = tl_count(&w, "Operation", 0, MAX_OPERATIONS);
	t->operations = tl_alloc(&w, n, sizeof(*t->operations));
	for (size_t i = 0; i < n && w.rc == 0; i++) {
		const xmlNode *node = tl_take(&w, "Operation");
		w.rc = tl_read_operation(&t->operations[t->n_operations++], node, e);
	}
	return tl_end(&w);
}
