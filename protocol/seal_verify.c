/* SPDX-License-Identifier: Apache-2.0 */
#include "seal_int.h"

#include <stdlib.h>
#include <string.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <xmlsec/xmlsec.h>
#include <xmlsec/crypto.h>
#include <xmlsec/errors.h>
#include <xmlsec/openssl/evp.h>
#include <xmlsec/transforms.h>
#include <xmlsec/xmldsig.h>

int rv_seal_init(struct rv_err *e)
{
	if (xmlSecInit() < 0 || xmlSecCheckVersion() != 1 || xmlSecCryptoAppInit(NULL) < 0 ||
		xmlSecCryptoInit() < 0) {
		return rv_fail(e, RV_ESYS, "xmlsec1 cannot be initialised");
	}
	xmlSecErrorsDefaultCallbackEnableOutput(0);
	return 0;
}

void rv_seal_cleanup(void)
{
	xmlSecCryptoShutdown();
	xmlSecCryptoAppShutdown();
	xmlSecShutdown();
}

struct rv_verifier {
	/* the certificate whose key was made ready last: messages of one signer come in runs */
	uint8_t cert_digest[RV_DIGEST_LEN];
	xmlSecKeyPtr key;
};

int rv_verifier_new(struct rv_verifier **v_r, struct rv_err *e)
{
	struct rv_verifier *v = calloc(1, sizeof(*v));
	if (v == NULL) {
		return rv_fail_nomem(e);
	}
	*v_r = v;
	return 0;
}

void rv_verifier_free(struct rv_verifier **v)
{
	if (v == NULL || *v == NULL) {
		return;
	}
	if ((*v)->key != NULL) {
		xmlSecKeyDestroy((*v)->key);
	}
	free(*v);
	*v = NULL;
}

static int ready_key(struct rv_verifier *v, const struct rv_cert *cert, struct rv_err *e)
{
	if (v->key != NULL && memcmp(v->cert_digest, rv_cert_digest(cert), RV_DIGEST_LEN) == 0) {
		return 0;
	}
	EVP_PKEY *pkey = rv_cert_key(cert);
	if (EVP_PKEY_up_ref(pkey) != 1) {
		return rv_fail_nomem(e);
	}
	xmlSecKeyDataPtr data = xmlSecOpenSSLEvpKeyAdopt(pkey);
	if (data == NULL) {
		EVP_PKEY_free(pkey);
		return rv_fail_rule(e, RV_ECERT, "CERT-KEY-TYPE",
			"xmlsec1 does not take the certificate's key");
	}
	xmlSecKeyPtr key = xmlSecKeyCreate();
	if (key == NULL || xmlSecKeySetValue(key, data) < 0) {
		xmlSecKeyDataDestroy(data);
		if (key != NULL) {
			xmlSecKeyDestroy(key);
		}
		return rv_fail_nomem(e);
	}
	if (v->key != NULL) {
		xmlSecKeyDestroy(v->key);
	}
	v->key = key;
	memcpy(v->cert_digest, rv_cert_digest(cert), RV_DIGEST_LEN);
	return 0;
}

/* Makes the Id attributes of the profile, and no others, known as Ids. */
static int register_id(xmlDoc *doc, const xmlNode *node, struct rv_err *e)
{
	xmlAttr *attr = xmlHasProp(node, (const xmlChar *)"Id");
	const char *value = rv_xml_attr(node, "Id");
	if (attr == NULL || value == NULL) {
		return rv_fail_rule(
			e, RV_EPROFILE, "SEAL-ID", "an element of the profile has no Id");
	}
	xmlAttr *known = xmlGetID(doc, (const xmlChar *)value);
	if (known == attr) {
		return 0;
	}
	if (known != NULL) {
		return rv_fail_rule(e, RV_EPROFILE, "SEAL-ID",
			"the Id %.40s stands twice in the document", value);
	}
	return xmlAddID(NULL, doc, (const xmlChar *)value, attr) != NULL ? 0 : rv_fail_nomem(e);
}

static int register_ids(xmlDoc *doc, const struct rv_seal_form *f, struct rv_err *e)
{
	int rc = register_id(doc, f->header, e);
	if (rc == 0) {
		rc = register_id(doc, f->manifest, e);
	}
	for (int i = 0; rc == 0 && i < RV_SEC_COUNT; i++) {
		if (f->sections[i] != NULL) {
			rc = register_id(doc, f->sections[i], e);
		}
	}
	return rc;
}

static xmlSecDSigCtxPtr make_context(struct rv_verifier *v)
{
	xmlSecDSigCtxPtr ctx = xmlSecDSigCtxCreate(NULL);
	if (ctx == NULL) {
		return NULL;
	}
	ctx->flags |= XMLSEC_DSIG_FLAGS_IGNORE_MANIFESTS;
	ctx->enabledReferenceUris = xmlSecTransformUriTypeSameDocument;
	ctx->signKey = xmlSecKeyDuplicate(v->key);
	if (ctx->signKey == NULL ||
		xmlSecDSigCtxEnableReferenceTransform(ctx, xmlSecTransformExclC14NId) < 0 ||
		xmlSecDSigCtxEnableReferenceTransform(ctx, xmlSecTransformSha256Id) < 0 ||
		xmlSecDSigCtxEnableSignatureTransform(ctx, xmlSecTransformExclC14NId) < 0 ||
		xmlSecDSigCtxEnableSignatureTransform(ctx, xmlSecTransformEcdsaSha256Id) < 0 ||
		xmlSecDSigCtxEnableSignatureTransform(ctx, xmlSecTransformRsaSha256Id) < 0) {
		xmlSecDSigCtxDestroy(ctx);
		return NULL;
	}
	return ctx;
}

static int altered(const xmlNode *node, struct rv_err *e)
{
	return rv_seal_refuse(e, RV_EDIGEST, node, "SEAL-DIGEST",
		"Ask the originator for it, or the node that handed it over: it was changed on the "
		"way.",
		"%s was altered after it was sealed", (const char *)node->name);
}

/* ---- by libxml2's canonical form and EVP ---- */

static int same_digest(xmlNode *node, const uint8_t want[RV_DIGEST_LEN], struct rv_err *e)
{
	uint8_t got[RV_DIGEST_LEN];
	int rc = rv_dsig_digest(got, node, e);
	return rc != 0 ? rc : memcmp(got, want, RV_DIGEST_LEN) == 0 ? 0 : altered(node, e);
}

static int same_value(const struct rv_seal_form *f, const struct rv_cert *cert, struct rv_err *e)
{
	struct rv_buf canonical = {0};
	int rc = rv_xml_c14n(f->dsig.signed_info, &canonical, e);
	if (rc == 0) {
		rc = rv_cert_verify(cert, f->dsig.alg, canonical.data, canonical.len, f->dsig.value,
			f->dsig.value_len, e);
	}
	rv_buf_free(&canonical);
	return rc;
}

static int check_by_hand(const struct rv_seal_form *f, const struct rv_cert *cert, struct rv_err *e)
{
	int rc = same_digest(f->header, f->dsig.refs[0].digest, e);
	if (rc == 0) {
		rc = same_digest(f->manifest, f->dsig.refs[1].digest, e);
	}
	if (rc == 0) {
		rc = same_value(f, cert, e);
	}
	for (int i = 0; rc == 0 && i < RV_SEC_COUNT; i++) {
		if (f->sections[i] != NULL) {
			rc = same_digest(f->sections[i], f->digests[i], e);
		}
	}
	return rc;
}

/* ---- by xmlsec ---- */

/* 1 good, 0 bad, -1 not decided. */
static int judge_reference(xmlSecDSigCtxPtr ctx, xmlNode *reference)
{
	xmlSecDSigReferenceCtxPtr ref =
		xmlSecDSigReferenceCtxCreate(ctx, xmlSecDSigReferenceOriginManifest);
	if (ref == NULL) {
		return -1;
	}
	int done = xmlSecDSigReferenceCtxProcessNode(ref, reference) >= 0;
	int verdict = !done ? -1 : ref->status == xmlSecDSigStatusSucceeded;
	xmlSecDSigReferenceCtxDestroy(ref);
	return verdict;
}

static int judge_by_xmlsec(struct rv_verifier *v, const struct rv_seal_form *f)
{
	xmlSecDSigCtxPtr ctx = make_context(v);
	if (ctx == NULL) {
		return -1;
	}
	int verdict = xmlSecDSigCtxVerify(ctx, f->dsig.signed_info->parent) < 0
			      ? -1
			      : ctx->status == xmlSecDSigStatusSucceeded;
	for (int i = 0; verdict == 1 && i < RV_SEC_COUNT; i++) {
		if (f->sections[i] != NULL) {
			verdict = judge_reference(ctx, f->refs[i]);
		}
	}
	xmlSecDSigCtxDestroy(ctx);
	return verdict;
}

/* xmlsec's word decides; which part is at fault, or that it only lacked memory, is found out by
 * hand. */
static int check_by_xmlsec(struct rv_verifier *v, const struct rv_seal_form *f,
	const struct rv_cert *cert, struct rv_err *e)
{
	int rc = ready_key(v, cert, e);
	if (rc != 0) {
		return rc;
	}
	int verdict = judge_by_xmlsec(v, f);
	ERR_clear_error();
	if (verdict == 1) {
		return 0;
	}
	rc = check_by_hand(f, cert, e);
	if (rc != 0) {
		return rc;
	}
	return verdict < 0
		       ? rv_fail_nomem(e)
		       : rv_fail_rule(e, RV_ESIGNATURE, "SEAL-VALUE", "xmlsec1 refuses the seal");
}

int rv_verifier_check(struct rv_verifier *v, xmlDoc *doc, const struct rv_seal_form *f,
	const struct rv_cert *cert, struct rv_err *e)
{
	/* xmlsec would take other forms of the value */
	int rc = rv_cert_value_form(cert, f->dsig.alg, f->dsig.value, f->dsig.value_len, e);
	if (rc != 0) {
		if (e != NULL) {
			rv_xml_place(f->dsig.signed_info, &e->line, &e->column);
		}
		return rc;
	}
	rc = register_ids(doc, f, e);
	if (rc != 0) {
		return rc;
	}
	return f->dsig.alg == RV_ALG_RSA_PSS_SHA256 ? check_by_hand(f, cert, e)
						    : check_by_xmlsec(v, f, cert, e);
}
