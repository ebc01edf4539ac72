/* SPDX-License-Identifier: Apache-2.0 */
#include "node/store/sqlite.h"

#include <stdlib.h>
#include <string.h>

/* The readers of the API. */

#define ENTRY_COLUMNS                                                                              \
	"m.id, m.kind, m.status, m.operation, m.originator, m.source, m.sequence, m.issued_us, "   \
	"m.stored_us, "                                                                            \
	"COALESCE(i.read_us, 0), m.priority, m.complete, "                                         \
	"(SELECT COUNT(*) FROM delivery d WHERE d.message = m.seq), "                              \
	"(SELECT COUNT(*) FROM delivery d WHERE d.message = m.seq AND d.state IN (1, 2, 3, 4)), "  \
	"(SELECT COUNT(*) FROM delivery d WHERE d.message = m.seq AND d.state = 7) "

/* Columns from 1; 0 is the cursor. */
static void fill_entry(sqlite3_stmt *q, struct store_entry *x)
{
	uint8_t id[RV_UUID_LEN];
	x->seq = sqlite3_column_int64(q, 0);
	db_blob(q, 1, id, sizeof(id));
	rv_uuid_text(x->id, id);
	db_text(q, 2, x->kind, sizeof(x->kind));
	db_text(q, 3, x->status, sizeof(x->status));
	db_text(q, 4, x->operation, sizeof(x->operation));
	db_text(q, 5, x->originator, sizeof(x->originator));
	db_text(q, 6, x->source, sizeof(x->source));
	x->sequence = (uint64_t)sqlite3_column_int64(q, 7);
	x->issued_us = sqlite3_column_int64(q, 8);
	x->stored_us = sqlite3_column_int64(q, 9);
	x->read_us = sqlite3_column_int64(q, 10);
	x->priority = (unsigned)sqlite3_column_int(q, 11);
	x->complete = sqlite3_column_int(q, 12);
	x->n_deliveries = (unsigned)sqlite3_column_int(q, 13);
	x->n_pending = (unsigned)sqlite3_column_int(q, 14);
	x->n_rejected = (unsigned)sqlite3_column_int(q, 15);
}

static const char *list_sql(enum store_box box, int descending)
{
	static const char inbox_up[] =
		"SELECT i.seq, " ENTRY_COLUMNS
		"FROM inbox i JOIN message m ON m.seq = i.message WHERE i.seq > ?1 "
		"AND (?2 = '' OR m.operation = ?2) ORDER BY i.seq LIMIT ?3";
	static const char inbox_down[] =
		"SELECT i.seq, " ENTRY_COLUMNS
		"FROM inbox i JOIN message m ON m.seq = i.message WHERE (?1 = 0 OR i.seq < ?1) "
		"AND (?2 = '' OR m.operation = ?2) ORDER BY i.seq DESC LIMIT ?3";
	static const char outbox_up[] =
		"SELECT m.seq, " ENTRY_COLUMNS
		"FROM message m LEFT JOIN inbox i ON i.message = m.seq WHERE m.source = '' "
		"AND m.seq > ?1 AND (?2 = '' OR m.operation = ?2) ORDER BY m.seq LIMIT ?3";
	static const char outbox_down[] =
		"SELECT m.seq, " ENTRY_COLUMNS
		"FROM message m LEFT JOIN inbox i ON i.message = m.seq WHERE m.source = '' "
		"AND (?1 = 0 OR m.seq < ?1) AND (?2 = '' OR m.operation = ?2) ORDER BY m.seq DESC "
		"LIMIT ?3";
	static const char transit_up[] =
		"SELECT m.seq, " ENTRY_COLUMNS
		"FROM message m LEFT JOIN inbox i ON i.message = m.seq WHERE m.source <> '' "
		"AND m.for_inbox = 0 AND m.seq > ?1 AND (?2 = '' OR m.operation = ?2) ORDER BY "
		"m.seq LIMIT ?3";
	static const char transit_down[] =
		"SELECT m.seq, " ENTRY_COLUMNS
		"FROM message m LEFT JOIN inbox i ON i.message = m.seq WHERE m.source <> '' "
		"AND m.for_inbox = 0 AND (?1 = 0 OR m.seq < ?1) AND (?2 = '' OR m.operation = ?2) "
		"ORDER BY m.seq DESC LIMIT ?3";
	switch (box) {
	case STORE_INBOX:
		return descending ? inbox_down : inbox_up;
	case STORE_OUTBOX:
		return descending ? outbox_down : outbox_up;
	default:
		return descending ? transit_down : transit_up;
	}
}

int store_list(struct store_reader *r, enum store_box box, const char *operation, int64_t after_seq,
	int descending, size_t max, struct store_entry **list_r, size_t *n_r, struct rv_err *e)
{
	struct store_entry *list = NULL;
	size_t n = 0;
	sqlite3_stmt *q = db_prepare(&r->db, list_sql(box, descending), e, "iti", after_seq,
		operation != NULL ? operation : "", (int64_t)max);
	int rc = q != NULL ? 0 : RV_EIO;
	while (rc == 0 && (rc = db_step(&r->db, q, e)) > 0) {
		rc = db_list_grow((void **)&list, n, sizeof(*list), e);
		if (rc == 0) {
			fill_entry(q, &list[n++]);
		}
	}
	db_done(q);
	if (rc < 0) {
		free(list);
		return rc;
	}
	*list_r = list;
	*n_r = n;
	return 0;
}

/* ---- one message, whole ---- */

void store_full_clear(struct store_full *f)
{
	for (size_t i = 0; i < f->n_receipts; i++) {
		free(f->receipts[i].bytes);
	}
	free(f->receipts);
	free(f->deliveries);
	free(f->attachments);
	free(f->attachment_here);
	free(f->wire);
	memset(f, 0, sizeof(*f));
}

static int load_head(struct store_reader *r, const uint8_t message[RV_UUID_LEN],
	struct store_full *f, int64_t *seq_r, struct rv_err *e)
{
	sqlite3_stmt *q = db_prepare(&r->db,
		"SELECT m.seq, " ENTRY_COLUMNS
		", m.seal_digest, m.wire, m.for_inbox, m.standing, m.standing_source, "
		"m.standing_as_of_us, m.standing_us FROM message m LEFT JOIN inbox i "
		"ON i.message = m.seq WHERE m.id = ?",
		e, "b", message, (size_t)RV_UUID_LEN);
	int rc = q != NULL ? db_step(&r->db, q, e) : RV_EIO;
	if (rc > 0) {
		fill_entry(q, &f->entry);
		*seq_r = f->entry.seq;
		db_blob(q, 16, f->seal_digest, RV_DIGEST_LEN);
		f->for_inbox = sqlite3_column_int(q, 18);
		db_text(q, 19, f->standing.word, sizeof(f->standing.word));
		db_text(q, 20, f->standing.source, sizeof(f->standing.source));
		f->standing.as_of_us = sqlite3_column_int64(q, 21);
		f->standing.judged_us = sqlite3_column_int64(q, 22);
		rc = db_copy(q, 17, &f->wire, &f->wire_len);
	} else if (rc == 0) {
		rc = rv_fail(e, RV_ENOTFOUND, "there is no such message in this node");
	}
	db_done(q);
	return rc;
}

static int load_deliveries(
	struct store_reader *r, int64_t seq, struct store_full *f, struct rv_err *e)
{
	sqlite3_stmt *q = db_prepare(&r->db,
		"SELECT recipient, hop, state, updated_us, code, text FROM delivery WHERE message "
		"= ? ORDER BY recipient",
		e, "i", seq);
	int rc = q != NULL ? 0 : RV_EIO;
	while (rc == 0 && (rc = db_step(&r->db, q, e)) > 0) {
		rc = db_list_grow(
			(void **)&f->deliveries, f->n_deliveries, sizeof(*f->deliveries), e);
		if (rc == 0) {
			struct store_delivery *d = &f->deliveries[f->n_deliveries++];
			db_text(q, 0, d->recipient, sizeof(d->recipient));
			db_text(q, 1, d->hop, sizeof(d->hop));
			d->state = (enum store_state)sqlite3_column_int(q, 2);
			d->updated_us = sqlite3_column_int64(q, 3);
			db_text(q, 4, d->code, sizeof(d->code));
			db_text(q, 5, d->text, sizeof(d->text));
		}
	}
	db_done(q);
	return rc;
}

static int load_receipts(struct store_reader *r, const uint8_t message[RV_UUID_LEN],
	struct store_full *f, struct rv_err *e)
{
	sqlite3_stmt *q = db_prepare(&r->db,
		"SELECT signer, stage, time_us, bytes FROM receipt WHERE message = ? ORDER BY "
		"time_us, id",
		e, "b", message, (size_t)RV_UUID_LEN);
	int rc = q != NULL ? 0 : RV_EIO;
	while (rc == 0 && (rc = db_step(&r->db, q, e)) > 0) {
		rc = db_list_grow((void **)&f->receipts, f->n_receipts, sizeof(*f->receipts), e);
		if (rc == 0) {
			struct store_receipt_row *x = &f->receipts[f->n_receipts];
			db_text(q, 0, x->signer, sizeof(x->signer));
			x->stage = (enum rv_stage)sqlite3_column_int(q, 1);
			x->time_us = sqlite3_column_int64(q, 2);
			rc = db_copy(q, 3, &x->bytes, &x->len);
			f->n_receipts += rc == 0;
		}
	}
	db_done(q);
	return rc;
}

static int load_attachments(
	struct store_reader *r, int64_t seq, struct store_full *f, struct rv_err *e)
{
	sqlite3_stmt *q = db_prepare(&r->db,
		"SELECT digest, size, name, media_type, here FROM attachment WHERE message = ? "
		"ORDER BY position",
		e, "i", seq);
	int rc = q != NULL ? 0 : RV_EIO;
	while (rc == 0 && (rc = db_step(&r->db, q, e)) > 0) {
		rc = db_list_grow(
			(void **)&f->attachments, f->n_attachments, sizeof(*f->attachments), e);
		if (rc == 0) {
			rc = db_list_grow((void **)&f->attachment_here, f->n_attachments,
				sizeof(*f->attachment_here), e);
		}
		if (rc == 0) {
			struct rv_attachment *a = &f->attachments[f->n_attachments];
			db_blob(q, 0, a->digest, RV_DIGEST_LEN);
			a->size = (uint64_t)sqlite3_column_int64(q, 1);
			db_text(q, 2, a->name, sizeof(a->name));
			db_text(q, 3, a->media_type, sizeof(a->media_type));
			f->attachment_here[f->n_attachments++] = sqlite3_column_int(q, 4);
		}
	}
	db_done(q);
	return rc;
}

int store_get(struct store_reader *r, const uint8_t message[RV_UUID_LEN], struct store_full *full_r,
	struct rv_err *e)
{
	struct store_full f = {0};
	int64_t seq = 0;
	int rc = db_run(&r->db, "BEGIN", e, "");
	if (rc != 0) {
		return rc;
	}
	if ((rc = load_head(r, message, &f, &seq, e)) == 0 &&
		(rc = load_deliveries(r, seq, &f, e)) == 0 &&
		(rc = load_receipts(r, message, &f, e)) == 0) {
		rc = load_attachments(r, seq, &f, e);
	}
	db_run(&r->db, "COMMIT", NULL, "");
	if (rc != 0) {
		store_full_clear(&f);
		return rc;
	}
	*full_r = f;
	return 0;
}

/* ---- quarantine ---- */

#define QUARANTINE_COLUMNS                                                                         \
	"seq, source, id, originator, operation, kind, code, text, line, col, time_us, "           \
	"LENGTH(wire)"

static void fill_quarantined(sqlite3_stmt *q, struct store_quarantined *x)
{
	uint8_t id[RV_UUID_LEN];
	x->seq = sqlite3_column_int64(q, 0);
	db_text(q, 1, x->source, sizeof(x->source));
	if (sqlite3_column_type(q, 2) == SQLITE_BLOB) {
		db_blob(q, 2, id, sizeof(id));
		rv_uuid_text(x->id, id);
	}
	db_text(q, 3, x->originator, sizeof(x->originator));
	db_text(q, 4, x->operation, sizeof(x->operation));
	db_text(q, 5, x->kind, sizeof(x->kind));
	db_text(q, 6, x->code, sizeof(x->code));
	db_text(q, 7, x->text, sizeof(x->text));
	x->line = sqlite3_column_int(q, 8);
	x->column = sqlite3_column_int(q, 9);
	x->time_us = sqlite3_column_int64(q, 10);
	x->wire_len = (size_t)sqlite3_column_int64(q, 11);
}

int store_quarantine_list(struct store_reader *r, int64_t after_seq, size_t max,
	struct store_quarantined **list_r, size_t *n_r, struct rv_err *e)
{
	struct store_quarantined *list = NULL;
	size_t n = 0;
	sqlite3_stmt *q = db_prepare(&r->db,
		"SELECT " QUARANTINE_COLUMNS " FROM quarantine WHERE seq > ? ORDER BY seq LIMIT ?",
		e, "ii", after_seq, (int64_t)max);
	int rc = q != NULL ? 0 : RV_EIO;
	while (rc == 0 && (rc = db_step(&r->db, q, e)) > 0) {
		rc = db_list_grow((void **)&list, n, sizeof(*list), e);
		if (rc == 0) {
			fill_quarantined(q, &list[n++]);
		}
	}
	db_done(q);
	if (rc < 0) {
		free(list);
		return rc;
	}
	*list_r = list;
	*n_r = n;
	return 0;
}

int store_quarantine_get(struct store_reader *r, int64_t seq, struct store_quarantined *q_r,
	uint8_t **wire_r, size_t *len_r, struct rv_err *e)
{
	sqlite3_stmt *q = db_prepare(&r->db,
		"SELECT " QUARANTINE_COLUMNS ", wire FROM quarantine WHERE seq = ?", e, "i", seq);
	int rc = q != NULL ? db_step(&r->db, q, e) : RV_EIO;
	if (rc > 0) {
		memset(q_r, 0, sizeof(*q_r));
		fill_quarantined(q, q_r);
		rc = db_copy(q, 12, wire_r, len_r);
	} else if (rc == 0) {
		rc = rv_fail(e, RV_ENOTFOUND, "nothing in quarantine has the number %lld",
			(long long)seq);
	}
	db_done(q);
	return rc;
}

/* ---- counts ---- */

int store_counts(struct store_reader *r, struct store_counts *c_r, struct rv_err *e)
{
	static const char *const questions[] = {
		"SELECT COUNT(*) FROM inbox",
		"SELECT COUNT(*) FROM inbox INDEXED BY inbox_unread WHERE read_us = 0",
		"SELECT COUNT(*) FROM message INDEXED BY message_outbox WHERE source = ''",
		("SELECT COUNT(*) FROM message INDEXED BY message_transit WHERE source <> '' AND "
		 "for_inbox = 0"),
		"SELECT COUNT(*) FROM delivery INDEXED BY delivery_open WHERE state IN (1, 2, 3)",
		"SELECT COUNT(*) FROM quarantine",
		"SELECT COUNT(*) FROM receipt_queue",
		"SELECT COUNT(*) FROM fetch",
	};
	uint64_t *const answers[] = {&c_r->inbox, &c_r->unread, &c_r->outbox, &c_r->transit,
		&c_r->pending_deliveries, &c_r->quarantined, &c_r->receipts_waiting, &c_r->fetches};
	for (size_t i = 0; i < sizeof(questions) / sizeof(questions[0]); i++) {
		int64_t n = 0;
		int rc = db_number(&r->db, &n, NULL, questions[i], e, "");
		if (rc != 0) {
			return rc;
		}
		*answers[i] = (uint64_t)n;
	}
	return 0;
}

int store_queues(struct store_reader *r, struct store_queue **list_r, size_t *n_r, struct rv_err *e)
{
	struct store_queue *list = NULL;
	size_t n = 0;
	sqlite3_stmt *q = db_prepare(&r->db,
		"SELECT d.hop, d.n, m.stored_us FROM (SELECT hop, COUNT(*) AS n, MIN(message) AS "
		"first FROM delivery INDEXED BY "
		"delivery_due WHERE state IN (2, 3) GROUP BY hop) d JOIN message m ON m.seq = "
		"d.first",
		e, "");
	int rc = q != NULL ? 0 : RV_EIO;
	while (rc == 0 && (rc = db_step(&r->db, q, e)) > 0) {
		rc = db_list_grow((void **)&list, n, sizeof(*list), e);
		if (rc == 0) {
			db_text(q, 0, list[n].hop, sizeof(list[n].hop));
			list[n].waiting = (uint64_t)sqlite3_column_int64(q, 1);
			list[n++].oldest_us = sqlite3_column_int64(q, 2);
		}
	}
	db_done(q);
	if (rc < 0) {
		free(list);
		return rc;
	}
	*list_r = list;
	*n_r = n;
	return 0;
}
