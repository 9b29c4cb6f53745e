/* fetch.h - CPythons of newer Debian releases, each under a prefix of its own beside the host's.
 *
 *   FOLDER/3.14.8/           what the packages hold below /usr: bin, include, lib, share
 *   FOLDER/3.14.8/tidemark.json   what it is; there once it has been seen to work
 *   FOLDER/3.14.8-debug/     the debug build
 *
 * The packages bring their own C library. PREFIX/bin/python3.14 is a program of ours that names the
 * private dynamic loader and the private libraries and hands over to libpython, so that it starts
 * like any other program and sys.executable, subprocesses and virtual environments are what they
 * are elsewhere.
 *
 * Threads: any; the folder is locked while one is fetched. Blocking. */
#ifndef TIDE_BUILD_FETCH_H
#define TIDE_BUILD_FETCH_H

#include "build/debian.h"

#define TIDE_FETCH_NOTE "tidemark.json" /* of PREFIX */

struct tide_fetch {
    struct tide_debian debian;
    const char *folder;            /* DATA/pythons */
    void (*say)(const char *line); /* told of each step; may be NULL */
};

/* Fetch the newest CPython `minor` ("3.14") of `suite`; NULL: of the first suite that has it. *out
 * is its prefix, freed by the caller, also when it was there already (*fresh is false then).
 * INVALID: no such minor version, or no suite has it (the text says what there is); FAILED: as of
 * debian.h, or it does not work here; BUSY: another fetch is at work. */
TIDE_CHECK enum tide_rc tide_fetch_python(const struct tide_fetch *f, const char *minor,
                                          const char *suite, bool debug, char **out, bool *fresh,
                                          struct tide_error *e);

/* Remove one by its name in the folder ("3.14.8"). INVALID: there is none of that name; the text
 * says which there are. */
TIDE_CHECK enum tide_rc tide_fetch_remove(const struct tide_fetch *f, const char *name,
                                          struct tide_error *e);

/* The names of those that were fetched to the end, separated by commas, in new memory; NULL when
 * memory ends. */
char *tide_fetch_list(const struct tide_fetch *f);

/* The folder of the libraries of the python under `prefix`, in new memory; NULL when none was
 * fetched there, or not to the end. */
char *tide_fetch_library(const char *prefix);

#endif
