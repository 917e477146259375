#ifndef WEIR_CDIGEST_H
#define WEIR_CDIGEST_H

#include <stddef.h>

/// SHA-256 (FIPS 180-4) by OpenSSL's libcrypto. A context is `weir_sha256_size` bytes that the caller owns;
/// it needs no clean-up.
size_t weir_sha256_context_size(void);
void weir_sha256_init(void *context);
void weir_sha256_update(void *context, const void *bytes, size_t count);
void weir_sha256_final(void *context, unsigned char digest[32]);

#endif
