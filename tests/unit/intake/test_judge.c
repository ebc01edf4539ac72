/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "node/env.h"
#include "node/file.h"
#include "node/intake/judge.h"
#include "tests/unit/trust/pki.h"

/* A node FR that judges what RILO hands over: messages of KE, sealed here with keys made here. */
static struct pki_authority ocu;
static struct pki_member ke, fr, rilo, stranger;
static struct rv_trust *trust;
static struct rv_catalog *catalog;
static struct judge *judge;
static struct rv_buf draft;

static void read_sample(struct rv_buf *out, const char *name)
{
	char path[512];
	const char *top = getenv("top_srcdir");
	struct rv_err e = {0};
	snprintf(path, sizeof(path), "%s/schemas/samples/valid/%s", top != NULL ? top : ".", name);
	if (file_read(path, 1 << 20, out, &e) != 0) {
		fail_msg("%s", e.text);
	}
}

static int set_up(void **state)
{
	struct rv_buf content = {0};
	struct rv_buf list = {0};
	struct rv_buf wire = {0};
	struct rv_err e = {0};
	const struct pki_authority *const by[] = {&ocu, NULL};
	assert_int_equal(rv_xml_init(NULL), 0);
	assert_int_equal(rv_seal_init(NULL), 0);
	pki_authority(&ocu, "OCU", PKI_NOW - 100 * PKI_DAY, PKI_NOW + 1000 * PKI_DAY);
	pki_member(&ke, &ocu, "KE", 0);
	pki_member(&fr, &ocu, "FR", 2048);
	pki_member(&rilo, &ocu, "RILO", 0);
	pki_member(&stranger, &ocu, "XX", 0);
	pki_member_xml(&content, &ke, "administration", "<Via>RILO</Via>");
	pki_member_xml(&content, &fr, "administration", "<Via>RILO</Via>");
	pki_member_xml(&content, &rilo, "relay", NULL);
	pki_operation_xml(&content, "CRANE-26", "KE", "KE:participant FR:participant RILO:relay");
	pki_list_xml(
		&list, 7, "2026-11-20T00:00:00Z", "2026-12-20T00:00:00Z", rv_buf_cstr(&content));
	pki_sign(&wire, rv_buf_cstr(&list), by);
	const struct rv_cert *authorities[] = {ocu.cert};
	if (rv_trust_read(&trust, wire.data, wire.len, authorities, 1, 1, PKI_NOW, &e) != 0 ||
		rv_catalog_load(&catalog, getenv("REEVE_SCHEMAS"), NULL, &e) != 0 ||
		judge_new(&judge, catalog, &e) != 0) {
		fail_msg("%s %s", e.rule, e.text);
	}
	read_sample(&draft, "seizure-short-drugs.xml");
	rv_buf_free(&content);
	rv_buf_free(&list);
	rv_buf_free(&wire);
	return 0;
}

static int tear_down(void **state)
{
	judge_free(&judge);
	rv_catalog_free(&catalog);
	rv_trust_unref(&trust);
	rv_buf_free(&draft);
	pki_member_clear(&ke);
	pki_member_clear(&fr);
	pki_member_clear(&rilo);
	pki_member_clear(&stranger);
	pki_authority_clear(&ocu);
	rv_seal_cleanup();
	rv_xml_cleanup();
	return 0;
}

static int sign(void *ctx, const void *data, size_t len, struct rv_buf *out, struct rv_err *e)
{
	return rv_key_sign(ctx, RV_ALG_ECDSA_P256_SHA256, data, len, out, e);
}

/* What differs from a good message. */
struct make {
	const struct pki_member *by, *key; /* originator; whose key signs, NULL: its own */
	const char *operation;
	int64_t issued_us;
	void (*edit)(xmlDoc *doc); /* before sealing */
};

static void seal(struct rv_buf *wire, const struct make *m)
{
	struct rv_err e = {0};
	xmlDoc *doc = NULL;
	struct rv_random random = env_random();
	const struct pki_member *by = m->by != NULL ? m->by : &ke;
	struct rv_signer signer = {
		sign, m->key != NULL ? m->key->key : by->key, RV_ALG_ECDSA_P256_SHA256, {0}, ""};
	struct rv_compose c = {.id = "01930c6e-7a10-7c3e-9d6f-3f2a51b0c001",
		.roster_version = 1,
		.sequence = 1,
		.issued_us = m->issued_us != 0 ? m->issued_us : PKI_NOW - 1000000};
	snprintf(c.originator, sizeof(c.originator), "%s", by->code);
	snprintf(c.operation, sizeof(c.operation), "%s",
		m->operation != NULL ? m->operation : "CRANE-26");
	memcpy(c.signer_cert, rv_cert_digest(by->cert), RV_DIGEST_LEN);
	memcpy(signer.cert_digest, c.signer_cert, RV_DIGEST_LEN);
	if (rv_xml_parse(&doc, draft.data, draft.len, &rv_xml_limits_message, RV_XML_DRAFT, &e) !=
			0 ||
		rv_msg_compose(doc, &c, &random, &e) != 0) {
		fail_msg("%s", e.text);
	}
	if (m->edit != NULL) {
		m->edit(doc);
	}
	assert_int_equal(rv_seal(doc, &signer, wire, NULL, &e), 0);
	xmlFreeDoc(doc);
}

static struct route_view view_of(const char *self)
{
	return (struct route_view){.trust = trust, .self = self, .now_us = PKI_NOW};
}

struct handed {
	const char *peer, *to[3];
	unsigned hops;
	uint64_t limit;
};

static int give(const struct rv_buf *wire, const struct handed *h, struct verdict *v)
{
	char codes[3][RV_CODE_TEXT];
	struct rv_item item = {.hops = (uint8_t)(h->hops != 0 ? h->hops : 2),
		.recipients = codes,
		.wire = {wire->data, wire->len}};
	struct route_view view = view_of("FR");
	for (size_t i = 0; i < 3 && h->to[i] != NULL; i++) {
		snprintf(codes[item.n_recipients++], RV_CODE_TEXT, "%s", h->to[i]);
	}
	if (item.n_recipients == 0) {
		strcpy(codes[item.n_recipients++], "FR");
	}
	return judge_message(judge, &view, h->peer != NULL ? h->peer : "RILO", &item,
		h->limit != 0 ? h->limit : UINT64_MAX, v);
}

static void refused_for(const struct make *m, const struct handed *h, int code, const char *rule)
{
	struct rv_buf wire = {0};
	struct verdict v;
	seal(&wire, m);
	int rc = give(&wire, h, &v);
	if (rc != code || strcmp(v.why.rule, rule) != 0) {
		print_error(
			"expected %d %s, got %d %s: %s\n", code, rule, rc, v.why.rule, v.why.text);
		fail();
	}
	verdict_clear(&v);
	rv_buf_free(&wire);
}

static void a_good_message_is_accepted(void **state)
{
	struct rv_buf wire = {0};
	struct verdict v;
	seal(&wire, &(struct make){0});
	int rc = give(&wire, &(struct handed){0}, &v);
	if (rc != 0) {
		fail_msg("%s %s", v.why.rule, v.why.text);
	}
	assert_string_equal(v.header.originator, "KE");
	assert_int_equal(v.allowed.n, 1);
	assert_int_equal(v.refused.n, 0);
	assert_int_equal(v.sealed.withheld, 0);
	verdict_clear(&v);
	rv_buf_free(&wire);
}

static void an_altered_byte_is_refused(void **state)
{
	struct rv_buf wire = {0};
	struct verdict v;
	seal(&wire, &(struct make){0});
	for (size_t i = 0; i < wire.len; i += 37) {
		wire.data[i] ^= 1;
		assert_int_not_equal(give(&wire, &(struct handed){0}, &v), 0);
		assert_true(v.why.rule[0] != '\0');
		verdict_clear(&v);
		wire.data[i] ^= 1;
	}
	rv_buf_free(&wire);
}

static void who_signed_counts(void **state)
{
	refused_for(&(struct make){.by = &stranger}, &(struct handed){0}, RV_EUNKNOWN,
		"TRUST-ORIGINATOR");
	refused_for(&(struct make){.key = &rilo}, &(struct handed){0}, RV_ESIGNATURE, "SEAL-VALUE");
	refused_for(&(struct make){.issued_us = rv_cert_not_after(ke.cert) + 1},
		&(struct handed){0}, RV_ECERT, "CERT-EXPIRED");
}

static void the_operation_counts(void **state)
{
	refused_for(&(struct make){.operation = "OTHER-26"}, &(struct handed){0}, RV_EUNKNOWN,
		"ROUTE-OPERATION");
	refused_for(
		&(struct make){.by = &rilo}, &(struct handed){0}, RV_EDENIED, "ROUTE-SENDER-ROLE");
}

static void the_way_counts(void **state)
{
	refused_for(&(struct make){0}, &(struct handed){.peer = "FR"}, RV_EDENIED, "ROUTE-PEER");
	refused_for(&(struct make){0}, &(struct handed){.hops = ROUTE_HOPS_MAX + 1}, RV_ELIMIT,
		"ROUTE-HOPS");
	refused_for(&(struct make){0}, &(struct handed){.to = {"KE"}}, RV_EDENIED, "ROUTE-LOOP");
	refused_for(&(struct make){0}, &(struct handed){.to = {"RILO"}}, RV_EDENIED, "ROUTE-RELAY");
}

static void time_counts(void **state)
{
	refused_for(&(struct make){.issued_us = PKI_NOW + 3600 * RV_US_PER_SEC},
		&(struct handed){0}, RV_ERULE, "TIME-FUTURE");
}

static void drop_goods(xmlDoc *doc)
{
	xmlNode *goods = rv_xml_child(xmlDocGetRootElement(doc), "Goods");
	xmlUnlinkNode(goods);
	xmlFreeNode(goods);
}

static void purple(xmlDoc *doc)
{
	xmlNodeSetContent(
		rv_xml_child(rv_xml_child(xmlDocGetRootElement(doc), "Header"), "PurposeCode"),
		(const xmlChar *)"no such purpose");
}

static void name_ke(xmlDoc *doc)
{
	xmlNode *header = rv_xml_child(xmlDocGetRootElement(doc), "Header");
	xmlAddPrevSibling(
		rv_xml_child(header, "IssueDateTime"), rv_xml_add(header, "Recipient", "RILO"));
}

static void the_content_counts(void **state)
{
	struct rv_buf wire = {0};
	struct verdict v;
	/* left out before sealing: not withheld, but missing */
	seal(&wire, &(struct make){.edit = drop_goods});
	assert_int_equal(give(&wire, &(struct handed){0}, &v), RV_ERULE);
	assert_true(strncmp(v.why.rule, "RV-", 3) == 0);
	verdict_clear(&v);
	rv_buf_free(&wire);
	seal(&wire, &(struct make){.edit = purple});
	assert_int_equal(give(&wire, &(struct handed){0}, &v), RV_ESCHEMA);
	assert_true(strncmp(v.why.rule, "XSD-", 4) == 0);
	assert_true(v.why.line > 0);
	verdict_clear(&v);
	rv_buf_free(&wire);
	refused_for(
		&(struct make){.edit = name_ke}, &(struct handed){0}, RV_EDENIED, "ROUTE-NAMED");
}

static void a_withheld_section_is_not_missed(void **state)
{
	struct rv_buf wire = {0};
	struct rv_buf less = {0};
	struct verdict v;
	xmlDoc *doc = NULL;
	seal(&wire, &(struct make){0});
	assert_int_equal(rv_seal_parse(&doc, wire.data, wire.len, NULL), 0);
	assert_int_equal(rv_seal_withhold(doc, 1u << RV_SEC_GOODS, &less, NULL), 0);
	xmlFreeDoc(doc);
	int rc = give(&less, &(struct handed){0}, &v);
	if (rc != 0) {
		fail_msg("%s %s", v.why.rule, v.why.text);
	}
	assert_int_equal(v.sealed.withheld, 1u << RV_SEC_GOODS);
	verdict_clear(&v);
	rv_buf_free(&wire);
	rv_buf_free(&less);
}

static void recipients_are_judged_one_by_one(void **state)
{
	struct rv_buf wire = {0};
	struct verdict v;
	seal(&wire, &(struct make){0});
	assert_int_equal(give(&wire, &(struct handed){.to = {"FR", "XX", "RILO"}}, &v), 0);
	assert_int_equal(v.allowed.n, 1);
	assert_string_equal(v.allowed.codes[0], "FR");
	assert_int_equal(v.refused.n, 2);
	verdict_clear(&v);
	rv_buf_free(&wire);
}

/* ---- receipts ---- */

static void make_receipt(
	struct rv_buf *out, const struct pki_member *by, enum rv_stage stage, int64_t time_us)
{
	char to[1][RV_CODE_TEXT];
	struct rv_receipt r = {
		.stage = stage, .time_us = time_us, .recipients = to, .n_recipients = 1};
	struct rv_signer signer = {sign, by->key, RV_ALG_ECDSA_P256_SHA256, {0}, ""};
	struct rv_err e = {0};
	assert_int_equal(rv_uuid_parse(r.message, "01930c6e-7a10-7c3e-9d6f-3f2a51b0c001"), 0);
	memset(r.seal_digest, 7, sizeof(r.seal_digest));
	snprintf(to[0], sizeof(to[0]), "%s", stage == RV_STAGE_STORED ? by->code : "FR");
	snprintf(signer.code, sizeof(signer.code), "%s", by->code);
	memcpy(signer.cert_digest, rv_cert_digest(by->cert), RV_DIGEST_LEN);
	if (rv_receipt_sign(&r, 1, &signer, out, &e) != 0) {
		fail_msg("%s", e.text);
	}
}

static void receipt_gives(const struct pki_member *by, enum rv_stage stage, int64_t time_us,
	int code, const char *rule)
{
	struct rv_buf bytes = {0};
	struct rv_receipt r = {0};
	struct rv_err e = {0};
	struct route_view view = view_of("RILO");
	make_receipt(&bytes, by, stage, time_us);
	assert_int_equal(
		judge_receipt(judge, &view, (struct rv_span){bytes.data, bytes.len}, &r, &e), code);
	assert_string_equal(e.rule, rule);
	rv_receipt_clear(&r);
	rv_buf_free(&bytes);
}

static void receipts_are_judged(void **state)
{
	receipt_gives(&ke, RV_STAGE_STORED, PKI_NOW - 1, 0, "");
	receipt_gives(&rilo, RV_STAGE_RELAYED, PKI_NOW - 1, 0, "");
	receipt_gives(&ke, RV_STAGE_RELAYED, PKI_NOW - 1, RV_EDENIED, "RCPT-ROLE");
	receipt_gives(&stranger, RV_STAGE_STORED, PKI_NOW - 1, RV_EUNKNOWN, "RCPT-SIGNER");
	receipt_gives(
		&ke, RV_STAGE_STORED, PKI_NOW + 3600 * RV_US_PER_SEC, RV_ERULE, "RCPT-FUTURE");
}

static void an_altered_receipt_is_refused(void **state)
{
	struct rv_buf bytes = {0};
	struct route_view view = view_of("RILO");
	make_receipt(&bytes, &ke, RV_STAGE_STORED, PKI_NOW - 1);
	for (size_t i = 0; i < bytes.len; i++) {
		struct rv_receipt r = {0};
		bytes.data[i] ^= 0x10;
		assert_int_not_equal(judge_receipt(judge, &view,
					     (struct rv_span){bytes.data, bytes.len}, &r, NULL),
			0);
		bytes.data[i] ^= 0x10;
	}
	rv_buf_free(&bytes);
}

/* ---- drafts ---- */

static int ask_draft(const char *text, const char *operation, const struct route_codes *to,
	struct rv_report *report, struct rv_header *h, struct rv_err *e)
{
	struct route_view view = view_of("KE");
	struct draft_ask ask = {text, strlen(text), operation, to};
	const struct rv_operation *op = NULL;
	xmlDoc *doc = NULL;
	int rc = judge_draft(judge, &view, &ask, report, &doc, h, &op, e);
	xmlFreeDoc(doc);
	return rc;
}

static void drafts_are_judged(void **state)
{
	struct rv_report report = {0};
	struct rv_header h = {0};
	struct rv_err e = {0};
	struct route_codes to = {0};
	const char *good = rv_buf_cstr(&draft);
	assert_int_equal(route_codes_add(&to, "FR", NULL), 0);
	if (ask_draft(good, "CRANE-26", &to, &report, &h, &e) != 0) {
		fail_msg("%s %s", e.rule, e.text);
	}
	assert_int_equal(h.n_recipients, 1);
	assert_string_equal(h.recipients[0], "FR");
	rv_header_clear(&h);
	rv_report_clear(&report);
	route_codes_clear(&to);

	assert_int_equal(ask_draft(good, "NONE-26", NULL, &report, &h, &e), RV_EUNKNOWN);
	assert_string_equal(e.rule, "ROUTE-OPERATION");
	rv_report_clear(&report);
	assert_int_equal(ask_draft("<Message", "CRANE-26", NULL, &report, &h, &e), RV_EPARSE);
	assert_int_equal(report.errors, 1);
	rv_report_clear(&report);

	char *bad = pki_replace(good, "<TLPCode>", "<TLPCode>X");
	assert_int_equal(ask_draft(bad, "CRANE-26", NULL, &report, &h, &e), RV_ESCHEMA);
	assert_string_equal(e.rule, "XSD-ENUM");
	assert_true(e.line > 0);
	rv_report_clear(&report);
	free(bad);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_good_message_is_accepted),
		cmocka_unit_test(an_altered_byte_is_refused),
		cmocka_unit_test(who_signed_counts),
		cmocka_unit_test(the_operation_counts),
		cmocka_unit_test(the_way_counts),
		cmocka_unit_test(time_counts),
		cmocka_unit_test(the_content_counts),
		cmocka_unit_test(a_withheld_section_is_not_missed),
		cmocka_unit_test(recipients_are_judged_one_by_one),
		cmocka_unit_test(receipts_are_judged),
		cmocka_unit_test(an_altered_receipt_is_refused),
		cmocka_unit_test(drafts_are_judged),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
