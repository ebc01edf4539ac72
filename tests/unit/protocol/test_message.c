/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "node/env.h"
#include "protocol/msg.h"
#include "tests/unit/protocol/sealing.h"

#define ID "01930c6e-7a10-7c3e-9d6f-3f2a51b0c001"
#define DIGEST "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

static struct rv_buf sample;

static int set_up(void **state)
{
	assert_int_equal(rv_xml_init(NULL), 0);
	sealing_sample(&sample, "valid/seizure-short-drugs.xml");
	assert_non_null(rv_buf_cstr(&sample));
	return 0;
}

static int tear_down(void **state)
{
	rv_buf_free(&sample);
	rv_xml_cleanup();
	return 0;
}

static xmlDoc *parse(const char *text)
{
	xmlDoc *doc = NULL;
	struct rv_err e = {0};
	if (rv_xml_parse(&doc, text, strlen(text), &rv_xml_limits_message, RV_XML_DRAFT, &e) != 0) {
		fail_msg("%s: %s", text, e.text);
	}
	return doc;
}

/* ---- Header ---- */

/* A Header with that content. */
static int read_header(struct rv_header *h, const char *content, struct rv_err *e)
{
	struct rv_buf text = {0};
	rv_buf_printf(&text, "<Message xmlns=\"" RV_NS_MESSAGE "\"><Header>%s</Header></Message>",
		content);
	xmlDoc *doc = parse(rv_buf_cstr(&text));
	int rc = rv_header_read(h, doc, e);
	/* the same without detail */
	struct rv_header again;
	assert_int_equal(rv_header_read(&again, doc, NULL), rc);
	if (rc == 0) {
		rv_header_clear(&again);
	}
	xmlFreeDoc(doc);
	rv_buf_free(&text);
	return rc;
}

static void a_header_is_read(void **state)
{
	struct rv_header h;
	struct rv_err e = {0};
	int rc = read_header(&h,
		"<ID>" ID "</ID><TypeCode>warning</TypeCode><FunctionCode>5</FunctionCode>"
		"<VersionID>3</VersionID><StatusCode>exercise</StatusCode>"
		"<Originator><Code>KE</Code><Office>Mombasa</Office></Originator>"
		"<Operation><Code>CRANE-26</Code><RosterVersion>7</RosterVersion></Operation>"
		"<Sequence><Number>12</Number><PreviousDigest>" DIGEST
		"</PreviousDigest></Sequence>"
		"<Recipient>FR</Recipient><Recipient>RILO-AP</Recipient>"
		"<IssueDateTime>2026-11-24T08:08:37Z</IssueDateTime>"
		"<HandlingCode>H2</HandlingCode><TLPCode>AMBER+STRICT</TLPCode>"
		"<Caveat>no-right-holders</Caveat><OnwardCode>none</OnwardCode>"
		"<ReviewDate>2027-01-01</ReviewDate><RiskAreaCode>drugs</RiskAreaCode>"
		"<RiskAreaCode>revenue</RiskAreaCode><Reference><TypeCode>updates</TypeCode>"
		"<MessageID>" ID "</MessageID><VersionID>2</VersionID></Reference>"
		"<SignerCertificate>" DIGEST "</SignerCertificate>",
		&e);
	if (rc != 0) {
		fail_msg("%s %s", e.rule, e.text);
	}
	assert_string_equal(h.id, ID);
	assert_int_equal(h.kind, RV_KIND_WARNING);
	assert_int_equal(h.function, 5);
	assert_int_equal(h.version, 3);
	assert_int_equal(h.status, RV_STATUS_EXERCISE);
	assert_string_equal(h.originator, "KE");
	assert_string_equal(h.office, "Mombasa");
	assert_string_equal(h.operation, "CRANE-26");
	assert_int_equal(h.roster_version, 7);
	assert_true(h.sequence == 12);
	assert_int_equal(h.previous[31], 0xff);
	assert_int_equal(h.n_recipients, 2);
	assert_string_equal(h.recipients[1], "RILO-AP");
	assert_true(h.issued_us == INT64_C(1795507717000000));
	assert_int_equal(h.handling, 2);
	assert_int_equal(h.tlp, rv_tlp_parse("AMBER+STRICT"));
	assert_int_equal(h.caveats, RV_CAVEAT_NO_RIGHT_HOLDERS);
	assert_int_equal(h.risks, RV_RISK_DRUGS | RV_RISK_REVENUE);
	assert_int_equal(h.n_refs, 1);
	assert_int_equal(h.refs[0].type, RV_REF_UPDATES);
	assert_int_equal(h.refs[0].version, 2);
	assert_int_equal(h.has_signer_cert, 1);
	rv_header_clear(&h);
	assert_int_equal(read_header(&h, "", &e), 0);
	assert_string_equal(h.id, "");
	rv_header_clear(&h);
}

/* Readers could differ in which of two they take. */
static void nothing_stands_twice(void **state)
{
	static const char *const twice[] = {"<ID>" ID "</ID>", "<TypeCode>warning</TypeCode>",
		"<FunctionCode>9</FunctionCode>", "<VersionID>1</VersionID>",
		"<StatusCode>actual</StatusCode>", "<Originator><Code>KE</Code></Originator>",
		"<Operation><Code>CRANE-26</Code></Operation>",
		"<Sequence><Number>1</Number></Sequence>",
		"<IssueDateTime>2026-11-24T08:08:37Z</IssueDateTime>",
		"<ExpirationDateTime>2026-11-24T08:08:37Z</ExpirationDateTime>",
		"<HandlingCode>H2</HandlingCode>", "<TLPCode>RED</TLPCode>",
		"<OnwardCode>none</OnwardCode>", "<ReviewDate>2027-01-01</ReviewDate>",
		"<SignerCertificate>" DIGEST "</SignerCertificate>"};
	static const char *const inner[][2] = {{"Originator", "<Code>KE</Code>"},
		{"Originator", "<Office>Mombasa</Office>"}, {"Operation", "<Code>CRANE-26</Code>"},
		{"Operation", "<RosterVersion>7</RosterVersion>"},
		{"Sequence", "<Number>1</Number>"},
		{"Sequence", "<PreviousDigest>" DIGEST "</PreviousDigest>"},
		{"Reference", "<TypeCode>updates</TypeCode>"},
		{"Reference", "<MessageID>" ID "</MessageID>"},
		{"Reference", "<VersionID>2</VersionID>"}};
	char text[1024];
	struct rv_header h;
	for (size_t i = 0; i < sizeof(twice) / sizeof(twice[0]); i++) {
		struct rv_err e = {0};
		snprintf(text, sizeof(text), "%s<x/>%s", twice[i], twice[i]);
		assert_int_equal(read_header(&h, text, &e), RV_EPARSE);
		if (strcmp(e.rule, "HDR-REPEATED") != 0 || e.line != 1 || e.mend[0] == '\0') {
			fail_msg("%s: %s %s", text, e.rule, e.text);
		}
	}
	for (size_t i = 0; i < sizeof(inner) / sizeof(inner[0]); i++) {
		struct rv_err e = {0};
		snprintf(text, sizeof(text), "<%s>%s%s</%s>", inner[i][0], inner[i][1], inner[i][1],
			inner[i][0]);
		assert_int_equal(read_header(&h, text, &e), RV_EPARSE);
		assert_string_equal(e.rule, "HDR-REPEATED");
	}
	struct rv_err e = {0};
	xmlDoc *doc = parse("<Message xmlns=\"" RV_NS_MESSAGE "\"><Header/><Header/></Message>");
	assert_int_equal(rv_header_read(&h, doc, &e), RV_EPARSE);
	assert_string_equal(e.rule, "HDR-REPEATED");
	xmlFreeDoc(doc);
}

static void what_has_not_its_form_is_refused(void **state)
{
	static const struct {
		const char *content, *rule, *told;
	} bad[] = {
		{"<ID>01930C6E-7A10-7C3E-9D6F-3F2A51B0C001</ID>", "HDR-ID", "01930C6E"},
		{"<ID>" ID "0</ID>", "HDR-TEXT", ID},
		{"<ID>x<y/></ID>", "HDR-TEXT", "ID"},
		{"<TypeCode>Warning</TypeCode>", "HDR-CODE", "\"Warning\""},
		{"<TypeCode/>", "HDR-CODE", "TypeCode"},
		{"<FunctionCode>7</FunctionCode>", "HDR-CODE", "\"7\""},
		{"<FunctionCode>95</FunctionCode>", "HDR-CODE", "\"95\""},
		{"<VersionID>1000000</VersionID>", "HDR-NUMBER", "1000000"},
		{"<VersionID>+1</VersionID>", "HDR-NUMBER", "+1"},
		{"<VersionID>99999999999999999999</VersionID>", "HDR-NUMBER", ""},
		{"<VersionID></VersionID>", "HDR-NUMBER", ""},
		{"<HandlingCode>H4</HandlingCode>", "HDR-CODE", "H4"},
		{"<Originator><Code>ke</Code></Originator>", "HDR-MEMBER", "Code \"ke\""},
		{"<Recipient>ke</Recipient>", "HDR-MEMBER", "ke"},
		{"<Operation><Code>crane</Code></Operation>", "HDR-OPERATION", "crane"},
		{"<IssueDateTime>2026-11-24T08:08:37</IssueDateTime>", "HDR-TIME", "UTC"},
		{"<IssueDateTime>1969-12-31T23:59:59Z</IssueDateTime>", "HDR-TIME", "1970"},
		{"<ReviewDate>2026-02-30</ReviewDate>", "HDR-TIME", "2026-02-30"},
		{"<SignerCertificate>00</SignerCertificate>", "HDR-DIGEST", "00"},
		{"<Caveat>none</Caveat>", "HDR-CODE", "none"},
		{"<RiskAreaCode>drug</RiskAreaCode>", "HDR-CODE", "drug"},
		{"<Reference><MessageID>1</MessageID></Reference>", "HDR-ID", "MessageID"},
		/* a quotation ends at a character, and acts on no terminal */
		{"<TypeCode>"
		 "\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9"
		 "\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9"
		 "\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9</TypeCode>",
			"HDR-CODE", "\xc3\xa9\": not a code"},
		{"<TypeCode>a\nb&#x9b;1m</TypeCode>", "HDR-CODE", "\"a?b?1m\""},
	};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct rv_header h;
		struct rv_err e = {0};
		int rc = read_header(&h, bad[i].content, &e);
		if (rc != RV_EPARSE || strcmp(e.rule, bad[i].rule) != 0 ||
			strstr(e.text, bad[i].told) == NULL || e.line == 0 || e.mend[0] == '\0') {
			fail_msg("%s: %d %s %s", bad[i].content, rc, e.rule, e.text);
		}
	}
	xmlDoc *doc = parse("<Other/>");
	struct rv_header h;
	struct rv_err e = {0};
	assert_int_equal(rv_header_read(&h, doc, &e), RV_EPARSE);
	assert_string_equal(e.rule, "HDR-MISSING");
	xmlFreeDoc(doc);
}

static int read_many(const char *each, size_t n, struct rv_err *e)
{
	struct rv_buf text = {0};
	struct rv_header h;
	for (size_t i = 0; i < n; i++) {
		rv_buf_str(&text, each);
	}
	int rc = read_header(&h, rv_buf_cstr(&text), e);
	if (rc == 0) {
		rv_header_clear(&h);
	}
	rv_buf_free(&text);
	return rc;
}

static void lists_are_bounded_as_the_schema_has_them(void **state)
{
	struct rv_err e = {0};
	static const char ref[] = "<Reference><MessageID>" ID "</MessageID></Reference>";
	assert_int_equal(read_many("<Recipient>KE</Recipient>", 200, &e), 0);
	assert_int_equal(read_many("<Recipient>KE</Recipient>", 201, &e), RV_EPARSE);
	assert_string_equal(e.rule, "HDR-RECIPIENTS");
	assert_int_equal(read_many(ref, 20, &e), 0);
	assert_int_equal(read_many(ref, 21, &e), RV_EPARSE);
	assert_string_equal(e.rule, "HDR-REFERENCE");
}

/* ---- composing ---- */

static struct rv_compose assigned(void)
{
	struct rv_compose c = {.id = ID,
		.originator = "KE",
		.operation = "CRANE-26",
		.roster_version = 7,
		.sequence = 12,
		.issued_us = PKI_NOW};
	return c;
}

/* The composed text; the caller's to free. NULL and e if it is refused. */
static char *compose(const char *draft, const struct rv_compose *c, struct rv_err *e)
{
	struct rv_random random = env_random();
	struct rv_buf out = {0};
	char *text = NULL;
	xmlDoc *doc = parse(draft);
	int rc = rv_msg_compose(doc, c, &random, e);
	if (rc == 0) {
		assert_int_equal(rv_xml_c14n_doc(doc, &out, NULL), 0);
		text = strdup(rv_buf_cstr(&out));
		assert_non_null(text);
	} else if (e != NULL) {
		assert_int_equal(rc, e->code);
	}
	rv_buf_free(&out);
	xmlFreeDoc(doc);
	return text;
}

static char *composed(const char *draft, const struct rv_compose *c)
{
	struct rv_err e = {0};
	char *text = compose(draft, c, &e);
	if (text == NULL) {
		fail_msg("%s %s", e.rule, e.text);
	}
	return text;
}

static void refused(const char *draft, const struct rv_compose *c, int code, const char *rule)
{
	struct rv_err e = {0};
	assert_null(compose(draft, c, &e));
	assert_int_equal(e.code, code);
	assert_string_equal(e.rule, rule);
}

static void has(const char *text, const char *part)
{
	if (strstr(text, part) == NULL) {
		fail_msg("no %s in %s", part, text);
	}
}

/* What differs between two composed texts is their salts. */
static void same_but_salts(char *a, char *b)
{
	char *texts[] = {a, b};
	for (size_t i = 0; i < 2; i++) {
		for (char *p = texts[i]; (p = strstr(p, " Salt=\"")) != NULL;) {
			p += strlen(" Salt=\"");
			memset(p, '.', strcspn(p, "\""));
		}
	}
	assert_string_equal(a, b);
}

/* The sample with the prefix m of each of its elements. */
static char *with_prefixes(void)
{
	struct rv_buf out = {0};
	const char *p = strstr(rv_buf_cstr(&sample), "<Message xmlns=");
	assert_non_null(p);
	rv_buf_str(&out, "<m:Message xmlns:m=");
	for (p += strlen("<Message xmlns="); *p != '\0'; p++) {
		rv_buf_u8(&out, (uint8_t)*p);
		if (*p == '<' && p[1] == '/') {
			rv_buf_str(&out, "/m:");
			p++;
		} else if (*p == '<') {
			rv_buf_str(&out, "m:");
		}
	}
	char *text = strdup(rv_buf_cstr(&out));
	rv_buf_free(&out);
	return text;
}

static void prefixes_and_hints_are_dropped(void **state)
{
	static const char hint[] =
		"<Message xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" "
		"xsi:schemaLocation=\"urn:reeve:message:1 message.xsd\" xmlns:q=\"urn:q\"";
	const struct rv_compose c = assigned();
	char *plain = composed(rv_buf_cstr(&sample), &c);
	char *prefixed = with_prefixes();
	char *again = composed(prefixed, &c);
	same_but_salts(plain, again);
	free(again);
	char *hinted = pki_replace(rv_buf_cstr(&sample), "<Message", hint);
	again = composed(hinted, &c);
	same_but_salts(plain, again);
	has(plain, "<Message xmlns=\"urn:reeve:message:1\"><Header Id=\"header\"><ID>" ID "</ID>");
	has(plain, "<LegalBasis xml:lang=\"en\">");
	free(plain);
	free(again);
	free(hinted);
	free(prefixed);
}

static void other_namespaces_are_refused(void **state)
{
	static const char *const more[] = {"<Item xmlns=\"\"/>", "<q:Item xmlns:q=\"urn:q\"/>",
		"<Item xmlns:q=\"urn:q\" q:a=\"1\"/>"};
	const struct rv_compose c = assigned();
	for (size_t i = 0; i < sizeof(more) / sizeof(more[0]); i++) {
		char to[128];
		struct rv_err e = {0};
		snprintf(to, sizeof(to), "%s</Goods>", more[i]);
		char *draft = pki_replace(rv_buf_cstr(&sample), "</Goods>", to);
		refused(draft, &c, RV_ESCHEMA, "HDR-NAMESPACE");
		compose(draft, &c, &e);
		assert_true(e.line > 40);
		free(draft);
	}
}

static void what_the_node_assigns_replaces_the_draft(void **state)
{
	struct rv_compose c = assigned();
	char *first = pki_replace(rv_buf_cstr(&sample), "<Header>",
		"<Header Id=\"x\"><ID>01930c6e-7a10-7c3e-9d6f-3f2a51b0cfff</ID><ID>z</ID>");
	char *draft = pki_replace(first, "<PurposeCode>",
		"<Originator><Code>XX</Code><Office>Mombasa</Office></Originator>"
		"<Operation><Code>OTHER</Code></Operation>"
		"<Sequence><Number>9</Number></Sequence>"
		"<SignerCertificate>00</SignerCertificate><PurposeCode>");
	free(first);
	char *text = composed(draft, &c);
	has(text, "<Header Id=\"header\"><ID>" ID "</ID><TypeCode>seizure</TypeCode>");
	has(text, "<Originator><Code>KE</Code><Office>Mombasa</Office></Originator>"
		  "<Operation><Code>CRANE-26</Code><RosterVersion>7</RosterVersion></Operation>"
		  "<Sequence><Number>12</Number><PreviousDigest>0000");
	assert_null(strstr(text, "cfff"));
	assert_null(strstr(text, "OTHER"));
	free(text);
	c.office = "Nairobi";
	text = composed(draft, &c);
	has(text, "<Originator><Code>KE</Code><Office>Nairobi</Office></Originator>");
	assert_null(strstr(text, "Mombasa"));
	free(text);
	/* nothing is known of these */
	c.operation[0] = '\0';
	c.roster_version = 0;
	c.sequence = 0;
	text = composed(draft, &c);
	assert_null(strstr(text, "<Operation>"));
	assert_null(strstr(text, "<Sequence>"));
	free(text);
	free(draft);
}

static void what_cannot_be_assigned_is_refused(void **state)
{
	const char *draft = rv_buf_cstr(&sample);
	struct rv_compose c = assigned();
	snprintf(c.id, sizeof(c.id), "x");
	refused(draft, &c, RV_EINVAL, "");
	c = assigned();
	snprintf(c.originator, sizeof(c.originator), "ke");
	refused(draft, &c, RV_EINVAL, "");
	c = assigned();
	c.sequence = UINT64_C(1000000000000);
	refused(draft, &c, RV_EINVAL, "");
	c = assigned();
	c.roster_version = 1000000;
	refused(draft, &c, RV_EINVAL, "");
	c = assigned();
	c.office = "a\nb";
	refused(draft, &c, RV_EINVAL, "HDR-TEXT");
	c.office = "0123456789012345678901234567890123456789012345678901234567890123x";
	refused(draft, &c, RV_EINVAL, "HDR-TEXT");
	c = assigned();
	refused("<Other/>", &c, RV_EPARSE, "HDR-MISSING");
	refused("<Message xmlns=\"" RV_NS_MESSAGE "\"/>", &c, RV_EPARSE, "HDR-MISSING");
}

/* ---- attachments ---- */

static struct rv_attachment attachment(const char *name, uint8_t first)
{
	struct rv_attachment a = {.media_type = "image/jpeg", .size = 1, .digest = {first}};
	snprintf(a.name, sizeof(a.name), "%s", name);
	return a;
}

static void attachments_are_listed_once(void **state)
{
	struct rv_attachment list[] = {attachment("a.jpg", 1), attachment("b.jpg", 2)};
	struct rv_compose c = assigned();
	c.attachments = list;
	c.n_attachments = 2;
	char *text = composed(rv_buf_cstr(&sample), &c);
	xmlDoc *doc = parse(text);
	struct rv_attachment *read = NULL;
	size_t n = 0;
	assert_int_equal(rv_attachments_read(&read, &n, doc, NULL), 0);
	assert_int_equal(n, 2);
	assert_string_equal(read[1].name, "b.jpg");
	assert_memory_equal(read[1].digest, list[1].digest, RV_DIGEST_LEN);
	free(read);
	xmlFreeDoc(doc);
	/* a draft that has both, with what it says of them */
	char *draft = pki_replace(text, "</Digest>", "</Digest><Caption>seen</Caption>");
	char *again = composed(draft, &c);
	same_but_salts(draft, again);
	free(again);
	free(draft);
	free(text);
}

static void attachments_that_no_schema_takes_are_refused(void **state)
{
	static const char *const names[] = {
		"", ".x", " x", "a/b", "a\\b", "a:b", "a\nb", "a?", "x|"};
	static const char *const types[] = {"", "image", "image/", "/jpeg", "Image/jpeg",
		"image/jpeg; a=b", "image/-x", "image/a/b"};
	struct rv_attachment list[51];
	struct rv_compose c = assigned();
	const char *draft = rv_buf_cstr(&sample);
	c.attachments = list;
	c.n_attachments = 1;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		list[0] = attachment(names[i], 1);
		refused(draft, &c, RV_EINVAL, "ATTACH-NAME");
	}
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		list[0] = attachment("a", 1);
		snprintf(list[0].media_type, sizeof(list[0].media_type), "%s", types[i]);
		refused(draft, &c, RV_EINVAL, "ATTACH-TYPE");
	}
	list[0] = attachment("a", 1);
	memset(list[0].name, 'a', 129);
	list[0].name[129] = '\0';
	refused(draft, &c, RV_EINVAL, "ATTACH-NAME");
	list[0] = attachment("a", 1);
	list[0].size = 0;
	refused(draft, &c, RV_EINVAL, "ATTACH-SIZE");
	list[0].size = (UINT64_C(1) << 30) + 1;
	refused(draft, &c, RV_EINVAL, "ATTACH-SIZE");
	for (size_t i = 0; i < 51; i++) {
		list[i] = attachment("a", (uint8_t)(i + 1));
	}
	c.n_attachments = 50;
	free(composed(draft, &c));
	c.n_attachments = 51;
	refused(draft, &c, RV_ELIMIT, "ATTACH-LIMIT");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_header_is_read),
		cmocka_unit_test(nothing_stands_twice),
		cmocka_unit_test(what_has_not_its_form_is_refused),
		cmocka_unit_test(lists_are_bounded_as_the_schema_has_them),
		cmocka_unit_test(prefixes_and_hints_are_dropped),
		cmocka_unit_test(other_namespaces_are_refused),
		cmocka_unit_test(what_the_node_assigns_replaces_the_draft),
		cmocka_unit_test(what_cannot_be_assigned_is_refused),
		cmocka_unit_test(attachments_are_listed_once),
		cmocka_unit_test(attachments_that_no_schema_takes_are_refused),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
