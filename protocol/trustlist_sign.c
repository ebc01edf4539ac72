/* SPDX-License-Identifier: Apache-2.0 */
#include "trustlist_int.h"

#include <string.h>
#include <openssl/evp.h>

#include "dsig.h"

enum { MAX_SIGNATURES = 8 };

static const char list_uri[] = "#list";

/* The signature must be of the profile and over this list. */
static int read_signature(struct rv_dsig *s, const xmlNode *node,
	const uint8_t digest[RV_DIGEST_LEN], struct rv_err *e)
{
	int rc = rv_dsig_read(s, node, e);
	if (rc != 0) {
		return rc;
	}
	if (s->n_refs != 1 || s->refs[0].manifest || strcmp(s->refs[0].uri, list_uri) != 0 ||
		s->object != NULL) {
		return tl_fail(e, node, RV_EPROFILE, "TRUST-SHAPE",
			"a signature of a trust list has one Reference, to #list, and no Object");
	}
	if (!rv_equal_ct(s->refs[0].digest, digest, RV_DIGEST_LEN)) {
		tl_fail(e, node, RV_EDIGEST, "TRUST-DIGEST",
			"the list is not the one that was signed: it was altered");
		rv_err_mend(e, "Get the list again from the coordinator.");
		return RV_EDIGEST;
	}
	return 0;
}

/* What is known of the keys that signed. */
struct signers {
	const struct rv_cert *valid[MAX_SIGNATURES];
	size_t n_valid;
	const struct rv_cert *stale; /* signed, but not valid now */
};

static void note_signer(struct signers *s, const struct rv_cert *cert, int64_t now_us)
{
	if (now_us != 0 && rv_cert_valid_at(cert, now_us, NULL) != 0) {
		s->stale = cert;
		return;
	}
	for (size_t i = 0; i < s->n_valid; i++) {
		if (EVP_PKEY_eq(rv_cert_key(s->valid[i]), rv_cert_key(cert)) == 1) {
			return;
		}
	}
	s->valid[s->n_valid++] = cert;
}

/* Finds the authority that made a signature. One key may stand in several certificates (renewed):
 * one valid now counts. */
static int find_signer(struct signers *found, const struct rv_dsig *s,
	const struct rv_cert *const *authorities, size_t n_authorities, int64_t now_us,
	struct rv_err *e)
{
	struct rv_buf canonical = {0};
	int rc = rv_xml_c14n(s->signed_info, &canonical, e);
	size_t before = found->n_valid;
	for (size_t i = 0; i < n_authorities && rc == 0 && found->n_valid == before; i++) {
		if (rv_cert_verify(authorities[i], s->alg, canonical.data, canonical.len, s->value,
			    s->value_len, NULL) == 0) {
			note_signer(found, authorities[i], now_us);
		}
	}
	rv_buf_free(&canonical);
	return rc;
}

static int no_signer(const struct signers *found, const xmlNode *list, size_t n_authorities,
	int64_t now_us, struct rv_err *e)
{
	if (found->stale == NULL) {
		tl_fail(e, list, RV_ESIGNATURE, "TRUST-SIGNATURE",
			"the trust list is not signed by any of the %zu authority certificates "
			"known here",
			n_authorities);
		rv_err_mend(e, "Check that list and authority certificate come from the same "
			       "coordinator.");
		return RV_ESIGNATURE;
	}
	char now[RV_STAMP_TEXT], to[RV_STAMP_TEXT];
	rv_stamp_text(now, now_us);
	rv_stamp_text(to, rv_cert_not_after(found->stale));
	tl_fail(e, list, RV_ECERT, "TRUST-AUTHORITY",
		"the authority certificate that signed the trust list is not valid at %s: it ends "
		"at %s",
		now, to);
	rv_err_mend(e, "Check the clock; ask the coordinator for its new authority certificate.");
	return RV_ECERT;
}

/* Finds which of the authorities signed the list: the form of every signature is checked. */
static int find_signers(struct signers *found, const xmlNode *list,
	const uint8_t digest[RV_DIGEST_LEN], const struct rv_cert *const *authorities,
	size_t n_authorities, int64_t now_us, struct rv_err *e)
{
	size_t n = 0;
	int rc = 0;
	for (const xmlNode *node = rv_xml_next(list); node != NULL && rc == 0;
		node = rv_xml_next(node)) {
		struct rv_dsig s;
		if (++n > MAX_SIGNATURES) {
			return tl_fail(e, node, RV_ELIMIT, "TRUST-LIMIT",
				"a trust list has %d signatures at most", MAX_SIGNATURES);
		}
		rc = read_signature(&s, node, digest, e);
		if (rc == 0) {
			rc = find_signer(found, &s, authorities, n_authorities, now_us, e);
		}
	}
	return rc;
}

static int too_few(size_t found, unsigned quorum, const xmlNode *list, struct rv_err *e)
{
	tl_fail(e, list, RV_ESIGNATURE, "TRUST-QUORUM",
		"the trust list is signed by %zu of the authority's keys; %u are needed", found,
		quorum);
	rv_err_mend(e, "The other coordinators sign it with: reeve authority sign.");
	return RV_ESIGNATURE;
}

static int verify(struct rv_trust *t, xmlNode *list, const struct rv_cert *const *authorities,
	size_t n_authorities, unsigned quorum, int64_t now_us, struct rv_err *e)
{
	struct signers found = {{NULL}, 0, NULL};
	int rc = rv_dsig_digest(t->list_digest, list, e);
	if (rc == 0) {
		rc = find_signers(&found, list, t->list_digest, authorities, n_authorities, now_us, e);
	}
	if (rc != 0) {
		return rc;
	}
	if (found.n_valid == 0) {
		return no_signer(&found, list, n_authorities, now_us, e);
	}
	if (found.n_valid < quorum) {
		return too_few(found.n_valid, quorum, list, e);
	}
	t->signers = (unsigned)found.n_valid;
	return 0;
}

/* A list must have the signatures that it demands of the next one. */
static int verify_own(const struct rv_trust *t, const xmlNode *list, int64_t now_us, struct rv_err *e)
{
	const struct rv_cert *certs[MAX_SIGNATURES];
	struct signers found = {{NULL}, 0, NULL};
	if (t->n_signing == 0) {
		return 0;
	}
	size_t n = 0;
	for (size_t i = 0; i < t->n_signing; i++) {
		if (now_us == 0 ||
			(now_us >= t->signing[i].from_us && now_us <= t->signing[i].to_us)) {
			certs[n++] = t->signing[i].cert;
		}
	}
	int rc = find_signers(&found, list, t->list_digest, certs, n, now_us, e);
	if (rc == 0 && found.n_valid < t->quorum) {
		rc = too_few(found.n_valid, t->quorum, list, e);
	}
	return rc;
}

int rv_trust_count_signers(unsigned *n_r, xmlDoc *doc, const struct rv_cert *const *authorities,
	size_t n_authorities, struct rv_err *e)
{
	struct signers found = {{NULL}, 0, NULL};
	uint8_t digest[RV_DIGEST_LEN];
	xmlNode *list = tl_list_of(doc, e);
	if (list == NULL) {
		return RV_ESCHEMA;
	}
	int rc = rv_dsig_digest(digest, list, e);
	if (rc == 0) {
		rc = find_signers(&found, list, digest, authorities, n_authorities, 0, e);
	}
	if (rc == 0) {
		*n_r = (unsigned)found.n_valid;
	}
	return rc;
}

static int check_canonical(xmlDoc *doc, const void *wire, size_t len, struct rv_err *e)
{
	struct rv_buf canonical = {0};
	int rc = rv_xml_c14n_doc(doc, &canonical, e);
	if (rc == 0 && (canonical.len != len || memcmp(canonical.data, wire, len) != 0)) {
		rc = rv_fail_rule(e, RV_EPROFILE, "TRUST-CANONICAL",
			"the trust list is not in its canonical form");
		rv_err_mend(e, "Take the file as it was published: an editor or a mail program "
			       "changed it.");
	}
	rv_buf_free(&canonical);
	return rc;
}

static int check_now(const struct rv_trust *t, int64_t now_us, struct rv_err *e)
{
	char text[RV_STAMP_TEXT];
	if (now_us == 0) {
		return 0;
	}
	if (now_us > t->expires_us) {
		rv_stamp_text(text, t->expires_us);
		rv_fail_rule(e, RV_EEXPIRED, "TRUST-EXPIRED", "trust list %llu expired at %s",
			(unsigned long long)t->number, text);
		rv_err_mend(e, "Get the current list from the coordinator.");
		return RV_EEXPIRED;
	}
	if (t->issued_us > now_us + RV_TRUST_AHEAD_US) {
		rv_stamp_text(text, t->issued_us);
		rv_fail_rule(e, RV_EEXPIRED, "TRUST-NOT-YET",
			"trust list %llu is issued at %s, which is still to come",
			(unsigned long long)t->number, text);
		rv_err_mend(e, "Check the clock of this machine.");
		return RV_EEXPIRED;
	}
	return 0;
}

int rv_trust_read(struct rv_trust **t_r, const void *wire, size_t len,
	const struct rv_cert *const *authorities, size_t n_authorities, unsigned quorum,
	int64_t now_us, struct rv_err *e)
{
	xmlDoc *doc = NULL;
	xmlNode *list = NULL;
	struct rv_trust *t = NULL;
	int rc = rv_xml_parse(&doc, wire, len, &rv_xml_limits_trust, 0, e);
	if (rc != 0) {
		goto out;
	}
	rc = check_canonical(doc, wire, len, e);
	if (rc != 0) {
		goto out;
	}
	list = tl_list_of(doc, e);
	t = tl_new();
	if (list == NULL || t == NULL) {
		rc = list == NULL ? RV_ESCHEMA : rv_fail_nomem(e);
		goto out;
	}
	rc = verify(t, list, authorities, n_authorities, quorum, now_us, e);
	if (rc == 0) {
		rc = tl_read_list(t, list, e);
	}
	if (rc == 0) {
		rc = verify_own(t, list, now_us, e);
	}
	if (rc == 0) {
		rc = check_now(t, now_us, e);
	}
	if (rc == 0) {
		rc = tl_link(t, e);
	}
	if (rc == 0) {
		rv_sha256(t->digest, wire, len);
		*t_r = t;
		t = NULL;
	}
out:
	rv_trust_unref(&t);
	xmlFreeDoc(doc);
	return rc;
}

int rv_trust_check(struct rv_trust **t_r, xmlDoc *doc, struct rv_err *e)
{
	xmlNode *list = tl_list_of(doc, e);
	if (list == NULL) {
		return RV_ESCHEMA;
	}
	struct rv_trust *t = tl_new();
	if (t == NULL) {
		return rv_fail_nomem(e);
	}
	int rc = tl_read_list(t, list, e);
	if (rc == 0) {
		rc = tl_link(t, e);
	}
	if (rc == 0 && t_r != NULL) {
		*t_r = t;
		t = NULL;
	}
	rv_trust_unref(&t);
	return rc;
}

int rv_trust_sign(xmlDoc *doc, const struct rv_signer *signer, struct rv_buf *out, struct rv_err *e)
{
	struct rv_dsig_ref ref = {.uri = "#list"};
	xmlNode *signature = NULL;
	size_t n = 0;

	rv_xml_strip(doc);
	int rc = rv_trust_check(NULL, doc, e);
	if (rc != 0) {
		return rc;
	}
	xmlNode *list = tl_list_of(doc, e);
	rc = rv_dsig_digest(ref.digest, list, e);
	for (const xmlNode *node = rv_xml_next(list); node != NULL && rc == 0;
		node = rv_xml_next(node)) {
		struct rv_dsig s;
		rc = read_signature(&s, node, ref.digest, e);
		n++;
	}
	if (rc == 0 && n >= MAX_SIGNATURES) {
		rc = rv_fail_rule(e, RV_ELIMIT, "TRUST-LIMIT",
			"a trust list has %d signatures at most", MAX_SIGNATURES);
	}
	if (rc != 0) {
		return rc;
	}
	signature = rv_dsig_add(xmlDocGetRootElement(doc));
	if (signature == NULL) {
		return rv_fail_nomem(e);
	}
	rc = rv_dsig_sign(signature, &ref, 1, signer, NULL, e);
	if (rc == 0) {
		rc = rv_xml_c14n_doc(doc, out, e);
	}
	if (rc != 0) {
		xmlUnlinkNode(signature);
		xmlFreeNode(signature);
	}
	return rc;
}
