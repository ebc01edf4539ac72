/* SPDX-License-Identifier: Apache-2.0 */
#ifndef NODE_API_INT_H
#define NODE_API_INT_H

#include <jansson.h>
#include <pthread.h>
#include <stdatomic.h>

#include "node/api/api.h"
#include "node/api/http.h"
#include "node/store/blob.h"
#include "node/store/store.h"

/* What the files of the API share. Unless it says otherwise everything here belongs to the API's
 * thread. */

struct call;

/* A row of the table of routes (routes.c); openapi.json has the same rows, which a test holds to.
 */
struct route {
	enum http_method method;
	const char *path;              /* "/v1/messages/{id}/read" */
	const char *params;            /* names of the query parameters it takes, space separated */
	size_t body_max;               /* 0: a body is ignored */
	void (*begin)(struct call *c); /* NULL: nothing to do before the body */
	void (*body)(
		struct call *c, const void *data, size_t len); /* NULL: collected in call.body */
	void (*run)(struct call *c);                           /* answers, or leaves a pending */
};
extern const struct route api_routes[];
extern const size_t api_n_routes;
/* The route of a path; args point into the target. *other_method_r: there is one, for another
 * method. */
const struct route *route_find(
	const struct target *t, enum http_method method, const char *args[2], int *other_method_r);

/* What the core still owes. Filled by `done` in any thread, taken by the API's thread. */
struct pending {
	struct api *api;
	struct call *call; /* NULL: nobody waits any more */
	int64_t due_ms;
	struct pending *next; /* in api.done */
	int dry_run;
	unsigned status;
	const char *type;
	char *body; /* NULL with a status: no content, or (500) memory was short */
	char location[80];
};

struct call {
	struct call *prev, *next;
	struct api *api;
	struct http_request *http;
	const struct target *target;
	const struct route *route;
	const char *args[2];
	struct rv_buf body;
	struct blob_writer *blob; /* POST /v1/attachments */
	struct pending *pending;
	/* GET /v1/events */
	int follows;
	int64_t cursor;    /* last entry sent */
	int64_t beat_ms;   /* when something was last sent */
	int look;          /* there may be new entries */
	struct rv_buf out; /* made, not yet sent from out_at on */
	size_t out_at;
};

struct api {
	struct api_params params;
	struct http *http;
	struct store_reader *reader;
	struct rv_checker *checker;
	pthread_t thread;
	int thread_runs;
	int event_fd;
	atomic_int stop, woken;
	struct call *calls;
	unsigned n_followers;
	/* under lock: */
	pthread_mutex_t lock;
	pthread_cond_t settled;
	struct pending *done;
	size_t owed; /* pendings whose `done` has not come */
};

int64_t api_now_ms(void);

/* routes.c: the handlers of http.h */
void call_begin(void *ctx, struct http_request *r);
void call_body(void *ctx, struct http_request *r, const void *data, size_t len);
void call_end(void *ctx, struct http_request *r);
void call_gone(void *ctx, struct http_request *r);

/* ---- answers ---- */
/* Takes the reference; NULL: memory was short, answered as such. */
void answer_json(struct call *c, unsigned status, json_t *value);
void answer_empty(struct call *c, unsigned status);
/* A problem (RFC 9457) of that error: its code chooses the status. */
void answer_err(struct call *c, const struct rv_err *e);
/* rv_fail in one. */
void answer_fail(struct call *c, int code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* For answers made in another thread. */
unsigned problem_status(int code);
json_t *problem_json(unsigned status, const struct rv_err *e, const struct rv_report *report);

/* ---- the core's answers ---- */
/* NULL if memory is short (answered as such). */
struct pending *pending_new(struct call *c);
/* The core did not take it: nothing is owed. */
void pending_cancel(struct pending *p);
/* Any thread: p is filled. */
void pending_done(struct pending *p);

/* ---- parameters ---- */
/* A number parameter; fallback when absent. -1 after answering that it is none. */
int param_number(struct call *c, const char *name, uint64_t fallback, uint64_t min, uint64_t max,
	uint64_t *n_r);
/* "" or the operation code given. -1 after answering. */
int param_operation(struct call *c, const char **code_r);
/* The UUID in args[0]. -1 after answering. */
int arg_uuid(struct call *c, uint8_t uuid[RV_UUID_LEN]);

json_t *json_of_entry(const struct store_entry *e);

/* ---- routes ---- */
void run_status(struct call *c);
void run_links(struct call *c);
void run_trust(struct call *c);
void run_operations(struct call *c);
void run_invites(struct call *c);
void run_invite(struct call *c);
void run_join_request(struct call *c);
void run_refuse_join(struct call *c);
void run_codes(struct call *c);
void run_template(struct call *c);
void run_openapi(struct call *c);
void run_inbox(struct call *c);
void run_outbox(struct call *c);
void run_transit(struct call *c);
void run_quarantine(struct call *c);
void run_quarantined(struct call *c);
void run_quarantined_content(struct call *c);
void run_message(struct call *c);
void run_content(struct call *c);
void run_submit(struct call *c);
void run_read(struct call *c);
void run_check(struct call *c);
void begin_upload(struct call *c);
void body_upload(struct call *c, const void *data, size_t len);
void run_upload(struct call *c);
void run_download(struct call *c);
void run_events(struct call *c);
/* New entries or time for a heartbeat: looks at every follower. */
void events_wake(struct api *a);
void events_tick(struct api *a, int64_t now_ms);
void events_gone(struct call *c);

/* openapi.c, made from openapi.json */
extern const char api_openapi[];

#endif
