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
    for (size_t i = 0; i < sizeof single / sizeof *single; i++) {
        bool begins_alike = (*key | 0x20) == (*single[i].name | 0x20); /* letters, in any case */
        if (begins_alike && !strcasecmp(key, single[i].name)) ++*single[i].count;
    }
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

/* The token that the request carries; NULL: none. A cookie counts for what changes something only
 * beside an Origin of our own, which a form on another site cannot have. */
static const char *credentials(struct tide_request *r, bool change)
{
    static const char bearer[] = "Bearer ";
    const char *given = head(r, "Authorization");
    if (given)
        return strncasecmp(given, bearer, sizeof bearer - 1) ? NULL : given + sizeof bearer - 1;
    const char *origin = head(r, "Origin");
    if (change && !(origin && tide_listen_owns_origin(r->http, origin))) return NULL;
    return MHD_lookup_connection_value(r->connection, MHD_COOKIE_KIND, r->http->cookie);
}

static bool unauthorized(struct tide_request *r, const struct tide_permit *permit)
{
    return refuse(r, MHD_HTTP_UNAUTHORIZED, "unauthorized",
                  permit->expired ? "The token has expired" : "The request needs a token",
                  "send Authorization: Bearer TOKEN, with the text of DATA/token or a token that "
                  "POST /api/v1/tokens made, or open the URL that `tidemark serve` printed");
}

/* Whether the token that comes with the request, or its lack, is allowed what the route is. Paths
 * that are none tell so only to those who may read, or for a change hold any token; the page is
 * open. */
static bool check_scope(struct tide_request *r, bool change)
{
    char detail[120];
    unsigned needed = r->route ? r->route->scope : change ? ~0u : TIDE_SCOPE_READ;
    if (!needed) return true;
    bool closed = r->http->config.require_token && (r->route || tide_router_owns(r->path));
    if (needed == TIDE_SCOPE_READ && !closed) return true;
    const char *token = credentials(r, change);
    struct tide_permit permit = {0};
    if (token) permit = tide_tokens_judge(r->http->tokens, token);
    if (!permit.id || permit.expired) return unauthorized(r, &permit);
    r->token = permit.id;
    if (permit.scopes & needed) return true;
    snprintf(detail, sizeof detail, "it needs a token with the scope %s, which this one has not",
             tide_scope_name(needed));
    refuse(r, MHD_HTTP_FORBIDDEN, "forbidden", "The token is not allowed this", detail);
    tide_answer_member(r, "scope", json_string(tide_scope_name(needed)));
    return false;
}

int64_t tide_guard_token(struct tide_request *r)
{
    const char *token = r->token ? NULL : credentials(r, false);
    if (!token) return r->token;
    struct tide_permit permit = tide_tokens_judge(r->http->tokens, token);
    return permit.expired ? 0 : permit.id;
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
    if (origin && !tide_listen_owns_origin(r->http, origin) && !tide_cors_allows(r->http, origin))
        return refuse(r, MHD_HTTP_FORBIDDEN, "forbidden", "The request comes from a foreign page",
                      "Origin is not this daemon's own address");
    if (!check_scope(r, true)) return false;
    bool body = strcmp(r->method, MHD_HTTP_METHOD_DELETE) != 0;
    if (body && !check_type(r, type)) return false;
    if (length && strtoull(length, NULL, 10) > tide_guard_body_max(r))
        return tide_guard_too_large(r);
    return true;
}

bool tide_guard_head(struct tide_request *r)
{
    if (!check_shape(r)) return false;
    if (!tide_listen_owns_host(r->http, head(r, "Host")))
        return refuse(r, MHD_HTTP_FORBIDDEN, "forbidden", "The Host header is foreign",
                      "this daemon answers only under its own address");
    if (tide_cors_preflight(r)) return false;
    bool change = !strcmp(r->method, MHD_HTTP_METHOD_POST) ||
                  !strcmp(r->method, MHD_HTTP_METHOD_PATCH) ||
                  !strcmp(r->method, MHD_HTTP_METHOD_DELETE);
    return change ? check_change(r) : check_scope(r, false);
}
