/* SPDX-License-Identifier: Apache-2.0 */
#ifndef NODE_TRUST_FETCHER_H
#define NODE_TRUST_FETCHER_H

#include "node/config/conf.h"
#include "node/log/log.h"
#include "node/trust/status.h"
#include "node/trust/trust.h"
#include "protocol/signer.h"
#include "protocol/stamp.h"

/*
 * The fetcher: one thread that asks web servers for newer trust lists, and for the CRLs and OCSP
 * responses of the issuers that the list in use names, so that neither the links nor the intake
 * ever wait for one. Each address has its own back-off: a server that hangs or fails is asked less
 * and less often (doubling up to an hour, with jitter, or as long as it asks for itself), and the
 * others are asked in its place. The addresses of one thing are asked in turn, each round beginning
 * with the next one: so a mirror that stands still holds back nothing for long. What cannot be
 * reached at one address of a server is not tried at the others of it meanwhile.
 *
 * A CRL or a response is fetched at the start and when the list brings it, and then when three
 * quarters of its time until nextUpdate, half of the policy's MaxAge, or status_every_s have passed,
 * whichever is first.
 */
struct fetcher;

enum fetch_kind { FETCH_LIST = 1, FETCH_CRL, FETCH_OCSP };
const char *fetch_kind_text(enum fetch_kind kind); /* "list", "crl", "ocsp" */

struct fetcher_params {
	const struct conf *conf;
	struct log *log;
	struct rv_clock clock;
	struct rv_random random;
	struct trust *trust;   /* whose list names the issuers; NULL with status NULL */
	struct status *status; /* what takes their CRLs and responses; NULL: only lists are fetched */
	/*
	 * A trust list was fetched: verify it, refuse an older one, install it. 0: taken; RV_EDUP:
	 * the one in use; else why not. In the fetcher's thread.
	 */
	int (*offer)(void *ctx, const void *list, size_t len, const char *from, struct rv_err *e);
	void *ctx;
};
/* Starts the thread. */
int fetcher_start(struct fetcher **f_r, const struct fetcher_params *p, struct rv_err *e);
/* Leaves a request under way at once and joins the thread. */
void fetcher_stop(struct fetcher **f);

/* Any thread: there is another trust list; its issuers may be others. */
void fetcher_trust_changed(struct fetcher *f);
/* Any thread: everything is asked for now, whatever the back-off. */
void fetcher_hurry(struct fetcher *f);

/* ---- for people: a copy, free()d by the caller ---- */
struct fetch_source {
	enum fetch_kind kind;
	char whose[80]; /* of a CRL or response: the issuer's subject, or the member; else "" */
	char url[1025];
	int64_t tried_us, fetched_us; /* wall time; 0: never */
	int64_t next_us;              /* not before */
	unsigned failures;            /* since the last success */
	struct rv_err why;            /* of the last try, code 0 if it went well */
};
int fetcher_sources(
	struct fetcher *f, struct fetch_source **list_r, size_t *n_r, struct rv_err *e);

#endif
