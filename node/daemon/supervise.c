/* SPDX-License-Identifier: Apache-2.0 */
#include "node/daemon/supervise.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>
#include <systemd/sd-daemon.h>

enum { ROLE_KEEPER, ROLE_LINE, ROLE_NODE, ROLES };
enum { STOP_MS = 30000, RESTART_MIN_MS = 200, RESTART_MAX_MS = 30000 };

static const char *const role_names[ROLES] = {"keeper", "line", "node"};

struct supervisor {
	const struct conf *conf;
	const char *conf_path;
	struct log *log;
	int signals;
	pid_t pids[ROLES];
	int ready_fd; /* the node writes a byte when it serves */
	int was_ready;
	unsigned backoff_ms;
};

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
	pid_t pid = fork();
	if (pid == 0) {
		union {
			const char **borrowed;
			char **argv;
		} a = {.borrowed = argv};
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

static int start_roles(struct supervisor *s, struct rv_err *e)
{
	int channel[2] = {-1, -1};
	int ready[2] = {-1, -1};
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, channel) != 0 ||
		pipe2(ready, O_CLOEXEC) != 0) {
		rv_fail_errno(e, errno, "cannot make the channels between the processes");
	} else {
		s->pids[ROLE_KEEPER] = spawn(s, ROLE_KEEPER, channel[0], -1);
		s->pids[ROLE_LINE] = spawn(s, ROLE_LINE, -1, -1);
		s->pids[ROLE_NODE] = spawn(s, ROLE_NODE, channel[1], ready[1]);
	}
	int ok = s->pids[ROLE_KEEPER] > 0 && s->pids[ROLE_LINE] > 0 && s->pids[ROLE_NODE] > 0;
	if (!ok && (e == NULL || e->code == 0)) {
		rv_fail_errno(e, errno, "cannot start the processes");
	}
	shut(&channel[0]);
	shut(&channel[1]);
	shut(&ready[1]);
	shut(&s->ready_fd);
	s->ready_fd = ready[0];
	return ok ? 0 : RV_ESYS;
}

/* Collects who has ended; the role of one that did, -1 if none. */
static int reap(struct supervisor *s, int *status_r)
{
	int ended = -1;
	int status;
	pid_t pid;
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		for (int i = 0; i < ROLES; i++) {
			if (s->pids[i] == pid) {
				s->pids[i] = 0;
				ended = i;
				*status_r = status;
			}
		}
	}
	return ended;
}

static void end_role(struct supervisor *s, int role, int signal)
{
	if (s->pids[role] > 0) {
		kill(s->pids[role], signal);
	}
}

/* Waits for a signal; its number, 0 after the time. */
static int wait_signal(const struct supervisor *s, int ms)
{
	struct pollfd p = {.fd = s->signals, .events = POLLIN};
	struct signalfd_siginfo info;
	if (poll(&p, 1, ms) > 0 && read(s->signals, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		return (int)info.ssi_signo;
	}
	return 0;
}

static void kill_all(struct supervisor *s)
{
	for (int i = 0; i < ROLES; i++) {
		end_role(s, i, SIGKILL);
		if (s->pids[i] > 0) {
			waitpid(s->pids[i], NULL, 0);
			s->pids[i] = 0;
		}
	}
}

/* The node ends first, so that what it has begun is finished with keeper and line still there. */
static void stop_all(struct supervisor *s)
{
	int status;
	int waited = 0;
	end_role(s, ROLE_NODE, SIGTERM);
	while (s->pids[ROLE_NODE] > 0 && waited < STOP_MS) {
		wait_signal(s, 100);
		waited += 100;
		reap(s, &status);
	}
	kill_all(s);
}

static void note_ready(struct supervisor *s)
{
	char byte;
	if (read(s->ready_fd, &byte, 1) == 1) {
		s->was_ready = 1;
		s->backoff_ms = 0;
		sd_notify(0, "READY=1");
	}
	shut(&s->ready_fd);
}

/* Until a stop is asked for (1) or a role has ended (0). */
static int watch(struct supervisor *s)
{
	for (;;) {
		struct pollfd p[2] = {{.fd = s->signals, .events = POLLIN},
			{.fd = s->ready_fd, .events = POLLIN}};
		poll(p, 2, -1);
		if (s->ready_fd >= 0 && p[1].revents != 0) {
			note_ready(s);
		}
		int signal = p[0].revents != 0 ? wait_signal(s, 0) : 0;
		if (signal == SIGTERM || signal == SIGINT) {
			return 1;
		}
		int status = 0;
		int ended = signal == SIGCHLD ? reap(s, &status) : -1;
		if (ended >= 0) {
			char how[64];
			snprintf(how, sizeof(how), WIFSIGNALED(status) ? "signal %d" : "status %d",
				WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
			log_event(s->log, LOG_LVL_ERROR, "a process of the node ended", "role",
				role_names[ended], "how", how, NULL);
			return 0;
		}
	}
}

/* 1 if a stop is asked for meanwhile. */
static int pause_before_restart(struct supervisor *s)
{
	s->backoff_ms = s->backoff_ms == 0 ? RESTART_MIN_MS : 2 * s->backoff_ms;
	if (s->backoff_ms > RESTART_MAX_MS) {
		s->backoff_ms = RESTART_MAX_MS;
	}
	for (unsigned waited = 0; waited < s->backoff_ms; waited += 100) {
		int signal = wait_signal(s, 100);
		if (signal == SIGTERM || signal == SIGINT) {
			return 1;
		}
	}
	return 0;
}

int supervise_run(const struct conf *conf, const char *conf_path, struct log *log)
{
	struct supervisor s = {.conf = conf, .conf_path = conf_path, .log = log, .ready_fd = -1};
	struct rv_err e = {0};
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGCHLD);
	s.signals = signalfd(-1, &set, SFD_CLOEXEC);
	int stop = 0;
	int rc = 0;
	if (s.signals < 0) {
		rv_fail_errno(&e, errno, "cannot watch for signals");
		log_err(log, LOG_LVL_ERROR, "cannot start", &e, NULL);
		return 1;
	}
	while (!stop) {
		if (start_roles(&s, &e) != 0) {
			log_err(log, LOG_LVL_ERROR, "cannot start", &e, NULL);
		} else {
			stop = watch(&s);
		}
		if (stop) {
			sd_notify(0, "STOPPING=1");
			stop_all(&s);
		} else {
			kill_all(&s);
			if (!s.was_ready) {
				rc = 1; /* it never worked: a fault to mend, not one to wait out */
				break;
			}
			stop = pause_before_restart(&s);
		}
	}
	shut(&s.ready_fd);
	close(s.signals);
	return rc;
}
