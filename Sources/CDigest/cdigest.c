/* The low-level calls are marked deprecated since OpenSSL 3.0, yet they are the only ones that link statically without
   the provider machinery, and they use the same SHA-NI code. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "cdigest.h"

#include <openssl/sha.h>

size_t weir_sha256_context_size(void) { return sizeof(SHA256_CTX); }
void weir_sha256_init(void *context) { SHA256_Init(context); }
void weir_sha256_update(void *context, const void *bytes, size_t count) { SHA256_Update(context, bytes, count); }
void weir_sha256_final(void *context, unsigned char digest[32]) { SHA256_Final(digest, context); }
