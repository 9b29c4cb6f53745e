/* slot.c - takes runs off the queue, builds what each needs, executes it, stores how it ended.
 *
 * A run that is claimed stands in the slot until its end is stored, so that whoever cancels it
 * finds it there: both happen under the scheduler's lock. */
#include "schedule/internal.h"

#include "base/log.h"
#include "build/command.h"
#include "run/runner.h"
#include "schedule/notifier.h"
#include "store/needs.h"

#include <math.h>
#include <stdlib.h>
#include <time.h>

#define RUN_DEADLINE_S 1800
#define LOOK_S         1 /* how often memory is looked at that a run waits for */

struct task { /* one run on its way */
    struct tide_slot *slot;
    struct tide_job job;
    bool own; /* it failed for a reason of the measured code's */
    bool batch_done;
};

static void pause_after_fault(struct tide_scheduler *s)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += 1;
    pthread_mutex_lock(&s->lock);
    if (!s->stop) pthread_cond_timedwait(&s->changed, &s->lock, &until);
    pthread_mutex_unlock(&s->lock);
}

/* ---- one run, from the queue to its outcome ---- */

static enum tide_rc measure(struct task *t, const struct tide_assignment *a, struct tide_error *e)
{
    struct tide_scheduler *s = t->slot->scheduler;
    const struct tide_runner runner = {
        .store = s->store,
        .feed = s->feed,
        .probe = s->places->probe,
        .harness = s->harness,
        .cpus = t->slot->cpus,
        .stop = &t->slot->stop,
        .cancelled = &t->slot->cancelled,
        .deadline_s = RUN_DEADLINE_S,
    };
    enum tide_rc rc = tide_store_set_running(s->store, t->job.run, e);
    if (rc) return rc;
    tide_publish_run(s, "running", t->job.run, t->job.batch);
    return tide_runner_execute(&runner, a, &t->batch_done, e);
}

/* When it is this run's turn. BUSY: its memory went while it was prepared. */
static enum tide_rc execute(struct task *t, const struct tide_python *python, const char *worker,
                            const char *const *paths, struct tide_error *e)
{
    const struct tide_cpus *cpus = &t->slot->scheduler->places->cpus;
    const struct tide_assignment assignment = {&t->job, python, worker, paths};
    enum tide_rc rc = tide_turns_begin_run(t->slot, e);
    if (rc) return rc;
    rc = tide_admission_check(t->slot, e);
    if (!rc) {
        tide_cpus_keep_off(cpus);
        rc = measure(t, &assignment, e);
        if (t->slot->scheduler->n_slots == 1) tide_cpus_use_all(cpus);
    }
    tide_turns_end_run(t->slot);
    return rc;
}

static enum tide_rc build_and_execute(struct task *t, struct tide_error *e)
{
    struct tide_scheduler *s = t->slot->scheduler;
    const struct tide_builder builder = {s->builder.cache, s->builder.worker_source,
                                         &t->slot->stop};
    struct tide_build plan = {0};
    struct tide_catalog *c = NULL;
    char *worker = NULL, **paths = NULL;
    const struct tide_python *python = tide_supply_python(s, &t->job);
    if (!python)
        return tide_fail(e, TIDE_FAILED,
                         "the python of this run is no longer on this machine, or was changed "
                         "since it was queued");
    enum tide_rc rc = tide_python_check(python, e);
    if (!rc) rc = tide_projects_take(s->projects, t->job.project, &c, e);
    if (!rc) rc = tide_supply_build(t->slot, &t->job, c, python, &plan, &t->own, e);
    if (!rc && tide_builds_grown(s->builds)) tide_supply_trim(s);
    if (!rc && s->places->limits.beside_runs) tide_supply_ahead(s);
    if (!rc) rc = tide_build_paths(&plan, &paths, e);
    if (!rc) rc = tide_builder_worker(&builder, python, &worker, e);
    if (!rc) rc = execute(t, python, worker, (const char *const *)paths, e);
    free(worker);
    tide_build_words_free(paths);
    tide_build_clear(&plan);
    tide_catalog_drop(c);
    return rc;
}

/* The run ends without an outcome of its own, for the reason in *why. Where the store does not take
 * that, it is tried until it does or the daemon stops: the run would look as if it were at work. */
static enum tide_rc end_without_outcome(struct task *t, const struct tide_error *why,
                                        struct tide_error *e)
{
    struct tide_scheduler *s = t->slot->scheduler;
    bool cancelled = why->rc == TIDE_STOPPED;
    const struct tide_outcome outcome = {
        .error = cancelled ? "cancelled while it was being prepared" : why->text,
        .cancelled = cancelled,
        .outside = !cancelled && !t->own,
        .base = -1,
        .original = -1,
        .tide_mark = -1,
        .end = -1,
        .floor = -1,
        .wall_ns = -1,
        .cpu_ns = -1,
        .events = -1,
        .samples = -1,
        .missed_ticks = -1,
        .page_faults = -1,
        .leak = NAN,
    };
    enum tide_rc rc;
    tide_log(TIDE_LOG_WARN, "schedule", "run=%lld %s: %s", (long long)t->job.run,
             cancelled ? "cancelled" : "failed", outcome.error);
    while ((rc = tide_store_end_run(s->store, t->job.run, &outcome, &t->batch_done, e)) &&
           !s->stop) {
        tide_log(TIDE_LOG_ERROR, "schedule", "run=%lld %s", (long long)t->job.run, e->text);
        pause_after_fault(s);
    }
    return rc;
}

static enum tide_rc publish_end(struct task *t, struct tide_error *e)
{
    struct tide_scheduler *s = t->slot->scheduler;
    struct tide_run_facts facts;
    enum tide_rc rc = tide_store_run_facts(s->store, t->job.run, &facts, e);
    if (!rc) tide_publish_run(s, facts.status, t->job.run, t->job.batch);
    if (!rc && t->batch_done) tide_publish_batch(s, t->job.batch);
    return rc;
}

/* Claim the run for the slot. ABSENT: the queue is paused; BUSY: the run was cancelled meanwhile,
 * so another is to be looked for. */
static enum tide_rc take(struct tide_slot *slot, const struct tide_choice *c, struct tide_job *job,
                         struct tide_error *e)
{
    struct tide_scheduler *s = slot->scheduler;
    bool paused = false;
    pthread_mutex_lock(&s->lock);
    enum tide_rc rc = tide_store_is_paused(s->store, &paused, e);
    if (!rc)
        rc = paused ? tide_fail(e, TIDE_ABSENT, "the queue is paused")
                    : tide_store_claim(s->store, c->run, job, e);
    if (rc == TIDE_ABSENT && !paused) rc = tide_fail(e, TIDE_BUSY, "the run was cancelled");
    if (!rc) {
        slot->run = job->run;
        slot->batch = job->batch;
        slot->need = c->need;
    }
    pthread_mutex_unlock(&s->lock);
    return rc;
}

/* The next run that can be started. ABSENT: the queue is empty, or paused; BUSY: what is in it
 * waits for memory. */
static enum tide_rc claim(struct tide_slot *slot, struct tide_job *job, struct tide_error *never,
                          struct tide_error *e)
{
    struct tide_scheduler *s = slot->scheduler;
    struct tide_choice choice = {0};
    bool paused = false;
    enum tide_rc rc = tide_store_is_paused(s->store, &paused, e);
    if (!rc && paused) rc = tide_fail(e, TIDE_ABSENT, "the queue is paused");
    if (rc) return rc;
    pthread_mutex_lock(&s->choosing);
    rc = tide_admission_choose(slot, &choice, e);
    if (!rc) rc = take(slot, &choice, job, e);
    pthread_mutex_unlock(&s->choosing);
    *never = choice.never;
    return rc;
}

static void leave(struct tide_slot *slot)
{
    struct tide_scheduler *s = slot->scheduler;
    pthread_mutex_lock(&s->lock);
    slot->run = slot->batch = slot->need = 0;
    bool cancelled = slot->cancelled;
    slot->cancelled = false;
    slot->stop = (bool)s->stop;
    pthread_cond_broadcast(&s->changed);
    pthread_mutex_unlock(&s->lock);
    if (cancelled) tide_builds_drop_unwanted(s->builds);
}

/* It is not started after all, and waits in the queue, where whoever cancels it finds it from here
 * on. STOPPED: it was cancelled before that. */
static enum tide_rc give_back(struct task *t, struct tide_error *e)
{
    struct tide_slot *slot = t->slot;
    struct tide_scheduler *s = slot->scheduler;
    const struct tide_error why = *e;
    pthread_mutex_lock(&s->lock);
    enum tide_rc rc = slot->cancelled ? tide_fail(e, TIDE_STOPPED, "cancelled")
                                      : tide_store_give_back(s->store, t->job.run, why.text, e);
    if (!rc) slot->run = slot->batch = 0;
    pthread_mutex_unlock(&s->lock);
    if (rc) return rc;
    tide_publish_run(s, "queued", t->job.run, t->job.batch);
    return tide_fail(e, TIDE_BUSY, "%s", why.text);
}

/* Take the claimed run through to its end. */
static enum tide_rc finish(struct task *t, const struct tide_error *never, struct tide_error *e)
{
    struct tide_scheduler *s = t->slot->scheduler;
    tide_publish_run(s, "building", t->job.run, t->job.batch);
    enum tide_rc rc =
        *never->text ? tide_fail(e, TIDE_FAILED, "%s", never->text) : build_and_execute(t, e);
    if (rc == TIDE_BUSY) rc = give_back(t, e);
    if (rc == TIDE_BUSY) return rc;
    if (rc && (rc != TIDE_STOPPED || t->slot->cancelled)) {
        struct tide_error why = *e;
        if (t->slot->cancelled) why.rc = TIDE_STOPPED;
        rc = end_without_outcome(t, &why, e);
    }
    return rc ? rc : publish_end(t, e);
}

static enum tide_rc do_next(struct tide_slot *slot, struct tide_error *e)
{
    struct task t = {.slot = slot};
    struct tide_error never;
    enum tide_rc rc = claim(slot, &t.job, &never, e);
    if (rc) return rc;
    rc = finish(&t, &never, e);
    leave(slot);
    tide_job_clear(&t.job);
    return rc;
}

/* Until there is news since `seen`; where `memory` is waited for, no longer than LOOK_S. */
static void wait_for_work(struct tide_scheduler *s, unsigned *seen, bool memory)
{
    struct timespec until;
    int late = 0;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += LOOK_S;
    pthread_mutex_lock(&s->lock);
    while (s->news == *seen && !s->stop && !late)
        late = memory ? pthread_cond_timedwait(&s->changed, &s->lock, &until)
                      : pthread_cond_wait(&s->changed, &s->lock);
    *seen = s->news;
    pthread_mutex_unlock(&s->lock);
}

void tide_slot_work(struct tide_slot *slot)
{
    struct tide_scheduler *s = slot->scheduler;
    struct tide_error e;
    unsigned seen = 0; /* of what was queued before now, nothing is waited for */
    while (!s->stop) {
        enum tide_rc rc = do_next(slot, &e);
        if (rc == TIDE_ABSENT) tide_supply_trim(s); /* what was needed may go */
        if (rc == TIDE_ABSENT || rc == TIDE_BUSY) wait_for_work(s, &seen, rc == TIDE_BUSY);
        if (rc && rc != TIDE_ABSENT && rc != TIDE_BUSY && rc != TIDE_STOPPED) {
            tide_log(TIDE_LOG_ERROR, "schedule", "%s", e.text);
            pause_after_fault(s);
        }
    }
}
