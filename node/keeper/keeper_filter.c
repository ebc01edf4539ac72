/* SPDX-License-Identifier: Apache-2.0 */
#include "node/keeper/keeper.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <sys/mman.h>

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

#define COUNT(list) (sizeof(list) / sizeof((list)[0]))

static const int always[] = {
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

/* Reading, writing and locking files: modules in software note each login in theirs. */
static const int files[] = {
	SCMP_SYS(openat),
	SCMP_SYS(open),
	SCMP_SYS(pread64),
	SCMP_SYS(pwrite64),
	SCMP_SYS(readv),
	SCMP_SYS(writev),
	SCMP_SYS(ftruncate),
	SCMP_SYS(fsync),
	SCMP_SYS(fdatasync),
	SCMP_SYS(lseek),
	SCMP_SYS(stat),
	SCMP_SYS(lstat),
	SCMP_SYS(fstat),
	SCMP_SYS(newfstatat),
	SCMP_SYS(statx),
	SCMP_SYS(statfs),
	SCMP_SYS(fstatfs),
	SCMP_SYS(access),
	SCMP_SYS(faccessat),
	SCMP_SYS(faccessat2),
	SCMP_SYS(readlink),
	SCMP_SYS(readlinkat),
	SCMP_SYS(getdents64),
	SCMP_SYS(getcwd),
	SCMP_SYS(fcntl),
	SCMP_SYS(flock),
	SCMP_SYS(getuid),
	SCMP_SYS(geteuid),
	SCMP_SYS(getgid),
	SCMP_SYS(getegid),
	SCMP_SYS(gettid),
	SCMP_SYS(uname),
	SCMP_SYS(sysinfo),
	SCMP_SYS(nanosleep),
	SCMP_SYS(clock_nanosleep),
	SCMP_SYS(sched_yield),
	SCMP_SYS(rt_sigaction),
};

/* Talking to a module's daemon or to an HSM in the network, with threads that wait for it. */
static const int network[] = {
	SCMP_SYS(socket),
	SCMP_SYS(connect),
	SCMP_SYS(bind),
	SCMP_SYS(shutdown),
	SCMP_SYS(getsockname),
	SCMP_SYS(getpeername),
	SCMP_SYS(getsockopt),
	SCMP_SYS(setsockopt),
	SCMP_SYS(sendmmsg),
	SCMP_SYS(recvmmsg),
	SCMP_SYS(select),
	SCMP_SYS(pselect6),
	SCMP_SYS(epoll_create1),
	SCMP_SYS(epoll_ctl),
	SCMP_SYS(epoll_wait),
	SCMP_SYS(epoll_pwait),
	SCMP_SYS(eventfd2),
	SCMP_SYS(pipe2),
	SCMP_SYS(ioctl),
	SCMP_SYS(set_robust_list),
	SCMP_SYS(rseq),
	SCMP_SYS(sched_getaffinity),
};

static int allow(scmp_filter_ctx ctx, const int *list, size_t n)
{
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < n; i++) {
		rc = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, list[i], 0);
	}
	return rc;
}

static int allow_memory(scmp_filter_ctx ctx)
{
	/* memory may be had, but no new code */
	static const int unless_executable[] = {SCMP_SYS(mmap), SCMP_SYS(mprotect)};
	const struct scmp_arg_cmp no_exec = SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0);
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < COUNT(unless_executable); i++) {
		rc = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, unless_executable[i], 1, no_exec);
	}
	return rc;
}

/* Threads, and no processes. clone3 has its flags in memory, where no filter sees them: without it
 * the C library takes clone. */
static int allow_threads(scmp_filter_ctx ctx)
{
	const struct scmp_arg_cmp thread =
		SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD, CLONE_THREAD);
	return seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(clone), 1, thread);
}
#endif

int keeper_filter(enum keeper_reach reach)
{
#ifdef KEEPER_UNFILTERED
	return 0;
#else
	scmp_filter_ctx ctx = seccomp_init(
		reach == KEEPER_REACH_NOTHING ? SCMP_ACT_KILL_PROCESS : SCMP_ACT_ERRNO(ENOSYS));
	int rc = ctx == NULL ? -1 : 0;
	if (rc == 0) {
		/* also for the threads that a module has started by now */
		rc = seccomp_attr_set(ctx, SCMP_FLTATR_CTL_TSYNC, 1);
	}
	if (rc == 0) {
		rc = allow(ctx, always, COUNT(always));
	}
	if (rc == 0) {
		rc = allow_memory(ctx);
	}
	if (rc == 0 && reach >= KEEPER_REACH_FILES) {
		rc = allow(ctx, files, COUNT(files));
	}
	if (rc == 0 && reach >= KEEPER_REACH_NETWORK) {
		rc = allow(ctx, network, COUNT(network));
	}
	if (rc == 0 && reach >= KEEPER_REACH_NETWORK) {
		rc = allow_threads(ctx);
	}
	if (rc == 0) {
		rc = seccomp_load(ctx);
	}
	seccomp_release(ctx);
	if (rc != 0) {
		fprintf(stderr,
			"reeved keeper: the system call filter cannot be put in place\n");
	}
	return rc == 0 ? 0 : 1;
#endif
}
