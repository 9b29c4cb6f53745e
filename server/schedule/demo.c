/* demo.c - see demo.h. */
#include "schedule/demo.h"

#include <stdlib.h>

#define HISTORY 10000 /* commits that are looked back over */

/* What the extension's history did to memory, at a glance: its two ends. */
json_t *tide_demo_request(const struct tide_catalog *c, struct tide_error *e)
{
    struct tide_commit *commits = NULL;
    size_t n = 0;
    if (tide_catalog_sync(c, TIDE_FETCH_DEADLINE_S, e) ||
        tide_repo_list(c->repo, "HEAD", TIDE_DEFAULT_PROJECT, HISTORY, &commits, &n, e))
        return NULL;
    json_t *list = json_array();
    json_array_append_new(list, json_string(n ? commits[0].sha : "HEAD"));
    if (n > 1) json_array_append_new(list, json_string(commits[n - 1].sha));
    for (size_t i = 0; i < n; i++)
        tide_commit_clear(&commits[i]);
    free(commits);
    json_t *request =
        json_pack("{s:o, s:[s], s:s}", "commits", list, "scenarios", "list_bytes", "size", "demo");
    if (!request) tide_fail(e, TIDE_NOMEM, "choose the demo suite");
    return request;
}

enum tide_rc tide_demo_expand(const struct tide_catalog *c, const json_t *request, json_t **out,
                              struct tide_error *e)
{
    const json_t *demo = json_object_get(request, "demo");
    *out = NULL;
    if (demo && (!json_is_true(demo) || json_object_size(request) > 1))
        return tide_fail_field(e, "demo", "must be true and the only field");
    *out = demo ? tide_demo_request(c, e) : json_incref((json_t *)request);
    return *out ? TIDE_OK : e->rc;
}
