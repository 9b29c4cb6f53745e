/* prefix.h - makes a prefix that works out of Debian packages; the inner part of fetch.c.
 *
 * What is changed in what the packages brought: /usr becomes the prefix in _sysconfigdata*.py, so
 * that sysconfig tells of headers and libraries under the prefix; pyconfig.h, which includes one of
 * /usr/include/ARCHITECTURE, becomes that one; the program becomes one that names the private
 * loader; pip and setuptools are unpacked from Debian's wheels; sitecustomize.py (a link to the
 * host's /etc) and EXTERNALLY-MANAGED go. */
#ifndef TIDE_BUILD_PREFIX_H
#define TIDE_BUILD_PREFIX_H

#include "base/error.h"

#include <stdatomic.h>
#include <stdbool.h>

struct tide_prefix {
    const char *minor;   /* "3.14" */
    const char *program; /* "python3.14", "python3.14d" */
    const char *place;   /* where it will stand */
    const char *bench;   /* a folder to work in, on the same file system */
    const atomic_bool *stop;
    char *root;    /* what will be renamed to `place` */
    char *library; /* below `place`: the folder with libpython, the C library and its loader */
};

/* Unpack *.deb of the folder and make p->root of them. Freed with tide_prefix_clear, on failure
 * too. FAILED: what the packages hold is not what Debian's Pythons hold, or a tool failed. */
TIDE_CHECK enum tide_rc tide_prefix_make(struct tide_prefix *p, const char *packages,
                                         struct tide_error *e);

/* Once it stands in its place: add pip, and see whether it works. FAILED says what does not. */
TIDE_CHECK enum tide_rc tide_prefix_finish(const struct tide_prefix *p, struct tide_error *e);
void tide_prefix_clear(struct tide_prefix *p);

#endif
