#include "czlib.h"

#include <limits.h>
#include <zlib.h>

/* The head and the tail of a gzip member are larger than those of a zlib stream, which compressBound counts. */
size_t weir_gzip_bound(size_t count) { return compressBound(count) + 32; }

size_t weir_gzip(const void *input, size_t count, int level, void *output, size_t capacity) {
    if (count > UINT_MAX || capacity > UINT_MAX) return 0;
    z_stream stream = {0};
    /* 15 bits of window, and 16 for the gzip format. */
    if (deflateInit2(&stream, level, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK) return 0;
    stream.next_in = (Bytef *)input;
    stream.avail_in = (uInt)count;
    stream.next_out = output;
    stream.avail_out = (uInt)capacity;
    int status = deflate(&stream, Z_FINISH);
    size_t written = stream.total_out;
    deflateEnd(&stream);
    return status == Z_STREAM_END ? written : 0;
}
