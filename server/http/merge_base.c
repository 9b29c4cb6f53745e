/* merge_base.c - the handler of /api/v1/projects/{name}/merge-base: where two commits parted. It
 * runs on a thread of the pool and blocks on git. */
#include "http/internal.h"

#include "build/repo.h"
#include "http/query.h"
#include "schedule/projects.h"

#include <stdlib.h>
#include <string.h>

#define BETWEEN_MAX 1000 /* commits from the merge base to head that are listed */

static json_t *describe(const struct tide_commit *c)
{
    return json_pack("{s:s, s:s, s:I}", "sha", c->sha, "subject", c->subject, "committed_ns",
                     (json_int_t)c->committed_ns);
}

/* What a parameter names. INVALID with its name as the field. */
static enum tide_rc resolve(struct tide_request *r, struct tide_repo *repo, const char *parameter,
                            struct tide_commit *out, struct tide_error *e)
{
    const char *rev = tide_query_text(r, parameter);
    if (!rev || !*rev)
        return tide_fail_field(e, parameter, "is missing: a commit, like origin/main or HEAD");
    enum tide_rc rc = tide_repo_resolve(repo, rev, out, e);
    if (rc == TIDE_INVALID) snprintf(e->field, sizeof e->field, "%s", parameter);
    return rc;
}

/* Hashes of what head has and the merge base has not, on head's first-parent line, newest first. */
static enum tide_rc list_between(struct tide_repo *repo, const char *from, const char *to,
                                 json_t *list, struct tide_error *e)
{
    struct tide_commit *commits = NULL;
    size_t n = 0;
    enum tide_rc rc = tide_repo_range(repo, from, to, BETWEEN_MAX, &commits, &n, e);
    for (size_t i = 0; i < n; i++) {
        json_array_append_new(list, json_string(commits[i].sha));
        tide_commit_clear(&commits[i]);
    }
    free(commits);
    return rc;
}

static enum tide_rc find(struct tide_request *r, struct tide_repo *repo, json_t **out,
                         struct tide_error *e)
{
    struct tide_commit base = {0}, head = {0}, parted = {0};
    json_t *between = json_array();
    char sha[65];
    enum tide_rc rc = resolve(r, repo, "base", &base, e);
    if (!rc) rc = resolve(r, repo, "head", &head, e);
    if (!rc) rc = tide_repo_merge_base(repo, base.sha, head.sha, sha, e);
    if (rc == TIDE_ABSENT) rc = tide_fail_field(e, "base", "it shares no history with head");
    if (!rc) rc = tide_repo_resolve(repo, sha, &parted, e);
    if (!rc) rc = list_between(repo, parted.sha, head.sha, between, e);
    if (!rc)
        *out = json_pack("{s:o, s:o, s:o, s:O}", "base", describe(&base), "head", describe(&head),
                         "merge_base", describe(&parted), "commits", between);
    json_decref(between);
    tide_commit_clear(&base);
    tide_commit_clear(&head);
    tide_commit_clear(&parted);
    return rc;
}

void tide_get_merge_base(struct tide_request *r, int64_t id, const char *name)
{
    static const char *const known[] = {"base", "head", NULL};
    struct tide_projects *projects = NULL;
    struct tide_catalog *catalog = NULL;
    struct tide_error e;
    json_t *out = NULL;
    (void)id;
    if (!tide_query_known(r, known)) return;
    enum tide_rc rc = tide_scheduler_projects(r->http->config.scheduler, &projects, &e);
    if (!rc) rc = tide_projects_sync(projects, name, TIDE_ASKED_PATIENCE_S, &catalog, &e);
    if (!rc) rc = find(r, catalog->repo, &out, &e);
    tide_catalog_drop(catalog);
    if (rc)
        tide_answer_error(r, &e);
    else
        tide_answer_json(r, out);
}
