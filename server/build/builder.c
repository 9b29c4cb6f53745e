/* builder.c - see builder.h.
 *
 * The recipe: check the commit out, configure its converters/ with CMake for the python, build, and
 * keep the build folder without CMake's own files as the prefix. While it is built,
 * CACHE/tmp/KEY.XXXXXX holds
 *
 *   log      all that the steps said
 *   source   a link to the worktree: the paths that the compiler sees are the same below the folder
 * for every commit, so ccache knows a source again that did not change between two commits prefix
 * CMake's build folder
 *
 * and is renamed to CACHE/builds/KEY at the end. Of a commit that does not build only the log is
 * kept there. */
#include "build/builder.h"

#include "base/file.h"
#include "base/str.h"
#include "build/command.h"
#include "build/scratch.h"
#include "build/toolchain.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Part of every key: a change of the recipe makes other builds. */
#define RECIPE "cmake 1"
#define FLAGS  "-DCMAKE_BUILD_TYPE=Release"

static enum tide_rc make_key(const char *project, const char *sha, const struct tide_python *python,
                             struct tide_build *out, struct tide_error *e)
{
    struct tide_str s = {0};
    tide_str_printf(&s, "%s\n%s\n%s\n%s\n%s\n%s\n", RECIPE, project, sha, python->identity,
                    out->flags, out->compiler);
    bool failed = s.failed;
    if (!failed) tide_hash_text(s.at, s.length, out->key);
    tide_str_free(&s);
    return failed ? tide_fail(e, TIDE_NOMEM, "plan a build") : TIDE_OK;
}

static enum tide_rc sweep(const char *cache, struct tide_error *e)
{
    char *temporary = tide_format("%s/tmp", cache);
    enum tide_rc rc =
        temporary ? tide_scratch_sweep(temporary, e) : tide_fail(e, TIDE_NOMEM, "plan a build");
    free(temporary);
    return rc;
}

enum tide_rc tide_builder_plan(const struct tide_builder *b, const char *project, const char *sha,
                               const struct tide_python *python, struct tide_build *out,
                               struct tide_error *e)
{
    *out = (struct tide_build){0};
    if (python->reason)
        return tide_fail_field(e, "pythons", "%s cannot be used: %s", python->name, python->reason);
    char *cache = NULL;
    enum tide_rc rc = tide_toolchain_folder(b->cache, true, &cache, e);
    if (!rc) rc = sweep(cache, e);
    if (!rc) rc = tide_toolchain_compiler(b->stop, &out->compiler, e);
    if (rc) goto out;
    out->flags = strdup(FLAGS);
    rc = out->flags ? make_key(project, sha, python, out, e)
                    : tide_fail(e, TIDE_NOMEM, "plan a build");
    if (rc) goto out;
    out->folder = tide_format("%s/builds/%s", cache, out->key);
    out->prefix = tide_format("%s/builds/%s/prefix", cache, out->key);
    out->log = tide_format("%s/builds/%s/log", cache, out->key);
    if (!out->folder || !out->prefix || !out->log) {
        rc = tide_fail(e, TIDE_NOMEM, "plan a build");
        goto out;
    }
    out->cached = tide_file_exists(out->prefix);
out:
    free(cache);
    if (rc) tide_build_clear(out);
    return rc;
}

void tide_build_clear(struct tide_build *b)
{
    free(b->flags);
    free(b->compiler);
    free(b->folder);
    free(b->prefix);
    free(b->log);
    *b = (struct tide_build){0};
}

/* cmake -S source/converters -B prefix ..., in new memory. */
static char **make_configure(const struct tide_python *python, const char *flags)
{
    char **words = NULL;
    char *ninja = tide_build_which("ninja"), *ccache = tide_build_which("ccache");
    char *program = tide_format("-DPython_EXECUTABLE=%s", python->program);
    bool put = program && tide_build_words_add(&words, "cmake -S source/converters -B prefix") &&
               tide_build_words_put(&words, program) && tide_build_words_add(&words, flags) &&
               tide_build_words_put(&words, "-G") &&
               tide_build_words_put(&words, ninja ? "Ninja" : "Unix Makefiles");
    if (put && ccache)
        put = tide_build_words_add(&words, "-DCMAKE_C_COMPILER_LAUNCHER=ccache "
                                           "-DCMAKE_CXX_COMPILER_LAUNCHER=ccache");
    free(ninja);
    free(ccache);
    free(program);
    if (put) return words;
    tide_build_words_free(words);
    return NULL;
}

static enum tide_rc run_recipe(const struct tide_steps *steps, const struct tide_python *python,
                               const char *flags, struct tide_error *e)
{
    char jobs[16];
    snprintf(jobs, sizeof jobs, "%ld", sysconf(_SC_NPROCESSORS_ONLN));
    const char *const build[] = {"cmake", "--build", "prefix", "--parallel", jobs, NULL};
    char **configure = make_configure(python, flags);
    if (!configure) return tide_fail(e, TIDE_NOMEM, "build an extension");
    enum tide_rc rc = tide_steps_run(steps, (const char *const *)configure, e);
    if (!rc) rc = tide_steps_run(steps, build, e);
    tide_build_words_free(configure);
    return rc;
}

/* CMake's own files are worthless once the folder has moved, and would lie on sys.path. */
static enum tide_rc trim(const char *folder, struct tide_error *e)
{
    static const char *const own[] = {"source",
                                      "prefix/CMakeFiles",
                                      "prefix/CMakeCache.txt",
                                      "prefix/build.ninja",
                                      "prefix/Makefile",
                                      "prefix/cmake_install.cmake",
                                      "prefix/.ninja_log",
                                      "prefix/.ninja_deps"};
    enum tide_rc rc = TIDE_OK;
    for (size_t i = 0; !rc && i < sizeof own / sizeof *own; i++) {
        char *path = tide_format("%s/%s", folder, own[i]);
        rc = path ? tide_file_remove_tree(path, e) : tide_fail(e, TIDE_NOMEM, "keep a build");
        free(path);
    }
    return rc;
}

static enum tide_rc check_source(const struct tide_steps *steps, const char *worktree,
                                 const char *sha, struct tide_error *e)
{
    char *file = tide_format("%s/converters/CMakeLists.txt", worktree);
    if (!file) return tide_fail(e, TIDE_NOMEM, "build an extension");
    bool there = tide_file_exists(file);
    free(file);
    if (there) return TIDE_OK;
    tide_steps_note(steps, "error: commit %s has no converters/CMakeLists.txt to build", sha);
    return tide_fail(e, TIDE_FAILED, "commit %.12s has no converters/CMakeLists.txt to build", sha);
}

/* Check out and build on the bench. The worktree is gone when it returns. */
static enum tide_rc build(const struct tide_bench *bench, struct tide_repo *repo, const char *sha,
                          const struct tide_python *python, const struct tide_build *plan,
                          struct tide_error *e)
{
    char *worktree = NULL;
    char *link = tide_format("%s/source", bench->folder);
    enum tide_rc rc;
    if (!link) return tide_fail(e, TIDE_NOMEM, "build an extension");
    tide_steps_note(&bench->steps, "# commit %s for CPython %s (%s), %s", sha, python->version,
                    python->program, plan->compiler);
    tide_steps_note(&bench->steps, "$ git worktree add --detach source %s", sha);
    rc = tide_repo_checkout(repo, sha, &worktree, e);
    if (rc) goto out;
    assert(worktree); /* what a checkout that went well gives */
    if (symlink(worktree, link)) {
        rc = tide_fail_errno(e, "link %s to %s", link, worktree);
        goto out;
    }
    rc = check_source(&bench->steps, worktree, sha, e);
    if (!rc) rc = run_recipe(&bench->steps, python, plan->flags, e);
out:
    tide_repo_release(repo, &worktree);
    free(link);
    return rc;
}

/* Of a commit that does not build the log stays. Returns FAILED with *e as it is, or why even that
 * went wrong. */
static enum tide_rc keep_failure(struct tide_bench *bench, const struct tide_build *plan,
                                 struct tide_error *e)
{
    struct tide_error trouble = {0};
    char *prefix = tide_format("%s/prefix", bench->folder);
    enum tide_rc rc = prefix ? tide_file_remove_tree(prefix, &trouble)
                             : tide_fail(&trouble, TIDE_NOMEM, "keep a build's log");
    if (!rc) rc = trim(bench->folder, &trouble);
    if (!rc) rc = tide_bench_keep(bench, plan->folder, plan->prefix, &trouble);
    free(prefix);
    if (!rc) return TIDE_FAILED;
    if (e) *e = trouble;
    return rc;
}

enum tide_rc tide_builder_make(const struct tide_builder *b, struct tide_repo *repo,
                               const char *sha, const struct tide_python *python,
                               struct tide_build *plan, struct tide_error *e)
{
    struct tide_bench bench;
    char *cache = NULL;
    if (plan->cached) return TIDE_OK;
    enum tide_rc rc = tide_toolchain_need("cmake", "cmake", e);
    if (!rc) rc = tide_toolchain_folder(b->cache, true, &cache, e);
    if (rc) return rc;
    rc = tide_bench_open(&bench, cache, plan->key, b->stop, e);
    if (!rc) rc = build(&bench, repo, sha, python, plan, e);
    if (rc == TIDE_FAILED) {
        rc = keep_failure(&bench, plan, e);
    } else if (!rc) {
        rc = trim(bench.folder, e);
        if (!rc) rc = tide_bench_keep(&bench, plan->folder, plan->prefix, e);
    }
    tide_bench_close(&bench);
    free(cache);
    return rc;
}
