/* SPDX-License-Identifier: Apache-2.0 */
#ifndef NODE_API_H
#define NODE_API_H

#include "node/api/core.h"
#include "node/config/conf.h"
#include "node/log/log.h"
#include "protocol/catalog.h"
#include "protocol/signer.h"

/*
 * The API: HTTP/1.1 on a Unix socket (conf->api_socket, mode 0600; only the node's own user and
 * root are served), JSON answers, RFC 9457 problems. One thread of its own with its own store
 * reader; openapi.json beside this header is the contract.
 *
 * HTTP itself is libmicrohttpd's work (http.c is the only file that includes it).
 */
struct api;

struct api_limits {
	unsigned connections;  /* open at once; 0: 64 */
	unsigned streams;      /* of them, how many may follow /v1/events; 0: 16 */
	unsigned header_s;     /* seconds from a connection's start, or its last answer, to a whole
				  request header; 0: 30 */
	unsigned stall_s;      /* seconds in which a client must move at least stall_bytes; 0: 30 */
	unsigned stall_bytes;  /* 0: 4096 */
	unsigned answer_s;     /* seconds that a submission may take before 503; 0: 60 */
	unsigned heartbeat_ms; /* of /v1/events; 0: 15000 */
};

struct api_params {
	const struct conf *conf; /* code, state_dir, api_socket, attachment_max */
	const struct rv_catalog *catalog;
	struct api_core core;
	struct rv_clock clock;
	struct log *log; /* NULL: nothing is logged */
	struct api_limits limits;
};

/* The params are copied; what they point to outlives the api. The store must have been made. A
 * stale socket is replaced, a live one is RV_EEXIST. */
int api_start(struct api **a_r, const struct api_params *p, struct rv_err *e);
/*
 * Ends the connections and the thread. Every `done` that the core still owes must come before the
 * core goes away, but may come after api_stop began: api_stop waits for them.
 */
void api_stop(struct api **a);

/* There are new inbox entries: followers of /v1/events hear of them. Any thread, never blocks; safe
 * in a signal handler. NULL is allowed. */
void api_wake(struct api *a);

#endif
