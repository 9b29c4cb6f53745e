/* changes.h - change points of a series of measurements along a line of commits.
 *
 * In: one value a position, in order; NAN where a position has none. Several samples of a position
 * become one value, their median (tide_robust_median): a position counts once, however often it was
 * measured, since samples of one build share what is particular to that build.
 * Out: steps and creeps, each with effect, interval and status. A change is `confirmed`, or
 * `suspect` while the series has too few points after it: the next ones confirm or drop it.
 *
 * The method, its parameters and its measured rates are in docs/STATISTICS.md. The whole series is
 * analysed each time; 5,000 points take some milliseconds.
 *
 * Pure: no state, any thread. Scale free: but for the floors, multiplying all values by a factor
 * multiplies the effects and changes nothing else. */
#ifndef TIDE_STATS_CHANGES_H
#define TIDE_STATS_CHANGES_H

#include "base/error.h"

#include <stddef.h>

enum tide_change_kind {
    TIDE_STEP,  /* from one position to the next */
    TIDE_CREEP, /* little by little, from `index` to `end` */
};

enum tide_change_status {
    TIDE_SUSPECT,
    TIDE_CONFIRMED,
};

struct tide_change {
    enum tide_change_kind kind;
    enum tide_change_status status;
    size_t index;         /* of the first position after the change, or where a creep sets in */
    size_t end;           /* where a creep has ended; `index` for a step */
    double before, after; /* the levels on both sides, in the unit of the values */
    double effect;        /* the Hodges-Lehmann shift from one side to the other */
    double low, high;     /* its interval of 95 % */
};

/* What is too small to count. Both of a pair hold: a change must reach the larger. */
struct tide_change_options {
    double floor, floor_share; /* where the series shows no noise: absolute, and as a share of the
                                  level; without noise nothing else tells a change from nothing */
    double least, least_share; /* everywhere: what is not worth an alarm. 0: whatever is certain */
};

/* A share of 0.001 as the floor, TIDE_FLOOR_PAGES pages beside it when all values are whole pages
 * of 4,096 bytes, and no `least`. */
struct tide_change_options tide_change_defaults(const double *values, size_t n);

#define TIDE_FLOOR_PAGES 8

/* The change points in order of index, into *out, which the caller frees; NULL when *count is 0.
 * Errors: TIDE_INVALID (an infinite value, an option below 0 or not finite), TIDE_NOMEM. */
TIDE_CHECK enum tide_rc tide_changes_find(const double *values, size_t n,
                                          const struct tide_change_options *options,
                                          struct tide_change **out, size_t *count,
                                          struct tide_error *e);

#endif
