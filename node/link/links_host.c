/* SPDX-License-Identifier: Apache-2.0 */
#include "node/link/links_int.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "node/store/blob.h"

/* What sessions call: frames go to the line, arrivals to the intake, work comes from the store. And
 * the life of links. */

/* ---- the line ---- */

static int host_send(void *ctx, const struct rv_span *parts, size_t n)
{
	struct link *link = ctx;
	struct line_part out[1 + RV_FRAME_MAX_PARTS];
	for (size_t i = 0; i < n; i++) {
		out[i] = (struct line_part){parts[i].data, parts[i].len};
	}
	link->all->sent = 1;
	return line_client_send(link->all->line, link->connection, out, n, NULL);
}

/* ---- the intake ---- */

static uint64_t token_of(const struct link *link, uint32_t handle)
{
	return (uint64_t)link->serial << 32 | handle;
}

/* What a peer has at the intake, over all its connections: a new one does not bring new room. */
static int has_room(const struct peer *peer, const struct conf *conf)
{
	uint64_t messages = 0;
	uint64_t bytes = 0;
	for (size_t i = 0; i < peer->n_links; i++) {
		uint64_t more;
		messages += session_at_intake(peer->links[i]->session, &more);
		bytes += more;
	}
	return messages <= 2 * (uint64_t)conf->credit_messages && bytes <= 2 * conf->credit_bytes;
}

static int host_message(void *ctx, const struct rv_item *item, uint32_t handle)
{
	struct link *link = ctx;
	const struct links_params *p = &link->all->p;
	if (!has_room(link->peer, p->conf)) {
		return RV_EAGAIN;
	}
	return p->intake.message(p->intake.ctx, link->peer->code,
		session_hello(link->session)->trust_number, item, token_of(link, handle));
}

static int host_receipts(void *ctx, const struct rv_span *receipts, size_t n, uint32_t handle)
{
	struct link *link = ctx;
	const struct links_intake *in = &link->all->p.intake;
	return in->receipts(in->ctx, link->peer->code, receipts, n, token_of(link, handle));
}

static int host_chunk(void *ctx, const struct store_fetch *what, uint64_t offset,
	struct rv_span data, uint32_t handle)
{
	struct link *link = ctx;
	const struct links_intake *in = &link->all->p.intake;
	return in->chunk(in->ctx, link->peer->code, what->digest, what->size, offset, data,
		token_of(link, handle));
}

static void host_sent(void *ctx, const int64_t *seqs, size_t n)
{
	struct link *link = ctx;
	const struct links_intake *in = &link->all->p.intake;
	in->sent(in->ctx, link->peer->code, seqs, n);
}

static void host_receipts_done(void *ctx, const int64_t *ids, size_t n)
{
	struct link *link = ctx;
	const struct links_intake *in = &link->all->p.intake;
	in->receipts_done(in->ctx, link->peer->code, ids, n);
}

static void host_fetch_failed(void *ctx, const uint8_t digest[RV_DIGEST_LEN], const char *why)
{
	struct link *link = ctx;
	const struct links_intake *in = &link->all->p.intake;
	in->fetch_failed(in->ctx, link->peer->code, digest, why);
}

/* ---- the store ---- */

static int host_due(void *ctx, unsigned priority, int64_t after_seq, size_t max, size_t max_bytes,
	struct store_due **list_r, size_t *n_r)
{
	struct link *link = ctx;
	return store_due(link->all->reader, link->peer->code, priority, after_seq, max, max_bytes,
		list_r, n_r, NULL);
}

static void host_due_free(void *ctx, struct store_due *list, size_t n)
{
	store_due_clear(list, n);
}

static int host_receipts_due(
	void *ctx, int64_t after_id, size_t max, struct store_receipt_due **list_r, size_t *n_r)
{
	struct link *link = ctx;
	return store_receipts_due(
		link->all->reader, link->peer->code, after_id, max, list_r, n_r, NULL);
}

static void host_receipts_due_free(void *ctx, struct store_receipt_due *list, size_t n)
{
	store_receipts_due_clear(list, n);
}

static int host_fetches(void *ctx, size_t max, struct store_fetch **list_r, size_t *n_r)
{
	struct link *link = ctx;
	return store_fetches(link->all->reader, link->peer->code, max, list_r, n_r, NULL);
}

static int host_serve(void *ctx, const struct rv_chunk_request *r, struct rv_span *data_r)
{
	struct link *link = ctx;
	struct links *l = link->all;
	uint64_t size = 0;
	if (store_blob_allowed(l->reader, link->peer->code, r->digest) != 1) {
		return RV_EDENIED;
	}
	int fd = blob_open(l->p.conf->state_dir, r->digest, &size, NULL);
	if (fd < 0) {
		return RV_ENOTFOUND;
	}
	int rc = r->offset > size || size - r->offset < r->length ? RV_ENOTFOUND : 0;
	for (size_t done = 0; rc == 0 && done < r->length;) {
		ssize_t n = pread(fd, l->chunk + done, r->length - done, (off_t)(r->offset + done));
		if (n > 0) {
			done += (size_t)n;
		} else if (n == 0 || errno != EINTR) {
			rc = RV_EIO;
		}
	}
	close(fd);
	*data_r = (struct rv_span){l->chunk, r->length};
	return rc;
}

static size_t host_status_due(
	void *ctx, const char *member, struct status_item *items, size_t max)
{
	struct links *l = ((struct link *)ctx)->all;
	struct rv_trust *t = l->p.status != NULL ? trust_get(l->p.trust) : NULL;
	status_unref(&l->lent);
	if (t != NULL) {
		l->lent = status_get(l->p.status, t);
	}
	rv_trust_unref(&t);
	return l->lent != NULL ? status_carry(l->lent, member, items, max) : 0;
}

static void host_status(void *ctx, const struct status_item *item)
{
	struct link *link = ctx;
	const struct links_intake *in = &link->all->p.intake;
	if (in->status != NULL) {
		in->status(in->ctx, link->peer->code, item);
	}
}

static int host_trust_piece(
	void *ctx, uint32_t offset, struct rv_trust_part *p, struct rv_span *data_r)
{
	return links_trust_piece(ctx, offset, p, data_r);
}

static void host_trust_part(void *ctx, const struct rv_trust_part *p, struct rv_span data)
{
	links_trust_part(ctx, p, data);
}

static void host_join(void *ctx, struct rv_span request, const struct rv_vouch *v)
{
	links_take_renewal(ctx, request, v);
}

/* ---- the life of a session ---- */

/* An older connection in the same direction, or of another run of the peer, is dead though nobody
 * has seen it yet. */
static void replace_older(const struct link *fresh)
{
	const struct peer *peer = fresh->peer;
	for (size_t i = 0; i < peer->n_links; i++) {
		struct link *other = peer->links[i];
		if (other != fresh && session_state(other->session) == SESSION_UP &&
			(other->dialled == fresh->dialled ||
				session_hello(other->session)->boot !=
					session_hello(fresh->session)->boot)) {
			session_bye(other->session, RV_BYE_STOPPING,
				"a newer connection replaces this one");
		}
	}
}

static void host_up(void *ctx, const struct rv_hello *hello)
{
	struct link *link = ctx;
	struct links *l = link->all;
	link->up_us = links_time(l).mono_us;
	link->peer->tries = 0;
	link->peer->refused = 0;
	log_event(l->p.log, LOG_LVL_INFO, "link up", "peer", link->peer->code, "direction",
		link->dialled ? "dialled" : "accepted", "software", hello->software, NULL);
	replace_older(link);
	links_choose_lead(l, link->peer);
	l->changed = 1;
}

static const char *mend_of(unsigned code)
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
	case 0:
		return "The link comes back by itself; if it does not, look at the network between "
		       "the nodes.";
	default:
		return "Look at the log of both nodes at this time.";
	}
}

static void host_ended(void *ctx, const struct session_end *end)
{
	struct link *link = ctx;
	struct links *l = link->all;
	struct session_stats st;
	int64_t now_us = links_time(l).mono_us;
	session_stats(link->session, &st);
	link->peer->ended.sent += st.sent;
	link->peer->ended.received += st.received;
	link->peer->ended.bytes_out += st.bytes_out;
	link->peer->ended.bytes_in += st.bytes_in;
	link->ended_us = now_us;
	/* a BYE of ours is given time to leave */
	link->close_us = end->by_peer || end->code == 0 ? now_us : now_us + LINKS_LINGER_MS * 1000;
	if (link->up_us != 0 && now_us - link->up_us >= LINKS_STEADY_US) {
		link->peer->backoff_ms = 0;
	}
	links_peer_failed(l, link->peer, end->why.text,
		end->why.mend[0] != '\0' ? end->why.mend : mend_of(end->code));
	int fault = !end->by_peer && end->code != 0 && end->code != RV_BYE_STOPPING;
	log_err(l->p.log, fault ? LOG_LVL_WARNING : LOG_LVL_INFO, "link down", &end->why, "peer",
		link->peer->code, NULL);
	l->changed = 1;
}

static const struct session_calls host_calls = {
	.send = host_send,
	.message = host_message,
	.receipts = host_receipts,
	.chunk = host_chunk,
	.due = host_due,
	.due_free = host_due_free,
	.receipts_due = host_receipts_due,
	.receipts_due_free = host_receipts_due_free,
	.fetches = host_fetches,
	.serve = host_serve,
	.trust_piece = host_trust_piece,
	.trust_part = host_trust_part,
	.join = host_join,
	.status_due = host_status_due,
	.status = host_status,
	.sent = host_sent,
	.receipts_done = host_receipts_done,
	.fetch_failed = host_fetch_failed,
	.up = host_up,
	.ended = host_ended,
};

/* ---- the life of a link ---- */

static int new_session(struct links *l, struct link *link)
{
	const struct conf *conf = l->p.conf;
	struct session_params p = {
		.trust_number = links_own_number(l),
		.boot = l->boot,
		.credit_messages = conf->credit_messages,
		.credit_bytes = conf->credit_bytes,
		.attachment_max = conf->attachment_max,
		.heartbeat_us = (int64_t)conf->heartbeat_ms * 1000,
		.software = "reeve " PACKAGE_VERSION,
		.calls = &host_calls,
		.ctx = link,
	};
	memcpy(p.self, conf->code, sizeof(p.self));
	memcpy(p.peer, link->peer->code, sizeof(p.peer));
	return session_new(&link->session, &p, links_time(l), NULL);
}

static int grow_touched(struct links *l)
{
	if (l->serials.count < l->cap_touched) {
		return 0;
	}
	size_t cap = l->cap_touched == 0 ? 16 : 2 * l->cap_touched;
	struct link **more = realloc(l->touched, cap * sizeof(struct link *));
	if (more == NULL) {
		return RV_ENOMEM;
	}
	l->touched = more;
	l->cap_touched = cap;
	return 0;
}

static void free_link(struct links *l, struct link *link)
{
	uint8_t key[MAP_KEY_LEN];
	struct peer *peer = link->peer;
	map_number_key(key, link->serial);
	map_take(&l->serials, key);
	for (size_t i = 0; i < peer->n_links; i++) {
		if (peer->links[i] == link) {
			peer->links[i] = peer->links[--peer->n_links];
			break;
		}
	}
	for (size_t i = 0; i < l->n_touched; i++) {
		if (l->touched[i] == link) {
			l->touched[i] = l->touched[--l->n_touched];
			break;
		}
	}
	session_free(&link->session);
	free(link);
}

struct link *links_open(
	struct links *l, uint64_t connection, struct peer *peer, const char *key, int dialled)
{
	uint8_t by_number[MAP_KEY_LEN];
	uint8_t by_serial[MAP_KEY_LEN];
	if (peer->n_links == LINKS_OF_PEER_MAX || grow_touched(l) != 0) {
		return NULL;
	}
	struct link *link = calloc(1, sizeof(*link));
	if (link == NULL) {
		return NULL;
	}
	link->all = l;
	link->connection = connection;
	link->serial = ++l->next_serial;
	link->dialled = dialled;
	link->peer = peer;
	snprintf(link->key, sizeof(link->key), "%s", key);
	map_number_key(by_number, connection);
	map_number_key(by_serial, link->serial);
	if (new_session(l, link) != 0) {
		free(link);
		return NULL;
	}
	peer->links[peer->n_links++] = link;
	if (map_put(&l->serials, by_serial, link) != 0 ||
		map_put(&l->connections, by_number, link) != 0) {
		free_link(l, link);
		return NULL;
	}
	session_open(link->session, links_time(l));
	links_touch(link);
	l->changed = 1;
	return link;
}

/* Towards the line it is gone. */
static void close_link(struct links *l, struct link *link)
{
	uint8_t key[MAP_KEY_LEN];
	struct peer *peer = link->peer;
	link->closed = 1;
	map_number_key(key, link->connection);
	map_take(&l->connections, key);
	line_client_close(l->line, link->connection, NULL);
	l->sent = 1;
	if (peer->dialling == link->connection) {
		peer->dialling = 0;
		links_redial_later(l, peer);
	}
}

static struct link *ended_link(struct links *l, int64_t now_us)
{
	struct link *link;
	for (size_t at = 0; (link = map_next(&l->serials, &at)) != NULL;) {
		uint64_t bytes;
		if (session_state(link->session) != SESSION_ENDED) {
			continue;
		}
		if (link->peer->lead == link) {
			links_choose_lead(l, link->peer);
		}
		if (!link->closed ? now_us >= link->close_us
				  : session_at_intake(link->session, &bytes) == 0 ||
					    now_us - link->ended_us > LINKS_DEBT_US) {
			return link;
		}
	}
	return NULL;
}

/* Sessions end in the middle of a call; they are taken away here, between calls. */
void links_reap(struct links *l)
{
	struct link *link;
	int64_t now_us = links_time(l).mono_us;
	while ((link = ended_link(l, now_us)) != NULL) {
		if (!link->closed) {
			close_link(l, link);
		} else {
			free_link(l, link);
		}
	}
}

void links_free_all(struct links *l)
{
	struct link *link;
	for (size_t at = 0; (link = map_next(&l->serials, &at)) != NULL;) {
		session_free(&link->session);
		free(link);
	}
	map_free(&l->serials);
	map_free(&l->connections);
	free(l->touched);
}
