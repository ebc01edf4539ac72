/* SPDX-License-Identifier: Apache-2.0 */
#ifndef NODE_API_JSON_H
#define NODE_API_JSON_H

#include <jansson.h>

#include "protocol/check.h"
#include "protocol/msg.h"
#include "protocol/trustlist.h"

/*
 * The JSON forms that the API and the command line share (openapi.json names them). Each returns a
 * new reference, NULL if memory is short; setting a member to NULL fails, so that a run of sets is
 * checked once with json_done. Strings that are no UTF-8 cannot be in JSON: json_text replaces what
 * is not.
 */

/* A string whatever the bytes are. */
json_t *json_text(const char *s);
/* A point in time as text; null for 0. */
json_t *json_stamp(int64_t t_us);
json_t *json_digest(const uint8_t *digest, size_t len);

/* Adds a member and notes in *bad if it could not be. Takes the reference. */
void json_put(json_t *object, const char *key, json_t *value, int *bad);
void json_push(json_t *array, json_t *value, int *bad);
/* The value if nothing was bad, else NULL (and it is released). */
json_t *json_done(json_t *value, int bad);

/* Problem members of an error: code, rule, line, column, mend (those that are there). */
void json_put_err(json_t *object, const struct rv_err *e, int *bad);
json_t *json_of_report(const struct rv_report *r);                   /* schema Report */
json_t *json_of_header(const struct rv_header *h);                   /* schema Header */
json_t *json_of_sections(unsigned mask);                             /* ["event", "goods"] */
json_t *json_of_attachment(const struct rv_attachment *a, int here); /* here -1: not told */
json_t *json_of_operation(const struct rv_operation *op);            /* schema Operation */
json_t *json_of_operations(const struct rv_trust *t);
json_t *json_of_trust(const struct rv_trust *t); /* schema Trust */

#endif
