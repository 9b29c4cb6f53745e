/* histories.c - see histories.h. */
#include "store/histories.h"

#include "store/internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Room for one element more of `size` bytes in the array *at of n; NULL when memory ends. */
static void *grow(void **at, size_t n, size_t size)
{
    if (n == 0 || (n >= 16 && (n & (n - 1)) == 0) || n == 8) {
        size_t room = n == 0 ? 8 : n * 2;
        void *more = realloc(*at, room * size);
        if (!more) return NULL;
        *at = more;
    }
    return (char *)*at + n * size;
}

static enum tide_rc no_memory(struct tide_error *e)
{
    return tide_fail(e, TIDE_NOMEM, "read a history");
}

/* End a query whose rows were taken: its rc, ABSENT being the end of the rows. */
static enum tide_rc end(struct tide_store *s, sqlite3 *db, sqlite3_stmt *q, enum tide_rc rc)
{
    sqlite3_finalize(q);
    tide_store_give(s, db);
    return rc == TIDE_ABSENT ? TIDE_OK : rc;
}

void tide_series_rows_free(struct tide_series_row *rows, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        free(rows[i].python);
        free(rows[i].python_version);
        free(rows[i].version);
        free(rows[i].params);
        free(rows[i].allocator);
        free(rows[i].measure);
    }
    free(rows);
}

static enum tide_rc take_series(sqlite3_stmt *q, struct tide_series_row *r, struct tide_error *e)
{
    char **texts[] = {&r->python, &r->python_version, &r->version,
                      &r->params, &r->allocator,      &r->measure};
    *r = (struct tide_series_row){sqlite3_column_int64(q, 0),
                                  sqlite3_column_int64(q, 1),
                                  sqlite3_column_int64(q, 2),
                                  NULL,
                                  NULL,
                                  NULL,
                                  NULL,
                                  NULL,
                                  NULL};
    for (int i = 0; i < (int)(sizeof texts / sizeof *texts); i++) {
        *texts[i] = tide_sql_text(q, 3 + i);
        if (!*texts[i]) return no_memory(e);
    }
    return TIDE_OK;
}

enum tide_rc tide_store_series_of(struct tide_store *s, const char *project, const char *scenario,
                                  enum tide_metric metric, struct tide_series_row **out, size_t *n,
                                  struct tide_error *e)
{
    sqlite3_stmt *q = NULL;
    sqlite3 *db = tide_store_lend(s);
    *out = NULL;
    *n = 0;
    enum tide_rc rc = tide_sql_prepare(
        db, &q, e,
        "SELECT t.id, y.id, (SELECT count(*) FROM summaries WHERE series = t.id AND metric = ?3),"
        " y.name, y.version, n.version, t.params, t.allocator, t.measure FROM series t"
        " JOIN scenarios n ON n.id = t.scenario JOIN projects p ON p.id = n.project"
        " JOIN pythons y ON y.id = t.python WHERE p.name = ?1 AND n.name = ?2"
        " ORDER BY y.position, y.id, n.id, t.id",
        "tti", project, scenario, (int64_t)metric);
    while (!rc && !(rc = tide_sql_step(q, e))) {
        struct tide_series_row *row = grow((void **)out, *n, sizeof *row);
        rc = row ? take_series(q, row, e) : no_memory(e);
        *n += row != NULL;
    }
    return end(s, db, q, rc);
}

void tide_line_commits_free(struct tide_line_commit *commits, size_t n)
{
    for (size_t i = 0; i < n; i++)
        free(commits[i].subject);
    free(commits);
}

enum tide_rc tide_store_line_commits(struct tide_store *s, int64_t project,
                                     struct tide_line_commit **out, size_t *n, struct tide_error *e)
{
    sqlite3_stmt *q = NULL;
    sqlite3 *db = tide_store_lend(s);
    *out = NULL;
    *n = 0;
    enum tide_rc rc = tide_sql_prepare(db, &q, e,
                                       "SELECT c.id, c.committed_ns, c.sha, c.subject FROM line l"
                                       " JOIN commits c ON c.id = l.commit_id"
                                       " WHERE l.project = ? ORDER BY l.position",
                                       "i", project);
    while (!rc && !(rc = tide_sql_step(q, e))) {
        struct tide_line_commit *c = grow((void **)out, *n, sizeof *c);
        if (!c) {
            rc = no_memory(e);
            break;
        }
        *c = (struct tide_line_commit){.id = sqlite3_column_int64(q, 0),
                                       .committed_ns = sqlite3_column_int64(q, 1)};
        snprintf(c->sha, sizeof c->sha, "%s", (const char *)sqlite3_column_text(q, 2));
        c->subject = tide_sql_text(q, 3);
        ++*n;
        if (!c->subject) rc = no_memory(e);
    }
    return end(s, db, q, rc);
}

enum tide_rc tide_store_cells_of(struct tide_store *s, int64_t series, struct tide_cell_place **out,
                                 size_t *n, struct tide_error *e)
{
    sqlite3_stmt *q = NULL;
    sqlite3 *db = tide_store_lend(s);
    *out = NULL;
    *n = 0;
    enum tide_rc rc = tide_sql_prepare(
        db, &q, e, "SELECT id, commit_id FROM cells WHERE series = ?", "i", series);
    while (!rc && !(rc = tide_sql_step(q, e))) {
        struct tide_cell_place *c = grow((void **)out, *n, sizeof *c);
        if (!c) {
            rc = no_memory(e);
            break;
        }
        *c = (struct tide_cell_place){sqlite3_column_int64(q, 0), sqlite3_column_int64(q, 1)};
        ++*n;
    }
    return end(s, db, q, rc);
}

enum tide_rc tide_store_cell_status(struct tide_store *s, int64_t cell, const char **out,
                                    struct tide_error *e)
{
    static const char *const names[] = {NULL,     "failed",  "build_failed",
                                        "queued", "running", "running"};
    sqlite3 *db = tide_store_lend(s);
    int64_t status = 0;
    enum tide_rc rc = tide_sql_integer(
        db, &status, e,
        "SELECT coalesce(max(CASE r.status WHEN 'running' THEN 5 WHEN 'building' THEN 4"
        " WHEN 'queued' THEN 3 WHEN 'failed' THEN iif(b.status = 'failed', 2, 1) ELSE 0 END), 0)"
        " FROM runs r LEFT JOIN builds b ON b.id = r.build WHERE r.cell = ?",
        "i", cell);
    tide_store_give(s, db);
    *out = names[status];
    return rc;
}

enum tide_rc tide_store_broken(struct tide_store *s, int64_t project, int64_t python, int64_t **out,
                               size_t *n, struct tide_error *e)
{
    sqlite3_stmt *q = NULL;
    sqlite3 *db = tide_store_lend(s);
    *out = NULL;
    *n = 0;
    enum tide_rc rc = tide_sql_prepare(db, &q, e,
                                       "SELECT b.commit_id FROM builds b JOIN commits c"
                                       " ON c.id = b.commit_id AND c.project = ?"
                                       " WHERE b.python = ? AND b.status = 'failed'",
                                       "ii", project, python);
    while (!rc && !(rc = tide_sql_step(q, e))) {
        int64_t *commit = grow((void **)out, *n, sizeof *commit);
        if (!commit) {
            rc = no_memory(e);
            break;
        }
        *commit = sqlite3_column_int64(q, 0);
        ++*n;
    }
    return end(s, db, q, rc);
}

void tide_kept_changes_free(struct tide_kept_change *changes, size_t n)
{
    for (size_t i = 0; i < n; i++)
        free(changes[i].accepted);
    free(changes);
}

enum tide_rc tide_store_kept_changes(struct tide_store *s, int64_t series, enum tide_metric metric,
                                     struct tide_kept_change **out, size_t *n, struct tide_error *e)
{
    sqlite3_stmt *q = NULL;
    sqlite3 *db = tide_store_lend(s);
    *out = NULL;
    *n = 0;
    enum tide_rc rc = tide_sql_prepare(
        db, &q, e,
        "SELECT g.id, commit_id, last, kind = 'creep', status = 'confirmed', before, after, effect,"
        " low, high, iif(reason IS NULL, NULL, json_object('reason', reason, 'by', accepted_by,"
        " 'at_ns', accepted_ns)) FROM changes g JOIN line USING (commit_id)"
        " WHERE series = ? AND metric = ? AND status <> 'dropped' ORDER BY position",
        "ii", series, (int64_t)metric);
    while (!rc && !(rc = tide_sql_step(q, e))) {
        struct tide_kept_change *c = grow((void **)out, *n, sizeof *c);
        if (!c) {
            rc = no_memory(e);
            break;
        }
        const char *accepted = (const char *)sqlite3_column_text(q, 10);
        *c = (struct tide_kept_change){sqlite3_column_int64(q, 0),
                                       sqlite3_column_int64(q, 1),
                                       sqlite3_column_int64(q, 2),
                                       sqlite3_column_int(q, 3) > 0,
                                       sqlite3_column_int(q, 4) > 0,
                                       tide_sql_real(q, 5),
                                       tide_sql_real(q, 6),
                                       tide_sql_real(q, 7),
                                       tide_sql_real(q, 8),
                                       tide_sql_real(q, 9),
                                       accepted ? strdup(accepted) : NULL};
        ++*n;
    }
    return end(s, db, q, rc);
}
