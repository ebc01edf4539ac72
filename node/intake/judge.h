/* SPDX-License-Identifier: Apache-2.0 */
#ifndef NODE_JUDGE_H
#define NODE_JUDGE_H

#include "node/route/route.h"
#include "node/trust/status.h"
#include "protocol/check.h"
#include "protocol/frame.h"
#include "protocol/receipt.h"
#include "protocol/seal.h"

/*
 * The judgement of what arrives: parse > seal > schema > rules > authorise. Decides, changes
 * nothing. A judge holds a thread's verifier and checker; one a thread.
 */
struct judge;
int judge_new(struct judge **j_r, const struct rv_catalog *catalog, struct rv_err *e);
void judge_free(struct judge **j);

struct verdict {
	xmlDoc *doc;             /* owned; NULL if it could not be read */
	struct rv_header header; /* owned; zero if it could not be read */
	int has_header;
	struct rv_sealed sealed;
	struct status_standing standing; /* of the signer's certificate */
	struct rv_attachment *attachments;
	size_t n_attachments;
	struct route_codes allowed; /* the item's recipients that may receive it, this node among
				       them if it is one */
	struct route_codes refused; /* those that may not */
	struct rv_err why;          /* the reason for refusing: of all, or of those in refused */
};
void verdict_clear(struct verdict *v);

/*
 * Judges a message that a peer handed over. 0: accepted for verdict->allowed (which is not empty).
 * RV_EAGAIN and RV_ENOMEM: cannot be judged now (the trust list is missing or too old to know the
 * signer; the policy asks for a status that is not here, STATUS-UNKNOWN, STATUS-STALE): ask again
 * later. Any other code: refused, verdict->why tells rule, line and mend.
 * limit_attachment is the largest attachment taken.
 */
int judge_message(struct judge *j, const struct route_view *view, const char *peer,
	const struct rv_item *item, uint64_t limit_attachment, struct verdict *verdict);

/*
 * Judges a receipt: form, signature by the signer that the trust list names, and whether that
 * signer may state it. 0 and *receipt_r filled, or why not.
 */
int judge_receipt(struct judge *j, const struct route_view *view, struct rv_span bytes,
	struct rv_receipt *receipt_r, struct rv_err *e);

/*
 * Reads and checks a draft: schema and rules with the operation's lists. operation "" takes the
 * draft's own; to names recipients in place of the draft's. *doc_r (xmlFreeDoc), *header_r
 * (rv_header_clear) are the caller's on success; *op_r is borrowed from the view. RV_ERULE,
 * RV_ESCHEMA, RV_EPARSE: look at the report, whose first error is in e.
 */
struct draft_ask {
	const void *bytes;
	size_t len;
	const char *operation;
	const struct route_codes *to;
};
int judge_draft(struct judge *j, const struct route_view *view, const struct draft_ask *ask,
	struct rv_report *report, xmlDoc **doc_r, struct rv_header *header_r,
	const struct rv_operation **op_r, struct rv_err *e);

#endif
