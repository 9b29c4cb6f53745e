/* projects.c - the handlers of /api/v1/projects; docs/API.md describes each. They run on threads of
 * the pool and may block: a repository that is added is fetched within the request. */
#include "http/internal.h"

#include "http/query.h"

#include <stdio.h>
#include <string.h>

static const char *const no_parameters[] = {NULL};

static void finish(struct tide_request *r, enum tide_rc rc, const struct tide_error *e)
{
    if (rc) tide_answer_error(r, e);
}

void tide_get_projects(struct tide_request *r, int64_t id, const char *name)
{
    static const char *const known[] = {"enabled", TIDE_PAGE_PARAMETERS, NULL};
    const char *enabled;
    struct tide_page page;
    struct tide_error e;
    (void)id;
    (void)name;
    if (!tide_query_known(r, known) || !tide_query_page(r, TIDE_LIST_MAX, &page) ||
        !tide_query_word(r, "enabled", tide_query_truths, &enabled))
        return;
    tide_query_finish(
        r, tide_store_projects_json(r->http->config.store, enabled, &page, &r->answer, &e), &e);
}

void tide_get_project(struct tide_request *r, int64_t id, const char *name)
{
    struct tide_error e;
    (void)id;
    if (!tide_query_known(r, no_parameters)) return;
    finish(r, tide_store_project_json(r->http->config.store, name, &r->answer, &e), &e);
}

/* The files of its scenarios folder that hold none, and why, beside the project. */
static enum tide_rc put_project(struct tide_request *r, struct tide_projects *projects,
                                const char *name, struct tide_error *e)
{
    struct tide_catalog *c = NULL;
    json_t *left_out = json_array(), *found;
    size_t i;
    enum tide_rc rc = tide_projects_take(projects, name, &c, e);
    if (!rc) rc = tide_store_project_json(r->http->config.store, name, &r->answer, e);
    json_array_foreach(c ? c->described : NULL, i, found)
    {
        const char *file = json_string_value(json_object_get(found, "file"));
        const char *slash = file ? strrchr(file, '/') : NULL;
        if (!json_is_string(json_object_get(found, "name")))
            json_array_append_new(left_out, json_pack("{s:s, s:O}", "file", slash ? slash + 1 : "",
                                                      "error", json_object_get(found, "error")));
    }
    if (!rc && *c->row.scenarios)
        tide_answer_member(r, "left_out", left_out);
    else
        json_decref(left_out);
    tide_catalog_drop(c);
    return rc;
}

void tide_post_projects(struct tide_request *r, int64_t id, const char *name)
{
    struct tide_error e;
    struct tide_projects *projects = NULL;
    (void)id;
    (void)name;
    json_t *body = tide_query_known(r, no_parameters) ? tide_read_body(r) : NULL;
    if (!body) return;
    enum tide_rc rc = tide_scheduler_projects(r->http->config.scheduler, &projects, &e);
    if (!rc) rc = tide_projects_add(projects, body, &e);
    const char *added = json_string_value(json_object_get(body, "name"));
    if (!rc) rc = put_project(r, projects, added, &e);
    finish(r, rc, &e);
    if (!rc) {
        r->status = MHD_HTTP_CREATED;
        snprintf(r->location, sizeof r->location, "/api/v1/projects/%s", added);
    }
    json_decref(body);
}

void tide_patch_project(struct tide_request *r, int64_t id, const char *name)
{
    struct tide_error e;
    struct tide_projects *projects = NULL;
    (void)id;
    json_t *body = tide_query_known(r, no_parameters) ? tide_read_body(r) : NULL;
    if (!body) return;
    enum tide_rc rc = tide_scheduler_projects(r->http->config.scheduler, &projects, &e);
    if (!rc) rc = tide_projects_change(projects, name, body, &e);
    const char *renamed = json_string_value(json_object_get(body, "name"));
    if (!rc) rc = put_project(r, projects, renamed ? renamed : name, &e);
    finish(r, rc, &e);
    json_decref(body);
}

/* What a removal needs to hear first: what goes with the project. */
static enum tide_rc ask_back(struct tide_request *r, struct tide_projects *projects,
                             const char *name, struct tide_error *e)
{
    char detail[300];
    json_t *holdings = NULL;
    enum tide_rc rc = tide_projects_holdings(projects, name, &holdings, e);
    if (rc) return rc;
    snprintf(detail, sizeof detail,
             "everything that was measured of %s would go; repeat with ?confirm=%s if it shall",
             name, name);
    tide_answer_problem(r, MHD_HTTP_CONFLICT, "confirm", "The removal is not confirmed", NULL,
                        detail);
    tide_answer_member(r, "removes", holdings);
    return TIDE_OK;
}

void tide_delete_project(struct tide_request *r, int64_t id, const char *name)
{
    static const char *const known[] = {"confirm", NULL};
    struct tide_error e;
    struct tide_projects *projects = NULL;
    const char *confirm = tide_query_text(r, "confirm");
    (void)id;
    if (!tide_query_known(r, known)) return;
    enum tide_rc rc = tide_scheduler_projects(r->http->config.scheduler, &projects, &e);
    bool confirmed = confirm && !strcmp(confirm, name);
    if (!rc && !confirmed) rc = ask_back(r, projects, name, &e);
    if (!rc && confirmed) {
        rc = tide_projects_remove(projects, name, &e);
        if (!rc) r->status = MHD_HTTP_NO_CONTENT;
    }
    if (rc == TIDE_BUSY && projects)
        tide_answer_problem(r, MHD_HTTP_CONFLICT, "in-use", "The project is being measured", NULL,
                            e.text);
    else
        finish(r, rc, &e);
}
