/* SPDX-License-Identifier: Apache-2.0 */
#include "node/cli/cmd_trust.h"

#include "node/cli/commands.h"

static const struct cli_command *const subs[] = {
	&trust_show, &trust_verify, &trust_install, &trust_cmd_diff, &trust_cmd_history, NULL};

const struct cli_command cmd_trust = {
	.name = "trust",
	.operands = "",
	.summary = "show, verify, compare and install trust lists, offline",
	.details =
		"The trust list names the members of the network, their keys and the operations.\n"
		"A member puts the list that the coordinator published in place with install;\n"
		"the node takes it without a restart.",
	.subs = subs,
};
