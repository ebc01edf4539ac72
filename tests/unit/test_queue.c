/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <pthread.h>
#include <cmocka.h>

#include "node/queue.h"

static void keeps_order_and_bounds(void **state)
{
	struct queue *q = NULL;
	int items[3];
	void *out[4];
	assert_int_equal(queue_new(&q, 2, NULL), 0);
	assert_int_equal(queue_push(q, &items[0]), 0);
	assert_int_equal(queue_push(q, &items[1]), 0);
	assert_int_equal(queue_push(q, &items[2]), RV_EAGAIN);
	assert_int_equal(queue_length(q), 2);
	assert_int_equal(queue_pop(q, out, 1), 1);
	assert_ptr_equal(out[0], &items[0]);
	assert_int_equal(queue_push(q, &items[2]), 0);
	assert_int_equal(queue_pop(q, out, 4), 2);
	assert_ptr_equal(out[0], &items[1]);
	assert_ptr_equal(out[1], &items[2]);
	queue_free(&q);
	assert_null(q);
	queue_free(&q);
}

static void drains_after_close(void **state)
{
	struct queue *q = NULL;
	int item;
	void *out[2];
	assert_int_equal(queue_new(&q, 4, NULL), 0);
	assert_int_equal(queue_push(q, &item), 0);
	queue_close(q);
	assert_int_equal(queue_push(q, &item), RV_ECLOSED);
	assert_int_equal(queue_push_wait(q, &item), RV_ECLOSED);
	assert_int_equal(queue_pop(q, out, 2), 1);
	assert_int_equal(queue_pop(q, out, 2), 0);
	queue_free(&q);
}

static void waits_so_long_and_no_longer(void **state)
{
	struct queue *q = NULL;
	int item;
	void *out[2];
	size_t n = 7;
	assert_int_equal(queue_new(&q, 4, NULL), 0);
	assert_int_equal(queue_pop_for(q, out, 2, 1, &n), 0);
	assert_int_equal(n, 0);
	assert_int_equal(queue_push(q, &item), 0);
	assert_int_equal(queue_pop_for(q, out, 2, 0, &n), 0);
	assert_int_equal(n, 1);
	assert_ptr_equal(out[0], &item);
	assert_int_equal(queue_push(q, &item), 0);
	queue_close(q);
	assert_int_equal(queue_pop_for(q, out, 2, 1999, &n), 0);
	assert_int_equal(n, 1);
	assert_int_equal(queue_pop_for(q, out, 2, 1999, &n), RV_ECLOSED);
	assert_int_equal(n, 0);
	queue_free(&q);
}

enum { PUSHERS = 4, EACH = 5000 };

static void *pusher(void *arg)
{
	for (int i = 0; i < EACH; i++) {
		int *item = malloc(sizeof(*item));
		if (item == NULL || queue_push_wait(arg, item) != 0) {
			abort();
		}
	}
	return NULL;
}

static void *popper(void *arg)
{
	void *out[16];
	size_t n;
	size_t *seen = malloc(sizeof(*seen));
	*seen = 0;
	while ((n = queue_pop(arg, out, 16)) > 0) {
		for (size_t i = 0; i < n; i++) {
			free(out[i]);
		}
		*seen += n;
	}
	return seen;
}

static void nothing_is_lost_between_threads(void **state)
{
	struct queue *q = NULL;
	pthread_t push[PUSHERS];
	pthread_t pop[2];
	size_t total = 0;
	assert_int_equal(queue_new(&q, 8, NULL), 0);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(pthread_create(&pop[i], NULL, popper, q), 0);
	}
	for (int i = 0; i < PUSHERS; i++) {
		assert_int_equal(pthread_create(&push[i], NULL, pusher, q), 0);
	}
	for (int i = 0; i < PUSHERS; i++) {
		pthread_join(push[i], NULL);
	}
	queue_close(q);
	for (int i = 0; i < 2; i++) {
		void *seen;
		pthread_join(pop[i], &seen);
		total += *(size_t *)seen;
		free(seen);
	}
	assert_int_equal(total, PUSHERS * EACH);
	queue_free(&q);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keeps_order_and_bounds),
		cmocka_unit_test(drains_after_close),
		cmocka_unit_test(waits_so_long_and_no_longer),
		cmocka_unit_test(nothing_is_lost_between_threads),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
