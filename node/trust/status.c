/* SPDX-License-Identifier: Apache-2.0 */
#include "node/trust/status.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node/file.h"
#include "node/trust/status_int.h"

const char *status_word_text(enum status_word w)
{
	static const char *const texts[] = {
		"", "listed", "off", "good", "stale", "unknown", "revoked"};
	return (size_t)w < sizeof(texts) / sizeof(texts[0]) ? texts[w] : "";
}

const char *status_source_text(enum rv_status_source s)
{
	return s == RV_STATUS_CRL ? "crl" : s == RV_STATUS_OCSP ? "ocsp" : "";
}

/* ---- life ---- */

int status_open(
	struct status **s_r, const char *state_dir, struct rv_clock clock, struct rv_err *e)
{
	struct status *s = calloc(1, sizeof(*s));
	if (s == NULL) {
		return rv_fail_nomem(e);
	}
	s->clock = clock;
	pthread_mutex_init(&s->update, NULL);
	pthread_mutex_init(&s->lock, NULL);
	s->dir = file_join(state_dir, "status");
	int rc = s->dir != NULL ? status_cache_read(s, e) : rv_fail_nomem(e);
	if (rc != 0) {
		status_close(&s);
		return rc;
	}
	*s_r = s;
	return 0;
}

void status_close(struct status **s)
{
	if (s == NULL || *s == NULL) {
		return;
	}
	status_unref(&(*s)->current);
	for (size_t i = 0; i < (*s)->n_blobs; i++) {
		status_blob_unref((*s)->blobs[i]);
	}
	free((*s)->blobs);
	free((*s)->dir);
	pthread_mutex_destroy(&(*s)->update);
	pthread_mutex_destroy(&(*s)->lock);
	free(*s);
	*s = NULL;
}

void status_watch(struct status *s, void (*changed)(void *ctx), void *ctx)
{
	s->changed = changed;
	s->ctx = ctx;
}

/* ---- views ---- */

static struct status_view *view_ref(struct status_view *v)
{
	if (v != NULL) {
		atomic_fetch_add(&v->refs, 1);
	}
	return v;
}

void status_unref(struct status_view **v)
{
	if (v != NULL && *v != NULL) {
		if (atomic_fetch_sub(&(*v)->refs, 1) == 1) {
			status_view_free(*v);
		}
		*v = NULL;
	}
}

uint64_t status_serial(const struct status_view *v)
{
	return v->serial;
}

uint64_t status_now(struct status *s)
{
	return atomic_load(&s->serial);
}

/* The current view, if it is that of the list or of a newer one. */
static struct status_view *current_for(struct status *s, const struct rv_trust *t)
{
	pthread_mutex_lock(&s->lock);
	struct status_view *v = s->current;
	if (v != NULL && v->trust != t && rv_trust_number(v->trust) < rv_trust_number(t)) {
		v = NULL;
	}
	v = view_ref(v);
	pthread_mutex_unlock(&s->lock);
	return v;
}

static void publish(struct status *s, struct status_view *v)
{
	v->serial = atomic_load(&s->serial) + 1;
	pthread_mutex_lock(&s->lock);
	struct status_view *old = s->current;
	s->current = view_ref(v);
	pthread_mutex_unlock(&s->lock);
	atomic_store(&s->serial, v->serial);
	status_unref(&old);
}

/* Under update. */
static struct status_view *view_of(struct status *s, struct rv_trust *t, struct rv_err *e)
{
	struct status_view *v = current_for(s, t);
	if (v != NULL) {
		return v;
	}
	status_cache_sweep(s, t);
	if (status_build(&v, t, s->current, s->blobs, s->n_blobs, NULL,
		    s->clock.now_us(s->clock.ctx), e) != 0) {
		return NULL;
	}
	publish(s, v);
	return v;
}

struct status_view *status_get(struct status *s, struct rv_trust *t)
{
	struct status_view *v = current_for(s, t);
	if (v == NULL) {
		pthread_mutex_lock(&s->update);
		v = view_of(s, t, NULL);
		pthread_mutex_unlock(&s->update);
	}
	return v;
}

/* ---- judging ---- */

static int fail_revoked(const struct status_entry *en, int64_t since_us, const char *reason,
	const char *by, struct rv_err *e)
{
	char since[RV_STAMP_TEXT];
	rv_stamp_text(since, since_us);
	rv_fail_rule(e, RV_ECERT, "STATUS-REVOKED",
		"the certificate of %s is revoked since %s (%s), says %s", en->member->code, since,
		reason, by);
	rv_err_mend(e, "What was stored before stays valid. %s needs a new certificate: reeve rotate.",
		en->member->code);
	return RV_ECERT;
}

static int revoked_at(const struct status_entry *en, int64_t at_us, struct rv_err *e)
{
	if (en->listed_revoked_us != 0 && en->listed_revoked_us <= at_us) {
		return fail_revoked(
			en, en->listed_revoked_us, en->listed_reason, "the trust list", e);
	}
	if (en->revoked_us != 0 && en->revoked_us <= at_us) {
		return fail_revoked(en, en->revoked_us, en->reason,
			en->revoked_by == RV_STATUS_CRL ? "the CRL of its issuer"
							: "the OCSP responder of its issuer",
			e);
	}
	return 0;
}

static int chain_at(const struct status_entry *en, int64_t at_us, struct rv_err *e)
{
	char text[RV_STAMP_TEXT];
	if (en->way->rc != 0) {
		if (e != NULL) {
			*e = en->way->why;
		}
		return en->way->rc;
	}
	if (at_us >= en->from_us && at_us <= en->to_us) {
		return 0;
	}
	rv_stamp_text(text, at_us < en->from_us ? en->from_us : en->to_us);
	rv_fail_rule(e, RV_ECERT, at_us < en->from_us ? "CHAIN-NOT-YET" : "CHAIN-EXPIRED",
		"the certificates from that of %s up to its issuer hold together %s %s only",
		en->member->code, at_us < en->from_us ? "from" : "until", text);
	rv_err_mend(e, "Ask the coordinator whether the trust list has the issuer's present "
		       "certificate.");
	return RV_ECERT;
}

static int wait_for_status(const struct status_entry *en, int64_t now_us, struct rv_err *e)
{
	char until[RV_STAMP_TEXT];
	if (en->unknown) {
		rv_fail_rule(e, RV_EAGAIN, "STATUS-UNKNOWN",
			"whether the certificate of %s is revoked is not known, and the trust list "
			"asks for it",
			en->member->code);
	} else {
		rv_stamp_text(until, en->fresh_until_us);
		rv_fail_rule(e, RV_EAGAIN, "STATUS-STALE",
			"what is known of the certificate of %s was fresh until %s, and the trust "
			"list asks for newer",
			en->member->code, until);
	}
	rv_err_mend(e, "See which CRL or OCSP address fails: reeve status.");
	return RV_EAGAIN;
}

int status_judge(const struct status_view *v, const uint8_t cert[RV_DIGEST_LEN], int64_t issued_us,
	int64_t now_us, struct status_standing *s_r, struct rv_err *e)
{
	const struct status_entry *en = status_find(v, cert);
	struct status_standing s = {.word = STATUS_GOOD, .judged_us = now_us};
	if (en == NULL) {
		rv_fail_rule(e, RV_EAGAIN, "STATUS-UNKNOWN", "the trust list has just changed");
		rv_err_mend(e, "It is judged again by itself.");
		return RV_EAGAIN;
	}
	int rc = revoked_at(en, now_us > issued_us ? now_us : issued_us, e);
	if (rc == 0) {
		rc = chain_at(en, issued_us, e);
	}
	if (rc != 0) {
		return rc;
	}
	int fresh = !en->unknown && now_us <= en->fresh_until_us;
	if (en->way->listed || rv_path_links(en->way->path) == 0) {
		s.word = STATUS_LISTED;
	} else if (en->checking.mode == RV_CHECKING_OFF) {
		s.word = STATUS_OFF;
	} else if (!fresh && en->checking.mode == RV_CHECKING_HARD) {
		return wait_for_status(en, now_us, e);
	} else {
		s.word = en->unknown ? STATUS_UNKNOWN : fresh ? STATUS_GOOD : STATUS_STALE;
		s.source = en->source;
		s.as_of_us = en->as_of_us;
	}
	*s_r = s;
	return 0;
}

static int is_harmless(const char *reason)
{
	return strcmp(reason, rv_revocation_text(RV_REVOKED_SUPERSEDED)) == 0 ||
	       strcmp(reason, rv_revocation_text(RV_REVOKED_CESSATION)) == 0 ||
	       strcmp(reason, rv_revocation_text(RV_REVOKED_AFFILIATION)) == 0;
}

int status_believed(const struct status_view *v, const uint8_t cert[RV_DIGEST_LEN],
	int64_t claimed_us, int64_t now_us, struct rv_err *e)
{
	const struct status_entry *en = status_find(v, cert);
	if (en == NULL) {
		return 0;
	}
	int harmless = (en->listed_revoked_us == 0 || is_harmless(en->listed_reason)) &&
		       (en->revoked_us == 0 || is_harmless(en->reason));
	return revoked_at(en, harmless || claimed_us > now_us ? claimed_us : now_us, e);
}

int status_facts(const struct status_view *v, const uint8_t cert[RV_DIGEST_LEN], int64_t now_us,
	struct status_facts *f_r)
{
	const struct status_entry *en = status_find(v, cert);
	struct status_facts f = {.revoked_us = 0};
	if (en == NULL) {
		return RV_ENOTFOUND;
	}
	int by_list = en->listed_revoked_us != 0 &&
		      (en->revoked_us == 0 || en->listed_revoked_us <= en->revoked_us);
	f.revoked_us = by_list ? en->listed_revoked_us : en->revoked_us;
	if (f.revoked_us != 0) {
		snprintf(f.reason, sizeof(f.reason), "%s", by_list ? en->listed_reason : en->reason);
	}
	int64_t at_us = now_us < en->from_us ? en->from_us : now_us > en->to_us ? en->to_us : now_us;
	if (status_judge(v, cert, at_us < now_us ? at_us : now_us, now_us, &f.standing, &f.why) !=
		0) {
		f.standing = (struct status_standing){
			.word = strcmp(f.why.rule, "STATUS-REVOKED") == 0  ? STATUS_REVOKED
				: strcmp(f.why.rule, "STATUS-STALE") == 0 ? STATUS_STALE
									  : STATUS_UNKNOWN,
			.source = en->source,
			.as_of_us = en->as_of_us,
			.judged_us = now_us};
	}
	*f_r = f;
	return 0;
}

/* ---- taking ---- */

static int check_size(const struct status_item *item, struct rv_err *e)
{
	size_t max = item->kind == RV_STATUS_CRL ? RV_CRL_MAX : RV_OCSP_MAX;
	if (item->bytes.len > max) {
		return rv_fail_rule(e, RV_ELIMIT,
			item->kind == RV_STATUS_CRL ? "CHAIN-CRL-SIZE" : "CHAIN-OCSP-SIZE",
			"%zu bytes are more than %zu", item->bytes.len, max);
	}
	return 0;
}

static const struct status_blob *held(const struct status *s, const struct status_item *item)
{
	for (size_t i = 0; i < s->n_blobs; i++) {
		if (s->blobs[i]->kind == item->kind &&
			memcmp(s->blobs[i]->key, item->key, RV_DIGEST_LEN) == 0) {
			return s->blobs[i];
		}
	}
	return NULL;
}

static int verdict_of(const struct status_trial *trial, struct rv_err *e)
{
	if (trial->rc == 0 && trial->good > 0) {
		return 0;
	}
	if (trial->why.code != 0) {
		if (e != NULL) {
			*e = trial->why;
		}
		return trial->why.code;
	}
	return rv_fail_rule(e, RV_EUNKNOWN, "STATUS-FOREIGN",
		"it concerns no certificate of the trust list");
}

/* Under update: on trial, on disk, in force. */
static int take(struct status *s, struct rv_trust *t, struct status_blob *b, struct rv_err *e)
{
	struct status_trial trial = {.blob = b};
	struct status_view *before = view_of(s, t, e);
	struct status_view *v = NULL;
	if (before == NULL) {
		return RV_ENOMEM;
	}
	int rc = status_build(&v, before->trust, before, s->blobs, s->n_blobs, &trial,
		b->taken_us, e);
	if (rc == 0) {
		rc = verdict_of(&trial, e);
	}
	if (rc == 0) {
		rc = status_cache_write(s, b, e);
	}
	if (rc == 0) {
		rc = status_cache_put(s, status_blob_ref(b), e);
		if (rc != 0) {
			status_blob_unref(b);
		}
	}
	if (rc == 0) {
		publish(s, v);
	}
	status_unref(&v);
	status_unref(&before);
	return rc;
}

int status_take(struct status *s, struct rv_trust *t, const struct status_item *item,
	struct rv_err *e)
{
	int rc = check_size(item, e);
	if (rc != 0) {
		return rc;
	}
	struct status_blob *b = status_blob_new(
		item->kind, item->key, item->bytes, s->clock.now_us(s->clock.ctx));
	if (b == NULL) {
		return rv_fail_nomem(e);
	}
	pthread_mutex_lock(&s->update);
	const struct status_blob *there = held(s, item);
	if (there != NULL && memcmp(there->digest, b->digest, RV_DIGEST_LEN) == 0) {
		rc = RV_EDUP;
	} else {
		rc = take(s, t, b, e);
	}
	pthread_mutex_unlock(&s->update);
	status_blob_unref(b);
	if (rc == 0 && s->changed != NULL) {
		s->changed(s->ctx);
	}
	return rc;
}
