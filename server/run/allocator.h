/* allocator.h - the allocators that a run can be given, and the environment that brings one about.
 *
 *   pymalloc   CPython's own for small objects, over the C library's malloc
 *   malloc     the C library's for everything
 *   mimalloc   CPython's, from 3.13 on where it was built with it
 *   jemalloc   the library, preloaded, for everything
 *   tcmalloc   the same
 *
 * Only the worker gets it: neither the probe nor a build. Of a python only what allocator it was
 * built with and where its libraries stand are looked at (build/pythons.h). Threads: any. */
#ifndef TIDE_RUN_ALLOCATOR_H
#define TIDE_RUN_ALLOCATOR_H

#include "base/error.h"
#include "build/pythons.h"

/* NAME=VALUE for the worker's environment; unused ones are NULL. */
struct tide_allocator {
    char *settings[2];
};

/* Whether `python` can run with the allocator of that name: INVALID, field "allocators", says which
 * there are, or why this one not here. */
TIDE_CHECK enum tide_rc tide_allocator_check(const char *name, const struct tide_python *python,
                                             struct tide_error *e);

/* The one that `python` has when nothing is asked for; static. */
const char *tide_allocator_default(const struct tide_python *python);

/* The environment for it. On success the caller frees *out with tide_allocator_clear; errors as of
 * tide_allocator_check, and NOMEM. */
TIDE_CHECK enum tide_rc tide_allocator_settle(const char *name, const struct tide_python *python,
                                              struct tide_allocator *out, struct tide_error *e);
void tide_allocator_clear(struct tide_allocator *a);

#endif
