/* SPDX-License-Identifier: Apache-2.0 */
#include "join.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <openssl/err.h>
#include <openssl/x509.h>

#include "dsig.h"
#include "trustlist_int.h"

enum { MAX_REQUEST = 8192 };

static const struct rv_xml_limits limits = {64 << 10, 8, 200, 8, 16 << 10};

void rv_join_clear(struct rv_join *j)
{
	tl_clear_member(&j->party);
	free(j->request);
	memset(j, 0, sizeof(*j));
}

/* ---- the certificate request ---- */

static int refuse_request(struct rv_err *e, const char *why)
{
	ERR_clear_error();
	rv_fail_rule(e, RV_ECERT, "JOIN-REQUEST", "the certificate request %s", why);
	rv_err_mend(e, "Make it anew with reeve init, or by the profile certs/member.cnf.");
	return RV_ECERT;
}

/* The one common name of the subject. */
static int names_code(X509_REQ *req, const char *code)
{
	X509_NAME *subject = X509_REQ_get_subject_name(req);
	int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
	if (at < 0 || X509_NAME_get_index_by_NID(subject, NID_commonName, at) >= 0) {
		return 0;
	}
	const ASN1_STRING *cn = X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at));
	size_t len = strlen(code);
	return (size_t)ASN1_STRING_length(cn) == len &&
	       memcmp(ASN1_STRING_get0_data(cn), code, len) == 0;
}

static int key_accepted(const EVP_PKEY *key)
{
	char group[32] = "";
	if (EVP_PKEY_is_a(key, "RSA") || EVP_PKEY_is_a(key, "RSA-PSS")) {
		return EVP_PKEY_get_bits(key) >= 2048 && EVP_PKEY_get_bits(key) <= 8192;
	}
	return EVP_PKEY_is_a(key, "EC") &&
	       EVP_PKEY_get_group_name(key, group, sizeof(group), NULL) == 1 &&
	       strcmp(group, "prime256v1") == 0;
}

/* *req_r is the caller's: X509_REQ_free. */
static int open_request(X509_REQ **req_r, const struct rv_join *j, struct rv_err *e)
{
	const unsigned char *p = j->request;
	X509_REQ *req = d2i_X509_REQ(NULL, &p, (long)j->request_len);
	const char *why = NULL;
	EVP_PKEY *key = req != NULL ? X509_REQ_get0_pubkey(req) : NULL;
	if (req == NULL || p != j->request + j->request_len || key == NULL) {
		why = "is not a PKCS #10 request in DER";
	} else if (!key_accepted(key)) {
		why = "has a key that is neither P-256 nor RSA of 2048 to 8192 bits";
	} else if (X509_REQ_verify(req, key) != 1) {
		why = "is not signed by its own key";
	} else if (!names_code(req, j->party.code)) {
		why = "does not have the member's code as its common name";
	}
	if (why != NULL) {
		X509_REQ_free(req);
		return refuse_request(e, why);
	}
	*req_r = req;
	return 0;
}

/* ---- reading ---- */

static void take_request_der(struct tl_walk *w, struct rv_join *j)
{
	struct rv_buf der = {0};
	const xmlNode *node = w->next;
	const char *text = tl_text(w, "CertificateRequest");
	if (w->rc != 0) {
		return;
	}
	int rc = rv_unbase64(&der, text, strlen(text));
	if (rc == RV_ENOMEM) {
		w->rc = rv_fail_nomem(w->e);
	} else if (rc != 0 || der.len == 0 || der.len > MAX_REQUEST) {
		tl_refuse(w, node, "TRUST-VALUE",
			"CertificateRequest must be the base64 of at most %d bytes of DER",
			MAX_REQUEST);
	} else {
		j->request = rv_buf_take(&der, &j->request_len);
	}
	rv_buf_free(&der);
}

static int read_request(struct rv_join *j, const xmlNode *node, struct rv_err *e)
{
	const char *id = rv_xml_attr(node, "Id");
	const char *made = rv_xml_attr(node, "Made");
	if (id == NULL || made == NULL || strcmp(id, "request") != 0 || !rv_xml_pure(node) ||
		node->properties->next->next != NULL) {
		return tl_fail(e, node, RV_ESCHEMA, "TRUST-SHAPE",
			"Request has Id=\"request\", Made, and elements alone");
	}
	struct tl_walk w = {node, rv_xml_first(node), e, 0};
	if (rv_stamp_parse(&j->made_us, made) != 0) {
		tl_refuse(&w, node, "TRUST-VALUE",
			"Made is a moment in UTC such as 2026-11-24T08:00:00Z");
	}
	tl_take_party(&w, &j->party);
	take_request_der(&w, j);
	const xmlNode *key = w.next;
	const char *z85 = tl_text(&w, "CurveKey");
	if (w.rc == 0 && !rv_z85_key_valid(z85)) {
		tl_refuse(&w, key, "TRUST-VALUE", "CurveKey must be 40 characters of Z85");
	} else if (w.rc == 0) {
		memcpy(j->z85, z85, sizeof(j->z85));
	}
	tl_take_rights(&w, &j->party);
	return tl_end(&w);
}

/* The Request and the Signature of a document. */
static int open_document(
	const xmlDoc *doc, xmlNode **request_r, xmlNode **signature_r, struct rv_err *e)
{
	const xmlNode *root = xmlDocGetRootElement(doc);
	xmlNode *request = rv_xml_is(root, RV_NS_TRUST, "Join") ? rv_xml_first(root) : NULL;
	if (!rv_xml_is(request, RV_NS_TRUST, "Request") || root->properties != NULL ||
		!rv_xml_has_prefix(root, NULL) || !rv_xml_pure(root)) {
		return tl_fail(e, root, RV_ESCHEMA, "TRUST-SHAPE",
			"a request to join is a Join of %s that begins with Request", RV_NS_TRUST);
	}
	xmlNode *signature = rv_xml_next(request);
	if (signature == NULL || rv_xml_next(signature) != NULL) {
		return tl_fail(e, root, RV_ESCHEMA, "TRUST-SHAPE",
			"a Join has one Request and one ds:Signature");
	}
	*request_r = request;
	*signature_r = signature;
	return 0;
}

static int verify(xmlNode *request, const xmlNode *signature, EVP_PKEY *key, struct rv_err *e)
{
	struct rv_dsig s;
	struct rv_buf canonical = {0};
	uint8_t digest[RV_DIGEST_LEN];
	int rc = rv_dsig_read(&s, signature, e);
	if (rc != 0) {
		goto out;
	}
	if (s.n_refs != 1 || s.refs[0].manifest || strcmp(s.refs[0].uri, "#request") != 0 ||
		s.object != NULL) {
		rc = tl_fail(e, signature, RV_EPROFILE, "TRUST-SHAPE",
			"the signature of a Join has one Reference, to #request, and no Object");
		goto out;
	}
	rc = rv_dsig_digest(digest, request, e);
	if (rc == 0 && !rv_equal_ct(digest, s.refs[0].digest, sizeof(digest))) {
		rc = tl_fail(e, request, RV_EDIGEST, "JOIN-DIGEST",
			"the request was altered after it was signed");
		rv_err_mend(e, "Ask the member to send it again as the file that reeve init made.");
	}
	if (rc == 0) {
		rc = rv_xml_c14n(s.signed_info, &canonical, e);
	}
	if (rc == 0 && rv_key_verify(key, s.alg, canonical.data, canonical.len, s.value,
			       s.value_len, NULL) != 0) {
		rc = tl_fail(e, signature, RV_ESIGNATURE, "JOIN-SIGNATURE",
			"the request is not signed by the key of its certificate request");
		rv_err_mend(
			e, "Who sent it has not shown that the key is theirs: do not admit them.");
	}
out:
	rv_buf_free(&canonical);
	return rc;
}

int rv_join_read(struct rv_join *j, const void *wire, size_t len, struct rv_err *e)
{
	struct rv_join got = {.made_us = 0};
	struct rv_buf canonical = {0};
	xmlDoc *doc = NULL;
	xmlNode *request = NULL;
	xmlNode *signature = NULL;
	X509_REQ *req = NULL;
	int rc = rv_xml_parse(&doc, wire, len, &limits, 0, e);
	if (rc == 0) {
		rc = rv_xml_c14n_doc(doc, &canonical, e);
	}
	if (rc == 0 && (canonical.len != len || memcmp(canonical.data, wire, len) != 0)) {
		rc = rv_fail_rule(e, RV_EPROFILE, "TRUST-CANONICAL",
			"the request to join is not in its canonical form");
		rv_err_mend(
			e, "Take the file as it was made: an editor or a mail program changed it.");
	}
	if (rc == 0) {
		rc = open_document(doc, &request, &signature, e);
	}
	if (rc == 0) {
		rc = read_request(&got, request, e);
	}
	if (rc == 0) {
		rc = open_request(&req, &got, e);
	}
	if (rc == 0) {
		rc = verify(request, signature, X509_REQ_get0_pubkey(req), e);
	}
	if (rc == 0) {
		*j = got;
		memset(&got, 0, sizeof(got));
	}
	X509_REQ_free(req);
	rv_join_clear(&got);
	rv_buf_free(&canonical);
	xmlFreeDoc(doc);
	return rc;
}

/* ---- writing ---- */

static int put_party(xmlNode *node, const struct rv_member *m)
{
	int bad = rv_xml_add(node, "Code", m->code) == NULL ||
		  rv_xml_add(node, "Name", m->name) == NULL;
	for (unsigned bit = RV_ROLE_ADMINISTRATION; bit <= RV_ROLE_RELAY; bit <<= 1) {
		if (m->roles & bit) {
			bad |= rv_xml_add(node, "Role", rv_role_text((enum rv_role)bit)) == NULL;
		}
	}
	if (m->country[0] != '\0') {
		bad |= rv_xml_add(node, "Country", m->country) == NULL;
	}
	for (size_t i = 0; i < m->n_endpoints; i++) {
		bad |= rv_xml_add(node, "Endpoint", m->endpoints[i]) == NULL;
	}
	for (size_t i = 0; i < m->n_via; i++) {
		bad |= rv_xml_add(node, "Via", m->via[i]) == NULL;
	}
	return bad ? RV_ENOMEM : 0;
}

int rv_join_put_rights(xmlNode *node, const struct rv_member *m)
{
	xmlNode *rights = m->n_rights > 0 ? rv_xml_add(node, "Rights", NULL) : NULL;
	int bad = m->n_rights > 0 && rights == NULL;
	for (size_t i = 0; i < m->n_rights && !bad; i++) {
		const struct rv_right *r = &m->rights[i];
		xmlNode *right = rv_xml_add(rights, "Right", NULL);
		bad = right == NULL || rv_xml_add(right, "Brand", r->brand) == NULL;
		if (!bad && r->registration != NULL) {
			bad = rv_xml_add(right, "RegistrationNumber", r->registration) == NULL;
		}
		for (unsigned k = 1; k <= 45 && !bad; k++) {
			char number[4];
			snprintf(number, sizeof(number), "%u", k);
			bad = (r->nice >> k & 1) != 0 &&
			      rv_xml_add(right, "NiceClass", number) == NULL;
		}
		for (size_t k = 0; k < r->n_countries && !bad; k++) {
			bad = rv_xml_add(right, "Country", r->countries[k]) == NULL;
		}
	}
	return bad ? RV_ENOMEM : 0;
}

static int build(xmlDoc *doc, xmlNode **request_r, const struct rv_join *j)
{
	char made[RV_STAMP_TEXT];
	struct rv_buf base64 = {0};
	int rc = RV_ENOMEM;
	xmlNode *root = xmlNewDocNode(doc, NULL, (const xmlChar *)"Join", NULL);
	if (root == NULL) {
		goto out;
	}
	xmlDocSetRootElement(doc, root);
	xmlNs *ns = xmlNewNs(root, (const xmlChar *)RV_NS_TRUST, NULL);
	xmlSetNs(root, ns);
	xmlNode *request = ns != NULL ? rv_xml_add(root, "Request", NULL) : NULL;
	rv_stamp_text(made, j->made_us);
	rv_base64(&base64, j->request, j->request_len);
	const char *text = rv_buf_cstr(&base64);
	if (request == NULL || text == NULL ||
		xmlNewProp(request, (const xmlChar *)"Id", (const xmlChar *)"request") == NULL ||
		xmlNewProp(request, (const xmlChar *)"Made", (const xmlChar *)made) == NULL ||
		put_party(request, &j->party) != 0 ||
		rv_xml_add(request, "CertificateRequest", text) == NULL ||
		rv_xml_add(request, "CurveKey", j->z85) == NULL ||
		rv_join_put_rights(request, &j->party) != 0) {
		goto out;
	}
	*request_r = request;
	rc = 0;
out:
	rv_buf_free(&base64);
	return rc;
}

int rv_join_write(const struct rv_join *j, const struct rv_signer *signer, struct rv_buf *out,
	struct rv_err *e)
{
	struct rv_dsig_ref ref = {.uri = "#request"};
	struct rv_buf wire = {0};
	struct rv_join again = {.made_us = 0};
	xmlNode *request = NULL;
	xmlNode *signature = NULL;
	int rc = 0;
	xmlDoc *doc = xmlNewDoc((const xmlChar *)"1.0");
	if (doc == NULL || build(doc, &request, j) != 0) {
		rc = rv_fail_nomem(e);
		goto out;
	}
	rc = rv_dsig_digest(ref.digest, request, e);
	if (rc != 0) {
		goto out;
	}
	signature = rv_dsig_add(xmlDocGetRootElement(doc));
	if (signature == NULL) {
		rc = rv_fail_nomem(e);
		goto out;
	}
	rc = rv_dsig_sign(signature, &ref, 1, signer, NULL, e);
	if (rc == 0) {
		rc = rv_xml_c14n_doc(doc, &wire, e);
	}
	if (rc == 0) {
		rc = rv_join_read(&again, wire.data, wire.len, e);
	}
	if (rc == 0 && rv_buf_put(out, wire.data, wire.len) != 0) {
		rc = rv_fail_nomem(e);
	}
out:
	rv_join_clear(&again);
	rv_buf_free(&wire);
	xmlFreeDoc(doc);
	return rc;
}

/* 16 bits as consonant, vowel, consonant, vowel, consonant: 4, 2, 4, 2 and 4 bits. */
static void put_word(char word[5], unsigned bits)
{
	static const char consonants[] = "bdfghjklmnprstvz";
	static const char vowels[] = "aiou";
	word[0] = consonants[bits >> 12 & 15];
	word[1] = vowels[bits >> 10 & 3];
	word[2] = consonants[bits >> 6 & 15];
	word[3] = vowels[bits >> 4 & 3];
	word[4] = consonants[bits & 15];
}

int rv_join_fingerprint(const struct rv_join *j, char text[RV_FINGERPRINT_TEXT], struct rv_err *e)
{
	uint8_t digest[RV_DIGEST_LEN];
	struct rv_buf both = {0};
	unsigned char *spki = NULL;
	X509_REQ *req = NULL;
	int len = 0;
	int rc = open_request(&req, j, e);
	if (rc != 0) {
		goto out;
	}
	len = i2d_PUBKEY(X509_REQ_get0_pubkey(req), &spki);
	if (len <= 0 || rv_buf_put(&both, spki, (size_t)len) != 0 ||
		rv_buf_str(&both, j->z85) != 0) {
		rc = rv_fail_nomem(e);
		goto out;
	}
	rv_sha256(digest, both.data, both.len);
	for (size_t i = 0; i < RV_FINGERPRINT_WORDS; i++) {
		put_word(text + 6 * i, (unsigned)digest[2 * i] << 8 | digest[2 * i + 1]);
		text[6 * i + 5] = i + 1 < RV_FINGERPRINT_WORDS ? '-' : '\0';
	}
out:
	OPENSSL_free(spki);
	X509_REQ_free(req);
	rv_buf_free(&both);
	return rc;
}
