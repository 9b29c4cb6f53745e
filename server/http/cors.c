/* cors.c - pages of other origins, which browsers keep from reading answers unless `cors_origins`
 * of the configuration names them. They may do what a bearer token of theirs allows; the session
 * cookie is never sent with their requests (SameSite=Strict). */
#include "http/internal.h"

#include <string.h>
#include <strings.h>

bool tide_cors_allows(const struct tide_http *h, const char *origin)
{
    for (const char *const *allowed = h->cors; allowed && *allowed; allowed++)
        if (!strcasecmp(*allowed, origin)) return true;
    return false;
}

bool tide_cors_is_on(const struct tide_http *h)
{
    const char *const *allowed = h->cors;
    return allowed && *allowed;
}

void tide_http_set_cors(struct tide_http *h, const char *const *origins)
{
    h->cors = origins;
}

static const char *asking(const struct tide_request *r)
{
    const char *origin = MHD_lookup_connection_value(r->connection, MHD_HEADER_KIND, "Origin");
    return origin && tide_cors_allows(r->http, origin) ? origin : NULL;
}

void tide_cors_headers(const struct tide_request *r, struct MHD_Response *response)
{
    if (!tide_cors_is_on(r->http)) return;
    const char *origin = asking(r);
    if (!origin) return;
    MHD_add_response_header(response, "Access-Control-Allow-Origin", origin);
    MHD_add_response_header(response, "Access-Control-Expose-Headers",
                            "ETag, Location, Retry-After");
    if (strcmp(r->method, MHD_HTTP_METHOD_OPTIONS) != 0) return;
    MHD_add_response_header(response, "Access-Control-Allow-Methods", "GET, POST, PATCH, DELETE");
    MHD_add_response_header(response, "Access-Control-Allow-Headers",
                            "Authorization, Content-Type, Idempotency-Key, Last-Event-ID");
    MHD_add_response_header(response, "Access-Control-Max-Age", "600");
}

bool tide_cors_preflight(struct tide_request *r)
{
    if (strcmp(r->method, MHD_HTTP_METHOD_OPTIONS) != 0 || !asking(r)) return false;
    r->status = MHD_HTTP_NO_CONTENT;
    r->type = "application/json";
    return true;
}
