/* SPDX-License-Identifier: Apache-2.0 */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "node/config/conf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A configuration file, from memory. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char path[64];
	struct conf *c = NULL;
	struct rv_err e = {0};
	int fd = memfd_create("conf", MFD_CLOEXEC);
	if (fd < 0 || write(fd, data, size) != (ssize_t)size) {
		abort();
	}
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	int rc = conf_read(&c, path, &e);
	if ((rc == 0) != (c != NULL) || (rc != 0 && e.text[0] == '\0')) {
		abort();
	}
	conf_free(&c);
	close(fd);
	return 0;
}
