/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RV_CHECK_H
#define RV_CHECK_H

#include "catalog.h"
#include "err.h"
#include "msg.h"
#include "trustlist.h"
#include "xml.h"

/*
 * Schema and business rules: every fault of a document at once.
 */

enum rv_level { RV_LEVEL_ERROR = 1, RV_LEVEL_WARNING };

struct rv_fault {
	enum rv_level level;
	const char *code; /* stable, static: "XSD-ENUM", "RV-GOODS-HS" */
	int line, column; /* of the element's '<'; 0 if none */
	char *path;       /* /Message/Goods/Line[2]/HSCode */
	char *text;       /* what is wrong */
	char *mend;       /* how to mend it */
};

struct rv_report {
	struct rv_fault
		*faults; /* in document order, at most 500; errors stay before warnings go */
	size_t n;
	size_t errors, warnings; /* all that were found, those that the limit cut too */
	int truncated;           /* 1 if the limit cut the list */
};
void rv_report_clear(struct rv_report *r);

/*
 * A checker holds the compiled schema and its validation contexts. One a thread; the catalog is
 * borrowed.
 */
struct rv_checker;
int rv_checker_new(struct rv_checker **c_r, const struct rv_catalog *catalog, struct rv_err *e);
void rv_checker_free(struct rv_checker **c);

struct rv_check_context {
	int64_t now_us;                       /* for dates that cannot be */
	const struct rv_operation *operation; /* its category lists, kinds and dates; NULL: not
						 known, those rules are skipped */
	int sealed; /* 1: what the node assigns must be there; withheld sections are not missed */
	unsigned withheld; /* mask of rv_section, when sealed */
};

/*
 * Checks a parsed message. Returns 0 when it could be checked (look at report->errors), a negative
 * code when not.
 */
int rv_check_doc(struct rv_checker *c, xmlDoc *doc, const struct rv_check_context *ctx,
	struct rv_report *report, struct rv_err *e);
/* Parses first; a syntax fault becomes the one fault of the report (code XML-*). doc_r may be NULL.
 * flags as rv_xml_parse. */
int rv_check_bytes(struct rv_checker *c, const void *data, size_t len, unsigned flags,
	const struct rv_check_context *ctx, struct rv_report *report, xmlDoc **doc_r,
	struct rv_err *e);
/* Only the schema, for the trust list. */
int rv_check_trust(struct rv_checker *c, xmlDoc *doc, struct rv_report *report, struct rv_err *e);

/* The catalogue of rules, for documentation and tests: calls fn for each, XML-* and XSD-* first,
 * then RV-* by area. Stops at the first non-zero, which it returns. */
int rv_rules_each(int (*fn)(void *ctx, enum rv_level level, const char *code, const char *summary,
			  const char *mend),
	void *ctx);

#endif
