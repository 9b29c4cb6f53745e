/* zone.h - a time zone of the IANA database: its offset from UTC at any instant.
 *
 * The C library knows one zone per process (TZ); projects have their own. Immutable once it is
 * open; threads: any. */
#ifndef TIDE_SCHEDULE_ZONE_H
#define TIDE_SCHEDULE_ZONE_H

#include "base/error.h"

#include <stdint.h>

struct tide_zone;

/* By its name, "Europe/Berlin" or "UTC". INVALID, with the field `timezone`, when there is none. */
TIDE_CHECK enum tide_rc tide_zone_open(const char *name, struct tide_zone **out,
                                       struct tide_error *e);
void tide_zone_close(struct tide_zone *z); /* NULL is a no-op */

/* Seconds east of UTC at that many seconds since the Unix epoch. */
int64_t tide_zone_offset(const struct tide_zone *z, int64_t unix_s);

/* Days since the Unix epoch of a date of the proleptic Gregorian calendar, months from 1, and back.
 */
int64_t tide_zone_days(int64_t year, int month, int day);
void tide_zone_date(int64_t days, int64_t *year, int *month, int *day);

#endif
