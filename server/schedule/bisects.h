/* bisects.h - the searches for the commit that changed a metric: begun by request, carried on
 * whenever something has been measured, over restarts of the daemon.
 *
 * Threads: the functions may be called from any; the searches have one of their own. */
#ifndef TIDE_SCHEDULE_BISECTS_H
#define TIDE_SCHEDULE_BISECTS_H

#include "schedule/scheduler.h"

struct tide_bisects;

/* Start the thread, and go on with what an earlier daemon left running. What is given is borrowed
 * and outlives it. */
TIDE_CHECK enum tide_rc tide_bisects_start(const struct tide_places *places,
                                           struct tide_store *store, struct tide_feed *feed,
                                           struct tide_scheduler *scheduler,
                                           struct tide_bisects **out, struct tide_error *e);
/* Begin to stop; the searches go on at the next start. NULL is a no-op. */
void tide_bisects_interrupt(struct tide_bisects *b);
/* Wait for the thread and free. NULL is a no-op. */
void tide_bisects_free(struct tide_bisects *b);

/* Begin what `request` (docs/API.md, POST /api/v1/bisects) asks for. INVALID names the field and
 * nothing is left behind. BUSY and FAILED as of tide_scheduler_trigger. */
TIDE_CHECK enum tide_rc tide_bisects_begin(struct tide_bisects *b, const json_t *request,
                                           int64_t *id, struct tide_error *e);
/* End it, and cancel what is queued for it. ABSENT: there is none; CONFLICT: it has ended. */
TIDE_CHECK enum tide_rc tide_bisects_cancel(struct tide_bisects *b, int64_t id,
                                            struct tide_error *e);

#endif
