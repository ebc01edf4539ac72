/* SPDX-License-Identifier: Apache-2.0 */
#include "node/link/session_int.h"

#include <stdlib.h>
#include <string.h>

/*
 * The status of certificates on its way: before the first message of a member, and whenever there is
 * something newer, the peer gets the CRLs and OCSP responses that it needs to judge that member's
 * messages. So a node without the internet can do so too. Who gets them verifies them itself.
 */

enum {
	KNOWN = 1024,        /* digests of what the peer has */
	COVERED_MAX = 4096,  /* members */
	ITEMS_MAX = 32,      /* of one member: a path, each by CRL and OCSP, for a few certificates */
	BURST_FRAMES = 1024, /* then FRAMES_A_SECOND; the receiver allows twice that */
	FRAMES_A_SECOND = 10
};
#define BURST_BYTES (INT64_C(32) << 20)
#define BYTES_A_SECOND (INT64_C(512) << 10)

void status_free(struct session *s)
{
	free(s->carrying.covered);
	free(s->carrying.known);
}

/* ---- rates ---- */

static int64_t at_most(int64_t v, int64_t most)
{
	return v < most ? v : most;
}

/* 1: a frame of that many bytes is within the rate, and counted. */
static int within(struct carrying_rate *r, size_t len, int64_t times, int64_t now_us)
{
	if (r->at_us == 0) {
		r->frames = times * BURST_FRAMES * 1000;
		r->bytes = times * BURST_BYTES;
	} else {
		int64_t passed = at_most(now_us - r->at_us, 3600 * SEC);
		r->frames = at_most(r->frames + times * FRAMES_A_SECOND * passed / 1000,
			times * BURST_FRAMES * 1000);
		r->bytes = at_most(r->bytes + times * BYTES_A_SECOND * (passed / 1000) / 1000,
			times * BURST_BYTES);
	}
	r->at_us = now_us;
	if (r->frames < 1000 || r->bytes < (int64_t)len) {
		return 0;
	}
	r->frames -= 1000;
	r->bytes -= (int64_t)len;
	return 1;
}

/* ---- what the peer has ---- */

static int is_known(const struct carrying *c, const uint8_t digest[RV_DIGEST_LEN])
{
	size_t n = c->n_known < KNOWN ? c->n_known : KNOWN;
	for (size_t i = 0; i < n; i++) {
		if (memcmp(c->known[i], digest, RV_DIGEST_LEN) == 0) {
			return 1;
		}
	}
	return 0;
}

/* Without memory for it, it is sent again some time. */
static void know(struct carrying *c, const uint8_t digest[RV_DIGEST_LEN])
{
	if (c->known == NULL) {
		c->known = calloc(KNOWN, sizeof(*c->known));
	}
	if (c->known != NULL && !is_known(c, digest)) {
		memcpy(c->known[c->n_known++ % KNOWN], digest, RV_DIGEST_LEN);
	}
}

static int is_covered(const struct carrying *c, const char *member)
{
	/* messages of one member come in runs, and the last ones covered are the likeliest */
	for (size_t i = c->n_covered; i > 0; i--) {
		if (strcmp(c->covered[i - 1], member) == 0) {
			return 1;
		}
	}
	return 0;
}

static void cover(struct carrying *c, const char *member)
{
	if (c->n_covered == c->cap_covered) {
		size_t cap = c->cap_covered == 0 ? 16 : 2 * c->cap_covered;
		char(*more)[RV_CODE_TEXT] =
			cap <= COVERED_MAX ? realloc(c->covered, cap * sizeof(*more)) : NULL;
		if (more == NULL) {
			return;
		}
		c->covered = more;
		c->cap_covered = cap;
	}
	if (c->recheck == c->n_covered) {
		c->recheck++; /* it has just been looked at */
	}
	memcpy(c->covered[c->n_covered++], member, RV_CODE_TEXT);
}

/* ---- sending ---- */

static int send_item(struct session *s, const struct status_item *item)
{
	struct rv_status_head head = {.kind = (uint8_t)item->kind};
	struct rv_buf body = {0};
	memcpy(head.key, item->key, sizeof(head.key));
	int rc = rv_status_head_put(&body, &head);
	if (rc == 0) {
		struct rv_span spans[3] = {{NULL, 0}, {body.data, body.len}, item->bytes};
		rc = session_send_spans(s, RV_CMD_STATUS, spans, 3);
	}
	rv_buf_free(&body);
	return rc;
}

/* Sends one that the peer has not got. 1: it went; 0: there is none, or none may go now; else an
 * error. */
static int carry(struct session *s, const char *member, struct session_time now)
{
	struct carrying *c = &s->carrying;
	struct status_item items[ITEMS_MAX];
	size_t n = s->p.calls->status_due(s->p.ctx, member, items, ITEMS_MAX);
	for (size_t i = 0; i < n; i++) {
		if (items[i].bytes.len == 0 || items[i].bytes.len > RV_STATUS_CARRY_MAX ||
			is_known(c, items[i].digest)) {
			continue;
		}
		struct carrying_rate before = c->out;
		if (!within(&c->out, items[i].bytes.len, 1, now.mono_us)) {
			return 0;
		}
		int rc = send_item(s, &items[i]);
		if (rc != 0) {
			c->out = before;
			return rc;
		}
		know(c, items[i].digest);
		return 1;
	}
	return 0;
}

int status_before(struct session *s, const char *member, struct session_time now)
{
	int rc = 1;
	if (s->p.calls->status_due == NULL || member[0] == '\0' ||
		is_covered(&s->carrying, member)) {
		return 0;
	}
	while (rc == 1) {
		rc = carry(s, member, now);
	}
	if (rc == 0) {
		cover(&s->carrying, member);
	}
	return rc;
}

void session_status_changed(struct session *s)
{
	s->carrying.recheck = 0;
}

int status_send(struct session *s, struct session_time now)
{
	struct carrying *c = &s->carrying;
	if (s->p.calls->status_due == NULL) {
		return 0;
	}
	while (c->recheck < c->n_covered) {
		int rc = carry(s, c->covered[c->recheck], now);
		if (rc != 0) {
			return rc == 1;
		}
		c->recheck++;
	}
	return 0;
}

/* ---- getting ---- */

void status_frame(
	struct session *s, const struct rv_span *parts, size_t n, struct session_time now)
{
	struct rv_status_head head;
	struct rv_err e = {0};
	int rc = rv_status_head_parse(&head, parts[0].data, parts[0].len, &e);
	if (rc == 0 && (parts[1].len == 0 || parts[1].len > RV_STATUS_CARRY_MAX)) {
		rc = rv_fail_rule(&e, RV_ELIMIT, "FRAME-FIELD", "STATUS: %zu bytes, at most %d",
			parts[1].len, RV_STATUS_CARRY_MAX);
	}
	if (rc == 0 && !within(&s->carrying.in, parts[1].len, 2, now.mono_us)) {
		rc = rv_fail_rule(&e, RV_ELIMIT, "LINK-STATUS",
			"%s sends more status of certificates than %d frames a second", s->p.peer,
			2 * FRAMES_A_SECOND);
	}
	if (rc != 0) {
		session_fault(s, RV_BYE_PROTOCOL, &e);
		return;
	}
	struct status_item item = {.kind = (enum rv_status_source)head.kind, .bytes = parts[1]};
	memcpy(item.key, head.key, sizeof(item.key));
	rv_sha256(item.digest, parts[1].data, parts[1].len);
	know(&s->carrying, item.digest);
	if (s->p.calls->status != NULL) {
		s->p.calls->status(s->p.ctx, &item);
	}
}
