/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdatomic.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <cmocka.h>

#include "node/env.h"
#include "node/intake/committer.h"
#include "protocol/cert.h"

/* generous: for hangs, not for speed */
enum { BOUND_MS = 60000 };

/* ---- a key that may go away ---- */

struct key {
	EVP_PKEY *key;
	atomic_int away;
	atomic_int asked;
};

static int key_sign(void *ctx, const void *data, size_t len, struct rv_buf *out, struct rv_err *e)
{
	struct key *k = ctx;
	atomic_fetch_add(&k->asked, 1);
	if (atomic_load(&k->away)) {
		return rv_fail_rule(e, RV_EAGAIN, "TOKEN-AWAY", "the hardware module is away");
	}
	return rv_key_sign(k->key, RV_ALG_ECDSA_P256_SHA256, data, len, out, e);
}

struct world {
	char dir[64];
	struct store *store;
	struct log *log;
	struct key key;
	struct rv_signer signer;
	struct committer *committer;
};

static struct world *world_new(int away)
{
	struct world *w = calloc(1, sizeof(*w));
	struct rv_err e = {0};
	strcpy(w->dir, "/tmp/reeve-committer.XXXXXX");
	assert_non_null(mkdtemp(w->dir));
	assert_int_equal(store_sqlite_open(&w->store, w->dir, &e), 0);
	assert_int_equal(log_open(&w->log, "error", "json", "KE", env_clock(), &e), 0);
	w->key.key = EVP_EC_gen("P-256");
	atomic_init(&w->key.away, away);
	w->signer = (struct rv_signer){
		.sign = key_sign, .ctx = &w->key, .alg = RV_ALG_ECDSA_P256_SHA256, .code = "KE"};
	struct committer_params p = {w->store, &w->signer, env_clock(), w->log};
	assert_int_equal(committer_start(&w->committer, &p, &e), 0);
	return w;
}

static void world_free(struct world *w)
{
	char command[128];
	committer_stop(&w->committer);
	store_close(&w->store);
	log_close(&w->log);
	EVP_PKEY_free(w->key.key);
	snprintf(command, sizeof(command), "rm -rf '%s'", w->dir);
	assert_int_equal(system(command), 0);
	free(w);
}

/* ---- jobs that count what happens to them ---- */

struct job {
	struct commit_job job;
	atomic_int runs, done, again;
	int code; /* of done, read after done */
	int receipt;
	int order;
};
static atomic_int turn;

static struct job *job_of(struct commit_job *job)
{
	return (struct job *)((char *)job - offsetof(struct job, job));
}

static int job_run(struct commit_job *job, const struct commit_scope *scope)
{
	struct job *j = job_of(job);
	char recipients[1][RV_CODE_TEXT] = {"KE"};
	struct rv_receipt r = {.stage = RV_STAGE_REJECTED,
		.time_us = scope->clock.now_us(scope->clock.ctx),
		.recipients = recipients,
		.n_recipients = 1,
		.rule = "XSD-ENUM"};
	atomic_fetch_add(&j->runs, 1);
	if (!j->receipt) {
		return 0;
	}
	memset(r.message, j->receipt, sizeof(r.message));
	r.message[6] = 0x70;
	r.message[8] = 0x80;
	return commit_receipt(scope, job, &r, "FR");
}

static void job_done(struct commit_job *job, int rc)
{
	struct job *j = job_of(job);
	j->code = rc;
	j->order = atomic_fetch_add(&turn, 1);
	atomic_store(&j->done, 1);
}

static void job_again(struct commit_job *job)
{
	struct job *j = job_of(job);
	j->order = atomic_fetch_add(&turn, 1);
	atomic_store(&j->again, 1);
}

static void post(struct world *w, struct job *j, int receipt, int waits)
{
	memset(j, 0, sizeof(*j));
	j->receipt = receipt;
	j->job.run = job_run;
	j->job.done = job_done;
	j->job.signs = receipt != 0;
	j->job.waits = waits;
	assert_int_equal(committer_post(w->committer, &j->job), 0);
}

static void wait_for(atomic_int *what)
{
	for (int i = 0; i < BOUND_MS / 5 && !atomic_load(what); i++) {
		poll(NULL, 0, 5);
	}
	assert_true(atomic_load(what));
}

static void wait_for_key(struct world *w, int rc)
{
	struct rv_err why = {0};
	for (int i = 0; i < BOUND_MS / 5 && committer_key(w->committer, &why) != rc; i++) {
		poll(NULL, 0, 5);
	}
	assert_int_equal(committer_key(w->committer, &why), rc);
	if (rc != 0) {
		assert_string_equal(why.rule, "TOKEN-AWAY");
	}
}

/* ---- tests ---- */

static void commits_with_receipts(void **state)
{
	struct world *w = world_new(0);
	struct job a;
	struct job b;
	post(w, &a, 1, 1);
	post(w, &b, 0, 0);
	wait_for(&a.done);
	wait_for(&b.done);
	assert_int_equal(a.code, 0);
	assert_int_equal(b.code, 0);
	assert_int_equal(committer_key(w->committer, NULL), 0);
	world_free(w);
}

/* The key goes away between two groups, unnoticed: what signs waits, the others do not. */
static void waits_for_the_key(void **state)
{
	struct world *w = world_new(0);
	struct job first;
	struct job signs[3];
	struct job other;
	struct job impatient;
	post(w, &first, 1, 1);
	wait_for(&first.done);
	atomic_store(&w->key.away, 1);
	post(w, &signs[0], 2, 1);
	post(w, &other, 0, 0);
	post(w, &signs[1], 3, 1);
	post(w, &impatient, 4, 0);
	post(w, &signs[2], 5, 1);
	wait_for(&other.done);
	assert_int_equal(other.code, 0);
	wait_for(&impatient.done);
	assert_int_equal(impatient.code, RV_EAGAIN);
	assert_string_equal(impatient.job.err.rule, "TOKEN-AWAY");
	wait_for_key(w, RV_EAGAIN);
	/* and the others go on while it lasts */
	post(w, &other, 0, 0);
	wait_for(&other.done);
	assert_int_equal(other.code, 0);
	for (int i = 0; i < 3; i++) {
		assert_false(atomic_load(&signs[i].done));
	}
	atomic_store(&w->key.away, 0);
	for (int i = 0; i < 3; i++) {
		wait_for(&signs[i].done);
		assert_int_equal(signs[i].code, 0);
		assert_true(i == 0 || signs[i].order > signs[i - 1].order);
	}
	wait_for_key(w, 0);
	world_free(w);
}

static void gives_back_what_is_to_be_judged_anew(void **state)
{
	struct world *w = world_new(1);
	struct job jobs[3];
	struct job behind;
	wait_for_key(w, RV_EAGAIN);
	for (int i = 0; i < 3; i++) {
		memset(&jobs[i], 0, sizeof(jobs[i]));
		jobs[i].receipt = 1 + i;
		jobs[i].job.run = job_run;
		jobs[i].job.done = job_done;
		jobs[i].job.again = job_again;
		jobs[i].job.signs = jobs[i].job.waits = 1;
		assert_int_equal(committer_post(w->committer, &jobs[i].job), 0);
	}
	post(w, &behind, 0, 0);
	wait_for(&behind.done); /* so they were looked at */
	atomic_store(&w->key.away, 0);
	for (int i = 0; i < 3; i++) {
		wait_for(&jobs[i].again);
		assert_int_equal(atomic_load(&jobs[i].runs), 0);
		assert_int_equal(atomic_load(&jobs[i].done), 0);
		assert_true(i == 0 || jobs[i].order > jobs[i - 1].order);
	}
	world_free(w);
}

static void keeps_no_more_than_it_may(void **state)
{
	struct world *w = world_new(1);
	struct job large;
	struct job small;
	wait_for_key(w, RV_EAGAIN);
	memset(&large, 0, sizeof(large));
	large.job.run = job_run;
	large.job.done = job_done;
	large.job.signs = large.job.waits = large.receipt = 1;
	large.job.weight = COMMITTER_HELD_BYTES + 1;
	assert_int_equal(committer_post(w->committer, &large.job), 0);
	wait_for(&large.done);
	assert_int_equal(large.code, RV_EAGAIN);
	/* the end comes while it waits */
	post(w, &small, 1, 1);
	world_free(w);
	assert_int_equal(atomic_load(&small.done), 1);
	assert_int_equal(small.code, RV_EAGAIN);
	assert_int_equal(atomic_load(&small.runs), 0);
}

static void finds_out_by_itself(void **state)
{
	struct world *w = world_new(0);
	wait_for_key(w, 0);
	atomic_store(&w->key.away, 1);
	wait_for_key(w, RV_EAGAIN);
	atomic_store(&w->key.away, 0);
	wait_for_key(w, 0);
	world_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(commits_with_receipts),
		cmocka_unit_test(waits_for_the_key),
		cmocka_unit_test(gives_back_what_is_to_be_judged_anew),
		cmocka_unit_test(keeps_no_more_than_it_may),
		cmocka_unit_test(finds_out_by_itself),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
