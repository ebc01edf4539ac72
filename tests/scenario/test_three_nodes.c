/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "tests/scenario/sim.h"

#define SECOND RV_US_PER_SEC
#define A 0
#define B 1
#define C 2

/* Messages between all of them, of every priority and size, some with attachments. */
static void random_traffic(struct sim *sim, size_t n, int64_t within_us)
{
	unsigned n_blobs = (unsigned)sim_random(sim, 6);
	for (unsigned i = 0; i < n_blobs; i++) {
		static const uint64_t most[] = {1, 1000, 300000, 2000000};
		sim_blob(sim, i, sim_random(sim, most[sim_random(sim, 4)]));
	}
	for (size_t i = 0; i < n; i++) {
		unsigned from = (unsigned)sim_random(sim, 3);
		unsigned to = (from + 1 + (unsigned)sim_random(sim, 2)) % 3;
		unsigned blobs[2] = {0};
		size_t with = 0;
		/* a blob has one origin, so that it is where its messages come from */
		for (unsigned b = 0; b < n_blobs && with < 2; b++) {
			if (b % 3 == from && sim_random(sim, 4) == 0) {
				blobs[with++] = b;
			}
		}
		size_t len = 1 + (size_t)sim_random(sim, sim_random(sim, 20) == 0 ? 200000 : 8000);
		sim_submit(sim, (int64_t)sim_random(sim, (uint64_t)within_us), from, to, (unsigned)sim_random(sim, 3), len, blobs, with);
	}
}

static void one_schedule(uint64_t seed)
{
	struct sim_params p;
	sim_params_random(&p, seed);
	struct sim *sim = sim_new(&p);
	random_traffic(sim, 20 + (size_t)sim_random(sim, 60), 60 * SECOND);
	if (sim_run(sim, 4 * 3600 * SECOND) != 0) {
		fail_msg("seed %llu: not all messages and receipts arrived", (unsigned long long)seed);
	}
	if (sim_counts(sim)->most_at_intake > 2 * p.credit_messages) {
		fail_msg("seed %llu: %llu messages at the intake", (unsigned long long)seed,
			(unsigned long long)sim_counts(sim)->most_at_intake);
	}
	sim_free(&sim);
}

/* The seeds are 1 to REEVE_SEEDS (or those from REEVE_SEED_FROM): whatever breaks, each message is stored once, each receipt comes back. */
static void nothing_is_lost_in_any_schedule(void **state)
{
	const char *env = getenv("REEVE_SEEDS");
	const char *start = getenv("REEVE_SEED_FROM");
	uint64_t first = start != NULL ? strtoull(start, NULL, 10) : 1;
	uint64_t n = env != NULL ? strtoull(env, NULL, 10) : 300;
	for (uint64_t seed = first; seed < first + n; seed++) {
		one_schedule(seed);
	}
	printf("# schedules %llu to %llu\n", (unsigned long long)first, (unsigned long long)(first + n - 1));
}

/* Without troubles nothing is said twice, and once all is done the line is quiet. */
static void a_calm_link_repeats_nothing(void **state)
{
	for (unsigned both = 0; both < 2; both++) {
		struct sim_params p;
		sim_params_calm(&p, 77);
		p.both_dial = both;
		struct sim *sim = sim_new(&p);
		sim_pass(sim, 3 * SECOND);
		random_traffic(sim, 500, 30 * SECOND);
		assert_int_equal(sim_run(sim, 600 * SECOND), 0);
		sim_pass(sim, 120 * SECOND);
		const struct sim_counts *c = sim_counts(sim);
		assert_int_equal(c->repetitions, 0);
		assert_int_equal(c->superfluous_receipts, 0);
		assert_int_equal(c->faults, 0);
		struct session_stats st;
		sim_stats(sim, A, B, &st);
		assert_int_equal(st.in_flight, 0);
		uint64_t out = st.bytes_out;
		sim_pass(sim, 50 * SECOND);
		sim_stats(sim, A, B, &st);
		assert_true(st.bytes_out - out < 50 * 100);
		assert_true(st.rtt_p50_us >= 2 * 20000 && st.rtt_p99_us < 1000000);
		assert_true(st.clock_offset_us > -1000000 && st.clock_offset_us < 1000000);
		sim_free(&sim);
	}
}

/* A thousand situation reports wait for a slow line; the alert that comes then is there within seconds. */
static void urgent_overtakes_bulk(void **state)
{
	struct sim_params p;
	sim_params_calm(&p, 5);
	p.bytes_per_s = 16 * 1000;
	p.latency_us = 300000;
	p.credit_bytes = 16 << 20;
	p.credit_messages = 1000;
	p.buffer = 16 << 20;
	p.heartbeat_us = 10 * SECOND;
	struct sim *sim = sim_new(&p);
	sim_blob(sim, 0, 1000000);
	unsigned photo = 0;
	sim_submit(sim, 0, A, C, 1, 1000, &photo, 1);
	for (unsigned i = 0; i < 1000; i++) {
		sim_submit(sim, 0, A, C, 2, 8000, NULL, 0);
	}
	int64_t at = 100 * SECOND;
	size_t alert = sim_submit(sim, at, A, C, 0, 4000, NULL, 0);
	sim_pass(sim, at + 60 * SECOND);
	assert_true(sim_stored_at(sim, alert) > 0);
	print_message("alert after %.1f s\n", (double)(sim_stored_at(sim, alert) - at) / 1e6);
	assert_true(sim_stored_at(sim, alert) - at < 20 * SECOND);
	size_t done = 0;
	for (size_t i = 1; i < 1001; i++) {
		done += sim_stored_at(sim, i) > 0 && sim_stored_at(sim, i) < at;
	}
	assert_true(done > 10 && done < 500);
	assert_int_equal(sim_run(sim, 4 * 3600 * SECOND), 0);
	sim_free(&sim);
}

/* The line breaks every few seconds: an attachment goes on where it stopped. */
static void attachments_resume(void **state)
{
	struct sim_params p;
	sim_params_calm(&p, 9);
	p.bytes_per_s = 500 * 1000;
	struct sim *sim = sim_new(&p);
	uint64_t size = 20 * 1000 * 1000;
	unsigned film = 0;
	sim_blob(sim, 0, size);
	size_t m = sim_submit(sim, 0, A, B, 1, 1000, &film, 1);
	unsigned cuts = 0;
	while (sim_stored_at(sim, m) == 0 && cuts < 100) {
		sim_pass(sim, 9 * SECOND);
		sim_cut(sim, 0);
		cuts++;
	}
	assert_true(cuts >= 5 && cuts < 15);
	/* what was under way and not written is asked for again: at most a window a cut */
	assert_true(sim_counts(sim)->chunk_bytes >= size);
	assert_true(sim_counts(sim)->chunk_bytes <= size + cuts * 4 * RV_CHUNK_MAX);
	sim_free(&sim);
}

/* An intake that takes a second for each commit gets no more than was granted. */
static void a_slow_intake_is_not_flooded(void **state)
{
	struct sim_params p;
	sim_params_calm(&p, 3);
	p.intake_us = SECOND;
	p.credit_messages = 16;
	struct sim *sim = sim_new(&p);
	for (unsigned i = 0; i < 2000; i++) {
		sim_submit(sim, 0, A, B, 2, 500, NULL, 0);
	}
	assert_int_equal(sim_run(sim, 3600 * SECOND), 0);
	assert_true(sim_counts(sim)->most_at_intake <= 16);
	assert_int_equal(sim_counts(sim)->repetitions, 0);
	sim_free(&sim);
}

/* What a quick line carries is not held back by the protocol. */
static void a_quick_link_is_filled(void **state)
{
	struct sim_params p;
	sim_params_calm(&p, 4);
	p.latency_us = 50000;
	p.bytes_per_s = 2 * 1000 * 1000;
	struct sim *sim = sim_new(&p);
	for (unsigned i = 0; i < 4000; i++) {
		sim_submit(sim, 0, A, B, 1, 5000, NULL, 0);
	}
	assert_int_equal(sim_run(sim, 3600 * SECOND), 0);
	print_message("20 MB at 2 MB/s in %.1f s\n", (double)sim_now(sim) / 1e6);
	assert_true(sim_now(sim) < 15 * SECOND);
	sim_free(&sim);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_calm_link_repeats_nothing),
		cmocka_unit_test(urgent_overtakes_bulk),
		cmocka_unit_test(attachments_resume),
		cmocka_unit_test(a_slow_intake_is_not_flooded),
		cmocka_unit_test(a_quick_link_is_filled),
		cmocka_unit_test(nothing_is_lost_in_any_schedule),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
