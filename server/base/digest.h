/* digest.h - SHA-256 and HMAC-SHA-256 (GnuTLS), as hexadecimal text: for what must not be guessed
 * or forged. What only names content uses base/hash.h, which is faster. */
#ifndef TIDE_DIGEST_H
#define TIDE_DIGEST_H

#include <stddef.h>

#define TIDE_DIGEST_TEXT 65 /* 64 hexadecimal digits and a terminator */

void tide_digest_sha256(const void *bytes, size_t n, char out[TIDE_DIGEST_TEXT]);
void tide_digest_hmac(const void *key, size_t key_size, const void *bytes, size_t n,
                      char out[TIDE_DIGEST_TEXT]);

#endif
