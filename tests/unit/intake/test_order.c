/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <pthread.h>
#include <cmocka.h>

#include "node/intake/order.h"

enum { TICKETS = 20000, THREADS = 4 };

struct seen { int list[TICKETS]; size_t n; };

static void note(void *ctx, void *item)
{
	struct seen *s = ctx;
	s->list[s->n++] = *(int *)item;
}

static void passes_on_in_order(void **state)
{
	static struct seen seen;
	struct order *o = NULL;
	int items[5] = {0, 1, 2, 3, 4};
	uint64_t t[5];
	seen.n = 0;
	assert_int_equal(order_new(&o, note, &seen, NULL), 0);
	for (int i = 0; i < 5; i++) {
		t[i] = order_take(o);
	}
	order_give(o, t[2], &items[2]);
	order_give(o, t[1], NULL);
	assert_int_equal(seen.n, 0);
	order_give(o, t[0], &items[0]);
	assert_int_equal(seen.n, 2);
	assert_int_equal(seen.list[1], 2);
	order_give(o, t[4], &items[4]);
	order_give(o, t[3], &items[3]);
	assert_int_equal(seen.n, 4);
	assert_int_equal(seen.list[3], 4);
	order_free(&o);
	assert_null(o);
	order_free(&o);
}

/* Tickets are taken by one thread, as the links do, and given back by several in any order. */
static int numbers[TICKETS];
static uint64_t tickets[TICKETS];
static struct order *shared;

static void *giver(void *arg)
{
	for (size_t i = (size_t)(uintptr_t)arg; i < TICKETS; i += THREADS) {
		order_give(shared, tickets[i], &numbers[i]);
	}
	return NULL;
}

static void keeps_order_between_threads(void **state)
{
	static struct seen seen;
	pthread_t threads[THREADS];
	seen.n = 0;
	assert_int_equal(order_new(&shared, note, &seen, NULL), 0);
	for (int i = 0; i < TICKETS; i++) {
		numbers[i] = i;
		tickets[i] = order_take(shared);
	}
	for (size_t i = 0; i < THREADS; i++) {
		assert_int_equal(pthread_create(&threads[i], NULL, giver, (void *)(uintptr_t)i), 0);
	}
	for (size_t i = 0; i < THREADS; i++) {
		pthread_join(threads[i], NULL);
	}
	assert_int_equal(seen.n, TICKETS);
	for (int i = 0; i < TICKETS; i++) {
		assert_int_equal(seen.list[i], i);
	}
	order_free(&shared);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(passes_on_in_order),
		cmocka_unit_test(keeps_order_between_threads),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
