/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_FUZZ_CHAIN_RIG_H
#define TESTS_FUZZ_CHAIN_RIG_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/chain_int.h"

#include "tests/fuzz/chain_certs.h"

/* What the targets about revocation share: a path, made once, and what every status must be. */

/* 2026-11-24T12:00:00Z, within all that the corpus is of */
static const struct rv_status_when present = {
	.now_us = INT64_C(1795521600000000), .max_age_us = 72 * INT64_C(3600) * RV_US_PER_SEC};

static inline const struct rv_path *the_path(void)
{
	static struct rv_path *path;
	struct rv_chain_issuer in = {.der = {issuer_der, sizeof(issuer_der)}};
	struct rv_chain *chain = NULL;
	struct rv_cert *cert = NULL;
	if (path == NULL &&
		(rv_chain_new(&chain, &in, 1, NULL) != 0 ||
			rv_cert_from_der(&cert, member_der, sizeof(member_der), NULL) != 0 ||
			rv_chain_path(&path, chain, cert, "KE", present.now_us, NULL) != 0)) {
		abort();
	}
	rv_chain_free(&chain);
	rv_cert_free(&cert);
	return path;
}

/* 0 with a status that makes sense, or an error that says what it is. */
static inline void check_said(int rc, const struct rv_cert_status *s, const struct rv_err *e)
{
	if (rc != 0) {
		if (rc != e->code || (e->rule[0] == '\0' && rc != RV_ENOMEM)) {
			abort();
		}
		return;
	}
	int revoked = s->kind == RV_STATUS_REVOKED;
	if ((s->kind != RV_STATUS_GOOD && s->kind != RV_STATUS_UNKNOWN && !revoked) ||
		(s->next_us != 0 && s->next_us <= s->this_us) ||
		s->this_us > present.now_us + RV_STATUS_SKEW_US ||
		s->this_us < present.now_us - present.max_age_us ||
		(revoked && rv_status_judge(s, INT64_MAX, NULL) == 0)) {
		abort();
	}
}

#endif
