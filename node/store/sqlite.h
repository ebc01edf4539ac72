/* SPDX-License-Identifier: Apache-2.0 */
#ifndef NODE_STORE_SQLITE_H
#define NODE_STORE_SQLITE_H

#include <sqlite3.h>

#include "node/store/store.h"

/* What the files of the SQLite engine share: a connection with its prepared statements, and short
 * forms for them. */

enum { DB_STATEMENTS_MAX = 64 };

struct db {
	sqlite3 *h;
	struct {
		const char *sql;
		sqlite3_stmt *stmt;
	} statements[DB_STATEMENTS_MAX];
	size_t n_statements;
};

struct store {
	struct db db;
	char *dir;
	int lock_fd;
	int in_group;
};

struct store_reader {
	struct db db;
	char *dir;
};

int db_open(struct db *db, const char *path, int readonly, struct rv_err *e);
void db_close(struct db *db);
/* The error of the connection as ours: RV_EAGAIN for full or locked, RV_EIO, RV_ENOMEM... */
int db_fail(struct db *db, const char *what, struct rv_err *e);
int db_exec(struct db *db, const char *sql, struct rv_err *e);
/*
 * A prepared statement, kept by the address of its text (a literal of the caller), with values
 * bound: i int64_t, t const char *, b (const void *, size_t). NULL with e filled on failure. Reset
 * it with db_done.
 */
sqlite3_stmt *db_prepare(struct db *db, const char *sql, struct rv_err *e, const char *types, ...);
/* 1 a row, 0 the end, negative an error. */
int db_step(struct db *db, sqlite3_stmt *stmt, struct rv_err *e);
void db_done(sqlite3_stmt *stmt);
/* Prepares, runs to the end, resets. */
int db_run(struct db *db, const char *sql, struct rv_err *e, const char *types, ...);
/* One number of one row; 0 and *there_r 0 if there is no row. */
int db_number(struct db *db, int64_t *out, int *there_r, const char *sql, struct rv_err *e,
	const char *types, ...);
/* Copies a text column into a field of that size. */
void db_text(sqlite3_stmt *stmt, int column, char *out, size_t size);
void db_blob(sqlite3_stmt *stmt, int column, void *out,
	size_t size); /* zeros unless it has exactly that size */
int db_copy(sqlite3_stmt *stmt, int column, uint8_t **out, size_t *len_r); /* malloc()ed */
/* Begins and ends a verb of the writer: undone by itself if rc is not 0. */
int db_verb(struct store *s, struct rv_err *e);
int db_verb_end(struct store *s, int rc, struct rv_err *e);
/* Lets a list grow by one; the new element is zeroed. */
int db_list_grow(void **list, size_t n, size_t size, struct rv_err *e);

struct migration {
	int version;
	const char *sql;
};
extern const struct migration sqlite_migrations[];
extern const size_t sqlite_n_migrations;

/* Parts of accept that others need. */
int sqlite_message_seq(struct store *s, const uint8_t id[RV_UUID_LEN], int64_t *seq_r,
	uint8_t digest_r[RV_DIGEST_LEN], struct rv_err *e);
int sqlite_show_in_inbox(struct store *s, int64_t seq, struct rv_err *e);

#endif
