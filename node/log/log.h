/* SPDX-License-Identifier: Apache-2.0 */
#ifndef NODE_LOG_H
#define NODE_LOG_H

#include "protocol/err.h"
#include "protocol/signer.h"

/*
 * The log of the daemon: one line an event, with fields. Text on a terminal, JSON lines in a pipe,
 * fields in the journal. Only the edge logs (daemon, threads' main loops), once an event, with
 * message id and peer where there are any. Never content of messages, never a secret. Peers' text
 * is escaped: a log line stays one line, and nothing in it acts on the terminal (control
 * characters of C0 and C1, changes of direction, bytes that are not UTF-8). Text and journal name
 * such a character by its number (\x1b, \u009b; a backslash is doubled); JSON is pure ASCII, with
 * U+FFFD for a byte that is not UTF-8. Thread safe.
 */
struct log;
enum log_level { LOG_LVL_ERROR = 1, LOG_LVL_WARNING, LOG_LVL_INFO, LOG_LVL_DEBUG };

int log_open(struct log **l_r, const char *level, const char *format, const char *node_code,
	struct rv_clock clock, struct rv_err *e);
void log_close(struct log **l);
/* Pairs of key and value (both const char *), ended by NULL: log_event(l, LOG_LVL_INFO, "link up",
 * "peer", code, NULL). */
void log_event(struct log *l, enum log_level level, const char *text, ...)
	__attribute__((sentinel));
/* An error with its detail: adds code, rule, mend. */
void log_err(struct log *l, enum log_level level, const char *text, const struct rv_err *e, ...)
	__attribute__((sentinel));

#endif
