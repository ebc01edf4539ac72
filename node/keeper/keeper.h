/* SPDX-License-Identifier: Apache-2.0 */
#ifndef NODE_KEEPER_H
#define NODE_KEEPER_H

#include "protocol/err.h"
#include "protocol/signer.h"

/*
 * The keeper: the process that holds the signing key and does nothing else but sign. No network, no
 * XML, no files after its start. It serves SOCK_SEQPACKET channels that its parent made before the
 * fork: one per client thread, so that clients need no lock (keeper_wire.h).
 */

/* The keeper process itself: reads the key (PEM, P-256 or RSA of 2048 bits and more, mode 0600),
 * forbids dumps, locks memory, lets a system call filter take away everything but signing, and
 * serves the channels until all are closed. A client that does not read its answers loses its
 * channel; the others never wait for it. Writes why it cannot to stderr. Returns the exit status
 * of the process. */
int keeper_main(const char *key_path, const int *channels, size_t n);
/* The filter alone, as keeper_main puts it in place after its start: for good, and deadly (SIGSYS).
 * What is left is the channels, memory that is not executable, randomness, clocks and the end.
 * None under ASan and TSan, whose own threads and maps need more. 0, or 1 with the reason on stderr.
 */
int keeper_filter(void);

/* A client on one channel (the fd is taken over). One thread. */
struct keeper_client;
int keeper_client_new(struct keeper_client **c_r, int channel, struct rv_err *e);
void keeper_client_free(struct keeper_client **c);
/* A signer over it; ctx is the client. alg comes from the keeper, cert_digest and code are set by
 * the caller afterwards. */
int keeper_client_signer(struct keeper_client *c, struct rv_signer *signer_r, struct rv_err *e);
/* Signs a test value and returns 0 if the keeper answers. */
int keeper_client_ping(struct keeper_client *c, struct rv_err *e);

#endif
