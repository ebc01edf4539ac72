/* SPDX-License-Identifier: Apache-2.0 */
#include "check_inside.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Of each level that many are kept in words; a report shows that many of all. */
enum { KEPT = 1000, SHOWN = 500 };

int faults_room(const struct faults *f, enum rv_level level)
{
	return !f->failed && (level == RV_LEVEL_ERROR ? f->errors : f->warnings) < KEPT;
}

static char *path_of(struct spot at)
{
	struct rv_buf path = {0};
	const xmlNode *node = at.node;
	if (node->type == XML_ATTRIBUTE_NODE) {
		rv_xml_path(node->parent, &path);
		rv_buf_printf(&path, "/@%s", (const char *)node->name);
	} else {
		rv_xml_path(node, &path);
	}
	if (at.missing != NULL) {
		rv_buf_printf(&path, "/%s", at.missing);
	}
	if (rv_buf_cstr(&path) == NULL) {
		rv_buf_free(&path);
		return NULL;
	}
	return (char *)rv_buf_take(&path, NULL);
}

static void clear_fault(struct rv_fault *fault)
{
	free(fault->path);
	free(fault->text);
	free(fault->mend);
}

void faults_add(struct faults *f, enum rv_level level, const char *code, struct spot at,
	const char *mend, const char *text)
{
	int room = faults_room(f, level);
	*(level == RV_LEVEL_ERROR ? &f->errors : &f->warnings) += 1;
	if (!room) {
		return;
	}
	if (f->n == f->cap) {
		size_t cap = f->cap == 0 ? 16 : f->cap * 2;
		struct found *more = realloc(f->list, cap * sizeof(*more));
		if (more == NULL) {
			f->failed = 1;
			return;
		}
		f->list = more;
		f->cap = cap;
	}
	struct found *one = &f->list[f->n];
	*one = (struct found){.node = at.node, .refused = at.refused};
	one->fault.level = level;
	one->fault.code = code;
	rv_xml_place(at.node, &one->fault.line, &one->fault.column);
	one->fault.path = path_of(at);
	one->fault.text = strdup(text);
	one->fault.mend = strdup(mend);
	if (one->fault.path == NULL || one->fault.text == NULL || one->fault.mend == NULL) {
		clear_fault(&one->fault);
		f->failed = 1;
		return;
	}
	f->n++;
}

int faults_refused(const struct faults *f, const xmlNode *node)
{
	for (size_t i = 0; i < f->n; i++) {
		if (f->list[i].node == node && f->list[i].refused) {
			return 1;
		}
	}
	return 0;
}

int faults_child_refused(const struct faults *f, const xmlNode *node)
{
	for (size_t i = 0; i < f->n; i++) {
		if (f->list[i].refused && f->list[i].node->type == XML_ELEMENT_NODE &&
			f->list[i].node->parent == node) {
			return 1;
		}
	}
	return 0;
}

/* Faults of one place keep the order in which they were found: mergesort is stable, qsort need not
 * be. */
static int by_place(const struct found *a, const struct found *b)
{
	if (a->fault.line != b->fault.line) {
		return a->fault.line < b->fault.line ? -1 : 1;
	}
	return a->fault.column < b->fault.column ? -1 : a->fault.column > b->fault.column;
}

static void merge(
	struct found *to, const struct found *a, size_t n_a, const struct found *b, size_t n_b)
{
	while (n_a > 0 || n_b > 0) {
		if (n_b == 0 || (n_a > 0 && by_place(a, b) <= 0)) {
			*to++ = *a++;
			n_a--;
		} else {
			*to++ = *b++;
			n_b--;
		}
	}
}

static void sort(struct found *list, struct found *spare, size_t n)
{
	if (n < 2) {
		return;
	}
	sort(list, spare, n / 2);
	sort(list + n / 2, spare, n - n / 2);
	merge(spare, list, n / 2, list + n / 2, n - n / 2);
	memcpy(list, spare, n * sizeof(*list));
}

/* Keeps at most SHOWN, errors rather than warnings. */
static size_t cut(struct found *list, size_t n)
{
	size_t errors = 0;
	for (size_t i = 0; i < n; i++) {
		errors += list[i].fault.level == RV_LEVEL_ERROR;
	}
	size_t room_errors = errors < SHOWN ? errors : SHOWN;
	size_t room_warnings = SHOWN - room_errors;
	size_t kept = 0;
	for (size_t i = 0; i < n; i++) {
		size_t *room =
			list[i].fault.level == RV_LEVEL_ERROR ? &room_errors : &room_warnings;
		if (*room > 0) {
			(*room)--;
			list[kept++] = list[i];
		} else {
			clear_fault(&list[i].fault);
		}
	}
	return kept;
}

int faults_report(struct faults *f, struct rv_report *report, struct rv_err *e)
{
	struct found *spare = calloc(f->n + 1, sizeof(*spare));
	struct rv_fault *out = calloc(f->n + 1, sizeof(*out));
	if (f->failed || spare == NULL || out == NULL) {
		free(spare);
		free(out);
		faults_clear(f);
		return rv_fail_nomem(e);
	}
	sort(f->list, spare, f->n);
	f->n = cut(f->list, f->n);
	for (size_t i = 0; i < f->n; i++) {
		out[i] = f->list[i].fault;
	}
	report->faults = out;
	report->n = f->n;
	report->errors = f->errors;
	report->warnings = f->warnings;
	report->truncated = f->errors + f->warnings > f->n;
	f->n = 0;
	free(spare);
	faults_clear(f);
	return 0;
}

void faults_clear(struct faults *f)
{
	for (size_t i = 0; i < f->n; i++) {
		clear_fault(&f->list[i].fault);
	}
	free(f->list);
	memset(f, 0, sizeof(*f));
}

void rv_report_clear(struct rv_report *r)
{
	for (size_t i = 0; i < r->n; i++) {
		clear_fault(&r->faults[i]);
	}
	free(r->faults);
	memset(r, 0, sizeof(*r));
}

const char *words_cut(char *out, const char *value)
{
	size_t n = 0;
	size_t chars = 0;
	for (; *value != '\0'; value++) {
		unsigned char c = (unsigned char)*value;
		if ((c & 0xc0) != 0x80 && (++chars > 60 || n > WORDS_CUT - 10)) {
			memcpy(out + n, "...", 4);
			return out;
		}
		out[n++] = c < ' ' || c == 0x7f ? ' ' : (char)c;
	}
	while (n > 1 && out[n - 1] == ' ') {
		n--;
	}
	out[n] = '\0';
	return out;
}

/* Levenshtein's distance, letters compared without case; more than 63 characters are never near. */
static size_t distance(const char *a, const char *b)
{
	size_t row[64];
	size_t n = strlen(b);
	if (n > 63 || strlen(a) > 63) {
		return 64;
	}
	for (size_t j = 0; j <= n; j++) {
		row[j] = j;
	}
	for (size_t i = 0; a[i] != '\0'; i++) {
		size_t diagonal = row[0];
		row[0] = i + 1;
		for (size_t j = 1; j <= n; j++) {
			size_t change = diagonal + (strncasecmp(&a[i], &b[j - 1], 1) != 0);
			size_t least = row[j] < row[j - 1] ? row[j] + 1 : row[j - 1] + 1;
			diagonal = row[j];
			row[j] = change < least ? change : least;
		}
	}
	return row[n];
}

void nearest_try(struct nearest *n, const char *found, const char *candidate)
{
	size_t d = distance(found, candidate);
	size_t limit = strlen(candidate) / 3 + 1;
	if (d < limit && (n->word == NULL || d < n->distance)) {
		n->word = candidate;
		n->distance = d;
	}
}
