/* cache.h - keeps the builds in the cache below a number of bytes (build/builder.h has its
 * folders; workers are left alone).
 *
 * A build goes whole: its folder is renamed to CACHE/tmp first and removed there, so whoever is
 * killed in between leaves nothing in CACHE/builds that could be taken for a build.
 *
 * Threads: any, but nobody uses the builds that are removed. Blocking. */
#ifndef TIDE_BUILD_CACHE_H
#define TIDE_BUILD_CACHE_H

#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

/* Bytes that the builds take on the disk. */
TIDE_CHECK enum tide_rc tide_cache_size(const char *cache, int64_t *bytes, struct tide_error *e);

struct tide_cache_gone {
    size_t builds;
    int64_t bytes;
};

/* Remove builds until at least `bytes` are free or all `keys` are gone: those that may go, in the
 * order in which they go, each ended by NUL, `n` bytes in all. One that is not there is passed
 * over. *gone says what went, on failure too. */
TIDE_CHECK enum tide_rc tide_cache_evict(const char *cache, int64_t bytes, const char *keys,
                                         size_t n, struct tide_cache_gone *gone,
                                         struct tide_error *e);

#endif
