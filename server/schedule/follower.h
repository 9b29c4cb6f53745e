/* follower.h - a thread that does something whenever the feed tells of anything: what follows from
 * runs that have ended.
 *
 * Threads: the functions may be called from any but its own. */
#ifndef TIDE_SCHEDULE_FOLLOWER_H
#define TIDE_SCHEDULE_FOLLOWER_H

#include "schedule/scheduler.h"

struct tide_follower;

/* One round of the work; `stop` may become true meanwhile. A round too many must be harmless. */
typedef void tide_follower_fn(void *context, const atomic_bool *stop);

/* Start the thread: a round once it is known what can be measured, and one after each event, with a
 * pause of 200 ms between two. `name` is for messages; all is borrowed and outlives it. */
TIDE_CHECK enum tide_rc tide_follower_start(const char *name, struct tide_feed *feed,
                                            struct tide_scheduler *scheduler,
                                            tide_follower_fn *round, void *context,
                                            struct tide_follower **out, struct tide_error *e);
/* Have a round done soon. */
void tide_follower_wake(struct tide_follower *f);
/* True once it is to stop; for whoever works for it. */
const atomic_bool *tide_follower_stop(const struct tide_follower *f);
/* Begin to stop, and wait for the thread and free. NULL is a no-op for both. */
void tide_follower_interrupt(struct tide_follower *f);
void tide_follower_free(struct tide_follower *f);

#endif
