/* SPDX-License-Identifier: Apache-2.0 */
#include "node/trust/authority_int.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/chain.h"

/* ---- Issuer ---- */

static int issuer_cert(const xmlNode *issuer, struct rv_cert **cert_r, struct rv_err *e)
{
	struct rv_buf der = {0};
	const char *text = rv_xml_child_text(issuer, "Certificate");
	int rc = text != NULL && rv_unbase64(&der, text, strlen(text)) == 0
			 ? rv_cert_issuer_from_der(cert_r, der.data, der.len, e)
			 : rv_fail_rule(e, RV_ESCHEMA, "TRUST-VALUE",
				   "the Certificate of an Issuer is not one in base64");
	rv_buf_free(&der);
	return rc;
}

xmlNode *authority_find_issuer(const struct authority *a, const uint8_t digest[RV_DIGEST_LEN])
{
	for (xmlNode *n = rv_xml_child(a->list, "Issuer"); n != NULL; n = rv_xml_again(n)) {
		struct rv_cert *cert = NULL;
		int same = issuer_cert(n, &cert, NULL) == 0 &&
			   memcmp(rv_cert_digest(cert), digest, RV_DIGEST_LEN) == 0;
		rv_cert_free(&cert);
		if (same) {
			return n;
		}
	}
	return NULL;
}

static void take_urls(const xmlNode *issuer, const char *name, const char *urls[ISSUE_URLS])
{
	size_t n = 0;
	for (const xmlNode *u = rv_xml_child(issuer, name); u != NULL && n < ISSUE_URLS;
		u = rv_xml_again(u)) {
		const char *text = rv_xml_text(u);
		if (text != NULL) {
			urls[n++] = text;
		}
	}
}

void authority_urls(const struct authority *a, X509 *issuer, const char *crl[ISSUE_URLS],
	const char *ocsp[ISSUE_URLS])
{
	struct rv_cert *cert = NULL;
	if (authority_cert_of(&cert, issuer, NULL) != 0) {
		return;
	}
	const xmlNode *n = authority_find_issuer(a, rv_cert_digest(cert));
	take_urls(n, "CrlUrl", crl);
	take_urls(n, "OcspUrl", ocsp);
	rv_cert_free(&cert);
}

/* An Issuer, not placed yet. */
static xmlNode *new_issuer(struct authority *a, const struct rv_cert *cert)
{
	struct rv_span der;
	struct rv_buf base64 = {0};
	rv_cert_der(cert, &der);
	xmlNode *issuer = rv_xml_add(a->list, "Issuer", NULL);
	if (issuer != NULL &&
		(rv_base64(&base64, der.data, der.len) != 0 || rv_buf_cstr(&base64) == NULL ||
			rv_xml_add(issuer, "Certificate", (const char *)base64.data) == NULL)) {
		issuer = NULL; /* it stays in a draft that is dropped */
	}
	rv_buf_free(&base64);
	return issuer;
}

static int add_all(xmlNode *to, const char *name, const char *const *texts, size_t n)
{
	for (size_t i = 0; i < n && texts[i] != NULL; i++) {
		if (rv_xml_add(to, name, texts[i]) == NULL) {
			return RV_ENOMEM;
		}
	}
	return 0;
}

/* The text with what stands for the key in it replaced; NULL if memory is short. */
static char *fill_in(const char *text, const char *mark, const char *id)
{
	char *out = NULL;
	const char *at = strstr(text, mark);
	if (at == NULL) {
		return strdup(text);
	}
	return asprintf(&out, "%.*s%s%s", (int)(at - text), text, id, at + strlen(mark)) >= 0
		       ? out
		       : NULL;
}

static int add_filled(xmlNode *issuer, const char *name, const char *const urls[ISSUE_URLS],
	const char *mark, const char *id)
{
	int rc = 0;
	for (size_t i = 0; i < ISSUE_URLS && urls[i] != NULL && rc == 0; i++) {
		char *url = fill_in(urls[i], mark, id);
		rc = url != NULL && rv_xml_add(issuer, name, url) != NULL ? 0 : RV_ENOMEM;
		free(url);
	}
	return rc;
}

static int put_own(struct authority *a, X509 *x509, const char *const crl[ISSUE_URLS],
	const char *const ocsp[ISSUE_URLS], const char *mark, struct rv_err *e)
{
	struct rv_cert *cert = NULL;
	char id[AUTHORITY_KEY_ID];
	int rc = authority_key_id(x509, id, e);
	if (rc == 0) {
		rc = authority_cert_of(&cert, x509, e);
	}
	if (rc == 0) {
		xmlNode *issuer = new_issuer(a, cert);
		if (issuer == NULL || add_filled(issuer, "CrlUrl", crl, mark, id) != 0 ||
			add_filled(issuer, "OcspUrl", ocsp, mark, id) != 0) {
			rc = rv_fail_nomem(e);
		} else {
			authority_place(a, issuer);
		}
	}
	rv_cert_free(&cert);
	return rc;
}

int authority_own_issuer(
	struct authority *a, X509 *cert, const struct authority_new *n, struct rv_err *e)
{
	if (n->crl_urls[0] == NULL && n->ocsp_urls[0] == NULL) {
		return 0;
	}
	return put_own(a, cert, n->crl_urls, n->ocsp_urls, "{key}", e);
}

int authority_follow_issuer(struct authority *a, X509 *cert, X509 *former,
	const struct authority_new *n, struct rv_err *e)
{
	const char *crl[ISSUE_URLS] = {NULL}, *ocsp[ISSUE_URLS] = {NULL};
	char id[AUTHORITY_KEY_ID];
	int rc = authority_key_id(former, id, e);
	authority_urls(a, former, crl, ocsp);
	if (rc != 0 || (n->crl_urls[0] == NULL && n->ocsp_urls[0] == NULL && crl[0] == NULL &&
			       ocsp[0] == NULL)) {
		return rc;
	}
	for (size_t i = 0; n->crl_urls[0] == NULL && i < ISSUE_URLS && crl[i] != NULL; i++) {
		if (strstr(crl[i], id) == NULL) {
			rv_fail_rule(e, RV_EINVAL, "AUTHORITY-CRL",
				"the CRL of the former key stays at %.200s: the new key needs "
				"another address",
				crl[i]);
			rv_err_mend(e, "Give it with --crl-url; {key} in it stands for the key.");
			return RV_EINVAL;
		}
	}
	if (n->crl_urls[0] == NULL && n->ocsp_urls[0] == NULL) {
		return put_own(a, cert, crl, ocsp, id, e);
	}
	return put_own(
		a, cert, n->crl_urls, n->ocsp_urls[0] != NULL ? n->ocsp_urls : ocsp, "{key}", e);
}

int authority_put_issuer(struct authority *a, const struct rv_cert *cert,
	const struct authority_issuer *how, struct rv_err *e)
{
	struct rv_span der;
	rv_cert_der(cert, &der);
	int rc = rv_chain_issuer_check(der.data, der.len, e);
	if (rc != 0) {
		return rc;
	}
	xmlNode *former = authority_find_issuer(a, rv_cert_digest(cert));
	xmlNode *issuer = new_issuer(a, cert);
	if (issuer == NULL || add_all(issuer, "CrlUrl", how->crl_urls, how->n_crl_urls) != 0 ||
		add_all(issuer, "OcspUrl", how->ocsp_urls, how->n_ocsp_urls) != 0 ||
		add_all(issuer, "For", how->members, how->n_members) != 0) {
		return rv_fail_nomem(e);
	}
	if (former != NULL) {
		xmlUnlinkNode(issuer);
		xmlReplaceNode(former, issuer);
		xmlFreeNode(former);
	} else {
		authority_place(a, issuer);
	}
	return 0;
}

int authority_issuer_add(struct authority *a, const struct rv_cert *cert,
	const struct authority_issuer *how, struct rv_err *e)
{
	struct authority_edit edit;
	int waits = 0;
	int rc = authority_edit_begin(&edit, a, e);
	return rc == 0 ? authority_edit_end(&edit, authority_put_issuer(a, cert, how, e), &waits, e)
		       : rc;
}

int authority_open_issuer(struct authority *a, const struct rv_cert *cert, const char *code,
	const struct authority_issuer *as, struct rv_err *e)
{
	const struct authority_issuer none = {.n_members = 0};
	xmlNode *there = authority_find_issuer(a, rv_cert_digest(cert));
	if (there == NULL) {
		struct authority_issuer how = as != NULL ? *as : none;
		how.members = &code;
		how.n_members = 1;
		return authority_put_issuer(a, cert, &how, e);
	}
	const xmlNode *member = rv_xml_child(there, "For");
	int open = member == NULL; /* it may certify everybody */
	for (; member != NULL && !open; member = rv_xml_again(member)) {
		const char *text = rv_xml_text(member);
		open = text != NULL && strcmp(text, code) == 0;
	}
	return open || rv_xml_add(there, "For", code) != NULL ? 0 : rv_fail_nomem(e);
}

int authority_check_chain(struct authority *a, const struct rv_cert *cert, const char *code,
	int64_t now_us, struct rv_err *e)
{
	struct rv_trust *t = NULL;
	struct rv_chain *chain = NULL;
	struct rv_path *path = NULL;
	const struct rv_issuer *issuers = NULL;
	struct rv_chain_issuer *list = NULL;
	struct rv_err why = {0};
	int rc = rv_trust_check(&t, a->doc, &why);
	if (rc != 0 && strcmp(why.rule, "TRUST-MEMBER") == 0) {
		rc = rv_fail(&why, RV_EAGAIN, "the draft names a member that is not admitted yet");
		rv_err_mend(&why, "A certificate of another authority is checked against the whole "
				  "draft: admit the others first.");
	}
	size_t n = rc == 0 ? rv_trust_issuers(t, &issuers) : 0;
	if (rc == 0 && (list = calloc(n + 1, sizeof(*list))) == NULL) {
		rc = rv_fail_nomem(&why);
	}
	for (size_t i = 0; i < n && rc == 0; i++) {
		rv_cert_der(issuers[i].cert, &list[i].der);
		list[i].members = (const char(*)[RV_CODE_TEXT])issuers[i].members;
		list[i].n_members = issuers[i].n_members;
	}
	if (rc == 0) {
		rc = rv_chain_new(&chain, list, n, &why);
	}
	if (rc == 0) {
		rc = rv_chain_path(&path, chain, cert, code, now_us, &why);
	}
	if (rc != 0 && e != NULL) {
		*e = why;
	}
	rv_path_free(&path);
	rv_chain_free(&chain);
	free(list);
	rv_trust_unref(&t);
	return rc;
}

static int issued_by(const xmlNode *node, const struct rv_cert *issuer)
{
	struct rv_cert *cert = NULL;
	int yes = authority_cert_in(node, &cert, NULL) == 0 &&
		  rv_cert_issued_by(cert, issuer, NULL) == 0;
	rv_cert_free(&cert);
	return yes;
}

const char *authority_needed_by(
	const struct authority *a, const struct rv_cert *issuer, int64_t now_us)
{
	for (const xmlNode *m = rv_xml_child(a->list, "Member"); m != NULL; m = rv_xml_again(m)) {
		for (const xmlNode *n = rv_xml_child(m, "Certificate"); n != NULL;
			n = rv_xml_again(n)) {
			int64_t from_us, to_us;
			if (rv_xml_attr(n, "Revoked") == NULL &&
				authority_period(n, &from_us, &to_us) == 0 && to_us > now_us &&
				issued_by(n, issuer)) {
				return rv_xml_child_text(m, "Code");
			}
		}
	}
	return NULL;
}

int authority_issuer_remove(
	struct authority *a, const char *digits, int64_t now_us, struct rv_err *e)
{
	struct authority_edit edit;
	size_t len = strlen(digits);
	int waits = 0;
	int rc = len >= 8 && len < RV_DIGEST_TEXT
			 ? authority_edit_begin(&edit, a, e)
			 : rv_fail(e, RV_EINVAL,
				   "name the issuer by 8 digits or more of the SHA-256 "
				   "of its certificate");
	if (rc != 0) {
		return rc;
	}
	xmlNode *found = NULL;
	size_t n_found = 0;
	struct rv_cert *issuer = NULL;
	for (xmlNode *n = rv_xml_child(a->list, "Issuer"); n != NULL && rc == 0;
		n = rv_xml_again(n)) {
		char hex[RV_DIGEST_TEXT];
		struct rv_cert *cert = NULL;
		rc = issuer_cert(n, &cert, e);
		if (rc == 0) {
			rv_hex(hex, rv_cert_digest(cert), RV_DIGEST_LEN);
			if (strncasecmp(hex, digits, len) == 0) {
				found = n;
				n_found++;
				rv_cert_free(&issuer);
				issuer = cert;
				cert = NULL;
			}
		}
		rv_cert_free(&cert);
	}
	const char *who = rc == 0 && n_found == 1 ? authority_needed_by(a, issuer, now_us) : NULL;
	if (rc == 0 && n_found != 1) {
		rc = rv_fail(e, RV_ENOTFOUND,
			n_found == 0 ? "no issuer begins with %s" : "several issuers begin with %s",
			digits);
	} else if (rc == 0 && who != NULL) {
		rc = rv_fail_rule(e, RV_EDENIED, "AUTHORITY-ISSUER",
			"the certificate of %s comes of it", who);
		rv_err_mend(e, "Renew that member by another issuer first, or revoke its "
			       "certificate.");
	} else if (rc == 0) {
		xmlUnlinkNode(found);
		xmlFreeNode(found);
	}
	rv_cert_free(&issuer);
	return authority_edit_end(&edit, rc, &waits, e);
}

/* ---- Checking ---- */

int authority_checking(struct authority *a, enum rv_role role, const struct rv_checking *checking,
	struct rv_err *e)
{
	static const char *const modes[] = {[RV_CHECKING_OFF] = "off",
		[RV_CHECKING_SOFT] = "soft",
		[RV_CHECKING_HARD] = "hard"};
	struct authority_edit edit;
	char hours[24];
	int waits = 0;
	int rc = authority_edit_begin(&edit, a, e);
	if (rc != 0) {
		return rc;
	}
	xmlNode *n = rv_xml_child(a->list, "Checking");
	while (n != NULL) {
		const char *its = rv_xml_attr(n, "Role");
		if (its != NULL && strcmp(its, rv_role_text(role)) == 0) {
			break;
		}
		n = rv_xml_again(n);
	}
	if (n == NULL && (n = rv_xml_add(a->list, "Checking", NULL)) != NULL) {
		authority_place(a, n);
	}
	snprintf(hours, sizeof(hours), "%lld",
		(long long)(checking->max_age_us / (3600 * RV_US_PER_SEC)));
	if (n == NULL ||
		xmlSetProp(n, (const xmlChar *)"Role", (const xmlChar *)rv_role_text(role)) ==
			NULL ||
		xmlSetProp(n, (const xmlChar *)"Revocation",
			(const xmlChar *)modes[checking->mode]) == NULL ||
		xmlSetProp(n, (const xmlChar *)"MaxAgeHours", (const xmlChar *)hours) == NULL) {
		rc = rv_fail_nomem(e);
	}
	return authority_edit_end(&edit, rc, &waits, e);
}
