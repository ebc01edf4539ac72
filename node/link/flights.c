/* SPDX-License-Identifier: Apache-2.0 */
#include "node/link/flights.h"

#include <stdlib.h>
#include <string.h>

enum { FIRST_CAP = 64 };

void flights_init(struct flights *f)
{
	memset(f, 0, sizeof(*f));
	f->soonest_us = INT64_MAX;
}

void flights_free(struct flights *f)
{
	free(f->list);
	free(f->buckets);
	flights_init(f);
}

/* The tail of a UUID is random; a peer cannot choose ours. */
static size_t bucket_of(const struct flights *f, const uint8_t *message)
{
	uint64_t h;
	memcpy(&h, message + 8, sizeof(h));
	return (size_t)((h * UINT64_C(0x9e3779b97f4a7c15)) >> 32) & (f->cap - 1);
}

static void link_in(struct flights *f, size_t index)
{
	size_t b = bucket_of(f, f->list[index].message);
	f->list[index].next = f->buckets[b];
	f->buckets[b] = (uint32_t)index + 1;
}

static void link_out(struct flights *f, size_t index)
{
	uint32_t *at = &f->buckets[bucket_of(f, f->list[index].message)];
	while (*at != index + 1) {
		at = &f->list[*at - 1].next;
	}
	*at = f->list[index].next;
}

static int grow(struct flights *f)
{
	size_t cap = f->cap == 0 ? FIRST_CAP : f->cap * 2;
	struct flight *list = realloc(f->list, cap * sizeof(*list));
	if (list == NULL) {
		return RV_ENOMEM;
	}
	f->list = list;
	uint32_t *buckets = calloc(cap, sizeof(*buckets));
	if (buckets == NULL) {
		return RV_ENOMEM;
	}
	free(f->buckets);
	f->buckets = buckets;
	f->cap = cap;
	for (size_t i = 0; i < f->n; i++) {
		link_in(f, i);
	}
	return 0;
}

struct flight *flights_find(const struct flights *f, const uint8_t message[RV_UUID_LEN])
{
	if (f->n == 0) {
		return NULL;
	}
	uint32_t at = f->buckets[bucket_of(f, message)];
	while (at != 0 && memcmp(f->list[at - 1].message, message, RV_UUID_LEN) != 0) {
		at = f->list[at - 1].next;
	}
	return at != 0 ? &f->list[at - 1] : NULL;
}

int flights_add(struct flights *f, const uint8_t message[RV_UUID_LEN], int64_t seq,
	unsigned priority, int64_t retry_us)
{
	struct flight *there = flights_find(f, message);
	if (there != NULL) {
		f->counts[there->priority]--;
		f->counts[priority]++;
		there->seq = seq;
		there->priority = priority;
		flights_retry_at(f, there, retry_us);
		return 0;
	}
	if (f->counts[priority] >= FLIGHTS_MAX) {
		return RV_ELIMIT;
	}
	if (f->n == f->cap && grow(f) != 0) {
		return RV_ENOMEM;
	}
	struct flight *entry = &f->list[f->n];
	memset(entry, 0, sizeof(*entry));
	memcpy(entry->message, message, RV_UUID_LEN);
	entry->seq = seq;
	entry->priority = priority;
	link_in(f, f->n++);
	f->counts[priority]++;
	flights_retry_at(f, entry, retry_us);
	return 0;
}

void flights_remove(struct flights *f, const uint8_t message[RV_UUID_LEN])
{
	struct flight *entry = flights_find(f, message);
	if (entry == NULL) {
		return;
	}
	size_t index = (size_t)(entry - f->list);
	size_t last = f->n - 1;
	f->counts[entry->priority]--;
	link_out(f, index);
	if (index != last) {
		link_out(f, last);
		f->list[index] = f->list[last];
		link_in(f, index);
	}
	f->n = last;
	if (f->n == 0) {
		f->soonest_us = INT64_MAX;
	}
}

void flights_retry_at(struct flights *f, struct flight *entry, int64_t retry_us)
{
	entry->retry_us = retry_us;
	if (retry_us < f->soonest_us) {
		f->soonest_us = retry_us;
	}
}

struct flight *flights_due(struct flights *f, unsigned priority, int64_t now_us)
{
	if (now_us < f->soonest_us) {
		return NULL;
	}
	int64_t soonest = INT64_MAX;
	for (size_t i = 0; i < f->n; i++) {
		struct flight *entry = &f->list[i];
		if (entry->priority == priority && entry->retry_us <= now_us) {
			return entry;
		}
		soonest = entry->retry_us < soonest ? entry->retry_us : soonest;
	}
	f->soonest_us = soonest;
	return NULL;
}
