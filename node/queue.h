/* SPDX-License-Identifier: Apache-2.0 */
#ifndef NODE_QUEUE_H
#define NODE_QUEUE_H

#include <stddef.h>

#include "protocol/err.h"

/*
 * A bounded queue of pointers between threads: any number of pushers and poppers.
 * Ownership of an item passes with the pointer. Closing wakes everyone: pushes fail, pops drain
 * what is left.
 */
struct queue;

int queue_new(struct queue **q_r, size_t capacity, struct rv_err *e);
/* The queue must be empty and unused: items left in it are not freed. */
void queue_free(struct queue **q);

/* RV_EAGAIN if full, RV_ECLOSED if closed. Never blocks. */
int queue_push(struct queue *q, void *item);
/* Waits for room. RV_ECLOSED if closed. */
int queue_push_wait(struct queue *q, void *item);
/* Waits for at least one item, takes up to max. 0 only when the queue is closed and empty. */
size_t queue_pop(struct queue *q, void **items, size_t max);
/* The same, for ms milliseconds at most: *n_r is 0 when nothing came. RV_ECLOSED: closed and empty.
 */
int queue_pop_for(struct queue *q, void **items, size_t max, unsigned ms, size_t *n_r);
void queue_close(struct queue *q);
size_t queue_length(struct queue *q);

#endif
