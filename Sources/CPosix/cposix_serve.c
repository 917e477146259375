#define _GNU_SOURCE
#include "cposix_serve.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#ifndef SYS_close_range
#define SYS_close_range 436
#endif

enum { most = 2 };

int weir_socket_pair(int ends[2]) { return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends); }

int weir_send(int socket, const void *bytes, size_t count, const int *descriptors, int descriptor_count) {
    union {
        struct cmsghdr header;
        char room[CMSG_SPACE(most * sizeof(int))];
    } control = {0};
    struct iovec part = {(void *)bytes, count};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    if (descriptor_count > most) {
        errno = EINVAL;
        return -1;
    }
    if (descriptor_count > 0) {
        message.msg_control = control.room;
        message.msg_controllen = CMSG_SPACE((size_t)descriptor_count * sizeof(int));
        struct cmsghdr *header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN((size_t)descriptor_count * sizeof(int));
        memcpy(CMSG_DATA(header), descriptors, (size_t)descriptor_count * sizeof(int));
    }
    ssize_t sent;
    do sent = sendmsg(socket, &message, MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    return sent < 0 ? -1 : 0;
}

ssize_t weir_receive(int socket, void *bytes, size_t count, int *descriptors, int descriptor_count) {
    union {
        struct cmsghdr header;
        char room[CMSG_SPACE(most * sizeof(int))];
    } control = {0};
    struct iovec part = {bytes, count};
    struct msghdr message = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = control.room, .msg_controllen = sizeof control.room};
    ssize_t received;
    do received = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
    while (received < 0 && errno == EINTR);
    if (received <= 0) return received;
    int found = 0, came[most];
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    if (header && header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS) {
        found = (int)((header->cmsg_len - CMSG_LEN(0)) / sizeof(int));
        memcpy(came, CMSG_DATA(header), (size_t)found * sizeof(int));
    }
    if (found != descriptor_count || (message.msg_flags & (MSG_CTRUNC | MSG_TRUNC))) {
        for (int index = 0; index < found; index++) close(came[index]);
        errno = EPROTO;
        return -1;
    }
    if (found > 0) memcpy(descriptors, came, (size_t)found * sizeof(int));
    return received;
}

int weir_receive_within(int socket, long long microseconds) {
    struct timeval time = {microseconds / 1000000, microseconds % 1000000};
    return setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &time, sizeof time);
}

pid_t weir_fork(void) { return fork(); }

int weir_take_over(int input, int errors) {
    if (dup2(input, 0) < 0 || dup2(errors, 2) < 0) return -1;
    if (syscall(SYS_close_range, 3u, ~0u, 0u) == 0) return 0;
    /* Before Linux 5.9. */
    long last = sysconf(_SC_OPEN_MAX);
    for (int fd = 3; fd < last && fd < 65536; fd++) close(fd);
    return 0;
}

void weir_rename(char **argv, const char *first, const char *second) {
    /* The kernel shows what stands in the memory of the words, which follow each other. */
    char *begin = argv[0], *end = begin;
    for (char **word = argv; *word && *word == end; word++) end = *word + strlen(*word) + 1;
    size_t room = (size_t)(end - begin), one = strlen(first) + 1, other = strlen(second) + 1;
    if (one + other > room) return;
    memset(begin, 0, room);
    memcpy(begin, first, one);
    memcpy(begin + one, second, other);
}
