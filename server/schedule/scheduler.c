/* scheduler.c - see scheduler.h. */
#include "schedule/scheduler.h"

#include "base/clock.h"
#include "base/log.h"
#include "build/cache.h"
#include "build/command.h"
#include "run/runner.h"
#include "schedule/builds.h"
#include "schedule/demo.h"
#include "schedule/plan.h"
#include "schedule/trigger.h"
#include "schedule/wish.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define RUN_DEADLINE_S 1800
#define WINDOW         64 /* runs of the queue that builds are made ahead for */
#define DISCOVERY_S    20 /* how long a request waits for it */

struct tide_scheduler {
    const struct tide_places *places;
    struct tide_store *store;
    struct tide_feed *feed;
    bool demo;
    int64_t started_ns;
    pthread_t thread;
    atomic_bool stop;
    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t changed;
    bool discovered;
    enum tide_rc discovery;         /* how it ended */
    struct tide_error trouble;      /* why nothing can be measured; no text: nothing is wrong */
    bool work;                      /* something was queued */
    struct tide_projects *projects; /* NULL until discovered */
    struct tide_builder builder;
    struct tide_builds *builds;
    char *harness;
};

/* ---- what the feed is told ---- */

static void publish_run(struct tide_scheduler *s, const char *name, int64_t run, int64_t batch)
{
    struct tide_str text = {0};
    struct tide_error e;
    if (tide_store_run_json(s->store, run, false, &text, &e))
        tide_log(TIDE_LOG_ERROR, "schedule", "run=%lld %s", (long long)run, e.text);
    else
        tide_feed_publish(s->feed, name, batch, text.at);
    tide_str_free(&text);
}

static void publish_batch(struct tide_scheduler *s, int64_t batch)
{
    struct tide_str text = {0};
    struct tide_error e;
    if (tide_store_batch_json(s->store, batch, &text, &e))
        tide_log(TIDE_LOG_ERROR, "schedule", "batch=%lld %s", (long long)batch, e.text);
    else
        tide_feed_publish(s->feed, "batch", batch, text.at);
    tide_str_free(&text);
}

static void publish_queued(struct tide_scheduler *s, int64_t batch)
{
    struct tide_str text = {0};
    const struct tide_run_filter filter = {.batch = batch, .page.limit = TIDE_BATCH_RUNS_MAX};
    json_t *list = NULL, *run;
    size_t i;
    if (!tide_store_runs_json(s->store, &filter, &text, NULL)) list = json_loads(text.at, 0, NULL);
    json_array_foreach(json_object_get(list, "runs"), i, run)
    {
        char *line = json_dumps(run, JSON_COMPACT);
        if (line) tide_feed_publish(s->feed, "queued", batch, line);
        free(line);
    }
    json_decref(list);
    tide_str_free(&text);
    publish_batch(s, batch);
}

/* ---- one run ---- */

/* The run ends without having been started. */
static enum tide_rc fail_run(struct tide_scheduler *s, const struct tide_job *job, const char *why,
                             bool *batch_done, struct tide_error *e)
{
    const struct tide_outcome outcome = {
        .error = why,
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
    };
    tide_log(TIDE_LOG_WARN, "schedule", "run=%lld failed: %s", (long long)job->run, why);
    return tide_store_end_run(s->store, job->run, &outcome, batch_done, e);
}

/* ---- the build of a run ---- */

/* What is known of the build that the job needs, and whether it must be made. */
static enum tide_rc judge_build(struct tide_scheduler *s, const struct tide_job *job,
                                const struct tide_catalog *c, const struct tide_python *python,
                                struct tide_build *plan, struct tide_known_build *known,
                                bool *needed, struct tide_error *e)
{
    const struct tide_subject subject = tide_catalog_subject(c, job->sha);
    *known = (struct tide_known_build){0};
    enum tide_rc rc = tide_builder_plan(&s->builder, &subject, python, plan, e);
    if (rc) return rc;
    rc = tide_store_find_build(s->store, plan->key, known, e);
    if (rc && rc != TIDE_ABSENT) return rc;
    bool retry = known->error && known->finished_ns < job->retry_ns;
    *needed = rc == TIDE_ABSENT || retry || (!known->error && !plan->cached);
    return TIDE_OK;
}

/* The python that the run was queued for; it stays until the scheduler is freed. */
static const struct tide_python *find_python(struct tide_scheduler *s, const struct tide_job *job)
{
    return tide_pythons_identified(tide_projects_pythons(s->projects), job->python_identity);
}

/* Begin the build of a run that is still in the queue, if it must be made. What is wrong with it is
 * told when its run comes. */
static void begin_ahead(struct tide_scheduler *s, const struct tide_job *job)
{
    struct tide_build plan = {0};
    struct tide_known_build known = {0};
    bool needed = false;
    struct tide_catalog *c = NULL;
    const struct tide_python *python = find_python(s, job);
    if (!python || tide_projects_take(s->projects, job->project, &c, NULL) ||
        tide_builds_check_disk(s->builds, NULL) ||
        judge_build(s, job, c, python, &plan, &known, &needed, NULL) || !needed ||
        tide_builds_begin(s->builds, c, job, python, &plan, NULL))
        tide_log(TIDE_LOG_DEBUG, "schedule", "run=%lld begins no build ahead", (long long)job->run);
    free(known.error);
    tide_build_clear(&plan);
    tide_catalog_drop(c);
}

/* Begin what the queue's next runs need, as far as there is room. */
static void build_ahead(struct tide_scheduler *s)
{
    struct tide_job jobs[TIDE_BUILD_JOBS_MAX];
    struct tide_error e;
    size_t n = 0;
    if (!tide_builds_room(s->builds)) return;
    if (tide_store_upcoming(s->store, WINDOW, TIDE_BUILD_JOBS_MAX, jobs, &n, &e))
        tide_log(TIDE_LOG_ERROR, "schedule", "%s", e.text);
    for (size_t i = 0; i < n; i++) {
        if (!s->stop && tide_builds_room(s->builds)) begin_ahead(s, &jobs[i]);
        tide_job_clear(&jobs[i]);
    }
}

/* Make the planned build, and beside it what will be needed next; *plan is taken over. */
static enum tide_rc build_now(struct tide_scheduler *s, const struct tide_job *job,
                              struct tide_catalog *c, const struct tide_python *python,
                              struct tide_build *plan, struct tide_error *e)
{
    char key[TIDE_HASH_TEXT];
    memcpy(key, plan->key, sizeof key);
    enum tide_rc rc = tide_builds_check_disk(s->builds, e);
    if (!rc) rc = tide_builds_begin(s->builds, c, job, python, plan, e);
    if (rc) return rc;
    build_ahead(s);
    rc = tide_builds_wait(s->builds, key, e);
    if (!s->places->limits.beside_runs) tide_builds_wait_all(s->builds);
    return rc;
}

/* The build that the run needs: from the cache, or made now. FAILED also for one that failed
 * before. */
static enum tide_rc require_build(struct tide_scheduler *s, const struct tide_job *job,
                                  struct tide_catalog *c, const struct tide_python *python,
                                  struct tide_build *plan, struct tide_error *e)
{
    struct tide_known_build known;
    bool needed = false;
    enum tide_rc rc = judge_build(s, job, c, python, plan, &known, &needed, e);
    if (!rc && needed) {
        rc = build_now(s, job, c, python, plan, e);
        free(known.error);
        known = (struct tide_known_build){0};
        tide_build_clear(plan);
        if (!rc) rc = judge_build(s, job, c, python, plan, &known, &needed, e);
        if (!rc && needed) rc = tide_fail(e, TIDE_FAILED, "the build is gone from the cache");
    }
    if (!rc && known.id) rc = tide_store_set_build(s->store, job->run, known.id, e);
    if (!rc && known.error) rc = tide_fail(e, TIDE_FAILED, "%s", known.error);
    free(known.error);
    return rc;
}

/* ---- room in the cache ---- */

/* Note for the queue's next runs which builds they need, where these are there already: commits
 * whose folder holds the same share one, which the rows alone do not tell. */
static void note_upcoming(struct tide_scheduler *s)
{
    struct tide_job jobs[TIDE_BUILD_JOBS_MAX];
    struct tide_error e;
    size_t n = 0;
    if (tide_store_upcoming(s->store, WINDOW, TIDE_BUILD_JOBS_MAX, jobs, &n, &e))
        tide_log(TIDE_LOG_ERROR, "schedule", "%s", e.text);
    for (size_t i = 0; i < n; i++) {
        struct tide_catalog *c = NULL;
        struct tide_build plan = {0};
        struct tide_known_build known = {0};
        bool needed = false;
        const struct tide_python *python = find_python(s, &jobs[i]);
        if (!s->stop && python && !tide_projects_take(s->projects, jobs[i].project, &c, NULL) &&
            !judge_build(s, &jobs[i], c, python, &plan, &known, &needed, NULL) && known.id &&
            !known.error && tide_store_set_build(s->store, jobs[i].run, known.id, &e))
            tide_log(TIDE_LOG_ERROR, "schedule", "%s", e.text);
        free(known.error);
        tide_build_clear(&plan);
        tide_catalog_drop(c);
        tide_job_clear(&jobs[i]);
    }
}

/* Remove the builds that were not used for longest, as far as the cache's limit asks and no run
 * that has not ended needs them. One that is asked for later is made again. */
static enum tide_rc make_room(struct tide_scheduler *s, struct tide_error *e)
{
    int64_t bytes = 0, limit = s->places->limits.cache;
    struct tide_cache_gone gone = {0};
    struct tide_str keys = {0};
    enum tide_rc rc = tide_cache_size(s->places->cache, &bytes, e);
    if (rc || bytes <= limit) return rc;
    note_upcoming(s);
    rc = tide_store_idle_builds(s->store, &keys, e);
    if (!rc) rc = tide_cache_evict(s->places->cache, bytes - limit, keys.at, keys.length, &gone, e);
    if (gone.builds)
        tide_log(TIDE_LOG_INFO, "schedule", "removed builds=%zu bytes=%lld of %lld from the cache",
                 gone.builds, (long long)gone.bytes, (long long)bytes);
    tide_str_free(&keys);
    return rc;
}

/* Only while nothing uses a build but a run whose build is set. A fault is told, and no run's. */
static void trim_cache(struct tide_scheduler *s)
{
    struct tide_error e;
    if (make_room(s, &e))
        tide_log(TIDE_LOG_WARN, "schedule", "the cache stays above its limit: %s", e.text);
}

/* ---- one run, from the queue to its outcome ---- */

static enum tide_rc execute(struct tide_scheduler *s, const struct tide_job *job,
                            const struct tide_python *python, const char *worker,
                            const char *const *paths, bool *batch_done, struct tide_error *e)
{
    const struct tide_runner runner = {
        .store = s->store,
        .feed = s->feed,
        .probe = s->places->probe,
        .harness = s->harness,
        .stop = &s->stop,
        .deadline_s = RUN_DEADLINE_S,
    };
    const struct tide_assignment assignment = {job, python, worker, paths};
    enum tide_rc rc = tide_store_set_running(s->store, job->run, e);
    if (rc) return rc;
    publish_run(s, "running", job->run, job->batch);
    return tide_runner_execute(&runner, &assignment, batch_done, e);
}

static enum tide_rc build_and_execute(struct tide_scheduler *s, const struct tide_job *job,
                                      bool *batch_done, struct tide_error *e)
{
    struct tide_build plan = {0};
    struct tide_catalog *c = NULL;
    char *worker = NULL, **paths = NULL;
    const struct tide_python *python = find_python(s, job);
    if (!python)
        return tide_fail(e, TIDE_FAILED,
                         "the python of this run is no longer on this machine, or was changed "
                         "since it was queued");
    enum tide_rc rc = tide_python_check(python, e);
    if (!rc) rc = tide_projects_take(s->projects, job->project, &c, e);
    if (!rc) rc = require_build(s, job, c, python, &plan, e);
    if (!rc && tide_builds_grown(s->builds)) trim_cache(s);
    if (!rc && s->places->limits.beside_runs) build_ahead(s);
    if (!rc) rc = tide_build_paths(&plan, &paths, e);
    if (!rc) rc = tide_builder_worker(&s->builder, python, &worker, e);
    if (!rc) rc = execute(s, job, python, worker, (const char *const *)paths, batch_done, e);
    free(worker);
    tide_build_words_free(paths);
    tide_build_clear(&plan);
    tide_catalog_drop(c);
    return rc;
}

/* Take one run through to its end. ABSENT: the queue is empty. */
static enum tide_rc do_next(struct tide_scheduler *s, struct tide_error *e)
{
    struct tide_job job;
    bool batch_done = false;
    enum tide_rc rc = tide_store_claim(s->store, &job, e);
    if (rc) return rc;
    publish_run(s, "building", job.run, job.batch);
    rc = build_and_execute(s, &job, &batch_done, e);
    if (rc && rc != TIDE_STOPPED) {
        struct tide_error why = *e;
        rc = fail_run(s, &job, why.text, &batch_done, e);
    }
    if (!rc) {
        struct tide_run_facts facts;
        rc = tide_store_run_facts(s->store, job.run, &facts, e);
        if (!rc) publish_run(s, facts.status, job.run, job.batch);
        if (batch_done) publish_batch(s, job.batch);
    }
    tide_job_clear(&job);
    return rc;
}

/* ---- the thread ---- */

static void wait_for_work(struct tide_scheduler *s)
{
    pthread_mutex_lock(&s->lock);
    while (!s->work && !s->stop)
        pthread_cond_wait(&s->changed, &s->lock);
    s->work = false;
    pthread_mutex_unlock(&s->lock);
}

static void pause_after_fault(struct tide_scheduler *s)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += 1;
    pthread_mutex_lock(&s->lock);
    if (!s->stop) pthread_cond_timedwait(&s->changed, &s->lock, &until);
    pthread_mutex_unlock(&s->lock);
}

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
    struct tide_scheduler *s = context;
    struct tide_error e;
    if (discover(s)) return NULL;
    if (s->demo) queue_demo(s);
    while (!s->stop) {
        enum tide_rc rc = do_next(s, &e);
        if (rc == TIDE_ABSENT) {
            trim_cache(s); /* what the queue needed may go now */
            wait_for_work(s);
        }
        if (rc && rc != TIDE_ABSENT && rc != TIDE_STOPPED) {
            tide_log(TIDE_LOG_ERROR, "schedule", "%s", e.text);
            pause_after_fault(s);
        }
    }
    tide_builds_wait_all(s->builds);
    return NULL;
}

static enum tide_rc start_thread(struct tide_scheduler *s, struct tide_error *e)
{
    sigset_t all, before; /* signals are the main thread's */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failed = pthread_create(&s->thread, NULL, work, s);
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
    s->started_ns = tide_clock_unix_ns();
    pthread_mutex_init(&s->lock, NULL);
    pthread_cond_init(&s->changed, NULL);
    s->harness = tide_format("%s/worker/python/harness.py", places->source);
    char *sources = tide_format("%s/worker", places->source);
    s->builder = (struct tide_builder){places->cache, sources, &s->stop};
    s->builds = tide_builds_new(&s->builder, store, feed, &places->limits);
    enum tide_rc rc = s->harness && sources && s->builds
                          ? start_thread(s, e)
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
    pthread_cond_broadcast(&s->changed);
    pthread_mutex_unlock(&s->lock);
}

void tide_scheduler_free(struct tide_scheduler *s)
{
    if (!s) return;
    tide_scheduler_interrupt(s);
    pthread_join(s->thread, NULL);
    tide_builds_free(s->builds);
    tide_projects_close(s->projects);
    pthread_cond_destroy(&s->changed);
    pthread_mutex_destroy(&s->lock);
    free((char *)s->builder.worker_source);
    free(s->harness);
    free(s);
}

/* Wait for discovery; its result. */
static enum tide_rc await_discovery(struct tide_scheduler *s, struct tide_error *e)
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

enum tide_rc tide_scheduler_refresh(struct tide_scheduler *s, bool always, struct tide_error *e)
{
    enum tide_rc rc = await_discovery(s, e);
    return rc ? rc : tide_projects_refresh(s->projects, always, e);
}

enum tide_rc tide_scheduler_projects(struct tide_scheduler *s, struct tide_projects **out,
                                     struct tide_error *e)
{
    enum tide_rc rc = await_discovery(s, e);
    *out = rc ? NULL : s->projects;
    return rc;
}

/* The request with the project's own pythons, where it names none; a new reference. */
static json_t *complete(const json_t *request, const struct tide_catalog *c)
{
    json_t *whole = json_copy((json_t *)request);
    if (whole && *c->row.pythons && !json_object_get(whole, "pythons"))
        json_object_set_new(whole, "pythons", json_loads(c->row.pythons, 0, NULL));
    return whole;
}

/* What every request for runs begins with: *c and *whole are new references. */
static enum tide_rc admit(struct tide_scheduler *s, const json_t *request, struct tide_catalog **c,
                          json_t **whole, struct tide_error *e)
{
    const json_t *name = json_object_get(request, "project");
    json_t *meant = NULL;
    *c = NULL;
    *whole = NULL;
    enum tide_rc rc = tide_scheduler_refresh(s, false, e);
    if (rc) return rc;
    if (!json_is_object(request)) return tide_fail_field(e, "", "the body must be a JSON object");
    if (name && !json_is_string(name))
        return tide_fail_field(e, "project", "must be the name of a project");
    rc = tide_projects_require(s->projects, name ? json_string_value(name) : TIDE_DEFAULT_PROJECT,
                               c, e);
    if (rc) return rc;
    rc = tide_demo_expand(*c, request, &meant, e);
    if (rc) return rc;
    *whole = complete(meant, *c);
    json_decref(meant);
    return *whole ? TIDE_OK : tide_fail(e, TIDE_NOMEM, "read a request");
}

enum tide_rc tide_scheduler_trigger(struct tide_scheduler *s, const json_t *request, int64_t *batch,
                                    struct tide_error *e)
{
    struct tide_catalog *c;
    json_t *whole;
    enum tide_rc rc = admit(s, request, &c, &whole, e);
    if (!rc) rc = tide_trigger(c, s->store, whole, batch, e);
    json_decref(whole);
    tide_catalog_drop(c);
    if (rc) return rc;
    publish_queued(s, *batch);
    pthread_mutex_lock(&s->lock);
    s->work = true;
    pthread_cond_broadcast(&s->changed);
    pthread_mutex_unlock(&s->lock);
    return TIDE_OK;
}

enum tide_rc tide_scheduler_plan(struct tide_scheduler *s, const json_t *request,
                                 struct tide_str *out, struct tide_error *e)
{
    struct tide_catalog *c;
    json_t *whole;
    enum tide_rc rc = admit(s, request, &c, &whole, e);
    if (!rc) rc = tide_plan(c, s->store, &s->builder, s->places->limits.jobs, whole, out, e);
    json_decref(whole);
    tide_catalog_drop(c);
    return rc;
}

/* The `limit` from the first on; one more tells that there is a next page. */
static enum tide_rc put_commits(struct tide_commit *commits, size_t n, size_t first, size_t limit,
                                struct tide_str *out, struct tide_error *e)
{
    json_t *list = json_array();
    size_t end = n > first + limit ? first + limit : n;
    for (size_t i = first; i < end; i++)
        json_array_append_new(list,
                              json_pack("{s:s, s:s, s:s, s:I}", "sha", commits[i].sha, "subject",
                                        commits[i].subject, "author", commits[i].author,
                                        "committed_ns", (json_int_t)commits[i].committed_ns));
    json_t *answer =
        json_pack("{s:o, s:s?}", "commits", list, "next", end < n ? commits[end - 1].sha : NULL);
    char *text = answer ? json_dumps(answer, JSON_COMPACT) : NULL;
    if (text) tide_str_put(out, text);
    free(text);
    json_decref(answer);
    return text && !out->failed ? TIDE_OK : tide_fail(e, TIDE_NOMEM, "list the commits");
}

static bool is_sha(const char *text)
{
    size_t n = strspn(text, "0123456789abcdef");
    return !text[n] && (n == 40 || n == 64);
}

enum tide_rc tide_scheduler_commits_json(struct tide_scheduler *s, const char *project,
                                         const char *cursor, size_t limit, struct tide_str *out,
                                         struct tide_error *e)
{
    struct tide_commit *commits = NULL;
    size_t n = 0, first = cursor ? 1 : 0;
    struct tide_catalog *c = NULL;
    if (cursor && !is_sha(cursor))
        return tide_fail_field(e, "cursor", "it must be `next` of a page");
    enum tide_rc rc = await_discovery(s, e);
    if (!rc) rc = tide_projects_sync(s->projects, project, &c, e);
    if (!rc) {
        rc = tide_repo_list(c->repo, cursor ? cursor : "HEAD", NULL, first + limit + 1, &commits,
                            &n, e);
        if (cursor && (rc == TIDE_ABSENT || rc == TIDE_INVALID))
            rc = tide_fail_field(e, "cursor", "the project has no commit %s", cursor);
    }
    tide_catalog_drop(c);
    if (!rc) rc = put_commits(commits, n, first, limit, out, e);
    for (size_t i = 0; i < n; i++)
        tide_commit_clear(&commits[i]);
    free(commits);
    return rc;
}

enum tide_rc tide_scheduler_status_json(struct tide_scheduler *s, struct tide_str *out,
                                        struct tide_error *e)
{
    size_t usable = 0, n = 0;
    pthread_mutex_lock(&s->lock);
    bool discovering = !s->discovered;
    const struct tide_pythons *pythons = s->projects ? tide_projects_pythons(s->projects) : NULL;
    if (pythons) n = pythons->n;
    for (size_t i = 0; i < n; i++)
        usable += !pythons->at[i].reason;
    json_t *trouble = *s->trouble.text ? json_string(s->trouble.text) : json_null();
    pthread_mutex_unlock(&s->lock);
    char *shown = json_dumps(trouble, JSON_ENCODE_ANY);
    tide_str_printf(out,
                    "{\"version\":\"%s\",\"started_ns\":%lld,\"project\":\"" TIDE_DEFAULT_PROJECT
                    "\",\"discovering\":%s,\"trouble\":%s,"
                    "\"pythons\":{\"usable\":%zu,\"unusable\":%zu},\"queue\":",
                    TIDEMARK_VERSION, (long long)s->started_ns, discovering ? "true" : "false",
                    shown ? shown : "null", usable, n - usable);
    free(shown);
    json_decref(trouble);
    enum tide_rc rc = tide_store_queue_json(s->store, out, e);
    tide_str_put(out, "}");
    return rc;
}
