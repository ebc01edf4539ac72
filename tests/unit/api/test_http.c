/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "node/api/http.h"
#include "protocol/buf.h"

/*
 * The server in this very thread, on simulated time, and raw bytes from the other side of real sockets.
 */

struct world {
	struct http *http;
	char dir[64], path[108];
	/* what the handlers saw */
	int begun, ended, gone;
	uint64_t body;
	struct http_request *last;
	const char *stream;      /* what the stream has to say next */
};

static int64_t fake_now;

static int64_t now_ms(void)
{
	return fake_now;
}

static ssize_t read_stream(void *ctx, char *buf, size_t max)
{
	struct world *w = ctx;
	if (!w->stream)
		return 0;
	if (!strcmp(w->stream, "END"))
		return -1;
	size_t n = strlen(w->stream);
	n = n < max ? n : max;
	memcpy(buf, w->stream, n);
	w->stream = NULL;
	return (ssize_t)n;
}

static int path_is(struct http_request *r, const char *name)
{
	const struct rv_err *e;
	const struct target *t = http_target(r, &e);
	return t && t->n_segments == 1 && !strcmp(t->segments[0], name);
}

static void on_begin(void *ctx, struct http_request *r)
{
	struct world *w = ctx;
	const struct rv_err *e;
	w->begun++;
	w->last = r;
	if (!http_target(r, &e))
		http_answer(r, 400, "text/plain", e->text, strlen(e->text), NULL);
	else if (path_is(r, "refuse"))
		http_answer(r, 403, "text/plain", "no", 2, NULL);
	else if (path_is(r, "abandon"))
		http_abandon(r);
}

static void on_body(void *ctx, struct http_request *r, const void *data, size_t len)
{
	struct world *w = ctx;
	if (path_is(r, "halfway"))
		http_answer(r, 507, "text/plain", "full", 4, NULL);
	w->body += len;
}

static void on_end(void *ctx, struct http_request *r)
{
	static const char *const headers[] = {"Location", "/there", NULL};
	struct world *w = ctx;
	w->ended++;
	if (path_is(r, "later"))
		return;
	if (path_is(r, "stream")) {
		http_answer_stream(r, 200, "text/event-stream", read_stream, w, NULL);
	} else if (path_is(r, "file")) {
		FILE *f = tmpfile();
		assert_non_null(f);
		assert_int_equal(ftruncate(fileno(f), 8 << 20), 0);
		http_answer_file(r, 200, "application/octet-stream", dup(fileno(f)), 8 << 20, NULL);
		fclose(f);
	} else {
		char text[32];
		int n = snprintf(text, sizeof text, "%llu", (unsigned long long)w->body);
		http_answer(r, 200, "text/plain", text, (size_t)n, headers);
	}
}

static void on_gone(void *ctx, struct http_request *r)
{
	struct world *w = ctx;
	w->gone++;
	if (w->last == r)
		w->last = NULL;
}

static int setup(void **state)
{
	struct world *w = calloc(1, sizeof *w);
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	strcpy(w->dir, "/tmp/reeve-http.XXXXXX");
	assert_non_null(mkdtemp(w->dir));
	snprintf(w->path, sizeof w->path, "%s/s", w->dir);
	strcpy(a.sun_path, w->path);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof a), 0);
	assert_int_equal(listen(fd, 8), 0);
	struct http_params p = {.listen_fd = fd, .handlers = {w, on_begin, on_body, on_end, on_gone}, .connections = 8,
		.header_s = 30, .stall_s = 30, .stall_bytes = 4096, .now_ms = now_ms};
	assert_int_equal(http_new(&w->http, &p, NULL), 0);
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;
	http_free(&w->http);
	http_free(&w->http);
	unlink(w->path);
	rmdir(w->dir);
	free(w);
	return 0;
}

static int dial(struct world *w)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	strcpy(a.sun_path, w->path);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof a), 0);
	return fd;
}

/* Lets the server work for as long as it has something to do. */
static void run(struct world *w)
{
	int idle = 0;
	while (idle < 3) {
		struct pollfd p = {.fd = http_fd(w->http), .events = POLLIN};
		idle = poll(&p, 1, 5) > 0 || http_timeout_ms(w->http) == 0 ? 0 : idle + 1;
		http_run(w->http);
	}
}

static void say(int fd, const char *text)
{
	assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
}

/* What has come so far; 1 at the end of the stream, 0 if it is still open. */
static int hear(int fd, struct rv_buf *b)
{
	char chunk[65536];
	for (;;) {
		ssize_t n = recv(fd, chunk, sizeof chunk, 0);
		if (n < 0 && errno == EAGAIN)
			return 0;
		if (n <= 0)
			return 1;
		rv_buf_put(b, chunk, (size_t)n);
	}
}

static char *exchange(struct world *w, int fd, const char *text)
{
	static char out[16384];
	struct rv_buf b = {0};
	say(fd, text);
	run(w);
	hear(fd, &b);
	run(w);
	hear(fd, &b);
	snprintf(out, sizeof out, "%s", rv_buf_cstr(&b));
	rv_buf_free(&b);
	return out;
}

static void expect(const char *answer, const char *part)
{
	if (!answer || !strstr(answer, part))
		fail_msg("'%s' is not in:\n%s", part, answer ? answer : "(nothing)");
}

#define HEAD " HTTP/1.1\r\nHost: x\r\n"

static void test_plain(void **state)
{
	struct world *w = *state;
	int fd = dial(w);
	char *answer = exchange(w, fd, "GET /x" HEAD "\r\n");
	expect(answer, "HTTP/1.1 200 OK\r\n");
	expect(answer, "Location: /there\r\n");
	expect(answer, "Cache-Control: no-store\r\n");
	expect(answer, "X-Content-Type-Options: nosniff\r\n");
	expect(answer, "\r\n\r\n0");
	/* The connection is kept; HEAD answers without a body. */
	answer = exchange(w, fd, "HEAD /x" HEAD "\r\n");
	expect(answer, "Content-Length: 1\r\n");
	assert_non_null(strstr(answer, "\r\n\r\n"));
	assert_string_equal(strstr(answer, "\r\n\r\n"), "\r\n\r\n");
	/* Two at once. */
	answer = exchange(w, fd, "GET /x" HEAD "\r\nGET /%zz" HEAD "\r\n");
	expect(answer, "200 OK");
	expect(answer, "400 Bad Request");
	close(fd);
	run(w);
	assert_int_equal(w->begun, w->gone);
}

static void test_bodies(void **state)
{
	struct world *w = *state;
	int fd = dial(w);
	expect(exchange(w, fd, "POST /x" HEAD "Content-Length: 5\r\n\r\nhello"), "\r\n\r\n5");
	w->body = 0;
	expect(exchange(w, fd, "POST /x" HEAD "Transfer-Encoding: chunked\r\n\r\nb\r\nhello world\r\n0\r\n\r\n"), "\r\n\r\n11");
	/* Who waits for the go-ahead gets it. */
	char *answer = exchange(w, fd, "POST /x" HEAD "Expect: 100-continue\r\nContent-Length: 2\r\n\r\n");
	expect(answer, "100 Continue");
	assert_null(strstr(answer, "200 OK"));
	w->body = 0;
	expect(exchange(w, fd, "hi"), "\r\n\r\n2");
	/* ...or the refusal instead. */
	answer = exchange(w, fd, "POST /refuse" HEAD "Expect: 100-continue\r\nContent-Length: 2\r\n\r\n");
	expect(answer, "403 Forbidden");
	assert_null(strstr(answer, "100 Continue"));
	close(fd);
	/* Who sends unasked is heard out, then told. The body reaches nobody. */
	fd = dial(w);
	w->body = 0;
	expect(exchange(w, fd, "POST /refuse" HEAD "Content-Length: 5\r\n\r\nhel"), "");
	assert_int_equal(w->gone, w->begun - 1);
	expect(exchange(w, fd, "lo"), "403 Forbidden");
	assert_int_equal(w->body, 0);
	expect(exchange(w, fd, "POST /refuse" HEAD "Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n"), "403");
	expect(exchange(w, fd, "POST /halfway" HEAD "Content-Length: 5\r\n\r\nhello"), "507");
	close(fd);
	run(w);
	assert_int_equal(w->begun, w->gone);
}

static void test_malformed(void **state)
{
	struct world *w = *state;
	static const char *const bad[] = {"nonsense\r\n\r\n", "GET\r\n\r\n", "POST /x" HEAD "Content-Length: -1\r\n\r\n",
		"POST /x" HEAD "Content-Length: 99999999999999999999999\r\n\r\n",
		"POST /x" HEAD "Transfer-Encoding: chunked\r\n\r\nzz\r\n", "GET /x HTTP/1.1\r\n\r\n", NULL};
	for (const char *const *b = bad; *b; b++) {
		int fd = dial(w);
		char *answer = exchange(w, fd, *b);
		assert_null(strstr(answer, "200 OK"));
		close(fd);
		run(w);
	}
	/* A header that does not fit. */
	int fd = dial(w);
	char *long_header = calloc(1, 70000);
	strcpy(long_header, "GET /x" HEAD "X: ");
	memset(long_header + strlen(long_header), 'a', 60000);
	ssize_t n = send(fd, long_header, strlen(long_header), MSG_NOSIGNAL);
	assert_true(n > 0);
	run(w);
	struct rv_buf b = {0};
	hear(fd, &b);
	assert_non_null(rv_buf_cstr(&b));
	assert_null(strstr((const char *)b.data, "200 OK"));
	rv_buf_free(&b);
	free(long_header);
	close(fd);
	run(w);
	assert_int_equal(w->begun, w->gone);
}

static void test_later(void **state)
{
	struct world *w = *state;
	int fd = dial(w);
	assert_string_equal(exchange(w, fd, "POST /later" HEAD "Content-Length: 1\r\n\r\nx"), "");
	assert_int_equal(w->ended, 1);
	/* Nobody ends it for being slow: it waits for us. */
	fake_now += 3600 * 1000;
	http_tick(w->http);
	http_answer(w->last, 201, "text/plain", "done", 4, NULL);
	run(w);
	struct rv_buf b = {0};
	assert_int_equal(hear(fd, &b), 0);
	expect(rv_buf_cstr(&b), "201 Created");
	rv_buf_free(&b);
	/* The client leaves meanwhile. */
	assert_string_equal(exchange(w, fd, "GET /later" HEAD "\r\n"), "");
	close(fd);
	run(w);
	http_answer(w->last, 200, "text/plain", "done", 4, NULL);
	run(w);
	assert_int_equal(w->begun, w->gone);
	/* Abandoned at once, and asleep. */
	fd = dial(w);
	say(fd, "GET /abandon" HEAD "\r\n");
	run(w);
	assert_int_equal(hear(fd, &b), 1);
	close(fd);
	fd = dial(w);
	assert_string_equal(exchange(w, fd, "GET /later" HEAD "\r\n"), "");
	http_abandon(w->last);
	run(w);
	assert_int_equal(hear(fd, &b), 1);
	close(fd);
	rv_buf_free(&b);
	assert_int_equal(w->begun, w->gone);
}

static void test_stream(void **state)
{
	struct world *w = *state;
	int fd = dial(w);
	w->stream = "one";
	char *answer = exchange(w, fd, "GET /stream" HEAD "\r\n");
	expect(answer, "Content-Type: text/event-stream");
	expect(answer, "one");
	/* Hours of silence are fine while there is nothing to say. */
	fake_now += 3600 * 1000;
	http_tick(w->http);
	run(w);
	w->stream = "two";
	http_stream_wake(w->last);
	run(w);
	struct rv_buf b = {0};
	assert_int_equal(hear(fd, &b), 0);
	expect(rv_buf_cstr(&b), "two");
	w->stream = "END";
	http_stream_wake(w->last);
	run(w);
	rv_buf_reset(&b);
	hear(fd, &b);
	expect(rv_buf_cstr(&b), "0\r\n\r\n");
	close(fd);
	w->stream = NULL;
	/* A follower that left is found out when there is something to say. */
	fd = dial(w);
	exchange(w, fd, "GET /stream" HEAD "\r\n");
	close(fd);
	run(w);
	w->stream = "three";
	http_stream_wake(w->last);
	run(w);
	assert_int_equal(w->begun, w->gone);
	rv_buf_free(&b);
}

static void test_file(void **state)
{
	struct world *w = *state;
	int fd = dial(w);
	struct rv_buf b = {0};
	say(fd, "GET /file" HEAD "\r\n");
	for (int i = 0; i < 5000 && b.len < (8 << 20); i++) {
		http_run(w->http);
		hear(fd, &b);
	}
	run(w);
	hear(fd, &b);
	assert_true(b.len > (8 << 20));
	rv_buf_free(&b);
	close(fd);
	run(w);
	assert_int_equal(w->begun, w->gone);
}

static void expect_cut(struct world *w, int fd, int cut)
{
	struct rv_buf b = {0};
	http_tick(w->http);
	run(w);
	assert_int_equal(hear(fd, &b), cut);
	rv_buf_free(&b);
	if (cut)
		close(fd);
}

static void test_slow(void **state)
{
	struct world *w = *state;
	/* Says nothing; dribbles a header. */
	int fd = dial(w), dribble = dial(w);
	run(w);
	for (int i = 0; i < 29; i++) {
		say(dribble, "G");
		fake_now += 1000;
		http_tick(w->http);
		run(w);
	}
	expect_cut(w, fd, 0);
	expect_cut(w, dribble, 0);
	fake_now += 1500;
	expect_cut(w, fd, 1);
	expect_cut(w, dribble, 1);
	/* A kept connection that says nothing more. */
	fd = dial(w);
	exchange(w, fd, "GET /x" HEAD "\r\n");
	fake_now += 29000;
	expect_cut(w, fd, 0);
	fake_now += 2000;
	expect_cut(w, fd, 1);
	/* A body that comes, but too slowly; another that is fast enough goes on for as long as it likes. */
	fd = dial(w);
	int steady = dial(w);
	say(fd, "POST /x" HEAD "Content-Length: 100000000\r\n\r\n");
	say(steady, "POST /x" HEAD "Content-Length: 100000000\r\n\r\n");
	char block[4097];
	memset(block, 'x', 4096);
	block[4096] = 0;
	for (int i = 0; i < 4; i++) {
		if (i < 1)
			say(fd, "slow");
		say(steady, block);
		run(w);
		fake_now += 31000;
		expect_cut(w, steady, 0);
	}
	expect_cut(w, fd, 1);
	close(steady);
	run(w);
	/* An answer that nobody takes. */
	fd = dial(w);
	say(fd, "GET /file" HEAD "\r\n");
	run(w);
	fake_now += 31000;
	http_tick(w->http);
	fake_now += 31000;
	http_tick(w->http);
	run(w);
	assert_int_equal(w->begun, w->gone);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_plain, setup, teardown),
		cmocka_unit_test_setup_teardown(test_bodies, setup, teardown),
		cmocka_unit_test_setup_teardown(test_malformed, setup, teardown),
		cmocka_unit_test_setup_teardown(test_later, setup, teardown),
		cmocka_unit_test_setup_teardown(test_stream, setup, teardown),
		cmocka_unit_test_setup_teardown(test_file, setup, teardown),
		cmocka_unit_test_setup_teardown(test_slow, setup, teardown),
	};
	return cmocka_run_group_tests_name("api http", tests, NULL, NULL);
}
