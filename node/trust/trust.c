/* SPDX-License-Identifier: Apache-2.0 */
#include "node/trust/trust.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "node/file.h"
#include "node/trust/roots.h"
#include "node/trust/trust_int.h"

/* A list refused because of the time is tried again after this: the clock may be set meanwhile. */
#define RETRY_US (60 * RV_US_PER_SEC)

enum { MAX_PEM = 1 << 20 };

/* What tells that a file is another one than at the last look. */
struct seen {
	int there;
	dev_t dev;
	ino_t ino;
	off_t size;
	struct timespec mtime, ctime;
};

struct trust {
	pthread_mutex_t lock; /* of current and lapsed */
	struct rv_trust *current;
	int lapsed; /* the expiry of current was told */

	struct rv_clock clock;
	char *list_path, *authority_path, *number_path, *archive_path;
	struct seen list_seen, authority_seen;
	struct trust_number number;
	struct rv_err pending; /* why the list was refused at the start */
	int64_t retry_us; /* when to try a list again that was refused for its dates; 0: never */
	char refused[32]; /* the rule that refused it, which is not told again */
};

static void look(struct seen *s, const char *path)
{
	struct stat st;
	memset(s, 0, sizeof(*s));
	if (stat(path, &st) == 0) {
		s->there = 1;
		s->dev = st.st_dev;
		s->ino = st.st_ino;
		s->size = st.st_size;
		s->mtime = st.st_mtim;
		s->ctime = st.st_ctim;
	}
}

static int same_time(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

static int same_file(const struct seen *a, const struct seen *b)
{
	return a->there == b->there && a->dev == b->dev && a->ino == b->ino && a->size == b->size &&
	       same_time(&a->mtime, &b->mtime) && same_time(&a->ctime, &b->ctime);
}

static char *archive_name(const struct trust *t, uint64_t number, const char *suffix)
{
	char *path = NULL;
	return asprintf(&path, "%s/%" PRIu64 ".%s", t->archive_path, number, suffix) < 0 ? NULL
											 : path;
}

static int archive_one(const struct trust *t, uint64_t number, const char *suffix,
	const struct rv_buf *b, struct rv_err *e)
{
	char *path = archive_name(t, number, suffix);
	if (path == NULL) {
		return rv_fail_nomem(e);
	}
	int rc = file_write(path, 0600, b->data, b->len, e);
	free(path);
	return rc;
}

/* What is read from disk to take a list: the list, and the certificates that vouch for it. */
struct files {
	struct rv_buf wire;
	struct rv_buf authority;
};

static void clear_files(struct files *f)
{
	rv_buf_free(&f->wire);
	rv_buf_free(&f->authority);
}

static int archive(const struct trust *t, uint64_t number, const struct files *f, struct rv_err *e)
{
	int rc = file_mkdir(t->archive_path, 0700, e);
	if (rc != 0 && rc != RV_EEXIST) {
		return rc;
	}
	rc = archive_one(t, number, "pem", &f->authority, e);
	return rc == 0 ? archive_one(t, number, "xml", &f->wire, e) : rc;
}

/* ---- taking a list ---- */

/* Reads and verifies a list. RV_ENOTFOUND if there is none. */
static int load(struct rv_trust **list_r, struct files *f, const char *list_path,
	const char *authority_path, int64_t now_us, struct rv_err *e)
{
	struct trust_roots roots = {0};
	int rc = file_read(list_path, rv_xml_limits_trust.bytes, &f->wire, e);
	if (rc != 0) {
		return rc;
	}
	rc = file_read(authority_path, MAX_PEM, &f->authority, e);
	if (rc == RV_ENOTFOUND) {
		rc = rv_fail(e, RV_ECONFIG, "there is a trust list but no authority certificate %s",
			authority_path);
		rv_err_mend(e, "Put both in place with: reeve trust install");
		return RV_ECONFIG;
	}
	if (rc == 0) {
		rc = trust_roots_parse(
			&roots, (const char *)f->authority.data, f->authority.len, e);
		if (rc != 0) {
			rv_err_prefix(e, "%s", authority_path);
		}
	}
	if (rc == 0) {
		rc = trust_roots_list(&roots, list_r, f->wire.data, f->wire.len, now_us, e);
		if (rc != 0) {
			rv_err_prefix(e, "%s", list_path);
		}
	}
	trust_roots_clear(&roots);
	return rc;
}

/* Takes what is on disk: 1 in *changed_r if it is another list than the current one. */
static int take_once(struct trust *t, int *changed_r, struct rv_err *e)
{
	struct files f = {{0}, {0}};
	struct rv_trust *list = NULL;
	int rc = load(&list, &f, t->list_path, t->authority_path, t->clock.now_us(t->clock.ctx), e);
	if (rc == RV_ENOTFOUND) {
		rc = 0;
		goto out;
	}
	if (rc == 0) {
		rc = trust_number_check(&t->number, list, e);
	}
	if (rc == 0 && rv_trust_number(list) > t->number.number) {
		rc = archive(t, rv_trust_number(list), &f, e);
		if (rc == 0) {
			rc = trust_number_write(&t->number, t->number_path, list, e);
		}
	}
	if (rc != 0) {
		goto out;
	}
	pthread_mutex_lock(&t->lock);
	struct rv_trust *former = t->current;
	if (former == NULL || rv_trust_number(former) != rv_trust_number(list)) {
		t->current = list;
		t->lapsed = 0;
		list = former;
		*changed_r = 1;
	}
	pthread_mutex_unlock(&t->lock);
out:
	rv_trust_unref(&list);
	clear_files(&f);
	return rc;
}

static int take(struct trust *t, int *changed_r, struct rv_err *e)
{
	struct rv_err why = {0};
	int rc = take_once(t, changed_r, &why);
	int for_time = rc == RV_EEXPIRED || rc == RV_ECERT;
	t->retry_us = for_time ? t->clock.now_us(t->clock.ctx) + RETRY_US : 0;
	memcpy(t->refused, why.rule, sizeof(t->refused));
	if (rc != 0 && e != NULL) {
		*e = why;
	}
	return rc;
}

/* Tries a list again that was refused for its dates. Tells only what was not told. */
static int take_again(struct trust *t, int *changed_r, struct rv_err *e)
{
	char told[sizeof(t->refused)];
	struct rv_err why = {0};
	int64_t now_us = t->clock.now_us(t->clock.ctx);
	/* a clock that was set back by more than the wait counts too */
	if (t->retry_us == 0 || (now_us < t->retry_us && now_us > t->retry_us - 2 * RETRY_US)) {
		return 0;
	}
	memcpy(told, t->refused, sizeof(told));
	int rc = take(t, changed_r, &why);
	if (rc != 0 && strcmp(told, t->refused) == 0) {
		return 0;
	}
	if (rc != 0 && e != NULL) {
		*e = why;
	}
	return rc;
}

/* The looks come before the reading: a file that changes in between is read again next time. */
static void look_at_both(struct trust *t)
{
	look(&t->list_seen, t->list_path);
	look(&t->authority_seen, t->authority_path);
}

int trust_open(struct trust **t_r, const struct conf *conf, struct rv_clock clock, struct rv_err *e)
{
	int rc = 0;
	int changed = 0;
	struct trust *t = calloc(1, sizeof(*t));
	if (t == NULL) {
		return rv_fail_nomem(e);
	}
	if (pthread_mutex_init(&t->lock, NULL) != 0) {
		free(t);
		return rv_fail_nomem(e);
	}
	t->clock = clock;
	t->list_path = strdup(conf->trust_list);
	t->authority_path = strdup(conf->authority);
	t->number_path = file_join(conf->state_dir, "trust.number");
	t->archive_path = file_join(conf->state_dir, "trust");
	if (t->list_path == NULL || t->authority_path == NULL || t->number_path == NULL ||
		t->archive_path == NULL) {
		rc = rv_fail_nomem(e);
		goto out;
	}
	rc = trust_number_read(&t->number, t->number_path, e);
	if (rc != 0) {
		goto out;
	}
	look_at_both(t);
	if (take(t, &changed, &t->pending) == RV_ENOMEM) {
		rc = rv_fail_nomem(e);
		goto out;
	}
	*t_r = t;
	t = NULL;
out:
	trust_close(&t);
	return rc;
}

void trust_close(struct trust **t_p)
{
	if (t_p == NULL || *t_p == NULL) {
		return;
	}
	struct trust *t = *t_p;
	rv_trust_unref(&t->current);
	pthread_mutex_destroy(&t->lock);
	free(t->list_path);
	free(t->authority_path);
	free(t->number_path);
	free(t->archive_path);
	free(t);
	*t_p = NULL;
}

static int expired(const struct rv_trust *list, int64_t now_us)
{
	return list != NULL && now_us > rv_trust_expires(list);
}

struct rv_trust *trust_get(struct trust *t)
{
	int64_t now_us = t->clock.now_us(t->clock.ctx);
	pthread_mutex_lock(&t->lock);
	struct rv_trust *list = expired(t->current, now_us) ? NULL : rv_trust_ref(t->current);
	pthread_mutex_unlock(&t->lock);
	return list;
}

struct rv_trust *trust_last(struct trust *t)
{
	pthread_mutex_lock(&t->lock);
	struct rv_trust *list = rv_trust_ref(t->current);
	pthread_mutex_unlock(&t->lock);
	return list;
}

/* Tells once that the current list has expired. */
static int check_lapse(struct trust *t, int *changed_r, struct rv_err *e)
{
	int64_t now_us = t->clock.now_us(t->clock.ctx);
	pthread_mutex_lock(&t->lock);
	int lapse = !t->lapsed && expired(t->current, now_us);
	uint64_t number = lapse ? rv_trust_number(t->current) : 0;
	t->lapsed |= lapse;
	pthread_mutex_unlock(&t->lock);
	if (!lapse) {
		return 0;
	}
	*changed_r = 1;
	rv_fail_rule(e, RV_EEXPIRED, "TRUST-EXPIRED",
		"trust list %" PRIu64
		" has expired: nothing is exchanged until a newer one is here",
		number);
	rv_err_mend(e,
		"Get the current list from the coordinator; install it with: reeve trust install");
	return RV_EEXPIRED;
}

int trust_poll(struct trust *t, int *changed_r, struct rv_err *e)
{
	int rc;
	struct seen list, authority;
	*changed_r = 0;
	if (t->pending.code != 0) {
		int code = t->pending.code;
		if (e != NULL) {
			*e = t->pending;
		}
		rv_err_clear(&t->pending);
		return code;
	}
	look(&list, t->list_path);
	look(&authority, t->authority_path);
	if (!same_file(&list, &t->list_seen) || !same_file(&authority, &t->authority_seen)) {
		t->list_seen = list;
		t->authority_seen = authority;
		rc = take(t, changed_r, e);
	} else {
		rc = take_again(t, changed_r, e);
	}
	if (rc != 0) {
		return rc;
	}
	return check_lapse(t, changed_r, e);
}

int trust_archived(struct trust *t, uint64_t number, struct rv_trust **list_r, struct rv_err *e)
{
	struct files f = {{0}, {0}};
	char *list_path = archive_name(t, number, "xml");
	char *authority_path = archive_name(t, number, "pem");
	int rc = list_path != NULL && authority_path != NULL
			 ? load(list_r, &f, list_path, authority_path, 0, e)
			 : rv_fail_nomem(e);
	clear_files(&f);
	free(list_path);
	free(authority_path);
	return rc;
}
