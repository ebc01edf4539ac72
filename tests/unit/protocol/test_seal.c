/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "tests/unit/protocol/attacks.h"
#include "tests/unit/protocol/sealing.h"

static struct pki_authority ocu;
static struct pki_member ke, fr; /* P-256, RSA */
static struct rv_verifier *verifier;
static struct rv_buf small, ec, rsa; /* a draft, and it sealed by both */

static int set_up(void **state)
{
	assert_int_equal(rv_xml_init(NULL), 0);
	assert_int_equal(rv_seal_init(NULL), 0);
	pki_authority(&ocu, "OCU", PKI_NOW - 100 * PKI_DAY, PKI_NOW + 1000 * PKI_DAY);
	pki_member(&ke, &ocu, "KE", 0);
	pki_member(&fr, &ocu, "FR", 2048);
	assert_int_equal(rv_verifier_new(&verifier, NULL), 0);
	sealing_sample(&small, "valid/seizure-short-drugs.xml");
	sealing_seal(&ec, &small, &ke, 0);
	sealing_seal(&rsa, &small, &fr, 0);
	return 0;
}

static int tear_down(void **state)
{
	rv_buf_free(&small);
	rv_buf_free(&ec);
	rv_buf_free(&rsa);
	rv_verifier_free(&verifier);
	pki_member_clear(&ke);
	pki_member_clear(&fr);
	pki_authority_clear(&ocu);
	rv_seal_cleanup();
	rv_xml_cleanup();
	return 0;
}

static int verify(const struct rv_buf *wire, const struct pki_member *by, struct rv_sealed *sealed,
	struct rv_err *e)
{
	return sealing_verify(verifier, wire->data, wire->len, by, sealed, e);
}

static void verifies_with_each_algorithm(void **state)
{
	static const char *const samples[] = {"valid/seizure-short-drugs.xml",
		"valid/seizure-arabic.xml", "valid/seizure-long-ipr-shoes.xml",
		"valid/warning-vessel.xml", "valid/max-text-lengths.xml", "valid/situation-nil.xml",
		"valid/operation-full.xml"};
	static const struct {
		struct pki_member *by;
		enum rv_sig_alg alg;
	} by[] = {{&ke, RV_ALG_ECDSA_P256_SHA256}, {&fr, RV_ALG_RSA_SHA256},
		{&fr, RV_ALG_RSA_PSS_SHA256}};
	for (size_t i = 0; i < sizeof(samples) / sizeof(samples[0]); i++) {
		struct rv_buf draft = {0};
		sealing_sample(&draft, samples[i]);
		for (size_t k = 0; k < 3; k++) {
			struct rv_buf wire = {0};
			struct rv_sealed sealed = {0};
			struct rv_err e = {0};
			sealing_seal(&wire, &draft, by[k].by, by[k].alg);
			if (verify(&wire, by[k].by, &sealed, &e) != 0) {
				fail_msg("%s: %s %s", samples[i], e.rule, e.text);
			}
			assert_int_equal(sealed.alg, by[k].alg);
			assert_int_equal(sealed.withheld, 0);
			assert_int_not_equal(sealed.present, 0);
			rv_buf_free(&wire);
		}
		rv_buf_free(&draft);
	}
}

static void another_key_or_certificate_does_not(void **state)
{
	struct rv_sealed sealed;
	struct rv_err e = {0};
	struct pki_member other;
	assert_int_equal(verify(&ec, &fr, &sealed, &e), RV_ECERT);
	assert_string_equal(e.rule, "SEAL-CERT");
	/* the Header names the certificate, but another key signed */
	pki_member(&other, &ocu, "KE", 0);
	struct pki_member mixed = other;
	struct rv_buf wire = {0};
	mixed.key = ke.key;
	sealing_seal(&wire, &small, &mixed, 0);
	assert_int_equal(verify(&wire, &other, &sealed, &e), RV_ESIGNATURE);
	assert_string_equal(e.rule, "SEAL-VALUE");
	rv_buf_free(&wire);
	pki_member_clear(&other);
}

static void every_subset_of_sections_can_be_withheld(void **state)
{
	struct rv_buf draft = {0};
	struct rv_buf wire = {0};
	struct rv_sealed whole;
	struct rv_err e = {0};
	sealing_sample(&draft, "valid/seizure-long-ipr-shoes.xml");
	sealing_seal(&wire, &draft, &ke, 0);
	assert_int_equal(verify(&wire, &ke, &whole, &e), 0);
	unsigned subset = whole.present;
	do {
		struct rv_buf less = {0};
		struct rv_sealed sealed;
		xmlDoc *doc = NULL;
		assert_int_equal(rv_seal_parse(&doc, wire.data, wire.len, &e), 0);
		assert_int_equal(rv_seal_withhold(doc, subset, &less, &e), 0);
		xmlFreeDoc(doc);
		if (verify(&less, &ke, &sealed, &e) != 0) {
			fail_msg("withheld %x: %s %s", subset, e.rule, e.text);
		}
		assert_int_equal(sealed.withheld, subset);
		assert_int_equal(sealed.present, whole.present & ~subset);
		assert_memory_equal(sealed.seal_digest, whole.seal_digest, RV_DIGEST_LEN);
		rv_buf_free(&less);
		subset = subset == 0 ? 0 : (subset - 1) & whole.present;
	} while (subset != 0);
	rv_buf_free(&wire);
	rv_buf_free(&draft);
}

/* Nothing that differs in one byte verifies: flipped, replaced, taken out, doubled, at each place.
 */
static void no_changed_byte_verifies(const struct rv_buf *wire, const struct pki_member *by)
{
	static const char replacements[] = "AZaz09<>&\"' \n=+/-";
	uint8_t *copy = malloc(wire->len + 1);
	struct rv_sealed sealed;
	assert_non_null(copy);
	for (size_t i = 0; i < wire->len; i++) {
		uint8_t was = wire->data[i];
		memcpy(copy, wire->data, wire->len);
		uint8_t tries[4] = {was ^ 1, was ^ 0x20,
			(uint8_t)replacements[i % (sizeof(replacements) - 1)], (uint8_t)(was + 1)};
		for (size_t k = 0; k < 4; k++) {
			copy[i] = tries[k];
			if (tries[k] != was &&
				sealing_verify(verifier, copy, wire->len, by, &sealed, NULL) == 0) {
				fail_msg("byte %zu: '%c' for '%c' verifies", i, tries[k], was);
			}
		}
		memmove(copy + i, wire->data + i + 1, wire->len - i - 1);
		assert_int_not_equal(
			sealing_verify(verifier, copy, wire->len - 1, by, &sealed, NULL), 0);
		memcpy(copy, wire->data, i + 1);
		memcpy(copy + i + 1, wire->data + i, wire->len - i);
		assert_int_not_equal(
			sealing_verify(verifier, copy, wire->len + 1, by, &sealed, NULL), 0);
	}
	free(copy);
}

static void no_changed_byte_verifies_ecdsa(void **state)
{
	no_changed_byte_verifies(&ec, &ke);
}

static void no_changed_byte_verifies_rsa(void **state)
{
	no_changed_byte_verifies(&rsa, &fr);
}

/* ---- elements and attributes ---- */

static size_t count_nodes(const xmlNode *node)
{
	size_t n = 1;
	for (const xmlNode *c = rv_xml_first(node); c != NULL; c = rv_xml_next(c)) {
		n += count_nodes(c);
	}
	return n;
}

static xmlNode *nth(xmlNode *node, size_t *left)
{
	if ((*left)-- == 0) {
		return node;
	}
	for (xmlNode *c = rv_xml_first(node); c != NULL; c = rv_xml_next(c)) {
		xmlNode *found = nth(c, left);
		if (found != NULL) {
			return found;
		}
	}
	return NULL;
}

enum change {
	REMOVE,
	DOUBLE,
	SWAP,
	DROP_ATTRIBUTES,
	CHANGE_ATTRIBUTE,
	ADD_ATTRIBUTE,
	ADD_CHILD,
	ADD_TEXT,
	CHANGES
};

/* 0 if the change cannot be made there. */
static int change_node(xmlNode *node, enum change change)
{
	xmlNode *next = rv_xml_next(node);
	switch (change) {
	case REMOVE:
		xmlUnlinkNode(node);
		xmlFreeNode(node);
		return 1;
	case DOUBLE:
		xmlAddNextSibling(node, xmlCopyNode(node, 1));
		return 1;
	case SWAP:
		if (next == NULL) {
			return 0;
		}
		xmlUnlinkNode(next);
		xmlAddPrevSibling(node, next);
		return 1;
	case DROP_ATTRIBUTES:
		if (node->properties == NULL) {
			return 0;
		}
		xmlRemoveProp(node->properties);
		return 1;
	case CHANGE_ATTRIBUTE:
		if (node->properties == NULL) {
			return 0;
		}
		xmlSetProp(node, node->properties->name, (const xmlChar *)"other");
		return 1;
	case ADD_ATTRIBUTE:
		xmlSetProp(node, (const xmlChar *)"added", (const xmlChar *)"1");
		return 1;
	case ADD_CHILD:
		return rv_xml_add(node, "Added", NULL) != NULL;
	default:
		xmlNodeAddContent(node, (const xmlChar *)" ");
		return 1;
	}
}

static void no_changed_element_verifies(void **state)
{
	xmlDoc *whole = NULL;
	assert_int_equal(rv_seal_parse(&whole, ec.data, ec.len, NULL), 0);
	size_t n = count_nodes(xmlDocGetRootElement(whole));
	for (size_t i = 1; i < n; i++) {
		for (int change = REMOVE; change < CHANGES; change++) {
			struct rv_buf wire = {0};
			struct rv_sealed sealed = {0};
			size_t left = i;
			xmlDoc *doc = xmlCopyDoc(whole, 1);
			xmlNode *node = nth(xmlDocGetRootElement(doc), &left);
			int section = node->parent == xmlDocGetRootElement(doc) &&
				      rv_section_parse((const char *)node->name) >= 0;
			char name[64];
			snprintf(name, sizeof(name), "%s", (const char *)node->name);
			if (change_node(node, (enum change)change) &&
				rv_xml_c14n_doc(doc, &wire, NULL) == 0) {
				int rc = verify(&wire, &ke, &sealed, NULL);
				/* a section taken out whole is withheld: that may be, and is told
				 */
				if (rc == 0 &&
					!(section && change == REMOVE && sealed.withheld != 0)) {
					fail_msg("change %d of %s verifies", change, name);
				}
			}
			xmlFreeDoc(doc);
			rv_buf_free(&wire);
		}
	}
	xmlFreeDoc(whole);
}

/* ---- attacks on the form ---- */

static void attacks_on_the_form_are_refused(void **state)
{
	const char *good = rv_buf_cstr(&ec);
	for (const struct attack *a = attacks; a->name != NULL; a++) {
		struct rv_sealed sealed;
		struct rv_err e = {0};
		char *bad = pki_replace(good, a->from, a->to);
		int rc = sealing_verify(verifier, bad, strlen(bad), &ke, &sealed, &e);
		if (rc == 0 || strcmp(e.rule, a->rule) != 0) {
			print_error("%s: expected %s, got %d %s: %s\n", a->name, a->rule, rc,
				e.rule, e.text);
			fail();
		}
		free(bad);
	}
}

/* Applies from > to pairs in turn; NULL ends them. */
static void refused_after(const char *const *pairs)
{
	char *text = strdup(rv_buf_cstr(&ec));
	struct rv_sealed sealed;
	struct rv_err e = {0};
	for (; pairs[0] != NULL; pairs += 2) {
		char *next = pki_replace(text, pairs[0], pairs[1]);
		free(text);
		text = next;
	}
	assert_int_not_equal(sealing_verify(verifier, text, strlen(text), &ke, &sealed, &e), 0);
	assert_string_not_equal(e.rule, "SEAL-CANONICAL");
	free(text);
}

/* The names of root, Signature, SignatureValue and Object are under no digest. */
static void other_prefixes_are_refused(void **state)
{
#define MSG "xmlns=\"urn:reeve:message:1\""
#define DSX "xmlns:x=\"http://www.w3.org/2000/09/xmldsig#\""
	static const char *const root[] = {"<Message " MSG ">", "<m:Message xmlns:m=\"urn:reeve:message:1\">", "</Message>", "</m:Message>", "<Header ",
		"<Header " MSG " ", "<Event ", "<Event " MSG " ", "<Goods ", "<Goods " MSG " ", NULL};
	static const char *const object[] = {"<ds:Object>", "<x:Object " DSX ">", "</ds:Object>", "</x:Object>", NULL};
	static const char *const value[] = {"<ds:SignatureValue>", "<x:SignatureValue " DSX ">", "</ds:SignatureValue>", "</x:SignatureValue>", NULL};
	refused_after(root);
	refused_after(object);
	refused_after(value);
}

static void the_other_ecdsa_value_is_refused(void **state)
{
	static const uint8_t order[32] = {0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00, 0xff,
		0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e,
		0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51};
	const char *text = rv_buf_cstr(&ec);
	const char *value = strstr(text, "<ds:SignatureValue>") + strlen("<ds:SignatureValue>");
	size_t len = strcspn(value, "<");
	struct rv_buf raw = {0};
	struct rv_buf other = {0};
	struct rv_sealed sealed;
	struct rv_err e = {0};
	assert_int_equal(rv_unbase64(&raw, value, len), 0);
	assert_int_equal(raw.len, 64);
	int borrow = 0;
	for (int i = 31; i >= 0; i--) {
		int v = order[i] - raw.data[32 + i] - borrow;
		borrow = v < 0;
		raw.data[32 + i] = (uint8_t)(v + (borrow ? 256 : 0));
	}
	rv_buf_put(&other, text, (size_t)(value - text));
	rv_base64(&other, raw.data, raw.len);
	rv_buf_str(&other, value + len);
	assert_int_equal(verify(&other, &ke, &sealed, &e), RV_ESIGNATURE);
	assert_string_equal(e.rule, "SEAL-MALLEABLE");
	rv_buf_free(&raw);
	rv_buf_free(&other);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(verifies_with_each_algorithm),
		cmocka_unit_test(another_key_or_certificate_does_not),
		cmocka_unit_test(every_subset_of_sections_can_be_withheld),
		cmocka_unit_test(no_changed_byte_verifies_ecdsa),
		cmocka_unit_test(no_changed_byte_verifies_rsa),
		cmocka_unit_test(no_changed_element_verifies),
		cmocka_unit_test(attacks_on_the_form_are_refused),
		cmocka_unit_test(other_prefixes_are_refused),
		cmocka_unit_test(the_other_ecdsa_value_is_refused),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
