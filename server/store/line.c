/* line.c - the first-parent line of a project's branch, so that the order of its commits costs no
 * call of git. */
#include "store/internal.h"

#include <stdio.h>
#include <stdlib.h>

static enum tide_rc put_line(sqlite3 *db, int64_t project, const int64_t *commits, size_t n,
                             struct tide_error *e)
{
    sqlite3_stmt *q = NULL;
    enum tide_rc rc = tide_sql_do(db, e, "DELETE FROM line WHERE project = ?", "i", project);
    if (!rc)
        rc = tide_sql_prepare(db, &q, e,
                              "INSERT INTO line (project, position, commit_id) VALUES (?, ?, ?)",
                              "i", project);
    for (size_t i = 0; i < n && !rc; i++) {
        sqlite3_bind_int64(q, 2, (int64_t)i);
        sqlite3_bind_int64(q, 3, commits[i]);
        rc = tide_sql_step(q, e);
        sqlite3_reset(q);
        if (rc == TIDE_ABSENT) rc = TIDE_OK;
    }
    sqlite3_finalize(q);
    return rc;
}

enum tide_rc tide_store_put_line(struct tide_store *s, int64_t project, const int64_t *commits,
                                 size_t n, struct tide_error *e)
{
    enum tide_rc rc = tide_store_begin(s, e);
    if (rc) return rc;
    return tide_store_commit(s, put_line(s->writer, project, commits, n, e), e);
}

enum tide_rc tide_store_line(struct tide_store *s, int64_t project, int64_t **commits, size_t *n,
                             struct tide_error *e)
{
    sqlite3_stmt *q = NULL;
    sqlite3 *db = tide_store_lend(s);
    int64_t count = 0;
    *commits = NULL;
    *n = 0;
    enum tide_rc rc = tide_sql_integer(db, &count, e, "SELECT count(*) FROM line WHERE project = ?",
                                       "i", project);
    if (!rc && !(*commits = calloc((size_t)count + 1, sizeof **commits)))
        rc = tide_fail(e, TIDE_NOMEM, "read a line of commits");
    if (!rc)
        rc = tide_sql_prepare(db, &q, e,
                              "SELECT commit_id FROM line WHERE project = ?1"
                              " ORDER BY position LIMIT ?2",
                              "ii", project, count);
    while (!rc && !(rc = tide_sql_step(q, e)))
        (*commits)[(*n)++] = sqlite3_column_int64(q, 0);
    sqlite3_finalize(q);
    tide_store_give(s, db);
    if (rc == TIDE_ABSENT) return TIDE_OK;
    free(*commits);
    *commits = NULL;
    return rc;
}

enum tide_rc tide_store_line_tip(struct tide_store *s, int64_t project, char sha[65],
                                 struct tide_error *e)
{
    sqlite3_stmt *q = NULL;
    sqlite3 *db = tide_store_lend(s);
    *sha = '\0';
    enum tide_rc rc =
        tide_sql_prepare(db, &q, e,
                         "SELECT c.sha FROM line l JOIN commits c ON c.id = l.commit_id"
                         " WHERE l.project = ? ORDER BY l.position DESC LIMIT 1",
                         "i", project);
    if (!rc) rc = tide_sql_step(q, e);
    if (!rc) snprintf(sha, 65, "%s", (const char *)sqlite3_column_text(q, 0));
    sqlite3_finalize(q);
    tide_store_give(s, db);
    return rc == TIDE_ABSENT ? TIDE_OK : rc;
}
