/* SPDX-License-Identifier: Apache-2.0 */
#include "node/trust/authority_int.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node/file.h"

#define LAST_NUMBER UINT64_C(999999999999)

void authority_outcome_clear(struct authority_outcome *r)
{
	rv_buf_free(&r->missing);
	*r = (struct authority_outcome){0};
}

int authority_number(const struct authority *a, uint64_t *number_r, struct rv_err *e)
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
	*number_r = n;
	return 0;
}

int authority_set_number(xmlNode *list, uint64_t number)
{
	char text[24];
	snprintf(text, sizeof(text), "%" PRIu64, number);
	return xmlSetProp(list, (const xmlChar *)"Number", (const xmlChar *)text) != NULL
		       ? 0
		       : RV_ENOMEM;
}

static int next_number(
	const struct authority *a, uint64_t wanted, uint64_t *number_r, struct rv_err *e)
{
	uint64_t n = 0;
	int rc = authority_number(a, &n, e);
	if (rc == 0 && wanted != 0 && (wanted < n || wanted >= LAST_NUMBER)) {
		return rv_fail(e, RV_EINVAL,
			"the number must be %" PRIu64 " or more: lower ones were published", n);
	}
	*number_r = wanted != 0 ? wanted : n;
	return rc;
}

/* Attributes of the list to come, and whose it is. */
static int set_attributes(xmlNode *list, X509 *own, uint64_t number, int64_t issued_us,
	int64_t expires_us, struct rv_err *e)
{
	char code[RV_CODE_TEXT] = "";
	int n = X509_NAME_get_text_by_NID(
		X509_get_subject_name(own), NID_commonName, code, sizeof(code));
	if (n <= 0) {
		return rv_fail(e, RV_ECERT, "the certificate of the authority has no name");
	}
	return authority_set_number(list, number) == 0 &&
			       authority_set_stamp(list, "Issued", issued_us) == 0 &&
			       authority_set_stamp(list, "Expires", expires_us) == 0 &&
			       xmlSetProp(list, (const xmlChar *)"Authority",
				       (const xmlChar *)code) != NULL
		       ? 0
		       : rv_fail_nomem(e);
}

/* The earliest end of the certificates that the list names as signing: it is good no longer. */
static int signing_until(struct authority *a, int64_t now_us, int64_t *until_us, struct rv_err *e)
{
	struct rv_trust *t = NULL;
	const struct rv_dated_cert *certs;
	unsigned quorum;
	int rc = rv_trust_check(&t, a->doc, e);
	size_t n = rc == 0 ? rv_trust_signing(t, &certs, &quorum) : 0;
	for (size_t i = 0; i < n && rc == 0; i++) {
		int64_t end = rv_cert_not_after(certs[i].cert);
		end = certs[i].to_us < end ? certs[i].to_us : end;
		if (end <= now_us) {
			char subject[128];
			rv_cert_subject(certs[i].cert, subject, sizeof(subject));
			rc = rv_fail(e, RV_EEXPIRED,
				"a certificate that signs lists has expired: %s", subject);
			rv_err_mend(e, "Make a new one with reeve authority rekey; another "
				       "coordinator's comes with reeve authority co-signer.");
		}
		*until_us = end < *until_us ? end : *until_us;
	}
	*until_us = authority_seconds(*until_us);
	rv_trust_unref(&t);
	return rc;
}

/* The signed wire form of the draft. */
static int sign_draft(struct authority *a, const struct authority_own *own, uint64_t number,
	const struct authority_publish *how, struct rv_buf *wire, struct authority_outcome *r,
	struct rv_err *e)
{
	struct rv_trust *t = NULL;
	struct rv_trust *last = NULL;
	xmlDoc *doc = NULL;
	int64_t until = how->to_us;
	int rc = authority_take_seat(a, own, e);
	if (rc == 0) {
		rc = signing_until(a, how->now_us, &until, e);
	}
	if (rc == 0) {
		rc = set_attributes(
			a->list, own->certs[0], number, authority_seconds(how->now_us), until, e);
	}
	if (rc == 0) {
		doc = xmlCopyDoc(a->doc, 1);
		rc = doc != NULL ? authority_add_signatures(a, own, doc, how->ask, wire, e)
				 : rv_fail_nomem(e);
	}
	if (rc == 0) {
		rc = rv_trust_check(&t, doc, e);
	}
	if (rc == 0) {
		rc = authority_last(a, &last, e);
	}
	if (rc == 0) {
		rc = authority_count(doc, t, last, how->now_us, r, e);
	}
	r->number = number;
	r->until_us = until;
	rv_trust_unref(&t);
	rv_trust_unref(&last);
	xmlFreeDoc(doc);
	return rc;
}

static int put_proposal(const struct authority *a, uint64_t number, const char *out,
	const struct rv_buf *wire, struct rv_err *e)
{
	int rc = authority_archive(a, "proposed", number, wire, e);
	char *path = out != NULL ? strdup(out) : file_join(a->dir, "proposal.xml");
	if (rc == 0) {
		rc = path != NULL ? file_write(path, 0644, wire->data, wire->len, e)
				  : rv_fail_nomem(e);
	}
	free(path);
	return rc;
}

/* What was signed goes out: complete, or to be signed by others. */
static int put_out(const struct authority *a, const struct authority_publish *how,
	const struct rv_buf *wire, const struct authority_outcome *r, struct rv_err *e)
{
	struct rv_trust *t = NULL;
	if (!r->complete) {
		return put_proposal(a, r->number, how->out, wire, e);
	}
	int rc = authority_reread(a, &t, wire, how->now_us, e);
	if (rc == 0) {
		rc = authority_keep(a, t, how->out, wire, e);
	}
	rv_trust_unref(&t);
	return rc;
}

int authority_publish(struct authority *a, const struct authority_publish *how,
	struct authority_outcome *r, struct rv_err *e)
{
	struct authority_edit edit = {a, NULL};
	struct authority_own own = {.n = 0};
	struct authority_outcome made = {0};
	struct rv_buf wire = {0};
	uint64_t number = 0;
	int rc = next_number(a, how->number, &number, e);
	if (rc == 0) {
		rc = authority_own_read(a, &own, e);
	}
	if (rc == 0) {
		rc = authority_edit_begin(&edit, a, e);
	}
	if (rc != 0) {
		goto out;
	}
	rc = sign_draft(a, &own, number, how, &wire, &made, e);
	if (rc == 0 && authority_set_number(a->list, number + 1) != 0) {
		rc = rv_fail_nomem(e);
	}
	/* first the number, then the list: a number that was lost is skipped, never used twice */
	rc = authority_edit_end(&edit, rc, NULL, e);
	if (rc == 0) {
		rc = put_out(a, how, &wire, &made, e);
	}
	if (rc == 0) {
		*r = made;
		made = (struct authority_outcome){0};
	}
out:
	authority_outcome_clear(&made);
	authority_own_clear(&own);
	rv_buf_free(&wire);
	return rc;
}
