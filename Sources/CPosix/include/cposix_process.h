#ifndef WEIR_CPOSIX_PROCESS_H
#define WEIR_CPOSIX_PROCESS_H

#include <stdbool.h>
#include <sys/types.h>

/* Unless said otherwise a function returns -1 and sets errno when it fails, as the system call does. */

/// pidfd_open(2); the descriptor is closed on exec and becomes readable when the process ends.
int weir_pidfd_open(pid_t pid);

/// pidfd_send_signal(2): never hits another process that got the same pid.
int weir_pidfd_send_signal(int pidfd, int signal);

/// Sets what this process does at each signal to the default, which its children inherit, forked or executed.
void weir_default_signals(void);

/// Descendants whose parent ends become children of the caller (prctl(2), PR_SET_CHILD_SUBREAPER).
int weir_become_subreaper(void);

/// What a new process is. All pointers belong to the caller and must live until the call returns.
struct weir_program {
    /// Path of the program; no search is made.
    const char *path;
    char *const *argv;
    char *const *envp;
    /// Working directory; NULL keeps the caller's.
    const char *cwd;
    /// What becomes its descriptors 0, 1 and 2. Every other one is closed.
    int stdio[3];
};

/// What a task may use; -1 for no limit of its own. Each process of the task is held to it by itself (setrlimit(2)).
struct weir_limits {
    /// Bytes of data: heap and private writable mappings (RLIMIT_DATA).
    long long memory;
    /// Seconds of processor time; SIGXCPU then, SIGKILL five seconds later (RLIMIT_CPU).
    long long cpu_seconds;
    /// Open files (RLIMIT_NOFILE).
    long long open_files;
    /// The soft limit of open files where `open_files` says nothing; the hard one stays.
    long long soft_open_files;
    /// Permissions that new files do not get (umask(2)).
    int umask;
};

enum weir_group {
    WEIR_GROUP_OWN,     ///< a process group of its own in the caller's session
    WEIR_GROUP_SESSION, ///< a session of its own
};

/// posix_spawn(3) with an empty signal mask and default dispositions. Safe in a program with many threads.
/// Returns 0 or an error number.
int weir_spawn(const struct weir_program *program, enum weir_group group, pid_t *pid);

/// The step at which `weir_start_task` failed.
enum weir_step {
    WEIR_STEP_NONE,
    WEIR_STEP_FORK,
    WEIR_STEP_DESCRIPTORS,
    WEIR_STEP_CHDIR,
    WEIR_STEP_LIMITS,
    WEIR_STEP_EXEC,
};

struct weir_started {
    pid_t pid;
    /// The step that failed, and its error number; WEIR_STEP_NONE when the program runs.
    enum weir_step failed_step;
    int error;
    /// Whether the task could not join its cgroup; it runs all the same.
    bool outside_cgroup;
};

/// Starts a supervisor's task: a process group of its own in the supervisor's session, killed when the supervisor dies,
/// in the cgroup whose cgroup.procs is open as `cgroup_procs` (-1: none). For a program with one thread. After a failure
/// the child is reaped already.
struct weir_started weir_start_task(const struct weir_program *program, const struct weir_limits *limits,
                                    int cgroup_procs);

#endif
