/* SPDX-License-Identifier: Apache-2.0 */
#include "node/link/session_int.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/wire.h"

/*
 * Messages of the peer: within the credit granted, each holds a slot until the intake tells its
 * fate, and only then does its credit go back. So the intake never has more of one peer than the
 * window, however slow it is.
 */

int in_init(struct session *s)
{
	struct receiving *in = &s->in;
	in->window.messages = in->granted.messages = in->told.messages = s->p.credit_messages;
	in->window.bytes = in->granted.bytes = in->told.bytes = s->p.credit_bytes;
	return 0;
}

void in_free(struct session *s)
{
	free(s->in.slots);
	free(s->in.defers);
}

/* ---- slots ---- */

static int slot_take(
	struct receiving *in, const uint8_t message[RV_UUID_LEN], uint32_t cost, uint32_t *handle_r)
{
	size_t i = in->free_hint;
	while (i < in->n_slots && in->slots[i].cost != 0) {
		i++;
	}
	if (i == in->cap_slots) {
		size_t cap = in->cap_slots == 0 ? 16 : in->cap_slots * 2;
		struct arrival *more = realloc(in->slots, cap * sizeof(*more));
		if (more == NULL) {
			return RV_ENOMEM;
		}
		in->slots = more;
		in->cap_slots = cap;
	}
	if (i == in->n_slots) {
		memset(&in->slots[in->n_slots++], 0, sizeof(*in->slots));
	}
	memcpy(in->slots[i].message, message, RV_UUID_LEN);
	in->slots[i].cost = cost;
	in->free_hint = i + 1;
	in->outstanding++;
	in->outstanding_bytes += cost;
	*handle_r = in->slots[i].generation << 20 | (uint32_t)i;
	return 0;
}

static struct arrival *slot_of(struct receiving *in, uint32_t handle)
{
	size_t i = handle & 0xfffff;
	if (i >= in->n_slots || in->slots[i].cost == 0 || in->slots[i].generation != handle >> 20) {
		return NULL;
	}
	return &in->slots[i];
}

/* Frees the slot and gives its credit back. */
static void slot_free(struct receiving *in, struct arrival *a)
{
	in->granted.messages++;
	in->granted.bytes += a->cost;
	in->outstanding_bytes -= a->cost;
	a->cost = 0;
	a->generation = (a->generation + 1) & 0xfff;
	in->outstanding--;
	size_t i = (size_t)(a - in->slots);
	if (i < in->free_hint) {
		in->free_hint = i;
	}
}

/* ---- arrival ---- */

static int put_off(struct session *s, const struct rv_defer *d)
{
	struct receiving *in = &s->in;
	if (in->n_defers == in->cap_defers) {
		size_t cap = in->cap_defers == 0 ? 8 : in->cap_defers * 2;
		struct rv_defer *more = realloc(in->defers, cap * sizeof(*more));
		if (more == NULL) {
			return RV_ENOMEM; /* the peer offers it again when nothing is heard of it */
		}
		in->defers = more;
		in->cap_defers = cap;
	}
	in->defers[in->n_defers++] = *d;
	return 0;
}

static void put_off_busy(struct session *s, const uint8_t message[RV_UUID_LEN])
{
	struct rv_defer d = {.wait_s = 5, .code = "BUSY", .text = "the node has much to do"};
	memcpy(d.message, message, RV_UUID_LEN);
	put_off(s, &d);
}

static int take_item(struct session *s, const struct rv_item *item, size_t cost)
{
	uint32_t handle;
	struct rv_err e = {0};
	if (slot_take(&s->in, item->message, (uint32_t)cost, &handle) != 0) {
		rv_fail_nomem(&e);
		session_broken(s, &e);
		return RV_ECLOSED;
	}
	s->in.received++;
	if (s->p.calls->message(s->p.ctx, item, handle) != 0) {
		put_off_busy(s, item->message);
		slot_free(&s->in, slot_of(&s->in, handle));
	}
	return 0;
}

void in_messages_frame(struct session *s, const struct rv_span *parts, size_t n)
{
	struct receiving *in = &s->in;
	for (size_t i = 0; i < n; i++) {
		struct rv_item item;
		struct rv_err e = {0};
		in->got.messages++;
		in->got.bytes += parts[i].len;
		if (in->got.messages > in->told.messages || in->got.bytes > in->told.bytes) {
			rv_fail_rule(&e, RV_ELIMIT, "LINK-CREDIT",
				"%s sent %llu messages with %llu bytes where %llu and %llu were "
				"granted",
				s->p.peer, (unsigned long long)in->got.messages,
				(unsigned long long)in->got.bytes,
				(unsigned long long)in->told.messages,
				(unsigned long long)in->told.bytes);
			session_fault(s, RV_BYE_CREDIT, &e);
			return;
		}
		int rc = rv_item_parse(&item, parts[i].data, parts[i].len, &e);
		if (rc == RV_ENOMEM) {
			session_broken(s, &e);
			return;
		}
		if (rc != 0) {
			session_fault(s, RV_BYE_PROTOCOL, &e);
			return;
		}
		rc = take_item(s, &item, parts[i].len);
		rv_item_clear(&item);
		if (rc != 0) {
			return;
		}
	}
}

void session_fate_message(
	struct session *s, uint32_t handle, int fate, const struct rv_defer *defer)
{
	struct arrival *a = slot_of(&s->in, handle);
	if (a == NULL) {
		return;
	}
	if (fate != 0 && s->state != SESSION_ENDED) {
		struct rv_defer d = {.wait_s = DEFER_DEFAULT_S, .code = "LATER"};
		if (defer != NULL) {
			d = *defer;
		}
		memcpy(d.message, a->message, RV_UUID_LEN);
		d.wait_s = d.wait_s < 1                   ? 1
			   : d.wait_s > RV_DEFER_MAX_WAIT ? RV_DEFER_MAX_WAIT
							  : d.wait_s;
		rv_wire_rule_mend(d.code);
		d.text[sizeof(d.text) - 1] = '\0';
		rv_wire_text_mend(d.text);
		put_off(s, &d);
	}
	slot_free(&s->in, a);
}

uint64_t session_at_intake(const struct session *s, uint64_t *bytes_r)
{
	*bytes_r = s->in.outstanding_bytes;
	return s->in.outstanding;
}

/* ---- answers ---- */

int in_send_defers(struct session *s, struct session_time now)
{
	struct receiving *in = &s->in;
	struct rv_buf parts[RV_FRAME_MAX_DEFERS];
	size_t n = in->n_defers < RV_FRAME_MAX_DEFERS ? in->n_defers : RV_FRAME_MAX_DEFERS;
	if (n == 0) {
		return 0;
	}
	memset(parts, 0, sizeof(parts));
	for (size_t i = 0; i < n; i++) {
		rv_defer_put(&parts[i], &in->defers[i]);
	}
	int rc = session_send(s, RV_CMD_DEFER, parts, n);
	for (size_t i = 0; i < n; i++) {
		rv_buf_free(&parts[i]);
	}
	if (rc == 0) {
		in->n_defers -= n;
		memmove(in->defers, in->defers + n, in->n_defers * sizeof(*in->defers));
	}
	return rc == 0;
}

/* Told when a quarter of the window came back, when nothing is at the intake, and now and then. */
int in_send_credit(struct session *s, struct session_time now)
{
	struct receiving *in = &s->in;
	uint64_t messages = in->granted.messages - in->told.messages;
	uint64_t bytes = in->granted.bytes - in->told.bytes;
	if (messages == 0 || (messages < in->window.messages / 4 && bytes < in->window.bytes / 4 &&
				     in->outstanding > 0 && !s->credit_due)) {
		return 0;
	}
	struct rv_buf body = {0};
	struct rv_credit c = in->granted;
	rv_credit_put(&body, &c);
	int rc = session_send(s, RV_CMD_CREDIT, &body, 1);
	rv_buf_free(&body);
	if (rc == 0) {
		in->told = c;
		s->credit_due = 0;
	}
	return rc == 0;
}
