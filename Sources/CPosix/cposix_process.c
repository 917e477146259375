#define _GNU_SOURCE
#include "cposix.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* The same numbers on every architecture; older headers lack them. */
#ifndef SYS_pidfd_send_signal
#define SYS_pidfd_send_signal 424
#endif
#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434
#endif
#ifndef SYS_close_range
#define SYS_close_range 436
#endif

int weir_pidfd_open(pid_t pid) { return (int)syscall(SYS_pidfd_open, pid, 0); }

int weir_pidfd_send_signal(int pidfd, int signal) {
    return (int)syscall(SYS_pidfd_send_signal, pidfd, signal, NULL, 0);
}

void weir_default_signals(void) {
    /* By the system call: the library's sigaction(3) refuses 32 and 33, which its own posix_spawn(3) leaves ignored. All
       zero is SIG_DFL with no flags, in every architecture's layout of the kernel's structure. */
    static const unsigned long by_default[8];
    for (int signal = 1; signal <= 64; signal++) syscall(SYS_rt_sigaction, signal, by_default, NULL, 8ul);
}

int weir_become_subreaper(void) { return prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); }

int weir_spawn(const struct weir_program *program, enum weir_group group, pid_t *pid) {
    posix_spawnattr_t attributes;
    posix_spawn_file_actions_t actions;
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    int error = posix_spawnattr_init(&attributes);
    if (error) return error;
    error = posix_spawn_file_actions_init(&actions);
    if (error) {
        posix_spawnattr_destroy(&attributes);
        return error;
    }
    short flags = POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF;
    flags |= group == WEIR_GROUP_SESSION ? POSIX_SPAWN_SETSID : POSIX_SPAWN_SETPGROUP;
    if (!error) error = posix_spawnattr_setflags(&attributes, flags);
    if (!error) error = posix_spawnattr_setsigmask(&attributes, &none);
    if (!error) error = posix_spawnattr_setsigdefault(&attributes, &all);
    if (!error && group == WEIR_GROUP_OWN) error = posix_spawnattr_setpgroup(&attributes, 0);
    /* The callers' descriptors are 3 or more (or already in their place), so one dup2 cannot overwrite the next's source. */
    for (int fd = 0; fd < 3 && !error; fd++)
        error = posix_spawn_file_actions_adddup2(&actions, program->stdio[fd], fd);
    if (!error) error = posix_spawn_file_actions_addclosefrom_np(&actions, 3);
    if (!error && program->cwd) error = posix_spawn_file_actions_addchdir_np(&actions, program->cwd);
    if (!error) error = posix_spawn(pid, program->path, &actions, &attributes, program->argv, program->envp);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    return error;
}

/* What the supervisor and its child share until exec: the memory is one, so the child tells by writing there. */
struct start {
    const struct weir_program *program;
    const struct weir_limits *limits;
    int cgroup_procs;
    pid_t supervisor;
    struct weir_started *started;
};

/* From here to exec only what signal-safety(7) allows, and nothing that changes the supervisor's memory otherwise. */
static _Noreturn void fail(struct weir_started *started, enum weir_step step) {
    started->failed_step = step;
    started->error = errno;
    _exit(127);
}

/* Never above what the supervisor itself is held to: only root could, and a task must not depend on that. */
static int limit(int resource, long long value, long long slack) {
    if (value < 0) return 0;
    struct rlimit now;
    if (getrlimit(resource, &now) < 0) return -1;
    rlim_t soft = (rlim_t)value, hard = (rlim_t)(value + slack);
    if (now.rlim_max != RLIM_INFINITY && hard > now.rlim_max) hard = now.rlim_max;
    if (soft > hard) soft = hard;
    struct rlimit wanted = {soft, hard};
    return setrlimit(resource, &wanted);
}

static int apply(const struct weir_limits *limits) {
    if (limit(RLIMIT_DATA, limits->memory, 0) < 0) return -1;
    if (limit(RLIMIT_CPU, limits->cpu_seconds, 5) < 0) return -1;
    if (limits->open_files >= 0) return limit(RLIMIT_NOFILE, limits->open_files, 0);
    struct rlimit files;
    if (limits->soft_open_files < 0 || getrlimit(RLIMIT_NOFILE, &files) < 0) return 0;
    if (files.rlim_cur <= (rlim_t)limits->soft_open_files) return 0;
    files.rlim_cur = (rlim_t)limits->soft_open_files;
    return setrlimit(RLIMIT_NOFILE, &files);
}

static int become_task(void *given) {
    const struct start *start = given;
    const struct weir_program *program = start->program;
    struct weir_started *started = start->started;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    /* It may have died before that call. */
    if (getppid() != start->supervisor) _exit(127);
    if (start->cgroup_procs >= 0 && write(start->cgroup_procs, "0", 1) != 1) started->outside_cgroup = true;
    setpgid(0, 0);
    for (int fd = 0; fd < 3; fd++)
        if (dup2(program->stdio[fd], fd) < 0) fail(started, WEIR_STEP_DESCRIPTORS);
    /* All of the supervisor's own are O_CLOEXEC; this is for those that it inherited. ENOSYS before Linux 5.11. */
    syscall(SYS_close_range, 3u, ~0u, 4u /* CLOSE_RANGE_CLOEXEC */);
    if (program->cwd && chdir(program->cwd) < 0) fail(started, WEIR_STEP_CHDIR);
    umask(start->limits->umask < 0 ? 022 : (mode_t)start->limits->umask);
    if (apply(start->limits) < 0) fail(started, WEIR_STEP_LIMITS);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    execve(program->path, program->argv, program->envp);
    fail(started, WEIR_STEP_EXEC);
}

struct weir_started weir_start_task(const struct weir_program *program, const struct weir_limits *limits,
                                    int cgroup_procs) {
    struct weir_started started = {.pid = -1, .failed_step = WEIR_STEP_NONE};
    struct start start = {program, limits, cgroup_procs, getpid(), &started};
    /* As vfork(2), with a stack of its own: a copy of the memory would be thrown away at once, and every page that the
       supervisor then touches would have to be copied again. It stands still until exec, or until the child has ended; its
       signals are blocked, so that no handler runs in the child. */
    static _Alignas(16) char stack[64 * 1024];
    pid_t pid = clone(become_task, stack + sizeof stack, CLONE_VM | CLONE_VFORK | SIGCHLD, &start);
    started.pid = pid;
    if (pid < 0) {
        started.failed_step = WEIR_STEP_FORK;
        started.error = errno;
    } else if (started.failed_step != WEIR_STEP_NONE) {
        while (waitpid(pid, NULL, 0) < 0 && errno == EINTR) {}
    }
    return started;
}
