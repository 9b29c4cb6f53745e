/* toolchain.h - the compiler of this machine, and the cache's folders; shared by builder.c and
 * worker_build.c. */
#ifndef TIDE_BUILD_TOOLCHAIN_H
#define TIDE_BUILD_TOOLCHAIN_H

#include "build/builder.h"
#include "build/steps.h"

#define TIDE_BUILD_DEADLINE_S 600

/* First line of `cc --version`, freed by the caller. ABSENT: there is none, and what to install. */
TIDE_CHECK enum tide_rc tide_toolchain_compiler(const atomic_bool *stop, char **out,
                                                struct tide_error *e);

/* The absolute path of the folder, made first when `make` is true; freed by the caller. */
TIDE_CHECK enum tide_rc tide_toolchain_folder(const char *folder, bool make, char **out,
                                              struct tide_error *e);

/* ABSENT with what to install when the program is not in PATH. */
TIDE_CHECK enum tide_rc tide_toolchain_need(const char *program, const char *package,
                                            struct tide_error *e);

/* A build at work: a folder in CACHE/tmp with its open log.  */
struct tide_bench {
    char *temporary; /* CACHE/tmp, held */
    int hold;
    char *folder; /* CACHE/tmp/KEY.XXXXXX */
    char *log;    /* its log */
    struct tide_steps steps;
};

TIDE_CHECK enum tide_rc tide_bench_open(struct tide_bench *t, const char *cache, const char *key,
                                        const atomic_bool *stop, struct tide_error *e);
/* Move what was made to `folder`, whole; what stood there goes, unless it has `product`, a path in
 * it. */
TIDE_CHECK enum tide_rc tide_bench_keep(struct tide_bench *t, const char *folder,
                                        const char *product, struct tide_error *e);
void tide_bench_close(struct tide_bench *t); /* removes what was not kept */

#endif
