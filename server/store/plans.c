/* plans.c - what is on record of cells and how long their like took: what a plan is made of. */
#include "store/internal.h"

static const char facts_query[] =
    "SELECT coalesce(sum(r.status = 'done'), 0),"
    " coalesce(sum(r.status IN ('queued', 'building', 'running')), 0),"
    " coalesce(sum(r.status = 'failed'), 0), coalesce(sum(b.status = 'failed'), 0)"
    " FROM commits c JOIN cells l ON l.scenario = ?3 AND l.params = ?4 AND l.commit_id = c.id"
    " AND l.python = ?5 AND l.allocator = ?6 AND l.measure = ?7"
    " JOIN runs r ON r.cell = l.id LEFT JOIN builds b ON b.id = r.build"
    " WHERE c.project = ?1 AND c.sha = ?2";

static enum tide_rc read_facts(sqlite3 *db, const struct tide_cell_name *c,
                               struct tide_cell_facts *out, struct tide_error *e)
{
    sqlite3_stmt *q = NULL;
    enum tide_rc rc = tide_sql_prepare(db, &q, e, facts_query, "itititt", c->project, c->sha,
                                       c->scenario, c->params, c->python, c->allocator, c->measure);
    if (!rc) rc = tide_sql_step(q, e);
    if (!rc)
        *out = (struct tide_cell_facts){sqlite3_column_int64(q, 0), sqlite3_column_int64(q, 1),
                                        sqlite3_column_int64(q, 2), sqlite3_column_int64(q, 3) > 0};
    sqlite3_finalize(q);
    return rc;
}

enum tide_rc tide_store_cell_facts(struct tide_store *s, const struct tide_cell_name *cells,
                                   size_t n, struct tide_cell_facts *facts, struct tide_error *e)
{
    sqlite3 *db = tide_store_lend(s);
    enum tide_rc rc = TIDE_OK;
    for (size_t i = 0; i < n && !rc; i++)
        rc = read_facts(db, &cells[i], &facts[i], e);
    tide_store_give(s, db);
    return rc;
}

/* The first value of the prepared query in seconds, -1 for NULL, and where `tide_mark` is not NULL
 * the second, 0 for NULL; finalises it. */
static enum tide_rc take_seconds(sqlite3_stmt *q, enum tide_rc rc, double *out, int64_t *tide_mark,
                                 struct tide_error *e)
{
    if (!rc) rc = tide_sql_step(q, e);
    if (!rc)
        *out = sqlite3_column_type(q, 0) == SQLITE_NULL ? -1 : sqlite3_column_double(q, 0) / 1e9;
    if (!rc && tide_mark) *tide_mark = sqlite3_column_int64(q, 1);
    sqlite3_finalize(q);
    return rc;
}

enum tide_rc tide_store_run_seconds(struct tide_store *s, int64_t scenario, const char *params,
                                    int64_t python, double *out, int64_t *tide_mark,
                                    struct tide_error *e)
{
#define MEAN                                                                              \
    "SELECT avg(r.finished_ns - r.started_ns), max(r.tide_mark) FROM cells l JOIN runs r" \
    " ON r.cell = l.id AND r.status = 'done' WHERE l.scenario = ?1"
    sqlite3_stmt *q = NULL;
    sqlite3 *db = tide_store_lend(s);
    enum tide_rc rc = tide_sql_prepare(db, &q, e, MEAN " AND l.params = ?2 AND l.python = ?3",
                                       "iti", scenario, params, python);
    rc = take_seconds(q, rc, out, tide_mark, e);
    if (!rc && *out < 0) {
        q = NULL;
        rc = tide_sql_prepare(db, &q, e, MEAN, "i", scenario);
        rc = take_seconds(q, rc, out, NULL, e);
    }
    tide_store_give(s, db);
    return rc;
#undef MEAN
}

enum tide_rc tide_store_build_seconds(struct tide_store *s, int64_t project, int64_t python,
                                      double *out, struct tide_error *e)
{
#define MEAN                                                                \
    "SELECT avg(b.finished_ns - b.started_ns) FROM builds b JOIN commits c" \
    " ON c.id = b.commit_id AND c.project = ?1 WHERE b.status = 'done'"
    sqlite3_stmt *q = NULL;
    sqlite3 *db = tide_store_lend(s);
    enum tide_rc rc = tide_sql_prepare(db, &q, e, MEAN " AND b.python = ?2", "ii", project, python);
    rc = take_seconds(q, rc, out, NULL, e);
    if (!rc && *out < 0) {
        q = NULL;
        rc = tide_sql_prepare(db, &q, e, MEAN, "i", project);
        rc = take_seconds(q, rc, out, NULL, e);
    }
    tide_store_give(s, db);
    return rc;
#undef MEAN
}
