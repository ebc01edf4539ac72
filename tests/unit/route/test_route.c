/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "node/route/route.h"
#include "tests/unit/trust/pki.h"

/* KE and FR dial RILO, which serves them; ZA is served by RILO and HUB; OBS observes; ACME holds
 * rights; NOP is in no roster. */
static struct pki_authority ocu;
static struct pki_member members[8];
static const char *const codes[] = {"KE", "FR", "RILO", "HUB", "ZA", "OBS", "ACME", "NOP"};
static struct rv_trust *trust;
static const struct rv_operation *op;

static const char *const roles[] = {"administration", "administration", "relay", "relay",
	"administration", "administration", "right-holder", "administration"};
static const char *const vias[] = {"<Via>RILO</Via>", "<Via>RILO</Via>", NULL, NULL,
	"<Via>RILO</Via><Via>HUB</Via>", NULL, NULL, NULL};

static int set_up(void **state)
{
	struct rv_buf content = {0};
	struct rv_buf list = {0};
	struct rv_buf wire = {0};
	const struct pki_authority *const by[] = {&ocu, NULL};
	assert_int_equal(rv_xml_init(NULL), 0);
	pki_authority(&ocu, "OCU", PKI_NOW - 100 * PKI_DAY, PKI_NOW + 1000 * PKI_DAY);
	for (size_t i = 0; i < 8; i++) {
		pki_member(&members[i], &ocu, codes[i], 0);
		pki_member_xml(&content, &members[i], roles[i], vias[i]);
	}
	pki_operation_xml(&content, "CRANE-26", "KE",
		"KE:participant FR:participant FR:coordination-unit RILO:relay ZA:participant "
		"OBS:observer ACME:right-holder");
	pki_operation_xml(&content, "EMPTY", "KE", "");
	pki_list_xml(
		&list, 7, "2026-11-20T00:00:00Z", "2026-12-20T00:00:00Z", rv_buf_cstr(&content));
	pki_sign(&wire, rv_buf_cstr(&list), by);
	const struct rv_cert *authorities[] = {ocu.cert};
	struct rv_err e = {0};
	if (rv_trust_read(&trust, wire.data, wire.len, authorities, 1, 1, PKI_NOW, &e) != 0) {
		print_error("%s %s\n", e.rule, e.text);
		fail();
	}
	op = rv_trust_operation(trust, "CRANE-26");
	assert_non_null(op);
	rv_buf_free(&content);
	rv_buf_free(&list);
	rv_buf_free(&wire);
	return 0;
}

static int tear_down(void **state)
{
	rv_trust_unref(&trust);
	for (size_t i = 0; i < 8; i++) {
		pki_member_clear(&members[i]);
	}
	pki_authority_clear(&ocu);
	rv_xml_cleanup();
	return 0;
}

static char up[4][RV_CODE_TEXT];

static int is_up(void *ctx, const char *code)
{
	for (size_t i = 0; i < 4; i++) {
		if (strcmp(up[i], code) == 0) {
			return 1;
		}
	}
	return 0;
}

static const char dial_rilo[1][RV_CODE_TEXT] = {"RILO"};

static struct route_view view_of(const char *self, const char (*dial)[RV_CODE_TEXT], size_t n)
{
	memset(up, 0, sizeof(up));
	return (struct route_view){.trust = trust,
		.self = self,
		.dial = dial,
		.n_dial = n,
		.up = is_up,
		.now_us = PKI_NOW};
}

static void expect_rule(int rc, const struct rv_err *e, const char *rule)
{
	assert_int_equal(rc, RV_EDENIED);
	assert_string_equal(e->rule, rule);
}

static void who_may_receive(void **state)
{
	struct route_view v = view_of("KE", dial_rilo, 1);
	struct rv_header h = {.kind = RV_KIND_SEIZURE, .issued_us = PKI_NOW - PKI_DAY};
	struct rv_err e = {0};
	assert_int_equal(route_may_receive(&v, op, &h, "FR", &e), 0);
	assert_int_equal(route_may_receive(&v, op, &h, "OBS", &e), 0);
	expect_rule(route_may_receive(&v, op, &h, "NOP", &e), &e, "ROUTE-ROSTER");
	expect_rule(route_may_receive(&v, op, &h, "XX", &e), &e, "ROUTE-ROSTER");
	expect_rule(route_may_receive(&v, op, &h, "RILO", &e), &e, "ROUTE-RELAY");
	expect_rule(route_may_receive(&v, op, &h, "ACME", &e), &e, "ROUTE-RIGHT-HOLDER");
	expect_rule(route_may_receive(&v, rv_trust_operation(trust, "EMPTY"), &h, "FR", &e), &e,
		"ROUTE-ROSTER");
	/* the roster counts as it was when the message was issued, and as it is now */
	h.issued_us = op->participants[0].from_us - 1;
	expect_rule(route_may_receive(&v, op, &h, "FR", &e), &e, "ROUTE-ROSTER");
	h.issued_us = PKI_NOW;
	v.now_us = op->participants[0].to_us + 1;
	expect_rule(route_may_receive(&v, op, &h, "FR", &e), &e, "ROUTE-ROSTER");
}

static void who_may_send(void **state)
{
	struct route_view v = view_of("RILO", NULL, 0);
	struct rv_header h = {
		.kind = RV_KIND_SEIZURE, .issued_us = PKI_NOW - 1, .originator = "KE"};
	struct rv_err e = {0};
	struct rv_operation closed = *op;
	closed.kinds = 0;
	assert_int_equal(route_may_send(&v, op, &h, &e), 0);
	strcpy(h.originator, "NOP");
	expect_rule(route_may_send(&v, op, &h, &e), &e, "ROUTE-SENDER");
	strcpy(h.originator, "OBS");
	expect_rule(route_may_send(&v, op, &h, &e), &e, "ROUTE-SENDER-ROLE");
	strcpy(h.originator, "RILO");
	expect_rule(route_may_send(&v, op, &h, &e), &e, "ROUTE-SENDER-ROLE");
	strcpy(h.originator, "ACME");
	expect_rule(route_may_send(&v, op, &h, &e), &e, "ROUTE-SENDER-ROLE");
	h.kind = RV_KIND_FEEDBACK;
	assert_int_equal(route_may_send(&v, &closed, &h, &e), 0);
	strcpy(h.originator, "KE");
	closed.kinds = 1u << RV_KIND_WARNING;
	expect_rule(route_may_send(&v, &closed, &h, &e), &e, "ROUTE-KIND");
	closed.kinds = 0;
	closed.to_us = PKI_NOW - 2;
	expect_rule(route_may_send(&v, &closed, &h, &e), &e, "ROUTE-DATES");
}

static void recipients_are_the_roster_or_those_named(void **state)
{
	struct route_view v = view_of("KE", dial_rilo, 1);
	struct rv_header h = {.kind = RV_KIND_SEIZURE, .issued_us = PKI_NOW - 1};
	struct route_codes list = {0};
	struct rv_err e = {0};
	assert_int_equal(route_recipients(&v, op, &h, &list, &e), 0);
	assert_int_equal(list.n, 3);
	assert_true(route_codes_has(&list, "FR") && route_codes_has(&list, "ZA") &&
		    route_codes_has(&list, "OBS"));
	route_codes_clear(&list);

	char named[3][RV_CODE_TEXT] = {"ZA", "KE", "ZA"};
	h.recipients = named;
	h.n_recipients = 3;
	assert_int_equal(route_recipients(&v, op, &h, &list, &e), 0);
	assert_int_equal(list.n, 1);
	assert_string_equal(list.codes[0], "ZA");
	route_codes_clear(&list);

	strcpy(named[0], "NOP");
	expect_rule(route_recipients(&v, op, &h, &list, &e), &e, "ROUTE-ROSTER");
	assert_int_equal(list.n, 0);
	strcpy(named[0], "KE");
	h.n_recipients = 1;
	expect_rule(route_recipients(&v, op, &h, &list, &e), &e, "ROUTE-NOBODY");
	h.n_recipients = 0;
	expect_rule(route_recipients(&v, rv_trust_operation(trust, "EMPTY"), &h, &list, &e), &e,
		"ROUTE-NOBODY");
}

static void expect_hop(
	const struct route_view *v, const char *to, const char *trail, const char *hop)
{
	char got[RV_CODE_TEXT];
	route_hop(v, to, trail, got);
	assert_string_equal(got, hop);
}

static void hops(void **state)
{
	struct route_view v = view_of("KE", dial_rilo, 1);
	expect_hop(&v, "FR", NULL, "RILO");
	expect_hop(&v, "ZA", NULL, "RILO");
	expect_hop(&v, "NOP", NULL, "RILO"); /* no relay of its own: ours may know the way */
	expect_hop(&v, "XX", NULL, "");
	expect_hop(&v, "FR", "RILO", ""); /* never back */
	strcpy(up[0], "FR");
	expect_hop(&v, "FR", NULL, "FR"); /* a live direct link */
	memset(up, 0, sizeof(up));
	strcpy(up[0], "HUB");
	expect_hop(&v, "ZA", NULL, "HUB"); /* of the recipient's relays, the one with a live link */

	v = view_of("RILO", NULL, 0);
	expect_hop(&v, "FR", "KE", "FR"); /* it dials us, now or in days */
	expect_hop(&v, "NOP", "KE", "");
	expect_hop(&v, "ZA", "KE", "ZA");
	strcpy(up[0], "HUB");
	expect_hop(&v, "ZA", "KE", "HUB"); /* a live relay before a link that is down */
	expect_hop(&v, "ZA", "KE HUB", "ZA");
	strcpy(up[1], "ZA");
	expect_hop(&v, "ZA", "KE", "ZA");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_may_receive),
		cmocka_unit_test(who_may_send),
		cmocka_unit_test(recipients_are_the_roster_or_those_named),
		cmocka_unit_test(hops),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
