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
#include <unistd.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>

#include "node/keeper/keeper_wire.h"
#include "protocol/cert.h"

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define KEEPER_UNFILTERED 1
#endif
#endif
#else
#define KEEPER_UNFILTERED                                                                          \
	1 /* the sanitizers' own threads and maps need calls that the filter forbids */
#endif
#ifndef KEEPER_UNFILTERED
#include <seccomp.h>
#endif

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

int keeper_filter(void)
{
#ifdef KEEPER_UNFILTERED
	return 0;
#else
	static const int allowed[] = {
		SCMP_SYS(read),
		SCMP_SYS(write),
		SCMP_SYS(recvfrom),
		SCMP_SYS(recvmsg),
		SCMP_SYS(sendto),
		SCMP_SYS(sendmsg),
		SCMP_SYS(poll),
		SCMP_SYS(ppoll),
		SCMP_SYS(close),
		SCMP_SYS(futex),
		SCMP_SYS(munmap),
		SCMP_SYS(mremap),
		SCMP_SYS(madvise),
		SCMP_SYS(brk),
		SCMP_SYS(getrandom),
		SCMP_SYS(getpid),
		SCMP_SYS(clock_gettime),
		SCMP_SYS(gettimeofday),
		SCMP_SYS(exit),
		SCMP_SYS(exit_group),
		SCMP_SYS(rt_sigreturn),
		SCMP_SYS(rt_sigprocmask),
		SCMP_SYS(restart_syscall),
	};
	/* memory may be had, but no new code */
	static const int unless_executable[] = {SCMP_SYS(mmap), SCMP_SYS(mprotect)};
	const struct scmp_arg_cmp no_exec = SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0);
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_KILL_PROCESS);
	int rc = ctx == NULL ? -1 : 0;
	for (size_t i = 0; rc == 0 && i < sizeof(allowed) / sizeof(allowed[0]); i++) {
		rc = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, allowed[i], 0);
	}
	for (size_t i = 0; rc == 0 && i < 2; i++) {
		rc = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, unless_executable[i], 1, no_exec);
	}
	if (rc == 0) {
		rc = seccomp_load(ctx);
	}
	seccomp_release(ctx);
	return rc == 0 ? 0 : complain("the system call filter cannot be put in place", "");
#endif
}

/* ---- the service ---- */

struct service {
	EVP_PKEY *key;
	enum rv_sig_alg alg;
	uint8_t request[KEEPER_REQUEST_MAX];
};

/* A client that leaves its answers unread until they fill the channel loses it: nobody waits for it. */
static int answer(int fd, uint8_t status, const void *data, size_t len)
{
	uint8_t out[KEEPER_ANSWER_MAX];
	out[0] = status;
	if (len > 0) {
		memcpy(out + 1, data, len);
	}
	ssize_t n = send(fd, out, len + 1, MSG_NOSIGNAL | MSG_DONTWAIT);
	return n == (ssize_t)len + 1 ? 0 : -1;
}

static int serve_request(struct service *s, int fd, size_t len)
{
	struct rv_buf sig = {0};
	uint8_t alg = (uint8_t)s->alg;
	int rc;
	if (len >= 1 && s->request[0] == KEEPER_ABOUT) {
		return answer(fd, KEEPER_OK, &alg, 1);
	}
	if (len < 1 || s->request[0] != KEEPER_SIGN) {
		return answer(fd, KEEPER_MALFORMED, NULL, 0);
	}
	rc = rv_key_sign(s->key, s->alg, s->request + 1, len - 1, &sig, NULL);
	rc = rc == 0 && sig.len < KEEPER_ANSWER_MAX ? answer(fd, KEEPER_OK, sig.data, sig.len)
						    : answer(fd, KEEPER_FAILED, NULL, 0);
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
			int gone = got <= 0 ||
				   ((size_t)got > sizeof(s->request)
						   ? answer(fds[i].fd, KEEPER_MALFORMED, NULL, 0)
						   : serve_request(s, fds[i].fd, (size_t)got)) != 0;
			if (gone) {
				close(fds[i].fd);
				fds[i].fd = -1;
				open_channels--;
			}
		}
	}
}

int keeper_main(const char *key_path, const int *channels, size_t n)
{
	struct pollfd fds[KEEPER_CHANNELS_MAX];
	const char *why = "";
	struct rv_err e = {0};
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
	s->key = read_key(key_path, &why);
	if (s->key == NULL || algorithm(s->key, &s->alg, &e) != 0) {
		int rc = complain(s->key == NULL ? why : e.text, key_path);
		EVP_PKEY_free(s->key);
		free(s);
		return rc;
	}
	for (size_t i = 0; i < n; i++) {
		fds[i] = (struct pollfd){.fd = channels[i], .events = POLLIN};
	}
	int rc = keeper_filter();
	if (rc == 0) {
		serve(s, fds, n);
	}
	EVP_PKEY_free(s->key);
	OPENSSL_cleanse(s, sizeof(*s));
	free(s);
	return rc;
}
