/* SPDX-License-Identifier: Apache-2.0 */
#include "node/api/http.h"

#include <errno.h>
#include <microhttpd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	HEADER_BYTES = 32 * 1024,        /* of a request's line and headers */
	DISCARD_BYTES = 8 * 1024 * 1024, /* of a body that nobody wants */
	BLOCK = 64 * 1024
};

/* What a connection is doing, as far as its patience goes. */
enum phase {
	PHASE_HEADER, /* we wait for a whole header */
	PHASE_BODY,   /* bytes must keep coming */
	PHASE_WORK,   /* it waits for us */
	PHASE_SEND,   /* it must take what we answer */
	PHASE_STREAM  /* it takes what there is, when there is something */
};

struct connection {
	struct connection *prev, *next;
	int fd;
	int stranger;
	enum phase phase;
	int64_t since_ms; /* of the phase, or of the current window of stall_s */
	uint64_t moved;   /* bytes in this window */
	int stuck;        /* PHASE_STREAM: bytes were handed over and not asked for again */
};

struct http {
	struct MHD_Daemon *daemon;
	struct http_params params;
	struct connection *connections;
};

struct http_request {
	struct http *http;
	struct MHD_Connection *mhd;
	struct connection *connection;
	struct target target;
	struct rv_err target_err;
	int target_rc;
	enum http_method method;
	int head_only, begun, ended, discard, abandoned, asleep;
	uint64_t discarded;
	void *user;
	/* the answer, until it is queued */
	struct MHD_Response *response;
	unsigned status;
	int answered, streams;
	/* http_answer_file, http_answer_stream */
	int fd;
	ssize_t (*read)(void *ctx, char *buf, size_t max);
	void *read_ctx;
};

static void enter(struct connection *c, enum phase phase)
{
	c->phase = phase;
	c->moved = 0;
	c->stuck = 0;
}

static void enter_now(struct http *h, struct connection *c, enum phase phase)
{
	enter(c, phase);
	c->since_ms = h->params.now_ms();
}

/* ---- connections ---- */

static int is_stranger(int fd)
{
	struct ucred peer;
	socklen_t len = sizeof peer;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) || len != sizeof peer)
		return 1;
	return peer.uid != 0 && peer.uid != geteuid();
}

static void on_connection(void *cls, struct MHD_Connection *mhd, void **context,
	enum MHD_ConnectionNotificationCode code)
{
	struct http *h = cls;
	if (code == MHD_CONNECTION_NOTIFY_CLOSED) {
		struct connection *c = *context;
		if (!c)
			return;
		if (c->prev)
			c->prev->next = c->next;
		else
			h->connections = c->next;
		if (c->next)
			c->next->prev = c->prev;
		free(c);
		*context = NULL;
		return;
	}
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD);
	struct connection *c = calloc(1, sizeof *c);
	*context = c;
	if (!c || !info)
		return;
	c->fd = info->connect_fd;
	c->stranger = is_stranger(c->fd);
	c->next = h->connections;
	if (c->next)
		c->next->prev = c;
	h->connections = c;
	enter_now(h, c, PHASE_HEADER);
}

static struct connection *connection_of(struct MHD_Connection *mhd)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
	return info ? info->socket_context : NULL;
}

/* The library sees the end of the connection at its next look, and cleans up by its own rules. */
static void cut(const struct connection *c)
{
	shutdown(c->fd, SHUT_RDWR);
}

void http_tick(struct http *h)
{
	int64_t now = h->params.now_ms();
	for (struct connection *c = h->connections; c; c = c->next) {
		int64_t waited = now - c->since_ms;
		int64_t limit = (int64_t)(c->phase == PHASE_HEADER ? h->params.header_s
								   : h->params.stall_s) *
				1000;
		if (waited < limit || c->phase == PHASE_WORK ||
			(c->phase == PHASE_STREAM && !c->stuck))
			continue;
		if (c->phase == PHASE_HEADER || c->phase == PHASE_STREAM ||
			c->moved < h->params.stall_bytes) {
			cut(c);
		} else {
			c->moved = 0;
			c->since_ms = now;
		}
	}
}

/* ---- requests ---- */

/* The first sight of a request: its target, before the library has decoded anything. */
static void *on_target(void *cls, const char *raw, struct MHD_Connection *mhd)
{
	struct http_request *r = calloc(1, sizeof *r);
	struct connection *c = connection_of(mhd);
	if (!r || !c) {
		free(r);
		return NULL;
	}
	r->http = cls;
	r->mhd = mhd;
	r->connection = c;
	r->fd = -1;
	r->target_rc = target_parse(&r->target, raw, &r->target_err);
	return r;
}

static void on_completed(
	void *cls, struct MHD_Connection *mhd, void **context, enum MHD_RequestTerminationCode code)
{
	struct http_request *r = *context;
	struct http *h = cls;
	if (!r)
		return;
	if (r->begun)
		h->params.handlers.gone(h->params.handlers.ctx, r);
	if (r->response)
		MHD_destroy_response(r->response);
	if (r->fd >= 0)
		close(r->fd);
	target_clear(&r->target);
	enter_now(h, r->connection, PHASE_HEADER);
	free(r);
	*context = NULL;
}

static enum MHD_Result queue_answer(struct http_request *r)
{
	enter_now(r->http, r->connection, r->streams ? PHASE_STREAM : PHASE_SEND);
	enum MHD_Result result = MHD_queue_response(r->mhd, r->status, r->response);
	MHD_destroy_response(r->response);
	r->response = NULL;
	return result;
}

static enum http_method method_of(const char *method, int *head_only)
{
	*head_only = !strcmp(method, MHD_HTTP_METHOD_HEAD);
	if (*head_only || !strcmp(method, MHD_HTTP_METHOD_GET))
		return HTTP_GET;
	return !strcmp(method, MHD_HTTP_METHOD_POST) ? HTTP_POST : HTTP_OTHER;
}

static enum MHD_Result begin(struct http_request *r, const char *method)
{
	struct http *h = r->http;
	r->begun = 1;
	r->method = method_of(method, &r->head_only);
	enter_now(h, r->connection, PHASE_BODY);
	h->params.handlers.begin(h->params.handlers.ctx, r);
	if (r->abandoned)
		return MHD_NO;
	/* Who asks first (100-continue) is told at once; who sends unasked is heard out if it is
	 * not much. */
	int64_t length = http_length(r);
	int chunked = http_header(r, "Transfer-Encoding") != NULL;
	if (r->answered &&
		(http_header(r, "Expect") || length > DISCARD_BYTES || (length <= 0 && !chunked)))
		return queue_answer(r);
	return MHD_YES;
}

static enum MHD_Result take_body(struct http_request *r, const char *data, size_t *size)
{
	struct http *h = r->http;
	size_t n = *size;
	*size = 0;
	r->connection->moved += n;
	if (!r->answered && !r->discard) {
		h->params.handlers.body(h->params.handlers.ctx, r, data, n);
		return r->abandoned ? MHD_NO : MHD_YES;
	}
	r->discarded += n;
	return r->discarded > DISCARD_BYTES ? MHD_NO : MHD_YES;
}

static enum MHD_Result finish(struct http_request *r)
{
	struct http *h = r->http;
	if (!r->ended) {
		r->ended = 1;
		enter_now(h, r->connection, PHASE_WORK);
		if (!r->answered)
			h->params.handlers.end(h->params.handlers.ctx, r);
	}
	if (r->abandoned)
		return MHD_NO;
	if (r->answered)
		return queue_answer(r);
	r->asleep = 1;
	MHD_suspend_connection(r->mhd);
	return MHD_YES;
}

static enum MHD_Result on_request(void *cls, struct MHD_Connection *mhd, const char *url,
	const char *method, const char *version, const char *data, size_t *size, void **context)
{
	struct http_request *r = *context;
	if (!r)
		return MHD_NO;
	if (!r->begun)
		return begin(r, method);
	if (*size)
		return take_body(r, data, size);
	return finish(r);
}

/* ---- the server ---- */

int http_new(struct http **h_r, const struct http_params *p, struct rv_err *e)
{
	struct http *h = calloc(1, sizeof *h);
	if (!h)
		return rv_fail_nomem(e);
	h->params = *p;
	/* The library's own timeout is only a net below http_tick: it starts anew with every byte.
	 */
	unsigned idle_s = p->header_s > p->stall_s ? p->header_s : p->stall_s;
	h->daemon = MHD_start_daemon(
		MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_PEDANTIC_CHECKS, 0, NULL, NULL,
		on_request, h, MHD_OPTION_LISTEN_SOCKET, p->listen_fd, MHD_OPTION_CONNECTION_LIMIT,
		p->connections, MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)HEADER_BYTES,
		MHD_OPTION_CONNECTION_TIMEOUT, idle_s + 2, MHD_OPTION_NOTIFY_CONNECTION,
		on_connection, h, MHD_OPTION_NOTIFY_COMPLETED, on_completed, h,
		MHD_OPTION_URI_LOG_CALLBACK, on_target, h, MHD_OPTION_END);
	if (!h->daemon) {
		free(h);
		return rv_fail(e, RV_ESYS, "the HTTP server could not be started");
	}
	*h_r = h;
	return 0;
}

void http_free(struct http **hp)
{
	struct http *h = hp ? *hp : NULL;
	if (!h)
		return;
	MHD_stop_daemon(h->daemon);
	free(h);
	*hp = NULL;
}

int http_fd(const struct http *h)
{
	const union MHD_DaemonInfo *info = MHD_get_daemon_info(h->daemon, MHD_DAEMON_INFO_EPOLL_FD);
	return info ? info->epoll_fd : -1;
}

int http_timeout_ms(struct http *h)
{
	MHD_UNSIGNED_LONG_LONG ms;
	if (MHD_get_timeout(h->daemon, &ms) != MHD_YES)
		return -1;
	return ms > 60000 ? 60000 : (int)ms;
}

void http_run(struct http *h)
{
	MHD_run(h->daemon);
}

/* ---- what handlers ask ---- */

enum http_method http_method(const struct http_request *r)
{
	return r->method;
}

int http_head_only(const struct http_request *r)
{
	return r->head_only;
}

const struct target *http_target(const struct http_request *r, const struct rv_err **e_r)
{
	*e_r = &r->target_err;
	return r->target_rc ? NULL : &r->target;
}

const char *http_header(const struct http_request *r, const char *name)
{
	return MHD_lookup_connection_value(r->mhd, MHD_HEADER_KIND, name);
}

int64_t http_length(const struct http_request *r)
{
	const char *text = http_header(r, "Content-Length");
	uint64_t n;
	/* The library has refused what is no number before we see it. */
	return text && !target_number(&n, text, INT64_MAX) ? (int64_t)n : -1;
}

int http_is_stranger(const struct http_request *r)
{
	return r->connection->stranger;
}

void http_set_user(struct http_request *r, void *user)
{
	r->user = user;
}

void *http_user(const struct http_request *r)
{
	return r->user;
}

int http_answered(const struct http_request *r)
{
	return r->answered;
}

void http_discard(struct http_request *r)
{
	r->discard = 1;
}

static void wake(struct http_request *r)
{
	if (r->asleep) {
		r->asleep = 0;
		MHD_resume_connection(r->mhd);
	}
}

void http_abandon(struct http_request *r)
{
	r->abandoned = 1;
	cut(r->connection);
	wake(r);
}

/* ---- answers ---- */

static void set_answer(struct http_request *r, unsigned status, const char *type,
	struct MHD_Response *response, const char *const *headers)
{
	if (r->answered || !response) {
		if (response)
			MHD_destroy_response(response);
		if (!r->answered)
			http_abandon(r);
		return;
	}
	enum MHD_Result good = MHD_add_response_header(response, "Content-Type", type);
	/* What this node has is nobody's to keep, to guess at or to run. */
	good &= MHD_add_response_header(response, "Cache-Control", "no-store");
	good &= MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
	for (; headers && *headers; headers += 2)
		good &= MHD_add_response_header(response, headers[0], headers[1]);
	if (good != MHD_YES) {
		MHD_destroy_response(response);
		http_abandon(r);
		return;
	}
	r->response = response;
	r->status = status;
	r->answered = 1;
	wake(r);
}

void http_answer(struct http_request *r, unsigned status, const char *type, const void *bytes,
	size_t len, const char *const *headers)
{
	/* The library takes a pointer without const, and copies from it. */
	void *data = (void *)(uintptr_t)bytes;
	set_answer(r, status, type,
		MHD_create_response_from_buffer(len, data, MHD_RESPMEM_MUST_COPY), headers);
}

static ssize_t read_file(void *cls, uint64_t position, char *buf, size_t max)
{
	struct http_request *r = cls;
	ssize_t n;
	do
		n = pread(r->fd, buf, max, (off_t)position);
	while (n < 0 && errno == EINTR);
	if (n <= 0)
		return MHD_CONTENT_READER_END_WITH_ERROR;
	r->connection->moved += (uint64_t)n;
	return n;
}

void http_answer_file(struct http_request *r, unsigned status, const char *type, int fd,
	uint64_t size, const char *const *headers)
{
	if (r->fd >= 0)
		close(r->fd);
	r->fd = fd;
	set_answer(r, status, type,
		MHD_create_response_from_callback(size, BLOCK, read_file, r, NULL), headers);
}

static ssize_t read_stream(void *cls, uint64_t position, char *buf, size_t max)
{
	struct http_request *r = cls;
	if (r->abandoned)
		return MHD_CONTENT_READER_END_WITH_ERROR;
	ssize_t n = r->read(r->read_ctx, buf, max);
	r->connection->stuck = n > 0;
	r->connection->since_ms = r->http->params.now_ms();
	if (n < 0)
		return MHD_CONTENT_READER_END_OF_STREAM;
	if (!n && !r->asleep) {
		r->asleep = 1;
		MHD_suspend_connection(r->mhd);
	}
	return n;
}

void http_answer_stream(struct http_request *r, unsigned status, const char *type,
	ssize_t (*read)(void *ctx, char *buf, size_t max), void *ctx, const char *const *headers)
{
	r->read = read;
	r->read_ctx = ctx;
	r->streams = 1;
	set_answer(r, status, type,
		MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, 4096, read_stream, r, NULL),
		headers);
}

void http_stream_wake(struct http_request *r)
{
	wake(r);
}
