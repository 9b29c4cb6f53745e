/* debian.h - packages of other Debian releases, got by apt without the host's apt noticing.
 *
 * Each suite has a folder CACHE/apt/SUITE: apt's configuration, sources, lists and an empty package
 * status of its own, so that a package's dependencies are all of them. apt checks the signature of
 * the suite's index against the keyring that the host's debian-archive-keyring package brought, and
 * every package against the index.
 *
 * Threads: any; one process at a time per folder. Blocking. */
#ifndef TIDE_BUILD_DEBIAN_H
#define TIDE_BUILD_DEBIAN_H

#include "base/error.h"

#include <stdatomic.h>
#include <stdbool.h>

struct tide_debian {
    const char *cache;  /* CACHE */
    const char *mirror; /* URI with dists/ and pool/ in it; NULL: that of the host's own sources */
    bool allow_expired; /* take an index whose Valid-Until has passed */
    const atomic_bool *stop;
};

/* The suites newer than Debian 12, in the order in which they are asked; NULL-terminated. */
extern const char *const tide_debian_suites[];

/* Bring the suite's index up to date. INVALID: no such suite, or one of an odd name; FAILED: the
 * mirror cannot be reached, or what it gave is not to be trusted: the text says which and what to
 * do. */
TIDE_CHECK enum tide_rc tide_debian_update(const struct tide_debian *d, const char *suite,
                                           struct tide_error *e);

/* The version of a package ("3.14.2-1"), freed by the caller; ABSENT: the suite has none of that
 * name. */
TIDE_CHECK enum tide_rc tide_debian_version(const struct tide_debian *d, const char *suite,
                                            const char *package, char **out, struct tide_error *e);

/* The packages python3.N of the suite, oldest first; freed with tide_build_words_free; NULL for
 * none. */
TIDE_CHECK enum tide_rc tide_debian_pythons(const struct tide_debian *d, const char *suite,
                                            char ***out, struct tide_error *e);

/* Download the packages (NULL-terminated) and all they depend on into `folder`, as *.deb. */
TIDE_CHECK enum tide_rc tide_debian_download(const struct tide_debian *d, const char *suite,
                                             char *const *packages, const char *folder,
                                             struct tide_error *e);

#endif
