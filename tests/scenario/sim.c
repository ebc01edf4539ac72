/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/scenario/sim_int.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node/link/lead.h"

#define MS INT64_C(1000)
#define SECOND RV_US_PER_SEC
#define BEGIN INT64_C(1000000000)
#define WALL INT64_C(1795521600000000)

void sim_fail(struct sim *sim, const char *fmt, ...)
{
	va_list ap;
	fprintf(stderr, "simulation, seed %llu, after %.3f s: ", (unsigned long long)sim->p.seed, (double)(sim->now_us - BEGIN) / 1e6);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	abort();
}

/* ---- chance (splitmix64) ---- */

static uint64_t next_random(uint64_t *state)
{
	uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));
	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

uint64_t sim_random(struct sim *sim, uint64_t below)
{
	return below == 0 ? 0 : next_random(&sim->rng) % below;
}

double sim_chance(struct sim *sim)
{
	return (double)(next_random(&sim->rng) >> 11) / (double)(UINT64_C(1) << 53);
}

static double between(uint64_t *rng, double lo, double hi)
{
	return lo + (hi - lo) * (double)(next_random(rng) >> 11) / (double)(UINT64_C(1) << 53);
}

/* Even on the scale of orders of magnitude. */
static double spread(uint64_t *rng, double lo, double hi)
{
	double v = lo;
	double steps = between(rng, 0, 64);
	for (double k = 0; k + 1 <= steps; k++) {
		double f = hi / lo;
		/* the 64th root by six square roots, without the math library */
		for (int i = 0; i < 6; i++) {
			double r = f > 1 ? f : 1;
			for (int j = 0; j < 60; j++) {
				r = (r + f / r) / 2;
			}
			f = r;
		}
		v *= f;
	}
	return v;
}

void sim_params_calm(struct sim_params *p, uint64_t seed)
{
	memset(p, 0, sizeof(*p));
	p->seed = seed;
	p->latency_us = 20 * MS;
	p->bytes_per_s = 10 * 1000 * 1000;
	p->buffer = 1 << 20;
	p->credit_messages = 256;
	p->credit_bytes = 8 << 20;
	p->heartbeat_us = 5 * SECOND;
	p->intake_us = 10 * MS;
}

void sim_params_random(struct sim_params *p, uint64_t seed)
{
	uint64_t rng = seed * 977 + 5;
	memset(p, 0, sizeof(*p));
	p->seed = seed;
	p->latency_us = (int64_t)spread(&rng, 100, 500000);
	p->jitter_us = (int64_t)between(&rng, 0, (double)p->latency_us);
	p->bytes_per_s = (uint64_t)spread(&rng, 20e3, 20e6);
	p->buffer = (size_t)spread(&rng, 2e3, 4e6);
	p->credit_messages = (uint64_t)spread(&rng, 1, 1000);
	p->credit_bytes = (uint64_t)spread(&rng, 1e6, 32e6);
	p->heartbeat_us = (int64_t)between(&rng, 3e6, 15e6);
	p->intake_us = (int64_t)spread(&rng, 1e3, 1e6);
	p->both_dial = next_random(&rng) % 2;
	if (next_random(&rng) % 4 != 0) {
		p->cuts_per_min = between(&rng, 0, 6);
		p->restarts_per_min = next_random(&rng) % 2 ? between(&rng, 0, 2) : 0;
	}
	if (next_random(&rng) % 2 != 0) {
		p->defers = between(&rng, 0, 0.3);
		p->failures = between(&rng, 0, 0.3);
		p->full = between(&rng, 0, 0.2);
		p->wrong_digests = between(&rng, 0, 0.3);
	}
	p->troubles_end_us = (int64_t)between(&rng, 30e6, 300e6);
}

/* ---- events ---- */

static int before(const struct event *a, const struct event *b)
{
	return a->at_us != b->at_us ? a->at_us < b->at_us : a->order < b->order;
}

struct event *sim_at(struct sim *sim, int64_t at_us, event_fn *run, void *on)
{
	struct event *ev = calloc(1, sizeof(*ev));
	if (sim->n_events == sim->cap_events) {
		sim->cap_events = sim->cap_events == 0 ? 256 : sim->cap_events * 2;
		sim->heap = realloc(sim->heap, sim->cap_events * sizeof(struct event *));
	}
	if (ev == NULL || sim->heap == NULL) {
		sim_fail(sim, "memory is short");
	}
	ev->at_us = at_us < sim->now_us ? sim->now_us : at_us;
	ev->order = ++sim->last_order;
	ev->run = run;
	ev->on = on;
	size_t i = sim->n_events++;
	while (i > 0 && before(ev, sim->heap[(i - 1) / 2])) {
		sim->heap[i] = sim->heap[(i - 1) / 2];
		i = (i - 1) / 2;
	}
	sim->heap[i] = ev;
	return ev;
}

static struct event *take_event(struct sim *sim)
{
	struct event *first = sim->heap[0];
	struct event *last = sim->heap[--sim->n_events];
	size_t i = 0;
	for (;;) {
		size_t child = 2 * i + 1;
		if (child >= sim->n_events) {
			break;
		}
		if (child + 1 < sim->n_events && before(sim->heap[child + 1], sim->heap[child])) {
			child++;
		}
		if (!before(sim->heap[child], last)) {
			break;
		}
		sim->heap[i] = sim->heap[child];
		i = child;
	}
	sim->heap[i] = last;
	return first;
}

static void run_one(struct sim *sim)
{
	struct event *ev = take_event(sim);
	sim->now_us = ev->at_us;
	sim->counts.events++;
	if (sim->counts.events > 20 * 1000 * 1000) {
		sim_fail(sim, "it does not come to rest");
	}
	ev->run(sim, ev);
	free(ev->data);
	free(ev);
}

struct session_time sim_time(const struct sim *sim)
{
	return (struct session_time){sim->now_us, WALL + sim->now_us};
}

const char *sim_code(unsigned node)
{
	static const char *const codes[SIM_NODES] = {"AA", "BB", "CC"};
	return codes[node];
}

/* ---- connections ---- */

static void conn_up(struct sim *sim, struct event *ev);

static void conn_down(struct conn *c)
{
	struct sim *sim = c->half[0].sim;
	if (!c->up) {
		return;
	}
	c->up = 0;
	c->epoch++;
	for (int side = 0; side < 2; side++) {
		struct half *h = &c->half[side];
		session_lost(h->session, "the connection broke");
		session_free(&h->session);
		h->queued = 0;
		h->want_write = h->pump_waits = 0;
		h->busy_until_us = h->last_delivery_us = 0;
	}
	for (int side = 0; side < 2; side++) {
		half_after(&c->half[side]);
	}
	sim_at(sim, sim->now_us + 100 * MS + (int64_t)sim_random(sim, 5 * SECOND), conn_up, c);
}

static void close_conn(struct sim *sim, struct event *ev)
{
	struct conn *c = ev->on;
	if (c->epoch == ev->u[0]) {
		conn_down(c);
	}
}

static void tick(struct sim *sim, struct event *ev)
{
	struct half *h = ev->on;
	if (h->session == NULL || h->serial != ev->u[0]) {
		return;
	}
	session_tick(h->session, sim_time(sim));
	half_after(h);
	sim_at(sim, sim->now_us + 200 * MS, tick, h)->u[0] = h->serial;
}

static void conn_up(struct sim *sim, struct event *ev)
{
	static struct session_calls calls;
	struct conn *c = ev->on;
	calls = node_calls;
	calls.send = net_send;
	calls.up = net_up;
	calls.ended = net_ended;
	c->up = 1;
	c->closing = 0;
	c->order = ++sim->last_serial;
	for (int side = 0; side < 2; side++) {
		struct half *h = &c->half[side];
		struct session_params p = {.trust_number = 7, .boot = sim->nodes[h->node].epoch, .credit_messages = sim->p.credit_messages,
			.credit_bytes = sim->p.credit_bytes, .attachment_max = 1 << 30, .heartbeat_us = sim->p.heartbeat_us,
			.software = "simulated", .calls = &calls, .ctx = h};
		snprintf(p.self, sizeof(p.self), "%s", sim_code(h->node));
		snprintf(p.peer, sizeof(p.peer), "%s", sim_code(h->peer));
		if (session_new(&h->session, &p, sim_time(sim), NULL) != 0) {
			sim_fail(sim, "memory is short");
		}
		h->serial = ++sim->last_serial;
		sim->counts.sessions++;
		sim_at(sim, sim->now_us + (int64_t)sim_random(sim, 200 * MS), tick, h)->u[0] = h->serial;
	}
	for (int side = 0; side < 2; side++) {
		session_open(c->half[side].session, sim_time(sim));
		half_after(&c->half[side]);
	}
}

struct session *half_session(struct half *h, uint64_t serial)
{
	return h->session != NULL && h->serial == serial ? h->session : NULL;
}

static void choose_lead(struct half *of)
{
	struct sim *sim = of->sim;
	struct lead_candidate list[CONNS];
	struct half *halves[CONNS];
	size_t n = 0;
	for (size_t i = 0; i < CONNS; i++) {
		for (int side = 0; side < 2; side++) {
			struct half *h = &sim->conns[i].half[side];
			struct session_stats st;
			if (h->node != of->node || h->peer != of->peer || h->session == NULL) {
				continue;
			}
			session_stats(h->session, &st);
			list[n] = (struct lead_candidate){st.state == SESSION_UP, st.leads, sim->conns[i].dialler == h->node, sim->conns[i].order};
			halves[n++] = h;
		}
	}
	int lead = lead_choose(list, n, sim_code(of->node), sim_code(of->peer));
	for (size_t i = 0; i < n; i++) {
		session_lead(halves[i]->session, (int)i == lead);
	}
}

static void pump_again(struct sim *sim, struct event *ev)
{
	struct half *h = ev->on;
	h->pump_waits = 0;
	if (half_session(h, ev->u[0]) != NULL) {
		half_after(h);
	}
}

void half_after(struct half *h)
{
	struct sim *sim = h->sim;
	choose_lead(h);
	if (h->session == NULL) {
		return;
	}
	if (session_pump(h->session, sim_time(sim)) && !h->pump_waits) {
		h->pump_waits = 1;
		sim_at(sim, sim->now_us + 10, pump_again, h)->u[0] = h->serial;
	}
	if (session_state(h->session) == SESSION_ENDED && !h->conn->closing) {
		h->conn->closing = 1;
		sim_at(sim, sim->now_us + sim->p.latency_us + SECOND, close_conn, h->conn)->u[0] = h->conn->epoch;
		choose_lead(h);
	}
}

void node_each(struct sim *sim, unsigned node, unsigned peer, void (*fn)(struct session *s))
{
	for (size_t i = 0; i < CONNS; i++) {
		for (int side = 0; side < 2; side++) {
			struct half *h = &sim->conns[i].half[side];
			if (h->node == node && (peer == NOBODY || h->peer == peer) && h->session != NULL) {
				fn(h->session);
				if (!h->pump_waits) {
					h->pump_waits = 1;
					sim_at(sim, sim->now_us + 10, pump_again, h)->u[0] = h->serial;
				}
			}
		}
	}
}

/* ---- the network ---- */

static void left_channel(struct sim *sim, struct event *ev)
{
	struct half *h = ev->on;
	if (half_session(h, ev->u[0]) == NULL) {
		return;
	}
	h->queued -= ev->u[1];
	if (h->want_write && h->queued <= sim->p.buffer / 2) {
		h->want_write = 0;
		session_writable(h->session);
		half_after(h);
	}
}

static void deliver(struct sim *sim, struct event *ev)
{
	struct half *to = ev->on;
	struct rv_span parts[1 + RV_FRAME_MAX_PARTS];
	const uint8_t *p = ev->data;
	size_t n = ev->u[1];
	if (n == 0 || half_session(to, ev->u[0]) == NULL) {
		return;
	}
	memset(parts, 0, sizeof(parts));
	for (size_t i = 0; i < n; i++) {
		memcpy(&parts[i].len, p, sizeof(size_t));
		p += sizeof(size_t);
		/* each part in memory of its own, so that a read past its end is seen */
		uint8_t *copy = malloc(parts[i].len > 0 ? parts[i].len : 1);
		memcpy(copy, p, parts[i].len);
		parts[i].data = copy;
		p += parts[i].len;
	}
	session_frame(to->session, parts, n, sim_time(sim));
	for (size_t i = 0; i < n; i++) {
		union { const uint8_t *read; uint8_t *own; } copy = {.read = parts[i].data};
		free(copy.own);
	}
	half_after(to);
}

int net_send(void *ctx, const struct rv_span *parts, size_t n)
{
	struct half *h = ctx;
	struct sim *sim = h->sim;
	struct half *to = &h->conn->half[h == &h->conn->half[0]];
	size_t len = 0;
	for (size_t i = 0; i < n; i++) {
		len += parts[i].len + 9;
	}
	if (h->queued > 0 && h->queued + len > sim->p.buffer) {
		h->want_write = 1;
		return RV_EAGAIN;
	}
	uint8_t *data = malloc(len + n * sizeof(size_t));
	uint8_t *p = data;
	for (size_t i = 0; i < n; i++) {
		memcpy(p, &parts[i].len, sizeof(size_t));
		p += sizeof(size_t);
		if (parts[i].len > 0) {
			memcpy(p, parts[i].data, parts[i].len);
		}
		p += parts[i].len;
	}
	int64_t start = h->busy_until_us > sim->now_us ? h->busy_until_us : sim->now_us;
	h->busy_until_us = start + (int64_t)(len * 1000000 / sim->p.bytes_per_s);
	int64_t arrives = h->busy_until_us + sim->p.latency_us + (int64_t)sim_random(sim, (uint64_t)sim->p.jitter_us + 1);
	if (arrives < h->last_delivery_us) {
		arrives = h->last_delivery_us;
	}
	h->last_delivery_us = arrives;
	h->queued += len;
	struct event *left = sim_at(sim, h->busy_until_us, left_channel, h);
	left->u[0] = h->serial;
	left->u[1] = len;
	struct event *ev = sim_at(sim, arrives, deliver, to);
	ev->u[0] = to->serial;
	ev->u[1] = n;
	ev->data = data;
	return 0;
}

void net_up(void *ctx, const struct rv_hello *peer)
{
	struct half *h = ctx;
	if (strcmp(peer->code, sim_code(h->peer)) != 0) {
		sim_fail(h->sim, "%s is up in place of %s", peer->code, sim_code(h->peer));
	}
}

void net_ended(void *ctx, const struct session_end *end)
{
	struct half *h = ctx;
	/* silence is possible where frames are large and the line is slow; anything else would be a fault of ours */
	if (end->code != 0 && end->code != RV_BYE_SILENT) {
		sim_fail(h->sim, "the session of %s with %s ended (%s): %s", sim_code(h->node), sim_code(h->peer),
			rv_bye_code_text(end->code), end->why.text);
	}
	if (end->code != 0) {
		h->sim->counts.faults++;
	}
}

/* ---- troubles ---- */

static int64_t next_trouble(struct sim *sim, double per_min)
{
	return sim->now_us + 1000 + (int64_t)(sim_chance(sim) * 2 * 60e6 / per_min);
}

static void cut(struct sim *sim, struct event *ev)
{
	if (sim->now_us - BEGIN < sim->p.troubles_end_us) {
		conn_down(ev->on);
		sim_at(sim, next_trouble(sim, sim->p.cuts_per_min), cut, ev->on);
	}
}

static void restart(struct sim *sim, struct event *ev)
{
	struct node *n = ev->on;
	if (sim->now_us - BEGIN >= sim->p.troubles_end_us) {
		return;
	}
	for (size_t i = 0; i < CONNS; i++) {
		struct conn *c = &sim->conns[i];
		if (c->half[0].node == n->index || c->half[1].node == n->index) {
			conn_down(c);
		}
	}
	node_restart(sim, n->index);
	sim_at(sim, next_trouble(sim, sim->p.restarts_per_min), restart, n);
}

/* ---- the whole ---- */

struct sim *sim_new(const struct sim_params *p)
{
	struct sim *sim = calloc(1, sizeof(*sim));
	if (sim == NULL) {
		abort();
	}
	sim->p = *p;
	sim->rng = p->seed;
	sim->now_us = BEGIN;
	for (unsigned i = 0; i < SIM_NODES; i++) {
		node_init(sim, i);
		if (p->restarts_per_min > 0) {
			sim_at(sim, next_trouble(sim, p->restarts_per_min), restart, &sim->nodes[i]);
		}
	}
	for (unsigned i = 0; i < CONNS; i++) {
		struct conn *c = &sim->conns[i];
		c->pair = i / 2;
		c->dialler = c->pair + i % 2;
		for (unsigned side = 0; side < 2; side++) {
			c->half[side] = (struct half){.sim = sim, .conn = c, .node = c->pair + side, .peer = c->pair + 1 - side};
		}
		if (i % 2 == 0 || p->both_dial) {
			sim_at(sim, sim->now_us + (int64_t)sim_random(sim, SECOND), conn_up, c);
			if (p->cuts_per_min > 0) {
				sim_at(sim, next_trouble(sim, p->cuts_per_min), cut, c);
			}
		}
	}
	return sim;
}

void sim_free(struct sim **sim)
{
	if (sim == NULL || *sim == NULL) {
		return;
	}
	for (size_t i = 0; i < CONNS; i++) {
		session_free(&(*sim)->conns[i].half[0].session);
		session_free(&(*sim)->conns[i].half[1].session);
	}
	for (size_t i = 0; i < (*sim)->n_events; i++) {
		free((*sim)->heap[i]->data);
		free((*sim)->heap[i]);
	}
	for (unsigned i = 0; i < SIM_NODES; i++) {
		node_free(&(*sim)->nodes[i]);
	}
	free((*sim)->heap);
	free(*sim);
	*sim = NULL;
}

int64_t sim_now(const struct sim *sim)
{
	return sim->now_us - BEGIN;
}

static void submit(struct sim *sim, struct event *ev)
{
	node_submit(sim, ev->u[0]);
}

size_t sim_submit(struct sim *sim, int64_t at_us, unsigned from, unsigned to, unsigned priority, size_t len,
	const unsigned *blobs, size_t n_blobs)
{
	if (sim->n_messages == SIM_MESSAGES) {
		sim_fail(sim, "too many messages");
	}
	struct message *m = &sim->messages[sim->n_messages];
	*m = (struct message){.from = from, .to = to, .priority = priority, .len = len, .n_blobs = n_blobs};
	for (size_t i = 0; i < n_blobs; i++) {
		m->blobs[i] = blobs[i];
	}
	sim_at(sim, BEGIN + at_us, submit, NULL)->u[0] = sim->n_messages;
	return sim->n_messages++;
}

void sim_blob(struct sim *sim, unsigned blob, uint64_t size)
{
	sim->blob_size[blob] = size;
}

int sim_run(struct sim *sim, int64_t limit_us)
{
	uint64_t looked = 0;
	while (sim->n_events > 0 && sim->heap[0]->at_us - BEGIN <= limit_us) {
		run_one(sim);
		if (sim->counts.events - looked >= 64) {
			looked = sim->counts.events;
			if (node_all_done(sim)) {
				return 0;
			}
		}
	}
	return node_all_done(sim) ? 0 : -1;
}

void sim_pass(struct sim *sim, int64_t us)
{
	int64_t until = sim->now_us + us;
	while (sim->n_events > 0 && sim->heap[0]->at_us <= until) {
		run_one(sim);
	}
	sim->now_us = until;
}

void sim_cut(struct sim *sim, unsigned pair)
{
	conn_down(&sim->conns[2 * pair]);
	conn_down(&sim->conns[2 * pair + 1]);
}

int64_t sim_stored_at(const struct sim *sim, size_t message)
{
	int64_t at = sim->messages[message].stored_us;
	return at == 0 ? 0 : at - BEGIN;
}

const struct sim_counts *sim_counts(const struct sim *sim)
{
	return &sim->counts;
}

void sim_stats(const struct sim *sim, unsigned from, unsigned to, struct session_stats *st)
{
	memset(st, 0, sizeof(*st));
	for (size_t i = 0; i < CONNS; i++) {
		for (int side = 0; side < 2; side++) {
			const struct half *h = &sim->conns[i].half[side];
			if (h->node == from && h->peer == to && h->session != NULL && st->state != SESSION_UP) {
				session_stats(h->session, st);
			}
		}
	}
}
