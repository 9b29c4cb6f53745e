/* control.c - see control.h. */
#include "store/control.h"

#include "base/clock.h"
#include "store/internal.h"

#include <stdio.h>
#include <stdlib.h>

void tide_touched_free(struct tide_touched *c)
{
    free(c->at);
    *c = (struct tide_touched){0};
}

/* ---- runs that begin anew ---- */

enum tide_rc tide_store_clear_anew(struct tide_store *s, struct tide_error *e)
{
    enum tide_rc rc = tide_sql_do(
        s->writer, e, "CREATE TEMP TABLE IF NOT EXISTS anew (id INTEGER PRIMARY KEY)", "");
    return rc ? rc : tide_sql_do(s->writer, e, "DELETE FROM anew", "");
}

enum tide_rc tide_store_begin_anew(struct tide_store *s, struct tide_error *e)
{
    static const char *const steps[] = {
        "DELETE FROM event_chunks WHERE run IN anew",
        "DELETE FROM event_places WHERE run IN anew",
        "DELETE FROM curve_chunks WHERE run IN anew",
        "DELETE FROM names WHERE run IN anew",
        "DELETE FROM phases WHERE run IN anew",
        "DELETE FROM totals WHERE run IN anew",
        "DELETE FROM proportions WHERE run IN anew",
        "UPDATE runs SET status = 'queued', attempt = attempt + 1, percent = 0, outside = 0,"
        " build = NULL, error = NULL, started_ns = NULL, finished_ns = NULL, origin_ns = NULL,"
        " base = NULL, original = NULL, tide_mark = NULL, end = NULL, floor = NULL, wall_ns = NULL,"
        " cpu_ns = NULL, events = NULL, samples = NULL, missed_ticks = NULL, expected = NULL,"
        " page_faults = NULL, leak = NULL,"
        " environment = NULL, exit = NULL, log = NULL WHERE id IN anew",
        "UPDATE batches SET finished_ns = NULL, tell = 0"
        " WHERE id IN (SELECT batch FROM runs WHERE id IN anew)",
    };
    enum tide_rc rc = tide_sql_do(
        s->writer, e,
        "INSERT INTO attempts SELECT id, attempt,"
        " iif(status IN ('building', 'running'), 'interrupted', status), error, started_ns,"
        " coalesce(finished_ns, ?) FROM runs WHERE id IN anew",
        "i", tide_clock_unix_ns());
    for (size_t i = 0; i < sizeof steps / sizeof *steps && !rc; i++)
        rc = tide_sql_do(s->writer, e, steps[i], "");
    return rc;
}

/* ---- what a command finds ---- */

static enum tide_rc require_scope(struct tide_store *s, struct tide_scope scope,
                                  struct tide_error *e)
{
    int64_t there = 0;
    enum tide_rc rc =
        tide_sql_integer(s->writer, &there, e,
                         "SELECT (?1 = 0 OR EXISTS (SELECT 1 FROM runs WHERE id = ?1))"
                         " AND (?2 = 0 OR EXISTS (SELECT 1 FROM batches WHERE id = ?2))",
                         "ii", scope.run, scope.batch);
    if (rc || there) return rc;
    return scope.run ? tide_fail(e, TIDE_ABSENT, "no run %lld", (long long)scope.run)
                     : tide_fail(e, TIDE_ABSENT, "no batch %lld", (long long)scope.batch);
}

/* The rows (run, batch) of the query, which is finalised. */
static enum tide_rc take_changes(sqlite3_stmt *q, enum tide_rc rc, struct tide_touched *out,
                                 struct tide_error *e)
{
    size_t room = 0;
    while (!rc && (rc = tide_sql_step(q, e)) == TIDE_OK) {
        if (out->n == room) {
            struct tide_touched_run *grown =
                realloc(out->at, (room = room * 2 + 64) * sizeof *out->at);
            if (!grown) {
                rc = tide_fail(e, TIDE_NOMEM, "list the runs");
                break;
            }
            out->at = grown;
        }
        out->at[out->n++] =
            (struct tide_touched_run){sqlite3_column_int64(q, 0), sqlite3_column_int64(q, 1)};
    }
    sqlite3_finalize(q);
    return rc == TIDE_ABSENT ? TIDE_OK : rc;
}

#define IN_SCOPE "(?1 = 0 OR id = ?1) AND (?2 = 0 OR batch = ?2)"

static enum tide_rc cancel(struct tide_store *s, struct tide_scope scope, struct tide_touched *out,
                           struct tide_error *e)
{
    sqlite3_stmt *q = NULL;
    int64_t now = tide_clock_unix_ns();
    enum tide_rc rc = require_scope(s, scope, e);
    if (rc) return rc;
    rc = tide_sql_prepare(s->writer, &q, e,
                          "UPDATE runs SET status = 'cancelled', finished_ns = ?3, waiting = NULL,"
                          " error = 'cancelled before it was started'"
                          " WHERE status = 'queued' AND " IN_SCOPE " RETURNING id, batch",
                          "iii", scope.run, scope.batch, now);
    rc = take_changes(q, rc, out, e);
    if (rc) return rc;
    return tide_sql_do(s->writer, e,
                       "UPDATE batches SET finished_ns = ? WHERE finished_ns IS NULL"
                       " AND EXISTS (SELECT 1 FROM runs WHERE batch = batches.id)"
                       " AND NOT EXISTS (SELECT 1 FROM runs WHERE batch = batches.id"
                       "  AND status IN ('queued', 'building', 'running'))",
                       "i", now);
}

enum tide_rc tide_store_cancel_queued(struct tide_store *s, struct tide_scope scope,
                                      struct tide_touched *out, struct tide_error *e)
{
    *out = (struct tide_touched){0};
    enum tide_rc rc = tide_store_begin(s, e);
    if (!rc) rc = tide_store_commit(s, cancel(s, scope, out, e), e);
    if (rc) tide_touched_free(out);
    return rc;
}

/* Why the one run of the scope is not tried again. */
static enum tide_rc refuse_retry(struct tide_store *s, int64_t run, struct tide_error *e)
{
    sqlite3_stmt *q = NULL;
    enum tide_rc rc = tide_sql_prepare(
        s->writer, &q, e, "SELECT status, error, imported FROM runs WHERE id = ?", "i", run);
    if (!rc) rc = tide_sql_step(q, e);
    if (!rc) {
        const char *status = (const char *)sqlite3_column_text(q, 0);
        if (sqlite3_column_int(q, 2))
            rc = tide_fail(e, TIDE_CONFLICT, "run %lld was read from a file", (long long)run);
        else if (*status == 'f')
            rc =
                tide_fail(e, TIDE_CONFLICT,
                          "run %lld failed for a reason of its own (%.300s): {\"all\": true} tries "
                          "it again",
                          (long long)run, (const char *)sqlite3_column_text(q, 1));
        else
            rc = tide_fail(e, TIDE_CONFLICT,
                           "run %lld is %s: only what failed or was cancelled is tried "
                           "again",
                           (long long)run, status);
    }
    sqlite3_finalize(q);
    return rc;
}

static enum tide_rc retry(struct tide_store *s, struct tide_scope scope, bool all,
                          struct tide_touched *out, struct tide_error *e)
{
    sqlite3_stmt *q = NULL;
    enum tide_rc rc = require_scope(s, scope, e);
    if (!rc) rc = tide_store_clear_anew(s, e);
    if (!rc)
        rc = tide_sql_do(s->writer, e,
                         "INSERT INTO anew SELECT id FROM runs WHERE " IN_SCOPE
                         " AND NOT imported AND (status = 'failed' AND (outside OR ?3)"
                         " OR status = 'cancelled' AND (?1 OR ?3))",
                         "iii", scope.run, scope.batch, (int64_t)all);
    if (!rc) rc = tide_store_begin_anew(s, e);
    if (!rc && all)
        rc = tide_sql_do(s->writer, e, "UPDATE runs SET retry_ns = ? WHERE id IN anew", "i",
                         tide_clock_unix_ns());
    if (rc) return rc;
    rc = tide_sql_prepare(s->writer, &q, e, "SELECT id, batch FROM runs WHERE id IN anew", "");
    rc = take_changes(q, rc, out, e);
    return !rc && scope.run && !out->n ? refuse_retry(s, scope.run, e) : rc;
}

enum tide_rc tide_store_retry(struct tide_store *s, struct tide_scope scope, bool all,
                              struct tide_touched *out, struct tide_error *e)
{
    *out = (struct tide_touched){0};
    enum tide_rc rc = tide_store_begin(s, e);
    if (!rc) rc = tide_store_commit(s, retry(s, scope, all, out, e), e);
    if (rc) tide_touched_free(out);
    return rc;
}

/* ---- priority, pause ---- */

enum tide_rc tide_store_set_priority(struct tide_store *s, int64_t batch, int64_t priority,
                                     struct tide_error *e)
{
    const struct tide_scope scope = {.batch = batch};
    enum tide_rc rc = tide_store_begin(s, e);
    if (rc) return rc;
    rc = require_scope(s, scope, e);
    if (!rc)
        rc = tide_sql_do(s->writer, e, "UPDATE batches SET priority = ? WHERE id = ?", "ii",
                         priority, batch);
    return tide_store_commit(s, rc, e);
}

enum tide_rc tide_store_set_paused(struct tide_store *s, bool paused, struct tide_error *e)
{
    enum tide_rc rc = tide_store_begin(s, e);
    if (rc) return rc;
    rc = tide_sql_do(s->writer, e, "UPDATE queue SET paused = ?", "i", (int64_t)paused);
    return tide_store_commit(s, rc, e);
}

/* ---- questions ---- */

/* The one row of a query without a result is ABSENT. */
static enum tide_rc ask(struct tide_store *s, int64_t *out, struct tide_error *e, const char *sql,
                        int64_t first, int64_t second)
{
    sqlite3 *db = tide_store_lend(s);
    enum tide_rc rc = tide_sql_integer(db, out, e, sql, "ii", first, second);
    tide_store_give(s, db);
    return rc;
}

enum tide_rc tide_store_is_paused(struct tide_store *s, bool *out, struct tide_error *e)
{
    int64_t paused = 0;
    enum tide_rc rc = ask(s, &paused, e, "SELECT paused FROM queue WHERE ?1 = ?2", 0, 0);
    *out = paused != 0;
    return rc;
}

enum tide_rc tide_store_is_wanted(struct tide_store *s, int64_t commit, int64_t python, bool *out,
                                  struct tide_error *e)
{
    int64_t wanted = 0;
    enum tide_rc rc = ask(s, &wanted, e,
                          "SELECT EXISTS (SELECT 1 FROM runs r JOIN cells l ON l.id = r.cell"
                          " WHERE r.status IN ('queued', 'building', 'running')"
                          " AND l.commit_id = ?1 AND l.python = ?2)",
                          commit, python);
    *out = wanted != 0;
    return rc;
}

enum tide_rc tide_store_run_status(struct tide_store *s, int64_t run, char status[16],
                                   int64_t *batch, struct tide_error *e)
{
    sqlite3_stmt *q = NULL;
    sqlite3 *db = tide_store_lend(s);
    enum tide_rc rc =
        tide_sql_prepare(db, &q, e, "SELECT status, batch FROM runs WHERE id = ?", "i", run);
    if (!rc) rc = tide_sql_step(q, e);
    if (!rc) {
        snprintf(status, 16, "%s", (const char *)sqlite3_column_text(q, 0));
        *batch = sqlite3_column_int64(q, 1);
    }
    if (rc == TIDE_ABSENT) tide_fail(e, rc, "no run %lld", (long long)run);
    sqlite3_finalize(q);
    tide_store_give(s, db);
    return rc;
}
