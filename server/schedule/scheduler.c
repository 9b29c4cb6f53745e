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
    json_t *request =
        tide_projects_sync(s->projects, TIDE_DEFAULT_PROJECT, TIDE_FETCH_DEADLINE_S, &c, &e)
            ? NULL
            : tide_demo_request(c, &e);
    tide_catalog_drop(c);
    const json_t *newest = json_array_get(json_object_get(request, "commits"), 0);
    if (request && is_measured(s, json_string_value(newest))) {
        json_decref(request);
        return;
    }
    if (!request || tide_scheduler_trigger(s, request, NULL, &batch, &e))
        tide_log(TIDE_LOG_ERROR, "schedule", "the demo suite cannot be queued: %s", e.text);
    json_decref(request);
}

static enum tide_rc start_thread(struct tide_slot *slot, void *(*run)(void *), struct tide_error *e)
{
    sigset_t all, before; /* signals are the main thread's */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failed = pthread_create(&slot->thread, NULL, run, slot);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    slot->started = !failed;
    errno = failed;
    return failed ? tide_fail_errno(e, "start the scheduler") : TIDE_OK;
}

static void *work(void *context)
{
    struct tide_slot *slot = context;
    tide_slot_work(slot);
    return NULL;
}

static void start_others(struct tide_scheduler *s)
{
    struct tide_error e;
    for (size_t i = 1; i < s->n_slots; i++)
        if (start_thread(&s->slots[i], work, &e))
            tide_log(TIDE_LOG_ERROR, "schedule", "%s", e.text);
}

/* The first slot's thread: nothing is measured until what can be is known. */
static void *begin(void *context)
{
    struct tide_slot *slot = context;
    struct tide_scheduler *s = slot->scheduler;
    tide_cpus_use_all(&s->places->cpus);
    if (discover(s)) return NULL;
    if (s->demo) queue_demo(s);
    if (s->n_slots > 1) tide_cpus_keep_off(&s->places->cpus);
    if (!s->places->idle) {
        start_others(s);
        tide_slot_work(slot);
    }
    tide_builds_wait_all(s->builds, NULL);
    return NULL;
}

/* A slot for each set of CPUs that runs are measured on; one where nothing is pinned. */
static void make_slots(struct tide_scheduler *s)
{
    const struct tide_cpus *cpus = &s->places->cpus;
    s->n_slots = cpus->n ? cpus->n : 1;
    for (size_t i = 0; i < s->n_slots; i++) {
        s->slots[i].scheduler = s;
        s->slots[i].cpus = cpus->n ? cpus->sets[i] : NULL;
    }
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
    make_slots(s);
    s->started_ns = tide_clock_unix_ns();
    pthread_mutex_init(&s->lock, NULL);
    pthread_mutex_init(&s->choosing, NULL);
    pthread_mutex_init(&s->supplying, NULL);
    pthread_cond_init(&s->changed, NULL);
    s->harness = tide_format("%s/worker/python/harness.py", places->source);
    char *sources = tide_format("%s/worker", places->source);
    s->builder = (struct tide_builder){places->cache, sources, &s->stop};
    s->builds = tide_builds_new(&s->builder, store, feed, places);
    enum tide_rc rc = s->harness && sources && s->builds
                          ? start_thread(&s->slots[0], begin, e)
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
    for (size_t i = 0; i < s->n_slots; i++)
        s->slots[i].stop = true;
    pthread_cond_broadcast(&s->changed);
    pthread_mutex_unlock(&s->lock);
    tide_builds_stop(s->builds);
}

void tide_scheduler_free(struct tide_scheduler *s)
{
    if (!s) return;
    tide_scheduler_interrupt(s);
    for (size_t i = 0; i < s->n_slots; i++) /* the first starts the others */
        if (s->slots[i].started) pthread_join(s->slots[i].thread, NULL);
    tide_builds_free(s->builds);
    tide_projects_close(s->projects);
    pthread_cond_destroy(&s->changed);
    pthread_mutex_destroy(&s->lock);
    pthread_mutex_destroy(&s->choosing);
    pthread_mutex_destroy(&s->supplying);
    free((char *)s->builder.worker_source);
    free(s->harness);
    free(s);
}

void tide_scheduler_wake(struct tide_scheduler *s)
{
    pthread_mutex_lock(&s->lock);
    s->news++;
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
