/* SPDX-License-Identifier: Apache-2.0 */
#ifndef NODE_LINK_MAP_H
#define NODE_LINK_MAP_H

#include <stddef.h>
#include <stdint.h>

/* A hash table from 16 bytes (a message's id, or a number) to a pointer. Starts as {0}. Owns
 * nothing it points to. */
enum { MAP_KEY_LEN = 16 };
struct map_entry {
	uint8_t key[MAP_KEY_LEN];
	void *value;
};
struct map {
	struct map_entry *slots;
	size_t capacity, count;
};

int map_put(struct map *m, const uint8_t key[MAP_KEY_LEN], void *value); /* replaces; RV_ENOMEM */
void *map_get(const struct map *m, const uint8_t key[MAP_KEY_LEN]);      /* NULL if absent */
void *map_take(struct map *m, const uint8_t key[MAP_KEY_LEN]);           /* and removes it */
/* Visits all; start with *at = 0; NULL at the end. Removing while visiting is not allowed. */
void *map_next(const struct map *m, size_t *at);
void map_free(struct map *m);
void map_number_key(uint8_t key[MAP_KEY_LEN], uint64_t number);

#endif
