/* SPDX-License-Identifier: Apache-2.0 */
#include "node/cli/commands.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "node/cli/cmd_authority.h"
#include "node/cli/init.h"
#include "node/cli/text.h"
#include "node/file.h"
#include "node/link/join_client.h"
#include "node/trust/install.h"
#include "node/trust/roots.h"
#include "protocol/xml.h"

enum { ASK_TIMEOUT_MS = 15000, ASK_EVERY_S = 2, MAX_TOKEN = 4096 };

struct joining {
	struct cli *cli;
	struct rv_invite token;
	const char *dir;
	char *conf_path, *request_path;
	struct rv_buf request;
	struct rv_join join;
	char phrase[RV_FINGERPRINT_TEXT];
};

/* ---- the token and the request ---- */

/* From the command line, or from the standard input, where no list of processes shows it. */
static int read_token(struct joining *j, struct rv_err *e)
{
	struct rv_buf text = {0};
	const char *given = cli_operand(j->cli, 0);
	int rc = 0;
	if (strcmp(given, "-") == 0) {
		rc = cli_read(j->cli, given, MAX_TOKEN, &text, e);
		given = rc == 0 ? rv_buf_cstr(&text) : NULL;
		if (rc == 0 && given == NULL) {
			rc = rv_fail_nomem(e);
		}
	}
	if (rc == 0) {
		rc = rv_invite_read(&j->token, given, e);
	}
	rv_buf_wipe(&text);
	return rc;
}

/* In a process of its own, so that no private key was ever where a stranger's answers are read. */
static int make_node(struct joining *j)
{
	int status = 0;
	struct init_who who = {.dir = j->dir,
		.code = j->token.code,
		.name = j->token.name,
		.roles = j->token.roles,
		.country = j->token.country[0] != '\0' ? j->token.country : NULL,
		.relay = j->token.inviter};
	fflush(cli_out(j->cli));
	fflush(cli_err(j->cli));
	pid_t pid = fork();
	if (pid < 0) {
		return cli_no(j->cli, "no process can be started to make the keys");
	}
	if (pid == 0) {
		char fingerprint[RV_FINGERPRINT_TEXT];
		status = init_node(j->cli, &who, fingerprint);
		fflush(cli_out(j->cli));
		fflush(cli_err(j->cli));
		_exit(status);
	}
	if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status)) {
		return cli_no(j->cli, "the process that makes the keys was ended");
	}
	return WEXITSTATUS(status);
}

static int load_request(struct joining *j, struct rv_err *e)
{
	int rc = file_read(j->request_path, RV_JOIN_MAX, &j->request, e);
	if (rc == 0) {
		rc = rv_join_read(&j->join, j->request.data, j->request.len, e);
	}
	if (rc == 0) {
		rc = rv_join_fingerprint(&j->join, j->phrase, e);
	}
	if (rc == 0 && strcmp(j->join.party.code, j->token.code) != 0) {
		rv_fail_rule(e, RV_EDENIED, "JOIN-INVITED", "%s is the node of %s, the token invites %s",
			j->dir, j->join.party.code, j->token.code);
		rv_err_mend(e, "Name another folder.");
		rc = RV_EDENIED;
	}
	return rc;
}

static int prepare(struct joining *j)
{
	struct rv_err e = {0};
	struct rv_clock clock = cli_clock(j->cli);
	j->dir = cli_operand(j->cli, 1) != NULL ? cli_operand(j->cli, 1) : j->token.code;
	j->conf_path = file_join(j->dir, "reeve.conf");
	j->request_path = file_join(j->dir, "join.xml");
	if (j->conf_path == NULL || j->request_path == NULL) {
		return cli_no(j->cli, "memory is short");
	}
	if (access(j->request_path, F_OK) != 0) {
		if (clock.now_us(clock.ctx) > j->token.expires_us) {
			rv_fail_rule(&e, RV_EEXPIRED, "JOIN-EXPIRED", "the token has ended");
			rv_err_mend(&e, "Ask the coordinator of %s for a new one; if it has not, set "
					"the clock of this machine.",
				j->token.inviter);
			return cli_fail(j->cli, &e, NULL);
		}
		int status = make_node(j);
		if (status != 0) {
			return status;
		}
	}
	return load_request(j, &e) != 0 ? cli_fail(j->cli, &e, NULL) : 0;
}

/* ---- asking ---- */

static void tell_phrase(const struct joining *j)
{
	fprintf(cli_out(j->cli),
		"%s asks %s to join. Compare this phrase with the coordinator by telephone:\n\n"
		"    %s\n\n",
		j->token.code, j->token.inviter, j->phrase);
	fflush(cli_out(j->cli));
}

/* The authority must be the one that the token names, whoever answers. */
static int check_authority(const struct joining *j, const struct rv_buf *pem, struct rv_err *e)
{
	struct trust_roots roots = {0};
	uint8_t digest[RV_DIGEST_LEN];
	int rc = trust_roots_parse(&roots, (const char *)pem->data, pem->len, e);
	if (rc == 0) {
		rc = trust_roots_digest(&roots, digest, e);
	}
	if (rc == 0 && !rv_equal_ct(digest, j->token.roots, RV_DIGEST_LEN)) {
		rv_fail_rule(e, RV_EDENIED, "JOIN-AUTHORITY",
			"the authority of %s is not the one that the token names", j->token.inviter);
		rv_err_mend(e, "If its keys were changed since the token was made, ask for a new "
			       "token; else tell the coordinator.");
		rc = RV_EDENIED;
	}
	trust_roots_clear(&roots);
	return rc;
}

static int install(const struct joining *j, const struct rv_buf *list, const struct rv_buf *pem,
	uint64_t *number_r, struct rv_err *e)
{
	struct conf *conf = NULL;
	struct install_report report = {0};
	int rc = conf_read(&conf, j->conf_path, e);
	if (rc == 0) {
		struct install in = {.conf = conf,
			.list = list,
			.authority = pem,
			.now_us = authority_now(j->cli)};
		rc = install_list(&in, &report, e);
	}
	*number_r = report.number;
	conf_free(&conf);
	return rc;
}

static int finish(struct joining *j, struct join_client *client, uint64_t number,
	const struct rv_buf *pem)
{
	struct rv_err e = {0};
	struct rv_buf list = {0};
	int rc = check_authority(j, pem, &e);
	if (rc == 0) {
		rc = join_client_list(client, number, ASK_TIMEOUT_MS, &list, &e);
	}
	if (rc == 0) {
		rc = install(j, &list, pem, &number, &e);
	}
	rv_buf_free(&list);
	if (rc != 0) {
		return cli_fail(j->cli, &e, "%s is admitted, but its trust list is not in place",
			j->token.code);
	}
	fprintf(cli_out(j->cli),
		"%s is admitted: trust list %llu is in place. Start the node:\n  reeved -c ",
		j->token.code, (unsigned long long)number);
	text_put(cli_out(j->cli), j->conf_path);
	fputc('\n', cli_out(j->cli));
	return CLI_OK;
}

static void pause_a_little(void)
{
	struct timespec ts = {.tv_sec = ASK_EVERY_S};
	nanosleep(&ts, NULL);
}

static int refused(struct joining *j, const struct rv_join_state *state)
{
	struct rv_err e = {0};
	rv_fail_rule(&e, RV_EDENIED, state->rule, "%s", state->text);
	rv_err_mend(&e, "%s", state->mend);
	return cli_fail(j->cli, &e, "%s is not admitted", j->token.code);
}

/* Once, or until it is decided. A node that is out of reach is asked again: it may restart. */
static int ask(struct joining *j, struct join_client *client)
{
	struct rv_span request = {j->request.data, j->request.len};
	int told = 0;
	for (;;) {
		struct rv_err e = {0};
		struct rv_join_state state = {.status = 0};
		struct rv_buf pem = {0};
		int rc = join_client_ask(client, request, ASK_TIMEOUT_MS, &state, &pem, &e);
		int status = -1;
		if (rc == 0 && state.status == RV_JOIN_ADMITTED) {
			status = finish(j, client, state.trust_number, &pem);
		} else if (rc == 0 && state.status == RV_JOIN_REFUSED) {
			status = refused(j, &state);
		} else if (cli_has(j->cli, "no-wait") || (rc != 0 && rc != RV_ETIMEOUT)) {
			status = rc != 0 ? cli_fail(j->cli, &e, "%s cannot ask to join", j->token.code)
					 : CLI_NO;
		} else if (!told) {
			told = 1;
			if (rc != 0) {
				cli_fail(j->cli, &e, "still trying");
			} else {
				fprintf(cli_err(j->cli), "Waiting for the approval (Ctrl-C: come "
							 "back later with the same command)...\n");
			}
		}
		rv_buf_free(&pem);
		if (status >= 0) {
			return status;
		}
		pause_a_little();
	}
}

static int run(struct cli *c)
{
	struct rv_err e = {0};
	struct joining j = {.cli = c};
	struct join_client *client = NULL;
	int status = CLI_OK;
	rv_xml_init(NULL);
	if (read_token(&j, &e) != 0) {
		return cli_fail(c, &e, NULL);
	}
	status = prepare(&j);
	if (status == 0) {
		tell_phrase(&j);
		status = join_client_new(&client, &j.token, &e) != 0 ? cli_fail(c, &e, NULL)
								     : ask(&j, client);
	}
	join_client_free(&client);
	rv_join_clear(&j.join);
	rv_buf_free(&j.request);
	rv_invite_wipe(&j.token);
	free(j.conf_path);
	free(j.request_path);
	return status;
}

static const struct cli_option options[] = {
	INIT_OPTIONS,
	{"no-wait", 0, NULL, "ask once; exit status 1 while it is not decided", NULL, 0},
	CLI_OPTION_END,
};

const struct cli_command cmd_join = {
	.name = "join",
	.operands = "TOKEN [DIR]",
	.summary = "make a node and join the network of who gave the token",
	.details =
		"TOKEN is what the coordinator gave, or - to read it from the standard input.\n"
		"DIR is the node's folder, else the code. The keys are made there and stay\n"
		"there. The same command again goes on where it was left.",
	.options = options,
	.min_operands = 1,
	.max_operands = 2,
	.values = CLI_DIRS,
	.run = run,
};
