/* SPDX-License-Identifier: Apache-2.0 */
#include "node/env.h"

#include <time.h>
#include <openssl/rand.h>

static int64_t read_clock(clockid_t id)
{
	struct timespec ts;
	clock_gettime(id, &ts);
	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

static int64_t system_now(void *ctx)
{
	return read_clock(CLOCK_REALTIME);
}

static int64_t monotonic_now(void *ctx)
{
	return read_clock(CLOCK_MONOTONIC);
}

static int system_random(void *ctx, void *out, size_t len)
{
	return len <= INT32_MAX && RAND_bytes(out, (int)len) == 1 ? 0 : RV_EIO;
}

struct rv_clock env_clock(void)
{
	return (struct rv_clock){system_now, NULL};
}

struct rv_random env_random(void)
{
	return (struct rv_random){system_random, NULL};
}

struct rv_clock env_monotonic(void)
{
	return (struct rv_clock){monotonic_now, NULL};
}
