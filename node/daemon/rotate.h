/* SPDX-License-Identifier: Apache-2.0 */
#ifndef NODE_ROTATE_H
#define NODE_ROTATE_H

#include "node/intake/committer.h"
#include "node/link/links.h"
#include "node/trust/trust.h"

/*
 * New keys of this node (node/trust/rotation.h), seen from the main thread: as long as they are not in
 * the trust list, the request for them is sent to the coordinators, with the voucher of the present
 * key; when they are, and every peer that is linked has that list, the roles start with them. What is
 * not known to a peer by then is not waited for longer than ROTATE_PATIENCE_US.
 */
#define ROTATE_AGAIN_US (60 * RV_US_PER_SEC) /* the request is sent again */
#define ROTATE_PATIENCE_US (600 * RV_US_PER_SEC)

struct rotate;
struct rotate_params {
	const struct conf *conf;
	struct trust *trust;
	struct links *links;
	struct committer *committer;
	struct log *log;
	struct rv_clock clock;
};
int rotate_new(struct rotate **r_r, const struct rotate_params *p, struct rv_err *e);
/* No job of it may be with the committer any more: stop that first. */
void rotate_free(struct rotate **r);
/* Call it every look. 1: the new keys are ready; the roles are to be started again. */
int rotate_look(struct rotate *r);

#endif
