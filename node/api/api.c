/* SPDX-License-Identifier: Apache-2.0 */
#include "node/api/api_int.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { TICK_MS = 1000, BACKLOG = 64 };

int64_t api_now_ms(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* ---- the socket ---- */

static int address(struct sockaddr_un *a, const char *path, struct rv_err *e)
{
	memset(a, 0, sizeof *a);
	a->sun_family = AF_UNIX;
	if (strlen(path) >= sizeof a->sun_path) {
		rv_fail(e, RV_ECONFIG, "the path of the API socket is too long: %s", path);
		rv_err_mend(e, "It may have at most %zu bytes.", sizeof a->sun_path - 1);
		return RV_ECONFIG;
	}
	strcpy(a->sun_path, path);
	return 0;
}

/* A socket that nobody answers was left by a node that ended badly. */
static int drop_stale(const struct sockaddr_un *a, struct rv_err *e)
{
	struct stat st;
	if (lstat(a->sun_path, &st))
		return 0;
	if (!S_ISSOCK(st.st_mode))
		return rv_fail(e, RV_EEXIST, "%s is in the way: it is no socket", a->sun_path);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return rv_fail_errno(e, errno, "no socket");
	int answered = !connect(fd, (const struct sockaddr *)a, sizeof *a);
	close(fd);
	if (answered) {
		rv_fail(e, RV_EEXIST, "another node serves %s", a->sun_path);
		rv_err_mend(e, "One node a folder: stop the other first.");
		return RV_EEXIST;
	}
	if (unlink(a->sun_path) && errno != ENOENT)
		return rv_fail_errno(e, errno, "%s cannot be removed", a->sun_path);
	return 0;
}

static int listen_at(const char *path, int *fd_r, struct rv_err *e)
{
	struct sockaddr_un a;
	int fd = -1, rc = address(&a, path, e);
	if (!rc)
		rc = drop_stale(&a, e);
	if (rc)
		return rc;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	/* The mode is set before anyone can connect. */
	if (fd < 0 || bind(fd, (const struct sockaddr *)&a, sizeof a) || chmod(path, 0600) ||
		listen(fd, BACKLOG)) {
		rc = rv_fail_errno(e, errno, "the API cannot listen at %s", path);
		if (fd >= 0)
			close(fd);
		return rc;
	}
	*fd_r = fd;
	return 0;
}

/* ---- what the core owes ---- */

struct pending *pending_new(struct call *c)
{
	struct api *a = c->api;
	struct pending *p = calloc(1, sizeof *p);
	if (!p) {
		answer_fail(c, RV_ENOMEM, "memory is short");
		return NULL;
	}
	p->api = a;
	p->call = c;
	p->due_ms = api_now_ms() + (int64_t)a->params.limits.answer_s * 1000;
	c->pending = p;
	pthread_mutex_lock(&a->lock);
	a->owed++;
	pthread_mutex_unlock(&a->lock);
	return p;
}

static void pending_free(struct pending *p)
{
	free(p->body);
	free(p);
}

void pending_cancel(struct pending *p)
{
	struct api *a = p->api;
	if (p->call)
		p->call->pending = NULL;
	pthread_mutex_lock(&a->lock);
	a->owed--;
	pthread_mutex_unlock(&a->lock);
	pending_free(p);
}

static void ring(const struct api *a)
{
	uint64_t one = 1;
	ssize_t n;
	do
		n = write(a->event_fd, &one, sizeof one);
	while (n < 0 && errno == EINTR);
	/* EAGAIN: the counter is full, so the thread has a reason to wake already. */
}

void pending_done(struct pending *p)
{
	struct api *a = p->api;
	pthread_mutex_lock(&a->lock);
	p->next = a->done;
	a->done = p;
	a->owed--;
	/* Inside the lock: after it the api may be gone. */
	ring(a);
	pthread_cond_signal(&a->settled);
	pthread_mutex_unlock(&a->lock);
}

static void answer_pending(struct pending *p)
{
	struct call *c = p->call;
	c->pending = NULL;
	const char *const headers[] = {"Location", p->location, NULL};
	if (p->body)
		http_answer(c->http, p->status, p->type, p->body, strlen(p->body),
			p->location[0] ? headers : NULL);
	else if (p->status == 204)
		answer_empty(c, p->status);
	else
		answer_fail(c, RV_ENOMEM, "memory is short");
}

static void take_done(struct api *a)
{
	pthread_mutex_lock(&a->lock);
	struct pending *list = a->done;
	a->done = NULL;
	pthread_mutex_unlock(&a->lock);
	while (list) {
		struct pending *p = list;
		list = p->next;
		if (p->call)
			answer_pending(p);
		pending_free(p);
	}
}

/* The client is told; what the core does goes on, and the same Idempotency-Key finds it. */
static void give_up(struct call *c, const char *why)
{
	struct rv_err e = {0};
	rv_fail(&e, RV_ETIMEOUT, "%s", why);
	rv_err_mend(
		&e, "Ask again with the same Idempotency-Key: what was taken is not taken twice.");
	c->pending->call = NULL;
	c->pending = NULL;
	answer_err(c, &e);
}

static void tick(struct api *a, int64_t now_ms)
{
	for (struct call *c = a->calls, *next; c; c = next) {
		next = c->next;
		if (c->pending && c->pending->due_ms <= now_ms)
			give_up(c, "the node has not finished this yet");
	}
	events_tick(a, now_ms);
	http_tick(a->http);
}

/* ---- the thread ---- */

static void wait_for_work(struct api *a, int64_t next_tick_ms)
{
	struct pollfd fds[2] = {
		{.fd = http_fd(a->http), .events = POLLIN}, {.fd = a->event_fd, .events = POLLIN}};
	int64_t wait = next_tick_ms - api_now_ms();
	int http_wait = http_timeout_ms(a->http);
	wait = wait < 0 ? 0 : wait;
	if (http_wait >= 0 && http_wait < wait)
		wait = http_wait;
	if (poll(fds, 2, (int)wait) > 0 && (fds[1].revents & POLLIN)) {
		uint64_t n;
		if (read(a->event_fd, &n, sizeof n) < 0)
			return;
	}
}

static void end_calls(struct api *a)
{
	for (struct call *c = a->calls, *next; c; c = next) {
		next = c->next;
		if (c->pending)
			give_up(c, "the node is stopping");
		else if (c->follows)
			http_abandon(c->http);
	}
	http_run(a->http);
}

static void *thread_main(void *arg)
{
	struct api *a = arg;
	unsigned beat = a->params.limits.heartbeat_ms;
	int64_t step = beat < TICK_MS ? beat : TICK_MS, next = api_now_ms() + step;
	while (!atomic_load(&a->stop)) {
		wait_for_work(a, next);
		take_done(a);
		if (atomic_exchange(&a->woken, 0))
			events_wake(a);
		int64_t now = api_now_ms();
		if (now >= next) {
			tick(a, now);
			next = now + step;
		}
		http_run(a->http);
	}
	end_calls(a);
	http_free(&a->http);
	return NULL;
}

static int start_thread(struct api *a, struct rv_err *e)
{
	sigset_t all, old;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	int r = pthread_create(&a->thread, NULL, thread_main, a);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (r)
		return rv_fail_errno(e, r, "no thread for the API");
	a->thread_runs = 1;
	return 0;
}

static void set_default(unsigned *limit, unsigned value)
{
	if (!*limit)
		*limit = value;
}

static void set_limits(struct api_limits *l)
{
	set_default(&l->connections, 64);
	set_default(&l->streams, 16);
	set_default(&l->header_s, 30);
	set_default(&l->stall_s, 30);
	set_default(&l->stall_bytes, 4096);
	set_default(&l->answer_s, 60);
	set_default(&l->heartbeat_ms, 15000);
}

int api_start(struct api **a_r, const struct api_params *p, struct rv_err *e)
{
	int fd = -1, rc;
	struct api *a = calloc(1, sizeof *a);
	if (!a)
		return rv_fail_nomem(e);
	a->params = *p;
	set_limits(&a->params.limits);
	pthread_mutex_init(&a->lock, NULL);
	pthread_cond_init(&a->settled, NULL);
	a->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (a->event_fd < 0) {
		rc = rv_fail_errno(e, errno, "no eventfd for the API");
		goto out;
	}
	rc = store_reader_open(&a->reader, p->conf->state_dir, e);
	if (!rc)
		rc = rv_checker_new(&a->checker, p->catalog, e);
	if (!rc)
		rc = listen_at(p->conf->api_socket, &fd, e);
	if (rc)
		goto out;
	struct http_params hp = {.listen_fd = fd,
		.handlers = {a, call_begin, call_body, call_end, call_gone},
		.connections = a->params.limits.connections,
		.header_s = a->params.limits.header_s,
		.stall_s = a->params.limits.stall_s,
		.stall_bytes = a->params.limits.stall_bytes,
		.now_ms = api_now_ms};
	rc = http_new(&a->http, &hp, e);
	if (rc) {
		close(fd);
		goto out;
	}
	rc = start_thread(a, e);
out:
	if (rc)
		api_stop(&a);
	else
		*a_r = a;
	return rc;
}

void api_stop(struct api **ap)
{
	struct api *a = ap ? *ap : NULL;
	if (!a)
		return;
	if (a->thread_runs) {
		atomic_store(&a->stop, 1);
		ring(a);
		pthread_join(a->thread, NULL);
		unlink(a->params.conf->api_socket);
		pthread_mutex_lock(&a->lock);
		while (a->owed)
			pthread_cond_wait(&a->settled, &a->lock);
		pthread_mutex_unlock(&a->lock);
		while (a->done) {
			struct pending *p = a->done;
			a->done = p->next;
			pending_free(p);
		}
	}
	http_free(&a->http);
	if (a->event_fd >= 0)
		close(a->event_fd);
	rv_checker_free(&a->checker);
	store_reader_close(&a->reader);
	pthread_cond_destroy(&a->settled);
	pthread_mutex_destroy(&a->lock);
	free(a);
	*ap = NULL;
}

void api_wake(struct api *a)
{
	if (!a)
		return;
	atomic_store(&a->woken, 1);
	ring(a);
}
