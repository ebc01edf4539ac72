/* SPDX-License-Identifier: Apache-2.0 */
#include "node/link/session_int.h"

#include <stdlib.h>
#include <string.h>

/* What we send: messages by priority within the peer's credit, receipts in batches. */

void session_send_free(struct session *s)
{
	struct flight *f;
	for (size_t at = 0; (f = map_next(&s->flights, &at)) != NULL;) {
		free(f);
	}
	map_free(&s->flights);
}

/* The peer has said what became of it. */
void session_landed(struct session *s, const uint8_t message[RV_UUID_LEN])
{
	free(map_take(&s->flights, message));
}

void session_on_defer(struct session *s, const struct rv_defer *d, int64_t now_us)
{
	struct flight *f = map_get(&s->flights, d->message);
	if (f != NULL) {
		f->not_before_us = now_us + (int64_t)d->wait_s * 1000000;
		s->requeue_check_us = 0;
	}
}

/*
 * What was put off long enough, or has no receipt for very long, is forgotten here, so that the next rescan offers it again.
 */
static void forget_overdue(struct session *s, int64_t now_us)
{
	struct flight *overdue[64];
	size_t n = 0;
	struct flight *f;
	if (now_us - s->requeue_check_us < 1000000 && s->requeue_check_us <= now_us) {
		return;
	}
	s->requeue_check_us = now_us;
	for (size_t at = 0; n < 64 && (f = map_next(&s->flights, &at)) != NULL;) {
		int due = f->not_before_us != 0 ? now_us >= f->not_before_us : now_us - f->at_us >= SESSION_AGAIN_US;
		if (due) {
			overdue[n++] = f;
		}
	}
	for (size_t i = 0; i < n; i++) {
		session_landed(s, overdue[i]->message);
	}
	s->rescan |= n > 0;
}

static int encode_item(struct rv_buf *body, const struct store_due *d)
{
	struct rv_item item = {.priority = (uint8_t)d->priority, .hops = (uint8_t)(d->hops + 1), .recipients = d->recipients,
		.n_recipients = d->n_recipients, .wire = {d->wire, d->wire_len}};
	size_t len = d->trail != NULL ? strlen(d->trail) : 0;
	if (len >= sizeof(item.trail)) {
		return RV_ELIMIT;
	}
	memcpy(item.message, d->message, RV_UUID_LEN);
	memcpy(item.trail, d->trail != NULL ? d->trail : "", len + 1);
	return rv_item_put(body, &item);
}

static int remember(struct session *s, const struct store_due *d, int64_t now_us)
{
	struct flight *f = calloc(1, sizeof(*f));
	if (f == NULL) {
		return RV_ENOMEM;
	}
	memcpy(f->message, d->message, RV_UUID_LEN);
	f->seq = d->seq;
	f->priority = d->priority;
	f->at_us = now_us;
	if (map_put(&s->flights, d->message, f) != 0) {
		free(f);
		return RV_ENOMEM;
	}
	return 0;
}

/* Sends those of the list that are not in flight and that the credit covers; how many of the list were dealt with. */
static size_t send_list(struct session *s, const struct store_due *list, size_t n, int64_t now_us)
{
	struct rv_buf bodies[SESSION_FRAME_MESSAGES];
	int64_t seqs[SESSION_FRAME_MESSAGES];
	size_t out = 0;
	size_t dealt = 0;
	uint64_t bytes = 0;
	memset(bodies, 0, sizeof(bodies));
	for (; dealt < n && out < SESSION_FRAME_MESSAGES; dealt++) {
		const struct store_due *d = &list[dealt];
		if (map_get(&s->flights, d->message) != NULL) {
			continue;
		}
		if (encode_item(&bodies[out], d) != 0) {
			rv_buf_free(&bodies[out]);
			continue;   /* cannot be sent in this version; it stays in the store, where status shows it */
		}
		if (s->did_messages + out + 1 > s->may_messages || s->did_bytes + bytes + bodies[out].len > s->may_bytes ||
			s->flights.count >= SESSION_IN_FLIGHT_MAX || remember(s, d, now_us) != 0) {
			rv_buf_free(&bodies[out]);
			break;
		}
		bytes += bodies[out].len;
		seqs[out++] = d->seq;
	}
	if (out > 0 && session_send_bodies(s, RV_CMD_MESSAGES, bodies, out) == 0) {
		s->did_messages += out;
		s->did_bytes += bytes;
		s->sent += out;
		s->p.host->sent(s->p.host->ctx, s, seqs, out);
	}
	for (size_t i = 0; i < out; i++) {
		rv_buf_free(&bodies[i]);
	}
	return dealt;
}

static int has_credit(const struct session *s)
{
	return s->did_messages < s->may_messages && s->did_bytes < s->may_bytes && s->flights.count < SESSION_IN_FLIGHT_MAX;
}

/* One priority, until nothing is due or the credit is used up. 0: the credit is used up. */
static int send_priority(struct session *s, unsigned priority, int64_t now_us)
{
	while (s->state == STATE_UP) {
		struct store_due *list = NULL;
		size_t n = 0;
		if (!has_credit(s)) {
			return 0;
		}
		if (s->p.host->due(s->p.host->ctx, s, priority, s->after_seq[priority], SESSION_FRAME_MESSAGES, SESSION_FRAME_BYTES, &list,
			&n) != 0 || n == 0) {
			return 1;
		}
		size_t dealt = send_list(s, list, n, now_us);
		if (dealt > 0) {
			s->after_seq[priority] = list[dealt - 1].seq;
		}
		store_due_clear(list, n);
		if (dealt < n) {
			return 0;
		}
	}
	return 0;
}

static void send_messages(struct session *s, int64_t now_us)
{
	forget_overdue(s, now_us);
	if (now_us - s->rescanned_us > SESSION_RESCAN_US) {
		s->rescan = 1;
	}
	if (s->rescan && (now_us - s->rescanned_us >= SESSION_RESCAN_MIN_US || s->rescanned_us > now_us)) {
		memset(s->after_seq, 0, sizeof(s->after_seq));
		s->rescan = 0;
		s->rescanned_us = now_us;
	}
	for (unsigned priority = 0; priority < SESSION_PRIORITIES; priority++) {
		if (!send_priority(s, priority, now_us)) {
			return;
		}
	}
}

/* ---- receipts ---- */

static int send_batch(struct session *s, const struct store_receipt_due *list, size_t n)
{
	struct rv_buf bodies[1 + SESSION_RECEIPTS_IN_FRAME];
	struct receipt_batch *b = &s->batches[s->n_batches];
	uint64_t bytes = 0;
	size_t used = 0;
	memset(bodies, 0, sizeof(bodies));
	int rc = rv_batch_put(&bodies[0], s->next_batch);
	while (rc == 0 && used < n && s->did_bytes + bytes + list[used].len <= s->may_bytes) {
		rc = rv_buf_put(&bodies[1 + used], list[used].bytes, list[used].len);
		b->ids[used] = list[used].id;
		bytes += list[used++].len;
	}
	if (rc == 0 && used > 0 && session_send_bodies(s, RV_CMD_RECEIPTS, bodies, 1 + used) == 0) {
		b->number = s->next_batch++;
		b->n = used;
		s->n_batches++;
		s->did_bytes += bytes;
		s->receipts_after = list[used - 1].id;
	} else {
		used = 0;
	}
	for (size_t i = 0; i < 1 + SESSION_RECEIPTS_IN_FRAME; i++) {
		rv_buf_free(&bodies[i]);
	}
	return used == n;
}

/* Receipts may be queued anew below what was sent last (the peer offered a message again): looked for when nothing is under way. */
static void look_below(struct session *s, int64_t now_us)
{
	if (s->n_batches == 0 && s->receipts_after > 0 &&
		(now_us - s->receipts_restart_us >= SESSION_RECEIPTS_AGAIN_US || s->receipts_restart_us > now_us)) {
		s->receipts_after = 0;
		s->receipts_restart_us = now_us;
	}
}

static void send_receipts(struct session *s, int64_t now_us)
{
	int more = 1;
	look_below(s, now_us);
	while (more && s->state == STATE_UP && s->n_batches < SESSION_RECEIPT_BATCHES) {
		struct store_receipt_due *list = NULL;
		size_t n = 0;
		if (s->p.host->receipts_due(s->p.host->ctx, s, s->receipts_after, SESSION_RECEIPTS_IN_FRAME, &list, &n) != 0 || n == 0) {
			return;
		}
		more = send_batch(s, list, n) && n == SESSION_RECEIPTS_IN_FRAME;
		store_receipts_due_clear(list, n);
	}
}

void session_on_receipts_ack(struct session *s, const struct rv_ack *ack, int64_t now_us)
{
	for (size_t i = 0; i < s->n_batches; i++) {
		struct receipt_batch *b = &s->batches[i];
		if (b->number != ack->batch) {
			continue;
		}
		if (ack->status == RV_ACK_DURABLE) {
			s->p.host->receipts_done(s->p.host->ctx, s, b->ids, b->n);
		} else {
			s->receipts_after = 0;
			s->receipts_not_before_us = now_us + SESSION_RETRY_US;
		}
		*b = s->batches[--s->n_batches];
		session_pump(s, now_us);
		return;
	}
	session_fault(s, RV_BYE_PROTOCOL, "RECEIPTS_ACK: batch %llu was not sent, or acknowledged before", (unsigned long long)ack->batch);
}

/* ---- both ---- */

void session_pump(struct session *s, int64_t now_us)
{
	if (s->state == STATE_UP && s->primary) {
		if (now_us >= s->receipts_not_before_us || s->receipts_not_before_us > now_us + SESSION_RETRY_US) {
			send_receipts(s, now_us);
		}
		send_messages(s, now_us);
	}
}

void session_wake(struct session *s, unsigned what, int64_t now_us)
{
	if (s->state != STATE_UP) {
		return;
	}
	if (what & SESSION_RESCAN) {
		s->rescan = 1;
	}
	if (what & SESSION_FETCHES) {
		session_load_fetches(s, now_us);
	}
	session_pump(s, now_us);
}

void session_set_primary(struct session *s, int primary, int64_t now_us)
{
	if (s->primary != primary) {
		s->primary = primary;
		s->rescan = 1;
		s->receipts_after = 0;
		s->rescanned_us = 0;
		session_wake(s, SESSION_FETCHES, now_us);
	}
}
