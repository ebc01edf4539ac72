/* SPDX-License-Identifier: Apache-2.0 */
#ifndef NODE_BLOB_H
#define NODE_BLOB_H

#include "protocol/err.h"
#include "protocol/id.h"

/*
 * Attachments, content-addressed: dir/blobs/ab/abcdef... , written to dir/blobs/part and moved into
 * place when whole, checked and synced. Constant memory whatever the size. Files have mode 0600.
 */

/* Writing from a local user: the digest is known at the end. One thread a writer. */
struct blob_writer;
int blob_writer_new(struct blob_writer **w_r, const char *dir, uint64_t max_size, struct rv_err *e);
int blob_write(struct blob_writer *w, const void *data, size_t len, struct rv_err *e);
/* Syncs and moves into place (and syncs the folder). */
int blob_finish(
	struct blob_writer *w, uint8_t digest_r[RV_DIGEST_LEN], uint64_t *size_r, struct rv_err *e);
void blob_writer_free(struct blob_writer **w); /* unfinished: what was written goes away */

/* Writing from a peer: the digest is known, chunks come in order, and it resumes after a crash. */
struct blob_fetch;
/* Opens or resumes: *have_r bytes are here, verified as far as they were synced. RV_EDUP: the blob
 * is whole already. */
int blob_fetch_open(struct blob_fetch **f_r, const char *dir, const uint8_t digest[RV_DIGEST_LEN],
	uint64_t size, uint64_t *have_r, struct rv_err *e);
/* offset must be what is here so far, else RV_EINVAL. Syncs every few MiB. */
int blob_fetch_write(
	struct blob_fetch *f, uint64_t offset, const void *data, size_t len, struct rv_err *e);
/* All bytes are here: checks the digest (RV_EDIGEST: the partial file is dropped), syncs, moves
 * into place. */
int blob_fetch_finish(struct blob_fetch *f, struct rv_err *e);
void blob_fetch_free(struct blob_fetch **f); /* unfinished: the partial file stays for resumption */

/* Reading. */
int blob_open(const char *dir, const uint8_t digest[RV_DIGEST_LEN], uint64_t *size_r,
	struct rv_err *e);                                           /* fd, or negative */
int blob_here(const char *dir, const uint8_t digest[RV_DIGEST_LEN]); /* 1, 0 */

#endif
