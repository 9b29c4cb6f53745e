/* builder.h - makes what a run needs: the extension of a commit, and the worker, for a python.
 *
 * Both live in the build cache under their key, a hash of all that goes in; a finished build is
 * renamed into place whole, so an interrupted one leaves nothing that could be taken for a build.
 *
 *   CACHE/builds/KEY/prefix/...   importable: goes on sys.path     CACHE/builds/KEY/log
 *   CACHE/workers/KEY/tidemark-worker                              CACHE/workers/KEY/log
 *
 * Threads: any, but one builder at a time per key. Blocking. */
#ifndef TIDE_BUILD_BUILDER_H
#define TIDE_BUILD_BUILDER_H

#include "base/hash.h"
#include "build/pythons.h"
#include "build/recipe.h"
#include "build/repo.h"

#include <stdbool.h>

struct tide_builder {
    const char *cache;         /* folder of the build cache */
    const char *worker_source; /* folder `worker/` of the installed Tidemark */
    const atomic_bool *stop;
};

struct tide_subject { /* what is built; borrowed */
    int64_t project;  /* in the store */
    struct tide_repo *repo;
    const struct tide_recipe *recipe;
    const char *sha;
};

struct tide_build {
    char key[TIDE_HASH_TEXT];
    char *flags;    /* what the recipe is given beside its defaults */
    char *compiler; /* first line of `cc --version` */
    char *folder;   /* CACHE/builds/KEY */
    char *prefix;   /* CACHE/builds/KEY/prefix */
    char *log;      /* path of its log; exists after tide_builder_make, failed or not */
    char *steps;    /* JSON of its steps (build/steps.h) after tide_builder_make, else NULL */
    bool cached;    /* it stood in the cache already */
    int cpus;       /* that it may use; 0: all */
};

/* Fill *out with the key and the paths for this subject and python. Nothing is built. The key holds
 * what the recipe's folder contains at the commit, not the commit itself: commits that do not touch
 * it share one build. The caller frees with tide_build_clear. */
TIDE_CHECK enum tide_rc tide_builder_plan(const struct tide_builder *b,
                                          const struct tide_subject *subject,
                                          const struct tide_python *python, struct tide_build *out,
                                          struct tide_error *e);
void tide_build_clear(struct tide_build *b);

/* The same for many commits: what their builds have in common, and what each commit holds, is found
 * once, by two processes in all. */
struct tide_survey;

/* Survey the n commits; the subject's own is not looked at. What is given is borrowed, and outlives
 * *out, which the caller frees. */
TIDE_CHECK enum tide_rc tide_survey_make(const struct tide_builder *b,
                                         const struct tide_subject *subject,
                                         const char *const *shas, size_t n,
                                         struct tide_survey **out, struct tide_error *e);
void tide_survey_free(struct tide_survey *s); /* NULL is a no-op */

/* As tide_builder_plan, for the ith of its commits. */
TIDE_CHECK enum tide_rc tide_survey_plan(const struct tide_survey *s, size_t i,
                                         const struct tide_python *python, struct tide_build *out,
                                         struct tide_error *e);

/* Make the planned build: check out, follow the recipe, keep in the cache. FAILED with its last
 * error line in *e when the commit does not build (the log says all): CACHE/builds/KEY/log is kept,
 * prefix is not. Any other code is the machine's fault, and nothing is kept. */
TIDE_CHECK enum tide_rc tide_builder_make(const struct tide_builder *b,
                                          const struct tide_subject *subject,
                                          const struct tide_python *python, struct tide_build *plan,
                                          struct tide_error *e);

/* The folders that go on sys.path, in their order: NULL-terminated, freed by the caller with
 * tide_build_words_free. The build stands in the cache. */
TIDE_CHECK enum tide_rc tide_build_paths(const struct tide_build *b, char ***out,
                                         struct tide_error *e);

/* Append what the build with this key has said since byte `from` while it is at work; ABSENT when
 * none is. */
TIDE_CHECK enum tide_rc tide_builder_live_log(const char *cache, const char *key, size_t from,
                                              struct tide_str *out, struct tide_error *e);

/* The worker for this python, compiled on first use. *out is its absolute path, freed by the
 * caller. FAILED names the log. */
TIDE_CHECK enum tide_rc tide_builder_worker(const struct tide_builder *b,
                                            const struct tide_python *python, char **out,
                                            struct tide_error *e);

#endif
