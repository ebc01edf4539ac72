/* SPDX-License-Identifier: Apache-2.0 */
#include "trustlist_int.h"

#include <stdlib.h>
#include <string.h>

/* ---- hash index ---- */

static size_t hash_of(const void *key, size_t len)
{
	const uint8_t *p = key;
	uint64_t h = UINT64_C(0xcbf29ce484222325);
	for (size_t i = 0; i < len; i++) {
		h = (h ^ p[i]) * UINT64_C(0x100000001b3);
	}
	return (size_t)(h ^ h >> 32);
}

int tl_index_new(struct tl_index *x, size_t entries)
{
	size_t n = 8;
	while (n < 2 * entries) {
		n *= 2;
	}
	x->slots = calloc(n, sizeof(*x->slots));
	if (x->slots == NULL) {
		return RV_ENOMEM;
	}
	x->mask = n - 1;
	return 0;
}

void tl_index_free(struct tl_index *x)
{
	free(x->slots);
	*x = (struct tl_index){0};
}

/* The slot that has the key, or the free one where it belongs. */
static struct tl_slot *slot_of(const struct tl_index *x, const void *key, size_t len)
{
	size_t i = hash_of(key, len) & x->mask;
	while (x->slots[i].key != NULL &&
		(x->slots[i].len != len || memcmp(x->slots[i].key, key, len) != 0)) {
		i = (i + 1) & x->mask;
	}
	return &x->slots[i];
}

const void *tl_index_put(struct tl_index *x, const void *key, size_t len, const void *value)
{
	struct tl_slot *slot = slot_of(x, key, len);
	if (slot->key != NULL) {
		return slot->value;
	}
	*slot = (struct tl_slot){key, value, len};
	return NULL;
}

const void *tl_index_get(const struct tl_index *x, const void *key, size_t len)
{
	return x->slots != NULL ? slot_of(x, key, len)->value : NULL;
}

/* ---- life ---- */

struct rv_trust *tl_new(void)
{
	struct rv_trust *t = calloc(1, sizeof(*t));
	if (t != NULL) {
		atomic_init(&t->refs, 1);
	}
	return t;
}

struct rv_trust *rv_trust_ref(struct rv_trust *t)
{
	if (t != NULL) {
		atomic_fetch_add_explicit(&t->refs, 1, memory_order_relaxed);
	}
	return t;
}

void tl_clear_member(struct rv_member *m)
{
	free(m->name);
	for (size_t i = 0; i < m->n_endpoints; i++) {
		free(m->endpoints[i]);
	}
	free(m->endpoints);
	free(m->via);
	for (size_t i = 0; i < m->n_certs; i++) {
		rv_cert_free(&m->certs[i].cert);
	}
	free(m->certs);
	free(m->keys);
	for (size_t i = 0; i < m->n_rights; i++) {
		free(m->rights[i].brand);
		free(m->rights[i].registration);
		free(m->rights[i].countries);
	}
	free(m->rights);
}

static void clear_operation(struct rv_operation *op)
{
	free(op->name);
	free(op->participants);
	for (size_t i = 0; i < op->n_categories; i++) {
		struct rv_category_list *list = &op->categories[i];
		for (size_t j = 0; j < list->n; j++) {
			free(list->items[j].name);
			free(list->items[j].subs);
		}
		free(list->items);
	}
	free(op->categories);
}

void rv_trust_unref(struct rv_trust **t_p)
{
	if (t_p == NULL || *t_p == NULL) {
		return;
	}
	struct rv_trust *t = *t_p;
	*t_p = NULL;
	if (atomic_fetch_sub_explicit(&t->refs, 1, memory_order_acq_rel) != 1) {
		return;
	}
	for (size_t i = 0; i < t->n_members; i++) {
		tl_clear_member(&t->members[i]);
	}
	for (size_t i = 0; i < t->n_operations; i++) {
		clear_operation(&t->operations[i]);
	}
	for (size_t i = 0; i < t->n_signing; i++) {
		rv_cert_free(&t->signing[i].cert);
	}
	for (size_t i = 0; i < t->n_issuers; i++) {
		tl_clear_issuer(&t->issuers[i]);
	}
	free(t->signing);
	free(t->issuers);
	free(t->members);
	free(t->operations);
	free(t->owners);
	tl_index_free(&t->by_code);
	tl_index_free(&t->by_curve);
	tl_index_free(&t->by_operation);
	free(t);
}

/* ---- questions ---- */

const char *rv_trust_authority(const struct rv_trust *t)
{
	return t != NULL ? t->authority : "";
}

unsigned rv_trust_signers(const struct rv_trust *t)
{
	return t != NULL ? t->signers : 0;
}

uint64_t rv_trust_number(const struct rv_trust *t)
{
	return t != NULL ? t->number : 0;
}

int64_t rv_trust_issued(const struct rv_trust *t)
{
	return t != NULL ? t->issued_us : 0;
}

int64_t rv_trust_expires(const struct rv_trust *t)
{
	return t != NULL ? t->expires_us : 0;
}

static const uint8_t no_digest[RV_DIGEST_LEN];

const uint8_t *rv_trust_digest(const struct rv_trust *t)
{
	return t != NULL ? t->digest : no_digest;
}

const uint8_t *rv_trust_list_digest(const struct rv_trust *t)
{
	return t != NULL ? t->list_digest : no_digest;
}

size_t rv_trust_members(const struct rv_trust *t, const struct rv_member **members_r)
{
	*members_r = t != NULL ? t->members : NULL;
	return t != NULL ? t->n_members : 0;
}

size_t rv_trust_operations(const struct rv_trust *t, const struct rv_operation **ops_r)
{
	*ops_r = t != NULL ? t->operations : NULL;
	return t != NULL ? t->n_operations : 0;
}

const struct rv_member *rv_trust_member(const struct rv_trust *t, const char *code)
{
	return t != NULL ? tl_index_get(&t->by_code, code, strlen(code)) : NULL;
}

const struct rv_operation *rv_trust_operation(const struct rv_trust *t, const char *code)
{
	return t != NULL ? tl_index_get(&t->by_operation, code, strlen(code)) : NULL;
}

static int in_force(int64_t from_us, int64_t to_us, int64_t at_us)
{
	return at_us >= from_us && at_us <= to_us;
}

const struct rv_member *rv_trust_by_curve(const struct rv_trust *t, const char *z85, int64_t now_us)
{
	const struct tl_key_owner *owner =
		t != NULL ? tl_index_get(&t->by_curve, z85, strlen(z85)) : NULL;
	if (owner == NULL || !in_force(owner->key->from_us, owner->key->to_us, now_us)) {
		return NULL;
	}
	return owner->member;
}

const struct rv_cert *rv_trust_cert(const struct rv_trust *t, const char *code,
	const uint8_t digest[RV_DIGEST_LEN], int64_t at_us, struct rv_err *e)
{
	const struct rv_member *m = rv_trust_member(t, code);
	if (m == NULL) {
		rv_fail_rule(e, RV_ECERT, "CERT-MEMBER", "%.16s is not a member of trust list %llu",
			code, (unsigned long long)rv_trust_number(t));
		return NULL;
	}
	for (size_t i = 0; i < m->n_certs; i++) {
		const struct rv_dated_cert *c = &m->certs[i];
		if (memcmp(rv_cert_digest(c->cert), digest, RV_DIGEST_LEN) != 0) {
			continue;
		}
		if (!in_force(c->from_us, c->to_us, at_us)) {
			char from[RV_STAMP_TEXT], to[RV_STAMP_TEXT];
			rv_stamp_text(from, c->from_us);
			rv_stamp_text(to, c->to_us);
			rv_fail_rule(e, RV_ECERT,
				at_us < c->from_us ? "CERT-NOT-YET" : "CERT-EXPIRED",
				"trust list %llu accepts this certificate of %s from %s to %s only",
				(unsigned long long)t->number, m->code, from, to);
			return NULL;
		}
		if (c->revoked_us != 0 && at_us >= c->revoked_us) {
			char since[RV_STAMP_TEXT];
			rv_stamp_text(since, c->revoked_us);
			rv_fail_rule(e, RV_ECERT, "STATUS-REVOKED",
				"trust list %llu revokes this certificate of %s since %s (%s)",
				(unsigned long long)t->number, m->code, since,
				rv_reason_text(c->reason));
			return NULL;
		}
		return rv_cert_valid_at(c->cert, at_us, e) == 0 ? c->cert : NULL;
	}
	rv_fail_rule(e, RV_ECERT, "CERT-UNLISTED",
		"trust list %llu does not list this certificate for %s",
		(unsigned long long)t->number, m->code);
	rv_err_mend(e, "Ask the coordinator to list the certificate, or sign with the one that is "
		       "listed.");
	return NULL;
}

/* The first participant of that code: they are ordered by code. */
static size_t first_of(const struct rv_operation *op, const char *code)
{
	size_t low = 0;
	size_t high = op->n_participants;
	while (low < high) {
		size_t mid = low + (high - low) / 2;
		if (strcmp(op->participants[mid].code, code) < 0) {
			low = mid + 1;
		} else {
			high = mid;
		}
	}
	return low;
}

static const struct rv_participant *find_part(
	const struct rv_operation *op, const char *code, int part, int64_t at_us)
{
	for (size_t i = first_of(op, code); i < op->n_participants; i++) {
		const struct rv_participant *p = &op->participants[i];
		if (strcmp(p->code, code) != 0) {
			break;
		}
		if ((part == 0 || (int)p->part == part) && in_force(p->from_us, p->to_us, at_us)) {
			return p;
		}
	}
	return NULL;
}

const struct rv_participant *rv_participant_at(
	const struct rv_operation *op, const char *code, int64_t at_us)
{
	return find_part(op, code, 0, at_us);
}

int rv_participant_has(
	const struct rv_operation *op, const char *code, enum rv_part part, int64_t at_us)
{
	return find_part(op, code, (int)part, at_us) != NULL;
}

/* ---- words ---- */

static const struct {
	enum rv_role bit;
	const char *text;
} roles[] = {
	{RV_ROLE_ADMINISTRATION, "administration"},
	{RV_ROLE_RIGHT_HOLDER, "right-holder"},
	{RV_ROLE_COORDINATOR, "coordinator"},
	{RV_ROLE_RELAY, "relay"},
};

const char *rv_role_text(enum rv_role bit)
{
	for (size_t i = 0; i < sizeof(roles) / sizeof(roles[0]); i++) {
		if (roles[i].bit == bit) {
			return roles[i].text;
		}
	}
	return "?";
}

unsigned rv_role_parse(const char *text)
{
	for (size_t i = 0; i < sizeof(roles) / sizeof(roles[0]); i++) {
		if (strcmp(roles[i].text, text) == 0) {
			return roles[i].bit;
		}
	}
	return 0;
}

static const char *const parts[] = {
	[RV_PART_PARTICIPANT] = "participant",
	[RV_PART_OBSERVER] = "observer",
	[RV_PART_COORDINATION] = "coordination-unit",
	[RV_PART_RELAY] = "relay",
	[RV_PART_RIGHT_HOLDER] = "right-holder",
};

const char *rv_part_text(enum rv_part p)
{
	return p >= RV_PART_PARTICIPANT && p <= RV_PART_RIGHT_HOLDER ? parts[p] : "?";
}

enum rv_part rv_part_parse(const char *text)
{
	for (size_t i = RV_PART_PARTICIPANT; i <= RV_PART_RIGHT_HOLDER; i++) {
		if (strcmp(parts[i], text) == 0) {
			return (enum rv_part)i;
		}
	}
	return 0;
}

static int host_valid(const char *host, size_t len)
{
	static const char alnum[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-";
	if (len > 2 && host[0] == '[' && host[len - 1] == ']') {
		return strspn(host + 1, "0123456789abcdefABCDEF:.") == len - 2;
	}
	return len > 0 && len <= 253 && strspn(host, alnum) == len &&
	       strchr(".-", host[0]) == NULL && strchr(".-", host[len - 1]) == NULL;
}

int rv_endpoint_valid(const char *text)
{
	static const char scheme[] = "tcp://";
	uint64_t port = 0;
	if (strncmp(text, scheme, sizeof(scheme) - 1) != 0) {
		return 0;
	}
	const char *host = text + sizeof(scheme) - 1;
	const char *colon = strrchr(host, ':');
	return colon != NULL && host_valid(host, (size_t)(colon - host)) &&
	       tl_decimal(&port, colon + 1, 65535) == 0;
}

int rv_z85_key_valid(const char *text)
{
	static const char digits[] = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXY"
				     "Z.-:+=^!/*?&<>()[]{}@%$#";
	if (strlen(text) != RV_CURVE_KEY_TEXT - 1) {
		return 0;
	}
	for (size_t i = 0; i < RV_CURVE_KEY_TEXT - 1; i += 5) {
		uint64_t v = 0;
		for (size_t j = i; j < i + 5; j++) {
			const char *d = strchr(digits, text[j]);
			if (d == NULL) {
				return 0;
			}
			v = v * 85 + (uint64_t)(d - digits);
		}
		if (v > UINT32_MAX) {
			return 0;
		}
	}
	return 1;
}
