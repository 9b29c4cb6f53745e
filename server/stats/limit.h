/* limit.h - how much worse is too much: "2%,256KiB".
 *
 * Parts are parted by commas: a share of the base in percent, an amount in the metric's unit (bytes
 * with KiB, MiB, GiB, kB, MB, GB; times with us, ms, s). A change is beyond the limit when it
 * reaches all of them: a small share of much is not worth an alarm, nor is a large share of little.
 *
 * Pure: any thread. */
#ifndef TIDE_STATS_LIMIT_H
#define TIDE_STATS_LIMIT_H

#include "base/error.h"

#include <stdbool.h>

struct tide_limit {
    double share;  /* of the base: 0.02 for 2 % */
    double amount; /* in the metric's unit */
};

/* INVALID, with what is allowed, when `text` is no limit; the error has no field. */
TIDE_CHECK enum tide_rc tide_limit_parse(const char *text, struct tide_limit *out,
                                         struct tide_error *e);

/* The smallest difference from `base` that is beyond the limit. */
double tide_limit_from(const struct tide_limit *limit, double base);

#endif
