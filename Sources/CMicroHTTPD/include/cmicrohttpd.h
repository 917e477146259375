#ifndef WEIR_CMICROHTTPD_H
#define WEIR_CMICROHTTPD_H

#include <microhttpd.h>

/// Starts a daemon on a listening socket that the caller made; MHD_start_daemon is variadic, which Swift cannot call.
///
/// - `threads`: size of the pool that serves connections.
/// - `timeout_seconds`: a connection that is idle for so long is closed.
/// - `connection_limit`: connections at once.
///
/// Takes over `listen_socket`. Returns NULL when it cannot start.
struct MHD_Daemon *weir_mhd_start(int listen_socket, unsigned threads, unsigned timeout_seconds,
                                  unsigned connection_limit, MHD_AccessHandlerCallback handler, void *handler_context,
                                  MHD_RequestCompletedCallback completed, void *completed_context);

#endif
