/* resources.c - the handlers of the REST interface; docs/API.md describes each. They run on threads
 * of the pool and may block. */
#include "http/internal.h"

#include "base/json.h"
#include "base/log.h"
#include "build/builder.h"
#include "http/query.h"
#include "run/series.h"
#include "schedule/projects.h"
#include "schedule/wish.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <stream.h>
#include <string.h>

#define POINTS_MAX 100000
#define EVENTS_MAX 10000

static const char *const no_parameters[] = {NULL};

/* End a handler: an error becomes the answer. */
static void finish(struct tide_request *r, enum tide_rc rc, const struct tide_error *e)
{
    if (rc) tide_answer_error(r, e);
}

void tide_get_status(struct tide_request *r, int64_t id, const char *name)
{
    struct tide_error e;
    (void)id;
    (void)name;
    if (!tide_query_known(r, no_parameters)) return;
    finish(r, tide_scheduler_status_json(r->http->config.scheduler, &r->answer, &e), &e);
}

void tide_get_pythons(struct tide_request *r, int64_t id, const char *name)
{
    static const char *const known[] = {"usable", TIDE_PAGE_PARAMETERS, NULL};
    const char *usable;
    struct tide_page page;
    struct tide_error e;
    (void)id;
    (void)name;
    if (!tide_query_known(r, known) || !tide_query_page(r, TIDE_LIST_MAX, &page) ||
        !tide_query_word(r, "usable", tide_query_truths, &usable))
        return;
    tide_query_finish(
        r, tide_store_pythons_json(r->http->config.store, usable, &page, &r->answer, &e), &e);
}

void tide_post_refresh(struct tide_request *r, int64_t id, const char *name)
{
    const struct tide_page whole = {0};
    struct tide_error e;
    (void)id;
    (void)name;
    if (!tide_query_known(r, no_parameters)) return;
    enum tide_rc rc = tide_scheduler_refresh(r->http->config.scheduler, true, &e);
    if (!rc) rc = tide_store_pythons_json(r->http->config.store, NULL, &whole, &r->answer, &e);
    finish(r, rc, &e);
}

void tide_get_commits(struct tide_request *r, int64_t id, const char *name)
{
    static const char *const known[] = {"branch", "limit", "cursor", "fields", NULL};
    struct tide_page page;
    struct tide_error e;
    (void)id;
    if (!tide_query_known(r, known) || !tide_query_page(r, 50, &page)) return;
    enum tide_rc rc =
        tide_scheduler_commits_json(r->http->config.scheduler, name, tide_query_text(r, "branch"),
                                    page.cursor, (size_t)page.limit, &r->answer, &e);
    if (rc == TIDE_BUSY) r->retry_after_s = TIDE_SILENCE_S;
    tide_query_finish(r, rc, &e);
}

/* Those of a project's own are looked for at its branch's tip; where that cannot be had, what is
 * known of them stands. */
static enum tide_rc refresh_scenarios(struct tide_request *r, const char *project,
                                      struct tide_error *e)
{
    struct tide_projects *projects = NULL;
    struct tide_catalog *c = NULL;
    enum tide_rc rc = tide_scheduler_projects(r->http->config.scheduler, &projects, e);
    if (!rc) rc = tide_projects_sync(projects, project, TIDE_ASKED_PATIENCE_S, &c, e);
    tide_catalog_drop(c);
    if (rc != TIDE_FAILED && rc != TIDE_BUSY) return rc;
    tide_log(TIDE_LOG_WARN, "http", "scenarios of %s: %s", project, e->text);
    return TIDE_OK;
}

void tide_get_scenarios(struct tide_request *r, int64_t id, const char *name)
{
    static const char *const known[] = {"project", TIDE_PAGE_PARAMETERS, NULL};
    struct tide_page page;
    struct tide_error e;
    enum tide_rc rc = TIDE_OK;
    const char *project = tide_query_text(r, "project");
    (void)id;
    (void)name;
    if (!tide_query_known(r, known) || !tide_query_page(r, TIDE_LIST_MAX, &page)) return;
    if (!project) project = TIDE_DEFAULT_PROJECT;
    if (strcmp(project, TIDE_DEFAULT_PROJECT) != 0) rc = refresh_scenarios(r, project, &e);
    if (rc)
        tide_answer_error(r, &e);
    else
        tide_query_finish(
            r, tide_store_scenarios_json(r->http->config.store, project, &page, &r->answer, &e),
            &e);
}

/* The body as JSON. A number beyond 64 bits would make the whole body unreadable; read as a real it
 * is refused by the range of its field, with the field's name. */
json_t *tide_read_body(struct tide_request *r)
{
    json_error_t wrong;
    char detail[300];
    size_t flags = JSON_REJECT_DUPLICATES;
    json_t *body = json_loadb(r->body.at ? r->body.at : "", r->body.length, flags, &wrong);
    if (!body && json_error_code(&wrong) == json_error_numeric_overflow)
        body = json_loadb(r->body.at, r->body.length, flags | JSON_DECODE_INT_AS_REAL, &wrong);
    if (body) return body;
    snprintf(detail, sizeof detail, "the body is not JSON: %s (line %d, column %d)", wrong.text,
             wrong.line, wrong.column);
    tide_answer_problem(r, MHD_HTTP_BAD_REQUEST, "malformed-request", "The request is malformed",
                        NULL, detail);
    return NULL;
}

void tide_post_runs(struct tide_request *r, int64_t id, const char *name)
{
    static const char *const known[] = {"dry_run", NULL};
    struct tide_error e;
    int64_t batch = 0;
    bool dry;
    (void)id;
    (void)name;
    if (!tide_query_known(r, known) || !tide_query_flag(r, "dry_run", &dry)) return;
    json_t *body = tide_read_body(r);
    if (!body) return;
    enum tide_rc rc =
        dry ? tide_scheduler_plan(r->http->config.scheduler, body, &r->answer, &e)
            : tide_scheduler_trigger(r->http->config.scheduler, body, NULL, &batch, &e);
    if (!rc && !dry) rc = tide_store_batch_json(r->http->config.store, batch, &r->answer, &e);
    json_decref(body);
    if (rc == TIDE_BUSY) r->retry_after_s = TIDE_SILENCE_S;
    finish(r, rc, &e);
    if (rc || dry) return;
    r->status = MHD_HTTP_ACCEPTED;
    snprintf(r->location, sizeof r->location, "/api/v1/batches/%lld", (long long)batch);
}

void tide_get_batches(struct tide_request *r, int64_t id, const char *name)
{
    static const char *const known[] = {"project", "status", "reason", TIDE_PAGE_PARAMETERS, NULL};
    static const char *const statuses[] = {"queued", "running", "done", NULL};
    struct tide_batch_filter f = {.project = tide_query_text(r, "project")};
    struct tide_error e;
    (void)id;
    (void)name;
    if (!tide_query_known(r, known) || !tide_query_page(r, 100, &f.page) ||
        !tide_query_word(r, "status", statuses, &f.status) ||
        !tide_query_word(r, "reason", tide_reasons, &f.reason))
        return;
    tide_query_finish(r, tide_store_batches_json(r->http->config.store, &f, &r->answer, &e), &e);
}

void tide_get_batch(struct tide_request *r, int64_t id, const char *name)
{
    struct tide_error e;
    (void)name;
    if (!tide_query_known(r, no_parameters)) return;
    finish(r, tide_store_batch_json(r->http->config.store, id, &r->answer, &e), &e);
}

void tide_get_runs(struct tide_request *r, int64_t id, const char *name)
{
    static const char *const known[] = {
        "batch", "project", "status", "commit", "python", "scenario", TIDE_PAGE_PARAMETERS, NULL};
    struct tide_run_filter f = {
        .project = tide_query_text(r, "project"),
        .commit = tide_query_text(r, "commit"),
        .python = tide_query_text(r, "python"),
        .scenario = tide_query_text(r, "scenario"),
    };
    static const char *const statuses[] = {"queued", "building",  "running", "done",
                                           "failed", "cancelled", NULL};
    struct tide_error e;
    (void)id;
    (void)name;
    if (!tide_query_known(r, known) || !tide_query_page(r, 100, &f.page) ||
        !tide_query_word(r, "status", statuses, &f.status) ||
        !tide_query_integer(r, "batch", 1, INT64_MAX, 0, &f.batch))
        return;
    tide_query_finish(r, tide_store_runs_json(r->http->config.store, &f, &r->answer, &e), &e);
}

void tide_get_run(struct tide_request *r, int64_t id, const char *name)
{
    struct tide_error e;
    (void)name;
    if (!tide_query_known(r, no_parameters)) return;
    finish(r, tide_store_run_json(r->http->config.store, id, true, &r->answer, &e), &e);
}

static bool read_window(struct tide_request *r, struct tide_window *w)
{
    if (!tide_query_integer(r, "from_ns", 0, INT64_MAX, 0, &w->from_ns) ||
        !tide_query_integer(r, "to_ns", 0, INT64_MAX, INT64_MAX, &w->to_ns))
        return false;
    if (w->from_ns <= w->to_ns) return true;
    tide_answer_parameter(r, "to_ns", "to_ns is before from_ns");
    return false;
}

static bool is_used(const struct tide_points *p, uint32_t name)
{
    for (size_t i = 0; i < p->n; i++)
        if (p->at[i].name == name) return true;
    return false;
}

/* The names that the points use. */
static void put_functions(struct tide_str *out, const struct tide_points *p,
                          const struct tide_name_row *names, size_t n)
{
    static const char *const kinds[] = {"", "python", "c", "mark"};
    const char *between = "";
    tide_str_put(out, ",\"functions\":[");
    for (size_t i = 0; i < n; i++) {
        if (!is_used(p, names[i].id)) continue;
        tide_str_printf(out, "%s{\"id\":%u,\"name\":", between, names[i].id);
        tide_json_put_text(out, names[i].text);
        tide_str_put(out, ",\"file\":");
        tide_json_put_text(out, names[i].file);
        tide_str_printf(out, ",\"line\":%u,\"kind\":\"%s\"}", names[i].line,
                        kinds[names[i].kind & 3]);
        between = ",";
    }
    tide_str_put(out, "]");
}

static void put_column(struct tide_str *out, const char *name, const struct tide_points *p,
                       uint64_t (*value)(const struct tide_point *))
{
    tide_str_printf(out, ",\"%s\":[", name);
    for (size_t i = 0; i < p->n; i++) {
        if (i) tide_str_add(out, ",", 1);
        tide_json_put_size(out, value(&p->at[i]));
    }
    tide_str_put(out, "]");
}

static uint64_t instant_of(const struct tide_point *p)
{
    return (uint64_t)p->t_ns; /* in a window, so not negative */
}

static uint64_t rss_of(const struct tide_point *p)
{
    return p->rss;
}

static uint64_t name_of(const struct tide_point *p)
{
    return p->name;
}

static enum tide_rc put_children(struct tide_request *r, int64_t run,
                                 const struct tide_points *points, struct tide_error *e)
{
    uint64_t *sums = NULL;
    enum tide_rc rc =
        tide_series_children(r->http->config.store, run, points->at, points->n, &sums, e);
    if (rc) return rc;
    tide_str_put(&r->answer, ",\"children\":[");
    for (size_t i = 0; i < points->n; i++) {
        if (i) tide_str_add(&r->answer, ",", 1);
        tide_json_put_size(&r->answer, sums[i]);
    }
    tide_str_put(&r->answer, "]");
    free(sums);
    return TIDE_OK;
}

enum tide_rc tide_put_curve(struct tide_request *r, int64_t run, struct tide_window w,
                            const struct tide_points *points, bool children, struct tide_error *e)
{
    struct tide_run_facts facts;
    struct tide_name_row *names = NULL;
    struct tide_str *out = &r->answer;
    size_t n = 0;
    enum tide_rc rc = tide_store_run_facts(r->http->config.store, run, &facts, e);
    if (!rc) rc = tide_store_names(r->http->config.store, run, &names, &n, e);
    if (rc) return rc;
    int64_t to = w.to_ns < facts.end_ns ? w.to_ns : facts.end_ns;
    tide_str_printf(out,
                    "{\"run\":%lld,\"status\":\"%s\",\"points\":%zu,\"from_ns\":%lld,"
                    "\"to_ns\":%lld,\"end_ns\":%lld",
                    (long long)run, facts.status, points->n, (long long)w.from_ns, (long long)to,
                    (long long)facts.end_ns);
    put_functions(out, points, names, n);
    put_column(out, "t_ns", points, instant_of);
    put_column(out, "rss", points, rss_of);
    put_column(out, "function", points, name_of);
    if (children) rc = put_children(r, run, points, e);
    tide_str_put(out, "}");
    tide_names_free(names, n);
    return !rc && out->failed ? tide_fail(e, TIDE_NOMEM, "answer with a curve") : rc;
}

void tide_get_curve(struct tide_request *r, int64_t id, const char *name)
{
    static const char *const known[] = {"points", "from_ns", "to_ns", "children", NULL};
    struct tide_window w;
    struct tide_points points = {0};
    struct tide_error e;
    int64_t limit;
    bool children;
    (void)name;
    if (!tide_query_known(r, known) || !read_window(r, &w) ||
        !tide_query_flag(r, "children", &children) ||
        !tide_query_integer(r, "points", 2, POINTS_MAX, 1000, &limit))
        return;
    tide_answer_settle(r, id);
    enum tide_rc rc = tide_series_curve(r->http->config.store, id, w, (size_t)limit, &points, &e);
    if (!rc) rc = tide_put_curve(r, id, w, &points, children, &e);
    tide_points_free(&points);
    finish(r, rc, &e);
}

/* "CALL,RETURN" as bits. False: the answer is a problem. */
static bool read_kinds(struct tide_request *r, unsigned *kinds)
{
    const char *at = tide_query_text(r, "kind");
    *kinds = 0;
    while (at && *at) {
        size_t n = strcspn(at, ",");
        unsigned found = 0;
        for (unsigned k = TIDE_SAMPLE; k <= TIDE_THREAD; k++) {
            const char *known = tide_kind_name((enum tide_kind)k);
            if (strlen(known) == n && !strncmp(known, at, n)) found = 1u << k;
        }
        if (!found) {
            tide_answer_parameter(r, "kind",
                                  "allowed are CALL, RETURN, C_CALL, C_RETURN, C_EXCEPTION, MARK, "
                                  "SAMPLE, LINE, GC, THREAD, several with commas");
            return false;
        }
        *kinds |= found;
        at += n + (at[n] == ',');
    }
    return true;
}

void tide_get_events(struct tide_request *r, int64_t id, const char *name)
{
    static const char *const known[] = {"limit", "cursor",   "from_ns",    "to_ns",
                                        "kind",  "function", "from_event", NULL};
    struct tide_event_filter f = {.function = tide_query_text(r, "function")};
    struct tide_error e;
    int64_t limit;
    (void)name;
    if (!tide_query_known(r, known) || !read_window(r, &f.window) || !read_kinds(r, &f.kinds) ||
        !tide_query_integer(r, "limit", 1, EVENTS_MAX, 1000, &limit) ||
        !tide_query_integer(r, "from_event", 0, INT64_MAX, 0, &f.from_event) ||
        !tide_query_integer(r, "cursor", 0, INT64_MAX, 0, &f.cursor))
        return;
    f.limit = (size_t)limit;
    tide_answer_settle(r, id);
    finish(r, tide_series_events(r->http->config.store, id, &f, &r->answer, &e), &e);
}

void tide_get_functions(struct tide_request *r, int64_t id, const char *name)
{
    struct tide_error e;
    (void)name;
    if (!tide_query_known(r, no_parameters)) return;
    tide_answer_settle(r, id);
    finish(r, tide_store_functions_json(r->http->config.store, id, &r->answer, &e), &e);
}

void tide_get_run_log(struct tide_request *r, int64_t id, const char *name)
{
    struct tide_error e;
    (void)name;
    if (!tide_query_known(r, no_parameters)) return;
    r->type = "text/plain; charset=utf-8";
    tide_answer_settle(r, id);
    finish(r, tide_store_run_log(r->http->config.store, id, &r->answer, &e), &e);
}

void tide_get_builds(struct tide_request *r, int64_t id, const char *name)
{
    static const char *const known[] = {
        "project", "status", "commit", "python", TIDE_PAGE_PARAMETERS, NULL};
    struct tide_build_filter f = {
        .project = tide_query_text(r, "project"),
        .commit = tide_query_text(r, "commit"),
        .python = tide_query_text(r, "python"),
    };
    static const char *const statuses[] = {"building", "done", "failed", NULL};
    struct tide_error e;
    (void)id;
    (void)name;
    if (!tide_query_known(r, known) || !tide_query_page(r, 100, &f.page) ||
        !tide_query_word(r, "status", statuses, &f.status))
        return;
    tide_query_finish(r, tide_store_builds_json(r->http->config.store, &f, &r->answer, &e), &e);
}

void tide_get_build(struct tide_request *r, int64_t id, const char *name)
{
    struct tide_error e;
    (void)name;
    if (!tide_query_known(r, no_parameters)) return;
    finish(r, tide_store_build_json(r->http->config.store, id, &r->answer, &e), &e);
}

/* What stands of the log since byte `from`: of a build at work its growing file. */
static enum tide_rc read_build_log(struct tide_request *r, int64_t build, size_t from,
                                   struct tide_error *e)
{
    char key[64];
    struct tide_str whole = {0};
    enum tide_rc rc = tide_store_building_key(r->http->config.store, build, key, e);
    if (rc) return rc;
    if (*key) rc = tide_builder_live_log(r->http->config.cache, key, from, &r->answer, e);
    if (*key && rc != TIDE_ABSENT) return rc;
    /* It has ended, perhaps just now. */
    rc = tide_store_build_log(r->http->config.store, build, &whole, e);
    if (!rc && from < whole.length) tide_str_add(&r->answer, whole.at + from, whole.length - from);
    tide_str_free(&whole);
    return rc;
}

void tide_get_build_log(struct tide_request *r, int64_t id, const char *name)
{
    static const char *const known[] = {"from", NULL};
    struct tide_error e;
    int64_t from;
    (void)name;
    if (!tide_query_known(r, known) || !tide_query_integer(r, "from", 0, INT64_MAX, 0, &from))
        return;
    r->type = "text/plain; charset=utf-8";
    finish(r, read_build_log(r, id, (size_t)from, &e), &e);
}
