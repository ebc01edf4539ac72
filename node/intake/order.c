/* SPDX-License-Identifier: Apache-2.0 */
#include "node/intake/order.h"

#include <pthread.h>
#include <stdlib.h>

struct waiting { void *item; int given; };

struct order {
	pthread_mutex_t lock;
	void (*pass)(void *ctx, void *item);
	void *ctx;
	uint64_t taken;            /* tickets given out */
	uint64_t passed;           /* all before this one are done with */
	struct waiting *ring;      /* of capacity slots, ticket t in slot t % capacity */
	uint64_t capacity;
};

int order_new(struct order **o_r, void (*pass)(void *ctx, void *item), void *ctx, struct rv_err *e)
{
	struct order *o = calloc(1, sizeof(*o));
	if (o == NULL) {
		return rv_fail_nomem(e);
	}
	pthread_mutex_init(&o->lock, NULL);
	o->pass = pass;
	o->ctx = ctx;
	*o_r = o;
	return 0;
}

void order_free(struct order **o)
{
	if (o != NULL && *o != NULL) {
		pthread_mutex_destroy(&(*o)->lock);
		free((*o)->ring);
		free(*o);
		*o = NULL;
	}
}

/* Room for all tickets that are out. */
static int grow(struct order *o)
{
	uint64_t capacity = o->capacity == 0 ? 64 : o->capacity;
	while (capacity < o->taken - o->passed) {
		capacity *= 2;
	}
	if (capacity == o->capacity) {
		return 0;
	}
	struct waiting *ring = calloc(capacity, sizeof(*ring));
	if (ring == NULL) {
		return RV_ENOMEM;
	}
	for (uint64_t t = o->passed; o->ring != NULL && t < o->passed + o->capacity; t++) {
		ring[t % capacity] = o->ring[t % o->capacity];
	}
	free(o->ring);
	o->ring = ring;
	o->capacity = capacity;
	return 0;
}

uint64_t order_take(struct order *o)
{
	pthread_mutex_lock(&o->lock);
	uint64_t ticket = o->taken++;
	int rc = grow(o);
	if (rc != 0) {
		/* a ring too small would mix tickets up: this one is marked as out of order */
		o->taken--;
		ticket = UINT64_MAX;
	}
	pthread_mutex_unlock(&o->lock);
	return ticket;
}

void order_give(struct order *o, uint64_t ticket, void *item)
{
	pthread_mutex_lock(&o->lock);
	if (ticket == UINT64_MAX) {
		if (item != NULL) {
			o->pass(o->ctx, item);
		}
		pthread_mutex_unlock(&o->lock);
		return;
	}
	struct waiting *w = &o->ring[ticket % o->capacity];
	w->item = item;
	w->given = 1;
	while (o->passed < o->taken && (w = &o->ring[o->passed % o->capacity])->given) {
		void *next = w->item;
		w->item = NULL;
		w->given = 0;
		o->passed++;
		if (next != NULL) {
			o->pass(o->ctx, next);
		}
	}
	pthread_mutex_unlock(&o->lock);
}
