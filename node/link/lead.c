/* SPDX-License-Identifier: Apache-2.0 */
#include "node/link/lead.h"

#include <string.h>

int lead_choose(const struct lead_candidate *c, size_t n, const char *self, const char *peer)
{
	int ours_first = strcmp(self, peer) < 0;
	int best = -1;
	for (size_t i = 0; i < n; i++) {
		if (!c[i].up) {
			continue;
		}
		if (c[i].leads) {
			return (int)i;
		}
		if (best < 0) {
			best = (int)i;
			continue;
		}
		int preferred = c[i].dialled == ours_first;
		int best_preferred = c[best].dialled == ours_first;
		if (preferred > best_preferred ||
			(preferred == best_preferred && c[i].order > c[best].order)) {
			best = (int)i;
		}
	}
	return best;
}
