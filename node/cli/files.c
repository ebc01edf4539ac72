/* SPDX-License-Identifier: Apache-2.0 */
#include "node/cli/cli.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "node/file.h"

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
			rc = rv_fail(e, RV_ELIMIT, "%s has more than %zu bytes",
				std ? "the input" : path, max);
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

int cli_write(struct cli *c, const char *path, unsigned mode, const void *data, size_t len,
	struct rv_err *e)
{
	if (path && strcmp(path, "-"))
		return file_write(path, mode, data, len, e);
	if (fwrite(data, 1, len, cli_out(c)) != len || fflush(cli_out(c)))
		return rv_fail_errno(e, errno, "the output cannot be written");
	return 0;
}
