/* SPDX-License-Identifier: Apache-2.0 */
#ifndef NODE_CLI_CLIENT_H
#define NODE_CLI_CLIENT_H

#include <jansson.h>

#include "node/cli/cli.h"

/*
 * The node's API as commands use it: HTTP over the Unix socket that the configuration names.
 * client.c is the only file of the command line that includes libcurl.
 *
 * Calls return 0 for an answer below 400. An answer that is a problem makes them fail with its
 * detail, rule, place and mend in e; the answer is there all the same (its faults). RV_ECLOSED: the
 * node does not answer.
 */
struct client;

struct answer {
	long status;
	struct rv_buf body;
	json_t *json; /* of a JSON body; NULL otherwise */
};
void answer_clear(struct answer *a);

int client_new(struct client **r, struct cli *c, struct rv_err *e);
void client_free(struct client **r);

/* Paths: "/v1/messages/" and what follows. Appends "?name=value" or "&name=value", escaped. */
void path_param(struct rv_buf *path, const char *name, const char *value);
void path_segment(struct rv_buf *path, const char *segment);

int client_get(struct client *r, const char *path, struct answer *a, struct rv_err *e);
/* key: Idempotency-Key, NULL: none. */
int client_post(struct client *r, const char *path, const void *body, size_t len, const char *key,
	struct answer *a, struct rv_err *e);
/* Sends a file, streamed; a bar on cli_err if that is a terminal. */
int client_upload(
	struct client *r, const char *path, const char *file, struct answer *a, struct rv_err *e);
/* Gets a body into an open file, streamed. */
int client_download(struct client *r, const char *path, FILE *to, struct rv_err *e);

/*
 * Follows server-sent events until event returns non-zero (which is returned) or the connection
 * ends (RV_ECLOSED). Each call gets one event's id and data.
 */
int client_events(struct client *r, const char *path,
	int (*event)(void *ctx, const char *id, const char *data), void *ctx, struct rv_err *e);

/* ---- reading answers: never NULL, never out of type ---- */
const char *json_str(const json_t *o, const char *key); /* "" if absent or no string */
json_int_t json_num(const json_t *o, const char *key);  /* 0 */
int json_yes(const json_t *o, const char *key);
/* "2026-11-24 08:08:37Z" from a stamp, "-" if there is none. */
void json_when(char out[24], const json_t *o, const char *key);

#endif
