/* SPDX-License-Identifier: Apache-2.0 */
#include "catalog.h"
#include "catalog_inside.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <jansson.h>
#include <libxml/parser.h>

#include "list.h"
#include "stamp.h"

struct template
{
	char *name;
	char *text;
};

struct rv_catalog {
	char *dir;
	struct list *lists;
	size_t n_lists;
	struct template *templates;
	size_t n_templates;
	struct schema message;
	struct schema trust;
};

static int read_file(const char *path, char **text_r, struct rv_err *e)
{
	char *text = NULL;
	size_t len = 0;
	int rc = 0;
	FILE *f = fopen(path, "re");
	if (f == NULL) {
		return rv_fail_errno(e, errno, "the file %s cannot be opened", path);
	}
	for (;;) {
		char *more = realloc(text, len + 65536 + 1);
		if (more == NULL) {
			rc = rv_fail_nomem(e);
			break;
		}
		text = more;
		size_t n = fread(text + len, 1, 65536, f);
		len += n;
		text[len] = '\0';
		if (n < 65536) {
			rc = ferror(f) ? rv_fail_errno(e, errno, "the file %s cannot be read", path)
				       : 0;
			break;
		}
	}
	fclose(f);
	if (rc == 0 && strlen(text) != len) {
		rc = rv_fail(e, RV_ECONFIG, "the file %s is not a text", path);
	}
	if (rc != 0) {
		free(text);
		return rc;
	}
	*text_r = text;
	return 0;
}

static int add_list(struct rv_catalog *c, const char *name, char *text, struct rv_err *e)
{
	struct list *more = realloc(c->lists, (c->n_lists + 1) * sizeof(*more));
	if (more == NULL) {
		free(text);
		return rv_fail_nomem(e);
	}
	c->lists = more;
	int rc = list_from_csv(&c->lists[c->n_lists], name, text, e);
	c->n_lists += rc == 0;
	return rc;
}

static int add_template(struct rv_catalog *c, const char *name, char *text, struct rv_err *e)
{
	struct template *more = realloc(c->templates, (c->n_templates + 1) * sizeof(*more));
	char *own = more != NULL ? strdup(name) : NULL;
	if (more != NULL) {
		c->templates = more;
	}
	if (own == NULL) {
		free(text);
		return rv_fail_nomem(e);
	}
	c->templates[c->n_templates++] = (struct template){own, text};
	return 0;
}

/* Every file of a folder with that ending, under its name without the ending. */
static int load_folder(struct rv_catalog *c, const char *folder, const char *ending,
	int (*add)(struct rv_catalog *, const char *, char *, struct rv_err *), struct rv_err *e)
{
	struct rv_buf path = {0};
	int rc = 0;
	struct dirent **entries = NULL;
	rv_buf_printf(&path, "%s/%s", c->dir, folder);
	const char *dir = rv_buf_cstr(&path);
	int n = dir != NULL ? scandir(dir, &entries, NULL, alphasort) : 0;
	if (n < 0) {
		rc = rv_fail_errno(e, errno, "the folder %s cannot be read", dir);
		rv_err_mend(e, "Name the folder of schemas that was installed with the program.");
		n = 0;
	}
	for (int i = 0; i < n; i++) {
		char *name = entries[i]->d_name;
		size_t len = strlen(name);
		if (rc == 0 && name[0] != '.' && len > strlen(ending) &&
			strcmp(name + len - strlen(ending), ending) == 0) {
			char *text = NULL;
			path.len = 0;
			rv_buf_printf(&path, "%s/%s/%s", c->dir, folder, name);
			const char *file = rv_buf_cstr(&path);
			rc = file != NULL ? read_file(file, &text, e) : rv_fail_nomem(e);
			name[len - strlen(ending)] = '\0';
			rc = rc == 0 ? add(c, name, text, e) : rc;
		}
		free(entries[i]);
	}
	free(entries);
	rv_buf_free(&path);
	return rc;
}

/* A row "code,name"; names lose the characters that a CSV file of ours cannot have. */
static void put_row(struct rv_buf *csv, const char *code, const char *name)
{
	rv_buf_str(csv, code);
	rv_buf_put(csv, ",", 1);
	for (; *name != '\0'; name++) {
		char c = *name == ',' ? ';' : *name == '\n' ? ' ' : *name;
		rv_buf_put(csv, &c, 1);
	}
	rv_buf_put(csv, "\n", 1);
}

static const struct iso {
	const char *list;
	const char *part; /* the file iso_PART.json, and the key in it */
	const char *keys[2];
} iso_lists[] = {
	{"countries", "3166-1", {"alpha_2", NULL}},
	{"subdivisions", "3166-2", {"code", NULL}},
	{"currencies", "4217", {"alpha_3", NULL}},
	{"languages", "639-3", {"alpha_2", "alpha_3"}},
};

static int load_iso(struct rv_catalog *c, const char *dir, const struct iso *iso, struct rv_err *e)
{
	struct rv_buf csv = {0};
	struct rv_buf file = {0};
	int rc = 0;
	json_error_t at;
	rv_buf_printf(&file, "%s/iso_%s.json", dir, iso->part);
	const char *path = rv_buf_cstr(&file);
	if (path == NULL) {
		return rv_fail_nomem(e);
	}
	json_t *root = json_load_file(path, 0, &at);
	json_t *entries = json_object_get(root, iso->part);
	if (!json_is_array(entries)) {
		rc = rv_fail(
			e, RV_ECONFIG, "the list of %s cannot be read from %s", iso->list, path);
		rv_err_mend(e, "Install the package iso-codes.");
		goto out;
	}
	rv_buf_str(&csv, "code,name\n");
	size_t i;
	json_t *entry;
	json_array_foreach(entries, i, entry)
	{
		const char *name = json_string_value(json_object_get(entry, "common_name"));
		if (name == NULL) {
			name = json_string_value(json_object_get(entry, "name"));
		}
		for (size_t k = 0; k < 2 && iso->keys[k] != NULL; k++) {
			const char *code = json_string_value(json_object_get(entry, iso->keys[k]));
			if (code != NULL && name != NULL && strchr(code, ',') == NULL) {
				put_row(&csv, code, name);
			}
		}
	}
	if (rv_buf_cstr(&csv) == NULL) {
		rc = rv_fail_nomem(e);
		goto out;
	}
	rc = add_list(c, iso->list, (char *)rv_buf_take(&csv, NULL), e);
out:
	json_decref(root);
	rv_buf_free(&file);
	rv_buf_free(&csv);
	return rc;
}

struct compiling {
	struct rv_err *e;
	const char *path;
};

static void on_schema_error(void *ctx, xmlErrorPtr error)
{
	struct compiling *k = ctx;
	if (k->e != NULL && k->e->code == 0 && error != NULL && error->level >= XML_ERR_ERROR) {
		rv_fail(k->e, RV_ECONFIG, "the schema %s is wrong: %.200s",
			error->file != NULL ? error->file : k->path,
			error->message != NULL ? error->message : "it does not compile");
		k->e->line = error->line;
	}
}

static int compile(
	xmlSchema **schema_r, xmlSchemaParserCtxt *ctxt, const char *path, struct rv_err *e)
{
	struct rv_err first = {0};
	struct compiling k = {&first, path};
	if (ctxt == NULL) {
		return rv_fail_nomem(e);
	}
	xmlSchemaSetParserStructuredErrors(ctxt, on_schema_error, &k);
	*schema_r = xmlSchemaParse(ctxt);
	xmlSchemaFreeParserCtxt(ctxt);
	if (*schema_r != NULL) {
		return 0;
	}
	if (first.code == 0) {
		return rv_fail(e, RV_ECONFIG, "the schema %s does not compile", path);
	}
	if (e != NULL) {
		*e = first;
	}
	return first.code;
}

static int load_schema(
	const struct rv_catalog *c, struct schema *s, const char *file, struct rv_err *e)
{
	struct rv_buf full = {0};
	rv_buf_printf(&full, "%s/%s", c->dir, file);
	const char *path = rv_buf_cstr(&full);
	if (path == NULL) {
		return rv_fail_nomem(e);
	}
	int rc = shape_load(&s->shape, path, e);
	rc = rc == 0 ? compile(&s->strict, xmlSchemaNewParserCtxt(path), path, e) : rc;
	if (rc == 0) {
		s->loose = shape_lenient(s->shape);
		rc = s->loose != NULL
			     ? compile(&s->lenient, xmlSchemaNewDocParserCtxt(s->loose), path, e)
			     : rv_fail_nomem(e);
	}
	rv_buf_free(&full);
	return rc;
}

int rv_catalog_load(struct rv_catalog **c_r, const char *dir, const char *iso_dir, struct rv_err *e)
{
	struct rv_catalog *c = calloc(1, sizeof(*c));
	if (c == NULL || (c->dir = strdup(dir)) == NULL) {
		rv_catalog_free(&c);
		return rv_fail_nomem(e);
	}
	int rc = load_folder(c, "codes", ".csv", add_list, e);
	rc = rc == 0 ? load_folder(c, "templates", ".xml", add_template, e) : rc;
	for (size_t i = 0; i < sizeof(iso_lists) / sizeof(iso_lists[0]) && rc == 0; i++) {
		rc = load_iso(c, iso_dir != NULL ? iso_dir : "/usr/share/iso-codes/json",
			&iso_lists[i], e);
	}
	rc = rc == 0 ? load_schema(c, &c->message, "xsd/1/message.xsd", e) : rc;
	rc = rc == 0 ? load_schema(c, &c->trust, "xsd/trust/1/trust-list.xsd", e) : rc;
	if (rc != 0) {
		rv_catalog_free(&c);
		return rc;
	}
	*c_r = c;
	return 0;
}

static void free_schema(struct schema *s)
{
	xmlSchemaFree(s->strict);
	xmlSchemaFree(s->lenient);
	xmlFreeDoc(s->loose);
	shape_free(&s->shape);
}

void rv_catalog_free(struct rv_catalog **c_r)
{
	struct rv_catalog *c = *c_r;
	if (c == NULL) {
		return;
	}
	for (size_t i = 0; i < c->n_lists; i++) {
		list_clear(&c->lists[i]);
	}
	for (size_t i = 0; i < c->n_templates; i++) {
		free(c->templates[i].name);
		free(c->templates[i].text);
	}
	free_schema(&c->message);
	free_schema(&c->trust);
	free(c->lists);
	free(c->templates);
	free(c->dir);
	free(c);
	*c_r = NULL;
}

const struct schema *catalog_message_schema(const struct rv_catalog *c)
{
	return &c->message;
}

const struct schema *catalog_trust_schema(const struct rv_catalog *c)
{
	return &c->trust;
}

const struct list *catalog_list(const struct rv_catalog *c, const char *name)
{
	for (size_t i = 0; i < c->n_lists; i++) {
		if (strcmp(c->lists[i].name, name) == 0) {
			return &c->lists[i];
		}
	}
	return NULL;
}

int rv_catalog_has(const struct rv_catalog *c, const char *list, const char *code)
{
	const struct list *l = catalog_list(c, list);
	return l != NULL ? list_has(l, code) : RV_ENOTFOUND;
}

static const char *field(const struct list *l, const char *code, size_t column)
{
	size_t row = list_row(l, code);
	return row < l->n ? list_field(l, row, column) : NULL;
}

const char *rv_catalog_name(const struct rv_catalog *c, const char *list, const char *code)
{
	const struct list *l = catalog_list(c, list);
	return l != NULL ? field(l, code, 1) : NULL;
}

const char *rv_catalog_field(
	const struct rv_catalog *c, const char *list, const char *code, const char *column)
{
	const struct list *l = catalog_list(c, list);
	for (size_t i = 0; l != NULL && i < l->n_columns; i++) {
		if (strcmp(l->columns[i], column) == 0) {
			return field(l, code, i);
		}
	}
	return NULL;
}

int rv_catalog_each(const struct rv_catalog *c, const char *list,
	int (*fn)(void *ctx, const char *code, const char *name), void *ctx)
{
	const struct list *l = catalog_list(c, list);
	if (l == NULL) {
		return RV_ENOTFOUND;
	}
	for (size_t row = 0; row < l->n; row++) {
		int rc = fn(ctx, list_field(l, row, 0), list_field(l, row, 1));
		if (rc != 0) {
			return rc;
		}
	}
	return 0;
}

const char *rv_catalog_template(const struct rv_catalog *c, const char *kind)
{
	const char *name = strcmp(kind, "seizure") == 0 ? "seizure-short" : kind;
	for (size_t i = 0; i < c->n_templates; i++) {
		if (strcmp(c->templates[i].name, name) == 0) {
			return c->templates[i].text;
		}
	}
	return NULL;
}

/* The day on which the templates say what they say. */
#define TEMPLATE_DAY "2026-03-15"

/* If an element's content begins with a date here, and it is of the time of the templates (not a
 * birth date). */
static int date_here(const char *text, const char *p, int64_t day_us, int64_t *t_us_r)
{
	char date[11] = {0};
	const int64_t year_us = 366 * 86400 * RV_US_PER_SEC;
	if (p == text || p[-1] != '>' || strlen(p) < 11 || (p[10] != 'T' && p[10] != '<')) {
		return 0;
	}
	memcpy(date, p, 10);
	return rv_date_parse(t_us_r, date) == 0 && *t_us_r > day_us - year_us &&
	       *t_us_r < day_us + year_us;
}

int rv_catalog_template_at(
	const struct rv_catalog *c, const char *kind, int64_t now_us, struct rv_buf *out)
{
	const int64_t length_us = 86400 * RV_US_PER_SEC;
	const char *text = rv_catalog_template(c, kind);
	int64_t day_us = 0;
	int64_t t_us;
	if (text == NULL) {
		return RV_ENOTFOUND;
	}
	rv_date_parse(&day_us, TEMPLATE_DAY);
	int64_t move_us = now_us / length_us * length_us - day_us;
	for (const char *p = text; *p != '\0';) {
		if (date_here(text, p, day_us, &t_us)) {
			char stamp[RV_STAMP_TEXT];
			rv_stamp_text(stamp, t_us + move_us);
			rv_buf_put(out, stamp, 10);
			p += 10;
		} else {
			rv_buf_put(out, p++, 1);
		}
	}
	return rv_buf_ok(out) ? 0 : RV_ENOMEM;
}

const char *rv_catalog_dir(const struct rv_catalog *c)
{
	return c->dir;
}
