/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "node/store/blob.h"
#include "node/store/store.h"

/*
 * One suite for every store: engines are opened through the function below and used by the verbs
 * alone.
 */
static int (*const open_engine)(
	struct store **s_r, const char *dir, struct rv_err *e) = store_sqlite_open;

struct rig {
	char dir[64];
	struct store *s;
	struct store_reader *r;
};

static int set_up(void **state)
{
	struct rig *g = calloc(1, sizeof(*g));
	struct rv_err e = {0};
	snprintf(g->dir, sizeof(g->dir), "/tmp/reeve-store.XXXXXX");
	if (mkdtemp(g->dir) == NULL || open_engine(&g->s, g->dir, &e) != 0 ||
		store_reader_open(&g->r, g->dir, &e) != 0) {
		print_error("%s\n", e.text);
		return -1;
	}
	*state = g;
	return 0;
}

static int drop(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	return remove(path);
}

static int tear_down(void **state)
{
	struct rig *g = *state;
	store_reader_close(&g->r);
	store_close(&g->s);
	nftw(g->dir, drop, 16, FTW_DEPTH | FTW_PHYS);
	free(g);
	return 0;
}

/* ---- making things ---- */

struct spec {
	unsigned number;  /* makes the id */
	unsigned content; /* makes the seal digest */
	const char *source;
	enum rv_kind kind;
	const char *to[4]; /* "FR" or "FR>RILO" */
	int inbox;
	uint64_t sequence;
	const uint8_t *previous;
	const struct rv_attachment *attachments;
	size_t n_attachments;
	int64_t expires_us;
};

static void uuid_of(unsigned number, char text[RV_UUID_TEXT], uint8_t raw[RV_UUID_LEN])
{
	snprintf(text, RV_UUID_TEXT, "01930c6e-7a10-7c3e-9d6f-%012x", number);
	assert_int_equal(rv_uuid_parse(raw, text), 0);
}

static void digest_of(unsigned content, uint8_t digest[RV_DIGEST_LEN])
{
	rv_sha256(digest, &content, sizeof(content));
}

static int accept_it(struct rig *g, const struct spec *x, int *complete, struct rv_err *e)
{
	struct store_message m = {.source = x->source != NULL ? x->source : "",
		.trail = x->source != NULL ? x->source : "",
		.hops = x->source != NULL,
		.for_inbox = x->inbox,
		.now_us = 1000 + x->number,
		.attachments = x->attachments,
		.n_attachments = x->n_attachments};
	struct store_target targets[4];
	uint8_t raw[RV_UUID_LEN];
	char wire[64];
	memset(targets, 0, sizeof(targets));
	uuid_of(x->number, m.header.id, raw);
	digest_of(x->content != 0 ? x->content : x->number, m.seal_digest);
	m.header.kind = x->kind != 0 ? x->kind : RV_KIND_SEIZURE;
	m.header.status = RV_STATUS_ACTUAL;
	m.header.sequence = x->sequence != 0 ? x->sequence : x->number;
	m.header.expires_us = x->expires_us;
	if (x->previous != NULL) {
		memcpy(m.header.previous, x->previous, RV_DIGEST_LEN);
	} else if (x->source == NULL && x->number > 1) {
		digest_of(x->number - 1, m.header.previous);
	}
	strcpy(m.header.operation, "CRANE-26");
	strcpy(m.header.originator, "KE");
	for (size_t i = 0; i < 4 && x->to[i] != NULL; i++) {
		const char *hop = strchr(x->to[i], '>');
		snprintf(targets[i].recipient, RV_CODE_TEXT, "%.*s",
			(int)(hop != NULL ? hop - x->to[i] : 16), x->to[i]);
		snprintf(targets[i].hop, RV_CODE_TEXT, "%s", hop != NULL ? hop + 1 : x->to[i]);
		m.n_targets++;
	}
	m.targets = targets;
	snprintf(wire, sizeof(wire), "message %u", x->number);
	m.wire = (const uint8_t *)wire;
	m.wire_len = strlen(wire);
	return store_accept(g->s, &m, complete, e);
}

/* One verb, in a group of its own. */
static int accept_now(struct rig *g, const struct spec *x)
{
	struct rv_err e = {0};
	int complete = 0;
	assert_int_equal(store_begin(g->s, &e), 0);
	int rc = accept_it(g, x, &complete, &e);
	assert_int_equal(store_commit(g->s, &e), 0);
	return rc;
}

static int receive(struct rig *g, unsigned number, enum rv_stage stage, const char *signer,
	const char *about, const char *from, const char *towards)
{
	char to[1][RV_CODE_TEXT];
	struct rv_receipt r = {
		.stage = stage, .time_us = 5000, .recipients = to, .n_recipients = 1};
	struct rv_err e = {0};
	char bytes[64];
	char text[RV_UUID_TEXT];
	snprintf(to[0], RV_CODE_TEXT, "%s", about);
	snprintf(r.signer, sizeof(r.signer), "%s", signer);
	uuid_of(number, text, r.message);
	digest_of(number, r.seal_digest);
	if (stage == RV_STAGE_REJECTED) {
		strcpy(r.rule, "RV-TEST");
		strcpy(r.text, "because");
	}
	int len = snprintf(bytes, sizeof(bytes), "%u %d %s %s", number, stage, signer, about);
	assert_int_equal(store_begin(g->s, &e), 0);
	int rc = store_receipt(g->s, &r, bytes, (size_t)len, from, towards, 6000, &e);
	assert_int_equal(store_commit(g->s, &e), 0);
	return rc;
}

static enum store_state state_of(struct rig *g, unsigned number, const char *recipient)
{
	struct store_full f = {0};
	uint8_t raw[RV_UUID_LEN];
	char text[RV_UUID_TEXT];
	enum store_state s = 0;
	uuid_of(number, text, raw);
	assert_int_equal(store_get(g->r, raw, &f, NULL), 0);
	for (size_t i = 0; i < f.n_deliveries; i++) {
		if (strcmp(f.deliveries[i].recipient, recipient) == 0) {
			s = f.deliveries[i].state;
		}
	}
	store_full_clear(&f);
	return s;
}

static size_t due(struct rig *g, const char *hop, unsigned priority, int64_t after)
{
	struct store_due *list = NULL;
	size_t n = 0;
	assert_int_equal(store_due(g->r, hop, priority, after, 1000, 1 << 20, &list, &n, NULL), 0);
	store_due_clear(list, n);
	return n;
}

static size_t receipts_for(struct rig *g, const char *peer, int64_t *last)
{
	struct store_receipt_due *list = NULL;
	size_t n = 0;
	assert_int_equal(store_receipts_due(g->r, peer, 0, 1000, &list, &n, NULL), 0);
	if (last != NULL && n > 0) {
		*last = list[n - 1].id;
	}
	store_receipts_due_clear(list, n);
	return n;
}

static size_t inbox(struct rig *g)
{
	struct store_entry *list = NULL;
	size_t n = 0;
	assert_int_equal(store_list(g->r, STORE_INBOX, NULL, 0, 0, 100000, &list, &n, NULL), 0);
	free(list);
	return n;
}

/* ---- accepting ---- */

static void accepts_new_known_and_conflicting(void **state)
{
	struct rig *g = *state;
	assert_int_equal(
		accept_now(g, &(struct spec){.number = 1, .source = "RILO", .inbox = 1}), 0);
	assert_int_equal(
		accept_now(g, &(struct spec){.number = 1, .source = "RILO", .inbox = 1}), RV_EDUP);
	assert_int_equal(
		accept_now(g,
			&(struct spec){.number = 1, .content = 99, .source = "RILO", .inbox = 1}),
		RV_EEXIST);
	assert_int_equal(inbox(g), 1);
	assert_int_equal(
		accept_now(g, &(struct spec){.number = 2, .source = "RILO", .to = {"ZA"}}), 0);
	assert_int_equal(inbox(g), 1);
	/* the same message, now for us too, and for one more */
	assert_int_equal(
		accept_now(g,
			&(struct spec){
				.number = 2, .source = "HUB", .inbox = 1, .to = {"ZA", "TZ"}}),
		RV_EDUP);
	assert_int_equal(inbox(g), 2);
	assert_int_equal(due(g, "ZA", 1, 0), 1);
	assert_int_equal(due(g, "TZ", 1, 0), 1);
}

static void own_messages_form_a_chain(void **state)
{
	struct rig *g = *state;
	uint8_t digest[RV_DIGEST_LEN];
	uint8_t head[RV_DIGEST_LEN];
	uint64_t sequence = 7;
	assert_int_equal(accept_now(g, &(struct spec){.number = 1, .to = {"FR>RILO"}}), 0);
	assert_int_equal(accept_now(g, &(struct spec){.number = 3, .to = {"FR>RILO"}}), RV_EAGAIN);
	assert_int_equal(accept_now(g, &(struct spec){.number = 2, .to = {"FR>RILO"}}), 0);
	digest_of(99, digest);
	assert_int_equal(accept_now(g, &(struct spec){.number = 3, .previous = digest}), RV_EAGAIN);
	assert_int_equal(store_begin(g->s, NULL), 0);
	assert_int_equal(store_chain_head(g->s, "CRANE-26", "KE", &sequence, head, NULL), 0);
	store_abort(g->s);
	digest_of(2, digest);
	assert_int_equal(sequence, 2);
	assert_memory_equal(head, digest, RV_DIGEST_LEN);
}

static void groups_are_durable_or_undone_as_a_whole(void **state)
{
	struct rig *g = *state;
	struct rv_err e = {0};
	int complete;
	assert_int_equal(store_begin(g->s, &e), 0);
	assert_int_equal(accept_it(g, &(struct spec){.number = 1, .source = "RILO", .inbox = 1},
				 &complete, &e),
		0);
	/* one verb fails alone; the group goes on */
	assert_int_equal(accept_it(g, &(struct spec){.number = 1, .content = 9, .source = "RILO"},
				 &complete, &e),
		RV_EEXIST);
	assert_int_equal(accept_it(g, &(struct spec){.number = 2, .source = "RILO", .inbox = 1},
				 &complete, &e),
		0);
	assert_int_equal(inbox(g), 0); /* readers see what is committed only */
	assert_int_equal(store_commit(g->s, &e), 0);
	assert_int_equal(inbox(g), 2);
	assert_int_equal(store_begin(g->s, &e), 0);
	assert_int_equal(accept_it(g, &(struct spec){.number = 3, .source = "RILO", .inbox = 1},
				 &complete, &e),
		0);
	store_abort(g->s);
	assert_int_equal(inbox(g), 2);
	assert_int_equal(accept_it(g, &(struct spec){.number = 4, .source = "RILO"}, &complete, &e),
		RV_EINVAL);
}

/* ---- deliveries and receipts ---- */

static void deliveries_only_move_forward(void **state)
{
	struct rig *g = *state;
	int64_t seq = 1;
	assert_int_equal(
		accept_now(g, &(struct spec){.number = 1, .to = {"FR>RILO", "ZA>RILO", "TZ"}}), 0);
	assert_int_equal(state_of(g, 1, "FR"), STORE_QUEUED);
	assert_int_equal(store_begin(g->s, NULL), 0);
	assert_int_equal(store_sent(g->s, &seq, 1, "RILO", 2000, NULL), 0);
	assert_int_equal(store_commit(g->s, NULL), 0);
	assert_int_equal(state_of(g, 1, "FR"), STORE_SENT);
	assert_int_equal(state_of(g, 1, "TZ"), STORE_QUEUED);
	/* a relay speaks for what went over it, and for those it names */
	assert_int_equal(receive(g, 1, RV_STAGE_RELAYED, "RILO", "FR", "RILO", NULL), 0);
	assert_int_equal(receive(g, 1, RV_STAGE_RELAYED, "HUB", "TZ", "HUB", NULL), 0);
	assert_int_equal(state_of(g, 1, "FR"), STORE_RELAYED);
	assert_int_equal(state_of(g, 1, "ZA"), STORE_SENT);
	assert_int_equal(state_of(g, 1, "TZ"), STORE_QUEUED);
	assert_int_equal(receive(g, 1, RV_STAGE_READ, "FR", "FR", "RILO", NULL), 0);
	assert_int_equal(receive(g, 1, RV_STAGE_STORED, "FR", "FR", "RILO", NULL), 0);
	assert_int_equal(state_of(g, 1, "FR"), STORE_READ);
	assert_int_equal(receive(g, 1, RV_STAGE_REJECTED, "RILO", "FR", "RILO", NULL), 0);
	assert_int_equal(state_of(g, 1, "FR"), STORE_READ);
	/* a stranger cannot refuse for another */
	assert_int_equal(receive(g, 1, RV_STAGE_REJECTED, "HUB", "ZA", "HUB", NULL), 0);
	assert_int_equal(state_of(g, 1, "ZA"), STORE_SENT);
	assert_int_equal(receive(g, 1, RV_STAGE_REJECTED, "HUB", "ZA", "RILO", NULL), RV_EDUP);
	assert_int_equal(receive(g, 1, RV_STAGE_REJECTED, "ZA", "ZA", "RILO", NULL), 0);
	assert_int_equal(state_of(g, 1, "ZA"), STORE_REJECTED);
	assert_int_equal(due(g, "RILO", 1, 0), 0);
	assert_int_equal(due(g, "TZ", 1, 0), 1);
	assert_int_equal(receive(g, 1, RV_STAGE_STORED, "FR", "FR", "RILO", NULL), RV_EDUP);
	assert_int_equal(receive(g, 77, RV_STAGE_STORED, "FR", "FR", "RILO", NULL), RV_ENOTFOUND);
}

static void receipts_travel_to_every_source_and_survive(void **state)
{
	struct rig *g = *state;
	int64_t id = 0;
	struct rv_err e = {0};
	assert_int_equal(
		accept_now(g, &(struct spec){.number = 1, .source = "KE", .to = {"FR"}}), 0);
	assert_int_equal(receive(g, 1, RV_STAGE_RELAYED, "RILO", "FR", "", NULL), 0);
	assert_int_equal(receipts_for(g, "KE", NULL), 1);
	assert_int_equal(
		accept_now(g, &(struct spec){.number = 1, .source = "HUB", .to = {"FR"}}), RV_EDUP);
	assert_int_equal(receipts_for(g, "HUB", NULL), 1);
	assert_int_equal(receive(g, 1, RV_STAGE_STORED, "FR", "FR", "FR", NULL), 0);
	assert_int_equal(receipts_for(g, "KE", &id), 2);
	assert_int_equal(receipts_for(g, "HUB", NULL), 2);
	assert_int_equal(receipts_for(g, "FR", NULL), 0);
	assert_int_equal(store_begin(g->s, &e), 0);
	assert_int_equal(store_receipts_done(g->s, "KE", &id, 1, &e), 0);
	assert_int_equal(store_commit(g->s, &e), 0);
	assert_int_equal(receipts_for(g, "KE", NULL), 1);
	/* the peer that lost them gets them again */
	assert_int_equal(
		accept_now(g, &(struct spec){.number = 1, .source = "KE", .to = {"FR"}}), RV_EDUP);
	assert_int_equal(receipts_for(g, "KE", NULL), 2);
	store_reader_close(&g->r);
	store_close(&g->s);
	assert_int_equal(open_engine(&g->s, g->dir, &e), 0);
	assert_int_equal(store_reader_open(&g->r, g->dir, &e), 0);
	assert_int_equal(receipts_for(g, "KE", NULL), 2);
	assert_int_equal(receive(g, 9, RV_STAGE_REJECTED, "RILO", "FR", "", "KE"),
		0); /* of a message that is not here */
	assert_int_equal(receipts_for(g, "KE", NULL), 3);
}

static void work_is_paged_by_priority(void **state)
{
	struct rig *g = *state;
	struct store_due *list = NULL;
	size_t n = 0;
	for (unsigned i = 1; i <= 10; i++) {
		assert_int_equal(
			accept_now(g, &(struct spec){.number = i,
					      .source = "KE",
					      .to = {"FR"},
					      .kind = i % 2 ? RV_KIND_SEIZURE : RV_KIND_WARNING}),
			0);
	}
	assert_int_equal(due(g, "FR", 0, 0), 5);
	assert_int_equal(due(g, "FR", 1, 0), 5);
	assert_int_equal(due(g, "FR", 2, 0), 0);
	assert_int_equal(due(g, "ZA", 1, 0), 0);
	assert_int_equal(store_due(g->r, "FR", 1, 0, 2, 1 << 20, &list, &n, NULL), 0);
	assert_int_equal(n, 2);
	assert_int_equal(list[0].seq, 1);
	assert_int_equal(list[1].seq, 3);
	assert_memory_equal(list[1].wire, "message 3", 9);
	assert_string_equal(list[1].trail, "KE");
	store_due_clear(list, n);
	assert_int_equal(store_due(g->r, "FR", 1, 3, 100, 1, &list, &n, NULL), 0);
	assert_int_equal(n, 1); /* at least one, however small the room */
	store_due_clear(list, n);
}

static void reroutes_and_expires(void **state)
{
	struct rig *g = *state;
	size_t n = 0;
	assert_int_equal(accept_now(g, &(struct spec){.number = 1,
					       .source = "KE",
					       .to = {"FR>RILO"},
					       .expires_us = 9000}),
		0);
	assert_int_equal(
		accept_now(g, &(struct spec){.number = 2, .source = "KE", .to = {"FR>RILO"}}), 0);
	assert_int_equal(store_begin(g->s, NULL), 0);
	assert_int_equal(store_reroute(g->s, "FR", "HUB", 3000, NULL), 0);
	assert_int_equal(store_commit(g->s, NULL), 0);
	assert_int_equal(due(g, "RILO", 1, 0), 0);
	assert_int_equal(due(g, "HUB", 1, 0), 2);
	assert_int_equal(store_begin(g->s, NULL), 0);
	assert_int_equal(store_expire(g->s, 8999, &n, NULL), 0);
	assert_int_equal(n, 0);
	assert_int_equal(store_expire(g->s, 9001, &n, NULL), 0);
	assert_int_equal(n, 1);
	assert_int_equal(store_commit(g->s, NULL), 0);
	assert_int_equal(state_of(g, 1, "FR"), STORE_EXPIRED);
	assert_int_equal(due(g, "HUB", 1, 0), 1);
}

/* ---- attachments ---- */

static void a_message_waits_for_its_attachments(void **state)
{
	struct rig *g = *state;
	struct rv_attachment a[2] = {{.name = "a", .media_type = "text/plain", .size = 5},
		{.name = "b", .media_type = "text/plain", .size = 3}};
	struct store_completed *list = NULL;
	struct store_fetch *fetches = NULL;
	size_t n = 0;
	rv_sha256(a[0].digest, "hello", 5);
	rv_sha256(a[1].digest, "you", 3);
	assert_int_equal(accept_now(g, &(struct spec){.number = 1,
					       .source = "RILO",
					       .inbox = 1,
					       .to = {"ZA"},
					       .attachments = a,
					       .n_attachments = 2}),
		0);
	assert_int_equal(inbox(g), 0);
	assert_int_equal(state_of(g, 1, "ZA"), STORE_HELD);
	assert_int_equal(due(g, "ZA", 1, 0), 0);
	assert_int_equal(store_fetches(g->r, "RILO", 10, &fetches, &n, NULL), 0);
	assert_int_equal(n, 2);
	free(fetches);
	assert_int_equal(store_begin(g->s, NULL), 0);
	assert_int_equal(store_blob_here(g->s, a[1].digest, 3, 2000, &list, &n, NULL), 0);
	assert_int_equal(n, 0);
	store_completed_clear(list, n);
	assert_int_equal(store_blob_here(g->s, a[0].digest, 5, 2000, &list, &n, NULL), 0);
	assert_int_equal(n, 1);
	assert_int_equal(list[0].for_inbox, 1);
	assert_string_equal(list[0].source, "RILO");
	assert_int_equal(list[0].n_recipients, 1);
	store_completed_clear(list, n);
	assert_int_equal(store_commit(g->s, NULL), 0);
	assert_int_equal(inbox(g), 1);
	assert_int_equal(due(g, "ZA", 1, 0), 1);
	assert_int_equal(store_blob_allowed(g->r, "ZA", a[0].digest), 1);
	assert_int_equal(store_blob_allowed(g->r, "TZ", a[0].digest), 0);
	assert_int_equal(store_fetches(g->r, "RILO", 10, &fetches, &n, NULL), 0);
	assert_int_equal(n, 0);
	free(fetches);
}

/* ---- people ---- */

static void lists_by_cursor_and_counts(void **state)
{
	struct rig *g = *state;
	struct store_entry *list = NULL;
	struct store_counts c = {0};
	struct store_queue *queues = NULL;
	uint8_t raw[RV_UUID_LEN];
	char text[RV_UUID_TEXT];
	size_t n = 0;
	int first = 0;
	for (unsigned i = 1; i <= 7; i++) {
		assert_int_equal(accept_now(g, &(struct spec){.number = i,
						       .source = i < 6 ? "RILO" : "HUB",
						       .inbox = i < 6,
						       .to = {i < 6 ? NULL : "ZA"}}),
			0);
	}
	assert_int_equal(store_list(g->r, STORE_INBOX, "CRANE-26", 2, 0, 2, &list, &n, NULL), 0);
	assert_int_equal(n, 2);
	assert_int_equal(list[0].seq, 3);
	free(list);
	assert_int_equal(store_list(g->r, STORE_INBOX, NULL, 0, 1, 2, &list, &n, NULL), 0);
	assert_int_equal(list[0].seq, 5);
	free(list);
	assert_int_equal(store_list(g->r, STORE_INBOX, "OTHER-26", 0, 0, 10, &list, &n, NULL), 0);
	assert_int_equal(n, 0);
	free(list);
	assert_int_equal(store_list(g->r, STORE_TRANSIT, NULL, 0, 0, 10, &list, &n, NULL), 0);
	assert_int_equal(n, 2);
	free(list);
	uuid_of(3, text, raw);
	assert_int_equal(store_begin(g->s, NULL), 0);
	assert_int_equal(store_mark_read(g->s, raw, 4000, &first, NULL), 0);
	assert_int_equal(first, 1);
	assert_int_equal(store_mark_read(g->s, raw, 4001, &first, NULL), 0);
	assert_int_equal(first, 0);
	uuid_of(99, text, raw);
	assert_int_equal(store_mark_read(g->s, raw, 4002, &first, NULL), RV_ENOTFOUND);
	assert_int_equal(store_commit(g->s, NULL), 0);
	assert_int_equal(store_counts(g->r, &c, NULL), 0);
	assert_int_equal(c.inbox, 5);
	assert_int_equal(c.unread, 4);
	assert_int_equal(c.transit, 2);
	assert_int_equal(c.pending_deliveries, 2);
	assert_int_equal(store_queues(g->r, &queues, &n, NULL), 0);
	assert_int_equal(n, 1);
	assert_string_equal(queues[0].hop, "ZA");
	assert_int_equal(queues[0].waiting, 2);
	assert_int_equal(queues[0].oldest_us, 1006);
	free(queues);
}

static void refused_ones_are_kept_apart(void **state)
{
	struct rig *g = *state;
	struct store_refusal r = {.source = "RILO",
		.originator = "KE",
		.operation = "CRANE-26",
		.kind = "seizure",
		.wire = (const uint8_t *)"bad",
		.wire_len = 3,
		.code = "SEAL-DIGEST",
		.text = "altered",
		.line = 4,
		.now_us = 10};
	struct store_quarantined *list = NULL;
	struct store_quarantined one;
	uint8_t *wire = NULL;
	size_t n = 0;
	size_t len = 0;
	assert_int_equal(store_begin(g->s, NULL), 0);
	assert_int_equal(store_quarantine(g->s, &r, NULL), 0);
	assert_int_equal(store_commit(g->s, NULL), 0);
	assert_int_equal(store_quarantine_list(g->r, 0, 10, &list, &n, NULL), 0);
	assert_int_equal(n, 1);
	assert_string_equal(list[0].code, "SEAL-DIGEST");
	assert_int_equal(list[0].line, 4);
	assert_int_equal(store_quarantine_get(g->r, list[0].seq, &one, &wire, &len, NULL), 0);
	assert_int_equal(len, 3);
	assert_memory_equal(wire, "bad", 3);
	free(wire);
	assert_int_equal(store_quarantine_get(g->r, 99, &one, &wire, &len, NULL), RV_ENOTFOUND);
	free(list);
	assert_int_equal(inbox(g), 0);
}

/* ---- bad days ---- */

static void one_writer_at_a_time(void **state)
{
	struct rig *g = *state;
	struct store *second = NULL;
	struct rv_err e = {0};
	assert_int_equal(open_engine(&second, g->dir, &e), RV_EAGAIN);
	assert_string_equal(e.rule, "STORE-IN-USE");
	assert_null(second);
}

/* A child accepts and tells each number after its commit; it is killed at any moment: what it told
 * is there, once. */
static void nothing_told_is_lost_by_a_kill(void **state)
{
	struct rig *g = *state;
	struct rv_err e = {0};
	store_reader_close(&g->r);
	store_close(&g->s);
	unsigned known = 0;
	for (int round = 0; round < 25; round++) {
		int told[2];
		assert_int_equal(pipe(told), 0);
		pid_t pid = fork();
		assert_true(pid >= 0);
		if (pid == 0) {
			struct rig mine = {.s = NULL};
			memcpy(mine.dir, g->dir, sizeof(mine.dir));
			if (open_engine(&mine.s, mine.dir, &e) != 0) {
				_exit(1);
			}
			for (unsigned i = known + 1;; i++) {
				int complete;
				if (store_begin(mine.s, &e) != 0 ||
					accept_it(&mine,
						&(struct spec){
							.number = i, .source = "KE", .inbox = 1},
						&complete, &e) != 0 ||
					store_commit(mine.s, &e) != 0 ||
					write(told[1], &i, sizeof(i)) != sizeof(i)) {
					_exit(1);
				}
			}
		}
		close(told[1]);
		unsigned last = known;
		unsigned n = (unsigned)rand() % 20 + 1;
		while (n-- > 0 && read(told[0], &last, sizeof(last)) == (ssize_t)sizeof(last)) {
		}
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		unsigned more;
		while (read(told[0], &more, sizeof(more)) == (ssize_t)sizeof(more)) {
			last = more;
		}
		close(told[0]);
		assert_int_equal(open_engine(&g->s, g->dir, &e), 0);
		assert_int_equal(store_reader_open(&g->r, g->dir, &e), 0);
		size_t there = inbox(g);
		assert_true(there >= last && there <= last + 1);
		known = (unsigned)there;
		store_reader_close(&g->r);
		store_close(&g->s);
	}
	assert_true(known > 25);
	assert_int_equal(open_engine(&g->s, g->dir, &e), 0);
	assert_int_equal(store_reader_open(&g->r, g->dir, &e), 0);
}

/* A disk that is full says so, nothing half done stays, and work goes on when there is room again.
 */
static void a_full_disk_loses_nothing(void **state)
{
	struct rig *g = *state;
	struct rlimit was;
	struct rv_err e = {0};
	unsigned accepted = 0;
	int failed = 0;
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &was), 0);
	struct rlimit small = {1 << 18, was.rlim_max};
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	for (unsigned i = 1; i <= 2000 && !failed; i++) {
		int complete;
		int rc = store_begin(g->s, &e);
		if (rc == 0) {
			rc = accept_it(g, &(struct spec){.number = i, .source = "KE", .inbox = 1},
				&complete, &e);
			if (rc == 0) {
				rc = store_commit(g->s, &e);
			} else {
				store_abort(g->s);
			}
		}
		failed = rc != 0;
		accepted += rc == 0;
	}
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &was), 0);
	assert_true(failed && accepted > 0);
	assert_true(e.text[0] != '\0' && e.mend[0] != '\0');
	store_reader_close(&g->r);
	store_close(&g->s);
	assert_int_equal(open_engine(&g->s, g->dir, &e), 0);
	assert_int_equal(store_reader_open(&g->r, g->dir, &e), 0);
	assert_int_equal(inbox(g), accepted);
	assert_int_equal(
		accept_now(g, &(struct spec){.number = 5000, .source = "KE", .inbox = 1}), 0);
	assert_int_equal(inbox(g), accepted + 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(accepts_new_known_and_conflicting),
		TEST(own_messages_form_a_chain),
		TEST(groups_are_durable_or_undone_as_a_whole),
		TEST(deliveries_only_move_forward),
		TEST(receipts_travel_to_every_source_and_survive),
		TEST(work_is_paged_by_priority),
		TEST(reroutes_and_expires),
		TEST(a_message_waits_for_its_attachments),
		TEST(lists_by_cursor_and_counts),
		TEST(refused_ones_are_kept_apart),
		TEST(one_writer_at_a_time),
		TEST(nothing_told_is_lost_by_a_kill),
		TEST(a_full_disk_loses_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
