/* progress.h - the newest batch's progress, on the terminal. */
#ifndef TIDE_PROGRESS_H
#define TIDE_PROGRESS_H

#include "store/store.h"

struct tide_progress {
    bool enabled;
    bool open;      /* a line without its newline stands on the terminal */
    char last[160]; /* what it says */
    int64_t done;   /* batch that was reported as done */
};

/* Redraw when something changed: in place on a terminal, else one line per change. */
void tide_progress_show(struct tide_progress *p, struct tide_store *store, const char *url);
void tide_progress_end(struct tide_progress *p);

#endif
