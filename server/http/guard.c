/* guard.c - what is refused before routing.
 *
 * libmicrohttpd lets through what a browser attack or a confused proxy needs: foreign Host headers
 * (DNS rebinding), repeated Host or Content-Length, Content-Length beside Transfer-Encoding
 * (request smuggling), and paths cut at %00. All of these are refused here, and the connection is
 * closed. */
#include "http/internal.h"

#include "run/import.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct heads { /* how often the headers that must not repeat came */
    unsigned host, length, encoding, authorization, origin, type, cookie;
};

static enum MHD_Result count_head(void *context, enum MHD_ValueKind kind, const char *key,
                                  const char *value)
{
    struct heads *heads = context;
    const struct {
        const char *name;
        unsigned *count;
    } single[] = {
        {"Host", &heads->host},
        {"Content-Length", &heads->length},
        {"Transfer-Encoding", &heads->encoding},
        {"Authorization", &heads->authorization},
        {"Origin", &heads->origin},
        {"Content-Type", &heads->type},
        {"Cookie", &heads->cookie},
    };
    (void)kind;
    (void)value;
    for (size_t i = 0; i < sizeof single / sizeof *single; i++)
        if (!strcasecmp(key, single[i].name)) ++*single[i].count;
    return MHD_YES;
}

static const char *head(const struct tide_request *r, const char *name)
{
    return MHD_lookup_connection_value(r->connection, MHD_HEADER_KIND, name);
}

static bool refuse(struct tide_request *r, unsigned status, const char *kind, const char *title,
                   const char *detail)
{
    tide_answer_problem(r, status, kind, title, NULL, detail);
    return false;
}

static bool malformed(struct tide_request *r, const char *detail)
{
    return refuse(r, MHD_HTTP_BAD_REQUEST, "malformed-request", "The request is malformed", detail);
}

static bool check_shape(struct tide_request *r)
{
    struct heads heads = {0};
    MHD_get_connection_values(r->connection, MHD_HEADER_KIND, count_head, &heads);
    if (heads.host != 1) return malformed(r, "there must be exactly one Host header");
    if (heads.length > 1) return malformed(r, "Content-Length is repeated");
    if (heads.length && heads.encoding)
        return malformed(r, "Content-Length beside Transfer-Encoding");
    if (heads.encoding > 1) return malformed(r, "Transfer-Encoding is repeated");
    if (heads.authorization > 1 || heads.origin > 1 || heads.type > 1 || heads.cookie > 1)
        return malformed(r, "Authorization, Origin, Content-Type or Cookie is repeated");
    if (r->uri && strstr(r->uri, "%00")) return malformed(r, "the path has a NUL in it");
    return true;
}

static bool is_ours(const struct tide_http *h, const char *authority)
{
    return !strcasecmp(authority, h->authority) || (*h->local && !strcasecmp(authority, h->local));
}

static bool is_our_origin(const struct tide_http *h, const char *origin)
{
    static const char scheme[] = "http://";
    return !strncmp(origin, scheme, sizeof scheme - 1) && is_ours(h, origin + sizeof scheme - 1);
}

bool tide_guard_equal(const char *a, const char *b)
{
    size_t n = strlen(a);
    volatile unsigned char different = 0;
    if (n != strlen(b)) return false;
    for (size_t i = 0; i < n; i++)
        different |= (unsigned char)(a[i] ^ b[i]);
    return different == 0;
}

bool tide_guard_token(struct tide_request *r)
{
    static const char bearer[] = "Bearer ";
    const char *token = r->http->config.token;
    const char *given = head(r, "Authorization");
    if (given)
        return !strncasecmp(given, bearer, sizeof bearer - 1) &&
               tide_guard_equal(given + sizeof bearer - 1, token);
    const char *cookie =
        MHD_lookup_connection_value(r->connection, MHD_COOKIE_KIND, r->http->cookie);
    const char *origin = head(r, "Origin");
    return cookie && origin && is_our_origin(r->http, origin) && tide_guard_equal(cookie, token);
}

static bool is_import(const struct tide_request *r)
{
    return !strcmp(r->path, TIDE_IMPORT_PATH);
}

size_t tide_guard_body_max(const struct tide_request *r)
{
    return is_import(r) ? TIDE_IMPORT_MAX : TIDE_HTTP_BODY_MAX;
}

bool tide_guard_too_large(struct tide_request *r)
{
    char detail[80];
    size_t most = tide_guard_body_max(r);
    snprintf(detail, sizeof detail, "a body may have %zu MiB (%zu bytes)", most >> 20, most);
    return refuse(r, MHD_HTTP_CONTENT_TOO_LARGE, "too-large", "The body is too large", detail);
}

static bool check_type(struct tide_request *r, const char *type)
{
    const char *wanted = is_import(r) ? "application/octet-stream" : "application/json";
    size_t n = strlen(wanted);
    if (type && !strncasecmp(type, wanted, n) &&
        (type[n] == '\0' || type[n] == ';' || type[n] == ' '))
        return true;
    return refuse(r, MHD_HTTP_UNSUPPORTED_MEDIA_TYPE, "unsupported-media-type",
                  is_import(r) ? "The body must be a file" : "The body must be JSON",
                  is_import(r) ? "send Content-Type: application/octet-stream"
                               : "send Content-Type: application/json");
}

/* Whatever changes something: POST, PATCH, DELETE. */
static bool check_change(struct tide_request *r)
{
    const char *type = head(r, "Content-Type");
    const char *length = head(r, "Content-Length");
    const char *origin = head(r, "Origin");
    if (origin && !is_our_origin(r->http, origin))
        return refuse(r, MHD_HTTP_FORBIDDEN, "forbidden", "The request comes from a foreign page",
                      "Origin is not this daemon's own address");
    if (!tide_guard_token(r))
        return refuse(
            r, MHD_HTTP_UNAUTHORIZED, "unauthorized", "The request needs the token",
            "send Authorization: Bearer TOKEN with the text of DATA/token, or open the URL "
            "that `tidemark serve` printed");
    bool body = strcmp(r->method, MHD_HTTP_METHOD_DELETE) != 0;
    if (body && !check_type(r, type)) return false;
    if (length && strtoull(length, NULL, 10) > tide_guard_body_max(r))
        return tide_guard_too_large(r);
    return true;
}

bool tide_guard_head(struct tide_request *r)
{
    if (!check_shape(r)) return false;
    if (!is_ours(r->http, head(r, "Host")))
        return refuse(r, MHD_HTTP_FORBIDDEN, "forbidden", "The Host header is foreign",
                      "this daemon answers only under its own address");
    bool change = !strcmp(r->method, MHD_HTTP_METHOD_POST) ||
                  !strcmp(r->method, MHD_HTTP_METHOD_PATCH) ||
                  !strcmp(r->method, MHD_HTTP_METHOD_DELETE);
    return !change || check_change(r);
}
