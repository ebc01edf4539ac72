/* SPDX-License-Identifier: Apache-2.0 */
#include "node/store/sqlite.h"

#include <stdio.h>
#include <string.h>

#include "node/store/blob.h"

int sqlite_message_seq(struct store *s, const uint8_t id[RV_UUID_LEN], int64_t *seq_r,
	uint8_t digest_r[RV_DIGEST_LEN], struct rv_err *e)
{
	sqlite3_stmt *q = db_prepare(&s->db, "SELECT seq, seal_digest FROM message WHERE id = ?", e,
		"b", id, (size_t)RV_UUID_LEN);
	int rc = q != NULL ? db_step(&s->db, q, e) : RV_EIO;
	if (rc > 0) {
		*seq_r = sqlite3_column_int64(q, 0);
		db_blob(q, 1, digest_r, RV_DIGEST_LEN);
		rc = 0;
	} else if (rc == 0) {
		rc = RV_ENOTFOUND;
	}
	db_done(q);
	return rc;
}

int sqlite_show_in_inbox(struct store *s, int64_t seq, struct rv_err *e)
{
	return db_run(&s->db, "INSERT OR IGNORE INTO inbox (message) VALUES (?)", e, "i", seq);
}

int store_chain_head(struct store *s, const char *operation, const char *originator,
	uint64_t *sequence_r, uint8_t digest_r[RV_DIGEST_LEN], struct rv_err *e)
{
	sqlite3_stmt *q = db_prepare(&s->db,
		"SELECT sequence, digest FROM chain WHERE operation = ? AND originator = ?", e,
		"tt", operation, originator);
	int rc = q != NULL ? db_step(&s->db, q, e) : RV_EIO;
	*sequence_r = 0;
	memset(digest_r, 0, RV_DIGEST_LEN);
	if (rc > 0) {
		*sequence_r = (uint64_t)sqlite3_column_int64(q, 0);
		db_blob(q, 1, digest_r, RV_DIGEST_LEN);
	}
	db_done(q);
	return rc < 0 ? rc : 0;
}

/* ---- what a message brings with it ---- */

static int add_source(struct store *s, int64_t seq, const char *source, struct rv_err *e)
{
	if (source[0] == '\0') {
		return 0;
	}
	return db_run(&s->db, "INSERT OR IGNORE INTO message_source (message, peer) VALUES (?, ?)",
		e, "it", seq, source);
}

static int add_targets(
	struct store *s, int64_t seq, const struct store_message *m, int complete, struct rv_err *e)
{
	int64_t state = complete ? STORE_QUEUED : STORE_HELD;
	int64_t priority = rv_priority(&m->header);
	for (size_t i = 0; i < m->n_targets; i++) {
		int rc = db_run(&s->db,
			"INSERT OR IGNORE INTO delivery (message, recipient, hop, priority, state, "
			"queued_us, updated_us) "
			"VALUES (?, ?, ?, ?, ?, ?, ?)",
			e, "ittiiii", seq, m->targets[i].recipient, m->targets[i].hop, priority,
			state, m->now_us, m->now_us);
		if (rc != 0) {
			return rc;
		}
	}
	return 0;
}

static int add_attachments(struct store *s, int64_t seq, const struct store_message *m,
	int *complete_r, struct rv_err *e)
{
	*complete_r = 1;
	for (size_t i = 0; i < m->n_attachments; i++) {
		const struct rv_attachment *a = &m->attachments[i];
		int64_t here = blob_here(s->dir, a->digest);
		int rc = db_run(&s->db,
			"INSERT INTO attachment (message, position, digest, size, name, "
			"media_type, here) VALUES (?, ?, ?, ?, ?, ?, ?)",
			e, "iibitti", seq, (int64_t)i, a->digest, (size_t)RV_DIGEST_LEN,
			(int64_t)a->size, a->name, a->media_type, here);
		if (rc == 0 && !here) {
			*complete_r = 0;
			rc = m->source[0] == '\0'
				     ? 0
				     : db_run(&s->db,
					       "INSERT OR IGNORE INTO fetch (peer, digest, size) "
					       "VALUES (?, ?, ?)",
					       e, "tbi", m->source, a->digest,
					       (size_t)RV_DIGEST_LEN, (int64_t)a->size);
		}
		if (rc != 0) {
			return rc;
		}
	}
	return 0;
}

static int insert_message(struct store *s, const struct store_message *m,
	const uint8_t id[RV_UUID_LEN], int64_t *seq_r, struct rv_err *e)
{
	const struct rv_header *h = &m->header;
	int rc = db_run(&s->db,
		"INSERT INTO message (id, seal_digest, kind, status, operation, originator, "
		"sequence, issued_us, expires_us, "
		"stored_us, priority, source, hops, trail, for_inbox, complete, wire, standing, "
		"standing_source, standing_as_of_us, standing_us) VALUES (?, "
		"?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, ?, ?, ?, ?, ?)",
		e, "bbttttiiiiititibttii", id, (size_t)RV_UUID_LEN, m->seal_digest,
		(size_t)RV_DIGEST_LEN, rv_kind_text(h->kind), rv_status_text(h->status),
		h->operation, h->originator, (int64_t)h->sequence, h->issued_us, h->expires_us,
		m->now_us, (int64_t)rv_priority(h), m->source, (int64_t)m->hops, m->trail,
		(int64_t)m->for_inbox, m->wire, m->wire_len, m->standing.word,
		m->standing.source, m->standing.as_of_us, m->standing.judged_us);
	*seq_r = sqlite3_last_insert_rowid(s->db.h);
	return rc;
}

static int extend_chain(struct store *s, const struct store_message *m, struct rv_err *e)
{
	const struct rv_header *h = &m->header;
	if (m->source[0] == '\0') {
		uint64_t head;
		uint8_t digest[RV_DIGEST_LEN];
		int rc = store_chain_head(s, h->operation, h->originator, &head, digest, e);
		if (rc != 0) {
			return rc;
		}
		if (h->sequence != head + 1 || memcmp(h->previous, digest, RV_DIGEST_LEN) != 0) {
			return rv_fail_rule(e, RV_EAGAIN, "STORE-CHAIN",
				"another message took number %llu of %s meanwhile",
				(unsigned long long)h->sequence, h->operation);
		}
	}
	return db_run(&s->db,
		"INSERT INTO chain (operation, originator, sequence, digest) VALUES (?, ?, ?, ?) "
		"ON CONFLICT (operation, originator) "
		"DO UPDATE SET sequence = excluded.sequence, digest = excluded.digest WHERE "
		"excluded.sequence > chain.sequence",
		e, "ttib", h->operation, h->originator, (int64_t)h->sequence, m->seal_digest,
		(size_t)RV_DIGEST_LEN);
}

static int accept_new(struct store *s, const struct store_message *m, const uint8_t id[RV_UUID_LEN],
	int *complete_r, struct rv_err *e)
{
	int64_t seq = 0;
	int rc = extend_chain(s, m, e);
	if (rc == 0) {
		rc = insert_message(s, m, id, &seq, e);
	}
	if (rc == 0) {
		rc = add_source(s, seq, m->source, e);
	}
	if (rc == 0) {
		rc = add_attachments(s, seq, m, complete_r, e);
	}
	if (rc == 0) {
		rc = add_targets(s, seq, m, *complete_r, e);
	}
	if (rc == 0 && *complete_r) {
		rc = db_run(&s->db, "UPDATE message SET complete = 1 WHERE seq = ?", e, "i", seq);
		if (rc == 0 && m->for_inbox) {
			rc = sqlite_show_in_inbox(s, seq, e);
		}
	}
	return rc;
}

/* ---- a message that is here already ---- */

/* Another peer may have what the first could not give. */
static int add_fetches(struct store *s, int64_t seq, const char *source, struct rv_err *e)
{
	if (source[0] == '\0') {
		return 0;
	}
	return db_run(&s->db,
		"INSERT INTO fetch (peer, digest, size) SELECT ?, digest, size FROM attachment "
		"WHERE message = ? AND here = 0 "
		"ON CONFLICT (peer, digest) DO UPDATE SET failed_us = 0, why = ''",
		e, "ti", source, seq);
}

/* The peer did not get our receipts, or did not get all: every receipt of the message but its own
 * travels to it again. */
static int requeue_receipts(
	struct store *s, const uint8_t id[RV_UUID_LEN], const char *source, struct rv_err *e)
{
	if (source[0] == '\0') {
		return 0;
	}
	return db_run(&s->db,
		"INSERT OR IGNORE INTO receipt_queue (peer, receipt) SELECT ?, id FROM receipt "
		"WHERE message = ? AND signer <> ?",
		e, "tbt", source, id, (size_t)RV_UUID_LEN, source);
}

static int accept_again(struct store *s, const struct store_message *m,
	const uint8_t id[RV_UUID_LEN], int64_t seq, int *complete_r, struct rv_err *e)
{
	int64_t complete = 0;
	int rc = db_number(
		&s->db, &complete, NULL, "SELECT complete FROM message WHERE seq = ?", e, "i", seq);
	if (rc == 0) {
		rc = add_source(s, seq, m->source, e);
	}
	if (rc == 0) {
		rc = add_targets(s, seq, m, complete != 0, e);
	}
	if (rc == 0 && m->for_inbox) {
		rc = db_run(&s->db, "UPDATE message SET for_inbox = 1 WHERE seq = ?", e, "i", seq);
		if (rc == 0 && complete) {
			rc = sqlite_show_in_inbox(s, seq, e);
		}
	}
	/* of two copies the one with fewer sections withheld is kept: it is the longer one, the
	 * seal is the same */
	if (rc == 0) {
		rc = db_run(&s->db,
			"UPDATE message SET wire = ? WHERE seq = ? AND LENGTH(wire) < ?", e, "bii",
			m->wire, m->wire_len, seq, (int64_t)m->wire_len);
	}
	if (rc == 0 && !complete) {
		rc = add_fetches(s, seq, m->source, e);
	}
	if (rc == 0) {
		rc = requeue_receipts(s, id, m->source, e);
	}
	*complete_r = complete != 0;
	return rc;
}

int store_accept(struct store *s, const struct store_message *m, int *complete_r, struct rv_err *e)
{
	uint8_t id[RV_UUID_LEN];
	uint8_t digest[RV_DIGEST_LEN];
	int64_t seq = 0;
	if (rv_uuid_parse(id, m->header.id) != 0) {
		return rv_fail(e, RV_EINVAL, "a message without an id cannot be accepted");
	}
	int rc = db_verb(s, e);
	if (rc != 0) {
		return rc;
	}
	int known = sqlite_message_seq(s, id, &seq, digest, e);
	int again = 0;
	if (known == RV_ENOTFOUND) {
		rc = accept_new(s, m, id, complete_r, e);
	} else if (known != 0) {
		rc = known;
	} else if (memcmp(digest, m->seal_digest, RV_DIGEST_LEN) != 0) {
		rc = rv_fail_rule(e, RV_EEXIST, "SEAL-CONFLICT",
			"message %s is here already with other content", m->header.id);
	} else {
		again = 1;
		rc = accept_again(s, m, id, seq, complete_r, e);
	}
	rc = db_verb_end(s, rc, e);
	return rc == 0 && again ? RV_EDUP : rc;
}
