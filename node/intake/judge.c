/* SPDX-License-Identifier: Apache-2.0 */
#include "node/intake/judge.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* How far another node's clock may run ahead of ours before its messages are refused. */
#define CLOCK_TOLERANCE_US (300 * RV_US_PER_SEC)

struct judge {
	struct rv_verifier *verifier;
	struct rv_checker *checker;
	struct rv_receipt_memo memo; /* receipts of one batch share a signature */
};

int judge_new(struct judge **j_r, const struct rv_catalog *catalog, struct rv_err *e)
{
	struct judge *j = calloc(1, sizeof(*j));
	if (j == NULL) {
		return rv_fail_nomem(e);
	}
	int rc = rv_verifier_new(&j->verifier, e);
	if (rc == 0) {
		rc = rv_checker_new(&j->checker, catalog, e);
	}
	if (rc != 0) {
		judge_free(&j);
		return rc;
	}
	*j_r = j;
	return 0;
}

void judge_free(struct judge **j)
{
	if (j == NULL || *j == NULL) {
		return;
	}
	rv_checker_free(&(*j)->checker);
	rv_verifier_free(&(*j)->verifier);
	free(*j);
	*j = NULL;
}

void verdict_clear(struct verdict *v)
{
	xmlFreeDoc(v->doc);
	if (v->has_header) {
		rv_header_clear(&v->header);
	}
	free(v->attachments);
	route_codes_clear(&v->allowed);
	route_codes_clear(&v->refused);
	memset(v, 0, sizeof(*v));
}

/* Who signed, and does the signature hold. */
static int judge_seal(struct judge *j, const struct route_view *view, struct verdict *v)
{
	const struct rv_header *h = &v->header;
	struct rv_err *e = &v->why;
	if (!h->has_signer_cert || h->originator[0] == '\0') {
		rv_fail_rule(e, RV_EPROFILE, "SEAL-HEADER",
			"the Header names no originator or no signing certificate");
		rv_err_mend(e, "A node adds both when it seals: send the message through a node.");
		return RV_EPROFILE;
	}
	if (rv_trust_member(view->trust, h->originator) == NULL) {
		rv_fail_rule(e, RV_EUNKNOWN, "TRUST-ORIGINATOR", "%s is not in trust list %llu",
			h->originator, (unsigned long long)rv_trust_number(view->trust));
		rv_err_mend(e, "Compare the numbers of the trust lists: reeve trust show.");
		return RV_EUNKNOWN;
	}
	const struct rv_cert *cert =
		rv_trust_cert(view->trust, h->originator, h->signer_cert, h->issued_us, e);
	if (cert == NULL) {
		if (e->rule[0] == '\0') {
			snprintf(e->rule, sizeof(e->rule), "TRUST-CERT");
		}
		return e->code != 0 ? e->code : RV_ECERT;
	}
	int rc = rv_seal_verify(j->verifier, v->doc, cert, &v->sealed, e);
	if (rc == 0 && view->status != NULL) {
		rc = status_judge(view->status, h->signer_cert, h->issued_us, view->now_us,
			&v->standing, e);
	}
	return rc;
}

/* The first error of a report becomes the reason. */
static int report_reason(const struct rv_report *report, struct rv_err *e)
{
	for (size_t i = 0; i < report->n; i++) {
		const struct rv_fault *f = &report->faults[i];
		if (f->level == RV_LEVEL_ERROR) {
			int code = strncmp(f->code, "XSD-", 4) == 0 ? RV_ESCHEMA : RV_ERULE;
			rv_fail_rule(e, code, f->code, "%s: %s", f->path != NULL ? f->path : "",
				f->text);
			if (e != NULL) {
				e->line = f->line;
				e->column = f->column;
			}
			rv_err_mend(e, "%s", f->mend != NULL ? f->mend : "");
			return code;
		}
	}
	return 0;
}

static int judge_content(struct judge *j, const struct route_view *view,
	const struct rv_operation *op, struct verdict *v)
{
	struct rv_report report = {0};
	struct rv_check_context ctx = {view->now_us, op, 1, v->sealed.withheld};
	int rc = rv_check_doc(j->checker, v->doc, &ctx, &report, &v->why);
	if (rc == 0 && report.errors > 0) {
		rc = report_reason(&report, &v->why);
	}
	rv_report_clear(&report);
	return rc;
}

static int judge_time(const struct route_view *view, const struct rv_header *h, struct rv_err *e)
{
	if (h->issued_us > view->now_us + CLOCK_TOLERANCE_US) {
		rv_fail_rule(e, RV_ERULE, "TIME-FUTURE",
			"the message was issued in the future of this node's clock");
		rv_err_mend(e, "Set the clocks of both nodes by NTP.");
		return RV_ERULE;
	}
	if (h->expires_us != 0 && h->expires_us < view->now_us) {
		return rv_fail_rule(
			e, RV_EEXPIRED, "TIME-EXPIRED", "the message expired before it arrived");
	}
	return 0;
}

/* A peer may hand over its own messages, and others' if it is a relay. */
static int judge_peer(const struct route_view *view, const struct rv_operation *op,
	const char *peer, const struct rv_item *item, const struct rv_header *h, struct rv_err *e)
{
	const struct rv_member *m = rv_trust_member(view->trust, peer);
	const struct rv_participant *p = rv_participant_at(op, peer, view->now_us);
	int relay = (m != NULL && (m->roles & RV_ROLE_RELAY)) ||
		    (p != NULL && p->part == RV_PART_RELAY);
	if (strcmp(peer, h->originator) != 0 && !relay) {
		return rv_fail_rule(e, RV_EDENIED, "ROUTE-PEER",
			"%s hands over a message of %s but is not a relay", peer, h->originator);
	}
	if (item->hops > ROUTE_HOPS_MAX) {
		return rv_fail_rule(e, RV_ELIMIT, "ROUTE-HOPS",
			"the message crossed %u links already", item->hops);
	}
	return 0;
}

static int judge_recipients(const struct route_view *view, const struct rv_operation *op,
	const struct rv_item *item, struct verdict *v)
{
	for (size_t i = 0; i < item->n_recipients; i++) {
		const char *code = item->recipients[i];
		struct rv_err why = {0};
		int rc = strcmp(code, v->header.originator) == 0
				 ? rv_fail_rule(&why, RV_EDENIED, "ROUTE-LOOP",
					   "%s wrote the message itself", code)
				 : route_may_receive(view, op, &v->header, code, &why);
		int named = v->header.n_recipients == 0;
		for (size_t k = 0; k < v->header.n_recipients; k++) {
			named |= strcmp(v->header.recipients[k], code) == 0;
		}
		if (rc == 0 && !named) {
			rc = rv_fail_rule(&why, RV_EDENIED, "ROUTE-NAMED",
				"%s is not among the recipients that the Header names", code);
		}
		struct route_codes *list = rc == 0 ? &v->allowed : &v->refused;
		if (rc != 0) {
			v->why = why;
		}
		if (!route_codes_has(list, code) && route_codes_add(list, code, &v->why) != 0) {
			return RV_ENOMEM;
		}
	}
	return v->allowed.n > 0 ? 0 : v->why.code != 0 ? v->why.code : RV_EDENIED;
}

static int judge_attachments(struct verdict *v, uint64_t limit)
{
	int rc = rv_attachments_read(&v->attachments, &v->n_attachments, v->doc, &v->why);
	for (size_t i = 0; rc == 0 && i < v->n_attachments; i++) {
		if (v->attachments[i].size > limit) {
			rc = rv_fail_rule(&v->why, RV_ELIMIT, "LIMIT-ATTACHMENT",
				"attachment %zu has %llu bytes, this node takes %llu", i + 1,
				(unsigned long long)v->attachments[i].size,
				(unsigned long long)limit);
			rv_err_mend(&v->why, "Send it in parts, or ask the node's administrator to "
					     "raise attachment_max.");
		}
	}
	return rc;
}

int judge_message(struct judge *j, const struct route_view *view, const char *peer,
	const struct rv_item *item, uint64_t limit_attachment, struct verdict *v)
{
	memset(v, 0, sizeof(*v));
	int rc = rv_seal_parse(&v->doc, item->wire.data, item->wire.len, &v->why);
	if (rc != 0) {
		return rc;
	}
	rc = rv_header_read(&v->header, v->doc, &v->why);
	if (rc != 0) {
		return rc;
	}
	v->has_header = 1;
	rc = judge_seal(j, view, v);
	if (rc != 0) {
		return rc;
	}
	const struct rv_operation *op = rv_trust_operation(view->trust, v->header.operation);
	if (op == NULL) {
		rv_fail_rule(&v->why, RV_EUNKNOWN, "ROUTE-OPERATION",
			"operation %s is not in trust list %llu of this node", v->header.operation,
			(unsigned long long)rv_trust_number(view->trust));
		rv_err_mend(&v->why, "Compare the numbers of the trust lists: reeve trust show.");
		return RV_EUNKNOWN;
	}
	if ((rc = judge_content(j, view, op, v)) != 0 ||
		(rc = judge_time(view, &v->header, &v->why)) != 0 ||
		(rc = judge_peer(view, op, peer, item, &v->header, &v->why)) != 0 ||
		(rc = route_may_send(view, op, &v->header, &v->why)) != 0 ||
		(rc = judge_attachments(v, limit_attachment)) != 0) {
		return rc;
	}
	return judge_recipients(view, op, item, v);
}

int judge_receipt(struct judge *j, const struct route_view *view, struct rv_span bytes,
	struct rv_receipt *receipt_r, struct rv_err *e)
{
	struct rv_receipt r = {0};
	int rc = rv_receipt_parse(&r, bytes.data, bytes.len, e);
	if (rc != 0) {
		return rc;
	}
	const struct rv_member *signer = rv_trust_member(view->trust, r.signer);
	if (signer == NULL) {
		rc = rv_fail_rule(e, RV_EUNKNOWN, "RCPT-SIGNER",
			"the receipt's signer %s is not in the trust list", r.signer);
		goto out;
	}
	if (r.time_us > view->now_us + CLOCK_TOLERANCE_US) {
		rc = rv_fail_rule(e, RV_ERULE, "RCPT-FUTURE",
			"the receipt of %s is dated in the future", r.signer);
		goto out;
	}
	const struct rv_cert *cert =
		rv_trust_cert(view->trust, r.signer, r.signer_cert, r.time_us, e);
	if (cert == NULL) {
		rc = RV_ECERT;
		goto out;
	}
	rv_receipt_clear(&r);
	rc = rv_receipt_verify_memo(&r, bytes.data, bytes.len, cert, &j->memo, e);
	if (rc == 0 && view->status != NULL) {
		rc = status_believed(view->status, r.signer_cert, r.time_us, view->now_us, e);
	}
	if (rc != 0) {
		goto out;
	}
	/* STORED and READ speak for the signer alone (the form demands it); RELAYED is a relay's
	 * word */
	if (r.stage == RV_STAGE_RELAYED && !(signer->roles & RV_ROLE_RELAY)) {
		rc = rv_fail_rule(e, RV_EDENIED, "RCPT-ROLE",
			"%s says that it relays, but is not a relay", r.signer);
		goto out;
	}
	*receipt_r = r;
	return 0;
out:
	rv_receipt_clear(&r);
	return rc;
}

/* Puts the recipients that the sender named on the command line in place of the draft's. */
static int name_recipients(xmlDoc *doc, const struct route_codes *to, struct rv_err *e)
{
	xmlNode *header = rv_xml_child(xmlDocGetRootElement(doc), "Header");
	xmlNode *old;
	if (to == NULL || to->n == 0 || header == NULL) {
		return 0;
	}
	while ((old = rv_xml_child(header, "Recipient")) != NULL) {
		xmlUnlinkNode(old);
		xmlFreeNode(old);
	}
	static const char *const followers[] = {
		"IssueDateTime", "ExpirationDateTime", "PurposeCode"};
	xmlNode *before = NULL;
	for (size_t i = 0; before == NULL && i < sizeof(followers) / sizeof(followers[0]); i++) {
		before = rv_xml_child(header, followers[i]);
	}
	for (size_t i = 0; i < to->n; i++) {
		xmlNode *node = rv_xml_add(header, "Recipient", to->codes[i]);
		if (node == NULL) {
			return rv_fail_nomem(e);
		}
		if (before != NULL) {
			xmlAddPrevSibling(before, node);
		}
	}
	return 0;
}

static int find_operation(const struct route_view *view, const xmlDoc *doc, const char *code,
	const struct rv_operation **op_r, struct rv_err *e)
{
	if (code[0] == '\0') {
		const char *own = rv_xml_child_text(
			rv_xml_child(
				rv_xml_child(xmlDocGetRootElement(doc), "Header"), "Operation"),
			"Code");
		if (own == NULL) {
			rv_fail_rule(e, RV_EINVAL, "ROUTE-OPERATION", "no operation is named");
			rv_err_mend(e, "Name it: --operation CODE; see: reeve operation list.");
			return RV_EINVAL;
		}
		code = own;
	}
	*op_r = rv_trust_operation(view->trust, code);
	if (*op_r == NULL) {
		rv_fail_rule(e, RV_EUNKNOWN, "ROUTE-OPERATION",
			"operation %.40s is not in trust list %llu of this node", code,
			(unsigned long long)rv_trust_number(view->trust));
		rv_err_mend(e, "See the operations there are: reeve operation list.");
		return RV_EUNKNOWN;
	}
	return 0;
}

int judge_draft(struct judge *j, const struct route_view *view, const struct draft_ask *ask,
	struct rv_report *report, xmlDoc **doc_r, struct rv_header *header_r,
	const struct rv_operation **op_r, struct rv_err *e)
{
	xmlDoc *doc = NULL;
	struct rv_check_context ctx = {.now_us = view->now_us};
	int rc = rv_xml_parse(&doc, ask->bytes, ask->len, &rv_xml_limits_message, RV_XML_DRAFT, e);
	if (rc != 0) {
		/* once more, for the place in the report */
		rv_check_bytes(
			j->checker, ask->bytes, ask->len, RV_XML_DRAFT, &ctx, report, NULL, NULL);
		return rc;
	}
	rc = find_operation(view, doc, ask->operation, op_r, e);
	if (rc == 0) {
		rc = name_recipients(doc, ask->to, e);
	}
	if (rc == 0) {
		ctx.operation = *op_r;
		rc = rv_check_doc(j->checker, doc, &ctx, report, e);
	}
	if (rc == 0 && report->errors > 0) {
		rc = report_reason(report, e);
	}
	if (rc == 0) {
		rc = rv_header_read(header_r, doc, e);
	}
	if (rc != 0) {
		xmlFreeDoc(doc);
		return rc;
	}
	*doc_r = doc;
	return 0;
}
