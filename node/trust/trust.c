/* SPDX-License-Identifier: Apache-2.0 */
#include "node/trust/trust.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "node/file.h"
#include "node/trust/roots.h"
#include "node/trust/trust_int.h"

/* A list refused because of the time is tried again after this: the clock may be set meanwhile. */
#define RETRY_US (60 * RV_US_PER_SEC)

enum { MAX_PEM = 1 << 20, OFFERS_MAX = 4 };

#define HOUR_US (3600 * RV_US_PER_SEC)

/* What tells that a file is another one than at the last look. */
struct seen {
	int there;
	dev_t dev;
	ino_t ino;
	off_t size;
	struct timespec mtime, ctime;
};

/* A list that came from outside. */
struct offer {
	struct rv_buf wire;
	char from[64];
};

struct trust {
	pthread_mutex_t lock; /* of what stands up to the offers */
	struct rv_trust *current;
	struct rv_buf wire; /* of current */
	int lapsed; /* the expiry of current was told */
	struct offer offers[OFFERS_MAX];
	size_t n_offers;
	int wake_fd;
	int64_t grace_us;

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

/* Verifies a list by the certificates of f. One that has expired is taken in its time of grace, and
 * later too if it is the one that the node had (known, may be NULL): nothing is exchanged by it, but
 * a newer one may come from those in it. */
static int verify(struct rv_trust **list_r, const struct files *f, int64_t now_us, int64_t grace_us,
	const struct trust_number *known, struct rv_err *e)
{
	struct trust_roots roots = {0};
	struct rv_err why = {0};
	int rc = trust_roots_parse(
		&roots, (const char *)f->authority.data, f->authority.len, &why);
	if (rc == 0) {
		rc = trust_roots_list(&roots, list_r, f->wire.data, f->wire.len, now_us, &why);
	}
	if (rc == RV_EEXPIRED && strcmp(why.rule, "TRUST-EXPIRED") == 0) {
		struct rv_trust *late = NULL;
		if (trust_roots_list(&roots, &late, f->wire.data, f->wire.len, 0, NULL) == 0 &&
			(now_us <= rv_trust_expires(late) + grace_us ||
				(known != NULL && known->number == rv_trust_number(late)))) {
			*list_r = late;
			late = NULL;
			rc = 0;
		}
		rv_trust_unref(&late);
	}
	if (rc != 0 && e != NULL) {
		*e = why;
	}
	trust_roots_clear(&roots);
	return rc;
}

static int read_authority(struct files *f, const char *path, struct rv_err *e)
{
	int rc = file_read(path, MAX_PEM, &f->authority, e);
	if (rc == RV_ENOTFOUND) {
		rc = rv_fail(e, RV_ECONFIG, "there is a trust list but no authority certificate %s",
			path);
		rv_err_mend(e, "Put both in place with: reeve trust install");
		return RV_ECONFIG;
	}
	return rc;
}

/* Reads and verifies a list. RV_ENOTFOUND if there is none. */
static int load(struct rv_trust **list_r, struct files *f, const char *list_path,
	const char *authority_path, int64_t now_us, int64_t grace_us,
	const struct trust_number *known, struct rv_err *e)
{
	int rc = file_read(list_path, rv_xml_limits_trust.bytes, &f->wire, e);
	if (rc != 0) {
		return rc;
	}
	rc = read_authority(f, authority_path, e);
	if (rc != 0) {
		return rc;
	}
	rc = verify(list_r, f, now_us, grace_us, known, e);
	if (rc != 0) {
		rv_err_prefix(e, "%s", list_path);
	}
	return rc;
}

/* Who may sign the next list is what this one says. */
static int follow_signing(const struct trust *t, const struct rv_trust *list,
	const struct files *f, struct rv_err *e)
{
	struct rv_buf pem = {0};
	int rc = trust_roots_pem(list, &pem, e);
	if (rc == 0 && pem.len > 0 &&
		(pem.len != f->authority.len || memcmp(pem.data, f->authority.data, pem.len) != 0)) {
		rc = file_write(t->authority_path, 0644, pem.data, pem.len, e);
	}
	rv_buf_free(&pem);
	return rc;
}

/* Makes a verified list the current one: durable first. in_place: it lies at its place already. */
static int adopt(struct trust *t, struct rv_trust **list_p, struct files *f, int in_place,
	int *changed_r, struct rv_err *e)
{
	struct rv_trust *list = *list_p;
	int rc = trust_number_check(&t->number, list, e);
	if (rc == 0 && rv_trust_number(list) > t->number.number) {
		rc = archive(t, rv_trust_number(list), f, e);
		if (rc == 0 && !in_place) {
			rc = file_write(t->list_path, 0644, f->wire.data, f->wire.len, e);
		}
		if (rc == 0) {
			rc = follow_signing(t, list, f, e);
		}
		if (rc == 0) {
			rc = trust_number_write(&t->number, t->number_path, list, e);
		}
	}
	if (rc != 0) {
		return rc;
	}
	pthread_mutex_lock(&t->lock);
	struct rv_trust *former = t->current;
	if (former == NULL || rv_trust_number(former) != rv_trust_number(list)) {
		t->current = list;
		t->lapsed = 0;
		*list_p = former;
		rv_buf_free(&t->wire);
		t->wire = f->wire;
		f->wire = (struct rv_buf){0};
		*changed_r = 1;
	}
	pthread_mutex_unlock(&t->lock);
	return 0;
}

/* Takes what is on disk: 1 in *changed_r if it is another list than the current one. */
static int take_once(struct trust *t, int *changed_r, struct rv_err *e)
{
	struct files f = {{0}, {0}};
	struct rv_trust *list = NULL;
	int rc = load(&list, &f, t->list_path, t->authority_path, t->clock.now_us(t->clock.ctx),
		t->grace_us, &t->number, e);
	if (rc == RV_ENOTFOUND) {
		rc = 0;
	} else if (rc == 0) {
		rc = adopt(t, &list, &f, 1, changed_r, e);
	}
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
	t->grace_us = (int64_t)conf->trust_grace_h * HOUR_US;
	t->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (t->wake_fd < 0) {
		rc = rv_fail_errno(e, errno, "cannot make an eventfd");
		goto out;
	}
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
	rv_buf_free(&t->wire);
	for (size_t i = 0; i < t->n_offers; i++) {
		rv_buf_free(&t->offers[i].wire);
	}
	if (t->wake_fd >= 0) {
		close(t->wake_fd);
	}
	pthread_mutex_destroy(&t->lock);
	free(t->list_path);
	free(t->authority_path);
	free(t->number_path);
	free(t->archive_path);
	free(t);
	*t_p = NULL;
}

static int expired(const struct trust *t, int64_t now_us)
{
	return t->current != NULL && now_us > rv_trust_expires(t->current) + t->grace_us;
}

struct rv_trust *trust_get(struct trust *t)
{
	int64_t now_us = t->clock.now_us(t->clock.ctx);
	pthread_mutex_lock(&t->lock);
	struct rv_trust *list = expired(t, now_us) ? NULL : rv_trust_ref(t->current);
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
	int lapse = !t->lapsed && expired(t, now_us);
	if (t->lapsed && !expired(t, now_us)) { /* the clock was set */
		t->lapsed = 0;
		*changed_r = 1;
	}
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

/* ---- offers ---- */

int trust_offer(struct trust *t, struct rv_buf *wire, const char *from, struct rv_err *e)
{
	uint64_t one = 1;
	int rc = 0;
	pthread_mutex_lock(&t->lock);
	if (t->n_offers < OFFERS_MAX) {
		struct offer *o = &t->offers[t->n_offers++];
		o->wire = *wire;
		snprintf(o->from, sizeof(o->from), "%s", from);
		*wire = (struct rv_buf){0};
	} else {
		rc = rv_fail(e, RV_EAGAIN, "other trust lists wait to be looked at");
	}
	pthread_mutex_unlock(&t->lock);
	ssize_t n = write(t->wake_fd, &one, sizeof(one));
	(void)n; /* full means that it rings already */
	return rc;
}

int trust_fd(const struct trust *t)
{
	return t->wake_fd;
}

/* 1: there was one. The next look comes at once if there are more. */
static int next_offer(struct trust *t, struct offer *o)
{
	uint64_t rung;
	pthread_mutex_lock(&t->lock);
	int there = t->n_offers > 0;
	if (there) {
		*o = t->offers[0];
		t->n_offers--;
		memmove(t->offers, t->offers + 1, t->n_offers * sizeof(t->offers[0]));
	}
	if (t->n_offers == 0) {
		ssize_t n = read(t->wake_fd, &rung, sizeof(rung));
		(void)n;
	}
	pthread_mutex_unlock(&t->lock);
	return there;
}

/* A list that is here already, by another way, is no error. */
static int take_offer(struct trust *t, struct offer *o, int *changed_r, struct rv_err *e)
{
	struct files f = {.wire = o->wire};
	struct rv_trust *list = NULL;
	struct rv_err why = {0};
	int rc = read_authority(&f, t->authority_path, &why);
	if (rc == 0) {
		rc = verify(&list, &f, t->clock.now_us(t->clock.ctx), 0, NULL, &why);
	}
	if (rc == 0) {
		rc = adopt(t, &list, &f, 0, changed_r, &why);
		look_at_both(t);
	}
	if (rc != 0) {
		rv_err_prefix(&why, "from %s", o->from);
	}
	if (rc != 0 && e != NULL) {
		*e = why;
	}
	rv_trust_unref(&list);
	clear_files(&f);
	return rc;
}

int trust_piece(struct trust *t, size_t offset, void *out, size_t max, size_t *n_r,
	size_t *total_r, uint64_t *number_r, struct rv_err *e)
{
	int rc = 0;
	pthread_mutex_lock(&t->lock);
	if (t->current == NULL || offset >= t->wire.len) {
		rc = RV_ENOTFOUND;
	} else {
		*total_r = t->wire.len;
		*n_r = t->wire.len - offset < max ? t->wire.len - offset : max;
		*number_r = rv_trust_number(t->current);
		memcpy(out, t->wire.data + offset, *n_r);
	}
	pthread_mutex_unlock(&t->lock);
	return rc == 0 ? 0 : rv_fail(e, rc, "there is no such part of a trust list here");
}

int trust_poll(struct trust *t, int *changed_r, struct rv_err *e)
{
	int rc;
	struct seen list, authority;
	struct offer o = {{0}, ""};
	*changed_r = 0;
	if (t->pending.code != 0) {
		int code = t->pending.code;
		if (e != NULL) {
			*e = t->pending;
		}
		rv_err_clear(&t->pending);
		return code;
	}
	if (next_offer(t, &o)) {
		return take_offer(t, &o, changed_r, e);
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
			 ? load(list_r, &f, list_path, authority_path, 0, 0, NULL, e)
			 : rv_fail_nomem(e);
	clear_files(&f);
	free(list_path);
	free(authority_path);
	return rc;
}
