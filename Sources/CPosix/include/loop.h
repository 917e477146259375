#ifndef WEIR_LOOP_H
#define WEIR_LOOP_H

/* What an event loop waits on; Swift's Glibc module leaves these headers out. */
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/timerfd.h>

#endif
