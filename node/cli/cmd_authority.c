/* SPDX-License-Identifier: Apache-2.0 */
#include "node/cli/cmd_authority.h"

#include "node/cli/commands.h"
#include "node/cli/text.h"
#include "protocol/stamp.h"

int64_t authority_now(const struct cli *c)
{
	struct rv_clock clock = cli_clock(c);
	return clock.now_us(clock.ctx);
}

void authority_day(char out[16], int64_t t_us)
{
	char text[RV_STAMP_TEXT];
	rv_stamp_text(text, t_us);
	snprintf(out, 16, "%.10s", text);
}

void authority_say(struct cli *c, const char *fmt, ...)
{
	char text[1024];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	text_put(cli_out(c), text);
	fputc('\n', cli_out(c));
}

static const struct cli_command *const subs[] = {&authority_cmd_new, &authority_cmd_admit,
	&authority_cmd_operation, &authority_cmd_remove, &authority_cmd_show,
	&authority_cmd_publish, &authority_cmd_cosigner, &authority_cmd_quorum, &authority_cmd_sign,
	&authority_cmd_rekey, NULL};

const struct cli_command cmd_authority = {
	.name = "authority",
	.operands = "",
	.summary = "keep the trust list and its keys, as its coordinator, offline",
	.details =
		"The coordinator keeps the draft of the trust list in a folder of its own, best\n"
		"on a computer that is not on the network: new, admit, operation, publish.\n"
		"Members put a published list in place with 'reeve trust install'.",
	.subs = subs,
};
