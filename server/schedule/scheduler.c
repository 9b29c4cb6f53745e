/* scheduler.c - see scheduler.h. Start, discovery and end; runs are taken off the queue in slot.c.
 */
#include "schedule/scheduler.h"

#include "base/clock.h"
#include "base/log.h"
#include "schedule/demo.h"
#include "schedule/internal.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>

#define DISCOVERY_S 20 /* how long a request waits for it */

static enum tide_rc discover(struct tide_scheduler *s)
{
    struct tide_error e = {0};
    int64_t began = tide_clock_monotonic_ns();
    struct tide_projects *found = NULL;
    enum tide_rc rc = tide_projects_open(s->places, s->store, &s->stop, &found, &e);
    if (rc)
        tide_log(rc == TIDE_STOPPED ? TIDE_LOG_INFO : TIDE_LOG_ERROR, "schedule",
                 "discovery failed: %s", e.text);
    else
        tide_log(TIDE_LOG_INFO, "schedule", "found pythons=%zu in %lld ms",
                 tide_projects_pythons(found)->n,
                 (long long)(tide_clock_monotonic_ns() - began) / 1000000);
    if (!rc) e = (struct tide_error){0};
    if (!rc && tide_projects_in_trouble(found, &e) && !s->stop)
        tide_log(TIDE_LOG_WARN, "schedule", "nothing can be measured: %s", e.text);
    pthread_mutex_lock(&s->lock);
    s->projects = found;
    s->discovered = true;
    s->discovery = rc;
    s->trouble = e;
    pthread_cond_broadcast(&s->changed);
    pthread_mutex_unlock(&s->lock);
    return rc;
}

/* Whether the commit has a run on record. */
static bool is_measured(struct tide_scheduler *s, const char *sha)
{
    struct tide_str text = {0};
    const struct tide_run_filter filter = {.commit = sha, .page.limit = 1};
    json_t *list = NULL;
    if (!tide_store_runs_json(s->store, &filter, &text, NULL)) list = json_loads(text.at, 0, NULL);
    bool measured = json_array_size(json_object_get(list, "runs")) > 0;
    json_decref(list);
    tide_str_free(&text);
    return measured;
}

static void queue_demo(struct tide_scheduler *s)
{
    struct tide_error e = {0};
    int64_t batch = 0;
    struct tide_catalog *c = NULL;
    json_t *request = tide_projects_sync(s->projects, TIDE_DEFAULT_PROJECT, &c, &e)
                          ? NULL
                          : tide_demo_request(c, &e);
    tide_catalog_drop(c);
    const json_t *newest = json_array_get(json_object_get(request, "commits"), 0);
    if (request && is_measured(s, json_string_value(newest))) {
        json_decref(request);
        return;
    }
    if (!request || tide_scheduler_trigger(s, request, &batch, &e))
        tide_log(TIDE_LOG_ERROR, "schedule", "the demo suite cannot be queued: %s", e.text);
    json_decref(request);
}

static void *work(void *context)
{
    struct tide_slot *slot = context;
    struct tide_scheduler *s = slot->scheduler;
    if (discover(s)) return NULL;
    if (s->demo) queue_demo(s);
    if (!s->places->idle) tide_slot_work(slot);
    tide_builds_wait_all(s->builds, NULL);
    return NULL;
}

static enum tide_rc start_thread(struct tide_slot *slot, struct tide_error *e)
{
    sigset_t all, before; /* signals are the main thread's */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failed = pthread_create(&slot->thread, NULL, work, slot);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    errno = failed;
    return failed ? tide_fail_errno(e, "start the scheduler") : TIDE_OK;
}

enum tide_rc tide_scheduler_start(const struct tide_places *places, struct tide_store *store,
                                  struct tide_feed *feed, bool demo, struct tide_scheduler **out,
                                  struct tide_error *e)
{
    *out = NULL;
    struct tide_scheduler *s = calloc(1, sizeof *s);
    if (!s) return tide_fail(e, TIDE_NOMEM, "start the scheduler");
    s->places = places;
    s->store = store;
    s->feed = feed;
    s->demo = demo;
    s->slot.scheduler = s;
    s->started_ns = tide_clock_unix_ns();
    pthread_mutex_init(&s->lock, NULL);
    pthread_cond_init(&s->changed, NULL);
    s->harness = tide_format("%s/worker/python/harness.py", places->source);
    char *sources = tide_format("%s/worker", places->source);
    s->builder = (struct tide_builder){places->cache, sources, &s->stop};
    s->builds = tide_builds_new(&s->builder, store, feed, &places->limits);
    enum tide_rc rc = s->harness && sources && s->builds
                          ? start_thread(&s->slot, e)
                          : tide_fail(e, TIDE_NOMEM, "start the scheduler");
    if (!rc) {
        *out = s;
        return TIDE_OK;
    }
    tide_builds_free(s->builds);
    free(s->harness);
    free(sources);
    free(s);
    return rc;
}

void tide_scheduler_interrupt(struct tide_scheduler *s)
{
    if (!s) return;
    pthread_mutex_lock(&s->lock);
    s->stop = true;
    s->slot.stop = true;
    pthread_cond_broadcast(&s->changed);
    pthread_mutex_unlock(&s->lock);
    tide_builds_stop(s->builds);
}

void tide_scheduler_free(struct tide_scheduler *s)
{
    if (!s) return;
    tide_scheduler_interrupt(s);
    pthread_join(s->slot.thread, NULL);
    tide_builds_free(s->builds);
    tide_projects_close(s->projects);
    pthread_cond_destroy(&s->changed);
    pthread_mutex_destroy(&s->lock);
    free((char *)s->builder.worker_source);
    free(s->harness);
    free(s);
}

void tide_scheduler_wake(struct tide_scheduler *s)
{
    pthread_mutex_lock(&s->lock);
    s->work = true;
    pthread_cond_broadcast(&s->changed);
    pthread_mutex_unlock(&s->lock);
}

enum tide_rc tide_scheduler_await(struct tide_scheduler *s, struct tide_error *e)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += DISCOVERY_S;
    int late = 0;
    pthread_mutex_lock(&s->lock);
    while (!s->discovered && !s->stop && !late)
        late = pthread_cond_timedwait(&s->changed, &s->lock, &until);
    enum tide_rc rc = s->discovered ? s->discovery : TIDE_BUSY;
    if (rc == TIDE_BUSY)
        tide_fail(e, rc, "the pythons of this machine are still being looked for: try again");
    else if (rc)
        *e = s->trouble;
    pthread_mutex_unlock(&s->lock);
    /* INVALID means a fault of the request's; a fault of discovery is the daemon's. */
    return rc == TIDE_INVALID ? tide_fail(e, TIDE_FAILED, "%s", s->trouble.text) : rc;
}
