#ifndef WEIR_CMICROHTTPD_H
#define WEIR_CMICROHTTPD_H

#include <microhttpd.h>

#endif
