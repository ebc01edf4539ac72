/* SPDX-License-Identifier: Apache-2.0 */
#include "node/store/sqlite.h"

#include <stdlib.h>
#include <string.h>

/* The readers of the links. */

void store_due_clear(struct store_due *list, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free(list[i].trail);
		free(list[i].wire);
		free(list[i].recipients);
	}
	free(list);
}

static int load_message(struct store_reader *r, struct store_due *d, struct rv_err *e)
{
	sqlite3_stmt *q = db_prepare(
		&r->db, "SELECT id, hops, trail, wire, originator FROM message WHERE seq = ?", e, "i", d->seq);
	int rc = q != NULL ? db_step(&r->db, q, e) : RV_EIO;
	if (rc > 0) {
		db_blob(q, 0, d->message, RV_UUID_LEN);
		d->hops = (unsigned)sqlite3_column_int(q, 1);
		db_text(q, 4, d->originator, sizeof(d->originator));
		const unsigned char *trail = sqlite3_column_text(q, 2);
		d->trail = strdup(trail != NULL ? (const char *)trail : "");
		rc = d->trail != NULL ? db_copy(q, 3, &d->wire, &d->wire_len) : RV_ENOMEM;
	} else if (rc == 0) {
		rc = rv_fail(e, RV_EIO, "a delivery in the store has no message");
	}
	db_done(q);
	return rc;
}

struct due_list {
	struct store_due *items;
	size_t n;
	size_t bytes;
};

/* 1 when the limits are reached. */
static int add_row(struct store_reader *r, struct due_list *l, sqlite3_stmt *q, unsigned priority,
	size_t max, size_t max_bytes, struct rv_err *e)
{
	int64_t seq = sqlite3_column_int64(q, 0);
	struct store_due *last = l->n > 0 ? &l->items[l->n - 1] : NULL;
	if (last == NULL || last->seq != seq) {
		if (l->n == max || (l->n > 0 && l->bytes >= max_bytes)) {
			return 1;
		}
		int rc = db_list_grow((void **)&l->items, l->n, sizeof(*l->items), e);
		if (rc != 0) {
			return rc;
		}
		last = &l->items[l->n++];
		last->seq = seq;
		last->priority = priority;
		rc = load_message(r, last, e);
		if (rc != 0) {
			return rc;
		}
		l->bytes += last->wire_len;
	}
	if (last->n_recipients == RV_RECEIPT_MAX_RECIPIENTS) {
		return 0; /* the others go in the next copy */
	}
	int rc = db_list_grow(
		(void **)&last->recipients, last->n_recipients, sizeof(*last->recipients), e);
	if (rc == 0) {
		db_text(q, 1, last->recipients[last->n_recipients++], RV_CODE_TEXT);
	}
	return rc;
}

int store_due(struct store_reader *r, const char *hop, unsigned priority, int64_t after_seq,
	size_t max, size_t max_bytes, struct store_due **list_r, size_t *n_r, struct rv_err *e)
{
	struct due_list l = {0};
	/* one snapshot for the rows and the messages they name */
	int rc = db_run(&r->db, "BEGIN", e, "");
	if (rc != 0) {
		return rc;
	}
	sqlite3_stmt *q = db_prepare(&r->db,
		"SELECT message, recipient FROM delivery INDEXED BY delivery_due WHERE hop = ? AND "
		"priority = ? AND message > ? "
		"AND state IN (2, 3) ORDER BY message",
		e, "tii", hop, (int64_t)priority, after_seq);
	rc = q != NULL ? 0 : RV_EIO;
	while (rc == 0 && (rc = db_step(&r->db, q, e)) > 0) {
		rc = add_row(r, &l, q, priority, max, max_bytes, e);
	}
	db_done(q);
	db_run(&r->db, "COMMIT", NULL, "");
	if (rc < 0) {
		store_due_clear(l.items, l.n);
		return rc;
	}
	*list_r = l.items;
	*n_r = l.n;
	return 0;
}

void store_receipts_due_clear(struct store_receipt_due *list, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free(list[i].bytes);
	}
	free(list);
}

int store_receipts_due(struct store_reader *r, const char *peer, int64_t after_id, size_t max,
	struct store_receipt_due **list_r, size_t *n_r, struct rv_err *e)
{
	struct store_receipt_due *list = NULL;
	size_t n = 0;
	sqlite3_stmt *q = db_prepare(&r->db,
		"SELECT q.receipt, r.bytes FROM receipt_queue q JOIN receipt r ON r.id = q.receipt "
		"WHERE q.peer = ? "
		"AND q.receipt > ? ORDER BY q.receipt LIMIT ?",
		e, "tii", peer, after_id, (int64_t)max);
	int rc = q != NULL ? 0 : RV_EIO;
	while (rc == 0 && (rc = db_step(&r->db, q, e)) > 0) {
		rc = db_list_grow((void **)&list, n, sizeof(*list), e);
		if (rc == 0) {
			list[n].id = sqlite3_column_int64(q, 0);
			rc = db_copy(q, 1, &list[n].bytes, &list[n].len);
			n += rc == 0;
		}
	}
	db_done(q);
	if (rc < 0) {
		store_receipts_due_clear(list, n);
		return rc;
	}
	*list_r = list;
	*n_r = n;
	return 0;
}

int store_fetches(struct store_reader *r, const char *peer, size_t max, struct store_fetch **list_r,
	size_t *n_r, struct rv_err *e)
{
	struct store_fetch *list = NULL;
	size_t n = 0;
	sqlite3_stmt *q = db_prepare(&r->db,
		"SELECT digest, size FROM fetch WHERE peer = ? ORDER BY failed_us, digest LIMIT ?",
		e, "ti", peer, (int64_t)max);
	int rc = q != NULL ? 0 : RV_EIO;
	while (rc == 0 && (rc = db_step(&r->db, q, e)) > 0) {
		rc = db_list_grow((void **)&list, n, sizeof(*list), e);
		if (rc == 0) {
			db_blob(q, 0, list[n].digest, RV_DIGEST_LEN);
			list[n++].size = (uint64_t)sqlite3_column_int64(q, 1);
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

int store_blob_allowed(
	struct store_reader *r, const char *peer, const uint8_t digest[RV_DIGEST_LEN])
{
	int64_t one = 0;
	int there = 0;
	int rc = db_number(&r->db, &one, &there,
		"SELECT 1 FROM attachment a JOIN delivery d ON d.message = a.message WHERE "
		"a.digest = ? AND d.hop = ? "
		"AND d.state IN (2, 3) LIMIT 1",
		NULL, "bt", digest, (size_t)RV_DIGEST_LEN, peer);
	return rc == 0 && there;
}
