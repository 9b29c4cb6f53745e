/* leaks.h - the verdict on a cell: whether its runs keep memory of each iteration (stats/leak.h).
 *
 * Threads: any. Blocks on the store. */
#ifndef TIDE_RUN_LEAKS_H
#define TIDE_RUN_LEAKS_H

#include "store/store.h"

#include <jansson.h>

/* *out is a new object {"verdict", "slope", "low", "high", "iterations", "needed"} (docs/API.md),
 * or null where no run of the cell that is done has marks of iterations. Up to the newest 20 runs
 * are judged: the verdict is the one that all of them have, else `inconclusive`; the numbers are of
 * the run whose slope is in the middle. */
TIDE_CHECK enum tide_rc tide_leaks_judge_cell(struct tide_store *s, int64_t cell, json_t **out,
                                              struct tide_error *e);

#endif
