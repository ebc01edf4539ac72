/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <time.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "node/keeper/keeper.h"
#include "node/keeper/keeper_wire.h"
#include "node/token/token.h"
#include "tests/unit/token/soft.h"

#define EC_URI "pkcs11:token=Customs;object=ec"
#define RSA_URI "pkcs11:token=Customs;object=rsa"

/* generous: for hangs, not for speed */
enum { BOUND_MS = 60000 };

static int set_up(void **state)
{
	static const struct soft_pair pairs[] = {
		{.kind = SOFT_P256, .label = "ec", .id = "1"},
		{.kind = SOFT_RSA_2048, .label = "rsa", .id = "2"},
		{.kind = SOFT_P256, .label = "open", .id = "3", .extractable = 1},
	};
	signal(SIGPIPE, SIG_IGN);
	if (soft_set_up() != 0 || soft_token("Customs") != 0) {
		return -1;
	}
	for (size_t i = 0; i < 3; i++) {
		if (soft_pair("Customs", &pairs[i]) != 0) {
			return -1;
		}
	}
	return 0;
}

static int tear_down(void **state)
{
	return soft_tear_down();
}

struct keeper {
	pid_t pid;
	int err;
	struct keeper_client *client;
};

static void start(struct keeper *k, const char *uri, const char *pin_file)
{
	struct keeper_key key = {uri, SOFT_MODULE, pin_file, KEEPER_REACH_FILES};
	int channel[2];
	int err[2];
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, channel), 0);
	assert_int_equal(pipe(err), 0);
	k->pid = fork();
	assert_true(k->pid >= 0);
	if (k->pid == 0) {
		close(channel[1]);
		dup2(err[1], STDERR_FILENO);
		_exit(keeper_main(&key, &channel[0], 1));
	}
	close(channel[0]);
	close(err[1]);
	k->err = err[0];
	assert_int_equal(keeper_client_new(&k->client, channel[1], NULL), 0);
	keeper_client_patience(k->client, BOUND_MS);
}

/* Ends it by closing its channel: its status, and what it said. */
static int end(struct keeper *k, char said[4096])
{
	int status = 0;
	size_t len = 0;
	ssize_t n;
	keeper_client_free(&k->client);
	while ((n = read(k->err, said + len, 4095 - len)) > 0) {
		len += (size_t)n;
	}
	said[len] = '\0';
	close(k->err);
	assert_int_equal(waitpid(k->pid, &status, 0), k->pid);
	assert_null(strstr(said, SOFT_PIN));
	return status;
}

static int sign(struct keeper *k, struct rv_err *e)
{
	struct rv_signer s;
	struct rv_buf sig = {0};
	int rc = keeper_client_signer(k->client, &s, e);
	if (rc == 0) {
		rc = s.sign(s.ctx, "some bytes", 10, &sig, e);
	}
	assert_true(rc != 0 || sig.len == 64 || sig.len == 256);
	rv_buf_free(&sig);
	return rc;
}

/* Until it signs again: it looks by itself, within the bounds of its back-off. */
static void signs_in_the_end(struct keeper *k)
{
	struct rv_err e = {0};
	int rc = RV_EAGAIN;
	for (int i = 0; i < BOUND_MS / 50 && rc == RV_EAGAIN; i++) {
		poll(NULL, 0, 50);
		rc = sign(k, &e);
	}
	if (rc != 0) {
		fail_msg("%s", e.text);
	}
}

static void signs(void **state)
{
	static const char *const uris[] = {EC_URI, RSA_URI};
	char said[4096];
	for (size_t i = 0; i < 2; i++) {
		struct keeper k;
		struct rv_err e = {0};
		start(&k, uris[i], soft_pin_file());
		for (int n = 0; n < 5; n++) {
			if (sign(&k, &e) != 0) {
				fail_msg("%s", e.text);
			}
		}
		assert_int_equal(end(&k, said), 0);
		assert_string_equal(said, "");
	}
}

static void goes_away_and_comes_back(void **state)
{
	struct keeper k;
	struct rv_err e = {0};
	char said[4096];
	start(&k, EC_URI, soft_pin_file());
	for (int round = 0; round < 3; round++) {
		assert_int_equal(sign(&k, &e), 0);
		assert_int_equal(soft_away(), 0);
		assert_int_equal(sign(&k, &e), RV_EAGAIN);
		assert_string_equal(e.rule, "TOKEN-AWAY");
		assert_non_null(strstr(e.text, "the hardware module is away"));
		assert_int_equal(soft_back(), 0);
		signs_in_the_end(&k);
	}
	assert_int_equal(end(&k, said), 0);
}

static void may_be_away_at_the_start(void **state)
{
	struct keeper k;
	struct rv_err e = {0};
	char said[4096];
	assert_int_equal(soft_away(), 0);
	start(&k, EC_URI, soft_pin_file());
	assert_int_equal(sign(&k, &e), RV_EAGAIN);
	assert_string_equal(e.rule, "TOKEN-AWAY");
	assert_int_equal(soft_back(), 0);
	signs_in_the_end(&k);
	assert_int_equal(end(&k, said), 0);
	assert_non_null(strstr(said, "the hardware module is away"));
}

static void waits_for_the_right_pin(void **state)
{
	struct keeper k;
	struct rv_err e = {0};
	char said[4096];
	start(&k, EC_URI, soft_file("pin-here", "4711-4711\n", 0600));
	assert_int_equal(sign(&k, &e), RV_EAGAIN);
	assert_string_equal(e.rule, "TOKEN-PIN");
	soft_file("pin-here", SOFT_PIN, 0600);
	signs_in_the_end(&k);
	assert_int_equal(end(&k, said), 0);
	assert_null(strstr(said, "4711"));
	assert_non_null(strstr(said, "refused the PIN"));
}

static void says_what_is_wrong(void **state)
{
	static const struct {
		const char *uri, *said;
	} faults[] = {
		{"pkcs11:token=Customs;object=none", "no private key that fits"},
		{EC_URI "?pin-value=4711", "pin-value"},
		{"pkcs11:token=Customs", "names no key"},
	};
	char said[4096];
	struct keeper k;
	for (size_t i = 0; i < 3; i++) {
		start(&k, faults[i].uri, soft_pin_file());
		int status = end(&k, said);
		assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 1);
		if (strstr(said, faults[i].said) == NULL || strstr(said, "4711") != NULL) {
			fail_msg("%s", said);
		}
	}
	start(&k, EC_URI, soft_file("pin-here", SOFT_PIN, 0644));
	int status = end(&k, said);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 1);
	assert_non_null(strstr(said, "others may read the PIN"));
	/* a warning is no fault */
	start(&k, "pkcs11:token=Customs;object=open", soft_pin_file());
	assert_int_equal(sign(&k, NULL), 0);
	assert_int_equal(end(&k, said), 0);
	assert_non_null(strstr(said, "can be taken out"));
}

/* ---- the client, with a keeper that is played ---- */

static void an_answer_that_comes_late(void **state)
{
	int channel[2];
	struct keeper_client *c = NULL;
	struct rv_err e = {0};
	uint8_t first[64];
	uint8_t second[64];
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, channel), 0);
	assert_int_equal(keeper_client_new(&c, channel[0], NULL), 0);
	keeper_client_patience(c, 1);
	assert_int_equal(keeper_client_ping(c, &e), RV_EAGAIN);
	assert_string_equal(e.rule, "KEEPER-SLOW");
	assert_int_equal(recv(channel[1], first, sizeof(first), 0), KEEPER_HEAD + 4);
	/* not a second one while the first is owed */
	assert_int_equal(keeper_client_ping(c, &e), RV_EAGAIN);
	assert_int_equal(recv(channel[1], second, sizeof(second), MSG_DONTWAIT), -1);
	first[0] = KEEPER_OK;
	assert_int_equal(send(channel[1], first, KEEPER_HEAD, 0), KEEPER_HEAD);
	/* the late answer is taken away, and the new request has its own */
	assert_int_equal(keeper_client_ping(c, &e), RV_EAGAIN);
	assert_int_equal(recv(channel[1], second, sizeof(second), 0), KEEPER_HEAD + 4);
	assert_memory_not_equal(first + 1, second + 1, KEEPER_HEAD - 1);
	second[0] = KEEPER_OK;
	assert_int_equal(send(channel[1], first, KEEPER_HEAD, 0), KEEPER_HEAD);
	assert_int_equal(send(channel[1], second, KEEPER_HEAD, 0), KEEPER_HEAD);
	assert_int_equal(keeper_client_ping(c, &e), RV_EAGAIN); /* asks anew: nobody answers */
	close(channel[1]);
	assert_int_equal(keeper_client_ping(c, &e), RV_ECLOSED);
	keeper_client_free(&c);
}

/* ---- the filters for modules ---- */

static int opens_a_file(void)
{
	return open("/dev/null", O_RDONLY) >= 0;
}

static int makes_a_file(void)
{
	char path[128];
	snprintf(path, sizeof(path), "%s/made", soft_folder());
	return open(path, O_RDWR | O_CREAT, 0600) >= 0;
}

static int removes_a_file(void)
{
	char path[128];
	snprintf(path, sizeof(path), "%s/pin", soft_folder());
	return unlink(path) == 0;
}

static int makes_a_socket(void)
{
	return socket(AF_UNIX, SOCK_STREAM, 0) >= 0;
}

static int makes_a_process(void)
{
	return fork() >= 0;
}

static int runs_a_program(void)
{
	return execl("/bin/true", "true", (char *)NULL) == 0;
}

static int maps_code(void)
{
	return mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) !=
	       MAP_FAILED;
}

static void *nothing(void *arg)
{
	return arg;
}

static int makes_a_thread(void)
{
	pthread_t t;
	return pthread_create(&t, NULL, nothing, NULL) == 0 && pthread_join(t, NULL) == 0;
}

static void the_filters(void **state)
{
	static const struct {
		int (*act)(void);
		int files, network; /* may it */
	} acts[] = {
		{opens_a_file, 1, 1},
		{makes_a_file, 1, 1},
		{removes_a_file, 0, 0},
		{makes_a_socket, 0, 1},
		{makes_a_thread, 0, 1},
		{makes_a_process, 0, 0},
		{runs_a_program, 0, 0},
		{maps_code, 0, 0},
	};
	const char *sanitized = getenv("REEVE_SANITIZED");
	if (sanitized != NULL && strcmp(sanitized, "yes") == 0) {
		return; /* there is none then, and a skip of cmocka counts as a failure in TAP */
	}
	for (size_t i = 0; i < 2 * sizeof(acts) / sizeof(acts[0]); i++) {
		enum keeper_reach reach = i % 2 ? KEEPER_REACH_NETWORK : KEEPER_REACH_FILES;
		int may = i % 2 ? acts[i / 2].network : acts[i / 2].files;
		int status = 0;
		pid_t pid = fork();
		assert_true(pid >= 0);
		if (pid == 0) {
			_exit(keeper_filter(reach) != 0 ? 2 : acts[i / 2].act() ? 0 : 1);
		}
		assert_int_equal(waitpid(pid, &status, 0), pid);
		if (!WIFEXITED(status) || WEXITSTATUS(status) != (may ? 0 : 1)) {
			fail_msg("act %zu, reach %d: status %x", i / 2, reach, (unsigned)status);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(signs),
		cmocka_unit_test(goes_away_and_comes_back),
		cmocka_unit_test(may_be_away_at_the_start),
		cmocka_unit_test(waits_for_the_right_pin),
		cmocka_unit_test(says_what_is_wrong),
		cmocka_unit_test(an_answer_that_comes_late),
		cmocka_unit_test(the_filters),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
