/* hash.c - see hash.h. */
#include "base/hash.h"

#include <stdio.h>
#include <xxhash.h>

void tide_hash_text(const void *bytes, size_t n, char out[TIDE_HASH_TEXT])
{
    XXH128_hash_t h = XXH3_128bits(bytes, n);
    snprintf(out, TIDE_HASH_TEXT, "%016llx%016llx", (unsigned long long)h.high64,
             (unsigned long long)h.low64);
}

uint64_t tide_hash_64(const void *bytes, size_t n)
{
    return XXH3_64bits(bytes, n);
}
