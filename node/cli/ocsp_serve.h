/* SPDX-License-Identifier: Apache-2.0 */
#ifndef NODE_CLI_OCSP_SERVE_H
#define NODE_CLI_OCSP_SERVE_H

#include "node/trust/ocsp.h"
#include "protocol/signer.h"

/*
 * Serves an OCSP responder over HTTP (RFC 6960, A.1): POST, and GET with the request in base64 at
 * the end of the path. In one thread, until SIGTERM or SIGINT.
 */
struct ocsp_serve {
	struct ocsp *ocsp;
	int listen_fd; /* taken over */
	struct rv_clock clock;
	void (*trouble)(
		void *ctx, const struct rv_err *e); /* for whoever runs it; once in a while */
	void *ctx;
};
int ocsp_serve(const struct ocsp_serve *s, struct rv_err *e);

/* Binds "127.0.0.1:8080" or "[::1]:0"; bound receives the same with the port that it got. */
int ocsp_listen(const char *address, int *fd_r, char bound[64], struct rv_err *e);

#endif
