/* SPDX-License-Identifier: Apache-2.0 */
#ifndef NODE_API_TARGET_H
#define NODE_API_TARGET_H

#include <stddef.h>
#include <stdint.h>

#include "protocol/err.h"
#include "protocol/msg.h"

/*
 * The target of a request, "/v1/inbox?after=7&limit=50", taken apart: percent-decoded once,
 * strictly. Refused (RV_EINVAL): anything but an absolute path, bad escapes, control characters,
 * what is no UTF-8, and more segments or parameters than the limits. Pure.
 */

enum { TARGET_SEGMENTS = 6, TARGET_PARAMS = 320, TARGET_BYTES = 24 * 1024 };

struct target_param {
	const char *name, *value; /* "" when there is no '=' */
};

struct target {
	char *bytes; /* what the rest points into */
	const char *segments[TARGET_SEGMENTS];
	size_t n_segments;
	struct target_param *params;
	size_t n_params;
};

int target_parse(struct target *t, const char *raw, struct rv_err *e);
void target_clear(struct target *t);
/* The value of the first parameter of that name, NULL if there is none. */
const char *target_param(const struct target *t, const char *name);

/* A decimal number of 0..max without sign, space or leading zero. RV_EINVAL if not. */
int target_number(uint64_t *n_r, const char *text, uint64_t max);

/*
 * The parameter that names an attachment: "DIGEST,MEDIA/TYPE,NAME" (the name may hold commas, but
 * no slash, backslash or leading dot). The size is not in it: it stays 0.
 */
int target_attachment(struct rv_attachment *a, const char *text, struct rv_err *e);

#endif
