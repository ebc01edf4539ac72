/* SPDX-License-Identifier: Apache-2.0 */
#include "node/file.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int read_all(int fd, size_t max, struct rv_buf *out, const char *path, struct rv_err *e)
{
	for (;;) {
		if (rv_buf_reserve(out, 65536) != 0) {
			return rv_fail_nomem(e);
		}
		ssize_t n = read(fd, out->data + out->len, 65536);
		if (n < 0 && errno == EINTR) {
			continue;
		}
		if (n < 0) {
			return rv_fail_errno(e, errno, "cannot read %s", path);
		}
		if (n == 0) {
			return 0;
		}
		if ((size_t)n > max) {
			return rv_fail(e, RV_ELIMIT, "%s is too large", path);
		}
		max -= (size_t)n;
		out->len += (size_t)n;
	}
}

int file_read(const char *path, size_t max, struct rv_buf *out, struct rv_err *e)
{
	size_t start = out->len;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0) {
		int code = errno == ENOENT ? RV_ENOTFOUND : RV_ESYS;
		rv_fail_errno(e, errno, "cannot open %s", path);
		if (e != NULL) {
			e->code = code;
		}
		return code;
	}
	struct stat st;
	int rc = fstat(fd, &st) != 0    ? rv_fail_errno(e, errno, "cannot look at %s", path)
		 : !S_ISREG(st.st_mode) ? rv_fail(e, RV_EINVAL, "%s is not a regular file", path)
					: read_all(fd, max, out, path, e);
	close(fd);
	if (rc != 0) {
		out->len = start;
	}
	return rc;
}

static int write_all(int fd, const uint8_t *p, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, p, len);
		if (n < 0 && errno != EINTR) {
			return -1;
		}
		if (n > 0) {
			p += n;
			len -= (size_t)n;
		}
	}
	return 0;
}

static int sync_folder(const char *path)
{
	char copy[PATH_MAX];
	snprintf(copy, sizeof(copy), "%s", path);
	int fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0) {
		return -1;
	}
	int rc = fsync(fd);
	close(fd);
	return rc;
}

/* The new content in a file beside path, whose name is left in temp. */
static int write_beside(char temp[PATH_MAX], const char *path, unsigned mode, const void *data,
	size_t len, struct rv_err *e)
{
	int n = snprintf(temp, PATH_MAX, "%s.XXXXXX", path);
	if (n < 0 || n >= PATH_MAX) {
		return rv_fail(e, RV_ELIMIT, "the path %.60s... is too long", path);
	}
	int fd = mkostemp(temp, O_CLOEXEC);
	if (fd < 0) {
		return rv_fail_errno(e, errno, "cannot write beside %s", path);
	}
	int failed = fchmod(fd, mode) != 0 || write_all(fd, data, len) != 0 || fsync(fd) != 0;
	int errnum = errno;
	close(fd);
	if (failed) {
		unlink(temp);
		return rv_fail_errno(e, errnum, "cannot write %s", path);
	}
	return 0;
}

static int settle(const char *path, struct rv_err *e)
{
	return sync_folder(path) == 0
		       ? 0
		       : rv_fail_errno(e, errno, "cannot sync the folder of %s", path);
}

int file_write(const char *path, unsigned mode, const void *data, size_t len, struct rv_err *e)
{
	char temp[PATH_MAX];
	int rc = write_beside(temp, path, mode, data, len, e);
	if (rc != 0) {
		return rc;
	}
	if (rename(temp, path) != 0) {
		rc = rv_fail_errno(e, errno, "cannot write %s", path);
		unlink(temp);
		return rc;
	}
	return settle(path, e);
}

int file_create(const char *path, unsigned mode, const void *data, size_t len, struct rv_err *e)
{
	char temp[PATH_MAX];
	int rc = write_beside(temp, path, mode, data, len, e);
	if (rc != 0) {
		return rc;
	}
	/* a link fails where rename would replace */
	if (link(temp, path) != 0) {
		rc = errno == EEXIST ? rv_fail(e, RV_EEXIST, "%s is there already", path)
				     : rv_fail_errno(e, errno, "cannot write %s", path);
	}
	unlink(temp);
	return rc != 0 ? rc : settle(path, e);
}

int file_mkdir(const char *path, unsigned mode, struct rv_err *e)
{
	if (mkdir(path, mode) != 0) {
		return errno == EEXIST ? rv_fail(e, RV_EEXIST, "%s is there already", path)
				       : rv_fail_errno(e, errno, "cannot make the folder %s", path);
	}
	return settle(path, e);
}

char *file_join(const char *dir, const char *name)
{
	char *path = NULL;
	return asprintf(&path, "%s/%s", dir, name) < 0 ? NULL : path;
}
