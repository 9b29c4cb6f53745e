/* cache.h - recent answers that can change no more, held ready in memory, so that asking again
 * costs neither a thread nor a query.
 *
 * An answer is known by the target of its request as it came, and by whether it is compressed. It
 * goes when the store has touched the run that it tells of (tide_store_stamp), or for want of room.
 *
 * Threads: any may call. */
#ifndef TIDE_HTTP_CACHE_H
#define TIDE_HTTP_CACHE_H

#include <microhttpd.h>
#include <stdbool.h>

struct tide_request;
struct tide_cache;

struct tide_cache *tide_cache_new(void);    /* NULL when memory ends */
void tide_cache_free(struct tide_cache *c); /* NULL is a no-op */

/* The answer of *r, which is finished, is settled: keep a copy. */
void tide_cache_keep(struct tide_request *r);

/* Whether the answer to *r is held: then it is sent, and *sent says how that went. */
bool tide_cache_send(struct tide_request *r, enum MHD_Result *sent);

#endif
