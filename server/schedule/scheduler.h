/* scheduler.h - discovers what can be measured, then takes run after run off the queue, builds what
 * it needs and executes it.
 *
 * Threads: the functions may be called from any thread. */
#ifndef TIDE_SCHEDULE_SCHEDULER_H
#define TIDE_SCHEDULE_SCHEDULER_H

#include "base/feed.h"
#include "schedule/projects.h"
#include "store/control.h"

struct tide_scheduler;

/* Start the thread. `places`, `store` and `feed` are borrowed and outlive the scheduler.
 * With `demo` the demo suite is queued once discovery is done: the newest and the oldest commit of
 * the extension on every usable python, unless the newest has been measured already. */
TIDE_CHECK enum tide_rc tide_scheduler_start(const struct tide_places *places,
                                             struct tide_store *store, struct tide_feed *feed,
                                             bool demo, struct tide_scheduler **out,
                                             struct tide_error *e);

/* Begin to stop: a run in progress is killed and will be queued again at the next start; calls that
 * wait for discovery return BUSY. Other calls stay allowed. NULL is a no-op. */
void tide_scheduler_interrupt(struct tide_scheduler *s);

/* Wait for the thread and free; nobody may call any more. NULL is a no-op. */
void tide_scheduler_free(struct tide_scheduler *s);

/* Look for the pythons of this machine again: `always`, or when one was rebuilt, removed or
 * fetched. Runs in work keep theirs. Errors as of tide_scheduler_trigger. */
TIDE_CHECK enum tide_rc tide_scheduler_refresh(struct tide_scheduler *s, bool always,
                                               struct tide_error *e);

/* Queue what `request` asks for (schedule/trigger.h). BUSY while the pythons are still being looked
 * for and that takes longer than some seconds; FAILED when discovery failed, with its reason. */
TIDE_CHECK enum tide_rc tide_scheduler_trigger(struct tide_scheduler *s, const json_t *request,
                                               const struct tide_cause *cause, int64_t *batch,
                                               struct tide_error *e);

/* Append the plan of `request` (schedule/plan.h); nothing is queued. Errors as above. */
TIDE_CHECK enum tide_rc tide_scheduler_plan(struct tide_scheduler *s, const json_t *request,
                                            struct tide_str *out, struct tide_error *e);

/* Cancel every run of the scope: queued ones at once; what is at work is killed with all that it
 * has started, and the call returns when its end is stored. Builds that no run needs then are
 * killed too. *n: how many. ABSENT: no such run or batch; CONFLICT: the run of the scope has ended
 * already. */
TIDE_CHECK enum tide_rc tide_scheduler_cancel(struct tide_scheduler *s, struct tide_scope scope,
                                              size_t *n, struct tide_error *e);
/* Put runs of the scope back into the queue (tide_store_retry). */
TIDE_CHECK enum tide_rc tide_scheduler_retry(struct tide_scheduler *s, struct tide_scope scope,
                                             bool all, size_t *n, struct tide_error *e);
/* Start no run any more (what is at work goes on), or start runs again. It is kept over restarts.
 */
TIDE_CHECK enum tide_rc tide_scheduler_pause(struct tide_scheduler *s, bool paused,
                                             struct tide_error *e);
/* ABSENT: no such batch. */
TIDE_CHECK enum tide_rc tide_scheduler_prioritize(struct tide_scheduler *s, int64_t batch,
                                                  int64_t priority, struct tide_error *e);

/* The projects, once they are known; they live as long as the scheduler. BUSY and FAILED as above.
 */
TIDE_CHECK enum tide_rc tide_scheduler_projects(struct tide_scheduler *s,
                                                struct tide_projects **out, struct tide_error *e);

/* Append {"commits": [...], "next"} of the project along the first parent of its HEAD, `limit` of
 * them behind the one that `cursor` (NULL: none) names: `next` is the hash of the last, or null.
 * ABSENT: no such project. INVALID: `cursor` names no commit. */
TIDE_CHECK enum tide_rc tide_scheduler_commits_json(struct tide_scheduler *s, const char *project,
                                                    const char *branch, const char *cursor,
                                                    size_t limit, struct tide_str *out,
                                                    struct tide_error *e);

/* Append the status resource (docs/API.md). */
TIDE_CHECK enum tide_rc tide_scheduler_status_json(struct tide_scheduler *s, struct tide_str *out,
                                                   struct tide_error *e);

#endif
