/* SPDX-License-Identifier: Apache-2.0 */
#ifndef NODE_CLI_TRUST_CHANGES_H
#define NODE_CLI_TRUST_CHANGES_H

#include <jansson.h>

#include "node/cli/cli.h"
#include "node/trust/diff.h"

/* What changes between two lists, for people; returns the exit status. */
int trust_changes_print(struct cli *c, const struct trust_diff *d);
/* The same as a JSON array; NULL if memory is short. */
json_t *trust_changes_json(const struct trust_diff *d);
/* "1 member added, operation list changed" in few words; "" if nothing changed. */
void trust_changes_summary(const struct trust_diff *d, struct rv_buf *out);

#endif
