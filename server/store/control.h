/* control.h - what is done to the queue from outside: runs are cancelled and tried again, batches
 * get a priority, the queue is paused.
 *
 * Threads and durability as of store.h. */
#ifndef TIDE_STORE_CONTROL_H
#define TIDE_STORE_CONTROL_H

#include "store/store.h"

struct tide_scope { /* of a command: one run, one batch, or (both 0) everything */
    int64_t run, batch;
};

struct tide_touched { /* the runs that a command has changed; freed with tide_touched_free */
    struct tide_touched_run {
        int64_t run, batch;
    } * at;
    size_t n;
};
void tide_touched_free(struct tide_touched *c);

/* Queued runs of the scope become `cancelled`, and batches of which nothing is left end. ABSENT: no
 * such run or batch. */
TIDE_CHECK enum tide_rc tide_store_cancel_queued(struct tide_store *s, struct tide_scope scope,
                                                 struct tide_touched *out, struct tide_error *e);

/* Runs of the scope go back to the queue as one attempt more: those that failed for a reason
 * outside of what is measured, and cancelled ones where the scope is one run; with `all` every one
 * that failed or was cancelled, and builds that failed are tried once more. How each had ended goes
 * to `attempts`, what it had measured goes away. CONFLICT, where the scope is a run that is not to
 * be tried again, says why. ABSENT: no such run or batch. */
TIDE_CHECK enum tide_rc tide_store_retry(struct tide_store *s, struct tide_scope scope, bool all,
                                         struct tide_touched *out, struct tide_error *e);

/* ABSENT: no such batch. */
TIDE_CHECK enum tide_rc tide_store_set_priority(struct tide_store *s, int64_t batch,
                                                int64_t priority, struct tide_error *e);

/* A paused queue gives no run out; it stays so until it is resumed. */
TIDE_CHECK enum tide_rc tide_store_set_paused(struct tide_store *s, bool paused,
                                              struct tide_error *e);
TIDE_CHECK enum tide_rc tide_store_is_paused(struct tide_store *s, bool *out, struct tide_error *e);

/* The status of the run, and the batch that it is of. ABSENT: no such run. */
TIDE_CHECK enum tide_rc tide_store_run_status(struct tide_store *s, int64_t run, char status[16],
                                              int64_t *batch, struct tide_error *e);

/* Whether a run that has not ended is of this commit and python. */
TIDE_CHECK enum tide_rc tide_store_is_wanted(struct tide_store *s, int64_t commit, int64_t python,
                                             bool *out, struct tide_error *e);

#endif
