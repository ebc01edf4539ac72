/* SPDX-License-Identifier: Apache-2.0 */
#include "node/queue.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

struct queue {
	pthread_mutex_t lock;
	pthread_cond_t not_empty;
	pthread_cond_t not_full;
	void **ring;
	size_t capacity;
	size_t head;
	size_t count;
	int closed;
};

int queue_new(struct queue **q_r, size_t capacity, struct rv_err *e)
{
	struct queue *q = calloc(1, sizeof(*q));
	if (q == NULL || (q->ring = calloc(capacity, sizeof(*q->ring))) == NULL) {
		free(q);
		return rv_fail_nomem(e);
	}
	q->capacity = capacity;
	pthread_mutex_init(&q->lock, NULL);
	/* waits have bounds, and the wall clock may be set */
	pthread_condattr_t monotonic;
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&q->not_empty, &monotonic);
	pthread_condattr_destroy(&monotonic);
	pthread_cond_init(&q->not_full, NULL);
	*q_r = q;
	return 0;
}

void queue_free(struct queue **q)
{
	if (q == NULL || *q == NULL) {
		return;
	}
	pthread_cond_destroy(&(*q)->not_full);
	pthread_cond_destroy(&(*q)->not_empty);
	pthread_mutex_destroy(&(*q)->lock);
	free((*q)->ring);
	free(*q);
	*q = NULL;
}

static int push_locked(struct queue *q, void *item)
{
	if (q->closed) {
		return RV_ECLOSED;
	}
	if (q->count == q->capacity) {
		return RV_EAGAIN;
	}
	q->ring[(q->head + q->count++) % q->capacity] = item;
	pthread_cond_signal(&q->not_empty);
	return 0;
}

int queue_push(struct queue *q, void *item)
{
	pthread_mutex_lock(&q->lock);
	int rc = push_locked(q, item);
	pthread_mutex_unlock(&q->lock);
	return rc;
}

int queue_push_wait(struct queue *q, void *item)
{
	pthread_mutex_lock(&q->lock);
	while (q->count == q->capacity && !q->closed) {
		pthread_cond_wait(&q->not_full, &q->lock);
	}
	int rc = push_locked(q, item);
	pthread_mutex_unlock(&q->lock);
	return rc;
}

static size_t take_locked(struct queue *q, void **items, size_t max)
{
	size_t n = 0;
	while (n < max && q->count > 0) {
		items[n++] = q->ring[q->head];
		q->head = (q->head + 1) % q->capacity;
		q->count--;
	}
	if (n > 0) {
		pthread_cond_broadcast(&q->not_full);
	}
	return n;
}

size_t queue_pop(struct queue *q, void **items, size_t max)
{
	pthread_mutex_lock(&q->lock);
	while (q->count == 0 && !q->closed) {
		pthread_cond_wait(&q->not_empty, &q->lock);
	}
	size_t n = take_locked(q, items, max);
	pthread_mutex_unlock(&q->lock);
	return n;
}

int queue_pop_for(struct queue *q, void **items, size_t max, unsigned ms, size_t *n_r)
{
	struct timespec until;
	int over = 0;
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += ms / 1000;
	until.tv_nsec += (long)(ms % 1000) * 1000000;
	if (until.tv_nsec >= 1000000000) {
		until.tv_nsec -= 1000000000;
		until.tv_sec++;
	}
	pthread_mutex_lock(&q->lock);
	while (q->count == 0 && !q->closed && !over) {
		over = pthread_cond_timedwait(&q->not_empty, &q->lock, &until) != 0;
	}
	*n_r = take_locked(q, items, max);
	int rc = *n_r == 0 && q->closed ? RV_ECLOSED : 0;
	pthread_mutex_unlock(&q->lock);
	return rc;
}

void queue_close(struct queue *q)
{
	pthread_mutex_lock(&q->lock);
	q->closed = 1;
	pthread_cond_broadcast(&q->not_empty);
	pthread_cond_broadcast(&q->not_full);
	pthread_mutex_unlock(&q->lock);
}

size_t queue_length(struct queue *q)
{
	pthread_mutex_lock(&q->lock);
	size_t n = q->count;
	pthread_mutex_unlock(&q->lock);
	return n;
}
