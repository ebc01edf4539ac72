/* SPDX-License-Identifier: Apache-2.0 */
#ifndef NODE_API_CORE_H
#define NODE_API_CORE_H

#include "node/link/links.h"
#include "node/trust/fetcher.h"
#include "node/trust/status.h"
#include "node/trust/joins.h"
#include "protocol/check.h"
#include "protocol/id.h"
#include "protocol/msg.h"
#include "protocol/trustlist.h"

/*
 * What the API needs from the node: callbacks, so that a test can play the node behind a real
 * socket.
 *
 * All of them are called in the API's thread and must not block: what takes time is queued, and
 * answered later by `done` from any other thread (never from inside the call), exactly once for
 * each call that returned 0. What is handed over is borrowed for the call only, in both directions:
 * the node copies what it keeps of a submission, the API what it keeps of a result.
 */

struct api_result {
	int code;              /* 0: durable and on its way (dry run: would be sent) */
	struct rv_err err;     /* why not */
	char id[RV_UUID_TEXT]; /* "" where there is none: refused, dry run */
	int known;             /* 1: that id was accepted before; nothing was done again */
	const char (*recipients)[RV_CODE_TEXT];
	size_t n_recipients;
	const struct rv_report *report; /* faults and warnings of the draft; NULL: not checked */
};

struct api_submission {
	const void *draft;
	size_t len;
	const char *operation; /* "": the draft's */
	const char *id; /* the client's Idempotency-Key, a UUIDv7 that becomes the message's id;
			   NULL: the node's choice */
	const char *const *to; /* named recipients, in place of the draft's; none: the draft's */
	size_t n_to;
	const struct rv_attachment *attachments; /* blobs that are here already */
	size_t n_attachments;
	int dry_run; /* judge and route only */
	void (*done)(void *ctx, const struct api_result *result);
	void *ctx;
};

struct api_facts {
	int64_t started_us;
	int ready;        /* 1: takes submissions */
	char reason[160]; /* why it is not ready */
};

struct api_core {
	void *ctx;
	/* RV_EAGAIN: busy, `done` is not called. */
	int (*submit)(void *ctx, const struct api_submission *s, struct rv_err *e);
	/* A person opened it. done: 0, RV_ENOTFOUND, or what failed. */
	int (*mark_read)(void *ctx, const uint8_t message[RV_UUID_LEN],
		void (*done)(void *done_ctx, int rc, const struct rv_err *e), void *done_ctx,
		struct rv_err *e);
	int (*links)(void *ctx, struct links_status **s_r, struct rv_err *e);
	struct rv_trust *(*trust)(void *ctx); /* a reference; NULL: there is no trust list yet */
	void (*facts)(void *ctx, struct api_facts *f);
	/* Where lists, CRLs and OCSP responses are fetched from; *list_r is free()d. NULL: nothing
	 * is fetched. */
	int (*sources)(void *ctx, struct fetch_source **list_r, size_t *n_r, struct rv_err *e);
	/* What holds of a certificate now. RV_ENOTFOUND: it is not in the trust list. NULL: it is
	 * not known. */
	int (*standing)(
		void *ctx, const uint8_t cert[RV_DIGEST_LEN], struct status_facts *facts_r);
	struct joins *joins; /* who asks to join; NULL: nobody can */
	void (*joins_changed)(void *ctx); /* an invitation was added: its guest is to be let in */
};

#endif
