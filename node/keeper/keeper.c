/* SPDX-License-Identifier: Apache-2.0 */
#include "node/keeper/keeper.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>

#include "node/keeper/keeper_wire.h"
#include "node/token/token.h"
#include "protocol/cert.h"

/* between two tries of a token that is away */
enum { RETRY_MIN_MS = 250, RETRY_MAX_MS = 2000 };

static int complain(const char *what, const char *path)
{
	fprintf(stderr, "reeved keeper: %s%s%s\n", path, path[0] != '\0' ? ": " : "", what);
	return 1;
}

/* ---- the key ---- */

static int no_passphrase(char *buf, int size, int writing, void *ctx)
{
	return -1;
}

static EVP_PKEY *read_key(const char *path, const char **why)
{
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0 || fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
		*why = "the signing key cannot be opened";
		if (fd >= 0) {
			close(fd);
		}
		return NULL;
	}
	if ((st.st_mode & 077) != 0) {
		*why = "others may read the signing key: chmod 600";
		close(fd);
		return NULL;
	}
	/* no stdio: its buffer would keep the key's text */
	char pem[16384];
	ssize_t n = read(fd, pem, sizeof(pem));
	close(fd);
	BIO *bio = n > 0 ? BIO_new_mem_buf(pem, (int)n) : NULL;
	EVP_PKEY *key =
		bio != NULL ? PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL) : NULL;
	BIO_free(bio);
	OPENSSL_cleanse(pem, sizeof(pem));
	if (key == NULL) {
		*why = "there is no private key in PEM without a passphrase";
	}
	return key;
}

static int algorithm(EVP_PKEY *key, enum rv_sig_alg *alg_r, struct rv_err *e)
{
	struct rv_buf sig = {0};
	*alg_r = EVP_PKEY_is_a(key, "EC")        ? RV_ALG_ECDSA_P256_SHA256
		 : EVP_PKEY_is_a(key, "RSA-PSS") ? RV_ALG_RSA_PSS_SHA256
						 : RV_ALG_RSA_SHA256;
	/* also makes OpenSSL fetch now what the filter would not let it fetch later */
	int rc = rv_key_sign(key, *alg_r, "", 0, &sig, e);
	rv_buf_free(&sig);
	return rc;
}

/* ---- the walls ---- */

static int harden(void)
{
	struct rlimit none = {0, 0};
	if (prctl(PR_SET_DUMPABLE, 0) != 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
		setrlimit(RLIMIT_CORE, &none) != 0) {
		return complain("memory dumps cannot be forbidden", "");
	}
	/* as pages are used: the libraries' other megabytes stay out */
	if (mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) != 0) {
		complain("memory cannot be locked (RLIMIT_MEMLOCK): the key might reach the swap "
			 "space",
			"");
	}
	return 0;
}

/* ---- the service ---- */

struct service {
	EVP_PKEY *key; /* one of the two */
	struct token *token;
	enum rv_sig_alg alg; /* of the file */
	uint8_t request[KEEPER_REQUEST_MAX];
};

/* A client that leaves its answers unread until they fill the channel loses it: nobody waits for it. */
static int answer(int fd, const struct service *s, uint8_t status, const void *data, size_t len)
{
	uint8_t out[KEEPER_ANSWER_MAX];
	out[0] = status;
	memcpy(out + 1, s->request + 1, KEEPER_HEAD - 1);
	if (len > 0) {
		memcpy(out + KEEPER_HEAD, data, len);
	}
	ssize_t n = send(fd, out, KEEPER_HEAD + len, MSG_NOSIGNAL | MSG_DONTWAIT);
	return n == (ssize_t)(KEEPER_HEAD + len) ? 0 : -1;
}

/* Why not, for the one who asked to tell. */
static int answer_failure(int fd, const struct service *s, const struct rv_err *e)
{
	char why[sizeof(e->rule) + sizeof(e->text)];
	size_t rule = strnlen(e->rule, sizeof(e->rule) - 1);
	size_t text = strnlen(e->text, sizeof(e->text) - 1);
	memcpy(why, e->rule, rule);
	why[rule] = '\0';
	memcpy(why + rule + 1, e->text, text);
	return answer(fd, s, s->token != NULL ? KEEPER_AWAY : KEEPER_FAILED, why, rule + 1 + text);
}

static int serve_about(struct service *s, int fd)
{
	struct rv_err e = {0};
	uint8_t alg = (uint8_t)s->alg;
	if (s->token != NULL) {
		if (token_alg(s->token) == 0 && token_ready(s->token, &e) != 0) {
			return answer_failure(fd, s, &e);
		}
		alg = (uint8_t)token_alg(s->token);
	}
	return answer(fd, s, KEEPER_OK, &alg, 1);
}

static int serve_request(struct service *s, int fd, size_t len)
{
	struct rv_buf sig = {0};
	struct rv_err e = {0};
	if (len == KEEPER_HEAD && s->request[0] == KEEPER_ABOUT) {
		return serve_about(s, fd);
	}
	if (len < KEEPER_HEAD || s->request[0] != KEEPER_SIGN) {
		return answer(fd, s, KEEPER_MALFORMED, NULL, 0);
	}
	const uint8_t *data = s->request + KEEPER_HEAD;
	size_t n = len - KEEPER_HEAD;
	int rc = s->token != NULL ? token_sign(s->token, data, n, &sig, &e)
				  : rv_key_sign(s->key, s->alg, data, n, &sig, &e);
	if (rc == 0 && sig.len > KEEPER_ANSWER_MAX - KEEPER_HEAD) {
		rc = rv_fail(&e, RV_ELIMIT, "a signature of %zu bytes", sig.len);
	}
	rc = rc == 0 ? answer(fd, s, KEEPER_OK, sig.data, sig.len) : answer_failure(fd, s, &e);
	rv_buf_free(&sig);
	return rc;
}

/* One channel is gone when its client is; the others go on. */
static void serve(struct service *s, struct pollfd *fds, size_t n)
{
	size_t open_channels = n;
	while (open_channels > 0) {
		if (poll(fds, n, -1) < 0 && errno != EINTR) {
			return;
		}
		for (size_t i = 0; i < n; i++) {
			if (fds[i].fd < 0 || fds[i].revents == 0) {
				continue;
			}
			ssize_t got = recv(fds[i].fd, s->request, sizeof(s->request),
				MSG_TRUNC | MSG_DONTWAIT);
			if (got < 0 && (errno == EINTR || errno == EAGAIN)) {
				continue;
			}
			if (got < KEEPER_HEAD) {
				memset(s->request + (got > 0 ? got : 0), 0, KEEPER_HEAD);
			}
			int gone = got <= 0 || ((size_t)got > sizeof(s->request)
							       ? answer(fds[i].fd, s,
									 KEEPER_MALFORMED, NULL, 0)
							       : serve_request(s, fds[i].fd,
									 (size_t)got)) != 0;
			if (gone) {
				close(fds[i].fd);
				fds[i].fd = -1;
				open_channels--;
			}
		}
	}
}

static void free_service(struct service *s)
{
	if (s != NULL) {
		EVP_PKEY_free(s->key);
		token_free(&s->token);
		OPENSSL_cleanse(s, sizeof(*s));
		free(s);
	}
}

static int open_file(struct service *s, const char *path)
{
	const char *why = "";
	struct rv_err e = {0};
	s->key = read_key(path, &why);
	if (s->key == NULL || algorithm(s->key, &s->alg, &e) != 0) {
		return complain(s->key == NULL ? why : e.text, path);
	}
	return 0;
}

static int64_t monotonic_us(void *ctx)
{
	struct timespec ts;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

/* The URI is not shown: the token's errors say what is to be known of it. */
static int complain_of_token(const struct rv_err *e)
{
	fprintf(stderr, "reeved keeper: %s%s%s\n", e->text, e->mend[0] != '\0' ? " " : "", e->mend);
	return 1;
}

/* Before the filter: the module is mapped, and initialised for the first time, while it may still
 * load what it wants. */
static int open_token(struct service *s, const struct keeper_key *key)
{
	struct token_params p = {.place = {key->key, key->module, key->pin_file},
		.clock = {monotonic_us, NULL},
		.retry_min_us = RETRY_MIN_MS * INT64_C(1000),
		.retry_max_us = RETRY_MAX_MS * INT64_C(1000)};
	struct rv_err e = {0};
	int rc = token_new(&s->token, &p, &e);
	if (rc == 0) {
		rc = token_ready(s->token, &e);
	}
	if (rc != 0) {
		complain_of_token(&e);
	} else if ((token_warnings(s->token) & TOKEN_EXTRACTABLE) != 0) {
		complain("the key can be taken out of the token (CKA_EXTRACTABLE): make one that "
			 "cannot",
			"");
	}
	return rc == 0 || rc == RV_EAGAIN || rc == RV_EDENIED ? 0 : 1;
}

int keeper_main(const struct keeper_key *key, const int *channels, size_t n)
{
	struct pollfd fds[KEEPER_CHANNELS_MAX];
	int in_token = token_is_uri(key->key);
	if (n > KEEPER_CHANNELS_MAX) {
		return complain("too many channels", "");
	}
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (harden() != 0) {
		return 1;
	}
	struct service *s = calloc(1, sizeof(*s));
	if (s == NULL) {
		return complain("memory is short", "");
	}
	int rc = in_token ? open_token(s, key) : open_file(s, key->key);
	for (size_t i = 0; i < n; i++) {
		fds[i] = (struct pollfd){.fd = channels[i], .events = POLLIN};
	}
	if (rc == 0) {
		rc = keeper_filter(in_token ? key->reach : KEEPER_REACH_NOTHING);
	}
	if (rc == 0) {
		serve(s, fds, n);
	}
	free_service(s);
	return rc;
}
