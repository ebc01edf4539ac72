/* SPDX-License-Identifier: Apache-2.0 */
#ifndef NODE_FLIGHTS_H
#define NODE_FLIGHTS_H

#include "protocol/err.h"
#include "protocol/id.h"

/*
 * Messages in flight: offered to the peer in this session, not yet answered by a receipt. A bounded
 * table with a look-up by message. One thread.
 */

enum { FLIGHTS_PRIORITIES = 3 };

struct flight {
	uint8_t message[RV_UUID_LEN];
	int64_t seq;      /* of the store */
	int64_t retry_us; /* offer it again then */
	unsigned priority;
	uint32_t next; /* in its bucket; index + 1, 0 ends it */
};

struct flights {
	struct flight *list; /* dense: entries 0..n-1 are used */
	size_t n, cap;
	uint32_t *buckets; /* index + 1; as many as cap, a power of two */
	size_t counts[FLIGHTS_PRIORITIES];
	int64_t soonest_us; /* no retry is due before; INT64_MAX if there is none */
};

/* How many of one priority may be in flight. */
enum { FLIGHTS_MAX = 2048 };

void flights_init(struct flights *f);
void flights_free(struct flights *f);
/* RV_ELIMIT: FLIGHTS_MAX of that priority are there. RV_ENOMEM. An entry for that message is
 * replaced. */
int flights_add(struct flights *f, const uint8_t message[RV_UUID_LEN], int64_t seq,
	unsigned priority, int64_t retry_us);
struct flight *flights_find(const struct flights *f, const uint8_t message[RV_UUID_LEN]);
void flights_remove(struct flights *f, const uint8_t message[RV_UUID_LEN]);
/* Sets the time of an entry. */
void flights_retry_at(struct flights *f, struct flight *entry, int64_t retry_us);
/* One of that priority whose time has come; NULL if none. Cheap while soonest_us is ahead. */
struct flight *flights_due(struct flights *f, unsigned priority, int64_t now_us);

#endif
