/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "protocol/xml.h"

static int set_up(void **state)
{
	return rv_xml_init(NULL);
}

static int tear_down(void **state)
{
	rv_xml_cleanup();
	return 0;
}

static xmlDoc *good(const char *text, unsigned flags)
{
	xmlDoc *doc = NULL;
	struct rv_err e = {0};
	if (rv_xml_parse(&doc, text, strlen(text), &rv_xml_limits_message, flags, &e) != 0) {
		fail_msg("%s: %s %s", text, e.rule, e.text);
	}
	return doc;
}

struct bad {
	const char *text;
	size_t len; /* 0: strlen */
	unsigned flags;
	int code;
	const char *rule;
	int line, column; /* line 0: not looked at */
};

static void what_is_refused_has_a_rule_and_a_place(void **state)
{
	static const struct bad bad[] = {
		{"", 0, 0, RV_EPARSE, "XML-EMPTY", 1, 1},
		{"<a>\n <b>\n</a>", 0, 0, RV_EPARSE, "XML-SYNTAX", 3, 0},
		{"<a>", 0, 0, RV_EPARSE, "XML-SYNTAX", 1, 0},
		{"x", 0, 0, RV_EPARSE, "XML-SYNTAX", 1, 0},
		{"<a/><b/>", 0, 0, RV_EPARSE, "XML-SYNTAX", 1, 0},
		{"<a b='1' b='2'/>", 0, 0, RV_EPARSE, "XML-SYNTAX", 1, 0},
		{"<a>&nbsp;</a>", 0, 0, RV_EPARSE, "XML-SYNTAX", 1, 0},
		{"<a>&#0;</a>", 0, 0, RV_EPARSE, "XML-SYNTAX", 1, 0},
		{"<a>\x01</a>", 0, 0, RV_EPARSE, "XML-SYNTAX", 1, 0},
		{"<a>\xef\xbf\xbf</a>", 0, 0, RV_EPARSE, "XML-SYNTAX", 1, 0},
		{"<p:a/>", 0, 0, RV_EPARSE, "XML-SYNTAX", 1, 0},
		{"<a>\n<!DOCTYPE a></a>", 0, 0, RV_EPARSE, "XML-SYNTAX", 2, 0},
		{"\n\n<!DOCTYPE a><a/>", 0, 0, RV_EPARSE, "XML-DOCTYPE", 3, 0},
		{"<!DOCTYPE a SYSTEM 'file:///etc/passwd'><a/>", 0, 0, RV_EPARSE, "XML-DOCTYPE", 1,
			0},
		{"<!DOCTYPE a [<!ENTITY x 'y'>]><a>&x;</a>", 0, RV_XML_DRAFT, RV_EPARSE,
			"XML-DOCTYPE", 1, 0},
		{"<a>\n  <?x y?></a>", 0, 0, RV_EPARSE, "XML-PI", 2, 0},
		{"<?x y?><a/>", 0, RV_XML_DRAFT, RV_EPARSE, "XML-PI", 1, 0},
		{"<a/><?x y?>", 0, RV_XML_DRAFT, RV_EPARSE, "XML-PI", 1, 0},
		{"<a>\n\n <!-- x --></a>", 0, 0, RV_EPARSE, "XML-COMMENT", 3, 0},
		{"<!-- x --><a/>", 0, 0, RV_EPARSE, "XML-COMMENT", 1, 0},
		{"<a/><!-- x -->", 0, 0, RV_EPARSE, "XML-COMMENT", 1, 0},
		{"<a>\n<![CDATA[x]]></a>", 0, 0, RV_EPARSE, "XML-CDATA", 2, 0},
		{"<a><![CDATA[]]></a>", 0, 0, RV_EPARSE, "XML-CDATA", 1, 0},
		{"\xef\xbb\xbf<a/>", 0, 0, RV_EPARSE, "XML-ENCODING", 1, 1},
		{"<a>\nz\xc3\xa9\xff</a>", 0, 0, RV_EPARSE, "XML-ENCODING", 2, 3},
		{"<a>\xc0\x80</a>", 0, 0, RV_EPARSE, "XML-ENCODING", 1, 4},
		{"<a>\xed\xa0\x80</a>", 0, 0, RV_EPARSE, "XML-ENCODING", 1, 4},
		{"<a>\xf4\x90\x80\x80</a>", 0, 0, RV_EPARSE, "XML-ENCODING", 1, 4},
		{"<a>\xe2\x82", 0, 0, RV_EPARSE, "XML-ENCODING", 1, 4},
		{"<a>\0</a>", 8, 0, RV_EPARSE, "XML-ENCODING", 1, 4},
		{"<a/>\0", 5, 0, RV_EPARSE, "XML-ENCODING", 1, 5},
		{"\xff\xfe<\0a\0/\0>\0", 10, RV_XML_DRAFT, RV_EPARSE, "XML-ENCODING", 1, 1},
		{"<?xml version='1.0' encoding='ISO-8859-1'?><a/>", 0, RV_XML_DRAFT, RV_EPARSE,
			"XML-ENCODING", 0, 0},
		{"<?xml version='1.0' encoding='ISO-8859-1'?><a>\xc3\xa9</a>", 0, RV_XML_DRAFT,
			RV_EPARSE, "XML-ENCODING", 0, 0},
		{"<?xml version='1.0' encoding='US-ASCII'?><a/>", 0, RV_XML_DRAFT, RV_EPARSE,
			"XML-ENCODING", 0, 0},
		{"<?xml version='1.0' encoding='UTF-16'?><a/>", 0, RV_XML_DRAFT, RV_EPARSE,
			"XML-ENCODING", 1, 0},
		{"<?xml version='1.0' encoding='windows-1252'?><a/>", 0, RV_XML_DRAFT, RV_EPARSE,
			"XML-ENCODING", 1, 0},
		{"<?xml version='1.0' encoding='UTF-7'?><a/>", 0, RV_XML_DRAFT, RV_EPARSE,
			"XML-ENCODING", 1, 0},
		{"<?xml version='1.0' encoding='FOO-8'?><a/>", 0, RV_XML_DRAFT, RV_EPARSE,
			"XML-ENCODING", 1, 0},
		{"<?xml version='1.1'?><a/>", 0, RV_XML_DRAFT, RV_EPARSE, "XML-VERSION", 0, 0},
	};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		xmlDoc *doc = NULL;
		struct rv_err e = {0};
		const struct bad *b = &bad[i];
		int rc = rv_xml_parse(&doc, b->text, b->len != 0 ? b->len : strlen(b->text),
			&rv_xml_limits_message, b->flags, &e);
		if (rc != b->code || strcmp(e.rule, b->rule) != 0 ||
			(b->line != 0 && e.line != b->line) ||
			(b->column != 0 && e.column != b->column) || e.text[0] == '\0') {
			print_error("%zu %s: got %d %s %d:%d %s\n", i, b->text, rc, e.rule, e.line,
				e.column, e.text);
			fail();
		}
		assert_null(doc);
	}
}

static void drafts_may_have_comments(void **state)
{
	static const char text[] = "\xef\xbb\xbf<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<!-- a "
				   "-->\n<a><!-- b -->x<![CDATA[<&]]>y<!-- c --></a><!-- d -->";
	xmlDoc *doc = good(text, RV_XML_DRAFT);
	struct rv_buf out = {0};
	assert_string_equal(rv_xml_text(xmlDocGetRootElement(doc)), "x<&y");
	assert_int_equal(rv_xml_c14n_doc(doc, &out, NULL), 0);
	assert_string_equal(rv_buf_cstr(&out), "<a>x&lt;&amp;y</a>");
	rv_buf_free(&out);
	xmlFreeDoc(doc);
}

/* ---- limits ---- */

static int limited(const struct rv_xml_limits *limits, const char *text, struct rv_err *e)
{
	xmlDoc *doc = NULL;
	int rc = rv_xml_parse(&doc, text, strlen(text), limits, RV_XML_DRAFT, e);
	xmlFreeDoc(doc);
	return rc;
}

static void limits_are_kept_to_the_last(void **state)
{
	static const struct rv_xml_limits small = {120, 3, 5, 2, 8};
	static const struct {
		const char *text;
		const char *rule;
	} cases[] = {
		{"<a><b><c/></b></a>", NULL},
		{"<a><b><c><d/></c></b></a>", "XML-LIMIT-DEPTH"},
		{"<a><b/><b/><b/><b/></a>", NULL},
		{"<a><b/><b/><b/><b/><b/></a>", "XML-LIMIT-ELEMENTS"},
		{"<a x='1' y='2'/>", NULL},
		{"<a x='1' y='2' z='3'/>", "XML-LIMIT-ATTRIBUTES"},
		{"<a xmlns:p='u' xmlns='v' x='1'/>", "XML-LIMIT-ATTRIBUTES"},
		{"<a>12345678</a>", NULL},
		{"<a>123456789</a>", "XML-LIMIT-TEXT"},
		{"<a>1234&amp;6789</a>", "XML-LIMIT-TEXT"},
		{"<a>1234<!-- -->56789</a>", "XML-LIMIT-TEXT"},
		{"<a>1234<![CDATA[56789]]></a>", "XML-LIMIT-TEXT"},
		{"<a>1234<b/>56789</a>", NULL},
		{"<a>         </a>", "XML-LIMIT-TEXT"},
		{"<a x='12345678'/>", NULL},
		{"<a x='123456789'/>", "XML-LIMIT-TEXT"},
		{"<a>"
		 "<b>12345678</b>"
		 "<b>12345678</b>"
		 "<b>12345678</b>"
		 "<b x='12345678' y='12345678'>12345678</b></a>   ",
			NULL},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct rv_err e = {0};
		int rc = limited(&small, cases[i].text, &e);
		if (rc != (cases[i].rule != NULL ? RV_ELIMIT : 0) ||
			(cases[i].rule != NULL && strcmp(e.rule, cases[i].rule) != 0)) {
			fail_msg("%s: got %d %s %s", cases[i].text, rc, e.rule, e.text);
		}
	}
	char text[122];
	struct rv_err e = {0};
	memset(text, ' ', sizeof(text));
	memcpy(text, "<a/>", 4);
	text[120] = '\0';
	assert_int_equal(limited(&small, text, &e), 0);
	text[120] = ' ';
	text[121] = '\0';
	assert_int_equal(limited(&small, text, &e), RV_ELIMIT);
	assert_string_equal(e.rule, "XML-LIMIT-BYTES");
}

static void the_limits_of_messages(void **state)
{
	struct rv_buf b = {0};
	struct rv_err e = {0};
	for (int depth = 24; depth <= 25; depth++) {
		rv_buf_reset(&b);
		for (int i = 0; i < depth; i++) {
			rv_buf_str(&b, "<a>");
		}
		for (int i = 0; i < depth; i++) {
			rv_buf_str(&b, "</a>");
		}
		assert_int_equal(limited(&rv_xml_limits_message, rv_buf_cstr(&b), &e),
			depth == 24 ? 0 : RV_ELIMIT);
	}
	for (int n = 20000; n <= 20001; n++) {
		rv_buf_reset(&b);
		rv_buf_str(&b, "<a>");
		for (int i = 1; i < n; i++) {
			rv_buf_str(&b, "<b/>");
		}
		rv_buf_str(&b, "</a>");
		assert_int_equal(limited(&rv_xml_limits_message, rv_buf_cstr(&b), &e),
			n == 20000 ? 0 : RV_ELIMIT);
	}
	for (size_t n = 256 << 10; n <= (256 << 10) + 1; n++) {
		rv_buf_reset(&b);
		rv_buf_str(&b, "<a>");
		for (size_t i = 0; i < n; i++) {
			rv_buf_u8(&b, 'x');
		}
		rv_buf_str(&b, "</a>");
		assert_int_equal(limited(&rv_xml_limits_message, rv_buf_cstr(&b), &e),
			n == 256 << 10 ? 0 : RV_ELIMIT);
	}
	rv_buf_free(&b);
}

/* ---- places and paths ---- */

static void elements_know_their_place(void **state)
{
	xmlDoc *doc = good(
		"<a>\n  <b x='1'\n y='2'>\xc3\xa9\xe2\x82\xac<c/></b><d\n/>\r\n\t<e></e></a>", 0);
	static const struct {
		const char *name;
		int line, column;
	} places[] = {{"a", 1, 1}, {"b", 2, 3}, {"c", 3, 10}, {"d", 3, 18}, {"e", 5, 2}};
	xmlNode *a = xmlDocGetRootElement(doc);
	xmlNode *b = rv_xml_first(a);
	xmlNode *nodes[] = {a, b, rv_xml_first(b), rv_xml_next(b), rv_xml_next(rv_xml_next(b))};
	for (size_t i = 0; i < 5; i++) {
		int line = 0;
		int column = 0;
		assert_string_equal((const char *)nodes[i]->name, places[i].name);
		rv_xml_place(nodes[i], &line, &column);
		if (line != places[i].line || column != places[i].column) {
			fail_msg("%s: %d:%d, not %d:%d", places[i].name, line, column,
				places[i].line, places[i].column);
		}
	}
	int line = 0;
	int column = 0;
	rv_xml_place(b->children, &line, &column); /* its text: that of the element */
	assert_int_equal(line, 2);
	rv_xml_place(NULL, &line, &column);
	assert_int_equal(line, 0);
	assert_int_equal(column, 0);
	xmlFreeDoc(doc);
}

/* A sealed message is one long line; libxml2's own columns and lines end at 65535. */
static void places_are_right_in_long_lines_and_long_documents(void **state)
{
	struct rv_buf text = {0};
	int line = 0;
	int column = 0;
	rv_buf_str(&text, "<a>");
	for (int i = 0; i < 20000; i++) {
		rv_buf_str(&text, "<b>\xc3\xa9</b>");
	}
	rv_buf_str(&text, "</a>");
	xmlDoc *doc = NULL;
	static const struct rv_xml_limits wide = {1 << 20, 24, 200000, 16, 1 << 20};
	assert_int_equal(rv_xml_parse(&doc, text.data, text.len, &wide, 0, NULL), 0);
	rv_xml_place(xmlDocGetRootElement(doc)->last, &line, &column);
	assert_int_equal(line, 1);
	assert_int_equal(column, 4 + 19999 * 8);
	xmlFreeDoc(doc);
	rv_buf_reset(&text);
	rv_buf_str(&text, "<a>");
	for (int i = 0; i < 70000; i++) {
		rv_buf_str(&text, "\n");
	}
	rv_buf_str(&text, " <b/></a>");
	assert_int_equal(rv_xml_parse(&doc, text.data, text.len, &wide, 0, NULL), 0);
	rv_xml_place(xmlDocGetRootElement(doc)->last, &line, &column);
	assert_int_equal(line, 70001);
	assert_int_equal(column, 2);
	xmlFreeDoc(doc);
	rv_buf_free(&text);
}

static void paths_count_where_names_repeat(void **state)
{
	xmlDoc *doc = good("<a><b/><c><d/></c><c><d/><e/><d/></c></a>", 0);
	xmlNode *c2 = rv_xml_next(rv_xml_next(rv_xml_first(xmlDocGetRootElement(doc))));
	struct rv_buf path = {0};
	assert_int_equal(rv_xml_path(rv_xml_next(rv_xml_next(rv_xml_first(c2))), &path), 0);
	assert_string_equal(rv_buf_cstr(&path), "/a/c[2]/d[2]");
	rv_buf_reset(&path);
	assert_int_equal(rv_xml_path(rv_xml_next(rv_xml_first(c2)), &path), 0);
	assert_string_equal(rv_buf_cstr(&path), "/a/c[2]/e");
	rv_buf_reset(&path);
	assert_int_equal(rv_xml_path(xmlDocGetRootElement(doc), &path), 0);
	assert_string_equal(rv_buf_cstr(&path), "/a");
	rv_buf_free(&path);
	xmlFreeDoc(doc);
}

/* ---- reading and building ---- */

static void children_texts_and_attributes(void **state)
{
	xmlDoc *doc = good("<a xmlns='u' xmlns:p='v' p:x='1' x='2' "
			   "y=''><p:b>no</p:b><b>yes</b><c/><b>again</b><d>x<e/></d></a>",
		0);
	xmlNode *a = xmlDocGetRootElement(doc);
	xmlNode *b = rv_xml_child(a, "b");
	assert_string_equal(rv_xml_text(b), "yes");
	assert_string_equal(rv_xml_text(rv_xml_again(b)), "again");
	assert_null(rv_xml_again(rv_xml_again(b)));
	assert_string_equal(rv_xml_child_text(a, "c"), "");
	assert_null(rv_xml_child_text(a, "d"));
	assert_null(rv_xml_child_text(a, "none"));
	assert_null(rv_xml_child(NULL, "b"));
	assert_null(rv_xml_text(NULL));
	assert_string_equal(rv_xml_attr(a, "x"), "2");
	assert_string_equal(rv_xml_attr(a, "y"), "");
	assert_null(rv_xml_attr(a, "z"));
	assert_null(rv_xml_attr(NULL, "x"));
	assert_true(rv_xml_is(a, "u", "a"));
	assert_false(rv_xml_is(a, "v", "a"));
	assert_false(rv_xml_is(a, "u", "b"));
	assert_false(rv_xml_is(NULL, "u", "b"));
	assert_true(rv_xml_is(rv_xml_first(a), "v", "b"));
	assert_true(rv_xml_pure(a));
	assert_false(rv_xml_pure(rv_xml_child(a, "d")));
	assert_false(rv_xml_pure(b));
	assert_true(rv_xml_pure(rv_xml_child(a, "c")));
	xmlNode *added = rv_xml_add(a, "f", "<&\xc3\xa9");
	assert_string_equal(rv_xml_text(added), "<&\xc3\xa9");
	assert_ptr_equal(added, a->last);
	assert_ptr_equal(added->ns, a->ns);
	xmlFreeDoc(doc);
}

static void white_space_goes_beside_elements_only(void **state)
{
	xmlDoc *doc = good("<a> <b> </b>\n\t<c> <d/> x </c> <e>\n</e> </a>", 0);
	struct rv_buf out = {0};
	rv_xml_strip(doc);
	assert_int_equal(rv_xml_c14n_doc(doc, &out, NULL), 0);
	assert_string_equal(rv_buf_cstr(&out), "<a><b> </b><c><d></d> x </c><e>\n</e></a>");
	rv_buf_free(&out);
	xmlFreeDoc(doc);
}

static void canonical_forms(void **state)
{
	static const struct {
		const char *text;
		const char *canonical;
	} cases[] = {
		{"<?xml version='1.0'?>\n<a  b = '1'  a='2' />\n", "<a a=\"2\" b=\"1\"></a>"},
		{"<a>&#65;&gt;&quot;\r\n&#13;&#9;</a>", "<a>A&gt;\"\n&#xD;\t</a>"},
		{"<a x='&quot;&apos;&#9;&#10;&#13;&lt;>'/>",
			"<a x=\"&quot;'&#x9;&#xA;&#xD;&lt;>\"></a>"},
		{"<a xmlns='urn:u' xmlns:p='urn:v'><p:b/><c/></a>",
			"<a xmlns=\"urn:u\"><p:b xmlns:p=\"urn:v\"></p:b><c></c></a>"},
		{"<a xmlns:z='urn:1' xmlns:y='urn:2' y:q='1' z:p='2' r='3'/>",
			"<a xmlns:y=\"urn:2\" xmlns:z=\"urn:1\" r=\"3\" z:p=\"2\" y:q=\"1\"></a>"},
		{"<a xmlns='urn:u'><b xmlns=''/></a>", "<a xmlns=\"urn:u\"><b xmlns=\"\"></b></a>"},
		{"<a xml:lang='en'><b xml:space='preserve'> </b></a>",
			"<a xml:lang=\"en\"><b xml:space=\"preserve\"> </b></a>"},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		xmlDoc *doc = good(cases[i].text, 0);
		struct rv_buf out = {0};
		assert_int_equal(rv_xml_c14n_doc(doc, &out, NULL), 0);
		assert_string_equal(rv_buf_cstr(&out), cases[i].canonical);
		xmlFreeDoc(doc);
		/* the canonical form is its own */
		doc = good(cases[i].canonical, 0);
		rv_buf_reset(&out);
		assert_int_equal(rv_xml_c14n_doc(doc, &out, NULL), 0);
		assert_string_equal(rv_buf_cstr(&out), cases[i].canonical);
		xmlFreeDoc(doc);
		rv_buf_free(&out);
	}
}

static void a_subtree_is_the_same_wherever_it_stands(void **state)
{
	xmlDoc *doc = good(
		"<a xmlns='urn:u' xmlns:p='urn:v' xmlns:q='urn:w'><b x='1'>t<p:c/></b></a>", 0);
	struct rv_buf out = {0};
	rv_buf_str(&out, ">");
	assert_int_equal(rv_xml_c14n(rv_xml_first(xmlDocGetRootElement(doc)), &out, NULL), 0);
	assert_string_equal(rv_buf_cstr(&out),
		"><b xmlns=\"urn:u\" x=\"1\">t<p:c xmlns:p=\"urn:v\"></p:c></b>");
	rv_buf_free(&out);
	xmlFreeDoc(doc);
}

/* A relative namespace name has no canonical form; nothing is appended, nothing printed. */
static void what_has_no_canonical_form_is_an_error(void **state)
{
	xmlDoc *doc = good("<a xmlns='../u'/>", 0);
	struct rv_buf out = {0};
	struct rv_err e = {0};
	rv_buf_str(&out, "before");
	assert_int_equal(rv_xml_c14n_doc(doc, &out, &e), RV_EPARSE);
	assert_string_equal(rv_buf_cstr(&out), "before");
	rv_buf_free(&out);
	xmlFreeDoc(doc);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_refused_has_a_rule_and_a_place),
		cmocka_unit_test(drafts_may_have_comments),
		cmocka_unit_test(limits_are_kept_to_the_last),
		cmocka_unit_test(the_limits_of_messages),
		cmocka_unit_test(elements_know_their_place),
		cmocka_unit_test(places_are_right_in_long_lines_and_long_documents),
		cmocka_unit_test(paths_count_where_names_repeat),
		cmocka_unit_test(children_texts_and_attributes),
		cmocka_unit_test(white_space_goes_beside_elements_only),
		cmocka_unit_test(canonical_forms),
		cmocka_unit_test(a_subtree_is_the_same_wherever_it_stands),
		cmocka_unit_test(what_has_no_canonical_form_is_an_error),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
