/* SPDX-License-Identifier: Apache-2.0 */
#ifndef NODE_COMMITTER_H
#define NODE_COMMITTER_H

#include "node/log/log.h"
#include "node/store/store.h"
#include "protocol/signer.h"

/*
 * The committer: the one thread that writes to the store. It takes whatever jobs wait, runs them in
 * one group, signs the group's receipts with one signature, commits once, and only then tells each
 * job's owner. So nothing is acknowledged before it is durable, and many messages share one sync of
 * the disk.
 *
 * The signing key may be away (hardware). The committer finds out by what it signs, and by a test
 * value when it has signed nothing for COMMITTER_PROBE_MS. From then on jobs that sign are not run:
 * they wait or fail, as each says; the others go on. It looks for the key twice a second; when that
 * is back, what waited goes on in the order it came.
 */
struct committer;
struct commit_job;

/* What a job's run may use. */
struct commit_scope {
	struct store *store;
	const struct rv_signer *signer;
	struct rv_clock clock;
	struct committer *committer;
};

struct commit_job {
	/* Runs inside the group, in the committer's thread. A negative return fails this job alone.
	 * Called again if the group was undone for want of the key: it starts from nothing then. */
	int (*run)(struct commit_job *job, const struct commit_scope *scope);
	/* Called once, after the commit (rc: of run, or of the commit), in the committer's thread;
	 * frees the job. */
	void (*done)(struct commit_job *job, int rc);
	struct rv_err err;
	/* It signs or calls commit_receipt: while the key is away it is not run, and done has
	 * RV_EAGAIN with the reason, unless it waits. */
	int signs;
	/* It is kept until the key is back, as far as COMMITTER_HELD_MAX and COMMITTER_HELD_BYTES
	 * allow, and then run; weight is what it keeps in memory meanwhile. */
	int waits;
	size_t weight;
	/* Called then in place of running it, in the committer's thread: the owner has it back, for
	 * what was found out about it may not hold any more. NULL: it is run. */
	void (*again)(struct commit_job *job);
	struct commit_job *next; /* the committer's */
};

enum {
	COMMITTER_PROBE_MS = 5000,
	COMMITTER_HELD_MAX = 8192,
	COMMITTER_HELD_BYTES = 64 << 20
};

struct committer_params {
	struct store *store;            /* borrowed; only the committer uses it from now on */
	const struct rv_signer *signer; /* over a keeper channel of its own */
	struct rv_clock clock;
	struct log *log;
};
int committer_start(struct committer **c_r, const struct committer_params *p, struct rv_err *e);
/* Ends after all jobs posted so far are done. */
void committer_stop(struct committer **c);

/* Waits for room if the queue is full. RV_ECLOSED: the job is not taken, and stays the caller's.
 * Not for the committer's own thread. */
int committer_post(struct committer *c, struct commit_job *job);

/* Is the key at hand? 0, or RV_EAGAIN with the reason, as of the last signature. Any thread. */
int committer_key(struct committer *c, struct rv_err *why);

/*
 * In run: adds a receipt of ours to the group. It is signed and stored before the commit, and
 * queued towards the peer the message came from (towards NULL) or the one named. The content is
 * copied.
 */
int commit_receipt(const struct commit_scope *scope, struct commit_job *job,
	const struct rv_receipt *r, const char *towards);

#endif
