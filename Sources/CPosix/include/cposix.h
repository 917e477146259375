#ifndef WEIR_CPOSIX_H
#define WEIR_CPOSIX_H

#include "loop.h"
#endif
