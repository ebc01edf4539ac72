/* SPDX-License-Identifier: Apache-2.0 */
#ifndef NODE_LINE_TCP_H
#define NODE_LINE_TCP_H

#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

/*
 * The TCP connection under one of libzmq's. libzmq tells its file descriptor (monitor events,
 * ZMQ_SRCFD) and offers no way to end a single peer of a ROUTER, nor a bound on a frame that never
 * ends, nor on bytes that a peer does not read. The kernel does: it counts, and shutdown(2) ends
 * the stream, which libzmq then cleans up as if the peer had ended it. The descriptor stays
 * libzmq's: it is never closed, read or written here, and nothing is done to one whose other end is
 * not the peer noted at its start any more.
 */
struct line_tcp {
	int fd; /* -1: none */
	struct sockaddr_storage peer;
	socklen_t peer_len;
	uint8_t source[16]; /* IPv4 in IPv6's form, or the network half of an IPv6 address */
	uint64_t in_mark;   /* bytes received when a frame was last seen to end */
	int in_ended;       /* a frame ended since */
	uint64_t out;       /* bytes given to libzmq for it, in the kernel's count */
};

void line_tcp_begin(struct line_tcp *t, int fd);
void line_tcp_cut(const struct line_tcp *t);
/* Whether both come from the same IPv4 address, or the same IPv6 network (/64). */
int line_tcp_same_source(const struct line_tcp *a, const struct line_tcp *b);
/* "192.0.2.1:4510", "[2001:db8::1]:4510", or empty. */
void line_tcp_address(const struct line_tcp *t, char *out, size_t size);
/* Bytes received that belong to no frame that has ended. */
uint64_t line_tcp_unended(struct line_tcp *t);
/* Bytes given for it that the peer's machine has not confirmed. */
uint64_t line_tcp_unsent(struct line_tcp *t);
/* What a part of that size is on the wire: CURVE's MESSAGE command in a ZMTP frame. */
uint64_t line_tcp_wire_bytes(size_t part);

#endif
