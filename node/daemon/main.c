/* SPDX-License-Identifier: Apache-2.0 */
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "node/daemon/node.h"
#include "node/daemon/supervise.h"
#include "node/env.h"
#include "node/keeper/keeper.h"
#include "node/link/line.h"
#include "node/trust/trust.h"
#include "protocol/catalog.h"
#include "protocol/seal.h"

struct ask {
	const char *conf_path;
	const char *role;
	int channel;
	int ready;
	int check_only;
};

static const char usage_text[] =
	"usage: reeved -c FILE [-n]\n"
	"  -c, --config FILE  the node's configuration; see reeve.conf(5)\n"
	"  -n, --check        check configuration, schemas and trust list, and end\n"
	"      --version      print the version\n"
	"      --help         print this\n";

/* 0 to go on, else the exit status plus one. */
static int read_arguments(int argc, char **argv, struct ask *ask)
{
	static const struct option options[] = {
		{"config", required_argument, NULL, 'c'},
		{"check", no_argument, NULL, 'n'},
		{"version", no_argument, NULL, 'V'},
		{"help", no_argument, NULL, 'h'},
		{"role", required_argument, NULL, 'R'},
		{"channel", required_argument, NULL, 'C'},
		{"ready", required_argument, NULL, 'Y'},
		{NULL, 0, NULL, 0},
	};
	int option;
	while ((option = getopt_long(argc, argv, "c:n", options, NULL)) != -1) {
		switch (option) {
		case 'c':
			ask->conf_path = optarg;
			break;
		case 'n':
			ask->check_only = 1;
			break;
		case 'R':
			ask->role = optarg;
			break;
		case 'C':
			ask->channel = (int)strtol(optarg, NULL, 10);
			break;
		case 'Y':
			ask->ready = (int)strtol(optarg, NULL, 10);
			break;
		case 'V':
			printf("reeved %s\n", PACKAGE_VERSION);
			return 1;
		case 'h':
			fputs(usage_text, stdout);
			return 1;
		default:
			fputs(usage_text, stderr);
			return 3;
		}
	}
	if (ask->conf_path == NULL) {
		ask->conf_path = getenv("REEVE_CONF");
	}
	if (ask->conf_path == NULL || optind < argc) {
		fputs(usage_text, stderr);
		return 3;
	}
	return 0;
}

static int say(const struct rv_err *e)
{
	fprintf(stderr, "reeved: %s%s%s\n", e->text, e->mend[0] != '\0' ? "\n  " : "", e->mend);
	return 1;
}

static int check(const struct conf *conf, struct rv_err *e)
{
	struct rv_catalog *catalog = NULL;
	struct trust *trust = NULL;
	int changed;
	int rc = rv_catalog_load(&catalog, conf->schemas, NULL, e);
	if (rc == 0) {
		rc = trust_open(&trust, conf, env_clock(), e);
	}
	if (rc == 0) {
		rc = trust_poll(trust, &changed, e);
	}
	trust_close(&trust);
	rv_catalog_free(&catalog);
	if (rc == 0) {
		printf("%s: fine\n", conf->file);
	}
	return rc;
}

static void tell_ready(void *ctx)
{
	int fd = *(int *)ctx;
	ssize_t n = write(fd, "r", 1);
	(void)n; /* the supervisor is gone: so are we, in a moment */
	close(fd);
}

static int node_role(const struct conf *conf, struct ask *ask, struct log *log)
{
	char endpoint[160];
	struct rv_err e = {0};
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	supervise_line_endpoint(conf, endpoint, sizeof(endpoint));
	struct node_wires wires = {ask->channel, endpoint};
	int restart = 0;
	if (node_run(conf, &wires, log, tell_ready, &ask->ready, &restart, &e) != 0) {
		log_err(log, LOG_LVL_ERROR, "the node cannot run", &e, NULL);
		return 1;
	}
	return restart ? ROLE_EXIT_RESTART : 0;
}

static int with_libraries(const struct conf *conf, struct ask *ask, struct log *log)
{
	struct rv_err e = {0};
	if (rv_xml_init(&e) != 0 || rv_seal_init(&e) != 0) {
		return say(&e);
	}
	int rc = ask->check_only ? (check(conf, &e) != 0 ? say(&e) : 0) : node_role(conf, ask, log);
	rv_seal_cleanup();
	rv_xml_cleanup();
	return rc;
}

static int run_role(const struct conf *conf, struct ask *ask, struct log *log)
{
	char endpoint[160];
	supervise_line_endpoint(conf, endpoint, sizeof(endpoint));
	if (endpoint[0] == '\0') {
		fprintf(stderr,
			"reeved: the path of run_dir is too long for a socket: %s\n  Choose a "
			"shorter one.\n",
			conf->run_dir);
		return 1;
	}
	if (ask->check_only || (ask->role != NULL && strcmp(ask->role, "node") == 0)) {
		return with_libraries(conf, ask, log);
	}
	if (ask->role == NULL) {
		if (mkdir(conf->run_dir, 0700) != 0 && access(conf->run_dir, W_OK | X_OK) != 0) {
			fprintf(stderr, "reeved: run_dir %s cannot be made or written\n",
				conf->run_dir);
			return 1;
		}
		return supervise_run(conf, ask->conf_path, log, env_monotonic());
	}
	if (strcmp(ask->role, "keeper") == 0) {
		struct keeper_key key = {conf->signing_key, conf->pkcs11_module,
			conf->signing_pin_file,
			strcmp(conf->pkcs11_reach, "network") == 0 ? KEEPER_REACH_NETWORK
								   : KEEPER_REACH_FILES};
		return keeper_main(&key, &ask->channel, 1);
	}
	return line_main(conf->curve_key, conf->listen, endpoint);
}

int main(int argc, char **argv)
{
	struct ask ask = {.channel = -1, .ready = -1};
	struct conf *conf = NULL;
	struct log *log = NULL;
	struct rv_err e = {0};
	sigset_t set;
	int rc = read_arguments(argc, argv, &ask);
	if (rc != 0) {
		return rc - 1;
	}
	umask(077);
	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, NULL);
	if (conf_read(&conf, ask.conf_path, &e) != 0 ||
		log_open(&log, conf->log_level, conf->log_format, conf->code, env_clock(), &e) !=
			0) {
		conf_free(&conf);
		return say(&e);
	}
	rc = run_role(conf, &ask, log);
	log_close(&log);
	conf_free(&conf);
	return rc;
}
