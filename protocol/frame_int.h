/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RV_FRAME_INT_H
#define RV_FRAME_INT_H

#include "frame.h"

/* What the bodies of frames share. Not installed. */

/* Every byte was read and nothing was missing; else which of the two it was. */
int rv_body_end(const struct rv_cur *c, const char *what, struct rv_err *e);
/* RV_EPARSE, FRAME-FIELD: "what: field rule_of_it". */
int rv_body_field(struct rv_err *e, const char *what, const char *field, const char *rule_of_it);
/* After a run of appends that began at start: all of it or nothing. */
int rv_body_put_end(struct rv_buf *out, size_t start);

#endif
