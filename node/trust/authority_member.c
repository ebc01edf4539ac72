/* SPDX-License-Identifier: Apache-2.0 */
#include "node/trust/authority_int.h"

#include <string.h>
#include <openssl/err.h>
#include <openssl/x509.h>

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

int authority_cert_in(const xmlNode *node, struct rv_cert **cert_r, struct rv_err *e)
{
	struct rv_buf der = {0};
	const char *text = rv_xml_text(node);
	int rc = text != NULL && rv_unbase64(&der, text, strlen(text)) == 0
			 ? rv_cert_from_der(cert_r, der.data, der.len, e)
			 : rv_fail_rule(e, RV_ESCHEMA, "TRUST-VALUE",
				   "a Certificate of the draft is not one in base64");
	rv_buf_free(&der);
	return rc;
}

int authority_period(const xmlNode *node, int64_t *from_us, int64_t *to_us)
{
	const char *from = rv_xml_attr(node, "ValidFrom");
	const char *to = rv_xml_attr(node, "ValidTo");
	return from != NULL && to != NULL && rv_stamp_parse(from_us, from) == 0 &&
			       rv_stamp_parse(to_us, to) == 0
		       ? 0
		       : RV_EPARSE;
}

static int to_base64(const struct rv_cert *cert, struct rv_buf *base64, struct rv_err *e)
{
	struct rv_span der;
	rv_cert_der(cert, &der);
	return rv_base64(base64, der.data, der.len) == 0 && rv_buf_cstr(base64) != NULL
		       ? 0
		       : rv_fail_nomem(e);
}

/* The certificate that the member gets, or brings, and until when it is listed. */
struct admitted {
	X509 *issued; /* NULL: it was brought */
	struct rv_cert *made;
	const struct rv_cert *cert;
	int64_t until_us;
};

static int check_brought(struct authority *a, EVP_PKEY *key, const struct authority_admit *how,
	struct admitted *got, struct rv_err *e)
{
	struct issued x = {0};
	int64_t end_us = rv_cert_not_after(how->cert);
	if (EVP_PKEY_eq(rv_cert_key(how->cert), key) != 1) {
		rv_fail_rule(e, RV_ECERT, "AUTHORITY-REQUEST",
			"the certificate is for another key than the request");
		rv_err_mend(e, "The member's authority certifies keys/sign.csr; join.xml has the "
			       "same key.");
		return RV_ECERT;
	}
	int rc = authority_issued(a, &x, e);
	if (rc == 0) {
		rc = authority_check_key(a, &x, key, e);
	}
	got->cert = how->cert;
	got->until_us = authority_seconds(how->to_us < end_us ? how->to_us : end_us);
	if (rc == 0 && got->until_us <= how->now_us) {
		rc = rv_fail_rule(e, RV_EEXPIRED, "CHAIN-EXPIRED", "the certificate has expired");
	}
	issued_clear(&x);
	return rc;
}

static int get_certificate(struct authority *a, const struct rv_join *j,
	const struct authority_admit *how, struct admitted *got, struct rv_err *e)
{
	const unsigned char *p = j->request;
	X509_REQ *req = d2i_X509_REQ(NULL, &p, (long)j->request_len);
	EVP_PKEY *key = req != NULL ? X509_REQ_get0_pubkey(req) : NULL;
	struct authority_subject s = {key, j->party.code, j->party.name, how->now_us, how->to_us};
	int rc = 0;
	if (key == NULL) {
		rc = rv_fail(e, RV_ECERT, "the certificate request cannot be read");
	} else if (how->cert != NULL) {
		rc = check_brought(a, key, how, got, e);
	} else {
		rc = authority_certify(a, &s, how->ask, &got->issued, &got->until_us, e);
		if (rc == 0) {
			rc = authority_cert_of(&got->made, got->issued, e);
		}
		got->cert = got->made;
	}
	X509_REQ_free(req);
	ERR_clear_error();
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
		const char *text = rv_xml_text(n);
		if (text == NULL || authority_period(n, &from_us, &to_us) != 0) {
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
	int64_t from_us = authority_seconds(how->now_us) - AUTHORITY_BACKDATE_US;
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

/* The edit itself. A certificate that was brought must come of an Issuer of what the draft is then.
 */
static int admit(struct authority *a, const struct rv_join *j, const struct authority_admit *how,
	const struct admitted *got, struct rv_err *e)
{
	struct rv_buf base64 = {0};
	const char *code = j->party.code;
	int rc = to_base64(got->cert, &base64, e);
	if (rc == 0 && how->cert != NULL && how->issuer != NULL) {
		rc = authority_open_issuer(a, how->issuer, code, how->issuer_as, e);
	}
	if (rc == 0) {
		xmlNode *former = authority_find(a, "Member", code);
		rc = build_member(a, j, how, former, (const char *)base64.data, got->until_us) == 0
			     ? 0
			     : rv_fail_nomem(e);
	}
	if (rc == 0 && how->cert != NULL) {
		rc = authority_check_chain(a, how->cert, code, how->now_us, e);
	}
	rv_buf_free(&base64);
	return rc;
}

int authority_admit(struct authority *a, const struct rv_join *j, const struct authority_admit *how,
	int64_t *until_r, int *waits_r, struct rv_err *e)
{
	struct authority_edit edit;
	struct admitted got = {.issued = NULL};
	int listed = authority_find(a, "Member", j->party.code) != NULL;
	if (listed != !!how->renew) {
		return refuse_admission(e, j->party.code, listed);
	}
	int rc = get_certificate(a, j, how, &got, e);
	if (rc == 0) {
		rc = authority_edit_begin(&edit, a, e);
	}
	if (rc == 0) {
		rc = authority_edit_end(&edit, admit(a, j, how, &got, e), waits_r, e);
	}
	if (rc == 0) {
		*until_r = got.until_us;
	} else {
		authority_uncertify(a, got.issued);
	}
	X509_free(got.issued);
	rv_cert_free(&got.made);
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

int authority_remove(
	struct authority *a, const char *code, int64_t now_us, size_t *revoked_r, struct rv_err *e)
{
	struct authority_edit edit;
	size_t revoked = 0;
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
	int rc = authority_cease(a, code, now_us, &revoked, e);
	if (rc == 0) {
		rc = authority_edit_begin(&edit, a, e);
	}
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
	rc = authority_edit_end(&edit, rc, NULL, e);
	if (rc == 0) {
		*revoked_r = revoked;
	}
	return rc;
}
