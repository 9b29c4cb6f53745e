/* belongings.h - what a project has beside its row: in the store, in the data folder, in the cache.
 *
 *   DATA/repos/ID.git   its mirror      DATA/scenarios/ID   its own scenarios
 *   CACHE/builds/KEY    its builds
 *
 * Threads: any. Blocking. */
#ifndef TIDE_SCHEDULE_BELONGINGS_H
#define TIDE_SCHEDULE_BELONGINGS_H

#include "schedule/catalog.h"

/* DATA/repos/ID.git, freed by the caller; NULL when memory ends. */
char *tide_belongings_mirror(const struct tide_places *p, int64_t project);

/* What would go with the project, as JSON: what the store holds, and "cache_bytes". */
TIDE_CHECK enum tide_rc tide_belongings_count(const struct tide_places *p, struct tide_store *store,
                                              int64_t project, json_t **out, struct tide_error *e);

/* Remove the project's row and all that it has. BUSY while one of its runs is building or running.
 */
TIDE_CHECK enum tide_rc tide_belongings_remove(const struct tide_places *p,
                                               struct tide_store *store, int64_t project,
                                               struct tide_error *e);

#endif
