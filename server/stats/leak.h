/* leak.h - whether memory grows with the iterations of a run, and by how much each.
 *
 * In: RSS at marks between iterations, when all that an iteration made is deleted again.
 * An allocator that warms up, a table that is made larger, a cache that fills: these grow too, at
 * the beginning or now and then, and then hold. A leak grows all the way. So two things are
 * asked of what follows the first eighth of the iterations: the slope of Theil and Sen (Sen,
 * Journal of the American Statistical Association 63 (1968)), and whether the smallest RSS rises
 * from each block of marks to the next. The method and its rates are in docs/STATISTICS.md.
 *
 * Pure: no state, any thread. Errors: TIDE_NOMEM. */
#ifndef TIDE_STATS_LEAK_H
#define TIDE_STATS_LEAK_H

#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

struct tide_leak_mark {
    double iterations; /* that are done */
    double rss;        /* bytes */
};

enum tide_leak_verdict {
    TIDE_LEAK_INCONCLUSIVE,
    TIDE_LEAK_NONE,
    TIDE_LEAK_FOUND,
};

struct tide_leak {
    enum tide_leak_verdict verdict;
    double slope, low, high; /* bytes per iteration with its 95 % interval; NAN: too few marks */
    int64_t iterations;      /* that were looked at */
    int64_t needed;          /* inconclusive: how many would settle it; else 0 */
};

#define TIDE_LEAK_LEAST 1.0 /* bytes per iteration: what growth must be ruled out for no leak */
#define TIDE_LEAK_MARKS 512 /* marks that are looked at, at the most */

/* Judge up to TIDE_LEAK_MARKS marks, in order of their iterations. `least`: growth below so many
 * bytes per iteration is no leak, unless it is seen to go on all the way. */
TIDE_CHECK enum tide_rc tide_leak_judge(const struct tide_leak_mark *marks, size_t n, double least,
                                        struct tide_leak *out, struct tide_error *e);

/* "no leak", "leak" or "inconclusive". */
const char *tide_leak_verdict_name(enum tide_leak_verdict v);

#endif
