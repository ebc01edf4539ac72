/* SPDX-License-Identifier: Apache-2.0 */
#include "seal_int.h"

#include <stdio.h>
#include <string.h>

/* ---- sealing ---- */

static int names_certificate(const xmlNode *header, const uint8_t digest[RV_DIGEST_LEN])
{
	const char *text = rv_xml_child_text(header, "SignerCertificate");
	uint8_t named[RV_DIGEST_LEN];
	return text != NULL && rv_unhex(named, sizeof(named), text) == 0 &&
	       memcmp(named, digest, sizeof(named)) == 0;
}

static xmlNode *add_manifest(xmlNode *signature)
{
	xmlNode *object = rv_xml_add(signature, "Object", NULL);
	xmlNode *manifest = object != NULL ? rv_xml_add(object, "Manifest", NULL) : NULL;
	return manifest != NULL && xmlNewProp(manifest, (const xmlChar *)"Id",
					   (const xmlChar *)"manifest") != NULL
		       ? manifest
		       : NULL;
}

static int list_sections(xmlNode *manifest, const struct rv_seal_form *f, struct rv_err *e)
{
	for (int i = 0; i < RV_SEC_COUNT; i++) {
		struct rv_dsig_ref ref = {0};
		if (f->sections[i] == NULL) {
			continue;
		}
		snprintf(ref.uri, sizeof(ref.uri), "#%s", rv_section_id((enum rv_section)i));
		int rc = rv_dsig_digest(ref.digest, f->sections[i], e);
		if (rc == 0) {
			rc = rv_dsig_add_reference(manifest, &ref, e);
		}
		if (rc != 0) {
			return rc;
		}
	}
	return 0;
}

/* What no receiver would take is not given out: larger than the limits, text that is not XML. */
static int check_own(const struct rv_buf *wire, struct rv_err *e)
{
	xmlDoc *doc = NULL;
	int rc = rv_seal_parse(&doc, wire->data, wire->len, e);
	xmlFreeDoc(doc);
	if (rc != 0) {
		rv_err_prefix(e, "no receiver would take the sealed message");
	}
	return rc;
}

int rv_seal(xmlDoc *doc, const struct rv_signer *signer, struct rv_buf *out,
	uint8_t seal_digest_r[RV_DIGEST_LEN], struct rv_err *e)
{
	struct rv_dsig_ref refs[RV_DSIG_REFS] = {
		{.uri = "#header"}, {.uri = "#manifest", .manifest = 1}};
	struct rv_seal_form f;
	struct rv_buf wire = {0};
	uint8_t digest[RV_DIGEST_LEN];
	xmlNode *signature = NULL;
	int rc = rv_seal_form_content(&f, doc, e);
	if (rc != 0) {
		goto out;
	}
	if (!names_certificate(f.header, signer->cert_digest)) {
		rc = rv_seal_refuse(e, RV_EINVAL, f.header, "SEAL-CERT",
			"Compose the message for the certificate that seals it.",
			"SignerCertificate is not the certificate of the key that seals");
		goto out;
	}
	signature = rv_dsig_add(xmlDocGetRootElement(doc));
	xmlNode *manifest = signature != NULL ? add_manifest(signature) : NULL;
	if (manifest == NULL) {
		rc = rv_fail_nomem(e);
		goto out;
	}
	if ((rc = list_sections(manifest, &f, e)) != 0 ||
		(rc = rv_dsig_digest(refs[0].digest, f.header, e)) != 0 ||
		(rc = rv_dsig_digest(refs[1].digest, manifest, e)) != 0 ||
		(rc = rv_dsig_sign(signature, refs, RV_DSIG_REFS, signer, digest, e)) != 0 ||
		(rc = rv_xml_c14n_doc(doc, &wire, e)) != 0 || (rc = check_own(&wire, e)) != 0) {
		goto out;
	}
	if (rv_buf_put(out, wire.data, wire.len) != 0) {
		rc = rv_fail_nomem(e);
		goto out;
	}
	if (seal_digest_r != NULL) {
		memcpy(seal_digest_r, digest, sizeof(digest));
	}
out:
	if (rc != 0 && signature != NULL) {
		xmlUnlinkNode(signature);
		xmlFreeNode(signature);
	}
	rv_buf_free(&wire);
	return rc;
}

/* ---- reading ---- */

/* Line and column, from 1, of a byte of a text in UTF-8. */
static void place_of(const uint8_t *text, size_t at, int *line_r, int *column_r)
{
	*line_r = 1;
	*column_r = 1;
	for (size_t i = 0; i < at; i++) {
		if (text[i] == '\n') {
			(*line_r)++;
			*column_r = 1;
		} else {
			*column_r += (text[i] & 0xc0) != 0x80;
		}
	}
}

static int check_canonical(xmlDoc *doc, const uint8_t *wire, size_t len, struct rv_err *e)
{
	struct rv_buf canonical = {0};
	size_t at = 0;
	int rc = rv_xml_c14n_doc(doc, &canonical, e);
	if (rc != 0) {
		goto out;
	}
	if (canonical.len == len && memcmp(canonical.data, wire, len) == 0) {
		goto out;
	}
	while (at < len && at < canonical.len && wire[at] == canonical.data[at]) {
		at++;
	}
	rc = rv_fail_rule(e, RV_EPROFILE, "SEAL-CANONICAL",
		"the document differs here from its canonical form");
	rv_err_mend(e, "Take the message as the node exported it: editors and formatters change "
		       "its bytes.");
	if (e != NULL) {
		place_of(wire, at, &e->line, &e->column);
	}
out:
	rv_buf_free(&canonical);
	return rc;
}

int rv_seal_parse(xmlDoc **doc_r, const void *wire, size_t len, struct rv_err *e)
{
	xmlDoc *doc = NULL;
	struct rv_seal_form f;
	int rc = rv_xml_parse(&doc, wire, len, &rv_xml_limits_message, 0, e);
	if (rc == 0) {
		rc = check_canonical(doc, wire, len, e);
	}
	if (rc == 0) {
		rc = rv_seal_form_read(&f, doc, e);
	}
	if (rc != 0) {
		xmlFreeDoc(doc);
		return rc;
	}
	*doc_r = doc;
	return 0;
}

static int inspect(xmlDoc *doc, struct rv_seal_form *f, struct rv_sealed *sealed, struct rv_err *e)
{
	int rc = rv_seal_form_read(f, doc, e);
	if (rc == 0) {
		rc = rv_dsig_digest(sealed->seal_digest, f->dsig.signed_info, e);
	}
	if (rc == 0) {
		sealed->present = f->present;
		sealed->withheld = f->listed & ~f->present;
		sealed->alg = f->dsig.alg;
	}
	return rc;
}

int rv_seal_inspect(xmlDoc *doc, struct rv_sealed *sealed_r, struct rv_err *e)
{
	struct rv_seal_form f;
	struct rv_sealed sealed;
	int rc = inspect(doc, &f, &sealed, e);
	if (rc == 0) {
		*sealed_r = sealed;
	}
	return rc;
}

int rv_seal_withhold(xmlDoc *doc, unsigned mask, struct rv_buf *out, struct rv_err *e)
{
	struct rv_seal_form f;
	int rc = rv_seal_form_read(&f, doc, e);
	if (rc != 0) {
		return rc;
	}
	for (int i = 0; i < RV_SEC_COUNT; i++) {
		if (f.sections[i] != NULL && (mask & 1u << i)) {
			xmlUnlinkNode(f.sections[i]);
			xmlFreeNode(f.sections[i]);
		}
	}
	return rv_xml_c14n_doc(doc, out, e);
}

int rv_seal_verify(struct rv_verifier *v, xmlDoc *doc, const struct rv_cert *cert,
	struct rv_sealed *sealed_r, struct rv_err *e)
{
	struct rv_seal_form f;
	struct rv_sealed sealed;
	int rc = inspect(doc, &f, &sealed, e);
	if (rc == 0 && !names_certificate(f.header, rv_cert_digest(cert))) {
		const xmlNode *named = rv_xml_child(f.header, "SignerCertificate");
		rc = rv_seal_refuse(e, RV_ECERT, named != NULL ? named : f.header, "SEAL-CERT",
			"Verify it with the certificate that SignerCertificate names.",
			"the Header names another certificate than the one it is verified with");
	}
	if (rc == 0) {
		rc = rv_verifier_check(v, doc, &f, cert, e);
	}
	if (rc == 0) {
		*sealed_r = sealed;
	}
	return rc;
}
