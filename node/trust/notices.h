/* SPDX-License-Identifier: Apache-2.0 */
#ifndef NODE_NOTICES_H
#define NODE_NOTICES_H

#include "protocol/trustlist.h"

/*
 * What ends before long, told while there is time: the trust list, and the node's own keys. Pure.
 *
 *   TRUST-EXPIRES    less than a third of the list's time is left, or a week
 *   TRUST-GRACE      it has expired and holds for the time of grace
 *   KEY-EXPIRES      the certificate of the member's signing key ends within 30 days, and no later one
 *                    is listed
 *   CURVE-EXPIRES    the same of its CURVE key
 *   SIGNING-EXPIRES  for a coordinator: a certificate that signs lists ends within 180 days
 */
struct notice {
	char rule[32];
	char text[160], mend[160];
	int64_t at_us; /* when it ends */
};
enum { NOTICES_MAX = 8 };

/* How many; at most NOTICES_MAX. t NULL: none. */
size_t notices_of(const struct rv_trust *t, const char *code, int64_t grace_us, int64_t now_us,
	struct notice out[NOTICES_MAX]);

#endif
