/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "node/api/api.h"
#include "node/env.h"
#include "node/file.h"
#include "node/queue.h"
#include "node/store/blob.h"
#include "node/store/store.h"
#include "protocol/seal.h"
#include "tests/unit/trust/pki.h"

/*
 * fake_node DIR: the API with a real store, schemas and signatures, and a core that a test plays by lines on the standard input:
 *   arrive N FILE     N messages from FR, made of that draft, come into the inbox
 *   withhold FILE     one more, without its sections Persons and Narrative
 *   forge N FILE OUT  writes to OUT a message of FR that was never sent: its number is N behind the last, its predecessor none
 *   refuse            a message from FR goes to quarantine
 *   receive ID        FR's receipt "stored" for our message arrives
 *   reject ID         FR's rejection arrives
 *   busy | ready      the core does not take work, or does again
 *   join GUEST FILE   a guest asks to join
 *   hang | release    the core takes work and does not finish it, or does again
 *   answer denied | exists | normal   what submissions are answered
 *   distrust          there is no trust list any more
 * Each line is answered by "ok" or by an id. The end of the input ends the program.
 */

static const char operation[] = "CRANE-26";

struct task {
	enum { TASK_SUBMIT = 1, TASK_READ, TASK_LINE } what;
	struct rv_buf draft;
	char operation[RV_OPCODE_TEXT], id[RV_UUID_TEXT];
	char (*to)[RV_CODE_TEXT];
	size_t n_to;
	struct rv_attachment *attachments;
	size_t n_attachments;
	int dry_run;
	void (*submitted)(void *ctx, const struct api_result *result);
	void (*read)(void *ctx, int rc, const struct rv_err *e);
	void *ctx;
	uint8_t message[RV_UUID_LEN];
	char line[1024];
};

static struct {
	char dir[512];
	struct conf *conf;
	struct rv_catalog *catalog;
	struct rv_checker *checker;
	struct store *store;
	struct joins *joins;
	struct pki_authority ocu;
	struct pki_member ke, fr;
	struct rv_trust *trust;
	struct queue *tasks;
	struct api *api;
	struct rv_clock clock;
	struct rv_random random;
	int64_t started_us;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	int busy, hang, answered, distrust;
	int submissions;             /* RV_EDENIED, RV_EEXIST or 0 */
	char answer[64];
	int forge;                   /* the worker's */
	unsigned forge_behind;
} f = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

static void must(int condition, const char *what, const struct rv_err *e)
{
	if (condition)
		return;
	fprintf(stderr, "fake_node: %s: %s (%s)\n", what, e ? e->text : "", e ? e->rule : "");
	abort();
}

/* ---- signing ---- */

static int sign(void *ctx, const void *data, size_t len, struct rv_buf *out, struct rv_err *e)
{
	return rv_key_sign(ctx, RV_ALG_ECDSA_P256_SHA256, data, len, out, e);
}

static struct rv_signer signer_of(const struct pki_member *m)
{
	struct rv_signer s = {.sign = sign, .ctx = m->key, .alg = RV_ALG_ECDSA_P256_SHA256};
	memcpy(s.cert_digest, rv_cert_digest(m->cert), RV_DIGEST_LEN);
	memcpy(s.code, m->code, sizeof s.code);
	return s;
}

/* ---- messages ---- */

struct made {
	struct rv_buf wire;
	uint8_t seal[RV_DIGEST_LEN];
	struct rv_header header;
	struct rv_attachment *attachments;
	size_t n_attachments;
};

static void made_clear(struct made *m)
{
	rv_buf_free(&m->wire);
	rv_header_clear(&m->header);
	free(m->attachments);
}

/* Composes and seals as the next message of its originator, leaving out the sections of a mask. */
static void make(struct made *m, xmlDoc *doc, const struct pki_member *by, const char *id, const struct task *t, unsigned withhold)
{
	struct rv_err e = {0};
	struct rv_compose c = {.roster_version = 1, .issued_us = f.clock.now_us(f.clock.ctx), .office = "Port Control Unit"};
	uint8_t random[10], uuid[RV_UUID_LEN];
	struct rv_signer signer = signer_of(by);
	f.random.fill(f.random.ctx, random, sizeof random);
	rv_uuid7(uuid, c.issued_us, random);
	rv_uuid_text(c.id, uuid);
	if (id[0])
		memcpy(c.id, id, sizeof c.id);
	memcpy(c.originator, by->code, sizeof c.originator);
	strcpy(c.operation, operation);
	memcpy(c.signer_cert, signer.cert_digest, RV_DIGEST_LEN);
	must(!store_chain_head(f.store, operation, by->code, &c.sequence, c.previous, &e), "chain", &e);
	c.sequence++;
	if (f.forge) {
		c.sequence = c.sequence - 1 + f.forge_behind;
		memset(c.previous, 0xee, sizeof c.previous);
	}
	c.attachments = t ? t->attachments : NULL;
	c.n_attachments = t ? t->n_attachments : 0;
	must(!rv_msg_compose(doc, &c, &f.random, &e), "compose", &e);
	must(!rv_seal(doc, &signer, &m->wire, m->seal, &e), "seal", &e);
	if (withhold) {
		xmlDoc *again = NULL;
		struct rv_buf less = {0};
		must(!rv_seal_parse(&again, m->wire.data, m->wire.len, &e), "parse", &e);
		must(!rv_seal_withhold(again, withhold, &less, &e), "withhold", &e);
		xmlFreeDoc(again);
		rv_buf_free(&m->wire);
		m->wire = less;
	}
	must(!rv_header_read(&m->header, doc, &e), "header", &e);
	must(!rv_attachments_read(&m->attachments, &m->n_attachments, doc, &e), "attachments", &e);
}

static int accept_made(const struct made *m, const char *source, int for_inbox, const struct store_target *targets, size_t n,
	struct rv_err *e)
{
	int complete;
	struct store_message s = {.header = m->header, .wire = m->wire.data, .wire_len = m->wire.len, .source = source,
		.trail = "", .for_inbox = for_inbox, .now_us = f.clock.now_us(f.clock.ctx), .targets = targets, .n_targets = n,
		.attachments = m->attachments, .n_attachments = m->n_attachments};
	memcpy(s.seal_digest, m->seal, RV_DIGEST_LEN);
	return store_accept(f.store, &s, &complete, e);
}

static xmlDoc *draft_of(const char *path)
{
	struct rv_err e = {0};
	struct rv_buf b = {0};
	xmlDoc *doc = NULL;
	must(!file_read(path, 1 << 20, &b, &e), "draft", &e);
	must(!rv_xml_parse(&doc, b.data, b.len, &rv_xml_limits_message, RV_XML_DRAFT, &e), "draft", &e);
	rv_buf_free(&b);
	return doc;
}

static void arrive(const char *path, unsigned n, unsigned withhold)
{
	struct rv_err e = {0};
	while (n-- > 0) {
		struct made m = {0};
		xmlDoc *doc = draft_of(path);
		must(!store_begin(f.store, &e), "begin", &e);
		make(&m, doc, &f.fr, "", NULL, withhold);
		must(!accept_made(&m, "FR", 1, NULL, 0, &e), "accept", &e);
		must(!store_commit(f.store, &e), "commit", &e);
		snprintf(f.answer, sizeof f.answer, "%s", m.header.id);
		made_clear(&m);
		xmlFreeDoc(doc);
	}
	api_wake(f.api);
}

/* Signed by FR itself: only the chain shows that something is wrong. */
static void forge(unsigned behind, const char *path, const char *out)
{
	struct rv_err e = {0};
	struct made m = {0};
	xmlDoc *doc = draft_of(path);
	f.forge = 1;
	f.forge_behind = behind;
	must(!store_begin(f.store, &e), "begin", &e);
	make(&m, doc, &f.fr, "", NULL, 0);
	store_abort(f.store);
	f.forge = 0;
	must(!file_write(out, 0600, m.wire.data, m.wire.len, &e), "write", &e);
	made_clear(&m);
	xmlFreeDoc(doc);
}

static void refuse(void)
{
	struct rv_err e = {0};
	static const char wire[] = "<Message>\x1b[31m</Message>";
	struct store_refusal r = {.source = "FR", .originator = "FR", .operation = operation, .kind = "seizure",
		.wire = (const uint8_t *)wire, .wire_len = sizeof wire - 1, .code = "SEAL-DIGEST",
		.text = "the section goods was altered \x1b[2J", .line = 12, .column = 3, .now_us = f.clock.now_us(f.clock.ctx)};
	must(!store_begin(f.store, &e) && !store_quarantine(f.store, &r, &e) && !store_commit(f.store, &e), "quarantine", &e);
}

static void receipt(const char *id, enum rv_stage stage)
{
	struct rv_err e = {0};
	struct rv_buf bytes = {0};
	struct rv_signer signer = signer_of(&f.fr);
	struct rv_receipt r = {.stage = stage, .time_us = f.clock.now_us(f.clock.ctx)};
	struct store_reader *reader = NULL;
	struct store_full full = {0};
	must(!rv_uuid_parse(r.message, id), "id", NULL);
	must(!store_reader_open(&reader, f.conf->state_dir, &e) && !store_get(reader, r.message, &full, &e), "get", &e);
	memcpy(r.seal_digest, full.seal_digest, RV_DIGEST_LEN);
	r.recipients = calloc(1, sizeof *r.recipients);
	strcpy(r.recipients[0], "FR");
	r.n_recipients = 1;
	if (stage == RV_STAGE_REJECTED) {
		strcpy(r.rule, "ROUTE-KIND");
		strcpy(r.text, "the operation does not take this kind");
	}
	must(!rv_receipt_sign(&r, 1, &signer, &bytes, &e), "sign", &e);
	must(!store_begin(f.store, &e) &&
		!store_receipt(f.store, &r, bytes.data, bytes.len, "FR", NULL, r.time_us, &e) && !store_commit(f.store, &e),
		"receipt", &e);
	rv_buf_free(&bytes);
	rv_receipt_clear(&r);
	store_full_clear(&full);
	store_reader_close(&reader);
}

/* ---- the worker: the one thread that writes ---- */

static void answer_submission(const struct task *t, int rc, const struct rv_err *e, const char *id, int known,
	const char (*to)[RV_CODE_TEXT], size_t n_to, const struct rv_report *report)
{
	struct api_result r = {.code = rc, .known = known, .recipients = to, .n_recipients = n_to, .report = report};
	if (rc)
		r.err = *e;
	snprintf(r.id, sizeof r.id, "%s", id);
	t->submitted(t->ctx, &r);
}

static void submit_doc(struct task *t, xmlDoc *doc, const struct rv_report *report)
{
	static const char everyone[][RV_CODE_TEXT] = {"FR", "ZA"};
	struct rv_err e = {0};
	struct made m = {0};
	const char (*to)[RV_CODE_TEXT] = t->n_to ? (const char (*)[RV_CODE_TEXT])t->to : everyone;
	size_t n = t->n_to ? t->n_to : 2;
	struct store_target targets[8] = {{{0}, {0}}};
	for (size_t i = 0; i < n && i < 8; i++) {
		memcpy(targets[i].recipient, to[i], RV_CODE_TEXT);
		strcpy(targets[i].hop, i ? "" : "RILO");
	}
	if (t->dry_run) {
		answer_submission(t, 0, NULL, t->id, 0, to, n, report);
		return;
	}
	must(!store_begin(f.store, &e), "begin", &e);
	make(&m, doc, &f.ke, t->id, t, 0);
	int rc = accept_made(&m, "", 0, targets, n < 8 ? n : 8, &e);
	must(!store_commit(f.store, &e), "commit", &e);
	if (rc == RV_EEXIST)        /* another salt each time: the id alone tells a repeated submission here */
		answer_submission(t, 0, NULL, t->id, 1, to, n, report);
	else
		answer_submission(t, rc, &e, m.header.id, 0, to, n, report);
	made_clear(&m);
}

static void submit(struct task *t)
{
	struct rv_err e = {0};
	struct rv_report report = {0};
	struct rv_check_context context = {.now_us = f.clock.now_us(f.clock.ctx)};
	xmlDoc *doc = NULL;
	pthread_mutex_lock(&f.lock);
	int told = f.submissions;
	pthread_mutex_unlock(&f.lock);
	if (told) {
		rv_fail_rule(&e, told, "ROUTE-TOLD", "the test says so");
		answer_submission(t, e.code, &e, "", 0, NULL, 0, NULL);
		return;
	}
	if (t->operation[0] && strcmp(t->operation, operation)) {
		rv_fail_rule(&e, RV_EUNKNOWN, "ROUTE-OPERATION", "the trust list has no operation %s", t->operation);
		answer_submission(t, e.code, &e, "", 0, NULL, 0, NULL);
		return;
	}
	int rc = rv_check_bytes(f.checker, t->draft.data, t->draft.len, RV_XML_DRAFT, &context, &report, &doc, &e);
	if (!rc && report.errors)
		rc = rv_fail_rule(&e, RV_ERULE, report.faults[0].code, "the draft has faults");
	if (rc)
		answer_submission(t, rc, &e, "", 0, NULL, 0, &report);
	else
		submit_doc(t, doc, &report);
	rv_report_clear(&report);
	xmlFreeDoc(doc);
}

static void mark_read(const struct task *t)
{
	struct rv_err e = {0};
	int first = 0;
	must(!store_begin(f.store, &e), "begin", &e);
	int rc = store_mark_read(f.store, t->message, f.clock.now_us(f.clock.ctx), &first, &e);
	must(!store_commit(f.store, NULL), "commit", NULL);
	t->read(t->ctx, rc, &e);
}

static void obey(const char *line)
{
	char path[400] = "", id[64] = "", out[400] = "";
	unsigned n = 0;
	strcpy(f.answer, "ok");
	if (sscanf(line, "arrive %u %399s", &n, path) == 2)
		arrive(path, n, 0);
	else if (sscanf(line, "withhold %399s", path) == 1)
		arrive(path, 1, 1u << RV_SEC_PERSONS | 1u << RV_SEC_NARRATIVE);
	else if (sscanf(line, "receive %63s", id) == 1)
		receipt(id, RV_STAGE_STORED);
	else if (sscanf(line, "reject %63s", id) == 1)
		receipt(id, RV_STAGE_REJECTED);
	else if (sscanf(line, "forge %u %399s %399s", &n, path, out) == 3)
		forge(n, path, out);
	else if (!strncmp(line, "refuse", 6))
		refuse();
	else
		must(0, line, NULL);
}

static void work(struct task *t)
{
	pthread_mutex_lock(&f.lock);
	while (f.hang && t->what != TASK_LINE)
		pthread_cond_wait(&f.changed, &f.lock);
	pthread_mutex_unlock(&f.lock);
	if (t->what == TASK_SUBMIT) {
		submit(t);
	} else if (t->what == TASK_READ) {
		mark_read(t);
	} else {
		obey(t->line);
		pthread_mutex_lock(&f.lock);
		f.answered = 1;
		pthread_cond_broadcast(&f.changed);
		pthread_mutex_unlock(&f.lock);
	}
	rv_buf_free(&t->draft);
	free(t->to);
	free(t->attachments);
	free(t);
}

static void *worker_main(void *arg)
{
	void *item;
	while (queue_pop(f.tasks, &item, 1))
		work(item);
	return NULL;
}

/* ---- the core ---- */

static int is_busy(struct rv_err *e)
{
	pthread_mutex_lock(&f.lock);
	int busy = f.busy;
	pthread_mutex_unlock(&f.lock);
	return busy ? rv_fail(e, RV_EAGAIN, "the node is busy") : 0;
}

static int core_submit(void *ctx, const struct api_submission *s, struct rv_err *e)
{
	int rc = is_busy(e);
	if (rc)
		return rc;
	struct task *t = calloc(1, sizeof *t);
	must(t != NULL, "memory", NULL);
	t->what = TASK_SUBMIT;
	rv_buf_put(&t->draft, s->draft, s->len);
	snprintf(t->operation, sizeof t->operation, "%s", s->operation);
	snprintf(t->id, sizeof t->id, "%s", s->id ? s->id : "");
	t->to = calloc(s->n_to + 1, sizeof *t->to);
	t->attachments = calloc(s->n_attachments + 1, sizeof *t->attachments);
	must(t->to && t->attachments, "memory", NULL);
	for (size_t i = 0; i < s->n_to; i++)
		strcpy(t->to[i], s->to[i]);
	t->n_to = s->n_to;
	if (s->n_attachments)
		memcpy(t->attachments, s->attachments, s->n_attachments * sizeof *t->attachments);
	t->n_attachments = s->n_attachments;
	t->dry_run = s->dry_run;
	t->submitted = s->done;
	t->ctx = s->ctx;
	must(!queue_push(f.tasks, t), "queue", NULL);
	return 0;
}

static int core_mark_read(void *ctx, const uint8_t message[RV_UUID_LEN], void (*done)(void *, int, const struct rv_err *),
	void *done_ctx, struct rv_err *e)
{
	int rc = is_busy(e);
	if (rc)
		return rc;
	struct task *t = calloc(1, sizeof *t);
	must(t != NULL, "memory", NULL);
	t->what = TASK_READ;
	memcpy(t->message, message, RV_UUID_LEN);
	t->read = done;
	t->ctx = done_ctx;
	must(!queue_push(f.tasks, t), "queue", NULL);
	return 0;
}

static int core_links(void *ctx, struct links_status **s_r, struct rv_err *e)
{
	struct links_status *s = calloc(1, sizeof *s);
	must(s != NULL, "memory", NULL);
	s->rows = calloc(2, sizeof *s->rows);
	s->refused = calloc(1, sizeof *s->refused);
	must(s->rows && s->refused, "memory", NULL);
	s->n_rows = 2;
	s->n_refused = 1;
	struct links_row *r = &s->rows[0];
	*r = (struct links_row){.peer = "FR", .state = "up", .dialled = 1, .since_us = f.started_us, .rtt_p50_us = 1500,
		.rtt_p99_us = 9000, .clock_offset_us = -200, .sent = 7, .received = 9, .trust_number = 3, .software = "reeved 0.1"};
	s->rows[1] = (struct links_row){.peer = "RILO", .state = "down", .since_us = f.started_us,
		.last_error = "no answer \x1b[31m", .mend = "Is the node there?", .last_error_us = f.started_us};
	strcpy(s->refused[0].key, "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7");
	strcpy(s->refused[0].address, "198.51.100.7");
	strcpy(s->refused[0].reason, "the key is not in the trust list");
	s->refused[0].count = 3;
	s->refused[0].last_us = f.started_us;
	*s_r = s;
	return 0;
}

static struct rv_trust *core_trust(void *ctx)
{
	pthread_mutex_lock(&f.lock);
	int distrust = f.distrust;
	pthread_mutex_unlock(&f.lock);
	return distrust ? NULL : rv_trust_ref(f.trust);
}

static void core_joins_changed(void *ctx)
{
}

static void core_facts(void *ctx, struct api_facts *facts)
{
	facts->started_us = f.started_us;
	facts->ready = !is_busy(NULL);
	if (!facts->ready)
		strcpy(facts->reason, "the test says so");
}

/* ---- building up ---- */

static int64_t shifted_now(void *ctx)
{
	/* The present of the certificates, and it goes on. */
	static int64_t began;
	struct rv_clock real = env_clock();
	int64_t now = real.now_us(real.ctx);
	if (!began)
		began = now;
	return PKI_NOW + (now - began);
}

static void put(const char *path, const struct rv_buf *b)
{
	struct rv_err e = {0};
	must(!file_write(path, 0600, b->data, b->len, &e), path, &e);
}

static void make_trust(void)
{
	struct rv_err e = {0};
	struct rv_buf content = {0}, xml = {0}, wire = {0};
	const struct pki_authority *const authorities[] = {&f.ocu, NULL};
	const struct rv_cert *certs[] = {f.ocu.cert};
	pki_member_xml(&content, &f.ke, "administration", NULL);
	pki_member_xml(&content, &f.fr, "administration", NULL);
	pki_operation_xml(&content, operation, "KE", "KE:participant FR:participant");
	pki_list_xml(&xml, 3, "2026-11-20T00:00:00Z", "2026-12-20T00:00:00Z", rv_buf_cstr(&content));
	pki_sign(&wire, rv_buf_cstr(&xml), authorities);
	must(!rv_trust_read(&f.trust, wire.data, wire.len, certs, 1, 1, PKI_NOW, &e), "trust", &e);
	put(f.conf->trust_list, &wire);
	put(f.conf->authority, &f.ocu.pem);
	rv_buf_free(&content);
	rv_buf_free(&xml);
	rv_buf_free(&wire);
}

static void make_conf(void)
{
	char path[600];
	struct rv_err e = {0};
	struct conf_init init = {.code = "KE", .office = "Port Control Unit", .listen = ""};
	snprintf(path, sizeof path, "%s/reeve.conf", f.dir);
	if (access(path, F_OK))
		must(!conf_write(path, &init, &e), "conf", &e);
	must(!conf_read(&f.conf, path, &e), "conf", &e);
	must(!mkdir(f.conf->run_dir, 0700) || errno == EEXIST, "run", NULL);
}

static unsigned from_env(const char *name)
{
	const char *text = getenv(name);
	return text ? (unsigned)strtoul(text, NULL, 10) : 0;
}

static int core_sources(void *ctx, struct fetch_source **list_r, size_t *n_r, struct rv_err *e)
{
	struct fetch_source *list = calloc(2, sizeof(*list));
	must(list != NULL, "memory", NULL);
	list[0] = (struct fetch_source){.kind = FETCH_LIST, .url = "https://lists.example/trust.xml",
		.tried_us = f.started_us, .fetched_us = f.started_us, .next_us = f.started_us + 1};
	list[1] = (struct fetch_source){.kind = FETCH_CRL, .whose = "CN=KE", .url = "http://pki.example/ke.crl",
		.tried_us = f.started_us, .next_us = f.started_us + 1, .failures = 3};
	rv_fail_rule(&list[1].why, RV_ETIMEOUT, "FETCH-TIMEOUT", "the server did not answer in time");
	*list_r = list;
	*n_r = 2;
	return 0;
}

/* Messages of FR are by a certificate that is revoked by now. */
static int core_standing(void *ctx, const uint8_t cert[RV_DIGEST_LEN], struct status_facts *facts)
{
	*facts = (struct status_facts){.standing = {STATUS_LISTED, 0, 0, f.started_us}};
	if (memcmp(cert, rv_cert_digest(f.fr.cert), RV_DIGEST_LEN) == 0) {
		facts->standing.word = STATUS_REVOKED;
		facts->revoked_us = f.started_us;
		snprintf(facts->reason, sizeof(facts->reason), "superseded");
		rv_fail_rule(&facts->why, RV_ECERT, "STATUS-REVOKED", "it is revoked");
	}
	return 0;
}

static void build(void)
{
	struct rv_err e = {0};
	must(!rv_xml_init(&e) && !rv_seal_init(&e), "libraries", &e);
	f.clock = (struct rv_clock){shifted_now, NULL};
	f.random = env_random();
	f.started_us = f.clock.now_us(f.clock.ctx);
	make_conf();
	must(getenv("REEVE_SCHEMAS") != NULL, "REEVE_SCHEMAS names the schemas", NULL);
	must(!rv_catalog_load(&f.catalog, getenv("REEVE_SCHEMAS"), NULL, &e), "catalog", &e);
	must(!rv_checker_new(&f.checker, f.catalog, &e), "checker", &e);
	pki_authority(&f.ocu, "OCU", PKI_NOW - 30 * PKI_DAY, PKI_NOW + 300 * PKI_DAY);
	pki_member(&f.ke, &f.ocu, "KE", 0);
	pki_member(&f.fr, &f.ocu, "FR", 0);
	make_trust();
	must(!store_sqlite_open(&f.store, f.conf->state_dir, &e), "store", &e);
	must(!joins_open(&f.joins, f.conf->state_dir, f.clock, &e), "joins", &e);
	must(!queue_new(&f.tasks, 4096, &e), "queue", &e);
	struct api_params p = {.conf = f.conf, .catalog = f.catalog,
		.core = {NULL, core_submit, core_mark_read, core_links, core_trust, core_facts, core_sources,
			core_standing, f.joins, core_joins_changed},
		.clock = f.clock,
		.limits = {.connections = from_env("FAKE_CONNECTIONS"), .streams = from_env("FAKE_STREAMS"),
			.header_s = from_env("FAKE_HEADER_S"), .stall_s = from_env("FAKE_STALL_S"),
			.answer_s = from_env("FAKE_ANSWER_S"), .heartbeat_ms = from_env("FAKE_HEARTBEAT_MS")}};
	int rc = api_start(&f.api, &p, &e);
	if (rc == RV_EEXIST) {
		fprintf(stderr, "fake_node: %s\n", e.text);
		exit(3);
	}
	must(!rc, "api", &e);
}

static void tear_down(void)
{
	store_close(&f.store);
	joins_close(&f.joins);
	rv_trust_unref(&f.trust);
	pki_member_clear(&f.ke);
	pki_member_clear(&f.fr);
	pki_authority_clear(&f.ocu);
	rv_checker_free(&f.checker);
	rv_catalog_free(&f.catalog);
	conf_free(&f.conf);
	rv_seal_cleanup();
	rv_xml_cleanup();
}

static void set(int *flag, int value)
{
	pthread_mutex_lock(&f.lock);
	*flag = value;
	pthread_cond_broadcast(&f.changed);
	pthread_mutex_unlock(&f.lock);
}

/* What touches the store is the worker's. */
static void command(const char *line)
{
	if (!strncmp(line, "busy", 4) || !strncmp(line, "ready", 5)) {
		set(&f.busy, line[0] == 'b');
		puts("ok");
	} else if (!strncmp(line, "answer ", 7)) {
		set(&f.submissions, line[7] == 'd' ? RV_EDENIED : line[7] == 'e' ? RV_EEXIST : 0);
		puts("ok");
	} else if (!strncmp(line, "join ", 5)) {
		struct rv_join_state state;
		struct rv_buf wire = {0};
		struct rv_err e = {0};
		char guest[RV_CURVE_KEY_TEXT] = "";
		char path[512] = "";
		int news = 0;
		must(sscanf(line, "join %40s %511s", guest, path) == 2, "join GUEST FILE", NULL);
		must(!file_read(path, RV_JOIN_MAX, &wire, &e), path, &e);
		must(!joins_ask(f.joins, guest, (struct rv_span){wire.data, wire.len}, f.trust, &state, &news, &e),
			"join", &e);
		rv_buf_free(&wire);
		puts(state.status == RV_JOIN_WAITING ? "ok" : state.text);
	} else if (!strncmp(line, "distrust", 8)) {
		set(&f.distrust, 1);
		puts("ok");
	} else if (!strncmp(line, "hang", 4) || !strncmp(line, "release", 7)) {
		set(&f.hang, line[0] == 'h');
		puts("ok");
	} else {
		struct task *t = calloc(1, sizeof *t);
		must(t != NULL, "memory", NULL);
		t->what = TASK_LINE;
		snprintf(t->line, sizeof t->line, "%s", line);
		set(&f.answered, 0);
		must(!queue_push(f.tasks, t), "queue", NULL);
		pthread_mutex_lock(&f.lock);
		while (!f.answered)
			pthread_cond_wait(&f.changed, &f.lock);
		pthread_mutex_unlock(&f.lock);
		puts(f.answer);
	}
	fflush(stdout);
}

int main(int argc, char **argv)
{
	char line[1024];
	pthread_t worker;
	must(argc == 2, "usage: fake_node DIR", NULL);
	snprintf(f.dir, sizeof f.dir, "%s", argv[1]);
	build();
	must(!pthread_create(&worker, NULL, worker_main, NULL), "thread", NULL);
	puts("ok");
	fflush(stdout);
	while (fgets(line, sizeof line, stdin))
		command(line);
	/* The API first: it waits for what the core owes, and a core that hangs gives it up now. */
	set(&f.hang, 0);
	api_stop(&f.api);
	queue_close(f.tasks);
	pthread_join(worker, NULL);
	queue_free(&f.tasks);
	tear_down();
	return 0;
}
