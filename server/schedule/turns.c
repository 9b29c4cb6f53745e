/* turns.c - builds and measured runs take turns: what is built moves what is measured.
 *
 * Who wants to build goes first: it waits for the runs that are measured to end, and no other
 * begins meanwhile. */
#include "schedule/internal.h"

/* Wait until *count is 0. */
static enum tide_rc await_none(struct tide_slot *slot, const unsigned *count, struct tide_error *e)
{
    struct tide_scheduler *s = slot->scheduler;
    while (*count && !slot->stop && !s->places->limits.beside_runs)
        pthread_cond_wait(&s->changed, &s->lock);
    return slot->stop ? tide_fail(e, TIDE_STOPPED, "stopped while it waited for its turn")
                      : TIDE_OK;
}

/* One slot less; with the lock held. */
static void drop(struct tide_scheduler *s, unsigned *count)
{
    --*count;
    pthread_cond_broadcast(&s->changed);
}

enum tide_rc tide_turns_begin_build(struct tide_slot *slot, struct tide_error *e)
{
    struct tide_scheduler *s = slot->scheduler;
    pthread_mutex_lock(&s->lock);
    s->building++;
    enum tide_rc rc = await_none(slot, &s->measuring, e);
    if (rc) drop(s, &s->building);
    pthread_mutex_unlock(&s->lock);
    return rc;
}

void tide_turns_end_build(struct tide_slot *slot)
{
    struct tide_scheduler *s = slot->scheduler;
    pthread_mutex_lock(&s->lock);
    drop(s, &s->building);
    pthread_mutex_unlock(&s->lock);
}

enum tide_rc tide_turns_begin_run(struct tide_slot *slot, struct tide_error *e)
{
    struct tide_scheduler *s = slot->scheduler;
    pthread_mutex_lock(&s->lock);
    enum tide_rc rc = await_none(slot, &s->building, e);
    if (!rc) s->measuring++;
    pthread_mutex_unlock(&s->lock);
    return rc;
}

void tide_turns_end_run(struct tide_slot *slot)
{
    struct tide_scheduler *s = slot->scheduler;
    pthread_mutex_lock(&s->lock);
    drop(s, &s->measuring);
    pthread_mutex_unlock(&s->lock);
}
