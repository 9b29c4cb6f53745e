/* worker_build.c - tide_builder_worker of builder.h: the measuring worker, compiled for one python.
 *
 * One compiler call makes it from worker/python/ and worker/ring.c (tests left out). Its key is the
 * hash of those sources, of every header beside them, of the python, of the compiler and of the
 * words below, so the instrument that measures is always the one that this Tidemark ships. */
#include "build/builder.h"

#include "base/file.h"
#include "base/str.h"
#include "build/command.h"
#include "build/toolchain.h"

#include <assert.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FLAGS "-std=gnu11 -O2 -g -Wall -Wextra"
/* RPATH, not RUNPATH: LD_LIBRARY_PATH must not bring another library of the same name. */
#define LIBRARIES      "-Wl,--disable-new-dtags -pthread -lm -ldl"
#define SOURCE_CEILING (8u << 20)

static bool ends_in(const char *text, const char *end)
{
    size_t length = strlen(text), tail = strlen(end);
    return length >= tail && !strcmp(text + length - tail, end);
}

static int is_header(const struct dirent *entry)
{
    return ends_in(entry->d_name, ".h");
}

static int is_source(const struct dirent *entry)
{
    return ends_in(entry->d_name, ".c") && !ends_in(entry->d_name, "_test.c");
}

/* Append the folder's files that pass, in the order of their names. */
static enum tide_rc list_files(const char *folder, int (*passes)(const struct dirent *),
                               char ***files, struct tide_error *e)
{
    struct dirent **found = NULL;
    assert(folder);
    int n = scandir(folder, &found, passes, alphasort);
    bool put = true;
    if (n < 0) return tide_fail_errno(e, "list the worker's sources in %s", folder);
    for (int i = 0; i < n; i++) {
        char *path = put ? tide_format("%s/%s", folder, found[i]->d_name) : NULL;
        put = path && tide_build_words_put(files, path);
        free(path);
        free(found[i]);
    }
    free(found);
    return put ? TIDE_OK : tide_fail(e, TIDE_NOMEM, "list the worker's sources");
}

static enum tide_rc add_contents(struct tide_str *s, char *const *files, struct tide_error *e)
{
    for (; files && *files; files++) {
        char *bytes;
        size_t n;
        enum tide_rc rc = tide_file_read(*files, SOURCE_CEILING, &bytes, &n, e);
        if (rc) return rc;
        tide_str_printf(s, "%s %zu\n", strrchr(*files, '/') + 1, n);
        tide_str_add(s, bytes, n);
        free(bytes);
    }
    return TIDE_OK;
}

/* A worker to be: what goes in and where it will stand. */
struct plan {
    char *cache, *source, *inner; /* absolute folders: the cache, worker/, worker/python */
    char **files, **headers;
    char *compiler;
    char key[TIDE_HASH_TEXT];
    char *folder, *product;
};

static void clear_plan(struct plan *p)
{
    char *const owned[] = {p->cache, p->source, p->inner, p->compiler, p->folder, p->product};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++)
        free(owned[i]);
    tide_build_words_free(p->files);
    tide_build_words_free(p->headers);
}

static enum tide_rc find_sources(struct plan *p, struct tide_error *e)
{
    char *ring = tide_format("%s/ring.c", p->source);
    p->inner = tide_format("%s/python", p->source);
    enum tide_rc rc =
        p->inner && ring ? TIDE_OK : tide_fail(e, TIDE_NOMEM, "list the worker's sources");
    if (!rc) rc = list_files(p->inner, is_source, &p->files, e);
    if (!rc && !tide_build_words_put(&p->files, ring))
        rc = tide_fail(e, TIDE_NOMEM, "list the worker's sources");
    if (!rc) rc = list_files(p->inner, is_header, &p->headers, e);
    if (!rc) rc = list_files(p->source, is_header, &p->headers, e);
    free(ring);
    return rc;
}

static enum tide_rc make_key(struct plan *p, const struct tide_python *python, struct tide_error *e)
{
    struct tide_str s = {0};
    tide_str_printf(&s, "%s\n%s\n%s\n%s\n", FLAGS, LIBRARIES, p->compiler, python->identity);
    enum tide_rc rc = add_contents(&s, p->files, e);
    if (!rc) rc = add_contents(&s, p->headers, e);
    if (!rc && s.failed) rc = tide_fail(e, TIDE_NOMEM, "plan a worker");
    if (!rc) tide_hash_text(s.at, s.length, p->key);
    tide_str_free(&s);
    return rc;
}

static enum tide_rc make_plan(const struct tide_builder *b, const struct tide_python *python,
                              struct plan *p, struct tide_error *e)
{
    *p = (struct plan){0};
    enum tide_rc rc = tide_toolchain_folder(b->cache, true, &p->cache, e);
    if (!rc) rc = tide_toolchain_folder(b->worker_source, false, &p->source, e);
    if (!rc) rc = find_sources(p, e);
    if (!rc) rc = tide_toolchain_compiler(b->stop, &p->compiler, e);
    if (!rc) rc = make_key(p, python, e);
    if (rc) return rc;
    p->folder = tide_format("%s/workers/%s", p->cache, p->key);
    p->product = tide_format("%s/workers/%s/tidemark-worker", p->cache, p->key);
    return p->folder && p->product ? TIDE_OK : tide_fail(e, TIDE_NOMEM, "plan a worker");
}

static bool put_joined(char ***words, const char *option, const char *path)
{
    char *word = tide_format("%s%s", option, path);
    bool put = word && tide_build_words_put(words, word);
    free(word);
    return put;
}

/* Of a static library everything is taken: an extension module may need what the worker does not
 * call. */
static bool put_library(char ***words, const char *library)
{
    if (!ends_in(library, ".a")) return tide_build_words_put(words, library);
    return tide_build_words_put(words, "-Wl,--whole-archive") &&
           tide_build_words_put(words, library) &&
           tide_build_words_put(words, "-Wl,--no-whole-archive");
}

/* The folders that the worker's libraries are looked for in, and the loader that goes with them.
 * Linked is with this machine's C library; what libpython wants of a newer one is not sought. */
static bool put_places(char ***words, const struct tide_python *python, const char *folder)
{
    bool put = true;
    for (size_t i = 0; put && python->library_path && python->library_path[i]; i++)
        put = put_joined(words, "-Wl,-rpath,", python->library_path[i]);
    put = put && put_joined(words, "-Wl,-rpath,", folder);
    if (!python->loader || !*python->loader) return put;
    return put && put_joined(words, "-Wl,--dynamic-linker=", python->loader) &&
           tide_build_words_put(words, "-Wl,--allow-shlib-undefined");
}

static char **make_command(const struct plan *p, const struct tide_python *python)
{
    char **words = NULL;
    const char *slash = strrchr(python->libpython, '/');
    char *folder = strndup(python->libpython, slash ? (size_t)(slash - python->libpython) : 0);
    bool put = folder && tide_build_words_add(&words, "cc " FLAGS) &&
               put_joined(&words, "-I", p->source) && put_joined(&words, "-I", p->inner) &&
               put_joined(&words, "-I", python->include);
    for (size_t i = 0; put && p->files[i]; i++)
        put = tide_build_words_put(&words, p->files[i]);
    put = put && tide_build_words_add(&words, "-o tidemark-worker") &&
          put_library(&words, python->libpython) && put_places(&words, python, folder) &&
          tide_build_words_add(&words, python->link) && tide_build_words_add(&words, LIBRARIES);
    free(folder);
    if (put) return words;
    tide_build_words_free(words);
    return NULL;
}

/* Compile on a bench; the log is kept either way. */
static enum tide_rc compile(const struct plan *p, const struct tide_python *python,
                            const atomic_bool *stop, struct tide_error *e)
{
    struct tide_bench bench;
    struct tide_error failure = {0}, trouble = {0};
    char **command = make_command(p, python);
    if (!command) return tide_fail(e, TIDE_NOMEM, "compile a worker");
    enum tide_rc rc = tide_bench_open(&bench, p->cache, p->key, stop, e);
    if (rc) goto out;
    rc = tide_steps_run(&bench.steps, (const char *const *)command, &failure);
    if (!rc || rc == TIDE_FAILED) {
        enum tide_rc kept = tide_bench_keep(&bench, p->folder, p->product, &trouble);
        if (kept) {
            rc = kept;
            failure = trouble;
        }
    }
    if (rc == TIDE_FAILED)
        rc = tide_fail(e, rc, "the worker does not compile for CPython %s: %.600s (log: %s/log)",
                       python->version, failure.text, p->folder);
    else if (rc && e)
        *e = failure;
out:
    tide_bench_close(&bench);
    tide_build_words_free(command);
    return rc;
}

enum tide_rc tide_builder_worker(const struct tide_builder *b, const struct tide_python *python,
                                 char **out, struct tide_error *e)
{
    struct plan plan;
    *out = NULL;
    if (python->reason)
        return tide_fail_field(e, "pythons", "%s cannot be used: %s", python->name, python->reason);
    enum tide_rc rc = make_plan(b, python, &plan, e);
    if (!rc && !tide_file_exists(plan.product)) rc = compile(&plan, python, b->stop, e);
    if (!rc) {
        *out = plan.product;
        plan.product = NULL;
    }
    clear_plan(&plan);
    return rc;
}
