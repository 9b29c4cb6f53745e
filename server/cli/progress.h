/* progress.h - the newest batch's progress, on the terminal. */
#ifndef TIDE_PROGRESS_H
#define TIDE_PROGRESS_H

#include "store/store.h"

#include <jansson.h>

struct tide_progress {
    bool enabled;
    bool open;      /* a line without its newline stands on the terminal */
    char last[160]; /* what it says */
    int64_t done;   /* batch that was reported as done */
};

/* Draw the batch (as GET /api/v1/batches/{id} has it) when it has changed: in place on a terminal,
 * else one line per change; at its end, where its curves are unless `url` is NULL. */
void tide_progress_batch(struct tide_progress *p, const json_t *batch, const char *url);
/* The same of a run alone (as GET /api/v1/runs/{id} has it), and of all that is queued (`queue` of
 * GET /api/v1/status). */
void tide_progress_run(struct tide_progress *p, const json_t *run);
void tide_progress_queue(struct tide_progress *p, const json_t *queue);
/* Take the line off the terminal, for another to be printed there; the next call draws it again. */
void tide_progress_clear(struct tide_progress *p);
/* The same of the newest batch in the store. */
void tide_progress_show(struct tide_progress *p, struct tide_store *store, const char *url);
void tide_progress_end(struct tide_progress *p);

#endif
