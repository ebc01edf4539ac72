/* SPDX-License-Identifier: Apache-2.0 */
#include "node/store/blob.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <openssl/evp.h>

enum { SYNC_EVERY = 16 << 20, COPY_BYTES = 1 << 18 };

/* A file on its way to its place, and the hash of what it has so far. */
struct blob_file {
	int fd;
	EVP_MD_CTX *hash;
	uint64_t have;
	uint64_t synced;
	char dir[PATH_MAX - 128];
	char path[PATH_MAX];
};

struct blob_writer {
	struct blob_file file;
	uint64_t max;
	int done;
};
struct blob_fetch {
	struct blob_file file;
	uint8_t digest[RV_DIGEST_LEN];
	uint64_t size;
};

static int disk_fail(struct rv_err *e, const char *what)
{
	if (errno == ENOSPC || errno == EDQUOT || errno == EFBIG) {
		rv_fail_rule(e, RV_EAGAIN, "STORE-FULL", "%s: the disk is full", what);
		rv_err_mend(e, "Free space on the disk of state_dir; the node goes on by itself.");
		return RV_EAGAIN;
	}
	rv_fail_errno(e, errno, "%s", what);
	return RV_EIO;
}

/* The place of a whole blob; made only of a folder and hexadecimal digits. */
static void place_of(const char *dir, const uint8_t digest[RV_DIGEST_LEN], char path[PATH_MAX],
	char folder[PATH_MAX])
{
	char hex[RV_DIGEST_TEXT];
	rv_hex(hex, digest, RV_DIGEST_LEN);
	snprintf(folder, PATH_MAX, "%.*s/blobs/%.2s", PATH_MAX - 96, dir, hex);
	snprintf(path, PATH_MAX, "%.*s/blobs/%.2s/%s", PATH_MAX - 96, dir, hex, hex);
}

static int sync_dir(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int rc = fd >= 0 ? fsync(fd) : -1;
	if (fd >= 0) {
		close(fd);
	}
	return rc;
}

int blob_open(
	const char *dir, const uint8_t digest[RV_DIGEST_LEN], uint64_t *size_r, struct rv_err *e)
{
	char path[PATH_MAX];
	char folder[PATH_MAX];
	struct stat st;
	place_of(dir, digest, path, folder);
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0) {
		return errno == ENOENT
			       ? rv_fail(e, RV_ENOTFOUND, "that attachment is not in this node")
			       : disk_fail(e, "cannot open an attachment");
	}
	if (fstat(fd, &st) != 0) {
		int rc = disk_fail(e, "cannot look at an attachment");
		close(fd);
		return rc;
	}
	*size_r = (uint64_t)st.st_size;
	return fd;
}

int blob_here(const char *dir, const uint8_t digest[RV_DIGEST_LEN])
{
	char path[PATH_MAX];
	char folder[PATH_MAX];
	struct stat st;
	place_of(dir, digest, path, folder);
	return stat(path, &st) == 0 && S_ISREG(st.st_mode);
}

/* ---- writing ---- */

static int file_start(struct blob_file *f, const char *dir, struct rv_err *e)
{
	f->fd = -1;
	if (strlen(dir) >= sizeof(f->dir)) {
		return rv_fail(e, RV_ELIMIT, "the path of state_dir is too long");
	}
	memcpy(f->dir, dir, strlen(dir) + 1);
	f->hash = EVP_MD_CTX_new();
	return f->hash != NULL && EVP_DigestInit_ex(f->hash, EVP_sha256(), NULL) == 1
		       ? 0
		       : rv_fail_nomem(e);
}

static void file_end(struct blob_file *f)
{
	if (f->fd >= 0) {
		close(f->fd);
	}
	EVP_MD_CTX_free(f->hash);
	f->fd = -1;
	f->hash = NULL;
}

static int file_put(struct blob_file *f, const void *data, size_t len, struct rv_err *e)
{
	const uint8_t *p = data;
	size_t left = len;
	while (left > 0) {
		ssize_t n = pwrite(f->fd, p, left, (off_t)(f->have + (len - left)));
		if (n < 0 && errno == EINTR) {
			continue;
		}
		if (n < 0) {
			return disk_fail(e, "cannot write an attachment");
		}
		p += n;
		left -= (size_t)n;
	}
	if (EVP_DigestUpdate(f->hash, data, len) != 1) {
		return rv_fail_nomem(e);
	}
	f->have += len;
	return 0;
}

/* Synced file, into its place, folders synced: then it is here. */
static int file_settle(struct blob_file *f, const uint8_t digest[RV_DIGEST_LEN], struct rv_err *e)
{
	char path[PATH_MAX];
	char folder[PATH_MAX];
	char blobs[PATH_MAX];
	place_of(f->dir, digest, path, folder);
	snprintf(blobs, sizeof(blobs), "%s/blobs", f->dir);
	if (fsync(f->fd) != 0) {
		return disk_fail(e, "cannot sync an attachment");
	}
	if (mkdir(folder, 0700) != 0 && errno != EEXIST) {
		return disk_fail(e, "cannot make the folder of an attachment");
	}
	if (rename(f->path, path) != 0 || sync_dir(folder) != 0 || sync_dir(blobs) != 0) {
		return disk_fail(e, "cannot move an attachment into its place");
	}
	return 0;
}

int blob_writer_new(struct blob_writer **w_r, const char *dir, uint64_t max_size, struct rv_err *e)
{
	struct blob_writer *w = calloc(1, sizeof(*w));
	if (w == NULL) {
		return rv_fail_nomem(e);
	}
	w->max = max_size;
	int rc = file_start(&w->file, dir, e);
	if (rc == 0) {
		snprintf(w->file.path, sizeof(w->file.path), "%s/blobs/part/upload.XXXXXX",
			w->file.dir);
		w->file.fd = mkostemp(w->file.path, O_CLOEXEC);
		if (w->file.fd < 0) {
			w->file.path[0] = '\0';
			rc = disk_fail(e, "cannot begin an attachment");
		}
	}
	if (rc != 0) {
		blob_writer_free(&w);
		return rc;
	}
	*w_r = w;
	return 0;
}

int blob_write(struct blob_writer *w, const void *data, size_t len, struct rv_err *e)
{
	if (len > w->max - w->file.have) {
		rv_fail_rule(e, RV_ELIMIT, "LIMIT-ATTACHMENT",
			"the attachment is larger than the %llu bytes allowed",
			(unsigned long long)w->max);
		rv_err_mend(e, "Send it in parts, or raise attachment_max in reeve.conf.");
		return RV_ELIMIT;
	}
	return file_put(&w->file, data, len, e);
}

int blob_finish(
	struct blob_writer *w, uint8_t digest_r[RV_DIGEST_LEN], uint64_t *size_r, struct rv_err *e)
{
	uint8_t digest[RV_DIGEST_LEN];
	if (EVP_DigestFinal_ex(w->file.hash, digest, NULL) != 1) {
		return rv_fail_nomem(e);
	}
	if (!blob_here(w->file.dir, digest)) {
		int rc = file_settle(&w->file, digest, e);
		if (rc != 0) {
			return rc;
		}
		w->done = 1;
	}
	memcpy(digest_r, digest, RV_DIGEST_LEN);
	*size_r = w->file.have;
	return 0;
}

void blob_writer_free(struct blob_writer **w)
{
	if (w == NULL || *w == NULL) {
		return;
	}
	if (!(*w)->done && (*w)->file.path[0] != '\0') {
		unlink((*w)->file.path);
	}
	file_end(&(*w)->file);
	free(*w);
	*w = NULL;
}

/* ---- fetching ---- */

/* How much is known to be on disk stands beside the partial file; what was written after that may
 * be anything after a crash. */
static void mark_path(const struct blob_file *f, char path[PATH_MAX])
{
	snprintf(path, PATH_MAX, "%.*s.have", PATH_MAX - 8, f->path);
}

static uint64_t read_mark(const struct blob_file *f)
{
	char path[PATH_MAX];
	char text[24] = "";
	mark_path(f, path);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd >= 0 ? read(fd, text, sizeof(text) - 1) : 0;
	if (fd >= 0) {
		close(fd);
	}
	return n > 0 ? strtoull(text, NULL, 10) : 0;
}

static int write_mark(struct blob_file *f, struct rv_err *e)
{
	char path[PATH_MAX];
	char temp[PATH_MAX];
	char text[24];
	if (fdatasync(f->fd) != 0) {
		return disk_fail(e, "cannot sync an attachment");
	}
	mark_path(f, path);
	snprintf(temp, sizeof(temp), "%.*s~", PATH_MAX - 2, path);
	int len = snprintf(text, sizeof(text), "%llu", (unsigned long long)f->have);
	int fd = open(temp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	int ok = fd >= 0 && write(fd, text, (size_t)len) == len && fsync(fd) == 0;
	if (fd >= 0) {
		close(fd);
	}
	if (!ok || rename(temp, path) != 0) {
		return disk_fail(e, "cannot note the progress of an attachment");
	}
	f->synced = f->have;
	return 0;
}

static void drop_partial(struct blob_file *f)
{
	char path[PATH_MAX];
	mark_path(f, path);
	unlink(path);
	unlink(f->path);
}

/* Takes what was synced into the hash anew, block by block. */
static int rehash(struct blob_file *f, uint64_t upto, struct rv_err *e)
{
	uint8_t *block = malloc(COPY_BYTES);
	int rc = block != NULL ? 0 : rv_fail_nomem(e);
	while (rc == 0 && f->have < upto) {
		size_t want = upto - f->have < COPY_BYTES ? (size_t)(upto - f->have) : COPY_BYTES;
		ssize_t n = pread(f->fd, block, want, (off_t)f->have);
		if (n < 0 && errno == EINTR) {
			continue;
		}
		if (n <= 0) {
			break; /* shorter than noted: go on from where it ends */
		}
		if (EVP_DigestUpdate(f->hash, block, (size_t)n) != 1) {
			rc = rv_fail_nomem(e);
		}
		f->have += (uint64_t)n;
	}
	f->synced = f->have;
	free(block);
	return rc;
}

int blob_fetch_open(struct blob_fetch **f_r, const char *dir, const uint8_t digest[RV_DIGEST_LEN],
	uint64_t size, uint64_t *have_r, struct rv_err *e)
{
	char hex[RV_DIGEST_TEXT];
	if (blob_here(dir, digest)) {
		return RV_EDUP;
	}
	struct blob_fetch *f = calloc(1, sizeof(*f));
	if (f == NULL) {
		return rv_fail_nomem(e);
	}
	memcpy(f->digest, digest, RV_DIGEST_LEN);
	f->size = size;
	int rc = file_start(&f->file, dir, e);
	if (rc == 0) {
		rv_hex(hex, digest, RV_DIGEST_LEN);
		snprintf(f->file.path, sizeof(f->file.path), "%s/blobs/part/%s", f->file.dir, hex);
		f->file.fd = open(f->file.path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
		rc = f->file.fd >= 0
			     ? rehash(&f->file,
				       read_mark(&f->file) <= size ? read_mark(&f->file) : 0, e)
			     : disk_fail(e, "cannot begin an attachment");
	}
	if (rc != 0) {
		blob_fetch_free(&f);
		return rc;
	}
	*have_r = f->file.have;
	*f_r = f;
	return 0;
}

int blob_fetch_write(
	struct blob_fetch *f, uint64_t offset, const void *data, size_t len, struct rv_err *e)
{
	if (offset != f->file.have || len > f->size - offset) {
		return rv_fail(e, RV_EINVAL, "a chunk of an attachment is out of its place");
	}
	int rc = file_put(&f->file, data, len, e);
	if (rc == 0 && f->file.have - f->file.synced >= SYNC_EVERY) {
		rc = write_mark(&f->file, e);
	}
	return rc;
}

int blob_fetch_finish(struct blob_fetch *f, struct rv_err *e)
{
	uint8_t digest[RV_DIGEST_LEN];
	char mark[PATH_MAX];
	if (f->file.have != f->size) {
		return rv_fail(e, RV_EINVAL, "the attachment is not whole yet");
	}
	if (EVP_DigestFinal_ex(f->file.hash, digest, NULL) != 1) {
		return rv_fail_nomem(e);
	}
	if (memcmp(digest, f->digest, RV_DIGEST_LEN) != 0) {
		drop_partial(&f->file);
		return rv_fail_rule(e, RV_EDIGEST, "ATTACH-DIGEST",
			"the bytes that came have another digest than the message says");
	}
	if (ftruncate(f->file.fd, (off_t)f->size) != 0) {
		return disk_fail(e, "cannot cut an attachment to its size");
	}
	int rc = file_settle(&f->file, digest, e);
	if (rc == 0) {
		mark_path(&f->file, mark);
		unlink(mark);
	}
	return rc;
}

void blob_fetch_free(struct blob_fetch **f)
{
	if (f != NULL && *f != NULL) {
		if ((*f)->file.fd >= 0 && (*f)->file.have > (*f)->file.synced &&
			(*f)->file.have < (*f)->size) {
			write_mark(&(*f)->file,
				NULL); /* the rest can be fetched again if this fails */
		}
		file_end(&(*f)->file);
		free(*f);
		*f = NULL;
	}
}
