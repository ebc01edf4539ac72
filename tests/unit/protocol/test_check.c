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

/* The samples, as if the day were the one that their README names. */
#define DAY "2026-06-01T12:00:00Z"

static struct rv_catalog *catalog;
static struct rv_checker *checker;

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
	rv_checker_free(&checker);
	rv_catalog_free(&catalog);
	rv_xml_cleanup();
	return 0;
}

static void read_sample(const char *folder, const char *name, struct rv_buf *b)
{
	char path[1024];
	snprintf(path, sizeof(path), "%s/%s/%s", schemas(), folder, name);
	FILE *f = fopen(path, "r");
	if (f == NULL) {
		fail_msg("%s cannot be opened", path);
	}
	char part[8192];
	for (size_t n; (n = fread(part, 1, sizeof(part), f)) > 0;) {
		rv_buf_put(b, part, n);
	}
	fclose(f);
}

static struct rv_check_context day(void)
{
	struct rv_check_context ctx = {0};
	rv_stamp_parse(&ctx.now_us, DAY);
	return ctx;
}

static void check_sample(const char *folder, const char *name, struct rv_report *report)
{
	struct rv_buf b = {0};
	struct rv_err e = {0};
	const struct rv_check_context ctx = day();
	read_sample(folder, name, &b);
	if (strstr(folder, "trust") == NULL) {
		assert_int_equal(rv_check_bytes(checker, b.data, b.len, RV_XML_DRAFT, &ctx, report,
					 NULL, &e),
			0);
	} else {
		xmlDoc *doc = NULL;
		assert_int_equal(
			rv_xml_parse(&doc, b.data, b.len, &rv_xml_limits_trust, RV_XML_DRAFT, &e),
			0);
		assert_int_equal(rv_check_trust(checker, doc, report, &e), 0);
		xmlFreeDoc(doc);
	}
	rv_buf_free(&b);
}

static void print(const char *name, const struct rv_report *report)
{
	struct rv_buf text = {0};
	rv_report_text(report, name, &text);
	fprintf(stderr, "%s", text.len > 0 ? rv_buf_cstr(&text) : "no fault\n");
	rv_buf_free(&text);
}

/* Calls fn for each XML file of a folder; returns their number. */
static size_t each(const char *folder, int (*fn)(const char *folder, const char *name))
{
	char path[1024];
	size_t n = 0;
	int wrong = 0;
	struct dirent **entries = NULL;
	snprintf(path, sizeof(path), "%s/%s", schemas(), folder);
	int count = scandir(path, &entries, NULL, alphasort);
	assert_true(count > 0);
	for (int i = 0; i < count; i++) {
		size_t len = strlen(entries[i]->d_name);
		if (len > 4 && strcmp(entries[i]->d_name + len - 4, ".xml") == 0) {
			wrong += fn(folder, entries[i]->d_name);
			n++;
		}
		free(entries[i]);
	}
	free(entries);
	assert_int_equal(wrong, 0);
	return n;
}

static int has_no_fault(const char *folder, const char *name)
{
	struct rv_report report = {0};
	check_sample(folder, name, &report);
	int wrong = report.n != 0 || report.errors != 0 || report.warnings != 0 || report.truncated;
	if (wrong) {
		print(name, &report);
	}
	rv_report_clear(&report);
	return wrong;
}

static void valid_samples_have_no_fault(void **state)
{
	assert_true(each("samples/valid", has_no_fault) >= 60);
	assert_true(each("samples/trust/valid", has_no_fault) >= 3);
}

static void templates_have_no_fault(void **state)
{
	static const char *const kinds[] = {"seizure-short", "seizure-long", "warning", "alert",
		"feedback", "situation-report", "update", "cancel", "request", "reply",
		"operation"};
	const struct rv_check_context ctx = day();
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		struct rv_report report = {0};
		struct rv_buf b = {0};
		assert_int_equal(rv_catalog_template_at(catalog, kinds[i], ctx.now_us, &b), 0);
		assert_int_equal(rv_check_bytes(checker, b.data, b.len, RV_XML_DRAFT, &ctx, &report,
					 NULL, NULL),
			0);
		if (report.n != 0) {
			print(kinds[i], &report);
			fail();
		}
		rv_report_clear(&report);
		rv_buf_free(&b);
	}
}

/* What the manifest of a folder says of a sample. */
static void manifest(const char *folder, const char *name, char code[40], int *line)
{
	struct rv_buf b = {0};
	read_sample(folder, "MANIFEST.csv", &b);
	const char *at = rv_buf_cstr(&b);
	assert_non_null(at);
	code[0] = '\0';
	for (; at != NULL; at = strchr(at, '\n')) {
		at += *at == '\n';
		size_t len = strlen(name);
		if (strncmp(at, name, len) == 0 && at[len] == ',') {
			assert_int_equal(sscanf(at + len, ",%39[^,],%d", code, line), 2);
		}
		if (*at == '\0') {
			break;
		}
	}
	rv_buf_free(&b);
}

static int has_the_fault(const char *folder, const char *name)
{
	char code[40];
	int line = 0;
	struct rv_report report = {0};
	manifest(folder, name, code, &line);
	check_sample(folder, name, &report);
	size_t warnings = strstr(folder, "warning") != NULL;
	int wrong = report.errors != 1 - warnings || report.warnings != warnings || report.n != 1 ||
		    strcmp(report.faults[0].code, code) != 0 || report.faults[0].line != line;
	wrong = wrong || report.faults[0].text[0] == '\0' || report.faults[0].mend[0] == '\0' ||
		report.faults[0].path[0] != '/' || report.faults[0].column < 1;
	if (wrong) {
		fprintf(stderr, "wanted: %s:%d %s\n", name, line, code);
		print(name, &report);
	}
	rv_report_clear(&report);
	return wrong;
}

static void invalid_samples_have_their_fault(void **state)
{
	assert_true(each("samples/invalid", has_the_fault) >= 320);
	assert_true(each("samples/trust/invalid", has_the_fault) >= 20);
}

static void warning_samples_have_their_warning(void **state)
{
	assert_true(each("samples/warning", has_the_fault) >= 36);
}

/* Checks a text; the codes and lines of its faults as "CODE:line CODE:line". */
static void faults_are(const char *xml, const char *expected)
{
	struct rv_report report = {0};
	struct rv_buf found = {0};
	const struct rv_check_context ctx = day();
	assert_int_equal(
		rv_check_bytes(checker, xml, strlen(xml), RV_XML_DRAFT, &ctx, &report, NULL, NULL),
		0);
	for (size_t i = 0; i < report.n; i++) {
		rv_buf_printf(&found, "%s%s:%d", i > 0 ? " " : "", report.faults[i].code,
			report.faults[i].line);
	}
	rv_buf_put(&found, "", 1);
	if (strcmp((const char *)found.data, expected) != 0) {
		print("text", &report);
		assert_string_equal((const char *)found.data, expected);
	}
	rv_buf_free(&found);
	rv_report_clear(&report);
}

#define HEADER(more)                                                                               \
	"<Message "                                                                                \
	"xmlns='urn:reeve:message:1'>\n<Header>\n<TypeCode>request</TypeCode>\n<FunctionCode>9</"  \
	"FunctionCode>\n"                                                                          \
	"<VersionID>1</VersionID>\n<StatusCode>actual</StatusCode>\n<PurposeCode>statistics</"     \
	"PurposeCode>\n"                                                                           \
	"<HandlingCode>H1</HandlingCode>\n<TLPCode>AMBER</TLPCode>\n<OnwardCode>none</"            \
	"OnwardCode>\n"                                                                            \
	"<RiskAreaCode>drugs</RiskAreaCode>\n" more "</Header>\n"
#define QUESTION                                                                                   \
	"<Question>\n<SequenceNumeric>1</SequenceNumeric>\n<Text>Who?</Text>\n</Question>\n"

static void every_fault_is_told_at_once(void **state)
{
	faults_are(HEADER("") "<Request>\n<Subject>x</Subject>\n" QUESTION "</Request>\n</Message>",
		"");
	/* An unknown element hides nothing of what comes behind it or stands beside it. */
	faults_are(HEADER("<Colour>red</Colour>\n") "<Request>\n<Subject>x</"
						    "Subject>\n<UrgencyCode>soon</UrgencyCode>\n"
						    "<DueDateTime>tomorrow</DueDateTime>\n" QUESTION
						    "<Shape/>\n</Request>\n<Event/>\n</Message>",
		"XSD-UNKNOWN-ELEMENT:12 XSD-ENUM:16 XSD-TYPE:17 XSD-UNKNOWN-ELEMENT:22 "
		"XSD-MISSING-ELEMENT:24 XSD-MISSING-ELEMENT:24");
	/* Out of order and missing, with wrong values inside. */
	faults_are("<Message "
		   "xmlns='urn:reeve:message:1'>\n<Header>\n<FunctionCode>8</"
		   "FunctionCode>\n<TypeCode>request</TypeCode>\n"
		   "<TLPCode>blue</TLPCode>\n</Header>\n</Message>",
		"RV-KIND-REQUEST:1 XSD-MISSING-ELEMENT:2 XSD-MISSING-ELEMENT:2 "
		"XSD-UNKNOWN-ELEMENT:3 XSD-ENUM:3 "
		"XSD-MISSING-ELEMENT:5 "
		"XSD-MISSING-ELEMENT:5 XSD-MISSING-ELEMENT:5 XSD-MISSING-ELEMENT:5 XSD-ENUM:5");
}

static void what_schema_instances_could_do_is_refused(void **state)
{
	faults_are("<Message xmlns='urn:reeve:message:1' "
		   "xmlns:i='http://www.w3.org/2001/XMLSchema-instance'\n"
		   "  i:schemaLocation='urn:reeve:message:1 http://example.org/m.xsd'/>",
		"XSD-UNKNOWN-ATTRIBUTE:1 XSD-MISSING-ELEMENT:1");
	faults_are(HEADER("") "<Request>\n<Subject "
			      "xmlns:i='http://www.w3.org/2001/XMLSchema-instance' "
			      "i:type='TextType'>x</Subject>\n" QUESTION "</Request>\n</Message>",
		"XSD-UNKNOWN-ATTRIBUTE:14");
}

static void syntax_faults_have_a_place(void **state)
{
	struct rv_report report = {0};
	struct rv_err e = {0};
	static const char *const texts[][2] = {
		{"", "XML-EMPTY"},
		{"<Message", "XML-SYNTAX"},
		{"<!DOCTYPE a><a/>", "XML-DOCTYPE"},
		{"<a>\xff</a>", "XML-ENCODING"},
	};
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		assert_int_equal(rv_check_bytes(checker, texts[i][0], strlen(texts[i][0]), 0, NULL,
					 &report, NULL, &e),
			0);
		assert_int_equal(report.n, 1);
		assert_int_equal(report.errors, 1);
		assert_string_equal(report.faults[0].code, texts[i][1]);
		rv_report_clear(&report);
	}
	assert_null(report.faults);
}

static void the_tree_is_left_as_it_was(void **state)
{
	struct rv_report report = {0};
	struct rv_buf before = {0}, after = {0};
	xmlDoc *doc = NULL;
	const char *xml = "<Message xmlns='urn:reeve:message:1'><A/><B/> "
			  "<Header><X/><Y/>t<Z/></Header><C/><Goods/><Goods/><D/></Message>";
	assert_int_equal(rv_xml_parse(&doc, xml, strlen(xml), &rv_xml_limits_message, 0, NULL), 0);
	assert_int_equal(rv_xml_c14n_doc(doc, &before, NULL), 0);
	assert_int_equal(rv_check_doc(checker, doc, NULL, &report, NULL), 0);
	assert_true(report.errors > 8);
	assert_int_equal(rv_xml_c14n_doc(doc, &after, NULL), 0);
	assert_int_equal(before.len, after.len);
	assert_memory_equal(before.data, after.data, before.len);
	/* Backwards too. */
	const xmlNode *last = xmlDocGetRootElement(doc)->last;
	size_t n = 0;
	for (; last != NULL; last = last->prev, n++) {
		assert_true(last->next == NULL || last->next->prev == last);
	}
	assert_int_equal(n, 8);
	xmlFreeDoc(doc);
	rv_report_clear(&report);
	rv_buf_free(&before);
	rv_buf_free(&after);
}

static void reports_are_cut_at_500(void **state)
{
	struct rv_report report = {0};
	struct rv_buf b = {0}, text = {0};
	rv_buf_str(&b, "<Message xmlns='urn:reeve:message:1'>");
	for (int i = 0; i < 3000; i++) {
		rv_buf_printf(&b, "<Extra%d/>\n", i);
	}
	rv_buf_str(&b, "</Message>");
	assert_int_equal(rv_check_bytes(checker, b.data, b.len, 0, NULL, &report, NULL, NULL), 0);
	assert_int_equal(report.n, 500);
	assert_int_equal(report.errors, 3001);
	assert_int_equal(report.truncated, 1);
	for (size_t i = 1; i < report.n; i++) {
		assert_true(report.faults[i - 1].line <= report.faults[i].line);
	}
	assert_int_equal(rv_report_text(&report, "f.xml", &text), 0);
	assert_non_null(strstr(rv_buf_cstr(&text), "f.xml: only 500 of 3001 faults are shown\n"));
	rv_report_clear(&report);
	rv_buf_free(&text);
	rv_buf_free(&b);
}

/* Documents that are made to be slow: as many of one thing as the parser lets in. */
static void hostile_documents_are_cheap(void **state)
{
	static const char *const parts[][3] = {
		{"<Header>", "<RiskAreaCode>x</RiskAreaCode>", "</Header>"},
		{"<Header>", "<Recipient>KE</Recipient>", "</Header>"},
		{"<Goods><Item>", "<Description xml:lang='a%d'>x</Description>", "</Item></Goods>"},
		{"<Operation>", "<CoordinationUnitCode>A%d</CoordinationUnitCode><Member/>",
			"</Operation>"},
		{"<Event><Place>", "<CountryCode>ABCDEFGHIJ%d</CountryCode>", "</Place></Event>"},
		{"<Persons>", "<Person><Name/></Person>", "</Persons>"},
		{"", "<Extra%d Id='a'/>", ""},
		{"<Situation>", "<ListedMessage><MessageID>%d</MessageID></ListedMessage>",
			"</Situation>"},
	};
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		struct rv_report report = {0};
		struct rv_buf b = {0};
		rv_buf_printf(&b, "<Message xmlns='urn:reeve:message:1'>%s", parts[i][0]);
		for (int n = 0; n < 9000; n++) {
			const char *at = strstr(parts[i][1], "%d");
			size_t len = at != NULL ? (size_t)(at - parts[i][1]) : strlen(parts[i][1]);
			rv_buf_put(&b, parts[i][1], len);
			if (at != NULL) {
				rv_buf_printf(&b, "%d%s", n, at + 2);
			}
		}
		rv_buf_printf(&b, "%s</Message>", parts[i][2]);
		assert_int_equal(
			rv_check_bytes(checker, b.data, b.len, 0, NULL, &report, NULL, NULL), 0);
		assert_true(report.errors > 8000);
		assert_int_equal(report.n, 500);
		rv_report_clear(&report);
		rv_buf_free(&b);
	}
}

static void reports_read_well(void **state)
{
	struct rv_report report = {0};
	struct rv_buf text = {0};
	check_sample("samples/invalid", "xsd-bad-status.xml", &report);
	assert_int_equal(rv_report_text(&report, "a\033b.xml", &text), 0);
	assert_string_equal(rv_buf_cstr(&text),
		"a b.xml:8:5: error XSD-ENUM /Message/Header/StatusCode: StatusCode is 'drill'; "
		"allowed are actual, exercise and test. "
		"Choose one of them; 'reeve codes statuses' tells what each means.\n");
	json_t *json = rv_report_json(&report);
	assert_non_null(json);
	assert_int_equal(json_integer_value(json_object_get(json, "errors")), 1);
	assert_int_equal(json_integer_value(json_object_get(json, "warnings")), 0);
	assert_true(json_is_false(json_object_get(json, "truncated")));
	json_t *fault = json_array_get(json_object_get(json, "faults"), 0);
	assert_string_equal(json_string_value(json_object_get(fault, "rule")), "XSD-ENUM");
	assert_string_equal(json_string_value(json_object_get(fault, "level")), "error");
	assert_string_equal(
		json_string_value(json_object_get(fault, "path")), "/Message/Header/StatusCode");
	assert_int_equal(json_integer_value(json_object_get(fault, "line")), 8);
	assert_int_equal(json_integer_value(json_object_get(fault, "column")), 5);
	json_decref(json);
	rv_buf_free(&text);
	rv_report_clear(&report);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(valid_samples_have_no_fault),
		cmocka_unit_test(templates_have_no_fault),
		cmocka_unit_test(invalid_samples_have_their_fault),
		cmocka_unit_test(warning_samples_have_their_warning),
		cmocka_unit_test(every_fault_is_told_at_once),
		cmocka_unit_test(what_schema_instances_could_do_is_refused),
		cmocka_unit_test(syntax_faults_have_a_place),
		cmocka_unit_test(the_tree_is_left_as_it_was),
		cmocka_unit_test(reports_are_cut_at_500),
		cmocka_unit_test(hostile_documents_are_cheap),
		cmocka_unit_test(reports_read_well),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
