/* histories.c - the handlers of /api/v1/series and /api/v1/regressions; docs/API.md describes each.
 * They run on threads of the pool and may block. */
#include "http/internal.h"

#include "build/repo.h"
#include "http/query.h"
#include "schedule/line.h"
#include "schedule/projects.h"
#include "stats/series.h"
#include "store/changes.h"

#include <stdlib.h>
#include <string.h>

static const char *const no_parameters[] = {NULL};

/* The parameter `params`, JSON, as cells have it; freed by the caller, NULL where it is absent. */
static enum tide_rc read_params(struct tide_request *r, char **out, struct tide_error *e)
{
    const char *text = tide_query_text(r, "params");
    json_error_t unread;
    *out = NULL;
    if (!text || !*text) return TIDE_OK;
    json_t *params = json_loads(text, JSON_REJECT_DUPLICATES, &unread);
    if (json_is_object(params)) *out = json_dumps(params, JSON_COMPACT | JSON_SORT_KEYS);
    json_decref(params);
    return *out ? TIDE_OK
                : tide_fail_field(e, "params", "must be a JSON object, like {\"count\":65536}");
}

/* Names of tags by the hash of their commit, of several the last. A project whose repository cannot
 * be had has none: its history is shown all the same. */
static json_t *read_tags(struct tide_request *r, const char *project)
{
    struct tide_projects *projects = NULL;
    struct tide_catalog *catalog = NULL;
    struct tide_str text = {0};
    json_t *tags = json_object();
    if (!tide_scheduler_projects(r->http->config.scheduler, &projects, NULL) &&
        !tide_projects_take(projects, project, &catalog, NULL) &&
        !tide_repo_tags(catalog->repo, &text, NULL))
        for (char *line = text.at, *next; line && *line; line = next) {
            next = line + strcspn(line, "\n");
            if (*next) *next++ = '\0';
            char *space = strchr(line, ' ');
            if (space) *space++ = '\0';
            if (space) json_object_set_new(tags, line, json_string(space));
        }
    tide_catalog_drop(catalog);
    tide_str_free(&text);
    return tags;
}

/* The line of the branch that is asked for, where one is. */
static enum tide_rc read_branch(struct tide_request *r, const char *project,
                                struct tide_line_commit **out, size_t *n, struct tide_error *e)
{
    const char *branch = tide_query_text(r, "branch");
    struct tide_projects *projects = NULL;
    struct tide_catalog *catalog = NULL;
    *out = NULL;
    *n = 0;
    if (!branch) return TIDE_OK;
    enum tide_rc rc = tide_scheduler_projects(r->http->config.scheduler, &projects, e);
    if (!rc) rc = tide_projects_sync(projects, project, TIDE_ASKED_PATIENCE_S, &catalog, e);
    if (!rc) rc = tide_line_read(r->http->config.store, catalog, branch, out, n, e);
    tide_catalog_drop(catalog);
    return rc;
}

void tide_get_series(struct tide_request *r, int64_t id, const char *name)
{
    static const char *const known[] = {"project",   "scenario", "metric",   "params",
                                        "allocator", "python",   "subtract", "from",
                                        "to",        "branch",   NULL};
    struct tide_series_request q = {
        .project = tide_query_text(r, "project"),
        .scenario = tide_query_text(r, "scenario"),
        .allocator = tide_query_text(r, "allocator"),
        .pythons = tide_query_text(r, "python"),
        .from = tide_query_text(r, "from"),
        .to = tide_query_text(r, "to"),
    };
    struct tide_error e;
    char *params = NULL;
    struct tide_line_commit *line = NULL;
    enum tide_rc rc = TIDE_OK;
    (void)id;
    (void)name;
    if (!tide_query_known(r, known)) return;
    if (!q.project) q.project = TIDE_DEFAULT_PROJECT;
    if (!q.scenario || !*q.scenario)
        rc = tide_fail_field(&e, "scenario", "is missing: the name of a scenario");
    if (!rc) rc = tide_read_metric(r, &q.metric, &q.subtract_empty, &e);
    if (!rc) rc = read_params(r, &params, &e);
    q.params = params;
    if (!rc) rc = read_branch(r, q.project, &line, &q.n_line, &e);
    q.line = line;
    json_t *tags = rc ? NULL : read_tags(r, q.project);
    q.tags = tags;
    if (!rc) rc = tide_series_history(r->http->config.store, &q, &r->answer, &e);
    json_decref(tags);
    tide_line_commits_free(line, q.n_line);
    free(params);
    if (rc) tide_answer_error(r, &e);
}

void tide_get_regressions(struct tide_request *r, int64_t id, const char *name)
{
    static const char *const known[] = {"project", "scenario", "python",   "metric",
                                        "status",  "verdict",  "accepted", TIDE_PAGE_PARAMETERS,
                                        NULL};
    static const char *const statuses[] = {"suspect", "confirmed", "dropped", NULL};
    static const char *const verdicts[] = {"worse", "better", NULL};
    struct tide_change_filter f = {
        .project = tide_query_text(r, "project"),
        .scenario = tide_query_text(r, "scenario"),
        .python = tide_query_text(r, "python"),
        .metric = tide_query_text(r, "metric"),
        .accepted = -1,
    };
    const char *accepted;
    struct tide_error e;
    (void)id;
    (void)name;
    if (!tide_query_known(r, known) || !tide_query_page(r, 100, &f.page) ||
        !tide_query_word(r, "status", statuses, &f.status) ||
        !tide_query_word(r, "verdict", verdicts, &f.verdict) ||
        !tide_query_word(r, "accepted", tide_query_truths, &accepted))
        return;
    if (accepted) f.accepted = *accepted == 't';
    tide_query_finish(r, tide_store_changes_json(r->http->config.store, &f, &r->answer, &e), &e);
}

void tide_get_regression(struct tide_request *r, int64_t id, const char *name)
{
    struct tide_error e;
    (void)name;
    if (!tide_query_known(r, no_parameters)) return;
    if (tide_store_change_json(r->http->config.store, id, &r->answer, &e)) tide_answer_error(r, &e);
}

#define REASON_MAX 1000

static enum tide_rc read_reason(const json_t *body, const char **reason, const char **by,
                                struct tide_error *e)
{
    const char *name;
    json_t *value;
    if (!json_is_object(body)) return tide_fail_field(e, "", "the body must be a JSON object");
    json_object_foreach((json_t *)body, name, value)
    {
        if (strcmp(name, "reason") != 0 && strcmp(name, "by") != 0)
            return tide_fail_field(e, name, "no such field; allowed are reason, by");
        if (!json_is_string(value) || json_string_length(value) > REASON_MAX)
            return tide_fail_field(e, name, "must be a text of at most %d bytes", REASON_MAX);
    }
    *reason = json_string_value(json_object_get(body, "reason"));
    *by = json_string_value(json_object_get(body, "by"));
    if (*reason && **reason) return TIDE_OK;
    return tide_fail_field(e, "reason", "is missing: say why the change is meant");
}

void tide_post_accept(struct tide_request *r, int64_t id, const char *name)
{
    struct tide_store *store = r->http->config.store;
    struct tide_error e;
    const char *reason = NULL, *by = NULL;
    (void)name;
    json_t *body = tide_query_known(r, no_parameters) ? tide_read_body(r) : NULL;
    if (!body) return;
    enum tide_rc rc = read_reason(body, &reason, &by, &e);
    if (!rc) rc = tide_store_accept_change(store, id, reason, by, &e);
    if (!rc) rc = tide_store_change_json(store, id, &r->answer, &e);
    json_decref(body);
    if (rc) tide_answer_error(r, &e);
}

void tide_delete_accept(struct tide_request *r, int64_t id, const char *name)
{
    struct tide_store *store = r->http->config.store;
    struct tide_error e;
    (void)name;
    if (!tide_query_known(r, no_parameters)) return;
    enum tide_rc rc = tide_store_accept_change(store, id, NULL, NULL, &e);
    if (!rc) rc = tide_store_change_json(store, id, &r->answer, &e);
    if (rc) tide_answer_error(r, &e);
}
