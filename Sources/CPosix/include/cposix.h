#ifndef WEIR_CPOSIX_H
#define WEIR_CPOSIX_H

#include "cposix_files.h"
#include "cposix_process.h"
#include "cposix_serve.h"

/* Not part of Swift's Glibc module. */
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>

#endif
