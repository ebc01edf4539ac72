/* SPDX-License-Identifier: Apache-2.0 */
#include "node/trust/authority_int.h"

#include <string.h>

/* Certificates and keys count from a little before now: the clocks of the others differ. */
#define BACKDATE_US (INT64_C(300) * RV_US_PER_SEC)
/* Ended keys stay listed this long: what was signed in time may arrive late. */
#define KEEP_US (INT64_C(90) * 86400 * RV_US_PER_SEC)

static int refuse_admission(struct rv_err *e, const char *code, int listed)
{
	if (listed) {
		rv_fail(e, RV_EEXIST, "%s is listed already", code);
		rv_err_mend(e, "If it rotates its keys, and you compared the fingerprint with it, "
			       "admit with --renew.");
		return RV_EEXIST;
	}
	rv_fail(e, RV_ENOTFOUND, "%s is not listed, so there is nothing to renew", code);
	rv_err_mend(e, "Admit it without --renew.");
	return RV_ENOTFOUND;
}

/* The DER of the new certificate as base64. */
static int issue_base64(struct authority *a, const struct rv_join *j,
	const struct authority_admit *how, struct rv_buf *base64, int64_t *until_r,
	struct rv_err *e)
{
	const unsigned char *p = j->request;
	X509_REQ *req = d2i_X509_REQ(NULL, &p, (long)j->request_len);
	struct authority_own own = {.n = 0};
	X509 *cert = NULL;
	EVP_PKEY *key = NULL;
	struct rv_buf der = {0};
	int rc = authority_own_read(a, &own, e);
	if (rc != 0) {
		goto out;
	}
	int64_t until = authority_not_after(own.certs[0]);
	until = authority_seconds(how->to_us < until ? how->to_us : until);
	if (until <= how->now_us) {
		rc = rv_fail(e, RV_EEXPIRED, "the certificate of the authority has expired");
		rv_err_mend(e, "Make a new one with reeve authority rekey.");
		goto out;
	}
	rc = authority_key(a, own.certs[0], how->ask, &key, e);
	if (rc == 0 && req == NULL) {
		rc = rv_fail(e, RV_ECERT, "the certificate request cannot be read");
	}
	if (rc == 0) {
		rc = issue_member(&cert, req, own.certs[0], key, j->party.code, j->party.name,
			authority_seconds(how->now_us) - BACKDATE_US, until, e);
	}
	if (rc == 0) {
		rc = issue_cert_der(cert, &der, e);
	}
	if (rc == 0 && (rv_base64(base64, der.data, der.len) != 0 || rv_buf_cstr(base64) == NULL)) {
		rc = rv_fail_nomem(e);
	}
	*until_r = until;
out:
	EVP_PKEY_free(key);
	X509_free(cert);
	authority_own_clear(&own);
	X509_REQ_free(req);
	rv_buf_free(&der);
	return rc;
}

/* Moves what a former Member has of that name to the new one, ended or shortened. skip: a text that
 * is not moved. */
static int carry_over(xmlNode *to, xmlNode *former, const char *name, const char *skip,
	const struct authority_admit *how)
{
	xmlNode *next;
	int64_t end_us = authority_seconds(how->now_us) + how->overlap_us;
	for (xmlNode *n = rv_xml_child(former, name); n != NULL; n = next) {
		int64_t from_us = 0;
		int64_t to_us = 0;
		next = rv_xml_again(n);
		const char *from = rv_xml_attr(n, "ValidFrom");
		const char *until = rv_xml_attr(n, "ValidTo");
		const char *text = rv_xml_text(n);
		if (from == NULL || until == NULL || text == NULL ||
			rv_stamp_parse(&from_us, from) != 0 || rv_stamp_parse(&to_us, until) != 0) {
			continue; /* nothing that a reader would take */
		}
		int64_t ends = to_us < end_us ? to_us : end_us;
		if ((skip != NULL && strcmp(text, skip) == 0) || ends <= from_us ||
			ends + KEEP_US < how->now_us) {
			continue;
		}
		xmlUnlinkNode(n);
		xmlAddChild(to, n);
		if (ends != to_us && authority_set_stamp(n, "ValidTo", ends) != 0) {
			return RV_ENOMEM;
		}
	}
	return 0;
}

static int add_party(xmlNode *m, const struct rv_member *party, unsigned roles)
{
	int bad = rv_xml_add(m, "Code", party->code) == NULL ||
		  rv_xml_add(m, "Name", party->name) == NULL;
	for (unsigned bit = RV_ROLE_ADMINISTRATION; bit <= RV_ROLE_RELAY; bit <<= 1) {
		if (roles & bit) {
			bad |= rv_xml_add(m, "Role", rv_role_text((enum rv_role)bit)) == NULL;
		}
	}
	if (party->country[0] != '\0') {
		bad |= rv_xml_add(m, "Country", party->country) == NULL;
	}
	for (size_t i = 0; i < party->n_endpoints; i++) {
		bad |= rv_xml_add(m, "Endpoint", party->endpoints[i]) == NULL;
	}
	for (size_t i = 0; i < party->n_via; i++) {
		bad |= rv_xml_add(m, "Via", party->via[i]) == NULL;
	}
	return bad ? RV_ENOMEM : 0;
}

static void place_member(struct authority *a, xmlNode *m, xmlNode *former)
{
	if (former != NULL) {
		xmlUnlinkNode(m);
		xmlReplaceNode(former, m);
		xmlFreeNode(former);
	} else {
		authority_place(a, m);
	}
}

static int build_member(struct authority *a, const struct rv_join *j,
	const struct authority_admit *how, xmlNode *former, const char *base64, int64_t until_us)
{
	int64_t from_us = authority_seconds(how->now_us) - BACKDATE_US;
	xmlNode *m = rv_xml_add(a->list, "Member", NULL);
	if (m == NULL ||
		add_party(m, &j->party, how->roles != 0 ? how->roles : j->party.roles) != 0) {
		return RV_ENOMEM;
	}
	if (former != NULL && carry_over(m, former, "Certificate", NULL, how) != 0) {
		return RV_ENOMEM;
	}
	if (authority_add_dated(m, "Certificate", base64, from_us, until_us) == NULL) {
		return RV_ENOMEM;
	}
	/* a CURVE key that stays is listed once, for the whole time */
	for (const xmlNode *k = rv_xml_child(former, "CurveKey"); k != NULL; k = rv_xml_again(k)) {
		const char *text = rv_xml_text(k);
		const char *since = rv_xml_attr(k, "ValidFrom");
		int64_t since_us = 0;
		if (text != NULL && since != NULL && strcmp(text, j->z85) == 0 &&
			rv_stamp_parse(&since_us, since) == 0 && since_us < from_us) {
			from_us = since_us;
		}
	}
	if ((former != NULL && carry_over(m, former, "CurveKey", j->z85, how) != 0) ||
		authority_add_dated(m, "CurveKey", j->z85, from_us, until_us) == NULL) {
		return RV_ENOMEM;
	}
	xmlNode *rights = rv_xml_child(former, "Rights");
	if (j->party.n_rights > 0) {
		if (rv_join_put_rights(m, &j->party) != 0) {
			return RV_ENOMEM;
		}
	} else if (rights != NULL) {
		xmlUnlinkNode(rights);
		xmlAddChild(m, rights);
	}
	place_member(a, m, former);
	return 0;
}

int authority_admit(struct authority *a, const struct rv_join *j, const struct authority_admit *how,
	int64_t *until_r, int *waits_r, struct rv_err *e)
{
	struct authority_edit edit;
	struct rv_buf base64 = {0};
	int64_t until = 0;
	int listed = authority_find(a, "Member", j->party.code) != NULL;
	if (listed != !!how->renew) {
		return refuse_admission(e, j->party.code, listed);
	}
	int rc = issue_base64(a, j, how, &base64, &until, e);
	if (rc == 0) {
		rc = authority_edit_begin(&edit, a, e);
	}
	if (rc == 0) {
		xmlNode *former = authority_find(a, "Member", j->party.code);
		rc = build_member(a, j, how, former, (const char *)base64.data, until);
		if (rc != 0) {
			rv_fail_nomem(e);
		}
		rc = authority_edit_end(&edit, rc, waits_r, e);
	}
	if (rc == 0) {
		*until_r = until;
	}
	rv_buf_free(&base64);
	return rc;
}

/* Removes the children of a name whose text, or whose Code, is that code. 1 if there was one. */
static int drop_children(xmlNode *parent, const char *name, const char *code)
{
	int n = 0;
	xmlNode *next;
	for (xmlNode *child = rv_xml_child(parent, name); child != NULL; child = next) {
		next = rv_xml_again(child);
		const char *text = rv_xml_child(child, "Code") != NULL
					   ? rv_xml_child_text(child, "Code")
					   : rv_xml_text(child);
		if (text != NULL && strcmp(text, code) == 0) {
			xmlUnlinkNode(child);
			xmlFreeNode(child);
			n = 1;
		}
	}
	return n;
}

int authority_remove(struct authority *a, const char *code, struct rv_err *e)
{
	struct authority_edit edit;
	if (authority_find(a, "Member", code) == NULL) {
		return rv_fail(e, RV_ENOTFOUND, "%s is not listed", code);
	}
	for (const xmlNode *op = rv_xml_child(a->list, "Operation"); op != NULL;
		op = rv_xml_again(op)) {
		const char *lead = rv_xml_child_text(op, "Lead");
		const char *name = rv_xml_child_text(op, "Code");
		if (lead != NULL && strcmp(lead, code) == 0) {
			rv_fail(e, RV_EDENIED, "%s leads operation %s", code,
				name != NULL ? name : "?");
			rv_err_mend(e,
				"Give it another lead first: reeve authority operation %s %s "
				"--lead "
				"CODE",
				a->dir, name != NULL ? name : "OP");
			return RV_EDENIED;
		}
	}
	int rc = authority_edit_begin(&edit, a, e);
	if (rc != 0) {
		return rc;
	}
	drop_children(a->list, "Member", code);
	for (xmlNode *m = rv_xml_child(a->list, "Member"); m != NULL; m = rv_xml_again(m)) {
		drop_children(m, "Via", code);
	}
	for (xmlNode *op = rv_xml_child(a->list, "Operation"); op != NULL && rc == 0;
		op = rv_xml_again(op)) {
		if (drop_children(op, "Participant", code)) {
			rc = authority_grow(op, e);
		}
	}
	return authority_edit_end(&edit, rc, NULL, e);
}
