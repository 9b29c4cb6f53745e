/* timekeeper.h - the thread that sets off what projects are triggered by: times, new commits, new
 * pythons, and webhooks that came in.
 *
 * Whatever sets a project off is written down first and queued then, so that nothing is lost when
 * the daemon dies in between (a batch may then be queued twice). Cron times that went by while no
 * daemon ran are made up for once, at the start. */
#ifndef TIDE_SCHEDULE_TIMEKEEPER_H
#define TIDE_SCHEDULE_TIMEKEEPER_H

#include "schedule/scheduler.h"

struct tide_timekeeper;

/* Start the thread. `scheduler` and `store` are borrowed and outlive it. */
TIDE_CHECK enum tide_rc tide_timekeeper_start(struct tide_scheduler *scheduler,
                                              struct tide_store *store,
                                              struct tide_timekeeper **out, struct tide_error *e);
/* Look now: settings were changed, or a webhook came. Threads: any. NULL is a no-op. */
void tide_timekeeper_wake(struct tide_timekeeper *t);
/* End the thread; a request that it is queueing goes through first, unless the scheduler was
 * interrupted. NULL is a no-op. */
void tide_timekeeper_stop(struct tide_timekeeper *t);

/* Nanoseconds since the Unix epoch by the clock of triggers: the system's, or where the environment
 * variable TIDEMARK_TEST_CLOCK names a file the number in it, which tests move on. */
int64_t tide_timekeeper_now(void);

#endif
