/* control.c - the handlers of what is done to the queue: cancel, retry, pause, resume, priority.
 * Each answers with the run, the batch or the queue as it stands afterwards. */
#include "http/internal.h"

#include "http/query.h"
#include "schedule/wish.h"

#include <string.h>

static const char *const no_parameters[] = {NULL};

bool tide_read_order(struct tide_request *r, const char *field, json_t **out)
{
    const char *name;
    json_t *value;
    *out = NULL;
    if (!tide_query_known(r, no_parameters)) return false;
    *out = r->body.length ? tide_read_body(r) : json_object();
    if (!*out) return false;
    struct tide_error e = {0};
    if (!json_is_object(*out)) tide_fail_field(&e, "", "the body must be a JSON object");
    json_object_foreach(*out, name, value)
    {
        if (!field || strcmp(name, field) != 0)
            tide_fail_field(&e, name, "no such field; %s%s",
                            field ? "allowed is " : "none is allowed", field ? field : "");
    }
    if (!e.rc) return true;
    tide_answer_error(r, &e);
    json_decref(*out);
    return false;
}

/* The resource that the command was about. */
static enum tide_rc put_subject(struct tide_request *r, struct tide_scope scope,
                                struct tide_error *e)
{
    struct tide_store *store = r->http->config.store;
    if (scope.run) return tide_store_run_json(store, scope.run, false, &r->answer, e);
    if (scope.batch) return tide_store_batch_json(store, scope.batch, &r->answer, e);
    return tide_store_queue_json(store, &r->answer, e);
}

static void cancel(struct tide_request *r, struct tide_scope scope)
{
    struct tide_error e;
    json_t *body;
    size_t n = 0;
    if (!tide_read_order(r, NULL, &body)) return;
    enum tide_rc rc = tide_scheduler_cancel(r->http->config.scheduler, scope, &n, &e);
    if (!rc) rc = put_subject(r, scope, &e);
    json_decref(body);
    if (rc) tide_answer_error(r, &e);
}

static void retry(struct tide_request *r, struct tide_scope scope)
{
    struct tide_error e;
    json_t *body;
    size_t n = 0;
    enum tide_rc rc = TIDE_OK;
    if (!tide_read_order(r, "all", &body)) return;
    const json_t *all = json_object_get(body, "all");
    if (all && !json_is_boolean(all)) rc = tide_fail_field(&e, "all", "must be true or false");
    if (!rc) rc = tide_scheduler_retry(r->http->config.scheduler, scope, json_is_true(all), &n, &e);
    if (!rc) rc = put_subject(r, scope, &e);
    json_decref(body);
    if (rc) tide_answer_error(r, &e);
}

static void pause_queue(struct tide_request *r, bool paused)
{
    struct tide_error e;
    json_t *body;
    if (!tide_read_order(r, NULL, &body)) return;
    enum tide_rc rc = tide_scheduler_pause(r->http->config.scheduler, paused, &e);
    if (!rc) rc = put_subject(r, (struct tide_scope){0}, &e);
    json_decref(body);
    if (rc) tide_answer_error(r, &e);
}

void tide_post_run_cancel(struct tide_request *r, int64_t id, const char *name)
{
    (void)name;
    cancel(r, (struct tide_scope){.run = id});
}

void tide_post_batch_cancel(struct tide_request *r, int64_t id, const char *name)
{
    (void)name;
    cancel(r, (struct tide_scope){.batch = id});
}

void tide_post_queue_cancel(struct tide_request *r, int64_t id, const char *name)
{
    (void)id;
    (void)name;
    cancel(r, (struct tide_scope){0});
}

void tide_post_run_retry(struct tide_request *r, int64_t id, const char *name)
{
    (void)name;
    retry(r, (struct tide_scope){.run = id});
}

void tide_post_batch_retry(struct tide_request *r, int64_t id, const char *name)
{
    (void)name;
    retry(r, (struct tide_scope){.batch = id});
}

void tide_post_queue_pause(struct tide_request *r, int64_t id, const char *name)
{
    (void)id;
    (void)name;
    pause_queue(r, true);
}

void tide_post_queue_resume(struct tide_request *r, int64_t id, const char *name)
{
    (void)id;
    (void)name;
    pause_queue(r, false);
}

void tide_patch_batch(struct tide_request *r, int64_t id, const char *name)
{
    struct tide_error e;
    json_t *body;
    int64_t priority = 0;
    (void)name;
    if (!tide_read_order(r, "priority", &body)) return;
    enum tide_rc rc = tide_wish_priority(json_object_get(body, "priority"), &priority, &e);
    if (!rc) rc = tide_scheduler_prioritize(r->http->config.scheduler, id, priority, &e);
    if (!rc) rc = put_subject(r, (struct tide_scope){.batch = id}, &e);
    json_decref(body);
    if (rc) tide_answer_error(r, &e);
}
