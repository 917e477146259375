#ifndef WEIR_CZSTD_H
#define WEIR_CZSTD_H

#include <stddef.h>

/// Zstandard (RFC 8878) by libzstd: frames with a checksum, compressed in a thread beside the caller's. Null when there is no memory.
void *weir_zstd_new(int level);
void weir_zstd_free(void *context);
/// How large an output buffer should be.
size_t weir_zstd_output_size(void);
/// Compresses a piece as far as the output has room; how much was taken and given. At `end` the frame is closed.
/// Returns 0 when everything was taken and, at the end, written; 1 when there is more to write; -1 for an error.
int weir_zstd_step(
    void *context, const void *input, size_t count, size_t *taken, void *output, size_t capacity, size_t *given, int end);

/// The way back. Returns -1 for what is no zstd, or damaged; 0 otherwise, and then there is more when the output is full or the input
/// is not empty.
void *weir_unzstd_new(void);
void weir_unzstd_free(void *context);
int weir_unzstd_step(
    void *context, const void *input, size_t count, size_t *taken, void *output, size_t capacity, size_t *given);

/// Most bytes that weir_zstd makes of so many.
size_t weir_zstd_bound(size_t count);

/// Compresses in one go to one frame.
///
/// \return the bytes written; 0 when it cannot.
size_t weir_zstd(const void *input, size_t count, int level, void *output, size_t capacity);

#endif
