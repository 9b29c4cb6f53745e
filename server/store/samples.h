/* samples.h - what comparisons are made of (store/samples.c): a part of store.h, for those that
 * compare. */
#ifndef TIDE_STORE_SAMPLES_H
#define TIDE_STORE_SAMPLES_H

#include "store/store.h"

struct tide_samples {
    double *values;
    int64_t *runs; /* values[i] is that of runs[i] */
    size_t n;
};
void tide_samples_clear(struct tide_samples *s);

/* The metric of each run of the cell that is done and has it, oldest first. */
TIDE_CHECK enum tide_rc tide_store_samples(struct tide_store *s, int64_t cell,
                                           enum tide_metric metric, struct tide_samples *out,
                                           struct tide_error *e);

/* By how much one run and the next of the same cell differ, of up to `most` pairs: of cells that
 * have scenario, params, allocator and measure of `cell`, measured on a host like its own. `cell`
 * and `other` are left out. out->runs stays NULL. */
TIDE_CHECK enum tide_rc tide_store_repeats(struct tide_store *s, int64_t cell, int64_t other,
                                           enum tide_metric metric, size_t most,
                                           struct tide_samples *out, struct tide_error *e);

struct tide_side_filter {
    int64_t project;
    const char *sha;
    const char *python, *scenario, *allocator; /* names; NULL: any */
};
/* Append an array of cells, in order of scenario and python: {"id", "scenario", "scenario_id",
 * "title", "version", "params", "python", "python_id", "commit", "allocator", "measure", "key" (of
 * params and measure), "done", "failed", "unfinished", "running" (runs), "run", "build" (the
 * newest), "error", "build_failed"}. */
TIDE_CHECK enum tide_rc tide_store_side_json(struct tide_store *s, const struct tide_side_filter *f,
                                             struct tide_str *out, struct tide_error *e);

/* The name of the Python that a name, a version or the beginning of one ("3.12") means: of several
 * the newest that is here. ABSENT: none was ever known. */
TIDE_CHECK enum tide_rc tide_store_python_named(struct tide_store *s, const char *text, char *name,
                                                size_t room, struct tide_error *e);

/* Append {"environment", "flags", "compiler"}: what the run ran in, and how its build was made. */
TIDE_CHECK enum tide_rc tide_store_context_json(struct tide_store *s, int64_t run,
                                                struct tide_str *out, struct tide_error *e);

/* The metric of the scenario `empty` on the Python and with the allocator of the cell, at its
 * commit or else at the one nearest in time. ABSENT: it was never measured. */
TIDE_CHECK enum tide_rc tide_store_empty_value(struct tide_store *s, int64_t cell,
                                               enum tide_metric metric, double *out,
                                               struct tide_error *e);

/* The median of the metric at the cell's commit and at up to most - 1 before it on the line of the
 * project, oldest first; NAN where there is none. `values` has room for `most`. */
TIDE_CHECK enum tide_rc tide_store_spark(struct tide_store *s, int64_t cell,
                                         enum tide_metric metric, int most, double *values,
                                         size_t *n, struct tide_error *e);

/* Append an array {"id", "name", "version"} of the Pythons that were measured at the commit, and of
 * those of the project's that are here and usable. */
TIDE_CHECK enum tide_rc tide_store_columns_json(struct tide_store *s, int64_t project,
                                                const char *sha, struct tide_str *out,
                                                struct tide_error *e);

struct tide_iteration_row {
    int64_t value, rss; /* iterations that are done, bytes */
};
/* The marks of a run between iterations, in order; the caller frees *out. *payload: bytes that RSS
 * rose by from base to original, 0 where that is not known. ABSENT: no such run. */
TIDE_CHECK enum tide_rc tide_store_iterations(struct tide_store *s, int64_t run,
                                              struct tide_iteration_row **out, size_t *n,
                                              int64_t *payload, struct tide_error *e);

/* What the project is judged against ("PYTHON", "@COMMIT", "PYTHON@COMMIT"), "" for nothing. */
TIDE_CHECK enum tide_rc tide_store_baseline(struct tide_store *s, int64_t project, char *out,
                                            size_t room, struct tide_error *e);

#endif
