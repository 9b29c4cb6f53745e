/* server.c - connections and threads of the HTTP side; see server.h.
 *
 * A request's way: `begin` (request line read) -> `handle` (head read: guard) -> `handle` (body
 * blocks) -> `handle` (all read: files and streams are answered at once, API requests are suspended
 * and queued) -> a thread of the pool fills the answer and resumes -> `handle` sends it ->
 * `complete`.
 *
 * libmicrohttpd's timeouts are of inactivity: a client that drips a byte every few seconds would
 * hold its connection for ever. The keeper therefore shuts down sockets whose request takes longer
 * than TIDE_HTTP_DEADLINE_S in all. */
#include "http/internal.h"

#include "base/clock.h"
#include "http/cache.h"
#include "http/latency.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define BEAT_S 10
#define NOTE_S 60

/* ---- requests ---- */

/* Called with the raw request line's target;
 * what it returns is the request's context from then on. */
void *tide_server_begin(void *context, const char *uri, struct MHD_Connection *connection)
{
    struct tide_request *r = calloc(1, sizeof *r);
    if (!r) return NULL;
    r->http = context;
    r->connection = connection;
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    r->socket = info ? info->socket_context : NULL;
    r->uri = strdup(uri);
    r->body.ceiling = TIDE_HTTP_BODY_MAX;
    return r;
}

static void set_deadline(struct tide_request *r, int64_t now_ns, int64_t seconds)
{
    if (r->socket) r->socket->deadline_ns = now_ns + seconds * 1000000000;
}

static void lift_deadline(struct tide_request *r)
{
    if (r->socket) r->socket->deadline_ns = 0;
}

void tide_server_complete(void *context, struct MHD_Connection *connection, void **request,
                          enum MHD_RequestTerminationCode how)
{
    struct tide_request *r = *request;
    (void)context;
    (void)connection;
    (void)how;
    if (!r) return;
    int64_t now_ns = tide_clock_monotonic_ns();
    bool endless = r->route && !r->route->handler;
    if (r->started && !endless)
        tide_latency_add(r->http->latency, r->route, now_ns - r->started_ns);
    set_deadline(r, now_ns, TIDE_HTTP_DEADLINE_S + TIDE_HTTP_IDLE_S); /* for the next here */
    tide_str_free(&r->body);
    tide_str_free(&r->answer);
    free(r->uri);
    free(r);
    *request = NULL;
}

/* Suspend and hand over to the pool. Under the lock, so that no thread resumes before it is
 * suspended. */
static void hand_over(struct tide_request *r)
{
    struct tide_http *h = r->http;
    enum tide_lane lane = r->route ? r->route->lane : TIDE_LANE_QUICK;
    struct tide_pool *pool = &h->pools[lane == TIDE_LANE_COSTLY ? TIDE_LANE_SLOW : lane];
    r->answering = true;
    lift_deadline(r);
    pthread_mutex_lock(&h->lock);
    MHD_suspend_connection(r->connection);
    if (pool->last)
        pool->last->next = r;
    else
        pool->first = r;
    pool->last = r;
    pthread_cond_signal(&pool->queued);
    pthread_mutex_unlock(&h->lock);
}

static enum MHD_Result take_head(struct tide_request *r)
{
    r->started = true;
    r->started_ns = tide_clock_monotonic_ns();
    r->route = tide_router_find(r);
    r->body.ceiling = tide_guard_body_max(r);
    set_deadline(r, r->started_ns, TIDE_HTTP_DEADLINE_S);
    return tide_guard_head(r) ? MHD_YES : tide_answer_send(r);
}

static enum MHD_Result take_body(struct tide_request *r, const char *data, size_t *n)
{
    tide_str_add(&r->body, data, *n); /* past its ceiling it only sets `failed` */
    *n = 0;
    return MHD_YES;
}

static enum MHD_Result answer_now(struct tide_request *r)
{
    if (r->answering) return tide_answer_send(r);
    if (r->body.failed) {
        tide_guard_too_large(r);
        return tide_answer_send(r);
    }
    bool get = !strcmp(r->method, MHD_HTTP_METHOD_GET);
    if (!r->route && !*r->allow && !tide_router_owns(r->path)) {
        lift_deadline(r);
        return tide_files_send(r);
    }
    if (get && r->route && !r->route->handler) {
        lift_deadline(r);
        return tide_streams_open(r);
    }
    if (r->route && r->route->lane == TIDE_LANE_NOW) {
        tide_router_answer(r);
        if (r->ready) return MHD_queue_response(r->connection, MHD_HTTP_OK, r->ready);
        return r->asset ? tide_files_send(r) : tide_answer_send(r);
    }
    enum MHD_Result sent;
    if (get && tide_cache_send(r, &sent)) return sent;
    if (!tide_quota_allow(r)) return tide_answer_send(r);
    hand_over(r);
    return MHD_YES;
}

enum MHD_Result tide_server_handle(void *context, struct MHD_Connection *connection,
                                   const char *path, const char *method, const char *version,
                                   const char *data, size_t *n, void **request)
{
    struct tide_request *r = *request;
    (void)context;
    (void)connection;
    (void)version;
    if (!r) return MHD_NO; /* memory ended in `begin` */
    r->path = path;
    r->method = method;
    if (!r->started) return take_head(r);
    if (*n) return take_body(r, data, n);
    return answer_now(r);
}

/* ---- connections ---- */

static void add_connection(struct tide_http *h, struct MHD_Connection *connection, void **socket)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    struct tide_connection *c = calloc(1, sizeof *c);
    *socket = c;
    if (!c || !info) return;
    c->fd = info->connect_fd;
    c->deadline_ns = tide_clock_monotonic_ns() + TIDE_HTTP_DEADLINE_S * INT64_C(1000000000);
    pthread_mutex_lock(&h->lock);
    c->next = h->connections;
    if (c->next) c->next->previous = c;
    h->connections = c;
    pthread_mutex_unlock(&h->lock);
}

static void drop_connection(struct tide_http *h, struct tide_connection *c)
{
    if (!c) return;
    pthread_mutex_lock(&h->lock);
    if (c->next) c->next->previous = c->previous;
    if (c->previous)
        c->previous->next = c->next;
    else if (h->connections == c)
        h->connections = c->next;
    pthread_mutex_unlock(&h->lock);
    free(c);
}

void tide_server_notify(void *context, struct MHD_Connection *connection, void **socket,
                        enum MHD_ConnectionNotificationCode what)
{
    if (what == MHD_CONNECTION_NOTIFY_STARTED)
        add_connection(context, connection, socket);
    else
        drop_connection(context, *socket);
}

/* ---- threads ---- */

static void *answer_requests(void *context)
{
    struct tide_pool *pool = context;
    struct tide_http *h = pool->http;
    for (;;) {
        pthread_mutex_lock(&h->lock);
        while (!pool->first && !h->stopping)
            pthread_cond_wait(&pool->queued, &h->lock);
        struct tide_request *r = pool->first;
        if (r) {
            pool->first = r->next;
            if (!pool->first) pool->last = NULL;
        }
        pthread_mutex_unlock(&h->lock);
        if (!r) return NULL; /* stopping, and nothing is left */
        tide_router_answer(r);
        tide_finish(r);
        MHD_resume_connection(r->connection);
    }
}

static void shut_late(struct tide_http *h)
{
    int64_t now = tide_clock_monotonic_ns();
    pthread_mutex_lock(&h->lock);
    for (struct tide_connection *c = h->connections; c; c = c->next) {
        int64_t deadline = c->deadline_ns;
        if (deadline && deadline < now &&
            atomic_compare_exchange_strong(&c->deadline_ns, &deadline, 0))
            shutdown(c->fd, SHUT_RDWR);
    }
    pthread_mutex_unlock(&h->lock);
}

static void *keep(void *context)
{
    struct tide_http *h = context;
    for (int second = 1;; second++) {
        struct timespec until;
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_sec += 1;
        pthread_mutex_lock(&h->lock);
        while (!h->stopping && pthread_cond_timedwait(&h->ending, &h->lock, &until) != ETIMEDOUT) {}
        bool stopping = h->stopping;
        pthread_mutex_unlock(&h->lock);
        if (stopping) return NULL;
        shut_late(h);
        if (second % BEAT_S == 0) tide_streams_wake(h, true);
        if (second % NOTE_S == 0) tide_tokens_note(h->tokens);
    }
}

static enum tide_rc start_pool(struct tide_pool *pool, struct tide_error *e)
{
    for (; pool->n < TIDE_HTTP_THREADS; pool->n++) {
        errno = pthread_create(&pool->threads[pool->n], NULL, answer_requests, pool);
        if (errno) return tide_fail_errno(e, "start the HTTP threads");
    }
    return TIDE_OK;
}

static enum tide_rc start_threads(struct tide_http *h, struct tide_error *e)
{
    for (int i = 0; i < TIDE_LANES; i++) {
        enum tide_rc rc = start_pool(&h->pools[i], e);
        if (rc) return rc;
    }
    errno = pthread_create(&h->keeper, NULL, keep, h);
    if (errno) return tide_fail_errno(e, "start the HTTP threads");
    h->keeping = true;
    return TIDE_OK;
}

/* ---- start and stop ---- */

enum tide_rc tide_http_start(const struct tide_http_config *c, struct tide_http **out,
                             struct tide_error *e)
{
    *out = NULL;
    struct tide_http *h = calloc(1, sizeof *h);
    if (!h) return tide_fail(e, TIDE_NOMEM, "start the HTTP side");
    h->config = *c;
    h->cors = c->cors;
    h->started_ns = tide_clock_unix_ns();
    pthread_mutex_init(&h->lock, NULL);
    for (int i = 0; i < TIDE_LANES; i++) {
        h->pools[i].http = h;
        pthread_cond_init(&h->pools[i].queued, NULL);
    }
    pthread_cond_init(&h->ending, NULL);
    h->cache = tide_cache_new();
    h->healthy = tide_health_response();
    h->quota = tide_quota_new();
    h->latency = tide_latency_new();
    if (!h->cache || !h->healthy || !h->quota || !h->latency) {
        tide_http_stop(h);
        return tide_fail(e, TIDE_NOMEM, "start the HTTP side");
    }
    enum tide_rc rc = tide_tokens_open(c->store, c->token, &h->tokens, e);
    if (!rc) rc = tide_listen_start(h, e);
    if (!rc) rc = start_threads(h, e);
    if (rc) {
        tide_http_stop(h);
        return rc;
    }
    tide_feed_listen(c->feed, tide_streams_listen, h);
    *out = h;
    return TIDE_OK;
}

const char *tide_http_url(const struct tide_http *h)
{
    return h->url;
}

const char *tide_http_local_url(const struct tide_http *h)
{
    return h->local_url;
}

/* No new connections; what stands is ours to close from here on. */
static void quiesce(struct tide_http *h, int listening[2])
{
    for (unsigned i = 0; i < 2; i++)
        listening[i] = i < h->n_daemons ? MHD_quiesce_daemon(h->daemons[i]) : -1;
}

static void stop_listeners(struct tide_http *h, const int listening[2])
{
    for (unsigned i = 0; i < 2; i++) {
        if (i < h->n_daemons) MHD_stop_daemon(h->daemons[i]);
        if (listening[i] >= 0) close(listening[i]);
    }
}

void tide_http_stop(struct tide_http *h)
{
    if (!h) return;
    tide_feed_unlisten(h->config.feed, h);
    int listening[2];
    quiesce(h, listening);
    pthread_mutex_lock(&h->lock);
    h->stopping = true;
    for (int i = 0; i < TIDE_LANES; i++)
        pthread_cond_broadcast(&h->pools[i].queued);
    pthread_cond_broadcast(&h->ending);
    pthread_mutex_unlock(&h->lock);
    for (int i = 0; i < TIDE_LANES; i++)
        for (unsigned k = 0; k < h->pools[i].n; k++)
            pthread_join(h->pools[i].threads[k], NULL);
    if (h->keeping) pthread_join(h->keeper, NULL);
    tide_streams_wake(h, false); /* each finds `stopping` and ends */
    stop_listeners(h, listening);
    if (h->tokens) tide_tokens_note(h->tokens);
    tide_tokens_free(h->tokens);
    tide_cache_free(h->cache);
    if (h->healthy) MHD_destroy_response(h->healthy);
    tide_quota_free(h->quota);
    tide_latency_free(h->latency);
    pthread_cond_destroy(&h->ending);
    for (int i = 0; i < TIDE_LANES; i++)
        pthread_cond_destroy(&h->pools[i].queued);
    pthread_mutex_destroy(&h->lock);
    free(h);
}
