#ifndef WEIR_CPOSIX_SERVE_H
#define WEIR_CPOSIX_SERVE_H

#include <sys/types.h>

/* What a process needs that starts others by fork(2) when it is asked to. A function returns -1 and sets errno when it fails. */

/// Two connected sockets that keep messages apart (SOCK_SEQPACKET), closed on exec.
int weir_socket_pair(int ends[2]);

/// Sends a message with descriptors, at most two; no signal when the other end is gone.
int weir_send(int socket, const void *bytes, size_t count, const int *descriptors, int descriptor_count);

/// Receives a message with exactly so many descriptors (at most two), closed on exec; those of another number are closed.
/// Returns the bytes of it, at most `count`, and 0 when the other end is gone. EPROTO: the number is another one.
ssize_t weir_receive(int socket, void *bytes, size_t count, int *descriptors, int descriptor_count);

/// An answer is waited for that many microseconds; EAGAIN then.
int weir_receive_within(int socket, long long microseconds);

/// fork(2), for a program with one thread.
pid_t weir_fork(void);

/// In a new child: descriptors 0 and 2 become these, 1 stays, and all others are closed.
int weir_take_over(int input, int errors);

/// Lets ps(1) show other words for this process, as far as there is room for them in those that it was started with.
void weir_rename(char **argv, const char *first, const char *second);

#endif
