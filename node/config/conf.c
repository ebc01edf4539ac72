/* SPDX-License-Identifier: Apache-2.0 */
#include "node/config/conf.h"

#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <libconfig.h>

#include "node/config/conf_table.h"
#include "node/file.h"
#include "node/token/token.h"
#include "node/trust/http.h"

enum { CONF_BYTES_MAX = 1 << 20, DIAL_MAX = 1024, URLS_MAX = 16 };

void conf_free(struct conf **c)
{
	if (c == NULL || *c == NULL) {
		return;
	}
	for (size_t i = 0; i < conf_n_settings; i++) {
		const struct conf_setting *s = &conf_settings[i];
		if (s->type == CONF_TEXT || s->type == CONF_PATH) {
			free(*conf_text_at(*c, s));
		}
	}
	for (size_t i = 0; i < (*c)->n_trust_urls; i++) {
		free((*c)->trust_urls[i]);
	}
	free((*c)->trust_urls);
	free((*c)->dial);
	free((*c)->file);
	free((*c)->dir);
	free(*c);
	*c = NULL;
}

static int fault(
	struct rv_err *e, const struct conf *c, int line, const char *text, const char *mend)
{
	rv_fail_rule(e, RV_ECONFIG, "CONF", "%s:%d: %s", c->file, line, text);
	if (e != NULL) {
		e->line = line;
	}
	rv_err_mend(e, "%s", mend);
	return RV_ECONFIG;
}

/* ---- values ---- */

static int set_text(
	struct conf *c, const struct conf_setting *s, const char *value, struct rv_err *e)
{
	char **at = conf_text_at(c, s);
	char *copy = NULL;
	if (s->type == CONF_PATH && value[0] != '\0' && value[0] != '/' && !token_is_uri(value)) {
		if (asprintf(&copy, "%s/%s", c->dir, value) < 0) {
			copy = NULL;
		}
	} else {
		copy = strdup(value);
	}
	if (copy == NULL) {
		return rv_fail_nomem(e);
	}
	free(*at);
	*at = copy;
	return 0;
}

static int set_code(struct conf *c, const struct conf_setting *s, const char *value)
{
	if (!rv_code_valid(value)) {
		return RV_ECONFIG;
	}
	snprintf(conf_code_at(c, s), RV_CODE_TEXT, "%s", value);
	return 0;
}

static int set_number(struct conf *c, const struct conf_setting *s, long long value)
{
	if (value < s->min || value > s->max) {
		return RV_ECONFIG;
	}
	if (s->type == CONF_UINT) {
		*conf_uint_at(c, s) = (unsigned)value;
	} else {
		*conf_u64_at(c, s) = (uint64_t)value;
	}
	return 0;
}

static int set_default(struct conf *c, const struct conf_setting *s, struct rv_err *e)
{
	switch (s->type) {
	case CONF_TEXT:
	case CONF_PATH:
		return set_text(c, s, s->text != NULL ? s->text : "", e);
	case CONF_UINT:
	case CONF_U64:
		return set_number(c, s, s->number);
	default:
		return 0;
	}
}

static int read_codes(struct conf *c, const config_setting_t *list, struct rv_err *e)
{
	int n = config_setting_length(list);
	if (n > DIAL_MAX) {
		return fault(e, c, config_setting_source_line(list), "dial names too many members",
			"A node dials 1024 members at most.");
	}
	if (n == 0) {
		return 0;
	}
	c->dial = calloc((size_t)n, sizeof(*c->dial));
	if (c->dial == NULL) {
		return rv_fail_nomem(e);
	}
	for (int i = 0; i < n; i++) {
		const config_setting_t *node = config_setting_get_elem(list, (unsigned)i);
		const char *code = config_setting_get_string(node);
		if (code == NULL || !rv_code_valid(code)) {
			return fault(e, c, config_setting_source_line(node),
				"dial takes a list of members' codes",
				"Write dial = [ \"RILO\" ]; with the codes of the trust list.");
		}
		snprintf(c->dial[c->n_dial++], RV_CODE_TEXT, "%s", code);
	}
	return 0;
}

/* When all is read: whose node this is may stand behind the list. */
static int check_dial(struct conf *c, const config_setting_t *root, struct rv_err *e)
{
	const config_setting_t *list = config_setting_get_member(root, "dial");
	for (size_t i = 0; i < c->n_dial; i++) {
		int line = config_setting_source_line(
			config_setting_get_elem(list, (unsigned)i));
		char text[160];
		if (strcmp(c->dial[i], c->code) == 0) {
			snprintf(text, sizeof(text), "dial names this node itself, %s", c->code);
			return fault(e, c, line, text,
				"Take it out: dial takes other members, and code says who this is.");
		}
		for (size_t k = 0; k < i; k++) {
			if (strcmp(c->dial[k], c->dial[i]) == 0) {
				snprintf(text, sizeof(text), "dial names %s twice", c->dial[i]);
				return fault(e, c, line, text, "Name each member once.");
			}
		}
	}
	return 0;
}

static int read_urls(struct conf *c, const config_setting_t *list, struct rv_err *e)
{
	int n = config_setting_length(list);
	int line = config_setting_source_line(list);
	if (n > URLS_MAX) {
		return fault(e, c, line, "trust_urls has too many addresses", "Name at most 16.");
	}
	c->trust_urls = calloc((size_t)n + 1, sizeof(*c->trust_urls));
	if (c->trust_urls == NULL) {
		return rv_fail_nomem(e);
	}
	for (int i = 0; i < n; i++) {
		const char *url = config_setting_get_string_elem(list, i);
		if (url == NULL || !http_url_valid(url, 0)) {
			return fault(e, c, line, "trust_urls takes a list of https addresses",
				"Write trust_urls = [ \"https://lists.example/trust.xml\" ];");
		}
		c->trust_urls[i] = strdup(url);
		if (c->trust_urls[i] == NULL) {
			return rv_fail_nomem(e);
		}
		c->n_trust_urls++;
	}
	return 0;
}

static int wrong_value(struct conf *c, const struct conf_setting *s, int line, struct rv_err *e)
{
	char text[160];
	char mend[200];
	snprintf(text, sizeof(text), "the value of %s is not allowed", s->name);
	if (s->type == CONF_UINT || s->type == CONF_U64) {
		snprintf(mend, sizeof(mend), "Give a whole number from %lld to %lld.", s->min,
			s->max);
	} else if (s->type == CONF_CODE) {
		snprintf(mend, sizeof(mend),
			"Give a member's code in quotes: a capital letter, then capitals, digits "
			"or hyphens, at most 16.");
	} else if (s->choices != NULL) {
		snprintf(mend, sizeof(mend), "Give one of: %s.", s->choices);
	} else if (s->form != NULL) {
		snprintf(mend, sizeof(mend), "Give a text in quotes: %s.", s->form);
	} else {
		snprintf(mend, sizeof(mend), "Give a text in quotes.");
	}
	return fault(e, c, line, text, mend);
}

static int is_choice(const char *choices, const char *value)
{
	size_t len = strlen(value);
	for (const char *p = choices; *p != '\0';) {
		size_t word = strcspn(p, " ");
		if (word == len && memcmp(p, value, len) == 0) {
			return 1;
		}
		p += word;
		p += strspn(p, " ");
	}
	return 0;
}

static int read_value(struct conf *c, const struct conf_setting *s, const config_setting_t *node,
	struct rv_err *e)
{
	int line = config_setting_source_line(node);
	int type = config_setting_type(node);
	if (s->type == CONF_CODES || s->type == CONF_URLS) {
		return type != CONFIG_TYPE_ARRAY && type != CONFIG_TYPE_LIST
			       ? wrong_value(c, s, line, e)
		       : s->type == CONF_CODES ? read_codes(c, node, e)
					       : read_urls(c, node, e);
	}
	if (s->type == CONF_UINT || s->type == CONF_U64) {
		int ok = (type == CONFIG_TYPE_INT || type == CONFIG_TYPE_INT64) &&
			 set_number(c, s, config_setting_get_int64(node)) == 0;
		return ok ? 0 : wrong_value(c, s, line, e);
	}
	const char *value = type == CONFIG_TYPE_STRING ? config_setting_get_string(node) : NULL;
	if (value == NULL || (s->choices != NULL && !is_choice(s->choices, value)) ||
		(s->check != NULL && !s->check(value))) {
		return wrong_value(c, s, line, e);
	}
	if (s->type == CONF_CODE) {
		return set_code(c, s, value) == 0 ? 0 : wrong_value(c, s, line, e);
	}
	return set_text(c, s, value, e);
}

/* ---- the file ---- */

static size_t distance(const char *a, const char *b)
{
	size_t row[64];
	size_t n = strlen(b);
	if (n >= sizeof(row) / sizeof(row[0])) {
		return n;
	}
	for (size_t j = 0; j <= n; j++) {
		row[j] = j;
	}
	for (size_t i = 1; a[i - 1] != '\0'; i++) {
		size_t diagonal = row[0];
		row[0] = i;
		for (size_t j = 1; j <= n; j++) {
			size_t change = diagonal + (a[i - 1] != b[j - 1]);
			diagonal = row[j];
			size_t least = row[j] < row[j - 1] ? row[j] : row[j - 1];
			row[j] = change < least + 1 ? change : least + 1;
		}
	}
	return row[n];
}

static int unknown(struct conf *c, const config_setting_t *node, struct rv_err *e)
{
	const char *name = config_setting_name(node);
	const char *nearest = NULL;
	size_t best = 4;
	char text[160];
	char mend[160];
	for (size_t i = 0; i < conf_n_settings; i++) {
		size_t d = distance(name, conf_settings[i].name);
		if (d < best) {
			best = d;
			nearest = conf_settings[i].name;
		}
	}
	snprintf(text, sizeof(text), "there is no setting %.60s", name);
	if (nearest != NULL) {
		snprintf(mend, sizeof(mend), "Did you mean %s? The settings are in reeve.conf(5).",
			nearest);
	} else {
		snprintf(mend, sizeof(mend), "The settings are in reeve.conf(5).");
	}
	return fault(e, c, config_setting_source_line(node), text, mend);
}

/* A key in a hardware module: its URI, module and PIN file go together. What the URI says is not
 * repeated in the error. */
static int check_token(struct conf *c, const config_setting_t *root, struct rv_err *e)
{
	static const char *const others[] = {"pkcs11_module", "signing_pin_file"};
	struct rv_err why = {0};
	const config_setting_t *node = config_setting_get_member(root, "signing_key");
	struct token_place place = {c->signing_key, c->pkcs11_module, c->signing_pin_file};
	if (token_is_uri(c->signing_key)) {
		return token_check(&place, &why) == 0
			       ? 0
			       : fault(e, c, config_setting_source_line(node), why.text, why.mend);
	}
	for (size_t i = 0; i < 2; i++) {
		const config_setting_t *other = config_setting_get_member(root, others[i]);
		const char *value = other != NULL ? config_setting_get_string(other) : NULL;
		char text[160];
		if (value != NULL && value[0] != '\0') {
			snprintf(text, sizeof(text), "%s is set, and signing_key is a file",
				others[i]);
			return fault(e, c, config_setting_source_line(other), text,
				"Set signing_key to the PKCS#11 URI of the key, or take this out.");
		}
	}
	return 0;
}

static int read_settings(struct conf *c, const config_setting_t *root, struct rv_err *e)
{
	for (int i = 0; i < config_setting_length(root); i++) {
		const config_setting_t *node = config_setting_get_elem(root, (unsigned)i);
		const struct conf_setting *s = NULL;
		for (size_t k = 0; k < conf_n_settings && s == NULL; k++) {
			if (strcmp(conf_settings[k].name, config_setting_name(node)) == 0) {
				s = &conf_settings[k];
			}
		}
		int rc = s == NULL ? unknown(c, node, e) : read_value(c, s, node, e);
		if (rc != 0) {
			return rc;
		}
	}
	if (c->code[0] == '\0') {
		return fault(e, c, 1, "code is missing", "Say whose node this is: code = \"KE\";");
	}
	if (c->reconnect_max_ms < c->reconnect_min_ms) {
		return fault(e, c, 1, "reconnect_max_ms is less than reconnect_min_ms",
			"Make it the same or more.");
	}
	int rc = check_token(c, root, e);
	return rc == 0 ? check_dial(c, root, e) : rc;
}

static int set_places(struct conf *c, const char *file, struct rv_err *e)
{
	char *real = realpath(file, NULL);
	char *copy = real != NULL ? strdup(real) : NULL;
	c->file = strdup(file);
	c->dir = copy != NULL ? strdup(dirname(copy)) : NULL;
	free(copy);
	free(real);
	return c->file != NULL && c->dir != NULL ? 0 : rv_fail_nomem(e);
}

/* The installed schemas unless the file or the environment says otherwise. */
static int set_schemas(struct conf *c, struct rv_err *e)
{
	const char *env = getenv("REEVE_SCHEMAS");
	if (env != NULL && env[0] != '\0') {
		free(c->schemas);
		c->schemas = strdup(env);
		return c->schemas != NULL ? 0 : rv_fail_nomem(e);
	}
	return 0;
}

int conf_read(struct conf **c_r, const char *file, struct rv_err *e)
{
	struct rv_buf text = {0};
	struct conf *c = calloc(1, sizeof(*c));
	config_t parsed;
	config_init(&parsed);
	int rc = c == NULL ? rv_fail_nomem(e) : file_read(file, CONF_BYTES_MAX, &text, e);
	if (rc == RV_ENOTFOUND) {
		rv_err_mend(e, "Make a node with reeve init, or name its file with -c.");
	}
	if (rc == 0) {
		rc = set_places(c, file, e);
	}
	for (size_t i = 0; rc == 0 && i < conf_n_settings; i++) {
		rc = set_default(c, &conf_settings[i], e);
	}
	if (rc == 0 && text.len > 0 && memchr(text.data, 0, text.len) != NULL) {
		rc = fault(e, c, 1, "there is a NUL byte in the file", "Save it as plain text.");
	}
	if (rc == 0) {
		const char *s = rv_buf_cstr(&text);
		/* the file is one file: an include would bring in what its mode does not protect */
		if (s == NULL) {
			rc = rv_fail_nomem(e);
		} else if (strstr(s, "@include") != NULL) {
			rc = fault(e, c, 1, "@include is not allowed",
				"Put all settings into this file.");
		} else if (config_read_string(&parsed, s) != CONFIG_TRUE) {
			rc = fault(e, c, config_error_line(&parsed), config_error_text(&parsed),
				"A setting is a name, =, a value and a semicolon.");
		} else {
			rc = read_settings(c, config_root_setting(&parsed), e);
		}
	}
	if (rc == 0) {
		rc = set_schemas(c, e);
	}
	config_destroy(&parsed);
	rv_buf_free(&text);
	if (rc != 0) {
		conf_free(&c);
		return rc;
	}
	*c_r = c;
	return 0;
}
