/* SPDX-License-Identifier: Apache-2.0 */
#include "rules_inside.h"

#include <string.h>

/* Who may read it and what may be done with it: combinations that contradict each other. */

static const xmlNode *in_header(const struct rules *r, const char *name)
{
	return rv_xml_child(r->header, name);
}

static int has_caveat(const struct rules *r, const char *code, const xmlNode **at)
{
	for (EACH(n, r->header, "Caveat")) {
		if (value_is(n, code)) {
			*at = n;
			return 1;
		}
	}
	return 0;
}

static int is_open(const xmlNode *tlp)
{
	return value_is(tlp, "CLEAR") || value_is(tlp, "GREEN");
}

static void nominal_is_kept(struct rules *r, const struct rule *rule)
{
	const xmlNode *tlp = in_header(r, "TLPCode");
	if (has_section(r, RV_SEC_PERSONS) && is_open(tlp)) {
		rule_break(r, rule, tlp,
			"TLPCode is %s, but the message has personal data in the section Persons",
			value_text(tlp));
	}
}

static void delivery_is_kept(struct rules *r, const struct rule *rule)
{
	const xmlNode *tlp = in_header(r, "TLPCode");
	if (value_is(rv_xml_child(r->sec[RV_SEC_EVENT], "ActionCode"), "controlled-delivery") &&
		is_open(tlp)) {
		rule_break(r, rule, tlp, "TLPCode is %s, but a controlled delivery is under way",
			value_text(tlp));
	}
}

static void do_not_stop_is_kept(struct rules *r, const struct rule *rule)
{
	const xmlNode *tlp = in_header(r, "TLPCode");
	if (value_is(rv_xml_child(r->sec[RV_SEC_WARNING], "ActionCode"), "do-not-stop") &&
		is_open(tlp)) {
		rule_break(r, rule, tlp,
			"TLPCode is %s, but the warning asks not to stop what is watched",
			value_text(tlp));
	}
}

/* The rule's argument is "HANDLING" or "TLP" as it must not be with free. */
static void free_contradicts(struct rules *r, const struct rule *rule)
{
	const xmlNode *onward = in_header(r, "OnwardCode");
	const char *name = rule->arg[0] == 'H' ? "HandlingCode" : "TLPCode";
	if (value_is(onward, "free") && value_is(in_header(r, name), rule->arg)) {
		rule_break(r, rule, onward, "OnwardCode is free, but %s is %s", name, rule->arg);
	}
}

static void clear_and_none(struct rules *r, const struct rule *rule)
{
	const xmlNode *onward = in_header(r, "OnwardCode");
	if (value_is(onward, "none") && value_is(in_header(r, "TLPCode"), "CLEAR")) {
		rule_break(r, rule, onward,
			"TLPCode is CLEAR, without any limit, but OnwardCode is none");
	}
}

static void evidence_contradicts(struct rules *r, const struct rule *rule)
{
	const xmlNode *handling = in_header(r, "HandlingCode");
	if (value_is(handling, "H1") &&
		value_is(in_header(r, "PurposeCode"), "judicial-proceedings") &&
		r->kind != RV_KIND_CANCEL) {
		rule_break(r, rule, handling,
			"HandlingCode H1 forbids use as evidence, but PurposeCode is "
			"judicial-proceedings");
	}
}

static void caveats_once(struct rules *r, const struct rule *rule)
{
	rule_unique_children(r, rule, r->header, "Caveat", NULL, "the caveat");
}

static void named_are_named(struct rules *r, const struct rule *rule)
{
	const xmlNode *at = NULL;
	if (has_caveat(r, "named-recipients-only", &at) && in_header(r, "Recipient") == NULL) {
		rule_break(r, rule, at,
			"the message goes to named recipients only, but no Recipient is named");
	}
}

static void named_is_not_free(struct rules *r, const struct rule *rule)
{
	const xmlNode *at = NULL;
	const xmlNode *onward = in_header(r, "OnwardCode");
	if (has_caveat(r, "named-recipients-only", &at) && value_is(onward, "free")) {
		rule_break(r, rule, onward,
			"OnwardCode is free, but the message is for named recipients only");
	}
}

static void alert_goes_to_holder(struct rules *r, const struct rule *rule)
{
	const xmlNode *at = NULL;
	if (r->kind == RV_KIND_ALERT && has_caveat(r, "no-right-holders", &at)) {
		rule_break(r, rule, at,
			"an alert asks a right-holder, but the caveat keeps right-holders out");
	}
}

const struct rule rules_handling[] = {
	{RV_LEVEL_ERROR, "RV-HANDLING-NOMINAL", "Personal data is AMBER at least.",
		"Choose AMBER, AMBER+STRICT or RED, or take Persons out.", nominal_is_kept, NULL},
	{RV_LEVEL_ERROR, "RV-HANDLING-DELIVERY", "A controlled delivery is AMBER at least.",
		"Choose AMBER, AMBER+STRICT or RED.", delivery_is_kept, NULL},
	{RV_LEVEL_ERROR, "RV-HANDLING-WATCHED",
		"A warning not to stop something is AMBER at least.",
		"Choose AMBER, AMBER+STRICT or RED.", do_not_stop_is_kept, NULL},
	{RV_LEVEL_ERROR, "RV-HANDLING-H2",
		"What may not be passed on without permission (H2) is not free to pass on.",
		"Set OnwardCode to ask or none, or choose another handling code.", free_contradicts,
		"H2"},
	{RV_LEVEL_ERROR, "RV-HANDLING-RED",
		"What is for its recipients only (RED) is not free to pass on.",
		"Set OnwardCode to none, or choose another TLPCode.", free_contradicts, "RED"},
	{RV_LEVEL_ERROR, "RV-HANDLING-STRICT",
		"What stays in the organisation that receives it (AMBER+STRICT) is not free to "
		"pass on.",
		"Set OnwardCode to ask or none, or choose another TLPCode.", free_contradicts,
		"AMBER+STRICT"},
	{RV_LEVEL_WARNING, "RV-HANDLING-CLEAR", "What is public (CLEAR) may be passed on.",
		"Set OnwardCode to free, or choose GREEN or AMBER.", clear_and_none, NULL},
	{RV_LEVEL_ERROR, "RV-HANDLING-EVIDENCE",
		"What may not be used as evidence (H1) is not sent for judicial proceedings.",
		"Choose H0, or another purpose.", evidence_contradicts, NULL},
	{RV_LEVEL_ERROR, "RV-HANDLING-CAVEAT-TWICE", "A caveat stands once.",
		"Take the second one out.", caveats_once, NULL},
	{RV_LEVEL_ERROR, "RV-HANDLING-NAMED", "A message for named recipients only names them.",
		"Add a Recipient for each member that may have it, or take the caveat out.",
		named_are_named, NULL},
	{RV_LEVEL_ERROR, "RV-HANDLING-NAMED-FREE",
		"A message for named recipients only is not free to pass on.",
		"Set OnwardCode to none or ask.", named_is_not_free, NULL},
	{RV_LEVEL_ERROR, "RV-HANDLING-HOLDER", "An alert is for a right-holder.",
		"Take the caveat no-right-holders out.", alert_goes_to_holder, NULL},
	{0},
};
