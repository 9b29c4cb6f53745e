/* bisects.c - the handlers of /api/v1/bisects; docs/API.md describes each. They run on threads of
 * the pool and may block. */
#include "http/internal.h"

#include "http/query.h"
#include "store/bisects.h"

#include <stdio.h>

static const char *const no_parameters[] = {NULL};

static void finish(struct tide_request *r, enum tide_rc rc, const struct tide_error *e)
{
    if (rc) tide_answer_error(r, e);
}

void tide_get_bisects(struct tide_request *r, int64_t id, const char *name)
{
    static const char *const known[] = {"project", "status", TIDE_PAGE_PARAMETERS, NULL};
    struct tide_error e;
    struct tide_page page;
    (void)id;
    (void)name;
    static const char *const statuses[] = {"running", "done", "failed", "cancelled", NULL};
    const char *status;
    if (!tide_query_known(r, known) || !tide_query_page(r, 100, &page) ||
        !tide_query_word(r, "status", statuses, &status))
        return;
    tide_query_finish(r,
                      tide_store_bisects_json(r->http->config.store, tide_query_text(r, "project"),
                                              status, &page, &r->answer, &e),
                      &e);
}

void tide_get_bisect(struct tide_request *r, int64_t id, const char *name)
{
    struct tide_error e;
    (void)name;
    if (!tide_query_known(r, no_parameters)) return;
    finish(r, tide_store_bisect_json(r->http->config.store, id, &r->answer, &e), &e);
}

void tide_post_bisects(struct tide_request *r, int64_t id, const char *name)
{
    struct tide_error e;
    int64_t bisect = 0;
    (void)id;
    (void)name;
    json_t *body = tide_query_known(r, no_parameters) ? tide_read_body(r) : NULL;
    if (!body) return;
    enum tide_rc rc = tide_bisects_begin(r->http->config.bisects, body, &bisect, &e);
    if (!rc) rc = tide_store_bisect_json(r->http->config.store, bisect, &r->answer, &e);
    json_decref(body);
    finish(r, rc, &e);
    if (rc) return;
    r->status = MHD_HTTP_ACCEPTED;
    snprintf(r->location, sizeof r->location, "/api/v1/bisects/%lld", (long long)bisect);
}

void tide_post_bisect_cancel(struct tide_request *r, int64_t id, const char *name)
{
    struct tide_error e;
    json_t *body;
    (void)name;
    if (!tide_read_order(r, NULL, &body)) return;
    json_decref(body);
    enum tide_rc rc = tide_bisects_cancel(r->http->config.bisects, id, &e);
    if (!rc) rc = tide_store_bisect_json(r->http->config.store, id, &r->answer, &e);
    finish(r, rc, &e);
}
