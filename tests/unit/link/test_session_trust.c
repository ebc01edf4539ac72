/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "tests/unit/link/rig.h"

/* Trust lists on their way between two nodes, and new keys on their way to a coordinator. */

static struct rig r;

static void ask(uint64_t number, uint32_t offset)
{
	struct rv_trust_request q = {number, offset};
	struct rv_buf body = {0};
	assert_int_equal(rv_trust_request_put(&body, &q), 0);
	rig_give(&r, RV_CMD_TRUST_REQUEST, &body, 1);
}

static void give_part(uint64_t number, uint32_t total, uint32_t offset, size_t len)
{
	static uint8_t bytes[RV_CHUNK_MAX + 1];
	struct rv_trust_part p = {number, total, offset};
	struct rv_buf bodies[2] = {{0}, {0}};
	assert_int_equal(rv_trust_part_put(&bodies[0], &p), 0);
	rv_buf_put(&bodies[1], bytes, len);
	rig_give(&r, RV_CMD_TRUST, bodies, len > 0 ? 2 : 1);
}

static void a_list_is_served_in_pieces(void **state)
{
	struct rv_trust_part p;
	rig_up(&r, 8, 4 << 20);
	r.list_number = 9;
	r.list_len = RV_CHUNK_MAX + 100;
	ask(9, 0);
	rig_pump(&r);
	struct rig_frame *f = rig_next(&r);
	assert_int_equal(f->cmd, RV_CMD_TRUST);
	assert_int_equal(f->n, 2);
	assert_int_equal(rv_trust_part_parse(&p, f->parts[0].data, f->parts[0].len, NULL), 0);
	assert_int_equal(p.number, 9);
	assert_int_equal(p.total, r.list_len);
	assert_int_equal(f->parts[1].len, RV_CHUNK_MAX);
	ask(9, RV_CHUNK_MAX);
	rig_pump(&r);
	f = rig_next(&r);
	assert_int_equal(f->parts[1].len, 100);
	/* beyond its end, and where there is none: said so */
	ask(9, RV_CHUNK_MAX + 100);
	rig_pump(&r);
	f = rig_next(&r);
	assert_int_equal(f->cmd, RV_CMD_TRUST);
	assert_int_equal(f->n, 1);
	rig_nothing(&r);
	rig_close(&r);
}

static void asking_has_a_limit(void **state)
{
	rig_up(&r, 8, 4 << 20);
	r.list_number = 9;
	r.list_len = 10;
	r.full = 1;
	for (int i = 0; i < 600; i++) {
		ask(9, 0); /* only the last of those that wait is answered */
	}
	assert_int_equal(session_state(r.s), SESSION_UP);
	r.full = 0;
	ask(9, 0);
	rig_ended(&r, RV_BYE_PROTOCOL, "LINK-TRUST");
}

static void a_list_is_fetched_in_pieces(void **state)
{
	struct rv_trust_request q;
	rig_up(&r, 8, 4 << 20);
	give_part(9, 10, 0, 10); /* not asked for */
	assert_int_equal(r.n_parts, 0);
	session_ask_trust(r.s, 9, 0);
	rig_pump(&r);
	struct rig_frame *f = rig_next(&r);
	assert_int_equal(f->cmd, RV_CMD_TRUST_REQUEST);
	assert_int_equal(rv_trust_request_parse(&q, f->parts[0].data, f->parts[0].len, NULL), 0);
	assert_int_equal(q.number, 9);
	give_part(9, 300, 0, 200);
	assert_int_equal(r.n_parts, 1);
	assert_int_equal(r.part_len, 200);
	give_part(9, 300, 200, 100); /* once asked, once answered */
	assert_int_equal(r.n_parts, 1);
	session_ask_trust(r.s, 9, 200);
	rig_pump(&r);
	give_part(9, 0, 0, 0);
	assert_int_equal(r.n_parts, 2);
	assert_int_equal(r.part.total, 0);
	rig_close(&r);
}

static void pieces_that_do_not_fit(void **state)
{
	static const struct {
		uint32_t total, offset;
		size_t len;
	} bad[] = {{300, 200, 101}, {300, 0, 0}, {0, 0, 1}, {RV_TRUST_MAX_BYTES, 0, RV_CHUNK_MAX + 1}};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		rig_up(&r, 8, 4 << 20);
		session_ask_trust(r.s, 9, 0);
		rig_pump(&r);
		rig_next(&r);
		give_part(9, bad[i].total, bad[i].offset, bad[i].len);
		rig_ended(&r, RV_BYE_PROTOCOL, "TRUST");
		assert_int_equal(r.n_parts, 0);
	}
}

static void new_keys_travel_with_a_voucher(void **state)
{
	struct rv_vouch v = {.code = "UG", .alg = 1, .signature = {(const uint8_t *)"0123456789", 10}};
	struct rv_buf bodies[2] = {{0}, {0}};
	rig_up(&r, 8, 4 << 20);
	assert_int_equal(session_send_join(r.s, (struct rv_span){(const uint8_t *)"<Join/>", 7}, &v), 0);
	struct rig_frame *f = rig_next(&r);
	assert_int_equal(f->cmd, RV_CMD_JOIN);
	assert_int_equal(f->n, 2);
	rv_buf_str(&bodies[0], "<Join/>");
	assert_int_equal(rv_vouch_put(&bodies[1], &v), 0);
	rig_give(&r, RV_CMD_JOIN, bodies, 2);
	assert_int_equal(r.n_joins, 1);
	memset(bodies, 0, sizeof(bodies));
	rv_buf_str(&bodies[0], "<Join/>");
	rig_give(&r, RV_CMD_JOIN, bodies, 1);
	rig_ended(&r, RV_BYE_PROTOCOL, "voucher");
	assert_int_equal(r.n_joins, 1);
}

static void states_of_joining(void **state)
{
	struct rv_join_state s = {.status = RV_JOIN_REFUSED, .rule = "JOIN-USED", .text = "used", .mend = "ask"};
	struct rv_join_state back;
	struct rv_buf body = {0};
	assert_int_equal(rv_join_state_put(&body, &s), 0);
	assert_int_equal(rv_join_state_parse(&back, body.data, body.len, NULL), 0);
	assert_string_equal(back.rule, "JOIN-USED");
	for (size_t len = 0; len < body.len; len++) {
		assert_int_not_equal(rv_join_state_parse(&back, body.data, len, NULL), 0);
	}
	rv_buf_free(&body);
	s.status = RV_JOIN_WAITING;
	assert_int_equal(rv_join_state_put(&body, &s), RV_EINVAL);
	s.rule[0] = '\0';
	assert_int_equal(rv_join_state_put(&body, &s), 0);
	rv_buf_free(&body);
	s.status = RV_JOIN_ADMITTED;
	assert_int_equal(rv_join_state_put(&body, &s), RV_EINVAL);
	s.trust_number = 4;
	assert_int_equal(rv_join_state_put(&body, &s), 0);
	rv_buf_free(&body);
	s.status = 4;
	assert_int_equal(rv_join_state_put(&body, &s), RV_EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_list_is_served_in_pieces),
		cmocka_unit_test(asking_has_a_limit),
		cmocka_unit_test(a_list_is_fetched_in_pieces),
		cmocka_unit_test(pieces_that_do_not_fit),
		cmocka_unit_test(new_keys_travel_with_a_voucher),
		cmocka_unit_test(states_of_joining),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
