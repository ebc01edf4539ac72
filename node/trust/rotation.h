/* SPDX-License-Identifier: Apache-2.0 */
#ifndef NODE_ROTATION_H
#define NODE_ROTATION_H

#include "node/config/conf.h"
#include "protocol/buf.h"
#include "protocol/join.h"
#include "protocol/trustlist.h"

/*
 * New keys of a node, from their making to their use. They lie beside the signing key:
 *
 *   next/    made by `reeve rotate`: sign.key, sign.csr, curve.key, and join.xml, the request for them
 *   ready/   the same, when the trust list has them and the peers know it: next, renamed, with
 *            sign.crt in it. The roles start with them
 *
 * Each step is one rename, so that a crash leaves the former keys or the new ones, never a mixture.
 * No function here reads a private key. Keys in hardware do not rotate so (RV_EINVAL).
 */

/* "next/sign.key": for the caller to free(); NULL if memory is short. */
char *rotation_path(const struct conf *conf, const char *name);
/* The request for new keys that wait to be listed, appended. RV_ENOTFOUND: there are none. */
int rotation_request(const struct conf *conf, struct rv_buf *wire, struct rv_err *e);
/*
 * The list has them: their certificate is put beside them, and next becomes ready. RV_EUNKNOWN: the
 * list does not have them, or not yet in force.
 */
int rotation_stage(const struct conf *conf, const struct rv_trust *t, const struct rv_join *j,
	int64_t now_us, struct rv_err *e);
/* Before the roles start: moves what is ready into place of the former keys, which are gone then.
 * Goes on where a crash left it. *done_r: 1 if there was something. */
int rotation_complete(const struct conf *conf, int *done_r, struct rv_err *e);

#endif
