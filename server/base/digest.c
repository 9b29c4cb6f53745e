/* digest.c - see digest.h. */
#include "base/digest.h"

#include <gnutls/crypto.h>
#include <stdio.h>
#include <stdlib.h>

#define BYTES 32

/* Neither call can fail but for want of memory of a few hundred bytes: there is no answer to that
 * which would not weaken what stands on the digest. */
static void put(int code, const unsigned char digest[BYTES], char out[TIDE_DIGEST_TEXT])
{
    if (code) abort();
    for (size_t i = 0; i < BYTES; i++)
        snprintf(out + 2 * i, 3, "%02x", digest[i]);
}

void tide_digest_sha256(const void *bytes, size_t n, char out[TIDE_DIGEST_TEXT])
{
    unsigned char digest[BYTES];
    put(gnutls_hash_fast(GNUTLS_DIG_SHA256, bytes, n, digest), digest, out);
}

void tide_digest_hmac(const void *key, size_t key_size, const void *bytes, size_t n,
                      char out[TIDE_DIGEST_TEXT])
{
    unsigned char digest[BYTES];
    put(gnutls_hmac_fast(GNUTLS_MAC_SHA256, key, key_size, bytes, n, digest), digest, out);
}
