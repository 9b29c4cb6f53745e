/* gauges.h - counts over the whole database, for whatever watches the daemon (GET /metrics). */
#ifndef TIDE_STORE_GAUGES_H
#define TIDE_STORE_GAUGES_H

#include "store/store.h"

#define TIDE_GAUGE_STATES 6

struct tide_gauges {
    int64_t runs[TIDE_GAUGE_STATES]; /* in the order of tide_gauge_states */
    int64_t batches, cells, builds_done, builds_failed;
    int64_t bytes; /* of the database's pages */
};
extern const char *const tide_gauge_states[TIDE_GAUGE_STATES];

TIDE_CHECK enum tide_rc tide_store_gauges(struct tide_store *s, struct tide_gauges *out,
                                          struct tide_error *e);

/* Builds on record that took at most bounds[i] seconds, how many there are, and how long all took.
 */
TIDE_CHECK enum tide_rc tide_store_build_times(struct tide_store *s, const double *bounds, size_t n,
                                               int64_t *counts, int64_t *all, double *seconds,
                                               struct tide_error *e);

#endif
