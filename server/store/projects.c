/* projects.c - rows of projects, and what goes when one is removed. */
#include "store/internal.h"

#include <stdlib.h>
#include <string.h>

void tide_project_clear(struct tide_project *p)
{
    free(p->name);
    free(p->repo);
    free(p->branch);
    free(p->recipe);
    free(p->scenarios);
    free(p->pythons);
    free(p->baseline);
    free(p->versions);
    *p = (struct tide_project){0};
}

/* "a, b, c", for the message about a name that is none. */
static void list_names(sqlite3 *db, struct tide_str *out)
{
    sqlite3_stmt *q = NULL;
    struct tide_error e;
    if (tide_sql_prepare(db, &q, &e, "SELECT group_concat(name, ', ') FROM projects", "")) return;
    if (!tide_sql_step(q, &e) && sqlite3_column_text(q, 0))
        tide_str_put(out, (const char *)sqlite3_column_text(q, 0));
    sqlite3_finalize(q);
}

static enum tide_rc read_project(sqlite3_stmt *q, struct tide_project *out, struct tide_error *e)
{
    char **texts[] = {&out->name,      &out->repo,    &out->branch,   &out->recipe,
                      &out->scenarios, &out->pythons, &out->versions, &out->baseline};
    enum tide_rc rc = TIDE_OK;
    out->id = sqlite3_column_int64(q, 0);
    out->enabled = sqlite3_column_int(q, 1);
    for (size_t i = 0; i < sizeof texts / sizeof *texts && !rc; i++) {
        *texts[i] = tide_sql_text(q, 2 + (int)i);
        if (!*texts[i]) rc = tide_fail(e, TIDE_NOMEM, "read a project");
    }
    if (rc) tide_project_clear(out);
    return rc;
}

enum tide_rc tide_store_find_project(struct tide_store *s, const char *name,
                                     struct tide_project *out, struct tide_error *e)
{
    sqlite3_stmt *q = NULL;
    sqlite3 *db = tide_store_lend(s);
    *out = (struct tide_project){0};
    enum tide_rc rc =
        tide_sql_prepare(db, &q, e,
                         "SELECT id, enabled, name, repo, branch, recipe, scenarios, pythons,"
                         " versions, baseline FROM projects WHERE name = ?",
                         "t", name);
    if (!rc) rc = tide_sql_step(q, e);
    if (!rc) rc = read_project(q, out, e);
    if (rc == TIDE_ABSENT) {
        struct tide_str names = {0};
        list_names(db, &names);
        tide_fail(e, rc, "no project \"%.80s\"; there is %.600s", name,
                  names.at ? names.at : "none");
        tide_str_free(&names);
    }
    sqlite3_finalize(q);
    tide_store_give(s, db);
    return rc;
}

enum tide_rc tide_store_set_project(struct tide_store *s, struct tide_project *p,
                                    struct tide_error *e)
{
    int64_t other = 0;
    enum tide_rc rc = tide_store_begin(s, e);
    if (rc) return rc;
    rc =
        tide_sql_integer(s->writer, &other, e, "SELECT id FROM projects WHERE name = ? AND id <> ?",
                         "ti", p->name, p->id);
    if (!rc)
        rc = tide_fail_field(e, "name", "there is a project \"%.80s\" already", p->name);
    else if (rc == TIDE_ABSENT)
        rc = tide_sql_integer(
            s->writer, &p->id, e,
            "INSERT INTO projects (id, name, repo, branch, recipe, scenarios, pythons,"
            " enabled, versions, baseline) VALUES (nullif(?1, 0), ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, "
            "?10)"
            " ON CONFLICT (id) DO UPDATE SET name = ?2, repo = ?3, branch = ?4, recipe = ?5,"
            " scenarios = ?6, pythons = ?7, enabled = ?8, versions = ?9, baseline = ?10"
            " RETURNING id",
            "ittttttitt", p->id, p->name, p->repo, p->branch, p->recipe, p->scenarios, p->pythons,
            (int64_t)p->enabled, p->versions, p->baseline ? p->baseline : "");
    return tide_store_commit(s, rc, e);
}

#define SCENARIOS "(SELECT id FROM scenarios WHERE project = ?1)"
#define CELLS     "(SELECT id FROM cells WHERE scenario IN " SCENARIOS ")"
#define COMMITS   "(SELECT id FROM commits WHERE project = ?1)"
#define RUNS      "(SELECT id FROM runs WHERE cell IN " CELLS ")"

enum tide_rc tide_store_project_holdings(struct tide_store *s, int64_t project,
                                         struct tide_str *out, struct tide_error *e)
{
    sqlite3_stmt *q = NULL;
    sqlite3 *db = tide_store_lend(s);
    enum tide_rc rc = tide_sql_prepare(
        db, &q, e,
        "SELECT json_object('runs', (SELECT count(*) FROM runs WHERE cell IN " CELLS "),"
        " 'unfinished', (SELECT count(*) FROM runs WHERE cell IN " CELLS
        "  AND status IN ('queued', 'building', 'running')),"
        " 'cells', (SELECT count(*) FROM cells WHERE scenario IN " SCENARIOS "),"
        " 'builds', (SELECT count(*) FROM builds WHERE commit_id IN " COMMITS "),"
        " 'commits', (SELECT count(*) FROM commits WHERE project = ?1),"
        " 'scenarios', (SELECT count(*) FROM scenarios WHERE project = ?1),"
        " 'bytes', (SELECT coalesce(sum(length(payload)), 0) FROM event_chunks WHERE run IN " RUNS
        ") + (SELECT coalesce(sum(length(data)), 0) FROM curve_chunks WHERE run IN " RUNS
        ") + (SELECT coalesce(sum(length(log)), 0) FROM runs WHERE cell IN " CELLS
        ") + (SELECT coalesce(sum(length(log)), 0) FROM builds WHERE commit_id IN " COMMITS "))",
        "i", project);
    if (!rc) rc = tide_sql_step(q, e);
    if (!rc) tide_str_put(out, (const char *)sqlite3_column_text(q, 0));
    sqlite3_finalize(q);
    tide_store_give(s, db);
    return rc;
}

enum tide_rc tide_store_project_keys(struct tide_store *s, int64_t project, struct tide_str *out,
                                     struct tide_error *e)
{
    sqlite3_stmt *q = NULL;
    sqlite3 *db = tide_store_lend(s);
    enum tide_rc rc = tide_sql_prepare(
        db, &q, e, "SELECT key FROM builds WHERE commit_id IN " COMMITS, "i", project);
    rc = tide_sql_texts(q, rc, out, e);
    tide_store_give(s, db);
    return rc;
}

enum tide_rc tide_store_recorded_commit(struct tide_store *s, int64_t project, const char *sha,
                                        char **subject, int64_t *committed_ns, struct tide_error *e)
{
    sqlite3_stmt *q = NULL;
    sqlite3 *db = tide_store_lend(s);
    *subject = NULL;
    enum tide_rc rc = tide_sql_prepare(
        db, &q, e, "SELECT subject, committed_ns FROM commits WHERE project = ? AND sha = ?", "it",
        project, sha);
    if (!rc) rc = tide_sql_step(q, e);
    if (!rc) {
        *subject = tide_sql_text(q, 0);
        *committed_ns = sqlite3_column_int64(q, 1);
    }
    sqlite3_finalize(q);
    tide_store_give(s, db);
    return rc;
}

enum tide_rc tide_store_project_commits(struct tide_store *s, int64_t project, struct tide_str *out,
                                        struct tide_error *e)
{
    sqlite3_stmt *q = NULL;
    sqlite3 *db = tide_store_lend(s);
    enum tide_rc rc = tide_sql_prepare(
        db, &q, e, "SELECT sha || ' ' || subject FROM commits WHERE project = ? ORDER BY id", "i",
        project);
    rc = tide_sql_texts(q, rc, out, e);
    tide_store_give(s, db);
    return rc;
}

enum tide_rc tide_store_move_commit(struct tide_store *s, int64_t project, const char *from,
                                    const struct tide_commit_row *to, struct tide_error *e)
{
    enum tide_rc rc = tide_store_begin(s, e);
    if (rc) return rc;
    rc = tide_sql_do(s->writer, e,
                     "UPDATE OR IGNORE commits SET sha = ?3, subject = ?4, author = ?5,"
                     " committed_ns = ?6 WHERE project = ?1 AND sha = ?2",
                     "itttti", project, from, to->sha, to->subject, to->author, to->committed_ns);
    return tide_store_commit(s, rc, e);
}

enum tide_rc tide_store_remove_project(struct tide_store *s, int64_t project, struct tide_error *e)
{
    static const char *const steps[] = {
        "DELETE FROM runs WHERE cell IN " CELLS, /* with all that they measured */
        "DELETE FROM cells WHERE scenario IN " SCENARIOS,
        "DELETE FROM builds WHERE commit_id IN " COMMITS,
        "DELETE FROM scenarios WHERE project = ?1",
        "DELETE FROM commits WHERE project = ?1",
        "DELETE FROM projects WHERE id = ?1",
    };
    int64_t busy = 0;
    enum tide_rc rc = tide_store_begin(s, e);
    if (rc) return rc;
    rc = tide_sql_integer(s->writer, &busy, e,
                          "SELECT (SELECT count(*) FROM runs WHERE cell IN " CELLS
                          " AND status IN ('building', 'running')) + (SELECT count(*) FROM builds"
                          " WHERE commit_id IN " COMMITS " AND status = 'building')",
                          "i", project);
    if (!rc && busy)
        rc = tide_fail(e, TIDE_BUSY,
                       "%lld of its runs and builds are at work: try again when they have ended",
                       (long long)busy);
    for (size_t i = 0; i < sizeof steps / sizeof *steps && !rc; i++)
        rc = tide_sql_do(s->writer, e, steps[i], "i", project);
    if (!rc)
        rc = tide_sql_do(s->writer, e,
                         "DELETE FROM batches WHERE NOT EXISTS"
                         " (SELECT 1 FROM runs WHERE batch = batches.id)",
                         "");
    return tide_store_commit(s, rc, e);
}
