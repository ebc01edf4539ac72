/* SPDX-License-Identifier: Apache-2.0 */
#include "seal_int.h"

#include <stdlib.h>
#include <string.h>
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
	if (known != NULL || xmlAddID(NULL, doc, (const xmlChar *)value, attr) == NULL) {
		return rv_fail_rule(e, RV_EPROFILE, "SEAL-ID",
			"the Id %.40s stands twice in the document", value);
	}
	return 0;
}

static int register_ids(xmlDoc *doc, const struct rv_dsig *s, struct rv_err *e)
{
	int rc = register_id(doc, rv_xml_first(s->object), e);
	for (const xmlNode *n = rv_xml_first(xmlDocGetRootElement(doc)); rc == 0 && n != NULL;
		n = rv_xml_next(n)) {
		if (!rv_xml_is(n, RV_NS_DSIG, "Signature")) {
			rc = register_id(doc, n, e);
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

static int altered(const xmlNode *place, const char *what, struct rv_err *e)
{
	rv_fail_rule(e, RV_EDIGEST, "SEAL-DIGEST", "%s was altered after it was sealed", what);
	if (e != NULL) {
		rv_xml_place(place, &e->line, &e->column);
	}
	return RV_EDIGEST;
}

/* Which Reference of SignedInfo failed, or the value itself. */
static int why_invalid(xmlSecDSigCtxPtr ctx, const struct rv_dsig *s, struct rv_err *e)
{
	for (xmlSecSize i = 0; i < xmlSecPtrListGetSize(&ctx->signedInfoReferences); i++) {
		xmlSecDSigReferenceCtxPtr ref = xmlSecPtrListGetItem(&ctx->signedInfoReferences, i);
		if (ref != NULL && ref->status != xmlSecDSigStatusSucceeded) {
			return altered(s->signed_info, i == 0 ? "the Header" : "the Manifest", e);
		}
	}
	rv_fail_rule(e, RV_ESIGNATURE, "SEAL-VALUE",
		"the signature does not verify with the originator's certificate");
	return RV_ESIGNATURE;
}

static int section_there(xmlDoc *doc, const char *uri, const xmlNode **node_r)
{
	xmlAttr *attr = xmlGetID(doc, (const xmlChar *)uri + 1);
	*node_r = attr != NULL ? attr->parent : NULL;
	return attr != NULL;
}

static int check_sections(
	xmlSecDSigCtxPtr ctx, xmlDoc *doc, const struct rv_dsig *s, struct rv_err *e)
{
	for (xmlNode *n = rv_xml_first(rv_xml_first(s->object)); n != NULL; n = rv_xml_next(n)) {
		const char *uri = rv_xml_attr(n, "URI");
		const xmlNode *section;
		if (uri == NULL || !section_there(doc, uri, &section)) {
			continue;
		}
		xmlSecDSigReferenceCtxPtr ref =
			xmlSecDSigReferenceCtxCreate(ctx, xmlSecDSigReferenceOriginManifest);
		if (ref == NULL) {
			return rv_fail_nomem(e);
		}
		int ok = xmlSecDSigReferenceCtxProcessNode(ref, n) >= 0 &&
			 ref->status == xmlSecDSigStatusSucceeded;
		xmlSecDSigReferenceCtxDestroy(ref);
		if (!ok) {
			return altered(section, (const char *)section->name, e);
		}
	}
	return 0;
}

static int check_by_xmlsec(struct rv_verifier *v, xmlDoc *doc, const struct rv_dsig *s,
	const struct rv_cert *cert, struct rv_err *e)
{
	int rc = ready_key(v, cert, e);
	if (rc != 0) {
		return rc;
	}
	xmlSecDSigCtxPtr ctx = make_context(v);
	if (ctx == NULL) {
		return rv_fail_nomem(e);
	}
	if (xmlSecDSigCtxVerify(ctx, s->signed_info->parent) < 0 ||
		ctx->status != xmlSecDSigStatusSucceeded) {
		rc = why_invalid(ctx, s, e);
	} else {
		rc = check_sections(ctx, doc, s, e);
	}
	xmlSecDSigCtxDestroy(ctx);
	return rc;
}

static int same_digest(const xmlNode *node, const uint8_t want[RV_DIGEST_LEN], struct rv_err *e)
{
	uint8_t got[RV_DIGEST_LEN];
	union {
		const xmlNode *borrowed;
		xmlNode *node;
	} n = {.borrowed = node};
	int rc = rv_dsig_digest(got, n.node, e);
	if (rc != 0) {
		return rc;
	}
	return memcmp(got, want, RV_DIGEST_LEN) == 0 ? 0
						     : altered(node, (const char *)node->name, e);
}

static int check_by_hand(xmlDoc *doc, const struct rv_dsig *s, struct rv_err *e)
{
	const xmlNode *manifest = rv_xml_first(s->object);
	int rc = same_digest(rv_xml_first(xmlDocGetRootElement(doc)), s->refs[0].digest, e);
	if (rc == 0) {
		rc = same_digest(manifest, s->refs[1].digest, e);
	}
	for (const xmlNode *n = rv_xml_first(manifest); rc == 0 && n != NULL; n = rv_xml_next(n)) {
		struct rv_dsig_ref ref;
		const xmlNode *section;
		rc = rv_dsig_read_reference(&ref, n, e);
		if (rc == 0 && section_there(doc, ref.uri, &section)) {
			rc = same_digest(section, ref.digest, e);
		}
	}
	return rc;
}

/* The one form of the value: right length, s in the lower half. xmlsec would take others. */
static int check_value_form(const struct rv_dsig *s, const struct rv_cert *cert, struct rv_err *e)
{
	struct rv_buf canonical = {0};
	int rc = rv_xml_c14n(s->signed_info, &canonical, e);
	if (rc == 0) {
		rc = rv_cert_verify(
			cert, s->alg, canonical.data, canonical.len, s->value, s->value_len, e);
	}
	rv_buf_free(&canonical);
	return rc;
}

int rv_verifier_check(struct rv_verifier *v, xmlDoc *doc, const struct rv_dsig *s,
	const struct rv_cert *cert, struct rv_err *e)
{
	int rc = register_ids(doc, s, e);
	if (rc != 0) {
		return rc;
	}
	if (s->alg == RV_ALG_RSA_PSS_SHA256) {
		rc = check_by_hand(doc, s, e);
		return rc == 0 ? check_value_form(s, cert, e) : rc;
	}
	rc = rv_cert_value_form(cert, s->alg, s->value, s->value_len, e);
	return rc == 0 ? check_by_xmlsec(v, doc, s, cert, e) : rc;
}
