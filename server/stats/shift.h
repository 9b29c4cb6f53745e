/* shift.h - by how much one sample lies above another, without assuming a distribution.
 *
 * The effect is the shift of Hodges and Lehmann, "Estimates of location based on rank tests",
 * Annals of Mathematical Statistics 34 (1963): the median of all differences between one value of
 * each sample. Its interval is made of the differences whose ranks the Mann-Whitney test would not
 * reject (Hollander, Wolfe and Chicken, Nonparametric Statistical Methods, 3rd ed., section 4.3).
 *
 * Pure: plain arrays in, a plain struct out. Errors: TIDE_NOMEM. */
#ifndef TIDE_STATS_SHIFT_H
#define TIDE_STATS_SHIFT_H

#include "base/error.h"

#include <stddef.h>

struct tide_shift {
    double effect; /* head - base, in their unit */
    double low,
        high; /* the interval; -INFINITY and INFINITY when the samples are too few for one */
};

/* The shift from base to head, with an interval that holds the true one with the given confidence
 * (0.95, say) or more; both samples hold at least one value. The null distribution of the ranks is
 * exact up to 400 pairs or 8 values in the smaller sample, normal above that. Time and memory grow
 * with the pairs: give 1,000 values a sample at the most. */
TIDE_CHECK enum tide_rc tide_shift_estimate(const double *base, size_t n_base, const double *head,
                                            size_t n_head, double confidence,
                                            struct tide_shift *out, struct tide_error *e);

#endif
