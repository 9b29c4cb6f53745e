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
 * else one line per change; at its end, where its curves are. */
void tide_progress_batch(struct tide_progress *p, const json_t *batch, const char *url);
/* The same of the newest batch in the store. */
void tide_progress_show(struct tide_progress *p, struct tide_store *store, const char *url);
void tide_progress_end(struct tide_progress *p);

#endif
