#ifndef WEIR_CSODIUM_H
#define WEIR_CSODIUM_H

#include <stdbool.h>
#include <stddef.h>

/* By libsodium. Everything but the first function needs that it was called, and said true; it may be called often. */

bool weir_sodium_start(void);

/// From the kernel's generator.
void weir_random(void *bytes, size_t count);

void weir_sodium_sha256(unsigned char digest[32], const void *bytes, size_t count);

/// Takes as long whatever the bytes are.
bool weir_equal(const void *a, const void *b, size_t count);

enum {
    /// Bytes of the text of a password hash, with its zero.
    WEIR_PASSWORD_HASH_SIZE = 128,
};

/// argon2id with a salt of its own and the interactive limits (64 MiB, two passes), as text. False when there is no memory.
bool weir_password_hash(char text[WEIR_PASSWORD_HASH_SIZE], const char *password, size_t count);

/// Whether it is the password of that hash; also false when there is no memory.
bool weir_password_verify(const char *text, const char *password, size_t count);

/// Whether the hash was made with other limits than today's.
bool weir_password_is_outdated(const char *text);

#endif
