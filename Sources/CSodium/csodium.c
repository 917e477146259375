#include "csodium.h"

#include <sodium.h>

_Static_assert(WEIR_PASSWORD_HASH_SIZE == crypto_pwhash_STRBYTES, "the size of a password hash");

bool weir_sodium_start(void) { return sodium_init() >= 0; }
void weir_random(void *bytes, size_t count) { randombytes_buf(bytes, count); }

void weir_sodium_sha256(unsigned char digest[32], const void *bytes, size_t count) {
    crypto_hash_sha256(digest, bytes, count);
}

bool weir_equal(const void *a, const void *b, size_t count) { return sodium_memcmp(a, b, count) == 0; }

bool weir_password_hash(char text[WEIR_PASSWORD_HASH_SIZE], const char *password, size_t count) {
    return crypto_pwhash_str_alg(text, password, count, crypto_pwhash_OPSLIMIT_INTERACTIVE,
                                 crypto_pwhash_MEMLIMIT_INTERACTIVE, crypto_pwhash_ALG_ARGON2ID13) == 0;
}

bool weir_password_verify(const char *text, const char *password, size_t count) {
    return crypto_pwhash_str_verify(text, password, count) == 0;
}

bool weir_password_is_outdated(const char *text) {
    return crypto_pwhash_str_needs_rehash(text, crypto_pwhash_OPSLIMIT_INTERACTIVE,
                                          crypto_pwhash_MEMLIMIT_INTERACTIVE) != 0;
}
