/* SPDX-License-Identifier: Apache-2.0 */
#ifndef NODE_LINE_LOOKUP_H
#define NODE_LINE_LOOKUP_H

#include <netdb.h>

/*
 * The addresses of a name, found in a thread of its own: libzmq would ask in its I/O thread, and
 * all links would stand still as long as a name server does not answer.
 */
struct lookup;

/* NULL if memory or threads are short. */
struct lookup *lookup_start(const char *host, const char *port);
/* 1 once it is over; then *found_r is the caller's (freeaddrinfo), or NULL with the reason in
 * *why_r. */
int lookup_done(struct lookup *l, struct addrinfo **found_r, const char **why_r);
/* Over or not: the thread ends by itself. */
void lookup_free(struct lookup **l);

#endif
