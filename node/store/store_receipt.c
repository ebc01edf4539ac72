/* SPDX-License-Identifier: Apache-2.0 */
#include "node/store/sqlite.h"

#include <stdlib.h>
#include <string.h>

/* ---- receipts ---- */

/* What a receipt states, its time and signature aside: the same statement is kept once, however
 * often it is made. */
static int statement(const struct rv_receipt *r, uint8_t digest[RV_DIGEST_LEN], struct rv_err *e)
{
	struct rv_buf b = {0};
	rv_buf_put(&b, r->seal_digest, RV_DIGEST_LEN);
	for (size_t i = 0; i < r->n_recipients; i++) {
		rv_buf_str8(&b, r->recipients[i]);
	}
	if (r->stage == RV_STAGE_REJECTED) {
		rv_buf_str8(&b, r->rule);
	}
	int ok = rv_buf_ok(&b);
	if (ok) {
		rv_sha256(digest, b.data, b.len);
	}
	rv_buf_free(&b);
	return ok ? 0 : rv_fail_nomem(e);
}

/* Keeps it; its id, and whether it was there before. */
static int keep(struct store *s, const struct rv_receipt *r, const void *bytes, size_t len,
	int64_t *id_r, int *known_r, struct rv_err *e)
{
	uint8_t digest[RV_DIGEST_LEN];
	int64_t stage = r->stage;
	int rc = statement(r, digest, e);
	if (rc == 0) {
		rc = db_number(&s->db, id_r, known_r,
			"SELECT id FROM receipt WHERE message = ? AND signer = ? AND stage = ? AND "
			"statement = ?",
			e, "btib", r->message, (size_t)RV_UUID_LEN, r->signer, stage, digest,
			(size_t)RV_DIGEST_LEN);
	}
	if (rc != 0 || *known_r) {
		return rc;
	}
	rc = db_run(&s->db,
		"INSERT INTO receipt (message, signer, stage, statement, time_us, bytes) VALUES "
		"(?, ?, ?, ?, ?, ?)",
		e, "btibib", r->message, (size_t)RV_UUID_LEN, r->signer, stage, digest,
		(size_t)RV_DIGEST_LEN, r->time_us, bytes, len);
	*id_r = sqlite3_last_insert_rowid(s->db.h);
	return rc;
}

/* States only move forward; which may move is in each statement. */
static int move_deliveries(struct store *s, const struct rv_receipt *r, int64_t seq,
	const char *from, int64_t now_us, struct rv_err *e)
{
	int rc = 0;
	if (r->stage == RV_STAGE_STORED) {
		return db_run(&s->db,
			"UPDATE delivery SET state = 5, updated_us = ? WHERE message = ? AND "
			"recipient = ? AND state IN (1, 2, 3, 4, 8)",
			e, "iit", now_us, seq, r->signer);
	}
	if (r->stage == RV_STAGE_READ) {
		return db_run(&s->db,
			"UPDATE delivery SET state = 6, updated_us = ? WHERE message = ? AND "
			"recipient = ? AND state IN (1, 2, 3, 4, 5, 8)",
			e, "iit", now_us, seq, r->signer);
	}
	for (size_t i = 0; rc == 0 && i < r->n_recipients; i++) {
		if (r->stage == RV_STAGE_RELAYED) {
			rc = db_run(&s->db,
				"UPDATE delivery SET state = 4, updated_us = ? WHERE message = ? "
				"AND recipient = ? AND hop = ? AND state IN (1, 2, 3)",
				e, "iitt", now_us, seq, r->recipients[i], r->signer);
		} else {
			/* only the recipient itself, or the hop that it went to, may speak for it
			 */
			rc = db_run(&s->db,
				"UPDATE delivery SET state = 7, updated_us = ?, code = ?, text = ? "
				"WHERE message = ? AND recipient = ? "
				"AND state IN (1, 2, 3, 4) AND (recipient = ? OR hop = ?)",
				e, "ittittt", now_us, r->rule, r->text, seq, r->recipients[i],
				r->signer, from);
		}
	}
	return rc;
}

static int queue_towards(struct store *s, int64_t receipt, const char *peer, struct rv_err *e)
{
	return db_run(&s->db, "INSERT OR IGNORE INTO receipt_queue (peer, receipt) VALUES (?, ?)",
		e, "ti", peer, receipt);
}

static int queue_to_sources(
	struct store *s, int64_t receipt, int64_t seq, const char *from, struct rv_err *e)
{
	return db_run(&s->db,
		"INSERT OR IGNORE INTO receipt_queue (peer, receipt) SELECT peer, ? FROM "
		"message_source WHERE message = ? AND peer <> ?",
		e, "iit", receipt, seq, from);
}

static int about_known(const struct rv_receipt *r, int found, const uint8_t digest[RV_DIGEST_LEN])
{
	return found == 0 && memcmp(r->seal_digest, digest, RV_DIGEST_LEN) == 0;
}

/* A rejection may come from a node that could not read the message, and so knows no digest. */
static int about_unread(const struct rv_receipt *r, int found)
{
	static const uint8_t zero[RV_DIGEST_LEN];
	return found == 0 && r->stage == RV_STAGE_REJECTED &&
	       memcmp(r->seal_digest, zero, RV_DIGEST_LEN) == 0;
}

int store_receipt(struct store *s, const struct rv_receipt *r, const void *bytes, size_t len,
	const char *from, const char *towards, int64_t now_us, struct rv_err *e)
{
	uint8_t digest[RV_DIGEST_LEN];
	int64_t seq = 0;
	int64_t id = 0;
	int known = 0;
	int rc = db_verb(s, e);
	if (rc != 0) {
		return rc;
	}
	int found = sqlite_message_seq(s, r->message, &seq, digest, e);
	if (found != 0 && found != RV_ENOTFOUND) {
		rc = found;
	} else if (towards == NULL && !about_known(r, found, digest) && !about_unread(r, found)) {
		rc = rv_fail(e, RV_ENOTFOUND,
			"the receipt of %s is about a message that is not here", r->signer);
	}
	if (rc == 0) {
		rc = keep(s, r, bytes, len, &id, &known, e);
	}
	if (rc == 0 && towards != NULL) {
		rc = queue_towards(s, id, towards, e);
	} else if (rc == 0 && !known) {
		rc = move_deliveries(s, r, seq, from, now_us, e);
		if (rc == 0) {
			rc = queue_to_sources(s, id, seq, from, e);
		}
	}
	rc = db_verb_end(s, rc, e);
	return rc == 0 && known ? RV_EDUP : rc;
}

int store_receipts_done(
	struct store *s, const char *peer, const int64_t *ids, size_t n, struct rv_err *e)
{
	int rc = db_verb(s, e);
	if (rc != 0) {
		return rc;
	}
	for (size_t i = 0; rc == 0 && i < n; i++) {
		rc = db_run(&s->db, "DELETE FROM receipt_queue WHERE peer = ? AND receipt = ?", e,
			"ti", peer, ids[i]);
	}
	return db_verb_end(s, rc, e);
}

/* ---- refusals ---- */

int store_quarantine(struct store *s, const struct store_refusal *r, struct rv_err *e)
{
	size_t len = r->wire_len > 1 << 20 ? 1 << 20 : r->wire_len;
	int rc = db_verb(s, e);
	if (rc != 0) {
		return rc;
	}
	int64_t again = 0;
	int there = 0;
	/* the same refused bytes from the same peer, offered again and again, are kept once */
	rc = db_number(&s->db, &again, &there,
		"SELECT seq FROM quarantine WHERE source = ? AND id IS ? AND code = ? ORDER BY seq "
		"DESC LIMIT 1",
		e, "tbt", r->source, r->has_message ? r->message : NULL, (size_t)RV_UUID_LEN,
		r->code);
	if (rc == 0 && there && r->has_message) {
		rc = db_run(&s->db, "UPDATE quarantine SET time_us = ? WHERE seq = ?", e, "ii",
			r->now_us, again);
	} else if (rc == 0) {
		rc = db_run(&s->db,
			"INSERT INTO quarantine (source, id, originator, operation, kind, code, "
			"text, line, col, time_us, wire) "
			"VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
			e, "tbtttttiiib", r->source, r->has_message ? r->message : NULL,
			(size_t)RV_UUID_LEN, r->originator, r->operation, r->kind, r->code, r->text,
			(int64_t)r->line, (int64_t)r->column, r->now_us, r->wire, len);
	}
	return db_verb_end(s, rc, e);
}

/* ---- deliveries ---- */

int store_sent(struct store *s, const int64_t *seqs, size_t n, const char *hop, int64_t now_us,
	struct rv_err *e)
{
	int rc = db_verb(s, e);
	if (rc != 0) {
		return rc;
	}
	for (size_t i = 0; rc == 0 && i < n; i++) {
		rc = db_run(&s->db,
			"UPDATE delivery SET state = 3, updated_us = ? WHERE message = ? AND hop = "
			"? AND state = 2",
			e, "iit", now_us, seqs[i], hop);
	}
	return db_verb_end(s, rc, e);
}

int store_reroute(
	struct store *s, const char *recipient, const char *hop, int64_t now_us, struct rv_err *e)
{
	int rc = db_verb(s, e);
	if (rc == 0) {
		rc = db_run(&s->db,
			"UPDATE delivery INDEXED BY delivery_open SET hop = ?, updated_us = ?, "
			"state = CASE state WHEN 3 THEN 2 ELSE state END "
			"WHERE recipient = ? AND state IN (1, 2, 3) AND hop <> ?",
			e, "titt", hop, now_us, recipient, hop);
		rc = db_verb_end(s, rc, e);
	}
	return rc;
}

int store_expire(struct store *s, int64_t now_us, size_t *n_r, struct rv_err *e)
{
	int rc = db_verb(s, e);
	if (rc == 0) {
		rc = db_run(&s->db,
			"UPDATE delivery INDEXED BY delivery_open SET state = 8, updated_us = ?, "
			"code = 'EXPIRED', "
			"text = 'the message expired before it was delivered' WHERE state IN (1, "
			"2, 3) AND message IN "
			"(SELECT seq FROM message WHERE expires_us > 0 AND expires_us < ?)",
			e, "ii", now_us, now_us);
		*n_r = rc == 0 ? (size_t)sqlite3_changes(s->db.h) : 0;
		rc = db_verb_end(s, rc, e);
	}
	return rc;
}

int store_mark_read(struct store *s, const uint8_t message[RV_UUID_LEN], int64_t now_us,
	int *first_r, struct rv_err *e)
{
	uint8_t digest[RV_DIGEST_LEN];
	int64_t seq = 0;
	int rc = db_verb(s, e);
	if (rc != 0) {
		return rc;
	}
	*first_r = 0;
	rc = sqlite_message_seq(s, message, &seq, digest, e);
	if (rc == RV_ENOTFOUND) {
		rv_fail(e, RV_ENOTFOUND, "there is no such message in this node");
	}
	if (rc == 0) {
		rc = db_run(&s->db,
			"UPDATE inbox SET read_us = ? WHERE message = ? AND read_us = 0", e, "ii",
			now_us, seq);
		*first_r = rc == 0 && sqlite3_changes(s->db.h) == 1;
	}
	return db_verb_end(s, rc, e);
}

/* ---- attachments ---- */

void store_completed_clear(struct store_completed *list, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free(list[i].recipients);
	}
	free(list);
}

static int list_recipients(
	struct store *s, int64_t seq, struct store_completed *c, struct rv_err *e)
{
	sqlite3_stmt *q =
		db_prepare(&s->db, "SELECT recipient FROM delivery WHERE message = ?", e, "i", seq);
	int rc = q != NULL ? 0 : RV_EIO;
	while (rc == 0 && (rc = db_step(&s->db, q, e)) > 0) {
		rc = db_list_grow(
			(void **)&c->recipients, c->n_recipients, sizeof(*c->recipients), e);
		if (rc == 0) {
			db_text(q, 0, c->recipients[c->n_recipients++], RV_CODE_TEXT);
		}
	}
	db_done(q);
	return rc;
}

static int complete_message(
	struct store *s, int64_t seq, int64_t now_us, struct store_completed *c, struct rv_err *e)
{
	int rc = db_run(&s->db, "UPDATE message SET complete = 1 WHERE seq = ?", e, "i", seq);
	if (rc == 0) {
		rc = db_run(&s->db,
			"UPDATE delivery SET state = 2, queued_us = ?, updated_us = ? WHERE "
			"message = ? AND state = 1",
			e, "iii", now_us, now_us, seq);
	}
	if (rc == 0 && c->for_inbox) {
		rc = sqlite_show_in_inbox(s, seq, e);
	}
	return rc == 0 ? list_recipients(s, seq, c, e) : rc;
}

/* Messages that have all of theirs now. */
static int find_completed(struct store *s, const uint8_t digest[RV_DIGEST_LEN],
	struct store_completed **list, size_t *n, int64_t **seqs, struct rv_err *e)
{
	sqlite3_stmt *q = db_prepare(&s->db,
		"SELECT m.seq, m.id, m.seal_digest, m.source, m.for_inbox FROM message m WHERE "
		"m.complete = 0 AND m.seq IN "
		"(SELECT message FROM attachment WHERE digest = ?) AND NOT EXISTS (SELECT 1 FROM "
		"attachment a WHERE a.message = m.seq AND a.here = 0)",
		e, "b", digest, (size_t)RV_DIGEST_LEN);
	int rc = q != NULL ? 0 : RV_EIO;
	while (rc == 0 && (rc = db_step(&s->db, q, e)) > 0) {
		rc = db_list_grow((void **)list, *n, sizeof(**list), e);
		if (rc == 0) {
			rc = db_list_grow((void **)seqs, *n, sizeof(**seqs), e);
		}
		if (rc == 0) {
			struct store_completed *c = &(*list)[*n];
			(*seqs)[(*n)++] = sqlite3_column_int64(q, 0);
			db_blob(q, 1, c->message, RV_UUID_LEN);
			db_blob(q, 2, c->seal_digest, RV_DIGEST_LEN);
			db_text(q, 3, c->source, sizeof(c->source));
			c->for_inbox = sqlite3_column_int(q, 4);
		}
	}
	db_done(q);
	return rc;
}

int store_blob_here(struct store *s, const uint8_t digest[RV_DIGEST_LEN], uint64_t size,
	int64_t now_us, struct store_completed **list_r, size_t *n_r, struct rv_err *e)
{
	struct store_completed *list = NULL;
	int64_t *seqs = NULL;
	size_t n = 0;
	int rc = db_verb(s, e);
	if (rc != 0) {
		return rc;
	}
	rc = db_run(&s->db, "UPDATE attachment SET here = 1 WHERE digest = ?", e, "b", digest,
		(size_t)RV_DIGEST_LEN);
	if (rc == 0) {
		rc = db_run(&s->db, "DELETE FROM fetch WHERE digest = ?", e, "b", digest,
			(size_t)RV_DIGEST_LEN);
	}
	if (rc == 0) {
		rc = find_completed(s, digest, &list, &n, &seqs, e);
	}
	for (size_t i = 0; rc == 0 && i < n; i++) {
		rc = complete_message(s, seqs[i], now_us, &list[i], e);
	}
	free(seqs);
	rc = db_verb_end(s, rc, e);
	if (rc != 0) {
		store_completed_clear(list, n);
		return rc;
	}
	*list_r = list;
	*n_r = n;
	return 0;
}

int store_fetch_failed(struct store *s, const uint8_t digest[RV_DIGEST_LEN], const char *peer,
	const char *why, int64_t now_us, struct rv_err *e)
{
	int rc = db_verb(s, e);
	if (rc == 0) {
		rc = db_run(&s->db,
			"UPDATE fetch SET failed_us = ?, why = ? WHERE peer = ? AND digest = ?", e,
			"ittb", now_us, why, peer, digest, (size_t)RV_DIGEST_LEN);
		rc = db_verb_end(s, rc, e);
	}
	return rc;
}
