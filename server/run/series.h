/* series.h - what was stored of a run, read back: its curve and its events, for any window.
 *
 * Threads: any. Blocks on the store. Works on a run in progress: it answers with what stands. */
#ifndef TIDE_RUN_SERIES_H
#define TIDE_RUN_SERIES_H

#include "stats/curve.h"
#include "store/store.h"

struct tide_window {
    int64_t from_ns, to_ns;
};

/* The curve in the window, thinned to at most `limit` points; the caller frees *out with
 * tide_points_free. */
TIDE_CHECK enum tide_rc tide_series_curve(struct tide_store *s, int64_t run, struct tide_window w,
                                          size_t limit, struct tide_points *out,
                                          struct tide_error *e);

struct tide_event_filter {
    struct tide_window window;
    unsigned kinds;       /* bit 1 << enum tide_kind for each wanted; 0: all */
    const char *function; /* exact name, or its part after the last '.'; NULL: all */
    int64_t cursor;       /* events of the run to pass over, 0 at first */
    size_t limit;
};

/* Append {"events": [...], "next": cursor or null} as docs/API.md describes it. */
TIDE_CHECK enum tide_rc tide_series_events(struct tide_store *s, int64_t run,
                                           const struct tide_event_filter *f, struct tide_str *out,
                                           struct tide_error *e);

#endif
