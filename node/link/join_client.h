/* SPDX-License-Identifier: Apache-2.0 */
#ifndef NODE_JOIN_CLIENT_H
#define NODE_JOIN_CLIENT_H

#include "protocol/buf.h"
#include "protocol/frame.h"
#include "protocol/invite.h"

/*
 * The guest's end of joining (SPEC.md, 5.11): a connection to the coordinator's node with the key of
 * a token. No key of the new node is in it. One thread; every call waits, until what it waits for is
 * there or the time is over.
 */
struct join_client;

int join_client_new(struct join_client **c_r, const struct rv_invite *token, struct rv_err *e);
void join_client_free(struct join_client **c);

/*
 * Asks to join, or how that stands. authority: what came with an admission is appended. Errors:
 *   RV_EDENIED   JOIN-TOKEN        the node does not know the token: it ended more than a week ago, or
 *                                  another node has taken the place of the coordinator's
 *   RV_ETIMEOUT  JOIN-UNREACHABLE  nobody answers there
 *   RV_EPARSE    JOIN-ANSWER       what answers does not speak as a node does
 */
int join_client_ask(struct join_client *c, struct rv_span request, int timeout_ms,
	struct rv_join_state *state_r, struct rv_buf *authority, struct rv_err *e);

/* The trust list, as it was published, appended; after an admission only. Errors as above. */
int join_client_list(struct join_client *c, uint64_t number, int timeout_ms, struct rv_buf *wire,
	struct rv_err *e);

#endif
