/* streams.c - server-sent events (HTML standard, 9.2): GET /api/v1/stream.
 *
 * A stream is a suspended connection with a place in the feed. A reader callback that has nothing
 * to give suspends (one that returned 0 instead would be asked again at once, burning a core); the
 * feed's listener and the heartbeat resume. Suspended connections never time out and hide that
 * their client has gone: the heartbeat's write finds that out.
 *
 * Suspension and resumption happen under the room's lock, so that each suspension is resumed
 * exactly once. */
#include "http/internal.h"

#include "http/query.h"

#include <stdlib.h>
#include <string.h>

#define BLOCK 4096 /* bytes that each stream holds ready: there may be many */

struct tide_stream {
    struct tide_stream *next, *previous;
    struct tide_http *http;
    struct MHD_Connection *connection;
    int64_t id;            /* of the last event sent */
    int64_t batch;         /* filter; 0: any */
    char *project;         /* filter; NULL: any */
    struct tide_str ready; /* to send, from `sent` on */
    size_t sent;
    bool suspended, beat;
};

static void link_stream(struct tide_stream *s)
{
    struct tide_http *h = s->http;
    s->next = h->streams;
    if (s->next) s->next->previous = s;
    h->streams = s;
    h->n_streams++;
}

static void free_stream(void *context)
{
    struct tide_stream *s = context;
    struct tide_http *h = s->http;
    pthread_mutex_lock(&h->lock);
    if (s->next) s->next->previous = s->previous;
    if (s->previous)
        s->previous->next = s->next;
    else
        h->streams = s->next;
    h->n_streams--;
    pthread_mutex_unlock(&h->lock);
    tide_str_free(&s->ready);
    free(s->project);
    free(s);
}

/* Fill `ready`, or suspend. Returns false when the stream is to end. */
static bool refill(struct tide_stream *s)
{
    struct tide_http *h = s->http;
    s->ready.length = 0;
    s->sent = 0;
    pthread_mutex_lock(&h->lock);
    bool going = !h->stopping;
    const struct tide_feed_filter filter = {s->batch, s->project};
    if (going) s->id = tide_feed_read(h->config.feed, s->id, &filter, BLOCK, &s->ready);
    if (going && !s->ready.length && s->beat) tide_str_put(&s->ready, ":\n\n");
    s->beat = false;
    if (going && !s->ready.length) {
        s->suspended = true;
        MHD_suspend_connection(s->connection);
    }
    pthread_mutex_unlock(&h->lock);
    return going && !s->ready.failed;
}

static ssize_t read_stream(void *context, uint64_t position, char *to, size_t room)
{
    struct tide_stream *s = context;
    (void)position;
    if (s->sent == s->ready.length && !refill(s)) return MHD_CONTENT_READER_END_OF_STREAM;
    size_t left = s->ready.length - s->sent;
    size_t n = left < room ? left : room;
    if (n) memcpy(to, s->ready.at + s->sent, n);
    s->sent += n;
    return (ssize_t)n;
}

void tide_streams_wake(struct tide_http *h, bool beat)
{
    pthread_mutex_lock(&h->lock);
    for (struct tide_stream *s = h->streams; s; s = s->next) {
        if (beat) s->beat = true;
        if (!s->suspended) continue;
        s->suspended = false;
        MHD_resume_connection(s->connection);
    }
    pthread_mutex_unlock(&h->lock);
}

void tide_streams_listen(void *context)
{
    tide_streams_wake(context, false);
}

/* Where to begin: after Last-Event-ID, or at what comes. */
static int64_t starting_id(const struct tide_request *r)
{
    const char *last = MHD_lookup_connection_value(r->connection, MHD_HEADER_KIND, "Last-Event-ID");
    char *end = NULL;
    long long id = last ? strtoll(last, &end, 10) : 0;
    bool valid = last && *last && end && !*end && id > 0;
    return valid ? id : tide_feed_newest(r->http->config.feed);
}

static bool may_open(struct tide_http *h)
{
    pthread_mutex_lock(&h->lock);
    bool free_place = h->n_streams < h->connections_max / 4 * 3; /* requests still get through */
    pthread_mutex_unlock(&h->lock);
    return free_place;
}

static enum MHD_Result send_stream(struct tide_request *r, struct tide_stream *s)
{
    struct MHD_Response *response =
        MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, BLOCK, read_stream, s, free_stream);
    if (!response) {
        free_stream(s);
        return MHD_NO;
    }
    tide_answer_headers(response);
    MHD_add_response_header(response, "Content-Type", "text/event-stream");
    MHD_add_response_header(response, "Cache-Control", "no-store");
    MHD_add_response_header(response, "X-Accel-Buffering", "no"); /* nginx would hold events back */
    enum MHD_Result sent = MHD_queue_response(r->connection, MHD_HTTP_OK, response);
    MHD_destroy_response(response);
    return sent;
}

enum MHD_Result tide_streams_open(struct tide_request *r)
{
    static const char *const known[] = {"batch", "project", NULL};
    const char *project = tide_query_text(r, "project");
    int64_t batch;
    if (!tide_query_known(r, known) || !tide_query_integer(r, "batch", 1, INT64_MAX, 0, &batch))
        return tide_answer_send(r);
    struct tide_stream *s = may_open(r->http) ? calloc(1, sizeof *s) : NULL;
    if (!s) {
        tide_answer_problem(r, MHD_HTTP_SERVICE_UNAVAILABLE, "busy", "The daemon is busy", NULL,
                            "too many event streams are open");
        return tide_answer_send(r);
    }
    s->http = r->http;
    s->connection = r->connection;
    s->id = starting_id(r);
    s->batch = batch;
    if (project) s->project = strdup(project);
    s->beat = true; /* a first comment at once, so that the client knows that the stream stands */
    pthread_mutex_lock(&r->http->lock);
    link_stream(s);
    pthread_mutex_unlock(&r->http->lock);
    return send_stream(r, s);
}
