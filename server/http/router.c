/* router.c - the REST interface as a table: method, path, handler, the scope that a token needs for
 * it, and where it is answered. A path names a number with {id}, a word with {name}.
 *
 * docs/openapi/ describes every row; http/openapi_test.c compares the two. */
#include "http/internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define READ    TIDE_SCOPE_READ
#define TRIGGER TIDE_SCOPE_TRIGGER
#define UPLOAD  TIDE_SCOPE_UPLOAD
#define ADMIN   TIDE_SCOPE_ADMIN
#define QUICK   TIDE_LANE_QUICK
#define SLOW    TIDE_LANE_SLOW
#define NOW     TIDE_LANE_NOW
#define COSTLY  TIDE_LANE_COSTLY

const struct tide_route tide_routes[] = {
    {"GET", "/api/v1/status", tide_get_status, READ, QUICK},
    {"GET", "/api/v1/pythons", tide_get_pythons, READ, QUICK},
    {"GET", "/api/v1/hosts", tide_get_hosts, READ, SLOW},
    {"POST", "/api/v1/pythons/refresh", tide_post_refresh, TRIGGER, SLOW},
    {"GET", "/api/v1/projects", tide_get_projects, READ, QUICK},
    {"POST", "/api/v1/projects", tide_post_projects, ADMIN, SLOW},
    {"GET", "/api/v1/projects/{name}", tide_get_project, READ, QUICK},
    {"PATCH", "/api/v1/projects/{name}", tide_patch_project, ADMIN, SLOW},
    {"DELETE", "/api/v1/projects/{name}", tide_delete_project, ADMIN, SLOW},
    {"GET", "/api/v1/projects/{name}/commits", tide_get_commits, READ, SLOW},
    {"GET", "/api/v1/projects/{name}/branches", tide_get_branches, READ, SLOW},
    {"GET", "/api/v1/projects/{name}/merge-base", tide_get_merge_base, READ, SLOW},
    {"GET", "/api/v1/scenarios", tide_get_scenarios, READ, SLOW},
    {"POST", "/api/v1/runs", tide_post_runs, TRIGGER, SLOW},
    {"GET", "/api/v1/runs", tide_get_runs, READ, QUICK},
    {"GET", "/api/v1/runs/{id}", tide_get_run, READ, QUICK},
    {"GET", "/api/v1/runs/{id}/curve", tide_get_curve, READ, QUICK},
    {"GET", "/api/v1/curves", tide_get_curves, READ, QUICK},
    {"GET", "/api/v1/runs/{id}/events", tide_get_events, READ, QUICK},
    {"GET", "/api/v1/runs/{id}/functions", tide_get_functions, READ, QUICK},
    {"GET", "/api/v1/runs/{id}/export", tide_get_export, READ, COSTLY},
    {"GET", "/api/v1/metrics", tide_get_metrics, READ, QUICK},
    {"GET", "/api/v1/compare", tide_get_compare, READ, COSTLY},
    {"GET", "/api/v1/compare/attribution", tide_get_attribution, READ, COSTLY},
    {"GET", "/api/v1/matrix", tide_get_matrix, READ, COSTLY},
    {"GET", "/api/v1/cells", tide_get_cells, READ, QUICK},
    {"GET", "/api/v1/cells/{id}", tide_get_cell, READ, QUICK},
    {"POST", TIDE_IMPORT_PATH, tide_post_imports, UPLOAD, COSTLY},
    {"GET", "/api/v1/runs/{id}/log", tide_get_run_log, READ, QUICK},
    {"GET", "/api/v1/batches", tide_get_batches, READ, QUICK},
    {"GET", "/api/v1/batches/{id}", tide_get_batch, READ, QUICK},
    {"PATCH", "/api/v1/batches/{id}", tide_patch_batch, TRIGGER, QUICK},
    {"POST", "/api/v1/batches/{id}/cancel", tide_post_batch_cancel, TRIGGER, SLOW},
    {"POST", "/api/v1/batches/{id}/retry", tide_post_batch_retry, TRIGGER, SLOW},
    {"POST", "/api/v1/runs/{id}/cancel", tide_post_run_cancel, TRIGGER, SLOW},
    {"POST", "/api/v1/runs/{id}/retry", tide_post_run_retry, TRIGGER, QUICK},
    {"POST", "/api/v1/queue/cancel", tide_post_queue_cancel, TRIGGER, SLOW},
    {"POST", "/api/v1/queue/pause", tide_post_queue_pause, TRIGGER, QUICK},
    {"POST", "/api/v1/queue/resume", tide_post_queue_resume, TRIGGER, QUICK},
    {"POST", "/api/v1/gc", tide_post_gc, ADMIN, SLOW},
    {"GET", "/api/v1/bisects", tide_get_bisects, READ, QUICK},
    {"POST", "/api/v1/bisects", tide_post_bisects, TRIGGER, SLOW},
    {"GET", "/api/v1/bisects/{id}", tide_get_bisect, READ, QUICK},
    {"POST", "/api/v1/bisects/{id}/cancel", tide_post_bisect_cancel, TRIGGER, SLOW},
    {"GET", "/api/v1/deliveries", tide_get_deliveries, ADMIN, QUICK},
    {"POST", "/api/v1/deliveries/{id}/retry", tide_post_delivery_retry, ADMIN, QUICK},
    {"POST", "/hooks/{name}", tide_post_hook, 0, SLOW}, /* its signature lets it in */
    {"GET", "/api/v1/series", tide_get_series, READ, COSTLY},
    {"GET", "/api/v1/regressions", tide_get_regressions, READ, QUICK},
    {"GET", "/api/v1/regressions/{id}", tide_get_regression, READ, QUICK},
    {"POST", "/api/v1/regressions/{id}/accept", tide_post_accept, TRIGGER, QUICK},
    {"DELETE", "/api/v1/regressions/{id}/accept", tide_delete_accept, TRIGGER, QUICK},
    {"GET", "/api/v1/builds", tide_get_builds, READ, QUICK},
    {"GET", "/api/v1/builds/{id}", tide_get_build, READ, QUICK},
    {"GET", "/api/v1/builds/{id}/log", tide_get_build_log, READ, QUICK},
    {"GET", TIDE_STREAM_PATH, NULL, READ, NOW}, /* streams.c opens it */
    {"GET", "/api/v1/openapi.json", tide_get_asset, 0, NOW},
    {"GET", "/api/v1/tokens", tide_get_tokens, ADMIN, QUICK},
    {"POST", "/api/v1/tokens", tide_post_tokens, ADMIN, SLOW},
    {"DELETE", "/api/v1/tokens/{id}", tide_delete_token, ADMIN, SLOW},
    {"GET", "/healthz", tide_get_health, 0, NOW},
    {"GET", "/readyz", tide_get_ready, 0, QUICK},
    {"GET", "/metrics", tide_get_metrics_text, READ, QUICK},
    {"GET", "/problems/{name}", tide_get_problem, 0, NOW},
    {"GET", "/api/docs", tide_get_docs, 0, NOW},
    {"GET", "/api/v1/search", tide_get_search, READ, SLOW},
    {"GET", "/badge/{name}.svg", tide_get_badge, READ, QUICK},
    {"GET", "/feed/{name}.atom", tide_get_feed, READ, QUICK},
    {NULL, NULL, NULL, 0, NOW},
};

bool tide_router_owns(const char *path)
{
    return !strncmp(path, "/api/", 5) || !strcmp(path, "/api") || !strncmp(path, "/hooks/", 7);
}

/* A number from 1 that fills the segment of n characters. */
static bool read_id(const char *at, size_t n, int64_t *id)
{
    *id = 0;
    if (!n || n > 18 || *at == '0') return false;
    for (size_t i = 0; i < n; i++) {
        if (at[i] < '0' || at[i] > '9') return false;
        *id = *id * 10 + (at[i] - '0');
    }
    return true;
}

/* The segment of `path` that a {name} takes, whose end is `suffix`, the n characters behind it in
 * the pattern. */
static bool read_name(const char *path, size_t length, const char *suffix, size_t n, char *name)
{
    if (length <= n || length - n >= TIDE_NAME_MAX) return false;
    if (strncmp(path + length - n, suffix, n) != 0) return false;
    memcpy(name, path, length - n);
    name[length - n] = '\0';
    return true;
}

static bool match(const char *pattern, const char *path, int64_t *id, char *name)
{
    while (*pattern || *path) {
        if (*pattern != '{') {
            if (*pattern++ != *path++) return false;
            continue;
        }
        const char *suffix = strchr(pattern, '}') + 1;
        size_t length = strcspn(path, "/"), n = strcspn(suffix, "/");
        bool found = !strncmp(pattern, "{id}", 4) ? !n && read_id(path, length, id)
                                                  : read_name(path, length, suffix, n, name);
        if (!found) return false;
        pattern = suffix + n;
        path += length;
    }
    return true;
}

static const char *const methods[] = {"GET", "POST", "PATCH", "DELETE"};
#define METHODS (sizeof methods / sizeof *methods)

/* The methods that the path has, in their order, as Allow lists them. */
static void list_methods(struct tide_request *r, const bool *has)
{
    bool stream = !strcmp(r->path, TIDE_STREAM_PATH); /* endless: no HEAD */
    for (size_t i = 0; i < METHODS; i++) {
        size_t used = strlen(r->allow);
        if (has[i])
            snprintf(r->allow + used, sizeof r->allow - used, "%s%s%s", used ? ", " : "",
                     methods[i], i || stream ? "" : ", HEAD");
    }
}

#define PREFIX "/api/v1/" /* of most routes; one that begins with "/a" is longer than it */

/* Whether the pattern may be that of the path: one letter tells most that are not. */
static bool begins_alike(const char *pattern, const char *path, bool prefixed)
{
    size_t telling = sizeof PREFIX - 1;
    if (*path != '/' || pattern[1] != path[1]) return false;
    return !prefixed || pattern[telling] == path[telling];
}

const struct tide_route *tide_router_find(struct tide_request *r)
{
    bool has[METHODS] = {false};
    bool prefixed = !strncmp(r->path, PREFIX, sizeof PREFIX - 1);
    const char *method = strcmp(r->method, "HEAD") ? r->method : "GET";
    for (const struct tide_route *route = tide_routes; route->path; route++) {
        if (!begins_alike(route->path, r->path, prefixed)) continue;
        if (!match(route->path, r->path, &r->id, r->name)) continue;
        if (!strcmp(route->method, method)) return route;
        for (size_t k = 0; k < METHODS; k++)
            has[k] = has[k] || !strcmp(route->method, methods[k]);
    }
    list_methods(r, has);
    return NULL;
}

void tide_router_answer(struct tide_request *r)
{
    bool endless = r->route && !r->route->handler; /* a stream has no HEAD */
    if (r->route && !endless) {
        r->status = MHD_HTTP_OK;
        r->type = "application/json";
        tide_idempotent(r);
        tide_sparse(r);
        return;
    }
    if (endless) snprintf(r->allow, sizeof r->allow, "GET");
    if (*r->allow)
        tide_answer_problem(r, MHD_HTTP_METHOD_NOT_ALLOWED, "method-not-allowed",
                            "The method is not allowed here", NULL, r->allow);
    else
        tide_answer_problem(r, MHD_HTTP_NOT_FOUND, "not-found", "There is no such resource", NULL,
                            "see docs/API.md for what there is");
}
