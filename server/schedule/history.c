/* history.c - see history.h.
 *
 * What is to be done stands in the database (stale series, suspect changes, second looks that have
 * ended), so that a daemon that is killed goes on with it. */
#include "schedule/history.h"

#include "base/log.h"
#include "schedule/follower.h"
#include "stats/changes.h"
#include "stats/robust.h"
#include "stats/shift.h"
#include "store/changes.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define AT_ONCE 64

struct tide_history {
    struct tide_store *store;
    struct tide_feed *feed;
    struct tide_scheduler *scheduler;
    struct tide_follower *follower;
};

/* ---- change points ---- */

static struct tide_change_row row_of(const struct tide_change *c)
{
    return (struct tide_change_row){
        .index = c->index,
        .end = c->end,
        .creep = c->kind == TIDE_CREEP,
        .confirmed = c->status == TIDE_CONFIRMED,
        .before = c->before,
        .after = c->after,
        .effect = c->effect,
        .low = c->low,
        .high = c->high,
    };
}

static enum tide_rc find_changes(const struct tide_series_point *points, size_t n,
                                 struct tide_change_row **out, size_t *n_out, struct tide_error *e)
{
    struct tide_change *changes = NULL;
    double *values = calloc(n + 1, sizeof *values);
    *out = NULL;
    *n_out = 0;
    if (!values) return tide_fail(e, TIDE_NOMEM, "find the changes of a series");
    for (size_t i = 0; i < n; i++)
        values[i] = points[i].summary.median;
    struct tide_change_options options = tide_change_defaults(values, n);
    enum tide_rc rc = tide_changes_find(values, n, &options, &changes, n_out, e);
    if (!rc && !(*out = calloc(*n_out + 1, sizeof **out)))
        rc = tide_fail(e, TIDE_NOMEM, "find the changes of a series");
    for (size_t i = 0; i < *n_out && !rc; i++)
        (*out)[i] = row_of(&changes[i]);
    free(changes);
    free(values);
    return rc;
}

static enum tide_rc refresh_metric(struct tide_store *store, int64_t series,
                                   enum tide_metric metric, struct tide_error *e)
{
    struct tide_series_point *points = NULL;
    struct tide_change_row *rows = NULL;
    size_t n = 0, n_rows = 0;
    enum tide_rc rc = tide_store_line_points(store, series, metric, &points, &n, e);
    if (!rc) rc = find_changes(points, n, &rows, &n_rows, e);
    if (!rc) rc = tide_store_put_changes(store, series, metric, points, n, rows, n_rows, e);
    free(points);
    free(rows);
    return rc;
}

enum tide_rc tide_history_refresh(struct tide_store *store, int64_t series, struct tide_error *e)
{
    enum tide_rc rc = TIDE_OK;
    for (int i = 0; i < TIDE_KEPT_METRICS && !rc; i++)
        rc = refresh_metric(store, series, tide_kept_metrics[i], e);
    return rc;
}

/* True when something was done. */
static bool refresh_stale(struct tide_history *h, const atomic_bool *stop)
{
    struct tide_stale stale[AT_ONCE];
    struct tide_error e;
    size_t n = 0;
    enum tide_rc rc = tide_store_stale(h->store, AT_ONCE, stale, &n, &e);
    for (size_t i = 0; i < n && !rc && !*stop; i++) {
        rc = tide_history_refresh(h->store, stale[i].series, &e);
        if (!rc) rc = tide_store_settle(h->store, &stale[i], &e);
    }
    if (rc) tide_log(TIDE_LOG_ERROR, "history", "%s", e.text);
    return !rc && n > 0;
}

/* ---- the second look ---- */

/* Measure both sides of the change once more, in interleaved order. */
static enum tide_rc look_again(struct tide_history *h, const struct tide_suspect *s,
                               struct tide_error *e)
{
    int64_t batch = 0;
    json_t *request =
        json_pack("{s:s, s:[s,s], s:[s], s:[s], s:o, s:[s], s:i, s:s}", "project", s->project,
                  "commits", s->previous, s->sha, "pythons", s->python, "scenarios", s->scenario,
                  "params", json_loads(s->params, 0, NULL), "allocators", s->allocator, "samples",
                  TIDE_SECOND_SAMPLES, "reason", "remeasure");
    if (!request) return tide_fail(e, TIDE_NOMEM, "measure a change once more");
    const struct tide_cause cause = {.change = s->id};
    enum tide_rc rc = tide_scheduler_trigger(h->scheduler, request, &cause, &batch, e);
    json_decref(request);
    if (rc == TIDE_BUSY || rc == TIDE_STOPPED || rc == TIDE_NOMEM || rc == TIDE_IO) return rc;
    if (rc) {
        tide_log(TIDE_LOG_WARN, "history", "change=%lld is not measured once more: %s",
                 (long long)s->id, e->text);
        return tide_store_drop_second_look(h->store, s->id, e);
    }
    tide_log(TIDE_LOG_INFO, "history", "change=%lld is measured once more: batch=%lld",
             (long long)s->id, (long long)batch);
    return TIDE_OK;
}

static void look_at_suspects(struct tide_history *h, const atomic_bool *stop)
{
    struct tide_error e;
    enum tide_rc rc = TIDE_OK;
    while (!rc && !*stop) {
        struct tide_suspect suspect;
        rc = tide_store_suspect(h->store, TIDE_SECOND_POINTS, TIDE_SECOND_A_DAY, &suspect, &e);
        if (!rc) rc = look_again(h, &suspect, &e);
        tide_suspect_clear(&suspect);
    }
    if (rc && rc != TIDE_ABSENT && rc != TIDE_BUSY && rc != TIDE_STOPPED)
        tide_log(TIDE_LOG_ERROR, "history", "%s", e.text);
}

/* Whether the two sides, neither of them empty, differ by what the floors let count, and all
 * samples of one lie above those of the other. */
static enum tide_rc judge(const struct tide_second_look *look, bool *confirmed,
                          struct tide_error *e)
{
    struct tide_shift shift;
    size_t n = look->n_before + look->n_after;
    *confirmed = false;
    double *all = calloc(n, sizeof *all);
    if (!all) return tide_fail(e, TIDE_NOMEM, "judge a second look");
    memcpy(all, look->before, look->n_before * sizeof *all);
    memcpy(all + look->n_before, look->after, look->n_after * sizeof *all);
    struct tide_change_options o = tide_change_defaults(all, n);
    double base = tide_robust_median(all, look->n_before);
    double floor = fmax(o.floor, o.floor_share * fabs(base));
    enum tide_rc rc = tide_shift_estimate(look->before, look->n_before, look->after, look->n_after,
                                          0.95, &shift, e);
    *confirmed = fabs(shift.effect) >= floor && (shift.low > 0 || shift.high < 0);
    free(all);
    return rc;
}

/* A look of which one side has nothing, since its runs failed, leaves the change as suspect as it
 * was. */
static enum tide_rc end_second_look(struct tide_history *h, const struct tide_second_look *look,
                                    struct tide_error *e)
{
    bool confirmed = false;
    if (!look->n_before || !look->n_after) {
        tide_log(TIDE_LOG_WARN, "history", "change=%lld could not be measured once more",
                 (long long)look->change);
        return tide_store_drop_second_look(h->store, look->change, e);
    }
    enum tide_rc rc = judge(look, &confirmed, e);
    if (!rc) rc = tide_store_end_second_look(h->store, look->change, confirmed, e);
    if (!rc)
        tide_log(TIDE_LOG_INFO, "history", "change=%lld is %s by a second look",
                 (long long)look->change, confirmed ? "confirmed" : "dropped");
    return rc;
}

/* True when something was done. */
static bool end_second_looks(struct tide_history *h, const atomic_bool *stop)
{
    struct tide_error e;
    enum tide_rc rc = TIDE_OK;
    bool done = false;
    while (!rc && !*stop) {
        struct tide_second_look look;
        rc = tide_store_second_look(h->store, &look, &e);
        if (!rc) rc = end_second_look(h, &look, &e);
        done = done || !rc;
        free(look.before);
        free(look.after);
    }
    if (rc && rc != TIDE_ABSENT) tide_log(TIDE_LOG_ERROR, "history", "%s", e.text);
    return done;
}

/* ---- life ---- */

static void follow(void *context, const atomic_bool *stop)
{
    struct tide_history *h = context;
    bool news = false;
    while (!*stop && refresh_stale(h, stop))
        news = true;
    news = end_second_looks(h, stop) || news;
    look_at_suspects(h, stop);
    if (news && !*stop) tide_feed_publish(h->feed, "history", 0, "{}");
}

enum tide_rc tide_history_start(struct tide_store *store, struct tide_feed *feed,
                                struct tide_scheduler *scheduler, struct tide_history **out,
                                struct tide_error *e)
{
    struct tide_history *h = calloc(1, sizeof *h);
    *out = NULL;
    if (!h) return tide_fail(e, TIDE_NOMEM, "start the history");
    *h = (struct tide_history){.store = store, .feed = feed, .scheduler = scheduler};
    enum tide_rc rc = tide_follower_start("history", feed, scheduler, follow, h, &h->follower, e);
    if (rc)
        free(h);
    else
        *out = h;
    return rc;
}

void tide_history_interrupt(struct tide_history *h)
{
    if (h) tide_follower_interrupt(h->follower);
}

void tide_history_free(struct tide_history *h)
{
    if (!h) return;
    tide_follower_free(h->follower);
    free(h);
}
