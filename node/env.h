/* SPDX-License-Identifier: Apache-2.0 */
#ifndef NODE_ENV_H
#define NODE_ENV_H

#include "protocol/signer.h"

/* The real clock and the real randomness, for the edge to hand in. Safe in any thread. */
struct rv_clock env_clock(void);
struct rv_random env_random(void);
/* Microseconds since some moment in the past: never set back, for waits and ages. */
struct rv_clock env_monotonic(void);

#endif
