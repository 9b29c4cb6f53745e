/* answer.c - answers and problems (RFC 9457) and the headers that all of them carry. */
#include "http/internal.h"

#include "base/log.h"
#include "base/utf8.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void tide_answer_headers(struct MHD_Response *response)
{
    MHD_add_response_header(response, "Content-Security-Policy",
                            "default-src 'self'; frame-ancestors 'none'; base-uri 'none'; "
                            "form-action 'self'");
    MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
    MHD_add_response_header(response, "Referrer-Policy", "no-referrer");
    MHD_add_response_header(response, "Cross-Origin-Resource-Policy", "same-origin");
}

void tide_answer_problem(struct tide_request *r, unsigned status, const char *kind,
                         const char *title, const char *field, const char *detail)
{
    char type[64];
    /* Both may hold what a client sent, or be cut in the middle of a character. */
    char *clean_field = field ? tide_utf8_copy(field) : NULL;
    char *clean_detail = tide_utf8_copy(detail);
    snprintf(type, sizeof type, "/problems/%s", kind);
    json_t *problem =
        json_pack("{s:s, s:s, s:i, s:s*, s:s*}", "type", type, "title", title, "status",
                  (int)status, "field", clean_field, "detail", clean_detail);
    char *text = problem ? json_dumps(problem, JSON_COMPACT) : NULL;
    free(clean_field);
    free(clean_detail);
    tide_str_free(&r->answer);
    tide_str_put(&r->answer, text ? text : "{\"status\":500}");
    free(text);
    json_decref(problem);
    r->status = status;
    r->type = "application/problem+json";
}

void tide_answer_parameter(struct tide_request *r, const char *name, const char *detail)
{
    tide_answer_problem(r, MHD_HTTP_BAD_REQUEST, "malformed-request",
                        "A query parameter is not allowed", name, detail);
}

void tide_answer_member(struct tide_request *r, const char *name, json_t *value)
{
    json_t *problem = json_loads(r->answer.at ? r->answer.at : "", 0, NULL);
    json_object_set_new(problem, name, value);
    char *text = problem ? json_dumps(problem, JSON_COMPACT) : NULL;
    if (text) {
        tide_str_free(&r->answer);
        tide_str_put(&r->answer, text);
    }
    free(text);
    json_decref(problem);
}

void tide_answer_error(struct tide_request *r, const struct tide_error *e)
{
    switch (e->rc) {
    case TIDE_INVALID:
        tide_answer_problem(r, 422, "invalid-field", "The request has a field that is not allowed",
                            e->field, e->text);
        return;
    case TIDE_ABSENT:
        tide_answer_problem(r, 404, "not-found", "There is no such resource", NULL, e->text);
        return;
    case TIDE_CONFLICT:
        tide_answer_problem(r, 409, "conflict", "That does not go with the state of the resource",
                            NULL, e->text);
        return;
    case TIDE_BUSY:
    case TIDE_STOPPED:
        tide_answer_problem(r, 503, "busy", "The daemon is busy", NULL, e->text);
        return;
    default:
        tide_log(TIDE_LOG_ERROR, "http", "%s %s: %s", r->method, r->path, e->text);
        tide_answer_problem(r, 500, "internal", "The daemon failed", NULL, e->text);
    }
}

void tide_answer_settle(struct tide_request *r, int64_t run)
{
    struct tide_run_facts facts;
    uint32_t stamp = tide_store_stamp(r->http->config.store, run);
    if (tide_store_run_facts(r->http->config.store, run, &facts, NULL)) return;
    if (strcmp(facts.status, "done") != 0) return;
    r->settled = run;
    r->stamp = stamp;
}

static const char *keeping(const struct tide_request *r)
{
    if (!*r->tag) return "no-store";
    return r->settled ? "private, max-age=31536000, immutable" : "private, no-cache";
}

void tide_answer_describe(const struct tide_request *r, struct MHD_Response *response)
{
    tide_answer_headers(response);
    tide_cors_headers(r, response);
    MHD_add_response_header(response, "Cache-Control", keeping(r));
    if (*r->tag) MHD_add_response_header(response, "ETag", r->tag);
    bool cors = tide_cors_is_on(r->http);
    if (*r->tag || cors)
        MHD_add_response_header(response, "Vary",
                                cors ? "Accept-Encoding, Origin" : "Accept-Encoding");
    if (r->gzip) MHD_add_response_header(response, "Content-Encoding", "gzip");
    if (r->type) MHD_add_response_header(response, "Content-Type", r->type);
}

/* What only some statuses carry. */
static void describe_status(const struct tide_request *r, struct MHD_Response *response)
{
    char seconds[16];
    snprintf(seconds, sizeof seconds, "%d", r->retry_after_s ? r->retry_after_s : 2);
    if (*r->location) MHD_add_response_header(response, "Location", r->location);
    if (*r->allow) MHD_add_response_header(response, "Allow", r->allow);
    if (r->status == MHD_HTTP_UNAUTHORIZED)
        MHD_add_response_header(response, "WWW-Authenticate", "Bearer");
    if (r->status == MHD_HTTP_SERVICE_UNAVAILABLE || r->status == MHD_HTTP_TOO_MANY_REQUESTS)
        MHD_add_response_header(response, "Retry-After", seconds);
    if (r->status == MHD_HTTP_BAD_REQUEST || r->status == MHD_HTTP_CONTENT_TOO_LARGE)
        MHD_add_response_header(response, "Connection", "close");
}

enum MHD_Result tide_answer_send(struct tide_request *r)
{
    size_t n = r->answer.length;
    char *text = tide_str_take(&r->answer);
    struct MHD_Response *response =
        text ? MHD_create_response_from_buffer(n, text, MHD_RESPMEM_MUST_FREE) : NULL;
    if (!response) {
        free(text);
        return MHD_NO;
    }
    tide_answer_describe(r, response);
    describe_status(r, response);
    enum MHD_Result sent = MHD_queue_response(r->connection, r->status, response);
    MHD_destroy_response(response);
    return sent;
}
