/* cells.c - the handlers of /api/v1/metrics and /api/v1/cells; docs/API.md describes each. */
#include "http/internal.h"

#include "http/query.h"
#include "run/leaks.h"

void tide_get_metrics(struct tide_request *r, int64_t id, const char *name)
{
    static const char *const known[] = {TIDE_PAGE_PARAMETERS, NULL};
    struct tide_page page;
    struct tide_error e;
    (void)id;
    (void)name;
    if (!tide_query_known(r, known) || !tide_query_page(r, 100, &page)) return;
    tide_query_finish(r, tide_store_metrics_json(r->http->config.store, &page, &r->answer, &e), &e);
}

void tide_get_cells(struct tide_request *r, int64_t id, const char *name)
{
    static const char *const known[] = {
        "project", "commit", "python", "scenario", "allocator", TIDE_PAGE_PARAMETERS, NULL};
    struct tide_cell_filter f = {
        .project = tide_query_text(r, "project"),
        .commit = tide_query_text(r, "commit"),
        .python = tide_query_text(r, "python"),
        .scenario = tide_query_text(r, "scenario"),
        .allocator = tide_query_text(r, "allocator"),
    };
    struct tide_error e;
    (void)id;
    (void)name;
    if (!tide_query_known(r, known) || !tide_query_page(r, 100, &f.page)) return;
    tide_query_finish(r, tide_store_cells_json(r->http->config.store, &f, &r->answer, &e), &e);
}

static const char *const no_parameters[] = {NULL};

void tide_get_cell(struct tide_request *r, int64_t id, const char *name)
{
    struct tide_error e;
    json_t *leak = NULL;
    (void)name;
    if (!tide_query_known(r, no_parameters)) return;
    enum tide_rc rc = tide_store_cell_json(r->http->config.store, id, &r->answer, &e);
    if (!rc) rc = tide_leaks_judge_cell(r->http->config.store, id, &leak, &e);
    if (rc)
        tide_answer_error(r, &e);
    else
        tide_answer_member(r, "leak", leak);
}
