/* SPDX-License-Identifier: Apache-2.0 */
#include "node/cli/init.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_FILE = 1 << 20, MAX_RIGHTS = 1000, FIELDS = 4, MAX_COUNTRIES = 250, MAX_NICE = 45 };
enum { BRAND, REGISTRATION, CLASSES, COUNTRIES };

/* Splits a line in place; quotes as in RFC 4180. How many fields, -1 if a quote stays open. */
static int split(char *line, char *fields[FIELDS + 1])
{
	int n = 0;
	char *in = line;
	for (;;) {
		char *out = in;
		int quoted = *in == '"';
		if (n <= FIELDS) {
			fields[n] = out;
		}
		n++;
		in += quoted;
		while (*in != '\0' && (quoted || *in != ',')) {
			if (quoted && *in == '"' && in[1] != '"') {
				quoted = 0;
				in++;
				continue;
			}
			in += quoted && *in == '"';
			*out++ = *in++;
		}
		if (quoted) {
			return -1;
		}
		int more = *in == ',';
		in += more;
		*out = '\0';
		if (!more) {
			return n;
		}
	}
}

static int bad_line(struct rv_err *e, unsigned line, const char *why)
{
	rv_fail(e, RV_EPARSE, "line %u: %s", line, why);
	e->line = (int)line;
	rv_err_mend(e, "A line is brand,registration,classes,countries: \"Acme\",018123456,9 25,FR DE");
	return RV_EPARSE;
}

static int take_classes(struct rv_right *r, char *text)
{
	char *save = NULL;
	for (char *word = strtok_r(text, " ;", &save); word != NULL;
		word = strtok_r(NULL, " ;", &save)) {
		char *end = NULL;
		unsigned long n = strtoul(word, &end, 10);
		if (*end != '\0' || n < 1 || n > MAX_NICE) {
			return -1;
		}
		r->nice |= UINT64_C(1) << n;
	}
	return 0;
}

static int take_countries(struct rv_right *r, char *text)
{
	char *save = NULL;
	r->countries = calloc(MAX_COUNTRIES, sizeof(*r->countries));
	if (r->countries == NULL) {
		return -1;
	}
	for (char *word = strtok_r(text, " ;", &save); word != NULL;
		word = strtok_r(NULL, " ;", &save)) {
		if (strlen(word) != 2 || strspn(word, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != 2 ||
			r->n_countries == MAX_COUNTRIES) {
			return -1;
		}
		memcpy(r->countries[r->n_countries++], word, 3);
	}
	return 0;
}

static int take_line(struct rv_member *m, char *text, unsigned line, struct rv_err *e)
{
	char *fields[FIELDS + 1];
	int n = split(text, fields);
	if (n != FIELDS) {
		return bad_line(e, line, "it does not have four fields");
	}
	if (m->n_rights == MAX_RIGHTS) {
		return bad_line(e, line, "there are more than 1000 rights");
	}
	struct rv_right *r = &m->rights[m->n_rights++];
	r->brand = strdup(fields[BRAND]);
	r->registration = fields[REGISTRATION][0] != '\0' ? strdup(fields[REGISTRATION]) : NULL;
	if (r->brand == NULL || (fields[REGISTRATION][0] != '\0' && r->registration == NULL)) {
		return rv_fail_nomem(e);
	}
	if (r->brand[0] == '\0') {
		return bad_line(e, line, "the brand is empty");
	}
	if (take_classes(r, fields[CLASSES]) != 0) {
		return bad_line(e, line, "a class is not one of the Nice Agreement, 1 to 45");
	}
	if (take_countries(r, fields[COUNTRIES]) != 0) {
		return bad_line(e, line, "a country is not two capital letters of ISO 3166-1");
	}
	return 0;
}

int rights_read(struct cli *c, const char *path, struct rv_member *m, struct rv_err *e)
{
	static const char head[] = "brand,registration,classes,countries";
	struct rv_buf text = {0};
	unsigned line = 1;
	int rc = cli_read(c, path, MAX_FILE, &text, e);
	char *all = rc == 0 && rv_buf_cstr(&text) != NULL ? (char *)text.data : NULL;
	m->rights = calloc(MAX_RIGHTS, sizeof(*m->rights));
	if (rc == 0 && (all == NULL || m->rights == NULL)) {
		rc = rv_fail_nomem(e);
	}
	char *first = rc == 0 ? strsep(&all, "\n") : NULL;
	if (first != NULL) {
		first[strcspn(first, "\r")] = '\0';
	}
	if (rc == 0 && strcmp(first, head) != 0) {
		rc = bad_line(e, 1, "the first line is not brand,registration,classes,countries");
	}
	for (char *one = rc == 0 ? strsep(&all, "\n") : NULL; one != NULL && rc == 0;
		one = strsep(&all, "\n")) {
		line++;
		one[strcspn(one, "\r")] = '\0';
		if (one[0] != '\0') {
			rc = take_line(m, one, line, e);
		}
	}
	if (rc != 0 && rc != RV_ENOMEM) {
		rv_err_prefix(e, "%s", path);
	}
	rv_buf_free(&text);
	return rc;
}
