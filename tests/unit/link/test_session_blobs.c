/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "node/link/flights.h"
#include "tests/unit/link/rig.h"

#define SECOND RV_US_PER_SEC

static struct rig r;

static struct rv_chunk_request next_request(void)
{
	struct rv_chunk_request q;
	struct rig_frame *f = rig_next(&r);
	assert_int_equal(f->cmd, RV_CMD_CHUNK_REQUEST);
	assert_int_equal(rv_chunk_request_parse(&q, f->parts[0].data, f->parts[0].len, NULL), 0);
	return q;
}

/* A blob with the digest 0a... of that size is wanted, and have bytes of it are here. */
static void fetch(uint64_t size, uint64_t have)
{
	rig_up(&r, 100, 4 << 20);
	r.fetches[0] = (struct store_fetch){{0x0a}, size};
	r.n_fetches = 1;
	session_wake_fetches(r.s);
	rig_pump(&r);
	assert_int_equal(r.n_chunks, 1);
	assert_int_equal(r.chunks[0].len, 0);
	session_fate_chunk(r.s, r.chunks[0].handle, have == 0 ? 0 : RV_EAGAIN, have, r.now);
	rig_pump(&r);
}

static void a_blob_is_fetched_in_order(void **state)
{
	uint64_t size = 3000000;
	uint64_t asked = 100000;
	uint64_t taken = 100000;
	size_t most = 0;
	fetch(size, 100000);
	struct { uint64_t offset; uint32_t length; } window[8];
	size_t n = 0;
	size_t seen = 1;
	while (taken < size) {
		while (asked < size && r.n_sent > 0) {
			struct rv_chunk_request q = next_request();
			assert_int_equal(q.offset, asked);
			assert_true(q.length <= RV_CHUNK_MAX && n < 4);
			window[n].offset = q.offset;
			window[n++].length = q.length;
			asked += q.length;
		}
		most = n > most ? n : most;
		assert_true(n > 0);
		rig_give_chunk(&r, 0x0a, window[0].offset, RV_CHUNK_DATA, window[0].length);
		assert_int_equal(r.n_chunks, ++seen);
		assert_int_equal(r.chunks[seen - 1].offset, taken);
		taken += window[0].length;
		memmove(&window[0], &window[1], --n * sizeof(window[0]));
		session_fate_chunk(r.s, r.chunks[seen - 1].handle, 0, taken, r.now);
		rig_pump(&r);
	}
	assert_int_equal(most, 4); /* a quick link opens the window */
	rig_pass(&r, 10 * SECOND);
	rig_nothing(&r);
	assert_int_equal(r.n_chunks, seen); /* it is not begun again while the store has not noted it */
	assert_int_equal(r.n_fetch_failed, 0);
	rig_close(&r);
}

static void a_slow_link_gets_a_small_window(void **state)
{
	uint64_t at = 0;
	uint32_t length = 0;
	fetch(100 << 20, 0);
	for (unsigned i = 0; i < 12; i++) {
		struct rv_chunk_request q = next_request();
		length = q.length;
		rig_pass(&r, 4 * SECOND);
		rig_give_chunk(&r, 0x0a, at, RV_CHUNK_DATA, q.length);
		at += q.length;
		session_fate_chunk(r.s, r.chunks[r.n_chunks - 1].handle, 0, at, r.now);
		rig_pump(&r);
	}
	assert_int_equal(length, 16384);
	next_request();
	rig_nothing(&r); /* one is under way */
	rig_close(&r);
}

static void whole_ones_are_not_fetched(void **state)
{
	rig_up(&r, 100, 4 << 20);
	r.fetches[0] = (struct store_fetch){{0x0a}, 1000};
	r.fetches[1] = (struct store_fetch){{0x0b}, 0};
	r.n_fetches = 2;
	session_wake_fetches(r.s);
	rig_pump(&r);
	assert_int_equal(r.n_chunks, 2);
	session_fate_chunk(r.s, r.chunks[0].handle, 0, 1000, r.now);
	session_fate_chunk(r.s, r.chunks[1].handle, 0, 0, r.now);
	rig_pass(&r, SECOND);
	rig_nothing(&r);
	rig_close(&r);
}

/* All bytes came before a crash, but the blob was not put in its place: an empty chunk at its end does it. */
static void a_blob_left_at_its_end_is_completed(void **state)
{
	fetch(1000, 1000);
	assert_int_equal(r.n_chunks, 2);
	assert_int_equal(r.chunks[1].offset, 1000);
	assert_int_equal(r.chunks[1].len, 0);
	session_fate_chunk(r.s, r.chunks[1].handle, 0, 1000, r.now);
	rig_pass(&r, SECOND);
	rig_nothing(&r);
	assert_int_equal(r.n_chunks, 2);
	rig_close(&r);
}

static void answers_must_fit(void **state)
{
	fetch(1 << 20, 0);
	struct rv_chunk_request q = next_request();
	rig_give_chunk(&r, 0x0a, q.offset, RV_CHUNK_DATA, q.length - 1);
	rig_ended(&r, RV_BYE_PROTOCOL, "LINK-CHUNK");
	fetch(1 << 20, 0);
	q = next_request();
	rig_give_chunk(&r, 0x0a, q.offset + 1, RV_CHUNK_DATA, q.length);
	rig_ended(&r, RV_BYE_PROTOCOL, "not asked for");
	fetch(1 << 20, 0);
	q = next_request();
	rig_give_chunk(&r, 0x0b, q.offset, RV_CHUNK_DATA, q.length);
	rig_ended(&r, RV_BYE_PROTOCOL, "not asked for");
	fetch(1 << 20, 0);
	q = next_request();
	rig_give_chunk(&r, 0x0a, q.offset, RV_CHUNK_LATER, q.length);
	rig_ended(&r, RV_BYE_PROTOCOL, "status 3 has 2 parts");
}

/* Answers all requests that are under way with that status. */
static void refuse_all(uint8_t status)
{
	while (r.n_sent > 0) {
		struct rv_chunk_request q = next_request();
		rig_give_chunk(&r, 0x0a, q.offset, status, 0);
	}
}

static void what_the_peer_has_not_got_is_given_up(void **state)
{
	fetch(1 << 20, 0);
	refuse_all(RV_CHUNK_ABSENT);
	assert_int_equal(r.n_fetch_failed, 1);
	assert_string_equal(r.fetch_why, "the peer has not got it");
	rig_close(&r);
	fetch(1 << 20, 0);
	refuse_all(RV_CHUNK_DENIED);
	assert_int_equal(r.n_fetch_failed, 1);
	rig_close(&r);
	/* the bytes were wrong */
	fetch(1000, 0);
	struct rv_chunk_request q = next_request();
	rig_give_chunk(&r, 0x0a, 0, RV_CHUNK_DATA, q.length);
	session_fate_chunk(r.s, r.chunks[1].handle, RV_EDIGEST, 0, r.now);
	assert_int_equal(r.n_fetch_failed, 1);
	rig_close(&r);
}

static void later_is_later(void **state)
{
	fetch(1000, 0);
	refuse_all(RV_CHUNK_LATER);
	rig_pass(&r, 9 * SECOND);
	rig_give_credit(&r, 101, 5 << 20);
	rig_pass(&r, 9 * SECOND);
	rig_give_credit(&r, 102, 5 << 20);
	rig_pass(&r, 9 * SECOND);
	rig_give_credit(&r, 103, 5 << 20);
	assert_int_equal(r.n_chunks, 1);
	rig_pass(&r, 5 * SECOND);
	assert_int_equal(r.n_chunks, 2); /* asks the intake again where to go on */
	assert_int_equal(r.n_fetch_failed, 0);
	rig_close(&r);
}

/* The intake is elsewhere than we thought: what is under way is let go, and it goes on from there. */
static void it_goes_on_where_the_intake_is(void **state)
{
	fetch(10 << 20, 0);
	struct rv_chunk_request q[2];
	q[0] = next_request();
	q[1] = next_request();
	rig_give_chunk(&r, 0x0a, q[0].offset, RV_CHUNK_DATA, q[0].length);
	session_fate_chunk(r.s, r.chunks[1].handle, RV_EAGAIN, 5000, r.now);
	rig_pump(&r);
	while (r.n_sent > 0) {
		q[1] = next_request();
	}
	rig_give_chunk(&r, 0x0a, q[0].length, RV_CHUNK_DATA, q[0].length);
	if (q[1].offset > q[0].length) {
		rig_give_chunk(&r, 0x0a, q[1].offset, RV_CHUNK_DATA, q[1].length);
	}
	assert_int_equal(r.n_chunks, 2);
	rig_pass(&r, 2 * SECOND);
	assert_int_equal(r.n_chunks, 3);
	session_fate_chunk(r.s, r.chunks[2].handle, RV_EAGAIN, 5000, r.now);
	rig_pump(&r);
	assert_int_equal(next_request().offset, 5000);
	rig_close(&r);
}

static void an_unanswered_request_ends_it(void **state)
{
	fetch(1 << 20, 0);
	for (unsigned i = 0; i < 61; i++) {
		rig_pass(&r, 10 * SECOND);
		if (r.n_ended == 0) {
			rig_give_credit(&r, 101 + i, 5 << 20);
		}
	}
	rig_ended(&r, RV_BYE_SILENT, "unanswered");
}

/* ---- serving ---- */

static void ask(uint64_t offset, uint32_t length)
{
	struct rv_chunk_request q = {{0x0c}, offset, length};
	struct rv_buf body = {0};
	assert_int_equal(rv_chunk_request_put(&body, &q), 0);
	rig_give(&r, RV_CMD_CHUNK_REQUEST, &body, 1);
}

static struct rv_chunk served(size_t parts)
{
	struct rv_chunk k;
	struct rig_frame *f = rig_next(&r);
	assert_int_equal(f->cmd, RV_CMD_CHUNK);
	assert_int_equal(f->n, parts);
	assert_int_equal(rv_chunk_parse(&k, f->parts[0].data, f->parts[0].len, NULL), 0);
	if (parts == 2) {
		assert_memory_equal(f->parts[1].data, r.blob + k.offset, f->parts[1].len);
	}
	return k;
}

static void chunks_are_served(void **state)
{
	rig_up(&r, 100, 4 << 20);
	for (size_t i = 0; i < sizeof(r.blob); i++) {
		r.blob[i] = (uint8_t)(i * 7 + (i >> 8));
	}
	ask(1000, 5000);
	assert_int_equal(served(2).offset, 1000);
	ask(sizeof(r.blob) - 10, 11);
	assert_int_equal(served(1).status, RV_CHUNK_ABSENT);
	r.serve_rc = RV_EDENIED;
	ask(0, 10);
	assert_int_equal(served(1).status, RV_CHUNK_DENIED);
	r.serve_rc = RV_EIO;
	ask(0, 10);
	assert_int_equal(served(1).status, RV_CHUNK_LATER);
	rig_close(&r);
}

/* An alert goes before the chunks that wait. */
static void messages_overtake_chunks(void **state)
{
	rig_up(&r, 100, 4 << 20);
	r.full = 1;
	for (unsigned i = 0; i < 10; i++) {
		ask(i * 1000, 1000);
	}
	r.messages[0].priority = 0;
	r.messages[0].len = 100;
	r.n_messages = 1;
	session_wake(r.s);
	r.full = 0;
	session_writable(r.s);
	rig_pump(&r);
	rig_take(&r, RV_CMD_MESSAGES);
	for (unsigned i = 0; i < 10; i++) {
		assert_int_equal(served(2).offset, i * 1000);
	}
	rig_close(&r);
}

static void a_flood_of_requests_ends_it(void **state)
{
	rig_up(&r, 100, 4 << 20);
	r.full = 1;
	for (unsigned i = 0; i < 32; i++) {
		ask(0, 10);
	}
	assert_int_equal(r.n_ended, 0);
	ask(0, 10);
	assert_int_equal(r.n_ended, 1);
	assert_int_equal(r.end.code, RV_BYE_CREDIT);
	rig_close(&r);
}

/* ---- flights ---- */

static void flights_keep_their_books(void **state)
{
	struct flights f;
	uint8_t id[RV_UUID_LEN];
	flights_init(&f);
	assert_null(flights_find(&f, id));
	for (unsigned n = 0; n < FLIGHTS_MAX; n++) {
		rig_id(id, n);
		assert_int_equal(flights_add(&f, id, n, 1, 100 + n), 0);
	}
	rig_id(id, FLIGHTS_MAX);
	assert_int_equal(flights_add(&f, id, 1, 1, 1), RV_ELIMIT);
	assert_int_equal(flights_add(&f, id, 1, 0, 5000), 0);
	assert_int_equal(f.n, FLIGHTS_MAX + 1);
	rig_id(id, 7);
	assert_int_equal(flights_add(&f, id, 70, 2, 5000), 0); /* there already: changed */
	assert_int_equal(f.n, FLIGHTS_MAX + 1);
	assert_int_equal(f.counts[1], FLIGHTS_MAX - 1);
	assert_int_equal(f.counts[2], 1);
	assert_null(flights_due(&f, 1, 99));
	assert_non_null(flights_due(&f, 1, 100));
	assert_null(flights_due(&f, 2, 4999));
	assert_int_equal(flights_due(&f, 2, 5000)->seq, 70);
	for (unsigned n = 0; n < FLIGHTS_MAX; n += 2) {
		rig_id(id, n);
		flights_remove(&f, id);
		flights_remove(&f, id);
	}
	for (unsigned n = 0; n < FLIGHTS_MAX; n++) {
		rig_id(id, n);
		assert_int_equal(flights_find(&f, id) != NULL, n % 2);
	}
	assert_int_equal(f.counts[1], FLIGHTS_MAX / 2 - 1);
	flights_free(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_blob_is_fetched_in_order),
		cmocka_unit_test(a_slow_link_gets_a_small_window),
		cmocka_unit_test(whole_ones_are_not_fetched),
		cmocka_unit_test(a_blob_left_at_its_end_is_completed),
		cmocka_unit_test(answers_must_fit),
		cmocka_unit_test(what_the_peer_has_not_got_is_given_up),
		cmocka_unit_test(later_is_later),
		cmocka_unit_test(it_goes_on_where_the_intake_is),
		cmocka_unit_test(an_unanswered_request_ends_it),
		cmocka_unit_test(chunks_are_served),
		cmocka_unit_test(messages_overtake_chunks),
		cmocka_unit_test(a_flood_of_requests_ends_it),
		cmocka_unit_test(flights_keep_their_books),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
