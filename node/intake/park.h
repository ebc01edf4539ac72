/* SPDX-License-Identifier: Apache-2.0 */
#ifndef NODE_PARK_H
#define NODE_PARK_H

#include <stddef.h>
#include <stdint.h>

#include "protocol/err.h"

/*
 * A bounded place for work that waits a moment for what the node is about to learn. Ownership
 * passes with the pointer, in and out. Any thread.
 */
struct park;
struct parked {
	struct parked *next;
	int64_t until_us; /* how long it waits at most; the owner's clock */
};

int park_new(struct park **p_r, size_t max, struct rv_err *e);
/* It must be empty. */
void park_free(struct park **p);
/* RV_EAGAIN: full or closed; it stays the caller's. */
int park_put(struct park *p, struct parked *item);
/* Those whose time is over at now_us, oldest first, linked by next; INT64_MAX: all. */
struct parked *park_take(struct park *p, int64_t now_us);
/* Takes nothing in any more. */
void park_close(struct park *p);

#endif
