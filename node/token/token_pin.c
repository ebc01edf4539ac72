/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>
#include <openssl/crypto.h>

#include "node/token/token_int.h"

static int bad_file(struct rv_err *e, const char *path, const char *why, const char *mend)
{
	rv_fail_rule(e, RV_ECONFIG, "TOKEN-PIN-FILE", "%s: %s", path, why);
	rv_err_mend(e, "%s", mend);
	return RV_ECONFIG;
}

/* Whoever may write the file may lock the token with it, so its owner counts as well. */
static int check_file(const char *path, const struct stat *st, struct rv_err *e)
{
	if (!S_ISREG(st->st_mode)) {
		return bad_file(e, path, "the file of the PIN is no regular file",
			"Name a file of mode 600.");
	}
	if ((st->st_mode & 077) != 0) {
		return bad_file(e, path, "others may read the PIN", "chmod 600 the file.");
	}
	if (st->st_uid != geteuid() && st->st_uid != 0) {
		return bad_file(e, path, "the file of the PIN belongs to another user",
			"chown it to the user that the node runs as.");
	}
	return 0;
}

static int read_file(const char *path, char pin[TOKEN_PIN_MAX + 1], size_t *len_r, struct rv_err *e)
{
	struct stat st;
	char text[TOKEN_PIN_MAX + 3]; /* with a line end, and one that is too long shows */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0 || fstat(fd, &st) != 0) {
		int why = errno;
		if (fd >= 0) {
			close(fd);
		}
		return bad_file(e, path,
			why == ENOENT ? "there is no file with the PIN"
				      : "the file of the PIN cannot be opened",
			"Write the PIN of the token into it, and chmod 600 it.");
	}
	int rc = check_file(path, &st, e);
	/* no stdio: its buffer would keep the PIN */
	ssize_t n = rc == 0 ? read(fd, text, sizeof(text)) : 0;
	close(fd);
	if (rc != 0) {
		return rc;
	}
	size_t len = n > 0 ? (size_t)n : 0;
	if (len > 0 && text[len - 1] == '\n') {
		len--;
	}
	if (len > 0 && text[len - 1] == '\r') {
		len--;
	}
	if (len == 0 || len > TOKEN_PIN_MAX || memchr(text, '\n', len) != NULL ||
		memchr(text, '\0', len) != NULL) {
		rc = bad_file(e, path, "it is not one line with a PIN",
			"Write the PIN of the token into it, nothing else.");
	} else {
		memcpy(pin, text, len);
		pin[len] = '\0';
		*len_r = len;
	}
	OPENSSL_cleanse(text, sizeof(text));
	return rc;
}

static int ask(struct token *t, char pin[TOKEN_PIN_MAX + 1], size_t *len_r, struct rv_err *e)
{
	if (t->asked_pin[0] == '\0') {
		int n = t->ask != NULL ? t->ask(t->ask_ctx, t->asked_pin, sizeof(t->asked_pin)) : -1;
		if (n <= 0 || n > TOKEN_PIN_MAX) {
			OPENSSL_cleanse(t->asked_pin, sizeof(t->asked_pin));
			rv_fail_rule(e, RV_EDENIED, "TOKEN-PIN",
				"the token wants a PIN, and none was given");
			rv_err_mend(e, "Name a file of mode 600 that has it: signing_pin_file, "
				       "--pin-file, "
				       "or pin-source=file:/path in the URI.");
			return RV_EDENIED;
		}
		t->asked_pin[n] = '\0';
	}
	*len_r = strlen(t->asked_pin);
	memcpy(pin, t->asked_pin, *len_r + 1);
	return 0;
}

int token_pin_get(struct token *t, const CK_TOKEN_INFO *info, char pin[TOKEN_PIN_MAX + 1],
	size_t *len_r, struct rv_err *e)
{
	*len_r = 0;
	if (t->uri.pin_file != NULL) {
		return read_file(t->uri.pin_file, pin, len_r, e);
	}
	if ((info->flags & CKF_PROTECTED_AUTHENTICATION_PATH) != 0) {
		return 0; /* it has a keypad of its own */
	}
	return ask(t, pin, len_r, e);
}

void token_pin_refused(struct token *t)
{
	OPENSSL_cleanse(t->asked_pin, sizeof(t->asked_pin));
	t->pin_refused = 1;
	if (t->uri.pin_file == NULL || stat(t->uri.pin_file, &t->refused_file) != 0) {
		memset(&t->refused_file, 0, sizeof(t->refused_file));
	}
}

static int same_file(const struct stat *a, const struct stat *b)
{
	return a->st_ino == b->st_ino && a->st_dev == b->st_dev && a->st_size == b->st_size &&
	       a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

int token_pin_may_try(struct token *t, const CK_TOKEN_INFO *info, struct rv_err *e)
{
	struct stat now;
	if (t->pin_refused && t->uri.pin_file != NULL && stat(t->uri.pin_file, &now) == 0 &&
		same_file(&now, &t->refused_file)) {
		rv_fail_rule(e, RV_EDENIED, "TOKEN-PIN",
			"the token refused the PIN, which is not tried again");
		rv_err_mend(e, "Write the right PIN into %.160s: it is taken without a restart.",
			t->uri.pin_file);
		return RV_EDENIED;
	}
	t->pin_refused = 0;
	if ((info->flags & CKF_USER_PIN_LOCKED) != 0) {
		rv_fail_rule(e, RV_EDENIED, "TOKEN-PIN", "the token has locked its PIN");
		rv_err_mend(e, "Its security officer sets a new one.");
		return RV_EDENIED;
	}
	if ((info->flags & CKF_USER_PIN_FINAL_TRY) != 0) {
		rv_fail_rule(e, RV_EDENIED, "TOKEN-PIN",
			"the token locks its PIN at the next wrong one: it is not tried here");
		rv_err_mend(e, "Log in once by hand, with the tool of the module's maker.");
		return RV_EDENIED;
	}
	return 0;
}
