/* SPDX-License-Identifier: Apache-2.0 */
#ifndef NODE_CLI_CMD_AUTHORITY_H
#define NODE_CLI_CMD_AUTHORITY_H

#include "node/cli/cli.h"
#include "node/trust/authority.h"

/* The sub-commands of `reeve authority`: the coordinator's work in the folder of an authority. */
extern const struct cli_command authority_cmd_new;
extern const struct cli_command authority_cmd_admit;
extern const struct cli_command authority_cmd_remove;
extern const struct cli_command authority_cmd_operation;
extern const struct cli_command authority_cmd_show;
extern const struct cli_command authority_cmd_publish;
extern const struct cli_command authority_cmd_sign;
extern const struct cli_command authority_cmd_cosigner;
extern const struct cli_command authority_cmd_quorum;
extern const struct cli_command authority_cmd_rekey;
extern const struct cli_command authority_cmd_issue;
extern const struct cli_command authority_cmd_issued;
extern const struct cli_command authority_cmd_renew;
extern const struct cli_command authority_cmd_revoke;
extern const struct cli_command authority_cmd_crl;
extern const struct cli_command authority_cmd_ocsp;
extern const struct cli_command authority_cmd_issuer;
extern const struct cli_command authority_cmd_checking;

/* What they share. */
int64_t authority_now(const struct cli *c);
void authority_day(char out[16], int64_t t_us); /* "2026-11-24" */
/* Prints a line to cli_out, safely. */
void authority_say(struct cli *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* The addresses that an option gives, at most as many as there is room for. */
int authority_url_options(struct cli *c, const char *option, const char *urls[ISSUE_URLS]);
/* --overlap, in days: 14 if it is not given, 0 allowed. */
int authority_overlap(struct cli *c, int64_t *overlap_us);
/* A certificate in PEM form: of a member or coordinator, or (issuer) of a certification authority.
 */
int authority_read_cert(struct cli *c, const char *path, int issuer, struct rv_cert **cert_r);
/* Where a list is, and what it still needs. */
void authority_say_outcome(
	struct cli *c, const char *dir, const char *out, const struct authority_outcome *r);

#endif
