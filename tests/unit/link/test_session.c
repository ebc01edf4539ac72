/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "node/link/lead.h"
#include "tests/unit/link/rig.h"

#define SECOND RV_US_PER_SEC

static struct rig r;

/* ---- handshake ---- */

static void hello_comes_first(void **state)
{
	rig_open(&r, 8, 4 << 20);
	rig_give_item(&r, 1, 10);
	rig_ended(&r, RV_BYE_PROTOCOL, "LINK-ORDER");
	rig_up(&r, 8, 4 << 20);
	rig_give_hello(&r, "UG", 8, 4 << 20);
	rig_ended(&r, RV_BYE_PROTOCOL, "HELLO came twice");
}

static void identity_is_that_of_the_key(void **state)
{
	rig_open(&r, 8, 4 << 20);
	rig_give_hello(&r, "TZ", 8, 4 << 20);
	rig_ended(&r, RV_BYE_IDENTITY, "says TZ, but the key of the connection is that of UG");
}

static void versions_must_meet(void **state)
{
	struct rv_hello h = {.code = "UG", .version_min = 2, .version_max = 3, .software = "new"};
	struct rv_buf body = {0};
	rig_open(&r, 8, 4 << 20);
	assert_int_equal(rv_hello_put(&body, &h), 0);
	rig_give(&r, RV_CMD_HELLO, &body, 1);
	rig_ended(&r, RV_BYE_VERSION, "2 to 3");
}

static void a_silent_peer_is_left(void **state)
{
	rig_open(&r, 8, 4 << 20);
	rig_pass(&r, 14 * SECOND);
	assert_int_equal(r.n_ended, 0);
	rig_pass(&r, 2 * SECOND);
	rig_ended(&r, RV_BYE_SILENT, "did not say HELLO");
	rig_up(&r, 8, 4 << 20);
	rig_pass(&r, 14 * SECOND);
	rig_give_credit(&r, 9, 5 << 20);
	rig_pass(&r, 14 * SECOND);
	assert_int_equal(r.n_ended, 0);
	rig_pass(&r, 2 * SECOND);
	rig_ended(&r, RV_BYE_SILENT, "nothing was heard");
}

static void bye_is_heard(void **state)
{
	struct rv_bye bye = {RV_BYE_STOPPING, "back soon"};
	struct rv_buf body = {0};
	rig_up(&r, 8, 4 << 20);
	assert_int_equal(rv_bye_put(&body, &bye), 0);
	rig_give(&r, RV_CMD_BYE, &body, 1);
	assert_int_equal(r.n_ended, 1);
	assert_int_equal(r.end.by_peer, 1);
	assert_string_equal(r.end.why.text, "UG said bye (stopping): back soon");
	rig_nothing(&r);
	rig_close(&r);
}

/* ---- frames that break a rule ---- */

static void raw(const void *header, const void *body, size_t len)
{
	struct rv_span parts[2] = {{header, 8}, {body, len}};
	rig_up(&r, 8, 4 << 20);
	session_frame(r.s, parts, body != NULL ? 2 : 1, r.now);
}

static void broken_frames_end_it_by_name(void **state)
{
	raw("RV\1\2\0\0\0\1", NULL, 0);
	rig_ended(&r, RV_BYE_PROTOCOL, "FRAME-PARTS");
	raw("XX\1\2\0\0\0\1", "x", 1);
	rig_ended(&r, RV_BYE_PROTOCOL, "FRAME-MAGIC");
	raw("RV\2\2\0\0\0\1", "x", 1);
	rig_ended(&r, RV_BYE_VERSION, "FRAME-VERSION");
	raw("RV\1\x0b\0\0\0\1", "x", 1);
	rig_ended(&r, RV_BYE_PROTOCOL, "FRAME-COMMAND");
	for (unsigned cmd = RV_CMD_MESSAGES; cmd < RV_CMD_LAST; cmd++) {
		char header[8] = {'R', 'V', 1, (char)cmd, 0, 0, 0, 1};
		if (cmd != RV_CMD_RECONCILE && cmd != RV_CMD_RECEIPTS) {
			raw(header, "x", 1);
			rig_ended(&r, RV_BYE_PROTOCOL, "FRAME-");
		}
	}
	rig_up(&r, 8, 4 << 20);
	session_frame(r.s, NULL, 0, r.now);
	rig_ended(&r, RV_BYE_PROTOCOL, "FRAME-HEADER");
}

/* ---- messages to us ---- */

static void credit_is_kept_and_given_back(void **state)
{
	struct rv_credit c;
	rig_up(&r, 8, 4 << 20);
	for (unsigned i = 0; i < 8; i++) {
		rig_give_item(&r, i, 100);
	}
	assert_int_equal(r.n_arrived, 8);
	rig_nothing(&r);
	session_fate_message(r.s, r.arrived[3].handle, 0, NULL);
	session_fate_message(r.s, r.arrived[3].handle, 0, NULL); /* twice counts once */
	session_fate_message(r.s, 12345, 0, NULL);
	session_fate_message(r.s, r.arrived[4].handle, 0, NULL);
	rig_pump(&r);
	struct rig_frame *f = rig_take(&r, RV_CMD_CREDIT);
	assert_int_equal(rv_credit_parse(&c, f->parts[0].data, f->parts[0].len, NULL), 0);
	assert_int_equal(c.messages, 10);
	uint64_t bytes;
	assert_int_equal(session_at_intake(r.s, &bytes), 6);
	rig_give_item(&r, 8, 100);
	rig_give_item(&r, 9, 100);
	assert_int_equal(r.n_ended, 0);
	rig_give_item(&r, 10, 100);
	rig_ended(&r, RV_BYE_CREDIT, "11 messages");
}

static void credit_counts_bytes_too(void **state)
{
	rig_up(&r, 8, 4 << 20);
	for (unsigned i = 0; i < 3; i++) {
		rig_give_item(&r, i, 1 << 20);
	}
	assert_int_equal(r.n_ended, 0);
	rig_give_item(&r, 3, (1 << 20) - 100);
	assert_int_equal(r.n_ended, 0);
	rig_give_item(&r, 4, 10);
	rig_ended(&r, RV_BYE_CREDIT, "LINK-CREDIT");
}

static void a_message_is_put_off(void **state)
{
	struct rv_defer d = {.wait_s = 70, .code = "TRUST-NONE", .text = "no list\nyet"};
	struct rv_defer got;
	uint8_t id[RV_UUID_LEN];
	rig_up(&r, 8, 4 << 20);
	rig_give_item(&r, 5, 100);
	session_fate_message(r.s, r.arrived[0].handle, RV_EAGAIN, &d);
	rig_pump(&r);
	struct rig_frame *f = rig_take(&r, RV_CMD_DEFER);
	assert_int_equal(rv_defer_parse(&got, f->parts[0].data, f->parts[0].len, NULL), 0);
	rig_id(id, 5);
	assert_memory_equal(got.message, id, sizeof(id));
	assert_int_equal(got.wait_s, 70);
	assert_string_equal(got.text, "no list?yet");
	rig_take(&r, RV_CMD_CREDIT);
	/* the intake's queue is full */
	r.intake_rc = RV_EAGAIN;
	rig_give_item(&r, 6, 100);
	f = rig_take(&r, RV_CMD_DEFER);
	assert_int_equal(rv_defer_parse(&got, f->parts[0].data, f->parts[0].len, NULL), 0);
	assert_string_equal(got.code, "BUSY");
	rig_take(&r, RV_CMD_CREDIT);
	rig_close(&r);
}

/* ---- messages of ours ---- */

static void due(unsigned priority, size_t len, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		r.messages[r.n_messages].priority = priority;
		r.messages[r.n_messages].settled = 0;
		r.messages[r.n_messages++].len = len;
	}
}

static unsigned number_of(const struct rig_frame *f, size_t part)
{
	struct rv_item item;
	assert_int_equal(rv_item_parse(&item, f->parts[part].data, f->parts[part].len, NULL), 0);
	unsigned n = (unsigned)item.message[14] << 8 | item.message[15];
	rv_item_clear(&item);
	return n;
}

static void urgent_goes_first(void **state)
{
	rig_open(&r, 8, 4 << 20);
	due(2, 100, 2);
	due(1, 100, 2);
	due(0, 100, 2);
	session_lead(r.s, 1);
	rig_give_hello(&r, "UG", 100, 4 << 20);
	static const unsigned want[3][2] = {{5, 6}, {3, 4}, {1, 2}};
	for (size_t i = 0; i < 3; i++) {
		struct rig_frame *f = rig_take(&r, RV_CMD_MESSAGES);
		assert_int_equal(f->n, 2);
		assert_int_equal(number_of(f, 0), want[i][0]);
		assert_int_equal(number_of(f, 1), want[i][1]);
	}
	rig_nothing(&r);
	assert_int_equal(r.n_noted_sent, 6);
	rig_close(&r);
}

static size_t messages_out(void)
{
	size_t n = 0;
	while (r.n_sent > 0) {
		struct rig_frame *f = rig_next(&r);
		assert_int_equal(f->cmd, RV_CMD_MESSAGES);
		n += f->n;
		if (r.n_sent == 0) {
			break;
		}
	}
	return n;
}

static void bulk_leaves_room(void **state)
{
	rig_up(&r, 100, 4 << 20);
	due(2, 100, 120);
	session_wake(r.s);
	rig_pump(&r);
	assert_int_equal(messages_out(), 25);
	due(1, 100, 60);
	session_wake(r.s);
	rig_pump(&r);
	assert_int_equal(messages_out(), 50);
	due(0, 100, 40);
	session_wake(r.s);
	rig_pump(&r);
	assert_int_equal(messages_out(), 25);
	rig_give_credit(&r, 101, (4 << 20) + 200);
	assert_int_equal(messages_out(), 1);
	rig_close(&r);
}

static void nobody_leads_nothing_is_offered(void **state)
{
	rig_up(&r, 100, 4 << 20);
	session_lead(r.s, 0);
	due(0, 100, 3);
	r.n_receipts = 3;
	session_wake_all(r.s);
	rig_pass(&r, SECOND);
	rig_nothing(&r);
	rig_close(&r);
}

/* A large message waits for the credit that it needs, and is not read over and over meanwhile. */
static void large_messages_wait_for_credit(void **state)
{
	rig_up(&r, 100, (1 << 20) + 8192);
	due(0, 1 << 20, 2);
	session_wake(r.s);
	rig_pump(&r);
	assert_int_equal(messages_out(), 1);
	rig_pass(&r, SECOND);
	rig_nothing(&r);
	rig_give_credit(&r, 101, 2 << 20);
	rig_nothing(&r);
	rig_give_credit(&r, 101, (2 << 20) + 16384);
	assert_int_equal(messages_out(), 1);
	rig_close(&r);
}

static void settle(unsigned n)
{
	struct rv_buf bodies[2] = {{0}, {0}};
	static uint64_t batch;
	batch = r.n_receipts_arrived + 1;
	assert_int_equal(rv_batch_put(&bodies[0], batch), 0);
	rig_receipt(&bodies[1], n);
	rig_give(&r, RV_CMD_RECEIPTS, bodies, 2);
}

static void what_has_no_receipt_is_offered_again(void **state)
{
	struct session_stats st;
	rig_up(&r, 100, 4 << 20);
	due(1, 100, 3);
	session_wake(r.s);
	rig_pump(&r);
	assert_int_equal(messages_out(), 3);
	settle(1);
	session_fate_receipts(r.s, r.receipts_handle, 0);
	rig_pump(&r);
	rig_take(&r, RV_CMD_RECEIPTS_ACK);
	session_stats(r.s, &st);
	assert_int_equal(st.in_flight, 2);
	r.messages[0].settled = 1;
	r.messages[1].settled = 1; /* the store knows of that receipt, this session does not */
	for (unsigned i = 0; i < 60; i++) {
		rig_pass(&r, 9 * SECOND);
		rig_give_credit(&r, 101 + i, 4 << 20);
		rig_nothing(&r);
	}
	rig_give_credit(&r, 200, 5 << 20);
	for (unsigned i = 0; i < 7; i++) {
		rig_pass(&r, 9 * SECOND);
		rig_give_credit(&r, 201 + i, 5 << 20);
	}
	struct rig_frame *f = rig_next(&r);
	assert_int_equal(f->cmd, RV_CMD_MESSAGES);
	assert_int_equal(f->n, 1);
	assert_int_equal(number_of(f, 0), 3);
	session_stats(r.s, &st);
	assert_int_equal(st.in_flight, 1);
	rig_close(&r);
}

static void a_deferred_message_comes_again_in_time(void **state)
{
	struct rv_defer d = {.wait_s = 10, .code = "BUSY"};
	struct rv_buf body = {0};
	rig_up(&r, 100, 4 << 20);
	due(1, 100, 1);
	session_wake(r.s);
	rig_pump(&r);
	assert_int_equal(messages_out(), 1);
	rig_id(d.message, 1);
	assert_int_equal(rv_defer_put(&body, &d), 0);
	rig_give(&r, RV_CMD_DEFER, &body, 1);
	rig_pass(&r, 9 * SECOND);
	rig_nothing(&r);
	rig_pass(&r, 2 * SECOND);
	assert_int_equal(messages_out(), 1);
	rig_close(&r);
}

/* A message that becomes due behind what was read (its attachment came late) is found by a reading from the start. */
static void late_ones_are_found(void **state)
{
	rig_up(&r, 100, 4 << 20);
	due(1, 100, 3);
	r.messages[0].settled = 1;
	session_wake(r.s);
	rig_pump(&r);
	assert_int_equal(messages_out(), 2);
	r.messages[0].settled = 0;
	session_wake(r.s);
	rig_pump(&r);
	rig_nothing(&r);
	session_wake_all(r.s);
	rig_pass(&r, SECOND);
	struct rig_frame *f = rig_next(&r);
	assert_int_equal(f->n, 1);
	assert_int_equal(number_of(f, 0), 1);
	rig_nothing(&r);
	rig_close(&r);
}

static void a_full_channel_is_waited_for(void **state)
{
	rig_up(&r, 100, 4 << 20);
	due(0, 100, 2);
	r.full = 1;
	session_wake(r.s);
	rig_pump(&r);
	rig_nothing(&r);
	assert_int_equal(r.n_noted_sent, 0);
	r.full = 0;
	rig_pump(&r);
	rig_nothing(&r); /* not before it is told */
	session_writable(r.s);
	rig_pump(&r);
	assert_int_equal(messages_out(), 2);
	rig_close(&r);
}

static void a_broken_store_ends_it_a_busy_one_does_not(void **state)
{
	rig_up(&r, 100, 4 << 20);
	due(0, 100, 1);
	r.due_rc = RV_EAGAIN;
	session_wake(r.s);
	rig_pump(&r);
	assert_int_equal(r.n_ended, 0);
	r.due_rc = RV_EIO;
	rig_pump(&r);
	rig_ended(&r, RV_BYE_INTERNAL, "a fault on this side");
}

static void credit_must_grow(void **state)
{
	rig_up(&r, 100, 4 << 20);
	rig_give_credit(&r, 101, 4 << 20);
	rig_give_credit(&r, 100, 5 << 20);
	rig_ended(&r, RV_BYE_PROTOCOL, "CREDIT does not grow");
	rig_up(&r, 100, 4 << 20);
	rig_give_credit(&r, 100, 4 << 20);
	rig_ended(&r, RV_BYE_PROTOCOL, "CREDIT does not grow");
}

/* ---- receipts ---- */

static uint64_t batch_number(const struct rig_frame *f)
{
	uint64_t n;
	assert_int_equal(f->cmd, RV_CMD_RECEIPTS);
	assert_int_equal(rv_batch_parse(&n, f->parts[0].data, f->parts[0].len, NULL), 0);
	return n;
}

static void give_ack(uint64_t batch, uint8_t status)
{
	struct rv_ack ack = {batch, status};
	struct rv_buf body = {0};
	assert_int_equal(rv_ack_put(&body, &ack), 0);
	rig_give(&r, RV_CMD_RECEIPTS_ACK, &body, 1);
}

static void receipts_go_in_batches(void **state)
{
	rig_up(&r, 100, 4 << 20);
	r.n_receipts = 2;
	session_wake_receipts(r.s);
	rig_pump(&r);
	struct rig_frame *f = rig_next(&r);
	assert_int_equal(batch_number(f), 1);
	assert_int_equal(f->n, 3);
	r.n_receipts = 3;
	session_wake_receipts(r.s);
	rig_pump(&r);
	f = rig_next(&r);
	assert_int_equal(batch_number(f), 2);
	assert_int_equal(f->n, 2);
	r.n_receipts = 4;
	session_wake_receipts(r.s);
	rig_pass(&r, SECOND);
	rig_nothing(&r); /* two are under way */
	give_ack(1, RV_ACK_DURABLE);
	assert_int_equal(r.n_receipts_done, 2);
	f = rig_next(&r);
	assert_int_equal(batch_number(f), 3);
	assert_int_equal(f->n, 2);
	/* the third could not be stored there: it comes again after a while, and once */
	give_ack(2, RV_ACK_LATER);
	give_ack(3, RV_ACK_DURABLE);
	rig_pass(&r, 4 * SECOND);
	rig_nothing(&r);
	rig_pass(&r, 2 * SECOND);
	f = rig_next(&r);
	assert_int_equal(batch_number(f), 4);
	assert_int_equal(f->n, 2);
	rig_nothing(&r);
	/* queued again under its old number */
	give_ack(4, RV_ACK_DURABLE);
	rig_pass(&r, 6 * SECOND);
	r.receipts[0].done = 0;
	session_wake_receipts(r.s);
	rig_pass(&r, SECOND);
	f = rig_next(&r);
	assert_int_equal(batch_number(f), 5);
	assert_int_equal(f->n, 2);
	give_ack(4, RV_ACK_DURABLE);
	rig_ended(&r, RV_BYE_PROTOCOL, "not under way");
}

static void give_batch(uint64_t number)
{
	struct rv_buf bodies[2] = {{0}, {0}};
	assert_int_equal(rv_batch_put(&bodies[0], number), 0);
	rig_receipt(&bodies[1], 1);
	rig_give(&r, RV_CMD_RECEIPTS, bodies, 2);
}

static void receipts_of_the_peer_are_answered_once_durable(void **state)
{
	struct rv_ack ack;
	rig_up(&r, 100, 4 << 20);
	give_batch(1);
	assert_int_equal(r.n_receipts_arrived, 1);
	rig_pass(&r, SECOND);
	rig_nothing(&r);
	session_fate_receipts(r.s, r.receipts_handle, RV_EIO);
	rig_pump(&r);
	struct rig_frame *f = rig_take(&r, RV_CMD_RECEIPTS_ACK);
	assert_int_equal(rv_ack_parse(&ack, f->parts[0].data, f->parts[0].len, NULL), 0);
	assert_int_equal(ack.batch, 1);
	assert_int_equal(ack.status, RV_ACK_LATER);
	r.intake_rc = RV_EAGAIN;
	give_batch(2);
	f = rig_take(&r, RV_CMD_RECEIPTS_ACK);
	assert_int_equal(rv_ack_parse(&ack, f->parts[0].data, f->parts[0].len, NULL), 0);
	assert_int_equal(ack.status, RV_ACK_LATER);
	r.intake_rc = 0;
	for (uint64_t n = 3; n < 7; n++) {
		give_batch(n);
	}
	assert_int_equal(r.n_ended, 0);
	give_batch(7);
	rig_ended(&r, RV_BYE_CREDIT, "more than 4 batches");
	rig_up(&r, 100, 4 << 20);
	give_batch(2);
	rig_ended(&r, RV_BYE_PROTOCOL, "batch 2 follows batch 0");
}

static void an_oversized_receipt_ends_it(void **state)
{
	struct rv_buf bodies[2] = {{0}, {0}};
	uint8_t *large = calloc(1, RV_RECEIPT_MAX_BYTES + 1);
	rig_up(&r, 100, 4 << 20);
	rv_batch_put(&bodies[0], 1);
	rv_buf_put(&bodies[1], large, RV_RECEIPT_MAX_BYTES + 1);
	free(large);
	rig_give(&r, RV_CMD_RECEIPTS, bodies, 2);
	rig_ended(&r, RV_BYE_PROTOCOL, "LINK-RECEIPT");
}

/* ---- heartbeat ---- */

static void give_ping(uint64_t serial, uint64_t trust)
{
	struct rv_ping p = {serial, 5, trust};
	struct rv_buf body = {0};
	assert_int_equal(rv_ping_put(&body, &p), 0);
	rig_give(&r, RV_CMD_PING, &body, 1);
}

static void pings_are_answered_and_measured(void **state)
{
	struct rv_pong pong;
	struct rv_ping ping;
	struct rv_buf body = {0};
	struct session_stats st;
	rig_up(&r, 100, 4 << 20);
	give_ping(9, 8);
	struct rig_frame *f = rig_take(&r, RV_CMD_PONG);
	assert_int_equal(rv_pong_parse(&pong, f->parts[0].data, f->parts[0].len, NULL), 0);
	assert_int_equal(pong.serial, 9);
	assert_int_equal(pong.t1_us, 5);
	assert_int_equal(session_hello(r.s)->trust_number, 8);
	rig_pass(&r, 5 * SECOND);
	f = rig_take(&r, RV_CMD_PING);
	assert_int_equal(rv_ping_parse(&ping, f->parts[0].data, f->parts[0].len, NULL), 0);
	assert_int_equal(ping.trust_number, 7);
	/* 100 ms there and back, of which the peer held it for 20; its clock is 3 s ahead */
	r.now.mono_us += 100000;
	r.now.wall_us += 100000;
	pong = (struct rv_pong){ping.serial, ping.t1_us, ping.t1_us + 40000 + 3 * SECOND, ping.t1_us + 60000 + 3 * SECOND};
	assert_int_equal(rv_pong_put(&body, &pong), 0);
	rig_give(&r, RV_CMD_PONG, &body, 1);
	session_stats(r.s, &st);
	assert_int_equal(st.rtt_p50_us, 80000);
	assert_int_equal(st.rtt_p99_us, 80000);
	assert_int_equal(st.clock_offset_us, 3 * SECOND);
	pong.serial = 99;
	assert_int_equal(rv_pong_put(&body, &pong), 0);
	rig_give(&r, RV_CMD_PONG, &body, 1);
	rig_ended(&r, RV_BYE_PROTOCOL, "LINK-PONG");
}

static void a_flood_of_pings_ends_it(void **state)
{
	rig_up(&r, 100, 4 << 20);
	for (unsigned i = 0; i < 64; i++) {
		give_ping(i, 7);
		rig_take(&r, RV_CMD_PONG);
	}
	give_ping(64, 7);
	rig_ended(&r, RV_BYE_PROTOCOL, "LINK-PING");
}

static void a_new_trust_list_is_told_first(void **state)
{
	struct rv_ping ping;
	rig_up(&r, 100, 4 << 20);
	due(0, 100, 1);
	session_wake(r.s);
	session_trust(r.s, 8);
	rig_pump(&r);
	struct rig_frame *f = rig_take(&r, RV_CMD_PING);
	assert_int_equal(rv_ping_parse(&ping, f->parts[0].data, f->parts[0].len, NULL), 0);
	assert_int_equal(ping.trust_number, 8);
	rig_take(&r, RV_CMD_MESSAGES);
	rig_close(&r);
}

/* A wall clock that is set does not disturb the timers. */
static void the_wall_clock_may_jump(void **state)
{
	rig_up(&r, 100, 4 << 20);
	rig_pass(&r, SECOND);
	r.now.wall_us += 86400 * SECOND;
	rig_pass(&r, SECOND);
	r.now.wall_us -= 2 * 86400 * SECOND;
	rig_pass(&r, SECOND);
	assert_int_equal(r.n_ended, 0);
	rig_close(&r);
}

/* ---- who leads ---- */

static void both_ends_choose_the_same(void **state)
{
	struct lead_candidate ke[2] = {{1, 0, 1, 1}, {1, 0, 0, 2}}; /* dialled by KE, by UG */
	struct lead_candidate ug[2] = {{1, 0, 0, 5}, {1, 0, 1, 6}};
	assert_int_equal(lead_choose(ke, 2, "KE", "UG"), 0);
	assert_int_equal(lead_choose(ug, 2, "UG", "KE"), 0);
	ke[1].leads = 1;
	assert_int_equal(lead_choose(ke, 2, "KE", "UG"), 1);
	ke[1].up = 0;
	assert_int_equal(lead_choose(ke, 2, "KE", "UG"), 0);
	ke[0].up = 0;
	assert_int_equal(lead_choose(ke, 2, "KE", "UG"), -1);
	assert_int_equal(lead_choose(NULL, 0, "KE", "UG"), -1);
	struct lead_candidate same[2] = {{1, 0, 1, 1}, {1, 0, 1, 2}};
	assert_int_equal(lead_choose(same, 2, "KE", "UG"), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hello_comes_first),
		cmocka_unit_test(identity_is_that_of_the_key),
		cmocka_unit_test(versions_must_meet),
		cmocka_unit_test(a_silent_peer_is_left),
		cmocka_unit_test(bye_is_heard),
		cmocka_unit_test(broken_frames_end_it_by_name),
		cmocka_unit_test(credit_is_kept_and_given_back),
		cmocka_unit_test(credit_counts_bytes_too),
		cmocka_unit_test(a_message_is_put_off),
		cmocka_unit_test(urgent_goes_first),
		cmocka_unit_test(bulk_leaves_room),
		cmocka_unit_test(nobody_leads_nothing_is_offered),
		cmocka_unit_test(large_messages_wait_for_credit),
		cmocka_unit_test(what_has_no_receipt_is_offered_again),
		cmocka_unit_test(a_deferred_message_comes_again_in_time),
		cmocka_unit_test(late_ones_are_found),
		cmocka_unit_test(a_full_channel_is_waited_for),
		cmocka_unit_test(a_broken_store_ends_it_a_busy_one_does_not),
		cmocka_unit_test(credit_must_grow),
		cmocka_unit_test(receipts_go_in_batches),
		cmocka_unit_test(receipts_of_the_peer_are_answered_once_durable),
		cmocka_unit_test(an_oversized_receipt_ends_it),
		cmocka_unit_test(pings_are_answered_and_measured),
		cmocka_unit_test(a_flood_of_pings_ends_it),
		cmocka_unit_test(a_new_trust_list_is_told_first),
		cmocka_unit_test(the_wall_clock_may_jump),
		cmocka_unit_test(both_ends_choose_the_same),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
