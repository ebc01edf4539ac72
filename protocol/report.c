/* SPDX-License-Identifier: Apache-2.0 */
#include "report.h"

#include <string.h>

static const char *level_word(enum rv_level level)
{
	return level == RV_LEVEL_WARNING ? "warning" : "error";
}

/* One line of a terminal: controls become spaces, those of ISO 6429 beyond ASCII too. */
static void put_line(struct rv_buf *out, const char *text)
{
	for (; *text != '\0'; text++) {
		unsigned char c = (unsigned char)*text;
		int c1 = c == 0xc2 && (unsigned char)text[1] >= 0x80 &&
			 (unsigned char)text[1] < 0xa0;
		text += c1;
		rv_buf_put(out, c < ' ' || c == 0x7f || c1 ? " " : text, 1);
	}
}

static void put_sentence(struct rv_buf *out, const char *text)
{
	size_t len = strlen(text);
	put_line(out, text);
	if (len > 0 && strchr(".?!", text[len - 1]) == NULL) {
		rv_buf_str(out, ".");
	}
}

int rv_report_text(const struct rv_report *r, const char *name, struct rv_buf *out)
{
	for (size_t i = 0; i < r->n; i++) {
		const struct rv_fault *f = &r->faults[i];
		put_line(out, name != NULL ? name : "");
		if (f->line > 0) {
			rv_buf_printf(out, "%s%d:%d", name != NULL ? ":" : "", f->line, f->column);
		}
		rv_buf_printf(out, "%s%s %s%s", name != NULL || f->line > 0 ? ": " : "",
			level_word(f->level), f->code, f->path[0] != '\0' ? " " : "");
		put_line(out, f->path);
		rv_buf_str(out, ": ");
		put_sentence(out, f->text);
		if (f->mend[0] != '\0') {
			rv_buf_str(out, " ");
			put_sentence(out, f->mend);
		}
		rv_buf_str(out, "\n");
	}
	if (r->truncated) {
		put_line(out, name != NULL ? name : "");
		rv_buf_printf(out, "%sonly %zu of %zu faults are shown\n", name != NULL ? ": " : "",
			r->n, r->errors + r->warnings);
	}
	return rv_buf_ok(out) ? 0 : RV_ENOMEM;
}

json_t *rv_report_json(const struct rv_report *r)
{
	json_t *faults = json_array();
	json_t *report = NULL;
	for (size_t i = 0; i < r->n; i++) {
		const struct rv_fault *f = &r->faults[i];
		json_t *one = json_pack("{s:s, s:s, s:i, s:i, s:s, s:s, s:s}", "level",
			level_word(f->level), "rule", f->code, "line", f->line, "column", f->column,
			"path", f->path, "text", f->text, "mend", f->mend);
		if (json_array_append_new(faults, one) != 0) {
			json_decref(faults);
			return NULL;
		}
	}
	report = json_pack("{s:I, s:I, s:b, s:o}", "errors", (json_int_t)r->errors, "warnings",
		(json_int_t)r->warnings, "truncated", r->truncated, "faults", faults);
	return report;
}
