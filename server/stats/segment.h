/* segment.h - where the level of a series changes, at the least penalised cost.
 *
 * The cost of a point is its squared distance from the level of its segment in units of its noise,
 * but no more than TIDE_SEGMENT_CAP: what is further off counts as an outlier. Each change costs a
 * penalty. This is the biweight loss of Fearnhead and Rigaill, "Changepoint detection in the
 * presence of outliers", Journal of the American Statistical Association 114 (2019). The penalty
 * lies above the cap and below three halves of it, so that one outlier never makes a segment, two
 * make one at either end of the series only, three anywhere.
 *
 * Pure: plain arrays in and out. Errors: TIDE_NOMEM. */
#ifndef TIDE_STATS_SEGMENT_H
#define TIDE_STATS_SEGMENT_H

#include "base/error.h"

#include <stddef.h>

#define TIDE_SEGMENT_CAP 15.0

struct tide_segment_series {
    const double *x;     /* values in order of position, all finite */
    const double *noise; /* standard deviation of each, above 0 */
    size_t n;
};

/* The penalty of a change in a series of n points. */
double tide_segment_penalty(size_t n);

/* The starts of all segments but the first, ascending, into starts[] (room for n). */
TIDE_CHECK enum tide_rc tide_segment_find(const struct tide_segment_series *s, size_t *starts,
                                          size_t *count, struct tide_error *e);

/* The cost of points from..to-1 as one segment, at the level that is best for them. `level` may be
 * NULL. `room` is n numbers of scratch. */
double tide_segment_cost(const struct tide_segment_series *s, size_t from, size_t to, double *level,
                         double *room);

#endif
