/* SPDX-License-Identifier: Apache-2.0 */
#ifndef NODE_TRUST_OCSP_H
#define NODE_TRUST_OCSP_H

#include "protocol/buf.h"
#include "protocol/err.h"

/*
 * The OCSP responder of an authority (RFC 6960, 5019, 8954): answers from the index of what was
 * issued, signed with the responder's own key. It reads own.pem, ocsp/ and issued/index in the
 * authority's folder and nothing else: the authority's key is not in the process that listens.
 * What is revoked in the folder is answered so from the next request on. One thread uses it.
 */
struct ocsp;

enum {
	OCSP_REQUEST_MAX = 4096, /* bytes */
	OCSP_CERTS_MAX = 16      /* certificates that one request may ask for */
};

struct ocsp_params {
	const char *dir;
	int64_t valid_us; /* from thisUpdate to nextUpdate */
};
/* RV_ENOTFOUND: there is no responder's key yet (authority_responder makes it). RV_ECERT: it does
 * not belong to the authority. */
int ocsp_open(struct ocsp **o_r, const struct ocsp_params *p, struct rv_err *e);
void ocsp_close(struct ocsp **o);

/*
 * Appends the DER of the response to a request; whatever the request is, there is one. What keeps
 * it from saying more than "try later" (an index that cannot be read, a responder's certificate
 * that has expired) is returned too, for whoever runs it.
 */
int ocsp_answer(struct ocsp *o, const void *request, size_t len, int64_t now_us, struct rv_buf *out,
	struct rv_err *e);

#endif
