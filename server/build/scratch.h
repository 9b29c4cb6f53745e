/* scratch.h - folders whose contents belong to whoever is at work, and to nobody after a crash.
 *
 * Whoever puts something into the folder holds it (a shared lock); a sweep needs it alone (an
 * exclusive lock), so what it finds then was left by a process that died. No process ids are
 * compared: they are reused, above all in containers.
 *
 * Threads: any. */
#ifndef TIDE_BUILD_SCRATCH_H
#define TIDE_BUILD_SCRATCH_H

#include "base/error.h"

#include <stdbool.h>

/* Empty the folder unless somebody holds it; make it first when it is absent. */
TIDE_CHECK enum tide_rc tide_scratch_sweep(const char *folder, struct tide_error *e);

/* Whether somebody holds the folder, which is there. */
TIDE_CHECK enum tide_rc tide_scratch_is_held(const char *folder, bool *held, struct tide_error *e);

/* Hold the folder until *hold is closed; every hold is its own, in one process too. */
TIDE_CHECK enum tide_rc tide_scratch_hold(const char *folder, int *hold, struct tide_error *e);

/* Make a new folder in it; *out is its path, freed by the caller. Hold the folder before and while.
 */
TIDE_CHECK enum tide_rc tide_scratch_make(const char *folder, const char *name, char **out,
                                          struct tide_error *e);

#endif
