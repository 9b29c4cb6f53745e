/* creep.h - one slow change told from several steps.
 *
 * A creep is a level, then a straight way, then another level: y = before + effect * u, where u
 * climbs from 0 at `begin` to 1 at `end`. Its cost is counted as that of segments (segment.h), so
 * that the two explanations of the same points can be compared.
 *
 * Pure: plain arrays in, a plain struct out. */
#ifndef TIDE_STATS_CREEP_H
#define TIDE_STATS_CREEP_H

#include "stats/segment.h"

#include <stdbool.h>

struct tide_creep {
    size_t begin;          /* the last point at the level before */
    size_t end;            /* the first point at the level after */
    double before, effect; /* least squares without the outliers */
    double deviation;      /* the standard error of the effect */
    double cost;
};

/* The best creep through the points from..to-1 that begins before `first` and ends at or after
 * `last`; false when there is none of TIDE_CREEP_LENGTH points or more. out->before and out->effect
 * hold a first guess. */
bool tide_creep_fit(const struct tide_segment_series *s, size_t from, size_t to, size_t first,
                    size_t last, struct tide_creep *out);

#define TIDE_CREEP_LENGTH 5

#endif
