/* history.h - keeps the change points of the store up to date: found anew for each series in which
 * something was measured, and measured once more where they are suspect.
 *
 * Threads: start, interrupt and free from one; the work has a thread of its own. */
#ifndef TIDE_SCHEDULE_HISTORY_H
#define TIDE_SCHEDULE_HISTORY_H

#include "schedule/scheduler.h"

#define TIDE_SECOND_SAMPLES 5  /* runs of either side that a second look makes */
#define TIDE_SECOND_POINTS  8  /* measured commits before a change, below which it gets none */
#define TIDE_SECOND_A_DAY   24 /* second looks of a project within a day */

struct tide_history;

/* What is given is borrowed and outlives it. */
TIDE_CHECK enum tide_rc tide_history_start(struct tide_store *store, struct tide_feed *feed,
                                           struct tide_scheduler *scheduler,
                                           struct tide_history **out, struct tide_error *e);
/* Begin to stop, and wait for the thread and free. NULL is a no-op for both. */
void tide_history_interrupt(struct tide_history *h);
void tide_history_free(struct tide_history *h);

/* Find the changes of one series anew and keep them, in the calling thread. */
TIDE_CHECK enum tide_rc tide_history_refresh(struct tide_store *store, int64_t series,
                                             struct tide_error *e);

#endif
