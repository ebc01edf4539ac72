/* SPDX-License-Identifier: Apache-2.0 */
#include "node/cli/shared.h"

const char *const cli_templates[] = {
	"seizure-short",
	"seizure-long",
	"warning",
	"alert",
	"feedback",
	"situation-report",
	"update",
	"cancel",
	"request",
	"reply",
	"operation",
	NULL,
};
