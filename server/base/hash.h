/* hash.h - the content hash that names cached things and scenario versions (XXH3, 128 bits). */
#ifndef TIDE_HASH_H
#define TIDE_HASH_H

#include <stddef.h>

#define TIDE_HASH_TEXT 33 /* 32 hexadecimal digits and a terminator */

void tide_hash_text(const void *bytes, size_t n, char out[TIDE_HASH_TEXT]);

#endif
