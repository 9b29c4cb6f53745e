/* builds.c - see builds.h.
 *
 * A build at work is an entry of a list. Its thread marks it as ended; whoever waits next joins the
 * thread, takes the result and frees the entry. The thread's children die with it (base/process.h),
 * so a daemon that is killed leaves nothing behind. */
#include "schedule/builds.h"

#include "base/file.h"
#include "base/log.h"
#include "schedule/memory.h"
#include "store/control.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define LOG_KEPT (4u << 20)

struct work {
    struct work *next;
    struct tide_builds *builds;
    struct tide_catalog *catalog; /* held */
    const struct tide_python *python;
    struct tide_build plan;
    char *sha;
    int64_t run, batch, commit, python_id;
    pthread_t thread;
    atomic_bool stop; /* nobody wants it any more, or the daemon stops */
    unsigned waiting; /* guarded by the list's lock, as are `next` and `ended` */
    bool ended;       /* the rest is the thread's until then */
    enum tide_rc rc;
    struct tide_error error;
};

struct tide_builds {
    const struct tide_builder *builder;
    struct tide_store *store;
    struct tide_feed *feed;
    const struct tide_limits *limits;
    const struct tide_cpus *cpus;
    pthread_mutex_t lock;
    pthread_cond_t ended;
    struct work *first;
    bool grown;       /* a build has ended since somebody asked */
    atomic_int share; /* CPUs of each that begins; 0: all */
    bool stopping;    /* the daemon stops: none begins any more */
};

struct tide_builds *tide_builds_new(const struct tide_builder *builder, struct tide_store *store,
                                    struct tide_feed *feed, const struct tide_places *places)
{
    struct tide_builds *b = calloc(1, sizeof *b);
    if (!b) return NULL;
    *b = (struct tide_builds){.builder = builder,
                              .store = store,
                              .feed = feed,
                              .limits = &places->limits,
                              .cpus = &places->cpus};
    pthread_mutex_init(&b->lock, NULL);
    pthread_cond_init(&b->ended, NULL);
    return b;
}

void tide_builds_free(struct tide_builds *b)
{
    if (!b) return;
    tide_builds_wait_all(b, NULL);
    pthread_cond_destroy(&b->ended);
    pthread_mutex_destroy(&b->lock);
    free(b);
}

static void free_work(struct work *w)
{
    if (!w) return;
    tide_build_clear(&w->plan);
    tide_catalog_drop(w->catalog);
    free(w->sha);
    free(w);
}

/* ---- one build ---- */

static void publish(const struct work *w, int64_t id)
{
    struct tide_str text = {0};
    struct tide_error e;
    if (tide_store_build_json(w->builds->store, id, &text, &e))
        tide_log(TIDE_LOG_ERROR, "build", "build=%lld %s", (long long)id, e.text);
    else
        tide_feed_publish(w->builds->feed, "build", w->batch, text.at);
    tide_str_free(&text);
}

static enum tide_rc store_outcome(struct work *w, int64_t id, const char *error,
                                  struct tide_error *e)
{
    char *log = NULL;
    size_t n = 0;
    if (tide_file_read(w->plan.log, LOG_KEPT, &log, &n, NULL)) n = 0;
    enum tide_rc rc = tide_store_end_build(w->builds->store, id, error, log ? log : "", n, e);
    if (!rc && w->plan.steps) rc = tide_store_set_steps(w->builds->store, id, w->plan.steps, e);
    if (!rc) publish(w, id);
    free(log);
    return rc;
}

/* Make it and store its outcome: OK for a commit that does not build, too. */
static enum tide_rc make(struct work *w, struct tide_error *e)
{
    struct tide_builds *b = w->builds;
    const struct tide_build_row row = {w->plan.key, w->plan.flags, w->plan.compiler, w->commit,
                                       w->python_id};
    int64_t id = 0;
    enum tide_rc rc = tide_store_begin_build(b->store, &row, &id, e);
    if (!rc) rc = tide_store_set_build(b->store, w->run, id, e); /* so that its log is found */
    if (rc) return rc;
    publish(w, id);
    const struct tide_subject subject = tide_catalog_subject(w->catalog, w->sha);
    const struct tide_builder builder = {b->builder->cache, b->builder->worker_source, &w->stop};
    rc = tide_builder_make(&builder, &subject, w->python, &w->plan, e);
    tide_log(rc ? TIDE_LOG_WARN : TIDE_LOG_INFO, "build", "build=%lld commit=%.12s python=%s %s%s",
             (long long)id, w->sha, w->python->name, rc ? "failed: " : "done", rc ? e->text : "");
    if (rc == TIDE_OK || rc == TIDE_FAILED) {
        struct tide_error why = *e;
        return store_outcome(w, id, rc ? why.text : NULL, e);
    }
    struct tide_error trouble;
    enum tide_rc dropped = tide_store_drop_build(b->store, id, &trouble);
    if (!dropped) return rc;
    *e = trouble;
    return dropped;
}

static void *work(void *context)
{
    struct work *w = context;
    if (!w->builds->limits->beside_runs)
        tide_cpus_use_all(w->builds->cpus); /* nothing is measured */
    w->rc = make(w, &w->error);
    pthread_mutex_lock(&w->builds->lock);
    w->ended = true;
    w->builds->grown = true;
    pthread_cond_broadcast(&w->builds->ended);
    pthread_mutex_unlock(&w->builds->lock);
    return NULL;
}

/* Signals are the main thread's. */
static enum tide_rc start_thread(struct work *w, struct tide_error *e)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failed = pthread_create(&w->thread, NULL, work, w);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    errno = failed;
    return failed ? tide_fail_errno(e, "start a build") : TIDE_OK;
}

/* ---- the list ---- */

/* Take an entry that has ended off the list; with the lock held. */
static void unlink_work(struct tide_builds *b, const struct work *w)
{
    struct work **at = &b->first;
    while (*at != w)
        at = &(*at)->next;
    *at = w->next;
}

static void end_work(struct work *w)
{
    pthread_join(w->thread, NULL);
    free_work(w);
}

static struct work *find(struct tide_builds *b, const char *key)
{
    struct work *w = b->first;
    while (w && strcmp(w->plan.key, key) != 0)
        w = w->next;
    return w;
}

/* The entry of the key that is at work or awaited; one that has ended and that nobody waits for is
 * put aside into *over. With the lock held. */
static struct work *find_live(struct tide_builds *b, const char *key, struct work **over)
{
    struct work *w = find(b, key);
    *over = NULL;
    if (!w || !w->ended || w->waiting) return w;
    unlink_work(b, w);
    *over = w;
    return NULL;
}

/* A new entry; it takes *plan over. */
static struct work *make_work(struct tide_builds *b, struct tide_catalog *c,
                              const struct tide_job *job, const struct tide_python *python,
                              struct tide_build *plan)
{
    struct work *w = calloc(1, sizeof *w);
    if (!w) return NULL;
    w->builds = b;
    w->catalog = tide_catalog_ref(c);
    w->run = job->run;
    w->batch = job->batch;
    w->python = python;
    w->commit = job->commit;
    w->python_id = job->python;
    w->sha = strdup(job->sha);
    w->plan = *plan;
    w->plan.cpus = b->share;
    *plan = (struct tide_build){0};
    if (w->sha) return w;
    free_work(w);
    return NULL;
}

/* With the lock held. */
static enum tide_rc begin(struct tide_builds *b, struct work *w, struct tide_error *e)
{
    if (!w) return tide_fail(e, TIDE_NOMEM, "start a build");
    enum tide_rc rc =
        b->stopping ? tide_fail(e, TIDE_STOPPED, "the daemon is stopping") : start_thread(w, e);
    if (rc) {
        free_work(w);
        return rc;
    }
    w->next = b->first;
    b->first = w;
    return TIDE_OK;
}

enum tide_rc tide_builds_begin(struct tide_builds *b, struct tide_catalog *c,
                               const struct tide_job *job, const struct tide_python *python,
                               struct tide_build *plan, struct tide_error *e)
{
    struct work *over;
    enum tide_rc rc = TIDE_OK;
    pthread_mutex_lock(&b->lock);
    if (!find_live(b, plan->key, &over)) rc = begin(b, make_work(b, c, job, python, plan), e);
    pthread_mutex_unlock(&b->lock);
    tide_build_clear(plan);
    if (over) end_work(over);
    return rc;
}

enum tide_rc tide_builds_wait(struct tide_builds *b, const char *key, const atomic_bool *stop,
                              struct tide_error *e)
{
    enum tide_rc rc = TIDE_OK;
    pthread_mutex_lock(&b->lock);
    struct work *w = find(b, key);
    if (w) w->waiting++;
    while (w && !w->ended && !(stop && *stop))
        pthread_cond_wait(&b->ended, &b->lock);
    if (w) w->waiting--;
    bool last = w && w->ended && !w->waiting;
    if (w && !w->ended)
        rc = tide_fail(e, TIDE_STOPPED, "nobody waits for the build any more");
    else if (w)
        rc = w->rc;
    if (w && w->ended && rc && e) *e = w->error;
    if (last) unlink_work(b, w);
    pthread_mutex_unlock(&b->lock);
    if (last) end_work(w);
    return rc;
}

void tide_builds_wait_all(struct tide_builds *b, const atomic_bool *stop)
{
    while (!(stop && *stop)) {
        char key[TIDE_HASH_TEXT] = "";
        struct tide_error e;
        pthread_mutex_lock(&b->lock);
        if (b->first) memcpy(key, b->first->plan.key, sizeof key);
        pthread_mutex_unlock(&b->lock);
        if (!*key) return;
        enum tide_rc rc = tide_builds_wait(b, key, stop, &e);
        if (rc && rc != TIDE_STOPPED)
            tide_log(TIDE_LOG_WARN, "build", "a build came to nothing: %s", e.text);
    }
}

/* ---- stop ---- */

void tide_builds_stop(struct tide_builds *b)
{
    pthread_mutex_lock(&b->lock);
    b->stopping = true;
    for (struct work *w = b->first; w; w = w->next)
        w->stop = true;
    pthread_cond_broadcast(&b->ended);
    pthread_mutex_unlock(&b->lock);
}

void tide_builds_drop_unwanted(struct tide_builds *b)
{
    struct tide_error e;
    pthread_mutex_lock(&b->lock);
    for (struct work *w = b->first; w; w = w->next) {
        bool wanted = true;
        if (w->ended || w->waiting) continue;
        if (tide_store_is_wanted(b->store, w->commit, w->python_id, &wanted, &e))
            tide_log(TIDE_LOG_ERROR, "build", "%s", e.text);
        if (!wanted) w->stop = true;
    }
    pthread_cond_broadcast(&b->ended); /* for those whose run was cancelled */
    pthread_mutex_unlock(&b->lock);
}

/* ---- limits ---- */

void tide_builds_expect(struct tide_builds *b, size_t n)
{
    long cpus = sysconf(_SC_NPROCESSORS_ONLN), most = b->limits->jobs;
    if (n < (size_t)most) most = n ? (long)n : 1;
    b->share = cpus > most ? (int)(cpus / most) : 1;
}

size_t tide_builds_room(struct tide_builds *b)
{
    size_t at_work = 0, most = (size_t)b->limits->jobs;
    struct tide_memory memory;
    tide_memory_read(&memory);
    pthread_mutex_lock(&b->lock);
    for (const struct work *w = b->first; w; w = w->next)
        at_work += !w->ended;
    pthread_mutex_unlock(&b->lock);
    size_t room = most > at_work ? most - at_work : 0;
    int64_t fit = memory.available / b->limits->memory;
    if ((int64_t)room > fit) room = (size_t)fit;
    return !room && !at_work ? 1 : room;
}

bool tide_builds_grown(struct tide_builds *b)
{
    pthread_mutex_lock(&b->lock);
    bool grown = b->grown;
    b->grown = false;
    pthread_mutex_unlock(&b->lock);
    return grown;
}

enum tide_rc tide_builds_check_disk(struct tide_builds *b, struct tide_error *e)
{
    struct statvfs facts;
    if (statvfs(b->builder->cache, &facts))
        return tide_fail_errno(e, "look at the disk of %s", b->builder->cache);
    int64_t left = (int64_t)facts.f_bavail * (int64_t)facts.f_frsize;
    if (left >= b->limits->disk) return TIDE_OK;
    return tide_fail(e, TIDE_IO,
                     "%lld MiB are left on the disk of %s, and a build wants %lld: free some, or "
                     "lower build_disk in the configuration",
                     (long long)(left >> 20), b->builder->cache,
                     (long long)(b->limits->disk >> 20));
}
