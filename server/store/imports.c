/* imports.c - rows around a run that was read from a file.
 *
 * A run belongs to a cell, and that to a commit, a python and a scenario. For an imported one these
 * are: project `imported`, a commit whose sha is the file's hash (so the same file always gives the
 * same cell), the python that the file names, and a scenario named after the file. */
#include "store/internal.h"

#include "base/clock.h"

static enum tide_rc put_project(sqlite3 *db, int64_t *id, struct tide_error *e)
{
    return tide_sql_integer(db, id, e,
                            "INSERT INTO projects (name, repo) VALUES ('imported', '')"
                            " ON CONFLICT (name) DO UPDATE SET repo = repo RETURNING id",
                            "");
}

static enum tide_rc put_cell(sqlite3 *db, const struct tide_import_row *r, int64_t *cell,
                             struct tide_error *e)
{
    int64_t project = 0, commit = 0, python = 0, scenario = 0;
    enum tide_rc rc = put_project(db, &project, e);
    if (!rc)
        rc = tide_sql_integer(db, &commit, e,
                              "INSERT INTO commits (project, sha, subject, author, committed_ns)"
                              " VALUES (?1, ?2, ?3, '', ?4) ON CONFLICT (project, sha)"
                              " DO UPDATE SET subject = ?3 RETURNING id",
                              "itti", project, r->sha, r->name, tide_clock_unix_ns());
    if (!rc)
        rc = tide_sql_integer(
            db, &python, e,
            "INSERT INTO pythons (name, version, abi, prefix, program, libpython, include, source,"
            " identity, reason, present, position) VALUES (?1, ?1, '', '', '', '', '', 'imported',"
            " 'imported ' || ?1, 'it is known from imported runs only', 0, 0)"
            " ON CONFLICT (identity) DO UPDATE SET name = ?1 RETURNING id",
            "t", r->python);
    if (!rc)
        rc = tide_sql_integer(
            db, &scenario, e,
            "INSERT INTO scenarios (project, name, version, file, description, present)"
            " VALUES (?1, ?2, ?3, '', json_object('title', 'Imported from ' || ?4, 'module', '',"
            " 'params', json_array()), 0)"
            " ON CONFLICT (project, name, version) DO UPDATE SET present = 0 RETURNING id",
            "ittt", project, r->name, r->sha, r->format);
    if (rc) return rc;
    return tide_sql_integer(db, cell, e,
                            "INSERT INTO cells (scenario, params, commit_id, python, allocator,"
                            " measure) VALUES (?1, '{}', ?2, ?3, 'unknown', '{}')"
                            " ON CONFLICT DO UPDATE SET params = '{}' RETURNING id",
                            "iii", scenario, commit, python);
}

enum tide_rc tide_store_begin_import(struct tide_store *s, const struct tide_import_row *r,
                                     int64_t *run, int64_t *batch, struct tide_error *e)
{
    int64_t cell = 0, now = tide_clock_unix_ns();
    enum tide_rc rc = tide_store_begin(s, e);
    if (rc) return rc;
    rc = put_cell(s->writer, r, &cell, e);
    if (!rc)
        rc = tide_sql_integer(
            s->writer, batch, e,
            "INSERT INTO batches (queued_ns, reason) VALUES (?, 'import') RETURNING id", "i", now);
    if (!rc)
        rc =
            tide_sql_integer(s->writer, run, e,
                             "INSERT INTO runs (batch, cell, sample, status, queued_ns, started_ns,"
                             " imported) VALUES (?1, ?2, 1, 'running', ?3, ?3, 1) RETURNING id",
                             "iii", *batch, cell, now);
    return tide_store_commit(s, rc, e);
}

enum tide_rc tide_store_drop_import(struct tide_store *s, int64_t run, struct tide_error *e)
{
#define OURS "project = (SELECT id FROM projects WHERE name = 'imported')"
    static const char *const steps[] = {
        "DELETE FROM batches WHERE NOT EXISTS (SELECT 1 FROM runs WHERE batch = batches.id)",
        "DELETE FROM cells WHERE scenario IN (SELECT id FROM scenarios WHERE " OURS ")"
        " AND NOT EXISTS (SELECT 1 FROM runs WHERE cell = cells.id)",
        "DELETE FROM scenarios WHERE " OURS
        " AND NOT EXISTS (SELECT 1 FROM cells WHERE scenario = scenarios.id)",
        "DELETE FROM commits WHERE " OURS
        " AND NOT EXISTS (SELECT 1 FROM cells WHERE commit_id = commits.id)",
        "DELETE FROM pythons WHERE source = 'imported'"
        " AND NOT EXISTS (SELECT 1 FROM cells WHERE python = pythons.id)",
        "DELETE FROM projects WHERE name = 'imported'"
        " AND NOT EXISTS (SELECT 1 FROM commits WHERE project = projects.id)",
    };
#undef OURS
    enum tide_rc rc = tide_store_begin(s, e);
    if (rc) return rc;
    rc = tide_sql_do(s->writer, e, "DELETE FROM runs WHERE id = ? AND imported", "i", run);
    for (size_t i = 0; i < sizeof steps / sizeof *steps && !rc; i++)
        rc = tide_sql_do(s->writer, e, steps[i], "");
    return tide_store_commit(s, rc, e);
}
