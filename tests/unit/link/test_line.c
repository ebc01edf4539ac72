/* SPDX-License-Identifier: Apache-2.0 */
#include "line_play.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <zmq.h>

/* Who gets in, what passes, and who is put out: two lines, real CURVE, real TCP. */

static struct play_node a, b, c;

static int start(void **state)
{
	play_start(&a, "tcp://127.0.0.1:*");
	play_start(&b, "");
	play_start(&c, "");
	/* those who only dial admit whom they dial */
	PLAY_ADMIT(&b, &a.key);
	PLAY_ADMIT(&c, &a.key);
	return 0;
}

static int stop(void **state)
{
	play_free(&a);
	play_free(&b);
	play_free(&c);
	return 0;
}

/* b's connection 7 to a is up, and has spoken; its number at a. */
static uint64_t link_up(struct play_node *from, uint64_t number)
{
	play_dial(from, number, a.at, &a.key);
	play_wait(from, LINE_UP);
	assert_int_equal(from->in.connection, number);
	assert_string_equal(from->in.key, a.key.public_key);
	play_send(from, number, "hello");
	play_expect_frame(&a, "hello");
	assert_string_equal(a.in.key, from->key.public_key);
	assert_string_equal(a.in.label, from == &b ? "key 0" : "key 1");
	assert_true(a.in.connection >> 63);
	return a.in.connection;
}

static void admitted_ones_talk(void **state)
{
	static const struct line_part three[] = {{(const uint8_t *)"one", 3},
		{(const uint8_t *)"", 0}, {(const uint8_t *)"three", 5}};
	PLAY_ADMIT(&a, &b.key);
	uint64_t number = link_up(&b, 7);
	assert_int_equal(line_client_send(a.client, number, three, 3, NULL), 0);
	play_wait(&b, LINE_FRAME);
	assert_int_equal(b.in.connection, 7);
	assert_int_equal(b.in.n_parts, 3);
	assert_int_equal(b.in.parts[1].len, 0);
	assert_memory_equal(b.in.parts[2].data, "three", 5);
	/* to numbers that are not there: nothing, and nobody is harmed */
	play_send(&a, number + 1, "lost");
	play_send(&a, 12345, "lost");
	assert_int_equal(line_client_send(a.client, number, NULL, 0, NULL), 0);
	play_send(&a, number, "still here");
	play_expect_frame(&b, "still here");
	assert_int_equal(line_client_close(b.client, 7, NULL), 0);
	play_wait(&a, LINE_DOWN);
	assert_true(a.in.connection == number);
	play_expect_reason(&a, "ended the connection");
	/* and once more, with a number of its own */
	assert_true(link_up(&b, 8) != number);
}

static void unlisted_key_is_refused(void **state)
{
	PLAY_ADMIT(&a, &b.key);
	play_dial(&c, 1, a.at, &a.key);
	play_wait(&c, LINE_DOWN);
	assert_int_equal(c.in.connection, 1);
	play_expect_reason(&c, "did not accept our CURVE key");
	play_wait(&a, LINE_REFUSED);
	assert_string_equal(a.in.key, c.key.public_key);
	assert_non_null(strstr(a.in.address, "127.0.0.1"));
	play_expect_reason(&a, "not in the trust list");
	/* it got no further: what a hears next is b */
	link_up(&b, 7);
}

static void another_server_key_fails(void **state)
{
	PLAY_ADMIT(&a, &b.key);
	PLAY_ADMIT(&b, &c.key);
	play_dial(&b, 1, a.at, &c.key);
	play_wait(&b, LINE_DOWN);
	play_expect_reason(&b, "its CURVE key is another than the trust list says");
	play_wait(&a, LINE_REFUSED);
	play_expect_reason(&a, "another public key than ours");
	/* it may be gone before its address could be asked for */
	assert_true(a.in.address[0] == '\0' || strstr(a.in.address, "127.0.0.1:") != NULL);
}

static void without_curve_is_refused(void **state)
{
	/* the greeting of ZMTP 3.1 with the NULL mechanism, and the READY that would follow */
	static const char greeting[64] = "\xff\0\0\0\0\0\0\0\1\x7f\3\1NULL";
	static const char ready[] = "\4\x1c\5READY\13Socket-Type\0\0\0\6DEALER";
	struct play_peer plain;
	PLAY_ADMIT(&a, &b.key);
	int fd = play_tcp(a.at, "127.0.0.1");
	assert_int_equal(send(fd, greeting, sizeof(greeting), 0), sizeof(greeting));
	assert_int_equal(send(fd, ready, sizeof(ready) - 1, MSG_NOSIGNAL), sizeof(ready) - 1);
	play_wait(&a, LINE_REFUSED);
	play_expect_reason(&a, "does not use CURVE");
	assert_true(play_tcp_ended(fd, 60000));
	close(fd);
	/* libzmq itself gives up when it sees that CURVE is wanted */
	play_peer_start(&plain, a.at, NULL, NULL, NULL);
	zmq_send(plain.dealer, "hello", 5, 0);
	play_wait(&a, LINE_REFUSED);
	play_peer_wait(&plain, ZMQ_EVENT_DISCONNECTED);
	play_peer_free(&plain);
	assert_int_equal(play_count(&a, LINE_FRAME), 0);
}

static void another_protocol_is_ended(void **state)
{
	PLAY_ADMIT(&a, &b.key);
	int fd = play_tcp(a.at, "127.0.0.1");
	assert_int_equal(send(fd, "GET / HTTP/1.1\r\nHost: x\r\n\r\n", 27, 0), 27);
	assert_true(play_tcp_ended(fd, 60000));
	close(fd);
	/* one that goes away at once */
	close(play_tcp(a.at, "127.0.0.1"));
	play_wait(&a, LINE_REFUSED);
	play_expect_reason(&a, "during the handshake");
	link_up(&b, 7);
}

static void one_that_names_itself_is_cut(void **state)
{
	struct play_peer named;
	PLAY_ADMIT(&a, &b.key);
	play_peer_start(&named, a.at, &b.key, &a.key, "me");
	zmq_send(named.dealer, "hello", 5, 0);
	play_peer_wait(&named, ZMQ_EVENT_DISCONNECTED);
	play_peer_free(&named);
	assert_int_equal(play_count(&a, LINE_FRAME), 0);
}

static void removed_key_is_cut(void **state)
{
	struct play_peer silent;
	PLAY_ADMIT(&a, &b.key, &c.key);
	uint64_t at_b = link_up(&b, 1);
	uint64_t at_c = link_up(&c, 2);
	/* one that has its handshake behind it and has said nothing */
	play_peer_start(&silent, a.at, &b.key, &a.key, NULL);
	play_peer_wait(&silent, ZMQ_EVENT_HANDSHAKE_SUCCEEDED);
	for (int i = 0; i < 200; i++) {
		play_send(&b, 1, "too late, some of it");
	}
	PLAY_ADMIT(&a, &c.key);
	play_wait(&a, LINE_DOWN);
	assert_true(a.in.connection == at_b);
	play_expect_reason(&a, "not in the trust list any more");
	play_wait(&b, LINE_DOWN);
	play_expect_reason(&b, "was lost");
	play_peer_wait(&silent, ZMQ_EVENT_DISCONNECTED);
	play_peer_free(&silent);
	/* it is refused from now on, and the other was not touched */
	play_dial(&b, 3, a.at, &a.key);
	play_wait(&b, LINE_DOWN);
	play_expect_reason(&b, "did not accept our CURVE key");
	play_send(&c, 2, "I am");
	play_expect_frame(&a, "I am");
	assert_true(a.in.connection == at_c);
	/* and back again */
	PLAY_ADMIT(&a, &b.key, &c.key);
	link_up(&b, 4);
}

static void dialled_one_is_dropped_too(void **state)
{
	PLAY_ADMIT(&a, &b.key);
	link_up(&b, 1);
	assert_int_equal(line_client_admit(b.client, NULL, 0, NULL), 0);
	play_wait(&b, LINE_DOWN);
	play_expect_reason(&b, "not in the trust list any more");
	play_wait(&a, LINE_DOWN);
	play_dial(&b, 2, a.at, &a.key);
	play_wait(&b, LINE_DOWN);
	play_expect_reason(&b, "not in the trust list");
}

static void last_words_arrive(void **state)
{
	PLAY_ADMIT(&a, &b.key);
	uint64_t number = link_up(&b, 1);
	for (int i = 0; i < 50; i++) {
		play_send(&a, number, "bye");
	}
	assert_int_equal(line_client_close(a.client, number, NULL), 0);
	for (int i = 0; i < 50; i++) {
		play_expect_frame(&b, "bye");
	}
	play_wait(&b, LINE_DOWN);
	number = link_up(&b, 2);
	for (int i = 0; i < 50; i++) {
		play_send(&b, 2, "bye");
	}
	assert_int_equal(line_client_close(b.client, 2, NULL), 0);
	for (int i = 0; i < 50; i++) {
		play_expect_frame(&a, "bye");
		assert_true(a.in.connection == number);
	}
	play_wait(&a, LINE_DOWN);
	/* when the node ends, its line follows */
	link_up(&b, 3);
	play_send(&b, 3, "the node stops");
	play_stop(&b, 0);
	play_expect_frame(&a, "the node stops");
	play_wait(&a, LINE_DOWN);
}

static void lost_line_is_noticed(void **state)
{
	PLAY_ADMIT(&a, &b.key);
	uint64_t number = link_up(&b, 1);
	play_free(&b);
	play_wait(&a, LINE_DOWN);
	assert_true(a.in.connection == number);
}

static void dial_errors_have_words(void **state)
{
	static const struct {
		const char *endpoint, *words;
	} cases[] = {
		{"udp://127.0.0.1:1", "not an address to dial"},
		{"tcp://127.0.0.1", "not an address to dial"},
		{"", "not an address to dial"},
		{"tcp://127.0.0.1:70000", "not an address to dial"},
		{"tcp://:4510", "not an address to dial"},
		{"tcp://[::zz]:4510", "not an address to dial"},
		{"tcp://127.0.0.1:1", "nobody listens"},
		{"tcp://no-such-host.invalid:4510", "cannot be looked up"},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		play_dial(&b, i + 1, cases[i].endpoint, &a.key);
		play_wait(&b, LINE_DOWN);
		assert_int_equal(b.in.connection, i + 1);
		play_expect_reason(&b, cases[i].words);
	}
}

static void names_are_looked_up(void **state)
{
	char endpoint[64];
	PLAY_ADMIT(&a, &b.key);
	snprintf(endpoint, sizeof(endpoint), "tcp://localhost%s", strrchr(a.at, ':'));
	play_dial(&b, 1, endpoint, &a.key);
	play_wait(&b, LINE_UP);
}

static void broken_keys_are_told(void **state)
{
	struct curve_key none = {"not a key", ""};
	PLAY_ADMIT(&a, &none);
	play_dial(&a, 1, a.at, &none);
	play_wait(&a, LINE_DOWN);
	play_expect_reason(&a, "cannot be dialled");
}

#define LINE_TEST(f) cmocka_unit_test_setup_teardown(f, start, stop)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		LINE_TEST(admitted_ones_talk),
		LINE_TEST(unlisted_key_is_refused),
		LINE_TEST(another_server_key_fails),
		LINE_TEST(without_curve_is_refused),
		LINE_TEST(another_protocol_is_ended),
		LINE_TEST(one_that_names_itself_is_cut),
		LINE_TEST(removed_key_is_cut),
		LINE_TEST(dialled_one_is_dropped_too),
		LINE_TEST(last_words_arrive),
		LINE_TEST(lost_line_is_noticed),
		LINE_TEST(dial_errors_have_words),
		LINE_TEST(names_are_looked_up),
		LINE_TEST(broken_keys_are_told),
	};
	play_begin(argc, argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
