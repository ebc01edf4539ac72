/* SPDX-License-Identifier: Apache-2.0 */
#ifndef NODE_CLI_NETWORK_H
#define NODE_CLI_NETWORK_H

#include "node/cli/init.h"
#include "node/trust/authority.h"

/*
 * A coordinator's work where its node and the folder of the authority stand side by side: the list
 * that is published there is the list that the node takes, and its links carry it to the others.
 * Functions say what is wrong and return a CLI status.
 */

/* `reeve init --authority`: whether the options make sense; and the network itself: the authority in
 * DIR/authority, the node as its first member, the operations, the first list. Undoes nothing of the
 * node when it fails: the authority can be made by hand. */
int network_check(struct cli *c, const struct init_who *who);
int network_found(struct cli *c, const struct init_who *who);

/* The authority's folder of the configuration, opened. */
int network_open(struct cli *c, const struct conf **conf_r, struct authority **a_r);
/* Adds a member to operations, each as its role allows; those that are not there are an error. */
int network_take_part(struct cli *c, struct authority *a, const char *code, unsigned roles,
	const char (*operations)[RV_OPCODE_TEXT], size_t n);
/* Publishes the draft, puts the list in the node's folder, and says what came of it. */
int network_publish(struct cli *c, const struct conf *conf, struct authority *a,
	const struct issue_ask *ask, uint64_t *number_r);

/* How long a member's certificate lasts, from now on: 730 days unless --days says otherwise. */
int network_days(struct cli *c, int64_t *to_us);

#endif
