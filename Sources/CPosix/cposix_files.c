#define _GNU_SOURCE
#include "cposix.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/timex.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

int weir_renameat2(const char *from, const char *to, unsigned int flags) {
    return renameat2(AT_FDCWD, from, AT_FDCWD, to, flags);
}

int weir_memory_file(const char *label) {
    int fd = memfd_create(label, MFD_CLOEXEC);
    if (fd < 0 || fd > 2) return fd;
    int moved = fcntl(fd, F_DUPFD_CLOEXEC, 3);
    int error = errno;
    close(fd);
    errno = error;
    return moved;
}

int64_t weir_filesystem_type(const char *path) {
    struct statfs status;
    return statfs(path, &status) < 0 ? -1 : (int64_t)status.f_type;
}

int weir_clock_is_synchronised(void) {
    struct timex state = {0};
    int outcome = adjtimex(&state);
    if (outcome < 0) return -1;
    return outcome != TIME_ERROR && !(state.status & STA_UNSYNC);
}

int weir_sync_filesystem(int fd) { return syncfs(fd); }

int weir_pipe(int ends[2]) {
    if (pipe2(ends, O_CLOEXEC) < 0) return -1;
    for (int i = 0; i < 2; i++) {
        if (ends[i] > 2) continue;
        int moved = fcntl(ends[i], F_DUPFD_CLOEXEC, 3);
        int error = errno;
        close(ends[i]);
        ends[i] = moved;
        if (moved < 0) {
            close(ends[1 - i]);
            errno = error;
            return -1;
        }
    }
    return 0;
}

int weir_punch_hole(int fd, int64_t offset, int64_t length) {
    return fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, offset, length);
}

int64_t weir_seek_hole(int fd, int64_t offset) { return lseek(fd, offset, SEEK_HOLE); }
int64_t weir_seek_data(int fd, int64_t offset) { return lseek(fd, offset, SEEK_DATA); }

ssize_t weir_write_nosigpipe(int fd, const void *bytes, size_t count) {
    sigset_t pipe_signal, before, pending;
    sigemptyset(&pipe_signal);
    sigaddset(&pipe_signal, SIGPIPE);
    sigpending(&pending);
    int was_pending = sigismember(&pending, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &pipe_signal, &before);
    ssize_t written = write(fd, bytes, count);
    int error = errno;
    if (written < 0 && error == EPIPE && !was_pending) {
        /* The signal goes to the thread that wrote; take it away before it can act. */
        struct timespec now = {0, 0};
        while (sigtimedwait(&pipe_signal, NULL, &now) < 0 && errno == EINTR) {}
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    errno = error;
    return written;
}
