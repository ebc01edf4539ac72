/* SPDX-License-Identifier: Apache-2.0 */
#include "node/link/links_int.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "node/store/blob.h"

/* The sessions' host: what they send goes to the line, what they ask for comes from the store. */

static int host_send(void *ctx, struct session *s, const struct line_part *parts, size_t n)
{
	struct links *l = ctx;
	return line_client_send(l->line, session_connection(s), parts, n, NULL);
}

static int host_message(void *ctx, struct session *s, const struct rv_item *item, uint64_t token)
{
	const struct links_intake *in = &((struct links *)ctx)->p.intake;
	return in->message(in->ctx, session_peer(s), session_hello(s)->trust_number, item, token);
}

static int host_receipts(void *ctx, struct session *s, const struct rv_span *receipts, size_t n, uint64_t token)
{
	const struct links_intake *in = &((struct links *)ctx)->p.intake;
	return in->receipts(in->ctx, session_peer(s), receipts, n, token);
}

static int host_chunk(void *ctx, struct session *s, const uint8_t digest[RV_DIGEST_LEN], uint64_t size, uint64_t offset,
	struct rv_span data, uint64_t token)
{
	const struct links_intake *in = &((struct links *)ctx)->p.intake;
	return in->chunk(in->ctx, session_peer(s), digest, size, offset, data, token);
}

static int host_due(void *ctx, struct session *s, unsigned priority, int64_t after_seq, size_t max, size_t max_bytes,
	struct store_due **list_r, size_t *n_r)
{
	return store_due(((struct links *)ctx)->reader, session_peer(s), priority, after_seq, max, max_bytes, list_r, n_r, NULL);
}

static int host_receipts_due(void *ctx, struct session *s, int64_t after_id, size_t max, struct store_receipt_due **list_r, size_t *n_r)
{
	return store_receipts_due(((struct links *)ctx)->reader, session_peer(s), after_id, max, list_r, n_r, NULL);
}

static int host_fetches(void *ctx, struct session *s, size_t max, struct store_fetch **list_r, size_t *n_r)
{
	return store_fetches(((struct links *)ctx)->reader, session_peer(s), max, list_r, n_r, NULL);
}

static int host_read_chunk(void *ctx, struct session *s, const uint8_t digest[RV_DIGEST_LEN], uint64_t offset, uint32_t length,
	struct rv_buf *out)
{
	struct links *l = ctx;
	uint64_t size = 0;
	if (store_blob_allowed(l->reader, session_peer(s), digest) != 1) {
		return RV_EDENIED;
	}
	int fd = blob_open(l->p.conf->state_dir, digest, &size, NULL);
	if (fd < 0) {
		return RV_ENOTFOUND;
	}
	int rc = 0;
	if (offset >= size) {
		rc = RV_ENOTFOUND;
	} else {
		size_t want = size - offset < length ? (size_t)(size - offset) : length;
		rc = rv_buf_reserve(out, want);
		ssize_t n = rc == 0 ? pread(fd, out->data + out->len, want, (off_t)offset) : -1;
		if (n == (ssize_t)want) {
			out->len += want;
		} else {
			rc = RV_EIO;
		}
	}
	close(fd);
	return rc;
}

static void host_sent(void *ctx, struct session *s, const int64_t *seqs, size_t n)
{
	const struct links_intake *in = &((struct links *)ctx)->p.intake;
	in->sent(in->ctx, session_peer(s), seqs, n);
}

static void host_receipts_done(void *ctx, struct session *s, const int64_t *ids, size_t n)
{
	const struct links_intake *in = &((struct links *)ctx)->p.intake;
	in->receipts_done(in->ctx, session_peer(s), ids, n);
}

static void host_fetch_failed(void *ctx, struct session *s, const uint8_t digest[RV_DIGEST_LEN], const char *why)
{
	const struct links_intake *in = &((struct links *)ctx)->p.intake;
	in->fetch_failed(in->ctx, session_peer(s), digest, why);
}

static struct link *link_of(struct links *l, const struct session *s)
{
	uint8_t key[MAP_KEY_LEN];
	map_number_key(key, session_connection(s));
	return map_get(&l->connections, key);
}

/* An older connection of the same peer is replaced: of another run of it, or accepted like this one. */
static void replace_older(struct links *l, const struct link *fresh)
{
	struct link *other;
	for (size_t at = 0; (other = map_next(&l->connections, &at)) != NULL;) {
		if (other == fresh || other->peer != fresh->peer || !session_is_up(other->session)) {
			continue;
		}
		if (session_hello(other->session)->boot != session_hello(fresh->session)->boot ||
			session_dialled(other->session) == session_dialled(fresh->session)) {
			session_end(other->session, RV_BYE_STOPPING, "a newer connection replaces this one");
		}
	}
}

static void host_up(void *ctx, struct session *s)
{
	struct links *l = ctx;
	struct link *link = link_of(l, s);
	replace_older(l, link);
	link->peer->backoff_ms = 0;
	link->peer->tries = 0;
	link->peer->refused = 0;
	log_event(l->p.log, LOG_LVL_INFO, "link up", "peer", link->peer->code, "direction", session_dialled(s) ? "dialled" : "accepted", NULL);
	links_choose_primary(l, link->peer);
}

static const char *mend_of(int code)
{
	switch (code) {
	case RV_BYE_VERSION:
		return "Bring both nodes to versions that speak a common protocol.";
	case RV_BYE_IDENTITY:
		return "The CURVE key belongs to another member: compare it with the trust list.";
	case RV_BYE_TRUST:
		return "Compare the numbers of both trust lists: reeve trust show.";
	case RV_BYE_SILENT:
		return "Look at the network between the nodes, and whether the peer's node runs.";
	case RV_BYE_STOPPING:
		return "The peer stops or restarts; the link comes back by itself.";
	default:
		return "Look at the log of both nodes at this time.";
	}
}

static void host_ended(void *ctx, struct session *s, int code, const char *why)
{
	struct links *l = ctx;
	struct link *link = link_of(l, s);
	struct session_stats stats;
	session_stats(s, &stats);
	link->peer->ended.sent += stats.sent;
	link->peer->ended.received += stats.received;
	link->peer->ended.bytes_out += stats.bytes_out;
	link->peer->ended.bytes_in += stats.bytes_in;
	links_peer_failed(l, link->peer, why, mend_of(code));
	log_event(l->p.log, LOG_LVL_INFO, "link down", "peer", link->peer->code, "why", why, NULL);
}

struct session_host links_host(struct links *l)
{
	return (struct session_host){
		.ctx = l,
		.send = host_send,
		.message = host_message,
		.receipts = host_receipts,
		.chunk = host_chunk,
		.due = host_due,
		.receipts_due = host_receipts_due,
		.fetches = host_fetches,
		.read_chunk = host_read_chunk,
		.sent = host_sent,
		.receipts_done = host_receipts_done,
		.fetch_failed = host_fetch_failed,
		.up = host_up,
		.ended = host_ended,
	};
}

/* ---- connections ---- */

static void fill_params(struct links *l, struct session_params *p)
{
	const struct conf *conf = l->p.conf;
	struct rv_trust *t = trust_get(l->p.trust);
	snprintf(p->hello.code, sizeof(p->hello.code), "%s", conf->code);
	p->hello.version_min = p->hello.version_max = RV_FRAME_VERSION;
	p->hello.trust_number = t != NULL ? rv_trust_number(t) : 0;
	p->hello.boot = l->boot;
	p->hello.credit_messages = conf->credit_messages;
	p->hello.credit_bytes = conf->credit_bytes;
	p->hello.attachment_max = conf->attachment_max;
	snprintf(p->hello.software, sizeof(p->hello.software), "reeve %s", PACKAGE_VERSION);
	p->heartbeat_us = (int64_t)conf->heartbeat_ms * 1000;
	p->host = &l->host;
	rv_trust_unref(&t);
}

struct link *links_open(struct links *l, uint64_t connection, struct peer *peer, const char *key, int dialled)
{
	struct session_params p = {.connection = connection, .serial = ++l->next_serial, .dialled = dialled};
	uint8_t by_number[MAP_KEY_LEN];
	uint8_t by_serial[MAP_KEY_LEN];
	struct link *link = calloc(1, sizeof(*link));
	if (link == NULL) {
		return NULL;
	}
	fill_params(l, &p);
	snprintf(p.peer, sizeof(p.peer), "%s", peer->code);
	link->connection = connection;
	link->serial = p.serial;
	link->peer = peer;
	snprintf(link->key, sizeof(link->key), "%s", key);
	map_number_key(by_number, connection);
	map_number_key(by_serial, link->serial);
	if (session_new(&link->session, &p, links_now(l), NULL) != 0 || map_put(&l->connections, by_number, link) != 0) {
		session_free(&link->session);
		free(link);
		return NULL;
	}
	if (map_put(&l->serials, by_serial, link) != 0) {
		map_take(&l->connections, by_number);
		session_free(&link->session);
		free(link);
		return NULL;
	}
	return link;
}

static void close_link(struct links *l, struct link *link)
{
	uint8_t key[MAP_KEY_LEN];
	struct peer *peer = link->peer;
	map_number_key(key, link->connection);
	map_take(&l->connections, key);
	map_number_key(key, link->serial);
	map_take(&l->serials, key);
	line_client_close(l->line, link->connection, NULL);
	if (peer->dialling == link->connection) {
		peer->dialling = 0;
		links_redial_later(l, peer);
	}
	if (peer->primary == link->session) {
		peer->primary = NULL;
		links_choose_primary(l, peer);
	}
	session_free(&link->session);
	free(link);
}

/* Sessions end in the middle of a call; they are taken away here, between calls. */
void links_reap(struct links *l)
{
	for (;;) {
		struct link *ended = NULL;
		struct link *link;
		for (size_t at = 0; ended == NULL && (link = map_next(&l->connections, &at)) != NULL;) {
			ended = session_has_ended(link->session) ? link : NULL;
		}
		if (ended == NULL) {
			return;
		}
		close_link(l, ended);
	}
}
