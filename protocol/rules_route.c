/* SPDX-License-Identifier: Apache-2.0 */
#include "rules_inside.h"

#include <string.h>

/* The way of the goods, and how they were hidden. */

#define EACH_POINT(point) EACH(point, r->sec[RV_SEC_ROUTE], "Point")

static void in_order(struct rules *r, const struct rule *rule)
{
	uint64_t last = 0, number;
	for (EACH_POINT(point)) {
		const xmlNode *at = rv_xml_child(point, "SequenceNumeric");
		if (!value_number(at, &number)) {
			continue;
		}
		if (number <= last) {
			rule_break(r, rule, at, "point %llu of the route stands behind point %llu",
				(unsigned long long)number, (unsigned long long)last);
		}
		last = number;
	}
}

static void arrives_first(struct rules *r, const struct rule *rule)
{
	for (EACH_POINT(point)) {
		const xmlNode *at = rv_xml_child(point, "DepartureDateTime");
		int64_t departs, arrives;
		char a[MOMENT_WORDS], d[MOMENT_WORDS];
		if (value_moment(at, &departs) &&
			value_moment(rv_xml_child(point, "ArrivalDateTime"), &arrives) &&
			departs < arrives) {
			rule_break(r, rule, at,
				"the goods leave the place on %s, before they arrive (%s)",
				moment_words(d, departs), moment_words(a, arrives));
		}
	}
}

/* Points may leave their times out; the latest that is known counts. */
static void goes_forward(struct rules *r, const struct rule *rule)
{
	int64_t left = 0, t;
	for (EACH_POINT(point)) {
		const xmlNode *arrives = rv_xml_child(point, "ArrivalDateTime");
		const xmlNode *departs = rv_xml_child(point, "DepartureDateTime");
		const xmlNode *first = arrives != NULL ? arrives : departs;
		char here[MOMENT_WORDS], before[MOMENT_WORDS];
		if (value_moment(first, &t) && left != 0 && t < left) {
			rule_break(r, rule, first,
				"the goods are there on %s, before they left the place before (%s)",
				moment_words(here, t), moment_words(before, left));
		}
		if (value_moment(departs, &t) || value_moment(arrives, &t)) {
			left = t;
		}
	}
}

static void ends_fit(struct rules *r, const struct rule *rule)
{
	for (EACH_POINT(point)) {
		const xmlNode *type = rv_xml_child(point, "TypeCode");
		const xmlNode *next = rv_xml_again(point);
		const xmlNode *following = rv_xml_child(next, "TypeCode");
		if (value_is(following, "origin") && next != NULL) {
			rule_break(r, rule, following,
				"the route comes to its origin only after another place");
		}
		if (value_is(type, "destination") && next != NULL &&
			!value_is(following, "destination") && !value_is(following, "control")) {
			rule_break(r, rule, type, "the route goes on behind its destination");
		}
	}
}

static void none_is_alone(struct rules *r, const struct rule *rule)
{
	const xmlNode *first = rv_xml_child(r->sec[RV_SEC_CONCEALMENT], "Method");
	for (const xmlNode *n = first; n != NULL; n = rv_xml_again(n)) {
		const xmlNode *type = rv_xml_child(n, "TypeCode");
		if (value_is(type, "none") && (n != first || rv_xml_again(n) != NULL)) {
			rule_break(r, rule, type,
				"the goods were not hidden (none), but another method of "
				"concealment is told");
		}
	}
}

static void methods_once(struct rules *r, const struct rule *rule)
{
	rule_unique_children(
		r, rule, r->sec[RV_SEC_CONCEALMENT], "Method", "TypeCode", "the method");
}

const struct rule rules_route[] = {
	{RV_LEVEL_ERROR, "RV-ROUTE-ORDER",
		"Points of a route stand in the order of their numbers, each number once.",
		"Number the points 1, 2, 3 in the order of the journey.", in_order, NULL},
	{RV_LEVEL_ERROR, "RV-ROUTE-TIMES", "Goods leave a place after they arrive there.",
		"Correct ArrivalDateTime or DepartureDateTime; both are in UTC.", arrives_first,
		NULL},
	{RV_LEVEL_ERROR, "RV-ROUTE-FORWARD", "A route goes forward in time.",
		"Correct the times or the order of the points.", goes_forward, NULL},
	{RV_LEVEL_ERROR, "RV-ROUTE-ENDS",
		"A route begins with its origin and ends with its destination.",
		"Change the order of the points, or the TypeCode to transit or transshipment.",
		ends_fit, NULL},
	{RV_LEVEL_ERROR, "RV-CONCEALMENT-NONE",
		"Goods that were not hidden have no other method of concealment.",
		"Take none out, or the other methods.", none_is_alone, NULL},
	{RV_LEVEL_WARNING, "RV-CONCEALMENT-TWICE", "A method of concealment stands once.",
		"Join their descriptions.", methods_once, NULL},
	{0},
};
