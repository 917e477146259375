#ifndef WEIR_CZLIB_H
#define WEIR_CZLIB_H

#include <stddef.h>

/// Most bytes that weir_gzip makes of so many.
size_t weir_gzip_bound(size_t count);

/// Compresses in one go to a gzip member (RFC 1952).
///
/// \param level 1 is quick, 9 is small.
/// \return the bytes written; 0 when it cannot.
size_t weir_gzip(const void *input, size_t count, int level, void *output, size_t capacity);

#endif
