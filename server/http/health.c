/* health.c - GET /healthz (the process answers) and /readyz (it can be asked to measure), for
 * whatever watches over the daemon. */
#include "http/internal.h"

#include <jansson.h>

struct MHD_Response *tide_health_response(void)
{
    static const char ok[] = "{\"status\":\"ok\"}";
    struct MHD_Response *response = MHD_create_response_from_buffer(
        sizeof ok - 1, (void *)(uintptr_t)ok, MHD_RESPMEM_PERSISTENT);
    if (!response) return NULL;
    tide_answer_headers(response);
    MHD_add_response_header(response, "Content-Type", "application/json");
    MHD_add_response_header(response, "Cache-Control", "no-store");
    return response;
}

void tide_get_health(struct tide_request *r, int64_t id, const char *name)
{
    (void)id;
    (void)name;
    r->ready = r->http->healthy;
}

/* Why runs cannot be started: pythons are being looked for, or discovery failed. Borrowed. */
static const char *trouble_of(const json_t *status)
{
    if (json_is_true(json_object_get(status, "discovering")))
        return "pythons and scenarios are still being looked for";
    return json_string_value(json_object_get(status, "trouble"));
}

void tide_get_ready(struct tide_request *r, int64_t id, const char *name)
{
    struct tide_str text = {0};
    struct tide_error e;
    (void)id;
    (void)name;
    if (tide_scheduler_status_json(r->http->config.scheduler, &text, &e)) {
        tide_answer_error(r, &e);
        tide_str_free(&text);
        return;
    }
    json_t *status = json_loads(text.at, 0, NULL);
    const char *trouble = trouble_of(status);
    if (trouble)
        tide_answer_problem(r, MHD_HTTP_SERVICE_UNAVAILABLE, "busy", "The daemon is not ready",
                            NULL, trouble);
    else
        tide_str_put(&r->answer, "{\"status\":\"ready\"}");
    json_decref(status);
    tide_str_free(&text);
}
