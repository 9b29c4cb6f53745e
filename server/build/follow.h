/* follow.h - a recipe, followed: from a checked-out source to a prefix.
 *
 * On the bench (build/toolchain.h), whose folder stays the working folder, stand
 *
 *   source   a link to the worktree    prefix   what the recipe leaves for sys.path
 *   build, stage, tools, wheels        of the recipe's own, removed at the end */
#ifndef TIDE_BUILD_FOLLOW_H
#define TIDE_BUILD_FOLLOW_H

#include "build/builder.h"
#include "build/steps.h"

struct tide_work {
    struct tide_steps *steps; /* of the bench */
    const struct tide_recipe *recipe;
    const struct tide_python *python;
    const char *sha;
    const char *bench; /* its folder, absolute */
    const char *final; /* where the prefix will stand, absolute */
    int cpus;          /* that the build may use; 0: all */
};

/* What every kind is given, as one text: goes into the key. Static. */
const char *tide_follow_defaults(enum tide_recipe_kind kind);

/* ABSENT with what to install when a program that the recipe needs is not here. */
TIDE_CHECK enum tide_rc tide_follow_need(const struct tide_recipe *r, struct tide_error *e);

/* Run every step. FAILED with the line that says best why the commit does not build. */
TIDE_CHECK enum tide_rc tide_follow(const struct tide_work *w, struct tide_error *e);

#endif
