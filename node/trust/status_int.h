/* SPDX-License-Identifier: Apache-2.0 */
#ifndef NODE_TRUST_STATUS_INT_H
#define NODE_TRUST_STATUS_INT_H

#include <pthread.h>
#include <stdatomic.h>

#include "node/trust/status.h"

enum { STATUS_LINKS = RV_CHAIN_DEPTH - 1, STATUS_KINDS = RV_STATUS_OCSP + 1 };

/* Bytes as they came. Immutable, shared by views. */
struct status_blob {
	atomic_uint refs;
	enum rv_status_source kind;
	uint8_t key[RV_DIGEST_LEN];
	uint8_t digest[RV_DIGEST_LEN];
	int64_t taken_us;
	size_t len;
	uint8_t data[];
};

/* The path of one certificate by one list. Immutable, shared by the views of that list. */
struct status_way {
	atomic_uint refs;
	struct rv_path *path; /* NULL: listed or failed */
	int listed;           /* no issuer in the list */
	int rc;
	struct rv_err why;
};

/* What is known of one certificate of a path: by kind of source. kind RV_STATUS_UNKNOWN: nothing. */
struct status_link {
	struct rv_cert_status by[STATUS_KINDS];
};

struct status_entry {
	uint8_t cert[RV_DIGEST_LEN];
	const struct rv_member *member; /* of the view's list */
	struct status_way *way;
	struct status_link links[STATUS_LINKS];
	/* what the judge reads */
	struct rv_checking checking;
	int64_t from_us, to_us;
	int64_t listed_revoked_us; /* by the list */
	int64_t revoked_us;        /* by CRL or OCSP; 0: not */
	char listed_reason[24], reason[24];
	enum rv_status_source revoked_by;
	int unknown;            /* a certificate of the path has no good status */
	int64_t fresh_until_us; /* the good ones hold until then */
	enum rv_status_source source;
	int64_t as_of_us;
};

struct status_view {
	atomic_uint refs;
	uint64_t serial;
	struct rv_trust *trust;
	struct status_entry *entries;
	size_t n_entries;
	uint32_t *slots; /* index + 1 by digest; a power of two */
	size_t n_slots;
	struct status_blob **blobs; /* references */
	size_t n_blobs;
};

struct status {
	struct rv_clock clock;
	char *dir;
	void (*changed)(void *ctx);
	void *ctx;
	pthread_mutex_t update; /* who works out a view, and the blobs */
	struct status_blob **blobs;
	size_t n_blobs;
	atomic_uint_fast64_t serial;
	pthread_mutex_t lock; /* of the pointer alone */
	struct status_view *current;
};

/* ---- status_build.c ---- */

/* Bytes on trial: what the certificates of the list said to them. */
struct status_trial {
	struct status_blob *blob;
	unsigned good;
	int rc; /* the worst refusal */
	struct rv_err why;
};

/* Works out the view of a list with these blobs. before (NULL allowed) spares what was worked out
 * already, and what it knows is not unlearned. trial may be NULL. */
int status_build(struct status_view **v_r, struct rv_trust *t, const struct status_view *before,
	struct status_blob *const *blobs, size_t n_blobs, struct status_trial *trial,
	int64_t now_us, struct rv_err *e);
void status_view_free(struct status_view *v);
const struct status_entry *status_find(
	const struct status_view *v, const uint8_t cert[RV_DIGEST_LEN]);
/* The issuer in the view's list that certifies certificate i of the path. */
const struct rv_issuer *status_issuer(
	const struct status_view *v, const struct rv_path *path, size_t i);

/* ---- status_cache.c ---- */
struct status_blob *status_blob_new(enum rv_status_source kind,
	const uint8_t key[RV_DIGEST_LEN], struct rv_span bytes, int64_t taken_us);
struct status_blob *status_blob_ref(struct status_blob *b);
void status_blob_unref(struct status_blob *b);
int status_cache_read(struct status *s, struct rv_err *e);
int status_cache_write(const struct status *s, const struct status_blob *b, struct rv_err *e);
/* Puts it in the place of the one of that kind and key. Takes over the reference. */
int status_cache_put(struct status *s, struct status_blob *b, struct rv_err *e);
/* Removes what concerns no certificate or issuer of the list. */
void status_cache_sweep(struct status *s, const struct rv_trust *t);

#endif
