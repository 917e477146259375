#ifndef WEIR_CMICROHTTPD_H
#define WEIR_CMICROHTTPD_H

#include <microhttpd.h>
#include <stdbool.h>

/// What a daemon is made of.
struct weir_mhd_options {
    /// A listening socket, which the daemon takes over.
    int listen_socket;
    bool is_ipv6;
    /// Size of the pool of threads that serve connections.
    unsigned threads;
    /// A connection that is idle for so many seconds is closed.
    unsigned timeout_seconds;
    /// Connections at once, over all and from one address; 0: no limit for one address.
    unsigned connection_limit;
    unsigned connections_per_address;
    /// Bytes for the head of a request.
    size_t head_limit;
    MHD_AccessHandlerCallback handler;
    MHD_RequestCompletedCallback completed;
    /// A connection has begun, or has ended.
    MHD_NotifyConnectionCallback connected;
    /// What all of them get.
    void *context;
};

/// Starts a daemon; MHD_start_daemon is variadic, which Swift cannot call. NULL when it cannot start.
struct MHD_Daemon *weir_mhd_start(const struct weir_mhd_options *options);

/// The numeric address of a connection's client; false where it has none, as on a unix socket.
bool weir_mhd_client(struct MHD_Connection *connection, char *text, size_t size);

/// What MHD_NotifyConnectionCallback has left for a connection; NULL when nothing.
void *weir_mhd_socket_context(struct MHD_Connection *connection);

/// The connection's socket; -1 when it has none.
int weir_mhd_socket(struct MHD_Connection *connection);

/// Whether the client has closed its end of a socket, or is gone.
bool weir_mhd_is_gone(int socket);

/// MHD_SIZE_UNKNOWN, a macro that Swift does not see.
uint64_t weir_mhd_size_unknown(void);

/// From now on this thread gets less of a busy processor than others (setpriority(2), which on Linux is about one thread).
void weir_thread_yields(void);

#endif
