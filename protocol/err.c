/* SPDX-License-Identifier: Apache-2.0 */
#include "err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "utf8.h"

static const char *const code_names[] = {
	"ok",
	"no-memory",
	"invalid-argument",
	"system",
	"io",
	"limit",
	"parse",
	"schema",
	"rule",
	"profile",
	"digest",
	"signature",
	"certificate",
	"unknown",
	"denied",
	"conflict",
	"duplicate",
	"not-found",
	"try-again",
	"closed",
	"timeout",
	"version",
	"expired",
	"configuration",
};

_Static_assert(sizeof(code_names) / sizeof(code_names[0]) == -RV_ELAST, "one name a code");

const char *rv_strcode(int code)
{
	if (code > 0 || code <= RV_ELAST) {
		return "unknown-code";
	}
	return code_names[-code];
}

/* A text that was cut, at its end or where it quotes another, may have a part of a character; JSON
 * and logs want whole ones. What is not UTF-8 goes away. */
static void keep_whole(char *text)
{
	char *to = text;
	for (const char *from = text; *from != '\0';) {
		uint32_t point;
		size_t len = rv_utf8_at(from, 4, &point);
		memmove(to, from, len);
		to += len;
		from += len > 0 ? len : 1;
	}
	*to = '\0';
}

void rv_err_clear(struct rv_err *e)
{
	if (e != NULL) {
		memset(e, 0, sizeof(*e));
	}
}

static void __attribute__((format(printf, 4, 0)))
fill(struct rv_err *e, int code, const char *rule, const char *fmt, va_list ap)
{
	memset(e, 0, sizeof(*e));
	e->code = code;
	if (rule != NULL) {
		snprintf(e->rule, sizeof(e->rule), "%s", rule);
	}
	vsnprintf(e->text, sizeof(e->text), fmt, ap);
	keep_whole(e->text);
}

int rv_fail(struct rv_err *e, int code, const char *fmt, ...)
{
	if (e != NULL) {
		va_list ap;
		va_start(ap, fmt);
		fill(e, code, NULL, fmt, ap);
		va_end(ap);
	}
	return code;
}

int rv_fail_rule(struct rv_err *e, int code, const char *rule, const char *fmt, ...)
{
	if (e != NULL) {
		va_list ap;
		va_start(ap, fmt);
		fill(e, code, rule, fmt, ap);
		va_end(ap);
	}
	return code;
}

int rv_fail_errno(struct rv_err *e, int errnum, const char *fmt, ...)
{
	if (e != NULL) {
		char meaning[128] = "";
		va_list ap;
		va_start(ap, fmt);
		fill(e, RV_ESYS, NULL, fmt, ap);
		va_end(ap);
		size_t used = strlen(e->text);
		/* the GNU variant: it may return a static string instead of filling the buffer */
		const char *why = strerror_r(errnum, meaning, sizeof(meaning));
		snprintf(e->text + used, sizeof(e->text) - used, ": %s", why);
		keep_whole(e->text);
	}
	return RV_ESYS;
}

int rv_fail_nomem(struct rv_err *e)
{
	return rv_fail(e, RV_ENOMEM, "memory is short");
}

void rv_err_mend(struct rv_err *e, const char *fmt, ...)
{
	if (e == NULL) {
		return;
	}
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(e->mend, sizeof(e->mend), fmt, ap);
	va_end(ap);
	keep_whole(e->mend);
}

void rv_err_prefix(struct rv_err *e, const char *fmt, ...)
{
	if (e == NULL) {
		return;
	}
	char old[sizeof(e->text)];
	memcpy(old, e->text, sizeof(old));
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(e->text, sizeof(e->text), fmt, ap);
	va_end(ap);
	size_t used = strlen(e->text);
	size_t room = sizeof(e->text) - used;
	if (room > 3) {
		size_t keep = strnlen(old, room - 3);
		memcpy(e->text + used, ": ", 2);
		memcpy(e->text + used + 2, old, keep);
		e->text[used + 2 + keep] = '\0';
	}
	keep_whole(e->text);
}
