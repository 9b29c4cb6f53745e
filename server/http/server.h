/* server.h - the daemon's HTTP side: guard, REST, event stream, dashboard.
 *
 * One epoll thread of libmicrohttpd takes connections and never blocks; requests that read the
 * store or run git are suspended and answered by a small pool of threads. An event stream costs a
 * connection, no thread.
 *
 * Threads: start and stop from one thread. */
#ifndef TIDE_HTTP_SERVER_H
#define TIDE_HTTP_SERVER_H

#include "base/feed.h"
#include "schedule/bisects.h"
#include "schedule/scheduler.h"

struct tide_http;
struct tide_notifier;
struct tide_timekeeper;

struct tide_http_config {
    const char *host;        /* numeric IPv4 or IPv6 address, or "localhost" */
    int port;                /* 0: a free one */
    const char *token;       /* of DATA/token: is allowed everything */
    bool require_token;      /* reading needs one too; must be beyond the loopback */
    const char *certificate; /* paths of PEM files; both or neither: TLS */
    const char *key;
    const char *const *trusted; /* more origins of its own, ended by NULL; NULL: none */
    const char *const *cors;    /* foreign origins that may read and, with a bearer token, write */
    struct tide_store *store;
    struct tide_feed *feed;
    struct tide_scheduler *scheduler;
    struct tide_bisects *bisects;
    struct tide_notifier *notifier;     /* NULL: no webhook is sent */
    struct tide_timekeeper *timekeeper; /* NULL: nothing is triggered */
    const char *cache; /* folder of the build cache: logs of builds at work are read there */
};

/* Start. Fails when the address is in use; INVALID when it is none, when strangers would be let in
 * without a token, or when certificate and key do not fit. */
TIDE_CHECK enum tide_rc tide_http_start(const struct tide_http_config *c, struct tide_http **out,
                                        struct tide_error *e);

/* "http://127.0.0.1:8421", owned by *h; and the plain one on the loopback, for programs of this
 * machine, which is the same where the former is such. */
const char *tide_http_url(const struct tide_http *h);
const char *tide_http_local_url(const struct tide_http *h);

/* Foreign origins from now on, as in the configuration; they must stay until the server ends, since
 * a request may just be reading those before. Threads: any. */
void tide_http_set_cors(struct tide_http *h, const char *const *origins);

/* End the event streams, finish answers in work, close. NULL is a no-op. */
void tide_http_stop(struct tide_http *h);

#endif
