/* SPDX-License-Identifier: Apache-2.0 */
#include "node/trust/joins_int.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <jansson.h>

#include "node/file.h"

/* The files of the waiting room. */

enum { MAX_ENTRY = 16 << 10 };

static char *path_of(const struct joins *j, const char *code, const char *suffix)
{
	char *path = NULL;
	return asprintf(&path, "%s/%s.%s", j->dir, code, suffix) < 0 ? NULL : path;
}

void joins_entry_clear(struct entry *x)
{
	rv_join_clear(&x->join);
	memset(x, 0, sizeof(*x));
}

/* ---- writing ---- */

static json_t *of_entry(const struct entry *x)
{
	char hex[RV_DIGEST_TEXT];
	const struct joins_row *r = &x->row;
	json_t *operations = json_array();
	rv_hex(hex, x->digest, RV_DIGEST_LEN);
	for (size_t i = 0; i < r->invite.n_operations; i++) {
		json_array_append_new(operations, json_string(r->invite.operations[i]));
	}
	return json_pack("{s:s, s:s, s:I, s:s, s:o, s:s, s:I, s:I, s:i, s:b, s:I, s:s, s:s, s:I, s:I}",
		"code", r->invite.code, "name", r->invite.name, "roles",
		(json_int_t)r->invite.roles, "country", r->invite.country, "operations",
		operations, "guest", r->invite.guest, "created", (json_int_t)r->invite.created_us,
		"expires", (json_int_t)r->invite.expires_us, "state", (int)r->state, "renewal",
		r->renewal, "asked", (json_int_t)r->asked_us, "request", hex, "reason", r->reason,
		"others", (json_int_t)r->others, "other", (json_int_t)r->other_us);
}

int joins_save(
	const struct joins *j, const struct entry *x, const struct rv_span *request, struct rv_err *e)
{
	char *entry_path = path_of(j, x->row.invite.code, "json");
	char *request_path = path_of(j, x->row.invite.code, "xml");
	json_t *o = of_entry(x);
	char *text = o != NULL ? json_dumps(o, JSON_INDENT(1)) : NULL;
	int rc = entry_path != NULL && request_path != NULL && text != NULL ? 0 : rv_fail_nomem(e);
	if (rc == 0) {
		rc = file_mkdir(j->dir, 0700, e);
		rc = rc == RV_EEXIST ? 0 : rc;
	}
	if (rc == 0 && request != NULL) {
		rc = file_write(request_path, 0600, request->data, request->len, e);
	}
	if (rc == 0) {
		rc = file_write(entry_path, 0600, text, strlen(text), e);
	}
	json_decref(o);
	free(text);
	free(entry_path);
	free(request_path);
	return rc;
}

void joins_remove(const struct joins *j, const char *code)
{
	char *entry_path = path_of(j, code, "json");
	char *request_path = path_of(j, code, "xml");
	if (entry_path != NULL && request_path != NULL) {
		unlink(entry_path);
		unlink(request_path);
	}
	free(entry_path);
	free(request_path);
}

/* ---- reading ---- */

int joins_load_request(
	const struct joins *j, const char *code, struct rv_buf *wire, struct rv_err *e)
{
	char *path = path_of(j, code, "xml");
	int rc = path != NULL ? file_read(path, RV_JOIN_MAX, wire, e) : rv_fail_nomem(e);
	free(path);
	return rc;
}

static const char *text_of(const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));
	return s != NULL ? s : "";
}

static int64_t number_of(const json_t *o, const char *key)
{
	return (int64_t)json_integer_value(json_object_get(o, key));
}

static int fill(struct entry *x, const json_t *o)
{
	struct joins_invite *v = &x->row.invite;
	const json_t *operations = json_object_get(o, "operations");
	snprintf(v->code, sizeof(v->code), "%s", text_of(o, "code"));
	snprintf(v->name, sizeof(v->name), "%s", text_of(o, "name"));
	snprintf(v->country, sizeof(v->country), "%s", text_of(o, "country"));
	snprintf(v->guest, sizeof(v->guest), "%s", text_of(o, "guest"));
	snprintf(x->row.reason, sizeof(x->row.reason), "%s", text_of(o, "reason"));
	v->roles = (unsigned)number_of(o, "roles");
	v->created_us = number_of(o, "created");
	v->expires_us = number_of(o, "expires");
	for (size_t i = 0; i < json_array_size(operations) && i < JOINS_OPERATIONS; i++) {
		const char *s = json_string_value(json_array_get(operations, i));
		snprintf(v->operations[v->n_operations++], RV_OPCODE_TEXT, "%s", s != NULL ? s : "");
	}
	x->row.state = (enum joins_state)number_of(o, "state");
	x->row.renewal = json_is_true(json_object_get(o, "renewal"));
	x->row.asked_us = number_of(o, "asked");
	x->row.others = (unsigned)number_of(o, "others");
	x->row.other_us = number_of(o, "other");
	return rv_code_valid(v->code) && x->row.state >= JOINS_OPEN &&
			       x->row.state <= JOINS_EXPIRED &&
			       rv_unhex(x->digest, RV_DIGEST_LEN, text_of(o, "request")) == 0
		       ? 0
		       : RV_EPARSE;
}

static int load_entry(const struct joins *j, const char *code, struct entry *x, struct rv_err *e)
{
	struct rv_buf text = {0};
	struct rv_buf wire = {0};
	char *path = path_of(j, code, "json");
	json_t *o = NULL;
	int rc = path != NULL ? file_read(path, MAX_ENTRY, &text, e) : rv_fail_nomem(e);
	if (rc == 0) {
		o = json_loadb((const char *)text.data, text.len, JSON_REJECT_DUPLICATES, NULL);
		if (o == NULL || fill(x, o) != 0 || strcmp(x->row.invite.code, code) != 0) {
			rc = rv_fail(e, RV_EPARSE, "%s is damaged", path);
			rv_err_mend(e, "Restore it from a backup, or remove it and invite %s anew.",
				code);
		}
	}
	if (rc == 0 && x->row.asked_us != 0) {
		rc = joins_load_request(j, code, &wire, e);
		if (rc == 0) {
			rc = rv_join_read(&x->join, wire.data, wire.len, e);
		}
		if (rc == 0) {
			rc = rv_join_fingerprint(&x->join, x->row.phrase, e);
		}
	}
	json_decref(o);
	rv_buf_free(&text);
	rv_buf_free(&wire);
	free(path);
	return rc;
}

/* The code of a file CODE.json; 0 if it is another file. */
static int code_of(const char *name, char code[RV_CODE_TEXT])
{
	const char *dot = strrchr(name, '.');
	size_t len = dot != NULL ? (size_t)(dot - name) : 0;
	if (dot == NULL || strcmp(dot, ".json") != 0 || len == 0 || len >= RV_CODE_TEXT) {
		return 0;
	}
	memcpy(code, name, len);
	code[len] = '\0';
	return rv_code_valid(code);
}

static int load_all(struct joins *j, struct rv_err *e)
{
	int rc = 0;
	char code[RV_CODE_TEXT];
	DIR *d = opendir(j->dir);
	if (d == NULL) {
		return errno == ENOENT ? 0 : rv_fail_errno(e, errno, "cannot read %s", j->dir);
	}
	for (const struct dirent *one = readdir(d); one != NULL && rc == 0; one = readdir(d)) {
		if (j->n < JOINS_MAX && code_of(one->d_name, code)) {
			rc = load_entry(j, code, &j->entries[j->n], e);
			j->n++;
		}
	}
	closedir(d);
	return rc;
}

int joins_open(struct joins **j_r, const char *state_dir, struct rv_clock clock, struct rv_err *e)
{
	struct joins *j = calloc(1, sizeof(*j));
	if (j == NULL) {
		return rv_fail_nomem(e);
	}
	if (pthread_mutex_init(&j->lock, NULL) != 0) {
		free(j);
		return rv_fail_nomem(e);
	}
	j->clock = clock;
	j->dir = file_join(state_dir, "joins");
	int rc = j->dir != NULL ? load_all(j, e) : rv_fail_nomem(e);
	if (rc != 0) {
		joins_close(&j);
		return rc;
	}
	*j_r = j;
	return 0;
}

void joins_close(struct joins **j_p)
{
	if (j_p == NULL || *j_p == NULL) {
		return;
	}
	struct joins *j = *j_p;
	for (size_t i = 0; i < j->n; i++) {
		joins_entry_clear(&j->entries[i]);
	}
	pthread_mutex_destroy(&j->lock);
	free(j->dir);
	free(j);
	*j_p = NULL;
}
