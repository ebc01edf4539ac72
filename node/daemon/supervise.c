/* SPDX-License-Identifier: Apache-2.0 */
#include "node/daemon/supervise.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>
#include <systemd/sd-daemon.h>

#include "node/trust/rotation.h"

enum { ROLE_KEEPER, ROLE_LINE, ROLE_NODE, ROLES };
enum { LOOK_MS = 100 };
enum why { WHY_DIED, WHY_ASKED, WHY_STOP };

static const char *const role_names[ROLES] = {"keeper", "line", "node"};

struct supervisor {
	const struct conf *conf;
	const char *conf_path;
	struct log *log;
	struct rv_clock clock;
	int signals;
	pid_t pids[ROLES];
	int ready_fd; /* the node writes a byte when it serves */
	int was_ready;
	int stop;
	int64_t ready_ms; /* when the roles of now became ready, -1: not yet */
	unsigned wait_ms;
};

static int64_t now_ms(const struct supervisor *s)
{
	return s->clock.now_us(s->clock.ctx) / 1000;
}

unsigned supervise_wait_ms(unsigned before_ms, int64_t served_ms)
{
	if (before_ms == 0 || served_ms >= SUPERVISE_SETTLED_MS) {
		return SUPERVISE_WAIT_MIN_MS;
	}
	return before_ms > SUPERVISE_WAIT_MAX_MS / 2 ? SUPERVISE_WAIT_MAX_MS : 2 * before_ms;
}

void supervise_line_endpoint(const struct conf *conf, char *out, size_t size)
{
	int n = snprintf(out, size, "ipc://%s/line.sock", conf->run_dir);
	if (n < 0 || (size_t)n >= size ||
		(size_t)n - strlen("ipc://") >= sizeof(((struct sockaddr_un *)0)->sun_path)) {
		out[0] = '\0';
	}
}

/* In the child: only the descriptors it is to have stay open. */
static void keep_open(int fd)
{
	if (fd >= 0) {
		fcntl(fd, F_SETFD, 0);
	}
}

static pid_t spawn(const struct supervisor *s, int role, int channel, int ready)
{
	char role_arg[32];
	char channel_arg[32];
	char ready_arg[32];
	snprintf(role_arg, sizeof(role_arg), "--role=%s", role_names[role]);
	snprintf(channel_arg, sizeof(channel_arg), "--channel=%d", channel);
	snprintf(ready_arg, sizeof(ready_arg), "--ready=%d", ready);
	const char *argv[8] = {"reeved", role_arg, "-c", s->conf_path};
	size_t n = 4;
	if (channel >= 0) {
		argv[n++] = channel_arg;
	}
	if (ready >= 0) {
		argv[n++] = ready_arg;
	}
	argv[n] = NULL;
	pid_t parent = getpid();
	pid_t pid = fork();
	if (pid == 0) {
		union {
			const char **borrowed;
			char **argv;
		} a = {.borrowed = argv};
		/* it holds across exec; the parent may be gone already */
		if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != parent) {
			_exit(127);
		}
		keep_open(channel);
		keep_open(ready);
		execv("/proc/self/exe", a.argv);
		_exit(127);
	}
	return pid;
}

static void shut(int *fd)
{
	if (*fd >= 0) {
		close(*fd);
		*fd = -1;
	}
}

/* New keys that are ready take the place of the former ones before anybody reads them. */
static void complete_rotation(const struct supervisor *s)
{
	struct rv_err e = {0};
	int done = 0;
	if (rotation_complete(s->conf, &done, &e) != 0) {
		log_err(s->log, LOG_LVL_ERROR, "the new keys are not in place", &e, NULL);
	} else if (done) {
		log_event(s->log, LOG_LVL_INFO, "the new keys are in place", NULL);
	}
}

static int start_roles(struct supervisor *s, struct rv_err *e)
{
	int channel[2] = {-1, -1};
	int ready[2] = {-1, -1};
	int rc = 0;
	shut(&s->ready_fd);
	s->ready_ms = -1;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, channel) != 0 ||
		pipe2(ready, O_CLOEXEC) != 0) {
		rc = rv_fail_errno(e, errno, "cannot make the channels between the processes");
	} else if ((s->pids[ROLE_KEEPER] = spawn(s, ROLE_KEEPER, channel[0], -1)) < 0 ||
		   (s->pids[ROLE_LINE] = spawn(s, ROLE_LINE, -1, -1)) < 0 ||
		   (s->pids[ROLE_NODE] = spawn(s, ROLE_NODE, channel[1], ready[1])) < 0) {
		rc = rv_fail_errno(e, errno, "cannot start the processes");
	}
	shut(&channel[0]);
	shut(&channel[1]);
	shut(&ready[1]);
	s->ready_fd = ready[0];
	return rc;
}

static void log_end(const struct supervisor *s, enum log_level level, int role, int status)
{
	char how[32];
	snprintf(how, sizeof(how), WIFSIGNALED(status) ? "signal %d" : "status %d",
		WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
	log_event(s->log, level, "a process of the node ended", "role", role_names[role], "how",
		how, NULL);
}

static int asks_for_restart(int status)
{
	return WIFEXITED(status) && WEXITSTATUS(status) == ROLE_EXIT_RESTART;
}

/* Collects who has ended: how many, and whether one of them asked for a restart. An end that was
 * asked for is nothing to report. */
static int reap(struct supervisor *s, int asked_for, int *restart_r)
{
	int ended = 0;
	int status;
	pid_t pid;
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		for (int i = 0; i < ROLES; i++) {
			if (s->pids[i] != pid) {
				continue;
			}
			s->pids[i] = 0;
			ended++;
			if (asks_for_restart(status)) {
				*restart_r = 1;
				log_end(s, LOG_LVL_INFO, i, status);
			} else if (!asked_for || !WIFEXITED(status) || WEXITSTATUS(status) != 0) {
				log_end(s, LOG_LVL_ERROR, i, status);
			}
		}
	}
	return ended;
}

/* Waits for a signal, and keeps in mind that a stop was asked for. */
static void wait_signal(struct supervisor *s, int ms)
{
	struct pollfd p = {.fd = s->signals, .events = POLLIN};
	struct signalfd_siginfo info;
	if (poll(&p, 1, ms) <= 0 || read(s->signals, &info, sizeof(info)) != (ssize_t)sizeof(info)) {
		return;
	}
	if (info.ssi_signo == SIGTERM || info.ssi_signo == SIGINT) {
		s->stop = 1;
	} else if (info.ssi_signo == SIGHUP) {
		log_event(s->log, LOG_LVL_INFO,
			"SIGHUP changes nothing: the trust list is read when it changes, the "
			"configuration at a start",
			NULL);
	}
}

static void kill_role(struct supervisor *s, int role)
{
	if (s->pids[role] > 0) {
		kill(s->pids[role], SIGKILL);
		waitpid(s->pids[role], NULL, 0);
	}
	s->pids[role] = 0;
}

static void kill_all(struct supervisor *s)
{
	for (int i = 0; i < ROLES; i++) {
		kill_role(s, i);
	}
}

static void stop_role(struct supervisor *s, int role, int ms)
{
	int restart = 0;
	int64_t until_ms = now_ms(s) + ms;
	if (s->pids[role] > 0) {
		kill(s->pids[role], SIGTERM);
	}
	while (s->pids[role] > 0 && now_ms(s) < until_ms) {
		wait_signal(s, LOOK_MS);
		reap(s, 1, &restart);
	}
	if (s->pids[role] > 0) {
		log_event(s->log, LOG_LVL_WARNING, "a process of the node had to be killed", "role",
			role_names[role], NULL);
		kill_role(s, role);
	}
}

/* What the node has begun is finished with keeper and line still there; then the line sends what it
 * has; the keeper ends with its last channel. */
static void stop_all(struct supervisor *s)
{
	stop_role(s, ROLE_NODE, SUPERVISE_STOP_NODE_MS);
	stop_role(s, ROLE_LINE, SUPERVISE_STOP_LINE_MS);
	stop_role(s, ROLE_KEEPER, SUPERVISE_STOP_KEEPER_MS);
}

static void note_ready(struct supervisor *s)
{
	char byte;
	if (read(s->ready_fd, &byte, 1) == 1) {
		s->was_ready = 1;
		s->ready_ms = now_ms(s);
		sd_notify(0, "READY=1");
	}
	shut(&s->ready_fd);
}

static enum why watch(struct supervisor *s)
{
	int restart = 0;
	while (!s->stop) {
		struct pollfd p[2] = {{.fd = s->signals, .events = POLLIN},
			{.fd = s->ready_fd, .events = POLLIN}};
		poll(p, 2, -1);
		if (s->ready_fd >= 0 && p[1].revents != 0) {
			note_ready(s);
		}
		wait_signal(s, 0);
		if (!s->stop && reap(s, 0, &restart) > 0) {
			return restart && s->ready_ms >= 0 ? WHY_ASKED : WHY_DIED;
		}
	}
	return WHY_STOP;
}

static void wait_before_restart(struct supervisor *s)
{
	char ms[16];
	int64_t now = now_ms(s);
	s->wait_ms = supervise_wait_ms(s->wait_ms, s->ready_ms >= 0 ? now - s->ready_ms : 0);
	snprintf(ms, sizeof(ms), "%u", s->wait_ms);
	log_event(s->log, LOG_LVL_INFO, "starting again", "in_ms", ms, NULL);
	for (int64_t until = now + s->wait_ms; now < until && !s->stop; now = now_ms(s)) {
		wait_signal(s, until - now < LOOK_MS ? (int)(until - now) : LOOK_MS);
	}
}

/* The roles from their start to their end; the exit status if they are not to start again. */
static int run_roles(struct supervisor *s)
{
	struct rv_err e = {0};
	enum why why = WHY_DIED;
	complete_rotation(s);
	if (start_roles(s, &e) != 0) {
		log_err(s->log, LOG_LVL_ERROR, "cannot start", &e, NULL);
	} else {
		why = watch(s);
	}
	if (why == WHY_STOP) {
		sd_notify(0, "STOPPING=1");
		stop_all(s);
	} else if (why == WHY_ASKED) {
		log_event(s->log, LOG_LVL_INFO, "starting again, as a process asked for it", NULL);
		stop_all(s);
	} else {
		kill_all(s);
		if (!s->was_ready) {
			s->stop = 1;
			return 1; /* it never worked: a fault to mend, not one to wait out */
		}
		wait_before_restart(s);
	}
	return 0;
}

int supervise_run(
	const struct conf *conf, const char *conf_path, struct log *log, struct rv_clock clock)
{
	struct supervisor s = {.conf = conf,
		.conf_path = conf_path,
		.log = log,
		.clock = clock,
		.ready_fd = -1};
	struct rv_err e = {0};
	sigset_t set;
	int rc = 0;
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGCHLD);
	s.signals = signalfd(-1, &set, SFD_CLOEXEC);
	if (s.signals < 0) {
		rv_fail_errno(&e, errno, "cannot watch for signals");
		log_err(log, LOG_LVL_ERROR, "cannot start", &e, NULL);
		return 1;
	}
	while (!s.stop) {
		rc = run_roles(&s);
	}
	shut(&s.ready_fd);
	close(s.signals);
	return rc;
}
