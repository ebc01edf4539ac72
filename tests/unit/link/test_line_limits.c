/* SPDX-License-Identifier: Apache-2.0 */
#include "line_play.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <zmq.h>

/* What a peer, or a node that does not read, can cost the line. */

enum { PART = 64 * 1024, MIB = 1024 }; /* KiB in a MiB */

static struct play_node a, b;
static uint8_t block[PART];

static int start(void **state)
{
	play_start(&a, "tcp://127.0.0.1:*");
	play_start(&b, "");
	PLAY_ADMIT(&b, &a.key);
	PLAY_ADMIT(&a, &b.key);
	return 0;
}

static int stop(void **state)
{
	play_free(&a);
	play_free(&b);
	return 0;
}

/* Sanitizers keep what was freed. */
static long bound(long mib)
{
	const char *sanitized = getenv("REEVE_SANITIZED");
	return (sanitized != NULL && strcmp(sanitized, "yes") == 0 ? 3 * mib + 300 : mib) * MIB;
}

static void keep(void *data, void *hint)
{
}

/* A part that shares its bytes with all others. */
static int send_block(void *socket, int flags)
{
	zmq_msg_t m;
	assert_int_equal(zmq_msg_init_data(&m, block, sizeof(block), keep, NULL), 0);
	int rc = zmq_msg_send(&m, socket, flags);
	if (rc < 0) {
		zmq_msg_close(&m);
	}
	return rc;
}

/* Until nothing has moved for a while: everything on the way is full. */
static size_t fill(struct play_peer *flood)
{
	size_t sent = 0;
	for (;;) {
		zmq_pollitem_t p = {flood->dealer, 0, ZMQ_POLLOUT, 0};
		if (send_block(flood->dealer, ZMQ_DONTWAIT) >= 0) {
			sent++;
		} else if (zmq_poll(&p, 1, 1500) == 0) {
			return sent;
		}
		assert_true(sent < 20000);
	}
}

static void node_that_does_not_read(void **state)
{
	struct play_peer flood;
	struct play_node third;
	play_peer_start(&flood, a.at, &b.key, &a.key, NULL);
	size_t sent = fill(&flood);
	/* libzmq of the flooding side has 1000 of them */
	assert_true(sent > 1000);
	assert_true(play_memory(&a, "VmHWM") < bound(150));
	/* who is to be admitted is still decided, and refusals do not pile up */
	play_start(&third, "");
	PLAY_ADMIT(&third, &a.key);
	play_dial(&third, 1, a.at, &a.key);
	play_wait(&third, LINE_DOWN);
	play_expect_reason(&third, "did not accept our CURVE key");
	play_free(&third);
	/* b itself gets in; it ends, and both ends are told once the node reads again, after every
	 * frame */
	play_dial(&b, 1, a.at, &a.key);
	play_wait(&b, LINE_UP);
	play_send(&b, 1, "last");
	size_t got = 0;
	int last = 0;
	while (got < sent || !last) {
		play_wait(&a, LINE_FRAME);
		if (a.in.parts[0].len == PART) {
			got++;
		} else {
			last = 1;
		}
	}
	assert_int_equal(got, sent);
	play_peer_free(&flood);
	play_wait(&a, LINE_DOWN);
	assert_true(play_memory(&a, "VmHWM") < bound(150));
}

/* Sends frames of n parts of 64 KiB to a peer that never reads, until the line gives it up. */
static void flood_from_node(
	struct play_node *n, uint64_t connection, size_t n_parts, size_t part_size)
{
	struct line_part parts[16];
	for (size_t i = 0; i < n_parts; i++) {
		parts[i] = (struct line_part){block, part_size};
	}
	for (size_t sent = 0; sent < 200000;) {
		int rc = line_client_send(n->client, connection, parts, n_parts, NULL);
		sent += rc == 0;
		if (play_count(n, LINE_DOWN) > 0) {
			return;
		}
		if (rc != 0) {
			assert_int_equal(rc, RV_EAGAIN);
			struct pollfd p = {.fd = line_client_fd(n->client), .events = POLLIN};
			poll(&p, 1, 20);
		}
	}
	fail_msg("the peer was never given up");
}

static void deaf_peer_is_given_up(void **state)
{
	for (int large = 0; large < 2; large++) {
		struct play_peer deaf;
		play_peer_start(&deaf, a.at, &b.key, &a.key, NULL);
		play_peer_wait(&deaf, ZMQ_EVENT_HANDSHAKE_SUCCEEDED);
		assert_int_equal(zmq_send(deaf.dealer, "hello", 5, 0), 5);
		play_wait(&a, LINE_FRAME);
		flood_from_node(&a, a.in.connection, large ? 16 : 1, large ? PART : 20000);
		play_peer_free(&deaf);
	}
	assert_true(play_memory(&a, "VmHWM") < bound(300));
	/* the line goes on */
	play_dial(&b, 1, a.at, &a.key);
	play_wait(&b, LINE_UP);
}

static void endless_frame_is_cut(void **state)
{
	struct play_peer endless;
	play_peer_start(&endless, a.at, &b.key, &a.key, NULL);
	play_peer_wait(&endless, ZMQ_EVENT_HANDSHAKE_SUCCEEDED);
	assert_int_equal(zmq_send(endless.dealer, "hello", 5, 0), 5);
	play_wait(&a, LINE_FRAME);
	for (int i = 0; i < 16384; i++) {
		assert_true(send_block(endless.dealer, ZMQ_SNDMORE) >= 0);
	}
	assert_true(
		send_block(endless.dealer, 0) >= 0); /* libzmq lets it go only whole: a gigabyte */
	play_wait(&a, LINE_DOWN);
	play_expect_reason(&a, "a frame that does not end");
	play_peer_wait(&endless, ZMQ_EVENT_DISCONNECTED);
	play_peer_free(&endless);
	assert_true(play_memory(&a, "VmHWM") < bound(500));
}

/* One that has not said who it is, as far as we have seen, does not get so much. */
static void endless_first_frame_is_cut(void **state)
{
	struct play_peer endless;
	play_peer_start(&endless, a.at, &b.key, &a.key, NULL);
	for (int i = 0; i < 16384; i++) {
		assert_true(send_block(endless.dealer, ZMQ_SNDMORE) >= 0);
	}
	assert_true(send_block(endless.dealer, 0) >= 0);
	play_wait(&a, LINE_REFUSED);
	play_expect_reason(&a, "too much for a first frame");
	play_peer_wait(&endless, ZMQ_EVENT_DISCONNECTED);
	play_peer_free(&endless);
	assert_true(play_memory(&a, "VmHWM") < bound(450));
}

/*
 * Connections that are cut while frames of theirs wait stay in libzmq until those are read, and
 * the node does not read: rather than grow, the line ends what it cannot serve.
 */
static void cut_ones_do_not_pile_up(void **state)
{
	enum { MANY = 220, FRAMES = 40 };
	struct play_peer flood;
	void *many[MANY];
	void *zmq = zmq_ctx_new();
	play_peer_start(&flood, a.at, &b.key, &a.key, NULL);
	fill(&flood);
	for (int i = 0; i < MANY; i++) {
		many[i] = play_dealer(zmq, a.at, &b.key, &a.key);
		for (int k = 0; k < FRAMES; k++) {
			assert_int_equal(zmq_send(many[i], "x", 1, 0), 1);
		}
	}
	play_peer_wait(&flood, ZMQ_EVENT_DISCONNECTED);
	play_wait(&a, LINE_DOWN);
	play_expect_reason(&a, "our node is too slow");
	for (int i = 0; i < MANY; i++) {
		zmq_close(many[i]);
	}
	zmq_ctx_term(zmq);
	play_peer_free(&flood);
	/* and goes on */
	play_dial(&b, 1, a.at, &a.key);
	play_wait(&b, LINE_UP);
	play_send(&b, 1, "hello");
	do {
		play_wait(&a, LINE_FRAME);
	} while (a.in.parts[0].len != 5);
}

static void overlong_frames_are_cut(void **state)
{
	static const struct {
		int parts;
		size_t size;
		const char *words;
	} cases[] = {
		{1031, 1, "larger than allowed"},
		{300, PART, "larger than allowed"},
		{1, (2 << 20) + 1, "ended the connection"},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct play_peer peer;
		uint8_t *part = calloc(1, cases[i].size);
		play_peer_start(&peer, a.at, &b.key, &a.key, NULL);
		assert_int_equal(zmq_send(peer.dealer, "hello", 5, 0), 5);
		play_expect_frame(&a, "hello");
		for (int k = 1; k <= cases[i].parts; k++) {
			assert_int_equal(zmq_send(peer.dealer, part, cases[i].size,
						 k < cases[i].parts ? ZMQ_SNDMORE : 0),
				cases[i].size);
		}
		/* what follows is not heard, whoever comes next */
		for (int k = 0; k < 10; k++) {
			assert_int_equal(zmq_send(peer.dealer, "stray", 5, ZMQ_DONTWAIT), 5);
		}
		play_wait(&a, LINE_DOWN);
		play_expect_reason(&a, cases[i].words);
		play_peer_wait(&peer, ZMQ_EVENT_DISCONNECTED);
		play_peer_free(&peer);
		free(part);
	}
	/* as large as allowed passes whole */
	struct play_peer peer;
	play_peer_start(&peer, a.at, &b.key, &a.key, NULL);
	for (int k = 1; k <= 1030; k++) {
		assert_int_equal(
			zmq_send(peer.dealer, block, 1000, k < 1030 ? ZMQ_SNDMORE : 0), 1000);
	}
	play_wait(&a, LINE_FRAME);
	assert_int_equal(a.in.n_parts, 1030);
	play_peer_free(&peer);
}

static void strangers_make_room(void **state)
{
	int fds[400];
	int others[8];
	size_t ended = 0;
	play_dial(&b, 1, a.at, &a.key);
	play_wait(&b, LINE_UP);
	play_send(&b, 1, "here first");
	play_expect_frame(&a, "here first");
	int64_t began_ms = play_now_ms();
	for (int i = 0; i < 8; i++) {
		others[i] = play_tcp(a.at, "127.0.0.2");
	}
	for (int i = 0; i < 400; i++) {
		fds[i] = play_tcp(a.at, "127.0.0.1");
	}
	/* the oldest had to go: at most 128 stay, whatever the pace */
	for (int i = 0; i < 400 - 128; i++) {
		ended += (size_t)play_tcp_ended(fds[i], 60000);
	}
	assert_int_equal(ended, 400 - 128);
	/* nobody else had to go for them, until the time for a handshake is over */
	for (int i = 0; i < 8; i++) {
		int gone = play_tcp_ended(others[i], 0);
		assert_true(!gone || play_now_ms() - began_ms > 9000);
		close(others[i]);
	}
	/* members are neither cut nor kept out */
	play_dial(&b, 2, a.at, &a.key);
	play_wait(&b, LINE_UP);
	play_send(&b, 1, "still here");
	play_expect_frame(&a, "still here");
	for (int i = 0; i < 400; i++) {
		close(fds[i]);
	}
}

static void one_key_has_eight_connections(void **state)
{
	for (uint64_t i = 1; i <= 9; i++) {
		play_dial(&b, i, a.at, &a.key);
		play_wait(&b, LINE_UP);
		play_send(&b, i, "one more");
		play_expect_frame(&a, "one more");
	}
	play_wait(&b, LINE_DOWN);
	assert_int_equal(b.in.connection, 1);
	play_send(&b, 9, "the last");
	play_expect_frame(&a, "the last");
}

/* Whatever comes over the channel, the line does not break: it answers the next order that makes
 * sense. */
static void nonsense_orders(void **state)
{
	static const char *const orders[][4] = {
		{""},
		{"Z"},
		{"F"},
		{"F", "short"},
		{"F", "12345678"},
		{"F", "1234567\x80", "x"},
		{"L", "12345678"},
		{"L", "12345678", "tcp://"},
		{"L", "1234567\xff", "tcp://127.0.0.1:1", "x"},
		{"X"},
		{"X", "12345678", "more", "and more"},
		{"C", "\xff\xff\xff\xff\xff\xff\xff\xff"},
		{"C", "x"},
		{"A", "a key that is far too long for one of forty characters"},
		{"two", "parts"},
	};
	struct play_node n = {.pid = 0};
	char kind = '\0';
	int patience = 60000;
	void *zmq = zmq_ctx_new();
	void *pair = zmq_socket(zmq, ZMQ_PAIR);
	/* the node's end, without what keeps it sensible */
	play_prepare(&n);
	assert_int_equal(zmq_setsockopt(pair, ZMQ_RCVTIMEO, &patience, sizeof(patience)), 0);
	assert_int_equal(zmq_bind(pair, n.ipc), 0);
	play_spawn(&n, "");
	for (size_t i = 0; i < sizeof(orders) / sizeof(orders[0]); i++) {
		for (size_t k = 0; k < 4 && orders[i][k] != NULL; k++) {
			int more = k < 3 && orders[i][k + 1] != NULL;
			assert_true(zmq_send(pair, orders[i][k], strlen(orders[i][k]),
					    more ? ZMQ_SNDMORE : 0) >= 0);
		}
	}
	assert_true(zmq_send(pair, "L", 1, ZMQ_SNDMORE) == 1 &&
		    zmq_send(pair, "\7\0\0\0\0\0\0\0", 8, ZMQ_SNDMORE) == 8 &&
		    zmq_send(pair, "tcp://127.0.0.1:1", 17, ZMQ_SNDMORE) == 17 &&
		    zmq_send(pair, n.key.public_key, 40, 0) == 40);
	/* "H" once, then a "D" for each dial */
	for (int down = 0; !down;) {
		uint64_t number = 0;
		char spare[256];
		int more = 1;
		size_t size = sizeof(more);
		assert_int_equal(zmq_recv(pair, &kind, 1, 0), 1);
		assert_int_equal(zmq_recv(pair, &number, sizeof(number), 0), sizeof(number));
		down = kind == 'D' && number == 7;
		while (zmq_getsockopt(pair, ZMQ_RCVMORE, &more, &size) == 0 && more) {
			assert_true(zmq_recv(pair, spare, sizeof(spare), 0) >= 0);
		}
	}
	zmq_close(pair);
	zmq_ctx_term(zmq);
	play_stop(&n, 0);
}

#define LIMIT_TEST(f) cmocka_unit_test_setup_teardown(f, start, stop)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		LIMIT_TEST(node_that_does_not_read),
		LIMIT_TEST(deaf_peer_is_given_up),
		LIMIT_TEST(endless_frame_is_cut),
		LIMIT_TEST(endless_first_frame_is_cut),
		LIMIT_TEST(cut_ones_do_not_pile_up),
		LIMIT_TEST(overlong_frames_are_cut),
		LIMIT_TEST(strangers_make_room),
		LIMIT_TEST(one_key_has_eight_connections),
		cmocka_unit_test(nonsense_orders),
	};
	play_begin(argc, argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
