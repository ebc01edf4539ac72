/* SPDX-License-Identifier: Apache-2.0 */
#ifndef NODE_TRUST_JOINS_INT_H
#define NODE_TRUST_JOINS_INT_H

#include <pthread.h>

#include "node/trust/joins.h"

/* Inside the waiting room: its entries, and their files. */

enum { JOINS_MAX = 500 };

#define JOINS_DAY_US (INT64_C(86400) * RV_US_PER_SEC)
#define JOINS_KEPT_US (30 * JOINS_DAY_US)   /* after the invitation ended */
#define JOINS_LATE_US (7 * JOINS_DAY_US)    /* so long a guest hears why it is too late */
#define JOINS_RENEWAL_US (30 * JOINS_DAY_US) /* so long new keys wait to be approved */

struct entry {
	struct joins_row row;
	uint8_t digest[RV_DIGEST_LEN]; /* of the request */
	struct rv_join join;           /* the request; empty before it came */
};

struct joins {
	pthread_mutex_t lock;
	struct rv_clock clock;
	char *dir;
	struct entry entries[JOINS_MAX];
	size_t n;
};

void joins_entry_clear(struct entry *x);
/* Writes the request, if there is one, and then the entry. */
int joins_save(
	const struct joins *j, const struct entry *x, const struct rv_span *request, struct rv_err *e);
void joins_remove(const struct joins *j, const char *code);
int joins_load_request(
	const struct joins *j, const char *code, struct rv_buf *wire, struct rv_err *e);

#endif
