/* SPDX-License-Identifier: Apache-2.0 */
#include "node/cli/cli.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "protocol/id.h"

int cli_read(struct cli *c, const char *path, size_t max, struct rv_buf *out, struct rv_err *e)
{
	int rc = 0, std = !strcmp(path, "-");
	FILE *f = std ? cli_in(c) : fopen(path, "re");
	struct stat st;
	if (!f)
		return rv_fail_errno(e, errno, "%s cannot be opened", path);
	if (!std && !fstat(fileno(f), &st) && S_ISDIR(st.st_mode)) {
		rc = rv_fail(e, RV_EINVAL, "%s is a folder", path);
		goto out;
	}
	char chunk[16384];
	size_t n, total = 0;
	while ((n = fread(chunk, 1, sizeof chunk, f)) > 0) {
		total += n;
		if (total > max) {
			rc = rv_fail(e, RV_ELIMIT, "%s has more than %zu bytes", std ? "the input" : path, max);
			goto out;
		}
		if (rv_buf_put(out, chunk, n)) {
			rc = rv_fail_nomem(e);
			goto out;
		}
	}
	if (ferror(f))
		rc = rv_fail_errno(e, errno, "%s cannot be read", std ? "the input" : path);
out:
	if (!std)
		fclose(f);
	return rc;
}

static int write_all(int fd, const void *data, size_t len)
{
	const char *p = data;
	while (len) {
		ssize_t n = write(fd, p, len);
		if (n < 0 && errno != EINTR)
			return -1;
		if (n > 0) {
			p += n;
			len -= (size_t)n;
		}
	}
	return 0;
}

/* The new name is durable only when its folder is. */
static int sync_folder(const char *path)
{
	char *copy = strdup(path);
	if (!copy)
		return -1;
	char *slash = strrchr(copy, '/');
	if (slash)
		slash[slash == copy] = 0;
	int fd = open(slash ? copy : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int r = fd < 0 ? -1 : fsync(fd);
	if (fd >= 0)
		close(fd);
	free(copy);
	return r;
}

int cli_write(struct cli *c, const char *path, unsigned mode, const void *data, size_t len, struct rv_err *e)
{
	if (!path || !strcmp(path, "-")) {
		if (fwrite(data, 1, len, cli_out(c)) != len || fflush(cli_out(c)))
			return rv_fail_errno(e, errno, "the output cannot be written");
		return 0;
	}
	int rc = 0, fd = -1;
	struct rv_buf name = {0};
	rv_buf_printf(&name, "%s.XXXXXX", path);
	char *temporary = rv_buf_cstr(&name) ? (char *)name.data : NULL;
	if (!temporary) {
		rc = rv_fail_nomem(e);
		goto out;
	}
	fd = mkostemp(temporary, O_CLOEXEC);
	if (fd < 0) {
		rc = rv_fail_errno(e, errno, "%s cannot be written", path);
		goto out;
	}
	if (write_all(fd, data, len) || fchmod(fd, (mode_t)mode) || fsync(fd) || rename(temporary, path) || sync_folder(path)) {
		rc = rv_fail_errno(e, errno, "%s cannot be written", path);
		unlink(temporary);
	}
out:
	if (fd >= 0)
		close(fd);
	rv_buf_free(&name);
	return rc;
}
