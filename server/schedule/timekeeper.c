/* timekeeper.c - see timekeeper.h. */
#include "schedule/timekeeper.h"

#include "base/clock.h"
#include "base/log.h"
#include "schedule/cron.h"
#include "schedule/triggers.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SECOND  INT64_C(1000000000)
#define ROUND_S 30 /* the longest time between two looks */

struct tide_timekeeper {
    struct tide_scheduler *scheduler;
    struct tide_store *store;
    pthread_t thread;
    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t changed;
    bool stop, news;
};

/* ---- the clock ---- */

static const char *test_clock(void)
{
    const char *path = getenv("TIDEMARK_TEST_CLOCK");
    return path && *path ? path : NULL;
}

int64_t tide_timekeeper_now(void)
{
    char text[32] = "";
    const char *path = test_clock();
    FILE *f = path ? fopen(path, "re") : NULL;
    if (!f) return tide_clock_unix_ns();
    if (!fgets(text, sizeof text, f)) *text = '\0';
    fclose(f);
    return strtoll(text, NULL, 10);
}

/* ---- what sets a project off ---- */

/* The first time after `after` at which one of the expressions comes, and which; 0 when none does.
 */
static int64_t next_cron(const struct tide_trigger *t, int64_t after, char by[80])
{
    struct tide_zone *z = NULL;
    struct tide_error e;
    struct tide_cron cron;
    int64_t best = 0, at = 0;
    size_t i;
    json_t *list = json_loads(t->cron, 0, NULL), *item;
    if (tide_zone_open(t->timezone, &z, &e))
        tide_log(TIDE_LOG_ERROR, "trigger", "project=%s %s", t->name, e.text);
    json_array_foreach(list, i, item)
    {
        if (!z || tide_cron_parse(json_string_value(item), &cron, &e) ||
            tide_cron_next(&cron, z, after / SECOND, &at, &e) || (best && at * SECOND >= best))
            continue;
        best = at * SECOND;
        snprintf(by, 80, "%s", json_string_value(item));
    }
    tide_zone_close(z);
    json_decref(list);
    return best;
}

static enum tide_rc look_at_cron(struct tide_timekeeper *k, struct tide_trigger *t, int64_t now,
                                 int64_t *next, struct tide_error *e)
{
    char by[80] = "";
    int64_t due = next_cron(t, t->served_ns, by);
    *next = due && due < *next ? due : *next;
    if (!due || due > now) return TIDE_OK;
    const struct tide_trigger_mark mark = {.reason = "cron", .by = by, .served_ns = now};
    enum tide_rc rc = tide_store_mark_trigger(k->store, t->project, &mark, e);
    due = next_cron(t, now, by);
    *next = due && due < *next ? due : *next;
    return rc;
}

/* The commit at the tip of the project's branch. */
static enum tide_rc find_tip(struct tide_timekeeper *k, const struct tide_trigger *t,
                             struct tide_commit *tip, struct tide_error *e)
{
    struct tide_projects *projects = NULL;
    struct tide_catalog *c = NULL;
    enum tide_rc rc = tide_scheduler_projects(k->scheduler, &projects, e);
    if (!rc) rc = tide_projects_sync(projects, t->name, TIDE_FETCH_DEADLINE_S, &c, e);
    if (!rc) rc = tide_repo_resolve(c->repo, "HEAD", tip, e);
    tide_catalog_drop(c);
    return rc;
}

/* The first look only learns what is there. */
static enum tide_rc look_at_branch(struct tide_timekeeper *k, struct tide_trigger *t, int64_t now,
                                   int64_t *next, struct tide_error *e)
{
    struct tide_commit tip = {0};
    int64_t due = t->polled_ns + t->poll_s * SECOND;
    if (!t->poll_s) return TIDE_OK;
    if (due > now) {
        *next = due < *next ? due : *next;
        return TIDE_OK;
    }
    struct tide_trigger_mark mark = {.polled_ns = now};
    enum tide_rc rc = find_tip(k, t, &tip, e);
    if (rc == TIDE_STOPPED || rc == TIDE_BUSY) return rc;
    if (rc) tide_log(TIDE_LOG_WARN, "trigger", "project=%s cannot be polled: %s", t->name, e->text);
    if (!rc) mark.tip = tip.sha;
    if (!rc && *t->tip && strcmp(t->tip, tip.sha) != 0) {
        mark.reason = "commit";
        mark.by = tip.sha;
    }
    rc = tide_store_mark_trigger(k->store, t->project, &mark, e);
    tide_commit_clear(&tip);
    due = now + t->poll_s * SECOND;
    *next = due < *next ? due : *next;
    return rc;
}

/* ---- queueing ---- */

/* The request of the project, a new reference; `pythons`, a list, stands in for its own. */
static json_t *make_request(const struct tide_trigger *t, const char *reason, const char *by,
                            const json_t *pythons)
{
    json_t *request = json_loads(t->request, 0, NULL);
    json_object_set_new(request, "project", json_string(t->name));
    json_object_set_new(request, "reason", json_string(reason));
    json_object_set_new(request, "by", json_string(by));
    if (pythons) json_object_set(request, "pythons", (json_t *)pythons);
    return request;
}

/* What the daemon cannot do now stays pending. */
static enum tide_rc queue(struct tide_timekeeper *k, const struct tide_trigger *t,
                          const struct tide_served *served, const json_t *pythons,
                          struct tide_error *e)
{
    struct tide_error why = {0};
    const struct tide_cause cause = {.trigger = served};
    int64_t batch = 0;
    json_t *request = make_request(t, served->reason, served->by, pythons);
    enum tide_rc rc = tide_scheduler_trigger(k->scheduler, request, &cause, &batch, &why);
    json_decref(request);
    if (rc == TIDE_STOPPED || rc == TIDE_BUSY) {
        *e = why;
        return rc;
    }
    tide_log(rc ? TIDE_LOG_WARN : TIDE_LOG_INFO, "trigger",
             "project=%s reason=%s by=%s batch=%lld%s%s%s%s", t->name, served->reason, served->by,
             (long long)batch, rc ? " " : "", rc ? why.field : "", rc && *why.field ? ": " : "",
             rc ? why.text : "");
    return rc ? tide_store_drop_trigger(k->store, served, why.text, e) : TIDE_OK;
}

static enum tide_rc queue_pending(struct tide_timekeeper *k, int64_t project, struct tide_error *e)
{
    struct tide_trigger t;
    enum tide_rc rc = tide_store_find_trigger(k->store, project, &t, e);
    const struct tide_served served = {project, t.pending_n, t.pending, t.pending_by, NULL};
    if (!rc && *t.pending) rc = queue(k, &t, &served, NULL, e);
    tide_trigger_clear(&t);
    return rc;
}

static enum tide_rc look_at_pythons(struct tide_timekeeper *k, const struct tide_trigger *t,
                                    struct tide_error *e)
{
    struct tide_str text = {0};
    if (!t->on_new_python) return TIDE_OK;
    enum tide_rc rc = tide_scheduler_refresh(k->scheduler, false, e);
    if (!rc) rc = tide_store_new_pythons(k->store, t->project, &text, e);
    json_t *names = rc ? NULL : json_loads(text.at, 0, NULL);
    const struct tide_served served = {t->project, -1, "python",
                                       json_string_value(json_array_get(names, 0)), text.at};
    if (json_array_size(names)) rc = queue(k, t, &served, names, e);
    json_decref(names);
    tide_str_free(&text);
    return rc;
}

/* ---- the thread ---- */

static enum tide_rc look_at(struct tide_timekeeper *k, struct tide_trigger *t, int64_t now,
                            int64_t *next, struct tide_error *e)
{
    enum tide_rc rc = look_at_cron(k, t, now, next, e);
    if (!rc) rc = look_at_branch(k, t, now, next, e);
    if (!rc) rc = queue_pending(k, t->project, e);
    return rc ? rc : look_at_pythons(k, t, e);
}

static bool is_stopping(struct tide_timekeeper *k)
{
    pthread_mutex_lock(&k->lock);
    bool stop = k->stop;
    pthread_mutex_unlock(&k->lock);
    return stop;
}

/* One look at everything; the instant of the next that is known of. */
static int64_t look_around(struct tide_timekeeper *k, int64_t now)
{
    struct tide_trigger *list = NULL;
    struct tide_error e;
    size_t n = 0;
    int64_t next = now + ROUND_S * SECOND;
    if (tide_store_triggers(k->store, &list, &n, &e))
        tide_log(TIDE_LOG_ERROR, "trigger", "%s", e.text);
    for (size_t i = 0; i < n; i++) {
        enum tide_rc rc = is_stopping(k) ? TIDE_OK : look_at(k, &list[i], now, &next, &e);
        if (rc && rc != TIDE_STOPPED && rc != TIDE_BUSY)
            tide_log(TIDE_LOG_ERROR, "trigger", "project=%s %s", list[i].name, e.text);
        tide_trigger_clear(&list[i]);
    }
    free(list);
    return next;
}

/* Sleep until that instant, or until there is news. A test's clock is looked at all the time. */
static void sleep_until(struct tide_timekeeper *k, int64_t wait_ns)
{
    struct timespec until;
    int late = 0;
    if (test_clock() && wait_ns > SECOND / 20) wait_ns = SECOND / 20;
    clock_gettime(CLOCK_MONOTONIC, &until);
    int64_t sum = until.tv_nsec + (wait_ns > 0 ? wait_ns : 0);
    until.tv_sec += (time_t)(sum / SECOND);
    until.tv_nsec = (long)(sum % SECOND);
    pthread_mutex_lock(&k->lock);
    while (!k->stop && !k->news && !late)
        late = pthread_cond_timedwait(&k->changed, &k->lock, &until);
    k->news = false;
    pthread_mutex_unlock(&k->lock);
}

static void *work(void *context)
{
    struct tide_timekeeper *k = context;
    while (!is_stopping(k)) {
        int64_t now = tide_timekeeper_now();
        int64_t next = look_around(k, now);
        sleep_until(k, next - tide_timekeeper_now());
    }
    return NULL;
}

enum tide_rc tide_timekeeper_start(struct tide_scheduler *scheduler, struct tide_store *store,
                                   struct tide_timekeeper **out, struct tide_error *e)
{
    pthread_condattr_t clock;
    sigset_t all, before; /* signals are the main thread's */
    struct tide_timekeeper *k = calloc(1, sizeof *k);
    *out = NULL;
    if (!k) return tide_fail(e, TIDE_NOMEM, "start the timekeeper");
    k->scheduler = scheduler;
    k->store = store;
    pthread_mutex_init(&k->lock, NULL);
    pthread_condattr_init(&clock);
    pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
    pthread_cond_init(&k->changed, &clock);
    pthread_condattr_destroy(&clock);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    errno = pthread_create(&k->thread, NULL, work, k);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (errno) {
        free(k);
        return tide_fail_errno(e, "start the timekeeper");
    }
    *out = k;
    return TIDE_OK;
}

void tide_timekeeper_wake(struct tide_timekeeper *k)
{
    if (!k) return;
    pthread_mutex_lock(&k->lock);
    k->news = true;
    pthread_cond_signal(&k->changed);
    pthread_mutex_unlock(&k->lock);
}

void tide_timekeeper_stop(struct tide_timekeeper *k)
{
    if (!k) return;
    pthread_mutex_lock(&k->lock);
    k->stop = true;
    pthread_cond_signal(&k->changed);
    pthread_mutex_unlock(&k->lock);
    pthread_join(k->thread, NULL);
    pthread_cond_destroy(&k->changed);
    pthread_mutex_destroy(&k->lock);
    free(k);
}
