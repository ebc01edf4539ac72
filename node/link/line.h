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
 * multi-part: "H" 0 "" ""                                         the line is there: it wants to
 * know whom to admit and dial "F" connection(u64) curve-key(40 chars) parts...     a link frame
 * that came in, from an authenticated peer "U" connection(u64) curve-key                        a
 * dialled connection is up (handshake done) "D" connection(u64) curve-key reason                 it
 * is down (disconnected, handshake failed: reason in words) "R" curve-key(or "") address reason a
 * handshake was refused (unknown key, wrong mechanism); counted, rate limited and from the node:
 *   "F" connection parts...                              send; dropped (with a "D") if the
 * connection is gone "A" key*                                             the whole list of
 * admitted keys (replaces the former; connections of others are cut at once) "L" connection
 * endpoint server-key                   dial; the connection number is the node's choice (high bit
 * clear). One connection, one "D" at its end: the node dials anew with a new number "X" connection
 * close Connections accepted on the bound socket get numbers with the high bit set. Back-pressure:
 * when the node does not read, the line stops reading the network.
 */
int line_main(const char *curve_key_path, const char *listen, const char *node_endpoint);

/* The node's end. One thread. */
struct line_client;
int line_client_new(struct line_client **c_r, const char *endpoint,
	struct rv_err *e); /* binds the PAIR; the line connects */
void line_client_free(struct line_client **c);
int line_client_fd(const struct line_client
		*c); /* edge-triggered ZMQ_FD; call line_client_next until RV_EAGAIN */

enum line_event { LINE_FRAME = 1, LINE_UP, LINE_DOWN, LINE_REFUSED, LINE_READY };
struct line_part {
	const uint8_t *data;
	size_t len;
};
struct line_in {
	enum line_event event;
	uint64_t connection;
	char key[RV_CURVE_KEY_TEXT];
	char reason[160];
	char address[64];
	struct line_part parts[1030];
	size_t n_parts; /* borrowed until the next call */
};
int line_client_next(
	struct line_client *c, struct line_in *in, struct rv_err *e); /* RV_EAGAIN: nothing now */
int line_client_send(struct line_client *c, uint64_t connection, const struct line_part *parts,
	size_t n, struct rv_err *e); /* RV_EAGAIN: full */
int line_client_admit(
	struct line_client *c, const char (*keys)[RV_CURVE_KEY_TEXT], size_t n, struct rv_err *e);
int line_client_dial(struct line_client *c, uint64_t connection, const char *endpoint,
	const char *server_key, struct rv_err *e);
int line_client_close(struct line_client *c, uint64_t connection, struct rv_err *e);

#endif
