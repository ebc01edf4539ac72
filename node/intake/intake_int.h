/* SPDX-License-Identifier: Apache-2.0 */
#ifndef NODE_INTAKE_INT_H
#define NODE_INTAKE_INT_H

#include "node/intake/intake.h"
#include "node/intake/judge.h"
#include "node/intake/order.h"
#include "node/intake/park.h"
#include "node/queue.h"
#include "node/store/blob.h"

#include <pthread.h>
#include <stdatomic.h>

/* What the parts of the intake share. */

enum { INTAKE_WORKERS_MAX = 64, INTAKE_QUEUE_MAX = 8192, INTAKE_PARKED_MAX = 128 };

struct worker {
	struct intake *intake;
	struct judge *judge;
	pthread_t thread;
	int running;
};

struct intake {
	struct intake_params p;
	struct links *links;
	struct queue *work;   /* for the workers */
	struct queue *chunks; /* for the chunk writer */
	struct order *order;  /* of arrivals: what the workers judged goes to the committer in the
				 order it came */
	atomic_uint statuses; /* that peers passed on, at the workers */
	struct park *park; /* arrivals whose signer's status is not known yet */
	struct worker workers[INTAKE_WORKERS_MAX];
	size_t n_workers;
	pthread_t chunk_thread;
	int chunk_running;
	struct routes *routes;       /* the last hop of each member: committer's thread only */
	struct store_reader *reader; /* committer's thread only */
	struct store_reader *shared_reader; /* the workers', under reader_lock */
	pthread_mutex_t reader_lock;
};

/* A piece of work: run by a worker with its judge, frees itself. */
struct work {
	void (*run)(struct work *w, struct intake *i, struct judge *judge);
};

/* The view of the routing at this moment; holds a reference to the list until intake_view_end.
 * RV_EAGAIN without a list. */
int intake_view(struct intake *i, struct route_view *view, struct rv_err *e);
void intake_view_end(struct route_view *view);

/* Callbacks of the links, in intake_message.c, intake_receipts.c and intake_blob.c. */
int intake_on_message(void *ctx, const char *peer, uint64_t peer_trust, const struct rv_item *item,
	uint64_t token);
int intake_on_receipts(
	void *ctx, const char *peer, const struct rv_span *receipts, size_t n, uint64_t token);
int intake_on_chunk(void *ctx, const char *peer, const uint8_t digest[RV_DIGEST_LEN], uint64_t size,
	uint64_t offset, struct rv_span data, uint64_t token);
void intake_on_status(void *ctx, const char *peer, const struct status_item *item);
void intake_on_sent(void *ctx, const char *peer, const int64_t *seqs, size_t n);
void intake_on_receipts_done(void *ctx, const char *peer, const int64_t *ids, size_t n);
void intake_on_fetch_failed(
	void *ctx, const char *peer, const uint8_t digest[RV_DIGEST_LEN], const char *why);

/* Defers every arrival that is parked. */
void intake_unpark(struct intake *i, int64_t now_us);
/* What a message by that certificate would be taken as now; for the store. RV_EDENIED and the like:
 * nobody would take it. */
int intake_own_standing(struct intake *i, const uint8_t cert[RV_DIGEST_LEN],
	struct store_standing *s_r, struct rv_err *e);
void intake_standing(const struct status_standing *from, struct store_standing *to);

void *intake_chunk_writer(void *arg);
void intake_routes_free(struct routes **routes);

/* The row of a message in the store, from any thread. RV_ENOTFOUND. */
int intake_entry(struct intake *i, const uint8_t id[RV_UUID_LEN], struct store_entry *entry);
/* 1 if the message is in the store with that seal. Any thread. */
int intake_has(struct intake *i, const uint8_t id[RV_UUID_LEN],
	const uint8_t seal_digest[RV_DIGEST_LEN]);
/* Exercise never mixes with real; only the originator updates or cancels. Looks at what the store
 * has of the references. */
int intake_references(struct intake *i, const struct rv_header *h, struct rv_err *e);

/* Targets of a message: the hop of each recipient but ourselves. *list_r is free()d by the caller.
 */
int intake_targets(const struct route_view *view, const struct route_codes *recipients,
	const char *trail, struct store_target **list_r, size_t *n_r, int *for_us_r,
	struct rv_err *e);
/* The receipts that a message which became complete calls for: STORED if it is for us, RELAYED for
 * the others. */
int intake_accept_receipts(struct intake *i, const struct commit_scope *scope,
	struct commit_job *job, const uint8_t message[RV_UUID_LEN],
	const uint8_t seal_digest[RV_DIGEST_LEN], int for_us, char (*others)[RV_CODE_TEXT],
	size_t n_others);
/* After a commit: whom to tell. */
void intake_announce(struct intake *i, int for_us, const struct store_target *targets, size_t n);
/* Posts a job; if the committer is closing, its done is called with RV_ECLOSED. */
void intake_post(struct intake *i, struct commit_job *job);

#endif
