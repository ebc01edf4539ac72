/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "protocol/id.h"
#include "tests/unit/protocol/attacks.h"

#define EXC "http://www.w3.org/2001/10/xml-exc-c14n#"
#define TRANSFORM "<ds:Transform Algorithm=\"" EXC "\">"
#define DS "http://www.w3.org/2000/09/xmldsig#"
#define XMLNS_DS " xmlns:ds=\"" DS "\""
#define XMLNS " xmlns=\"urn:reeve:message:1\""
#define NARRATIVE "<Narrative Id=\"narrative\" Salt=\"AAAAAAAAAAAAAAAAAAAAAA==\"></Narrative>"
/* A Reference as nodes write it, of what nobody has. */
#define REFERENCE(uri)                                                                             \
	"<ds:Reference URI=\"" uri "\"><ds:Transforms>" TRANSFORM                                  \
	"</ds:Transform></ds:Transforms><ds:DigestMethod "                                         \
	"Algorithm=\"http://www.w3.org/2001/04/xmlenc#sha256\"></ds:DigestMethod>"                 \
	"<ds:DigestValue>AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=</ds:DigestValue>"            \
	"</ds:Reference>"
#define EVIL "<Header Id=\"header\"><TypeCode>cancel</TypeCode></Header>"

const struct attack attacks[] = {
	/* what is no message's XML */
	{"comment", "XML-COMMENT", {{.from = "<Event ", .to = "<!-- -->%"}}},
	{"comment in a value", "XML-COMMENT", {{.from = "<StatusCode>act", .to = "%<!---->"}}},
	{"processing instruction", "XML-PI", {{.from = "<Event ", .to = "<?x y?>%"}}},
	{"document type", "XML-DOCTYPE",
		{{.from = "<Message ", .to = "<!DOCTYPE Message [<!ENTITY a \"b\">]>%"}}},
	{"entity", "XML-SYNTAX", {{.from = "<StatusCode>actual", .to = "<StatusCode>&actual;"}}},
	{"CDATA", "XML-CDATA",
		{{.from = "<StatusCode>actual", .to = "<StatusCode><![CDATA[actual]]>"}}},
	{"byte order mark", "XML-ENCODING", {{.from = "<Message ", .to = "\xef\xbb\xbf%"}}},
	{"not UTF-8", "XML-ENCODING", {{.from = "<StatusCode>actual", .to = "<StatusCode>\xe9"}}},
	{"XML 1.1", "XML-VERSION", {{.from = "<Message ", .to = "<?xml version=\"1.1\"?>%"}}},

	/* other bytes of the same document */
	{"XML declaration", "SEAL-CANONICAL",
		{{.from = "<Message ", .to = "<?xml version=\"1.0\"?>%"}}},
	{"line end at the end", "SEAL-CANONICAL", {{.from = "</Message>", .to = "%\n"}}},
	{"attribute order", "SEAL-CANONICAL",
		{{.from = "<Event Id=\"event\"",
			.until = ">",
			.to = "<Event Salt=\"AAAAAAAAAAAAAAAAAAAAAA==\" Id=\"event\">"}}},
	{"quotes", "SEAL-CANONICAL", {{.from = "Id=\"event\"", .to = "Id='event'"}}},
	{"white space in a tag", "SEAL-CANONICAL", {{.from = "<Event ", .to = "<Event  "}}},
	{"empty element tag", "SEAL-CANONICAL",
		{{.from = "<ds:CanonicalizationMethod Algorithm=\"" EXC
			  "\"></ds:CanonicalizationMethod>",
			.to = "<ds:CanonicalizationMethod Algorithm=\"" EXC "\"/>"}}},
	{"character reference", "SEAL-CANONICAL",
		{{.from = "<StatusCode>actual", .to = "<StatusCode>&#97;ctual"}}},
	{"carriage return", "SEAL-CANONICAL",
		{{.from = "Cocaine hydro", .to = "Cocaine\r\nhydro"}}},
	{"unused namespace", "SEAL-CANONICAL",
		{{.from = "<Message ", .to = "<Message xmlns:x=\"urn:x\" "}}},
	{"namespace declared again", "SEAL-CANONICAL",
		{{.from = "<Goods ", .to = "<Goods" XMLNS " "}}},
	{"namespace declared above", "SEAL-CANONICAL",
		{{.from = "<ds:Signature" XMLNS_DS ">", .to = "<ds:Signature>"},
			{.from = "<Message" XMLNS ">", .to = "<Message" XMLNS XMLNS_DS ">"}}},

	/* prefixes where no digest sees them */
	{"prefix of the Message", "SEAL-NAMESPACE",
		{{.from = "<Message" XMLNS "><Header ",
			 .to = "<m:Message xmlns:m=\"urn:reeve:message:1\"><Header" XMLNS " "},
			{.from = "<Event ", .to = "<Event" XMLNS " "},
			{.from = "<Goods ", .to = "<Goods" XMLNS " "},
			{.from = "</Message>", .to = "</m:Message>"}}},
	{"prefix of the Signature", "SEAL-NAMESPACE",
		{{.from = "<ds:Signature" XMLNS_DS "><ds:SignedInfo>",
			 .to = "<x:Signature xmlns:x=\"" DS "\"><ds:SignedInfo" XMLNS_DS ">"},
			{.from = "<ds:SignatureValue>", .to = "<ds:SignatureValue" XMLNS_DS ">"},
			{.from = "<ds:Object>", .to = "<ds:Object" XMLNS_DS ">"},
			{.from = "</ds:Signature>", .to = "</x:Signature>"}}},
	{"prefix of the Object", "SEAL-NAMESPACE",
		{{.from = "<ds:Object>", .to = "<x:Object xmlns:x=\"" DS "\">"},
			{.from = "</ds:Object>", .to = "</x:Object>"}}},
	{"prefix of SignatureValue", "SEAL-NAMESPACE",
		{{.from = "<ds:SignatureValue>", .to = "<x:SignatureValue xmlns:x=\"" DS "\">"},
			{.from = "</ds:SignatureValue>", .to = "</x:SignatureValue>"}}},
	{"prefix of a section", "SEAL-NAMESPACE",
		{{.from = "<Goods ", .to = "<m:Goods xmlns:m=\"urn:reeve:message:1\" "},
			{.from = "</Goods>", .to = "</m:Goods>"}}},
	{"schema location", "SEAL-NAMESPACE",
		{{.from = "<FormCode>",
			.to = "<FormCode xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" "
			      "xsi:schemaLocation=\"a b\">"}}},
	{"element of another namespace", "SEAL-NAMESPACE",
		{{.from = "<FormCode>", .to = "<x xmlns=\"urn:x\"></x>%"}}},
	{"element of no namespace", "SEAL-NAMESPACE",
		{{.from = "<ds:Signature ", .to = "<Extra xmlns=\"\"></Extra>%"}}},
	{"xml space", "SEAL-NAMESPACE",
		{{.from = "<FormCode>", .to = "<FormCode xml:space=\"preserve\">"}}},

	/* what stands where */
	{"white space between sections", "SEAL-STRUCTURE", {{.from = "<Goods ", .to = "\n%"}}},
	{"white space in a section", "SEAL-STRUCTURE", {{.from = "</Goods>", .to = " %"}}},
	{"white space in the seal", "SEAL-STRUCTURE",
		{{.from = "<ds:SignatureValue>", .to = "\n%"}}},
	{"text behind the Header", "SEAL-STRUCTURE", {{.from = "<Event ", .to = "x%"}}},
	{"another root", "SEAL-STRUCTURE",
		{{.from = "<Message" XMLNS ">", .to = "<Extra" XMLNS "><Message>"},
			{.from = "</Message>", .to = "%</Extra>"}}},
	{"attribute of the root", "SEAL-STRUCTURE",
		{{.from = "<Message" XMLNS, .to = "% a=\"b\""}}},
	{"foreign element", "SEAL-STRUCTURE",
		{{.from = "<ds:Signature ", .to = "<Extra></Extra>%"}}},
	{"element behind the seal", "SEAL-STRUCTURE",
		{{.from = "</ds:Signature>", .to = "%<Extra></Extra>"}}},
	{"section behind the seal", "SEAL-STRUCTURE",
		{{.from = "<Goods ",
			.until = "</Goods>",
			.to = "",
			.before = "</Message>",
			.moved = "%"}}},
	{"section twice", "SEAL-STRUCTURE", {{.from = "<Goods ", .until = "</Goods>", .to = "%%"}}},
	{"sections swapped", "SEAL-STRUCTURE",
		{{.from = "<Event ",
			.until = "</Event>",
			.to = "",
			.before = "<ds:Signature ",
			.moved = "%"}}},
	{"section in a section", "SEAL-ID",
		{{.from = "<Event ",
			.until = "</Event>",
			.to = "",
			.before = "</Goods>",
			.moved = "%"}}},
	{"no Header", "SEAL-STRUCTURE", {{.from = "<Header ", .until = "</Header>", .to = ""}}},
	{"second Header", "SEAL-STRUCTURE", {{.from = "<Event ", .to = EVIL "%"}}},
	{"Header before the Header", "SEAL-STRUCTURE", {{.from = "<Header ", .to = EVIL "%"}}},
	{"Header in the Object", "SEAL-ID",
		{{.from = "<Header ",
			.until = "</Header>",
			.to = "",
			.before = "<ds:Manifest ",
			.moved = "%"}}},
	{"Header in the Object and another in its place", "SEAL-ID",
		{{.from = "<Header ",
			.until = "</Header>",
			.to = EVIL,
			.before = "<ds:Manifest ",
			.moved = "%"}}},
	{"Header in a section and another in its place", "SEAL-ID",
		{{.from = "<Header ",
			.until = "</Header>",
			.to = "<Header><TypeCode>cancel</TypeCode></Header>",
			.before = "</Goods>",
			.moved = "%"}}},
	{"no seal", "SEAL-STRUCTURE",
		{{.from = "<ds:Signature ", .until = "</ds:Signature>", .to = ""}}},
	{"seal twice", "SEAL-STRUCTURE",
		{{.from = "<ds:Signature ", .until = "</ds:Signature>", .to = "%%"}}},
	{"seal first", "SEAL-STRUCTURE",
		{{.from = "<ds:Signature ",
			.until = "</ds:Signature>",
			.to = "",
			.before = "<Header ",
			.moved = "%"}}},

	/* Ids and salts */
	{"Id of another section", "SEAL-ID",
		{{.from = "<Event Id=\"event\"", .to = "<Event Id=\"goods\""}}},
	{"Id of the Header on a section", "SEAL-ID",
		{{.from = "<Event Id=\"event\"", .to = "<Event Id=\"header\""}}},
	{"Id in a section", "SEAL-ID", {{.from = "<FormCode>", .to = "<FormCode Id=\"event\">"}}},
	{"Id in the Header", "SEAL-ID", {{.from = "<TypeCode>", .to = "<TypeCode ID=\"header\">"}}},
	{"xml-id", "SEAL-ID", {{.from = "<FormCode>", .to = "<FormCode xml:id=\"header\">"}}},
	{"no Id", "SEAL-ID", {{.from = "<Goods Id=\"goods\"", .to = "<Goods"}}},
	{"attribute of a section", "SEAL-ID",
		{{.from = "<Goods Id=\"goods\"", .to = "% Kept=\"1\""}}},
	{"attribute of the Header", "SEAL-ID",
		{{.from = "<Header Id=\"header\"", .to = "% Kept=\"1\""}}},
	{"no salt", "SEAL-ID",
		{{.from = "<Event Id=\"event\"", .until = ">", .to = "<Event Id=\"event\">"}}},
	{"salt too short", "SEAL-SALT",
		{{.from = "<Event Id=\"event\"",
			.until = ">",
			.to = "<Event Id=\"event\" Salt=\"AAAA\">"}}},
	{"salt with white space", "SEAL-SALT",
		{{.from = "<Event Id=\"event\"",
			.until = ">",
			.to = "<Event Id=\"event\" Salt=\"AAAAAAAA AAAAAAAAAAAAAA==\">"}}},
	{"salt no base64", "SEAL-SALT",
		{{.from = "<Event Id=\"event\"",
			.until = ">",
			.to = "<Event Id=\"event\" Salt=\"0123456789abcdef_+0123456789==\">"}}},

	/* the seal's shape */
	{"attribute of the seal", "SIG-SHAPE",
		{{.from = "<ds:Signature" XMLNS_DS, .to = "% Id=\"s\""}}},
	{"KeyInfo", "SIG-SHAPE",
		{{.from = "<ds:Object>",
			.to = "<ds:KeyInfo><ds:KeyName>x</ds:KeyName></ds:KeyInfo>%"}}},
	{"second Object", "SIG-SHAPE",
		{{.from = "</ds:Object>", .to = "%<ds:Object></ds:Object>"}}},
	{"attribute of the Object", "SEAL-STRUCTURE",
		{{.from = "<ds:Object>", .to = "<ds:Object Encoding=\"x\">"}}},
	{"no Object", "SEAL-STRUCTURE",
		{{.from = "<ds:Object>", .until = "</ds:Object>", .to = ""}}},
	{"Id of the Manifest", "SEAL-STRUCTURE",
		{{.from = "<ds:Manifest Id=\"manifest\">", .to = "<ds:Manifest Id=\"other\">"}}},
	{"second Manifest", "SEAL-STRUCTURE",
		{{.from = "</ds:Manifest>", .to = "%<ds:Manifest Id=\"manifest\"></ds:Manifest>"}}},
	{"Manifest before SignedInfo", "SIG-SHAPE",
		{{.from = "<ds:Manifest ",
			.until = "</ds:Manifest>",
			.to = "",
			.before = "<ds:SignedInfo>",
			.moved = "%"}}},
	{"Object before SignedInfo", "SIG-SHAPE",
		{{.from = "<ds:Object>",
			.until = "</ds:Object>",
			.to = "",
			.before = "<ds:SignedInfo>",
			.moved = "%"}}},
	{"no References", "SIG-SHAPE",
		{{.from = "<ds:Reference URI=\"#header\">",
			.until = "</ds:SignedInfo>",
			.to = "</ds:SignedInfo>"}}},
	{"three References", "SIG-SHAPE",
		{{.from = "<ds:Reference URI=\"#header\">",
			.until = "</ds:Reference>",
			.to = "%%"}}},
	{"second Transform", "SIG-SHAPE",
		{{.from = "</ds:Transforms>", .to = TRANSFORM "</ds:Transform>%"}}},
	{"no Transform", "SIG-SHAPE", {{.from = TRANSFORM "</ds:Transform>", .to = ""}}},
	{"list of prefixes", "SIG-SHAPE",
		{{.from = TRANSFORM,
			.to = "%<ds:InclusiveNamespaces "
			      "PrefixList=\"x\"></ds:InclusiveNamespaces>"}}},
	{"output length", "SIG-SHAPE",
		{{.from = "ecdsa-sha256\">",
			.to = "%<ds:HMACOutputLength>8</ds:HMACOutputLength>"}}},
	{"two digests of a Reference", "SIG-SHAPE",
		{{.from = "<ds:DigestValue>", .until = "</ds:DigestValue>", .to = "%%"}}},
	{"white space in a digest", "SIG-BASE64", {{.from = "<ds:DigestValue>", .to = "% "}}},
	{"white space in the value", "SIG-BASE64", {{.from = "<ds:SignatureValue>", .to = "%\n"}}},
	{"Id of a Reference", "SEAL-ID",
		{{.from = "<ds:Reference URI=\"#header\">",
			.to = "<ds:Reference Id=\"header\" URI=\"#header\">"}}},

	/* algorithms */
	{"HMAC", "SIG-ALGORITHM",
		{{.from = "xmldsig-more#ecdsa-sha256", .to = "xmldsig-more#hmac-sha256"}}},
	{"SHA-1 signature", "SIG-ALGORITHM",
		{{.from = "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256",
			.to = DS "rsa-sha1"}}},
	{"SHA-1 digest", "SIG-ALGORITHM",
		{{.from = "http://www.w3.org/2001/04/xmlenc#sha256", .to = DS "sha1"}}},
	{"RSA for an EC key", "SEAL-ALGORITHM",
		{{.from = "xmldsig-more#ecdsa-sha256", .to = "xmldsig-more#rsa-sha256"}}},
	{"inclusive canonicalisation", "SIG-ALGORITHM",
		{{.from = "<ds:CanonicalizationMethod Algorithm=\"" EXC "\"",
			.to = "<ds:CanonicalizationMethod "
			      "Algorithm=\"http://www.w3.org/TR/2001/REC-xml-c14n-20010315\""}}},
	{"canonicalisation with comments", "SIG-ALGORITHM",
		{{.from = TRANSFORM, .to = "<ds:Transform Algorithm=\"" EXC "WithComments\">"}}},
	{"enveloped signature", "SIG-ALGORITHM",
		{{.from = TRANSFORM,
			.to = "<ds:Transform Algorithm=\"" DS "enveloped-signature\">"}}},
	{"XSLT", "SIG-ALGORITHM",
		{{.from = TRANSFORM,
			.to = "<ds:Transform "
			      "Algorithm=\"http://www.w3.org/TR/1999/REC-xslt-19991116\">"}}},
	{"XPath", "SIG-ALGORITHM",
		{{.from = TRANSFORM,
			.to = "<ds:Transform "
			      "Algorithm=\"http://www.w3.org/TR/1999/REC-xpath-19991116\">"}}},
	{"base64 transform", "SIG-ALGORITHM",
		{{.from = TRANSFORM, .to = "<ds:Transform Algorithm=\"" DS "base64\">"}}},

	/* what the seal refers to */
	{"external URI", "SIG-REFERENCE",
		{{.from = "URI=\"#header\"", .to = "URI=\"http://127.0.0.1/x\""}}},
	{"file URI", "SIG-REFERENCE",
		{{.from = "URI=\"#header\"", .to = "URI=\"file:///etc/passwd\""}}},
	{"whole document", "SIG-REFERENCE", {{.from = "URI=\"#header\"", .to = "URI=\"\""}}},
	{"no URI", "SIG-SHAPE",
		{{.from = "<ds:Reference URI=\"#header\">", .to = "<ds:Reference>"}}},
	{"XPointer", "SIG-REFERENCE",
		{{.from = "URI=\"#header\"", .to = "URI=\"#xpointer(id('header'))\""}}},
	{"another Type", "SIG-REFERENCE",
		{{.from = "Type=\"" DS "Manifest\"", .to = "Type=\"" DS "Object\""}}},
	{"no Type", "SEAL-REFERENCE", {{.from = "Type=\"" DS "Manifest\" ", .to = ""}}},
	{"Manifest not referred to", "SEAL-REFERENCE",
		{{.from = "<ds:Reference Type=", .until = "</ds:Reference>", .to = ""}}},
	{"Header not referred to", "SEAL-REFERENCE",
		{{.from = "<ds:Reference URI=\"#header\">", .until = "</ds:Reference>", .to = ""}}},
	{"section referred to instead", "SEAL-REFERENCE",
		{{.from = "URI=\"#header\"", .to = "URI=\"#event\""}}},
	{"empty Manifest", "SEAL-REFERENCE",
		{{.from = "<ds:Manifest Id=\"manifest\">",
			.until = "</ds:Manifest>",
			.to = "<ds:Manifest Id=\"manifest\"></ds:Manifest>"}}},
	{"section not listed", "SEAL-REFERENCE",
		{{.from = "<ds:Reference URI=\"#goods\">", .until = "</ds:Reference>", .to = ""}}},
	{"section listed twice", "SEAL-REFERENCE",
		{{.from = "<ds:Reference URI=\"#goods\">",
			.until = "</ds:Reference>",
			.to = "%%"}}},
	{"order of the list", "SEAL-REFERENCE",
		{{.from = "<ds:Reference URI=\"#event\">",
			.until = "</ds:Reference>",
			.to = "",
			.before = "</ds:Manifest>",
			.moved = "%"}}},
	{"nothing listed", "SEAL-REFERENCE",
		{{.from = "URI=\"#goods\"", .to = "URI=\"#nothing\""}}},
	{"Header listed", "SEAL-REFERENCE", {{.from = "URI=\"#goods\"", .to = "URI=\"#header\""}}},
	{"other section listed", "SEAL-REFERENCE",
		{{.from = "URI=\"#goods\"", .to = "URI=\"#route\""}}},

	/* content */
	{"altered Header", "SEAL-DIGEST",
		{{.from = "<StatusCode>actual", .to = "<StatusCode>test"}}},
	{"altered section", "SEAL-DIGEST", {{.from = "0.924", .to = "0.524"}}},
	{"altered salt", "SEAL-DIGEST",
		{{.from = "<Event Id=\"event\"",
			.until = ">",
			.to = "<Event Id=\"event\" Salt=\"AAAAAAAAAAAAAAAAAAAAAA==\">"}}},
	{"section added to the list", "SEAL-DIGEST",
		{{.from = "<ds:Reference URI=\"#goods\">",
			.until = "</ds:Reference>",
			.to = "%",
			.before = "</ds:Manifest>",
			.moved = REFERENCE("#route")}}},
	{"section put in", "SEAL-REFERENCE", {{.from = "<ds:Signature ", .to = NARRATIVE "%"}}},
	{"section put in and listed", "SEAL-DIGEST",
		{{.from = "<ds:Signature ", .to = NARRATIVE "%"},
			{.from = "</ds:Manifest>", .to = REFERENCE("#narrative") "%"}}},
	{"other certificate named", "SEAL-CERT",
		{{.from = "<SignerCertificate>",
			.until = "</SignerCertificate>",
			.to = "<SignerCertificate>"
			      "0000000000000000000000000000000000000000000000000000000000000000</"
			      "SignerCertificate>"}}},
	{"no certificate named", "SEAL-CERT",
		{{.from = "<SignerCertificate>", .until = "</SignerCertificate>", .to = ""}}},
	{.name = NULL},
};

static void put_with(struct rv_buf *out, const char *text, const char *taken, size_t len)
{
	for (; *text != '\0'; text++) {
		if (*text == '%') {
			rv_buf_put(out, taken, len);
		} else {
			rv_buf_put(out, text, 1);
		}
	}
}

static void make_edit(struct rv_buf *out, const char *text, const struct edit *d)
{
	struct rv_buf rest = {0};
	const char *at = strstr(text, d->from);
	assert_non_null(at);
	const char *end = at + strlen(d->from);
	if (d->until != NULL) {
		end = strstr(end, d->until);
		assert_non_null(end);
		end += strlen(d->until);
	}
	rv_buf_put(&rest, text, (size_t)(at - text));
	put_with(&rest, d->to, at, (size_t)(end - at));
	rv_buf_str(&rest, end);
	const char *whole = rv_buf_cstr(&rest);
	assert_non_null(whole);
	const char *place = d->before != NULL ? strstr(whole, d->before) : whole;
	assert_non_null(place);
	rv_buf_put(out, whole, (size_t)(place - whole));
	if (d->before != NULL) {
		put_with(out, d->moved, at, (size_t)(end - at));
	}
	rv_buf_str(out, place);
	rv_buf_free(&rest);
	assert_non_null(rv_buf_cstr(out));
}

void attack_make(struct rv_buf *out, const char *good, const struct attack *a)
{
	rv_buf_str(out, good);
	for (size_t i = 0; i < ATTACK_EDITS && a->edits[i].from != NULL; i++) {
		struct rv_buf edited = {0};
		make_edit(&edited, rv_buf_cstr(out), &a->edits[i]);
		rv_buf_free(out);
		*out = edited;
	}
	assert_string_not_equal(rv_buf_cstr(out), good);
}

/* s := order of P-256 - s */
static void other_s(uint8_t s[32])
{
	static const uint8_t order[32] = {0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00, 0xff,
		0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e,
		0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51};
	int borrow = 0;
	for (int i = 31; i >= 0; i--) {
		int v = order[i] - s[i] - borrow;
		borrow = v < 0;
		s[i] = (uint8_t)(v + (borrow ? 256 : 0));
	}
}

/* The last digit before the padding has bits that no byte takes: the next digit of the alphabet
 * sets one. */
static void loosen(struct rv_buf *text)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	uint8_t *last = text->data + text->len - 1;
	while (*last == '=') {
		last--;
	}
	assert_true(last < text->data + text->len - 1);
	*last = (uint8_t)strchr(digits, *last)[1];
}

void attack_value(struct rv_buf *out, const char *good, const char *mark, enum value_change change)
{
	struct rv_buf raw = {0};
	struct rv_buf text = {0};
	const char *value = strstr(good, mark);
	assert_non_null(value);
	value += strlen(mark);
	size_t len = strcspn(value, "<");
	assert_int_equal(rv_unbase64(&raw, value, len), 0);
	assert_true(raw.len >= 32);
	switch (change) {
	case VALUE_FLIP:
		raw.data[raw.len / 3] ^= 0x10;
		break;
	case VALUE_HIGH_S:
		assert_int_equal(raw.len, 64);
		other_s(raw.data + 32);
		break;
	case VALUE_SHORT:
		raw.len--;
		break;
	case VALUE_ZERO:
		memset(raw.data, 0, raw.len);
		break;
	default:
		break;
	}
	assert_int_equal(rv_base64(&text, raw.data, raw.len), 0);
	if (change == VALUE_LOOSE_BITS) {
		loosen(&text);
	}
	rv_buf_put(out, good, (size_t)(value - good));
	rv_buf_put(out, text.data, text.len);
	rv_buf_str(out, value + len);
	assert_non_null(rv_buf_cstr(out));
	rv_buf_free(&raw);
	rv_buf_free(&text);
}
