/* SPDX-License-Identifier: Apache-2.0 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/check.h"
#include "protocol/report.h"
#include "protocol/stamp.h"

/* Drafts and sealed messages: bytes that come from outside, through the schema and all rules. */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct rv_catalog *catalog;
static struct rv_checker *checker;

static void set_up(void)
{
	const char *dir = getenv("REEVE_SCHEMAS");
	if (rv_xml_init(NULL) != 0 ||
		rv_catalog_load(&catalog, dir != NULL ? dir : "schemas", NULL, NULL) != 0 ||
		rv_checker_new(&checker, catalog, NULL) != 0) {
		abort();
	}
}

/* What a reader of reports relies on. */
static void read_report(const struct rv_report *report)
{
	struct rv_buf text = {0};
	size_t errors = 0;
	for (size_t i = 0; i < report->n; i++) {
		const struct rv_fault *f = &report->faults[i];
		if (f->code[0] == '\0' || f->text[0] == '\0' || f->path == NULL ||
			f->mend == NULL || f->line < 0 ||
			(i > 0 && f->line < report->faults[i - 1].line)) {
			abort();
		}
		errors += f->level == RV_LEVEL_ERROR;
	}
	if (report->n > 500 || (report->errors > 0) != (errors > 0) ||
		report->truncated != (report->n < report->errors + report->warnings) ||
		rv_report_text(report, "input", &text) != 0) {
		abort();
	}
	rv_buf_free(&text);
}

/* What the checker lets pass, all others can read. */
static void read_message(const xmlDoc *doc)
{
	struct rv_header h = {0};
	struct rv_attachment *list = NULL;
	size_t n;
	if (rv_header_read(&h, doc, NULL) != 0 || rv_attachments_read(&list, &n, doc, NULL) != 0) {
		abort();
	}
	rv_header_clear(&h);
	free(list);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char subs[1][32] = {"mixed"};
	struct rv_category plastic = {"plastic", NULL, subs, 1};
	struct rv_category_list list = {"demeter-waste", 2, &plastic, 1};
	struct rv_operation op = {
		.code = "DEMETER-XII", .version = 1, .categories = &list, .n_categories = 1};
	struct rv_check_context ctx = {0};
	if (checker == NULL) {
		set_up();
	}
	rv_stamp_parse(&ctx.now_us, "2026-06-01T12:00:00Z");
	rv_stamp_parse(&op.from_us, "2026-03-01T00:00:00Z");
	rv_stamp_parse(&op.to_us, "2026-07-01T00:00:00Z");
	for (int sealed = 0; sealed < 2; sealed++) {
		struct rv_report report = {0};
		xmlDoc *doc = NULL;
		ctx.sealed = sealed;
		ctx.operation = sealed ? &op : NULL;
		if (rv_check_bytes(checker, data, size, sealed ? 0 : RV_XML_DRAFT, &ctx, &report,
			    &doc, NULL) != 0) {
			abort();
		}
		read_report(&report);
		if (report.errors == 0) {
			read_message(doc);
		}
		rv_report_clear(&report);
		xmlFreeDoc(doc);
	}
	return 0;
}
