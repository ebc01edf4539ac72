/* SPDX-License-Identifier: Apache-2.0 */
#ifndef NODE_LEAD_H
#define NODE_LEAD_H

#include <stddef.h>
#include <stdint.h>

/*
 * Two nodes may dial each other, and then have two connections. Both take what comes; each node
 * offers on one. The one that leads goes on leading while it is up (a change would offer again what
 * is in flight). Otherwise: the one that was dialled by the node whose code sorts first, and of
 * several such the one that came up last. Both ends find the same one without a word, and nothing
 * breaks if for a moment they do not.
 */
struct lead_candidate {
	int up;
	int leads;      /* now */
	int dialled;    /* by us */
	uint64_t order; /* grows with each connection */
};

/* The index of the one that shall lead; -1 if none is up. Pure. */
int lead_choose(const struct lead_candidate *c, size_t n, const char *self, const char *peer);

#endif
