/* matrix.c - see matrix.h.
 *
 * A row is scenario, parameters, allocator and measure; a column a Python, the oldest first. What a
 * release changed is told apart by the scenario `empty`: as far as an empty run grew too, it was
 * the interpreter. */
#include "stats/matrix.h"

#include "stats/verdict.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define SPARK 20 /* commits */

struct matrix { /* what the rows are made of */
    struct tide_store *store;
    const struct tide_matrix *asked;
    json_t *columns, *cells, *bases; /* Pythons; cells at the commit and at the baseline's */
    const char *baseline;            /* name of its Python; NULL: each its own */
};

static const char *text(const json_t *object, const char *name)
{
    const char *value = json_string_value(json_object_get(object, name));
    return value ? value : "";
}

static json_int_t number(const json_t *object, const char *name)
{
    return json_integer_value(json_object_get(object, name));
}

static int compare_columns(const json_t *a, const json_t *b)
{
    int order = tide_compare_versions(text(a, "version"), text(b, "version"));
    return order ? order : strcmp(text(a, "name"), text(b, "name"));
}

/* ---- cells ---- */

static bool is_of_row(const json_t *cell, const json_t *row)
{
    return !strcmp(text(cell, "scenario"), text(row, "scenario")) &&
           !strcmp(text(cell, "key"), text(row, "key")) &&
           !strcmp(text(cell, "allocator"), text(row, "allocator"));
}

/* The cell of the row on the Python: a measured one before others, the newest of several. */
static json_t *find_cell(const json_t *cells, const json_t *row, const char *python)
{
    json_t *found = NULL, *cell;
    size_t i;
    json_array_foreach((json_t *)cells, i, cell)
    {
        if (strcmp(text(cell, "python"), python) != 0 || !is_of_row(cell, row)) continue;
        if (!found || number(cell, "done") || !number(found, "done")) found = cell;
    }
    return found;
}

static const char *status_of(const json_t *cell)
{
    if (number(cell, "done")) return "done";
    if (number(cell, "running")) return "running";
    if (number(cell, "unfinished")) return "queued";
    return number(cell, "build_failed") ? "build_failed" : "failed";
}

static json_t *list_spark(struct matrix *m, int64_t cell)
{
    double values[SPARK];
    size_t n = 0;
    struct tide_error e;
    json_t *out = json_array();
    if (!tide_store_spark(m->store, cell, m->asked->metric.id, SPARK, values, &n, &e))
        for (size_t i = 0; i < n; i++)
            json_array_append_new(out, tide_compare_number(values[i]));
    return out;
}

/* By how much an empty run grew from the one's Python to the other's; NAN: not known. */
static double interpreter_effect(struct matrix *m, int64_t base, int64_t head)
{
    const enum tide_metric metric = m->asked->metric.id;
    double from = 0, to = 0;
    struct tide_error e;
    if (metric != TIDE_METRIC_BASE && metric != TIDE_METRIC_TIDE_MARK) return NAN;
    if (tide_store_empty_value(m->store, base, metric, &from, &e) ||
        tide_store_empty_value(m->store, head, metric, &to, &e))
        return NAN;
    return to - from;
}

/* The baseline itself: nothing to judge. */
static void put_identity(json_t *cell)
{
    static const char *const zeros[] = {"effect", "low", "high", "percent"};
    json_object_set_new(cell, "verdict", json_string("same"));
    for (size_t i = 0; i < sizeof zeros / sizeof *zeros; i++)
        json_object_set_new(cell, zeros[i], json_integer(0));
    json_object_set_new(cell, "noise", json_null());
    json_object_set_new(cell, "needs", json_null());
    json_object_set_new(cell, "why", json_string("this is the baseline"));
}

static void put_unknown(json_t *cell, const char *why)
{
    static const char *const nulls[] = {"verdict", "effect", "low",  "high",
                                        "percent", "noise",  "needs"};
    for (size_t i = 0; i < sizeof nulls / sizeof *nulls; i++)
        json_object_set_new(cell, nulls[i], json_null());
    json_object_set_new(cell, "why", json_string(why));
}

static void put_shares(struct matrix *m, json_t *cell, int64_t base, int64_t head)
{
    double interpreter = interpreter_effect(m, base, head);
    double effect = json_number_value(json_object_get(cell, "effect"));
    double extension = m->asked->subtract_empty ? effect : effect - interpreter;
    json_object_set_new(cell, "interpreter", tide_compare_number(interpreter));
    json_object_set_new(cell, "extension", tide_compare_number(extension));
}

/* Judge a cell that has runs against its baseline. */
static enum tide_rc judge(struct matrix *m, json_t *cell, const json_t *base, int64_t id,
                          struct tide_error *e)
{
    json_t *judged = NULL, *value;
    const char *name;
    int64_t base_id = number(base, "id");
    enum tide_rc rc = tide_compare_cells(m->store, base_id ? base_id : id, id, &m->asked->metric,
                                         TIDE_AXIS_PYTHON, m->asked->subtract_empty, &judged, e);
    if (rc == TIDE_ABSENT) {
        put_unknown(cell, e->text);
        return TIDE_OK;
    }
    if (rc) return rc;
    json_t *summary = json_copy(json_object_get(judged, "head"));
    json_object_del(summary, "cell");
    json_object_del(summary, "runs");
    json_object_set_new(cell, "M", summary);
    json_object_foreach(judged, name, value)
    {
        if (strcmp(name, "base") != 0 && strcmp(name, "head") != 0 &&
            strcmp(name, "differences") != 0)
            json_object_set(cell, name, value);
    }
    if (!base_id)
        put_unknown(cell, "the baseline of this row is not measured");
    else if (base_id == id)
        put_identity(cell);
    if (base_id) put_shares(m, cell, base_id, id);
    json_decref(judged);
    return TIDE_OK;
}

static enum tide_rc make_cell(struct matrix *m, const json_t *known, const json_t *base,
                              json_t **out, struct tide_error *e)
{
    int64_t id = number(known, "id");
    json_t *cell = json_pack(
        "{s:I, s:s, s:O, s:n, s:n, s:n, s:o, s:O, s:O, s:O}", "cell", (json_int_t)id, "status",
        status_of(known), "runs", json_object_get(known, "done"), "M", "interpreter", "extension",
        "spark", list_spark(m, id), "run", json_object_get(known, "run"), "build",
        json_object_get(known, "build"), "error", json_object_get(known, "error"));
    *out = cell;
    if (!cell) return tide_fail(e, TIDE_NOMEM, "make a matrix");
    if (number(known, "done"))
        return judge(m, cell, base && number(base, "done") ? base : NULL, id, e);
    put_unknown(cell, "it has no run that is done");
    return TIDE_OK;
}

/* ---- rows ---- */

/* Which of the two moved, by the floors of the metric. */
static const char *who_moved(const struct matrix *m, const json_t *cell)
{
    const json_t *interpreter = json_object_get(cell, "interpreter"),
                 *extension = json_object_get(cell, "extension");
    const struct tide_floors floors = tide_floors_of(m->asked->metric.name);
    double level = json_number_value(json_object_get(json_object_get(cell, "M"), "median"));
    double least = fmax(floors.absolute, floors.share * fabs(level));
    if (!json_is_number(interpreter) || !json_is_number(extension)) return NULL;
    bool inner = fabs(json_number_value(interpreter)) >= least,
         outer = fabs(json_number_value(extension)) >= least;
    return inner && outer ? "both" : inner ? "interpreter" : outer ? "extension" : NULL;
}

static bool has_moved(const json_t *cell)
{
    const char *verdict = text(cell, "verdict");
    return !strcmp(verdict, "worse") || !strcmp(verdict, "better");
}

/* The first release after the baseline (of all, where each is its own) that moved. */
static void put_first_moved(const struct matrix *m, json_t *row)
{
    const json_t *cells = json_object_get(row, "cells");
    bool after = !m->baseline;
    for (size_t i = 0; i < json_array_size(m->columns); i++) {
        const json_t *column = json_array_get(m->columns, i), *cell = json_array_get(cells, i);
        if (after && has_moved(cell)) {
            const char *who = who_moved(m, cell);
            json_object_set(row, "first_moved", json_object_get(column, "name"));
            json_object_set_new(row, "moved", who ? json_string(who) : json_null());
            return;
        }
        if (m->baseline && !strcmp(text(column, "name"), m->baseline)) after = true;
    }
}

static enum tide_rc make_row(struct matrix *m, const json_t *first, json_t **out,
                             struct tide_error *e)
{
    json_t *cells = json_array(), *column;
    size_t i;
    enum tide_rc rc = TIDE_OK;
    *out = json_pack("{s:O, s:O, s:O, s:O, s:O, s:o, s:n, s:n}", "scenario",
                     json_object_get(first, "scenario"), "title", json_object_get(first, "title"),
                     "params", json_object_get(first, "params"), "allocator",
                     json_object_get(first, "allocator"), "measure",
                     json_object_get(first, "measure"), "cells", cells, "first_moved", "moved");
    if (!*out) return tide_fail(e, TIDE_NOMEM, "make a matrix");
    json_array_foreach(m->columns, i, column)
    {
        const char *python = text(column, "name");
        json_t *known = find_cell(m->cells, first, python), *cell = NULL;
        json_t *base = find_cell(m->bases, first, m->baseline ? m->baseline : python);
        if (known && !rc) rc = make_cell(m, known, base, &cell, e);
        json_array_append_new(cells, cell ? cell : json_null());
    }
    put_first_moved(m, *out);
    return rc;
}

static bool is_begun(const json_t *cells, size_t i)
{
    for (size_t k = 0; k < i; k++)
        if (is_of_row(json_array_get(cells, k), json_array_get(cells, i))) return true;
    return false;
}

static enum tide_rc make_rows(struct matrix *m, json_t *rows, struct tide_error *e)
{
    enum tide_rc rc = TIDE_OK;
    for (size_t i = 0; i < json_array_size(m->cells) && !rc; i++) {
        json_t *row = NULL;
        if (is_begun(m->cells, i)) continue;
        rc = make_row(m, json_array_get(m->cells, i), &row, e);
        json_array_append_new(rows, row ? row : json_null());
    }
    return rc;
}

/* ---- the whole ---- */

static enum tide_rc read_cells(struct tide_store *s, int64_t project, const char *sha, json_t **out,
                               struct tide_error *e)
{
    struct tide_str listed = {0};
    const struct tide_side_filter f = {.project = project, .sha = sha};
    enum tide_rc rc = tide_store_side_json(s, &f, &listed, e);
    *out = rc ? NULL : json_loads(listed.at, 0, NULL);
    if (!rc && !*out) rc = tide_fail(e, TIDE_NOMEM, "read the cells of a matrix");
    tide_str_free(&listed);
    return rc;
}

static enum tide_rc read_all(struct matrix *m, struct tide_error *e)
{
    const struct tide_matrix *a = m->asked;
    struct tide_str columns = {0};
    enum tide_rc rc = tide_store_columns_json(m->store, a->project, a->at.sha, &columns, e);
    if (!rc && !(m->columns = json_loads(columns.at, 0, NULL)))
        rc = tide_fail(e, TIDE_NOMEM, "read the columns of a matrix");
    tide_str_free(&columns);
    if (!rc) m->columns = tide_compare_sort(m->columns, compare_columns);
    if (!rc) rc = read_cells(m->store, a->project, a->at.sha, &m->cells, e);
    if (!rc)
        rc = read_cells(m->store, a->project, a->baseline_sha ? a->baseline_sha : a->at.sha,
                        &m->bases, e);
    return rc;
}

/* The oldest Python that has a run that is done. */
static const char *oldest_measured(const struct matrix *m)
{
    for (size_t i = 0; i < json_array_size(m->columns); i++) {
        const char *name = text(json_array_get(m->columns, i), "name");
        for (size_t k = 0; k < json_array_size(m->bases); k++) {
            const json_t *cell = json_array_get(m->bases, k);
            if (number(cell, "done") && !strcmp(text(cell, "python"), name)) return name;
        }
    }
    return NULL;
}

static json_t *describe(const struct matrix *m, json_t *rows)
{
    const struct tide_matrix *a = m->asked;
    json_t *python = m->baseline ? json_string(m->baseline) : json_null();
    json_t *shown = a->baseline   ? json_string(a->baseline)
                    : m->baseline ? json_string(m->baseline)
                                  : json_null();
    return json_pack("{s:s, s:{s:s, s:s, s:I}, s:{s:o, s:o, s:s}, s:s, s:s, s:O, s:O}", "project",
                     a->project_name, "commit", "sha", a->at.sha, "subject", a->at.subject,
                     "committed_ns", (json_int_t)a->at.committed_ns, "baseline", "text", shown,
                     "python", python, "commit", a->baseline_sha ? a->baseline_sha : a->at.sha,
                     "metric", a->metric.name, "unit", a->metric.unit, "pythons", m->columns,
                     "rows", rows);
}

enum tide_rc tide_matrix_make(struct tide_store *s, const struct tide_matrix *asked, json_t **out,
                              struct tide_error *e)
{
    struct matrix m = {.store = s, .asked = asked, .baseline = asked->baseline_python};
    json_t *rows = json_array();
    *out = NULL;
    enum tide_rc rc = read_all(&m, e);
    if (!rc && m.baseline && !*m.baseline) m.baseline = oldest_measured(&m);
    if (!rc) rc = make_rows(&m, rows, e);
    if (!rc && !(*out = describe(&m, rows))) rc = tide_fail(e, TIDE_NOMEM, "make a matrix");
    json_decref(rows);
    json_decref(m.columns);
    json_decref(m.cells);
    json_decref(m.bases);
    return rc;
}
