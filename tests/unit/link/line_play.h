/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_LINE_PLAY_H
#define TESTS_LINE_PLAY_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <sys/types.h>
#include <cmocka.h>

#include "node/link/curve_key.h"
#include "node/link/line.h"

/*
 * What tests of the line play with: nodes that have a line process each (this program, started
 * again), and peers that speak to a line's port with libzmq or bare TCP. Everything on loopback
 * with ports of the system's choice.
 */

/* First in main: in a line process it does not return. */
void play_begin(int argc, char **argv);

struct play_node {
	struct curve_key key;
	struct line_client *client;
	pid_t pid; /* of its line */
	char dir[64];
	char key_path[96];
	char ipc[96];
	int listens;
	char at[64];       /* where its line listens */
	struct line_in in; /* the event that was waited for */
};

/* listen may be "". The line is there, and admits nobody yet (so it does not listen yet). */
void play_start(struct play_node *n, const char *listen);
/* The same in its parts: the folder with the key; the line process. */
void play_prepare(struct play_node *n);
void play_spawn(struct play_node *n, const char *listen);
/* Closes the node's end; the line's exit status must be that. */
void play_stop(struct play_node *n, int status);
void play_free(struct play_node *n); /* whatever state it is in */
/*
 * Admits the keys of those nodes, labelled "key 0" and so on. One that listens does so from the
 * first time on: its address is waited for.
 */
void play_admit(struct play_node *n, const struct curve_key *const *keys, size_t count);
#define PLAY_ADMIT(n, ...)                                                                         \
	play_admit((n), (const struct curve_key *const[]){__VA_ARGS__},                            \
		sizeof((const struct curve_key *const[]){__VA_ARGS__}) /                           \
			sizeof(const struct curve_key *))

/* The next event of that kind, into n->in; others before it are passed over. */
void play_wait(struct play_node *n, enum line_event event);
/* As long as events are there without waiting: how many of that kind. */
size_t play_count(struct play_node *n, enum line_event event);
void play_dial(struct play_node *n, uint64_t connection, const char *endpoint,
	const struct curve_key *server);
void play_send(struct play_node *n, uint64_t connection, const char *text);
void play_expect_frame(struct play_node *n, const char *text);
void play_expect_reason(const struct play_node *n, const char *words);
int64_t play_now_ms(void); /* of a clock that only goes forward */
/* A value of /proc/PID/status of its line, in KiB. */
long play_memory(const struct play_node *n, const char *field);

/* A peer of libzmq alone: a DEALER, and what its monitor tells. */
struct play_peer {
	void *zmq, *dealer, *monitor;
};
/* key NULL: without CURVE. identity may be NULL. */
void play_peer_start(struct play_peer *p, const char *endpoint, const struct curve_key *key,
	const struct curve_key *server, const char *identity);
void play_peer_free(struct play_peer *p);
/* Its dealer alone: for many of them. */
void *play_dealer(void *zmq, const char *endpoint, const struct curve_key *key,
	const struct curve_key *server);
void play_peer_wait(struct play_peer *p, int event); /* of the monitor */

int play_tcp(const char *endpoint, const char *from); /* a bare connection, from that address */
int play_tcp_ended(int fd, int wait_ms);              /* 1 if the other side ended it */

#endif
