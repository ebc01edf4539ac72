/* SPDX-License-Identifier: Apache-2.0 */
#include "node/link/session_int.h"

#include <stdlib.h>
#include <string.h>

/*
 * Receipts travel in numbered batches. The sender has few under way and keeps only their ids; the
 * receiver answers each once it is durable (or cannot be now), so neither needs a timer.
 */

void receipts_free(struct session *s)
{
	for (size_t i = 0; i < BATCHES_IN; i++) {
		free(s->receipts.in[i].messages);
	}
}

void session_wake_receipts(struct session *s)
{
	s->receipts.maybe = 1;
	s->receipts.rescan = 1;
}

/* ---- ours to the peer ---- */

static int under_way(const struct receipts *r, int64_t id, int64_t now_us)
{
	for (size_t b = 0; b < BATCHES_OUT; b++) {
		for (size_t i = 0; r->out[b].number != 0 && i < r->out[b].n; i++) {
			if (r->out[b].ids[i] == id) {
				return 1;
			}
		}
	}
	/* acknowledged, but the store may not have noted it yet */
	for (size_t b = 0; b < ACKED_KEPT; b++) {
		for (size_t i = 0; r->acked[b].until_us > now_us && i < r->acked[b].n; i++) {
			if (r->acked[b].ids[i] == id) {
				return 1;
			}
		}
	}
	return 0;
}

static struct batch_out *free_batch(struct receipts *r)
{
	for (size_t b = 0; b < BATCHES_OUT; b++) {
		if (r->out[b].number == 0) {
			return &r->out[b];
		}
	}
	return NULL;
}

/* 1: sent; 0: all of them are under way already; negative: the channel does not take them. */
static int send_batch(struct session *s, struct batch_out *b, const struct store_receipt_due *list,
	size_t n, struct session_time now)
{
	struct receipts *r = &s->receipts;
	struct rv_span spans[2 + RV_RECEIPT_MAX_BATCH];
	struct rv_buf number = {0};
	size_t k = 0;
	for (size_t i = 0; i < n; i++) {
		if (!under_way(r, list[i].id, now.mono_us)) {
			b->ids[k] = list[i].id;
			spans[2 + k].data = list[i].bytes;
			spans[2 + k].len = list[i].len;
			k++;
		}
	}
	int rc = 0;
	if (k > 0) {
		rc = rv_batch_put(&number, r->last_out + 1);
		spans[1].data = number.data;
		spans[1].len = number.len;
		rc = rc == 0 ? session_send_spans(s, RV_CMD_RECEIPTS, spans, k + 2) : rc;
	}
	rv_buf_free(&number);
	if (rc != 0) {
		return rc;
	}
	r->cursor = list[n - 1].id;
	if (k > 0) {
		b->n = k;
		b->number = ++r->last_out;
	}
	return k > 0;
}

static int read_receipts(struct session *s, struct store_receipt_due **list_r, size_t *n_r)
{
	int rc = s->p.calls->receipts_due(
		s->p.ctx, s->receipts.cursor, RV_RECEIPT_MAX_BATCH, list_r, n_r);
	if (rc != 0 && rc != RV_EAGAIN && rc != RV_ENOMEM) {
		struct rv_err e;
		rv_fail(&e, rc, "receipts that are due could not be read: %s", rv_strcode(rc));
		session_broken(s, &e);
	}
	return rc;
}

int receipts_send(struct session *s, struct session_time now)
{
	struct receipts *r = &s->receipts;
	struct batch_out *b = free_batch(r);
	int sent = 0;
	if (!s->leads || b == NULL || now.mono_us < r->not_before_us) {
		return 0;
	}
	while (sent == 0 && r->maybe) {
		struct store_receipt_due *list = NULL;
		size_t n = 0;
		if (read_receipts(s, &list, &n) != 0) {
			return 0;
		}
		if (n == 0) {
			r->maybe = 0;
		} else {
			sent = send_batch(s, b, list, n, now);
		}
		s->p.calls->receipts_due_free(s->p.ctx, list, n);
	}
	return sent > 0;
}

/* One that was sent before may be queued again under its old number: after a wake, read from the
 * start now and then. */
void receipts_tick(struct session *s, struct session_time now)
{
	struct receipts *r = &s->receipts;
	int64_t since = now.mono_us - r->rescanned_us;
	if ((r->rescan && since >= RESCAN_MIN_US) || since >= RESCAN_MAX_US) {
		r->rescan = 0;
		r->rescanned_us = now.mono_us;
		r->cursor = 0;
		r->maybe = 1;
	}
}

void receipts_ack_frame(
	struct session *s, const struct rv_span *parts, size_t n, struct session_time now)
{
	struct receipts *r = &s->receipts;
	struct batch_out *b = NULL;
	struct rv_ack ack;
	struct rv_err e = {0};
	int rc = rv_ack_parse(&ack, parts[0].data, parts[0].len, &e);
	for (size_t i = 0; rc == 0 && i < BATCHES_OUT; i++) {
		if (r->out[i].number == ack.batch) {
			b = &r->out[i];
		}
	}
	if (rc == 0 && b == NULL) {
		rc = rv_fail_rule(&e, RV_EPARSE, "LINK-BATCH",
			"RECEIPTS_ACK for batch %llu, which is not under way",
			(unsigned long long)ack.batch);
	}
	if (rc != 0) {
		session_fault(s, RV_BYE_PROTOCOL, &e);
		return;
	}
	b->number = 0;
	r->maybe = 1;
	if (ack.status == RV_ACK_DURABLE) {
		r->acked[r->next_acked].until_us = now.mono_us + 5 * SEC;
		r->acked[r->next_acked].n = b->n;
		memcpy(r->acked[r->next_acked].ids, b->ids, b->n * sizeof(b->ids[0]));
		r->next_acked = (r->next_acked + 1) % ACKED_KEPT;
		s->p.calls->receipts_done(s->p.ctx, b->ids, b->n);
	} else {
		r->not_before_us = now.mono_us + 5 * SEC;
		r->cursor = b->ids[0] - 1;
	}
}

/* ---- the peer's to us ---- */

/* Of which messages they speak: once they are durable, those are not in flight any more. */
static int note_messages(struct batch_in *b, const struct rv_span *list, size_t n)
{
	b->messages = calloc(n, sizeof(*b->messages));
	if (b->messages == NULL) {
		return RV_ENOMEM;
	}
	b->n = 0;
	for (size_t i = 0; i < n; i++) {
		struct rv_receipt r = {0};
		if (rv_receipt_parse(&r, list[i].data, list[i].len, NULL) == 0) {
			memcpy(b->messages[b->n++], r.message, RV_UUID_LEN);
			rv_receipt_clear(&r);
		}
	}
	return 0;
}

void receipts_frame(struct session *s, const struct rv_span *parts, size_t n)
{
	struct receipts *r = &s->receipts;
	struct batch_in *b = NULL;
	struct rv_err e = {0};
	uint64_t number = 0;
	int rc = rv_batch_parse(&number, parts[0].data, parts[0].len, &e);
	if (rc == 0 && number != r->last_in + 1) {
		rc = rv_fail_rule(&e, RV_EPARSE, "LINK-BATCH", "batch %llu follows batch %llu",
			(unsigned long long)number, (unsigned long long)r->last_in);
	}
	for (size_t i = 1; rc == 0 && i < n; i++) {
		if (parts[i].len == 0 || parts[i].len > RV_RECEIPT_MAX_BYTES) {
			rc = rv_fail_rule(&e, RV_ELIMIT, "LINK-RECEIPT",
				"a receipt of %zu bytes; the limit is %d", parts[i].len,
				RV_RECEIPT_MAX_BYTES);
		}
	}
	if (rc != 0) {
		session_fault(s, RV_BYE_PROTOCOL, &e);
		return;
	}
	for (size_t i = 0; i < BATCHES_IN && b == NULL; i++) {
		b = r->in[i].number == 0 ? &r->in[i] : NULL;
	}
	if (b == NULL) {
		rv_fail_rule(&e, RV_ELIMIT, "LINK-BATCH",
			"%s has more than %d batches of receipts under way", s->p.peer, BATCHES_IN);
		session_fault(s, RV_BYE_CREDIT, &e);
		return;
	}
	r->last_in = number;
	b->number = number;
	b->state = 0;
	if (note_messages(b, parts + 1, n - 1) != 0 ||
		s->p.calls->receipts(s->p.ctx, parts + 1, n - 1, (uint32_t)number) != 0) {
		b->state = 2;
	}
}

void session_fate_receipts(struct session *s, uint32_t handle, int fate)
{
	for (size_t i = 0; i < BATCHES_IN; i++) {
		struct batch_in *b = &s->receipts.in[i];
		if (b->number == 0 || (uint32_t)b->number != handle || b->state != 0 ||
			s->state == SESSION_ENDED) {
			continue;
		}
		b->state = fate == 0 ? 1 : 2;
		for (size_t k = 0; fate == 0 && k < b->n; k++) {
			flights_remove(&s->out.flights, b->messages[k]);
		}
	}
}

int receipts_send_acks(struct session *s, struct session_time now)
{
	for (size_t i = 0; i < BATCHES_IN; i++) {
		struct batch_in *b = &s->receipts.in[i];
		if (b->number == 0 || b->state == 0) {
			continue;
		}
		struct rv_buf body = {0};
		struct rv_ack ack = {b->number, b->state == 1 ? RV_ACK_DURABLE : RV_ACK_LATER};
		rv_ack_put(&body, &ack);
		int rc = session_send(s, RV_CMD_RECEIPTS_ACK, &body, 1);
		rv_buf_free(&body);
		if (rc != 0) {
			return 0;
		}
		free(b->messages);
		memset(b, 0, sizeof(*b));
		return 1;
	}
	return 0;
}
