/* matrix.h - scenario by Python at one commit, each cell against a baseline: docs/API.md, GET
 * /api/v1/matrix.
 *
 * Threads: any. Blocks on the store. */
#ifndef TIDE_STATS_MATRIX_H
#define TIDE_STATS_MATRIX_H

#include "stats/compare.h"

struct tide_matrix { /* texts are borrowed */
    int64_t project;
    const char *project_name;
    struct tide_side at;         /* the commit; its python and allocator are not used */
    const char *baseline;        /* as it was asked for; NULL: not at all */
    const char *baseline_python; /* NULL: each Python against itself; "": the oldest one measured */
    const char *baseline_sha;    /* NULL: the same commit */
    struct tide_metric_row metric;
    bool subtract_empty;
};

/* *out is a new object in the shape of docs/API.md. */
TIDE_CHECK enum tide_rc tide_matrix_make(struct tide_store *s, const struct tide_matrix *m,
                                         json_t **out, struct tide_error *e);

#endif
