/* SPDX-License-Identifier: Apache-2.0 */
#include "msg.h"

#include <string.h>

/* One row a code, in the order of the enums. */
static const char *const kinds[] = {
	"?",
	"warning",
	"seizure",
	"alert",
	"feedback",
	"situation-report",
	"update",
	"cancel",
	"request",
	"reply",
	"operation",
};
static const char *const section_names[] = {
	"Warning",
	"Alert",
	"Feedback",
	"Situation",
	"Amendment",
	"Request",
	"Reply",
	"Operation",
	"Event",
	"Goods",
	"Conveyance",
	"Route",
	"Concealment",
	"Persons",
	"Rights",
	"Narrative",
	"Attachments",
};
static const char *const section_ids[] = {
	"warning",
	"alert",
	"feedback",
	"situation",
	"amendment",
	"request",
	"reply",
	"operation",
	"event",
	"goods",
	"conveyance",
	"route",
	"concealment",
	"persons",
	"rights",
	"narrative",
	"attachments",
};
static const char *const statuses[] = {"?", "actual", "exercise", "test"};
static const char *const onwards[] = {"?", "none", "ask", "free"};
static const char *const tlps[] = {"?", "CLEAR", "GREEN", "AMBER", "AMBER+STRICT", "RED"};
static const char *const risks[] = {
	"revenue", "drugs", "health-safety-ipr", "security", "environment"};

#define COUNT(list) (sizeof(list) / sizeof((list)[0]))

_Static_assert(COUNT(kinds) == RV_KIND_LAST, "a text for each kind");
_Static_assert(COUNT(section_names) == RV_SEC_COUNT, "a name for each section");
_Static_assert(COUNT(section_ids) == RV_SEC_COUNT, "an Id for each section");

static const char *text_of(const char *const *list, size_t n, int i)
{
	return i >= 0 && (size_t)i < n ? list[i] : "?";
}

const char *rv_kind_text(enum rv_kind k)
{
	return text_of(kinds, COUNT(kinds), (int)k);
}

const char *rv_section_id(enum rv_section s)
{
	return text_of(section_ids, COUNT(section_ids), (int)s);
}

const char *rv_section_name(enum rv_section s)
{
	return text_of(section_names, COUNT(section_names), (int)s);
}

const char *rv_status_text(enum rv_status s)
{
	return text_of(statuses, COUNT(statuses), (int)s);
}

const char *rv_onward_text(enum rv_onward o)
{
	return text_of(onwards, COUNT(onwards), (int)o);
}

const char *rv_tlp_text(enum rv_tlp t)
{
	return text_of(tlps, COUNT(tlps), (int)t);
}

const char *rv_risk_text(enum rv_risk bit)
{
	for (size_t i = 0; i < COUNT(risks); i++) {
		if ((unsigned)bit == 1u << i) {
			return risks[i];
		}
	}
	return "?";
}

static int index_of(const char *const *list, size_t n, size_t first, const char *text)
{
	for (size_t i = first; i < n; i++) {
		if (strcmp(list[i], text) == 0) {
			return (int)i;
		}
	}
	return -1;
}

enum rv_kind rv_kind_parse(const char *text)
{
	int i = index_of(kinds, COUNT(kinds), 1, text);
	return i < 0 ? 0 : (enum rv_kind)i;
}

int rv_section_parse(const char *name)
{
	return index_of(section_names, COUNT(section_names), 0, name);
}

enum rv_status rv_status_parse(const char *text)
{
	int i = index_of(statuses, COUNT(statuses), 1, text);
	return i < 0 ? 0 : (enum rv_status)i;
}

enum rv_onward rv_onward_parse(const char *text)
{
	int i = index_of(onwards, COUNT(onwards), 1, text);
	return i < 0 ? 0 : (enum rv_onward)i;
}

enum rv_tlp rv_tlp_parse(const char *text)
{
	int i = index_of(tlps, COUNT(tlps), 1, text);
	return i < 0 ? 0 : (enum rv_tlp)i;
}

unsigned rv_risk_parse(const char *text)
{
	int i = index_of(risks, COUNT(risks), 0, text);
	return i < 0 ? 0 : 1u << i;
}
