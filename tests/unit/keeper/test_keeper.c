/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <cmocka.h>

#include "node/keeper/keeper.h"
#include "node/keeper/keeper_wire.h"
#include "protocol/cert.h"

static char folder[] = "/tmp/reeve-keeper.XXXXXX";
static char path[64];

static int set_up(void **state)
{
	signal(SIGPIPE, SIG_IGN);
	return mkdtemp(folder) != NULL && snprintf(path, sizeof(path), "%s/sign.key", folder) > 0
		       ? 0
		       : -1;
}

static int tear_down(void **state)
{
	unlink(path);
	return rmdir(folder);
}

static void write_key(EVP_PKEY *key, mode_t mode)
{
	unlink(path);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, mode);
	FILE *f = fdopen(fd, "w");
	assert_non_null(f);
	assert_int_equal(PEM_write_PKCS8PrivateKey(f, key, NULL, NULL, 0, NULL, NULL), 1);
	fclose(f);
	assert_int_equal(chmod(path, mode), 0);
}

struct keeper {
	pid_t pid;
	int channels[2];
};

/* A keeper process with two channels; its stderr goes to err_r if not NULL. */
static void start(struct keeper *k, int *err_r)
{
	int a[2];
	int b[2];
	int err[2];
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, a), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, b), 0);
	assert_int_equal(pipe(err), 0);
	k->pid = fork();
	assert_true(k->pid >= 0);
	if (k->pid == 0) {
		int channels[2] = {a[0], b[0]};
		close(a[1]);
		close(b[1]);
		dup2(err[1], STDERR_FILENO);
		struct keeper_key key = {path, "", "", KEEPER_REACH_FILES};
		_exit(keeper_main(&key, channels, 2));
	}
	close(a[0]);
	close(b[0]);
	close(err[1]);
	k->channels[0] = a[1];
	k->channels[1] = b[1];
	if (err_r != NULL) {
		*err_r = err[0];
	} else {
		close(err[0]);
	}
}

static int ended(struct keeper *k)
{
	int status = 0;
	assert_int_equal(waitpid(k->pid, &status, 0), k->pid);
	return status;
}

static void signs_with(EVP_PKEY *key, enum rv_sig_alg alg)
{
	struct keeper k;
	struct rv_err e = {0};
	write_key(key, 0600);
	start(&k, NULL);
	for (int i = 0; i < 2; i++) {
		struct keeper_client *c = NULL;
		struct rv_signer s;
		struct rv_buf sig = {0};
		assert_int_equal(keeper_client_new(&c, k.channels[i], NULL), 0);
		if (keeper_client_signer(c, &s, &e) != 0) {
			fail_msg("%s", e.text);
		}
		assert_int_equal(s.alg, alg);
		for (int n = 0; n < 5; n++) {
			rv_buf_reset(&sig);
			assert_int_equal(s.sign(s.ctx, "some bytes", 10, &sig, &e), 0);
			assert_int_equal(
				rv_key_verify(key, alg, "some bytes", 10, sig.data, sig.len, &e),
				0);
		}
		assert_int_not_equal(
			rv_key_verify(key, alg, "other bytes", 11, sig.data, sig.len, NULL), 0);
		assert_int_equal(keeper_client_ping(c, &e), 0);
		rv_buf_free(&sig);
		keeper_client_free(&c);
		assert_null(c);
	}
	/* all channels closed: it ends by itself */
	assert_int_equal(ended(&k), 0);
}

static void signs_over_every_channel(void **state)
{
	EVP_PKEY *ec = EVP_EC_gen("P-256");
	EVP_PKEY *rsa = EVP_RSA_gen(2048);
	signs_with(ec, RV_ALG_ECDSA_P256_SHA256);
	signs_with(rsa, RV_ALG_RSA_SHA256);
	EVP_PKEY *pss = NULL;
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA-PSS", NULL);
	assert_true(ctx != NULL && EVP_PKEY_keygen_init(ctx) == 1 &&
		    EVP_PKEY_CTX_set_rsa_keygen_bits(ctx, 2048) == 1 &&
		    EVP_PKEY_generate(ctx, &pss) == 1);
	EVP_PKEY_CTX_free(ctx);
	signs_with(pss, RV_ALG_RSA_PSS_SHA256);
	EVP_PKEY_free(pss);
	EVP_PKEY_free(ec);
	EVP_PKEY_free(rsa);
}

/* More answers than a channel holds, none of them read: the channel is cut, the others are served. */
static void waits_for_nobody(void **state)
{
	static const char about[KEEPER_HEAD] = {KEEPER_ABOUT};
	EVP_PKEY *key = EVP_EC_gen("P-256");
	struct keeper k;
	struct keeper_client *c = NULL;
	struct rv_err e = {0};
	int cut = 0;
	write_key(key, 0600);
	start(&k, NULL);
	for (int i = 0; i < 1000000 && !cut; i++) {
		struct pollfd p = {.fd = k.channels[0], .events = POLLOUT};
		assert_int_equal(poll(&p, 1, 60000), 1);
		cut = send(k.channels[0], about, sizeof(about), MSG_NOSIGNAL | MSG_DONTWAIT) < 0 &&
		      errno != EAGAIN;
	}
	assert_true(cut);
	assert_int_equal(keeper_client_new(&c, k.channels[1], NULL), 0);
	assert_int_equal(keeper_client_ping(c, &e), 0);
	keeper_client_free(&c);
	assert_int_equal(ended(&k), 0);
	close(k.channels[0]);
	EVP_PKEY_free(key);
}

/* ---- the filter ---- */

static int maps(int prot)
{
	return mmap(NULL, 4096, prot, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED;
}

static int reads_and_writes(void)
{
	return maps(PROT_READ | PROT_WRITE);
}

static int maps_code(void)
{
	return maps(PROT_READ | PROT_EXEC);
}

static int turns_memory_into_code(void)
{
	void *at = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	return at != MAP_FAILED && mprotect(at, 4096, PROT_READ | PROT_EXEC) == 0;
}

static int opens_a_file(void)
{
	return open("/dev/null", O_RDONLY) >= 0;
}

static int makes_a_socket(void)
{
	return socket(AF_UNIX, SOCK_STREAM, 0) >= 0;
}

static int makes_a_process(void)
{
	return fork() >= 0;
}

/* The status of a process that does it behind the filter: 0 if it could. */
static int behind_the_filter(int (*act)(void))
{
	int status = 0;
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		_exit(keeper_filter(KEEPER_REACH_NOTHING) != 0 ? 2 : act() ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static void the_filter_lets_no_code_in(void **state)
{
	static int (*const forbidden[])(void) = {maps_code, turns_memory_into_code, opens_a_file,
		makes_a_socket, makes_a_process};
	const char *sanitized = getenv("REEVE_SANITIZED");
	assert_int_equal(behind_the_filter(reads_and_writes), 0);
	if (sanitized != NULL && strcmp(sanitized, "yes") == 0) {
		return; /* there is none then, and cmocka's skip() counts as a failure in TAP */
	}
	for (size_t i = 0; i < sizeof(forbidden) / sizeof(forbidden[0]); i++) {
		int status = behind_the_filter(forbidden[i]);
		if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGSYS) {
			fail_msg("act %zu: status %x", i, (unsigned)status);
		}
	}
}

static void lives_on_after_nonsense(void **state)
{
	static const char *const nonsense[] = {"X", "", "\x01\x02\x03", "a"};
	EVP_PKEY *key = EVP_EC_gen("P-256");
	uint8_t answer[KEEPER_ANSWER_MAX];
	struct keeper k;
	struct rv_err e = {0};
	write_key(key, 0600);
	start(&k, NULL);
	for (size_t i = 0; i < 4; i++) {
		if (nonsense[i][0] == '\0') {
			continue; /* an empty packet is the end of a channel */
		}
		assert_int_equal(send(k.channels[0], nonsense[i], strlen(nonsense[i]), 0),
			strlen(nonsense[i]));
		assert_int_equal(recv(k.channels[0], answer, sizeof(answer), 0), KEEPER_HEAD);
		assert_int_equal(answer[0], KEEPER_MALFORMED);
	}
	char *large = calloc(1, 100000);
	large[0] = KEEPER_SIGN;
	assert_int_equal(send(k.channels[0], large, 100000, 0), 100000);
	assert_int_equal(recv(k.channels[0], answer, sizeof(answer), 0), KEEPER_HEAD);
	assert_int_equal(answer[0], KEEPER_MALFORMED);
	free(large);
	struct keeper_client *c = NULL;
	assert_int_equal(keeper_client_new(&c, k.channels[0], NULL), 0);
	assert_int_equal(keeper_client_ping(c, &e), 0);
	/* one that goes away takes nobody with it */
	keeper_client_free(&c);
	assert_int_equal(keeper_client_new(&c, k.channels[1], NULL), 0);
	assert_int_equal(keeper_client_ping(c, &e), 0);
	keeper_client_free(&c);
	assert_int_equal(ended(&k), 0);
	EVP_PKEY_free(key);
}

static void a_dead_keeper_is_told(void **state)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	struct keeper k;
	struct keeper_client *c = NULL;
	struct rv_err e = {0};
	write_key(key, 0600);
	start(&k, NULL);
	assert_int_equal(keeper_client_new(&c, k.channels[0], NULL), 0);
	assert_int_equal(keeper_client_ping(c, &e), 0);
	kill(k.pid, SIGKILL);
	ended(&k);
	assert_int_equal(keeper_client_ping(c, &e), RV_ECLOSED);
	assert_string_equal(e.rule, "KEEPER-GONE");
	assert_int_equal(keeper_client_ping(c, &e), RV_ECLOSED);
	keeper_client_free(&c);
	close(k.channels[1]);
	EVP_PKEY_free(key);
}

static void refuses(EVP_PKEY *key, mode_t mode, const char *why)
{
	struct keeper k;
	char text[512] = "";
	int err;
	if (key != NULL) {
		write_key(key, mode);
	}
	start(&k, &err);
	int status = ended(&k);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 1);
	ssize_t n = read(err, text, sizeof(text) - 1);
	text[n > 0 ? n : 0] = '\0';
	if (strstr(text, why) == NULL) {
		fail_msg("expected '%s', got '%s'", why, text);
	}
	close(err);
	close(k.channels[0]);
	close(k.channels[1]);
	EVP_PKEY_free(key);
}

static void refuses_what_is_no_good_key(void **state)
{
	refuses(EVP_EC_gen("P-256"), 0644, "chmod 600");
	refuses(EVP_EC_gen("P-256"), 0620, "chmod 600");
	refuses(EVP_EC_gen("P-384"), 0600, "not P-256");
	refuses(EVP_RSA_gen(1024), 0600, "1024 bits");
	assert_int_equal(truncate(path, 40), 0);
	refuses(NULL, 0600, "no private key");
	unlink(path);
	refuses(NULL, 0600, "cannot be opened");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(signs_over_every_channel),
		cmocka_unit_test(lives_on_after_nonsense),
		cmocka_unit_test(waits_for_nobody),
		cmocka_unit_test(the_filter_lets_no_code_in),
		cmocka_unit_test(a_dead_keeper_is_told),
		cmocka_unit_test(refuses_what_is_no_good_key),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
