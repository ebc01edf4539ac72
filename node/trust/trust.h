/* SPDX-License-Identifier: Apache-2.0 */
#ifndef NODE_TRUST_H
#define NODE_TRUST_H

#include "node/config/conf.h"
#include "protocol/signer.h"
#include "protocol/trustlist.h"

/*
 * The current trust list of the node. trust_get hands out a reference to an immutable list; a newer
 * one takes its place whole. Any thread may call trust_get and trust_last; trust_poll is for one
 * thread at a time.
 *
 * The number of the list only grows. The highest one taken is kept in state_dir/trust.number
 * ("NUMBER DIGEST"), durable before the list is used, so that an older list is refused after a
 * restart too, and so is another list with the same number. Every list taken is kept as
 * state_dir/trust/NUMBER.xml, with the authority's certificates of then as NUMBER.pem: who checks
 * an old message needs the list of its day.
 */
struct trust;

/*
 * Reads the authority certificates and the list from the configured files. A missing list is
 * allowed (a fresh node): then trust_get is NULL. A list that is there but refused (bad, expired,
 * older) does not stop the node, whose people may still read what they have: trust_get is NULL and
 * the first trust_poll tells why. A state file that cannot be read or understood is an error.
 */
int trust_open(
	struct trust **t_r, const struct conf *conf, struct rv_clock clock, struct rv_err *e);
void trust_close(struct trust **t);

/* A reference: rv_trust_unref. NULL if there is none, or when it has expired and the time of grace
 * (conf.trust_grace_h) is over too: such a list is no list. */
struct rv_trust *trust_get(struct trust *t);
/* The same, expired or not: to show it, and to let newer lists come from its members. */
struct rv_trust *trust_last(struct trust *t);
/* The bytes of trust_last, as they were published, and its number: a piece from offset on, copied.
 * RV_ENOTFOUND: there is none, or it ends before offset. Any thread. */
int trust_piece(struct trust *t, size_t offset, void *out, size_t max, size_t *n_r,
	size_t *total_r, uint64_t *number_r, struct rv_err *e);

/*
 * A list that came by a link or from an address: kept until the next trust_poll, which takes it as
 * if it lay in the configured place, and puts it there. wire is emptied. from is for the words of an
 * error. Any thread. RV_EAGAIN: others wait already.
 */
int trust_offer(struct trust *t, struct rv_buf *wire, const char *from, struct rv_err *e);
/* Readable when trust_poll has something to look at before the next regular time. */
int trust_fd(const struct trust *t);

/*
 * Takes a list that was offered; looks at the files, and takes a newer list. *changed_r is 1 if
 * trust_get now gives something else than before: a newer list, or nothing because the list expired
 * (then RV_EEXPIRED is returned with it, once). A bad or older list is an error each time it
 * changes on disk or is offered, not at each look; the current list stays (a list refused for its
 * dates is tried again quietly: a clock may be set). A file that is gone changes nothing. Where a
 * list names who signs the next one (Signing), the file of authority certificates follows it.
 */
int trust_poll(struct trust *t, int *changed_r, struct rv_err *e);

/* A list taken earlier, whatever its age, by the authority's certificates of then. RV_ENOTFOUND. */
int trust_archived(struct trust *t, uint64_t number, struct rv_trust **list_r, struct rv_err *e);

#endif
