/* listen.c - where the daemon listens, and the names under which it answers.
 *
 * One listener stands at --listen. Where that is not plain HTTP on the loopback, a second one
 * stands there on a free port, for the command line of this machine; its address is what DATA/url
 * holds.
 *
 * A request must name the daemon by one of its origins (Host, and Origin where there is one): its
 * own addresses, and what --trusted-origin adds for a proxy or a name in DNS. Without that, a page
 * of a stranger could point a name of its own at the loopback (DNS rebinding). */
#include "http/internal.h"

#include "base/file.h"
#include "base/log.h"
#include "http/certificate.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/resource.h>
#include <sys/socket.h>

#define PEM_MAX     (1u << 20)
#define OTHER_FILES 256UL

/* ---- addresses ---- */

/* "localhost" and numeric addresses. */
static enum tide_rc make_address(const char *host, int port, struct sockaddr_storage *out,
                                 bool *loopback, struct tide_error *e)
{
    struct sockaddr_in *four = (struct sockaddr_in *)out;
    struct sockaddr_in6 *six = (struct sockaddr_in6 *)out;
    *out = (struct sockaddr_storage){0};
    if (!strcmp(host, "localhost")) host = "127.0.0.1";
    if (inet_pton(AF_INET, host, &four->sin_addr) == 1) {
        four->sin_family = AF_INET;
        four->sin_port = htons((uint16_t)port);
        *loopback = ntohl(four->sin_addr.s_addr) >> 24 == 127;
        return TIDE_OK;
    }
    if (inet_pton(AF_INET6, host, &six->sin6_addr) == 1) {
        six->sin6_family = AF_INET6;
        six->sin6_port = htons((uint16_t)port);
        *loopback = IN6_IS_ADDR_LOOPBACK(&six->sin6_addr);
        return TIDE_OK;
    }
    return tide_fail(e, TIDE_INVALID,
                     "--listen %s: it must be a numeric address or localhost, with a port "
                     "(127.0.0.1:PORT, [::1]:PORT, 0.0.0.0:PORT)",
                     host);
}

static bool is_wildcard(const char *host)
{
    return !strcmp(host, "0.0.0.0") || !strcmp(host, "::");
}

/* ---- names ---- */

static enum tide_rc add_origin(struct tide_http *h, struct tide_error *e, const char *scheme,
                               const char *host, unsigned port)
{
    bool six = strchr(host, ':');
    bool usual = port == (!strcmp(scheme, "https") ? 443u : 80u);
    if (h->n_origins == TIDE_HTTP_ORIGINS)
        return tide_fail(e, TIDE_INVALID, "there are too many names: at most %d --trusted-origin",
                         TIDE_HTTP_ORIGINS - 4);
    char *out = h->origins[h->n_origins++];
    size_t room = sizeof h->origins[0];
    int n = snprintf(out, room, six ? "%s://[%s]" : "%s://%s", scheme, host);
    if (!usual && n > 0 && (size_t)n < room) snprintf(out + n, room - (size_t)n, ":%u", port);
    return TIDE_OK;
}

/* "https://tidemark.example": scheme, name, perhaps a port, nothing behind it. */
static enum tide_rc trust_origin(struct tide_http *h, const char *origin, struct tide_error *e)
{
    const char *name = !strncmp(origin, "https://", 8)  ? origin + 8
                       : !strncmp(origin, "http://", 7) ? origin + 7
                                                        : NULL;
    static const char allowed[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-.:[]";
    if (!name || !*name || name[strspn(name, allowed)] || strlen(origin) >= sizeof h->origins[0])
        return tide_fail(e, TIDE_INVALID,
                         "--trusted-origin %.80s: it must be like https://tidemark.example",
                         origin);
    if (h->n_origins == TIDE_HTTP_ORIGINS)
        return tide_fail(e, TIDE_INVALID, "there are too many --trusted-origin");
    snprintf(h->origins[h->n_origins++], sizeof h->origins[0], "%s", origin);
    return TIDE_OK;
}

static const char *authority_of(const char *origin)
{
    const char *at = strstr(origin, "://");
    return at ? at + 3 : origin;
}

/* With a listener at every address of the machine, any numeric address with our port: a name could
 * be rebound, a number cannot. */
static bool is_numeric(const struct tide_http *h, const char *authority)
{
    char host[INET6_ADDRSTRLEN + 2];
    unsigned char address[16];
    const char *colon = strrchr(authority, ':');
    size_t n = colon ? (size_t)(colon - authority) : 0;
    if (!h->wildcard || !n || n >= sizeof host || strcmp(colon + 1, h->port) != 0) return false;
    memcpy(host, authority, n);
    host[n] = '\0';
    if (*host != '[') return inet_pton(AF_INET, host, address) == 1;
    host[strcspn(host, "]")] = '\0';
    return inet_pton(AF_INET6, host + 1, address) == 1;
}

bool tide_listen_owns_host(const struct tide_http *h, const char *authority)
{
    for (unsigned i = 0; i < h->n_origins; i++)
        if (!strcasecmp(authority, authority_of(h->origins[i]))) return true;
    return is_numeric(h, authority);
}

bool tide_listen_owns_origin(const struct tide_http *h, const char *origin)
{
    for (unsigned i = 0; i < h->n_origins; i++)
        if (!strcasecmp(origin, h->origins[i])) return true;
    size_t n = strcspn(h->url, ":") + 3;
    return !strncasecmp(origin, h->url, n) && is_numeric(h, origin + n);
}

bool tide_listen_is_secure(const struct tide_http *h, const char *authority)
{
    for (unsigned i = 0; i < h->n_origins; i++)
        if (!strcasecmp(authority, authority_of(h->origins[i])))
            return !strncmp(h->origins[i], "https:", 6);
    return !strncmp(h->url, "https:", 6);
}

/* ---- listeners ---- */

static unsigned taken_port(struct MHD_Daemon *daemon)
{
    const union MHD_DaemonInfo *info = MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_BIND_PORT);
    return info ? info->port : 0;
}

static enum tide_rc start_listener(struct tide_http *h, const struct sockaddr_storage *address,
                                   const char *certificate, const char *key, struct tide_error *e)
{
    const struct MHD_OptionItem tls[] = {
        {MHD_OPTION_HTTPS_MEM_CERT, 0, (void *)(uintptr_t)certificate},
        {MHD_OPTION_HTTPS_MEM_KEY, 0, (void *)(uintptr_t)key},
        {MHD_OPTION_END, 0, NULL},
    };
    unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ITC;
    if (address->ss_family == AF_INET6) flags |= MHD_USE_IPv6;
    if (certificate) flags |= MHD_USE_TLS;
    errno = 0;
    struct MHD_Daemon *daemon = MHD_start_daemon(
        flags, 0, NULL, NULL, tide_server_handle, h, MHD_OPTION_SOCK_ADDR, address,
        MHD_OPTION_URI_LOG_CALLBACK, tide_server_begin, h, MHD_OPTION_NOTIFY_COMPLETED,
        tide_server_complete, h, MHD_OPTION_NOTIFY_CONNECTION, tide_server_notify, h,
        MHD_OPTION_CONNECTION_LIMIT, h->connections_max, MHD_OPTION_CONNECTION_TIMEOUT,
        TIDE_HTTP_IDLE_S, MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)TIDE_HTTP_MEMORY,
        MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_ARRAY, certificate ? tls : &tls[2],
        MHD_OPTION_END);
    if (daemon) {
        h->daemons[h->n_daemons++] = daemon;
        return taken_port(daemon) ? TIDE_OK
                                  : tide_fail(e, TIDE_IO, "learn the port that was taken");
    }
    return tide_fail_errno(e,
                           "listen on %s port %d (another daemon may be there: stop it, or choose "
                           "--listen 127.0.0.1:0)",
                           h->config.host, h->config.port);
}

/* Certificate and key are read once; files that do not fit each other are told here. */
static enum tide_rc start_public(struct tide_http *h, const struct sockaddr_storage *address,
                                 struct tide_error *e)
{
    const struct tide_http_config *c = &h->config;
    char *certificate = NULL, *key = NULL;
    enum tide_rc rc = TIDE_OK;
    if (!c->certificate != !c->key)
        return tide_fail(e, TIDE_INVALID, "--tls-cert and --tls-key go together");
    if (c->certificate) {
        rc = tide_file_read(c->certificate, PEM_MAX, &certificate, NULL, e);
        if (!rc) rc = tide_file_read(c->key, PEM_MAX, &key, NULL, e);
        if (!rc) rc = tide_certificate_check(c->certificate, certificate, c->key, key, e);
    }
    if (!rc) rc = start_listener(h, address, certificate, key, e);
    free(certificate);
    if (key) explicit_bzero(key, strlen(key));
    free(key);
    return rc;
}

/* The plain one for this machine. */
static enum tide_rc start_local(struct tide_http *h, struct tide_error *e)
{
    struct sockaddr_storage address;
    bool loopback;
    enum tide_rc rc = make_address("127.0.0.1", 0, &address, &loopback, e);
    if (!rc) rc = start_listener(h, &address, NULL, NULL, e);
    if (rc) return rc;
    unsigned port = taken_port(h->daemons[1]);
    snprintf(h->local_url, sizeof h->local_url, "http://127.0.0.1:%u", port);
    rc = add_origin(h, e, "http", "127.0.0.1", port);
    return rc ? rc : add_origin(h, e, "http", "localhost", port);
}

static enum tide_rc learn_names(struct tide_http *h, bool loopback, struct tide_error *e)
{
    const char *scheme = h->config.certificate ? "https" : "http";
    unsigned port = taken_port(h->daemons[0]);
    snprintf(h->port, sizeof h->port, "%u", port);
    snprintf(h->cookie, sizeof h->cookie, "tidemark_%u", port);
    h->wildcard = is_wildcard(h->config.host);
    enum tide_rc rc = add_origin(h, e, scheme, h->config.host, port);
    if (rc) return rc;
    snprintf(h->url, sizeof h->url, "%s", h->origins[0]);
    if (loopback) rc = add_origin(h, e, scheme, "localhost", port);
    for (const char *const *origin = h->config.trusted; origin && *origin && !rc; origin++)
        rc = trust_origin(h, *origin, e);
    return rc;
}

/* What the limit of open files leaves beside the files of the store, of builds and of runs. */
static unsigned connections_allowed(void)
{
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) || files.rlim_cur == RLIM_INFINITY)
        return TIDE_HTTP_CONNECTIONS;
    rlim_t left = files.rlim_cur > 2 * OTHER_FILES ? files.rlim_cur - OTHER_FILES : OTHER_FILES;
    return left < TIDE_HTTP_CONNECTIONS ? (unsigned)left : TIDE_HTTP_CONNECTIONS;
}

enum tide_rc tide_listen_start(struct tide_http *h, struct tide_error *e)
{
    struct sockaddr_storage address;
    bool loopback;
    const struct tide_http_config *c = &h->config;
    enum tide_rc rc = make_address(c->host, c->port, &address, &loopback, e);
    if (rc) return rc;
    h->connections_max = connections_allowed();
    bool strangers = !loopback || (c->trusted && *c->trusted);
    if (strangers && !c->require_token)
        return tide_fail(e, TIDE_INVALID,
                         "%s lets others than this machine's users in: that needs --require-token "
                         "(docs/SECURITY.md)",
                         loopback ? "--trusted-origin" : "--listen beyond the loopback");
    rc = start_public(h, &address, e);
    if (!rc) rc = learn_names(h, loopback, e);
    if (rc) return rc;
    if (!loopback || c->certificate) return start_local(h, e);
    snprintf(h->local_url, sizeof h->local_url, "%s", h->url);
    return TIDE_OK;
}
