/* SPDX-License-Identifier: Apache-2.0 */
#ifndef NODE_CLI_TRUST_PAGE_H
#define NODE_CLI_TRUST_PAGE_H

#include "node/cli/cli.h"
#include "protocol/trustlist.h"

/* Prints a list, or with --json its JSON; returns the exit status. A list with 0 signers is shown
 * as one that nobody vouches for. */
int trust_page(struct cli *c, const struct rv_trust *t);

#endif
