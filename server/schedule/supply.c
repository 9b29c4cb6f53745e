/* supply.c - the builds that runs need: what is known of them, made when it is time or ahead of it,
 * and what goes out of the cache. */
#include "schedule/internal.h"

#include "base/log.h"
#include "build/cache.h"

#include <stdlib.h>
#include <string.h>

#define TRIES  3  /* another slot may take a build away before its run is known to need it */
#define WINDOW 64 /* runs of the queue that builds are made ahead for */

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

const struct tide_python *tide_supply_python(struct tide_scheduler *s, const struct tide_job *job)
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
    const struct tide_python *python = tide_supply_python(s, job);
    if (!python || tide_projects_take(s->projects, job->project, &c, NULL) ||
        tide_builds_check_disk(s->builds, NULL) ||
        judge_build(s, job, c, python, &plan, &known, &needed, NULL) || !needed ||
        tide_builds_begin(s->builds, c, job, python, &plan, NULL))
        tide_log(TIDE_LOG_DEBUG, "schedule", "run=%lld begins no build ahead", (long long)job->run);
    free(known.error);
    tide_build_clear(&plan);
    tide_catalog_drop(c);
}

void tide_supply_ahead(struct tide_scheduler *s)
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

/* A build is about to begin, and beside it at most one for each commit and python of the queue's
 * next runs. */
static void expect_builds(struct tide_scheduler *s)
{
    struct tide_job jobs[TIDE_BUILD_JOBS_MAX];
    struct tide_error e;
    size_t n = 0;
    if (tide_store_upcoming(s->store, WINDOW, TIDE_BUILD_JOBS_MAX, jobs, &n, &e))
        tide_log(TIDE_LOG_ERROR, "schedule", "%s", e.text);
    for (size_t i = 0; i < n; i++)
        tide_job_clear(&jobs[i]);
    tide_builds_expect(s->builds, n + 1);
}

/* Make the planned build, and beside it what will be needed next; *plan is taken over. */
static enum tide_rc build_now(struct tide_slot *slot, const struct tide_job *job,
                              struct tide_catalog *c, const struct tide_python *python,
                              struct tide_build *plan, struct tide_error *e)
{
    struct tide_scheduler *s = slot->scheduler;
    char key[TIDE_HASH_TEXT];
    memcpy(key, plan->key, sizeof key);
    enum tide_rc rc = tide_builds_check_disk(s->builds, e);
    if (!rc) rc = tide_turns_begin_build(slot, e);
    if (rc) return rc;
    expect_builds(s);
    rc = tide_builds_begin(s->builds, c, job, python, plan, e);
    if (!rc) {
        tide_supply_ahead(s);
        rc = tide_builds_wait(s->builds, key, &slot->stop, e);
        if (!s->places->limits.beside_runs) tide_builds_wait_all(s->builds, &slot->stop);
    }
    tide_turns_end_build(slot);
    return rc;
}

/* Judge the build; where it must not be made, the run is known to need it from here on, so that no
 * other slot takes it out of the cache. The caller frees known->error. */
static enum tide_rc secure_build(struct tide_scheduler *s, const struct tide_job *job,
                                 const struct tide_catalog *c, const struct tide_python *python,
                                 struct tide_build *plan, struct tide_known_build *known,
                                 bool *needed, struct tide_error *e)
{
    pthread_mutex_lock(&s->supplying);
    enum tide_rc rc = judge_build(s, job, c, python, plan, known, needed, e);
    if (!rc && !*needed && known->id) rc = tide_store_set_build(s->store, job->run, known->id, e);
    pthread_mutex_unlock(&s->supplying);
    return rc;
}

enum tide_rc tide_supply_build(struct tide_slot *slot, const struct tide_job *job,
                               struct tide_catalog *c, const struct tide_python *python,
                               struct tide_build *plan, bool *own, struct tide_error *e)
{
    struct tide_scheduler *s = slot->scheduler;
    struct tide_known_build known;
    bool needed = false;
    enum tide_rc rc = secure_build(s, job, c, python, plan, &known, &needed, e);
    for (int tries = 0; !rc && needed && tries < TRIES; tries++) {
        rc = build_now(slot, job, c, python, plan, e);
        free(known.error);
        known = (struct tide_known_build){0};
        tide_build_clear(plan);
        if (!rc) rc = secure_build(s, job, c, python, plan, &known, &needed, e);
    }
    if (!rc && needed) rc = tide_fail(e, TIDE_FAILED, "the build is gone from the cache");
    if (!rc && known.error) {
        *own = true;
        rc = tide_fail(e, TIDE_FAILED, "%s", known.error);
    }
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
        const struct tide_python *python = tide_supply_python(s, &jobs[i]);
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

void tide_supply_trim(struct tide_scheduler *s)
{
    struct tide_error e;
    pthread_mutex_lock(&s->supplying);
    if (make_room(s, &e))
        tide_log(TIDE_LOG_WARN, "schedule", "the cache stays above its limit: %s", e.text);
    pthread_mutex_unlock(&s->supplying);
}
