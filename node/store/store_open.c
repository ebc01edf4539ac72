/* SPDX-License-Identifier: Apache-2.0 */
#include "node/store/sqlite.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* "RVST": tells a store from any other SQLite file. */
enum { APPLICATION_ID = 0x52565354 };

static const char *const state_texts[] = {
	"?", "held", "queued", "sent", "relayed", "stored", "read", "rejected", "expired"};

const char *store_state_text(enum store_state s)
{
	return (size_t)s < sizeof(state_texts) / sizeof(state_texts[0]) ? state_texts[s] : "?";
}

static int make_dir(const char *path, struct rv_err *e)
{
	return mkdir(path, 0700) == 0 || errno == EEXIST
		       ? 0
		       : rv_fail_errno(e, errno, "cannot make the folder %s", path);
}

/* One writer: the lock goes with the process, however it ends. */
static int take_lock(struct store *s, struct rv_err *e)
{
	char path[PATH_MAX];
	snprintf(path, sizeof(path), "%s/store.lock", s->dir);
	s->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (s->lock_fd < 0) {
		return rv_fail_errno(e, errno, "cannot open %s", path);
	}
	if (flock(s->lock_fd, LOCK_EX | LOCK_NB) != 0) {
		rv_fail_rule(e, RV_EAGAIN, "STORE-IN-USE", "another reeved uses the store in %s",
			s->dir);
		rv_err_mend(e, "Stop it first, or give this node a state_dir of its own.");
		return RV_EAGAIN;
	}
	return 0;
}

static int read_pragma(struct store *s, const char *sql, int64_t *out, struct rv_err *e)
{
	return db_number(&s->db, out, NULL, sql, e, "");
}

static int migrate(struct store *s, struct rv_err *e)
{
	int64_t version = 0;
	int64_t application = 0;
	int64_t tables = 0;
	int rc = read_pragma(s, "PRAGMA user_version", &version, e);
	if (rc == 0) {
		rc = read_pragma(s, "PRAGMA application_id", &application, e);
	}
	if (rc == 0) {
		rc = read_pragma(s, "SELECT COUNT(*) FROM sqlite_master", &tables, e);
	}
	if (rc != 0) {
		return rc;
	}
	if (tables > 0 && application != APPLICATION_ID) {
		return rv_fail_rule(e, RV_EVERSION, "STORE-FOREIGN",
			"store.db in %s is not a store of Reeve", s->dir);
	}
	if (version > (int64_t)sqlite_n_migrations) {
		rv_fail_rule(e, RV_EVERSION, "STORE-NEWER",
			"the store has version %lld, this program knows %zu", (long long)version,
			sqlite_n_migrations);
		rv_err_mend(e, "Use the newer program that wrote it.");
		return RV_EVERSION;
	}
	for (size_t i = (size_t)version; rc == 0 && i < sqlite_n_migrations; i++) {
		char stamp[96];
		snprintf(stamp, sizeof(stamp),
			"PRAGMA user_version = %d; PRAGMA application_id = %d;",
			sqlite_migrations[i].version, APPLICATION_ID);
		rc = db_exec(&s->db, "BEGIN IMMEDIATE", e);
		if (rc == 0) {
			rc = db_exec(&s->db, sqlite_migrations[i].sql, e);
		}
		if (rc == 0) {
			rc = db_exec(&s->db, stamp, e);
		}
		if (rc == 0) {
			rc = db_exec(&s->db, "COMMIT", e);
		} else {
			db_exec(&s->db, "ROLLBACK", NULL);
		}
	}
	return rc;
}

static int open_files(struct store *s, struct rv_err *e)
{
	char path[PATH_MAX];
	int rc = make_dir(s->dir, e);
	snprintf(path, sizeof(path), "%s/blobs", s->dir);
	if (rc == 0) {
		rc = make_dir(path, e);
	}
	snprintf(path, sizeof(path), "%s/blobs/part", s->dir);
	if (rc == 0) {
		rc = make_dir(path, e);
	}
	if (rc == 0) {
		rc = take_lock(s, e);
	}
	snprintf(path, sizeof(path), "%s/store.db", s->dir);
	if (rc == 0) {
		rc = db_open(&s->db, path, 0, e);
	}
	if (rc == 0 && chmod(path, 0600) != 0) {
		rc = rv_fail_errno(e, errno, "cannot set the mode of %s", path);
	}
	return rc;
}

int store_sqlite_open(struct store **s_r, const char *dir, struct rv_err *e)
{
	struct store *s = calloc(1, sizeof(*s));
	if (s == NULL || (s->dir = strdup(dir)) == NULL) {
		free(s);
		return rv_fail_nomem(e);
	}
	s->lock_fd = -1;
	int rc = open_files(s, e);
	if (rc == 0) {
		rc = db_exec(&s->db,
			"PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys "
			"= ON;"
			"PRAGMA wal_autocheckpoint = 2000; PRAGMA journal_size_limit = 67108864; "
			"PRAGMA cache_size = -8192;",
			e);
	}
	if (rc == 0) {
		rc = migrate(s, e);
	}
	if (rc != 0) {
		store_close(&s);
		return rc;
	}
	*s_r = s;
	return 0;
}

void store_close(struct store **s)
{
	if (s == NULL || *s == NULL) {
		return;
	}
	store_abort(*s);
	db_close(&(*s)->db);
	if ((*s)->lock_fd >= 0) {
		close((*s)->lock_fd);
	}
	free((*s)->dir);
	free(*s);
	*s = NULL;
}

int store_begin(struct store *s, struct rv_err *e)
{
	if (s->in_group) {
		return rv_fail(e, RV_EINVAL, "a group of the store is open already");
	}
	int rc = db_run(&s->db, "BEGIN IMMEDIATE", e, "");
	s->in_group = rc == 0;
	return rc;
}

int store_commit(struct store *s, struct rv_err *e)
{
	if (!s->in_group) {
		return rv_fail(e, RV_EINVAL, "no group of the store is open");
	}
	int rc = db_run(&s->db, "COMMIT", e, "");
	if (rc != 0) {
		store_abort(s);
	}
	s->in_group = 0;
	return rc;
}

void store_abort(struct store *s)
{
	/* SQLite may have rolled back by itself (disk full): then there is nothing to undo */
	if (s->in_group && s->db.h != NULL && !sqlite3_get_autocommit(s->db.h)) {
		db_run(&s->db, "ROLLBACK", NULL, "");
	}
	s->in_group = 0;
}

int store_reader_open(struct store_reader **r_r, const char *dir, struct rv_err *e)
{
	char path[PATH_MAX];
	struct store_reader *r = calloc(1, sizeof(*r));
	if (r == NULL || (r->dir = strdup(dir)) == NULL) {
		free(r);
		return rv_fail_nomem(e);
	}
	snprintf(path, sizeof(path), "%s/store.db", dir);
	int rc = db_open(&r->db, path, 1, e);
	if (rc == 0) {
		rc = db_exec(&r->db, "PRAGMA query_only = ON; PRAGMA cache_size = -4096;", e);
	}
	if (rc != 0) {
		store_reader_close(&r);
		return rc;
	}
	*r_r = r;
	return 0;
}

void store_reader_close(struct store_reader **r)
{
	if (r != NULL && *r != NULL) {
		db_close(&(*r)->db);
		free((*r)->dir);
		free(*r);
		*r = NULL;
	}
}
