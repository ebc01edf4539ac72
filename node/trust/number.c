/* SPDX-License-Identifier: Apache-2.0 */
#include "node/trust/trust_int.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "node/file.h"

int trust_number_read(struct trust_number *n_r, const char *path, struct rv_err *e)
{
	struct rv_buf text = {0};
	char hex[RV_DIGEST_TEXT];
	int end = 0;
	int rc = file_read(path, 256, &text, e);
	if (rc == RV_ENOTFOUND) {
		rc = 0;
		goto out;
	}
	if (rc != 0) {
		goto out;
	}
	const char *s = rv_buf_cstr(&text);
	if (s == NULL) {
		rc = rv_fail_nomem(e);
		goto out;
	}
	if (strlen(s) != text.len ||
		sscanf(s, "%" SCNu64 " %64[0-9a-f]\n%n", &n_r->number, hex, &end) != 2 ||
		(size_t)end != text.len || n_r->number == 0 ||
		rv_unhex(n_r->digest, sizeof(n_r->digest), hex) != 0) {
		rc = rv_fail(e, RV_EPARSE, "%s is damaged", path);
		rv_err_mend(e,
			"It holds the number and digest of the newest trust list taken. Restore it "
			"from a backup; remove it only if the list in place is surely the newest.");
	}
out:
	rv_buf_free(&text);
	return rc;
}

int trust_number_write(
	struct trust_number *n_r, const char *path, const struct rv_trust *list, struct rv_err *e)
{
	char text[128];
	char hex[RV_DIGEST_TEXT];
	rv_hex(hex, rv_trust_list_digest(list), RV_DIGEST_LEN);
	int n = snprintf(text, sizeof(text), "%" PRIu64 " %s\n", rv_trust_number(list), hex);
	int rc = file_write(path, 0600, text, (size_t)n, e);
	if (rc == 0) {
		n_r->number = rv_trust_number(list);
		memcpy(n_r->digest, rv_trust_list_digest(list), RV_DIGEST_LEN);
	}
	return rc;
}

int trust_number_check(const struct trust_number *n, const struct rv_trust *list, struct rv_err *e)
{
	uint64_t number = rv_trust_number(list);
	if (number < n->number) {
		rv_fail_rule(e, RV_EDENIED, "TRUST-OLDER",
			"trust list %" PRIu64 " is older than %" PRIu64
			", which this node has taken",
			number, n->number);
		rv_err_mend(e, "Install the current list of the coordinator.");
		return RV_EDENIED;
	}
	if (number == n->number &&
		!rv_equal_ct(rv_trust_list_digest(list), n->digest, RV_DIGEST_LEN)) {
		rv_fail_rule(e, RV_EEXIST, "TRUST-NUMBER",
			"trust list %" PRIu64
			" is not the list of that number which this node has taken",
			number);
		rv_err_mend(e, "Tell the coordinator: two lists were published under one number.");
		return RV_EEXIST;
	}
	return 0;
}
