/* SPDX-License-Identifier: Apache-2.0 */
#include "node/trust/joins_int.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <openssl/x509.h>

static const char *const states[] = {
	[JOINS_OPEN] = "open",
	[JOINS_WAITING] = "waiting",
	[JOINS_ADMITTED] = "admitted",
	[JOINS_REFUSED] = "refused",
	[JOINS_WITHDRAWN] = "withdrawn",
	[JOINS_EXPIRED] = "expired",
};

const char *joins_state_text(enum joins_state s)
{
	return s >= JOINS_OPEN && s <= JOINS_EXPIRED ? states[s] : "?";
}

static int64_t now_of(const struct joins *j)
{
	return j->clock.now_us(j->clock.ctx);
}

/* ---- finding ---- */

static struct entry *find(struct joins *j, const char *code)
{
	for (size_t i = 0; i < j->n; i++) {
		if (strcmp(j->entries[i].row.invite.code, code) == 0) {
			return &j->entries[i];
		}
	}
	return NULL;
}

static struct entry *find_guest(struct joins *j, const char *key)
{
	for (size_t i = 0; i < j->n && key[0] != '\0'; i++) {
		if (strcmp(j->entries[i].row.invite.guest, key) == 0) {
			return &j->entries[i];
		}
	}
	return NULL;
}

static int same_key(const struct rv_cert *cert, const struct rv_join *j)
{
	const unsigned char *p = j->request;
	X509_REQ *req = d2i_X509_REQ(NULL, &p, (long)j->request_len);
	EVP_PKEY *key = req != NULL ? X509_REQ_get0_pubkey(req) : NULL;
	int same = key != NULL && EVP_PKEY_eq(rv_cert_key(cert), key) == 1;
	X509_REQ_free(req);
	return same;
}

int joins_is_listed(const struct rv_trust *t, const struct rv_join *j, int64_t now_us)
{
	const struct rv_member *m = rv_trust_member(t, j->party.code);
	int cert = 0;
	int key = 0;
	for (size_t i = 0; m != NULL && i < m->n_certs && !cert; i++) {
		const struct rv_dated_cert *c = &m->certs[i];
		cert = c->revoked_us == 0 && c->from_us <= now_us && now_us <= c->to_us &&
		       same_key(c->cert, j);
	}
	for (size_t i = 0; m != NULL && i < m->n_keys && !key; i++) {
		key = m->keys[i].from_us <= now_us && now_us <= m->keys[i].to_us &&
		      strcmp(m->keys[i].z85, j->z85) == 0;
	}
	return cert && key;
}

/* The state as people see it: what the list and the clock say is not kept. */
static enum joins_state state_of(
	const struct entry *x, const struct rv_trust *t, int64_t now_us)
{
	if (x->row.state == JOINS_WAITING && joins_is_listed(t, &x->join, now_us)) {
		return JOINS_ADMITTED;
	}
	if (x->row.state == JOINS_OPEN && now_us > x->row.invite.expires_us) {
		return JOINS_EXPIRED;
	}
	return x->row.state;
}

/* ---- changing: on disk first ---- */

static struct entry *add_entry(struct joins *j, struct rv_err *e)
{
	if (j->n == JOINS_MAX) {
		rv_fail(e, RV_ELIMIT, "%d invitations and requests are kept already", JOINS_MAX);
		rv_err_mend(e, "They go 30 days after they ended.");
		return NULL;
	}
	struct entry *x = &j->entries[j->n];
	memset(x, 0, sizeof(*x));
	return x;
}

static void forget_old(struct joins *j)
{
	int64_t now_us = now_of(j);
	for (size_t i = 0; i < j->n;) {
		if (now_us > j->entries[i].row.invite.expires_us + JOINS_KEPT_US) {
			joins_remove(j, j->entries[i].row.invite.code);
			joins_entry_clear(&j->entries[i]);
			j->entries[i] = j->entries[--j->n];
		} else {
			i++;
		}
	}
}

static int is_open(enum joins_state s)
{
	return s == JOINS_OPEN || s == JOINS_WAITING;
}

int joins_add(struct joins *j, const struct joins_invite *invite, const struct rv_trust *t,
	struct rv_err *e)
{
	int rc = 0;
	struct entry fresh = {.row = {.invite = *invite, .state = JOINS_OPEN}};
	if (!rv_code_valid(invite->code)) {
		return rv_fail(e, RV_EINVAL, "'%.20s' is not a member code", invite->code);
	}
	pthread_mutex_lock(&j->lock);
	forget_old(j);
	struct entry *x = find(j, invite->code);
	if (x != NULL && is_open(state_of(x, t, now_of(j)))) {
		rc = rv_fail_rule(e, RV_EEXIST, "JOIN-OPEN", "%s %s", invite->code,
			x->row.state == JOINS_OPEN ? "is invited already"
						   : "has asked to join already");
		rv_err_mend(e, "Take that back first: reeve invite --withdraw %s", invite->code);
	} else {
		struct entry *place = x != NULL ? x : add_entry(j, e);
		rc = place == NULL ? RV_ELIMIT : joins_save(j, &fresh, NULL, e);
		if (rc == 0) {
			joins_entry_clear(place);
			*place = fresh;
			j->n += place == &j->entries[j->n];
		}
	}
	pthread_mutex_unlock(&j->lock);
	return rc;
}

int joins_refuse(struct joins *j, const char *code, const char *reason, const struct rv_trust *t,
	struct rv_err *e)
{
	int rc = 0;
	pthread_mutex_lock(&j->lock);
	struct entry *x = find(j, code);
	if (x == NULL || !is_open(state_of(x, t, now_of(j)))) {
		rc = rv_fail(e, RV_ENOTFOUND, "no invitation and no request of %s is open", code);
	} else {
		enum joins_state before = x->row.state;
		x->row.state = before == JOINS_OPEN ? JOINS_WITHDRAWN : JOINS_REFUSED;
		snprintf(x->row.reason, sizeof(x->row.reason), "%s", reason);
		rc = joins_save(j, x, NULL, e);
		if (rc != 0) {
			x->row.state = before;
		}
	}
	pthread_mutex_unlock(&j->lock);
	return rc;
}

/* ---- asking ---- */

static void say(struct rv_join_state *a, const char *rule, const char *text, const char *mend)
{
	a->status = RV_JOIN_REFUSED;
	snprintf(a->rule, sizeof(a->rule), "%s", rule);
	snprintf(a->text, sizeof(a->text), "%s", text);
	snprintf(a->mend, sizeof(a->mend), "%s", mend);
}

static void say_err(struct rv_join_state *a, const struct rv_err *e)
{
	a->status = RV_JOIN_REFUSED;
	snprintf(a->rule, sizeof(a->rule), "%s", e->rule[0] != '\0' ? e->rule : "JOIN-REQUEST");
	snprintf(a->text, sizeof(a->text), "%.255s", e->text);
	snprintf(a->mend, sizeof(a->mend), "%.255s", e->mend);
}

/* Is it whom the token invites. 1 if so. */
static int is_invited(const struct joins_invite *i, const struct rv_join *join,
	struct rv_join_state *answer)
{
	char text[256];
	if (strcmp(i->code, join->party.code) != 0) {
		snprintf(text, sizeof(text), "the token invites %s, the request is of %s", i->code,
			join->party.code);
	} else if (i->roles != join->party.roles) {
		snprintf(text, sizeof(text), "%s asks for other roles than it is invited to", i->code);
	} else if (strcmp(i->country, join->party.country) != 0) {
		snprintf(text, sizeof(text), "%s names another country than the invitation", i->code);
	} else {
		return 1;
	}
	say(answer, "JOIN-INVITED", text, "Ask the coordinator for a token of your own.");
	return 0;
}

/* The first request binds the token. */
static int bind(struct joins *j, struct entry *x, struct rv_span request,
	const uint8_t digest[RV_DIGEST_LEN], struct rv_join_state *answer, int *news,
	struct rv_err *e)
{
	struct rv_err why = {0};
	struct entry next = *x;
	memset(&next.join, 0, sizeof(next.join));
	if (now_of(j) > x->row.invite.expires_us) {
		say(answer, "JOIN-EXPIRED", "the token has ended, unused",
			"Ask the coordinator for a new one.");
		return 0;
	}
	int rc = rv_join_read(&next.join, request.data, request.len, &why);
	if (rc == 0) {
		rc = rv_join_fingerprint(&next.join, next.row.phrase, &why);
	}
	if (rc == RV_ENOMEM) {
		rv_join_clear(&next.join);
		return rv_fail_nomem(e);
	}
	if (rc != 0) {
		say_err(answer, &why);
	} else if (is_invited(&x->row.invite, &next.join, answer)) {
		next.row.state = JOINS_WAITING;
		next.row.asked_us = now_of(j);
		memcpy(next.digest, digest, RV_DIGEST_LEN);
		rc = joins_save(j, &next, &request, e);
		if (rc == 0) {
			*x = next;
			memset(&next.join, 0, sizeof(next.join));
			*news = 1;
			answer->status = RV_JOIN_WAITING;
		}
		rv_join_clear(&next.join);
		return rc;
	}
	rv_join_clear(&next.join);
	return 0;
}

static void note_other(struct joins *j, struct entry *x, struct rv_join_state *answer, int *news)
{
	say(answer, "JOIN-USED", "another request came with this token before",
		"If it was not yours, tell the coordinator at once: the token was stolen. Else go on "
		"with the node that asked first, or ask for a new token.");
	x->row.others++;
	x->row.other_us = now_of(j);
	*news = x->row.others == 1;
	joins_save(j, x, NULL, NULL); /* a count for people: lost, it counts anew */
}

int joins_ask(struct joins *j, const char *guest, struct rv_span request, const struct rv_trust *t,
	struct rv_join_state *answer, int *news_r, struct rv_err *e)
{
	uint8_t digest[RV_DIGEST_LEN];
	int rc = 0;
	int news = 0;
	memset(answer, 0, sizeof(*answer));
	rv_sha256(digest, request.data, request.len);
	memcpy(answer->request, digest, RV_DIGEST_LEN);
	pthread_mutex_lock(&j->lock);
	struct entry *x = find_guest(j, guest);
	if (x == NULL) {
		rc = rv_fail(e, RV_ENOTFOUND, "no guest has that key");
	} else if (x->row.state == JOINS_WITHDRAWN) {
		say(answer, "JOIN-WITHDRAWN", "the coordinator has taken the invitation back",
			"Ask the coordinator.");
	} else if (x->row.asked_us == 0) {
		rc = bind(j, x, request, digest, answer, &news, e);
	} else if (memcmp(digest, x->digest, RV_DIGEST_LEN) != 0) {
		note_other(j, x, answer, &news);
	} else if (x->row.state == JOINS_REFUSED) {
		say(answer, "JOIN-REFUSED", x->row.reason, "Ask the coordinator.");
	} else if (joins_is_listed(t, &x->join, now_of(j))) {
		answer->status = RV_JOIN_ADMITTED;
		answer->trust_number = rv_trust_number(t);
	} else {
		answer->status = RV_JOIN_WAITING;
	}
	pthread_mutex_unlock(&j->lock);
	*news_r = news;
	return rc;
}

/* ---- renewal ---- */

void joins_vouched(uint8_t out[JOINS_VOUCHED_LEN], struct rv_span request)
{
	static const char label[16] = "REEVE-RENEWAL-1";
	memcpy(out, label, sizeof(label));
	rv_sha256(out + sizeof(label), request.data, request.len);
}

static int check_voucher(struct rv_span request, const struct rv_vouch *v,
	const struct rv_trust *t, int64_t now_us, struct rv_err *e)
{
	uint8_t vouched[JOINS_VOUCHED_LEN];
	struct rv_err why = {0};
	joins_vouched(vouched, request);
	const struct rv_cert *cert = rv_trust_cert(t, v->code, v->cert_digest, now_us, &why);
	if (cert == NULL || rv_cert_verify(cert, (enum rv_sig_alg)v->alg, vouched, sizeof(vouched),
				    v->signature.data, v->signature.len, &why) != 0) {
		rv_fail_rule(e, RV_EDENIED, "JOIN-VOUCHER",
			"the voucher for the new keys of %s does not hold: %.160s", v->code,
			why.text);
		rv_err_mend(e, "Only a member's present signing key vouches for its next one; after a "
			       "theft: reeve revoke, then reeve invite.");
		return RV_EDENIED;
	}
	return 0;
}

int joins_renew(struct joins *j, struct rv_span request, const struct rv_vouch *v,
	const struct rv_trust *t, int *news_r, struct rv_err *e)
{
	struct entry next = {.row = {.state = JOINS_WAITING, .renewal = 1}};
	*news_r = 0;
	int rc = check_voucher(request, v, t, now_of(j), e);
	if (rc == 0) {
		rc = rv_join_read(&next.join, request.data, request.len, e);
	}
	if (rc == 0) {
		rc = rv_join_fingerprint(&next.join, next.row.phrase, e);
	}
	if (rc == 0 && strcmp(next.join.party.code, v->code) != 0) {
		rc = rv_fail_rule(e, RV_EDENIED, "JOIN-VOUCHER",
			"%s vouches for new keys of %s", v->code, next.join.party.code);
	}
	if (rc != 0) {
		rv_join_clear(&next.join);
		return rc;
	}
	rv_sha256(next.digest, request.data, request.len);
	snprintf(next.row.invite.code, RV_CODE_TEXT, "%s", v->code);
	snprintf(next.row.invite.name, sizeof(next.row.invite.name), "%s", next.join.party.name);
	next.row.invite.roles = next.join.party.roles;
	next.row.asked_us = next.row.invite.created_us = now_of(j);
	next.row.invite.expires_us = next.row.asked_us + JOINS_RENEWAL_US;
	pthread_mutex_lock(&j->lock);
	struct entry *x = find(j, v->code);
	if (x == NULL || memcmp(x->digest, next.digest, RV_DIGEST_LEN) != 0) {
		struct entry *place = x != NULL ? x : add_entry(j, e);
		rc = place == NULL ? RV_ELIMIT : joins_save(j, &next, &request, e);
		if (rc == 0) {
			joins_entry_clear(place);
			*place = next;
			memset(&next.join, 0, sizeof(next.join));
			j->n += place == &j->entries[j->n];
			*news_r = 1;
		}
	}
	pthread_mutex_unlock(&j->lock);
	rv_join_clear(&next.join);
	return rc;
}

/* ---- looking ---- */

static int by_code(const void *a, const void *b)
{
	return strcmp(((const struct joins_row *)a)->invite.code,
		((const struct joins_row *)b)->invite.code);
}

int joins_list(struct joins *j, const struct rv_trust *t, struct joins_row **rows_r, size_t *n_r,
	struct rv_err *e)
{
	pthread_mutex_lock(&j->lock);
	forget_old(j);
	struct joins_row *rows = calloc(j->n + 1, sizeof(*rows));
	size_t n = rows != NULL ? j->n : 0;
	for (size_t i = 0; i < n; i++) {
		rows[i] = j->entries[i].row;
		rows[i].state = state_of(&j->entries[i], t, now_of(j));
	}
	pthread_mutex_unlock(&j->lock);
	if (rows == NULL) {
		return rv_fail_nomem(e);
	}
	qsort(rows, n, sizeof(*rows), by_code);
	*rows_r = rows;
	*n_r = n;
	return 0;
}

int joins_request(struct joins *j, const char *code, struct rv_buf *wire, struct rv_err *e)
{
	pthread_mutex_lock(&j->lock);
	const struct entry *x = find(j, code);
	int rc = x != NULL && x->row.asked_us != 0
			 ? joins_load_request(j, code, wire, e)
			 : rv_fail(e, RV_ENOTFOUND, "%.20s has not asked to join", code);
	pthread_mutex_unlock(&j->lock);
	return rc;
}

int joins_guests(struct joins *j, char (**keys_r)[RV_CURVE_KEY_TEXT], size_t *n_r)
{
	int64_t now_us = now_of(j);
	pthread_mutex_lock(&j->lock);
	char(*keys)[RV_CURVE_KEY_TEXT] = calloc(j->n + 1, sizeof(*keys));
	size_t n = 0;
	for (size_t i = 0; i < j->n && keys != NULL; i++) {
		const struct joins_invite *v = &j->entries[i].row.invite;
		if (v->guest[0] != '\0' && now_us <= v->expires_us + JOINS_LATE_US) {
			memcpy(keys[n++], v->guest, RV_CURVE_KEY_TEXT);
		}
	}
	pthread_mutex_unlock(&j->lock);
	*keys_r = keys;
	*n_r = n;
	return keys != NULL ? 0 : RV_ENOMEM;
}

int joins_is_guest(struct joins *j, const char *key)
{
	int64_t now_us = now_of(j);
	pthread_mutex_lock(&j->lock);
	const struct entry *x = find_guest(j, key);
	int is = x != NULL && now_us <= x->row.invite.expires_us + JOINS_LATE_US;
	pthread_mutex_unlock(&j->lock);
	return is;
}
