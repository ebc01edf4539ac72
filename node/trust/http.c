/* SPDX-License-Identifier: Apache-2.0 */
#include "node/trust/http.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <curl/curl.h>

#include "protocol/id.h"

enum { POLL_MS = 500, SHA256_BASE64 = 44 };

struct http_client {
	CURLM *multi;
	atomic_int stop;
};

/* A request under way. */
struct exchange {
	const struct http_ask *ask;
	CURL *curl;
	char error[CURL_ERROR_SIZE];
	struct rv_buf body;
	struct http_validator seen;
	size_t header_bytes;
	int too_large, encoded, no_memory;
};

int http_client_new(struct http_client **c_r, struct rv_err *e)
{
	struct http_client *c = calloc(1, sizeof(*c));
	if (c == NULL) {
		return rv_fail_nomem(e);
	}
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
		free(c);
		return rv_fail_nomem(e);
	}
	c->multi = curl_multi_init();
	if (c->multi == NULL) {
		http_client_free(&c);
		return rv_fail_nomem(e);
	}
	*c_r = c;
	return 0;
}

void http_client_free(struct http_client **c)
{
	if (c == NULL || *c == NULL) {
		return;
	}
	curl_multi_cleanup((*c)->multi);
	curl_global_cleanup();
	free(*c);
	*c = NULL;
}

void http_client_stop(struct http_client *c)
{
	atomic_store(&c->stop, 1);
	curl_multi_wakeup(c->multi);
}

/* ---- addresses ---- */

static int url_part(CURLU *u, CURLUPart part, char *out, size_t size)
{
	char *text = NULL;
	int ok = curl_url_get(u, part, &text, 0) == CURLUE_OK && strlen(text) < size;
	if (ok) {
		strcpy(out, text);
	}
	curl_free(text);
	return ok;
}

int http_url_valid(const char *url, int allow_http)
{
	char scheme[8];
	char host[300];
	size_t len = strlen(url);
	if (len > HTTP_URL_MAX || strchr(url, '#') != NULL) {
		return 0;
	}
	for (size_t i = 0; i < len; i++) {
		if (url[i] <= ' ' || url[i] >= 0x7f) {
			return 0;
		}
	}
	CURLU *u = curl_url();
	int ok = u != NULL && curl_url_set(u, CURLUPART_URL, url, CURLU_DISALLOW_USER) == CURLUE_OK &&
		 url_part(u, CURLUPART_SCHEME, scheme, sizeof(scheme)) &&
		 url_part(u, CURLUPART_HOST, host, sizeof(host)) && host[0] != '\0' &&
		 (strcmp(scheme, "https") == 0 || (allow_http && strcmp(scheme, "http") == 0));
	curl_url_cleanup(u);
	return ok;
}

int http_pin_valid(const char *pin)
{
	static const char prefix[] = "sha256//";
	if (strlen(pin) > HTTP_PIN_MAX) {
		return 0;
	}
	for (;;) {
		struct rv_buf digest = {0};
		size_t len = strcspn(pin, ";");
		int ok = len == strlen(prefix) + SHA256_BASE64 &&
			 strncmp(pin, prefix, strlen(prefix)) == 0 &&
			 strcspn(pin, " \t\r\n") >= len &&
			 rv_unbase64(&digest, pin + strlen(prefix), SHA256_BASE64) == 0 &&
			 digest.len == RV_DIGEST_LEN;
		rv_buf_free(&digest);
		if (!ok || pin[len] == '\0') {
			return ok;
		}
		pin += len + 1;
	}
}

/* ---- what comes in ---- */

static size_t on_body(char *data, size_t size, size_t n, void *ctx)
{
	struct exchange *x = ctx;
	size_t len = size * n;
	if (len > x->ask->max - x->body.len) {
		x->too_large = 1;
		return 0;
	}
	if (rv_buf_put(&x->body, data, len) != 0) {
		x->no_memory = 1;
		return 0;
	}
	return len;
}

/* The value of a header of that name, without white space around it; 0 if it is another one. */
static int header_value(const char *line, size_t len, const char *name, char *out, size_t size)
{
	size_t n = strlen(name);
	if (len <= n || strncasecmp(line, name, n) != 0 || line[n] != ':') {
		return 0;
	}
	const char *from = line + n + 1;
	const char *to = line + len;
	while (from < to && (*from == ' ' || *from == '\t')) {
		from++;
	}
	while (to > from && (unsigned char)to[-1] <= ' ') {
		to--;
	}
	out[0] = '\0';
	if ((size_t)(to - from) >= size) {
		return 1; /* too long to be kept: as if it were not there */
	}
	for (const char *p = from; p < to; p++) {
		if (*p < ' ' || *p >= 0x7f) {
			return 1;
		}
	}
	memcpy(out, from, (size_t)(to - from));
	out[to - from] = '\0';
	return 1;
}

static size_t on_header(char *line, size_t size, size_t n, void *ctx)
{
	struct exchange *x = ctx;
	size_t len = size * n;
	char coding[32];
	x->header_bytes += len;
	if (x->header_bytes > HTTP_HEADERS_MAX) {
		x->too_large = 1;
		return 0;
	}
	if (len > 5 && strncmp(line, "HTTP/", 5) == 0) { /* of the answer after a redirect */
		memset(&x->seen, 0, sizeof(x->seen));
		x->encoded = 0;
	} else if (header_value(line, len, "Content-Encoding", coding, sizeof(coding))) {
		x->encoded = strcasecmp(coding, "identity") != 0;
	} else if (!header_value(line, len, "ETag", x->seen.etag, sizeof(x->seen.etag))) {
		header_value(line, len, "Last-Modified", x->seen.modified, sizeof(x->seen.modified));
	}
	return len;
}

/* ---- setting up ---- */

static int add_header(struct curl_slist **list, const char *name, const char *value)
{
	struct rv_buf line = {0};
	rv_buf_printf(&line, "%s: %s", name, value);
	const char *text = rv_buf_cstr(&line);
	struct curl_slist *more = text != NULL ? curl_slist_append(*list, text) : NULL;
	rv_buf_free(&line);
	if (more == NULL) {
		return RV_ENOMEM;
	}
	*list = more;
	return 0;
}

static int make_headers(struct curl_slist **list_r, const struct http_ask *ask)
{
	const struct http_validator *v = ask->validator;
	int rc = add_header(list_r, "Accept", ask->accept != NULL ? ask->accept : "*/*");
	if (rc == 0 && v != NULL && v->etag[0] != '\0') {
		rc = add_header(list_r, "If-None-Match", v->etag);
	}
	if (rc == 0 && v != NULL && v->modified[0] != '\0') {
		rc = add_header(list_r, "If-Modified-Since", v->modified);
	}
	if (rc == 0 && ask->post != NULL) {
		rc = add_header(list_r, "Content-Type", ask->post_type);
	}
	return rc;
}

/* Any of these failing means that libcurl cannot do what is demanded: then nothing is asked. */
#define SET(option, value) ok = ok && curl_easy_setopt(h, option, value) == CURLE_OK

static int set_server(CURL *h, const struct http_ask *ask)
{
	int ok = 1;
	int by_key = ask->pin != NULL && ask->pin[0] != '\0';
	int by_file = ask->ca_file != NULL && ask->ca_file[0] != '\0';
	long chain = by_key && !by_file ? 0 : 1;
	SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	SET(CURLOPT_SSL_VERIFYPEER, chain);
	SET(CURLOPT_SSL_VERIFYHOST, chain ? 2L : 0L);
	if (by_file) {
		SET(CURLOPT_CAINFO, ask->ca_file);
		SET(CURLOPT_CAPATH, NULL);
	}
	if (by_key) {
		SET(CURLOPT_PINNEDPUBLICKEY, ask->pin);
	}
	SET(CURLOPT_PROXY, ask->proxy != NULL ? ask->proxy : "");
	SET(CURLOPT_NOPROXY, "");
	return ok;
}

static int set_limits(CURL *h, const struct http_ask *ask)
{
	int ok = 1;
	const char *schemes = strncasecmp(ask->url, "https:", 6) == 0 ? "https" : "http";
	SET(CURLOPT_PROTOCOLS_STR, schemes);
	SET(CURLOPT_REDIR_PROTOCOLS_STR, schemes);
	SET(CURLOPT_FOLLOWLOCATION, ask->redirects > 0 ? 1L : 0L);
	SET(CURLOPT_MAXREDIRS, (long)ask->redirects);
	SET(CURLOPT_CONNECTTIMEOUT_MS, (long)ask->connect_ms);
	SET(CURLOPT_TIMEOUT_MS, (long)ask->total_ms);
	SET(CURLOPT_LOW_SPEED_LIMIT, (long)ask->slow_bytes);
	SET(CURLOPT_LOW_SPEED_TIME, (long)ask->slow_s);
	SET(CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)ask->max);
	SET(CURLOPT_NOSIGNAL, 1L);
	SET(CURLOPT_QUICK_EXIT, 1L); /* a name server that hangs holds nobody up */
	SET(CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
	SET(CURLOPT_DISALLOW_USERNAME_IN_URL, 1L);
	SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	SET(CURLOPT_HTTP09_ALLOWED, 0L);
	SET(CURLOPT_FRESH_CONNECT, 1L);
	SET(CURLOPT_FORBID_REUSE, 1L);
	SET(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
	return ok;
}

static int set_request(CURL *h, struct exchange *x, struct curl_slist *headers)
{
	int ok = 1;
	const struct http_ask *ask = x->ask;
	SET(CURLOPT_URL, ask->url);
	SET(CURLOPT_USERAGENT, "reeved/" PACKAGE_VERSION);
	SET(CURLOPT_HTTPHEADER, headers);
	SET(CURLOPT_FAILONERROR, 1L);
	SET(CURLOPT_ERRORBUFFER, x->error);
	SET(CURLOPT_WRITEFUNCTION, on_body);
	SET(CURLOPT_WRITEDATA, x);
	SET(CURLOPT_HEADERFUNCTION, on_header);
	SET(CURLOPT_HEADERDATA, x);
	if (ask->post != NULL) {
		SET(CURLOPT_POST, 1L);
		SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)ask->post_len);
		SET(CURLOPT_POSTFIELDS, ask->post);
	}
	return ok;
}

static int check_ask(const struct http_ask *ask, struct rv_err *e)
{
	if (!http_url_valid(ask->url, ask->allow_http)) {
		rv_fail_rule(e, RV_EINVAL, "FETCH-URL", "%.200s is not an address that is fetched",
			ask->url);
		rv_err_mend(e, "Write https://HOST/PATH, without user name and fragment.");
		return RV_EINVAL;
	}
	if (ask->redirects > HTTP_REDIRECTS_MAX || (ask->post != NULL && ask->redirects > 0) ||
		(ask->pin != NULL && ask->pin[0] != '\0' && !http_pin_valid(ask->pin))) {
		return rv_fail(e, RV_EINVAL, "a request with too many redirects or a bad pin");
	}
	return 0;
}

/* ---- what came of it ---- */

static const struct {
	CURLcode curl;
	int code;
	const char *rule, *text, *mend;
} faults[] = {
	{CURLE_COULDNT_RESOLVE_HOST, RV_EIO, "FETCH-RESOLVE", "the name of the server is not known",
		"Check the address and the node's DNS."},
	{CURLE_COULDNT_RESOLVE_PROXY, RV_EIO, "FETCH-PROXY", "the name of the proxy is not known",
		"Check trust_proxy in reeve.conf."},
	{CURLE_COULDNT_CONNECT, RV_EIO, "FETCH-CONNECT", "the server cannot be reached",
		"Check the address, the firewall, and whether a proxy is needed (trust_proxy)."},
	{CURLE_PROXY, RV_EIO, "FETCH-PROXY", "the proxy refused",
		"Check trust_proxy in reeve.conf."},
	{CURLE_OPERATION_TIMEDOUT, RV_ETIMEOUT, "FETCH-TIMEOUT",
		"the server did not answer in time", "It is tried again by itself."},
	{CURLE_PEER_FAILED_VERIFICATION, RV_ECERT, "FETCH-TLS", "the server is not who it should be",
		"If its certificate is right, name its authority in trust_ca, or its key in trust_pin."},
	{CURLE_SSL_PINNEDPUBKEYNOTMATCH, RV_ECERT, "FETCH-PIN",
		"the server has another key than the one pinned",
		"Ask the server's owner for its key by a way that you trust; then set trust_pin."},
	{CURLE_SSL_CONNECT_ERROR, RV_ECERT, "FETCH-TLS", "no TLS connection could be made",
		"The server has to speak TLS 1.2 or 1.3."},
	{CURLE_SSL_CACERT_BADFILE, RV_ECONFIG, "FETCH-CA",
		"the file of certification authorities cannot be used",
		"Name a readable PEM file in trust_ca."},
	{CURLE_TOO_MANY_REDIRECTS, RV_EDENIED, "FETCH-REDIRECT", "the server redirects too often",
		"Name the address where it ends."},
	{CURLE_FILESIZE_EXCEEDED, RV_ELIMIT, "FETCH-TOO-LARGE", "the answer is too large",
		"Check that the address is the right one."},
	{CURLE_PARTIAL_FILE, RV_EIO, "FETCH-TRUNCATED", "the answer was cut short",
		"It is tried again by itself."},
	{CURLE_BAD_CONTENT_ENCODING, RV_EPARSE, "FETCH-ENCODING", "the answer is encoded",
		"The server must send it as it is."},
	{CURLE_WEIRD_SERVER_REPLY, RV_EPARSE, "FETCH-ANSWER", "the answer is not HTTP",
		"Check that the address is that of a web server."},
	{CURLE_UNSUPPORTED_PROTOCOL, RV_EDENIED, "FETCH-REDIRECT",
		"the server redirects to another protocol", "Name the address where it ends."},
	{CURLE_URL_MALFORMAT, RV_EDENIED, "FETCH-REDIRECT", "the server redirects to no address",
		"Name the address where it ends."},
};

static int fault_of(struct exchange *x, CURLcode curl, struct rv_err *e)
{
	const char *url = x->ask->url;
	if (x->no_memory || curl == CURLE_OUT_OF_MEMORY) {
		return rv_fail_nomem(e);
	}
	if (x->too_large) {
		curl = CURLE_FILESIZE_EXCEEDED;
	}
	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
		if (faults[i].curl == curl) {
			rv_fail_rule(e, faults[i].code, faults[i].rule, "%.200s: %s%s%.160s%s", url,
				faults[i].text, x->error[0] != '\0' ? " (" : "", x->error,
				x->error[0] != '\0' ? ")" : "");
			rv_err_mend(e, "%s", faults[i].mend);
			return faults[i].code;
		}
	}
	rv_fail_rule(e, RV_EIO, "FETCH-BROKEN", "%.200s: the exchange broke off (%.160s)", url,
		x->error[0] != '\0' ? x->error : curl_easy_strerror(curl));
	rv_err_mend(e, "It is tried again by itself.");
	return RV_EIO;
}

static int redirect_refused(const struct exchange *x, struct rv_err *e)
{
	char *to = NULL;
	curl_easy_getinfo(x->curl, CURLINFO_REDIRECT_URL, &to);
	rv_fail_rule(e, RV_EDENIED, "FETCH-REDIRECT", "%.200s: the server redirects to %.200s",
		x->ask->url, to != NULL ? to : "another place");
	rv_err_mend(e, "Name the address where it ends, if that is the right server.");
	return RV_EDENIED;
}

static int status_of(const struct exchange *x, int *unchanged_r, struct rv_err *e)
{
	long status = 0;
	const struct http_validator *v = x->ask->validator;
	curl_easy_getinfo(x->curl, CURLINFO_RESPONSE_CODE, &status);
	*unchanged_r = status == 304;
	if (status == 200 ||
		(status == 304 && v != NULL && (v->etag[0] != '\0' || v->modified[0] != '\0'))) {
		return 0;
	}
	if (status >= 300 && status < 400 && status != 304) {
		return redirect_refused(x, e);
	}
	int code = status == 404 || status == 410 ? RV_ENOTFOUND : RV_EAGAIN;
	rv_fail_rule(e, code, "FETCH-STATUS", "%.200s: the server answers with status %ld",
		x->ask->url, status);
	rv_err_mend(e, code == RV_ENOTFOUND ? "Check the path of the address."
					    : "It is tried again by itself.");
	return code;
}

static int take_answer(struct exchange *x, CURLcode curl, struct http_answer *a, struct rv_err *e)
{
	curl_off_t wait = 0;
	int unchanged = 0;
	curl_easy_getinfo(x->curl, CURLINFO_RETRY_AFTER, &wait);
	a->retry_after_s = wait > 0 ? (unsigned)(wait > 86400 ? 86400 : wait) : 0;
	if (curl != CURLE_OK && curl != CURLE_HTTP_RETURNED_ERROR) {
		return fault_of(x, curl, e);
	}
	int rc = status_of(x, &unchanged, e);
	if (rc == 0 && x->encoded && !unchanged) {
		rc = fault_of(x, CURLE_BAD_CONTENT_ENCODING, e);
	}
	if (rc != 0) {
		return rc;
	}
	a->unchanged = unchanged;
	if (!unchanged) {
		a->body = x->body;
		memset(&x->body, 0, sizeof(x->body));
	}
	if (!unchanged && x->ask->validator != NULL) {
		*x->ask->validator = x->seen;
	}
	return 0;
}

static int stopped(struct rv_err *e)
{
	return rv_fail_rule(e, RV_ECLOSED, "FETCH-STOPPED", "the node is stopping");
}

/* Runs the handle to its end. */
static int drive(struct http_client *c, CURLcode *result_r, struct rv_err *e)
{
	for (;;) {
		int running = 0;
		int left = 0;
		if (atomic_load(&c->stop)) {
			return stopped(e);
		}
		if (curl_multi_perform(c->multi, &running) != CURLM_OK) {
			return rv_fail_nomem(e);
		}
		const struct CURLMsg *m = curl_multi_info_read(c->multi, &left);
		if (m != NULL && m->msg == CURLMSG_DONE) {
			*result_r = m->data.result;
			return 0;
		}
		if (curl_multi_poll(c->multi, NULL, 0, POLL_MS, NULL) != CURLM_OK) {
			return rv_fail_nomem(e);
		}
	}
}

int http_client_run(struct http_client *c, const struct http_ask *ask, struct http_answer *a_r,
	struct rv_err *e)
{
	struct exchange x = {.ask = ask};
	struct http_answer a = {.unchanged = 0};
	struct curl_slist *headers = NULL;
	CURLcode result = CURLE_OK;
	int added = 0;
	int rc = check_ask(ask, e);
	a_r->retry_after_s = 0;
	if (rc != 0) {
		return rc;
	}
	x.curl = curl_easy_init();
	if (x.curl == NULL || make_headers(&headers, ask) != 0) {
		rc = rv_fail_nomem(e);
		goto out;
	}
	if (!set_server(x.curl, ask) || !set_limits(x.curl, ask) ||
		!set_request(x.curl, &x, headers)) {
		rc = rv_fail(e, RV_EINVAL, "libcurl refuses the limits of a request");
		goto out;
	}
	added = curl_multi_add_handle(c->multi, x.curl) == CURLM_OK;
	rc = added ? drive(c, &result, e) : rv_fail_nomem(e);
	if (rc == 0) {
		rc = take_answer(&x, result, &a, e);
		a_r->retry_after_s = a.retry_after_s;
	}
	if (rc == 0) {
		*a_r = a;
	}
out:
	if (added) {
		curl_multi_remove_handle(c->multi, x.curl);
	}
	curl_easy_cleanup(x.curl);
	curl_slist_free_all(headers);
	rv_buf_free(&x.body);
	return rc;
}
