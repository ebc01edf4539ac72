/* SPDX-License-Identifier: Apache-2.0 */
#ifndef NODE_TRUST_ROOTS_H
#define NODE_TRUST_ROOTS_H

#include "protocol/trustlist.h"

/*
 * Whom a node lets sign its trust list: the authority's certificates, and of how many keys a list
 * needs signatures. As a file, authority.pem: certificates in PEM form; before the first one there
 * may be the line "Reeve-Quorum: 2" (RFC 7468, 2, allows text there), else one signature is enough.
 */
struct trust_roots {
	struct rv_cert **certs;
	size_t n;
	unsigned quorum;
};

/* At least one certificate, at most 16. The roots must be empty. */
int trust_roots_parse(struct trust_roots *roots, const char *pem, size_t len, struct rv_err *e);
int trust_roots_read(struct trust_roots *roots, const char *path, struct rv_err *e);
void trust_roots_clear(struct trust_roots *roots);

/* rv_trust_read by these roots. */
int trust_roots_list(const struct trust_roots *roots, struct rv_trust **list_r, const void *wire,
	size_t len, int64_t now_us, struct rv_err *e);

/*
 * Appends the text of authority.pem that a list asks for by its Signing: who may sign the next one.
 * Nothing is appended if the list does not say.
 */
int trust_roots_pem(const struct rv_trust *list, struct rv_buf *out, struct rv_err *e);

/* SHA-256 over the quorum (4 bytes, big-endian) and the digests of the certificates in ascending
 * order: what a token names, so that roots may come by any way. */
int trust_roots_digest(
	const struct trust_roots *roots, uint8_t digest[RV_DIGEST_LEN], struct rv_err *e);

#endif
