/* hash.h - the content hash that names cached things and scenario versions (XXH3, 128 bits). */
#ifndef TIDE_HASH_H
#define TIDE_HASH_H

#include <stddef.h>
#include <stdint.h>

#define TIDE_HASH_TEXT 33 /* 32 hexadecimal digits and a terminator */

void tide_hash_text(const void *bytes, size_t n, char out[TIDE_HASH_TEXT]);

/* XXH3, 64 bits, seed 0: the check of a chunk of a tide stream. */
uint64_t tide_hash_64(const void *bytes, size_t n);

#endif
