/* internal.h - what the files of this room share: a request on its way, and its answer. */
#ifndef TIDE_HTTP_INTERNAL_H
#define TIDE_HTTP_INTERNAL_H

#include "http/server.h"
#include "http/tokens.h"
#include "run/series.h"

#include <jansson.h>
#include <microhttpd.h>
#include <pthread.h>
#include <stdbool.h>

#define TIDE_HTTP_BODY_MAX    (1u << 20)
#define TIDE_IMPORT_PATH      "/api/v1/imports" /* takes files; its bodies may have TIDE_IMPORT_MAX */
#define TIDE_HTTP_THREADS     4                 /* of each lane */
#define TIDE_HTTP_ORIGINS     16
#define TIDE_HTTP_CONNECTIONS 2048  /* as far as the limit of open files allows */
#define TIDE_HTTP_IDLE_S      10    /* inactivity that libmicrohttpd allows */
#define TIDE_HTTP_DEADLINE_S  15    /* for a whole request, head and body */
#define TIDE_HTTP_MEMORY      16384 /* of a connection: head of a request and of its answer */

struct tide_connection { /* of the socket, for its whole life */
    struct tide_connection *next, *previous;
    int fd;
    _Atomic int64_t deadline_ns; /* monotonic; 0: none now */
};

struct tide_stream;
struct tide_request;

typedef void tide_handler(struct tide_request *r, int64_t id, const char *name);

enum { /* what a token may be allowed, as bits; admin is allowed everything */
       TIDE_SCOPE_READ = 1,
       TIDE_SCOPE_TRIGGER = 2, /* start and stop work */
       TIDE_SCOPE_UPLOAD = 4,  /* import files */
       TIDE_SCOPE_ADMIN = 8,   /* projects, tokens */
};

enum tide_lane {                  /* who answers a route */
                 TIDE_LANE_QUICK, /* threads that read the store alone: milliseconds */
                 TIDE_LANE_SLOW,  /* threads that may run git, wait for discovery, write much */
                 TIDE_LANES,
                 TIDE_LANE_NOW = TIDE_LANES, /* the connections' own thread: what never waits */
                 TIDE_LANE_COSTLY, /* the slow one's threads; how often is limited (quota.c) */
};

struct tide_route {
    const char *method, *path;
    tide_handler *handler;
    unsigned scope; /* one TIDE_SCOPE; 0: open to everybody */
    enum tide_lane lane;
};

#define TIDE_NAME_MAX 80 /* of a {name} in a path, with its terminator */

struct tide_request {
    struct tide_http *http;
    struct MHD_Connection *connection;
    struct tide_connection *socket; /* NULL: memory ended when it was opened */
    struct tide_request *next;      /* in its lane's queue */
    const struct tide_route *route; /* NULL: none has path and method */
    int64_t id;                     /* {id} of the path */
    char name[TIDE_NAME_MAX];       /* {name} of the path */
    char *uri;                      /* as it came, before decoding: tells of %00 */
    const char *method, *path;      /* libmicrohttpd's, valid while the request is */
    struct tide_str body;
    bool started, answering;
    int64_t started_ns; /* monotonic: when its head was there */
    int64_t token; /* id of the token that it came with and was allowed by; 0: none was needed */
    /* the answer, filled by a handler */
    unsigned status;
    const char *type; /* media type, static */
    struct tide_str answer;
    bool gzip;         /* it is compressed */
    int64_t settled;   /* the run that it tells of, which is done; 0: it may change */
    uint32_t stamp;    /* of that run, from before it was read */
    char tag[40];      /* ETag; "": none, and not to be stored */
    int retry_after_s; /* for 429 and 503; 0: the usual */
    char location[160];
    char allow[48];                 /* for 405 */
    const struct tide_asset *asset; /* instead of all of the above ... */
    struct MHD_Response *ready;     /* ... or a response that the room keeps */
};

/* The threads of a lane: a request that takes long holds up only its like. */
struct tide_pool {
    struct tide_http *http;
    pthread_cond_t queued;
    struct tide_request *first, *last; /* waiting for a thread */
    pthread_t threads[TIDE_HTTP_THREADS];
    unsigned n;
};

struct tide_http {
    struct tide_http_config config;
    const char *const *_Atomic cors; /* as of the configuration, which may be read again */
    struct tide_tokens *tokens;
    struct tide_cache *cache;
    struct MHD_Response *healthy; /* what /healthz answers, made once */
    struct tide_quota *quota;
    struct tide_latency *latency;
    struct MHD_Daemon *daemons[2]; /* at --listen, and on the loopback where that is not there */
    unsigned n_daemons;
    char url[96], local_url[96];
    int64_t started_ns;
    char origins[TIDE_HTTP_ORIGINS][96]; /* its own: "http://127.0.0.1:8421" */
    unsigned n_origins;
    bool wildcard; /* it listens at every address of the machine */
    char port[8];
    char cookie[32];       /* name of the session cookie, by port: cookies know no ports */
    pthread_mutex_t lock;  /* guards what follows */
    pthread_cond_t ending; /* for the keeper */
    struct tide_connection *connections;
    unsigned connections_max;
    struct tide_stream *streams;
    unsigned n_streams;
    bool stopping;
    struct tide_pool pools[TIDE_LANES];
    pthread_t keeper;
    bool keeping;
};

/* ---- listen.c ---- */

/* Start the listeners of h->config and learn the daemon's names. */
TIDE_CHECK enum tide_rc tide_listen_start(struct tide_http *h, struct tide_error *e);
/* Whether a Host header, or an Origin, is the daemon's own. */
bool tide_listen_owns_host(const struct tide_http *h, const char *authority);
bool tide_listen_owns_origin(const struct tide_http *h, const char *origin);
/* Whether browsers reach it under this name by TLS. */
bool tide_listen_is_secure(const struct tide_http *h, const char *authority);

/* ---- server.c: what libmicrohttpd calls ---- */

void *tide_server_begin(void *context, const char *uri, struct MHD_Connection *connection);
enum MHD_Result tide_server_handle(void *context, struct MHD_Connection *connection,
                                   const char *path, const char *method, const char *version,
                                   const char *data, size_t *n, void **request);
void tide_server_complete(void *context, struct MHD_Connection *connection, void **request,
                          enum MHD_RequestTerminationCode how);
void tide_server_notify(void *context, struct MHD_Connection *connection, void **socket,
                        enum MHD_ConnectionNotificationCode what);

/* ---- tokens.c ---- */

tide_handler tide_get_tokens, tide_post_tokens, tide_delete_token;

/* ---- guard.c: what is refused before routing ---- */

/* Check the head of a request. False: *r holds the refusal. */
bool tide_guard_head(struct tide_request *r);
/* Bytes that the body of this request may have. */
size_t tide_guard_body_max(const struct tide_request *r);
/* Make the answer the refusal of a body beyond that; false. */
bool tide_guard_too_large(struct tide_request *r);
/* Id of the valid token that the request carries, also where none was needed; 0: none. */
int64_t tide_guard_token(struct tide_request *r);

/* ---- router.c: REST ---- */

/* Whether `path` is the API's; others are files of the dashboard. */
bool tide_router_owns(const char *path);
/* The route of a request, whose id and name it sets; NULL, with r->allow where the path has other
 * methods. */
const struct tide_route *tide_router_find(struct tide_request *r);
/* Answer an API request. Runs on a thread of its lane; may block. */
void tide_router_answer(struct tide_request *r);
extern const struct tide_route tide_routes[]; /* ended by a NULL path */

/* ---- finish.c ---- */

/* Tag a good answer, make it a 304 where the client knows it, compress it, keep it. */
void tide_finish(struct tide_request *r);
bool tide_finish_takes_gzip(const struct tide_request *r);
/* Whether If-None-Match names the tag. */
bool tide_finish_is_known(const struct tide_request *r, const char *tag);

/* ---- idempotency.c ---- */

/* Have the handler of the route answer, once for each Idempotency-Key. */
void tide_idempotent(struct tide_request *r);

/* ---- sparse.c ---- */

/* Leave out of the rows of a list what `fields` does not name. */
void tide_sparse(struct tide_request *r);

/* ---- resources.c ---- */

tide_handler tide_get_hosts; /* hosts.c */
tide_handler tide_get_status, tide_get_pythons, tide_post_refresh, tide_get_commits,
    tide_get_scenarios, tide_post_runs, tide_get_batches, tide_get_batch, tide_get_runs,
    tide_get_run, tide_get_curve, tide_get_events, tide_get_run_log, tide_get_builds,
    tide_get_build, tide_get_build_log, tide_get_functions;

/* The body as JSON, a new reference; NULL: the answer is a problem. */
json_t *tide_read_body(struct tide_request *r);

/* The body of an order, which may be empty: an object with no other field than this one (NULL: none
 * at all), a new reference in *out; the target has no parameters. False: the answer is a problem
 * (control.c). */
bool tide_read_order(struct tide_request *r, const char *field, json_t **out);

/* Append a curve that was read to the answer, as an object; `children`: with their column. */
TIDE_CHECK enum tide_rc tide_put_curve(struct tide_request *r, int64_t run, struct tide_window w,
                                       const struct tide_points *points, bool children,
                                       struct tide_error *e);

/* ---- curves.c ---- */

tide_handler tide_get_curves;

/* ---- upkeep.c ---- */

tide_handler tide_post_gc;

/* ---- control.c ---- */

tide_handler tide_patch_batch, tide_post_batch_cancel, tide_post_batch_retry, tide_post_run_cancel,
    tide_post_run_retry, tide_post_queue_cancel, tide_post_queue_pause, tide_post_queue_resume;

/* ---- deliveries.c ---- */

tide_handler tide_get_deliveries, tide_post_delivery_retry;

/* ---- hooks.c ---- */

tide_handler tide_post_hook;

/* ---- projects.c ---- */

tide_handler tide_get_projects, tide_get_project, tide_post_projects, tide_patch_project,
    tide_delete_project;

/* ---- cells.c ---- */

tide_handler tide_get_metrics, tide_get_cells, tide_get_cell;

/* ---- compare.c ---- */

tide_handler tide_get_compare, tide_get_attribution, tide_get_matrix;

/* The parameters `metric` (default TIDE_METRIC_DEFAULT) and `subtract`. INVALID names one. */
TIDE_CHECK enum tide_rc tide_read_metric(const struct tide_request *r,
                                         struct tide_metric_row *metric, bool *subtract,
                                         struct tide_error *e);
/* Make the answer this value, which is taken over; NULL: memory ended. */
void tide_answer_json(struct tide_request *r, json_t *value);

/* ---- bisects.c ---- */

tide_handler tide_get_bisects, tide_get_bisect, tide_post_bisects, tide_post_bisect_cancel;

/* ---- merge_base.c ---- */

tide_handler tide_get_merge_base;
tide_handler tide_get_branches;

/* ---- histories.c ---- */

tide_handler tide_get_series, tide_get_regressions, tide_get_regression, tide_post_accept,
    tide_delete_accept;

/* ---- exchange.c ---- */

tide_handler tide_get_export, tide_post_imports;

/* ---- answer.c ---- */

/* Make the answer a problem (RFC 9457) of this kind; `kind` is the end of its type. `field` may be
 * NULL. */
void tide_answer_problem(struct tide_request *r, unsigned status, const char *kind,
                         const char *title, const char *field, const char *detail);
/* The same for a query parameter that is not allowed (400). */
void tide_answer_parameter(struct tide_request *r, const char *name, const char *detail);
/* Add a member to the problem that the answer is; takes `value` over. */
void tide_answer_member(struct tide_request *r, const char *name, json_t *value);
/* The same as the first from an error of a deeper room. */
void tide_answer_error(struct tide_request *r, const struct tide_error *e);
/* Say, before anything of it is read, that the answer tells of this run alone: where the run is
 * done, clients and the daemon may keep it for ever. */
void tide_answer_settle(struct tide_request *r, int64_t run);
/* The headers of an answer, whatever its status. */
void tide_answer_describe(const struct tide_request *r, struct MHD_Response *response);
/* Send the answer and its headers. */
enum MHD_Result tide_answer_send(struct tide_request *r);
/* Headers that every answer carries. */
void tide_answer_headers(struct MHD_Response *response);

/* ---- quota.c: how often a client may ask what is expensive ---- */

#define TIDE_QUOTA_BURST 200 /* questions at once ... */
#define TIDE_QUOTA_RATE  20  /* ... and more each second */

struct tide_quota *tide_quota_new(void); /* NULL when memory ends */
void tide_quota_free(struct tide_quota *l);
/* Take one of the client's questions: 0, or the seconds until there is one again. */
int tide_quota_take(struct tide_quota *l, uint64_t client, int64_t now_ns);
/* False: the question is one too many, and *r holds the refusal. */
bool tide_quota_allow(struct tide_request *r);

/* ---- outside.c ---- */

tide_handler tide_get_badge, tide_get_feed, tide_get_search;

/* ---- what watches the daemon ---- */

struct MHD_Response *tide_health_response(void); /* NULL when memory ends */
tide_handler tide_get_health, tide_get_ready, tide_get_metrics_text, tide_get_problem;

/* ---- cors.c: pages of other origins, where the configuration names them ---- */

bool tide_cors_allows(const struct tide_http *h, const char *origin);
bool tide_cors_is_on(const struct tide_http *h); /* some are named */
/* What tells a browser that the page which asks may read the answer. */
void tide_cors_headers(const struct tide_request *r, struct MHD_Response *response);
/* Whether the request asks what it may do (OPTIONS), of which *r then holds the answer. */
bool tide_cors_preflight(struct tide_request *r);

/* ---- files.c: the dashboard ---- */

tide_handler tide_get_docs;  /* the page that shows and tries the interface */
tide_handler tide_get_asset; /* the embedded file of this path */

enum MHD_Result tide_files_send(struct tide_request *r);

/* ---- streams.c: server-sent events ---- */

#define TIDE_STREAM_PATH "/api/v1/stream"

enum MHD_Result tide_streams_open(struct tide_request *r);
/* Resume every stream: there is something to send, or (beat) it is time for a heartbeat. */
void tide_streams_wake(struct tide_http *h, bool beat);
/* Feed listener; context is the tide_http. */
void tide_streams_listen(void *context);

#endif
