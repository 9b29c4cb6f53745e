/* candidates.h - the files on this machine that may be Python interpreters. Nothing is run here. */
#ifndef TIDE_BUILD_CANDIDATES_H
#define TIDE_BUILD_CANDIDATES_H

#include "base/error.h"
#include "build/pythons.h"

#include <stdbool.h>
#include <stddef.h>

struct tide_candidate {
    char *path;
    char *stands_for; /* the file behind links, by which doubles are known; NULL: never a double */
    const char
        *source; /* static: "path" or "configuration"; an installation's prefix may tell better */
    const struct tide_python_entry *entry; /* of the configuration; NULL: found otherwise */
    bool shim; /* it only forwards to an installation: when it fails it is no interpreter at all */
};

struct tide_candidates {
    struct tide_candidate *at;
    size_t n;
};

/* Gather: configured ones first, then PATH, VIRTUAL_ENV, Debian, pyenv, uv, conda and fetched ones.
 * What is named twice (the same file behind links) is given once, unless the configuration says how
 * to run it. `search` may be NULL, and outlives *out. The caller frees with tide_candidates_free,
 * on failure too. */
TIDE_CHECK enum tide_rc tide_candidates_gather(const struct tide_python_search *search,
                                               struct tide_candidates *out, struct tide_error *e);

/* Add one unless it is there already. */
TIDE_CHECK enum tide_rc tide_candidates_add(struct tide_candidates *c, const char *path,
                                            const char *source, struct tide_error *e);
void tide_candidates_free(struct tide_candidates *c);

/* The folder that pyenv keeps its versions in, new memory; NULL when memory ends. */
char *tide_candidates_pyenv(void);

#endif
