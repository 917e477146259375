#include "cmicrohttpd.h"

#include <string.h>

/* Paths are decoded by the router, after it has split them: an encoded slash is part of a name. */
static size_t keep_encoded(void *context, struct MHD_Connection *connection, char *text) {
    (void)context;
    (void)connection;
    return strlen(text);
}

struct MHD_Daemon *weir_mhd_start(int listen_socket, unsigned threads, unsigned timeout_seconds,
                                  unsigned connection_limit, MHD_AccessHandlerCallback handler, void *handler_context,
                                  MHD_RequestCompletedCallback completed, void *completed_context) {
    /* ITC wakes the threads when MHD_quiesce_daemon is called. */
    unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_USE_ITC;
    return MHD_start_daemon(flags, 0, NULL, NULL, handler, handler_context, MHD_OPTION_LISTEN_SOCKET, listen_socket,
                            MHD_OPTION_THREAD_POOL_SIZE, threads, MHD_OPTION_CONNECTION_TIMEOUT, timeout_seconds,
                            MHD_OPTION_CONNECTION_LIMIT, connection_limit, MHD_OPTION_NOTIFY_COMPLETED, completed,
                            completed_context, MHD_OPTION_UNESCAPE_CALLBACK, keep_encoded, NULL,
                            MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_END);
}
