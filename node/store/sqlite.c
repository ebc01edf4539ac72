/* SPDX-License-Identifier: Apache-2.0 */
#include "node/store/sqlite.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BUSY_MS = 10000 };

int db_fail(struct db *db, const char *what, struct rv_err *e)
{
	int code = db->h != NULL ? sqlite3_errcode(db->h) & 0xff : SQLITE_NOMEM;
	const char *text = db->h != NULL ? sqlite3_errmsg(db->h) : "memory is short";
	switch (code) {
	case SQLITE_NOMEM:
		return rv_fail_nomem(e);
	case SQLITE_FULL:
		rv_fail_rule(e, RV_EAGAIN, "STORE-FULL", "%s: the disk is full", what);
		rv_err_mend(e, "Free space on the disk of state_dir; the node goes on by itself.");
		return RV_EAGAIN;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		rv_fail_rule(e, RV_EAGAIN, "STORE-LOCKED",
			"%s: the store is locked by another program", what);
		rv_err_mend(e, "End the program that holds store.db open for writing.");
		return RV_EAGAIN;
	default:
		rv_fail_rule(e, RV_EIO, "STORE-IO", "%s: %s", what, text);
		rv_err_mend(e, "Look at the disk of state_dir and its permissions.");
		return RV_EIO;
	}
}

int db_exec(struct db *db, const char *sql, struct rv_err *e)
{
	return sqlite3_exec(db->h, sql, NULL, NULL, NULL) == SQLITE_OK
		       ? 0
		       : db_fail(db, "the store", e);
}

int db_open(struct db *db, const char *path, int readonly, struct rv_err *e)
{
	int flags = (readonly ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE) |
		    SQLITE_OPEN_NOMUTEX;
	if (sqlite3_open_v2(path, &db->h, flags, NULL) != SQLITE_OK) {
		int rc = db_fail(db, path, e);
		db_close(db);
		return rc;
	}
	sqlite3_busy_timeout(db->h, BUSY_MS);
	sqlite3_extended_result_codes(db->h, 1);
	sqlite3_db_config(db->h, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	return 0;
}

void db_close(struct db *db)
{
	for (size_t i = 0; i < db->n_statements; i++) {
		sqlite3_finalize(db->statements[i].stmt);
	}
	db->n_statements = 0;
	sqlite3_close(db->h);
	db->h = NULL;
}

static sqlite3_stmt *find_statement(struct db *db, const char *sql, struct rv_err *e)
{
	for (size_t i = 0; i < db->n_statements; i++) {
		if (db->statements[i].sql == sql) {
			return db->statements[i].stmt;
		}
	}
	sqlite3_stmt *stmt = NULL;
	if (db->n_statements == DB_STATEMENTS_MAX) {
		rv_fail(e, RV_ELIMIT, "too many prepared statements");
		return NULL;
	}
	if (sqlite3_prepare_v3(db->h, sql, -1, SQLITE_PREPARE_PERSISTENT, &stmt, NULL) !=
		SQLITE_OK) {
		db_fail(db, "the store", e);
		return NULL;
	}
	db->statements[db->n_statements].sql = sql;
	db->statements[db->n_statements++].stmt = stmt;
	return stmt;
}

static sqlite3_stmt *prepare(
	struct db *db, const char *sql, struct rv_err *e, const char *types, va_list ap)
{
	sqlite3_stmt *stmt = find_statement(db, sql, e);
	int rc = SQLITE_OK;
	for (int i = 1; stmt != NULL && rc == SQLITE_OK && types[i - 1] != '\0'; i++) {
		if (types[i - 1] == 'i') {
			rc = sqlite3_bind_int64(stmt, i, va_arg(ap, int64_t));
		} else if (types[i - 1] == 't') {
			rc = sqlite3_bind_text(
				stmt, i, va_arg(ap, const char *), -1, SQLITE_STATIC);
		} else {
			const void *data = va_arg(ap, const void *);
			size_t len = va_arg(ap, size_t);
			rc = data != NULL ? sqlite3_bind_blob64(stmt, i, data, len, SQLITE_STATIC)
					  : sqlite3_bind_null(stmt, i);
		}
	}
	if (stmt != NULL && rc != SQLITE_OK) {
		db_fail(db, "the store", e);
		db_done(stmt);
		return NULL;
	}
	return stmt;
}

sqlite3_stmt *db_prepare(struct db *db, const char *sql, struct rv_err *e, const char *types, ...)
{
	va_list ap;
	va_start(ap, types);
	sqlite3_stmt *stmt = prepare(db, sql, e, types, ap);
	va_end(ap);
	return stmt;
}

int db_step(struct db *db, sqlite3_stmt *stmt, struct rv_err *e)
{
	int rc = sqlite3_step(stmt);
	return rc == SQLITE_ROW ? 1 : rc == SQLITE_DONE ? 0 : db_fail(db, "the store", e);
}

void db_done(sqlite3_stmt *stmt)
{
	if (stmt != NULL) {
		sqlite3_reset(stmt);
		sqlite3_clear_bindings(stmt);
	}
}

int db_run(struct db *db, const char *sql, struct rv_err *e, const char *types, ...)
{
	va_list ap;
	va_start(ap, types);
	sqlite3_stmt *stmt = prepare(db, sql, e, types, ap);
	va_end(ap);
	if (stmt == NULL) {
		return e != NULL && e->code != 0 ? e->code : RV_EIO;
	}
	int rc;
	do {
		rc = db_step(db, stmt, e);
	} while (rc > 0);
	db_done(stmt);
	return rc;
}

int db_number(struct db *db, int64_t *out, int *there_r, const char *sql, struct rv_err *e,
	const char *types, ...)
{
	va_list ap;
	va_start(ap, types);
	sqlite3_stmt *stmt = prepare(db, sql, e, types, ap);
	va_end(ap);
	int rc = stmt != NULL ? db_step(db, stmt, e) : RV_EIO;
	*out = rc > 0 ? sqlite3_column_int64(stmt, 0) : 0;
	if (there_r != NULL) {
		*there_r = rc > 0;
	}
	db_done(stmt);
	return rc < 0 ? rc : 0;
}

void db_text(sqlite3_stmt *stmt, int column, char *out, size_t size)
{
	const unsigned char *text = sqlite3_column_text(stmt, column);
	snprintf(out, size, "%s", text != NULL ? (const char *)text : "");
}

void db_blob(sqlite3_stmt *stmt, int column, void *out, size_t size)
{
	const void *data = sqlite3_column_blob(stmt, column);
	if (data != NULL && (size_t)sqlite3_column_bytes(stmt, column) == size) {
		memcpy(out, data, size);
	} else {
		memset(out, 0, size);
	}
}

int db_copy(sqlite3_stmt *stmt, int column, uint8_t **out, size_t *len_r)
{
	const void *data = sqlite3_column_blob(stmt, column);
	size_t len = (size_t)sqlite3_column_bytes(stmt, column);
	uint8_t *copy = malloc(len + 1);
	if (copy == NULL) {
		return RV_ENOMEM;
	}
	if (len > 0) {
		memcpy(copy, data, len);
	}
	*out = copy;
	*len_r = len;
	return 0;
}

int db_verb(struct store *s, struct rv_err *e)
{
	if (!s->in_group) {
		return rv_fail(e, RV_EINVAL, "a verb of the store needs store_begin before it");
	}
	return db_run(&s->db, "SAVEPOINT verb", e, "");
}

int db_verb_end(struct store *s, int rc, struct rv_err *e)
{
	if (rc == 0) {
		return db_run(&s->db, "RELEASE verb", e, "");
	}
	if (db_run(&s->db, "ROLLBACK TO verb", NULL, "") == 0) {
		db_run(&s->db, "RELEASE verb", NULL, "");
	}
	return rc;
}

int db_list_grow(void **list, size_t n, size_t size, struct rv_err *e)
{
	if ((n & (n - 1)) == 0) {
		void *grown = realloc(*list, (n == 0 ? 1 : 2 * n) * size);
		if (grown == NULL) {
			return rv_fail_nomem(e);
		}
		*list = grown;
	}
	memset((char *)*list + n * size, 0, size);
	return 0;
}
