/* readings.h - a series of measurements read from a text: CSV or JSON, told from its content.
 *
 * CSV: one line a reading, its cells parted by commas, semicolons or tabs. The first cell is the
 * position, every further one a sample; with one cell a line the lines are numbered from 0. A first
 * line without a number is a heading; empty lines and lines that begin with # are left
 * out. JSON: a list of numbers, of [position, value, ...] or of {"position": ..., "value": number
 * or list}
 * ("values" and "samples" are "value", too), alone or as "values", "series" or "points" of an
 * object.
 *
 * Lines of one position, wherever they stand, are samples of it. When all positions are numbers
 * they are put in order, else they keep that in which they first come. An empty cell, null, NA or
 * NaN is a measurement that is missing: the position stays, as a gap. */
#ifndef TIDE_STATS_READINGS_H
#define TIDE_STATS_READINGS_H

#include "base/error.h"

#include <stddef.h>

struct tide_reading {
    char *position;
    double number; /* the position as a number; NAN when it is none */
    double value;  /* the median of its samples; NAN for a gap */
    size_t samples;
};

struct tide_readings {
    struct tide_reading *at;
    size_t n;
};

#define TIDE_READINGS_MAX 1000000 /* lines or entries */

/* Read n bytes, terminated. On failure *out is empty. Errors: TIDE_INVALID with the line or the
 * entry in the text, TIDE_NOMEM. */
TIDE_CHECK enum tide_rc tide_readings_parse(const char *text, size_t n, struct tide_readings *out,
                                            struct tide_error *e);
void tide_readings_free(struct tide_readings *r);

#endif
