/* gc.h - takes away what is in nobody's use: builds beyond the limit of the cache and of no row,
 * what killed builds left, mirrors and scenarios of removed projects, old logs, free pages of the
 * database.
 *
 * Threads: any. Blocking. */
#ifndef TIDE_SCHEDULE_GC_H
#define TIDE_SCHEDULE_GC_H

#include "schedule/scheduler.h"

struct tide_gc_wish {
    bool dry;          /* only tell what would go */
    int64_t logs_days; /* logs of what was done longer ago go; 0: none do */
};

/* *out becomes {"dry_run", "removed": [{"what", "n", "bytes"}], "bytes", "left": [{"what",
 * "why"}]}, a new reference. What cannot be done while runs or builds are at work is left, and
 * said. */
TIDE_CHECK enum tide_rc tide_scheduler_gc(struct tide_scheduler *s, const struct tide_gc_wish *wish,
                                          json_t **out, struct tide_error *e);

#endif
