/* deliveries.h - webhooks to be sent, and what became of each.
 *
 * Threads and durability as of store.h. */
#ifndef TIDE_STORE_DELIVERIES_H
#define TIDE_STORE_DELIVERIES_H

#include "store/lists.h"
#include "store/store.h"

/* One delivery for each of the project's targets; `body` is JSON. In the same transaction the
 * change and the batch (0: none) count as told. */
struct tide_news {
    int64_t project, change, batch;
    const char *event, *body;
};
TIDE_CHECK enum tide_rc tide_store_put_deliveries(struct tide_store *s, const struct tide_news *n,
                                                  int64_t now_ns, struct tide_error *e);

/* A confirmed change for the worse that is not accepted, and that the targets of its project were
 * not told of; the caller frees *name, the project's. ABSENT: there is none. Those from before a
 * project had targets count as told. */
TIDE_CHECK enum tide_rc tide_store_untold_change(struct tide_store *s, int64_t *change,
                                                 int64_t *project, char **name,
                                                 struct tide_error *e);

/* The same of the oldest batch that has ended with a run that failed. The run's end that ended it
 * has written that down (db/0017.sql), so that a kill in between loses nothing. */
TIDE_CHECK enum tide_rc tide_store_untold_batch(struct tide_store *s, int64_t *batch,
                                                int64_t *project, char **name,
                                                struct tide_error *e);

struct tide_delivery { /* texts are owned, tide_delivery_clear frees them */
    int64_t id, attempts;
    char *event, *url, *secret, *body;
};
/* The one that is due first; ABSENT: none is due by then. */
TIDE_CHECK enum tide_rc tide_store_next_delivery(struct tide_store *s, int64_t now_ns,
                                                 struct tide_delivery *out, struct tide_error *e);
void tide_delivery_clear(struct tide_delivery *d);

/* An attempt was made. `error` NULL: it was delivered; else it waits until `next_ns`, or (0) is
 * dead. `code` 0: there was no answer. */
TIDE_CHECK enum tide_rc tide_store_end_delivery(struct tide_store *s, int64_t id, int code,
                                                const char *error, int64_t next_ns, int64_t now_ns,
                                                struct tide_error *e);
/* Send it (once more) now. ABSENT: no such delivery; CONFLICT: it is delivered, or waits anyway. */
TIDE_CHECK enum tide_rc tide_store_retry_delivery(struct tide_store *s, int64_t id,
                                                  struct tide_error *e);

/* {"deliveries": [...], "next"}, newest first; of a project and a status, where they are not NULL.
 */
TIDE_CHECK enum tide_rc tide_store_deliveries_json(struct tide_store *s, const char *project,
                                                   const char *status, const struct tide_page *page,
                                                   struct tide_str *out, struct tide_error *e);
TIDE_CHECK enum tide_rc tide_store_delivery_json(struct tide_store *s, int64_t id,
                                                 struct tide_str *out, struct tide_error *e);

#endif
