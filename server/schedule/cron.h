/* cron.h - cron expressions: parsed, and when they come next in a time zone.
 *
 *   minute hour day-of-month month day-of-week        0-59 0-23 1-31 1-12 0-7 (0 and 7: Sunday)
 *   @yearly (@annually) @monthly @weekly @daily (@midnight) @hourly
 *
 * A field is `*` or a list of numbers and ranges with commas between them; `*` and ranges may have
 * a step (`1-31/2`). Months and days of the week have names too (JAN, mon). Where both day fields
 * are restricted, that is do not begin with `*`, a day fits when either does.
 *
 * When clocks change: an expression whose hour is `*` (a step too) goes by the hours as they pass,
 * so it comes in both of a repeated hour and not in a skipped one. Any other stands for times of
 * day: one that is skipped comes when the clocks have jumped, one that is repeated comes the first
 * time only.
 *
 * Threads: any. */
#ifndef TIDE_SCHEDULE_CRON_H
#define TIDE_SCHEDULE_CRON_H

#include "schedule/zone.h"

#include <stdbool.h>

struct tide_cron { /* bit n: the value n */
    uint64_t minutes;
    uint32_t hours, days, months, weekdays;
    bool any_day, any_weekday; /* the field begins with * */
    bool by_hours;             /* the hour field does */
};

/* INVALID says which field is wrong, and what is allowed. */
TIDE_CHECK enum tide_rc tide_cron_parse(const char *text, struct tide_cron *out,
                                        struct tide_error *e);

/* The first instant after `after_s` (seconds since the Unix epoch) that fits. ABSENT: none in the
 * eight years that any 29th of February takes to come. */
TIDE_CHECK enum tide_rc tide_cron_next(const struct tide_cron *c, const struct tide_zone *z,
                                       int64_t after_s, int64_t *out, struct tide_error *e);

#endif
