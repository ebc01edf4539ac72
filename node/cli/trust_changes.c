/* SPDX-License-Identifier: Apache-2.0 */
#include "node/cli/trust_changes.h"

#include <stdlib.h>
#include <string.h>

#include "node/api/json.h"
#include "node/cli/text.h"

int trust_changes_print(struct cli *c, const struct trust_diff *d)
{
	struct rv_err e = {0};
	struct rv_buf text = {0};
	char *all = NULL;
	int rc = trust_diff_text(d, &text, &e);
	if (rc == 0) {
		const char *s = rv_buf_cstr(&text);
		all = s != NULL ? strdup(s) : NULL;
		rc = all != NULL ? 0 : rv_fail_nomem(&e);
	}
	char *rest = all;
	for (char *line; rc == 0 && (line = strsep(&rest, "\n")) != NULL;) {
		if (line[0] != '\0') {
			text_put(cli_out(c), line);
			fputc('\n', cli_out(c));
		}
	}
	free(all);
	rv_buf_free(&text);
	return rc == 0 ? CLI_OK : cli_fail(c, &e, NULL);
}

json_t *trust_changes_json(const struct trust_diff *d)
{
	const struct trust_change *changes;
	size_t n = trust_diff_changes(d, &changes);
	json_t *array = json_array();
	int bad = array == NULL;
	for (size_t i = 0; i < n && !bad; i++) {
		const struct trust_change *change = &changes[i];
		json_t *o = json_object();
		json_put(o, "change", json_text(trust_change_text(change->kind)), &bad);
		json_put(o, "area", json_text(trust_area_text(change->area)), &bad);
		json_put(o, "subject", json_text(change->subject), &bad);
		if (change->label != NULL) {
			json_put(o, "fact", json_text(change->label), &bad);
			json_put(o, "key", json_text(change->key), &bad);
			json_put(o, "was",
				change->was != NULL ? json_text(change->was) : json_null(), &bad);
			json_put(o, "now",
				change->now != NULL ? json_text(change->now) : json_null(), &bad);
		}
		bad |= json_array_append_new(array, o) != 0;
	}
	return json_done(array, bad);
}

void trust_changes_summary(const struct trust_diff *d, struct rv_buf *out)
{
	for (int area = TRUST_AREA_SIGNING; area <= TRUST_AREA_OPERATION; area++) {
		for (int kind = TRUST_ADDED; kind <= TRUST_CHANGED; kind++) {
			size_t n = trust_diff_count(
				d, (enum trust_area)area, (enum trust_change_kind)kind);
			if (n == 0) {
				continue;
			}
			rv_buf_str(out, out->len > 0 ? ", " : "");
			if (area != TRUST_AREA_SIGNING) {
				rv_buf_printf(out, "%zu ", n);
			}
			rv_buf_printf(out, "%s%s %s", trust_area_text((enum trust_area)area),
				n > 1 && area != TRUST_AREA_CHECKING ? "s" : "",
				trust_change_text((enum trust_change_kind)kind));
		}
	}
}
