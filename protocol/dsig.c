/* SPDX-License-Identifier: Apache-2.0 */
#include "dsig.h"

#include <string.h>

#include "xml.h"

#define EXC_C14N "http://www.w3.org/2001/10/xml-exc-c14n#"
#define SHA256_URI "http://www.w3.org/2001/04/xmlenc#sha256"
#define MANIFEST_TYPE RV_NS_DSIG "Manifest"

static const struct {
	enum rv_sig_alg alg;
	const char *uri;
} algorithms[] = {
	{RV_ALG_ECDSA_P256_SHA256, "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256"},
	{RV_ALG_RSA_SHA256, "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"},
	{RV_ALG_RSA_PSS_SHA256, "http://www.w3.org/2007/05/xmldsig-more#sha256-rsa-MGF1"},
};

static const char *algorithm_uri(enum rv_sig_alg alg)
{
	for (size_t i = 0; i < sizeof(algorithms) / sizeof(algorithms[0]); i++) {
		if (algorithms[i].alg == alg) {
			return algorithms[i].uri;
		}
	}
	return NULL;
}

int rv_dsig_digest(uint8_t digest[RV_DIGEST_LEN], xmlNode *subtree, struct rv_err *e)
{
	struct rv_buf canonical = {0};
	int rc = rv_xml_c14n(subtree, &canonical, e);
	if (rc == 0) {
		rv_sha256(digest, canonical.data, canonical.len);
	}
	rv_buf_free(&canonical);
	return rc;
}

xmlNode *rv_dsig_add(xmlNode *parent)
{
	xmlNode *node = xmlNewDocNode(parent->doc, NULL, (const xmlChar *)"Signature", NULL);
	if (node == NULL) {
		return NULL;
	}
	xmlNs *ns = xmlNewNs(node, (const xmlChar *)RV_NS_DSIG, (const xmlChar *)"ds");
	if (ns == NULL) {
		xmlFreeNode(node);
		return NULL;
	}
	xmlSetNs(node, ns);
	xmlAddChild(parent, node);
	return node;
}

static int add_algorithm(xmlNode *parent, const char *name, const char *uri)
{
	xmlNode *node = rv_xml_add(parent, name, NULL);
	return node != NULL && xmlNewProp(node, (const xmlChar *)"Algorithm",
				       (const xmlChar *)uri) != NULL
		       ? 0
		       : RV_ENOMEM;
}

static int add_base64(xmlNode *parent, const char *name, const void *data, size_t len)
{
	struct rv_buf text = {0};
	rv_base64(&text, data, len);
	const char *s = rv_buf_cstr(&text);
	int rc = s != NULL && rv_xml_add(parent, name, s) != NULL ? 0 : RV_ENOMEM;
	rv_buf_free(&text);
	return rc;
}

int rv_dsig_add_reference(xmlNode *parent, const struct rv_dsig_ref *ref, struct rv_err *e)
{
	xmlNode *node = rv_xml_add(parent, "Reference", NULL);
	if (node == NULL ||
		xmlNewProp(node, (const xmlChar *)"URI", (const xmlChar *)ref->uri) == NULL) {
		return rv_fail_nomem(e);
	}
	if (ref->manifest &&
		xmlNewProp(node, (const xmlChar *)"Type", (const xmlChar *)MANIFEST_TYPE) == NULL) {
		return rv_fail_nomem(e);
	}
	xmlNode *transforms = rv_xml_add(node, "Transforms", NULL);
	if (transforms == NULL || add_algorithm(transforms, "Transform", EXC_C14N) != 0 ||
		add_algorithm(node, "DigestMethod", SHA256_URI) != 0 ||
		add_base64(node, "DigestValue", ref->digest, RV_DIGEST_LEN) != 0) {
		return rv_fail_nomem(e);
	}
	return 0;
}

int rv_dsig_sign(xmlNode *signature, const struct rv_dsig_ref *refs, size_t n_refs,
	const struct rv_signer *signer, uint8_t signed_info_r[RV_DIGEST_LEN], struct rv_err *e)
{
	int rc = 0;
	struct rv_buf canonical = {0};
	struct rv_buf value = {0};
	xmlNode *object = rv_xml_first(signature);
	const char *uri = algorithm_uri(signer->alg);

	if (uri == NULL || n_refs == 0 || n_refs > RV_DSIG_REFS) {
		rc = rv_fail(e, RV_EINVAL,
			"a signature needs a known algorithm and one or two references");
		goto out;
	}
	xmlNode *info = rv_xml_add(signature, "SignedInfo", NULL);
	if (info == NULL || add_algorithm(info, "CanonicalizationMethod", EXC_C14N) != 0 ||
		add_algorithm(info, "SignatureMethod", uri) != 0) {
		rc = rv_fail_nomem(e);
		goto out;
	}
	for (size_t i = 0; i < n_refs; i++) {
		rc = rv_dsig_add_reference(info, &refs[i], e);
		if (rc != 0) {
			goto out;
		}
	}
	rc = rv_xml_c14n(info, &canonical, e);
	if (rc != 0) {
		goto out;
	}
	rc = signer->sign(signer->ctx, canonical.data, canonical.len, &value, e);
	if (rc != 0) {
		goto out;
	}
	if (add_base64(signature, "SignatureValue", value.data, value.len) != 0) {
		rc = rv_fail_nomem(e);
		goto out;
	}
	if (object != NULL) {
		xmlUnlinkNode(object);
		xmlAddChild(signature, object);
	}
	if (signed_info_r != NULL) {
		rv_sha256(signed_info_r, canonical.data, canonical.len);
	}
out:
	rv_buf_free(&canonical);
	rv_buf_free(&value);
	return rc;
}

static int refuse(struct rv_err *e, const xmlNode *node, const char *rule, const char *text)
{
	rv_fail_rule(e, RV_EPROFILE, rule, "%s", text);
	if (e != NULL && node != NULL) {
		rv_xml_place(node, &e->line, &e->column);
	}
	return RV_EPROFILE;
}

/* Attributes of a node: all of them without a namespace and among the names given; how many. -1 if
 * one is foreign. */
static int count_attributes(const xmlNode *node, const char *first, const char *second)
{
	int n = 0;
	for (const xmlAttr *a = node->properties; a != NULL; a = a->next) {
		const char *name = (const char *)a->name;
		if (a->ns != NULL || ((first == NULL || strcmp(name, first) != 0) &&
					     (second == NULL || strcmp(name, second) != 0))) {
			return -1;
		}
		n++;
	}
	return n;
}

/* With the prefix ds: the Signature itself is under no digest, and has one form all the same. */
static int is_ds(const xmlNode *node, const char *name)
{
	return rv_xml_is(node, RV_NS_DSIG, name) && rv_xml_has_prefix(node, "ds");
}

/* An empty element with the one attribute Algorithm: its value, NULL if the element is otherwise.
 */
static const char *algorithm_of(const xmlNode *node, const char *name)
{
	if (!is_ds(node, name) || node->children != NULL ||
		count_attributes(node, "Algorithm", NULL) != 1) {
		return NULL;
	}
	return rv_xml_attr(node, "Algorithm");
}

static int expect_algorithm(const xmlNode *node, const char *name, const char *uri,
	const xmlNode *parent, struct rv_err *e)
{
	const char *got = algorithm_of(node, name);
	if (got == NULL) {
		rv_fail_rule(e, RV_EPROFILE, "SIG-SHAPE",
			"%s must stand here, empty, with an Algorithm and nothing else", name);
	} else if (strcmp(got, uri) != 0) {
		rv_fail_rule(e, RV_EPROFILE, "SIG-ALGORITHM",
			"the algorithm of %s is %.80s; the profile allows %s", name, got, uri);
	} else {
		return 0;
	}
	if (e != NULL) {
		rv_xml_place(node != NULL ? node : parent, &e->line, &e->column);
	}
	return RV_EPROFILE;
}

/* The bytes of an element with base64 text in its one form: one line, padded, no white space. */
static int read_base64(const xmlNode *node, const char *name, uint8_t *data, size_t size,
	size_t *len_r, const xmlNode *parent, struct rv_err *e)
{
	int rc = 0;
	struct rv_buf bytes = {0};
	const char *text = is_ds(node, name) && node->properties == NULL ? rv_xml_text(node) : NULL;
	if (text == NULL) {
		rc = refuse(e, node != NULL ? node : parent, "SIG-SHAPE",
			"DigestValue and SignatureValue must stand in their places, with base64 "
			"alone");
		goto out;
	}
	size_t len = strlen(text);
	if (len > (size + 2) / 3 * 4 || strcspn(text, " \t\r\n") != len) {
		rc = refuse(
			e, node, "SIG-BASE64", "the base64 is too long or has white space in it");
		goto out;
	}
	rc = rv_unbase64(&bytes, text, len);
	if (rc == RV_ENOMEM) {
		rc = rv_fail_nomem(e);
		goto out;
	}
	if (rc != 0 || bytes.len > size) {
		rc = refuse(e, node, "SIG-BASE64", "the text is not base64 of the expected length");
		goto out;
	}
	if (bytes.len > 0) {
		memcpy(data, bytes.data, bytes.len);
	}
	*len_r = bytes.len;
out:
	rv_buf_free(&bytes);
	return rc;
}

static int uri_valid(const char *uri)
{
	size_t len = uri != NULL ? strlen(uri) : 0;
	if (len < 2 || len >= sizeof(((struct rv_dsig_ref *)NULL)->uri) || uri[0] != '#') {
		return 0;
	}
	return strspn(uri + 1, "abcdefghijklmnopqrstuvwxyz") == len - 1;
}

int rv_dsig_read_reference(struct rv_dsig_ref *ref, const xmlNode *node, struct rv_err *e)
{
	struct rv_dsig_ref r = {0};
	const char *uri = rv_xml_attr(node, "URI");
	const char *type = rv_xml_attr(node, "Type");
	if (!is_ds(node, "Reference") || !rv_xml_pure(node) ||
		count_attributes(node, "URI", "Type") != 1 + (type != NULL)) {
		return refuse(e, node, "SIG-SHAPE",
			"a Reference must stand here, with URI and Type at most");
	}
	if (!uri_valid(uri)) {
		return refuse(e, node, "SIG-REFERENCE",
			"a Reference may name an Id of this document only, as #id");
	}
	if (type != NULL && strcmp(type, MANIFEST_TYPE) != 0) {
		return refuse(e, node, "SIG-REFERENCE",
			"the Type of a Reference may only say that it is a Manifest");
	}
	memcpy(r.uri, uri, strlen(uri) + 1);
	r.manifest = type != NULL;

	const xmlNode *transforms = rv_xml_first(node);
	const xmlNode *method = transforms != NULL ? rv_xml_next(transforms) : NULL;
	const xmlNode *digest = method != NULL ? rv_xml_next(method) : NULL;
	if (!is_ds(transforms, "Transforms") || transforms->properties != NULL ||
		!rv_xml_pure(transforms)) {
		return refuse(e, node, "SIG-SHAPE",
			"a Reference must have Transforms, DigestMethod and DigestValue");
	}
	const xmlNode *transform = rv_xml_first(transforms);
	int rc = expect_algorithm(transform, "Transform", EXC_C14N, transforms, e);
	if (rc == 0 && rv_xml_next(transform) != NULL) {
		rc = refuse(
			e, transforms, "SIG-SHAPE", "a Reference must have one Transform alone");
	}
	if (rc == 0) {
		rc = expect_algorithm(method, "DigestMethod", SHA256_URI, node, e);
	}
	size_t len = 0;
	if (rc == 0) {
		rc = read_base64(digest, "DigestValue", r.digest, sizeof(r.digest), &len, node, e);
	}
	if (rc == 0 && (len != RV_DIGEST_LEN || rv_xml_next(digest) != NULL)) {
		rc = refuse(e, digest, "SIG-SHAPE",
			"a DigestValue has 32 bytes and ends the Reference");
	}
	if (rc == 0) {
		*ref = r;
	}
	return rc;
}

static int read_signed_info(struct rv_dsig *s, xmlNode *info, struct rv_err *e)
{
	if (info->properties != NULL || !rv_xml_pure(info)) {
		return refuse(e, info, "SIG-SHAPE", "SignedInfo has no attributes and no text");
	}
	const xmlNode *canon = rv_xml_first(info);
	int rc = expect_algorithm(canon, "CanonicalizationMethod", EXC_C14N, info, e);
	if (rc != 0) {
		return rc;
	}
	const xmlNode *method = rv_xml_next(canon);
	const char *uri = method != NULL ? algorithm_of(method, "SignatureMethod") : NULL;
	if (uri == NULL) {
		return refuse(e, info, "SIG-SHAPE",
			"SignatureMethod must stand here, empty, with an Algorithm alone");
	}
	for (size_t i = 0; i < sizeof(algorithms) / sizeof(algorithms[0]); i++) {
		if (strcmp(uri, algorithms[i].uri) == 0) {
			s->alg = algorithms[i].alg;
		}
	}
	if (s->alg == 0) {
		return refuse(e, method, "SIG-ALGORITHM",
			"the profile does not allow this signature algorithm");
	}
	for (const xmlNode *n = rv_xml_next(method); n != NULL; n = rv_xml_next(n)) {
		if (s->n_refs == RV_DSIG_REFS) {
			return refuse(e, n, "SIG-SHAPE", "SignedInfo has two References at most");
		}
		rc = rv_dsig_read_reference(&s->refs[s->n_refs++], n, e);
		if (rc != 0) {
			return rc;
		}
	}
	if (s->n_refs == 0) {
		return refuse(e, info, "SIG-SHAPE", "SignedInfo has no Reference");
	}
	s->signed_info = info;
	return 0;
}

int rv_dsig_read(struct rv_dsig *s, const xmlNode *signature, struct rv_err *e)
{
	struct rv_dsig d = {0};
	if (!is_ds(signature, "Signature") || signature->properties != NULL ||
		!rv_xml_pure(signature)) {
		return refuse(e, signature, "SIG-SHAPE",
			"a ds:Signature without attributes and text must stand here");
	}
	xmlNode *info = rv_xml_first(signature);
	if (!is_ds(info, "SignedInfo")) {
		return refuse(e, signature, "SIG-SHAPE", "a ds:Signature begins with SignedInfo");
	}
	int rc = read_signed_info(&d, info, e);
	if (rc != 0) {
		return rc;
	}
	xmlNode *value = rv_xml_next(info);
	rc = read_base64(
		value, "SignatureValue", d.value, sizeof(d.value), &d.value_len, signature, e);
	if (rc != 0) {
		return rc;
	}
	d.object = rv_xml_next(value);
	if (d.object != NULL && rv_xml_next(d.object) != NULL) {
		return refuse(
			e, d.object, "SIG-SHAPE", "one Object at most follows SignatureValue");
	}
	*s = d;
	return 0;
}
