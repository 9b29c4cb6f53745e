/* leaks.c - see leaks.h. */
#include "run/leaks.h"

#include "stats/compare.h"
#include "stats/leak.h"
#include "store/samples.h"

#include <math.h>
#include <stdlib.h>

#define RUNS_MOST     20
#define PAYLOAD_SHARE 1e-4 /* of the payload: what an iteration may keep of it and be no leak */

/* The marks of the last loop of the run, thinned to as many as are judged. */
static size_t thin_marks(const struct tide_iteration_row *rows, size_t n,
                         struct tide_leak_mark *out)
{
    size_t first = 0, kept = 0;
    for (size_t i = 1; i < n; i++)
        if (rows[i].value <= rows[i - 1].value) first = i;
    size_t stride = (n - first + TIDE_LEAK_MARKS - 1) / TIDE_LEAK_MARKS;
    for (size_t i = first; i < n; i += stride ? stride : 1)
        out[kept++] = (struct tide_leak_mark){(double)rows[i].value, (double)rows[i].rss};
    return kept;
}

static enum tide_rc judge_run(struct tide_store *s, int64_t run, struct tide_leak *out,
                              bool *has_marks, struct tide_error *e)
{
    struct tide_leak_mark marks[TIDE_LEAK_MARKS];
    struct tide_iteration_row *rows = NULL;
    size_t n = 0;
    int64_t payload = 0;
    enum tide_rc rc = tide_store_iterations(s, run, &rows, &n, &payload, e);
    *has_marks = !rc && n > 1;
    if (*has_marks) {
        double least = fmax(TIDE_LEAK_LEAST, PAYLOAD_SHARE * (double)payload);
        rc = tide_leak_judge(marks, thin_marks(rows, n, marks), least, out, e);
    }
    free(rows);
    return rc;
}

static int compare_slopes(const void *a, const void *b)
{
    double left = ((const struct tide_leak *)a)->slope,
           right = ((const struct tide_leak *)b)->slope;
    return (left > right) - (left < right);
}

static json_t *describe(struct tide_leak *leaks, size_t n)
{
    enum tide_leak_verdict verdict = leaks[0].verdict;
    int64_t needed = 0;
    for (size_t i = 0; i < n; i++) {
        if (leaks[i].verdict != leaks[0].verdict) verdict = TIDE_LEAK_INCONCLUSIVE;
        if (leaks[i].needed > needed) needed = leaks[i].needed;
    }
    qsort(leaks, n, sizeof *leaks, compare_slopes);
    const struct tide_leak *l = &leaks[n / 2];
    if (verdict == TIDE_LEAK_INCONCLUSIVE && !needed) needed = 2 * l->iterations;
    json_t *out = json_pack("{s:s, s:I}", "verdict", tide_leak_verdict_name(verdict), "iterations",
                            (json_int_t)l->iterations);
    json_object_set_new(out, "slope", tide_compare_number(l->slope));
    json_object_set_new(out, "low", tide_compare_number(l->low));
    json_object_set_new(out, "high", tide_compare_number(l->high));
    json_object_set_new(out, "needed",
                        verdict == TIDE_LEAK_INCONCLUSIVE ? json_integer(needed) : json_null());
    return out;
}

enum tide_rc tide_leaks_judge_cell(struct tide_store *s, int64_t cell, json_t **out,
                                   struct tide_error *e)
{
    struct tide_samples runs;
    struct tide_leak leaks[RUNS_MOST];
    size_t n = 0;
    enum tide_rc rc = tide_store_samples(s, cell, TIDE_METRIC_BASE, &runs, e);
    for (size_t i = runs.n > RUNS_MOST ? runs.n - RUNS_MOST : 0; i < runs.n && !rc; i++) {
        bool has_marks;
        rc = judge_run(s, runs.runs[i], &leaks[n], &has_marks, e);
        n += has_marks;
    }
    tide_samples_clear(&runs);
    *out = rc ? NULL : n ? describe(leaks, n) : json_null();
    return rc;
}
