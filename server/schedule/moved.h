/* moved.h - what was measured of a released version stays with it.
 *
 * A version that comes between others gives those behind it other hashes (build/repo.h). What they
 * hold is the same, so the rows of the store are given the new ones.
 *
 * Threads: any, one at a time for a project. Blocking (git runs). */
#ifndef TIDE_SCHEDULE_MOVED_H
#define TIDE_SCHEDULE_MOVED_H

#include "schedule/catalog.h"

/* Call it when the repository of *c was brought up to date; nothing is done unless it is made of
 * versions. */
TIDE_CHECK enum tide_rc tide_moved_follow(const struct tide_catalog *c, struct tide_store *store,
                                          struct tide_error *e);

#endif
