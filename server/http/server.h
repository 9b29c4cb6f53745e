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
#include "schedule/scheduler.h"

struct tide_http;

struct tide_http_config {
    const char *host; /* numeric IPv4 or IPv6 address, or "localhost" */
    int port;         /* 0: a free one */
    const char *token;
    struct tide_store *store;
    struct tide_feed *feed;
    struct tide_scheduler *scheduler;
    const char *cache; /* folder of the build cache: logs of builds at work are read there */
};

/* Start. Fails when the address is in use or is not of this machine's loopback. */
TIDE_CHECK enum tide_rc tide_http_start(const struct tide_http_config *c, struct tide_http **out,
                                        struct tide_error *e);

/* "http://127.0.0.1:8421", owned by *h. */
const char *tide_http_url(const struct tide_http *h);

/* End the event streams, finish answers in work, close. NULL is a no-op. */
void tide_http_stop(struct tide_http *h);

#endif
