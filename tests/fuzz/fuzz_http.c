/* SPDX-License-Identifier: Apache-2.0 */
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "node/api/api_int.h"

/*
 * What a local client can send to the API: the target of a request and its parameters (first byte even), or raw bytes of a whole
 * connection through the HTTP server (first byte odd).
 */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct http *server;
static char dir[64], path[108];

static void must(int condition)
{
	if (!condition)
		abort();
}

/* ---- the target ---- */

static void one_target(const char *raw)
{
	struct target t;
	struct rv_attachment a;
	const char *args[2];
	int other;
	uint64_t n;
	if (target_parse(&t, raw, NULL))
		return;
	const struct route *r = route_find(&t, HTTP_GET, args, &other);
	route_find(&t, HTTP_POST, args, &other);
	must(!r || (r >= api_routes && r < api_routes + api_n_routes));
	for (size_t i = 0; i < t.n_params; i++) {
		must(target_param(&t, t.params[i].name) != NULL);
		target_number(&n, t.params[i].value, INT64_MAX);
		if (!target_attachment(&a, t.params[i].value, NULL))
			must(a.name[0] && a.name[0] != '.' && !strchr(a.name, '/'));
	}
	target_clear(&t);
}

/* ---- the connection ---- */

static int64_t now_ms(void)
{
	return 0;
}

static void on_begin(void *ctx, struct http_request *r)
{
	const struct rv_err *e;
	http_length(r);
	if (!http_target(r, &e))
		http_answer(r, 400, "text/plain", e->text, strlen(e->text), NULL);
}

static void on_body(void *ctx, struct http_request *r, const void *bytes, size_t len)
{
	if (len > 100)
		http_discard(r);
}

static void on_end(void *ctx, struct http_request *r)
{
	http_answer(r, 200, "text/plain", "x", 1, NULL);
}

static void on_gone(void *ctx, struct http_request *r)
{
}

static void clean_up(void)
{
	http_free(&server);
	unlink(path);
	rmdir(dir);
}

static void start(void)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	strcpy(dir, "/tmp/reeve-fuzz.XXXXXX");
	must(mkdtemp(dir) != NULL);
	snprintf(path, sizeof path, "%s/s", dir);
	strcpy(a.sun_path, path);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
	must(fd >= 0 && !bind(fd, (struct sockaddr *)&a, sizeof a) && !listen(fd, 8));
	struct http_params p = {.listen_fd = fd, .handlers = {NULL, on_begin, on_body, on_end, on_gone}, .connections = 8,
		.header_s = 30, .stall_s = 30, .stall_bytes = 4096, .now_ms = now_ms};
	must(!http_new(&server, &p, NULL));
	atexit(clean_up);
}

static void one_connection(const uint8_t *data, size_t size)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	char answer[4096];
	if (!server)
		start();
	strcpy(a.sun_path, path);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
	must(fd >= 0 && !connect(fd, (struct sockaddr *)&a, sizeof a));
	for (int i = 0; i < 64; i++) {
		if (size) {
			ssize_t n = send(fd, data, size, MSG_NOSIGNAL);
			if (n > 0) {
				data += n;
				size -= (size_t)n;
			}
		}
		http_run(server);
		while (recv(fd, answer, sizeof answer, 0) > 0)
			;
		struct pollfd p = {.fd = http_fd(server), .events = POLLIN};
		if (!size && !poll(&p, 1, 0) && http_timeout_ms(server) != 0)
			break;
	}
	close(fd);
	http_run(server);
	http_run(server);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (!size)
		return 0;
	if (data[0] & 1) {
		one_connection(data + 1, size - 1);
		return 0;
	}
	char *text = malloc(size);
	must(text != NULL);
	memcpy(text, data + 1, size - 1);
	text[size - 1] = 0;
	one_target(text);
	free(text);
	return 0;
}
