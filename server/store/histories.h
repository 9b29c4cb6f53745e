/* histories.h - what a history of a scenario is made of: its series, the line of commits, what was
 * not measured and why.
 *
 * Threads and errors as in store/store.h. The caller frees what a call hands out. */
#ifndef TIDE_STORE_HISTORIES_H
#define TIDE_STORE_HISTORIES_H

#include "store/store.h"

struct tide_series_row {                     /* texts are owned, tide_series_rows_free frees them */
    int64_t id, python_id, points;           /* points: commits that have the metric */
    char *python, *python_version, *version; /* version: of the scenario */
    char *params, *allocator, *measure;
};
/* Every series of the scenario, whatever its version, in the order of the pythons. */
TIDE_CHECK enum tide_rc tide_store_series_of(struct tide_store *s, const char *project,
                                             const char *scenario, enum tide_metric metric,
                                             struct tide_series_row **out, size_t *n,
                                             struct tide_error *e);
void tide_series_rows_free(struct tide_series_row *rows, size_t n);

struct tide_line_commit {
    int64_t id, committed_ns;
    char sha[65];
    char *subject; /* owned, tide_line_commits_free frees it */
};
/* The line of a project, oldest first. */
TIDE_CHECK enum tide_rc tide_store_line_commits(struct tide_store *s, int64_t project,
                                                struct tide_line_commit **out, size_t *n,
                                                struct tide_error *e);
void tide_line_commits_free(struct tide_line_commit *commits, size_t n);

struct tide_cell_place {
    int64_t cell, commit; /* ids */
};
/* The cells of a series, measured or not. */
TIDE_CHECK enum tide_rc tide_store_cells_of(struct tide_store *s, int64_t series,
                                            struct tide_cell_place **out, size_t *n,
                                            struct tide_error *e);

/* What the runs of a cell have come to, of which none is done: "running", "queued", "build_failed",
 * "failed" or NULL (cancelled); static. */
TIDE_CHECK enum tide_rc tide_store_cell_status(struct tide_store *s, int64_t cell, const char **out,
                                               struct tide_error *e);
/* The commits of a project that are known not to build for a python. */
TIDE_CHECK enum tide_rc tide_store_broken(struct tide_store *s, int64_t project, int64_t python,
                                          int64_t **out, size_t *n, struct tide_error *e);

struct tide_kept_change { /* accepted: JSON, owned, NULL: it is not */
    int64_t id, commit, last;
    bool creep, confirmed;
    double before, after, effect, low, high; /* low, high: NAN for none */
    char *accepted;
};
/* The changes that are kept of a series and are not dropped. */
TIDE_CHECK enum tide_rc tide_store_kept_changes(struct tide_store *s, int64_t series,
                                                enum tide_metric metric,
                                                struct tide_kept_change **out, size_t *n,
                                                struct tide_error *e);
void tide_kept_changes_free(struct tide_kept_change *changes, size_t n);

#endif
