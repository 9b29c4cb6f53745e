/* allocator.c - see allocator.h.
 *
 * PYTHONMALLOC is set whatever the allocator, so that one in the daemon's own environment does not
 * come to stand behind another name. A preloaded library takes the place of the C library's malloc;
 * with PYTHONMALLOC=malloc all objects go through it, as they would not through pymalloc, whose
 * arenas come from mmap.
 *
 * The library must be one for the C library that the worker runs with. A python with its own loader
 * therefore gets only what stands in its library path: the dynamic loader would say a word about a
 * foreign one, and the run would go on without it under its name. */
#include "run/allocator.h"

#include "base/file.h"
#include "base/str.h"

#include <stdlib.h>
#include <string.h>

#if defined(__x86_64__)
#    define MULTIARCH "x86_64-linux-gnu"
#elif defined(__aarch64__)
#    define MULTIARCH "aarch64-linux-gnu"
#else
#    define MULTIARCH "."
#endif

static const struct allocator {
    const char *name, *python; /* the latter for PYTHONMALLOC */
    const char *libraries[3];  /* to preload: the first that is there */
    const char *package;       /* of Debian */
} allocators[] = {
    {"pymalloc", "pymalloc", {NULL}, NULL},
    {"malloc", "malloc", {NULL}, NULL},
    {"mimalloc", "mimalloc", {NULL}, NULL},
    {"jemalloc", "malloc", {"libjemalloc.so.2", NULL}, "libjemalloc2"},
    {"tcmalloc",
     "malloc",
     {"libtcmalloc_minimal.so.4", "libtcmalloc.so.4", NULL},
     "libtcmalloc-minimal4"},
};

static char *find_in(const char *folder, const struct allocator *a)
{
    for (size_t i = 0; a->libraries[i]; i++) {
        char *path = tide_format("%s/%s", folder, a->libraries[i]);
        if (path && tide_file_exists(path)) return path;
        free(path);
    }
    return NULL;
}

/* The library for this python, in new memory; NULL: there is none. */
static char *find_library(const struct allocator *a, const struct tide_python *python)
{
    static const char *const folders[] = {"/usr/local/lib", "/usr/lib/" MULTIARCH, "/usr/lib64",
                                          "/usr/lib", "/lib/" MULTIARCH};
    char *found = NULL;
    for (size_t i = 0; !found && python->library_path && python->library_path[i]; i++)
        found = find_in(python->library_path[i], a);
    bool foreign = python->loader && *python->loader;
    for (size_t i = 0; !found && !foreign && i < sizeof folders / sizeof *folders; i++)
        found = find_in(folders[i], a);
    return found;
}

static const struct allocator *find(const char *name)
{
    for (size_t i = 0; i < sizeof allocators / sizeof *allocators; i++)
        if (!strcmp(allocators[i].name, name)) return &allocators[i];
    return NULL;
}

static enum tide_rc refuse_preload(const struct allocator *a, const struct tide_python *python,
                                   struct tide_error *e)
{
    if (python->loader && *python->loader)
        return tide_fail_field(e, "allocators",
                               "%s runs with a C library of its own, and there is no %s in its "
                               "library path",
                               python->name, a->libraries[0]);
    return tide_fail_field(e, "allocators",
                           "%s is not on this machine (%s): install it with `apt-get install %s`",
                           a->name, a->libraries[0], a->package);
}

/* *library, in new memory: what to preload; NULL: nothing. */
static enum tide_rc check(const char *name, const struct tide_python *python,
                          const struct allocator **out, char **library, struct tide_error *e)
{
    const struct allocator *a = find(name);
    *out = a;
    *library = NULL;
    if (!a)
        return tide_fail_field(e, "allocators",
                               "no allocator \"%.40s\"; there is pymalloc, malloc, mimalloc, "
                               "jemalloc, tcmalloc",
                               name);
    if (python->free_threaded && strcmp(name, "mimalloc") != 0)
        return tide_fail_field(e, "allocators", "%s is free-threaded: it runs with mimalloc only",
                               python->name);
    if (!strcmp(name, "mimalloc") && !python->mimalloc)
        return tide_fail_field(e, "allocators",
                               "%s was built without mimalloc, which CPython has from 3.13 on",
                               python->name);
    if (!strcmp(name, "pymalloc") && python->no_pymalloc)
        return tide_fail_field(e, "allocators", "%s was built --without-pymalloc", python->name);
    if (!a->libraries[0]) return TIDE_OK;
    *library = find_library(a, python);
    return *library ? TIDE_OK : refuse_preload(a, python, e);
}

enum tide_rc tide_allocator_check(const char *name, const struct tide_python *python,
                                  struct tide_error *e)
{
    const struct allocator *a;
    char *library;
    enum tide_rc rc = check(name, python, &a, &library, e);
    free(library);
    return rc;
}

const char *tide_allocator_default(const struct tide_python *python)
{
    if (python->free_threaded) return "mimalloc";
    return python->no_pymalloc ? "malloc" : "pymalloc";
}

enum tide_rc tide_allocator_settle(const char *name, const struct tide_python *python,
                                   struct tide_allocator *out, struct tide_error *e)
{
    const struct allocator *a;
    char *library;
    *out = (struct tide_allocator){0};
    enum tide_rc rc = check(name, python, &a, &library, e);
    if (rc) return rc;
    out->settings[0] = tide_format("PYTHONMALLOC=%s", a->python);
    if (library) out->settings[1] = tide_format("LD_PRELOAD=%s", library);
    if (!out->settings[0] || (library && !out->settings[1])) {
        tide_allocator_clear(out);
        rc = tide_fail(e, TIDE_NOMEM, "choose an allocator");
    }
    free(library);
    return rc;
}

void tide_allocator_clear(struct tide_allocator *a)
{
    free(a->settings[0]);
    free(a->settings[1]);
    *a = (struct tide_allocator){0};
}
