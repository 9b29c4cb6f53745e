/* compare.c - see compare.h.
 *
 * Cells of both sides are matched by what they have in common: scenario, parameters, measure, and
 * of Python and allocator whatever is not the axis, by name. Where a side has several (a scenario
 * that was edited, a Python that was built anew) the pair with the most in common is taken, then
 * the newest; what differs all the same is named. */
#include "stats/compare.h"

#include "stats/verdict.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define REPEATS_MOST 400

const char *tide_axis_name(enum tide_axis a)
{
    static const char *const names[] = {"commit", "python", "allocator"};
    return names[a];
}

json_t *tide_compare_number(double value)
{
    if (isnan(value) || isinf(value)) return json_null();
    if (fabs(value) < 9e15 && value == floor(value)) return json_integer((json_int_t)value);
    return json_real(value);
}

json_t *tide_compare_sort(json_t *values, int (*order)(const json_t *a, const json_t *b))
{
    json_t *sorted = json_array(), *value;
    size_t i;
    json_array_foreach(values, i, value)
    {
        size_t low = 0, high = i;
        while (low < high) {
            size_t middle = (low + high) / 2;
            if (order(json_array_get(sorted, middle), value) <= 0)
                low = middle + 1;
            else
                high = middle;
        }
        json_array_insert(sorted, low, value);
    }
    json_decref(values);
    return sorted;
}

static const char *text(const json_t *object, const char *name)
{
    const char *value = json_string_value(json_object_get(object, name));
    return value ? value : "";
}

static json_int_t number(const json_t *object, const char *name)
{
    return json_integer_value(json_object_get(object, name));
}

/* ---- one pair ---- */

struct sides { /* of one pair of cells, with their samples */
    struct tide_samples base, head, repeats;
    int64_t base_run, head_run; /* in the middle */
};

static void clear_sides(struct sides *p)
{
    tide_samples_clear(&p->base);
    tide_samples_clear(&p->head);
    tide_samples_clear(&p->repeats);
}

static int64_t middle_of(const struct tide_samples *s)
{
    struct tide_summary summary;
    double *values = malloc(s->n * sizeof *values);
    int64_t run = s->runs[s->n - 1];
    if (!values) return run;
    memcpy(values, s->values, s->n * sizeof *values);
    summary = tide_store_summary(values, s->n);
    free(values);
    double nearest = INFINITY;
    for (size_t i = 0; i < s->n; i++)
        if (fabs(s->values[i] - summary.median) <= nearest) {
            nearest = fabs(s->values[i] - summary.median);
            run = s->runs[i];
        }
    return run;
}

enum tide_rc tide_compare_middle_run(struct tide_store *s, int64_t cell, int64_t *run,
                                     struct tide_error *e)
{
    struct tide_samples samples;
    enum tide_rc rc = tide_store_samples(s, cell, TIDE_METRIC_TIDE_MARK, &samples, e);
    if (!rc && !samples.n)
        rc = tide_fail(e, TIDE_ABSENT, "cell %lld has no run that is done", (long long)cell);
    if (!rc) *run = middle_of(&samples);
    tide_samples_clear(&samples);
    return rc;
}

/* Take off what an empty run on the same Python needs. */
static enum tide_rc subtract(struct tide_store *s, int64_t cell, enum tide_metric metric,
                             struct tide_samples *samples, struct tide_error *e)
{
    double own = 0;
    enum tide_rc rc = tide_store_empty_value(s, cell, metric, &own, e);
    for (size_t i = 0; i < samples->n && !rc; i++)
        samples->values[i] -= own;
    return rc;
}

static enum tide_rc read_side(struct tide_store *s, int64_t cell, enum tide_metric metric,
                              bool subtract_empty, struct tide_samples *out, struct tide_error *e)
{
    enum tide_rc rc = tide_store_samples(s, cell, metric, out, e);
    if (!rc && !out->n)
        return tide_fail(e, TIDE_ABSENT, "cell %lld has no run with this metric", (long long)cell);
    if (!rc && subtract_empty) rc = subtract(s, cell, metric, out, e);
    return rc;
}

static json_t *describe_side(int64_t cell, const struct tide_samples *s)
{
    json_t *runs = json_array(), *side;
    double *values = malloc(s->n * sizeof *values);
    if (!values) {
        json_decref(runs);
        return NULL;
    }
    memcpy(values, s->values, s->n * sizeof *values);
    for (size_t i = 0; i < s->n; i++)
        json_array_append_new(runs, json_integer(s->runs[i]));
    const struct tide_summary m = tide_store_summary(values, s->n);
    free(values);
    side =
        json_pack("{s:I, s:o, s:I}", "cell", (json_int_t)cell, "runs", runs, "n", (json_int_t)m.n);
    json_object_set_new(side, "minimum", tide_compare_number(m.minimum));
    json_object_set_new(side, "maximum", tide_compare_number(m.maximum));
    json_object_set_new(side, "median", tide_compare_number(m.median));
    json_object_set_new(side, "low", tide_compare_number(m.low));
    json_object_set_new(side, "high", tide_compare_number(m.high));
    return side;
}

static void put_judgement(json_t *out, const struct tide_judgement *j)
{
    json_object_set_new(out, "verdict", json_string(tide_verdict_name(j->verdict)));
    json_object_set_new(out, "effect", tide_compare_number(j->effect));
    json_object_set_new(out, "low", tide_compare_number(j->low));
    json_object_set_new(out, "high", tide_compare_number(j->high));
    json_object_set_new(out, "percent", tide_compare_number(j->percent));
    json_object_set_new(out, "noise", tide_compare_number(j->noise));
    json_object_set_new(out, "why", json_string(j->why));
    json_object_set_new(out, "needs", j->needs ? json_integer(j->needs) : json_null());
}

/* ---- what else differs ---- */

static json_t *context_of(struct tide_store *s, int64_t run)
{
    struct tide_str out = {0};
    struct tide_error e;
    json_t *context = NULL;
    if (!tide_store_context_json(s, run, &out, &e)) context = json_loads(out.at, 0, NULL);
    tide_str_free(&out);
    return context ? context : json_object();
}

static void name_difference(json_t *list, const char *what, json_t *base, json_t *head)
{
    if (base == head || json_equal(base, head)) return;
    json_array_append_new(list, json_pack("{s:s, s:o, s:o}", "what", what, "base",
                                          base ? json_incref(base) : json_null(), "head",
                                          head ? json_incref(head) : json_null()));
}

/* What is measured anew at each start is no property of the place; the Python is told by its cell.
 */
static bool is_measured(const char *key)
{
    static const char *const keys[] = {"rss_error", "mark_error", "cpus_allowed",
                                       "memory",    "python",     NULL};
    for (const char *const *k = keys; *k; k++)
        if (!strcmp(key, *k)) return true;
    return false;
}

/* How another Python's build is made, and the worker for it, is part of that Python. */
static json_t *list_differences(struct tide_store *s, const struct sides *p, enum tide_axis axis)
{
    json_t *list = json_array(), *base = context_of(s, p->base_run),
           *head = context_of(s, p->head_run);
    json_t *from = json_object_get(base, "environment"), *to = json_object_get(head, "environment");
    const char *key;
    json_t *value;
    json_object_foreach(from, key, value)
    {
        if (is_measured(key) || (axis == TIDE_AXIS_PYTHON && !strcmp(key, "instrument"))) continue;
        if (axis == TIDE_AXIS_ALLOCATOR && !strcmp(key, "variables")) continue;
        name_difference(list, key, value, json_object_get(to, key));
    }
    json_object_foreach(to, key, value)
    {
        if (!is_measured(key) && !json_object_get(from, key))
            name_difference(list, key, NULL, value);
    }
    if (axis != TIDE_AXIS_PYTHON) {
        name_difference(list, "build_flags", json_object_get(base, "flags"),
                        json_object_get(head, "flags"));
        name_difference(list, "build_compiler", json_object_get(base, "compiler"),
                        json_object_get(head, "compiler"));
    }
    json_decref(base);
    json_decref(head);
    return list;
}

static enum tide_rc judge_sides(const struct sides *p, const struct tide_metric_row *metric,
                                struct tide_judgement *j, struct tide_error *e)
{
    const struct tide_sample base = {p->base.values, p->base.n}, head = {p->head.values, p->head.n},
                             aa = {p->repeats.values, p->repeats.n};
    return tide_verdict_judge(base, head, aa, tide_floors_of(metric->name), metric->unit, j, e);
}

enum tide_rc tide_compare_cells(struct tide_store *s, int64_t base, int64_t head,
                                const struct tide_metric_row *metric, enum tide_axis axis,
                                bool subtract_empty, json_t **out, struct tide_error *e)
{
    struct sides p = {0};
    struct tide_judgement j;
    *out = NULL;
    enum tide_rc rc = read_side(s, base, metric->id, subtract_empty, &p.base, e);
    if (!rc) rc = read_side(s, head, metric->id, subtract_empty, &p.head, e);
    if (!rc) rc = tide_store_repeats(s, head, base, metric->id, REPEATS_MOST, &p.repeats, e);
    if (!rc) rc = judge_sides(&p, metric, &j, e);
    if (!rc) {
        p.base_run = middle_of(&p.base);
        p.head_run = middle_of(&p.head);
        *out = json_pack("{s:o, s:o}", "base", describe_side(base, &p.base), "head",
                         describe_side(head, &p.head));
        if (*out) {
            put_judgement(*out, &j);
            json_object_set_new(*out, "differences", list_differences(s, &p, axis));
        } else
            rc = tide_fail(e, TIDE_NOMEM, "compare two cells");
    }
    clear_sides(&p);
    return rc;
}

/* ---- whole sides ---- */

int tide_compare_versions(const char *a, const char *b)
{
    while (*a && *b) {
        if (isdigit((unsigned char)*a) && isdigit((unsigned char)*b)) {
            char *after_a, *after_b;
            unsigned long x = strtoul(a, &after_a, 10), y = strtoul(b, &after_b, 10);
            if (x != y) return x < y ? -1 : 1;
            a = after_a;
            b = after_b;
        } else if (*a != *b) {
            return (unsigned char)*a < (unsigned char)*b ? -1 : 1;
        } else {
            a++;
            b++;
        }
    }
    /* 3.13.0 is newer than 3.13.0rc1, and 3.13.1 newer than 3.13 */
    if (!*a && !*b) return 0;
    return isalpha((unsigned char)(*a ? *a : *b)) ? (*a ? -1 : 1) : (*a ? 1 : -1);
}

/* By scenario, and of that the oldest Python first: those that are gone from the machine keep no
 * place among those that are here, so the store's order will not do. */
static int compare_rows(const json_t *a, const json_t *b)
{
    int order = strcmp(text(a, "scenario"), text(b, "scenario"));
    if (!order) order = tide_compare_versions(text(a, "python_version"), text(b, "python_version"));
    if (!order) order = strcmp(text(a, "python"), text(b, "python"));
    if (!order) order = strcmp(text(a, "key"), text(b, "key"));
    return order ? order : strcmp(text(a, "allocator"), text(b, "allocator"));
}

static enum tide_rc read_cells(struct tide_store *s, const struct tide_comparison *c,
                               const struct tide_side *side, json_t **out, struct tide_error *e)
{
    struct tide_str listed = {0};
    const struct tide_side_filter f = {c->project, side->sha, side->python, c->scenario,
                                       side->allocator};
    enum tide_rc rc = tide_store_side_json(s, &f, &listed, e);
    *out = rc ? NULL : json_loads(listed.at, 0, NULL);
    if (!rc && !*out) rc = tide_fail(e, TIDE_NOMEM, "read the cells of a side");
    if (!rc) *out = tide_compare_sort(*out, compare_rows);
    tide_str_free(&listed);
    return rc;
}

static bool is_equal(const json_t *a, const json_t *b, const char *name)
{
    return !strcmp(text(a, name), text(b, name));
}

static bool is_match(const struct tide_comparison *c, const json_t *base, const json_t *head)
{
    return is_equal(base, head, "scenario") && is_equal(base, head, "key") &&
           (c->axis == TIDE_AXIS_PYTHON || is_equal(base, head, "python")) &&
           (c->axis == TIDE_AXIS_ALLOCATOR || is_equal(base, head, "allocator"));
}

/* How good a match is: both measured, then the same version, then the same build of the Python. */
static int rank_match(const json_t *base, const json_t *head)
{
    bool measured = number(base, "done") && number(head, "done");
    return 4 * measured + 2 * (number(base, "scenario_id") == number(head, "scenario_id")) +
           (number(base, "python_id") == number(head, "python_id"));
}

/* The best match of `one` in `others`, NULL for none; the later of two equals. */
static json_t *find_match(const struct tide_comparison *c, const json_t *one, const json_t *others,
                          bool one_is_base)
{
    json_t *found = NULL, *other;
    size_t i;
    int best = -1;
    json_array_foreach(others, i, other)
    {
        const json_t *base = one_is_base ? one : other, *head = one_is_base ? other : one;
        if (!is_match(c, base, head)) continue;
        int rank = rank_match(base, head);
        if (rank >= best) {
            best = rank;
            found = other;
        }
    }
    return found;
}

static void put_missing(json_t *missing, const json_t *cell, const char *python, const char *side,
                        const char *why)
{
    json_array_append_new(missing, json_pack("{s:s, s:O, s:s, s:s, s:s, s:s}", "scenario",
                                             text(cell, "scenario"), "params",
                                             json_object_get(cell, "params"), "python",
                                             python ? python : text(cell, "python"), "allocator",
                                             text(cell, "allocator"), "side", side, "why", why));
}

/* Why a cell that is there has nothing to compare. */
static char *explain(const json_t *cell)
{
    const char *error = text(cell, "error");
    if (number(cell, "unfinished")) return tide_format("its runs are not finished");
    if (number(cell, "build_failed")) return tide_format("its build failed: %.200s", error);
    if (number(cell, "failed")) return tide_format("its runs failed: %.200s", error);
    return tide_format("it has no run that is done");
}

static void put_unmeasured(json_t *missing, const json_t *cell, const char *side)
{
    char *why = explain(cell);
    put_missing(missing, cell, NULL, side, why ? why : "it has no run that is done");
    free(why);
}

struct outcome {
    json_t *cells, *missing;
    json_int_t count[4]; /* by verdict */
};

static enum tide_rc add_pair(struct tide_store *s, const struct tide_comparison *c, json_t *base,
                             json_t *head, struct outcome *o, struct tide_error *e)
{
    json_t *judged = NULL, *row;
    enum tide_rc rc = tide_compare_cells(s, number(base, "id"), number(head, "id"), &c->metric,
                                         c->axis, c->subtract_empty, &judged, e);
    if (rc == TIDE_ABSENT) { /* measured, but not this */
        put_missing(o->missing, head, NULL, "head", e->text);
        return TIDE_OK;
    }
    if (rc) return rc;
    row = json_pack("{s:O, s:O, s:O, s:O, s:O, s:O, s:O}", "scenario",
                    json_object_get(head, "scenario"), "title", json_object_get(head, "title"),
                    "params", json_object_get(head, "params"), "python",
                    json_object_get(head, "python"), "commit", json_object_get(head, "commit"),
                    "allocator", json_object_get(head, "allocator"), "measure",
                    json_object_get(head, "measure"));
    json_object_update(row, judged);
    json_t *differences = json_object_get(row, "differences");
    name_difference(differences, "scenario_version", json_object_get(base, "version"),
                    json_object_get(head, "version"));
    if (c->axis != TIDE_AXIS_PYTHON)
        name_difference(differences, "python_build", json_object_get(base, "python_id"),
                        json_object_get(head, "python_id"));
    for (int v = 0; v < 4; v++)
        o->count[v] += !strcmp(text(judged, "verdict"), tide_verdict_name(v));
    json_decref(judged);
    json_array_append_new(o->cells, row);
    return TIDE_OK;
}

/* The cells of head in their order, each once, then those that only base has. */
static enum tide_rc pair_up(struct tide_store *s, const struct tide_comparison *c,
                            const json_t *bases, const json_t *heads, struct outcome *o,
                            struct tide_error *e)
{
    json_t *cell;
    size_t i;
    enum tide_rc rc = TIDE_OK;
    json_array_foreach(heads, i, cell)
    {
        json_t *base = find_match(c, cell, bases, false);
        if (base && find_match(c, base, heads, true) != cell) continue; /* another is better */
        if (!base)
            put_missing(o->missing, cell, c->base.python, "base", "it is not measured");
        else if (!number(cell, "done"))
            put_unmeasured(o->missing, cell, "head");
        else if (!number(base, "done"))
            put_unmeasured(o->missing, base, "base");
        else
            rc = add_pair(s, c, base, cell, o, e);
        if (rc) return rc;
    }
    json_array_foreach(bases, i, cell)
    {
        if (!find_match(c, cell, heads, true))
            put_missing(o->missing, cell, c->head.python, "head", "it is not measured");
    }
    return TIDE_OK;
}

static json_t *name_side(const struct tide_comparison *c, const struct tide_side *side)
{
    const char *const labels[] = {side->subject, side->python, side->allocator};
    json_t *out = json_pack("{s:s, s:{s:s, s:s, s:I}}", "label",
                            c->axis == TIDE_AXIS_COMMIT ? side->sha : labels[c->axis], "commit",
                            "sha", side->sha, "subject", side->subject, "committed_ns",
                            (json_int_t)side->committed_ns);
    if (side->python) json_object_set_new(out, "python", json_string(side->python));
    if (side->allocator) json_object_set_new(out, "allocator", json_string(side->allocator));
    return out;
}

static json_t *finish(const struct tide_comparison *c, struct outcome *o)
{
    return json_pack("{s:s, s:s, s:s, s:s, s:o, s:o, s:O, s:{s:I, s:I, s:I, s:I, s:I}, s:O}",
                     "project", c->project_name, "axis", tide_axis_name(c->axis), "metric",
                     c->metric.name, "unit", c->metric.unit, "base", name_side(c, &c->base), "head",
                     name_side(c, &c->head), "cells", o->cells, "summary", "worse",
                     o->count[TIDE_WORSE], "better", o->count[TIDE_BETTER], "same",
                     o->count[TIDE_SAME], "inconclusive", o->count[TIDE_INCONCLUSIVE], "missing",
                     (json_int_t)json_array_size(o->missing), "missing", o->missing);
}

enum tide_rc tide_compare(struct tide_store *s, const struct tide_comparison *c, json_t **out,
                          struct tide_error *e)
{
    struct outcome o = {.cells = json_array(), .missing = json_array()};
    json_t *bases = NULL, *heads = NULL;
    *out = NULL;
    enum tide_rc rc = read_cells(s, c, &c->base, &bases, e);
    if (!rc) rc = read_cells(s, c, &c->head, &heads, e);
    if (!rc) rc = pair_up(s, c, bases, heads, &o, e);
    if (!rc && !(*out = finish(c, &o))) rc = tide_fail(e, TIDE_NOMEM, "compare two sides");
    json_decref(bases);
    json_decref(heads);
    json_decref(o.cells);
    json_decref(o.missing);
    return rc;
}
