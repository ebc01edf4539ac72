/* SPDX-License-Identifier: Apache-2.0 */
#ifndef NODE_LINE_WIRE_H
#define NODE_LINE_WIRE_H

#include <stddef.h>
#include <stdint.h>

/*
 * The window between line and node: both count what the frames told to the node cost, the node says
 * from time to time how much it has taken in all ("C"), and the line reads no frame from the
 * network while more than the window is under way. Frames alone would not bound memory: they may be
 * large.
 */
enum { LINE_WINDOW = 32 << 20, LINE_WINDOW_STEP = 2 << 20, LINE_PART_COST = 64 };

static inline uint64_t line_window_cost(size_t bytes, size_t parts)
{
	return (uint64_t)bytes + (uint64_t)parts * LINE_PART_COST;
}

#endif
