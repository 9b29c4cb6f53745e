/* pythons.h - which CPythons stand on this machine, and which of them Tidemark can run.
 *
 * Discovery looks at what the configuration names, PATH, VIRTUAL_ENV, Debian's python3.x, pyenv,
 * uv, conda and what was fetched, asks each interpreter about itself (`PYTHON -E -s -B -c ...`,
 * JSON on its output) and drops doubles (the same real prefix, version and ABI, run in the same
 * way). One that cannot be used is kept with the reason.
 *
 * Threads: none of its own; blocking (it runs the interpreters). Children die with the calling
 * thread. */
#ifndef TIDE_BUILD_PYTHONS_H
#define TIDE_BUILD_PYTHONS_H

#include "base/error.h"
#include "base/hash.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#define TIDE_LAUNCHER_MAX 32 /* words */

/* An interpreter that the configuration names. */
struct tide_python_entry {
    const char *path;                      /* of it, or of its prefix; absolute */
    const char *name;                      /* NULL: made from the version */
    const char **launcher, **library_path; /* NULL-terminated; NULL: none */
    bool no_site;                          /* runs do without site-packages */
};

/* Where to look beside the usual places. */
struct tide_python_search {
    const struct tide_python_entry *entries;
    size_t n;
    const char *fetched; /* folder of those that `tidemark pythons get` fetched; NULL: none */
};

struct tide_python {
    char *name;    /* unique in its list: "3.11.7"; where two share it, "3.11.2" and "3.11.2@debian"
                      style; or what the configuration calls it */
    char *version; /* "3.11.7", "3.14.0rc1" */
    char marks[4]; /* "t" free-threaded, "d" debug */
    char *abi;     /* SOABI and, where set, debug and free-threading marks */
    char *prefix;  /* sys.prefix */
    char *program; /* absolute path of the interpreter (not resolved into another prefix) */
    char *libpython; /* absolute path of the library to link with, "" for none */
    char *include;   /* folder of Python.h, "" for none */
    char *link; /* further words for the linker, separated by spaces: LIBS, SYSLIBS of sysconfig */
    char *
        loader; /* the dynamic loader that it runs with where that is not this machine's, else "" */
    char **launcher;     /* words put before the worker of a run, NULL-terminated; NULL: none */
    char **library_path; /* folders that its libraries are looked for in first, NULL-terminated */
    bool free_threaded, mimalloc, no_pymalloc; /* how it was built */
    bool no_site;                              /* runs do without site-packages */
    bool named;                                /* by the configuration */
    char *source; /* "path", "debian", "pyenv", "uv", "conda", "fetched", "venv", "configuration" */
    char *reason; /* why it cannot be used; NULL: usable */
    char facts[TIDE_HASH_TEXT];    /* hash of what its files were like: see tide_python_check */
    char identity[TIDE_HASH_TEXT]; /* hash of version, build, ABI, prefix and library (path, size,
                                      mtime) */
};

struct tide_pythons {
    struct tide_python *at; /* newest version first */
    size_t n;
};

/* Discover; `search` may be NULL. On success the caller owns *out (tide_pythons_free). A single bad
 * interpreter is no error. STOPPED when *stop turns true (stop may be NULL). */
TIDE_CHECK enum tide_rc tide_pythons_discover(const struct tide_python_search *search,
                                              const atomic_bool *stop, struct tide_pythons *out,
                                              struct tide_error *e);
void tide_pythons_free(struct tide_pythons *p);

/* Whether its program and its library are still the files that discovery saw: a few stat calls.
 * FAILED says which is gone or has changed. */
TIDE_CHECK enum tide_rc tide_python_check(const struct tide_python *p, struct tide_error *e);

/* The usable python that `spec` means: a name, a version ("3.12.1"), a minor version ("3.12": its
 * newest usable), or a program path. NULL with a reason in *e (INVALID: none, or present but not
 * usable and why). */
const struct tide_python *tide_pythons_find(const struct tide_pythons *p, const char *spec,
                                            struct tide_error *e);

/* The newest usable one, rather without a launcher / the one of that identity; NULL for none. */
const struct tide_python *tide_pythons_newest(const struct tide_pythons *p);
const struct tide_python *tide_pythons_identified(const struct tide_pythons *p,
                                                  const char *identity);

#endif
