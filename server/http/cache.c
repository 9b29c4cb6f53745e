/* cache.c - see cache.h: a table of slots by hash; an answer displaces the one that stood in its
 * slot. */
#include "http/cache.h"

#include "base/hash.h"
#include "http/internal.h"

#include <stdlib.h>
#include <string.h>

#define SLOTS     512
#define SLOT_MAX  (256u << 10) /* bytes of one answer */
#define CACHE_MAX (6u << 20)   /* of all */

struct slot {
    char *uri; /* NULL: free */
    bool gzip;
    int64_t run;
    uint32_t stamp;
    size_t size;
    char tag[40];
    struct MHD_Response *response;
};

struct tide_cache {
    pthread_mutex_t lock; /* guards what follows */
    struct slot slots[SLOTS];
    size_t size;
    unsigned hand; /* the slot to clear next for want of room */
};

struct tide_cache *tide_cache_new(void)
{
    struct tide_cache *c = calloc(1, sizeof *c);
    if (c) pthread_mutex_init(&c->lock, NULL);
    return c;
}

/* Connections that still send the response hold references of their own. */
static void clear(struct tide_cache *c, struct slot *s)
{
    if (!s->uri) return;
    c->size -= s->size;
    free(s->uri);
    MHD_destroy_response(s->response);
    *s = (struct slot){0};
}

void tide_cache_free(struct tide_cache *c)
{
    if (!c) return;
    for (size_t i = 0; i < SLOTS; i++)
        clear(c, &c->slots[i]);
    pthread_mutex_destroy(&c->lock);
    free(c);
}

static struct slot *slot_of(struct tide_cache *c, const char *uri, bool gzip)
{
    return &c->slots[(tide_hash_64(uri, strlen(uri)) + gzip) % SLOTS];
}

static void make_room(struct tide_cache *c, size_t wanted)
{
    while (c->size + wanted > CACHE_MAX)
        clear(c, &c->slots[c->hand++ % SLOTS]);
}

/* An answer to a page of another origin names that origin: it is no other's. */
static bool is_anybodys(const struct tide_request *r)
{
    bool foreign = tide_cors_is_on(r->http) &&
                   MHD_lookup_connection_value(r->connection, MHD_HEADER_KIND, "Origin");
    return r->uri && !foreign;
}

void tide_cache_keep(struct tide_request *r)
{
    struct tide_cache *c = r->http->cache;
    size_t size = r->answer.length;
    if (!is_anybodys(r) || !size || size > SLOT_MAX) return;
    char *uri = strdup(r->uri);
    struct MHD_Response *response =
        uri ? MHD_create_response_from_buffer(size, r->answer.at, MHD_RESPMEM_MUST_COPY) : NULL;
    if (!response) {
        free(uri);
        return;
    }
    tide_answer_describe(r, response);
    pthread_mutex_lock(&c->lock);
    struct slot *s = slot_of(c, uri, r->gzip);
    clear(c, s);
    make_room(c, size);
    *s = (struct slot){uri, r->gzip, r->settled, r->stamp, size, "", response};
    memcpy(s->tag, r->tag, sizeof s->tag);
    c->size += size;
    pthread_mutex_unlock(&c->lock);
}

/* The slot that holds the answer to *r and still holds true; NULL: none. */
static struct slot *find(struct tide_cache *c, const struct tide_request *r, bool gzip)
{
    struct slot *s = slot_of(c, r->uri, gzip);
    if (!s->uri || s->gzip != gzip || strcmp(s->uri, r->uri) != 0) return NULL;
    if (s->stamp == tide_store_stamp(r->http->config.store, s->run)) return s;
    clear(c, s);
    return NULL;
}

/* Queueing takes a reference, so it is done before another thread can clear the slot. */
bool tide_cache_send(struct tide_request *r, enum MHD_Result *sent)
{
    struct tide_cache *c = r->http->cache;
    if (!c || !is_anybodys(r)) return false;
    pthread_mutex_lock(&c->lock);
    struct slot *s = find(c, r, tide_finish_takes_gzip(r));
    bool known = s && tide_finish_is_known(r, s->tag);
    if (s && !known) *sent = MHD_queue_response(r->connection, MHD_HTTP_OK, s->response);
    if (known) memcpy(r->tag, s->tag, sizeof r->tag);
    if (s) r->settled = s->run;
    pthread_mutex_unlock(&c->lock);
    if (!s) return false;
    r->status = known ? MHD_HTTP_NOT_MODIFIED : MHD_HTTP_OK;
    if (known) *sent = tide_answer_send(r);
    return true;
}
