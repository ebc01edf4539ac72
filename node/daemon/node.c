/* SPDX-License-Identifier: Apache-2.0 */
#include "node/daemon/node.h"
#include "node/daemon/rotate.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "node/api/api.h"
#include "node/env.h"
#include "node/file.h"
#include "node/intake/intake.h"
#include "node/keeper/keeper.h"
#include "node/trust/notices.h"
#include "node/trust/fetcher.h"
#include "node/trust/roots.h"
#include "protocol/seal.h"

#define REMIND_US (INT64_C(86400) * RV_US_PER_SEC)

enum { LOOK_EVERY_MS = 250, EXPIRE_EVERY_LOOKS = 240 };

struct node {
	const struct conf *conf;
	struct log *log;
	struct rv_clock clock;
	struct rv_random random;
	struct rv_catalog *catalog;
	struct trust *trust;
	struct status *status;
	struct fetcher *fetcher;
	struct joins *joins;
	struct rotate *rotate;
	struct store *store;
	struct rv_cert *cert;         /* the node's own */
	struct keeper_client *keeper; /* the committer's */
	struct rv_signer signer;
	struct committer *committer;
	struct intake *intake;
	struct links *links;
	pthread_mutex_t api_lock;   /* the committer wakes the api, the main thread takes it away */
	struct api *api;
	int64_t started_us;
	uint64_t links_seen;
	size_t reminded; /* notices at the last look */
	int64_t reminded_us;
};

/* ---- what the API needs ---- */

struct submit_back {
	void (*done)(void *ctx, const struct api_result *result);
	void *ctx;
};

static void submit_done(void *ctx, const struct intake_result *r)
{
	struct submit_back *back = ctx;
	struct api_result result = {.code = r->code,
		.err = r->err,
		.known = r->known,
		.recipients = (const char(*)[RV_CODE_TEXT])r->recipients.codes,
		.n_recipients = r->recipients.n,
		.report = &r->report};
	memcpy(result.id, r->id, sizeof(result.id));
	back->done(back->ctx, &result);
	free(back);
}

static int core_submit(void *ctx, const struct api_submission *s, struct rv_err *e)
{
	struct node *n = ctx;
	struct submit_back *back = malloc(sizeof(*back));
	if (back == NULL) {
		return rv_fail_nomem(e);
	}
	back->done = s->done;
	back->ctx = s->ctx;
	struct intake_submission in = {.draft = s->draft,
		.len = s->len,
		.operation = s->operation,
		.id = s->id,
		.to = s->to,
		.n_to = s->n_to,
		.attachments = s->attachments,
		.n_attachments = s->n_attachments,
		.dry_run = s->dry_run,
		.done = submit_done,
		.ctx = back};
	int rc = intake_submit(n->intake, &in, e);
	if (rc != 0) {
		free(back);
	}
	return rc;
}

static int core_mark_read(void *ctx, const uint8_t message[RV_UUID_LEN],
	void (*done)(void *, int, const struct rv_err *), void *done_ctx, struct rv_err *e)
{
	return intake_mark_read(((struct node *)ctx)->intake, message, done, done_ctx, e);
}

static int core_links(void *ctx, struct links_status **s_r, struct rv_err *e)
{
	return links_status(((struct node *)ctx)->links, s_r, e);
}

static struct rv_trust *core_trust(void *ctx)
{
	return trust_get(((struct node *)ctx)->trust);
}

static void core_facts(void *ctx, struct api_facts *f)
{
	struct node *n = ctx;
	struct rv_trust *t = trust_get(n->trust);
	struct rv_err why = {0};
	int key = committer_key(n->committer, &why);
	f->started_us = n->started_us;
	f->ready = t != NULL && key == 0;
	snprintf(f->reason, sizeof(f->reason), "%.*s", (int)sizeof(f->reason) - 1,
		t == NULL  ? "this node has no trust list yet"
		: key != 0 ? why.text
			   : "");
	rv_trust_unref(&t);
}

static int core_sources(
	void *ctx, struct fetch_source **list_r, size_t *n_r, struct rv_err *e)
{
	return fetcher_sources(((struct node *)ctx)->fetcher, list_r, n_r, e);
}

static int core_standing(
	void *ctx, const uint8_t cert[RV_DIGEST_LEN], struct status_facts *facts_r)
{
	struct node *n = ctx;
	struct rv_trust *t = trust_get(n->trust);
	struct status_view *v = t != NULL ? status_get(n->status, t) : NULL;
	int rc = v != NULL ? status_facts(v, cert, n->clock.now_us(n->clock.ctx), facts_r)
			   : RV_ENOTFOUND;
	status_unref(&v);
	rv_trust_unref(&t);
	return rc;
}

static void core_joins_changed(void *ctx)
{
	links_trust_changed(((struct node *)ctx)->links);
}

static void inbox_changed(void *ctx)
{
	struct node *n = ctx;
	pthread_mutex_lock(&n->api_lock);
	if (n->api != NULL) {
		api_wake(n->api);
	}
	pthread_mutex_unlock(&n->api_lock);
}

/* ---- building up and taking down ---- */

/* The node's own certificate, and whether the keeper's key is the one it certifies. A key in a
 * hardware module that is away now is looked at when it is back. */
static int check_signer(struct node *n, struct rv_err *e)
{
	static const char probe[] = "REEVE-READINESS-1";
	struct rv_buf pem = {0};
	struct rv_buf sig = {0};
	int rc = file_read(n->conf->signing_cert, 65536, &pem, e);
	if (rc != 0) {
		rv_err_mend(e,
			"A coordinator's trust list brings it: reeve trust install -c %s LIST "
			"--authority PEM.",
			n->conf->file);
		goto out;
	}
	if ((rc = rv_cert_from_pem(&n->cert, pem.data, pem.len, e)) != 0 ||
		(rc = keeper_client_signer_for(n->keeper, n->cert, &n->signer, e)) != 0) {
		goto out;
	}
	snprintf(n->signer.code, sizeof(n->signer.code), "%s", n->conf->code);
	rc = n->signer.sign(n->signer.ctx, probe, sizeof(probe), &sig, e);
	if (rc == RV_EAGAIN) {
		log_err(n->log, LOG_LVL_ERROR, "nothing can be signed: the node waits for its key", e,
			NULL);
		rc = 0;
	}
out:
	rv_buf_free(&pem);
	rv_buf_free(&sig);
	return rc;
}

static int open_parts(struct node *n, const struct node_wires *wires, struct rv_err *e)
{
	int rc = keeper_client_new(&n->keeper, wires->keeper, e);
	if (rc != 0 || (rc = check_signer(n, e)) != 0 ||
		(rc = rv_catalog_load(&n->catalog, n->conf->schemas, NULL, e)) != 0 ||
		(rc = trust_open(&n->trust, n->conf, n->clock, e)) != 0 ||
		(rc = status_open(&n->status, n->conf->state_dir, n->clock, e)) != 0 ||
		(rc = joins_open(&n->joins, n->conf->state_dir, n->clock, e)) != 0) {
		return rc;
	}
	return store_sqlite_open(&n->store, n->conf->state_dir, e);
}

/* ---- what the fetcher brings ---- */

/* A list that would be refused is an error of its address, told there; one that holds is taken by
 * the main thread, as if it had been put in place. */
static int offer_list(void *ctx, const void *list, size_t len, const char *from, struct rv_err *e)
{
	struct node *n = ctx;
	struct trust_roots roots = {0};
	struct rv_trust *fresh = NULL;
	struct rv_buf wire = {0};
	struct rv_trust *current = trust_last(n->trust);
	int rc = trust_roots_read(&roots, n->conf->authority, e);
	if (rc == 0) {
		rc = trust_roots_list(
			&roots, &fresh, list, len, n->clock.now_us(n->clock.ctx), e);
	}
	if (rc == 0 && rv_trust_number(fresh) == rv_trust_number(current)) {
		rc = RV_EDUP;
	} else if (rc == 0 && rv_trust_number(fresh) < rv_trust_number(current)) {
		rc = rv_fail_rule(e, RV_EDENIED, "TRUST-OLDER",
			"it has list %llu, this node %llu",
			(unsigned long long)rv_trust_number(fresh),
			(unsigned long long)rv_trust_number(current));
	}
	if (rc == 0) {
		rc = rv_buf_put(&wire, list, len) == 0 ? trust_offer(n->trust, &wire, from, e)
						       : rv_fail_nomem(e);
	}
	rv_buf_free(&wire);
	rv_trust_unref(&fresh);
	rv_trust_unref(&current);
	trust_roots_clear(&roots);
	return rc;
}

static void status_changed(void *ctx)
{
	struct node *n = ctx;
	intake_status_changed(n->intake);
	links_status_changed(n->links);
}

static int start_fetcher(struct node *n, struct rv_err *e)
{
	struct fetcher_params p = {.conf = n->conf,
		.log = n->log,
		.clock = n->clock,
		.random = n->random,
		.trust = n->trust,
		.status = n->status,
		.offer = offer_list,
		.ctx = n};
	return fetcher_start(&n->fetcher, &p, e);
}

static struct api *set_api(struct node *n, struct api *api)
{
	pthread_mutex_lock(&n->api_lock);
	struct api *before = n->api;
	n->api = api;
	pthread_mutex_unlock(&n->api_lock);
	return before;
}

static int start_parts(struct node *n, const struct node_wires *wires, struct rv_err *e)
{
	struct committer_params cp = {n->store, &n->signer, n->clock, n->log};
	int rc = committer_start(&n->committer, &cp, e);
	if (rc != 0) {
		return rc;
	}
	struct intake_params ip = {.conf = n->conf,
		.catalog = n->catalog,
		.trust = n->trust,
		.status = n->status,
		.committer = n->committer,
		.log = n->log,
		.clock = n->clock,
		.random = n->random,
		.inbox_changed = inbox_changed,
		.inbox_ctx = n};
	rc = intake_start(&n->intake, &ip, e);
	if (rc != 0) {
		return rc;
	}
	struct links_params lp = {n->conf, n->trust, n->joins, n->status, n->log, n->clock, n->random,
		wires->line_endpoint, intake_callbacks(n->intake)};
	rc = links_new(&n->links, &lp, e);
	if (rc != 0) {
		return rc;
	}
	intake_attach(n->intake, n->links);
	status_watch(n->status, status_changed, n);
	rc = start_fetcher(n, e);
	if (rc != 0) {
		return rc;
	}
	struct api_params ap = {.conf = n->conf,
		.catalog = n->catalog,
		.clock = n->clock,
		.log = n->log,
		.core = {n, core_submit, core_mark_read, core_links, core_trust, core_facts,
			core_sources, core_standing, n->joins, core_joins_changed}};
	struct api *api = NULL;
	rc = api_start(&api, &ap, e);
	if (rc != 0) {
		return rc;
	}
	set_api(n, api);
	struct rotate_params rp = {n->conf, n->trust, n->links, n->committer, n->log, n->clock};
	rc = rotate_new(&n->rotate, &rp, e);
	if (rc == 0) {
		rc = links_start(n->links, e);
	}
	if (rc == 0) {
		intake_reroute(n->intake);
	}
	return rc;
}

static void stop_parts(struct node *n)
{
	/* the api waits for answers that the others still owe: it goes first, and nobody wakes it any more */
	struct api *api = set_api(n, NULL);
	api_stop(&api);
	fetcher_stop(&n->fetcher);
	links_stop(&n->links);
	intake_stop(n->intake);
	committer_stop(&n->committer);
	intake_free(&n->intake);
	rotate_free(&n->rotate);
	links_free(&n->links);
	store_close(&n->store);
	status_close(&n->status);
	trust_close(&n->trust);
	joins_close(&n->joins);
	rv_catalog_free(&n->catalog);
	keeper_client_free(&n->keeper);
	rv_cert_free(&n->cert);
}

/* ---- the main thread's look around ---- */

static void look_at_trust(struct node *n)
{
	struct rv_err e = {0};
	int changed = 0;
	if (trust_poll(n->trust, &changed, &e) != 0) {
		log_err(n->log, LOG_LVL_ERROR, "a trust list is not taken", &e, NULL);
	}
	if (changed) {
		struct rv_trust *t = trust_get(n->trust);
		char number[24];
		snprintf(number, sizeof(number), "%llu",
			t != NULL ? (unsigned long long)rv_trust_number(t) : 0);
		log_event(n->log, LOG_LVL_INFO,
			t != NULL ? "trust list taken" : "no trust list holds any more", "number",
			number, NULL);
		rv_trust_unref(&t);
		links_trust_changed(n->links);
		fetcher_trust_changed(n->fetcher);
		intake_reroute(n->intake);
	}
}

/* Which links are up, as one number: the way of what waits is reconsidered when it changes. */
static uint64_t links_fingerprint(struct node *n)
{
	struct rv_trust *t = trust_get(n->trust);
	const struct rv_member *members = NULL;
	size_t count = t != NULL ? rv_trust_members(t, &members) : 0;
	uint64_t print = 14695981039346656037u;
	for (size_t i = 0; i < count; i++) {
		print = (print ^ (uint64_t)(links_up(n->links, members[i].code) + 1)) *
			1099511628211u;
	}
	rv_trust_unref(&t);
	return print;
}

/* Once a day, and when something is new: what ends before long. */
static void remind(struct node *n)
{
	struct notice list[NOTICES_MAX];
	int64_t now_us = n->clock.now_us(n->clock.ctx);
	struct rv_trust *t = trust_last(n->trust);
	size_t count = notices_of(t, n->conf->code,
		(int64_t)n->conf->trust_grace_h * 3600 * RV_US_PER_SEC, now_us, list);
	rv_trust_unref(&t);
	if (count <= n->reminded && now_us - n->reminded_us < REMIND_US &&
		now_us >= n->reminded_us) {
		n->reminded = count;
		return;
	}
	n->reminded = count;
	n->reminded_us = now_us;
	for (size_t i = 0; i < count; i++) {
		struct rv_err e = {0};
		rv_fail_rule(&e, RV_EEXPIRED, list[i].rule, "%s", list[i].text);
		rv_err_mend(&e, "%s", list[i].mend);
		log_err(n->log, LOG_LVL_WARNING, "something ends before long", &e, NULL);
	}
}

static void look_around(struct node *n, unsigned look)
{
	look_at_trust(n);
	intake_look(n->intake);
	uint64_t seen = links_fingerprint(n);
	if (seen != n->links_seen) {
		n->links_seen = seen;
		intake_reroute(n->intake);
	}
	if (look % EXPIRE_EVERY_LOOKS == 0) {
		remind(n);
		intake_expire(n->intake);
	}
}

/* *restart_r: 1 if it ends so that all roles start with new keys. */
static int wait_for_end(struct node *n, int signals, int *restart_r, struct rv_err *e)
{
	for (unsigned look = 0;; look++) {
		struct pollfd p[2] = {{.fd = signals, .events = POLLIN},
			{.fd = trust_fd(n->trust), .events = POLLIN}};
		int ready = poll(p, 2, LOOK_EVERY_MS);
		if (ready < 0 && errno != EINTR) {
			return rv_fail_errno(e, errno, "cannot wait for signals");
		}
		if (ready > 0 && p[0].revents != 0) {
			struct signalfd_siginfo info;
			if (read(signals, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
				log_event(n->log, LOG_LVL_INFO, "stopping", NULL);
				return 0;
			}
		}
		look_around(n, look);
		if (rotate_look(n->rotate)) {
			*restart_r = 1;
			return 0;
		}
	}
}

int node_run(const struct conf *conf, const struct node_wires *wires, struct log *log,
	void (*ready)(void *ctx), void *ctx, int *restart_r, struct rv_err *e)
{
	struct node n = {.conf = conf,
		.log = log,
		.clock = env_clock(),
		.random = env_random(),
		.api_lock = PTHREAD_MUTEX_INITIALIZER};
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	int signals = signalfd(-1, &set, SFD_CLOEXEC);
	int rc = signals < 0 ? rv_fail_errno(e, errno, "cannot watch for signals") : 0;
	n.started_us = n.clock.now_us(n.clock.ctx);
	if (rc == 0) {
		rc = open_parts(&n, wires, e);
	}
	if (rc == 0) {
		rc = start_parts(&n, wires, e);
	}
	if (rc == 0) {
		log_event(log, LOG_LVL_INFO, "node ready", NULL);
		ready(ctx);
		rc = wait_for_end(&n, signals, restart_r, e);
	}
	stop_parts(&n);
	if (signals >= 0) {
		close(signals);
	}
	return rc;
}
