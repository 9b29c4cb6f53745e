/* settle.h - what the row of a project says, tried on its repository.
 *
 * Threads: any, one at a time for a project. Blocking (git runs). */
#ifndef TIDE_SCHEDULE_SETTLE_H
#define TIDE_SCHEDULE_SETTLE_H

#include "build/repo.h"
#include "store/store.h"

/* Bring the repository up to date and try everything that the row says; a recipe that names no kind
 * is told from the tree and written into the row. INVALID names the field. */
TIDE_CHECK enum tide_rc tide_settle(struct tide_repo *repo, struct tide_project *row,
                                    struct tide_error *e);

#endif
