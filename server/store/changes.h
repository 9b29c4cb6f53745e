/* changes.h - where the level of a series changes, as it stands in the database.
 *
 * Change points are found by stats/changes.h whenever a series has got new summaries; here they are
 * kept, so that one that was found before is known again: its id, its acceptance and its second
 * look stay, though new points may move it by a commit or two.
 * Threads and errors as in store/store.h. */
#ifndef TIDE_STORE_CHANGES_H
#define TIDE_STORE_CHANGES_H

#include "store/store.h"

#define TIDE_CHANGE_MOVES 2 /* points that a change may move by and be the same */

/* The metrics whose changes are kept; those of others are found when they are asked for. */
extern const enum tide_metric tide_kept_metrics[];
#define TIDE_KEPT_METRICS 2

/* One metric of a series along the line of its project: what is not on the line is left out. The
 * caller frees *out. */
TIDE_CHECK enum tide_rc tide_store_line_points(struct tide_store *s, int64_t series,
                                               enum tide_metric metric,
                                               struct tide_series_point **out, size_t *n,
                                               struct tide_error *e);

struct tide_stale { /* a series whose changes are to be found anew */
    int64_t series, version;
};
/* Up to `most` of them; *n are filled in. */
TIDE_CHECK enum tide_rc tide_store_stale(struct tide_store *s, size_t most, struct tide_stale *out,
                                         size_t *n, struct tide_error *e);

struct tide_change_row {
    size_t index, end; /* among the points */
    bool creep, confirmed;
    double before, after, effect, low, high; /* low, high: -INFINITY, INFINITY for none */
};
/* Write all changes of the series and the metric, which were found among the n points. What was
 * kept and is not among them is `dropped`. */
TIDE_CHECK enum tide_rc tide_store_put_changes(struct tide_store *s, int64_t series,
                                               enum tide_metric metric,
                                               const struct tide_series_point *points, size_t n,
                                               const struct tide_change_row *rows, size_t n_rows,
                                               struct tide_error *e);
/* Its changes are up to date, unless it has changed since. */
TIDE_CHECK enum tide_rc tide_store_settle(struct tide_store *s, const struct tide_stale *stale,
                                          struct tide_error *e);

/* ---- the second look ---- */

struct tide_suspect { /* texts are owned, tide_suspect_clear frees them */
    int64_t id, batch;
    char *project, *sha, *previous, *scenario, *python, *params, *allocator;
};
void tide_suspect_clear(struct tide_suspect *s);
/* The oldest suspect change of an enabled project that was not measured once more, has `points`
 * points or more before it, whose series waits for no run, which could move it, and whose project
 * has had fewer than `most` second looks within a day; ABSENT when there is none. */
TIDE_CHECK enum tide_rc tide_store_suspect(struct tide_store *s, int64_t points, int64_t most,
                                           struct tide_suspect *out, struct tide_error *e);
/* It cannot be measured once more. */
TIDE_CHECK enum tide_rc tide_store_drop_second_look(struct tide_store *s, int64_t change,
                                                    struct tide_error *e);
/* A change whose second look has ended, with what it measured on both sides, which the caller
 * frees; ABSENT when there is none. */
struct tide_second_look {
    int64_t change;
    double *before, *after;
    size_t n_before, n_after;
};
TIDE_CHECK enum tide_rc tide_store_second_look(struct tide_store *s, struct tide_second_look *out,
                                               struct tide_error *e);
TIDE_CHECK enum tide_rc tide_store_end_second_look(struct tide_store *s, int64_t change,
                                                   bool confirmed, struct tide_error *e);

/* ---- accepted changes, and lists ---- */

/* It is meant, and no alarm any more; `reason` NULL takes that back. ABSENT: no such change. */
TIDE_CHECK enum tide_rc tide_store_accept_change(struct tide_store *s, int64_t change,
                                                 const char *reason, const char *by,
                                                 struct tide_error *e);

struct tide_change_filter {
    const char *project, *scenario, *python, *metric, *verdict; /* NULL: any */
    const char *status;                                         /* NULL: any but dropped */
    int accepted; /* 1: only those, 0: only others, -1: any */
    struct tide_page page;
};
/* {"regressions": [...], "next"} as docs/API.md has it. */
TIDE_CHECK enum tide_rc tide_store_changes_json(struct tide_store *s,
                                                const struct tide_change_filter *f,
                                                struct tide_str *out, struct tide_error *e);
TIDE_CHECK enum tide_rc tide_store_change_json(struct tide_store *s, int64_t change,
                                               struct tide_str *out, struct tide_error *e);

#endif
