/* SPDX-License-Identifier: Apache-2.0 */
#include "node/trust/authority_int.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <openssl/x509.h>

#include "node/file.h"

#define LAST_NUMBER UINT64_C(999999999999)

/* ---- publishing ---- */

/* Who signs: the current key, and the former one while it rotates. */
struct signing {
	X509 *certs[2];
	EVP_PKEY *keys[2];
	struct rv_cert *known[2];
	size_t n;
};

static void clear_signing(struct signing *s)
{
	for (size_t i = 0; i < 2; i++) {
		X509_free(s->certs[i]);
		EVP_PKEY_free(s->keys[i]);
		rv_cert_free(&s->known[i]);
	}
}

static int open_signing(
	struct authority *a, struct signing *s, const struct issue_ask *ask, struct rv_err *e)
{
	int rc = authority_certs(a, s->certs, &s->n, e);
	for (size_t i = 0; i < s->n && rc == 0; i++) {
		struct rv_buf der = {0};
		rc = authority_key(a, s->certs[i], ask, &s->keys[i], e);
		if (rc == 0) {
			rc = issue_cert_der(s->certs[i], &der, e);
		}
		if (rc == 0) {
			rc = rv_cert_from_der(&s->known[i], der.data, der.len, e);
		}
		rv_buf_free(&der);
	}
	return rc;
}

static int set_attributes(xmlNode *list, uint64_t number, int64_t issued_us, int64_t expires_us)
{
	char text[24];
	snprintf(text, sizeof(text), "%" PRIu64, number);
	return xmlSetProp(list, (const xmlChar *)"Number", (const xmlChar *)text) != NULL &&
			       authority_set_stamp(list, "Issued", issued_us) == 0 &&
			       authority_set_stamp(list, "Expires", expires_us) == 0
		       ? 0
		       : RV_ENOMEM;
}

static int next_number(
	const struct authority *a, uint64_t wanted, uint64_t *number_r, struct rv_err *e)
{
	const char *text = rv_xml_attr(a->list, "Number");
	char *end = NULL;
	errno = 0;
	unsigned long long n =
		text != NULL && text[0] >= '1' && text[0] <= '9' ? strtoull(text, &end, 10) : 0;
	if (n == 0 || *end != '\0' || errno != 0 || n >= LAST_NUMBER) {
		return rv_fail_rule(
			e, RV_ESCHEMA, "TRUST-VALUE", "the Number of the draft is not a number");
	}
	if (wanted != 0 && (wanted < n || wanted >= LAST_NUMBER)) {
		rv_fail(e, RV_EINVAL, "the number must be %llu or more: lower ones were published",
			n);
		return RV_EINVAL;
	}
	*number_r = wanted != 0 ? wanted : n;
	return 0;
}

/* The signed wire form, read back as a node would read it. */
static int sign_draft(struct authority *a, const struct signing *s, int64_t now_us,
	struct rv_buf *wire, struct rv_err *e)
{
	struct rv_trust *t = NULL;
	const struct rv_cert *known[2] = {s->known[0], s->known[1]};
	int rc = 0;
	xmlDoc *doc = xmlCopyDoc(a->doc, 1);
	if (doc == NULL) {
		return rv_fail_nomem(e);
	}
	for (size_t i = 0; i < s->n && rc == 0; i++) {
		struct rv_signer signer;
		rv_buf_reset(wire);
		rc = issue_signer(&signer, s->keys[i], "", e);
		if (rc == 0) {
			rc = rv_trust_sign(doc, &signer, wire, e);
		}
	}
	if (rc == 0) {
		rc = rv_trust_read(&t, wire->data, wire->len, known, s->n, 1, now_us, e);
	}
	rv_trust_unref(&t);
	xmlFreeDoc(doc);
	return rc;
}

static int put_published(const struct authority *a, uint64_t number, const char *out,
	const struct rv_buf *wire, struct rv_err *e)
{
	char name[64];
	snprintf(name, sizeof(name), "published/%" PRIu64 ".xml", number);
	char *archive = file_join(a->dir, name);
	char *current = out != NULL ? strdup(out) : file_join(a->dir, "trust.xml");
	int rc = archive != NULL && current != NULL
			 ? file_create(archive, 0644, wire->data, wire->len, e)
			 : rv_fail_nomem(e);
	if (rc == RV_EEXIST) {
		rv_err_mend(e, "The draft is older than what was published: give --number with a "
			       "higher one.");
	}
	if (rc == 0) {
		rc = file_write(current, 0644, wire->data, wire->len, e);
	}
	free(archive);
	free(current);
	return rc;
}

int authority_publish(struct authority *a, const struct authority_publish *how, uint64_t *number_r,
	int64_t *until_r, struct rv_err *e)
{
	struct authority_edit edit = {a, NULL};
	struct signing s = {.n = 0};
	struct rv_buf wire = {0};
	uint64_t number = 0;
	int64_t until = 0;
	int64_t now = how->now_us - how->now_us % RV_US_PER_SEC;
	int rc = next_number(a, how->number, &number, e);
	if (rc == 0) {
		rc = open_signing(a, &s, how->ask, e);
	}
	if (rc != 0) {
		goto out;
	}
	until = authority_not_after(s.certs[0]);
	until = how->to_us < until ? how->to_us - how->to_us % RV_US_PER_SEC : until;
	rc = authority_edit_begin(&edit, a, e);
	if (rc != 0) {
		goto out;
	}
	rc = set_attributes(a->list, number, now, until) != 0
		     ? rv_fail_nomem(e)
		     : sign_draft(a, &s, how->now_us, &wire, e);
	if (rc == 0 && set_attributes(a->list, number + 1, now, until) != 0) {
		rc = rv_fail_nomem(e);
	}
	/* first the number, then the list: a number that was lost is skipped, never used twice */
	rc = authority_edit_end(&edit, rc, NULL, e);
	if (rc == 0) {
		rc = put_published(a, number, how->out, &wire, e);
	}
	if (rc == 0) {
		*number_r = number;
		*until_r = until;
	}
out:
	clear_signing(&s);
	rv_buf_free(&wire);
	return rc;
}

/* ---- rotation of the authority's own key ---- */

/* The text of one part of a certificate's subject. */
static int subject_part(X509 *cert, int nid, char *out, int size)
{
	return X509_NAME_get_text_by_NID(X509_get_subject_name(cert), nid, out, size) > 0;
}

int authority_rekey(struct authority *a, const struct authority_new *n, struct rv_err *e)
{
	struct authority_new made = *n;
	char code[RV_CODE_TEXT] = "";
	char name[512] = "";
	char key_name[AUTHORITY_KEY_NAME];
	struct rv_buf key_pem = {0};
	X509 *certs[2] = {NULL, NULL};
	X509 *cert = NULL;
	size_t count = 0;
	int rc = authority_certs(a, certs, &count, e);
	if (rc == 0 && count > 1) {
		rc = rv_fail(e, RV_EEXIST, "a rotation of the authority's key goes on");
		rv_err_mend(e, "When all members have the new certificate, end it with reeve "
			       "authority rekey --end.");
	}
	if (rc == 0 && (!subject_part(certs[0], NID_commonName, code, sizeof(code)) ||
			       !subject_part(certs[0], NID_organizationName, name, sizeof(name)))) {
		rc = rv_fail(e, RV_ECERT, "the certificate of the authority has no name");
	}
	if (rc == 0) {
		made.code = n->code != NULL ? n->code : code;
		made.name = n->name != NULL ? n->name : name;
		rc = authority_identity(&made, &cert, &key_pem, e);
	}
	if (rc == 0) {
		rc = authority_key_name(cert, key_name, e);
	}
	/* the certificate makes the key the current one: it comes last */
	if (rc == 0) {
		rc = authority_put(a->dir, key_name, 0600, &key_pem, 1, e);
	}
	if (rc == 0) {
		rc = authority_put_certs(a->dir, cert, certs[0], e);
	}
	rv_buf_wipe(&key_pem);
	X509_free(cert);
	X509_free(certs[0]);
	X509_free(certs[1]);
	return rc;
}

int authority_rekey_end(struct authority *a, struct rv_err *e)
{
	char name[AUTHORITY_KEY_NAME];
	char *path = NULL;
	X509 *certs[2] = {NULL, NULL};
	size_t count = 0;
	int rc = authority_certs(a, certs, &count, e);
	if (rc == 0 && count < 2) {
		rc = rv_fail(e, RV_ENOTFOUND, "no rotation of the authority's key goes on");
	}
	if (rc == 0) {
		rc = authority_key_name(certs[1], name, e);
	}
	if (rc == 0) {
		path = file_join(a->dir, name);
		rc = path != NULL ? authority_put_certs(a->dir, certs[0], NULL, e)
				  : rv_fail_nomem(e);
	}
	if (rc == 0 && unlink(path) != 0 && errno != ENOENT) {
		rc = rv_fail_errno(e, errno, "cannot remove the former key %s", path);
	}
	free(path);
	X509_free(certs[0]);
	X509_free(certs[1]);
	return rc;
}
