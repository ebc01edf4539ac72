/* SPDX-License-Identifier: Apache-2.0 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "node/link/session.h"
#include "protocol/receipt.h"

/*
 * A session against a hostile peer and a whimsical node: the input is a script of frames, fates, ticks and wakes. What must hold
 * whatever happens: no more at the intake than was granted, no more sent than the peer granted, well formed frames, HELLO first,
 * silence after the end.
 */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { CREDIT_MESSAGES = 4, PARTS = 70, HANDLES = 16, MESSAGES = 40, BLOBS = 3, RECEIPTS = 300 };
#define CREDIT_BYTES (1200 * 1024)

struct world {
	struct rv_cur in;
	struct session *s;
	struct session_time now;
	int full, ended, hello_out, busy;
	uint64_t granted_messages, granted_bytes, sent_messages, sent_bytes;   /* by and to the peer */
	uint64_t at_intake;
	uint32_t messages[HANDLES], receipts[HANDLES], chunks[HANDLES];
	uint64_t chunk_ends[HANDLES];
	unsigned n_messages, n_receipts, n_chunks;
	uint8_t settled[MESSAGES], done[RECEIPTS];
	size_t asked;                    /* chunk requests not yet answered */
};

static void must(int truth)
{
	if (!truth) {
		abort();
	}
}

/* ---- what the session does ---- */

static void check_messages(struct world *w, const struct rv_span *parts, size_t n)
{
	for (size_t i = 1; i < n; i++) {
		struct rv_item item;
		must(rv_item_parse(&item, parts[i].data, parts[i].len, NULL) == 0);
		rv_item_clear(&item);
		w->sent_messages++;
		w->sent_bytes += parts[i].len;
	}
	must(w->sent_messages <= w->granted_messages && w->sent_bytes <= w->granted_bytes);
}

static int on_send(void *ctx, const struct rv_span *parts, size_t n)
{
	struct world *w = ctx;
	struct rv_frame_header h;
	must(!w->ended && rv_frame_open(&h, parts, n, NULL) == 0);
	if (w->full) {
		return RV_EAGAIN;
	}
	must(w->hello_out || h.cmd == RV_CMD_HELLO || h.cmd == RV_CMD_BYE);
	must(!w->hello_out || h.cmd != RV_CMD_HELLO);
	w->hello_out = 1;
	if (h.cmd == RV_CMD_MESSAGES) {
		check_messages(w, parts, n);
	}
	return 0;
}

static int on_message(void *ctx, const struct rv_item *item, uint32_t handle)
{
	struct world *w = ctx;
	if (w->busy & 1) {
		return RV_EAGAIN;
	}
	w->messages[w->n_messages++ % HANDLES] = handle;
	return 0;
}

static int on_receipts(void *ctx, const struct rv_span *receipts, size_t n, uint32_t handle)
{
	struct world *w = ctx;
	if (w->busy & 2) {
		return RV_EAGAIN;
	}
	w->receipts[w->n_receipts++ % HANDLES] = handle;
	return 0;
}

static int on_chunk(void *ctx, const struct store_fetch *what, uint64_t offset, struct rv_span data, uint32_t handle)
{
	struct world *w = ctx;
	must(offset <= what->size && data.len <= what->size - offset && data.len <= RV_CHUNK_MAX);
	if (w->busy & 4) {
		return RV_EAGAIN;
	}
	w->chunk_ends[w->n_chunks % HANDLES] = offset + data.len;
	w->chunks[w->n_chunks++ % HANDLES] = handle;
	return 0;
}

static void message_id(uint8_t id[RV_UUID_LEN], unsigned n)
{
	memset(id, 0, RV_UUID_LEN);
	id[6] = 0x70;
	id[8] = 0x80;
	id[15] = (uint8_t)n;
}

static int on_due(void *ctx, unsigned priority, int64_t after_seq, size_t max, size_t max_bytes, struct store_due **list_r, size_t *n_r)
{
	struct world *w = ctx;
	struct store_due *list = calloc(max + 1, sizeof(*list));
	size_t n = 0;
	must(list != NULL && max >= 1 && max <= RV_FRAME_MAX_ITEMS);
	if (w->busy & 8) {
		free(list);
		return RV_EAGAIN;
	}
	for (unsigned i = after_seq < 0 ? 0 : (unsigned)after_seq; i < MESSAGES && n < max; i++) {
		if (i % 3 == priority && !w->settled[i]) {
			list[n].seq = i + 1;
			list[n].priority = priority;
			message_id(list[n].message, i);
			list[n].trail = calloc(1, 1);
			list[n].wire_len = i == 7 ? 150000 : 1 + i * 100;
			list[n].wire = calloc(1, list[n].wire_len);
			list[n].recipients = calloc(1, sizeof(*list[n].recipients));
			must(list[n].trail != NULL && list[n].wire != NULL && list[n].recipients != NULL);
			memcpy(list[n].recipients[0], "UG", 3);
			list[n++].n_recipients = 1;
		}
	}
	*list_r = list;
	*n_r = n;
	return 0;
}

static void on_due_free(void *ctx, struct store_due *list, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free(list[i].trail);
		free(list[i].wire);
		free(list[i].recipients);
	}
	free(list);
}

static int on_receipts_due(void *ctx, int64_t after_id, size_t max, struct store_receipt_due **list_r, size_t *n_r)
{
	static uint8_t bytes[] = "a receipt";
	struct world *w = ctx;
	struct store_receipt_due *list = calloc(max + 1, sizeof(*list));
	size_t n = 0;
	must(list != NULL);
	for (int64_t i = after_id < 0 ? 0 : after_id; i < RECEIPTS && n < max; i++) {
		if (!w->done[i]) {
			list[n++] = (struct store_receipt_due){i + 1, bytes, sizeof(bytes)};
		}
	}
	*list_r = list;
	*n_r = n;
	return 0;
}

static void on_receipts_due_free(void *ctx, struct store_receipt_due *list, size_t n)
{
	free(list);
}

static int on_fetches(void *ctx, size_t max, struct store_fetch **list_r, size_t *n_r)
{
	static const uint64_t sizes[BLOBS] = {0, 300000, UINT64_MAX};
	struct store_fetch *list = calloc(BLOBS, sizeof(*list));
	must(list != NULL);
	for (size_t i = 0; i < BLOBS; i++) {
		list[i].digest[0] = (uint8_t)i;
		list[i].size = sizes[i];
	}
	*list_r = list;
	*n_r = BLOBS;
	return 0;
}

static int on_serve(void *ctx, const struct rv_chunk_request *r, struct rv_span *data_r)
{
	static uint8_t bytes[RV_CHUNK_MAX];
	must(r->length >= 1 && r->length <= RV_CHUNK_MAX);
	*data_r = (struct rv_span){bytes, r->length};
	return r->offset > 1000000 ? RV_ENOTFOUND : r->digest[0] == 1 ? RV_EDENIED : 0;
}

static int on_trust_piece(void *ctx, uint32_t offset, struct rv_trust_part *p, struct rv_span *data_r)
{
	static uint8_t bytes[1000];
	if (offset >= 5000) {
		return RV_ENOTFOUND;
	}
	*p = (struct rv_trust_part){8, 5000, offset};
	*data_r = (struct rv_span){bytes, 5000 - offset < sizeof(bytes) ? 5000 - offset : sizeof(bytes)};
	return 0;
}

static void on_trust_part(void *ctx, const struct rv_trust_part *p, struct rv_span data)
{
	must(p->total == 0 ? data.len == 0 : data.len >= 1 && data.len <= RV_CHUNK_MAX && data.len <= p->total - p->offset);
}

static void on_join(void *ctx, struct rv_span request, const struct rv_vouch *v)
{
	must(request.len >= 1 && request.len <= RV_JOIN_MAX && rv_code_valid(v->code) && v->signature.len >= 1);
}

static size_t on_status_due(void *ctx, const char *member, struct status_item *items, size_t max)
{
	static const uint8_t bytes[300];
	must(rv_code_valid(member) && max >= 1);
	items[0] = (struct status_item){.kind = RV_STATUS_OCSP, .bytes = {bytes, sizeof(bytes)}};
	return 1;
}

static void on_status(void *ctx, const struct status_item *item)
{
	must((item->kind == RV_STATUS_CRL || item->kind == RV_STATUS_OCSP) && item->bytes.len >= 1 &&
		item->bytes.len <= RV_STATUS_CARRY_MAX);
}

static void on_sent(void *ctx, const int64_t *seqs, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		must(seqs[i] >= 1 && seqs[i] <= MESSAGES);
	}
}

static void on_receipts_done(void *ctx, const int64_t *ids, size_t n)
{
	struct world *w = ctx;
	for (size_t i = 0; i < n; i++) {
		must(ids[i] >= 1 && ids[i] <= RECEIPTS);
		w->done[ids[i] - 1] = 1;
	}
}

static void on_fetch_failed(void *ctx, const uint8_t digest[RV_DIGEST_LEN], const char *why)
{
	must(why[0] != '\0');
}

static void on_up(void *ctx, const struct rv_hello *peer)
{
	struct world *w = ctx;
	must(strcmp(peer->code, "UG") == 0);
	w->granted_messages = peer->credit_messages;
	w->granted_bytes = peer->credit_bytes;
}

static void on_ended(void *ctx, const struct session_end *end)
{
	struct world *w = ctx;
	must(!w->ended && end->why.text[0] != '\0');
	w->ended = 1;
}

static const struct session_calls calls = {on_send, on_message, on_receipts, on_chunk, on_due, on_due_free, on_receipts_due,
	on_receipts_due_free, on_fetches, on_serve, on_trust_piece, on_trust_part, on_join,
	on_status_due, on_status, on_sent, on_receipts_done, on_fetch_failed, on_up, on_ended};

/* ---- the script ---- */

static void give(struct world *w, const struct rv_span *parts, size_t n)
{
	struct rv_frame_header h;
	struct rv_credit c;
	/* what the peer grants is noted before the session may use it */
	if (session_state(w->s) == SESSION_UP && rv_frame_open(&h, parts, n, NULL) == 0 && h.cmd == RV_CMD_CREDIT &&
		rv_credit_parse(&c, parts[1].data, parts[1].len, NULL) == 0) {
		w->granted_messages = c.messages;
		w->granted_bytes = c.bytes;
	}
	session_frame(w->s, parts, n, w->now);
}

/* A frame of raw parts: command, how many, each with a length of two bytes. */
static void raw_frame(struct world *w, int with_header)
{
	struct rv_span parts[PARTS];
	struct rv_buf header = {0};
	size_t n = 0;
	uint8_t cmd = with_header ? rv_cur_u8(&w->in) : 0;
	size_t count = rv_cur_u8(&w->in) % (PARTS - 1);
	if (with_header) {
		rv_buf_put(&header, "RV\1", 3);
		rv_buf_u8(&header, cmd);
		rv_buf_u16(&header, 0);
		rv_buf_u16(&header, (uint16_t)count);
		parts[n++] = (struct rv_span){header.data, header.len};
	}
	while (count-- > 0) {
		size_t len = rv_cur_u16(&w->in);
		len = len < rv_cur_left(&w->in) ? len : rv_cur_left(&w->in);
		parts[n] = rv_cur_span(&w->in, len);
		if (parts[n].data == NULL) {
			parts[n].data = (const uint8_t *)"";
			parts[n].len = 0;
		}
		n++;
	}
	give(w, parts, n);
	rv_buf_free(&header);
}

static void body(struct world *w, enum rv_cmd cmd, struct rv_buf *bodies, size_t n)
{
	struct rv_span parts[4];
	struct rv_buf header = {0};
	must(rv_frame_header_put(&header, cmd, (uint16_t)n) == 0);
	parts[0] = (struct rv_span){header.data, header.len};
	for (size_t i = 0; i < n; i++) {
		parts[i + 1] = (struct rv_span){bodies[i].data, bodies[i].len};
	}
	give(w, parts, n + 1);
	rv_buf_free(&header);
	for (size_t i = 0; i < n; i++) {
		rv_buf_free(&bodies[i]);
	}
}

static void good_hello(struct world *w)
{
	struct rv_hello h = {.code = "UG", .version_min = 1, .version_max = 1, .credit_messages = rv_cur_u16(&w->in),
		.credit_bytes = (uint64_t)rv_cur_u16(&w->in) << 10};
	struct rv_buf b = {0};
	must(rv_hello_put(&b, &h) == 0);
	body(w, RV_CMD_HELLO, &b, 1);
}

static void good_item(struct world *w)
{
	static char to[1][RV_CODE_TEXT] = {"KE"};
	static const uint8_t wire[400 * 1024];
	struct rv_item item = {.hops = 1, .recipients = to, .n_recipients = 1, .wire = {wire, 1 + (size_t)rv_cur_u8(&w->in) * 1600}};
	struct rv_buf b = {0};
	message_id(item.message, rv_cur_u8(&w->in));
	must(rv_item_put(&b, &item) == 0);
	body(w, RV_CMD_MESSAGES, &b, 1);
}

static int no_signature(void *ctx, const void *data, size_t len, struct rv_buf *out, struct rv_err *e)
{
	static const uint8_t zeros[64];
	return rv_buf_put(out, zeros, sizeof(zeros));
}

static void good_receipt(struct world *w)
{
	static char to[1][RV_CODE_TEXT] = {"UG"};
	struct rv_signer signer = {.sign = no_signature, .alg = RV_ALG_ECDSA_P256_SHA256, .code = "UG"};
	struct rv_receipt r = {.stage = RV_STAGE_STORED, .recipients = to, .n_recipients = 1};
	struct rv_buf b[2] = {{0}, {0}};
	unsigned n = rv_cur_u8(&w->in) % MESSAGES;
	message_id(r.message, n);
	w->settled[n] = 1;
	must(rv_batch_put(&b[0], 1 + (uint64_t)rv_cur_u8(&w->in)) == 0 && rv_receipt_sign(&r, 1, &signer, &b[1], NULL) == 0);
	body(w, RV_CMD_RECEIPTS, b, 2);
}

static void good_chunk(struct world *w)
{
	struct rv_chunk k = {.offset = (uint64_t)rv_cur_u16(&w->in) << 10};
	static const uint8_t bytes[RV_CHUNK_MAX];
	struct rv_buf b[2] = {{0}, {0}};
	size_t len = (size_t)rv_cur_u16(&w->in) << 2;
	k.digest[0] = rv_cur_u8(&w->in) % BLOBS;
	must(rv_chunk_put(&b[0], &k) == 0 && rv_buf_put(&b[1], bytes, len < 1 ? 1 : len) == 0);
	body(w, RV_CMD_CHUNK, b, 2);
}

static void fate(struct world *w, uint8_t which)
{
	static const int fates[8] = {0, 0, 0, RV_EAGAIN, RV_EAGAIN, RV_EIO, RV_EDIGEST, RV_ENOMEM};
	struct rv_defer d = {.wait_s = rv_cur_u8(&w->in), .code = "9 bad", .text = "\x1b"};
	unsigned i = rv_cur_u8(&w->in) % HANDLES;
	int f = fates[rv_cur_u8(&w->in) % 8];
	if (which == 0) {
		session_fate_message(w->s, w->messages[i], f, i % 2 ? &d : NULL);
	} else if (which == 1) {
		session_fate_receipts(w->s, w->receipts[i], f);
	} else {
		session_fate_chunk(w->s, w->chunks[i], f, which == 2 ? w->chunk_ends[i] : rv_cur_u64(&w->in), w->now);
	}
}

static void step(struct world *w)
{
	uint8_t op = rv_cur_u8(&w->in);
	int64_t ms = 0;
	switch (op % 20) {
	case 0: raw_frame(w, 1); break;
	case 1: raw_frame(w, 0); break;
	case 2: good_hello(w); break;
	case 3: case 4: good_item(w); break;
	case 5: good_receipt(w); break;
	case 6: good_chunk(w); break;
	case 7: fate(w, 0); break;
	case 8: fate(w, 1); break;
	case 9: fate(w, 2); break;
	case 10: fate(w, 3); break;
	case 11: session_wake(w->s); break;
	case 12: session_wake_all(w->s); break;
	case 13: session_wake_receipts(w->s); session_wake_fetches(w->s); break;
	case 14: w->full = op & 0x80; if (!w->full) { session_writable(w->s); } break;
	case 15: w->busy = rv_cur_u8(&w->in); break;
	case 16: session_lead(w->s, op & 0x80 ? 0 : 1); break;
	case 17: session_trust(w->s, rv_cur_u8(&w->in)); break;
	case 18: if (op == 18) { session_bye(w->s, RV_BYE_STOPPING, NULL); } break;
	default: ms = rv_cur_u16(&w->in); break;
	}
	w->now.mono_us += ms * 1000;
	w->now.wall_us += op & 0x80 ? -ms : ms * 2000;
	if (ms > 0) {
		session_tick(w->s, w->now);
	}
	session_pump(w->s, w->now);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct world *w = calloc(1, sizeof(*w));
	struct session_params p = {.self = "KE", .peer = "UG", .trust_number = 1, .boot = 1, .credit_messages = CREDIT_MESSAGES,
		.credit_bytes = CREDIT_BYTES, .heartbeat_us = 5 * RV_US_PER_SEC, .software = "fuzzed", .calls = &calls, .ctx = w};
	if (w == NULL) {
		return 0;
	}
	w->in = rv_cur_of(data, size);
	w->now = (struct session_time){RV_US_PER_SEC, RV_US_PER_SEC};
	if (session_new(&w->s, &p, w->now, NULL) == 0) {
		session_open(w->s, w->now);
		session_lead(w->s, 1);
		while (rv_cur_left(&w->in) > 0) {
			uint64_t bytes;
			step(w);
			must(session_at_intake(w->s, &bytes) <= CREDIT_MESSAGES && bytes <= CREDIT_BYTES);
			must((session_state(w->s) == SESSION_ENDED) == w->ended);
		}
		session_free(&w->s);
	}
	free(w);
	return 0;
}
