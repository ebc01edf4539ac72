/* SPDX-License-Identifier: Apache-2.0 */
#ifndef NODE_FILE_H
#define NODE_FILE_H

#include "protocol/buf.h"
#include "protocol/err.h"

/* Whole files, for configuration, certificates and lists. Pure of state; any thread. */

/* Appends a regular file of at most max bytes to out. RV_ENOTFOUND if there is none, RV_ELIMIT if
 * it is larger, RV_ESYS. */
int file_read(const char *path, size_t max, struct rv_buf *out, struct rv_err *e);

/*
 * Writes a whole file so that a reader, or a crash, sees the old or the new one: beside it first,
 * synced, moved into place, folder synced. mode is exact, whatever the umask.
 */
int file_write(const char *path, unsigned mode, const void *data, size_t len, struct rv_err *e);
/* The same for a file that must not be there: RV_EEXIST if it is, and then nothing is touched. */
int file_create(const char *path, unsigned mode, const void *data, size_t len, struct rv_err *e);
/* Makes a folder durably. RV_EEXIST if something of that name is there. */
int file_mkdir(const char *path, unsigned mode, struct rv_err *e);
/* dir/name, for the caller to free(); NULL if memory is short. */
char *file_join(const char *dir, const char *name);

#endif
