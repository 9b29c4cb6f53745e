/* needs.h - which run is next, and how much memory it will want, as far as the database tells.
 *
 * Threads and durability as of store.h. */
#ifndef TIDE_STORE_NEEDS_H
#define TIDE_STORE_NEEDS_H

#include "store/store.h"

/* The ids of the first `most` queued runs, in the order in which they are to be done. */
TIDE_CHECK enum tide_rc tide_store_queue_head(struct tide_store *s, size_t most, int64_t *runs,
                                              size_t *n, struct tide_error *e);

struct tide_need { /* bytes; texts are owned, tide_need_clear frees them */
    int64_t run, batch, scenario;
    char *file, *name, *params; /* of its scenario */
    int64_t past; /* the highest tide mark of runs that are most alike, 0: there is none */
    bool known;   /* what the scenario says is on record: */
    int64_t floor, memory;
    bool waiting; /* it is told already */
};
/* ABSENT: the run is not queued (any more). Most alike are runs of its cell, else of its scenario
 * and parameters on its python, else on any python. */
TIDE_CHECK enum tide_rc tide_store_need(struct tide_store *s, int64_t run, struct tide_need *out,
                                        struct tide_error *e);
void tide_need_clear(struct tide_need *n);
/* What its scenario says. */
TIDE_CHECK enum tide_rc tide_store_put_need(struct tide_store *s, const struct tide_need *n,
                                            struct tide_error *e);

/* Why the queued run is not started. */
TIDE_CHECK enum tide_rc tide_store_set_waiting(struct tide_store *s, int64_t run, const char *why,
                                               struct tide_error *e);
/* A run that was claimed goes back to the queue as it was, and waits for this. */
TIDE_CHECK enum tide_rc tide_store_give_back(struct tide_store *s, int64_t run, const char *why,
                                             struct tide_error *e);

#endif
