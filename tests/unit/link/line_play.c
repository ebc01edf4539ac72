/* SPDX-License-Identifier: Apache-2.0 */
#include "line_play.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <zmq.h>

/* A bound for hangs, not for speed. */
enum { PATIENCE_MS = 60000 };

int64_t play_now_ms(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

void play_begin(int argc, char **argv)
{
	signal(SIGPIPE, SIG_IGN);
	if (argc == 5 && strcmp(argv[1], "--line") == 0) {
		exit(line_main(argv[2], argv[3], argv[4]));
	}
}

/* ---- nodes ---- */

void play_prepare(struct play_node *n)
{
	memset(n, 0, sizeof(*n));
	snprintf(n->dir, sizeof(n->dir), "/tmp/reeve-line.XXXXXX");
	assert_non_null(mkdtemp(n->dir));
	snprintf(n->ipc, sizeof(n->ipc), "ipc://%s/line.sock", n->dir);
	snprintf(n->key_path, sizeof(n->key_path), "%s/curve.key", n->dir);
	assert_int_equal(curve_key_generate(&n->key, NULL), 0);
	assert_int_equal(curve_key_write(n->key_path, &n->key, NULL), 0);
}

void play_spawn(struct play_node *n, const char *listen)
{
	n->pid = fork();
	assert_true(n->pid >= 0);
	if (n->pid == 0) {
		execl("/proc/self/exe", "line", "--line", n->key_path, listen, n->ipc,
			(char *)NULL);
		_exit(127);
	}
}

void play_start(struct play_node *n, const char *listen)
{
	play_prepare(n);
	assert_int_equal(line_client_new(&n->client, n->ipc, NULL), 0);
	n->listens = listen[0] != '\0';
	play_spawn(n, listen);
	play_wait(n, LINE_READY);
}

static int ended(struct play_node *n)
{
	int status = 0;
	int64_t until = play_now_ms() + PATIENCE_MS;
	while (waitpid(n->pid, &status, WNOHANG) == 0) {
		if (play_now_ms() > until) {
			return -1;
		}
		poll(NULL, 0, 5);
	}
	n->pid = 0;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

void play_stop(struct play_node *n, int status)
{
	line_client_free(&n->client);
	assert_int_equal(ended(n), status);
	play_free(n);
}

void play_free(struct play_node *n)
{
	char path[128];
	line_client_free(&n->client);
	if (n->pid > 0) {
		kill(n->pid, SIGKILL);
		waitpid(n->pid, NULL, 0);
		n->pid = 0;
	}
	if (n->dir[0] != '\0') {
		unlink(n->key_path);
		snprintf(path, sizeof(path), "%s/line.sock", n->dir);
		unlink(path);
		rmdir(n->dir);
	}
	curve_key_wipe(&n->key);
	n->dir[0] = '\0';
}

void play_admit(struct play_node *n, const struct curve_key *const *keys, size_t count)
{
	struct line_key list[32] = {{.key = ""}};
	size_t some = 0;
	assert_true(count <= 32);
	for (size_t i = 0; i < count; i++) {
		if (keys[i] != NULL) {
			memcpy(list[some].key, keys[i]->public_key, RV_CURVE_KEY_TEXT);
			snprintf(list[some].label, LINE_LABEL_TEXT, "key %zu", some);
			some++;
		}
	}
	assert_int_equal(line_client_admit(n->client, list, some, NULL), 0);
	if (n->listens && n->at[0] == '\0') {
		play_wait(n, LINE_LISTENING);
		snprintf(n->at, sizeof(n->at), "%s", n->in.address);
	}
}

static int next(struct play_node *n, int wait_ms)
{
	struct rv_err e = {0};
	int64_t until = play_now_ms() + wait_ms;
	for (;;) {
		int rc = line_client_next(n->client, &n->in, &e);
		if (rc == 0) {
			return 0;
		}
		if (rc != RV_EAGAIN) {
			fail_msg("%s", e.text);
		}
		int64_t left = until - play_now_ms();
		if (left <= 0) {
			return -1;
		}
		struct pollfd p = {.fd = line_client_fd(n->client), .events = POLLIN};
		poll(&p, 1, left < 200 ? (int)left : 200);
	}
}

void play_wait(struct play_node *n, enum line_event event)
{
	do {
		if (next(n, PATIENCE_MS) != 0) {
			fail_msg("waited in vain for event %d", event);
		}
	} while (n->in.event != event);
}

size_t play_count(struct play_node *n, enum line_event event)
{
	size_t count = 0;
	while (next(n, 0) == 0) {
		count += n->in.event == event;
	}
	return count;
}

void play_dial(struct play_node *n, uint64_t connection, const char *endpoint,
	const struct curve_key *server)
{
	assert_int_equal(
		line_client_dial(n->client, connection, endpoint, server->public_key, NULL), 0);
}

void play_send(struct play_node *n, uint64_t connection, const char *text)
{
	struct line_part part = {(const uint8_t *)text, strlen(text)};
	assert_int_equal(line_client_send(n->client, connection, &part, 1, NULL), 0);
}

void play_expect_frame(struct play_node *n, const char *text)
{
	play_wait(n, LINE_FRAME);
	assert_int_equal(n->in.n_parts, 1);
	assert_int_equal(n->in.parts[0].len, strlen(text));
	assert_memory_equal(n->in.parts[0].data, text, strlen(text));
}

void play_expect_reason(const struct play_node *n, const char *words)
{
	if (strstr(n->in.reason, words) == NULL) {
		fail_msg("expected '%s', got '%s'", words, n->in.reason);
	}
}

long play_memory(const struct play_node *n, const char *field)
{
	char path[64];
	char text[256];
	long kib = -1;
	snprintf(path, sizeof(path), "/proc/%d/status", (int)n->pid);
	FILE *f = fopen(path, "r");
	assert_non_null(f);
	while (fgets(text, sizeof(text), f) != NULL) {
		if (strncmp(text, field, strlen(field)) == 0 && text[strlen(field)] == ':') {
			kib = strtol(text + strlen(field) + 1, NULL, 10);
		}
	}
	fclose(f);
	assert_true(kib >= 0);
	return kib;
}

/* ---- peers ---- */

static void dealer_keys(void *dealer, const struct curve_key *key, const struct curve_key *server)
{
	assert_int_equal(
		zmq_setsockopt(dealer, ZMQ_CURVE_SERVERKEY, server->public_key, RV_CURVE_KEY_TEXT),
		0);
	assert_int_equal(
		zmq_setsockopt(dealer, ZMQ_CURVE_PUBLICKEY, key->public_key, RV_CURVE_KEY_TEXT), 0);
	assert_int_equal(
		zmq_setsockopt(dealer, ZMQ_CURVE_SECRETKEY, key->secret_key, RV_CURVE_KEY_TEXT), 0);
}

/* Not connected yet. */
static void *new_dealer(void *zmq)
{
	int zero = 0;
	int never = -1;
	void *dealer = zmq_socket(zmq, ZMQ_DEALER);
	assert_non_null(dealer);
	zmq_setsockopt(dealer, ZMQ_LINGER, &zero, sizeof(zero));
	zmq_setsockopt(dealer, ZMQ_RECONNECT_IVL, &never, sizeof(never));
	return dealer;
}

void *play_dealer(void *zmq, const char *endpoint, const struct curve_key *key,
	const struct curve_key *server)
{
	void *dealer = new_dealer(zmq);
	dealer_keys(dealer, key, server);
	assert_int_equal(zmq_connect(dealer, endpoint), 0);
	return dealer;
}

void play_peer_start(struct play_peer *p, const char *endpoint, const struct curve_key *key,
	const struct curve_key *server, const char *identity)
{
	p->zmq = zmq_ctx_new();
	p->dealer = new_dealer(p->zmq);
	p->monitor = zmq_socket(p->zmq, ZMQ_PAIR);
	assert_non_null(p->monitor);
	if (key != NULL) {
		dealer_keys(p->dealer, key, server);
	}
	if (identity != NULL) {
		assert_int_equal(
			zmq_setsockopt(p->dealer, ZMQ_ROUTING_ID, identity, strlen(identity)), 0);
	}
	assert_int_equal(zmq_socket_monitor(p->dealer, "inproc://peer-monitor", ZMQ_EVENT_ALL), 0);
	assert_int_equal(zmq_connect(p->monitor, "inproc://peer-monitor"), 0);
	assert_int_equal(zmq_connect(p->dealer, endpoint), 0);
}

void play_peer_free(struct play_peer *p)
{
	zmq_socket_monitor(p->dealer, NULL, 0);
	zmq_close(p->dealer);
	zmq_close(p->monitor);
	zmq_ctx_term(p->zmq);
}

void play_peer_wait(struct play_peer *p, int event)
{
	uint8_t raw[6];
	char address[256];
	uint16_t got = 0;
	int patience = PATIENCE_MS;
	zmq_setsockopt(p->monitor, ZMQ_RCVTIMEO, &patience, sizeof(patience));
	while (got != event) {
		if (zmq_recv(p->monitor, raw, sizeof(raw), 0) != (int)sizeof(raw) ||
			zmq_recv(p->monitor, address, sizeof(address), 0) < 0) {
			fail_msg("waited in vain for monitor event %d", event);
		}
		memcpy(&got, raw, sizeof(got));
	}
}

int play_tcp(const char *endpoint, const char *from)
{
	struct sockaddr_in a = {.sin_family = AF_INET};
	struct sockaddr_in own = {.sin_family = AF_INET};
	const char *colon = strrchr(endpoint, ':');
	assert_non_null(colon);
	a.sin_port = htons((uint16_t)strtol(colon + 1, NULL, 10));
	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(fd >= 0);
	assert_int_equal(inet_pton(AF_INET, from, &own.sin_addr), 1);
	assert_int_equal(bind(fd, (struct sockaddr *)&own, sizeof(own)), 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	return fd;
}

int play_tcp_ended(int fd, int wait_ms)
{
	char spare[256];
	int64_t until = play_now_ms() + wait_ms;
	for (;;) {
		ssize_t n = recv(fd, spare, sizeof(spare), MSG_DONTWAIT);
		if (n == 0 || (n < 0 && errno != EAGAIN)) {
			return 1;
		}
		int64_t left = until - play_now_ms();
		if (n < 0 && left <= 0) {
			return 0;
		}
		struct pollfd p = {.fd = fd, .events = POLLIN};
		poll(&p, 1, n < 0 ? (int)left : 0);
	}
}
