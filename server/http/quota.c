/* quota.c - how often a client may ask what is expensive: a bucket of TIDE_QUOTA_BURST questions
 * for each token, and for each address of those without one, that fills again by TIDE_QUOTA_RATE a
 * second.
 *
 * The table has a fixed number of places; a client whose place another one takes begins with a full
 * bucket, which errs on the side of answering. */
#include "http/internal.h"

#include "base/clock.h"
#include "base/hash.h"

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define PLACES 1024

struct place {
    uint64_t client; /* 0: free */
    double left;     /* questions */
    int64_t at_ns;   /* when that was so */
};

struct tide_quota {
    pthread_mutex_t lock; /* guards what follows */
    struct place places[PLACES];
};

struct tide_quota *tide_quota_new(void)
{
    struct tide_quota *l = calloc(1, sizeof *l);
    if (l) pthread_mutex_init(&l->lock, NULL);
    return l;
}

void tide_quota_free(struct tide_quota *l)
{
    if (!l) return;
    pthread_mutex_destroy(&l->lock);
    free(l);
}

int tide_quota_take(struct tide_quota *l, uint64_t client, int64_t now_ns)
{
    pthread_mutex_lock(&l->lock);
    struct place *p = &l->places[client % PLACES];
    if (p->client != client) *p = (struct place){client, TIDE_QUOTA_BURST, now_ns};
    p->left += (double)(now_ns - p->at_ns) / 1e9 * TIDE_QUOTA_RATE;
    if (p->left > TIDE_QUOTA_BURST) p->left = TIDE_QUOTA_BURST;
    p->at_ns = now_ns;
    bool allowed = p->left >= 1;
    if (allowed) p->left -= 1;
    pthread_mutex_unlock(&l->lock);
    return allowed ? 0 : 1;
}

/* The address that a connection comes from; behind a trusted proxy on this machine, the last that
 * the proxy names. */
static uint64_t address_hash(const struct tide_request *r)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(r->connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    const struct sockaddr *from = info ? info->client_addr : NULL;
    const char *forwarded =
        MHD_lookup_connection_value(r->connection, MHD_HEADER_KIND, "X-Forwarded-For");
    bool proxied = r->http->config.trusted && *r->http->config.trusted && forwarded;
    if (proxied) {
        const char *last = strrchr(forwarded, ',');
        last = last ? last + 1 : forwarded;
        last += strspn(last, " ");
        return tide_hash_64(last, strlen(last));
    }
    if (from && from->sa_family == AF_INET)
        return tide_hash_64(&((const struct sockaddr_in *)from)->sin_addr, 4);
    if (from && from->sa_family == AF_INET6) /* a client has a network of 64 bits of its own */
        return tide_hash_64(&((const struct sockaddr_in6 *)from)->sin6_addr, 8);
    return 1;
}

bool tide_quota_allow(struct tide_request *r)
{
    bool plan = MHD_lookup_connection_value(r->connection, MHD_GET_ARGUMENT_KIND, "dry_run");
    if (!r->route || (r->route->lane != TIDE_LANE_COSTLY && !plan)) return true;
    int64_t token = tide_guard_token(r);
    uint64_t client = token ? tide_hash_64(&token, sizeof token) : address_hash(r);
    r->retry_after_s = tide_quota_take(r->http->quota, client | 1, tide_clock_monotonic_ns());
    if (!r->retry_after_s) return true;
    char detail[120];
    snprintf(detail, sizeof detail,
             "%d questions of this kind may be asked at once, and %d more each second",
             TIDE_QUOTA_BURST, TIDE_QUOTA_RATE);
    tide_answer_problem(r, MHD_HTTP_TOO_MANY_REQUESTS, "rate-limited",
                        "Too many expensive questions", NULL, detail);
    return false;
}
