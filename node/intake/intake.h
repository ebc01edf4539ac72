/* SPDX-License-Identifier: Apache-2.0 */
#ifndef NODE_INTAKE_H
#define NODE_INTAKE_H

#include "node/config/conf.h"
#include "node/intake/committer.h"
#include "node/link/links.h"
#include "node/log/log.h"
#include "node/route/route.h"
#include "node/trust/trust.h"
#include "protocol/catalog.h"
#include "protocol/check.h"

/*
 * The intake: workers that judge what arrives from peers and what local users submit, and a writer
 * for chunks of attachments. Each worker has its own verifier and checker; nothing is shared but
 * queues. What is judged goes to the committer as a job; the answer leaves after the commit.
 */
struct intake;

struct intake_params {
	const struct conf *conf;
	const struct rv_catalog *catalog;
	struct trust *trust;
	struct status *status; /* of members' certificates; NULL: the list alone counts */
	struct committer *committer;
	struct log *log;
	struct rv_clock clock;
	struct rv_random random;
	void (*inbox_changed)(void *ctx); /* any thread, after a commit; may be NULL */
	void *inbox_ctx;
};
int intake_start(struct intake **i_r, const struct intake_params *p, struct rv_err *e);
/* The links it answers to; before anything arrives. */
void intake_attach(struct intake *i, struct links *links);
/* The callbacks for links_new. */
struct links_intake intake_callbacks(struct intake *i);
/* Ends its threads; what is with the committer still comes back to it. */
void intake_stop(struct intake *i);
/* When it is stopped, and the committer after it. */
void intake_free(struct intake **i);

/* ---- local users: thread safe, never block for long ---- */

struct intake_result {
	int code;          /* 0: durable and on its way */
	struct rv_err err; /* why not */
	char id[RV_UUID_TEXT];
	int known; /* 1: the id was accepted before; nothing was done again */
	struct route_codes recipients;
	struct rv_report report; /* faults of the draft */
};

struct intake_submission {
	const void *draft;
	size_t len;            /* copied */
	const char *operation; /* "" takes the draft's */
	const char *id; /* UUIDv7 chosen by the client so that a retry is known again; NULL: ours */
	const char *const *to;
	size_t n_to; /* named recipients, added to the Header; none: the draft's */
	const struct rv_attachment *attachments;
	size_t n_attachments; /* blobs that are here already */
	int dry_run;          /* judge and route only */
	/* Called once from another thread; the result is borrowed. */
	void (*done)(void *ctx, const struct intake_result *result);
	void *ctx;
};
/* RV_EAGAIN: busy; done is not called then. */
int intake_submit(struct intake *i, const struct intake_submission *s, struct rv_err *e);

/* A person opened a message: notes it, and the first time a READ receipt travels back. done may be
 * NULL. */
int intake_mark_read(struct intake *i, const uint8_t message[RV_UUID_LEN],
	void (*done)(void *ctx, int rc, const struct rv_err *e), void *ctx, struct rv_err *e);

/* Hops may have changed (trust list, links): reconsiders the way of what waits. */
void intake_reroute(struct intake *i);
/* More is known of members' certificates: what waits for that is judged again. Any thread. */
void intake_status_changed(struct intake *i);
/* Puts off what has waited long enough; call it a few times a second. */
void intake_look(struct intake *i);
/* Ends deliveries of expired messages. */
void intake_expire(struct intake *i);

#endif
