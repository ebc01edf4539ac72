/* SPDX-License-Identifier: Apache-2.0 */
#include "node/log/log.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>
#include <jansson.h>

#define SD_JOURNAL_SUPPRESS_LOCATION
#include <systemd/sd-journal.h>

#include "node/utf8.h"
#include "protocol/stamp.h"

enum format { FORMAT_TEXT, FORMAT_JSON, FORMAT_JOURNAL };
enum { FIELDS_MAX = 16 };

struct log {
	enum log_level level;
	enum format format;
	char node[RV_CODE_TEXT];
	struct rv_clock clock;
	pthread_mutex_t lock;
};

struct fields {
	const char *keys[FIELDS_MAX];
	const char *values[FIELDS_MAX];
	size_t n;
};

static const char *const level_names[] = {"", "error", "warning", "info", "debug"};
static const int priorities[] = {0, 3, 4, 6, 7};

/* systemd names the stream that it connected to stderr; after a redirection it is another. */
static int stderr_is_journal(void)
{
	const char *env = getenv("JOURNAL_STREAM");
	struct stat st;
	unsigned long long dev;
	unsigned long long ino;
	return env != NULL && sscanf(env, "%llu:%llu", &dev, &ino) == 2 &&
	       fstat(STDERR_FILENO, &st) == 0 && (unsigned long long)st.st_dev == dev &&
	       (unsigned long long)st.st_ino == ino;
}

int log_open(struct log **l_r, const char *level, const char *format, const char *node_code,
	struct rv_clock clock, struct rv_err *e)
{
	struct log *l = calloc(1, sizeof(*l));
	if (l == NULL) {
		return rv_fail_nomem(e);
	}
	for (int i = LOG_LVL_ERROR; i <= LOG_LVL_DEBUG; i++) {
		if (strcmp(level, level_names[i]) == 0) {
			l->level = (enum log_level)i;
		}
	}
	int known = 1;
	if (strcmp(format, "auto") == 0) {
		l->format = stderr_is_journal()     ? FORMAT_JOURNAL
			    : isatty(STDERR_FILENO) ? FORMAT_TEXT
						    : FORMAT_JSON;
	} else if (strcmp(format, "json") == 0) {
		l->format = FORMAT_JSON;
	} else if (strcmp(format, "journal") == 0) {
		l->format = FORMAT_JOURNAL;
	} else {
		known = strcmp(format, "text") == 0;
	}
	if (l->level == 0 || !known) {
		free(l);
		return rv_fail(e, RV_EINVAL, "there is no log level %.20s with format %.20s", level,
			format);
	}
	l->clock = clock;
	snprintf(l->node, sizeof(l->node), "%s", node_code);
	pthread_mutex_init(&l->lock, NULL);
	*l_r = l;
	return 0;
}

void log_close(struct log **l)
{
	if (l != NULL && *l != NULL) {
		pthread_mutex_destroy(&(*l)->lock);
		free(*l);
		*l = NULL;
	}
}

static void collect(struct fields *f, va_list ap)
{
	const char *key;
	while ((key = va_arg(ap, const char *)) != NULL) {
		const char *value = va_arg(ap, const char *);
		if (f->n < FIELDS_MAX) {
			f->keys[f->n] = key;
			f->values[f->n++] = value != NULL ? value : "";
		}
	}
}

static void add(struct fields *f, const char *key, const char *value)
{
	if (f->n < FIELDS_MAX && value[0] != '\0') {
		f->keys[f->n] = key;
		f->values[f->n++] = value;
	}
}

/* A text for people, in one line. What could act on a terminal or mislead the eye, and what is not
 * UTF-8, is there by its number: \x1b, \u009b. */
static void put_safe(struct rv_buf *out, const char *value, const char *also_escaped)
{
	while (*value != '\0') {
		uint32_t c = 0;
		size_t len = utf8_next(value, &c);
		if (len == 0 || c == 0x7f || c < 0x20) {
			rv_buf_printf(out, "\\x%02x", (unsigned char)*value);
		} else if (utf8_is_harmful(c)) {
			rv_buf_printf(out, c > 0xffff ? "\\U%08x" : "\\u%04x", (unsigned)c);
		} else {
			if (len == 1 && strchr(also_escaped, (int)c) != NULL) {
				rv_buf_u8(out, '\\');
			}
			rv_buf_put(out, value, len);
		}
		value += len > 0 ? len : 1;
	}
}

static int is_plain(const char *value)
{
	const char *p = value;
	while (*p != '\0') {
		uint32_t c = 0;
		size_t len = utf8_next(p, &c);
		if (len == 0 || utf8_is_harmful(c) ||
			(len == 1 && strchr(" \"=\\", (int)c) != NULL)) {
			return 0;
		}
		p += len;
	}
	return value[0] != '\0';
}

/* No text of a peer makes a second line or a second field. */
static void put_value(struct rv_buf *out, const char *value)
{
	if (is_plain(value)) {
		rv_buf_str(out, value);
	} else {
		rv_buf_u8(out, '"');
		put_safe(out, value, "\"\\");
		rv_buf_u8(out, '"');
	}
}

static void put_text(struct rv_buf *out, const char *stamp, enum log_level level, const char *text,
	const struct fields *f)
{
	rv_buf_printf(out, "%s %-7s ", stamp, level_names[level]);
	put_safe(out, text, "\\");
	for (size_t i = 0; i < f->n; i++) {
		rv_buf_printf(out, " %s=", f->keys[i]);
		put_value(out, f->values[i]);
	}
}

/* Bytes that are not UTF-8 are replaced, so that the line stays JSON. */
static json_t *json_text(const char *value)
{
	struct rv_buf text = {0};
	while (*value != '\0') {
		uint32_t c;
		size_t len = utf8_next(value, &c);
		rv_buf_put(&text, len > 0 ? value : "\xEF\xBF\xBD", len > 0 ? len : 3);
		value += len > 0 ? len : 1;
	}
	const char *s = rv_buf_cstr(&text);
	json_t *json = s != NULL ? json_string(s) : NULL;
	rv_buf_free(&text);
	return json;
}

static void put_json(struct rv_buf *out, const struct log *l, const char *stamp,
	enum log_level level, const char *text, const struct fields *f)
{
	json_t *o = json_object();
	json_object_set_new(o, "time", json_string(stamp));
	json_object_set_new(o, "level", json_string(level_names[level]));
	json_object_set_new(o, "node", json_string(l->node));
	json_object_set_new(o, "event", json_text(text));
	for (size_t i = 0; i < f->n; i++) {
		json_object_set_new(o, f->keys[i], json_text(f->values[i]));
	}
	/* pure ASCII: it may be read on a terminal too. The library leaves DEL as it is. */
	char *line = json_dumps(o, JSON_COMPACT | JSON_ENSURE_ASCII);
	for (const char *p = line; p != NULL && *p != '\0'; p++) {
		if (*p == 0x7f) {
			rv_buf_str(out, "\\u007F");
		} else {
			rv_buf_u8(out, (uint8_t)*p);
		}
	}
	free(line);
	json_decref(o);
}

static void to_journal(
	const struct log *l, enum log_level level, const char *text, const struct fields *f)
{
	struct rv_buf lines[FIELDS_MAX + 3];
	struct iovec iov[FIELDS_MAX + 3];
	int n = 0;
	memset(lines, 0, sizeof(lines));
	rv_buf_str(&lines[n], "MESSAGE=");
	put_safe(&lines[n++], text, "\\");
	rv_buf_printf(&lines[n++], "PRIORITY=%d", priorities[level]);
	rv_buf_printf(&lines[n++], "REEVE_NODE=%s", l->node);
	for (size_t i = 0; i < f->n; i++) {
		rv_buf_str(&lines[n], "REEVE_");
		for (const char *p = f->keys[i]; *p != '\0'; p++) {
			rv_buf_u8(
				&lines[n], (uint8_t)(*p >= 'a' && *p <= 'z' ? *p - 'a' + 'A' : *p));
		}
		rv_buf_u8(&lines[n], '=');
		put_safe(&lines[n++], f->values[i], "\\");
	}
	for (int i = 0; i < n; i++) {
		iov[i].iov_base = lines[i].data;
		iov[i].iov_len = lines[i].len;
	}
	sd_journal_sendv(iov, n);
	for (int i = 0; i < n; i++) {
		rv_buf_free(&lines[i]);
	}
}

static void emit(struct log *l, enum log_level level, const char *text, const struct fields *f)
{
	struct rv_buf line = {0};
	char stamp[RV_STAMP_TEXT];
	if (l->format == FORMAT_JOURNAL) {
		to_journal(l, level, text, f);
		return;
	}
	rv_stamp_text(stamp, l->clock.now_us(l->clock.ctx));
	if (l->format == FORMAT_JSON) {
		put_json(&line, l, stamp, level, text, f);
	} else {
		put_text(&line, stamp, level, text, f);
	}
	rv_buf_str(&line, "\n");
	if (rv_buf_ok(&line)) {
		/* one write, so that lines of the processes that share stderr do not mix */
		pthread_mutex_lock(&l->lock);
		ssize_t n = write(STDERR_FILENO, line.data, line.len);
		pthread_mutex_unlock(&l->lock);
		(void)n; /* there is nowhere to complain to */
	}
	rv_buf_free(&line);
}

void log_event(struct log *l, enum log_level level, const char *text, ...)
{
	struct fields f = {.n = 0};
	va_list ap;
	if (l == NULL || level > l->level) {
		return;
	}
	va_start(ap, text);
	collect(&f, ap);
	va_end(ap);
	emit(l, level, text, &f);
}

void log_err(struct log *l, enum log_level level, const char *text, const struct rv_err *e, ...)
{
	struct fields f = {.n = 0};
	char place[32];
	va_list ap;
	if (l == NULL || level > l->level) {
		return;
	}
	va_start(ap, e);
	collect(&f, ap);
	va_end(ap);
	add(&f, "code", rv_strcode(e->code));
	add(&f, "rule", e->rule);
	if (e->line > 0) {
		snprintf(place, sizeof(place), "%d:%d", e->line, e->column);
		add(&f, "place", place);
	}
	add(&f, "why", e->text);
	add(&f, "mend", e->mend);
	emit(l, level, text, &f);
}
