/* SPDX-License-Identifier: Apache-2.0 */
#ifndef NODE_TRUST_DIFF_H
#define NODE_TRUST_DIFF_H

#include "protocol/trustlist.h"

/*
 * What one trust list changes against another, for people who decide on it and for those who look
 * back. Dates of the lists themselves, and the order of what stands in them, are no change. Pure.
 */

enum trust_area {               /* in the order of a diff */
	TRUST_AREA_SIGNING = 1, /* who signs lists; there is one, without a subject */
	TRUST_AREA_ISSUER,      /* subject: the name in its certificate, 16 digits of its digest */
	TRUST_AREA_CHECKING,    /* subject: a role */
	TRUST_AREA_MEMBER,      /* subject: its code */
	TRUST_AREA_OPERATION    /* subject: its code */
};
const char *trust_area_text(enum trust_area area); /* "member" */

enum trust_change_kind { TRUST_ADDED = 1, TRUST_REMOVED, TRUST_CHANGED };
const char *trust_change_text(enum trust_change_kind kind); /* "added" */

/*
 * A change of a subject as a whole (label NULL), or of one fact of it. A subject that is added is
 * followed by all its facts, as added; one that is changed by those that changed. Facts have a
 * label ("certificate"), a key where there may be several (digits of its digest) and a value
 * ("2026-11-24 to 2028-11-24").
 */
struct trust_change {
	enum trust_change_kind kind;
	enum trust_area area;
	const char *subject, *label, *key;
	const char *was, *now; /* the value; NULL where it was, or is, not there */
};

struct trust_diff;

/* older NULL: everything is added. Needs neither list afterwards. */
int trust_diff_new(struct trust_diff **d_r, const struct rv_trust *older,
	const struct rv_trust *newer, struct rv_err *e);
void trust_diff_free(struct trust_diff **d);
size_t trust_diff_changes(const struct trust_diff *d, const struct trust_change **changes_r);
/* How many subjects of an area were added, removed or changed. */
size_t trust_diff_count(
	const struct trust_diff *d, enum trust_area area, enum trust_change_kind kind);
/* Appends lines for people: "+ member DE", and below it what it is. */
int trust_diff_text(const struct trust_diff *d, struct rv_buf *out, struct rv_err *e);

#endif
