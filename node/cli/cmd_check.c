/* SPDX-License-Identifier: Apache-2.0 */
#include "node/cli/commands.h"

#include <string.h>

#include "node/api/json.h"
#include "node/cli/shared.h"
#include "node/cli/text.h"
#include "protocol/xml.h"

struct work {
	struct cli *c;
	struct rv_checker *checker;
	struct rv_trust *trust;
	struct rv_check_context context;
	json_t *json;
	size_t errors, warnings, files;
	int bad, unreadable;
};

static void note(struct work *w, const char *file, const struct rv_report *report)
{
	w->errors += report->errors;
	w->warnings += report->warnings;
	w->files++;
	if (!w->json) {
		cli_print_report(w->c, file, report);
		return;
	}
	json_t *o = json_of_report(report);
	json_put(o, "file", json_text(file), &w->bad);
	json_push(w->json, o, &w->bad);
}

static void check_file(struct work *w, const char *file)
{
	struct rv_err e = {0};
	struct rv_buf bytes = {0};
	struct rv_report report = {0};
	int rc = cli_read(w->c, file, rv_xml_limits_message.bytes, &bytes, &e);
	if (!rc)
		rc = rv_check_bytes(w->checker, bytes.data, bytes.len, RV_XML_DRAFT, &w->context,
			&report, NULL, &e);
	if (rc) {
		cli_fail(w->c, &e, NULL);
		w->unreadable = 1;
	} else {
		note(w, strcmp(file, "-") ? file : "(input)", &report);
	}
	rv_report_clear(&report);
	rv_buf_free(&bytes);
}

static int prepare(struct work *w, struct rv_err *e)
{
	const struct rv_catalog *catalog;
	const char *code = cli_opt(w->c, "operation");
	int rc = rv_xml_init(e);
	if (!rc)
		rc = cli_catalog(w->c, &catalog, e);
	if (!rc)
		rc = rv_checker_new(&w->checker, catalog, e);
	if (rc || !code)
		return rc;
	rc = cli_trust(w->c, &w->trust, e);
	if (rc)
		return rc;
	w->context.operation = rv_trust_operation(w->trust, code);
	if (!w->context.operation) {
		rv_fail(e, RV_EUNKNOWN, "the trust list has no operation %s", code);
		rv_err_mend(e, "'reeve operation list' tells which there are.");
		return RV_EUNKNOWN;
	}
	return 0;
}

static int conclude(struct work *w)
{
	if (w->json) {
		json_t *json = json_done(w->json, w->bad);
		w->json = NULL;
		if (cli_print_json(w->c, json))
			return CLI_NO;
	} else if (w->files) {
		char words[64];
		cli_report_words(words, sizeof words, w->errors, w->warnings);
		fprintf(cli_err(w->c), "%zu file%s checked: %s\n", w->files,
			w->files == 1 ? "" : "s", w->errors || w->warnings ? words : "fine");
	}
	return w->errors || w->unreadable ? CLI_NO : CLI_OK;
}

static int run(struct cli *c)
{
	struct rv_err e = {0};
	struct work w = {.c = c};
	const char *const *files;
	int status;
	size_t n = cli_operands(c, &files);
	w.context.now_us = cli_clock(c).now_us(cli_clock(c).ctx);
	if (prepare(&w, &e)) {
		status = cli_fail(c, &e, NULL);
		goto out;
	}
	if (cli_json(c) && !(w.json = json_array())) {
		status = cli_no(c, "memory is short");
		goto out;
	}
	for (size_t i = 0; i < n; i++)
		check_file(&w, files[i]);
	status = conclude(&w);
out:
	json_decref(w.json);
	rv_checker_free(&w.checker);
	rv_trust_unref(&w.trust);
	return status;
}

static const struct cli_option options[] = {
	{"operation", 'p', "OP", "check against the rules of that operation too", NULL, 0},
	CLI_OPTION_TRUST,
	CLI_OPTION_AUTHORITY,
	CLI_OPTION_JSON,
	CLI_OPTION_END,
};

const struct cli_command cmd_check = {
	.name = "check",
	.operands = "FILE...",
	.summary = "check drafts against schema and rules, offline",
	.details = "Tells every fault at once, each with its place, its rule and how to mend it.\n"
		   "Errors keep a draft from being sent; warnings do not. FILE - is the standard\n"
		   "input. reeve-rules(7) lists the rules.",
	.options = options,
	.min_operands = 1,
	.max_operands = -1,
	.values = CLI_FILES,
	.run = run,
};
