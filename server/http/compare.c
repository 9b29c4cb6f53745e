/* compare.c - the handlers of /api/v1/compare: two sides, named as people name them, made what the
 * store knows. A side is one or more of AXIS:VALUE with commas between; a VALUE alone is a commit.
 * What both sides say alike is no difference; exactly one axis must be. */
#include "http/internal.h"

#include "base/log.h"
#include "build/repo.h"
#include "http/query.h"
#include "run/attribution.h"
#include "schedule/projects.h"
#include "stats/compare.h"
#include "stats/matrix.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define VALUE_MAX 256

struct wanted { /* a side as it was asked for; "" where it says nothing */
    char value[TIDE_AXES][VALUE_MAX];
};

struct resolved { /* what a side's texts stand in */
    struct tide_commit commit;
    char python[80];
};

static int find_axis(const char *at, size_t n)
{
    for (int a = 0; a < TIDE_AXES; a++)
        if (strlen(tide_axis_name(a)) == n && !strncmp(tide_axis_name(a), at, n)) return a;
    return -1;
}

/* One AXIS:VALUE. INVALID with the parameter as the field. */
static enum tide_rc read_part(const char *parameter, const char *at, size_t n, struct wanted *out,
                              struct tide_error *e)
{
    const char *colon = memchr(at, ':', n);
    size_t before = colon ? (size_t)(colon - at) + 1 : 0;
    int axis = colon ? find_axis(at, before - 1) : TIDE_AXIS_COMMIT;
    if (axis < 0)
        return tide_fail_field(e, parameter,
                               "\"%.*s\" is no axis; allowed are commit, python, "
                               "allocator",
                               (int)(before < 80 ? before - 1 : 80), at);
    n -= before;
    if (!n || n >= VALUE_MAX)
        return tide_fail_field(e, parameter, "%s: has 1 to %d characters behind it",
                               tide_axis_name(axis), VALUE_MAX - 1);
    if (*out->value[axis])
        return tide_fail_field(e, parameter, "it names two of the axis %s", tide_axis_name(axis));
    memcpy(out->value[axis], at + before, n);
    return TIDE_OK;
}

static enum tide_rc read_wanted(const char *parameter, const char *text, struct wanted *out,
                                struct tide_error *e)
{
    enum tide_rc rc = TIDE_OK;
    *out = (struct wanted){0};
    if (!text || !*text)
        return tide_fail_field(e, parameter,
                               "it is missing: COMMIT, python:NAME or "
                               "allocator:NAME");
    for (const char *at = text; !rc; at++) {
        size_t n = strcspn(at, ",");
        rc = read_part(parameter, at, n, out, e);
        at += n;
        if (!*at) break;
    }
    return rc;
}

/* The one axis in which the sides differ. A filter stands for what a side does not say. */
static enum tide_rc find_difference(struct wanted *base, struct wanted *head,
                                    const struct wanted *filter, enum tide_axis *out,
                                    struct tide_error *e)
{
    char names[64] = "";
    int n = 0;
    for (int a = 0; a < TIDE_AXES; a++) {
        char *b = base->value[a], *h = head->value[a];
        if (!*b) memcpy(b, filter->value[a], VALUE_MAX);
        if (!*h) memcpy(h, filter->value[a], VALUE_MAX);
        if (!strcmp(b, h)) continue;
        size_t used = strlen(names);
        snprintf(names + used, sizeof names - used, "%s%s", n++ ? " and " : "", tide_axis_name(a));
        *out = (enum tide_axis)a;
    }
    if (n > 1)
        return tide_fail_field(e, "head",
                               "the sides differ in %s: one difference at a time can be "
                               "told apart",
                               names);
    if (!n) return tide_fail_field(e, "head", "base and head are the same");
    if (!*base->value[*out] || !*head->value[*out])
        return tide_fail_field(e, *base->value[*out] ? "head" : "base",
                               "it must name its %s, as the other side does", names);
    return TIDE_OK;
}

/* What `rev` names. What was measured is known by its whole hash also where the repository holds
 * it no more: a branch that was rewritten, a mirror that was lost. */
static enum tide_rc find_commit(struct tide_store *store, const struct tide_catalog *c,
                                const char *rev, struct tide_commit *out, struct tide_error *e)
{
    enum tide_rc rc = tide_repo_resolve(c->repo, rev, out, e);
    if (!rc || strlen(rev) >= sizeof out->sha ||
        tide_store_recorded_commit(store, c->project, rev, &out->subject, &out->committed_ns, NULL))
        return rc;
    snprintf(out->sha, sizeof out->sha, "%s", rev);
    return TIDE_OK;
}

/* Look a side's names up. The commit of a side that says none is the tip of the branch. */
static enum tide_rc resolve(struct tide_store *store, const struct tide_catalog *c,
                            const char *parameter, const struct wanted *w, struct resolved *r,
                            struct tide_side *out, struct tide_error *e)
{
    const char *rev = *w->value[TIDE_AXIS_COMMIT] ? w->value[TIDE_AXIS_COMMIT] : "HEAD";
    enum tide_rc rc = find_commit(store, c, rev, &r->commit, e);
    if (rc == TIDE_INVALID) snprintf(e->field, sizeof e->field, "%s", parameter);
    if (!rc && *w->value[TIDE_AXIS_PYTHON]) {
        rc = tide_store_python_named(store, w->value[TIDE_AXIS_PYTHON], r->python, sizeof r->python,
                                     e);
        if (rc == TIDE_ABSENT)
            rc = tide_fail_field(e, parameter, "no Python \"%.40s\" is known",
                                 w->value[TIDE_AXIS_PYTHON]);
    }
    *out = (struct tide_side){
        .sha = r->commit.sha,
        .subject = r->commit.subject,
        .committed_ns = r->commit.committed_ns,
        .python = *r->python ? r->python : NULL,
        .allocator = *w->value[TIDE_AXIS_ALLOCATOR] ? w->value[TIDE_AXIS_ALLOCATOR] : NULL,
    };
    return rc;
}

static enum tide_rc read_filter(const struct tide_request *r, struct wanted *out,
                                struct tide_error *e)
{
    *out = (struct wanted){0};
    for (int a = 0; a < TIDE_AXES; a++) {
        const char *value = tide_query_text(r, tide_axis_name(a));
        if (value && strlen(value) >= VALUE_MAX)
            return tide_fail_field(e, tide_axis_name(a), "it is too long");
        snprintf(out->value[a], VALUE_MAX, "%s", value ? value : "");
    }
    return TIDE_OK;
}

enum tide_rc tide_read_metric(const struct tide_request *r, struct tide_metric_row *metric,
                              bool *subtract, struct tide_error *e)
{
    const char *name = tide_query_text(r, "metric"), *what = tide_query_text(r, "subtract");
    enum tide_rc rc =
        tide_store_metric(r->http->config.store, name ? name : TIDE_METRIC_DEFAULT, metric, e);
    if (rc == TIDE_ABSENT)
        return tide_fail_field(e, "metric", "no such metric; GET /api/v1/metrics lists them");
    *subtract = what && *what;
    if (rc || !*subtract) return rc;
    if (strcmp(what, "empty") != 0) return tide_fail_field(e, "subtract", "allowed is empty");
    if (metric->id != TIDE_METRIC_BASE && metric->id != TIDE_METRIC_TIDE_MARK)
        return tide_fail_field(e, "subtract",
                               "the interpreter's own share is known of base and "
                               "tide_mark");
    return TIDE_OK;
}

void tide_answer_json(struct tide_request *r, json_t *value)
{
    char *text = value ? json_dumps(value, JSON_COMPACT) : NULL;
    struct tide_error e;
    if (text)
        tide_str_put(&r->answer, text);
    else {
        tide_fail(&e, TIDE_NOMEM, "answer a request");
        tide_answer_error(r, &e);
    }
    free(text);
    json_decref(value);
}

/* The project as its source stands now; where that cannot be had, as it is known: what was measured
 * can be compared all the same. */
static enum tide_rc open_project(const struct tide_request *r, struct tide_projects *projects,
                                 struct tide_catalog **out, struct tide_error *e)
{
    const char *name = tide_query_text(r, "project");
    if (!name) name = TIDE_DEFAULT_PROJECT;
    enum tide_rc rc = tide_projects_sync(projects, name, TIDE_ASKED_PATIENCE_S, out, e);
    if (rc != TIDE_FAILED) return rc;
    tide_log(TIDE_LOG_WARN, "http", "commits of %s: %s", name, e->text);
    return tide_projects_take(projects, name, out, e);
}

static enum tide_rc compare(struct tide_request *r, struct tide_projects *projects, json_t **out,
                            struct tide_error *e)
{
    struct tide_store *store = r->http->config.store;
    struct tide_comparison c = {.scenario = tide_query_text(r, "scenario")};
    struct wanted base, head, filter;
    struct resolved from = {0}, to = {0};
    struct tide_catalog *catalog = NULL;
    enum tide_rc rc = tide_read_metric(r, &c.metric, &c.subtract_empty, e);
    if (!rc) rc = read_filter(r, &filter, e);
    if (!rc) rc = read_wanted("base", tide_query_text(r, "base"), &base, e);
    if (!rc) rc = read_wanted("head", tide_query_text(r, "head"), &head, e);
    if (!rc) rc = find_difference(&base, &head, &filter, &c.axis, e);
    if (!rc) rc = open_project(r, projects, &catalog, e);
    if (!rc) rc = resolve(store, catalog, "base", &base, &from, &c.base, e);
    if (!rc) rc = resolve(store, catalog, "head", &head, &to, &c.head, e);
    if (!rc) {
        c.project = catalog->project;
        c.project_name = catalog->row.name;
        rc = tide_compare(store, &c, out, e);
    }
    tide_commit_clear(&from.commit);
    tide_commit_clear(&to.commit);
    tide_catalog_drop(catalog);
    return rc;
}

typedef enum tide_rc make_answer(struct tide_request *r, struct tide_projects *projects,
                                 json_t **out, struct tide_error *e);

/* Answer what `make` makes of the parameters, of which only the `known` may be there. */
static void answer(struct tide_request *r, const char *const *known, make_answer *make)
{
    struct tide_projects *projects = NULL;
    struct tide_error e;
    json_t *out = NULL;
    if (!tide_query_known(r, known)) return;
    enum tide_rc rc = tide_scheduler_projects(r->http->config.scheduler, &projects, &e);
    if (!rc) rc = make(r, projects, &out, &e);
    if (rc)
        tide_answer_error(r, &e);
    else
        tide_answer_json(r, out);
}

void tide_get_compare(struct tide_request *r, int64_t id, const char *name)
{
    static const char *const known[] = {"project", "base",     "head",      "metric",   "commit",
                                        "python",  "scenario", "allocator", "subtract", NULL};
    (void)id;
    (void)name;
    answer(r, known, compare);
}

/* The number of a cell in a parameter that must be there. False: the answer is a problem. */
static bool read_cell(struct tide_request *r, const char *name, int64_t *out)
{
    if (!tide_query_integer(r, name, 1, INT64_MAX, 0, out)) return false;
    if (!*out) tide_answer_parameter(r, name, "it is missing: the id of a cell");
    return *out != 0;
}

void tide_get_attribution(struct tide_request *r, int64_t id, const char *name)
{
    static const char *const known[] = {"base_cell", "head_cell", NULL};
    struct tide_store *store = r->http->config.store;
    struct tide_error e;
    int64_t base = 0, head = 0, base_run = 0, head_run = 0;
    json_t *out = NULL;
    (void)id;
    (void)name;
    if (!tide_query_known(r, known) || !read_cell(r, "base_cell", &base) ||
        !read_cell(r, "head_cell", &head))
        return;
    enum tide_rc rc = tide_compare_middle_run(store, base, &base_run, &e);
    if (!rc) rc = tide_compare_middle_run(store, head, &head_run, &e);
    if (!rc) rc = tide_attribute(store, base_run, head_run, &out, &e);
    if (rc)
        tide_answer_error(r, &e);
    else
        tide_answer_json(r, out);
}

/* ---- the matrix ---- */

struct matrix_names { /* what a matrix's texts stand in */
    struct tide_commit at, base;
    char python[80], pinned[VALUE_MAX];
};

/* PYTHON, @COMMIT or PYTHON@COMMIT; NULL: the project's, else the oldest Python that is measured.
 */
static enum tide_rc read_baseline(struct tide_store *store, const struct tide_catalog *c,
                                  struct matrix_names *names, struct tide_matrix *m,
                                  struct tide_error *e)
{
    char python[80];
    enum tide_rc rc = m->baseline ? TIDE_OK
                                  : tide_store_baseline(store, c->project, names->pinned,
                                                        sizeof names->pinned, e);
    if (*names->pinned) m->baseline = names->pinned;
    const char *text = m->baseline, *at = text ? strchr(text, '@') : NULL;
    size_t n = text ? (at ? (size_t)(at - text) : strlen(text)) : 0;
    m->baseline_python = text && at && !n ? NULL : "";
    if (rc || !text) return rc;
    if (n >= sizeof python || (!n && !at))
        return tide_fail_field(e, "baseline", "allowed is PYTHON, @COMMIT or PYTHON@COMMIT");
    snprintf(python, sizeof python, "%.*s", (int)n, text);
    if (n) {
        rc = tide_store_python_named(store, python, names->python, sizeof names->python, e);
        if (rc == TIDE_ABSENT)
            rc = tide_fail_field(e, "baseline", "no Python \"%s\" is known", python);
        m->baseline_python = names->python;
    }
    if (!rc && at) {
        rc = find_commit(store, c, at + 1, &names->base, e);
        if (rc == TIDE_INVALID) snprintf(e->field, sizeof e->field, "baseline");
        m->baseline_sha = names->base.sha;
    }
    return rc;
}

static enum tide_rc make_matrix(struct tide_request *r, struct tide_projects *projects,
                                json_t **out, struct tide_error *e)
{
    struct tide_store *store = r->http->config.store;
    struct tide_matrix m = {.baseline = tide_query_text(r, "baseline")};
    struct matrix_names names = {0};
    struct tide_catalog *catalog = NULL;
    const char *commit = tide_query_text(r, "commit");
    enum tide_rc rc = tide_read_metric(r, &m.metric, &m.subtract_empty, e);
    if (!rc) rc = open_project(r, projects, &catalog, e);
    if (!rc) {
        rc = find_commit(store, catalog, commit ? commit : "HEAD", &names.at, e);
        if (rc == TIDE_INVALID) snprintf(e->field, sizeof e->field, "commit");
    }
    if (!rc) rc = read_baseline(store, catalog, &names, &m, e);
    if (!rc) {
        m.project = catalog->project;
        m.project_name = catalog->row.name;
        m.at = (struct tide_side){.sha = names.at.sha,
                                  .subject = names.at.subject,
                                  .committed_ns = names.at.committed_ns};
        rc = tide_matrix_make(store, &m, out, e);
    }
    tide_commit_clear(&names.at);
    tide_commit_clear(&names.base);
    tide_catalog_drop(catalog);
    return rc;
}

void tide_get_matrix(struct tide_request *r, int64_t id, const char *name)
{
    static const char *const known[] = {"project", "commit",   "baseline",
                                        "metric",  "subtract", NULL};
    (void)id;
    (void)name;
    answer(r, known, make_matrix);
}
