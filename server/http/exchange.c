/* exchange.c - runs as files: GET /api/v1/runs/{id}/export and POST /api/v1/imports. */
#include "http/internal.h"

#include "http/query.h"
#include "run/export.h"
#include "run/import.h"

#include <stdio.h>
#include <string.h>

#define EXPORT_MAX \
    (64u << 20) /* of an answer, which is held in memory; `tidemark export` has no such limit */

static enum tide_rc add_to_answer(void *context, const void *bytes, size_t n, struct tide_error *e)
{
    struct tide_request *r = context;
    tide_str_add(&r->answer, bytes, n);
    if (!r->answer.failed) return TIDE_OK;
    return tide_fail_field(e, "format",
                           "the file is larger than %u MiB: `tidemark export` writes it",
                           EXPORT_MAX >> 20);
}

void tide_get_export(struct tide_request *r, int64_t id, const char *name)
{
    static const char *const known[] = {"format", NULL};
    enum tide_format format;
    struct tide_error e;
    (void)name;
    if (!tide_query_known(r, known)) return;
    const char *wanted = tide_query_text(r, "format");
    enum tide_rc rc = tide_export_format(wanted ? wanted : "tide", &format, &e);
    r->answer.ceiling = EXPORT_MAX;
    if (!rc) r->type = tide_export_type(format);
    if (!rc) rc = tide_export(r->http->config.store, id, format, add_to_answer, r, &e);
    if (rc) tide_answer_error(r, &e);
}

void tide_post_imports(struct tide_request *r, int64_t id, const char *name)
{
    static const char *const known[] = {"name", NULL};
    struct tide_error e;
    int64_t run = 0;
    (void)id;
    (void)name;
    if (!tide_query_known(r, known)) return;
    const char *file = tide_query_text(r, "name");
    enum tide_rc rc =
        tide_import(r->http->config.store, r->http->config.feed, file ? file : "unnamed",
                    r->body.at ? r->body.at : "", r->body.length, &run, &e);
    if (!rc) rc = tide_store_run_json(r->http->config.store, run, false, &r->answer, &e);
    if (rc) {
        tide_answer_error(r, &e);
        return;
    }
    r->status = MHD_HTTP_CREATED;
    snprintf(r->location, sizeof r->location, "/api/v1/runs/%lld", (long long)run);
}
