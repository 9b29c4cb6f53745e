/* bisects.c - see bisects.h. */
#include "store/bisects.h"

#include "base/clock.h"
#include "store/internal.h"
#include "store/lists.h"
#include "store/samples.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void tide_bisect_row_clear(struct tide_bisect_row *r)
{
    free(r->project_name);
    free(r->good_sha);
    free(r->bad_sha);
    free(r->scenario_name);
    free(r->python_name);
    free(r->params);
    free(r->allocator);
    free(r->measure);
    free(r->metric);
    free(r->worse_than);
    free(r->status);
    *r = (struct tide_bisect_row){0};
}

enum tide_rc tide_store_put_bisect(struct tide_store *s, const struct tide_bisect_row *r,
                                   int64_t *id, struct tide_error *e)
{
    enum tide_rc rc = tide_store_begin(s, e);
    if (rc) return rc;
    rc = tide_sql_integer(s->writer, id, e,
                          "INSERT INTO bisects (project, good, bad, scenario, python, params,"
                          " allocator, measure, metric, samples, worse_than, status, created_ns)"
                          " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'running', ?) RETURNING id",
                          "iiiiittttiti", r->project, r->good, r->bad, r->scenario, r->python,
                          r->params, r->allocator, r->measure, r->metric, r->samples, r->worse_than,
                          tide_clock_unix_ns());
    return tide_store_commit(s, rc, e);
}

static enum tide_rc take_row(sqlite3_stmt *q, struct tide_bisect_row *r, struct tide_error *e)
{
    char **texts[] = {&r->project_name, &r->good_sha,   &r->bad_sha,   &r->scenario_name,
                      &r->python_name,  &r->params,     &r->allocator, &r->measure,
                      &r->metric,       &r->worse_than, &r->status};
    int64_t *numbers[] = {&r->id,       &r->project, &r->good,    &r->bad,
                          &r->scenario, &r->python,  &r->samples, &r->batch};
    const int n_numbers = sizeof numbers / sizeof *numbers;
    for (int i = 0; i < n_numbers; i++)
        *numbers[i] = sqlite3_column_int64(q, i);
    for (int i = 0; i < (int)(sizeof texts / sizeof *texts); i++) {
        *texts[i] = tide_sql_text(q, n_numbers + i);
        if (!*texts[i]) return tide_fail(e, TIDE_NOMEM, "read a bisect");
    }
    return TIDE_OK;
}

enum tide_rc tide_store_bisect(struct tide_store *s, int64_t id, struct tide_bisect_row *out,
                               struct tide_error *e)
{
    sqlite3_stmt *q = NULL;
    sqlite3 *db = tide_store_lend(s);
    *out = (struct tide_bisect_row){0};
    enum tide_rc rc = tide_sql_prepare(
        db, &q, e,
        "SELECT b.id, b.project, b.good, b.bad, b.scenario, b.python, b.samples, b.batch, p.name, "
        "g.sha,"
        " h.sha, s.name, y.name, b.params, b.allocator, b.measure, b.metric, b.worse_than, b.status"
        " FROM bisects b JOIN projects p ON p.id = b.project JOIN commits g ON g.id = b.good"
        " JOIN commits h ON h.id = b.bad JOIN scenarios s ON s.id = b.scenario"
        " JOIN pythons y ON y.id = b.python WHERE b.id = ?",
        "i", id);
    if (!rc) rc = tide_sql_step(q, e);
    if (!rc) rc = take_row(q, out, e);
    if (rc == TIDE_ABSENT) tide_fail(e, rc, "no bisect %lld", (long long)id);
    sqlite3_finalize(q);
    tide_store_give(s, db);
    return rc;
}

enum tide_rc tide_store_running_bisects(struct tide_store *s, int64_t **ids, size_t *n,
                                        struct tide_error *e)
{
    sqlite3_stmt *q = NULL;
    sqlite3 *db = tide_store_lend(s);
    int64_t count = 0;
    *ids = NULL;
    *n = 0;
    enum tide_rc rc = tide_sql_integer(db, &count, e,
                                       "SELECT count(*) FROM bisects WHERE status = 'running'", "");
    if (!rc && !(*ids = calloc((size_t)count + 1, sizeof **ids)))
        rc = tide_fail(e, TIDE_NOMEM, "list the bisects");
    if (!rc)
        rc = tide_sql_prepare(db, &q, e,
                              "SELECT id FROM bisects WHERE status = 'running' ORDER BY id LIMIT ?",
                              "i", count);
    while (!rc && !(rc = tide_sql_step(q, e)))
        (*ids)[(*n)++] = sqlite3_column_int64(q, 0);
    sqlite3_finalize(q);
    tide_store_give(s, db);
    return rc == TIDE_ABSENT ? TIDE_OK : rc;
}

enum tide_rc tide_store_set_bisect_left(struct tide_store *s, int64_t id, int64_t left,
                                        int64_t tries, int64_t known, struct tide_error *e)
{
    enum tide_rc rc = tide_store_begin(s, e);
    if (rc) return rc;
    rc = tide_sql_do(s->writer, e,
                     "UPDATE bisects SET left_over = ?, tries = ?, known = ? WHERE id = ?", "iiii",
                     left, tries, known, id);
    return tide_store_commit(s, rc, e);
}

enum tide_rc tide_store_end_bisect(struct tide_store *s, int64_t id, const char *status,
                                   const char *result, const char *error, struct tide_error *e)
{
    int64_t ended = 0;
    enum tide_rc rc = tide_store_begin(s, e);
    if (rc) return rc;
    rc = tide_sql_integer(s->writer, &ended, e,
                          "UPDATE bisects SET status = ?2, result = ?3, error = ?4,"
                          " finished_ns = ?5 WHERE id = ?1 AND status = 'running' RETURNING id",
                          "ittti", id, status, result, error, tide_clock_unix_ns());
    if (!rc)
        rc = tide_sql_do(s->writer, e,
                         "DELETE FROM bisect_steps WHERE bisect = ? AND outcome = 'measuring'", "i",
                         id);
    if (rc == TIDE_ABSENT)
        rc = tide_fail(e, TIDE_CONFLICT, "bisect %lld has ended already", (long long)id);
    return tide_store_commit(s, rc, e);
}

enum tide_rc tide_store_put_bisect_step(struct tide_store *s, int64_t bisect,
                                        const struct tide_bisect_step_row *step,
                                        struct tide_error *e)
{
    int64_t now = tide_clock_unix_ns();
    bool measuring = !strcmp(step->outcome, "measuring");
    enum tide_rc rc = tide_store_begin(s, e);
    if (rc) return rc;
    rc = tide_sql_do(
        s->writer, e,
        "INSERT INTO bisect_steps (bisect, seq, commit_id, outcome, value, why, cell, started_ns,"
        " finished_ns) SELECT b.id, (SELECT count(*) FROM bisect_steps WHERE bisect = b.id), c.id,"
        " ?3, ?4, ?5, nullif(?6, 0), ?7, ?8 FROM bisects b JOIN commits c ON c.project = b.project"
        " AND c.sha = ?2 WHERE b.id = ?1"
        " ON CONFLICT (bisect, commit_id) DO UPDATE SET outcome = ?3, value = ?4, why = ?5,"
        " cell = nullif(?6, 0), finished_ns = ?8",
        "ittrtiin", bisect, step->sha, step->outcome, step->value, step->why, step->cell, now,
        measuring ? (int64_t)-1 : now);
    return tide_store_commit(s, rc, e);
}

static enum tide_rc take_steps(sqlite3_stmt *q, struct tide_bisect_step_row **out, size_t *n,
                               struct tide_error *e)
{
    enum tide_rc rc;
    while (!(rc = tide_sql_step(q, e))) {
        struct tide_bisect_step_row *more = realloc(*out, (*n + 1) * sizeof *more);
        if (!more) return tide_fail(e, TIDE_NOMEM, "read the steps of a bisect");
        *out = more;
        struct tide_bisect_step_row *step = &more[(*n)++];
        *step = (struct tide_bisect_step_row){.cell = sqlite3_column_int64(q, 3)};
        snprintf(step->sha, sizeof step->sha, "%s", (const char *)sqlite3_column_text(q, 0));
        snprintf(step->outcome, sizeof step->outcome, "%s",
                 (const char *)sqlite3_column_text(q, 1));
        step->value = tide_sql_real(q, 2);
    }
    return rc == TIDE_ABSENT ? TIDE_OK : rc;
}

enum tide_rc tide_store_bisect_steps(struct tide_store *s, int64_t bisect,
                                     struct tide_bisect_step_row **out, size_t *n,
                                     struct tide_error *e)
{
    sqlite3_stmt *q = NULL;
    sqlite3 *db = tide_store_lend(s);
    *out = NULL;
    *n = 0;
    enum tide_rc rc =
        tide_sql_prepare(db, &q, e,
                         "SELECT c.sha, t.outcome, t.value, t.cell FROM bisect_steps t"
                         " JOIN commits c ON c.id = t.commit_id WHERE t.bisect = ? ORDER BY t.seq",
                         "i", bisect);
    if (!rc) rc = take_steps(q, out, n, e);
    sqlite3_finalize(q);
    tide_store_give(s, db);
    return rc;
}

/* ---- cells ---- */

static enum tide_rc find_cell(sqlite3 *db, const struct tide_cell_name *c, const char *what,
                              int64_t *id, struct tide_error *e)
{
    char sql[400];
    snprintf(sql, sizeof sql,
             "SELECT l.%s FROM commits c JOIN cells l ON l.scenario = ?3 AND l.params = ?4"
             " AND l.commit_id = c.id AND l.python = ?5 AND l.allocator = ?6 AND l.measure = ?7"
             " WHERE c.project = ?1 AND c.sha = ?2",
             what);
    return tide_sql_integer(db, id, e, sql, "itititt", c->project, c->sha, c->scenario, c->params,
                            c->python, c->allocator, c->measure);
}

static enum tide_rc read_counts(sqlite3 *db, struct tide_cell_reading *out, struct tide_error *e)
{
    sqlite3_stmt *q = NULL;
    enum tide_rc rc = tide_sql_prepare(
        db, &q, e,
        "SELECT count(*) FILTER (WHERE r.status IN ('queued', 'building', 'running')),"
        " count(*) FILTER (WHERE r.status = 'failed'),"
        " count(*) FILTER (WHERE r.status = 'cancelled'),"
        " (SELECT f.error FROM runs f WHERE f.cell = ?1 AND f.status = 'failed'"
        "  ORDER BY f.id DESC LIMIT 1),"
        " (SELECT coalesce(b.status = 'failed', 0) FROM runs f LEFT JOIN builds b ON b.id = f.build"
        "  WHERE f.cell = ?1 AND f.status = 'failed' ORDER BY f.id DESC LIMIT 1)"
        " FROM runs r WHERE r.cell = ?1",
        "i", out->cell);
    if (!rc) rc = tide_sql_step(q, e);
    if (!rc) {
        const char *error = (const char *)sqlite3_column_text(q, 3);
        out->unfinished = sqlite3_column_int64(q, 0);
        out->failed = sqlite3_column_int64(q, 1);
        out->cancelled = sqlite3_column_int64(q, 2);
        snprintf(out->error, sizeof out->error, "%s", error ? error : "");
        out->build_failed = sqlite3_column_int(q, 4) > 0;
    }
    sqlite3_finalize(q);
    return rc;
}

enum tide_rc tide_store_read_cell(struct tide_store *s, const struct tide_cell_name *c,
                                  enum tide_metric metric, struct tide_cell_reading *out,
                                  struct tide_error *e)
{
    struct tide_samples samples = {0};
    sqlite3 *db = tide_store_lend(s);
    *out = (struct tide_cell_reading){0};
    enum tide_rc rc = find_cell(db, c, "id", &out->cell, e);
    if (!rc) rc = read_counts(db, out, e);
    tide_store_give(s, db);
    if (rc) return rc == TIDE_ABSENT ? TIDE_OK : rc;
    rc = tide_store_samples(s, out->cell, metric, &samples, e);
    out->values = samples.values; /* ownership moved */
    out->n = samples.n;
    samples.values = NULL;
    tide_samples_clear(&samples);
    return rc;
}

enum tide_rc tide_store_find_series(struct tide_store *s, const struct tide_cell_name *c,
                                    int64_t *series, struct tide_error *e)
{
    sqlite3 *db = tide_store_lend(s);
    enum tide_rc rc = find_cell(db, c, "series", series, e);
    tide_store_give(s, db);
    return rc;
}

/* ---- as JSON ---- */

#define COMMIT(c)                                             \
    "json_object('sha', " c ".sha, 'subject', " c ".subject," \
    " 'committed_ns', " c ".committed_ns)"
#define BISECT_ROW                                                                               \
    "json_object('id', b.id, 'project', p.name, 'status', b.status,"                             \
    " 'good', " COMMIT("g") ", 'bad', " COMMIT(                                                  \
        "h") ", 'scenario', s.name,"                                                             \
             " 'params', json(b.params), 'python', y.name, 'allocator', b.allocator,"            \
             " 'metric', b.metric, 'unit', m.unit, 'samples', b.samples,"                        \
             " 'worse_than', nullif(b.worse_than, ''), 'known', b.known,"                        \
             " 'steps', (SELECT json_group_array(json_object('commit', " COMMIT(                 \
                 "c") ","                                                                        \
                      "   'outcome', t.outcome, 'value', t.value, 'why', t.why,"                 \
                      "   'runs', (SELECT json_group_array(r.id) FROM runs r WHERE r.cell = "    \
                      "t.cell)))"                                                                \
                      "   FROM (SELECT * FROM bisect_steps WHERE bisect = b.id ORDER BY seq) t"  \
                      "   JOIN commits c ON c.id = t.commit_id),"                                \
                      " 'left', b.left_over, 'eta_ns', iif(b.status = 'running',"                \
                      "   (SELECT (max(finished_ns) - min(started_ns)) / count(*) FROM "         \
                      "bisect_steps"                                                             \
                      "    WHERE bisect = b.id AND finished_ns IS NOT NULL) * b.tries, NULL),"   \
                      " 'result', json(b.result), 'error', b.error, 'created_ns', b.created_ns," \
                      " 'finished_ns', b.finished_ns)"
#define BISECT_FROM                                                                       \
    " FROM bisects b JOIN projects p ON p.id = b.project JOIN commits g ON g.id = b.good" \
    " JOIN commits h ON h.id = b.bad JOIN scenarios s ON s.id = b.scenario"               \
    " JOIN pythons y ON y.id = b.python JOIN metrics m ON m.name = b.metric"

enum tide_rc tide_store_bisect_json(struct tide_store *s, int64_t id, struct tide_str *out,
                                    struct tide_error *e)
{
    return tide_store_put_one(s, "bisect", id, out, e,
                              "SELECT " BISECT_ROW BISECT_FROM " WHERE b.id = ?", "i", id);
}

static const struct tide_list bisects_list = {
    .name = "bisects",
    .row = BISECT_ROW,
    .from = BISECT_FROM " WHERE (?1 IS NULL OR p.name = ?1) AND (?2 IS NULL OR b.status = ?2)",
    .id = "b.id",
    .sorts = (const struct tide_sort[]){{"status", "b.status"},
                                        {"created_ns", "b.created_ns"},
                                        {"finished_ns", "coalesce(b.finished_ns, 0)"},
                                        {NULL, NULL}},
    .sort = "-id",
};

enum tide_rc tide_store_bisects_json(struct tide_store *s, const char *project, const char *status,
                                     const struct tide_page *page, struct tide_str *out,
                                     struct tide_error *e)
{
    return tide_store_list(s, &bisects_list, page, out, e, "tt", project, status);
}
