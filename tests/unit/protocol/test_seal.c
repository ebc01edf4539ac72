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
	int failed = 0;
	for (const struct attack *a = attacks; a->name != NULL; a++) {
		struct rv_buf bad = {0};
		struct rv_sealed sealed;
		struct rv_err e = {0};
		attack_make(&bad, good, a);
		int rc = verify(&bad, &ke, &sealed, &e);
		if (rc == 0 || strcmp(e.rule, a->rule) != 0) {
			print_error("%s: expected %s, got %d %s: %s\n", a->name, a->rule, rc,
				e.rule, e.text);
			failed = 1;
		} else if (e.line == 0 || e.text[0] == '\0' || e.mend[0] == '\0') {
			print_error("%s: no place or no mend: %s\n", a->name, e.text);
			failed = 1;
		}
		rv_buf_free(&bad);
	}
	assert_false(failed);
}

/* Takes out what stands between two marks, with both. */
static char *without(const char *text, const char *from, const char *to)
{
	const char *start = strstr(text, from);
	const char *end = start != NULL ? strstr(start + strlen(from), to) : NULL;
	char *out = NULL;
	assert_non_null(end);
	assert_true(asprintf(&out, "%.*s%s", (int)(start - text), text, end + strlen(to)) >= 0);
	return out;
}

static void what_is_missing_is_missed(void **state)
{
	static const struct {
		const char *from, *to, *rule;
	} parts[] = {
		{"<ds:Transforms>", "</ds:Transforms>", "SIG-SHAPE"},
		{"<ds:DigestMethod ", "</ds:DigestMethod>", "SIG-SHAPE"},
		{"<ds:DigestValue>", "</ds:DigestValue>", "SIG-SHAPE"},
		{"<ds:CanonicalizationMethod ", "</ds:CanonicalizationMethod>", "SIG-SHAPE"},
		{"<ds:SignatureMethod ", "</ds:SignatureMethod>", "SIG-SHAPE"},
		{"<ds:SignatureValue>", "</ds:SignatureValue>", "SIG-SHAPE"},
		{"<ds:SignedInfo>", "</ds:SignedInfo>", "SIG-SHAPE"},
		{"<ds:Manifest ", "</ds:Manifest>", "SEAL-STRUCTURE"},
		{" Algorithm=\"", "\"", "SIG-SHAPE"},
	};
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		struct rv_sealed sealed;
		struct rv_err e = {0};
		char *less = without(rv_buf_cstr(&ec), parts[i].from, parts[i].to);
		int rc = sealing_verify(verifier, less, strlen(less), &ke, &sealed, &e);
		if (rc == 0 || strcmp(e.rule, parts[i].rule) != 0) {
			fail_msg("without %s: %d %s: %s", parts[i].from, rc, e.rule, e.text);
		}
		free(less);
	}
}

/* Two messages of one signer: no part of one stands for that of the other. */
static void parts_of_two_messages_are_not_mixed(void **state)
{
	static const char *const parts[][2] = {{"<Header ", "</Header>"}, {"<Event ", "</Event>"},
		{"<Goods ", "</Goods>"}, {"<ds:SignedInfo>", "</ds:SignedInfo>"},
		{"<ds:SignatureValue>", "</ds:SignatureValue>"}, {"<ds:Object>", "</ds:Object>"},
		{"<ds:SignedInfo>", "</ds:SignatureValue>"},
		{"<ds:SignatureValue>", "</ds:Object>"}};
	struct rv_buf second = {0};
	char *other =
		pki_replace(rv_buf_cstr(&small), "<StatusCode>actual", "<StatusCode>exercise");
	struct rv_buf draft = {.data = (uint8_t *)other, .len = strlen(other)};
	sealing_seal(&second, &draft, &ke, 0);
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		const char *one = rv_buf_cstr(&ec);
		const char *start = strstr(one, parts[i][0]);
		const char *end = strstr(start, parts[i][1]);
		const char *from = strstr(rv_buf_cstr(&second), parts[i][0]);
		const char *to = strstr(from, parts[i][1]);
		struct rv_sealed sealed;
		char *mixed = NULL;
		assert_true(asprintf(&mixed, "%.*s%.*s%s", (int)(start - one), one,
				    (int)(to - from), from, end) >= 0);
		if (sealing_verify(verifier, mixed, strlen(mixed), &ke, &sealed, NULL) == 0) {
			fail_msg("%s of another message verifies", parts[i][0]);
		}
		free(mixed);
	}
	rv_buf_free(&second);
	free(other);
}

static int fails_to_sign(
	void *ctx, const void *data, size_t len, struct rv_buf *out, struct rv_err *e)
{
	return rv_fail_rule(e, RV_ECLOSED, "KEEPER-GONE", "no keeper");
}

static void sign_and_refuse(xmlDoc *doc, const struct rv_signer *signer, int code, const char *rule)
{
	struct rv_buf before = {0};
	struct rv_buf after = {0};
	struct rv_buf out = {0};
	struct rv_err e = {0};
	uint8_t digest[RV_DIGEST_LEN] = {7};
	rv_buf_str(&out, "x");
	assert_int_equal(rv_xml_c14n_doc(doc, &before, NULL), 0);
	int rc = rv_seal(doc, signer, &out, digest, &e);
	if (rc != code || strcmp(e.rule, rule) != 0) {
		fail_msg("expected %d %s, got %d %s: %s", code, rule, rc, e.rule, e.text);
	}
	/* nothing is left behind */
	assert_int_equal(rv_xml_c14n_doc(doc, &after, NULL), 0);
	assert_string_equal(rv_buf_cstr(&before), rv_buf_cstr(&after));
	assert_string_equal(rv_buf_cstr(&out), "x");
	assert_int_equal(digest[0], 7);
	rv_buf_free(&before);
	rv_buf_free(&after);
	rv_buf_free(&out);
	xmlFreeDoc(doc);
}

/* ec without its seal: as composed. */
static xmlDoc *composed(const char *from, const char *to)
{
	xmlDoc *doc = NULL;
	char *bare = without(rv_buf_cstr(&ec), "<ds:Signature ", "</ds:Signature>");
	char *text = pki_replace(bare, from, to);
	assert_int_equal(
		rv_xml_parse(&doc, text, strlen(text), &rv_xml_limits_message, 0, NULL), 0);
	free(bare);
	free(text);
	return doc;
}

static void nothing_is_sealed_that_receivers_would_refuse(void **state)
{
	struct sealing_key key = {ke.key, RV_ALG_ECDSA_P256_SHA256};
	struct rv_signer signer = {sealing_sign, &key, key.alg, {0}, "KE"};
	memcpy(signer.cert_digest, rv_cert_digest(ke.cert), RV_DIGEST_LEN);
	static const struct {
		const char *from, *to, *rule;
	} edits[] = {
		{"<Goods ", "\n<Goods ", "SEAL-STRUCTURE"},
		{"<Event Id=\"event\"", "<Event Id=\"other\"", "SEAL-ID"},
		{"<FormCode>", "<FormCode Id=\"x\">", "SEAL-ID"},
		{"<FormCode>", "<FormCode xmlns=\"urn:x\">", "SEAL-NAMESPACE"},
		{"<Header Id=\"header\">", "<Header>", "SEAL-ID"},
	};
	for (size_t i = 0; i < sizeof(edits) / sizeof(edits[0]); i++) {
		sign_and_refuse(
			composed(edits[i].from, edits[i].to), &signer, RV_EPROFILE, edits[i].rule);
	}
	/* sealed already */
	xmlDoc *doc = NULL;
	assert_int_equal(rv_seal_parse(&doc, ec.data, ec.len, NULL), 0);
	sign_and_refuse(doc, &signer, RV_EPROFILE, "SEAL-STRUCTURE");
	/* no section */
	struct rv_buf less = {0};
	assert_int_equal(rv_seal_parse(&doc, ec.data, ec.len, NULL), 0);
	assert_int_equal(rv_seal_withhold(doc, ~0u, &less, NULL), 0);
	xmlFreeDoc(doc);
	char *bare = without(rv_buf_cstr(&less), "<ds:Signature ", "</ds:Signature>");
	assert_int_equal(
		rv_xml_parse(&doc, bare, strlen(bare), &rv_xml_limits_message, 0, NULL), 0);
	sign_and_refuse(doc, &signer, RV_EPROFILE, "SEAL-STRUCTURE");
	free(bare);
	rv_buf_free(&less);
	/* too large with its seal: the text itself is within the limit of no reader */
	doc = composed("<FormCode>", "<FormCode>x");
	xmlNode *event = rv_xml_child(xmlDocGetRootElement(doc), "Event");
	char *large = calloc(1, (256 << 10) + 2);
	assert_non_null(large);
	memset(large, 'x', (256 << 10) + 1);
	assert_non_null(rv_xml_add(event, "Text", large));
	free(large);
	sign_and_refuse(doc, &signer, RV_ELIMIT, "XML-LIMIT-TEXT");
	/* the certificate of another key */
	signer.cert_digest[0] ^= 1;
	sign_and_refuse(composed("<Event ", "<Event "), &signer, RV_EINVAL, "SEAL-CERT");
	signer.cert_digest[0] ^= 1;
	/* what the signer says is passed on */
	signer.sign = fails_to_sign;
	sign_and_refuse(composed("<Event ", "<Event "), &signer, RV_ECLOSED, "KEEPER-GONE");
}

static void values_have_one_form(void **state)
{
	static const char value[] = "<ds:SignatureValue>";
	static const char digest[] = "<ds:DigestValue>";
	static const struct {
		const char *mark;
		enum value_change change;
		int code;
		const char *rule;
	} cases[] = {
		{value, VALUE_FLIP, RV_ESIGNATURE, "SEAL-VALUE"},
		{value, VALUE_HIGH_S, RV_ESIGNATURE, "SEAL-MALLEABLE"},
		{value, VALUE_LOOSE_BITS, RV_EPROFILE, "SIG-BASE64"},
		{value, VALUE_SHORT, RV_ESIGNATURE, "SEAL-VALUE"},
		{value, VALUE_ZERO, RV_ESIGNATURE, "SEAL-VALUE"},
		{digest, VALUE_FLIP, RV_EDIGEST, "SEAL-DIGEST"},
		{digest, VALUE_LOOSE_BITS, RV_EPROFILE, "SIG-BASE64"},
		{digest, VALUE_SHORT, RV_EPROFILE, "SIG-SHAPE"},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct rv_buf bad = {0};
		struct rv_sealed sealed;
		struct rv_err e = {0};
		attack_value(&bad, rv_buf_cstr(&ec), cases[i].mark, cases[i].change);
		int rc = verify(&bad, &ke, &sealed, &e);
		if (rc != cases[i].code || strcmp(e.rule, cases[i].rule) != 0) {
			fail_msg("case %zu: %d %s %s", i, rc, e.rule, e.text);
		}
		rv_buf_free(&bad);
	}
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
		cmocka_unit_test(what_is_missing_is_missed),
		cmocka_unit_test(parts_of_two_messages_are_not_mixed),
		cmocka_unit_test(nothing_is_sealed_that_receivers_would_refuse),
		cmocka_unit_test(values_have_one_form),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
