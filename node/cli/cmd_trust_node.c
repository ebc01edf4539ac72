/* SPDX-License-Identifier: Apache-2.0 */
#include "node/cli/cmd_trust.h"

#include <stdlib.h>
#include <string.h>

#include "node/cli/shared.h"
#include "node/cli/trust_page.h"
#include "node/trust/install.h"
#include "node/trust/roots.h"

static int64_t now_of(const struct cli *c)
{
	struct rv_clock clock = cli_clock(c);
	return clock.now_us(clock.ctx);
}

/* ---- reading ---- */

/* A list that nobody vouches for: a file without its authority's certificate. */
static int read_unverified(struct cli *c, const char *path, struct rv_trust **t_r, struct rv_err *e)
{
	struct rv_buf text = {0};
	xmlDoc *doc = NULL;
	int rc = cli_read(c, path, rv_xml_limits_trust.bytes, &text, e);
	if (rc == 0) {
		rc = rv_xml_parse(&doc, text.data, text.len, &rv_xml_limits_trust, RV_XML_DRAFT, e);
	}
	if (rc == 0) {
		rv_xml_strip(doc);
		rc = rv_trust_check(t_r, doc, e);
	}
	if (rc != 0 && rc != RV_ESYS) {
		rv_err_prefix(e, "%s", path);
	}
	xmlFreeDoc(doc);
	rv_buf_free(&text);
	return rc;
}

static int read_verified(struct cli *c, const char *path, const char *authority, int64_t now_us,
	struct rv_trust **t_r, struct rv_err *e)
{
	struct rv_buf wire = {0};
	struct trust_roots roots = {0};
	int rc = trust_roots_read(&roots, authority, e);
	if (rc == 0) {
		rc = cli_read(c, path, rv_xml_limits_trust.bytes, &wire, e);
	}
	if (rc == 0) {
		rc = trust_roots_list(&roots, t_r, wire.data, wire.len, now_us, e);
		if (rc != 0) {
			rv_err_prefix(e, "%s", path);
		}
	}
	trust_roots_clear(&roots);
	rv_buf_free(&wire);
	return rc;
}

int trust_read_file(struct cli *c, const char *path, const char *authority, int64_t now_us,
	struct rv_trust **t_r, struct rv_err *e)
{
	return authority != NULL ? read_verified(c, path, authority, now_us, t_r, e)
				 : read_unverified(c, path, t_r, e);
}

static int read_named(struct cli *c, struct rv_trust **t_r, struct rv_err *e)
{
	const char *path = cli_operand(c, 0);
	const char *authority = cli_opt(c, "authority");
	if (path == NULL) {
		return cli_trust(c, t_r, e);
	}
	return trust_read_file(c, path, authority, 0, t_r, e);
}

/* ---- show ---- */

static int run_show(struct cli *c)
{
	struct rv_err e = {0};
	struct rv_trust *t = NULL;
	rv_xml_init(NULL);
	if (read_named(c, &t, &e) != 0) {
		return cli_fail(c, &e, NULL);
	}
	int status = trust_page(c, t);
	rv_trust_unref(&t);
	return status;
}

/* ---- verify, install ---- */

static int run_verify(struct cli *c)
{
	struct rv_err e = {0};
	struct rv_trust *t = NULL;
	char expires[RV_STAMP_TEXT];
	const char *authority = cli_opt(c, "authority");
	rv_xml_init(NULL);
	if (authority == NULL) {
		return cli_usage(c,
			"trust verify needs --authority: the certificate of who signed the list");
	}
	if (read_verified(c, cli_operand(c, 0), authority, now_of(c), &t, &e) != 0) {
		return cli_fail(c, &e, NULL);
	}
	rv_stamp_text(expires, rv_trust_expires(t));
	fprintf(cli_out(c), "Trust list %llu of %s is good: signed by %u key%s, valid until %s.\n",
		(unsigned long long)rv_trust_number(t), rv_trust_authority(t), rv_trust_signers(t),
		rv_trust_signers(t) == 1 ? "" : "s", expires);
	rv_trust_unref(&t);
	return CLI_OK;
}

static int run_install(struct cli *c)
{
	struct rv_err e = {0};
	const struct conf *conf = NULL;
	struct rv_buf list = {0};
	struct rv_buf authority = {0};
	struct install_report report = {0};
	const char *path = cli_operand(c, 0);
	const char *authority_path = cli_opt(c, "authority");
	int rc;
	rv_xml_init(NULL);
	rc = cli_conf(c, &conf, &e);
	if (rc == 0) {
		rc = cli_read(c, path, rv_xml_limits_trust.bytes, &list, &e);
	}
	if (rc == 0 && authority_path != NULL) {
		rc = cli_read(c, authority_path, 1 << 20, &authority, &e);
	}
	if (rc == 0) {
		struct install in = {.conf = conf,
			.list = &list,
			.authority = authority_path != NULL ? &authority : NULL,
			.replace_authority = cli_has(c, "replace-authority"),
			.now_us = now_of(c)};
		rc = install_list(&in, &report, &e);
	}
	rv_buf_free(&list);
	rv_buf_free(&authority);
	if (rc != 0) {
		return cli_fail(c, &e, "the trust list is not installed");
	}
	fprintf(cli_out(c), "Trust list %llu is in place%s; %s signs with the certificate in %s.\n",
		(unsigned long long)report.number, report.same ? " already" : "", conf->code,
		conf->signing_cert);
	fprintf(cli_out(c), "%s\n",
		report.other_cert ? "The certificate is another one than before: restart the node."
				  : "A running node takes it by itself.");
	return CLI_OK;
}

/* ---- the commands ---- */

static const struct cli_option show_options[] = {
	CLI_OPTION_TRUST,
	CLI_OPTION_AUTHORITY,
	CLI_OPTION_JSON,
	CLI_OPTION_END,
};

const struct cli_command trust_show = {
	.name = "show",
	.operands = "[FILE]",
	.summary = "show a trust list: the node's, or a file",
	.options = show_options,
	.max_operands = 1,
	.values = CLI_FILES,
	.run = run_show,
};

static const struct cli_option verify_options[] = {
	{"authority", 'A', "FILE", "certificate of the trust list's authority, PEM", CLI_FILES, 0},
	CLI_OPTION_END,
};

const struct cli_command trust_verify = {
	.name = "verify",
	.operands = "FILE",
	.summary = "tell whether a trust list is signed by that authority and valid now",
	.options = verify_options,
	.min_operands = 1,
	.max_operands = 1,
	.values = CLI_FILES,
	.run = run_verify,
};

static const struct cli_option install_options[] = {
	{"authority", 'A', "FILE",
		"certificate of the list's authority, PEM (else the one in place)", CLI_FILES, 0},
	{"replace-authority", 0, NULL,
		"take it although the one in place does not vouch for the list", NULL, 0},
	CLI_OPTION_END,
};

const struct cli_command trust_install = {
	.name = "install",
	.operands = "LIST.xml",
	.summary = "put a trust list, its authority and the own certificate in place",
	.details =
		"The list is verified first, and never replaced by an older one. The node's own\n"
		"certificate is taken out of it. Works while the node runs.",
	.options = install_options,
	.min_operands = 1,
	.max_operands = 1,
	.values = CLI_FILES,
	.run = run_install,
};
