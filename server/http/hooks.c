/* hooks.c - POST /hooks/{project}: push webhooks of GitHub, GitLab, Gitea and Forgejo.
 *
 * Open to everybody: the signature is what lets one in. What is genuine is written down, then
 * answered; the timekeeper queues it. */
#include "http/internal.h"

#include "base/log.h"
#include "http/query.h"
#include "schedule/hooks.h"
#include "schedule/timekeeper.h"
#include "store/triggers.h"

static const char *const no_parameters[] = {NULL};

static struct tide_hook read_hook(const struct tide_request *r)
{
#define HEAD(name) MHD_lookup_connection_value(r->connection, MHD_HEADER_KIND, name)
    return (struct tide_hook){
        .github_signature = HEAD("X-Hub-Signature-256"),
        .github_event = HEAD("X-GitHub-Event"),
        .github_delivery = HEAD("X-GitHub-Delivery"),
        .gitea_signature = HEAD("X-Gitea-Signature"),
        .gitea_event = HEAD("X-Gitea-Event"),
        .gitea_delivery = HEAD("X-Gitea-Delivery"),
        .gitlab_token = HEAD("X-Gitlab-Token"),
        .gitlab_event = HEAD("X-Gitlab-Event"),
        .gitlab_delivery = HEAD("X-Gitlab-Event-UUID"),
        .standard_id = HEAD("webhook-id"),
        .standard_timestamp = HEAD("webhook-timestamp"),
        .standard_signature = HEAD("webhook-signature"),
        .body = r->body.at ? r->body.at : "",
        .size = r->body.length,
    };
#undef HEAD
}

/* Strangers are not told which projects there are, and which take webhooks. */
static enum tide_rc judge(struct tide_request *r, const char *name, struct tide_project *project,
                          struct tide_hook_verdict *v, struct tide_error *e)
{
    const struct tide_hook hook = read_hook(r);
    struct tide_trigger t = {0};
    enum tide_rc rc = tide_store_find_project(r->http->config.store, name, project, e);
    if (!rc) rc = tide_store_find_trigger(r->http->config.store, project->id, &t, e);
    if (rc == TIDE_ABSENT || (!rc && !*t.secret))
        rc = tide_fail(e, TIDE_ABSENT, "no project \"%.64s\" that takes webhooks", name);
    if (!rc)
        rc = tide_hook_judge(&hook, t.secret, project->branch,
                             tide_timekeeper_now() / INT64_C(1000000000), v, e);
    tide_trigger_clear(&t);
    return rc;
}

static void answer(struct tide_request *r, const struct tide_hook_verdict *v)
{
    json_t *told =
        v->push ? json_pack("{s:b, s:s}", "queued", 1, "by", v->provider)
                : json_pack("{s:b, s:s, s:s}", "queued", 0, "by", v->provider, "why", v->why);
    tide_answer_json(r, told);
    if (v->push) r->status = MHD_HTTP_ACCEPTED;
}

void tide_post_hook(struct tide_request *r, int64_t id, const char *name)
{
    struct tide_error e;
    struct tide_project project = {0};
    struct tide_hook_verdict v;
    (void)id;
    if (!tide_query_known(r, no_parameters)) return;
    enum tide_rc rc = judge(r, name, &project, &v, &e);
    if (!rc)
        rc = tide_store_take_hook(r->http->config.store, project.id, v.delivery, v.content, v.push,
                                  v.provider, &e);
    tide_project_clear(&project);
    if (rc) tide_log(TIDE_LOG_WARN, "http", "webhook for %.64s refused: %s", name, e.text);
    if (rc == TIDE_FAILED)
        tide_answer_problem(r, MHD_HTTP_UNAUTHORIZED, "unauthorized", "The webhook is not genuine",
                            NULL, e.text);
    else if (rc)
        tide_answer_error(r, &e);
    else
        answer(r, &v);
    if (!rc && v.push) tide_timekeeper_wake(r->http->config.timekeeper);
}
