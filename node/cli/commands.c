/* SPDX-License-Identifier: Apache-2.0 */
#include "node/cli/commands.h"

const struct cli_command *const cli_commands[] = {
	&cmd_new,
	&cmd_check,
	&cmd_send,
	&cmd_reply,
	&cmd_inbox,
	&cmd_outbox,
	&cmd_show,
	&cmd_export,
	&cmd_verify,
	&cmd_codes,
	&cmd_operation,
	&cmd_status,
	&cmd_links,
	&cmd_quarantine,
	&cmd_init,
	&cmd_invite,
	&cmd_join,
	&cmd_approve,
	&cmd_rotate,
	&cmd_trust,
	&cmd_authority,
	&cmd_completion,
	&cmd_help,
	NULL,
};
