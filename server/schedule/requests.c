/* requests.c - what the scheduler is asked for: runs, plans, commits, its status. */
#include "schedule/internal.h"

#include "schedule/demo.h"
#include "schedule/line.h"
#include "schedule/plan.h"
#include "schedule/trigger.h"

#include <stdlib.h>
#include <string.h>

enum tide_rc tide_scheduler_refresh(struct tide_scheduler *s, bool always, struct tide_error *e)
{
    enum tide_rc rc = tide_scheduler_await(s, e);
    return rc ? rc : tide_projects_refresh(s->projects, always, e);
}

enum tide_rc tide_scheduler_projects(struct tide_scheduler *s, struct tide_projects **out,
                                     struct tide_error *e)
{
    enum tide_rc rc = tide_scheduler_await(s, e);
    *out = rc ? NULL : s->projects;
    return rc;
}

/* The request with the project's own pythons, where it names none; a new reference. */
static json_t *complete(const json_t *request, const struct tide_catalog *c)
{
    json_t *whole = json_copy((json_t *)request);
    if (whole && *c->row.pythons && !json_object_get(whole, "pythons"))
        json_object_set_new(whole, "pythons", json_loads(c->row.pythons, 0, NULL));
    return whole;
}

/* What every request for runs begins with: *c and *whole are new references. */
static enum tide_rc admit(struct tide_scheduler *s, const json_t *request, struct tide_catalog **c,
                          json_t **whole, struct tide_error *e)
{
    const json_t *name = json_object_get(request, "project");
    json_t *meant = NULL;
    *c = NULL;
    *whole = NULL;
    enum tide_rc rc = tide_scheduler_refresh(s, false, e);
    if (rc) return rc;
    if (!json_is_object(request)) return tide_fail_field(e, "", "the body must be a JSON object");
    if (name && !json_is_string(name))
        return tide_fail_field(e, "project", "must be the name of a project");
    rc = tide_projects_require(s->projects, name ? json_string_value(name) : TIDE_DEFAULT_PROJECT,
                               c, e);
    if (rc) return rc;
    rc = tide_demo_expand(*c, request, &meant, e);
    if (rc) return rc;
    *whole = complete(meant, *c);
    json_decref(meant);
    return *whole ? TIDE_OK : tide_fail(e, TIDE_NOMEM, "read a request");
}

enum tide_rc tide_scheduler_trigger(struct tide_scheduler *s, const json_t *request,
                                    const struct tide_cause *cause, int64_t *batch,
                                    struct tide_error *e)
{
    struct tide_catalog *c;
    json_t *whole;
    enum tide_rc rc = admit(s, request, &c, &whole, e);
    if (!rc) rc = tide_trigger(c, s->store, whole, cause, batch, e);
    json_decref(whole);
    tide_catalog_drop(c);
    if (rc) return rc;
    tide_publish_queued(s, *batch);
    tide_scheduler_wake(s);
    return TIDE_OK;
}

enum tide_rc tide_scheduler_plan(struct tide_scheduler *s, const json_t *request,
                                 struct tide_str *out, struct tide_error *e)
{
    struct tide_catalog *c;
    json_t *whole;
    enum tide_rc rc = admit(s, request, &c, &whole, e);
    if (!rc) rc = tide_plan(c, s->store, &s->builder, s->places->limits.jobs, whole, out, e);
    json_decref(whole);
    tide_catalog_drop(c);
    return rc;
}

/* The `limit` from the first on; one more tells that there is a next page. */
static enum tide_rc put_commits(struct tide_commit *commits, size_t n, size_t first, size_t limit,
                                struct tide_str *out, struct tide_error *e)
{
    json_t *list = json_array();
    size_t end = n > first + limit ? first + limit : n;
    for (size_t i = first; i < end; i++)
        json_array_append_new(list,
                              json_pack("{s:s, s:s, s:s, s:I}", "sha", commits[i].sha, "subject",
                                        commits[i].subject, "author", commits[i].author,
                                        "committed_ns", (json_int_t)commits[i].committed_ns));
    json_t *answer =
        json_pack("{s:o, s:s?}", "commits", list, "next", end < n ? commits[end - 1].sha : NULL);
    char *text = answer ? json_dumps(answer, JSON_COMPACT) : NULL;
    if (text) tide_str_put(out, text);
    free(text);
    json_decref(answer);
    return text && !out->failed ? TIDE_OK : tide_fail(e, TIDE_NOMEM, "list the commits");
}

static bool is_sha(const char *text)
{
    size_t n = strspn(text, "0123456789abcdef");
    return !text[n] && (n == 40 || n == 64);
}

enum tide_rc tide_scheduler_commits_json(struct tide_scheduler *s, const char *project,
                                         const char *branch, const char *cursor, size_t limit,
                                         struct tide_str *out, struct tide_error *e)
{
    struct tide_commit *commits = NULL;
    size_t n = 0, first = cursor ? 1 : 0;
    struct tide_catalog *c = NULL;
    if (cursor && !is_sha(cursor))
        return tide_fail_field(e, "cursor", "it must be `next` of a page");
    enum tide_rc rc = tide_scheduler_await(s, e);
    if (!rc) rc = tide_projects_sync(s->projects, project, TIDE_ASKED_PATIENCE_S, &c, e);
    if (!rc) {
        rc = cursor ? tide_repo_list(c->repo, cursor, NULL, first + limit + 1, &commits, &n, e)
                    : tide_line_list(c, branch, first + limit + 1, &commits, &n, e);
        if (cursor && (rc == TIDE_ABSENT || rc == TIDE_INVALID))
            rc = tide_fail_field(e, "cursor", "the project has no commit %s", cursor);
    }
    tide_catalog_drop(c);
    if (!rc) rc = put_commits(commits, n, first, limit, out, e);
    for (size_t i = 0; i < n; i++)
        tide_commit_clear(&commits[i]);
    free(commits);
    return rc;
}

enum tide_rc tide_scheduler_status_json(struct tide_scheduler *s, struct tide_str *out,
                                        struct tide_error *e)
{
    size_t usable = 0, n = 0;
    pthread_mutex_lock(&s->lock);
    bool discovering = !s->discovered;
    const struct tide_pythons *pythons = s->projects ? tide_projects_pythons(s->projects) : NULL;
    if (pythons) n = pythons->n;
    for (size_t i = 0; i < n; i++)
        usable += !pythons->at[i].reason;
    json_t *trouble = *s->trouble.text ? json_string(s->trouble.text) : json_null();
    pthread_mutex_unlock(&s->lock);
    char *shown = json_dumps(trouble, JSON_ENCODE_ANY);
    tide_str_printf(out,
                    "{\"version\":\"%s\",\"started_ns\":%lld,\"project\":\"" TIDE_DEFAULT_PROJECT
                    "\",\"discovering\":%s,\"trouble\":%s,"
                    "\"pythons\":{\"usable\":%zu,\"unusable\":%zu},\"queue\":",
                    TIDEMARK_VERSION, (long long)s->started_ns, discovering ? "true" : "false",
                    shown ? shown : "null", usable, n - usable);
    free(shown);
    json_decref(trouble);
    enum tide_rc rc = tide_store_queue_json(s->store, out, e);
    tide_str_put(out, "}");
    return rc;
}
