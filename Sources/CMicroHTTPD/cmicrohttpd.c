#define _GNU_SOURCE /* POLLRDHUP */
#include "cmicrohttpd.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

/* Paths are decoded by the router, after it has split them: an encoded slash is part of a name. */
static size_t keep_encoded(void *context, struct MHD_Connection *connection, char *text) {
    (void)context;
    (void)connection;
    return strlen(text);
}

struct MHD_Daemon *weir_mhd_start(const struct weir_mhd_options *options) {
    /* ITC wakes the threads when the server is stopped, and when a connection is resumed. */
    unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_USE_ITC | MHD_ALLOW_SUSPEND_RESUME;
    if (options->is_ipv6) flags |= MHD_USE_IPv6;
    return MHD_start_daemon(
        flags, 0, NULL, NULL, options->handler, options->context, MHD_OPTION_LISTEN_SOCKET, options->listen_socket,
        MHD_OPTION_THREAD_POOL_SIZE, options->threads, MHD_OPTION_CONNECTION_TIMEOUT, options->timeout_seconds,
        MHD_OPTION_CONNECTION_LIMIT, options->connection_limit, MHD_OPTION_PER_IP_CONNECTION_LIMIT,
        options->connections_per_address, MHD_OPTION_CONNECTION_MEMORY_LIMIT, options->head_limit,
        MHD_OPTION_NOTIFY_COMPLETED, options->completed, options->context, MHD_OPTION_NOTIFY_CONNECTION,
        options->connected, options->context, MHD_OPTION_UNESCAPE_CALLBACK, keep_encoded,
        NULL, MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_END);
}

bool weir_mhd_client(struct MHD_Connection *connection, char *text, size_t size) {
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    if (!info || !info->client_addr) return false;
    const void *address;
    switch (info->client_addr->sa_family) {
    case AF_INET: address = &((const struct sockaddr_in *)info->client_addr)->sin_addr; break;
    case AF_INET6: address = &((const struct sockaddr_in6 *)info->client_addr)->sin6_addr; break;
    default: return false;
    }
    return inet_ntop(info->client_addr->sa_family, address, text, (socklen_t)size) != NULL;
}

void *weir_mhd_socket_context(struct MHD_Connection *connection) {
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    return info ? info->socket_context : NULL;
}

int weir_mhd_socket(struct MHD_Connection *connection) {
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    return info ? info->connect_fd : -1;
}

bool weir_mhd_is_gone(int socket) {
    struct pollfd look = {.fd = socket, .events = POLLRDHUP};
    return poll(&look, 1, 0) > 0 && (look.revents & (POLLRDHUP | POLLHUP | POLLERR | POLLNVAL)) != 0;
}

uint64_t weir_mhd_size_unknown(void) { return MHD_SIZE_UNKNOWN; }

void weir_thread_yields(void) {
    static _Thread_local bool yields;
    if (yields) return;
    yields = true;
    (void)setpriority(PRIO_PROCESS, (id_t)gettid(), 5);
}
