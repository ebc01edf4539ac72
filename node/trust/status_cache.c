/* SPDX-License-Identifier: Apache-2.0 */
#include "node/trust/status_int.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "node/file.h"

enum { BLOBS_MAX = 16384 };

struct status_blob *status_blob_new(enum rv_status_source kind,
	const uint8_t key[RV_DIGEST_LEN], struct rv_span bytes, int64_t taken_us)
{
	struct status_blob *b = calloc(1, sizeof(*b) + bytes.len);
	if (b == NULL) {
		return NULL;
	}
	atomic_init(&b->refs, 1);
	b->kind = kind;
	memcpy(b->key, key, RV_DIGEST_LEN);
	rv_sha256(b->digest, bytes.data, bytes.len);
	b->taken_us = taken_us;
	b->len = bytes.len;
	if (bytes.len > 0) {
		memcpy(b->data, bytes.data, bytes.len);
	}
	return b;
}

struct status_blob *status_blob_ref(struct status_blob *b)
{
	atomic_fetch_add(&b->refs, 1);
	return b;
}

void status_blob_unref(struct status_blob *b)
{
	if (b != NULL && atomic_fetch_sub(&b->refs, 1) == 1) {
		free(b);
	}
}

static char *path_of(const struct status *s, enum rv_status_source kind,
	const uint8_t key[RV_DIGEST_LEN])
{
	char name[RV_DIGEST_TEXT];
	char *path = NULL;
	rv_hex(name, key, RV_DIGEST_LEN);
	return asprintf(&path, "%s/%s.%s", s->dir, name, status_source_text(kind)) < 0 ? NULL
										       : path;
}

int status_cache_write(const struct status *s, const struct status_blob *b, struct rv_err *e)
{
	char *path = path_of(s, b->kind, b->key);
	int rc = path != NULL ? file_write(path, 0600, b->data, b->len, e) : rv_fail_nomem(e);
	free(path);
	return rc;
}

int status_cache_put(struct status *s, struct status_blob *b, struct rv_err *e)
{
	for (size_t i = 0; i < s->n_blobs; i++) {
		if (s->blobs[i]->kind == b->kind &&
			memcmp(s->blobs[i]->key, b->key, RV_DIGEST_LEN) == 0) {
			status_blob_unref(s->blobs[i]);
			s->blobs[i] = b;
			return 0;
		}
	}
	struct status_blob **more = realloc(s->blobs, (s->n_blobs + 1) * sizeof(*more));
	if (more == NULL) {
		return rv_fail_nomem(e);
	}
	s->blobs = more;
	s->blobs[s->n_blobs++] = b;
	return 0;
}

/* DIGEST.crl or DIGEST.ocsp; 0: another file. */
static int parse_name(const char *name, enum rv_status_source *kind_r, uint8_t key[RV_DIGEST_LEN])
{
	char digest[RV_DIGEST_TEXT];
	const char *dot = strchr(name, '.');
	if (dot == NULL || (size_t)(dot - name) != RV_DIGEST_TEXT - 1) {
		return 0;
	}
	memcpy(digest, name, RV_DIGEST_TEXT - 1);
	digest[RV_DIGEST_TEXT - 1] = '\0';
	*kind_r = strcmp(dot + 1, status_source_text(RV_STATUS_CRL)) == 0 ? RV_STATUS_CRL
									  : RV_STATUS_OCSP;
	return strcmp(dot + 1, status_source_text(*kind_r)) == 0 &&
	       rv_unhex(key, RV_DIGEST_LEN, digest) == 0;
}

/* A file that cannot be used is as one that is not there: it is fetched again. */
static int read_one(struct status *s, const char *name, struct rv_err *e)
{
	enum rv_status_source kind;
	uint8_t key[RV_DIGEST_LEN];
	struct rv_buf bytes = {0};
	struct stat st;
	struct status_blob *b = NULL;
	if (!parse_name(name, &kind, key)) {
		return 0;
	}
	char *path = path_of(s, kind, key);
	int rc = path != NULL ? 0 : rv_fail_nomem(e);
	if (rc == 0 && stat(path, &st) == 0 &&
		file_read(path, kind == RV_STATUS_CRL ? RV_CRL_MAX : RV_OCSP_MAX, &bytes, NULL) ==
			0) {
		int64_t now_us = s->clock.now_us(s->clock.ctx);
		int64_t taken_us = (int64_t)st.st_mtim.tv_sec * RV_US_PER_SEC;
		b = status_blob_new(kind, key, (struct rv_span){bytes.data, bytes.len},
			taken_us < now_us ? taken_us : now_us);
		rc = b != NULL ? status_cache_put(s, b, e) : rv_fail_nomem(e);
		if (rc != 0) {
			status_blob_unref(b);
		}
	}
	rv_buf_free(&bytes);
	free(path);
	return rc;
}

int status_cache_read(struct status *s, struct rv_err *e)
{
	int rc = file_mkdir(s->dir, 0700, e);
	if (rc != 0 && rc != RV_EEXIST) {
		return rc;
	}
	DIR *d = opendir(s->dir);
	if (d == NULL) {
		return rv_fail(e, RV_ESYS, "the folder %s cannot be read", s->dir);
	}
	rc = 0;
	for (struct dirent *entry;
		rc == 0 && s->n_blobs < BLOBS_MAX && (entry = readdir(d)) != NULL;) {
		rc = read_one(s, entry->d_name, e);
	}
	closedir(d);
	return rc;
}

/* ---- what nobody needs any more ---- */

static int concerns(const struct rv_trust *t, const struct status_blob *b)
{
	const struct rv_issuer *issuers;
	const struct rv_member *members;
	size_t n = rv_trust_issuers(t, &issuers);
	for (size_t i = 0; i < n; i++) {
		if (memcmp(rv_cert_digest(issuers[i].cert), b->key, RV_DIGEST_LEN) == 0) {
			return 1;
		}
	}
	n = rv_trust_members(t, &members);
	for (size_t i = 0; b->kind == RV_STATUS_OCSP && i < n; i++) {
		for (size_t k = 0; k < members[i].n_certs; k++) {
			if (memcmp(rv_cert_digest(members[i].certs[k].cert), b->key,
				    RV_DIGEST_LEN) == 0) {
				return 1;
			}
		}
	}
	return 0;
}

void status_cache_sweep(struct status *s, const struct rv_trust *t)
{
	size_t kept = 0;
	for (size_t i = 0; i < s->n_blobs; i++) {
		struct status_blob *b = s->blobs[i];
		if (concerns(t, b)) {
			s->blobs[kept++] = b;
			continue;
		}
		char *path = path_of(s, b->kind, b->key);
		if (path != NULL) {
			unlink(path);
		}
		free(path);
		status_blob_unref(b);
	}
	s->n_blobs = kept;
}
