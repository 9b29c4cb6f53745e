/* samples.c - what comparisons are made of: the cells of a side, their samples, repeated samples of
 * cells like them, and what a run ran in. */
#include "store/samples.h"
#include "store/internal.h"

#include <stdio.h>
#include <stdlib.h>

/* Append the first column of every row to *out, in new memory. */
static enum tide_rc take_reals(sqlite3_stmt *q, enum tide_rc rc, double **out, int64_t **ids,
                               size_t *n, struct tide_error *e)
{
    size_t room = 0;
    while (!rc && !(rc = tide_sql_step(q, e))) {
        if (*n == room) {
            room = room ? room * 2 : 64;
            double *values = realloc(*out, room * sizeof *values);
            if (values) *out = values;
            int64_t *more = ids ? realloc(*ids, room * sizeof *more) : NULL;
            if (more) *ids = more;
            if (!values || (ids && !more)) rc = tide_fail(e, TIDE_NOMEM, "read samples");
            if (rc) break;
        }
        if (ids) (*ids)[*n] = sqlite3_column_int64(q, 1);
        (*out)[(*n)++] = sqlite3_column_double(q, 0);
    }
    sqlite3_finalize(q);
    return rc == TIDE_ABSENT ? TIDE_OK : rc;
}

void tide_samples_clear(struct tide_samples *s)
{
    free(s->values);
    free(s->runs);
    *s = (struct tide_samples){0};
}

enum tide_rc tide_store_samples(struct tide_store *s, int64_t cell, enum tide_metric metric,
                                struct tide_samples *out, struct tide_error *e)
{
    sqlite3_stmt *q = NULL;
    struct tide_str sql = {0};
    *out = (struct tide_samples){0};
    tide_str_printf(&sql,
                    "SELECT value, id FROM (SELECT %s AS value, r.id FROM runs r WHERE r.cell = ?"
                    " AND r.status = 'done') WHERE value IS NOT NULL ORDER BY id",
                    tide_metric_sql[metric]);
    sqlite3 *db = tide_store_lend(s);
    enum tide_rc rc = sql.failed ? tide_fail(e, TIDE_NOMEM, "read samples")
                                 : tide_sql_prepare(db, &q, e, sql.at, "i", cell);
    rc = take_reals(q, rc, &out->values, &out->runs, &out->n, e);
    tide_store_give(s, db);
    tide_str_free(&sql);
    if (rc) tide_samples_clear(out);
    return rc;
}

/* Runs on another kernel, CPU or mode of huge pages are of another host. Of each series
 * the 12 newest cells are read; ?1 and ?2 are the cells that are compared. */
static const char repeats_query[] =
    "WITH self AS MATERIALIZED (SELECT scenario, params, allocator, measure, (SELECT environment "
    "FROM runs"
    "  WHERE cell = cells.id AND status = 'done' ORDER BY id DESC LIMIT 1) AS env FROM cells"
    "  WHERE id = ?1),"
    " like_it AS MATERIALIZED (SELECT u.cell FROM self JOIN series x ON x.scenario = self.scenario"
    "  AND x.params = self.params AND x.allocator = self.allocator AND x.measure = self.measure"
    "  JOIN summaries u ON u.series = x.id AND u.metric = ?3 AND u.n > 1 AND u.commit_id IN"
    "   (SELECT commit_id FROM summaries WHERE series = x.id AND metric = ?3"
    "    ORDER BY commit_id DESC LIMIT 12) WHERE u.cell NOT IN (?1, ?2))"
    " SELECT abs(value - before) FROM (SELECT %s AS value,"
    "  lag(%s) OVER (PARTITION BY r.cell ORDER BY r.id) AS before FROM like_it"
    "  JOIN runs r ON r.cell = like_it.cell AND r.status = 'done' JOIN self"
    "  WHERE r.environment IS self.env OR (r.environment ->> 'kernel' IS self.env ->> 'kernel'"
    "  AND r.environment ->> 'cpu' IS self.env ->> 'cpu'"
    "  AND r.environment ->> 'thp' IS self.env ->> 'thp'))"
    " WHERE value IS NOT NULL AND before IS NOT NULL LIMIT ?4";

enum tide_rc tide_store_repeats(struct tide_store *s, int64_t cell, int64_t other,
                                enum tide_metric metric, size_t most, struct tide_samples *out,
                                struct tide_error *e)
{
    sqlite3_stmt *q = NULL;
    struct tide_str sql = {0};
    *out = (struct tide_samples){0};
    tide_str_printf(&sql, repeats_query, tide_metric_sql[metric], tide_metric_sql[metric]);
    sqlite3 *db = tide_store_lend(s);
    enum tide_rc rc = sql.failed ? tide_fail(e, TIDE_NOMEM, "read repeated samples")
                                 : tide_sql_prepare(db, &q, e, sql.at, "iiii", cell, other,
                                                    (int64_t)metric, (int64_t)most);
    rc = take_reals(q, rc, &out->values, NULL, &out->n, e);
    tide_store_give(s, db);
    tide_str_free(&sql);
    if (rc) tide_samples_clear(out);
    return rc;
}

enum tide_rc tide_store_side_json(struct tide_store *s, const struct tide_side_filter *f,
                                  struct tide_str *out, struct tide_error *e)
{
    sqlite3_stmt *q = NULL;
    sqlite3 *db = tide_store_lend(s);
    enum tide_rc rc = tide_sql_prepare(
        db, &q, e,
        "SELECT json_group_array(json(row)) FROM (SELECT json_object('id', l.id,"
        " 'scenario', s.name, 'scenario_id', s.id, 'title', s.description ->> 'title',"
        " 'version', s.version, 'params', json(l.params),"
        " 'python', y.name, 'python_id', y.id, 'python_version', y.version, 'commit', c.sha, "
        "'allocator', l.allocator,"
        " 'measure', json(l.measure), 'key', l.params || l.measure, 'done', count(r.id)"
        "  FILTER (WHERE r.status = 'done'), 'failed', count(r.id) FILTER (WHERE r.status = "
        "'failed'),"
        " 'unfinished', count(r.id) FILTER (WHERE r.status IN ('queued', 'building', 'running')),"
        " 'running', count(r.id) FILTER (WHERE r.status IN ('building', 'running')),"
        " 'run', max(r.id), 'build', max(b.id),"
        " 'error', max(iif(r.status = 'failed', r.error, NULL)),"
        " 'build_failed', max(b.status = 'failed')) AS row"
        " FROM commits c JOIN cells l ON l.commit_id = c.id JOIN scenarios s ON s.id = l.scenario"
        " JOIN pythons y ON y.id = l.python LEFT JOIN runs r ON r.cell = l.id"
        " LEFT JOIN builds b ON b.id = r.build WHERE c.project = ?1 AND c.sha = ?2"
        " AND (?3 IS NULL OR y.name = ?3) AND (?4 IS NULL OR s.name = ?4)"
        " AND (?5 IS NULL OR l.allocator = ?5) GROUP BY l.id"
        " ORDER BY s.name, y.position, y.name, l.params, l.id)",
        "itttt", f->project, f->sha, f->python, f->scenario, f->allocator);
    if (!rc) rc = tide_sql_step(q, e);
    if (!rc) tide_str_put(out, (const char *)sqlite3_column_text(q, 0));
    if (!rc && out->failed) rc = tide_fail(e, TIDE_NOMEM, "read the cells of a side");
    sqlite3_finalize(q);
    tide_store_give(s, db);
    return rc;
}

enum tide_rc tide_store_python_named(struct tide_store *s, const char *text, char *name,
                                     size_t room, struct tide_error *e)
{
    sqlite3_stmt *q = NULL;
    sqlite3 *db = tide_store_lend(s);
    enum tide_rc rc = tide_sql_prepare(
        db, &q, e,
        "SELECT name FROM pythons WHERE name = ?1 OR version = ?1"
        " OR substr(version, 1, length(?1) + 1) = ?1 || '.'"
        " ORDER BY name = ?1 DESC, present DESC, reason IS NULL DESC, position, id DESC LIMIT 1",
        "t", text);
    if (!rc) rc = tide_sql_step(q, e);
    if (!rc) snprintf(name, room, "%s", (const char *)sqlite3_column_text(q, 0));
    if (rc == TIDE_ABSENT) tide_fail(e, rc, "no Python \"%.40s\"", text);
    sqlite3_finalize(q);
    tide_store_give(s, db);
    return rc;
}

enum tide_rc tide_store_context_json(struct tide_store *s, int64_t run, struct tide_str *out,
                                     struct tide_error *e)
{
    return tide_store_put_one(
        s, "run", run, out, e,
        "SELECT json_object('environment', json(r.environment), 'flags', b.flags, 'compiler',"
        " b.compiler) FROM runs r LEFT JOIN builds b ON b.id = r.build WHERE r.id = ?",
        "i", run);
}

enum tide_rc tide_store_empty_value(struct tide_store *s, int64_t cell, enum tide_metric metric,
                                    double *out, struct tide_error *e)
{
    sqlite3_stmt *q = NULL;
    sqlite3 *db = tide_store_lend(s);
    enum tide_rc rc = tide_sql_prepare(
        db, &q, e,
        "SELECT u.median FROM cells l JOIN commits c ON c.id = l.commit_id"
        " JOIN scenarios n ON n.project = c.project AND n.name = 'empty'"
        " JOIN pythons y ON y.id = l.python JOIN pythons z ON z.name = y.name"
        " JOIN series x ON x.scenario = n.id AND x.python = z.id AND x.allocator = l.allocator"
        " JOIN summaries u ON u.series = x.id AND u.metric = ?2"
        " JOIN commits d ON d.id = u.commit_id WHERE l.id = ?1"
        " ORDER BY abs(d.committed_ns - c.committed_ns), z.id = y.id DESC, u.cell DESC LIMIT 1",
        "ii", cell, (int64_t)metric);
    if (!rc) rc = tide_sql_step(q, e);
    if (!rc) *out = sqlite3_column_double(q, 0);
    if (rc == TIDE_ABSENT) tide_fail(e, rc, "scenario empty is not measured on this Python");
    sqlite3_finalize(q);
    tide_store_give(s, db);
    return rc;
}

enum tide_rc tide_store_spark(struct tide_store *s, int64_t cell, enum tide_metric metric, int most,
                              double *values, size_t *n, struct tide_error *e)
{
    sqlite3_stmt *q = NULL;
    sqlite3 *db = tide_store_lend(s);
    *n = 0;
    enum tide_rc rc = tide_sql_prepare(
        db, &q, e,
        "SELECT u.median FROM cells l JOIN line p ON p.commit_id = l.commit_id JOIN line q"
        " ON q.project = p.project AND q.position > p.position - ?3 AND q.position <= p.position"
        " LEFT JOIN summaries u ON u.series = l.series AND u.metric = ?2"
        " AND u.commit_id = q.commit_id WHERE l.id = ?1 ORDER BY q.position",
        "iii", cell, (int64_t)metric, (int64_t)most);
    while (!rc && !(rc = tide_sql_step(q, e)))
        values[(*n)++] = tide_sql_real(q, 0);
    sqlite3_finalize(q);
    tide_store_give(s, db);
    return rc == TIDE_ABSENT ? TIDE_OK : rc;
}

enum tide_rc tide_store_columns_json(struct tide_store *s, int64_t project, const char *sha,
                                     struct tide_str *out, struct tide_error *e)
{
    sqlite3_stmt *q = NULL;
    sqlite3 *db = tide_store_lend(s);
    enum tide_rc rc = tide_sql_prepare(
        db, &q, e,
        "SELECT coalesce(json_group_array(json_object('id', id, 'name', name, 'version', version)),"
        " '[]') FROM (SELECT max(y.id) AS id, y.name AS name, y.version AS version FROM pythons y"
        " WHERE (y.present AND y.reason IS NULL AND (SELECT EXISTS"
        "  (SELECT 1 FROM json_each(iif(p.pythons = '', '[\"all\"]', p.pythons)) w"
        "   WHERE w.value IN ('all', y.name, y.version)"
        "   OR substr(y.version, 1, length(w.value) + 1) = w.value || '.')"
        "  FROM projects p WHERE p.id = ?1)) OR y.id IN (SELECT l.python FROM cells l"
        "  JOIN commits c ON c.id = l.commit_id WHERE c.project = ?1 AND c.sha = ?2)"
        " GROUP BY y.name)",
        "it", project, sha);
    if (!rc) rc = tide_sql_step(q, e);
    if (!rc) tide_str_put(out, (const char *)sqlite3_column_text(q, 0));
    if (!rc && out->failed) rc = tide_fail(e, TIDE_NOMEM, "list the columns of a matrix");
    sqlite3_finalize(q);
    tide_store_give(s, db);
    return rc;
}

enum tide_rc tide_store_iterations(struct tide_store *s, int64_t run,
                                   struct tide_iteration_row **out, size_t *n, int64_t *payload,
                                   struct tide_error *e)
{
    sqlite3_stmt *q = NULL;
    size_t room = 0;
    sqlite3 *db = tide_store_lend(s);
    *out = NULL;
    *n = 0;
    enum tide_rc rc = tide_sql_integer(
        db, payload, e, "SELECT coalesce(original - base, 0) FROM runs WHERE id = ?", "i", run);
    if (!rc)
        rc = tide_sql_prepare(db, &q, e,
                              "SELECT value, rss FROM phases WHERE run = ? AND name = 'iteration'"
                              " ORDER BY seq",
                              "i", run);
    while (!rc && !(rc = tide_sql_step(q, e))) {
        if (*n == room) {
            room = room ? room * 2 : 320;
            struct tide_iteration_row *more = realloc(*out, room * sizeof *more);
            if (!more) {
                rc = tide_fail(e, TIDE_NOMEM, "read the iterations of a run");
                break;
            }
            *out = more;
        }
        (*out)[(*n)++] =
            (struct tide_iteration_row){sqlite3_column_int64(q, 0), sqlite3_column_int64(q, 1)};
    }
    if (q && rc == TIDE_ABSENT) rc = TIDE_OK; /* the last row was read */
    if (rc == TIDE_ABSENT) tide_fail(e, rc, "no run %lld", (long long)run);
    sqlite3_finalize(q);
    tide_store_give(s, db);
    if (!rc) return TIDE_OK;
    free(*out);
    *out = NULL;
    return rc;
}

enum tide_rc tide_store_baseline(struct tide_store *s, int64_t project, char *out, size_t room,
                                 struct tide_error *e)
{
    sqlite3_stmt *q = NULL;
    sqlite3 *db = tide_store_lend(s);
    *out = '\0';
    enum tide_rc rc =
        tide_sql_prepare(db, &q, e, "SELECT baseline FROM projects WHERE id = ?", "i", project);
    if (!rc) rc = tide_sql_step(q, e);
    if (!rc) snprintf(out, room, "%s", (const char *)sqlite3_column_text(q, 0));
    sqlite3_finalize(q);
    tide_store_give(s, db);
    return rc == TIDE_ABSENT ? TIDE_OK : rc;
}
