/* client.c - see client.h. One request on one connection; the daemon closes it after its answer. */
#include "cli/client.h"

#include "base/file.h"

#include <assert.h>
#include <errno.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#define TEXT_MAX   256
#define ANSWER_MAX (64u << 20)

void tide_client_escape(struct tide_str *out, const char *text)
{
    static const char plain[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
    for (; *text; text++)
        if (strchr(plain, *text))
            tide_str_add(out, text, 1);
        else
            tide_str_printf(out, "%%%02X", (unsigned char)*text);
}

/* A small file of the data folder, without its last newline; in new memory. */
static enum tide_rc read_text(const char *data, const char *name, char **out, struct tide_error *e)
{
    char *path = tide_format("%s/%s", data, name);
    if (!path) return tide_fail(e, TIDE_NOMEM, "ask the daemon");
    enum tide_rc rc = tide_file_read(path, TEXT_MAX, out, NULL, e);
    if (!rc) (*out)[strcspn(*out, "\r\n")] = '\0';
    free(path);
    return rc;
}

/* Give up on the socket after so many milliseconds without progress; 0: never. */
static void limit_patience(int fd, int patience_ms)
{
    const struct timeval limit = {patience_ms / 1000, patience_ms % 1000 * 1000L};
    if (!patience_ms) return;
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
}

/* `authority` is HOST:PORT or [HOST]:PORT, as in DATA/url. */
static enum tide_rc connect_to(const char *authority, int patience_ms, int *fd,
                               struct tide_error *e)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICHOST};
    struct addrinfo *found = NULL;
    char host[TEXT_MAX];
    const char *colon = strrchr(authority, ':');
    size_t n = colon ? (size_t)(colon - authority) : 0;
    bool six = n > 2 && *authority == '[';
    if (!n || n >= sizeof host) return tide_fail(e, TIDE_INVALID, "DATA/url holds no address");
    size_t brackets = six ? 1 : 0;
    memcpy(host, authority + brackets, n - 2 * brackets);
    host[n - 2 * brackets] = '\0';
    if (getaddrinfo(host, colon + 1, &hints, &found))
        return tide_fail(e, TIDE_INVALID, "DATA/url holds no address: %s", authority);
    *fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    enum tide_rc rc = TIDE_OK;
    if (*fd >= 0) limit_patience(*fd, patience_ms);
    if (*fd < 0 || connect(*fd, found->ai_addr, found->ai_addrlen))
        rc = tide_fail(e, TIDE_ABSENT, "no daemon answers at %s: %s", authority, strerror(errno));
    freeaddrinfo(found);
    return rc;
}

static enum tide_rc send_all(int fd, const void *bytes, size_t n, struct tide_error *e)
{
    for (const char *at = bytes; n;) {
        ssize_t sent = send(fd, at, n, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR) continue;
        if (sent <= 0) return tide_fail_errno(e, "send to the daemon");
        at += sent;
        n -= (size_t)sent;
    }
    return TIDE_OK;
}

static enum tide_rc receive_all(int fd, struct tide_str *out, struct tide_error *e)
{
    char block[16384];
    ssize_t n;
    while ((n = recv(fd, block, sizeof block, 0)) != 0) {
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return tide_fail_errno(e, "read the daemon's answer");
        tide_str_add(out, block, (size_t)n);
    }
    return out->failed || !out->length
               ? tide_fail(e, TIDE_IO, "the daemon's answer is missing or too long")
               : TIDE_OK;
}

/* INVALID, BUSY or FAILED in the words of the answer. */
static enum tide_rc refuse(const char *status, const json_t *answer, struct tide_error *e)
{
    const char *detail = json_string_value(json_object_get(answer, "detail"));
    const char *field = json_string_value(json_object_get(answer, "field"));
    if (!detail) detail = "the daemon refuses";
    if (!strncmp(status, "409", 3)) return tide_fail(e, TIDE_BUSY, "%s", detail);
    if (*status == '4') return tide_fail_field(e, field ? field : "", "%s", detail);
    return tide_fail(e, TIDE_FAILED, "%s", detail);
}

/* "HTTP/1.1 201 Created ... \r\n\r\n{...}" */
static enum tide_rc read_answer(const struct tide_str *text, json_t **answer, struct tide_error *e)
{
    const char *at = text->at ? text->at : "";
    const char *body = strstr(at, "\r\n\r\n");
    const char *status = strchr(at, ' ');
    json_error_t unread;
    if (body) *answer = body[4] ? json_loads(body + 4, 0, &unread) : json_null();
    if (!*answer || !status) return tide_fail(e, TIDE_IO, "the daemon's answer is not JSON");
    if (status[1] == '2') return TIDE_OK;
    enum tide_rc rc = refuse(status + 1, *answer, e);
    if (rc == TIDE_BUSY) return rc;
    json_decref(*answer);
    *answer = NULL;
    return rc;
}

struct request {
    const char *method, *target;
    const char *type; /* of the body; NULL: there is none */
    const void *bytes;
    size_t n;
    int patience_ms;     /* 0: for ever */
    const char *headers; /* further lines, each with its end; NULL: none */
};

/* Send the request; the answer is to be read from *fd. */
static enum tide_rc send_request(const char *authority, const struct tide_str *head,
                                 const struct request *r, int *fd, struct tide_error *e)
{
    enum tide_rc rc = connect_to(authority, r->patience_ms, fd, e);
    if (!rc) rc = send_all(*fd, head->at, head->length, e);
    if (!rc && r->n) rc = send_all(*fd, r->bytes, r->n, e);
    return rc;
}

static void put_head(struct tide_str *head, const struct request *r, const char *authority,
                     const char *token)
{
    tide_str_printf(head, "%s %s HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\n", r->method,
                    r->target, authority, token);
    if (r->type)
        tide_str_printf(head, "Content-Type: %s\r\nContent-Length: %zu\r\n", r->type, r->n);
    tide_str_printf(head, "%sConnection: close\r\n\r\n", r->headers ? r->headers : "");
}

/* Where the daemon of the folder is: its token, and its url, whose *authority follows "http://". */
static enum tide_rc find_daemon(const char *data, char **url, char **token, const char **authority,
                                struct tide_error *e)
{
    static const char scheme[] = "http://";
    enum tide_rc rc = read_text(data, "url", url, e);
    if (!rc) rc = read_text(data, "token", token, e);
    assert(rc || (*url && *token)); /* read_text leaves none out */
    if (rc == TIDE_ABSENT)
        return tide_fail(e, rc, "no daemon serves %s: start one with `tidemark serve --data %s`",
                         data, data);
    if (!rc && strncmp(*url, scheme, sizeof scheme - 1) != 0)
        return tide_fail(e, TIDE_INVALID, "%s/url holds no address", data);
    if (!rc) *authority = *url + sizeof scheme - 1;
    return rc;
}

/* Find the daemon and send it the request. */
static enum tide_rc begin(const char *data, const struct request *r, int *fd, struct tide_error *e)
{
    char *url = NULL, *token = NULL;
    const char *authority = NULL;
    struct tide_str head = {0};
    *fd = -1;
    enum tide_rc rc = find_daemon(data, &url, &token, &authority, e);
    if (!rc) put_head(&head, r, authority, token);
    if (!rc && head.failed) rc = tide_fail(e, TIDE_NOMEM, "ask the daemon");
    if (!rc) rc = send_request(authority, &head, r, fd, e);
    if (rc && *fd >= 0) close(*fd);
    if (rc) *fd = -1;
    tide_str_free(&head);
    free(url);
    free(token);
    return rc;
}

/* Send the request and read the whole answer. */
static enum tide_rc exchange(const char *data, const struct request *r, struct tide_str *answer,
                             struct tide_error *e)
{
    int fd;
    enum tide_rc rc = begin(data, r, &fd, e);
    if (!rc) rc = receive_all(fd, answer, e);
    if (fd >= 0) close(fd);
    return rc;
}

static enum tide_rc ask(const char *data, const struct request *r, json_t **answer,
                        struct tide_error *e)
{
    struct tide_str text = {.ceiling = ANSWER_MAX};
    *answer = NULL;
    enum tide_rc rc = exchange(data, r, &text, e);
    if (!rc) rc = read_answer(&text, answer, e);
    tide_str_free(&text);
    return rc;
}

enum tide_rc tide_client_post(const char *data, const char *target, const char *type,
                              const void *bytes, size_t n, json_t **answer, struct tide_error *e)
{
    const struct request r = {"POST", target, type, bytes, n, 0, NULL};
    return ask(data, &r, answer, e);
}

static enum tide_rc ask_json(const char *data, const char *method, const char *target,
                             const json_t *body, json_t **answer, struct tide_error *e)
{
    char *text = json_dumps(body, JSON_COMPACT);
    *answer = NULL;
    if (!text) return tide_fail(e, TIDE_NOMEM, "ask the daemon");
    const struct request r = {method, target, "application/json", text, strlen(text), 0, NULL};
    enum tide_rc rc = ask(data, &r, answer, e);
    free(text);
    return rc;
}

enum tide_rc tide_client_post_json(const char *data, const char *target, const json_t *body,
                                   json_t **answer, struct tide_error *e)
{
    return ask_json(data, "POST", target, body, answer, e);
}

enum tide_rc tide_client_patch_json(const char *data, const char *target, const json_t *body,
                                    json_t **answer, struct tide_error *e)
{
    return ask_json(data, "PATCH", target, body, answer, e);
}

enum tide_rc tide_client_delete(const char *data, const char *target, json_t **answer,
                                struct tide_error *e)
{
    const struct request r = {.method = "DELETE", .target = target};
    return ask(data, &r, answer, e);
}

enum tide_rc tide_client_get(const char *data, const char *target, json_t **answer,
                             struct tide_error *e)
{
    return tide_client_get_within(data, target, 0, answer, e);
}

enum tide_rc tide_client_get_within(const char *data, const char *target, int patience_ms,
                                    json_t **answer, struct tide_error *e)
{
    const struct request r = {.method = "GET", .target = target, .patience_ms = patience_ms};
    return ask(data, &r, answer, e);
}

enum tide_rc tide_client_text(const char *data, const char *target, struct tide_str *out,
                              struct tide_error *e)
{
    const struct request r = {.method = "GET", .target = target};
    struct tide_str text = {.ceiling = ANSWER_MAX};
    enum tide_rc rc = exchange(data, &r, &text, e);
    const char *body = text.at ? strstr(text.at, "\r\n\r\n") : NULL;
    const char *status = text.at ? strchr(text.at, ' ') : NULL;
    json_t *problem = NULL;
    if (!rc && (!body || !status)) rc = tide_fail(e, TIDE_IO, "the daemon's answer is cut");
    if (!rc && status[1] == '2')
        tide_str_put(out, body + 4);
    else if (!rc)
        rc = read_answer(&text, &problem, e);
    json_decref(problem);
    tide_str_free(&text);
    return rc;
}

enum tide_rc tide_client_open(const char *data, const char *target, const char *headers, int *fd,
                              struct tide_error *e)
{
    const struct request r = {.method = "GET", .target = target, .headers = headers};
    return begin(data, &r, fd, e);
}

enum tide_rc tide_client_url(const char *data, char **out, struct tide_error *e)
{
    return read_text(data, "url", out, e);
}
