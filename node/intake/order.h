/* SPDX-License-Identifier: Apache-2.0 */
#ifndef NODE_INTAKE_ORDER_H
#define NODE_INTAKE_ORDER_H

#include <stdint.h>

#include "protocol/err.h"

/*
 * Puts what several workers judged at once back into the order in which it came: each arrival takes
 * a ticket, and what it leads to is passed on when all earlier tickets are given back. Thread safe;
 * `pass` is called one at a time.
 */
struct order;
int order_new(struct order **o_r, void (*pass)(void *ctx, void *item), void *ctx, struct rv_err *e);
void order_free(struct order **o);
uint64_t order_take(struct order *o);
/* Every ticket is given back once. item NULL: it leads to nothing. Without memory the item is
 * passed on at once, out of order. */
void order_give(struct order *o, uint64_t ticket, void *item);

#endif
