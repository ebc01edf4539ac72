/* SPDX-License-Identifier: Apache-2.0 */
#include "node/link/curve_key.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <openssl/crypto.h>
#include <zmq.h>

#include "node/file.h"

enum { KEY_FILE_MAX = 4096 };

void curve_key_wipe(struct curve_key *k)
{
	OPENSSL_cleanse(k, sizeof(*k));
}

int curve_key_generate(struct curve_key *k, struct rv_err *e)
{
	if (zmq_curve_keypair(k->public_key, k->secret_key) != 0) {
		return rv_fail(
			e, RV_ESYS, "libzmq makes no CURVE keys: %s", zmq_strerror(zmq_errno()));
	}
	return 0;
}

int curve_key_of_secret(
	struct curve_key *k, const uint8_t secret[CURVE_SECRET_LEN], struct rv_err *e)
{
	if (zmq_z85_encode(k->secret_key, secret, CURVE_SECRET_LEN) == NULL ||
		zmq_curve_public(k->public_key, k->secret_key) != 0) {
		curve_key_wipe(k);
		return rv_fail(
			e, RV_ESYS, "libzmq makes no CURVE keys: %s", zmq_strerror(zmq_errno()));
	}
	return 0;
}

int curve_key_write(const char *path, const struct curve_key *k, struct rv_err *e)
{
	struct rv_buf text = {0};
	if (access(path, F_OK) == 0) {
		return rv_fail(e, RV_EEXIST, "%s exists already", path);
	}
	rv_buf_printf(&text,
		"# The CURVE pair of a Reeve node. The secret key never leaves this "
		"machine.\npublic-key = \"%s\"\nsecret-key = \"%s\"\n",
		k->public_key, k->secret_key);
	int rc = rv_buf_ok(&text) ? file_write(path, 0600, text.data, text.len, e)
				  : rv_fail_nomem(e);
	rv_buf_wipe(&text);
	return rc;
}

/* The value of a line `name = "value"`. */
static int find_value(const char *text, const char *name, char value[RV_CURVE_KEY_TEXT])
{
	size_t len = strlen(name);
	for (const char *line = text; line != NULL && *line != '\0';) {
		const char *end = strchr(line, '\n');
		const char *p = line + strspn(line, " \t");
		if (strncmp(p, name, len) == 0) {
			p += len;
			p += strspn(p, " \t=");
			if (*p == '"' && strlen(p) > RV_CURVE_KEY_TEXT &&
				p[RV_CURVE_KEY_TEXT] == '"') {
				memcpy(value, p + 1, RV_CURVE_KEY_TEXT - 1);
				value[RV_CURVE_KEY_TEXT - 1] = '\0';
				return 0;
			}
		}
		line = end != NULL ? end + 1 : NULL;
	}
	return RV_EPARSE;
}

static int read_text(const char *path, char text[KEY_FILE_MAX], struct rv_err *e)
{
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0) {
		return rv_fail_errno(e, errno, "cannot open the CURVE key %s", path);
	}
	int rc = 0;
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || (st.st_mode & 077) != 0) {
		rc = rv_fail_rule(e, RV_EDENIED, "KEY-MODE", "others may read %s", path);
		rv_err_mend(e, "chmod 600 %s", path);
	}
	ssize_t n = rc == 0 ? read(fd, text, KEY_FILE_MAX - 1) : 0;
	close(fd);
	if (rc == 0 && n < 0) {
		rc = rv_fail_errno(e, errno, "cannot read %s", path);
	}
	text[n > 0 ? n : 0] = '\0';
	return rc;
}

int curve_key_read(const char *path, struct curve_key *k, struct rv_err *e)
{
	char text[KEY_FILE_MAX];
	char derived[RV_CURVE_KEY_TEXT] = "";
	int rc = read_text(path, text, e);
	if (rc == 0 && (find_value(text, "public-key", k->public_key) != 0 ||
			       find_value(text, "secret-key", k->secret_key) != 0)) {
		rc = rv_fail_rule(e, RV_EPARSE, "KEY-FORM",
			"%s has no public-key and secret-key of 40 characters in quotes", path);
	}
	if (rc == 0 && (zmq_curve_public(derived, k->secret_key) != 0 ||
			       strcmp(derived, k->public_key) != 0)) {
		rc = rv_fail_rule(e, RV_EPARSE, "KEY-PAIR",
			"the public key in %s does not belong to the secret key", path);
	}
	OPENSSL_cleanse(text, sizeof(text));
	if (rc != 0) {
		curve_key_wipe(k);
	}
	return rc;
}
