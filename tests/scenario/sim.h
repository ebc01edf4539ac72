/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_SIM_H
#define TESTS_SIM_H

#include "node/link/session.h"

/*
 * Three nodes A - B - C in simulated time: real sessions over a simulated network, with a small model in place of store
 * and intake. One seed gives one run, always the same. What the model finds wrong it says with seed and time, and aborts.
 */

enum { SIM_NODES = 3, SIM_MESSAGES = 4096, SIM_BLOBS = 64 };

struct sim_params {
	uint64_t seed;
	int64_t latency_us, jitter_us;
	uint64_t bytes_per_s;           /* of each connection, each way */
	size_t buffer;                  /* bytes that the channel takes before it says try again */
	uint64_t credit_messages, credit_bytes;
	int64_t heartbeat_us;
	int64_t intake_us;              /* a commit takes up to this */
	unsigned both_dial;             /* 1: two connections a pair */
	double cuts_per_min;            /* connections lost, of each */
	double restarts_per_min;        /* nodes that start anew, each: what is not committed is gone */
	double defers;                  /* of messages that the intake puts off */
	double failures;                /* of receipts and chunks that cannot be stored now */
	double full;                    /* of calls that find no room in the intake's queue */
	double wrong_digests;           /* of blobs that turn out altered at their end */
	int64_t troubles_end_us;        /* nothing breaks after that */
};
/* Drawn from the seed: anything from a quick local network to a slow and torn one. */
void sim_params_random(struct sim_params *p, uint64_t seed);
void sim_params_calm(struct sim_params *p, uint64_t seed);

struct sim;
struct sim *sim_new(const struct sim_params *p);
void sim_free(struct sim **sim);
int64_t sim_now(const struct sim *sim);
uint64_t sim_random(struct sim *sim, uint64_t below);

/* A node submits a message at that time. n_blobs attachments of the numbers given. */
size_t sim_submit(struct sim *sim, int64_t at_us, unsigned from, unsigned to, unsigned priority, size_t len,
	const unsigned *blobs, size_t n_blobs);
void sim_blob(struct sim *sim, unsigned blob, uint64_t size);
/* Runs until every message is stored at its recipient and every receipt at its originator; 0. -1: not within limit_us. */
int sim_run(struct sim *sim, int64_t limit_us);
/* Runs for that long. */
void sim_pass(struct sim *sim, int64_t us);
void sim_cut(struct sim *sim, unsigned pair);  /* all connections between A and B (0) or B and C (1), now */

/* ---- what happened ---- */
int64_t sim_stored_at(const struct sim *sim, size_t message);   /* at its recipient; 0: not yet */
struct sim_counts {
	uint64_t arrivals;      /* messages handed to an intake, repetitions among them */
	uint64_t repetitions;   /* of those that were accepted before */
	uint64_t chunk_bytes;   /* handed to an intake */
	uint64_t sessions, faults;      /* faults: sessions ended for what a peer did wrong */
	uint64_t most_at_intake;        /* messages of one peer at one time */
	uint64_t superfluous_receipts;
	uint64_t events;
};
const struct sim_counts *sim_counts(const struct sim *sim);
void sim_stats(const struct sim *sim, unsigned from, unsigned to, struct session_stats *st);

#endif
