/* SPDX-License-Identifier: Apache-2.0 */
#include "node/cli/commands.h"

#include <string.h>

#include "node/api/json.h"
#include "node/cli/shared.h"
#include "node/cli/text.h"
#include "protocol/stamp.h"

static void day(char out[16], int64_t t_us)
{
	char text[RV_STAMP_TEXT];
	if (t_us) {
		rv_stamp_text(text, t_us);
		snprintf(out, 16, "%.10s", text);
	} else {
		snprintf(out, 16, "-");
	}
}

static const char *state_of(const struct rv_operation *op, int64_t now_us)
{
	return op->from_us && now_us < op->from_us ? "planned"
	       : op->to_us && now_us > op->to_us   ? "over"
						   : "open";
}

static int list_table(struct cli *c, const struct rv_trust *trust)
{
	const struct rv_operation *ops;
	size_t n = rv_trust_operations(trust, &ops);
	int64_t now_us = cli_clock(c).now_us(cli_clock(c).ctx);
	struct table *t = table_new();
	table_column(t, "CODE", 0);
	table_column(t, "NAME", TABLE_SHRINK);
	table_column(t, "LEAD", 0);
	table_column(t, "FROM", 0);
	table_column(t, "TO", 0);
	table_column(t, "STATE", 0);
	table_column(t, "MEMBERS", TABLE_RIGHT);
	for (size_t i = 0; i < n; i++) {
		char from[16], to[16];
		day(from, ops[i].from_us);
		day(to, ops[i].to_us);
		table_cell(t, ops[i].code, 0);
		table_cell(t, ops[i].name, 0);
		table_cell(t, ops[i].lead, 0);
		table_cell(t, from, 0);
		table_cell(t, to, 0);
		table_cell(t, state_of(&ops[i], now_us), 0);
		table_cellf(t, "%zu", ops[i].n_participants);
	}
	int rc = table_print(
		t, cli_out(c), cli_out_tty(c) ? (size_t)cli_columns(c) : 0, cli_colours(c));
	table_free(&t);
	return rc ? cli_no(c, "memory is short") : CLI_OK;
}

static int run_list(struct cli *c)
{
	struct rv_err e = {0};
	struct rv_trust *trust = NULL;
	if (cli_trust(c, &trust, &e))
		return cli_fail(c, &e, NULL);
	int status =
		cli_json(c) ? cli_print_json(c, json_of_operations(trust)) : list_table(c, trust);
	rv_trust_unref(&trust);
	return status;
}

static void show_lists(struct cli *c, const struct rv_operation *op)
{
	struct rv_buf b = {0};
	for (unsigned bit = 1; bit <= RV_RISK_ENVIRONMENT; bit <<= 1)
		if (op->risks & bit)
			rv_buf_printf(
				&b, "%s%s", b.len ? ", " : "", rv_risk_text((enum rv_risk)bit));
	if (b.len && rv_buf_cstr(&b))
		cli_line(c, "risk areas", "%s", rv_buf_cstr(&b));
	rv_buf_reset(&b);
	for (int k = RV_KIND_WARNING; k < RV_KIND_LAST; k++)
		if (op->kinds & (1u << k))
			rv_buf_printf(&b, "%s%s", b.len ? ", " : "", rv_kind_text((enum rv_kind)k));
	cli_line(c, "kinds", "%s", op->kinds && rv_buf_cstr(&b) ? rv_buf_cstr(&b) : "all");
	cli_line(c, "personal data", "%s", op->nominal_allowed ? "allowed" : "not allowed");
	rv_buf_reset(&b);
	for (size_t i = 0; i < op->n_categories; i++)
		rv_buf_printf(&b, "%s%s (version %u)", b.len ? ", " : "", op->categories[i].code,
			op->categories[i].version);
	if (b.len && rv_buf_cstr(&b))
		cli_line(c, "categories", "%s", rv_buf_cstr(&b));
	rv_buf_free(&b);
}

static int show_page(struct cli *c, const struct rv_trust *trust, const struct rv_operation *op)
{
	char from[16], to[16];
	int64_t now_us = cli_clock(c).now_us(cli_clock(c).ctx);
	day(from, op->from_us);
	day(to, op->to_us);
	text_put(cli_out(c), op->code);
	fputc('\n', cli_out(c));
	cli_line(c, "name", "%s", op->name ? op->name : "");
	cli_line(c, "lead", "%s", op->lead);
	cli_line(
		c, "runs", "%s to %s (%s), roster %u", from, to, state_of(op, now_us), op->version);
	show_lists(c, op);
	fputc('\n', cli_out(c));
	struct table *t = table_new();
	table_column(t, "MEMBER", 0);
	table_column(t, "NAME", TABLE_SHRINK);
	table_column(t, "PART", 0);
	table_column(t, "FROM", 0);
	table_column(t, "TO", 0);
	for (size_t i = 0; i < op->n_participants; i++) {
		const struct rv_participant *p = &op->participants[i];
		const struct rv_member *m = rv_trust_member(trust, p->code);
		day(from, p->from_us);
		day(to, p->to_us);
		table_cell(t, p->code, 0);
		table_cell(t, m ? m->name : NULL, 0);
		table_cell(t, rv_part_text(p->part), 0);
		table_cell(t, from, 0);
		table_cell(t, to, 0);
	}
	int rc = table_print(
		t, cli_out(c), cli_out_tty(c) ? (size_t)cli_columns(c) : 0, cli_colours(c));
	table_free(&t);
	return rc ? cli_no(c, "memory is short") : CLI_OK;
}

static int run_show(struct cli *c)
{
	struct rv_err e = {0};
	struct rv_trust *trust = NULL;
	const char *code = cli_operand(c, 0);
	int status;
	if (cli_trust(c, &trust, &e))
		return cli_fail(c, &e, NULL);
	const struct rv_operation *op = rv_trust_operation(trust, code);
	if (!op)
		status = cli_no(c,
			"the trust list has no operation %s; 'reeve operation list' tells which "
			"there are",
			code);
	else if (cli_json(c))
		status = cli_print_json(c, json_of_operation(op));
	else
		status = show_page(c, trust, op);
	rv_trust_unref(&trust);
	return status;
}

static const struct cli_option options[] = {
	CLI_OPTION_TRUST,
	CLI_OPTION_AUTHORITY,
	CLI_OPTION_JSON,
	CLI_OPTION_END,
};

static const struct cli_command operation_list = {
	.name = "list",
	.operands = "",
	.summary = "list the operations",
	.options = options,
	.run = run_list,
};

static const struct cli_command operation_show = {
	.name = "show",
	.operands = "OP",
	.summary = "show an operation: dates, rules, participants",
	.options = options,
	.min_operands = 1,
	.max_operands = 1,
	.run = run_show,
};

static const struct cli_command *const subs[] = {&operation_list, &operation_show, NULL};

const struct cli_command cmd_operation = {
	.name = "operation",
	.operands = "",
	.summary = "show operations as the trust list has them, offline",
	.subs = subs,
};
