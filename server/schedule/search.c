/* search.c - see search.h. Which commit comes next is said by stats/bisect.h. */
#include "schedule/search.h"

#include "stats/bisect.h"
#include "stats/changes.h"
#include "stats/limit.h"
#include "stats/robust.h"
#include "stats/shift.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PRIORITY 10 /* of its batches: somebody waits for them */
#define CONFIRM                                                                       \
    5 /* samples of either side, where two commits are told apart: fewer do by chance \
       */
#define LOOK      32 /* commits near the middle whose builds are looked up for a step */
#define ASKED_MAX 4  /* batches for one commit: it is measured, more often, and confirmed */

struct build {
    char key[TIDE_HASH_TEXT]; /* "": not looked up yet */
};

struct tide_search {
    const struct tide_search_context *context;
    struct tide_bisect_row row;
    struct tide_metric_row metric;
    struct tide_limit limit;
    struct tide_catalog *catalog; /* while it advances */
    struct tide_commit *commits;  /* oldest first: good ... bad */
    int64_t *ids;                 /* of the commits, in the store */
    struct tide_bisect_commit *line;
    struct build *builds;
    int *asked; /* batches that were queued for each */
    size_t n, known;
    bool settled; /* the levels are known */
    struct tide_bisect_levels levels;
};

/* ---- open and close ---- */

enum tide_rc tide_search_line(struct tide_repo *repo, const char *good, const char *bad,
                              struct tide_commit **out, size_t *n, struct tide_error *e)
{
    struct tide_commit *commits = NULL;
    size_t count = 0, at = 0;
    *out = NULL;
    *n = 0;
    enum tide_rc rc = tide_repo_list(repo, bad, NULL, TIDE_BISECT_LINE_MAX, &commits, &count, e);
    if (rc) return rc;
    while (at < count && strcmp(commits[at].sha, good) != 0)
        at++;
    for (size_t i = at + 1; i < count; i++)
        tide_commit_clear(&commits[i]);
    if (at == count) {
        for (size_t i = 0; i < count; i++)
            tide_commit_clear(&commits[i]);
        free(commits);
        return tide_fail_field(e, "good", "%.12s is not among the first parents of %.12s%s", good,
                               bad, count == TIDE_BISECT_LINE_MAX ? ", as far as was looked" : "");
    }
    for (size_t i = 0; i < (at + 1) / 2; i++) {
        struct tide_commit held = commits[i];
        commits[i] = commits[at - i];
        commits[at - i] = held;
    }
    *out = commits;
    *n = at + 1;
    return TIDE_OK;
}

static enum tide_rc put_commits(struct tide_search *s, struct tide_error *e)
{
    struct tide_commit_row *rows = calloc(s->n, sizeof *rows);
    if (!rows) return tide_fail(e, TIDE_NOMEM, "open a bisect");
    for (size_t i = 0; i < s->n; i++) {
        const struct tide_commit *c = &s->commits[i];
        rows[i] = (struct tide_commit_row){c->sha, c->subject, c->author, c->committed_ns};
    }
    enum tide_rc rc =
        tide_store_put_commits(s->context->store, s->row.project, rows, s->n, s->ids, e);
    free(rows);
    return rc;
}

static size_t find_commit(const struct tide_search *s, const char *sha)
{
    size_t i = 0;
    while (i < s->n && strcmp(s->commits[i].sha, sha) != 0)
        i++;
    return i;
}

/* What was found out before the daemon stopped. */
static enum tide_rc restore(struct tide_search *s, struct tide_error *e)
{
    struct tide_bisect_step_row *steps = NULL;
    size_t n = 0;
    enum tide_rc rc = tide_store_bisect_steps(s->context->store, s->row.id, &steps, &n, e);
    s->line[0].mark = TIDE_BISECT_GOOD;
    s->line[s->n - 1].mark = TIDE_BISECT_BAD;
    for (size_t i = 0; i < n; i++) {
        size_t at = find_commit(s, steps[i].sha);
        if (at == 0 || at + 1 >= s->n) continue;
        if (!strcmp(steps[i].outcome, "good")) s->line[at].mark = TIDE_BISECT_GOOD;
        if (!strcmp(steps[i].outcome, "bad")) s->line[at].mark = TIDE_BISECT_BAD;
        if (!strcmp(steps[i].outcome, "skipped")) s->line[at].mark = TIDE_BISECT_SKIPPED;
    }
    free(steps);
    return rc;
}

static enum tide_rc take_catalog(struct tide_search *s, struct tide_error *e)
{
    struct tide_projects *projects = NULL;
    enum tide_rc rc = tide_scheduler_projects(s->context->scheduler, &projects, e);
    return rc ? rc : tide_projects_take(projects, s->row.project_name, &s->catalog, e);
}

static void drop_catalog(struct tide_search *s)
{
    tide_catalog_drop(s->catalog);
    s->catalog = NULL;
}

static enum tide_rc load(struct tide_search *s, int64_t id, struct tide_error *e)
{
    enum tide_rc rc = tide_store_bisect(s->context->store, id, &s->row, e);
    if (!rc) rc = tide_store_metric(s->context->store, s->row.metric, &s->metric, e);
    if (!rc && *s->row.worse_than) rc = tide_limit_parse(s->row.worse_than, &s->limit, e);
    if (!rc) rc = take_catalog(s, e);
    if (!rc)
        rc = tide_search_line(s->catalog->repo, s->row.good_sha, s->row.bad_sha, &s->commits, &s->n,
                              e);
    drop_catalog(s);
    if (rc) return rc;
    s->ids = calloc(s->n, sizeof *s->ids);
    s->line = calloc(s->n, sizeof *s->line);
    s->builds = calloc(s->n, sizeof *s->builds);
    s->asked = calloc(s->n, sizeof *s->asked);
    if (!s->ids || !s->line || !s->builds || !s->asked)
        return tide_fail(e, TIDE_NOMEM, "open a bisect");
    rc = put_commits(s, e);
    return rc ? rc : restore(s, e);
}

enum tide_rc tide_search_open(const struct tide_search_context *context, int64_t id,
                              struct tide_search **out, struct tide_error *e)
{
    struct tide_search *s = calloc(1, sizeof *s);
    *out = NULL;
    if (!s) return tide_fail(e, TIDE_NOMEM, "open a bisect");
    s->context = context;
    enum tide_rc rc = load(s, id, e);
    if (rc)
        tide_search_close(s);
    else
        *out = s;
    return rc;
}

void tide_search_close(struct tide_search *s)
{
    if (!s) return;
    for (size_t i = 0; i < s->n; i++)
        tide_commit_clear(&s->commits[i]);
    free(s->commits);
    free(s->ids);
    free(s->line);
    free(s->builds);
    free(s->asked);
    tide_bisect_row_clear(&s->row);
    free(s);
}

int64_t tide_search_id(const struct tide_search *s)
{
    return s->row.id;
}

/* ---- samples ---- */

static struct tide_cell_name cell_name(const struct tide_search *s, size_t at)
{
    return (struct tide_cell_name){
        .project = s->row.project,
        .scenario = s->row.scenario,
        .python = s->row.python,
        .sha = s->commits[at].sha,
        .params = s->row.params,
        .allocator = s->row.allocator,
        .measure = s->row.measure,
    };
}

static enum tide_rc note_step(struct tide_search *s, size_t at, const char *outcome, double value,
                              const char *why, int64_t cell, struct tide_error *e)
{
    struct tide_bisect_step_row step = {.value = value, .why = why, .cell = cell};
    snprintf(step.sha, sizeof step.sha, "%s", s->commits[at].sha);
    snprintf(step.outcome, sizeof step.outcome, "%s", outcome);
    return tide_store_put_bisect_step(s->context->store, s->row.id, &step, e);
}

/* Queue so many runs of each of the commits, in interleaved order. */
static enum tide_rc queue_runs(struct tide_search *s, const size_t *at, size_t n, int64_t runs,
                               struct tide_error *e)
{
    int64_t batch = 0;
    json_t *commits = json_array();
    for (size_t i = 0; i < n; i++) {
        json_array_append_new(commits, json_string(s->commits[at[i]].sha));
        if (++s->asked[at[i]] > ASKED_MAX) {
            json_decref(commits);
            return tide_fail(e, TIDE_FAILED,
                             "runs of %.12s were asked for %d times and did not come",
                             s->commits[at[i]].sha, ASKED_MAX);
        }
    }
    json_t *request = json_pack(
        "{s:s, s:o, s:[s], s:[s], s:o, s:[s], s:I, s:s, s:i}", "project", s->row.project_name,
        "commits", commits, "pythons", s->row.python_name, "scenarios", s->row.scenario_name,
        "params", json_loads(s->row.params, 0, NULL), "allocators", s->row.allocator, "samples",
        (json_int_t)runs, "reason", "bisect", "priority", PRIORITY);
    if (!request) return tide_fail(e, TIDE_NOMEM, "go on with a bisect");
    const struct tide_cause cause = {.bisect = s->row.id};
    enum tide_rc rc = tide_scheduler_trigger(s->context->scheduler, request, &cause, &batch, e);
    json_decref(request);
    for (size_t i = 0; i < n && !rc; i++)
        rc = note_step(s, at[i], "measuring", NAN, NULL, 0, e);
    if (rc == TIDE_INVALID) rc = e->rc = TIDE_FAILED; /* what was asked for was in order */
    return rc;
}

static void clear_readings(struct tide_cell_reading *readings, size_t n)
{
    for (size_t i = 0; i < n; i++)
        free(readings[i].values);
}

/* Read `wanted` samples of each of n <= 2 commits. What is missing is queued; *wait then, and while
 * runs of them are unfinished. The caller clears the readings, on failure too. */
static enum tide_rc collect(struct tide_search *s, const size_t *at, size_t n, int64_t wanted,
                            struct tide_cell_reading *readings, bool *wait, struct tide_error *e)
{
    size_t lacking[2], n_lacking = 0;
    int64_t most = 0;
    enum tide_rc rc = TIDE_OK;
    *wait = false;
    memset(readings, 0, n * sizeof *readings);
    for (size_t i = 0; i < n && !rc; i++) {
        struct tide_cell_name name = cell_name(s, at[i]);
        rc = tide_store_read_cell(s->context->store, &name, s->metric.id, &readings[i], e);
        int64_t had =
            (int64_t)readings[i].n + (readings[i].build_failed ? wanted : 0) + readings[i].failed;
        *wait = *wait || readings[i].unfinished > 0;
        if (had >= wanted) continue;
        lacking[n_lacking++] = at[i];
        most = wanted - had > most ? wanted - had : most;
    }
    if (rc || *wait || !n_lacking) return rc;
    *wait = true;
    return queue_runs(s, lacking, n_lacking, most, e);
}

static const char *reason_of(const struct tide_cell_reading *r, char *text, size_t room)
{
    snprintf(text, room, "%s: %.280s",
             r->build_failed ? "it does not build" : "it cannot be measured",
             *r->error ? r->error : "its runs do not have the metric");
    return text;
}

static double median_of(const struct tide_cell_reading *r)
{
    return tide_robust_median(r->values, r->n);
}

static int64_t confirm_samples(const struct tide_search *s)
{
    return s->row.samples > CONFIRM ? s->row.samples : CONFIRM;
}

static int64_t more_samples(const struct tide_search *s)
{
    return 3 * s->row.samples > CONFIRM ? 3 * s->row.samples : CONFIRM;
}

/* ---- the two levels ---- */

/* Whether the samples lie apart, by more than what never counts. */
static enum tide_rc tell_apart(const struct tide_search *s, const struct tide_cell_reading *good,
                               const struct tide_cell_reading *bad, struct tide_shift *shift,
                               bool *apart, struct tide_error *e)
{
    double *all = calloc(good->n + bad->n, sizeof *all), low = INFINITY, high = -INFINITY;
    if (!all) return tide_fail(e, TIDE_NOMEM, "compare two commits");
    enum tide_rc rc =
        tide_shift_estimate(good->values, good->n, bad->values, bad->n, 0.95, shift, e);
    memcpy(all, good->values, good->n * sizeof *all);
    memcpy(all + good->n, bad->values, bad->n * sizeof *all);
    struct tide_change_options floors = tide_change_defaults(all, good->n + bad->n);
    double base = tide_robust_median(all, good->n);
    double floor = fmax(floors.floor, floors.floor_share * fabs(base));
    floor = fmax(floor, tide_limit_from(&s->limit, base));
    double sign = shift->effect < 0 ? -1 : 1; /* the samples of bad lie above, times the sign */
    for (size_t i = 0; i < bad->n; i++)
        low = fmin(low, sign * bad->values[i]);
    for (size_t i = 0; i < good->n; i++)
        high = fmax(high, sign * good->values[i]);
    *apart = fabs(shift->effect) >= floor && shift->effect != 0 && low > high;
    free(all);
    return rc;
}

static json_t *bound(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

static json_t *describe(const struct tide_search *s, size_t at)
{
    const struct tide_commit *c = &s->commits[at];
    return json_pack("{s:s, s:s, s:I}", "sha", c->sha, "subject", c->subject, "committed_ns",
                     (json_int_t)c->committed_ns);
}

static enum tide_rc end(struct tide_search *s, json_t *result, struct tide_error *e)
{
    char *text = result ? json_dumps(result, JSON_COMPACT) : NULL;
    json_decref(result);
    if (!text) return tide_fail(e, TIDE_NOMEM, "end a bisect");
    enum tide_rc rc = tide_store_end_bisect(s->context->store, s->row.id, "done", text, NULL, e);
    free(text);
    return rc;
}

/* The search ends without having found one commit. */
static enum tide_rc end_in_range(struct tide_search *s, size_t from, size_t to,
                                 const struct tide_shift *shift, const char *why,
                                 struct tide_error *e)
{
    return end(s,
               json_pack("{s:o, s:o, s:s, s:f, s:o, s:o}", "from", describe(s, from), "to",
                         describe(s, to), "why", why, "effect", shift->effect, "low",
                         bound(shift->low), "high", bound(shift->high)),
               e);
}

/* Commits between the ends whose values stand in the database, where they are clear. */
static enum tide_rc take_known(struct tide_search *s, struct tide_error *e)
{
    struct tide_series_point *points = NULL;
    size_t n = 0;
    int64_t series = 0;
    struct tide_cell_name good = cell_name(s, 0);
    enum tide_rc rc = tide_store_find_series(s->context->store, &good, &series, e);
    if (!rc) rc = tide_store_series_points(s->context->store, series, s->metric.id, &points, &n, e);
    for (size_t i = 1; i + 1 < s->n && !rc; i++)
        for (size_t k = 0; k < n && s->line[i].mark == TIDE_BISECT_UNKNOWN; k++) {
            const struct tide_summary *u = &points[k].summary;
            double values[] = {u->minimum, u->median, u->maximum};
            if (points[k].commit != s->ids[i] || u->n < s->row.samples) continue;
            s->line[i].mark = tide_bisect_judge(&s->levels, values, 3, false);
            s->known += s->line[i].mark != TIDE_BISECT_UNKNOWN;
            break;
        }
    free(points);
    return rc;
}

static enum tide_rc refuse_end(const struct tide_search *s, size_t at,
                               const struct tide_cell_reading *r, struct tide_error *e)
{
    char why[340];
    return tide_fail(e, TIDE_FAILED, "the %s commit %.12s is not measured: %s", at ? "bad" : "good",
                     s->commits[at].sha, reason_of(r, why, sizeof why));
}

/* Both ends have enough samples: note their levels, or that they do not differ. */
static enum tide_rc judge_ends(struct tide_search *s, const struct tide_cell_reading *r,
                               const struct tide_shift *shift, bool apart, bool *ended,
                               struct tide_error *e)
{
    double good = median_of(&r[0]), bad = median_of(&r[1]);
    enum tide_rc rc = note_step(s, 0, "good", good, NULL, r[0].cell, e);
    if (!rc) rc = note_step(s, s->n - 1, "bad", bad, NULL, r[1].cell, e);
    if (!rc && !apart) {
        *ended = true;
        return end_in_range(s, 0, s->n - 1, shift,
                            *s->row.worse_than ? "good and bad do not differ by what was asked for"
                                               : "good and bad do not differ",
                            e);
    }
    s->levels = tide_bisect_levels(good, bad, tide_limit_from(&s->limit, good));
    s->settled = true;
    return rc ? rc : take_known(s, e);
}

/* Measure both ends, as often as tells a change from chance. *wait: they are being measured.
 * *ended: there is nothing to look for. */
static enum tide_rc settle(struct tide_search *s, bool *wait, bool *ended, struct tide_error *e)
{
    const size_t ends[] = {0, s->n - 1};
    struct tide_cell_reading r[2];
    struct tide_shift shift = {0};
    bool apart = false;
    enum tide_rc rc = collect(s, ends, 2, confirm_samples(s), r, wait, e);
    for (size_t i = 0; i < 2 && !rc && !*wait; i++)
        if (!r[i].n) rc = refuse_end(s, ends[i], &r[i], e);
    if (!rc && !*wait) rc = tell_apart(s, &r[0], &r[1], &shift, &apart, e);
    if (!rc && !*wait) rc = judge_ends(s, r, &shift, apart, ended, e);
    clear_readings(r, 2);
    return rc;
}

/* ---- which commit is next ---- */

static enum tide_rc skip_broken(struct tide_search *s, size_t at,
                                const struct tide_known_build *known, struct tide_error *e)
{
    char why[340];
    snprintf(why, sizeof why, "build %lld of it failed before: %.260s", (long long)known->id,
             known->error);
    s->line[at].mark = TIDE_BISECT_SKIPPED;
    return note_step(s, at, "skipped", NAN, why, 0, e);
}

/* What is known of the commit's build. Commits that hold the same have the same key. */
static enum tide_rc look_up(struct tide_search *s, size_t at, struct tide_error *e)
{
    struct tide_build plan = {0};
    struct tide_known_build known = {0};
    const struct tide_subject subject = tide_catalog_subject(s->catalog, s->commits[at].sha);
    const struct tide_python *python =
        tide_pythons_find(&s->catalog->pythons, s->row.python_name, e);
    if (!python) return TIDE_FAILED;
    enum tide_rc rc = tide_builder_plan(s->context->builder, &subject, python, &plan, e);
    if (!rc) {
        memcpy(s->builds[at].key, plan.key, sizeof plan.key);
        rc = tide_store_find_build(s->context->store, plan.key, &known, e);
        bool unknown = s->line[at].mark == TIDE_BISECT_UNKNOWN;
        if (!rc && known.error && unknown) rc = skip_broken(s, at, &known, e);
        s->line[at].built = !rc && !known.error && plan.cached;
        if (rc == TIDE_ABSENT) rc = TIDE_OK;
    } else if (rc == TIDE_ABSENT || rc == TIDE_FAILED) { /* the commit has no such folder */
        s->line[at].mark = TIDE_BISECT_SKIPPED;
        struct tide_error why = *e;
        rc = note_step(s, at, "skipped", NAN, why.text, 0, e);
    }
    free(known.error);
    tide_build_clear(&plan);
    return rc;
}

/* Look up the builds nearest to the one that is next, as far as a built one would be preferred.
 * *news: something came of it. */
static enum tide_rc look_around(struct tide_search *s, const struct tide_bisect_step *step,
                                bool *news, struct tide_error *e)
{
    enum tide_rc rc = TIDE_OK;
    *news = false;
    for (size_t d = 0, looked = 0; looked < LOOK && d <= step->last - step->first && !rc; d++)
        for (int side = d ? -1 : 1; side <= 1 && !rc; side += 2) {
            if (side < 0 && step->next < step->first + d) continue;
            size_t at = side < 0 ? step->next - d : step->next + d;
            if (at < step->first || at > step->last || *s->builds[at].key ||
                s->line[at].mark != TIDE_BISECT_UNKNOWN)
                continue;
            looked++;
            rc = look_up(s, at, e);
            *news = *news || s->line[at].built || s->line[at].mark != TIDE_BISECT_UNKNOWN;
        }
    return rc;
}

/* Take over what is known of a commit with the same build. *news: there is one. */
static enum tide_rc take_same(struct tide_search *s, size_t at, bool *news, struct tide_error *e)
{
    enum tide_rc rc = TIDE_OK;
    *news = false;
    if (!*s->builds[at].key) rc = look_up(s, at, e);
    for (size_t i = 0; i < s->n && !rc && !*news; i++) {
        enum tide_bisect_mark mark = s->line[i].mark;
        if (i == at || (mark != TIDE_BISECT_GOOD && mark != TIDE_BISECT_BAD)) continue;
        if (strcmp(s->builds[i].key, s->builds[at].key) != 0) continue;
        char why[100];
        snprintf(why, sizeof why, "its build is the same as that of %.12s", s->commits[i].sha);
        s->line[at].mark = mark;
        *news = true;
        rc = note_step(s, at, mark == TIDE_BISECT_GOOD ? "good" : "bad", NAN, why, 0, e);
    }
    return rc;
}

static enum tide_rc choose(struct tide_search *s, struct tide_bisect_step *step,
                           struct tide_error *e)
{
    bool news = true;
    enum tide_rc rc = TIDE_OK;
    if (!*s->builds[0].key) rc = look_up(s, 0, e);
    if (!rc && !*s->builds[s->n - 1].key) rc = look_up(s, s->n - 1, e);
    while (news && !rc) {
        *step = tide_bisect_next(s->line, s->n);
        if (step->state != TIDE_BISECT_TRY) return TIDE_OK;
        rc = look_around(s, step, &news, e);
        if (!rc && news) *step = tide_bisect_next(s->line, s->n);
        if (!rc && step->state == TIDE_BISECT_TRY) rc = take_same(s, step->next, &news, e);
    }
    return rc;
}

/* ---- one commit ---- */

static enum tide_rc judge(struct tide_search *s, size_t at, struct tide_cell_reading *r,
                          bool forced, struct tide_error *e)
{
    char why[340];
    if (!r->n) {
        s->line[at].mark = TIDE_BISECT_SKIPPED;
        return note_step(s, at, "skipped", NAN, reason_of(r, why, sizeof why), r->cell, e);
    }
    enum tide_bisect_mark mark = tide_bisect_judge(&s->levels, r->values, r->n, forced);
    if (mark == TIDE_BISECT_UNKNOWN) return TIDE_OK;
    s->line[at].mark = mark;
    return note_step(s, at, mark == TIDE_BISECT_GOOD ? "good" : "bad", median_of(r),
                     forced ? "between the levels, or noisy: measured more often" : NULL, r->cell,
                     e);
}

/* Measure the commit until it is good, bad or skipped, or waited for. */
static enum tide_rc try_commit(struct tide_search *s, size_t at, bool *wait, struct tide_error *e)
{
    struct tide_cell_reading r;
    enum tide_rc rc = collect(s, &at, 1, s->row.samples, &r, wait, e);
    if (!rc && !*wait) rc = judge(s, at, &r, false, e);
    clear_readings(&r, 1);
    if (rc || *wait || s->line[at].mark != TIDE_BISECT_UNKNOWN) return rc;
    rc = collect(s, &at, 1, more_samples(s), &r, wait, e);
    if (!rc && !*wait) rc = judge(s, at, &r, true, e);
    clear_readings(&r, 1);
    return rc;
}

/* ---- the end ---- */

/* What the effect of the commit leaves unsaid; NULL for nothing. */
static const char *remark(const struct tide_search *s, const struct tide_bisect_step *step,
                          const struct tide_shift *shift)
{
    double share = shift->effect / (s->levels.bad - s->levels.good);
    if (step->back)
        return "a commit before it is bad too: the level had gone back in between; this is where "
               "it changed last";
    if (share < 0.75)
        return "it explains a part only of what lies between good and bad: there are other "
               "changes";
    return NULL;
}

/* The pair stands: measure both often enough for an interval, and end. */
static enum tide_rc conclude(struct tide_search *s, const struct tide_bisect_step *step, bool *wait,
                             struct tide_error *e)
{
    const size_t pair[] = {step->good, step->bad};
    struct tide_cell_reading r[2];
    struct tide_shift shift = {0};
    char why[200];
    bool apart = false;
    enum tide_rc rc = collect(s, pair, 2, confirm_samples(s), r, wait, e);
    if (rc || *wait) goto out;
    if (!r[0].n || !r[1].n) {
        rc = tide_fail(e, TIDE_FAILED, "the commits around the change can no longer be measured");
        goto out;
    }
    rc = tell_apart(s, &r[0], &r[1], &shift, &apart, e);
    if (rc) goto out;
    const char *note = remark(s, step, &shift);
    if (step->state == TIDE_BISECT_RANGE) {
        snprintf(why, sizeof why, "none of the %zu commits between them can be measured",
                 step->bad - step->good - 1);
        rc = end_in_range(s, step->good, step->bad, &shift, why, e);
    } else if (!apart) {
        rc = end_in_range(s, 0, s->n - 1, &shift,
                          "no one commit: the level crosses the middle where two neighbours do "
                          "not differ, so it changes little by little or is too noisy",
                          e);
    } else {
        rc = end(s,
                 json_pack("{s:o, s:o, s:f, s:o, s:o, s:f, s:f, s:s*}", "commit",
                           describe(s, step->bad), "previous", describe(s, step->good), "effect",
                           shift.effect, "low", bound(shift.low), "high", bound(shift.high),
                           "before", median_of(&r[0]), "after", median_of(&r[1]), "why", note),
                 e);
    }
out:
    clear_readings(r, 2);
    return rc;
}

/* Whether the scenario is still the one that the search began with. */
static enum tide_rc check_scenario(const struct tide_search *s, struct tide_error *e)
{
    const struct tide_scenario *now = tide_catalog_scenario(s->catalog, s->row.scenario_name);
    if (now && now->id == s->row.scenario) return TIDE_OK;
    return tide_fail(e, TIDE_FAILED, "the scenario %s was edited or removed while it was bisected",
                     s->row.scenario_name);
}

static enum tide_rc note_left(struct tide_search *s, const struct tide_bisect_step *step,
                              struct tide_error *e)
{
    size_t unknown = 0;
    for (size_t i = step->good + 1; i < step->bad; i++)
        unknown += s->line[i].mark == TIDE_BISECT_UNKNOWN;
    return tide_store_set_bisect_left(s->context->store, s->row.id,
                                      (int64_t)(step->bad - step->good),
                                      tide_bisect_tries(unknown) + 1, (int64_t)s->known, e);
}

static enum tide_rc advance(struct tide_search *s, struct tide_error *e)
{
    bool wait = false, ended = false;
    struct tide_bisect_step step = {0};
    enum tide_rc rc = check_scenario(s, e);
    if (!rc && !s->settled) rc = settle(s, &wait, &ended, e);
    while (!rc && !wait && !ended) {
        rc = choose(s, &step, e);
        if (!rc) rc = note_left(s, &step, e);
        if (!rc && step.state == TIDE_BISECT_TRY)
            rc = try_commit(s, step.next, &wait, e);
        else if (!rc) {
            rc = conclude(s, &step, &wait, e);
            ended = !wait;
        }
    }
    return rc;
}

enum tide_rc tide_search_advance(struct tide_search *s, struct tide_error *e)
{
    enum tide_rc rc = take_catalog(s, e);
    if (!rc) rc = advance(s, e);
    drop_catalog(s);
    return rc;
}
