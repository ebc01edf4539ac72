/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <openssl/rand.h>

#include "node/trust/issue.h"
#include "protocol/dsig.h"
#include "tests/unit/trust/pki.h"

static struct rv_cert *cert_of(X509 *x509)
{
	struct rv_cert *cert = NULL;
	struct rv_buf der = {0};
	assert_int_equal(issue_cert_der(x509, &der, NULL), 0);
	assert_int_equal(rv_cert_from_der(&cert, der.data, der.len, NULL), 0);
	rv_buf_free(&der);
	return cert;
}

void pki_authority(struct pki_authority *a, const char *code, int64_t from_us, int64_t to_us)
{
	memset(a, 0, sizeof(*a));
	assert_int_equal(issue_key_new(&a->key, 0, NULL), 0);
	assert_int_equal(issue_authority(&a->x509, a->key, code, "Coordination Unit", from_us, to_us, NULL), 0);
	a->cert = cert_of(a->x509);
	assert_int_equal(issue_cert_pem(a->x509, &a->pem, NULL), 0);
}

void pki_authority_clear(struct pki_authority *a)
{
	EVP_PKEY_free(a->key);
	X509_free(a->x509);
	rv_cert_free(&a->cert);
	rv_buf_free(&a->pem);
	memset(a, 0, sizeof(*a));
}

void pki_z85(char z85[RV_CURVE_KEY_TEXT])
{
	static const char digits[] =
		"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#";
	for (size_t i = 0; i < 40; i += 5) {
		uint32_t v = 0;
		assert_int_equal(RAND_bytes((unsigned char *)&v, sizeof(v)), 1);
		for (size_t j = 5; j-- > 0; v /= 85) {
			z85[i + j] = digits[v % 85];
		}
	}
	z85[40] = '\0';
}

void pki_member(struct pki_member *m, const struct pki_authority *a, const char *code, unsigned rsa_bits)
{
	X509_REQ *req = NULL;
	X509 *x509 = NULL;
	struct rv_buf der = {0};
	memset(m, 0, sizeof(*m));
	strcpy(m->code, code);
	assert_int_equal(issue_key_new(&m->key, rsa_bits, NULL), 0);
	assert_int_equal(issue_request(&req, m->key, code, "A member", NULL), 0);
	assert_int_equal(issue_member(&x509, req, a->x509, a->key, code, "A member", PKI_NOW - 30 * PKI_DAY,
		PKI_NOW + 300 * PKI_DAY, NULL), 0);
	m->cert = cert_of(x509);
	assert_int_equal(issue_cert_der(x509, &der, NULL), 0);
	assert_int_equal(rv_base64(&m->base64, der.data, der.len), 0);
	assert_non_null(rv_buf_cstr(&m->base64));
	pki_z85(m->z85);
	rv_buf_free(&der);
	X509_free(x509);
	X509_REQ_free(req);
}

void pki_member_clear(struct pki_member *m)
{
	EVP_PKEY_free(m->key);
	rv_cert_free(&m->cert);
	rv_buf_free(&m->base64);
	memset(m, 0, sizeof(*m));
}

/* Z85 has characters that XML writes as entities. */
static void put_escaped(struct rv_buf *out, const char *s)
{
	for (; *s != '\0'; s++) {
		rv_buf_printf(out, *s == '&' ? "&amp;" : *s == '<' ? "&lt;" : *s == '>' ? "&gt;" : "%c", *s);
	}
}

static void put_words(struct rv_buf *out, const char *words, void (*put)(struct rv_buf *, const char *))
{
	char *copy = strdup(words);
	char *rest = NULL;
	assert_non_null(copy);
	for (char *w = strtok_r(copy, " ", &rest); w != NULL; w = strtok_r(NULL, " ", &rest)) {
		put(out, w);
	}
	free(copy);
}

static void put_role(struct rv_buf *out, const char *role)
{
	rv_buf_printf(out, "<Role>%s</Role>", role);
}

void pki_member_xml(struct rv_buf *out, const struct pki_member *m, const char *roles, const char *more)
{
	rv_buf_printf(out, "<Member><Code>%s</Code><Name>Member %s</Name>", m->code, m->code);
	put_words(out, roles, put_role);
	rv_buf_printf(out, "%s<Certificate ValidFrom=\"" PKI_FROM "\" ValidTo=\"" PKI_TO "\">%s</Certificate>",
		more != NULL ? more : "", (const char *)m->base64.data);
	rv_buf_str(out, "<CurveKey ValidFrom=\"" PKI_FROM "\" ValidTo=\"" PKI_TO "\">");
	put_escaped(out, m->z85);
	rv_buf_str(out, "</CurveKey></Member>");
	assert_true(rv_buf_ok(out));
}

static void put_participant(struct rv_buf *out, const char *word)
{
	const char *colon = strchr(word, ':');
	assert_non_null(colon);
	rv_buf_printf(out, "<Participant><Code>%.*s</Code><Role>%s</Role><ValidFrom>" PKI_FROM
		"</ValidFrom><ValidTo>" PKI_TO "</ValidTo></Participant>", (int)(colon - word), word, colon + 1);
}

void pki_operation_xml(struct rv_buf *out, const char *code, const char *lead, const char *participants)
{
	rv_buf_printf(out, "<Operation><Code>%s</Code><Version>3</Version><Name>Operation %s</Name><Lead>%s</Lead>"
		"<ValidFrom>" PKI_FROM "</ValidFrom><ValidTo>" PKI_TO "</ValidTo><RiskArea>drugs</RiskArea>"
		"<RiskArea>environment</RiskArea><Kind>warning</Kind><Kind>seizure</Kind>"
		"<NominalAllowed>true</NominalAllowed><CategoryList><Code>crane-goods</Code><Version>2</Version>"
		"<Category><Code>wildlife</Code><Name>Wildlife</Name><SubCategory><Code>ivory</Code>"
		"<Name>Ivory</Name></SubCategory></Category></CategoryList>", code, code, lead);
	put_words(out, participants, put_participant);
	rv_buf_str(out, "</Operation>");
	assert_true(rv_buf_ok(out));
}

void pki_list_xml(struct rv_buf *out, uint64_t number, const char *issued, const char *expires, const char *content)
{
	rv_buf_printf(out, "<TrustList xmlns=\"" RV_NS_TRUST "\"><List Authority=\"OCU\" Expires=\"%s\" Id=\"list\""
		" Issued=\"%s\" Number=\"%llu\">", expires, issued, (unsigned long long)number);
	rv_buf_str(out, content);
	rv_buf_str(out, "</List></TrustList>");
	assert_non_null(rv_buf_cstr(out));
}

void pki_sign(struct rv_buf *out, const char *xml, const struct pki_authority *const *authorities)
{
	xmlDoc *doc = NULL;
	struct rv_dsig_ref ref = {.uri = "#list"};
	assert_int_equal(rv_xml_parse(&doc, xml, strlen(xml), &rv_xml_limits_trust, RV_XML_DRAFT, NULL), 0);
	rv_xml_strip(doc);
	xmlNode *root = xmlDocGetRootElement(doc);
	assert_int_equal(rv_dsig_digest(ref.digest, rv_xml_first(root), NULL), 0);
	for (; *authorities != NULL; authorities++) {
		struct rv_signer signer;
		assert_int_equal(issue_signer(&signer, (*authorities)->key, "OCU", NULL), 0);
		xmlNode *signature = rv_dsig_add(root);
		assert_non_null(signature);
		assert_int_equal(rv_dsig_sign(signature, &ref, 1, &signer, NULL, NULL), 0);
	}
	assert_int_equal(rv_xml_c14n_doc(doc, out, NULL), 0);
	assert_non_null(rv_buf_cstr(out));
	xmlFreeDoc(doc);
}

char *pki_replace(const char *text, const char *from, const char *to)
{
	char *out = NULL;
	const char *at = strstr(text, from);
	assert_non_null(at);
	assert_true(asprintf(&out, "%.*s%s%s", (int)(at - text), text, to, at + strlen(from)) >= 0);
	return out;
}
