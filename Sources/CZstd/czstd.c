#include "czstd.h"

#include <zstd.h>

void *weir_zstd_new(int level) {
    ZSTD_CCtx *context = ZSTD_createCCtx();
    if (context != 0) {
        ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, level);
        ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1);
        /* A library that was built without threads refuses this, and compresses in the caller's. */
        ZSTD_CCtx_setParameter(context, ZSTD_c_nbWorkers, 1);
    }
    return context;
}

void weir_zstd_free(void *context) { ZSTD_freeCCtx(context); }

size_t weir_zstd_output_size(void) { return ZSTD_CStreamOutSize(); }

int weir_zstd_step(
    void *context, const void *input, size_t count, size_t *taken, void *output, size_t capacity, size_t *given, int end) {
    ZSTD_inBuffer in = {input, count, 0};
    ZSTD_outBuffer out = {output, capacity, 0};
    size_t left = ZSTD_compressStream2(context, &out, &in, end ? ZSTD_e_end : ZSTD_e_continue);
    *taken = in.pos;
    *given = out.pos;
    if (ZSTD_isError(left)) return -1;
    return left != 0;
}

void *weir_unzstd_new(void) { return ZSTD_createDStream(); }

void weir_unzstd_free(void *context) { ZSTD_freeDStream(context); }

int weir_unzstd_step(
    void *context, const void *input, size_t count, size_t *taken, void *output, size_t capacity, size_t *given) {
    ZSTD_inBuffer in = {input, count, 0};
    ZSTD_outBuffer out = {output, capacity, 0};
    size_t left = ZSTD_decompressStream(context, &out, &in);
    *taken = in.pos;
    *given = out.pos;
    return ZSTD_isError(left) ? -1 : 0;
}

size_t weir_zstd_bound(size_t count) { return ZSTD_compressBound(count); }

size_t weir_zstd(const void *input, size_t count, int level, void *output, size_t capacity) {
    size_t written = ZSTD_compress(output, capacity, input, count, level);
    return ZSTD_isError(written) ? 0 : written;
}
