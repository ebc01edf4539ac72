/* SPDX-License-Identifier: Apache-2.0 */
#ifndef NODE_LINE_H
#define NODE_LINE_H

#include "protocol/err.h"
#include "protocol/id.h"

/*
 * The line: the process that owns the CURVE sockets, and the only one that maps the CURVE secret
 * (libzmq needs it in the process of the socket). It speaks ZMTP and nothing above: frames pass
 * through it unread. No signing key, no XML, no store.
 *
 * It talks to the node over one ZeroMQ PAIR on ipc:// in the run directory. Towards the node,
 * multi-part:
 *   "H" 0 "" ""                       the line is there: it wants to know whom to admit and dial
 *   "B" 0 "" endpoint                 it listens there now (with the real port if it was *)
 *   "F" connection(u64) curve-key(40 chars) label parts...
 *                                     a link frame that came in, from an authenticated peer
 *   "U" connection curve-key ""       a dialled connection is up (handshake done)
 *   "D" connection curve-key reason   it is down (disconnected, handshake failed), in words
 *   "R" 0 curve-key(or "") address\nreason
 *                                     a handshake was refused; counted, rate limited
 * and from the node:
 *   "F" connection parts...           send
 *   "A" (key label)*                  all admitted keys; replaces the former list
 *   "L" connection endpoint server-key
 *                                     dial; the number is the node's choice (high bit clear). One
 *                                     connection, one "D" at its end: the node dials anew with a
 *                                     new number
 *   "X" connection                    close; what was sent before still goes (half a second at
 *                                     most). No "D"
 *   "C" bytes(u64)                    taken from "F" in all since the start (line_wire.h): the
 *                                     window moves on
 * Connections accepted on the bound socket get numbers with the high bit set; the node learns of
 * one by its first frame. A frame to a connection that is not up is dropped. Back-pressure: when
 * the node does not take what it is told (32 MiB at most are under way), the line stops reading
 * the network.
 *
 * A connection ends (with a "D") when its key leaves the list: no frame of it passes from then on,
 * and its TCP stream is shut at once, whatever it is doing. It ends too when it sends a frame over
 * 16 MiB, of more than 1030 parts, or one that does not end within 64 MiB (1 MiB with the
 * handshake, for the first); when the peer does not read 128 MiB or 1200 frames; when it is the
 * ninth of one key (the oldest goes). At most 128 connections may be silent (15 seconds each),
 * 1024 be open: who has not spoken yet makes room, those first that come from one address.
 *
 * line_main serves until the node's end is closed (0), or it cannot go on (1; why is on stderr).
 * It takes the process over: no dumps, no new privileges, SIGKILL when the parent dies. The key
 * file is curve_key.h's.
 */
int line_main(const char *curve_key_path, const char *listen, const char *node_endpoint);

/* A key that may connect or be dialled. The label is the node's own: frames bring it back. */
enum { LINE_LABEL_TEXT = 16 };
struct line_key {
	char key[RV_CURVE_KEY_TEXT];
	char label[LINE_LABEL_TEXT];
};

/* The node's end. One thread. */
struct line_client;
/* Binds the PAIR; the line connects. */
int line_client_new(struct line_client **c_r, const char *endpoint, struct rv_err *e);
void line_client_free(struct line_client **c);
/* Edge-triggered ZMQ_FD: call line_client_next until RV_EAGAIN. */
int line_client_fd(const struct line_client *c);

enum line_event { LINE_FRAME = 1, LINE_UP, LINE_DOWN, LINE_REFUSED, LINE_READY, LINE_LISTENING };
struct line_part {
	const uint8_t *data;
	size_t len;
};
struct line_in {
	enum line_event event;
	uint64_t connection;
	char key[RV_CURVE_KEY_TEXT];
	char label[LINE_LABEL_TEXT];  /* of FRAME: of its key */
	char reason[160];             /* of DOWN and REFUSED */
	char address[64];             /* of REFUSED (may be empty), and of LISTENING */
	struct line_part parts[1030]; /* borrowed until the next call */
	size_t n_parts;
};
/* RV_EAGAIN: nothing now. */
int line_client_next(struct line_client *c, struct line_in *in, struct rv_err *e);
/* The orders. RV_EAGAIN: the channel is full, and nothing of it went. */
int line_client_send(struct line_client *c, uint64_t connection, const struct line_part *parts,
	size_t n, struct rv_err *e);
/* All keys that are admitted from now on. Of the same key twice the first counts. */
int line_client_admit(
	struct line_client *c, const struct line_key *keys, size_t n, struct rv_err *e);
int line_client_dial(struct line_client *c, uint64_t connection, const char *endpoint,
	const char *server_key, struct rv_err *e);
int line_client_close(struct line_client *c, uint64_t connection, struct rv_err *e);

#endif
