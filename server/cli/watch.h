/* watch.h - follows work in the daemon to its end. */
#ifndef TIDE_WATCH_H
#define TIDE_WATCH_H

#include "base/error.h"

#include <jansson.h>
#include <stdbool.h>

enum tide_watch_voice {
    TIDE_WATCH_LINES,  /* a line for each run and build that ends, and progress */
    TIDE_WATCH_BAR,    /* progress alone */
    TIDE_WATCH_JSON,   /* each event as a line of JSON */
    TIDE_WATCH_SILENT, /* nothing */
};

struct tide_watch {
    long long batch; /* 0: everything that is queued */
    long long run;   /* 0: not one alone */
    enum tide_watch_voice voice;
    bool nowhere;     /* nobody answers at the daemon's address afterwards: do not name it */
    long long failed; /* out: runs that failed or were cancelled while it was watched */
    json_t *ended;    /* out: the batch (else the run) as it ended, a new reference; NULL for all */
};

/* Watch until what is watched has ended. Progress goes to standard output: in place on a terminal,
 * else a line at each change. Survives a restart of the daemon of up to a minute; ABSENT after it.
 * ABSENT or INVALID when there is no such batch or run. */
TIDE_CHECK enum tide_rc tide_watch(struct tide_watch *w, const char *data, struct tide_error *e);

#endif
