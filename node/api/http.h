/* SPDX-License-Identifier: Apache-2.0 */
#ifndef NODE_API_HTTP_H
#define NODE_API_HTTP_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "node/api/target.h"
#include "protocol/err.h"

/*
 * The HTTP server: libmicrohttpd behind a small face, so that nothing else knows it. libwebsockets
 * was tried first and is unfit for this: it hands the framing of a chunked body to the program as
 * if it were the body and never ends such a request, and it leaves clients that expect 100 Continue
 * waiting.
 *
 * One thread owns a server and calls everything here; it polls http_fd, calls http_run when it is
 * readable or http_timeout_ms has passed, and http_tick about once a second.
 *
 * A request goes begin > body* > end. In begin or end it is answered (http_answer...), or after end
 * it is left unanswered: then it sleeps until it is answered later. A body that nobody wants is
 * read and thrown away if it is small, so that the client sees the answer.
 */
struct http;
struct http_request;

enum http_method { HTTP_OTHER = 0, HTTP_GET = 1, HTTP_POST }; /* HEAD is GET */

struct http_handlers {
	void *ctx;
	void (*begin)(void *ctx, struct http_request *r); /* the header is here */
	void (*body)(void *ctx, struct http_request *r, const void *data, size_t len);
	void (*end)(void *ctx, struct http_request *r); /* all of it is here */
	void (*gone)(
		void *ctx, struct http_request *r); /* answered, or the client left: forget it */
};

struct http_params {
	int listen_fd; /* taken over */
	struct http_handlers handlers;
	unsigned connections;
	unsigned header_s, stall_s, stall_bytes;
	int64_t (*now_ms)(void); /* monotonic */
};

int http_new(struct http **h_r, const struct http_params *p, struct rv_err *e);
/* Ends all connections. No request may sleep any more: answer them first. */
void http_free(struct http **h);
int http_fd(const struct http *h);
int http_timeout_ms(struct http *h); /* -1: none */
void http_run(struct http *h);
void http_tick(struct http *h); /* ends who is too slow */

/* ---- a request ---- */
enum http_method http_method(const struct http_request *r);
int http_head_only(const struct http_request *r);
/* The parsed target; NULL when it could not be parsed: the error says why. */
const struct target *http_target(const struct http_request *r, const struct rv_err **e_r);
const char *http_header(const struct http_request *r, const char *name); /* NULL if absent */
/* Content-Length; -1 if it is not told (chunked, or there is no body). */
int64_t http_length(const struct http_request *r);
/* 1 if the peer of the connection is another user than ours, and not root. */
int http_is_stranger(const struct http_request *r);
void http_set_user(struct http_request *r, void *user);
void *http_user(const struct http_request *r);
int http_answered(const struct http_request *r);
/* How many bytes of the body went to nobody (after begin answered, or the handler said
 * http_discard). */
void http_discard(struct http_request *r); /* body() is called no more */
/* Ends the connection without an answer, soon. */
void http_abandon(struct http_request *r);

/* ---- answers: once a request. A request whose answer cannot be made for want of memory is
 * abandoned. ---- */
/* Names and values of further headers, ended by NULL; NULL: none. */
typedef const char *const http_headers[];
/* bytes are copied */
void http_answer(struct http_request *r, unsigned status, const char *type, const void *bytes,
	size_t len, const char *const *headers);
/* fd is taken over; size bytes of it. */
void http_answer_file(struct http_request *r, unsigned status, const char *type, int fd,
	uint64_t size, const char *const *headers);
/*
 * read fills buf: bytes written, 0: nothing now (it sleeps until http_stream_wake), -1: the end. It
 * is called until gone().
 */
void http_answer_stream(struct http_request *r, unsigned status, const char *type,
	ssize_t (*read)(void *ctx, char *buf, size_t max), void *ctx, const char *const *headers);
void http_stream_wake(struct http_request *r);

#endif
