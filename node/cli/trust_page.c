/* SPDX-License-Identifier: Apache-2.0 */
#include "node/cli/trust_page.h"

#include "node/api/json.h"
#include "node/cli/shared.h"
#include "node/cli/text.h"

static void put_day(char out[16], int64_t t_us)
{
	char text[RV_STAMP_TEXT];
	rv_stamp_text(text, t_us);
	snprintf(out, 16, "%.10s", text);
}

static void put_roles(struct rv_buf *b, unsigned roles)
{
	for (unsigned bit = RV_ROLE_ADMINISTRATION; bit <= RV_ROLE_RELAY; bit <<= 1) {
		if (roles & bit) {
			rv_buf_printf(
				b, "%s%s", b->len > 0 ? ", " : "", rv_role_text((enum rv_role)bit));
		}
	}
}

static void put_ways(struct rv_buf *b, const struct rv_member *m)
{
	for (size_t i = 0; i < m->n_endpoints; i++) {
		rv_buf_printf(b, "%s%s", b->len > 0 ? ", " : "", m->endpoints[i]);
	}
	for (size_t i = 0; i < m->n_via; i++) {
		rv_buf_printf(b, "%svia %s", b->len > 0 ? ", " : "", m->via[i]);
	}
	if (b->len == 0) {
		rv_buf_str(b, "dials");
	}
}

/* Until when the member can sign and link: the end of the key that lasts longest, of the kind that
 * ends first. */
static int64_t keys_until(const struct rv_member *m)
{
	int64_t certs = 0;
	int64_t keys = 0;
	for (size_t i = 0; i < m->n_certs; i++) {
		int64_t to = m->certs[i].to_us;
		int64_t end = rv_cert_not_after(m->certs[i].cert);
		to = end < to ? end : to;
		certs = to > certs ? to : certs;
	}
	for (size_t i = 0; i < m->n_keys; i++) {
		keys = m->keys[i].to_us > keys ? m->keys[i].to_us : keys;
	}
	return certs < keys ? certs : keys;
}

static int show_members(struct cli *c, const struct rv_trust *t)
{
	const struct rv_member *members;
	size_t n = rv_trust_members(t, &members);
	struct rv_clock clock = cli_clock(c);
	int64_t now_us = clock.now_us(clock.ctx);
	struct table *table = table_new();
	table_column(table, "CODE", 0);
	table_column(table, "NAME", TABLE_SHRINK);
	table_column(table, "ROLES", 0);
	table_column(table, "REACHED", TABLE_SHRINK);
	table_column(table, "KEYS UNTIL", 0);
	for (size_t i = 0; i < n; i++) {
		char until[16];
		struct rv_buf roles = {0};
		struct rv_buf ways = {0};
		int64_t until_us = keys_until(&members[i]);
		put_roles(&roles, members[i].roles);
		put_ways(&ways, &members[i]);
		put_day(until, until_us);
		table_cell(table, members[i].code, 0);
		table_cell(table, members[i].name, 0);
		table_cell(table, rv_buf_cstr(&roles), 0);
		table_cell(table, rv_buf_cstr(&ways), 0);
		table_cell(table, until,
			until_us < now_us                                         ? 31
			: until_us < now_us + INT64_C(30) * 86400 * RV_US_PER_SEC ? 33
										  : 0);
		rv_buf_free(&roles);
		rv_buf_free(&ways);
	}
	int rc = n > 0 ? table_print(table, cli_out(c), cli_out_tty(c) ? (size_t)cli_columns(c) : 0,
				 cli_colours(c))
		       : 0;
	table_free(&table);
	return rc != 0 ? cli_no(c, "memory is short") : CLI_OK;
}

static int put_page(struct cli *c, const struct rv_trust *t)
{
	char issued[RV_STAMP_TEXT], expires[RV_STAMP_TEXT];
	const struct rv_operation *ops;
	struct rv_clock clock = cli_clock(c);
	int64_t now_us = clock.now_us(clock.ctx);
	unsigned signers = rv_trust_signers(t);
	rv_stamp_text(issued, rv_trust_issued(t));
	rv_stamp_text(expires, rv_trust_expires(t));
	fprintf(cli_out(c), "Trust list %llu of %s\n", (unsigned long long)rv_trust_number(t),
		rv_trust_authority(t));
	cli_line(c, "issued", "%s", issued);
	cli_line(c, "expires", "%s%s", expires,
		now_us > rv_trust_expires(t) ? ": it has expired" : "");
	if (signers > 0) {
		cli_line(c, "signature", "good, by %u key%s", signers, signers == 1 ? "" : "s");
	} else {
		cli_line(c, "signature",
			"NOT CHECKED: a draft, or no certificate given with --authority");
	}
	cli_line(c, "operations", "%zu", rv_trust_operations(t, &ops));
	fputc('\n', cli_out(c));
	return show_members(c, t);
}

int trust_page(struct cli *c, const struct rv_trust *t)
{
	int bad = 0;
	if (!cli_json(c)) {
		return put_page(c, t);
	}
	json_t *o = json_of_trust(t);
	json_put(o, "authority", json_text(rv_trust_authority(t)), &bad);
	json_put(o, "signers", json_integer((json_int_t)rv_trust_signers(t)), &bad);
	json_put(o, "operations", json_of_operations(t), &bad);
	return cli_print_json(c, json_done(o, bad));
}
