/* files.c - the dashboard's files, from the table made at build time; paths are never joined.
 *
 * `/?token=...` is how the printed URL signs a browser in: the token becomes a cookie that scripts
 * cannot read and other sites cannot send, and the address bar is cleaned by a redirect. */
#include "http/internal.h"

#include "base/clock.h"
#include "base/hash.h"
#include "http/assets.h"

#include <stdio.h>
#include <string.h>

static const struct tide_asset *find(const char *path)
{
    if (!strcmp(path, "/")) path = "/index.html";
    for (const struct tide_asset *a = tide_assets; a->path; a++)
        if (!strcmp(a->path, path)) return a;
    return NULL;
}

static enum MHD_Result send_and_drop(struct tide_request *r, unsigned status,
                                     struct MHD_Response *response)
{
    enum MHD_Result sent = response ? MHD_queue_response(r->connection, status, response) : MHD_NO;
    MHD_destroy_response(response);
    return sent;
}

/* "; Max-Age=..." of a token that expires; a session's cookie else. */
static void put_age(char *out, size_t room, int64_t expires_ns)
{
    int64_t left = (expires_ns - tide_clock_unix_ns()) / 1000000000;
    *out = '\0';
    if (expires_ns >= 0) snprintf(out, room, "; Max-Age=%lld", (long long)left);
}

static enum MHD_Result sign_in(struct tide_request *r, const char *token)
{
    char cookie[256], age[40];
    const char *host = MHD_lookup_connection_value(r->connection, MHD_HEADER_KIND, "Host");
    struct tide_permit permit = tide_tokens_judge(r->http->tokens, token);
    if (!permit.id || permit.expired) {
        tide_answer_problem(
            r, MHD_HTTP_UNAUTHORIZED, "unauthorized",
            permit.expired ? "The token has expired" : "The token is wrong", NULL,
            "open the URL that `tidemark serve` printed; the token is in DATA/token");
        return tide_answer_send(r);
    }
    struct MHD_Response *response = MHD_create_response_from_buffer(0, "", MHD_RESPMEM_PERSISTENT);
    if (!response) return MHD_NO;
    put_age(age, sizeof age, permit.expires_ns);
    snprintf(cookie, sizeof cookie, "%s=%s; Path=/; HttpOnly; SameSite=Strict%s%s", r->http->cookie,
             token, tide_listen_is_secure(r->http, host) ? "; Secure" : "", age);
    tide_answer_headers(response);
    MHD_add_response_header(response, "Set-Cookie", cookie);
    MHD_add_response_header(response, "Location", "/");
    return send_and_drop(r, MHD_HTTP_SEE_OTHER, response);
}

static enum MHD_Result send_file(struct tide_request *r, const struct tide_asset *a)
{
    char tag[TIDE_HASH_TEXT + 2], hash[TIDE_HASH_TEXT];
    bool gzip = tide_finish_takes_gzip(r);
    const unsigned char *at = gzip ? a->packed : a->plain;
    size_t n = (size_t)((gzip ? a->packed_end : a->plain_end) - at);
    tide_hash_text(at, n, hash);
    snprintf(tag, sizeof tag, "\"%s\"", hash);
    bool fresh = tide_finish_is_known(r, tag);
    struct MHD_Response *response =
        MHD_create_response_from_buffer(fresh ? 0 : n, (void *)at, MHD_RESPMEM_PERSISTENT);
    if (!response) return MHD_NO;
    tide_answer_headers(response);
    MHD_add_response_header(response, "Content-Type", a->type);
    MHD_add_response_header(response, "ETag", tag);
    MHD_add_response_header(response, "Cache-Control", "no-cache"); /* revalidated by ETag */
    MHD_add_response_header(response, "Vary", "Accept-Encoding");
    if (gzip && !fresh) MHD_add_response_header(response, "Content-Encoding", "gzip");
    return send_and_drop(r, fresh ? MHD_HTTP_NOT_MODIFIED : MHD_HTTP_OK, response);
}

void tide_get_asset(struct tide_request *r, int64_t id, const char *name)
{
    (void)id;
    (void)name;
    r->asset = find(r->path);
}

void tide_get_docs(struct tide_request *r, int64_t id, const char *name)
{
    (void)id;
    (void)name;
    r->asset = find("/apidocs.html");
}

enum MHD_Result tide_files_send(struct tide_request *r)
{
    const struct tide_asset *a = r->asset ? r->asset : find(r->path);
    bool reads =
        !strcmp(r->method, MHD_HTTP_METHOD_GET) || !strcmp(r->method, MHD_HTTP_METHOD_HEAD);
    const char *token = MHD_lookup_connection_value(r->connection, MHD_GET_ARGUMENT_KIND, "token");
    if (a && reads && token && !strcmp(r->path, "/")) return sign_in(r, token);
    if (a && reads) return send_file(r, a);
    if (a) {
        snprintf(r->allow, sizeof r->allow, "GET, HEAD");
        tide_answer_problem(r, MHD_HTTP_METHOD_NOT_ALLOWED, "method-not-allowed",
                            "The method is not allowed here", NULL, "use GET");
    } else
        tide_answer_problem(r, MHD_HTTP_NOT_FOUND, "not-found", "There is no such resource", NULL,
                            "see docs/API.md for what there is");
    return tide_answer_send(r);
}
