/* SPDX-License-Identifier: Apache-2.0 */
#include "node/cli/cmd_trust.h"

#include "node/cli/commands.h"

static const struct cli_command *const subs[] = {&trust_show, &trust_verify, &trust_install,
	&trust_new, &trust_admit, &trust_operation, &trust_remove, &trust_publish, &trust_rekey,
	NULL};

const struct cli_command cmd_trust = {
	.name = "trust",
	.operands = "",
	.summary = "show, install and (for the coordinator) make the trust list, offline",
	.details =
		"The trust list names the members of the network, their keys and the operations.\n"
		"The coordinator keeps its draft in a folder of its own: new, admit, operation,\n"
		"publish. A member puts a published list in place with install; the node takes\n"
		"it without a restart.",
	.subs = subs,
};
