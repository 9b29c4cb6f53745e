/* plan.c - see plan.h. The plan is made of the same wish that tide_trigger would queue. */
#include "schedule/plan.h"

#include "schedule/memory.h"
#include "schedule/wish.h"

#include <stdlib.h>
#include <string.h>

#define FAILURES_SHOWN 100

struct plan {
    const struct tide_wish *wish;
    struct tide_store *store;
    const struct tide_builder *builder;
    struct tide_survey *survey; /* of the wish's commits */
    double *make_seconds;       /* of a build for each of the wish's pythons; 0: not asked yet */
    json_t *keys;               /* of the builds seen so far, as the members of an object */
    json_t *failures;           /* of builds that are known to fail */
    size_t needed, cached, failed;
    double run_seconds, build_seconds;
    size_t unknown_runs, unknown_builds;
    int64_t largest; /* tide mark of what is most like the runs; 0: none is known */
};

static enum tide_rc out_of_memory(struct tide_error *e)
{
    return tide_fail(e, TIDE_NOMEM, "plan a batch");
}

/* ---- builds ---- */

static const struct tide_python *python_of(const struct plan *p, size_t python)
{
    return &p->wish->catalog->pythons.at[p->wish->pythons[python]];
}

static enum tide_rc note_failure(struct plan *p, size_t commit, size_t python,
                                 const struct tide_known_build *known, struct tide_error *e)
{
    p->failed++;
    if (p->failed > FAILURES_SHOWN) return TIDE_OK;
    json_t *failure = json_pack(
        "{s:s, s:s, s:I, s:s}", "commit", p->wish->selection.commits[commit].sha, "python",
        python_of(p, python)->name, "build", (json_int_t)known->id, "error", known->error);
    return json_array_append_new(p->failures, failure) ? out_of_memory(e) : TIDE_OK;
}

static enum tide_rc note_needed(struct plan *p, size_t python, struct tide_error *e)
{
    const struct tide_wish *w = p->wish;
    double *seconds = &p->make_seconds[python];
    enum tide_rc rc = TIDE_OK;
    if (*seconds == 0) {
        *seconds = -1;
        rc = tide_store_build_seconds(p->store, w->catalog->project,
                                      w->catalog->python_ids[w->pythons[python]], seconds, e);
    }
    p->needed++;
    if (*seconds < 0)
        p->unknown_builds++;
    else
        p->build_seconds += *seconds;
    return rc;
}

/* Several commits may share a build: each key counts once. */
static enum tide_rc judge_build(struct plan *p, size_t commit, size_t python, struct tide_error *e)
{
    const struct tide_wish *w = p->wish;
    struct tide_build build;
    struct tide_known_build known = {0};
    enum tide_rc rc = tide_survey_plan(p->survey, commit, python_of(p, python), &build, e);
    if (rc) return rc;
    if (json_object_get(p->keys, build.key)) goto out;
    if (json_object_set_new(p->keys, build.key, json_true())) {
        rc = out_of_memory(e);
        goto out;
    }
    rc = tide_store_find_build(p->store, build.key, &known, e);
    if (!rc && known.error && !w->retry_failed)
        rc = note_failure(p, commit, python, &known, e);
    else if (!rc && !known.error && build.cached)
        p->cached++;
    else if (!rc || rc == TIDE_ABSENT)
        rc = note_needed(p, python, e);
out:
    free(known.error);
    tide_build_clear(&build);
    return rc;
}

static enum tide_rc judge_builds(struct plan *p, struct tide_error *e)
{
    const struct tide_wish *w = p->wish;
    size_t n = w->selection.n;
    const struct tide_subject subject = tide_catalog_subject(w->catalog, NULL);
    bool *seen = calloc(n * w->n_pythons + 1, sizeof *seen);
    const char **shas = calloc(n + 1, sizeof *shas);
    p->make_seconds = calloc(w->n_pythons + 1, sizeof *p->make_seconds);
    enum tide_rc rc = TIDE_OK;
    if (!seen || !shas || !p->make_seconds) {
        rc = out_of_memory(e);
        goto out;
    }
    for (size_t i = 0; i < n; i++)
        shas[i] = w->selection.commits[i].sha;
    rc = tide_survey_make(p->builder, &subject, shas, n, &p->survey, e);
    for (size_t i = 0; i < w->n_cells && !rc; i++) {
        const struct tide_wish_cell *c = &w->cells[i];
        bool *here = &seen[c->commit * w->n_pythons + c->python];
        if (!*here) rc = judge_build(p, c->commit, c->python, e);
        *here = true;
    }
out:
    tide_survey_free(p->survey);
    free(p->make_seconds);
    free(shas);
    free(seen);
    return rc;
}

/* ---- time and memory ---- */

/* Cells of a scenario and a python take alike. */
static enum tide_rc estimate_runs(struct plan *p, struct tide_error *e)
{
    const struct tide_wish *w = p->wish;
    enum tide_rc rc = TIDE_OK;
    for (size_t s = 0; s < w->n_scenarios; s++)
        for (size_t y = 0; y < w->n_pythons && !rc; y++) {
            double seconds = -1;
            int64_t tide_mark = 0;
            size_t runs = 0;
            for (size_t i = 0; i < w->n_cells; i++)
                if (w->cells[i].scenario == s && w->cells[i].python == y)
                    runs += (size_t)w->samples[i];
            rc = tide_store_run_seconds(p->store, w->scenarios[s]->id, w->params[s],
                                        w->catalog->python_ids[w->pythons[y]], &seconds, &tide_mark,
                                        e);
            if (tide_mark > p->largest) p->largest = tide_mark;
            if (seconds < 0)
                p->unknown_runs += runs;
            else
                p->run_seconds += seconds * (double)runs;
        }
    return rc;
}

static json_t *describe_estimate(const struct plan *p, int jobs)
{
    size_t at_once = p->needed < (size_t)jobs ? p->needed : (size_t)jobs;
    double seconds = p->run_seconds + (at_once ? p->build_seconds / (double)at_once : 0);
    bool known = p->unknown_runs < p->wish->n_runs || p->unknown_builds < p->needed;
    return json_pack("{s:o, s:I, s:I}", "seconds", known ? json_real(seconds) : json_null(),
                     "unknown_runs", (json_int_t)p->unknown_runs, "unknown_builds",
                     (json_int_t)p->unknown_builds);
}

static json_t *describe_memory(const struct plan *p)
{
    struct tide_memory memory;
    tide_memory_read(&memory);
    bool told = memory.available != INT64_MAX;
    return json_pack("{s:o, s:o}", "largest", p->largest ? json_integer(p->largest) : json_null(),
                     "available", told ? json_integer(memory.available) : json_null());
}

/* ---- the JSON ---- */

static json_t *list_commits(const struct tide_selection *s)
{
    json_t *list = json_array();
    for (size_t i = 0; i < s->n; i++)
        json_array_append_new(list,
                              json_pack("{s:s, s:s, s:s, s:I}", "sha", s->commits[i].sha, "subject",
                                        s->commits[i].subject, "author", s->commits[i].author,
                                        "committed_ns", (json_int_t)s->commits[i].committed_ns));
    return list;
}

static json_t *list_pythons(const struct plan *p)
{
    json_t *list = json_array();
    for (size_t i = 0; i < p->wish->n_pythons; i++)
        json_array_append_new(list, json_string(python_of(p, i)->name));
    return list;
}

static json_t *list_scenarios(const struct tide_wish *w)
{
    json_t *list = json_array();
    for (size_t i = 0; i < w->n_scenarios; i++)
        json_array_append_new(list, json_string(w->scenarios[i]->name));
    return list;
}

static enum tide_rc put_plan(const struct plan *p, int jobs, struct tide_str *out,
                             struct tide_error *e)
{
    const struct tide_wish *w = p->wish;
    json_t *plan = json_pack(
        "{s:b, s:s, s:I, s:I, s:i, s:I, s:o, s:o, s:o, s:{s:I, s:I, s:I}, s:O, s:o, s:o, s:O}",
        "dry_run", 1, "project", w->catalog->row.name, "runs", (json_int_t)w->n_runs, "cells",
        (json_int_t)w->n_cells, "samples", w->wanted, "seed", (json_int_t)w->seed, "commits",
        list_commits(&w->selection), "pythons", list_pythons(p), "scenarios", list_scenarios(w),
        "builds", "needed", (json_int_t)p->needed, "cached", (json_int_t)p->cached, "failed",
        (json_int_t)p->failed, "known_failures", p->failures, "estimate",
        describe_estimate(p, jobs), "memory", describe_memory(p), "left_out", w->left_out);
    char *text = plan ? json_dumps(plan, JSON_COMPACT) : NULL;
    if (text) tide_str_put(out, text);
    free(text);
    json_decref(plan);
    return text && !out->failed ? TIDE_OK : out_of_memory(e);
}

enum tide_rc tide_plan(const struct tide_catalog *c, struct tide_store *store,
                       const struct tide_builder *builder, int jobs, const json_t *request,
                       struct tide_str *out, struct tide_error *e)
{
    struct tide_wish w;
    struct plan p = {.wish = &w,
                     .store = store,
                     .builder = builder,
                     .keys = json_object(),
                     .failures = json_array()};
    enum tide_rc rc = tide_wish_make(c, store, request, &w, e);
    if (!rc) rc = judge_builds(&p, e);
    if (!rc) rc = estimate_runs(&p, e);
    if (!rc) rc = put_plan(&p, jobs, out, e);
    json_decref(p.keys);
    json_decref(p.failures);
    tide_wish_clear(&w);
    return rc;
}
