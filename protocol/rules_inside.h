/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RV_RULES_INSIDE_H
#define RV_RULES_INSIDE_H

#include "check_inside.h"

/*
 * The business rules. Internal to the protocol library.
 *
 * A rule is a row of a table; tables stand in one file an area and are listed in rules.c. Its
 * function looks at the whole message and breaks the rule wherever it is broken. It meets documents
 * that the schema refuses: anything may be missing, and what is there may have no sense; then it
 * keeps silent, for the schema has spoken. A row without a function names a code list:
 * rules_codes.c looks up every value whose declaration names that list.
 */
struct rules;
struct rule {
	enum rv_level level;
	const char *code;
	const char *summary;
	const char *mend;
	void (*run)(struct rules *r, const struct rule *rule);
	const char *arg;
};

struct rules {
	const struct rv_catalog *catalog;
	const struct rv_check_context *ctx;
	struct faults *f;
	const xmlNode *root;
	const xmlNode *header; /* NULL if missing, as everything below */
	const xmlNode *sec[RV_SEC_COUNT];
	const xmlNode *signature;
	enum rv_kind kind; /* 0 if missing or unknown */
	unsigned withheld; /* sections that a relay left out */
	int64_t issue_us;  /* when it was or would be sealed; 0 if not known */
};

/* Breaks a rule at a node, unless the schema refuses the value of that node already. */
void rule_break(struct rules *r, const struct rule *rule, const xmlNode *at, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
/* The same with a mend of its own in the place of the rule's. */
void rule_break_mend(struct rules *r, const struct rule *rule, const xmlNode *at, const char *mend,
	const char *fmt, ...) __attribute__((format(printf, 5, 6)));
/* The same where an element below at is missing. */
void rule_break_missing(struct rules *r, const struct rule *rule, const xmlNode *at,
	const char *missing, const char *fmt, ...) __attribute__((format(printf, 5, 6)));

/* The same where another part of the library told the place and the words. */
void rule_break_err(
	struct rules *r, const struct rule *rule, const xmlNode *within, const struct rv_err *why);

/* All children of that name in turn. */
#define EACH(var, parent, name)                                                                    \
	const xmlNode *var = rv_xml_child(parent, name);                                           \
	var != NULL;                                                                               \
	var = rv_xml_again(var)

/* Values of elements; each returns 1 and fills *v if the element is there and holds one. */
int value_moment(const xmlNode *n, int64_t *t_us); /* date and time in UTC */
int value_day(const xmlNode *n, int64_t *t_us);    /* its first moment */
int value_number(const xmlNode *n, uint64_t *v);
int value_is(const xmlNode *n, const char *text); /* 0 if n is NULL */
int value_true(const xmlNode *n);                 /* boolean and true */
int value_zero(const xmlNode *n);                 /* a decimal number, and zero */
/* The text, "" if there is none. */
const char *value_text(const xmlNode *n);
const xmlNode *attr_node(const xmlNode *n, const char *name);

/* Whether a section is there; and whether it is neither there nor withheld, so that it can be
 * missed. */
static inline int has_section(const struct rules *r, enum rv_section s)
{
	return r->sec[s] != NULL;
}
static inline int lacks_section(const struct rules *r, enum rv_section s)
{
	return r->sec[s] == NULL && !(r->withheld & (1u << s));
}

/* What a text is to be compared by, with the node that has it. */
struct key {
	const char *text;
	const xmlNode *node;
};
/*
 * Breaks the rule at every value that an earlier one equals: "WHAT VALUE stands twice". Empty
 * values do not count. n log n.
 */
void rule_unique(struct rules *r, const struct rule *rule, struct key *keys, size_t n,
	int fold_case, const char *what);
/* The same for the children of that name, by the text of their child (or their own text if child is
 * NULL). */
void rule_unique_children(struct rules *r, const struct rule *rule, const xmlNode *parent,
	const char *name, const char *child, const char *what);

/* "2026-11-24 08:08 UTC" */
enum { MOMENT_WORDS = 32 };
const char *moment_words(char out[MOMENT_WORDS], int64_t t_us);
const char *day_words(char out[MOMENT_WORDS], int64_t t_us);

/* Every value with a code list, against the list. */
void rules_codes_run(struct rules *r);

extern const struct rule rules_kind[], rules_header[], rules_handling[], rules_dates[],
	rules_seal[], rules_scope[], rules_codes[], rules_goods[], rules_event[],
	rules_conveyance[], rules_route[], rules_persons[], rules_rights[], rules_bodies[],
	rules_situation[], rules_operation[], rules_texts[];

#endif
