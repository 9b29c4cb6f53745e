/* branches.c - the handler of /api/v1/projects/{name}/branches, and the parameter `branch` of what
 * else goes along a branch. They run on threads of the pool and block on git. */
#include "http/internal.h"

#include "build/repo.h"
#include "http/query.h"
#include "schedule/projects.h"

#include <stdlib.h>
#include <string.h>

/* "HASH SECONDS NAME" of each line, as an object of the list. */
static void put_lines(char *text, json_t *list)
{
    for (char *line = text, *next; line && *line; line = next) {
        char *seconds;
        next = line + strcspn(line, "\n");
        if (*next) *next++ = '\0';
        char *sha = strtok_r(line, " ", &seconds), *name = NULL;
        long long at = strtoll(seconds, &name, 10);
        if (!sha || *name != ' ') continue;
        json_array_append_new(list, json_pack("{s:s, s:s, s:I}", "name", name + 1, "sha", sha,
                                              "committed_ns", (json_int_t)at * 1000000000));
    }
}

void tide_get_branches(struct tide_request *r, int64_t id, const char *name)
{
    static const char *const known[] = {NULL};
    struct tide_projects *projects = NULL;
    struct tide_catalog *catalog = NULL;
    struct tide_str text = {0};
    struct tide_error e;
    json_t *list = json_array();
    (void)id;
    if (!tide_query_known(r, known)) {
        json_decref(list);
        return;
    }
    enum tide_rc rc = tide_scheduler_projects(r->http->config.scheduler, &projects, &e);
    if (!rc) rc = tide_projects_sync(projects, name, TIDE_ASKED_PATIENCE_S, &catalog, &e);
    if (!rc) rc = tide_repo_branches(catalog->repo, &text, &e);
    if (!rc) put_lines(text.at, list);
    tide_catalog_drop(catalog);
    tide_str_free(&text);
    if (rc) {
        json_decref(list);
        tide_answer_error(r, &e);
        return;
    }
    tide_answer_json(r, json_pack("{s:o}", "branches", list));
}
