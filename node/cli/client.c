/* SPDX-License-Identifier: Apache-2.0 */
#include "node/cli/client.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "node/cli/text.h"

enum { ANSWER_MAX = 64 * 1024 * 1024, CONNECT_S = 10, ANSWER_S = 180 };

struct client {
	struct cli *cli;
	CURL *curl;
	char error[CURL_ERROR_SIZE];
	const char *socket;
	char *socket_copy;
};

/* Where a body goes. */
struct sink {
	struct rv_buf *buf;
	FILE *file;
	CURL *curl;
	int too_large, unwritten;
};

void answer_clear(struct answer *a)
{
	rv_buf_free(&a->body);
	json_decref(a->json);
	memset(a, 0, sizeof *a);
}

int client_new(struct client **r_r, struct cli *c, struct rv_err *e)
{
	const struct conf *conf;
	int rc = cli_conf(c, &conf, e);
	if (rc)
		return rc;
	if (curl_global_init(CURL_GLOBAL_NOTHING))
		return rv_fail_nomem(e);
	struct client *r = calloc(1, sizeof *r);
	if (r) {
		r->cli = c;
		r->curl = curl_easy_init();
		r->socket_copy = strdup(conf->api_socket);
		r->socket = r->socket_copy;
	}
	if (!r || !r->curl || !r->socket) {
		client_free(&r);
		return rv_fail_nomem(e);
	}
	*r_r = r;
	return 0;
}

void client_free(struct client **rp)
{
	struct client *r = rp ? *rp : NULL;
	if (!r)
		return;
	if (r->curl)
		curl_easy_cleanup(r->curl);
	free(r->socket_copy);
	free(r);
	curl_global_cleanup();
	*rp = NULL;
}

/* ---- paths ---- */

static void put_escaped(struct rv_buf *b, const char *s)
{
	for (const unsigned char *p = (const unsigned char *)s; *p; p++)
		if ((*p >= '0' && *p <= '9') || (*p >= 'A' && *p <= 'Z') ||
			(*p >= 'a' && *p <= 'z') || strchr("-._~", *p))
			rv_buf_u8(b, *p);
		else
			rv_buf_printf(b, "%%%02X", *p);
}

void path_param(struct rv_buf *path, const char *name, const char *value)
{
	rv_buf_str(path, path->data && memchr(path->data, '?', path->len) ? "&" : "?");
	put_escaped(path, name);
	rv_buf_str(path, "=");
	put_escaped(path, value);
}

void path_segment(struct rv_buf *path, const char *segment)
{
	rv_buf_str(path, "/");
	put_escaped(path, segment);
}

/* ---- one exchange ---- */

static size_t take(char *data, size_t size, size_t n, void *ctx)
{
	struct sink *s = ctx;
	size_t len = size * n;
	long status = 0;
	/* A problem is never written into the user's file. */
	curl_easy_getinfo(s->curl, CURLINFO_RESPONSE_CODE, &status);
	if (s->file && status < 400) {
		s->unwritten = fwrite(data, 1, len, s->file) != len;
		return s->unwritten ? 0 : len;
	}
	if (s->buf->len + len > ANSWER_MAX) {
		s->too_large = 1;
		return 0;
	}
	return rv_buf_put(s->buf, data, len) ? 0 : len;
}

/* Options of every request. */
static int prepare(struct client *r, const char *path, struct sink *sink, struct rv_err *e)
{
	struct rv_buf url = {0};
	CURL *h = r->curl;
	curl_easy_reset(h);
	r->error[0] = 0;
	sink->curl = h;
	rv_buf_printf(&url, "http://localhost%s", path);
	const char *text = rv_buf_cstr(&url);
	/* The proxy of the environment has no part in a Unix socket. */
	int bad = !text || curl_easy_setopt(h, CURLOPT_URL, text) ||
		  curl_easy_setopt(h, CURLOPT_UNIX_SOCKET_PATH, r->socket) ||
		  curl_easy_setopt(h, CURLOPT_PROXY, "") ||
		  curl_easy_setopt(h, CURLOPT_PROTOCOLS_STR, "http") ||
		  curl_easy_setopt(h, CURLOPT_NOSIGNAL, 1L) ||
		  curl_easy_setopt(h, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_S) ||
		  curl_easy_setopt(h, CURLOPT_ERRORBUFFER, r->error) ||
		  curl_easy_setopt(h, CURLOPT_WRITEFUNCTION, take) ||
		  curl_easy_setopt(h, CURLOPT_WRITEDATA, sink);
	rv_buf_free(&url);
	return bad ? rv_fail_nomem(e) : 0;
}

static int fail_of_curl(struct client *r, CURLcode code, const struct sink *sink, struct rv_err *e)
{
	if (sink->unwritten)
		return rv_fail_errno(e, errno, "the file cannot be written");
	if (sink->too_large)
		return rv_fail(
			e, RV_ELIMIT, "the node's answer is larger than %d bytes", ANSWER_MAX);
	if (code == CURLE_OUT_OF_MEMORY)
		return rv_fail_nomem(e);
	if (code == CURLE_OPERATION_TIMEDOUT) {
		rv_fail(e, RV_ETIMEOUT, "the node at %s did not answer in time", r->socket);
		rv_err_mend(e, "It may be busy: try again.");
		return RV_ETIMEOUT;
	}
	if (code != CURLE_COULDNT_CONNECT)
		return rv_fail(e, RV_ECLOSED, "the connection to the node broke: %s",
			r->error[0] ? r->error : curl_easy_strerror(code));
	rv_fail(e, RV_ECLOSED, "the node does not answer at %s", r->socket);
	if (access(r->socket, F_OK))
		rv_err_mend(e,
			"There is no such socket: start the node with 'reeved -c DIR/reeve.conf'.");
	else if (access(r->socket, W_OK))
		rv_err_mend(e, "Only the user of the node and root may use it.");
	else
		rv_err_mend(e, "Start the node with 'reeved -c DIR/reeve.conf'.");
	return RV_ECLOSED;
}

static void copy(char *out, size_t size, const char *text)
{
	snprintf(out, size, "%s", text);
}

static int fail_of_problem(const struct answer *a, struct rv_err *e)
{
	int code = a->status == 404   ? RV_ENOTFOUND
		   : a->status == 503 ? RV_EAGAIN
		   : a->status >= 500 ? RV_EIO
				      : RV_EDENIED;
	const char *detail = json_str(a->json, "detail");
	if (detail[0])
		rv_fail(e, code, "%s", detail);
	else
		rv_fail(e, code, "the node answered with HTTP status %ld", a->status);
	if (e) {
		copy(e->rule, sizeof e->rule, json_str(a->json, "rule"));
		copy(e->mend, sizeof e->mend, json_str(a->json, "mend"));
		e->line = (int)json_num(a->json, "line");
		e->column = (int)json_num(a->json, "column");
	}
	return code;
}

static int perform(struct client *r, const struct sink *sink, struct answer *a, struct rv_err *e)
{
	CURLcode code = curl_easy_perform(r->curl);
	if (code)
		return fail_of_curl(r, code, sink, e);
	const char *type = NULL;
	curl_easy_getinfo(r->curl, CURLINFO_RESPONSE_CODE, &a->status);
	curl_easy_getinfo(r->curl, CURLINFO_CONTENT_TYPE, &type);
	if (type &&
		(!strcmp(type, "application/json") || !strcmp(type, "application/problem+json")) &&
		a->body.len) {
		json_error_t why;
		a->json = json_loadb(
			(const char *)a->body.data, a->body.len, JSON_REJECT_DUPLICATES, &why);
		if (!a->json)
			return rv_fail(e, RV_EPARSE, "the node's answer is no JSON: %s", why.text);
	}
	return a->status >= 400 ? fail_of_problem(a, e) : 0;
}

int client_get(struct client *r, const char *path, struct answer *a, struct rv_err *e)
{
	struct sink sink = {.buf = &a->body};
	int rc = prepare(r, path, &sink, e);
	if (rc)
		return rc;
	curl_easy_setopt(r->curl, CURLOPT_TIMEOUT, (long)ANSWER_S);
	return perform(r, &sink, a, e);
}

int client_post(struct client *r, const char *path, const void *body, size_t len, const char *key,
	struct answer *a, struct rv_err *e)
{
	struct sink sink = {.buf = &a->body};
	struct curl_slist *headers = NULL;
	char line[128];
	int rc = prepare(r, path, &sink, e);
	if (rc)
		return rc;
	/* No wait for a go-ahead that a small body does not need. */
	headers = curl_slist_append(NULL, "Expect:");
	struct curl_slist *more =
		headers ? curl_slist_append(headers, "Content-Type: application/xml") : NULL;
	if (more && key) {
		snprintf(line, sizeof line, "Idempotency-Key: %s", key);
		more = curl_slist_append(headers, line);
	}
	if (!more || curl_easy_setopt(r->curl, CURLOPT_HTTPHEADER, headers) ||
		curl_easy_setopt(r->curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)len) ||
		curl_easy_setopt(r->curl, CURLOPT_POSTFIELDS, body ? body : "")) {
		rc = rv_fail_nomem(e);
	} else {
		curl_easy_setopt(r->curl, CURLOPT_TIMEOUT, (long)ANSWER_S);
		rc = perform(r, &sink, a, e);
	}
	curl_slist_free_all(headers);
	return rc;
}

/* ---- files ---- */

struct bar {
	FILE *err;
	const char *name;
	int shown;
	curl_off_t last;
};

static void put_size(FILE *f, double bytes)
{
	static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
	size_t u = 0;
	for (; bytes >= 1024 && u + 1 < sizeof units / sizeof units[0]; u++)
		bytes /= 1024;
	fprintf(f, u ? "%.1f %s" : "%.0f %s", bytes, units[u]);
}

static int show_bar(void *ctx, curl_off_t dt, curl_off_t dn, curl_off_t total, curl_off_t now)
{
	enum { CELLS = 30 };
	struct bar *b = ctx;
	if (total <= 0 || (now != total && now - b->last < total / 200))
		return 0;
	b->last = now;
	b->shown = 1;
	int full = (int)(CELLS * now / total);
	fputs("\r", b->err);
	text_put(b->err, b->name);
	fputs("  ", b->err);
	for (int i = 0; i < CELLS; i++)
		fputs(i < full ? "\xE2\x96\x88" : "\xE2\x96\x91", b->err);
	fprintf(b->err, " %3d%%  ", (int)(100 * now / total));
	put_size(b->err, (double)now);
	fputs("\033[K", b->err);
	fflush(b->err);
	return 0;
}

int client_upload(
	struct client *r, const char *path, const char *file, struct answer *a, struct rv_err *e)
{
	struct sink sink = {.buf = &a->body};
	struct stat st;
	struct curl_slist *headers = NULL;
	const char *slash = strrchr(file, '/');
	struct bar bar = {.err = cli_err(r->cli), .name = slash ? slash + 1 : file};
	FILE *f = fopen(file, "re");
	int rc;
	if (!f)
		return rv_fail_errno(e, errno, "%s cannot be opened", file);
	if (fstat(fileno(f), &st) || !S_ISREG(st.st_mode)) {
		rc = rv_fail(e, RV_EINVAL, "%s is not a file", file);
		goto out;
	}
	rc = prepare(r, path, &sink, e);
	if (rc)
		goto out;
	headers = curl_slist_append(NULL, "Content-Type: application/octet-stream");
	if (!headers || curl_easy_setopt(r->curl, CURLOPT_HTTPHEADER, headers) ||
		curl_easy_setopt(r->curl, CURLOPT_POST, 1L) ||
		curl_easy_setopt(r->curl, CURLOPT_READDATA, f) ||
		curl_easy_setopt(r->curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)st.st_size)) {
		rc = rv_fail_nomem(e);
		goto out;
	}
	int fd = fileno(bar.err);
	if (fd >= 0 && isatty(fd)) {
		curl_easy_setopt(r->curl, CURLOPT_XFERINFOFUNCTION, show_bar);
		curl_easy_setopt(r->curl, CURLOPT_XFERINFODATA, &bar);
		curl_easy_setopt(r->curl, CURLOPT_NOPROGRESS, 0L);
	}
	rc = perform(r, &sink, a, e);
	if (bar.shown)
		fputc('\n', bar.err);
out:
	curl_slist_free_all(headers);
	fclose(f);
	return rc;
}

int client_download(struct client *r, const char *path, FILE *to, struct rv_err *e)
{
	struct answer a = {0};
	struct sink sink = {.buf = &a.body, .file = to};
	int rc = prepare(r, path, &sink, e);
	if (!rc)
		rc = perform(r, &sink, &a, e);
	answer_clear(&a);
	return rc;
}

/* ---- events ---- */

struct events {
	struct sink sink; /* of an answer that is a problem */
	struct rv_buf line, data;
	char id[32];
	int (*event)(void *ctx, const char *id, const char *data);
	void *ctx;
	int result;
};

static void end_line(struct events *v)
{
	const char *line = rv_buf_cstr(&v->line), *data;
	if (!line)
		return;
	if (!line[0]) {
		data = rv_buf_cstr(&v->data);
		if (v->data.len && data)
			v->result = v->event(v->ctx, v->id, data);
		rv_buf_reset(&v->data);
	} else if (!strncmp(line, "id: ", 4)) {
		copy(v->id, sizeof v->id, line + 4);
	} else if (!strncmp(line, "data: ", 6)) {
		rv_buf_str(&v->data, line + 6);
	}
	rv_buf_reset(&v->line);
}

static size_t take_events(char *data, size_t size, size_t n, void *ctx)
{
	enum { LINE_MAX_BYTES = 1024 * 1024 };
	struct events *v = ctx;
	size_t len = size * n;
	long status = 0;
	curl_easy_getinfo(v->sink.curl, CURLINFO_RESPONSE_CODE, &status);
	if (status != 200)
		return take(data, size, n, &v->sink);
	for (size_t i = 0; i < len && !v->result; i++)
		if (data[i] == '\n')
			end_line(v);
		else if (v->line.len > LINE_MAX_BYTES || rv_buf_u8(&v->line, (uint8_t)data[i]))
			v->result = RV_ELIMIT;
	return v->result ? 0 : len;
}

int client_events(struct client *r, const char *path,
	int (*event)(void *ctx, const char *id, const char *data), void *ctx, struct rv_err *e)
{
	struct answer a = {0};
	struct events v = {.sink = {.buf = &a.body}, .event = event, .ctx = ctx};
	int rc = prepare(r, path, &v.sink, e);
	if (rc)
		return rc;
	curl_easy_setopt(r->curl, CURLOPT_WRITEFUNCTION, take_events);
	curl_easy_setopt(r->curl, CURLOPT_WRITEDATA, &v);
	/* The node's heartbeats come every 15 seconds; where none comes the node is not there any
	 * more. */
	curl_easy_setopt(r->curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
	curl_easy_setopt(r->curl, CURLOPT_LOW_SPEED_TIME, 60L);
	rc = perform(r, &v.sink, &a, e);
	if (v.result)
		rc = v.result;
	else if (!rc)
		rc = rv_fail(e, RV_ECLOSED, "the node has ended the connection");
	rv_buf_free(&v.line);
	rv_buf_free(&v.data);
	answer_clear(&a);
	return rc;
}

/* ---- reading ---- */

const char *json_str(const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));
	return s ? s : "";
}

json_int_t json_num(const json_t *o, const char *key)
{
	return json_integer_value(json_object_get(o, key));
}

int json_yes(const json_t *o, const char *key)
{
	return json_is_true(json_object_get(o, key));
}

void json_when(char out[24], const json_t *o, const char *key)
{
	const char *s = json_str(o, key);
	if (strlen(s) < 20)
		snprintf(out, 24, "-");
	else
		snprintf(out, 24, "%.10s %.8sZ", s, s + 11);
}
