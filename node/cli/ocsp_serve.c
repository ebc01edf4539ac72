/* SPDX-License-Identifier: Apache-2.0 */
#include "node/cli/ocsp_serve.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "node/api/http.h"
#include "protocol/id.h"

enum { CONNECTIONS = 64, BACKLOG = 128, HEADER_S = 10, STALL_S = 10, STALL_BYTES = 1 };
/* How often trouble is told. */
#define TROUBLE_MS 60000

struct server {
	const struct ocsp_serve *s;
	int64_t told_ms; /* 0: nothing yet */
};

static int64_t now_ms(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static void refuse(struct http_request *r, unsigned status, const char *text)
{
	http_answer(r, status, "text/plain", text, strlen(text), NULL);
}

static void respond(struct server *v, struct http_request *r, const void *request, size_t len)
{
	struct rv_err e = {0};
	struct rv_buf out = {0};
	int rc = ocsp_answer(
		v->s->ocsp, request, len, v->s->clock.now_us(v->s->clock.ctx), &out, &e);
	if (out.len > 0) {
		http_answer(r, 200, "application/ocsp-response", out.data, out.len, NULL);
	} else {
		http_abandon(r);
	}
	if (rc != 0 && (v->told_ms == 0 || now_ms() - v->told_ms > TROUBLE_MS)) {
		v->told_ms = now_ms();
		v->s->trouble(v->s->ctx, &e);
	}
	rv_buf_free(&out);
}

/* The base64 stands at the end of the path, behind whatever prefix a proxy has; its own slashes may
 * have cut it into several segments. */
static int request_of_path(const struct target *t, struct rv_buf *der)
{
	for (size_t from = 0; from < t->n_segments; from++) {
		struct rv_buf text = {0};
		for (size_t i = from; i < t->n_segments; i++) {
			rv_buf_printf(&text, "%s%s", i > from ? "/" : "", t->segments[i]);
		}
		int rc = rv_buf_ok(&text) && text.len > 0 && text.len <= 2 * OCSP_REQUEST_MAX
				 ? rv_unbase64(der, (const char *)text.data, text.len)
				 : RV_EPARSE;
		rv_buf_free(&text);
		if (rc == 0 && der->len > 0 && der->data[0] == 0x30) {
			return 0;
		}
		rv_buf_reset(der);
	}
	return RV_EPARSE;
}

static void on_begin(void *ctx, struct http_request *r)
{
	(void)ctx;
	const char *type = http_header(r, "Content-Type");
	if (http_method(r) == HTTP_OTHER || http_head_only(r)) {
		static const char *const allow[] = {"Allow", "GET, POST", NULL};
		http_answer(r, 405, "text/plain", "GET or POST\n", 12, allow);
	} else if (http_method(r) == HTTP_POST &&
		   (type == NULL || strcasecmp(type, "application/ocsp-request") != 0)) {
		refuse(r, 415, "the type must be application/ocsp-request\n");
	} else if (http_length(r) > OCSP_REQUEST_MAX) {
		refuse(r, 413, "the request is too large\n");
	} else {
		struct rv_buf *body = calloc(1, sizeof(*body));
		http_set_user(r, body);
		if (body == NULL) {
			http_abandon(r);
		}
	}
}

static void on_body(void *ctx, struct http_request *r, const void *data, size_t len)
{
	struct rv_buf *body = http_user(r);
	(void)ctx;
	if (body->len + len > OCSP_REQUEST_MAX) {
		http_discard(r);
		refuse(r, 413, "the request is too large\n");
	} else if (rv_buf_put(body, data, len) != 0) {
		http_abandon(r);
	}
}

static void on_end(void *ctx, struct http_request *r)
{
	struct server *v = ctx;
	struct rv_buf *body = http_user(r);
	const struct rv_err *e;
	const struct target *t = http_target(r, &e);
	if (http_method(r) == HTTP_POST) {
		respond(v, r, body->data, body->len);
		return;
	}
	rv_buf_reset(body);
	if (t == NULL || request_of_path(t, body) != 0) {
		refuse(r, 400, "this is an OCSP responder (RFC 6960)\n");
	} else {
		respond(v, r, body->data, body->len);
	}
}

static void on_gone(void *ctx, struct http_request *r)
{
	struct rv_buf *body = http_user(r);
	(void)ctx;
	if (body != NULL) {
		rv_buf_free(body);
		free(body);
		http_set_user(r, NULL);
	}
}

static int loop(struct http *h, int signal_fd, struct rv_err *e)
{
	int64_t ticked = now_ms();
	for (;;) {
		struct pollfd fds[] = {{http_fd(h), POLLIN, 0}, {signal_fd, POLLIN, 0}};
		int timeout = http_timeout_ms(h);
		timeout = timeout < 0 || timeout > 1000 ? 1000 : timeout;
		if (poll(fds, 2, timeout) < 0 && errno != EINTR) {
			return rv_fail_errno(e, errno, "cannot wait for requests");
		}
		/* taken, or it would strike when the signals are let through again */
		struct signalfd_siginfo info;
		if (fds[1].revents != 0 && read(signal_fd, &info, sizeof(info)) > 0) {
			return 0;
		}
		http_run(h);
		if (now_ms() - ticked >= 1000) {
			ticked = now_ms();
			http_tick(h);
		}
	}
}

int ocsp_serve(const struct ocsp_serve *s, struct rv_err *e)
{
	struct server v = {s, 0};
	struct http *h = NULL;
	sigset_t stop, before;
	sigemptyset(&stop);
	sigaddset(&stop, SIGTERM);
	sigaddset(&stop, SIGINT);
	int signal_fd = pthread_sigmask(SIG_BLOCK, &stop, &before) == 0
				? signalfd(-1, &stop, SFD_CLOEXEC | SFD_NONBLOCK)
				: -1;
	struct http_params p = {.listen_fd = s->listen_fd,
		.handlers = {&v, on_begin, on_body, on_end, on_gone},
		.connections = CONNECTIONS,
		.header_s = HEADER_S,
		.stall_s = STALL_S,
		.stall_bytes = STALL_BYTES,
		.now_ms = now_ms};
	int rc = signal_fd >= 0 ? http_new(&h, &p, e)
				: rv_fail_errno(e, errno, "cannot wait for signals");
	if (rc != 0) {
		close(s->listen_fd);
	} else {
		rc = loop(h, signal_fd, e);
	}
	http_free(&h);
	if (signal_fd >= 0) {
		close(signal_fd);
	}
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return rc;
}

/* ---- listening ---- */

/* host and port of "127.0.0.1:80" and "[::1]:80". */
static int cut_address(const char *address, char host[64], char port[8])
{
	const char *colon = strrchr(address, ':');
	size_t n = colon != NULL ? (size_t)(colon - address) : 0;
	if (n == 0 || n >= 64 || strlen(colon + 1) == 0 || strlen(colon + 1) >= 6 ||
		strspn(colon + 1, "0123456789") != strlen(colon + 1)) {
		return -1;
	}
	if (address[0] == '[' && n > 2 && colon[-1] == ']') {
		address++;
		n -= 2;
	}
	memcpy(host, address, n);
	host[n] = '\0';
	snprintf(port, 8, "%s", colon + 1);
	return 0;
}

int ocsp_listen(const char *address, int *fd_r, char bound[64], struct rv_err *e)
{
	char host[64], port[8];
	struct addrinfo hints = {.ai_family = AF_UNSPEC,
		.ai_socktype = SOCK_STREAM,
		.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE};
	struct addrinfo *found = NULL;
	struct sockaddr_storage own;
	socklen_t len = sizeof(own);
	int yes = 1;
	if (cut_address(address, host, port) != 0 || getaddrinfo(host, port, &hints, &found) != 0) {
		rv_fail(e, RV_EINVAL, "'%.80s' is no address to listen at", address);
		rv_err_mend(e, "Give a number and a port: 127.0.0.1:8888, or [::1]:8888.");
		return RV_EINVAL;
	}
	int fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int ok = fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes)) == 0 &&
		 bind(fd, found->ai_addr, found->ai_addrlen) == 0 && listen(fd, BACKLOG) == 0 &&
		 getsockname(fd, (struct sockaddr *)&own, &len) == 0;
	int rc = ok ? 0 : rv_fail_errno(e, errno, "cannot listen at %s", address);
	freeaddrinfo(found);
	if (ok) {
		getnameinfo((struct sockaddr *)&own, len, host, sizeof(host), port, sizeof(port),
			NI_NUMERICHOST | NI_NUMERICSERV);
		snprintf(bound, 64, strchr(host, ':') != NULL ? "[%.45s]:%s" : "%.45s:%s", host,
			port);
		*fd_r = fd;
	} else if (fd >= 0) {
		close(fd);
	}
	return rc;
}
