/* compare.h - two sides compared, cell by cell: docs/API.md, GET /api/v1/compare.
 *
 * Threads: any. Blocks on the store. */
#ifndef TIDE_STATS_COMPARE_H
#define TIDE_STATS_COMPARE_H

#include "store/samples.h"

#include <jansson.h>
#include <stdbool.h>

enum tide_axis { /* in which the sides differ */
                 TIDE_AXIS_COMMIT,
                 TIDE_AXIS_PYTHON,
                 TIDE_AXIS_ALLOCATOR,
                 TIDE_AXES,
};
const char *tide_axis_name(enum tide_axis a);

struct tide_side { /* texts are borrowed; python and allocator NULL: any, the same on both sides */
    const char *sha, *subject, *python, *allocator;
    int64_t committed_ns;
};

struct tide_comparison {
    int64_t project;
    const char *project_name;
    enum tide_axis axis;
    struct tide_side base, head;
    const char *scenario; /* NULL: all */
    struct tide_metric_row metric;
    bool subtract_empty; /* take off what the interpreter itself needs */
};

/* *out is a new object in the shape of docs/API.md. */
TIDE_CHECK enum tide_rc tide_compare(struct tide_store *s, const struct tide_comparison *c,
                                     json_t **out, struct tide_error *e);

/* One pair of cells judged: {"base", "head", the verdict's members, "differences"} into *out.
 * ABSENT: a side has no run that is done and has the metric, or nothing to subtract. `axis` is left
 * out of the differences. */
TIDE_CHECK enum tide_rc tide_compare_cells(struct tide_store *s, int64_t base, int64_t head,
                                           const struct tide_metric_row *metric,
                                           enum tide_axis axis, bool subtract_empty, json_t **out,
                                           struct tide_error *e);

/* The run of the cell whose tide mark is nearest to the median, the newest of several. ABSENT: none
 * is done. */
TIDE_CHECK enum tide_rc tide_compare_middle_run(struct tide_store *s, int64_t cell, int64_t *run,
                                                struct tide_error *e);

/* A new array of the same values in this order, equal ones as they were; takes `values` over. */
json_t *tide_compare_sort(json_t *values, int (*order)(const json_t *a, const json_t *b));

/* Order of two versions: numbers by value, and what comes before a release before it. */
int tide_compare_versions(const char *a, const char *b);

/* A number as JSON: an integer wherever it is one, null for NAN. */
json_t *tide_compare_number(double value);

#endif
