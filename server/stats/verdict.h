/* verdict.h - whether head needs more than base: `same`, `better`, `worse` or `inconclusive`.
 *
 * In: the samples of two cells, and how far repeated samples of one cell lie apart on the host
 * (A/A). Lower is better. A difference must be certain and large enough:
 *
 * - certain: the interval of 95 % of the shift from base to head leaves 0 out. It comes from the
 *   ranks (stats/shift.h) where there are samples enough for that, else from the noise: of the
 *   A/A differences and of the samples themselves, whichever is larger. How many A/A differences
 *   that takes depends on the samples a side: 20 for one, 6 for two, 4 for three.
 * - large enough: it reaches the larger of the two floors. Memory shows no noise at all more often
 *   than not; then the floors alone tell a change from nothing.
 *
 * It is the same when the whole interval lies within the larger floor or, where that is larger, the
 * noise, up to 1 % of base: nobody can tell two runs of one cell apart any better. The method, its
 * parameters and its measured rates are in docs/STATISTICS.md.
 *
 * Pure: no state, any thread. Errors: TIDE_NOMEM. */
#ifndef TIDE_STATS_VERDICT_H
#define TIDE_STATS_VERDICT_H

#include "base/error.h"

#include <stddef.h>

enum tide_verdict {
    TIDE_INCONCLUSIVE,
    TIDE_SAME,
    TIDE_BETTER,
    TIDE_WORSE,
};

struct tide_sample { /* n values, at least one */
    const double *at;
    size_t n;
};

struct tide_floors { /* a difference must reach the larger */
    double absolute; /* in the unit of the values */
    double share;    /* of the median of base */
};

/* What is too small to count of the metric (its name), by docs/STATISTICS.md. */
struct tide_floors tide_floors_of(const char *metric);

struct tide_judgement {
    enum tide_verdict verdict;
    double effect;    /* head - base: the shift of Hodges and Lehmann */
    double low, high; /* its interval of 95 %, NAN where nothing gives one */
    double percent;   /* of the median of base, NAN where that is 0 */
    double noise;     /* two samples of one cell differ by less in 95 of 100 cases; NAN: unknown */
    int needs;        /* inconclusive: about so many more samples a side would decide; else 0 */
    char why[320];
};

#define TIDE_VERDICT_SAMPLES 1000 /* a side, at the most: the newest */
#define TIDE_NEEDS_MOST      1000 /* of `needs`: so many and more */

/* Judge head against base. `aa`: absolute differences between two samples of one cell, of cells
 * like these but not of these. `unit`: of the values, for `why`. */
TIDE_CHECK enum tide_rc tide_verdict_judge(struct tide_sample base, struct tide_sample head,
                                           struct tide_sample aa, struct tide_floors floors,
                                           const char *unit, struct tide_judgement *out,
                                           struct tide_error *e);

const char *tide_verdict_name(enum tide_verdict v);

/* A value in words: "1.5 MiB", "-12 ms", "3.2". */
void tide_verdict_write(double value, const char *unit, char *out, size_t room);

#endif
