/* SPDX-License-Identifier: Apache-2.0 */
#include "node/cli/trust_options.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "node/file.h"
#include "protocol/stamp.h"

int options_number(
	struct cli *c, const char *option, unsigned fallback, unsigned max, unsigned *out)
{
	const char *text = cli_opt(c, option);
	char *end = NULL;
	if (text == NULL) {
		*out = fallback;
		return 0;
	}
	unsigned long n = text[0] >= '0' && text[0] <= '9' ? strtoul(text, &end, 10) : 0;
	if (end == NULL || *end != '\0' || n == 0 || n > max) {
		return cli_usage(
			c, "--%s needs a whole number from 1 to %u, not '%s'", option, max, text);
	}
	*out = (unsigned)n;
	return 0;
}

int options_days(
	struct cli *c, const char *option, unsigned fallback, int64_t now_us, int64_t *out_us)
{
	unsigned days;
	int status = options_number(c, option, fallback, 36500, &days);
	if (status == 0) {
		*out_us = now_us + (int64_t)days * 86400 * RV_US_PER_SEC;
	}
	return status;
}

int options_when(struct cli *c, const char *option, const char *text, int end, int64_t *out_us)
{
	if (text == NULL) {
		*out_us = 0;
		return 0;
	}
	if (rv_date_parse(out_us, text) == 0) {
		*out_us += end ? INT64_C(86399) * RV_US_PER_SEC : 0;
		return 0;
	}
	if (rv_stamp_parse(out_us, text) == 0) {
		return 0;
	}
	return cli_usage(c,
		"--%s needs a date such as 2026-11-24, or a moment such as 2026-11-24T08:00:00Z, "
		"not '%s'",
		option, text);
}

int options_bits(struct cli *c, const char *option, unsigned (*parse)(const char *),
	const char *known, unsigned *out)
{
	const char *const *values;
	size_t n = cli_opt_all(c, option, &values);
	*out = 0;
	for (size_t i = 0; i < n; i++) {
		char *copy = strdup(values[i]);
		char *rest = NULL;
		if (copy == NULL) {
			return cli_no(c, "memory is short");
		}
		for (char *w = strtok_r(copy, ", ", &rest); w != NULL;
			w = strtok_r(NULL, ", ", &rest)) {
			unsigned bit = parse(w);
			if (bit == 0) {
				int status = cli_usage(c, "--%s '%s' is not known; there are: %s",
					option, w, known);
				free(copy);
				return status;
			}
			*out |= bit;
		}
		free(copy);
	}
	return 0;
}

int options_code(struct cli *c, const char *option, const char *text)
{
	if (text != NULL && rv_code_valid(text)) {
		return 0;
	}
	return cli_usage(c,
		"--%s needs a member code (a capital letter, then 1 to 15 of A-Z, 0-9 and -), not "
		"'%s'",
		option, text != NULL ? text : "");
}

static int from_file(struct cli *c, const char *path, char *out, size_t size)
{
	struct rv_err e = {0};
	struct rv_buf text = {0};
	int n = -1;
	/* room for all of it, so that the buffer never moves and leaves a copy behind */
	int rc = rv_buf_reserve(&text, 4 << 16) == 0 ? file_read(path, 4096, &text, &e)
						     : rv_fail_nomem(&e);
	if (rc != 0) {
		cli_fail(c, &e, NULL);
	} else {
		const char *newline = text.len > 0 ? memchr(text.data, '\n', text.len) : NULL;
		size_t len =
			newline != NULL ? (size_t)(newline - (const char *)text.data) : text.len;
		if (len > 0 && text.data[len - 1] == '\r') {
			len--;
		}
		if (len == 0 || len >= size) {
			cli_no(c, "the first line of %s is not a passphrase of 1 to %zu bytes",
				path, size - 1);
		} else {
			memcpy(out, text.data, len);
			out[len] = '\0';
			n = (int)len;
		}
	}
	rv_buf_wipe(&text);
	return n;
}

static int from_terminal(const char *question, int twice, char *out, size_t size)
{
	int tty = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
	if (tty < 0) {
		return -1; /* nobody to ask */
	}
	close(tty);
	return EVP_read_pw_string(out, (int)size, question, twice) == 0 ? (int)strlen(out) : -1;
}

int options_ask(void *ctx, char *out, size_t size)
{
	const struct options_passphrase *p = ctx;
	const char *path = cli_opt(p->cli, "passphrase-file");
	if (path != NULL) {
		return from_file(p->cli, path, out, size);
	}
	return from_terminal("Passphrase of the authority's key: ", p->twice, out, size);
}

int options_ask_pin(void *ctx, char *out, size_t size)
{
	(void)ctx;
	return from_terminal("PIN of the token: ", 0, out, size);
}
