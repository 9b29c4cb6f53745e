/* clock.h - instants as integer nanoseconds. */
#ifndef TIDE_CLOCK_H
#define TIDE_CLOCK_H

#include <stdint.h>

int64_t tide_clock_unix_ns(void);      /* since the Unix epoch */
int64_t tide_clock_monotonic_ns(void); /* CLOCK_MONOTONIC, as in the tide stream */

#endif
