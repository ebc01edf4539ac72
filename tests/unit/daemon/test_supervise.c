/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "node/daemon/supervise.h"
#include "node/file.h"

/*
 * The supervisor starts this program again as the roles: see play_role. What they and it do is told
 * by files in a folder; time is a number in shared memory.
 */

enum { KEEPER, LINE, NODE, ROLES, PATIENCE_MS = 60000 };
static const char *const names[ROLES] = {"keeper", "line", "node"};

static char folder[] = "/tmp/reeve-supervise.XXXXXX";
static int64_t *fake_us;

/* ---- the roles ---- */

static void tell(const char *role, const char *what)
{
	char path[200];
	char line[64];
	snprintf(path, sizeof(path), "%s/events", getenv("REEVE_TEST_FOLDER"));
	int n = snprintf(line, sizeof(line), "%s %s %d\n", role, what, (int)getpid());
	int fd = open(path, O_WRONLY | O_APPEND | O_CREAT, 0600);
	if (fd < 0 || write(fd, line, (size_t)n) != n) {
		_exit(99);
	}
	close(fd);
}

/* Serves until it is asked to end (SIGTERM), to ask for a restart (SIGUSR1), or to end unasked with
 * 0 (SIGUSR2). */
static int play_role(int argc, char **argv)
{
	const char *role = argv[1] + strlen("--role=");
	const char *stubborn = getenv("REEVE_TEST_STUBBORN");
	const char *fails = getenv("REEVE_TEST_FAILS");
	sigset_t set;
	int sig = 0;
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGUSR2);
	sigprocmask(SIG_BLOCK, &set, NULL);
	tell(role, "start");
	if (fails != NULL && strcmp(role, "node") == 0) {
		return atoi(fails);
	}
	for (int i = 2; i < argc; i++) {
		int fd;
		if (sscanf(argv[i], "--ready=%d", &fd) == 1 && write(fd, "r", 1) != 1) {
			return 98;
		}
	}
	do {
		sigwait(&set, &sig);
		tell(role, sig == SIGTERM ? "term" : "told");
	} while (sig == SIGTERM && stubborn != NULL && strcmp(stubborn, role) == 0);
	return sig == SIGUSR1 ? ROLE_EXIT_RESTART : 0;
}

/* ---- the supervisor under test ---- */

struct rig {
	pid_t pid;
	int notify;
	pid_t roles[ROLES];
	unsigned lives; /* how many starts of each role were seen */
};

static int64_t fake_now(void *ctx)
{
	return __atomic_load_n(fake_us, __ATOMIC_SEQ_CST);
}

static void advance_ms(int64_t ms)
{
	__atomic_add_fetch(fake_us, ms * 1000, __ATOMIC_SEQ_CST);
}

static void read_all(const char *name, struct rv_buf *out)
{
	char path[200];
	snprintf(path, sizeof(path), "%s/%s", folder, name);
	rv_buf_reset(out);
	if (file_read(path, 1 << 20, out, NULL) != 0) {
		rv_buf_reset(out);
	}
	assert_non_null(rv_buf_cstr(out));
}

static unsigned count(const char *name, const char *what)
{
	struct rv_buf text = {0};
	unsigned n = 0;
	read_all(name, &text);
	for (const char *p = (const char *)text.data; (p = strstr(p, what)) != NULL; p++) {
		n++;
	}
	rv_buf_free(&text);
	return n;
}

static void wait_for(const char *name, const char *what, unsigned n)
{
	for (int waited = 0; count(name, what) < n; waited += 5) {
		if (waited > PATIENCE_MS) {
			struct rv_buf log = {0};
			read_all("log", &log);
			fail_msg("no %u times '%s' in %s; the log:\n%s", n, what, name,
				(const char *)log.data);
		}
		usleep(5000);
	}
}

static void expect_notice(struct rig *r, const char *what)
{
	char text[64];
	struct pollfd p = {.fd = r->notify, .events = POLLIN};
	assert_int_equal(poll(&p, 1, PATIENCE_MS), 1);
	ssize_t n = recv(r->notify, text, sizeof(text) - 1, 0);
	assert_true(n > 0);
	text[n] = '\0';
	assert_string_equal(text, what);
}

/* The roles of now, all of them served and new. */
static void expect_roles(struct rig *r)
{
	struct rv_buf text = {0};
	pid_t before[ROLES];
	r->lives++;
	expect_notice(r, "READY=1");
	memcpy(before, r->roles, sizeof(before));
	for (int i = 0; i < ROLES; i++) {
		char what[32];
		int pid = 0;
		snprintf(what, sizeof(what), "%s start ", names[i]);
		wait_for("events", what, r->lives);
		assert_int_equal(count("events", what), r->lives);
		read_all("events", &text);
		for (const char *p = (const char *)text.data; (p = strstr(p, what)) != NULL; p++) {
			pid = atoi(p + strlen(what));
		}
		r->roles[i] = (pid_t)pid;
		assert_int_not_equal(r->roles[i], before[i]);
		assert_int_equal(kill(r->roles[i], 0), 0);
		if (before[i] > 0) {
			assert_true(kill(before[i], 0) != 0 && errno == ESRCH);
		}
	}
	rv_buf_free(&text);
}

static void start(struct rig *r)
{
	char path[200];
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	memset(r, 0, sizeof(*r));
	snprintf(path, sizeof(path), "%s/events", folder);
	unlink(path);
	snprintf(path, sizeof(path), "%s/log", folder);
	unlink(path);
	snprintf(at.sun_path, sizeof(at.sun_path), "%s/notify", folder);
	unlink(at.sun_path);
	r->notify = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(r->notify, (struct sockaddr *)&at, sizeof(at)), 0);
	setenv("NOTIFY_SOCKET", at.sun_path, 1);
	setenv("REEVE_TEST_FOLDER", folder, 1);
	r->pid = fork();
	assert_true(r->pid >= 0);
	if (r->pid != 0) {
		return;
	}
	char key[sizeof(folder) + 32];
	struct conf conf = {.run_dir = folder, .signing_key = key};
	struct rv_clock clock = {fake_now, NULL};
	struct log *log = NULL;
	sigset_t set;
	snprintf(key, sizeof(key), "%s/keys/sign.key", folder);
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, NULL);
	int fd = open(path, O_WRONLY | O_CREAT | O_APPEND, 0600);
	if (fd < 0 || dup2(fd, STDERR_FILENO) < 0 ||
		log_open(&log, "info", "text", "KE", clock, NULL) != 0) {
		_exit(97);
	}
	int rc = supervise_run(&conf, "no.conf", log, clock);
	log_close(&log);
	_exit(rc);
}

static int ended(struct rig *r)
{
	int status = 0;
	assert_int_equal(waitpid(r->pid, &status, 0), r->pid);
	close(r->notify);
	/* whoever outlives the supervisor would be a child of this process now */
	assert_true(waitpid(-1, NULL, 0) < 0 && errno == ECHILD);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void stop(struct rig *r)
{
	assert_int_equal(kill(r->pid, SIGTERM), 0);
	expect_notice(r, "STOPPING=1");
	assert_int_equal(ended(r), 0);
}

static void expect_log(const char *what, unsigned n)
{
	wait_for("log", what, n);
	assert_int_equal(count("log", what), n);
}

/* The roles were asked to end in this order (those that did not end by themselves). */
static void expect_terms(const char *order)
{
	struct rv_buf text = {0};
	char got[64] = "";
	read_all("events", &text);
	char *save = NULL;
	for (char *line = strtok_r((char *)text.data, "\n", &save); line != NULL;
		line = strtok_r(NULL, "\n", &save)) {
		char role[16];
		char what[16];
		assert_int_equal(sscanf(line, "%15s %15s", role, what), 2);
		if (strcmp(what, "term") == 0) {
			strcat(got, role);
			strcat(got, " ");
		}
	}
	assert_string_equal(got, order);
	rv_buf_free(&text);
}

/* ---- the tests ---- */

static void waits_grow_until_it_has_served_for_long(void **state)
{
	unsigned ms = 0;
	static const unsigned expected[] = {200, 400, 800, 1600, 3200, 6400, 12800, 25600, 30000,
		30000};
	for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
		ms = supervise_wait_ms(ms, i % 2 ? 0 : SUPERVISE_SETTLED_MS - 1);
		assert_int_equal(ms, i == 0 ? 200 : expected[i]);
	}
	assert_int_equal(supervise_wait_ms(ms, SUPERVISE_SETTLED_MS), 200);
	assert_int_equal(supervise_wait_ms(4294967295u, 0), 30000);
}

static void whoever_dies_all_start_anew(void **state)
{
	struct rig r;
	start(&r);
	expect_roles(&r);
	for (int i = 0; i < ROLES; i++) {
		char what[64];
		/* served for a while, not for long: the waits grow */
		advance_ms(1000);
		kill(r.roles[i], SIGKILL);
		snprintf(what, sizeof(what), "role=%s how=\"signal 9\"", names[i]);
		expect_log(what, 1);
		snprintf(what, sizeof(what), "starting again in_ms=%d\n", 200 << i);
		expect_log(what, 1);
		assert_int_equal(count("events", "start"), ROLES * r.lives);
		advance_ms(200 << i);
		expect_roles(&r);
	}
	advance_ms(SUPERVISE_SETTLED_MS);
	kill(r.roles[NODE], SIGKILL);
	expect_log("starting again in_ms=200\n", 2);
	advance_ms(200);
	expect_roles(&r);
	stop(&r);
}

static void an_end_with_status_0_is_an_end(void **state)
{
	struct rig r;
	start(&r);
	expect_roles(&r);
	for (int i = 0; i < ROLES; i++) {
		char what[64];
		advance_ms(SUPERVISE_SETTLED_MS);
		kill(r.roles[i], SIGUSR2);
		snprintf(what, sizeof(what), "role=%s how=\"status 0\"", names[i]);
		expect_log(what, 1);
		expect_log("starting again in_ms=200\n", (unsigned)i + 1);
		advance_ms(200);
		expect_roles(&r);
	}
	stop(&r);
}

static void a_role_may_ask_for_a_restart(void **state)
{
	static const char *const terms[ROLES] = {"node line ", "node keeper ", "line keeper "};
	char all[64] = "";
	struct rig r;
	start(&r);
	expect_roles(&r);
	for (int i = 0; i < ROLES; i++) {
		/* time stands still: there is no wait */
		kill(r.roles[i], SIGUSR1);
		expect_roles(&r);
		strcat(all, terms[i]);
		expect_terms(all);
	}
	assert_int_equal(count("log", "in_ms"), 0);
	assert_int_equal(count("log", "as a process asked for it"), ROLES);
	stop(&r);
}

static void a_hangup_changes_nothing(void **state)
{
	struct rig r;
	start(&r);
	expect_roles(&r);
	kill(r.pid, SIGHUP);
	expect_log("SIGHUP", 1);
	for (int i = 0; i < ROLES; i++) {
		assert_int_equal(kill(r.roles[i], SIGHUP), 0);
		assert_int_equal(kill(r.roles[i], 0), 0);
	}
	stop(&r);
	assert_int_equal(count("log", "ended"), 0);
	assert_int_equal(count("events", "start"), ROLES);
}

static void a_stop_has_an_order(void **state)
{
	struct rig r;
	start(&r);
	expect_roles(&r);
	stop(&r);
	expect_terms("node line keeper ");
	assert_int_equal(count("log", "ended"), 0);
	start(&r);
	expect_roles(&r);
	kill(r.pid, SIGINT);
	assert_int_equal(ended(&r), 0);
	expect_terms("node line keeper ");
}

static void who_does_not_stop_is_killed_in_its_time(void **state)
{
	static const int times[ROLES] = {
		SUPERVISE_STOP_KEEPER_MS, SUPERVISE_STOP_LINE_MS, SUPERVISE_STOP_NODE_MS};
	for (int i = 0; i < ROLES; i++) {
		char what[64];
		struct rig r;
		setenv("REEVE_TEST_STUBBORN", names[i], 1);
		start(&r);
		unsetenv("REEVE_TEST_STUBBORN");
		expect_roles(&r);
		kill(r.pid, SIGTERM);
		snprintf(what, sizeof(what), "%s term", names[i]);
		wait_for("events", what, 1);
		advance_ms(times[i] - 1);
		assert_int_equal(kill(r.roles[i], 0), 0);
		assert_int_equal(count("log", "had to be killed"), 0);
		advance_ms(1);
		assert_int_equal(ended(&r), 0);
		snprintf(what, sizeof(what), "had to be killed role=%s\n", names[i]);
		expect_log(what, 1);
		expect_terms("node line keeper ");
	}
}

static void a_stop_is_heard_at_any_time(void **state)
{
	struct rig r;
	/* while it waits before a restart */
	start(&r);
	expect_roles(&r);
	kill(r.roles[LINE], SIGKILL);
	expect_log("in_ms=200", 1);
	kill(r.pid, SIGTERM);
	assert_int_equal(ended(&r), 0);
	assert_int_equal(count("events", "start"), ROLES);
	/* while it stops the roles for a restart */
	setenv("REEVE_TEST_STUBBORN", "line", 1);
	start(&r);
	unsetenv("REEVE_TEST_STUBBORN");
	expect_roles(&r);
	kill(r.roles[NODE], SIGUSR1);
	wait_for("events", "line term", 1);
	kill(r.pid, SIGTERM);
	advance_ms(SUPERVISE_STOP_LINE_MS);
	assert_int_equal(ended(&r), 0);
	assert_int_equal(count("events", "start"), ROLES);
}

static void what_never_served_is_not_tried_again(void **state)
{
	static const char *const statuses[] = {"0", "1", "75"};
	for (size_t i = 0; i < 3; i++) {
		struct rig r;
		setenv("REEVE_TEST_FAILS", statuses[i], 1);
		start(&r);
		unsetenv("REEVE_TEST_FAILS");
		assert_int_equal(ended(&r), 1);
		assert_int_equal(count("events", "node start"), 1);
	}
}

static void the_roles_die_with_the_supervisor(void **state)
{
	struct rig r;
	int status;
	start(&r);
	expect_roles(&r);
	kill(r.pid, SIGKILL);
	assert_int_equal(waitpid(r.pid, &status, 0), r.pid);
	for (int i = 0; i < ROLES; i++) {
		assert_int_equal(waitpid(r.roles[i], &status, 0), r.roles[i]);
		assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	}
	close(r.notify);
}

static int set_up(void **state)
{
	void *shared = mmap(NULL, sizeof(*fake_us), PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED || prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0) {
		return -1;
	}
	fake_us = shared;
	return mkdtemp(folder) != NULL ? 0 : -1;
}

static int tear_down(void **state)
{
	static const char *const files[] = {"events", "log", "notify"};
	for (size_t i = 0; i < 3; i++) {
		char path[200];
		snprintf(path, sizeof(path), "%s/%s", folder, files[i]);
		unlink(path);
	}
	return rmdir(folder);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(waits_grow_until_it_has_served_for_long),
		cmocka_unit_test(whoever_dies_all_start_anew),
		cmocka_unit_test(an_end_with_status_0_is_an_end),
		cmocka_unit_test(a_role_may_ask_for_a_restart),
		cmocka_unit_test(a_hangup_changes_nothing),
		cmocka_unit_test(a_stop_has_an_order),
		cmocka_unit_test(who_does_not_stop_is_killed_in_its_time),
		cmocka_unit_test(a_stop_is_heard_at_any_time),
		cmocka_unit_test(what_never_served_is_not_tried_again),
		cmocka_unit_test(the_roles_die_with_the_supervisor),
	};
	if (argc > 1 && strncmp(argv[1], "--role=", 7) == 0) {
		return play_role(argc, argv);
	}
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
