/* deliveries.c - the webhooks that the daemon sends, and what became of them. */
#include "http/internal.h"

#include "http/query.h"
#include "schedule/notifier.h"
#include "store/deliveries.h"

void tide_get_deliveries(struct tide_request *r, int64_t id, const char *name)
{
    static const char *const known[] = {"project", "status", TIDE_PAGE_PARAMETERS, NULL};
    static const char *const statuses[] = {"waiting", "delivered", "dead", NULL};
    const char *status;
    struct tide_page page;
    struct tide_error e;
    (void)id;
    (void)name;
    if (!tide_query_known(r, known) || !tide_query_page(r, 100, &page) ||
        !tide_query_word(r, "status", statuses, &status))
        return;
    tide_query_finish(r,
                      tide_store_deliveries_json(r->http->config.store,
                                                 tide_query_text(r, "project"), status, &page,
                                                 &r->answer, &e),
                      &e);
}

void tide_post_delivery_retry(struct tide_request *r, int64_t id, const char *name)
{
    struct tide_error e;
    json_t *body;
    (void)name;
    if (!tide_read_order(r, NULL, &body)) return;
    json_decref(body);
    enum tide_rc rc = tide_store_retry_delivery(r->http->config.store, id, &e);
    if (!rc) tide_notifier_wake(r->http->config.notifier);
    if (!rc) rc = tide_store_delivery_json(r->http->config.store, id, &r->answer, &e);
    if (rc) tide_answer_error(r, &e);
}
