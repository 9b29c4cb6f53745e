/* series.h - what was stored of a run, read back: its curve and its events, for any window.
 *
 * Threads: any. Blocks on the store. Works on a run in progress: it answers with what stands. */
#ifndef TIDE_RUN_SERIES_H
#define TIDE_RUN_SERIES_H

#include "stats/curve.h"
#include "store/store.h"

#include <stream.h>

struct tide_window {
    int64_t from_ns, to_ns;
};

/* The curve in the window, thinned to at most `limit` points; the caller frees *out with
 * tide_points_free. */
TIDE_CHECK enum tide_rc tide_series_curve(struct tide_store *s, int64_t run, struct tide_window w,
                                          size_t limit, struct tide_points *out,
                                          struct tide_error *e);

/* Called for each event and sample in order of time: its function or NULL, its instant since the
 * origin, and the change of RSS since the record before. A return other than OK ends the walk and
 * is returned. */
typedef enum tide_rc tide_record_fn(void *context, const struct tide_record *r,
                                    const struct tide_name_row *name, int64_t t_ns, int64_t drss,
                                    struct tide_error *e);
TIDE_CHECK enum tide_rc tide_series_each(struct tide_store *s, int64_t run, tide_record_fn *each,
                                         void *context, struct tide_error *e);

/* Append an event as a JSON object, as docs/API.md describes it; `index` below 0 is not known. */
void tide_series_put_event(struct tide_str *out, int64_t index, const struct tide_record *r,
                           const struct tide_name_row *name, int64_t t_ns, int64_t drss);

/* Decompress a chunk of events: the payload as it was in the stream; freed by the caller. */
TIDE_CHECK enum tide_rc tide_series_inflate(const struct tide_chunk_row *row, uint8_t **payload,
                                            size_t *n, struct tide_error *e);

/* RSS of all of the run's child processes together at the instant of each of the n points, which
 * are in order of time; 0 where there was none. *out is freed by the caller. Costs reading the run
 * up to the last one. */
TIDE_CHECK enum tide_rc tide_series_children(struct tide_store *s, int64_t run,
                                             const struct tide_point *at, size_t n, uint64_t **out,
                                             struct tide_error *e);

struct tide_event_filter {
    struct tide_window window;
    unsigned kinds;       /* bit 1 << enum tide_kind for each wanted; 0: all */
    const char *function; /* exact name, or its part after the last '.'; NULL: all */
    int64_t from_event;   /* number of the first record of the run to look at, 0 for all */
    int64_t cursor;       /* where the page before ended, 0 at first */
    size_t limit;
};

/* Append {"events": [...], "next": cursor or null} as docs/API.md describes it. */
TIDE_CHECK enum tide_rc tide_series_events(struct tide_store *s, int64_t run,
                                           const struct tide_event_filter *f, struct tide_str *out,
                                           struct tide_error *e);

#endif
