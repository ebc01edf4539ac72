/* SPDX-License-Identifier: Apache-2.0 */
#include "node/cli/cmd_authority.h"

#include <stdlib.h>
#include <string.h>

#include "node/cli/trust_options.h"
#include "node/trust/authority.h"

enum { MAX_LIST = 1 << 20, MAX_LISTS = 10 };

static const char all_parts[] = "participant observer coordination-unit relay right-holder";
static const char all_risks[] = "revenue drugs health-safety-ipr security environment";
static const char all_kinds[] = "warning seizure alert feedback situation-report update cancel "
				"request reply operation, or all";

static unsigned risk_bit(const char *text)
{
	for (unsigned bit = RV_RISK_REVENUE; bit <= RV_RISK_ENVIRONMENT; bit <<= 1) {
		if (strcmp(rv_risk_text((enum rv_risk)bit), text) == 0) {
			return bit;
		}
	}
	return 0;
}

enum { ALL_KINDS = 1 }; /* no kind has bit 0 */

static unsigned kind_bit(const char *text)
{
	enum rv_kind kind = rv_kind_parse(text);
	return strcmp(text, "all") == 0 ? ALL_KINDS : kind != 0 ? 1u << kind : 0;
}

/* What the options say; what they point to is kept until the end. */
struct given {
	struct authority_operation o;
	struct rv_participant *add;
	const char **end;
	struct authority_categories lists[MAX_LISTS];
	char *codes[MAX_LISTS];
	struct rv_buf texts[MAX_LISTS];
};

static void clear(struct given *g)
{
	free(g->add);
	free(g->end);
	for (size_t i = 0; i < MAX_LISTS; i++) {
		free(g->codes[i]);
		rv_buf_free(&g->texts[i]);
	}
}

/* CODE:role, or CODE:role:FROM, or CODE:role:FROM:TO. */
static int read_participant(struct cli *c, const char *text, struct rv_participant *p)
{
	char *copy = strdup(text);
	char *rest = copy;
	if (copy == NULL) {
		return cli_no(c, "memory is short");
	}
	const char *code = strsep(&rest, ":");
	const char *part = rest != NULL ? strsep(&rest, ":") : NULL;
	const char *from = rest != NULL ? strsep(&rest, ":") : NULL;
	const char *to = rest != NULL ? strsep(&rest, ":") : NULL;
	int status = 0;
	p->part = part != NULL ? rv_part_parse(part) : 0;
	if (part == NULL || rest != NULL) {
		status = cli_usage(c,
			"--participant needs CODE:ROLE, or CODE:ROLE:FROM:TO with dates, not '%s'",
			text);
	} else if (p->part == 0) {
		status = cli_usage(c, "--participant %s: the role '%s' is not known; there are: %s",
			code, part, all_parts);
	} else {
		status = options_code(c, "participant", code);
	}
	if (status == 0) {
		memcpy(p->code, code, strlen(code) + 1);
		status = options_when(c, "participant", from, 0, &p->from_us);
	}
	if (status == 0) {
		status = options_when(c, "participant", to, 1, &p->to_us);
	}
	free(copy);
	return status;
}

static int read_participants(struct cli *c, struct given *g)
{
	const char *const *values;
	size_t n = cli_opt_all(c, "participant", &values);
	int status = 0;
	g->add = calloc(n + 1, sizeof(*g->add));
	if (g->add == NULL) {
		return cli_no(c, "memory is short");
	}
	for (size_t i = 0; i < n && status == 0; i++) {
		status = read_participant(c, values[i], &g->add[i]);
	}
	g->o.add = g->add;
	g->o.n_add = n;
	n = cli_opt_all(c, "leave", &values);
	g->end = calloc(n + 1, sizeof(*g->end));
	if (g->end == NULL) {
		return cli_no(c, "memory is short");
	}
	for (size_t i = 0; i < n && status == 0; i++) {
		g->end[i] = values[i];
		status = options_code(c, "leave", values[i]);
	}
	g->o.end = g->end;
	g->o.n_end = n;
	return status;
}

/* The code of a list is the name of its file. */
static char *list_code(const char *path)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash != NULL ? slash + 1 : path;
	size_t len = strlen(name);
	if (len > 4 && strcmp(name + len - 4, ".csv") == 0) {
		len -= 4;
	}
	return strndup(name, len);
}

static int read_lists(struct cli *c, struct given *g)
{
	struct rv_err e = {0};
	const char *const *values;
	size_t n = cli_opt_all(c, "category", &values);
	if (n > MAX_LISTS) {
		return cli_usage(c, "an operation has %d category lists at most", MAX_LISTS);
	}
	for (size_t i = 0; i < n; i++) {
		g->codes[i] = list_code(values[i]);
		if (g->codes[i] == NULL ||
			cli_read(c, values[i], MAX_LIST, &g->texts[i], &e) != 0 ||
			rv_buf_cstr(&g->texts[i]) == NULL) {
			return e.code != 0 ? cli_fail(c, &e, NULL) : cli_no(c, "memory is short");
		}
		g->lists[i] =
			(struct authority_categories){g->codes[i], (const char *)g->texts[i].data};
	}
	g->o.lists = g->lists;
	g->o.n_lists = n;
	return 0;
}

static int read_rules(struct cli *c, struct authority_operation *o)
{
	const char *nominal = cli_opt(c, "nominal");
	int status = options_when(c, "from", cli_opt(c, "from"), 0, &o->from_us);
	if (status == 0) {
		status = options_when(c, "to", cli_opt(c, "to"), 1, &o->to_us);
	}
	if (status == 0) {
		status = options_bits(c, "risk", risk_bit, all_risks, &o->risks);
	}
	if (status == 0) {
		status = options_bits(c, "kinds", kind_bit, all_kinds, &o->kinds);
		o->has_kinds = o->kinds != 0;
		o->kinds = o->kinds & ALL_KINDS ? 0 : o->kinds;
	}
	if (status == 0 && nominal != NULL && strcmp(nominal, "yes") != 0 &&
		strcmp(nominal, "no") != 0) {
		status = cli_usage(c, "--nominal needs yes or no, not '%s'", nominal);
	}
	o->nominal = nominal == NULL ? -1 : strcmp(nominal, "yes") == 0;
	return status;
}

static int run(struct cli *c)
{
	struct rv_err e = {0};
	struct given g = {.add = NULL};
	struct authority *a = NULL;
	struct rv_clock clock = cli_clock(c);
	unsigned version = 0;
	int waits = 0;
	rv_xml_init(NULL);
	g.o.code = cli_operand(c, 1);
	g.o.name = cli_opt(c, "name");
	g.o.lead = cli_opt(c, "lead");
	g.o.now_us = clock.now_us(clock.ctx);
	int status =
		rv_opcode_valid(g.o.code)
			? 0
			: cli_usage(c, "'%s' is not an operation code: 2 to 32 of A-Z, 0-9 and -",
				  g.o.code);
	if (status == 0 && g.o.lead != NULL) {
		status = options_code(c, "lead", g.o.lead);
	}
	if (status == 0) {
		status = read_rules(c, &g.o);
	}
	if (status == 0) {
		status = read_participants(c, &g);
	}
	if (status == 0) {
		status = read_lists(c, &g);
	}
	if (status == 0 && (authority_open(&a, cli_operand(c, 0), &e) != 0 ||
				   authority_operation(a, &g.o, &version, &waits, &e) != 0)) {
		status = cli_fail(c, &e, "operation %s is not changed", g.o.code);
	}
	if (status == 0) {
		fprintf(cli_out(c), "Operation %s is in the draft, version %u.\n", g.o.code,
			version);
		if (waits) {
			fprintf(cli_out(c), "It names a member that is not admitted yet: the draft "
					    "cannot be published before.\n");
		}
	}
	authority_close(&a);
	clear(&g);
	return status;
}

static const struct cli_option options[] = {
	{"name", 0, "NAME", "its name", NULL, 0},
	{"lead", 0, "CODE", "the member who leads it", NULL, 0},
	{"from", 0, "DATE", "its first day, or moment", NULL, 0},
	{"to", 0, "DATE", "its last day, or moment", NULL, 0},
	{"risk", 0, "AREA", "a risk area; those given replace the former ones",
		"revenue drugs health-safety-ipr security environment", 1},
	{"kinds", 0, "KIND", "a kind that may be sent, or all; those given replace the former ones",
		"warning seizure alert feedback situation-report update cancel request reply "
		"operation all",
		1},
	{"nominal", 0, "yes|no", "whether personal data may be sent (a new operation: no)",
		"yes no", 0},
	{"participant", 0, "CODE:ROLE[:FROM:TO]", "a member that takes part, in that role", NULL,
		1},
	{"leave", 0, "CODE", "a member whose part ends now", NULL, 1},
	{"category", 0, "FILE.csv", "a category list; its code is the name of the file", CLI_FILES,
		1},
	CLI_OPTION_END,
};

const struct cli_command authority_cmd_operation = {
	.name = "operation",
	.operands = "ADIR OP",
	.summary = "add an operation to the draft, or change it",
	.details =
		"What is not given stays as it is. The version of the operation grows with each\n"
		"change. A new operation needs --name, --lead, --from, --to and --risk.\n"
		"Roles: participant, observer, coordination-unit, relay, right-holder.\n"
		"A category list is CSV with the first line code,name,parent.",
	.options = options,
	.min_operands = 2,
	.max_operands = 2,
	.values = CLI_DIRS,
	.run = run,
};
