/* control.c - what is done to the queue from outside: cancel, retry, pause, resume, priority. */
#include "schedule/internal.h"

#include "base/clock.h"
#include "base/log.h"

#include <string.h>
#include <time.h>

#define END_S 30 /* how long a command waits for what it has cancelled */

static bool is_in(struct tide_scope scope, const struct tide_slot *slot)
{
    return slot->run && (!scope.run || scope.run == slot->run) &&
           (!scope.batch || scope.batch == slot->batch);
}

/* Have what is at work in the scope end; with the lock held. Its number. */
static size_t stop_at_work(struct tide_scheduler *s, struct tide_scope scope)
{
    size_t n = 0;
    for (size_t i = 0; i < s->n_slots; i++) {
        struct tide_slot *slot = &s->slots[i];
        if (!is_in(scope, slot)) continue;
        slot->cancelled = true;
        slot->stop = true;
        n++;
    }
    pthread_cond_broadcast(&s->changed);
    return n;
}

static bool is_ending(struct tide_scheduler *s, struct tide_scope scope)
{
    for (size_t i = 0; i < s->n_slots; i++)
        if (s->slots[i].cancelled && is_in(scope, &s->slots[i])) return true;
    return false;
}

/* Wait until what was stopped has ended and that is stored. */
static enum tide_rc await_end(struct tide_scheduler *s, struct tide_scope scope,
                              struct tide_error *e)
{
    struct timespec until;
    int late = 0;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += END_S;
    pthread_mutex_lock(&s->lock);
    while (is_ending(s, scope) && !late)
        late = pthread_cond_timedwait(&s->changed, &s->lock, &until);
    pthread_mutex_unlock(&s->lock);
    return late ? tide_fail(e, TIDE_BUSY, "what was at work is still ending: ask again") : TIDE_OK;
}

/* A run that had ended before it was cancelled. */
static enum tide_rc check_run(struct tide_scheduler *s, int64_t run, struct tide_error *e)
{
    char status[16];
    int64_t batch;
    enum tide_rc rc = tide_store_run_status(s->store, run, status, &batch, e);
    if (rc || !strcmp(status, "cancelled")) return rc;
    return tide_fail(e, TIDE_CONFLICT, "run %lld is %s already", (long long)run, status);
}

enum tide_rc tide_scheduler_cancel(struct tide_scheduler *s, struct tide_scope scope, size_t *n,
                                   struct tide_error *e)
{
    struct tide_touched changes;
    pthread_mutex_lock(&s->lock);
    enum tide_rc rc = tide_store_cancel_queued(s->store, scope, &changes, e);
    *n = rc ? 0 : changes.n + stop_at_work(s, scope);
    pthread_mutex_unlock(&s->lock);
    if (rc) return rc;
    tide_log(TIDE_LOG_INFO, "schedule", "cancelled runs=%zu run=%lld batch=%lld", *n,
             (long long)scope.run, (long long)scope.batch);
    tide_builds_drop_unwanted(s->builds);
    tide_publish_changes(s, "cancelled", &changes);
    tide_touched_free(&changes);
    rc = await_end(s, scope, e);
    return !rc && scope.run ? check_run(s, scope.run, e) : rc;
}

enum tide_rc tide_scheduler_retry(struct tide_scheduler *s, struct tide_scope scope, bool all,
                                  size_t *n, struct tide_error *e)
{
    struct tide_touched changes;
    enum tide_rc rc = tide_store_retry(s->store, scope, all, &changes, e);
    *n = rc ? 0 : changes.n;
    if (rc) return rc;
    tide_publish_changes(s, "queued", &changes);
    tide_touched_free(&changes);
    tide_scheduler_wake(s);
    return TIDE_OK;
}

enum tide_rc tide_scheduler_pause(struct tide_scheduler *s, bool paused, struct tide_error *e)
{
    pthread_mutex_lock(&s->lock); /* no run is claimed once the answer is out */
    enum tide_rc rc = tide_store_set_paused(s->store, paused, e);
    pthread_mutex_unlock(&s->lock);
    if (rc) return rc;
    tide_log(TIDE_LOG_INFO, "schedule", "the queue is %s", paused ? "paused" : "resumed");
    tide_publish_queue(s);
    if (!paused) tide_scheduler_wake(s);
    return TIDE_OK;
}

enum tide_rc tide_scheduler_prioritize(struct tide_scheduler *s, int64_t batch, int64_t priority,
                                       struct tide_error *e)
{
    enum tide_rc rc = tide_store_set_priority(s->store, batch, priority, e);
    if (!rc) tide_publish_batch(s, batch);
    return rc;
}
