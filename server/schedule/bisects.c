/* bisects.c - see bisects.h.
 *
 * Each round has every running search go on as far as it can; that the store holds all of what a
 * search knows makes a round too many harmless. */
#include "schedule/bisects.h"

#include "base/log.h"
#include "schedule/follower.h"
#include "schedule/search.h"
#include "schedule/wish.h"
#include "stats/limit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SAMPLES_DEFAULT 2
#define SAMPLES_MAX     20

static const atomic_bool never; /* the builder only plans here: there is nothing to stop */

struct tide_bisects {
    struct tide_search_context context;
    struct tide_builder builder;
    struct tide_feed *feed;
    struct tide_follower *follower;
    struct tide_search **searches; /* the follower's own */
    size_t n;
};

/* ---- a round ---- */

static void publish(struct tide_bisects *b, int64_t id)
{
    struct tide_str text = {0};
    struct tide_error e;
    if (tide_store_bisect_json(b->context.store, id, &text, &e))
        tide_log(TIDE_LOG_ERROR, "bisect", "bisect=%lld %s", (long long)id, e.text);
    else
        tide_feed_publish(b->feed, "bisect", 0, text.at);
    tide_str_free(&text);
}

static struct tide_search *find_search(const struct tide_bisects *b, int64_t id)
{
    for (size_t i = 0; i < b->n; i++)
        if (tide_search_id(b->searches[i]) == id) return b->searches[i];
    return NULL;
}

static enum tide_rc open_search(struct tide_bisects *b, int64_t id, struct tide_search **out,
                                struct tide_error *e)
{
    *out = find_search(b, id);
    if (*out) return TIDE_OK;
    /* NOLINTNEXTLINE(bugprone-sizeof-expression): pointers are what it holds */
    struct tide_search **more = realloc(b->searches, (b->n + 1) * sizeof *more);
    if (!more) return tide_fail(e, TIDE_NOMEM, "go on with a bisect");
    b->searches = more;
    enum tide_rc rc = tide_search_open(&b->context, id, out, e);
    if (!rc) b->searches[b->n++] = *out;
    return rc;
}

static void close_search(struct tide_bisects *b, int64_t id)
{
    for (size_t i = 0; i < b->n; i++)
        if (tide_search_id(b->searches[i]) == id) {
            tide_search_close(b->searches[i]);
            b->searches[i] = b->searches[--b->n];
            return;
        }
}

/* Whether what is told of the search differs from `before`. */
static bool has_changed(struct tide_bisects *b, int64_t id, const struct tide_str *before)
{
    struct tide_str now = {0};
    bool changed = tide_store_bisect_json(b->context.store, id, &now, NULL) || !before->at ||
                   strcmp(now.at, before->at) != 0;
    tide_str_free(&now);
    return changed;
}

static void advance(struct tide_bisects *b, int64_t id, const atomic_bool *stop)
{
    struct tide_error e;
    struct tide_search *search = NULL;
    struct tide_str before = {0};
    if (tide_store_bisect_json(b->context.store, id, &before, NULL)) tide_str_free(&before);
    enum tide_rc rc = open_search(b, id, &search, &e);
    if (!rc) rc = tide_search_advance(search, &e);
    if (rc && rc != TIDE_BUSY && rc != TIDE_STOPPED && !*stop) {
        struct tide_error why = e;
        tide_log(TIDE_LOG_WARN, "bisect", "bisect=%lld failed: %s", (long long)id, why.text);
        rc = tide_store_end_bisect(b->context.store, id, "failed", NULL, why.text, &e);
        if (rc && rc != TIDE_CONFLICT) /* CONFLICT: it was cancelled meanwhile */
            tide_log(TIDE_LOG_ERROR, "bisect", "bisect=%lld %s", (long long)id, e.text);
    }
    if (has_changed(b, id, &before)) publish(b, id);
    tide_str_free(&before);
}

/* Have every running search go on; those that run no more are closed. */
static void advance_all(void *context, const atomic_bool *stop)
{
    struct tide_bisects *b = context;
    int64_t *ids = NULL;
    size_t n = 0;
    struct tide_error e;
    if (tide_store_running_bisects(b->context.store, &ids, &n, &e)) {
        tide_log(TIDE_LOG_ERROR, "bisect", "%s", e.text);
        return;
    }
    for (size_t i = b->n; i-- > 0;) {
        int64_t id = tide_search_id(b->searches[i]);
        bool runs = false;
        for (size_t k = 0; k < n; k++)
            runs = runs || ids[k] == id;
        if (!runs) close_search(b, id);
    }
    for (size_t i = 0; i < n && !*stop; i++)
        advance(b, ids[i], stop);
    free(ids);
}

/* ---- life ---- */

enum tide_rc tide_bisects_start(const struct tide_places *places, struct tide_store *store,
                                struct tide_feed *feed, struct tide_scheduler *scheduler,
                                struct tide_bisects **out, struct tide_error *e)
{
    struct tide_bisects *b = calloc(1, sizeof *b);
    char *sources = tide_format("%s/worker", places->source);
    *out = b;
    if (!b || !sources) {
        free(sources);
        free(b);
        *out = NULL;
        return tide_fail(e, TIDE_NOMEM, "start the bisects");
    }
    b->feed = feed;
    b->builder = (struct tide_builder){places->cache, sources, &never};
    b->context = (struct tide_search_context){store, scheduler, &b->builder};
    enum tide_rc rc = TIDE_OK; /* an idle daemon measures nothing, so no search goes on */
    if (!places->idle)
        rc = tide_follower_start("bisects", feed, scheduler, advance_all, b, &b->follower, e);
    if (!rc) return TIDE_OK;
    tide_bisects_free(b);
    *out = NULL;
    return rc;
}

void tide_bisects_interrupt(struct tide_bisects *b)
{
    if (b) tide_follower_interrupt(b->follower);
}

void tide_bisects_free(struct tide_bisects *b)
{
    if (!b) return;
    tide_follower_free(b->follower);
    for (size_t i = 0; i < b->n; i++)
        tide_search_close(b->searches[i]);
    free(b->searches);
    free((char *)b->builder.worker_source);
    free(b);
}

/* ---- requests ---- */

static enum tide_rc check_fields(const json_t *request, struct tide_error *e)
{
    static const struct {
        const char *name;
        json_type type;
        bool needed;
        const char *allowed;
    } fields[] = {
        {"project", JSON_STRING, false, "must be the name of a project"},
        {"good", JSON_STRING, true, "must be a commit, like v1.0 or HEAD~20"},
        {"bad", JSON_STRING, true, "must be a commit, like HEAD"},
        {"scenario", JSON_STRING, true, "must be the name of a scenario"},
        {"python", JSON_STRING, true, "must be the name or version of one python, like 3.12"},
        {"params", JSON_OBJECT, false, "must be an object of parameter names and values"},
        {"size", JSON_STRING, false, "must be \"demo\" or \"full\""},
        {"allocator", JSON_STRING, false, "must be the name of an allocator"},
        {"metric", JSON_STRING, false, "must be a metric: GET /api/v1/metrics lists them"},
        {"samples", JSON_INTEGER, false, "must be an integer from 1 to 20"},
        {"worse_than", JSON_STRING, false, "must be a limit, like 2%,256KiB"},
    };
    const char *name;
    json_t *value;
    size_t n = sizeof fields / sizeof *fields, at;
    if (!json_is_object(request)) return tide_fail_field(e, "", "the body must be a JSON object");
    json_object_foreach((json_t *)request, name, value)
    {
        for (at = 0; at < n && strcmp(fields[at].name, name) != 0;)
            at++;
        if (at == n)
            return tide_fail_field(e, name,
                                   "no such field; allowed are project, good, bad, scenario, "
                                   "python, params, size, allocator, metric, samples, worse_than");
        if (json_typeof(value) != fields[at].type)
            return tide_fail_field(e, name, "%s", fields[at].allowed);
    }
    for (at = 0; at < n; at++)
        if (fields[at].needed && !json_object_get(request, fields[at].name))
            return tide_fail_field(e, fields[at].name, "is missing: %s", fields[at].allowed);
    return TIDE_OK;
}

static const char *text(const json_t *request, const char *field, const char *otherwise)
{
    const char *value = json_string_value(json_object_get(request, field));
    return value ? value : otherwise;
}

/* The request for runs that the ends of the search are, which the door for runs judges. */
static json_t *runs_of(const json_t *request)
{
    json_t *runs = json_pack("{s:[O,O], s:[O], s:[O]}", "commits", json_object_get(request, "good"),
                             json_object_get(request, "bad"), "scenarios",
                             json_object_get(request, "scenario"), "pythons",
                             json_object_get(request, "python"));
    json_t *params = json_object_get(request, "params"), *size = json_object_get(request, "size");
    json_t *allocator = json_object_get(request, "allocator");
    if (params) json_object_set(runs, "params", params);
    if (size) json_object_set(runs, "size", size);
    if (allocator) json_object_set_new(runs, "allocators", json_pack("[O]", allocator));
    return runs;
}

/* A field of that request under the name that it has in ours. */
static enum tide_rc rename_field(enum tide_rc rc, struct tide_error *e)
{
    static const char *const names[][2] = {
        {"commits[0]", "good"},     {"commits[1]", "bad"}, {"scenarios[0]", "scenario"},
        {"pythons[0]", "python"},   {"pythons", "python"}, {"allocators[0]", "allocator"},
        {"allocators", "allocator"}};
    for (size_t i = 0; rc == TIDE_INVALID && e && i < sizeof names / sizeof *names; i++)
        if (!strcmp(e->field, names[i][0])) {
            snprintf(e->field, sizeof e->field, "%s", names[i][1]);
            return rc;
        }
    return rc;
}

static enum tide_rc check_samples(const json_t *request, struct tide_bisect_row *row,
                                  struct tide_error *e)
{
    const json_t *samples = json_object_get(request, "samples");
    struct tide_limit limit;
    row->samples = samples ? json_integer_value(samples) : SAMPLES_DEFAULT;
    if (row->samples < 1 || row->samples > SAMPLES_MAX)
        return tide_fail_field(e, "samples", "must be an integer from 1 to %d", SAMPLES_MAX);
    if (*row->worse_than && tide_limit_parse(row->worse_than, &limit, e)) {
        snprintf(e->field, sizeof e->field, "worse_than");
        return TIDE_INVALID;
    }
    return TIDE_OK;
}

/* That both ends are one commit each, of one line; their ids in the store. */
static enum tide_rc check_ends(struct tide_bisects *b, const struct tide_wish *w,
                               struct tide_bisect_row *row, struct tide_error *e)
{
    const struct tide_selection *s = &w->selection;
    struct tide_commit *line = NULL;
    size_t n = 0;
    int64_t *ends[] = {&row->good, &row->bad};
    if (s->n == 1 && s->named[0])
        return tide_fail_field(e, "bad", "good and bad are the same commit");
    if (s->n != 2 || !s->named[0] || !s->named[1])
        return tide_fail_field(e, "good", "good and bad must each name one commit");
    if (w->n_pythons != 1) return tide_fail_field(e, "python", "name one python");
    enum tide_rc rc =
        tide_search_line(w->catalog->repo, s->commits[0].sha, s->commits[1].sha, &line, &n, e);
    for (size_t i = 0; i < 2 && !rc; i++) {
        const struct tide_commit *c = &s->commits[i];
        const struct tide_commit_row commit = {c->sha, c->subject, c->author, c->committed_ns};
        rc = tide_store_put_commit(b->context.store, w->catalog->project, &commit, ends[i], e);
    }
    for (size_t i = 0; i < n; i++)
        tide_commit_clear(&line[i]);
    free(line);
    return rc;
}

static enum tide_rc put(struct tide_bisects *b, const json_t *request, const struct tide_wish *w,
                        int64_t *id, struct tide_error *e)
{
    struct tide_metric_row metric;
    struct tide_bisect_row row = {
        /* its texts are borrowed */
        .project = w->catalog->project,
        .scenario = w->scenarios[0]->id,
        .params = w->params[0],
        .measure = w->measure,
        .metric = (char *)text(request, "metric", TIDE_METRIC_DEFAULT),
        .worse_than = (char *)text(request, "worse_than", ""),
    };
    enum tide_rc rc = check_samples(request, &row, e);
    if (!rc) rc = tide_store_metric(b->context.store, row.metric, &metric, e);
    if (rc == TIDE_ABSENT)
        rc = tide_fail_field(e, "metric",
                             "no metric \"%.40s\": GET "
                             "/api/v1/metrics lists them",
                             row.metric);
    if (!rc) rc = check_ends(b, w, &row, e);
    if (rc) return rc;
    row.python = w->catalog->python_ids[w->pythons[0]];
    row.allocator = (char *)w->cells[0].allocator;
    return tide_store_put_bisect(b->context.store, &row, id, e);
}

enum tide_rc tide_bisects_begin(struct tide_bisects *b, const json_t *request, int64_t *id,
                                struct tide_error *e)
{
    struct tide_projects *projects = NULL;
    struct tide_catalog *c = NULL;
    struct tide_wish w = {0};
    enum tide_rc rc = check_fields(request, e);
    if (!rc) rc = tide_scheduler_refresh(b->context.scheduler, false, e);
    if (!rc) rc = tide_scheduler_projects(b->context.scheduler, &projects, e);
    if (!rc)
        rc = tide_projects_require(projects, text(request, "project", TIDE_DEFAULT_PROJECT), &c, e);
    if (!rc) {
        json_t *runs = runs_of(request);
        rc = rename_field(tide_wish_make(c, b->context.store, runs, &w, e), e);
        json_decref(runs);
    }
    if (!rc) rc = put(b, request, &w, id, e);
    tide_wish_clear(&w);
    tide_catalog_drop(c);
    if (!rc && b->follower) tide_follower_wake(b->follower);
    return rc;
}

enum tide_rc tide_bisects_cancel(struct tide_bisects *b, int64_t id, struct tide_error *e)
{
    struct tide_bisect_row row;
    size_t n = 0;
    enum tide_rc rc = tide_store_bisect(b->context.store, id, &row, e);
    if (!rc) rc = tide_store_end_bisect(b->context.store, id, "cancelled", NULL, NULL, e);
    if (!rc && row.batch) {
        const struct tide_scope scope = {.batch = row.batch};
        rc = tide_scheduler_cancel(b->context.scheduler, scope, &n, e);
        if (rc == TIDE_ABSENT || rc == TIDE_CONFLICT) rc = TIDE_OK; /* nothing is left of it */
    }
    tide_bisect_row_clear(&row);
    if (!rc) publish(b, id);
    return rc;
}
