/* SPDX-License-Identifier: Apache-2.0 */
#include "node/daemon/rotate.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "node/trust/joins.h"
#include "node/trust/rotation.h"

struct rotate {
	struct rotate_params p;
	int64_t sent_us;     /* when the request went last; 0: never */
	int64_t listed_us;   /* since when the list has the keys; 0: it has not */
	atomic_int under_way; /* a voucher is being signed */
};

int rotate_new(struct rotate **r_r, const struct rotate_params *p, struct rv_err *e)
{
	struct rotate *r = calloc(1, sizeof(*r));
	if (r == NULL) {
		return rv_fail_nomem(e);
	}
	r->p = *p;
	*r_r = r;
	return 0;
}

void rotate_free(struct rotate **r)
{
	if (r != NULL) {
		free(*r);
		*r = NULL;
	}
}

/* ---- the voucher: signed in the committer, which has the channel to the keeper ---- */

struct vouch_job {
	struct commit_job job;
	struct rotate *rotate;
	struct rv_buf request, signature;
	struct rv_vouch vouch;
};

static int run_vouch(struct commit_job *job, const struct commit_scope *scope)
{
	struct vouch_job *v = (struct vouch_job *)job;
	uint8_t vouched[JOINS_VOUCHED_LEN];
	joins_vouched(vouched, (struct rv_span){v->request.data, v->request.len});
	v->vouch.alg = (uint8_t)scope->signer->alg;
	memcpy(v->vouch.code, scope->signer->code, sizeof(v->vouch.code));
	memcpy(v->vouch.cert_digest, scope->signer->cert_digest, RV_DIGEST_LEN);
	return scope->signer->sign(scope->signer->ctx, vouched, sizeof(vouched), &v->signature,
		&job->err);
}

static void done_vouch(struct commit_job *job, int rc)
{
	struct vouch_job *v = (struct vouch_job *)job;
	struct rotate *r = v->rotate;
	if (rc == 0) {
		v->vouch.signature = (struct rv_span){v->signature.data, v->signature.len};
		links_renew(r->p.links, (struct rv_span){v->request.data, v->request.len}, &v->vouch);
	} else {
		log_err(r->p.log, LOG_LVL_WARNING, "the new keys cannot be vouched for now", &job->err,
			NULL);
	}
	rv_buf_free(&v->request);
	rv_buf_free(&v->signature);
	free(v);
	atomic_store(&r->under_way, 0);
}

static void send(struct rotate *r, const struct rv_buf *request)
{
	struct vouch_job *v = calloc(1, sizeof(*v));
	if (v == NULL || rv_buf_put(&v->request, request->data, request->len) != 0) {
		free(v);
		return; /* at the next time */
	}
	v->job.run = run_vouch;
	v->job.done = done_vouch;
	v->job.signs = 1;
	v->rotate = r;
	atomic_store(&r->under_way, 1);
	if (committer_post(r->p.committer, &v->job) != 0) {
		rv_buf_free(&v->request);
		free(v);
		atomic_store(&r->under_way, 0);
	}
}

/* ---- the change over ---- */

/* Every peer that is linked has this list, so that none of them refuses the new key. */
static int peers_know(const struct rotate *r, uint64_t number)
{
	struct links_status *s = NULL;
	int know = 1;
	if (links_status(r->p.links, &s, NULL) != 0) {
		return 0;
	}
	for (size_t i = 0; i < s->n_rows; i++) {
		know &= strcmp(s->rows[i].state, "up") != 0 || s->rows[i].trust_number >= number;
	}
	links_status_free(&s);
	return know;
}

static int change_over(struct rotate *r, const struct rv_trust *t, const struct rv_join *j,
	int64_t now_us)
{
	struct rv_err e = {0};
	if (r->listed_us == 0) {
		r->listed_us = now_us;
	}
	if (!peers_know(r, rv_trust_number(t)) && now_us - r->listed_us < ROTATE_PATIENCE_US) {
		return 0;
	}
	if (rotation_stage(r->p.conf, t, j, now_us, &e) != 0) {
		log_err(r->p.log, LOG_LVL_ERROR, "the new keys cannot be put in place", &e, NULL);
		return 0;
	}
	log_event(r->p.log, LOG_LVL_INFO, "new keys: starting with them", NULL);
	return 1;
}

int rotate_look(struct rotate *r)
{
	struct rv_buf request = {0};
	struct rv_join j = {.made_us = 0};
	struct rv_err e = {0};
	int64_t now_us = r->p.clock.now_us(r->p.clock.ctx);
	int restart = 0;
	int rc = rotation_request(r->p.conf, &request, &e);
	if (rc == 0) {
		rc = rv_join_read(&j, request.data, request.len, &e);
	}
	if (rc == 0) {
		struct rv_trust *t = trust_get(r->p.trust);
		if (joins_is_listed(t, &j, now_us)) {
			restart = change_over(r, t, &j, now_us);
		} else if (!atomic_load(&r->under_way) &&
			   (r->sent_us == 0 || now_us - r->sent_us >= ROTATE_AGAIN_US ||
				   now_us < r->sent_us)) {
			r->sent_us = now_us;
			send(r, &request);
		}
		rv_trust_unref(&t);
	}
	rv_join_clear(&j);
	rv_buf_free(&request);
	return restart;
}
