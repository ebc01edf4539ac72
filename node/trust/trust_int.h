/* SPDX-License-Identifier: Apache-2.0 */
#ifndef NODE_TRUST_INT_H
#define NODE_TRUST_INT_H

#include "protocol/trustlist.h"

/* The highest list that a node has taken: state_dir/trust.number. */
struct trust_number {
	uint64_t number; /* 0: none yet */
	uint8_t digest[RV_DIGEST_LEN];
};
int trust_number_read(struct trust_number *n, const char *path, struct rv_err *e);
int trust_number_write(
	struct trust_number *n, const char *path, const struct rv_trust *list, struct rv_err *e);
/* RV_EDENIED: the list is older; RV_EEXIST: it has that number, but is another one. */
int trust_number_check(const struct trust_number *n, const struct rv_trust *list, struct rv_err *e);

#endif
