/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "protocol/check.h"
#include "protocol/report.h"
#include "protocol/stamp.h"

#define DAY "2026-06-01T12:00:00Z"

static struct rv_catalog *catalog;
static struct rv_checker *checker;

/* Codes that this file shows to work; those of the samples come to them. */
static struct rv_buf shown;

static const char *schemas(void)
{
	const char *dir = getenv("REEVE_SCHEMAS");
	return dir != NULL ? dir : "schemas";
}

static int set_up(void **state)
{
	struct rv_err e = {0};
	int rc = rv_xml_init(&e);
	rc = rc == 0 ? rv_catalog_load(&catalog, schemas(), NULL, &e) : rc;
	rc = rc == 0 ? rv_checker_new(&checker, catalog, &e) : rc;
	if (rc != 0) {
		fprintf(stderr, "%s\n", e.text);
	}
	return rc;
}

static int tear_down(void **state)
{
	rv_buf_free(&shown);
	rv_checker_free(&checker);
	rv_catalog_free(&catalog);
	rv_xml_cleanup();
	return 0;
}

static void read_file(const char *name, struct rv_buf *b)
{
	char path[1024];
	char part[8192];
	snprintf(path, sizeof(path), "%s/samples/%s", schemas(), name);
	FILE *f = fopen(path, "r");
	if (f == NULL) {
		fail_msg("%s cannot be opened", path);
	}
	for (size_t n; (n = fread(part, 1, sizeof(part), f)) > 0;) {
		rv_buf_put(b, part, n);
	}
	fclose(f);
}

static xmlDoc *parse(const char *xml, size_t len)
{
	xmlDoc *doc = NULL;
	struct rv_err e = {0};
	if (rv_xml_parse(&doc, xml, len, &rv_xml_limits_message, RV_XML_DRAFT, &e) != 0) {
		fail_msg("%s", e.text);
	}
	return doc;
}

static xmlDoc *sample(const char *name)
{
	struct rv_buf b = {0};
	read_file(name, &b);
	xmlDoc *doc = parse((const char *)b.data, b.len);
	rv_buf_free(&b);
	return doc;
}

/* An element by its path of names from the root: "Header/TypeCode". */
static xmlNode *at(xmlDoc *doc, const char *path)
{
	xmlNode *n = xmlDocGetRootElement(doc);
	while (*path != '\0') {
		char step[64];
		size_t len = strcspn(path, "/");
		snprintf(step, sizeof(step), "%.*s", (int)len, path);
		n = rv_xml_child(n, step);
		if (n == NULL) {
			fail_msg("no element %s", path);
		}
		path += len + (path[len] == '/');
	}
	return n;
}

static void set(xmlDoc *doc, const char *path, const char *text)
{
	xmlNodeSetContent(at(doc, path), (const xmlChar *)text);
}

static void drop(xmlDoc *doc, const char *path)
{
	xmlNode *n = at(doc, path);
	xmlUnlinkNode(n);
	xmlFreeNode(n);
}

static struct rv_check_context day(void)
{
	struct rv_check_context ctx = {0};
	rv_stamp_parse(&ctx.now_us, DAY);
	return ctx;
}

/* The document has exactly the faults that are named, with spaces between, in their order. */
static void faults_are(xmlDoc *doc, const struct rv_check_context *ctx, const char *expected)
{
	struct rv_report report = {0};
	struct rv_err e = {0};
	struct rv_buf found = {0}, text = {0};
	assert_int_equal(rv_check_doc(checker, doc, ctx, &report, &e), 0);
	for (size_t i = 0; i < report.n; i++) {
		rv_buf_printf(&found, "%s%s", i > 0 ? " " : "", report.faults[i].code);
	}
	rv_buf_put(&found, "", 1);
	if (strcmp((const char *)found.data, expected) != 0) {
		rv_report_text(&report, "document", &text);
		fprintf(stderr, "%s", text.len > 0 ? rv_buf_cstr(&text) : "no fault\n");
	}
	assert_string_equal((const char *)found.data, expected);
	rv_buf_printf(&shown, "%s ", expected);
	rv_buf_free(&text);
	rv_buf_free(&found);
	rv_report_clear(&report);
}

static xmlDoc *sealed(void)
{
	return sample("valid/sealed-withheld-sections.xml");
}

#define WITHHELD ((1u << RV_SEC_EVENT) | (1u << RV_SEC_PERSONS))

static struct rv_check_context as_sealed(void)
{
	struct rv_check_context ctx = day();
	ctx.sealed = 1;
	ctx.withheld = WITHHELD;
	return ctx;
}

static void sealed_messages_have_what_the_node_assigns(void **state)
{
	static const char *const missing[][2] = {
		{"Header/ID", "RV-SEAL-ID"},
		{"Header/Originator", "RV-SEAL-ORIGINATOR"},
		{"Header/Operation", "RV-SEAL-OPERATION"},
		{"Header/Sequence", "RV-SEAL-SEQUENCE"},
		{"Header/IssueDateTime", "RV-SEAL-ISSUED"},
		{"Header/SignerCertificate", "RV-SEAL-CERTIFICATE"},
		{"Header/Operation/RosterVersion", "RV-SEAL-ROSTER"},
	};
	struct rv_check_context ctx = as_sealed();
	xmlDoc *doc = sealed();
	faults_are(doc, &ctx, "");
	xmlFreeDoc(doc);
	for (size_t i = 0; i < sizeof(missing) / sizeof(missing[0]); i++) {
		doc = sealed();
		drop(doc, missing[i][0]);
		faults_are(doc, &ctx, missing[i][1]);
		ctx.sealed = 0;
		faults_are(doc, &ctx, "");
		ctx.sealed = 1;
		xmlFreeDoc(doc);
	}
	doc = sealed();
	xmlUnsetProp(at(doc, "Header"), (const xmlChar *)"Id");
	xmlUnsetProp(at(doc, "Goods"), (const xmlChar *)"Id");
	faults_are(doc, &ctx, "RV-SEAL-IDS RV-SEAL-IDS");
	xmlUnsetProp(at(doc, "Conveyance"), (const xmlChar *)"Salt");
	faults_are(doc, &ctx, "RV-SEAL-IDS RV-SEAL-IDS RV-SEAL-SALT");
	xmlFreeDoc(doc);
	doc = sample("valid/sealed-seizure-without-signature.xml");
	ctx.withheld = 0;
	faults_are(doc, &ctx, "RV-SEAL-SIGNATURE");
	xmlFreeDoc(doc);
}

static void what_was_withheld_is_not_missed(void **state)
{
	struct rv_check_context ctx = as_sealed();
	xmlDoc *doc = sealed();
	ctx.withheld = 0;
	faults_are(doc, &ctx, "RV-KIND-SEIZURE-EVENT");
	/* As a file the signature tells what was withheld. */
	ctx.sealed = 0;
	faults_are(doc, &ctx, "");
	xmlNode *last = xmlDocGetRootElement(doc)->last;
	while (!rv_xml_is(last, RV_NS_DSIG, "Signature")) {
		last = last->prev;
	}
	xmlUnlinkNode(last);
	xmlFreeNode(last);
	faults_are(doc, &ctx, "RV-KIND-SEIZURE-EVENT");
	xmlFreeDoc(doc);
}

static void sealed_messages_were_issued_in_the_past(void **state)
{
	struct rv_check_context ctx = as_sealed();
	xmlDoc *doc = sealed();
	set(doc, "Header/IssueDateTime", "2026-06-02T11:59:00Z");
	faults_are(doc, &ctx, "");
	set(doc, "Header/IssueDateTime", "2026-06-02T12:01:00Z");
	faults_are(doc, &ctx, "RV-DATE-ISSUE");
	ctx.now_us = 0;
	faults_are(doc, &ctx, "");
	xmlFreeDoc(doc);
}

static void drafts_are_issued_now(void **state)
{
	struct rv_check_context ctx = day();
	xmlDoc *doc = sample("valid/warning-vessel.xml");
	faults_are(doc, &ctx, "");
	/* What a draft says of its issue is no matter. */
	xmlNode *issued = xmlNewTextChild(NULL, at(doc, "Header")->ns,
		(const xmlChar *)"IssueDateTime", (const xmlChar *)"2020-01-01T00:00:00Z");
	xmlAddPrevSibling(at(doc, "Header/ExpirationDateTime"), issued);
	set(doc, "Header/ExpirationDateTime", "2026-06-01T12:00:01Z");
	faults_are(doc, &ctx, "");
	set(doc, "Header/ExpirationDateTime", "2026-06-01T12:00:00Z");
	faults_are(doc, &ctx, "RV-DATE-EXPIRY");
	ctx.now_us = 0;
	faults_are(doc, &ctx, "");
	xmlFreeDoc(doc);
}

static void dates_count_to_their_precision(void **state)
{
	struct rv_check_context ctx = day();
	xmlDoc *doc = sample("valid/seizure-short-revenue.xml");
	xmlNode *when = at(doc, "Event/OccurrenceDateTime");
	set(doc, "Event/OccurrenceDateTime", "2026-06-01T12:10:00Z");
	faults_are(doc, &ctx, "");
	set(doc, "Event/OccurrenceDateTime", "2026-06-01T12:10:01Z");
	faults_are(doc, &ctx, "RV-DATE-EVENT");
	xmlSetProp(when, (const xmlChar *)"precision", (const xmlChar *)"hour");
	faults_are(doc, &ctx, "");
	set(doc, "Event/OccurrenceDateTime", "2026-06-01T23:00:00Z");
	faults_are(doc, &ctx, "RV-DATE-EVENT");
	xmlSetProp(when, (const xmlChar *)"precision", (const xmlChar *)"day");
	faults_are(doc, &ctx, "");
	set(doc, "Event/OccurrenceDateTime", "2026-06-02T00:00:00Z");
	faults_are(doc, &ctx, "");
	set(doc, "Event/OccurrenceDateTime", "2026-06-03T00:00:00Z");
	faults_are(doc, &ctx, "RV-DATE-EVENT");
	xmlSetProp(when, (const xmlChar *)"precision", (const xmlChar *)"month");
	faults_are(doc, &ctx, "");
	xmlFreeDoc(doc);
}

static void moment(int64_t *t_us, const char *text)
{
	assert_int_equal(rv_stamp_parse(t_us, text), 0);
}

static void messages_fit_their_operation(void **state)
{
	char subs[1][32] = {"mixed"};
	struct rv_category plastic = {"plastic", NULL, subs, 1};
	struct rv_category_list list = {"demeter-waste", 2, &plastic, 1};
	struct rv_operation op = {
		.code = "DEMETER-XII", .version = 1, .categories = &list, .n_categories = 1};
	struct rv_check_context ctx = day();
	ctx.operation = &op;
	op.risks = RV_RISK_ENVIRONMENT;
	moment(&op.from_us, "2026-05-01T00:00:00Z");
	moment(&op.to_us, "2026-07-01T00:00:00Z");

	xmlDoc *doc = sample("valid/seizure-operation-categories.xml");
	faults_are(doc, &ctx, "");
	op.kinds = 1u << RV_KIND_WARNING;
	faults_are(doc, &ctx, "RV-SCOPE-KIND");
	op.kinds = 1u << RV_KIND_WARNING | 1u << RV_KIND_SEIZURE;
	faults_are(doc, &ctx, "");
	op.risks = RV_RISK_DRUGS;
	faults_are(doc, &ctx, "RV-SCOPE-RISK");
	op.risks = RV_RISK_DRUGS | RV_RISK_ENVIRONMENT;
	set(doc, "Goods/Item/SubCategoryCode", "pet-bales");
	faults_are(doc, &ctx, "RV-GOODS-CATEGORY");
	set(doc, "Goods/Item/CategoryCode", "tobacco");
	faults_are(doc, &ctx, "RV-GOODS-CATEGORY");
	set(doc, "Goods/CategoryList/VersionID", "3");
	faults_are(doc, &ctx, "RV-GOODS-LIST");
	/* The generic list may be used in every operation. */
	set(doc, "Goods/CategoryList/Code", "generic");
	set(doc, "Goods/CategoryList/VersionID", "1");
	set(doc, "Goods/Item/SubCategoryCode", "cigarettes");
	faults_are(doc, &ctx, "");
	set(doc, "Header/Operation/Code", "DEMETER-X");
	faults_are(doc, &ctx, "RV-SCOPE-CODE");
	set(doc, "Header/Operation/Code", "DEMETER-XII");
	xmlFreeDoc(doc);
}

static void messages_are_sent_while_their_operation_runs(void **state)
{
	struct rv_operation op = {.code = "STOP-IV", .version = 1, .nominal_allowed = 1};
	struct rv_check_context ctx = day();
	ctx.operation = &op;
	moment(&op.from_us, "2026-03-01T00:00:00Z");
	moment(&op.to_us, "2026-05-30T00:00:00Z");

	xmlDoc *doc = sample("valid/seizure-short-revenue.xml");
	/* Seizures of the last days may follow for a week. */
	faults_are(doc, &ctx, "");
	moment(&op.to_us, "2026-05-20T00:00:00Z");
	faults_are(doc, &ctx, "RV-SCOPE-DATE");
	moment(&op.to_us, "2026-07-01T00:00:00Z");
	moment(&op.from_us, "2026-05-01T00:00:00Z");
	faults_are(doc, &ctx, "RV-SCOPE-EVENT");
	moment(&op.from_us, "2026-06-02T00:00:00Z");
	faults_are(doc, &ctx, "RV-SCOPE-DATE RV-SCOPE-EVENT");
	xmlFreeDoc(doc);

	moment(&op.from_us, "2026-05-01T00:00:00Z");
	moment(&op.to_us, "2026-05-31T00:00:00Z");
	doc = sample("valid/warning-vessel.xml");
	faults_are(doc, &ctx, "RV-SCOPE-DATE");
	xmlFreeDoc(doc);
	doc = sample("valid/feedback-clean.xml");
	faults_are(doc, &ctx, "");
	xmlFreeDoc(doc);
	doc = sample("valid/cancel-erase.xml");
	faults_are(doc, &ctx, "");
	xmlFreeDoc(doc);

	moment(&op.to_us, "2026-07-31T00:00:00Z");
	doc = sample("valid/warning-person.xml");
	faults_are(doc, &ctx, "");
	op.nominal_allowed = 0;
	faults_are(doc, &ctx, "RV-SCOPE-NOMINAL");
	xmlFreeDoc(doc);
}

static void the_schema_speaks_first(void **state)
{
	struct rv_check_context ctx = day();
	xmlDoc *doc = sample("valid/seizure-short-revenue.xml");
	/* A value that the schema refuses is no matter of the code lists... */
	set(doc, "Goods/Item/Classification/ID", "99");
	faults_are(doc, &ctx, "RV-GOODS-HS");
	set(doc, "Goods/Item/Classification/ID", "999");
	faults_are(doc, &ctx, "XSD-PATTERN");
	set(doc, "Goods/Item/Classification/ID", "240220");
	/* ...and what is misspelt is not missing, too. */
	xmlNodeSetName(at(doc, "Event/DirectionCode"), (const xmlChar *)"Direction");
	faults_are(doc, &ctx, "XSD-UNKNOWN-ELEMENT");
	/* Faults of both stand side by side. */
	set(doc, "Header/TypeCode", "incident");
	set(doc, "Goods/Item/Quantity", "0");
	faults_are(doc, &ctx, "XSD-ENUM XSD-UNKNOWN-ELEMENT RV-GOODS-QUANTITY-ZERO");
	xmlFreeDoc(doc);
}

static void codes_of_other_editions_are_checked_by_chapter(void **state)
{
	struct rv_check_context ctx = day();
	xmlDoc *doc = sample("valid/seizure-short-revenue.xml");
	set(doc, "Goods/Item/Classification/ID", "240299");
	faults_are(doc, &ctx, "RV-GOODS-HS");
	set(doc, "Goods/Item/Classification/EditionCode", "2007");
	faults_are(doc, &ctx, "");
	set(doc, "Goods/Item/Classification/ID", "2402201000");
	set(doc, "Goods/Item/Classification/EditionCode", "2022");
	faults_are(doc, &ctx, "");
	set(doc, "Goods/Item/Classification/ID", "24");
	faults_are(doc, &ctx, "");
	xmlFreeDoc(doc);
}

/* Whatever one takes out of a sample, every part of the checker copes, and never lets pass what has
 * no sense. */
static size_t without_each(xmlNode *parent, xmlDoc *doc, const struct rv_check_context *ctx)
{
	size_t n = 0;
	for (xmlNode *c = rv_xml_first(parent); c != NULL; c = rv_xml_next(c)) {
		struct rv_report report = {0};
		xmlNode *next = c->next;
		xmlUnlinkNode(c);
		assert_int_equal(rv_check_doc(checker, doc, ctx, &report, NULL), 0);
		for (size_t i = 0; i < report.n; i++) {
			assert_true(report.faults[i].path[0] == '/' &&
				    report.faults[i].text[0] != '\0');
			assert_true(report.faults[i].mend[0] != '\0' && report.faults[i].line > 0);
		}
		rv_report_clear(&report);
		if (next != NULL) {
			xmlAddPrevSibling(next, c);
		} else {
			xmlAddChild(parent, c);
		}
		n += 1 + without_each(c, doc, ctx);
	}
	return n;
}

static void parts_may_be_missing(void **state)
{
	static const char *const names[] = {"seizure-long-ipr-shoes", "seizure-arabic",
		"alert-trade-mark", "update-warning", "operation-full", "situation-interim",
		"feedback-counterfeit", "sealed-withheld-sections"};
	char subs[1][32] = {"mixed"};
	struct rv_category plastic = {"plastic", NULL, subs, 1};
	struct rv_category_list list = {"generic", 1, &plastic, 1};
	struct rv_operation op = {
		.code = "STOP-IV", .version = 1, .categories = &list, .n_categories = 1};
	struct rv_check_context ctx = day();
	ctx.operation = &op;
	size_t n = 0;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		char name[100];
		snprintf(name, sizeof(name), "valid/%s.xml", names[i]);
		xmlDoc *doc = sample(name);
		ctx.sealed = i % 2 == 1;
		n += without_each(xmlDocGetRootElement(doc), doc, &ctx);
		xmlFreeDoc(doc);
	}
	assert_true(n > 500);
}

/* What is refused before there is a tree. */
static void syntax(const char *code, const char *xml, size_t len)
{
	struct rv_report report = {0};
	assert_int_equal(rv_check_bytes(checker, xml, len, 0, NULL, &report, NULL, NULL), 0);
	assert_int_equal(report.n, 1);
	assert_string_equal(report.faults[0].code, code);
	rv_buf_printf(&shown, "%s ", code);
	rv_report_clear(&report);
}

/* The part n times over, between two ends. */
static void repeated(
	const char *code, const char *begin, const char *part, size_t n, const char *end)
{
	struct rv_buf b = {0};
	rv_buf_str(&b, begin);
	for (size_t i = 0; i < n; i++) {
		rv_buf_str(&b, part);
	}
	rv_buf_str(&b, end);
	assert_true(rv_buf_ok(&b));
	syntax(code, (const char *)b.data, b.len);
	rv_buf_free(&b);
}

static void syntax_faults_have_codes(void **state)
{
	static const char *const texts[][2] = {{"XML-EMPTY", ""}, {"XML-SYNTAX", "<a><b></a>"},
		{"XML-ENCODING", "<a>\xe9</a>"}, {"XML-VERSION", "<?xml version='1.1'?><a/>"},
		{"XML-DOCTYPE", "<!DOCTYPE a [<!ENTITY e 'x'>]><a>&e;</a>"},
		{"XML-PI", "<a><?do it?></a>"}, {"XML-COMMENT", "<a><!-- no --></a>"},
		{"XML-CDATA", "<a><![CDATA[no]]></a>"}};
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		syntax(texts[i][0], texts[i][1], strlen(texts[i][1]));
	}
	repeated("XML-LIMIT-BYTES", "<a>", "0123456789abcdef", 70000, "</a>");
	repeated("XML-LIMIT-DEPTH", "", "<a>", 30, "");
	repeated("XML-LIMIT-ELEMENTS", "<a>", "<b/>", 20001, "</a>");
	repeated("XML-LIMIT-TEXT", "<a>", "0123456789abcdef", 20000, "</a>");
	syntax("XML-LIMIT-ATTRIBUTES",
		"<a b1='' b2='' b3='' b4='' b5='' b6='' b7='' b8='' b9='' c1='' c2='' c3='' c4='' "
		"c5='' c6='' c7='' c8=''/>",
		106);
}

struct rows {
	size_t n, errors;
	struct rv_buf codes;
	int wrong;
};

static int see(
	void *ctx, enum rv_level level, const char *code, const char *summary, const char *mend)
{
	struct rows *rows = ctx;
	char word[80];
	rows->n++;
	rows->errors += level == RV_LEVEL_ERROR;
	assert_true(level == RV_LEVEL_ERROR || level == RV_LEVEL_WARNING);
	assert_true(strncmp(code, "RV-", 3) == 0 || strncmp(code, "XSD-", 4) == 0 ||
		    strncmp(code, "XML-", 4) == 0);
	assert_int_equal(strspn(code, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-"), strlen(code));
	assert_true(strlen(code) < 32);
	assert_true(summary[0] != '\0' && summary[strlen(summary) - 1] == '.');
	assert_true(mend[0] != '\0');
	snprintf(word, sizeof(word), " %s ", code);
	if (rows->codes.len > 0 && strstr(rv_buf_cstr(&rows->codes), word) != NULL) {
		fail_msg("%s is the code of two rules", code);
	}
	rv_buf_str(&rows->codes, word);
	return 0;
}

static void rules_have_codes_and_words(void **state)
{
	struct rows rows = {0};
	assert_int_equal(rv_rules_each(see, &rows), 0);
	assert_true(rows.n >= 150);
	assert_true(rows.errors >= 60);
	rv_buf_free(&rows.codes);
}

static int is_shown(
	void *ctx, enum rv_level level, const char *code, const char *summary, const char *mend)
{
	struct rows *rows = ctx;
	char word[80];
	snprintf(word, sizeof(word), "%s", code);
	const char *all = rv_buf_cstr(&rows->codes);
	size_t len = strlen(word);
	for (const char *p = all; (p = strstr(p, word)) != NULL; p += len) {
		if (p > all && strchr(" ,", p[-1]) != NULL && strchr(" ,\n", p[len]) != NULL) {
			return 0;
		}
	}
	fprintf(stderr, "no sample and no test shows %s\n", code);
	rows->wrong++;
	return 0;
}

/* Run last: a rule that nothing breaks is not known to work. */
static void every_rule_is_shown_to_work(void **state)
{
	struct rows rows = {0};
	rv_buf_str(&rows.codes, " ");
	read_file("invalid/MANIFEST.csv", &rows.codes);
	read_file("warning/MANIFEST.csv", &rows.codes);
	rv_buf_printf(&rows.codes, " %s", rv_buf_cstr(&shown));
	assert_int_equal(rv_rules_each(is_shown, &rows), 0);
	rv_buf_free(&rows.codes);
	assert_int_equal(rows.wrong, 0);
}

static int stop(
	void *ctx, enum rv_level level, const char *code, const char *summary, const char *mend)
{
	int *left = ctx;
	return --*left == 0 ? 9 : 0;
}

static void the_list_of_rules_can_be_left(void **state)
{
	int left = 3;
	assert_int_equal(rv_rules_each(stop, &left), 9);
	left = 50;
	assert_int_equal(rv_rules_each(stop, &left), 9);
	assert_int_equal(left, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rules_have_codes_and_words),
		cmocka_unit_test(the_list_of_rules_can_be_left),
		cmocka_unit_test(sealed_messages_have_what_the_node_assigns),
		cmocka_unit_test(what_was_withheld_is_not_missed),
		cmocka_unit_test(sealed_messages_were_issued_in_the_past),
		cmocka_unit_test(drafts_are_issued_now),
		cmocka_unit_test(dates_count_to_their_precision),
		cmocka_unit_test(messages_fit_their_operation),
		cmocka_unit_test(messages_are_sent_while_their_operation_runs),
		cmocka_unit_test(the_schema_speaks_first),
		cmocka_unit_test(codes_of_other_editions_are_checked_by_chapter),
		cmocka_unit_test(syntax_faults_have_codes),
		cmocka_unit_test(parts_may_be_missing),
		cmocka_unit_test(every_rule_is_shown_to_work),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
