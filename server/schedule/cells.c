/* cells.c - see cells.h.
 *
 * `new` and `missing` are judged here, by the very cells that are asked for: a commit is new when
 * none of them has a run, and a cell is missing while it has fewer runs done or on their way than
 * are wanted. What the request names one by one is asked for whatever is on record of it. */
#include "schedule/cells.h"

#include "run/allocator.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ALLOCATORS_MAX 5

struct allocators {
    const char *names[ALLOCATORS_MAX]; /* borrowed from the request; none: each python's own */
    bool of_use[ALLOCATORS_MAX];       /* a python can have it */
    size_t n;
};

static enum tide_rc leave_out(struct tide_wish *w, struct tide_error *e, const char *why,
                              const char *format, ...) __attribute__((format(printf, 4, 5)));
static enum tide_rc leave_out(struct tide_wish *w, struct tide_error *e, const char *why,
                              const char *format, ...)
{
    char what[160];
    va_list values;
    va_start(values, format);
    vsnprintf(what, sizeof what, format, values);
    va_end(values);
    return json_array_append_new(w->left_out, json_pack("{s:s, s:s}", "what", what, "why", why))
               ? tide_fail(e, TIDE_NOMEM, "plan a batch")
               : TIDE_OK;
}

/* ---- every combination ---- */

static enum tide_rc read_allocators(const json_t *request, struct allocators *a,
                                    struct tide_error *e)
{
    const json_t *list = json_object_get(request, "allocators");
    bool fits = !list || (json_is_array(list) && json_array_size(list) &&
                          json_array_size(list) <= ALLOCATORS_MAX);
    for (size_t i = 0; fits && i < json_array_size(list); i++) {
        const char *name = json_string_value(json_array_get(list, i));
        fits = name != NULL;
        for (size_t k = 0; k < a->n && name; k++)
            if (!strcmp(a->names[k], name)) name = NULL;
        if (name) a->names[a->n++] = name;
    }
    return fits ? TIDE_OK
                : tide_fail_field(e, "allocators", "must be a list of 1 to %d names",
                                  ALLOCATORS_MAX);
}

/* A python that was asked for by name must be able to have the allocator; one of all is left out.
 */
static enum tide_rc judge_allocator(struct tide_wish *w, struct allocators *a, size_t i, size_t y,
                                    struct tide_error *e)
{
    struct tide_error why;
    const struct tide_python *python = &w->catalog->pythons.at[w->pythons[y]];
    if (!tide_allocator_check(a->names[i], python, &why)) {
        a->of_use[i] = true;
        return TIDE_OK;
    }
    if (w->named[y]) {
        if (e) *e = why;
        return TIDE_INVALID;
    }
    return leave_out(w, e, why.text, "%s with %.40s", python->name, a->names[i]);
}

static enum tide_rc judge_allocators(struct tide_wish *w, struct allocators *a,
                                     struct tide_error *e)
{
    enum tide_rc rc = TIDE_OK;
    for (size_t i = 0; i < a->n && !rc; i++) {
        for (size_t y = 0; y < w->n_pythons && !rc; y++)
            rc = judge_allocator(w, a, i, y, e);
        if (!rc && !a->of_use[i]) /* say why, by the newest python */
            rc = tide_allocator_check(a->names[i], &w->catalog->pythons.at[w->pythons[0]], e);
    }
    return rc;
}

static void add_cell(struct tide_wish *w, size_t scenario, size_t python, const char *allocator)
{
    for (size_t c = 0; c < w->selection.n; c++)
        w->cells[w->n_cells++] = (struct tide_wish_cell){scenario, python, c, allocator};
}

static enum tide_rc combine(struct tide_wish *w, const struct allocators *a, struct tide_error *e)
{
    size_t most = w->n_scenarios * w->n_pythons * (a->n ? a->n : 1) * w->selection.n;
    if (most > TIDE_CELLS_JUDGED_MAX)
        return tide_fail_field(e, "commits",
                               "%zu cells are more than the %d that a request may ask for", most,
                               TIDE_CELLS_JUDGED_MAX);
    w->cells = calloc(most + 1, sizeof *w->cells);
    w->samples = calloc(most + 1, sizeof *w->samples);
    if (!w->cells || !w->samples) return tide_fail(e, TIDE_NOMEM, "plan a batch");
    for (size_t s = 0; s < w->n_scenarios; s++)
        for (size_t y = 0; y < w->n_pythons; y++) {
            const struct tide_python *python = &w->catalog->pythons.at[w->pythons[y]];
            if (!a->n) add_cell(w, s, y, tide_allocator_default(python));
            for (size_t i = 0; i < a->n; i++)
                if (!tide_allocator_check(a->names[i], python, NULL))
                    add_cell(w, s, y, a->names[i]);
        }
    for (size_t i = 0; i < w->n_cells; i++)
        w->samples[i] = w->wanted;
    return TIDE_OK;
}

/* ---- what is on record of them ---- */

static enum tide_rc read_facts(struct tide_store *store, const struct tide_wish *w,
                               struct tide_cell_facts *facts, struct tide_error *e)
{
    struct tide_cell_name *names = calloc(w->n_cells + 1, sizeof *names);
    if (!names) return tide_fail(e, TIDE_NOMEM, "plan a batch");
    for (size_t i = 0; i < w->n_cells; i++) {
        const struct tide_wish_cell *c = &w->cells[i];
        names[i] = (struct tide_cell_name){
            .project = w->catalog->project,
            .scenario = w->scenarios[c->scenario]->id,
            .python = w->catalog->python_ids[w->pythons[c->python]],
            .sha = w->selection.commits[c->commit].sha,
            .params = w->params[c->scenario],
            .allocator = c->allocator,
            .measure = w->measure,
        };
    }
    enum tide_rc rc = tide_store_cell_facts(store, names, w->n_cells, facts, e);
    free(names);
    return rc;
}

/* Cells of commits that have a run want none; the number of those commits in *old. */
static enum tide_rc keep_new(struct tide_wish *w, const struct tide_cell_facts *facts, size_t *old,
                             struct tide_error *e)
{
    bool *seen = calloc(w->selection.n + 1, sizeof *seen);
    if (!seen) return tide_fail(e, TIDE_NOMEM, "plan a batch");
    for (size_t i = 0; i < w->n_cells; i++)
        if (facts[i].done + facts[i].unfinished + facts[i].failed > 0)
            seen[w->cells[i].commit] = !w->selection.named[w->cells[i].commit];
    for (size_t i = 0; i < w->n_cells; i++)
        if (seen[w->cells[i].commit]) w->samples[i] = 0;
    for (size_t c = 0; c < w->selection.n; c++)
        *old += seen[c];
    free(seen);
    return TIDE_OK;
}

/* Cells want what they lack; how many lack nothing in *full, and nothing that a build could give in
 * *broken. */
static void keep_missing(struct tide_wish *w, const struct tide_cell_facts *facts, size_t *full,
                         size_t *broken)
{
    for (size_t i = 0; i < w->n_cells; i++) {
        int64_t held = facts[i].done + facts[i].unfinished;
        if (!w->samples[i] || w->selection.named[w->cells[i].commit]) continue;
        w->samples[i] = held < w->wanted ? w->wanted - (int)held : 0;
        *full += !w->samples[i];
        if (!w->samples[i] || w->retry_failed || !facts[i].build_failed) continue;
        w->samples[i] = 0;
        ++*broken;
    }
}

static enum tide_rc filter(struct tide_store *store, struct tide_wish *w, struct tide_error *e)
{
    size_t old = 0, full = 0, broken = 0;
    struct tide_cell_facts *facts = calloc(w->n_cells + 1, sizeof *facts);
    if (!facts) return tide_fail(e, TIDE_NOMEM, "plan a batch");
    enum tide_rc rc = read_facts(store, w, facts, e);
    if (!rc && w->selection.only_new) rc = keep_new(w, facts, &old, e);
    if (!rc && w->selection.only_missing) keep_missing(w, facts, &full, &broken);
    if (!rc && old) rc = leave_out(w, e, "they have runs already", "%zu commits", old);
    if (!rc && full) rc = leave_out(w, e, "they have their samples already", "%zu cells", full);
    if (!rc && broken)
        rc = leave_out(w, e, "their build failed before; retry_failed tries it again", "%zu cells",
                       broken);
    free(facts);
    return rc;
}

static enum tide_rc refuse_nothing(const struct tide_wish *w, struct tide_error *e)
{
    const struct tide_selection *s = &w->selection;
    char field[40];
    snprintf(field, sizeof field, "commits[%zu]", s->only_missing ? s->missing_at : s->new_at);
    const json_t *first = json_array_get(w->left_out, json_array_size(w->left_out) - 1);
    return tide_fail_field(
        e, field, "%s names nothing: %s of %zu are left out, since %s",
        s->only_missing ? "missing" : "new", json_string_value(json_object_get(first, "what")),
        s->only_missing ? w->n_cells : s->n, json_string_value(json_object_get(first, "why")));
}

/* Let go of the cells that want no run, and of the commits that have no cell then. */
static enum tide_rc drop_unwanted(struct tide_wish *w, struct tide_error *e)
{
    struct tide_selection *s = &w->selection;
    size_t *place = calloc(s->n + 1, sizeof *place), kept = 0, n = 0;
    if (!place) return tide_fail(e, TIDE_NOMEM, "plan a batch");
    for (size_t i = 0; i < w->n_cells; i++)
        if (w->samples[i]) {
            w->cells[kept] = w->cells[i];
            w->samples[kept++] = w->samples[i];
            place[w->cells[i].commit] = 1;
        }
    w->n_cells = kept;
    for (size_t c = 0; c < s->n; c++)
        if (place[c]) {
            struct tide_commit moved = s->commits[c];
            s->commits[c] = (struct tide_commit){0};
            s->commits[n] = moved;
            s->named[n] = s->named[c];
            place[c] = n++;
        } else {
            tide_commit_clear(&s->commits[c]);
        }
    s->n = n;
    for (size_t i = 0; i < kept; i++)
        w->cells[i].commit = place[w->cells[i].commit];
    free(place);
    return TIDE_OK;
}

static enum tide_rc count_runs(struct tide_wish *w, struct tide_error *e)
{
    w->n_runs = 0;
    for (size_t i = 0; i < w->n_cells; i++)
        w->n_runs += (size_t)w->samples[i];
    if (w->n_runs <= TIDE_BATCH_RUNS_MAX) return TIDE_OK;
    return tide_fail_field(e, "samples", "%zu runs are more than the %d that a batch may hold",
                           w->n_runs, TIDE_BATCH_RUNS_MAX);
}

enum tide_rc tide_cells_make(struct tide_store *store, const json_t *request, struct tide_wish *w,
                             struct tide_error *e)
{
    struct allocators a = {0};
    enum tide_rc rc = read_allocators(request, &a, e);
    if (!rc) rc = judge_allocators(w, &a, e);
    if (!rc) rc = combine(w, &a, e);
    if (!rc && (w->selection.only_new || w->selection.only_missing)) rc = filter(store, w, e);
    bool any = false;
    for (size_t i = 0; i < w->n_cells && !rc; i++)
        any = any || w->samples[i];
    if (!rc && !any) rc = refuse_nothing(w, e);
    if (!rc) rc = drop_unwanted(w, e);
    return rc ? rc : count_runs(w, e);
}
