/* SPDX-License-Identifier: Apache-2.0 */
#ifndef NODE_ROUTE_H
#define NODE_ROUTE_H

#include "protocol/err.h"
#include "protocol/msg.h"
#include "protocol/trustlist.h"

/*
 * Routing: who receives a message, and over which link it goes next. Pure: what it looks at is
 * handed in.
 */

struct status_view;

struct route_view {
	const struct rv_trust *trust;
	struct status_view *status; /* of the members' certificates; NULL: the list alone counts */
	const char *self;
	const char (*dial)[RV_CODE_TEXT]; /* members this node dials */
	size_t n_dial;
	int (*up)(void *ctx, const char *code); /* 1 if there is a live link now; NULL: none has */
	void *ctx;
	int64_t now_us;
};

struct route_codes {
	char (*codes)[RV_CODE_TEXT];
	size_t n;
};
void route_codes_clear(struct route_codes *c);
int route_codes_add(struct route_codes *c, const char *code, struct rv_err *e);
int route_codes_has(const struct route_codes *c, const char *code);

/*
 * May that member receive this message under the operation's rules? Fails closed: no entry in the
 * roster in force when the message was issued and now, nobody. A relay in the roster passes on and
 * does not receive. A right-holder receives nothing until rules match its rights, so it is refused
 * here. RV_EDENIED with the rule (ROUTE-...).
 */
int route_may_receive(const struct route_view *v, const struct rv_operation *op,
	const struct rv_header *h, const char *code, struct rv_err *e);

/* May that member originate this message in the operation? RV_EDENIED with the rule. */
int route_may_send(const struct route_view *v, const struct rv_operation *op,
	const struct rv_header *h, struct rv_err *e);

/*
 * The recipients of our own message: those named in the Header (each must be allowed), else every
 * participant that may receive. Never ourselves. None at all is RV_EDENIED (ROUTE-NOBODY).
 */
int route_recipients(const struct route_view *v, const struct rv_operation *op,
	const struct rv_header *h, struct route_codes *out, struct rv_err *e);

/*
 * The next hop towards a member: itself if there can be a direct link (we dial it, it is served by
 * us, or a link is up), else the relays that serve it, else relays that we dial; live links before
 * others; never a code in the trail (space separated, NULL allowed). hop is "" when there is no
 * way.
 */
void route_hop(const struct route_view *v, const char *recipient, const char *trail,
	char hop[RV_CODE_TEXT]);

enum { ROUTE_HOPS_MAX = 6 };

#endif
