/* suite.h - the scenarios of a project: its own, from the tip of its branch, or Tidemark's.
 *
 *   DATA/scenarios/ID/TREE/...   own scenarios, as they stood at the branch's tip
 *
 * Threads: any, one at a time for a project. Blocking (git and an interpreter run). */
#ifndef TIDE_SCHEDULE_SUITE_H
#define TIDE_SCHEDULE_SUITE_H

#include "schedule/catalog.h"

/* DATA/scenarios/ID, freed by the caller; NULL when memory ends. */
char *tide_suite_folder(const struct tide_places *p, int64_t project);

/* Describe the scenarios of *c, unless those of `old` (may be NULL) are the same, and write them to
 * the store. `own`: Tidemark's, as described. INVALID with the field `scenarios`: there is no such
 * folder. */
TIDE_CHECK enum tide_rc tide_suite_find(const struct tide_places *p, struct tide_store *store,
                                        json_t *own, const struct tide_catalog *old,
                                        const atomic_bool *stop, struct tide_catalog *c,
                                        struct tide_error *e);

/* That the folder that the row names is there; INVALID as above. */
TIDE_CHECK enum tide_rc tide_suite_check(struct tide_repo *repo, const struct tide_project *row,
                                         struct tide_error *e);

#endif
