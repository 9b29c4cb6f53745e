/* router.c - the REST interface as a table: method, path, handler. A path names a number with {id},
 * a word with {name}. */
#include "http/internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct route {
    const char *method, *path;
    tide_handler *handler;
} routes[] = {
    {"GET", "/api/v1/status", tide_get_status},
    {"GET", "/api/v1/pythons", tide_get_pythons},
    {"POST", "/api/v1/pythons/refresh", tide_post_refresh},
    {"GET", "/api/v1/projects", tide_get_projects},
    {"POST", "/api/v1/projects", tide_post_projects},
    {"GET", "/api/v1/projects/{name}", tide_get_project},
    {"PATCH", "/api/v1/projects/{name}", tide_patch_project},
    {"DELETE", "/api/v1/projects/{name}", tide_delete_project},
    {"GET", "/api/v1/projects/{name}/commits", tide_get_commits},
    {"GET", "/api/v1/scenarios", tide_get_scenarios},
    {"POST", "/api/v1/runs", tide_post_runs},
    {"GET", "/api/v1/runs", tide_get_runs},
    {"GET", "/api/v1/runs/{id}", tide_get_run},
    {"GET", "/api/v1/runs/{id}/curve", tide_get_curve},
    {"GET", "/api/v1/runs/{id}/events", tide_get_events},
    {"GET", "/api/v1/runs/{id}/functions", tide_get_functions},
    {"GET", "/api/v1/runs/{id}/export", tide_get_export},
    {"POST", TIDE_IMPORT_PATH, tide_post_imports},
    {"GET", "/api/v1/runs/{id}/log", tide_get_run_log},
    {"GET", "/api/v1/batches", tide_get_batches},
    {"GET", "/api/v1/batches/{id}", tide_get_batch},
    {"GET", "/api/v1/builds/{id}", tide_get_build},
    {"GET", "/api/v1/builds/{id}/log", tide_get_build_log},
    {"GET", TIDE_STREAM_PATH, NULL}, /* answered before it comes here; listed for Allow */
};

#define NAME_MAX_LENGTH 80

bool tide_router_owns(const char *path)
{
    return !strncmp(path, "/api/", 5) || !strcmp(path, "/api");
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

static bool match(const char *pattern, const char *path, int64_t *id, char *name)
{
    while (*pattern || *path) {
        if (*pattern != '{') {
            if (*pattern++ != *path++) return false;
            continue;
        }
        size_t n = strcspn(path, "/");
        if (!strncmp(pattern, "{id}", 4)) {
            if (!read_id(path, n, id)) return false;
        } else {
            if (!n || n >= NAME_MAX_LENGTH) return false;
            memcpy(name, path, n);
            name[n] = '\0';
        }
        pattern = strchr(pattern, '}') + 1;
        path += n;
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

void tide_router_answer(struct tide_request *r)
{
    char name[NAME_MAX_LENGTH] = "";
    int64_t id = 0;
    bool has[METHODS] = {false};
    const char *method = strcmp(r->method, "HEAD") ? r->method : "GET";
    for (size_t i = 0; i < sizeof routes / sizeof *routes; i++) {
        if (!match(routes[i].path, r->path, &id, name)) continue;
        if (!strcmp(routes[i].method, method) && routes[i].handler) {
            r->status = MHD_HTTP_OK;
            r->type = "application/json";
            routes[i].handler(r, id, name);
            return;
        }
        for (size_t k = 0; k < METHODS; k++)
            has[k] = has[k] || !strcmp(routes[i].method, methods[k]);
    }
    list_methods(r, has);
    if (*r->allow) {
        tide_answer_problem(r, MHD_HTTP_METHOD_NOT_ALLOWED, "method-not-allowed",
                            "The method is not allowed here", NULL, r->allow);
        return;
    }
    tide_answer_problem(r, MHD_HTTP_NOT_FOUND, "not-found", "There is no such resource", NULL,
                        "see docs/API.md for what there is");
}
