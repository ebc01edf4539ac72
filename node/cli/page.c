/* SPDX-License-Identifier: Apache-2.0 */
#include "node/cli/shared.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "node/cli/text.h"
#include "protocol/buf.h"
#include "protocol/stamp.h"
#include "protocol/xml.h"

enum { LABEL = 16, INDENT = 2, VALUE = 28, MAX_LABEL = 64 };

void cli_line(struct cli *c, const char *label, const char *fmt, ...)
{
	char text[2048], left[MAX_LABEL];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	snprintf(left, sizeof left, "  %s", label);
	text_put_labelled(cli_out(c), left, text, LABEL, cli_columns(c));
}

static void stamp(char text[RV_STAMP_TEXT], int64_t t_us)
{
	/* Seconds are enough for people. */
	rv_stamp_text(text, t_us - t_us % RV_US_PER_SEC);
}

static void line_of_handling(struct cli *c, const struct rv_header *h)
{
	char risks[128] = "";
	size_t n = 0;
	for (unsigned bit = 1; bit <= RV_RISK_ENVIRONMENT; bit <<= 1)
		if (h->risks & bit)
			n += (size_t)snprintf(risks + n, sizeof risks - n, "%s%s", n ? ", " : "",
				rv_risk_text((enum rv_risk)bit));
	cli_line(c, "handling", "H%d, TLP:%s, onward: %s%s%s", h->handling, rv_tlp_text(h->tlp),
		rv_onward_text(h->onward),
		h->caveats & RV_CAVEAT_NO_RIGHT_HOLDERS ? ", never to right-holders" : "",
		h->caveats & RV_CAVEAT_NAMED_ONLY ? ", named recipients only" : "");
	if (n)
		cli_line(c, "risk areas", "%s", risks);
}

static void lines_of_recipients(struct cli *c, const struct rv_header *h)
{
	struct rv_buf b = {0};
	for (size_t i = 0; i < h->n_recipients; i++)
		rv_buf_printf(&b, "%s%s", i ? ", " : "", h->recipients[i]);
	const char *text = rv_buf_cstr(&b);
	if (h->n_recipients && text)
		cli_line(c, "to", "%s", text);
	rv_buf_free(&b);
}

static const char *reftype_words(enum rv_reftype t)
{
	return t == RV_REF_UPDATES   ? "updates"
	       : t == RV_REF_CANCELS ? "cancels"
	       : t == RV_REF_ANSWERS ? "answers"
				     : "relates to";
}

void cli_page_header(struct cli *c, const struct rv_header *h)
{
	char when[RV_STAMP_TEXT];
	cli_line(c, "message", "%s", h->id[0] ? h->id : "(a draft: it has no identifier yet)");
	cli_line(c, "kind", "%s, version %u, %s", rv_kind_text(h->kind), h->version,
		rv_status_text(h->status));
	if (h->originator[0])
		cli_line(c, "from", "%s%s%s", h->originator, h->office[0] ? ", " : "", h->office);
	lines_of_recipients(c, h);
	if (h->operation[0] && h->sequence)
		cli_line(c, "operation", "%s, roster %u, number %llu of its originator",
			h->operation, h->roster_version, (unsigned long long)h->sequence);
	else if (h->operation[0])
		cli_line(c, "operation", "%s", h->operation);
	if (h->issued_us) {
		stamp(when, h->issued_us);
		cli_line(c, "issued", "%s", when);
	}
	if (h->expires_us) {
		stamp(when, h->expires_us);
		cli_line(c, "expires", "%s", when);
	}
	line_of_handling(c, h);
	if (h->review_us) {
		stamp(when, h->review_us);
		cli_line(c, "review by", "%.10s", when);
	}
	for (size_t i = 0; i < h->n_refs; i++) {
		if (h->refs[i].version)
			cli_line(c, reftype_words(h->refs[i].type), "%s, version %u", h->refs[i].id,
				h->refs[i].version);
		else
			cli_line(c, reftype_words(h->refs[i].type), "%s", h->refs[i].id);
	}
}

/* ---- sections ---- */

/* Lists whose words are worth showing beside a code; an element of that name always uses that list.
 */
static const char *const lists[][2] = {
	{"TransportModeCode", "transport-modes"},
	{"MethodCode", "detection-methods"},
	{"ResultCode", "feedback-results"},
	{"VerdictCode", "verdicts"},
	{"CategoryCode", "categories-generic"},
	{"SubCategoryCode", "categories-generic"},
	{"UrgencyCode", "urgencies"},
	{"ActionRequestedCode", "actions-requested"},
	{"SubjectCode", "warning-subjects"},
	{"RiskTypeCode", "risk-types"},
	{"DirectionCode", "directions"},
	{"RegimeCode", "customs-procedures"},
	{"ActionCode", "actions-taken"},
	{"DisposalCode", "disposals"},
	{"UsefulnessCode", "usefulness"},
	{"ReasonCode", "amendment-reasons"},
	{"EffectCode", "amendment-effects"},
	{"RightTypeCode", "right-types"},
};

static const char *words_of(const struct rv_catalog *catalog, const char *element, const char *code)
{
	size_t len = strlen(element);
	if (!catalog)
		return NULL;
	if (len >= 11 && !strcmp(element + len - 11, "CountryCode"))
		return rv_catalog_name(catalog, "countries", code);
	for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++)
		if (!strcmp(lists[i][0], element))
			return rv_catalog_name(catalog, lists[i][1], code);
	return NULL;
}

static size_t without_suffix(const char *name)
{
	static const char *const suffixes[] = {"Code", "ID", "Numeric", "Indicator", "Name", NULL};
	size_t len = strlen(name);
	for (const char *const *s = suffixes; *s; s++) {
		size_t n = strlen(*s);
		if (len > n && !strcmp(name + len - n, *s))
			return len - n;
	}
	return len;
}

/* "TransportModeCode" > "Transport mode"; letters of an acronym stay as they are. */
static void label_of(const char *name, char *out, size_t size)
{
	size_t len = without_suffix(name), full = strlen(name), n = 0;
	int is_time = full > 8 && !strcmp(name + full - 8, "DateTime");
	if (is_time)
		len = full - 8;
	for (size_t i = 0; i < len && n + 8 < size; i++) {
		int upper = isupper((unsigned char)name[i]);
		int starts = upper && i &&
			     (islower((unsigned char)name[i - 1]) ||
				     (i + 1 < len && islower((unsigned char)name[i + 1])));
		int acronym = upper && i + 1 < len && isupper((unsigned char)name[i + 1]);
		int in_acronym = upper && i && isupper((unsigned char)name[i - 1]) && !starts;
		if (starts)
			out[n++] = ' ';
		out[n++] = starts && !acronym && !in_acronym ? (char)tolower((unsigned char)name[i])
							     : name[i];
	}
	strcpy(out + n, is_time ? " time" : "");
}

static void value_text(struct rv_buf *b, const struct rv_catalog *catalog, const xmlNode *node)
{
	const char *value = rv_xml_text(node), *name = (const char *)node->name;
	const char *unit = rv_xml_attr(node, "unitCode"),
		   *currency = rv_xml_attr(node, "currencyID");
	size_t len = strlen(name);
	if (len > 9 && !strcmp(name + len - 9, "Indicator"))
		rv_buf_str(b, !strcmp(value, "true") || !strcmp(value, "1") ? "yes" : "no");
	else
		rv_buf_str(b, value);
	const char *words = words_of(catalog, name, value);
	if (words)
		rv_buf_printf(b, " (%s)", words);
	if (unit) {
		words = catalog ? rv_catalog_name(catalog, "units", unit) : NULL;
		rv_buf_printf(b, " %s", words ? words : unit);
	}
	if (currency)
		rv_buf_printf(b, " %s", currency);
	if (rv_xml_attr(node, "estimated"))
		rv_buf_str(
			b, !strcmp(rv_xml_attr(node, "estimated"), "true") ? " (estimated)" : "");
	if (rv_xml_attr(node, "precision"))
		rv_buf_printf(b, " (to the %s)", rv_xml_attr(node, "precision"));
}

static void print_leaf(
	struct cli *c, const struct rv_catalog *catalog, const xmlNode *node, int depth)
{
	char label[MAX_LABEL], left[MAX_LABEL + 32];
	struct rv_buf value = {0};
	label_of((const char *)node->name, label, sizeof label);
	snprintf(left, sizeof left, "%*s%s", depth * INDENT, "", label);
	value_text(&value, catalog, node);
	const char *text = rv_buf_cstr(&value);
	if (text)
		text_put_labelled(cli_out(c), left, text, VALUE, cli_columns(c));
	rv_buf_free(&value);
}

static int is_leaf(const xmlNode *node)
{
	return rv_xml_text(node) != NULL;
}

/* The schema bounds the depth of a message (rv_xml_limits_message), so recursion is bounded too. */
static void print_children(
	struct cli *c, const struct rv_catalog *catalog, const xmlNode *parent, int depth)
{
	for (const xmlNode *node = rv_xml_first(parent); node; node = rv_xml_next(node)) {
		char label[MAX_LABEL];
		if (is_leaf(node)) {
			print_leaf(c, catalog, node, depth);
			continue;
		}
		label_of((const char *)node->name, label, sizeof label);
		fprintf(cli_out(c), "%*s%s\n", depth * INDENT, "", label);
		print_children(c, catalog, node, depth + 1);
	}
}

void cli_page_sections(struct cli *c, const xmlDoc *doc, unsigned withheld)
{
	const struct rv_catalog *catalog = NULL;
	const xmlNode *root = xmlDocGetRootElement(doc);
	/* Without code lists the page shows bare codes. */
	if (cli_catalog(c, &catalog, NULL))
		catalog = NULL;
	for (const xmlNode *section = root ? rv_xml_first(root) : NULL; section;
		section = rv_xml_next(section)) {
		if (rv_section_parse((const char *)section->name) < 0 ||
			!rv_xml_is(section, RV_NS_MESSAGE, (const char *)section->name))
			continue;
		fprintf(cli_out(c), "\n%s%s%s\n", cli_sgr(c, "1"), (const char *)section->name,
			cli_sgr(c, "0"));
		print_children(c, catalog, section, 1);
	}
	for (unsigned s = 0; s < RV_SEC_COUNT; s++)
		if (withheld & (1u << s))
			fprintf(cli_out(c),
				"\n%s%s%s\n  %swithheld%s: left out on its way, not meant for this "
				"node; the seal names it\n",
				cli_sgr(c, "1"), rv_section_name((enum rv_section)s),
				cli_sgr(c, "0"), cli_sgr(c, "33"), cli_sgr(c, "0"));
}
