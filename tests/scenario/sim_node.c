/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/scenario/sim_int.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/receipt.h"

enum { RELAYED = 1u << RV_STAGE_RELAYED, STORED = 1u << RV_STAGE_STORED };

/* ---- what messages and blobs look like ---- */

static void message_id(uint8_t id[RV_UUID_LEN], size_t message)
{
	memset(id, 0x11, RV_UUID_LEN);
	id[6] = 0x71;
	id[8] = 0x81;
	id[14] = (uint8_t)(message >> 8);
	id[15] = (uint8_t)message;
}

static size_t message_of(struct sim *sim, const uint8_t id[RV_UUID_LEN])
{
	uint8_t want[RV_UUID_LEN];
	size_t message = (size_t)id[14] << 8 | id[15];
	message_id(want, message);
	if (message >= sim->n_messages || memcmp(want, id, sizeof(want)) != 0) {
		sim_fail(sim, "a message that nobody wrote");
	}
	return message;
}

static uint8_t wire_byte(size_t message, size_t at)
{
	return (uint8_t)(message * 31 + at * 7 + (at >> 8));
}

static void blob_digest(uint8_t digest[RV_DIGEST_LEN], unsigned blob)
{
	memset(digest, 0xb0, RV_DIGEST_LEN);
	digest[0] = (uint8_t)blob;
}

static uint8_t blob_byte(unsigned blob, uint64_t at)
{
	return (uint8_t)(blob * 13 + at * 3 + (at >> 9));
}

static unsigned hop_of(const struct sim *sim, unsigned node, size_t message)
{
	unsigned to = sim->messages[message].to;
	return to == node ? NOBODY : to > node ? node + 1 : node - 1;
}

/* ---- the store ---- */

static struct node *node_of(const struct half *h)
{
	return &h->sim->nodes[h->node];
}

static int is_complete(const struct sim *sim, const struct node *n, size_t message)
{
	const struct message *m = &sim->messages[message];
	for (size_t i = 0; i < m->n_blobs; i++) {
		if (n->have[m->blobs[i]] != sim->blob_size[m->blobs[i]] + 1) {
			return 0;
		}
	}
	return 1;
}

/* have counts one more than there is once the blob is whole, so that an empty one can be whole or not. */
static uint64_t blob_have(const struct sim *sim, const struct node *n, unsigned blob)
{
	uint64_t size = sim->blob_size[blob];
	return n->have[blob] > size ? size : n->have[blob];
}

static void queue_receipt(struct sim *sim, struct node *n, unsigned towards, const uint8_t *bytes, size_t len)
{
	struct queued_receipt *list = n->receipts[towards];
	for (size_t i = 0; i < n->n_receipts[towards]; i++) {
		if (list[i].len == len && memcmp(list[i].bytes, bytes, len) == 0) {
			list[i].done = 0; /* queued again under its old number */
			node_each(sim, n->index, towards, session_wake_receipts);
			return;
		}
	}
	if (n->n_receipts[towards] == n->cap_receipts[towards]) {
		n->cap_receipts[towards] = n->cap_receipts[towards] == 0 ? 64 : 2 * n->cap_receipts[towards];
		list = n->receipts[towards] = realloc(list, n->cap_receipts[towards] * sizeof(*list));
	}
	struct queued_receipt *r = &list[n->n_receipts[towards]++];
	*r = (struct queued_receipt){.id = (int64_t)n->n_receipts[towards], .bytes = malloc(len), .len = len};
	memcpy(r->bytes, bytes, len);
	node_each(sim, n->index, towards, session_wake_receipts);
}

static int fake_sign(void *ctx, const void *data, size_t len, struct rv_buf *out, struct rv_err *e)
{
	static const uint8_t zeros[64];
	return rv_buf_put(out, zeros, sizeof(zeros));
}

static void write_receipt(struct sim *sim, struct node *n, size_t message, enum rv_stage stage)
{
	char recipients[1][RV_CODE_TEXT];
	struct rv_signer signer = {.sign = fake_sign, .alg = RV_ALG_ECDSA_P256_SHA256};
	struct rv_receipt r = {.stage = stage, .time_us = (int64_t)message, .recipients = recipients, .n_recipients = 1};
	struct rv_buf bytes = {0};
	unsigned source = n->held[message].source;
	snprintf(signer.code, sizeof(signer.code), "%s", sim_code(n->index));
	snprintf(recipients[0], sizeof(recipients[0]), "%s", sim_code(sim->messages[message].to));
	message_id(r.message, message);
	if (rv_receipt_sign(&r, 1, &signer, &bytes, NULL) != 0) {
		sim_fail(sim, "a receipt could not be made");
	}
	queue_receipt(sim, n, source, bytes.data, bytes.len);
	rv_buf_free(&bytes);
}

/* What the commit of a whole message brings: receipts, the next hop. */
static void completed(struct sim *sim, struct node *n, size_t message)
{
	struct held *h = &n->held[message];
	struct message *m = &sim->messages[message];
	h->complete = 1;
	if (m->to == n->index) {
		if (m->stored_us != 0) {
			sim_fail(sim, "message %zu was stored twice", message);
		}
		m->stored_us = sim->now_us;
		write_receipt(sim, n, message, RV_STAGE_STORED);
	} else {
		if (h->source != NOBODY) {
			write_receipt(sim, n, message, RV_STAGE_RELAYED);
		}
		node_each(sim, n->index, hop_of(sim, n->index, message), session_wake);
	}
}

static void accept_message(struct sim *sim, struct node *n, size_t message, unsigned source)
{
	struct held *h = &n->held[message];
	if (h->accepted) {
		sim->counts.repetitions++;
		if (h->complete && h->source != NOBODY) {
			write_receipt(sim, n, message, sim->messages[message].to == n->index ? RV_STAGE_STORED : RV_STAGE_RELAYED);
		}
		return;
	}
	h->accepted = 1;
	h->source = source;
	h->seq = ++n->last_seq;
	n->order[h->seq] = (uint16_t)message;
	if (is_complete(sim, n, message)) {
		completed(sim, n, message);
	} else {
		node_each(sim, n->index, source, session_wake_fetches);
	}
}

void node_submit(struct sim *sim, size_t message)
{
	struct node *n = &sim->nodes[sim->messages[message].from];
	const struct message *m = &sim->messages[message];
	for (size_t i = 0; i < m->n_blobs; i++) {
		n->have[m->blobs[i]] = n->synced[m->blobs[i]] = sim->blob_size[m->blobs[i]] + 1;
	}
	accept_message(sim, n, message, NOBODY);
}

static void take_receipt(struct sim *sim, struct node *n, unsigned from, const uint8_t *bytes, size_t len)
{
	struct rv_receipt r;
	if (rv_receipt_parse(&r, bytes, len, NULL) != 0) {
		sim_fail(sim, "a receipt does not parse");
	}
	size_t message = message_of(sim, r.message);
	struct held *h = &n->held[message];
	unsigned signer = 0;
	while (strcmp(sim_code(signer), r.signer) != 0) {
		signer++;
	}
	enum rv_stage stage = r.stage;
	rv_receipt_clear(&r);
	if (h->seen[signer] & 1u << stage) {
		sim->counts.superfluous_receipts++;
		return;
	}
	h->seen[signer] |= (unsigned char)(1u << stage);
	h->settled = 1;
	if (h->source != NOBODY) {
		queue_receipt(sim, n, h->source, bytes, len);
	}
}

/* ---- jobs of the intake: what is not committed when the node restarts is gone ---- */

struct job {
	struct half *half;
	uint64_t serial, node_epoch;
	uint32_t handle;
	struct store_fetch what;
	uint64_t offset;
	size_t n;
	size_t len[RV_RECEIPT_MAX_BATCH];
	uint8_t message[RV_UUID_LEN];
	uint8_t data[];
};

static struct job *job_new(struct half *h, uint32_t handle, size_t len)
{
	struct job *j = calloc(1, sizeof(*j) + len);
	if (j == NULL) {
		sim_fail(h->sim, "memory is short");
	}
	j->half = h;
	j->serial = h->serial;
	j->node_epoch = node_of(h)->epoch;
	j->handle = handle;
	return j;
}

static int64_t commit_time(struct sim *sim)
{
	return sim->now_us + 100 + (int64_t)sim_random(sim, (uint64_t)sim->p.intake_us);
}

static int trouble(struct sim *sim, double chance)
{
	return sim_now(sim) < sim->p.troubles_end_us && sim_chance(sim) < chance;
}

static void commit_message(struct sim *sim, struct event *ev)
{
	struct job *j = ev->data;
	struct node *n = node_of(j->half);
	struct rv_defer d = {.wait_s = 1 + (uint32_t)sim_random(sim, 20), .code = "TEST", .text = "put off"};
	if (n->epoch != j->node_epoch) {
		return;
	}
	int put_off = trouble(sim, sim->p.defers);
	n->at_intake[j->half->peer]--;
	if (!put_off) {
		accept_message(sim, n, message_of(sim, j->message), j->half->peer);
	}
	struct session *s = half_session(j->half, j->serial);
	if (s != NULL) {
		session_fate_message(s, j->handle, put_off ? RV_EAGAIN : 0, put_off && sim_random(sim, 2) ? &d : NULL);
		half_after(j->half);
	}
}

static int on_message(void *ctx, const struct rv_item *item, uint32_t handle)
{
	struct half *h = ctx;
	struct sim *sim = h->sim;
	struct node *n = node_of(h);
	size_t message = message_of(sim, item->message);
	const struct message *m = &sim->messages[message];
	unsigned hops = m->from > h->node ? m->from - h->node : h->node - m->from;
	int ok = item->wire.len == m->len && item->n_recipients == 1 && strcmp(item->recipients[0], sim_code(m->to)) == 0 &&
		item->priority == m->priority && item->hops == hops && strcmp(item->trail, hops == 2 ? sim_code(m->from) : "") == 0;
	for (size_t i = 0; ok && i < m->len; i++) {
		ok = item->wire.data[i] == wire_byte(message, i);
	}
	if (!ok) {
		sim_fail(sim, "message %zu came to %s altered", message, sim_code(h->node));
	}
	if (trouble(sim, sim->p.full) || n->at_intake[h->peer] >= 2 * sim->p.credit_messages) {
		return RV_EAGAIN;
	}
	sim->counts.arrivals++;
	n->at_intake[h->peer]++;
	if (n->at_intake[h->peer] > sim->counts.most_at_intake) {
		sim->counts.most_at_intake = n->at_intake[h->peer];
	}
	struct job *j = job_new(h, handle, 0);
	memcpy(j->message, item->message, RV_UUID_LEN);
	sim_at(sim, commit_time(sim), commit_message, NULL)->data = j;
	return 0;
}

static void commit_receipts(struct sim *sim, struct event *ev)
{
	struct job *j = ev->data;
	struct node *n = node_of(j->half);
	if (n->epoch != j->node_epoch) {
		return;
	}
	int fails = trouble(sim, sim->p.failures);
	const uint8_t *p = j->data;
	for (size_t i = 0; !fails && i < j->n; i++) {
		take_receipt(sim, n, j->half->peer, p, j->len[i]);
		p += j->len[i];
	}
	struct session *s = half_session(j->half, j->serial);
	if (s != NULL) {
		session_fate_receipts(s, j->handle, fails ? RV_EAGAIN : 0);
		half_after(j->half);
	}
}

static int on_receipts(void *ctx, const struct rv_span *receipts, size_t n, uint32_t handle)
{
	struct half *h = ctx;
	size_t len = 0;
	if (trouble(h->sim, h->sim->p.full)) {
		return RV_EAGAIN;
	}
	for (size_t i = 0; i < n; i++) {
		len += receipts[i].len;
	}
	struct job *j = job_new(h, handle, len);
	uint8_t *p = j->data;
	j->n = n;
	for (size_t i = 0; i < n; i++) {
		memcpy(p, receipts[i].data, receipts[i].len);
		p += receipts[i].len;
		j->len[i] = receipts[i].len;
	}
	sim_at(h->sim, commit_time(h->sim), commit_receipts, NULL)->data = j;
	return 0;
}

static void blob_here(struct sim *sim, struct node *n, unsigned blob)
{
	n->have[blob] = n->synced[blob] = sim->blob_size[blob] + 1;
	for (int64_t seq = 1; seq <= n->last_seq; seq++) {
		size_t message = n->order[seq];
		if (!n->held[message].complete && is_complete(sim, n, message)) {
			completed(sim, n, message);
		}
	}
	node_each(sim, n->index, NOBODY, session_wake_all);
}

/* As the intake's writer does it: see write_chunk in intake_blob.c. */
static int store_chunk(struct sim *sim, struct node *n, const struct job *j, uint64_t *next_r)
{
	unsigned blob = j->what.digest[0];
	uint64_t size = sim->blob_size[blob];
	if (n->have[blob] > size) {
		*next_r = size;
		return 0;
	}
	*next_r = n->have[blob];
	if (j->offset != n->have[blob]) {
		return RV_EAGAIN;
	}
	if (trouble(sim, sim->p.failures)) {
		return sim_random(sim, 4) == 0 ? RV_EIO : RV_EAGAIN;
	}
	n->have[blob] += j->n;
	if (n->have[blob] - n->synced[blob] >= 256 * 1024) {
		n->synced[blob] = n->have[blob];
	}
	*next_r = n->have[blob];
	if (n->have[blob] < size) {
		return 0;
	}
	if (!n->spoiled[blob] && trouble(sim, sim->p.wrong_digests)) {
		n->spoiled[blob] = 1;
		n->have[blob] = n->synced[blob] = 0;
		*next_r = 0;
		return RV_EDIGEST;
	}
	if (trouble(sim, sim->p.failures)) {
		n->synced[blob] = size; /* all is here, but could not be put in its place */
		return RV_EIO;
	}
	blob_here(sim, n, blob);
	return 0;
}

static void commit_chunk(struct sim *sim, struct event *ev)
{
	struct job *j = ev->data;
	struct node *n = node_of(j->half);
	uint64_t next = 0;
	if (n->epoch != j->node_epoch) {
		return;
	}
	int rc = store_chunk(sim, n, j, &next);
	struct session *s = half_session(j->half, j->serial);
	if (s != NULL) {
		session_fate_chunk(s, j->handle, rc, next, sim_time(sim));
		half_after(j->half);
	}
}

static int on_chunk(void *ctx, const struct store_fetch *what, uint64_t offset, struct rv_span data, uint32_t handle)
{
	struct half *h = ctx;
	struct sim *sim = h->sim;
	struct node *n = node_of(h);
	unsigned blob = what->digest[0];
	if (what->size != sim->blob_size[blob] || offset + data.len > what->size) {
		sim_fail(sim, "a chunk outside of blob %u", blob);
	}
	for (size_t i = 0; i < data.len; i++) {
		if (data.data[i] != blob_byte(blob, offset + i)) {
			sim_fail(sim, "byte %llu of blob %u is wrong", (unsigned long long)(offset + i), blob);
		}
	}
	if (trouble(sim, sim->p.full)) {
		return RV_EAGAIN;
	}
	sim->counts.chunk_bytes += data.len;
	struct job *j = job_new(h, handle, 0);
	j->what = *what;
	j->offset = offset;
	j->n = data.len;
	/* one writer: in order */
	int64_t at = commit_time(sim);
	n->chunks_until_us = at = at > n->chunks_until_us ? at : n->chunks_until_us;
	sim_at(sim, at, commit_chunk, NULL)->data = j;
	return 0;
}

/* ---- what sessions read ---- */

static int is_due(const struct half *h, size_t message)
{
	const struct held *held = &h->sim->nodes[h->node].held[message];
	return held->accepted && held->complete && !held->settled && hop_of(h->sim, h->node, message) == h->peer;
}

static void fill_due(struct sim *sim, struct store_due *d, const struct node *n, size_t message)
{
	const struct message *m = &sim->messages[message];
	unsigned hops = m->from > n->index ? m->from - n->index : n->index - m->from;
	message_id(d->message, message);
	d->seq = n->held[message].seq;
	d->priority = m->priority;
	d->hops = hops;
	d->trail = strdup(hops > 0 ? sim_code(m->from) : "");
	d->wire_len = m->len;
	d->wire = malloc(m->len);
	for (size_t i = 0; i < m->len; i++) {
		d->wire[i] = wire_byte(message, i);
	}
	d->recipients = calloc(1, sizeof(*d->recipients));
	d->n_recipients = 1;
	snprintf(d->recipients[0], sizeof(d->recipients[0]), "%s", sim_code(m->to));
}

static int read_due(void *ctx, unsigned priority, int64_t after_seq, size_t max, size_t max_bytes, struct store_due **list_r,
	size_t *n_r)
{
	struct half *h = ctx;
	struct node *n = node_of(h);
	struct store_due *list = calloc(max + 1, sizeof(*list));
	size_t count = 0;
	size_t bytes = 0;
	for (int64_t seq = after_seq + 1; seq <= n->last_seq && count < max && (count == 0 || bytes < max_bytes); seq++) {
		size_t message = n->order[seq];
		if (h->sim->messages[message].priority == priority && is_due(h, message)) {
			fill_due(h->sim, &list[count], n, message);
			bytes += list[count++].wire_len;
		}
	}
	*list_r = list;
	*n_r = count;
	return 0;
}

static void free_due(void *ctx, struct store_due *list, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free(list[i].trail);
		free(list[i].wire);
		free(list[i].recipients);
	}
	free(list);
}

static int read_receipts(void *ctx, int64_t after_id, size_t max, struct store_receipt_due **list_r, size_t *n_r)
{
	struct half *h = ctx;
	struct node *n = node_of(h);
	struct store_receipt_due *list = calloc(max + 1, sizeof(*list));
	size_t count = 0;
	for (size_t i = (size_t)after_id; i < n->n_receipts[h->peer] && count < max; i++) {
		struct queued_receipt *r = &n->receipts[h->peer][i];
		if (!r->done) {
			list[count++] = (struct store_receipt_due){r->id, r->bytes, r->len};
		}
	}
	*list_r = list;
	*n_r = count;
	return 0;
}

static void free_receipts(void *ctx, struct store_receipt_due *list, size_t n)
{
	free(list);
}

static int read_fetches(void *ctx, size_t max, struct store_fetch **list_r, size_t *n_r)
{
	struct half *h = ctx;
	struct node *n = node_of(h);
	unsigned char wanted[SIM_BLOBS] = {0};
	struct store_fetch *list = calloc(max + 1, sizeof(*list));
	size_t count = 0;
	for (int64_t seq = 1; seq <= n->last_seq; seq++) {
		size_t message = n->order[seq];
		const struct message *m = &h->sim->messages[message];
		for (size_t i = 0; n->held[message].source == h->peer && i < m->n_blobs; i++) {
			unsigned blob = m->blobs[i];
			if (n->have[blob] <= h->sim->blob_size[blob] && !wanted[blob] && count < max) {
				wanted[blob] = 1;
				blob_digest(list[count].digest, blob);
				list[count++].size = h->sim->blob_size[blob];
			}
		}
	}
	*list_r = list;
	*n_r = count;
	return 0;
}

static int serve(void *ctx, const struct rv_chunk_request *r, struct rv_span *data_r)
{
	static uint8_t bytes[RV_CHUNK_MAX];
	struct half *h = ctx;
	struct node *n = node_of(h);
	unsigned blob = r->digest[0];
	if (blob >= SIM_BLOBS || blob_have(h->sim, n, blob) < r->offset + r->length) {
		return RV_ENOTFOUND;
	}
	for (size_t i = 0; i < r->length; i++) {
		bytes[i] = blob_byte(blob, r->offset + i);
	}
	data_r->data = bytes;
	data_r->len = r->length;
	return 0;
}

static void on_sent(void *ctx, const int64_t *seqs, size_t n)
{
	struct half *h = ctx;
	for (size_t i = 0; i < n; i++) {
		if (seqs[i] < 1 || seqs[i] > node_of(h)->last_seq) {
			sim_fail(h->sim, "a number that is no message's was sent");
		}
	}
}

static void on_receipts_done(void *ctx, const int64_t *ids, size_t n)
{
	struct half *h = ctx;
	for (size_t i = 0; i < n; i++) {
		node_of(h)->receipts[h->peer][ids[i] - 1].done = 1;
	}
}

static void on_fetch_failed(void *ctx, const uint8_t digest[RV_DIGEST_LEN], const char *why)
{
	struct half *h = ctx;
	if (!node_of(h)->spoiled[digest[0]]) {
		sim_fail(h->sim, "the fetch of blob %u failed: %s", digest[0], why);
	}
}

const struct session_calls node_calls = {
	.message = on_message,
	.receipts = on_receipts,
	.chunk = on_chunk,
	.due = read_due,
	.due_free = free_due,
	.receipts_due = read_receipts,
	.receipts_due_free = free_receipts,
	.fetches = read_fetches,
	.serve = serve,
	.sent = on_sent,
	.receipts_done = on_receipts_done,
	.fetch_failed = on_fetch_failed,
};

/* ---- its life ---- */

void node_init(struct sim *sim, unsigned index)
{
	sim->nodes[index].index = index;
}

void node_free(struct node *n)
{
	for (unsigned peer = 0; peer < SIM_NODES; peer++) {
		for (size_t i = 0; i < n->n_receipts[peer]; i++) {
			free(n->receipts[peer][i].bytes);
		}
		free(n->receipts[peer]);
	}
}

void node_restart(struct sim *sim, unsigned index)
{
	struct node *n = &sim->nodes[index];
	n->epoch++;
	n->chunks_until_us = 0;
	memset(n->at_intake, 0, sizeof(n->at_intake));
	memcpy(n->have, n->synced, sizeof(n->have));
}

int node_all_done(const struct sim *sim)
{
	for (size_t i = 0; i < sim->n_messages; i++) {
		const struct message *m = &sim->messages[i];
		const struct held *at_origin = &sim->nodes[m->from].held[i];
		unsigned hops = m->from > m->to ? m->from - m->to : m->to - m->from;
		if (m->stored_us == 0 || !(at_origin->seen[m->to] & STORED) || (hops == 2 && !(at_origin->seen[1] & RELAYED))) {
			return 0;
		}
	}
	return 1;
}
