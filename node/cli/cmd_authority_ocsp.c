/* SPDX-License-Identifier: Apache-2.0 */
#include "node/cli/cmd_authority.h"

#include <sys/prctl.h>

#include "node/cli/ocsp_serve.h"
#include "node/cli/trust_options.h"
#include "node/trust/authority_ca.h"

static int certify(struct cli *c)
{
	struct rv_err e = {0};
	struct authority *a = NULL;
	struct options_passphrase p = {.cli = c};
	struct issue_ask ask = {options_ask, &p};
	struct authority_responder how = {.ask = &ask, .now_us = authority_now(c)};
	int64_t until_us = 0;
	char until[16];
	int status = options_days(c, "days", 30, how.now_us, &how.to_us);
	if (status == 0 && (authority_open(&a, cli_operand(c, 0), &e) != 0 ||
				   authority_responder(a, &how, &until_us, &e) != 0)) {
		status = cli_fail(c, &e, "the responder has no new key");
	}
	if (status == 0) {
		authority_day(until, until_us);
		authority_say(c,
			"The responder has a new key and certificate, until %s: certify it anew "
			"before.",
			until);
	}
	authority_close(&a);
	return status;
}

static void tell(void *ctx, const struct rv_err *e)
{
	cli_fail(ctx, e, NULL);
	fflush(cli_err(ctx));
}

static int serve(struct cli *c, const char *address)
{
	struct rv_err e = {0};
	struct ocsp *ocsp = NULL;
	char bound[64] = "";
	int fd = -1;
	unsigned hours = 0;
	int status = options_number(c, "hours", 24, 8760, &hours);
	if (status != 0) {
		return status;
	}
	struct ocsp_params p = {cli_operand(c, 0), (int64_t)hours * 3600 * RV_US_PER_SEC};
	/* it holds a key: no core file, and nobody looks in */
	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	int rc = ocsp_open(&ocsp, &p, &e);
	if (rc == 0) {
		rc = ocsp_listen(address, &fd, bound, &e);
	}
	if (rc == 0) {
		authority_say(c, "Answering at http://%s/", bound);
		fflush(cli_out(c));
		struct ocsp_serve s = {ocsp, fd, cli_clock(c), tell, c};
		rc = ocsp_serve(&s, &e);
	}
	ocsp_close(&ocsp);
	return rc == 0 ? CLI_OK : cli_fail(c, &e, NULL);
}

static int run(struct cli *c)
{
	const char *address = cli_opt(c, "listen");
	rv_xml_init(NULL);
	if ((address != NULL) == !!cli_has(c, "certify")) {
		return cli_usage(c,
			"authority ocsp needs --certify, which uses the authority's key, or "
			"--listen, which never sees it");
	}
	return address != NULL ? serve(c, address) : certify(c);
}

static const struct cli_option options[] = {
	{"certify", 0, NULL, "make key and certificate of the responder", NULL, 0},
	{"days", 0, "N", "with --certify: how long they are good (else 30)", NULL, 0},
	{"listen", 0, "ADDRESS", "answer there until SIGTERM: 127.0.0.1:8888", NULL, 0},
	{"hours", 0, "N", "with --listen: how long an answer is good (else 24)", NULL, 0},
	CLI_OPTION_PASSPHRASE_FILE,
	CLI_OPTION_END,
};

const struct cli_command authority_cmd_ocsp = {
	.name = "ocsp",
	.operands = "ADIR",
	.summary = "answer for the status of certificates (OCSP), from what was issued",
	.details = "The responder has a key of its own, certified for a short time. It reads the\n"
		   "folder's own.pem, ocsp/ and issued/index, and takes what changes in them.",
	.options = options,
	.min_operands = 1,
	.max_operands = 1,
	.values = CLI_DIRS,
	.run = run,
};
