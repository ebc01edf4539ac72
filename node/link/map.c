/* SPDX-License-Identifier: Apache-2.0 */
#include "node/link/map.h"

#include <stdlib.h>
#include <string.h>

#include "protocol/err.h"

static size_t hash(const uint8_t key[MAP_KEY_LEN])
{
	uint64_t a;
	uint64_t b;
	memcpy(&a, key, 8);
	memcpy(&b, key + 8, 8);
	a = (a ^ (b * UINT64_C(0x9e3779b97f4a7c15))) * UINT64_C(0xff51afd7ed558ccd);
	return (size_t)(a ^ a >> 32);
}

/* The slot of the key, or the empty one where it would go. */
static size_t slot_of(const struct map *m, const uint8_t key[MAP_KEY_LEN])
{
	size_t i = hash(key) & (m->capacity - 1);
	while (m->slots[i].value != NULL && memcmp(m->slots[i].key, key, MAP_KEY_LEN) != 0) {
		i = (i + 1) & (m->capacity - 1);
	}
	return i;
}

static int grow(struct map *m)
{
	struct map bigger = {.capacity = m->capacity == 0 ? 16 : 2 * m->capacity};
	bigger.slots = calloc(bigger.capacity, sizeof(*bigger.slots));
	if (bigger.slots == NULL) {
		return RV_ENOMEM;
	}
	for (size_t i = 0; i < m->capacity; i++) {
		if (m->slots[i].value != NULL) {
			bigger.slots[slot_of(&bigger, m->slots[i].key)] = m->slots[i];
		}
	}
	bigger.count = m->count;
	free(m->slots);
	*m = bigger;
	return 0;
}

int map_put(struct map *m, const uint8_t key[MAP_KEY_LEN], void *value)
{
	if (2 * (m->count + 1) > m->capacity && grow(m) != 0) {
		return RV_ENOMEM;
	}
	size_t i = slot_of(m, key);
	if (m->slots[i].value == NULL) {
		m->count++;
		memcpy(m->slots[i].key, key, MAP_KEY_LEN);
	}
	m->slots[i].value = value;
	return 0;
}

void *map_get(const struct map *m, const uint8_t key[MAP_KEY_LEN])
{
	return m->capacity == 0 ? NULL : m->slots[slot_of(m, key)].value;
}

void *map_take(struct map *m, const uint8_t key[MAP_KEY_LEN])
{
	if (m->capacity == 0) {
		return NULL;
	}
	size_t hole = slot_of(m, key);
	void *value = m->slots[hole].value;
	if (value == NULL) {
		return NULL;
	}
	m->slots[hole].value = NULL;
	m->count--;
	/* those behind the hole move up, so that a search never stops short of its key */
	for (size_t i = (hole + 1) & (m->capacity - 1); m->slots[i].value != NULL;
		i = (i + 1) & (m->capacity - 1)) {
		struct map_entry moved = m->slots[i];
		m->slots[i].value = NULL;
		m->slots[slot_of(m, moved.key)] = moved;
	}
	return value;
}

void *map_next(const struct map *m, size_t *at)
{
	while (*at < m->capacity) {
		void *value = m->slots[(*at)++].value;
		if (value != NULL) {
			return value;
		}
	}
	return NULL;
}

void map_free(struct map *m)
{
	free(m->slots);
	memset(m, 0, sizeof(*m));
}

void map_number_key(uint8_t key[MAP_KEY_LEN], uint64_t number)
{
	memset(key, 0, MAP_KEY_LEN);
	memcpy(key, &number, sizeof(number));
}
