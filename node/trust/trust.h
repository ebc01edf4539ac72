/* SPDX-License-Identifier: Apache-2.0 */
#ifndef NODE_TRUST_H
#define NODE_TRUST_H

#include "node/config/conf.h"
#include "protocol/signer.h"
#include "protocol/trustlist.h"

/*
 * The current trust list of the node. trust_get hands out a reference to an immutable list; a newer one takes its
 * place whole. Thread safe.
 */
struct trust;
/* Reads the authority certificates and the list from the configured files. A missing list is allowed (a fresh node): then trust_get is NULL.
 * The highest number seen is kept in state_dir/trust.number so that an older list is refused after a restart too. */
int trust_open(struct trust **t_r, const struct conf *conf, struct rv_clock clock, struct rv_err *e);
void trust_close(struct trust **t);
struct rv_trust *trust_get(struct trust *t);        /* a reference: rv_trust_unref; NULL if there is none */
/* Looks at the file; takes a newer list. *changed_r 1 if it did. A bad or older file is an error each time it changes on disk, not each look; the current list stays. */
int trust_poll(struct trust *t, int *changed_r, struct rv_err *e);

#endif
