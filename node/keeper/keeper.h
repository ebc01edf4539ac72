/* SPDX-License-Identifier: Apache-2.0 */
#ifndef NODE_KEEPER_H
#define NODE_KEEPER_H

#include "protocol/cert.h"
#include "protocol/err.h"
#include "protocol/signer.h"

/*
 * The keeper: the process that holds the signing key and does nothing else but sign. No network, no
 * XML, no files after its start. It serves SOCK_SEQPACKET channels that its parent made before the
 * fork: one per client thread, so that clients need no lock (keeper_wire.h).
 *
 * The key is a file, or in a PKCS#11 token (node/token/token.h). Then the module's code runs in this
 * process, and what it needs is let through the filter: see keeper_reach.
 */

/* What the filter leaves besides the channels, memory that is not executable, randomness, clocks and
 * the end. */
enum keeper_reach {
	KEEPER_REACH_NOTHING, /* for a key that is a file; what is not listed kills */
	/* For a module: what is not listed fails with ENOSYS, since modules try this and that. */
	KEEPER_REACH_FILES,  /* files, read and written; none is removed, moved or given away */
	KEEPER_REACH_NETWORK /* also sockets and threads */
};

struct keeper_key {
	const char *key; /* a PEM file, or a PKCS#11 URI */
	const char *module, *pin_file; /* as in struct token_place; "" for a file */
	enum keeper_reach reach;       /* of a module */
};

/* The keeper process itself: reads the key (PEM, P-256 or RSA of 2048 bits and more, mode 0600) or
 * opens the token, forbids dumps, locks memory, lets a system call filter take away everything but
 * signing, and serves the channels until all are closed. A client that does not read its answers
 * loses its channel; the others never wait for it. Writes why it cannot to stderr. Returns the exit
 * status of the process.
 *
 * A token that is away, or refuses the PIN, is no reason to end: requests are answered with that,
 * and it is tried again. */
int keeper_main(const struct keeper_key *key, const int *channels, size_t n);
/* The filter alone, as keeper_main puts it in place after its start, for all threads and for good.
 * None under ASan and TSan, whose own threads and maps need more. 0, or 1 with the reason on stderr.
 */
int keeper_filter(enum keeper_reach reach);

/*
 * A client on one channel (the fd is taken over). One thread.
 *
 * Signing fails with RV_EAGAIN when the key's hardware is away (the rule is that of token.h: mostly
 * TOKEN-AWAY), or when the keeper does not answer in time (KEEPER-SLOW): try again later, nothing is
 * broken. While an answer is owed, further requests fail at once. RV_ECLOSED KEEPER-GONE: the
 * process has ended.
 */
struct keeper_client;
int keeper_client_new(struct keeper_client **c_r, int channel, struct rv_err *e);
void keeper_client_free(struct keeper_client **c);
/* How long an answer may take; 10 seconds unless set. */
void keeper_client_patience(struct keeper_client *c, int ms);
/* A signer over it; ctx is the client. alg comes from the keeper, cert_digest and code are set by
 * the caller afterwards. RV_EAGAIN while the keeper has not seen the key yet. */
int keeper_client_signer(struct keeper_client *c, struct rv_signer *signer_r, struct rv_err *e);
/* The same for the key of a certificate (borrowed; it outlives the client). All but the code is set,
 * also while the keeper has not seen the key yet: 0. The first signature is verified: RV_ECERT
 * CERT-KEY, and nothing is signed, when the key is not the one of the certificate. */
int keeper_client_signer_for(struct keeper_client *c, const struct rv_cert *cert,
	struct rv_signer *signer_r, struct rv_err *e);
/* Signs a test value and returns 0 if the keeper answers. */
int keeper_client_ping(struct keeper_client *c, struct rv_err *e);

#endif
