/* catalog.c - rows of what can be measured: projects, commits, pythons, scenarios, builds. */
#include "store/internal.h"

#include "base/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum tide_rc tide_store_put_project(struct tide_store *s, const char *name, const char *repo,
                                    int64_t *id, struct tide_error *e)
{
    enum tide_rc rc = tide_store_begin(s, e);
    if (rc) return rc;
    rc = tide_sql_integer(s->writer, id, e,
                          "INSERT INTO projects (name, repo) VALUES (?1, ?2)"
                          " ON CONFLICT (name) DO UPDATE SET repo = ?2 RETURNING id",
                          "tt", name, repo);
    return tide_store_commit(s, rc, e);
}

enum tide_rc tide_store_put_commits(struct tide_store *s, int64_t project,
                                    const struct tide_commit_row *rows, size_t n, int64_t *ids,
                                    struct tide_error *e)
{
    enum tide_rc rc = tide_store_begin(s, e);
    if (rc) return rc;
    for (size_t i = 0; i < n && !rc; i++)
        rc = tide_sql_integer(s->writer, &ids[i], e,
                              "INSERT INTO commits (project, sha, subject, author, committed_ns)"
                              " VALUES (?, ?, ?, ?, ?) ON CONFLICT (project, sha)"
                              " DO UPDATE SET subject = excluded.subject RETURNING id",
                              "ittti", project, rows[i].sha, rows[i].subject, rows[i].author,
                              rows[i].committed_ns);
    return tide_store_commit(s, rc, e);
}

enum tide_rc tide_store_put_commit(struct tide_store *s, int64_t project,
                                   const struct tide_commit_row *c, int64_t *id,
                                   struct tide_error *e)
{
    return tide_store_put_commits(s, project, c, 1, id, e);
}

static enum tide_rc put_python(sqlite3 *db, const struct tide_python_row *r, size_t position,
                               int64_t *id, struct tide_error *e)
{
    return tide_sql_integer(
        db, id, e,
        "INSERT INTO pythons (name, version, abi, prefix, program, libpython, include, source,"
        " identity, reason, present, position)"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, 1, ?11)"
        " ON CONFLICT (identity) DO UPDATE SET name = ?1, program = ?5, libpython = ?6,"
        " include = ?7, source = ?8, reason = ?10, present = 1, position = ?11 RETURNING id",
        "tttttttttti", r->name, r->version, r->abi, r->prefix, r->program, r->libpython, r->include,
        r->source, r->identity, r->reason, (int64_t)position);
}

enum tide_rc tide_store_put_pythons(struct tide_store *s, const struct tide_python_row *rows,
                                    size_t n, int64_t *ids, struct tide_error *e)
{
    enum tide_rc rc = tide_store_begin(s, e);
    if (rc) return rc;
    rc = tide_sql_do(s->writer, e, "UPDATE pythons SET present = 0", "");
    for (size_t i = 0; i < n && !rc; i++)
        rc = put_python(s->writer, &rows[i], i, &ids[i], e);
    return tide_store_commit(s, rc, e);
}

enum tide_rc tide_store_put_scenarios(struct tide_store *s, int64_t project,
                                      const struct tide_scenario_row *rows, size_t n, int64_t *ids,
                                      struct tide_error *e)
{
    enum tide_rc rc = tide_store_begin(s, e);
    if (rc) return rc;
    rc = tide_sql_do(s->writer, e, "UPDATE scenarios SET present = 0 WHERE project = ?", "i",
                     project);
    for (size_t i = 0; i < n && !rc; i++)
        rc = tide_sql_integer(
            s->writer, &ids[i], e,
            "INSERT INTO scenarios (project, name, version, file, description, present)"
            " VALUES (?1, ?2, ?3, ?4, ?5, 1) ON CONFLICT (project, name, version)"
            " DO UPDATE SET file = ?4, description = ?5, present = 1 RETURNING id",
            "itttt", project, rows[i].name, rows[i].version, rows[i].file, rows[i].description);
    return tide_store_commit(s, rc, e);
}

enum tide_rc tide_store_begin_build(struct tide_store *s, const struct tide_build_row *b,
                                    int64_t *id, struct tide_error *e)
{
    enum tide_rc rc = tide_store_begin(s, e);
    if (rc) return rc;
    rc = tide_sql_integer(
        s->writer, id, e,
        "INSERT INTO builds (key, commit_id, python, flags, compiler, status, started_ns)"
        " VALUES (?1, ?2, ?3, ?4, ?5, 'building', ?6) ON CONFLICT (key) DO UPDATE SET"
        " status = 'building', error = NULL, log = NULL, steps = NULL, started_ns = ?6,"
        " finished_ns = NULL"
        " RETURNING id",
        "tiitti", b->key, b->commit, b->python, b->flags, b->compiler, tide_clock_unix_ns());
    return tide_store_commit(s, rc, e);
}

enum tide_rc tide_store_end_build(struct tide_store *s, int64_t id, const char *error,
                                  const char *log, size_t log_size, struct tide_error *e)
{
    void *packed = NULL;
    size_t size = 0;
    enum tide_rc rc = tide_log_pack(log, log_size, &packed, &size, e);
    if (rc) return rc;
    rc = tide_store_begin(s, e);
    if (!rc) {
        rc = tide_sql_do(s->writer, e,
                         "UPDATE builds SET status = ?, error = ?, log = ?, finished_ns = ?"
                         " WHERE id = ?",
                         "ttbii", error ? "failed" : "done", error, packed, size,
                         tide_clock_unix_ns(), id);
        rc = tide_store_commit(s, rc, e);
    }
    free(packed);
    return rc;
}

enum tide_rc tide_store_set_steps(struct tide_store *s, int64_t id, const char *steps,
                                  struct tide_error *e)
{
    enum tide_rc rc = tide_store_begin(s, e);
    if (rc) return rc;
    rc = tide_sql_do(s->writer, e, "UPDATE builds SET steps = ? WHERE id = ?", "ti", steps, id);
    return tide_store_commit(s, rc, e);
}

enum tide_rc tide_store_building_key(struct tide_store *s, int64_t build, char key[64],
                                     struct tide_error *e)
{
    sqlite3_stmt *q = NULL;
    sqlite3 *db = tide_store_lend(s);
    enum tide_rc rc = tide_sql_prepare(
        db, &q, e, "SELECT iif(status = 'building', key, '') FROM builds WHERE id = ?", "i", build);
    if (!rc) rc = tide_sql_step(q, e);
    if (!rc) snprintf(key, 64, "%s", (const char *)sqlite3_column_text(q, 0));
    if (rc == TIDE_ABSENT) tide_fail(e, rc, "no build %lld", (long long)build);
    sqlite3_finalize(q);
    tide_store_give(s, db);
    return rc;
}

enum tide_rc tide_store_drop_build(struct tide_store *s, int64_t id, struct tide_error *e)
{
    enum tide_rc rc = tide_store_begin(s, e);
    if (rc) return rc;
    rc = tide_sql_do(s->writer, e, "UPDATE runs SET build = NULL WHERE build = ?", "i", id);
    if (!rc) rc = tide_sql_do(s->writer, e, "DELETE FROM builds WHERE id = ?", "i", id);
    return tide_store_commit(s, rc, e);
}

enum tide_rc tide_store_find_build(struct tide_store *s, const char *key,
                                   struct tide_known_build *out, struct tide_error *e)
{
    sqlite3_stmt *q = NULL;
    sqlite3 *db = tide_store_lend(s);
    *out = (struct tide_known_build){0};
    enum tide_rc rc =
        tide_sql_prepare(db, &q, e,
                         "SELECT id, finished_ns, status = 'failed', error FROM builds"
                         " WHERE key = ? AND status <> 'building'",
                         "t", key);
    if (!rc) rc = tide_sql_step(q, e);
    if (!rc) {
        out->id = sqlite3_column_int64(q, 0);
        out->finished_ns = sqlite3_column_int64(q, 1);
        if (sqlite3_column_int(q, 2)) {
            out->error = tide_sql_text(q, 3);
            if (!out->error) rc = tide_fail(e, TIDE_NOMEM, "find a build");
        }
    } else if (rc == TIDE_ABSENT)
        tide_fail(e, rc, "no build with key %s", key);
    sqlite3_finalize(q);
    tide_store_give(s, db);
    return rc;
}

#define UNFINISHED "r.status IN ('queued', 'building', 'running')"

enum tide_rc tide_store_idle_builds(struct tide_store *s, struct tide_str *out,
                                    struct tide_error *e)
{
    sqlite3_stmt *q = NULL;
    sqlite3 *db = tide_store_lend(s);
    enum tide_rc rc = tide_sql_prepare(
        db, &q, e,
        "WITH pairs AS MATERIALIZED (SELECT DISTINCT l.commit_id, l.python FROM runs r"
        "  JOIN cells l ON l.id = r.cell WHERE " UNFINISHED "),"
        " needed AS (SELECT r.build AS id FROM runs r WHERE " UNFINISHED " AND r.build IS NOT NULL"
        "  UNION SELECT b.id FROM pairs p JOIN builds b USING (commit_id, python)"
        "  UNION SELECT r.build FROM pairs p JOIN cells l USING (commit_id, python)"
        "  JOIN runs r ON r.cell = l.id WHERE r.build IS NOT NULL)"
        " SELECT key FROM builds WHERE status <> 'building' AND id NOT IN (SELECT id FROM needed)"
        " ORDER BY max(used_ns, finished_ns), id",
        "");
    rc = tide_sql_texts(q, rc, out, e);
    tide_store_give(s, db);
    return rc;
}
