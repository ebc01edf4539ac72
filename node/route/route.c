/* SPDX-License-Identifier: Apache-2.0 */
#include "node/route/route.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void route_codes_clear(struct route_codes *c)
{
	if (c != NULL) {
		free(c->codes);
		c->codes = NULL;
		c->n = 0;
	}
}

int route_codes_has(const struct route_codes *c, const char *code)
{
	for (size_t i = 0; i < c->n; i++) {
		if (strcmp(c->codes[i], code) == 0) {
			return 1;
		}
	}
	return 0;
}

int route_codes_add(struct route_codes *c, const char *code, struct rv_err *e)
{
	if ((c->n & (c->n - 1)) == 0) {
		size_t room = c->n == 0 ? 1 : 2 * c->n;
		char(*grown)[RV_CODE_TEXT] = realloc(c->codes, room * sizeof(*grown));
		if (grown == NULL) {
			return rv_fail_nomem(e);
		}
		c->codes = grown;
	}
	snprintf(c->codes[c->n++], RV_CODE_TEXT, "%s", code);
	return 0;
}

/* The parts that a member has in the operation at that time: bits (1u << enum rv_part). It may have
 * several. */
static unsigned parts_at(const struct rv_operation *op, const char *code, int64_t at_us)
{
	unsigned parts = 0;
	for (size_t i = 0; i < op->n_participants; i++) {
		const struct rv_participant *p = &op->participants[i];
		if (strcmp(p->code, code) == 0 && p->from_us <= at_us && at_us <= p->to_us) {
			parts |= 1u << p->part;
		}
	}
	return parts;
}

enum {
	RECEIVERS = 1 << RV_PART_PARTICIPANT | 1 << RV_PART_OBSERVER | 1 << RV_PART_COORDINATION,
	SENDERS = 1 << RV_PART_PARTICIPANT | 1 << RV_PART_COORDINATION,
};

int route_may_receive(const struct route_view *v, const struct rv_operation *op,
	const struct rv_header *h, const char *code, struct rv_err *e)
{
	int64_t issued = h->issued_us != 0 ? h->issued_us : v->now_us;
	unsigned then = parts_at(op, code, issued);
	unsigned now = parts_at(op, code, v->now_us);
	if (then == 0 || now == 0) {
		rv_fail_rule(e, RV_EDENIED, "ROUTE-ROSTER",
			"%s is not in the roster of operation %s %s", code, op->code,
			then == 0 ? "at the time the message was issued" : "any more");
		rv_err_mend(e, "Ask the coordinator of the operation to admit %s.", code);
		return RV_EDENIED;
	}
	if (rv_trust_member(v->trust, code) == NULL) {
		return rv_fail_rule(
			e, RV_EDENIED, "ROUTE-MEMBER", "%s is not in the trust list", code);
	}
	if (then & now & RECEIVERS) {
		return 0;
	}
	if (now == 1u << RV_PART_RELAY) {
		rv_fail_rule(e, RV_EDENIED, "ROUTE-RELAY",
			"%s is a relay in operation %s: it passes on and does not receive", code,
			op->code);
		rv_err_mend(e, "Name the member that the message is for.");
		return RV_EDENIED;
	}
	if (now & 1u << RV_PART_RIGHT_HOLDER) {
		return rv_fail_rule(e, RV_EDENIED, "ROUTE-RIGHT-HOLDER",
			"%s is a right-holder: this version sends right-holders nothing", code);
	}
	return rv_fail_rule(e, RV_EDENIED, "ROUTE-ROSTER",
		"%s had no receiving role in operation %s when the message was issued", code,
		op->code);
}

int route_may_send(const struct route_view *v, const struct rv_operation *op,
	const struct rv_header *h, struct rv_err *e)
{
	int64_t issued = h->issued_us != 0 ? h->issued_us : v->now_us;
	unsigned parts = parts_at(op, h->originator, issued);
	if (parts == 0) {
		rv_fail_rule(e, RV_EDENIED, "ROUTE-SENDER",
			"%s was not in the roster of operation %s when the message was issued",
			h->originator, op->code);
		rv_err_mend(e, "Ask the coordinator of the operation to admit %s.", h->originator);
		return RV_EDENIED;
	}
	int answer = h->kind == RV_KIND_FEEDBACK || h->kind == RV_KIND_REPLY;
	if (!(parts & SENDERS) && !(answer && (parts & 1u << RV_PART_RIGHT_HOLDER))) {
		return rv_fail_rule(e, RV_EDENIED, "ROUTE-SENDER-ROLE",
			"%s may not send a message of kind %s in operation %s: relays and "
			"observers send nothing, "
			"right-holders only answer",
			h->originator, rv_kind_text(h->kind), op->code);
	}
	if (op->kinds != 0 && !(op->kinds & 1u << h->kind)) {
		return rv_fail_rule(e, RV_EDENIED, "ROUTE-KIND",
			"operation %s takes no messages of kind %s", op->code,
			rv_kind_text(h->kind));
	}
	if (issued < op->from_us || issued > op->to_us) {
		return rv_fail_rule(e, RV_EDENIED, "ROUTE-DATES",
			"operation %s was not open when the message was issued", op->code);
	}
	return 0;
}

static int named_recipients(const struct route_view *v, const struct rv_operation *op,
	const struct rv_header *h, struct route_codes *out, struct rv_err *e)
{
	for (size_t i = 0; i < h->n_recipients; i++) {
		const char *code = h->recipients[i];
		if (strcmp(code, v->self) == 0 || route_codes_has(out, code)) {
			continue;
		}
		int rc = route_may_receive(v, op, h, code, e);
		if (rc == 0) {
			rc = route_codes_add(out, code, e);
		}
		if (rc != 0) {
			return rc;
		}
	}
	return 0;
}

static int roster_recipients(const struct route_view *v, const struct rv_operation *op,
	const struct rv_header *h, struct route_codes *out, struct rv_err *e)
{
	for (size_t i = 0; i < op->n_participants; i++) {
		const char *code = op->participants[i].code;
		if (strcmp(code, v->self) == 0 || route_codes_has(out, code) ||
			route_may_receive(v, op, h, code, NULL) != 0) {
			continue;
		}
		int rc = route_codes_add(out, code, e);
		if (rc != 0) {
			return rc;
		}
	}
	return 0;
}

int route_recipients(const struct route_view *v, const struct rv_operation *op,
	const struct rv_header *h, struct route_codes *out, struct rv_err *e)
{
	struct route_codes codes = {0};
	int rc = h->n_recipients > 0 ? named_recipients(v, op, h, &codes, e)
				     : roster_recipients(v, op, h, &codes, e);
	if (rc == 0 && codes.n == 0) {
		rc = rv_fail_rule(e, RV_EDENIED, "ROUTE-NOBODY",
			"nobody in operation %s may receive this message", op->code);
		rv_err_mend(e, "Look at the roster: reeve operation show %s.", op->code);
	}
	if (rc != 0) {
		route_codes_clear(&codes);
		return rc;
	}
	*out = codes;
	return 0;
}

static int in_trail(const char *trail, const char *code)
{
	size_t len = strlen(code);
	for (const char *p = trail; p != NULL && *p != '\0'; p += strspn(p, " ")) {
		size_t word = strcspn(p, " ");
		if (word == len && memcmp(p, code, len) == 0) {
			return 1;
		}
		p += word;
	}
	return 0;
}

static int dials(const struct route_view *v, const char *code)
{
	for (size_t i = 0; i < v->n_dial; i++) {
		if (strcmp(v->dial[i], code) == 0) {
			return 1;
		}
	}
	return 0;
}

static int is_up(const struct route_view *v, const char *code)
{
	return v->up != NULL && v->up(v->ctx, code) == 1;
}

static int serves(const struct rv_member *member, const char *relay)
{
	for (size_t i = 0; i < member->n_via; i++) {
		if (strcmp(member->via[i], relay) == 0) {
			return 1;
		}
	}
	return 0;
}

/* Keeps the best candidate so far: a live link beats a possible one, the earlier beats the later.
 */
static void consider(const struct route_view *v, const char *trail, const char *code, int *live,
	char hop[RV_CODE_TEXT])
{
	if (*live || strcmp(code, v->self) == 0 || in_trail(trail, code)) {
		return;
	}
	int up = is_up(v, code);
	if (hop[0] == '\0' || up) {
		snprintf(hop, RV_CODE_TEXT, "%s", code);
		*live = up;
	}
}

void route_hop(const struct route_view *v, const char *recipient, const char *trail,
	char hop[RV_CODE_TEXT])
{
	const struct rv_member *member = rv_trust_member(v->trust, recipient);
	int live = 0;
	hop[0] = '\0';
	if (member == NULL) {
		return;
	}
	int direct = dials(v, recipient) || serves(member, v->self);
	if (direct || is_up(v, recipient)) {
		consider(v, trail, recipient, &live, hop);
	}
	for (size_t i = 0; i < member->n_via; i++) {
		/* a relay of the recipient that we have no link with leads nowhere */
		const struct rv_member *relay = rv_trust_member(v->trust, member->via[i]);
		if (relay != NULL && (dials(v, relay->code) || serves(relay, v->self) ||
					     is_up(v, relay->code))) {
			consider(v, trail, relay->code, &live, hop);
		}
	}
	for (size_t i = 0; i < v->n_dial; i++) {
		const struct rv_member *relay = rv_trust_member(v->trust, v->dial[i]);
		if (relay != NULL && (relay->roles & RV_ROLE_RELAY)) {
			consider(v, trail, relay->code, &live, hop);
		}
	}
}
