/* bisects.h - searches for the commit that changed a metric, as they stand in the database.
 *
 * What a search knows is its row, its steps and the runs of the cells it asks for: a daemon that is
 * killed goes on from there. Threads and errors as in store/store.h. */
#ifndef TIDE_STORE_BISECTS_H
#define TIDE_STORE_BISECTS_H

#include "store/store.h"

struct tide_bisect_row { /* texts are owned, tide_bisect_row_clear frees them */
    int64_t id, project, good, bad, scenario, python; /* ids in the store */
    int64_t samples, batch; /* batch: that it asked for last, 0 for none */
    char *project_name, *good_sha, *bad_sha, *scenario_name, *python_name;
    char *params, *allocator, *measure; /* of its cells */
    char *metric, *worse_than, *status;
};
void tide_bisect_row_clear(struct tide_bisect_row *r);

/* Write a new search, which is `running`; the names in *r are not read, nor is its status. */
TIDE_CHECK enum tide_rc tide_store_put_bisect(struct tide_store *s, const struct tide_bisect_row *r,
                                              int64_t *id, struct tide_error *e);
/* ABSENT: no such search. The caller clears *out, on failure too. */
TIDE_CHECK enum tide_rc tide_store_bisect(struct tide_store *s, int64_t id,
                                          struct tide_bisect_row *out, struct tide_error *e);
/* The ids of those that run, oldest first; the caller frees *ids. */
TIDE_CHECK enum tide_rc tide_store_running_bisects(struct tide_store *s, int64_t **ids, size_t *n,
                                                   struct tide_error *e);
/* `left` commits are in question still, which `tries` more measurements tell apart at the most;
 * `known` commits had been measured before it began. */
TIDE_CHECK enum tide_rc tide_store_set_bisect_left(struct tide_store *s, int64_t id, int64_t left,
                                                   int64_t tries, int64_t known,
                                                   struct tide_error *e);
/* It has ended: `result` (JSON) or `error` may be NULL. CONFLICT when it had ended before. */
TIDE_CHECK enum tide_rc tide_store_end_bisect(struct tide_store *s, int64_t id, const char *status,
                                              const char *result, const char *error,
                                              struct tide_error *e);

struct tide_bisect_step_row {
    char sha[65];
    char outcome[12]; /* measuring, good, bad, skipped */
    double value;     /* NAN: none */
    const char *why;  /* NULL: nothing; not filled in by tide_store_bisect_steps */
    int64_t cell;     /* 0: none */
};
/* Write the step of its commit, which is in the store: a new one, or what it has come to. */
TIDE_CHECK enum tide_rc tide_store_put_bisect_step(struct tide_store *s, int64_t bisect,
                                                   const struct tide_bisect_step_row *step,
                                                   struct tide_error *e);
/* In the order in which they began; the caller frees *out. */
TIDE_CHECK enum tide_rc tide_store_bisect_steps(struct tide_store *s, int64_t bisect,
                                                struct tide_bisect_step_row **out, size_t *n,
                                                struct tide_error *e);

/* What the runs of a cell have come to. */
struct tide_cell_reading {
    int64_t cell;   /* 0: nothing was ever asked of it */
    double *values; /* of the runs that are done and have the metric; freed by the caller */
    size_t n;
    int64_t unfinished, failed, cancelled; /* runs */
    bool build_failed;                     /* the newest that failed did so with its build */
    char error[300];                       /* of the newest run that failed */
};
TIDE_CHECK enum tide_rc tide_store_read_cell(struct tide_store *s, const struct tide_cell_name *c,
                                             enum tide_metric metric, struct tide_cell_reading *out,
                                             struct tide_error *e);
/* The series that the cell belongs to; ABSENT: it has none yet. */
TIDE_CHECK enum tide_rc tide_store_find_series(struct tide_store *s, const struct tide_cell_name *c,
                                               int64_t *series, struct tide_error *e);

/* One search, or a list of them, newest first, as docs/API.md shows them. */
TIDE_CHECK enum tide_rc tide_store_bisect_json(struct tide_store *s, int64_t id,
                                               struct tide_str *out, struct tide_error *e);
TIDE_CHECK enum tide_rc tide_store_bisects_json(struct tide_store *s, const char *project,
                                                const char *status, const struct tide_page *page,
                                                struct tide_str *out, struct tide_error *e);

#endif
