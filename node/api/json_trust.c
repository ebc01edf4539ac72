/* SPDX-License-Identifier: Apache-2.0 */
#include "node/api/json.h"

#include "protocol/trustlist.h"

static json_t *json_of_kinds(const struct rv_operation *op)
{
	int bad = 0;
	json_t *kinds = json_array();
	for (int k = RV_KIND_WARNING; k < RV_KIND_LAST; k++)
		if (!op->kinds || (op->kinds & (1u << k)))
			json_push(kinds, json_string(rv_kind_text((enum rv_kind)k)), &bad);
	return json_done(kinds, bad);
}

json_t *json_of_operation(const struct rv_operation *op)
{
	int bad = 0;
	json_t *o = json_object(), *risks = json_array(), *participants = json_array(),
	       *categories = json_array();
	for (unsigned bit = 1; bit <= RV_RISK_ENVIRONMENT; bit <<= 1)
		if (op->risks & bit)
			json_push(risks, json_string(rv_risk_text((enum rv_risk)bit)), &bad);
	for (size_t i = 0; i < op->n_participants; i++) {
		const struct rv_participant *p = &op->participants[i];
		json_t *one = json_object();
		json_put(one, "code", json_text(p->code), &bad);
		json_put(one, "part", json_string(rv_part_text(p->part)), &bad);
		json_put(one, "from", json_stamp(p->from_us), &bad);
		json_put(one, "to", json_stamp(p->to_us), &bad);
		json_push(participants, one, &bad);
	}
	for (size_t i = 0; i < op->n_categories; i++) {
		json_t *one = json_object();
		json_put(one, "code", json_text(op->categories[i].code), &bad);
		json_put(one, "version", json_integer(op->categories[i].version), &bad);
		json_push(categories, one, &bad);
	}
	json_put(o, "code", json_text(op->code), &bad);
	json_put(o, "version", json_integer(op->version), &bad);
	json_put(o, "name", json_text(op->name ? op->name : ""), &bad);
	json_put(o, "lead", json_text(op->lead), &bad);
	json_put(o, "from", json_stamp(op->from_us), &bad);
	json_put(o, "to", json_stamp(op->to_us), &bad);
	json_put(o, "risks", risks, &bad);
	json_put(o, "kinds", json_of_kinds(op), &bad);
	json_put(o, "nominalAllowed", json_boolean(op->nominal_allowed), &bad);
	json_put(o, "participants", participants, &bad);
	json_put(o, "categoryLists", categories, &bad);
	return json_done(o, bad);
}

static json_t *of_member(const struct rv_member *m)
{
	int bad = 0;
	json_t *o = json_object(), *roles = json_array(), *endpoints = json_array(),
	       *via = json_array();
	json_t *certs = json_array(), *keys = json_array();
	for (unsigned bit = 1; bit <= RV_ROLE_RELAY; bit <<= 1)
		if (m->roles & bit)
			json_push(roles, json_string(rv_role_text((enum rv_role)bit)), &bad);
	for (size_t i = 0; i < m->n_endpoints; i++)
		json_push(endpoints, json_text(m->endpoints[i]), &bad);
	for (size_t i = 0; i < m->n_via; i++)
		json_push(via, json_text(m->via[i]), &bad);
	for (size_t i = 0; i < m->n_certs; i++) {
		json_t *one = json_object();
		json_put(one, "digest",
			json_digest(rv_cert_digest(m->certs[i].cert), RV_DIGEST_LEN), &bad);
		json_put(one, "from", json_stamp(m->certs[i].from_us), &bad);
		json_put(one, "to", json_stamp(m->certs[i].to_us), &bad);
		json_push(certs, one, &bad);
	}
	for (size_t i = 0; i < m->n_keys; i++) {
		json_t *one = json_object();
		json_put(one, "key", json_text(m->keys[i].z85), &bad);
		json_put(one, "from", json_stamp(m->keys[i].from_us), &bad);
		json_put(one, "to", json_stamp(m->keys[i].to_us), &bad);
		json_push(keys, one, &bad);
	}
	json_put(o, "code", json_text(m->code), &bad);
	json_put(o, "name", json_text(m->name ? m->name : ""), &bad);
	json_put(o, "roles", roles, &bad);
	json_put(o, "endpoints", endpoints, &bad);
	json_put(o, "via", via, &bad);
	json_put(o, "certificates", certs, &bad);
	json_put(o, "curveKeys", keys, &bad);
	return json_done(o, bad);
}

json_t *json_of_trust(const struct rv_trust *t)
{
	int bad = 0;
	json_t *o = json_object(), *members = json_array();
	const struct rv_member *list;
	size_t n = rv_trust_members(t, &list);
	for (size_t i = 0; i < n; i++)
		json_push(members, of_member(&list[i]), &bad);
	json_put(o, "number", json_integer((json_int_t)rv_trust_number(t)), &bad);
	json_put(o, "issued", json_stamp(rv_trust_issued(t)), &bad);
	json_put(o, "expires", json_stamp(rv_trust_expires(t)), &bad);
	json_put(o, "digest", json_digest(rv_trust_digest(t), RV_DIGEST_LEN), &bad);
	json_put(o, "members", members, &bad);
	return json_done(o, bad);
}

json_t *json_of_operations(const struct rv_trust *t)
{
	int bad = 0;
	json_t *list = json_array();
	const struct rv_operation *ops;
	size_t n = rv_trust_operations(t, &ops);
	for (size_t i = 0; i < n; i++)
		json_push(list, json_of_operation(&ops[i]), &bad);
	return json_done(list, bad);
}
