/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "tests/unit/link/rig.h"

/* CRLs and OCSP responses on their way between two nodes. */

static struct rig r;

static void give(uint8_t kind, uint8_t fill, size_t len)
{
	static uint8_t bytes[RV_STATUS_CARRY_MAX + 1];
	struct rv_status_head head = {.kind = kind, .key = {7}};
	struct rv_buf bodies[2] = {{0}, {0}};
	memset(bytes, fill, sizeof(bytes));
	assert_int_equal(rv_status_head_put(&bodies[0], &head), 0);
	rv_buf_put(&bodies[1], bytes, len);
	rig_give(&r, RV_CMD_STATUS, bodies, 2);
}

static void message_of(const char *originator)
{
	r.messages[r.n_messages].originator = originator;
	r.messages[r.n_messages].priority = 1;
	r.messages[r.n_messages++].len = 100;
	session_wake(r.s);
	rig_pump(&r);
}

static void expect_status(uint8_t item, uint8_t version)
{
	struct rv_status_head head;
	struct rig_frame *f = rig_next(&r);
	assert_int_equal(f->cmd, RV_CMD_STATUS);
	assert_int_equal(f->n, 2);
	assert_int_equal(rv_status_head_parse(&head, f->parts[0].data, f->parts[0].len, NULL), 0);
	assert_int_equal(head.key[0], item);
	assert_int_equal(f->parts[1].len, r.item_len);
	assert_int_equal(f->parts[1].data[2], version);
}

static void expect_message(void)
{
	assert_int_equal(rig_next(&r)->cmd, RV_CMD_MESSAGES);
	rig_nothing(&r);
}

static void up(size_t n_items, size_t item_len)
{
	rig_up(&r, 8, 4 << 20);
	r.n_items = n_items;
	r.item_len = item_len;
	r.item_version = 1;
}

static void goes_before_the_first_message(void **state)
{
	up(2, 500);
	message_of("FR");
	expect_status(0, 1);
	expect_status(1, 1);
	expect_message();
	/* the second message finds it there, another member's does not */
	message_of("FR");
	expect_message();
	message_of("UG");
	expect_status(0, 1);
	expect_status(1, 1);
	expect_message();
	rig_close(&r);
}

static void newer_follows(void **state)
{
	up(1, 500);
	message_of("FR");
	expect_status(0, 1);
	expect_message();
	session_status_changed(r.s);
	rig_pump(&r);
	rig_nothing(&r);
	r.item_version = 2;
	session_status_changed(r.s);
	rig_pump(&r);
	expect_status(0, 2);
	rig_nothing(&r);
	rig_close(&r);
}

static void waits_for_the_channel(void **state)
{
	up(2, 500);
	r.full = 1;
	message_of("FR");
	rig_nothing(&r);
	r.full = 0;
	session_writable(r.s);
	rig_pump(&r);
	expect_status(0, 1);
	expect_status(1, 1);
	expect_message();
	rig_close(&r);
}

static void what_is_too_large_stays(void **state)
{
	up(1, RV_STATUS_CARRY_MAX + 1);
	message_of("FR");
	expect_message();
	r.item_len = RV_STATUS_CARRY_MAX;
	session_status_changed(r.s);
	rig_pump(&r);
	expect_status(0, 1);
	rig_close(&r);
}

static void what_came_is_not_sent_back(void **state)
{
	up(1, 500);
	message_of("FR");
	expect_status(0, 1);
	expect_message();
	r.item_version = 3;
	/* the peer has this version: it sent it */
	uint8_t bytes[500];
	memset(bytes, 3, sizeof(bytes));
	bytes[0] = 'F';
	bytes[1] = 0;
	struct rv_status_head head = {.kind = 1};
	struct rv_buf bodies[2] = {{0}, {0}};
	rv_status_head_put(&bodies[0], &head);
	rv_buf_put(&bodies[1], bytes, sizeof(bytes));
	rig_give(&r, RV_CMD_STATUS, bodies, 2);
	assert_int_equal(r.n_statuses, 1);
	session_status_changed(r.s);
	rig_pump(&r);
	rig_nothing(&r);
	rig_close(&r);
}

static void arrives(void **state)
{
	up(0, 0);
	give(RV_STATUS_OCSP, 1, RV_STATUS_CARRY_MAX);
	assert_int_equal(r.n_statuses, 1);
	assert_int_equal(r.status.kind, RV_STATUS_OCSP);
	assert_int_equal(r.status.key[0], 7);
	give(RV_STATUS_CRL, 1, RV_STATUS_CARRY_MAX + 1);
	rig_ended(&r, RV_BYE_PROTOCOL, "STATUS");
	rig_close(&r);
}

static void is_not_empty(void **state)
{
	up(0, 0);
	give(RV_STATUS_CRL, 1, 0);
	rig_ended(&r, RV_BYE_PROTOCOL, "STATUS");
	rig_close(&r);
}

static void has_a_rate(void **state)
{
	up(0, 0);
	size_t n = 0;
	while (r.n_ended == 0 && n < 5000) {
		give(RV_STATUS_CRL, 1, 10);
		n++;
	}
	assert_true(n > 2000 && n < 2100);
	rig_ended(&r, RV_BYE_PROTOCOL, "LINK-STATUS");
	rig_close(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(goes_before_the_first_message),
		cmocka_unit_test(newer_follows),
		cmocka_unit_test(waits_for_the_channel),
		cmocka_unit_test(what_is_too_large_stays),
		cmocka_unit_test(what_came_is_not_sent_back),
		cmocka_unit_test(arrives),
		cmocka_unit_test(is_not_empty),
		cmocka_unit_test(has_a_rate),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
